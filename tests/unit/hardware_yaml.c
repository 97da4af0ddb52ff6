/* hardware_yaml.c - reading hardware.d entries */
#include "../tap.h"

#include "base/file.h"
#include "base/units.h"
#include "catalog/hardware_yaml.h"
#include "catalog/model_spec.h"

#include <math.h>

static const char card[] =
	"schema: 1\n"
	"id: rtx-4090\n"
	"name: NVIDIA GeForce RTX 4090\n"
	"kind: gpu\n"
	"vendor: nvidia\n"
	"status: sold\n"
	"released: 2022\n"
	"match: {pci: [unknown], names: [NVIDIA GeForce RTX 4090], aliases: [\"4090\", rtx4090, geforce rtx 4090]}\n"
	"sources:\n"
	"  smi: {what: driver total in public logs, confidence: published}\n"
	"  spec: {what: vendor specification, confidence: spec}\n"
	"  calm: {what: peak of a streaming decode kernel, where: zeux/calm, confidence: published}\n"
	"pools:\n"
	"  vram: {kind: vram, total_bytes: 25757220864, source: smi, bandwidth_gb_s: 1008, measured_gb_s: {value: 955, source: calm}}\n"
	"device:\n"
	"  source: spec\n"
	"  pool: vram\n"
	"  compute_capability: 8.9\n"
	"  units: 128\n"
	"  l2_mib: 72\n"
	"  tdp_w: 450\n"
	"  tflops_dense: {f32: 82.6, f16: 165.2, f16_acc16: 330.3, bf16: 165.2, fp8: 330.3, int8: 660.6}\n"
	"host_link: {kind: pcie, gen: 4, lanes: 16, source: spec}\n"
	"peer_link: {kind: pcie, peer_to_peer: unknown}\n"
	"node: {cards: 1}\n";

static const char mac[] =
	"schema: 1\n"
	"id: m4-max\n"
	"name: Apple M4 Max\n"
	"kind: soc\n"
	"vendor: apple\n"
	"status: sold\n"
	"released: 2024\n"
	"match: {names: [Apple M4 Max], aliases: [m4 max, macbook pro m4 max, mac studio m4 max]}\n"
	"sources:\n"
	"  apple: {what: vendor specification, confidence: spec}\n"
	"  log: {what: recommendedMaxWorkingSetSize in public logs, confidence: published}\n"
	"source: apple\n"
	"pools:\n"
	"  unified: {kind: unified, shared_by: [gpu, cpu]}\n"
	"device: {pool: unified, metal_family: Apple9, tflops_dense: {f32: unknown, f16: unknown}}\n"
	"variants:\n"
	"  - {id: m4-max-36gb, gpu_cores: 32, memory_bytes: 38654705664, bandwidth_gb_s: unknown, gpu_limit_mib: {macos_14: 27648, macos_15: 28753, source: log}}\n"
	"  - {id: m4-max-48gb, gpu_cores: 40, memory_bytes: 51539607552, bandwidth_gb_s: 546, gpu_limit_mib: {macos_14: 36864, macos_15: 38338, source: log}}\n"
	"  - {id: m4-max-64gb, gpu_cores: 40, memory_bytes: 68719476736, bandwidth_gb_s: 546, gpu_limit_mib: {macos_14: 49152, macos_15: 53084, source: log}}\n"
	"  - {id: m4-max-128gb, gpu_cores: 40, memory_bytes: 137438953472, bandwidth_gb_s: 546, gpu_limit_mib: {macos_14: 98304, macos_15: 110100, source: log}}\n";

static const char node[] =
	"schema: 1\n"
	"id: dgx-h100\n"
	"name: DGX/HGX H100 8x80GB\n"
	"kind: node\n"
	"vendor: nvidia\n"
	"status: sold\n"
	"match: {aliases: [8x h100, hgx h100, dgx h100]}\n"
	"sources:\n"
	"  spec: {what: vendor specification, confidence: spec}\n"
	"  nccl: {what: all-reduce bus bandwidth, where: stas00/ml-engineering, confidence: published}\n"
	"source: spec\n"
	"groups:\n"
	"  - {device: h100-sxm, per_node: 8}\n"
	"host: {memory_bytes: unknown, cpu: unknown}\n"
	"links:\n"
	"  - {between: [h100-sxm, h100-sxm], kind: nvswitch, each_way_gb_s: 450, allreduce_gb_s: {value: 473, source: nccl}}\n"
	"  - {between: [h100-sxm, host], kind: pcie, gen: 5, lanes: 16}\n"
	"  - {between: [node, node], kind: infiniband, gbit_s_per_node: 3200}\n"
	"power_w: unknown\n";

