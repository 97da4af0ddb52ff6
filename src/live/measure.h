/* measure.h - what this machine does, measured: memory and caches read, matrices multiplied, threads started.
 *
 * Our own kernels (kernels/cpu) on all processors that this process may use; some five seconds on two. Every result is checked:
 * a kernel that reads less than it should, or multiplies wrongly, is an error and no figure. Nothing is written anywhere
 * (calibration.h does that), so a run that is broken off leaves nothing behind. GPUs are not measured: they have no backend yet. */
#ifndef MEASURE_H
#define MEASURE_H

#include "base/error.h"
#include "cpu/stream.h"
#include "probe/probe.h"
#include <signal.h>
#include <stdint.h>

enum measured_kind {
	MEASURED_STREAM, MEASURED_MATVEC, MEASURED_MATRIX, MEASURED_LAUNCH, MEASURED_KINDS,
	MEASURED_PREFILL = MEASURED_KINDS, MEASURED_DECODE       /* of the engine, by verify.h; nothing that measure_machine() finds */
};
extern const char *const measured_kind_names[];      /* "stream_read", "matvec", "matrix", "launch", "engine_prefill", "engine_decode"; NULL-ended */
extern const char *const measured_units[];           /* of value, min and max by kind: "bytes_per_s", "bytes_per_s", "flops", "s", "tokens_per_s" twice */

enum { MEASURED_ROWS = 64, MEASURED_NOTES = 8, MEASURED_DETAIL = 128 };
/* detail: where from and with what ("memory/avx512", "l2/avx512"), format and instruction set ("q8/avx512-vnni"), "pool"; of the engine as calibration_runs.h has it. */
struct measured_row {
	uint8_t kind;                            /* enum measured_kind */
	char detail[MEASURED_DETAIL];
	uint64_t bytes;                          /* of all threads together that one pass reads; 0: none */
	uint32_t threads, repeats;
	double value, min, max;                  /* median, slowest and fastest run: rates; launch: seconds of one run of the pool */
	double share;                            /* of its time that the worst off thread had a processor; below 1: others ran in between */
};
struct measured {
	char date[24];                           /* "2026-07-27T09:30:00Z", when it began */
	double seconds;
	struct measured_row row[MEASURED_ROWS]; unsigned n_rows;
	char note[MEASURED_NOTES][200]; unsigned n_notes;        /* for a person: what was not measured and why, what is doubtful */
	uint8_t pinned;                          /* threads stayed on their processors */
};

struct measure_options {
	const char *device;                      /* NULL or "cpu"; a GPU's name or "gpuN" is refused */
	uint32_t threads;                        /* at most; 0: all allowed */
	uint8_t memory_only;                     /* only how fast these threads together read memory: half a second */
	uint32_t runs;                           /* of each figure; 0: 7 */
	double run_s;                            /* the least one run takes; 0: 0.05 (a quarter of it for caches) */
	uint64_t memory_bytes;                   /* 0: by the last cache, see measure_plan_bytes() */
	const struct stream_kernel *stream;      /* NULL: the best */
	const volatile sig_atomic_t *stop;       /* (optional) set: no figure is begun any more, and there are no rows */
	/* (optional) before each figure: what it is, its number from 0, how many there are */
	void (*progress)(void *user, const char *what, unsigned step, unsigned of);
	void *user;
};

/* E_NODEV: o->device names something that cannot be measured, or a kernel gave a wrong result (nothing of it is to be used).
 * E_NOMEM. p must be of this machine, never of a recording. */
int measure_machine(struct measured *out, const struct probed *p, const struct measure_options *o, struct error *err) MUST_CHECK;

/* The row of this kind whose detail begins with `what` ("memory/", "f32/") and whose value is best; NULL: there is none. */
const struct measured_row *measured_best(const struct measured *m, enum measured_kind kind, const char *what);
/* (fastest - slowest) / median. */
double measured_spread(const struct measured_row *r);

/* Bytes to read so that they come from memory with so many threads: four times the last caches that these threads have, at least
 * 256 MiB, and at most a quarter of what is available; 0: that much cannot be had. */
uint64_t measure_plan_bytes(const struct probed *p, unsigned threads);

#endif
