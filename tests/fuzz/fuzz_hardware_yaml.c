/* fuzz_hardware_yaml.c - any bytes as a hardware.d entry: head, whole entry, and the machine of each variant */
#include "catalog/hardware_name.h"
#include "catalog/hardware_yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every reader of a spec relies on. */
static void check(const struct hardware_spec *s)
{
	for (unsigned i = 0; i < s->n_pools; i++)
		if (!s->pools[i].name || (s->pools[i].total_bytes && s->pools[i].usable_bytes > s->pools[i].total_bytes))
			abort();
	for (unsigned i = 0; i < s->n_groups; i++)
		if (s->groups[i].pool >= s->n_pools || !s->groups[i].device || !s->groups[i].device->id)
			abort();
	for (unsigned i = 0; i < s->n_links; i++)
		if (s->links[i].a < LINK_HOST && s->links[i].a >= s->n_groups)
			abort();
	if (!hardware_fingerprint(s))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct hardware_entry head, e;
	struct hardware_spec s;
	struct ydoc d;

	if (yaml_parse(&d, &a, "fuzz.yaml", data, size, &err) == OK) {
		int first = hardware_entry_head(&head, &a, &d, &err);
		err = (struct error){ 0 };
		int rc = hardware_entry_read(&e, &a, &d, &err);
		if (rc == OK && (first != OK || strcmp(head.id, e.id)))
			abort();             /* what is read whole can be read in part */
		if (rc != OK && !err.text[0])
			abort();
		if (rc == OK && e.spec)
			check(e.spec);
		for (unsigned i = 0; rc == OK && e.spec && i < e.n_variants; i++)
			if (!e.variants[i].entry && hardware_variant_spec(&s, &a, &e, &e.variants[i], &err) == OK)
				check(&s);
	}
	arena_free(&a);
	return 0;
}
