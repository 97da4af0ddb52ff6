/* arena.c - chunks in a list, the newest first */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
/* AddressSanitizer sees chunks; told of what is handed out, it sees one byte beyond that too, by a gap behind each. */
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
enum { GAP = 16 };
#define SHOW(p, n) __asan_unpoison_memory_region(p, n)
/* not inlined: gcc takes the const in that function's arguments for a use of what is not initialized yet */
static __attribute__((noinline)) void hide(void *p, size_t n)
{
	__asan_poison_memory_region(p, n);
}
#else
enum { GAP = 0 };
#define SHOW(p, n) ((void)0)
#define hide(p, n) ((void)0)
#endif

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	_Alignas(16) unsigned char data[];
};
enum { FIRST_CHUNK = 16 * 1024, MAX_CHUNK = 1024 * 1024, ALIGN = 16 };

static int fail_after = -1;

void arena_fail_after(int n)
{
	fail_after = n;
}

static struct arena_chunk *new_chunk(struct arena *a, size_t bytes)
{
	size_t size = a->chunk ? a->chunk->size * 2 : FIRST_CHUNK;
	struct arena_chunk *c;

	if (size > MAX_CHUNK)
		size = MAX_CHUNK;
	if (size < bytes)
		size = bytes;
	if (fail_after == 0 || size > SIZE_MAX - sizeof *c) {
		fail_after = -1;
		return NULL;
	}
	if (fail_after > 0)
		fail_after--;
	c = malloc(sizeof *c + size);
	if (!c)
		return NULL;
	c->size = size;
	c->used = 0;
	c->next = a->chunk;
	a->chunk = c;
	hide(c->data, size);
	return c;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct arena_chunk *c = a->chunk;
	size_t room;
	void *p;

	if (bytes > SIZE_MAX - ALIGN - GAP) {
		a->failed = 1;
		return NULL;
	}
	room = (bytes + GAP + ALIGN - 1) / ALIGN * ALIGN;
	if (!c || c->size - c->used < room)
		c = new_chunk(a, room);
	if (!c) {
		a->failed = 1;
		return NULL;
	}
	p = c->data + c->used;
	SHOW(p, bytes);
	memset(p, 0, bytes);
	c->used += room;
	a->bytes += room;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		a->failed = 1;
		return NULL;
	}
	return arena_alloc(a, bytes);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n == SIZE_MAX ? n : n + 1);

	if (p && n)
		memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && (p = arena_alloc(a, (size_t)n + 1)) != NULL)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	while (a->chunk) {
		struct arena_chunk *next = a->chunk->next;
		SHOW(a->chunk->data, a->chunk->size);
		free(a->chunk);
		a->chunk = next;
	}
	*a = (struct arena){ 0 };
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->chunk;

	if (!keep)
		return;
	/* the newest is the largest: the next round fits into it */
	while (keep->next) {
		struct arena_chunk *old = keep->next;
		keep->next = old->next;
		SHOW(old->data, old->size);
		free(old);
	}
	keep->used = 0;
	hide(keep->data, keep->size);
	a->bytes = 0;
	a->failed = 0;
}
