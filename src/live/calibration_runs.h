/* calibration_runs.h - rows of the engine's own runs in the file of calibration.h: what a detail says, and what many rows come to.
 *
 * Kinds engine_prefill and engine_decode; bytes: that one step reads; value: tokens/s of all sequences together; detail
 * FORMAT/dDEPTH/npSEQUENCES/ofRATE/MODEL. RATE is what the machine's figures alone promised then: value / RATE is what an estimate takes from
 * it, so that a run of one model serves another. */
#ifndef CALIBRATION_RUNS_H
#define CALIBRATION_RUNS_H

#include "base/arena.h"
#include "catalog/hardware_spec.h"
#include <stddef.h>

struct seen_run { struct engine_run run; const char *date; };
/* Fills format, depth, sequences and factor of *run from a detail; 0, or -1: it is none. value: tokens/s. */
int run_detail(struct engine_run *run, struct arena *a, const char *detail, double value);
/* The reverse, into n bytes; model is cut and made a word. */
void run_detail_text(char *out, size_t n, const struct engine_run *run, double promised, const char *model);
/* Runs of one kind (phase, format, bytes, depth, sequences) become one: the median of the newest five. Sorts `seen`; scratch: room for n
 * numbers. Returns how many there are in out. */
unsigned runs_settle(struct engine_run *out, struct seen_run *seen, unsigned n, double *scratch);

#endif
