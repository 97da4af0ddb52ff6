/* tokenizer_bpe.c - byte pair encoding by rank: of all neighbours that a merge names, those of the lowest rank are joined first
 *
 * Merges are kept over symbols: a token's id, or a number beyond them for a text that only merges name. */
#include "engine/tokenizer_heap.h"
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include <stdlib.h>
#include <string.h>

#define MERGES "tokenizer.ggml.merges"
enum { SHORT_WORD = 24 };                        /* up to so many symbols, looking through them all beats a heap */

static uint32_t merge_slot(const struct tokenizer *t, uint64_t pair)
{
	uint64_t h = pair * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i = (uint32_t)(h >> 32) & t->merge_mask;

	while (t->merge[i].merged != MERGE_FREE && t->merge[i].pair != pair)
		i = (i + 1) & t->merge_mask;
	return i;
}

static const struct merge *merge_find(const struct tokenizer *t, int32_t left, int32_t right)
{
	const struct merge *m;

	if (left < 0 || right < 0)
		return NULL;
	m = &t->merge[merge_slot(t, (uint64_t)(uint32_t)left << 32 | (uint32_t)right)];
	return m->merged == MERGE_FREE ? NULL : m;
}

/* "left right": split at the first blank that is not in front. */
static int add_merge(struct tokenizer *t, struct token_text x, uint32_t rank)
{
	const char *blank = x.n > 1 ? memchr(x.p + 1, ' ', x.n - 1) : NULL;
	char small[256], *whole = small;
	uint32_t n = x.n - 1, left, i;
	int32_t l, r, m;

	if (!blank || blank + 1 == x.p + x.n)
		return OK;                               /* names no pair: never applies */
	left = (uint32_t)(blank - x.p);
	if ((l = symbol_add(t, x.p, left)) < 0 || (r = symbol_add(t, blank + 1, n - left)) < 0)
		return E_NOMEM;
	i = merge_slot(t, (uint64_t)(uint32_t)l << 32 | (uint32_t)r);
	if (t->merge[i].merged != MERGE_FREE)
		return OK;                               /* the first one counts */
	if (n > sizeof small && !(whole = malloc(n)))
		return E_NOMEM;
	memcpy(whole, x.p, left);
	memcpy(whole + left, blank + 1, n - left);
	if ((m = symbol_find(t, whole, n)) < 0) {
		char *keep = arena_strndup(&t->arena, whole, n);
		m = keep ? symbol_add(t, keep, n) : -1;
	}
	if (whole != small)
		free(whole);
	if (m < 0)
		return E_NOMEM;
	t->merge[i] = (struct merge){ (uint64_t)(uint32_t)l << 32 | (uint32_t)r, rank, m };
	return OK;
}

int bpe_build(struct tokenizer *t, struct error *err)
{
	const struct gguf_value *v = gguf_find(t->g, MERGES);
	struct string_walk w = { NULL, 0 };
	struct token_text x;
	uint32_t size = 256;

	if (v && (v->type != GGUF_ARRAY || v->elem != GGUF_STRING))
		return error_set(err, E_FILE, "%s: key " MERGES " is not an array of strings", t->g->file);
	if (!v && strcmp(t->pre ? t->pre : "", "kimi-k2") != 0)
		return error_set(err, E_FILE, "%s: key " MERGES " is missing", t->g->file);
	if (v && v->n > INT32_MAX / 4)
		return error_set(err, E_FILE, "%s: key " MERGES " has %llu elements; at most %d are supported", t->g->file, (unsigned long long)v->n, INT32_MAX / 4);
	while (v && size < v->n * 2)
		size *= 2;
	t->merge = malloc(size * sizeof *t->merge);
	t->merge_mask = size - 1;
	if (!t->merge)
		return error_set(err, E_NOMEM, "%s: no memory for %u merges", t->g->file, size / 2);
	for (uint32_t i = 0; i < size; i++)
		t->merge[i] = (struct merge){ UINT64_MAX, 0, MERGE_FREE };
	for (unsigned b = 0; b < 256; b++) {
		char c[4];
		size_t k = unicode_encode(c, unicode_of_byte((unsigned char)b));
		if ((t->byte_symbol[b] = symbol_find(t, c, k)) < 0) {
			char *keep = arena_strndup(&t->arena, c, k);
			if (!keep || (t->byte_symbol[b] = symbol_add(t, keep, k)) < 0)
				return error_set(err, E_NOMEM, "%s: no memory for a vocabulary of %u tokens", t->g->file, t->n_vocab);
		}
	}
	if (v)
		w = string_walk(v);
	for (uint32_t i = 0; v && i < v->n; i++) {
		if (!string_next(&x, &w))
			return error_set(err, E_FILE, "%s: key " MERGES ": string %u runs past the end", t->g->file, i);
		if (add_merge(t, x, i) != OK)
			return error_set(err, E_NOMEM, "%s: no memory for %llu merges", t->g->file, (unsigned long long)v->n);
	}
	return OK;
}

struct symbol { int32_t id, prev, next; uint32_t at, n; };
struct work { const struct tokenizer *t; struct symbol *s; struct pair_heap heap; };

static void offer(struct work *w, int32_t left, int32_t right)
{
	const struct merge *m = left < 0 || right < 0 ? NULL : merge_find(w->t, w->s[left].id, w->s[right].id);

	if (m)
		pair_push(&w->heap, (struct pair){ m->rank, left, right, w->s[left].n + w->s[right].n, m->merged });
}

static void join(struct symbol *s, uint32_t left, int32_t merged)
{
	struct symbol *l = &s[left], *r = &s[l->next];

	l->id = merged;
	l->n += r->n;
	r->n = 0;
	l->next = r->next;
	if (r->next >= 0)
		s[r->next].prev = (int32_t)left;
}

