/* tensor_dir.h - a file's own list of tensors: what GGUF and safetensors headers have in common. */
#ifndef TENSOR_DIR_H
#define TENSOR_DIR_H

#include <stdint.h>

struct file_tensor {
	const char *name;
	uint64_t ne[4];                  /* ne[0]: contiguous dimension; unused: 1. Safetensors shapes are stored reversed into this order */
	uint8_t n_dims;
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

#endif
