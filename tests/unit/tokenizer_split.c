/* tokenizer_split.c - every pre-tokenizer's pieces of the corpus, as llama.cpp splits it (tests/peer/tokens.sh) */
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include "../tap.h"
#include "../tokens.h"

static struct token_texts texts;

static void describe(char *out, size_t cap, const struct splitter *s, const char *p, size_t n)
{
	struct encoding e = { 0 };
	uint32_t *cp = malloc((n + 1) * sizeof *cp), *piece, n_pieces = 0, count = 0;
	unsigned char *code = malloc(n + 1);
	size_t k = 0;

	*out = '\0';
	if (!cp || !code)
		abort();
	for (size_t i = 0; i < n; count++) {
		i += unicode_decode(&cp[count], p + i, n - i, NULL);
		code[count] = (unsigned char)split_code(cp[count]);
	}
	if (split_text(&piece, &n_pieces, &e, s, cp, code, count) != OK)
		abort();
	for (uint32_t i = 0; i < n_pieces && k + 16 < cap; i++)
		k += (size_t)snprintf(out + k, cap - k, piece[i] < 10 || piece[i] > 35 ? "%s%u%s" : "%s%c%s", piece[i] > 35 ? "(" : "",
			piece[i] < 10 || piece[i] > 35 ? piece[i] : 'a' + piece[i] - 10, piece[i] > 35 ? ")" : "");
	for (size_t i = 0; i < sizeof e.block / sizeof *e.block; i++)
		free(e.block[i].p);
	free(cp);
	free(code);
}

static void check_name(const char *name, const char *flags, char *const *want)
{
	const struct pre_tokenizer *p = pre_tokenizer_find(name);
	struct arena a = { 0 };
	struct splitter s;
	char got[8192], got_flags[64];
	unsigned bad = 0;

	if (!ok(p != NULL, "%s is known", name))
		return;
	snprintf(got_flags, sizeof got_flags, "flags %s%s%s%s%s", p->ignore_merges ? "ignore_merges " : "", p->add_bos ? "bos " : "", p->no_bos ? "no_bos " : "",
		p->escape_space ? "escape " : "", p->raw ? "raw " : "");
	if (splitter_compile(&s, &a, p->stage) != OK)
		abort();
	for (unsigned i = 0; i < texts.count; i++) {
		describe(got, sizeof got, &s, texts.p[i], texts.n[i]);
		if (strcmp(got, want[i]) != 0 && bad++ < 3)
			printf("# text %u: got  %s\n#          want %s\n", i, got, want[i]);
	}
	ok(strcmp(got_flags, flags) == 0 && bad == 0, "%s: %u texts, %u split otherwise; %s", name, texts.count, bad, got_flags);
	arena_free(&a);
}

int main(void)
{
	struct arena a = { 0 };
	struct golden g;
	char *line, *want[TOKEN_TEXTS], *names, *flags;
	unsigned n_names = 0, n_known = 0;

	if (!texts_read(&texts, &a) || !golden_open(&g, &a, "tests/tokens/splits.golden") || !golden_line(&g)) {
		ok(0, "tests/tokens can be read");
		return done_testing();
	}
	ok(texts.count > 100, "%u texts", texts.count);
	while ((names = golden_line(&g))) {
		flags = golden_line(&g);
		for (unsigned i = 0; i < texts.count; i++)
			if (!(want[i] = golden_line(&g))) {
				ok(0, "splits.golden ends early; run tests/peer/tokens.sh");
				return done_testing();
			}
		for (line = strtok(names + 5, " "); line; line = strtok(NULL, " "), n_names++)
			check_name(line, flags, want);
	}
	while (pre_tokenizer_at(n_known))
		n_known++;
	is_u64(n_names, n_known, "each of the %u names has been checked", n_known);
	ok(!pre_tokenizer_find("no-such"), "an unknown name is not found");
	arena_free(&a);
	return done_testing();
}
