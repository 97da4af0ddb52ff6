/* lists.c - the three lists agree with each other, for every catalogue model under several recipes */
#include "base/file.h"
#include "base/units.h"
#include "calc/buffers.h"
#include "calc/footprint.h"
#include "calc/ops.h"
#include "catalog/model_yaml.h"

#include "../tap.h"

static struct quants quants;
static struct engines engines;
static const char *const recipe_ids[] = { "bf16", "q8_0", "q4_k_m", "iq3_xxs", "q2_k", NULL };

struct sums { uint64_t all, elements, matrices; };

/* What an op reads as a matrix: everything but vectors, small kernels and look-up tables. */
static int is_matrix(const struct tensor *t)
{
	if (t->ne[1] == 1 && t->ne[2] == 1)
		return 0;
	switch (t->role) {
	case ROLE_SSM_CONV: case ROLE_CONV: case ROLE_COMP_APE: case ROLE_INDEX_COMP_APE: case ROLE_EXP_BIAS: case ROLE_HC_FN:
		return 0;
	default:
		return t->use == USE_EVERY_TOKEN || t->use == USE_ROUTED;
	}
}

static int add(void *user, const struct tensor *t, struct error *err)
{
	struct sums *s = user;
	uint64_t bytes, elements;
	int rc = tensor_run_bytes(&bytes, t, &quants, err);

	if (rc != OK || tensor_elements(&elements, t))
		return rc != OK ? rc : error_set(err, E_FORMAT, "overflow");
	s->all += bytes;
	s->elements += elements;
	if (t->component == COMP_TEXT && is_matrix(t))
		s->matrices += bytes;
	return OK;
}

static int overlap(const struct op_list *l, const struct buffer_plan *p)
{
	for (uint32_t i = 0; i < l->n_act; i++) {
		if (l->act[i].bytes && p->at[i] + l->act[i].bytes > p->bytes)
			return 1;
		for (uint32_t j = i + 1; j < l->n_act && l->act[j].def <= l->act[i].last; j++) {
			/* taking over an input in place is the one overlap allowed: it begins where the other ends */
			int apart = p->at[i] + l->act[i].bytes <= p->at[j] || p->at[j] + l->act[j].bytes <= p->at[i];
			if (!apart && l->act[j].def < l->act[i].last && l->act[i].bytes && l->act[j].bytes)
				return 1;
		}
	}
	return 0;
}

/* buffers_for() lays each repeated layer out once: its bytes are those of the whole list, whatever the settings. */
static void same_plan(const struct model_spec *m, const char *id)
{
	static const struct { uint64_t ctx; uint32_t sequences, ubatch; uint8_t flash; } tries[] = {
		{ 4096, 1, 512, FLASH_AUTO }, { 131072, 1, 512, FLASH_AUTO }, { 8192, 4, 2048, FLASH_OFF }, { 256, 1, 512, FLASH_OFF },
	};
	unsigned same = 0, n = sizeof tries / sizeof *tries;
	uint64_t whole_bytes = 0, quick_bytes = 0;
	struct error e = { 0 };

	for (unsigned i = 0; i < n; i++) {
		struct settings set = { .ctx_tokens = tries[i].ctx, .sequences = tries[i].sequences, .ubatch = tries[i].ubatch, .flash = tries[i].flash,
			.kv_k = format_find(&quants, "f16"), .engine = engine_find(&engines, "llama.cpp") };
		struct arena a = { 0 };
		struct buffer_plan whole, quick;
		struct op_list l;
		uint64_t n_ctx = tries[i].ctx * tries[i].sequences, tokens = tries[i].ubatch < n_ctx ? tries[i].ubatch : n_ctx;
		struct shape s = { .tokens = tokens, .sequences = tries[i].sequences, .outputs = tokens, .context_max = u64_round_up(n_ctx, 256), .sizes_only = 1 };

		set.kv_v = set.kv_k;
		set.batch = 2048;
		if (ops_lower(&l, m, &quants, &set, &s, &a, &e) == OK && buffers_plan(&whole, &l, set.engine->graph_pad, &a, &e) == OK &&
		    buffers_for(&quick, m, &quants, &set, &a, &e) == OK) {
			same += whole.bytes == quick.bytes && whole.host_bytes == quick.host_bytes && whole.unread_bytes == quick.unread_bytes;
			if (whole.bytes != quick.bytes) {
				whole_bytes = whole.bytes;
				quick_bytes = quick.bytes;
			}
		}
		arena_free(&a);
	}
	ok(same == n, "%s: %u of %u plans are those of the whole list (%llu, %llu)%s", id, same, n, (unsigned long long)whole_bytes, (unsigned long long)quick_bytes, e.text);
}

