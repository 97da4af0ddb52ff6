/* fit_models.c - which models fit a machine, for ullage models --fits-on: the same work as ullage fit */
#include "cli/models.h"

#include "cli/question.h"

#include <stdlib.h>

int fit_models(struct work **out, const struct options *o, struct arena *a, struct catalog *c, struct error *err)
{
	struct hardware_spec *h = arena_alloc(a, sizeof *h);
	struct efficiency *eff = arena_alloc(a, sizeof *eff);
	struct settings *set = arena_alloc(a, sizeof *set);
	struct work *w = calloc(1, sizeof *w);
	struct fit f = { .o = o, .machine = h, .settings = set, .everything = 1 };
	int rc;

	*out = NULL;
	if (!h || !eff || !set || !w)
		rc = error_set(err, E_NOMEM, "out of memory");
	else if ((rc = settings_from(set, o, c, err)) == OK && (rc = best_quant(&w->best, o, set, c, err)) == OK &&
		 (rc = machine_from(h, NULL, a, o, c, err)) == OK && (rc = place_refused(h, set->engine, err)) == OK && (rc = efficiency_from(eff, a, c, err)) == OK &&
		 (rc = work_rows(w, &f, c, eff, err)) == OK && (rc = work_first(w, NULL, err)) == OK) {
		*out = w;
		return OK;
	}
	work_free(w);
	/* none of those asked about: an empty list */
	return rc == E_MODEL ? OK : rc;
}
