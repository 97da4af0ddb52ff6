/* weights_hf.h - writes the weights of a GGUF file as a checkpoint is released: config.json and safetensors, by the names and layouts of a family */
#ifndef TEST_WEIGHTS_HF_H
#define TEST_WEIGHTS_HF_H

#include "engine/weights_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct hf_entry { char name[128]; const char *dtype; uint64_t dim[4]; unsigned dims; unsigned char *data; uint64_t bytes; };
struct checkpoint { struct hf_entry e[2048]; unsigned n; };

enum hf_experts { EACH, W123, STACK, STACK_MIXED };      /* one by one; Mixtral's names; all in one, turned; and gate and up in turns */
enum hf_fp8 { NO_FP8, BY_TILE, BY_ROW, BY_TENSOR };
struct hf_family {
	const char *tiny, *config, *inside;      /* inside: before "layers." */
	const char *feed, *router, *shared;      /* modules of the feed-forward: "mlp"; of the router; of shared experts */
	uint8_t experts, rows_adjacent;          /* rows_adjacent: GGUF has rows of q and k in pairs, the checkpoint half a head apart */
};

static struct hf_entry *hf_add(struct checkpoint *c, const char *name, const char *dtype, unsigned dims, const uint64_t *dim, uint64_t bytes)
{
	struct hf_entry *e = &c->e[c->n++];

	*e = (struct hf_entry){ .dtype = dtype, .dims = dims, .bytes = bytes, .data = malloc(bytes) };
	snprintf(e->name, sizeof e->name, "%s", name);
	memcpy(e->dim, dim, dims * sizeof *dim);
	return e;
}
static void hf_free(struct checkpoint *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->e[i].data);
	c->n = 0;
}

/* Entries [from, to) as one file; those without data are a hole in it. */
static int hf_write(const struct checkpoint *c, unsigned from, unsigned to, const char *path)
{
	char *head = malloc((to - from) * 300 + 16);
	uint64_t at = 0, n = 0;
	FILE *f = fopen(path, "wb");

	if (!f || !head)
		return -1;
	n += (uint64_t)sprintf(head, "{");
	for (unsigned i = from; i < to; i++) {
		const struct hf_entry *e = &c->e[i];
		n += (uint64_t)sprintf(head + n, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i > from ? "," : "", e->name, e->dtype);
		for (unsigned d = 0; d < e->dims; d++)
			n += (uint64_t)sprintf(head + n, "%s%llu", d ? "," : "", (unsigned long long)e->dim[d]);
		n += (uint64_t)sprintf(head + n, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at, (unsigned long long)(at + e->bytes));
		at += e->bytes;
	}
	n += (uint64_t)sprintf(head + n, "}");
	fwrite(&n, 8, 1, f);
	fwrite(head, 1, n, f);
	for (unsigned i = from; i < to; i++)
		if (c->e[i].data)
			fwrite(c->e[i].data, 1, c->e[i].bytes, f);
		else
			fseeko(f, (off_t)c->e[i].bytes, SEEK_CUR);
	free(head);
	int bad = fflush(f) || ftruncate(fileno(f), (off_t)(8 + n + at));
	return fclose(f) || bad;
}
static int hf_text(const char *folder, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	return !f || fputs(text, f) < 0 || fclose(f);
}
/* One file, or two with an index. */
static int hf_write_folder(const struct checkpoint *c, const char *folder, const char *config, unsigned shards)
{
	char path[256], *index = malloc(c->n * 200 + 64);
	unsigned cut = c->n / shards;
	int rc = !index || hf_text(folder, "config.json", config);

	for (unsigned s = 0; s < shards && !rc; s++) {
		snprintf(path, sizeof path, "%s/%s%.0u.safetensors", folder, shards > 1 ? "model-" : "model", shards > 1 ? s + 1 : 0);
		rc = hf_write(c, s * cut, s + 1 == shards ? c->n : (s + 1) * cut, path);
	}
	size_t n = index ? (size_t)sprintf(index, "{\"weight_map\":{") : 0;
	for (unsigned i = 0; i < c->n && index; i++)
		n += (size_t)sprintf(index + n, "%s\"%s\":\"model-%u.safetensors\"", i ? "," : "", c->e[i].name, i / cut < shards ? i / cut + 1 : shards);
	if (index)
		sprintf(index + n, "}}");
	if (!rc && shards > 1)
		rc = hf_text(folder, "model.safetensors.index.json", index);
	free(index);
	return rc;
}
static void hf_remove(const char *folder)
{
	static const char *const names[] = { "config.json", "model.safetensors", "model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json" };
	char path[256];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		remove(path);
	}
}

