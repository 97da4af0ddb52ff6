/* engine_real.c - the engine held to llama.cpp on two real models: tokens, logits, greedy continuations, and that a wrong model is told
 *
 * "ref" keeps activations in full precision and is held to llama.cpp with weights as f32. "cpu" rounds activations, as llama.cpp with the file's weights does, each in its own
 * way: its error against f32 weights is held to what llama.cpp's own is (tests/peer/README.md). */
#include "../tap.h"
#include "../golden_real.h"

#include "base/arena.h"
#include "catalog/quant.h"
#include "engine/engine.h"
#include "engine/tokenizer.h"
#include "formats.h"
#include "matmul.h"

#include <math.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__
enum { SLOW = 1 };
#else
enum { SLOW = 0 };
#endif
enum { UBATCH = 512, OUTPUTS = GOLD_ROWS, CTX = 1024 };

static struct quants quants;
static struct gold_prompt prompt[GOLD_PROMPTS];

struct real {
	const char *name;
	/* The largest |llama.cpp with f32 weights - float64| is 7e-5 and, for its GELU of half-precision table entries, 7e-3 (tests/peer/README.md); "ref" is in f32 too. */
	double tolerance;
	double theta_base;                       /* of which rope the test's mutation is */
};
static const struct real models[] = { { "smollm2-135m-q4_1", 5e-4, 0 }, { "gemma-3-270m-q4_k_m", 2e-2, 0 } };

struct sums { double square; double max; unsigned n, tops, wrong; };
static double rms(const struct sums *s) { return s->n ? sqrt(s->square / s->n) : NAN; }
static void add(struct sums *s, double d)
{
	s->square += d * d;
	s->max = fabs(d) > s->max || isnan(d) ? fabs(d) : s->max;
	s->n++;
}

/* Error of llama.cpp's run a against b, both of one prompt; and of margins as long as the continuations are the same. */
static void compare_golden(struct sums *s, struct sums *margin, const struct gold_run *a, const struct gold_run *b)
{
	for (unsigned i = 0; i < b->n_rows; i++)
		for (unsigned k = 0; k < b->row[i].n_some; k++)
			add(s, (double)a->row[i].some[k] - (double)b->row[i].some[k]);
	for (unsigned i = 0; i < b->n_greedy && a->greedy[i] == b->greedy[i]; i++)
		add(margin, (double)a->margin[i] - (double)b->margin[i]);
}

static int32_t largest(const float *l, uint32_t n, int32_t not_this)
{
	int32_t best = -1;

	for (uint32_t i = 0; i < n; i++)
		if ((int32_t)i != not_this && (best < 0 || !(l[i] <= l[best])))
			best = (int32_t)i;
	return best;
}

static void compare_row(struct sums *s, const float *l, uint32_t vocab, const struct gold_row *g, double threshold)
{
	for (unsigned k = 0; k < GOLD_TOP; k++)
		add(s, (double)l[g->top[k]] - (double)g->top_logit[k]);
	for (unsigned k = 0; k < g->n_some; k++)
		add(s, (double)l[g->first + (int32_t)k * g->stride] - (double)g->some[k]);
	if ((double)(g->top_logit[0] - g->top_logit[1]) > threshold) {
		s->tops++;
		s->wrong += largest(l, vocab, -1) != g->top[0];
	}
}

