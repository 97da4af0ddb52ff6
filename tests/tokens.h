/* tokens.h - the texts under tests/tokens and what llama.cpp makes of them, for tests */
#ifndef TOKENS_H
#define TOKENS_H

#include "base/arena.h"
#include "base/file.h"

#include <string.h>

enum { TOKEN_TEXTS = 512 };
struct token_texts { const char *p[TOKEN_TEXTS]; size_t n[TOKEN_TEXTS]; unsigned count; };

static inline int texts_add(struct token_texts *t, const char *p, size_t n)
{
	if (t->count == TOKEN_TEXTS)
		return 0;
	t->p[t->count] = p;
	t->n[t->count++] = n;
	return 1;
}

/* corpus.txt: a text a line; lines.txt: texts with newlines, "%%\n" between them. 0: they cannot be read. */
static inline int texts_read(struct token_texts *t, struct arena *a)
{
	char *s;
	size_t n;

	t->count = 0;
	if (file_read(&s, &n, a, "tests/tokens/corpus.txt", 1 << 20, NULL) != OK)
		return 0;
	for (char *e; (e = memchr(s, '\n', n)); n -= (size_t)(e + 1 - s), s = e + 1)
		if (!texts_add(t, s, (size_t)(e - s)))
			return 0;
	if (file_read(&s, &n, a, "tests/tokens/lines.txt", 1 << 20, NULL) != OK)
		return 0;
	for (char *e; (e = strstr(s, "%%\n")); s = e + 3)
		if (!texts_add(t, s, (size_t)(e - s)))
			return 0;
	return texts_add(t, s, strlen(s));
}

/* The lines of a golden file, one after the other; NULL at the end. */
struct golden { char *at; };
static inline int golden_open(struct golden *g, struct arena *a, const char *path)
{
	size_t n;

	return file_read(&g->at, &n, a, path, 1 << 20, NULL) == OK;
}
static inline char *golden_line(struct golden *g)
{
	char *line = g->at, *e = line ? strchr(line, '\n') : NULL;

	if (!line || !*line)
		return NULL;
	if (e)
		*e = '\0';
	g->at = e ? e + 1 : NULL;
	return line;
}

#endif
