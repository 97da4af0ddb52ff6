/* verify.c - predictions held against an engine that does as it should, and against ones that do not: more memory than said, weights
 * read twice, a sleep in every token. The engine is a fake with a clock of its own, its memory is real. */
#ifdef __linux__
#define _GNU_SOURCE 1
#endif
#include "live/verify.h"

#include "calc/runs.h"
#include "live/calibration_runs.h"

#include "../tap.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB_ = 1 << 20, WEIGHT_BYTES = 40 * MIB_, KV_BYTES = 16 * MIB_, COMPUTE_BYTES = 8 * MIB_, HEADER_BYTES = 8 * MIB_, FILE_BYTES = HEADER_BYTES + WEIGHT_BYTES };
#define STEP_S 0.01              /* of a decode step, whatever the batch */
#define TOKEN_S 0.001            /* of a token of a prompt */

struct weights_of_fake { struct weights w; struct weights_map map; struct weight first; void *beside; size_t beside_bytes; };
struct engine { char *kv, *compute, *wrong; size_t wrong_bytes; struct weights *w; uint32_t slots; int32_t at[64]; unsigned steps; };

static struct {                  /* what is wrong with the engine */
	double beside, kv, times, sleep;
	int fail_at, stop_at, hide, hollow;
} fault;
static double clock_s;
static volatile sig_atomic_t stop;
static unsigned steps;
static unsigned opened, closed, outputs_of_prompts;
static struct arena arena;
static struct error e;
static float logits[64];

static char *mapped(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	memset(p, 1, bytes);
	return p;
}
/* Weights as they are mapped: no page of them is there before somebody looks at it. */
static char *of_a_file(void)
{
	FILE *f = tmpfile();
	char *p = f && !ftruncate(fileno(f), FILE_BYTES) ? mmap(NULL, FILE_BYTES, PROT_READ, MAP_PRIVATE, fileno(f), 0) : MAP_FAILED;

	if (p == MAP_FAILED)
		exit(1);
	fclose(f);
	return p;
}
/* Only half of the weights was ever written. Pages around it keep the mapping apart from others. */
static char *half_there(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, FILE_BYTES + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + page, FILE_BYTES, PROT_READ | PROT_WRITE))
		exit(1);
	memset(p + page, 1, WEIGHT_BYTES / 2);
	return p + page;
}
static int fake_load(struct weights **out, const char *path, const struct quants *q, struct error *err)
{
	struct weights_of_fake *f = calloc(1, sizeof *f);

	(void)path; (void)q; (void)err;
	f->map = (struct weights_map){ fault.hollow ? half_there() : of_a_file(), FILE_BYTES };
	f->first.data = (const char *)f->map.at + (fault.hollow ? 0 : HEADER_BYTES);
	f->w.t = &f->first;
	f->w.n = 1;
	f->w.map = &f->map;
	f->w.n_maps = 1;
	f->beside_bytes = (size_t)(fault.beside * (WEIGHT_BYTES + KV_BYTES + COMPUTE_BYTES));
	if (f->beside_bytes)
		f->beside = mapped(f->beside_bytes);
	clock_s += 0.5;
	*out = &f->w;
	return OK;
}
static void fake_unload(struct weights *w)
{
	struct weights_of_fake *f = (struct weights_of_fake *)(void *)w;

	if (!f)
		return;
	munmap((void *)(uintptr_t)f->map.at, FILE_BYTES);
	if (f->beside_bytes)
		munmap(f->beside, f->beside_bytes);
	free(f);
}
static int fake_open(struct engine **out, struct weights *w, const struct engine_options *o, struct error *err)
{
	struct engine *x = calloc(1, sizeof *x);

	(void)err;
	x->w = w;
	x->slots = o->slots;
	x->kv = mapped((size_t)(KV_BYTES * (1 + fault.kv)));
	x->compute = mapped(COMPUTE_BYTES);
	opened++;
	*out = x;
	return OK;
}
static void fake_close(struct engine *x)
{
	if (!x)
		return;
	munmap(x->kv, (size_t)(KV_BYTES * (1 + fault.kv)));
	munmap(x->compute, COMPUTE_BYTES);
	free(x);
	closed++;
}
static int fake_run(struct engine *x, const struct step *s, struct error *err)
{
	int decode = s->n_tokens == s->n_outputs;

	for (uint32_t i = 0; i < s->n_tokens; i++) {
		int32_t slot = s->slot[i];
		if (slot < 0 || (uint32_t)slot >= x->slots || s->position[i] != x->at[slot] || s->token[i] < 0 || s->token[i] >= 64)
			return error_set(err, E_USAGE, "position %d of slot %d, which is at %d", s->position[i], slot, x->at[slot]);
		x->at[slot]++;
	}
	if (!decode)
		outputs_of_prompts += s->n_outputs;
	if (++steps == (unsigned)fault.stop_at)
		stop = 1;
	if (fault.fail_at && ++x->steps == (unsigned)fault.fail_at)
		return error_set(err, E_NOMEM, "the fake fails here");
	clock_s += (decode ? STEP_S : TOKEN_S * s->n_tokens) * (fault.times > 0 ? fault.times : 1) + (decode ? fault.sleep * STEP_S : fault.sleep * TOKEN_S * s->n_tokens);
	return OK;
}
static float *fake_logits(const struct engine *x, uint32_t i) { (void)x; (void)i; return logits; }
static void fake_clear(struct engine *x, uint32_t slot) { x->at[slot] = 0; }
static double fake_now(void) { return clock_s; }
static void fake_info(struct engine_info *out, const struct engine *x)
{
	*out = (struct engine_info){ .backend = "cpu", .isa = "fake", .threads = 2, .slots = x->slots, .ubatch = 16, .vocab = 64, .ctx_tokens = 4096, .n_regions = 3 };
	out->region[0] = (struct engine_region){ "weights", x->w->map[0].at, FILE_BYTES };
	out->region[1] = (struct engine_region){ "kv_cache", x->kv, (size_t)(KV_BYTES * (1 + fault.kv)) };
	out->region[2] = (struct engine_region){ "compute", x->compute, COMPUTE_BYTES };
	if (fault.hide)
		out->n_regions = 0;
}
static const struct engine_calls fake = { .load = fake_load, .unload = fake_unload, .open = fake_open, .close = fake_close, .run = fake_run, .logits = fake_logits,
	.clear = fake_clear, .info = fake_info, .now = fake_now };

