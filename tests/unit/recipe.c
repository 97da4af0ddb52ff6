/* recipe.c - recipes against llama-quantize, predicate by predicate and model by model */
#include "../tap.h"
#include "recipe_models.h"

#include "base/file.h"
#include "base/str.h"
#include "calc/inventory.h"
#include "calc/recipe.h"

enum { TYPES = 64 };

struct totals {
	const struct quants *q;
	uint64_t bytes, count[TYPES];
	int failed;
};

static int add_tensor(void *user, const struct tensor *t, struct error *err)
{
	struct totals *s = user;
	unsigned layers = layer_count(&t->layers);
	uint64_t n;
	int rc = tensor_run_bytes(&n, t, s->q, err);

	if (rc != OK)
		return rc;
	s->bytes += n;
	if (t->format < TYPES)
		s->count[t->format] += (uint64_t)t->count * (layers ? layers : 1);
	return OK;
}

/* "q4_k:193 q6_k:33": all but f32, whose vectors the inventory may hold as one record for several. */
static int same_types(const struct totals *s, const char *types, char *got, size_t n)
{
	int same = 1;
	size_t at = 0;

	got[0] = '\0';
	for (unsigned i = 0; i < s->q->n_formats && i < TYPES; i++) {
		const char *id = s->q->formats[i].id, *p = types;
		unsigned long long want = 0;

		if (!strcmp(id, "f32"))
			continue;
		while (p && *p) {
			size_t len = strlen(id);

			if (!strncmp(p, id, len) && p[len] == ':')
				want = strtoull(p + len + 1, NULL, 10);
			p = strchr(p, ' ');
			p = p ? p + 1 : NULL;
		}
		if (want != s->count[i])
			same = 0;
		if (s->count[i] && at < n)
			at += (size_t)snprintf(got + at, n - at, "%s:%llu ", id, (unsigned long long)s->count[i]);
	}
	return same;
}

static void one_row(const struct quants *q, char *line)
{
	char *f[6], got[512];
	struct fixture x;
	const struct recipe *r;
	struct totals s = { .q = q };
	struct error err = { 0 };
	int n = 0, rc;

	for (char *p = line; n < 6; p = strchr(p, ',') + 1) {
		f[n++] = p;
		if (!strchr(p, ','))
			break;
	}
	if (n != 6 || str_prefix(line, "model,"))
		return;
	for (int i = 1; i < 6; i++)
		f[i][-1] = '\0';
	if (!ok(fixture_model(&x, f[0]), "%s is described", f[0]))
		return;
	if (!ok(recipe_find(&r, q, f[1], "llama.cpp", &err) == OK, "%s is known", f[1]))
		return;
	struct inventory inv = { .model = &x.m, .quants = q, .recipe = r, .imatrix = (uint8_t)atoi(f[2]),
		.with_mtp = x.m.gguf_mtp };

	rc = inventory_walk(&inv, add_tensor, &s, &err);
	if (strstr(f[5], "error:")) {
		ok(rc == E_FORMAT, "%s %s is refused, as llama-quantize does: %s", f[0], f[1], err.text);
		return;
	}
	if (!ok(rc == OK && s.bytes == strtoull(f[4], NULL, 10) && same_types(&s, f[5], got, sizeof got),
		"%s %s%s: %s bytes, %s", f[0],
		f[1], f[2][0] == '1' ? " with an importance matrix" : "", f[4], f[5]))
		printf("#  got %llu bytes, %s %s\n", (unsigned long long)s.bytes, rc == OK ? got : "", err.text);
}

static void golden(const struct quants *q)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	char *text, *save, *line;
	size_t n;

	if (ok(file_read(&text, &n, &a, "tests/measured/own/quantize_dry_run.csv", 1 << 20, &err) == OK, "golden results: %s",
		err.text))
		for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			if (*line != '#')
				one_row(q, line);
	arena_free(&a);
}

