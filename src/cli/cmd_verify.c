/* cmd_verify.c - ullage verify: predict, load, run, compare */
#include "base/file.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/engine_args.h"
#include "cli/machine.h"
#include "cli/measure_text.h"
#include "cli/question.h"
#include "cli/verify.h"
#include "live/witness.h"

#include <string.h>
#include <unistd.h>

/* A number of JSON holds whole numbers up to 2^53. */
#define MAX_SEED UINT64_C(9000000000000000)

struct job {
	struct options *o;
	struct catalog *c;
	struct arena a;
	struct model_arg m;
	const struct model_spec *whole;
	struct model_spec slice;
	struct machine *machine;
	struct hardware_spec h;
	struct efficiency eff;
	struct question q;
	struct estimate e;
	struct verify_plan plan;
	struct verify v;
	char *baseline; size_t baseline_bytes;
	double read_before;              /* bytes/s of memory as the prediction has it, measured just before; 0: not measured */
};

static int plan_from(struct verify_plan *p, const struct options *o, const struct quants *q, struct error *err)
{
	uint64_t n[VERIFY_LIST], prompt[1];
	unsigned k;
	int rc;

	*p = (struct verify_plan){ .prompt = 512, .generate = o->n_predict ? (uint32_t)o->n_predict : 128, .repeats = o->repeats ? (uint32_t)o->repeats : 5,
		.seed = 1, .stop = interrupt_flag(), .progress = o->quiet ? NULL : verify_progress };
	if ((rc = engine_options_from(&p->engine, o, q, err)) != OK || (rc = whole_from(&p->seed, "--seed", o->seed, MAX_SEED, err)) != OK)
		return rc;
	if (o->n_prompt) {
		if ((rc = list_from(prompt, &k, 1, "-p", o->n_prompt, 1, INT32_MAX, err)) != OK)
			return rc;
		p->prompt = (uint32_t)prompt[0];
	}
	if (p->repeats > VERIFY_RUNS)
		return error_set(err, E_USAGE, "-r %u: at most %d", p->repeats, VERIFY_RUNS);
	if (p->generate > INT32_MAX / VERIFY_RUNS)
		return error_set(err, E_USAGE, "-n %u: too many tokens", p->generate);
	if ((rc = list_from(p->depth, &p->n_depths, VERIFY_LIST, "-d", o->depths ? o->depths : "0,4096", 0, INT32_MAX / 2, err)) != OK ||
	    (rc = list_from(n, &p->n_parallel, VERIFY_LIST, "-np", o->parallel ? o->parallel : "1,4,16", 1, 1024, err)) != OK)
		return rc;
	for (unsigned i = 0; i < p->n_parallel; i++)
		p->parallel[i] = (uint32_t)n[i];
	if (o->bench_format && strcmp(o->bench_format, "llama-bench"))
		return error_set(err, E_USAGE, "--bench-format %s: wants llama-bench", o->bench_format);
	if (o->bench_format && (o->json || o->csv))
		return error_set(err, E_USAGE, "--bench-format is an answer of its own: it excludes --json and --csv");
	if (!o->dummy && (o->layers || o->save))
		return error_set(err, E_USAGE, "--layers and --save are for made-up weights: they need --dummy");
	if (o->save && !str_suffix(o->save, ".gguf"))
		return error_set(err, E_USAGE, "--save %s: wants a name that ends in .gguf", o->save);
	/* made-up weights never take the place of real ones */
	if (o->save && path_exists(o->save))
		return error_set(err, E_USAGE, "--save %s: is there already", o->save);
	return OK;
}

/* The model, and whether it is one that can be loaded, or made up. */
static int model_from(struct job *j, const char *name, struct error *err)
{
	int rc = model_arg_open(&j->m, j->c, name, err);

	if (rc != OK)
		return rc;
	if (!j->o->dummy && !j->m.weights) {
		error_set(err, E_USAGE, "%s holds no weights that could be loaded", name);
		error_hint(err, "give a .gguf or .safetensors file, or --dummy, which makes weights up");
		return E_USAGE;
	}
	if (j->o->dummy && j->m.weights)
		return error_set(err, E_USAGE, "--dummy %s: it holds weights of its own; name a model of the catalogue, or a config.json", name);
	if (j->m.weights && j->o->quant)
		return error_set(err, E_USAGE, "--quant: %s holds its own weights", name);
	j->whole = j->m.spec;
	if (j->o->layers > j->m.spec->n_layers)
		return error_set(err, E_USAGE, "--layers %llu: the model has %u", (unsigned long long)j->o->layers, j->m.spec->n_layers);
	if (j->o->layers && j->o->layers < j->m.spec->n_layers) {
		j->slice = *j->m.spec;
		j->slice.n_layers = (uint32_t)j->o->layers;
		j->slice.mtp.layers = 0;
		j->m.spec = &j->slice;
	}
	return OK;
}

