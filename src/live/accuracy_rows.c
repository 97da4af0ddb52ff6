/* accuracy_rows.c - one row of each kind of file -> predictions */
#include "live/accuracy_names.h"

#include "base/str.h"
#include "base/units.h"
#include "calc/buffers.h"
#include "calc/estimate.h"
#include "calc/footprint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *reason(struct acc_row *r, const char *what, const char *name)
{
	const char *s = arena_printf(r->arena, "%s: %s", what, name);

	return s ? s : what;
}

static int row_settings(struct settings *set, struct acc_row *r, const char *engine, struct error *err)
{
	const struct engine_profile *profile = engine_find(catalog_engines(r->c), engine);

	if (!profile)
		return error_set(err, E_CATALOGUE, "data/engines.yaml: no profile %s", engine);
	settings_default(set, profile, catalog_quants(r->c));
	set->ctx_tokens = 1;
	return OK;
}

static int find_recipe(const struct recipe **out, struct acc_row *r, const char *quant, const char *engine)
{
	*out = accuracy_recipe(r, quant, accuracy_engine(r, engine));
	return *out != NULL;
}

/* Ollama's library prints two or three digits ("1.9GB", "43GB", "1.3TB"), and its files bundle the image encoder. */
static double ollama_half(double size)
{
	return size >= 1000 ? 50 : size >= 10 ? 0.5 : 0.05;
}

/* Whose files a catalogue lists: "(unsloth/gpt-oss-120b-GGUF; 1 decimal)" -> unsloth; else the source's first word. */
static const char *publisher(struct acc_row *r)
{
	const char *source = csv_get(r->csv, r->row, "source"), *open = strchr(source, '('), *slash = open ? strchr(open, '/') : NULL;

	if (slash && strcspn(open + 1, " ;)/") == (size_t)(slash - open - 1))
		return arena_strndup(r->scratch, open + 1, (size_t)(slash - open - 1));
	return arena_strndup(r->scratch, source, strcspn(source, " ,"));
}

int accuracy_gguf_size(struct acc_row *r, struct error *err)
{
	const char *name = csv_get(r->csv, r->row, "model"), *quant = accuracy_quant(r, csv_get(r->csv, r->row, "quant"), name), *unit = csv_get(r->csv, r->row, "unit");
	const struct model_entry *m = accuracy_model(r, name, quant);
	const char *text = csv_get(r->csv, r->row, "size_value");
	struct settings set;
	struct footprint f;
	int ollama = str_prefix(csv_get(r->csv, r->row, "source"), "ollama library");
	double one = !strcmp(unit, "GiB") ? 1073741824.0 : !strcmp(unit, "GB") ? 1e9 : !strcmp(unit, "bytes") ? 1 : 0;
	int rc;

	if (!m) {
		accuracy_skip(r, reason(r, "model not in the catalogue", name));
		return OK;
	}
	if (!m->spec) {
		accuracy_skip(r, reason(r, "no shapes", name));
		return OK;
	}
	if (strstr(name, "-UD-") && !strcmp(csv_get(r->csv, r->row, "recipe"), "stock")) {
		accuracy_skip(r, reason(r, "a dynamic file by its name, listed under a stock quantisation", name));
		return OK;
	}
	if ((rc = row_settings(&set, r, "llama.cpp", err)) != OK)
		return rc;
	if (!find_recipe(&set.recipe, r, quant, "llama.cpp")) {
		accuracy_skip(r, reason(r, "no such quantisation", quant));
		return OK;
	}
	if (one == 0) {
		accuracy_skip(r, reason(r, "unknown unit", unit));
		return OK;
	}
	set.imatrix = set.recipe->imatrix;
	if ((rc = footprint_compute(&f, m->spec, catalog_quants(r->c), &set, r->scratch, err)) != OK) {
		accuracy_skip(r, reason(r, err ? err->text : "cannot be computed", ""));
		return OK;
	}
	double predicted = (double)f.file_bytes;
	if (set.recipe->dynamic)
		predicted = (double)f.params_text * (set.recipe->bpw_low + set.recipe->bpw_high) / 16;
	const char *keys[] = { "recipe", csv_get(r->csv, r->row, "recipe"), "publisher", publisher(r), "quant", set.recipe->name, "model_kind", m->spec->architecture, "tier", csv_get(r->csv, r->row, "tier"), NULL };
	for (unsigned i = 0; ollama && i < m->spec->n_encoders; i++)
		predicted += 2.0 * (double)m->spec->encoders[i].params;
	accuracy_add(r, "file_bytes", 1, predicted, text, one, ollama ? ollama_half(atof(text)) : 0, keys);
	return OK;
}

