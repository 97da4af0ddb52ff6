/* accuracy_names.h - what the cells of a file of measurements name: models, quantisations, machines, engines.
 *
 * Cells are written for people: remarks in brackets, owners before a name, packaging behind it. Each name is tried as it stands first,
 * then without such words; the look-ups themselves are the catalogue's. */
#ifndef ACCURACY_NAMES_H
#define ACCURACY_NAMES_H

#include "live/accuracy.h"

/* 0: nothing is named: an empty cell, "?", "not stated", "UNSET", or a class instead of a thing ("24 GB class"). */
int accuracy_named(const char *cell);
/* The engine of a row as data/quants.yaml knows it: of its columns engine or fork, or of its source; else `other`. */
const char *accuracy_engine(struct acc_row *r, const char *other);
/* NULL: unknown. quant: tried as the tail of the name ("deepseek-r1:7b-distill-q4_K_M"); may be "". */
const struct model_entry *accuracy_model(struct acc_row *r, const char *name, const char *quant);
/* The part of a cell that names a quantisation of weights: "int4 weights, fp8 KV" -> "int4"; "" when only the cache's format or nothing
 * is named. model: an Ollama tag ("ollama default (Q4_K_M unless tag says otherwise)"). In the scratch arena. */
const char *accuracy_quant(struct acc_row *r, const char *cell, const char *model);
/* NULL: unknown. A word that means something only to llama.cpp ("4-bit") is not lent to other engines. */
const struct recipe *accuracy_recipe(struct acc_row *r, const char *quant, const char *engine);
/* OK; E_AMBIGUOUS: known, but its memory size is open; else unknown. */
int accuracy_machine(struct acc_row *r, const char *cell) MUST_CHECK;

#endif
