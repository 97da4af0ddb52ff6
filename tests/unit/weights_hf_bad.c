/* weights_hf_bad.c - checkpoints whose tensors do not go together: each is refused by name */
#include "weights_hf_families.h"

static struct hf_entry *hf_find(struct checkpoint *in, const char *name)
{
	for (unsigned i = 0; i < in->n; i++)
		if (!strcmp(in->e[i].name, name))
			return &in->e[i];
	return NULL;
}
static const struct hf_family *bad_family;
static const char *bad_more;
static void refused(int code, const char *what)
{
	struct weights *w = NULL;
	struct error err = { 0 };

	hf_write_folder(&c, folder, config_of(bad_family, bad_more), 1);
	int rc = weights_open(&w, folder, &quants, &err);
	if (!ok(rc == code && strstr(err.text, what), "%s", rc == OK ? "accepted" : err.text))
		printf("# code %d, wanted %d and \"%s\"\n", rc, code, what);
	weights_close(rc == OK ? w : NULL);
	hf_remove(folder);
}
static void rename_to(const char *from, const char *to)
{
	struct hf_entry *e = hf_find(&c, from);

	if (!e)
		printf("Bail out! no %s\n", from);
	else
		snprintf(e->name, sizeof e->name, "%s", to);
}
/* Taken out of the list; the caller puts it back. */
static struct hf_entry taken(const char *name)
{
	struct hf_entry *e = hf_find(&c, name), out = *e;

	*e = c.e[--c.n];
	return out;
}

static void test_bad_experts(void)
{
	const char *up3 = "model.layers.1.mlp.experts.3.up_proj.weight", *up7 = "model.layers.1.mlp.experts.7.up_proj.weight", *twice = "model.language_model.layers.1.mlp.experts.2.up_proj.weight";
	struct weights *g = open_tiny("qwen3moe");
	struct hf_entry e;

	bad_family = &families[1];
	bad_more = "";
	hf_of_weights(&c, bad_family, g, head_of(g));
	e = taken(up3);
	refused(E_FILE, "expert 3 is missing");
	c.e[c.n++] = e;
	rename_to(up3, twice);
	refused(E_FILE, "expert 2 is there twice");
	rename_to(twice, up3);
	e = taken(up7);
	refused(E_FILE, "64 x 32 x 7");
	c.e[c.n++] = e;
	hf_find(&c, up3)->dim[0] = 64;
	hf_find(&c, up3)->dim[1] = 32;
	refused(E_FILE, "other experts");
	hf_find(&c, up3)->dim[0] = 32;
	hf_find(&c, up3)->dim[1] = 64;
	rename_to(up7, "model.layers.1.mlp.experts.8.up_proj.weight");
	refused(E_FILE, "expert 7 is missing");
	rename_to("model.layers.1.mlp.experts.8.up_proj.weight", "model.layers.1.mlp.experts.99999999999.up_proj.weight");
	refused(E_FILE, "64 x 32 x 7");
	rename_to("model.layers.1.mlp.experts.99999999999.up_proj.weight", up7);
	rename_to("model.layers.2.self_attn.q_norm.weight", "model.layers.2.self_attn.q_morn.weight");
	refused(E_FILE, "attn_q_norm.weight is missing");
	rename_to("model.layers.2.self_attn.q_morn.weight", "model.layers.2.self_attn.q_norm.weight");
	hf_add(&c, "model.layers.2.mlp.extra.weight", "F32", 1, (uint64_t[1]){ 2 }, 8);
	refused(E_ARCH, "nothing here reads tensor model.layers.2.mlp.extra.weight");
	rename_to("model.layers.2.mlp.extra.weight", "model.layers.3.mlp.extra.weight");
	hf_write_folder(&c, folder, config_of(bad_family, ""), 1);
	struct weights *w = NULL;
	struct error err = { 0 };
	ok(weights_open(&w, folder, &quants, &err) == OK, "blocks after the last layer are left alone");
	weights_close(w);
	rename_to("model.layers.3.mlp.extra.weight", "multi_modal_projector.linear_1.weight");
	hf_write_folder(&c, folder, config_of(bad_family, ""), 1);
	ok(weights_open(&w, folder, &quants, &err) == OK, "so is what encoders feed");
	weights_close(w);
	rename_to("multi_modal_projector.linear_1.weight", "model.layers.2.self_attn.k_proj.k_scale");
	hf_write_folder(&c, folder, config_of(bad_family, ""), 1);
	ok(weights_open(&w, folder, &quants, &err) == OK, "and scales of a cache in FP8");
	weights_close(w);
	rename_to("model.layers.2.self_attn.k_proj.k_scale", "model.layers.2.self_attn.k_proj.qweight");
	refused(E_FORMAT, "qweight");
	hf_find(&c, "model.layers.2.self_attn.k_proj.qweight")->dtype = "U8";
	c.e[c.n - 1].dim[0] = 8;
	rename_to("model.layers.2.self_attn.k_proj.qweight", "model.layers.2.x");
	refused(E_FORMAT, "U8");
	free(c.e[--c.n].data);
	bad_more = ",\"norm_topk_prob\":true";
	refused(E_FILE, "norm_topk_prob");           /* twice */
	bad_more = ",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0,\"beta_fast\":16,\"original_max_position_embeddings\":64}";
	refused(E_ARCH, "beta_fast is 16");
	bad_more = ",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0,\"attention_factor\":1.5,\"original_max_position_embeddings\":64}";
	refused(E_ARCH, "attention_factor");
	bad_more = ",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[128]}";
	refused(E_FILE, "two sizes");
	/* both halves of the file: the header says what is cut off */
	hf_write_folder(&c, folder, config_of(bad_family, ""), 2);
	char path[128];
	snprintf(path, sizeof path, "%s/model-2.safetensors", folder);
	ok(truncate(path, 100000) == 0 && weights_open(&w, folder, &quants, &err) == E_FILE && strstr(err.text, "model-2.safetensors"), "cut: %s", err.text);
	remove(path);
	ok(weights_open(&w, folder, &quants, &err) == E_FILE && strstr(err.text, "missing"), "a shard is not there: %s", err.text);
	hf_remove(folder);
	hf_free(&c);
	weights_close(g);
}