/* How fast memory reads at this moment, with the threads that were found best. NULL: it cannot be measured now. */
static const struct measured_row *read_now(struct measured *found, const struct job *j)
{
	struct measure_options how = { .threads = j->machine->read_threads, .memory_only = 1, .stop = j->plan.stop };
	struct error ignored = { 0 };

	return measure_machine(found, &j->machine->found, &how, &ignored) == OK ? measured_best(found, MEASURED_STREAM, "memory/") : NULL;
}

/* The processor alone, with what was measured of it. */
static int calibrated(struct job *j, struct error *err)
{
	int rc = machine_probe(&j->machine, &j->a, j->c, NULL, NULL, 0, err);

	if (rc != OK || (!j->o->no_calibration && (rc = machine_calibrate(j->machine, &j->a, err)) != OK))
		return rc;
	j->h = j->machine->spec;
	return verify_machine(&j->h, err);
}

/* This machine without what has no backend. Its rates are measured first where they are not known, for without them no speed can be predicted; where they
 * are, memory alone is measured once more: on a machine that others use too it is not what it was yesterday. */
static int machine_of(struct job *j, char *note, size_t n, struct error *err)
{
	struct measure_options how = { .progress = j->o->quiet ? NULL : measure_progress, .stop = j->plan.stop };
	const struct measured_row *now = NULL;
	struct measured found;
	struct error e = { 0 };
	int rc = calibrated(j, err);

	*note = '\0';
	if (rc != OK)
		return rc;
	struct pool *p = &j->h.pools[j->h.groups[0].pool];
	if (j->o->no_calibration || p->kind != POOL_HOST)
		return OK;
	const int known = p->read_bps.basis == BASIS_MEASURED;
	if (known) {
		now = read_now(&found, j);
		rc = now ? calibration_append(NULL, &j->a, &j->machine->spec, &j->machine->found, &found, &e) : OK;
	} else {
		rc = measure_machine(&found, &j->machine->found, &how, &e);
		if (!j->o->quiet)
			measure_progress_end();
		if (rc == OK && found.n_rows)
			rc = calibration_append(NULL, &j->a, &j->machine->spec, &j->machine->found, &found, &e);
	}
	if (rc != OK)
		snprintf(note, n, "the machine's own rates were not %s: %.180s", known ? "kept" : "measured", e.text);
	else if (!known && (rc = calibrated(j, err)) != OK)
		return rc;
	else if (!known)
		now = measured_best(&found, MEASURED_STREAM, "memory/");
	/* this minute's, not the median of the last ones */
	p = &j->h.pools[j->h.groups[0].pool];
	if (now && p->kind == POOL_HOST) {
		p->read_bps = known_of(now->value, BASIS_MEASURED);
		j->read_before = now->value;
	}
	return OK;
}

/* A step holds one token of each sequence. Of the usual numbers those that are too many are left out; one that was asked for is refused now, not after
 * all that comes before it was run. */
static int parallel_fits(struct job *j, struct error *err)
{
	struct verify_plan *p = &j->plan;
	unsigned kept = 0;

	for (unsigned i = 0; i < p->n_parallel; i++)
		if (p->parallel[i] <= j->q.settings.ubatch)
			p->parallel[kept++] = p->parallel[i];
		else if (j->o->parallel)
			return error_set(err, E_USAGE, "-np %u: a step of %u tokens (-ub) cannot hold one of each sequence", p->parallel[i], j->q.settings.ubatch);
	p->n_parallel = kept;
	return OK;
}

/* The first of the ladder that is GGUF's: kernels read its formats, and of those that models are released in (FP8 with scales, MXFP4 beside its scales) only
 * some. */
