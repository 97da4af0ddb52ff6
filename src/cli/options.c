/* options.c - the table, and the parser over it */
#include "cli/options.h"

#include "base/str.h"
#include "base/units.h"
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>
#include <stddef.h>

#define AT(f) (uint16_t)offsetof(struct options, f)
#define ANSWER (CMD_FIT | CMD_ESTIMATE)
#define MODEL_OF (ANSWER | CMD_INSPECT | CMD_SHOW)
#define EVERY 0xffffffffu
#define LISTED (CMD_FIT | CMD_MODELS)
/* models: what --fits-on is asked with */
#define SIZED (ANSWER | CMD_MODELS)
#define ENGINE (CMD_RUN | CMD_VERIFY)

const struct option options[] = {
	{ "-c, --ctx-size, --ctx", "TOKENS", OPT_TOKENS, AT(ctx), MODEL_OF | CMD_MODELS | ENGINE, "context of each sequence (8192, 32k, 128k); default 8192; run: 4096; verify: what its runs need" },
	{ "-np, --parallel", "N", OPT_COUNT, AT(sequences), MODEL_OF | CMD_MODELS, "sequences at a time; default 1" },
	{ "-ngl, --gpu-layers, --n-gpu-layers", "N", OPT_COUNT, AT(gpu_layers), ANSWER, "layers on the card, the output counting as one; default: as many as fit" },
	{ "-ncmoe, --n-cpu-moe", "N", OPT_COUNT, AT(cpu_moe), ANSWER, "the experts of the first N layers stay in host memory; default: as few as need be" },
	{ "-cmoe, --cpu-moe", NULL, OPT_FLAG, AT(cpu_moe_all), ANSWER, "all experts stay in host memory" },
	{ "-sm, --split-mode", "layer|tensor|none", OPT_STRING, AT(split), ANSWER, "how several cards share a model; default the engine's (llama.cpp: layer, vllm: tensor)" },
	{ "-ts, --tensor-split", "SHARES", OPT_STRING, AT(shares), ANSWER, "shares of the cards: 3,1; default by memory, or as even as fits" },
	{ "--kv-type", "TYPE", OPT_STRING, AT(kv), MODEL_OF | CMD_MODELS, "number format of K and V: f16, q8_0, q4_0, ...; default f16" },
	{ "--kv-type", "TYPE", OPT_STRING, AT(kv), ENGINE, "number format of K and V: f16, bf16, q8_0 or f32; default f16" },
	{ "-ctk, --cache-type-k", "TYPE", OPT_STRING, AT(kv_k), MODEL_OF | ENGINE, "number format of K" },
	{ "-ctv, --cache-type-v", "TYPE", OPT_STRING, AT(kv_v), MODEL_OF | ENGINE, "number format of V" },
	{ "-ub, --ubatch-size", "N", OPT_COUNT, AT(ubatch), MODEL_OF | ENGINE, "tokens computed at a time; default the engine's (llama.cpp: 512)" },
	{ "-fa, --flash-attn", "on|off|auto", OPT_STRING, AT(flash), MODEL_OF, "flash attention; default auto, which counts as on" },
	{ "--swa-full", NULL, OPT_FLAG, AT(swa_full), MODEL_OF, "sliding layers keep the whole context, as llama.cpp's option does" },
	{ "--quant", "NAME", OPT_STRING, AT(quant), MODEL_OF | CMD_MODELS | CMD_VERIFY, "quantisation: Q4_K_M, Q8_0, bf16, fp8, awq, ...; default the best that fits" },
	{ "--max-quant", "NAME", OPT_STRING, AT(max_quant), SIZED, "the best quantisation to try; default the first of the ladder in data/quants.yaml" },
	{ "--imatrix", "on|off", OPT_STRING, AT(imatrix), MODEL_OF, "the file was made with an importance matrix; default as is usual for the quantisation" },
	{ "--on", "HARDWARE", OPT_STRING, AT(on), ANSWER, "a machine: rtx-4090, \"2x RTX 4090\", \"rtx-4090 + 64GB\", file.yaml, a recording; default this one" },
	{ "--ram", "SIZE", OPT_BYTES, AT(ram), SIZED, "host memory beside a named card (64GB); without it no offload is considered" },
	{ "--engine", "NAME", OPT_STRING, AT(engine), MODEL_OF | CMD_MODELS, "llama.cpp, vllm, ullage (what verify and run are) or none (the architecture alone); default llama.cpp" },
	{ "--all", NULL, OPT_FLAG, AT(all), CMD_FIT, "finetunes too that share the shapes of another model and are tagged for nothing" },
	{ "--min-tps", "RATE", OPT_RATE, AT(min_tps), CMD_FIT, "decode tokens/s wanted: slower ones are left out; without it those below 5 come last" },
	{ "--fits-on", "HARDWARE", OPT_STRING, AT(on), CMD_MODELS, "only models that fit this machine, as fit answers; --quant, --ram, -c and others refine it" },
	{ "--family", "NAME", OPT_STRING, AT(family), LISTED, "only this family of models" },
	{ "--vendor", "NAME", OPT_STRING, AT(vendor), LISTED | CMD_HARDWARE, "only models of this vendor; hardware list: nvidia, amd, intel, apple or other" },
	{ "--origin", "COUNTRY", OPT_STRING, AT(origin), LISTED, "only models whose vendor is of this country: US, CN, FR, ..." },
	{ "--modality", "NAME", OPT_STRING, AT(modality), LISTED, "only models that take this: text, image, video, audio" },
	{ "--use-case, --use", "NAME", OPT_STRING, AT(use_case), LISTED, "only models tagged for this: general, coding, reasoning, agents, ..." },
	{ "--licence, --license", "NAME", OPT_STRING, AT(licence), LISTED, "only this licence" },
	{ "--engine-runs", "NAME", OPT_STRING, AT(engine_runs), LISTED, "only models that this engine is known to run: llama.cpp, ollama, vllm, ..." },
	{ "--moe", NULL, OPT_FLAG, AT(moe), LISTED, "only mixtures of experts" },
	{ "--dense", NULL, OPT_FLAG, AT(dense), LISTED, "only models that are none" },
	{ "--min-params", "N", OPT_PARAMS, AT(min_params), LISTED, "at least so many parameters in all: 7B, 500M, 1.2T" },
	{ "--max-params", "N", OPT_PARAMS, AT(max_params), LISTED, "at most so many" },
	{ "--min-context", "TOKENS", OPT_TOKENS, AT(min_context), LISTED, "the longest context is at least this: 128k" },
	{ "--released-after", "DATE", OPT_DATE, AT(released_after), LISTED, "released on that day or later: 2026, 2026-03 or 2026-03-15" },
	{ "--released-before", "DATE", OPT_DATE, AT(released_before), LISTED, "released before it" },
	{ "--status", "NAME", OPT_STRING, AT(status), CMD_MODELS | CMD_HARDWARE, "models: open_weights (default), api_only, announced, does_not_exist, all; hardware list: sold, announced, never_sold" },
	{ "--kind", "NAME", OPT_STRING, AT(kind), CMD_HARDWARE, "list: only gpu, soc, apu, cpu, node or memory" },
	{ "--min-memory", "SIZE", OPT_BYTES, AT(min_memory), CMD_HARDWARE, "list: at least so much usable memory, such as 24GB" },
	{ "--sort", "COLUMN", OPT_STRING, AT(sort), LISTED | CMD_HARDWARE, "order of the table: a column; fit: params, name, memory, left, context, decode, prefill; models and hardware list: -COLUMN reverses" },
	{ "--columns", "A,B,...", OPT_STRING, AT(columns), CMD_MODELS | CMD_HARDWARE, "the columns of a list; a wrong one is answered with all there are" },
	{ "-n, --limit", "N", OPT_COUNT, AT(limit), CMD_FIT | CMD_MODELS | CMD_HARDWARE | CMD_ACCURACY | CMD_AUDIT, "at most so many rows" },
	{ "--where", "COLUMN=VALUE[,VALUE]", OPT_LIST, AT(where), CMD_ACCURACY | CMD_AUDIT, "only rows with this value; may repeat; an empty value keeps rows where the column is empty" },
	{ "--resolve", NULL, OPT_FLAG, AT(resolve), CMD_ACCURACY, "which models, quantisations and machines of the file the catalogue knows" },
	{ "--check", NULL, OPT_FLAG, AT(check), CMD_MODELS, "the arguments are catalogue files: validate them" },
	{ "--add", "FILE", OPT_STRING, AT(add), CMD_MODELS, "write a draft entry from a config.json, a GGUF file or a folder, for a person to finish" },
	{ "--id", "ID", OPT_STRING, AT(id), CMD_MODELS, "of the entry that --add writes; default after the file" },
	{ "-o, --output", "FILE", OPT_STRING, AT(output), CMD_MODELS, "where --add writes, a file that is not there yet; default stdout" },
	{ "--record", "FOLDER", OPT_STRING, AT(record), CMD_HARDWARE, "write what this machine says of itself into a folder" },
	{ "--measure", NULL, OPT_FLAG, AT(measure), CMD_HARDWARE, "measure this machine's memory and matrix rates, and keep them for later estimates" },
	{ "-p, --prompt", "TEXT", OPT_STRING, AT(prompt), CMD_RUN, "what to go on from" },
	{ "-f, --file", "FILE", OPT_STRING, AT(prompt_file), CMD_RUN, "the prompt is in this file; -: stdin" },
	{ "-n, --n-predict", "N", OPT_COUNT, AT(n_predict), ENGINE, "at most so many tokens; run: default until the text ends; verify: tokens of each decode run, default 128" },
	{ "--temp", "T", OPT_STRING, AT(temp), CMD_RUN, "temperature; 0: always the likeliest token; default 0.8" },
	{ "--top-k", "K", OPT_STRING, AT(top_k), CMD_RUN, "only the K likeliest tokens; 0: all; default 40" },
	{ "--top-p", "P", OPT_STRING, AT(top_p), CMD_RUN, "only the likeliest tokens that have P together; 1: all, 0: the likeliest; default 0.95" },
	{ "--min-p", "P", OPT_STRING, AT(min_p), CMD_RUN, "only tokens at least P times as likely as the likeliest; 0: all; default 0.05" },
	{ "--seed", "N", OPT_STRING, AT(seed), ENGINE, "of what is random; run: default another each time; verify: default 1" },
	{ "--chat", "NAME", OPT_MAYBE, AT(chat), CMD_RUN, "the prompt as a user's turn, in the file's own template or the one of this name; default where the file has one that is known" },
	{ "--raw", NULL, OPT_FLAG, AT(raw), CMD_RUN, "the prompt as it is, without a template; names of control tokens in it are those tokens" },
	{ "-t, --threads", "N", OPT_COUNT, AT(threads), ENGINE, "threads; default as many as this process may use" },
	{ "--backend", "cpu|ref", OPT_STRING, AT(backend), ENGINE, "kernels: cpu, or the slow ones that define what is right; default cpu" },
	{ "--isa", "NAME", OPT_STRING, AT(isa), ENGINE, "instruction set of the kernels: scalar, avx2, avx512-vnni, ...; default the best" },
	{ "--no-repack", NULL, OPT_FLAG, AT(no_repack), ENGINE, "weights stay as the file has them" },
	{ "-p, --n-prompt", "N", OPT_STRING, AT(n_prompt), CMD_VERIFY, "tokens of the prompt that is timed; default 512" },
	{ "-d, --n-depth", "LIST", OPT_STRING, AT(depths), CMD_VERIFY, "decode after so many tokens: 0,4096, the default" },
	{ "-np, --parallel", "LIST", OPT_STRING, AT(parallel), CMD_VERIFY, "decode of so many sequences at a time: 1,4,16, the default" },
	{ "-r, --repetitions", "N", OPT_COUNT, AT(repeats), CMD_VERIFY, "runs of each speed; default 5" },
	{ "--dummy", NULL, OPT_FLAG, AT(dummy), CMD_VERIFY, "made-up weights of the shapes and formats of a model of the catalogue: nothing is downloaded" },
	{ "--layers", "N", OPT_COUNT, AT(layers), CMD_VERIFY, "--dummy: only the first N layers; a second table scales to the whole model" },
	{ "--save", "FILE.gguf", OPT_STRING, AT(save), CMD_VERIFY, "--dummy: write the made-up weights, so that another engine can run the same bytes" },
	{ "--baseline", "FILE", OPT_STRING, AT(baseline), CMD_VERIFY, "an earlier verify --json: fail where this is slower or larger" },
	{ "--bench-format", "llama-bench", OPT_STRING, AT(bench_format), CMD_VERIFY, "rows of JSON with the keys of llama-bench -o json, in place of the answer" },
	{ "-v, --verbose", NULL, OPT_FLAG, AT(verbose), CMD_VERIFY, "say what is predicted before it is run, on stderr, also where that is no terminal" },
	{ "--json", NULL, OPT_FLAG, AT(json), EVERY, "one JSON document" },
	{ "--csv", NULL, OPT_FLAG, AT(csv), EVERY & ~(uint32_t)(CMD_COMPLETION | CMD_RUN), "comma-separated values" },
	{ "--markdown", NULL, OPT_FLAG, AT(markdown), CMD_AUDIT, "tables of Markdown" },
	{ "--offline", NULL, OPT_FLAG, AT(offline), EVERY, "never use the network (this version never does)" },
	{ "--no-calibration", NULL, OPT_FLAG, AT(no_calibration), EVERY, "ignore what hardware --measure and verify found on this machine; verify: keep nothing" },
	{ "--color, --colour", "auto|always|never", OPT_STRING, AT(color), EVERY, "colour; default auto: on a terminal, unless NO_COLOR is set" },
	{ "-q, --quiet", NULL, OPT_FLAG, AT(quiet), EVERY, "no notes, only the answer" },
	{ "-h, --help", NULL, OPT_FLAG, AT(help), EVERY, "this text" },
	{ "--version", NULL, OPT_FLAG, AT(version), EVERY, "the version" },
	{ NULL, NULL, 0, 0, 0, NULL }
};

