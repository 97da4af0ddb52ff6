/* import_config_bad.c - config.json files that must be refused with one sentence, and doubtful ones that must be said */
#include "../tap.h"

#include "catalog/import_config.h"

#include <cjson/cJSON.h>

#define NOTHING "{'attention':{'no_op':true},'ffn':{'no_op':true}}"
#define LLAMA "'model_type':'llama','hidden_size':64,'intermediate_size':128,'num_hidden_layers':2,'num_attention_heads':4," \
	"'num_key_value_heads':2,'vocab_size':100"
#define NEW "'model_type':'brandnew','hidden_size':64,'intermediate_size':128,'num_hidden_layers':2,'num_attention_heads':4," \
	"'vocab_size':100,'rms_norm_eps':1e-5,'tie_word_embeddings':false"
#define MOE "'num_experts':8,'num_experts_per_tok':2,'moe_intermediate_size':32"
#define MLA "'model_type':'deepseek_v3','hidden_size':64,'intermediate_size':128,'num_hidden_layers':2,'num_attention_heads':4," \
	"'vocab_size':100,'kv_lora_rank':16,'qk_nope_head_dim':8,'qk_rope_head_dim':8,'v_head_dim':8"
#define QWEN35 "'model_type':'qwen3_5_text','hidden_size':64,'intermediate_size':128,'num_hidden_layers':4," \
	"'num_attention_heads':4," \
	"'num_key_value_heads':2,'head_dim':16,'vocab_size':100,'linear_num_key_heads':2,'linear_num_value_heads':4," \
	"'linear_key_head_dim':8,'linear_value_head_dim':8,'linear_conv_kernel_dim':4"
#define HYBRID "'model_type':'nemotron_h','hidden_size':64,'num_hidden_layers':4,'num_attention_heads':4," \
	"'num_key_value_heads':2," \
	"'head_dim':16,'vocab_size':100,'mamba_num_heads':4,'mamba_head_dim':8,'n_groups':2,'ssm_state_size':8,'intermediate_size':128"

