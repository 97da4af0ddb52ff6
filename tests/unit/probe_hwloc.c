/* probe_hwloc.c - topology by hwloc: recorded ones, disagreement with /sys, and this machine's */
#include "probe/probe.h"

#include "../recording.h"
#include "../tap.h"

#include <dlfcn.h>

static struct arena arena;
static struct probed p;
static struct probed_cpu *const cpu = &p.cpu;

static void probe(const char *replay, int with_cpu)
{
	struct probe_input in = { .a = &arena, .replay = replay };

	p = (struct probed){ .n_gpus = 0 };
	if (with_cpu)
		probe_cpu(&p, &in);
	probe_hwloc(&p, &in);
}

static void test_machines(void)
{
	static const struct { const char *name; uint32_t packages, cores, threads, nodes, allowed; } expect[] = {
		{ "server-2-socket", 2, 16, 32, 2, 32 }, { "server-old-dimms", 2, 16, 16, 2, 16 }, { "server-numa-4", 4, 16, 16, 4, 4 },
		{ "hybrid-laptop", 1, 14, 20, 1, 20 }, { "gb10", 1, 20, 20, 1, 20 },
	};

	for (unsigned i = 0; i < sizeof expect / sizeof *expect; i++)
		for (int with_cpu = 0; with_cpu < 2; with_cpu++) {
			probe(arena_printf(&arena, "tests/machines/%s", expect[i].name), with_cpu);
			ok(cpu->packages == expect[i].packages && cpu->cores == expect[i].cores && cpu->threads == expect[i].threads &&
				cpu->n_numa == expect[i].nodes && cpu->threads_allowed == expect[i].allowed && cpu->topology_from == PROBE_HWLOC &&
				p.seconds[PROBE_HWLOC] > 0, "%s%s", expect[i].name, with_cpu ? ", after /sys" : "");
			ok(!p.n_conflicts && !p.n_notes && cpu->cache[1].bytes && cpu->numa[0].bytes && cpu->numa[0].threads, "and nothing disagrees");
		}
	probe("tests/machines/arm-server", 1);
	ok(cpu->topology_from == PROBE_SYS && cpu->cores == 128, "no hwloc.xml: not this machine's topology");
}

static void test_conflict(void)
{
	struct probe_input in = { .a = &arena, .replay = "tests/machines/server-2-socket" };
	char *xml = probe_recorded(&in, "hwloc.xml");

	recording_new(&arena);
	recording_put("hwloc.xml", xml ? xml : "");
	recording_put("root/proc/cpuinfo", "processor : 0\nmodel name : X\nphysical id : 0\ncore id : 0\n\nprocessor : 1\nphysical id : 0\ncore id : 1\n");
	probe(arena_printf(&arena, "%s/%u", recording_top, recording_n), 1);
	ok(p.n_conflicts >= 3 && !strcmp(p.conflict[0].what, "packages") && p.conflict[0].a == PROBE_PROC && p.conflict[0].b == PROBE_HWLOC &&
		!strcmp(p.conflict[0].value_a, "1") && !strcmp(p.conflict[0].value_b, "2") && p.conflict[0].used == PROBE_HWLOC, "both values are kept");
	ok(cpu->packages == 2 && cpu->cores == 16 && cpu->threads == 32, "hwloc's are used");

	recording_put("hwloc.xml", "<topology>nonsense");
	probe(arena_printf(&arena, "%s/%u", recording_top, recording_n), 1);
	ok(p.n_notes == 1 && strstr(p.note[0], "hwloc.xml") && cpu->cores == 2 && cpu->topology_from == PROBE_PROC, "what hwloc cannot read is noted");
	recording_put("hwloc.xml", "");
	probe(arena_printf(&arena, "%s/%u", recording_top, recording_n), 1);
	ok(p.n_notes == 1 && cpu->cores == 2, "an empty file too");
}

static void test_live(void)
{
	struct probe_input in = { .a = &arena, .record = recording_new(&arena) }, back = { .a = &arena, .replay = in.record };
	struct probed *first = arena_alloc(&arena, sizeof *first);

	setenv("HWLOC_PLUGINS_PATH", "/somewhere", 1);
	probe_cpu(first, &in);
	probe_hwloc(first, &in);
	is_str(getenv("HWLOC_PLUGINS_PATH"), "/somewhere", "the environment is as it was");
	unsetenv("HWLOC_PLUGINS_PATH");
	ok(first->cpu.threads > 0 && first->cpu.topology_from == PROBE_HWLOC && first->cpu.threads_allowed <= first->cpu.threads, "this machine");
	const char *xml = probe_recorded(&back, "hwloc.xml");
	ok(xml && strstr(xml, "<topology") && !strstr(xml, "AssetTag\" value=\"1"), "is recorded");
	p = (struct probed){ .n_gpus = 0 };
	probe_cpu(&p, &back);
	probe_hwloc(&p, &back);
	ok(!p.n_notes && cpu->packages == first->cpu.packages && cpu->cores == first->cpu.cores && cpu->threads == first->cpu.threads &&
		cpu->n_numa == first->cpu.n_numa && cpu->threads_allowed == first->cpu.threads_allowed &&
		!memcmp(cpu->cache, first->cpu.cache, sizeof cpu->cache), "and replays the same");
	setenv("HWLOC_SYNTHETIC", "pack:2 core:4 pu:1", 1);
	in.record = NULL;
	*first = (struct probed){ .n_gpus = 0 };
	probe_hwloc(first, &in);
	ok(!first->cpu.cores && first->n_notes == 1, "another machine that hwloc was told to show is refused");
	unsetenv("HWLOC_SYNTHETIC");
}

int main(void)
{
	void *lib = dlopen("libhwloc.so.15", RTLD_NOW);

	if (!lib && !(lib = dlopen("libhwloc.15.dylib", RTLD_NOW)))
		skip_all("hwloc is not installed");
	test_machines();
	test_conflict();
	test_live();
	ok(!arena.failed, "memory sufficed");
	recording_end();
	arena_free(&arena);
	return done_testing();
}
