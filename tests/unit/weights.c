/* weights.c - tests of what a forward pass finds: in real files, in made-up weights, in these saved and opened again */
#include "base/file.h"
#include "calc/inventory.h"
#include "calc/recipe.h"
#include "catalog/catalog.h"
#include "engine/weights_private.h"
#include "tiny_spec.h"

#include "../tap.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct quants *quants;
static struct error err;

/* The two models that `make models` fetches. */
static void test_real(const char *path)
{
	struct weights *w;

	if (!path_exists(path)) {
		skip("make models fetches it", "%s", path);
		return;
	}
	if (!ok(weights_open(&w, path, quants, &err) == OK, "%s opens", path)) {
		printf("# %s\n", err.text);
		return;
	}
	ok(weights_find(w, W_EMBED, -1) && weights_find(w, W_HEAD, -1) && weights_find(w, W_OUT_NORM, -1), "embeddings, head and the last norm");
	unsigned found = 0;
	for (unsigned l = 0; l < w->model.n_layers; l++)
		found += weights_find(w, W_ATTN_Q, (int)l) && weights_find(w, W_ATTN_K, (int)l) && weights_find(w, W_ATTN_V, (int)l) && weights_find(w, W_FFN_GATE, (int)l) &&
			weights_find(w, W_FFN_DOWN, (int)l) && weights_find(w, W_ATTN_NORM, (int)l) && weights_find(w, W_FFN_NORM, (int)l);
	is_u64(found, w->model.n_layers, "every layer is whole");
	is_u64(w->bytes, w->gguf->dir.bytes, "every byte of the tensors is read");
	ok(weights_find(w, W_HEAD, -1)->data == weights_find(w, W_EMBED, -1)->data && w->model.tied_head, "the head is the embeddings");
	weights_close(w);
}

static int add_bytes(void *user, const struct tensor *t, struct error *e)
{
	uint64_t bytes, *sum = user;
	int rc = tensor_run_bytes(&bytes, t, quants, e);

	if (rc == OK && t->component == COMP_TEXT)
		*sum += bytes;
	return rc;
}

/* The estimate's bytes and the plan's are the same tensors. */
static void test_plan(const struct model_spec *m, const char *recipe)
{
	const struct recipe *r;
	struct inventory inv = { .model = m, .quants = quants };
	struct arena a = { 0 };
	struct store s;
	uint64_t estimate = 0, sum = 0, bytes = 0;

	if (!ok(recipe_find(&r, quants, recipe, NULL, &err) == OK, "%s", recipe))
		return;
	inv.recipe = r;
	inv.imatrix = r->imatrix;
	int rc = weights_plan(&s, &sum, &bytes, &a, m, m, r, quants, &err);
	if (rc == E_FORMAT && inventory_walk(&inv, add_bytes, &estimate, &err) == E_FORMAT)
		skip("its rows fit no format of the recipe", "%s %s", m->id, recipe);
	else if (ok(rc == OK && inventory_walk(&inv, add_bytes, &estimate, &err) == OK && sum == estimate && bytes >= sum && bytes - sum < s.n * PLAN_ALIGN,
		"%s %s: %llu bytes in %u tensors", m->id, recipe, (unsigned long long)sum, s.n) == 0)
		printf("# estimate %llu: %s\n", (unsigned long long)estimate, rc == OK ? "" : err.text);
	arena_free(&a);
}

/* Numbers of one tensor, summed over rows of every expert: finite, and the same in two sets of weights. */
static int same_numbers(const struct weight *x, const struct weight *y, const struct quants *q)
{
	const struct format *f = &q->formats[x->format];
	uint64_t bytes = (x->ne[1] == 1 && x->ne[2] == 1 ? x->ne[0] / f->block * f->bytes : x->ne[0] / f->block * f->bytes * x->ne[1]);

	if (x->id != y->id || x->format != y->format || memcmp(x->ne, y->ne, sizeof x->ne) || (x->ne[2] > 1 && x->stride != y->stride))
		return 0;
	for (uint64_t e = 0; e < x->ne[2]; e++)
		if (memcmp((const char *)x->data + e * x->stride, (const char *)y->data + e * y->stride, bytes))
			return 0;
	return 1;
}

static int finite_rows(const struct weight *x, const struct quants *q)
{
	const struct kformat *k = kformat_find(weights_kernel_format(q, x->format));
	float row[4096];
	double sum = 0.0;
	uint64_t n = x->ne[0] < 4096 ? x->ne[0] : 4096;

	if (!k || n % k->block)
		return 0;
	k->dequantise(row, x->data, n);
	for (uint64_t i = 0; i < n; i++)
		sum += fabs((double)row[i]);
	return isfinite(sum) && (sum > 0.0 || x->ne[0] == 1);
}

