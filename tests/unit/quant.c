/* quant.c - formats, their bytes, recipes by name, and what data/quants.yaml must not say */
#include "../tap.h"

#include "catalog/quant.h"

/* Type numbers, blocks and bytes as ggml.h and ggml-common.h of llama.cpp 0c1e57098 have them. */
static const struct { unsigned type, block, bytes; const char *name; } ggml[] = {
	{ 0, 1, 4, "F32" }, { 1, 1, 2, "F16" }, { 2, 32, 18, "Q4_0" }, { 3, 32, 20, "Q4_1" }, { 6, 32, 22, "Q5_0" }, { 7, 32,
		24, "Q5_1" },
	{ 8, 32, 34, "Q8_0" }, { 9, 32, 36, "Q8_1" }, { 10, 256, 84, "Q2_K" }, { 11, 256, 110, "Q3_K" }, { 12, 256, 144, "Q4_K" },
	{ 13, 256, 176, "Q5_K" }, { 14, 256, 210, "Q6_K" }, { 15, 256, 292, "Q8_K" }, { 16, 256, 66, "IQ2_XXS" }, { 17, 256,
		74, "IQ2_XS" },
	{ 18, 256, 98, "IQ3_XXS" }, { 19, 256, 50, "IQ1_S" }, { 20, 32, 18, "IQ4_NL" }, { 21, 256, 110, "IQ3_S" }, { 22, 256,
		82, "IQ2_S" },
	{ 23, 256, 136, "IQ4_XS" }, { 24, 1, 1, "I8" }, { 25, 1, 2, "I16" }, { 26, 1, 4, "I32" }, { 27, 1, 8, "I64" }, { 28, 1,
		8, "F64" },
	{ 29, 256, 56, "IQ1_M" }, { 30, 1, 2, "BF16" }, { 34, 256, 54, "TQ1_0" }, { 35, 256, 66, "TQ2_0" }, { 39, 32, 17, "MXFP4" },
	{ 40, 64, 36, "NVFP4" }, { 41, 128, 18, "Q1_0" }, { 42, 64, 18, "Q2_0" },
	{ 137, 256, 76, "IQ2_K" }, { 138, 256, 110, "IQ3_K" }, { 139, 256, 144, "IQ4_K" },
};

static void blocks(const struct quants *q)
{
	unsigned numbered = 0;

	for (unsigned i = 0; i < sizeof ggml / sizeof *ggml; i++) {
		uint16_t f = format_by_ggml(q, ggml[i].type);

		if (ok(f != NO_FORMAT, "ggml type %u is known", ggml[i].type))
			ok(q->formats[f].block == ggml[i].block && q->formats[f].bytes == ggml[i].bytes && !strcmp(q->formats[f].name,
				ggml[i].name),
			   "%s: %u bytes for %u", q->formats[f].name, q->formats[f].bytes, q->formats[f].block);
	}
	for (unsigned i = 0; i < q->n_formats; i++)
		numbered += q->formats[i].ggml_type >= 0;
	is_u64(numbered, sizeof ggml / sizeof *ggml, "no further ggml types");
	ok(format_by_ggml(q, 4) == NO_FORMAT && format_by_ggml(q, 31) == NO_FORMAT, "types that were removed are unknown");
}

/* Bytes worked out by hand. */
static const struct { const char *format; uint64_t ne[3], bytes; } sizes[] = {
	{ "q4_k", { 4096, 14336, 1 }, 4096 / 256 * 144ull * 14336 },
	{ "q6_k", { 4096, 128256, 1 }, 4096 / 256 * 210ull * 128256 },
	{ "f32", { 4096, 1, 1 }, 16384 },
	{ "fp8", { 4096, 4096, 1 }, 4096 * 4096 + 8 },
	{ "fp8_block128", { 7168, 576, 1 }, 7168 * 576 + 4ull * 56 * 5 },              /* 576 rows begin a fifth tile */
	{ "fp8_block128", { 2048, 7168, 256 }, 256ull * (2048 * 7168 + 4 * 16 * 56) },  /* each expert has its own tiles */
	{ "fp8_ue8m0", { 4096, 1024, 1 }, 4096 * 1024 + 32 * 8 },
	{ "int8", { 4096, 1024, 1 }, 4096 * 1024 + 2 * 1024 },
	{ "awq_g128", { 4096, 1024, 1 }, 4096 * 1024 / 2 + 32 * 1024 * 2 + 32 * 1024 / 2 },
	{ "gptq_g128", { 4096, 1024, 1 }, 4096 * 1024 / 2 + 32 * 1024 * 2 + 32 * 1024 / 2 + 4 * 4096 },
	{ "int4_g32", { 7168, 2048, 384 }, 384ull * (7168 * 2048 / 2 + 224 * 2048 * 2 + 8) },
	{ "mxfp4_hf", { 2880, 5760, 32 }, 32ull * (2880 * 5760 / 32 * 17) },
	{ "nvfp4_hf", { 4096, 1024, 1 }, 4096 * 1024 / 2 + 4096 * 1024 / 16 + 8 },
	{ "mlx_4bit_g64", { 4096, 1024, 1 }, 4096 * 1024 / 2 + 64 * 1024 * 4 },
	{ "mlx_6bit_g64", { 4096, 1024, 1 }, 4096 * 1024 * 6 / 8 + 64 * 1024 * 4 },
	{ "mlx_8bit_g64", { 4096, 1024, 1 }, 4096 * 1024 + 64 * 1024 * 4 },
	{ "q4_k", { 4096, 0, 1 }, 0 },
};

