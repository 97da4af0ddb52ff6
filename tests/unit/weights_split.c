/* weights_split.c - a model in several files: the same logits as in one, bit for bit; a file or a tensor that is missing, or of another model, is named */
#include "../tap.h"
#include "../tiny.h"

#include "base/str.h"
#include "engine/engine.h"
#include "engine/gguf_write.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHARDS = 3, VOCAB = 288 };
static struct arena arena;
static struct quants quants;
static char folder[] = "/tmp/ullage-split-XXXXXX", path[SHARDS][64];
static struct error err;

/* Tensors [from, to) of w but the one named `less`; the first file has the metadata too. of: files that there are; 1: it is no split one. */
static int write_file(const char *file, const struct weights *w, unsigned no, unsigned of, uint32_t from, uint32_t to, const char *less)
{
	static const char zeros[GGUF_ALIGN];
	struct gguf_writer g = { .prefix = "" };
	struct gguf_buffer head = { 0 };
	FILE *f = fopen(file, "wb");
	int good;

	if (of > 1) {
		gguf_write_u32(&g, "split.no", no);
		gguf_write_u32(&g, "split.count", of);
		gguf_write_u32(&g, "split.tensors.count", w->n_stored);
	}
	for (uint32_t i = 0; i < w->gguf->n_kv && !no; i++)
		if (!str_prefix(w->gguf->kv[i].key, "split."))
			gguf_write_value(&g, &w->gguf->kv[i]);
	for (uint32_t i = from; i < to; i++)
		if (strcmp(w->stored[i].name, less))
			gguf_write_tensor(&g, &w->stored[i], (uint32_t)quants.formats[w->stored[i].format].ggml_type);
	good = gguf_write_header(&head, &g) && f && fwrite(head.p, 1, head.n, f) == head.n;
	for (uint32_t i = from; i < to && good; i++) {
		const struct stored *t = &w->stored[i];
		if (strcmp(t->name, less))
			good = fwrite(t->data, 1, (size_t)t->bytes, f) == t->bytes && fwrite(zeros, 1, (size_t)(-t->bytes % GGUF_ALIGN), f) == -t->bytes % GGUF_ALIGN;
	}
	if (f && fclose(f))
		good = 0;
	gguf_write_free(&g);
	free(head.p);
	return good;
}

static int write_shard(const char *file, const struct weights *w, unsigned no, uint32_t from, uint32_t to)
{
	return write_file(file, w, no, SHARDS, from, to, "");
}

/* Logits of the last of 24 tokens. */
static int run(float *out, struct weights *w)
{
	struct engine_options o = { .threads = 2, .ctx_tokens = 32, .ubatch = 32 };
	int32_t token[24], position[24], slot[24] = { 0 }, row = 23;
	struct step s = { 24, 1, token, position, slot, &row };
	struct engine_info info;
	struct engine *e = NULL;
	unsigned maps = 0;

	for (int32_t i = 0; i < 24; i++)
		token[i] = (7 * i + 3) % VOCAB, position[i] = i;
	int rc = engine_open(&e, w, &o, &err);
	if (rc == OK && (rc = engine_run(e, &s, &err)) == OK)
		memcpy(out, engine_logits(e, 0), VOCAB * sizeof *out);
	if (rc == OK) {
		engine_info(&info, e);
		for (uint32_t i = 0; i < info.n_regions; i++)
			maps += !strcmp(info.region[i].term, "weights");
		ok(maps >= w->n_maps, "every file is a region of weights, %u of %u", maps, w->n_maps);
	}
	engine_close(e);
	return rc;
}

static void same(struct weights *whole)
{
	float want[VOCAB], got[VOCAB];

	if (!ok(run(want, whole) == OK, "the model in one file runs"))
		return;
	for (unsigned i = 0; i <= SHARDS; i++) {
		const char *by = i < SHARDS ? path[i] : folder;
		struct weights *w = NULL;
		memset(got, 0xff, sizeof got);
		int rc = weights_open(&w, by, &quants, &err);
		if (ok(rc == OK && w->n_maps == SHARDS && w->n == whole->n && w->bytes == whole->bytes, "opened by %s", i < SHARDS ? "one of its files" : "its folder"))
			ok(run(got, w) == OK && !memcmp(want, got, sizeof got), "the same logits");
		else
			printf("# %s\n", err.text);
		weights_close(w);
	}
}

