/* weights_hf.h - between the sources that read a safetensors checkpoint: what its family does, its tensors by name, those that are made in memory. */
#ifndef WEIGHTS_HF_H
#define WEIGHTS_HF_H

#include "engine/weights_private.h"
#include "format/tensor_dir.h"

/* What a checkpoint's family and its config.json say of how tensors are stored. */
struct hf_kind {
	uint8_t turned;                          /* experts in one tensor have their inputs as rows: [experts][in][out] */
	uint8_t mixed;                           /* ... and gate and up row by row, gate first */
	uint32_t tile[2];                        /* rows and columns of FP8 weights that share a scale, where there are tiles */
};
/* A tensor of the checkpoint. */
struct piece {
	struct hf_name is;
	uint16_t format;                         /* index into quants->formats; NO_FORMAT: bytes that are none by themselves */
	const struct file_tensor *t;
	const unsigned char *data;
	const float *scale;                      /* of FP8: one for every tile[0] x tile[1] (rows x columns); NULL */
	uint64_t tile[2];
};

/* A tensor to make: out of n pieces, one for each expert, or of one that holds all n experts or heads. */
enum made_how { AS_IT_IS, TO_BF16, TURNED, TO_MXFP4, HALF_OF_VECTOR, K_OF_KV_B, V_OF_KV_B };
struct made {
	struct stored to;                        /* data: where it is to lie */
	uint32_t at, n;                          /* at: in the store before it is sorted */
	const struct piece *p, *scales;          /* scales: of MXFP4 */
	uint8_t how, half;                       /* half: of a vector of both biases, 0 the gate's */
};

/* The constants of config.json into w->hyper, and the tiles of scales. E_ARCH: one of them says what is not run. */
int weights_config(struct weights *w, struct hf_kind *k, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;
/* w->t of n tensors in memory of its own, w->map[0], whatever they were apart: experts joined, FP8 with scales as BF16, MXFP4 as GGUF keeps it, all others copied.
 * w->map has room for one. Fills *out, sorts p. E_NOMEM: it does not fit what is free now (asked before anything is taken); E_FILE: parts that do not go
 * together, and as weights_bind(). */
int weights_join(struct store *out, struct weights *w, struct piece *p, uint32_t n, const struct hf_kind *k, struct error *err) MUST_CHECK;
/* Reads the pieces and writes m[0, n), by all processors. Pages of files are let go of when they are read. */
int weights_make(const struct made *m, uint32_t n, const struct quants *q, const struct hf_kind *k, struct error *err) MUST_CHECK;

#endif
