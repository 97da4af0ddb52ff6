/* model_arg.h - what the user calls a model: a catalogue name, a file, a folder. */
#ifndef MODEL_ARG_H
#define MODEL_ARG_H

#include "calc/estimate.h"
#include "catalog/catalog.h"
#include "format/gguf.h"
#include "format/safetensors.h"

struct model_arg {
	struct arena arena;
	const struct model_spec *spec;
	const struct model_entry *entry;         /* NULL when read from a file */
	struct gguf *gguf;                       /* NULL unless a GGUF file */
	struct safetensors *st;                  /* NULL unless safetensors */
	struct file_weights *weights;            /* exact bytes of the file; NULL for a catalogue entry or a bare config.json */
	struct file_weights *held;               /* of safetensors: the same as the own engine holds them */
	const uint16_t *file_formats;            /* (n_layers + 1) x ROLES; NULL as above */
	const struct recipe *file_recipe;        /* what the file calls itself, or NULL */
	const char *file_quant;                  /* its name, or "as in the file" */
};
/* path: an existing path wins over a name when it has a '/' or a known suffix. Close with model_arg_close(). */
int model_arg_open(struct model_arg *out, struct catalog *c, const char *name, struct error *err) MUST_CHECK;
void model_arg_close(struct model_arg *m);

#endif
