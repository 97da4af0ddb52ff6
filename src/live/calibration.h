/* calibration.h - what was measured on this machine, kept as raw rows and read back by every later estimate.
 *
 * $XDG_DATA_HOME/ullage/machines/FINGERPRINT/measured.csv (~/.local/share without XDG_DATA_HOME): one file a machine, rows only ever added,
 * figures computed when it is read. A row carries the conditions it was taken under; one taken under others than
 * today's is not used, and struct calibration_used says why. Not for recordings: what was measured here says nothing of them. */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#include "base/arena.h"
#include "catalog/hardware_spec.h"
#include "live/measure.h"
#include "probe/probe.h"

/* What changes the result beside the hardware itself. 0 or "": unknown, which agrees with everything; cpu_limit < 0: unknown. */
struct conditions {
	uint32_t threads_allowed, mhz_max, channels, mts;
	double cpu_limit;                        /* processors' worth of time; 0: no limit */
	char governor[32];
};
/* cpufreq: a folder with scaling_governor and scaling_max_freq; NULL: that of this machine's first processor. */
void conditions_now(struct conditions *out, const struct probed *p, const char *cpufreq);

/* The file of this machine, in the arena; NULL: there is no folder for it (neither XDG_DATA_HOME, an absolute path, nor HOME). */
const char *calibration_file(struct arena *a, const struct hardware_spec *h, const struct probed *p);

/* Adds the rows of a measurement, all or none, also while other processes add theirs. *file (may be NULL): where. E_IO: no folder, or it
 * cannot be written; E_FILE: the file is not one of ours, and is left alone. */
int calibration_append(const char **file, struct arena *a, const struct hardware_spec *h, const struct probed *p, const struct measured *m,
	struct error *err) MUST_CHECK;

struct calibration_used {
	const char *file;                        /* NULL: nothing was ever measured */
	unsigned rows, used, other, cut;         /* rows; used; of other conditions; cut short by a crash and left out */
	const char *why;                         /* of the newest row that is not used: "measured with 4 threads allowed, now 2"; or why the file
						  * cannot be read; NULL */
	const char *newest;                      /* date of the newest row that is used; NULL */
	struct known read_bps, launch_s, flops[MATH_COUNT];      /* BASIS_MEASURED or unknown */
	double read_low, read_high;              /* slowest and fastest run behind read_bps */
	uint32_t read_threads;                   /* with which it is best */
	const struct engine_run *runs; unsigned n_runs;  /* of the engine: the median of the newest five of each kind */
};

/* Puts what was measured in place of what was known: the host pool's read_bps (not of a pool that a GPU shares), and the CPU's flops and
 * launch_s, each the median over the newest five measurements at the best number of threads; and the engine's runs. No file, or none that may be
 * read: nothing happens. E_FILE with file and line: a malformed file; h is then as it was. */
int calibration_apply(struct hardware_spec *h, struct arena *a, const struct probed *p, struct calibration_used *used, struct error *err) MUST_CHECK;

/* The same from bytes, without a machine: fills *used. For calibration_apply and tests. */
int calibration_parse(struct calibration_used *used, struct arena *a, const char *file, const void *bytes, size_t n, const struct conditions *now,
	struct error *err) MUST_CHECK;

/* The header of the file, without its newline. */
extern const char calibration_header[];

#endif