static struct arena arena;
static struct error err;

static int read_text(struct hardware_entry *e, const char *text)
{
	struct ydoc *d;
	int rc;

	arena_reset(&arena);
	err = (struct error){ 0 };
	d = arena_alloc(&arena, sizeof *d);
	if (!d)
		return E_NOMEM;
	rc = yaml_parse(d, &arena, "t.yaml", text, strlen(text), &err);
	return rc == OK ? hardware_entry_read(e, &arena, d, &err) : rc;
}

static int near(double a, double b) { return fabs(a - b) <= 1e-9 * fabs(b); }

static void test_card(void)
{
	struct hardware_entry e;

	ok(read_text(&e, card) == OK, "the card loads %s", err.text);
	if (!e.spec)
		return;
	const struct hardware_spec *s = e.spec;
	const struct device_spec *d = s->groups[0].device;
	const struct pool *p = &s->pools[0];
	is_str(e.id, "rtx-4090", "id");
	is_str(e.names[0], "NVIDIA GeForce RTX 4090", "driver name");
	ok(!e.pci[0], "an unknown PCI id is no id");
	is_str(e.aliases[2], "geforce rtx 4090", "alias");
	is_u64(s->n_groups, 1, "one device");
	is_u64(p->total_bytes, 25757220864, "the driver's total, to the byte");
	is_u64(p->usable_bytes, 25757220864, "usable as no less is stated");
	ok(near(p->read_bps.v, 1008e9) && p->read_bps.basis == BASIS_PUBLISHED, "bandwidth, with the confidence of its block's source");
	ok(near(d->stream_eff.v, 955.0 / 1008) && d->stream_eff.basis == BASIS_PUBLISHED,
		"measured share is kept apart from the specification");
	is_str(e.sources[d->stream_eff.source].where, "zeux/calm", "a figure leads to its source");
	is_u64(d->compute_capability, 89, "compute capability");
	is_u64(d->units, 128, "units");
	ok(near(d->tdp_w.v, 450) && near(d->l2_bytes.v, 72.0 * 1048576), "power and cache");
	ok(near(d->flops[MATH_F32].v, 82.6e12) && d->flops[MATH_F32].basis == BASIS_SPEC, "f32 rate");
	ok(near(d->flops[MATH_F16].v, 165.2e12), "f16 is the rate with 32-bit accumulation");
	ok(near(d->flops[MATH_INT8].v, 660.6e12) && near(d->flops[MATH_FP8].v, 330.3e12), "int8 and fp8");
	ok(!is_known(d->flops[MATH_FP4]), "what is not stated is unknown");
	ok(near(e.host_link_bps.v, 16e9 * 128 / 130 / 8 * 16), "PCIe 4 x16 is 31.5 GB/s each way");
	ok(e.peer_link_kind == LINK_PCIE && !is_known(e.peer_link_bps), "peer link");
	is_u64(e.cards_per_node, 1, "cards");
	ok(s->n_links == 1 && s->links[0].b == LINK_HOST, "one link, to the host");
	ok(!s->n_warnings, "no warning");
}