/* First n tokens of p (0: all) from an empty slot; every row of g that is among them is compared. 0: fine. */
static int run_prompt(struct sums *s, struct engine *e, const struct gold_prompt *p, const struct gold_run *g, uint32_t n, double threshold)
{
	int32_t position[UBATCH], slot[UBATCH] = { 0 }, row[OUTPUTS];
	struct engine_info info;
	struct error err = { 0 };

	engine_info(&info, e);
	engine_clear(e, 0);
	n = n && n < p->n ? n : p->n;
	for (uint32_t at = 0, k; at < n; at += k) {
		unsigned n_rows = 0, first = 0;
		k = n - at > UBATCH ? UBATCH : n - at;
		for (uint32_t i = 0; i < k; i++)
			position[i] = (int32_t)(at + i);
		while (first < g->n_rows && (uint32_t)g->row[first].at < at)
			first++;
		while (first + n_rows < g->n_rows && (uint32_t)g->row[first + n_rows].at < at + k) {
			row[n_rows] = g->row[first + n_rows].at - (int32_t)at;
			n_rows++;
		}
		/* decode goes on from the last token's logits: it is a row */
		struct step step = { .n_tokens = k, .n_outputs = n_rows, .token = p->token + at, .position = position, .slot = slot, .output_row = row };
		if (engine_run(e, &step, &err) != OK) {
			printf("# %s\n", err.text);
			return -1;
		}
		for (unsigned i = 0; i < n_rows; i++)
			compare_row(s, engine_logits(e, i), info.vocab, &g->row[first + i], threshold);
	}
	return 0;
}

/* After run_prompt() of all of p: the golden continuation is fed token by token, so that one close call does not end the comparison; where its margin is above the threshold
 * our largest logit is the golden's. Margins are compared everywhere. */
static int run_greedy(struct sums *s, struct engine *e, const struct gold_prompt *p, const struct gold_run *g, unsigned n, double threshold)
{
	struct engine_info info;
	struct error err = { 0 };
	uint32_t last = g->n_rows ? 0 : 1;

	engine_info(&info, e);
	for (unsigned i = 0; i < g->n_greedy && i < n; i++) {
		unsigned rows = 0;
		/* the prompt's last step may have had several outputs: the last of them */
		for (unsigned k = 0; i == 0 && k < g->n_rows; k++)
			rows += (uint32_t)g->row[k].at / UBATCH == (p->n - 1) / UBATCH;
		const float *l = engine_logits(e, rows ? rows - 1 : 0);
		int32_t second = largest(l, info.vocab, g->greedy[i]);
		add(s, (double)(l[g->greedy[i]] - l[second]) - (double)g->margin[i]);
		if ((double)g->margin[i] > threshold) {
			s->tops++;
			s->wrong += !(l[g->greedy[i]] > l[second]);
		}
		int32_t position = (int32_t)(p->n + i), slot = 0, row = 0;
		struct step step = { .n_tokens = 1, .n_outputs = 1, .token = &g->greedy[i], .position = &position, .slot = &slot, .output_row = &row };
		if (engine_run(e, &step, &err) != OK) {
			printf("# %s\n", err.text);
			return -1;
		}
	}
	return last ? -1 : 0;
}

static struct engine *open_engine(struct weights *w, const char *backend, const char *isa, uint32_t threads, int no_repack, uint32_t kv)
{
	struct engine_options o = { .backend = backend, .isa = isa, .threads = threads, .no_repack = (uint8_t)no_repack, .kv_k = kv, .kv_v = kv, .ctx_tokens = CTX, .slots = 1,
		.ubatch = UBATCH, .outputs = OUTPUTS };
	struct engine *e = NULL;
	struct error err = { 0 };

	if (engine_open(&e, w, &o, &err) != OK)
		printf("# %s %s: %s\n", backend, isa ? isa : "", err.text);
	return e;
}

static void tokens(const struct weights *w, const char *name)
{
	static int32_t id[GOLD_TOKENS];
	struct tokenizer *t = NULL;
	struct error err = { 0 };
	static char text[1 << 14];
	char path[128];

	if (!ok(tokenizer_open(&t, w->gguf, &err) == OK, "%s: its tokenizer", name))
		return;
	for (unsigned i = 0; i < GOLD_PROMPTS; i++) {
		size_t n = 0, bytes = 0;
		snprintf(path, sizeof path, "tests/text/%s.txt", prompt[i].name);
		FILE *f = fopen(path, "rb");
		if (f) {
			bytes = fread(text, 1, sizeof text, f);
			fclose(f);
		}
		int rc = tokenizer_encode(t, id, GOLD_TOKENS, &n, text, bytes, TOKENIZE_BOS, &err);
		ok(rc == OK && bytes && n == prompt[i].n && !memcmp(id, prompt[i].token, n * sizeof *id), "%s, %s: %zu bytes are the %u tokens", name, prompt[i].name, bytes, prompt[i].n);
	}
	tokenizer_close(t);
}