static void test_bad_scales(void)
{
	const char *name = "model.layers.1.mlp.experts.3.up_proj.weight", *scale = "model.layers.1.mlp.experts.3.up_proj.weight_scale_inv";
	struct weights *g = open_tiny("qwen3moe");
	struct hf_entry e;

	bad_family = &families[1];
	bad_more = ",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[32,16]}";
	hf_of_weights(&c, bad_family, g, head_of(g));
	for (unsigned i = 0, plain = c.n; i < plain; i++)
		if (c.e[i].dims == 2 && strstr(c.e[i].name, "_proj.weight"))
			free(hf_to_fp8(&c, i, BY_TILE, "F32"));
	((float *)(void *)hf_find(&c, scale)->data)[1] = NAN;
	refused(E_FILE, "scale 1 is no finite number");
	((float *)(void *)hf_find(&c, scale)->data)[1] = 1;
	e = taken(scale);
	refused(E_FILE, "others have none");
	c.e[c.n++] = e;
	rename_to(scale, "model.layers.1.mlp.experts.8.up_proj.weight_scale_inv");
	refused(E_FILE, "not there");
	rename_to("model.layers.1.mlp.experts.8.up_proj.weight_scale_inv", scale);
	e = taken(name);
	refused(E_FILE, "not there");
	c.e[c.n++] = e;
	hf_find(&c, scale)->dim[1] = 2;
	hf_find(&c, scale)->dim[0] = 2;              /* 2 x 2, where 1 x 4 tiles are */
	refused(E_FILE, "2 x 2");
	hf_find(&c, scale)->dim[0] = 1;
	hf_find(&c, scale)->dim[1] = 4;
	bad_more = ",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[128,128]}";
	refused(E_FILE, "tiles of 128 x 128");
	hf_free(&c);
	weights_close(g);
	g = open_tiny("gpt-oss-mxfp4");
	for (unsigned i = 0; i < FAMILIES; i++)
		bad_family = strcmp(families[i].tiny, "gpt-oss-mxfp4") ? bad_family : &families[i];
	bad_more = "";
	hf_of_weights(&c, bad_family, g, head_of(g));
	const char *blocks = "model.layers.0.mlp.experts.gate_up_proj_blocks", *scales = "model.layers.0.mlp.experts.gate_up_proj_scales";
	hf_find(&c, scales)->dim[2] = 1;
	hf_find(&c, scales)->dim[1] *= 2;
	refused(E_FILE, "halves of one MXFP4 tensor");
	hf_find(&c, scales)->dim[2] = 2;
	hf_find(&c, scales)->dim[1] /= 2;
	e = taken(scales);
	refused(E_FILE, "halves of one MXFP4 tensor");
	c.e[c.n++] = e;
	e = taken(blocks);
	refused(E_FILE, "has no blocks");
	c.e[c.n++] = e;
	hf_free(&c);
	weights_close(g);
}

