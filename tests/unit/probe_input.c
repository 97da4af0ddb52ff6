/* probe_input.c - raw input: from a recording, from this machine, and written down */
#include "base/file.h"
#include "probe/probe.h"

#include "../tap.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena arena;
static char top[64];

static const char *at(const char *path)
{
	return arena_printf(&arena, "%s/%s", top, path);
}

static void put(const char *path, const char *text)
{
	char *full = arena_printf(&arena, "%s/%s", top, path);

	for (char *p = strchr(full + strlen(top) + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	FILE *f = fopen(full, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		ok(0, "%s cannot be written", full);
}

static void put_link(const char *target, const char *path)
{
	if (symlink(target, at(path)))
		ok(0, "%s: %s", path, strerror(errno));
}

static void machine(void)
{
	put("secret", "outside\n");
	put("m/root/proc/meminfo", "MemTotal: 1 kB\n");
	put("m/root/sys/devices/pci0/0000:01:00.0/vendor", "0x10de\n");
	put("m/root/sys/devices/pci0/0000:01:00.0/drm/card0/name", "a card\n");
	put("m/root/sys/class/drm/version", "drm\n");
	put_link("../../devices/pci0/0000:01:00.0/drm/card0", "m/root/sys/class/drm/card0");
	put_link("../../../0000:01:00.0", "m/root/sys/devices/pci0/0000:01:00.0/drm/card0/device");
	put_link("../../../..", "m/root/proc/up");
	put_link("../../../secret", "m/root/proc/out");
	put_link(at("secret"), "m/root/proc/absolute");
	put_link("/proc/meminfo", "m/root/proc/inside");
	put_link("loop", "m/root/proc/loop");
	put_link("../secret", "m/nvml.log");
	put("m/cuda.log", "a log\n");
	put("m/root/n/hex", "0x10de\n");
	put("m/root/n/plain", "25757220864\n");
	put("m/root/n/blank", "  7 \n");
	put("m/root/n/most", "18446744073709551615");
	put("m/root/n/over", "18446744073709551616\n");
	put("m/root/n/minus", "-1\n");
	put("m/root/n/words", "7 apples\n");
	put("m/root/n/empty", "");
	if (mkfifo(at("m/root/n/pipe"), 0644))
		ok(0, "mkfifo");
}

static void test_text(const struct probe_input *in)
{
	size_t n = 99;

	is_str(probe_text(in, "/proc/meminfo", &n), "MemTotal: 1 kB\n", "a file");
	is_u64(n, 15, "its length");
	is_str(probe_text(in, "//proc/./meminfo", NULL), "MemTotal: 1 kB\n", "slashes and dots");
	is_str(probe_text(in, "/sys/class/drm/card0/device/vendor", NULL), "0x10de\n", "through two links");
	is_str(probe_text(in, "/proc/inside", NULL), "MemTotal: 1 kB\n", "an absolute link starts at the recording's root");
	ok(!probe_text(in, "/proc/none", &n) && n == 0, "not there");
	ok(!probe_text(in, "/proc", NULL), "a folder is no text");
	ok(!probe_text(in, "/n/pipe", NULL), "nor is a pipe");
	ok(!probe_text(in, "proc/meminfo", NULL), "a path from nowhere");
	ok(!probe_text(in, "/proc/../../../secret", NULL) && !probe_text(in, "/..", NULL) && !probe_text(in, "/../m/root/proc/meminfo", NULL),
		"no way out by ..");
	ok(!probe_text(in, "/proc/out", NULL) && !probe_text(in, "/proc/absolute", NULL) && !probe_text(in, "/proc/up/secret", NULL),
		"nor by a link");
	ok(!probe_text(in, "/proc/loop", NULL), "a link to itself ends");
	char *deep = arena_alloc(&arena, 6000);
	memset(deep, '/', 1);
	memset(deep + 1, 'x', 5998);
	ok(!probe_text(in, deep, NULL), "too long a path");
}

static void test_rest(const struct probe_input *in)
{
	const char *const *list = probe_list(in, "/sys/class/drm");
	uint64_t v = 5;

	ok(list[0] && list[1] && !list[2] && !strcmp(list[0], "card0") && !strcmp(list[1], "version"), "a folder's names, sorted");
	list = probe_list(in, "/sys/class/drm/card0/device");
	ok(list[0] && !strcmp(list[0], "drm") && !strcmp(list[1], "vendor") && !list[2], "a folder behind links");
	ok(!*probe_list(in, "/none") && !*probe_list(in, "/proc/meminfo") && !*probe_list(in, "/proc/up") && !*probe_list(in, "/.."),
		"none: not there, a file, outside");
	is_str(probe_link(in, "/sys/class/drm/card0"), "card0", "a link's last name");
	is_str(probe_link(in, "/sys/class/drm/card0/device"), "0000:01:00.0", "behind another");
	ok(!probe_link(in, "/sys/class/drm/version") && !probe_link(in, "/none"), "no link");

	ok(!probe_u64(&v, in, "/n/hex") && v == 0x10de, "hexadecimal");
	ok(!probe_u64(&v, in, "/n/plain") && v == UINT64_C(25757220864), "decimal");
	ok(!probe_u64(&v, in, "/n/blank") && v == 7, "blanks around it");
	ok(!probe_u64(&v, in, "/n/most") && v == UINT64_MAX, "the most");
	v = 5;
	ok(probe_u64(&v, in, "/n/over") && probe_u64(&v, in, "/n/minus") && probe_u64(&v, in, "/n/words") &&
		probe_u64(&v, in, "/n/empty") && probe_u64(&v, in, "/n/none") && v == 5, "what is no number");

	is_str(probe_recorded(in, "cuda.log"), "a log\n", "a file of the recording");
	ok(!probe_recorded(in, "metal.txt") && !probe_recorded(in, "nvml.log") && !probe_recorded(in, "../secret") &&
		!probe_recorded(in, "root/proc/meminfo") && !probe_recorded(in, "..") && !probe_recorded(in, ""),
		"not there, a link, and what is no name");
}

/* What was read while recording, and only that, replays the same. */
static void test_record(const char *from)
{
	int failed = 0;
	struct probe_input in = { .a = &arena, .replay = from, .record = at("r/deep"), .record_error = &failed },
		back = { .a = &arena, .replay = in.record };
	struct stat st;

	is_str(probe_text(&in, "/sys/class/drm/card0/device/vendor", NULL), "0x10de\n", "read while recording");
	is_str(probe_link(&in, "/sys/class/drm/card0/device"), "0000:01:00.0", "a link");
	ok(probe_list(&in, "/n")[0] && !probe_text(&in, "/n/pipe", NULL), "a folder, and what cannot be read in it");
	is_str(probe_recorded(&in, "cuda.log"), "a log\n", "a log");
	probe_keep(&in, "metal.txt", "one\n");
	probe_keep(&in, "metal.txt", "two\n");
	probe_keep(&in, "../bad", "x");
	probe_record(&in, "/sys/firmware/table", "a\0b", 3);
	ok(failed == 0, "all was written");

	is_str(probe_text(&back, "/sys/class/drm/card0/device/vendor", NULL), "0x10de\n", "it replays");
	is_str(probe_link(&back, "/sys/class/drm/card0/device"), "0000:01:00.0", "the link at the same place too");
	ok(lstat(at("r/deep/root/sys/class/drm/card0"), &st) == 0 && S_ISLNK(st.st_mode), "kept as a link");
	ok(!probe_text(&back, "/proc/meminfo", NULL), "what was not read is not there");
	const char *const *list = probe_list(&back, "/n");
	unsigned n = 0;
	while (list[n])
		n++;
	is_u64(n, 8, "the names of the folder, but for the one that could not be read");
	is_str(probe_recorded(&back, "cuda.log"), "a log\n", "the log");
	is_str(probe_recorded(&back, "metal.txt"), "one\ntwo\n", "what was kept, in order");
	ok(stat(at("r/bad"), &st) < 0, "and nothing beside the folder");
	size_t len;
	char *bytes = probe_text(&back, "/sys/firmware/table", &len);
	ok(bytes && len == 3 && !memcmp(bytes, "a\0b", 4), "bytes, with a NUL behind them");

	in.record = at("secret/x");
	probe_text(&in, "/proc/meminfo", NULL);
	ok(failed == ENOTDIR, "what cannot be written is known");
	probe_keep(&back, "metal.txt", "three\n");
	is_str(probe_recorded(&back, "metal.txt"), "one\ntwo\n", "not recording: nothing is kept");
}

static void test_live(void)
{
	int failed = 0;
	struct probe_input in = { .a = &arena }, rec = { .a = &arena, .record = at("live"), .record_error = &failed },
		back = { .a = &arena, .replay = rec.record };
	char *path = arena_printf(&arena, "%s/m/root/sys/class/drm", top);

	is_str(probe_text(&in, at("secret"), NULL), "outside\n", "this machine's own file");
	ok(!probe_recorded(&in, "cuda.log"), "nothing is recorded of it");
	ok(!probe_text(&in, arena_printf(&arena, "%s/m/../secret", top), NULL), "paths with .. are refused here as well");
	is_str(probe_list(&in, path)[0], "card0", "a folder");
	is_str(probe_link(&in, arena_printf(&arena, "%s/card0", path)), "card0", "a link");
	is_str(probe_text(&rec, arena_printf(&arena, "%s/card0/device/vendor", path), NULL), "0x10de\n", "recorded");
	is_str(probe_text(&back, arena_printf(&arena, "%s/card0/device/vendor", path), NULL), "0x10de\n", "and replayed");
	const char *self = probe_text(&rec, "/proc/self/status", NULL);
	if (self) {
		struct stat st;
		ok(lstat(at("live/root/proc/self"), &st) == 0 && S_ISDIR(st.st_mode), "/proc/self is kept by that name");
		is_str(probe_text(&back, "/proc/self/status", NULL), self, "and replays");
	} else {
		skip("no /proc here", "/proc/self");
	}
	ok(failed == 0, "all was written");
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(top, sizeof top, "%s/ullage-input-XXXXXX", tmp && strlen(tmp) < 30 ? tmp : "/tmp");
	if (!mkdtemp(top)) {
		ok(0, "%s: %s", top, strerror(errno));
		return done_testing();
	}
	/* where the folder of temporary files is itself a link, recorded paths have another beginning */
	if (chdir(top) || !getcwd(top, sizeof top) || chdir("/"))
		ok(0, "%s: %s", top, strerror(errno));
	machine();
	struct probe_input in = { .a = &arena, .replay = at("m") };
	test_text(&in);
	test_rest(&in);
	test_record(in.replay);
	test_live();
	ok(!arena.failed, "memory sufficed");
	if (system(arena_printf(&arena, "rm -rf '%s'", top)))
		ok(0, "%s is left behind", top);
	arena_free(&arena);
	return done_testing();
}
