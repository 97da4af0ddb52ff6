/* probe_dmi.c - SMBIOS structures of processors and memory
 *
 * Offsets and codes: System Management BIOS Reference Specification (DMTF DSP0134 3.7), 6.1 structures, 7.5 type 4, 7.17 type 16,
 * 7.18 type 17. A structure is a header (type, length, handle), length bytes with it, then strings, each with a NUL, and one NUL more. */
#include "probe/probe_dmi.h"

#include "base/str.h"
#include "base/units.h"

#include <ctype.h>
#include <string.h>

enum { TYPE_PROCESSOR = 4, TYPE_ARRAY = 16, TYPE_MODULE = 17, TYPE_END = 127, HEADER = 4, USE_SYSTEM = 3 };

struct item { const uint8_t *p, *strings; size_t length, n; uint8_t type; uint16_t handle; };   /* n: with the strings */

static unsigned u16(const uint8_t *p) { return p[0] | (unsigned)p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | (uint32_t)u16(p + 2) << 16; }

/* The structure at p. 0, or -1: none that is whole. */
static int next(struct item *out, const uint8_t *p, size_t n)
{
	if (n < HEADER || p[1] < HEADER || p[1] > n)
		return -1;
	*out = (struct item){ p, p + p[1], p[1], 0, p[0], (uint16_t)u16(p + 2) };
	for (size_t i = p[1]; i + 1 < n; i++)
		if (!p[i] && !p[i + 1]) {
			out->n = i + 2;
			return 0;
		}
	return -1;
}

/* The string that the byte at `at` numbers (from 1), and its length. NULL: none. */
static const uint8_t *string_at(size_t *len, const struct item *s, size_t at)
{
	const uint8_t *p = s->strings, *end = s->p + s->n - 1;

	if (at >= s->length || !s->p[at])
		return NULL;
	for (unsigned i = 1; p < end && *p; i++) {
		const uint8_t *nul = memchr(p, 0, (size_t)(end + 1 - p));
		*len = (size_t)(nul - p);
		if (i == s->p[at])
			return p;
		p = nul + 1;
	}
	return NULL;
}

/* Never NULL but for lack of memory. */
static const char *text_at(struct arena *a, const struct item *s, size_t at)
{
	size_t n = 0;
	const uint8_t *p = string_at(&n, s, at);
	char *text;

	while (p && n && p[n - 1] == ' ')
		n--;
	text = arena_strndup(a, p ? (const char *)p : "", p ? n : 0);
	if (text)
		str_clean(text);
	return text;
}

static const char *memory_type(unsigned code)
{
	static const struct { uint8_t code; const char *name; } types[] = {
		{ 0x12, "DDR" }, { 0x13, "DDR2" }, { 0x18, "DDR3" }, { 0x1a, "DDR4" }, { 0x1b, "LPDDR" }, { 0x1c, "LPDDR2" }, { 0x1d, "LPDDR3" },
		{ 0x1e, "LPDDR4" }, { 0x20, "HBM" }, { 0x21, "HBM2" }, { 0x22, "DDR5" }, { 0x23, "LPDDR5" }, { 0x24, "HBM3" },
	};

	for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].code == code)
			return types[i].name;
	return NULL;
}

static unsigned word(const struct item *s, size_t at) { return at + 2 <= s->length ? u16(s->p + at) : 0; }
static uint32_t dword(const struct item *s, size_t at) { return at + 4 <= s->length ? u32(s->p + at) : 0; }

/* 0: an empty slot, or a size that the firmware does not know. */
static uint64_t module_bytes(const struct item *s)
{
	unsigned size = word(s, 0x0c);

	if (size == 0xffff)
		return 0;
	if (size == 0x7fff)
		return (dword(s, 0x1c) & 0x7fffffff) * MIB;
	return (size & 0x8000) ? (size & 0x7fff) * KIB : size * MIB;
}

/* 0xffff: too fast for 16 bits, the next field has it. */
static uint32_t module_speed(const struct item *s)
{
	uint32_t configured = word(s, 0x20), rated = word(s, 0x15);

	if (configured == 0xffff)
		configured = dword(s, 0x58) & 0x7fffffff;
	if (rated == 0xffff)
		rated = dword(s, 0x54) & 0x7fffffff;
	return configured ? configured : rated;
}

/* Handles of type 16 structures that say they are something else than system memory (video, flash, cache). */
struct others { uint16_t handle[64]; unsigned n; };

static void find_others(struct others *out, const uint8_t *p, size_t n)
{
	struct item s;

	for (out->n = 0; out->n < 64 && !next(&s, p, n); p += s.n, n -= s.n)
		if (s.type == TYPE_ARRAY && s.length > 5 && s.p[5] != USE_SYSTEM)
			out->handle[out->n++] = s.handle;
}

