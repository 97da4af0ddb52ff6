/* probe_spec.c - what was found and what the catalogue knows, put together into one machine
 *
 * Cards that are alike and have the same memory free (to 64 MiB) are one group; those whose free memory differs by more are groups of
 * their own, for a pool has one figure of what is free. The processor is the last group, unless its memory is the GPU's as well. */
#include "probe/probe_join.h"

#include "base/str.h"
#include "base/units.h"
#include "catalog/hardware_name.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FREE_ALIKE_MIB = 64 };
/* Ryzen desktop processors carry two units for the display (AMD's specification of the Ryzen 7000 and 9000): the cores compute faster. */
enum { DISPLAY_UNITS = 2 };

static int no_memory(struct join *j) { return error_set(j->err, E_NOMEM, "out of memory"); }

int join_warn(struct join *j, const char *fmt, ...)
{
	char text[512];
	const char *kept;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (unsigned i = 0; i < j->n_warnings; i++)
		if (!strcmp(j->warnings[i], text))
			return OK;
	if (j->n_warnings == JOIN_WARNINGS)
		return OK;
	if (!(kept = arena_strdup(j->a, text)))
		return no_memory(j);
	j->warnings[j->n_warnings++] = kept;
	return OK;
}

static const char *short_gpu_name(struct join *j, const struct probed_gpu *g)
{
	static const char *const makers[] = { "NVIDIA", "AMD", "Intel", "Apple", "unnamed" };

	if (g->name)
		return g->name;
	if (j->match[g - j->p->gpu].level == MATCH_WHOLE)
		return j->match[g - j->p->gpu].spec->name;
	return arena_printf(j->a, "%s GPU", makers[g->vendor <= VENDOR_OTHER ? g->vendor : VENDOR_OTHER]);
}

const char *join_gpu_name(struct join *j, const struct probed_gpu *g)
{
	const char *name = short_gpu_name(j, g);

	return name && g->bus ? arena_printf(j->a, "%s at %s", name, g->bus) : name;
}

/* --- which GPUs are used ------------------------------------------------------------------------------------------------- */

static int has_own_memory(const struct probed_gpu *g) { return g->state == GPU_OK && !g->unified && g->total; }

/* NULL: it is used; else why not. */
static const char *why_left_out(const struct join *j, uint32_t i)
{
	const struct probed_gpu *g = &j->p->gpu[i];

	if (g->state == GPU_LOST)
		return "lost";
	if (g->state == GPU_HIDDEN)
		return g->why ? g->why : "hidden";
	if (g->state == GPU_UNREADABLE)
		return g->why ? g->why : "it cannot be read";
	/* MIG User Guide: a program sees one slice, whatever CUDA_VISIBLE_DEVICES lists */
	for (uint32_t k = 0; k < i && g->mig; k++)
		if (j->p->gpu[k].mig && j->p->gpu[k].state == GPU_OK)
			return "a program gets one MIG slice, the first unless CUDA_VISIBLE_DEVICES names another";
	if (!g->unified)
		return g->total ? NULL : "it does not say how much memory it has";
	for (uint32_t k = 0; k < j->p->n_gpus; k++) {
		if (has_own_memory(&j->p->gpu[k]))
			return "it shares the host's memory, beside a card of its own memory";
		if (k < i && j->p->gpu[k].unified && j->p->gpu[k].state == GPU_OK)
			return "it shares the host's memory with another GPU";
	}
	if (g->vendor == VENDOR_APPLE || g->vendor == VENDOR_NVIDIA)
		return NULL;
	if (g->vendor == VENDOR_AMD && g->gtt_total)
		return g->units && g->units <= DISPLAY_UNITS ? "it is for the display, the processor computes faster" : NULL;
	return "it shares the host's memory and does not say how much of it a model may take";
}

/* --- groups -------------------------------------------------------------------------------------------------------------- */

