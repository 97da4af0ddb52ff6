/* gguf.c - the GGUF reader against headers made here: what it reads, and one bad file a rule */
#include "../tap.h"

#include "gguf_make.h"

static struct arena arena;
static struct error err;

static int parse(struct gguf *g, struct make *m)
{
	uint64_t need;

	make_done(m);
	arena_free(&arena);
	return gguf_parse(g, &arena, "t.gguf", m->out.p, m->out.n, m->file_bytes, &make_types, &need, &err);
}
/* The header as made must be refused with this code and these words. */
static void bad(struct make *m, int code, const char *words, const char *what)
{
	struct gguf g;
	int rc = parse(&g, m);

	if (!ok(rc == code && strstr(err.text, words), "refused: %s", what))
		printf("# rc %d, want %d: %s\n# want \"%s\"\n", rc, code, rc ? err.text : "", words);
	make_init(m);
}

static void good(struct make *m)
{
	uint32_t four[] = { 1, 2, 3, 4 };
	struct gguf g = { 0 };
	uint64_t u = 0;
	double f = 0;
	const char *s = NULL;
	uint8_t b = 0;

	make_init(m);
	kv_str(m, "general.architecture", "llama");
	kv_int(m, "a.u8", GGUF_U8, 200);
	kv_int(m, "a.i8", GGUF_I8, 0xff);
	kv_int(m, "a.i16", GGUF_I16, 0x8000);
	kv_int(m, "a.i32", GGUF_I32, 7);
	kv_int(m, "a.u64", GGUF_U64, UINT64_MAX);
	kv_int(m, "a.i64", GGUF_I64, (uint64_t)-5);
	kv_int(m, "a.f64", GGUF_F64, 0x3ff8000000000000);
	kv_f32(m, "a.f32", 0.25f);
	kv_int(m, "a.bool", GGUF_BOOL, 1);
	kv_u32s(m, "a.four", four, 4);
	kv_array(m, "a.words", GGUF_STRING, 2);
	put_str(&m->kv, "x");
	put_str(&m->kv, "yz");
	kv_array(m, "a.empty", GGUF_I64, 0);
	tensor(m, "token_embd.weight", 64, 100, 0);
	tensor_raw(m, "q", 2, (uint64_t[]){ 64, 3 }, 2, m->data);
	m->data += 18 * 2 * 3;
	ok(parse(&g, m) == OK, "a good header: %s", err.text);
	is_u64(g.version, 3, "version");
	is_u64(g.n_kv, 13, "keys");
	is_u64(g.dir.n, 2, "tensors");
	is_u64(g.header_bytes, m->out.n, "where the data begin");
	is_str(g.dir.t[0].name, "token_embd.weight", "name");
	is_u64(g.dir.t[0].bytes, 12800, "bytes of f16");
	is_u64(g.dir.t[1].bytes, 108, "bytes of blocks");
	is_str(g.dir.t[1].type_name, "q4_0", "type");
	is_u64(g.dir.bytes, 12908, "bytes of all tensors");
	for (uint32_t i = 1; i < g.n_kv; i++)
		if (strcmp(g.kv[i - 1].key, g.kv[i].key) >= 0)
			ok(0, "keys are sorted");
	ok(gguf_u64(&u, &g, "a.u8", &err) == 1 && u == 200, "u8");
	ok(gguf_u64(&u, &g, "a.u64", &err) == 1 && u == UINT64_MAX, "u64");
	ok(gguf_u64(&u, &g, "a.none", &err) == 0, "absent");
	ok(gguf_u64(&u, &g, "a.i8", &err) == E_FILE && strstr(err.text, "negative"), "negative: %s", err.text);
	ok(gguf_u64(&u, &g, "a.f32", &err) == E_FILE && strstr(err.text, "f32"), "wrong type: %s", err.text);
	is_u64((uint64_t)gguf_find(&g, "a.i16")->v.i, (uint64_t)-32768, "i16 keeps its sign");
	ok(gguf_f64(&f, &g, "a.i64", &err) == 1 && f == -5.0, "i64 as a number");
	ok(gguf_f64(&f, &g, "a.f32", &err) == 1 && f == 0.25, "f32");
	ok(gguf_f64(&f, &g, "a.f64", &err) == 1 && f == 1.5, "f64");
	ok(gguf_f64(&f, &g, "a.bool", &err) == E_FILE, "a bool is no number");
	ok(gguf_str(&s, &g, "general.architecture", &err) == 1 && !strcmp(s, "llama"), "string");
	ok(gguf_str(&s, &g, "a.u8", &err) == E_FILE, "not a string");
	ok(gguf_bool(&b, &g, "a.bool", &err) == 1 && b == 1, "bool");
	ok(gguf_bool(&b, &g, "a.u8", &err) == E_FILE, "not a bool");
	ok(gguf_u64_at(&u, &g, "a.four", 3, &err) == 1 && u == 4, "element");
	ok(gguf_u64_at(&u, &g, "a.four", 4, &err) == E_FILE && strstr(err.text, "4 values"), "element beyond: %s", err.text);
	ok(gguf_u64_at(&u, &g, "a.u8", 9, &err) == 1 && u == 200, "a scalar holds for every layer");
	ok(gguf_u64_at(&u, &g, "a.bool", 9, &err) == 1 && u == 1, "a bool too");
	ok(gguf_u64_at(&u, &g, "a.words", 0, &err) == E_FILE, "no whole numbers: %s", err.text);
	is_u64(gguf_find(&g, "a.words")->n, 2, "strings of an array");
	is_u64(gguf_find(&g, "a.words")->bytes, 4 + 8 + 9 + 10, "bytes of an array of strings");
	is_u64(gguf_find(&g, "a.four")->bytes, 4 + 8 + 16, "bytes of an array");
	is_u64(gguf_find(&g, "general.architecture")->bytes, 13, "bytes of a string");
	m->version = 2;
	ok(parse(&g, m) == OK && g.version == 2, "version 2");
	make_init(m);
	ok(parse(&g, m) == OK && g.dir.n == 0 && g.n_kv == 0, "no keys and no tensors");
	m->alignment = 64;
	kv_u32(m, "general.alignment", 64);
	tensor(m, "a", 3, 0, 0);
	tensor(m, "b", 3, 0, 0);
	ok(parse(&g, m) == OK && g.alignment == 64 && g.dir.t[1].offset == 64, "an alignment of its own");
	make_init(m);
}

