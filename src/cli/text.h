/* text.h - the terminal: width, colour, and tables whose columns line up. */
#ifndef TEXT_H
#define TEXT_H

#include "cli/options.h"
#include <stddef.h>
#include <stdio.h>

enum paint { PLAIN, BOLD, DIM, GREEN, YELLOW, RED };
struct text {
	FILE *out;
	int colour, width;               /* width: columns of the terminal; 80 when it is none */
};
void text_open(struct text *t, const struct options *o);
/* printf between the codes of a colour, when colour is on. */
void text_paint(const struct text *t, enum paint p, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A paragraph, wrapped at the width, each line after the first indented by `indent`. */
void text_wrap(const struct text *t, const char *lead, int indent, const char *s);
/* The same, after `col` columns that stand there already. */
void text_wrap_from(const struct text *t, int col, int indent, const char *s);

/* A value that may wrap, under a name in a margin of FACT_MARGIN columns ("" continues the one above); nothing when there is none. */
enum { FACT_MARGIN = 14 };
void text_fact(const struct text *t, const char *name, const char *value);
void text_factf(const struct text *t, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Rows are collected, then printed with columns as wide as their widest cell. right: bit set of columns flushed right.
 * The last column may be cut with an ellipsis when the table is wider than the terminal. */
enum { TABLE_COLUMNS = 16, TABLE_SECTION = 0x80 };
struct table {
	char **cell; uint8_t *paint;
	unsigned n, cap, columns;
	uint32_t right;
	unsigned shrink;                 /* 1 + the column that is cut when the table is wider than the terminal; 0: none */
	unsigned last_least;             /* so far the last column is cut before that one; 0: not at all */
	int failed;
};
void table_init(struct table *t, unsigned columns, uint32_t right);
void table_cell(struct table *t, enum paint p, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A line across all columns, between two rows. */
void table_section(struct table *t, enum paint p, const char *text);
void table_print(struct table *t, const struct text *x, int header);     /* frees the cells */
/* Comma-separated, quoted where needed. */
void csv_cell(FILE *out, const char *s, int last);
/* Does the locale write UTF-8? */
int text_utf8(void);
/* A bar of so many columns filled by share (0 to 1): blocks where the locale has them, else '#' and '.'. n: at least 3 bytes a column and 1. */
const char *text_bar(char *buf, size_t n, unsigned columns, double share);
/* Display columns of a UTF-8 string (one per code point). */
size_t text_columns(const char *s);

#endif
