/* licence.h - the terms of model licences as rules that a program can apply; read from data/licences.yaml.
 *
 * This is a reading aid, not legal advice: each rule is a reading of the licence text named by its source. */
#ifndef LICENCE_H
#define LICENCE_H

#include "base/arena.h"
#include "base/error.h"
#include "catalog/model_spec.h"

enum licence_rule {
	RULE_USERS_CAP,              /* above monthly_users a licence of one's own is needed */
	RULE_REVENUE_CAP,            /* the same above usd_month or usd_year of revenue */
	RULE_EU_EXCLUDED,            /* not licensed to those domiciled in the EU; of: all, or image (its multimodal use) */
	RULE_ATTRIBUTION,            /* the model must be named; monthly_users, usd_month: only above */
	RULE_NAMING,                 /* names of derived models begin with prefix */
	RULE_NO_COMPETING_MODELS,    /* outputs must not improve other models */
	RULE_PROPAGATES,             /* the terms go on to derived models */
	RULE_ACCEPTABLE_USE, RULE_NON_COMMERCIAL, RULE_RESEARCH_ONLY, RULE_NON_PRODUCTION,
	RULE_NOTICE, RULE_PATENT_GRANT, RULE_SHARE_ALIKE, RULE_OTHER, LICENCE_RULES
};
extern const char *const licence_rule_names[];
enum commercial { COMMERCIAL_UNKNOWN, COMMERCIAL_YES, COMMERCIAL_CONDITIONAL, COMMERCIAL_NO };
extern const char *const commercial_names[];         /* unknown, yes, conditional, no */

struct licence_term {
	uint8_t rule, of_image;
	uint16_t source;                             /* index into licences.sources */
	uint64_t monthly_users;                      /* 0: not stated */
	double usd_month, usd_year;                  /* 0: not stated */
	const char *prefix, *note;                   /* NULL: none */
};
struct licence {
	const char *id, *name, *url, *note;          /* url, note: NULL when there is none */
	uint8_t osi_known, osi, commercial;          /* osi: approved by the Open Source Initiative */
	uint16_t source;
	const struct licence_term *terms; unsigned n_terms;
};
struct licences {
	const char *file;
	const struct source *sources; unsigned n_sources;
	const struct licence *list; unsigned n;
};
/* E_CATALOGUE with file and line, E_FILE, E_NOMEM. Lives in the arena. */
int licences_load(struct licences *out, struct arena *a, const char *path, struct error *err) MUST_CHECK;
int licences_parse(struct licences *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;
/* By id; NULL: not in the list, or id NULL. */
const struct licence *licence_find(const struct licences *l, const char *id);

/* What somebody wants to do with a model. 0: not stated, or no. */
struct licence_use { uint64_t monthly_users; double usd_year; uint8_t commercial, in_eu, with_images; };
enum licence_answer { LICENCE_ALLOWED, LICENCE_CONDITIONAL, LICENCE_REFUSED, LICENCE_UNKNOWN };
extern const char *const licence_answer_names[];     /* allowed, conditional, refused, unknown */
/* Whether a use is licensed, and the term that decides it (NULL: the licence as a whole). A cap whose figure the use does not state
 * makes the answer conditional; so does a duty (attribution, naming). l NULL: unknown. */
enum licence_answer licence_judge(const struct licence_term **why, const struct licence *l, const struct licence_use *use);

#endif
