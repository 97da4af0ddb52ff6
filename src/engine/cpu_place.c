/* cpu_place.c - memory of a prepared program: one buffer for all that changes, one for repacked weights */
#ifdef __linux__
#define _GNU_SOURCE 1                    /* madvise */
#endif
#include "engine/cpu_build.h"

#include "base/units.h"
#include "engine/rope.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct carve { uint64_t at, things; unsigned char *base; };
/* n things of so many bytes. What overflows stays at the largest number, which no allocation gives. */
static void *carve(struct carve *c, uint64_t n, uint64_t each)
{
	void *p = c->base ? c->base + c->at : NULL;
	uint64_t bytes;

	c->things += n;
	(void)u64_mul(&bytes, n, each);
	(void)u64_add(&c->at, c->at, u64_round_up(bytes, KERNEL_ALIGN));
	return p;
}

void join_residuals(struct build *b)
{
	struct program *p = b->p;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		struct xop *x = &p->x[i], *next = i + 1 < p->n ? &p->x[i + 1] : NULL;
		int joins = x->run == run_linear && x->sub == 1 && next && next->run == run_add && next->b->op->residual && p->hyper->residual_scale == 1 &&
			next->b->op->in[1] == x->b->op->out[0] && next->out[0] == next->in[0] && next->rows == x->rows;
		p->x[n] = *x;
		if (joins) {
			p->x[n].out[0] = next->out[0];
			p->x[n].adds = 1;
			i++;
		}
		p->x[n].index = n;
		n++;
	}
	p->n = n;
}

/* Everything is sized by what the ops said they need; sizes that do not fit are found by the allocation. Tokens, and rows of experts, count 32 bits each. */
static void lay_out(struct program *p, struct carve *c)
{
	uint64_t tokens = p->lim.max_tokens, threads = p->dev->threads, ropes = p->model->n_rope ? p->model->n_rope : 1, chosen = tokens * p->max_chosen;

	p->act = carve(c, p->b->arena_bytes, 1);
	for (unsigned k = 0; k < INPUT_KINDS; k++) {
		p->prep[k] = carve(c, tokens, p->prep_bytes[k]);
		p->prep_own[k] = carve(c, threads, p->prep_bytes[k]);
	}
	p->scratch = carve(c, threads, p->scratch_bytes);
	p->row_own = carve(c, threads * p->row_n, sizeof(float));
	p->cs = carve(c, ropes * tokens, p->cs_dims * sizeof(float));
	p->freq = carve(c, ropes, (p->cs_dims / 2 + 1) * sizeof(double));
	p->rope_mul = carve(c, ropes, sizeof(float));
	p->order = carve(c, chosen, sizeof(uint32_t));
	p->place = carve(c, chosen, sizeof(uint32_t));
	p->start = carve(c, (uint64_t)p->max_experts + 1, sizeof(uint32_t));
	p->gather = carve(c, chosen, p->gather_bytes);
	p->runs = carve(c, tokens, sizeof *p->runs);
	p->next = carve(c, p->n, sizeof *p->next);
}

int place_work(struct build *b, struct error *err)
{
	struct program *p = b->p;
	struct carve c = { 0 };
	int rc;

	for (uint32_t i = 0; i < p->n; i++)
		if (p->x[i].run == run_norm || p->x[i].run == run_prepare || p->x[i].run == run_route || p->x[i].run == run_gate || p->x[i].run == run_per_layer || p->x[i].run == run_res_mix) {
			uint64_t row = p->x[i].n_in[0] * (p->x[i].run == run_route ? 2 : 1);     /* scores, and what they are chosen by */
			p->row_n = row > p->row_n ? row : p->row_n;
		}
	p->row_n = u64_round_up(p->row_n, KERNEL_ALIGN / sizeof(float));
	p->scratch_bytes = u64_round_up(p->scratch_bytes, KERNEL_ALIGN);
	for (uint16_t i = 0; i < p->model->n_rope; i++)
		p->cs_dims = p->hyper->rope[i].dims > p->cs_dims ? p->hyper->rope[i].dims : p->cs_dims;
	lay_out(p, &c);
	if ((rc = cpu_alloc(&p->work, p->dev, c.at, err)) != OK)
		return rc;
	c = (struct carve){ .base = p->work->host };
	lay_out(p, &c);
	for (uint32_t i = 0; i < p->n; i++)
		for (unsigned k = 0; k < 4; k++) {
			struct xop *x = &p->x[i];
			if (x->in[k])
				x->in[k] = (float *)((char *)p->act + ((uintptr_t)x->in[k] - 1));
			if (x->out[k])
				x->out[k] = (float *)((char *)p->act + ((uintptr_t)x->out[k] - 1));
		}
	for (uint16_t i = 0; i < p->model->n_rope; i++)
		rope_frequencies(p->freq + (uint64_t)i * (p->cs_dims / 2 + 1), &p->rope_mul[i], &p->hyper->rope[i], p->lim.ctx_tokens);
	return OK;
}

/* ---- repacking ---- */

struct packing_job { const struct matmul *mm; unsigned char *out; struct matrix m; int copies; };

static uint64_t native_bytes(const struct matrix *m, uint64_t rows)
{
	const struct kformat *f = kformat_find(m->format);

	return rows * (m->n / f->block) * f->bytes;
}

/* Bytes of a matrix that is not used where it is; 0: it is. */
static uint64_t kept_bytes(const struct program *p, const struct matrix *m)
{
	uint64_t bytes = p->dev->mm->packed_bytes(m->format, m->rows, m->n);

	if (!bytes && p->copies)
		bytes = native_bytes(m, m->rows);
	return u64_round_up(bytes, KERNEL_ALIGN);
}