/* Numbers as they are stored: BF16 and F32. */
static float hf_number(const void *data, const char *dtype, uint64_t i)
{
	if (!strcmp(dtype, "F32"))
		return ((const float *)data)[i];
	return bf16_to_f32(((const uint16_t *)data)[i]);
}
static uint8_t nearest_e4m3(float v)
{
	const struct kformat *f = kformat_find(KF_FP8_E4M3);
	uint8_t q;

	f->quantise(&q, &v, 1);
	return q;
}

/* Entry e, a matrix, as FP8 with its scales; back as the BF16 that it then means. Tiles of 32 x 16, so that small matrices have several and the last ones are cut. */
static uint16_t *hf_to_fp8(struct checkpoint *c, unsigned at, enum hf_fp8 how, const char *scale_dtype)
{
	const struct kformat *f = kformat_find(KF_FP8_E4M3);
	const struct hf_entry old = c->e[at];
	uint64_t rows = old.dim[0], columns = old.dim[1], tr = how == BY_TILE ? 32 : how == BY_ROW ? 1 : rows, tc = how == BY_TILE ? 16 : columns;
	uint64_t across = (columns + tc - 1) / tc, down = (rows + tr - 1) / tr;
	const int half = !strcmp(scale_dtype, "BF16");
	char name[160];

	snprintf(name, sizeof name, "%.120s%s", old.name, how == BY_TILE ? "_scale_inv" : "_scale");
	struct hf_entry *s = hf_add(c, name, scale_dtype, how == BY_TENSOR ? 0 : 2, (uint64_t[2]){ down, across }, down * across * (half ? 2 : 4));
	struct hf_entry *e = &c->e[at];
	uint16_t *means = malloc(rows * columns * 2);
	e->dtype = "F8_E4M3";
	e->bytes = rows * columns;
	e->data = malloc(e->bytes);
	for (uint64_t t = 0; t < down * across; t++) {
		uint64_t r0 = t / across * tr, c0 = t % across * tc;
		float most = 0, scale;
		for (uint64_t r = r0; r < r0 + tr && r < rows; r++)
			for (uint64_t k = c0; k < c0 + tc && k < columns; k++)
				most = fmaxf(most, fabsf(hf_number(old.data, old.dtype, r * columns + k)));
		scale = most / 448.0f;
		scale = half ? bf16_to_f32(f32_to_bf16(scale)) : scale;
		if (half)
			((uint16_t *)(void *)s->data)[t] = f32_to_bf16(scale);
		else
			((float *)(void *)s->data)[t] = scale;
		for (uint64_t r = r0; r < r0 + tr && r < rows; r++)
			for (uint64_t k = c0; k < c0 + tc && k < columns; k++) {
				uint8_t q = nearest_e4m3(hf_number(old.data, old.dtype, r * columns + k) / scale);
				float v;
				f->dequantise(&v, &q, 1);
				e->data[r * columns + k] = q;
				means[r * columns + k] = f32_to_bf16(v * scale);
			}
	}
	free(old.data);
	return means;
}

/* ---- one tensor of the model as the family names it ---- */

static const struct { uint16_t id; const char *name; } hf_names[] = {
	{ W_EMBED, "embed_tokens.weight" }, { W_OUT_NORM, "norm.weight" }, { W_HEAD, "lm_head.weight" }, { W_ATTN_NORM, "input_layernorm.weight" }, { W_FFN_NORM, "post_attention_layernorm.weight" },
	{ W_ATTN_Q, "self_attn.q_proj.weight" }, { W_ATTN_K, "self_attn.k_proj.weight" }, { W_ATTN_V, "self_attn.v_proj.weight" }, { W_ATTN_OUT, "self_attn.o_proj.weight" },
	{ W_ATTN_Q_B, "self_attn.q_proj.bias" }, { W_ATTN_K_B, "self_attn.k_proj.bias" }, { W_ATTN_V_B, "self_attn.v_proj.bias" }, { W_ATTN_OUT_B, "self_attn.o_proj.bias" },
	{ W_Q_NORM, "self_attn.q_norm.weight" }, { W_K_NORM, "self_attn.k_norm.weight" }, { W_SINKS, "self_attn.sinks" }, { W_Q_A, "self_attn.q_a_proj.weight" },
	{ W_Q_A_NORM, "self_attn.q_a_layernorm.weight" }, { W_Q_B, "self_attn.q_b_proj.weight" }, { W_KV_A, "self_attn.kv_a_proj_with_mqa.weight" }, { W_KV_A_NORM, "self_attn.kv_a_layernorm.weight" },
	{ W_FFN_GATE, "FEED.gate_proj.weight" }, { W_FFN_UP, "FEED.up_proj.weight" }, { W_FFN_DOWN, "FEED.down_proj.weight" }, { W_ROUTER, "ROUTER.weight" }, { W_ROUTER_B, "ROUTER.bias" },
	{ W_ROUTER_BIAS, "FEED.gate.e_score_correction_bias" }, { W_SHARED_GATE, "SHARED.gate_proj.weight" }, { W_SHARED_UP, "SHARED.up_proj.weight" }, { W_SHARED_DOWN, "SHARED.down_proj.weight" },
	{ W_SHARED_ROUTER, "FEED.shared_expert_gate.weight" }, { W_EXP_DOWN_B, "FEED.experts.down_proj_bias" },
};

