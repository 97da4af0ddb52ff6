/* runs.h - from what an engine was seen to reach on this machine to what it will reach in a run that is like those. Pure.
 *
 * Runs of the same phase and weight format count, those nearest by far the most. The distance of two runs is the sum of the binary
 * logarithms of how much they differ in bytes read, in sequences (of a prompt: in tokens of a step), and in depth (counted from 1024 tokens on: what comes before hardly shows). */
#ifndef RUNS_H
#define RUNS_H

#include "catalog/hardware_spec.h"

struct run_kind { uint8_t phase; const char *format; double bytes, depth; uint32_t sequences; };
/* An 80 % interval of the share, and how far the nearest run is. */
struct run_share { double value, low, high, distance; };
/* Beyond RUNS_FAR nothing is concluded; below RUNS_SAME it is the same run again. */
#define RUNS_FAR 4.0
#define RUNS_SAME 0.1

/* 0: no run is near enough. */
int runs_share(struct run_share *out, const struct engine_run *runs, unsigned n, const struct run_kind *kind);

#endif
