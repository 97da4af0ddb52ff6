/* str.c - folding names, edit distance, near matches */
#include "base/str.h"

#include "base/error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

size_t str_fold(char *out, size_t n, const char *name)
{
	size_t len = 0;
	int gap = 0;

	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		int c = *p;
		if (c == 0xc3 && p[1] == 0x97) {         /* the multiplication sign */
			c = 'x';
			p++;
		}
		if (c <= ' ' || strchr("_-/:.", c)) {
			gap = 1;
			continue;
		}
		if (gap && len) {
			if (len + 1 < n)
				out[len] = '-';
			len++;
		}
		gap = 0;
		if (len + 1 < n)
			out[len] = (char)tolower(c);
		len++;
	}
	if (n)
		out[len < n ? len : n - 1] = 0;
	return len;
}

unsigned str_distance(const char *a, const char *b, unsigned limit)
{
	enum { MAX = 64 };
	unsigned row[3][MAX + 1], last = 0;
	size_t na = strlen(a), nb = strlen(b);

	if (na > MAX || nb > MAX || (na > nb ? na - nb : nb - na) > limit)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3], best = (unsigned)i;
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned d = up[j - 1] + (a[i - 1] != b[j - 1]);
			if (up[j] + 1 < d)
				d = up[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < d)
				d = up2[j - 2] + 1;
			now[j] = d;
			if (d < best)
				best = d;
		}
		if (best > limit && last > limit)        /* a swap reaches over one row, not over two */
			return limit + 1;
		last = best;
	}
	return row[na % 3][nb] > limit ? limit + 1 : row[na % 3][nb];
}

void near_init(struct near_matches *m, const char *name)
{
	*m = (struct near_matches){ .n = 0 };
	str_fold(m->name, sizeof m->name, name);
}

void near_offer(struct near_matches *m, const char *candidate)
{
	char folded[64] = "";
	unsigned limit = (unsigned)strlen(m->name) / 3 + 1, score;
	int i;

	if (!m->name[0])
		return;
	str_fold(folded, sizeof folded, candidate);
	score = 2 * str_distance(m->name, folded, limit);
	if (score > 1 && strlen(m->name) >= 3 && !strncmp(folded, m->name, strlen(m->name)))
		score = 1;               /* what was typed begins this name */
	if (score > 2 * limit) {
		/* one name inside the other is near too */
		size_t a = strlen(m->name), b = strlen(folded);
		if (a >= 3 && strstr(folded, m->name))
			score = 2 * limit + 1 + (unsigned)(b - a) / 8;
		else if (b >= 4 && strstr(m->name, folded))
			score = 2 * limit + 2;
		else
			return;
	}
	for (i = 0; i < m->n; i++)
		if (!strcmp(m->best[i].text, candidate))
			return;
	for (i = m->n; i > 0 && m->best[i - 1].score > score; i--)
		if (i < 5)
			m->best[i] = m->best[i - 1];
	if (i >= 5)
		return;
	snprintf(m->best[i].text, sizeof m->best[i].text, "%s", candidate);
	m->best[i].score = score;
	if (m->n < 5)
		m->n++;
}

void near_report(const struct near_matches *m, struct error *err)
{
	for (int i = 0; i < m->n; i++)
		error_candidate(err, m->best[i].text);
}

int str_ieq(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return 0;
	return *a == *b;
}

int str_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

int str_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n >= k && !strcmp(s + n - k, suffix);
}

const char *str_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

size_t str_utf8(const char *s, size_t n)
{
	/* the range of the second byte rules out overlong forms, surrogates and what is above U+10FFFF (RFC 3629, section 4) */
	static const struct { unsigned char first, last, low, high, len; } forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned char *p = (const unsigned char *)s;

	for (unsigned i = 0; n && i < sizeof forms / sizeof *forms; i++) {
		if (p[0] < forms[i].first || p[0] > forms[i].last)
			continue;
		if (n < forms[i].len || (forms[i].len > 1 && (p[1] < forms[i].low || p[1] > forms[i].high)))
			return 0;
		for (unsigned k = 2; k < forms[i].len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

void str_clean(char *s)
{
	for (size_t left = strlen(s), k; left; s += k, left -= k) {
		const unsigned char *p = (const unsigned char *)s;

		k = str_utf8(s, left);
		if (k == 0) {
			*s = '?';
			k = 1;
		} else if (k == 1 && (*p < 0x20 || *p == 0x7f)) {
			*s = ' ';
		} else if (k == 2 && p[0] == 0xc2 && p[1] < 0xa0) {      /* U+0080 to U+009F: terminals obey some of them */
			s[0] = s[1] = ' ';
		}
	}
}
