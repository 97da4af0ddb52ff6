/* text.c - terminal output */
#include "cli/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void text_open(struct text *t, const struct options *o)
{
	struct winsize w;
	const char *no = getenv("NO_COLOR"), *cols = getenv("COLUMNS");
	int tty = isatty(STDOUT_FILENO);

	*t = (struct text){ .out = stdout, .colour = tty && !(no && *no), .width = 80 };
	if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		t->width = w.ws_col;
	else if (cols && atoi(cols) >= 20)
		t->width = atoi(cols) < 1000 ? atoi(cols) : 1000;
	if (o->color && !strcmp(o->color, "always"))
		t->colour = 1;
	else if (o->color && !strcmp(o->color, "never"))
		t->colour = 0;
}

static const char *code(enum paint p)
{
	static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m" };

	return codes[p];
}

void text_paint(const struct text *t, enum paint p, const char *fmt, ...)
{
	va_list ap;

	if (t->colour)
		fputs(code(p), t->out);
	va_start(ap, fmt);
	vfprintf(t->out, fmt, ap);
	va_end(ap);
	if (t->colour && p != PLAIN)
		fputs("\033[0m", t->out);
}

size_t text_columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void text_wrap(const struct text *t, const char *lead, int indent, const char *s)
{
	fputs(lead, t->out);
	text_wrap_from(t, (int)text_columns(lead), indent, s);
}

void text_wrap_from(const struct text *t, int col, int indent, const char *s)
{
	int words = 0;

	while (*s) {
		size_t n = strcspn(s, " ");
		int wide = 0;            /* columns of the word */
		for (size_t i = 0; i < n; i++)
			wide += ((unsigned char)s[i] & 0xc0) != 0x80;
		if (words && col + 1 + wide >= t->width) {
			fprintf(t->out, "\n%*s", indent, "");
			col = indent;
		} else if (words) {
			fputc(' ', t->out);
			col++;
		}
		fwrite(s, 1, n, t->out);
		col += wide;
		words++;
		s += n;
		while (*s == ' ')
			s++;
	}
	fputc('\n', t->out);
}

void text_fact(const struct text *t, const char *name, const char *value)
{
	char lead[FACT_MARGIN + 1];

	if (!value || !*value)
		return;
	snprintf(lead, sizeof lead, "%-*s", (int)FACT_MARGIN, name);
	text_wrap(t, lead, FACT_MARGIN, value);
}

