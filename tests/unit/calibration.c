/* calibration.c - the file of a machine's measurements: kept, added to by several, cut short, malformed, of other conditions */
#include "live/calibration.h"

#include "base/file.h"
#include "base/str.h"
#include "catalog/hardware_name.h"
#include "cli/measure_text.h"

#include "../tap.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct arena arena;
static struct error e;

static struct hardware_spec machine(void)
{
	struct hardware_spec h = { .id = "this-machine", .name = "test", .n_pools = 2, .n_groups = 2 };
	struct device_spec *d = arena_array(&arena, 2, sizeof *d);

	h.pools = arena_array(&arena, 2, sizeof *h.pools);
	h.groups = arena_array(&arena, 2, sizeof *h.groups);
	d[0] = (struct device_spec){ .id = "cpu", .name = "CPU", .kind = DEVICE_CPU, .flops = { [MATH_F32] = { 1e9, BASIS_SPEC, 0 } } };
	d[1] = (struct device_spec){ .id = "gpu", .name = "GPU", .kind = DEVICE_GPU, .flops = { [MATH_F32] = { 2e12, BASIS_SPEC, 0 } } };
	h.pools[0] = (struct pool){ .name = "host", .kind = POOL_HOST, .total_bytes = 1u << 30, .read_bps = { 1e9, BASIS_SPEC, 0 } };
	h.pools[1] = (struct pool){ .name = "vram", .kind = POOL_VRAM, .total_bytes = 1u << 30, .read_bps = { 1e12, BASIS_SPEC, 0 } };
	h.groups[0] = (struct group){ &d[0], 0, 1, 1 };
	h.groups[1] = (struct group){ &d[1], 1, 1, 1 };
	return h;
}
static struct probed probed(void)
{
	struct probed p = { .cpu = { .name = "Test CPU", .threads_allowed = 4, .channels = 2, .mts = 5600 } };

	return p;
}
static struct measured_row row(enum measured_kind kind, const char *detail, unsigned threads, double value)
{
	struct measured_row r = { .kind = (uint8_t)kind, .bytes = kind == MEASURED_STREAM ? 268435456 : 0, .threads = threads, .repeats = 7,
		.value = value, .min = value * 0.9, .max = value * 1.1 };

	snprintf(r.detail, sizeof r.detail, "%s", detail);
	return r;
}
static struct measured measured(const char *date, double read)
{
	struct measured m = { .n_rows = 0 };

	snprintf(m.date, sizeof m.date, "%s", date);
	m.row[m.n_rows++] = row(MEASURED_STREAM, "l1/avx2", 4, 9e12);
	m.row[m.n_rows++] = row(MEASURED_STREAM, "memory/avx2", 1, read / 2);
	m.row[m.n_rows++] = row(MEASURED_STREAM, "memory/avx2", 2, read);
	m.row[m.n_rows++] = row(MEASURED_STREAM, "memory/avx2", 4, read * 0.95);
	m.row[m.n_rows++] = row(MEASURED_MATVEC, "q8/avx2", 2, read * 0.9);
	m.row[m.n_rows++] = row(MEASURED_MATRIX, "f32/avx2", 4, 5e11);
	m.row[m.n_rows++] = row(MEASURED_MATRIX, "int8/avx2", 4, 2e12);
	m.row[m.n_rows++] = row(MEASURED_LAUNCH, "pool", 4, 1.5e-6);
	return m;
}
static const char *text_of(const char *file)
{
	char *s;
	size_t n;

	return file_read(&s, &n, &arena, file, 1 << 24, &e) == OK ? s : "";
}
static void write_text(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}
static unsigned count(const char *s, const char *what)
{
	unsigned n = 0;

	while ((s = strstr(s, what)))
		n++, s += strlen(what);
	return n;
}
static int is(struct known k, double v) { return k.basis == BASIS_MEASURED && fabs(k.v - v) <= 1e-8 * v; }

