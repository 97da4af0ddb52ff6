/* perplexity.c - perplexity of tests/text/alice.txt beside llama.cpp's (tests/golden/perplexity.txt), whole on the best kernels, in part on every other way to run
 *
 * PERPLEXITY=all: whole in every way. Both engines round activations, each in its own way: llama.cpp with f32 weights is 0.2 to 0.4 % from llama.cpp with the file's. */
#include "../tap.h"

#include "catalog/quant.h"
#include "engine/engine.h"
#include "engine/tokenizer.h"
#include "formats.h"
#include "live/perplexity.h"
#include "matmul.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__
enum { WHOLE = 1, PART = 1, WAYS = 1 };         /* chunks */
#else
enum { WHOLE = 1000, PART = 1, WAYS = 4 };
#endif
enum { CHUNK = 512, OUTPUTS = 64, CHUNKS = 64, TEXT = 1 << 18 };

struct golden { uint64_t tokens, chunks; double perplexity, nll[CHUNKS]; };
struct way { const char *isa; uint8_t no_repack; uint32_t kv; const char *kv_name; };

static int golden_read(struct golden *g, const char *name)
{
	static char line[1 << 13];
	char head[128];
	FILE *f = fopen("tests/golden/perplexity.txt", "r");
	int n = 0;

	*g = (struct golden){ 0 };
	snprintf(head, sizeof head, "%s weights file kv f16 tokens ", name);
	while (f && fgets(line, sizeof line, f)) {
		char *s = strstr(line, " perplexity "), *each = strstr(line, " each "), *end;
		if (strncmp(line, head, strlen(head)) != 0 || !s || !each)
			continue;
		g->tokens = strtoull(line + strlen(head), NULL, 10);
		g->perplexity = strtod(s + 12, NULL);
		for (each += 6; n < CHUNKS; each = end) {
			g->nll[n] = strtod(each, &end);
			if (end == each)
				break;
			n++;
		}
	}
	if (f)
		fclose(f);
	g->chunks = (uint64_t)n;
	return n > 0;
}