static void test_mac(void)
{
	struct hardware_entry e;
	struct hardware_spec s;

	ok(read_text(&e, mac) == OK, "the Mac loads %s", err.text);
	if (e.n_variants != 4) {
		ok(0, "four variants");
		return;
	}
	is_str(e.aliases[3], "m4-max-36gb", "a variant's id is a name of the entry");
	ok(!is_known(e.variants[0].read_bps), "an unknown bandwidth stays unknown");
	is_u64(e.variants[2].usable_bytes, UINT64_C(53084) << 20, "the newest macOS listed counts");
	is_u64(e.spec->pools[0].total_bytes, 0, "the family itself has no memory size");
	is_str(e.spec->groups[0].device->arch, "Apple9", "Metal family");
	ok(hardware_variant_spec(&s, &arena, &e, &e.variants[2], &err) == OK, "a variant's machine");
	is_u64(s.pools[0].total_bytes, 68719476736, "its memory");
	is_u64(s.pools[0].usable_bytes, UINT64_C(53084) << 20, "its limit");
	is_str(s.pools[0].limit, "default GPU limit of macOS 15", "why it is less");
	is_u64(s.groups[0].device->units, 40, "its cores");
	is_str(s.id, "m4-max-64gb", "its id");
	ok(e.spec->pools[0].total_bytes == 0, "the entry is left as it was");
}

static void test_node(void)
{
	struct hardware_entry e;

	ok(read_text(&e, node) == OK, "the node loads %s", err.text);
	ok(!e.spec && e.n_groups == 1 && e.groups[0].per_node == 8, "it is composed of devices");
	is_u64(e.n_links, 3, "three links");
	if (e.n_links != 3)
		return;
	ok(e.links[0].kind == LINK_NVSWITCH && e.links[0].a == 0 && e.links[0].b == 0 && near(e.links[0].each_way_bps.v, 450e9),
		"between cards");
	ok(near(e.links[0].allreduce_bps.v, 473e9) && e.links[0].allreduce_bps.basis == BASIS_PUBLISHED, "all-reduce, published");
	ok(e.links[1].b == LINK_HOST && near(e.links[1].each_way_bps.v, 32e9 * 128 / 130 / 8 * 16), "to the host");
	ok(e.links[2].a == LINK_OTHER_NODE && e.links[2].kind == LINK_IB && near(e.links[2].each_way_bps.v, 400e9),
		"3200 Gb/s a node are 400 GB/s");
	ok(!is_known(e.host_memory_bytes) && !is_known(e.power_w) && !e.host_cpu, "unknown stays unknown");
}

/* Text with one line replaced: the n-th line of `from` becomes `line`. */
static char *with_line(const char *from, unsigned n, const char *line)
{
	static char buf[8192];
	const char *p = from, *q;
	unsigned i = 1;

	for (; i < n; i++)
		p = strchr(p, '\n') + 1;
	q = strchr(p, '\n');
	snprintf(buf, sizeof buf, "%.*s%s%s", (int)(p - from), from, line, q);
	return buf;
}

