/* measure.c - the micro-benchmarks: what is measured, that wrong kernels give no figure, which processors and sizes are taken */
#include "live/measure.h"

#include "base/pool.h"
#include "base/units.h"
#include "base/cpu_order.h"
#include "live/measure_run.h"

#include "../tap.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t sum_half(const void *p, size_t n) { return stream_best()->sum(p, n / 2); }
static uint64_t sum_none(const void *p, size_t n) { (void)p; return n; }
static void vector_zero(float *y, const void *w, const void *x, size_t rows, size_t cols)
{
	(void)w, (void)x, (void)cols;
	memset(y, 0, rows * sizeof *y);
}
static void vector_short(float *y, const void *w, const void *x, size_t rows, size_t cols)
{
	(void)cols;
	matvec_best(RATE_F32)->run(y, w, x, rows, 2048);
}
static void tile_short(void *c, size_t ldc, const void *a, const void *b, size_t k) { tile_best(RATE_Q8)->run(c, ldc, a, b, k - tile_best(RATE_Q8)->group); }
static int always(void) { return 1; }

static struct probed here(void)
{
	struct probed p = { .cpu = { .name = "test", .cores = 2, .threads = 2, .threads_allowed = 2,
		.cache = { { 32 * KIB, 2 }, { 512 * KIB, 2 }, { 8 * MIB, 1 } } }, .memory = { .total = 16 * GIB, .available = 8 * GIB } };

	return p;
}

/* What else is running decides whether more is said. */
static const char *note_with(const struct measured *m, const char *words)
{
	for (unsigned i = 0; i < m->n_notes; i++)
		if (strstr(m->note[i], words))
			return m->note[i];
	return NULL;
}

struct seen { unsigned calls, in_order; char first[80], last[80]; };
static void watch(void *user, const char *what, unsigned step, unsigned of)
{
	struct seen *s = user;

	snprintf(s->calls ? s->last : s->first, sizeof s->first, "%s", what);
	s->in_order += step == s->calls && step < of;
	s->calls++;
}

