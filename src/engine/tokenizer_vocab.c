/* tokenizer_vocab.c - the vocabulary's arrays out of the metadata, and texts to symbols by hash */
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "tokenizer.ggml."
enum { MAX_VOCAB = 1 << 26 };

static uint64_t get_le(const unsigned char *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = n; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

/* An array's bytes begin with its type and count, 4 + 8; raw stands behind them. */
struct string_walk string_walk(const struct gguf_value *v)
{
	return (struct string_walk){ v->v.raw, v->bytes - 12 };
}

int string_next(struct token_text *out, struct string_walk *w)
{
	uint64_t n;

	if (w->left < 8)
		return 0;
	n = get_le(w->p, 8);
	if (n > w->left - 8 || n > INT32_MAX)
		return 0;
	*out = (struct token_text){ (const char *)w->p + 8, (uint32_t)n };
	w->p += 8 + n;
	w->left -= 8 + n;
	return 1;
}

static uint32_t hash(const char *p, size_t n)
{
	uint64_t h = n * UINT64_C(0x9e3779b97f4a7c15), w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, p, n);
	h = (h ^ w) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t)(h ^ h >> 32);
}

/* The slot of the text, or the free one where it would go. Hashes are compared first: texts lie scattered in the file. */
static uint32_t slot_of(const struct tokenizer *t, const char *p, size_t n, uint32_t h)
{
	uint32_t i = h & t->slot_mask;

	for (; t->slot[i]; i = (i + 1) & t->slot_mask) {
		const struct token_text *x;
		if (t->slot[i] >> 32 != h)
			continue;
		x = &t->text[(uint32_t)t->slot[i] - 1];
		if (x->n == n && memcmp(x->p, p, n) == 0)
			break;
	}
	return i;
}

int32_t symbol_find(const struct tokenizer *t, const char *p, size_t n)
{
	return n && n <= UINT32_MAX ? (int32_t)(uint32_t)t->slot[slot_of(t, p, n, hash(p, n))] - 1 : -1;
}

static int grow_slots(struct tokenizer *t)
{
	uint32_t size = (t->slot_mask + 1) * 2;
	uint64_t *old = t->slot, *slot = calloc(size, sizeof *slot);

	if (!slot)
		return E_NOMEM;
	for (uint32_t k = 0; k <= t->slot_mask; k++) {
		uint32_t i = (uint32_t)(old[k] >> 32) & (size - 1);
		if (!old[k])
			continue;
		while (slot[i])
			i = (i + 1) & (size - 1);
		slot[i] = old[k];
	}
	t->slot = slot;
	t->slot_mask = size - 1;
	free(old);
	return OK;
}

int32_t symbol_add(struct tokenizer *t, const char *p, size_t n)
{
	uint32_t h = hash(p, n), i = slot_of(t, p, n, h);

	if (t->slot[i])
		return (int32_t)(uint32_t)t->slot[i] - 1;
	if (t->n_symbols == t->cap_symbols) {
		uint32_t cap = t->cap_symbols + t->cap_symbols / 2 + 256;
		struct token_text *text = realloc(t->text, cap * sizeof *text);
		if (!text)
			return -1;
		t->text = text;
		t->cap_symbols = cap;
	}
	if (t->n_symbols >= (t->slot_mask + 1) / 2) {
		if (grow_slots(t) != OK)
			return -1;
		i = slot_of(t, p, n, h);
	}
	t->text[t->n_symbols] = (struct token_text){ p, (uint32_t)n };
	t->slot[i] = (uint64_t)h << 32 | (t->n_symbols + 1);
	return (int32_t)t->n_symbols++;
}

static const struct gguf_value *array_of(const struct tokenizer *t, const char *key, unsigned elem, unsigned elem2, int *rc, struct error *err)
{
	const struct gguf_value *v = gguf_find(t->g, key);

	*rc = OK;
	if (v && (v->type != GGUF_ARRAY || (v->elem != elem && v->elem != elem2))) {
		*rc = error_set(err, E_FILE, "%s: key %s is not an array of %s", t->g->file, key, elem == GGUF_STRING ? "strings" : elem == GGUF_F32 ? "f32" : "i32");
		return NULL;
	}
	return v;
}

static int read_tokens(struct tokenizer *t, struct error *err)
{
	int rc;
	const struct gguf_value *v = array_of(t, KEY "tokens", GGUF_STRING, GGUF_STRING, &rc, err);
	struct string_walk w;
	uint32_t slots = 1024;

	if (rc != OK)
		return rc;
	if (!v || v->n == 0)
		return error_set(err, E_FILE, "%s: key " KEY "tokens is %s", t->g->file, v ? "empty" : "missing");
	if (v->n > MAX_VOCAB)
		return error_set(err, E_FILE, "%s: key " KEY "tokens has %llu elements; at most %d are supported", t->g->file, (unsigned long long)v->n, MAX_VOCAB);
	while (slots < v->n * 2 + v->n / 2)
		slots *= 2;
	t->cap_symbols = (uint32_t)v->n + 512;
	t->text = malloc(t->cap_symbols * sizeof *t->text);
	t->slot = calloc(slots, sizeof *t->slot);
	t->slot_mask = slots - 1;
	if (!t->text || !t->slot)
		return error_set(err, E_NOMEM, "%s: no memory for a vocabulary of %llu tokens", t->g->file, (unsigned long long)v->n);
	w = string_walk(v);
	for (uint32_t i = 0; i < v->n; i++) {
		struct token_text x;
		if (!string_next(&x, &w))
			return error_set(err, E_FILE, "%s: key " KEY "tokens: string %u runs past the end", t->g->file, i);
		if (x.n == 0) {                          /* a name of its own, as other readers give it */
			x.p = arena_printf(&t->arena, "[EMPTY_%u]", i);
			if (!x.p)
				return error_set(err, E_NOMEM, "%s: no memory for the vocabulary", t->g->file);
			x.n = (uint32_t)strlen(x.p);
		}
		int32_t id = symbol_add(t, x.p, x.n);
		if (id < 0)
			return error_set(err, E_NOMEM, "%s: no memory for the vocabulary", t->g->file);
		if ((uint32_t)id != i)
			return error_set(err, E_FILE, "%s: key " KEY "tokens: tokens %d and %u have the same text", t->g->file, id, i);
		if (x.n > t->longest)
			t->longest = x.n;
	}
	t->n_vocab = t->n_symbols;
	return OK;
}