static void kept(void)
{
	struct hardware_spec h = machine();
	struct probed p = probed();
	struct measured m = measured("2026-07-27T09:30:00Z", 4e10);
	struct calibration_used u;
	const char *file, *none;

	ok(calibration_apply(&h, &arena, &p, &u, &e) == OK && !u.file && h.pools[0].read_bps.v == 1e9 && !calibration_sentence(&arena, &u),
		"nothing was measured: nothing happens");
	int rc = calibration_append(&file, &arena, &h, &p, &m, &e);
	ok(rc == OK, "kept in %s", file);
	ok(str_suffix(file, "/measured.csv") && strstr(file, "/ullage/machines/") && str_prefix(text_of(file), calibration_header), "with its header");
	rc = calibration_apply(&h, &arena, &p, &u, &e);
	ok(rc == OK && u.rows == 8 && u.used == 8 && !u.other && !u.cut && !strcmp(u.newest, m.date), "read back: %s", e.text);
	ok(is(h.pools[0].read_bps, 4e10) && u.read_threads == 2 && fabs(u.read_low - 3.6e10) < 1 && fabs(u.read_high - 4.4e10) < 1,
		"memory at its best number of threads: %g with %u", h.pools[0].read_bps.v, u.read_threads);
	const struct device_spec *cpu = h.groups[0].device;
	ok(is(cpu->flops[MATH_F32], 5e11) && is(cpu->flops[MATH_INT8], 2e12) && !is_known(cpu->flops[MATH_BF16]) && is(cpu->launch_s, 1.5e-6),
		"the processor's rates; what was not measured stays unknown");
	ok(h.pools[1].read_bps.v == 1e12 && h.groups[1].device->flops[MATH_F32].v == 2e12, "the card's stay");
	ok(strstr(calibration_sentence(&arena, &u), "measured here on 2026-07-27"), "%s", calibration_sentence(&arena, &u));
	/* another machine has another file */
	h.pools[0].total_bytes++;
	ok(strcmp(file, calibration_file(&arena, &h, &p)) != 0, "more memory: another machine");
	h.pools[0].total_bytes--;
	is_str(calibration_file(&arena, &h, &p), file, "the figures themselves do not change its name");
	p.cpu.name = "Another CPU";
	ok(strcmp(file, calibration_file(&arena, &h, &p)) != 0, "another processor: another machine");
	/* a pool that a GPU reads too says nothing of the GPU */
	p = probed();
	h = machine();
	h.groups[1].pool = 0;
	file = NULL;
	ok(calibration_append(&none, &arena, &h, &p, &m, &e) == OK && calibration_apply(&h, &arena, &p, &u, &e) == OK && u.used == 8 &&
		h.pools[0].read_bps.v == 1e9 && is(h.groups[0].device->flops[MATH_F32], 5e11), "a unified pool keeps its bandwidth");
}

static void newest(void)
{
	static const double read[] = { 9e10, 9e10, 1e10, 3e10, 2e10, 5e10, 4e10 };
	struct hardware_spec h = machine();
	struct probed p = probed();
	struct calibration_used u;

	p.cpu.name = "newest";
	for (unsigned i = 0; i < 7; i++) {
		char date[24];
		snprintf(date, sizeof date, "2026-07-%02uT09:30:00Z", 10 + (i * 3) % 7);       /* not in the order of time */
		struct measured m = measured(date, read[(i * 3) % 7]);
		if (calibration_append(NULL, &arena, &h, &p, &m, &e) != OK)
			ok(0, "%s", e.text);
	}
	ok(calibration_apply(&h, &arena, &p, &u, &e) == OK && u.rows == 56 && u.used == 40 && !strcmp(u.newest, "2026-07-16T09:30:00Z"),
		"of seven measurements the newest five");
	ok(is(u.read_bps, 3e10), "and their median: %g", u.read_bps.v);
	/* memory alone, more often than the rest */
	for (unsigned i = 0; i < 6; i++) {
		struct measured m = { .n_rows = 1, .row = { row(MEASURED_STREAM, "memory/avx2", 2, 7e10) } };
		snprintf(m.date, sizeof m.date, "2026-08-%02uT09:30:00Z", 10 + i);
		if (calibration_append(NULL, &arena, &h, &p, &m, &e) != OK)
			ok(0, "%s", e.text);
	}
	h = machine();
	ok(calibration_apply(&h, &arena, &p, &u, &e) == OK && is(u.read_bps, 7e10) && is(h.groups[0].device->flops[MATH_F32], 5e11) && is(h.groups[0].device->launch_s, 1.5e-6),
		"memory measured anew does not push out matrix rates");
}

static const char *why_not(const struct conditions *c, const char *text)
{
	struct calibration_used u;

	if (calibration_parse(&u, &arena, "x.csv", text, strlen(text), c, &e) != OK)
		return e.text;
	return u.used ? "used" : u.why ? u.why : "";
}