static void whole(void)
{
	static struct measured m;
	struct error e = { 0 };
	struct probed p = here();
	struct seen seen = { 0 };
	struct measure_options o = { .runs = 3, .run_s = 0.001, .memory_bytes = 4 * MIB, .progress = watch, .user = &seen };
	unsigned sane = 0, kinds[MEASURED_KINDS] = { 0 };

	if (!ok(measure_machine(&m, &p, &o, &e) == OK, "this machine, in short: %.2f s %s", m.seconds, e.text))
		return;
	for (unsigned i = 0; i < m.n_rows; i++) {
		const struct measured_row *r = &m.row[i];
		sane += r->value > 0 && r->min > 0 && r->min <= r->value && r->value <= r->max && isfinite(r->max) && r->threads >= 1 && r->repeats == 3 &&
			r->share > 0 && r->share <= 1;
		kinds[r->kind]++;
		printf("# %s %s %llu %u: %g\n", measured_kind_names[r->kind], r->detail, (unsigned long long)r->bytes, r->threads, r->value);
	}
	is_u64(sane, m.n_rows, "each of the %u rows has a median between its slowest and fastest run", m.n_rows);
	ok(kinds[MEASURED_STREAM] >= 4 && kinds[MEASURED_MATVEC] == 3 && kinds[MEASURED_MATRIX] >= 3 && kinds[MEASURED_LAUNCH] == 1,
		"caches and memory, three formats, the start of threads");
	struct measured alone;
	struct measure_options quick = o;
	struct seen once = { 0 };
	quick.memory_only = 1;
	quick.user = &once;
	int rc = measure_machine(&alone, &p, &quick, &e);
	ok(rc == OK && alone.n_rows == 1 && alone.row[0].kind == MEASURED_STREAM && !strncmp(alone.row[0].detail, "memory/", 7) && alone.row[0].value > 0 && once.calls == 1 &&
		once.in_order == 1, "memory alone: one figure, of %u threads", alone.row[0].threads);
	const volatile sig_atomic_t now = 1;
	quick.memory_only = 0;
	quick.stop = &now;
	rc = measure_machine(&alone, &p, &quick, &e);
	ok(rc == OK && alone.n_rows == 0 && once.calls == 1, "stopped: nothing is begun, and there are no rows");
	const struct measured_row *read = measured_best(&m, MEASURED_STREAM, "memory/"), *l1 = measured_best(&m, MEASURED_STREAM, "l1/");
	ok(read && read->bytes <= 4 * MIB && read->bytes > 4 * MIB - 64 * 1024 && l1 && l1->bytes <= 32 * KIB && l1->value > read->value / 4,
		"the sizes are those asked for");
	ok(measured_best(&m, MEASURED_MATRIX, "f32/") && measured_best(&m, MEASURED_MATRIX, "bf16/") && measured_best(&m, MEASURED_MATRIX, "int8/") &&
		!measured_best(&m, MEASURED_MATRIX, "fp4/"), "rates are found by format");
	ok(strlen(m.date) == 20 && m.date[10] == 'T' && m.date[19] == 'Z', "the date: %s", m.date);
	ok(seen.calls == m.n_rows && seen.in_order == seen.calls && !strncmp(seen.first, "stream_read l1/", 15) && !strncmp(seen.last, "launch pool", 11),
		"progress was told %u times, from %s to %s", seen.calls, seen.first, seen.last);
	o = (struct measure_options){ .runs = 1, .run_s = 0.0005, .memory_bytes = 1 * MIB, .threads = 1 };
	ok(measure_machine(&m, &p, &o, &e) == OK && measured_best(&m, MEASURED_LAUNCH, "pool")->threads == 1, "one thread when one is asked for");
	for (unsigned i = sane = 0; i < m.n_rows; i++)
		sane += m.row[i].threads == 1;
	is_u64(sane, m.n_rows, "everywhere");
	p.cpu.cpu_limit = 0.5;
	o.threads = 0;
	ok(measure_machine(&m, &p, &o, &e) == OK && measured_best(&m, MEASURED_LAUNCH, "pool")->threads == 1, "a cgroup's half a processor: one thread");
	p = here();
	p.memory = (struct probed_memory){ .total = 16 * GIB, .available = 16 * MIB };
	o = (struct measure_options){ .runs = 1, .run_s = 0.0005 };
	ok(measure_machine(&m, &p, &o, &e) == OK && !measured_best(&m, MEASURED_STREAM, "memory/") && !measured_best(&m, MEASURED_MATVEC, "") &&
		measured_best(&m, MEASURED_MATRIX, "f32/") && note_with(&m, "memory is not measured"), "too little memory: no figure of it");
	p = here();
	p.cpu.isa_known = 1;
	p.cpu.isa = UINT64_C(1) << ISA_AMX_TILE;
	o.memory_bytes = MIB;
	ok(measure_machine(&m, &p, &o, &e) == OK && note_with(&m, "AMX"), "AMX is said not to be used");
}

static void refused(void)
{
	static struct measured m;
	struct error e = { 0 };
	struct probed p = here();
	struct measure_options o = { .runs = 1, .run_s = 0.0005, .memory_bytes = MIB, .device = "gpu1" };

	p.n_gpus = 2;
	p.gpu[0].name = "NVIDIA GeForce RTX 4090";
	p.gpu[1].name = "AMD Radeon RX 7900 XTX";
	ok(measure_machine(&m, &p, &o, &e) == E_NODEV && strstr(e.text, "RX 7900 XTX") && !m.n_rows, "a GPU by number: %s", e.text);
	o.device = "nvidia geforce rtx 4090";
	ok(measure_machine(&m, &p, &o, &e) == E_NODEV && strstr(e.text, "RTX 4090"), "by name: %s", e.text);
	o.device = "gpu2";
	ok(measure_machine(&m, &p, &o, &e) == E_NODEV && strstr(e.text, "gpu2"), "one that is not there: %s", e.text);
	o.device = "CPU";
	ok(measure_machine(&m, &p, &o, &e) == OK && m.n_rows && !note_with(&m, "is not measured"), "the processor by name");
	o.device = NULL;
	ok(measure_machine(&m, &p, &o, &e) == OK && note_with(&m, "RTX 4090 is not measured") && note_with(&m, "RX 7900 XTX is not measured"), "what is left out is said");
}

