/* file_formats.c - tensor directories -> formats by layer and role */
#include "catalog/file_formats.h"

int gguf_types_of(struct gguf_types *out, struct arena *a, const struct quants *q, struct error *err)
{
	struct gguf_type_info *info;
	uint32_t n = 0;

	for (unsigned i = 0; i < q->n_formats; i++)
		if (q->formats[i].ggml_type >= 0 && (uint32_t)q->formats[i].ggml_type >= n)
			n = (uint32_t)q->formats[i].ggml_type + 1;
	info = arena_array(a, n ? n : 1, sizeof *info);
	if (!info)
		return error_set(err, E_NOMEM, "out of memory");
	for (unsigned i = 0; i < q->n_formats; i++)
		if (q->formats[i].ggml_type >= 0)
			info[q->formats[i].ggml_type] = (struct gguf_type_info){ q->formats[i].block, q->formats[i].bytes, q->formats[i].id };
	*out = (struct gguf_types){ info, n };
	return OK;
}

int file_formats_read(uint16_t **out, struct arena *a, const struct tensor_dir *d, uint32_t n_layers, const struct quants *q,
	tensor_name_fn *name_of, struct error *err)
{
	size_t n = ((size_t)n_layers + 1) * ROLES;
	uint16_t *formats = arena_array(a, n, sizeof *formats);

	if (!formats)
		return error_set(err, E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		formats[i] = NO_FORMAT;
	for (uint64_t i = 0; i < d->n; i++) {
		int layer;
		unsigned role;

		name_of(d->t[i].name, &layer, &role);
		if (role < ROLES && role != ROLE_ENCODER)
			formats[(size_t)(layer >= 0 && (uint32_t)layer < n_layers ? (uint32_t)layer : n_layers) * ROLES + role] =
				format_find(q, d->t[i].type_name);
	}
	*out = formats;
	return OK;
}
