/* matmul.c - the table of implementations of the matrix product, and the choice among them */
#include "matmul.h"

#include <stddef.h>
#include <string.h>

extern const struct matmul matmul_avx512_vnni, matmul_avx2_vnni, matmul_avx2, matmul_neon_i8mm, matmul_neon_dotprod, matmul_scalar, matmul_ref;

const struct matmul *const matmuls[] = {
#if defined(__x86_64__)
	&matmul_avx512_vnni, &matmul_avx2_vnni, &matmul_avx2,
#elif defined(__aarch64__)
	&matmul_neon_i8mm, &matmul_neon_dotprod,
#endif
	&matmul_scalar, &matmul_ref, NULL
};

const struct matmul *matmul_best(const char *isa)
{
	for (const struct matmul *const *m = matmuls; *m; m++)
		if ((!isa || !strcmp((*m)->isa, isa)) && (*m)->can())
			return *m;
	return NULL;
}
