/* engine_real.c - the engine held to llama.cpp on two real models: tokens, logits, greedy continuations; and that a model that is a little wrong is told
 *
 * "ref" keeps activations in full precision and is held to llama.cpp with weights as f32. "cpu" rounds activations, as llama.cpp with the file's weights does, each in its own
 * way: what llama.cpp with the file's weights is off from itself with f32 weights, u (rms of logits, over all prompts), is the measure of what that costs (tests/peer/README.md).
 *   rms of our logits against f32 weights: all prompts at most 1.5 u; a single short one at most 2.5 u (llama.cpp's own differ by a factor of 2 from prompt to prompt).
 *   a choice between two tokens is held to llama.cpp's where its margin is above 6 u: both logits are off in both engines, so margins differ by 2 u, and thrice that is rare. */
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
	/* Twice and more what llama.cpp with f32 weights is off from float64 at most: 7e-5 and, for its GELU from a table of half-precision numbers, 7e-3 (tests/peer/README.md). */
	double tolerance;                        /* of one logit; their rms is a quarter of it at most */
};
static const struct real models[] = { { "smollm2-135m-q4_1", 2e-4 }, { "gemma-3-270m-q4_k_m", 1.5e-2 } };

struct sums { double square; double max; unsigned n, tops, wrong; };
static double rms(const struct sums *s) { return s->n ? sqrt(s->square / s->n) : NAN; }
static void add(struct sums *s, double d)
{
	s->square += d * d;
	s->max = fabs(d) > s->max || isnan(d) ? fabs(d) : s->max;
	s->n++;
}

