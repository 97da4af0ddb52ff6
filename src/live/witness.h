/* witness.h - what the system says of this process's memory: how much of it is resident, and of which ranges.
 *
 * Linux: /proc/self/smaps (per mapping), smaps_rollup (all), pagemap where a mapping is only in part what is asked about (the kernel
 * joins neighbours that are alike), status (the most there ever was). Elsewhere only getrusage's peak is known. Never our own
 * count of what was allocated. */
#ifndef WITNESS_H
#define WITNESS_H

#include "base/arena.h"
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

/* One mapping; bytes. */
struct smap { uint64_t from, to, rss, pss, anonymous, swap; const char *name; };
struct smaps { struct smap *map; unsigned n; };
/* Text of /proc/PID/smaps. E_FILE with the line: a mapping whose addresses or sizes cannot be. Fields that are not known are passed over. */
int smaps_parse(struct smaps *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;

struct witness_range { uint64_t from, to; };
/* Resident bytes of the ranges, each page counted once. -1: the system does not say. */
int64_t witness_resident(const struct smaps *s, const struct witness_range *range, unsigned n);
/* This process's mappings as they are now. E_NODEV: the system has no such list. */
int witness_maps(struct smaps *out, struct arena *a, struct error *err) MUST_CHECK;
/* Resident bytes of the whole process now; -1: not known. */
int64_t witness_total(void);
/* The most that ever was resident; -1: not known. */
int64_t witness_peak(void);
/* Forgets it, so that it counts from what is resident now (proc(5), clear_refs: 5). 0: the system does not, and witness_peak() is of all there ever was. */
int witness_peak_forget(void);
/* Does the system hold all of a file in memory? 1, 0; -1: it does not say. */
int witness_cached(const char *path);

/* "VmHWM:", "Rss:" ... of a text of lines "NAME:  123 kB"; -1: not there or no such line. */
int64_t witness_field(const char *text, const char *name);

#endif