static const struct recipe *first_made_up(const struct quants *q)
{
	for (unsigned i = 0; i < q->n_ladder; i++)
		if (q->ladder[i] < q->n_recipes && q->recipes[q->ladder[i]].packing == PACK_GGUF)
			return &q->recipes[q->ladder[i]];
	return NULL;
}

static int predict(struct job *j, struct error *err)
{
	int rc;

	j->q = (struct question){ .model = j->m.spec, .quants = catalog_quants(j->c), .hardware = &j->h, .efficiency = &j->eff };
	if ((rc = settings_from(&j->q.settings, j->o, j->c, err)) != OK || (rc = efficiency_from(&j->eff, &j->a, j->c, err)) != OK || (rc = weights_from(&j->q, &j->m, err)) != OK)
		return rc;
	j->q.settings.threads = (uint32_t)(j->o->threads ? j->o->threads : j->machine->found.cpu.threads_allowed);
	if (!j->q.settings.recipe && (rc = estimate_ladder(&j->e, &j->q, first_made_up(j->q.quants), &j->a, err)) != OK)
		return rc;
	if ((rc = parallel_fits(j, err)) != OK || (rc = verify_predict(&j->v, &j->plan, &j->q, &j->a, err)) != OK)
		return rc;
	if (j->m.spec == &j->slice) {
		struct question whole = j->q;
		whole.model = j->whole;
		if ((rc = verify_predict_whole(&j->v, &whole, measure_plan_bytes(&j->machine->found, j->q.settings.threads), &j->a, err)) != OK)
			return rc;
	}
	/* the whole estimate of what will run, for the answer */
	j->q.settings.ctx_tokens = j->v.ctx_tokens;
	j->q.settings.sequences = 1;
	return estimate_compute(&j->e, &j->q, NULL, &j->a, err);
}

/* An estimate is of the engine as it is by default: with all threads, the best kernels, and weights laid out for them. Of another it says nothing. */
static int is_default(const struct job *j)
{
	const uint32_t all = j->machine->found.cpu.threads_allowed;

	return (!j->o->threads || !all || j->o->threads >= all) && !j->o->isa && !j->o->no_repack && (!j->o->backend || !strcmp(j->o->backend, "cpu"));
}

static void notes(struct job *j, const char *measured)
{
	const uint32_t all = j->machine->found.cpu.threads_allowed;

	if (*measured)
		verify_note(&j->v, "%s", measured);
	if (all && j->o->threads > all)
		verify_note(&j->v, "%llu threads, of which %u run at a time: this process may use no more processors", (unsigned long long)j->o->threads, all);
	for (uint32_t i = 0; i < j->machine->found.n_gpus; i++)
		if (j->machine->found.gpu[i].state == GPU_OK) {
			verify_note(&j->v, "%s has no backend in this version: everything ran on the CPU", j->machine->found.gpu[i].name ? j->machine->found.gpu[i].name : "this machine's GPU");
			break;
		}
	if (!is_default(j)) {
		for (unsigned i = 0; i < j->v.n_terms; i++)
			if (j->v.term[i].kind >= VERIFY_PREFILL)
				j->v.term[i].predicted.basis = j->v.term[i].speed.plain.basis = BASIS_UNKNOWN;
		verify_note(&j->v, "speeds are predicted for all threads and the best kernels alone (no -t, --isa, --backend, --no-repack), so not here");
		return;
	}
	for (unsigned i = 0; i < j->v.n_terms; i++)
		if (j->v.term[i].kind >= VERIFY_PREFILL && j->v.term[i].predicted.basis == BASIS_UNKNOWN) {
			verify_note(&j->v, "speeds are not predicted: the machine's memory bandwidth or matrix rate is unknown%s",
				j->o->no_calibration ? ", since --no-calibration leaves out what was measured of it" : " (ullage hardware --measure)");
			break;
		}
}

static int save(void *user, const struct weights *w, struct error *err)
{
	const char *path = user;

	return weights_save(w, path, err);
}

static void read_again(struct job *j)
{
	struct measured found;
	const struct measured_row *now = j->read_before > 0 ? read_now(&found, j) : NULL;

	if (now)
		verify_drift(&j->v, j->read_before, now->value);
}

