/* import_config_vision.c - how many parameters a vision tower has, from vision_config; unknown towers are said to be unknown
 *
 * Formulas follow the tensors of transformers 5.23, models/NAME/modeling_NAME.py; each is held against published totals. */
#include "catalog/import_config_read.h"

#include "base/units.h"
#include <string.h>

/* Sizes of one tower: at most 2^24 each, so products of three are checked. */
struct tower {
	struct import *c;
	uint64_t hidden, depth, inner, patch, frames, merge, out, positions;
	uint64_t sum;
	int over;
};

static void add(struct tower *t, uint64_t n, uint64_t a, uint64_t b)
{
	uint64_t p;

	t->over |= u64_mul(&p, a, b) || u64_mac(&t->sum, n, p);
}
/* n linear layers with or without bias */
static void linear(struct tower *t, uint64_t n, uint64_t in, uint64_t out, int bias)
{
	add(t, n, in, out);
	if (bias)
		add(t, n, out, 1);
}
static uint32_t get(struct tower *t, const char *key, uint32_t absent)
{
	return import_in(t->c, t->c->vision, "vision_config", key, absent);
}
/* patches, frames, merges: products of several of them stay far below 2^64 */
static uint32_t get_small(struct tower *t, const cJSON *o, const char *key, uint32_t absent)
{
	uint32_t v = import_in(t->c, o, "vision_config", key, absent);

	if (v <= 256)
		return v;
	import_fail(t->c, E_FILE, "vision_config.%s: %u is over 256", key, v);
	return absent;
}
static int given(struct tower *t, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(t->c->vision, key) != NULL;
}

/* Qwen3-VL, Qwen3.5: blocks with biases, a merger, and further mergers for the layers that feed the text model early. */
static void qwen3vl(struct tower *t)
{
	const cJSON *deep = cJSON_GetObjectItemCaseSensitive(t->c->vision, "deepstack_visual_indexes");
	uint64_t merged, mergers = cJSON_IsArray(deep) ? (uint64_t)cJSON_GetArraySize(deep) : strncmp(t->c->type, "qwen3_5", 7) ? 3 : 0;

	t->hidden = get(t, "hidden_size", 1152);
	t->depth = get(t, "depth", 27);
	t->inner = get(t, "intermediate_size", 4304);
	t->patch = get_small(t, t->c->vision, "patch_size", 16);
	t->frames = get_small(t, t->c->vision, "temporal_patch_size", 2);
	t->merge = get_small(t, t->c->vision, "spatial_merge_size", 2);
	t->out = get(t, "out_hidden_size", t->c->m->width);
	t->positions = get(t, "num_position_embeddings", 2304);
	merged = t->hidden * t->merge * t->merge;
	linear(t, 1, 3 * t->frames * t->patch * t->patch, t->hidden, 1);
	add(t, t->positions, t->hidden, 1);
	add(t, t->depth, 4, t->hidden);
	linear(t, t->depth, t->hidden, 3 * t->hidden, 1);
	linear(t, t->depth, t->hidden, t->hidden, 1);
	linear(t, t->depth, t->hidden, t->inner, 1);
	linear(t, t->depth, t->inner, t->hidden, 1);
	add(t, 1, 2, t->hidden);
	add(t, mergers, 2, merged);
	linear(t, 1 + mergers, merged, merged, 1);
	linear(t, 1 + mergers, merged, t->out, 1);
}

/* Gemma 4: two position tables, gated feed-forwards, four norms a block; clipped layers store four bounds each. */
static void gemma4(struct tower *t)
{
	uint64_t q, kv, head;

	t->hidden = get(t, "hidden_size", 768);
	t->depth = get(t, "num_hidden_layers", 16);
	t->inner = get(t, "intermediate_size", 3072);
	t->patch = get_small(t, t->c->vision, "patch_size", 16);
	t->positions = get(t, "position_embedding_size", 10240);
	head = get(t, "head_dim", 64);
	q = get(t, "num_attention_heads", 12) * head;
	kv = get(t, "num_key_value_heads", 12) * head;
	linear(t, 1, 3 * t->patch * t->patch, t->hidden, 0);
	add(t, 2, t->positions, t->hidden);
	add(t, 2 * t->depth, t->hidden, q);
	add(t, 2 * t->depth, t->hidden, kv);
	add(t, t->depth, 2, head);
	add(t, 3 * t->depth, t->hidden, t->inner);
	add(t, t->depth, 4, t->hidden);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t->c->vision, "use_clipped_linears")))
		add(t, t->depth, 7, 4);
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t->c->vision, "standardize")))
		add(t, 2, t->hidden, 1);
	add(t, t->hidden, t->c->m->width, 1);
}

