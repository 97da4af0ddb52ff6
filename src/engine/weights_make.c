/* weights_make.c - the numbers of tensors that a checkpoint has otherwise: copied, turned, or widened, by all processors */
#define _DEFAULT_SOURCE 1                /* madvise */
#include "engine/weights_hf.h"

#include "base/pool.h"
#include "base/units.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_THREADS = 16, SIDE = 32 };   /* SIDE: of the squares that are turned, so that both sides stay in the cache */

struct making {
	const struct made *m;
	const struct quants *q;
	const struct hf_kind *kind;
	uint64_t jobs;
	atomic_uint_least64_t next;
};

/* The bytes of expert e. */
static const unsigned char *slice(const struct made *m, uint32_t e, uint64_t *bytes)
{
	const struct file_tensor *t = m->p->t;

	*bytes = m->p->is.expert >= 0 ? t->bytes : t->bytes / m->n;
	return m->p->is.expert >= 0 ? m->p[e].data : m->p->data + e * *bytes;
}

/* Where row r of gate and up, one after the other, is stored. */
static uint64_t stored_row(uint64_t r, uint64_t rows, int mixed) { return !mixed ? r : r < rows / 2 ? 2 * r : 2 * (r - rows / 2) + 1; }

/* What the 256 codes of an 8-bit format mean. */
static void codes(float number[256], const struct quants *q, uint16_t format)
{
	unsigned char code[256];

	for (unsigned i = 0; i < 256; i++)
		code[i] = (unsigned char)i;
	kformat_find(weights_kernel_format(q, format))->dequantise(number, code, 256);
}

/* Numbers [c, c + n) of row r. */
static void bf16_row(uint16_t *to, const struct piece *p, const float number[256], uint64_t r, uint64_t c, uint64_t n)
{
	const unsigned char *from = p->data + r * p->t->ne[0];
	const float *scale = p->scale + r / p->tile[0] * u64_ceil_div(p->t->ne[0], p->tile[1]);

	for (uint64_t end = c + n; c < end; c++)
		*to++ = f32_to_bf16(number[from[c]] * scale[c / p->tile[1]]);
}

/* Tile by tile: what a code means is the same in all of it. */
static void to_bf16(uint16_t *to, const struct piece *p, const struct quants *q)
{
	uint64_t columns = p->t->ne[0], rows = p->t->ne[1], r1, c1;
	const unsigned char *from = p->data;
	const float *scale = p->scale;
	float number[256];
	uint16_t means[256];

	codes(number, q, p->format);
	for (uint64_t r0 = 0; r0 < rows; r0 = r1) {
		r1 = rows - r0 < p->tile[0] ? rows : r0 + p->tile[0];
		for (uint64_t c0 = 0; c0 < columns; c0 = c1, scale++) {
			c1 = columns - c0 < p->tile[1] ? columns : c0 + p->tile[1];
			for (unsigned i = 0; i < 256; i++)
				means[i] = f32_to_bf16(number[i] * *scale);
			for (uint64_t r = r0; r < r1; r++)
				for (uint64_t c = c0; c < c1; c++)
					to[r * columns + c] = means[from[r * columns + c]];
		}
	}
}

/* One head's part of kv_b: rows [first, first + n) of it, as they are or turned. */
static void of_kv_b(unsigned char *to, const struct piece *p, const struct quants *q, uint64_t first, uint64_t n, int turned)
{
	uint64_t rank = p->t->ne[0], bytes = p->scale ? 2 : p->t->bytes / p->t->elements;
	float number[256];
	uint16_t some[SIDE];

	if (p->scale)
		codes(number, q, p->format);
	for (uint64_t c = 0; c < rank; c += SIDE) {
		uint64_t here = rank - c < SIDE ? rank - c : SIDE;
		for (uint64_t r = 0; r < n; r++) {
			const unsigned char *from = p->data + ((first + r) * rank + c) * bytes;
			if (p->scale) {
				bf16_row(some, p, number, first + r, c, here);
				from = (const unsigned char *)some;
			}
			if (!turned)
				memcpy(to + (r * rank + c) * bytes, from, here * bytes);
			for (uint64_t i = 0; turned && i < here; i++)
				memcpy(to + ((c + i) * n + r) * bytes, from + i * bytes, bytes);
		}
	}
}

/* A square of [in][out] to [out][in]. */
static inline void turn_square(unsigned char *to, const unsigned char *from, uint64_t i0, uint64_t r0, uint64_t in, uint64_t out, const unsigned bytes, int mixed)
{
	for (uint64_t r = r0; r < r0 + SIDE && r < out; r++) {
		uint64_t column = stored_row(r, out, mixed);
		for (uint64_t i = i0; i < i0 + SIDE && i < in; i++)
			memcpy(to + (r * in + i) * bytes, from + (i * out + column) * bytes, bytes);
	}
}
static void turn(unsigned char *to, const unsigned char *from, uint64_t in, uint64_t out, unsigned bytes, int mixed)
{
	for (uint64_t i = 0; i < in; i += SIDE)
		for (uint64_t r = 0; r < out; r += SIDE)
			if (bytes == 2)
				turn_square(to, from, i, r, in, out, 2, mixed);
			else
				turn_square(to, from, i, r, in, out, bytes, mixed);
}

