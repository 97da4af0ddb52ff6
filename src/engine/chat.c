/* chat.c - chat templates: one row each, and how a row is applied
 *
 * Formats: %r the role, %u it in capitals, %c it with a capital, %t the text, %s the text without blanks around it, %p system messages so far and an empty line (then
 * they are forgotten), %b "<s>" unless this is the first message, %l "Assistant:" when it is the last. Texts, names and how templates are recognised are those of
 * llama.cpp's llama-chat.cpp, but for Gemma 4, which it runs as a program. */
#include "engine/chat.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct chat_template {
	const char *name;
	const char *system, *user, *assistant, *other;   /* NULL: left out */
	const char *answer;                      /* the beginning of the assistant's message */
	const char *begin;                       /* in front of all */
	const char *turn;                        /* in front of a message that follows the assistant's */
	const char *no_system;                   /* in front when the first message is not the system's */
	unsigned char system_first;              /* a system message counts only as the first */
	unsigned char keep_system;               /* system messages wait for %p: 1 trimmed, 2 as they are */
};

#define SAME(f) f, f, f, f
#define FW_BAR "\xef\xbd\x9c"                    /* U+FF5C */
#define LOW "\xe2\x96\x81"                       /* U+2581 */
#define DS_END "<" FW_BAR "end" LOW "of" LOW "sentence" FW_BAR ">"
#define HY(x) "<" FW_BAR "hy_" x FW_BAR ">"
#define HY_PLACE(n) HY("place" LOW "holder" LOW "no" LOW n)
#define COHERE(who) "<|START_OF_TURN_TOKEN|><|" who "_TOKEN|>"
#define GEMMA4 "<|turn>system\n%s<turn|>\n", "<|turn>user\n%s<turn|>\n", "<|turn>model\n%s<turn|>\n", NULL
#define PANGU(who, end) "[unused9]" who "：" end

