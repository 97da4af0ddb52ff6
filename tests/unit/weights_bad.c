/* weights_bad.c - files that are not what they say: each is refused by name, none is read past its end */
#include "base/file.h"
#include "catalog/catalog.h"
#include "engine/weights_private.h"
#include "tiny_spec.h"

#include "../tap.h"
#include "../tiny.h"

#include <unistd.h>

static const struct quants *quants;
static struct error err;
static unsigned char *file;
static size_t n_file;

/* A small model's file, in memory. */
static int make_file(struct catalog *c, const char *id, const char *recipe)
{
	const char *folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	struct dummy_options o = { .seed = 1 };
	const struct model_entry *e;
	const struct recipe *r;
	struct arena a = { 0 };
	struct weights *w = NULL;
	char path[512], *bytes;
	int rc;

	snprintf(path, sizeof path, "%s/weights-bad-%ld.gguf", folder, (long)getpid());
	if ((rc = catalog_model(&e, c, id, &err)) == OK && (rc = recipe_find(&r, quants, recipe, NULL, &err)) == OK &&
		(rc = weights_dummy(&w, tiny_spec(&a, e->spec), r, &o, quants, &err)) == OK && (rc = weights_save(w, path, &err)) == OK &&
		(rc = file_read(&bytes, &n_file, &a, path, (size_t)64 << 20, &err)) == OK) {
		free(file);
		file = malloc(n_file);
		if (file)
			memcpy(file, bytes, n_file);
	}
	remove(path);
	weights_close(w);
	arena_free(&a);
	return rc;
}

static size_t find(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= n_file; i++)
		if (!memcmp(file + i, text, n))
			return i;
	return 0;
}

/* What opening so many bytes of the file gives; from a block of just that size, so that a sanitizer sees one read too many. */
static int open_bytes(size_t n)
{
	unsigned char *copy = malloc(n ? n : 1);
	struct weights *w;
	int rc;

	if (!copy)
		return E_NOMEM;
	memcpy(copy, file, n);
	rc = weights_of_bytes(&w, "bad.gguf", copy, n, quants, &err);
	if (rc == OK)
		weights_close(w);
	free(copy);
	return rc;
}

static void refused(int code, const char *what, const char *name)
{
	int rc = open_bytes(n_file);

	if (!ok(rc == code && strstr(err.text, what) && strstr(err.text, "bad.gguf"), "%s: %s", name, rc == OK ? "accepted" : err.text))
		printf("# code %d, wanted %d and \"%s\"\n", rc, code, what);
}

/* A tensor's type number follows its name, the number of its dimensions and these. */
static size_t type_at(const char *name, unsigned dims) { return find(name) + strlen(name) + 4 + 8 * dims; }

static void test_tensors(void)
{
	size_t at;
	unsigned char keep[8];

	is_u64((uint64_t)open_bytes(n_file), OK, "the file as it was written");
	at = find("blk.1.ffn_down.weight");
	file[at + 10] = 'x';
	refused(E_ARCH, "ffn_down", "a tensor missing");
	file[at + 10] = 'd';
	at = find("blk.1.attn_norm.weight");
	file[at + 6] = 'X';
	refused(E_ARCH, "blk.1.Xttn_norm.weight", "a tensor that nothing reads");
	file[at + 6] = 'a';
	at = type_at("blk.1.attn_k.weight", 2) - 8;
	memcpy(keep, file + at, 8);
	file[at] = (unsigned char)(file[at] >> 1);
	refused(E_ARCH, "blk.1.attn_k.weight", "one of another shape");
	memcpy(file + at, keep, 8);
	at = type_at("blk.0.attn_norm.weight", 1) - 8;
	memcpy(keep, file + at, 8);
	file[at + 1] = 0;
	file[at] = 0x80;
	refused(E_ARCH, "blk.0.attn_norm.weight", "a norm half as long");
	memcpy(file + at, keep, 8);
	at = type_at("blk.1.ffn_up.weight", 2);
	memcpy(keep, file + at, 4);
	file[at] = 200;
	refused(E_FORMAT, "200", "a type that is not known");
	file[at] = 34;                           /* TQ1_0: blocks of 256, smaller than what is there */
	refused(E_FORMAT, "TQ1_0", "a type that no kernel reads");
	memcpy(file + at, keep, 4);
	at = find("general.architecture");
	at += strlen("general.architecture") + 4 + 8;
	memcpy(keep, file + at, 5);
	memcpy(file + at, "llamb", 5);
	is_u64((uint64_t)(open_bytes(n_file) != OK), 1, "an architecture that nobody knows: %s", err.text);
	memcpy(file + at, keep, 5);
	is_u64((uint64_t)open_bytes(n_file), OK, "the file is whole again");
}

static void test_truncated(void)
{
	unsigned accepted = 0, other = 0, n = 0;

	for (size_t i = 0; i < n_file; i += i < 8192 ? 97 : n_file / 61 + 1) {
		int rc = open_bytes(i);
		accepted += rc == OK;
		other += rc != E_FILE;
		n++;
	}
	accepted += open_bytes(n_file - 64) == OK;
	is_u64(accepted, 0, "none of %u cut files is accepted", n);
	is_u64(other, 0, "each is a bad file");
}

/* Latent attention's keys and values in one tensor, as files from before April 2025 have them. */
static void test_whole_kv_b(void)
{
	const char *folder = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char text[512], path[512], line[256];
	struct weights *w = NULL;

	snprintf(text, sizeof text, "%s/weights-kv-%ld.txt", folder, (long)getpid());
	snprintf(path, sizeof path, "%s/weights-kv-%ld.gguf", folder, (long)getpid());
	FILE *in = fopen("tests/tiny/deepseek2.txt", "r"), *out = fopen(text, "w");
	while (in && out && fgets(line, sizeof line, in))
		if (!strstr(line, "attn_v_b"))
			fputs(strstr(line, "attn_k_b") ? "tensor 0-2 attn_kv_b.weight f32 0.25 0 40 224\n" : line, out);
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	int rc = tiny_write(text, path, NULL) ? E_IO : weights_open(&w, path, quants, &err);
	if (!ok(rc == E_ARCH && strstr(err.text, "blk.0.attn_kv_b.weight"), "kv_b whole: %s", rc == OK ? "accepted" : err.text))
		weights_close(rc == OK ? w : NULL);
	remove(text);
	remove(path);
}

/* Single bytes of the header changed: refused or harmless, never read outside (the sanitizers' business). */
static void test_flips(void)
{
	uint64_t x = 12345;
	unsigned opened = 0, tried = 1500;
	size_t head = find("output_norm.weight") ? find("output_norm.weight") + 400 : 4096;

	for (unsigned i = 0; i < tried; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		size_t at = (size_t)(x >> 33) % (head < n_file ? head : n_file);
		unsigned char was = file[at];
		file[at] = (unsigned char)(x >> 20);
		opened += open_bytes(n_file) == OK;
		file[at] = was;
	}
	ok(opened < tried, "%u of %u files with one byte changed still open", opened, tried);
}

int main(void)
{
	struct catalog *c;

	if (setenv("ULLAGE_DATA", ".", 0) || catalog_open(&c, NULL, &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	quants = catalog_quants(c);
	if (ok(make_file(c, "llama-3.2-1b-instruct", "q8_0") == OK, "a small Llama: %s", err.text)) {
		test_tensors();
		test_truncated();
		test_flips();
	}
	if (ok(make_file(c, "deepseek-v2-lite", "q8_0") == OK, "a small DeepSeek: %s", err.text))
		test_flips();
	test_whole_kv_b();
	free(file);
	catalog_close(c);
	return done_testing();
}