static int same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static int alike(const struct join *j, uint32_t x, uint32_t y)
{
	const struct probed_gpu *a = &j->p->gpu[x], *b = &j->p->gpu[y];

	return a->vendor == b->vendor && same_text(a->name, b->name) && a->pci == b->pci && a->total == b->total && a->reserved == b->reserved &&
		a->mig == b->mig && same_text(a->mig_profile, b->mig_profile) && a->units == b->units &&
		j->match[x].entry == j->match[y].entry && j->match[x].level == j->match[y].level;
}

/* Rates of the chip; a MIG slice has its share of the units. */
static int set_rates(struct device_spec *d, struct join *j, const struct probed_gpu *g, const struct device_match *m)
{
	uint32_t units = m->spec->groups[0].device->units;
	double share = 1;

	if (g->units && units && g->units != units)
		share = g->mig ? (double)g->units / units : 0;
	else if (g->mig && !g->units)
		share = 0;
	for (unsigned i = 0; i < MATH_COUNT; i++) {
		d->flops[i].v *= share;
		if (share <= 0)
			d->flops[i] = (struct known){ 0 };
	}
	return share > 0 ? OK : join_warn(j, "%s has %u units, the catalogue's %s %u: its matrix rates are unknown", short_gpu_name(j, g), g->units,
		m->entry->name, units);
}

static int make_device(const struct device_spec **out, struct join *j, uint32_t i)
{
	const struct probed_gpu *g = &j->p->gpu[i];
	const struct device_match *m = &j->match[i];
	struct device_spec *d = arena_alloc(j->a, sizeof *d);
	char id[96];
	int rc;

	*out = d;
	if (!d)
		return no_memory(j);
	if (m->level != MATCH_NONE) {
		*d = *m->spec->groups[0].device;
		d->id = m->id;
		if ((rc = set_rates(d, j, g, m)) != OK)
			return rc;
		for (const char *const *w = m->entry->warnings; *w; w++)
			if ((rc = join_warn(j, "%s", *w)) != OK)
				return rc;
	} else {
		*d = (struct device_spec){ .kind = DEVICE_GPU };
		if ((rc = join_warn(j, "%s is not matched with the catalogue (%s): its matrix rates are unknown", short_gpu_name(j, g), m->how)) != OK)
			return rc;
	}
	d->vendor = g->vendor;
	if (!(d->name = short_gpu_name(j, g)))
		return no_memory(j);
	if (m->level == MATCH_NONE || g->mig) {
		str_fold(id, sizeof id, d->name);
		if (!(d->id = arena_strdup(j->a, id)))
			return no_memory(j);
	}
	if (g->compute_capability)
		d->compute_capability = g->compute_capability;
	if (g->units)
		d->units = g->units;
	if (g->arch)
		d->arch = g->arch;
	if (g->power_limit_w > 0)
		d->tdp_w = known_of(g->power_limit_w, BASIS_MEASURED);
	return OK;
}

/* A group for GPU i, or a place in that of a GPU before it. */
static int deal(struct join *j, uint32_t i)
{
	const struct probed_gpu *g = &j->p->gpu[i];
	const struct device_spec *device = NULL;
	struct pool *pool;
	int rc;

	for (uint32_t k = 0; k < i && !g->unified; k++) {
		if (j->group_of[k] == PROBE_NO_GROUP || !alike(j, i, k))
			continue;
		pool = &j->pools[j->groups[j->group_of[k]].pool];
		device = j->groups[j->group_of[k]].device;
		if (is_known(pool->free_bytes) == g->free_unknown ||
		    (!g->free_unknown && fabs(pool->free_bytes.v - (double)g->free) > FREE_ALIKE_MIB * (double)MIB))
			continue;
		j->group_of[i] = j->group_of[k];
		j->groups[j->group_of[k]].per_node++;
		if ((double)g->free < pool->free_bytes.v)
			pool->free_bytes.v = (double)g->free;
		return OK;
	}
	if (!device && (rc = make_device(&device, j, i)) != OK)
		return rc;
	pool = &j->pools[j->n_pools];
	rc = g->unified ? pool_unified(pool, j, g, &j->match[i]) : pool_of_gpu(pool, j, g, &j->match[i]);
	if (rc == OK && j->n_pools && !(pool->name = arena_printf(j->a, "vram%u", j->n_pools + 1)))
		rc = no_memory(j);
	if (rc != OK)
		return rc;
	j->group_of[i] = (uint16_t)j->n_groups;
	j->groups[j->n_groups++] = (struct group){ device, (uint16_t)j->n_pools++, 1, 1 };
	return OK;
}

