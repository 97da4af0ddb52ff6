/* hardware_name.c - names of machines, and this machine's memory from recorded text */
#include "../tap.h"

#include "base/units.h"
#include "catalog/hardware_find.h"
#include "catalog/hardware_name.h"

#include <math.h>

static struct arena arena;
static struct error err;
static struct catalog *catalog;
static struct hardware_spec spec;

static int near(double a, double b) { return fabs(a - b) <= 1e-9 * fabs(b); }

static int resolve(const char *name, uint64_t ram)
{
	arena_reset(&arena);
	err = (struct error){ 0 };
	return hardware_resolve(&spec, &arena, catalog, name, ram, &err);
}

static void test_counts(void)
{
	static const struct { const char *text; int rc; unsigned count; const char *rest; } cases[] = {
		{ "rtx-4090", 0, 1, "rtx-4090" }, { "2x rtx-4090", 0, 2, "rtx-4090" }, { "2x-rtx-4090", 0, 2, "rtx-4090" },
		{ "2 x RTX 4090", 0, 2, "RTX 4090" }, { "2\xc3\x97RTX 4090", 0, 2, "RTX 4090" }, { "RTX 4090 x2", 0, 2, "RTX 4090" },
		{ "rtx-4090-x2", 0, 2, "rtx-4090" }, { "4090 x2", 0, 2, "4090" }, { "-1x rtx-4090", 0, 1, "-1x rtx-4090" }, { "RTX 4090 \xc3\x97 2", 0, 2, "RTX 4090" }, { " 8X H100 ", 0, 8, "H100" },
		{ "RX 7900 XTX", 0, 1, "RX 7900 XTX" }, { "2x RX 7900 XTX", 0, 2, "RX 7900 XTX" }, { "4090", 0, 1, "4090" },
		{ "2x 4090", 0, 2, "4090" }, { "0x 4090", -1, 0, NULL }, { "1025x 4090", -1, 0, NULL }, { "1024x 4090", 0, 1024, "4090" },
		{ "99999999999999999999x a", -1, 0, NULL }, { "x2", 0, 1, "x2" }, { "2x", 0, 1, "2x" }, { "", 0, 1, "" }, { "a x0", -1, 0,
			NULL },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		char buf[64];
		const char *rest = NULL;
		unsigned count;
		int rc = hardware_count(&count, &rest, buf, sizeof buf, cases[i].text);
		ok(rc == cases[i].rc && (rc || (count == cases[i].count && !strcmp(rest, cases[i].rest))), "count of '%s': %u '%s'",
			cases[i].text, count, rest);
	}
}

static void test_ram(void)
{
	static const struct { const char *text; int is; uint64_t bytes; uint32_t mts, channels; } cases[] = {
		{ "64GB", 1, 64000000000, 0, 0 }, { "64GiB ddr5-5600", 1, UINT64_C(64) << 30, 5600, 0 }, { "64 GB DDR5-6000", 1, 64000000000,
			6000, 0 },
		{ "ddr4-3200", 1, 0, 3200, 0 }, { "128G ddr5 4800 8ch", 1, UINT64_C(128) << 30, 4800, 8 }, { "64GB of ram", 1, 64000000000, 0,
			0 },
		{ "64GB ddr5-5600 4-channel", 1, 64000000000, 5600, 4 }, { "64GB dual channel ddr5-5600", 1, 64000000000, 5600, 2 },
		{ "64", 0, 0, 0, 0 }, { "rtx-4090", 0, 0, 0, 0 }, { "m4-max-64gb", 0, 0, 0, 0 }, { "ram", 0, 0, 0, 0 }, { "", 0, 0, 0, 0 },
		{ "ddr5-99", 0, 0, 0, 0 }, { "64GB rtx", 0, 0, 0, 0 }, { "64GB 32GB", 0, 0, 0, 0 },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct hardware_ram r;
		int is = hardware_ram_words(&r, cases[i].text);
		ok(is == cases[i].is && (!is || (r.bytes == cases[i].bytes && r.mts == cases[i].mts && r.channels == cases[i].channels)),
			"memory '%s'", cases[i].text);
	}
}

