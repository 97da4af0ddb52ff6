/* hardware_words.c - the words of a machine's name: counts and host memory */
#include "catalog/hardware_name.h"

#include "base/str.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

enum { MAX_COUNT = 1024, MAX_WORDS = 8 };

static int is_digit(char c) { return c >= '0' && c <= '9'; }
static int is_blank(char c) { return c == ' ' || c == '\t' || c == '-' || c == '_'; }

/* Bytes of a multiplication sign at p: "x", "X", "*" or U+00D7; 0: none. */
static size_t times_sign(const char *p)
{
	if (*p == 'x' || *p == 'X' || *p == '*')
		return 1;
	return (unsigned char)p[0] == 0xc3 && (unsigned char)p[1] == 0x97 ? 2 : 0;
}

static int read_count(unsigned *out, const char *p, const char *end)
{
	unsigned v = 0;

	for (; p < end; p++)
		if ((v = v * 10 + (unsigned)(*p - '0')) > MAX_COUNT)
			return -1;
	*out = v;
	return v ? 0 : -1;
}

int hardware_count(unsigned *count, const char **rest, char *buf, size_t n, const char *text)
{
	char *p = buf, *end;
	size_t sign;

	*count = 1;
	snprintf(buf, n, "%s", text);
	while (*p == ' ' || *p == '\t')
		p++;
	for (end = p + strlen(p); end > p && (end[-1] == ' ' || end[-1] == '\t'); )
		*--end = '\0';
	*rest = p;
	/* in front: digits, a sign, and something behind that is no digit of the same number ("2x-rtx-4090", "2 x 4090") */
	char *digits = p;
	while (is_digit(*digits))
		digits++;
	char *after = digits;
	while (is_blank(*after))
		after++;
	if (digits > p && (sign = times_sign(after)) && after[sign]) {
		char *name = after + sign;
		while (is_blank(*name))
			name++;
		/* "4090 x2" is a card's name and a count behind it */
		int behind = after > digits && is_digit(after[sign]) && !name[strspn(name, "0123456789")];
		if (*name && !read_count(count, p, digits)) {
			*rest = name;
			return 0;
		}
		if (*name && !behind)
			return -1;
		*count = 1;
	}
	/* behind: a blank, a sign, digits ("RTX 4090 x2") */
	char *last = end;
	while (last > p && is_digit(last[-1]))
		last--;
	if (last == end || last == p)
		return 0;
	char *before = last;
	while (before > p && is_blank(before[-1]))
		before--;
	char *mark = before > p && times_sign(before - 1) == 1 ? before - 1 : before > p + 1 &&
		times_sign(before - 2) == 2 ? before - 2 : NULL;
	if (!mark || mark == p || !(is_blank(mark[-1]) || (unsigned char)*mark == 0xc3))
		return 0;
	int rc = read_count(count, last, end);
	*mark = '\0';
	while (mark > p && is_blank(mark[-1]))
		*--mark = '\0';
	return rc;
}

/* "ddr5-5600" or, split by folding words, "ddr5" and "5600". */
static int take_rate(struct hardware_ram *ram, const char *word)
{
	static const char *const types[] = { "ddr3-", "ddr4-", "ddr5-", "lpddr4x-", "lpddr5-", "lpddr5x-" };
	uint64_t v;

	for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
		if (str_prefix(word, types[i]) && !parse_u64(&v, word + strlen(types[i])) && v >= 800 && v <= 20000) {
			ram->mts = (uint32_t)v;
			return 1;
		}
	return 0;
}

static int take_channels(struct hardware_ram *ram, const char *word)
{
	static const struct { const char *word; uint32_t n; } names[] = { { "single-channel", 1 }, { "dual-channel", 2 },
		{ "quad-channel", 4 } };
	char digits[8];
	size_t n = 0;
	uint64_t v;

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(word, names[i].word)) {
			ram->channels = names[i].n;
			return 1;
		}
	while (is_digit(word[n]) && n + 1 < sizeof digits) {
		digits[n] = word[n];
		n++;
	}
	digits[n] = '\0';
	if (strcmp(word + n, "ch") && strcmp(word + n, "-ch") && strcmp(word + n, "-channel") && strcmp(word + n, "-channels"))
		return 0;
	if (parse_u64(&v, digits) || !v || v > 64)
		return 0;
	ram->channels = (uint32_t)v;
	return 1;
}

/* A size has a unit here: "64" alone is no memory. */
static int take_size(struct hardware_ram *ram, const char *word)
{
	size_t n = strlen(word);

	return n && !is_digit(word[n - 1]) && !parse_bytes(&ram->bytes, word) && ram->bytes;
}

static int is_filler(const char *word) { return !strcmp(word, "ram") || !strcmp(word, "memory") || !strcmp(word, "of") ||
	!strcmp(word, "host"); }

int hardware_ram_words(struct hardware_ram *out, const char *text)
{
	char words[MAX_WORDS][48];
	unsigned n = 0;

	*out = (struct hardware_ram){ .bytes = 0 };
	for (const char *p = text; *p; ) {
		size_t len = 0;
		while (*p == ' ' || *p == '\t')
			p++;
		if (!*p)
			break;
		if (n == MAX_WORDS)
			return 0;
		for (; *p && *p != ' ' && *p != '\t'; p++) {
			char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
			if (len + 1 == sizeof words[0])
				return 0;
			words[n][len++] = c;
		}
		words[n++][len] = '\0';
	}
	for (unsigned i = 0; i < n; i++) {
		char both[100];
		int pair = 0, one = (!out->bytes && take_size(out, words[i])) || (!out->mts && take_rate(out, words[i])) ||
			(!out->channels && take_channels(out, words[i])) || is_filler(words[i]);
		/* "64 GB", "ddr5 5600", "dual channel", "8 channels" */
		if (!one && i + 1 < n) {
			snprintf(both, sizeof both, "%s%s", words[i], words[i + 1]);
			pair = is_digit(words[i][0]) && !out->bytes && take_size(out, both);
			snprintf(both, sizeof both, "%s-%s", words[i], words[i + 1]);
			pair = pair || (!out->mts && take_rate(out, both)) || (!out->channels && take_channels(out, both));
		}
		if (!one && !pair)
			return 0;
		i += (unsigned)pair;
	}
	return out->bytes || out->mts;
}