static const struct chat_template templates[] = {
	{ "chatml", SAME("<|im_start|>%r\n%t<|im_end|>\n"), "<|im_start|>assistant\n", .system_first = 0 },
	{ "llama2", "%t\n", "%t [/INST]", "%t</s>", "%t</s>", NULL, .begin = "[INST] ", .turn = "[INST] " },
	{ "llama2-sys", "<<SYS>>\n%t\n<</SYS>>\n\n", "%t [/INST]", "%t</s>", "%t</s>", NULL, .begin = "[INST] ", .turn = "[INST] " },
	{ "llama2-sys-bos", "<<SYS>>\n%t\n<</SYS>>\n\n", "%t [/INST]", "%t</s>", "%t</s>", NULL, .begin = "[INST] ", .turn = "<s>[INST] " },
	{ "llama2-sys-strip", "<<SYS>>\n%s\n<</SYS>>\n\n", "%s [/INST]", "%s</s>", "%s</s>", NULL, .begin = "[INST] ", .turn = "[INST] " },
	{ "mistral-v1", "%t\n\n", "%t [/INST]", " %t</s>", " %t</s>", NULL, .begin = " [INST] ", .turn = " [INST] " },
	{ "mistral-v3", "%t\n\n", "%t[/INST]", " %s</s>", " %s</s>", NULL, .begin = "[INST] ", .turn = "[INST] " },
	{ "mistral-v3-tekken", "%t\n\n", "%t[/INST]", "%t</s>", "%t</s>", NULL, .begin = "[INST]", .turn = "[INST]" },
	{ "mistral-v7", "[SYSTEM_PROMPT] %t[/SYSTEM_PROMPT]", "[INST] %t[/INST]", " %t</s>", " %t</s>", NULL, .system_first = 0 },
	{ "mistral-v7-tekken", "[SYSTEM_PROMPT]%t[/SYSTEM_PROMPT]", "[INST]%t[/INST]", "%t</s>", "%t</s>", NULL, .system_first = 0 },
	{ "phi3", SAME("<|%r|>\n%t<|end|>\n"), "<|assistant|>\n", .system_first = 0 },
	{ "phi4", SAME("<|im_start|>%r<|im_sep|>%t<|im_end|>"), "<|im_start|>assistant<|im_sep|>", .system_first = 0 },
	{ "falcon3", SAME("<|%r|>\n%t\n"), "<|assistant|>\n", .system_first = 0 },
	{ "zephyr", SAME("<|%r|>\n%t<|endoftext|>\n"), "<|assistant|>\n", .system_first = 0 },
	{ "monarch", SAME("%b%r\n%t</s>\n"), "<s>assistant\n", .system_first = 0 },
	{ "gemma", NULL, "<start_of_turn>%r\n%p%s<end_of_turn>\n", "<start_of_turn>model\n%s<end_of_turn>\n", "<start_of_turn>%r\n%p%s<end_of_turn>\n",
		"<start_of_turn>model\n", .keep_system = 1 },
	{ "orion", NULL, "Human: %p%t\n\nAssistant: </s>", "%t</s>", "%t</s>", NULL, .keep_system = 2 },
	{ "openchat", "%t<|end_of_turn|>", "GPT4 Correct %c: %t<|end_of_turn|>", "GPT4 Correct %c: %t<|end_of_turn|>", "GPT4 Correct %c: %t<|end_of_turn|>",
		"GPT4 Correct Assistant:", .system_first = 0 },
	{ "vicuna", "%t\n\n", "USER: %t\n", "ASSISTANT: %t</s>\n", NULL, "ASSISTANT:", .system_first = 0 },
	{ "vicuna-orca", "SYSTEM: %t\n", "USER: %t\n", "ASSISTANT: %t</s>\n", NULL, "ASSISTANT:", .system_first = 0 },
	{ "deepseek", "%t", "### Instruction:\n%t\n", "### Response:\n%t\n<|EOT|>\n", NULL, "### Response:\n", .system_first = 0 },
	{ "deepseek2", "%t\n\n", "User: %t\n\n", "Assistant: %t" DS_END, NULL, "Assistant:", .system_first = 0 },
	{ "deepseek3", "%t\n\n", "<" FW_BAR "User" FW_BAR ">%t", "<" FW_BAR "Assistant" FW_BAR ">%t" DS_END, NULL, "<" FW_BAR "Assistant" FW_BAR ">", .system_first = 0 },
	{ "deepseek-ocr", SAME("%t"), NULL, .system_first = 0 },
	{ "command-r", COHERE("SYSTEM") "%s<|END_OF_TURN_TOKEN|>", COHERE("USER") "%s<|END_OF_TURN_TOKEN|>", COHERE("CHATBOT") "%s<|END_OF_TURN_TOKEN|>", NULL,
		COHERE("CHATBOT"), .system_first = 0 },
	{ "llama3", SAME("<|start_header_id|>%r<|end_header_id|>\n\n%s<|eot_id|>"), "<|start_header_id|>assistant<|end_header_id|>\n\n", .system_first = 0 },
	{ "chatglm3", SAME("<|%r|>\n %t"), "<|assistant|>", .begin = "[gMASK]sop" },
	{ "chatglm4", SAME("<|%r|>\n%t"), "<|assistant|>\n", .begin = "[gMASK]<sop>" },
	{ "glmedge", SAME("<|%r|>\n%t"), "<|assistant|>", .system_first = 0 },
	{ "minicpm", "%s", "<用户>%s<AI>", "%s", "%s", NULL, .system_first = 0 },
	{ "exaone3", "[|system|]%s[|endofturn|]\n", "[|user|]%s\n", "[|assistant|]%s[|endofturn|]\n", NULL, "[|assistant|]", .system_first = 0 },
	{ "exaone4", "[|system|]%s[|endofturn|]\n", "[|user|]%s\n", "[|assistant|]%s[|endofturn|]\n", "[|tool|]%s[|endofturn|]\n", "[|assistant|]", .system_first = 0 },
	{ "exaone-moe", SAME("<|%r|>\n%s<|endofturn|>\n"), "<|assistant|>\n", .system_first = 0 },
	{ "rwkv-world", "System: %s\n\n", "User: %s\n\n%l", "Assistant: %s\n\n", NULL, NULL, .system_first = 0 },
	{ "granite", SAME("<|start_of_role|>%r<|end_of_role|>%t<|end_of_text|>\n"), "<|start_of_role|>assistant<|end_of_role|>", .system_first = 0 },
	{ "granite-4.0", SAME("<|start_of_role|>%r<|end_of_role|>%t<|end_of_text|>\n"), "<|start_of_role|>assistant<|end_of_role|>", .system_first = 0 },
	{ "granite-4.1", SAME("<|start_of_role|>%r<|end_of_role|>%t<|end_of_text|>\n"), "<|start_of_role|>assistant<|end_of_role|>", .system_first = 0 },
	{ "gigachat", "%t<|message_sep|>", "user<|role_sep|>%t<|message_sep|>available functions<|role_sep|>[]<|message_sep|>", "assistant<|role_sep|>%t<|message_sep|>", NULL,
		"assistant<|role_sep|>", .begin = "<s>", .system_first = 1 },
	{ "megrez", SAME("<|role_start|>%r<|role_end|>%t<|turn_end|>"), "<|role_start|>assistant<|role_end|>", .system_first = 0 },
	{ "yandex", NULL, " Пользователь: %t\n\n", " Ассистент: %t\n\n", NULL, " Ассистент:[SEP]", .system_first = 0 },
	{ "bailing", "<role>%u</role>%t", "<role>HUMAN</role>%t", "<role>%u</role>%t", "<role>%u</role>%t", "<role>ASSISTANT</role>", .system_first = 0 },
	{ "bailing-think", "<role>%u</role>%t", "<role>HUMAN</role>%t", "<role>%u</role>%t", "<role>%u</role>%t", "<role>ASSISTANT</role><think>", .system_first = 0 },
	{ "bailing2", "<role>%u</role>%t<|role_end|>", "<role>HUMAN</role>%t<|role_end|>", "<role>%u</role>%t<|role_end|>", "<role>%u</role>%t<|role_end|>",
		"<role>ASSISTANT</role>", .no_system = "<role>SYSTEM</role>detailed thinking off<|role_end|>" },
	{ "llama4", SAME("<|header_start|>%r<|header_end|>\n\n%s<|eot|>"), "<|header_start|>assistant<|header_end|>\n\n", .system_first = 0 },
	{ "smolvlm", "%t\n\n", "User: %t<end_of_utterance>\n", "Assistant: %t<end_of_utterance>\n", "Assistant: %t<end_of_utterance>\n", "Assistant:", .begin = "<|im_start|>" },
	{ "dots1", "<|system|>%t<|endofsystem|>", "<|userprompt|>%t<|endofuserprompt|>", "<|response|>%t<|endofresponse|>", "<|response|>%t<|endofresponse|>", "<|response|>",
		.system_first = 0 },
	{ "hunyuan-moe", "<|startoftext|>%t<|extra_4|>", "<|startoftext|>%t<|extra_0|>", "%t<|eos|>", "<|startoftext|>%t<|extra_0|>", NULL, .system_first = 0 },
	{ "gpt-oss", "<|start|>%r<|message|>%t<|end|>", "<|start|>%r<|message|>%t<|end|>", "<|start|>%r<|message|>%t<|return|>", "<|start|>%r<|message|>%t<|end|>",
		"<|start|>assistant", .system_first = 0 },
	{ "hunyuan-dense", "%t" HY_PLACE("3"), HY("User") "%t" HY("Assistant"), HY("Assistant") "%t" HY_PLACE("2"), NULL, NULL, .system_first = 1 },
	{ "hunyuan-vl", "%t" HY_PLACE("3"), "%t" HY("User"), "%t" HY("Assistant"), NULL, NULL, .begin = HY("begin" LOW "of" LOW "sentence"), .system_first = 1 },
	{ "kimi-k2", "<|im_system|>system<|im_middle|>%t<|im_end|>", "<|im_user|>user<|im_middle|>%t<|im_end|>", "<|im_assistant|>assistant<|im_middle|>%t<|im_end|>",
		"<|im_system|>tool<|im_middle|>%t<|im_end|>", "<|im_assistant|>assistant<|im_middle|>", .system_first = 0 },
	{ "seed_oss", "<seed:bos>%r\n%t<seed:eos>", "<seed:bos>%r\n%t<seed:eos>", "<seed:bos>%r\n%s<seed:eos>", "<seed:bos>%r\n%t<seed:eos>", "<seed:bos>assistant\n",
		.system_first = 0 },
	{ "grok-2", "System: %s<|separator|>\n\n", "Human: %s<|separator|>\n\n", "Assistant: %t<|separator|>\n\n", NULL, "Assistant:", .system_first = 0 },
	{ "pangu-embedded", PANGU("系统", "%t[unused10]"), PANGU("用户", "%t[unused10]"), PANGU("助手", "%t[unused10]"), PANGU("工具", "%t[unused10]"), PANGU("助手", ""),
		.no_system = PANGU("系统", "[unused10]") },
	/* Google's template for Gemma 4; some files of it write an empty thought in front of an answer, so that none is thought up */
	{ "gemma4", GEMMA4, "<|turn>model\n", .system_first = 0 },
	{ "gemma4-no-thought", GEMMA4, "<|turn>model\n<|channel>thought\n<channel|>", .system_first = 0 },
	{ "solar-open", SAME("<|begin|>%r<|content|>%t<|end|>"), "<|begin|>assistant", .system_first = 0 },
};
enum { TEMPLATES = sizeof templates / sizeof *templates };

