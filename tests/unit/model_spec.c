/* model_spec.c - the words for the enums, and what model_check() refuses in a description that no file stands behind */
#include "../tap.h"
#include "catalog/model_spec.h"

static unsigned length(const char *const *names)
{
	unsigned n = 0;

	while (names[n])
		n++;
	return n;
}

static void names(void)
{
	is_u64(length(part_type_names), PART_TYPES, "part types");
	is_u64(length(span_names), SPAN_CHUNK + 1, "spans");
	is_u64(length(norm_at_names), NORM_NONE + 1, "norm places");
	is_u64(length(norm_type_names), NORM_LAYER_BIAS + 1, "norm types");
	is_u64(length(qk_norm_names), QK_NORM_FULL + 1, "qk norms");
	is_u64(length(gate_names), GATE_ELEMENT + 1, "gates");
	is_u64(length(act_names), ACT_RELU + 1, "activations");
	is_u64(length(score_names), SCORE_TOPK_SOFTMAX + 1, "router scores");
	is_u64(length(rope_scaling_names), ROPE_SCALING_PROPORTIONAL + 1, "rope scalings");
	is_u64(length(status_names), STATUS_DOES_NOT_EXIST + 1, "states of a model");
	is_u64(length(component_names), COMPONENTS, "components");
	is_str(part_type_names[PART_MAMBA2], "mamba2", "in order");
	is_str(act_names[ACT_SITU], "situ", "in order");
	is_str(rope_scaling_names[ROPE_SCALING_LONGROPE], "longrope", "in order");
}

static struct error err;
static struct part parts[4];
static struct layer_kind kinds[3];
static uint16_t kind_of[MAX_LAYERS + 1];
static struct model_spec m;

/* Two kinds: own attention and an mlp; attention that reuses, and an mlp. */
static void fresh(void)
{
	memset(parts, 0, sizeof parts);
	memset(kinds, 0, sizeof kinds);
	memset(kind_of, 0, sizeof kind_of);
	memset(&err, 0, sizeof err);
	parts[0] = (struct part){ .name = "attn", .type = PART_GQA, .u.gqa = { .q_heads = 8, .kv_heads = 2, .k_dim = 16,
		.v_dim = 16, .rope = NO_ROPE } };
	parts[1] = (struct part){ .name = "again", .type = PART_GQA,
		.u.gqa = { .q_heads = 8, .kv_heads = 2, .k_dim = 16, .v_dim = 16, .rope = NO_ROPE, .own = REUSE_LAST } };
	parts[2] = (struct part){ .name = "mlp", .type = PART_MLP, .u.mlp = { .width = 64, .matrices = 3 } };
	kinds[0] = (struct layer_kind){ .name = "a", .n_branches = 2, .branch = { { .n_parts = 1, .part = { 0 } }, { .n_parts = 1,
		.part = { 2 } } } };
	kinds[1] = (struct layer_kind){ .name = "b", .n_branches = 2, .branch = { { .n_parts = 1, .part = { 1 } }, { .n_parts = 1,
		.part = { 2 } } } };
	kind_of[1] = 1;
	m = (struct model_spec){ .width = 32, .vocab = 100, .n_layers = 2, .residual_streams = 1, .parts = parts, .n_parts = 3,
		.kinds = kinds, .n_kinds = 2, .kind_of = kind_of };
}

static void refused(const char *want)
{
	int rc = model_check(&m, E_FILE, "m.gguf", 7, &err);

	if (!ok(rc == E_FILE && strstr(err.text, want) && !strncmp(err.text, "m.gguf:7: ", 10), "refused: %s", want))
		printf("# rc %d: %s\n", rc, err.text);
	fresh();
}
static void accepted(const char *what)
{
	int rc = model_check(&m, E_FILE, "m.gguf", 7, &err);

	if (!ok(rc == OK, "accepted: %s", what))
		printf("# rc %d: %s\n", rc, err.text);
	fresh();
}

int main(void)
{
	names();
	fresh();
	accepted("a small model");
	kind_of[0] = 1; refused("part again: layer 0 reuses the last state of span full, but none of the 0 layers before it owns one");
	kind_of[0] = 0; parts[1].u.gqa.k_dim = 8; parts[1].u.gqa.v_dim = 8; refused("part again: layer 1 reuses the state of part attn");
	parts[0].u.gqa.span = SPAN_WINDOW; parts[0].u.gqa.span_tokens = 9; refused("span full");
	parts[0].u.gqa.kv_heads = 3; refused("part attn: kv_heads (3) must divide q_heads (8)");
	parts[0].u.gqa.kv_heads = 0; refused("kv_heads (0) must be positive");
	parts[0].u.gqa.rope = 0; refused("rope 0 of 0");
	parts[0].u.gqa.span = 9; refused("span (9) is not below 3");
	parts[0].u.gqa.no_kv_weights = 1; refused("no_kv_weights (1) needs own");
	parts[0].u.gqa.v_is_k = 1; parts[0].u.gqa.v_dim = 8; refused("v_is_k with k_dim (16) and v_dim (8)");
	parts[0].u.gqa.k_dim = 1u << 31; refused("2^31");
	parts[0].type = 99; refused("type 99 of 8");
	parts[0].warning = 1; refused("warning 1 of 0");
	parts[0].u.gqa.index = (struct index_spec){ .q_heads = 4, .dim = 8, .top_tokens = 16, .own = REUSE_LAST };
	refused("layer 0 reuses the last index");
	parts[0].u.gqa.index = (struct index_spec){ .q_heads = 4, .dim = 8, .top_tokens = 16 };
	accepted("an indexer with its default of one key head");
	parts[2].u.mlp.matrices = 1; refused("matrices (1) must be 2 or 3");
	kind_of[1] = 2; refused("layer 1: kind 2 of 2");
	kinds[0].branch[0].part[0] = 3; refused("part 3 of 3");
	kinds[0].branch[0].n_parts = 4; refused("has 4 parts");
	kinds[0].n_branches = 0; kinds[1].n_branches = 0; accepted("layers that do nothing");
	m.n_layers = 0; refused("0 layers, want 1 to 512");
	m.n_layers = 513; refused("513 layers, want 1 to 512");
	m.vocab = 0; refused("vocab (0) must be positive");
	m.residual_streams = 0; refused("residual_streams (0)");
	m.learned_positions = 1; refused("learned_positions (1) needs the native context (0)");
	m.context_native = 8; m.context_max = 4; refused("context max (4) is below native (8)");
	m.width = 4000000000u; parts[2].u.mlp.width = 4000000000u; refused("part mlp: matrices x width x model width");
	m.mtp = (struct mtp){ .layers = 1, .kind = 2 }; refused("mtp: kind 2 of 2");
	m.mtp = (struct mtp){ .layers = 1, .kind = 1 }; accepted("an mtp block that reuses the model's state");
	m.mtp = (struct mtp){ .layers = 1, .kind = 0, .stored = 2 }; refused("mtp: stored (2) is over layers (1)");
	/* each part below 2^62, the sum of the layers not */
	m.width = 1u << 30; parts[2].u.mlp.width = 1u << 29; m.n_layers = 64; m.n_kinds = 1; kind_of[1] = 0; m.n_parts = 3;
	refused("brings the model to 2^62 elements or more");
	return done_testing();
}
