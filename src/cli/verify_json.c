/* verify_json.c - the result as JSON, and as rows that readers of llama-bench know */
#include "cli/verify.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void number_or_null(cJSON *o, const char *key, double v, int known)
{
	if (known && isfinite(v))
		json_add_f64(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
}

static void bytes_or_null(cJSON *o, const char *key, int64_t v)
{
	if (v >= 0)
		json_add_i64(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
}

/* Bytes are whole numbers, whatever their size. */
static void value(cJSON *o, const char *key, const struct verify_term *t, double v, int known)
{
	if (known && t->kind <= VERIFY_TOTAL)
		json_add_i64(o, key, (int64_t)v);
	else
		number_or_null(o, key, v, known);
}

static void term(cJSON *list, const struct verify_term *t)
{
	cJSON *x = cJSON_CreateObject();
	const int predicted = t->predicted.basis != BASIS_UNKNOWN;
	char test[64];

	json_add_str(x, "name", verify_kind_names[t->kind]);
	json_add_str(x, "test", *verify_test(test, sizeof test, t) ? test : NULL);
	value(x, "predicted", t, t->predicted.value, predicted);
	value(x, "low", t, t->predicted.low, predicted);
	value(x, "high", t, t->predicted.high, predicted);
	json_add_str(x, "basis", basis_names[t->kind <= VERIFY_TOTAL ? BASIS_PUBLISHED : t->predicted.basis]);
	value(x, "measured", t, t->measured, t->is_measured);
	number_or_null(x, "error", t->error, predicted && t->is_measured);
	number_or_null(x, "tolerance", t->tolerance, t->tolerance > 0);
	if (t->pass == VERIFY_OPEN)
		cJSON_AddNullToObject(x, "pass");
	else
		json_add_bool(x, "pass", t->pass == VERIFY_YES);
	if (t->n_samples) {
		cJSON *samples = json_add_array(x, "samples");
		for (unsigned i = 0; i < t->n_samples; i++)
			cJSON_AddItemToArray(samples, cJSON_CreateNumber(t->sample[i]));
		json_add_f64(x, "min", t->min);
		json_add_f64(x, "max", t->max);
		json_add_f64(x, "spread", verify_spread(t));
	}
	if (t->kind == VERIFY_PREFILL || t->kind == VERIFY_DECODE) {
		json_add_u64(x, "tokens", t->tokens);
		json_add_u64(x, "depth_tokens", t->depth);
		json_add_u64(x, "sequences", t->sequences);
	}
	if (t->has_before) {
		value(x, "baseline", t, t->before, 1);
		json_add_bool(x, "worse", t->worse);
	}
	if (t->whole > 0) {
		value(x, "whole_predicted", t, t->whole, 1);
		value(x, "whole_scaled", t, verify_scaled(t), verify_scaled(t) > 0);
	}
	cJSON_AddItemToArray(list, x);
}

void verify_json(cJSON *doc, const struct verify_answer *a)
{
	const struct verify *v = a->verify;
	cJSON *x, *list = json_add_array(doc, "terms");

	for (unsigned i = 0; i < v->n_terms; i++)
		term(list, &v->term[i]);
	json_add_bool(doc, "pass", a->passes);
	json_add_str(doc, "why", *a->why ? a->why : NULL);
	json_add_str(doc, "source", a->source);
	json_add_bool(doc, "dummy", a->dummy);
	if (v->layers_of)
		json_add_u64(doc, "layers_of", v->layers_of);
	else
		cJSON_AddNullToObject(doc, "layers_of");
	x = json_add_object(doc, "engine");
	json_add_str(x, "backend", v->info.backend);
	json_add_str(x, "isa", v->info.isa);
	json_add_u64(x, "threads", v->info.threads);
	json_add_bool(x, "pinned", v->info.pinned);
	json_add_bool(x, "repack", !v->plan.engine.no_repack);
	json_add_u64(x, "repacked_bytes", v->info.repacked_bytes);
	json_add_u64(x, "ubatch_tokens", v->info.ubatch);
	json_add_u64(x, "ctx_tokens", v->ctx_tokens);
	json_add_u64(x, "repeats", v->plan.repeats);
	json_add_u64(x, "seed", a->seed);
	bytes_or_null(x, "file_header_bytes", v->header_bytes);
	bytes_or_null(x, "resident_before_bytes", v->before_bytes);
	bytes_or_null(x, "peak_bytes", v->peak_bytes);
	json_add_f64(x, "read_bytes_per_s_before", v->read_bps[0] > 0 ? v->read_bps[0] : (double)NAN);
	json_add_f64(x, "read_bytes_per_s_after", v->read_bps[1] > 0 ? v->read_bps[1] : (double)NAN);
	json_add_str(doc, "calibration", a->kept);
	json_add_str(doc, "saved", a->saved);
	json_add_str(doc, "baseline", a->baseline);
	list = json_add_array(doc, "notes");
	for (unsigned i = 0; i < v->n_notes; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(v->note[i]));
	/* the estimate as it was before anything was loaded */
	answer_json(json_add_object(doc, "prediction"), a->answer);
}

static void bench_row(cJSON *list, const struct verify_answer *a, const struct verify_term *t, const char *cpu, const char *when)
{
	const struct verify *v = a->verify;
	const struct settings *s = &a->answer->estimate->settings;
	const struct quants *q = a->answer->question->quants;
	const struct model_spec *m = a->answer->model->spec;
	char type[160];
	double mean = 0, var = 0, ns = 0, ns_var = 0;
	const double tokens = (double)t->tokens * t->sequences, n = t->n_samples;
	cJSON *x = cJSON_CreateObject(), *samples[2];

	for (unsigned i = 0; i < t->n_samples; i++) {
		mean += t->sample[i] / n;
		ns += 1e9 * tokens / t->sample[i] / n;
	}
	for (unsigned i = 0; i < t->n_samples && t->n_samples > 1; i++) {
		var += (t->sample[i] - mean) * (t->sample[i] - mean) / (n - 1);
		ns_var += (1e9 * tokens / t->sample[i] - ns) * (1e9 * tokens / t->sample[i] - ns) / (n - 1);
	}
	json_add_str(x, "build_commit", "ullage " ULLAGE_VERSION);
	json_add_u64(x, "build_number", 0);
	json_add_str(x, "cpu_info", cpu);
	json_add_str(x, "gpu_info", "");
	json_add_str(x, "backends", "ullage");
	json_add_str(x, "model_filename", a->source);
	/* llama-bench has no key for a part of a model */
	snprintf(type, sizeof type, "%s", m->name ? m->name : m->id);
	if (v->layers_of)
		snprintf(type + strlen(type), sizeof type - strlen(type), ", %u of %u layers", m->n_layers, v->layers_of);
	json_add_str(x, "model_type", type);
	json_add_u64(x, "model_size", a->answer->estimate->sum.weights);
	json_add_u64(x, "model_n_params", a->answer->estimate->params_total);
	json_add_u64(x, "n_batch", v->info.ubatch);
	json_add_u64(x, "n_ubatch", v->info.ubatch);
	json_add_u64(x, "n_threads", v->info.threads);
	json_add_str(x, "type_k", q->formats[s->kv_k].id);
	json_add_str(x, "type_v", q->formats[s->kv_v].id);
	json_add_u64(x, "n_gpu_layers", 0);
	json_add_bool(x, "repack", !v->plan.engine.no_repack);
	json_add_u64(x, "n_prompt", t->kind == VERIFY_PREFILL ? t->tokens : 0);
	json_add_u64(x, "n_gen", t->kind == VERIFY_DECODE ? t->tokens : 0);
	json_add_u64(x, "n_depth", t->depth);
	json_add_u64(x, "n_parallel", t->sequences);     /* llama-bench has no such key: its rows are of one sequence */
	json_add_str(x, "test_time", when);
	cJSON_AddItemToObject(x, "avg_ns", cJSON_CreateNumber(floor(ns)));
	cJSON_AddItemToObject(x, "stddev_ns", cJSON_CreateNumber(floor(sqrt(ns_var))));
	json_add_f64(x, "avg_ts", mean);
	json_add_f64(x, "stddev_ts", sqrt(var));
	samples[0] = json_add_array(x, "samples_ns");
	samples[1] = json_add_array(x, "samples_ts");
	for (unsigned i = 0; i < t->n_samples; i++) {
		cJSON_AddItemToArray(samples[0], cJSON_CreateNumber(floor(1e9 * tokens / t->sample[i])));
		cJSON_AddItemToArray(samples[1], cJSON_CreateNumber(t->sample[i]));
	}
	cJSON_AddItemToArray(list, x);
}

cJSON *verify_bench(const struct verify_answer *a, const char *cpu)
{
	cJSON *list = cJSON_CreateArray();
	time_t now = time(NULL);
	struct tm utc;
	char when[32] = "";

	if (gmtime_r(&now, &utc))
		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
	for (unsigned i = 0; i < a->verify->n_terms; i++) {
		const struct verify_term *t = &a->verify->term[i];
		if ((t->kind == VERIFY_PREFILL || t->kind == VERIFY_DECODE) && t->n_samples)
			bench_row(list, a, t, cpu, when);
	}
	return list;
}
