/* question.c - defaults resolved in one place */
#include "cli/question.h"

#include "base/pool.h"
#include "base/str.h"
#include "base/units.h"
#include "catalog/hardware_name.h"
#include "cli/machine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int kv_format(uint16_t *out, const struct quants *q, const char *option, const char *name, struct error *err)
{
	const struct format *f;

	*out = format_find(q, name);
	if (*out == NO_FORMAT)
		return error_set(err, E_USAGE, "%s %s: no such number format", option, name);
	f = &q->formats[*out];
	if (f->block == 0 && !(f->bits == 8 && f->n_scales <= 1))
		return error_set(err, E_USAGE, "%s %s: not a format of a KV cache", option, name);
	return OK;
}

static int split_mode(struct settings *s, const char *name, struct error *err)
{
	static const struct { const char *name; uint8_t split; } modes[] = { { "layer", SPLIT_LAYER }, { "tensor", SPLIT_TENSOR }, { "none", SPLIT_NONE } };

	s->split = SPLIT_ENGINE;
	for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
		if (!strcmp(modes[i].name, name))
			s->split = modes[i].split;
	if (s->split == SPLIT_ENGINE)
		return error_set(err, E_USAGE, "-sm %s: wants layer, tensor or none", name);
	if ((s->split == SPLIT_TENSOR && !s->engine->splits_tensors) || (s->split == SPLIT_LAYER && !s->engine->splits_layers))
		return error_set(err, E_FORMAT, "-sm %s: how %s does that is not known to this version", name, s->engine->name);
	return OK;
}

static int card_shares(struct settings *s, const char *list, struct error *err)
{
	const char *p = list;
	double all = 0;

	for (;;) {
		char one[32];
		size_t n = strcspn(p, ",");
		if (n >= sizeof one || s->n_ts == MAX_SHARES)
			return error_set(err, E_USAGE, "-ts %s: at most %d shares", list, MAX_SHARES);
		memcpy(one, p, n);
		one[n] = 0;
		if (parse_f64(&s->ts[s->n_ts], one) || s->ts[s->n_ts] < 0 || s->ts[s->n_ts] > 1e9)
			return error_set(err, E_USAGE, "-ts %s: wants numbers, such as 3,1", list);
		all += s->ts[s->n_ts++];
		if (!p[n])
			break;
		p += n + 1;
	}
	return all > 0 ? OK : error_set(err, E_USAGE, "-ts %s: no card has a share", list);
}

struct thread_pool *pool_for_reading(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct thread_pool *pool = NULL;

	/* a system that gives no threads is answered by one */
	if (cpus >= 2 && pool_open(&pool, cpus < READING_THREADS ? (unsigned)cpus : READING_THREADS, NULL, NULL) != OK)
		return NULL;
	return pool;
}

int catalog_from(struct catalog **out, const struct options *o, struct error *err)
{
	struct thread_pool *pool = pool_for_reading();
	int rc = catalog_open_with(out, o->program, pool, err);

	pool_close(pool);
	return rc;
}

int best_quant(const struct recipe **out, const struct options *o, const struct settings *s, const struct catalog *c, struct error *err)
{
	*out = NULL;
	return o->max_quant ? recipe_find(out, catalog_quants(c), o->max_quant, s->engine->id, err) : OK;
}

