/* import_gguf.c - GGUF headers made here -> descriptions: what metadata and tensors mean */
#include "import_gguf_make.h"

static void plain(void)
{
	const struct gqa_spec *g;

	start("llama", 2);
	HEADS;
	kv_f32(&m, "llama.rope.freq_base", 500000.0f);
	kv_str(&m, "general.name", "A Name");
	kv_str(&m, "tokenizer.ggml.model", "gpt2");
	tensors("", "rope_freqs 4");
	blocks(0, 2, NORMS ATTN MLP);
	if (!good("llama"))
		return;
	g = &part(0, 0, 0)->u.gqa;
	ok(s.n_layers == 2 && s.n_kinds == 1 && s.n_parts == 2 && s.kind_of[1] == 0, "equal layers are one kind");
	ok(s.width == 64 && s.vocab == 100 && !s.tied_head && s.context_native == 4096 && s.norm_type == NORM_RMS, "sizes");
	is_str(s.id, "model", "id");
	is_str(s.name, "A Name", "name");
	is_str(s.architecture, "llama", "architecture");
	ok(part(0, 0, 0)->type == PART_GQA && g->q_heads == 8 && g->kv_heads == 2 && g->k_dim == 8 && g->v_dim == 8 &&
		g->span == SPAN_FULL, "attention");
	ok(!g->q_bias && !g->o_bias && !g->sinks && !g->qk_norm && !g->gate && g->own == OWN_STATE, "and nothing that is not there");
	ok(part(0, 1, 0)->type == PART_MLP && part(0, 1, 0)->u.mlp.width == 128 && part(0, 1, 0)->u.mlp.matrices == 3 && !part(0,
		1, 0)->u.mlp.bias, "feed-forward");
	ok(s.kinds[0].branch[0].norm == NORM_PRE && s.kinds[0].branch[1].norm == NORM_PRE, "norms before");
	ok(s.n_rope == 1 && s.rope[0].theta == 500000.0 && s.rope[0].dims == 8 && s.rope[0].scaling == ROPE_SCALING_LLAMA3,
		"rotation with factors");
	ok(is_known(s.tokenizer_bytes) && s.tokenizer_bytes.v == 8 + 20 + 4 + 12, "bytes of the tokenizer");
	ok(s.mtp.layers == 0 && s.n_warnings == 0 && s.n_sources == 1, "no MTP, no warnings, one source");

	start("qwen2", 1);
	HEADS;
	m.tensors.n = 0;
	m.n_tensors = 0;
	tensors("", "token_embd 64 100; output_norm 64");
	blocks(0, 1, NORMS ATTN MLP "attn_q.bias 64; attn_k.bias 16; attn_v.bias 16");
	if (good("biases, tied head"))
		ok(s.tied_head && part(0, 0, 0)->u.gqa.q_bias && part(0, 0, 0)->u.gqa.k_bias && part(0, 0, 0)->u.gqa.v_bias && !part(0, 0,
			0)->u.gqa.o_bias, "  as in the file");
	start("qwen3", 1);
	HEADS;
	keys("attention.key_length 16; attention.value_length 16");
	blocks(0, 1, NORMS "attn_q 64 128; attn_k 64 32; attn_v 64 32; attn_output 128 64; attn_q_norm 16; attn_k_norm 16; " MLP);
	if (good("a head size of its own, norms of heads"))
		ok(part(0, 0, 0)->u.gqa.k_dim == 16 && part(0, 0, 0)->u.gqa.qk_norm == QK_NORM_HEAD, "  as in the file");
	start("olmo2", 1);
	HEADS;
	blocks(0, 1, ATTN MLP "attn_q_norm 64; attn_k_norm 16; post_attention_norm 64; post_ffw_norm 64");
	if (good("norms after, over all heads"))
		ok(s.kinds[0].branch[0].norm == NORM_POST && s.kinds[0].branch[1].norm == NORM_POST && part(0, 0,
			0)->u.gqa.qk_norm == QK_NORM_FULL, "  as in the file");
	start("glm4", 1);
	HEADS;
	blocks(0, 1, NORMS ATTN "post_attention_norm 64; post_ffw_norm 64; ffn_up 64 256; ffn_down 128 64");
	if (good("norms before and after, gate and up in one"))
		ok(s.kinds[0].branch[0].norm == NORM_SANDWICH && part(0, 1, 0)->u.mlp.matrices == 3 && part(0, 1, 0)->u.mlp.width == 128,
			"  as in the file");
	start("seed_oss", 1);
	HEADS;
	blocks(0, 1, "attn_norm 64; post_attention_norm 64; " ATTN MLP);
	if (good("post_attention_norm for the second norm"))
		ok(s.kinds[0].n_branches == 2 && s.kinds[0].branch[0].norm == NORM_PRE && s.kinds[0].branch[1].norm == NORM_PRE,
			"  as in the file");
	start("deci", 3);
	kv_u32s(&m, "deci.attention.head_count", (uint32_t[]){ 8, 0, 0 }, 3);
	kv_u32s(&m, "deci.attention.head_count_kv", (uint32_t[]){ 2, 0, 0 }, 3);
	blocks(0, 1, NORMS ATTN MLP);
	blocks(1, 2, "ffn_norm 64; " MLP);
	if (good("layers without attention, and without anything"))
		ok(s.n_kinds == 3 && s.kinds[s.kind_of[1]].n_branches == 1 && s.kinds[s.kind_of[2]].n_branches == 0, "  as in the file");
}

