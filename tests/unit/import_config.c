/* import_config.c - released config.json files against published counts, against the catalogue's entries, and bad ones */
#include "../tap.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/units.h"
#include "calc/inventory.h"
#include "calc/state.h"
#include "catalog/import_config.h"
#include "catalog/model_yaml.h"

static const char folder[] = "tests/configs";

struct sums { uint64_t token, window, chunk, recurrent, conv; };

static int add_state(void *user, const struct state_item *s, struct error *err)
{
	struct sums *x = user;
	uint64_t n = (uint64_t)s->row * s->rows * layer_count(&s->layers);

	(void)err;
	/* not what an engine adds: V rows beside index keys, rows still being made */
	if (s->type_rule == TYPE_INDEX_V || s->role == STATE_COMPRESSOR)
		return OK;
	switch ((enum growth)s->growth) {
	case GROW_TOKEN: x->token += 2 * n; break;
	case GROW_WINDOW: x->window += 2 * n * s->span; break;
	case GROW_CHUNK: x->chunk += 2 * n * s->span; break;
	case GROW_RATIO: x->token += 2 * n / s->span; break;
	case GROW_FIXED: *(s->role == STATE_CONV ? &x->conv : &x->recurrent) += n; break;
	}
	return OK;
}

static int import_file(struct model_spec *m, struct arena *a, const char *name, struct error *err)
{
	char *path = arena_printf(a, "%s/%s", folder, name), *bytes;
	size_t n;
	int rc = path ? file_read(&bytes, &n, a, path, (size_t)16 << 20, err) : E_NOMEM;

	return rc == OK ? import_config(m, a, path, bytes, n, err) : rc;
}

static uint64_t number(const struct csv *c, unsigned row, const char *column)
{
	double v = 0;

	return parse_f64(&v, csv_get(c, row, column)) ? 0 : (uint64_t)v;
}

/* Off by less than a tenth of a per cent, with the reason. All others are exact. */
static const struct { const char *file; uint64_t total; } inexact[] = {
	/* this copy says patch_size 14, the weights have 16 */
	{ "Qwen--Qwen3-VL-235B-A22B-Thinking_config.json", 235669608176 },
};

static uint64_t expected(const char *file, uint64_t published)
{
	for (unsigned i = 0; i < sizeof inexact / sizeof *inexact; i++)
		if (!strcmp(inexact[i].file, file))
			return inexact[i].total;
	return published;
}

/* The catalogue's entry of the same model was written by hand from the same facts. */
static void check_entry(const char *file, const char *record, const struct counts *c, const struct sums *s)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct ydoc d;
	struct model_entry e;
	char *path = arena_printf(&a, "models.d/%s.yaml", record);

	if (!ok(path && yaml_load(&d, &a, path, &err) == OK && model_entry_read(&e, &a, &d, &err) == OK, "%s: %s is in the catalogue",
		file, record)) {
		printf("# %s\n", err.text);
	} else if (e.spec) {
		is_u64(c->active, e.checks.params_active, "%s: active parameters", file);
		is_u64(s->window, e.checks.kv_window_bytes_f16, "%s: cache of layers with a window", file);
		is_u64(s->chunk, e.checks.kv_chunk_bytes_f16, "%s: cache of layers with chunks", file);
		is_u64(s->recurrent, e.checks.state_elements_recurrent, "%s: recurrent state", file);
		is_u64(s->conv, e.checks.state_elements_conv, "%s: state of short convolutions", file);
	}
	arena_free(&a);
}

static int check_row(const struct csv *t, unsigned row, const struct quants *q)
{
	const char *file = csv_get(t, row, "file"), *record = csv_get(t, row, "record");
	int tower = !strcmp(csv_get(t, row, "vision_in_this_file"), "yes"), exact = 0;
	uint64_t total = number(t, row, tower ? "params_total" : "params_text_only");
	struct arena a = { 0 };
	struct error err = { 0 };
	struct model_spec m;
	struct counts c;
	struct sums s = { 0 };

	if (!ok(import_file(&m, &a, file, &err) == OK && inventory_counts(&c, &m, q, &err) == OK &&
		state_walk(&m, 0, add_state, &s, &err) == OK, "%s: imported", file)) {
		printf("# %s\n", err.text);
	} else if (record[0]) {
		is_u64(c.total, expected(file, total), "%s: parameters", file);
		is_u64(c.text, number(t, row, "params_text_only"), "%s: of the text model", file);
		is_u64(c.mtp, number(t, row, "params_mtp"), "%s: of MTP blocks", file);
		is_u64(s.token, number(t, row, "kv_bytes_per_token_bf16"), "%s: cache bytes a token", file);
		check_entry(file, record, &c, &s);
		exact = c.total == total;
	}
	arena_free(&a);
	return exact;
}

static void check_index(const struct quants *q)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct csv t;
	char *bytes;
	size_t n;
	unsigned rows = 0, exact = 0;

	if (!ok(file_read(&bytes, &n, &a, "tests/configs/index.csv", 1 << 20, &err) == OK &&
		csv_parse(&t, &a, "index.csv", bytes, n, &err) == OK, "index.csv read")) {
		printf("# %s\n", err.text);
		return;
	}
	for (unsigned i = 0; i < t.n_rows; i++) {
		rows += csv_get(&t, i, "record")[0] != 0;
		exact += (unsigned)check_row(&t, i, q);
	}
	ok(rows >= 77 && exact * 10 >= rows * 9, "%u of %u files with a published count are exact", exact, rows);
	arena_free(&a);
}

