/* machine_gpu_text.c - GPUs that were found, for a person; those that are alike in one block */
#include "cli/machine_lines.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

/* "/usr/lib/firefox/firefox -contentproc 3" -> "firefox" */
static void program_name(char *buf, size_t n, const char *command)
{
	size_t len = strcspn(command, " "), from = len;

	while (from && command[from - 1] != '/')
		from--;
	snprintf(buf, n, "%.*s", (int)(len - from), command + from);
}

static void pcie_text(const struct text *t, const struct probed_gpu *g)
{
	struct word_list l = { .at = 0 };

	if (g->pcie_gen && g->pcie_lanes)
		list_add(&l, "PCIe gen %u x%u now", g->pcie_gen, g->pcie_lanes);
	if (g->pcie_gen_max && g->pcie_lanes_max && (g->pcie_gen != g->pcie_gen_max || g->pcie_lanes != g->pcie_lanes_max))
		list_add(&l, l.at ? "gen %u x%u at most" : "PCIe gen %u x%u at most", g->pcie_gen_max, g->pcie_lanes_max);
	if (g->nvlinks && g->nvlink_each_way_bps > 0)
		list_add(&l, "%u NVLink%s of %.3g GB/s each way", g->nvlinks, plural(g->nvlinks), g->nvlink_each_way_bps / 1e9);
	else if (g->nvlinks)
		list_add(&l, "%u NVLink%s", g->nvlinks, plural(g->nvlinks));
	if (l.at)
		say(t, "", PLAIN, "%s", l.text);
}

/* Who holds the card's memory, the most first as the driver lists them, and what there would be without. */
static void process_text(const struct text *t, const struct probed_gpu *g)
{
	struct word_list l = { .at = 0 };
	uint64_t sum = 0;
	char a[32], name[64];
	unsigned unsaid = 0;

	for (unsigned i = 0; i < g->n_processes && i < PROBE_PROCESSES; i++) {
		const struct probed_process *p = &g->process[i];
		program_name(name, sizeof name, p->name && *p->name ? p->name : "process");
		if (p->bytes)
			list_add(&l, "%s (%u) %s", name, p->pid, format_bytes(a, sizeof a, p->bytes));
		else
			list_add(&l, "%s (%u)", name, p->pid);
		unsaid += !p->bytes;
		if (u64_add(&sum, sum, p->bytes))
			return;
	}
	if (!l.at)
		return;
	if (g->more_processes)
		list_add(&l, "and %u more", g->more_processes);
	say(t, "", PLAIN, "held by %s", l.text);
	if (sum && g->state == GPU_OK)
		say(t, "", YELLOW, "closing them would free %s%s", unsaid || g->more_processes ? "at least " : "", format_bytes(a, sizeof a, sum));
	else if (unsaid)
		say(t, "", PLAIN, "how much each of them holds the driver does not say");
}

static void gpu_facts(const struct text *t, const struct probed_gpu *g, uint32_t cuda_version)
{
	struct word_list l = { .at = 0 };

	if (g->compute_capability)
		list_add(&l, "compute capability %u.%u", g->compute_capability / 10, g->compute_capability % 10);
	if (g->arch)
		list_add(&l, "%s", g->arch);
	if (g->units)
		list_add(&l, "%u %s", g->units, g->vendor == VENDOR_NVIDIA ? "SMs" : g->vendor == VENDOR_AMD ? "CUs" : g->vendor == VENDOR_APPLE ? "cores" : "Xe cores");
	if (g->bus_bits)
		list_add(&l, "%u-bit memory", g->bus_bits);
	if (g->ecc == 2)
		list_add(&l, "ECC");
	if (l.at)
		say(t, "", PLAIN, "%s", l.text);
	pcie_text(t, g);
	l = (struct word_list){ .at = 0 };
	if (g->power_limit_w > 0)
		list_add(&l, "power limit %.0f W", g->power_limit_w);
	if (g->power_limit_w > 0 && g->power_default_w > 0 && (g->power_limit_w < g->power_default_w || g->power_limit_w > g->power_default_w))
		list_add(&l, "%.0f W by default", g->power_default_w);
	if (g->driver)
		list_add(&l, "driver %s", g->driver);
	if (cuda_version)
		list_add(&l, "CUDA %u.%u", cuda_version / 1000, cuda_version % 1000 / 10);
	if (l.at)
		say(t, "", PLAIN, "%s", l.text);
}

static int same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

