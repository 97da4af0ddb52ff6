/* engine_cpu.c - the CPU backend from inside: where memory comes from and goes, and ops whose numbers are none */
#define _DEFAULT_SOURCE 1                /* MAP_ANONYMOUS */
#include "engine_tiny.h"

#include "base/file.h"
#include "engine/bind.h"
#include "engine/cpu.h"
#include "engine/weights_private.h"

#include <sys/mman.h>

enum { VOCAB = 288 };
static struct arena arena;
static struct quants quants;

static struct { const void *at; uint64_t bytes, nodes; unsigned calls; } placed;
static int fake_bind(void *at, uint64_t bytes, uint64_t nodes)
{
	placed.at = at;
	placed.bytes = bytes;
	placed.nodes = nodes;
	placed.calls++;
	return 0;
}

/* A program as on a machine whose threads are on a set of nodes; the logits of a few tokens. */
struct on { struct device *dev; struct bound b; struct buffer *states; struct program *p; float logits[3][VOCAB]; };
static int on_nodes(struct on *x, const struct weights *w, uint64_t set, struct error *err)
{
	static const int32_t token[3] = { 5, 77, 201 }, position[3] = { 0, 1, 2 }, slot[3] = { 1, 1, 1 }, row[3] = { 0, 1, 2 };
	const struct step s = { 3, 3, token, position, slot, row };
	struct engine_options o = { .threads = 2 };
	struct limits lim = { .max_tokens = 8, .max_outputs = 3, .slots = 2, .ctx_tokens = 64 };
	int rc;

	*x = (struct on){ 0 };
	placed.calls = 0;
	if ((rc = bind_model(&x->b, w, &lim, KF_F16, KF_F16, err)) != OK || (rc = backend_cpu.open(&x->dev, &o, err)) != OK)
		return rc;
	x->dev->nodes = set;
	x->dev->bind = fake_bind;
	if ((rc = backend_cpu.alloc(&x->states, x->dev, x->b.binding.kv_bytes + x->b.binding.state_bytes, err)) != OK ||
	    (rc = backend_cpu.prepare(&x->p, x->dev, x->b.op, x->b.n, &x->b.binding, x->states, &x->b.limits, err)) != OK || (rc = backend_cpu.run(x->p, &s, err)) != OK)
		return rc;
	for (unsigned i = 0; i < 3; i++)
		memcpy(x->logits[i], backend_cpu.logits(x->p) + i * VOCAB, sizeof x->logits[i]);
	return OK;
}
static void off(struct on *x)
{
	backend_cpu.drop(x->p);
	backend_cpu.free(x->states);
	backend_cpu.close(x->dev);
	bound_free(&x->b);
}

/* Caches and states are spread over the nodes that threads are on; what the kernels do not repack is copied by who reads it. Nothing of this on one node. */
static void nodes(const char *name)
{
	struct weights *w = tiny_open(&quants, name);
	static struct on one, two;
	struct error err = { 0 };
	int rc = w ? on_nodes(&one, w, 4, &err) : E_FILE;

	if (!ok(rc == OK, "%s: a program on one node", name))
		printf("# %s\n", err.text);
	is_u64(placed.calls, 0, "%s: nothing is placed", name);
	rc = w ? on_nodes(&two, w, 5, &err) : E_FILE;
	if (!ok(rc == OK, "%s: a program on two nodes", name))
		printf("# %s\n", err.text);
	if (rc == OK) {
		struct program_info a, b;
		ok(placed.calls == 1 && placed.at == two.states->host && placed.bytes == two.states->bytes && placed.nodes == 5, "%s: all of the states are placed, and nothing else", name);
		backend_cpu.program_info(&a, one.p);
		backend_cpu.program_info(&b, two.p);
		ok(b.repacked_bytes > a.repacked_bytes && b.repacked_bytes > w->bytes / 2, "%s: %llu bytes of %llu are kept apart, on one node %llu", name, (unsigned long long)b.repacked_bytes,
			(unsigned long long)w->bytes, (unsigned long long)a.repacked_bytes);
		ok(!memcmp(one.logits, two.logits, sizeof one.logits), "%s: and the logits are the same", name);
	}
	off(&one);
	off(&two);
	weights_close(w);
}

