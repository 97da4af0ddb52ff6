/* import_config_quant.c - quantization_config -> the recipe of the released weights in data/quants.yaml, if there is one */
#include "catalog/import_config_read.h"

#include <string.h>

static const cJSON *in(const cJSON *o, const char *key)
{
	const cJSON *v = o ? cJSON_GetObjectItemCaseSensitive(o, key) : NULL;

	return v && !cJSON_IsNull(v) ? v : NULL;
}
static const char *word(const cJSON *o, const char *key)
{
	const cJSON *v = in(o, key);

	return cJSON_IsString(v) ? v->valuestring : "";
}
static int number(const cJSON *o, const char *key, int absent)
{
	const cJSON *v = in(o, key);

	return cJSON_IsNumber(v) ? v->valueint : absent;
}
/* Do the modules left out of quantisation hold one whose name contains this? */
static int leaves_out(const cJSON *q, const char *part)
{
	static const char *const keys[] = { "ignore", "modules_to_not_convert", "exclude_modules" };

	for (unsigned k = 0; k < sizeof keys / sizeof *keys; k++) {
		const cJSON *list = in(q, keys[k]);

		for (const cJSON *e = import_is_list(list) ? list->child : NULL; e; e = e->next)
			if (cJSON_IsString(e) && strstr(e->valuestring, part))
				return 1;
	}
	return 0;
}
static const cJSON *weights(const cJSON *q, const char *group)
{
	return in(in(in(q, "config_groups"), group), "weights");
}

/* One group of weights with 4-bit floats and what is left out: attention alone, or all but the routed experts. */
static const char *nvfp4(struct import *c, const cJSON *q)
{
	int dense = leaves_out(q, "shared_expert") || (leaves_out(q, ".mlp") && import_experts(c));

	if (!leaves_out(q, "self_attn") && !leaves_out(q, ".attn"))
		return "nvfp4";
	return dense && import_experts(c) ? "nvfp4_experts" : "nvfp4_mlp";
}

static const char *fp8(struct import *c, const cJSON *q)
{
	const cJSON *block = in(q, "weight_block_size"), *first = import_is_list(block) ? block->child : NULL;
	int v4 = !strcmp(c->fam->model_type, "deepseek_v4");

	if (!block)
		return "fp8";
	if (!first || !first->next || first->valueint != 128 || first->next->valueint != 128 || !cJSON_IsNumber(first))
		return NULL;
	/* V4 stores one-byte scales; V3.2 says ue8m0 too, but its weight_scale_inv tensors are f32 */
	if (v4)
		return !strcmp(import_str(c, "expert_dtype", ""), "fp4") ? "fp8_fp4_v4" : "fp8_ue8m0";
	return "fp8_block128";
}

static const char *compressed_tensors(struct import *c, const cJSON *q)
{
	const char *format = word(q, "format");
	const cJSON *w = weights(q, "group_0");
	int experts = leaves_out(q, "self_attn") || leaves_out(q, "attn");

	if (in(in(q, "config_groups"), "group_1"))           /* different formats in different places: no recipe says that */
		return NULL;
	if (!strcmp(format, "mxfp4-pack-quantized"))
		return experts ? "mxfp4_experts" : NULL;
	if (!strcmp(format, "nvfp4-pack-quantized"))
		return nvfp4(c, q);
	if (!strcmp(format, "pack-quantized") && number(w, "num_bits", 0) == 4 && number(w, "group_size", 0) == 32)
		return experts ? "int4_g32_experts" : NULL;
	if (!strcmp(format, "float-quantized"))
		return !strcmp(word(w, "strategy"), "block") ? "fp8_block128" : !strcmp(word(w, "strategy"), "tensor") ? "fp8" : NULL;
	if (!strcmp(format, "int-quantized") && number(w, "num_bits", 0) == 8)
		return "int8";
	return NULL;
}