/* Each predicate where it holds and where it does not. */
static const struct { const char *when, *model; int role, layer; uint64_t ne[3]; int hit; } predicate[] = {
	{ "tied_head", "gemma-3-4b", ROLE_EMBED, -1, { 2560, 262208, 1 }, 1 },
	{ "tied_head", "llama-3.1-8b", ROLE_EMBED, -1, { 4096, 128256, 1 }, 0 },
	{ "untied_head", "llama-3.1-8b", ROLE_EMBED, -1, { 4096, 128256, 1 }, 1 },
	{ "untied_head", "gemma-3-4b", ROLE_EMBED, -1, { 2560, 262208, 1 }, 0 },
	{ "experts_8", "mixtral-8x7b", ROLE_ATTN_K, 0, { 4096, 1024, 1 }, 1 },
	{ "experts_8", "qwen3-30b-a3b", ROLE_ATTN_K, 0, { 2048, 512, 1 }, 0 },
	{ "not_experts_8", "qwen3-30b-a3b", ROLE_ATTN_K, 0, { 2048, 512, 1 }, 1 },
	{ "not_experts_8", "mixtral-8x7b", ROLE_ATTN_K, 0, { 4096, 1024, 1 }, 0 },
	{ "experts_4_up", "mixtral-8x7b", ROLE_ATTN_K, 0, { 4096, 1024, 1 }, 1 },
	{ "experts_4_up", "llama-3.1-8b", ROLE_ATTN_K, 0, { 4096, 1024, 1 }, 0 },
	{ "gqa_4_up", "llama-3.1-8b", ROLE_ATTN_V, 0, { 4096, 1024, 1 }, 1 },
	{ "gqa_4_up", "gemma-3-4b", ROLE_ATTN_V, 0, { 2560, 1024, 1 }, 0 },
	{ "gqa_4_up", "deepseek-v3", ROLE_ATTN_OUT, 0, { 16384, 7168, 1 }, 1 },         /* 128 heads by one */
	{ "gqa_4_up", "qwen3.5-35b-a3b", ROLE_ATTN_V, 3, { 2048, 512, 1 }, 1 },
		        /* layer 0 is a delta net: 16 by 2 all the same */
	{ "gqa_4_up", "nemotron-3-nano-30b-a3b", ROLE_ATTN_V, 5, { 2688, 256, 1 }, 0 },  /* layer 0 has no KV heads */
	{ "gqa_below_4", "llama-2-7b", ROLE_ATTN_V, 0, { 4096, 4096, 1 }, 1 },
	{ "gqa_below_4", "llama-3.1-8b", ROLE_ATTN_V, 0, { 4096, 1024, 1 }, 0 },
	{ "gqa_4_up_or_experts_4_up", "nemotron-3-nano-30b-a3b", ROLE_ATTN_V, 5, { 2688, 256, 1 }, 1 },
	{ "gqa_4_up_or_experts_4_up", "llama-2-7b", ROLE_ATTN_V, 0, { 4096, 4096, 1 }, 0 },
	{ "more_bits", "llama-3.1-8b", ROLE_FFN_DOWN, 3, { 14336, 4096, 1 }, 1 },       /* below 32 / 8 */
	{ "more_bits", "llama-3.1-8b", ROLE_FFN_DOWN, 4, { 14336, 4096, 1 }, 0 },
	{ "more_bits", "llama-3.1-8b", ROLE_FFN_DOWN, 6, { 14336, 4096, 1 }, 1 },       /* every third */
	{ "more_bits", "llama-3.1-8b", ROLE_FFN_DOWN, 28, { 14336, 4096, 1 }, 1 },      /* from 7/8 on */
	{ "more_bits", "nemotron-3-nano-30b-a3b", ROLE_ATTN_V, 5, { 2688, 256, 1 }, 0 }, /* 0 of 6 V: no first eighth of 6 */
	{ "more_bits", "nemotron-3-nano-30b-a3b", ROLE_ATTN_V, 19, { 2688, 256, 1 }, 1 },
	{ "first_eighth", "llama-3.1-8b", ROLE_FFN_DOWN, 3, { 14336, 4096, 1 }, 1 },
	{ "first_eighth", "llama-3.1-8b", ROLE_FFN_DOWN, 4, { 14336, 4096, 1 }, 0 },
	{ "first_eighth", "deepseek-v3", ROLE_EXP_DOWN, 6, { 2048, 7168, 256 }, 1 },
	{ "first_eighth_counted", "deepseek-v3", ROLE_EXP_DOWN, 4, { 2048, 7168, 256 }, 1 },    /* 5th of 7: three dense,
		two a layer */
	{ "first_eighth_counted", "deepseek-v3", ROLE_SHARED_DOWN, 4, { 2048, 7168, 1 }, 1 },
	{ "first_eighth_counted", "deepseek-v3", ROLE_EXP_DOWN, 5, { 2048, 7168, 256 }, 0 },
	{ "first_sixteenth", "llama-3.1-8b", ROLE_FFN_DOWN, 1, { 14336, 4096, 1 }, 1 },
	{ "first_sixteenth", "llama-3.1-8b", ROLE_FFN_DOWN, 2, { 14336, 4096, 1 }, 0 },
	{ "first_2", "llama-3.1-8b", ROLE_ATTN_V, 1, { 4096, 1024, 1 }, 1 },
	{ "first_2", "llama-3.1-8b", ROLE_ATTN_V, 2, { 4096, 1024, 1 }, 0 },
	{ "first_2", "nemotron-3-nano-30b-a3b", ROLE_ATTN_V, 12, { 2688, 256, 1 }, 1 },  /* the second V */
	{ "first_4", "llama-3.1-8b", ROLE_ATTN_V, 3, { 4096, 1024, 1 }, 1 },
	{ "first_4", "llama-3.1-8b", ROLE_ATTN_V, 4, { 4096, 1024, 1 }, 0 },
	{ "middle", "llama-3.1-8b", ROLE_FFN_GATE, 4, { 4096, 14336, 1 }, 1 },
	{ "middle", "llama-3.1-8b", ROLE_FFN_UP, 28, { 4096, 14336, 1 }, 0 },
	{ "is_70b", "llama-3.3-70b", ROLE_ATTN_V, 0, { 8192, 1024, 1 }, 1 },
	{ "is_70b", "llama-3.1-8b", ROLE_ATTN_V, 0, { 4096, 1024, 1 }, 0 },
	{ "stacked", "mixtral-8x7b", ROLE_EXP_UP, 0, { 4096, 14336, 8 }, 1 },
	{ "stacked", "mixtral-8x7b", ROLE_ATTN_Q, 0, { 4096, 4096, 1 }, 0 },
	{ "not_stacked", "mixtral-8x7b", ROLE_ATTN_Q, 0, { 4096, 4096, 1 }, 1 },
	{ "not_stacked", "mixtral-8x7b", ROLE_EXP_UP, 0, { 4096, 14336, 8 }, 0 },
	{ "arch_falcon", "falcon-7b", ROLE_FFN_DOWN, 0, { 18176, 4544, 1 }, 1 },
	{ "arch_falcon", "llama-2-7b", ROLE_FFN_DOWN, 0, { 11008, 4096, 1 }, 0 },
	{ "not_arch_falcon", "llama-2-7b", ROLE_FFN_DOWN, 0, { 11008, 4096, 1 }, 1 },
	{ "not_arch_falcon", "falcon-7b", ROLE_FFN_DOWN, 0, { 18176, 4544, 1 }, 0 },
	{ "arch_mla", "deepseek-v3", ROLE_ATTN_OUT, 0, { 16384, 7168, 1 }, 1 },
	{ "arch_mla", "llama-2-7b", ROLE_ATTN_OUT, 0, { 4096, 4096, 1 }, 0 },
	{ "not_arch_mla", "llama-2-7b", ROLE_ATTN_OUT, 0, { 4096, 4096, 1 }, 1 },
	{ "not_arch_mla", "deepseek-v3", ROLE_ATTN_OUT, 0, { 16384, 7168, 1 }, 0 },
	{ "row_misfit", "qwen2.5-0.5b", ROLE_EMBED, -1, { 896, 151936, 1 }, 1 },
	{ "row_misfit", "llama-2-7b", ROLE_HEAD, -1, { 4096, 32000, 1 }, 0 },
	{ "native_mxfp4", "gpt-oss-20b", ROLE_EXP_UP, 0, { 2880, 2880, 32 }, 0 },        /* described as bf16 here; see below */
	{ "arch_glm5_next", "llama-2-7b", ROLE_ATTN_Q, 0, { 4096, 4096, 1 }, 0 },
	{ "arch_bailingmoe3", "llama-2-7b", ROLE_ATTN_Q, 0, { 4096, 4096, 1 }, 0 },
	{ "not_arch_bailingmoe3", "llama-2-7b", ROLE_ATTN_Q, 0, { 4096, 4096, 1 }, 1 },
	{ "arch_deepseek4", "llama-2-7b", ROLE_ATTN_Q, 0, { 4096, 4096, 1 }, 0 },
};