/* Experts of 4 GiB each, of which the file has but holes: refused before any memory is taken. */
static void test_too_large(void)
{
	struct weights *g = open_tiny("qwen3moe"), *w = NULL;
	const uint64_t wide = UINT64_C(1) << 24;
	struct error err = { 0 };
	char config[4096], *at;

	bad_family = &families[1];
	hf_of_weights(&c, bad_family, g, head_of(g));
	for (unsigned i = 0; i < c.n; i++)
		if (strstr(c.e[i].name, ".experts.")) {
			free(c.e[i].data);
			c.e[i].data = NULL;
			c.e[i].dim[strstr(c.e[i].name, "down_proj") ? 1 : 0] = wide;
			c.e[i].bytes = 64 * wide * 4;
		}
	snprintf(config, sizeof config, "%s", config_of(bad_family, ""));
	at = strstr(config, "\"moe_intermediate_size\":32,");
	if (at) {
		char rest[4096];
		snprintf(rest, sizeof rest, "%s", at + strlen("\"moe_intermediate_size\":32,"));
		snprintf(at, sizeof config - (size_t)(at - config), "\"moe_intermediate_size\":%llu,%s", (unsigned long long)wide, rest);
	}
	if (memory_free_now() > UINT64_C(250) << 30)
		skip("this machine may hold it", "288 GiB of experts");
	else if (hf_write_folder(&c, folder, config, 1))
		skip("the file system has no holes", "288 GiB of experts");
	else
		ok(weights_open(&w, folder, &quants, &err) == E_NOMEM && strstr(err.text, "288 GiB") && strstr(err.text, "is free now"), "%s", err.text);
	hf_remove(folder);
	hf_free(&c);
	weights_close(g);
}

/* Single bytes of the header changed: refused or harmless, never read outside (the sanitizers' business). */
static void test_flips(const char *tiny, enum hf_fp8 fp8)
{
	struct weights *g = open_tiny(tiny), *w;
	struct error err;
	char path[128], config[4096];
	unsigned char *file, was;
	uint64_t x = 4711, head;
	unsigned opened = 0, tried = 250;
	FILE *f;

	for (unsigned i = 0; i < FAMILIES; i++)
		bad_family = strcmp(families[i].tiny, tiny) ? bad_family : &families[i];
	hf_of_weights(&c, bad_family, g, head_of(g));
	for (unsigned i = 0, plain = c.n; i < plain && fp8; i++)
		if (c.e[i].dims == 2 && strstr(c.e[i].name, "_proj.weight"))
			free(hf_to_fp8(&c, i, fp8, "F32"));
	snprintf(config, sizeof config, "%s", config_of(bad_family, fp8 ? ",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[32,16]}" : ""));
	hf_write_folder(&c, folder, config, 1);
	snprintf(path, sizeof path, "%s/model.safetensors", folder);
	f = fopen(path, "r+b");
	if (!f || fread(&head, 8, 1, f) != 1 || !(file = malloc(head))) {
		ok(0, "%s", path);
		return;
	}
	if (fread(file, 1, head, f) != head)
		head = 1;
	for (unsigned i = 0; i < tried; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		uint64_t at = (x >> 33) % head;
		was = file[at];
		/* digits stay digits: shapes and offsets that are still numbers go further */
		int now = was >= '0' && was <= '9' ? '0' + (int)(x >> 20) % 10 : (int)(x >> 20 & 127);
		fseek(f, (long)(8 + at), SEEK_SET);
		putc(now, f);
		fflush(f);
		w = NULL;
		opened += weights_open(&w, folder, &quants, &err) == OK;
		weights_close(w);
		fseek(f, (long)(8 + at), SEEK_SET);
		putc(was, f);
	}
	fclose(f);
	ok(opened < tried / 2, "%s: %u of %u checkpoints with one byte changed still open", tiny, opened, tried);
	free(file);
	hf_remove(folder);
	hf_free(&c);
	weights_close(g);
}

int main(void)
{
	hf_begin();
	test_bad_experts();
	test_bad_scales();
	test_too_large();
	test_flips("qwen3moe", BY_TILE);
	test_flips("deepseek2", BY_TILE);
	test_flips("gpt-oss-mxfp4", NO_FP8);
	return hf_end();
}