/* What llama.cpp with the file's weights is off from itself with f32 weights. */
static double usual_error(void)
{
	struct sums s = { 0 };

	for (unsigned p = 0; p < GOLD_PROMPTS; p++) {
		const struct gold_run *a = &prompt[p].run[GOLD_FILE_F32], *b = &prompt[p].run[GOLD_F32_F32];
		for (unsigned i = 0; i < b->n_rows && i < a->n_rows; i++)
			for (unsigned k = 0; k < b->row[i].n_some; k++)
				add(&s, (double)a->row[i].some[k] - (double)b->row[i].some[k]);
	}
	return rms(&s);
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
	return 0;
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
		snprintf(path, sizeof path, "tests/text/%.15s.txt", prompt[i].name);
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


/* "ref" on the first n tokens of the first prompt. */
static int run_ref(struct sums *s, struct weights *w, uint32_t n)
{
	struct engine *e = open_engine(w, "ref", NULL, 2, 0, KF_F32);
	int rc = e ? run_prompt(s, e, &prompt[0], &prompt[0].run[GOLD_F32_F32], n, 0.05) : -1;

	engine_close(e);
	return rc;
}

/* Each way to run: the best one on all prompts, which go on as llama.cpp did; the others on the first one. */
static void cpu(const struct real *m, struct weights *w)
{
	const double u = usual_error();
	unsigned best = 1;

	printf("# %s: llama.cpp's rounding of activations is worth u = %.4f\n", m->name, u);
	for (unsigned c = 0; matmuls[c]; c++) {
		const char *isa = matmuls[c]->isa;
		int scalar = !strcmp(isa, "scalar");
		if (!strcmp(isa, "ref") || !matmuls[c]->can())
			continue;
		for (unsigned way = 0; way < (SLOW ? 1 : 3); way++) {    /* 2 threads; as stored; 1 thread */
			struct engine *e;
			struct sums s = { 0 }, greedy = { 0 };
			int rc = 0, all = best && way == 0;
			if (scalar && (way || SLOW))
				continue;
			e = open_engine(w, "cpu", isa, way == 2 ? 1 : 2, way == 1, KF_F32);
			for (unsigned p = 0; e && rc == 0 && p < (all ? SLOW ? 3 : GOLD_PROMPTS : 1); p++) {
				const struct gold_run *f = &prompt[p].run[GOLD_FILE_F32];
				rc = run_prompt(&s, e, &prompt[p], &prompt[p].run[GOLD_F32_F32], scalar ? 6 : 0, 6 * u);
				if (rc == 0 && !scalar)
					rc = run_greedy(&greedy, e, &prompt[p], f, all && !SLOW ? GOLD_GREEDY : 12, 6 * u);
			}
			ok(e && rc == 0 && rms(&s) <= (all ? 1.5 : 2.5) * u, "%s, cpu %s, %s, threads %d: rms of %u logits %.4f, at most %.4f", m->name, isa, way == 1 ? "as stored" : "repacked",
			   way == 2 ? 1 : 2, s.n, rms(&s), (all ? 1.5 : 2.5) * u);
			ok(e && !s.wrong && !greedy.wrong && s.tops + greedy.tops >= (scalar ? 0u : all && !SLOW ? 120u : 3u), "%s, cpu %s: the largest logit is llama.cpp's in all of %u + %u clear cases", m->name, isa,
			   s.tops, greedy.tops);
			if (all && !SLOW)
				ok(rms(&greedy) <= 2 * u, "%s, cpu %s: rms of %u margins %.4f, at most %.4f; %u wrong of %u", m->name, isa, greedy.n, rms(&greedy), 2 * u, greedy.wrong, greedy.tops);
			engine_close(e);
		}
		best = 0;
	}
}

/* Models that are a little wrong; each must be told by the comparison that the right one passes. */
enum wrong { WRONG_THETA, WRONG_BASE, WRONG_PAIRS, WRONG_EMBED, WRONG_SCALE, WRONG_SOFTCAP, WRONG_ACT, WRONG_EPS, WRONGS };
static const char *const wrong_names[] = { "base of the first rotation 10 % off", "second rotation with the base of the first", "rotary pairs are others", "embeddings 2 % off",
	"attention scale 5 % off in one layer", "a softcap of 20 in one layer that has none", "another activation in one layer", "epsilon of the norms a hundred times as large" };

/* A copy of the part of `type` of layer l for that layer alone. */
static struct part *own_part(struct model_spec *m, unsigned type, unsigned l)
{
	static struct part parts[64];
	static struct layer_kind kinds[64];
	static uint16_t kind_of[256];

	if (m->n_parts >= 64 || m->n_kinds >= 64 || m->n_layers > 256)
		return NULL;
	memcpy(parts, m->parts, m->n_parts * sizeof *parts);
	memcpy(kinds, m->kinds, m->n_kinds * sizeof *kinds);
	memcpy(kind_of, m->kind_of, m->n_layers * sizeof *kind_of);
	struct layer_kind *k = &kinds[m->n_kinds];
	*k = kinds[kind_of[l]];
	kind_of[l] = m->n_kinds++;
	m->kinds = kinds;
	m->kind_of = kind_of;
	for (unsigned b = 0; b < k->n_branches; b++)
		for (unsigned i = 0; i < k->branch[b].n_parts; i++)
			if (parts[k->branch[b].part[i]].type == type) {
				parts[m->n_parts] = parts[k->branch[b].part[i]];
				k->branch[b].part[i] = m->n_parts++;
				m->parts = parts;
				return &parts[m->n_parts - 1];
			}
	return NULL;
}

/* 0: this model has no such thing. */
static int spoil(struct weights *w, enum wrong how)
{
	struct part *p;
	unsigned last = w->model.n_layers / 2;

	switch (how) {
	case WRONG_THETA: w->hyper.rope[0].theta *= 1.1; return 1;
	case WRONG_BASE: w->hyper.rope[1].theta = w->hyper.rope[0].theta; return w->model.n_rope > 1;
	case WRONG_PAIRS: w->adjacent_rope = !w->adjacent_rope; return 1;
	case WRONG_EMBED: w->hyper.embed_scale *= 1.02; return 1;
	case WRONG_EPS: w->model.norm_eps *= 100; return 1;
	case WRONG_SCALE:
		if ((p = own_part(&w->model, PART_GQA, last)))
			p->u.gqa.scale = (p->u.gqa.scale > 0 ? p->u.gqa.scale : 1 / sqrtf((float)p->u.gqa.k_dim)) * 1.05f;
		return p != NULL;
	case WRONG_SOFTCAP:
		if ((p = own_part(&w->model, PART_GQA, last)))
			p->u.gqa.softcap = 20;
		return p != NULL;
	case WRONG_ACT:
		if ((p = own_part(&w->model, PART_MLP, last)))
			p->u.mlp.act = p->u.mlp.act == ACT_SILU ? ACT_GELU : ACT_SILU;
		return p != NULL;
	default: return 0;
	}
}

static void told(const struct real *m, struct weights *w)
{
	for (unsigned i = 0; i < (SLOW ? 2 : WRONGS); i++) {
		const struct model_spec model = w->model;
		const struct hyper hyper = w->hyper;
		const uint8_t adjacent = w->adjacent_rope;
		struct sums s = { 0 };
		if (spoil(w, i)) {
			int rc = run_ref(&s, w, i == WRONG_THETA || i == WRONG_BASE ? 0 : 6);         /* near tokens are rotated by little */
			ok(rc == 0 && s.n && !(s.max <= m->tolerance && rms(&s) <= m->tolerance / 4), "%s, %s: told, %.2g off where %g is allowed", m->name, wrong_names[i], s.max, m->tolerance);
		}
		w->model = model;
		w->hyper = hyper;
		w->adjacent_rope = adjacent;
	}
}

/* One layer that sees 512 tokens sees all: told by "cpu" on the prompt that is longer, at positions far from its start. */
static void window(const struct real *m, struct weights *w)
{
	const struct model_spec model = w->model;
	const double most = 1.5 * usual_error();
	struct sums right = { 0 }, s = { 0 };
	int found = 0;

	for (unsigned l = w->model.n_layers; !found && l-- > 0;) {
		struct part *p = own_part(&w->model, PART_GQA, l);
		found = p && p->u.gqa.span == SPAN_WINDOW && p->u.gqa.span_tokens == 512;
		if (found)
			p->u.gqa.span = SPAN_FULL, p->u.gqa.span_tokens = 0;
		else
			w->model = model;
	}
	for (unsigned pass = 0; pass < 2 && found; pass++) {
		struct engine *e = open_engine(w, "cpu", NULL, 2, 0, KF_F32);
		int rc = e ? run_prompt(pass ? &right : &s, e, &prompt[3], &prompt[3].run[GOLD_F32_F32], 0, 1e9) : -1;
		engine_close(e);
		w->model = model;
		if (rc != 0)
			right.n = s.n = 0;
	}
	if (found)
		ok(rms(&right) <= most && rms(&s) > most, "%s, one layer without its window of 512: told, rms %.3f instead of %.3f, %.3f allowed", m->name, rms(&s), rms(&right), most);
}

static void model(const struct real *m)
{
	struct weights *w = NULL;
	struct sums s = { 0 };
	struct error err = { 0 };
	char path[128], golden[128];

	snprintf(path, sizeof path, "models/%s.gguf", m->name);
	snprintf(golden, sizeof golden, "tests/golden/%s.txt", m->name);
	if (access(path, R_OK) != 0) {
		skip("it is not here; make models fetches it", "%s", path);
		return;
	}
	if (!ok(gold_read(prompt, golden) == GOLD_PROMPTS && weights_open(&w, path, &quants, &err) == OK, "%s: its weights, its golden numbers", path)) {
		printf("# %s\n", err.text);
		return;
	}
	for (unsigned p = 0; p < GOLD_PROMPTS; p++)
		for (unsigned r = 0; r < GOLD_RUNS; r++)
			if (prompt[p].run[r].n_rows < 5 || prompt[p].run[r].n_greedy != GOLD_GREEDY)
				ok(0, "%s, %s: %s is whole", golden, prompt[p].name, gold_run_names[r]);
	tokens(w, m->name);
	int rc = run_ref(&s, w, SLOW ? 6 : 0);
	ok(rc == 0 && s.n && s.max <= m->tolerance && rms(&s) <= m->tolerance / 4 && !s.wrong && s.tops, "%s, ref: %u logits, at most %.2g off, %g allowed; %u of %u largest are others", m->name, s.n, s.max, m->tolerance, s.wrong, s.tops);
	told(m, w);
	cpu(m, w);
	if (!SLOW)
		window(m, w);
	weights_close(w);
}

int main(void)
{
	struct arena a = { 0 };
	struct error err = { 0 };

	if (quants_load(&quants, &a, "data/quants.yaml", &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	for (unsigned i = 0; i < sizeof models / sizeof *models; i++)
		model(&models[i]);
	arena_free(&a);
	return done_testing();
}
