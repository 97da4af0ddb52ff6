/* machine_lines.h - lines of a machine's description: a label, then words. Private to machine_text.c and machine_gpu_text.c. */
#ifndef MACHINE_LINES_H
#define MACHINE_LINES_H

#include "cli/machine.h"

enum { SAY_INDENT = 12 };
/* "Label       text", wrapped below the text; no label: below the line before. Only a text of one line is painted. */
void say(const struct text *t, const char *label, enum paint p, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void say_bandwidth(const struct text *t, const struct pool *p);
/* The n GPUs from i on, which are alike. */
void say_gpus(const struct text *t, const struct machine *m, unsigned i, unsigned n);
/* Has GPU y nothing to say that x did not? */
int told_with(const struct machine *m, unsigned x, unsigned y);

/* Collects "a, b, c"; what does not fit is left out. */
struct word_list { char text[900]; size_t at; };
void list_add(struct word_list *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *plural(uint64_t n);          /* "s" or "" */

#endif
