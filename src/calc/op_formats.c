/* op_formats.c - formats by role and layer, read off the inventory */
#include "calc/op_formats.h"

static int note(void *user, const struct tensor *t, struct error *err)
{
	struct op_formats *f = user;
	unsigned i = layer_first(&t->layers);

	(void)err;
	if (t->component != COMP_TEXT)
		return OK;
	if (i == MAX_LAYERS)
		f->format[(size_t)f->n_layers * ROLES + t->role] = t->format;
	for (; i < MAX_LAYERS; i = layer_next(&t->layers, i))
		f->format[(size_t)i * ROLES + t->role] = t->format;
	return OK;
}

int op_formats_read(struct op_formats *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err)
{
	struct inventory inv = { .model = m, .quants = q, .recipe = set->recipe, .imatrix = set->imatrix };
	size_t n = ((size_t)m->n_layers + 1) * ROLES;

	*out = (struct op_formats){ .quants = q, .n_layers = m->n_layers, .rows = m->n_layers + 1, .format = arena_array(a, n, sizeof *out->format) };
	if (!out->format)
		return error_set(err, E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		out->format[i] = set->file_formats ? set->file_formats[i] : NO_FORMAT;
	return set->file_formats ? OK : inventory_walk_kinds(&inv, note, out, err);
}

uint16_t op_format(const struct op_formats *f, enum role role, uint32_t layer)
{
	/* another name for the same weights, tried in turn */
	static const struct { uint16_t role, other; } same[] = {
		{ ROLE_ATTN_Q, ROLE_ATTN_QKV }, { ROLE_ATTN_K, ROLE_ATTN_QKV }, { ROLE_ATTN_V, ROLE_ATTN_QKV },
		{ ROLE_K_B, ROLE_KV_B }, { ROLE_V_B, ROLE_KV_B }, { ROLE_FFN_GATE, ROLE_FFN_UP },
		{ ROLE_EXP_GATE, ROLE_EXP_GATE_UP }, { ROLE_EXP_UP, ROLE_EXP_GATE_UP }, { ROLE_HEAD, ROLE_EMBED },
	};
	uint32_t row = layer < f->n_layers ? layer : f->n_layers;

	if (!f->format)
		return NO_FORMAT;
	uint16_t found = f->format[(size_t)row * ROLES + role];

	for (unsigned i = 0; found == NO_FORMAT && i < sizeof same / sizeof *same; i++)
		if (same[i].role == role)
			found = f->format[(size_t)row * ROLES + same[i].other];
	return found;
}

uint8_t op_math(const struct op_formats *f, uint16_t format)
{
	return format == NO_FORMAT ? MATH_F32 : f->quants->formats[format].math_default;
}
