/* run_text.h - text that comes in pieces of tokens: a character leaves when all its bytes are there. */
#ifndef RUN_TEXT_H
#define RUN_TEXT_H

#include <stddef.h>
#include <stdio.h>

struct run_text {
	FILE *out;                               /* NULL: collected only */
	char held[4]; unsigned n_held;           /* the beginning of a character */
	char *all; size_t n, cap;                /* what left, NUL-ended; NULL before the first byte, and when out is not NULL */
	int failed;                              /* memory, or out cannot be written */
};
/* Any bytes; what is no UTF-8 leaves as it is, as soon as that is clear. 0, or -1: failed. */
int run_text_put(struct run_text *t, const char *bytes, size_t n);
/* What is still held leaves. */
int run_text_end(struct run_text *t);
/* What was collected as valid UTF-8: of a byte that is none, and of a NUL, it has U+FFFD. free(); NULL: no memory. */
char *run_text_utf8(const struct run_text *t);
void run_text_free(struct run_text *t);

#endif