static void term(struct verify *v, enum verify_kind kind, double value, double distance)
{
	struct verify_term *t = &v->term[v->n_terms++];

	*t = (struct verify_term){ .kind = (uint8_t)kind, .sequences = 1, .predicted = { value, value * 0.6, value * 1.5, BASIS_CALIBRATED } };
	t->speed = (struct speed_of){ .rate = t->predicted, .plain = t->predicted, .bytes = 4e7, .format = 0, .distance = distance };
}
/* What verify_predict() makes of a model whose figures are those of the fake. */
static struct verify prediction(double distance)
{
	struct verify v = { .plan = { .calls = &fake, .prompt = 40, .generate = 10, .repeats = 3, .seed = 7 }, .ctx_tokens = 512, .ctx_many = 20, .most = 4, .before_bytes = -1 };

	v.one.settings.ubatch = 16;
	term(&v, VERIFY_WEIGHTS, WEIGHT_BYTES, -1);
	term(&v, VERIFY_KV, KV_BYTES, -1);
	term(&v, VERIFY_STATE, 0, -1);
	term(&v, VERIFY_COMPUTE, COMPUTE_BYTES, -1);
	term(&v, VERIFY_TOTAL, WEIGHT_BYTES + KV_BYTES + COMPUTE_BYTES, -1);
	term(&v, VERIFY_LOAD, 0, -1);
	v.term[5].predicted.basis = BASIS_UNKNOWN;
	term(&v, VERIFY_PREFILL, 1 / TOKEN_S, distance);
	v.term[6].tokens = 40;
	term(&v, VERIFY_DECODE, 1 / STEP_S, distance);
	term(&v, VERIFY_DECODE, 1 / STEP_S, distance);
	v.term[8].depth = 100;
	term(&v, VERIFY_DECODE, 4 / STEP_S, distance);
	v.term[9].sequences = 4;
	v.term[7].tokens = v.term[8].tokens = v.term[9].tokens = 10;
	return v;
}
static const struct verify_source source = { .path = "fake.gguf" };
static char why[1024];

