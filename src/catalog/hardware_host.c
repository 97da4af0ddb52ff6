/* hardware_host.c - this machine's memory and processor */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE 1
#endif
#include "catalog/hardware_host.h"

#include "base/str.h"
#include "base/units.h"
#include "catalog/hardware_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

enum { MAX_FILE = 1 << 24, PATH_LEN = 512, MAX_CORES = 4096 };

/* The text behind "KEY<blanks>:" or "KEY " at the start of a line; NULL. */
static const char *field(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		if (strncmp(p, key, n) || !strchr(" \t:", p[n]) || !p[n])
			continue;
		p += n;
		p += strspn(p, " \t");
		p += *p == ':';
		return p + strspn(p, " \t");
	}
	return NULL;
}

static int number(uint64_t *out, const char *p)
{
	uint64_t v = 0;

	if (!p || *p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++)
		if (u64_mul(&v, v, 10) || u64_add(&v, v, (uint64_t)(*p - '0')))
			return -1;
	*out = v;
	return 0;
}

int host_meminfo(uint64_t *total, uint64_t *available, const char *text)
{
	uint64_t kib;

	*total = *available = 0;
	/* the kernel writes "kB" and means 1024 bytes */
	if (number(&kib, field(text, "MemTotal")) || !kib || u64_mul(total, kib, KIB))
		return -1;
	if (!number(&kib, field(text, "MemAvailable")) && u64_mul(available, kib, KIB))
		*available = 0;
	if (*available > *total)
		*available = *total;
	return 0;
}

void host_cpuinfo(struct host_cpu *out, const char *text)
{
	static const struct { const char *word; uint8_t vendor; } vendors[] = {
		{ "GenuineIntel", VENDOR_INTEL }, { "AuthenticAMD", VENDOR_AMD },
	};
	static const char *const names[] = { "model name", "Model", "Hardware", "cpu" };
	uint64_t seen[MAX_CORES], package = 0, core;
	const char *p;

	*out = (struct host_cpu){ .vendor = VENDOR_OTHER };
	for (unsigned i = 0; i < sizeof names / sizeof *names && !*out->name; i++)
		if ((p = field(text, names[i])))
			snprintf(out->name, sizeof out->name, "%.*s", (int)(strcspn(p, "\n") < 90 ? strcspn(p, "\n") : 90), p);
	if ((p = field(text, "vendor_id")))
		for (unsigned i = 0; i < sizeof vendors / sizeof *vendors; i++)
			if (str_prefix(p, vendors[i].word))
				out->vendor = vendors[i].vendor;
	for (p = text; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		if (str_prefix(p, "processor") && strchr(" \t:", p[9]) && p[9])
			out->threads++;
		else if (str_prefix(p, "physical id") && number(&package, field(p, "physical id")))
			package = 0;
		else if (str_prefix(p, "core id") && !number(&core, field(p, "core id")) && out->cores < MAX_CORES) {
			uint64_t id = package << 32 | (core & UINT32_MAX);
			uint32_t i = 0;
			while (i < out->cores && seen[i] != id)
				i++;
			if (i == out->cores)
				seen[out->cores++] = id;
		}
	}
	if (!out->cores)
		out->cores = out->threads;
}

int host_cgroup_path(char *out, size_t n, unsigned *version, const char *text)
{
	const char *unified = NULL;

	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		size_t len = strcspn(p, "\n");
		const char *first = memchr(p, ':', len), *second = first ? memchr(first + 1, ':', len - (size_t)(first + 1 - p)) : NULL;
		if (!second)
			continue;
		if (second == first + 1) {
			unified = second + 1;
			continue;
		}
		/* a hybrid machine has both lines; the controller that is named here is the one in charge */
		for (const char *c = first + 1; c < second; c += strcspn(c, ",:") + 1)
			if (!strncmp(c, "memory", 6) && (c[6] == ',' || c[6] == ':')) {
				*version = 1;
				snprintf(out, n, "%.*s", (int)strcspn(second + 1, "\n"), second + 1);
				return 0;
			}
	}
	if (!unified)
		return -1;
	*version = 2;
	snprintf(out, n, "%.*s", (int)strcspn(unified, "\n"), unified);
	return 0;
}

int host_cgroup_bytes(uint64_t *out, const char *text)
{
	/* v1 writes PAGE_COUNTER_MAX (2^63 less a page) for "no limit" */
	return number(out, text) || *out >= UINT64_C(1) << 60 ? -1 : 0;
}

uint64_t host_cgroup_cache(const char *text)
{
	uint64_t v;

	/* v1 files have both: the total counts the children, as the usage does */
	if (!number(&v, field(text, "total_inactive_file")) || !number(&v, field(text, "inactive_file")))
		return v;
	return 0;
}

int host_spec(struct hardware_spec *out, struct arena *a, const struct host_memory *m, const struct host_cpu *cpu,
	struct error *err)
{
	struct device_spec *dev = arena_alloc(a, sizeof *dev);
	struct group *group = arena_alloc(a, sizeof *group);
	struct pool *pool = arena_alloc(a, sizeof *pool);
	uint64_t free_bytes = m->available, used = m->used > m->cache ? m->used - m->cache : 0,
		left = m->limit > used ? m->limit - used : 0;
	char size[32];

