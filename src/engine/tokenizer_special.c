/* tokenizer_special.c - control tokens: which ones end a text, and where their texts stand in a text
 *
 * GGUF files often mark end tokens as normal ones or leave their ids out, so that readers go by the texts. The lists are those of llama.cpp's llama-vocab.cpp. */
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DS_END "<\xef\xbd\x9c" "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"
#define DS_FIM(x) "<\xef\xbd\x9c" "fim\xe2\x96\x81" x "\xef\xbd\x9c>"

/* End of a text, a turn or a message. */
static const char *const ends[] = { "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>", "</s>",
	"<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", DS_END, "[e~[", NULL };
/* End of a turn where the file gives no id: the first that there is. */
static const char *const turns[] = { "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<EOT>", "_<EOT>", "[EOT]", DS_END,
	"<end_of_utterance>", NULL };
/* Markers for filling in code: control tokens whatever the file says; those of the last three groups also end a text. */
static const struct { const char *key, *key2; uint8_t ends; const char *text[9]; } fills[] = {
	{ "tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id", 0, { "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", DS_FIM("begin"), "<PRE>",
		"\xe2\x96\x81<PRE>", "<|code_prefix|>", "<|prefix|>" } },
	{ "tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id", 0, { "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", DS_FIM("hole"), "<SUF>",
		"\xe2\x96\x81<SUF>", "<|code_suffix|>", "<|suffix|>" } },
	{ "tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id", 0, { "<|fim_middle|>", "<fim-middle>", "<fim_middle>", DS_FIM("end"), "<MID>",
		"\xe2\x96\x81<MID>", "<|code_middle|>", "<|middle|>" } },
	{ "tokenizer.ggml.fim_pad_token_id", NULL, 1, { "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]" } },
	{ "tokenizer.ggml.fim_rep_token_id", NULL, 1, { "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>" } },
	{ "tokenizer.ggml.fim_sep_token_id", NULL, 1, { "<|file_sep|>" } },
};

static int32_t find(const struct tokenizer *t, const char *text) { return vocab_find(t, text, strlen(text)); }

/* The token of lowest id among the texts. */
static int32_t find_any(const struct tokenizer *t, const char *const *text, size_t n)
{
	int32_t best = NO_TOKEN;

	for (size_t i = 0; i < n && text[i]; i++) {
		int32_t id = find(t, text[i]);
		if (id != NO_TOKEN && (best == NO_TOKEN || id < best))
			best = id;
	}
	return best;
}

static void detect_fills(struct tokenizer *t)
{
	for (size_t i = 0; i < sizeof fills / sizeof *fills; i++) {
		uint64_t u = UINT64_MAX;
		int32_t id = NO_TOKEN;
		if (gguf_u64(&u, t->g, fills[i].key, NULL) == 1 && u < t->n_vocab)
			id = (int32_t)u;
		if (fills[i].key2 && gguf_u64(&u, t->g, fills[i].key2, NULL) == 1 && u < t->n_vocab)
			id = (int32_t)u;
		if (id == NO_TOKEN && (id = find_any(t, fills[i].text, 9)) != NO_TOKEN)
			t->attr[id] |= TOKEN_CONTROL;
		if (id != NO_TOKEN && fills[i].ends)
			t->attr[id] |= TOKEN_ENDS;
	}
}

/* Harmony's (gpt-oss) and solar-open's "<|end|>" closes a message, not the answer; gemma4's and plamo's "</s>" is a word. */
static void detect_exceptions(struct tokenizer *t)
{
	static const char *const harmony[] = { "<|channel|>", "<|message|>", "<|start|>", "<|constrain|>" };
	int32_t end = find(t, "<|end|>"), s = find(t, "</s>"), plamo = find(t, "<|plamo:eos|>");
	int called = find(t, "<|call|>") != NO_TOKEN || find(t, "<|calls|>") != NO_TOKEN;

	for (size_t i = 0; i < sizeof harmony / sizeof *harmony; i++) {
		int32_t id = find(t, harmony[i]);
		if (id != NO_TOKEN)
			t->attr[id] = (uint16_t)(TOKEN_USER | (t->attr[id] & TOKEN_ENDS));
	}
	if (t->eos != NO_TOKEN)
		t->attr[t->eos] |= TOKEN_ENDS;
	if (t->eot != NO_TOKEN)
		t->attr[t->eot] |= TOKEN_ENDS;
	if (t->eom != NO_TOKEN)
		t->attr[t->eom] |= TOKEN_ENDS;
	if (end != NO_TOKEN && called && (find(t, "<|return|>") != NO_TOKEN || find(t, "<|flush|>") != NO_TOKEN))
		t->attr[end] = TOKEN_USER;
	if (s != NO_TOKEN && (find(t, "<|tool_response>") != NO_TOKEN || (plamo != NO_TOKEN && (t->attr[plamo] & TOKEN_ENDS))))
		t->attr[s] = TOKEN_NORMAL;
}

void special_detect(struct tokenizer *t)
{
	if (t->eot == NO_TOKEN && (t->eot = find_any(t, turns, sizeof turns / sizeof *turns)) != NO_TOKEN)
		t->attr[t->eot] |= TOKEN_CONTROL;
	if (t->eom == NO_TOKEN && (t->eom = find(t, "<|eom_id|>")) != NO_TOKEN)
		t->attr[t->eom] |= TOKEN_CONTROL;
	detect_fills(t);
	for (size_t i = 0; ends[i]; i++) {
		int32_t id = find(t, ends[i]);
		if (id != NO_TOKEN)
			t->attr[id] |= TOKEN_ENDS | TOKEN_CONTROL;
	}
	detect_exceptions(t);
}