/* Files that index.csv gives no count for, and what the released weights are stored as. */
static const struct { const char *file; uint64_t total, mtp; const char *architecture, *native; } more[] = {
	{ "LLAMA2_7B_config.json", 6738415616, 0, "llama", "fp16" },
	{ "LLAMA2_70B_config.json", 68976648192, 0, "llama", "fp16" },
	{ "Nemotron_super_v1.1_config.json", 49867145216, 0, "deci", "bf16" },
	{ "Llama-3_1-Nemotron-Ultra-253B-v1_config.json", 253401268224, 0, "deci", "bf16" },
	{ "mistralai--Mixtral-8x7B-v0.1_config.json", 46702792704, 0, "llama", "bf16" },
	{ "XiaomiMiMo--MiMo-7B-Base_config.json", 7622619136, 210790400, "unknown", "bf16" },
	{ "QWEN3_235B_config.json", 235670022896, 0, "qwen3vlmoe", "bf16" },
	{ "nvidia--Nemotron-3-Nano_config.json", 31577937344, 0, "nemotron_h_moe", "bf16" },
	{ "deepseek-ai--DeepSeek-V3_config.json", 671026419200, 13463426304, "deepseek2", "fp8_block128" },
	{ "deepseek-ai--DeepSeek-V3.2_config.json", 671877944064, 13477385728, "deepseek32", "fp8_block128" },
	{ "deepseek-ai--DeepSeek-V4-Flash_config.json", 284332240471, 6610048891, "deepseek4", "fp8_fp4_v4" },
	{ "sgl-project--DeepSeek-V4-Flash-FP8_config.json", 284332240471, 6610048891, "deepseek4", "fp8_ue8m0" },
	{ "Qwen--Qwen3-32B-FP8-Static-PerTensor_config.json", 32762123264, 0, "qwen3", "fp8" },
	{ "Qwen--Qwen3-32B-FP8_config.json", 32762123264, 0, "qwen3", "fp8_block128" },
	{ "openai--gpt-oss-120b_config.json", 116829156672, 0, "gpt-oss", "mxfp4_experts" },
	{ "moonshotai--Kimi-K3_config.json", 2779931837184, 0, "kimi-k3", "mxfp4_experts" },
	{ "nvidia--Kimi-K2.6-NVFP4_config.json", 1026879376368, 0, "deepseek2", "nvfp4_experts" },
	{ "nvidia--GLM-5.1-NVFP4_config.json", 743911218432, 9952920576, "glm-dsa", "nvfp4_experts" },
	{ "nvidia--Qwen3.5-397B-A17B-NVFP4_config.json", 396802360816, 6595568128, "qwen35moe", "nvfp4_experts" },
	{ "nvidia--Gemma-4-26B-A4B-NVFP4_config.json", 25805936206, 0, "gemma4", "nvfp4_experts" },
	{ "nvidia--Gemma-4-31B-IT-NVFP4_config.json", 31273088876, 0, "gemma4", "nvfp4_mlp" },
	{ "nvidia--MiniMax-M2.5-NVFP4_config.json", 228689764864, 0, "minimax-m2", "nvfp4_mlp" },
	{ "nvidia--MiniMax-M3-NVFP4_config.json", 427040140160, 0, "minimax-m3", NULL },      /* MXFP8 and NVFP4: no recipe says that */
};

static void check_more(const struct quants *q)
{
	for (unsigned i = 0; i < sizeof more / sizeof *more; i++) {
		struct arena a = { 0 };
		struct error err = { 0 };
		struct model_spec m;
		struct counts c;
		const struct recipe *r;

		if (!ok(import_file(&m, &a, more[i].file, &err) == OK && inventory_counts(&c, &m, q, &err) == OK, "%s: imported",
			more[i].file)) {
			printf("# %s\n", err.text);
		} else {
			is_u64(c.total, more[i].total, "%s: parameters", more[i].file);
			is_u64(c.mtp, more[i].mtp, "%s: MTP", more[i].file);
			is_str(m.architecture, more[i].architecture, "%s: architecture", more[i].file);
			is_str(m.native_format ? m.native_format : "none", more[i].native ? more[i].native : "none", "%s: released as", more[i].file);
			if (m.native_format)
				ok(recipe_find(&r, q, m.native_format, NULL, &err) == OK, "%s: %s is a recipe", more[i].file, m.native_format);
			else
				ok(m.n_warnings > 0, "%s: a format without a recipe is said", more[i].file);
		}
		arena_free(&a);
	}
}

/* Out of memory at every allocation: one error, nothing leaked (seen by the sanitiser). */
static void check_memory(void)
{
	int rc = E_NOMEM, n = 0;

	for (; n < 200 && rc == E_NOMEM; n++) {
		struct arena a = { 0 }, file = { 0 };
		struct error err = { 0 };
		struct model_spec m;
		char *bytes;
		size_t size;

		rc = file_read(&bytes, &size, &file, "tests/configs/nvidia--MiniMax-M3-NVFP4_config.json", 1 << 20, &err);
		arena_fail_after(n);
		if (rc == OK)
			rc = import_config(&m, &a, "x", bytes, size, &err);
		arena_fail_after(-1);
		if (rc != OK && rc != E_NOMEM)
			printf("# %d: %s\n", n, err.text);
		arena_free(&a);
		arena_free(&file);
	}
	ok(rc == OK && n > 1, "%d failed allocations are reported", n - 1);
}

int main(void)
{
	struct arena a = { 0 };
	struct quants q;
	struct error err = { 0 };

	if (!ok(quants_load(&q, &a, "data/quants.yaml", &err) == OK, "formats read")) {
		printf("# %s\n", err.text);
		return done_testing();
	}
	check_index(&q);
	check_more(&q);
	check_memory();
	arena_free(&a);
	return done_testing();
}