	*out = (struct hardware_spec){ .id = "this-machine", .status = HW_SOLD };
	if (!dev || !group || !pool)
		return error_set(err, E_NOMEM, "out of memory");
	*pool = (struct pool){ .name = "host", .kind = POOL_HOST, .total_bytes = m->total, .usable_bytes = m->total };
	if (m->limit && m->limit < m->total) {
		pool->usable_bytes = m->limit;
		pool->limit = "cgroup";
		if (!free_bytes || left < free_bytes)
			free_bytes = left;
	}
	if (m->available || pool->limit)
		pool->free_bytes = known_of((double)free_bytes, BASIS_MEASURED);
	out->name = arena_printf(a, "this machine (%s%s%u cores, %s)", cpu->name, *cpu->name ? ", " : "", (unsigned)cpu->cores,
		format_bytes(size, sizeof size, m->total));
	*dev = (struct device_spec){ .id = "cpu", .name = *cpu->name ? arena_strdup(a, cpu->name) : "CPU", .kind = DEVICE_CPU,
		.vendor = cpu->vendor, .units = cpu->cores };
	if (!out->name || !dev->name)
		return error_set(err, E_NOMEM, "out of memory");
	*group = (struct group){ dev, 0, 1, 1 };
	out->pools = pool;
	out->n_pools = 1;
	out->groups = group;
	out->n_groups = 1;
	out->fingerprint = hardware_fingerprint(out);
	return OK;
}

#ifdef __APPLE__
static int read_host(struct host_memory *m, struct host_cpu *cpu, struct arena *a, struct error *err)
{
	uint64_t bytes = 0;
	size_t n = sizeof bytes;
	int32_t cores = 0;

	(void)a;
	if (sysctlbyname("hw.memsize", &bytes, &n, NULL, 0) || n != sizeof bytes || !bytes)
		return error_set(err, E_NODEV, "hw.memsize: the system does not say how much memory it has");
	m->total = bytes;
	*cpu = (struct host_cpu){ .vendor = VENDOR_APPLE };
	n = sizeof cpu->name;
	if (sysctlbyname("machdep.cpu.brand_string", cpu->name, &n, NULL, 0))
		cpu->name[0] = '\0';
	cpu->name[sizeof cpu->name - 1] = '\0';
	n = sizeof cores;
	if (!sysctlbyname("hw.physicalcpu", &cores, &n, NULL, 0) && cores > 0)
		cpu->cores = (uint32_t)cores;
	if (!sysctlbyname("hw.logicalcpu", &cores, &n, NULL, 0) && cores > 0)
		cpu->threads = (uint32_t)cores;
	return OK;
}
#else
/* NULL when it cannot be read: many of these files are not there. Files of /proc claim a size of 0, so it is no guide. */
static char *slurp(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "r");
	size_t room = 1 << 14, n = 0, k;
	char *text = f ? arena_alloc(a, room) : NULL;

	while (text && (k = fread(text + n, 1, room - 1 - n, f)) > 0) {
		n += k;
		if (n + 1 < room)
			continue;
		char *more = room < MAX_FILE ? arena_alloc(a, room * 2) : NULL;
		if (!more)
			break;
		memcpy(more, text, n);
		text = more;
		room *= 2;
	}
	if (f)
		fclose(f);
	if (text)
		text[n] = '\0';
	return text;
}

static char *cgroup_file(struct arena *a, const char *root, const char *path, const char *name)
{
	char full[PATH_LEN + 128];

	if (snprintf(full, sizeof full, "%s%s/%s", root, strcmp(path, "/") ? path : "", name) >= (int)sizeof full)
		return NULL;
	return slurp(a, full);
}

/* The tightest of the limits on the way up from our own group: each ancestor's counts too. */
static void read_cgroup(struct host_memory *m, struct arena *a)
{
	static const char *const root[] = { "/sys/fs/cgroup/memory", "/sys/fs/cgroup" };
	static const char *const max[] = { "memory.limit_in_bytes", "memory.max" },
		*const current[] = { "memory.usage_in_bytes", "memory.current" };
	char path[PATH_LEN], *text = slurp(a, "/proc/self/cgroup");
	uint64_t best = UINT64_MAX;
	unsigned version;

	if (!text || host_cgroup_path(path, sizeof path, &version, text))
		return;
	const unsigned v = version - 1;
	for (;;) {
		struct host_memory here = { .limit = 0 };
		char *limit = cgroup_file(a, root[v], path, max[v]), *used = cgroup_file(a, root[v], path, current[v]);
		if (limit && !host_cgroup_bytes(&here.limit, limit)) {
			char *stat = cgroup_file(a, root[v], path, "memory.stat");
			if (!used || host_cgroup_bytes(&here.used, used))
				here.used = 0;
			here.cache = stat ? host_cgroup_cache(stat) : 0;
			uint64_t held = here.used > here.cache ? here.used - here.cache : 0, left = here.limit > held ? here.limit - held : 0;
			if (left < best) {
				best = left;
				m->limit = here.limit;
				m->used = here.used;
				m->cache = here.cache;
			}
		}
		char *slash = strrchr(path, '/');
		/* seen from inside a container the path may be one that only the outside knows: the root is asked last */
		if (!slash || !path[0] || !strcmp(path, "/"))
			return;
		slash[slash == path] = '\0';
	}
}

static int read_host(struct host_memory *m, struct host_cpu *cpu, struct arena *a, struct error *err)
{
	char *text = slurp(a, "/proc/meminfo");

	if (!text)
		return error_set(err, E_NODEV, "/proc/meminfo cannot be read: the memory of this machine is unknown");
	if (host_meminfo(&m->total, &m->available, text))
		return error_at(err, E_FILE, "/proc/meminfo", 0, "MemTotal is not there");
	read_cgroup(m, a);
	text = slurp(a, "/proc/cpuinfo");
	host_cpuinfo(cpu, text ? text : "");
	return OK;
}
#endif

int hardware_host(struct hardware_spec *out, struct arena *a, struct error *err)
{
	struct host_memory m = { 0 };
	struct host_cpu cpu;
	int rc = read_host(&m, &cpu, a, err);

	return rc == OK ? host_spec(out, a, &m, &cpu, err) : rc;
}