static void bytes(const struct quants *q)
{
	struct error err = { 0 };
	uint64_t n;

	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		uint16_t f = format_find(q, sizes[i].format);

		if (!ok(f != NO_FORMAT, "%s is known", sizes[i].format))
			continue;
		ok(tensor_bytes(&n, &q->formats[f], sizes[i].ne, &err) == OK, "%s: sized", sizes[i].format);
		is_u64(n, sizes[i].bytes, "%s: %llu x %llu x %llu", sizes[i].format, (unsigned long long)sizes[i].ne[0],
		       (unsigned long long)sizes[i].ne[1], (unsigned long long)sizes[i].ne[2]);
	}
	const struct format *q4 = &q->formats[format_find(q, "Q4_k")], *fp8 = &q->formats[format_find(q, "fp8_block128")];
	ok(tensor_bytes(&n, q4, (const uint64_t[3]){ 100, 1, 1 }, &err) == E_FORMAT && strstr(err.text, "100") &&
		strstr(err.text, "256"),
	   "a row that holds no whole blocks: %s", err.text);
	ok(tensor_bytes(&n, q4, (const uint64_t[3]){ UINT64_C(1) << 62, 256, 256 }, &err) == E_FILE, "overflow: %s", err.text);
	ok(tensor_bytes(&n, fp8, (const uint64_t[3]){ UINT64_C(1) << 62, 1, 1 }, &err) == E_FILE, "overflow in bits: %s", err.text);
	ok(tensor_bytes(&n, fp8, (const uint64_t[3]){ 1 << 20, 1 << 20, UINT64_C(1) << 40 }, &err) == E_FILE,
		"overflow in experts: %s", err.text);
}

static const struct { const char *name, *engine, *id; } names[] = {
	{ "Q4_K_M", NULL, "q4_k_m" }, { "q4_k_m", "llama.cpp", "q4_k_m" }, { "q4", NULL, "q4_k_m" }, { "Q4_K", NULL, "q4_k_m" },
	{ "int4", NULL, "q4_k_m" }, { "int4", "llama.cpp", "q4_k_m" }, { "int4", "vllm", "awq_g128" }, { "INT4", "SGLang",
		"awq_g128" },
	{ "int4", "mlx", "mlx_4bit" }, { "4bit", "mlx", "mlx_4bit" }, { "q8", "mlx", "mlx_8bit" }, { "int8", "vllm", "int8" },
	{ "int8", "llama.cpp", "q8_0" }, { "int8", NULL, "int8" }, { "q8", NULL, "q8_0" }, { "fp16", "llama.cpp", "f16" },
		{ "fp16", "vllm", "fp16" },
	{ "fp16", NULL, "fp16" }, { "f16", NULL, "f16" }, { "bf16", "llama.cpp", "gguf_bf16" }, { "BF16", "vllm", "bf16" },
		{ "bf16", NULL, "bf16" },
	{ "fp8", "vllm", "fp8" }, { "FP8_BLOCK128", "vllm", "fp8_block128" }, { "mxfp4", "llama.cpp", "mxfp4_moe" }, { "mxfp4",
		"vllm", "mxfp4_experts" },
	{ "nvfp4", "tensorrt-llm", "nvfp4" }, { "awq", "vllm", "awq_g128" }, { "gptq", NULL, "gptq_g128" }, { "UD-Q4_K_XL",
		NULL, "ud_q4_k_xl" },
	{ "q3_k_xl", NULL, "q3_k_xl" }, { "IQ4_XS", "ollama", "iq4_xs" }, { "f32", NULL, "f32" },
};

static void finding(const struct quants *q)
{
	struct error err = { 0 };
	const struct recipe *r;

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		int rc = recipe_find(&r, q, names[i].name, names[i].engine, &err);

		is_str(rc == OK ? r->id : err.text, names[i].id, "%s for %s", names[i].name,
			names[i].engine ? names[i].engine : "no engine");
	}
	err = (struct error){ 0 };
	ok(recipe_find(&r, q, "Q4_K_N", "vllm", &err) == E_FORMAT && !r && err.n_candidates > 0, "an unknown name: %s", err.text);
	int near = 0;
	for (int i = 0; i < err.n_candidates; i++)
		near |= !strcmp(err.candidate[i], "Q4_K_M");
	ok(near, "Q4_K_M is near Q4_K_N");
	ok(recipe_find(&r, q, "", NULL, &err) == E_FORMAT, "an empty name");
	ok(format_find(q, "no such") == NO_FORMAT, "an unknown format");
}

