/* import_config_layers.c - which mixer and which feed-forward every layer has, from the many ways configs say it */
#include "catalog/import_config_read.h"

#include <string.h>

static const char *str_of(struct import *c, const cJSON *v, const char *key)
{
	if (cJSON_IsString(v))
		return v->valuestring;
	import_fail(c, E_FILE, "%s: wants words", key);
	return "";
}
static uint32_t num_of(struct import *c, const cJSON *v, const char *key, uint32_t max)
{
	if (cJSON_IsNumber(v) && v->valuedouble >= 0.0 && v->valuedouble <= (double)max &&
		v->valuedouble == (double)(uint32_t)v->valuedouble)
		return (uint32_t)v->valuedouble;
	import_fail(c, E_FILE, "%s: wants whole numbers of at most %u", key, max);
	return 0;
}

/* layer_types of transformers, layers_block_type of the Mamba hybrids. */
static void apply_type(struct import *c, struct layer_plan *l, const char *word, const char *key)
{
	static const struct { const char *word; uint8_t mixer, span, indexed; } words[] = {
		{ "full_attention", MIXER_ATTENTION, SPAN_FULL, 0 }, { "attention", MIXER_ATTENTION, SPAN_FULL, 0 },
		{ "sliding_attention", MIXER_ATTENTION, SPAN_WINDOW, 0 }, { "chunked_attention", MIXER_ATTENTION, SPAN_CHUNK, 0 },
		{ "linear_attention", MIXER_DELTA, SPAN_FULL, 0 }, { "mamba", MIXER_MAMBA, SPAN_FULL, 0 }, { "conv", MIXER_CONV, SPAN_FULL, 0 },
		{ "minimax_m3_sparse", MIXER_ATTENTION, SPAN_FULL, 1 }, { "indexed_attention", MIXER_ATTENTION, SPAN_FULL, 1 },
	};
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].word, word)) {
			l->mixer = words[i].mixer;
			l->span = words[i].span;
			l->indexed = words[i].indexed;
			if (l->span == SPAN_WINDOW && !c->window)
				import_fail(c, E_FILE, "%s has %s, but sliding_window is not given", key, word);
			if (l->span == SPAN_CHUNK && !c->chunk)
				import_fail(c, E_FILE, "%s has %s, but attention_chunk_size is not given", key, word);
			return;
		}
	import_fail(c, E_ARCH, "architecture %s: what '%.60s' in %s means is not established", c->type, word, key);
}

/* Nemotron-H: M Mamba-2, E experts, * attention, - feed-forward: one branch a layer. */
static void single_layer(struct import *c, struct layer_plan *l, char kind)
{
	*l = (struct layer_plan){ 0 };
	l->no_rope = 1;
	switch (kind) {
	case 'M': l->mixer = MIXER_MAMBA; break;
	case '*': l->mixer = MIXER_ATTENTION; break;
	case 'E': l->feed = FEED_MOE; break;
	case '-': l->feed = FEED_MLP; break;
	default:
		import_fail(c, E_ARCH, "architecture %s: what '%c' in hybrid_override_pattern means is not established", c->type,
			kind > ' ' && kind < 127 ? kind : '?');
	}
}
static char single_kind(const char *word)
{
	return !strcmp(word, "mamba") ? 'M' : !strcmp(word, "attention") ? '*' : !strcmp(word, "moe") ? 'E' : !strcmp(word,
		"mlp") ? '-' : 0;
}

static void single_layers(struct import *c)
{
	const char *pattern = import_str(c, "hybrid_override_pattern", NULL);
	const cJSON *e = import_per_layer(c, "layers_block_type");
	const char *word;
	uint32_t n = c->m->n_layers;

	if (c->rc != OK)
		return;
	if (!pattern && !e) {
		import_fail(c, E_FILE, "neither hybrid_override_pattern nor layers_block_type says what the %u layers are", n);
		return;
	}
	if (pattern && strlen(pattern) != n) {
		import_fail(c, E_FILE, "hybrid_override_pattern: %zu letters for %u layers", strlen(pattern), n);
		return;
	}
	for (uint32_t i = 0; c->rc == OK && i < n; i++, e = e ? e->next : NULL) {
		word = pattern ? "" : str_of(c, e, "layers_block_type");
		if (c->rc == OK && !pattern && !single_kind(word))
			import_fail(c, E_ARCH, "architecture %s: what '%.60s' in layers_block_type means is not established", c->type, word);
		else if (c->rc == OK)
			single_layer(c, &c->plan[i], pattern ? pattern[i] : single_kind(word));
	}
}

