/* file_weights.c - tensor directories -> bytes by layer and formats by role */
#include "cli/file_weights.h"

#include "base/units.h"
#include "catalog/file_formats.h"
#include "catalog/tensor_names.h"

static int sum(struct model_arg *m, const struct quants *q, const struct tensor_dir *dir, tensor_name_fn *name_of, uint64_t file_bytes, struct error *err)
{
	uint32_t n = m->spec->n_layers;
	struct file_weights *w = arena_alloc(&m->arena, sizeof *w);
	int rc;

	if (!w || !(w->layer_bytes = arena_array(&m->arena, n ? n : 1, sizeof *w->layer_bytes)) ||
	    !(w->expert_bytes = arena_array(&m->arena, n ? n : 1, sizeof *w->expert_bytes)))
		return error_set(err, E_NOMEM, "out of memory");
	w->file_bytes = file_bytes;
	for (uint64_t i = 0; i < dir->n; i++) {
		const struct file_tensor *t = &dir->t[i];
		int layer;
		unsigned role;

		name_of(t->name, &layer, &role);
		if (role == ROLE_ENCODER)
			continue;
		if (layer >= 0 && (uint32_t)layer >= n)
			continue;                        /* MTP blocks: loaded for drafting only */
		int gathered = role == ROLE_EMBED ? !m->spec->tied_head : role == ROLE_PLE_EMBED || role == ROLE_POSITION;
		uint64_t *to = layer >= 0 ? &w->layer_bytes[layer] : gathered ? &w->input_bytes : &w->output_bytes;
		if (u64_add(to, *to, t->bytes))
			return error_set(err, E_FILE, "%s: tensor sizes overflow 64 bits", t->name);
		if (layer >= 0 && (role == ROLE_EXP_GATE || role == ROLE_EXP_UP || role == ROLE_EXP_DOWN || role == ROLE_EXP_GATE_UP))
			w->expert_bytes[layer] += t->bytes;      /* part of the sum above */
	}
	uint16_t *formats;
	if ((rc = file_formats_read(&formats, &m->arena, dir, n, q, name_of, err)) != OK)
		return rc;
	m->weights = w;
	m->file_formats = formats;
	return OK;
}

int weights_of_gguf(struct model_arg *m, const struct quants *q, struct error *err)
{
	return sum(m, q, &m->gguf->dir, name_gguf, m->gguf->file_bytes, err);
}

int weights_of_safetensors(struct model_arg *m, const struct quants *q, struct error *err)
{
	int rc = sum(m, q, &m->st->dir, name_hf, m->st->file_bytes, err);

	m->file_formats = NULL;          /* roles are not told apart by these names */
	if (rc == OK)
		m->weights->expert_bytes = NULL;
	return rc;
}