/* Is `word` one of the comma-separated spellings? */
static int spelt(const char *names, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = names; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		while (*p == ' ')
			p++;
		if (!strncmp(p, word, n) && (p[n] == ',' || p[n] == 0))
			return 1;
	}
	return 0;
}

/* That of the command, where commands share a spelling. */
static const struct option *find(const char *word, const struct command *c)
{
	const struct option *any = NULL;

	for (const struct option *o = options; o->names; o++)
		if (spelt(o->names, word)) {
			if (c && o->commands & c->bit)
				return o;
			any = any ? any : o;
		}
	return any;
}

static int unknown(const char *word, struct error *err)
{
	struct near_matches m;
	char name[64];

	near_init(&m, word);
	for (const struct option *o = options; o->names; o++)
		for (const char *p = o->names; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
			while (*p == ' ')
				p++;
			size_t n = strcspn(p, ",");
			if (n < sizeof name) {
				memcpy(name, p, n);
				name[n] = 0;
				near_offer(&m, name);
			}
		}
	error_set(err, E_USAGE, "unknown option %s", word);
	near_report(&m, err);
	error_hint(err, "ullage --help lists the options");
	return err ? err->code : E_USAGE;
}

/* "7B", "1.2T", "500M", "7000000000". */
static int parse_params(uint64_t *out, const char *s)
{
	static const struct { char letter; double times; } units[] = { { 'k', 1e3 }, { 'm', 1e6 }, { 'b', 1e9 }, { 't', 1e12 } };
	size_t n = strlen(s);
	double v, times = 1;
	char digits[32];

	if (!n || n >= sizeof digits)
		return -1;
	memcpy(digits, s, n + 1);
	for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
		if ((digits[n - 1] | 0x20) == units[i].letter) {
			times = units[i].times;
			digits[n - 1] = 0;
			break;
		}
	if (parse_f64(&v, digits) || !(v > 0) || v * times >= 9e18 || v * times < 1)
		return -1;
	*out = (uint64_t)(v * times + 0.5);
	return 0;
}