static int is_other(const struct others *o, unsigned handle)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->handle[i] == handle)
			return 1;
	return 0;
}

void dmi_read(struct dmi *out, struct arena *a, const void *table, size_t n)
{
	const uint8_t *p = table;
	size_t left = n;
	struct others others;
	struct item s;

	*out = (struct dmi){ .n_modules = 0 };
	find_others(&others, table, n);
	for (; !next(&s, p, left); p += s.n, left -= s.n) {
		if (s.type == TYPE_PROCESSOR && !out->processor) {
			const char *name = text_at(a, &s, 0x10);
			out->processor = name && *name ? name : NULL;
		}
		if (s.type == TYPE_END)
			break;
		if (s.type != TYPE_MODULE || s.length < 0x15 || is_other(&others, u16(s.p + 4)))
			continue;
		out->slots++;
		uint64_t bytes = module_bytes(&s);
		if (!bytes || out->n_modules == DMI_MODULES)
			continue;
		unsigned width = word(&s, 0x0a);
		const char *locator = text_at(a, &s, 0x10), *bank = text_at(a, &s, 0x11);
		if (!locator || !bank)
			break;
		out->module[out->n_modules++] = (struct dmi_module){ bytes, module_speed(&s), (uint16_t)(width == 0xffff ? 0 : width),
			(uint16_t)u16(s.p + 4), memory_type(s.p[0x12]), locator, bank };
	}
}

size_t dmi_public(void *out, const void *table, size_t n)
{
	static const struct { uint8_t type, at; } secret[] = {   /* numbers of strings: serial number, asset tag */
		{ TYPE_PROCESSOR, 0x20 }, { TYPE_PROCESSOR, 0x21 }, { TYPE_MODULE, 0x18 }, { TYPE_MODULE, 0x19 },
	};
	const uint8_t *p = table;
	uint8_t *to = out;
	size_t used = 0, len;
	struct item s;

	for (; !next(&s, p, n); p += s.n, n -= s.n) {
		if (s.type != TYPE_PROCESSOR && s.type != TYPE_ARRAY && s.type != TYPE_MODULE && s.type != TYPE_END)
			continue;
		memcpy(to + used, s.p, s.n);
		for (unsigned i = 0; i < sizeof secret / sizeof *secret; i++) {
			const uint8_t *text = s.type == secret[i].type ? string_at(&len, &s, secret[i].at) : NULL;
			if (text)
				memset(to + used + (text - s.p), '0', len);
		}
		used += s.n;
	}
	return used;
}

/* --- channels by name ------------------------------------------------------------------------------------------------------ */

static const char *find_word(const char *text, const char *what, size_t n)
{
	size_t k = strlen(what);

	for (size_t i = 0; i + k <= n; i++) {
		size_t j = 0;
		while (j < k && tolower((unsigned char)text[i + j]) == what[j])
			j++;
		if (j == k)
			return text + i;
	}
	return NULL;
}

/* Length of the beginning of `text` that ends with a channel's number or letter ("P0 CHANNEL A" of "P0 CHANNEL A DIMM 1"); 0: none.
 * What stands before may tell processor and controller, but not the slot. */
static size_t channel_name(const char *text)
{
	const char *p = find_word(text, "channel", strlen(text));
	size_t before = p ? (size_t)(p - text) : 0;

	if (!p || find_word(text, "dimm", before) || find_word(text, "slot", before))
		return 0;
	p += 7;
	p += strspn(p, " _-");
	if (isdigit((unsigned char)*p))
		return (size_t)(p + strspn(p, "0123456789") - text);
	/* up to P: "Channels" names none */
	if (strchr("ABCDEFGHIJKLMNOP", toupper((unsigned char)*p)) && *p && !isalnum((unsigned char)p[1]))
		return (size_t)(p + 1 - text);
	return 0;
}

static const char *channel_of(size_t *n, const struct dmi_module *m)
{
	if (m->bank && (*n = channel_name(m->bank)))
		return m->bank;
	return m->locator && (*n = channel_name(m->locator)) ? m->locator : NULL;
}

uint32_t dmi_channels(const struct dmi *d)
{
	uint32_t channels = 0;

	for (uint32_t i = 0; i < d->n_modules; i++) {
		const struct dmi_module *m = &d->module[i];
		size_t n, k;
		int again = 0;
		const char *mine = channel_of(&n, m), *other;
		if (!mine)
			return 0;
		for (uint32_t j = 0; j < i; j++) {
			const struct dmi_module *o = &d->module[j];
			if (o->array != m->array)
				continue;
			if (!strcmp(o->locator, m->locator) && !strcmp(o->bank, m->bank))
				return 0;        /* two modules in one place: the processor's number is missing from the names */
			other = channel_of(&k, o);
			again |= other && k == n && !memcmp(other, mine, n);
		}
		channels += !again;
	}
	return channels;
}
