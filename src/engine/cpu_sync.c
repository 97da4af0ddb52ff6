/* cpu_sync.c - where all threads must meet before an op
 *
 * An op must wait when it touches bytes that an op since the last barrier touched, one of the two wrote them, and not every thread stays within what it had
 * itself: both share them by the same columns of rows of the same length, or by the same tokens. */
#include "engine/cpu.h"

static int meet(const struct access *a, const struct access *b)
{
	const char *p = a->at, *q = b->at;

	if (!(a->write || b->write) || p >= q + b->bytes || q >= p + a->bytes)
		return 0;
	return !(a->share == b->share && a->share != SHARE_ALL && a->at == b->at && a->n == b->n);
}

void sync_place(struct program *p)
{
	for (unsigned mode = 0; mode < MODES; mode++) {
		uint32_t since = 0;
		for (uint32_t i = 0; i < p->n; i++) {
			struct xop *o = &p->x[i];
			o->sync[mode] = 0;
			for (uint32_t j = since; j < i && !o->sync[mode]; j++)
				for (unsigned k = 0; k < o->n_access[mode]; k++)
					for (unsigned l = 0; l < p->x[j].n_access[mode]; l++)
						if (meet(&o->access[mode][k], &p->x[j].access[mode][l]))
							o->sync[mode] = 1;
			if (o->sync[mode])
				since = i;
		}
	}
}
