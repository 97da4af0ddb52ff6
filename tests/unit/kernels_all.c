/* kernels_all.c - that there is a kernel for each format in each instruction set, so that comparing them with ref leaves none out unnoticed
 *
 * matmul.c and kernels_*.c compare what a table says that it knows; here is what each has to know. Knowing is told of processors that lack the set, too. */
#include "matmul.h"
#include "ops.h"

#include "../tap.h"

#include <string.h>

static const uint32_t wanted[] = { KF_F32, KF_F16, KF_BF16, KF_Q4_0, KF_Q4_1, KF_Q5_0, KF_Q5_1, KF_Q8_0, KF_Q2_K, KF_Q3_K, KF_Q4_K, KF_Q5_K, KF_Q6_K, KF_IQ4_NL, KF_IQ4_XS,
	KF_MXFP4, KF_NVFP4, KF_IQ1_S, KF_IQ1_M, KF_IQ2_XXS, KF_IQ2_XS, KF_IQ2_S, KF_IQ3_XXS, KF_IQ3_S, KF_FP8_E4M3, KF_FP8_E5M2 };

static void formats(void)
{
	unsigned n = 0;

	for (const struct kformat *f = kformats; f->name; f++, n++) {
		unsigned here = 0;
		for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
			here += wanted[i] == f->id;
		ok(here == 1 && kformat_find(f->id) == f && f->dequantise && f->fill && (!f->group || f->integers), "%s: is listed here, read, and made up", f->name);
	}
	is_u64(n, sizeof wanted / sizeof *wanted, "formats");
}

static void products(void)
{
	static const char *const sets[] = {
#if defined(__x86_64__)
		"avx512-vnni", "avx2-vnni", "avx2",
#elif defined(__aarch64__)
		"neon-i8mm", "neon-dotprod",
#endif
		"scalar", "ref",
	};
	unsigned n = 0;

	for (; matmuls[n]; n++) {
		const struct matmul *m = matmuls[n];
		ok(n < sizeof sets / sizeof *sets && !strcmp(m->isa, sets[n]), "%s: in its place", m->isa);
		for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
			const struct kformat *f = kformat_find(wanted[i]);
			const uint64_t least = f->block > 32 ? f->block : 32;
			unsigned knows = 0;
			for (uint64_t k = 1; k <= 5; k++)
				knows += m->knows(f->id, k * least) != 0;
			ok(knows == 5, "%s: %s, %u of 5 lengths", m->isa, f->name, knows);
			if (knows)
				ok(m->input_bytes(m->input(f->id), least) >= least && m->input_bytes(m->input(f->id), least) % KERNEL_ALIGN == 0 && m->scratch_bytes(f->id, MATRIX_NATIVE, least, 64) % KERNEL_ALIGN == 0,
					"%s: %s, rows of inputs and scratch are aligned", m->isa, f->name);
		}
		if (strcmp(m->isa, "ref"))
			ok(m->packed_bytes(KF_Q4_K, 16, 256) == 0 || m->row, "%s: what is packed can be looked up", m->isa);
	}
	is_u64(n, sizeof sets / sizeof *sets, "instruction sets");
	for (n = 0; matmuls[n]; n++)
		if (matmuls[n]->can()) {
			ok(matmul_best(NULL) == matmuls[n], "the first that this processor has is taken: %s", matmuls[n]->isa);
			break;
		}
	for (n = 0; matmuls[n]; n++)
		ok(matmul_best(matmuls[n]->isa) == (matmuls[n]->can() ? matmuls[n] : NULL), "%s: by name, where this processor has it", matmuls[n]->isa);
	ok(!matmul_best("mmx") && !ops_best("mmx"), "and no other name");
}

static void others(void)
{
	for (unsigned i = 0; ops_tables[i]; i++) {
		const struct ops *o = ops_tables[i];
		ok(o->can && o->rms_norm && o->layer_norm && o->rope && o->act && o->add && o->add_scaled && o->mul && o->scale && o->softcap && o->softmax && o->store && o->load &&
			o->attn_scratch && o->attn && o->conv && o->delta && o->ssd, "%s: every op", o->isa);
	}
	for (unsigned i = 0; matmuls[i]; i++)
		if (matmuls[i]->can()) {
			const struct ops *o = ops_best(matmuls[i]->isa);
			const size_t n = strcspn(matmuls[i]->isa, "-");
			ok(o && !strncmp(o->isa, matmuls[i]->isa, n), "%s: the other ops of the same set, %s", matmuls[i]->isa, o ? o->isa : "none");
		}
}

int main(void)
{
	formats();
	products();
	others();
	return done_testing();
}