static void parallel(void)
{
	start("cohere2", 4);
	make_init(&m);
	kv_str(&m, "general.architecture", "cohere2");
	keys("embedding_length 64; context_length 4096; block_count 4; attention.sliding_window 512");
	kv_f32(&m, "cohere2.attention.layer_norm_epsilon", 1e-5f);
	HEADS;
	tensors("", "token_embd 64 100; output_norm 64");
	blocks(0, 4, "attn_norm 64; " ATTN MLP);
	if (good("one norm for attention and feed-forward")) {
		ok(s.kinds[0].n_branches == 1 && s.kinds[0].branch[0].n_parts == 2 && s.norm_type == NORM_LAYER && s.tied_head,
			"  as in the file");
		ok(part(0, 0, 0)->u.gqa.span == SPAN_WINDOW && part(0, 0, 0)->u.gqa.span_tokens == 512 && part(3, 0,
			0)->u.gqa.span == SPAN_FULL, "every fourth layer is full");
		ok(part(0, 0, 0)->u.gqa.rope != NO_ROPE && part(3, 0, 0)->u.gqa.rope == NO_ROPE, "and does not rotate");
	}
	start("phi2", 1);
	make_init(&m);
	kv_str(&m, "general.architecture", "phi2");
	keys("embedding_length 64; context_length 4096; block_count 1; rope.dimension_count 4");
	kv_f32(&m, "phi2.attention.layer_norm_epsilon", 1e-5f);
	HEADS;
	tensors("", "token_embd 64 100; output_norm 64; output_norm.bias 64; output 64 100; output.bias 100");
	blocks(0, 1, "attn_norm 64; attn_norm.bias 64; attn_qkv 64 96; attn_qkv.bias 96; attn_output 64 64; attn_output.bias 64;"
		"ffn_up 64 128; ffn_up.bias 128; ffn_down 128 64; ffn_down.bias 64");
	if (good("fused weights with biases, norms with biases")) {
		const struct gqa_spec *g = &part(0, 0, 0)->u.gqa;
		ok(g->q_bias && g->k_bias && g->v_bias && g->o_bias && s.head_bias && s.norm_type == NORM_LAYER_BIAS && part(0, 0,
			1)->u.mlp.bias &&
			part(0, 0, 1)->u.mlp.matrices == 2 && s.rope[0].dims == 4, "  as in the file");
	}
	start("falcon-h1", 1);
	HEADS;
	keys("ssm.group_count 2; ssm.time_step_rank 4; ssm.state_size 16; ssm.inner_size 32; ssm.conv_kernel 4");
	blocks(0, 1, "attn_norm 64; ffn_norm! 64; " ATTN MLP "ssm_in 64 132; ssm_conv1d 4 96; ssm_conv1d.bias 96; ssm_dt.bias 4; ssm_a! 1 4; ssm_d! 1 4; ssm_out 32 64");
	if (good("attention and Mamba-2 side by side")) {
		const struct mamba2_spec *x = &part(0, 0, 1)->u.mamba2;
		ok(s.kinds[0].n_branches == 2 && part(0, 0, 0)->type == PART_GQA && part(0, 0, 1)->type == PART_MAMBA2, "  in one branch");
		ok(x->heads == 4 && x->head_dim == 8 && x->groups == 2 && x->state == 16 && x->conv_kernel == 4 && x->conv_bias &&
			!x->gated_norm && !x->proj_bias, "  as in the file");
	}
}

