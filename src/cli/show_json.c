/* show_json.c - one model, for programs: every figure, unknown is null */
#include "cli/show.h"

#include "cli/answer.h"
#include "cli/filter.h"
#include "cli/machine.h"
#include "cli/price_text.h"
#include "engine/hyper_arch.h"

#include <string.h>

static cJSON *new_in(cJSON *array)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(array, o);
	return o;
}

static void add_words(cJSON *o, const char *key, const char *const *words)
{
	cJSON *l = json_add_array(o, key);

	for (unsigned i = 0; words[i]; i++)
		cJSON_AddItemToArray(l, cJSON_CreateString(words[i]));
}

/* Words that may be unknown: none is null. */
static void add_known_words(cJSON *o, const char *key, const char *const *words)
{
	if (words[0])
		add_words(o, key, words);
	else
		cJSON_AddNullToObject(o, key);
}

/* What an entry says is unknown is null. */
static void add_known_word(cJSON *o, const char *key, const char *word) { json_add_str(o, key, word && strcmp(word, "unknown") ? word : NULL); }

static const char *source_key(const struct model_entry *e, uint16_t i)
{
	const struct model_spec *self = model_entry_self(e);

	return self && i < self->n_sources ? self->sources[i].key : NULL;
}

static void add_facts(cJSON *x, const struct show *s)
{
	const struct model_entry *e = s->e;
	const struct model_spec *m = s->m;

	json_add_str(x, "id", e->id);
	json_add_str(x, "name", e->name);
	add_known_word(x, "family", e->family);
	add_known_word(x, "vendor", e->vendor);
	add_known_word(x, "country", e->country);
	add_known_word(x, "licence", e->licence);
	json_add_str(x, "status", status_names[e->status]);
	add_known_word(x, "released", e->released);
	json_add_str(x, "why", e->why);
	add_words(x, "instead", e->instead);
	add_words(x, "aliases", e->aliases);
	add_known_words(x, "modalities", e->modalities);
	add_known_words(x, "languages", e->languages);
	json_add_str(x, "languages_source", source_key(e, e->languages_source));
	add_words(x, "use_cases", e->use_cases);
	json_add_str(x, "same_shapes_as", e->same_shapes_as);
	add_known_word(x, "architecture", m ? m->architecture : NULL);
	json_add_str(x, "type", m ? model_is_moe(m) ? "moe" : "dense" : NULL);
	json_add_known_u64(x, "params_total", m ? s->n.total : 0);
	json_add_known_u64(x, "params_active", m ? s->n.active : 0);
	if (m)
		json_add_u64(x, "params_mtp", s->n.mtp);
	else
		cJSON_AddNullToObject(x, "params_mtp");
	json_add_known_u64(x, "layers", m ? m->n_layers : 0);
	json_add_known_u64(x, "width", m ? m->width : 0);
	json_add_known_u64(x, "vocab", m ? m->vocab : 0);
	json_add_known_u64(x, "context_native", m ? m->context_native : 0);
	json_add_known_u64(x, "context_max", m ? m->context_max : 0);
	json_add_str(x, "context_max_how", e->how);
	json_add_str(x, "native_format", m ? m->native_format : NULL);
	json_add_known_u64(x, "native_file_bytes", m && is_known(m->native_file_bytes) ? (uint64_t)m->native_file_bytes.v : 0);
}

static void add_licence(cJSON *doc, const struct show *s)
{
	const struct licence *l = s->licence;
	cJSON *o, *terms;

	if (!l) {
		cJSON_AddNullToObject(doc, "licence");
		return;
	}
	o = json_add_object(doc, "licence");
	json_add_str(o, "id", l->id);
	json_add_str(o, "name", l->name);
	json_add_str(o, "url", l->url);
	if (l->osi_known)
		json_add_bool(o, "osi", l->osi);
	else
		cJSON_AddNullToObject(o, "osi");
	json_add_str(o, "commercial", l->commercial == COMMERCIAL_UNKNOWN ? NULL : commercial_names[l->commercial]);
	json_add_str(o, "note", l->note);
	json_add_str(o, "source", l->source < s->licences.n_sources ? s->licences.sources[l->source].key : NULL);
	terms = json_add_array(o, "terms");
	for (unsigned i = 0; i < l->n_terms; i++) {
		const struct licence_term *x = &l->terms[i];
		cJSON *t = new_in(terms);
		json_add_str(t, "rule", licence_rule_names[x->rule]);
		json_add_known_u64(t, "monthly_users", x->monthly_users);
		json_add_known(t, "usd_month", x->usd_month > 0 ? known_of(x->usd_month, BASIS_SPEC) : (struct known){ 0 });
		json_add_known(t, "usd_year", x->usd_year > 0 ? known_of(x->usd_year, BASIS_SPEC) : (struct known){ 0 });
		json_add_str(t, "of", x->rule == RULE_EU_EXCLUDED ? x->of_image ? "image" : "all" : NULL);
		json_add_str(t, "prefix", x->prefix);
		json_add_str(t, "note", x->note);
		json_add_str(t, "source", x->source < s->licences.n_sources ? s->licences.sources[x->source].key : NULL);
	}
}