static int read_scores(struct tokenizer *t, struct error *err)
{
	int rc;
	const struct gguf_value *v = array_of(t, KEY "scores", GGUF_F32, GGUF_I32, &rc, err);

	if (rc != OK || !v)
		return rc;
	if (v->n < t->n_vocab)
		return error_set(err, E_FILE, "%s: key " KEY "scores has %llu elements for %u tokens", t->g->file, (unsigned long long)v->n, t->n_vocab);
	for (uint32_t i = 0; i < t->n_vocab; i++) {
		uint32_t bits = (uint32_t)get_le(v->v.raw + (size_t)i * 4, 4);
		if (v->elem == GGUF_I32)
			t->score[i] = (float)(int32_t)bits;
		else
			memcpy(&t->score[i], &bits, 4);
		if (isnan(t->score[i]))
			return error_set(err, E_FILE, "%s: key " KEY "scores: the score of token %u is not a number", t->g->file, i);
	}
	return OK;
}

static int read_types(struct tokenizer *t, struct error *err)
{
	static const uint16_t attr[] = { 0, TOKEN_NORMAL, TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_USER, TOKEN_UNUSED, TOKEN_BYTE };
	int rc;
	const struct gguf_value *v = array_of(t, KEY "token_type", GGUF_I32, GGUF_U32, &rc, err);

	if (rc != OK)
		return rc;
	if (v && v->n < t->n_vocab)
		return error_set(err, E_FILE, "%s: key " KEY "token_type has %llu elements for %u tokens", t->g->file, (unsigned long long)v->n, t->n_vocab);
	for (uint32_t i = 0; i < t->n_vocab; i++) {
		uint64_t k = v ? get_le(v->v.raw + (size_t)i * 4, 4) : 1;
		t->attr[i] = k < sizeof attr / sizeof *attr ? attr[k] : 0;
	}
	return OK;
}

/* An id that is missing or beyond the vocabulary leaves the default, which is dropped when it is beyond it itself. */
static int read_id(int32_t *id, const struct tokenizer *t, const char *key, struct error *err)
{
	uint64_t u;
	int rc = gguf_u64(&u, t->g, key, err);

	if (*id >= 0 && (uint32_t)*id >= t->n_vocab)
		*id = NO_TOKEN;
	if (rc == 1) {
		if (u >= t->n_vocab)
			return error_set(err, E_FILE, "%s: key %s is %llu; there are %u tokens", t->g->file, key, (unsigned long long)u, t->n_vocab);
		*id = (int32_t)u;
	}
	return rc < 0 ? rc : OK;
}

static void find_bytes(struct tokenizer *t)
{
	char name[8];

	for (unsigned b = 0; b < 256; b++) {
		char c = (char)b;
		snprintf(name, sizeof name, "<0x%02X>", b);
		t->byte_token[b] = t->kind == TOKENIZER_BPE && !t->raw ? NO_TOKEN : vocab_find(t, name, 6);
		if (t->byte_token[b] == NO_TOKEN && !t->raw)
			t->byte_token[b] = vocab_find(t, &c, 1);
		if (t->byte_token[b] == NO_TOKEN && t->kind != TOKENIZER_BPE)
			t->byte_token[b] = t->unk;
	}
}

int vocab_read(struct tokenizer *t, struct error *err)
{
	static const struct { const char *key; size_t at; } ids[] = {
		{ KEY "bos_token_id", offsetof(struct tokenizer, bos) }, { KEY "eos_token_id", offsetof(struct tokenizer, eos) },
		{ KEY "eot_token_id", offsetof(struct tokenizer, eot) }, { KEY "eom_token_id", offsetof(struct tokenizer, eom) },
		{ KEY "unknown_token_id", offsetof(struct tokenizer, unk) },
	};
	static const struct { const char *key; size_t at; } flags[] = {
		{ KEY "add_bos_token", offsetof(struct tokenizer, add_bos) }, { KEY "add_eos_token", offsetof(struct tokenizer, add_eos) },
		{ KEY "add_space_prefix", offsetof(struct tokenizer, add_space_prefix) }, { KEY "remove_extra_whitespaces", offsetof(struct tokenizer, remove_extra_space) },
	};
	int rc = read_tokens(t, err);

	if (rc != OK)
		return rc;
	t->score = arena_array(&t->arena, t->n_vocab, sizeof *t->score);
	t->attr = arena_array(&t->arena, t->n_vocab, sizeof *t->attr);
	if (!t->score || !t->attr)
		return error_set(err, E_NOMEM, "%s: no memory for a vocabulary of %u tokens", t->g->file, t->n_vocab);
	if ((rc = read_scores(t, err)) != OK || (rc = read_types(t, err)) != OK)
		return rc;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if ((rc = read_id((int32_t *)(void *)((char *)t + ids[i].at), t, ids[i].key, err)) != OK)
			return rc;
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if ((rc = gguf_bool((uint8_t *)t + flags[i].at, t->g, flags[i].key, err)) < 0)
			return rc;
	find_bytes(t);
	return OK;
}