/* Speeds into the calibration store; what cannot be kept is a note. */
static const char *keep(struct job *j, const char *name)
{
	const char *file = NULL;
	struct measured rows;
	struct error e = { 0 };

	if (j->o->no_calibration)
		return NULL;
	verify_rows(&rows, &j->v, j->q.quants, j->m.entry ? j->m.entry->id : str_base(name));
	if (!rows.n_rows)
		return NULL;
	if (calibration_append(&file, &j->a, &j->machine->spec, &j->machine->found, &rows, &e) == OK)
		return file;
	verify_note(&j->v, "the speeds are not kept: %.200s", e.text);
	return NULL;
}

static int show(struct job *j, const char *name, struct error *err)
{
	const struct options *o = j->o;
	const struct answer answer = { &j->m, &j->h, &j->q, &j->e };
	char why[1024];
	struct verify_answer a = { .verify = &j->v, .answer = &answer, .source = name, .baseline = o->baseline, .saved = o->save, .dummy = o->dummy, .seed = j->plan.seed, .why = why };
	int rc;

	if (j->baseline && (rc = verify_baseline(&j->v, o->baseline, j->baseline, j->baseline_bytes, name, err)) != OK)
		return rc;
	a.kept = keep(j, name);
	a.passes = verify_passes(&j->v, why, sizeof why);
	if (o->bench_format) {
		if ((rc = answer_print(verify_bench(&a, j->machine->found.cpu.name ? j->machine->found.cpu.name : ""), err)) != OK)
			return rc;
	} else if (o->json) {
		cJSON *doc = answer_document();
		verify_json(doc, &a);
		if ((rc = answer_print(doc, err)) != OK)
			return rc;
	} else if (o->csv) {
		verify_csv(stdout, &a);
	} else {
		struct text t;
		text_open(&t, o);
		verify_text(&t, &a, o->quiet);
	}
	return a.passes ? OK : 1;
}

static int interrupted(void)
{
	fputs("ullage: interrupted\n", stderr);
	return EXIT_INTERRUPTED;
}

static int verify(struct job *j, const char *name, struct error *err)
{
	char measured[240];
	int rc;

	if ((rc = catalog_from(&j->c, j->o, err)) != OK || (rc = plan_from(&j->plan, j->o, catalog_quants(j->c), err)) != OK || (rc = model_from(j, name, err)) != OK)
		return rc;
	if (j->o->baseline && (rc = file_read(&j->baseline, &j->baseline_bytes, &j->a, j->o->baseline, (size_t)16 << 20, err)) != OK)
		return rc;
	j->plan.cached = !j->o->dummy && witness_cached(name) == 1;
	if ((rc = machine_of(j, measured, sizeof measured, err)) != OK)
		return rc;
	if (*j->plan.stop)
		return interrupted();
	if ((rc = predict(j, err)) != OK)
		return rc;
	notes(j, measured);
	if (!j->o->quiet && (j->o->verbose || isatty(STDERR_FILENO))) {
		struct text t;
		text_open(&t, j->o);
		t.out = stderr;
		verify_text_before(&t, &j->v);
	}
	struct verify_source from = { .path = j->o->dummy ? NULL : name, .model = j->whole, .recipe = j->q.settings.recipe,
		.dummy = { .seed = j->plan.seed, .layers = (uint32_t)j->o->layers, .threads = (uint32_t)(j->o->threads ? j->o->threads : j->machine->found.cpu.threads_allowed), .stop = j->plan.stop } };
	rc = verify_run(&j->v, &from, j->q.quants, &j->a, j->o->save ? save : NULL, (void *)(uintptr_t)j->o->save, err);
	if (!j->o->quiet)
		verify_progress_end();
	if (rc != OK)
		return rc;
	if (j->v.interrupted)
		return interrupted();
	read_again(j);
	return show(j, name, err);
}

int cmd_verify(struct options *o, struct error *err)
{
	struct job *j;
	struct arena own = { 0 };
	int rc;

	if (o->n_args != 1)
		return error_set(err, E_USAGE, "verify wants one MODEL or FILE, not %d", o->n_args);
	o->engine = "ullage";
	if (!(j = arena_alloc(&own, sizeof *j)))
		return error_set(err, E_NOMEM, "out of memory");
	j->o = o;
	rc = verify(j, o->args[0], err);
	model_arg_close(&j->m);
	catalog_close(j->c);
	arena_free(&j->a);
	arena_free(&own);
	return rc;
}