/* change: keys put over those of base, or the whole text; word: must be in the message. */
static const struct { const char *what; int code; const char *word, *change, *base; } bad[] = {
	{ "empty", E_FILE, "JSON", "", NULL },
	{ "a list", E_FILE, "object", "[1,2]", NULL },
	{ "cut off", E_FILE, "offset", "{" LLAMA, NULL },
	{ "nested garbage", E_FILE, "deeper", "{'a':[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", NULL },
	{ "no keys", E_FILE, "hidden_size", "{}", NULL },
	{ "other names for everything", E_ARCH, "gpt2", "{'model_type':'gpt2','n_embd':768,'n_head':12,'n_layer':12,"
	  "'vocab_size':50257}", NULL },
	{ "width a word", E_FILE, "hidden_size", "{'hidden_size':'64'}", "{" LLAMA "}" },
	{ "width negative", E_FILE, "hidden_size", "{'hidden_size':-64}", "{" LLAMA "}" },
	{ "width zero", E_FILE, "hidden_size", "{'hidden_size':0}", "{" LLAMA "}" },
	{ "width a fraction", E_FILE, "hidden_size", "{'hidden_size':64.5}", "{" LLAMA "}" },
	{ "width huge", E_FILE, "16777216", "{'hidden_size':4294967296}", "{" LLAMA "}" },
	{ "width not a number", E_FILE, "hidden_size", "{'model_type':'llama','hidden_size':NaN,'num_hidden_layers':2}", NULL },
	{ "no heads", E_FILE, "num_attention_heads", "{'num_attention_heads':0}", "{" LLAMA "}" },
	{ "heads that do not divide", E_FILE, "must divide", "{'num_attention_heads':6}", "{" LLAMA "}" },
	{ "kv heads that do not divide", E_FILE, "must divide", "{'num_key_value_heads':3}", "{" LLAMA "}" },
	{ "no kv heads", E_FILE, "num_key_value_heads", "{'num_key_value_heads':0}", "{" LLAMA "}" },
	{ "too many layers", E_FILE, "512", "{'num_hidden_layers':513}", "{" LLAMA "}" },
	{ "vocabulary absent", E_FILE, "vocab_size", "{'model_type':'llama','hidden_size':64,'num_hidden_layers':1,"
	  "'num_attention_heads':1}", NULL },
	{ "everything huge", E_FILE, "2^62",
	  "{'hidden_size':16777216,'moe_intermediate_size':16777216,'num_experts':65535,'head_dim':16777216}", "{" NEW "," MOE "}" },
	{ "no feed-forward", E_FILE, "intermediate_size", "{'intermediate_size':null}", "{" LLAMA "}" },
	{ "activation", E_ARCH, "xielu", "{'hidden_act':'xielu'}", "{" LLAMA "}" },
	{ "norm epsilon", E_FILE, "epsilon", "{'rms_norm_eps':-1}", "{" LLAMA "}" },
	{ "bias a number", E_FILE, "attention_bias", "{'attention_bias':3}", "{" LLAMA "}" },
	{ "few layer types", E_FILE, "1 entries for 2", "{'layer_types':['full_attention']}", "{" LLAMA "}" },
	{ "many layer types", E_FILE, "11 entries for 2", "{'layer_types':[1,1,1,1,1,1,1,1,1,1,1]}", "{" LLAMA "}" },
	{ "layer types a word", E_FILE, "layer_types", "{'layer_types':'full_attention'}", "{" LLAMA "}" },
	{ "layer types numbers", E_FILE, "layer_types", "{'layer_types':[1,2]}", "{" LLAMA "}" },
	{ "a layer type that is new", E_ARCH, "quantum", "{'layer_types':['quantum','full_attention']}", "{" LLAMA "}" },
	{ "a window of nothing", E_FILE, "sliding_window", "{'layer_types':['sliding_attention','full_attention']}", "{" LLAMA "}" },
	{ "delta layers without sizes", E_FILE, "linear_num", "{'layer_types':['linear_attention','full_attention']}", "{" LLAMA "}" },
	{ "experts without width", E_FILE, "positive",
	  "{'model_type':'qwen3_moe','hidden_size':64,'num_hidden_layers':1,'num_attention_heads':4,'vocab_size':10,"
	  "'num_experts':4}", NULL },
	{ "more chosen than there are", E_FILE, "over", "{'num_experts_per_tok':9}", "{" NEW "," MOE "}" },
	{ "mlp_only_layers out of range", E_FILE, "mlp_only_layers", "{'mlp_only_layers':[7]}", "{" NEW "," MOE "}" },
	{ "moe_layer_freq short", E_FILE, "moe_layer_freq", "{'moe_layer_freq':[1]}", "{" NEW "," MOE "}" },
	{ "router score", E_ARCH, "entmax", "{'scoring_func':'entmax'}", "{" NEW "," MOE "}" },
	{ "latent attention cut short", E_FILE, "v_head_dim", "{'v_head_dim':0}", "{" MLA "}" },
	{ "indexer without size", E_FILE, "index_n_heads", "{'index_topk':64}", "{" MLA "}" },
	{ "indexer_types", E_ARCH, "half",
	  "{'index_topk':64,'index_n_heads':2,'index_head_dim':8,'indexer_types':['full','half']}", "{" MLA "}" },
	{ "the first indexer borrowed", E_FILE, "",
	  "{'index_topk':64,'index_n_heads':2,'index_head_dim':8,'indexer_types':['shared','full']}", "{" MLA "}" },
	{ "delta heads", E_FILE, "must divide", "{'linear_num_key_heads':3}", "{" QWEN35 "}" },
	{ "hybrid pattern short", E_FILE, "3 letters for 4", "{'hybrid_override_pattern':'MM*'}", "{" HYBRID "}" },
	{ "hybrid pattern letter", E_ARCH, "'Z'", "{'hybrid_override_pattern':'MMZ*'}", "{" HYBRID "}" },
	{ "hybrid pattern absent", E_FILE, "hybrid_override_pattern", "{" HYBRID "}", NULL },
	{ "hybrid groups", E_FILE, "must divide", "{'n_groups':3,'hybrid_override_pattern':'MM-*'}", "{" HYBRID "}" },
	{ "kda layer 0", E_FILE, "layer 0", "{'model_type':'kimi_linear','linear_attn_config':{'kda_layers':[0]},"
	  "'kv_lora_rank':16}", "{" LLAMA "}" },
	{ "NAS group", E_FILE, "n_heads_in_group",
	  "{'model_type':'nemotron-nas','block_configs':[{'attention':{'n_heads_in_group':3},"
	  "'ffn':{'ffn_mult':1}}," NOTHING "]}", "{" LLAMA "}" },
	{ "NAS linear layer", E_ARCH, "replace_with_linear",
	  "{'model_type':'nemotron-nas','block_configs':[{'attention':{'replace_with_linear':true},"
	  "'ffn':{'ffn_mult':1}}," NOTHING "]}", "{" LLAMA "}" },
	{ "NAS width", E_FILE, "ffn_mult",
	  "{'model_type':'nemotron-nas','block_configs':[{'attention':{'no_op':true},"
	  "'ffn':{'ffn_mult':1e30}}," NOTHING "]}", "{" LLAMA "}" },
	{ "all layers share a cache", E_FILE, "num_kv_shared_layers", "{'num_kv_shared_layers':2}", "{" LLAMA "}" },
	{ "quantisation a word", E_FILE, "quantization_config", "{'quantization_config':'fp8'}", "{" LLAMA "}" },
	{ "vision overflow", E_FILE, "vision_config",
	  "{'model_type':'gemma3','vision_config':{'hidden_size':16777216,'intermediate_size':16777216,"
	  "'num_hidden_layers':16777216},'text_config':{" LLAMA "}}", NULL },
	{ "vision patch", E_FILE, "patch_size", "{'model_type':'qwen3_vl','vision_config':{'patch_size':100000},"
	  "'text_config':{" LLAMA "}}", NULL },
	/* structure that nobody has established */
	{ "new key of a known model", E_ARCH, "hyper_lora_rank", "{'hyper_lora_rank':64}", "{" LLAMA "}" },
	{ "key of another family", E_ARCH, "hybrid_layer_ssm", "{'hybrid_layer_ssm':2}", "{" LLAMA "}" },
	{ "altup", E_ARCH, "altup_num_inputs", "{'altup_num_inputs':4}", "{" LLAMA "}" },
	{ "convolution sizes on a model without", E_ARCH, "conv_L_cache", "{'conv_L_cache':3}", "{" LLAMA "}" },
	{ "blocks that are no list", E_FILE, "block_configs", "{'block_configs':3}", "{" LLAMA "}" },
	{ "shape of an unknown model", E_ARCH, "extra_head_width", "{'extra_head_width':7}", "{" NEW "}" },
	{ "chunks on a model without", E_ARCH, "attention_chunk_size", "{'attention_chunk_size':64}", "{" LLAMA "}" },
	{ "parallel blocks of an unknown model", E_ARCH, "use_parallel_block", "{'use_parallel_block':true}", "{" NEW "}" },
	{ "layer norms of an unknown model", E_ARCH, "norms have biases", "{'rms_norm_eps':null,'layer_norm_eps':1e-5}", "{" NEW "}" },
	{ "refused by its own words first", E_ARCH, "altup_num_inputs", "{'intermediate_size':[1,2],"
	  "'altup_num_inputs':4}", "{" NEW "}" },
	{ "norms of an unknown model", E_ARCH, "query and key norms", "{'use_qk_norm':true}", "{" NEW "}" },
};

