/* witness.c - what the system says of this process's memory and of a file's pages; the time to load that follows from them */
#ifdef __linux__
#define _GNU_SOURCE 1
#endif
#include "live/witness.h"

#include "calc/speed.h"

#include "../tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct arena arena;
static struct error e;

static void witness(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct smaps s;

	if (witness_maps(&s, &arena, &e) != OK) {
		skip(e.text, "resident pages of a range");
		return;
	}
	for (unsigned i = 0; i < 10; i++)
		p[(20 + i) * page] = 1;
	ok(witness_maps(&s, &arena, &e) == OK, "the system's list of mappings");
	struct witness_range part = { (uint64_t)(uintptr_t)p + 16 * page, (uint64_t)(uintptr_t)p + 25 * page }, none = { (uint64_t)(uintptr_t)p, (uint64_t)(uintptr_t)p + 16 * page };
	ok(witness_resident(&s, &part, 1) == (int64_t)(5 * page), "pages of a part of a mapping are counted one by one");
	ok(witness_resident(&s, &none, 1) == 0, "what was never touched is not resident");
	ok(witness_total() > 0 && witness_peak() >= witness_total() / 2, "all of the process, and the most there was");
	ok(witness_field("VmPeak:\t  12 kB\nVmHWM:\t  34 kB\n", "VmHWM") == 34 * 1024 && witness_field("VmHWM: x kB\n", "VmHWM") == -1 && witness_field("", "VmHWM") == -1, "fields of status");
	char path[] = "/tmp/cached.XXXXXX";
	const int fd = mkstemp(path);
	ok(fd >= 0 && write(fd, p, 64 * page) == (ssize_t)(64 * page), "a file");
	ok(witness_cached(path) == 1, "that was just written is held in memory");
	ok(witness_cached("/no/such/file") == -1 && witness_cached("/tmp") == -1, "of what is no file nothing is said");
	close(fd);
	unlink(path);
	munmap(p, 64 * page);
	/* 64 MiB that come and go */
	const size_t much = (size_t)64 << 20;
	p = mmap(NULL, much, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 1, much);
	munmap(p, much);
	const int64_t most = witness_peak();
	if (witness_peak_forget())
		ok(witness_peak() < most - (int64_t)much / 2 && witness_peak() >= witness_total() - (4 << 20), "the most there was is forgotten: %lld, then %lld", (long long)most, (long long)witness_peak());
	else
		skip("the system does not let go of it", "the most there was is forgotten");
}

static void loading(void)
{
	const struct efficiency eff = { .repack_bps = { [CLASS_OWN] = { 1e9, 2e9, 4e9, 1, "" } } }, none = { 0 };
	struct pool p = { .read_bps = known_of(100e9, BASIS_MEASURED) };
	struct figure f = load_seconds(8000000000, 4, &p, &eff);

	ok(fabs(f.value - 1) < 1e-9 && fabs(f.low - 0.5) < 1e-9 && fabs(f.high - 2) < 1e-9, "8 GB by four threads: %g s, %g to %g", f.value, f.low, f.high);
	p.read_bps = known_of(20e9, BASIS_MEASURED);
	f = load_seconds(8000000000, 64, &p, &eff);
	ok(fabs(f.value - 0.8) < 1e-9 && fabs(f.low - 0.8) < 1e-9, "many threads wait for memory: %g s", f.value);
	ok(load_seconds(1, 1, &p, &none).basis == BASIS_UNKNOWN, "without a rate it is unknown");
}

int main(void)
{
	witness();
	loading();
	arena_free(&arena);
	return done_testing();
}
