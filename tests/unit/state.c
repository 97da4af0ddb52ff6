/* state.c - caches and states: the architecture's own bytes, llama.cpp's allocation byte by byte, vLLM's pages, and overflow */
#include "../tap.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/units.h"
#include "calc/settings.h"
#include "calc/state.h"
#include "catalog/model_yaml.h"

static struct arena arena;
static struct quants quants;
static struct engines engines;

/* Entries without shapes share another's. Kept: the same entry is asked for often. */
static const struct model_spec *model(const char *id)
{
	static struct { const char *id; const struct model_spec *m; } seen[64];
	static unsigned n;
	struct error err = { 0 };
	struct ydoc *d = arena_alloc(&arena, sizeof *d);
	struct model_entry *e = arena_alloc(&arena, sizeof *e);
	const struct model_spec *m;

	for (unsigned i = 0; i < n; i++)
		if (!strcmp(seen[i].id, id))
			return seen[i].m;
	if (yaml_load(d, &arena, arena_printf(&arena, "models.d/%s.yaml", id), &err) != OK ||
	    model_entry_read(e, &arena, d, &err) != OK) {
		ok(0, "%s: %s", id, err.text);
		return NULL;
	}
	m = e->spec ? e->spec : e->same_shapes_as ? model(e->same_shapes_as) : NULL;
	if (n < 64) {
		seen[n].id = arena_strdup(&arena, id);
		seen[n++].m = m;
	}
	return m;
}

struct sum { const struct settings *set; uint64_t kv, state; unsigned items; };

static int add(void *user, const struct state_item *s, struct error *err)
{
	struct sum *x = user;
	uint64_t n;
	int rc = state_bytes(&n, s, x->set->engine, &quants, x->set, err);

	x->items++;
	*(state_is_kv(s) ? &x->kv : &x->state) += n;
	return rc;
}

static struct settings set_of(const char *engine, uint64_t ctx, uint32_t sequences, const char *kv)
{
	uint16_t format = format_find(&quants, kv);

	return (struct settings){ .engine = engine_find(&engines, engine), .kv_k = format, .kv_v = format, .ctx_tokens = ctx,
				  .sequences = sequences, .flash = FLASH_ON };
}

static struct sum ideal(const char *id, uint64_t ctx, const char *kv)
{
	struct settings set = set_of("none", ctx, 1, kv);
	struct sum x = { .set = &set };
	struct error err = { 0 };
	const struct model_spec *m = model(id);

	if (m && state_walk(m, 0, add, &x, &err) != OK)
		ok(0, "%s: %s", id, err.text);
	return x;
}

