/* import_config_families.c - configs written out after published shapes, for families without a file in tests/configs/ */
#include "../tap.h"

#include "calc/inventory.h"
#include "calc/state.h"
#include "catalog/import_config.h"

/* total: text and towers without MTP; kv: bytes a token at two a value, layers without a window. Totals: checks of models.d. */
static const struct { const char *name, *architecture; uint64_t total, mtp, kv; const char *json; } cases[] = {
	{ "gemma-2-9b-it", "gemma2", 9241705984, 0, 172032,
	  "{'model_type':'gemma2','hidden_size':3584,'intermediate_size':14336,'num_hidden_layers':42,'num_attention_heads':16,"
	  "'num_key_value_heads':8,'head_dim':256,'vocab_size':256000,'sliding_window':4096,'hidden_activation':'gelu_pytorch_tanh',"
	  "'final_logit_softcapping':30.0,'attn_logit_softcapping':50.0,'query_pre_attn_scalar':256,'max_position_embeddings':8192,"
	  "'cache_implementation':'hybrid'}" },
	{ "gemma-3-27b-it", "gemma3", 27432406640, 0, 81920,
	  "{'model_type':'gemma3','mm_tokens_per_image':256,'text_config':{'model_type':'gemma3_text','hidden_size':5376,"
	  "'intermediate_size':21504,'num_hidden_layers':62,'num_attention_heads':32,'num_key_value_heads':16,'head_dim':128,"
	  "'query_pre_attn_scalar':168,'rope_scaling':{'factor':8.0,'rope_type':'linear'},'sliding_window':1024},"
	  "'vision_config':{'hidden_size':1152,'image_size':896,'intermediate_size':4304,'model_type':'siglip_vision_model',"
	  "'num_attention_heads':16,'num_hidden_layers':27,'patch_size':14,'vision_use_head':false}}" },
	{ "gemma-3-1b-it", "gemma3", 999885952, 0, 4096,
	  "{'model_type':'gemma3_text','hidden_size':1152,'intermediate_size':6912,'num_hidden_layers':26,'num_attention_heads':4,"
	  "'num_key_value_heads':1,'head_dim':256,'vocab_size':262144,'sliding_window':512,'sliding_window_pattern':6,"
	  "'rope_local_base_freq':10000,'rope_theta':1000000,'max_position_embeddings':32768,'torch_dtype':'bfloat16'}" },
	/* without its audio encoder of 307183456 */
	{ "gemma-4-e2b-it", "gemma4", 4815994595, 0, 6144,
	  "{'model_type':'gemma4','audio_config':{'model_type':'gemma4_audio'},'text_config':{'model_type':'gemma4_text',"
	  "'hidden_size':1536,"
	  "'intermediate_size':6144,'num_hidden_layers':35,'num_attention_heads':8,'num_key_value_heads':1,'head_dim':256,"
	  "'global_head_dim':512,"
	  "'hidden_size_per_layer_input':256,'vocab_size_per_layer_input':262144,'num_kv_shared_layers':20,'use_double_wide_mlp':true,"
	  "'attention_k_eq_v':false,'enable_moe_block':false,'final_logit_softcapping':30.0,'sliding_window':512,'vocab_size':262144,"
	  "'layer_types':['sliding_attention','sliding_attention','sliding_attention','sliding_attention','full_attention',"
	  "'sliding_attention','sliding_attention','sliding_attention','sliding_attention','full_attention',"
	  "'sliding_attention','sliding_attention','sliding_attention','sliding_attention','full_attention',"
	  "'sliding_attention','sliding_attention','sliding_attention','sliding_attention','full_attention',"
	  "'sliding_attention','sliding_attention','sliding_attention','sliding_attention','full_attention',"
	  "'sliding_attention','sliding_attention','sliding_attention','sliding_attention','full_attention',"
	  "'sliding_attention','sliding_attention','sliding_attention','sliding_attention','full_attention']},"
	  "'vision_config':{'hidden_size':768,'intermediate_size':3072,'num_hidden_layers':16,'num_attention_heads':12,"
	  "'num_key_value_heads':12,'head_dim':64,'patch_size':16,'position_embedding_size':10240,'use_clipped_linears':true}}" },
	{ "phi-2", "phi2", 2779683840, 0, 327680,
	  "{'model_type':'phi','hidden_size':2560,'intermediate_size':10240,'num_hidden_layers':32,'num_attention_heads':32,"
	  "'vocab_size':51200,'partial_rotary_factor':0.4,'layer_norm_eps':1e-05,'hidden_act':'gelu_new','qk_layernorm':false,"
	  "'max_position_embeddings':2048,'tie_word_embeddings':false,'torch_dtype':'float16'}" },
	{ "phi-3-mini-4k-instruct", "phi3", 3821079552, 0, 0,
	  "{'model_type':'phi3','hidden_size':3072,'intermediate_size':8192,'num_hidden_layers':32,'num_attention_heads':32,"
	  "'num_key_value_heads':32,'vocab_size':32064,'sliding_window':2047,'original_max_position_embeddings':4096,"
	  "'max_position_embeddings':4096,'rms_norm_eps':1e-05,'rope_scaling':null,'tie_word_embeddings':false}" },
	{ "phi-3-mini-128k-instruct", "phi3", 3821079552, 0, 393216,
	  "{'model_type':'phi3','hidden_size':3072,'intermediate_size':8192,'num_hidden_layers':32,'num_attention_heads':32,"
	  "'num_key_value_heads':32,'vocab_size':32064,'sliding_window':262144,'max_position_embeddings':131072,"
	  "'original_max_position_embeddings':4096,'tie_word_embeddings':false}" },
	{ "olmo-2-7b-instruct", "olmo2", 7298617344, 0, 524288,
	  "{'model_type':'olmo2','hidden_size':4096,'intermediate_size':11008,'num_hidden_layers':32,'num_attention_heads':32,"
	  "'num_key_value_heads':32,'vocab_size':100352,'rms_norm_eps':1e-06,'rope_theta':500000,'tie_word_embeddings':false}" },
	{ "olmo-3-7b", "olmo2", 7298011136, 0, 131072,
	  "{'model_type':'olmo3','hidden_size':4096,'intermediate_size':11008,'num_hidden_layers':32,'num_attention_heads':32,"
	  "'vocab_size':100278,'sliding_window':4096,'rope_theta':500000,'max_position_embeddings':65536,"
	  "'rope_scaling':{'rope_type':'yarn','factor':8.0,'original_max_position_embeddings':8192}}" },
	{ "olmoe-1b-7b", "olmoe", 6919161856, 0, 131072,
	  "{'model_type':'olmoe','hidden_size':2048,'intermediate_size':1024,'num_hidden_layers':16,'num_attention_heads':16,"
	  "'num_key_value_heads':16,'num_experts':64,'num_experts_per_tok':8,'norm_topk_prob':false,'vocab_size':50304,"
	  "'rope_theta':10000.0,'clip_qkv':null,'router_aux_loss_coef':0.01}" },
	{ "command-r-35b", "command-r", 34980831232, 0, 1310720,
	  "{'model_type':'cohere','hidden_size':8192,'intermediate_size':22528,'num_hidden_layers':40,'num_attention_heads':64,"
	  "'num_key_value_heads':64,'vocab_size':256000,'use_qk_norm':false,'logit_scale':0.0625,'layer_norm_eps':1e-05,"
	  "'rope_theta':8000000.0}" },
	{ "command-r7b", "cohere2", 8028033024, 0, 32768,
	  "{'model_type':'cohere2','hidden_size':4096,'intermediate_size':14336,'num_hidden_layers':32,'num_attention_heads':32,"
	  "'num_key_value_heads':8,'head_dim':128,'vocab_size':256000,'sliding_window':4096,'sliding_window_pattern':4,"
	  "'logit_scale':0.25,'rope_theta':50000,'position_embedding_type':'rope_gptj',"
	  "'order_of_interleaved_layers':'local_attn_first'}" },
	{ "granite-4.0-h-small", "granitehybrid", 32207337984, 0, 16384,
	  "{'model_type':'granitemoehybrid','hidden_size':4096,'intermediate_size':768,'num_hidden_layers':40,'num_attention_heads':32,"
	  "'num_key_value_heads':8,'num_local_experts':72,'num_experts_per_tok':10,'shared_intermediate_size':1536,'vocab_size':100352,"
	  "'tie_word_embeddings':true,'position_embedding_type':'nope','mamba_n_heads':128,'mamba_d_head':64,'mamba_n_groups':1,"
	  "'mamba_d_state':128,'mamba_d_conv':4,'mamba_expand':2,'mamba_conv_bias':true,'mamba_proj_bias':false,"
	  "'time_step_limit':[0.0,Infinity],"
	  "'embedding_multiplier':12,'layer_types':['mamba','mamba','mamba','mamba','mamba','attention','mamba','mamba','mamba','mamba',"
	  "'mamba','mamba','mamba','mamba','mamba','attention','mamba','mamba','mamba','mamba',"
	  "'mamba','mamba','mamba','mamba','mamba','attention','mamba','mamba','mamba','mamba',"
	  "'mamba','mamba','mamba','mamba','mamba','attention','mamba','mamba','mamba','mamba']}" },
	{ "falcon-h1-7b", "falcon-h1", 7585519712, 0, 45056,
	  "{'model_type':'falcon_h1','hidden_size':3072,'intermediate_size':12288,'num_hidden_layers':44,'num_attention_heads':12,"
	  "'num_key_value_heads':2,'head_dim':128,'vocab_size':130049,'mamba_d_ssm':3072,'mamba_n_heads':24,'mamba_d_head':128,"
	  "'mamba_n_groups':1,'mamba_d_state':256,'mamba_d_conv':4,'mamba_conv_bias':true,'mamba_rms_norm':false,'mamba_use_mlp':true,"
	  "'ssm_multipliers':[1.0,1.0],'lm_head_multiplier':0.01,'rope_theta':100000000000.0,'projectors_bias':false}" },
	{ "lfm2-1.2b", "lfm2", 1170340608, 0, 12288,
	  "{'model_type':'lfm2','hidden_size':2048,'block_ff_dim':12288,'block_auto_adjust_ff_dim':true,'block_ffn_dim_multiplier':1.0,"
	  "'block_multiple_of':256,'num_hidden_layers':16,'num_attention_heads':32,'num_key_value_heads':8,'vocab_size':65536,"
	  "'conv_L_cache':3,'conv_bias':false,'full_attn_idxs':[2,5,8,10,12,14],'norm_eps':1e-05,'conv_dim':2048,'theta':1000000.0}" },
	{ "lfm2-8b-a1b", "lfm2moe", 8339929856, 0, 12288,
	  "{'model_type':'lfm2_moe','hidden_size':2048,'intermediate_size':7168,'moe_intermediate_size':1792,'num_dense_layers':2,"
	  "'num_experts':32,'num_experts_per_tok':4,'num_hidden_layers':24,'num_attention_heads':32,'num_key_value_heads':8,"
	  "'vocab_size':65536,'conv_L_cache':3,'use_expert_bias':true,'norm_topk_prob':true,'full_attn_idxs':[2,6,10,14,18,21]}" },
	{ "glm-4-32b-0414", "glm4", 32566081536, 0, 62464,
	  "{'model_type':'glm4','hidden_size':6144,'intermediate_size':23040,'num_hidden_layers':61,'num_attention_heads':48,"
	  "'num_key_value_heads':2,'head_dim':128,'vocab_size':151552,'attention_bias':false,'partial_rotary_factor':0.5}" },
	{ "glm-4.5-air", "glm4moe", 106852251264, 3616573568, 188416,
	  "{'model_type':'glm4_moe','hidden_size':4096,'intermediate_size':10944,'moe_intermediate_size':1408,'num_hidden_layers':46,"
	  "'num_attention_heads':96,'num_key_value_heads':8,'head_dim':128,'vocab_size':151552,'n_routed_experts':128,"
	  "'n_shared_experts':1,"
	  "'num_experts_per_tok':8,'first_k_dense_replace':1,'attention_bias':true,'use_qk_norm':false,'num_nextn_predict_layers':1,"
	  "'n_group':1,'topk_group':1,'partial_rotary_factor':0.5,'routed_scaling_factor':1.0,'norm_topk_prob':true}" },
	{ "glm-4.7-flash", "deepseek2", 29943393920, 1278094656, 54144,
	  "{'model_type':'glm4_moe_lite','hidden_size':2048,'intermediate_size':10240,'moe_intermediate_size':1536,"
	  "'num_hidden_layers':47,"
	  "'num_attention_heads':20,'num_key_value_heads':20,'vocab_size':154880,'q_lora_rank':768,'kv_lora_rank':512,"
	  "'qk_nope_head_dim':192,'qk_rope_head_dim':64,'v_head_dim':256,'n_routed_experts':64,'n_shared_experts':1,"
	  "'num_experts_per_tok':4,'first_k_dense_replace':1,'num_nextn_predict_layers':1}" },
	{ "glm-5.2", "glm-dsa", 743377019904, 9952920576, 95232,
	  "{'model_type':'glm_moe_dsa','hidden_size':6144,'intermediate_size':12288,'moe_intermediate_size':2048,'num_hidden_layers':78,"
	  "'num_attention_heads':64,'num_key_value_heads':64,'vocab_size':154880,'q_lora_rank':2048,'kv_lora_rank':512,"
	  "'qk_nope_head_dim':192,'qk_rope_head_dim':64,'v_head_dim':256,'n_routed_experts':256,'n_shared_experts':1,"
	  "'num_experts_per_tok':8,'first_k_dense_replace':3,'index_n_heads':32,'index_head_dim':128,'index_topk':2048,"
	  "'index_topk_freq':4,'index_skip_topk_offset':3,'num_nextn_predict_layers':1}" },
	{ "deepseek-v2-lite", "deepseek2", 15706484224, 0, 31104,
	  "{'model_type':'deepseek_v2','hidden_size':2048,'intermediate_size':10944,'moe_intermediate_size':1408,'num_hidden_layers':27,"
	  "'num_attention_heads':16,'num_key_value_heads':16,'vocab_size':102400,'q_lora_rank':null,'kv_lora_rank':512,"
	  "'qk_nope_head_dim':128,'qk_rope_head_dim':64,'v_head_dim':128,'n_routed_experts':64,'n_shared_experts':2,"
	  "'num_experts_per_tok':6,'first_k_dense_replace':1,'moe_layer_freq':1,'topk_method':'greedy','scoring_func':'softmax'}" },
	{ "smollm3-3b", "smollm3", 3075098624, 0, 73728,
	  "{'model_type':'smollm3','hidden_size':2048,'intermediate_size':11008,'num_hidden_layers':36,'num_attention_heads':16,"
	  "'num_key_value_heads':4,'vocab_size':128256,'no_rope_layer_interval':4,'use_sliding_window':false,'sliding_window':null}" },
	{ "seed-oss-36b-instruct", "seed_oss", 36151104512, 0, 262144,
	  "{'model_type':'seed_oss','hidden_size':5120,'intermediate_size':27648,'num_hidden_layers':64,'num_attention_heads':80,"
	  "'num_key_value_heads':8,'head_dim':128,'vocab_size':155136,'attention_bias':true,'attention_out_bias':false,"
	  "'mlp_bias':false}" },
	{ "ernie-4.5-21b-a3b", "ernie4_5-moe", 21825437888, 0, 57344,
	  "{'model_type':'ernie4_5_moe','hidden_size':2560,'intermediate_size':12288,'moe_intermediate_size':1536,"
	  "'num_hidden_layers':28,"
	  "'num_attention_heads':20,'num_key_value_heads':4,'vocab_size':103424,'moe_num_experts':64,'moe_num_shared_experts':2,"
	  "'moe_k':6,"
	  "'moe_layer_start_index':1,'moe_layer_interval':1,'moe_layer_end_index':27,'use_bias':false}" },
	{ "ling-mini-2.0", "bailingmoe2", 16255643392, 0, 40960,
	  "{'model_type':'bailing_moe_v2','hidden_size':2048,'intermediate_size':5120,'moe_intermediate_size':512,"
	  "'num_hidden_layers':20,"
	  "'num_attention_heads':16,'num_key_value_heads':4,'head_dim':128,'vocab_size':157184,'num_experts':256,'num_shared_experts':1,"
	  "'num_experts_per_tok':8,'first_k_dense_replace':1,'use_qk_norm':true,'use_qkv_bias':false,"
	  "'moe_router_enable_expert_bias':true,"
	  "'score_function':'sigmoid','n_group':8,'topk_group':4,'num_nextn_predict_layers':0,'partial_rotary_factor':0.5}" },
	{ "kimi-linear-48b-a3b", "kimi-linear", 49122681728, 0, 8064,
	  "{'model_type':'kimi_linear','hidden_size':2304,'intermediate_size':9216,'moe_intermediate_size':1024,'num_hidden_layers':27,"
	  "'num_attention_heads':32,'num_key_value_heads':32,'vocab_size':163840,'q_lora_rank':null,'kv_lora_rank':512,"
	  "'qk_nope_head_dim':128,'qk_rope_head_dim':64,'v_head_dim':128,'mla_use_nope':true,'num_experts':256,"
	  "'num_experts_per_token':8,'num_shared_experts':1,'first_k_dense_replace':1,'moe_router_activation_func':'sigmoid',"
	  "'linear_attn_config':{'full_attn_layers':[4,8,12,16,20,24,27],"
	  "'kda_layers':[1,2,3,5,6,7,9,10,11,13,14,15,17,18,19,21,22,23,25,26],"
	  "'head_dim':128,'num_heads':32,'short_conv_kernel_size':4}}" },
	{ "nemotron-3-super-120b-a12b", "nemotron_h_moe", 120668687360, 2942324736, 8192,
	  "{'model_type':'nemotron_h','hidden_size':4096,'intermediate_size':2688,'num_hidden_layers':88,'num_attention_heads':32,"
	  "'num_key_value_heads':2,'head_dim':128,'vocab_size':131072,'mamba_num_heads':128,'mamba_head_dim':64,'n_groups':8,"
	  "'ssm_state_size':128,'conv_kernel':4,'use_conv_bias':true,'n_routed_experts':512,'num_experts_per_tok':22,"
	  "'n_shared_experts':1,"
	  "'moe_intermediate_size':2688,'moe_latent_size':1024,'moe_shared_expert_intermediate_size':5376,'mlp_hidden_act':'relu2',"
	  "'hybrid_override_pattern':'MEMEMEM*EMEMEMEM*EMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEM*EMEMEMEME',"
	  "'num_nextn_predict_layers':1,'mtp_layers_block_type':['attention','moe']}" },
	{ "nemotron-nano-9b-v2", "nemotron_h", 8888227328, 0, 16384,
	  "{'model_type':'nemotron_h','hidden_size':4480,'intermediate_size':15680,'num_hidden_layers':56,'num_attention_heads':40,"
	  "'num_key_value_heads':8,'head_dim':128,'vocab_size':131072,'mamba_num_heads':128,'mamba_head_dim':80,'n_groups':8,"
	  "'ssm_state_size':128,'conv_kernel':4,'use_conv_bias':true,'mlp_hidden_act':'relu2',"
	  "'hybrid_override_pattern':'M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-'}" },
	{ "step-3.5-flash", "step35", 196956130368, 2428171008, 49152,
	  "{'model_type':'step3p5','hidden_size':4096,'intermediate_size':11264,'moe_intermediate_size':1280,'num_hidden_layers':45,"
	  "'num_attention_heads':64,'num_attention_groups':8,'head_dim':128,'vocab_size':128896,'moe_num_experts':288,'moe_top_k':8,"
	  "'share_expert_dim':1280,'use_head_wise_attn_gate':true,'use_moe_router_bias':true,'num_nextn_predict_layers':3,"
	  "'attention_other_setting':{'attention_type':'sliding_attention','num_attention_heads':96,'num_attention_groups':8,"
	  "'head_dim':128},"
	  "'moe_layers_enum':'3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,"
	  "39,40,41,42,43,44','sliding_window':512,'layer_types':['full_attention','sliding_attention','sliding_attention',"
	  "'sliding_attention',"
	  "'full_attention','sliding_attention','sliding_attention','sliding_attention','full_attention','sliding_attention',"
	  "'sliding_attention','sliding_attention','full_attention','sliding_attention','sliding_attention','sliding_attention',"
	  "'full_attention','sliding_attention','sliding_attention','sliding_attention','full_attention','sliding_attention',"
	  "'sliding_attention','sliding_attention','full_attention','sliding_attention','sliding_attention','sliding_attention',"
	  "'full_attention','sliding_attention','sliding_attention','sliding_attention','full_attention','sliding_attention',"
	  "'sliding_attention','sliding_attention','full_attention','sliding_attention','sliding_attention','sliding_attention',"
	  "'full_attention','sliding_attention','sliding_attention','sliding_attention','full_attention','sliding_attention',"
	  "'sliding_attention','sliding_attention'],'rope_theta':[5000000.0,10000.0,10000.0,10000.0],"
	  "'max_position_embeddings':262144}" },
	{ "mistral-small-4-119b", "mistral4", 119401298944, 0, 23040,
	  "{'model_type':'mistral3','spatial_merge_size':2,'vision_config':{'model_type':'pixtral','hidden_size':1024,"
	  "'intermediate_size':4096,'num_hidden_layers':24,'num_attention_heads':16,'patch_size':14},"
	  "'text_config':{'model_type':'mistral4','hidden_size':4096,'intermediate_size':12288,'moe_intermediate_size':2048,"
	  "'num_hidden_layers':36,"
	  "'num_attention_heads':32,'num_key_value_heads':32,'vocab_size':131072,'q_lora_rank':1024,'kv_lora_rank':256,"
	  "'qk_nope_head_dim':64,'qk_rope_head_dim':64,'v_head_dim':128,'n_routed_experts':128,'num_experts_per_tok':4,"
	  "'n_shared_experts':1,'first_k_dense_replace':0,'n_group':1,'topk_group':1}}" },
};

