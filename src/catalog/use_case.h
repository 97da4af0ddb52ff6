/* use_case.h - what people want a model for, and what the guides recommend for it; read from data/use-cases.yaml. */
#ifndef USE_CASE_H
#define USE_CASE_H

#include "base/arena.h"
#include "base/error.h"
#include "catalog/model_spec.h"

/* A row of a guide's decision matrix. Ids of models.d and hardware.d, NULL-ended. */
struct use_case_row {
	uint16_t source;
	const char *situation, *note;                /* NULL: none */
	const char *const *models, *const *hardware;
};
struct use_case {
	const char *id, *name, *modality, *note;     /* modality, note: NULL when there is none */
	const char *const *tags;                     /* words of models' use_cases: a model with any of them qualifies */
	uint32_t context;                            /* tokens at least; 0: not stated */
	uint16_t source;                             /* of context and tags; ENTRY_NO_SOURCE: ours */
	const struct use_case_row *rows; unsigned n_rows;
};
struct use_cases {
	const char *file;
	const struct source *sources; unsigned n_sources;
	const struct use_case *list; unsigned n;
};
/* E_CATALOGUE with file and line, E_FILE, E_NOMEM. Lives in the arena. */
int use_cases_load(struct use_cases *out, struct arena *a, const char *path, struct error *err) MUST_CHECK;
int use_cases_parse(struct use_cases *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;

#endif
