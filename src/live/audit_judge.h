/* audit_judge.h - one claim -> its verdict: what its cases are, how each does, and how that is said. Private to audit*.c. */
#ifndef AUDIT_JUDGE_H
#define AUDIT_JUDGE_H

#include "live/audit_cases.h"

struct judge {
	struct catalog *c;
	const struct efficiency *eff;
	struct arena *a;                         /* of what the claims keep */
	struct arena scratch;                    /* of one estimate */
	struct error *err;
	double host_bps;                         /* the fastest host memory of the catalogue; 0: not looked up yet */
};
/* Fills the judgement. E_NOMEM, E_CATALOGUE; what cannot be judged is no error. */
int judge_claim(struct judge *j, struct claim *k) MUST_CHECK;
int judge_fits(struct judge *j, struct claim *k) MUST_CHECK;          /* audit_fits.c */
int judge_speed(struct judge *j, struct claim *k) MUST_CHECK;         /* audit_speed.c */
int judge_memory(struct judge *j, struct claim *k) MUST_CHECK;        /* audit_memory.c */
/* Sets verdict and reason; E_NOMEM when reason is NULL. */
int judge_say(struct judge *j, struct claim *k, enum claim_verdict v, const char *reason) MUST_CHECK;
int judge_no_memory(struct judge *j);
/* What the words mean; 0 when the claim is judged by that alone, or *rc is an error. */
int judge_meanings(struct judge *j, struct claim *k, struct models_meant *ms, struct machines_meant *hs, int *rc);

/* What the words of a claim's quantisation may mean to an engine (audit_recipes.c). */
enum { AUDIT_RECIPES = 4 };
struct recipes_meant {
	const struct recipe *list[AUDIT_RECIPES]; unsigned n;
	uint8_t any;                             /* nothing was said, or "quantised": the ladder decides */
	uint8_t quantised, native;               /* that was said */
};
/* Words that name no recipe ("FP16", "INT4") mean one only when the weights have about that many bits under it: some recipes leave a model
 * that was released in few bits as it was. "native" and "as released" mean the released weights alone. */
void recipes_of(struct recipes_meant *out, struct judge *j, const struct model_spec *m, const struct engine_profile *e, const char *words);
/* "native INT4", "as released": the released weights and no flavour of them. */
int words_mean_released(const char *words);
/* Bits a weight in a quantisation's name: 4 of "INT4", "Q4_K_M", "native INT4"; 0: none said. */
unsigned bits_of_words(const char *words);
/* The fewest bits that a recipe gives a matrix. */
unsigned recipe_least_bits(const struct quants *q, const struct recipe *r);
/* Does the recipe give about so many bits? 0 bits: any do. at_least: what stays in more bits is not held against it. */
int recipe_has_bits(struct judge *j, const struct model_spec *m, const struct recipe *r, unsigned bits, int at_least);

/* How one model does on one machine; the better the lower (audit_case.c). */
enum outcome { FITS_WELL, FITS_TIGHTLY, FITS_NARROWER, FITS_PARTLY, FITS_NOT, CANNOT_TELL };
struct fit_case {
	enum outcome outcome;
	const struct model_entry *model;
	const struct hardware_spec *machine;
	const struct engine_profile *engine;
	const struct recipe *recipe;             /* NULL: none yet, or the ladder's */
	uint64_t ctx, needs, budget, longest;
	uint64_t shortage;                       /* FITS_NOT: of all devices together; a card may overflow where the sum would not */
	uint64_t card_needs, card_budget;        /* of the device that is short */
	uint64_t host;                           /* bytes in host memory */
	struct figure decode;
	const char *only;                        /* FITS_NARROWER: with what; CANNOT_TELL: why not */
};
/* What the claim states; else 8192 tokens, or all that the model was made for when that is less. */
uint64_t claim_context(const struct claim *k, const struct model_entry *m);
/* The best reading of a claim for one model on one machine. narrower: also readings narrower than its words. E_NOMEM. */
int fit_case_judge(struct fit_case *out, struct judge *j, const struct claim *k, const struct model_entry *m, const struct hardware_spec *h, int narrower) MUST_CHECK;
/* x->recipe (NULL: the first of the ladder that fits) at x->ctx with x->engine; kv NO_FORMAT: f16. E_NOMEM. */
int fit_case_try(struct fit_case *x, struct judge *j, uint16_t kv, int want_longest) MUST_CHECK;
/* The engines that are asked, and whether one would be used on a machine; NULL-ended. */
extern const char *const audit_engines[];
int engine_used_there(const struct engine_profile *e, const struct hardware_spec *h);
/* "34.2 of 79.2 GiB on 2x RTX 4090 (llama.cpp, Q4_K_M, 8k tokens)" */
const char *fit_case_figures(char *buf, size_t n, const struct fit_case *x);
void fit_case_take(struct claim *k, const struct fit_case *x);
/* All cases; the list lives in j->a. */
int fit_cases(struct fit_case **out, struct judge *j, struct claim *k, const struct models_meant *ms, const struct machines_meant *hs, int narrower) MUST_CHECK;

#endif
