/* tokenizer_prefix.c - which tokens begin a text: sorted texts, each with the longest other that begins it */
#include "engine/tokenizer_private.h"

#include <stdlib.h>
#include <string.h>

struct entry { struct token_text text; uint32_t id; };

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	uint32_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
	int c = memcmp(x->text.p, y->text.p, n);

	return c ? c : (x->text.n > y->text.n) - (x->text.n < y->text.n);
}

static int begins(const struct token_text *x, const char *p, size_t n)
{
	return x->n <= n && memcmp(x->p, p, x->n) == 0;
}

int prefix_build(struct prefix_index *x, struct tokenizer *t, unsigned attr)
{
	struct entry *e;
	struct token_text *text;
	uint32_t n = 0, k = 0;

	*x = (struct prefix_index){ 0 };
	for (uint32_t i = 0; i < t->n_vocab; i++)
		n += (t->attr[i] & attr) != 0;
	e = malloc((n ? n : 1) * sizeof *e);
	text = arena_array(&t->arena, n ? n : 1, sizeof *text);
	x->id = arena_array(&t->arena, n ? n : 1, sizeof *x->id);
	x->parent = arena_array(&t->arena, n ? n : 1, sizeof *x->parent);
	if (!e || !text || !x->id || !x->parent) {
		free(e);
		return E_NOMEM;
	}
	for (uint32_t i = 0; i < t->n_vocab; i++)
		if (t->attr[i] & attr)
			e[k++] = (struct entry){ t->text[i], i };
	qsort(e, n, sizeof *e, compare);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t up = i ? i - 1 : NO_PREFIX;
		while (up != NO_PREFIX && !begins(&text[up], e[i].text.p, e[i].text.n))
			up = x->parent[up];
		text[i] = e[i].text;
		x->id[i] = e[i].id;
		x->parent[i] = up;
		x->first[(unsigned char)*text[i].p + 1]++;
	}
	for (unsigned b = 0; b < 256; b++)
		x->first[b + 1] += x->first[b];
	free(e);
	x->text = text;
	x->n = n;
	return OK;
}

/* The first entry that sorts after p[0, n); all that begin p sort before it. */
static uint32_t after(const struct prefix_index *x, const char *p, size_t n)
{
	struct entry want = { { p, n > UINT32_MAX ? UINT32_MAX : (uint32_t)n }, 0 };
	uint32_t low = x->first[(unsigned char)*p], high = x->first[(unsigned char)*p + 1];

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		struct entry e = { x->text[mid], 0 };
		if (compare(&e, &want) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t prefix_longest(const struct prefix_index *x, const char *p, size_t n)
{
	uint32_t i, lowest;

	if (!n)
		return NO_PREFIX;
	lowest = x->first[(unsigned char)*p];
	i = lowest == x->first[(unsigned char)*p + 1] ? lowest : after(x, p, n);
	if (i == lowest)
		return NO_PREFIX;
	for (i--; i != NO_PREFIX && !begins(&x->text[i], p, n);)
		i = x->parent[i];
	return i;
}

static size_t common(const struct token_text *x, const char *p, size_t n)
{
	size_t k = 0;

	while (k < n && k < x->n && x->p[k] == p[k])
		k++;
	return k;
}

size_t prefix_common(const struct prefix_index *x, const char *p, size_t n)
{
	uint32_t i;
	size_t a = 0, b = 0;

	if (!n || !x->n)
		return 0;
	i = after(x, p, n);
	if (i < x->n)
		a = common(&x->text[i], p, n);
	if (i > 0)
		b = common(&x->text[i - 1], p, n);
	return a > b ? a : b;
}