/* "CUDA0=6390; CUDA_Host=540" -> the sum in MiB, with the digits of the coarsest part; 0 when a part is not a plain figure. */
static int sum_parts(char *out, size_t n, double *half, const char *text, const char *only)
{
	double sum = 0;
	int digits = 9, found = 0;

	*half = 0;
	for (const char *p = text; *p;) {
		const char *eq = strchr(p, '='), *end = strchr(p, ';');
		if (!end)
			end = p + strlen(p);
		const char *num = eq && eq < end ? eq + 1 : p;
		int host = !strncmp(p + strspn(p, " "), "CPU", 3) || !strncmp(p + strspn(p, " "), "CUDA_Host", 9) || !strncmp(p + strspn(p, " "), "Host", 4) ||
			   !strncmp(p + strspn(p, " "), "Vulkan_Host", 11) || !strncmp(p + strspn(p, " "), "ROCm_Host", 9);
		char *stop;
		double v = strtod(num, &stop);
		if (stop == num || (*stop && *stop != ';' && *stop != ' '))
			return 0;
		if (!only || (host == !strcmp(only, "host"))) {
			const char *dot = memchr(num, '.', (size_t)(stop - num));
			int d = dot ? (int)(stop - dot - 1) : 0;
			digits = d < digits ? d : digits;
			*half += 0.5 * pow(10, -d);      /* every part is rounded on its own */
			sum += v;
			found = 1;
		}
		p = *end ? end + 1 : end;
	}
	snprintf(out, n, "%.*f", digits > 3 ? 3 : digits, sum);
	return found;
}

static uint16_t cache_type(struct acc_row *r, const char *text, uint16_t other)
{
	uint16_t f = text[0] ? format_find(catalog_quants(r->c), text) : other;

	return f == NO_FORMAT ? other : f;
}

/* Which of the caches a row's figure holds. */
static double scope_bytes(const char *scope, const struct cache_bytes *c, double windowless)
{
	if (!strcmp(scope, "recurrent_only"))
		return (double)c->state;
	if (!strcmp(scope, "with_recurrent"))
		return (double)c->kv + (double)c->state;
	if (!strcmp(scope, "non_swa_part"))
		return windowless;
	return (double)c->kv;
}

struct windowless { const struct settings *set; const struct quants *q; double bytes; };
static int add_windowless(void *user, const struct state_item *s, struct error *err)
{
	struct windowless *w = user;
	uint64_t b = 0;
	int rc = state_bytes(&b, s, w->set->engine, w->q, w->set, err);

	if (rc == OK && s->growth == GROW_TOKEN)
		w->bytes += (double)b;
	return rc;
}