/* Kimi Linear and K3: lists of layer numbers that start at 1. */
static void kimi_layers(struct import *c, const cJSON *o)
{
	static const char *const keys[] = { "kda_layers", "full_attn_layers", "num_heads", "head_dim", "short_conv_kernel_size",
		"use_full_rank_gate", "gate_lower_bound", NULL };
	uint32_t n = c->m->n_layers, seen = 0;
	uint8_t listed[MAX_LAYERS] = { 0 };

	import_closed(c, o, "linear_attn_config", keys);
	for (unsigned k = 0; c->rc == OK && k < 2; k++) {
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, keys[k]), *e;

		for (e = import_is_list(list) ? list->child : NULL; c->rc == OK && e; e = e->next) {
			uint32_t at = num_of(c, e, keys[k], n);

			if (c->rc != OK || at == 0 || listed[at - 1]++) {
				import_fail(c, E_FILE, "linear_attn_config.%s: layer %u of %u is there twice or out of range", keys[k], at, n);
				return;
			}
			c->plan[at - 1].mixer = k ? MIXER_ATTENTION : MIXER_DELTA;
			seen++;
		}
	}
	if (c->rc == OK && seen != n)
		import_fail(c, E_FILE, "linear_attn_config: lists %u of %u layers", seen, n);
}

static int linear_keys(struct import *c)
{
	return import_item(c, "linear_num_value_heads") != NULL;
}

/* `period`: every so many layers one is full. */
static void by_period(struct import *c, uint32_t period, uint8_t mixer, uint8_t span)
{
	for (uint32_t i = 0; i < c->m->n_layers; i++)
		if (!period || (i + 1) % period) {
			c->plan[i].mixer = mixer;
			c->plan[i].span = span;
		}
}

static void by_window(struct import *c)
{
	uint32_t pattern = c->fam->pattern, first = 0;
	const cJSON *p = import_item(c, "sliding_window_pattern");
	int flag = import_bool(c, "use_sliding_window", !(c->fam->flags & FAM_WINDOW_FLAG));

	if (cJSON_IsString(p))                       /* EXAONE: "LLLG" */
		pattern = (uint32_t)strlen(p->valuestring);
	else if (p)
		pattern = import_u32(c, "sliding_window_pattern", pattern);
	import_used(c, "max_window_layers");
	if (!c->window || !flag)
		return;
	if (c->fam->flags & FAM_WINDOW_FLAG)         /* Qwen: the layers from max_window_layers on */
		first = import_u32(c, "max_window_layers", 28);
	if (c->guessed && !pattern)
		import_warn(c, "sliding_window %u is taken to hold in every layer", c->window);
	by_period(c, pattern, MIXER_ATTENTION, SPAN_WINDOW);
	for (uint32_t i = 0; i < first && i < c->m->n_layers; i++)
		c->plan[i].span = SPAN_FULL;
}

