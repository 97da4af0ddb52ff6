/* chat.c - chat templates: texts as llama.cpp gives them (tests/peer/tokens.sh), recognition by characteristic strings, errors */
#include "engine/chat.h"

#include "../tap.h"
#include "../tokens.h"

static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++)
		*to++ = *s != '\\' ? *s : *++s == 'n' ? '\n' : *s == 't' ? '\t' : *s;
	*to = '\0';
}

enum { MESSAGES = 16 };

static unsigned check_chat(struct golden *want, const struct chat_message *m, size_t n, int answer, unsigned templates)
{
	static char got[4096];
	unsigned bad = 0;

	for (unsigned i = 0; i < templates; i++) {
		char *line = golden_line(want), *bar = line ? strchr(line, '|') : NULL;
		const struct chat_template *c;
		size_t k;
		if (!bar)
			return bad + 1;
		*bar = '\0';
		unescape(bar + 1);
		c = chat_find(line);
		memset(got, '#', sizeof got);
		k = c ? chat_apply(got, NULL, sizeof got - 1, c, m, n, answer) : 0;
		if (!c || k >= sizeof got || k != strlen(bar + 1) || memcmp(got, bar + 1, k) != 0 || got[k] != '#') {
			printf("# %s: got  %.*s\n# want %s\n", line, c ? (int)k : 7, c ? got : "nothing", bar + 1);
			bad++;
		}
	}
	return bad;
}

static void check_golden(void)
{
	struct arena a = { 0 };
	struct golden chats, want;
	struct chat_message m[MESSAGES];
	size_t n = 0;
	unsigned cases = 0, templates = 0;
	char *line;

	if (!golden_open(&chats, &a, "tests/tokens/chats.txt") || !golden_open(&want, &a, "tests/tokens/chats.golden") || !golden_line(&want)) {
		ok(0, "tests/tokens can be read");
		return;
	}
	/* all but dots1 and Gemma 4's two, which llama.cpp has no name for */
	while (chat_at(templates))
		templates++;
	templates -= 3;
	while ((line = golden_line(&chats))) {
		char *bar = strchr(line, '|');
		if (*line == '#')
			continue;
		if (bar && n < MESSAGES) {
			*bar = '\0';
			unescape(bar + 1);
			m[n++] = (struct chat_message){ line, bar + 1 };
			continue;
		}
		is_u64(check_chat(&want, m, n, strcmp(line, "end answer") == 0, templates), 0, "chat %u of %u messages by %u templates", ++cases, (unsigned)n, templates);
		n = 0;
	}
	ok(!golden_line(&want), "no result is left over");
	arena_free(&a);
}

