/* fuzz_dmi.c - any bytes as the firmware's table: what is read lies within it, and what a recording keeps of it reads the same */
#include "probe/probe_dmi.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dmi a, b;

static void check(const struct dmi *d, size_t size)
{
	uint32_t channels = dmi_channels(d);

	if (d->n_modules > DMI_MODULES || d->n_modules > d->slots || channels > d->n_modules || d->slots > size / 0x17 + 1)
		abort();
	for (uint32_t i = 0; i < d->n_modules; i++)
		if (!d->module[i].bytes || !d->module[i].locator || !d->module[i].bank ||
		    strlen(d->module[i].locator) + strlen(d->module[i].bank) > 2 * size)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	uint8_t *out = malloc(size ? size : 1);
	size_t n;

	if (!out)
		return 0;
	dmi_read(&a, &arena, data, size);
	check(&a, size);
	n = dmi_public(out, data, size);
	if (n > size)
		abort();
	dmi_read(&b, &arena, out, n);
	check(&b, n);
	if (a.n_modules != b.n_modules || a.slots != b.slots)
		abort();
	for (uint32_t i = 0; i < a.n_modules; i++)
		if (a.module[i].bytes != b.module[i].bytes || a.module[i].mts != b.module[i].mts || a.module[i].array != b.module[i].array)
			abort();
	free(out);
	arena_free(&arena);
	return 0;
}