static void test_bad(void)
{
	static const struct { const char *base; unsigned line; const char *text, *where, *what; } bad[] = {
		{ card, 1, "schema: 2", "t.yaml:1:", "schema" },
		{ card, 2, "id: RTX_4090", "t.yaml:", "plain form, rtx-4090" },
		{ card, 3, "nmae: x", "t.yaml:", "name" },
		{ card, 4, "kind: car", "t.yaml:4:", "kind" },
		{ card, 6, "status: soldd", "t.yaml:6:", "status" },
		{ card, 7, "relaesed: 2022", "t.yaml:7:", "relaesed" },
		{ card, 8, "match: {name: [x]}", "t.yaml:8:", "name" },
		{ card, 8, "match: {names: x}", "t.yaml:8:", "" },
		{ card, 10, "  smi: {what: x, confidence: sure}", "t.yaml:10:", "sure" },
		{ card, 10, "  smi: {what: x}", "t.yaml:10:", "confidence" },
		{ card, 10, "  smi: {what: x, confidence: spec, why: y}", "t.yaml:10:", "why" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 25757220864}", "t.yaml:14:", "25757220864 has no source" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 25757220864, source: smo}", "t.yaml:14:", "smo is not under sources" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 24.5, source: smi}", "t.yaml:14:", "" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 0, source: smi}", "t.yaml:14:", "" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 99999999999999999999, source: smi}", "t.yaml:14:", "" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 100, usable_bytes: 101, source: smi}", "t.yaml:14:",
			"usable_bytes (101) is above total_bytes (100)" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 100, reserve_bytes: 101, source: smi}", "t.yaml:14:", "reserve_bytes (101)" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 100, source: smi, bandwidth_gb_s: 10, measured_gb_s: 11}", "t.yaml:14:",
			"(11) is above" },
		{ card, 14, "  vram: {kind: vram, total_bytes: 100, source: smi, measured_gb_s: 11}", "t.yaml:14:", "needs a known bandwidth" },
		{ card, 14, "  vram: {kind: vram, source: smi, bandwidth_gb_s: -5}", "t.yaml:14:", "bandwidth_gb_s" },
		{ card, 14, "  vram: {kind: vram, source: smi, bandwidth_gb_s: {valeu: 5}}", "t.yaml:14:", "value is missing" },
		{ card, 14, "  vram: {kind: vram, source: smi, bandwidth_gb_s: {value: 5, why: x}}", "t.yaml:14:", "why" },
		{ card, 14, "  vram: {kind: vram, source: smi, bandwith_gb_s: 5}", "t.yaml:14:", "bandwith_gb_s" },
		{ card, 14, "  ram: {kind: vram, source: smi}", "t.yaml:", "pool vram is not under pools" },
		{ card, 17, "  pool: unknown_pool", "t.yaml:", "unknown_pool" },
		{ card, 18, "  compute_capability: 89", "t.yaml:18:", "MAJOR.MINOR" },
		{ card, 18, "  compute_capability: 8.9.1", "t.yaml:18:", "MAJOR.MINOR" },
		{ card, 18, "  compute_capability: [8, 9]", "t.yaml:18:", "" },
		{ card, 22, "  tflops_dense: {f32: 82.6, f61: 1}", "t.yaml:22:", "f61" },
		{ card, 22, "  tflops_dense: {f32: nan}", "t.yaml:22:", "f32" },
		{ card, 23, "host_link: {kind: pcie, gen: 9, lanes: 16, source: spec}", "t.yaml:23:", "gen" },
		{ card, 23, "host_link: {kind: pcie, gen: 4, source: spec}", "t.yaml:23:", "lanes" },
		{ card, 23, "host_link: {kind: pcie, gen: 4.5, lanes: 16, source: spec}", "t.yaml:23:", "whole" },
		{ card, 23, "host_link: {kind: wire}", "t.yaml:23:", "kind" },
		{ card, 25, "node: {cards: 0}", "t.yaml:25:", "" },
		{ mac, 17, "  - {id: m4-max-48gb, memory_bytes: 1}", "t.yaml:18:", "m4-max-48gb is there twice" },
		{ mac, 17, "  - {id: m4-max-36gb, memory_bytes: 1048576, gpu_limit_mib: {macos_14: 2, source: log}}", "t.yaml:17:",
			"the memory has 1048576" },
		{ mac, 17, "  - {id: m4-max-36gb, gpu_limit_mib: {macosx: 2, source: log}}", "t.yaml:17:", "macos_NN" },
		{ mac, 17, "  - {entry: other}", "t.yaml:", "all or none" },
		{ mac, 17, "  - {id: a-36gb, default: true, memory_bytes: 5, usable_bytes: 6}", "t.yaml:17:", "usable_bytes (6) is above" },
		{ node, 13, "  - {device: h100-sxm, per_node: 0}", "t.yaml:13:", "" },
		{ node, 13, "  - {device: h100-sxm}", "t.yaml:13:", "per_node" },
		{ node, 16, "  - {between: [h100-sxm], kind: pcie}", "t.yaml:16:", "between" },
		{ node, 16, "  - {between: [h100-sxm, h200], kind: pcie}", "t.yaml:16:", "h200 is no device" },
		{ node, 16, "  - {between: [host, node], kind: pcie, gbit_s_per_node: 5}", "t.yaml:16:", "gbit_s_per_node" },
		{ node, 19, "power: 3", "t.yaml:19:", "power" },
	};
	struct hardware_entry e;

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		int rc = read_text(&e, with_line(bad[i].base, bad[i].line, bad[i].text));
		ok(rc == E_CATALOGUE && !strncmp(err.text, bad[i].where, strlen(bad[i].where)) && strstr(err.text, bad[i].what),
			"refused: %s", bad[i].text);
		if (rc != E_CATALOGUE || !strstr(err.text, bad[i].what) || strncmp(err.text, bad[i].where, strlen(bad[i].where)))
			printf("#  got %d %s\n", rc, err.text);
	}
}

