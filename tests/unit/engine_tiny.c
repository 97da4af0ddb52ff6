/* Every architecture that runs gives llama.cpp's logits; every one that does not is refused by name.
 *
 * tests/tiny/NAME.txt is made into a file of seeded weights; tests/golden/tiny-NAME.txt is what llama.cpp makes of it. ref must be within the tolerance that the
 * golden states, however its tokens are split into steps, slots and threads. cpu must be as near to ref where it rounds no inputs (f32 weights). */
#include "engine_tiny.h"

#include "engine/hyper_arch.h"
#include "matmul.h"

#include <dirent.h>

enum { VOCAB = 288 };
static struct arena arena;
static struct quants quants;
static double worst_share, worst_cpu, worst_f16, worst_q8;

/* What has a golden and is not run, so that a change is seen here too. */
static const char *const refused[] = { "deepseek4" };

static int is_refused(const char *arch)
{
	for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++)
		if (!strcmp(refused[i], arch))
			return 1;
	return 0;
}

static const char *arch_of(const char *name)
{
	static char line[256], arch[64];
	char path[160];

	snprintf(path, sizeof path, "tests/tiny/%.60s.txt", name);
	FILE *f = fopen(path, "r");
	*arch = 0;
	while (f && !*arch && fgets(line, sizeof line, f))
		if (sscanf(line, "str general.architecture %63s", arch) != 1)
			*arch = 0;
	if (f)
		fclose(f);
	return arch;
}

/* How one run of the golden tokens is cut into steps. Slots other than slot 0 get other tokens at the same time. */
struct plan {
	struct engine_options o;
	uint32_t step[8];                        /* tokens of slot 0 in each step, again and again; 0 ends */
	float out[TINY_TOKENS][VOCAB];
};

/* Runs the golden tokens through slot 0; p->out has the logits of each. */
static int run_plan(struct plan *p, const struct golden *g, struct weights *w, struct error *err)
{
	struct engine *e;
	if (w->model.learned_positions)          /* no more of them than the model has */
		p->o.ctx_tokens = w->model.context_native;
	int rc = engine_open(&e, w, &p->o, err);
	uint32_t slots = p->o.slots ? p->o.slots : 1, at = 0, k = 0, other = 0;

	for (uint32_t t = 0; t < TINY_TOKENS; t++)
		for (uint32_t i = 0; i < VOCAB; i++)
			p->out[t][i] = NAN;
	while (rc == OK && at < g->n) {
		int32_t token[2 * TINY_TOKENS], position[2 * TINY_TOKENS], slot[2 * TINY_TOKENS], row[TINY_TOKENS];
		uint32_t n = 0, many = p->step[k] < g->n - at ? p->step[k] : g->n - at;
		/* neighbours before and after: slot 1 one token of its own, slot 2 two */
		for (uint32_t s = 1; s < slots && s < 2; s++, n++)
			token[n] = (int32_t)(17 * other % VOCAB), position[n] = (int32_t)other, slot[n] = 1;
		for (uint32_t i = 0; i < many; i++, n++)
			token[n] = g->token[at + i], position[n] = (int32_t)(at + i), slot[n] = 0, row[i] = (int32_t)n;
		for (uint32_t i = 0; i < 2 && slots > 2; i++, n++)
			token[n] = (int32_t)((31 * other + 7 * i) % VOCAB), position[n] = (int32_t)(2 * other + i), slot[n] = 2;
		other++;
		struct step s = { n, many, token, position, slot, row };
		if ((rc = engine_run(e, &s, err)) != OK)
			break;
		for (uint32_t i = 0; i < many; i++)
			memcpy(p->out[at + i], engine_logits(e, i), sizeof p->out[0]);
		at += many;
		k = p->step[k + 1] ? k + 1 : 0;
	}
	engine_close(e);
	return rc;
}

