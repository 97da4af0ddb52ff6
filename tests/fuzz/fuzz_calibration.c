/* fuzz_calibration.c - any bytes as the file of a machine's measurements: figures are positive and of rows that are there; other
 * conditions only take rows away; cut anywhere behind its last whole line it reads the same */
#include "live/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_figure(struct known k, const struct calibration_used *u)
{
	if (!is_known(k))
		return;
	if (k.basis != BASIS_MEASURED || !(k.v > 0) || !isfinite(k.v) || !u->used)
		abort();
}

static void check(const struct calibration_used *u, int open)
{
	for (unsigned m = 0; m < MATH_COUNT; m++)
		check_figure(u->flops[m], u);
	check_figure(u->read_bps, u);
	check_figure(u->launch_s, u);
	if (u->used + u->other > u->rows || (u->used != 0) != (u->newest != NULL) || (u->other != 0) != (u->why != NULL) || (open && u->other))
		abort();
	if (is_known(u->read_bps) && (!u->read_threads || !(u->read_low <= u->read_bps.v) || !(u->read_bps.v <= u->read_high)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conditions unknown = { .cpu_limit = -1 }, some = { 4, 3500, 8, 4800, 2, "performance" };
	struct arena a = { 0 };
	struct error err = { 0 };
	struct calibration_used u, v, w;
	int rc = calibration_parse(&u, &a, "fuzz.csv", data, size, &unknown, &err);

	if (rc == OK) {
		check(&u, 1);
		if (calibration_parse(&v, &a, "fuzz.csv", data, size, &some, &err) != OK || v.rows != u.rows || v.cut != u.cut)
			abort();
		check(&v, 0);
		/* a second crash: the beginning of a row at the end */
		char *more = malloc(size + 32);
		if (more && u.rows && data[size - 1] == '\n') {
			memcpy(more, data, size);
			memcpy(more + size, "2026-07-27T09:30:00Z,cpu", 24);
			if (calibration_parse(&w, &a, "fuzz.csv", more, size + 24, &unknown, &err) != OK || w.rows != u.rows || w.cut != u.cut + 1 ||
				w.read_bps.v != u.read_bps.v)
				abort();
		}
		free(more);
	} else if (rc != E_FILE || strncmp(err.text, "fuzz.csv", 8)) {
		abort();
	}
	arena_free(&a);
	return 0;
}
