/* fuzz_drm.c - any text as the files of a GPU in /sys: clocks, link rates, architectures */
#include "probe/probe_drm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), arch[24];
	uint32_t now, most;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	drm_clocks(&now, &most, text);
	/* what is in use is one of those listed */
	if (now > most || most > 100000 || drm_pcie_gen(text) > 6)
		abort();
	if (!kfd_arch(arch, sizeof arch, strtoull(text, NULL, 10)) && (strncmp(arch, "gfx", 3) || strlen(arch) > 12))
		abort();
	kfd_is_apu(text);
	free(text);
	return 0;
}
