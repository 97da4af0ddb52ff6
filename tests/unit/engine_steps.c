/* Steps that the engine must refuse, slots that are cleared, windows that wrap, and memory that stays as it is after engine_open(). */
#include "engine_tiny.h"

#include "engine/weights_private.h"
#include "formats.h"

#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#endif

/* Calls of the allocator, counted: glibc lets a program have its own and call the usual one by other names. */
#if defined __GLIBC__ && !defined SANITIZED
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#define COUNTS 1
static atomic_ulong allocations;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t to, size_t n);
long syscall(long number, ...);
void *malloc(size_t n) { atomic_fetch_add(&allocations, 1); return __libc_malloc(n); }
void *calloc(size_t n, size_t size) { atomic_fetch_add(&allocations, 1); return __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { atomic_fetch_add(&allocations, 1); return __libc_realloc(p, n); }
void *aligned_alloc(size_t to, size_t n) { atomic_fetch_add(&allocations, 1); return __libc_memalign(to, n); }
int posix_memalign(void **p, size_t to, size_t n)
{
	atomic_fetch_add(&allocations, 1);
	*p = __libc_memalign(to, n);
	return *p ? 0 : ENOMEM;
}
/* what the engine maps itself, also where it gives it back before anybody looks */
void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
	atomic_fetch_add(&allocations, 1);
	return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, from);
}
#else
static unsigned long allocations;
#endif

enum { VOCAB = 288, CTX = 48, UBATCH = 8, OUTPUTS = 4 };
static struct arena arena;
static struct quants quants;

/* Pages of address space, so that maps are seen too; 0: the system does not say. */
static unsigned long mapped(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages;
}

static struct engine_options usual(void)
{
	return (struct engine_options){ .backend = "cpu", .threads = 2, .ctx_tokens = CTX, .slots = 3, .ubatch = UBATCH, .outputs = OUTPUTS };
}
static struct engine *open_engine(struct weights *w, const struct engine_options *o)
{
	struct engine *e = NULL;
	struct error err = { 0 };

	if (!ok(w && engine_open(&e, w, o, &err) == OK, "an engine opens"))
		printf("# %s\n", err.text);
	return e;
}
/* One token of a slot, with its logits. */
static int one(struct engine *e, int32_t token, int32_t position, int32_t slot, float *out, struct error *err)
{
	int32_t row = 0;
	struct step s = { 1, 1, &token, &position, &slot, &row };
	int rc = engine_run(e, &s, err);

	if (rc == OK && out)
		memcpy(out, engine_logits(e, 0), VOCAB * sizeof *out);
	return rc;
}

