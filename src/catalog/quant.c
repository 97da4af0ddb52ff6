/* quant.c - finding formats and recipes by name, and the bytes of one tensor */
#include "catalog/quant.h"

#include "base/str.h"
#include "base/units.h"

#include <string.h>

const char *const math_names[] = { "f32", "f16", "bf16", "fp8", "int8", "fp4", NULL };
const char *const packing_names[] = { "gguf", "hf", "mlx", NULL };
const char *const when_names[] = {
	"tied_head", "untied_head", "experts_8", "experts_4_up", "not_experts_8", "gqa_4_up", "gqa_below_4",
	"gqa_4_up_or_experts_4_up", "more_bits", "first_eighth", "first_sixteenth", "first_2", "first_4",
	"middle", "is_70b", "imatrix", "no_imatrix", "stacked", "not_stacked", "arch_falcon", "not_arch_falcon",
	"arch_mla", "not_arch_mla", "first_eighth_counted", "row_misfit", "arch_glm5_next", "arch_bailingmoe3",
	"not_arch_bailingmoe3", "arch_deepseek4", "mtp", "native_mxfp4", NULL
};
_Static_assert(sizeof when_names / sizeof *when_names == WHENS + 1, "a name for every predicate");
_Static_assert(WHENS <= 64 && ROLES <= 128, "bit sets of struct rule");

uint16_t format_find(const struct quants *q, const char *name)
{
	for (uint16_t i = 0; i < q->n_formats; i++)
		if (str_ieq(q->formats[i].id, name) || str_ieq(q->formats[i].name, name))
			return i;
	return NO_FORMAT;
}

uint16_t format_by_ggml(const struct quants *q, uint32_t ggml_type)
{
	for (uint16_t i = 0; i < q->n_formats; i++)
		if (q->formats[i].ggml_type >= 0 && (uint32_t)q->formats[i].ggml_type == ggml_type)
			return i;
	return NO_FORMAT;
}

/* "int4@vllm" for "int4" and "vllm"; "int4" for "int4" and NULL. */
static int alias_is(const char *alias, const char *name, const char *engine)
{
	const char *at = strchr(alias, '@');
	size_t n = at ? (size_t)(at - alias) : strlen(alias);
	char head[64];

	if (n >= sizeof head || !at != !engine)
		return 0;
	memcpy(head, alias, n);
	head[n] = '\0';
	return str_ieq(head, name) && (!engine || str_ieq(at + 1, engine));
}

static const struct recipe *by_alias(const struct quants *q, const char *name, const char *engine)
{
	for (uint16_t i = 0; i < q->n_recipes; i++)
		for (const char *const *a = q->recipes[i].aliases; a && *a; a++)
			if (alias_is(*a, name, engine))
				return &q->recipes[i];
	return NULL;
}

static const struct recipe *by_name(const struct quants *q, const char *name)
{
	for (uint16_t i = 0; i < q->n_recipes; i++)
		if (str_ieq(q->recipes[i].id, name))
			return &q->recipes[i];
	for (uint16_t i = 0; i < q->n_recipes; i++)
		if (str_ieq(q->recipes[i].name, name))
			return &q->recipes[i];
	return NULL;
}

/* An engine's own word first: "int8" is Q8_0 to llama.cpp and W8A8 to vLLM, though a recipe has that id. */
int recipe_find(const struct recipe **out, const struct quants *q, const char *name, const char *engine, struct error *err)
{
	const struct recipe *r = engine ? by_alias(q, name, engine) : NULL;
	struct near_matches near;

	if (!r)
		r = by_name(q, name);
	if (!r)
		r = by_alias(q, name, NULL);
	if (r) {
		*out = r;
		return OK;
	}
	*out = NULL;
	error_set(err, E_FORMAT, "%s: no quantisation of that name%s%s", name, engine ? " for " : "", engine ? engine : "");
	near_init(&near, name);
	for (uint16_t i = 0; i < q->n_recipes; i++)
		near_offer(&near, q->recipes[i].name);
	near_report(&near, err);
	return E_FORMAT;
}

static int overflow(const struct format *f, const uint64_t ne[3], struct error *err)
{
	return error_set(err, E_FILE, "a tensor of %llu x %llu x %llu in %s overflows 64 bits", (unsigned long long)ne[0],
		(unsigned long long)ne[1], (unsigned long long)ne[2], f->name);
}

/* Rows are not padded in ggml: ggml_row_size() = bytes * ne0 / block (ggml.c). */
static int block_bytes(uint64_t *out, const struct format *f, const uint64_t ne[3], struct error *err)
{
	uint64_t n;

	if (ne[0] % f->block)
		return error_set(err, E_FORMAT, "%s: a row of %llu is no multiple of its block of %u", f->name,
			(unsigned long long)ne[0], f->block);
	if (u64_mul(&n, ne[0] / f->block, f->bytes) || u64_mul(&n, n, ne[1]) || u64_mul(&n, n, ne[2]))
		return overflow(f, ne, err);
	*out = n;
	return OK;
}

/* One matrix: packed elements, zero points, scales of begun tiles, and what the whole tensor has once. */
static int tile_bytes(uint64_t *out, const struct format *f, const uint64_t ne[3], struct error *err)
{
	uint64_t bits, sum, zero;

	if (u64_mul(&bits, ne[0], ne[1]) || u64_mul(&bits, bits, f->bits))
		return overflow(f, ne, err);
	if (f->zero_tile0) {
		if (u64_mul(&zero, u64_ceil_div(ne[0], f->zero_tile0), ne[1]) || u64_mul(&zero, zero, f->zero_bits))
			return overflow(f, ne, err);
		zero = u64_ceil_div(zero, 8);
	} else
		zero = 0;
	if (u64_add(&sum, u64_ceil_div(bits, 8), zero) || u64_add(&sum, sum, f->per_tensor_bytes))
		return overflow(f, ne, err);
	for (unsigned i = 0; i < f->n_scales; i++) {
		uint64_t t0 = f->scale[i].tile0 ? u64_ceil_div(ne[0], f->scale[i].tile0) : 1;
		uint64_t t1 = f->scale[i].tile1 ? u64_ceil_div(ne[1], f->scale[i].tile1) : 1;

		if (u64_mul(&t0, t0, t1) || u64_mac(&sum, t0, f->scale[i].bytes))
			return overflow(f, ne, err);
	}
	if (u64_mul(out, sum, ne[2]))
		return overflow(f, ne, err);
	return OK;
}

int tensor_bytes(uint64_t *out, const struct format *f, const uint64_t ne[3], struct error *err)
{
	*out = 0;
	if (!ne[0] || !ne[1] || !ne[2])
		return OK;
	return f->block ? block_bytes(out, f, ne, err) : tile_bytes(out, f, ne, err);
}

double format_least_bits(const struct format *f)
{
	return f->block ? 8.0 * f->bytes / f->block : f->bits;
}

enum math format_math(const struct format *f, unsigned compute_capability)
{
	enum math m = (enum math)f->math_default;
	unsigned best = 0;

	for (unsigned i = 0; i < f->n_math; i++)
		if (f->math[i].capability <= compute_capability && f->math[i].capability > best) {
			best = f->math[i].capability;
			m = (enum math)f->math[i].math;
		}
	return m;
}