static int same_part(const struct part *a, const struct part *b, const struct model_spec *x, const struct model_spec *y)
{
	struct part p, q;

	memcpy(&p, a, sizeof p);
	memcpy(&q, b, sizeof q);
	if (p.type != q.type)
		return 0;
	uint8_t *ra = p.type == PART_GQA ? &p.u.gqa.rope : p.type == PART_MLA ? &p.u.mla.rope : NULL;
	uint8_t *rb = q.type == PART_GQA ? &q.u.gqa.rope : q.type == PART_MLA ? &q.u.mla.rope : NULL;
	if (ra && rb) {
		if ((*ra == NO_ROPE) != (*rb == NO_ROPE))
			return 0;
		if (*ra != NO_ROPE && (x->rope[*ra].dims != y->rope[*rb].dims || fabs((x->rope[*ra].theta > 0.0 ? x->rope[*ra].theta : 1e4) - y->rope[*rb].theta) > 1e-6 * y->rope[*rb].theta ||
			x->rope[*ra].scaling != y->rope[*rb].scaling))
			return 0;
		*ra = *rb = 0;
	}
	if (p.type == PART_MOE) {        /* counts that the metadata leave open; a router's bias of zeros that loaders insist on */
		p.u.moe.shared = q.u.moe.shared = 0;
		if (!p.u.moe.router_bias && (!strcmp(x->architecture, "lfm2moe") || !strcmp(x->architecture, "nemotron_h_moe")))
			q.u.moe.router_bias = 0;
	}
	return !memcmp(&p.u, &q.u, sizeof p.u);
}

static int same_spec(const struct model_spec *x, const struct model_spec *y)
{
	if (x->n_layers != y->n_layers || x->width != y->width || x->vocab != y->vocab || x->tied_head != y->tied_head || x->norm_type != y->norm_type ||
		fabsf(x->norm_eps - y->norm_eps) > 1e-9f || x->final_softcap != y->final_softcap)
		return 0;
	for (uint32_t l = 0; l < x->n_layers; l++) {
		const struct layer_kind *a = &x->kinds[x->kind_of[l]], *b = &y->kinds[y->kind_of[l]];
		if (a->n_branches != b->n_branches || a->extra_norms != b->extra_norms || a->extra_scalars != b->extra_scalars)
			return 0;
		for (unsigned i = 0; i < a->n_branches; i++) {
			if (a->branch[i].norm != b->branch[i].norm || a->branch[i].n_parts != b->branch[i].n_parts)
				return 0;
			for (unsigned k = 0; k < a->branch[i].n_parts; k++)
				if (!same_part(&x->parts[a->branch[i].part[k]], &y->parts[b->branch[i].part[k]], x, y)) {
					printf("# layer %u branch %u part %u: %s\n", l, i, k, x->parts[a->branch[i].part[k]].name);
					return 0;
				}
		}
	}
	return 1;
}

static int close_to(double a, double b) { return fabs(a - b) <= 1e-5 * (fabs(a) + fabs(b)); }

static uint8_t rope_of(const struct part *p) { return p->type == PART_GQA ? p->u.gqa.rope : p->type == PART_MLA ? p->u.mla.rope : NO_ROPE; }

/* The rotation of every attention. */
static int same_rotation(const struct weights *x, const struct weights *y)
{
	for (uint32_t l = 0; l < x->model.n_layers; l++) {
		const struct layer_kind *a = &x->model.kinds[x->model.kind_of[l]], *b = &y->model.kinds[y->model.kind_of[l]];
		uint8_t i = rope_of(&x->model.parts[a->branch[0].part[0]]), k = rope_of(&y->model.parts[b->branch[0].part[0]]);
		const struct hyper_rope *r = &x->hyper.rope[i % MAX_ROPES], *s = &y->hyper.rope[k % MAX_ROPES];

		if (i == NO_ROPE && k == NO_ROPE)
			continue;
		if (!close_to(r->theta, s->theta) || r->dims != s->dims || !close_to(r->factor, s->factor) || !close_to(r->mscale, s->mscale) || r->ext_factor != s->ext_factor ||
			(!r->factors) != (!s->factors) || (!r->factors_long) != (!s->factors_long) || (r->scaling == ROPE_SCALING_YARN && r->original != s->original)) {
			printf("# layer %u: theta %g %g dims %u %u factor %g %g mscale %g %g original %u %u\n", l, r->theta, s->theta, r->dims, s->dims, r->factor, s->factor, r->mscale,
				s->mscale, r->original, s->original);
			return 0;
		}
		for (uint32_t d = 0; r->factors && d < r->dims / 2; d++)
			if (!close_to((double)r->factors[d], (double)s->factors[d]))
				return 0;
	}
	return 1;
}