const struct chat_template *chat_at(unsigned i) { return i < TEMPLATES ? &templates[i] : NULL; }
const char *chat_name(const struct chat_template *c) { return c->name; }

const struct chat_template *chat_find(const char *name)
{
	static const char *const also[][2] = { { "llama-3", "llama3" }, { "qwen", "chatml" }, { "smollm", "chatml" }, { "glm4", "chatglm4" }, { "harmony", "gpt-oss" },
		{ "mistral", "mistral-v7" } };

	for (size_t i = 0; i < sizeof also / sizeof *also; i++)
		if (strcmp(also[i][0], name) == 0)
			name = also[i][1];
	for (unsigned i = 0; i < TEMPLATES; i++)
		if (strcmp(templates[i].name, name) == 0)
			return &templates[i];
	return NULL;
}

struct text { char *out, *told; size_t cap, n; char in_message; };

static void put(struct text *t, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++, t->n++) {
		if (t->n >= t->cap)
			continue;
		t->out[t->n] = s[i];
		if (t->told)
			t->told[t->n] = t->in_message;
	}
}
static void put_string(struct text *t, const char *s) { put(t, s, s ? strlen(s) : 0); }

/* A message's text, without blanks around it when trimmed. */
static void put_message(struct text *t, const char *s, int trimmed)
{
	size_t n = strlen(s);

	while (trimmed && n && isspace((unsigned char)*s))
		s++, n--;
	while (trimmed && n && isspace((unsigned char)s[n - 1]))
		n--;
	t->in_message = 1;
	put(t, s, n);
	t->in_message = 0;
}