static void windows(void)
{
	uint8_t pattern[] = { 1, 0, 1 };
	double f;

	start("gemma3", 7);
	HEADS;
	keys("attention.sliding_window 1024");
	kv_f32(&m, "gemma3.rope.freq_base", 1000000.0f);
	blocks(0, 7, NORMS ATTN MLP "post_attention_norm 64; post_ffw_norm 64; attn_q_norm 8; attn_k_norm 8");
	if (good("gemma3 without a pattern")) {
		ok(part(4, 0, 0)->u.gqa.span == SPAN_WINDOW && part(5, 0, 0)->u.gqa.span == SPAN_FULL && part(6, 0,
			0)->u.gqa.span == SPAN_WINDOW, "every sixth layer is full");
		f = s.rope[part(0, 0, 0)->u.gqa.rope].theta;
		ok(f == 10000.0 && s.rope[part(5, 0, 0)->u.gqa.rope].theta == 1000000.0, "each rotates its own way");
		ok(s.embed_scale && part(0, 1, 0)->u.mlp.act == ACT_GELU_TANH, "scaled embedding, GELU");
	}
	start("gemma3", 3);
	HEADS;
	keys("attention.sliding_window 1024");
	kv_bools(&m, "gemma3.attention.sliding_window_pattern", pattern, 3);
	blocks(0, 3, NORMS ATTN MLP);
	if (good("a pattern in the file"))
		ok(part(0, 0, 0)->u.gqa.span == SPAN_WINDOW && part(1, 0, 0)->u.gqa.span == SPAN_FULL && part(2, 0,
			0)->u.gqa.span == SPAN_WINDOW, "  is followed");
	start("gemma3", 3);
	HEADS;
	keys("attention.sliding_window 1024; attention.sliding_window_pattern 2");
	blocks(0, 3, NORMS ATTN MLP);
	if (good("a period in the file"))
		ok(part(0, 0, 0)->u.gqa.span == SPAN_WINDOW && part(1, 0, 0)->u.gqa.span == SPAN_FULL, "  is followed");
	start("gemma2", 2);
	HEADS;
	blocks(0, 2, NORMS ATTN MLP);
	if (good("gemma2 without keys"))
		ok(part(0, 0, 0)->u.gqa.span_tokens == 4096 && part(1, 0, 0)->u.gqa.span == SPAN_FULL && part(0, 0,
			0)->u.gqa.softcap == 50.0f && s.final_softcap == 30.0f,
			"the defaults of its loader");
	start("gpt-oss", 2);
	HEADS;
	keys("attention.sliding_window 128; expert_count 4; expert_used_count 2");
	blocks(0, 2, "attn_norm 64; post_attention_norm 64; " ATTN "attn_sinks 8; attn_output.bias 64; attn_q.bias 64; attn_k.bias 16; attn_v.bias 16;" MOE
		"ffn_gate_inp.bias 4; ffn_gate_exps.bias 32 4; ffn_up_exps.bias 32 4; ffn_down_exps.bias 64 4");
	if (good("gpt-oss")) {
		const struct moe_spec *e = &part(0, 1, 0)->u.moe;
		ok(part(0, 0, 0)->u.gqa.sinks && part(0, 0, 0)->u.gqa.span == SPAN_WINDOW && part(1, 0, 0)->u.gqa.span == SPAN_FULL,
			"sinks, every second layer is full");
		ok(e->bias && e->router_bias && e->score == SCORE_TOPK_SOFTMAX && e->act == ACT_SWIGLU_OAI && e->experts == 4 &&
			e->per_token == 2, "experts with biases");
	}
	start("smallthinker", 4);
	HEADS;
	keys("attention.sliding_window 64; expert_count 4; expert_used_count 1");
	blocks(0, 4, NORMS ATTN MOE);
	if (good("smallthinker"))
		ok(part(0, 0, 0)->u.gqa.span == SPAN_FULL && part(1, 0, 0)->u.gqa.span == SPAN_WINDOW && part(0, 0,
			0)->u.gqa.rope == NO_ROPE, "the first of four is full");
	start("llama4", 4);
	HEADS;
	keys("expert_count 4; expert_used_count 1");
	blocks(0, 4, NORMS ATTN MOE "ffn_gate_shexp 64 32; ffn_up_shexp 64 32; ffn_down_shexp 32 64");
	if (good("llama4"))
		ok(part(0, 0, 0)->u.gqa.span == SPAN_CHUNK && part(0, 0, 0)->u.gqa.span_tokens == 8192 && part(3, 0,
			0)->u.gqa.span == SPAN_FULL &&
			part(3, 0, 0)->u.gqa.rope == NO_ROPE && part(0, 1, 0)->u.moe.score == SCORE_SIGMOID,
				"chunks, every fourth layer is full and does not rotate");
	start("llama4", 1);
	HEADS;
	keys("attention.sliding_window 0");
	blocks(0, 1, NORMS ATTN MLP);
	if (good("llama4 without chunks"))
		ok(part(0, 0, 0)->u.gqa.span == SPAN_FULL, "  when the key is 0");
	start("exaone4", 4);
	HEADS;
	keys("attention.sliding_window 4096");
	blocks(0, 4, ATTN MLP "post_attention_norm 64; post_ffw_norm 64; attn_q_norm 8; attn_k_norm 8");
	if (good("exaone4 of fewer than 64 layers"))
		ok(part(0, 0, 0)->u.gqa.span == SPAN_FULL && part(0, 0, 0)->u.gqa.rope != NO_ROPE && s.n_warnings == 1,
			"sees everything, with a warning");
	start("phi3", 1);
	HEADS;
	keys("attention.sliding_window 2047");
	tensors("", "rope_factors_long 4; rope_factors_short 4");
	blocks(0, 1, NORMS "attn_qkv 64 96; attn_output 64 64; ffn_up 64 256; ffn_down 128 64");
	if (good("phi3"))
		ok(part(0, 0, 0)->u.gqa.span == SPAN_FULL && s.n_warnings == 1 && strstr(s.warnings[0], "2047") &&
			s.rope[0].scaling == ROPE_SCALING_LONGROPE,
			"its window is not used, with a warning; long and short factors");
	start("smollm3", 4);
	HEADS;
	blocks(0, 4, NORMS ATTN MLP);
	if (good("smollm3"))
		ok(part(2, 0, 0)->u.gqa.rope != NO_ROPE && part(3, 0, 0)->u.gqa.rope == NO_ROPE, "every fourth layer does not rotate");
}