void text_factf(const struct text *t, const char *name, const char *fmt, ...)
{
	char line[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	text_fact(t, name, line);
}

void table_init(struct table *t, unsigned columns, uint32_t right)
{
	*t = (struct table){ .columns = columns, .right = right };
}

void table_section(struct table *t, enum paint p, const char *text)
{
	table_cell(t, (enum paint)(p | TABLE_SECTION), "%s", text);
	for (unsigned i = 1; i < t->columns; i++)
		table_cell(t, PLAIN, "%s", "");
}

void table_cell(struct table *t, enum paint p, const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	if (t->n == t->cap) {
		unsigned cap = t->cap ? t->cap * 2 : 256;
		char **c = realloc(t->cell, cap * sizeof *c);
		if (c)
			t->cell = c;
		uint8_t *q = realloc(t->paint, cap);
		if (q)
			t->paint = q;
		if (!c || !q) {
			t->failed = 1;
			return;
		}
		t->cap = cap;
	}
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	t->paint[t->n] = (uint8_t)p;
	t->cell[t->n] = strdup(buf);
	if (!t->cell[t->n])
		t->failed = 1;
	else
		t->n++;
}

/* Prints at most `room` columns of s, with an ellipsis when cut. */
static void put_cut(FILE *out, const char *s, size_t room)
{
	size_t n = text_columns(s), col = 0;

	for (; *s; s++) {
		if (((unsigned char)*s & 0xc0) != 0x80 && ++col >= room && n > room) {
			fputs(text_utf8() ? "\xe2\x80\xa6" : "~", out);
			return;
		}
		fputc(*s, out);
	}
}

void table_print(struct table *t, const struct text *x, int header)
{
	size_t width[TABLE_COLUMNS] = { 0 }, total = 0;

	assert(t->columns && t->columns <= TABLE_COLUMNS);
	for (unsigned i = 0; i < t->n; i++)
		if (!(t->paint[i] & TABLE_SECTION) && text_columns(t->cell[i]) > width[i % t->columns])
			width[i % t->columns] = text_columns(t->cell[i]);
	if (t->shrink) {                 /* one column gives way so that the others keep their width */
		size_t all = 0, *w = &width[t->shrink - 1];
		for (unsigned c = 0; c < t->columns; c++)
			all += (c + 1 == t->columns && t->last_least && width[c] > t->last_least ? t->last_least : width[c]) + (c ? 2 : 0);
		size_t over = all > (size_t)x->width ? all - (size_t)x->width : 0;
		if (over)
			*w = *w > over + 12 ? *w - over : *w < 12 ? *w : 12;
	}
	for (unsigned c = 0; c + 1 < t->columns; c++)
		total += width[c] + 2;
	size_t last = x->width > (int)total + 8 ? (size_t)x->width - total : 8;
	for (unsigned i = 0; i < t->n; i++) {
		unsigned c = i % t->columns;
		const char *s = t->cell[i];
		size_t pad = width[c] > text_columns(s) ? width[c] - text_columns(s) : 0;
		enum paint p = header && i < t->columns ? DIM : (enum paint)(t->paint[i] & ~TABLE_SECTION);
		if (t->paint[i] & TABLE_SECTION) {
			text_paint(x, p, "%s", s);
			fputc('\n', x->out);
			i += t->columns - 1;
			continue;
		}
		if (t->right >> c & 1)
			fprintf(x->out, "%*s", (int)pad, "");
		if (x->colour)
			fputs(code(p), x->out);
		if (c + 1 == t->columns)
			put_cut(x->out, s, last);
		else if (c + 1 == t->shrink)
			put_cut(x->out, s, width[c]);
		else
			fputs(s, x->out);
		if (x->colour && p != PLAIN)
			fputs("\033[0m", x->out);
		if (c + 1 == t->columns)
			fputc('\n', x->out);
		else
			fprintf(x->out, "%*s", (int)(t->right >> c & 1 ? 2 : pad + 2), "");
	}
	for (unsigned i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t->paint);
	*t = (struct table){ .columns = t->columns, .right = t->right };
}

void csv_cell(FILE *out, const char *s, int last)
{
	int quote = strpbrk(s, ",\"\r\n") != NULL;

	if (quote)
		fputc('"', out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	if (quote)
		fputc('"', out);
	fputc(last ? '\n' : ',', out);
}

int text_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (unsigned i = 0; i < 3; i++) {
		const char *v = getenv(names[i]);
		if (v && *v)
			return strstr(v, "UTF-8") || strstr(v, "utf8") || strstr(v, "UTF8") || strstr(v, "utf-8");
	}
	return 0;
}

const char *text_bar(char *buf, size_t n, unsigned columns, double share)
{
	/* eighths of a block, from the left: U+2588 is whole, U+258F one eighth */
	int utf8 = text_utf8();
	unsigned parts = utf8 ? 8 : 1, full = columns * parts, k = share <= 0 ? 0 : share >= 1 ? full : (unsigned)(share * full + 0.5);
	size_t at = 0;

	for (unsigned i = 0; i < columns && at + 4 <= n; i++) {
		unsigned here = k > i * parts ? k - i * parts : 0;
		if (utf8) {
			/* what is free is a light shade */
			unsigned char low = here >= 8 ? 0x88 : here ? (unsigned char)(0x90 - here) : 0x91;
			buf[at++] = (char)0xe2;
			buf[at++] = (char)0x96;
			buf[at++] = (char)low;
		} else {
			buf[at++] = here ? '#' : '.';
		}
	}
	buf[at] = 0;
	return buf;
}
