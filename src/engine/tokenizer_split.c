/* tokenizer_split.c - text into the pieces that merges do not cross, stage after stage: each stage splits the pieces of the one before */
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

static int in_class(const struct splitter *s, const struct split_class *c, uint32_t cp, unsigned code)
{
	if (code >= 128 && c->n_ranges) {
		for (uint32_t i = c->range; i < c->range + c->n_ranges; i++)
			if (cp >= s->ranges[i][0] && cp <= s->ranges[i][1])
				return !c->negated;
		return c->negated;
	}
	return c->bits[code >> 5] >> (code & 31) & 1;
}

static int is_blank(unsigned code) { return code == ' ' || (code >= 9 && code <= 13); }
static int is_letter(unsigned code)
{
	return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || (code >= 128 && (code & 7) == UNICODE_LETTER);
}
static int is_mark(unsigned code) { return code >= 128 && (code & 7) == UNICODE_MARK; }
static int is_number(unsigned code) { return (code >= '0' && code <= '9') || (code >= 128 && (code & 7) == UNICODE_NUMBER); }
static int is_digit(unsigned code) { return code >= '0' && code <= '9'; }

/* 's 't 'm 'd 'll 're 've in either case: how many characters, 0 when there is none. */
static uint32_t contraction(const uint32_t *cp, uint32_t at, uint32_t end)
{
	uint32_t a, b;

	if (end - at < 2 || cp[at] != '\'')
		return 0;
	a = cp[at + 1] | 32;
	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return 2;
	if (end - at < 3)
		return 0;
	b = cp[at + 2] | 32;
	return (a == 'l' && b == 'l') || ((a == 'r' || a == 'v') && b == 'e') ? 3 : 0;
}

/* After a letter: letters, marks, and blanks between two words: exaone's phrases. */
static uint32_t words(const unsigned char *code, uint32_t at, uint32_t end)
{
	while (at < end && (is_letter(code[at]) || is_mark(code[at]) || (code[at] == ' ' && at + 1 < end && is_letter(code[at + 1]))))
		at++;
	return at;
}

int64_t split_match(const struct splitter *s, const struct split_element *el, const uint32_t *cp, const unsigned char *code, uint32_t at, uint32_t end)
{
	for (;; el++) {
		const struct split_class *c;
		uint32_t n = 0, room;

		if (el->kind == SPLIT_END)
			return at;
		if (el->kind == SPLIT_CONTRACTION) {
			at += contraction(cp, at, end);
			continue;
		}
		if (el->kind == SPLIT_NOT_BEFORE_TEXT) {
			if (at < end && !is_blank(code[at]))
				return -1;
			continue;
		}
		if (el->kind == SPLIT_WORDS) {
			at = words(code, at, end);
			continue;
		}
		c = &s->classes[el->of];
		room = end - at < el->max ? end - at : el->max;
		while (n < room && in_class(s, c, cp[at + n], code[at + n]))
			n++;
		if (n < el->min)
			return -1;
		/* the most that leaves the rest something to match; recursion is as deep as the alternative is long */
		while (n > el->min && el[1].kind != SPLIT_END) {
			int64_t to = split_match(s, el + 1, cp, code, at + n, end);
			if (to >= 0)
				return to;
			n--;
		}
		at += n;
	}
}

struct cut { uint32_t *piece, n, from; };

static void cut_at(struct cut *c, uint32_t at)
{
	if (at > c->from) {
		c->piece[c->n++] = at - c->from;
		c->from = at;
	}
}

static void by_pattern(struct cut *c, const struct splitter *s, const struct split_stage *stage, const uint32_t *cp, const unsigned char *code, uint32_t at, uint32_t end)
{
	while (at < end) {
		int64_t to = -1;
		for (unsigned i = 0; i < stage->n && to < 0; i++)
			to = split_match(s, stage->alternative[i], cp, code, at, end);
		if (to > at) {
			cut_at(c, at);
			cut_at(c, (uint32_t)to);
			at = (uint32_t)to;
		} else {
			at++;
		}
	}
}

/* Runs of digits in groups of three from the right. What stands before a run stays with the first group (llama.cpp's afmoe and tiny_aya), or the cut is also in
 * front of every full group (superbpe, which knows ASCII digits only). */
static void by_digits(struct cut *c, const unsigned char *code, uint32_t at, uint32_t end, int ascii)
{
	while (at < end) {
		uint32_t n = 0;
		while (at + n < end && (ascii ? is_digit(code[at + n]) : is_number(code[at + n])))
			n++;
		if (n && ascii && n >= 3)
			cut_at(c, at + n % 3);
		else if (n && !ascii && n % 3)
			cut_at(c, at + n % 3);
		for (uint32_t i = n % 3; i + 3 <= n; i += 3)
			if (!ascii || i + 3 < n)
				cut_at(c, at + i + 3);
		at += n ? n : 1;
	}
}

int split_text(uint32_t **out, uint32_t *n_out, struct encoding *e, const struct splitter *s, const uint32_t *cp, const unsigned char *code, uint32_t n)
{
	uint32_t *piece = encoding_block(e, BLOCK_PIECES, (size_t)n + 1, sizeof *piece), *next = encoding_block(e, BLOCK_PIECES2, (size_t)n + 1, sizeof *next), *swap;
	uint32_t n_pieces = n ? 1 : 0;

	if (!piece || !next)
		return E_NOMEM;
	piece[0] = n;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct split_stage *stage = &s->stage[i];
		struct cut c = { next, 0, 0 };
		for (uint32_t j = 0, at = 0; j < n_pieces; at += piece[j++]) {
			uint32_t end = at + piece[j], k = end;
			if (stage->kind == STAGE_PATTERN)
				by_pattern(&c, s, stage, cp, code, at, end);
			else if (stage->kind == STAGE_TRAILING_SPACE) {
				while (k > at && is_blank(code[k - 1]))
					k--;
				cut_at(&c, k);
			} else
				by_digits(&c, code, at, end, stage->kind == STAGE_ASCII_DIGITS);
			cut_at(&c, end);
		}
		n_pieces = c.n;
		swap = piece;
		piece = next;
		next = swap;
	}
	*out = piece;
	*n_out = n_pieces;
	return OK;
}
