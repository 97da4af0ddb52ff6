/* weights_join.c - tensors of a checkpoint that are not as the engine reads them: experts stored apart, FP8 with scales, MXFP4
 *
 * A checkpoint with one such tensor is held in memory whole: its files are read once and closed. */
#define _DEFAULT_SOURCE 1                /* MAP_ANONYMOUS */
#include "engine/weights_hf.h"

#include "base/numa.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct joiner {
	struct weights *w;
	const struct hf_kind *kind;
	struct made *m; uint32_t n_made;
	struct store *s;
	struct error *err;
	uint64_t fp8_elements;
};
#define TRY(x) do { int rc_ = (x); if (rc_ != OK) return rc_; } while (0)

static int by_place(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->is.layer != y->is.layer)
		return x->is.layer < y->is.layer ? -1 : 1;
	if (x->is.id != y->is.id)
		return x->is.id < y->is.id ? -1 : 1;
	if (x->is.part != y->is.part)
		return x->is.part < y->is.part ? -1 : 1;
	if (x->is.expert != y->is.expert)
		return x->is.expert < y->is.expert ? -1 : 1;
	return strcmp(x->t->name, y->t->name);
}

static const struct kformat *kernel_of(const struct joiner *j, uint16_t format)
{
	return kformat_find(weights_kernel_format(j->w->quants, format));
}

static int bad(const struct joiner *j, const struct piece *p, const char *what)
{
	return error_set(j->err, E_FILE, "%s: tensor " STORED_NAME_LIKE " %s", j->w->file, p->t->name, what);
}

/* The scales of one FP8 tensor as floats: one of all, one a row, or one a tile. */
static int take_scales(const struct joiner *j, struct piece *p, const struct piece *s)
{
	const struct kformat *f = kernel_of(j, s->format);
	uint64_t columns = p->t->ne[0], rows = p->t->ne[1], n = s->t->elements, a = s->t->ne[0], b = s->t->ne[1];
	const uint32_t *tile = j->kind->tile;
	float *v;

	if (!f || f->block != 1 || s->t->bytes / (n ? n : 1) < 2)
		return error_set(j->err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE ": scales in %.16s are not read", j->w->file, s->t->name, s->t->type_name);
	if (p->t->ne[2] * p->t->ne[3] != 1 || !p->t->elements)
		return bad(j, p, "has scales, but is no matrix");
	if (n == 1)
		p->tile[0] = rows, p->tile[1] = columns;
	else if (s->t->n_dims == 2 && a == u64_ceil_div(columns, tile[1]) && b == u64_ceil_div(rows, tile[0]))
		p->tile[0] = tile[0], p->tile[1] = tile[1];
	else if (n == rows && (s->t->n_dims == 1 || (s->t->n_dims == 2 && a == 1)))
		p->tile[0] = 1, p->tile[1] = columns;
	else
		return error_set(j->err, E_FILE, "%s: tensor " STORED_NAME_LIKE " is %llu x %llu, which is neither one scale, nor one for each of %llu rows, nor for tiles of %u x %u", j->w->file,
			s->t->name, (unsigned long long)b, (unsigned long long)a, (unsigned long long)rows, tile[0], tile[1]);
	if (!(v = arena_array(&j->w->arena, n, sizeof *v)))
		return error_set(j->err, E_NOMEM, "%s: out of memory", j->w->file);
	f->dequantise(v, s->data, n);
	for (uint64_t i = 0; i < n; i++)
		if (!isfinite(v[i]))
			return error_set(j->err, E_FILE, "%s: tensor " STORED_NAME_LIKE ": scale %llu is no finite number", j->w->file, s->t->name, (unsigned long long)i);
	p->scale = v;
	return OK;
}

