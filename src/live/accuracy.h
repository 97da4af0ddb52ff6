/* accuracy.h - the estimates held against published measurements, row by row.
 *
 * A file is known by its columns: GGUF sizes, llama.cpp memory logs, vLLM memory logs (ullage-catalog(5), "MEASUREMENTS").
 * error = predicted / measured - 1, signed; a prediction that rounds to the printed figure has error 0, otherwise the error is
 * what lies beyond the printed rounding. */
#ifndef ACCURACY_H
#define ACCURACY_H

#include "base/csv.h"
#include "catalog/catalog.h"

enum { ACC_GROUPS = 256, ACC_KEY = 64 };

struct sample { double error, predicted, measured; unsigned row; uint16_t group[6]; uint8_t n_groups, primary; };
struct group_score {
	char by[24], key[ACC_KEY];
	unsigned n;
	double median_abs, p90_abs, p95_abs, bias, exact;     /* exact: share with error 0 */
};
struct skipped { unsigned line; const char *reason; };

struct accuracy {
	const char *file, *kind;
	unsigned rows;                           /* after --where */
	unsigned evaluated;                      /* rows with a primary figure that could be predicted */
	struct sample *sample; unsigned n_samples, cap_samples;
	struct skipped *skipped; unsigned n_skipped;
	struct group_score group[ACC_GROUPS]; unsigned n_groups;
	struct group_score top;                  /* over the primary quantity */
};
/* where: "COLUMN=VALUE[,VALUE]" filters. E_USAGE: a filter without '=' or an unknown column; E_FILE: not a known kind of file. */
int accuracy_run(struct accuracy *out, struct catalog *c, const struct csv *csv, const char *const *where, unsigned n_where, struct arena *a, struct error *err) MUST_CHECK;

/* Used by the row readers. */
struct acc_row { struct accuracy *acc; struct catalog *c; const struct csv *csv; unsigned row; struct arena *arena, *scratch; };
/* Adds one prediction; text: the figure as printed, unit: bytes of one of it; half: half a unit of its last printed digit (0: read off
 * the text). keys: "by", "key" pairs, NULL-ended. */
void accuracy_add(struct acc_row *r, const char *quantity, int primary, double predicted, const char *text, double unit, double half, const char *const *keys);
void accuracy_skip(struct acc_row *r, const char *reason);       /* reason lives as long as the arena */
int accuracy_gguf_size(struct acc_row *r, struct error *err) MUST_CHECK;
int accuracy_llamacpp(struct acc_row *r, struct error *err) MUST_CHECK;
int accuracy_vllm(struct acc_row *r, struct error *err) MUST_CHECK;
/* --where: E_USAGE unless every filter names a column; does a row pass all of them? */
int accuracy_check_where(const struct csv *csv, const char *const *where, unsigned n, struct error *err) MUST_CHECK;
int accuracy_kept(const struct csv *csv, unsigned row, const char *const *where, unsigned n);

#endif
