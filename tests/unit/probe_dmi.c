/* probe_dmi.c - the firmware's table of memory modules: structures, sizes, speeds, channels by name, what a recording may keep */
#include "base/file.h"
#include "base/units.h"
#include "probe/probe_dmi.h"

#include "../tap.h"

static struct arena arena;
static struct dmi d;
static uint8_t table[65536];
static size_t used;

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static uint8_t *structure(unsigned type, unsigned length, unsigned handle, const char *const *strings)
{
	uint8_t *p = table + used;

	memset(p, 0, length);
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)length;
	put16(p + 2, handle);
	used += length;
	for (; strings && *strings; strings++) {
		strcpy((char *)table + used, *strings);
		used += strlen(*strings) + 1;
	}
	table[used++] = 0;
	if (!strings)
		table[used++] = 0;
	return p;
}

/* A module as SMBIOS 3.3 has it: 92 bytes. */
static uint8_t *module(const char *locator, const char *bank, unsigned mib, unsigned type, unsigned mts)
{
	const char *const strings[] = { "SERIAL77", "ASSET77", locator, *bank ? bank : NULL, NULL };       /* none is empty */
	uint8_t *p = structure(17, 92, 0x1100, strings);

	put16(p + 4, 0x1000);
	put16(p + 8, 72);
	put16(p + 0x0a, 64);
	put16(p + 0x0c, mib);
	p[0x10] = 3;
	p[0x11] = *bank ? 4 : 0;
	p[0x12] = (uint8_t)type;
	put16(p + 0x15, mts + 400);
	p[0x18] = 1;
	p[0x19] = 2;
	put16(p + 0x20, mts);
	return p;
}

static void read_it(void)
{
	dmi_read(&d, &arena, table, used);
}

static uint32_t channels(const char *const (*names)[2], unsigned n)
{
	used = 0;
	for (unsigned i = 0; i < n; i++)
		module(names[i][0], names[i][1], 1024, 0x1a, 3200);
	read_it();
	return dmi_channels(&d);
}

static void test_module(void)
{
	static const char *const cpu[] = { "Ampere(R) Altra(R) Processor  ", NULL };
	uint8_t *p;

	used = 0;
	structure(4, 0x30, 4, cpu)[0x10] = 1;
	structure(16, 23, 0x1000, NULL)[5] = 3;
	module("DIMM 0", "P0 CHANNEL A", 16384, 0x22, 4800);
	module("DIMM 1", "P0 CHANNEL A", 0, 0x02, 0);
	p = module("DIMM 0", "P0 CHANNEL B", 0x7fff, 0x22, 0xffff);
	put16(p + 0x1c, 0);
	p[0x1e] = 2;             /* 0x20000 MiB */
	put16(p + 0x58, 6400);
	module("DIMM 1", "P0 CHANNEL B", 0xffff, 0x22, 4800);
	structure(127, 4, 0x7f00, NULL);
	module("behind", "the end", 1024, 0x22, 4800);
	read_it();
	ok(d.n_modules == 2 && d.slots == 4, "empty slots and unknown sizes are no modules; what is behind the end is not read");
	ok(d.module[0].bytes == 16 * GIB && d.module[0].mts == 4800 && d.module[0].data_bits == 64, "size, configured speed, width without ECC");
	is_str(d.module[0].type, "DDR5", "type");
	is_str(d.module[0].bank, "P0 CHANNEL A", "bank");
	ok(d.module[1].bytes == 128 * GIB && d.module[1].mts == 6400, "sizes and speeds beyond 16 bits");
	is_str(d.processor, "Ampere(R) Altra(R) Processor", "the processor's name");
	is_u64(dmi_channels(&d), 2, "two channels");

	used = 0;
	module("A", "B", 1024, 0x99, 0);
	read_it();
	ok(d.n_modules == 1 && d.module[0].mts == 400 && !d.module[0].type && !dmi_channels(&d), "rated speed, unknown type, no channel in the names");
	used = 0;
	structure(16, 23, 0x1000, NULL)[5] = 4;
	module("FLASH", "", 16, 0x1a, 0);
	read_it();
	ok(!d.n_modules, "video and flash memory is not the host's");
	p = table + used;
	used = 0;
	p = module("old", "", 0x8400, 0x0f, 0);
	p[1] = 0x15;             /* SMBIOS 2.1: no speed; what followed are strings now */
	read_it();
	ok(d.n_modules == 1 && d.module[0].bytes == MIB && !d.module[0].mts, "a short structure, a size in KB");
}

