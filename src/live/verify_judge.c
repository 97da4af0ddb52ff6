/* verify_judge.c - predictions and measurements become errors and verdicts; nothing is measured here */
#include "live/verify.h"

#include "base/units.h"
#include "calc/runs.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const verify_kind_names[] = { "weights_bytes", "kv_cache_bytes", "state_bytes", "compute_bytes", "total_bytes", "load_s", "prefill_tokens_per_s",
	"decode_tokens_per_s", NULL };

/* Of a kind of memory: what may be off in relation, and in bytes (ranges are rounded to pages; a process has stacks and a heap). 0: only reported. */
static const struct { double share, bytes; } allowed[VERIFY_KINDS] = {
	[VERIFY_WEIGHTS] = { 0.02, 64 << 10 }, [VERIFY_KV] = { 0.02, 64 << 10 }, [VERIFY_STATE] = { 0.02, 64 << 10 }, [VERIFY_TOTAL] = { 0.05, 4 << 20 },
};
/* What a speed may differ by from what the same run was seen to reach, however even the runs were. */
#define SPEED_TOLERANCE 0.1
/* Memory that reads so much faster or slower than before is another machine; the runs of a quiet one differ by less. */
#define READ_CHANGED 0.15
/* Memory that was resident before, and more now: a regression. */
#define MEMORY_REGRESSION 0.02

void verify_allow(struct figure *f, enum verify_kind kind)
{
	const double off = fmax(f->value * allowed[kind].share, allowed[kind].bytes);

	f->low = fmax(0, f->value - off);
	f->high = f->value + off;
}

static int is_speed(const struct verify_term *t) { return t->kind == VERIFY_PREFILL || t->kind == VERIFY_DECODE; }

double verify_spread(const struct verify_term *t) { return t->is_measured && t->measured > 0 ? (t->max - t->min) / 2 / t->measured : 0; }

double verify_scaled(const struct verify_term *t)
{
	return !t->from_cache && t->whole > 0 && t->is_measured && t->measured > 0 && t->predicted.basis != BASIS_UNKNOWN && t->predicted.value > 0 ? t->whole * t->measured / t->predicted.value : 0;
}

void verify_judge(struct verify_term *t)
{
	const struct figure *p = &t->predicted;

	t->pass = VERIFY_OPEN;
	t->error = t->tolerance = 0;
	if (!t->is_measured || p->basis == BASIS_UNKNOWN)
		return;
	t->error = t->measured > 0 ? p->value / t->measured - 1 : p->value > 0 ? INFINITY : 0;
	if (is_speed(t)) {
		if (t->speed.distance >= 0 && t->speed.distance <= RUNS_SAME)
			t->tolerance = fmax(SPEED_TOLERANCE, 2 * verify_spread(t));
		/* !(a <= b): what is not a number does not pass */
		/* of a machine that changed: any between what is predicted of it as it was before and as it was after */
		const double less = t->drift > 0 ? fmin(1, t->drift) : 1, more = t->drift > 0 ? fmax(1, t->drift) : 1;
		if (t->tolerance > 0)
			t->pass = p->value * less <= t->measured * (1 + t->tolerance) && p->value * more >= t->measured * (1 - t->tolerance) ? VERIFY_YES : VERIFY_NO;
		else
			t->pass = p->low * less <= t->measured && t->measured <= p->high * more ? VERIFY_YES : VERIFY_NO;
	} else if (allowed[t->kind].share > 0) {         /* the time to load is reported: what else the system does is most of it */
		t->tolerance = allowed[t->kind].share;
		t->pass = fabs(t->error) <= t->tolerance || fabs(p->value - t->measured) <= allowed[t->kind].bytes ? VERIFY_YES : VERIFY_NO;
	}
}

void verify_drift(struct verify *v, double before, double after)
{
	char was[32], is[32];

	v->read_bps[0] = before;
	v->read_bps[1] = after;
	if (!verify_drifted(v))
		return;
	for (unsigned i = 0; i < v->n_terms; i++)
		if (is_speed(&v->term[i])) {
			v->term[i].drift = after / before;
			verify_judge(&v->term[i]);
		}
	verify_note(v, "memory read at %s GB/s before the runs and at %s GB/s after them: other programs, or other guests of this host, use it as well. Speeds are held against both, and not kept",
		format_3(was, sizeof was, before / 1e9), format_3(is, sizeof is, after / 1e9));
}

int verify_drifted(const struct verify *v) { return v->read_bps[0] > 0 && v->read_bps[1] > 0 && fabs(v->read_bps[1] / v->read_bps[0] - 1) > READ_CHANGED; }

void verify_compare(struct verify_term *t, double before, double spread_before)
{
	t->before = before;
	t->has_before = 1;
	t->worse = 0;
	if (!t->is_measured) {
		t->worse = 1;            /* it was known before */
	} else if (is_speed(t)) {
		double may = fmax(SPEED_TOLERANCE, 2 * fmax(verify_spread(t), spread_before));
		t->worse = !(t->measured >= before * (1 - may));
	} else if (t->kind != VERIFY_LOAD) {
		double slack = t->kind == VERIFY_TOTAL ? allowed[VERIFY_TOTAL].bytes : allowed[VERIFY_WEIGHTS].bytes;
		t->worse = !(t->measured <= before * (1 + MEMORY_REGRESSION) || t->measured - before <= slack);
	}
}

const char *verify_test(char *buf, size_t n, const struct verify_term *t)
{
	char depth[32] = "", many[24] = "";

	if (!is_speed(t)) {
		*buf = '\0';
		return buf;
	}
	if (t->depth)
		snprintf(depth, sizeof depth, " @ d%llu", (unsigned long long)t->depth);
	if (t->sequences > 1)
		snprintf(many, sizeof many, " x %u", t->sequences);
	snprintf(buf, n, "%s%u%s%s", t->kind == VERIFY_PREFILL ? "pp" : "tg", t->tokens, many, depth);
	return buf;
}

static void say(char *why, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(char *why, size_t n, const char *fmt, ...)
{
	size_t k = strlen(why);
	va_list ap;

	if (k + 3 >= n)
		return;
	if (k)
		k += (size_t)snprintf(why + k, n - k, "; ");
	va_start(ap, fmt);
	vsnprintf(why + k, n - k, fmt, ap);
	va_end(ap);
}

int verify_passes(const struct verify *v, char *why, size_t n)
{
	int yes = 1, judged = 0;
	char test[64];

	*why = '\0';
	for (unsigned i = 0; i < v->n_terms; i++) {
		const struct verify_term *t = &v->term[i];
		const char *name = verify_kind_names[t->kind], *of = verify_test(test, sizeof test, t);
		judged += t->pass != VERIFY_OPEN;
		if (t->pass == VERIFY_NO) {
			say(why, n, "%s%s%s is off by %+.1f %%", name, *of ? " " : "", of, 100 * t->error);
			yes = 0;
		}
		/* what should have been measured and was not is no pass */
		if (!t->is_measured && t->kind != VERIFY_LOAD) {
			say(why, n, "%s%s%s could not be measured", name, *of ? " " : "", of);
			yes = 0;
		}
		if (t->has_before && t->worse) {
			say(why, n, "%s%s%s is worse than before", name, *of ? " " : "", of);
			yes = 0;
		}
	}
	if (!judged && yes) {
		say(why, n, "nothing was predicted");
		yes = 0;
	}
	return yes;
}

void verify_note(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	if (v->n_notes == VERIFY_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(v->note[v->n_notes++], sizeof v->note[0], fmt, ap);
	va_end(ap);
}
