/* catalog_machines.c - machines read in full when they are asked for, by name, by PCI id, or out of a file */
#include "catalog/catalog_private.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static int read_device(struct catalog *c, uint32_t i, struct error *err)
{
	struct entry_file *f = &c->hardware.file[i];
	struct hardware_entry e;
	struct ydoc d;
	int rc;

	if (f->state == ENTRY_READ)
		return OK;
	if ((rc = yaml_parse(&d, &c->a, f->path, f->bytes, f->n, err)) != OK || (rc = hardware_entry_read(&e, &c->a, &d, err)) != OK)
		return rc;
	if (strcmp(e.id, c->hardware.hardware[i].id))
		return error_at(err, E_CATALOGUE, f->path, 0, "id %s was %s at first sight", e.id, c->hardware.hardware[i].id);
	c->hardware.hardware[i] = e;
	f->state = ENTRY_READ;
	return OK;
}

int catalog_device(const struct hardware_entry **out, struct catalog *c, const char *name, struct error *err)
{
	int rc;
	int64_t i = shelf_find(&rc, &c->hardware, &c->of_machines, name, err);

	*out = NULL;
	if (i >= 0 && (rc = read_device(c, (uint32_t)i, err)) == OK)
		*out = &c->hardware.hardware[i];
	return rc;
}

/* The heads hold all ids: looking through them takes microseconds, an index would take longer to build. */
int catalog_device_pci(const struct hardware_entry **out, unsigned *n, unsigned max, struct catalog *c, uint32_t pci, struct error *err)
{
	const struct shelf *s = &c->hardware;
	char id[16];
	int rc;

	*n = 0;
	snprintf(id, sizeof id, "%04x:%04x", (unsigned)(pci >> 16), (unsigned)(pci & 0xffff));
	for (int user = 1; user >= 0; user--)
		for (uint32_t i = 0; i < s->n && *n < max; i++) {
			const char *const *word = s->hardware[i].pci;
			if (s->file[i].user != user)
				continue;
			while (*word && !str_ieq(*word, id))
				word++;
			if (!*word)
				continue;
			if ((rc = read_device(c, i, err)) != OK)
				return rc;
			out[(*n)++] = &s->hardware[i];
		}
	return OK;
}

static int check_device_id(struct catalog *c, const char *file, const char *key, const char *id, struct error *err)
{
	int rc;

	if (!id || shelf_find_id(&c->hardware, id) >= 0)
		return OK;
	rc = error_at(err, E_CATALOGUE, file, 0, "%s: no entry '%.60s'", key, id);
	shelf_near(&c->hardware, id, err);
	return rc;
}

int catalog_device_file(const struct hardware_entry **out, struct catalog *c, const char *path, struct error *err)
{
	struct hardware_entry *e = arena_alloc(&c->a, sizeof *e);
	struct ydoc d;
	int rc;

	*out = NULL;
	if (!(path = arena_strdup(&c->a, path)) || !e)
		return catalog_no_memory(err);
	if ((rc = yaml_load(&d, &c->a, path, err)) == OK)
		rc = hardware_entry_read(e, &c->a, &d, err);
	for (unsigned i = 0; rc == OK && i < e->n_groups; i++)
		rc = check_device_id(c, path, "groups", e->groups[i].device, err);
	for (unsigned i = 0; rc == OK && i < e->n_variants; i++)
		rc = check_device_id(c, path, "variants", e->variants[i].entry, err);
	if (rc == OK)
		*out = e;
	return rc;
}