/* Experts 0, 1, 2 and so on, all alike; or one tensor of none in particular. */
static int in_order(const struct joiner *j, const struct piece *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (p[0].is.expert < 0 && n > 1)
			return bad(j, &p[1], "is what another one is, too");
		if (p[0].is.expert >= 0 && p[i].is.expert != (int32_t)i)
			return error_set(j->err, E_FILE, "%s: tensor " STORED_NAME_LIKE " is there, but expert %u is %s", j->w->file, p[i].t->name, p[i].is.expert > (int32_t)i ? i : i - 1,
				p[i].is.expert > (int32_t)i ? "missing" : "there twice");
		if (p[i].format != p[0].format || memcmp(p[i].t->ne, p[0].t->ne, sizeof p[0].t->ne) || !p[i].scale != !p[0].scale)
			return bad(j, &p[i], "is of another shape or format than those of other experts");
	}
	return OK;
}

/* made.to is filled once its place is known. */
static struct made *new_made(struct stored **to, struct joiner *j, unsigned id, const struct piece *p, uint32_t n, uint8_t how)
{
	struct made *m = &j->m[j->n_made++];

	*m = (struct made){ .at = j->s->n, .p = p, .n = n, .how = how };
	*to = &j->s->t[j->s->n++];
	**to = (struct stored){ .id = (uint16_t)id, .layer = p->is.layer, .format = p->format, .name = p->t->name, .ne = { p->t->ne[0], p->t->ne[1], p->t->ne[2], p->t->ne[3] } };
	return m;
}

/* Numbers that are moved one by one have to be whole bytes. */
static int element_bytes(const struct joiner *j, const struct piece *p, uint64_t *out)
{
	const struct format *f = &j->w->quants->formats[p->format];

	*out = f->block == 1 ? f->bytes : f->block ? 0 : f->bits / 8;
	return *out ? OK : bad(j, p, "is in a format whose numbers cannot be moved");
}

static int plan_blocks(struct joiner *j, struct piece *p, uint32_t n, const struct piece *scales, uint32_t n_scales)
{
	const uint64_t *ne = p->t->ne, *sc = scales ? scales->t->ne : NULL;
	struct stored *to;
	struct made *m;

	if (n != 1 || n_scales != 1 || p->t->bytes != p->t->elements || scales->t->bytes != scales->t->elements || ne[0] != 16 || sc[0] != ne[1] || sc[1] != ne[2] || sc[2] != ne[3] || sc[3] != 1)
		return bad(j, p, "and its scales are not the halves of one MXFP4 tensor");
	m = new_made(&to, j, p->is.id, p, (uint32_t)ne[3], TO_MXFP4);
	m->scales = scales;
	to->format = format_find(j->w->quants, "mxfp4");
	memcpy(to->ne, (uint64_t[4]){ 32 * ne[1], ne[2], ne[3], 1 }, sizeof to->ne);
	if (ne[3] > UINT32_MAX || (p->is.both && ne[2] % 2))
		return bad(j, p, "has no two halves");
	return OK;
}

/* One tensor that holds all experts. */
static int plan_stack(struct joiner *j, struct piece *p)
{
	const uint64_t *ne = p->t->ne;
	struct stored *to;
	struct made *m;
	uint64_t bytes;

	TRY(element_bytes(j, p, &bytes));
	if (p->scale)
		return error_set(j->err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE ": FP8 of all experts in one tensor is not read", j->w->file, p->t->name);
	if (ne[2] > UINT32_MAX || ne[3] != 1)
		return bad(j, p, "is no stack of matrices");
	if (weight_role(p->is.id) != ROLE_EXP_BIAS) {
		m = new_made(&to, j, p->is.id, p, (uint32_t)ne[2], j->kind->turned ? TURNED : AS_IT_IS);
		if (j->kind->turned) {
			to->ne[0] = ne[1];
			to->ne[1] = ne[0];
		}
		return p->is.both && to->ne[1] % 2 ? bad(j, p, "has no two halves") : OK;
	}
	if (!p->is.both) {
		new_made(&to, j, p->is.id, p, 1, AS_IT_IS);
		return OK;
	}
	for (uint8_t half = 0; half < 2; half++) {
		m = new_made(&to, j, half ? W_EXP_UP_B : W_EXP_GATE_B, p, 1, HALF_OF_VECTOR);
		m->half = half;
		to->ne[0] /= 2;
	}
	return ne[0] % 2 ? bad(j, p, "has no two halves") : OK;
}