static void rates(const struct quants *q)
{
	static const struct { const char *format; unsigned capability; enum math want; } m[] = {
		{ "fp8_block128", 80, MATH_BF16 }, { "fp8_block128", 89, MATH_FP8 }, { "fp8_block128", 90, MATH_FP8 }, { "fp8", 0,
			MATH_BF16 },
		{ "nvfp4_hf", 90, MATH_BF16 }, { "nvfp4_hf", 100, MATH_FP4 }, { "mxfp4", 100, MATH_INT8 }, { "mxfp4", 120, MATH_FP4 },
		{ "q4_k", 0, MATH_INT8 }, { "q4_k", 120, MATH_INT8 }, { "f16", 90, MATH_F16 }, { "bf16", 80, MATH_BF16 },
			{ "awq_g128", 90, MATH_F16 },
	};

	for (unsigned i = 0; i < sizeof m / sizeof *m; i++)
		is_str(math_names[format_math(&q->formats[format_find(q, m[i].format)], m[i].capability)], math_names[m[i].want],
			"%s at %u",
		       m[i].format, m[i].capability);
}

/* What holds for every entry. */
static void whole(const struct quants *q)
{
	int sourced = 1, dynamic = 0, ranges = 1, fits = 1;
	static const char *const ladder[] = { NULL, "q8_0", "q6_k", "q5_k_m", "q4_k_m", "iq4_xs", "q3_k_m", "iq3_xxs", "q2_k", "fp8", "awq_g128", "mlx_8bit", "mlx_6bit", "mlx_4bit" };

	for (unsigned i = 0; i < q->n_formats; i++)
		sourced &= q->formats[i].source && *q->formats[i].source;
	for (unsigned i = 0; i < q->n_recipes; i++) {
		const struct recipe *r = &q->recipes[i];

		sourced &= r->source && *r->source;
		dynamic += r->dynamic;
		ranges &= !r->dynamic || r->bpw_low < r->bpw_high;
		fits &= r->packing != PACK_GGUF || (q->formats[r->base].ggml_type >= 0 && q->formats[r->plain].ggml_type == 0);
		for (unsigned k = 0; k < r->n_rules; k++)
			fits &= (r->packing == PACK_GGUF) <= (q->formats[r->rules[k].format].ggml_type >= 0);
	}
	ok(sourced, "every format and recipe names its source");
	ok(dynamic >= 20 && ranges, "%d dynamic recipes, each with a range", dynamic);
	ok(fits, "recipes of GGUF files use ggml types only");
	is_u64(q->n_ladder, sizeof ladder / sizeof *ladder, "the ladder");
	for (unsigned i = 0; i < q->n_ladder; i++)
		ok(ladder[i] ? q->ladder[i] < q->n_recipes && !strcmp(q->recipes[q->ladder[i]].id,
			ladder[i]) : q->ladder[i] == NO_FORMAT,
		   "step %u: %s", i, ladder[i] ? ladder[i] : "as released");
}

