/* engine_use.c - what an engine runs on and how it is told: keys of data/engines.yaml that enter no estimate
 *
 *	hardware: {cuda: {value: true, min_compute_capability: 7.5, source: KEY}, metal: {value: false, source: KEY}, tpu: unknown}
 *	formats: {value: [bf16, awq], source: KEY}         likewise splits, host_offload: words of closed lists
 *	kv_types: {value: [auto, fp8_e4m3], source: KEY}   the engine's own words
 *	flags: {context: {flag: "--ctx-size", default: 0, source: KEY}, sequences: unknown}
 *
 * Every key is optional. A flag's default is text as the engine writes it: none where nothing is set, else what decides it. */
#include "catalog/engine_read.h"

#include <string.h>

const char *const engine_platform_names[] = {
	"cuda", "rocm", "intel", "metal", "vulkan", "cpu", "tpu", "ascend", "gaudi", "neuron", NULL
};
const char *const engine_format_names[] = {
	"f32", "f16", "bf16", "gguf", "mlx", "fp8", "fp8-block", "int8", "awq", "gptq", "int4", "nvfp4", "mxfp4", "mxfp8",
	"compressed-tensors", "quark", "modelopt", "torchao", "bitsandbytes", "exl2", "marlin", "eetq", NULL
};
const char *const engine_split_names[] = { "layer", "pipeline", "row", "tensor", "expert", "data", "context", NULL };
const char *const engine_host_names[] = { "none", "layers", "experts", "weights", "kv", NULL };
const char *const engine_share_names[] = { "unknown", "total", "free", "left", NULL };
const char *const engine_flag_names[] = {
	"memory_fraction", "memory_margin", "cache_bytes", "context", "kv_type", "kv_type_v", "sequences", "batch", "ubatch", "page",
	"quant", "tensor_parallel", "pipeline_parallel", "expert_parallel", "data_parallel", "split_mode", "split_shares", "gpu_layers",
	"cpu_experts", "host_offload", "kv_offload", "flash_attention", "eager", NULL
};

enum { MAX_HELD = 16 };

/* cuda: {value: true, min_compute_capability: 7.5, source: KEY}; no other platform has such a number. */
static int read_platform(struct engine_use *out, unsigned on, struct engine_reader *r, struct ynode *map)
{
	struct ynode *n;
	uint8_t runs = 0;
	double least = 0;
	int rc = engine_find_figure(&n, r, map, engine_platform_names[on]);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_bool(&runs, r->d, n, "value", YAML_NEED, r->err)) != OK ||
	    (on == ON_CUDA && (rc = yaml_f64(&least, r->d, n, "min_compute_capability", YAML_OPTIONAL, r->err)) != OK))
		return rc;
	if (!(least >= 0 && least < 25) || (least > 0 && !runs))
		return yaml_fail(r->d, n, r->err, "min_compute_capability: %g is none", least);
	out->on[on].runs = runs ? SAYS_YES : SAYS_NO;
	out->on[on].min_capability = (uint8_t)(least * 10 + 0.5);
	return yaml_finish(r->d, n, r->err);
}

static int read_hardware(struct engine_use *out, struct engine_reader *r)
{
	struct ynode *n = yaml_get(r->engine, "hardware");
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(r->d, n, YAML_MAP, r->err)) != OK)
		return rc;
	for (unsigned on = 0; on < ENGINE_PLATFORMS; on++)
		if ((rc = read_platform(out, on, r, n)) != OK)
			return rc;
	return yaml_finish(r->d, n, r->err);
}

/* {value: [bf16, awq], source: KEY}: a flag each. */
static int read_names(uint8_t *flag, const char *const *names, struct engine_reader *r, const char *key)
{
	const char *const *word = NULL;
	unsigned count;
	int rc = engine_read_archs(&word, r, key);

	if (rc != OK || !word)
		return rc;
	for (count = 0; word[count]; count++) {
		unsigned k = 0;
		while (names[k] && strcmp(names[k], word[count]))
			k++;
		if (!names[k])
			return yaml_fail(r->d, yaml_get(r->engine, key), r->err, "%s: %s is none of its words", key, word[count]);
		flag[k] = 1;
	}
	if (!count)
		return yaml_fail(r->d, yaml_get(r->engine, key), r->err, "%s: nothing is listed", key);
	return OK;
}

