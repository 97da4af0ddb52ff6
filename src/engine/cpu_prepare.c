/* cpu_prepare.c - bound ops to prepared ops: pointers, preparations of inputs, scratch, repacked weights */
#include "engine/cpu.h"

#include "base/units.h"
#include "engine/cpu_build.h"

#include <string.h>

int cpu_can(const struct device *dev, const struct bound_op *o, struct error *why)
{
	static const uint64_t runs = 1u << OP_EMBED | 1u << OP_NORM | 1u << OP_LINEAR | 1u << OP_ACT | 1u << OP_GATE | 1u << OP_CONCAT | 1u << OP_QK_STORE | 1u << OP_ATTN |
		1u << OP_CONV | 1u << OP_DELTA | 1u << OP_SSD | 1u << OP_ROUTE | 1u << OP_EXPERTS | 1u << OP_ADD | 1u << OP_HEAD | 1u << OP_ROWS |
		1u << OP_DECAY | 1u << OP_INDEX | 1u << OP_PER_LAYER | 1u << OP_SCALE | 1u << OP_BANK | 1u << OP_RES_MIX;

	if (!(runs >> o->op->kind & 1))
		return error_set(why, E_ARCH, "the %s backend has no op \"%s\"", dev->name, op_names[o->op->kind]);
	if (o->op->kind == OP_QK_STORE && o->part->type == PART_GQA && o->part->u.gqa.v_dim > MAX_HEAD)
		return error_set(why, E_ARCH, "the %s backend has heads of %u numbers at most, not %u", dev->name, (unsigned)MAX_HEAD, o->part->u.gqa.v_dim);
	if (o->op->kind == OP_ROUTE && (o->part->u.moe.groups > MAX_GROUPS || (o->part->u.moe.groups > 1 && o->part->u.moe.experts % o->part->u.moe.groups)))
		return error_set(why, E_ARCH, "the %s backend does not choose among %u groups of %u experts", dev->name, o->part->u.moe.groups, o->part->u.moe.experts);
	if (o->op->kind == OP_ROUTE && o->part->u.moe.groups > 1 && (uint64_t)o->part->u.moe.top_groups * (o->part->u.moe.experts / o->part->u.moe.groups) < o->part->u.moe.per_token)
		return error_set(why, E_ARCH, "%u of %u groups of experts have no %u experts to choose", o->part->u.moe.top_groups, o->part->u.moe.groups, o->part->u.moe.per_token);
	return OK;
}

/* A matrix of weight t; expert 0 when there are several. */
static int matrix_of(struct build *b, struct matrix *m, const struct weight *t, struct error *err)
{
	uint32_t f = weights_kernel_format(b->w->quants, t->format);

	if (f == UINT32_MAX || !kformat_find(f) || !b->p->dev->mm->knows(f, t->ne[0]))
		return error_set(err, E_FORMAT, "%s: %s is in %s, which the %s kernels do not multiply", b->w->file, t->name, b->w->quants->formats[t->format].name, b->p->dev->mm->isa);
	*m = (struct matrix){ .data = t->data, .rows = t->ne[1], .n = t->ne[0], .format = f, .layout = MATRIX_NATIVE };
	return OK;
}

/* Norms, biases and the like in f32: as they are in the file when that is aligned and all of it stays mapped, else a copy: reading one number of a file may map
 * megabytes around it, a folio of the page cache, of matrices that were repacked. */
static int vector_of(struct build *b, const float **out, const struct weight *t, struct error *err)
{
	uint32_t f = weights_kernel_format(b->w->quants, t->format);
	const struct kformat *k = f == UINT32_MAX ? NULL : kformat_find(f);
	uint64_t n = t->ne[0] * t->ne[1] * t->ne[2];

	if (f == KF_F32 && (uintptr_t)t->data % 4 == 0 && (b->w->made || b->p->b->no_repack)) {
		*out = t->data;
		return OK;
	}
	if (!k || n % k->block)
		return error_set(err, E_FORMAT, "%s: %s is in a format that no vector can have", b->w->file, t->name);
	float *v = arena_array(&b->p->arena, n, sizeof *v);
	if (!v)
		return error_set(err, E_NOMEM, "out of memory");
	k->dequantise(v, t->data, n);
	*out = v;
	return OK;
}

struct xop *build_x(struct build *b, xop_fn *run, const struct bound_op *o)
{
	struct program *p = b->p;

