/* gguf_files.c - GGUF files on disk: shards, folders, and what is wrong with them */
#include "../tap.h"

#include "gguf_make.h"

#include <sys/stat.h>
#include <unistd.h>

static struct error err;

static char folder[64];
static const char *path_of(const char *name)
{
	static char path[2][160];
	static int i;

	snprintf(path[i ^= 1], sizeof *path, "%s/%s", folder, name);
	return path[i];
}
/* Header and zeroes for the data. */
static void save(struct make *m, const char *name)
{
	FILE *f = fopen(path_of(name), "wb");

	make_done(m);
	if (!f || fwrite(m->out.p, 1, m->out.n, f) != m->out.n)
		abort();
	for (uint64_t i = 0; i < m->data; i++)
		putc(0, f);
	fclose(f);
	make_init(m);
}
static void shard(struct make *m, unsigned no, unsigned count, unsigned total)
{
	kv_int(m, "split.no", GGUF_U16, no);
	kv_int(m, "split.count", GGUF_U16, count);
	kv_int(m, "split.tensors.count", GGUF_I32, total);
}
static void opens(const char *name, int code, const char *words, const char *what)
{
	struct gguf *g;
	int rc = gguf_open(&g, *name ? path_of(name) : folder, &make_types, &err);

	if (!ok(rc == code && (rc == OK || (strstr(err.text, words) && !g)), "%s", what))
		printf("# rc %d, want %d: %s\n", rc, code, rc ? err.text : "");
	if (rc == OK)
		ok(g->dir.n == 3 && g->n_shards == 2 && g->dir.t[2].shard == 1 && g->dir.bytes == 3 * 80, "  with the tensors of both shards");
	gguf_close(rc == OK ? g : NULL);
}

static void files(struct make *m)
{
	struct gguf *g;

	snprintf(folder, sizeof folder, "/tmp/ullage-gguf-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	opens("", E_FILE, "no .gguf model", "an empty folder");
	shard(m, 0, 2, 3);
	kv_str(m, "general.architecture", "llama");
	tensor(m, "a", 40, 0, 0);
	tensor(m, "b", 40, 0, 0);
	save(m, "m-00001-of-00002.gguf");
	opens("m-00001-of-00002.gguf", E_FILE, "m-00002-of-00002.gguf: shard 2 of 2 is missing", "a missing shard");
	shard(m, 1, 2, 3);
	tensor(m, "c", 40, 0, 0);
	save(m, "m-00002-of-00002.gguf");
	opens("m-00001-of-00002.gguf", OK, "", "by the first shard");
	opens("m-00002-of-00002.gguf", OK, "", "by the second shard");
	opens("", OK, "", "by the folder");
	tensor(m, "v", 40, 0, 0);
	save(m, "mmproj-m.gguf");
	opens("", OK, "", "an encoder beside the model does not count");
	tensor(m, "v", 40, 0, 0);
	save(m, "other.gguf");
	opens("", E_AMBIGUOUS, "2 models", "two models in a folder");
	is_u64((uint64_t)err.n_candidates, 2, "both are named");
	ok(gguf_open(&g, path_of("other.gguf"), &make_types, &err) == OK && g->dir.n == 1, "one file");
	is_u64(g->file_bytes - g->header_bytes, 96, "its data");
	gguf_close(g);
	unlink(path_of("other.gguf"));
	shard(m, 0, 2, 3);
	tensor(m, "c", 40, 0, 0);
	save(m, "m-00002-of-00002.gguf");
	opens("m-00001-of-00002.gguf", E_FILE, "split.no is 0", "a shard with the number of another");
	shard(m, 1, 3, 3);
	tensor(m, "c", 40, 0, 0);
	save(m, "m-00002-of-00002.gguf");
	opens("m-00001-of-00002.gguf", E_FILE, "split.count is 3", "a shard of another count");
	tensor(m, "c", 40, 0, 0);
	save(m, "m-00002-of-00002.gguf");
	opens("m-00001-of-00002.gguf", E_FILE, "split.count is 1", "a shard that says nothing of it");
	shard(m, 1, 2, 3);
	tensor(m, "b", 40, 0, 0);
	save(m, "m-00002-of-00002.gguf");
	opens("m-00001-of-00002.gguf", E_FILE, "tensor b is in", "a tensor in two shards");
	shard(m, 1, 2, 3);
	tensor(m, "c", 40, 0, 0);
	tensor(m, "d", 40, 0, 0);
	save(m, "m-00002-of-00002.gguf");
	opens("m-00001-of-00002.gguf", E_FILE, "split.tensors.count is 3, but the 2 shards hold 4", "more tensors than announced");
	shard(m, 1, 2, 3);
	tensor(m, "c", 40, 0, 0);
	save(m, "renamed.gguf");
	opens("renamed.gguf", E_FILE, "one of 2 shards", "a shard under another name");
	save(m, "empty");
	ok(truncate(path_of("empty"), 0) == 0 && gguf_open(&g, path_of("empty"), &make_types, &err) == E_FILE, "an empty file: %s",
		err.text);
	ok(gguf_open(&g, path_of("missing.gguf"), &make_types, &err) == E_FILE && !g, "no such file: %s", err.text);
	gguf_close(NULL);
	static const char *const all[] = { "m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "mmproj-m.gguf", "renamed.gguf", "empty" };
	for (unsigned i = 0; i < 5; i++)
		unlink(path_of(all[i]));
	rmdir(folder);
}

int main(void)
{
	struct make m = { 0 };

	make_init(&m);
	files(&m);
	make_free(&m);
	return done_testing();
}
