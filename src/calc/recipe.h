/* recipe.h - which format a tensor gets: the rules of a recipe applied to one model, layer by layer.
 *
 * Reproduces llama.cpp's llama_tensor_get_type (src/llama-quant.cpp). Its counters run over the tensors sorted by layer and then
 * by name; here they are counted in a first pass, so that a tensor's format does not depend on the order of the walk. */
#ifndef RECIPE_H
#define RECIPE_H

#include "calc/inventory.h"

struct recipe_state {
	const struct model_spec *model;
	const struct quants *quants;
	const struct recipe *recipe;
	uint8_t imatrix;
	uint32_t n_v, n_down, n_gate, n_up;          /* totals, counted in a first pass; but for n_v llama.cpp's n_layer_all */
	struct { uint16_t v, down, gate, up; } before[MAX_LAYERS + 1];  /* how many of them lie in the layers before this one */
	uint64_t has[MAX_LAYERS + 1];                /* which of these roles the layer has: bits as in counted[] (recipe.c) */
	uint32_t experts, gqa;                       /* llama.cpp's hparams.n_expert and n_gqa() */
	uint8_t is_70b, has_mla, falcon, glm5_next, bailingmoe3, deepseek4, native_mxfp4;
	uint64_t keep[2];                            /* roles that the released weights keep in bf16 (model->native_keep) */
};
/* First pass over the layers. Fails on an unknown role in native_keep (E_CATALOGUE). */
int recipe_begin(struct recipe_state *out, const struct model_spec *m, const struct quants *q, const struct recipe *r,
	uint8_t imatrix, struct error *err) MUST_CHECK;
/* Do rules ask where a tensor of this role lies? Of others all layers with equal shapes get the same format. */
int recipe_counts(unsigned role);
/* All that a rule can ask of where a tensor lies: two layers with equal answers (and equal shapes) get equal formats. */
enum { PLACES = 128 };
unsigned recipe_place(const struct recipe_state *s, unsigned role, int layer);
/* Format of a tensor. layer: its layer, or -1. *out = index into quants->formats. E_FORMAT: its rows fit no format. */
int recipe_format(uint16_t *out, struct recipe_state *s, const struct tensor *t, int layer, struct error *err) MUST_CHECK;

#endif