static void test_channels(void)
{
	static const char *const ryzen[][2] = { { "DIMM 1", "P0 CHANNEL A" }, { "DIMM 1", "P0 CHANNEL B" } },
		*const intel[][2] = { { "ChannelA-DIMM0", "BANK 0" }, { "ChannelA-DIMM1", "BANK 1" }, { "ChannelB-DIMM0", "BANK 2" } },
		*const controllers[][2] = { { "Controller0-ChannelA-DIMM0", "BANK 0" }, { "Controller1-ChannelA-DIMM0", "BANK 0" } },
		*const nodes[][2] = { { "P1-DIMMA1", "P0_Node0_Channel0_Dimm0" }, { "P1-DIMMA2", "P0_Node0_Channel0_Dimm1" },
			{ "P1-DIMMB1", "P0_Node0_Channel1_Dimm0" }, { "P2-DIMMA1", "P1_Node0_Channel0_Dimm0" } },
		*const two_sockets[][2] = { { "DIMM 0", "CHANNEL A" }, { "DIMM 0", "CHANNEL A" } },
		*const dell[][2] = { { "A1", "" }, { "A2", "" } }, *const slot_first[][2] = { { "DIMM0 Channel A", "" }, { "DIMM1 Channel A", "" } },
		*const half[][2] = { { "DIMM 1", "P0 CHANNEL A" }, { "DIMM 2", "BANK 1" } }, *const word[][2] = { { "Channels", "x" } };

	is_u64(channels(ryzen, 2), 2, "P0 CHANNEL A");
	is_u64(channels(intel, 3), 2, "two modules on one channel");
	is_u64(channels(controllers, 2), 2, "a channel A on each controller");
	is_u64(channels(nodes, 4), 3, "with processor and node");
	is_u64(channels(two_sockets, 2), 0, "two modules that claim one place");
	is_u64(channels(dell, 2), 0, "A1: with some makers a processor");
	is_u64(channels(slot_first, 2), 0, "a slot before the channel");
	is_u64(channels(half, 2), 0, "one without a channel");
	is_u64(channels(word, 1), 0, "no channel's name");
	is_u64(channels(NULL, 0), 0, "no modules");
}

static void test_public(void)
{
	static const char *const box[] = { "Maker", "BOXSERIAL", NULL };
	static uint8_t out[65536];
	uint8_t *p;

	used = 0;
	p = structure(1, 27, 1, box);
	p[4] = 1;
	p[7] = 2;
	module("DIMM 0", "P0 CHANNEL A", 1024, 0x22, 4800);
	structure(127, 4, 2, NULL);
	size_t n = dmi_public(out, table, used);
	ok(n > 0 && n < used, "less than the whole table");
	int secret = 0;
	for (size_t i = 0; i + 8 <= n; i++)
		secret |= !memcmp(out + i, "SERIAL77", 8) || !memcmp(out + i, "ASSET77", 7) || !memcmp(out + i, "BOXSERI", 7);
	ok(!secret, "no serial number, no asset tag");
	dmi_read(&d, &arena, out, n);
	ok(d.n_modules == 1 && d.module[0].mts == 4800 && !strcmp(d.module[0].bank, "P0 CHANNEL A"), "and it reads the same");
}

static void test_malformed(void)
{
	used = 0;
	module("DIMM 0", "P0 CHANNEL A", 1024, 0x22, 4800);
	for (size_t n = 0; n < used; n++) {
		uint8_t *cut = malloc(n ? n : 1);        /* just as large: a sanitizer sees a read beyond */
		memcpy(cut, table, n);
		dmi_read(&d, &arena, cut, n);
		if (d.n_modules)
			ok(0, "%zu bytes of a structure of %zu are read", n, used);
		free(cut);
	}
	ok(1, "a table that is cut short");
	table[1] = 3;
	read_it();
	ok(!d.n_modules, "a length below the header's");
	table[1] = 92;
	table[0x10] = 200;
	read_it();
	ok(d.n_modules == 1 && !*d.module[0].locator, "a string that is not there");
}

/* 24 slots of a Dell server: its names say the processor. */
static void test_machine(void)
{
	struct error err;
	char *text;
	size_t n;

	if (file_read(&text, &n, &arena, "tests/machines/server-old-dimms/root/sys/firmware/dmi/tables/DMI", 1 << 20, &err) != OK) {
		ok(0, "%s", err.text);
		return;
	}
	dmi_read(&d, &arena, text, n);
	ok(d.n_modules == 8 && d.slots == 24 && d.module[0].bytes == 4 * GIB && d.module[0].mts == 1600, "8 modules of 4 GiB at 1600 MT/s");
	is_str(d.module[7].locator, "DIMM_B4", "the last");
	is_u64(dmi_channels(&d), 0, "channels unknown");
}

int main(void)
{
	test_module();
	test_channels();
	test_public();
	test_malformed();
	test_machine();
	ok(!arena.failed, "memory sufficed");
	arena_free(&arena);
	return done_testing();
}
