/* cmd_completion.c - ullage completion: shell completions from the tables of commands and options */
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

static void words_of(const struct option *o, const char *lead)
{
	for (const char *p = o->names; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		while (*p == ' ')
			p++;
		printf("%s%.*s", lead, (int)strcspn(p, ","), p);
	}
}

static void bash(void)
{
	puts("# bash completion for ullage\n_ullage() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]} words=");
	fputs("\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords=\"", stdout);
	for (const struct command *c = commands; c->name; c++)
		printf("%s%s", c == commands ? "" : " ", c->name);
	puts("\"\n\telse\n\t\tcase $cmd in");
	for (const struct command *c = commands; c->name; c++) {
		printf("\t\t%s) words=\"", c->name);
		for (const struct option *o = options; o->names; o++)
			if (o->commands & c->bit)
				words_of(o, " ");
		puts(" \";;");
	}
	puts("\t\tesac\n\tfi\n\tif [[ $cur == -* || $COMP_CWORD -eq 1 ]]; then\n\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	     "\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\tfi\n}\ncomplete -o filenames -F _ullage ullage");
}

static void zsh(void)
{
	puts("#compdef ullage\n# zsh completion for ullage\n_ullage() {\n\tlocal -a cmds opts\n\tcmds=(");
	for (const struct command *c = commands; c->name; c++)
		printf("\t\t'%s:%s'\n", c->name, strchr(c->summary, '\'') ? "" : c->summary);
	puts("\t)\n\tif (( CURRENT == 2 )); then _describe command cmds; return; fi\n\tcase $words[2] in");
	for (const struct command *c = commands; c->name; c++) {
		printf("\t%s) opts=(", c->name);
		for (const struct option *o = options; o->names; o++)
			if (o->commands & c->bit)
				words_of(o, " ");
		puts(" );;");
	}
	puts("\tesac\n\tif [[ $PREFIX == -* ]]; then compadd -- $opts; else _files; fi\n}\n_ullage \"$@\"");
}

static void fish(void)
{
	puts("# fish completion for ullage");
	for (const struct command *c = commands; c->name; c++)
		printf("complete -c ullage -n __fish_use_subcommand -f -a %s -d \"%s\"\n", c->name, strchr(c->summary, '"') ? "" : c->summary);
	for (const struct option *o = options; o->names; o++)
		for (const struct command *c = commands; c->name; c++) {
			if (!(o->commands & c->bit))
				continue;
			for (const char *p = o->names; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
				while (*p == ' ')
					p++;
				int n = (int)strcspn(p, ",");
				int dashes = !strncmp(p, "--", 2) ? 2 : 1;
				printf("complete -c ullage -n '__fish_seen_subcommand_from %s' -%c %.*s%s\n", c->name, dashes == 2 ? 'l' : n == 2 ? 's' : 'o', n - dashes, p + dashes, o->arg && o->kind != OPT_MAYBE ? " -r" : "");
			}
		}
}

int cmd_completion(struct options *o, struct error *err)
{
	const char *shell = o->n_args == 1 ? o->args[0] : "";

	if (!strcmp(shell, "bash"))
		bash();
	else if (!strcmp(shell, "zsh"))
		zsh();
	else if (!strcmp(shell, "fish"))
		fish();
	else
		return error_set(err, E_USAGE, "completion wants bash, zsh or fish");
	return OK;
}
