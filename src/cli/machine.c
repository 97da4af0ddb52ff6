/* machine.c - probing, and recording, on behalf of the commands */
#include "cli/machine.h"

#include "base/file.h"
#include "base/str.h"
#include "cli/measure_text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int machine_is_recording(const char *word)
{
	char path[4096];

	/* a folder that happens to be called like a card is none; one that is named by its path is meant to be one */
	return snprintf(path, sizeof path, "%s/machine.yaml", word) < (int)sizeof path && path_is_dir(word) && (path_exists(path) || strchr(word, '/'));
}

/* A card whose driver does not say how much memory it has (Intel's) has what the catalogue says, where its id leads to one entry. 1: some had. */
static int sizes_from_catalogue(struct machine *m, struct arena *a, struct catalog *c)
{
	int some = 0;

	for (uint32_t i = 0; i < m->found.n_gpus; i++) {
		struct probed_gpu *g = &m->found.gpu[i];
		const struct hardware_entry *e;
		if (g->total || g->unified || g->state != GPU_OK || !m->match[i].id || catalog_device(&e, c, m->match[i].id, NULL) != OK || e->n_variants ||
		    !e->spec || !e->spec->n_groups || !e->spec->pools[e->spec->groups[0].pool].total_bytes)
			continue;
		g->total = e->spec->pools[e->spec->groups[0].pool].total_bytes;
		g->memory_from = PROBE_CATALOGUE;
		g->free_unknown = 1;
		if (!g->name)
			g->name = e->name;
		probe_note(&m->found, &(struct probe_input){ .a = a }, "%s: its driver does not say how much memory it has: what the catalogue says is taken, all of it free", g->name);
		some = 1;
	}
	return some;
}

int machine_probe(struct machine **out, struct arena *a, struct catalog *c, const char *replay, const char *record, int thorough,
	struct error *err)
{
	struct machine *m = arena_alloc(a, sizeof *m);
	struct timespec start, end;
	int written = 0, rc;
	struct probe_input in = { .a = a, .replay = replay, .record = record, .record_error = &written, .thorough = thorough != 0 };

	*out = m;
	if (!m)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = probe_machine(&m->found, &in, err)) != OK)
		return rc;
	if (written)
		return error_set(err, E_FILE, "%s: %s", record, strerror(written));
	clock_gettime(CLOCK_MONOTONIC, &start);
	rc = probe_spec(&m->spec, m->match, a, c, &m->found, &m->lost);
	if (rc == OK && sizes_from_catalogue(m, a, c))
		rc = probe_spec(&m->spec, m->match, a, c, &m->found, &m->lost);
	for (uint32_t i = 0; i < m->found.n_gpus; i++) {
		const struct hardware_entry *e;
		/* sysfs has numbers for names */
		if (!m->found.gpu[i].name && m->match[i].id && catalog_device(&e, c, m->match[i].id, NULL) == OK)
			m->found.gpu[i].name = e->name;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (!replay)
		m->found.seconds[PROBE_CATALOGUE] = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
	if (rc == OK || (rc == E_NODEV && m->spec.n_groups))
		return OK;
	if (err)
		*err = m->lost;
	return rc;
}

static int warn(struct machine *m, struct arena *a, const char *text, struct error *err)
{
	const char **w = arena_array(a, m->spec.n_warnings + 1u, sizeof *w);

	if (!w || !text)
		return error_set(err, E_NOMEM, "out of memory");
	if (m->spec.n_warnings)
		memcpy(w, m->spec.warnings, m->spec.n_warnings * sizeof *w);
	w[m->spec.n_warnings++] = text;
	m->spec.warnings = w;
	return OK;
}

int machine_calibrate(struct machine *m, struct arena *a, struct error *err)
{
	struct calibration_used used;
	struct error e = { 0 };
	int rc;

	if (m->found.recording)
		return OK;
	rc = calibration_apply(&m->spec, a, &m->found, &used, &e);
	if (rc == E_NOMEM) {
		if (err)
			*err = e;
		return rc;
	}
	if (rc != OK)
		return warn(m, a, arena_printf(a, "what was measured here is not used: %s", e.text), err);
	m->calibration = calibration_sentence(a, &used);
	m->read_threads = used.read_threads;
	return m->calibration && !used.used ? warn(m, a, m->calibration, err) : OK;
}

const char *isa_text(char *buf, size_t n, uint64_t isa)
{
	/* implied: by one of these others, so that it goes without saying */
#define I(x) (UINT64_C(1) << ISA_##x)
	static const struct { uint64_t bit, implied; const char *name; } words[] = {
		{ I(SSE42), I(AVX) | I(AVX2), "SSE4.2" }, { I(AVX), I(AVX2), "AVX" }, { I(F16C), I(AVX2), "F16C" }, { I(AVX2), 0, "AVX2" },
		{ I(FMA), 0, "FMA" }, { I(AVX_VNNI), 0, "AVX-VNNI" }, { I(AVX512F), 0, "AVX-512" }, { I(AVX512_VNNI), 0, "AVX-512 VNNI" },
		{ I(AVX512_BF16), 0, "AVX-512 BF16" }, { I(AVX512_FP16), 0, "AVX-512 FP16" }, { I(AMX_INT8), 0, "AMX INT8" },
		{ I(AMX_BF16), 0, "AMX BF16" }, { I(NEON), 0, "NEON" }, { I(FP16), 0, "FP16" }, { I(DOTPROD), 0, "dotprod" }, { I(BF16), 0, "BF16" },
		{ I(I8MM), 0, "i8mm" }, { I(SVE), I(SVE2), "SVE" }, { I(SVE2), 0, "SVE2" }, { I(SME), 0, "SME" },
	};
#undef I
	size_t at = 0;

	if (n)
		buf[0] = '\0';
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if ((isa & words[i].bit) && !(isa & words[i].implied) && at < n)
			at += (size_t)snprintf(buf + at, n - at, "%s%s", at ? ", " : "", words[i].name);
	return buf;
}