/* Published vectors of the architecture alone, and arithmetic from config.json. */
static void architecture(void)
{
	static const struct { const char *id, *kv; uint64_t ctx, bytes; } v[] = {
		{ "gemma-4-31b-it", "bf16", 262144, 22313697280 },
		{ "gemma-4-31b-it", "i8", 131072, 5788139520 },
		{ "gemma-4-12b-it", "bf16", 262144, 4630511616 },
		{ "qwen3.6-27b", "i8", 131072, 4294967296 },
		{ "qwen3.8-27b", "f16", 262144, 17179869184 },
		{ "granite-4.2-30b", "bf16", 131072, 34359738368 },
		{ "glm-4.7-flash", "bf16", 1, 54144 },
		{ "llama-3.3-70b-instruct", "bf16", 1, 327680 },
		{ "llama-3.1-8b-instruct", "bf16", 1, 131072 },
		{ "qwen3-30b-a3b", "bf16", 1, 98304 },
		{ "qwen3-8b", "bf16", 1, 147456 },
		{ "phi-4", "bf16", 1, 204800 },
		{ "deepseek-v3", "bf16", 1, 70272 },
		{ "mistral-small-4-119b", "bf16", 1, 23040 },
		{ "deepseek-v3.2", "bf16", 1, 85888 },
		{ "glm-5", "bf16", 1, 109824 },
		{ "glm-5.2", "bf16", 1, 95232 },
		{ "minimax-m3", "bf16", 1, 137472 },
		{ "qwen3-next-80b-a3b", "bf16", 1, 24576 },
		{ "kimi-k3", "bf16", 1, 27648 },
		{ "nemotron-3-nano-30b-a3b", "bf16", 1, 6144 },
		{ "falcon-h1-7b", "bf16", 1, 45056 },
		{ "lfm2-1.2b", "bf16", 1, 12288 },
		{ "llama-3.3-nemotron-super-49b", "bf16", 1, 200704 },
		{ "llama-3.1-nemotron-ultra-253b", "bf16", 1, 262144 },
		{ "deepseek-v4-pro", "bf16", 1048576, 1048576 * UINT64_C(9848) + 7995392 },
		{ "deepseek-v4-flash", "bf16", 1048576, 1048576 * UINT64_C(6880) + 5636096 },
		{ "gpt-oss-120b", "bf16", 131072, 131072 * UINT64_C(36864) + 4718592 },
		{ "llama-4-scout", "bf16", 10485760, 10485760 * UINT64_C(49152) + 1207959552 },
		{ "gemma-3-27b-it", "bf16", 131072, 131072 * UINT64_C(81920) + 436207616 },
		{ "gemma-4-e2b-it", "bf16", 131072, 131072 * UINT64_C(6144) + 6291456 },
		{ "gemma-3-4b-it", "q8_0", 1024, 1024 * UINT64_C(139264) / 2 * 34 / 32 },
	};
	/* the figures that were printed in GiB with two digits */
	static const struct { const char *id; uint64_t ctx; double gib; } p[] = {
		{ "gemma-3-27b-it", 131072, 10.41 }, { "qwen3.5-27b", 262144, 16.00 }, { "deepseek-v3.1", 163840, 10.72 },
		{ "kimi-k2.5", 262144, 17.16 }, { "qwen3-0.6b", 40960, 4.38 }, { "deepseek-v4-pro", 1048576, 9.62 },
		{ "deepseek-v4-flash", 1048576, 6.72 }, { "deepseek-v3.2", 1048576, 83.88 },
	};

	for (unsigned i = 0; i < sizeof v / sizeof *v; i++)
		is_u64(ideal(v[i].id, v[i].ctx, v[i].kv).kv, v[i].bytes, "%s, %llu tokens in %s", v[i].id, (unsigned long long)v[i].ctx,
		       v[i].kv);
	for (unsigned i = 0; i < sizeof p / sizeof *p; i++) {
		double gib = (double)ideal(p[i].id, p[i].ctx, "bf16").kv / (double)GIB;
		ok(gib > p[i].gib - 0.00501 && gib < p[i].gib + 0.00501, "%s: %.4f GiB, printed %.2f", p[i].id, gib, p[i].gib);
	}
	is_u64(ideal("gpt-oss-20b", 1001, "bf16").kv - ideal("gpt-oss-20b", 1000, "bf16").kv, 24576,
	       "gpt-oss-20b: a token past the window");
	is_u64(ideal("qwen3.6-27b", 1, "bf16").state, 153944064, "qwen3.6-27b: recurrent state in f32, convolution in bf16");
	is_u64(ideal("kimi-k3", 1, "bf16").state, 449372160, "kimi-k3: state");
	is_u64(ideal("nemotron-3-nano-30b-a3b", 9, "bf16").state, 49082368, "nemotron: state does not grow");
	is_u64(ideal("lfm2-1.2b", 1, "bf16").state, 81920, "lfm2: convolutions");
	is_u64(ideal("deepseek-v4-pro", 1048576, "bf16").state, 0, "deepseek-v4: no compressor state in the architecture alone");
}

