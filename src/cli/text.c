/* text.c - terminal output */
#include "cli/text.h"

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
	int col = (int)text_columns(lead);

	fputs(lead, t->out);
	while (*s) {
		size_t n = strcspn(s, " ");
		if (col + (int)n + 1 > t->width && col > indent) {
			fprintf(t->out, "\n%*s", indent, "");
			col = indent;
		}
		fwrite(s, 1, n, t->out);
		col += (int)n;
		s += n;
		if (*s == ' ') {
			if (s[1])
				fputc(' ', t->out);
			col++;
			s++;
		}
	}
	fputc('\n', t->out);
}

void table_init(struct table *t, unsigned columns, uint32_t right)
{
	*t = (struct table){ .columns = columns, .right = right };
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
			fputs("\xe2\x80\xa6", out);
			return;
		}
		fputc(*s, out);
	}
}

void table_print(struct table *t, const struct text *x, int header)
{
	size_t width[TABLE_COLUMNS] = { 0 }, total = 0;

	for (unsigned i = 0; i < t->n; i++)
		if (text_columns(t->cell[i]) > width[i % t->columns])
			width[i % t->columns] = text_columns(t->cell[i]);
	for (unsigned c = 0; c + 1 < t->columns; c++)
		total += width[c] + 2;
	size_t last = x->width > (int)total + 8 ? (size_t)x->width - total : 8;
	for (unsigned i = 0; i < t->n; i++) {
		unsigned c = i % t->columns;
		const char *s = t->cell[i];
		size_t pad = width[c] - text_columns(s);
		enum paint p = header && i < t->columns ? DIM : (enum paint)t->paint[i];
		if (t->right >> c & 1)
			fprintf(x->out, "%*s", (int)pad, "");
		if (x->colour)
			fputs(code(p), x->out);
		if (c + 1 == t->columns)
			put_cut(x->out, s, last);
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
