/* weights_checkpoint.c - a dense checkpoint of safetensors, written from made-up weights and opened again; made-up weights given up half way */
#include "base/file.h"
#include "calc/recipe.h"
#include "catalog/catalog.h"
#include "engine/weights_private.h"
#include "tiny_spec.h"

#include "../tap.h"

#include <sys/stat.h>
#include <unistd.h>

static const struct quants *quants;
static struct error err;

/* A checkpoint as it is released: the names of a Llama, in bf16. plus: what is taken off norms. */
static int write_checkpoint(const char *folder, const struct weights *w, const char *config)
{
	static const struct { uint16_t id; const char *stem; } names[] = {
		{ W_ATTN_NORM, "input_layernorm" }, { W_FFN_NORM, "post_attention_layernorm" }, { W_ATTN_Q, "self_attn.q_proj" }, { W_ATTN_K, "self_attn.k_proj" },
		{ W_ATTN_V, "self_attn.v_proj" }, { W_ATTN_OUT, "self_attn.o_proj" }, { W_FFN_GATE, "mlp.gate_proj" }, { W_FFN_UP, "mlp.up_proj" }, { W_FFN_DOWN, "mlp.down_proj" },
		{ W_EMBED, "embed_tokens" }, { W_OUT_NORM, "norm" },
	};
	char path[600], head[65536], name[96];
	size_t n = 0;
	uint64_t at = 0, length;
	FILE *f;

	snprintf(path, sizeof path, "%s/config.json", folder);
	if (!(f = fopen(path, "w")) || fputs(config, f) < 0 || fclose(f))
		return -1;
	n += (size_t)snprintf(head, sizeof head, "{");
	for (uint32_t i = 0; i < w->n; i++)
		for (unsigned k = 0; k < sizeof names / sizeof *names; k++) {
			const struct weight *t = &w->t[i];
			if (t->id != names[k].id)
				continue;
			if (t->layer < 0)
				snprintf(name, sizeof name, "model.%s.weight", names[k].stem);
			else
				snprintf(name, sizeof name, "model.layers.%d.%s.weight", t->layer, names[k].stem);
			uint64_t bytes = t->ne[0] * t->ne[1] * 2;
			n += (size_t)snprintf(head + n, sizeof head - n, "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%s%llu],\"data_offsets\":[%llu,%llu]}", at ? "," : "", name,
				t->ne[1] > 1 ? (snprintf(path, sizeof path, "%llu,", (unsigned long long)t->ne[1]), path) : "", (unsigned long long)t->ne[0],
				(unsigned long long)at, (unsigned long long)(at + bytes));
			at += bytes;
		}
	n += (size_t)snprintf(head + n, sizeof head - n, "}");
	snprintf(path, sizeof path, "%s/model.safetensors", folder);
	length = n;
	if (!(f = fopen(path, "wb")) || fwrite(&length, 8, 1, f) != 1 || fwrite(head, 1, n, f) != n)
		return -1;
	for (uint32_t i = 0; i < w->n; i++)
		for (unsigned k = 0; k < sizeof names / sizeof *names; k++)
			for (uint64_t e = 0; w->t[i].id == names[k].id && e < w->t[i].ne[0] * w->t[i].ne[1]; e++) {
				uint16_t half = w->quants->formats[w->t[i].format].bytes == 4 ? f32_to_bf16(((const float *)w->t[i].data)[e]) : ((const uint16_t *)w->t[i].data)[e];
				if (fwrite(&half, 2, 1, f) != 1)
					return -1;
			}
	return fclose(f);
}