/* tests/measured/own/llamacpp_context.csv: what libllama said that it allocates, to the byte. */
static void llamacpp(void)
{
	struct error err = { 0 };
	struct csv c;
	char *text;
	size_t n;
	unsigned right = 0;

	if (!ok(file_read(&text, &n, &arena, "tests/measured/own/llamacpp_context.csv", 1 << 22, &err) == OK &&
		csv_parse(&c, &arena, "llamacpp_context.csv", text, n, &err) == OK, "measurements")) {
		printf("# %s\n", err.text);
		return;
	}
	for (unsigned r = 0; r < c.n_rows; r++) {
		const struct model_spec *m = model(csv_get(&c, r, "model"));
		struct engine_profile p = *engine_find(&engines, "llama.cpp");
		struct settings set = { .engine = &p, .flash = *csv_get(&c, r, "flash_attn") == '1' ? FLASH_ON : FLASH_OFF };
		struct sum x = { .set = &set };
		uint64_t ctx, np, ubatch, want;

		if (!m || parse_u64(&ctx, csv_get(&c, r, "n_ctx")) || parse_u64(&np, csv_get(&c, r, "n_seqs")) ||
		    parse_u64(&ubatch, csv_get(&c, r, "n_ubatch")) || parse_u64(&want, csv_get(&c, r, "context_bytes"))) {
			ok(0, "row %u is readable", r + 2);
			continue;
		}
		p.unified = *csv_get(&c, r, "unified") == 'y';
		set.swa_full = *csv_get(&c, r, "swa_full") == 'y';
		set.kv_k = format_find(&quants, csv_get(&c, r, "kv_type_k"));
		set.kv_v = format_find(&quants, csv_get(&c, r, "kv_type_v"));
		set.ctx_tokens = u64_ceil_div(ctx, np);          /* the loader's context is the total over its sequences */
		set.sequences = (uint32_t)np;
		set.ubatch = (uint32_t)ubatch;
		if (state_walk(m, 0, add, &x, &err) != OK)
			ok(0, "row %u: %s", r + 2, err.text);
		else if (x.kv + x.state == want)
			right++;
		else
			is_u64(x.kv + x.state, want, "%s %s", csv_get(&c, r, "model"), csv_get(&c, r, "notes"));
	}
	ok(right >= 400 && right == c.n_rows, "%u of %u allocations of llama.cpp to the byte", right, c.n_rows);
}

static uint64_t kv(const char *engine, const char *id, uint64_t ctx, uint32_t sequences, const char *type)
{
	struct settings set = set_of(engine, ctx, sequences, type);
	struct sum x = { .set = &set };
	struct error err = { 0 };
	const struct model_spec *m = model(id);

	if (m && state_walk(m, 0, add, &x, &err) != OK)
		ok(0, "%s: %s", id, err.text);
	return x.kv;
}

/* Published figures of vLLM: GiB of cache beside the tokens that it says fit (rows of one card, one kind of layer). */
static void vllm(void)
{
	static const struct { const char *id, *type; uint64_t tokens; double gib; } v[] = {
		{ "llama-3.1-8b-instruct", "bf16", 31232, 3.81 }, { "llama-3.1-8b-instruct", "bf16", 23648, 2.89 },
		{ "qwen3-14b", "bf16", 42656, 6.51 }, { "qwen2.5-0.5b-instruct", "bf16", 3041600, 34.81 },
			{ "llama-2-7b", "f16", 115056, 56.18 },
		{ "mistral-small-3.2-24b", "bf16", 184832, 28.20 }, { "qwen2.5-1.5b-instruct", "f16", 88272, 2.36 },
		{ "qwen2.5-7b-instruct", "f16", 69328, 3.70 }, { "qwen3-32b", "i8", 306528, 37.42 },
	};
	uint64_t full = 10 * 2 * UINT64_C(4) * 512 * 2, local = 2 * UINT64_C(16) * 256 * 2;

	for (unsigned i = 0; i < sizeof v / sizeof *v; i++) {
		double gib = (double)kv("vllm", v[i].id, v[i].tokens, 1, v[i].type) / (double)GIB;
		ok(gib > v[i].gib - 0.00501 && gib < v[i].gib + 0.00501, "vLLM, %s: %.4f GiB, printed %.2f", v[i].id, gib, v[i].gib);
	}
	is_u64(kv("vllm", "llama-3.1-8b-instruct", 17, 2, "bf16"), 2 * 32 * UINT64_C(131072),
	       "a begun page is a page, each sequence its own");
	/* Gemma 4 31B: 50 local layers are five groups of ten; their page of 16 tokens is as large as 32 tokens of a global layer */
	is_u64(kv("vllm", "gemma-4-31b-it", 40, 1, "bf16"), 64 * full + 50 * (48 + 16) * local,
	       "two kinds of layer share one page size");
	is_u64(kv("vllm", "gemma-4-31b-it", 100000, 1, "bf16"), 100000 * full + 50 * (3072 + 16) * local,
	       "a window, the batch and a page more");
}

static int last_error(const char *id, struct settings set, struct error *err)
{
	struct sum x = { .set = &set };
	const struct model_spec *m = model(id);

	*err = (struct error){ 0 };
	return m ? state_walk(m, 0, add, &x, err) : E_MODEL;
}