#define R "{packing: gguf, default: f32, plain: f32, source: s"
#define HEAD "schema: 1\nsources: {s: test}\nformats:\n  f32: {block: 1, bytes: 4, math: {default: f32}, source: s}\n"
#define FORMAT(x) HEAD "  y: {" x "}\nrecipes: {}\n"
#define RECIPE(x) HEAD "recipes:\n  r: {packing: gguf, default: f32, plain: f32, source: s, " x "}\n"
static const struct { const char *text, *says; } bad[] = {
	{ "schema: 2\n", "schema" },
	{ "schema: 1\n", "formats" },
	{ "[1]\n", "" },
	{ "schema: 1\nformats: {}\n", "recipes" },
	{ HEAD "recipes: {}\nreceipts: {}\n", "receipts" },
	{ FORMAT("block: 32, math: {default: f32}, source: s"), "block and bytes" },
	{ FORMAT("block: 32, bytes: 18, bits: 4, math: {default: f32}, source: s"), "bits" },
	{ FORMAT("block: 0, bytes: 18, math: {default: f32}, source: s"), "block" },
	{ FORMAT("block: 32, bytes: 18, per_tensor_bytes: 4, math: {default: f32}, source: s"), "scales" },
	{ FORMAT("block: 32, bytes: 18, math: {default: f32}, source: t"), "source" },
	{ FORMAT("block: 32, bytes: 18, math: {default: f32}"), "source" },
	{ FORMAT("block: 32, bytes: 18, source: s"), "math" },
	{ FORMAT("block: 32, bytes: 18, math: {default: f33}, source: s"), "default" },
	{ FORMAT("block: 32, bytes: 18, math: {default: f32, sm_x: f16}, source: s"), "sm_x" },
	{ FORMAT("block: 32, bytes: 18, math: {default: f32, gfx9: f16}, source: s"), "gfx9" },
	{ FORMAT("bits: 4, scales: [{tile: [32], bytes: 1}], math: {default: f32}, source: s"), "tile" },
	{ FORMAT("bits: 4, scales: {tile: [32, 1], bytes: 1}, math: {default: f32}, source: s"), "" },
	{ FORMAT("bits: 4, scales: [{tile: [32, 1], bites: 1}], math: {default: f32}, source: s"), "bytes" },
	{ FORMAT("bits: 4, zeros: [{tile: [0, 1], bits: 4}], math: {default: f32}, source: s"), "zeros" },
	{ FORMAT("bits: 4, colour: red, math: {default: f32}, source: s"), "colour" },
	{ HEAD "  F32: {block: 1, bytes: 4, math: {default: f32}, source: s}\nrecipes: {}\n", "another format" },
	{ RECIPE("rules: [{role: nose, format: f32}]"), "nose" },
	{ RECIPE("rules: [{role: norm, format: f99}]"), "f99" },
	{ RECIPE("rules: [{role: norm}]"), "format" },
	{ RECIPE("rules: [{format: f32}]"), "role" },
	{ RECIPE("rules: [{role: norm, when: [full_moon], format: f32}]"), "full_moon" },
	{ RECIPE("rules: [{role: norm, from: [f99], format: f32}]"), "f99" },
	{ RECIPE("rules: [{use: nothing}]"), "nothing" },
	{ RECIPE("rules: [{use: nothing, role: norm}]"), "" },
	{ RECIPE("rules: [{role: norm, format: f32, wen: [mtp]}]"), "wen" },
	{ RECIPE("dynamic: true"), "bpw" },
	{ RECIPE("dynamic: true, bpw_low: 3, bpw_high: 2"), "bpw" },
	{ RECIPE("bpw_low: 3, bpw_high: 4"), "bpw" },
	{ RECIPE("row_not_multiple: {f99: f32}"), "f99" },
	{ RECIPE("row_not_multiple: elsewhere"), "elsewhere" },
	{ RECIPE("aliases: [a, A]"), "" },
	{ HEAD "rule_sets: {a: [{use: b}], b: [{use: a}]}\nrecipes:\n  r: " R ", rules: [{use: a}]}\n", "sets" },
	{ HEAD "role_groups: {a: [b], b: [a]}\nrecipes:\n  r: " R ", rules: [{role: a, format: f32}]}\n", "role" },
	{ HEAD "recipes: {}\nladder: [q4]\n", "ladder" },
	{ HEAD "recipes:\n  r: {packing: zip, default: f32, plain: f32, source: s}\n", "packing" },
	{ HEAD "recipes:\n  r: " R "}\n  R: " R "}\n", "another recipe" },
};

static void refused(void)
{
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena a = { 0 };
		struct error err = { 0 };
		struct quants q;
		int rc = quants_parse(&q, &a, "bad.yaml", bad[i].text, strlen(bad[i].text), &err);

		ok(rc == E_CATALOGUE && !strncmp(err.text, "bad.yaml:", 9) && strstr(err.text, bad[i].says), "refused: %s", err.text);
		arena_free(&a);
	}
}

/* Out of memory at any allocation is an error, not a crash. */
static void out_of_memory(void)
{
	int failed = 0, rc = E_NOMEM;

	for (int n = 0; rc != OK && n < 200; n++) {
		struct arena a = { 0 };
		struct error err = { 0 };
		struct quants q;

		arena_fail_after(n);
		rc = quants_load(&q, &a, "data/quants.yaml", &err);
		arena_fail_after(-1);
		if (rc != OK && rc != E_NOMEM)
			printf("# %d: %s\n", rc, err.text);
		failed += rc == E_NOMEM;
		if (rc != OK && rc != E_NOMEM)
			break;
		arena_free(&a);
	}
	ok(rc == OK && failed > 0, "%d allocations failed, each one noticed", failed);
}

int main(void)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct quants q;

	if (!ok(quants_load(&q, &a, "data/quants.yaml", &err) == OK, "data/quants.yaml: %s", err.text))
		return done_testing();
	blocks(&q);
	bytes(&q);
	finding(&q);
	rates(&q);
	whole(&q);
	refused();
	out_of_memory();
	ok(quants_load(&q, &a, "data/nothing.yaml", &err) == E_FILE, "no such file: %s", err.text);
	arena_free(&a);
	return done_testing();
}
