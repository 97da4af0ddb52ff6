/* cmd_estimate.c - ullage estimate: one model on one machine */
#include "cli/machine.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/question.h"

int cmd_estimate(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	struct model_arg m = { 0 };
	struct arena a = { 0 };
	struct hardware_spec h;
	struct efficiency eff;
	struct estimate e;
	struct machine *found = NULL;
	const struct recipe *best;
	int rc;

	if (o->n_args != 1)
		return error_set(err, E_USAGE, "estimate wants one MODEL, not %d", o->n_args);
	if ((rc = catalog_from(&c, o, err)) != OK || (rc = model_arg_open(&m, c, o->args[0], err)) != OK)
		goto out;
	struct question q = { .model = m.spec, .quants = catalog_quants(c), .hardware = &h, .efficiency = &eff };
	if (m.weights && (o->quant || o->max_quant)) {
		rc = error_set(err, E_USAGE, "--quant and --max-quant: %s holds its own weights, which are counted as they are", o->args[0]);
		goto out;
	}
	if ((rc = settings_from(&q.settings, o, c, err)) != OK || (rc = best_quant(&best, o, &q.settings, c, err)) != OK || (rc = machine_from(&h, &found, &a, o, c, err)) != OK ||
	    (rc = efficiency_from(&eff, &a, c, err)) != OK || (rc = weights_from(&q, &m, err)) != OK)
		goto out;
	q.settings.threads = found ? found->found.cpu.threads_allowed : 0;
	if ((rc = estimate_compute(&e, &q, best, &a, err)) != OK)
		goto out;
	struct answer answer = { &m, &h, &q, &e };
	if (o->json) {
		cJSON *doc = answer_document();
		answer_json(doc, &answer);
		if ((rc = answer_print(doc, err)) != OK)
			goto out;
	} else if (o->csv) {
		answer_csv_header(stdout);
		answer_csv(stdout, &answer);
	} else {
		struct text t;
		text_open(&t, o);
		answer_text(&t, &answer, o->quiet);
	}
	rc = e.verdict == DOES_NOT_FIT ? 1 : OK;
out:
	model_arg_close(&m);
	catalog_close(c);
	arena_free(&a);
	return rc;
}
