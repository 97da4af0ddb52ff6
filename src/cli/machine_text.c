/* machine_text.c - what was found, for a person: one block for the processor, the memory, each GPU (machine_gpu_text.c) */
#include "cli/machine_lines.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

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

static void cpu_text(const struct text *t, const struct probed_cpu *c)
{
	struct word_list l = { .at = 0 };
	char text[256];

	say(t, "Processor", PLAIN, "%s%s", c->name ? c->name : "unknown", c->virtual_machine ? " (virtual machine)" : "");
	if (c->packages > 1)
		list_add(&l, "%u sockets", c->packages);
	if (c->cores)
		list_add(&l, "%u core%s", c->cores, plural(c->cores));
	if (c->fast_cores && c->fast_cores < c->cores)
		list_add(&l, "%u of them fast", c->fast_cores);
	if (c->threads)
		list_add(&l, "%u thread%s", c->threads, plural(c->threads));
	if (c->threads_allowed && c->threads_allowed < c->threads)
		list_add(&l, "%u allowed here", c->threads_allowed);
	if (c->cpu_limit > 0)
		list_add(&l, "limited to the time of %.3g", c->cpu_limit);
	if (l.at)
		say(t, "", PLAIN, "%s", l.text);
	if (c->isa_known && *isa_text(text, sizeof text, c->isa))
		say(t, "", PLAIN, "%s", text);
	l = (struct word_list){ .at = 0 };
	for (unsigned i = 0; i < PROBE_CACHES; i++) {
		if (!c->cache[i].bytes)
			continue;
		cache_size(text, sizeof text, c->cache[i].bytes);
		if (c->cache[i].count > 1)
			list_add(&l, "L%u %u x %s", i + 1, c->cache[i].count, text);
		else
			list_add(&l, "L%u %s", i + 1, text);
	}
	if (c->n_numa > 1)
		list_add(&l, "%u NUMA nodes", c->n_numa);
	if (l.at)
		say(t, "", PLAIN, "%s", l.text);
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
	struct word_list l = { .at = 0 };
	char a[32], b[32];

	uint64_t total = mem->total ? mem->total : p ? p->total_bytes : 0;

	list_add(&l, "%s", total ? format_bytes(a, sizeof a, total) : "unknown");
	if (mem->available)
		list_add(&l, "%s available now", format_bytes(a, sizeof a, mem->available));
	if (mem->swap_total)
		list_add(&l, "%s of %s swap free", format_bytes(a, sizeof a, mem->swap_free), format_bytes(b, sizeof b, mem->swap_total));
	say(t, "Memory", PLAIN, "%s", l.text);
	if (p && p->kind == POOL_UNIFIED)
		say(t, "", PLAIN, "shared by processor and GPU");
	if (p && p->limit && p->usable_bytes) {
		format_bytes(a, sizeof a, p->usable_bytes);
		if (is_known(p->free_bytes))
			say(t, "", YELLOW, "a model may use %s, %s of it now (%s)", a, format_bytes(b, sizeof b, (uint64_t)p->free_bytes.v), p->limit);
		else
			say(t, "", YELLOW, "a model may use %s (%s)", a, p->limit);
	}
	l = (struct word_list){ .at = 0 };
	if (c->memory_type || c->mts)
		list_add(&l, "%s%s", c->memory_type ? c->memory_type : "", c->mts ? "" : " of unknown speed");
	if (c->mts) {
		l.at = 0;
		list_add(&l, "%s%s%u", c->memory_type ? c->memory_type : "", c->memory_type ? "-" : "MT/s: ", c->mts);
	}
	if (c->channels)
		list_add(&l, "%u channel%s", c->channels, plural(c->channels));
	if (c->dimms)
		list_add(&l, "%u module%s", c->dimms, plural(c->dimms));
	if (l.at)
		say(t, "", PLAIN, "%s", l.text);
	if (p && !is_known(p->read_bps) && p->kind == POOL_HOST && !m->found.recording)
		say(t, "", PLAIN, "bandwidth unknown: ullage hardware --measure finds out");
	else if (p)
		say_bandwidth(t, p);
}

static void notes_text(const struct text *t, const struct machine *m)
{
	const struct probed *p = &m->found;

	for (unsigned i = 0; i < p->n_conflicts; i++) {
		const struct probed_conflict *c = &p->conflict[i];
		say(t, i ? "" : "Conflicts", YELLOW, "%s: %s says %s, %s says %s; %s is used", c->what, probe_source_names[c->a], c->value_a,
			probe_source_names[c->b], c->value_b, probe_source_names[c->used]);
	}
	for (unsigned i = 0; i < m->spec.n_warnings; i++)
		say(t, i ? "" : "Note", PLAIN, "%s", m->spec.warnings[i]);
	for (unsigned i = 0; i < p->n_notes; i++)
		say(t, i || m->spec.n_warnings ? "" : "Note", PLAIN, "%s", p->note[i]);
	if (m->calibration)
		say(t, "Calibration", PLAIN, "%s", m->calibration);
}

static void time_text(const struct text *t, const struct probed *p)
{
	struct word_list l = { .at = 0 };
	double all = 0;

	for (unsigned i = 0; i < PROBE_SOURCES; i++) {
		/* what took no time worth mentioning was not there, or is in the sum */
		if (p->seconds[i] >= 1e-4)
			list_add(&l, "%s %.1f ms", probe_source_names[i], p->seconds[i] * 1e3);
		all += p->seconds[i];
	}
	if (all > 0)
		say(t, "Time", DIM, "%s%s%.1f ms in all", l.text, l.at ? ", " : "", all * 1e3);
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
	for (unsigned i = 0, n; i < m->found.n_gpus; i += n) {
		for (n = 1; i + n < m->found.n_gpus && told_with(m, i, i + n); n++)
			;
		say_gpus(t, m, i, n);
	}
	if (!m->found.n_gpus)
		say(t, "GPU", PLAIN, "none found");
	if (quiet)
		return;
	notes_text(t, m);
	time_text(t, &m->found);
}
