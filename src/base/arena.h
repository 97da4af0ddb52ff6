/* arena.h - a growing arena: what is parsed lives here and is freed at once.
 *
 * Memory is zeroed. A failed allocation sets arena->failed and returns NULL; callers may check once at the end.
 * Not here: memory of the engine (it is sized before it is used). */
#ifndef ARENA_H
#define ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
	struct arena_chunk *chunk;
	uint64_t bytes;          /* handed out so far */
	int failed;
};

void arena_free(struct arena *a);                    /* a may be zeroed or NULL; usable again afterwards */
/* Forgets what was handed out but keeps one chunk, so that a loop does not allocate. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t bytes);    /* zeroed, aligned to 16; NULL when out of memory */
void *arena_array(struct arena *a, size_t n, size_t size);  /* NULL also when n * size overflows */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Test hook: the n-th chunk allocation from now fails (0: the next), -1: none. */
void arena_fail_after(int n);

#endif