static void add_gqa(cJSON *o, const struct gqa_spec *g)
{
	json_add_u64(o, "q_heads", g->q_heads);
	json_add_u64(o, "kv_heads", g->kv_heads);
	json_add_u64(o, "k_dim", g->k_dim);
	json_add_u64(o, "v_dim", g->v_dim);
	json_add_str(o, "span", span_names[g->span]);
	json_add_known_u64(o, "span_tokens", g->span_tokens);
	json_add_bool(o, "owns_cache", g->own == OWN_STATE);
}

static void add_part(cJSON *o, const struct part *p, const struct model_spec *m)
{
	json_add_str(o, "type", part_type_names[p->type]);
	switch ((enum part_type)p->type) {
	case PART_GQA: add_gqa(o, &p->u.gqa); break;
	case PART_MLA:
		json_add_u64(o, "q_heads", p->u.mla.q_heads);
		json_add_u64(o, "kv_rank", p->u.mla.kv_rank);
		json_add_u64(o, "rope_dim", p->u.mla.rope_dim);
		json_add_u64(o, "nope_dim", p->u.mla.nope_dim);
		json_add_u64(o, "v_dim", p->u.mla.v_dim);
		break;
	case PART_CSA:
		json_add_u64(o, "q_heads", p->u.csa.q_heads);
		json_add_u64(o, "row_dim", p->u.csa.row_dim);
		json_add_u64(o, "window", p->u.csa.window);
		json_add_u64(o, "ratio", p->u.csa.ratio);
		break;
	case PART_DELTA:
		json_add_u64(o, "k_heads", p->u.delta.k_heads);
		json_add_u64(o, "v_heads", p->u.delta.v_heads);
		json_add_u64(o, "k_dim", p->u.delta.k_dim);
		json_add_u64(o, "v_dim", p->u.delta.v_dim);
		break;
	case PART_MAMBA2:
		json_add_u64(o, "heads", p->u.mamba2.heads);
		json_add_u64(o, "head_dim", p->u.mamba2.head_dim);
		json_add_u64(o, "groups", p->u.mamba2.groups);
		json_add_u64(o, "state", p->u.mamba2.state);
		break;
	case PART_CONV: json_add_u64(o, "kernel", p->u.conv.kernel); break;
	case PART_MLP: json_add_u64(o, "width", p->u.mlp.width); break;
	case PART_MOE:
		json_add_u64(o, "experts", p->u.moe.experts);
		json_add_u64(o, "per_token", p->u.moe.per_token);
		json_add_u64(o, "width", p->u.moe.width);
		json_add_u64(o, "shared", p->u.moe.shared);
		json_add_u64(o, "shared_width", p->u.moe.shared_width);
		break;
	case PART_TYPES: break;
	}
	json_add_str(o, "source", p->source < m->n_sources ? m->sources[p->source].key : NULL);
}

static void add_kinds(cJSON *doc, const struct model_spec *m)
{
	cJSON *list = json_add_array(doc, "layer_kinds");

	for (unsigned k = 0; m && k < m->n_kinds; k++) {
		unsigned n = show_layers_of(m, k);
		cJSON *o, *branches;
		if (!n)
			continue;
		o = new_in(list);
		json_add_str(o, "name", m->kinds[k].name);
		json_add_u64(o, "layers", n);
		branches = json_add_array(o, "branches");
		for (unsigned b = 0; b < m->kinds[k].n_branches; b++) {
			cJSON *parts = cJSON_CreateArray();
			for (unsigned p = 0; p < m->kinds[k].branch[b].n_parts; p++)
				add_part(new_in(parts), &m->parts[m->kinds[k].branch[b].part[p]], m);
			cJSON_AddItemToArray(branches, parts);
		}
	}
}

static void add_encoders(cJSON *doc, const struct model_spec *m)
{
	cJSON *list = json_add_array(doc, "encoders");

	for (unsigned i = 0; m && i < m->n_encoders; i++) {
		cJSON *o = new_in(list);
		json_add_str(o, "component", component_names[m->encoders[i].component]);
		add_known_word(o, "type", m->encoders[i].type);
		json_add_u64(o, "params", m->encoders[i].params);
		json_add_known_u64(o, "image_tokens", m->encoders[i].image_tokens);
	}
}

static void add_sizes(cJSON *doc, const struct show *s)
{
	cJSON *list = json_add_array(doc, "sizes");

	for (unsigned i = 0; i < s->n_sizes; i++) {
		const struct show_size *r = &s->size[i];
		cJSON *o = new_in(list);
		json_add_str(o, "quant", r->r->name);
		json_add_str(o, "packing", packing_names[r->r->packing]);
		json_add_u64(o, "weights_bytes", r->weights);
		json_add_u64(o, "file_bytes", r->file);
		json_add_bool(o, "file_has_tokenizer", r->with_tokenizer);
		json_add_f64(o, "bits_per_weight", s->n.text ? 8.0 * (double)r->weights / (double)s->n.text : 0);
		json_add_bool(o, "on_ladder", r->on_ladder);
		json_add_bool(o, "as_released", r->native);
	}
}

