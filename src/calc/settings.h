/* settings.h - what a user chooses; every default is visible in the answer. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdint.h>

enum flash { FLASH_AUTO, FLASH_ON, FLASH_OFF };
/* How several devices share a model: as the engine does; whole layers dealt out; every layer cut up; the first device alone. */
enum { MAX_SHARES = 128 };
enum split { SPLIT_ENGINE, SPLIT_LAYER, SPLIT_TENSOR, SPLIT_NONE };

struct settings {
	const struct recipe *recipe;
	const struct engine_profile *engine;
	uint16_t kv_k, kv_v;                         /* formats */
	uint8_t kv_apart;                            /* each was named, so neither follows --kv-type */
	uint64_t ctx_tokens;                         /* a sequence */
	uint32_t sequences, ubatch, batch;
	uint32_t threads;                            /* of our own engine on a CPU; 0: unknown */
	uint32_t gpu_layers;                         /* UINT32_MAX: as many as fit */
	uint32_t cpu_moe;                            /* the routed experts of so many first layers stay in host memory; UINT32_MAX: as few as need be */
	uint8_t split;                               /* enum split */
	uint8_t n_ts;                                /* -ts: shares of the cards; 0: not given */
	double ts[MAX_SHARES];
	uint8_t flash, swa_full, with_mtp, with_encoders;
	uint8_t imatrix, imatrix_set;                /* made with an importance matrix; set: whatever is usual for the recipe */
	const uint16_t *file_formats;                /* formats of a real file by layer and role, (n_layers + 1) x ROLES; NULL: the recipe's */
};

#endif
