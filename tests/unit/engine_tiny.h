/* engine_tiny.h - tiny seeded models (tests/tiny/NAME.txt) as files, and what llama.cpp says of them (tests/golden/tiny-NAME.txt) */
#ifndef ENGINE_TINY_H
#define ENGINE_TINY_H

#include "../tap.h"
#include "../tiny.h"

#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { TINY_TOKENS = 64, TINY_WANTS = 2048 };
struct golden {
	char name[64];
	double tolerance;
	int32_t token[TINY_TOKENS];
	uint32_t n;
	struct { uint32_t at, id; float logit; } want[TINY_WANTS];
	uint32_t n_want;
};

static void golden_want(struct golden *g, uint32_t at, uint32_t id, const char *logit)
{
	if (g->n_want == TINY_WANTS)
		return;
	g->want[g->n_want].at = at;
	g->want[g->n_want].id = id;
	g->want[g->n_want++].logit = strtof(logit, NULL);
}

/* 0: there is no such file, or it says nothing */
static inline int golden_read_file(struct golden *g, const char *path)
{
	char *line = NULL, *save, *word;
	size_t cap = 0;
	FILE *f;

	*g = (struct golden){ .tolerance = 0 };
	f = fopen(path, "r");
	while (f && getline(&line, &cap, f) > 0) {
		word = strtok_r(line, " \n", &save);
		if (!word || *word == '#')
			continue;
		if (!strcmp(word, "tolerance")) {
			g->tolerance = strtod(strtok_r(NULL, " \n", &save), NULL);
		} else if (!strcmp(word, "tokens")) {
			while ((word = strtok_r(NULL, " \n", &save)) && g->n < TINY_TOKENS)
				g->token[g->n++] = (int32_t)strtol(word, NULL, 10);
		} else if (!strcmp(word, "last")) {
			for (uint32_t i = 0; (word = strtok_r(NULL, " \n", &save)); i++)
				golden_want(g, g->n - 1, i, word);
		} else if (!strcmp(word, "at")) {
			uint32_t at = (uint32_t)strtoul(strtok_r(NULL, " \n", &save), NULL, 10), id = 0, step = 0;
			word = strtok_r(NULL, " \n", &save);
			if (!strcmp(word, "some")) {
				id = (uint32_t)strtoul(strtok_r(NULL, " \n", &save), NULL, 10);
				step = (uint32_t)strtoul(strtok_r(NULL, " \n", &save), NULL, 10);
			}
			while ((word = strtok_r(NULL, " \n", &save))) {
				char *colon = strchr(word, ':');
				golden_want(g, at, colon ? (uint32_t)strtoul(word, NULL, 10) : id, colon ? colon + 1 : word);
				id += step;
			}
		}
	}
	free(line);
	if (f)
		fclose(f);
	return g->n && g->n_want && g->tolerance > 0;
}
static inline int golden_read(struct golden *g, const char *name)
{
	char path[160];

	snprintf(path, sizeof path, "tests/golden/tiny-%.60s.txt", name);
	int there = golden_read_file(g, path);
	snprintf(g->name, sizeof g->name, "%.60s", name);
	return there;
}

static char tiny_folder[64];
static void tiny_end(void) { rmdir(tiny_folder); }
/* Path of tests/tiny/NAME.txt as a GGUF file in a temporary folder; the caller unlinks it. NULL: could not be made. */
static const char *tiny_make(const char *name)
{
	static char path[160];
	char text[160];

	if (!*tiny_folder) {
		snprintf(tiny_folder, sizeof tiny_folder, "/tmp/ullage-tiny-XXXXXX");
		if (!mkdtemp(tiny_folder))
			return NULL;
		atexit(tiny_end);
	}
	snprintf(text, sizeof text, "tests/tiny/%.60s.txt", name);
	snprintf(path, sizeof path, "%s/%.60s.gguf", tiny_folder, name);
	return tiny_write(text, path, NULL) ? NULL : path;
}

/* Opens a tiny model and tests that it opens; NULL: it does not. */
static inline struct weights *tiny_open(const struct quants *quants, const char *name)
{
	const char *path = tiny_make(name);
	struct weights *w = NULL;
	struct error err = { 0 };

	if (!ok(path && weights_open(&w, path, quants, &err) == OK, "%s opens", name))
		printf("# %s\n", err.text);
	if (path)
		unlink(path);
	return w;
}

/* Greatest difference from the wanted logits of position `at`, of vocab numbers; NaN counts as infinite. */
static inline double golden_off(const struct golden *g, uint32_t at, const float *logits, uint32_t vocab)
{
	double worst = 0;

	for (uint32_t i = 0; i < g->n_want; i++) {
		if (g->want[i].at != at)
			continue;
		double d = g->want[i].id < vocab ? fabs((double)logits[g->want[i].id] - (double)g->want[i].logit) : INFINITY;
		worst = d > worst ? d : d == d ? worst : INFINITY;
	}
	return worst;
}

#endif
