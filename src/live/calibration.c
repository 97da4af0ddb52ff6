/* calibration.c - the file of a machine: where it is, how rows are added */
#include "live/calibration.h"

#include "base/file.h"
#include "base/units.h"
#include "catalog/hardware_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* driver and power_limit_w are of GPUs. The last cell is the same in every row: a row without it was cut short. */
const char calibration_header[] = "date,device,kind,detail,bytes,threads,value,unit,min,max,repeats,version,threads_allowed,cpu_limit,governor,mhz_max,"
	"channels,mts,driver,power_limit_w,complete";

/* The first line of a small file, as a word that needs no quotes; "" when there is none. */
static void word_of(char *out, size_t n, const char *folder, const char *name)
{
	char path[512];

	*out = '\0';
	if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
		return;
	FILE *f = fopen(path, "r");
	if (!f)
		return;
	if (!fgets(out, (int)n, f))
		*out = '\0';
	fclose(f);
	out[strcspn(out, "\n")] = '\0';
	for (char *p = out; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *p))
			*p = '_';
}

void conditions_now(struct conditions *out, const struct probed *p, const char *cpufreq)
{
	const char *folder = cpufreq ? cpufreq : "/sys/devices/system/cpu/cpu0/cpufreq";
	char khz[32];
	uint64_t v;

	*out = (struct conditions){ .threads_allowed = p->cpu.threads_allowed, .channels = p->cpu.channels, .mts = p->cpu.mts,
		.cpu_limit = p->cpu.cpu_limit };
	word_of(out->governor, sizeof out->governor, folder, "scaling_governor");
	word_of(khz, sizeof khz, folder, "scaling_max_freq");
	if (parse_u64(&v, khz) == 0 && v / 1000 <= UINT32_MAX)
		out->mhz_max = (uint32_t)(v / 1000);
}

const char *calibration_file(struct arena *a, const struct hardware_spec *h, const struct probed *p)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	uint64_t f = h->fingerprint ? h->fingerprint : hardware_fingerprint(h);

	for (const char *c = p->cpu.name ? p->cpu.name : ""; *c; c++)
		f = (f ^ (unsigned char)*c) * UINT64_C(0x100000001b3);   /* FNV-1a, as hardware_fingerprint */
	/* relative paths there are to be ignored (XDG Base Directory Specification) */
	if (data && *data == '/')
		return arena_printf(a, "%s/ullage/machines/%016llx/measured.csv", data, (unsigned long long)f);
	if (home && *home == '/')
		return arena_printf(a, "%s/.local/share/ullage/machines/%016llx/measured.csv", home, (unsigned long long)f);
	return NULL;
}

/* Makes the folders above a file, private as the specification wants them. */
static int make_folders(const char *file, struct error *err)
{
	char path[4096];

	if (strlen(file) >= sizeof path)
		return error_set(err, E_IO, "%.80s...: the path is too long", file);
	strcpy(path, file);
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST && !path_is_dir(path)) {
			error_set(err, E_IO, "%s: %s", path, strerror(errno));
			error_hint(err, "set XDG_DATA_HOME to a folder that can be written: what was measured is kept there");
			return E_IO;
		}
		*p = '/';
	}
	return OK;
}

static char *number(char *to, size_t n, double v, int known)
{
	if (known)
		snprintf(to, n, "%.9g", v);
	else
		*to = '\0';
	return to;
}

/* All rows of a measurement as text. NULL: out of memory. */
static char *rows_text(struct arena *a, const struct conditions *c, const struct measured *m)
{
	const size_t room = 64 + (size_t)m->n_rows * 640;
	char *text = arena_alloc(a, room), bytes[32], limit[32], of[4][32], *p = text;

	if (!text)
		return NULL;
	number(limit, sizeof limit, c->cpu_limit, c->cpu_limit >= 0);
	number(of[0], sizeof of[0], c->threads_allowed, c->threads_allowed != 0);
	number(of[1], sizeof of[1], c->mhz_max, c->mhz_max != 0);
	number(of[2], sizeof of[2], c->channels, c->channels != 0);
	number(of[3], sizeof of[3], c->mts, c->mts != 0);
	for (unsigned i = 0; i < m->n_rows; i++) {
		const struct measured_row *r = &m->row[i];
		snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)r->bytes);
		p += snprintf(p, room - (size_t)(p - text), "%s,cpu,%s,%s,%s,%u,%.9g,%s,%.9g,%.9g,%u,%s,%s,%s,%s,%s,%s,%s,,,yes\n", m->date,
			measured_kind_names[r->kind], r->detail, r->bytes ? bytes : "", r->threads, r->value, measured_units[r->kind], r->min, r->max,
			r->repeats, ULLAGE_VERSION, of[0], limit, c->governor, of[1], of[2], of[3]);
	}
	return text;
}