static void check_detect(void)
{
	static const char *const cases[][2] = { { "{{'<|im_start|>' + role}}", "chatml" }, { "<|im_start|>x<|im_sep|>", "phi4" }, { "<|im_start|><end_of_utterance>", "smolvlm" },
		{ "[INST] {{ m }}", "llama2" }, { "[INST] <<SYS>>", "llama2-sys" }, { "bos_token + '[INST] <<SYS>>", "llama2-sys-bos" }, { "[INST] content.strip()", "llama2-sys-strip" },
		{ "' [INST] ' + system_message", "mistral-v1" }, { "[AVAILABLE_TOOLS] '[INST]'", "mistral-v3" }, { "[AVAILABLE_TOOLS] \"[INST]\"", "mistral-v3-tekken" },
		{ "[AVAILABLE_TOOLS] + ' [INST]'", "mistral-v1" }, { "[SYSTEM_PROMPT] [INST]", "mistral-v7" }, { "<|assistant|><|end|>", "phi3" }, { "[gMASK]<sop><|user|><|assistant|>", "chatglm4" },
		{ "<|user|><|assistant|></s>", "falcon3" }, { "<|user|><|assistant|>", "glmedge" }, { "<|user|><|assistant|><|tool_declare|>", "exaone-moe" }, { "<|user|><|endoftext|>", "zephyr" },
		{ "<start_of_turn>model", "gemma" }, { "'<|turn>' + role + '<turn|>'", "gemma4" },
		{ "'<|turn>' '<turn|>' '<|turn>model\\n' '<|channel>thought\\n<channel|>'", "gemma4-no-thought" }, { "<|start_header_id|>a<|end_header_id|>", "llama3" }, { "<|header_start|>a<|header_end|>", "llama4" },
		{ "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "command-r" }, { "'Assistant: ' + message['content'] + eos_token", "deepseek2" },
		{ "<｜Assistant｜><｜User｜><｜end▁of▁sentence｜>", "deepseek3" }, { "[|system|][|assistant|][|endofturn|]", "exaone3" }, { "[|tool|][|system|][|assistant|][|endofturn|]", "exaone4" },
		{ "<|start_of_role|>", "granite" }, { "<|start_of_role|><tools>", "granite-4.1" }, { "<|start_of_role|><tools>g4_default_system_message", "granite-4.0" },
		{ "<|start|>assistant<|channel|>final", "gpt-oss" }, { "<|extra_0|><|extra_4|>", "hunyuan-moe" }, { "<｜hy_Assistant｜><｜hy_place▁holder▁no▁3｜>", "hunyuan-dense" },
		{ "<|im_assistant|>assistant<|im_middle|>", "kimi-k2" }, { "<seed:bos>", "seed_oss" }, { "USER: ASSISTANT: ", "vicuna" }, { "<|endofuserprompt|>", "dots1" } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct chat_template *c = chat_detect(cases[i][0]);
		ok(c && strcmp(chat_name(c), cases[i][1]) == 0, "%s is %s, read as %s", cases[i][0], cases[i][1], c ? chat_name(c) : "nothing");
	}
	ok(!chat_detect("{{ messages }}") && !chat_detect("") && !chat_detect(NULL), "others are not recognised");
}

static void check_choose(void)
{
	const struct chat_template *c;
	struct error err = { 0 };
	unsigned missing = 0;
	char all[1024];

	ok(chat_choose(&c, "glm4", "<|im_start|>", &err) == OK && strcmp(chat_name(c), "chatglm4") == 0, "a name wins over the file's template; glm4 is chatglm4");
	ok(chat_choose(&c, NULL, "<|im_start|>", &err) == OK && strcmp(chat_name(c), "chatml") == 0, "without a name the file's template is recognised");
	ok(chat_choose(&c, "lama3", NULL, &err) == E_USAGE && !c && strstr(err.text, "lama3") && err.n_candidates > 0, "a misspelt name: %s", err.text);
	snprintf(all, sizeof all, " %s %s ", strstr(err.text, "are:") + 4, err.hint);
	for (unsigned i = 0; chat_at(i); i++) {
		char name[64];
		snprintf(name, sizeof name, " %s ", chat_name(chat_at(i)));
		missing += !strstr(all, name);
	}
	is_u64(missing, 0, "text and hint name every template");
	ok(chat_choose(&c, NULL, "{{ x }}", &err) == E_USAGE && strstr(err.text, "not recognised"), "%.60s", err.text);
	ok(chat_choose(&c, NULL, NULL, &err) == E_USAGE && strstr(err.text, "no chat template"), "%.60s", err.text);
}

/* What Google's gemma-4-31B-it.jinja makes of these messages when it is run (jinja2 3.1.6), but for the beginning of text. */
static void check_gemma4(void)
{
	static const struct chat_message m[] = { { "system", " Be brief.\n" }, { "user", " hi " }, { "assistant", "yo" }, { "user", "again" } };
	static const char want[] = "<|turn>system\nBe brief.<turn|>\n<|turn>user\nhi<turn|>\n<|turn>model\nyo<turn|>\n<|turn>user\nagain<turn|>\n<|turn>model\n<|channel>thought\n<channel|>";
	char out[512];
	size_t n = chat_apply(out, NULL, sizeof out, chat_find("gemma4-no-thought"), m, 4, 1);

	ok(n == sizeof want - 1 && memcmp(out, want, n) == 0, "gemma4-no-thought writes what the template makes");
	n = chat_apply(out, NULL, sizeof out, chat_find("gemma4"), m, 4, 1);
	ok(n == sizeof want - 1 - strlen("<|channel>thought\n<channel|>") && memcmp(out, want, n) == 0, "gemma4: the same without the empty thought");
}

static void check_bounds(void)
{
	static const struct chat_message m[] = { { "user", "abc" } };
	char out[8];

	memset(out, '#', sizeof out);
	is_u64(chat_apply(out, NULL, 4, chat_find("chatml"), m, 1, 1), strlen("<|im_start|>user\nabc<|im_end|>\n<|im_start|>assistant\n"), "the length is that of the whole text");
	ok(memcmp(out, "<|im####", 8) == 0, "only cap bytes are written");
	is_u64(chat_apply(NULL, NULL, 0, chat_find("chatml"), m, 0, 0), 0, "no messages, no text");
}

/* Which bytes are a message's and which the template's; what stands behind an answer. */
static void check_told(void)
{
	static const struct chat_message m[] = { { "system", " Be brief. " }, { "user", " <|im_end|> " }, { "assistant", "x<s>x" } };
	static const struct { const char *name, *end; } ends[] = { { "chatml", "<|im_end|>" }, { "phi3", "<|end|>" }, { "gemma", "<end_of_turn>" }, { "llama3", "<|eot_id|>" }, { "llama4", "<|eot|>" },
		{ "deepseek", "<|EOT|>" }, { "openchat", "<|end_of_turn|>" }, { "command-r", "<|END_OF_TURN_TOKEN|>" }, { "mistral-v7", "</s>" }, { "gpt-oss", "<|return|>" },
		{ "falcon3", NULL }, { "chatglm4", NULL }, { "rwkv-world", NULL }, { "deepseek-ocr", NULL }, { "orion", "</s>" } };
	char out[1024], told[1024], theirs[1024];
	unsigned bad = 0;

	for (unsigned i = 0; chat_at(i); i++) {
		size_t n = chat_apply(out, told, sizeof out, chat_at(i), m, 3, 1), k = 0;
		for (size_t j = 0; j < n; j++)
			if (told[j] == 1)
				theirs[k++] = out[j];
			else
				bad += told[j] != 0;
		theirs[k] = '\0';
		/* a template has all of a message, with blanks around it or without, or leaves it out */
		if (!strstr(theirs, "<|im_end|>") || strstr(theirs, "INST") || strstr(theirs, "<|im_start|>") || strspn(theirs, " <|im_end>xsBebrif.") != k) {
			printf("# %s: %s\n", chat_name(chat_at(i)), theirs);
			bad++;
		}
	}
	is_u64(bad, 0, "messages' bytes, and they alone, are marked in every template");
	memset(told, '#', sizeof told);
	chat_apply(out, told, 20, chat_find("chatml"), &m[1], 1, 1);
	ok(memcmp(told, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\1####", 24) == 0, "as far as cap");
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t n = 0;
		const char *end = chat_end(&n, chat_find(ends[i].name));
		ok(ends[i].end ? end && n == strlen(ends[i].end) && memcmp(end, ends[i].end, n) == 0 : !end, "%s ends an answer with %.*s", ends[i].name, end ? (int)n : 7, end ? end : "nothing");
	}
}

int main(void)
{
	check_golden();
	check_told();
	check_detect();
	check_choose();
	check_gemma4();
	check_bounds();
	return done_testing();
}
