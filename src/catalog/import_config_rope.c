/* import_config_rope.c - rotary embeddings: one for full layers, another for layers with a window where they differ */
#include "catalog/import_config_read.h"

#include <math.h>
#include <string.h>

static const cJSON *in(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_IsObject(o) ? cJSON_GetObjectItemCaseSensitive(o, key) : NULL;

	return v && !cJSON_IsNull(v) ? v : NULL;
}
static double number(const cJSON *o, const char *key, double absent)
{
	const cJSON *v = in(o, key);

	return cJSON_IsNumber(v) && v->valuedouble >= 0.0 ? v->valuedouble : absent;
}

/* What a description has no place for and src/engine therefore takes to be as usual: Llama 3's two ends, yarn's two ends and factor of cos and sin. */
static void unusual(struct import *c, const struct rope *r, const cJSON *o)
{
	double usual = r->factor > 1.0 ? 0.1 * log(r->factor) + 1.0 : 1.0;

	if ((r->scaling == ROPE_SCALING_LLAMA3 && (number(o, "low_freq_factor", 1.0) != 1.0 || number(o, "high_freq_factor", 4.0) != 4.0)) ||
	    (r->scaling == ROPE_SCALING_YARN && (number(o, "beta_fast", 32.0) != 32.0 || number(o, "beta_slow", 1.0) != 1.0 ||
	      (!in(o, "mscale") && fabs(number(o, "attention_factor", usual) - usual) > 1e-3 * usual))))
		import_warn(c, "rope scaling '%s' with constants of its own is not described here; no size depends on it", rope_scaling_names[r->scaling]);
}

static void read_scaling(struct import *c, struct rope *r, const cJSON *o)
{
	static const struct { const char *word; uint8_t scaling; } words[] = {
		{ "default", ROPE_SCALING_NONE }, { "mrope", ROPE_SCALING_NONE }, { "linear", ROPE_SCALING_LINEAR }, { "yarn",
		  ROPE_SCALING_YARN },
		{ "deepseek_yarn", ROPE_SCALING_YARN }, { "llama3", ROPE_SCALING_LLAMA3 }, { "longrope", ROPE_SCALING_LONGROPE },
		{ "su", ROPE_SCALING_LONGROPE }, { "proportional", ROPE_SCALING_PROPORTIONAL },
	};
	const cJSON *type = in(o, "rope_type");
	double original = number(o, "original_max_position_embeddings", 0.0);

	type = type ? type : in(o, "type");
	if (!cJSON_IsString(type))
		return;
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].word, type->valuestring)) {
			r->scaling = words[i].scaling;
			r->factor = number(o, "factor", 0.0);
			r->original = original <= 1e9 ? (uint32_t)original : 0;
			unusual(c, r, o);
			return;
		}
	import_warn(c, "rope scaling '%.40s' is not described here; no size depends on it", type->valuestring);
}

static double clamp_share(double share)
{
	return share > 0.0 && share <= 1.0 ? share : 1.0;
}

uint8_t import_rope(struct import *c, const struct rope *r)
{
	uint8_t i = 0;

	for (; i < c->m->n_rope; i++) {
		const struct rope *o = &c->ropes[i];

		if (o->theta == r->theta && o->dims == r->dims && o->scaling == r->scaling && o->factor == r->factor &&
		    o->original == r->original)
			return i;
	}
	c->ropes[i] = *r;                            /* two at most: of full layers and of the others */
	c->m->n_rope++;
	return i;
}

static uint32_t share_of(uint32_t dim, double share)
{
	return (uint32_t)((double)dim * clamp_share(share));
}