static int add_processor(struct join *j)
{
	const struct probed_cpu *cpu = &j->p->cpu;
	struct device_spec *d = arena_alloc(j->a, sizeof *d);
	struct device_match m;
	int rc;

	if (!d)
		return no_memory(j);
	if ((rc = match_cpu(&m, j->a, j->c, cpu, j->err)) != OK)
		return rc;
	if (m.level == MATCH_WHOLE)
		*d = *m.spec->groups[0].device;          /* its rates, if anybody stated them */
	d->id = "cpu";
	d->name = cpu->name ? cpu->name : "CPU";
	d->kind = DEVICE_CPU;
	d->vendor = cpu->vendor;
	d->units = cpu->cores;
	if ((rc = pool_of_host(&j->pools[j->n_pools], j)) != OK)
		return rc;
	j->groups[j->n_groups++] = (struct group){ d, (uint16_t)j->n_pools++, 1, 1 };
	return OK;
}

/* --- the machine --------------------------------------------------------------------------------------------------------- */

/* Of what the machine is: neither what is free, by which cards are grouped above, nor the few MiB by which a kernel's MemTotal differs from the
 * next one's. */
static uint64_t fingerprint(const struct join *j)
{
	struct group groups[PROBE_GPUS + 1];
	struct pool pools[PROBE_GPUS + 1];
	struct device_spec cpu = { 0 };
	char id[128];
	unsigned n = 0;

	for (unsigned g = 0; g < j->n_groups; g++) {
		unsigned k = 0;
		while (k < n && groups[k].device != j->groups[g].device)
			k++;
		if (k < n) {
			groups[k].per_node = (uint16_t)(groups[k].per_node + j->groups[g].per_node);
			continue;
		}
		groups[n] = j->groups[g];
		groups[n].pool = (uint16_t)n;
		pools[n] = j->pools[j->groups[g].pool];
		if (pools[n].kind != POOL_VRAM)
			pools[n].total_bytes = (pools[n].total_bytes + GIB / 2) / GIB;
		if (groups[n].device->kind == DEVICE_CPU) {
			str_fold(id, sizeof id, groups[n].device->name);
			cpu = *groups[n].device;
			cpu.id = id;
			groups[n].device = &cpu;
		}
		n++;
	}
	return hardware_fingerprint(&(struct hardware_spec){ .groups = groups, .n_groups = (uint16_t)n, .pools = pools, .n_pools = (uint16_t)n });
}

static const char *machine_name(struct join *j)
{
	const struct probed_cpu *cpu = &j->p->cpu;
	char buf[400] = "", part[160], size[32], short_name[128];
	uint64_t total = j->p->memory.total;

	if (j->p->recording)
		return arena_printf(j->a, "recorded machine %s", j->p->recording);
	for (unsigned g = 0; g < j->n_groups; g++) {
		const struct device_spec *d = j->groups[g].device;
		unsigned count = 0, seen = 0;
		for (unsigned k = 0; k < j->n_groups; k++) {
			seen |= k < g && j->groups[k].device == d;
			count += j->groups[k].device == d ? j->groups[k].per_node : 0u;
		}
		if (seen || d->kind == DEVICE_CPU)
			continue;
		if (count > 1)
			snprintf(part, sizeof part, "%ux %s, ", count, d->name);
		else
			snprintf(part, sizeof part, "%s, ", d->name);
		if (strlen(buf) + strlen(part) < sizeof buf)
			strcat(buf, part);
	}
	if (cpu->name && (!*buf || strcmp(j->groups[0].device->name, cpu->name)))
		snprintf(part, sizeof part, "%s, ", cpu_short_name(short_name, sizeof short_name, cpu->name));
	else
		part[0] = '\0';
	if (j->pools[0].kind == POOL_UNIFIED)
		total = j->pools[0].total_bytes;
	return arena_printf(j->a, "this machine: %s%s%s", buf, part, total ? format_bytes(size, sizeof size, total) : "host memory unknown");
}