static const char small_quants[] =
	"schema: 1\nsources: {s: test}\nformats:\n"
	"  f32: {name: F32, block: 1, bytes: 4, math: {default: f32}, source: s}\n"
	"  miss: {block: 256, bytes: 144, math: {default: int8}, source: s}\n"
	"  hit: {block: 1, bytes: 2, math: {default: f16}, source: s}\n"
	"  mxfp4_hf: {bits: 4, scales: [{tile: [32, 1], bytes: 1}], math: {default: bf16}, source: s}\n"
	"recipes:\n"
	"  experts: {packing: hf, default: hit, plain: hit, source: s, rules: [{role: exp_down, format: mxfp4_hf}]}\n"
	"  r: {packing: gguf, default: miss, plain: f32, source: s, row_not_multiple: {else: hit},"
	" rules: [{role: any, when: [%s], format: hit}, {role: any, when: [row_misfit], format: f32}]}\n";

/* Format that a rule with this one predicate gives: 1 hit, 0 miss. architecture and native: NULL keeps the fixture's. */
static int evaluate(const char *when, struct fixture *x, int role, int layer, const uint64_t ne[3], int imatrix, int component)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct quants q;
	struct recipe_state s;
	struct tensor t = { .role = (uint16_t)role, .component = (uint8_t)component, .count = 1, .ne = { ne[0], ne[1], ne[2] } };
	char text[2048];
	uint16_t f = NO_FORMAT;
	int result = -1;

	snprintf(text, sizeof text, small_quants, when);
	if (quants_parse(&q, &a, "test", text, strlen(text), &err) == OK &&
		recipe_begin(&s, &x->m, &q, &q.recipes[1], (uint8_t)imatrix, &err) == OK && recipe_format(&f, &s, &t, layer,
			&err) == OK)
		result = !strcmp(q.formats[f].id, "hit");
	else
		printf("# %s\n", err.text);
	arena_free(&a);
	return result;
}