static struct verify run(double distance)
{
	struct verify v = prediction(distance);
	int rc = verify_run(&v, &source, NULL, &arena, NULL, NULL, &e);

	if (rc != OK)
		printf("# %s\n", e.text);
	return v;
}

static void healthy(void)
{
	struct verify v = run(0);

	ok(verify_passes(&v, why, sizeof why), "an engine that does as predicted passes%s%s", *why ? ": " : "", why);
	ok(opened == 2 && closed == 2, "one engine for one sequence, one for four, both closed");
	ok(outputs_of_prompts == 4, "of a prompt only the last token gets logits, and none when it only fills");
	ok(fabs(v.term[6].measured * TOKEN_S - 1) < 1e-6 && v.term[6].n_samples == 3, "prefill is timed, without the warm-up");
	ok(fabs(v.term[8].measured * STEP_S - 1) < 1e-6, "decode at a depth is timed without the filling");
	ok(fabs(v.term[9].measured * STEP_S / 4 - 1) < 1e-6, "tokens of all sequences count");
	ok(v.term[5].is_measured && v.term[5].pass == VERIFY_OPEN && fabs(v.term[5].measured - 0.5) < 1e-6, "load time is measured; without a prediction there is nothing to pass");
	ok(v.term[3].pass == VERIFY_OPEN && v.term[3].is_measured, "compute buffers are only reported");
	ok(v.term[2].pass == VERIFY_YES && v.term[2].measured < 1, "a state of nothing that measures nothing passes");
	ok(fabs(v.term[0].measured - WEIGHT_BYTES) < 1 && v.header_bytes == HEADER_BYTES, "weights are resident as a whole, and what stands before them in the file counts neither there nor in the total");
}

static int red(const char *what, unsigned index, double distance)
{
	struct verify v = run(distance);

	memset(&fault, 0, sizeof fault);
	ok(!verify_passes(&v, why, sizeof why) && v.term[index].pass == VERIFY_NO, "%s turns it red: %s", what, why);
	return 0;
}

static void faults(void)
{
	fault.kv = 0.1;
	red("a cache 10 % too large", 1, 0);
	fault.beside = 0.1;
	red("10 % more memory than needed, in no named range,", 4, 0);
	fault.times = 2;
	red("reading the weights twice, on a machine that was never calibrated,", 7, -1);
	fault.times = 2;
	red("reading the weights twice", 7, 0);
	fault.sleep = 0.2;
	red("a sleep of 20 % of each token", 7, 0);
	fault.times = 0.7;
	red("being much faster than predicted", 7, 0);
	fault.hide = 1;
	struct verify v = run(0);
	ok(v.term[0].pass == VERIFY_NO, "weights in no named range are none");
	memset(&fault, 0, sizeof fault);
	fault.hollow = 1;
	v = run(0);
	ok(v.term[0].pass == VERIFY_NO && fabs(v.term[0].measured - WEIGHT_BYTES / 2) < 1, "what was asked for and holds nothing is not resident, whatever the engine says of it: %g", v.term[0].measured);
	memset(&fault, 0, sizeof fault);
	fault.fail_at = 20;
	v = prediction(0);
	unsigned before = opened - closed;
	ok(verify_run(&v, &source, NULL, &arena, NULL, NULL, &e) == E_NOMEM && opened - closed == before, "a step that fails is an error, and the engine is closed");
	memset(&fault, 0, sizeof fault);
	/* step 1 is the first of three of a prompt's warm-up, 12 the last of its runs, 30 is of an answer, 52 of filling a depth */
	static const unsigned at[] = { 1, 2, 12, 30, 52 };
	for (unsigned i = 0; i < sizeof at / sizeof *at; i++) {
		fault.stop_at = (int)at[i];
		stop = 0;
		steps = 0;
		before = opened - closed;
		v = prediction(0);
		v.plan.stop = &stop;
		ok(verify_run(&v, &source, NULL, &arena, NULL, NULL, &e) == OK && v.interrupted && steps == at[i] && opened - closed == before, "stopped in step %u: there is none after it", at[i]);
	}
	memset(&fault, 0, sizeof fault);
	stop = 1;
	v = prediction(0);
	v.plan.stop = &stop;
	ok(verify_run(&v, &source, NULL, &arena, NULL, NULL, &e) == OK && v.interrupted && !v.term[7].is_measured, "stopped: nothing is claimed to be measured");
}