static const char *modelopt(struct import *c, const cJSON *q)
{
	const char *algo = word(q, "quant_algo");

	if (!strcmp(algo, "NVFP4"))
		return nvfp4(c, q);
	if (!strcmp(algo, "FP8"))
		return "fp8";
	return NULL;
}

static const char *recipe_of(struct import *c, const cJSON *q)
{
	const char *method = word(q, "quant_method"), *algo = word(q, "quant_algo");

	if (algo[0])
		return modelopt(c, q);
	if (!strcmp(method, "fp8"))
		return fp8(c, q);
	if (!strcmp(method, "mxfp4"))
		return "mxfp4_experts";
	if (!strcmp(method, "compressed-tensors"))
		return compressed_tensors(c, q);
	if (!strcmp(method, "awq") && number(q, "bits", number(q, "w_bit", 4)) == 4 &&
	    number(q, "group_size", number(q, "q_group_size", 128)) == 128)
		return "awq_g128";
	if (!strcmp(method, "gptq") && number(q, "bits", 0) == 4 && number(q, "group_size", 0) == 128)
		return "gptq_g128";
	return NULL;
}

/* Modules that the 8-bit recipes keep in bf16 anyway. Others that a file leaves out are said, as their bytes are then too few. */
static void say_left_out(struct import *c, const cJSON *q)
{
	static const char *const usual[] = { "norm", "gate", "router", "embed", "lm_head", "head", "vision", "visual", "projector",
		"bias",
		"eh_proj", "indexers_proj", "mtp", "conv1d" };
	const cJSON *list = in(q, "modules_to_not_convert");
	unsigned k;

	list = list ? list : in(q, "ignore");
	for (const cJSON *e = import_is_list(list) ? list->child : NULL; e; e = e->next) {
		for (k = 0; cJSON_IsString(e) && k < sizeof usual / sizeof *usual && !strstr(e->valuestring, usual[k]);)
			k++;
		if (cJSON_IsString(e) && k == sizeof usual / sizeof *usual) {
			import_warn(c, "quantization_config leaves out %.80s; the released file is larger than %s alone says", e->valuestring,
				c->m->native_format);
			return;
		}
	}
}

static const char *plain(struct import *c)
{
	const char *type = import_str(c, "dtype", NULL), *old = import_str(c, "torch_dtype", NULL);

	if (!type)
		type = old ? old : word(c->root, "dtype")[0] ? word(c->root, "dtype") : word(c->root, "torch_dtype");
	if (!strcmp(type, "bfloat16"))
		return "bf16";
	if (!strcmp(type, "float16"))
		return "fp16";
	if (!type[0]) {
		import_warn(c, "the configuration states no dtype; the released weights are taken to be bf16");
		return "bf16";
	}
	import_warn(c, "released as %.40s, which has no recipe: the size of the released file is not known", type);
	return NULL;
}

void import_native(struct import *c)
{
	static const char *const mimo_keep[] = { "attn_out", NULL };     /* its o_proj stays bf16 in the FP8 weights */
	const cJSON *q = import_item(c, "quantization_config");

	import_used(c, "dtype");
	import_used(c, "torch_dtype");
	q = q ? q : in(c->root, "quantization_config");
	q = q ? q : in(c->root, "compression_config");
	if (q && !cJSON_IsObject(q)) {
		import_fail(c, E_FILE, "quantization_config: wants an object");
		return;
	}
	if (!q) {
		c->m->native_format = plain(c);
		return;
	}
	c->m->native_format = recipe_of(c, q);
	import_used(c, "expert_dtype");
	if (!c->m->native_format)
		import_warn(c, "quantization_config (%.40s%s%.40s) has no recipe: the size of the released file is not known",
			word(q, "quant_method"), word(q, "quant_algo")[0] ? " " : "", word(q, "quant_algo"));
	else if (!strcmp(c->fam->model_type, "mimo_v2_flash"))
		c->m->native_keep = mimo_keep;
	else if (!strncmp(c->m->native_format, "fp8", 3))
		say_left_out(c, q);
}
