/* str.c - folded names, edit distance, near matches, UTF-8 */
#include "../tap.h"

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

static void folding(void)
{
	static const struct { const char *name, *want; } names[] = {
		{ "Llama 3.3 70B", "llama-3-3-70b" }, { "llama3.3:70b", "llama3-3-70b" }, { "a_b-c/d:e.f", "a-b-c-d-e-f" },
		{ "a - _ b", "a-b" }, { "  --x--  ", "x" }, { "2\xc3\x97 RTX 4090", "2x-rtx-4090" }, { "tab\tand\nline", "tab-and-line" },
		{ "", "" }, { "...", "" }, { "\xc3\xa9-A", "\xc3\xa9-a" }, { "Q4_K_M", "q4-k-m" }, { "c++", "c++" }, { "\xc3", "\xc3" },
	};
	char out[64];

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = str_fold(out, sizeof out, names[i].name);
		ok(!strcmp(out, names[i].want), "name %u folds to '%s', not '%s'", i, names[i].want, out);
		is_u64(n, strlen(names[i].want), "and its length is returned");
	}
	memset(out, 'z', sizeof out);
	is_u64(str_fold(out, 4, "A-B-C-D"), 7, "the length it would have had");
	is_str(out, "a-b", "cut to the room, with a NUL");
	ok(out[4] == 'z', "and nothing beyond");
	out[0] = 'z';
	is_u64(str_fold(out, 0, "abc"), 3, "no room: the length alone");
	ok(out[0] == 'z', "nothing written");
	str_fold(out, 1, "abc");
	is_str(out, "", "room for the NUL");
	/* folding is idempotent: an index of folded names can be asked with folded names */
	char twice[64];
	str_fold(out, sizeof out, " Qwen/Qwen3.5 - 35B_A3B ");
	str_fold(twice, sizeof twice, out);
	is_str(twice, out, "folding twice changes nothing");
}

/* The same distance by plain recursion, for words of a few letters. */
static unsigned slow(const char *a, const char *b)
{
	unsigned d, e;

	if (!*a || !*b)
		return (unsigned)(strlen(a) + strlen(b));
	d = slow(a + 1, b + 1) + (*a != *b);
	if ((e = slow(a + 1, b) + 1) < d)
		d = e;
	if ((e = slow(a, b + 1) + 1) < d)
		d = e;
	if (a[1] && b[1] && a[0] == b[1] && a[1] == b[0] && (e = slow(a + 2, b + 2) + 1) < d)
		d = e;
	return d;
}

static void distances(void)
{
	char a[6], b[6], long_word[80];
	unsigned wrong = 0, asymmetric = 0;
	uint32_t r = 1;

	is_u64(str_distance("", "", 3), 0, "nothing to nothing");
	is_u64(str_distance("abc", "abc", 3), 0, "equal");
	is_u64(str_distance("abc", "", 3), 3, "delete all");
	is_u64(str_distance("kitten", "sitting", 5), 3, "kitten, sitting");
	is_u64(str_distance("lama", "llama", 3), 1, "a letter is missing");
	is_u64(str_distance("lalma", "llama", 3), 1, "neighbours swapped");
	is_u64(str_distance("kitten", "sitting", 2), 3, "over the limit is limit + 1");
	is_u64(str_distance("a", "abcdefgh", 2), 3, "so is a length that differs too much");
	is_u64(str_distance("abc", "xyz", 0), 1, "limit 0");
	is_u64(str_distance("abc", "abc", 0), 0, "limit 0, equal");
	memset(long_word, 'a', sizeof long_word);
	long_word[sizeof long_word - 1] = 0;
	is_u64(str_distance(long_word, long_word, 4), 5, "longer than 64 is far from everything");
	is_u64(str_distance(long_word, long_word + 15, 70), 71, "so is one that is");
	is_u64(str_distance(long_word + 15, long_word, 70), 71, "on either side");
	long_word[64] = 0;
	is_u64(str_distance(long_word, long_word, 4), 0, "64 is not");
	for (int i = 0; i < 3000; i++) {
		memset(a, 0, sizeof a);
		memset(b, 0, sizeof b);
		for (unsigned k = 0; k < 5; k++) {
			r = r * 1664525 + 1013904223;
			a[k] = "abc"[(r >> 24) % 3];
			b[k] = "abc"[(r >> 16 & 255) % 3];
		}
		a[(r >> 8 & 255) % 6 % 5] = 0;
		b[(r >> 4 & 255) % 6 % 5] = 0;
		wrong += str_distance(a, b, 20) != slow(a, b);
		asymmetric += str_distance(a, b, 2) != str_distance(b, a, 2);
	}
	is_u64(wrong, 0, "3000 pairs agree with the definition");
	is_u64(asymmetric, 0, "and a limit keeps it symmetric");
}