	if (p->n == b->cap) {
		uint32_t cap = b->cap ? b->cap * 2 : 1024;
		struct xop *more = arena_array(&p->arena, cap, sizeof *more);
		if (!more) {
			b->failed = 1;
			return &b->lost;
		}
		if (p->n)
			memcpy(more, p->x, p->n * sizeof *more);
		p->x = more;
		b->cap = cap;
	}
	struct xop *x = &p->x[p->n];
	*x = (struct xop){ .run = run, .b = o, .index = p->n };
	p->n++;
	if (!o)
		return x;
	x->part = o->part;
	x->rows = o->op->rows;
	for (unsigned i = 0; i < 4; i++) {
		/* offsets for now: the arena is there once all sizes are known */
		x->in[i] = o->in[i] == NO_AT ? NULL : (float *)((uintptr_t)o->in[i] + 1);
		x->out[i] = o->out[i] == NO_AT ? NULL : (float *)((uintptr_t)o->out[i] + 1);
		x->n_in[i] = o->n_in[i];
		x->n_out[i] = o->n_out[i];
	}
	for (unsigned i = 0; i < OP_STATES; i++)
		x->state[i] = o->state[i];
	return x;
}

void build_need(struct build *b, enum input_kind k, uint64_t n)
{
	uint64_t bytes = b->p->dev->mm->input_bytes(k, n);

	b->p->prep_bytes[k] = bytes > b->p->prep_bytes[k] ? bytes : b->p->prep_bytes[k];
}
void build_scratch(struct build *b, uint64_t bytes)
{
	b->p->scratch_bytes = bytes > b->p->scratch_bytes ? bytes : b->p->scratch_bytes;
}

/* A product reads activation `act` prepared as kind k. The norm that made it prepares it when nothing else took the place since; else an xop of its own does. */
static void prepare_input(struct build *b, const struct bound_op *o, unsigned k, uint64_t n)
{
	uint32_t act = o->op->in[0];

	build_need(b, (enum input_kind)k, n);
	uint32_t def = b->norm_of[act];
	if (b->holds[k] == act + 1) {
		/* it is there */
	} else if (def && b->taken[k] < def) {
		b->p->x[def - 1].kinds |= (uint8_t)(1u << k);
	} else {
		struct xop *x = build_x(b, run_prepare, o);
		for (unsigned i = 0; i < 4; i++)
			x->out[i] = NULL;
		x->n_in[0] = n;
		x->kinds = (uint8_t)(1u << k);
		if (def)
			b->p->x[def - 1].keep = 1;
	}
	b->holds[k] = act + 1;
	b->taken[k] = b->p->n + 1;               /* the product that comes now reads it */
}

/* Of a product whose matrix is repacked when that pays. */
static void product_scratch(struct build *b, const struct matrix *m)
{
	const struct matmul *mm = b->p->dev->mm;
	uint8_t layout = !b->p->b->no_repack && mm->packed_bytes(m->format, m->rows, m->n) ? MATRIX_PACKED : MATRIX_NATIVE;

	build_scratch(b, mm->scratch_bytes(m->format, layout, m->n, b->p->lim.max_tokens));
}

static int build_linear(struct build *b, const struct bound_op *o, struct error *err)
{
	const struct op_linear *l = &o->op->u.linear;
	struct program *p = b->p;
	struct matrix m[4] = { { 0 } };
	unsigned n = 0;
	int rc;

	if (l->groups > 1) {
		struct xop *x = build_x(b, run_groups, o);
		if ((rc = matrix_of(b, &x->m[0], o->w[0], err)) != OK)
			return rc;
		x->kind = (uint8_t)p->dev->mm->input(x->m[0].format);
		x->expert_bytes[0] = o->w[0]->stride;
		uint64_t bytes = p->dev->mm->scratch_bytes(x->m[0].format, MATRIX_NATIVE, l->n_in, p->lim.max_tokens);
		(void)u64_mac(&bytes, p->lim.max_tokens, p->dev->mm->input_bytes((enum input_kind)x->kind, l->n_in));
		build_scratch(b, bytes);
		return OK;
	}
	for (unsigned i = 0; i < 4; i++)
		if (o->w[i] && i != 1) {
			if ((rc = matrix_of(b, &m[n++], o->w[i], err)) != OK)
				return rc;
		}
	unsigned kind = p->dev->mm->input(m[0].format);
	for (unsigned i = 0; i < n; i++) {
		if (p->dev->mm->input(m[i].format) != kind)
			return error_set(err, E_FORMAT, "%s: %s and its other half are in formats that do not go together", b->w->file, o->w[0] ? o->w[0]->name : o->w[2]->name);
		if (m[i].n != l->n_in)
			return error_set(err, E_FILE, "%s: a matrix of layer %u has rows of %llu numbers, not of %llu", b->w->file, o->op->layer, (unsigned long long)m[i].n, (unsigned long long)l->n_in);
	}
	uint64_t rows = 0;
	for (unsigned i = 0; i < n; i++)
		rows += m[i].rows;
	if (rows != o->n_out[0])                 /* a gate stored apart from its queries is one such */
		return error_set(err, E_ARCH, "%s: matrices of layer %u have %llu rows where architecture %s is run with %llu", b->w->file, o->op->layer, (unsigned long long)rows,
			b->w->model.architecture, (unsigned long long)o->n_out[0]);
	prepare_input(b, o, kind, l->n_in);
	struct xop *x = build_x(b, o->op->kind == OP_HEAD ? run_head : run_linear, o);
	x->kind = (uint8_t)kind;
	memcpy(x->m, m, sizeof m);
	x->sub = (uint8_t)n;
	if (o->w[1])
		rc = vector_of(b, &x->vec[1], o->w[1], err);
	else
		rc = OK;
	for (unsigned i = 0; i < n; i++)
		product_scratch(b, &m[i]);
	return rc;
}

