/* probe.c - the readers called in order, what they found put together, and the names of things */
#include "probe/probe.h"

#include "base/file.h"
#include "base/str.h"
#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

const char *const probe_source_names[] = {
	"nothing", "/proc", "/sys", "cgroup", "DMI", "hwloc", "NVML", "the CUDA driver", "DRM", "KFD", "sysctl", "Metal", "the catalogue", NULL
};
_Static_assert(sizeof probe_source_names / sizeof *probe_source_names == PROBE_SOURCES + 1, "one name a source");

const char *const isa_names[] = {
	"sse4.2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
	"amx_tile", "amx_int8", "amx_bf16", "neon", "fp16", "dotprod", "bf16", "i8mm", "sve", "sve2", "sme", NULL
};
_Static_assert(sizeof isa_names / sizeof *isa_names == ISAS + 1, "one name an instruction set");

void probe_note(struct probed *out, const struct probe_input *in, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	const char *kept;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (uint32_t i = 0; i < out->n_notes; i++)
		if (!strcmp(out->note[i], text))
			return;          /* eight equal cards say the same thing once */
	if (out->n_notes == PROBE_NOTES) {
		out->note[PROBE_NOTES - 1] = "there are more notes than can be kept";
		return;
	}
	str_clean(text);
	kept = arena_strdup(in->a, text);
	if (kept)                        /* else the arena remembers that it failed */
		out->note[out->n_notes++] = kept;
}

void probe_conflict(struct probed *out, const char *what, enum probe_source a, const char *value_a, enum probe_source b, const char *value_b,
	enum probe_source used)
{
	if (!what || !value_a || !value_b || out->n_conflicts == PROBE_NOTES)
		return;
	out->conflict[out->n_conflicts++] = (struct probed_conflict){ what, (uint8_t)a, (uint8_t)b, value_a, value_b, (uint8_t)used };
}

/* NVML writes an eight-digit domain, CUDA and sysfs four digits, some tools capitals. -1: not an address. */
static int bus_plain(char *out, size_t n, const char *bus)
{
	unsigned domain, b, device, function;
	int end = -1;

	if (sscanf(bus, "%8x:%2x:%2x.%1x%n", &domain, &b, &device, &function, &end) != 4 || end < 0 || bus[end])
		return -1;
	snprintf(out, n, "%04x:%02x:%02x.%x", domain, b, device, function);
	return 0;
}

struct probed_gpu *probe_gpu_at(struct probed *out, const struct probe_input *in, const char *bus)
{
	char plain[64];
	struct probed_gpu *g;