/* Numbers 2i and 2i + 1 in one byte, the lower first, to numbers i and i + 16 (kernels/formats.h). */
static void to_mxfp4(struct mxfp4_block *to, const unsigned char *q, const unsigned char *e, uint64_t rows, uint64_t blocks, int mixed)
{
	for (uint64_t r = 0; r < rows; r++) {
		uint64_t at = stored_row(r, rows, mixed) * blocks;
		for (uint64_t b = 0; b < blocks; b++, at++, to++) {
			unsigned char nibble[32];
			for (unsigned i = 0; i < 16; i++) {
				nibble[2 * i] = q[16 * at + i] & 15;
				nibble[2 * i + 1] = q[16 * at + i] >> 4;
			}
			to->e = e[at];
			for (unsigned i = 0; i < 16; i++)
				to->q[i] = (unsigned char)(nibble[i] | nibble[i + 16] << 4);
		}
	}
}

/* Rows of n bytes, gate and up in turns, to the gate's and then up's. */
static void part_rows(unsigned char *to, const unsigned char *from, uint64_t rows, uint64_t n)
{
	for (uint64_t r = 0; r < rows; r++)
		memcpy(to + r * n, from + stored_row(r, rows, 1) * n, n);
}

/* Of each expert's numbers of both gate and up the half that is one's. n: numbers of a half. */
static void take_half(unsigned char *to, const unsigned char *from, const struct made *m, uint64_t bytes, int mixed)
{
	uint64_t n = m->to.ne[0];

	for (uint64_t e = 0; e < m->to.ne[1]; e++, from += 2 * n * bytes)
		for (uint64_t i = 0; i < n; i++, to += bytes)
			memcpy(to, from + (mixed ? 2 * i + m->half : m->half * n + i) * bytes, bytes);
}

/* Pages of a file that have been read. */
static void let_go(const unsigned char *p, uint64_t bytes)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)p + page - 1) / page * page, to = ((uintptr_t)p + bytes) / page * page;

	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);   /* glibc's posix_madvise does nothing here */
}

static void make(const struct making *j, const struct made *m, uint32_t e)
{
	uint64_t bytes, each = m->to.bytes / m->n;
	const unsigned char *from = slice(m, e, &bytes);
	unsigned char *to = (unsigned char *)(uintptr_t)m->to.data + e * each;
	const uint64_t *ne = m->to.ne;
	int mixed = m->p->is.both && j->kind->mixed;

	switch ((enum made_how)m->how) {
	case AS_IT_IS:
		if (mixed)
			part_rows(to, from, ne[1], bytes / ne[1]);
		else
			memcpy(to, from, bytes);
		break;
	case TO_BF16: to_bf16((uint16_t *)(void *)to, m->p->is.expert >= 0 ? &m->p[e] : m->p, j->q); break;
	case TURNED: turn(to, from, ne[0], ne[1], (unsigned)(bytes / (ne[0] * ne[1])), mixed); break;
	case TO_MXFP4: to_mxfp4((struct mxfp4_block *)(void *)to, from, m->scales->data + e * (m->scales->t->bytes / m->n), ne[1], ne[0] / 32, mixed); break;
	case K_OF_KV_B: of_kv_b(to, m->p, j->q, e * (m->p->t->ne[1] / m->n), ne[0], 1); break;
	case V_OF_KV_B: of_kv_b(to, m->p, j->q, (e + UINT64_C(1)) * (m->p->t->ne[1] / m->n) - ne[1], ne[1], 0); break;
	case HALF_OF_VECTOR: take_half(to, from, m, bytes / (2 * ne[0] * ne[1]), mixed); break;
	}
	let_go(from, bytes);
}

static void make_share(void *user, unsigned thread, unsigned threads)
{
	struct making *j = user;
	uint64_t job, first = 0;
	uint32_t m = 0;

	(void)thread;
	(void)threads;
	/* each takes the next expert; numbers only grow, so their tensor is looked for from the last one on */
	while ((job = atomic_fetch_add(&j->next, 1)) < j->jobs) {
		while (job - first >= j->m[m].n)
			first += j->m[m++].n;
		make(j, &j->m[m], (uint32_t)(job - first));
	}
}

int weights_make(const struct made *m, uint32_t n, const struct quants *q, const struct hf_kind *k, struct error *err)
{
	struct making j = { .m = m, .q = q, .kind = k };
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	struct thread_pool *pool = NULL;
	unsigned threads = online < 1 ? 1 : online < MOST_THREADS ? (unsigned)online : MOST_THREADS;
	int rc;

	for (uint32_t i = 0; i < n; i++)
		j.jobs += m[i].n;
	if ((rc = pool_open(&pool, threads, NULL, err)) != OK)
		return rc;
	pool_run(pool, threads, make_share, &j);
	pool_close(pool);
	return OK;
}
