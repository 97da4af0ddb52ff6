/* import_config.c - a Hugging Face config.json -> model_spec: the document, and the sizes every model has */
#include "catalog/import_config.h"

#include "base/str.h"
#include "catalog/import_config_read.h"

#include <string.h>

static const cJSON *object_in(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsObject(v) ? v : NULL;
}
static const char *string_in(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsString(v) && v->valuestring[0] ? v->valuestring : NULL;
}

/* Python writes Infinity and NaN, which JSON does not have; no size may be one, so they become empty strings. */
static char *without_infinity(struct arena *a, const char *s, size_t n)
{
	static const char *const words[] = { "-Infinity", "Infinity", "NaN" };
	char *out = arena_alloc(a, n + 1);
	int quoted = 0;

	if (!out)
		return NULL;
	if (n)
		memcpy(out, s, n);
	for (size_t i = 0; i < n; i++) {
		if (quoted && out[i] == '\\') {
			i++;
			continue;
		}
		if (out[i] == '"')
			quoted = !quoted;
		for (unsigned w = 0; !quoted && w < sizeof words / sizeof *words; w++) {
			size_t len = strlen(words[w]);

			if (n - i >= len && !memcmp(out + i, words[w], len)) {
				memset(out + i, ' ', len);
				out[i] = out[i + 1] = '"';
				i += len - 1;
				break;
			}
		}
	}
	return out;
}

/* The text model of a wrapper; the wrapper itself otherwise. */
static void find_text(struct import *c)
{
	static const char *const keys[] = { "text_config", "language_config", "llm_config" };
	const cJSON *classes = cJSON_GetObjectItemCaseSensitive(c->root, "architectures");
	const char *outer = string_in(c->root, "model_type"), *inner;
	const char *class_name = cJSON_IsArray(classes) && cJSON_IsString(classes->child) ? classes->child->valuestring : "";

	c->text = c->root;
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
		if (object_in(c->root, keys[i])) {
			c->text = object_in(c->root, keys[i]);
			break;
		}
	c->vision = object_in(c->root, "vision_config");
	inner = string_in(c->text, "model_type");
	c->type = outer ? outer : inner ? inner : "";
	/* The outer word wins: Kimi K3 calls its text model kimi_linear, and is more than that. */
	c->fam = outer ? family_find(outer) : NULL;
	if (!c->fam && inner)
		c->fam = family_find(inner);
	if (!c->fam && (c->fam = family_by_class(class_name)))
		import_warn(c, "model_type %.40s is read as %.40s, after its class %.60s", c->type, c->fam->model_type, class_name);
	c->guessed = !c->fam;
	c->fam = c->fam ? c->fam : &family_llama;
}

static void read_norms(struct import *c)
{
	static const char *const keys[] = { "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "layernorm_epsilon",
		"norm_epsilon", "norm_eps" };
	double eps = c->fam->eps > 0.0 ? c->fam->eps : 1e-6;
	int stated = 0, rms = import_item(c, "rms_norm_eps") != NULL;

	for (unsigned i = sizeof keys / sizeof *keys; i-- > 0;) {
		stated |= import_item(c, keys[i]) != NULL;
		eps = import_f64(c, keys[i], eps);
	}
	if (c->rc == OK && !(eps >= 0.0 && eps < 1.0))
		import_fail(c, E_FILE, "norm epsilon %g is not between 0 and 1", eps);
	if (c->guessed && stated && !rms)
		import_fail(c, E_ARCH, "architecture %s: whether its norms have biases is not established (no rms_norm_eps)", c->type);
	if (c->guessed && !stated)
		import_warn(c, "no norm epsilon is given; 1e-6 is taken");
	c->m->norm_eps = (float)eps;
	c->m->norm_type = c->fam->norm_type;
}

