/* import_gguf_bad.c - GGUF files that are no model that is understood: one a rule, refused by name */
#include "import_gguf_make.h"

static void unknown(void)
{
	uint8_t pattern[] = { 1, 0 };

	start("brandnew", 1);
	HEADS;
	blocks(0, 1, NORMS ATTN MLP);
	if (good("an architecture that is not known by name"))
		ok(s.n_warnings == 1 && strstr(s.warnings[0], "brandnew"), "  with a warning: %s", s.warnings[0]);
	start("brandnew", 2);
	HEADS;
	keys("attention.sliding_window 128");
	blocks(0, 2, NORMS ATTN MLP);
	bad(E_ARCH, "which layers have it", "whose window's layers are not in the file");
	start("brandnew", 2);
	HEADS;
	keys("attention.sliding_window 128");
	kv_bools(&m, "brandnew.attention.sliding_window_pattern", pattern, 2);
	blocks(0, 2, NORMS ATTN MLP);
	if (good("whose window's layers are"))
		ok(part(0, 0, 0)->u.gqa.span == SPAN_WINDOW && part(1, 0, 0)->u.gqa.span == SPAN_FULL, "  are followed");
	start("brandnew", 1);
	HEADS;
	blocks(0, 1, NORMS ATTN MLP "ffn_mystery 64 64");
	bad(E_ARCH, "tensor blk.0.ffn_mystery.weight (64 x 64 x 1) is not understood", "a tensor of a block that nobody knows");
	start("llama", 1);
	HEADS;
	tensors("", "token_types 64 2");
	blocks(0, 1, NORMS ATTN MLP);
	bad(E_ARCH, "token_types", "a global tensor that nobody knows");
}

/* One block of the usual kind after what `change` adds; refused with these words. */
static void broken(const char *block, const char *words, const char *what)
{
	HEADS;
	blocks(0, 1, block);
	bad(E_ARCH, words, what);
}

