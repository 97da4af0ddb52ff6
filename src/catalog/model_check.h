/* model_check.h - the checks of a model and of one part. Private to the catalogue's readers; model_check() does all of them. */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include "catalog/model_spec.h"

/* Tensors are cut into at most so many pieces (calc's cut_pieces is 16 bits wide). */
enum { MAX_PIECES = 65535 };
#define MAX_ELEMENTS (UINT64_C(1) << 62)         /* of anything: times four bytes it fits 64 bits */
#define MAX_STATE_ELEMENTS (UINT64_C(1) << 31)   /* of one part's state: 32 bits wide in calc/ */

struct check {
	const struct model_spec *m;
	const struct part *part;                 /* NULL: the model itself */
	int code;
	const char *where;
	unsigned line;
	struct error *err;
	uint64_t sum;                            /* elements so far */
	int rc;                                  /* the first failure; later checks do nothing */
};

/* "FILE:LINE: part NAME: ..." with the values that do not agree. */
#define CHECK_FAIL(c, fmt, ...) do { if ((c)->rc == OK) \
	(c)->rc = error_at((c)->err, (c)->code, (c)->where, (c)->line, "%s%s%s" fmt, (c)->part ? "part " : "", \
		(c)->part && (c)->part->name ? (c)->part->name : "", (c)->part ? ": " : "", __VA_ARGS__); } while (0)

void check_positive(struct check *c, const char *name, uint64_t v);
/* Heads, groups and experts: what a tensor is cut into. */
void check_pieces(struct check *c, const char *name, uint64_t v);
void check_divides(struct check *c, const char *small, uint64_t a, const char *big, uint64_t b);
void check_at_most(struct check *c, const char *small, uint64_t a, const char *big, uint64_t b);
void check_in_enum(struct check *c, const char *name, unsigned v, const char *const *names);
/* Adds a * b * d elements to the sum; text names the factors. */
void check_elements(struct check *c, const char *text, uint64_t a, uint64_t b, uint64_t d);

/* elements (may be NULL): an upper bound of the part's weights, below 2^62. Reads m->width, n_rope and n_warnings only. */
int part_check(uint64_t *elements, const struct model_spec *m, const struct part *p, int code, const char *where,
	unsigned line, struct error *err) MUST_CHECK;

#endif