static void refusals(void)
{
	static const char *const all[] = { "none", "llama.cpp", "vllm", "mlx", "ullage", "tgi" };
	struct error err;
	struct settings set;

	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		ok(last_error("llama-3.3-70b-instruct", set_of(all[i], UINT64_C(1000000000000000000), 1, "f16"), &err) == E_USAGE,
		   "%s: 10^18 tokens are an error: %s", all[i], err.text);
		ok(last_error("gemma-3-27b-it", set_of(all[i], UINT64_MAX, 4000000000u, "f16"), &err) == E_USAGE, "%s: 2^64 tokens", all[i]);
		ok(last_error("smollm2-135m-instruct", set_of(all[i], UINT64_MAX - 255, 1, "f16"), &err) == E_USAGE,
		   "%s: padding does not wrap", all[i]);
	}
	ok(last_error("deepseek-v4-flash", set_of("llama.cpp", UINT64_MAX - 1, 1, "f16"), &err) == E_USAGE,
	   "compressed rows do not wrap");
	ok(last_error("phi-2", set_of("llama.cpp", 512, 1, "q8_0"), &err) == E_FORMAT && strstr(err.text, "80") &&
	   strstr(err.text, "32"),
	   "rows of 80 in blocks of 32: %s", err.text);
	set = set_of("llama.cpp", 512, 1, "q8_0");
	set.flash = FLASH_OFF;
	ok(last_error("llama-3.1-8b-instruct", set, &err) == E_FORMAT && strstr(err.text, "flash"), "%s", err.text);
	set.kv_v = format_find(&quants, "f16");
	ok(last_error("llama-3.1-8b-instruct", set, &err) == OK, "a quantised K needs none");
	ok(last_error("deepseek-v4-flash", set_of("vllm", 512, 1, "bf16"), &err) == E_FORMAT && strstr(err.text, "unknown"), "%s",
	   err.text);
	set.kv_k = NO_FORMAT;
	ok(last_error("llama-3.1-8b-instruct", set, &err) == E_FORMAT, "no type given: %s", err.text);
}

struct seen { unsigned n, roles[STATE_ROLES], layers[STATE_ROLES], mtp; const struct state_item *last; };

static int look(void *user, const struct state_item *s, struct error *err)
{
	struct seen *x = user;

	(void)err;
	x->n++;
	x->mtp += s->mtp;
	x->roles[s->role]++;
	x->layers[s->role] += layer_count(&s->layers);
	return OK;
}
static int stop(void *user, const struct state_item *s, struct error *err)
{
	(void)s;
	return ++*(int *)user == 2 ? error_set(err, E_FORMAT, "enough") : OK;
}

static void walk(void)
{
	struct error err = { 0 };
	struct seen x = { 0 };
	int calls = 0;

	ok(state_walk(model("gemma-4-e4b-it"), 0, look, &x, &err) == OK && x.layers[STATE_K] == 24 && x.layers[STATE_V] == 24,
	   "layers that use another's cache keep none");
	x = (struct seen){ 0 };
	ok(state_walk(model("glm-5.2"), 0, look, &x, &err) == OK && x.layers[STATE_LATENT] == 78 && x.layers[STATE_INDEX] == 21,
	   "21 of 78 layers own an indexer");
	x = (struct seen){ 0 };
	ok(state_walk(model("deepseek-v3"), 1, look, &x, &err) == OK && x.layers[STATE_LATENT] == 62 && x.mtp == 1,
	   "an MTP block keeps its own");
	x = (struct seen){ 0 };
	ok(state_walk(model("llama-3.3-70b-instruct"), 0, look, &x, &err) == OK && x.n == 2, "80 equal layers are two items");
	x = (struct seen){ 0 };
	ok(state_walk(model("qwen3.5-35b-a3b"), 0, look, &x, &err) == OK && x.layers[STATE_RECURRENT] == 30 &&
	   x.layers[STATE_CONV] == 30 &&
	   x.layers[STATE_K] == 10, "a hybrid keeps both kinds");
	ok(state_walk(model("qwen3.5-35b-a3b"), 0, stop, &calls, &err) == E_FORMAT && calls == 2,
	   "an error of the caller ends the walk");
}

int main(void)
{
	struct error err = { 0 };

	if (!ok(quants_load(&quants, &arena, "data/quants.yaml", &err) == OK &&
		engines_load(&engines, &arena, "data/engines.yaml", &quants, &err) == OK, "formats and engines")) {
		printf("# %s\n", err.text);
		return done_testing();
	}
	architecture();
	llamacpp();
	vllm();
	refusals();
	walk();
	arena_free(&arena);
	return done_testing();
}
