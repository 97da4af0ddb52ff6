/* tokenizer.c - small vocabularies of each kind: joining, control tokens, bytes, blanks, ends; and metadata that is wrong */
#include "engine/tokenizer.h"

#include "../tap.h"
#include "gguf_make.h"

#define K "tokenizer.ggml."

/* A vocabulary under way: texts, scores, types; merges. */
struct vocab { const char *model, *pre; const char *token[512]; float score[512]; int type[512]; unsigned n; const char *merge[32]; unsigned n_merges; };
struct opened { struct make make; struct arena arena; struct gguf g; struct tokenizer *t; };

static void add(struct vocab *v, const char *text, int type, float score)
{
	v->token[v->n] = text;
	v->type[v->n] = type;
	v->score[v->n++] = score;
}

static void write_vocab(struct make *m, const struct vocab *v)
{
	make_init(m);
	kv_str(m, K "model", v->model);
	if (v->pre)
		kv_str(m, K "pre", v->pre);
	kv_array(m, K "tokens", GGUF_STRING, v->n);
	for (unsigned i = 0; i < v->n; i++)
		put_str(&m->kv, v->token[i]);
	kv_array(m, K "scores", GGUF_F32, v->n);
	for (unsigned i = 0; i < v->n; i++) {
		uint32_t u;
		memcpy(&u, &v->score[i], 4);
		put_int(&m->kv, u, 4);
	}
	kv_array(m, K "token_type", GGUF_I32, v->n);
	for (unsigned i = 0; i < v->n; i++)
		put_int(&m->kv, (unsigned)v->type[i], 4);
	if (v->n_merges) {
		kv_array(m, K "merges", GGUF_STRING, v->n_merges);
		for (unsigned i = 0; i < v->n_merges; i++)
			put_str(&m->kv, v->merge[i]);
	}
}

static int open_made(struct opened *o, struct error *err)
{
	int rc;

	make_done(&o->make);
	arena_free(&o->arena);
	rc = gguf_parse(&o->g, &o->arena, "made.gguf", o->make.out.p, o->make.out.n, o->make.file_bytes, &make_types, NULL, err);
	return rc == OK ? tokenizer_open(&o->t, &o->g, err) : rc;
}

static void close_made(struct opened *o)
{
	tokenizer_close(o->t);
	arena_free(&o->arena);
	make_free(&o->make);
	o->t = NULL;
}

static void want_ids(const struct tokenizer *t, const char *text, size_t n, unsigned flags, const char *want)
{
	struct error err = { 0 };
	int32_t id[256];
	char got[2048] = "";
	size_t count = 0, k = 0;
	int rc = tokenizer_encode(t, id, 256, &count, text, n, flags, &err);

	for (size_t i = 0; i < count && i < 256; i++)
		k += (size_t)snprintf(got + k, sizeof got - k, "%s%d", i ? " " : "", id[i]);
	ok(rc == OK && strcmp(got, want) == 0, "'%.*s' is %s%s%s", (int)n, text, got, strcmp(got, want) ? ", wanted " : "", strcmp(got, want) ? want : "");
}
#define WANT(t, text, flags, want) want_ids(t, text, sizeof text - 1, flags, want)

/* Bytes [from, to) are someone's, the others a template's. */
static void want_told(const struct tokenizer *t, const char *text, size_t from, size_t to, const char *want)
{
	char told[64] = { 0 }, got[256] = "";
	struct error err = { 0 };
	int32_t id[32];
	size_t n, k = 0;

	memset(told + from, 1, to - from);
	int rc = tokenizer_encode_told(t, id, 32, &n, text, told, strlen(text), TOKENIZE_SPECIAL, &err);
	for (size_t i = 0; i < n && i < 32; i++)
		k += (size_t)snprintf(got + k, sizeof got - k, "%s%d", i ? " " : "", id[i]);
	ok(rc == OK && strcmp(got, want) == 0, "'%s', bytes %zu to %zu told: %s, wanted %s", text, from, to, got, want);
}

