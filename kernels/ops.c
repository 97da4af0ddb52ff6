/* ops.c - the tables of ops.h, best first, and the choice among them */
#include "cpu/ops_tables.h"
#include "ref/ops_ref.h"

#include <string.h>

const struct ops *const ops_tables[] = {
#if defined(__x86_64__)
	&ops_avx512, &ops_avx2,
#elif defined(__aarch64__)
	&ops_neon,
#endif
	&ops_scalar, &ops_ref, NULL
};

/* Is isa the table's name, or that name and more ("avx512-vnni")? */
static int serves(const struct ops *o, const char *isa)
{
	const size_t n = strlen(o->isa);

	return !strncmp(isa, o->isa, n) && (!isa[n] || isa[n] == '-');
}

const struct ops *ops_best(const char *isa)
{
	for (const struct ops *const *o = ops_tables; *o; o++)
		if ((!isa || serves(*o, isa)) && (*o)->can())
			return *o;
	return NULL;
}
