/* import_config_mixers.c - delta nets, Mamba-2, short convolutions; and the layers of searched architectures */
#include "catalog/import_config_read.h"

#include <string.h>

/* Kimi delta attention: llama.cpp 0c1e57098 conversion/kimi_linear.py and kimi_k3.py. */
static void kimi_delta(struct import *c, struct delta_spec *d, const cJSON *o)
{
	static const char where[] = "linear_attn_config";
	const cJSON *full = cJSON_GetObjectItemCaseSensitive(o, "use_full_rank_gate");

	d->k_heads = d->v_heads = import_in(c, o, where, "num_heads", 0);
	d->k_dim = d->v_dim = import_in(c, o, where, "head_dim", 0);
	d->conv_kernel = import_in(c, o, where, "short_conv_kernel_size", 0);
	d->per_channel_decay = 1;
	d->out_gate = GATE_ELEMENT;
	d->gate_low_rank = !cJSON_IsTrue(full);
	if (!strcmp(c->fam->model_type, "kimi_k3"))          /* A_log is stored padded to 128 elements */
		d->a_log_elements = (d->v_heads + 127) / 128 * 128;
}

void import_delta(struct import *c, struct part *p)
{
	struct delta_spec *d = &p->u.delta;
	const cJSON *o = import_item(c, "linear_attn_config");

	p->type = PART_DELTA;
	p->name = "delta";
	if (o) {
		kimi_delta(c, d, o);
		return;
	}
	d->k_heads = import_need(c, "linear_num_key_heads", 0);
	d->v_heads = import_need(c, "linear_num_value_heads", 0);
	d->k_dim = import_need(c, "linear_key_head_dim", 0);
	d->v_dim = import_need(c, "linear_value_head_dim", 0);
	d->conv_kernel = import_need(c, "linear_conv_kernel_dim", 4);
	d->out_gate = GATE_ELEMENT;
}

/* Nemotron-H spells the sizes out; Granite 4 and Falcon-H1 use mamba_* with "auto" head widths (transformers). */
void import_mamba(struct import *c, struct part *p)
{
	struct mamba2_spec *s = &p->u.mamba2;
	const cJSON *dim = import_item(c, "mamba_d_head");
	uint32_t inner = import_u32(c, "mamba_d_ssm", 0), expand = import_u32(c, "mamba_expand", 2);

	p->type = PART_MAMBA2;
	p->name = "mamba";
	if (import_item(c, "mamba_num_heads")) {
		s->heads = import_need(c, "mamba_num_heads", 0);
		s->head_dim = import_need(c, "mamba_head_dim", 0);
		s->groups = import_need(c, "n_groups", 0);
		s->state = import_need(c, "ssm_state_size", 0);
		s->conv_kernel = import_need(c, "conv_kernel", 4);
		s->conv_bias = import_bool(c, "use_conv_bias", 1) != 0;
		s->proj_bias = import_bool(c, "mamba_proj_bias", 0) || import_bool(c, "use_bias", 0);
		s->gated_norm = 1;
		import_used(c, "expand");
		return;
	}
	s->heads = import_need(c, "mamba_n_heads", 0);
	s->groups = import_need(c, "mamba_n_groups", 1);
	s->state = import_need(c, "mamba_d_state", 256);
	s->conv_kernel = import_need(c, "mamba_d_conv", 4);
	s->conv_bias = import_bool(c, "mamba_conv_bias", 1) != 0;
	s->proj_bias = import_bool(c, "mamba_proj_bias", 0) || import_bool(c, "projectors_bias", 0);
	s->gated_norm = strcmp(c->fam->model_type, "falcon_h1") ? 1 : import_bool(c, "mamba_rms_norm", 0) != 0;
	if (dim && cJSON_IsNumber(dim))
		s->head_dim = import_need(c, "mamba_d_head", 0);
	else if (inner)
		s->head_dim = inner / s->heads;
	else
		s->head_dim = (uint32_t)((uint64_t)expand * c->m->width / s->heads);
	import_used(c, "mamba_rms_norm");
}

void import_conv(struct import *c, struct part *p)
{
	p->type = PART_CONV;
	p->name = "conv";
	p->u.conv.kernel = import_need(c, "conv_L_cache", 0);
	p->u.conv.bias = import_bool(c, "conv_bias", 0) != 0;
}

/* Nemotron NAS: the width of a feed-forward is given as a multiple (llama.cpp conversion/deci.py). */
static uint32_t nas_width(struct import *c, const cJSON *ffn)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(ffn, "ffn_mult");
	uint32_t width = import_in(c, ffn, "block_configs.ffn", "intermediate_size", 0);
	double n;

	if (width)
		return width;
	n = cJSON_IsNumber(v) ? 2.0 * v->valuedouble * c->m->width / 3.0 : 0.0;
	if (!(n >= 1.0) || n > (double)MAX_CONFIG_SIZE) {
		import_fail(c, E_FILE, "block_configs: ffn_mult %g gives no width", cJSON_IsNumber(v) ? v->valuedouble : 0.0);
		return 1;
	}
	return ((uint32_t)n + 255) / 256 * 256;
}

static int nas_flag(const cJSON *o, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, key));
}

void import_nas_layers(struct import *c)
{
	static const char *const a_keys[] = { "n_heads_in_group", "no_op", "num_key_value_heads", NULL };
	static const char *const f_keys[] = { "ffn_mult", "no_op", "intermediate_size", NULL };
	const cJSON *e = import_per_layer(c, "block_configs");
	uint32_t n = c->m->n_layers;

	import_used(c, "intermediate_size");
	import_used(c, "num_key_value_heads");
	for (uint32_t i = 0; c->rc == OK && i < n; i++, e = e->next) {
		const cJSON *attention = cJSON_GetObjectItemCaseSensitive(e, "attention"), *ffn = cJSON_GetObjectItemCaseSensitive(e, "ffn");
		struct layer_plan *l = &c->plan[i];
		uint32_t group;

		import_closed(c, attention, "block_configs.attention", a_keys);
		import_closed(c, ffn, "block_configs.ffn", f_keys);
		if (c->rc != OK)
			return;
		if (nas_flag(attention, "no_op")) {
			l->mixer = MIXER_NONE;
		} else {
			l->kv_heads = import_in(c, attention, "block_configs.attention", "num_key_value_heads", 0);
			group = import_in(c, attention, "block_configs.attention", "n_heads_in_group", 0);
			if (c->rc == OK && !l->kv_heads && (!group || c->heads % group))
				import_fail(c, E_FILE, "block_configs: layer %u: n_heads_in_group (%u) must divide num_attention_heads (%u)", i,
					group, c->heads);
			else if (c->rc == OK && !l->kv_heads)
				l->kv_heads = c->heads / group;
		}
		if (nas_flag(ffn, "no_op"))
			l->feed = FEED_NONE;
		else
			l->mlp_width = nas_width(c, ffn);
	}
}