static const char *piece(const struct tokenizer *t, int32_t id, int special, int first)
{
	static char out[64];

	out[tokenizer_piece(t, out, sizeof out - 1, id, special, first)] = '\0';
	return out;
}

/* 0 to 7 are named, bytes 'a' to 'f' and the blank's character follow; "bd" is named by merges but is no token. */
static void check_bpe(void)
{
	static struct vocab v = { .model = "gpt2", .pre = "gpt-2", .merge = { "a b", "b c", "ab c", "d e", "\xc4\xa0 a", "b d", "bd f", "a b", "nospace", " x" }, .n_merges = 10 };
	struct opened o = { 0 };
	struct error err = { 0 };

	add(&v, "<|endoftext|>", 3, 0);
	add(&v, "ab", 1, 0);
	add(&v, "bc", 1, 0);
	add(&v, "abc", 1, 0);
	add(&v, "de", 1, 0);
	add(&v, "\xc4\xa0" "a", 1, 0);
	add(&v, "bdf", 1, 0);
	add(&v, "<user>", 4, 0);
	for (const char *c = "a\0b\0c\0d\0e\0f\0"; *c; c += 2)
		add(&v, c, 1, 0);
	add(&v, "\xc4\xa0", 1, 0);               /* 14: blank */
	write_vocab(&o.make, &v);
	kv_u32(&o.make, K "bos_token_id", 0);
	kv_u32(&o.make, K "eos_token_id", 0);
	kv_int(&o.make, K "add_bos_token", GGUF_BOOL, 1);
	kv_str(&o.make, "tokenizer.chat_template", "<|im_start|>");
	if (!ok(open_made(&o, &err) == OK, "a vocabulary of %u tokens %s", v.n, err.text))
		return;
	WANT(o.t, "abc", 0, "3");
	WANT(o.t, "bcab", 0, "2 1");
	WANT(o.t, "dede", 0, "4 4");
	WANT(o.t, "bdf", 0, "6");                /* through a text that is no token */
	WANT(o.t, "bd", 0, "9 11");              /* which alone is its bytes */
	WANT(o.t, "a ab", 0, "8 14 1");          /* the second piece is " ab": of " a" and "ab" the lower rank wins */
	WANT(o.t, "zab", 0, "1");                /* a byte without a token is dropped */
	WANT(o.t, "<|endoftext|>a", TOKENIZE_SPECIAL, "0 8");
	WANT(o.t, "a<user>b", 0, "8 7 9");       /* user-defined ones always */
	WANT(o.t, "", TOKENIZE_BOS, "0");
	WANT(o.t, "abc", TOKENIZE_BOS | TOKENIZE_EOS, "0 3");
	want_told(o.t, "<|endoftext|>a<|endoftext|>b", 14, 28, "0 8 12 11 13 12 9");     /* only the template's becomes a token */
	want_told(o.t, "<|endoftext|>a<|endoftext|>b", 26, 27, "0 8 12 11 13 12 9");     /* one byte of someone's is enough */
	want_told(o.t, "<|endoftext|>a<|endoftext|>b", 13, 14, "0 8 0 9");
	want_told(o.t, "a<|endoftext|>b<user>c", 15, 22, "8 0 9 7 10");  /* user-defined ones are words */
	ok(strcmp(piece(o.t, 5, 0, 0), " a") == 0 && strcmp(piece(o.t, 0, 0, 0), "") == 0 && strcmp(piece(o.t, 0, 1, 0), "<|endoftext|>") == 0, "pieces");
	ok(strcmp(piece(o.t, 7, 0, 0), "<user>") == 0 && strcmp(piece(o.t, 999, 1, 0), "") == 0 && strcmp(piece(o.t, -1, 1, 0), "") == 0, "more pieces");
	ok(tokenizer_ends(o.t, 0) && !tokenizer_ends(o.t, 1) && !tokenizer_ends(o.t, 99), "the end of text ends");
	is_u64(tokenizer_vocab(o.t), v.n, "vocabulary");
	ok(tokenizer_find(o.t, "bdf", 3) == 6 && tokenizer_find(o.t, "bd", 2) == NO_TOKEN && tokenizer_find(o.t, "", 0) == NO_TOKEN, "by text");
	ok(strcmp(tokenizer_chat_template(o.t), "<|im_start|>") == 0 && strcmp(tokenizer_pre(o.t), "gpt-2") == 0 && strcmp(tokenizer_model(o.t), "gpt2") == 0, "strings of the file");
	close_made(&o);
}