/* context: {flag: "--ctx-size", default: 0, source: KEY} */
static int read_flag(struct engine_use *out, unsigned which, struct engine_reader *r, struct ynode *map)
{
	struct ynode *n;
	int rc = engine_find_figure(&n, r, map, engine_flag_names[which]);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_str(&out->flag[which].flag, r->d, n, "flag", YAML_NEED, r->err)) != OK ||
	    (rc = yaml_str(&out->flag[which].preset, r->d, n, "default", YAML_NEED, r->err)) != OK)
		return rc;
	return yaml_finish(r->d, n, r->err);
}

static int read_flags(struct engine_use *out, struct engine_reader *r)
{
	struct ynode *n = yaml_get(r->engine, "flags");
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(r->d, n, YAML_MAP, r->err)) != OK)
		return rc;
	for (unsigned which = 0; which < ENGINE_FLAGS; which++)
		if ((rc = read_flag(out, which, r, n)) != OK)
			return rc;
	return yaml_finish(r->d, n, r->err);
}

int engine_read_use(struct engine_use *out, struct engine_reader *r)
{
	int rc;

	if ((rc = read_hardware(out, r)) != OK || (rc = read_names(out->formats, engine_format_names, r, "formats")) != OK ||
	    (rc = read_names(out->splits, engine_split_names, r, "splits")) != OK ||
	    (rc = read_names(out->host, engine_host_names, r, "host_offload")) != OK ||
	    (rc = engine_read_archs(&out->kv_types, r, "kv_types")) != OK)
		return rc;
	return read_flags(out, r);
}

/* {below: BYTES, bytes: N, source: KEY}; before: the entry above, or NULL. */
static int read_held(struct engine_held *out, const struct engine_held *before, struct engine_reader *r, struct ynode *n)
{
	int rc;

	out->below = UINT64_MAX;
	if ((rc = yaml_want(r->d, n, YAML_MAP, r->err)) != OK || (rc = engine_check_source(r, n)) != OK ||
	    (rc = yaml_u64(&out->below, r->d, n, "below", 1, UINT64_C(1) << 60, YAML_OPTIONAL, r->err)) != OK ||
	    (rc = yaml_u64(&out->bytes, r->d, n, "bytes", 0, UINT64_C(1) << 60, YAML_NEED, r->err)) != OK)
		return rc;
	if (before && before->below >= out->below)
		return yaml_fail(r->d, n, r->err, "held_back: below must rise from entry to entry");
	if ((n->next == NULL) != (out->below == UINT64_MAX))
		return yaml_fail(r->d, n, r->err, "held_back: the last entry, and no other, is without below");
	return yaml_finish(r->d, n, r->err);
}

int engine_read_held(struct engine_profile *e, struct engine_reader *r)
{
	struct ynode *n = yaml_get(r->engine, "held_back");
	struct engine_held *list;
	unsigned i = 0;
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(r->d, n, YAML_SEQ, r->err)) != OK)
		return rc;
	if (!n->n || n->n > MAX_HELD)
		return yaml_fail(r->d, n, r->err, "held_back: %u entries, wants 1 to %d", n->n, MAX_HELD);
	if (!(list = arena_array(r->a, n->n, sizeof *list)))
		return engine_no_memory(r);
	for (struct ynode *c = n->child; c; c = c->next, i++) {
		c->used = 1;
		if ((rc = read_held(&list[i], i ? &list[i - 1] : NULL, r, c)) != OK)
			return rc;
	}
	e->held = list;
	e->n_held = (uint8_t)i;
	return OK;
}