/* Llama 4: a class token, pixel shuffle, an adapter of two matrices, a projector; no biases behind the encoder. */
static void llama4(struct tower *t)
{
	const cJSON *ratio = cJSON_GetObjectItemCaseSensitive(t->c->vision, "pixel_shuffle_ratio");
	double r = cJSON_IsNumber(ratio) && ratio->valuedouble > 0.01 ? ratio->valuedouble : 0.5;
	uint64_t side, image, in, out;

	t->hidden = get(t, "hidden_size", 768);
	t->depth = get(t, "num_hidden_layers", 34);
	t->inner = get(t, "intermediate_size", 5632);
	t->patch = get_small(t, t->c->vision, "patch_size", 14);
	image = get(t, "image_size", 448);
	in = get(t, "projector_input_dim", 4096);
	out = get(t, "projector_output_dim", 4096);
	side = t->patch ? image / t->patch : 0;
	linear(t, 1, 3 * t->patch * t->patch, t->hidden, 0);
	add(t, side * side + 1 + 1 + 4, t->hidden, 1);
	add(t, t->depth, 4, t->hidden);
	linear(t, 4 * t->depth, t->hidden, t->hidden, 1);
	linear(t, t->depth, t->hidden, t->inner, 1);
	linear(t, t->depth, t->inner, t->hidden, 1);
	add(t, (uint64_t)((double)t->hidden / (r * r)), in, 1);
	add(t, out, out, 1);
	add(t, get(t, "vision_output_dim", 4096), t->c->m->width, 1);
}

/* MoonViT of Kimi K2.5 and later; Kimi K3's has no biases, RMS norms and another width for its heads. */
static void moonvit(struct tower *t)
{
	uint64_t merge = 2, merged, qkv;
	const cJSON *kernel = cJSON_GetObjectItemCaseSensitive(t->c->vision, "merge_kernel_size");
	int k3 = given(t, "qkv_hidden_size");

	t->hidden = get(t, "vt_hidden_size", 1152);
	t->depth = get(t, "vt_num_hidden_layers", 27);
	t->inner = get(t, "vt_intermediate_size", 4304);
	t->patch = get_small(t, t->c->vision, "patch_size", 14);
	t->positions = (uint64_t)get(t, "init_pos_emb_height", 64) * get(t, "init_pos_emb_width", 64);
	t->out = get(t, "text_hidden_size", t->c->m->width);
	qkv = get(t, "qkv_hidden_size", (uint32_t)t->hidden);
	if (cJSON_IsArray(kernel) && cJSON_IsNumber(kernel->child) && kernel->child->valueint > 0 && kernel->child->valueint < 64)
		merge = (uint64_t)kernel->child->valueint;
	merged = t->hidden * merge * merge;
	linear(t, 1, 3 * t->patch * t->patch, t->hidden, !k3);
	add(t, t->positions, t->hidden, 1);
	add(t, t->depth, k3 ? 2 : 4, t->hidden);
	linear(t, t->depth, t->hidden, 3 * qkv, !k3);
	linear(t, t->depth, qkv, t->hidden, !k3);
	linear(t, t->depth, t->hidden, t->inner, !k3);
	linear(t, t->depth, t->inner, t->hidden, !k3);
	add(t, k3 ? 1 : 4, t->hidden, 1);            /* final norm, and the projector's before it (K3: behind it) */
	linear(t, 1, merged, merged, !k3);
	linear(t, 1, merged, t->out, !k3);
	if (k3)
		add(t, 1, t->out, 1);
}

/* MiniMax M3: CLIP blocks, a projector a patch, and one over merged patches. */
static void clip_merge(struct tower *t)
{
	const cJSON *merge = cJSON_GetObjectItemCaseSensitive(t->c->vision, "img_token_compression_config");
	uint64_t middle;

	t->hidden = get(t, "hidden_size", 1280);
	t->depth = get(t, "num_hidden_layers", 32);
	t->inner = get(t, "intermediate_size", 5120);
	t->patch = get_small(t, t->c->vision, "patch_size", 14);
	t->frames = get_small(t, merge, "temporal_patch_size", get_small(t, t->c->vision, "temporal_patch_size", 2));
	t->merge = get_small(t, merge, "spatial_merge_size", get_small(t, t->c->vision, "spatial_merge_size", 2));
	t->out = t->c->m->width;
	middle = import_in(t->c, t->c->root, "the configuration", "projector_hidden_size", t->c->m->width);
	linear(t, 1, 3 * t->frames * t->patch * t->patch, t->hidden, 0);
	add(t, t->depth, 4, t->hidden);
	linear(t, 4 * t->depth, t->hidden, t->hidden, 1);
	linear(t, t->depth, t->hidden, t->inner, 1);
	linear(t, t->depth, t->inner, t->hidden, 1);
	add(t, 2, t->hidden, 1);
	linear(t, 1, t->hidden, middle, 1);
	linear(t, 1, middle, t->out, 1);
	linear(t, 1, t->merge * t->merge * t->out, middle, 1);
	linear(t, 1, middle, t->out, 1);
}