static void attention_layers(struct import *c)
{
	const cJSON *types = import_per_layer(c, "layer_types"), *blocks = import_per_layer(c, "layers_block_type");
	const cJSON *hybrid = import_per_layer(c, "hybrid_layer_pattern"), *list, *e;
	const cJSON *kimi = import_item(c, "linear_attn_config");
	uint32_t n = c->m->n_layers, period = import_u32(c, "full_attention_interval", 0), i;
	const char *key = types ? "layer_types" : "layers_block_type";

	if ((e = import_per_layer(c, "attn_type_list")))     /* MiniMax: 0 is the linear attention of MiniMax-01 */
		for (i = 0; c->rc == OK && i < n; i++, e = e->next)
			if (num_of(c, e, "attn_type_list", 9) != 1)
				import_fail(c, E_ARCH, "architecture %s: attn_type_list %u: only 1, full attention, is established", c->type, e->valueint);
	if (kimi) {
		kimi_layers(c, kimi);
	} else if (types || blocks) {
		for (i = 0, e = types ? types : blocks; c->rc == OK && i < n; i++, e = e->next)
			apply_type(c, &c->plan[i], str_of(c, e, key), key);
	} else if (hybrid) {
		for (i = 0, e = hybrid; c->rc == OK && i < n; i++, e = e->next)
			c->plan[i].span = num_of(c, e, "hybrid_layer_pattern", 1) ? SPAN_WINDOW : SPAN_FULL;
		if (!c->window)
			import_fail(c, E_FILE, "hybrid_layer_pattern without sliding_window");
	} else if (linear_keys(c)) {
		by_period(c, period ? period : 4, MIXER_DELTA, SPAN_FULL);   /* transformers: full_attention_interval defaults to 4 */
	} else if ((list = import_item(c, "full_attn_idxs"))) {              /* LFM2 */
		for (i = 0; i < n; i++)
			c->plan[i].mixer = MIXER_CONV;
		for (e = import_is_list(list) ? list->child : NULL; c->rc == OK && e; e = e->next)
			c->plan[num_of(c, e, "full_attn_idxs", n - 1)].mixer = MIXER_ATTENTION;
	} else if (!c->chunk) {
		by_window(c);
	}
	import_used(c, "use_sliding_window");        /* with layer_types these say nothing more */
	import_used(c, "max_window_layers");
	import_used(c, "sliding_window_pattern");
	if (c->m->context_native && c->window >= c->m->context_native)
		for (i = 0; i < n; i++)
			if (c->plan[i].span == SPAN_WINDOW)
				c->plan[i].span = SPAN_FULL;
}

/* no_rope_layers: 1 where rope is used (transformers, Llama 4 and SmolLM3). Llama 4: layers with rope are chunked. */
static void rope_layers(struct import *c)
{
	const cJSON *list = import_item(c, "no_rope_layers"), *e = list && list->child ? import_per_layer(c, "no_rope_layers") : NULL;
	uint32_t interval = import_u32(c, "no_rope_layer_interval", c->chunk && !c->fam->nope_interval ? 4 : c->fam->nope_interval);
	int none = (c->fam->flags & FAM_NOPE) != 0 || import_bool(c, "mla_use_nope", 0);
	const char *type = import_str(c, "position_embedding_type", "rope");
	int typed = import_item(c, "layer_types") != NULL, windows = 0;

	if (strcmp(type, "rope") && strcmp(type, "nope") && strcmp(type, "rope_gptj"))
		import_fail(c, E_ARCH, "architecture %s: position_embedding_type '%.40s' is not established", c->type, type);
	for (uint32_t i = 0; c->rc == OK && i < c->m->n_layers; i++, e = e ? e->next : NULL) {
		struct layer_plan *l = &c->plan[i];

		if (none || !strcmp(type, "nope"))
			l->no_rope = 1;
		else if (e)
			l->no_rope = !num_of(c, e, "no_rope_layers", 1);
		else if (interval)
			l->no_rope = (i + 1) % interval == 0;
		if (c->chunk && !typed && !l->no_rope)
			l->span = SPAN_CHUNK;
		windows |= l->span == SPAN_WINDOW;
	}
	for (uint32_t i = 0; windows && (c->fam->flags & FAM_NOPE_FULL) && i < c->m->n_layers; i++)
		if (c->plan[i].span == SPAN_FULL)
			c->plan[i].no_rope = 1;
}

static void moe_at(struct import *c, uint32_t i, int sparse)
{
	c->plan[i].feed = sparse ? FEED_MOE : FEED_MLP;
}

