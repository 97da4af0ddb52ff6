/* weights_config.c - what config.json says of a forward pass beside shapes: transformers 5.23, models/NAME/configuration_NAME.py and modeling_NAME.py
 *
 * A description (import_config()) has what takes memory or work. What is read here changes numbers alone; where it says something that kernels do not do, the
 * file is refused: a wrong answer is worse than none. */
#include "engine/weights_hf.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

struct reader { const char *file; const cJSON *text, *root; struct error *err; };

static const cJSON *in(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_IsObject(o) ? cJSON_GetObjectItemCaseSensitive(o, key) : NULL;

	return v && !cJSON_IsNull(v) ? v : NULL;
}
static int is_arch(const struct weights *w, const char *name) { return !strcmp(w->model.architecture, name); }

/* Only `want` can be run. absent: it may be. */
static int only(const struct reader *r, const cJSON *o, const char *key, double want)
{
	double v = want;
	int rc = json_f64(&v, r->file, o, key, r->err);

	if (rc < 0)
		return rc;
	return v == want ? OK : error_set(r->err, E_ARCH, "%s: %s is %g; from safetensors only %g is run", r->file, key, v, want);
}
#define TRY(x) do { int rc_ = (x); if (rc_ < 0) return rc_; } while (0)

/* The factors of llama3's rotation with other bounds than the usual (Llama 4: both 1). */
static int llama3(struct weights *w, unsigned i, const struct reader *r, const cJSON *scaling)
{
	const struct rope *rope = &w->model.rope[i];
	double low = 1.0, high = 4.0;
	float *f;

	TRY(json_f64(&low, r->file, scaling, "low_freq_factor", r->err));
	TRY(json_f64(&high, r->file, scaling, "high_freq_factor", r->err));
	if (!(low > 0.0) || !(high >= low))
		return error_set(r->err, E_FILE, "%s: low_freq_factor %g, high_freq_factor %g", r->file, low, high);
	if (!(f = arena_array(&w->arena, rope->dims / 2 + 1, sizeof *f)))
		return error_set(r->err, E_NOMEM, "out of memory");
	for (uint32_t k = 0; k < rope->dims / 2; k++)
		f[k] = (float)hyper_llama3_factor(rope, low, high, k);
	w->hyper.rope[i].factors = f;
	return OK;
}

static int rotation(struct weights *w, const struct reader *r)
{
	const cJSON *scaling = in(r->text, "rope_scaling"), *params = in(r->text, "rope_parameters"), *full = in(params, "full_attention");
	int mla = is_arch(w, "deepseek2");

	scaling = full ? full : params ? params : scaling;
	for (unsigned i = 0; scaling && i < w->model.n_rope; i++)
		if (w->model.rope[i].scaling == ROPE_SCALING_LLAMA3) {
			TRY(llama3(w, i, r, scaling));
		} else if (w->model.rope[i].scaling == ROPE_SCALING_YARN) {
			TRY(only(r, scaling, "beta_fast", 32.0));
			TRY(only(r, scaling, "beta_slow", 1.0));
			const double usual = w->model.rope[i].factor > 1.0 ? 0.1 * log(w->model.rope[i].factor) + 1.0 : 1.0;
			double factor = usual;
			TRY(json_f64(&factor, r->file, scaling, "attention_factor", r->err));
			if (fabs(factor - usual) > 1e-3 * usual || (!mla && (in(scaling, "mscale") || in(scaling, "mscale_all_dim"))))
				return error_set(r->err, E_ARCH, "%s: attention_factor and mscale of yarn other than the usual are run from GGUF files only", r->file);
			/* without them, scores are scaled otherwise */
			if (mla && (!in(scaling, "mscale") || !in(scaling, "mscale_all_dim")))
				return error_set(r->err, E_ARCH, "%s: yarn without mscale and mscale_all_dim is run from GGUF files only", r->file);
			TRY(only(r, scaling, "mscale", 1.0));
			TRY(only(r, scaling, "mscale_all_dim", 1.0));
		}
	return OK;
}

