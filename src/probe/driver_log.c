/* driver_log.c - one line of a recording, written and read */
#include "probe/driver.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- writing ---------------------------------------------------------------------------------------------------------- */

struct out { char *p; size_t n, at; };

static void add(struct out *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++, o->at++)
		if (o->at + 1 < o->n)
			o->p[o->at] = s[i];
}

static void add_text(struct out *o, const char *s)
{
	add(o, s, strlen(s));
}

static void add_u64(struct out *o, uint64_t v, int hex)
{
	char b[32];

	snprintf(b, sizeof b, hex ? "0x%" PRIx64 : "%" PRIu64, v);
	add_text(o, b);
}

static void add_quoted(struct out *o, const char *s)
{
	add_text(o, " \"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			add_text(o, "\\");
		add(o, s, 1);
	}
	add_text(o, "\"");
}

static void add_args(struct out *o, const struct driver_call *call, const struct driver_question *q)
{
	add_text(o, "(");
	if (call->args == ARGS_DEVICE || call->args == ARGS_DEVICE_ARG) {
		add_u64(o, (uint64_t)q->device, 0);
		if (q->slice >= 0) {
			add_text(o, "/");
			add_u64(o, (uint64_t)q->slice, 0);
		}
	}
	if (call->args == ARGS_DEVICE_ARG)
		add_text(o, ", ");
	if (call->args == ARGS_DEVICE_ARG || call->args == ARGS_ARG)
		add_u64(o, q->arg, 0);
	add_text(o, ") = ");
}

int driver_line(char *buf, size_t n, const struct driver_call *call, const struct driver_question *q, const struct driver_answer *a, const char *remark)
{
	struct out o = { buf, n, 0 };
	char code[16];

	add_text(&o, call->name);
	add_args(&o, call, q);
	snprintf(code, sizeof code, "%d", a->code);
	add_text(&o, code);
	if (a->code == 0 && call->text)
		add_quoted(&o, a->text);
	for (unsigned i = 0; a->code == 0 && i < DRIVER_KEYS && call->key[i]; i++) {
		add_text(&o, " ");
		add_text(&o, call->key[i]);
		add_text(&o, "=");
		add_u64(&o, a->v[i], call->hex);
	}
	for (uint32_t r = 0; a->code == 0 && call->row[0] && r < a->n_rows; r++) {
		const char *between = " {";

		for (unsigned i = 0; i < DRIVER_ROW && call->row[i]; i++) {
			if (a->row[r].v[i] == DRIVER_NO_VALUE)
				continue;
			add_text(&o, between);
			add_text(&o, call->row[i]);
			add_text(&o, "=");
			add_u64(&o, a->row[r].v[i], call->hex);
			between = " ";
		}
		add_text(&o, *between && between[1] ? " {}" : "}");
	}
	if (remark) {
		add_text(&o, "   # ");
		add_text(&o, remark);
	}
	add_text(&o, "\n");
	if (n)
		buf[o.at < n ? o.at : n - 1] = 0;
	return (int)o.at;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

struct in { const char *p, *end; };

static void blanks(struct in *i)
{
	while (i->p < i->end && (*i->p == ' ' || *i->p == '\t' || *i->p == '\r'))
		i->p++;
}

static int take(struct in *i, char c)
{
	blanks(i);
	if (i->p == i->end || *i->p != c)
		return 0;
	i->p++;
	return 1;
}

static int digit(char c, unsigned base)
{
	int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;

	return (unsigned)v < base ? v : -1;
}

static int number(struct in *i, uint64_t *out, uint64_t max)
{
	unsigned base = 10;
	uint64_t v = 0;
	const char *from;

	blanks(i);
	if (i->end - i->p > 2 && i->p[0] == '0' && i->p[1] == 'x') {
		base = 16;
		i->p += 2;
	}
	for (from = i->p; i->p < i->end && digit(*i->p, base) >= 0; i->p++)
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) || __builtin_add_overflow(v, (uint64_t)digit(*i->p, base), &v) || v > max)
			return -1;
	*out = v;
	return i->p == from ? -1 : 0;
}

