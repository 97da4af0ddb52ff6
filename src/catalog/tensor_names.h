/* tensor_names.h - tensor names of real files -> layer and role. */
#ifndef TENSOR_NAMES_H
#define TENSOR_NAMES_H

#include "catalog/roles.h"

enum { NAME_NO_LAYER = -1 };
/* "blk.12.ffn_down_exps.weight" -> 12, ROLE_EXP_DOWN. Vectors and names without a role of their own are ROLE_NORM or ROLE_BIAS
 * when they say so, else ROLES. */
void name_gguf(const char *name, int *layer, unsigned *role);
/* "model.layers.12.mlp.down_proj.weight" -> 12; embeddings and head are told from the rest; ROLES otherwise. */
void name_hf(const char *name, int *layer, unsigned *role);

#endif
