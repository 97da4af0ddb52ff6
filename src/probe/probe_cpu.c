/* probe_cpu.c - the host's processors: name, how many, which of them this process may use, what they can do
 *
 * /proc/cpuinfo says what they are, /sys how they hang together; where /sys is not there, /proc/cpuinfo has to do. */
#include "probe/probe.h"

#include "base/str.h"
#include "base/units.h"
#include "probe/probe_cgroup.h"
#include "probe/probe_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Serial numbers are of no use to a reader of a recording, and personal: their digits become zeros. */
static char *cpuinfo_text(const struct probe_input *in)
{
	static const char path[] = "/proc/cpuinfo";
	size_t n;
	char *text = probe_text_private(in, path, &n);

	for (char *p = text; p && in->record; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (str_prefix(p, "Serial"))
			for (char *d = p + 6; *d && *d != '\n'; d++)
				if (!strchr(" \t:", *d))
					*d = '0';
	if (text)
		probe_record(in, path, text, n);
	return text;
}

/* One line of a file, printable, in the arena; NULL: not there, or empty. */
static char *line_of(const struct probe_input *in, const char *path)
{
	const char *text = probe_text(in, path, NULL);
	char *line = text ? arena_strndup(in->a, text, proc_length(text)) : NULL;

	if (line)
		str_clean(line);
	return line && *line ? line : NULL;
}

/* What makers of boards leave in when they fill nothing in. */
static int placeholder(const char *s)
{
	static const char *const words[] = { "To Be Filled By O.E.M.", "To be filled by O.E.M.", "System Product Name", "System manufacturer",
		"Default string", "Not Specified", "O.E.M.", "None", "Unknown", "Product Name", "System Name", "INVALID" };

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (str_ieq(s, words[i]))
			return 1;
	return 0;
}

/* The class has a link to the device; a recording may have only the device. */
static char *dmi_line(const struct probe_input *in, const char *name)
{
	static const char *const folders[] = { "/sys/class/dmi/id", "/sys/devices/virtual/dmi/id" };
	char *line = NULL;

	for (unsigned i = 0; i < 2 && !line; i++) {
		const char *path = arena_printf(in->a, "%s/%s", folders[i], name);
		line = path ? line_of(in, path) : NULL;
	}
	return line;
}

static void read_system(struct probed_cpu *cpu, const struct probe_input *in, const struct cpu_text *text)
{
	/* as systemd-detect-virt knows them (src/basic/virt.c) */
	static const char *const hypervisors[] = { "KVM", "OpenStack", "KubeVirt", "Amazon EC2", "QEMU", "VMware", "VMW", "innotek GmbH",
		"VirtualBox", "Oracle Corporation", "Xen", "Bochs", "Parallels", "BHYVE", "Hyper-V", "Apple Virtualization",
		"Google Compute Engine" };
	char *vendor = dmi_line(in, "sys_vendor"), *product = dmi_line(in, "product_name"), *model;

	cpu->virtual_machine = text->hypervisor;
	for (unsigned i = 0; i < sizeof hypervisors / sizeof *hypervisors; i++)
		if ((vendor && str_prefix(vendor, hypervisors[i])) || (product && str_prefix(product, hypervisors[i])))
			cpu->virtual_machine |= !(product && strstr(product, ".metal"));         /* EC2 without a hypervisor */
	/* NVIDIA writes NVIDIA_DGX_Spark */
	for (char *p = product; p && *p; p++)
		*p = *p == '_' ? ' ' : *p;
	if (product && placeholder(product))
		product = NULL;
	if (vendor && placeholder(vendor))
		vendor = NULL;
	if (product)
		cpu->system = vendor && !str_prefix(product, vendor) ? arena_printf(in->a, "%s %s", vendor, product) : product;
	else if ((model = line_of(in, "/proc/device-tree/model")))
		cpu->system = model;
	else if (*text->system)
		cpu->system = arena_strdup(in->a, text->system);
}

/* The processors' worth of time that the tightest group on the way up allows: cpu.max "200000 100000" (microseconds in each period)
 * of v2, cpu.cfs_quota_us and cpu.cfs_period_us of v1. */
static void read_limit(struct probed_cpu *cpu, const struct probe_input *in)
{
	struct cgroup g;
	uint64_t quota, period;

	if (cgroup_find(&g, in, "cpu"))
		return;
	for (unsigned i = 0; i < CGROUP_LEVELS; i++) {
		const char *text = cgroup_text(&g, in, g.version == 2 ? "cpu.max" : "cpu.cfs_quota_us"), *second = text;
		int known = text && !proc_number(&quota, text);  /* "max" and -1 are no numbers */
		if (known && g.version == 2)
			second = text + strspn(text, "0123456789");
		else if (known)
			second = cgroup_text(&g, in, "cpu.cfs_period_us");
		if (known && second && !proc_number(&period, second + strspn(second, " ")) && quota && period) {
			double limit = (double)quota / (double)period;
			if (cpu->cpu_limit <= 0 || limit < cpu->cpu_limit)
				cpu->cpu_limit = limit;
		}
		if (!cgroup_up(&g))
			break;
	}
}

/* Affinity and cpusets together, as the kernel puts them together for this process. */
static void read_allowed(struct probed_cpu *cpu, const struct probe_input *in, const struct cpu_set *online)
{
	const char *text = probe_text_lines(in, "/proc/self/status", "Cpus_allowed_list");
	struct cpu_set allowed;

	if (!text || cpu_set_list(&allowed, proc_field(text, "Cpus_allowed_list")))
		return;
	if (cpu_set_count(online))               /* the list goes on to processors that could be plugged in */
		cpu_set_and(&allowed, online);
	cpu->threads_allowed = cpu_set_count(&allowed);
}

void probe_cpu(struct probed *out, const struct probe_input *in)
{
	struct probed_cpu *cpu = &out->cpu;
	struct cpu_text *text = arena_alloc(in->a, sizeof *text);
	struct cpu_set online;
	const char *all = cpuinfo_text(in);

	if (!text)
		return;
	cpu_text_read(text, all ? all : "");
	cpu->vendor = text->vendor;
	cpu->isa = text->isa;
	cpu->isa_known = text->isa_known;
	if (*text->name)
		cpu->name = arena_strdup(in->a, text->name);
	cpu->arch = line_of(in, "/proc/sys/kernel/arch");        /* since Linux 6.1 */
	if (!cpu->arch)
		cpu->arch = text->arch;
	if (!cpu_topology(cpu, &online, in, text)) {
		cpu->topology_from = PROBE_SYS;
	} else if (text->threads) {
		cpu->packages = text->packages ? text->packages : 1;
		cpu->cores = text->cores;
		cpu->threads = text->threads;
		cpu->topology_from = PROBE_PROC;
	}
	read_system(cpu, in, text);
	read_allowed(cpu, in, &online);
	read_limit(cpu, in);
	cpu_channels(out, in);
}
