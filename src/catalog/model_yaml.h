/* model_yaml.h - models.d/NAME.yaml -> struct model_entry, keys unknown-strict, errors with file and line. */
#ifndef MODEL_YAML_H
#define MODEL_YAML_H

#include "base/yaml.h"
#include "catalog/model_spec.h"

/* A published benchmark result; value as printed there (percent unless the benchmark says otherwise). */
struct benchmark_score { const char *benchmark, *note; double value; uint16_t source; };     /* note: NULL, or under which conditions */

/* One catalogue entry: the description and what people want to know about it. Strings live in the arena. */
struct model_entry {
	const char *id, *name, *family, *vendor, *country, *licence, *released, *why, *how, *file;
	uint8_t status;                          /* enum status */
	const char *const *aliases, *const *modalities, *const *use_cases, *const *instead, *const *notes;   /* NULL-ended, never NULL */
	const char *const *languages;            /* codes as the model card states them; NULL-ended, empty: not known */
	uint16_t languages_source, engines_source;       /* index into the sources of spec or own; ENTRY_NO_SOURCE: none said */
	const struct benchmark_score *scores; unsigned n_scores;
	struct { const char *key, *value; } repos[8], engines[12];
	uint8_t n_repos, n_engines;
	const char *same_shapes_as;              /* id; spec is then the other entry's, resolved by the catalogue */
	const struct model_spec *own;            /* without shapes: what it states itself (context, formats, sources, ...); else NULL */
	const struct model_spec *spec;           /* NULL: no shapes (does not exist, api only) */
	/* checks: assertions, never inputs. 0 / -1: not stated */
	struct { uint64_t params_total, params_mtp, params_active, kv_bytes_per_token_f16, kv_window_bytes_f16, kv_chunk_bytes_f16,
		state_elements_recurrent, state_elements_conv, native_file_bytes; } checks;
	uint32_t checks_line;
};

enum { ENTRY_NO_SOURCE = 0xffff };

/* The entry's own description of itself, with its sources; NULL only for a head that was not read in full. */
static inline const struct model_spec *model_entry_self(const struct model_entry *e) { return e->own ? e->own : e->spec; }

/* Head only: id, name, aliases, status, family, released, licence, repos (what look-ups and lists need); other keys are left
 * alone. */
int model_entry_head(struct model_entry *out, struct arena *a, const struct ydoc *d, struct error *err) MUST_CHECK;
/* What an estimate needs, of a text cut to model_shape_keys: the head, no sources (n_sources 0, every index 0), nothing that is only
 * shown. For going through hundreds of entries. */
extern const char *const model_shape_keys[];
int model_entry_read_shapes(struct model_entry *out, struct arena *a, const struct ydoc *d, struct error *err) MUST_CHECK;
/* The whole entry. d must stay alive as long as the entry. */
int model_entry_read(struct model_entry *out, struct arena *a, const struct ydoc *d, struct error *err) MUST_CHECK;

#endif
