/* unicode.c - UTF-8 in and out, categories by binary search, the characters that stand for bytes */
#include "engine/unicode.h"

enum unicode_class unicode_class(uint32_t cp)
{
	uint32_t low = 0, high = unicode_n_ranges;

	if (cp > UNICODE_MAX)
		return UNICODE_OTHER;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		if (unicode_ranges[mid] >> 4 <= cp)
			low = mid;
		else
			high = mid;
	}
	return (enum unicode_class)(unicode_ranges[low] & 15);
}

int unicode_is_han(uint32_t cp)
{
	return (cp >= 0x3400 && cp <= 0x4dbf) || (cp >= 0x4e00 && cp <= 0x9fff) || (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0x20000 && cp <= 0x2a6df) ||
		(cp >= 0x2a700 && cp <= 0x2ebef) || (cp >= 0x2f800 && cp <= 0x2fa1f);
}

size_t unicode_length(unsigned char first)
{
	return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t unicode_decode(uint32_t *cp, const char *s, size_t n, int *valid)
{
	unsigned char first = (unsigned char)*s;
	size_t k = unicode_length(first);
	uint32_t c = k == 1 ? first : first & (0xffu >> (k + 1));
	int good = !(first >= 0x80 && first < 0xc0) && first < 0xf8 && k <= n;

	for (size_t i = 1; good && i < k; i++) {
		unsigned char b = (unsigned char)s[i];
		good = (b & 0xc0) == 0x80;
		c = c << 6 | (b & 0x3f);
	}
	if (c > UNICODE_MAX)
		good = 0;
	if (valid)
		*valid = good;
	*cp = good ? c : UNICODE_REPLACEMENT;
	return good ? k : 1;
}

size_t unicode_encode(char out[4], uint32_t cp)
{
	size_t k = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	static const unsigned char mark[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = k; i-- > 1; cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)(mark[k] | cp);
	return k;
}

/* The bytes with no printable character of their own: 0 to 0x20, 0x7f to 0xa0, 0xad. */
uint32_t unicode_of_byte(unsigned char b)
{
	if (b <= 0x20)
		return 0x100u + b;
	if (b >= 0x7f && b <= 0xa0)
		return 0x121u + (b - 0x7fu);
	return b == 0xad ? 0x143 : b;
}

int unicode_to_byte(uint32_t cp)
{
	if (cp > 0x143)
		return -1;
	if (cp == 0x143)
		return 0xad;
	if (cp >= 0x121)
		return (int)(cp - 0x121 + 0x7f);
	if (cp >= 0x100)
		return (int)(cp - 0x100);
	return unicode_of_byte((unsigned char)cp) == cp ? (int)cp : -1;
}
