/* witness.c - smaps, smaps_rollup, pagemap and status of this process */
#ifdef __linux__
#define _GNU_SOURCE 1
#endif
#include "live/witness.h"

#include "base/file.h"
#include "base/units.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

enum { MAX_SMAPS = 64 << 20, ENTRIES = 8192 };

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits up to `end`; the character behind them, or NULL. */
static const char *hex(uint64_t *out, const char *p, const char *end)
{
	const char *start = p;

	*out = 0;
	for (; p < end && hex_digit(*p) >= 0; p++) {
		if (p - start == 16)
			return NULL;
		*out = *out << 4 | (unsigned)hex_digit(*p);
	}
	return p > start ? p : NULL;
}

/* "55d0-55e0 r-xp 00000000 fe:01 1234   /path": 1 when the line is the head of a mapping. */
static int head_of(struct smap *m, struct arena *a, const char *p, const char *end)
{
	const char *q = hex(&m->from, p, end);

	if (!q || q == end || *q != '-' || !(q = hex(&m->to, q + 1, end)) || q == end || *q != ' ')
		return 0;
	/* four more fields, then blanks and the name, which may have blanks */
	for (unsigned i = 0; i < 4; i++) {
		while (q < end && *q == ' ') q++;
		while (q < end && *q != ' ') q++;
	}
	while (q < end && *q == ' ') q++;
	m->name = arena_strndup(a, q, (size_t)(end - q));
	return 1;
}

/* "Rss:      1234 kB": 1 read, 0 another line, -1 nonsense. */
static int size_line(uint64_t *out, const char *name, const char *p, const char *end)
{
	size_t n = strlen(name);
	uint64_t v = 0;

	if ((size_t)(end - p) <= n || memcmp(p, name, n) || p[n] != ':')
		return 0;
	p += n + 1;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p < '0' || *p > '9')
		return -1;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if (u64_mul(&v, v, 10) || u64_add(&v, v, (uint64_t)(*p - '0')))
			return -1;
	if (end - p != 3 || memcmp(p, " kB", 3) || u64_mul(&v, v, KIB))
		return -1;
	*out = v;
	return 1;
}

int smaps_parse(struct smaps *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	const char *p = bytes, *end = p + n;
	unsigned heads = 0, line = 1;

	*out = (struct smaps){ 0 };
	/* as many heads as lines that begin with a digit of an address, at most */
	for (const char *q = p; q < end; q = memchr(q, '\n', (size_t)(end - q)), q = q ? q + 1 : end)
		heads += hex_digit(*q) >= 0;
	if (!(out->map = arena_array(a, heads ? heads : 1, sizeof *out->map)))
		return error_set(err, E_NOMEM, "out of memory");
	for (; p < end; line++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *stop = eol ? eol : end;
		struct smap m = { 0 }, *now = out->n ? &out->map[out->n - 1] : NULL;
		if (head_of(&m, a, p, stop)) {
			if (m.to <= m.from || (now && m.from < now->to))
				return error_at(err, E_FILE, file, line, "mapping %llx-%llx does not follow the one before", (unsigned long long)m.from, (unsigned long long)m.to);
			out->map[out->n++] = m;
		} else if (now) {
			const struct { const char *name; uint64_t *to; } fields[] = { { "Rss", &now->rss }, { "Pss", &now->pss }, { "Anonymous", &now->anonymous }, { "Swap", &now->swap } };
			for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
				int rc = size_line(fields[i].to, fields[i].name, p, stop);
				if (rc < 0 || (rc > 0 && *fields[i].to > now->to - now->from))
					return error_at(err, E_FILE, file, line, "%s: not a size within its mapping", fields[i].name);
			}
		}
		p = eol ? eol + 1 : end;
	}
	return a->failed ? error_set(err, E_NOMEM, "out of memory") : OK;
}

