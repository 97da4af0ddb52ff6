/* safetensors.c - one safetensors header: a length, a JSON object, and the rules its offsets obey */
#include "format/safetensors.h"

#include "base/json.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

/* The reference reader refuses headers over 100 MB (safetensors 0.5, safetensors/src/tensor.rs); json_parse() over 64 MiB. */
enum { LENGTH_FIELD = 8, MAX_DIMS = 8 };

/* dtype words of safetensors/src/tensor.rs, and how many bits an element takes. F4 and F6 are packed. */
static const struct { const char *word; uint32_t bits; } dtypes[] = {
	{ "BOOL", 8 }, { "F4", 4 }, { "F6_E2M3", 6 }, { "F6_E3M2", 6 }, { "U8", 8 }, { "I8", 8 },
	{ "F8_E5M2", 8 }, { "F8_E4M3", 8 }, { "F8_E8M0", 8 }, { "F8_E4M3FNUZ", 8 }, { "F8_E5M2FNUZ", 8 },
	{ "I16", 16 }, { "U16", 16 }, { "F16", 16 }, { "BF16", 16 }, { "I32", 32 }, { "U32", 32 }, { "F32", 32 },
	{ "C64", 64 }, { "F64", 64 }, { "I64", 64 }, { "U64", 64 },
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

static uint32_t dtype_find(const char *word)
{
	uint32_t i;

	for (i = 0; i < DTYPES && strcmp(dtypes[i].word, word); i++)
		;
	return i;
}

uint32_t safetensors_dtype_bits(const char *word)
{
	uint32_t i = dtype_find(word);

	return i < DTYPES ? dtypes[i].bits : 0;
}

int safetensors_header_bytes(uint64_t *out, const char *file, const unsigned char first[8], uint64_t file_bytes,
	struct error *err)
{
	uint64_t n = 0;

	for (unsigned i = LENGTH_FIELD; i--; )
		n = n << 8 | first[i];
	if (file_bytes < LENGTH_FIELD || n > file_bytes - LENGTH_FIELD)
		return error_set(err, E_FILE, "%s: byte 0: a header of %llu bytes, but the file has %llu", file, (unsigned long long)n,
			(unsigned long long)file_bytes);
	if (n < 2)
		return error_set(err, E_FILE, "%s: byte 0: a header of %llu bytes, less than the 2 of an empty one", file,
			(unsigned long long)n);
	*out = LENGTH_FIELD + n;
	return OK;
}

/* A whole number that a JSON double holds exactly. */
static int whole(uint64_t *out, const cJSON *v)
{
	double d = v->valuedouble;

	if (!cJSON_IsNumber(v) || !(d >= 0) || d > 9007199254740992.0 || d != floor(d))
		return -1;
	*out = (uint64_t)d;
	return 0;
}

static int read_shape(struct file_tensor *t, const char *file, const cJSON *shape, struct error *err)
{
	uint64_t dim[MAX_DIMS];
	unsigned n = 0;
	const cJSON *v;

	cJSON_ArrayForEach(v, shape) {
		if (n == MAX_DIMS)
			return error_set(err, E_FILE, "%s: tensor %.96s has more than %d dimensions", file, t->name, MAX_DIMS);
		if (whole(&dim[n++], v))
			return error_set(err, E_FILE, "%s: tensor %.96s: dimension %u is not a whole number", file, t->name, n - 1);
	}
	t->n_dims = (uint8_t)n;
	t->elements = 1;
	for (unsigned i = 0; i < 4; i++)
		t->ne[i] = 1;
	for (unsigned i = 0; i < n; i++) {
		uint64_t *ne = &t->ne[i < 4 ? i : 3];

		/* a zero dimension hides no overflow: the others are multiplied all the same */
		if (u64_mul(&t->elements, t->elements, dim[n - 1 - i]) || t->elements > INT64_MAX || u64_mul(ne, *ne, dim[n - 1 - i]))
			return error_set(err, E_FILE, "%s: tensor %.96s: the product of its dimensions overflows 63 bits", file, t->name);
	}
	return OK;
}

static int read_tensor(struct file_tensor *t, struct arena *a, const char *file, const cJSON *o, struct error *err)
{
	const cJSON *dtype = NULL, *shape = NULL, *span = NULL, *v;
	uint64_t begin, end, bits;
	unsigned doubles = 0;

	if (!o->string[0])
		return error_set(err, E_FILE, "%s: a tensor has no name", file);
	if (!(t->name = arena_strdup(a, o->string)))
		return error_set(err, E_NOMEM, "%s: out of memory", file);
	if (!cJSON_IsObject(o))
		return error_set(err, E_FILE, "%s: tensor %.96s is not described by an object", file, t->name);
	cJSON_ArrayForEach(v, o) {
		const cJSON **to = !strcmp(v->string, "dtype") ? &dtype : !strcmp(v->string, "shape") ? &shape : !strcmp(v->string,
			"data_offsets") ? &span : NULL;
		if (to) {
			doubles += *to != NULL;
			*to = v;
		}
	}
	if (doubles)
		return error_set(err, E_FILE, "%s: tensor %.96s has one of its keys twice", file, t->name);
	if (!cJSON_IsString(dtype) || !cJSON_IsArray(shape) || !cJSON_IsArray(span))
		return error_set(err, E_FILE, "%s: tensor %.96s needs a dtype, a shape and data_offsets", file, t->name);
	t->type = dtype_find(dtype->valuestring);
	if (t->type == DTYPES)
		return error_set(err, E_FORMAT, "%s: tensor %.96s has dtype %.32s, which is not known here", file, t->name, dtype->valuestring);
	t->type_name = dtypes[t->type].word;
	int rc = read_shape(t, file, shape, err);
	if (rc != OK)
		return rc;
	if (cJSON_GetArraySize(span) != 2 || whole(&begin, span->child) || whole(&end, span->child->next) || end < begin)
		return error_set(err, E_FILE, "%s: tensor %.96s: data_offsets must be two whole numbers, the second not below the first",
			file, t->name);
	t->offset = begin;
	t->bytes = end - begin;
	if (u64_mul(&bits, t->elements, dtypes[t->type].bits) || bits % 8 || bits / 8 != t->bytes)
		return error_set(err, E_FILE, "%s: tensor %.96s: %llu elements of %s do not take the %llu bytes of its data_offsets",
			file, t->name,
			(unsigned long long)t->elements, t->type_name, (unsigned long long)t->bytes);
	return OK;
}

/* cJSON would end a string at an escaped zero and so make one name of two. */
static int escaped_zero(uint64_t *at, const char *s, uint64_t n)
{
	for (uint64_t i = 0; i + 6 <= n; i++)
		if (s[i] == '\\') {
			if (!memcmp(s + i, "\\u0000", 6)) {
				*at = i;
				return 1;
			}
			i++;
		}
	return 0;
}

static int read_header(struct safetensors *st, struct arena *a, const cJSON *root, struct error *err)
{
	const cJSON *v;
	uint64_t n = 0;
	int rc;

	if (!cJSON_IsObject(root))
		return error_set(err, E_FILE, "%s: the header is not a JSON object", st->file);
	cJSON_ArrayForEach(v, root)
		n++;
	if (!(st->dir.t = arena_array(a, n ? n : 1, sizeof *st->dir.t)))
		return error_set(err, E_NOMEM, "%s: out of memory for %llu tensors", st->file, (unsigned long long)n);
	cJSON_ArrayForEach(v, root) {
		struct file_tensor *t = &st->dir.t[st->dir.n];

		if (!strcmp(v->string, "__metadata__")) {
			const cJSON *format = cJSON_GetObjectItemCaseSensitive(v, "format");
			if (!cJSON_IsObject(v))
				return error_set(err, E_FILE, "%s: __metadata__ is not an object", st->file);
			if (cJSON_IsString(format) && !(st->format = arena_strdup(a, format->valuestring)))
				return error_set(err, E_NOMEM, "%s: out of memory", st->file);
			continue;
		}
		if ((rc = read_tensor(t, a, st->file, v, err)) != OK)
			return rc;
		st->dir.n++;
		if (u64_add(&st->dir.bytes, st->dir.bytes, t->bytes))
			return error_set(err, E_FILE, "%s: the tensors up to %.96s overflow 64 bits", st->file, t->name);
	}
	return tensor_dir_check(&st->dir, st->file, NULL, st->file_bytes - st->header_bytes, 1, err);
}

int safetensors_parse(struct safetensors *out, struct arena *a, const char *file, const void *bytes, uint64_t n,
	uint64_t file_bytes, struct error *err)
{
	struct safetensors st = { .file = file, .n_shards = 1, .file_bytes = file_bytes };
	const unsigned char *p = bytes;
	cJSON *root = NULL;
	uint64_t at;
	int rc;

	if (n < LENGTH_FIELD) {
		rc = error_set(err, E_FILE, "%s: %llu bytes, less than the %d of a header's length", file, (unsigned long long)n, LENGTH_FIELD);
		if (n < file_bytes)
			error_hint(err, "more of the file is needed: at least %d bytes from its beginning", LENGTH_FIELD);
		return rc;
	}
	if ((rc = safetensors_header_bytes(&st.header_bytes, file, p, file_bytes, err)) != OK)
		return rc;
	if (n < st.header_bytes) {
		rc = error_set(err, E_FILE, "%s: the header ends at byte %llu, beyond the %llu bytes at hand", file,
			(unsigned long long)st.header_bytes,
			(unsigned long long)n);
		error_hint(err, "more of the file is needed: at least %llu bytes from its beginning", (unsigned long long)st.header_bytes);
		return rc;
	}
	if (p[LENGTH_FIELD] != '{')
		return error_set(err, E_FILE, "%s: byte 8: the header begins with byte %02x, not with {", file, p[LENGTH_FIELD]);
	if (escaped_zero(&at, (const char *)p + LENGTH_FIELD, st.header_bytes - LENGTH_FIELD))
		return error_set(err, E_FILE, "%s: byte %llu: a zero byte in a string", file, (unsigned long long)(LENGTH_FIELD + at));
	if ((rc = json_parse(&root, file, p + LENGTH_FIELD, st.header_bytes - LENGTH_FIELD, err)) != OK)
		return rc;
	rc = read_header(&st, a, root, err);
	cJSON_Delete(root);
	if (rc == OK)
		*out = st;
	return rc;
}
