/* file_weights.c - tensor directories -> bytes by layer and formats by role */
#include "cli/file_weights.h"

#include "base/units.h"
#include "catalog/file_formats.h"
#include "catalog/tensor_names.h"
#include "catalog/weight_names.h"

#include <string.h>

/* Bytes of a tensor of a checkpoint that the own engine holds (engine/weights_join.c): FP8 with scales as BF16, what it does not read not at all. */
static uint64_t held_bytes(const struct model_spec *m, const struct file_tensor *t, int scales)
{
	struct hf_name is;

	weight_of_hf(&is, t->name);
	if (is.part == HF_SCALE || is.part == HF_UNREAD || (is.id == W_HEAD && m->tied_head))
		return 0;
	/* a span of a file, so twice it is no overflow */
	return scales && (!strcmp(t->type_name, "F8_E4M3") || !strcmp(t->type_name, "F8_E5M2")) ? 2 * t->bytes : t->bytes;
}

static int has_scales(const struct tensor_dir *dir)
{
	struct hf_name is;

	for (uint64_t i = 0; i < dir->n; i++) {
		weight_of_hf(&is, dir->t[i].name);
		if (is.part == HF_SCALE)
			return 1;
	}
	return 0;
}

static int sum(struct file_weights **out, struct model_arg *m, const struct tensor_dir *dir, tensor_name_fn *name_of, int held, uint64_t file_bytes, struct error *err)
{
	uint32_t n = m->spec->n_layers;
	struct file_weights *w = arena_alloc(&m->arena, sizeof *w);
	const int scales = held && has_scales(dir);

	if (!w || !(w->layer_bytes = arena_array(&m->arena, n ? n : 1, sizeof *w->layer_bytes)) ||
	    !(w->expert_bytes = arena_array(&m->arena, n ? n : 1, sizeof *w->expert_bytes)))
		return error_set(err, E_NOMEM, "out of memory");
	w->file_bytes = file_bytes;
	for (uint64_t i = 0; i < dir->n; i++) {
		const struct file_tensor *t = &dir->t[i];
		const uint64_t bytes = held ? held_bytes(m->spec, t, scales) : t->bytes;
		int layer;
		unsigned role;

		name_of(t->name, &layer, &role);
		if (role == ROLE_ENCODER)
			continue;
		if (layer >= 0 && (uint32_t)layer >= n)
			continue;                        /* MTP blocks: loaded for drafting only */
		int gathered = role == ROLE_EMBED ? !m->spec->tied_head : role == ROLE_PLE_EMBED || role == ROLE_POSITION;
		uint64_t *to = layer >= 0 ? &w->layer_bytes[layer] : gathered ? &w->input_bytes : &w->output_bytes;
		if (u64_add(to, *to, bytes))
			return error_set(err, E_FILE, "%s: tensor sizes overflow 64 bits", t->name);
		if (layer >= 0 && (role == ROLE_EXP_GATE || role == ROLE_EXP_UP || role == ROLE_EXP_DOWN || role == ROLE_EXP_GATE_UP))
			w->expert_bytes[layer] += bytes;      /* part of the sum above */
	}
	*out = w;
	return OK;
}

int weights_of_gguf(struct model_arg *m, const struct quants *q, struct error *err)
{
	uint16_t *formats;
	int rc = sum(&m->weights, m, &m->gguf->dir, name_gguf, 0, m->gguf->file_bytes, err);

	if (rc == OK && (rc = file_formats_read(&formats, &m->arena, &m->gguf->dir, m->spec->n_layers, q, name_gguf, err)) == OK)
		m->file_formats = formats;
	return rc;
}

int weights_of_safetensors(struct model_arg *m, struct error *err)
{
	int rc = sum(&m->weights, m, &m->st->dir, name_hf, 0, m->st->file_bytes, err);

	if (rc == OK && (rc = sum(&m->held, m, &m->st->dir, name_hf, 1, m->st->file_bytes, err)) == OK)
		m->weights->expert_bytes = m->held->expert_bytes = NULL;         /* roles are not told apart by these names */
	return rc;
}
