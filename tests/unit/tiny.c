/* The tiny models are the very bytes that the witness saw, on every machine, and every one has its golden numbers. */
#include "../tap.h"
#include "../tiny.h"

#include <dirent.h>
#include <math.h>

static uint32_t crc32_of(const char *path, unsigned long long *bytes)
{
	static uint32_t table[256];
	for (uint32_t i = 0; i < 256 && !table[255]; i++) {
		table[i] = i;
		for (int k = 0; k < 8; k++)
			table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xEDB88320u : table[i] >> 1;
	}
	FILE *f = fopen(path, "rb");
	unsigned char b[65536];
	uint32_t c = 0xFFFFFFFFu;
	*bytes = 0;
	for (size_t n; f && (n = fread(b, 1, sizeof b, f)) > 0; *bytes += n)
		for (size_t i = 0; i < n; i++)
			c = table[(c ^ b[i]) & 255] ^ c >> 8;
	if (f)
		fclose(f);
	return ~c;
}

/* What the golden file says of the model; returns how many logits "last" has, and their spread. */
static int golden(const char *path, uint32_t *crc, unsigned long long *bytes, double *tolerance, double *spread)
{
	static char line[16384];
	FILE *f = fopen(path, "r");
	int n = 0;
	double sum = 0, sum2 = 0;
	while (f && fgets(line, sizeof line, f)) {
		sscanf(line, "file %x %llu", crc, bytes);
		sscanf(line, "tolerance %lf", tolerance);
		char *s = line + 5, *end;
		for (double v; !strncmp(line, "last ", 5) && (v = strtod(s, &end), end != s); s = end, n++) {
			sum += v;
			sum2 += v * v;
		}
	}
	if (f)
		fclose(f);
	*spread = n ? sqrt(sum2 / n - sum / n * (sum / n)) : 0;
	return n;
}

int main(void)
{
	char dir[] = "/tmp/ullage-tiny-XXXXXX", text[320], path[320], gold[320];
	DIR *d = opendir("tests/tiny");
	if (!d || !mkdtemp(dir))
		return 1;
	for (struct dirent *e; (e = readdir(d));) {
		char *dot = strrchr(e->d_name, '.');
		if (!dot || strcmp(dot, ".txt"))
			continue;
		uint32_t want = 0;
		unsigned long long bytes = 0, has = 0;
		double tolerance = 0, spread = 0;
		snprintf(text, sizeof text, "tests/tiny/%s", e->d_name);
		snprintf(gold, sizeof gold, "tests/golden/tiny-%s", e->d_name);
		snprintf(path, sizeof path, "%s/m.gguf", dir);
		int logits = golden(gold, &want, &bytes, &tolerance, &spread);
		int rc = tiny_write(text, path, NULL);
		uint32_t got = crc32_of(path, &has);
		ok(!rc && got == want && has == bytes, "%s: %08x, %llu bytes; the witness had %08x, %llu", e->d_name, (unsigned)got, has, (unsigned)want, bytes);
		ok(logits == 288 && spread > 1 && tolerance > 0 && tolerance < spread / 100, "%s: %d golden logits, spread %.3g, tolerance %g", e->d_name, logits, spread, tolerance);
		remove(path);
	}
	closedir(d);
	remove(dir);
	return done_testing();
}