/* Step 3.5: "3,4,5". */
static void text_layers(struct import *c, const char *key)
{
	const char *text = import_str(c, key, "");

	while (c->rc == OK && *text) {
		uint32_t layer = 0;
		unsigned digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
			layer = layer * 10 + (uint32_t)(*text - '0');
		if (!digits || layer >= c->m->n_layers || (*text && *text != ','))
			import_fail(c, E_FILE, "%s: wants numbers below %u with commas between", key, c->m->n_layers);
		else
			moe_at(c, layer, 1);
		text += *text == ',';
	}
}

/* Lists of layers: moe_layers, mlp_only_layers (Llama 4, Qwen). */
static void listed_layers(struct import *c, const char *key, int sparse)
{
	const cJSON *list = import_item(c, key);

	if (list && !import_is_list(list)) {
		import_fail(c, E_FILE, "%s: wants a list", key);
		return;
	}
	for (const cJSON *e = list ? list->child : NULL; c->rc == OK && e; e = e->next)
		moe_at(c, num_of(c, e, key, c->m->n_layers - 1), sparse);
}

static void feed_layers(struct import *c)
{
	uint32_t n = c->m->n_layers, experts = import_experts(c), i;
	static const char *const firsts[] = { "first_k_dense_replace", "num_dense_layers", "moe_layer_start_index", NULL };
	uint32_t first = import_count(c, firsts, 0), step, freq = 1, offset;
	const cJSON *list = import_item(c, "moe_layer_freq"), *types = import_per_layer(c, "mlp_layer_types"), *e;
	int named = import_item(c, "moe_layers") || import_item(c, "moe_layers_enum");

	step = import_u32(c, "decoder_sparse_step", 1);
	offset = import_u32(c, "interleave_moe_layer_step", 1);
	if (list && !import_is_list(list))
		freq = import_u32(c, "moe_layer_freq", 1);
	if (import_u32(c, "moe_layer_interval", 1) != 1 || import_u32(c, "moe_every_n_layer", 1) != 1)
		import_fail(c, E_ARCH, "architecture %s: MoE layers at intervals other than 1 are not established", c->type);
	if (c->rc != OK || !experts)
		return;
	if (!strcmp(c->fam->model_type, "hy_v3") && !types)  /* transformers: the first layer is dense */
		first = 1;
	for (i = 0; i < n; i++) {
		if (named || c->fam->flags & FAM_SHARED_ONE) /* Llama 4 */
			moe_at(c, i, !named && offset && (i + 1) % offset == 0);
		else
			moe_at(c, i, i >= first && (!freq || i % freq == 0) && step && (i + 1) % step == 0);
	}
	listed_layers(c, "moe_layers", 1);
	text_layers(c, "moe_layers_enum");
	listed_layers(c, "mlp_only_layers", 0);
	if (import_is_list(list) && (e = import_per_layer(c, "moe_layer_freq")))
		for (i = 0; c->rc == OK && i < n; i++, e = e->next)
			moe_at(c, i, (int)num_of(c, e, "moe_layer_freq", 1));
	for (i = 0, e = types; c->rc == OK && e && i < n; i++, e = e->next) {
		const char *word = str_of(c, e, "mlp_layer_types");

		if (c->rc == OK && strcmp(word, "dense") && strcmp(word, "sparse"))
			import_fail(c, E_ARCH, "architecture %s: what '%.60s' in mlp_layer_types means is not established", c->type, word);
		moe_at(c, i, !strcmp(word, "sparse"));
	}
	if (import_bool(c, "enable_moe_block", 0))           /* Gemma 4: beside the dense one */
		for (i = 0; i < n; i++)
			c->plan[i].feed = FEED_BOTH;
}

/* DeepSeek V4: the row compression of each layer, and the first layers whose experts are looked up by token. */
static void compressed_layers(struct import *c)
{
	const cJSON *e = import_per_layer(c, "compress_ratios");
	uint32_t hash = import_u32(c, "num_hash_layers", 0);

	for (uint32_t i = 0; c->rc == OK && i < c->m->n_layers; i++, e = e ? e->next : NULL) {
		c->plan[i].ratio = e ? num_of(c, e, "compress_ratios", 1 << 16) : 0;
		c->plan[i].indexed = e && c->plan[i].ratio == 4;     /* llama.cpp src/models/deepseek4.cpp: only these choose rows */
		c->plan[i].hash = i < hash;
	}
}