static int add_kv(void *user, const struct state_item *s, struct error *err)
{
	uint64_t *sum = user, n = 2 * (uint64_t)s->row * s->rows * layer_count(&s->layers);

	(void)err;
	if (s->growth == GROW_TOKEN && s->type_rule != TYPE_INDEX_V)
		*sum += n;
	return OK;
}

int main(void)
{
	struct arena qa = { 0 };
	struct quants q;
	struct error err = { 0 };

	if (!ok(quants_load(&q, &qa, "data/quants.yaml", &err) == OK, "formats read"))
		printf("# %s\n", err.text);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena a = { 0 };
		struct model_spec m;
		struct counts c;
		uint64_t kv = 0;
		char *text = arena_strdup(&a, cases[i].json);

		for (char *p = text; p && *p; p++)
			*p = *p == '\'' ? '"' : *p;
		if (!ok(text && import_config(&m, &a, cases[i].name, text, strlen(text), &err) == OK &&
			inventory_counts(&c, &m, &q, &err) == OK && state_walk(&m, 0, add_kv, &kv, &err) == OK, "%s: imported", cases[i].name)) {
			printf("# %s\n", err.text);
		} else {
			is_str(m.architecture, cases[i].architecture, "%s: architecture", cases[i].name);
			is_u64(c.total, cases[i].total, "%s: parameters", cases[i].name);
			is_u64(c.mtp, cases[i].mtp, "%s: MTP", cases[i].name);
			is_u64(kv, cases[i].kv, "%s: cache bytes a token", cases[i].name);
		}
		arena_free(&a);
	}
	arena_free(&qa);
	return done_testing();
}