/* How many of a head's dimensions turn. MLA and V4 say it outright; the others by a number or a share. */
static uint32_t rope_dims(struct import *c, const cJSON *o, uint32_t head_dim)
{
	uint32_t rotary = import_u32(c, "rotary_dim", 0), latent = import_u32(c, "qk_rope_head_dim", 0);
	double share = import_f64(c, "partial_rotary_factor", import_f64(c, "rotary_pct", strcmp(c->fam->model_type,
		"phi") ? 1.0 : 0.5));

	import_used(c, "rotary_pct");
	if (latent)
		return latent;
	if (rotary && rotary <= head_dim)
		return rotary;
	share = number(o, "partial_rotary_factor", share);
	if (!strncmp(c->fam->model_type, "glm4", 4) && !import_item(c, "partial_rotary_factor") && !in(o, "partial_rotary_factor"))
		share = 0.5;                         /* transformers: default of the GLM 4 classes */
	return share_of(head_dim, share);
}

void import_ropes(struct import *c)
{
	const cJSON *params = import_item(c, "rope_parameters"), *scaling = import_item(c, "rope_scaling"), *base = import_item(c,
		"rope_theta");
	const cJSON *full = in(params, "full_attention"), *window = in(params, "sliding_attention");
	const struct family *f = c->fam;
	struct rope main_rope = { .name = "main" }, local = { .name = "local" };
	double theta = f->theta > 0.0 ? f->theta : 10000.0, theta_local, compress;
	uint32_t head_local = import_u32(c, "swa_head_dim", c->head_dim), head_full = import_u32(c, "global_head_dim", c->head_dim);
	int gemma4 = !strcmp(f->model_type, "gemma4_text"), step = !strncmp(f->model_type, "step3p", 6), v4 = !strcmp(f->model_type,
		"deepseek_v4");

	import_used(c, "compress_rope_parameters");
	import_used(c, "partial_rotary_factors");
	if (import_is_list(base))                    /* Step: one base a layer, the first layer is full */
		theta = cJSON_IsNumber(base->child) ? base->child->valuedouble : theta;
	else if (base)
		theta = import_f64(c, "rope_theta", theta);
	else
		theta = import_f64(c, "theta", theta);       /* LFM2 */
	import_used(c, "theta");
	full = full ? full : params;
	theta = number(full, "rope_theta", theta);
	theta_local = import_f64(c, "rope_local_base_freq", import_f64(c, "swa_rope_theta",
		f->theta_local > 0.0 ? f->theta_local : theta));
	import_used(c, "swa_rope_theta");
	theta_local = number(window, "rope_theta", theta_local);
	compress = import_f64(c, "compress_rope_theta", theta);

	main_rope.theta = v4 ? compress : theta;
	main_rope.dims = rope_dims(c, full, gemma4 ? head_full : c->head_dim);
	read_scaling(c, &main_rope, full && (in(full, "rope_type") || in(full, "type")) ? full : scaling);
	if (main_rope.scaling == ROPE_SCALING_PROPORTIONAL)  /* all dimensions, the slow ones by factors of one */
		main_rope.dims = gemma4 ? head_full : c->head_dim;
	if (step && !import_item(c, "partial_rotary_factor"))
		main_rope.dims = c->head_dim / 2;
	local.theta = v4 || theta_local < 0.0 ? theta : theta_local;     /* MiniMax writes -1 for none */
	local.dims = v4 ? main_rope.dims : step ? c->head_dim : window || gemma4 ? rope_dims(c, window, head_local) :
		main_rope.dims > head_local ? head_local : main_rope.dims;
	read_scaling(c, &local, window);
	if (c->rc != OK)
		return;
	/* Without a base of their own, layers with a window use the same one: scaling included, where the family does not say
	 * otherwise. */
	if (!v4 && !window && local.theta == main_rope.theta && f->theta_local == 0.0 && strcmp(f->model_type, "olmo3")) {
		local.scaling = main_rope.scaling;
		local.factor = main_rope.factor;
		local.original = main_rope.original;
	}
	main_rope.dims &= ~1u;
	local.dims &= ~1u;
	c->rope_main = main_rope;
	c->rope_local = local;
}
