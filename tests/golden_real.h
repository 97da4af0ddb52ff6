/* golden_real.h - tests/golden/{smollm2-135m-q4_1,gemma-3-270m-q4_k_m}.txt: what llama.cpp says of the real models (tests/peer/golden.sh) */
#ifndef GOLDEN_REAL_H
#define GOLDEN_REAL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOLD_TOP = 10, GOLD_SOME = 256, GOLD_ROWS = 8, GOLD_TOKENS = 1024, GOLD_GREEDY = 64, GOLD_PROMPTS = 4 };
enum gold_run_id { GOLD_FILE_F32, GOLD_FILE_F16, GOLD_F32_F32, GOLD_F32_F16, GOLD_RUNS };        /* weights as stored or f32; keys and values */
static const char *const gold_run_names[] = { "weights file kv f32", "weights file kv f16", "weights f32 kv f32", "weights f32 kv f16" };

struct gold_row {
	int32_t at;                              /* position in the prompt */
	int32_t top[GOLD_TOP]; float top_logit[GOLD_TOP];        /* largest first */
	int32_t first, stride; unsigned n_some; float some[GOLD_SOME];   /* logits of first, first + stride, ... */
};
struct gold_run {
	unsigned n_rows; struct gold_row row[GOLD_ROWS];
	unsigned n_greedy; int32_t greedy[GOLD_GREEDY]; float margin[GOLD_GREEDY];       /* to the second largest logit */
};
struct gold_prompt {
	char name[16];
	unsigned n; int32_t token[GOLD_TOKENS];
	struct gold_run run[GOLD_RUNS];
};

/* One line of a run. */
static int gold_line(struct gold_prompt *p, struct gold_run *r, char *line)
{
	char *s = line, *end;
	int at = (int)p->n - 1, some;

	if (!strncmp(s, "greedy ", 7)) {
		for (s += 7; *s == ' ' || (*s >= '0' && *s <= '9'); s = end) {
			if (r->n_greedy == GOLD_GREEDY)
				return -1;
			r->greedy[r->n_greedy] = (int32_t)strtol(s, &end, 10);
			r->margin[r->n_greedy++] = strtof(end + 1, &end);
		}
		return 0;
	}
	if (!strncmp(s, "at ", 3))
		at = (int)strtol(s + 3, &s, 10);
	else if (!strncmp(s, "last", 4))
		s += 4;
	else
		return -1;
	some = !strncmp(s, " some ", 6);
	if (some ? !r->n_rows || r->row[r->n_rows - 1].at != at : strncmp(s, " top ", 5) != 0 || r->n_rows == GOLD_ROWS)
		return -1;
	struct gold_row *row = &r->row[some ? r->n_rows - 1 : r->n_rows++];
	row->at = at;
	s += some ? 6 : 5;
	for (unsigned i = 0; !some && i < GOLD_TOP; i++) {
		row->top[i] = (int32_t)strtol(s, &end, 10);
		row->top_logit[i] = strtof(end + 1, &s);
	}
	if (!some)
		return 0;
	row->first = (int32_t)strtol(s, &s, 10);
	row->stride = (int32_t)strtol(s, &s, 10);
	for (float v; v = strtof(s, &end), end != s; s = end) {
		if (row->n_some == GOLD_SOME)
			return -1;
		row->some[row->n_some++] = v;
	}
	return 0;
}

/* Number of prompts read; 0: no file, or one that is malformed. */
__attribute__((unused)) static unsigned gold_read(struct gold_prompt *p, const char *path)
{
	static char line[1 << 15];
	struct gold_run *run = NULL;
	unsigned n = 0;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		if (!strncmp(line, "prompt ", 7)) {
			if (n == GOLD_PROMPTS)
				return 0;
			memset(&p[n], 0, sizeof p[n]);
			snprintf(p[n++].name, sizeof p->name, "%.15s", line + 7);
		} else if (n && !strncmp(line, "tokens ", 7)) {
			char *s = line + 7, *end;
			for (long v; v = strtol(s, &end, 10), end != s && p[n - 1].n < GOLD_TOKENS; s = end)
				p[n - 1].token[p[n - 1].n++] = (int32_t)v;
		} else if (n && !strncmp(line, "run ", 4)) {
			run = NULL;
			for (unsigned i = 0; i < GOLD_RUNS; i++)
				if (!strcmp(line + 4, gold_run_names[i]))
					run = &p[n - 1].run[i];
		} else if (!run || gold_line(&p[n - 1], run, line) != 0) {
			n = 0;
			break;
		}
	}
	if (f)
		fclose(f);
	return n;
}

#endif
