/* safetensors.h - safetensors headers: one file, or a folder with model.safetensors.index.json and its shards.
 *
 * Layout: https://github.com/huggingface/safetensors#format. Checked: header length against the file, offsets within the data,
 * no overlap, no gaps that hide bytes, shape times dtype equal to the span. No weights are read. */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "base/arena.h"
#include "base/error.h"
#include "format/tensor_dir.h"
#include <stdint.h>

struct safetensors {
	const char *file;
	uint32_t n_shards;
	uint64_t file_bytes, header_bytes;
	struct tensor_dir dir;
	const char *const *shard;        /* n_shards paths, and where the data of each begin; NULL when it was parsed from bytes */
	const uint64_t *data_at;
	const char *format;              /* __metadata__.format, or NULL */
};

/* bytes[0, n): at least the header of a file of file_bytes bytes; when it is not whole, the hint says how many bytes are. */
int safetensors_parse(struct safetensors *out, struct arena *a, const char *file, const void *bytes, uint64_t n,
	uint64_t file_bytes, struct error *err) MUST_CHECK;
/* path: a .safetensors file, an index .json, or a folder that holds either. All strings live in the arena. Shards are files
 * beside the index: a path in it is refused. */
int safetensors_open(struct safetensors *out, struct arena *a, const char *path, struct error *err) MUST_CHECK;
/* Bytes of the header, its length field included, from the first 8 bytes of a file; E_FILE when that cannot be. */
int safetensors_header_bytes(uint64_t *out, const char *file, const unsigned char first[8], uint64_t file_bytes,
	struct error *err) MUST_CHECK;
/* Bytes an element of a safetensors dtype word takes, in bits (4 for F4); 0: unknown word. */
uint32_t safetensors_dtype_bits(const char *word);

#endif