static void predicates(void)
{
	static const uint64_t ne[3] = { 4096, 4096, 1 };
	int seen[WHENS][2] = { { 0 } };
	struct fixture x;

	for (unsigned i = 0; i < sizeof predicate / sizeof *predicate; i++) {
		fixture_model(&x, predicate[i].model);
		ok(evaluate(predicate[i].when, &x, predicate[i].role, predicate[i].layer, predicate[i].ne, 0,
			COMP_TEXT) == predicate[i].hit,
		   "%s: %s %s, layer %d: %s", predicate[i].when, predicate[i].model, role_names[predicate[i].role], predicate[i].layer,
		   predicate[i].hit ? "holds" : "does not hold");
		for (int w = 0; w < WHENS; w++)
			if (!strcmp(when_names[w], predicate[i].when))
				seen[w][predicate[i].hit] = 1;
	}
	fixture_model(&x, "llama-2-7b");
	ok(evaluate("imatrix", &x, ROLE_ATTN_Q, 0, ne, 1, COMP_TEXT) == 1 && evaluate("imatrix", &x, ROLE_ATTN_Q, 0, ne, 0,
		COMP_TEXT) == 0, "imatrix");
	ok(evaluate("no_imatrix", &x, ROLE_ATTN_Q, 0, ne, 0, COMP_TEXT) == 1 && evaluate("no_imatrix", &x, ROLE_ATTN_Q, 0, ne,
		1, COMP_TEXT) == 0, "no_imatrix");
	ok(evaluate("mtp", &x, ROLE_ATTN_Q, 0, ne, 0, COMP_MTP) == 1 && evaluate("mtp", &x, ROLE_ATTN_Q, 0, ne, 0,
		COMP_TEXT) == 0, "mtp");
	x.m.native_format = "experts";
	ok(evaluate("native_mxfp4", &x, ROLE_EXP_UP, 0, ne, 0, COMP_TEXT) == 1,
		"native_mxfp4: the released recipe gives experts mxfp4_hf");
	static const struct { const char *arch, *when; int hit; } by_arch[] = {
		{ "glm5-next", "arch_glm5_next", 1 }, { "bailingmoe3", "arch_bailingmoe3", 1 }, { "bailingmoe3",
			"not_arch_bailingmoe3", 0 },
		{ "deepseek4", "arch_deepseek4", 1 },
	};
	for (unsigned i = 0; i < sizeof by_arch / sizeof *by_arch; i++) {
		x.m.architecture = by_arch[i].arch;
		ok(evaluate(by_arch[i].when, &x, ROLE_ATTN_Q, 0, ne, 0, COMP_TEXT) == by_arch[i].hit, "%s in %s", by_arch[i].when,
			by_arch[i].arch);
	}
	for (int w = 0; w < WHENS; w++) {
		static const char *const elsewhere[] = { "imatrix", "no_imatrix", "mtp", "native_mxfp4", "arch_glm5_next",
			"arch_bailingmoe3",
			"not_arch_bailingmoe3", "arch_deepseek4" };
		int found = seen[w][0] && seen[w][1];

		for (unsigned i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
			found |= !strcmp(when_names[w], elsewhere[i]);
		if (!found && strcmp(when_names[w], "experts_4_up"))
			ok(0, "%s is tested both ways", when_names[w]);
	}
}

static const char *format_of(const struct quants *q, struct fixture *x, const char *recipe, int role, int layer,
	uint64_t n0, uint64_t n1, uint64_t n2)
{
	const struct recipe *r;
	struct recipe_state s;
	struct error err = { 0 };
	struct tensor t = { .role = (uint16_t)role, .count = 1, .ne = { n0, n1, n2 } };
	uint16_t f;

	if (recipe_find(&r, q, recipe, NULL, &err) != OK || recipe_begin(&s, &x->m, q, r, r->imatrix, &err) != OK ||
		recipe_format(&f, &s, &t, layer, &err) != OK)
		return err.text[0] ? "error" : "?";
	return q->formats[f].id;
}

static void others(const struct quants *q)
{
	struct fixture x;
	static const char *const keep[] = { "attn_out", NULL }, *const bad[] = { "attn_outt", NULL };
	struct recipe_state s;
	struct error err = { 0 };
	const struct recipe *r;

	fixture_model(&x, "deepseek-v3");
	is_str(format_of(q, &x, "fp8_block128", ROLE_Q_A, 0, 7168, 1536, 1), "fp8_block128", "fp8 block: attention");
	is_str(format_of(q, &x, "fp8_block128", ROLE_ROUTER, 5, 7168, 256, 1), "bf16", "fp8 block: the router stays");
	is_str(format_of(q, &x, "fp8_block128", ROLE_EMBED, -1, 7168, 129280, 1), "bf16", "fp8 block: so does the embedding");
	is_str(format_of(q, &x, "int4_g32_experts", ROLE_EXP_UP, 5, 7168, 2048, 256), "int4_g32", "int4 experts");
	is_str(format_of(q, &x, "int4_g32_experts", ROLE_SHARED_UP, 5, 7168, 2048, 1), "bf16", "int4 experts: not the shared one");
	is_str(format_of(q, &x, "mxfp4_moe", ROLE_K_B, 5, 128, 512, 128), "mxfp4",
		"MXFP4_MOE takes MLA's stacked projections for experts");
	is_str(format_of(q, &x, "mlx_4bit", ROLE_EMBED, -1, 7168, 129280, 1), "mlx_4bit_g64", "MLX quantises embeddings");
	is_str(format_of(q, &x, "q4_k_l", ROLE_EMBED, -1, 7168, 129280, 1), "q8_0", "Q4_K_L: embedding in Q8_0");
	is_str(format_of(q, &x, "q4_k_l", ROLE_NORM, 0, 7168, 1, 1), "f32", "Q4_K_L: norms");
	is_str(format_of(q, &x, "awq_g128", ROLE_FFN_DOWN, 0, 1000, 64, 1), "f16",
		"AWQ leaves rows that hold no whole groups alone");
	is_str(format_of(q, &x, "q1_0", ROLE_FFN_DOWN, 0, 1000, 64, 1), "error", "Q1_0 has no fallback");
	x.m.native_format = "fp8_block128";
	x.m.native_keep = keep;
	is_str(format_of(q, &x, "fp8_block128", ROLE_ATTN_OUT, 0, 16384, 7168, 1), "bf16", "native_keep");
	is_str(format_of(q, &x, "fp8", ROLE_ATTN_OUT, 0, 16384, 7168, 1), "fp8", "native_keep is the released recipe's only");
	x.m.native_keep = bad;
	ok(recipe_find(&r, q, "fp8_block128", NULL, &err) == OK && recipe_begin(&s, &x.m, q, r, 0, &err) == E_CATALOGUE,
		"native_keep: %s", err.text);
	fixture_model(&x, "gpt-oss-20b");
	x.m.native_format = "mxfp4_experts";
	is_str(format_of(q, &x, "q4_k_m", ROLE_EXP_UP, 5, 2880, 2880, 32), "mxfp4",
		"experts released in MXFP4 stay so in a Q4_K_M file");
	is_str(format_of(q, &x, "q4_k_m", ROLE_ATTN_OUT, 5, 4096, 2880, 1), "q4_k", "what surrounds them does not");
}

int main(void)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct quants q;

	if (!ok(quants_load(&q, &a, "data/quants.yaml", &err) == OK, "data/quants.yaml: %s", err.text))
		return done_testing();
	golden(&q);
	predicates();
	others(&q);
	arena_free(&a);
	return done_testing();
}
