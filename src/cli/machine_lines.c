/* machine_lines.c - lines of a machine's description */
#include "cli/machine_lines.h"

#include "base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void say(const struct text *t, const char *label, enum paint p, const char *fmt, ...)
{
	size_t width = t->width > SAY_INDENT + 8 ? (size_t)(t->width - SAY_INDENT) : 8;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text_paint(t, BOLD, "%s", label);
	fprintf(t->out, "%*s", SAY_INDENT - (int)strlen(label), "");
	if (p != PLAIN && text_columns(text) <= width) {
		text_paint(t, p, "%s\n", text);
		return;
	}
	/* the label is printed already: the words begin at its column */
	char *s = text;
	while (*s) {
		size_t n = strlen(s), cut = n;
		if (text_columns(s) > width) {
			size_t col = 0;
			cut = 0;
			for (size_t i = 0; i < n && col <= width; i++) {
				if (s[i] == ' ')
					cut = i;
				col += ((unsigned char)s[i] & 0xc0) != 0x80;
			}
			if (!cut)
				cut = strcspn(s, " ");
		}
		fprintf(t->out, "%.*s\n", (int)cut, s);
		s += cut;
		s += *s == ' ';
		if (*s)
			fprintf(t->out, "%*s", SAY_INDENT, "");
	}
}

void list_add(struct word_list *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->at + 3 >= sizeof l->text)
		return;
	if (l->at) {
		memcpy(l->text + l->at, ", ", 3);
		l->at += 2;
	}
	va_start(ap, fmt);
	n = vsnprintf(l->text + l->at, sizeof l->text - l->at, fmt, ap);
	va_end(ap);
	l->at += n > 0 && (size_t)n < sizeof l->text - l->at ? (size_t)n : strlen(l->text + l->at);
}

const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }

void say_bandwidth(const struct text *t, const struct pool *p)
{
	char v[24];

	if (is_known(p->read_bps))
		say(t, "", PLAIN, "bandwidth %s GB/s (%s)", format_3(v, sizeof v, p->read_bps.v / 1e9), basis_names[p->read_bps.basis]);
	else
		say(t, "", PLAIN, "bandwidth unknown");
}