static void conditions(void)
{
	const char *row_text = arena_printf(&arena, "%s\n2026-07-27T09:30:00Z,cpu,stream_read,memory/avx2,1000,2,4e10,bytes_per_s,3e10,5e10,7,0.1.0,4,2,"
		"performance,3500,8,4800,,,yes\n", calibration_header);
	struct conditions same = { 4, 3500, 8, 4800, 2, "performance" }, c = same;

	is_str(why_not(&c, row_text), "used", "the same conditions");
	c = (struct conditions){ .cpu_limit = -1 };
	is_str(why_not(&c, row_text), "used", "unknown conditions");
	c = same;
	c.threads_allowed = 2;
	is_str(why_not(&c, row_text), "measured with 4 threads allowed, now 2", "threads");
	c = same;
	c.cpu_limit = 0;
	ok(strstr(why_not(&c, row_text), "limit of 2 processors"), "%s", why_not(&c, row_text));
	c = same;
	c.mhz_max = 3000;
	ok(strstr(why_not(&c, row_text), "clock of 3500 MHz"), "%s", why_not(&c, row_text));
	c = same;
	c.channels = 4;
	ok(strstr(why_not(&c, row_text), "channels"), "%s", why_not(&c, row_text));
	c = same;
	c.mts = 5600;
	ok(strstr(why_not(&c, row_text), "transfers"), "%s", why_not(&c, row_text));
	c = same;
	strcpy(c.governor, "powersave");
	is_str(why_not(&c, row_text), "measured with the frequency governor performance, now powersave", "governor");

	struct hardware_spec h = machine();
	struct probed p = probed();
	struct measured m = measured("2026-07-27T09:30:00Z", 4e10);
	struct calibration_used u;
	p.cpu.name = "conditions";
	ok(calibration_append(NULL, &arena, &h, &p, &m, &e) == OK, "measured with four threads");
	p.cpu.threads_allowed = 2;
	int rc = calibration_apply(&h, &arena, &p, &u, &e);
	ok(rc == OK && !u.used && u.other == 8 && h.pools[0].read_bps.v == 1e9 && u.why, "not used with two: %s",
		calibration_sentence(&arena, &u));
	m = measured("2026-07-28T09:30:00Z", 2e10);
	rc = calibration_append(NULL, &arena, &h, &p, &m, &e) == OK ? calibration_apply(&h, &arena, &p, &u, &e) : -1;
	ok(rc == OK && u.used == 8 && u.other == 8 && is(h.pools[0].read_bps, 2e10), "measured again with two: %s", calibration_sentence(&arena, &u));

	char folder[] = "/tmp/ullage-cpufreq-XXXXXX";
	if (mkdtemp(folder)) {
		write_text(arena_printf(&arena, "%s/scaling_governor", folder), "schedutil, \"x\"\n");
		write_text(arena_printf(&arena, "%s/scaling_max_freq", folder), "4200000\n");
		conditions_now(&c, &p, folder);
		ok(c.mhz_max == 4200 && !strcmp(c.governor, "schedutil___x_") && c.threads_allowed == 2 && c.channels == 2 && c.mts == 5600, "read from the system: %s",
			c.governor);
		conditions_now(&c, &p, "/nonexistent");
		ok(!c.mhz_max && !*c.governor, "not there: unknown");
		ok(system(arena_printf(&arena, "rm -r %s", folder)) == 0, "cleaned up");
	}
}

/* A crash may end the file anywhere: nothing before the cut is lost, and what is added afterwards is read. */
static void cut_short(void)
{
	struct hardware_spec h = machine();
	struct probed p = probed();
	struct measured m = measured("2026-07-27T09:30:00Z", 4e10), later = measured("2026-07-28T09:30:00Z", 2e10);
	struct calibration_used u;
	const char *file, *text;
	unsigned wrong = 0, lines = 0;

	p.cpu.name = "cut";
	if (!ok(calibration_append(&file, &arena, &h, &p, &m, &e) == OK, "a whole file"))
		return;
	text = text_of(file);
	for (size_t n = 0; n < strlen(text); n++) {
		write_text(file, arena_strndup(&arena, text, n));
		h = machine();
		if (calibration_apply(&h, &arena, &p, &u, &e) != OK) {
			printf("# cut at %zu: %s\n", n, e.text);
			wrong++;
			continue;
		}
		const unsigned whole_rows = u.rows, ends = n && text[n - 1] == '\n';
		/* a row whose newline alone is missing is whole */
		wrong += u.cut > 1 || (ends && n > strlen(calibration_header) && u.cut) || whole_rows > 8;
		if (calibration_append(NULL, &arena, &h, &p, &later, &e) != OK || calibration_apply(&h, &arena, &p, &u, &e) != OK || u.rows != whole_rows + 8 ||
			count(text_of(file), "date,device") != 1) {
			printf("# cut at %zu, then added to: %s\n", n, e.text);
			wrong++;
		}
		lines++;
		e.text[0] = '\0';
	}
	ok(wrong == 0 && lines == strlen(text), "cut at each of its %zu bytes, read, added to, read again", strlen(text));
	write_text(file, arena_strndup(&arena, text, strlen(text) - 20));
	h = machine();
	int rc = calibration_apply(&h, &arena, &p, &u, &e);
	ok(rc == OK && u.cut == 1 && strstr(calibration_sentence(&arena, &u), "cut short"), "and it is said: %s",
		calibration_sentence(&arena, &u));
}

