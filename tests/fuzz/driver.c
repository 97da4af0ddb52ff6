/* driver.c - runs a fuzz target over its corpus folder, without libFuzzer: one TAP line a file */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* tests/fuzz/corpus/NAME for a program .../NAME.t */
static int folder_of(char *out, size_t n, const char *program)
{
	const char *base = strrchr(program, '/');
	size_t k;

	base = base ? base + 1 : program;
	k = strcspn(base, ".");
	return snprintf(out, n, "tests/fuzz/corpus/%.*s", (int)k, base) < (int)n ? 0 : -1;
}

static int run(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t n = 0, cap = 0;

	if (!f)
		return -1;
	for (;;) {
		if (n == cap) {
			uint8_t *more = realloc(data, cap = cap ? cap * 2 : 65536);
			if (!more) {
				free(data);
				fclose(f);
				return -1;
			}
			data = more;
		}
		size_t k = fread(data + n, 1, cap - n, f);
		n += k;
		if (k == 0)
			break;
	}
	int failed = ferror(f);
	fclose(f);
	/* an allocation of exactly n bytes, so that a sanitizer sees one byte too far */
	uint8_t *exact = malloc(n ? n : 1);
	if (exact && !failed) {
		memcpy(exact, data, n);
		LLVMFuzzerTestOneInput(exact, n);
	}
	failed |= !exact;
	free(exact);
	free(data);
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	char folder[512], path[1024];
	unsigned n = 0, bad = 0;
	struct dirent *d;
	DIR *dir;

	if (argc < 1 || folder_of(folder, sizeof folder, argv[0]) || !(dir = opendir(folder))) {
		printf("not ok 1 - no corpus folder %s\n1..1\n", folder);
		return 1;
	}
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
		int failed = run(path);
		bad += failed != 0;
		printf("%sok %u - %s\n", failed ? "not " : "", ++n, path);
		fflush(stdout);
	}
	closedir(dir);
	printf("1..%u\n", n);
	return bad || !n;
}