/* Caches that the memory has no room for are refused before anything is touched. */
static void room(struct weights *w)
{
	struct engine_options o = { .threads = 1, .ctx_tokens = INT32_MAX, .slots = 256, .ubatch = 256 };
	struct engine *e = NULL;
	struct error err = { 0 };
	int rc = engine_open(&e, w, &o, &err);

	if (!ok(rc == E_NOMEM && !e, "no caches of more than there is: %s", err.text))
		printf("# %d\n", rc);
	ok(!memory_free_now() || strstr(err.text, "free now"), "it says how much is free");
	engine_close(e);
}

/* Weights in memory that the caller owns are as they were, though the program has a copy. */
static void borrowed(const char *name)
{
	const char *path = tiny_make(name);
	struct arena a = { 0 };
	struct weights *w = NULL;
	static struct on x;
	struct error err = { 0 };
	char *bytes = NULL, *copy;
	size_t n = 0;
	int rc = path ? file_read(&bytes, &n, &a, path, 1 << 28, &err) : E_IO;

	if (path)
		unlink(path);
	copy = rc == OK ? malloc(n) : NULL;
	if (copy) {
		memcpy(copy, bytes, n);
		if ((rc = weights_of_bytes(&w, name, bytes, n, &quants, &err)) == OK)
			rc = on_nodes(&x, w, 3, &err);
	}
	if (!ok(copy && rc == OK && x.p && x.p->repacked_bytes, "%s opens from memory and is copied", name))
		printf("# %s\n", err.text);
	off(&x);
	weights_close(w);
	ok(copy && !memcmp(bytes, copy, n), "%s: its bytes are still there", name);
	free(copy);
	arena_free(&a);
}

/* Weights that are memory, and no file: what is not copied is not let go of. */
static void in_memory(const char *name)
{
	const char *path = tiny_make(name);
	struct arena a = { 0 };
	struct weights *file = NULL, *w = NULL;
	struct weights_map map;
	static struct on want, x;
	struct error err = { 0 };
	char *bytes = NULL;
	void *p = MAP_FAILED;
	size_t n = 0;
	int rc = path && weights_open(&file, path, &quants, &err) == OK ? file_read(&bytes, &n, &a, path, 1 << 28, &err) : E_IO;

	if (path)
		unlink(path);
	if (rc == OK && (rc = on_nodes(&want, file, 1, &err)) == OK) {
		p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		rc = p == MAP_FAILED ? E_NOMEM : OK;
	}
	if (rc == OK) {
		memcpy(p, bytes, n);
		map = (struct weights_map){ p, n };
		if ((rc = weights_of_bytes(&w, name, p, n, &quants, &err)) == OK) {
			w->map = &map;
			w->n_maps = 1;
			w->made = 1;
			rc = on_nodes(&x, w, 3, &err);
			w->n_maps = 0;
		}
	}
	if (!ok(rc == OK && x.p && x.p->repacked_bytes && !memcmp(want.logits, x.logits, sizeof x.logits), "%s, held in memory and copied: the same logits", name))
		printf("# %s\n", err.text);
	off(&want);
	off(&x);
	weights_close(w);
	weights_close(file);
	if (p != MAP_FAILED)
		munmap(p, n);
	arena_free(&a);
}

