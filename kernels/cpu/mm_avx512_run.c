/* mm_avx512_run.c - struct matmul "avx512-vnni": activations prepared, a call cut into panels and blocks of tokens
 *
 * Floating-point weights are handed on to mm_float_avx512.c. */
#include "cpu/isa.h"
#include "cpu/mm_avx512.h"
#include "cpu/mm_float.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
extern const struct matmul matmul_avx512_vnni;

/* Tokens that pass a group of weights held in registers: their sums fit the first cache, what they are multiplied with the second. Staging
 * native weights costs more than unpacking packed ones, so that more tokens share it; so few that a row
 * is better multiplied as it stands. */
enum { TOKENS_PACKED = 64, TOKENS_NATIVE = 256, TOKENS_ROWS = 6 };

static uint64_t aligned(uint64_t bytes) { return (bytes + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN; }

static int knows(uint32_t format, uint64_t n)
{
	const struct kformat *f = kformat_find(format);

	if (!f || !n || n % f->block)
		return 0;
	return f->group ? n % 32 == 0 && (f->group == 16 || f->group == 32) && MM512_STAGE % f->block == 0 && (mm512_format(format) || f->integers) : mmf512_knows(format, n);
}
static int floating(uint32_t format) { return !kformat_find(format)->group; }
static enum input_kind input(uint32_t format) { return floating(format) ? mmf512_input(format) : INPUT_Q8; }
static uint64_t input_bytes(enum input_kind k, uint64_t n) { return k == INPUT_Q8 ? aligned(n / 32 * sizeof(struct q8_group)) : mmf512_input_bytes(k, n); }

/* Nearest of 255 levels, the largest magnitude being 127. Below TINY 127 / max is no float, and the group counts as zero. A group
 * with an infinity or NaN has the scale NaN, so that all it is multiplied into is NaN. */
V512 static void prepare_q8(struct q8_group *g, const float *x, uint64_t n)
{
	const float TINY = 1e-36f;

	for (; n >= 32; n -= 32, x += 32, g++) {
		const __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
		const float max = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
		const __m512 none = _mm512_setzero_ps();
		/* x - x is 0, or NaN of what is not finite */
		const int finite = (_mm512_cmp_ps_mask(_mm512_sub_ps(a, a), none, _CMP_EQ_OQ) & _mm512_cmp_ps_mask(_mm512_sub_ps(b, b), none, _CMP_EQ_OQ)) == 0xffff;
		const __mmask16 k = finite ? 0xffff : 0;
		const __m512 inverse = _mm512_set1_ps(max < TINY ? 0 : 127 / max);
		const __m512i qa = _mm512_maskz_cvtps_epi32(k, _mm512_mul_ps(a, inverse)), qb = _mm512_maskz_cvtps_epi32(k, _mm512_mul_ps(b, inverse));

		_mm_storeu_si128((void *)g->q, _mm512_cvtsepi32_epi8(qa));
		_mm_storeu_si128((void *)(g->q + 16), _mm512_cvtsepi32_epi8(qb));
		g->scale = !finite ? NAN : max < TINY ? 0 : max / 127;
		g->of.sum[0] = _mm512_reduce_add_epi32(qa);
		g->of.sum[1] = _mm512_reduce_add_epi32(qb);
		g->unused = 0;
	}
}
static void prepare(enum input_kind k, void *out, const float *x, uint64_t n)
{
	if (k == INPUT_Q8)
		prepare_q8(out, x, n);
	else
		mmf512_prepare(k, out, x, n);
}
static uint64_t packed_bytes(uint32_t format, uint64_t rows, uint64_t n)
{
	const struct mm512_format *f = mm512_format(format);

	if (floating(format))
		return mmf512_packed_bytes(format, rows, n);
	return f ? (rows + MATRIX_ROWS - 1) / MATRIX_ROWS * mm512_panel_bytes(f, n) : 0;
}

static struct mm512_rows panel_rows(const struct matrix *w, uint64_t row, uint64_t from, uint64_t count)
{
	const struct kformat *f = kformat_find(w->format);
	const uint64_t row_bytes = w->n / f->block * f->bytes;

	return (struct mm512_rows){ (const uint8_t *)w->data + row * row_bytes + from / f->block * f->bytes, row_bytes,
		w->rows - row < MATRIX_ROWS ? (unsigned)(w->rows - row) : MATRIX_ROWS, count };
}

static void pack(void *out, const struct matrix *w, uint64_t row0, uint64_t row1)
{
	if (floating(w->format)) {
		mmf512_pack(out, w, row0, row1);
		return;
	}
	const struct mm512_format *f = mm512_format(w->format);
	for (uint64_t row = row0; row < row1; row += MATRIX_ROWS) {
		const struct mm512_rows r = panel_rows(w, row, 0, w->n);
		uint8_t *panel = (uint8_t *)out + row / MATRIX_ROWS * mm512_panel_bytes(f, w->n);

		mm512_pack_panel(panel, panel + mm512_code_bytes(f, w->n), f, &r);
	}
}

/* What a call's scratch holds: places in it, and bytes of all. */
struct parts { uint64_t acc, codes, scales, bytes; };
static struct parts parts(uint8_t layout, uint64_t n, uint32_t tokens)
{
	const uint32_t most = layout == MATRIX_PACKED ? TOKENS_PACKED : TOKENS_NATIVE, t = tokens < most ? tokens : most;
	struct parts s = { .acc = aligned(t * (n / 32) * sizeof(struct q8_group)) };

	s.codes = s.acc + (uint64_t)t * 2 * MATRIX_ROWS * sizeof(float);
	s.scales = s.codes + (layout == MATRIX_NATIVE ? 2 * MM512_STAGE * MATRIX_ROWS : 0);
	s.bytes = s.scales + (layout == MATRIX_NATIVE ? 2 * 2 * MM512_STAGE * sizeof(float) : 0);
	if (layout == MATRIX_NATIVE && tokens <= TOKENS_ROWS && tokens * mm512_row_input_bytes(n) > s.bytes)
		s.bytes = tokens * mm512_row_input_bytes(n);
	return s;
}
static uint64_t scratch_bytes(uint32_t format, uint8_t layout, uint64_t n, uint32_t tokens)
{
	return floating(format) ? mmf512_scratch_bytes(format, layout, n, tokens) : parts(layout, n, tokens).bytes;
}

/* Activations of a block of tokens, group by group, with what the format needs of their sums. */
static void arrange(struct q8_group *out, const struct matmul_args *a, uint32_t t0, uint32_t tokens, const struct mm512_format *f)
{
	const uint64_t groups = a->w->n / 32;

	for (uint32_t t = 0; t < tokens; t++) {
		const struct q8_group *in = (const void *)((const uint8_t *)a->in + (t0 + t) * a->in_stride);

		for (uint64_t g = 0; g < groups; g++) {
			struct q8_group v = in[g];
			int32_t sum[2] = { v.of.sum[0], v.of.sum[1] };

			if (f->group == 32)
				sum[0] += sum[1];
			for (int i = 0; i < 2; i++)
				if (f->min)
					v.of.min[i] = v.scale * (float)sum[i];
				else
					v.of.sum[i] = -(int32_t)f->zero * sum[i];
			out[g * tokens + t] = v;
		}
	}
}

V512 static void put(const struct matmul_args *a, uint32_t t, uint64_t row, const float *acc)
{
	const uint64_t left = a->row1 - row;
	const unsigned rows = left < MATRIX_ROWS ? (1u << left) - 1 : 0xffff;
	const __mmask16 k = (__mmask16)rows;
	float *out = a->out + t * a->out_stride + row;
	__m512 v = _mm512_load_ps(acc);

	if (a->bias)
		v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(k, a->bias + row));
	if (a->add)
		v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(k, out));
	_mm512_mask_storeu_ps(out, k, v);
}