static int build_experts(struct build *b, const struct bound_op *o, struct error *err)
{
	static xop_fn *const stages[] = { run_expert_rows, run_expert_up, run_expert_act, run_expert_down, run_expert_sum };
	const struct op_experts *e = &o->op->u.experts;
	struct program *p = b->p;
	struct xop x = { 0 };
	int rc;

	for (unsigned i = 0; i < 3; i++) {
		if (!o->w[i])
			continue;
		if ((rc = matrix_of(b, &x.m[i], o->w[i], err)) != OK)
			return rc;
		x.expert_bytes[i] = o->w[i]->stride;
	}
	unsigned up = p->dev->mm->input(x.m[1].format), down = p->dev->mm->input(x.m[2].format);
	if (o->w[0] && p->dev->mm->input(x.m[0].format) != up)
		return error_set(err, E_FORMAT, "%s: %s and %s are in formats that do not go together", b->w->file, o->w[0]->name, o->w[1]->name);
	for (unsigned i = 3; i < 6; i++)
		if (o->w[i] && (rc = vector_of(b, &x.vec[i], o->w[i], err)) != OK)
			return rc;
	prepare_input(b, o, up, e->n_in);
	for (unsigned s = 0; s < 5; s++) {
		struct xop *y = build_x(b, stages[s], o);
		memcpy(y->m, x.m, sizeof x.m);
		memcpy(y->vec, x.vec, sizeof x.vec);
		memcpy(y->expert_bytes, x.expert_bytes, sizeof x.expert_bytes);
		y->kind = (uint8_t)(s < 2 ? up : down);
		y->sub = (uint8_t)s;
	}
	uint64_t in = p->dev->mm->input_bytes((enum input_kind)up, e->n_in), mid = p->dev->mm->input_bytes((enum input_kind)down, e->width);
	p->gather_bytes = in > p->gather_bytes ? in : p->gather_bytes;
	p->gather_bytes = mid > p->gather_bytes ? mid : p->gather_bytes;
	p->max_chosen = e->per_token > p->max_chosen ? e->per_token : p->max_chosen;
	p->max_experts = e->experts > p->max_experts ? e->experts : p->max_experts;
	for (unsigned i = 0; i < 3; i++)
		if (o->w[i])
			product_scratch(b, &x.m[i]);
	return OK;
}

static int vectors(struct build *b, struct xop *x, const struct bound_op *o, struct error *err)
{
	int rc = OK;

	for (unsigned i = 0; i < OP_WEIGHTS && rc == OK; i++)
		if (o->w[i])
			rc = vector_of(b, &x->vec[i], o->w[i], err);
	return rc;
}