static void hf_full_name(char *out, size_t n, const struct hf_family *f, int layer, const char *name)
{
	static const char *const words[] = { "FEED", "ROUTER", "SHARED" };
	const char *const by[] = { f->feed, f->router, f->shared };
	char head[64] = "", tail[96];

	snprintf(tail, sizeof tail, "%s", name);
	for (unsigned i = 0; i < 3; i++)
		if (!strncmp(name, words[i], strlen(words[i])))
			snprintf(tail, sizeof tail, "%s%s", by[i], name + strlen(words[i]));
	if (layer >= 0)
		snprintf(head, sizeof head, "%slayers.%d.", f->inside, layer);
	else if (strcmp(name, "lm_head.weight"))
		snprintf(head, sizeof head, "%s", f->inside);
	else if (!strncmp(f->inside, "language_model.", 15))
		snprintf(head, sizeof head, "language_model.");
	snprintf(out, n, "%s%s", head, tail);
}

/* Row r of the checkpoint in a GGUF file that has them in pairs: heads of `dim` rows. */
static uint64_t hf_row(uint64_t r, uint64_t dim) { return r / dim * dim + (r % dim < dim / 2 ? 2 * (r % dim) : 2 * (r % dim - dim / 2) + 1); }

static void hf_expert_names(char *out, size_t n, const struct hf_family *f, const struct weight *t, uint64_t expert)
{
	static const char *const each[] = { "gate_proj", "up_proj", "down_proj" }, *const w123[] = { "w1", "w3", "w2" };
	unsigned which = t->id == W_EXP_GATE ? 0 : t->id == W_EXP_UP ? 1 : 2;

	snprintf(out, n, "%slayers.%d.%s.experts.%llu.%s.weight", f->inside, t->layer, f->feed, (unsigned long long)expert, (f->experts == W123 ? w123 : each)[which]);
}

/* All experts' gate and up, or down, as [experts][in][out]; MXFP4 as its halves. */
static void hf_add_stack(struct checkpoint *c, const struct hf_family *f, const struct weights *w, const struct weight *t)
{
	const struct weight *up = t->id == W_EXP_GATE ? weights_find(w, W_EXP_UP, t->layer) : NULL;
	uint64_t in = t->ne[0], out = t->ne[1] * (up ? 2 : 1), experts = t->ne[2];
	const int mx = weights_kernel_format(w->quants, t->format) == KF_MXFP4;
	char name[128], half[160];

	snprintf(name, sizeof name, "%slayers.%d.%s.experts.%s", f->inside, t->layer, f->feed, up ? "gate_up_proj" : "down_proj");
	struct hf_entry *q = NULL, *s = NULL, *e = NULL;
	if (mx) {
		snprintf(half, sizeof half, "%s_blocks", name);
		q = hf_add(c, half, "U8", 4, (uint64_t[4]){ experts, out, in / 32, 16 }, experts * out * in / 2);
		snprintf(half, sizeof half, "%s_scales", name);
		s = hf_add(c, half, "U8", 3, (uint64_t[3]){ experts, out, in / 32 }, experts * out * in / 32);
	} else {
		e = hf_add(c, name, "F32", 3, (uint64_t[3]){ experts, in, out }, experts * in * out * 4);
	}
	for (uint64_t x = 0; x < experts; x++)
		for (uint64_t r = 0; r < out; r++) {
			/* row r of what is stored: of gate or of up */
			const struct weight *from = up && (f->experts == STACK_MIXED ? r % 2 : r >= out / 2) ? up : t;
			uint64_t row = !up ? r : f->experts == STACK_MIXED ? r / 2 : r % (out / 2);
			const unsigned char *at = (const unsigned char *)from->data + x * from->stride;
			if (!mx) {
				for (uint64_t i = 0; i < in; i++)
					((float *)(void *)e->data)[(x * in + i) * out + r] = ((const float *)(const void *)at)[row * in + i];
				continue;
			}
			for (uint64_t b = 0; b < in / 32; b++) {
				const struct mxfp4_block *block = (const struct mxfp4_block *)(const void *)at + row * (in / 32) + b;
				uint64_t to = (x * out + r) * (in / 32) + b;
				s->data[to] = block->e;
				for (unsigned i = 0; i < 16; i++) {
					unsigned lo = 2 * i, hi = 2 * i + 1, q_lo = lo < 16 ? block->q[lo] & 15u : block->q[lo - 16] >> 4, q_hi = hi < 16 ? block->q[hi] & 15u : block->q[hi - 16] >> 4;
					q->data[16 * to + i] = (unsigned char)(q_lo | q_hi << 4);
				}
			}
		}
}

