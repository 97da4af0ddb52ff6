/* quants_once.h - data/quants.yaml for targets that read weights: loaded once, kept for all runs */
#ifndef QUANTS_ONCE_H
#define QUANTS_ONCE_H

#include "catalog/quant.h"

#include <stdlib.h>

static inline const struct quants *formats(void)
{
	static struct quants quants;
	static struct arena arena;
	static int loaded;

	if (!loaded) {
		struct error err;
		if (quants_load(&quants, &arena, "data/quants.yaml", &err) != OK)
			abort();
		loaded = 1;
	}
	return &quants;
}

#endif