/* GLM 5: which layers own an indexer, by list, by letters, or by a period (transformers glm_moe_dsa). */
static void index_owners(struct import *c)
{
	const cJSON *types = import_per_layer(c, "indexer_types"), *e;
	const char *letters = import_str(c, "index_topk_pattern", NULL);
	uint32_t n = c->m->n_layers, freq = import_u32(c, "index_topk_freq", 1), skip = import_u32(c, "index_skip_topk_offset", 2), i;

	if (c->rc == OK && letters && strlen(letters) < n)
		import_fail(c, E_FILE, "index_topk_pattern: %zu letters for %u layers", strlen(letters), n);
	for (i = 0; c->rc == OK && !types && i < n; i++) {
		if (letters)
			c->plan[i].index_reuse = letters[i] == 'S';
		else if (freq > 1 && i + 1 > skip)
			c->plan[i].index_reuse = (i + 1 - skip) % freq != 0;
	}
	for (i = 0, e = types; c->rc == OK && e && i < n; i++, e = e->next) {
		const char *word = str_of(c, e, "indexer_types");

		if (c->rc == OK && strcmp(word, "full") && strcmp(word, "shared"))
			import_fail(c, E_ARCH, "architecture %s: what '%.60s' in indexer_types means is not established", c->type, word);
		c->plan[i].index_reuse = !strcmp(word, "shared");
	}
}

/* Which layers choose what they attend to. MiniMax M3: sparse_attention_freq, else every MoE layer. */
static void indexed_layers(struct import *c)
{
	const cJSON *sparse = import_item(c, "sparse_attention_config"), *e = NULL;
	uint32_t n = c->m->n_layers, count = 0, i;
	int latent = import_item(c, "kv_lora_rank") && import_item(c, "index_topk");

	if (sparse && import_is_list(e = cJSON_GetObjectItemCaseSensitive(sparse, "sparse_attention_freq"))) {
		e = e->child;
		for (const cJSON *x = e; x && count <= MAX_LAYERS; x = x->next)
			count++;
		if (count != n)
			import_fail(c, E_FILE, "sparse_attention_freq: %u entries for %u layers", count, n);
	} else {
		e = NULL;
	}
	for (i = 0; c->rc == OK && i < n; i++, e = e ? e->next : NULL) {
		if (sparse)
			c->plan[i].indexed = (uint8_t)(e ? num_of(c, e, "sparse_attention_freq", 1) : c->plan[i].feed == FEED_MOE);
		else if (latent)
			c->plan[i].indexed = 1;
	}
	if (latent)
		index_owners(c);
}

void import_layers(struct import *c)
{
	uint32_t n = c->m->n_layers, shared;

	for (uint32_t i = 0; i <= n; i++)
		c->plan[i] = (struct layer_plan){ .mixer = MIXER_ATTENTION, .feed = FEED_MLP };
	if (c->fam->flags & FAM_SINGLE) {
		single_layers(c);
		import_used(c, "intermediate_size");
		return;
	}
	if (import_item(c, "block_configs")) {
		import_nas_layers(c);
		return;
	}
	attention_layers(c);
	if (!strcmp(c->fam->model_type, "falcon_h1"))
		for (uint32_t i = 0; i < n; i++)
			c->plan[i].mixer = MIXER_BESIDE;
	rope_layers(c);
	feed_layers(c);
	if (import_item(c, "compress_ratios"))
		compressed_layers(c);
	indexed_layers(c);
	shared = import_u32(c, "num_kv_shared_layers", 0);   /* Gemma 4 E: the last layers read the cache of earlier ones */
	if (c->rc == OK && shared >= n && shared)
		import_fail(c, E_FILE, "num_kv_shared_layers (%u) is not below num_hidden_layers (%u)", shared, n);
	for (uint32_t i = n - (shared < n ? shared : 0); c->rc == OK && i < n; i++)
		c->plan[i].reuse_kv = 1;
}