/* Every beginning of a file: asks for more when the file has more, refuses when it has not; never accepts. */
static void prefixes(struct make *m)
{
	unsigned wrong = 0, stuck = 0, header;
	struct gguf g;
	uint64_t need;

	make_init(m);
	kv_str(m, "general.architecture", "llama");
	kv_array(m, "t", GGUF_STRING, 2);
	put_str(&m->kv, "abc");
	put_str(&m->kv, "");
	kv_u32s(m, "n", (uint32_t[]){ 5, 6 }, 2);
	tensor(m, "a.weight", 4, 4, 0);
	make_done(m);
	header = (unsigned)(24 + m->kv.n + m->tensors.n);
	for (unsigned n = 0; n < header; n++) {
		unsigned char *copy = malloc(n ? n : 1);          /* so that a read beyond it is seen */
		if (!copy)
			abort();
		memcpy(copy, m->out.p, n);
		arena_free(&arena);
		need = 0;
		wrong += gguf_parse(&g, &arena, "t", copy, n, m->file_bytes, &make_types, &need, &err) != E_FILE;
		stuck += need <= n || need > m->file_bytes || !err.hint[0];
		wrong += gguf_parse(&g, &arena, "t", copy, n, n, &make_types, &need, &err) != E_FILE || need || err.hint[0];
		free(copy);
	}
	is_u64(wrong, 0, "no beginning of a file is taken for a file");
	is_u64(stuck, 0, "when more is needed, it says how much");
	need = 1;
	ok(gguf_parse(&g, &arena, "t", m->out.p, header, m->file_bytes, &make_types, &need, &err) == OK && !need,
		"the header alone is enough");
	make_init(m);
}

