/* safetensors.c - headers and indices made here: what is read, and one bad file a rule */
#include "../tap.h"

#include "format/safetensors.h"

#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena arena;
static struct error err;
static unsigned char file[8192];

/* A header of this text, padded with blanks to 8 bytes; returns its bytes. */
static uint64_t head(const char *json)
{
	uint64_t n = strlen(json), padded = (n + 7) / 8 * 8;

	if (8 + padded > sizeof file)
		abort();
	for (unsigned i = 0; i < 8; i++)
		file[i] = (unsigned char)(padded >> (8 * i));
	memset(file + 8, ' ', padded);
	memcpy(file + 8, json, n);
	return 8 + padded;
}
static int parse(struct safetensors *st, const char *json, uint64_t data)
{
	uint64_t n = head(json);

	arena_free(&arena);
	return safetensors_parse(st, &arena, "t.safetensors", file, n, n + data, &err);
}
static void bad(const char *json, uint64_t data, int code, const char *words, const char *what)
{
	struct safetensors st;
	int rc = parse(&st, json, data);

	if (!ok(rc == code && strstr(err.text, words), "refused: %s", what))
		printf("# rc %d, want %d: %s\n# want \"%s\"\n", rc, code, rc ? err.text : "", words);
}
#define ONE(dtype, shape, from, to) "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" #from "," #to "]}}"

