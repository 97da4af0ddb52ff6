/* arena.c - zeroed, aligned, overflow refused, failures reported, reset and free */
#include "../tap.h"

#include "base/arena.h"

static int zeroed(const unsigned char *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return n == 0;
}

static void allocations(void)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 100, 16 * 1024, 16 * 1024 + 1, 3 << 20, 1 };
	struct arena a = { 0 };
	unsigned aligned = 0, clean = 0;
	unsigned char *p[sizeof sizes / sizeof *sizes];
	size_t n = sizeof sizes / sizeof *sizes, whole = 0;

	for (size_t i = 0; i < n; i++) {
		p[i] = arena_alloc(&a, sizes[i]);
		if (!ok(p[i] != NULL, "%zu bytes", sizes[i]))
			return;
		aligned += (uintptr_t)p[i] % 16 == 0;
		clean += zeroed(p[i], sizes[i]);
		memset(p[i], (int)i + 1, sizes[i]);
	}
	is_u64(aligned, n, "all are aligned to 16");
	is_u64(clean, n, "all are zeroed");
	for (size_t i = 0; i < n; i++)
		whole += p[i][0] == i + 1 && p[i][sizes[i] - 1] == i + 1;
	is_u64(whole, n, "none overlaps another");
	ok(a.bytes >= (3 << 20) + 2 * 16 * 1024 && !a.failed, "bytes are counted, nothing failed");
	arena_free(&a);
	ok(!a.chunk && a.bytes == 0 && !a.failed, "an arena that was freed is empty");
	ok(arena_alloc(&a, 8) != NULL, "and usable again");
	arena_free(&a);
	arena_free(&a);
	arena_free(NULL);
	ok(1, "free twice, free NULL");
}

static void resets(void)
{
	struct arena a = { 0 };
	unsigned char *p, *q;

	arena_reset(&a);
	ok(!a.chunk, "reset of an empty arena");
	for (int i = 0; i < 100; i++)
		(void)arena_alloc(&a, 4000);
	p = arena_alloc(&a, 64);
	memset(p, 255, 64);
	arena_reset(&a);
	ok(a.chunk && a.bytes == 0, "reset forgets and keeps a chunk");
	arena_fail_after(0);
	q = arena_alloc(&a, 4000);
	ok(q && zeroed(q, 4000) && (uintptr_t)q % 16 == 0, "what comes after is zeroed and needs no new chunk");
	arena_fail_after(-1);
	arena_free(&a);
}

static void overflows(void)
{
	struct arena a = { 0 };

	ok(!arena_array(&a, SIZE_MAX / 2, 3) && a.failed, "n * size over the range");
	a.failed = 0;
	ok(!arena_array(&a, (size_t)1 << 32, (size_t)1 << 32) && a.failed, "2^32 * 2^32, which would wrap to 0");
	a.failed = 0;
	ok(!arena_alloc(&a, SIZE_MAX) && a.failed, "SIZE_MAX bytes");
	a.failed = 0;
	ok(!arena_alloc(&a, SIZE_MAX - 15) && a.failed, "SIZE_MAX - 15 bytes, which must not round up to 0");
	a.failed = 0;
	ok(!arena_alloc(&a, SIZE_MAX / 16 * 16) && a.failed, "no room for the chunk's own head");
	a.failed = 0;
	ok(!arena_strndup(&a, "x", SIZE_MAX) && a.failed, "a string of SIZE_MAX bytes");
	a.failed = 0;
	int *list = arena_array(&a, 10, sizeof *list);
	ok(list && zeroed((unsigned char *)list, 10 * sizeof *list) && !a.failed, "an array that fits");
	ok(arena_array(&a, 0, 8) != NULL, "no elements is not a failure");
	arena_free(&a);
}

static void failures(void)
{
	struct arena a = { 0 };

	arena_fail_after(0);
	ok(!arena_alloc(&a, 16) && a.failed && !a.chunk, "the next chunk fails");
	ok(arena_alloc(&a, 16) != NULL && a.failed, "the one after it does not; `failed` stays");
	arena_free(&a);
	ok(!a.failed, "until the arena is freed");
	arena_fail_after(1);
	ok(arena_alloc(&a, 16 * 1024) != NULL && !arena_alloc(&a, 16 * 1024), "the second chunk fails");
	arena_reset(&a);
	ok(!a.failed && arena_alloc(&a, 16) != NULL, "reset clears `failed`");
	arena_free(&a);
	arena_fail_after(0);
	ok(!arena_strdup(&a, "abc"), "strdup");
	arena_fail_after(0);
	ok(!arena_printf(&a, "%d", 1) && a.failed, "printf");
	arena_fail_after(-1);
	arena_free(&a);
}

/* A list grown from many chunks, with the first, the second, ... of them refused, until there is enough. */
static void countdown(void)
{
	unsigned failures = 0, wrong = 0, done = 0;

	for (int n = 0; !done && n < 100; n++) {
		struct arena a = { 0 };
		unsigned made = 0, missing = 0;
		arena_fail_after(n);
		for (unsigned i = 0; i < 1000; i++)
			if (arena_printf(&a, "%04u%*s", i, 500, ""))
				made++;
			else
				missing++;
		arena_fail_after(-1);
		/* one chunk is refused, and what comes after it has its own again */
		wrong += (missing > 0) != (a.failed != 0) || missing > 1 || made + missing != 1000;
		failures += missing > 0;
		done = missing == 0;
		arena_free(&a);
	}
	ok(done && failures >= 4, "%u chunks were refused in turn, then none", failures);
	is_u64(wrong, 0, "each refusal is one NULL, and is remembered");
}

static void strings(void)
{
	struct arena a = { 0 };
	char big[40000];

	is_str(arena_strdup(&a, "abc"), "abc", "strdup");
	is_str(arena_strdup(&a, ""), "", "strdup of nothing");
	is_str(arena_strndup(&a, "abcdef", 3), "abc", "strndup cuts");
	is_str(arena_strndup(&a, "", 0), "", "strndup of nothing");
	is_str(arena_printf(&a, "%s-%03d", "x", 7), "x-007", "printf");
	memset(big, 'b', sizeof big);
	big[sizeof big - 1] = 0;
	is_str(arena_printf(&a, "%s", big), big, "printf over a chunk");
	arena_free(&a);
}

int main(void)
{
	allocations();
	resets();
	overflows();
	failures();
	countdown();
	strings();
	return done_testing();
}
