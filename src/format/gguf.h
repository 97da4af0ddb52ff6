/* gguf.h - a GGUF file's header: metadata and the tensor directory. Weights are mapped, not read.
 *
 * Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian. Every count is checked
 * against the bytes that remain before anything is allocated; offsets against overlap, alignment and the file's size.
 * Split files (split.no, split.count) are joined by gguf_open(). Not here: what the tensors are for (catalog/import_gguf.h). */
#ifndef GGUF_H
#define GGUF_H

#include "base/arena.h"
#include "base/error.h"
#include "format/tensor_dir.h"
#include <stdint.h>

enum gguf_type { GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY,
	GGUF_U64, GGUF_I64, GGUF_F64, GGUF_TYPES };

struct gguf_value {
	const char *key;
	uint8_t type, elem;                      /* elem: of an array */
	uint64_t n;                              /* array length; bytes of a string */
	uint64_t bytes;                          /* bytes the value takes in the file */
	union { uint64_t u; int64_t i; double f; const char *s; const unsigned char *raw; } v;   /* raw: array elements, in the input */
};
/* Bytes of `block` elements of each ggml type number, from data/quants.yaml: block 0 = unknown type. */
struct gguf_type_info { uint32_t block, bytes; const char *name; };
struct gguf_types { const struct gguf_type_info *type; uint32_t n; };

struct gguf {
	const char *file;
	uint32_t version, alignment, n_shards;
	uint64_t file_bytes, header_bytes;       /* header_bytes: where tensor data begins, of all shards together */
	struct gguf_value *kv; uint32_t n_kv;    /* of the first shard; sorted by key */
	struct tensor_dir dir;
};

/* bytes[0, n) is the head of a file of file_bytes bytes. E_FILE with the byte offset; when more bytes are needed, err->hint says
 * so and *need (may be NULL) is at least how many. Arrays stay in `bytes`, which must outlive *out. */
int gguf_parse(struct gguf *out, struct arena *a, const char *file, const void *bytes, uint64_t n, uint64_t file_bytes,
	const struct gguf_types *t, uint64_t *need, struct error *err) MUST_CHECK;
/* Maps the file and its further shards (NAME-00001-of-0000N.gguf); a missing shard is E_FILE and names it. path may also be any
 * one of the shards, or a folder that holds one model (files of encoders, mmproj*.gguf, beside it do not count; several models
 * are E_AMBIGUOUS). Close with gguf_close(), which takes NULL. */
int gguf_open(struct gguf **out, const char *path, const struct gguf_types *t, struct error *err) MUST_CHECK;
void gguf_close(struct gguf *g);
/* Of a file that gguf_open() mapped: a tensor's bytes, all of them within the map; and the map of each shard. */
const void *gguf_data(const struct gguf *g, const struct file_tensor *t);
const void *gguf_shard(uint64_t *bytes, const struct gguf *g, uint32_t shard);

const struct gguf_value *gguf_find(const struct gguf *g, const char *key);
/* 1 when present and of a fitting type, 0 when absent, E_FILE when of another type or negative. */
int gguf_u64(uint64_t *out, const struct gguf *g, const char *key, struct error *err) MUST_CHECK;
int gguf_f64(double *out, const struct gguf *g, const char *key, struct error *err) MUST_CHECK;
int gguf_str(const char **out, const struct gguf *g, const char *key, struct error *err) MUST_CHECK;
int gguf_bool(uint8_t *out, const struct gguf *g, const char *key, struct error *err) MUST_CHECK;
/* Scalar, or element i of an array of integers or bools (llama.cpp's per-layer values). Same returns; E_FILE when i is out of
 * range. */
int gguf_u64_at(uint64_t *out, const struct gguf *g, const char *key, uint64_t i, struct error *err) MUST_CHECK;

#endif
