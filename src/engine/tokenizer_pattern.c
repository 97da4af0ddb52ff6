/* tokenizer_pattern.c - compiles the splitting patterns of tokenizer_pre.c
 *
 * The notation is that of the models' own regular expressions, as far as these need it: alternatives "|", each a row of characters or classes with ?, *, +, {n},
 * {n,m}. Classes: [...], [^...], ranges, \s \d \r \n \t, \p{L} \p{N} \p{P} \p{M} \p{S} \p{Han}; [X--Y]: X without Y. \c: an English contraction, or nothing;
 * \Z: not before text, (?!\S); \W: the rest of a phrase, see SPLIT_WORDS. A pattern that is one of "@digits", "@ascii-digits", "@trailing" is a function. */
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include <stdlib.h>
#include <string.h>

/* A character's code: itself below 128; all further blanks are 11, which \s has as well; else 0xd0 + its class, 0xd8 + its class when it is an ideograph. */
enum { CODE_BLANK = 11, CODE_CLASS = 0xd0, CODE_HAN = 0xd8 };

unsigned split_code(uint32_t cp)
{
	unsigned k;

	if (cp < 128)
		return cp;
	k = unicode_class(cp);
	return k == UNICODE_SPACE ? CODE_BLANK : (unicode_is_han(cp) ? CODE_HAN : CODE_CLASS) + k;
}

struct compiler { struct splitter *s; const char *p; };

static void set(struct split_class *c, unsigned code, int to)
{
	if (to)
		c->bits[code >> 5] |= 1u << (code & 31);
	else
		c->bits[code >> 5] &= ~(1u << (code & 31));
}

static void set_class(struct split_class *c, enum unicode_class k, int to)
{
	for (unsigned b = 0; b < 128; b++)
		if (unicode_class(b) == k)
			set(c, b, to);
	if (k == UNICODE_SPACE)
		return;                                  /* all further ones have the code of an ASCII blank */
	set(c, CODE_CLASS + k, to);
	set(c, CODE_HAN + k, to);
}

static void set_property(struct split_class *c, const char *name, int to)
{
	static const struct { const char *name; enum unicode_class k; } names[] = { { "L}", UNICODE_LETTER }, { "N}", UNICODE_NUMBER }, { "P}", UNICODE_PUNCTUATION },
		{ "M}", UNICODE_MARK }, { "S}", UNICODE_SYMBOL } };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(name, names[i].name, 2) == 0)
			set_class(c, names[i].k, to);
	if (strncmp(name, "Han}", 4) == 0)
		for (unsigned k = CODE_HAN; k < CODE_HAN + 8; k++)
			set(c, k, to);
}

static uint32_t next_char(struct compiler *k)
{
	uint32_t cp;

	k->p += unicode_decode(&cp, k->p, strlen(k->p), NULL);
	return cp;
}

static uint32_t escaped(char c) { return c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : (unsigned char)c; }

/* One member of a class, at k->p: an escape, a character or a range. */
static void class_member(struct compiler *k, struct split_class *c, int to)
{
	uint32_t from, until;

	if (*k->p == '\\' && strchr("sdp", k->p[1])) {
		char what = k->p[1];
		k->p += 2;
		if (what == 's')
			set_class(c, UNICODE_SPACE, to);
		for (unsigned b = '0'; what == 'd' && b <= '9'; b++)
			set(c, b, to);
		if (what == 'p') {
			set_property(c, k->p + 1, to);
			k->p = strchr(k->p, '}') + 1;
		}
		return;
	}
	if (*k->p == '\\')
		k->p++, from = escaped(*k->p++);
	else
		from = next_char(k);
	until = from;
	if (*k->p == '-' && k->p[1] != ']' && k->p[1] != '-') {
		k->p++;
		until = next_char(k);
	}
	for (uint32_t b = from; b <= until && b < 128; b++)
		set(c, b, to);
	if (until >= 128) {
		uint32_t *r = k->s->ranges[k->s->n_ranges++];
		r[0] = from < 128 ? 128 : from;
		r[1] = until;
		c->n_ranges++;
	}
}

static uint16_t take_class(struct compiler *k)
{
	struct split_class *c = &k->s->classes[k->s->n_classes];

	*c = (struct split_class){ .range = k->s->n_ranges };
	if (*k->p != '[') {
		class_member(k, c, 1);
		return (uint16_t)k->s->n_classes++;
	}
	k->p++;
	if (*k->p == '^') {
		c->negated = 1;
		k->p++;
	}
	for (int to = 1; *k->p && *k->p != ']';) {
		if (k->p[0] == '-' && k->p[1] == '-') {
			to = 0;
			k->p += 2;
		}
		class_member(k, c, to);
	}
	k->p++;
	for (unsigned i = 0; c->negated && i < 8; i++)
		c->bits[i] = ~c->bits[i];
	return (uint16_t)k->s->n_classes++;
}

static void take_count(struct compiler *k, struct split_element *el)
{
	char *end;

	el->min = el->max = 1;
	if (*k->p == '?')
		el->min = 0;
	else if (*k->p == '*')
		el->min = 0, el->max = UINT32_MAX;
	else if (*k->p == '+')
		el->max = UINT32_MAX;
	else if (*k->p == '{') {
		el->min = el->max = (uint32_t)strtoul(k->p + 1, &end, 10);
		if (*end == ',')
			el->max = (uint32_t)strtoul(end + 1, &end, 10);
		k->p = end;
	} else
		return;
	k->p++;
}

static void compile_stage(struct compiler *k, struct split_stage *stage, struct split_element *el)
{
	if (*k->p == '@') {
		stage->kind = k->p[1] == 'd' ? STAGE_DIGITS : k->p[1] == 'a' ? STAGE_ASCII_DIGITS : STAGE_TRAILING_SPACE;
		return;
	}
	for (;;) {
		stage->alternative[stage->n++] = el;
		for (; *k->p && *k->p != '|'; el++) {
			const char *at = k->p[0] == '\\' && k->p[1] ? strchr("cZW", k->p[1]) : NULL;
			*el = (struct split_element){ .kind = SPLIT_CLASS };
			if (at) {
				el->kind = *at == 'c' ? SPLIT_CONTRACTION : *at == 'Z' ? SPLIT_NOT_BEFORE_TEXT : SPLIT_WORDS;
				k->p += 2;
				continue;
			}
			el->of = take_class(k);
			take_count(k, el);
		}
		*el++ = (struct split_element){ .kind = SPLIT_END };
		if (!*k->p)
			return;
		k->p++;
	}
}

int splitter_compile(struct splitter *s, struct arena *a, const char *const *stage)
{
	struct compiler k = { s, NULL };

	*s = (struct splitter){ 0 };
	for (uint32_t i = 0; stage[i]; i++) {
		size_t n = strlen(stage[i]) + 1;
		/* each element, class and range takes a character or more of the pattern */
		struct split_element *el = arena_array(a, n + 1, sizeof *el);
		struct split_class *classes = arena_array(a, s->n_classes + n, sizeof *classes);
		uint32_t (*ranges)[2] = arena_array(a, s->n_ranges + n, sizeof *ranges);
		if (!el || !classes || !ranges)
			return E_NOMEM;
		if (s->n_classes)
			memcpy(classes, s->classes, s->n_classes * sizeof *classes);
		if (s->n_ranges)
			memcpy(ranges, s->ranges, s->n_ranges * sizeof *ranges);
		s->classes = classes;
		s->ranges = ranges;
		k.p = stage[i];
		compile_stage(&k, &s->stage[s->n++], el);
	}
	return OK;
}