/* YYYY, YYYY-MM, YYYY-MM-DD */
static int is_date(const char *s)
{
	static const char form[] = "dddd-dd-dd";
	size_t n = strlen(s);

	if (n != 4 && n != 7 && n != 10)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != '-')
			return 0;
	return (n < 7 || (strncmp(s + 5, "01", 2) >= 0 && strncmp(s + 5, "12", 2) <= 0)) &&
	       (n < 10 || (strncmp(s + 8, "01", 2) >= 0 && strncmp(s + 8, "31", 2) <= 0));
}

static int store(struct options *o, const struct option *opt, const char *word, const char *value, struct error *err)
{
	char *base = (char *)o + opt->offset;
	uint64_t n;

	if (opt->kind == OPT_MAYBE && !value)
		value = "";
	if (opt->kind != OPT_FLAG && !value)
		return error_set(err, E_USAGE, "%s wants %s", word, opt->arg);
	switch ((enum option_kind)opt->kind) {
	case OPT_FLAG:
		*(uint8_t *)base = 1;
		return OK;
	case OPT_MAYBE:
	case OPT_STRING:
		memcpy(base, &value, sizeof value);
		return OK;
	case OPT_LIST:
		if (o->n_where == MAX_WHERE)
			return error_set(err, E_USAGE, "%s given more than %d times", word, MAX_WHERE);
		o->where[o->n_where++] = value;
		return OK;
	case OPT_TOKENS:
		if (parse_tokens(&n, value) || n == 0)
			return error_set(err, E_USAGE, "%s %s: wants a number of tokens above 0, such as 8192 or 128k", word, value);
		break;
	case OPT_BYTES:
		if (opt->offset == AT(ram))
			o->ram_text = value;
		if (parse_bytes(&n, value) || n == 0)
			return error_set(err, E_USAGE, "%s %s: wants a size above 0, such as 64GB or 24GiB", word, value);
		if (value[strlen(value) - 1] >= '0' && value[strlen(value) - 1] <= '9')
			return error_set(err, E_USAGE, "%s %s: of what? %sGB, or %sGiB", word, value, value, value);
		break;
	case OPT_RATE: {
		double rate;
		if (parse_f64(&rate, value) || !(rate > 0))
			return error_set(err, E_USAGE, "%s %s: wants a number above 0", word, value);
		memcpy(base, &rate, sizeof rate);
		return OK;
	}
	case OPT_PARAMS:
		if (parse_params(&n, value))
			return error_set(err, E_USAGE, "%s %s: wants a number of parameters, such as 7B, 500M or 1.2T", word, value);
		break;
	case OPT_DATE:
		if (!is_date(value))
			return error_set(err, E_USAGE, "%s %s: wants a date as YYYY, YYYY-MM or YYYY-MM-DD", word, value);
		memcpy(base, &value, sizeof value);
		return OK;
	case OPT_COUNT:
		if (parse_u64(&n, value) || n > UINT32_MAX || (n == 0 && opt->offset != AT(gpu_layers) && opt->offset != AT(cpu_moe)))
			return error_set(err, E_USAGE, "%s %s: wants a whole number%s", word, value, opt->offset == AT(gpu_layers) || opt->offset == AT(cpu_moe) ? "" : " above 0");
		break;
	}
	memcpy(base, &n, sizeof n);
	if (opt->offset == AT(ctx)) o->ctx_set = 1;
	if (opt->offset == AT(sequences)) o->sequences_set = 1;
	if (opt->offset == AT(gpu_layers)) o->gpu_layers_set = 1;
	if (opt->offset == AT(cpu_moe)) o->cpu_moe_set = 1;
	if (opt->offset == AT(ubatch)) o->ubatch_set = 1;
	if (opt->offset == AT(limit)) o->limit_set = 1;
	if (opt->offset == AT(ram)) o->ram_set = 1;
	return OK;
}