static void gemma4(void)
{
	uint8_t pattern[] = { 1, 0, 1, 0 };
	const struct gqa_spec *g;

	start("gemma4", 4);
	keys("attention.head_count 8; attention.sliding_window 512; attention.shared_kv_layers 2; attention.key_length 16; attention.value_length 16;"
		"attention.key_length_swa 8; attention.value_length_swa 8; embedding_length_per_layer_input 4; rope.dimension_count 16; rope.dimension_count_swa 8");
	kv_u32s(&m, "gemma4.attention.head_count_kv", (uint32_t[]){ 2, 1, 2, 1 }, 4);
	kv_bools(&m, "gemma4.attention.sliding_window_pattern", pattern, 4);
	tensors("", "rope_freqs 8; per_layer_token_embd 16 90; per_layer_model_proj 64 16; per_layer_proj_norm 4");
	blocks(0, 1, "attn_q 64 64; attn_k 64 16; attn_v 64 16; attn_output 64 64; attn_q_norm 8; attn_k_norm 8");
	blocks(1, 2, "attn_q 64 128; attn_k 64 16; attn_output 128 64; attn_q_norm 16; attn_k_norm 16");
	blocks(2, 3, "attn_q 64 64; attn_output 64 64; attn_q_norm 8");
	blocks(3, 4, "attn_q 64 128; attn_output 128 64; attn_q_norm 16");
	blocks(0, 4, NORMS "post_attention_norm 64; post_ffw_norm 64; layer_output_scale 1; inp_gate 64 4; proj 4 64; post_norm 64;" MLP);
	if (!good("gemma4 with per-layer embeddings"))
		return;
	g = &part(0, 0, 0)->u.gqa;
	ok(g->span == SPAN_WINDOW && g->k_dim == 8 && g->kv_heads == 2 && g->own == OWN_STATE && !g->v_is_k, "a window of small heads");
	g = &part(1, 0, 0)->u.gqa;
	ok(g->span == SPAN_FULL && g->k_dim == 16 && g->kv_heads == 1 && g->v_is_k, "full with large heads, values are keys");
	g = &part(2, 0, 0)->u.gqa;
	ok(g->own == REUSE_LAST && g->no_kv_weights && g->k_dim == 8, "a window that reuses");
	ok(part(3, 0, 0)->u.gqa.own == REUSE_LAST && part(3, 0, 0)->u.gqa.k_dim == 16, "full that reuses");
	ok(s.per_layer_embed == 4 && s.per_layer_vocab == 90 && s.kinds[0].extra_scalars == 1, "per-layer table, layer scale");
	ok(s.rope[part(1, 0, 0)->u.gqa.rope].scaling == ROPE_SCALING_PROPORTIONAL && s.rope[part(0, 0,
		0)->u.gqa.rope].scaling == ROPE_SCALING_NONE,
		"factors for the full layers only");

	start("gemma4", 1);
	HEADS;
	keys("expert_count 4; expert_used_count 2");
	blocks(0, 1, NORMS ATTN MLP "post_attention_norm 64; post_ffw_norm 64; pre_ffw_norm_2 64; post_ffw_norm_1 64; post_ffw_norm_2 64;"
		"ffn_gate_inp 64 4; ffn_gate_inp.scale 64; ffn_gate_up_exps 64 64 4; ffn_down_exps 32 64 4; ffn_down_exps.scale 4");
	if (good("gemma4 with experts")) {
		const struct moe_spec *e = &part(0, 1, 1)->u.moe;
		ok(part(0, 1, 0)->type == PART_MLP && s.kinds[0].extra_norms == 3, "beside a dense feed-forward, with norms of their own");
		ok(e->matrices == 3 && e->width == 32 && e->router_scale && e->expert_scale,
			"gate and up in one, scales of router and experts");
	}
	start("gemma3n", 21);
	HEADS;
	keys("attention.sliding_window 512");
	tensors("", "altup_proj 64 64 3; per_layer_token_embd 84 100; per_layer_model_proj 64 84; per_layer_proj_norm 4");
	blocks(0, 21, NORMS ATTN MLP "inp_gate 64 4; proj 4 64; post_norm 64; altup_router 64 4; laurel_l 64 4; laurel_r 4 64");
	if (good("gemma3n"))
		ok(part(19, 0, 0)->u.gqa.own == OWN_STATE && part(20, 0, 0)->u.gqa.own == REUSE_LAST && s.n_warnings == 1 &&
			strstr(s.warnings[0], "28416 elements"), "shares from layer 20, and says what it leaves out: %s", s.warnings[0]);
}