static void nearest(void)
{
	static const char *const names[] = { "llama-3.3-70b-instruct", "qwen3-32b", "qwen3-30b-a3b", "qwen3-8b", "qwen3-4b",
		"qwen3-14b",
		"qwen3-0.6b", "gemma-3-27b-it", "rtx-4090" };
	struct near_matches m;
	struct error e = { 0 };
	char long_name[200];

	near_init(&m, "Qwen3 32b");
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		near_offer(&m, names[i]);
	near_offer(&m, "qwen3-32b");
	error_set(&e, E_MODEL, "x");
	near_report(&m, &e);
	ok(e.n_candidates == 5, "five at most are kept");
	is_str(e.candidate[0], "qwen3-32b", "the exact one first");
	for (int i = 1; i < e.n_candidates; i++)
		ok(strcmp(e.candidate[i], "qwen3-32b") && strncmp(e.candidate[i], "qwen3", 5) == 0, "no name twice, no stranger: %s",
			e.candidate[i]);

	near_init(&m, "llama-3.3-70b");
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		near_offer(&m, names[i]);
	ok(m.n == 1 && !strcmp(m.best[0].text, names[0]), "a name inside a longer one is near");
	near_init(&m, "zzzzzzzz");
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		near_offer(&m, names[i]);
	ok(m.n == 0, "nothing near: nothing offered");
	near_init(&m, "...");
	near_offer(&m, "a");
	ok(m.n == 0, "an empty name is near to nothing");
	memset(long_name, 'q', sizeof long_name);
	long_name[sizeof long_name - 1] = 0;
	near_init(&m, long_name);
	near_offer(&m, long_name);
	ok(m.n == 1 && strlen(m.best[0].text) == 63, "long names are cut");
}

/* The borders of what is near: a third of the name's letters and one more, or one name inside the other. */
static void borders(void)
{
	static const struct { const char *name, *candidate; int near; } pairs[] = {
		{ "abc", "abxy", 1 }, { "abc", "axyz", 0 }, { "ab", "ax", 1 }, { "ab", "xy", 0 }, { "abcdef", "abcxyz", 1 },
		{ "abcdef", "abwxyz", 0 }, { "rtx", "nvidia-rtx-4090", 1 }, { "rt", "nvidia-rtx-4090", 0 },
		{ "nvidia-rtx-4090", "4090", 1 }, { "nvidia-rtx-4090", "rtx", 0 }, { "abc", "ABC", 1 }, { "abc", "", 0 },
	};
	static const char *const tied[] = { "abcd1", "abcd2", "abcd3", "abcd4", "abcd5", "abcd6", "abcd", "abcd7" };
	struct near_matches m;
	struct error e = { 0 };

	for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		near_init(&m, pairs[i].name);
		near_offer(&m, pairs[i].candidate);
		ok(m.n == pairs[i].near, "'%s' is %snear '%s'", pairs[i].candidate, pairs[i].near ? "" : "not ", pairs[i].name);
	}
	near_init(&m, "abcd");
	near_offer(&m, "long-name-with-abcd");
	for (unsigned i = 0; i < sizeof tied / sizeof *tied; i++)
		near_offer(&m, tied[i]);
	near_report(&m, &e);
	ok(e.n_candidates == 5 && !strcmp(e.candidate[0], "abcd") && !strcmp(e.candidate[1], "abcd1") &&
		!strcmp(e.candidate[4], "abcd4"), "of eight near ones the best five: equals in the order they came in");
	near_init(&m, "4090");
	near_offer(&m, "a-much-longer-name-of-4090-cards");
	near_offer(&m, "rtx-4090-laptop");
	near_offer(&m, "4080");
	ok(m.n == 3 && !strcmp(m.best[0].text, "4080") && !strcmp(m.best[1].text, "rtx-4090-laptop"),
		"a slip of a letter before a name inside, a shorter one before a longer");
}

