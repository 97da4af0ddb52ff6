/* packing.h - how a file format groups tensors: what GGUF fuses or splits for an architecture. */
#ifndef PACKING_H
#define PACKING_H

#include "catalog/quant.h"
#include <stdint.h>

struct packing_traits {
	uint8_t fused_qkv;               /* q, k and v are one tensor */
	uint8_t fused_gate_up;           /* dense gate and up are one tensor, stored under "up" */
	uint8_t fused_expert_gate_up;    /* the experts' likewise */
	uint8_t split_kv_b;              /* MLA: kv_b is stored as k_b and v_b (GGUF); else whole */
	uint8_t split_beta_alpha;        /* delta net: beta and alpha apart (qwen35), else one tensor */
	uint8_t rope_tables;             /* the file carries rope factors: 1 for llama3 scaling and the like, 2 long and short */
	uint8_t res_scores_folded;       /* attention residuals: norm folded into one score vector (GGUF) */
};

/* architecture: GGUF's name. Sources: llama.cpp 0c1e57098 src/models/NAME.cpp and conversion/NAME.py. */
struct packing_traits packing_for(enum packing p, const char *architecture);

#endif