/* --- recording ----------------------------------------------------------------------------------------------------------- */

/* 0: free to be used, 1: something is in it, -1: cannot be looked at. */
static int folder_in_use(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	if (!d)
		return errno == ENOENT ? 0 : -1;
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n > 0;
}

/* UUIDs met so far. */
struct uuids { char seen[512][36]; unsigned n; };

static int is_hex(char c) { return c && strchr("0123456789abcdefABCDEF", c) != NULL; }

/* xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, and no more digits behind it */
static int is_uuid(const char *p)
{
	static const unsigned groups[] = { 8, 4, 4, 4, 12 };

	for (unsigned g = 0; g < 5; g++) {
		for (unsigned k = 0; k < groups[g]; k++)
			if (!is_hex(*p++))
				return 0;
		if (g < 4 && *p++ != '-')
			return 0;
	}
	return !is_hex(*p);
}

/* Which card it was is nobody's business. The same one gets the same number in all files, so that what was equal stays equal. */
static void neutral_uuids(struct uuids *u, char *text)
{
	for (char *p = text; *p; p++) {
		char neutral[37];
		unsigned k = 0;
		if ((p > text && is_hex(p[-1])) || !is_uuid(p))
			continue;
		while (k < u->n && memcmp(u->seen[k], p, sizeof u->seen[k]))
			k++;
		if (k == u->n && k < sizeof u->seen / sizeof *u->seen)
			memcpy(u->seen[u->n++], p, sizeof u->seen[k]);
		snprintf(neutral, sizeof neutral, "00000000-0000-0000-0000-%012u", k + 1);
		memcpy(p, neutral, sizeof neutral - 1);
		p += sizeof neutral - 2;
	}
}

static int write_text(const char *path, const char *text, struct error *err)
{
	FILE *f = fopen(path, "w");
	int failed = !f || fputs(text, f) < 0;

	if (f && fclose(f))
		failed = 1;
	return failed ? error_set(err, E_FILE, "%s: %s", path, strerror(errno)) : OK;
}

static int clean_log(struct uuids *u, struct arena *a, const char *folder, const char *name, struct error *err)
{
	const char *path = arena_printf(a, "%s/%s", folder, name);
	char *text;
	size_t n;
	int rc;

	if (!path)
		return error_set(err, E_NOMEM, "out of memory");
	if (!path_exists(path))
		return OK;
	if ((rc = file_read(&text, &n, a, path, 64u << 20, err)) != OK)
		return rc;
	neutral_uuids(u, text);
	return write_text(path, text, err);
}

/* A YAML string in quotes. */
static const char *quoted(struct arena *a, const char *s)
{
	char *out = arena_alloc(a, 2 * strlen(s) + 3), *p = out;

	if (!out)
		return NULL;
	*p++ = '"';
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			*p++ = '\\';
		*p++ = (unsigned char)*s < ' ' ? ' ' : *s;
	}
	*p++ = '"';
	return out;
}

int machine_record(struct arena *a, struct catalog *c, const char *folder, int quiet, struct error *err)
{
	static const char *const logs[] = { "nvml.log", "cuda.log", "hwloc.xml", "sysctl.txt", "metal.txt" };
	const char *name, *os, *text, *path;
	struct uuids *u = arena_alloc(a, sizeof *u);
	struct machine *m;
	int rc, in_use = folder_in_use(folder);

	if (!u)
		return error_set(err, E_NOMEM, "out of memory");
	if (in_use > 0)
		return error_set(err, E_USAGE, "--record %s: something is in it already; name an empty folder, or one that is not there", folder);
	if (in_use < 0 || (mkdir(folder, 0755) && errno != EEXIST))
		return error_set(err, E_FILE, "--record %s: %s", folder, strerror(errno));
	if ((rc = machine_probe(&m, a, c, NULL, folder, 1, err)) != OK)
		return rc;
	for (unsigned i = 0; i < sizeof logs / sizeof *logs; i++)
		if ((rc = clean_log(u, a, folder, logs[i], err)) != OK)
			return rc;
	name = quoted(a, str_prefix(m->spec.name, "this machine: ") ? m->spec.name + strlen("this machine: ") : m->spec.name);
	os = quoted(a, m->found.os ? m->found.os : "unknown");
	path = arena_printf(a, "%s/machine.yaml", folder);
	text = name && os ? arena_printf(a, "schema: 1\nname: %s\nsource: recorded by ullage %s\nby_hand: none\nos: %s\n", name, ULLAGE_VERSION, os) : NULL;
	if (!text || !path)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = write_text(path, text, err)) != OK)
		return rc;
	printf("recorded %s\n", m->spec.name);
	if (!quiet)
		printf("\n%s/ now holds\n"
		       "  machine.yaml     what it is: give it a name\n"
		       "  root/            what was read of /proc and /sys\n"
		       "  *.log, *.xml     what the drivers and the topology said, where there are any\n\n"
		       "GPU UUIDs were replaced by neutral ones, serial numbers are left out. Names of\n"
		       "processes, control groups and the machine may still be in it: look through it\n"
		       "before you publish it.\n\n"
		       "Next: ullage hardware show %s\n", folder, folder);
	return OK;
}