static void check_long(void)
{
	static struct vocab v = { .model = "gpt2", .pre = "gpt-2", .merge = { "a a", "aa aa", "aaaa aaaa" }, .n_merges = 3 };
	enum { N = 1 << 20 };
	struct opened o = { 0 };
	struct error err = { 0 };
	char *text = malloc(N);
	int32_t id[4];
	size_t n = 0;

	for (const char *c = "a\0aa\0aaaa\0aaaaaaaa\0"; *c; c += strlen(c) + 1)
		add(&v, c, 1, 0);
	write_vocab(&o.make, &v);
	if (!text || !ok(open_made(&o, &err) == OK, "one letter, doubled %s", err.text))
		return;
	memset(text, 'a', N);
	ok(tokenizer_encode(o.t, id, 4, &n, text, N - 1, 0, &err) == OK && n == N / 8 - 1 + 3 && id[3] == 3, "a word of a million letters takes %zu tokens", n);
	memset(text, ' ', N);
	ok(tokenizer_encode(o.t, id, 4, &n, text, N, 0, &err) == OK && n == 0, "a million blanks without a token");
	memset(text, '\x80', N);
	ok(tokenizer_encode(o.t, id, 4, &n, text, N, 0, &err) == OK, "a million bytes that are no text");
	close_made(&o);
	free(text);
}

static void add_bytes(struct vocab *v)
{
	static char name[256][8];

	for (unsigned b = 0; b < 256; b++) {
		snprintf(name[b], sizeof name[b], "<0x%02X>", b);
		add(v, name[b], 6, 0);
	}
}

/* 0 unknown, 1 and 2 begin and end, 3 to 258 bytes. */
static void check_spm(void)
{
	static struct vocab v = { .model = "llama" };
	struct opened o = { 0 };
	struct error err = { 0 };

	add(&v, "<unk>", 2, 0);
	add(&v, "<s>", 3, 0);
	add(&v, "</s>", 3, 0);
	add_bytes(&v);
	add(&v, "\xe2\x96\x81", 1, -5);          /* 259 */
	add(&v, "a", 1, -4);
	add(&v, "b", 1, -4);                     /* 261 */
	add(&v, "ab", 1, -2);
	add(&v, "\xe2\x96\x81" "a", 1, -1);      /* 263 */
	add(&v, "abab", 1, -3);
	write_vocab(&o.make, &v);
	if (!ok(open_made(&o, &err) == OK, "bytes and a few words %s", err.text))
		return;
	WANT(o.t, "a", 0, "263");
	WANT(o.t, "ab", 0, "263 261");           /* the better score first, though "ab" is a token */
	WANT(o.t, "bab", 0, "259 261 262");
	WANT(o.t, "b abab", 0, "259 261 263 261 262");
	WANT(o.t, "\xc3\xa9", TOKENIZE_BOS, "1 259 198 172");
	WANT(o.t, "\xff\x80", 0, "259 258 131");
	WANT(o.t, "a</s>a", TOKENIZE_SPECIAL, "263 2 263");
	WANT(o.t, "", TOKENIZE_BOS, "1");
	ok(strcmp(piece(o.t, 263, 0, 1), "a") == 0 && strcmp(piece(o.t, 263, 0, 0), " a") == 0 && strcmp(piece(o.t, 3 + 'x', 0, 0), "x") == 0, "pieces");
	ok(tokenizer_bos(o.t) == 1 && tokenizer_eos(o.t) == 2 && tokenizer_ends(o.t, 2), "begin 1, end 2 unless the file says otherwise");
	close_made(&o);
	write_vocab(&o.make, &v);
	kv_int(&o.make, K "add_space_prefix", GGUF_BOOL, 0);
	if (!ok(open_made(&o, &err) == OK, "the same without a blank in front"))
		return;
	WANT(o.t, "abab", 0, "264");
	ok(strcmp(piece(o.t, 263, 0, 1), " a") == 0, "and none is dropped");
	close_made(&o);
}

