/* machine_text.c - what was found, for a person: one block for the processor, the memory, each GPU */
#include "cli/machine.h"

#include "base/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { INDENT = 12 };

/* "Label       text", wrapped below the text; no label: below the line before. */
static void line(const struct text *t, const char *label, enum paint p, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void line(const struct text *t, const char *label, enum paint p, const char *fmt, ...)
{
	struct text rest = *t;
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text_paint(t, BOLD, "%s", label);
	fprintf(t->out, "%*s", INDENT - (int)strlen(label), "");
	if (p != PLAIN && text_columns(text) + INDENT <= (size_t)t->width) {
		text_paint(t, p, "%s\n", text);
		return;
	}
	/* the label is printed already: the words begin at its column */
	rest.width = t->width - INDENT;
	char *s = text;
	while (*s) {
		size_t n = strlen(s), cut = n;
		if (text_columns(s) > (size_t)rest.width) {
			size_t col = 0;
			cut = 0;
			for (size_t i = 0; i < n && col <= (size_t)rest.width; i++) {
				if (s[i] == ' ')
					cut = i;
				col += ((unsigned char)s[i] & 0xc0) != 0x80;
			}
			if (!cut)
				cut = strcspn(s, " ");
		}
		fprintf(t->out, "%.*s\n", (int)cut, s);
		s += cut;
		s += *s == ' ';
		if (*s)
			fprintf(t->out, "%*s", INDENT, "");
	}
}

/* Collects "a, b, c". */
struct list { char text[900]; size_t at; };
static void item(struct list *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void item(struct list *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->at + 3 >= sizeof l->text)
		return;
	if (l->at) {
		memcpy(l->text + l->at, ", ", 3);
		l->at += 2;
	}
	va_start(ap, fmt);
	n = vsnprintf(l->text + l->at, sizeof l->text - l->at, fmt, ap);
	va_end(ap);
	l->at += n > 0 && (size_t)n < sizeof l->text - l->at ? (size_t)n : strlen(l->text + l->at);
}

/* Sizes of caches are whole numbers. */
static const char *cache_size(char *buf, size_t n, uint64_t bytes)
{
	if (bytes % MIB == 0)
		snprintf(buf, n, "%llu MiB", (unsigned long long)(bytes / MIB));
	else if (bytes % KIB == 0)
		snprintf(buf, n, "%llu KiB", (unsigned long long)(bytes / KIB));
	else
		format_bytes(buf, n, bytes);
	return buf;
}

/* "/usr/lib/firefox/firefox -contentproc 3" -> "firefox" */
static void program_name(char *buf, size_t n, const char *command)
{
	size_t len = strcspn(command, " "), from = len;

	while (from && command[from - 1] != '/')
		from--;
	snprintf(buf, n, "%.*s", (int)(len - from), command + from);
}

static const char *plural(uint64_t n) { return n == 1 ? "" : "s"; }

static void bandwidth_line(const struct text *t, const struct pool *p)
{
	char v[24];

	if (is_known(p->read_bps))
		line(t, "", PLAIN, "bandwidth %s GB/s (%s)", format_3(v, sizeof v, p->read_bps.v / 1e9), basis_names[p->read_bps.basis]);
	else
		line(t, "", PLAIN, "bandwidth unknown");
}

static void cpu_text(const struct text *t, const struct probed_cpu *c)
{
	struct list l = { .at = 0 };
	char text[256];

	line(t, "Processor", PLAIN, "%s%s", c->name ? c->name : "unknown", c->virtual_machine ? " (virtual machine)" : "");
	if (c->packages > 1)
		item(&l, "%u sockets", c->packages);
	if (c->cores)
		item(&l, "%u core%s", c->cores, plural(c->cores));
	if (c->fast_cores && c->fast_cores < c->cores)
		item(&l, "%u of them fast", c->fast_cores);
	if (c->threads)
		item(&l, "%u thread%s", c->threads, plural(c->threads));
	if (c->threads_allowed && c->threads_allowed < c->threads)
		item(&l, "%u allowed here", c->threads_allowed);
	if (c->cpu_limit > 0)
		item(&l, "limited to the time of %.3g", c->cpu_limit);
	if (l.at)
		line(t, "", PLAIN, "%s", l.text);
	if (c->isa_known && *isa_text(text, sizeof text, c->isa))
		line(t, "", PLAIN, "%s", text);
	l = (struct list){ .at = 0 };
	for (unsigned i = 0; i < PROBE_CACHES; i++) {
		if (!c->cache[i].bytes)
			continue;
		cache_size(text, sizeof text, c->cache[i].bytes);
		if (c->cache[i].count > 1)
			item(&l, "L%u %u x %s", i + 1, c->cache[i].count, text);
		else
			item(&l, "L%u %s", i + 1, text);
	}
	if (c->n_numa > 1)
		item(&l, "%u NUMA nodes", c->n_numa);
	if (l.at)
		line(t, "", PLAIN, "%s", l.text);
}

static const struct pool *host_pool(const struct hardware_spec *h)
{
	for (unsigned i = 0; i < h->n_pools; i++)
		if (h->pools[i].kind != POOL_VRAM)
			return &h->pools[i];
	return NULL;
}

static void memory_text(const struct text *t, const struct machine *m)
{
	const struct probed_memory *mem = &m->found.memory;
	const struct probed_cpu *c = &m->found.cpu;
	const struct pool *p = host_pool(&m->spec);
	struct list l = { .at = 0 };
	char a[32], b[32];

	item(&l, "%s", format_bytes(a, sizeof a, mem->total));
	if (mem->available)
		item(&l, "%s available now", format_bytes(a, sizeof a, mem->available));
	if (mem->swap_total)
		item(&l, "%s of %s swap free", format_bytes(a, sizeof a, mem->swap_free), format_bytes(b, sizeof b, mem->swap_total));
	line(t, "Memory", PLAIN, "%s", l.text);
	if (p && p->kind == POOL_UNIFIED)
		line(t, "", PLAIN, "shared by processor and GPU");
	if (p && p->limit && p->usable_bytes) {
		format_bytes(a, sizeof a, p->usable_bytes);
		if (is_known(p->free_bytes))
			line(t, "", YELLOW, "a model may use %s, %s of it now (%s)", a, format_bytes(b, sizeof b, (uint64_t)p->free_bytes.v), p->limit);
		else
			line(t, "", YELLOW, "a model may use %s (%s)", a, p->limit);
	}
	l = (struct list){ .at = 0 };
	if (c->memory_type || c->mts)
		item(&l, "%s%s", c->memory_type ? c->memory_type : "", c->mts ? "" : " of unknown speed");
	if (c->mts) {
		l.at = 0;
		item(&l, "%s%s%u", c->memory_type ? c->memory_type : "", c->memory_type ? "-" : "MT/s: ", c->mts);
	}
	if (c->channels)
		item(&l, "%u channel%s", c->channels, plural(c->channels));
	if (c->dimms)
		item(&l, "%u module%s", c->dimms, plural(c->dimms));
	if (l.at)
		line(t, "", PLAIN, "%s", l.text);
	if (p && !is_known(p->read_bps) && p->kind == POOL_HOST && !m->found.recording)
		line(t, "", PLAIN, "bandwidth unknown: ullage hardware --measure finds out");
	else if (p)
		bandwidth_line(t, p);
}

static void pcie_text(const struct text *t, const struct probed_gpu *g)
{
	struct list l = { .at = 0 };

	if (g->pcie_gen && g->pcie_lanes)
		item(&l, "PCIe gen %u x%u now", g->pcie_gen, g->pcie_lanes);
	if (g->pcie_gen_max && g->pcie_lanes_max && (g->pcie_gen != g->pcie_gen_max || g->pcie_lanes != g->pcie_lanes_max))
		item(&l, l.at ? "gen %u x%u at most" : "PCIe gen %u x%u at most", g->pcie_gen_max, g->pcie_lanes_max);
	if (g->nvlinks && g->nvlink_each_way_bps > 0)
		item(&l, "%u NVLink%s of %.3g GB/s each way", g->nvlinks, plural(g->nvlinks), g->nvlink_each_way_bps / 1e9);
	else if (g->nvlinks)
		item(&l, "%u NVLink%s", g->nvlinks, plural(g->nvlinks));
	if (l.at)
		line(t, "", PLAIN, "%s", l.text);
}

/* Who holds the card's memory, the most first as the driver lists them, and what there would be without. */
static void process_text(const struct text *t, const struct probed_gpu *g)
{
	struct list l = { .at = 0 };
	uint64_t sum = 0;
	char a[32], name[64];
	unsigned unsaid = 0;

	for (unsigned i = 0; i < g->n_processes && i < PROBE_PROCESSES; i++) {
		const struct probed_process *p = &g->process[i];
		program_name(name, sizeof name, p->name && *p->name ? p->name : "process");
		if (p->bytes)
			item(&l, "%s (%u) %s", name, p->pid, format_bytes(a, sizeof a, p->bytes));
		else
			item(&l, "%s (%u)", name, p->pid);
		unsaid += !p->bytes;
		if (u64_add(&sum, sum, p->bytes))
			return;
	}
	if (!l.at)
		return;
	if (g->more_processes)
		item(&l, "and %u more", g->more_processes);
	line(t, "", PLAIN, "held by %s", l.text);
	if (sum && g->state == GPU_OK)
		line(t, "", YELLOW, "closing them would free %s%s", unsaid || g->more_processes ? "at least " : "", format_bytes(a, sizeof a, sum));
	else if (unsaid)
		line(t, "", PLAIN, "how much each of them holds the driver does not say");
}

static void gpu_facts(const struct text *t, const struct probed_gpu *g, uint32_t cuda_version)
{
	struct list l = { .at = 0 };

	if (g->compute_capability)
		item(&l, "compute capability %u.%u", g->compute_capability / 10, g->compute_capability % 10);
	if (g->arch)
		item(&l, "%s", g->arch);
	if (g->units)
		item(&l, "%u %s", g->units, g->vendor == VENDOR_NVIDIA ? "SMs" : g->vendor == VENDOR_AMD ? "CUs" : g->vendor == VENDOR_APPLE ? "cores" : "Xe cores");
	if (g->bus_bits)
		item(&l, "%u-bit memory", g->bus_bits);
	if (g->ecc == 2)
		item(&l, "ECC");
	if (l.at)
		line(t, "", PLAIN, "%s", l.text);
	pcie_text(t, g);
	l = (struct list){ .at = 0 };
	if (g->power_limit_w > 0)
		item(&l, "power limit %.0f W", g->power_limit_w);
	if (g->power_limit_w > 0 && g->power_default_w > 0 && (g->power_limit_w < g->power_default_w || g->power_limit_w > g->power_default_w))
		item(&l, "%.0f W by default", g->power_default_w);
	if (g->driver)
		item(&l, "driver %s", g->driver);
	if (cuda_version)
		item(&l, "CUDA %u.%u", cuda_version / 1000, cuda_version % 1000 / 10);
	if (l.at)
		line(t, "", PLAIN, "%s", l.text);
}

static void gpu_text(const struct text *t, const struct machine *m, unsigned i)
{
	static const char *const states[] = { "", "lost", "cannot be read", "hidden" };
	const struct probed_gpu *g = &m->found.gpu[i];
	const struct probe_match *match = &m->match[i];
	char label[16], a[32], b[32], c[32];

	snprintf(label, sizeof label, "GPU %u", i);
	if (g->state != GPU_OK)
		line(t, label, g->state == GPU_LOST ? RED : YELLOW, "%s%s%s: %s%s%s", g->name ? g->name : "unnamed", g->bus ? " at " : "", g->bus ? g->bus : "",
			states[g->state <= GPU_HIDDEN ? g->state : GPU_UNREADABLE], g->why ? ", " : "", g->why ? g->why : "");
	else
		line(t, label, PLAIN, "%s%s%s", g->name ? g->name : match->id ? match->id : "unnamed", g->bus ? " at " : "", g->bus ? g->bus : "");
	if (g->unified && (g->carve_out || g->gtt_total))
		line(t, "", PLAIN, "carve-out %s, GTT %s (%s used)", format_bytes(a, sizeof a, g->carve_out), format_bytes(b, sizeof b, g->gtt_total),
			format_bytes(c, sizeof c, g->gtt_used));
	else if (g->total && g->state != GPU_LOST)
		line(t, "", PLAIN, "%s, %s free", format_bytes(a, sizeof a, g->total), g->free_unknown ? "unknown how much" :
			format_bytes(b, sizeof b, g->free));
	if (match->group != PROBE_NO_GROUP && !g->unified)
		bandwidth_line(t, &m->spec.pools[m->spec.groups[match->group].pool]);
	gpu_facts(t, g, g->vendor == VENDOR_NVIDIA ? m->found.cuda_version : 0);
	line(t, "", PLAIN, "catalogue: %s%s%s", match->id ? match->id : "", match->id ? ", by " : "", match->how ? match->how : "not looked up");
	process_text(t, g);
}

static void notes_text(const struct text *t, const struct machine *m)
{
	const struct probed *p = &m->found;

	for (unsigned i = 0; i < p->n_conflicts; i++) {
		const struct probed_conflict *c = &p->conflict[i];
		line(t, i ? "" : "Conflicts", YELLOW, "%s: %s says %s, %s says %s; %s is used", c->what, probe_source_names[c->a], c->value_a,
			probe_source_names[c->b], c->value_b, probe_source_names[c->used]);
	}
	for (unsigned i = 0; i < m->spec.n_warnings; i++)
		line(t, i ? "" : "Note", PLAIN, "%s", m->spec.warnings[i]);
	for (unsigned i = 0; i < p->n_notes; i++)
		line(t, i || m->spec.n_warnings ? "" : "Note", PLAIN, "%s", p->note[i]);
	if (m->calibration)
		line(t, "Calibration", PLAIN, "%s", m->calibration);
}

static void time_text(const struct text *t, const struct probed *p)
{
	struct list l = { .at = 0 };
	double all = 0;

	for (unsigned i = 0; i < PROBE_SOURCES; i++) {
		/* what took no time worth mentioning was not there, or is in the sum */
		if (p->seconds[i] >= 1e-4)
			item(&l, "%s %.1f ms", probe_source_names[i], p->seconds[i] * 1e3);
		all += p->seconds[i];
	}
	if (all > 0)
		line(t, "Time", DIM, "%s%s%.1f ms in all", l.text, l.at ? ", " : "", all * 1e3);
}

void machine_text(const struct text *t, const struct machine *m, int quiet)
{
	const char *system = m->found.cpu.system, *os = m->found.os;

	if (text_columns(m->spec.name) <= (size_t)t->width)
		text_paint(t, BOLD, "%s\n", m->spec.name);
	else
		text_wrap(t, "", 0, m->spec.name);
	if (system || os)
		fprintf(t->out, "%s%s%s\n", system ? system : "", system && os ? ", " : "", os ? os : "");
	fputc('\n', t->out);
	cpu_text(t, &m->found.cpu);
	memory_text(t, m);
	for (unsigned i = 0; i < m->found.n_gpus; i++)
		gpu_text(t, m, i);
	if (!m->found.n_gpus)
		line(t, "GPU", PLAIN, "none found");
	if (quiet)
		return;
	notes_text(t, m);
	time_text(t, &m->found);
}
