/* tokenizer_unigram.c - SentencePiece's unigram model: the row of tokens with the highest sum of scores
 *
 * Text is normalised first by the file's precompiled_charsmap: a double array (Yata 2007; each unit is BASE << 10, a flag that scales it by 256, LEAF, the byte) whose
 * values are offsets of the replacements. Taylor & Kudo's SentencePiece, src/normalizer.cc and its darts.h, defines it. */
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include <float.h>
#include <string.h>

#define CHARSMAP "tokenizer.ggml.precompiled_charsmap"
#define UNKNOWN_PENALTY 10.0f                    /* SentencePiece's kUnkPenalty */
#define BLANK "\xe2\x96\x81"

static uint32_t get_u32(const unsigned char *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

static int read_charsmap(struct tokenizer *t, struct error *err)
{
	const struct gguf_value *v = gguf_find(t->g, CHARSMAP);
	uint32_t bytes, *trie;

	if (!v)
		return OK;
	if (v->type != GGUF_ARRAY || (v->elem != GGUF_U8 && v->elem != GGUF_I8))
		return error_set(err, E_FILE, "%s: key " CHARSMAP " is not an array of bytes", t->g->file);
	if (v->n == 0)
		return OK;
	if (v->n < 4 || v->n > UINT32_MAX || (bytes = get_u32(v->v.raw)) >= v->n - 4)
		return error_set(err, E_FILE, "%s: key " CHARSMAP ": its table runs past its end", t->g->file);
	t->n_chars_trie = bytes / 4;
	trie = arena_array(&t->arena, t->n_chars_trie + 1, sizeof *trie);
	if (!trie)
		return error_set(err, E_NOMEM, "%s: no memory for " CHARSMAP, t->g->file);
	for (uint32_t i = 0; i < t->n_chars_trie; i++)
		trie[i] = get_u32(v->v.raw + 4 + (size_t)i * 4);
	t->chars_trie = trie;
	t->chars_text = (const char *)v->v.raw + 4 + bytes;
	t->n_chars_text = (uint32_t)v->n - 4 - bytes;
	return OK;
}

int unigram_build(struct tokenizer *t, struct error *err)
{
	float lowest = FLT_MAX;
	int rc = read_charsmap(t, err);

	if (rc != OK)
		return rc;
	if (t->unk == NO_TOKEN)
		return error_set(err, E_FILE, "%s: key tokenizer.ggml.unknown_token_id is missing", t->g->file);
	for (uint32_t i = 0; i < t->n_vocab; i++)
		if (t->attr[i] & TOKEN_NORMAL && t->score[i] < lowest)
			lowest = t->score[i];
	t->unknown_score = lowest - UNKNOWN_PENALTY;
	if (prefix_build(&t->pieces, t, TOKEN_NORMAL | TOKEN_USER | TOKEN_UNUSED) != OK || prefix_build(&t->user, t, TOKEN_USER) != OK)
		return error_set(err, E_NOMEM, "%s: no memory for a vocabulary of %u tokens", t->g->file, t->n_vocab);
	return OK;
}

static uint32_t base_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

/* The longest beginning of p[0, n) that the map replaces: its length, 0 when there is none. A table that points outside itself replaces nothing. */
static size_t replaced(const struct tokenizer *t, struct token_text *by, const char *p, size_t n)
{
	uint32_t node, at = 0;
	size_t longest = 0;
	const char *end;

	if (!t->n_chars_trie)
		return 0;
	node = base_of(t->chars_trie[0]);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		uint32_t unit;
		if (c == 0)
			break;
		node ^= c;
		if (node >= t->n_chars_trie || ((unit = t->chars_trie[node]) & (1u << 31 | 0xff)) != c)
			break;
		node ^= base_of(unit);
		if (unit >> 8 & 1) {
			if (node >= t->n_chars_trie)
				break;
			longest = i + 1;
			at = t->chars_trie[node] & ~(1u << 31);
		}
	}
	if (!longest || at >= t->n_chars_text || !(end = memchr(t->chars_text + at, 0, t->n_chars_text - at)))
		return 0;
	*by = (struct token_text){ t->chars_text + at, (uint32_t)(end - t->chars_text - at) };
	return longest;
}