static double off_golden(const struct plan *p, const struct golden *g)
{
	double worst = 0;

	for (uint32_t t = 0; t < g->n; t++)
		worst = fmax(worst, golden_off(g, t, p->out[t], VOCAB));
	return worst;
}
static double apart(const struct plan *a, const struct plan *b, const struct golden *g)
{
	double worst = 0;

	for (uint32_t t = 0; t < g->n; t++)
		for (uint32_t i = 0; i < VOCAB; i++) {
			double d = fabs((double)a->out[t][i] - (double)b->out[t][i]);
			worst = d > worst ? d : d == d ? worst : INFINITY;
		}
	return worst;
}
/* Mean difference over the spread of what is right: for caches and weights that are rounded, where one choice of experts may change. */
static double roughly(const struct plan *a, const struct plan *b, const struct golden *g)
{
	double diff = 0, square = 0;

	for (uint32_t t = 0; t < g->n; t++)
		for (uint32_t i = 0; i < VOCAB; i++) {
			double x = (double)a->out[t][i], y = (double)b->out[t][i];
			diff += (x - y) * (x - y);
			square += y * y;
		}
	return diff == diff ? sqrt(diff / square) : INFINITY;
}

static struct engine_options options(const char *backend, uint32_t ubatch, uint32_t slots, uint32_t threads)
{
	return (struct engine_options){ .backend = backend, .threads = threads, .kv_k = 0, .kv_v = 0, .ctx_tokens = 512, .slots = slots, .ubatch = ubatch, .outputs = ubatch < TINY_TOKENS ? ubatch : TINY_TOKENS };
}

/* Whether the weights are multiplied with rounded inputs by some kernels: formats but f32. */
static int rounds(const struct weights *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		if (w->t[i].ne[1] > 1 && strcmp(w->quants->formats[w->t[i].format].id, "f32"))
			return 1;
	return 0;
}

static void one_model(const struct golden *g, struct weights *w)
{
	static struct plan whole, other;
	struct error err = { 0 };
	double tol = g->tolerance, d;
	int rc;

	whole.o = options("ref", 64, 1, 1);
	memcpy(whole.step, (uint32_t[8]){ 64 }, sizeof whole.step);
	rc = run_plan(&whole, g, w, &err);
	d = rc == OK ? off_golden(&whole, g) : INFINITY;
	worst_share = fmax(worst_share, d / tol);
	if (!ok(d <= tol, "%s: in one batch, %.2g of llama.cpp's logits", g->name, d))
		printf("# tolerance %g. %s\n", tol, rc == OK ? "" : err.text);
	/* threads may not change a bit of ref; how a step is cut changes no more than the order of sums */
	static const struct { const char *how; uint32_t ubatch, slots, threads, step[8]; } cut[] = {
		{ "token by token, two threads", 1, 1, 2, { 1 } },
		{ "ragged steps, three slots, two threads", 24, 3, 2, { 5, 1, 1, 13, 2, 21 } },
		{ "three threads", 64, 1, 3, { 64 } },
	};
	for (unsigned i = 0; i < sizeof cut / sizeof *cut; i++) {
		other.o = options("ref", cut[i].ubatch, cut[i].slots, cut[i].threads);
		memcpy(other.step, cut[i].step, sizeof other.step);
		rc = run_plan(&other, g, w, &err);
		d = rc == OK ? off_golden(&other, g) : INFINITY;
		if (!ok(d <= tol, "%s: %s, %.2g", g->name, cut[i].how, d))
			printf("# tolerance %g. %s\n", tol, rc == OK ? "" : err.text);
	}
	for (unsigned k = 0; matmuls[k] && matmuls[k + 1]; k++) {
		if (!matmuls[k]->can())
			continue;
		int best = matmuls[k] == matmul_best(NULL);
		for (unsigned i = 0; i < 3; i++) {
			if (!best && i != 1)             /* one cut is enough for the others: what cuts share does not depend on the kernels */
				continue;
			other.o = options("cpu", cut[i].ubatch, cut[i].slots, cut[i].threads);
			other.o.isa = matmuls[k]->isa;
			memcpy(other.step, cut[i].step, sizeof other.step);
			rc = run_plan(&other, g, w, &err);
			int rough = rounds(w);
			d = rc != OK ? INFINITY : rough ? roughly(&other, &whole, g) : apart(&other, &whole, g);
			if (!rough)
				worst_cpu = fmax(worst_cpu, d / tol);
			if (!ok(d <= (rough ? 0.05 : tol), "%s: cpu, %s, %s: %.2g from ref", g->name, matmuls[k]->isa, cut[i].how, d))
				printf("# %s\n", rc == OK ? "" : err.text);
		}
	}
	static const struct { const char *name; uint32_t format; double within; } kv[] = { { "f16", KF_F16, 0.1 }, { "q8_0", KF_Q8_0, 0.2 } };
	for (unsigned i = 0; i < 2; i++) {
		other.o = options("cpu", 24, 3, 2);
		other.o.kv_k = other.o.kv_v = kv[i].format;
		memcpy(other.step, cut[1].step, sizeof other.step);
		rc = run_plan(&other, g, w, &err);
		if (rc == E_FORMAT && kv[i].format == KF_Q8_0) {         /* rows of heads that are no blocks of 32 */
			ok(strstr(err.text, "cache row") != NULL, "%s: no cache in %s: %s", g->name, kv[i].name, err.text);
			continue;
		}
		d = rc == OK ? roughly(&other, &whole, g) : INFINITY;
		*(i ? &worst_q8 : &worst_f16) = fmax(i ? worst_q8 : worst_f16, d);
		if (!ok(d <= kv[i].within, "%s: cache in %s, off by %.2g", g->name, kv[i].name, d))
			printf("# %s\n", rc == OK ? "" : err.text);
	}
}