static void read_tied(struct import *c)
{
	const cJSON *outer = cJSON_GetObjectItemCaseSensitive(c->root, "tie_word_embeddings");
	int absent = (c->fam->flags & FAM_TIED) != 0;

	if (cJSON_IsBool(outer))
		absent = cJSON_IsTrue(outer);
	else if (!import_item(c, "tie_word_embeddings") && (c->guessed || c->fam->flags & FAM_NEEDS_TIED))
		import_warn(c, "tie_word_embeddings is absent; the output head is taken to be %s", absent ? "tied" : "a matrix of its own");
	c->m->tied_head = import_bool(c, "tie_word_embeddings", absent) != 0;
}

static void read_heads(struct import *c)
{
	static const char *const kv_keys[] = { "num_key_value_heads", "num_attention_groups", NULL };
	static const char *const dim_keys[] = { "head_dim", "attention_head_dim", NULL };
	const struct family *f = c->fam;

	c->heads = import_need(c, "num_attention_heads", f->heads);
	c->kv_heads = import_count(c, kv_keys, f->kv_heads ? f->kv_heads : c->heads);
	c->head_dim = import_count(c, dim_keys, f->head_dim);
	if (!c->head_dim && c->rc == OK && !import_u32(c, "kv_lora_rank", 0)) {
		if (c->m->width % c->heads)
			import_fail(c, E_FILE, "num_attention_heads (%u) must divide hidden_size (%u), as no head_dim is given", c->heads,
				c->m->width);
		c->head_dim = c->m->width / c->heads;
	}
	if (!c->kv_heads)
		import_fail(c, E_FILE, "num_key_value_heads: 0 must be positive");
	c->window = import_u32(c, "sliding_window", 0);
	c->chunk = strcmp(f->model_type, "llama4_text") ? 0 : import_u32(c, "attention_chunk_size", 8192);
	if (!strcmp(f->model_type, "mimo_v2_flash")) {       /* it repeats its window in these */
		import_used(c, "attention_chunk_size");
		import_used(c, "sliding_window_size");
	}
}

/* "FOLDER/config.json" is called by its folder, anything else by its file name. */
static void read_name(struct import *c)
{
	const char *base = str_base(c->file), *end = base, *start;

	c->m->file = arena_strdup(c->arena, c->file);
	if (strcmp(base, "config.json") || end - c->file < 2) {
		c->m->id = c->m->name = arena_strdup(c->arena, base);
		return;
	}
	for (start = --end; start > c->file && start[-1] != '/';)
		start--;
	c->m->id = c->m->name = start == end ? c->m->file : arena_strndup(c->arena, start, (size_t)(end - start));
}

static void read_model(struct import *c)
{
	struct model_spec *m = c->m;
	double scale;

	read_name(c);
	m->architecture = c->fam->architecture;
	m->width = import_need(c, "hidden_size", 0);
	m->n_layers = import_need(c, "num_hidden_layers", 0);
	m->vocab = import_need(c, "vocab_size", c->fam->vocab);
	if (c->rc == OK && m->n_layers > MAX_LAYERS)
		import_fail(c, E_FILE, "num_hidden_layers: %u, at most %d", m->n_layers, (int)MAX_LAYERS);
	m->context_native = m->context_max = import_u32(c, "max_position_embeddings", 0);
	read_norms(c);
	read_tied(c);
	read_heads(c);
	m->residual_streams = import_u32(c, "hc_mult", 1);
	m->residual_block = import_u32(c, "attn_res_block_size", 0);
	m->final_softcap = (float)import_f64(c, "final_logit_softcapping", strcmp(c->fam->model_type, "gemma2") ? 0.0 : 30.0);
	m->head_bias = !strcmp(c->fam->model_type, "phi");
	m->per_layer_embed = import_u32(c, "hidden_size_per_layer_input", 0);
	m->per_layer_vocab = import_u32(c, "vocab_size_per_layer_input", 0);
	if (!m->per_layer_embed || m->per_layer_vocab == m->vocab)
		m->per_layer_vocab = 0;
	m->embed_scale = (c->fam->flags & FAM_EMBED_SCALE) != 0;
	scale = import_f64(c, "embedding_multiplier", 1.0);
	if (scale > 0.0 && scale != 1.0) {
		m->embed_scale = 1;
		m->embed_factor = scale;
	}
}