static int contains(const char *s, const char *part) { return s && strstr(s, part); }

/* Blanks beside some models' control tokens belong to the token; files do not say so. */
static void strip_rules(struct tokenizer *t)
{
	static const char *const keeps[] = { "<unk>", "<s>", "<|endoftext|>" };
	const char *name = NULL, *arch = NULL, *pre = NULL;
	char lower[128] = "";
	int32_t id;

	(void)!gguf_str(&name, t->g, "general.name", NULL);
	(void)!gguf_str(&arch, t->g, "general.architecture", NULL);
	(void)!gguf_str(&pre, t->g, "tokenizer.ggml.pre", NULL);
	for (size_t i = 0; name && name[i] && i + 1 < sizeof lower; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	if (contains(pre, "jina-v2-de") || contains(pre, "jina-v2-es") || contains(pre, "jina-v2-code") || contains(arch, "nomic-bert-moe") || contains(arch, "jina-bert-v3")) {
		if ((id = find(t, "<mask>")) != NO_TOKEN)
			t->attr[id] |= TOKEN_LSTRIP;
	} else if (contains(lower, "phi-3") || contains(lower, "phi3")) {
		for (uint32_t i = 0; i < t->special.n; i++)
			t->attr[t->special.id[i]] |= TOKEN_RSTRIP;
		if ((id = find(t, "</s>")) != NO_TOKEN)
			t->attr[id] |= TOKEN_RSTRIP;
		for (size_t i = 0; i < sizeof keeps / sizeof *keeps; i++)
			if ((id = find(t, keeps[i])) != NO_TOKEN)
				t->attr[id] &= (uint16_t)~TOKEN_RSTRIP;
	} else if (contains(lower, "modern-bert") && (id = find(t, "[MASK]")) != NO_TOKEN) {
		t->attr[id] |= TOKEN_LSTRIP;
	}
}

int special_build(struct tokenizer *t)
{
	uint32_t n, longest = 0, *count;

	if (prefix_build(&t->special, t, TOKEN_CONTROL | TOKEN_USER | TOKEN_UNKNOWN) != OK)
		return E_NOMEM;
	n = t->special.n;
	for (uint32_t i = 0; i < n; i++)
		if (t->special.text[i].n > longest)
			longest = t->special.text[i].n;
	/* longest first, by counting */
	t->special_order = arena_array(&t->arena, n ? n : 1, sizeof *t->special_order);
	count = calloc((size_t)longest + 2, sizeof *count);
	if (!t->special_order || !count) {
		free(count);
		return E_NOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		count[longest - t->special.text[i].n + 1]++;
	for (uint32_t k = 1; k <= longest; k++)
		count[k] += count[k - 1];
	for (uint32_t i = 0; i < n; i++)
		t->special_order[count[longest - t->special.text[i].n]++] = i;
	free(count);
	strip_rules(t);
	return OK;
}

/* The token takes each of its places that no longer one has taken, from the left. closed (NULL: nowhere): bytes that it cannot have. */
static void take(int32_t *owner, const struct tokenizer *t, uint32_t index, const char *text, const char *closed, size_t n)
{
	const struct token_text *x = &t->special.text[index];
	uint32_t id = t->special.id[index];

	for (size_t at = 0; n >= x->n && at <= n - x->n;) {
		const char *hit = memchr(text + at, *x->p, n - x->n + 1 - at);
		size_t i = hit ? (size_t)(hit - text) : n, end = i + x->n, free_bytes = 0;
		if (!hit)
			return;
		at = i + 1;
		if (memcmp(hit, x->p, x->n) != 0)
			continue;
		while (free_bytes < x->n && owner[i + free_bytes] == OWNER_TEXT && !(closed && closed[i + free_bytes]))
			free_bytes++;
		if (free_bytes < x->n)
			continue;
		at = end;
		for (size_t j = i; t->attr[id] & TOKEN_LSTRIP && j > 0 && owner[j - 1] == OWNER_TEXT && isspace((unsigned char)text[j - 1]); j--)
			owner[j - 1] = OWNER_TAKEN;
		owner[i] = (int32_t)id;
		for (size_t j = i + 1; j < end; j++)
			owner[j] = OWNER_TAKEN;
		for (; t->attr[id] & TOKEN_RSTRIP && at < n && owner[at] == OWNER_TEXT && isspace((unsigned char)text[at]); at++)
			owner[at] = OWNER_TAKEN;
	}
}

int special_partition(int32_t *owner, struct encoding *e, const char *text, size_t n, int parse)
{
	const struct tokenizer *t = e->t;
	const struct prefix_index *x = &t->special;
	unsigned char *found = encoding_block(e, BLOCK_FOUND, x->n ? x->n : 1, 1);

	if (!found)
		return E_NOMEM;
	memset(found, 0, x->n);
	for (size_t i = 0; i < n; i++) {
		owner[i] = OWNER_TEXT;
		for (uint32_t k = prefix_longest(x, text + i, n - i); k != NO_PREFIX; k = x->parent[k])
			found[k] = 1;
	}
	for (uint32_t k = 0; k < x->n; k++) {
		uint32_t index = t->special_order[k];
		int control = (t->attr[x->id[index]] & (TOKEN_CONTROL | TOKEN_UNKNOWN)) != 0;
		if (found[index] && (parse || !control))
			take(owner, t, index, text, control ? e->told : NULL, n);
	}
	return OK;
}