/* kv_b: rows of each head's k, then of its v. */
static void hf_add_kv_b(struct checkpoint *c, const struct hf_family *f, const struct weights *w, const struct weight *k)
{
	const struct weight *v = weights_find(w, W_V_B, k->layer);
	uint64_t nope = k->ne[0], rank = k->ne[1], heads = k->ne[2], dim = nope + v->ne[1];
	char name[128];

	hf_full_name(name, sizeof name, f, k->layer, "self_attn.kv_b_proj.weight");
	float *to = (float *)(void *)hf_add(c, name, "F32", 2, (uint64_t[2]){ heads * dim, rank }, heads * dim * rank * 4)->data;
	for (uint64_t h = 0; h < heads; h++)
		for (uint64_t r = 0; r < dim; r++, to += rank)
			for (uint64_t i = 0; i < rank; i++)
				to[i] = r < nope ? ((const float *)k->data)[(h * rank + i) * nope + r] : ((const float *)v->data)[(h * v->ne[1] + r - nope) * rank + i];
}

/* Gate and up biases of all experts in turns. */
static void hf_add_biases(struct checkpoint *c, const struct hf_family *f, const struct weights *w, const struct weight *g)
{
	const struct weight *u = weights_find(w, W_EXP_UP_B, g->layer);
	char name[128];

	hf_full_name(name, sizeof name, f, g->layer, "mlp.experts.gate_up_proj_bias");
	float *to = (float *)(void *)hf_add(c, name, "F32", 2, (uint64_t[2]){ g->ne[1], 2 * g->ne[0] }, 8 * g->ne[0] * g->ne[1])->data;
	for (uint64_t i = 0; i < g->ne[0] * g->ne[1]; i++) {
		to[2 * i] = ((const float *)g->data)[i];
		to[2 * i + 1] = ((const float *)u->data)[i];
	}
}

static void hf_add_plain(struct checkpoint *c, const struct hf_family *f, const struct weight *t, const char *name, uint64_t head)
{
	uint64_t n = t->ne[0] * t->ne[1], dim[2] = { t->ne[1], t->ne[0] };
	const int vector = t->ne[1] == 1 && t->id != W_SHARED_ROUTER, turn = f->rows_adjacent && (t->id == W_ATTN_Q || t->id == W_ATTN_K);
	float *to = (float *)(void *)hf_add(c, name, "F32", vector ? 1 : 2, vector ? &dim[1] : dim, 4 * n)->data;

	for (uint64_t r = 0; r < t->ne[1]; r++)
		memcpy(to + r * t->ne[0], (const float *)t->data + (turn ? hf_row(r, head) : r) * t->ne[0], 4 * t->ne[0]);
}

/* The whole model. F32 but for MXFP4. */
static void hf_of_weights(struct checkpoint *c, const struct hf_family *f, const struct weights *w, uint64_t head)
{
	char name[128];

	c->n = 0;
	for (uint32_t i = 0; i < w->n; i++) {
		const struct weight *t = &w->t[i];
		const int expert = t->id == W_EXP_GATE || t->id == W_EXP_UP || t->id == W_EXP_DOWN;

		if (expert && f->experts >= STACK && t->id != W_EXP_UP)
			hf_add_stack(c, f, w, t);
		for (uint64_t e = 0; expert && f->experts < STACK && e < t->ne[2]; e++) {
			struct weight one = *t;
			one.data = (const char *)t->data + e * t->stride;
			hf_expert_names(name, sizeof name, f, t, e);
			hf_add_plain(c, f, &one, name, head);
		}
		if (t->id == W_K_B)
			hf_add_kv_b(c, f, w, t);
		if (t->id == W_EXP_GATE_B)
			hf_add_biases(c, f, w, t);
		for (unsigned k = 0; k < sizeof hf_names / sizeof *hf_names; k++)
			if (hf_names[k].id == t->id) {
				hf_full_name(name, sizeof name, f, t->layer, hf_names[k].name);
				hf_add_plain(c, f, t, name, head);
			}
	}
}

#endif
