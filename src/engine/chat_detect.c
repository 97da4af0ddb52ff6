/* chat_detect.c - which template a Jinja text is, by strings that it has: the first rule of the list whose strings all occur */
#include "engine/chat.h"

#include <string.h>

#define FW(x) "<\xef\xbd\x9c" x "\xef\xbd\x9c>"
#define LOW "\xe2\x96\x81"

/* The order matters: llama.cpp's llama-chat.cpp, llm_chat_detect_template. */
static const struct { const char *name; const char *has[4]; } rules[] = {
	{ "phi4", { "<|im_start|>", "<|im_sep|>" } },
	{ "smolvlm", { "<|im_start|>", "<end_of_utterance>" } },
	{ "chatml", { "<|im_start|>" } },
	{ "mistral-v7", { "[INST]", "[SYSTEM_PROMPT]" } },
	{ "mistral-v1", { "' [INST] ' + system_message" } },
	{ "mistral-v1", { "[INST]", "[AVAILABLE_TOOLS]", " [INST]" } },
	{ "mistral-v3-tekken", { "[INST]", "[AVAILABLE_TOOLS]", "\"[INST]\"" } },
	{ "mistral-v3", { "[INST]", "[AVAILABLE_TOOLS]" } },
	{ "llama2-sys-strip", { "[INST]", "content.strip()" } },
	{ "llama2-sys-bos", { "[INST]", "bos_token + '[INST]" } },
	{ "llama2-sys", { "[INST]", "<<SYS>>" } },
	{ "llama2", { "[INST]" } },
	{ "phi3", { "<|assistant|>", "<|end|>" } },
	{ "chatglm4", { "[gMASK]<sop>" } },
	{ "exaone-moe", { "<|assistant|>", "<|user|>", "<|tool_declare|>" } },
	{ "falcon3", { "<|assistant|>", "<|user|>", "</s>" } },
	{ "glmedge", { "<|assistant|>", "<|user|>" } },
	{ "glmedge", { "<|{{ item['role'] }}|>", "<|begin_of_image|>" } },
	{ "zephyr", { "<|user|>", "<|endoftext|>" } },
	{ "monarch", { "bos_token + message['role']" } },
	{ "gemma", { "<start_of_turn>" } },
	{ "gemma4-no-thought", { "<|turn>model", "<turn|>", "'<|channel>thought\\n<channel|>'" } },
	{ "gemma4", { "<|turn>", "<turn|>" } },
	{ "orion", { "'\\n\\nAssistant: ' + eos_token" } },
	{ "openchat", { "GPT4 Correct " } },
	{ "vicuna-orca", { "USER: ", "ASSISTANT: ", "SYSTEM: " } },
	{ "vicuna", { "USER: ", "ASSISTANT: " } },
	{ "deepseek", { "### Instruction:", "<|EOT|>" } },
	{ "command-r", { "<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>" } },
	{ "llama3", { "<|start_header_id|>", "<|end_header_id|>" } },
	{ "chatglm3", { "[gMASK]sop" } },
	{ "minicpm", { "<用户>" } },
	{ "deepseek2", { "'Assistant: ' + message['content'] + eos_token" } },
	{ "deepseek3", { FW("Assistant"), FW("User"), FW("end" LOW "of" LOW "sentence") } },
	{ "exaone4", { "[|system|]", "[|assistant|]", "[|endofturn|]", "[|tool|]" } },
	{ "exaone3", { "[|system|]", "[|assistant|]", "[|endofturn|]" } },
	{ "rwkv-world", { "rwkv-world" } },
	{ "rwkv-world", { "{{- 'User: ' + message['content']|trim + '\\n\\n' -}}" } },
	{ "granite-4.0", { "<|start_of_role|>", "<tool_call>", "g4_default_system_message" } },
	{ "granite-4.0", { "<|start_of_role|>", "<tools>", "g4_default_system_message" } },
	{ "granite-4.1", { "<|start_of_role|>", "<tool_call>" } },
	{ "granite-4.1", { "<|start_of_role|>", "<tools>" } },
	{ "granite", { "<|start_of_role|>" } },
	{ "gigachat", { "message['role'] + additional_special_tokens[0] + message['content'] + additional_special_tokens[1]" } },
	{ "megrez", { "<|role_start|>" } },
	{ "yandex", { " Ассистент:" } },
	{ "bailing", { "<role>ASSISTANT</role>", "'HUMAN'" } },
	{ "bailing-think", { "<role>ASSISTANT</role>", "\"HUMAN\"", "<think>" } },
	{ "bailing2", { "<role>ASSISTANT</role>", "<role>HUMAN</role>", "<|role_end|>" } },
	{ "llama4", { "<|header_start|>", "<|header_end|>" } },
	{ "dots1", { "<|endofuserprompt|>" } },
	{ "hunyuan-moe", { "<|extra_0|>", "<|extra_4|>" } },
	{ "gpt-oss", { "<|start|>", "<|channel|>" } },
	{ "hunyuan-vl", { FW("hy_Assistant"), FW("hy_begin" LOW "of" LOW "sentence") } },
	{ "hunyuan-dense", { FW("hy_Assistant"), FW("hy_place" LOW "holder" LOW "no" LOW "3") } },
	{ "kimi-k2", { "<|im_assistant|>assistant<|im_middle|>" } },
	{ "seed_oss", { "<seed:bos>" } },
	{ "grok-2", { "'Assistant: '  + message['content'] + '<|separator|>" } },
	{ "pangu-embedded", { "[unused9]系统：[unused10]" } },
	{ "solar-open", { "<|begin|>", "<|end|>", "<|content|>" } },
};

const struct chat_template *chat_detect(const char *jinja)
{
	for (size_t i = 0; jinja && i < sizeof rules / sizeof *rules; i++) {
		size_t k = 0;
		while (k < 4 && rules[i].has[k] && strstr(jinja, rules[i].has[k]))
			k++;
		if (k == 4 || !rules[i].has[k])
			return chat_find(rules[i].name);
	}
	return NULL;
}
