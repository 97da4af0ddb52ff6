/* machine.h - a machine that was probed, live or recorded, and how `ullage hardware` shows it. */
#ifndef MACHINE_H
#define MACHINE_H

#include "base/json.h"
#include "cli/text.h"
#include "live/calibration.h"
#include "probe/probe_spec.h"

struct machine {
	struct probed found;
	struct probe_match match[PROBE_GPUS];
	struct hardware_spec spec;
	struct error lost;               /* code OK; or E_NODEV: a GPU is lost, and spec is the machine without it */
	const char *calibration;         /* a sentence on the measurements that were kept of this machine; NULL: none, or not asked for */
	uint32_t read_threads;           /* behind a bandwidth that was measured; 0: none was */
};
/* replay: folder of a recording, or NULL; record: folder to record into, or NULL. thorough: ask also what no estimate needs. *out lives in the arena. E_NODEV only when there is no
 * machine to show at all; a lost GPU is left in out->lost. E_FILE, E_NOMEM. */
int machine_probe(struct machine **out, struct arena *a, struct catalog *c, const char *replay, const char *record, int thorough,
	struct error *err) MUST_CHECK;
/* What was measured of this machine in place of what was known of it; never of a recording. A file that cannot be used is a warning. E_NOMEM. */
int machine_calibrate(struct machine *m, struct arena *a, struct error *err) MUST_CHECK;
/* Does this word mean a recording: a folder with a machine.yaml, or any folder that is named by a path? */
int machine_is_recording(const char *word);
/* This machine into a folder that is not there yet, or empty; says on stdout what is in it. E_USAGE, E_FILE. */
int machine_record(struct arena *a, struct catalog *c, const char *folder, int quiet, struct error *err) MUST_CHECK;

void machine_text(const struct text *t, const struct machine *m, int quiet);
/* What was found, into the "hardware" object; the pools and devices come from hardware_json_spec(). */
void machine_json(cJSON *o, const struct machine *m);
/* id, name, pools and devices of any machine, of the catalogue or found. */
void hardware_json_spec(cJSON *o, const struct hardware_spec *h);
/* "AVX2, AVX-512, ..." : what matters to kernels, without what others imply. Returns buf. */
const char *isa_text(char *buf, size_t n, uint64_t isa);
/* A number, or null when it is 0, which stands for unknown. */
void json_add_known_u64(cJSON *o, const char *key, uint64_t v);
void json_add_known(cJSON *o, const char *key, struct known k);

#endif