static void check_unigram(void)
{
	static struct vocab v = { .model = "t5" };
	struct opened o = { 0 };
	struct error err = { 0 };

	add(&v, "<pad>", 3, 0);
	add(&v, "</s>", 3, 0);
	add(&v, "<unk>", 2, 0);
	add(&v, "\xe2\x96\x81", 1, -3);
	add(&v, "\xe2\x96\x81" "ab", 1, -4);     /* 4 */
	add(&v, "a", 1, -2);
	add(&v, "b", 1, -2);
	add(&v, "abc", 1, -3);                   /* 7 */
	add(&v, "c", 1, -2);
	add(&v, "xy", 4, -50);                   /* 9: user-defined scores 0 */
	write_vocab(&o.make, &v);
	kv_int(&o.make, K "add_space_prefix", GGUF_BOOL, 1);
	kv_int(&o.make, K "remove_extra_whitespaces", GGUF_BOOL, 1);
	if (!ok(open_made(&o, &err) == OK, "a unigram model %s", err.text))
		return;
	WANT(o.t, "ab", 0, "4");
	WANT(o.t, "abc", 0, "3 7");              /* -3 - 3 beats -4 - 2: equal sums; the shorter row came first */
	WANT(o.t, "a  b", 0, "3 5 3 6");
	WANT(o.t, "azzb", 0, "3 5 2 6");         /* two unknown ones are one */
	WANT(o.t, "axyb", TOKENIZE_EOS, "3 5 9 3 6 1");
	WANT(o.t, "\xff", 0, "3 2");
	close_made(&o);
	write_vocab(&o.make, &v);
	kv_array(&o.make, K "precompiled_charsmap", GGUF_U8, 3);
	put_int(&o.make.kv, 0, 3);
	ok(open_made(&o, &err) == E_FILE && strstr(err.text, K "precompiled_charsmap"), "%s", err.text);
	close_made(&o);
	/* a map of one unit that points nowhere: nothing is replaced */
	write_vocab(&o.make, &v);
	kv_array(&o.make, K "precompiled_charsmap", GGUF_U8, 10);
	put_int(&o.make.kv, 4, 4);
	put_int(&o.make.kv, 0xfffffd00, 4);
	put_int(&o.make.kv, 0, 2);
	ok(open_made(&o, &err) == OK, "a map that points outside itself");
	WANT(o.t, "ab", 0, "5 6");
	close_made(&o);
}

struct bad { const char *what, *key; int code; void (*change)(struct make *m); const char *model, *pre; };

static void bos_beyond(struct make *m) { kv_u32(m, K "bos_token_id", 3); }
static void eos_string(struct make *m) { kv_str(m, K "eos_token_id", "2"); }
static void flag_number(struct make *m) { kv_u32(m, K "add_bos_token", 1); }
static void few_scores(struct make *m) { kv_array(m, K "scores", GGUF_F32, 1); put_int(&m->kv, 0, 4); }
static void nan_score(struct make *m)
{
	kv_array(m, K "scores", GGUF_F32, 3);
	put_int(&m->kv, 0, 4);
	put_int(&m->kv, 0x7fc00000, 4);
	put_int(&m->kv, 0, 4);
}
static void few_types(struct make *m) { kv_array(m, K "token_type", GGUF_I32, 2); put_int(&m->kv, 0, 8); }
static void type_strings(struct make *m) { kv_array(m, K "token_type", GGUF_STRING, 0); }
static void merge_numbers(struct make *m) { kv_u32s(m, K "merges", (const uint32_t[]){ 1 }, 1); }
static void no_change(struct make *m) { (void)m; }