/* An indexer's choice never outgrows its list, whatever the scores are. */
static void choices(void)
{
	enum { SEEN = 200, DIM = 32, TOP = 7, ROOM = 4 * SEEN };
	struct device dev = { .ops = ops_best("scalar"), .threads = 1 };
	struct part part = { .type = PART_GQA, .u.gqa = { .kv_heads = 1, .index = { .q_heads = 1, .dim = DIM, .block_tokens = 1, .top_blocks = TOP } } };
	struct state_block st = { .kernel_format = KF_F32, .entries = SEEN, .row = DIM, .heads = 1, .row_bytes = DIM * sizeof(float) };
	static float key[SEEN][DIM], scratch[DIM + 2 * SEEN];
	static union { float f; uint32_t u; } out[ROOM];
	float q[DIM] = { 1 };
	int32_t position = SEEN - 1, slot = 0;
	struct step step = { .n_tokens = 1, .position = &position, .slot = &slot };
	struct program p = { .dev = &dev, .lim = { .ctx_tokens = SEEN }, .kv = (unsigned char *)key, .scratch = (unsigned char *)scratch, .step = &step, .tokens = 1, .mode = ONE };
	struct hyper hyper = { 0 };
	struct xop x = { .run = run_index, .part = &part, .in = { q }, .out = { &out[0].f }, .n_in = { DIM }, .n_out = { TOP + 1 }, .state = { &st, &st } };
	uint64_t seed = 1;
	unsigned rounds = 0, wrong = 0, unordered = 0;

	p.hyper = &hyper;
	for (; rounds < 2000; rounds++) {
		unsigned odd = rounds % 20;              /* so many in a hundred are no numbers */
		for (unsigned i = 0; i < SEEN; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			key[i][0] = seed >> 33 & 1 ? (float)(seed >> 40) : (float)(seed >> 60);
			if ((seed >> 20) % 100 < odd)
				key[i][0] = seed >> 35 & 1 ? NAN : INFINITY;
		}
		for (unsigned i = 0; i < ROOM; i++)
			out[i].u = 0xdeadbeef;
		run_index(&p, &x, 0);
		wrong += out[0].u > TOP || (!odd && out[0].u != TOP);
		for (unsigned i = TOP + 1; i < ROOM; i++)
			wrong += out[i].u != 0xdeadbeef;
		for (unsigned i = 1; i < out[0].u && i < TOP; i++)
			unordered += out[i].u >= out[i + 1].u || out[i + 1].u >= SEEN;
	}
	is_u64(wrong, 0, "%u lists of the %u best: never longer, and as long when all scores are numbers", rounds, (unsigned)TOP);
	is_u64(unordered, 0, "and in rising order");
}

/* A scaled branch is added to the stream also where the sum takes the branch's place. */
static void scaled_add(void)
{
	static float x[3][48], y[3][48], z[3][48];
	struct device dev = { .ops = ops_best("scalar"), .threads = 1 };
	struct hyper hyper = { .residual_scale = 0.25 };
	struct program p = { .dev = &dev, .hyper = &hyper, .tokens = 3, .mode = MANY };
	struct op op = { .kind = OP_ADD, .residual = 1 };
	struct bound_op bound = { .op = &op };
	float *const places[] = { &z[0][0], &x[0][0], &y[0][0] };
	static const char *const names[] = { "elsewhere", "in the stream's place", "in the branch's" };

	for (unsigned k = 0; k < 3; k++) {
		unsigned wrong = 0;
		for (unsigned i = 0; i < 3 * 48; i++) {
			(&x[0][0])[i] = (float)i;
			(&y[0][0])[i] = (float)(4 * i + 8);
			(&z[0][0])[i] = NAN;
		}
		struct xop o = { .run = run_add, .b = &bound, .in = { &x[0][0], &y[0][0] }, .out = { places[k] }, .n_in = { 48, 48 }, .n_out = { 48 } };
		run_add(&p, &o, 0);
		for (unsigned i = 0; i < 3 * 48; i++)
			wrong += !(places[k][i] == (float)(2 * i + 2));
		is_u64(wrong, 0, "the stream and a quarter of the branch, %s", names[k]);
	}
}

int main(void)
{
	struct error err = { 0 };

	if (quants_load(&quants, &arena, "data/quants.yaml", &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	static const char *const some[] = { "qwen35moe", "llama-bf16", "gemma3", "gpt-oss", "deepseek2" };
	for (unsigned i = 0; i < sizeof some / sizeof *some; i++)
		nodes(some[i]);
	struct weights *w = tiny_open(&quants, "gemma3");
	if (w)
		room(w);
	weights_close(w);
	borrowed("llama-bf16");
	in_memory("llama-bf16");
	in_memory("gpt-oss");
	choices();
	scaled_add();
	arena_free(&arena);
	return done_testing();
}