static void one_model(const struct model_entry *m)
{
	struct error e = { 0 };

	for (unsigned r = 0; recipe_ids[r]; r++) {
		struct settings set = { .ctx_tokens = 4096, .sequences = 1, .ubatch = 512, .kv_k = format_find(&quants, "f16") };
		struct arena a = { 0 };
		struct sums runs = { 0 }, single = { 0 };
		struct op_list l;
		struct footprint f;
		struct buffer_plan plan;
		double read = 0, work = 0;
		int rc;

		set.kv_v = set.kv_k;
		set.engine = engine_find(&engines, "llama.cpp");
		if (recipe_find(&set.recipe, &quants, recipe_ids[r], NULL, &e) != OK) {
			ok(0, "%s: %s", recipe_ids[r], e.text);
			continue;
		}
		set.imatrix = set.recipe->imatrix;
		struct inventory inv = { .model = m->spec, .quants = &quants, .recipe = set.recipe, .imatrix = set.imatrix };
		rc = inventory_walk(&inv, add, &runs, &e);
		if (rc == OK)
			rc = inventory_walk_layers(&inv, add, &single, &e);
		if (rc == OK)
			rc = footprint_compute(&f, m->spec, &quants, &set, &a, &e);
		if (rc != OK) {
			ok(0, "%s %s: %s", m->id, recipe_ids[r], e.text);
			arena_free(&a);
			continue;
		}
		uint64_t layers = f.input_bytes + f.output_bytes;
		for (uint32_t i = 0; i < f.n_layers; i++)
			layers += f.layer_bytes[i];
		/* every expert touched, so that the ops read what the tensors hold */
		struct shape all = { .tokens = 100000000, .sequences = 100000000, .outputs = 1, .context_mean = 100, .context_max = 100 };
		rc = ops_lower(&l, m->spec, &quants, &set, &all, &a, &e);
		for (uint32_t i = 0; rc == OK && i < l.n; i++) {
			struct op_cost c;
			op_cost(&c, &l, &l.op[i]);
			read += c.weight_bytes;
		}
		struct shape step = { .tokens = 1, .sequences = 1, .outputs = 1, .context_max = 1 };
		if (rc == OK && (rc = ops_lower(&l, m->spec, &quants, &set, &step, &a, &e)) == OK)
			for (uint32_t i = 0; i < l.n; i++) {
				struct op_cost c;
				op_cost(&c, &l, &l.op[i]);
				work += c.flops;
			}
		/* two FLOPs for each active weight; attention over one entry and the small ops add a little */
		double per_weight = work / (double)f.params_active;
		ok(rc == OK && runs.all == single.all && runs.elements == single.elements && layers == runs.all &&
		   read / (double)runs.matrices > 0.9999 && read / (double)runs.matrices < 1.0001 && per_weight > 1.9 && per_weight < 2.4,
		   "%s %s: runs %llu, layers %llu, ops read %.6f of the matrices, %.3f FLOPs a weight%s%s", m->id, recipe_ids[r], (unsigned long long)runs.all,
		   (unsigned long long)layers, read / (double)runs.matrices, per_weight, rc == OK ? "" : ": ", rc == OK ? "" : e.text);
		if (r == 0) {
			set.flash = FLASH_OFF;
			struct shape pp = { .tokens = 512, .sequences = 1, .outputs = 512, .context_max = 4096 };
			rc = ops_lower(&l, m->spec, &quants, &set, &pp, &a, &e);
			if (rc == OK)
				rc = buffers_plan(&plan, &l, 256, &a, &e);
			ok(rc == OK && !overlap(&l, &plan) && plan.bytes >= (uint64_t)m->spec->vocab * 512 * 4, "%s: activations do not overlap in %llu bytes", m->id,
			   (unsigned long long)plan.bytes);
		}
		arena_free(&a);
	}
	same_plan(m->spec, m->id);
}

int main(void)
{
	struct arena a = { 0 };
	struct error e = { 0 };
	const char **files;

	if (quants_load(&quants, &a, "data/quants.yaml", &e) != OK || engines_load(&engines, &a, "data/engines.yaml", &quants, &e) != OK ||
	    dir_list(&files, &a, "models.d", ".yaml", 0, &e) != OK) {
		ok(0, "data: %s", e.text);
		return done_testing();
	}
	for (unsigned i = 0; files[i]; i++) {
		struct arena one = { 0 };
		struct model_entry m;
		struct ydoc d;
		if (yaml_load(&d, &one, arena_printf(&one, "models.d/%s", files[i]), &e) != OK || model_entry_read(&m, &one, &d, &e) != OK)
			ok(0, "%s: %s", files[i], e.text);
		else if (m.spec)
			one_model(&m);
		arena_free(&one);
	}
	arena_free(&a);
	return done_testing();
}