static void bad_head(struct make *m)
{
	struct gguf g;

	make_done(m);
	m->out.p[0] = 'X';
	arena_free(&arena);
	ok(gguf_parse(&g, &arena, "t", m->out.p, m->out.n, m->out.n, &make_types, NULL, &err) == E_FILE && strstr(err.text,
		"not a GGUF file"),
		"magic: %s", err.text);
	m->version = 1;
	bad(m, E_FILE, "version 1", "version 1");
	m->version = 4;
	bad(m, E_FILE, "version 4", "version 4");
	m->version = 0;
	bad(m, E_FILE, "version 0", "version 0");
	m->version = 0x03000000;
	bad(m, E_FILE, "big-endian", "big-endian");
	m->n_kv = UINT64_C(1) << 60;
	bad(m, E_FILE, "byte 16", "more keys than bytes");
	m->n_tensors = UINT64_C(1) << 60;
	bad(m, E_FILE, "byte 8", "more tensors than bytes");
	/* counts that a file this long could hold, but that are not at hand: nothing is allocated for them */
	m->n_tensors = UINT64_C(1) << 50;
	m->data = UINT64_C(1) << 60;
	bad(m, E_FILE, "beyond the", "more tensors than bytes at hand");
	m->n_kv = 1u << 20;
	m->data = UINT64_C(1) << 60;
	bad(m, E_FILE, "beyond the", "more keys than bytes at hand");
}

static void bad_metadata(struct make *m)
{
	kv_u32(m, "twice", 1);
	kv_u32(m, "other", 1);
	kv_str(m, "twice", "1");
	bad(m, E_FILE, "twice twice", "a key twice");
	kv_u32(m, "", 1);
	bad(m, E_FILE, "byte 24: a key is empty", "an empty key");
	put_int(&m->kv, 3, 8);
	put(&m->kv, "a\0b", 3);
	put_int(&m->kv, GGUF_U8, 4);
	put_int(&m->kv, 0, 1);
	m->n_kv++;
	bad(m, E_FILE, "zero byte", "a zero byte in a key");
	put_int(&m->kv, 70000, 8);
	for (unsigned i = 0; i < 70100; i++)
		put(&m->kv, "k", 1);
	m->n_kv++;
	bad(m, E_FILE, "a key of 70000 bytes", "a key too long");
	put_int(&m->kv, UINT64_MAX, 8);
	put(&m->kv, "kkkkkkkk", 8);
	m->n_kv++;
	bad(m, E_FILE, "more than 65535", "a length that wraps");
	kv_head(m, "k", GGUF_TYPES);
	put_int(&m->kv, 0, 8);
	bad(m, E_FILE, "value type 13", "an unknown value type");
	kv_head(m, "k", UINT32_MAX);
	put_int(&m->kv, 0, 8);
	bad(m, E_FILE, "value type 4294967295", "an unknown value type of 32 bits");
	kv_array(m, "k", GGUF_ARRAY, 1);
	put_int(&m->kv, 0, 8);
	bad(m, E_FILE, "arrays of arrays", "an array of arrays");
	kv_array(m, "k", 99, 1);
	bad(m, E_FILE, "value type 99", "an array of an unknown type");
	kv_array(m, "k", GGUF_U64, UINT64_C(1) << 61);
	bad(m, E_FILE, "overflows 64 bits", "an array whose size overflows");
	kv_array(m, "k", GGUF_U8, UINT64_C(1) << 63);
	bad(m, E_FILE, "the file ends", "an array longer than the file");
	kv_array(m, "k", GGUF_STRING, UINT64_C(1) << 63);
	bad(m, E_FILE, "strings cannot fit", "more strings than bytes");
	kv_array(m, "k", GGUF_STRING, 2);
	put_str(&m->kv, "a");
	put_int(&m->kv, UINT64_MAX - 3, 8);
	bad(m, E_FILE, "a string of an array needs", "a string of an array beyond the end");
	kv_head(m, "k", GGUF_STRING);
	put_int(&m->kv, INT64_MAX, 8);
	bad(m, E_FILE, "a string needs", "a string beyond the end");
	kv_int(m, "k", GGUF_BOOL, 2);
	bad(m, E_FILE, "neither false", "a bool of 2");
	kv_u32(m, "general.alignment", 0);
	bad(m, E_FILE, "alignment is 0", "alignment 0");
	kv_u32(m, "general.alignment", 48);
	bad(m, E_FILE, "alignment is 48", "alignment 48");
	kv_int(m, "general.alignment", GGUF_U64, UINT64_C(1) << 40);
	bad(m, E_FILE, "alignment is 1099511627776", "alignment 2^40");
	kv_str(m, "general.alignment", "32");
	bad(m, E_FILE, "general.alignment is of type string", "alignment as a string");
	kv_u32(m, "split.count", 100000);
	bad(m, E_FILE, "split.count is 100000", "too many shards");
}