static void test_unknown(void)
{
	struct hardware_entry e;

	ok(read_text(&e, with_line(card, 14,
		"  vram: {kind: vram, total_bytes: unknown, bandwidth_gb_s: unknown, measured_gb_s: unknown}")) == OK,
		"unknown needs no source %s", err.text);
	ok(e.spec && !e.spec->pools[0].total_bytes && !e.spec->pools[0].usable_bytes && !is_known(e.spec->pools[0].read_bps),
		"and stays unknown");
	ok(read_text(&e, with_line(card, 14, "  vram: {kind: vram, total_bytes: 100, usable_bytes: unknown, source: smi}")) == OK,
		"usable may be unknown alone");
	ok(e.spec && e.spec->pools[0].total_bytes == 100 && !e.spec->pools[0].usable_bytes, "it is then not the total");
	ok(read_text(&e, with_line(card, 10, "  smi: {what: remembered, confidence: unverified}")) == OK, "an unverified size");
	ok(e.spec && e.spec->n_warnings == 1 && strstr(e.spec->warnings[0], "25757220864 bytes is not confirmed (remembered)"),
		"leaves a warning");
}

static void test_never_sold(void)
{
	static const char text[] = "schema: 1\nid: m4-ultra\nname: Apple M4 Ultra\nkind: soc\nvendor: apple\nstatus: never_sold\n"
		"why: not made\ninstead: [m3-ultra-96gb, m4-max-128gb]\n";
	struct hardware_entry e;

	ok(read_text(&e, text) == OK && e.status == HW_NEVER_SOLD && !e.spec, "what was never sold needs no figures");
	is_str(e.instead[1], "m4-max-128gb", "and names what can be had");
	ok(read_text(&e, "schema: 1\nid: x\nname: X\nkind: gpu\nvendor: amd\nstatus: sold\n") == E_CATALOGUE, "what is sold does");
}

static void test_tree(void)
{
	struct arena names = { 0 };
	const char **file;
	unsigned n = 0, loaded = 0, named = 0, with_size = 0;

	if (dir_list(&file, &names, "hardware.d", ".yaml", 0, &err) != OK || !file[0]) {
		ok(0, "hardware.d is there");
		arena_free(&names);
		return;
	}
	for (; file[n]; n++) {
		struct hardware_entry e = { 0 };
		struct ydoc d;
		char path[256];
		arena_reset(&arena);
		snprintf(path, sizeof path, "hardware.d/%s", file[n]);
		if (yaml_load(&d, &arena, path, &err) != OK || hardware_entry_read(&e, &arena, &d, &err) != OK) {
			printf("# %s\n", err.text);
			continue;
		}
		loaded++;
		named += strlen(file[n]) == strlen(e.id) + 5 && !strncmp(file[n], e.id, strlen(e.id));
		with_size += e.spec && e.spec->pools[0].usable_bytes > 0;
	}
	ok(n >= 25, "%u entries", n);
	is_u64(loaded, n, "every entry loads");
	is_u64(named, n, "every file is named as its entry");
	ok(with_size >= 60, "%u have an exact usable size of their own", with_size);
	arena_free(&names);
}

static void test_memory(void)
{
	struct hardware_entry e;
	int rc = E_NOMEM, n = 0;

	for (; n < 200 && rc != OK; n++) {
		arena_free(&arena);
		arena_fail_after(n);
		rc = read_text(&e, mac);
		if (rc != OK && rc != E_NOMEM)
			break;
	}
	arena_fail_after(-1);
	ok(rc == OK && n > 1, "every failed allocation is E_NOMEM (%d tried)", n - 1);
}

int main(void)
{
	test_card();
	test_mac();
	test_node();
	test_bad();
	test_unknown();
	test_never_sold();
	test_tree();
	test_memory();
	ok(near(pcie_bytes_per_s(5, 16), 32e9 * 128 / 130 / 8 * 16) && pcie_bytes_per_s(7, 16) == 0, "PCIe rates");
	arena_free(&arena);
	return done_testing();
}
