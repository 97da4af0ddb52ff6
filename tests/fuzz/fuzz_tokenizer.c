/* fuzz_tokenizer.c - any bytes as a file with a vocabulary, and as a text over small vocabularies of every kind
 *
 * First byte 'G': the rest is a GGUF file. Else it chooses the vocabulary (pre-tokenizer, SentencePiece, unigram), the second byte the flags, the rest is the text. */
#include "base/str.h"
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include "../unit/gguf_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define K "tokenizer.ggml."

/* Encodes and checks what must hold for any text; returns the number of ids. */
static size_t encode(const struct tokenizer *t, const char *text, size_t n, unsigned flags, int round_trip)
{
	size_t cap = 4 * n + 16, count = 0, again = 0, bytes = 0;
	int32_t *id = malloc(cap * sizeof *id);
	char *back = malloc(cap * 16);

	if (!id || !back || tokenizer_encode(t, id, cap, &count, text, n, flags, NULL) != OK || count > cap)
		abort();
	if (tokenizer_encode(t, NULL, 0, &again, text, n, flags, NULL) != OK || again != count)
		abort();
	/* marked as someone's from end to end, a text has no control tokens; marked nowhere, it is read as ever */
	char *told = calloc(n + 1, 1);
	int32_t *told_id = malloc(cap * sizeof *told_id);
	if (!told || !told_id || tokenizer_encode_told(t, told_id, cap, &again, text, told, n, flags, NULL) != OK || again != count || memcmp(told_id, id, count * sizeof *id) != 0)
		abort();
	memset(told, 1, n);
	if (tokenizer_encode_told(t, told_id, cap, &again, text, told, n, flags | TOKENIZE_SPECIAL, NULL) != OK)
		abort();
	size_t plain = 0;
	int32_t *plain_id = malloc(cap * sizeof *plain_id);
	if (!plain_id || tokenizer_encode(t, plain_id, cap, &plain, text, n, flags & ~(unsigned)TOKENIZE_SPECIAL, NULL) != OK || plain != again ||
	    memcmp(told_id, plain_id, (plain < cap ? plain : cap) * sizeof *plain_id) != 0)
		abort();
	free(told);
	free(told_id);
	free(plain_id);
	for (size_t i = 0; i < count; i++) {
		if (id[i] < 0 || (uint32_t)id[i] >= tokenizer_vocab(t))
			abort();
		if (bytes < cap * 16)
			bytes += tokenizer_piece(t, back + bytes, cap * 16 - bytes, id[i], 1, i == 0);
		(void)tokenizer_ends(t, id[i]);
	}
	for (size_t i = 0, k; i < n && round_trip; i += k)
		if (!(k = str_utf8(text + i, n - i)))
			round_trip = 0;
	if (round_trip && (bytes != n || memcmp(back, text, n) != 0))
		abort();
	free(id);
	free(back);
	return count;
}

static void as_file(const uint8_t *data, size_t size)
{
	static const char text[] = "Hello, w\xc3\xb6rld! 123 \xe4\xbd\xa0\xe5\xa5\xbd\n\n  <s>x</s> <|im_end|>\xff\xe2\x96\x81";
	struct arena a = { 0 };
	struct error err = { 0 };
	struct tokenizer *t = NULL;
	struct gguf g;
	int rc;

	if (gguf_parse(&g, &a, "fuzz", data, size, size + (UINT64_C(1) << 40), &make_types, NULL, &err) == OK) {
		rc = tokenizer_open(&t, &g, &err);
		if ((rc == OK) != (t != NULL) || (rc != OK && rc != E_FILE && rc != E_ARCH && rc != E_NOMEM) || (rc != OK && !*err.text))
			abort();
		if (t) {
			encode(t, text, sizeof text - 1, TOKENIZE_SPECIAL | TOKENIZE_BOS | TOKENIZE_EOS, 0);
			encode(t, text, sizeof text - 1, 0, 0);
			for (int32_t i = -1; i <= (int32_t)tokenizer_vocab(t) && i < 1000; i++) {
				char out[8];
				(void)tokenizer_piece(t, out, sizeof out, i, 1, 1);
			}
			(void)tokenizer_find(t, "<s>", 3);
		}
		tokenizer_close(t);
	}
	arena_free(&a);
}