static void add_cache(cJSON *doc, const struct show *s)
{
	cJSON *o, *list;

	list = json_add_array(doc, "kv_per_1k_tokens");
	for (unsigned i = 0; s->m && i < SHOW_KV_TYPES; i++) {
		o = new_in(list);
		json_add_str(o, "kv_type", s->kv[i].type);
		if (s->kv[i].known) {
			json_add_u64(o, "bytes", s->kv[i].per_1k);
			json_add_u64(o, "windows_bytes", s->kv[i].spans);
		} else {
			cJSON_AddNullToObject(o, "bytes");
			cJSON_AddNullToObject(o, "windows_bytes");
		}
	}
	list = json_add_array(doc, "windows");
	for (unsigned i = 0; i < s->n_spans; i++) {
		o = new_in(list);
		json_add_str(o, "span", s->span[i].growth == GROW_WINDOW ? "window" : s->span[i].growth == GROW_CHUNK ? "chunk" : "compressed");
		json_add_u64(o, "tokens", s->span[i].tokens);
		json_add_u64(o, "layers", layer_count(&s->span[i].layers));
	}
	if (!s->m) {
		cJSON_AddNullToObject(doc, "kv_cache");
		return;
	}
	o = json_add_object(doc, "kv_cache");
	json_add_str(o, "engine", s->set.engine->id);
	json_add_u64(o, "ctx_tokens", s->set.ctx_tokens);
	json_add_u64(o, "kv_cache_bytes", s->cache.kv);
	json_add_u64(o, "state_bytes", s->cache.state);
}

static void add_published(cJSON *doc, const struct model_entry *e)
{
	static const char *const own[] = { [ARCH_UNKNOWN] = NULL, [ARCH_REFUSED] = "refused", [ARCH_UNPROVED] = "unproved", [ARCH_PROVED] = "proved" };
	const struct model_spec *self = model_entry_self(e);
	cJSON *list = json_add_array(doc, "engines"), *o;

	json_add_str(doc, "own_engine", own[self ? arch_state(self->architecture) : ARCH_UNKNOWN]);

	for (unsigned i = 0; i < e->n_engines; i++) {
		const char *since = model_engine_since(e, e->engines[i].key);
		o = new_in(list);
		json_add_str(o, "engine", e->engines[i].key);
		if (since)
			json_add_bool(o, "runs", 1);
		else if (!strcmp(e->engines[i].value, "no"))
			json_add_bool(o, "runs", 0);
		else
			cJSON_AddNullToObject(o, "runs");
		json_add_str(o, "since", since);
		json_add_str(o, "source", source_key(e, e->engines_source));
	}
	o = json_add_object(doc, "repos");
	for (unsigned i = 0; i < e->n_repos; i++)
		json_add_str(o, e->repos[i].key, e->repos[i].value);
	list = json_add_array(doc, "scores");
	for (unsigned i = 0; i < e->n_scores; i++) {
		o = new_in(list);
		json_add_str(o, "benchmark", e->scores[i].benchmark);
		json_add_f64(o, "value", e->scores[i].value);
		json_add_str(o, "note", e->scores[i].note);
		json_add_str(o, "source", source_key(e, e->scores[i].source));
	}
}

static void add_sources(cJSON *doc, const struct model_entry *e)
{
	const struct model_spec *self = model_entry_self(e);
	cJSON *list = json_add_array(doc, "sources");

	for (unsigned i = 0; self && i < self->n_sources; i++) {
		cJSON *o = new_in(list);
		json_add_str(o, "key", self->sources[i].key);
		json_add_str(o, "what", self->sources[i].what);
		json_add_str(o, "where", self->sources[i].where);
		json_add_str(o, "confidence", self->sources[i].confidence);
	}
}

int show_json(const struct show *s, struct error *err)
{
	cJSON *doc = answer_document(), *l;

	add_facts(json_add_object(doc, "model"), s);
	add_licence(doc, s);
	add_encoders(doc, s->m);
	add_kinds(doc, s->m);
	add_sizes(doc, s);
	add_cache(doc, s);
	add_published(doc, s->e);
	prices_json(doc, &s->prices, (const char *const[]){ s->e->id, NULL });
	add_sources(doc, s->e);
	add_words(doc, "notes", s->e->notes);
	l = json_add_array(doc, "warnings");
	for (unsigned i = 0; s->m && i < s->m->n_warnings; i++)
		cJSON_AddItemToArray(l, cJSON_CreateString(s->m->warnings[i]));
	return answer_print(doc, err);
}