/* The first `most` chunks: ours within 0.5 % of llama.cpp's if they are all; the means of single chunks differ by up to 0.02. */
static void run(const char *name, struct weights *w, const struct golden *g, const int32_t *id, int32_t bos, const struct way *how, uint64_t most)
{
	struct engine_options o = { .isa = how->isa, .threads = 2, .no_repack = how->no_repack, .kv_k = how->kv, .kv_v = how->kv, .ctx_tokens = CHUNK, .outputs = OUTPUTS };
	struct engine *e = NULL;
	struct engine_info info;
	struct perplexity p = { 0 };
	struct error err = { 0 };
	struct timespec t0, t1;
	double theirs = 0, before = 0, off = 0;
	uint64_t n = g->chunks < most ? g->chunks : most;

	if (!ok(engine_open(&e, w, &o, &err) == OK, "%s, %s: opens", name, how->isa ? how->isa : "best kernels")) {
		printf("# %s\n", err.text);
		return;
	}
	engine_info(&info, e);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (uint64_t c = 0; c < n; c++) {
		if (perplexity_chunk(&p, e, OUTPUTS, id + c * CHUNK, CHUNK, bos, &err) != OK) {
			printf("# %s\n", err.text);
			break;
		}
		double d = (p.nll - before) / (CHUNK / 2 - 1) - g->nll[c];
		off = fabs(d) > off ? fabs(d) : off;
		before = p.nll;
		theirs += g->nll[c];
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	theirs = exp(theirs / (double)n);
	double limit = n == g->chunks ? 0.005 : 0.03 / sqrt((double)n);
	double ours = perplexity_value(&p), s = (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
	ok(p.chunks == n && p.scored == n * (CHUNK / 2 - 1) && fabs(ours / theirs - 1) < limit, "%s, %s, %s, kv %s, %llu chunks: %.4f +/- %.2f, llama.cpp %.4f: %+.3f %%, %.1f %% allowed (a chunk's mean at most %.4f off; %.0f tokens/s)",
	   name, info.isa, how->no_repack ? "as stored" : "repacked", how->kv_name, (unsigned long long)n, ours, perplexity_error(&p), theirs, 100 * (ours / theirs - 1), 100 * limit, off,
	   (double)(n * CHUNK) / s);
	engine_close(e);
}

static void model(const char *name, const struct quants *q, int all)
{
	static char text[TEXT];
	static int32_t id[TEXT / 2];
	static const struct way ways[] = { { NULL, 0, KF_F16, "f16" }, { NULL, 1, KF_Q8_0, "q8_0" }, { "avx2", 1, KF_F16, "f16" }, { "avx2", 0, KF_Q8_0, "q8_0" },
		{ NULL, 1, KF_F16, "f16" }, { NULL, 0, KF_Q8_0, "q8_0" }, { "avx2", 0, KF_F16, "f16" }, { "avx2", 1, KF_Q8_0, "q8_0" } };
	char path[128];
	struct weights *w = NULL;
	struct tokenizer *t = NULL;
	struct golden g;
	struct error err = { 0 };
	size_t n = 0, bytes = 0;

	snprintf(path, sizeof path, "models/%s.gguf", name);
	if (access(path, R_OK) != 0) {
		skip("it is not here; make models fetches it", "%s", path);
		return;
	}
	FILE *f = fopen("tests/text/alice.txt", "rb");
	if (f) {
		bytes = fread(text, 1, sizeof text, f);
		fclose(f);
	}
	if (!ok(golden_read(&g, name) && weights_open(&w, path, q, &err) == OK && tokenizer_open(&t, w->gguf, &err) == OK &&
		tokenizer_encode(t, id, sizeof id / sizeof *id, &n, text, bytes, TOKENIZE_BOS, &err) == OK, "%s: its weights, its tokenizer, its golden numbers", name)) {
		printf("# %s\n", err.text);
		goto out;
	}
	is_u64(n, g.tokens, "%s: the text in tokens", name);
	double sum = 0;
	for (uint64_t c = 0; c < g.chunks; c++)
		sum += g.nll[c];
	ok(g.chunks == n / CHUNK && fabs(exp(sum / (double)g.chunks) / g.perplexity - 1) < 1e-5, "%s: %llu chunks, as the whole has it", name, (unsigned long long)g.chunks);
	int32_t bos = w->gguf && n && id[0] == tokenizer_bos(t) ? tokenizer_bos(t) : NO_TOKEN;
	for (unsigned i = 0; i < (all ? sizeof ways / sizeof *ways : WAYS); i++) {
		const struct matmul *mm = matmul_best(ways[i].isa);
		if (mm)
			run(name, w, &g, id, bos, &ways[i], i == 0 || all ? WHOLE : PART);
	}
out:
	tokenizer_close(t);
	weights_close(w);
}

/* A step of other sizes is refused. */
static void refused(const struct quants *q)
{
	struct weights *w = NULL;
	struct engine *e = NULL;
	struct engine_options o = { .ctx_tokens = 64, .kv_k = KF_F16, .kv_v = KF_F16 };
	struct error err = { 0 };
	struct perplexity p = { 0 };
	const int32_t id[64] = { 0 };

	if (access("models/smollm2-135m-q4_1.gguf", R_OK) != 0 || weights_open(&w, "models/smollm2-135m-q4_1.gguf", q, &err) != OK || engine_open(&e, w, &o, &err) != OK) {
		skip("it is not here; make models fetches it", "chunks that cannot be");
	} else {
		ok(perplexity_chunk(&p, e, 1, id, 63, NO_TOKEN, &err) == E_USAGE && perplexity_chunk(&p, e, 1, id, 66, NO_TOKEN, &err) == E_USAGE &&
		   perplexity_chunk(&p, e, 1, id, 2, NO_TOKEN, &err) == E_USAGE && isnan(perplexity_value(&p)), "chunks that are odd, too long or too short are refused");
		ok(perplexity_chunk(&p, e, 1, id, 8, NO_TOKEN, &err) == OK && p.scored == 3, "a chunk of 8, one output a step: 3 tokens are scored");
	}
	engine_close(e);
	weights_close(w);
}

int main(void)
{
	struct arena a = { 0 };
	struct quants q;
	struct error err = { 0 };
	const char *all = getenv("PERPLEXITY");

	if (quants_load(&q, &a, "data/quants.yaml", &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	refused(&q);
	model("smollm2-135m-q4_1", &q, all && !strcmp(all, "all"));
	model("gemma-3-270m-q4_k_m", &q, all && !strcmp(all, "all"));
	arena_free(&a);
	return done_testing();
}