static void cleaning(void)
{
	static const struct { const char *s, *want; } texts[] = {
		{ "", "" }, { "plain ~", "plain ~" }, { "a\tb\nc\rd\x1b[1m\x7f.", "a b c d [1m ." }, { "\x01\x1f\x20!", "   !" },
		{ "\xc2\x80\xc2\x9f\xc2\xa0", "    \xc2\xa0" }, { "\xc3\x80", "\xc3\x80" }, { "\xff\xfe", "??" },
		{ "\xe2\x80", "??" }, { "\xe2\x80\xa6\xc3", "\xe2\x80\xa6?" }, { "\xf0\x9f\x98\x80\xed\xa0\x80", "\xf0\x9f\x98\x80???" },
	};
	char b[40];

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
		snprintf(b, sizeof b, "%s", texts[i].s);
		str_clean(b);
		is_str(b, texts[i].want, "text %u is made printable", i);
	}
}

static void small(void)
{
	ok(str_ieq("CUDA", "cuda") && str_ieq("", "") && !str_ieq("a", "ab") && !str_ieq("ab", "a") && !str_ieq("a", "b"), "str_ieq");
	ok(!str_ieq("[", "{") && !str_ieq("@", "`"), "only letters have a case");
	ok(str_prefix("abc", "ab") && str_prefix("abc", "") && !str_prefix("ab", "abc"), "str_prefix");
	ok(str_suffix("a.yaml", ".yaml") && str_suffix("x", "") && !str_suffix("yaml", ".yaml") &&
		str_suffix(".yaml", ".yaml"), "str_suffix");
	is_str(str_base("/a/b.c"), "b.c", "str_base");
	is_str(str_base("b.c"), "b.c", "str_base without a folder");
	is_str(str_base("a/"), "", "str_base of a folder");
}

/* Every code point, against the ranges of RFC 3629. */
static void utf8(void)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x80", "\xe2(\xa1", "\xf0\x9f\x98(", "\xc3",
		"\xc3(", "\xc3\xc3", "\xdf\xff", "\xf4\x8f\xbf" };
	unsigned wrong = 0, cut = 0;

	for (uint32_t c = 0; c < 0x110000; c++) {
		char s[4];
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		if (n == 1)
			s[0] = (char)c;
		else
			s[0] = (char)((0xf00 >> n & 0xff) | c >> 6 * (n - 1));
		for (size_t i = 1; i < n; i++)
			s[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 63));
		wrong += str_utf8(s, 4) != (c >= 0xd800 && c < 0xe000 ? 0 : n);
		for (size_t k = 0; k < n; k++)
			cut += str_utf8(s, k) != 0;
	}
	is_u64(wrong, 0, "every code point, and no surrogate");
	is_u64(cut, 0, "none when it is cut");
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		is_u64(str_utf8(bad[i], strlen(bad[i])), 0, "bad sequence %u", i);
	is_u64(str_utf8("a", 0), 0, "no bytes");
}

int main(void)
{
	folding();
	distances();
	nearest();
	borders();
	cleaning();
	small();
	utf8();
	return done_testing();
}