static void refused(void)
{
	make_init(&m);
	kv_u32(&m, "x", 1);
	bad(E_FILE, "general.architecture is missing", "no architecture");
	kv_u32(&m, "general.architecture", 1);
	bad(E_FILE, "not a string", "an architecture that is a number");
	start("clip", 1);
	bad(E_ARCH, "an encoder", "an encoder");
	start("llama", 1);
	kv_str(&m, "general.type", "adapter");
	bad(E_ARCH, "adapter", "an adapter");
	start("llama", 1);
	kv_int(&m, "llama.attention.causal", GGUF_BOOL, 0);
	bad(E_ARCH, "causal", "an embedding model");
	start("llama", 0);
	bad(E_ARCH, "block_count is 0", "no blocks");
	start("llama", 513);
	bad(E_ARCH, "block_count is 513", "too many blocks");
	start("llama", 1);
	key("nextn_predict_layers", 1);
	bad(E_ARCH, "one left", "nothing but MTP");
	start("llama", 2);
	HEADS;
	blocks(0, 1, NORMS ATTN MLP);
	bad(E_FILE, "block 1 of 2 has no tensors", "a block without tensors");
	start("llama", 1);
	HEADS;
	blocks(0, 2, NORMS ATTN MLP);
	bad(E_ARCH, "beyond the 1 blocks", "a block too many");
	start("llama", 1);
	HEADS;
	blocks(0, 1, NORMS ATTN MLP);
	tensor(&m, "blk.00.attn_q.weight", 64, 64, 0);
	bad(E_ARCH, "the same one", "a block under two numbers");
	start("llama", 1);
	broken(NORMS "attn_q 64 64; attn_k 64 24; attn_v 64 16; attn_output 64 64; " MLP, "attn_k.weight is 64 x 24 x 1, where",
		"keys of another size");
	start("llama", 1);
	broken(NORMS "attn_q 32 64; attn_k 64 16; attn_v 64 16; attn_output 64 64; " MLP, "attn_q.weight is 32 x 64",
		"queries of another width");
	start("llama", 1);
	broken(NORMS "attn_q 64 64; attn_k 64 16; attn_output 64 64; " MLP, "attn_v.weight is missing", "no values");
	start("llama", 1);
	broken(NORMS "attn_q 64 64; attn_k 64 16; attn_v 64 16; " MLP, "attn_output.weight is missing", "no output");
	start("llama", 1);
	broken(NORMS ATTN "ffn_gate 64 128; ffn_up 64 128; " , "ffn_down.weight is missing", "half a feed-forward");
	start("llama", 1);
	broken(NORMS ATTN "ffn_gate 64 96; ffn_up 64 128; ffn_down 128 64", "ffn_gate.weight is 64 x 96", "a gate of another width");
	start("llama", 1);
	broken(NORMS ATTN MLP "ffn_up.bias 128", "1 of the 3 matrices", "a bias on one matrix");
	start("llama", 1);
	broken(NORMS ATTN MLP "attn_q_norm 8", "without the other", "a norm of queries alone");
	start("llama", 1);
	broken(NORMS ATTN MLP "attn_sinks 7", "attn_sinks.weight has 7 elements", "sinks of other heads");
	start("llama", 1);
	broken(NORMS ATTN MLP "attn_norm.bias 64", "attn_norm.bias", "a bias of an RMS norm");
	start("llama", 1);
	broken("attn_norm 63; ffn_norm 64; " ATTN MLP, "attn_norm.weight has 63", "a norm of another width");
	start("llama", 1);
	broken("attn_norm 64; post_attention_norm 64; post_ffw_norm 64; " ATTN MLP, "none before the feed-forward",
		"norms that do not add up");
	start("llama", 1);
	broken("attn_norm 64; attn_output 64 64", "the tensor blk.0.attn_output.weight", "attention without queries");
	start("llama", 1);
	broken("attn_norm 64", "neither attention nor a feed-forward", "a layer of norms");
	start("rwkv7", 1);
	broken("attn_norm 64; time_mix_w1 64 8", "the tensor blk.0.time_mix_w1.weight", "a layer of something else");
	start("llama", 1);
	blocks(0, 1, NORMS ATTN MLP);
	bad(E_ARCH, "0 heads", "no heads in the metadata");
	start("llama", 2);
	kv_u32s(&m, "llama.attention.head_count", (uint32_t[]){ 8 }, 1);
	key("attention.head_count_kv", 2);
	blocks(0, 2, NORMS ATTN MLP);
	bad(E_FILE, "has 1 values", "an array that is too short");
	start("llama", 1);
	keys("attention.head_count 4000000000");
	blocks(0, 1, NORMS ATTN MLP);
	bad(E_FILE, "more than 2147483647", "a number that is too large");
	start("llama", 1);
	keys("expert_count 8; expert_used_count 2");
	broken(NORMS ATTN MOE, "routes to 4 experts, but expert_count is 8", "experts of another number");
	start("llama", 1);
	keys("expert_count 4; expert_used_count 5");
	broken(NORMS ATTN MOE, "expert_used_count is 5 of 4", "more experts used than there are");
	start("llama", 1);
	keys("expert_count 4; expert_used_count 2; expert_gating_func 9");
	broken(NORMS ATTN MOE, "expert_gating_func is 9", "an unknown score");
	start("llama", 1);
	keys("expert_count 4; expert_used_count 2");
	broken(NORMS ATTN "ffn_gate_inp 64 4; ffn_up_exps 64 32 4; ffn_gate_exps 64 32 4", "ffn_down_exps.weight is missing",
		"experts without an output");
	start("jamba", 1);
	broken(NORMS MLP "ssm_in 64 128; ssm_x 64 10", "first generation", "Mamba of the first generation");
	start("dots3note", 1);
	keys("attention.head_count 4; attention.kv_lora_rank 16; rope.dimension_count 4; attention.sliding_window 64");
	kv_bools(&m, "dots3note.attention.sliding_window_pattern", (uint8_t[]){ 1 }, 1);
	blocks(0, 1, NORMS OLD_MLA MLP);
	bad(E_ARCH, "window of 64", "latent attention over a window");
	start("gemma4", 2);
	HEADS;
	key("attention.sliding_window", 512);
	blocks(0, 2, NORMS ATTN MLP);
	bad(E_ARCH, "sliding_window_pattern is missing", "a pattern that must be in the file");
	start("gemma4", 1);
	HEADS;
	key("attention.shared_kv_layers", 1);
	blocks(0, 1, NORMS ATTN MLP);
	bad(E_ARCH, "shared_kv_layers is 1", "all layers reuse");
	start("llama", 1);
	kv_str(&m, "llama.rope.scaling.type", "magic");
	broken(NORMS ATTN MLP, "rope.scaling.type is magic", "an unknown scaling");
	start("llama", 1);
	make_init(&m);
	kv_str(&m, "general.architecture", "llama");
	keys("embedding_length 64; block_count 1");
	tensors("", "output_norm 64");
	blocks(0, 1, NORMS ATTN MLP);
	bad(E_ARCH, "token_embd.weight is missing", "no embedding");
	start("llama", 1);
	tensors("", "position_embd 64 10");
	broken(NORMS ATTN MLP, "position_embd", "positions of another context");
}

static void no_memory(void)
{
	int n, rc = E_NOMEM, wrong = 0;

	start("llama", 200);
	HEADS;
	blocks(0, 200, NORMS ATTN MLP);
	for (n = 0; n < 100 && rc != OK; n++) {
		struct gguf g;
		struct arena b = { 0 };

		make_done(&m);
		arena_free(&arena);
		if (gguf_parse(&g, &b, "t", m.out.p, m.out.n, m.file_bytes, &make_types, NULL, &err) != OK)
			abort();
		arena_fail_after(n);
		rc = import_gguf(&s, &arena, &g, &err);
		arena_fail_after(-1);
		wrong += rc != OK && rc != E_NOMEM;
		arena_free(&b);
	}
	ok(rc == OK && n > 2 && !wrong, "out of memory at each of %d allocations", n - 1);
}

int main(void)
{
	unknown();
	refused();
	no_memory();
	make_free(&m);
	arena_free(&arena);
	return done_testing();
}