static void test_safetensors(struct catalog *c)
{
	static const char *const config[] = { "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_size\":256,\"intermediate_size\":256,"
		"\"num_attention_heads\":%u,\"num_key_value_heads\":%u,\"head_dim\":64,\"num_hidden_layers\":8,\"vocab_size\":384,\"rms_norm_eps\":1e-5,\"rope_theta\":500000.0,"
		"\"hidden_act\":\"silu\",\"max_position_embeddings\":4096,\"tie_word_embeddings\":true,\"torch_dtype\":\"bfloat16\"}" };
	const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	struct dummy_options o = { .seed = 3 };
	const struct model_entry *e;
	const struct recipe *r;
	struct arena a = { 0 };
	struct weights *w = NULL, *got = NULL;
	char folder[400], path[500], text[1024];

	snprintf(folder, sizeof folder, "%s/weights-hf-%ld", base, (long)getpid());
	if (!ok(catalog_model(&e, c, "llama-3.2-1b-instruct", &err) == OK && recipe_find(&r, quants, "bf16", NULL, &err) == OK &&
		weights_dummy(&w, tiny_spec(&a, e->spec), r, &o, quants, &err) == OK, "a small Llama in bf16"))
		goto out;
	const volatile sig_atomic_t now = 1;
	o.stop = &now;
	const struct weight *q = weights_dummy(&got, tiny_spec(&a, e->spec), r, &o, quants, &err) == OK ? weights_find(got, W_ATTN_Q, 0) : NULL;
	unsigned filled = 0;
	for (uint64_t i = 0; q && i < q->ne[0] * q->ne[1] * 2; i++)
		filled += ((const unsigned char *)q->data)[i] != 0;
	ok(q && !filled, "stopped: not filled, and to be given up");
	weights_close(got);
	got = NULL;
	snprintf(text, sizeof text, config[0], weights_find(w, W_ATTN_Q, 0)->ne[1] / 64 > 0 ? (unsigned)(weights_find(w, W_ATTN_Q, 0)->ne[1] / 64) : 1u,
		(unsigned)(weights_find(w, W_ATTN_K, 0)->ne[1] / 64));
	if (!ok(mkdir(folder, 0700) == 0 && write_checkpoint(folder, w, text) == 0, "written as a checkpoint"))
		goto out;
	if (!ok(weights_open(&got, folder, quants, &err) == OK, "opened")) {
		printf("# %s\n", err.text);
		goto out;
	}
	snprintf(path, sizeof path, "%s/no.gguf", folder);
	ok(weights_save(got, path, &err) == E_FORMAT && weights_save(w, path, &err) == E_FORMAT && !path_exists(path), "neither is saved: %s", err.text);
	unsigned same = 0;
	for (uint32_t i = 0; i < w->n; i++) {
		const struct weight *t = weights_find(got, w->t[i].id, w->t[i].layer);
		same += t && !memcmp(t->ne, w->t[i].ne, sizeof t->ne) && (t->format != w->t[i].format || !memcmp(t->data, w->t[i].data, t->ne[0] * t->ne[1] * 2));
	}
	ok(same + (weights_find(w, W_ROPE_FREQS, -1) != NULL) == w->n, "every tensor is there, %u of %u", same, w->n);
	ok(!got->adjacent_rope && got->hyper.rope[0].theta == 500000.0, "rotation as in the original weights");
	weights_close(got);
	got = NULL;
	snprintf(path, sizeof path, "%s/model.safetensors", folder);
	ok(truncate(path, 20000) == 0 && weights_open(&got, folder, quants, &err) == E_FILE, "cut: %s", err.text);
	static const struct { const char *scaling, *says; } scalings[] = { { "\"type\":\"dynamic\",\"factor\":2.0", "'dynamic' is not described here, so it is not run" },
		{ "\"rope_type\":\"yarn\",\"factor\":4.0,\"beta_fast\":16", "beta_fast is 16" }, { "\"rope_type\":\"yarn\",\"factor\":4.0,\"attention_factor\":1.0", "attention_factor" } };
	snprintf(path, sizeof path, "%s/config.json", folder);
	for (unsigned i = 0; i < sizeof scalings / sizeof *scalings; i++) {
		FILE *f = fopen(path, "w");
		if (!f)
			break;
		fprintf(f, "%.*s,\"rope_scaling\":{%s}}", (int)strlen(text) - 1, text, scalings[i].scaling);
		fclose(f);
		ok(weights_open(&got, folder, quants, &err) == E_ARCH && strstr(err.text, scalings[i].says), "a rotation that is not computed: %s", err.text);
	}
	remove(path);
	ok(weights_open(&got, folder, quants, &err) == E_FILE && strstr(err.text, "config.json"), "without config.json: %s", err.text);
out:
	snprintf(path, sizeof path, "%s/config.json", folder);
	remove(path);
	snprintf(path, sizeof path, "%s/model.safetensors", folder);
	remove(path);
	rmdir(folder);
	weights_close(w);
	weights_close(got);
	arena_free(&a);
}

int main(void)
{
	struct catalog *c = NULL;

	if (setenv("ULLAGE_DATA", ".", 0) || catalog_open(&c, NULL, &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	quants = catalog_quants(c);
	test_safetensors(c);
	catalog_close(c);
	return done_testing();
}
