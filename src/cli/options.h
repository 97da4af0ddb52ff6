/* options.h - one table of commands and options: parsing, --help, completions and the check of the man page come from it. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "base/error.h"
#include <stdint.h>

struct options;

struct command {
	const char *name, *args, *summary;
	int (*run)(struct options *o, struct error *err);    /* OK: yes; 1: the answer is no; negative: an error. NULL: not built yet */
	uint32_t bit;
	const char *detail;                  /* a paragraph of its --help */
};
extern const struct command commands[];      /* NULL-ended by name */

enum { CMD_FIT = 1, CMD_ESTIMATE = 2, CMD_INSPECT = 4, CMD_MODELS = 8, CMD_SHOW = 16, CMD_ACCURACY = 32, CMD_HARDWARE = 64, CMD_COMPLETION = 128, CMD_AUDIT = 256, CMD_RUN = 512, CMD_VERIFY = 1024, CMD_LATER = 1 << 30 };

/* OPT_MAYBE: a value only after '='; "" without */
enum option_kind { OPT_FLAG, OPT_MAYBE, OPT_STRING, OPT_TOKENS, OPT_COUNT, OPT_BYTES, OPT_RATE, OPT_LIST, OPT_PARAMS, OPT_DATE };
struct option {
	const char *names;                   /* "-c, --ctx-size, --ctx": all spellings */
	const char *arg;                     /* NULL for a flag */
	uint8_t kind;
	uint16_t offset;                     /* in struct options */
	uint32_t commands;                   /* bit set */
	const char *help;
};
extern const struct option options[];        /* NULL-ended by names */

enum { MAX_WHERE = 16 };
struct options {
	const char *program;
	const struct command *command;
	char **args; int n_args;             /* what is not an option */
	uint8_t json, csv, help, version, quiet, check, offline, no_calibration, swa_full, all, cpu_moe_all, measure, markdown, resolve, moe, dense, raw, no_repack, dummy, verbose;
	const char *quant, *on, *engine, *sort, *kv, *kv_k, *kv_v, *flash, *color, *family, *licence, *imatrix, *split, *shares, *max_quant, *modality, *use_case, *record, *ram_text,
		*vendor, *origin, *engine_runs, *released_after, *released_before, *status, *columns, *kind, *add, *id, *output,
		*prompt, *prompt_file, *temp, *top_k, *top_p, *min_p, *seed, *chat, *backend, *isa, *n_prompt, *depths, *parallel, *save, *baseline, *bench_format;
	double min_tps;                      /* 0: not given */
	const char *where[MAX_WHERE]; uint64_t n_where;
	uint64_t threads, n_predict, layers, repeats;        /* 0: not given */
	uint64_t ctx, sequences, gpu_layers, cpu_moe, ubatch, limit, ram;
	uint64_t min_params, max_params, min_context, min_memory;     /* 0: not given */
	uint8_t ctx_set, sequences_set, gpu_layers_set, cpu_moe_set, ubatch_set, limit_set, ram_set;
};

/* Fills *o from argv. E_USAGE names the option, with near matches. */
int options_parse(struct options *o, int argc, char **argv, struct error *err) MUST_CHECK;
void options_help(const struct options *o);          /* to stdout: of o->command, or of the program */

#endif