int accuracy_llamacpp(struct acc_row *r, struct error *err)
{
	const struct csv *c = r->csv;
	const char *name = csv_get(c, r->row, "model"), *quant = accuracy_quant(r, csv_get(c, r->row, "quant"), name), *fork = csv_get(c, r->row, "fork");
	const char *kv = csv_get(c, r->row, "kv_mib"), *scope = csv_get(c, r->row, "kv_scope"), *fa = csv_get(c, r->row, "flash_attn");
	const struct model_entry *m = accuracy_model(r, name, quant);
	const struct quants *q = catalog_quants(r->c);
	const char *keys[] = { "fork", fork, "era", csv_get(c, r->row, "build_era"), "inferred", csv_get(c, r->row, "inferred")[0] ? "yes" : "no",
		"tier", csv_get(c, r->row, "tier"), NULL };
	struct cache_bytes cache;
	struct settings set;
	uint64_t n_ctx = 0, seqs = 1, ubatch;
	char sum[32];
	double half;
	int rc, done = 0;

	if (!m || !m->spec) {
		accuracy_skip(r, reason(r, "model not in the catalogue", name));
		return OK;
	}
	if ((rc = row_settings(&set, r, fork[0] ? fork : "llama.cpp", NULL)) != OK) {
		accuracy_skip(r, reason(r, "no engine profile", fork));
		return OK;
	}
	int has_ctx = !parse_u64(&n_ctx, csv_get(c, r->row, "n_ctx")) && n_ctx > 0;
	if (parse_u64(&seqs, csv_get(c, r->row, "n_seqs")) || seqs == 0)
		seqs = 1;
	set.sequences = (uint32_t)seqs;
	/* the loader prints its total over the sequences */
	set.ctx_tokens = has_ctx ? n_ctx / seqs : 4096;
	if (!parse_u64(&ubatch, csv_get(c, r->row, "n_ubatch")) && ubatch)
		set.ubatch = (uint32_t)ubatch;
	set.kv_k = cache_type(r, csv_get(c, r->row, "kv_type_k"), set.kv_k);
	set.kv_v = cache_type(r, csv_get(c, r->row, "kv_type_v"), set.kv_k);
	set.flash = !strcmp(fa, "0") ? FLASH_OFF : FLASH_AUTO;
	set.swa_full = !strcmp(csv_get(c, r->row, "swa_full"), "yes");
	struct engine_profile own = *set.engine;
	/* one run of cells for all slots; what the fork keeps of MLA: without a mode, a V type says that every head is kept */
	const char *mode = csv_get(c, r->row, "mla_mode"), *v_type = csv_get(c, r->row, "kv_type_v");
	own.unified = csv_get(c, r->row, "unified")[0] != 0 || own.unified;
	if (!strcmp(fork, "ik_llama.cpp") && !str_prefix(v_type, "none"))
		own.mla_cache = strstr(csv_get(c, r->row, "notes"), "mla=1") ? MLA_LATENT_AND_V : !strcmp(mode, "none") || !mode[0] ? MLA_HEADS : MLA_LATENT;
	set.engine = &own;
	if (!find_recipe(&set.recipe, r, quant, "llama.cpp"))
		set.recipe = NULL;
	else
		set.imatrix = set.recipe->imatrix;
	if ((rc = cache_compute(&cache, m->spec, q, &set, r->scratch, err)) != OK)
		return rc;
	struct windowless w = { &set, q, 0 };
	if ((rc = state_walk(m->spec, 0, add_windowless, &w, err)) != OK)
		return rc;
	double bytes = scope_bytes(scope, &cache, w.bytes);
	if (kv[0] && (has_ctx || !strcmp(scope, "recurrent_only"))) {
		accuracy_add(r, "kv_cache_bytes", 1, bytes, kv, 1048576.0, 0, keys);
		done = 1;
	}
	if (set.recipe && !set.recipe->dynamic) {
		struct footprint f;
		double weights;
		if ((rc = footprint_compute(&f, m->spec, q, &set, r->scratch, err)) != OK)
			return rc;
		weights = 0;
		for (unsigned u = 0; u < USES; u++)
			weights += (double)f.weights[COMP_TEXT][u];
		if (sum_parts(sum, sizeof sum, &half, csv_get(c, r->row, "model_buffer_mib"), NULL)) {
			/* llama.cpp keeps a tied table twice when a card holds the head, and its loader prints both; a card listed alone holds all
			 * but the tables that are only looked up */
			const char *cell = csv_get(c, r->row, "model_buffer_mib");
			int host = strstr(cell, "CPU") || strstr(cell, "Host") || strstr(cell, "total") || strstr(cell, "file");
			int card = strstr(cell, "CUDA") || strstr(cell, "ROCm") || strstr(cell, "Vulkan");
			double total = weights + (host && strchr(cell, ';') ? (double)f.tied_bytes : 0) - (card && !host ? (double)f.input_bytes : 0);
			accuracy_add(r, "weights_bytes", 0, total, sum, 1048576.0, half, keys);
			if (kv[0] && has_ctx) {
				char both[40];
				snprintf(both, sizeof both, "%.2f", atof(sum) + atof(kv));
				accuracy_add(r, "weights_and_kv_bytes", 0, total + bytes, both, 1048576.0, half + 0.5, keys);
			}
		}
	}
	if (has_ctx && set.recipe) {
		struct buffer_plan plan;
		if ((rc = buffers_for(&plan, m->spec, q, &set, r->scratch, err)) != OK)
			return rc;
		const char *cells = csv_get(c, r->row, "compute_buffer_mib");
		if (cells[0] && !strstr(cells, "CUDA1") && !strstr(cells, "HTP") && sum_parts(sum, sizeof sum, &half, cells, strchr(cells, ';') ? "device" : NULL) && atof(sum) > 0)
			accuracy_add(r, fork[0] && !strcmp(fork, "llama.cpp") && !csv_get(c, r->row, "build_era")[0] ? "compute_bytes" : "compute_bytes_older_or_fork", 0, (double)plan.bytes, sum, 1048576.0, half, keys);
	}
	if (!done)
		accuracy_skip(r, "no KV figure tied to a context");
	return OK;
}

