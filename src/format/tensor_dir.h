/* tensor_dir.h - a file's own list of tensors: what GGUF and safetensors headers have in common. */
#ifndef TENSOR_DIR_H
#define TENSOR_DIR_H

#include "base/arena.h"
#include "base/error.h"
#include <stdint.h>

struct file_tensor {
	const char *name;
	uint64_t ne[4];                  /* ne[0]: contiguous dimension; unused: 1. Safetensors shapes are stored reversed into this
	                                  * order; dimensions beyond four (the slowest) are multiplied into ne[3] */
	uint8_t n_dims;                  /* as the file says: 0 to 8 */
	uint16_t shard;
	uint32_t type;                   /* ggml type number (GGUF); index into the safetensors dtype table */
	const char *type_name;           /* "q4_k", "BF16" */
	uint64_t elements, bytes;        /* exact */
	uint64_t offset;                 /* from the start of its shard's data */
};
struct tensor_dir {
	struct file_tensor *t;
	uint64_t n;
	uint64_t bytes;                  /* of all tensors */
};

/* One shard's list against the rules that both formats share: no name twice, no two tensors on the same bytes, all within
 * data_bytes. at[i]: where tensor i is described, for the message; NULL: not known. With exact, no gaps either, and the data end
 * where the last tensor does. E_FILE, E_NOMEM. */
int tensor_dir_check(const struct tensor_dir *d, const char *file, const uint64_t *at, uint64_t data_bytes, int exact,
	struct error *err) MUST_CHECK;
/* The tensors of all shards as one list, in *a. */
int tensor_dir_join(struct tensor_dir *out, struct arena *a, const struct tensor_dir *shards, uint32_t n,
	struct error *err) MUST_CHECK;
/* After joining shards: no name twice over all of them. files[shard]: for the message. */
int tensor_dir_check_names(const struct tensor_dir *d, const char *const *files, struct error *err) MUST_CHECK;

#endif
