/* file.c - whole files, mapped files, folders */
#include "../tap.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64] = "/tmp/ullage-file-XXXXXX";

static const char *path(const char *name)
{
	static char full[4][128];
	static unsigned i;

	snprintf(full[i++ % 4], sizeof full[0], "%s/%s", folder, name);
	return full[(i - 1) % 4];
}

static void put(const char *name, const char *bytes, size_t n)
{
	FILE *f = fopen(path(name), "wb");

	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) {
		printf("Bail out! cannot write %s\n", path(name));
		exit(1);
	}
}

static void reading(void)
{
	static char big[100000];
	struct arena a = { 0 };
	struct error e;
	char *s;
	size_t n;

	put("three", "a\0b", 3);
	ok(file_read(&s, &n, &a, path("three"), 3, &e) == OK && n == 3 && !memcmp(s, "a\0b", 4),
		"a file of just the size, with a NUL after it");
	ok(file_read(&s, &n, &a, path("three"), 2, &e) == E_FILE && strstr(e.text, "three") && strstr(e.text, "3 bytes") &&
		strstr(e.text, "2"),
	   "one byte more than is taken: %s", e.text);
	ok(!s && n == 0, "nothing is handed out then");
	put("empty", "", 0);
	ok(file_read(&s, &n, &a, path("empty"), 100, &e) == OK && n == 0 && s && !*s, "an empty file");
	ok(file_read(&s, &n, &a, path("empty"), 0, &e) == OK && n == 0, "where none is taken");
	memset(big, 'x', sizeof big);
	put("big", big, sizeof big);
	ok(file_read(&s, &n, &a, path("big"), 1 << 20, &e) == OK && n == sizeof big && !memcmp(s, big, n) && !s[n], "a larger one");
	ok(file_read(&s, &n, &a, path("none"), 100, &e) == E_FILE && strstr(e.text, "none"), "no such file: %s", e.text);
	ok(file_read(&s, &n, &a, folder, 100, &e) == E_FILE && strstr(e.text, "folder"), "a folder: %s", e.text);
	if (access("/proc/self/status", R_OK) == 0)
		ok(file_read(&s, &n, &a, "/proc/self/status", 1 << 20, &e) == OK && n > 100 && strlen(s) == n,
			"a file that says it has no bytes and has");
	else
		skip("no /proc", "a file that says it has no bytes and has");
	if (access("/dev/zero", R_OK) == 0)
		ok(file_read(&s, &n, &a, "/dev/zero", 50000, &e) == E_FILE && strstr(e.text, "50000"), "a file without an end: %s", e.text);
	else
		skip("no /dev/zero", "a file without an end");
	if (getuid() != 0) {
		put("secret", "x", 1);
		chmod(path("secret"), 0);
		ok(file_read(&s, &n, &a, path("secret"), 100, &e) == E_FILE, "a file that may not be read: %s", e.text);
	} else {
		skip("root may read everything", "a file that may not be read");
	}
	arena_free(&a);
	arena_fail_after(0);
	ok(file_read(&s, &n, &a, path("big"), 1 << 20, &e) == E_NOMEM, "no memory: %s", e.text);
	arena_fail_after(-1);
	arena_free(&a);
}

/* A pipe has no size: everything up to the limit comes, and not one byte over is lost in silence. */
static void pipes(void)
{
	static const size_t sizes[] = { 0, 1, 16384, 16385, 70000, 70001 };
	static char bytes[70001];
	struct error e;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)('a' + i % 23);
	if (mkfifo(path("fifo"), 0600)) {
		skip("no fifos here", "a pipe");
		return;
	}
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct arena a = { 0 };
		size_t n, done = 0;
		char *s;
		pid_t child = fork();

		if (child == 0) {
			int fd = open(path("fifo"), O_WRONLY);
			while (done < sizes[i]) {
				/* in pieces with pauses: most reads then give less than was asked for */
				size_t left = sizes[i] - done;
				ssize_t k = write(fd, bytes + done, left < 5000 ? left : 5000);
				if (k <= 0)
					_exit(0);
				nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
				done += (size_t)k;
			}
			_exit(0);
		}
		int rc = file_read(&s, &n, &a, path("fifo"), 70000, &e);
		if (sizes[i] <= 70000)
			ok(rc == OK && n == sizes[i] && !memcmp(s, bytes, n) && !s[n], "a pipe of %zu bytes", sizes[i]);
		else
			ok(rc == E_FILE, "a pipe of %zu bytes is over the limit", sizes[i]);
		waitpid(child, NULL, 0);
		arena_free(&a);
	}
}