static void test_words(void)
{
	struct hardware_words w;

	ok(!hardware_words(&w, "Apple M3 Ultra 256GB (60 GPU cores)") && !strcmp(w.key, "apple-m3-ultra") && w.gb == 256 &&
		w.cores == 60, "size and cores");
	ok(!hardware_words(&w, "M2 Ultra 76-Core GPU 192 GB") && !strcmp(w.key, "m2-ultra") && w.gb == 192 && w.cores == 76,
		"in another order");
	ok(!hardware_words(&w, "RTX 3060") && !strcmp(w.key, "rtx-3060") && !w.gb, "a number of a name is no size");
	ok(!hardware_words(&w, "64gb") && !strcmp(w.key, "64gb") && !w.gb, "something must be left");
	char text[400];
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ok(hardware_words(&w, text) == -1, "too long a name");
	ok(hardware_label_matches(25757220864, 24), "24564 MiB are sold as 24 GB");
	ok(hardware_label_matches(48305799168, 48), "46068 MiB are sold as 48 GB (ECC)");
	ok(hardware_label_matches(150754820096, 141) && hardware_label_matches(192265846784, 180) &&
		hardware_label_matches(192265846784, 192), "HBM labels");
	ok(!hardware_label_matches(25757220864, 16) && !hardware_label_matches(25757220864, 32) && !hardware_label_matches(12884901888,
		16), "not another size");
}

static void is_one(const char *name, const char *id, unsigned per_node, unsigned nodes)
{
	int rc = resolve(name, 0);

	ok(rc == OK && spec.n_groups == 1 && !strcmp(spec.groups[0].device->id, id) && spec.groups[0].per_node == per_node &&
		spec.groups[0].nodes == nodes,
		"%s is %u x %u %s", name, nodes, per_node, id);
	if (rc != OK)
		printf("#  got %s: %s\n", error_name(rc), err.text);
}

static int has_candidate(const char *name)
{
	for (int i = 0; i < err.n_candidates; i++)
		if (!strcmp(err.candidate[i], name))
			return 1;
	return 0;
}

