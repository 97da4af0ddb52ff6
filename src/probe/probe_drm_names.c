/* probe_drm_names.c - what a card is called: no file of the kernel says it of most cards, two lists do
 *
 * amdgpu.ids of libdrm, by device and revision ("744C,\tC8,\tAMD Radeon RX 7900 XTX"), and pci.ids ("8086  Intel Corporation", then
 * "\te20b  Battlemage G21 [Arc B580]"). Both are in most distributions; the name that they give is not the driver's, and the catalogue
 * goes by PCI id first. Only the lines that were found are recorded. */
#include "probe/probe_drm.h"

#include <stdlib.h>
#include <string.h>

static const char *const amdgpu_ids[] = { "/usr/share/libdrm/amdgpu.ids", "/opt/amdgpu/share/libdrm/amdgpu.ids" };
static const char *const pci_ids[] = { "/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids" };

static const char *next_line(const char *p)
{
	p += strcspn(p, "\n");
	return *p ? p + 1 : NULL;
}

/* A hexadecimal number at *p, which then points behind it. 0 or -1. */
static int hex(uint32_t *out, const char **p)
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = 0;

	for (*out = 0; **p && n < 8; n++, ++*p) {
		const char *d = strchr(digits, **p >= 'A' && **p <= 'F' ? **p | 32 : **p);
		if (!d)
			break;
		*out = *out << 4 | (uint32_t)(d - digits);
	}
	return n ? 0 : -1;
}

static size_t trimmed(const char *p, size_t n)
{
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
		n--;
	return n;
}

const char *amdgpu_ids_find(size_t *n, const char *text, uint32_t device, uint32_t revision)
{
	for (const char *line = text; line; line = next_line(line)) {
		const char *p = line;
		uint32_t d, r;
		if (hex(&d, &p) || d != device || *p++ != ',')
			continue;
		p += strspn(p, " \t");
		if (hex(&r, &p) || r != revision || *p++ != ',')
			continue;
		p += strspn(p, " \t");
		*n = trimmed(p, strcspn(p, "\n"));
		return *n ? p : NULL;
	}
	return NULL;
}

const char *pci_ids_find(size_t *n, const char **vendor, size_t *vendor_n, const char **line, size_t *line_n, const char *text,
	uint32_t vendor_id, uint32_t device_id)
{
	int here = 0;

	*vendor_n = *line_n = 0;
	for (const char *at = text; at; at = next_line(at)) {
		const char *p = at + (*at == '\t');
		uint32_t id;
		if (hex(&id, &p) || *p != ' ')
			continue;                /* a remark, a subsystem (two tabs), a class */
		if (*at != '\t') {
			if (here)
				return NULL;
			if ((here = id == vendor_id)) {
				*vendor = at;
				*vendor_n = strcspn(at, "\n");
			}
			continue;
		}
		if (!here || id != device_id)
			continue;
		*line = at;
		*line_n = strcspn(at, "\n");
		p += strspn(p, " ");
		size_t len = trimmed(p, (size_t)(at + *line_n - p)), open = len;
		if (len && p[len - 1] == ']') {
			while (open && p[open - 1] != '[')
				open--;
			if (open) {
				p += open;
				len -= open + 1;
			}
		}
		*n = len;
		return len && !memchr(p, '/', len) ? p : NULL;
	}
	return NULL;
}

static const char *by_amdgpu_ids(const struct probe_input *in, const struct drm_card *c)
{
	for (unsigned i = 0; i < sizeof amdgpu_ids / sizeof *amdgpu_ids; i++) {
		const char *text = probe_text_private(in, amdgpu_ids[i], NULL), *name, *from;
		size_t n;
		if (!text || !(name = amdgpu_ids_find(&n, text, c->device, c->revision)))
			continue;
		for (from = name; from > text && from[-1] != '\n'; from--)
			;
		probe_record(in, amdgpu_ids[i], from, strcspn(from, "\n"));
		return arena_strndup(in->a, name, n);
	}
	return NULL;
}

static const char *by_pci_ids(const struct probe_input *in, const struct drm_card *c)
{
	const char *maker = c->vendor == PCI_AMD ? "AMD" : c->vendor == PCI_INTEL ? "Intel" : c->vendor == PCI_NVIDIA ? "NVIDIA" : "";

	for (unsigned i = 0; i < sizeof pci_ids / sizeof *pci_ids; i++) {
		const char *text = probe_text_private(in, pci_ids[i], NULL), *name, *vendor, *line, *kept;
		size_t n, vendor_n, line_n;
		if (!text)
			continue;
		name = pci_ids_find(&n, &vendor, &vendor_n, &line, &line_n, text, c->vendor, c->device);
		if (line_n && in->record && (kept = arena_printf(in->a, "%.*s\n%.*s\n", (int)vendor_n, vendor, (int)line_n, line)))
			probe_record(in, pci_ids[i], kept, strlen(kept));
		if (line_n)
			return name ? arena_printf(in->a, "%s%s%.*s", maker, *maker ? " " : "", (int)n, name) : NULL;
	}
	return NULL;
}

const char *drm_name(const struct probe_input *in, const struct drm_card *c)
{
	const char *name = c->vendor == PCI_AMD ? by_amdgpu_ids(in, c) : NULL;

	return name ? name : by_pci_ids(in, c);
}