static void pack_share(void *user, unsigned thread, unsigned threads)
{
	const struct packing_job *j = user;
	uint64_t a, b;
	const struct matrix *m = &j->m;

	share_of(&a, &b, m->rows, MATRIX_ROWS, thread, threads);
	if (a < b && j->copies)
		memcpy(j->out + native_bytes(m, a), (const char *)m->data + native_bytes(m, a), native_bytes(m, b - a));
	else if (a < b)
		j->mm->pack(j->out, m, a, b);
}

/* The pages of a tensor that nobody reads any more: of a file they come back when touched, of weights made in memory they are gone. What is in no map of the weights' own is the caller's. */
static void let_go(const struct weights *w, const void *at, uint64_t bytes)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)at + page - 1) / page * page, to = ((uintptr_t)at + bytes) / page * page;

	for (uint32_t i = 0; i < w->n_maps && from < to; i++)
		if (from >= (uintptr_t)w->map[i].at && from - (uintptr_t)w->map[i].at < w->map[i].bytes)
			(void)madvise((void *)from, to - from, MADV_DONTNEED);   /* glibc's posix_madvise does nothing here */
}

/* One matrix, or one of each expert; *m then says where it is. */
static void pack_one(struct program *p, struct matrix *m, uint64_t experts, uint64_t stride, struct carve *c)
{
	uint64_t bytes = kept_bytes(p, m);
	int copies = !p->dev->mm->packed_bytes(m->format, m->rows, m->n);
	unsigned char *to = carve(c, experts, bytes);

	if (!to)
		return;
	for (uint64_t e = 0; e < experts; e++) { /* made-up weights are in memory too: never more than one expert twice */
		struct packing_job job = { p->dev->mm, to + e * bytes, *m, copies };
		job.m.data = (const char *)m->data + e * stride;
		pool_run(p->dev->pool, p->dev->threads, pack_share, &job);
		let_go(p->b->weights, job.m.data, native_bytes(m, m->rows));
	}
	p->repacked_bytes += bytes * experts;
	m->data = to;
	m->layout = copies ? MATRIX_NATIVE : MATRIX_PACKED;
}

static int packs(const struct program *p, const struct xop *x, unsigned i)
{
	const struct matrix *m = &x->m[i];

	return (x->run == run_linear || x->run == run_head || x->run == run_expert_rows) && m->data && m->layout == MATRIX_NATIVE && kept_bytes(p, m);
}

static void pack_all(struct program *p, struct carve *c)
{
	struct xop *embed = NULL;

	for (uint32_t i = 0; i < p->n; i++) {
		struct xop *x = &p->x[i];
		if (x->run == run_embed)
			embed = x;
		for (unsigned k = 0; k < 4; k++) {
			if (!packs(p, x, k))
				continue;
			uint64_t experts = x->run == run_expert_rows ? x->b->op->u.experts.experts : 1;
			int tied = embed && embed->m[0].data == x->m[k].data;
			pack_one(p, &x->m[k], experts, x->expert_bytes[k], c);
			if (tied && c->base)
				embed->m[0] = x->m[k];
			if (c->base && x->run == run_expert_rows) {
				x->expert_bytes[k] = kept_bytes(p, &x->m[k]);
				for (uint32_t s = 1; s < 5; s++) {
					p->x[i + s].m[k] = x->m[k];
					p->x[i + s].expert_bytes[k] = x->expert_bytes[k];
				}
			}
		}
	}
}

/* A huge page lies whole on the node that touches it first: where matrices are so small that a node's rows of one fill few of them, they go without. */
static void small_pages(const struct program *p, const struct carve *c)
{
#ifdef MADV_NOHUGEPAGE
	enum { FEW = 4 << 20 };                  /* bytes: two huge pages, of which one is shared with the next node */
	unsigned nodes = 0;

	for (uint64_t set = p->dev->nodes; set; set &= set - 1)
		nodes++;
	if (nodes > 1 && c->at / c->things / nodes < FEW)
		(void)madvise(p->packed->host, p->packed->bytes, MADV_NOHUGEPAGE);
#else
	(void)p, (void)c;
#endif
}

/* On several memory nodes what no kernel repacks is copied, when there is room: a thread's rows then lie on its own node, not where whoever read the file first was. */
int repack(struct build *b, struct error *err)
{
	struct program *p = b->p;
	struct error no_copies;
	struct carve c;
	int rc;

	p->weights_bytes = b->w->bytes;
	if (p->b->no_repack)
		return OK;
	for (p->copies = (p->dev->nodes & (p->dev->nodes - 1)) != 0;; p->copies = 0) {
		c = (struct carve){ 0 };
		pack_all(p, &c);                 /* counts */
		if (!c.at)
			return OK;
		/* weights made in memory go as the packed ones come */
		rc = (b->w->made ? cpu_map : cpu_alloc)(&p->packed, p->dev, c.at, p->copies ? &no_copies : err);
		if (rc == OK)
			break;
		if (!p->copies) {
			error_hint(err, "--no-repack reads the weights as they are stored");
			return rc;
		}
	}
	small_pages(p, &c);
	c = (struct carve){ .base = p->packed->host };
	pack_all(p, &c);
	/* reading one tensor of a file maps pages of its neighbours too, those that were let go of among them: as far as folios of the page cache reach */
	for (uint32_t i = 0; !b->w->made && i < b->w->n_maps; i++)
		let_go(b->w, b->w->map[i].at, b->w->map[i].bytes);
	return OK;
}