static void test_devices(void)
{
	is_one("rtx-4090", "rtx-4090", 1, 1);
	is_one("RTX 4090", "rtx-4090", 1, 1);
	is_one("4090", "rtx-4090", 1, 1);
	is_one("NVIDIA(R) GeForce(R) RTX(TM) 4090", "rtx-4090", 1, 1);
	is_one("Intel\xc2\xae Arc\xe2\x84\xa2 B580", "arc-b580", 1, 1);
	is_one("NVIDIA GeForce RTX 4090", "rtx-4090", 1, 1);
	is_one("RTX 4090 24GB", "rtx-4090", 1, 1);
	is_one("2x rtx-4090", "rtx-4090", 2, 1);
	is_u64(spec.pools[0].total_bytes, 25757220864, "each card has its own memory: the pool is one card's");
	ok(spec.n_links == 2 && spec.links[1].a == 0 && spec.links[1].b == 0 && spec.links[1].kind == LINK_PCIE,
		"and they meet over PCIe");
	is_str(spec.id, "2x-rtx-4090", "the id can be typed again");
	is_one("2x-rtx-4090", "rtx-4090", 2, 1);
	is_one("hardware.d/rtx-4090.yaml", "rtx-4090", 1, 1);
	is_one("16x h100-sxm", "h100-sxm", 8, 2);
	ok(spec.n_warnings == 1 && strstr(spec.warnings[0], "2 machines of 8"), "a node's usual size");
	is_one("2x dgx-spark", "gb10", 1, 2);
	is_one("GH200 480GB", "gh200-96gb", 1, 1);
	is_one("NVIDIA H200", "h200-sxm", 1, 1);
	is_one("h200", "h200-sxm", 1, 1);
	ok(spec.n_warnings == 1 && strstr(spec.warnings[0], "h200-sxm"), "a family's name is taken for its default, and says so");
	is_one("h100 80gb", "h100-sxm", 1, 1);
	is_one("A100 PCIe 80GB", "a100-pcie-80gb", 1, 1);
	is_one("4060 ti 16gb", "rtx-4060-ti-16gb", 1, 1);
	is_one("m4-max-64gb", "m4-max-64gb", 1, 1);
	ok(spec.pools[0].kind == POOL_UNIFIED && spec.pools[0].usable_bytes == UINT64_C(53084) << 20, "with its GPU limit");
	is_one("Apple M4 Max 64GB", "m4-max-64gb", 1, 1);
	is_one("dgx-h100", "h100-sxm", 8, 1);
	is_one("8x h100", "h100-sxm", 8, 1);
	is_str(spec.id, "dgx-h100", "a name of the catalogue is not cut up");
	is_one("2x dgx-h100", "h100-sxm", 8, 2);
	ok(resolve("5090 + 3090", 0) == OK && spec.n_groups == 2 && spec.n_pools == 2 && spec.groups[1].pool == 1,
		"two kinds of cards, two pools");
	ok(resolve("5090+3090", 0) == OK && spec.n_groups == 2, "without blanks too");
	ok(resolve("Ryzen AI Max+ 395", 0) == OK && spec.n_groups == 1, "a plus of the name's own");
}

static void test_host_pools(void)
{
	ok(resolve("rtx-4090 + 64GB ddr5-5600", 0) == OK && spec.n_pools == 2 && spec.pools[1].kind == POOL_HOST,
		"a card and its host's memory");
	ok(spec.n_pools == 2 && spec.pools[1].total_bytes == 64000000000 && near(spec.pools[1].read_bps.v, 89.6e9),
		"64 GB at 2 x 5600 MT/s x 8 bytes");
	ok(spec.n_warnings == 1 && strstr(spec.warnings[0], "two channels are assumed"), "the channels are an assumption");
	ok(resolve("rtx-4090 + 64GB ddr5-5600 4ch", 0) == OK && near(spec.pools[1].read_bps.v, 179.2e9) && !spec.n_warnings,
		"unless they are said");
	ok(resolve("rtx-4090", 32 * GIB) == OK && spec.n_pools == 2 && spec.pools[1].total_bytes == 32 * GIB &&
		!is_known(spec.pools[1].read_bps), "--ram");
	ok(resolve("rtx-4090 + 64GB", 32 * GIB) == E_USAGE, "not both");
	ok(resolve("rtx-4090 + 64GB + 32GB", 0) == E_USAGE, "nor twice");
	ok(resolve("rtx-5090 + epyc-9654 + 512GiB", 0) == OK && spec.n_groups == 1 && spec.n_pools == 2 &&
		near(spec.pools[1].read_bps.v, 460.8e9) &&
		spec.pools[1].total_bytes == 512 * GIB, "a processor beside a card is its host");
	ok(resolve("epyc-9654", 256 * GIB) == OK && spec.n_groups == 1 && spec.n_pools == 1 && spec.pools[0].total_bytes == 256 * GIB &&
		spec.groups[0].device->kind == DEVICE_CPU, "a processor alone computes");
	ok(resolve("m4-max-64gb + 64GB", 0) == OK && spec.n_pools == 1 && spec.n_warnings == 1, "unified memory has no host beside it");
	ok(resolve("rtx-4090", 0) == OK && spec.n_pools == 1, "no memory is made up");
}

