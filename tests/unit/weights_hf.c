/* weights_hf.c - checkpoints as they are released: experts stored apart or all in one, FP8, MXFP4; their logits are llama.cpp's for the same weights in a GGUF file
 *
 * The tiny models of tests/tiny are written out again as safetensors (weights_hf.h). */
#include "cli/file_weights.h"
#include "weights_hf_families.h"

enum { VOCAB = 288 };

static const char llama_config[] = "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\"," "\"hidden_size\":64,\"vocab_size\":288,\"rms_norm_eps\":%s,\"max_position_embeddings\":4096,"
	"\"tie_word_embeddings\":true,\"hidden_act\":\"silu\",\"torch_dtype\":\"float32\"," HEADS(2, 4, 4, 16) "\"intermediate_size\":96,\"rope_theta\":10000.0%s}";
static const struct hf_family llama = { "llama-tied", llama_config, "model.", "mlp", "", "", EACH, 1 };

/* The golden tokens in one step; logits of each. 0: it failed. */
static int run(float out[TINY_TOKENS][VOCAB], struct weights *w, const struct golden *g, const char *backend)
{
	const struct engine_options o = { .backend = backend, .threads = 2, .kv_k = KF_F32, .kv_v = KF_F32, .ctx_tokens = 64, .slots = 1, .ubatch = 64, .outputs = 64 };
	int32_t position[TINY_TOKENS], slot[TINY_TOKENS] = { 0 };
	struct error err = { 0 };
	struct engine *e = NULL;

	for (uint32_t t = 0; t < TINY_TOKENS; t++) {
		position[t] = (int32_t)t;
		for (unsigned i = 0; i < VOCAB; i++)
			out[t][i] = NAN;
	}
	const struct step s = { g->n, g->n, g->token, position, slot, position };
	int rc = engine_open(&e, w, &o, &err);
	if (rc == OK)
		rc = engine_run(e, &s, &err);
	for (uint32_t t = 0; rc == OK && t < g->n; t++)
		memcpy(out[t], engine_logits(e, t), sizeof out[t]);
	engine_close(e);
	if (rc != OK)
		printf("# %s: %s\n", backend, err.text);
	return rc == OK;
}
static double apart(float a[TINY_TOKENS][VOCAB], float b[TINY_TOKENS][VOCAB], const struct golden *g)
{
	double worst = 0;

	for (uint32_t t = 0; t < g->n; t++)
		for (unsigned i = 0; i < VOCAB; i++) {
			double d = fabs((double)a[t][i] - (double)b[t][i]);
			worst = d > worst ? d : d == d ? worst : INFINITY;
		}
	return worst;
}
static float logits[TINY_TOKENS][VOCAB], wanted[TINY_TOKENS][VOCAB];

static struct weights *open_folder(struct error *err)
{
	struct weights *w = NULL;

	*err = (struct error){ 0 };
	if (weights_open(&w, folder, &quants, err) != OK)
		printf("# %s\n", err->text);
	return w;
}

/* What an estimate for the own engine counts, from the headers alone. */
static uint64_t estimated(const struct weights *w)
{
	struct safetensors st;
	struct model_arg m = { .spec = &w->model, .st = &st };
	struct error err;
	uint64_t sum = 0;

	if (safetensors_open(&st, &m.arena, folder, &err) == OK && weights_of_safetensors(&m, &err) == OK) {
		sum = m.held->input_bytes + m.held->output_bytes;
		for (uint32_t l = 0; l < w->model.n_layers; l++)
			sum += m.held->layer_bytes[l];
	}
	arena_free(&m.arena);
	return sum;
}