/* Why the file is not one to add to. begun: it holds the beginning of the header and nothing else, so many bytes. ends: it ends with a newline. */
static int check_head(size_t *begun, int *ends, int fd, off_t size, const char *file, struct error *err)
{
	const size_t n = strlen(calibration_header);
	char head[512], last;

	*begun = 0;
	*ends = 1;
	ssize_t got = pread(fd, head, n + 2, 0);
	if (got < 0)
		return error_set(err, E_IO, "%s: %s", file, strerror(errno));
	if ((size_t)got <= n && !memcmp(head, calibration_header, (size_t)got)) {
		*begun = (size_t)got;
		return OK;
	}
	size_t eol = (size_t)got > n && head[n] == '\r' ? n + 1 : n;     /* an editor may have changed the line ends */
	if ((size_t)got <= eol || memcmp(head, calibration_header, n) || head[eol] != '\n')
		return error_at(err, E_FILE, file, 1, "other columns than this version writes: move the file away to measure anew");
	if (pread(fd, &last, 1, size - 1) != 1)
		return error_set(err, E_IO, "%s: %s", file, strerror(errno));
	*ends = last == '\n';
	return OK;
}

/* One write; what of it did not get in is taken back, under the lock and so nobody else's. */
static int write_whole(int fd, const char *text, off_t before, const char *file, struct error *err)
{
	const size_t n = strlen(text);
	ssize_t k;

	do
		k = write(fd, text, n);
	while (k < 0 && errno == EINTR);
	if (k == (ssize_t)n)
		return OK;
	int e = k < 0 ? errno : ENOSPC;
	if (k > 0 && ftruncate(fd, before))
		e = errno;
	return error_set(err, E_IO, "%s: %s", file, strerror(e));
}

int calibration_append(const char **file, struct arena *a, const struct hardware_spec *h, const struct probed *p, const struct measured *m, struct error *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const char *path = calibration_file(a, h, p);
	struct conditions now;
	struct stat st;
	size_t begun;
	int rc, ends, fd;

	if (file)
		*file = path;
	if (!path) {
		if (a->failed)
			return error_set(err, E_NOMEM, "out of memory");
		error_set(err, E_IO, "what was measured cannot be kept: neither XDG_DATA_HOME nor HOME names a folder");
		error_hint(err, "set XDG_DATA_HOME to a folder that can be written");
		return E_IO;
	}
	if ((rc = make_folders(path, err)) != OK)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0) {
		error_set(err, E_IO, "%s: %s", path, strerror(errno));
		error_hint(err, "set XDG_DATA_HOME to a folder that can be written: what was measured is kept there");
		return E_IO;
	}
	/* a file system without locks still appends each write as a whole */
	while (fcntl(fd, F_SETLKW, &lock) && errno == EINTR)
		;
	if (fstat(fd, &st)) {
		rc = error_set(err, E_IO, "%s: %s", path, strerror(errno));
		goto out;
	}
	if ((rc = check_head(&begun, &ends, fd, st.st_size, path, err)) != OK)
		goto out;
	conditions_now(&now, p, NULL);
	const int bare = (size_t)st.st_size == begun && begun <= strlen(calibration_header);
	const char *rows = rows_text(a, &now, m), *lead = bare ? calibration_header + begun : ends ? "" : "\n";
	const char *text = rows ? arena_printf(a, "%s%s%s", lead, bare ? "\n" : "", rows) : NULL;
	rc = text ? write_whole(fd, text, st.st_size, path, err) : error_set(err, E_NOMEM, "out of memory");
out:
	if (close(fd) && rc == OK)
		rc = error_set(err, E_IO, "%s: %s", path, strerror(errno));
	return rc;
}