static struct verify_term speed(double predicted, double measured, double around, double distance)
{
	struct verify_term t = { .kind = VERIFY_DECODE, .sequences = 1, .tokens = 128, .predicted = { predicted, predicted * 0.7, predicted * 1.3, BASIS_CALIBRATED }, .measured = measured,
		.min = measured * (1 - around), .max = measured * (1 + around), .is_measured = 1, .speed.distance = distance };

	verify_judge(&t);
	return t;
}

static void judgement(void)
{
	struct verify_term t = speed(100, 80, 0.01, -1);
	ok(t.pass == VERIFY_YES && fabs(t.error - 0.25) < 1e-9, "error: predicted / measured - 1, signed; within the interval passes");
	ok(speed(100, 65, 0.01, -1).pass == VERIFY_NO && speed(100, 131, 0.01, -1).pass == VERIFY_NO, "outside the interval it does not");
	ok(speed(100, 88, 0.01, 0).pass == VERIFY_NO && speed(100, 92, 0.01, 0).pass == VERIFY_YES, "after a calibration 10 %% are allowed");
	ok(speed(100, 88, 0.08, 0).pass == VERIFY_YES && speed(100, 80, 0.08, 0).pass == VERIFY_NO, "or twice the spread of the runs");
	ok(speed(100, NAN, 0, 0).pass == VERIFY_NO && speed(100, 0, 0, 0).pass == VERIFY_NO, "what is no speed passes nothing");
	t.whole = 20;
	ok(fabs(verify_scaled(&t) - 16) < 1e-9, "a slice at 80 where 100 were predicted: of the whole 16 where 20 are");
	t.from_cache = 1;
	ok(!(verify_scaled(&t) > 0), "read from caches, it says nothing of the whole");
	/* memory that read 1.6 times as fast afterwards: 100 or 160 were predicted */
	struct verify changed = { .n_terms = 2, .term = { speed(100, 140, 0.01, 0), speed(100, 180, 0.01, 0) } };
	verify_drift(&changed, 5e10, 5.5e10);
	ok(!verify_drifted(&changed) && changed.term[0].pass == VERIFY_NO && !changed.n_notes && changed.read_bps[1] > 5.4e10, "memory that is a tenth faster is the same");
	verify_drift(&changed, 5e10, 8e10);
	ok(verify_drifted(&changed) && changed.term[0].pass == VERIFY_YES && changed.term[1].pass == VERIFY_NO && changed.n_notes == 1 && strstr(changed.note[0], "50.0 GB/s") &&
		fabs(changed.term[0].error - (100.0 / 140 - 1)) < 1e-9, "what lies between the predictions before and after passes, what lies beyond does not: %s", changed.note[0]);
	verify_drift(&changed, 8e10, 5e10);
	changed.term[0].measured = 66;
	verify_judge(&changed.term[0]);
	ok(changed.term[0].pass == VERIFY_YES, "slower as well");
	struct verify v = prediction(0);
	for (unsigned i = 0; i < v.n_terms; i++) {
		v.term[i].measured = v.term[i].min = v.term[i].max = v.term[i].predicted.value;
		v.term[i].is_measured = 1;
		verify_judge(&v.term[i]);
	}
	ok(verify_passes(&v, why, sizeof why), "all as predicted");
	v.term[0].is_measured = 0;
	verify_judge(&v.term[0]);
	ok(!verify_passes(&v, why, sizeof why) && strstr(why, "weights_bytes could not be measured") && v.term[0].pass == VERIFY_OPEN, "what was not measured is no pass: %s", why);
	t = (struct verify_term){ .kind = VERIFY_WEIGHTS, .predicted = { 1e9, 1e9, 1e9, BASIS_PUBLISHED }, .measured = 1.019e9, .is_measured = 1 };
	verify_judge(&t);
	ok(t.pass == VERIFY_YES, "weights: 2 %%");
	t.measured = 1.03e9;
	verify_judge(&t);
	ok(t.pass == VERIFY_NO, "and not 3 %%");
}