static void join_short(const struct tokenizer *t, struct symbol *s)
{
	for (;;) {
		const struct merge *best = NULL;
		uint32_t at = 0;
		for (int32_t i = 0; s[i].next >= 0; i = s[i].next) {
			const struct merge *m = merge_find(t, s[i].id, s[s[i].next].id);
			if (m && (!best || m->rank < best->rank)) {
				best = m;
				at = (uint32_t)i;
			}
		}
		if (!best)
			return;
		join(s, at, best->merged);
	}
}

static void join_long(struct work *w, size_t count)
{
	w->heap.n = 0;
	for (size_t i = 1; i < count; i++)
		offer(w, (int32_t)i - 1, (int32_t)i);
	while (w->heap.n) {
		struct pair top = pair_pop(&w->heap);
		struct symbol *l = &w->s[top.left], *r = &w->s[top.right];
		if (!l->n || !r->n || l->n + r->n != top.n)
			continue;                        /* one of them has been joined since */
		join(w->s, (uint32_t)top.left, top.merged);
		offer(w, l->prev, top.left);
		offer(w, top.left, l->next);
	}
}

/* What is no token is written in bytes: of the character that stands for it (byte-level) or of the text itself (raw). */
static void put_bytes(struct encoding *e, const struct symbol *s, const char *p)
{
	const struct tokenizer *t = e->t;
	struct token_text x = t->raw ? (struct token_text){ p + s->at, s->n } : t->text[s->id];

	for (uint32_t i = 0; i < x.n; i++) {
		int32_t id = t->byte_token[(unsigned char)x.p[i]];
		if (id != NO_TOKEN)
			encoding_put(e, id);
	}
}

/* A word whose text is a token as a whole, in the vocabulary's own writing. */
static int32_t whole_word(const struct tokenizer *t, const char *p, size_t n)
{
	char text[512];
	size_t k = 0;

	if (t->raw)
		return vocab_find(t, p, n);
	for (size_t i = 0; i < n; i++) {
		if (k + 4 > sizeof text)
			return NO_TOKEN;
		k += unicode_encode(text + k, unicode_of_byte((unsigned char)p[i]));
	}
	return vocab_find(t, text, k);
}

static void encode_word(struct encoding *e, struct work *w, const char *p, size_t n)
{
	const struct tokenizer *t = e->t;
	size_t count = 0;
	int32_t id;

	if ((t->ignore_merges || (t->raw && *p == '\n')) && (id = whole_word(t, p, n)) != NO_TOKEN) {
		encoding_put(e, id);
		return;
	}
	for (size_t at = 0; at < n; count++) {
		size_t k = t->raw ? unicode_length((unsigned char)p[at]) : 1;
		if (k > n - at)
			k = n - at;
		w->s[count] = (struct symbol){ t->raw ? symbol_find(t, p + at, k) : t->byte_symbol[(unsigned char)p[at]], (int32_t)count - 1,
			at + k == n ? -1 : (int32_t)count + 1, (uint32_t)at, (uint32_t)k };
		at += k;
	}
	if (count <= SHORT_WORD)
		join_short(t, w->s);
	else
		join_long(w, count);
	for (int32_t i = 0; i >= 0; i = w->s[i].next) {
		if (w->s[i].id >= 0 && (uint32_t)w->s[i].id < t->n_vocab)
			encoding_put(e, w->s[i].id);
		else
			put_bytes(e, &w->s[i], p);
	}
}

int bpe_encode(struct encoding *e, const char *text, size_t n)
{
	const struct tokenizer *t = e->t;
	char *clean = encoding_block(e, BLOCK_TEXT, 3 * n, 1);
	uint32_t *cp = encoding_block(e, BLOCK_CODE_POINTS, n, sizeof *cp), *piece, n_pieces, count = 0;
	size_t longest = 0;
	unsigned char *code = encoding_block(e, BLOCK_CODES, n, 1);
	struct work w = { .t = t };
	char tmp[4];
	int rc;

	if (!clean || !cp || !code)
		return E_NOMEM;
	for (size_t i = 0; i < n; count++) {
		i += unicode_decode(&cp[count], text + i, n - i, NULL);
		if (cp[count] == ' ' && t->escape_space)
			cp[count] = 0x2581;
		code[count] = (unsigned char)split_code(cp[count]);
	}
	if ((rc = split_text(&piece, &n_pieces, e, &t->split, cp, code, count)) != OK)
		return rc;
	for (uint32_t i = 0, at = 0; i < n_pieces; at += piece[i++]) {
		size_t bytes = 0;
		for (uint32_t j = at; j < at + piece[i]; j++)
			bytes += unicode_encode(tmp, cp[j]);
		longest = bytes > longest ? bytes : longest;
	}
	/* a symbol is a byte or more; each join offers two pairs, so the heap holds at most 3 for each symbol */
	w.s = encoding_block(e, BLOCK_SYMBOLS, longest, sizeof *w.s);
	w.heap.p = encoding_block(e, BLOCK_HEAP, 3 * longest, sizeof *w.heap.p);
	if (!w.s || !w.heap.p)
		return E_NOMEM;
	for (uint32_t i = 0, at = 0; i < n_pieces; at += piece[i++]) {
		size_t bytes = 0;
		for (uint32_t j = at; j < at + piece[i]; j++) {
			size_t k = unicode_encode(tmp, cp[j]);
			memcpy(clean + bytes, tmp, k);
			bytes += k;
		}
		if (bytes)
			encode_word(e, &w, clean, bytes);
	}
	return OK;
}
