/* fuzz_gpu_files.c - any text as files of KFD and as lists of device names: what is found lies within the text */
#include "probe/probe_drm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_kfd(const char *text, size_t size)
{
	struct kfd_node node = { .id = 0 };
	char arch[16];
	uint64_t v;

	kfd_properties(&node, text);
	if (!memchr(node.bus, 0, sizeof node.bus) || (node.simds && strlen(node.bus) < 12) || (!node.simds && node.bus[0]))
		abort();
	if (!kfd_arch(arch, sizeof arch, node.target) && (!memchr(arch, 0, sizeof arch) || strncmp(arch, "gfx", 3)))
		abort();
	for (unsigned i = 0; i < PROBE_LINKS + 2; i++) {
		kfd_bank(&node, text);
		kfd_link(&node, text);
	}
	if (node.n_xgmi > PROBE_LINKS)
		abort();
	for (uint32_t i = 0; i < node.n_xgmi; i++)
		if (!node.xgmi[i].links || node.xgmi[i].links > 16)
			abort();
	if (!kfd_value(&v, text, "simd_count") && size < strlen("simd_count 0"))
		abort();
}

static void check_names(const char *text, size_t size)
{
	const char *p, *vendor = NULL, *line = NULL;
	size_t n = 0, vendor_n, line_n;

	p = amdgpu_ids_find(&n, text, 0x744c, 0xc8);
	if (p && (!n || p < text || p + n > text + size || memchr(p, '\n', n)))
		abort();
	p = pci_ids_find(&n, &vendor, &vendor_n, &line, &line_n, text, 0x8086, 0xe20b);
	if (p && (!n || !line_n || !vendor_n || p < line || p + n > line + line_n || memchr(p, '/', n)))
		abort();
	if (line_n && (vendor < text || line <= vendor || line + line_n > text + size || memchr(line, '\n', line_n) || memchr(vendor, '\n', vendor_n)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_kfd(text, strlen(text));
	check_names(text, strlen(text));
	free(text);
	return 0;
}