/* Nothing to say of the second that was not said of the first: servers have eight of a kind. */
int told_with(const struct machine *m, unsigned x, unsigned y)
{
	const struct probed_gpu *a = &m->found.gpu[x], *b = &m->found.gpu[y];

	return a->state == GPU_OK && b->state == GPU_OK && !a->n_processes && !b->n_processes && !a->mig && !b->mig &&
		m->match[x].group == m->match[y].group && m->match[x].group != PROBE_NO_GROUP && same_text(m->match[x].how, m->match[y].how) &&
		a->units == b->units && a->bus_bits == b->bus_bits && a->ecc == b->ecc && a->pcie_gen == b->pcie_gen && a->pcie_lanes == b->pcie_lanes &&
		a->pcie_gen_max == b->pcie_gen_max && a->pcie_lanes_max == b->pcie_lanes_max && a->nvlinks == b->nvlinks &&
		(uint64_t)a->power_limit_w == (uint64_t)b->power_limit_w && same_text(a->driver, b->driver);
}

static const char *name_of(const struct machine *m, unsigned i)
{
	static const char *const makers[] = { "NVIDIA GPU", "AMD GPU", "Intel GPU", "Apple GPU", "unnamed GPU" };
	const struct probed_gpu *g = &m->found.gpu[i];

	return g->name ? g->name : m->match[i].id ? m->match[i].id : makers[g->vendor <= VENDOR_OTHER ? g->vendor : VENDOR_OTHER];
}

static void gpu_head(const struct text *t, const struct machine *m, unsigned i, unsigned n)
{
	static const char *const states[] = { "", "lost", "cannot be read", "hidden" };
	const struct probed_gpu *g = &m->found.gpu[i];
	struct word_list l = { .at = 0 };
	char label[32];

	if (n == 1) {
		snprintf(label, sizeof label, "GPU %u", i);
		if (g->state != GPU_OK)
			say(t, label, g->state == GPU_LOST ? RED : YELLOW, "%s%s%s: %s%s%s", name_of(m, i), g->bus ? " at " : "", g->bus ? g->bus : "",
				states[g->state <= GPU_HIDDEN ? g->state : GPU_UNREADABLE], g->why ? ", " : "", g->why ? g->why : "");
		else
			say(t, label, PLAIN, "%s%s%s", name_of(m, i), g->bus ? " at " : "", g->bus ? g->bus : "");
		return;
	}
	snprintf(label, sizeof label, "GPU %u-%u", i, i + n - 1);
	say(t, label, PLAIN, "%u x %s, each:", n, name_of(m, i));
	for (unsigned k = i; k < i + n; k++)
		if (m->found.gpu[k].bus)
			list_add(&l, "%s", m->found.gpu[k].bus);
	if (l.at)
		say(t, "", PLAIN, "at %s", l.text);
}

static void gpu_memory(const struct text *t, const struct machine *m, unsigned i, unsigned n)
{
	const struct probed_gpu *g = &m->found.gpu[i];
	const struct pool *p = m->match[i].group != PROBE_NO_GROUP ? &m->spec.pools[m->spec.groups[m->match[i].group].pool] : NULL;
	char a[32], b[32], c[32];
	uint64_t least = g->free;

	for (unsigned k = i; k < i + n; k++)
		least = m->found.gpu[k].free < least ? m->found.gpu[k].free : least;
	if (g->unified && (g->carve_out || g->gtt_total))
		say(t, "", PLAIN, "carve-out %s, GTT %s (%s used)", format_bytes(a, sizeof a, g->carve_out), format_bytes(b, sizeof b, g->gtt_total),
			format_bytes(c, sizeof c, g->gtt_used));
	else if (g->unified)
		say(t, "", PLAIN, "uses the host's memory");
	else if (g->total && g->state != GPU_LOST)
		say(t, "", PLAIN, "%s, %s free", format_bytes(a, sizeof a, g->total), g->free_unknown ? "unknown how much" : format_bytes(b, sizeof b, least));
	if (p && !g->unified)
		say_bandwidth(t, p);
}

void say_gpus(const struct text *t, const struct machine *m, unsigned i, unsigned n)
{
	const struct probed_gpu *g = &m->found.gpu[i];
	const struct probe_match *match = &m->match[i];

	gpu_head(t, m, i, n);
	gpu_memory(t, m, i, n);
	gpu_facts(t, g, g->vendor == VENDOR_NVIDIA ? m->found.cuda_version : 0);
	say(t, "", PLAIN, "catalogue: %s%s%s", match->id ? match->id : "", match->id ? ", by " : "", match->how ? match->how : "not looked up");
	process_text(t, g);
}