/* What stands at p is replaced by *by; returns how many bytes it took. Whatever begins a user-defined token stays as it is, as far as it does: llama.cpp's rule. */
static size_t normal(const struct tokenizer *t, struct token_text *by, const char *p, size_t n)
{
	size_t k = prefix_common(&t->user, p, n);
	uint32_t cp;
	int valid;

	if (k) {
		*by = (struct token_text){ p, (uint32_t)k };
		return k;
	}
	if ((k = replaced(t, by, p, n)))
		return k;
	k = unicode_decode(&cp, p, n, &valid);
	*by = valid ? (struct token_text){ p, (uint32_t)k } : (struct token_text){ "\xef\xbf\xbd", 3 };
	return k;
}

/* Blanks become U+2581; one is put in front; runs may become one. out NULL: only counts. */
static size_t normalise(const struct tokenizer *t, char *out, const char *text, size_t n)
{
	size_t bytes = 0;
	int in_word = 0, prefixed = 0;
	struct token_text by;

	for (size_t i = 0; i < n;) {
		i += normal(t, &by, text + i, n - i);
		for (uint32_t j = 0; j < by.n; j++) {
			int blank = by.p[j] == ' ', put = blank ? !t->remove_extra_space : !in_word && ((t->add_space_prefix && !prefixed) || t->remove_extra_space);
			if (put) {
				if (out)
					memcpy(out + bytes, BLANK, 3);
				bytes += 3;
				prefixed |= !blank;
			}
			in_word = !blank;
			if (!blank) {
				if (out)
					out[bytes] = by.p[j];
				bytes++;
			}
		}
	}
	return bytes;
}

struct best { double score; uint32_t from; int32_t id; };

static void challenge(struct best *b, double score, uint32_t from, int32_t id)
{
	if (score > b->score)
		*b = (struct best){ score, from, id };
}

int unigram_encode(struct encoding *e, const char *text, size_t n)
{
	const struct tokenizer *t = e->t;
	size_t bytes = normalise(t, NULL, text, n), count = 0;
	char *p = encoding_block(e, BLOCK_TEXT, bytes + 1, 1);
	struct best *best = bytes < INT32_MAX ? encoding_block(e, BLOCK_BEST, bytes + 1, sizeof *best) : NULL;
	int32_t *row = bytes < INT32_MAX ? encoding_block(e, BLOCK_SYMBOLS, bytes + 1, sizeof *row) : NULL;
	int unknown = 0;

	if (!p || !best || !row)
		return error_set(e->err, E_NOMEM, "no memory to tokenize a text of %zu bytes", n);
	if (!bytes)
		return OK;
	normalise(t, p, text, n);
	for (size_t i = 0; i <= bytes; i++)
		best[i] = (struct best){ i ? -DBL_MAX : 0, 0, t->unk };
	for (size_t at = 0, k; at < bytes; at += k) {
		int whole = 0;
		k = unicode_length((unsigned char)p[at]);
		if (k > bytes - at)
			k = bytes - at;
		for (uint32_t x = prefix_longest(&t->pieces, p + at, bytes - at); x != NO_PREFIX; x = t->pieces.parent[x]) {
			uint32_t id = t->pieces.id[x], len = t->pieces.text[x].n;
			whole |= len == k;
			challenge(&best[at + len], best[at].score + (t->attr[id] & TOKEN_USER ? 0.0 : t->score[id]), (uint32_t)at, (int32_t)id);
		}
		if (!whole)
			challenge(&best[at + k], best[at].score + t->unknown_score, (uint32_t)at, t->unk);
	}
	/* from the end, several unknown in a row as one */
	for (uint32_t at = (uint32_t)bytes; at; at = best[at].from) {
		int is_unknown = best[at].id == t->unk;
		if (!(unknown && is_unknown))
			row[count++] = best[at].id;
		unknown = is_unknown;
	}
	while (count)
		encoding_put(e, row[--count]);
	return OK;
}