static int experts(struct weights *w, const struct reader *r)
{
	/* norm_topk_prob and routed_scaling_factor where the key is absent; 2: as the architecture does, whatever the file says */
	static const struct { const char *type; uint8_t norm; } families[] = {
		{ "qwen2_moe", 0 }, { "qwen3_moe", 0 }, { "olmoe", 0 }, { "deepseek_v2", 0 }, { "qwen3_vl_moe_text", 1 }, { "qwen3_vl_moe", 1 }, { "glm4_moe", 1 },
	};
	const char *type = "", *method = "";
	uint8_t norm = 1, interleaved = 1;

	TRY(json_str(&type, r->file, r->text, "model_type", r->err));
	TRY(json_str(&method, r->file, r->text, "topk_method", r->err));
	if (!strcmp(method, "group_limited_greedy"))
		return error_set(r->err, E_ARCH, "%s: topk_method group_limited_greedy: a group counts as its best expert there, which is not run", r->file);
	for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
		if (!strcmp(families[i].type, type))
			norm = families[i].norm;
	TRY(json_bool(&norm, r->file, r->text, "norm_topk_prob", r->err));
	/* Mixtral, gpt-oss and Llama 4 have no such key */
	if (!is_arch(w, "llama") && !is_arch(w, "gpt-oss") && !is_arch(w, "llama4"))
		w->hyper.norm_topk = norm;
	if (is_arch(w, "deepseek2") && !in(r->text, "routed_scaling_factor"))
		return error_set(r->err, E_FILE, "%s: no routed_scaling_factor", r->file);
	if (is_arch(w, "deepseek2") || is_arch(w, "glm4moe"))
		TRY(json_f64(&w->hyper.expert_scale, r->file, r->text, "routed_scaling_factor", r->err));
	if (is_arch(w, "gpt-oss"))
		TRY(only(r, r->text, "swiglu_limit", 7.0));
	TRY(json_bool(&interleaved, r->file, r->text, "rope_interleave", r->err));
	if (is_arch(w, "deepseek2"))
		w->adjacent_rope = interleaved;
	return OK;
}

static int llama4(struct weights *w, const struct reader *r)
{
	const cJSON *tuning = in(r->text, "attn_temperature_tuning");
	double scale = 0.1, floor_scale = 8192.0;
	uint8_t norm = 1;

	TRY(json_bool(&norm, r->file, r->text, "use_qk_norm", r->err));
	TRY(json_f64(&scale, r->file, r->text, "attn_scale", r->err));
	TRY(json_f64(&floor_scale, r->file, r->text, "floor_scale", r->err));
	if (!(floor_scale >= 1.0) || floor_scale > 1e9)
		return error_set(r->err, E_FILE, "%s: floor_scale is %g", r->file, floor_scale);
	w->hyper.l2_qk = norm;
	/* a bool, or 4 for true in older files */
	w->hyper.temperature_scale = tuning && (cJSON_IsFalse(tuning) || (cJSON_IsNumber(tuning) && tuning->valuedouble == 0.0)) ? 0.0 : scale;
	w->hyper.temperature_floor = (uint32_t)floor_scale;
	w->hyper.temperature_offset = 1;
	return OK;
}

/* Rows and columns that share a scale: quantization_config of transformers' own FP8, or of compressed-tensors. */
static int tile(struct hf_kind *k, const struct reader *r)
{
	const cJSON *q = in(r->root, "quantization_config"), *v;

	q = q ? q : in(r->text, "quantization_config");
	v = in(q, "weight_block_size");
	v = v ? v : in(in(in(in(q, "config_groups"), "group_0"), "weights"), "block_structure");
	k->tile[0] = k->tile[1] = 128;
	if (!v)
		return OK;
	if (cJSON_GetArraySize(v) != 2)
		return error_set(r->err, E_FILE, "%s: tiles of scales need two sizes", r->file);
	for (int i = 0; i < 2; i++) {
		double n = cJSON_IsNumber(cJSON_GetArrayItem(v, i)) ? cJSON_GetArrayItem(v, i)->valuedouble : 0.0;
		if (!(n >= 1.0 && n <= 65536.0))
			return error_set(r->err, E_FILE, "%s: tiles of scales need sizes from 1 to 65536", r->file);
		k->tile[i] = (uint32_t)n;
	}
	return OK;
}

int weights_config(struct weights *w, struct hf_kind *k, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct reader r = { .file = file, .err = err };
	cJSON *root = NULL;
	int rc = json_parse(&root, file, bytes, n, err);

	if (rc != OK)
		return rc;
	r.root = root;
	r.text = in(root, "text_config");
	r.text = r.text ? r.text : root;
	if ((rc = tile(k, &r)) == OK && (rc = rotation(w, &r)) == OK && (rc = experts(w, &r)) == OK && is_arch(w, "llama4"))
		rc = llama4(w, &r);
	cJSON_Delete(root);
	return rc;
}