/* Made up, saved, opened: the same description, the same constants, the same bytes. WEIGHTS_KEEP=FOLDER keeps the files, for other engines. */
static void test_round_trip(const struct model_spec *big, const char *recipe)
{
	const char *keep = getenv("WEIGHTS_KEEP"), *folder = keep ? keep : getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	struct arena a = { 0 };
	const struct model_spec *m = tiny_spec(&a, big);
	const struct recipe *r;
	struct weights *w = NULL, *got = NULL;
	struct dummy_options o = { .seed = 7, .threads = 2 };
	char path[512];

	snprintf(path, sizeof path, "%s/weights-%ld-%s.gguf", folder, keep ? 0L : (long)getpid(), m->architecture);
	if (!ok(recipe_find(&r, quants, recipe, NULL, &err) == OK && weights_dummy(&w, m, r, &o, quants, &err) == OK, "%s (%s): dummy weights", m->architecture, m->id)) {
		printf("# %s\n", err.text);
		goto out;
	}
	unsigned finite = 0, same = 0;
	for (uint32_t i = 0; i < w->n; i++)
		finite += finite_rows(&w->t[i], quants);
	is_u64(finite, w->n, "%s: every tensor holds finite numbers", m->architecture);
	int rc = weights_save(w, path, &err);
	if (rc == E_ARCH) {                      /* it runs, but not every key of its files is known */
		ok(strstr(err.text, m->architecture) && access(path, F_OK), "%s: not saved, by name", m->architecture);
		goto out;
	}
	if (!ok(rc == OK && weights_open(&got, path, quants, &err) == OK, "%s: saved and opened", m->architecture)) {
		printf("# %s\n", err.text);
		goto out;
	}
	ok(same_spec(&w->model, &got->model), "%s: the same description", m->architecture);
	for (uint32_t i = 0; i < w->n; i++) {
		const struct weight *t = weights_find(got, w->t[i].id, w->t[i].layer);
		int fine = t && same_numbers(&w->t[i], t, quants);
		same += fine;
		if (!fine)
			printf("# %s of layer %d\n", w->t[i].name, w->t[i].layer);
	}
	unsigned more = 0;
	for (unsigned l = 0; l < m->n_layers; l++)
		more += weights_find(got, W_ROUTER_BIAS, (int)l) && !weights_find(w, W_ROUTER_BIAS, (int)l);
	ok(same == w->n && got->n == w->n + more && got->bytes == w->bytes + 32 * more, "%s: the same bytes", m->architecture);
	ok(same_rotation(w, got), "%s: the same rotation", m->architecture);
	/* a file's own metadata are kept when it is written again */
	struct weights *again = NULL;
	char copy[520];
	snprintf(copy, sizeof copy, "%s.copy", path);
	ok(weights_save(got, copy, &err) == OK && weights_open(&again, copy, quants, &err) == OK && again->gguf->n_kv == got->gguf->n_kv &&
		again->gguf->dir.bytes == got->gguf->dir.bytes && again->n == got->n && again->gguf->header_bytes == got->gguf->header_bytes, "%s: written again", m->architecture);
	weights_close(again);
	remove(copy);
	ok(close_to(w->hyper.embed_scale, got->hyper.embed_scale) && close_to(w->hyper.residual_scale, got->hyper.residual_scale) && close_to(w->hyper.logit_scale, got->hyper.logit_scale) &&
		close_to(w->hyper.attn_scale, got->hyper.attn_scale) && close_to(w->hyper.expert_scale, got->hyper.expert_scale) && w->hyper.norm_topk == got->hyper.norm_topk &&
		w->hyper.weight_before == got->hyper.weight_before && close_to(w->hyper.temperature_scale, got->hyper.temperature_scale), "%s: the same constants", m->architecture);
out:
	if (!keep)
		remove(path);
	weights_close(w);
	weights_close(got);
	arena_free(&a);
}

static void each_model(struct catalog *c)
{
	const struct model_entry *list, *e;
	const char *seen[128];
	unsigned n, n_seen = 0;

	list = catalog_models(c, &n);
	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		if (catalog_model(&e, c, list[i].id, &err) != OK || !e->spec || e->same_shapes_as)
			continue;
		while (k < n_seen && strcmp(seen[k], e->spec->architecture))
			k++;
		if (k < n_seen || n_seen == 128)
			continue;
		seen[n_seen++] = e->spec->architecture;
		test_plan(e->spec, "bf16");
		test_plan(e->spec, "q4_k_m");
		struct weights *w = NULL;
		struct arena a = { 0 };
		struct dummy_options o = { .layers = 1 };
		const struct recipe *r;
		/* an architecture that does not run says so by name */
		if (recipe_find(&r, quants, "q8_0", NULL, &err) == OK && weights_dummy(&w, tiny_spec(&a, e->spec), r, &o, quants, &err) == E_ARCH)
			ok(strstr(err.text, e->spec->architecture) != NULL, "%s", err.text);
		else {
			weights_close(w);
			test_round_trip(e->spec, "q8_0");
		}
		arena_free(&a);
	}
	ok(n_seen > 30, "%u architectures", n_seen);
}

int main(void)
{
	struct catalog *c;

	if (setenv("ULLAGE_DATA", ".", 0) || catalog_open(&c, NULL, &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	quants = catalog_quants(c);
	test_real("models/smollm2-135m-q4_1.gguf");
	test_real("models/gemma-3-270m-q4_k_m.gguf");
	each_model(c);
	catalog_close(c);
	return done_testing();
}