/* Native rows one by one; a row stays in the first cache while the few tokens pass. */
static void run_rows(const struct matmul_args *a, mm512_row *row_product, const struct mm512_format *f, void *scratch)
{
	const struct matrix *w = a->w;
	const struct kformat *kf = kformat_find(w->format);
	const uint64_t row_bytes = w->n / kf->block * kf->bytes;
	struct mm512_row_input in[TOKENS_ROWS];

	for (uint32_t t = 0; t < a->tokens; t++)
		mm512_row_input(in + t, (uint8_t *)scratch + t * mm512_row_input_bytes(w->n), f, (const void *)((const uint8_t *)a->in + t * a->in_stride), w->n);
	for (uint64_t row = a->row0; row < a->row1; row++)
		for (uint32_t t = 0; t < a->tokens; t++) {
			float *out = a->out + t * a->out_stride + row, v = row_product((const uint8_t *)w->data + row * row_bytes, in + t);

			if (a->bias)
				v += a->bias[row];
			*out = a->add ? *out + v : v;
		}
}

static void run(const struct matmul_args *a, void *scratch)
{
	const struct matrix *w = a->w;

	if (floating(w->format)) {
		mmf512_run(a, scratch);
		return;
	}
	const int packed = w->layout == MATRIX_PACKED;
	const struct mm512_format *f = mm512_format(w->format);
	const struct mm512_format staged = f ? mm512_staged(f->group, f->min, f->zero) : mm512_staged((uint8_t)kformat_find(w->format)->group, 1, 0);
	const struct parts at = parts(w->layout, w->n, a->tokens);
	struct q8_group *in = scratch;
	uint8_t *codes = (uint8_t *)scratch + at.codes;
	float *acc = (void *)((uint8_t *)scratch + at.acc), *scales = (void *)((uint8_t *)scratch + at.scales);
	const uint32_t most = packed ? TOKENS_PACKED : TOKENS_NATIVE;

	if (!packed && a->tokens <= TOKENS_ROWS && mm512_row_find(w->format)) {
		const struct mm512_format book = mm512_staged((uint8_t)kformat_find(w->format)->group, 0, 9);     /* IQ1's zero; the others' signs are no sums */

		run_rows(a, mm512_row_find(w->format), f ? f : &book, scratch);
		return;
	}
	if (!packed)
		f = &staged;
	for (uint32_t t0 = 0, tokens; t0 < a->tokens; t0 += tokens) {
		tokens = a->tokens - t0 < most ? a->tokens - t0 : most;
		arrange(in, a, t0, tokens, f);
		for (uint64_t row = a->row0; row < a->row1;) {
			const unsigned panels = tokens > 1 && a->row1 - row > MATRIX_ROWS ? 2 : 1;
			struct mm512_job j = { .in = in, .groups = w->n / 32, .tokens = tokens, .acc = acc };

			memset(acc, 0, (size_t)tokens * panels * MATRIX_ROWS * sizeof(float));
			if (packed) {
				for (unsigned p = 0; p < panels; p++) {
					j.codes[p] = (const uint8_t *)w->data + (row / MATRIX_ROWS + p) * mm512_panel_bytes(f, w->n);
					j.scales[p] = j.codes[p] + mm512_code_bytes(f, w->n);
				}
				(tokens == 1 ? f->one : f->many[panels - 1])(&j);
			}
			for (uint64_t k = 0; !packed && k < w->n; k += MM512_STAGE) {
				const uint64_t count = w->n - k < MM512_STAGE ? w->n - k : MM512_STAGE;

				for (unsigned p = 0; p < panels; p++) {
					const struct mm512_rows r = panel_rows(w, row + p * MATRIX_ROWS, k, count);

					j.codes[p] = codes + p * MM512_STAGE * MATRIX_ROWS;
					j.scales[p] = (const void *)(scales + p * 2 * MM512_STAGE);
					mm512_stage_panel(codes + p * MM512_STAGE * MATRIX_ROWS, scales + p * 2 * MM512_STAGE, &staged, w->format, &r);
				}
				j.groups = count / 32;
				j.in = in + k / 32 * tokens;
				(tokens == 1 ? f->one : f->many[panels - 1])(&j);
			}
			for (uint32_t t = 0; t < tokens; t++)
				for (unsigned p = 0; p < panels; p++)
					put(a, t0 + t, row + p * MATRIX_ROWS, acc + (t * panels + p) * MATRIX_ROWS);
			row += panels * MATRIX_ROWS;
		}
	}
}

static void unpack_row(float *out, const struct matrix *w, uint64_t row, void *scratch)
{
	(void)scratch;
	mm512_unpack_row(out, w, row);
}

const struct matmul matmul_avx512_vnni = {
	"avx512-vnni", isa_avx512_vnni, knows, input, input_bytes, prepare, packed_bytes, pack, scratch_bytes, run, unpack_row
};
#endif
