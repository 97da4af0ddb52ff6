/* file_weights.h - a real file's directory summed by layer: exact, whatever a recipe would say. */
#ifndef FILE_WEIGHTS_H
#define FILE_WEIGHTS_H

#include "cli/model_arg.h"

int weights_of_gguf(struct model_arg *m, const struct quants *q, struct error *err) MUST_CHECK;
int weights_of_safetensors(struct model_arg *m, struct error *err) MUST_CHECK;

#endif
