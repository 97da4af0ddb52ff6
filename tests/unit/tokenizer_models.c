/* tokenizer_models.c - ids of the corpus with two real vocabularies, as llama.cpp gives them (tests/peer/tokens.sh) */
#include "base/str.h"
#include "engine/tokenizer.h"

#include "../tap.h"
#include "../tokens.h"

#include <unistd.h>

/* ggml types of the two files' tensors, so that their directories pass: ggml.h. */
static const struct gguf_type_info info[] = { { 1, 4, "f32" }, { 1, 2, "f16" }, { 32, 18, "q4_0" }, { 32, 20, "q4_1" }, { 0, 0, NULL }, { 0, 0, NULL }, { 32, 22, "q5_0" },
	{ 32, 24, "q5_1" }, { 32, 34, "q8_0" }, { 0, 0, NULL }, { 256, 84, "q2_k" }, { 256, 110, "q3_k" }, { 256, 144, "q4_k" }, { 256, 176, "q5_k" },
	{ 256, 210, "q6_k" } };
static const struct gguf_types types = { info, sizeof info / sizeof *info };

static struct token_texts texts;

static int same(const struct tokenizer *t, unsigned i, unsigned flags, const char *want, char *back, size_t *n_back)
{
	static int32_t id[1 << 14];
	char got[1 << 16] = "";
	size_t n, k = 0;
	struct error err = { 0 };

	if (tokenizer_encode(t, id, sizeof id / sizeof *id, &n, texts.p[i], texts.n[i], flags, &err) != OK || n > sizeof id / sizeof *id) {
		printf("# text %u: %s\n", i, err.text);
		return 0;
	}
	*n_back = 0;
	for (size_t j = 0; j < n; j++) {
		k += (size_t)snprintf(got + k, sizeof got - k, "%s%d", j ? " " : "", id[j]);
		*n_back += tokenizer_piece(t, back + *n_back, (1 << 15) - *n_back, id[j], 1, j == 0);
	}
	if (strcmp(got, want) != 0) {
		printf("# text %u flags %u: got  %s\n#   want %s\n", i, flags, got, want);
		return 0;
	}
	return 1;
}

static int is_utf8(const char *s, size_t n)
{
	for (size_t i = 0, k; i < n; i += k)
		if (!(k = str_utf8(s + i, n - i)))
			return 0;
	return 1;
}

static void check_model(struct arena *a, const char *path, const char *golden, const char *end, int chat)
{
	struct gguf *gg = NULL;
	struct tokenizer *t = NULL;
	struct golden g;
	struct error err = { 0 };
	static char back[1 << 15];
	size_t n_back;
	unsigned bad = 0, lossy = 0;

	if (access(path, R_OK) != 0) {
		skip("it is not here; make models fetches it", "%s", path);
		return;
	}
	if (gguf_open(&gg, path, &types, &err) != OK || tokenizer_open(&t, gg, &err) != OK || !golden_open(&g, a, golden) || !golden_line(&g)) {
		ok(0, "%s: %s", path, err.text);
		goto out;
	}
	for (unsigned i = 0; i < texts.count; i++) {
		const char *special = golden_line(&g), *plain = golden_line(&g);
		if (!special || !plain) {
			ok(0, "%s ends early; run tests/peer/tokens.sh", golden);
			goto out;
		}
		bad += !same(t, i, TOKENIZE_SPECIAL | TOKENIZE_BOS | TOKENIZE_EOS, special, back, &n_back);
		bad += !same(t, i, 0, plain, back, &n_back);
		/* a text that has U+2581 gets blanks for it from SentencePiece's vocabularies */
		if (is_utf8(texts.p[i], texts.n[i]) && !strstr(texts.p[i], "\xe2\x96\x81") && (n_back != texts.n[i] || memcmp(back, texts.p[i], n_back) != 0)) {
			printf("# text %u comes back as %.*s\n", i, (int)n_back, back);
			lossy++;
		}
	}
	is_u64(bad, 0, "%s: ids of %u texts, with control tokens and without", path, texts.count);
	is_u64(lossy, 0, "%s: every UTF-8 text comes back byte by byte", path);
	ok(tokenizer_ends(t, tokenizer_eos(t)), "the end of text ends");
	ok(tokenizer_ends(t, tokenizer_find(t, end, strlen(end))), "%s ends", end);
	ok(!tokenizer_ends(t, tokenizer_find(t, "the", 3)) && !tokenizer_ends(t, NO_TOKEN), "others do not");
	ok((tokenizer_chat_template(t) != NULL) == chat, "its chat template: %s", chat ? "there" : "none");
out:
	tokenizer_close(t);
	gguf_close(gg);
}

int main(void)
{
	struct arena a = { 0 };

	if (!texts_read(&texts, &a)) {
		ok(0, "tests/tokens can be read");
		return done_testing();
	}
	check_model(&a, "models/smollm2-135m-q4_1.gguf", "tests/tokens/smollm2.golden", "<|im_end|>", 1);
	check_model(&a, "models/gemma-3-270m-q4_k_m.gguf", "tests/tokens/gemma3.golden", "<end_of_turn>", 0);
	arena_free(&a);
	return done_testing();
}