static void baseline(void)
{
	static const char doc[] = "{\"schema_version\":1,\"source\":\"/elsewhere/fake.gguf\",\"terms\":[{\"name\":\"decode_tokens_per_s\",\"test\":\"tg10\",\"measured\":120,\"spread\":0.01},"
		"{\"name\":\"decode_tokens_per_s\",\"test\":\"tg10 @ d100\",\"measured\":105,\"spread\":0.01},{\"name\":\"weights_bytes\",\"test\":null,\"measured\":40000000},"
		"{\"name\":\"load_s\",\"test\":null,\"measured\":0.001},{\"name\":\"state_bytes\",\"test\":null,\"measured\":null},{\"name\":\"later\",\"test\":null,\"measured\":1}]}";
	struct verify v = run(0);

	ok(verify_baseline(&v, "b.json", doc, sizeof doc - 1, "x/fake.gguf", &e) == OK, "an earlier result is read");
	const unsigned notes = v.n_notes;
	ok(verify_baseline(&v, "b.json", doc, sizeof doc - 1, "other.gguf", &e) == OK && notes + 1 == v.n_notes && strstr(v.note[notes], "/elsewhere/fake.gguf, this is other.gguf"),
		"of another model: a note; of the same file at another place: none");
	ok(v.term[7].worse && v.term[7].has_before, "slower by more than 10 %% is worse");
	ok(!v.term[8].worse && v.term[8].has_before, "within 10 %% is not");
	ok(v.term[0].worse, "memory: 2 %%");
	ok(!v.term[5].worse && !v.term[2].has_before && !v.term[9].has_before, "load time, what was not measured then and what it does not name say nothing");
	ok(!verify_passes(&v, why, sizeof why) && strstr(why, "worse than before"), "and it fails: %s", why);
	ok(verify_baseline(&v, "b.json", "{}", 2, "", &e) == E_FILE && verify_baseline(&v, "b.json", "{\"terms\":[1]}", 13, "", &e) == E_FILE &&
	   verify_baseline(&v, "b.json", "{\"terms\":[]}", 12, "", &e) == E_FILE && verify_baseline(&v, "b.json", "nonsense", 8, "", &e) == E_FILE, "what is no result is refused");
}

/* What is kept for later predictions: speeds of the whole model by the usual engine alone. */
static void rows(void)
{
	struct quants q;
	struct measured m;
	struct verify whole = run(0), v;

	if (!ok(quants_load(&q, &arena, "data/quants.yaml", &e) == OK, "data/quants.yaml"))
		return;
	struct verify moved = whole;
	moved.read_bps[0] = 4e10;
	moved.read_bps[1] = 8e10;
	verify_rows(&m, &moved, &q, "fake");
	ok(m.n_rows == 0, "of a machine that changed meanwhile nothing is kept");
	verify_rows(&m, &whole, &q, "fake");
	ok(m.n_rows == 4 && m.row[0].kind == MEASURED_PREFILL && m.row[1].kind == MEASURED_DECODE && fabs(m.row[1].value * STEP_S - 1) < 1e-6, "speeds are kept");
	v = whole;
	v.layers_of = 30;
	verify_rows(&m, &v, &q, "fake");
	ok(!m.n_rows, "not of a slice");
	v = whole;
	v.interrupted = 1;
	verify_rows(&m, &v, &q, "fake");
	ok(!m.n_rows, "nor of what was stopped");
	v = whole;
	v.plan.engine.no_repack = 1;
	verify_rows(&m, &v, &q, "fake");
	ok(!m.n_rows, "nor without repacking");
	v = whole;
	v.plan.engine.isa = "scalar";
	verify_rows(&m, &v, &q, "fake");
	ok(!m.n_rows, "nor of other kernels");
	v = whole;
	v.info.backend = "ref";
	verify_rows(&m, &v, &q, "fake");
	ok(!m.n_rows, "nor of the reference");
}

int main(void)
{
	healthy();
	faults();
	judgement();
	baseline();
	rows();
	arena_free(&arena);
	return done_testing();
}