static void hostile(struct weights *w)
{
	/* slot 0 stands at position 2 and slot 1 at 0 when these come */
	static const struct { const char *what; uint32_t n, outputs; int32_t token[12], position[12], slot[12], row[12]; } bad[] = {
		{ "no tokens", 0, 0, { 0 }, { 2 }, { 0 }, { 0 } },
		{ "no tokens, but an output", 0, 1, { 0 }, { 2 }, { 0 }, { 0 } },
		{ "more tokens than a step may have", 9, 0, { 0 }, { 2, 3, 4, 5, 6, 7, 8, 9, 10 }, { 0 }, { 0 } },
		{ "more outputs than were asked for", 5, 5, { 0 }, { 2, 3, 4, 5, 6 }, { 0 }, { 0, 1, 2, 3, 4 } },
		{ "the first token outside the vocabulary", 1, 1, { VOCAB }, { 2 }, { 0 }, { 0 } },
		{ "a token far outside", 2, 1, { 1, INT32_MAX }, { 2, 3 }, { 0 }, { 0 } },
		{ "a negative token", 2, 1, { 1, -1 }, { 2, 3 }, { 0 }, { 0 } },
		{ "a position left out", 1, 1, { 1 }, { 3 }, { 0 }, { 0 } },
		{ "a position again", 1, 1, { 1 }, { 1 }, { 0 }, { 0 } },
		{ "a negative position", 1, 1, { 1 }, { -1 }, { 0 }, { 0 } },
		{ "a gap within a step", 3, 1, { 1, 1, 1 }, { 2, 3, 5 }, { 0 }, { 0 } },
		{ "positions that fall", 2, 1, { 1, 1 }, { 2, 1 }, { 0 }, { 0 } },
		{ "another slot's position", 1, 1, { 1 }, { 2 }, { 1 }, { 0 } },
		{ "the first slot that there is not", 1, 1, { 1 }, { 0 }, { 3 }, { 0 } },
		{ "a negative slot", 1, 1, { 1 }, { 0 }, { -1 }, { 0 } },
		{ "a good token and then a slot far outside", 2, 1, { 1, 1 }, { 2, 0 }, { 0, INT32_MAX }, { 0 } },
		{ "tokens of a slot that are apart", 3, 1, { 1, 1, 1 }, { 2, 0, 3 }, { 0, 1, 0 }, { 0 } },
		{ "an output row beyond the step", 1, 1, { 1 }, { 2 }, { 0 }, { 1 } },
		{ "a negative output row", 1, 1, { 1 }, { 2 }, { 0 }, { -1 } },
	};
	struct engine_options o = usual();
	struct engine *a = open_engine(w, &o), *b = open_engine(w, &o);
	struct error err = { 0 };
	float want[VOCAB], got[VOCAB];

	if (!a || !b)
		return;
	for (unsigned k = 0; k < sizeof bad / sizeof *bad; k++) {
		engine_clear(a, 0);
		engine_clear(b, 0);
		for (int32_t t = 0; t < 2; t++)
			if (one(a, 40 + t, t, 0, NULL, &err) != OK || one(b, 40 + t, t, 0, NULL, &err) != OK)
				printf("# %s\n", err.text);
		struct step s = { bad[k].n, bad[k].outputs, bad[k].token, bad[k].position, bad[k].slot, bad[k].row };
		err = (struct error){ 0 };
		int rc = engine_run(b, &s, &err);
		if (!ok(rc == E_USAGE && *err.text, "refused: %s", bad[k].what))
			printf("# %d: %s\n", rc, err.text);
		rc = one(a, 77, 2, 0, want, &err);
		ok(rc == OK && one(b, 77, 2, 0, got, &err) == OK && !memcmp(want, got, sizeof got), "... and nothing has changed");
	}
	engine_close(a);
	engine_close(b);
}

static void full_context(struct weights *w)
{
	struct engine_options o = usual();
	struct engine *e = open_engine(w, &o);
	struct error err = { 0 };
	float first[VOCAB], again[VOCAB];
	int rc = OK;

	if (!e)
		return;
	rc = one(e, 9, 0, 1, first, &err);
	for (int32_t t = 1; t < CTX && rc == OK; t++)
		rc = one(e, t, t, 1, NULL, &err);
	ok(rc == OK, "a context is filled to the last token");
	rc = one(e, 1, CTX, 1, NULL, &err);
	ok(rc == E_USAGE && strstr(err.text, "full"), "one token more is refused: %s", err.text);
	ok(one(e, 9, 0, 2, again, &err) == OK && !memcmp(first, again, sizeof first), "another slot has its own");
	engine_clear(e, 1);
	ok(one(e, 9, 0, 1, again, &err) == OK && !memcmp(first, again, sizeof first), "cleared, the slot begins again");
	engine_clear(e, 3);
	engine_clear(e, UINT32_MAX);
	ok(one(e, 9, 1, 1, again, &err) == OK, "clearing a slot that there is not clears nothing");
	engine_close(e);
}