/* MLA's kv_b: rows of each head's k, then of its v. Two matrices a head of it; k turned, as scores are computed in the latent space. */
static int plan_kv_b(struct joiner *j, struct piece *p)
{
	const struct model_spec *m = &j->w->model;
	const struct layer_kind *k = p->is.layer >= 0 ? &m->kinds[m->kind_of[p->is.layer]] : NULL;
	const struct part *part = k ? &m->parts[k->branch[0].part[0]] : NULL;
	struct stored *to;
	uint64_t bytes;

	if (!part || part->type != PART_MLA)
		return bad(j, p, "is of a layer without latent attention");
	const struct mla_spec *a = &part->u.mla;
	TRY(element_bytes(j, p, &bytes));
	if (p->t->ne[0] != a->kv_rank || p->t->ne[1] != (uint64_t)a->q_heads * (a->nope_dim + a->v_dim) || p->t->ne[2] * p->t->ne[3] != 1)
		return bad(j, p, "is of another shape than its model wants");
	for (unsigned v = 0; v < 2; v++) {
		new_made(&to, j, v ? W_V_B : W_K_B, p, a->q_heads, v ? V_OF_KV_B : K_OF_KV_B);
		memcpy(to->ne, (uint64_t[4]){ v ? a->kv_rank : a->nope_dim, v ? a->v_dim : a->kv_rank, a->q_heads, 1 }, sizeof to->ne);
		if (p->scale)
			to->format = format_find(j->w->quants, "bf16");
	}
	return OK;
}

/* Pieces of one id and layer: whole ones first, then scales, then the halves of MXFP4. */
static int plan_group(struct joiner *j, struct piece *p, uint32_t n)
{
	uint32_t count[HF_UNREAD + 1] = { 0 };
	struct piece *scales;
	struct stored *to;

	if (p->is.id == W_NONE) {                /* for whoever binds, to refuse it by name */
		j->s->t[j->s->n++] = (struct stored){ .id = W_NONE, .layer = p->is.layer, .format = p->format, .name = p->t->name };
		return OK;
	}
	for (uint32_t i = 0; i < n; i++)
		count[p[i].is.part]++;
	scales = p + count[HF_WHOLE];
	if (count[HF_BLOCKS] || count[HF_BLOCK_SCALES])
		return count[HF_WHOLE] || count[HF_SCALE] || !count[HF_BLOCKS] ? bad(j, p, "has no blocks, or more than these") :
			plan_blocks(j, p, count[HF_BLOCKS], p + count[HF_BLOCKS], count[HF_BLOCK_SCALES]);
	if (count[HF_SCALE] && count[HF_SCALE] != count[HF_WHOLE])
		return bad(j, scales, "is the scale of a tensor that is not there, or others have none");
	for (uint32_t i = 0; i < count[HF_SCALE]; i++) {
		if (scales[i].is.expert != p[i].is.expert)
			return bad(j, &scales[i], "is the scale of a tensor that is not there");
		TRY(take_scales(j, &p[i], &scales[i]));
	}
	n = count[HF_WHOLE];
	TRY(in_order(j, p, n));
	if (p->is.expert < 0 && (p->is.both || ((weight_role(p->is.id) == ROLE_EXP_DOWN || weight_role(p->is.id) == ROLE_EXP_BIAS))))
		return plan_stack(j, p);
	if (p->scale) {
		if (!kernel_of(j, p->format) || j->w->quants->formats[p->format].bits != 8)
			return error_set(j->err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE ": %.16s with scales is not read", j->w->file, p->t->name, p->t->type_name);
		j->fp8_elements += p->t->elements * n;
	}
	if (p->is.id == W_KV_B)
		return plan_kv_b(j, p);
	new_made(&to, j, p->is.id, p, n, p->scale ? TO_BF16 : AS_IT_IS);
	if (p->scale)
		to->format = format_find(j->w->quants, "bf16");
	if (p->is.expert >= 0 && p->t->ne[2] != 1)
		return bad(j, p, "is no matrix of one expert");
	if (p->is.expert >= 0)
		to->ne[2] = n;
	return OK;
}

