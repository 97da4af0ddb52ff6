/* probe_cpu_channels.c - memory channels and modules: EDAC, which anybody may read, and DMI, which only root may
 *
 * EDAC (Documentation/admin-guide/ras.rst, ABI/testing/sysfs-devices-edac of Linux): mcN is a memory controller, dimmM or rankM below it
 * a module or one side of it, at "channel 1 slot 0" or "csrow 0 channel 1", as the controller's own driver counts. Only there with
 * ECC memory and such a driver. */
#include "probe/probe_host.h"

#include "base/str.h"
#include "probe/probe_dmi.h"

#include <string.h>

enum { MAX_CONTROLLERS = 256 };

struct found { uint32_t channels, dimms; const char *type; };

static int by_number(const char *name, const char *word, uint64_t *n)
{
	return str_prefix(name, word) ? proc_number(n, name + strlen(word)) : -1;
}

/* "Registered-DDR4" -> "DDR4" */
static const char *edac_type(struct arena *a, const char *text)
{
	const char *p = strstr(text, "LPDDR");

	if (!p)
		p = strstr(text, "DDR");
	return p ? arena_strndup(a, p, strspn(p, "LPDR0123456789")) : NULL;
}

/* One module: 0, -1: it does not count, -2: its channel is not told. */
static int edac_module(struct found *out, uint64_t *channel, const struct probe_input *in, const char *dir)
{
	const char *path = arena_printf(in->a, "%s/size", dir), *text;
	uint64_t mib;

	if (!path || probe_u64(&mib, in, path) || !mib)
		return -1;
	path = arena_printf(in->a, "%s/dimm_mem_type", dir);
	text = path ? probe_text(in, path, NULL) : NULL;
	if (text && str_prefix(text, "Non-volatile"))
		return -1;
	if (text && !out->type)
		out->type = edac_type(in->a, text);
	path = arena_printf(in->a, "%s/dimm_location", dir);
	text = path ? probe_text(in, path, NULL) : NULL;
	const char *p = text ? strstr(text, "channel ") : NULL;
	return p && !proc_number(channel, p + 8) && *channel < 64 ? 0 : -2;
}

static void read_edac(struct found *out, const struct probe_input *in)
{
	static const char root[] = "/sys/devices/system/edac/mc";
	uint64_t n, channel, seen;
	int told = 1;

	*out = (struct found){ 0 };
	for (const char *const *mc = probe_list(in, root); mc && *mc; mc++) {
		if (by_number(*mc, "mc", &n))
			continue;
		const char *dir = arena_printf(in->a, "%s/%s", root, *mc);
		seen = 0;
		for (const char *const *m = dir ? probe_list(in, dir) : NULL; m && *m; m++) {
			int dimm = !by_number(*m, "dimm", &n), rc = -1;
			const char *path = dimm || !by_number(*m, "rank", &n) ? arena_printf(in->a, "%s/%s", dir, *m) : NULL;
			if (!path || (rc = edac_module(out, &channel, in, path)) == -1)
				continue;
			out->dimms += (uint32_t)dimm;
			if (rc == -2)
				told = 0;
			else if (!(seen >> channel & 1))
				out->channels++;
			seen |= rc ? 0 : UINT64_C(1) << channel;
		}
	}
	if (!told)
		out->channels = 0;
}

static void read_dmi(struct dmi *out, const struct probe_input *in)
{
	static const char path[] = "/sys/firmware/dmi/tables/DMI";
	size_t n;
	char *table = probe_text_private(in, path, &n);
	char *kept = table && in->record ? arena_alloc(in->a, n ? n : 1) : NULL;

	*out = (struct dmi){ .n_modules = 0 };
	if (table)
		dmi_read(out, in->a, table, n);
	if (kept)
		probe_record(in, path, kept, dmi_public(kept, table, n));
}

void cpu_channels(struct probed *out, const struct probe_input *in)
{
	struct probed_cpu *cpu = &out->cpu;
	struct dmi *d = arena_alloc(in->a, sizeof *d);
	struct found edac;

	if (!d)
		return;
	read_edac(&edac, in);
	read_dmi(d, in);
	if (!cpu->name && d->processor && !cpu->virtual_machine)
		cpu->name = d->processor;
	/* a hypervisor makes its tables up: one module of any size, at no speed */
	if (cpu->virtual_machine)
		return;
	uint32_t by_name = dmi_channels(d);
	/* names that leave out the processor give fewer channels than processors */
	if (by_name < cpu->packages)
		by_name = 0;
	cpu->dimms = d->n_modules ? d->n_modules : edac.dimms;
	cpu->channels = edac.channels ? edac.channels : by_name;
	cpu->channels_from = cpu->channels ? (uint8_t)(edac.channels ? PROBE_SYS : PROBE_DMI) : PROBE_NONE;
	if (edac.channels && by_name && edac.channels != by_name)
		probe_conflict(out, "memory channels", PROBE_SYS, arena_printf(in->a, "%u", (unsigned)edac.channels), PROBE_DMI,
			arena_printf(in->a, "%u", (unsigned)by_name), PROBE_SYS);
	cpu->memory_type = edac.type;
	for (uint32_t i = 0; i < d->n_modules; i++) {
		const struct dmi_module *m = &d->module[i];
		if (!i || (m->mts && m->mts < cpu->mts) || !cpu->mts)    /* unlike modules all run at the slowest's speed */
			cpu->mts = m->mts;
		if (m->type)
			cpu->memory_type = m->type;
	}
	cpu->channel_bits = 64;
	if (d->n_modules && d->module[0].data_bits >= 16 && d->module[0].data_bits <= 128)
		cpu->channel_bits = d->module[0].data_bits;
	for (uint32_t i = 1; i < d->n_modules; i++)
		if (d->module[i].data_bits != d->module[0].data_bits)
			cpu->channel_bits = 64;
}
