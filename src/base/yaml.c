/* yaml.c - libyaml's events into a tree */
#include "base/yaml.h"

#include "base/file.h"

#include <string.h>
#include <yaml.h>

struct build {
	yaml_parser_t p;
	struct arena *a;
	const char *file;
	struct error *err;
	unsigned nodes;
};

static int malformed(struct build *b)
{
	unsigned line = (unsigned)b->p.problem_mark.line + 1;

	if (b->p.error == YAML_MEMORY_ERROR)
		return error_set(b->err, E_NOMEM, "out of memory");
	if (b->p.error == YAML_READER_ERROR)
		return error_at(b->err, E_CATALOGUE, b->file, 0, "byte %zu: %s", b->p.problem_offset, b->p.problem ? b->p.problem : "unreadable");
	return error_at(b->err, E_CATALOGUE, b->file, line, "not valid YAML: %s", b->p.problem ? b->p.problem : "unknown trouble");
}

static int next(struct build *b, yaml_event_t *e)
{
	return yaml_parser_parse(&b->p, e) ? OK : malformed(b);
}

static int new_node(struct ynode **out, struct build *b, enum yaml_kind kind, const yaml_event_t *e)
{
	unsigned line = (unsigned)e->start_mark.line + 1;

	if (++b->nodes > YAML_MAX_NODES)
		return error_at(b->err, E_CATALOGUE, b->file, line, "more than %d values", YAML_MAX_NODES);
	*out = arena_alloc(b->a, sizeof **out);
	if (!*out)
		return error_set(b->err, E_NOMEM, "out of memory");
	(*out)->kind = (uint8_t)kind;
	(*out)->line = line;
	return OK;
}

static int value(struct ynode **out, struct build *b, yaml_event_t *e, unsigned depth);

/* `e` is a scalar event: its text is copied into the arena. */
static int scalar(struct ynode **out, struct build *b, const yaml_event_t *e)
{
	int rc = new_node(out, b, YAML_SCALAR, e);

	if (rc != OK)
		return rc;
	if (e->data.scalar.anchor || e->data.scalar.tag)
		return error_at(b->err, E_CATALOGUE, b->file, (*out)->line, "anchors and tags are not used here");
	if (memchr(e->data.scalar.value, 0, e->data.scalar.length))
		return error_at(b->err, E_CATALOGUE, b->file, (*out)->line, "a NUL byte in a value");
	(*out)->text = arena_strndup(b->a, (const char *)e->data.scalar.value, e->data.scalar.length);
	if (!(*out)->text)
		return error_set(b->err, E_NOMEM, "out of memory");
	(*out)->n = (uint32_t)e->data.scalar.length;
	(*out)->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return OK;
}

static int append(struct ynode *parent, struct ynode **last, struct ynode *child)
{
	if (*last)
		(*last)->next = child;
	else
		parent->child = child;
	*last = child;
	parent->n++;
	return OK;
}

static int collection(struct ynode **out, struct build *b, const yaml_event_t *start, enum yaml_kind kind, unsigned depth)
{
	struct ynode *last = NULL, *child;
	yaml_event_type_t end = kind == YAML_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	int rc = new_node(out, b, kind, start);

	if (rc != OK)
		return rc;
	if (depth > YAML_MAX_DEPTH)
		return error_at(b->err, E_CATALOGUE, b->file, (*out)->line, "nested deeper than %d", YAML_MAX_DEPTH);
	for (;;) {
		const char *key = NULL;
		unsigned line;
		yaml_event_t e;

		if ((rc = next(b, &e)) != OK)
			return rc;
		if (e.type == end) {
			yaml_event_delete(&e);
			return OK;
		}
		line = (unsigned)e.start_mark.line + 1;
		if (kind == YAML_MAP) {
			struct ynode *k = NULL;
			if (e.type != YAML_SCALAR_EVENT)
				rc = error_at(b->err, E_CATALOGUE, b->file, line, "a key must be a plain word");
			else
				rc = scalar(&k, b, &e);
			yaml_event_delete(&e);
			if (rc != OK)
				return rc;
			key = k->text;
			for (struct ynode *s = (*out)->child; s; s = s->next)
				if (!strcmp(s->key, key))
					return error_at(b->err, E_CATALOGUE, b->file, line, "%s: given twice, first in line %u", key, s->line);
			if ((rc = next(b, &e)) != OK)
				return rc;
		}
		rc = value(&child, b, &e, depth + 1);
		yaml_event_delete(&e);
		if (rc != OK)
			return rc;
		child->key = key;
		append(*out, &last, child);
	}
}

/* Does not delete e. */
static int value(struct ynode **out, struct build *b, yaml_event_t *e, unsigned depth)
{
	unsigned line = (unsigned)e->start_mark.line + 1;

	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return scalar(out, b, e);
	case YAML_SEQUENCE_START_EVENT:
		if (e->data.sequence_start.anchor || e->data.sequence_start.tag)
			break;
		return collection(out, b, e, YAML_SEQ, depth);
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor || e->data.mapping_start.tag)
			break;
		return collection(out, b, e, YAML_MAP, depth);
	default:
		break;
	}
	return error_at(b->err, E_CATALOGUE, b->file, line, "anchors, aliases and tags are not used here");
}

static int document(struct ynode **root, struct build *b)
{
	yaml_event_t e;
	yaml_event_type_t type;
	int rc, n = 0;

	for (;;) {
		unsigned line;
		if ((rc = next(b, &e)) != OK)
			return rc;
		type = e.type;
		line = (unsigned)e.start_mark.line + 1;
		if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT)
			rc = OK;
		else if (type == YAML_DOCUMENT_START_EVENT)
			rc = n++ ? error_at(b->err, E_CATALOGUE, b->file, line, "a second document") : OK;
		else
			rc = value(root, b, &e, 1);
		yaml_event_delete(&e);
		if (rc != OK || type == YAML_STREAM_END_EVENT)
			return rc;
	}
}

int yaml_parse(struct ydoc *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct build b = { .a = a, .file = file, .err = err };
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