int settings_from(struct settings *out, const struct options *o, const struct catalog *c, struct error *err)
{
	const struct quants *q = catalog_quants(c);
	const char *engine = o->engine ? o->engine : "llama.cpp", *k = o->kv_k ? o->kv_k : o->kv, *v = o->kv_v ? o->kv_v : o->kv;
	const struct engine_profile *profile = engine_find(catalog_engines(c), engine);
	int rc;

	if (!profile) {
		struct near_matches m;
		near_init(&m, engine);
		for (unsigned i = 0; i < catalog_engines(c)->n_profiles; i++)
			near_offer(&m, catalog_engines(c)->profiles[i].id);
		error_set(err, E_USAGE, "--engine %s: no such engine in data/engines.yaml", engine);
		near_report(&m, err);
		return E_USAGE;
	}
	settings_default(out, profile, q);
	if (o->ctx_set)
		out->ctx_tokens = o->ctx;
	if (o->sequences_set)
		out->sequences = (uint32_t)o->sequences;
	if (o->gpu_layers_set)
		out->gpu_layers = (uint32_t)o->gpu_layers;
	if (o->cpu_moe_set || o->cpu_moe_all)
		out->cpu_moe = o->cpu_moe_set ? (uint32_t)o->cpu_moe : UINT32_MAX - 1;
	out->swa_full = o->swa_full;
	out->kv_apart = o->kv_k || o->kv_v;
	if (o->ubatch_set)
		out->ubatch = (uint32_t)o->ubatch;
	if ((rc = kv_format(&out->kv_k, q, o->kv_k ? "-ctk" : "--kv-type", k ? k : "f16", err)) != OK ||
	    (rc = kv_format(&out->kv_v, q, o->kv_v ? "-ctv" : "--kv-type", v ? v : "f16", err)) != OK)
		return rc;
	if (o->flash) {
		if (!strcmp(o->flash, "on")) out->flash = FLASH_ON;
		else if (!strcmp(o->flash, "off")) out->flash = FLASH_OFF;
		else if (!strcmp(o->flash, "auto")) out->flash = FLASH_AUTO;
		else return error_set(err, E_USAGE, "-fa %s: wants on, off or auto", o->flash);
	}
	if (o->split && (rc = split_mode(out, o->split, err)) != OK)
		return rc;
	if (o->shares && (rc = card_shares(out, o->shares, err)) != OK)
		return rc;
	if ((out->cpu_moe != UINT32_MAX && !out->engine->offloads_experts) || (out->gpu_layers != UINT32_MAX && !out->engine->offloads_layers))
		return error_set(err, E_USAGE, "%s keeps every layer on its devices: -ngl and -ncmoe are not for it", out->engine->name);
	if (o->quant && o->max_quant)
		return error_set(err, E_USAGE, "--quant and --max-quant exclude each other");
	if (o->quant) {
		const struct recipe *r;
		if ((rc = recipe_find(&r, q, o->quant, out->engine->id, err)) != OK)
			return rc;
		settings_recipe(out, r);
		if (!out->engine->loads[out->recipe->packing]) {
			error_set(err, E_FORMAT, "%s does not load %s, which comes as %s", out->engine->name, out->recipe->name, packing_names[out->recipe->packing]);
			error_hint(err, "name an engine that does with --engine (none counts the architecture alone)");
			return E_FORMAT;
		}
	}
	if (o->imatrix) {
		if (strcmp(o->imatrix, "on") && strcmp(o->imatrix, "off"))
			return error_set(err, E_USAGE, "--imatrix %s: wants on or off", o->imatrix);
		out->imatrix = !strcmp(o->imatrix, "on");
		out->imatrix_set = 1;
	}
	return OK;
}

int weights_from(struct question *q, const struct model_arg *m, struct error *err)
{
	if (!m->weights)
		return OK;
	/* what the own engine holds is not always what lies in the file */
	q->file = m->held && q->settings.engine && !strcmp(q->settings.engine->id, "ullage") ? m->held : m->weights;
	q->settings.file_formats = m->file_formats;
	q->settings.recipe = m->file_recipe ? m->file_recipe : q->settings.recipe;
	return q->settings.recipe ? OK : recipe_find(&q->settings.recipe, q->quants, m->gguf ? "f16" : "bf16", NULL, err);
}

/* This machine, or a recorded one; a card that is lost makes it another machine than the question means. */
static int probed_machine(struct hardware_spec *out, struct machine **found, struct arena *a, const struct options *o, struct catalog *c, struct error *err)
{
	struct machine *m;
	int rc = machine_probe(&m, a, c, o->on, NULL, 0, err);

	if (rc == OK && !o->no_calibration)
		rc = machine_calibrate(m, a, err);
	if (rc != OK)
		return rc;
	if (m->lost.code != OK && err)
		*err = m->lost;
	*out = m->spec;
	if (found)
		*found = m;
	return m->lost.code;
}

int machine_from(struct hardware_spec *out, struct machine **found, struct arena *a, const struct options *o, struct catalog *c, struct error *err)
{
	int recorded = o->on && machine_is_recording(o->on);

	if (found)
		*found = NULL;
	if (o->ram_set && (!o->on || recorded))
		return error_set(err, E_USAGE, "--ram is the memory beside a named card: name it with --on");
	if (o->on && !recorded)
		return hardware_resolve(out, a, c, o->on, o->ram_set ? o->ram : 0, err);
	return probed_machine(out, found, a, o, c, err);
}

int efficiency_from(struct efficiency *out, struct arena *a, const struct catalog *c, struct error *err)
{
	const char *path = arena_printf(a, "%s/data/efficiency.yaml", catalog_folder(c));

	return path ? efficiency_load(out, a, path, err) : error_set(err, E_NOMEM, "out of memory");
}
