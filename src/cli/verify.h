/* verify.h - how `ullage verify` shows what it found. */
#ifndef VERIFY_CLI_H
#define VERIFY_CLI_H

#include "cli/answer.h"
#include "live/verify.h"

struct verify_answer {
	const struct verify *verify;
	const struct answer *answer;             /* the estimate of one sequence, complete */
	const char *source;                      /* file or entry */
	const char *kept;                        /* file that the speeds were kept in; NULL */
	const char *saved;                       /* --save; NULL */
	const char *baseline;                    /* NULL */
	int passes;
	const char *why;                         /* "" when it passes */
	uint8_t dummy;
	uint64_t seed;
};
void verify_text(const struct text *t, const struct verify_answer *a, int quiet);
/* What is predicted, before anything runs. */
void verify_text_before(const struct text *t, const struct verify *v);
void verify_json(cJSON *doc, const struct verify_answer *a);
/* An array of rows with the keys of llama-bench -o json. */
cJSON *verify_bench(const struct verify_answer *a, const char *cpu);
void verify_csv(FILE *out, const struct verify_answer *a);
void verify_progress(void *user, const char *what, unsigned step, unsigned of);
void verify_progress_end(void);

#endif