static void malformed(void)
{
	/* one cell of a good row replaced */
	static const struct { unsigned column; const char *text; } bad[] = {
		{ 0, "yesterday" }, { 0, "" }, { 0, "2026-07-27T09:30:00+01" }, { 1, "" }, { 2, "" }, { 3, "" }, { 4, "x" }, { 5, "0" }, { 5, "" }, { 5, "-1" },
		{ 5, "99999999999" }, { 6, "0" }, { 6, "-4e10" }, { 6, "nan" }, { 6, "inf" }, { 6, "" }, { 7, "GB/s" }, { 8, "5e10" }, { 9, "3e10" }, { 10, "0" },
		{ 12, "four" }, { 13, "-2" }, { 15, "x" }, { 20, "no" } };
	static const char *const good[] = { "2026-07-27T09:30:00Z", "cpu", "stream_read", "memory/avx2", "1000", "2", "4e10", "bytes_per_s", "3.9e10", "4.1e10",
		"7", "0.1.0", "4", "0", "performance", "3500", "8", "4800", "", "", "yes" };
	struct conditions c = { .threads_allowed = 4, .mhz_max = 3500, .channels = 8, .mts = 4800, .cpu_limit = 0 };
	struct calibration_used u;

	for (int i = -1; i < (int)(sizeof bad / sizeof *bad); i++) {
		const char *text = arena_printf(&arena, "%s\n\n", calibration_header);
		for (unsigned k = 0; k < 21; k++)
			text = arena_printf(&arena, "%s%s%s", text, i >= 0 && bad[i].column == k ? bad[i].text : good[k], k < 20 ? "," : "\n");
		int rc = calibration_parse(&u, &arena, "m.csv", text, strlen(text), &c, &e);
		if (i < 0)
			ok(rc == OK && u.used == 1 && is(u.read_bps, 4e10), "a good row: %s", rc ? e.text : "");
		else
			ok(rc == E_FILE && strstr(e.text, "m.csv:3: "), "%s", e.text);
	}
	const char *later = arena_printf(&arena, "%s\n2026-07-27T09:30:00Z,gpu0,copy,host,1,1,1,furlongs,1,1,1,9.9,,,,,,,,,yes\n", calibration_header);
	ok(calibration_parse(&u, &arena, "m.csv", later, strlen(later), &c, &e) == OK && u.rows == 1 && !u.used, "kinds and devices of a later version are passed over");
	ok(calibration_parse(&u, &arena, "m.csv", "a,b\n1,2\n", 8, &c, &e) == E_FILE && strstr(e.text, "m.csv:1"), "another file: %s", e.text);
	ok(calibration_parse(&u, &arena, "m.csv", "", 0, &c, &e) == OK && !u.cut && !u.used, "an empty file");

	struct hardware_spec h = machine();
	struct probed p = probed();
	struct measured m = measured("2026-07-27T09:30:00Z", 4e10);
	const char *file;
	p.cpu.name = "malformed";
	ok(calibration_append(&file, &arena, &h, &p, &m, &e) == OK, "a file");
	write_text(file, "name,value\nx,1\n");
	ok(calibration_append(NULL, &arena, &h, &p, &m, &e) == E_FILE && !strcmp(text_of(file), "name,value\nx,1\n"), "a stranger's file is left alone: %s", e.text);
	ok(calibration_apply(&h, &arena, &p, &u, &e) == E_FILE && strstr(e.text, file) && h.pools[0].read_bps.v == 1e9 &&
		h.groups[0].device->flops[MATH_F32].v == 1e9, "and is an error of an estimate: %s", e.text);
}

