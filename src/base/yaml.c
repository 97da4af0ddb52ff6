/* yaml.c - libyaml's events into a tree */
#include "base/yaml.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct build {
	yaml_parser_t p;
	struct arena *a;
	const char *file, *bytes;
	size_t n;
	struct error *err;
	unsigned nodes;
};

static int malformed(struct build *b)
{
	unsigned line = (unsigned)b->p.problem_mark.line + 1;

	if (b->p.error == YAML_MEMORY_ERROR)
		return error_set(b->err, E_NOMEM, "out of memory");
	if (b->p.error == YAML_READER_ERROR) {           /* the reader works ahead of the parser and knows no line */
		line = 1;
		for (size_t i = 0; i < b->p.problem_offset && i < b->n; i++)
			line += b->bytes[i] == '\n';
		return error_at(b->err, E_CATALOGUE, b->file, line, "byte %zu: %s", b->p.problem_offset,
		                b->p.problem ? b->p.problem : "not UTF-8");
	}
	if (b->p.error == YAML_SCANNER_ERROR && b->p.context)    /* where the word or quote begins, not where its end was missed */
		line = (unsigned)b->p.context_mark.line + 1;
	return error_at(b->err, E_CATALOGUE, b->file, line, "not valid YAML: %s", b->p.problem ? b->p.problem : "unknown trouble");
}

static int next(struct build *b, yaml_event_t *e)
{
	return yaml_parser_parse(&b->p, e) ? OK : malformed(b);
}

static unsigned line_of(const yaml_event_t *e)
{
	return (unsigned)e->start_mark.line + 1;
}

static int new_node(struct ynode **out, struct build *b, enum yaml_kind kind, unsigned line)
{
	if (++b->nodes > YAML_MAX_NODES)
		return error_at(b->err, E_CATALOGUE, b->file, line, "more than %d values", YAML_MAX_NODES);
	*out = arena_alloc(b->a, sizeof **out);
	if (!*out)
		return error_set(b->err, E_NOMEM, "out of memory");
	(*out)->kind = (uint8_t)kind;
	(*out)->line = line;
	return OK;
}

/* A scalar's text, copied into the arena. */
static int text(const char **out, struct build *b, const yaml_event_t *e)
{
	const char *s = (const char *)e->data.scalar.value;
	size_t n = e->data.scalar.length;

	/* a lone "!" leaves no tag behind, but makes a quoted scalar implicit as a plain one is */
	if (e->data.scalar.anchor || e->data.scalar.tag ||
	    (e->data.scalar.plain_implicit && e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE))
		return error_at(b->err, E_CATALOGUE, b->file, line_of(e), "anchors and tags are not used here");
	if (memchr(s, 0, n))
		return error_at(b->err, E_CATALOGUE, b->file, line_of(e), "a NUL byte in a value");
	*out = arena_strndup(b->a, s, n);
	return *out ? OK : error_set(b->err, E_NOMEM, "out of memory");
}

/* By key, then by line. */
static int by_key(const void *a, const void *b)
{
	const struct ynode *x = *(const struct ynode *const *)a, *y = *(const struct ynode *const *)b;
	int c = strcmp(x->key, y->key);

	return c ? c : (x->line > y->line) - (x->line < y->line);
}

/* A key that is given twice: side by side in a small map, by sorting in a large one, which a stranger may have sent. */
static int unique_keys(struct build *b, const struct ynode *map)
{
	enum { FEW = 48 };
	const struct ynode *few[FEW], **list = few, *first = NULL, *again = NULL;
	uint32_t n = 0;

	if (map->n > FEW && !(list = arena_array(b->a, map->n, sizeof *list)))
		return error_set(b->err, E_NOMEM, "out of memory");
	for (const struct ynode *c = map->child; c; c = c->next) {
		list[n++] = c;
		for (uint32_t i = 0; map->n <= FEW && i + 1 < n && !again; i++)
			if (!strcmp(list[i]->key, c->key)) {
				first = list[i];
				again = c;
			}
	}
	if (map->n > FEW) {
		qsort(list, n, sizeof *list, by_key);
		for (uint32_t i = 1; i < n; i++)
			if (!strcmp(list[i - 1]->key, list[i]->key) && (!again || list[i]->line < again->line)) {
				first = list[i - 1];
				again = list[i];
			}
	}
	if (again)
		return error_at(b->err, E_CATALOGUE, b->file, again->line, "%s: given twice, first in line %u", again->key, first->line);
	return OK;
}

