/* commands.c - the table of commands */
#include "cli/cmd.h"

#include <stddef.h>

const struct command commands[] = {
	{ "fit", "", "what fits here: a table of models on this machine's memory", cmd_fit, CMD_FIT,
	  "Every model of the catalogue at the best quantisation that fits, with its memory and what is left over.\n"
	  "Without --on it is this machine: its GPUs, and its memory, as they are now." },
	{ "estimate", "MODEL", "one model on one machine: memory term by term, speed, verdict", cmd_estimate, CMD_ESTIMATE,
	  "MODEL is a catalogue name, a .gguf file, a .safetensors file or folder, or a config.json.\n"
	  "Exit status 0 when it fits, 1 when it does not." },
	{ "inspect", "FILE", "exact sizes from a GGUF or safetensors header", cmd_inspect, CMD_INSPECT,
	  "FILE is a .gguf (any part of a split file), a .safetensors file, an index, a folder or a config.json. No weights are read." },
	{ "models", "[QUERY]", "the model catalogue; --check FILE... validates entries", cmd_models, CMD_MODELS,
	  "Without --status: models whose weights can be had. QUERY is words of the id, name, aliases, family, vendor or repository.\n"
	  "--add FILE writes a draft of a new entry; --check validates catalogue files." },
	{ "show", "MODEL", "one model: facts, sizes at each quantisation, KV cache", cmd_show, CMD_SHOW,
	  "Answers for names that do not exist too, and says what does." },
	{ "accuracy", "FILE.csv", "score the estimates against published measurements", cmd_accuracy, CMD_ACCURACY,
	  "FILE.csv has the columns of gguf_sizes, llamacpp_memory or vllm_memory (see ullage-catalog(5))." },
	{ "audit", "[FILE.csv]", "judge claims such as \"70B Q4 runs on one RTX 4090\"", cmd_audit, CMD_AUDIT,
	  "Without a file: what five guides claim, data/claims.csv. What a claim leaves open is read in its favour; ullage-catalog(5) says how.\n"
	  "--where verdict=false shows those that do not hold." },
	{ "hardware", "[list [QUERY]|show NAME]", "this machine, or the hardware catalogue", cmd_hardware, CMD_HARDWARE,
	  "Without arguments: what this machine is, what memory is free and who holds the rest, where its sources disagree.\n"
	  "list: the catalogue. show: NAME is one of it, or a folder that --record made." },
	{ "completion", "bash|zsh|fish", "completions for a shell", cmd_completion, CMD_COMPLETION, NULL },
	{ "plan", "", "deployment recommendations for a workload", NULL, CMD_LATER, NULL },
	{ "verify", "MODEL|FILE", "load and run it; predicted against measured", NULL, CMD_LATER, NULL },
	{ "run", "FILE -p TEXT", "generate text with the built-in kernels", NULL, CMD_LATER, NULL },
	{ "pull", "URL|REPO", "download with progress, resume and checksum", NULL, CMD_LATER, NULL },
	{ "check", "-- COMMAND...", "will this llama-server or vllm command fit here?", NULL, CMD_LATER, NULL },
	{ NULL, NULL, NULL, NULL, 0, NULL }
};