static void test_refused(void)
{
	ok(resolve("m4-max", 0) == E_AMBIGUOUS && has_candidate("m4-max-64gb") && has_candidate("m4-max-128gb"), "open memory: %s",
		err.text);
	ok(resolve("RTX 4060 Ti", 0) == E_AMBIGUOUS && has_candidate("rtx-4060-ti-16gb"), "open memory of a card");
	ok(resolve("m4-ultra", 0) == E_AVAILABLE && err.n_candidates && err.hint[0], "never sold: %s", err.text);
	ok(resolve("M3 Ultra 192GB", 0) == E_AVAILABLE && has_candidate("m3-ultra-256gb"), "a size never made: %s", err.text);
	ok(resolve("RTX 3090 12GB", 0) == E_AVAILABLE && has_candidate("rtx-3090"), "a size it does not have: %s", err.text);
	ok(resolve("Mac Studio 96GB", 0) == E_AMBIGUOUS && err.n_candidates == 2 && has_candidate("m2-max-96gb") && has_candidate("m3-ultra-96gb"), "two chips with that memory: %s", err.text);
	ok(resolve("64GB Mac", 0) == E_AMBIGUOUS && has_candidate("m4-pro-64gb") && !has_candidate("m4-64gb"), "the size said first: %s", err.text);
	ok(resolve("Mac Studio 300GB", 0) == E_AVAILABLE, "a size of none: %s", err.text);
	ok(resolve("MacBook Pro 128GB", 0) == E_AMBIGUOUS && !has_candidate("m2-ultra-128gb"), "chips of another machine are not meant");
	ok(resolve("24GB RTX 4090", 0) == OK && !strcmp(spec.id, "rtx-4090"), "a card with its size first");
	ok(resolve("rtx-4091", 0) == E_HARDWARE && has_candidate("rtx-4090"), "near matches: %s", err.text);
	ok(resolve("RTX 3090 Laptop GPU", 0) == E_HARDWARE && strstr(err.hint, "laptop"), "a laptop part is another device");
	ok(resolve("H100 MIG 1g.10gb", 0) == E_HARDWARE, "so is a MIG slice");
	ok(resolve("200", 0) == E_HARDWARE && resolve("h20 0", 0) == E_HARDWARE, "no part of a name is a name");
	ok(resolve("0x rtx-4090", 0) == E_USAGE && resolve("1025x rtx-4090", 0) == E_USAGE, "counts");
	ok(resolve("13x h100-sxm", 0) == E_USAGE, "13 cards fill no machines of 8: %s", err.text);
	ok(resolve("", 0) == E_USAGE && resolve("rtx-4090 +", 0) == E_USAGE && resolve("+ rtx-4090", 0) == E_USAGE, "nothing named");
	ok(resolve("nowhere.yaml", 0) == E_FILE, "no such file");
	ok(resolve("tests/unit/hardware_name.c", 0) == E_HARDWARE, "another file is no machine");
	char text[600];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ok(resolve(text, 0) == E_HARDWARE, "too long a name");
	ok(hardware_resolve(&spec, &arena, catalog, "rtx-4091", 0, NULL) == E_HARDWARE, "without an error to fill");
}

static void test_fingerprint(void)
{
	uint64_t one, two;

	one = resolve("rtx-4090", 0) == OK ? spec.fingerprint : 0;
	two = resolve("2x rtx-4090", 0) == OK ? spec.fingerprint : 0;
	ok(one && two && one != two, "two cards are another machine");
	ok(resolve("RTX 4090", 0) == OK && spec.fingerprint == one, "another spelling is not");
}

int main(void)
{
	setenv("ULLAGE_DATA", ".", 1);
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	test_counts();
	test_ram();
	test_words();
	if (catalog_open(&catalog, NULL, &err) == OK) {
		test_devices();
		test_host_pools();
		test_refused();
		test_fingerprint();
		catalog_close(catalog);
	} else {
		ok(0, "the catalogue opens: %s", err.text);
	}
	arena_free(&arena);
	return done_testing();
}
