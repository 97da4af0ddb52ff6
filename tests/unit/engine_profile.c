/* engine_profile.c - what data/engines.yaml says of this program's own engine is what it does: estimates read the one, src/engine/bind.c the other */
#include "../tap.h"

#include "engine/bind.h"

static struct arena arena;
static struct quants quants;

int main(void)
{
	struct engines e;
	struct error err = { 0 };
	const struct engine_profile *file;
	struct engine_profile sizes;

	if (quants_load(&quants, &arena, "data/quants.yaml", &err) != OK || engines_load(&e, &arena, "data/engines.yaml", &quants, &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	file = engine_find(&e, engine_self.id);
	if (!ok(file != NULL, "%s is in data/engines.yaml", engine_self.id))
		return done_testing();
	is_u64(file->context_pad, engine_self.context_pad, "contexts are padded to the same");
	is_u64(file->window_pad, engine_self.window_pad, "windows too");
	is_u64(file->ubatch, engine_self.ubatch, "steps have as many tokens");
	is_u64(file->graph_pad, engine_self.graph_pad, "activations are aligned to the same");
	for (unsigned i = 0; i < STATE_TYPES; i++)
		if (i != TYPE_INDEX_V && !file->state[i].unknown)
			ok(file->state[i].user == engine_self.state[i].user && (file->state[i].user || file->state[i].format == format_find(&quants, "f32")), "state %s is kept in the same format",
				state_type_names[i]);

	/* And everything else, with whatever field is added one day: what no size of the engine follows from is made equal first. */
	memcpy(&sizes, file, sizeof sizes);
	sizes.id = engine_self.id;
	sizes.name = engine_self.name;
	sizes.version = sizes.source = NULL;
	memset(sizes.loads, 0, sizeof sizes.loads);
	memset(sizes.component, 0, sizeof sizes.component);
	memcpy(sizes.state, engine_self.state, sizeof sizes.state);
	memset(sizes.runtime_bytes, 0, sizeof sizes.runtime_bytes);
	memset(&sizes.activation_bytes, 0, sizeof sizes.activation_bytes);
	memset(&sizes.activation_range, 0, sizeof sizes.activation_range);
	memset(&sizes.use, 0, sizeof sizes.use);
	sizes.notes = NULL;
	sizes.n_notes = 0;
	ok(!memcmp(&sizes, &engine_self, sizeof sizes), "all else that sizes follow from is equal");
	for (unsigned i = 0; i < sizeof sizes; i++)
		if (((const unsigned char *)&sizes)[i] != ((const unsigned char *)&engine_self)[i]) {
			printf("# byte %u of struct engine_profile: %u in the file, %u in the engine\n", i, ((const unsigned char *)&sizes)[i], ((const unsigned char *)&engine_self)[i]);
			break;
		}
	arena_free(&arena);
	return done_testing();
}