int main(void)
{
	struct arena a = { 0 };
	struct error err = { 0 };

	if (quants_load(&quants, &a, "data/quants.yaml", &err) != OK)
		return 1;
	for (unsigned m = 0; m < 2; m++) {
		char path[128];
		struct weights *w = NULL;
		struct sums usual = { 0 }, margins = { 0 }, s = { 0 };

		snprintf(path, sizeof path, "models/%s.gguf", models[m].name);
		if (access(path, R_OK) != 0) { skip("not here", "%s", path); continue; }
		char gp[128]; snprintf(gp, sizeof gp, "tests/golden/%s.txt", models[m].name);
		ok(gold_read(prompt, gp) == GOLD_PROMPTS, "golden");
		if (!ok(weights_open(&w, path, &quants, &err) == OK, "opens")) { printf("# %s\n", err.text); continue; }
		tokens(w, models[m].name);
		for (unsigned i = 0; i < GOLD_PROMPTS; i++) {
			struct sums u = {0}, mm = {0};
			compare_golden(&u, &mm, &prompt[i].run[GOLD_FILE_F32], &prompt[i].run[GOLD_F32_F32]);
			compare_golden(&usual, &margins, &prompt[i].run[GOLD_FILE_F32], &prompt[i].run[GOLD_F32_F32]);
			printf("# %s file/f32 rms %.4f max %.3f; margins %u rms %.4f max %.3f\n", prompt[i].name, rms(&u), u.max, mm.n, rms(&mm), mm.max);
		}
		printf("# all: rms %.4f max %.3f; margins rms %.4f max %.3f (%u)\n", rms(&usual), usual.max, rms(&margins), margins.max, margins.n);
		struct engine *e = open_engine(w, "ref", NULL, 0, 0, KF_F32);
		if (e) { run_prompt(&s, e, &prompt[0], &prompt[0].run[GOLD_F32_F32], 0, 0.01); printf("# ref: rms %g max %g tops %u wrong %u\n", rms(&s), s.max, s.tops, s.wrong); }
		engine_close(e);
		for (unsigned c = 0; matmuls[c]; c++) {
			if (!matmuls[c]->can() || !strcmp(matmuls[c]->isa, "ref") || !strcmp(matmuls[c]->isa, "scalar")) continue;
			for (int rp = 0; rp < 2; rp++) {
				e = open_engine(w, "cpu", matmuls[c]->isa, 2, rp, KF_F32);
				if (!e) continue;
				for (unsigned i = 0; i < GOLD_PROMPTS; i++) {
					struct sums x = {0}, y = {0}, z = {0};
					run_prompt(&x, e, &prompt[i], &prompt[i].run[GOLD_F32_F32], 0, 0.3);
					if (rp == 0 || i < 1) run_greedy(&z, e, &prompt[i], &prompt[i].run[GOLD_FILE_F32], 64, 0.3);
					run_prompt(&y, e, &prompt[i], &prompt[i].run[GOLD_FILE_F32], 0, 0.3);
					printf("# %s norepack %d %s: to f32 rms %.4f max %.3f tops %u wrong %u; to file %.4f %.3f; greedy rms %.4f max %.3f tops %u wrong %u\n", matmuls[c]->isa, rp, prompt[i].name, rms(&x), x.max, x.tops, x.wrong, rms(&y), y.max, rms(&z), z.max, z.tops, z.wrong);
				}
				engine_close(e);
			}
		}
		weights_close(w);
	}
	arena_free(&a);
	return done_testing();
}