static void test_family(const struct hf_family *f, unsigned shards)
{
	struct weights *g = open_tiny(f->tiny), *w = NULL;
	static struct golden golden;
	struct error err;
	double worst = 0;

	if (!ok(g && golden_read(&golden, f->tiny), "%s: the model as a GGUF file, and its golden", f->tiny))
		goto out;
	hf_of_weights(&c, f, g, head_of(g));
	ok(hf_write_folder(&c, folder, config_of(f, ""), shards) == 0 && (w = open_folder(&err)) != NULL, "%s: written as a checkpoint in %u files of %u tensors, opened", f->tiny, shards, c.n);
	if (!w)
		goto out;
	is_u64(w->bytes, g->bytes - (weights_find(g, W_ROPE_FREQS, -1) ? 64 : 0), "%s: the same bytes", f->tiny);
	is_u64(estimated(w), w->bytes, "%s: as the estimate has it", f->tiny);
	ok(!strcmp(w->model.architecture, g->model.architecture) && !w->note, "%s: %s", f->tiny, w->model.architecture);
	ok(w->n_maps == 1 && w->hyper.norm_topk == g->hyper.norm_topk && w->hyper.expert_scale == g->hyper.expert_scale && w->hyper.l2_qk == g->hyper.l2_qk &&
		w->hyper.temperature_scale == g->hyper.temperature_scale && fabs(w->hyper.attn_scale - g->hyper.attn_scale) < 1e-8, "%s: the same constants, in memory alone", f->tiny);
	/* Llama 4's factors are a tensor of the GGUF file, arbitrary ones here; of a checkpoint they follow from config.json */
	int own_factors = weights_find(g, W_ROPE_FREQS, -1) != NULL;
	if (own_factors)
		for (unsigned i = 0; i < g->model.n_rope && i < w->model.n_rope; i++)
			g->hyper.rope[i].factors = w->hyper.rope[i].factors;
	if (ok(run(wanted, g, &golden, "ref") && run(logits, w, &golden, "ref"), "%s: both run on ref", f->tiny)) {
		for (uint32_t t = 0; t < golden.n; t++)
			worst = fmax(worst, golden_off(&golden, t, logits[t], VOCAB));
		if (!own_factors)
			ok(worst <= golden.tolerance, "%s: llama.cpp's logits, %.2g off, %g allowed", f->tiny, worst, golden.tolerance);
		worst = apart(wanted, logits, &golden);
		/* pairs that turn lie elsewhere, sums of attention run in another order; kv_b is multiplied whole */
		ok(worst <= 2e-5, "%s: ref's logits of the GGUF file, %.2g off", f->tiny, worst);
	}
	/* weights in the same formats: nothing but orders of sums may differ, bit for bit where rows stand as they did */
	if (ok(run(wanted, g, &golden, "cpu") && run(logits, w, &golden, "cpu"), "%s: both run on cpu", f->tiny)) {
		worst = apart(wanted, logits, &golden);
		ok(f->rows_adjacent || !strcmp(f->tiny, "deepseek2") ? worst <= 5e-4 : worst == 0, "%s: cpu's logits of the GGUF file, %.2g off", f->tiny, worst);
	}
out:
	weights_close(w);
	weights_close(g);
	hf_free(&c);
	hf_remove(folder);
}