	if (bus && bus_plain(plain, sizeof plain, bus) == 0)
		bus = plain;
	for (uint32_t i = 0; bus && i < out->n_gpus; i++)
		if (out->gpu[i].bus && !strcmp(out->gpu[i].bus, bus))
			return &out->gpu[i];
	if (out->n_gpus == PROBE_GPUS) {
		probe_note(out, in, "this machine has more than %d GPUs: the others are left out", (int)PROBE_GPUS);
		return NULL;
	}
	g = &out->gpu[out->n_gpus];
	*g = (struct probed_gpu){ .vendor = VENDOR_OTHER };
	if (bus && !(g->bus = arena_strdup(in->a, bus)))
		return NULL;
	out->n_gpus++;
	return g;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* `first`: the source that a reader's time counts for, as far as it does not count it itself (NVML and CUDA, /proc and DMI). */
static const struct { void (*read)(struct probed *out, const struct probe_input *in); uint8_t first; } readers[] = {
	{ probe_memory, PROBE_PROC }, { probe_cpu, PROBE_PROC }, { probe_hwloc, PROBE_HWLOC }, { probe_nvidia, PROBE_NVML },
	{ probe_drm, PROBE_DRM }, { probe_apple, PROBE_METAL }
};

static double sum(const double *v)
{
	double s = 0;

	for (int i = 0; i < PROBE_SOURCES; i++)
		s += v[i];
	return s;
}

/* What a recording says of itself. */
static int recording_head(struct probed *out, const struct probe_input *in, struct error *err)
{
	const char *path = arena_printf(in->a, "%s/machine.yaml", in->replay), *os = NULL, *name = in->replay;
	struct ydoc d;
	int rc;

	if (!path)
		return error_set(err, E_NOMEM, "out of memory");
	if (!path_exists(path)) {
		rc = error_set(err, E_FILE, "%s is no recording of a machine: it has no machine.yaml", in->replay);
		error_hint(err, "ullage hardware --record FOLDER makes one");
		return rc;
	}
	if ((rc = yaml_load(&d, in->a, path, err)) == OK && (rc = yaml_want(&d, d.root, YAML_MAP, err)) == OK)
		rc = yaml_str(&os, &d, d.root, "os", YAML_OPTIONAL, err);
	if (rc == OK)
		rc = yaml_str(&name, &d, d.root, "name", YAML_OPTIONAL, err);
	if (rc == E_CATALOGUE) {         /* the reader's code; but this file is not the catalogue's */
		rc = E_FILE;
		if (err)
			err->code = rc;
	}
	if (rc != OK)
		return rc;
	out->recording = name;
	if (os && strcmp(os, "unknown"))
		out->os = os;
	return OK;
}

static void system_name(struct probed *out, const struct probe_input *in)
{
	struct utsname u;

	if (!out->os && !in->replay && uname(&u) == 0)
		out->os = arena_printf(in->a, "%s %s", u.sysname, u.release);
}

/* What drivers, files and recordings say is shown on terminals: without control characters. */
static void clean(const char **s, struct arena *a)
{
	char *copy = *s ? arena_strdup(a, *s) : NULL;

	if (copy)
		str_clean(copy);
	*s = copy;
}

static void clean_all(struct probed *out, struct arena *a)
{
	clean(&out->os, a);
	clean(&out->recording, a);
	clean(&out->cpu.name, a);
	clean(&out->cpu.system, a);
	clean(&out->cpu.memory_type, a);
	clean(&out->memory.limit_path, a);
	for (uint32_t i = 0; i < out->n_gpus; i++) {
		struct probed_gpu *g = &out->gpu[i];
		clean(&g->name, a);
		clean(&g->why, a);
		clean(&g->driver, a);
		clean(&g->arch, a);
		clean(&g->mig_profile, a);
		for (uint32_t k = 0; k < g->n_processes; k++)
			clean(&g->process[k].name, a);
	}
	for (uint32_t i = 0; i < out->n_conflicts; i++) {
		clean(&out->conflict[i].value_a, a);
		clean(&out->conflict[i].value_b, a);
	}
}

/* Cards with memory are a machine even where the host says nothing of its own. */
static int some_gpu_memory(const struct probed *p)
{
	for (uint32_t i = 0; i < p->n_gpus; i++)
		if (p->gpu[i].total)
			return 1;
	return 0;
}

int probe_machine(struct probed *out, const struct probe_input *in, struct error *err)
{
	int rc;

	memset(out, 0, sizeof *out);
	if (in->replay && (rc = recording_head(out, in, err)) != OK)
		return rc;
	for (unsigned i = 0; i < sizeof readers / sizeof *readers; i++) {
		double before = sum(out->seconds), start = now(), own, took;

		readers[i].read(out, in);
		took = now() - start;
		own = sum(out->seconds) - before;
		if (took > own)
			out->seconds[readers[i].first == PROBE_PROC && out->memory.from == PROBE_SYSCTL ? PROBE_SYSCTL : readers[i].first] += took - own;
	}
	/* how long the reading of files took says nothing of the machine they came from */
	if (in->replay)
		memset(out->seconds, 0, sizeof out->seconds);
	system_name(out, in);
	clean_all(out, in->a);
	if (in->a->failed)
		return error_set(err, E_NOMEM, "out of memory");
	if (!out->memory.total && !some_gpu_memory(out)) {
		rc = error_set(err, E_NODEV, "%s does not say how much memory it has", in->replay ? in->replay : "this machine");
		error_hint(err, "name a machine with --on, such as --on \"rtx-4090 + 64GB\"");
		return rc;
	}
	return OK;
}