/* Gemma 3: SigLIP without its pooling head; a norm and one matrix lead to the text model. */
static void siglip(struct tower *t)
{
	uint64_t side, image;

	t->hidden = get(t, "hidden_size", 768);
	t->depth = get(t, "num_hidden_layers", 12);
	t->inner = get(t, "intermediate_size", 3072);
	t->patch = get_small(t, t->c->vision, "patch_size", 16);
	image = get(t, "image_size", 224);
	side = t->patch ? image / t->patch : 0;
	linear(t, 1, 3 * t->patch * t->patch, t->hidden, 1);
	add(t, side * side, t->hidden, 1);
	add(t, t->depth, 4, t->hidden);
	linear(t, 4 * t->depth, t->hidden, t->hidden, 1);
	linear(t, t->depth, t->hidden, t->inner, 1);
	linear(t, t->depth, t->inner, t->hidden, 1);
	add(t, 3, t->hidden, 1);
	add(t, t->hidden, t->c->m->width, 1);
}

/* Pixtral in Mistral Small 3.1 and later: no biases, gated feed-forwards, RMS norms; 2 x 2 patches merged, then two matrices. */
static void pixtral(struct tower *t)
{
	uint64_t merge = get_small(t, t->c->root, "spatial_merge_size", 2);

	t->hidden = get(t, "hidden_size", 1024);
	t->depth = get(t, "num_hidden_layers", 24);
	t->inner = get(t, "intermediate_size", 4096);
	t->patch = get_small(t, t->c->vision, "patch_size", 16);
	t->out = t->c->m->width;
	add(t, 3 * t->patch * t->patch, t->hidden, 1);
	add(t, 2, t->hidden, 1);                     /* before the blocks, and before the projector */
	add(t, 4 * t->depth, t->hidden, t->hidden);
	add(t, 3 * t->depth, t->hidden, t->inner);
	add(t, 2 * t->depth, t->hidden, 1);
	add(t, merge * merge, t->hidden, t->hidden);
	add(t, 1, t->hidden, t->out);
	add(t, 1, t->out, t->out);
}

/* root: prefix of the outer model_type */
static const struct { const char *root, *type; void (*count)(struct tower *t); const char *tokens; } towers[] = {
	{ "qwen3_vl", "qwen3vl", qwen3vl, NULL }, { "qwen3_5", "qwen3vl", qwen3vl, NULL },
	{ "gemma4", "gemma4", gemma4, "vision_soft_tokens_per_image" }, { "llama4", "llama4", llama4, NULL },
	{ "kimi_k25", "moonvit", moonvit, NULL }, { "kimi_k3", "moonvit3", moonvit, NULL },
	{ "minimax_m3_vl", "clip_merge", clip_merge, NULL }, { "gemma3", "siglip", siglip, "mm_tokens_per_image" },
	{ "mistral3", "pixtral", pixtral, NULL }, { "mistral4", "pixtral", pixtral, NULL },
};

static void unknown_encoder(struct import *c, struct encoder *e, const char *key)
{
	import_warn(c, "%s: the size of this %s tower is not established, it is not counted", key, e->name);
}

void import_vision(struct import *c)
{
	struct encoder *e = arena_array(c->arena, 2, sizeof *e);
	const cJSON *audio = cJSON_GetObjectItemCaseSensitive(c->root, "audio_config");
	struct tower t = { .c = c };
	unsigned k = 0;

	if (!e) {
		import_fail(c, E_NOMEM, "out of memory");
		return;
	}
	c->m->encoders = e;
	if (cJSON_IsObject(c->vision)) {
		e->name = "vision";
		e->type = "unknown";
		e->component = COMP_VISION;
		while (k < sizeof towers / sizeof *towers && strncmp(c->type, towers[k].root, strlen(towers[k].root)))
			k++;
		if (k < sizeof towers / sizeof *towers) {
			e->type = towers[k].type;
			e->format = "bf16";
			towers[k].count(&t);
			if (towers[k].tokens)
				e->image_tokens = import_in(c, c->root, "the configuration", towers[k].tokens, 0);
			if (c->rc == OK && t.over)
				import_fail(c, E_FILE, "vision_config: its sizes overflow");
			e->params = t.sum;
		} else {
			unknown_encoder(c, e, "vision_config");
		}
		e++;
		c->m->n_encoders++;
	}
	if (cJSON_IsObject(audio)) {
		e->name = "audio";
		e->type = "unknown";
		e->component = COMP_AUDIO;
		unknown_encoder(c, e, "audio_config");
		c->m->n_encoders++;
	}
}