static void bad_tensors(struct make *m)
{
	char name[80];

	tensor(m, "same", 4, 0, 0);
	tensor(m, "b", 4, 0, 0);
	tensor(m, "same", 4, 0, 0);
	bad(m, E_FILE, "two tensors are called same", "a name twice");
	tensor_raw(m, "a", 0, NULL, 0, 0);
	bad(m, E_FILE, "0 dimensions", "no dimensions");
	tensor_raw(m, "a", 5, (uint64_t[]){ 1, 1, 1, 1, 1 }, 0, 0);
	bad(m, E_FILE, "5 dimensions", "five dimensions");
	tensor_raw(m, "a", 2, (uint64_t[]){ 4, 0 }, 0, 0);
	bad(m, E_FILE, "dimension 1 is 0", "a dimension of 0");
	tensor_raw(m, "a", 1, (uint64_t[]){ UINT64_MAX }, 0, 0);
	bad(m, E_FILE, "63 bits", "a negative dimension");
	tensor_raw(m, "a", 3, (uint64_t[]){ UINT64_C(1) << 32, UINT64_C(1) << 32, 2 }, 0, 0);
	bad(m, E_FILE, "63 bits", "dimensions whose product wraps");
	tensor_raw(m, "a", 2, (uint64_t[]){ UINT64_C(1) << 31, UINT64_C(1) << 31 }, 0, 0);
	bad(m, E_FILE, "overflows 64 bits", "bytes that overflow");
	tensor_raw(m, "a", 1, (uint64_t[]){ 32 }, 3, 0);
	bad(m, E_FORMAT, "ggml type number 3", "a type that the table leaves out");
	tensor_raw(m, "a", 1, (uint64_t[]){ 32 }, 4000000000u, 0);
	bad(m, E_FORMAT, "ggml type number 4000000000", "a type beyond the table");
	tensor_raw(m, "a", 2, (uint64_t[]){ 40, 32 }, 2, 0);
	m->data = 4096;
	bad(m, E_FILE, "rows of 40 elements", "a row that is no multiple of the block");
	tensor_raw(m, "a", 1, (uint64_t[]){ 4 }, 0, 16);
	m->data = 4096;
	bad(m, E_FILE, "offset 16", "an offset off the alignment");
	tensor_raw(m, "a", 1, (uint64_t[]){ 9 }, 0, 0);
	tensor_raw(m, "b", 1, (uint64_t[]){ 4 }, 0, 32);
	m->data = 4096;
	bad(m, E_FILE, "inside a, which ends at 36", "tensors that overlap");
	tensor_raw(m, "a", 1, (uint64_t[]){ 4 }, 0, 64);
	tensor_raw(m, "b", 1, (uint64_t[]){ 4 }, 0, 64);
	m->data = 4096;
	bad(m, E_FILE, "inside", "tensors on the same bytes");
	tensor_raw(m, "a", 1, (uint64_t[]){ 9 }, 0, 0);
	m->data = 35;
	bad(m, E_FILE, "but the file has 35 bytes of data", "a tensor beyond the file");
	tensor_raw(m, "a", 1, (uint64_t[]){ 4 }, 0, UINT64_MAX - 31);
	m->data = 4096;
	bad(m, E_FILE, "bytes of data", "an offset that wraps");
	tensor(m, "", 4, 0, 0);
	bad(m, E_FILE, "a tensor's name is empty", "an empty name");
	memset(name, 'n', sizeof name);
	name[65] = 0;
	tensor(m, name, 4, 0, 0);
	bad(m, E_FILE, "a tensor's name of 65 bytes", "a name too long");
	name[64] = 0;
	tensor(m, name, 4, 0, 0);
	struct gguf g;
	ok(parse(&g, m) == OK, "a name of 64 bytes is taken");
	make_init(m);
	/* gaps and any order are allowed */
	tensor_raw(m, "b", 1, (uint64_t[]){ 4 }, 0, 128);
	tensor_raw(m, "a", 1, (uint64_t[]){ 4 }, 0, 32);
	m->data = 4096;
	ok(parse(&g, m) == OK && g.dir.t[0].offset == 128, "any order, with gaps: %s", err.text);
	make_init(m);
}