/* Imported, but with a sentence that says what was taken for granted. */
static const struct { const char *what, *word, *change, *base; } doubtful[] = {
	{ "unknown model_type", "brandnew", "{" NEW "}", NULL },
	{ "head not stated", "tie_word_embeddings", "{" LLAMA "}", NULL },
	{ "keys nobody reads", "verbosity", "{'verbosity':3}", "{" LLAMA "}" },
	{ "unknown tower", "vision_config", "{'model_type':'newvl','vision_config':{'hidden_size':8},'text_config':{" LLAMA "}}", NULL },
	{ "audio tower", "audio", "{'audio_config':{'hidden_size':8}}", "{" LLAMA "}" },
	{ "no dtype", "dtype", "{" LLAMA "}", NULL },
	{ "a format without a recipe", "bitsandbytes", "{'quantization_config':{'quant_method':'bitsandbytes'}}", "{" LLAMA "}" },
	{ "modules left out", "q_proj",
	  "{'quantization_config':{'quant_method':'fp8','modules_to_not_convert':['lm_head','model.q_proj']}}", "{" LLAMA "}" },
	{ "rope that is not described", "rope scaling", "{'rope_scaling':{'type':'spiral','factor':2}}", "{" LLAMA "}" },
};

static char *quoted(struct arena *a, const char *json)
{
	char *text = arena_strdup(a, json);

	for (char *p = text; p && *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return text;
}

static char *config(struct arena *a, const char *change, const char *base)
{
	char *over = quoted(a, change), *under = base ? quoted(a, base) : NULL, *printed, *text = NULL;
	cJSON *o, *u, *v;

	if (!base || !over || !under)
		return over;
	o = cJSON_Parse(over);
	u = cJSON_Parse(under);
	while (o && u && (v = cJSON_DetachItemFromArray(o, 0))) {
		cJSON_DeleteItemFromObjectCaseSensitive(u, v->string);
		cJSON_AddItemToObject(u, v->string, v);
	}
	if (u && (printed = cJSON_PrintUnformatted(u))) {
		text = arena_strdup(a, printed);
		cJSON_free(printed);
	}
	cJSON_Delete(o);
	cJSON_Delete(u);
	return text;
}

int main(void)
{
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena a = { 0 };
		struct error err = { 0 };
		struct model_spec m;
		char *text = config(&a, bad[i].change, bad[i].base);
		int rc = text ? import_config(&m, &a, "some/config.json", text, strlen(text), &err) : E_NOMEM;

		if (!ok(rc == bad[i].code && err.code == rc && !strncmp(err.text, "some/config.json: ", 18) && strstr(err.text, bad[i].word),
			"%s: refused", bad[i].what))
			printf("# %d: %s\n", rc, err.text);
		arena_free(&a);
	}
	for (unsigned i = 0; i < sizeof doubtful / sizeof *doubtful; i++) {
		struct arena a = { 0 };
		struct error err = { 0 };
		struct model_spec m;
		char *text = config(&a, doubtful[i].change, doubtful[i].base);
		int said = 0;

		if (!ok(text && import_config(&m, &a, "some/config.json", text, strlen(text), &err) == OK, "%s: imported", doubtful[i].what)) {
			printf("# %s\n", err.text);
		} else {
			for (unsigned w = 0; w < m.n_warnings; w++)
				said |= strstr(m.warnings[w], doubtful[i].word) != NULL;
			ok(said, "%s: said", doubtful[i].what);
			is_str(m.name, "some", "%s: called by its folder", doubtful[i].what);
		}
		arena_free(&a);
	}
	return done_testing();
}