static void several(void)
{
	enum { CHILDREN = 6, TIMES = 25 };
	struct hardware_spec h = machine();
	struct probed p = probed();
	struct measured m = measured("2026-07-27T09:30:00Z", 4e10);
	struct calibration_used u;
	unsigned failed = 0;
	int status;

	p.cpu.name = "several";
	fflush(stdout);
	for (unsigned c = 0; c < CHILDREN; c++)
		if (fork() == 0) {
			for (unsigned i = 0; i < TIMES; i++)
				if (calibration_append(NULL, &arena, &h, &p, &m, &e) != OK)
					_exit(1);
			_exit(0);
		}
	while (wait(&status) > 0)
		failed += !WIFEXITED(status) || WEXITSTATUS(status);
	const char *text = text_of(calibration_file(&arena, &h, &p));
	ok(!failed && calibration_apply(&h, &arena, &p, &u, &e) == OK && u.rows == CHILDREN * TIMES * 8 && !u.cut && count(text, "date,device") == 1,
		"%d processes at once: every row is there, one header (%u rows) %s", CHILDREN, u.rows, e.text);
}

/* Broken off while it measures: there is no file, not even a folder. */
static void interrupted(const char *data)
{
	struct timespec pause = { 0, 150000000 };
	struct hardware_spec h = machine();
	struct probed p = probed();
	int status = 0;

	p.cpu.name = "interrupted";
	p.memory.available = p.memory.total = UINT64_C(8) << 30;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		static struct measured m;
		struct measure_options o = { .runs = 60, .run_s = 0.2, .memory_bytes = 1 << 24 };
		signal(SIGINT, SIG_DFL);
		if (measure_machine(&m, &p, &o, &e) == OK && calibration_append(NULL, &arena, &h, &p, &m, &e) == OK)
			_exit(0);
		_exit(1);
	}
	nanosleep(&pause, NULL);
	kill(child, SIGINT);
	ok(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT && !path_exists(calibration_file(&arena, &h, &p)) &&
		path_is_dir(data), "interrupted: nothing was written");
}

static void no_home(const char *data)
{
	struct hardware_spec h = machine();
	struct probed p = probed();
	struct measured m = measured("2026-07-27T09:30:00Z", 4e10);
	struct calibration_used u;
	const char *file;

	unsetenv("XDG_DATA_HOME");
	unsetenv("HOME");
	ok(calibration_append(&file, &arena, &h, &p, &m, &e) == E_IO && !file && strstr(e.hint, "XDG_DATA_HOME"), "no home: %s", e.text);
	ok(calibration_apply(&h, &arena, &p, &u, &e) == OK && !u.file, "an estimate does not mind");
	setenv("XDG_DATA_HOME", "relative/path", 1);
	ok(!calibration_file(&arena, &h, &p), "a relative XDG_DATA_HOME counts for nothing");
	setenv("HOME", data, 1);
	ok(str_prefix(calibration_file(&arena, &h, &p), arena_printf(&arena, "%s/.local/share/ullage/machines/", data)), "HOME without it");
	setenv("XDG_DATA_HOME", "/dev/null/x", 1);
	ok(calibration_append(&file, &arena, &h, &p, &m, &e) == E_IO && strstr(e.text, "/dev/null"), "a folder that cannot be: %s", e.text);
	ok(calibration_apply(&h, &arena, &p, &u, &e) == OK && !u.file, "an estimate does not mind that either");
	setenv("XDG_DATA_HOME", data, 1);
	if (geteuid()) {
		p.cpu.name = "unreadable";
		ok(calibration_append(&file, &arena, &h, &p, &m, &e) == OK && !chmod(file, 0), "a file that may not be read");
		int rc = calibration_apply(&h, &arena, &p, &u, &e);
		ok(rc == OK && u.why && !u.used, "is said, and no more: %s", u.why);
		ok(!chmod(file, 0400) && calibration_append(&file, &arena, &h, &p, &m, &e) == E_IO, "one that may not be written: %s", e.text);
	} else {
		skip("the superuser may read and write all", "files that may not be read or written");
	}
}