static void good(void)
{
	struct safetensors st = { 0 };

	ok(parse(&st, "{\"__metadata__\":{\"format\":\"pt\",\"x\":\"y\"},\"b\":{\"dtype\":\"BF16\",\"shape\":[3,5],\"data_offsets\":[4,34]},"
		"\"a.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 34) == OK, "a good header: %s", err.text);
	is_u64(st.dir.n, 2, "tensors");
	is_str(st.format, "pt", "metadata");
	is_str(st.dir.t[0].name, "b", "name");
	is_str(st.dir.t[0].type_name, "BF16", "type");
	ok(st.dir.t[0].ne[0] == 5 && st.dir.t[0].ne[1] == 3 && st.dir.t[0].ne[2] == 1 && st.dir.t[0].n_dims == 2,
		"the last dimension comes first");
	is_u64(st.dir.t[0].bytes, 30, "bytes");
	is_u64(st.dir.t[0].offset, 4, "offset");
	is_u64(st.dir.bytes, 34, "bytes of all");
	ok(parse(&st, "{}", 0) == OK && st.dir.n == 0, "an empty header: %s", err.text);
	ok(parse(&st, ONE("F32", "", 0, 4), 4) == OK && st.dir.t[0].elements == 1 && st.dir.t[0].n_dims == 0,
		"a single number: %s", err.text);
	ok(parse(&st, ONE("F32", "0,4", 0, 0), 0) == OK && st.dir.t[0].elements == 0, "an empty tensor: %s", err.text);
	ok(parse(&st, ONE("F4", "2,3", 0, 3), 3) == OK && st.dir.t[0].bytes == 3, "four bits an element: %s", err.text);
	ok(parse(&st, ONE("F16", "1152,3,2,2,2", 0, 55296), 55296) == OK && st.dir.t[0].ne[3] == 3456 && st.dir.t[0].n_dims == 5,
		"five dimensions: the slow ones are multiplied: %s", err.text);
	static const struct { const char *word; unsigned bits; } types[] = {
		{ "BOOL", 8 }, { "F4", 4 }, { "U8", 8 }, { "I8", 8 }, { "F8_E5M2", 8 }, { "F8_E4M3", 8 }, { "F8_E8M0", 8 }, { "I16", 16 },
			{ "U16", 16 },
		{ "F16", 16 }, { "BF16", 16 }, { "I32", 32 }, { "U32", 32 }, { "F32", 32 }, { "F64", 64 }, { "I64", 64 }, { "U64", 64 },
			{ "FP8", 0 }, { "bf16", 0 },
	};
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
		is_u64(safetensors_dtype_bits(types[i].word), types[i].bits, "bits of %s", types[i].word);
}

static void bad_bytes(void)
{
	struct safetensors st;
	uint64_t n = head("{}"), need;

	ok(safetensors_parse(&st, &arena, "t", file, 7, 7, &err) == E_FILE && !err.hint[0], "7 bytes: %s", err.text);
	ok(safetensors_parse(&st, &arena, "t", file, 7, 100, &err) == E_FILE && strstr(err.hint, "8 bytes"), "7 bytes of more: %s",
		err.hint);
	ok(safetensors_parse(&st, &arena, "t", file, 9, n, &err) == E_FILE && strstr(err.hint, "16 bytes"), "half a header: %s",
		err.hint);
	ok(safetensors_header_bytes(&need, "t", file, n, &err) == OK && need == 16, "how long it is");
	memset(file, 0xff, 8);
	ok(safetensors_parse(&st, &arena, "t", file, n, n, &err) == E_FILE && strstr(err.text, "18446744073709551615"),
		"a length that wraps: %s", err.text);
	memset(file, 0, 8);
	ok(safetensors_parse(&st, &arena, "t", file, n, n, &err) == E_FILE && strstr(err.text, "0 bytes"), "length 0: %s", err.text);
	file[0] = 9;
	ok(safetensors_parse(&st, &arena, "t", file, n, n, &err) == E_FILE && strstr(err.text, "file has 16"),
		"one byte too long: %s", err.text);
}

static void bad_headers(void)
{
	bad("[]", 0, E_FILE, "not with {", "an array");
	bad(" {}", 0, E_FILE, "not with {", "a blank first");
	bad("{\"a\":1}", 0, E_FILE, "not described by an object", "a number for a tensor");
	bad("{\"a\":{}", 0, E_FILE, "not valid JSON", "broken JSON");
	bad("{\"__metadata__\":[]}", 0, E_FILE, "__metadata__ is not", "metadata of another kind");
	bad("{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, E_FILE, "no name", "no name");
	bad("{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, E_FILE, "zero byte", "a zero byte in a name");
	bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, E_FILE,
		"a", "a name twice");
	bad("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, E_FILE, "twice", "a key twice");
	bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, E_FILE, "needs a dtype", "no offsets");
	bad("{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, E_FILE, "needs a dtype", "a number for a dtype");
	bad(ONE("Q4", "1", 0, 1), 1, E_FORMAT, "dtype Q4", "an unknown dtype");
	bad(ONE("U8", "1.5", 0, 1), 1, E_FILE, "not a whole number", "half a dimension");
	bad(ONE("U8", "-1", 0, 1), 1, E_FILE, "not a whole number", "a negative dimension");
	bad(ONE("U8", "\"1\"", 0, 1), 1, E_FILE, "not a whole number", "a string for a dimension");
	bad(ONE("U8", "1,1,1,1,1,1,1,1,1", 0, 1), 1, E_FILE, "more than 8 dimensions", "nine dimensions");
	bad(ONE("U8", "4294967296,4294967296", 0, 1), 1, E_FILE, "63 bits", "dimensions whose product wraps");
	bad(ONE("F64", "4611686018427387904", 0, 1), 1, E_FILE, "not a whole number", "a dimension that a double cannot hold");
	bad(ONE("F64", "4294967296,536870912", 0, 1), 1, E_FILE, "do not take", "a size in bits that wraps");
	bad(ONE("F32", "2", 0, 4), 4, E_FILE, "do not take the 4 bytes", "a span that is too short");
	bad(ONE("F4", "3", 0, 2), 2, E_FILE, "do not take", "half a byte");
	bad(ONE("U8", "1", 1, 0), 1, E_FILE, "data_offsets", "offsets the wrong way round");
	bad(ONE("U8", "1", 0, 1e30), 1, E_FILE, "data_offsets", "an offset beyond 2^53");
	bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, E_FILE, "data_offsets", "three offsets");
	bad(ONE("U8", "2", 0, 2), 1, E_FILE, "has 1 bytes of data", "a tensor beyond the file");
	bad(ONE("U8", "2", 0, 2), 3, E_FILE, "end at byte 2", "bytes after the last tensor");
	bad(ONE("U8", "2", 1, 3), 3, E_FILE, "belong to no tensor", "a gap");
	bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, E_FILE,
		"inside a", "tensors that overlap");
}

static char folder[64];
static const char *path_of(const char *name)
{
	static char path[2][160];
	static int i;

	snprintf(path[i ^= 1], sizeof *path, "%s/%s", folder, name);
	return path[i];
}
static void save(const char *name, const char *json, int64_t data)
{
	FILE *f = fopen(path_of(name), "wb");
	uint64_t n = data < 0 ? strlen(json) : head(json);

	if (!f || fwrite(data < 0 ? (const void *)json : file, 1, n, f) != n)
		abort();
	for (int64_t i = 0; i < data; i++)
		putc(0, f);
	fclose(f);
}
static void opens(const char *name, int code, const char *words, const char *what)
{
	struct safetensors st = { 0 };
	int rc;

	arena_free(&arena);
	rc = safetensors_open(&st, &arena, *name ? path_of(name) : folder, &err);
	if (!ok(rc == code && (rc == OK || strstr(err.text, words)), "%s", what))
		printf("# rc %d, want %d: %s\n", rc, code, rc ? err.text : "");
	if (rc == OK && st.n_shards == 2)
		ok(st.dir.n == 3 && st.dir.bytes == 7 && st.dir.t[2].shard == 1, "  with the tensors of both shards");
}
#define INDEX "model.safetensors.index.json"
#define MAP(a, b, c) "{\"metadata\":{\"total_size\":7},\"weight_map\":{\"a\":\"" a "\",\"b\":\"" b "\",\"c\":\"" c "\"}}"
#define S1 "model-00001-of-00002.safetensors"
#define S2 "model-00002-of-00002.safetensors"

static void files(void)
{
	snprintf(folder, sizeof folder, "/tmp/ullage-st-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	opens("", E_FILE, "no .safetensors", "an empty folder");
	opens("missing.safetensors", E_FILE, "missing", "no such file");
	save(S1, "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}", 3);
	opens("", OK, "", "a folder with one file");
	save(S2, "{\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
	opens("", E_AMBIGUOUS, "no model.safetensors.index.json", "two files without an index");
	save(INDEX, MAP(S1, S1, S2), -1);
	opens("", OK, "", "by the folder");
	opens(INDEX, OK, "", "by the index");
	opens(S2, OK, "", "one shard alone");
	save(INDEX, MAP(S1, S2, S2), -1);
	opens(INDEX, E_FILE, "tensor b is in " S1 ", not in " S2, "a tensor in another file than the index says");
	save(INDEX, "{\"weight_map\":{\"a\":\"" S1 "\",\"c\":\"" S2 "\",\"x\":\"" S2 "\"}}", -1);
	opens(INDEX, E_FILE, "tensor x is not in", "a tensor of the index that no file has");
	save(INDEX, "{\"weight_map\":{\"a\":\"" S1 "\",\"c\":\"" S2 "\"}}", -1);
	opens(INDEX, OK, "", "a tensor that the index leaves out is counted");
	save(INDEX, "{\"weight_map\":{\"a\":\"" S1 "\",\"a\":\"" S2 "\"}}", -1);
	opens(INDEX, E_FILE, "a", "a tensor twice in the index");
	save(INDEX, "{\"weight_map\":{\"a\":\"m-3.safetensors\"}}", -1);
	opens(INDEX, E_FILE, "m-3.safetensors: shard 1 of 1", "a shard that is missing");
	static const char *const outside[] = { "../x.safetensors", "/etc/x.safetensors", "sub/x.safetensors",
		"..\\\\x.safetensors", "c:x.safetensors", ".safetensors", INDEX, "" };
	for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++) {
		char json[160];
		snprintf(json, sizeof json, "{\"weight_map\":{\"a\":\"%s\"}}", outside[i]);
		save(INDEX, json, -1);
		opens(INDEX, E_FILE, "not the name of a .safetensors file", outside[i]);
	}
	save(INDEX, "{\"weight_map\":{\"a\":1}}", -1);
	opens(INDEX, E_FILE, "not mapped to a file name", "a number for a file");
	save(INDEX, "{\"weight_map\":{}}", -1);
	opens(INDEX, E_FILE, "no weight_map", "an empty map");
	save(INDEX, "[]", -1);
	opens(INDEX, E_FILE, "no weight_map", "no map");
	save(S2, "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
	save(INDEX, MAP(S1, S1, S2), -1);
	opens(INDEX, E_FILE, "tensor b is in", "a tensor in two shards");
	unlink(path_of(INDEX));
	unlink(path_of(S2));
	save("model.safetensors", "{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
	opens("", OK, "", "model.safetensors is preferred");
	save("model.safetensors", "", -1);
	opens("", E_FILE, "0 bytes", "an empty file");
	unlink(path_of("model.safetensors"));
	unlink(path_of(S1));
	rmdir(folder);
}

static void no_memory(void)
{
	char json[6000];
	struct safetensors st;
	int n, rc = E_NOMEM, wrong = 0, used = snprintf(json, sizeof json, "{");

	for (int i = 0; i < 60; i++)
		used += snprintf(json + used, sizeof json - (size_t)used,
			"%s\"name.%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}",
			i ? "," : "", i, i, i + 1);
	snprintf(json + used, sizeof json - (size_t)used, "}");
	for (n = 0; n < 100 && rc != OK; n++) {
		arena_free(&arena);
		arena_fail_after(n);
		rc = parse(&st, json, 60);
		wrong += rc != OK && rc != E_NOMEM;
	}
	arena_fail_after(-1);
	ok(rc == OK && n > 1 && !wrong, "out of memory at each of %d allocations", n - 1);
}

int main(void)
{
	good();
	bad_bytes();
	bad_headers();
	files();
	no_memory();
	arena_free(&arena);
	return done_testing();
}