static void put_token(struct bytes *b, const char *s, size_t n)
{
	put_int(b, n, 8);
	put(b, s, n);
}

/* Bytes, a few words and control tokens: each text can be written. */
static void make_vocab(struct make *m, const char *model, const char *pre, int raw)
{
	/* every merge makes a token: what is none is lost in byte-level vocabularies, as llama.cpp has it */
	static const char *const words[] = { "ab", "abc", "th", "the", "12", ("\xc4\xa0" "a"), "\xc4\xa0\xc4\xa0", "\xe2\x96\x81the", "\xe2\x96\x81\xe2\x96\x81", "\xe4\xbd\xa0\xe5\xa5\xbd",
		"\n\n", "\xe2\x96\x81", "a", "b", "c", "t", "h", "e", "1", "2" };
	static const char *const merges[] = { "a b", "ab c", "t h", "th e", "1 2", "\xe2\x96\x81 the", "\xc4\xa0 a", "\xc4\xa0 \xc4\xa0", "\xe2\x96\x81 \xe2\x96\x81" };
	enum { WORDS = sizeof words / sizeof *words, LETTERS = 8, MERGES = sizeof merges / sizeof *merges, CONTROLS = 4 };
	int n_words = raw ? WORDS : WORDS - LETTERS, n_tokens = CONTROLS + 256 + n_words;  /* byte-level ones have the letters as bytes */
	static const char *const controls[CONTROLS] = { "<unk>", "<s>", "</s>", "<user>" };

	make_init(m);
	kv_str(m, K "model", model);
	if (pre)
		kv_str(m, K "pre", pre);
	kv_u32(m, K "bos_token_id", 1);
	kv_u32(m, K "eos_token_id", 2);
	kv_u32(m, K "unknown_token_id", 0);
	kv_array(m, K "tokens", GGUF_STRING, (unsigned)n_tokens);
	for (int i = 0; i < CONTROLS; i++)
		put_str(&m->kv, controls[i]);
	for (unsigned b = 0; b < 256; b++) {
		char name[8];
		size_t n = raw ? (size_t)snprintf(name, sizeof name, "<0x%02X>", b) : unicode_encode(name, unicode_of_byte((unsigned char)b));
		put_token(&m->kv, name, n);
	}
	for (int i = 0; i < n_words; i++)
		put_str(&m->kv, words[i]);
	kv_array(m, K "token_type", GGUF_I32, (unsigned)n_tokens);
	for (int i = 0; i < n_tokens; i++)
		put_int(&m->kv, i == 0 ? 2 : i == 3 ? 4 : i < CONTROLS ? 3 : i < CONTROLS + 256 && raw ? 6 : 1, 4);
	kv_array(m, K "merges", GGUF_STRING, MERGES);
	for (int i = 0; i < MERGES; i++)
		put_str(&m->kv, merges[i]);
	make_done(m);
}

static void as_text(uint8_t which, uint8_t flags, const char *text, size_t n)
{
	unsigned n_pres = 0;
	const struct pre_tokenizer *p;
	struct make m = { 0 };
	struct arena a = { 0 };
	struct tokenizer *t;
	struct gguf g;
	const char *model = "gpt2";

	while (pre_tokenizer_at(n_pres))
		n_pres++;
	p = pre_tokenizer_at(which % (n_pres + 2));
	if (!p)
		model = which % (n_pres + 2) == n_pres ? "llama" : "t5";
	make_vocab(&m, model, p ? p->name : NULL, !p || p->raw);
	if (gguf_parse(&g, &a, "made", m.out.p, m.out.n, m.file_bytes, &make_types, NULL, NULL) != OK || tokenizer_open(&t, &g, NULL) != OK)
		abort();
	/* byte-level vocabularies give every text back; the others write U+2581 for a blank */
	encode(t, text, n, flags & 7, p && !p->raw && !(flags & (TOKENIZE_BOS | TOKENIZE_EOS)));
	tokenizer_close(t);
	arena_free(&a);
	make_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && *data == 'G')
		as_file(data + 1, size - 1);
	else if (size >= 2 && size < 1 << 16)
		as_text(data[0], data[1], (const char *)data + 2, size - 2);
	return 0;
}