static void one_golden(const char *name)
{
	static struct golden g;
	const char *arch = arch_of(name), *path = tiny_make(name);
	struct weights *w = NULL;
	struct engine *e = NULL;
	struct error err = { 0 };
	int rc;

	if (!ok(golden_read(&g, name) && *arch && path, "%s: golden and model are there", name))
		return;
	rc = weights_open(&w, path, &quants, &err);
	unlink(path);                            /* mapped */
	if (arch_state(arch) == ARCH_PROVED) {
		if (ok(rc == OK && !is_refused(arch), "%s: opens", name))
			one_model(&g, w);
		else
			printf("# %s\n", err.text);
	} else {
		struct engine_options o = options("ref", 64, 1, 1);
		if (rc == OK)
			rc = engine_open(&e, w, &o, &err);
		if (!ok(rc == E_ARCH && strstr(err.text, arch) && is_refused(arch) && arch_state(arch) != ARCH_UNPROVED, "%s: refused by name", name))
			printf("# %d: %s\n", rc, err.text);
	}
	engine_close(e);
	weights_close(w);
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

int main(int argc, char **argv)
{
	static char name[256][64];
	struct error err = { 0 };
	unsigned n = 0;
	DIR *d = opendir("tests/golden");

	if (!d || quants_load(&quants, &arena, "data/quants.yaml", &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	for (struct dirent *f; n < 256 && (f = readdir(d));) {
		char *dot = strrchr(f->d_name, '.');
		if (strncmp(f->d_name, "tiny-", 5) || !dot || strcmp(dot, ".txt"))
			continue;
		snprintf(name[n], sizeof name[n], "%.*s", (int)(dot - f->d_name - 5), f->d_name + 5);
		n += argc < 2 || !strcmp(argv[1], name[n]);
	}
	closedir(d);
	qsort(name, n, sizeof *name, by_name);
	for (unsigned i = 0; i < n; i++)
		one_golden(name[i]);
	for (unsigned i = 0; argc < 2 && hyper_arch_at(i); i++) {
		const struct arch_traits *t = hyper_arch_at(i);
		int seen = 0;
		for (unsigned k = 0; k < n; k++)
			seen |= !strcmp(arch_of(name[k]), t->name);
		ok(seen || t->state != ARCH_PROVED, "%s: %s", t->name, t->state == ARCH_PROVED ? "proved by a golden" : t->state == ARCH_UNPROVED ? "runs, unproved" : "refused");
	}
	printf("# worst of tolerances: ref to llama.cpp %.3f, cpu to ref %.3f; f16 cache %.3g, q8_0 cache %.3g\n", worst_share, worst_cpu, worst_f16, worst_q8);
	arena_free(&arena);
	return done_testing();
}