/* Kernels that do less than they should would look fast. */
static void cheats(void)
{
	static const struct stream_kernel half = { "half", always, sum_half }, none = { "none", always, sum_none };
	static const struct matvec_kernel zero = { "zero", always, vector_zero }, cut = { "cut", always, vector_short };
	static struct measured m;
	struct error e = { 0 };
	struct probed p = here();
	struct measure_options o = { .runs = 1, .run_s = 0.0005, .memory_bytes = MIB, .stream = &half };
	struct measured_row row = { 0 };
	struct trial t = { .threads = 2, .runs = 1, .run_s = 0.0005 };

	ok(measure_machine(&m, &p, &o, &e) == E_NODEV && !m.n_rows, "a stream kernel that reads half: %s", e.text);
	o.stream = &none;
	ok(measure_machine(&m, &p, &o, &e) == E_NODEV && !m.n_rows, "one that reads nothing");
	if (pool_open(&t.pool, 2, NULL, &e) != OK) {
		ok(0, "%s", e.text);
		return;
	}
	ok(run_matvec(&row, &t, RATE_F32, &zero, MIB, &e) == E_NODEV, "a product of zeroes: %s", e.text);
	ok(run_matvec(&row, &t, RATE_F32, &cut, MIB, &e) == E_NODEV, "one over half of the columns: %s", e.text);
	struct tile_kernel shorter = *tile_best(RATE_Q8);
	shorter.run = tile_short;
	ok(run_matrix(&row, &t, RATE_Q8, &shorter, &e) == E_NODEV, "a tile that stops a step early: %s", e.text);
	unsigned right = 0, n = 0;
	for (enum rate_format f = 0; f < RATE_FORMATS; f++) {
		for (const struct matvec_kernel *k = matvec_kernels[f]; k->isa; k++)
			if (k->can())
				n++, right += run_matvec(&row, &t, f, k, MIB, &e) == OK;
		for (const struct tile_kernel *k = tile_kernels[f]; k->isa; k++)
			if (k->can())
				n++, right += run_matrix(&row, &t, f, k, &e) == OK;
	}
	is_u64(right, n, "all %u variants that run here are right", n);
	pool_close(t.pool);
}

/* Twice the work takes twice the time: the rate must not depend on the length of a run. */
static double steady(void *job, unsigned long passes)
{
	*(unsigned long *)job += passes;
	return (double)passes * 1e-5;
}

static void timing(void)
{
	struct measured_row r = { 0 };
	struct trial t = { .threads = 3, .runs = 5, .run_s = 0.05 };
	unsigned long passes = 0;

	measure_timed(&r, &t, steady, &passes);
	ok(fabs(r.value - 1e-5) < 1e-12 && r.repeats == 5 && r.threads == 3 && fabs(r.max - r.min) < 1e-12, "one pass takes what it takes");
	ok(passes >= 5 * 5000 && passes < 5 * 5000 * 3, "five runs of 50 ms: %lu passes of 10 us", passes);
	measure_as_rate(&r, 1000);
	ok(fabs(r.value - 1e8) < 1 && measured_spread(&r) < 1e-6, "and the rate is its inverse");
	r = (struct measured_row){ .value = 2, .min = 1, .max = 4 };
	measure_as_rate(&r, 4);
	ok(r.value == 2 && r.min == 1 && r.max == 4 && measured_spread(&r) == 1.5, "the longest time is the least rate");
}

