/* tokenizer_heap.h - neighbours that may be joined, the best first: a binary heap for both kinds of byte pair encoding. Private to src/engine/tokenizer_*.c. */
#ifndef TOKENIZER_HEAP_H
#define TOKENIZER_HEAP_H

#include <stddef.h>
#include <stdint.h>

/* key: the smaller the better (a merge's rank, a score's negative); of equals the leftmost. n: bytes of both, so that a pair is known to be out of date. */
struct pair { double key; int32_t left, right; uint32_t n; int32_t merged; };
struct pair_heap { struct pair *p; size_t n; };

static inline int pair_before(const struct pair *a, const struct pair *b) { return a->key < b->key || (a->key == b->key && a->left < b->left); }

static inline void pair_push(struct pair_heap *h, struct pair p)
{
	size_t i = h->n++;

	for (; i && pair_before(&p, &h->p[(i - 1) / 2]); i = (i - 1) / 2)
		h->p[i] = h->p[(i - 1) / 2];
	h->p[i] = p;
}

/* h is not empty. */
static inline struct pair pair_pop(struct pair_heap *h)
{
	struct pair top = h->p[0], last = h->p[--h->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && pair_before(&h->p[child + 1], &h->p[child]))
			child++;
		if (!pair_before(&h->p[child], &last))
			break;
		h->p[i] = h->p[child];
		i = child;
	}
	h->p[i] = last;
	return top;
}

#endif
