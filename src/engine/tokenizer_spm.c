/* tokenizer_spm.c - SentencePiece's byte pair encoding: of all neighbours that make a token, those of the best score are joined first */
#include "engine/tokenizer_heap.h"
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include <string.h>

struct symbol { int32_t prev, next; uint32_t at, n; };
struct work { struct encoding *e; struct symbol *s; struct pair_heap heap; const char *text; };

/* Each join offers two pairs, so the heap holds at most 3 for each symbol. */
static void offer(struct work *w, int32_t left, int32_t right)
{
	uint32_t n;
	int32_t id;

	if (left < 0 || right < 0)
		return;
	n = w->s[left].n + w->s[right].n;
	if (n > w->e->t->longest || (id = vocab_find(w->e->t, w->text + w->s[left].at, n)) == NO_TOKEN)
		return;
	pair_push(&w->heap, (struct pair){ -(double)w->e->t->score[id], left, right, n, id });
}

int spm_encode(struct encoding *e, const char *text, size_t n, int space_in_front)
{
	const struct tokenizer *t = e->t;
	char *p = encoding_block(e, BLOCK_TEXT, 3 * (n + 1), 1);
	struct work w = { .e = e, .text = p };
	size_t bytes = 0, count = 0;

	if (!p)
		return E_NOMEM;
	for (size_t i = space_in_front ? 0 : 1; i <= n; i++) {
		char c = i ? text[i - 1] : ' ';
		if (c == ' ') {
			memcpy(p + bytes, "\xe2\x96\x81", 3);
			bytes += 3;
		} else {
			p[bytes++] = c;
		}
	}
	w.s = encoding_block(e, BLOCK_SYMBOLS, bytes + 1, sizeof *w.s);
	w.heap.p = encoding_block(e, BLOCK_HEAP, 3 * (bytes + 1), sizeof *w.heap.p);
	if (!w.s || !w.heap.p)
		return E_NOMEM;
	for (size_t at = 0; at < bytes; count++) {
		size_t k = unicode_length((unsigned char)p[at]);
		if (k > bytes - at)
			k = bytes - at;
		w.s[count] = (struct symbol){ (int32_t)count - 1, at + k == bytes ? -1 : (int32_t)count + 1, (uint32_t)at, (uint32_t)k };
		at += k;
	}
	for (size_t i = 1; i < count; i++)
		offer(&w, (int32_t)i - 1, (int32_t)i);
	while (w.heap.n) {
		struct pair top = pair_pop(&w.heap);
		struct symbol *l = &w.s[top.left], *r = &w.s[top.right];
		if (!l->n || !r->n || l->n + r->n != top.n)
			continue;                        /* one of them has been joined since */
		l->n += r->n;
		r->n = 0;
		l->next = r->next;
		if (r->next >= 0)
			w.s[r->next].prev = top.left;
		offer(&w, l->prev, top.left);
		offer(&w, top.left, l->next);
	}
	for (int32_t i = count ? 0 : -1; i >= 0; i = w.s[i].next) {
		int32_t id = vocab_find(t, p + w.s[i].at, w.s[i].n);
		if (id != NO_TOKEN) {
			encoding_put(e, id);
			continue;
		}
		for (uint32_t j = 0; j < w.s[i].n; j++)
			if ((id = t->byte_token[(unsigned char)p[w.s[i].at + j]]) != NO_TOKEN)
				encoding_put(e, id);
	}
	return OK;
}