static int reserve(struct import *c)
{
	static const struct source source = { "config", "config.json as released", "", "primary" };
	struct source *s = arena_array(c->arena, 1, sizeof *s);
	struct model_spec *m = c->m;

	c->parts = arena_array(c->arena, MAX_PARTS, sizeof *c->parts);
	c->kinds = arena_array(c->arena, MAX_KINDS, sizeof *c->kinds);
	c->kind_of = arena_array(c->arena, MAX_LAYERS, sizeof *c->kind_of);
	c->plan = arena_array(c->arena, MAX_LAYERS + 1, sizeof *c->plan);
	c->ropes = arena_array(c->arena, MAX_ROPES, sizeof *c->ropes);
	c->warnings = arena_array(c->arena, MAX_WARNINGS, sizeof *c->warnings);
	if (!s || !c->parts || !c->kinds || !c->kind_of || !c->plan || !c->ropes || !c->warnings)
		return import_fail(c, E_NOMEM, "out of memory");
	*s = source;
	s->where = arena_strdup(c->arena, c->file);
	m->sources = s;
	m->n_sources = 1;
	m->parts = c->parts;
	m->kinds = c->kinds;
	m->kind_of = c->kind_of;
	m->rope = c->ropes;
	m->warnings = c->warnings;
	return OK;
}

static void build(struct import *c)
{
	find_text(c);
	if (c->guessed)
		import_warn(c, "model_type %.60s is not known; it is read as a Llama-like model", c->type[0] ? c->type : "(absent)");
	import_keys(c, 1);
	if (c->rc == OK)
		read_model(c);
	if (c->rc == OK)
		import_ropes(c);
	if (c->rc == OK)
		import_layers(c);
	for (uint32_t i = 0; c->rc == OK && i < c->m->n_layers; i++) {
		uint32_t same = 0;

		while (same < i && memcmp(&c->plan[same], &c->plan[i], sizeof c->plan[i]))
			same++;
		c->kind_of[i] = same < i ? c->kind_of[same] : import_kind(c, &c->plan[i]);
	}
	if (c->rc == OK)
		import_draft(c);
	if (c->rc == OK && !strncmp(c->fam->model_type, "step3p", 6) && !import_item(c, "attention_other_setting") &&
	    !import_u32(c, "num_sliding_attention_heads", 0))
		import_warn(c,
			"the query heads of sliding layers are not in this configuration; half as many again as in full layers are taken");
	if (c->rc == OK && c->fam->flags & FAM_SINGLE && import_experts(c))
		c->m->architecture = "nemotron_h_moe";
	if (c->rc == OK)
		import_vision(c);
	if (c->rc == OK)
		import_native(c);
	if (c->rc == OK)
		import_keys(c, 0);
}

int import_config(struct model_spec *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct import c = { .file = file, .arena = a, .err = err, .m = out, .type = "" };
	cJSON *root = NULL;
	const char *text;

	memset(out, 0, sizeof *out);
	if (!(text = without_infinity(a, bytes, n)))
		return error_set(err, E_NOMEM, "out of memory");
	if ((c.rc = json_parse(&root, file, text, n, err)) != OK)
		return c.rc;
	c.root = root;
	if (!cJSON_IsObject(root))
		import_fail(&c, E_FILE, "not an object at the outermost level");
	else if (reserve(&c) == OK)
		build(&c);
	cJSON_Delete(root);
	if (c.rc == OK && a->failed)
		import_fail(&c, E_NOMEM, "out of memory");
	return c.rc == OK ? model_check(out, E_FILE, file, 0, err) : c.rc;
}