static void experts(void)
{
	start("llama", 1);
	HEADS;
	keys("expert_count 2; expert_used_count 1");
	blocks(0, 1, NORMS ATTN "ffn_gate_inp 64 2; ffn_gate.0 64 32; ffn_gate.1 64 32; ffn_up.0 64 32; ffn_up.1 64 32; ffn_down.0 32 64; ffn_down.1 32 64");
	if (good("experts one by one"))
		ok(part(0, 1, 0)->type == PART_MOE && part(0, 1, 0)->u.moe.experts == 2 && part(0, 1, 0)->u.moe.width == 32,
			"  as in the file");
	start("qwen2moe", 1);
	HEADS;
	keys("expert_count 4; expert_used_count 2");
	blocks(0, 1, NORMS ATTN MOE "ffn_gate_inp_shexp 64; ffn_gate_shexp 64 96; ffn_up_shexp 64 96; ffn_down_shexp 96 64");
	if (good("a shared expert behind a gate"))
		ok(part(0, 1, 0)->u.moe.shared_width == 96 && part(0, 1, 0)->u.moe.shared_gate && part(0, 1, 0)->u.moe.shared == 1,
			"  as in the file");
	start("deepseek2", 2);
	keys("attention.head_count 4; attention.head_count_kv 4; attention.kv_lora_rank 16; attention.key_length 12; attention.value_length 8; rope.dimension_count 4;"
		"expert_count 4; expert_used_count 2; expert_shared_count 2; expert_gating_func 2; expert_group_count 2; expert_group_used_count 1; leading_dense_block_count 1");
	blocks(0, 1, NORMS OLD_MLA MLP);
	blocks(1, 2, NORMS OLD_MLA MOE "exp_probs_b.bias 4; ffn_gate_shexp 64 64; ffn_up_shexp 64 64; ffn_down_shexp 64 64");
	if (good("deepseek2 from before the split of kv_b")) {
		const struct mla_spec *a = &part(0, 0, 0)->u.mla;
		const struct moe_spec *e = &part(1, 1, 0)->u.moe;
		ok(a->q_heads == 4 && !a->q_rank && a->kv_rank == 16 && a->nope_dim == 8 && a->rope_dim == 4 && a->v_dim == 8,
			"latent attention");
		ok(s.n_warnings == 1 && strstr(s.warnings[0], "key_length_mla"), "a warning that llama.cpp caches more");
		ok(part(0, 1, 0)->type == PART_MLP && e->score == SCORE_SIGMOID && e->router_bias && e->groups == 2 &&
			e->top_groups == 1 && e->shared == 2 &&
			e->shared_width == 64, "dense first, then experts in groups");
	}
	start("deepseek2", 2);
	keys("attention.head_count 4; attention.head_count_kv 1; attention.kv_lora_rank 16; attention.q_lora_rank 24; attention.key_length 20; attention.value_length 16;"
		"attention.key_length_mla 12; attention.value_length_mla 8; rope.dimension_count 4; nextn_predict_layers 1");
	blocks(0, 2, NORMS MLP "attn_q_a 64 24; attn_q_a_norm 24; attn_q_b 24 48; attn_kv_a_mqa 64 20; attn_kv_a_norm 16; attn_k_b 8 16 4; attn_v_b 16 8 4; attn_output 32 64");
	blocks(1, 2, "nextn.eh_proj 128 64; nextn.enorm 64; nextn.hnorm 64; nextn.shared_head_norm 64; nextn.embed_tokens 64 100; nextn.shared_head_head 64 100");
	if (good("deepseek2 with kv_b split, and MTP")) {
		ok(part(0, 0, 0)->u.mla.q_rank == 24 && part(0, 0, 0)->u.mla.nope_dim == 8 && part(0, 0, 0)->u.mla.v_dim == 8 &&
			s.n_warnings == 0, "latent attention");
		ok(s.n_layers == 1 && s.mtp.layers == 1 && s.mtp.stored == 1 && s.mtp.own_embed && s.mtp.own_head && s.mtp.norms == 3 &&
			s.gguf_mtp && s.mtp.kind == s.kind_of[0], "MTP");
	}
	start("glm4moe", 3);
	HEADS;
	keys("nextn_predict_layers 1");
	blocks(0, 2, "attn_norm 64; post_attention_norm 64; " ATTN MLP);
	if (good("MTP that the file leaves out"))
		ok(s.n_layers == 2 && s.mtp.layers == 0 && !s.gguf_mtp, "  is none");
	/* NVFP4 brings a scale beside each weight */
	start("qwen3moe", 1);
	HEADS;
	keys("expert_count 4; expert_used_count 2");
	blocks(0, 1, NORMS ATTN MOE "attn_q.scale 1; ffn_up_exps.scale 4; attn_q.input_scale 1");
	good("scales of a format");
}