static void mapping(void)
{
	struct file_map m = { (const unsigned char *)"x", 1 };
	struct error e;

	ok(file_map_open(&m, path("three"), &e) == OK && m.n == 3 && !memcmp(m.p, "a\0b", 3), "a file mapped");
	file_map_close(&m);
	ok(!m.p && m.n == 0, "and closed");
	file_map_close(&m);
	put("one", "x", 1);
	ok(file_map_open(&m, path("one"), &e) == OK && m.n == 1 && m.p && *m.p == 'x', "a file of one byte");
	file_map_close(&m);
	ok(file_map_open(&m, path("empty"), &e) == OK && !m.p && m.n == 0, "an empty file");
	file_map_close(&m);
	ok(file_map_open(&m, path("none"), &e) == E_FILE && !m.p, "no such file: %s", e.text);
	if (mkfifo(path("nobody"), 0600) == 0) {
		alarm(10);                               /* waiting for a writer would be for ever */
		ok(file_map_open(&m, path("nobody"), &e) == E_FILE && strstr(e.text, "not a regular file"), "a pipe that nobody writes to: %s", e.text);
		alarm(0);
	}
	ok(file_map_open(&m, folder, &e) == E_FILE && !m.p, "a folder: %s", e.text);
	if (access("/dev/null", R_OK) == 0)
		ok(file_map_open(&m, "/dev/null", &e) == E_FILE && strstr(e.text, "regular"), "a device: %s", e.text);
}

static void folders(void)
{
	struct arena a = { 0 };
	struct error e;
	const char **l;
	char name[32];
	unsigned n = 0, sorted = 0;

	put("b.yaml", "", 0);
	put("a.yaml", "", 0);
	put("c.yaml.bak", "", 0);
	put(".hidden.yaml", "", 0);
	ok(dir_list(&l, &a, folder, ".yaml", 0, &e) == OK && l[0] && l[1] && !l[2], "two names end in .yaml, none of them hidden");
	is_str(l[0], "a.yaml", "sorted");
	is_str(l[1], "b.yaml", "to the end");
	ok(dir_list(&l, &a, folder, ".none", 0, &e) == OK && !l[0], "no such ending");
	ok(dir_list(&l, &a, path("missing"), ".yaml", 1, &e) == OK && !l[0], "a missing folder may be optional");
	ok(dir_list(&l, &a, path("missing"), ".yaml", 0, &e) == E_FILE && strstr(e.text, "missing"), "or not: %s", e.text);
	ok(dir_list(&l, &a, path("three"), ".yaml", 0, &e) == E_FILE, "a file is no folder: %s", e.text);
	ok(dir_list(&l, &a, path("three/below"), ".yaml", 1, &e) == OK && !l[0], "nor a file's inside, when it is optional");
	if (symlink("loop", path("loop")) == 0)
		ok(dir_list(&l, &a, path("loop"), ".yaml", 1, &e) == E_FILE && strstr(e.text, "loop") && !l,
			"a folder that is there and cannot be read is an error all the same: %s", e.text);
	else
		skip("no symbolic links here", "a folder that cannot be read");
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "%03d.many", (i * 77) % 200);
		put(name, "", 0);
	}
	ok(dir_list(&l, &a, folder, ".many", 0, &e) == OK, "a large folder");
	for (; l[n]; n++)
		sorted += n == 0 || strcmp(l[n - 1], l[n]) < 0;
	ok(n == 200 && sorted == 200, "%u names, %u in order", n, sorted);
	arena_free(&a);
	int rc = E_NOMEM;
	for (int i = 0; rc == E_NOMEM && i < 100; i++) {
		arena_fail_after(i);
		rc = dir_list(&l, &a, folder, ".many", 0, &e);
		if (i == 0)
			ok(rc == E_NOMEM && !l, "no memory: %s", e.text);
		arena_fail_after(-1);
		arena_free(&a);
	}
	ok(rc == OK, "and enough in the end");
	ok(path_exists(folder) && path_is_dir(folder) && path_exists(path("three")) && !path_is_dir(path("three")) &&
		!path_exists(path("missing")) &&
	   !path_is_dir(path("missing")), "what is there, and what is a folder");
}

int main(void)
{
	char rm[128];

	if (!mkdtemp(folder)) {
		printf("Bail out! no temporary folder\n");
		return 1;
	}
	reading();
	pipes();
	mapping();
	folders();
	snprintf(rm, sizeof rm, "rm -rf '%s'", folder);
	ok(system(rm) == 0, "cleaned up");
	return done_testing();
}
