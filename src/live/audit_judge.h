/* audit_judge.h - one claim -> its verdict. Private to audit*.c. */
#ifndef AUDIT_JUDGE_H
#define AUDIT_JUDGE_H

#include "live/audit_cases.h"

struct judge {
	struct catalog *c;
	const struct efficiency *eff;
	struct arena *a;                         /* of what the claims keep */
	struct arena scratch;                    /* of one estimate */
	struct error *err;
};
/* Fills the judgement. E_NOMEM, E_CATALOGUE; what cannot be judged is no error. */
int judge_claim(struct judge *j, struct claim *k) MUST_CHECK;

/* audit_memory.c: a claim of how much memory something needs. */
int judge_memory(struct judge *j, struct claim *k) MUST_CHECK;
/* Sets verdict and reason; E_NOMEM when reason is NULL. */
int judge_say(struct judge *j, struct claim *k, enum claim_verdict v, const char *reason) MUST_CHECK;

/* What the words of a claim's quantisation may mean to an engine. */
enum { AUDIT_RECIPES = 4 };
struct recipes_meant { const struct recipe *list[AUDIT_RECIPES]; unsigned n; uint8_t any; };     /* any: nothing was said, the ladder decides */
void recipes_of(struct recipes_meant *out, struct catalog *c, const struct model_spec *m, const struct engine_profile *e, const char *words);
/* Bits a weight in a quantisation's name: 4 of "INT4", "Q4_K_M", "native INT4"; 0: none said. */
unsigned bits_of_words(const char *words);

#endif