static void put_role(struct text *t, const char *role, char how)
{
	for (size_t i = 0; role[i]; i++) {
		char c = how == 'u' || (how == 'c' && i == 0) ? (char)toupper((unsigned char)role[i]) : role[i];
		put(t, &c, 1);
	}
}

static int is(const struct chat_message *m, const char *role) { return strcmp(m->role, role) == 0; }

/* System messages of m[from, to), and an empty line when they have any text. */
static void put_system(struct text *t, const struct chat_template *c, const struct chat_message *m, size_t from, size_t to)
{
	size_t before = t->n;

	for (; from < to; from++)
		if (is(&m[from], "system"))
			put_message(t, m[from].text, c->keep_system == 1);
	if (t->n > before)
		put_string(t, "\n\n");
}

size_t chat_apply(char *out, char *told, size_t cap, const struct chat_template *c, const struct chat_message *m, size_t n, int generate)
{
	struct text t = { .out = out, .told = told, .cap = cap };
	size_t said = 0;                         /* system messages before this one are written */

	put_string(&t, c->begin);
	if (n && !is(&m[0], "system"))
		put_string(&t, c->no_system);
	for (size_t i = 0; i < n; i++) {
		int system = is(&m[i], "system"), answered = i && !is(&m[i - 1], "system") && !is(&m[i - 1], "user");
		const char *f = system ? c->system : is(&m[i], "user") ? c->user : is(&m[i], "assistant") ? c->assistant : c->other;
		if (answered)
			put_string(&t, c->turn);
		if (!f || (system && c->system_first && i))
			continue;
		for (; *f; f++) {
			if (*f != '%') {
				put(&t, f, 1);
				continue;
			}
			switch (*++f) {
			case 't': put_message(&t, m[i].text, 0); break;
			case 's': put_message(&t, m[i].text, 1); break;
			case 'b': put_string(&t, i ? "<s>" : ""); break;
			case 'l': put_string(&t, i + 1 == n ? "Assistant:" : ""); break;
			case 'p':
				put_system(&t, c, m, said, i);
				said = i;
				break;
			default: put_role(&t, m[i].role, *f);
			}
		}
	}
	if (generate)
		put_string(&t, c->answer);
	return t.n;
}

const char *chat_end(size_t *n, const struct chat_template *c)
{
	const char *f = c->assistant, *end = NULL;

	for (; f && *f; f++)
		if (f[0] == '%' && (f[1] == 't' || f[1] == 's'))
			end = f + 2;
	while (end && isspace((unsigned char)*end))
		end++;
	if (!end || !*end)
		return NULL;
	*n = strlen(end);
	while (isspace((unsigned char)end[*n - 1]))
		--*n;
	return end;
}

int chat_choose(const struct chat_template **out, const char *name, const char *jinja, struct error *err)
{
	char list[1024] = "";
	size_t n = 0, cut = 380;
	struct near_matches near;
	int rc;

	*out = name ? chat_find(name) : chat_detect(jinja);
	if (*out)
		return OK;
	for (unsigned i = 0; i < TEMPLATES; i++)
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? " " : "", templates[i].name);
	while (list[cut] != ' ')                 /* text and hint hold the list together */
		cut--;
	list[cut] = '\0';
	if (name)
		rc = error_set(err, E_USAGE, "chat template '%.40s' is not known; known are: %s", name, list);
	else
		rc = error_set(err, E_USAGE, "%s; --chat=NAME takes one of: %s", jinja ? "the file's chat template is not recognised" : "the file has no chat template", list);
	error_hint(err, "%s", list + cut + 1);
	if (name) {
		near_init(&near, name);
		for (unsigned i = 0; i < TEMPLATES; i++)
			near_offer(&near, templates[i].name);
		near_report(&near, err);
	}
	return rc;
}