static int unknown_command(const char *word, struct error *err)
{
	struct near_matches m;

	near_init(&m, word);
	for (const struct command *c = commands; c->name; c++)
		near_offer(&m, c->name);
	error_set(err, E_USAGE, "unknown command %s", word);
	near_report(&m, err);
	error_hint(err, "ullage --help lists the commands");
	return E_USAGE;
}

int options_parse(struct options *o, int argc, char **argv, struct error *err)
{
	int only_args = 0, rc;

	/* --json first of all: a later error must be a document too */
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json"))
			o->json = 1;
	for (int i = 1; i < argc; i++) {
		char word[64];
		const char *s = argv[i], *eq = strncmp(s, "--", 2) ? NULL : strchr(s, '='), *value = NULL;
		const struct option *opt;

		if (only_args || s[0] != '-' || s[1] == 0) {
			if (!o->command && !only_args) {
				for (const struct command *c = commands; c->name; c++)
					if (!strcmp(c->name, s))
						o->command = c;
				if (!o->command)
					return unknown_command(s, err);
				continue;
			}
			o->args[o->n_args++] = argv[i];
			continue;
		}
		if (!strcmp(s, "--")) {
			only_args = 1;
			continue;
		}
		if (eq && (size_t)(eq - s) < sizeof word) {
			memcpy(word, s, (size_t)(eq - s));
			word[eq - s] = 0;
			value = eq + 1;
		} else {
			size_t n = strlen(s) < sizeof word ? strlen(s) : sizeof word - 1;
			memcpy(word, s, n);
			word[n] = 0;
		}
		if (!(opt = find(word, o->command)))
			return unknown(word, err);
		if (opt->arg && !value && opt->kind != OPT_MAYBE) {
			if (i + 1 == argc)
				return error_set(err, E_USAGE, "%s wants %s", word, opt->arg);
			value = argv[++i];
		}
		if (!opt->arg && value)
			return error_set(err, E_USAGE, "%s takes no value", word);
		if (o->command && !(opt->commands & o->command->bit))
			return error_set(err, E_USAGE, "%s is no option of ullage %s", word, o->command->name);
		if ((rc = store(o, opt, word, value, err)) != OK)
			return rc;
	}
	if (o->color && strcmp(o->color, "auto") && strcmp(o->color, "always") && strcmp(o->color, "never"))
		return error_set(err, E_USAGE, "--color %s: wants auto, always or never", o->color);
	if (o->json && o->csv)
		return error_set(err, E_USAGE, "--json and --csv exclude each other");
	return OK;
}

