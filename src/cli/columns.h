/* columns.h - tables that a user may choose the columns and the order of: one cell for text, CSV, JSON and sorting. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "base/json.h"
#include "cli/text.h"

/* What a cell holds; NONE is unknown, EMPTY does not apply. LIST: NULL-ended words. */
enum cell_kind { CELL_NONE, CELL_EMPTY, CELL_TEXT, CELL_DATE, CELL_LIST, CELL_NUMBER, CELL_COUNT, CELL_TOKENS, CELL_BYTES, CELL_LEFT, CELL_RATE };
struct cell {
	uint8_t kind;
	const char *s;                           /* TEXT, DATE */
	const char *const *list;                 /* LIST */
	double v;                                /* the rest: bytes (LEFT: signed), tokens, parameters; RATE: see unit */
	const char *unit;                        /* RATE: "GB/s" (v in 1e9), "TFLOPS" (v in 1e12); others, "" too: v as it is */
};
/* key: in --columns and --sort; head: of the text table; csv: header of CSV and key of JSON. */
struct column {
	const char *key, *head, *csv;
	uint8_t right;                           /* flushed right */
	uint8_t apart;                           /* not in CSV and JSON unless asked for by name */
};
struct columns {
	const struct column *all;                /* ended by a NULL key */
	unsigned n, pick[TABLE_COLUMNS * 2];     /* those to show */
	int chosen;                              /* by --columns */
	int sort, reverse;                       /* index, -1: by the first */
};
typedef void cell_fn(struct cell *out, const void *row, unsigned column);

/* Fills *out from --columns and --sort. usual: keys that a text table shows without --columns. E_USAGE lists the columns. */
int columns_open(struct columns *out, const struct column *all, const char *usual, const struct options *o, struct error *err) MUST_CHECK;
/* Sorts n rows (pointers) by the chosen column: words up, numbers up, dates down; unknown last; equals by the first column. */
void columns_sort(const struct columns *c, cell_fn *cell, const void **rows, unsigned n);
void columns_text(const struct columns *c, cell_fn *cell, const void *const *rows, unsigned n, const struct text *t);
void columns_csv(const struct columns *c, cell_fn *cell, const void *const *rows, unsigned n, FILE *out);
/* Adds one object a row to the array, with every column that is not `apart`, or those of --columns. */
void columns_json(const struct columns *c, cell_fn *cell, const void *const *rows, unsigned n, cJSON *array);
/* An entry that cannot be had: its status, why, and what there is instead. */
void entry_apart_text(const struct text *t, const char *id, const char *name, const char *status, const char *why, const char *const *instead);
/* As a text table shows it; "?" for unknown. Returns buf, or a string of the cell. */
const char *cell_text(char *buf, size_t n, const struct cell *c);

#endif