static void sizes(void)
{
	struct probed p = here();

	is_u64(measure_plan_bytes(&p, 2), 256 * MIB, "a small cache: 256 MiB");
	p.cpu.cache[2] = (struct probed_cache){ 96 * MIB, 1 };
	is_u64(measure_plan_bytes(&p, 2), 384 * MIB, "96 MiB of cache: four times that");
	p.cpu.cache[2] = (struct probed_cache){ 96 * MIB, 12 };
	is_u64(measure_plan_bytes(&p, 1), 384 * MIB, "twelve such caches, one thread: it has one of them");
	p.memory.available = 64 * GIB;
	is_u64(measure_plan_bytes(&p, 64), 4608 * MIB, "64 threads: all twelve");
	p.memory.available = 8 * GIB;
	is_u64(measure_plan_bytes(&p, 64), 0, "a quarter of what is available is less: cannot be measured");
	p = here();
	p.memory.limit = 512 * MIB;
	p.memory.used = 200 * MIB;
	p.memory.cache = 88 * MIB;
	is_u64(measure_plan_bytes(&p, 2), 100 * MIB, "a cgroup with 400 MiB left: 100");
	p.memory.used = 600 * MIB;
	is_u64(measure_plan_bytes(&p, 2), 0, "one that is full");
	p = here();
	memset(p.cpu.cache, 0, sizeof p.cpu.cache);
	is_u64(measure_plan_bytes(&p, 2), 256 * MIB, "unknown caches");
	p.memory.available = 512 * MIB;
	is_u64(measure_plan_bytes(&p, 2), 0, "unknown caches and little memory: it might be cache that is measured");
	p.memory.available = p.memory.total = 0;
	is_u64(measure_plan_bytes(&p, 2), 0, "unknown memory");
}

static void put(const char *folder, unsigned cpu, const char *siblings, const char *package)
{
	char path[256];

	snprintf(path, sizeof path, "%s/cpu%u", folder, cpu);
	mkdir(path, 0700);
	strcat(path, "/topology");
	mkdir(path, 0700);
	for (int i = 0; i < 2; i++) {
		char file[300];
		snprintf(file, sizeof file, "%s/%s", path, i ? "physical_package_id" : "thread_siblings_list");
		FILE *f = fopen(file, "w");
		if (f) {
			fprintf(f, "%s\n", i ? package : siblings);
			fclose(f);
		}
	}
}

static void order(void)
{
	char folder[] = "/tmp/ullage-cpus-XXXXXX", got[64] = "", command[64];
	unsigned may[8] = { 0, 1, 2, 3, 4, 5, 6, 7 }, cpu[8], n;

	/* two packages of two cores of two threads, numbered as Linux does on most machines: 0-1 and 2-3 the cores, 4-7 the second threads */
	if (!mkdtemp(folder)) {
		ok(0, "no folder");
		return;
	}
	for (unsigned i = 0; i < 8; i++) {
		char s[16];
		snprintf(s, sizeof s, "%u,%u", i % 4, i % 4 + 4);
		put(folder, i, s, i % 4 < 2 ? "0" : "1");
	}
	n = cpu_order_from(cpu, 8, folder, may, 8);
	for (unsigned i = 0; i < n; i++)
		sprintf(got + strlen(got), "%u ", cpu[i]);
	is_str(got, "0 2 1 3 4 6 5 7 ", "cores before second threads, packages in turn");
	unsigned some[3] = { 4, 0, 6 };
	n = cpu_order_from(cpu, 8, folder, (unsigned[]){ 0, 4, 6 }, 3);
	ok(n == 3 && cpu[0] == 0 && cpu[1] == 6 && cpu[2] == 4, "of what is allowed: %u %u %u", cpu[0], cpu[1], cpu[2]);
	ok(cpu_order_from(cpu, 2, folder, some, 3) == 2, "no more than there is room for");
	n = cpu_order_from(cpu, 8, "/nonexistent", may, 4);
	ok(n == 4 && cpu[0] == 0 && cpu[3] == 3, "without topology: as they are numbered");
	ok(cpu_order_from(cpu, 8, folder, may, 0) == 0, "none");
	ok(cpu_order(cpu, 8) <= 8, "this machine's");
	snprintf(command, sizeof command, "rm -r %s", folder);
	ok(system(command) == 0, "cleaned up");
}

int main(void)
{
	whole();
	refused();
	cheats();
	timing();
	sizes();
	order();
	return done_testing();
}