/* The same tokens a second time after other ones, in a slot that was cleared: bit for bit as before, while the neighbour goes on. */
static void cleared(const char *name)
{
	static float want[TINY_TOKENS][VOCAB], neighbour[TINY_TOKENS][VOCAB], got[VOCAB];
	struct weights *w = tiny_open(&quants, name);
	struct engine_options o = usual();
	struct engine *e = open_engine(w, &o);
	struct error err = { 0 };
	int same = 1, beside = 1, rc = OK;

	for (int32_t t = 0; e && t < 24 && rc == OK; t++)
		rc = one(e, 5 * t + 1, t, 0, want[t], &err);
	for (int32_t t = 0; e && t < 24 && rc == OK; t++)
		rc = one(e, 7 * t + 2, t, 2, neighbour[t], &err);
	for (int round = 0; e && round < 2; round++) {
		engine_clear(e, 0);
		if (!round)
			engine_clear(e, 2);
		for (int32_t t = 0; t < 24 && rc == OK; t++) {
			rc = one(e, round ? 5 * t + 1 : 250 - 3 * t, t, 0, got, &err);
			same &= !round || !memcmp(got, want[t], sizeof got);
			if (rc == OK && t < 12) {
				rc = one(e, 7 * (t + 12 * round) + 2, t + 12 * round, 2, got, &err);
				beside &= !memcmp(got, neighbour[t + 12 * round], sizeof got);
			}
		}
	}
	if (!ok(e && rc == OK && same, "%s: a cleared slot gives the same logits again", name))
		printf("# %s\n", err.text);
	ok(beside, "%s: and its neighbour is not disturbed", name);
	engine_close(e);
	weights_close(w);
}

/* A ring of a window and a step holds all that a token sees, wherever it wraps: llama.cpp's logits at every step length. */
static void wraps(const char *name)
{
	static struct golden g;
	struct weights *w = tiny_open(&quants, name);
	struct error err = { 0 };

	if (!ok(golden_read(&g, name), "%s: golden is there", name))
		return;
	for (uint32_t u = 1; u <= 32; u = u * 2 + (u > 4)) {
		struct engine_options o = { .backend = "ref", .threads = 1, .ctx_tokens = 512, .slots = 1, .ubatch = u, .outputs = u };
		struct engine *e = open_engine(w, &o);
		double off = e ? 0 : INFINITY;
		for (uint32_t at = 0; e && at < g.n; at += u) {
			int32_t position[64], slot[64] = { 0 }, row[64];
			uint32_t n = g.n - at < u ? g.n - at : u;
			for (uint32_t i = 0; i < n; i++)
				position[i] = (int32_t)(at + i), row[i] = (int32_t)i;
			struct step s = { n, n, g.token + at, position, slot, row };
			if (engine_run(e, &s, &err) != OK)
				off = INFINITY;
			for (uint32_t i = 0; i < n && off < INFINITY; i++)
				off = fmax(off, golden_off(&g, at + i, engine_logits(e, i), VOCAB));
		}
		if (!ok(off <= g.tolerance, "%s: steps of %u, %.2g off", name, (unsigned)u, off))
			printf("# %s\n", err.text);
		engine_close(e);
	}
	weights_close(w);
}

/* Nothing is allocated between engine_open() and engine_close(), whatever the steps. */
static void allocates_nothing(const char *name)
{
	struct weights *w = tiny_open(&quants, name);
	struct engine_options o = usual();
	struct engine *e = open_engine(w, &o);
	struct error err = { 0 };
	int rc = e ? OK : E_NOMEM;

	(void)mapped();                          /* stdio's own buffer */
	unsigned long pages = mapped(), before = allocations;
	for (int32_t t = 0; t + 4 < CTX && rc == OK; t += 4) {
		int32_t token[7] = { 1, 2, 3, 4, 5, 6, 7 }, position[7] = { t, t + 1, t + 2, t + 3, t / 2, t / 2 + 1, t / 4 }, slot[7] = { 0, 0, 0, 0, 1, 1, 2 }, row[3] = { 3, 5, 6 };
		struct step s = { 7, 3, token, position, slot, row };
		rc = engine_run(e, &s, &err);
	}
	for (int32_t t = 0; t < 8 && rc == OK; t++) {
		if (!t)
			engine_clear(e, 0);
		rc = one(e, 3, t, 0, NULL, &err);
	}
	unsigned long after = allocations;
	if (!ok(rc == OK, "%s: steps of three slots", name))
		printf("# %s\n", err.text);
#ifdef COUNTS
	is_u64(after - before, 0, "%s: the allocator is not called after engine_open()", name);
	is_u64(mapped(), pages, "%s: and no memory is mapped", name);
#else
	(void)before, (void)after, (void)pages;
	skip("a sanitizer has the allocator", "%s: allocations", name);
#endif
	engine_close(e);
	weights_close(w);
}

