/* cmd_models.c - ullage models: the catalogue as a table; --check validates entries, --add drafts one */
#include "cli/cmd.h"
#include "cli/question.h"
#include "cli/models.h"

int models_kv_1k(uint64_t *out, const struct model_spec *m, const struct catalog *c, const char *format, struct error *err)
{
	uint16_t f = format_find(catalog_quants(c), format);
	const struct engine_profile *none = engine_find(catalog_engines(c), "none");

	if (!none || f == NO_FORMAT)
		return error_set(err, E_CATALOGUE, none ? "data/quants.yaml: no format %s" : "data/engines.yaml: no profile none", format);
	return cache_per_1k(out, m, catalog_quants(c), none, f, f, err);
}

/* Options that belong to one way of asking alone. */
static int check_options(const struct options *o, struct error *err)
{
	const char *sized = o->quant ? "--quant" : o->max_quant ? "--max-quant" : o->ram_set ? "--ram" : o->ctx_set ? "-c" : o->engine ? "--engine" :
		o->kv ? "--kv-type" : o->sequences_set ? "-np" : NULL;

	if (o->check && o->add)
		return error_set(err, E_USAGE, "--check and --add exclude each other");
	if (sized && !o->on)
		return error_set(err, E_USAGE, "%s says how a model is to fit: name the machine with --fits-on", sized);
	if ((o->id || o->output) && !o->add)
		return error_set(err, E_USAGE, "%s goes with --add FILE", o->id ? "--id" : "-o");
	return OK;
}

int cmd_models(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	int rc;

	if ((rc = check_options(o, err)) != OK || (rc = catalog_from(&c, o, err)) != OK)
		return rc;
	rc = o->check ? models_check(o, c, err) : o->add ? models_add(o, c, err) : models_list(o, c, err);
	catalog_close(c);
	return rc;
}
