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
	{ "verify", "MODEL|FILE", "load and run it; predicted against measured", cmd_verify, CMD_VERIFY,
	  "FILE is a .gguf or .safetensors file or a folder of them; with --dummy, MODEL is a name of the catalogue, and its weights are made up.\n"
	  "The prediction is the one of estimate --engine ullage; memory is what the system says is resident. Without a measured bandwidth of this\n"
	  "machine, that is measured first. Speeds are kept for later estimates. Exit status 0 when every term passes, 1 when one does not." },
	{ "run", "FILE -p TEXT", "generate text with the built-in kernels", cmd_run, CMD_RUN,
	  "FILE is a .gguf file, any part of a split one, or a folder of one. Text goes to stdout as it comes, how fast it came to stderr.\n"
	  "A prompt that does not fit the context is refused with exit status 2; ctrl-C ends the text, with exit status 130." },
	{ "completion", "bash|zsh|fish", "completions for a shell", cmd_completion, CMD_COMPLETION, NULL },
	{ "plan", "", "deployment recommendations for a workload", NULL, CMD_LATER, NULL },
	{ "pull", "URL|REPO", "download with progress, resume and checksum", NULL, CMD_LATER, NULL },
	{ "check", "-- COMMAND...", "will this llama-server or vllm command fit here?", NULL, CMD_LATER, NULL },
	{ NULL, NULL, NULL, NULL, 0, NULL }
};
