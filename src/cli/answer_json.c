/* answer_json.c - the JSON contract of design.md */
#include "cli/answer.h"

#include <stdlib.h>
#include <string.h>

static void figure(cJSON *o, const char *key, struct figure f)
{
	cJSON *x;

	if (f.basis == BASIS_UNKNOWN) {
		cJSON_AddNullToObject(o, key);
		return;
	}
	x = json_add_object(o, key);
	json_add_f64(x, "value", f.value);
	json_add_f64(x, "low", f.low);
	json_add_f64(x, "high", f.high);
	json_add_str(x, "basis", basis_names[f.basis]);
}

static void known_or_null(cJSON *o, const char *key, struct known k)
{
	if (is_known(k))
		json_add_u64(o, key, (uint64_t)k.v);
	else
		cJSON_AddNullToObject(o, key);
}

static void terms(cJSON *o, const struct memory *m, uint32_t warnings)
{
	json_add_u64(o, "weights_bytes", m->weights);
	json_add_u64(o, "kv_cache_bytes", m->kv_cache);
	json_add_u64(o, "state_bytes", m->state);
	json_add_u64(o, "compute_bytes", m->compute);
	if (m->runtime || !(warnings & 1u << WARN_RUNTIME_UNKNOWN))
		json_add_u64(o, "runtime_bytes", m->runtime);
	else
		cJSON_AddNullToObject(o, "runtime_bytes");
	json_add_u64(o, "total_bytes", m->total);
	json_add_u64(o, "budget_bytes", m->budget);
	json_add_i64(o, "headroom_bytes", m->headroom);
}

static void model_object(cJSON *o, const struct answer *a)
{
	const struct model_spec *m = a->model->spec;
	const struct model_entry *e = a->model->entry;
	const struct estimate *est = a->estimate;
	cJSON *x = json_add_object(o, "model");

	json_add_str(x, "id", e ? e->id : m->id);
	json_add_str(x, "name", e ? e->name : m->name);
	json_add_u64(x, "params_total", est->params_total);
	json_add_u64(x, "params_active", est->params_active);
	json_add_u64(x, "params_mtp", est->params_mtp);
	json_add_str(x, "architecture", m->architecture);
	if (m->context_max)
		json_add_u64(x, "context_max", m->context_max);
	else
		cJSON_AddNullToObject(x, "context_max");
	json_add_str(x, "licence", e ? e->licence : NULL);
}

void answer_hardware_json(cJSON *o, const struct hardware_spec *h)
{
	cJSON *x = json_add_object(o, "hardware"), *list;

	json_add_str(x, "id", h->id);
	json_add_str(x, "name", h->name);
	list = json_add_array(x, "devices");
	for (unsigned g = 0; g < h->n_groups; g++)
		for (unsigned i = 0; i < (unsigned)h->groups[g].per_node * h->groups[g].nodes; i++) {
			const struct pool *p = &h->pools[h->groups[g].pool];
			cJSON *d = cJSON_CreateObject();
			json_add_str(d, "name", h->groups[g].device->name);
			if (p->total_bytes)
				json_add_u64(d, "memory_total_bytes", p->total_bytes);
			else
				cJSON_AddNullToObject(d, "memory_total_bytes");
			if (p->usable_bytes)
				json_add_u64(d, "memory_usable_bytes", p->usable_bytes);
			else
				cJSON_AddNullToObject(d, "memory_usable_bytes");
			known_or_null(d, "memory_free_bytes", p->free_bytes);
			known_or_null(d, "bandwidth_bytes_per_s", p->read_bps);
			cJSON_AddItemToArray(list, d);
		}
}

static void settings_object(cJSON *o, const struct answer *a)
{
	const struct settings *s = &a->estimate->settings;
	const struct quants *q = a->question->quants;
	static const char *const flash[] = { "auto", "on", "off" };
	cJSON *x = json_add_object(o, "settings");

	json_add_str(x, "quant", answer_quant(a));
	json_add_u64(x, "ctx_tokens", s->ctx_tokens);
	json_add_u64(x, "sequences", s->sequences);
	json_add_str(x, "kv_type", s->kv_k == s->kv_v ? q->formats[s->kv_k].id : NULL);
	json_add_str(x, "kv_type_k", q->formats[s->kv_k].id);
	json_add_str(x, "kv_type_v", q->formats[s->kv_v].id);
	json_add_str(x, "engine", s->engine->id);
	json_add_str(x, "engine_version", s->engine->version);
	json_add_u64(x, "ubatch_tokens", s->ubatch);
	static const char *const split[] = { "engine", "layer", "tensor", "none" };
	json_add_u64(x, "gpu_layers", a->estimate->gpu_layers);
	json_add_u64(x, "n_gpu_layers", a->estimate->gpu_layers + (uint64_t)a->estimate->output_on_device);
	json_add_u64(x, "cpu_moe_layers", a->estimate->cpu_moe);
	json_add_str(x, "split_mode", split[s->split]);
	if (a->estimate->dealt || s->n_ts) {
		cJSON *shares = json_add_array(x, "tensor_split");
		for (unsigned d = 0; d < (s->n_ts ? s->n_ts : a->estimate->n_devices); d++)
			cJSON_AddItemToArray(shares, cJSON_CreateNumber(s->n_ts ? s->ts[d] : a->estimate->deal[d]));
	} else {
		cJSON_AddNullToObject(x, "tensor_split");
	}
	json_add_str(x, "flash_attention", flash[s->flash]);
	json_add_bool(x, "imatrix", s->imatrix);
	json_add_bool(x, "swa_full", s->swa_full);
}