static void help_options(uint32_t bit)
{
	for (const struct option *o = options; o->names; o++) {
		char head[64];
		if (!(o->commands & bit))
			continue;
		snprintf(head, sizeof head, "%s%s%s%s", o->names, o->kind == OPT_MAYBE ? " [=" : o->arg ? " " : "", o->arg ? o->arg : "", o->kind == OPT_MAYBE ? "]" : "");
		if (strlen(head) > 30)
			printf("  %s\n  %-30s %s\n", head, "", o->help);
		else
			printf("  %-30s %s\n", head, o->help);
	}
}

void options_help(const struct options *o)
{
	if (o->command) {
		printf("usage: ullage %s%s%s [options]\n\n%s\n", o->command->name, *o->command->args ? " " : "", o->command->args, o->command->summary);
		if (o->command->detail)
			printf("\n%s\n", o->command->detail);
		if (!o->command->run)
			printf("\nNot built yet in this version.\n");
		printf("\noptions:\n");
		help_options(o->command->bit);
	} else {
		printf("usage: ullage COMMAND [arguments] [options]\n       ullage                          on a terminal: the same as ullage fit\n\n"
		       "How much memory a language model leaves on a machine, term by term.\n\ncommands:\n");
		for (const struct command *c = commands; c->name; c++) {
			char head[64];
			snprintf(head, sizeof head, "%s %s", c->name, c->args);
			printf("  %-30s %s%s\n", head, c->summary, c->run ? "" : " (not built yet)");
		}
		printf("\noptions (ullage COMMAND --help lists those of a command):\n");
		help_options(1u << 29);
	}
	printf("\nexit status: 0 yes, 1 the answer is no, 2 usage, 3 cannot tell, 4 environment\n");
}