static int is_linear(unsigned id)
{
	static const uint16_t ids[] = { W_ATTN_Q, W_ATTN_K, W_ATTN_V, W_ATTN_OUT, W_FFN_GATE, W_FFN_UP, W_FFN_DOWN, W_EXP_GATE, W_EXP_UP, W_EXP_DOWN };

	for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

/* A checkpoint in FP8, and the same numbers as BF16 in the weights of a GGUF file. */
static void test_fp8(const struct hf_family *f, enum hf_fp8 how, const char *scale, const char *more)
{
	static const char *const words[] = { "", "tiles", "rows", "one scale a matrix" };
	struct weights *g = open_tiny(f->tiny), *w = NULL;
	static struct golden golden;
	static void *made[256];
	unsigned n_made = 0, matrices = 0;
	uint64_t elements = 0;
	struct error err;

	if (!ok(g && golden_read(&golden, f->tiny), "%s: the model as a GGUF file", f->tiny))
		goto out;
	for (uint32_t i = 0; i < g->n; i++)      /* copies that may be written to */
		if (is_linear(g->t[i].id)) {
			uint64_t n = g->t[i].ne[0] * g->t[i].ne[1] * g->t[i].ne[2];
			made[n_made] = malloc(2 * n);
			elements += n;
			for (uint64_t e = 0; e < g->t[i].ne[2]; e++) {
				struct weight one = g->t[i];
				char name[128];
				one.data = (const char *)one.data + e * one.stride;
				c.n = 0;
				if (g->t[i].ne[2] > 1)
					hf_expert_names(name, sizeof name, f, &one, e);
				else
					hf_full_name(name, sizeof name, f, one.layer, "x");
				hf_add_plain(&c, f, &one, name, head_of(g));
				uint16_t *means = hf_to_fp8(&c, 0, how, scale);
				/* rows in the order of the GGUF file */
				for (uint64_t r = 0; r < one.ne[1]; r++)
					memcpy((uint16_t *)made[n_made] + e * n / one.ne[2] + (f->rows_adjacent && (one.id == W_ATTN_Q || one.id == W_ATTN_K) ? hf_row(r, head_of(g)) : r) * one.ne[0],
						means + r * one.ne[0], 2 * one.ne[0]);
				free(means);
				hf_free(&c);
				matrices++;
			}
			n_made++;
		}
	hf_of_weights(&c, f, g, head_of(g));
	unsigned plain = c.n;
	for (unsigned i = 0; i < plain; i++)
		if (c.e[i].dims == 2 && strstr(c.e[i].name, "_proj.weight"))
			free(hf_to_fp8(&c, i, how, scale));
	is_u64(c.n - plain, matrices, "%s in FP8 with %s in %s: %u matrices", f->tiny, words[how], scale, matrices);
	n_made = 0;
	for (uint32_t i = 0; i < g->n; i++)
		if (is_linear(g->t[i].id)) {
			g->t[i].data = made[n_made++];
			g->t[i].format = format_find(&quants, "bf16");
			g->t[i].stride /= 2;
		}
	if (!ok(hf_write_folder(&c, folder, config_of(f, more), 2) == 0 && (w = open_folder(&err)) != NULL, "%s: opened", f->tiny))
		goto out;
	is_u64(w->bytes, g->bytes - 2 * elements - (weights_find(g, W_ROPE_FREQS, -1) ? 64 : 0), "held as BF16");
	is_u64(estimated(w), w->bytes, "as the estimate has it");
	ok(w->note && strstr(w->note, "BF16"), "and says so: %s", w->note ? w->note : "");
	unsigned same = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		const struct weight *t = weights_find(w, g->t[i].id, g->t[i].layer);
		uint64_t n = g->t[i].ne[0] * g->t[i].ne[1] * g->t[i].ne[2];
		same += is_linear(g->t[i].id) && t && t->format == g->t[i].format && t->ne[0] == g->t[i].ne[0] && (f->rows_adjacent || !memcmp(t->data, g->t[i].data, 2 * n));
	}
	is_u64(same, n_made, "each number is its code times its scale, rounded once");
	for (unsigned b = 0; b < 2; b++) {
		const char *backend = b ? "cpu" : "ref";
		if (!ok(run(wanted, g, &golden, backend) && run(logits, w, &golden, backend), "both run on %s", backend))
			continue;
		double worst = apart(wanted, logits, &golden);
		ok(!f->rows_adjacent ? worst == 0 : worst <= (b ? 5e-2 : 2e-5), "%s: the logits of these numbers in a GGUF file, %.2g off", backend, worst);
	}
out:
	weights_close(w);
	weights_close(g);
	while (n_made)
		free(made[--n_made]);
	hf_free(&c);
	hf_remove(folder);
}

