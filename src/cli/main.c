/* main.c - find the command, run it, print one error, pick the exit status */
#include "base/json.h"
#include "cli/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_error(const struct error *e, int as_json)
{
	if (as_json) {
		cJSON *doc = cJSON_CreateObject(), *o;
		json_add_u64(doc, "schema_version", 1);
		o = json_add_object(doc, "error");
		json_add_str(o, "code", error_name(e->code));
		json_add_str(o, "message", e->text);
		json_add_str(o, "hint", e->hint[0] ? e->hint : NULL);
		cJSON *c = json_add_array(o, "candidates");
		for (int i = 0; i < e->n_candidates; i++)
			cJSON_AddItemToArray(c, cJSON_CreateString(e->candidate[i]));
		char *text = cJSON_Print(doc);
		if (text)
			puts(text);
		free(text);
		cJSON_Delete(doc);
		return;
	}
	fprintf(stderr, "ullage: %s\n", e->text);
	for (int i = 0; i < e->n_candidates; i++)
		fprintf(stderr, "%s%s%s", i ? ", " : e->code == E_AVAILABLE ? "  there is: " : "  did you mean: ", e->candidate[i], i + 1 == e->n_candidates ? "\n" : "");
	if (e->hint[0])
		fprintf(stderr, "  %s\n", e->hint);
}

static int run(struct options *o, int argc, char **argv, struct error *err)
{
	int rc = options_parse(o, argc, argv, err);

	if (rc != OK)
		return rc;
	if (o->version) {
		printf("ullage %s\n", ULLAGE_VERSION);
		return OK;
	}
	if (o->help) {
		options_help(o);
		return OK;
	}
	if (!o->command) {
		if (!isatty(STDOUT_FILENO) || o->n_args) {
			error_set(err, E_USAGE, "no command given");
			error_hint(err, "ullage --help lists the commands");
			return E_USAGE;
		}
		for (const struct command *c = commands; c->name; c++)
			if (c->bit == CMD_FIT)
				o->command = c;
	}
	if (!o->command->run) {
		error_set(err, E_USAGE, "ullage %s is not built yet in this version", o->command->name);
		error_hint(err, "ullage --help lists what there is");
		return E_USAGE;
	}
	return o->command->run(o, err);
}

int main(int argc, char **argv)
{
	struct options o = { .program = argv[0] };
	struct error err = { 0 };
	int rc, status;

	o.args = calloc((size_t)argc + 1, sizeof *o.args);
	if (!o.args) {
		fputs("ullage: out of memory\n", stderr);
		return 4;
	}
	rc = run(&o, argc, argv, &err);
	if (rc < 0)
		print_error(&err, o.json);
	status = rc < 0 ? error_exit(rc) : rc;
	free(o.args);
	/* an answer that could not be written is no answer */
	errno = 0;
	int failed = ferror(stdout);
	if (fclose(stdout) || failed) {
		fprintf(stderr, "ullage: cannot write to stdout%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
		return 4;
	}
	return status;
}