static size_t word(struct in *i)
{
	const char *p;

	blanks(i);
	for (p = i->p; p < i->end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_'); p++)
		;
	return (size_t)(p - i->p);
}

static int is_word(const struct in *i, size_t n, const char *name)
{
	return strlen(name) == n && !memcmp(i->p, name, n);
}

static int args(struct in *i, struct driver_question *q, const struct driver_call *call)
{
	uint64_t v;

	q->device = q->slice = -1;
	if (!take(i, '('))
		return -1;
	if (call->args == ARGS_DEVICE || call->args == ARGS_DEVICE_ARG) {
		if (number(i, &v, INT16_MAX))
			return -1;
		q->device = (int32_t)v;
		if (take(i, '/')) {
			if (number(i, &v, INT16_MAX))
				return -1;
			q->slice = (int32_t)v;
		}
	}
	if (call->args == ARGS_DEVICE_ARG && !take(i, ','))
		return -1;
	if (call->args == ARGS_DEVICE_ARG || call->args == ARGS_ARG) {
		if (number(i, &v, UINT32_MAX))
			return -1;
		q->arg = (uint32_t)v;
	}
	return take(i, ')') && take(i, '=') ? 0 : -1;
}

static int quoted(struct in *i, char *text)
{
	size_t n = 0;

	for (i->p++; i->p < i->end && *i->p != '"'; i->p++) {
		if (*i->p == '\\' && (++i->p == i->end || (*i->p != '"' && *i->p != '\\')))
			return -1;
		if (!*i->p || n + 1 == DRIVER_TEXT)
			return -1;
		text[n++] = *i->p;
	}
	text[n] = 0;
	str_clean(text);
	return i->p++ < i->end ? 0 : -1;
}

/* Reads KEY = NUMBER into the place of that key; seen has a bit for each. */
static int pair(struct in *i, uint64_t *v, const char *const *keys, unsigned n_keys, unsigned *seen)
{
	size_t n = word(i);

	for (unsigned k = 0; n && k < n_keys && keys[k]; k++) {
		if (!is_word(i, n, keys[k]))
			continue;
		i->p += n;
		if (*seen & 1u << k || !take(i, '=') || number(i, &v[k], UINT64_MAX))
			return -1;
		*seen |= 1u << k;
		return 0;
	}
	return -1;
}

static int row(struct in *i, struct driver_row *out, const struct driver_call *call)
{
	unsigned seen = 0;

	for (unsigned k = 0; k < DRIVER_ROW; k++)
		out->v[k] = DRIVER_NO_VALUE;
	while (!take(i, '}'))
		if (pair(i, out->v, call->row, DRIVER_ROW, &seen))
			return -1;
	return 0;
}

/* What follows the code; what it is when the code is not 0 does not matter, but it must be well formed all the same. */
static const char *values(struct in *i, struct driver_answer *out, const struct driver_call *call, char *text, struct driver_row *rows)
{
	unsigned seen = 0, texts = 0, keys = 0;

	for (blanks(i); i->p < i->end && *i->p != '#'; blanks(i)) {
		if (*i->p == '"') {
			if (!call->text || texts++ || quoted(i, text))
				return "the text";
		} else if (*i->p == '{') {
			i->p++;
			if (!call->row[0] || out->n_rows == DRIVER_ROWS || row(i, &rows[out->n_rows], call))
				return "a row";
			out->n_rows++;
		} else if (pair(i, out->v, call->key, DRIVER_KEYS, &seen)) {
			return "a value";
		}
	}
	while (keys < DRIVER_KEYS && call->key[keys])
		keys++;
	if (out->code == 0 && (seen != (1u << keys) - 1 || (call->text && !texts)))
		return "a value is missing";
	return NULL;
}

int driver_parse(struct driver_question *q, struct driver_answer *out, const struct driver_call *calls, unsigned n_calls, const char *line, size_t n,
	char text[DRIVER_TEXT], struct driver_row rows[DRIVER_ROWS], const char **why)
{
	struct in i = { line, line + n };
	uint64_t code;
	size_t w = word(&i);

	*q = (struct driver_question){ 0 };
	*out = (struct driver_answer){ .text = text, .row = rows };
	text[0] = 0;
	if (i.p == i.end || *i.p == '#')
		return 0;
	*why = "no such call";
	while (q->call < n_calls && !is_word(&i, w, calls[q->call].name))
		q->call++;
	if (!w || q->call == n_calls)
		return -1;
	i.p += w;
	*why = "the arguments";
	if (args(&i, q, &calls[q->call]))
		return -1;
	*why = "the code";
	if (number(&i, &code, INT32_MAX))
		return -1;
	out->code = (int)code;
	*why = values(&i, out, &calls[q->call], text, rows);
	if (!*why && out->code)
		*out = (struct driver_answer){ .code = out->code, .text = "", .row = rows };
	return *why ? -1 : 1;
}