static int close_join(struct hardware_spec *out, struct join *j)
{
	*out = (struct hardware_spec){
		.id = j->p->recording ? "recorded-machine" : "this-machine", .name = machine_name(j), .status = HW_SOLD,
		.pools = j->pools, .n_pools = (uint16_t)j->n_pools, .groups = j->groups, .n_groups = (uint16_t)j->n_groups,
		.links = j->links, .n_links = (uint16_t)j->n_links, .warnings = j->warnings, .n_warnings = (uint16_t)j->n_warnings,
	};
	if (!out->name || j->a->failed)
		return no_memory(j);
	out->fingerprint = fingerprint(j);
	return OK;
}

/* A machine that lost a card is not the machine that it would be taken for. */
static int lost(struct join *j)
{
	for (uint32_t i = 0; i < j->p->n_gpus; i++) {
		const struct probed_gpu *g = &j->p->gpu[i];
		if (g->state != GPU_LOST)
			continue;
		const char *name = join_gpu_name(j, g);
		int rc = error_set(j->err, E_NODEV, "GPU %u, %s, is lost%s%s", i, name ? name : "unnamed", g->why ? ": " : "", g->why ? g->why : "");
		error_hint(j->err, "reset it or start the machine again; CUDA_VISIBLE_DEVICES without it leaves it out");
		return rc;
	}
	return OK;
}

int probe_spec(struct hardware_spec *out, struct probe_match *match, struct arena *a, struct catalog *c, const struct probed *p,
	struct error *err)
{
	struct error own = { 0 };
	struct join j = { .a = a, .c = c, .p = p, .err = err ? err : &own };
	unsigned unified = 0;
	int rc;

	*out = (struct hardware_spec){ 0 };
	j.match = arena_array(a, PROBE_GPUS, sizeof *j.match);
	j.group_of = arena_array(a, PROBE_GPUS, sizeof *j.group_of);
	j.pools = arena_array(a, PROBE_GPUS + 1, sizeof *j.pools);
	j.groups = arena_array(a, PROBE_GPUS + 1, sizeof *j.groups);
	j.warnings = arena_array(a, JOIN_WARNINGS, sizeof *j.warnings);
	if (!j.match || !j.group_of || !j.pools || !j.groups || !j.warnings)
		return no_memory(&j);
	for (uint32_t i = 0; i < p->n_gpus; i++) {
		if ((rc = match_gpu(&j.match[i], a, c, p, &p->gpu[i], j.err)) != OK)
			return rc;
		if (match)
			match[i] = (struct probe_match){ j.match[i].level == MATCH_NONE ? NULL : j.match[i].id, j.match[i].how,
				PROBE_NO_GROUP };
	}
	for (uint32_t i = 0; i < p->n_gpus; i++) {
		const char *why = why_left_out(&j, i), *name = join_gpu_name(&j, &p->gpu[i]);
		j.group_of[i] = PROBE_NO_GROUP;
		if (!name)
			return no_memory(&j);
		if ((rc = why && p->gpu[i].state == GPU_LOST ? OK : why ? join_warn(&j, "not counted: %s: %s", name, why) : deal(&j, i)) != OK)
			return rc;
		unified += !why && p->gpu[i].unified;
		if (match)
			match[i].group = j.group_of[i];
	}
	if (!p->memory.total && !j.n_groups)
		return error_set(j.err, E_NODEV, "how much memory the machine has is unknown");
	if (!p->memory.total && !unified && (rc = join_warn(&j, "how much memory the host has is unknown: no offload is considered")) != OK)
		return rc;
	if ((p->memory.total && !unified && (rc = add_processor(&j)) != OK) || (rc = join_links(&j)) != OK || (rc = close_join(out, &j)) != OK)
		return rc;
	return lost(&j);
}
