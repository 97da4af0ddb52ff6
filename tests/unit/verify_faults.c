/* verify_faults.c - the real engine, spoilt: it takes 10 % more memory, computes each step twice, sleeps 20 % of it; verify must notice
 *
 * Held against what the same engine measures when it is left alone. The clock is the process's own processor time plus what was slept, so that
 * other work on the machine does not count. */
#ifdef __linux__
#define _GNU_SOURCE 1
#endif
#include "live/verify.h"

#include "catalog/catalog.h"
#include "live/witness.h"

#include "../tap.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct { int twice, beside; double sleep; } fault;
static double slept;
static struct engine *second;
static void *beside; static size_t beside_bytes;
static struct arena arena;
static struct error e;

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9 + slept;
}
static int bad_open(struct engine **out, struct weights *w, const struct engine_options *o, struct error *err)
{
	int rc = engine_calls.open(out, w, o, err);

	if (rc == OK && fault.twice)
		rc = engine_calls.open(&second, w, o, err);
	if (rc == OK && fault.beside) {
		beside_bytes = (size_t)(w->bytes / 10);
		beside = mmap(NULL, beside_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(beside, 1, beside_bytes);
	}
	return rc;
}
static void bad_close(struct engine *x)
{
	engine_calls.close(x);
	engine_calls.close(second);
	second = NULL;
	if (beside)
		munmap(beside, beside_bytes);
	beside = NULL;
}
static int bad_run(struct engine *x, const struct step *s, struct error *err)
{
	double start = cpu_now();
	int rc = engine_calls.run(x, s, err);

	if (rc == OK && second)
		rc = engine_calls.run(second, s, err);
	slept += fault.sleep * (cpu_now() - start);
	return rc;
}
static void bad_clear(struct engine *x, uint32_t slot)
{
	engine_calls.clear(x, slot);
	if (second)
		engine_calls.clear(second, slot);
}

static struct verify_term *add(struct verify *v, enum verify_kind kind, double value, uint32_t tokens)
{
	struct verify_term *t = &v->term[v->n_terms++];

	*t = (struct verify_term){ .kind = (uint8_t)kind, .sequences = 1, .tokens = tokens, .predicted = { value, value, value, value > 0 ? BASIS_CALIBRATED : BASIS_UNKNOWN } };
	t->speed.distance = 0;
	return t;
}
/* before: what is expected; NULL: nothing is. */
static int go(struct verify *v, const struct engine_calls *calls, const struct verify_source *from, const struct quants *q, const struct verify *before)
{
	static const struct { enum verify_kind kind; uint32_t tokens; } terms[] = { { VERIFY_WEIGHTS, 0 }, { VERIFY_KV, 0 }, { VERIFY_TOTAL, 0 }, { VERIFY_PREFILL, 8 }, { VERIFY_DECODE, 32 } };

	*v = (struct verify){ .plan = { .calls = calls, .prompt = 8, .generate = 32, .repeats = 5, .seed = 3, .engine.threads = 1 }, .ctx_tokens = 64, .before_bytes = -1 };
	v->one.settings.ubatch = 16;
	for (unsigned i = 0; i < sizeof terms / sizeof *terms; i++)
		add(v, terms[i].kind, before ? before->term[i].measured : 0, terms[i].tokens);
	return verify_run(v, from, q, &arena, NULL, NULL, &e);
}

int main(void)
{
	static const char file[] = "models/smollm2-135m-q4_1.gguf";
	struct engine_calls bad = engine_calls, well = engine_calls;
	struct verify_source from = { .path = access(file, R_OK) ? NULL : file };
	struct verify healthy, again, v;
	struct catalog *c = NULL;
	const struct model_entry *entry;
	char why[512];

	bad.open = bad_open;
	bad.close = bad_close;
	bad.run = bad_run;
	bad.clear = bad_clear;
	bad.now = well.now = cpu_now;
	if (catalog_open(&c, "build/ullage", &e) != OK) {
		ok(0, "%s", e.text);
		return done_testing();
	}
	if (!from.path) {
		if (catalog_model(&entry, c, "smollm2-135m-instruct", &e) != OK || recipe_find(&from.recipe, catalog_quants(c), "q4_0", NULL, &e) != OK) {
			ok(0, "%s", e.text);
			return done_testing();
		}
		from.model = entry->spec;
		from.dummy = (struct dummy_options){ .seed = 1, .layers = 16, .threads = 1 };
	}
	int rc = go(&healthy, &well, &from, catalog_quants(c), NULL);
	ok(rc == OK && healthy.term[4].is_measured, "the engine is measured%s%s", rc ? ": " : "", rc ? e.text : "");
	if (rc != OK || !healthy.term[0].is_measured) {
		skip(rc ? "no engine" : "this system does not say what is resident", "what is wrong is noticed");
		catalog_close(c);
		return done_testing();
	}
	rc = go(&again, &well, &from, catalog_quants(c), &healthy);
	for (unsigned i = 0; i < again.n_terms; i++)
		printf("# %s %g, again %g\n", verify_kind_names[again.term[i].kind], healthy.term[i].measured, again.term[i].measured);
	ok(rc == OK && again.term[0].pass == VERIFY_YES && again.term[2].pass == VERIFY_YES, "again: memory is the same");
	/* what a process keeps of the first time, such as its heap, is there from then on: the second is what faults are held against */
	fault.beside = 1;
	rc = go(&v, &bad, &from, catalog_quants(c), &again);
	ok(rc == OK && !verify_passes(&v, why, sizeof why) && v.term[2].pass == VERIFY_NO, "a tenth of the weights more in memory: %s", why);
	fault.beside = 0;
	fault.twice = 1;
	rc = go(&v, &bad, &from, catalog_quants(c), &again);
	ok(rc == OK && !verify_passes(&v, why, sizeof why) && v.term[3].pass == VERIFY_NO && v.term[4].pass == VERIFY_NO, "each step computed twice: %s", why);
	fault.twice = 0;
	fault.sleep = 0.2;
	/* where other programs make the runs differ by more than the fault does, nobody could see it: then once more, at most three times */
	for (int i = 0; i < 4; i++) {
		rc = go(&v, &bad, &from, catalog_quants(c), &again);
		if (rc != OK || v.term[4].pass == VERIFY_NO)
			break;
	}
	ok(rc == OK && !verify_passes(&v, why, sizeof why) && v.term[4].pass == VERIFY_NO, "a fifth of each token slept: %s", why);
	catalog_close(c);
	arena_free(&arena);
	return done_testing();
}