static void recurrent(void)
{
	start("qwen3next", 2);
	keys("attention.head_count 4; attention.head_count_kv 2; attention.key_length 16; attention.value_length 16; ssm.group_count 2; ssm.time_step_rank 4; ssm.state_size 8;"
		"ssm.inner_size 32; ssm.conv_kernel 4");
	blocks(0, 1, "attn_qkv 64 64; attn_gate 64 32; ssm_conv1d 4 64; ssm_dt.bias 4; ssm_a! 4; ssm_ba 64 8; ssm_norm 8; ssm_out 32 64;");
	blocks(1, 2, "attn_q 64 128; attn_k 64 32; attn_v 64 32; attn_output 64 64; attn_q_norm 16; attn_k_norm 16");
	blocks(0, 2, "attn_norm 64; post_attention_norm 64; " MLP);
	if (good("qwen3next")) {
		const struct delta_spec *d = &part(0, 0, 0)->u.delta;
		ok(part(0, 0, 0)->type == PART_DELTA && d->k_heads == 2 && d->v_heads == 4 && d->k_dim == 8 && d->v_dim == 8 &&
			d->conv_kernel == 4 && d->out_gate == GATE_ELEMENT, "delta net");
		ok(part(1, 0, 0)->u.gqa.gate == GATE_ELEMENT && part(1, 0, 0)->u.gqa.q_heads == 4, "attention whose queries carry a gate");
	}
	start("qwen3next", 1);
	keys("ssm.group_count 2; ssm.time_step_rank 4; ssm.state_size 8; ssm.inner_size 32; ssm.conv_kernel 4");
	blocks(0, 1, "attn_norm 64; post_attention_norm 64; ssm_in 64 96; ssm_conv1d 4 64; ssm_dt.bias 4; ssm_a! 4; ssm_ba 64 8; ssm_norm 8; ssm_out 32 64;" MLP);
	if (good("qwen3next with its first names"))
		ok(part(0, 0, 0)->u.delta.out_gate == GATE_ELEMENT, "  the same delta net");
	start("lfm2", 2);
	make_init(&m);
	kv_str(&m, "general.architecture", "lfm2");
	keys("embedding_length 64; context_length 4096; block_count 2; attention.head_count 8; shortconv.l_cache 3");
	kv_u32s(&m, "lfm2.attention.head_count_kv", (uint32_t[]){ 0, 2 }, 2);
	kv_f32(&m, "lfm2.attention.layer_norm_rms_epsilon", 1e-5f);
	tensors("", "token_embd 64 100; token_embd_norm 64");
	blocks(0, 1, NORMS MLP "shortconv.conv 3 64; shortconv.in_proj 64 192; shortconv.out_proj 64 64");
	blocks(1, 2, NORMS MLP ATTN "attn_q_norm 8; attn_k_norm 8");
	if (good("lfm2"))
		ok(part(0, 0, 0)->type == PART_CONV && part(0, 0, 0)->u.conv.kernel == 3 && part(1, 0, 0)->u.gqa.kv_heads == 2 &&
			!s.embed_norm && !s.no_final_norm,
			"a short convolution; the final norm under another name");
	start("nemotron_h_moe", 3);
	make_init(&m);
	kv_str(&m, "general.architecture", "nemotron_h_moe");
	keys("embedding_length 64; context_length 4096; block_count 3; expert_count 4; ssm.group_count 2; ssm.time_step_rank 4; ssm.state_size 16; ssm.inner_size 32; ssm.conv_kernel 4");
	kv_u32s(&m, "nemotron_h_moe.attention.head_count", (uint32_t[]){ 8, 8, 8 }, 3);
	kv_u32s(&m, "nemotron_h_moe.attention.head_count_kv", (uint32_t[]){ 0, 2, 0 }, 3);
	kv_u32s(&m, "nemotron_h_moe.expert_used_count", (uint32_t[]){ 0, 0, 3 }, 3);
	kv_f32(&m, "nemotron_h_moe.attention.layer_norm_epsilon", 1e-5f);
	tensors("", "token_embd 64 100; output_norm 64; output 64 100");
	blocks(0, 3, "attn_norm 64");
	blocks(0, 1, "ssm_in 64 132; ssm_conv1d 4 96; ssm_conv1d.bias 96; ssm_dt.bias 4; ssm_a! 1 4; ssm_d! 1 4; ssm_norm 16 2; ssm_out 32 64");
	blocks(1, 2, ATTN);
	blocks(2, 3, "ffn_gate_inp 64 4; exp_probs_b.bias 4; ffn_latent_down 64 16; ffn_latent_up 16 64; ffn_up_exps 16 32 4; ffn_down_exps 32 16 4; ffn_up_shexp 64 48; ffn_down_shexp 48 64");
	if (good("nemotron_h_moe")) {
		const struct moe_spec *e = &part(2, 0, 0)->u.moe;
		ok(s.n_kinds == 3 && s.kinds[s.kind_of[0]].n_branches == 1 && s.kinds[s.kind_of[2]].branch[0].norm == NORM_PRE &&
			s.norm_type == NORM_RMS, "one branch a layer, RMS all the same");
		ok(part(0, 0, 0)->u.mamba2.gated_norm && part(1, 0, 0)->u.gqa.rope == NO_ROPE, "Mamba-2; attention that does not rotate");
		ok(e->latent == 16 && e->per_token == 3 && e->matrices == 2 && e->act == ACT_RELU2 && e->score == SCORE_SIGMOID &&
			e->shared_width == 48, "experts behind a projection");
	}
}

int main(void)
{
	plain();
	parallel();
	windows();
	gemma4();
	experts();
	recurrent();
	make_free(&m);
	arena_free(&arena);
	return done_testing();
}