static int take(struct joiner *j)
{
	uint64_t bytes = 0, free_now = memory_free_now();
	char need[32], have[32];
	struct weights *w = j->w;
	void *p;

	for (uint32_t i = 0; i < j->s->n; i++) {
		struct stored *t = &j->s->t[i];
		const struct format *f = &w->quants->formats[t->format];
		uint64_t row;

		if (t->id == W_NONE)
			continue;
		if (f->block ? t->ne[0] % f->block || u64_mul(&row, t->ne[0] / f->block, f->bytes) : u64_mul(&row, t->ne[0], f->bits) || row % 8)
			return error_set(j->err, E_FILE, "%s: tensor " STORED_NAME_LIKE ": rows of %llu numbers are not whole bytes", w->file, t->name, (unsigned long long)t->ne[0]);
		row = f->block ? row : row / 8;
		if (u64_mul(&t->bytes, row, t->ne[1]) || u64_mul(&t->bytes, t->bytes, t->ne[2]) || u64_mul(&t->bytes, t->bytes, t->ne[3]) || t->bytes > INT64_MAX)
			return error_set(j->err, E_FILE, "%s: tensor sizes overflow 64 bits", w->file);
		t->data = (const void *)(uintptr_t)bytes;
		if (u64_add(&bytes, bytes, u64_round_up(t->bytes, PLAN_ALIGN)) || bytes > INT64_MAX)
			return error_set(j->err, E_FILE, "%s: tensor sizes overflow 64 bits", w->file);
	}
	format_bytes(need, sizeof need, bytes);
	format_bytes(have, sizeof have, free_now);
	if (free_now && bytes > free_now)
		return error_set(j->err, E_NOMEM, "%s: its weights have to be held in memory and take %s, but %s is free now", w->file, need, have);
	p = mmap(NULL, bytes ? (size_t)bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return error_set(j->err, E_NOMEM, "%s: its weights take %s: %s", w->file, need, strerror(errno));
	/* it is written by one thread and read by all */
	(void)numa_spread(p, u64_round_up(bytes, (uint64_t)sysconf(_SC_PAGESIZE)), numa_here(), NULL);
	w->map[0] = (struct weights_map){ p, bytes ? bytes : 1 };
	w->n_maps = 1;
	w->made = 1;
	for (uint32_t i = 0; i < j->n_made; i++) {
		struct stored *t = &j->s->t[j->m[i].at];
		t->data = (const unsigned char *)p + (uintptr_t)t->data;
		j->m[i].to = *t;
	}
	return OK;
}

static int note(struct joiner *j)
{
	char more[32];

	if (j->fp8_elements && !(j->w->note = arena_printf(&j->w->arena, "FP8 weights are held as BF16, which takes %s more than the file: no kernel reads FP8 with scales",
		format_bytes(more, sizeof more, j->fp8_elements))))
		return error_set(j->err, E_NOMEM, "%s: out of memory", j->w->file);
	return OK;
}

int weights_join(struct store *out, struct weights *w, struct piece *p, uint32_t n, const struct hf_kind *k, struct error *err)
{
	struct arena scratch = { 0 };
	struct joiner j = { .w = w, .kind = k, .s = out, .err = err };
	int rc = OK;

	/* one piece makes two at most */
	j.m = arena_array(&scratch, 2 * (size_t)n + 1, sizeof *j.m);
	out->t = arena_array(&w->arena, 2 * (size_t)n + 1, sizeof *out->t);
	out->n = 0;
	if (!j.m || !out->t)
		rc = error_set(err, E_NOMEM, "%s: out of memory", w->file);
	qsort(p, n, sizeof *p, by_place);
	for (uint32_t i = 0, end; i < n && rc == OK; i = end) {
		for (end = i + 1; end < n && p[i].is.id != W_NONE && p[end].is.layer == p[i].is.layer && p[end].is.id == p[i].is.id; end++)
			;
		rc = plan_group(&j, &p[i], end - i);
	}
	/* what is not whole is refused before gigabytes of it are read */
	if (rc == OK && (rc = take(&j)) == OK && (rc = weights_bind(w, out, err)) == OK && (rc = weights_make(j.m, j.n_made, w->quants, k, err)) == OK)
		rc = note(&j);
	arena_free(&scratch);
	return rc;
}
