/* measure_text.h - a measurement as text, JSON or CSV, and its progress on a terminal. */
#ifndef MEASURE_TEXT_H
#define MEASURE_TEXT_H

#include "base/json.h"
#include "cli/text.h"
#include "live/calibration.h"
#include "live/measure.h"

/* The table, the figures that estimates will use, and the notes. file: where it was kept; NULL: it was not. */
void measure_text(const struct text *t, const struct measured *m, const char *file, int quiet);
/* Adds "measured": {date, seconds, file, read_bytes_per_s, read_threads, flops: {...}, launch_s, rows: [...], notes: [...]}. */
void measure_json(cJSON *o, const struct measured *m, const char *file);
void measure_csv(FILE *out, const struct measured *m);
/* For measure_options.progress: one line on stderr, only on a terminal; user: NULL. Afterwards measure_progress_end(). */
void measure_progress(void *user, const char *what, unsigned step, unsigned of);
void measure_progress_end(void);

/* One sentence on what of the kept measurements is used, or why not; NULL: nothing was ever measured. Lives in the arena. */
const char *calibration_sentence(struct arena *a, const struct calibration_used *u);

#endif
