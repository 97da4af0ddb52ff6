/* unicode.c - UTF-8 both ways, categories, the characters of byte-level BPE */
#include "engine/unicode.h"

#include "../tap.h"

static void check_utf8(void)
{
	static const struct { const char *s; size_t n, took; uint32_t cp; int valid; } cases[] = { { "a", 1, 1, 'a', 1 }, { "\0", 1, 1, 0, 1 }, { "\xc3\xa9", 2, 2, 0xe9, 1 },
		{ "\xe2\x82\xac!", 4, 3, 0x20ac, 1 }, { "\xf0\x9f\x98\x80", 4, 4, 0x1f600, 1 }, { "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff, 1 }, { "\xf4\x90\x80\x80", 4, 1, 0xfffd, 0 },
		{ "\x80", 1, 1, 0xfffd, 0 }, { "\xff", 1, 1, 0xfffd, 0 }, { "\xf8\x88\x80\x80\x80", 5, 1, 0xfffd, 0 }, { "\xc3", 1, 1, 0xfffd, 0 }, { "\xe2\x82", 2, 1, 0xfffd, 0 },
		{ "\xe2\x28\xa1", 3, 1, 0xfffd, 0 }, { "\xf0\x9f\x98", 3, 1, 0xfffd, 0 }, { "\xc0\x80", 2, 2, 0, 1 }, { "\xed\xa0\x80", 3, 3, 0xd800, 1 } };
	unsigned bad = 0;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint32_t cp = 1;
		int valid = -1;
		size_t took = unicode_decode(&cp, cases[i].s, cases[i].n, &valid);
		ok(took == cases[i].took && cp == cases[i].cp && valid == cases[i].valid, "case %zu: U+%04X of %zu bytes", i, cp, took);
	}
	for (uint32_t cp = 0; cp <= UNICODE_MAX; cp++) {
		char s[4];
		uint32_t back = 1;
		size_t n = unicode_encode(s, cp);
		bad += unicode_decode(&back, s, n, NULL) != n || back != cp || unicode_length((unsigned char)*s) != n;
	}
	is_u64(bad, 0, "every code point comes back");
}

static void check_classes(void)
{
	static const struct { uint32_t cp; enum unicode_class k; } cases[] = { { 0, UNICODE_OTHER }, { '\t', UNICODE_SPACE }, { ' ', UNICODE_SPACE }, { 0x1f, UNICODE_OTHER },
		{ '0', UNICODE_NUMBER }, { 'A', UNICODE_LETTER }, { '_', UNICODE_PUNCTUATION }, { '+', UNICODE_SYMBOL }, { 0x85, UNICODE_SPACE }, { 0xa0, UNICODE_SPACE },
		{ 0xaa, UNICODE_LETTER }, { 0xb2, UNICODE_NUMBER }, { 0xb5, UNICODE_LETTER }, { 0x301, UNICODE_MARK }, { 0x2028, UNICODE_SPACE }, { 0x200b, UNICODE_OTHER },
		{ 0x20ac, UNICODE_SYMBOL }, { 0x2167, UNICODE_NUMBER }, { 0x3000, UNICODE_SPACE }, { 0x4e00, UNICODE_LETTER }, { 0xd800, UNICODE_OTHER }, { 0xe000, UNICODE_OTHER },
		{ 0x1f600, UNICODE_SYMBOL }, { 0x2ebf0, UNICODE_LETTER }, { 0x1c89, UNICODE_OTHER }, { 0x10ffff, UNICODE_OTHER }, { 0x110000, UNICODE_OTHER } };
	/* numbers of code points by class, from Unicode 15.1's UnicodeData.txt and White_Space */
	static const unsigned want[] = { 964463, 25, 1831, 136726, 842, 2450, 7775 };
	unsigned got[7] = { 0 }, order = 0;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(unicode_class(cases[i].cp) == cases[i].k, "U+%04X is of class %d", cases[i].cp, (int)cases[i].k);
	for (uint32_t cp = 0; cp <= UNICODE_MAX; cp++)
		got[unicode_class(cp)]++;
	for (unsigned k = 0; k < 7; k++)
		is_u64(got[k], want[k], "code points of class %u", k);
	for (uint32_t i = 1; i < unicode_n_ranges; i++)
		order += unicode_ranges[i] >> 4 <= unicode_ranges[i - 1] >> 4 || (unicode_ranges[i] & 15) == (unicode_ranges[i - 1] & 15) || (unicode_ranges[i] & 15) > UNICODE_SYMBOL;
	ok(order == 0 && unicode_ranges[0] >> 4 == 0, "ranges ascend and differ from their neighbours");
	ok(unicode_is_han(0x4e00) && unicode_is_han(0x3400) && unicode_is_han(0x20000) && unicode_is_han(0xf900) && !unicode_is_han(0x3042) && !unicode_is_han(0x3005), "ideographs");
}

static void check_bytes(void)
{
	unsigned bad = 0, all = 0;

	for (unsigned b = 0; b < 256; b++) {
		uint32_t cp = unicode_of_byte((unsigned char)b);
		bad += unicode_to_byte(cp) != (int)b || unicode_class(cp) == UNICODE_SPACE;
	}
	for (uint32_t cp = 0; cp < 0x400; cp++)
		all += unicode_to_byte(cp) >= 0;
	ok(!bad && all == 256, "256 characters stand for the bytes, none of them blank");
	ok(unicode_of_byte(' ') == 0x120 && unicode_of_byte('\n') == 0x10a && unicode_of_byte('a') == 'a' && unicode_of_byte(0xad) == 0x143 && unicode_of_byte(0x7f) == 0x121 &&
		unicode_to_byte(' ') == -1, "a blank is U+0120, a newline U+010A");
}

int main(void)
{
	check_utf8();
	check_classes();
	check_bytes();
	return done_testing();
}
