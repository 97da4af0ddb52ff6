/* probe_pools.c - memory pools of a machine that was found: the host's, a card's, or one for both */
#include "probe/probe_join.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>

static int no_memory(struct join *j) { return error_set(j->err, E_NOMEM, "out of memory"); }

static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }
static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* What is left below the tightest cgroup: page cache that it is charged for is given back under pressure. */
static uint64_t cgroup_left(const struct probed_memory *m) { return less(m->limit, less(m->used, m->cache)); }

/* Takes off what the system holds back from everybody: huge pages and the cgroup's limit; says which of them it was. */
static int apply_limits(struct pool *pool, struct join *j)
{
	const struct probed_memory *m = &j->p->memory;

	if (m->hugetlb && m->total && less(m->total, m->hugetlb) < pool->usable_bytes) {
		pool->usable_bytes = less(m->total, m->hugetlb);
		pool->limit = "huge pages set aside";
	}
	if (m->limit && m->limit < pool->usable_bytes) {
		pool->usable_bytes = m->limit;
		pool->limit = m->limit_path ? arena_printf(j->a, "cgroup %s", m->limit_path) : "cgroup";
		if (!pool->limit)
			return no_memory(j);
	}
	return OK;
}

/* Memory that a program could have now; unknown on kernels before 3.14, which have no MemAvailable. */
static struct known available_now(const struct probed_memory *m)
{
	uint64_t v = m->available;

	if (m->limit)
		v = v ? least(v, cgroup_left(m)) : cgroup_left(m);
	return m->available || m->limit ? known_of((double)v, BASIS_MEASURED) : (struct known){ 0 };
}

/* Modules as DMI lists them; else what the catalogue says of this processor, which is with a module in every channel. */
static int host_bandwidth(struct known *out, struct join *j)
{
	const struct probed_cpu *cpu = &j->p->cpu;
	struct device_match m;
	int rc;

	if (cpu->channels && cpu->mts) {
		uint32_t bits = cpu->channel_bits ? cpu->channel_bits : 64;
		*out = known_of((double)cpu->channels * cpu->mts * 1e6 * bits / 8, BASIS_SPEC);
		return OK;
	}
	if ((rc = match_cpu(&m, j->a, j->c, cpu, j->err)) != OK || m.level != MATCH_WHOLE)
		return rc;
	*out = m.spec->pools[m.spec->groups[0].pool].read_bps;
	if (!is_known(*out))
		return OK;
	if (cpu->packages > 1)
		out->v *= cpu->packages;
	return join_warn(j, "how the host's memory is fitted is not known (only root may read it): %.4g GB/s is taken, which is %s with a module in "
		"every channel", out->v / 1e9, m.entry->name);
}

int pool_of_host(struct pool *out, struct join *j)
{
	const struct probed_memory *m = &j->p->memory;
	int rc;

	*out = (struct pool){ .name = "host", .kind = POOL_HOST, .total_bytes = m->total, .usable_bytes = m->total, .free_bytes = available_now(m) };
	if ((rc = apply_limits(out, j)) != OK || (!is_known(out->free_bytes) &&
	    (rc = join_warn(j, "this system does not say how much of its memory is available: all of it is taken for free")) != OK))
		return rc;
	return host_bandwidth(&out->read_bps, j);
}

/* amdgpu: a carve-out that only the GPU has, and system memory that it may map (GTT). */
static int limit_of_amd(struct pool *pool, struct join *j, const struct probed_gpu *g)
{
	const struct probed_memory *m = &j->p->memory;
	uint64_t carve = gpu_carve_out(g), gtt = least(g->gtt_total, m->total);
	uint64_t left = least(less(g->gtt_total, g->gtt_used), is_known(pool->free_bytes) ? (uint64_t)pool->free_bytes.v : UINT64_MAX);
	char a[32], b[32];

	pool->total_bytes = m->total + carve;
	pool->usable_bytes = carve + gtt;
	pool->free_bytes = known_of((double)(less(carve, g->used) + left), BASIS_MEASURED);
	pool->limit = arena_printf(j->a, "GTT %s and carve-out %s", format_bytes(a, sizeof a, gtt), format_bytes(b, sizeof b, carve));
	if (!pool->limit)
		return no_memory(j);
	/* Vulkan's heaps are the sum; ROCm takes one of the two */
	if (g->compute_total && g->compute_total < pool->usable_bytes)
		return join_warn(j, "a program that uses Vulkan may have %s, one that uses ROCm %s of it", format_bytes(a, sizeof a, pool->usable_bytes),
			format_bytes(b, sizeof b, g->compute_total));
	return OK;
}

