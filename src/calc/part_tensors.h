/* part_tensors.h - the tensors of one part, one layer's norms, and the model's own: shapes only.
 *
 * For the inventory, which gives them formats, and for the engine, which finds them in a file by their id. */
#ifndef PART_TENSORS_H
#define PART_TENSORS_H

#include "calc/inventory.h"
#include "calc/packing.h"
#include "catalog/weight_names.h"

/* A tensor as its part describes it; the walk adds layer, component and format. cut_pieces 0 means 1. */
struct shape_of {
	uint16_t role;
	uint8_t use, cut;
	uint32_t cut_pieces, count;
	uint64_t ne[3];
	uint16_t id;                     /* enum weight_id: which tensor of its role */
};
/* Where the shapes go: a fixed list, long enough for any part (checked). */
enum { MAX_SHAPES = 96 };
struct shape_list { struct shape_of s[MAX_SHAPES]; unsigned n; };

void part_tensors(struct shape_list *out, const struct model_spec *m, const struct part *p, const struct packing_traits *t);
/* Id of norm n (1: the second of two) of branch i. */
uint16_t branch_norm_id(const struct model_spec *m, const struct layer_kind *k, unsigned i, unsigned n);
/* All of a layer kind: its parts, norms, hyper-connections, residual scores, per-layer embedding projections. */
void kind_tensors(struct shape_list *out, const struct model_spec *m, const struct layer_kind *k, const struct packing_traits *t);
/* Embeddings and whatever precedes the layers; final norm, head and whatever follows them. */
void model_head_tensors(struct shape_list *out, const struct model_spec *m, const struct packing_traits *t);
void model_tail_tensors(struct shape_list *out, const struct model_spec *m, const struct packing_traits *t);
/* What one MTP block holds beside its layer kind. */
void mtp_tensors(struct shape_list *out, const struct model_spec *m);

#endif