/* Bytes one card keeps of the KV cache for a token, from vLLM's own page arithmetic. */
int accuracy_vllm(struct acc_row *r, struct error *err)
{
	const struct csv *c = r->csv;
	const char *name = csv_get(c, r->row, "model"), *dtype = csv_get(c, r->row, "dtype"), *tokens = csv_get(c, r->row, "kv_tokens");
	const char *kv = csv_get(c, r->row, "kv_gib"), *weights = csv_get(c, r->row, "model_gib"), *notes = csv_get(c, r->row, "notes");
	const struct model_entry *m = accuracy_model(r, name, "");
	const struct quants *q = catalog_quants(r->c);
	const char *keys[] = { "complete", csv_get(c, r->row, "complete")[0] ? "yes" : "no", "tier", csv_get(c, r->row, "tier"), NULL };
	struct cache_bytes cache;
	struct footprint f;
	struct settings set;
	uint64_t tp = 1, n, max_len = 0;
	int rc;

	if (!m || !m->spec) {
		accuracy_skip(r, reason(r, "model not in the catalogue", name));
		return OK;
	}
	if ((rc = row_settings(&set, r, "vllm", err)) != OK)
		return rc;
	if (parse_u64(&tp, csv_get(c, r->row, "tp")) || tp == 0)
		tp = 1;
	if (strstr(dtype, "fp8 KV") || strstr(dtype, "fp8_e5m2 KV") || strstr(notes, "fp8 KV implied"))
		set.kv_k = set.kv_v = format_find(q, "fp8_e4m3");
	else if (strstr(dtype, "int8_per_token_head KV") || strstr(dtype, "int8 KV") || strstr(dtype, "nvfp4 KV") || strstr(dtype, "fp8_ds_mla")) {
		accuracy_skip(r, reason(r, "KV cache format not described", dtype));
		return OK;
	}
	find_recipe(&set.recipe, r, accuracy_quant(r, dtype, name), "vllm");
	if (set.recipe && weights[0]) {
		if ((rc = footprint_compute(&f, m->spec, q, &set, r->scratch, err)) == OK) {
			double all = 0;
			for (unsigned u = 0; u < USES; u++)
				all += (double)f.weights[COMP_TEXT][u] + (double)f.weights[COMP_VISION][u] + (double)f.weights[COMP_AUDIO][u];
			accuracy_add(r, "weights_bytes", 0, all / (double)tp, weights, 1073741824.0, 0, keys);
		}
	}
	if (!tokens[0] || !kv[0] || parse_u64(&n, tokens)) {
		accuracy_skip(r, "KV bytes or KV tokens not both printed, and the activation peak is not known");
		return OK;
	}
	/* one sequence of the stated length: bytes a card keeps for it, so tokens = bytes / that * length */
	if (parse_u64(&max_len, csv_get(c, r->row, "max_model_len")) || max_len < 1024)
		max_len = 16384;
	set.ctx_tokens = max_len;
	if (cache_compute(&cache, m->spec, q, &set, r->scratch, err) != OK) {
		accuracy_skip(r, reason(r, "KV cache", err ? err->text : ""));
		return OK;
	}
	uint64_t heads = cache.kv_heads_min ? cache.kv_heads_min : 1, share = heads < tp ? heads : tp;
	double per_card = (double)cache.kv_cut[0] + (double)cache.kv_cut[1] / (double)share;
	double half = 0.005, gib = atof(kv), predicted = gib * 1073741824.0 / per_card * (double)max_len, low = (gib - half) / gib, high = (gib + half) / gib;
	/* the printed GiB has two digits: a figure inside what they allow is exact */
	double want = (double)n;
	if (want >= predicted * low && want <= predicted * high)
		predicted = want;
	accuracy_add(r, "kv_tokens", 1, predicted, tokens, 1, 0, keys);
	return OK;
}