void answer_json(cJSON *o, const struct answer *a)
{
	const struct estimate *e = a->estimate;
	char text[256];
	cJSON *x, *list;

	model_object(o, a);
	answer_hardware_json(o, a->hardware);
	settings_object(o, a);
	x = json_add_object(o, "memory");
	terms(x, &e->sum, e->warnings);
	if (e->weights_low != e->weights_high) {
		json_add_u64(x, "weights_low_bytes", e->weights_low);
		json_add_u64(x, "weights_high_bytes", e->weights_high);
	}
	json_add_u64(x, "host_bytes", e->host.total);
	json_add_u64(x, "file_bytes", e->file_bytes);
	list = json_add_array(x, "per_device");
	for (unsigned d = 0; d < e->n_devices; d++) {
		cJSON *dev = cJSON_CreateObject();
		json_add_str(dev, "device", e->device[d].device);
		json_add_str(dev, "pool", e->device[d].pool);
		json_add_u64(dev, "layers", e->device[d].layers);
		terms(dev, &e->device[d], e->warnings);
		cJSON_AddItemToArray(list, dev);
	}
	json_add_u64(o, "max_context_tokens", e->max_context_tokens);
	json_add_u64(o, "max_sequences", e->max_sequences);
	x = json_add_object(o, "speed");
	figure(x, "decode_tokens_per_s", e->decode_tps);
	figure(x, "prefill_tokens_per_s", e->prefill_tps);
	figure(x, "ttft_s", e->ttft_s);
	json_add_u64(x, "ttft_prompt_tokens", e->ttft_tokens);
	list = json_add_array(x, "by_depth");
	for (unsigned i = 0; i < e->n_depths; i++) {
		cJSON *d = cJSON_CreateObject();
		json_add_u64(d, "ctx_tokens", e->depth[i].ctx_tokens);
		if (e->depth[i].decode_tps.basis == BASIS_UNKNOWN)
			cJSON_AddNullToObject(d, "decode_tokens_per_s");
		else
			json_add_f64(d, "decode_tokens_per_s", e->depth[i].decode_tps.value);
		json_add_u64(d, "kv_cache_bytes", e->depth[i].kv_bytes);
		cJSON_AddItemToArray(list, d);
	}
	json_add_str(o, "verdict", verdict_names[e->verdict]);
	list = json_add_array(o, "reasons");
	if (e->verdict != FITS)
		cJSON_AddItemToArray(list, cJSON_CreateString(shortfall_text(text, sizeof text, e)));
	list = json_add_array(o, "relaxations");
	for (unsigned i = 0; i < e->n_relax; i++) {
		cJSON *r = cJSON_CreateObject();
		json_add_str(r, "change", relaxation_text(text, sizeof text, &e->relax[i], a));
		json_add_u64(r, "saves_bytes", e->relax[i].saves_bytes);
		json_add_str(r, "costs", *costs_text(text, sizeof text, &e->relax[i], a) ? text : NULL);
		json_add_str(r, "verdict", verdict_names[e->relax[i].verdict]);
		figure(r, "decode_tokens_per_s", e->relax[i].decode_tps);
		cJSON_AddItemToArray(list, r);
	}
	list = json_add_array(o, "warnings");
	for (unsigned w = 0; w < WARNINGS; w++)
		if (e->warnings >> w & 1)
			cJSON_AddItemToArray(list, cJSON_CreateString(warning_text((enum warning)w)));
	for (unsigned i = 0; i < a->model->spec->n_warnings; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(a->model->spec->warnings[i]));
	for (unsigned i = 0; i < a->hardware->n_warnings; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(a->hardware->warnings[i]));
}

cJSON *answer_document(void)
{
	cJSON *doc = cJSON_CreateObject(), *t;

	json_add_u64(doc, "schema_version", 1);
	t = json_add_object(doc, "tool");
	json_add_str(t, "name", "ullage");
	json_add_str(t, "version", ULLAGE_VERSION);
	return doc;
}

int answer_print(cJSON *doc, struct error *err)
{
	char *text = cJSON_Print(doc);

	cJSON_Delete(doc);
	if (!text)
		return error_set(err, E_NOMEM, "out of memory");
	puts(text);
	free(text);
	return OK;
}
