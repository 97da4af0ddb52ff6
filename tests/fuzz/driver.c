/* driver.c - runs one fuzz target over its corpus without libFuzzer: a test program of `make check`
 *
 * NAME.t reads tests/fuzz/corpus/NAME, or the folder in argv[1]; one test a file. A crash is the failure; so are a folder
 * that is missing or empty and a file that cannot be read. Each input is run from a block of just its size, so that
 * a sanitizer sees a read one byte beyond it. */
#include "base/file.h"
#include "base/str.h"

#include "../tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 64 << 20 };

static void run_file(struct arena *a, const char *folder, const char *name)
{
	char *path = arena_printf(a, "%s/%s", folder, name), *bytes;
	struct error err;
	uint8_t *input;
	size_t n;

	if (!path || file_read(&bytes, &n, a, path, MAX_INPUT, &err) != OK) {
		ok(0, "%s cannot be read: %s", name, path ? err.text : "out of memory");
		return;
	}
	input = malloc(n ? n : 1);
	if (!input) {
		ok(0, "%s: out of memory", name);
		return;
	}
	memcpy(input, bytes, n);
	printf("# %s, %zu bytes\n", name, n);    /* before it runs: a crash says where */
	fflush(stdout);
	int rc = LLVMFuzzerTestOneInput(input, n);
	free(input);
	ok(rc == 0, "%s", name);
}

int main(int argc, char **argv)
{
	char name[64], folder[512];
	struct arena list = { 0 }, a = { 0 };
	struct error err;
	const char **names;

	snprintf(name, sizeof name, "%s", str_base(argv[0]));
	if (str_suffix(name, ".t"))
		name[strlen(name) - 2] = 0;
	snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name);
	if (argc > 1)
		snprintf(folder, sizeof folder, "%s", argv[1]);
	if (dir_list(&names, &list, folder, "", 0, &err) != OK)
		ok(0, "%s", err.text);
	else if (!names[0])
		ok(0, "%s is empty", folder);
	else
		for (; *names; names++) {
			run_file(&a, folder, *names);
			arena_reset(&a);
		}
	arena_free(&a);
	arena_free(&list);
	return done_testing();
}