/* A tokenizer of 600,000 entries and 60,000 tensors: quadratic work would not end within the test. */
static void large(struct make *m)
{
	char name[32];
	struct gguf g;

	kv_array(m, "tokenizer.ggml.tokens", GGUF_STRING, 600000);
	for (unsigned i = 0; i < 600000; i++) {
		snprintf(name, sizeof name, "t%u", i);
		put_str(&m->kv, name);
	}
	for (unsigned i = 0; i < 60000; i++) {
		snprintf(name, sizeof name, "blk.%u.a.%u", i % 60, i);
		tensor(m, name, 8, 0, 0);
	}
	ok(parse(&g, m) == OK && g.dir.n == 60000, "a large header: %s", err.text);
	is_u64(gguf_find(&g, "tokenizer.ggml.tokens")->n, 600000, "its tokens");
	is_u64(gguf_find(&g, "tokenizer.ggml.tokens")->bytes, 12 + 600000 * 9 + 3488890, "their bytes");
	make_init(m);
}

/* Each allocation fails once: no crash, no leak, E_NOMEM. */
static void no_memory(struct make *m)
{
	int n, rc = E_NOMEM, wrong = 0;
	struct gguf g;

	for (unsigned i = 0; i < 3000; i++) {
		char name[32];
		snprintf(name, sizeof name, "key.%u", i);
		kv_str(m, name, "a string of some length, so that several chunks are needed");
		tensor(m, name, 8, 0, 0);
	}
	make_done(m);
	for (n = 0; n < 100 && rc != OK; n++) {
		arena_free(&arena);
		arena_fail_after(n);
		rc = gguf_parse(&g, &arena, "t", m->out.p, m->out.n, m->file_bytes, &make_types, NULL, &err);
		wrong += rc != OK && rc != E_NOMEM;
	}
	arena_fail_after(-1);
	ok(rc == OK && n > 2 && !wrong, "out of memory at each of %d allocations", n - 1);
	make_init(m);
}

int main(void)
{
	struct make m = { 0 };

	make_init(&m);
	good(&m);
	prefixes(&m);
	bad_head(&m);
	bad_metadata(&m);
	bad_tensors(&m);
	large(&m);
	no_memory(&m);
	make_free(&m);
	arena_free(&arena);
	return done_testing();
}