static void opens(struct weights *w)
{
	static const struct { const char *what; struct engine_options o; int rc; } bad[] = {
		{ "a backend that there is not", { .backend = "tpu" }, E_USAGE },
		{ "an instruction set that there is not", { .isa = "mmx" }, E_NODEV },
		{ "more sequences than a step has tokens", { .slots = 9, .ubatch = 8 }, E_USAGE },
		{ "more outputs than a step has tokens", { .ubatch = 8, .outputs = 9 }, E_USAGE },
		{ "keys in a format for weights", { .kv_k = KF_Q4_0, .kv_v = KF_F16 }, E_FORMAT },
		{ "values in a format that there is not", { .kv_k = KF_F16, .kv_v = 12345 }, E_FORMAT },
		{ "a context that positions cannot count", { .ctx_tokens = UINT64_C(1) << 40 }, E_USAGE },
		{ "a context that overflows", { .ctx_tokens = UINT64_MAX }, E_USAGE },
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct engine *e = NULL;
		struct error err = { 0 };
		int rc = engine_open(&e, w, &bad[i].o, &err);
		if (!ok(rc == bad[i].rc && !e && *err.text, "not opened: %s", bad[i].what))
			printf("# %d: %s\n", rc, err.text);
		engine_close(e);
	}
	engine_close(NULL);
}

/* A cache a twentieth larger than what is free: Linux would hand it out, and end the program once tokens fill it. */
static void too_large(const char *name)
{
	struct weights *w = tiny_open(&quants, name);
	struct engine_options o = { .kv_k = KF_F32, .kv_v = KF_F32, .ctx_tokens = 1024, .threads = 1 };
	struct engine *e = NULL;
	struct engine_info info;
	struct error err = { 0 };
	const uint64_t free_now = memory_free_now();

	if (!free_now || !w || engine_open(&e, w, &o, &err) != OK) {
		skip(*err.text ? err.text : "the system does not say what is free", "a cache that does not fit");
		weights_close(w);
		return;
	}
	engine_info(&info, e);
	engine_close(e);
	o.slots = 64;
	o.ctx_tokens = free_now / 20 * 21 / (info.kv_bytes / info.ctx_tokens) / o.slots;
	int rc = engine_open(&e, w, &o, &err);
	ok(rc == E_NOMEM && !e && strstr(err.text, "is free now"), "a cache that does not fit what is free: %s", err.text);
	engine_close(e);
	weights_close(w);
}

int main(void)
{
	struct error err = { 0 };

	if (quants_load(&quants, &arena, "data/quants.yaml", &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	too_large("llama");
	struct weights *w = tiny_open(&quants, "gemma3");
	if (w) {
		opens(w);
		hostile(w);
		full_context(w);
	}
	weights_close(w);
	if ((w = tiny_open(&quants, "gpt2"))) {           /* a table of 64 positions */
		struct engine_options o = usual();
		struct engine *e = NULL;
		o.ctx_tokens = 65;
		ok(engine_open(&e, w, &o, &err) == E_USAGE && !e, "no context beyond the table of positions: %s", err.text);
		o.ctx_tokens = 64;
		if (ok(engine_open(&e, w, &o, &err) == OK, "a context of all its positions")) {
			int rc = OK;
			for (int32_t t = 0; t < 64 && rc == OK; t++)
				rc = one(e, t, t, 0, NULL, &err);
			ok(rc == OK && one(e, 1, 64, 0, NULL, &err) == E_USAGE, "it is filled and no further");
		}
		engine_close(e);
	}
	weights_close(w);
	static const char *const stateful[] = { "qwen35moe", "nemotron_h", "lfm2", "kimi-linear", "gpt-oss", "deepseek32" };
	for (unsigned i = 0; i < sizeof stateful / sizeof *stateful; i++)
		cleared(stateful[i]);
	static const char *const windows[] = { "gemma3", "gpt-oss", "gemma4", "llama4", "exaone4-window" };
	for (unsigned i = 0; i < sizeof windows / sizeof *windows; i++)
		wraps(windows[i]);
	static const char *const all[] = { "gemma4", "gemma4-moe", "deepseek32", "qwen3next", "falcon-h1" };
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		allocates_nothing(all[i]);
	arena_free(&arena);
	return done_testing();
}
