/* catalog_head.c - cuts the wanted top-level keys out of an entry before it is parsed
 *
 * libyaml takes some 25 ns a byte; an entry's head is a quarter of it. A key begins in column 0, and everything up to the next
 * one is its value, provided that no bracket or quote is open at the end of a value: that is followed below, roughly, and
 * whatever looks unusual makes the whole file be parsed instead. Lines that are left out stay as empty lines, so that line
 * numbers hold. */
#include "catalog/catalog_head.h"

#include <stdint.h>
#include <string.h>

struct lexer {
	unsigned depth;          /* open [ and { */
	char quote;              /* '"', '\'' or 0 */
	int odd;                 /* something that only the parser should judge */
};

/* Letters that may mean something to YAML; all others are text wherever they stand. */
enum { TEXT, BLANK, COMMENT, ODD, ODD_AT_START, QUOTE, OPEN, CLOSE, COMMA, COLON, DASH };
static const uint8_t class[256] = {
	[' '] = BLANK, ['#'] = COMMENT, ['\t'] = ODD, ['|'] = ODD_AT_START, ['>'] = ODD_AT_START, ['&'] = ODD_AT_START, ['*'] = ODD_AT_START,
	['!'] = ODD_AT_START, ['%'] = ODD_AT_START, ['@'] = ODD_AT_START, ['`'] = ODD_AT_START, ['?'] = ODD_AT_START, ['"'] = QUOTE, ['\''] = QUOTE,
	['['] = OPEN, ['{'] = OPEN, [']'] = CLOSE, ['}'] = CLOSE, [','] = COMMA, [':'] = COLON, ['-'] = DASH
};

/* The rest of a quoted text; p is behind its first letter to look at. Returns where it ends, or end. */
static const char *lex_quoted(struct lexer *x, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '\\' && x->quote == '"') {
			p++;
		} else if (*p == x->quote && *p == '\'' && p + 1 < end && p[1] == '\'') {
			p++;
		} else if (*p == x->quote) {
			x->quote = 0;
			return p + 1;
		}
	}
	return end;
}

/* One line of a value. YAML opens quotes and brackets only where a token starts; elsewhere they are letters. */
static void lex_line(struct lexer *x, const char *p, const char *end)
{
	int token_start = 1;

	if (x->quote) {
		p = lex_quoted(x, p, end);
		token_start = 0;
	}
	while (p < end) {
		uint8_t is = class[(unsigned char)*p];
		char next = p + 1 < end ? p[1] : ' ';

		switch (is) {
		case TEXT:
			while (++p < end && class[(unsigned char)*p] == TEXT)
				;
			token_start = 0;
			continue;
		case BLANK:
			p++;
			continue;
		case COMMENT:
			if (token_start || p[-1] == ' ')
				return;
			token_start = 0;
			break;
		case ODD:
			x->odd = 1;
			token_start = 0;
			break;
		case ODD_AT_START:
			x->odd |= token_start;
			token_start = 0;
			break;
		case QUOTE:
			if (!token_start) {
				break;
			}
			x->quote = *p;
			p = lex_quoted(x, p + 1, end);
			token_start = 0;
			continue;
		case OPEN:
			x->depth += token_start || x->depth;
			token_start = x->depth != 0;
			break;
		case CLOSE:
			x->depth -= x->depth != 0;
			token_start = 0;
			break;
		case COMMA:
			token_start = x->depth != 0;
			break;
		case COLON:
			token_start = x->depth || next == ' ';
			break;
		case DASH:
			token_start = token_start && next == ' ';
			break;
		}
		p++;
	}
}

/* Line ends that libyaml knows beside '\n': CR, NEL, LS, PS. */
static int other_line_ends(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (memchr(s, '\r', n))
		return 1;
	for (size_t i = 0; i + 1 < n; i++)
		if (p[i] >= 0x80 && ((p[i] == 0xc2 && p[i + 1] == 0x85) ||
		    (i + 2 < n && p[i] == 0xe2 && p[i + 1] == 0x80 && (p[i + 2] | 1) == 0xa9)))
			return 1;
	return 0;
}

/* Letters of the key at the start of a line, or 0. */
static size_t key_length(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && ((p[n] >= 'a' && p[n] <= 'z') || p[n] == '_'))
		n++;
	return n && p + n < end && p[n] == ':' && (p + n + 1 == end || p[n + 1] == ' ') ? n : 0;
}

static int wanted(const char *key, size_t n, const char *const *keys)
{
	for (; *keys; keys++)
		if (!strncmp(*keys, key, n) && !(*keys)[n])
			return 1;
	return 0;
}

/* Bytes written to out (at most n), or 0 when the file is not plainly laid out. */
static size_t cut(char *out, const char *bytes, size_t n, const char *const *keys)
{
	const char *p = bytes, *end = bytes + n, *line_end;
	struct lexer x = { 0 };
	int keep = 0, keys_seen = 0;
	size_t len = 0;

	if (other_line_ends(bytes, n))
		return 0;
	for (; p < end; p = line_end + 1) {
		size_t key;

		line_end = memchr(p, '\n', (size_t)(end - p));
		if (!line_end)
			line_end = end;
		if (p < line_end && *p != ' ' && *p != '#' && !(*p == '-' && p + 1 < line_end && p[1] == ' ')) {
			if (x.depth || x.quote || !(key = key_length(p, line_end)))
				return 0;
			keep = wanted(p, key, keys);
			keys_seen = 1;
			lex_line(&x, p + key + 1, line_end);
		} else {
			if (p < line_end && *p != '#' && !keys_seen)
				return 0;        /* something before the first key: perhaps everything is indented */
			if (p < line_end && *p == '#' && (x.depth || x.quote))
				return 0;
			lex_line(&x, p, line_end);
		}
		if (x.odd)
			return 0;
		if (keep) {
			memcpy(out + len, p, (size_t)(line_end - p));
			len += (size_t)(line_end - p);
		}
		if (line_end < end)
			out[len++] = '\n';
	}
	return x.depth || x.quote ? 0 : len;
}

int head_parse(struct ydoc *out, int *whole, struct arena *a, const char *file, const char *bytes, size_t n,
	const char *const *keys, struct error *err)
{
	char *head = arena_alloc(a, n + 1);
	size_t len;

	*whole = 0;
	if (!head)
		return error_set(err, E_NOMEM, "%s: out of memory", file);
	len = cut(head, bytes, n, keys);
	if (len && yaml_parse(out, a, file, head, len, NULL) == OK)
		return OK;
	*whole = 1;
	return yaml_parse(out, a, file, bytes, n, err);
}