/* A map's key, in the arena. */
static int map_key(const char **out, struct build *b, const yaml_event_t *e)
{
	unsigned line = (unsigned)e->start_mark.line + 1;

	if (e->type != YAML_SCALAR_EVENT || e->data.scalar.length == 0)
		return error_at(b->err, E_CATALOGUE, b->file, line, "a key must be a word");
	return text(out, b, e);
}

static int value(struct ynode **out, struct build *b, const yaml_event_t *e, unsigned line, unsigned depth);

/* A child of a list or, behind its key, of a map; *out is NULL at the end. */
static int child(struct ynode **out, struct build *b, enum yaml_kind kind, unsigned depth)
{
	const char *key = NULL;
	unsigned line;
	yaml_event_t e;
	int rc = next(b, &e);

	*out = NULL;
	if (rc != OK)
		return rc;
	line = line_of(&e);
	if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT) {
		yaml_event_delete(&e);
		return OK;
	}
	if (kind == YAML_MAP) {
		rc = map_key(&key, b, &e);
		yaml_event_delete(&e);
		if (rc != OK || (rc = next(b, &e)) != OK)
			return rc;
	}
	rc = value(out, b, &e, line, depth);
	yaml_event_delete(&e);
	if (rc == OK)
		(*out)->key = key;
	return rc;
}

static int collection(struct ynode **out, struct build *b, enum yaml_kind kind, unsigned line, unsigned depth)
{
	struct ynode *last = NULL, *c;
	int rc = new_node(out, b, kind, line);

	if (rc != OK)
		return rc;
	if (depth > YAML_MAX_DEPTH)
		return error_at(b->err, E_CATALOGUE, b->file, line, "nested deeper than %d", YAML_MAX_DEPTH);
	while ((rc = child(&c, b, kind, depth + 1)) == OK && c) {
		if (last)
			last->next = c;
		else
			(*out)->child = c;
		last = c;
		(*out)->n++;
	}
	return rc == OK && kind == YAML_MAP ? unique_keys(b, *out) : rc;
}

/* line: the key's, when there is one. Does not delete e. */
static int value(struct ynode **out, struct build *b, const yaml_event_t *e, unsigned line, unsigned depth)
{
	int rc;

	switch (e->type) {
	case YAML_SCALAR_EVENT:
		if ((rc = new_node(out, b, YAML_SCALAR, line)) != OK || (rc = text(&(*out)->text, b, e)) != OK)
			return rc;
		(*out)->n = (uint32_t)e->data.scalar.length;
		(*out)->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		return OK;
	case YAML_SEQUENCE_START_EVENT:
		if (e->data.sequence_start.anchor || e->data.sequence_start.tag)
			break;
		return collection(out, b, YAML_SEQ, line, depth);
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor || e->data.mapping_start.tag)
			break;
		return collection(out, b, YAML_MAP, line, depth);
	default:
		break;
	}
	return error_at(b->err, E_CATALOGUE, b->file, line_of(e), "anchors, aliases and tags are not used here");
}

static int document(struct ynode **root, struct build *b)
{
	yaml_event_t e;
	yaml_event_type_t type;
	int rc, n = 0;

	do {
		if ((rc = next(b, &e)) != OK)
			return rc;
		type = e.type;
		if (type == YAML_DOCUMENT_START_EVENT) {
			if (n++)
				rc = error_at(b->err, E_CATALOGUE, b->file, line_of(&e), "a second document");
			else if (e.data.document_start.tag_directives.start != e.data.document_start.tag_directives.end)
				rc = error_at(b->err, E_CATALOGUE, b->file, line_of(&e), "anchors and tags are not used here");
		} else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT) {
			rc = value(root, b, &e, line_of(&e), 1);
		}
		yaml_event_delete(&e);
	} while (rc == OK && type != YAML_STREAM_END_EVENT);
	return rc;
}

int yaml_parse(struct ydoc *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct build b = { .a = a, .file = file, .bytes = bytes, .n = n, .err = err };
	int rc;

	*out = (struct ydoc){ file, NULL };
	if (!yaml_parser_initialize(&b.p))
		return error_set(err, E_NOMEM, "out of memory");
	yaml_parser_set_encoding(&b.p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.p, bytes, n);
	rc = document(&out->root, &b);
	yaml_parser_delete(&b.p);
	if (rc == OK && !out->root)
		rc = error_at(err, E_CATALOGUE, file, 0, "an empty document");
	return rc;
}

int yaml_load(struct ydoc *out, struct arena *a, const char *path, struct error *err)
{
	char *bytes;
	size_t n;
	int rc = file_read(&bytes, &n, a, path, (size_t)16 << 20, err);

	return rc != OK ? rc : yaml_parse(out, a, path, bytes, n, err);
}