static int build_op(struct build *b, const struct bound_op *o, struct error *err)
{
	static xop_fn *const simple[OP_KINDS] = { [OP_NORM] = run_norm, [OP_ACT] = run_act, [OP_GATE] = run_gate, [OP_CONCAT] = run_concat, [OP_QK_STORE] = run_qk,
		[OP_ATTN] = run_attn, [OP_ADD] = run_add, [OP_ROWS] = run_rows, [OP_ROUTE] = run_route, [OP_CONV] = run_shortconv, [OP_SSD] = run_ssd,
		[OP_DECAY] = run_decay, [OP_SCALE] = run_scale, [OP_BANK] = run_bank, [OP_RES_MIX] = run_res_mix };
	struct program *p = b->p;
	struct xop *x;
	int rc;

	switch (o->op->kind) {
	case OP_EMBED:
		x = build_x(b, run_embed, o);
		x->m[0] = (struct matrix){ .data = o->w[0]->data, .rows = o->w[0]->ne[1], .n = o->w[0]->ne[0], .format = weights_kernel_format(b->w->quants, o->w[0]->format) };
		if (!kformat_find(x->m[0].format))
			return error_set(err, E_FORMAT, "%s: %s is in a format that no kernel reads", b->w->file, o->w[0]->name);
		x->out[0] = x->out[3];
		x->n_out[0] = x->n_out[3];
		if ((rc = o->w[1] ? matrix_of(b, &x->m[1], o->w[1], err) : OK) != OK)
			return rc;
		if (o->w[1] && x->m[1].rows < p->lim.ctx_tokens)
			return error_set(err, E_USAGE, "%s: the model has positions for %llu tokens, not for a context of %llu", b->w->file, (unsigned long long)x->m[1].rows, (unsigned long long)p->lim.ctx_tokens);
		x = build_x(b, run_rope, NULL);
		break;
	case OP_INDEX:
		x = build_x(b, run_index_rows, o);
		if ((rc = vectors(b, x, o, err)) != OK)
			return rc;
		x = build_x(b, run_index, o);
		build_scratch(b, index_scratch_bytes(p, x));
		break;
	case OP_PER_LAYER:
		x = build_x(b, run_per_layer, o);
		if ((rc = matrix_of(b, &x->m[0], o->w[0], err)) != OK || (rc = vector_of(b, &x->vec[1], o->w[1], err)) != OK)
			return rc;
		if (x->m[0].n != x->n_out[0] || x->m[0].rows < p->model->vocab)
			return error_set(err, E_ARCH, "%s: %s has %llu rows of %llu numbers, not %u of %llu", b->w->file, o->w[0]->name, (unsigned long long)x->m[0].rows, (unsigned long long)x->m[0].n,
				p->model->vocab, (unsigned long long)x->n_out[0]);
		break;
	case OP_LINEAR:
	case OP_HEAD:
		return build_linear(b, o, err);
	case OP_EXPERTS:
		return build_experts(b, o, err);
	case OP_DELTA:
	case OP_SSD:
		x = build_x(b, run_conv, o);
		if ((rc = vectors(b, x, o, err)) != OK)
			return rc;
		x = build_x(b, o->op->kind == OP_DELTA ? run_delta : run_ssd, o);
		return vectors(b, x, o, err);
	default:
		x = build_x(b, simple[o->op->kind], o);
		if ((rc = vectors(b, x, o, err)) != OK)
			return rc;
		if (o->op->kind == OP_NORM && !b->failed)
			b->norm_of[o->op->out[0]] = p->n;
		if (o->op->kind == OP_ATTN)
			build_scratch(b, attn_scratch_bytes(p, x));
	}
	return OK;
}

/* What reads an activation other than as the prepared input of a product needs its float rows. */
static void keep_floats(struct build *b, const struct bound_op *o)
{
	int product = (o->op->kind == OP_LINEAR && o->op->u.linear.groups == 1) || o->op->kind == OP_HEAD || o->op->kind == OP_EXPERTS;

	for (unsigned i = 0; i < 4; i++) {
		uint32_t a = o->op->in[i];
		if (a == NO_ACT || (i == 0 && product) || !b->norm_of[a])
			continue;
		b->p->x[b->norm_of[a] - 1].keep = 1;
	}
}

int cpu_prepare(struct program **out, struct device *dev, const struct bound_op *ops, uint32_t n, const struct binding *bind, struct buffer *states, const struct limits *lim, struct error *err)
{
	struct arena a = { 0 };
	struct program *p = arena_alloc(&a, sizeof *p);
	struct build b = { .p = p, .w = bind->weights };
	uint32_t n_act = 0;
	int rc = OK;

	*out = NULL;
	if (!p)
		return error_set(err, E_NOMEM, "out of memory");
	*p = (struct program){ .dev = dev, .b = bind, .model = bind->model, .hyper = &bind->weights->hyper, .lim = *lim, .kv = states->host, .model_adjacent = bind->weights->adjacent_rope };
	p->arena = a;
	for (uint32_t i = 0; i < n; i++)
		for (unsigned k = 0; k < 4; k++) {
			n_act = ops[i].op->in[k] != NO_ACT && ops[i].op->in[k] >= n_act ? ops[i].op->in[k] + 1 : n_act;
			n_act = ops[i].op->out[k] != NO_ACT && ops[i].op->out[k] >= n_act ? ops[i].op->out[k] + 1 : n_act;
		}
	b.norm_of = arena_array(&p->arena, n_act + 1, sizeof *b.norm_of);
	if (!b.norm_of)
		rc = error_set(err, E_NOMEM, "out of memory");
	for (uint32_t i = 0; i < n && rc == OK; i++) {
		keep_floats(&b, &ops[i]);
		rc = build_op(&b, &ops[i], err);
	}
	if (rc == OK && b.failed)
		rc = error_set(err, E_NOMEM, "out of memory");
	if (rc == OK) {
		join_residuals(&b);
		rc = place_work(&b, err);
	}
	if (rc == OK)
		rc = repack(&b, err);
	if (rc == OK) {
		list_accesses(p);
		sync_place(p);
		*out = p;
		return OK;
	}
	cpu_drop(p);
	return rc;
}

void cpu_drop(struct program *p)
{
	if (!p)
		return;
	cpu_free(p->work);
	cpu_free(p->packed);
	struct arena a = p->arena;
	arena_free(&a);
}
