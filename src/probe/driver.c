/* driver.c - asking a driver, a recording of one, or one through a recorder */
#include "probe/driver.h"

#include <stdio.h>
#include <string.h>

int driver_ask(struct driver *d, struct driver_answer *out, unsigned call, int device, int slice, uint32_t arg)
{
	struct driver_question q = { (uint16_t)call, device, slice, arg };

	*out = (struct driver_answer){ .text = "" };
	d->ask(d, out, &q);
	if (out->code)
		*out = (struct driver_answer){ .code = out->code, .text = "" };
	return out->code;
}

uint64_t driver_u64(struct driver *d, unsigned call, int device, int slice, uint32_t arg)
{
	struct driver_answer a;

	return driver_ask(d, &a, call, device, slice, arg) ? 0 : a.v[0];
}

void driver_close(struct driver *d)
{
	if (d->close)
		d->close(d);
	*d = (struct driver){ 0 };
}

/* --- a recording ------------------------------------------------------------------------------------------------------ */

struct line { struct driver_question q; struct driver_answer a; };
struct replay { struct line *line; size_t n, next; };

static int same(const struct driver_question *a, const struct driver_question *b)
{
	return a->call == b->call && a->device == b->device && a->slice == b->slice && a->arg == b->arg;
}

/* Questions come in the order they were recorded in, so the line behind the last hit is looked at first. */
static void replay_ask(struct driver *d, struct driver_answer *out, const struct driver_question *q)
{
	struct replay *r = d->self;

	if (r->next < r->n && same(&r->line[r->next].q, q)) {
		*out = r->line[r->next++].a;
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		if (same(&r->line[i].q, q)) {
			*out = r->line[i].a;
			r->next = i + 1;
			return;
		}
	out->code = d->missing;
}

static int keep(struct replay *r, struct arena *a, const struct driver_question *q, const struct driver_answer *ans)
{
	struct line *l = &r->line[r->n];
	struct driver_row *rows = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (same(&r->line[i].q, q))
			return OK;
	*l = (struct line){ *q, *ans };
	if (ans->n_rows && !(rows = arena_array(a, ans->n_rows, sizeof *rows)))
		return E_NOMEM;
	if (rows)
		memcpy(rows, ans->row, ans->n_rows * sizeof *rows);
	l->a.row = rows;
	if (!(l->a.text = arena_strdup(a, ans->text)))
		return E_NOMEM;
	r->n++;
	return OK;
}

int driver_replay(struct driver *out, struct arena *a, const struct driver *like, const char *file, const char *text, struct error *err)
{
	struct replay *r = arena_alloc(a, sizeof *r);
	size_t lines = 1;
	unsigned at = 0;
	int rc = OK;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	lines = lines < DRIVER_LINES ? lines : DRIVER_LINES;
	if (!r || !(r->line = arena_array(a, lines, sizeof *r->line)))
		return error_set(err, E_NOMEM, "out of memory");
	*out = (struct driver){ .ask = replay_ask, .self = r, .calls = like->calls, .n_calls = like->n_calls, .missing = like->missing, .say = like->say };
	for (const char *p = text, *end; *p && at < lines; p = *end ? end + 1 : end) {
		struct driver_row rows[DRIVER_ROWS];
		struct driver_question q;
		struct driver_answer ans;
		char words[DRIVER_TEXT];
		const char *why = "";

		at++;
		end = p + strcspn(p, "\n");
		switch (driver_parse(&q, &ans, out->calls, out->n_calls, p, (size_t)(end - p), words, rows, &why)) {
		case 1:
			if (keep(r, a, &q, &ans))
				return error_set(err, E_NOMEM, "out of memory");
			break;
		case -1:
			if (rc == OK)
				rc = error_at(err, E_FILE, file, at, "%s: not understood: %.*s", why, (int)(end - p < 80 ? end - p : 80), p);
		}
	}
	return rc;
}

/* --- a recorder ------------------------------------------------------------------------------------------------------- */

struct recorder { struct driver *inner; const struct probe_input *in; const char *file; };

static void record_ask(struct driver *d, struct driver_answer *out, const struct driver_question *q)
{
	enum { LINE = 4096 };                /* 64 rows of two numbers and their names are below it */
	struct recorder *r = d->self;
	char line[LINE];

	r->inner->ask(r->inner, out, q);
	if (out->code == d->missing)
		return;
	if (driver_line(line, sizeof line, &d->calls[q->call], q, out, out->code ? d->say(out->code) : NULL) < LINE)
		probe_keep(r->in, r->file, line);
}

static void record_close(struct driver *d)
{
	struct recorder *r = d->self;

	driver_close(r->inner);
}

void driver_record(struct driver *out, struct driver *inner, const struct probe_input *in, const char *file)
{
	struct recorder *r = arena_alloc(in->a, sizeof *r);

	if (!r) {                            /* nothing is kept, but the machine is read */
		*out = *inner;
		return;
	}
	*r = (struct recorder){ inner, in, file };
	*out = (struct driver){ record_ask, record_close, r, inner->calls, inner->n_calls, inner->missing, inner->say };
}
