/* yaml.h - libyaml events as a read-only tree with line numbers, and strict readers over it.
 *
 * One document, block or flow style. Refused with file and line: anchors, aliases and tags (no cycles, no bombs),
 * duplicate keys, keys that are not plain scalars, depth over 32, more than YAML_MAX_NODES nodes, bytes that are not UTF-8.
 * Readers mark what they read; yaml_finish() names the first key that nobody read: a misspelt key is an error. */
#ifndef YAML_H_ULLAGE
#define YAML_H_ULLAGE

#include "base/arena.h"
#include "base/error.h"
#include <stdint.h>

enum yaml_kind { YAML_SCALAR, YAML_SEQ, YAML_MAP };
enum { YAML_MAX_NODES = 200000, YAML_MAX_DEPTH = 32 };

struct ynode {
	const char *key;             /* inside a map: its key; else NULL */
	const char *text;            /* scalar: NUL-terminated text; else NULL */
	struct ynode *child, *next;  /* seq and map: first child; siblings */
	uint32_t line, n;            /* 1-based line; number of children, or bytes of text */
	uint8_t kind, quoted;
	uint8_t used;                /* set by the readers */
};

struct ydoc { const char *file; struct ynode *root; };

/* Parses bytes (not NUL-terminated). Strings and nodes live in the arena. file: for messages, kept by reference.
 * E_CATALOGUE on malformed input, E_NOMEM. An empty document has root NULL and is an error. */
int yaml_parse(struct ydoc *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;
/* Reads the whole file first (at most 16 MiB). E_FILE when it cannot be read. */
int yaml_load(struct ydoc *out, struct arena *a, const char *path, struct error *err) MUST_CHECK;

/* The child with this key, marked used; NULL when absent. map may be NULL. */
struct ynode *yaml_get(struct ynode *map, const char *key);
/* Marks a node and everything below it as read. */
void yaml_use_all(struct ynode *n);

/* Each returns OK, or E_CATALOGUE with "FILE:LINE: KEY: ...". Absent keys leave *out alone; `need` makes absence an error. */
enum { YAML_OPTIONAL = 0, YAML_NEED = 1 };
int yaml_str(const char **out, const struct ydoc *d, struct ynode *map, const char *key, int need, struct error *err) MUST_CHECK;
int yaml_u64(uint64_t *out, const struct ydoc *d, struct ynode *map, const char *key, uint64_t min, uint64_t max, int need, struct error *err) MUST_CHECK;
int yaml_u32(uint32_t *out, const struct ydoc *d, struct ynode *map, const char *key, uint32_t min, uint32_t max, int need, struct error *err) MUST_CHECK;
int yaml_f64(double *out, const struct ydoc *d, struct ynode *map, const char *key, int need, struct error *err) MUST_CHECK;
int yaml_bool(uint8_t *out, const struct ydoc *d, struct ynode *map, const char *key, int need, struct error *err) MUST_CHECK;
/* names: NULL-ended; *out = the index. The error lists them. */
int yaml_enum(uint8_t *out, const struct ydoc *d, struct ynode *map, const char *key, const char *const *names, int need, struct error *err) MUST_CHECK;
int yaml_want(const struct ydoc *d, const struct ynode *n, enum yaml_kind kind, struct error *err) MUST_CHECK;
/* The scalar itself as a number. */
int yaml_node_u64(uint64_t *out, const struct ydoc *d, const struct ynode *n, uint64_t min, uint64_t max, struct error *err) MUST_CHECK;
int yaml_node_f64(double *out, const struct ydoc *d, const struct ynode *n, struct error *err) MUST_CHECK;
/* Fails on the first key below `map` (not deeper: each level is finished by its reader) that was not read. */
int yaml_finish(const struct ydoc *d, const struct ynode *map, struct error *err) MUST_CHECK;

int yaml_fail(const struct ydoc *d, const struct ynode *n, struct error *err, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