/* Pages of [from, to) that this process's page table has: bit 63 of each entry (Linux, Documentation/admin-guide/mm/pagemap.rst). */
static int64_t pages_present(uint64_t from, uint64_t to)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t *entry = malloc(ENTRIES * sizeof *entry), at = from / page, last = u64_ceil_div(to, page);
	int64_t present = 0;
	int fd = entry ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) : -1;

	while (fd >= 0 && present >= 0 && at < last) {
		size_t want = last - at < ENTRIES ? (size_t)(last - at) : ENTRIES;
		ssize_t got = pread(fd, entry, want * sizeof *entry, (off_t)(at * sizeof *entry));
		if (got <= 0 || got % (ssize_t)sizeof *entry) {
			present = -1;
			break;
		}
		for (size_t i = 0; i < (size_t)got / sizeof *entry; i++)
			present += (int64_t)(entry[i] >> 63);
		at += (size_t)got / sizeof *entry;
	}
	if (fd >= 0)
		close(fd);
	free(entry);
	return fd < 0 || present < 0 ? -1 : present * (int64_t)page;
}

int64_t witness_resident(const struct smaps *s, const struct witness_range *range, unsigned n)
{
	int64_t sum = 0;

	for (unsigned r = 0; r < n; r++)
		for (unsigned i = 0; i < s->n; i++) {
			const struct smap *m = &s->map[i];
			uint64_t from = range[r].from > m->from ? range[r].from : m->from, to = range[r].to < m->to ? range[r].to : m->to;
			int64_t part;
			if (from >= to)
				continue;
			part = from == m->from && to == m->to ? (int64_t)m->rss : !m->rss ? 0 : pages_present(from, to);
			if (part < 0)
				return -1;
			sum += part;
		}
	return sum;
}

int witness_maps(struct smaps *out, struct arena *a, struct error *err)
{
	char *text;
	size_t n;

	*out = (struct smaps){ 0 };
	if (!path_exists("/proc/self/smaps"))
		return error_set(err, E_NODEV, "this system does not say which of a process's memory is resident");
	int rc = file_read(&text, &n, a, "/proc/self/smaps", MAX_SMAPS, err);
	return rc != OK ? rc : smaps_parse(out, a, "/proc/self/smaps", text, n, err);
}

int64_t witness_field(const char *text, const char *name)
{
	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		uint64_t v;
		int rc = size_line(&v, name, p, p + strcspn(p, "\n"));
		if (rc)
			return rc > 0 && v <= INT64_MAX ? (int64_t)v : -1;
	}
	return -1;
}

/* Both files are a page or two; no allocation, which would itself be counted. */
static int64_t field_of(const char *file, const char *name)
{
	char text[8192];
	size_t n = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	for (ssize_t k; n < sizeof text - 1 && (k = read(fd, text + n, sizeof text - 1 - n)) > 0;)
		n += (size_t)k;
	close(fd);
	text[n] = '\0';
	return witness_field(text, name);
}

int64_t witness_total(void)
{
	int64_t v = field_of("/proc/self/smaps_rollup", "Rss");

	return v >= 0 ? v : field_of("/proc/self/status", "VmRSS");
}

int64_t witness_peak(void)
{
	int64_t v = field_of("/proc/self/status", "VmHWM");
	struct rusage u;

	if (v >= 0 || getrusage(RUSAGE_SELF, &u))
		return v;
#ifdef __APPLE__
	return (int64_t)u.ru_maxrss;             /* bytes */
#else
	return (int64_t)u.ru_maxrss * 1024;
#endif
}

int witness_peak_forget(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	const int done = write(fd, "5", 1) == 1;
	close(fd);
	return done;
}

/* mincore(2) is no function of POSIX, and declared only beside extensions; BSD and macOS have it with char. */
static int resident(void *at, size_t bytes, unsigned char *out)
{
#ifdef __linux__
	return (int)syscall(SYS_mincore, at, bytes, out);
#else
	(void)at, (void)bytes, (void)out;
	return -1;
#endif
}

int witness_cached(const char *path)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), most = 64 << 20;
	unsigned char *in = malloc((size_t)(most / page));
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int all = fd >= 0 && in && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 ? 1 : -1;

	for (uint64_t at = 0; all == 1 && at < (uint64_t)st.st_size; at += most) {
		const uint64_t n = (uint64_t)st.st_size - at < most ? (uint64_t)st.st_size - at : most;
		void *p = mmap(NULL, (size_t)n, PROT_READ, MAP_SHARED, fd, (off_t)at);

		if (p == MAP_FAILED || resident(p, (size_t)n, in))
			all = -1;
		for (uint64_t i = 0; all == 1 && i < (n + page - 1) / page; i++)
			all = in[i] & 1;
		if (p != MAP_FAILED)
			munmap(p, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	free(in);
	return all;
}