static void full_disk(void)
{
	struct hardware_spec h = machine();
	struct probed p = probed();
	struct measured m = measured("2026-07-27T09:30:00Z", 4e10);
	struct calibration_used u;
	const char *file, *before;

	p.cpu.name = "full";
	ok(calibration_append(&file, &arena, &h, &p, &m, &e) == OK, "room at first");
	before = text_of(file);
	fflush(stdout);
	/* the system lets the file grow by 100 bytes and no more */
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		struct rlimit most = { strlen(before) + 100, strlen(before) + 100 };
		signal(SIGXFSZ, SIG_IGN);
		_exit(setrlimit(RLIMIT_FSIZE, &most) || calibration_append(NULL, &arena, &h, &p, &m, &e) != E_IO);
	}
	waitpid(child, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a disk that is full after 100 bytes is an error");
	is_str(text_of(file), before, "and nothing of it stays");
	ok(calibration_apply(&h, &arena, &p, &u, &e) == OK && u.rows == 8, "what was there is read");
}

static void no_memory(void)
{
	struct hardware_spec h = machine();
	struct probed p = probed();
	struct calibration_used u;
	struct arena a = { 0 };
	int rc = E_NOMEM, i;

	p.cpu.name = "several";
	for (i = 0; rc == E_NOMEM && i < 40; i++) {
		arena_fail_after(i);
		rc = calibration_apply(&h, &a, &p, &u, &e);
		arena_fail_after(-1);
		arena_free(&a);
	}
	ok(rc == OK && i > 2, "out of memory %d times, then read", i - 1);
}

/* What the engine reached: apart from what the machine does, so that many runs of a model do not crowd that out. */
static void engine_runs(void)
{
	static const double rate[] = { 50, 55, 45, 60, 52, 90, 10 };     /* by date; the newest five: 45, 60, 52, 90, 10 */
	struct hardware_spec h = machine();
	struct probed p = probed();
	struct calibration_used u;
	struct measured m = measured("2026-07-01T09:30:00Z", 4e10);

	p.cpu.name = "runs";
	ok(calibration_append(NULL, &arena, &h, &p, &m, &e) == OK, "the machine is measured");
	for (unsigned i = 0; i < 7; i++) {
		struct measured run = { .n_rows = 2 };
		snprintf(run.date, sizeof run.date, "2026-08-%02uT09:30:00Z", 1 + i);
		run.row[0] = (struct measured_row){ .kind = MEASURED_DECODE, .bytes = 1000000, .threads = 4, .repeats = 5, .value = rate[i], .min = rate[i] * 0.99, .max = rate[i] * 1.01 };
		run.row[1] = run.row[0];
		run.row[1].threads = 2;          /* fewer than an estimate assumes */
		run.row[1].value = run.row[1].min = run.row[1].max = 1;
		strcpy(run.row[0].detail, "q4_k/d64/np1/of50/some-model");
		strcpy(run.row[1].detail, "q4_k/d64/np1/of50/some-model");
		if (calibration_append(NULL, &arena, &h, &p, &run, &e) != OK)
			ok(0, "%s", e.text);
	}
	int rc = calibration_apply(&h, &arena, &p, &u, &e);
	ok(rc == OK && is(h.pools[0].read_bps, 4e10) && !strcmp(u.newest, "2026-08-07T09:30:00Z"), "runs do not push out what the machine does: %s", e.text);
	ok(h.n_runs == 1 && fabs(h.runs[0].factor - 52.0 / 50) < 1e-6 && !strcmp(h.runs[0].format, "q4_k") && h.runs[0].phase == RUN_DECODE && fabs(h.runs[0].spread - 0.02) < 1e-6,
		"one kind of run: the median of the newest five, with all threads");
	struct conditions c;
	conditions_now(&c, &p, NULL);
	const char *bad = arena_printf(&arena, "%s\n2026-08-01T09:30:00Z,cpu,engine_decode,q4_k,1000,4,1,tokens_per_s,1,1,5,x,,,,,,,,,yes\n", calibration_header);
	ok(calibration_parse(&u, &arena, "m.csv", bad, strlen(bad), &c, &e) == E_FILE && strstr(e.text, "m.csv:2") && strstr(e.text, "detail"), "a detail that is none: %s", e.text);
}

int main(void)
{
	char data[] = "/tmp/ullage-data-XXXXXX";

	if (!mkdtemp(data)) {
		ok(0, "no folder for the tests");
		return done_testing();
	}
	setenv("XDG_DATA_HOME", data, 1);
	kept();
	newest();
	conditions();
	cut_short();
	malformed();
	several();
	interrupted(data);
	full_disk();
	no_memory();
	engine_runs();
	no_home(data);
	ok(system(arena_printf(&arena, "rm -r %s", data)) == 0, "cleaned up");
	arena_free(&arena);
	return done_testing();
}