static void check_bad(void)
{
	static const struct bad bad[] = { { "an id beyond the vocabulary", K "bos_token_id", E_FILE, bos_beyond, "llama", NULL },
		{ "an id that is a string", K "eos_token_id", E_FILE, eos_string, "llama", NULL }, { "a flag that is a number", K "add_bos_token", E_FILE, flag_number, "llama", NULL },
		{ "too few scores", K "scores", E_FILE, few_scores, "llama", NULL }, { "a score that is not a number", K "scores", E_FILE, nan_score, "llama", NULL },
		{ "too few types", K "token_type", E_FILE, few_types, "llama", NULL }, { "types that are strings", K "token_type", E_FILE, type_strings, "llama", NULL },
		{ "merges that are numbers", K "merges", E_FILE, merge_numbers, "gpt2", "gpt-2" }, { "no merges", K "merges", E_FILE, no_change, "gpt2", "gpt-2" },
		{ "an unknown model", "bert", E_ARCH, no_change, "bert", NULL }, { "an unknown pre-tokenizer", "my-own", E_ARCH, no_change, "gpt2", "my-own" } };
	struct opened o = { 0 };
	struct error err;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		make_init(&o.make);
		kv_str(&o.make, K "model", bad[i].model);
		if (bad[i].pre)
			kv_str(&o.make, K "pre", bad[i].pre);
		kv_array(&o.make, K "tokens", GGUF_STRING, 3);
		for (const char *c = "x\0y\0z\0"; *c; c += 2)
			put_str(&o.make.kv, c);
		bad[i].change(&o.make);
		err = (struct error){ 0 };
		ok(open_made(&o, &err) == bad[i].code && !o.t && strstr(err.text, bad[i].key), "%s: %s", bad[i].what, err.text);
		close_made(&o);
	}
	for (int k = 0; k < 4; k++) {
		make_init(&o.make);
		if (k)
			kv_str(&o.make, K "model", "llama");
		if (k == 2)
			kv_array(&o.make, K "tokens", GGUF_STRING, 0);
		if (k == 3) {
			kv_array(&o.make, K "tokens", GGUF_STRING, 2);
			put_str(&o.make.kv, "same");
			put_str(&o.make.kv, "same");
		}
		err = (struct error){ 0 };
		ok(open_made(&o, &err) == E_FILE && !o.t && strstr(err.text, k ? K "tokens" : K "model"), "%s", err.text);
		close_made(&o);
	}
}

/* Allocation failures, one after the other: each is E_NOMEM and leaves nothing behind. */
static void check_memory(void)
{
	static struct vocab v = { .model = "t5" };
	struct opened o = { 0 };
	struct error err = { 0 };
	int rc = E_NOMEM, n = 0;

	for (const char *c = "<pad>\0</s>\0<unk>\0a\0b\0"; *c; c += strlen(c) + 1)
		add(&v, c, 1, -1);
	write_vocab(&o.make, &v);
	make_done(&o.make);
	if (gguf_parse(&o.g, &o.arena, "made.gguf", o.make.out.p, o.make.out.n, o.make.file_bytes, &make_types, NULL, &err) != OK)
		abort();
	for (; rc == E_NOMEM && n < 100; n++) {
		arena_fail_after(n);
		rc = tokenizer_open(&o.t, &o.g, &err);
		arena_fail_after(-1);
	}
	ok(rc == OK && n > 1, "opens after %d failures of memory", n - 1);
	close_made(&o);
}

int main(void)
{
	check_bpe();
	check_long();
	check_spm();
	check_unigram();
	check_bad();
	check_memory();
	return done_testing();
}