/* Each tensor left out in turn: refused, and named. */
static void missing(const struct weights *w)
{
	unsigned n = 0, good = 0;

	for (uint32_t i = 0; i < w->n_stored; i++) {
		struct weights *got = NULL;
		err = (struct error){ 0 };
		if (!write_file(path[0], w, 0, 1, 0, w->n_stored, w->stored[i].name))
			break;
		n++;
		int rc = weights_open(&got, path[0], &quants, &err);
		/* a head may be the embeddings, and factors of rotation are made from the metadata; of some the layer is named and what it then lacks */
		int optional = !strcmp(w->stored[i].name, "output.weight") || !strcmp(w->stored[i].name, "rope_freqs.weight");
		char layer[16];
		snprintf(layer, sizeof layer, "%.5s", w->stored[i].name);
		int told = optional ? rc == OK : (rc == E_FILE || rc == E_ARCH) && !got && (strstr(err.text, w->stored[i].name) || (!strncmp(layer, "blk.", 4) && strstr(err.text, layer)));
		if (!told)
			printf("# %s: %d %s\n", w->stored[i].name, rc, err.text);
		good += told;
		weights_close(got);
	}
	ok(n == w->n_stored && good == n, "each of %u tensors missing: refused by name, %u", w->n_stored, good);
}

static void refused(const char *what, const char *word)
{
	struct weights *w = NULL;

	ok(weights_open(&w, path[0], &quants, &err) == E_FILE && !w && strstr(err.text, word), "%s: %s", what, err.text);
}

int main(void)
{
	struct weights *w = NULL;
	char file[64];
	int good = 1;

	if (!mkdtemp(folder) || quants_load(&quants, &arena, "data/quants.yaml", &err) != OK)
		return 1;
	snprintf(file, sizeof file, "%s.gguf", folder);
	if (tiny_write("tests/tiny/llama.txt", file, NULL) || weights_open(&w, file, &quants, &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	for (unsigned i = 0; i < SHARDS; i++) {
		snprintf(path[i], sizeof path[i], "%s/m-%05u-of-%05u.gguf", folder, i + 1, (unsigned)SHARDS);
		good &= write_shard(path[i], w, i, w->n_stored * i / SHARDS, w->n_stored * (i + 1) / SHARDS);
	}
	if (ok(good && w->n_stored > SHARDS, "%u tensors in %u files", w->n_stored, (unsigned)SHARDS))
		same(w);
	/* a file of the same place that lacks its last tensor, one that is cut, one that is not there */
	ok(write_shard(path[2], w, 2, w->n_stored * 2 / SHARDS, w->n_stored - 1), "the last file again, a tensor short");
	refused("a tensor is in none of the files", "tensor");
	ok(write_shard(path[2], w, 2, w->n_stored * 2 / SHARDS, w->n_stored) && truncate(path[2], 4000) == 0, "and cut");
	refused("a file that is cut", "00003-of-00003");
	ok(write_shard(path[2], w, 1, w->n_stored * 2 / SHARDS, w->n_stored), "and as if it were the second");
	refused("a file that says to be another", "00003-of-00003");
	remove(path[2]);
	refused("a file that is missing", "00003-of-00003");
	remove(path[1]);
	snprintf(path[0], sizeof path[0], "%s/m.gguf", folder);
	missing(w);
	remove(path[0]);
	snprintf(path[0], sizeof path[0], "%s/m-00001-of-00003.gguf", folder);
	remove(path[0]);
	rmdir(folder);
	weights_close(w);
	unlink(file);
	arena_free(&arena);
	return done_testing();
}