/* A dense model is read where it lies; of an encoder between its tensors and behind them nothing stays mapped. */
static void test_in_place(void)
{
	const uint64_t large = UINT64_C(4) << 20;
	struct weights *g = open_tiny(llama.tiny), *w = NULL;
	static struct golden golden;
	struct error err;
	uint64_t mapped = 0, whole = 0;

	if (!ok(g && golden_read(&golden, llama.tiny), "%s: the model as a GGUF file", llama.tiny))
		return;
	hf_of_weights(&c, &llama, g, head_of(g));
	for (unsigned i = 0; i < 2; i++)
		memset(hf_add(&c, i ? "vision_tower.b" : "vision_tower.a", "F32", 1, (uint64_t[1]){ large / 4 }, large)->data, 1, large);
	struct hf_entry between = c.e[c.n - 2];
	c.e[c.n - 2] = c.e[5];
	c.e[5] = between;
	for (unsigned i = 0; i < c.n; i++)
		whole += c.e[i].bytes;
	ok(hf_write_folder(&c, folder, config_of(&llama, ""), 1) == 0 && (w = open_folder(&err)) != NULL, "opened");
	if (w) {
		for (uint32_t i = 0; i < w->n_maps; i++)
			mapped += w->map[i].bytes;
		ok(w->n_maps == 2 && mapped >= w->bytes && mapped < whole - 2 * large + 65536, "%llu bytes of %llu are mapped, in %u parts", (unsigned long long)mapped, (unsigned long long)whole, w->n_maps);
		unsigned inside = 0;
		for (uint32_t i = 0; i < w->n; i++)
			for (uint32_t k = 0; k < w->n_maps; k++)
				inside += (const char *)w->t[i].data >= (const char *)w->map[k].at && (const char *)w->t[i].data + w->t[i].stride <= (const char *)w->map[k].at + w->map[k].bytes;
		is_u64(inside, w->n, "every tensor lies in one of them");
		ok(run(wanted, g, &golden, "ref") && run(logits, w, &golden, "ref") && apart(wanted, logits, &golden) <= 2e-5, "ref's logits of the GGUF file");
	}
	weights_close(w);
	weights_close(g);
	hf_free(&c);
	hf_remove(folder);
}

/* MLA's kv_b in FP8: both of its halves are made of the numbers that code and scale mean. */
static void test_fp8_kv_b(void)
{
	const struct hf_family *f = NULL;
	struct weights *g = open_tiny("deepseek2"), *w = NULL;
	struct error err;
	uint16_t *means[8] = { NULL };
	unsigned n = 0, wrong = 0, seen = 0;

	for (unsigned i = 0; i < FAMILIES; i++)
		f = strcmp(families[i].tiny, "deepseek2") ? f : &families[i];
	hf_of_weights(&c, f, g, 0);
	for (unsigned i = 0, plain = c.n; i < plain && n < 8; i++)
		if (strstr(c.e[i].name, "kv_b_proj.weight"))
			means[n++] = hf_to_fp8(&c, i, BY_TILE, "F32");
	if (ok(hf_write_folder(&c, folder, config_of(f, ",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[32,16]}"), 1) == 0 && (w = open_folder(&err)) != NULL, "kv_b in FP8"))
		for (unsigned l = 0; l < n; l++) {
			const struct weight *k = weights_find(w, W_K_B, (int)l), *v = weights_find(w, W_V_B, (int)l);
			uint64_t nope = k->ne[0], rank = k->ne[1], heads = k->ne[2], dim = nope + v->ne[1];
			for (uint64_t h = 0; h < heads; h++)
				for (uint64_t r = 0; r < dim; r++)
					for (uint64_t i = 0; i < rank; i++, seen++)
						wrong += means[l][(h * dim + r) * rank + i] != (r < nope ? ((const uint16_t *)k->data)[(h * rank + i) * nope + r] :
							((const uint16_t *)v->data)[(h * v->ne[1] + r - nope) * rank + i]);
		}
	ok(seen == 3 * 4 * 56 * 40 && !wrong, "%u numbers of k and v of %u layers, %u wrong", seen, n, wrong);
	while (n)
		free(means[--n]);
	weights_close(w);
	weights_close(g);
	hf_free(&c);
	hf_remove(folder);
}

int main(void)
{
	hf_begin();
	for (unsigned i = 0; i < FAMILIES; i++)
		test_family(&families[i], 1 + i % 2);
	const char *tile = ",\"quantization_config\":{\"quant_method\":\"fp8\",\"fmt\":\"e4m3\",\"activation_scheme\":\"dynamic\",\"weight_block_size\":[32,16]}";
	test_fp8(&families[1], BY_TILE, "F32", tile);
	test_fp8(&families[1], BY_ROW, "BF16", "");
	test_fp8(&llama, BY_TILE, "BF16", tile);
	test_fp8(&llama, BY_ROW, "F32", "");
	test_fp8(&llama, BY_TENSOR, "F32", "");
	test_fp8_kv_b();
	test_in_place();
	return hf_end();
}