int pool_unified(struct pool *out, struct join *j, const struct probed_gpu *g, const struct device_match *match)
{
	const struct probed_memory *m = &j->p->memory;
	const struct pool *entry = match->level == MATCH_WHOLE ? &match->spec->pools[match->spec->groups[0].pool] : NULL;
	int rc;

	*out = (struct pool){ .name = "unified", .kind = POOL_UNIFIED, .total_bytes = m->total, .usable_bytes = m->total,
		.free_bytes = available_now(m) };
	if (entry)
		out->read_bps = entry->read_bps;
	if (!is_known(out->read_bps) && (rc = join_warn(j, "the bandwidth of the memory is unknown (catalogue: %s%s%s)", match->id ? match->id : "",
	    match->id ? ", by " : "", match->how)) != OK)
		return rc;
	if (g->vendor == VENDOR_AMD && (rc = limit_of_amd(out, j, g)) != OK)
		return rc;
	if (g->vendor == VENDOR_NVIDIA && g->total) {
		/* CUDA counts what the kernel keeps for itself as well, so its total may be above MemTotal */
		out->total_bytes = g->total > m->total ? g->total : m->total;
		out->usable_bytes = m->total ? least(g->total, m->total) : g->total;
		if (g->total < m->total - m->total / 64)         /* a few MiB are no limit worth a word */
			out->limit = "total of the CUDA driver";
	}
	if (m->gpu_limit && m->gpu_limit < out->usable_bytes) {
		out->usable_bytes = m->gpu_limit;
		out->limit = m->gpu_limit_from ? m->gpu_limit_from : "GPU limit";
	} else if (g->vendor == VENDOR_APPLE && !m->gpu_limit) {
		/* what macOS gives by default, read off machines of the same size; else nobody knows */
		out->usable_bytes = entry && entry->usable_bytes < out->total_bytes ? entry->usable_bytes : 0;
		out->limit = entry ? entry->limit : NULL;
	}
	if ((rc = apply_limits(out, j)) != OK)
		return rc;
	if (is_known(out->free_bytes) && out->usable_bytes && out->free_bytes.v > (double)out->usable_bytes)
		out->free_bytes.v = (double)out->usable_bytes;
	return OK;
}

double mig_share(const char *profile, uint64_t card_bytes)
{
	/* NVIDIA MIG User Guide: a memory slice is an eighth (on cards of four slices a quarter) of the memory and of its bandwidth; profiles
	 * have one, two, four or all of them, which the number of gigabytes in their name gives */
	static const double shares[] = { 0.125, 0.25, 0.5, 1 };
	unsigned compute, gb;
	double r;

	if (!profile || !card_bytes || sscanf(profile, "%ug.%ugb", &compute, &gb) != 2)
		return 0;
	r = gb / ((double)card_bytes / (double)GIB);
	for (unsigned i = 0; i < sizeof shares / sizeof *shares; i++)
		if (fabs(r / shares[i] - 1) < 0.13)
			return shares[i];
	return 0;
}

/* NVML and CUDA give the memory clock at half the rate at which a pin moves bits, for GDDR5 to GDDR7 and HBM2 to HBM3e alike (an RTX 4090
 * says 10501 MHz, and has 21 Gbit/s; an H200 3201 MHz, and 4.9 TB/s on 6144 bits; 2 x clock x width is also what NVIDIA's own "How to
 * Implement Performance Metrics in CUDA" computes). Other makers' clocks are counted by other factors, and not used. */
static struct known clock_bandwidth(const struct probed_gpu *g)
{
	if (g->vendor != VENDOR_NVIDIA || g->unified || g->mig || !g->memory_mhz_max || !g->bus_bits)
		return (struct known){ 0 };
	return known_of(2e6 * g->memory_mhz_max * g->bus_bits / 8, BASIS_SPEC);
}

int pool_of_gpu(struct pool *out, struct join *j, const struct probed_gpu *g, const struct device_match *m)
{
	const struct pool *entry = m->level != MATCH_NONE ? &m->spec->pools[m->spec->groups[0].pool] : NULL;
	struct known by_clock = clock_bandwidth(g);
	const char *name = join_gpu_name(j, g);

	if (!name)
		return no_memory(j);
	*out = (struct pool){ .name = "vram", .kind = POOL_VRAM, .total_bytes = g->total, .usable_bytes = less(g->total, g->reserved),
		.free_bytes = g->free_unknown ? (struct known){ 0 } : known_of((double)g->free, BASIS_MEASURED) };
	if (g->free_unknown) {
		int rc = join_warn(j, "%s: how much of its memory is free is unknown: all of it is taken for free", name);
		if (rc != OK)
			return rc;
	}
	if (g->mig && entry && is_known(entry->read_bps)) {
		double share = mig_share(g->mig_profile, entry->total_bytes);
		if (share > 0) {
			out->read_bps = entry->read_bps;
			out->read_bps.v *= share;
		}
		return share > 0 ? OK : join_warn(j, "%s: the slice's share of the memory bandwidth is unknown", name);
	}
	if (m->level == MATCH_WHOLE && is_known(entry->read_bps)) {
		out->read_bps = entry->read_bps;
		/* boards of one name with slower memory exist (RTX 4070 with GDDR6) */
		if (is_known(by_clock) && by_clock.v < 0.9 * entry->read_bps.v) {
			out->read_bps = by_clock;
			return join_warn(j, "%s: its memory clock and width make %.4g GB/s, the catalogue says %.4g GB/s: the lesser is used", name,
				by_clock.v / 1e9, entry->read_bps.v / 1e9);
		}
		return OK;
	}
	out->read_bps = by_clock;
	if (!is_known(by_clock))
		return join_warn(j, "%s: its memory bandwidth is unknown", name);
	return join_warn(j, "%s: bandwidth %.4g GB/s is reckoned from its memory clock and width", name, by_clock.v / 1e9);
}
