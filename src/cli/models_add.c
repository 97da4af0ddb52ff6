/* models_add.c - ullage models --add: a draft entry from a file's own description */
#include "cli/models.h"

#include "base/file.h"
#include "base/str.h"
#include "catalog/model_write.h"
#include "cli/model_arg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The word of a path that names the model: of "a/Qwen3-8B/config.json" the folder, of "Qwen--Qwen3-8B_config.json" what is behind "--". */
static void name_of_path(char *out, size_t n, const char *path)
{
	static const char *const endings[] = { "_config.json", ".config.json", ".json", ".gguf", ".index", ".safetensors" };
	char text[512], *base, *owner;

	snprintf(text, sizeof text, "%s", path);
	for (size_t k = strlen(text); k > 1 && text[k - 1] == '/'; k--)
		text[k - 1] = 0;
	base = strrchr(text, '/');
	if (base && (!strcmp(base, "/config.json") || !strcmp(base, "/model.safetensors") || !strcmp(base, "/model.safetensors.index.json"))) {
		*base = 0;
		base = strrchr(text, '/');
	}
	base = base ? base + 1 : text;
	for (unsigned i = 0; i < sizeof endings / sizeof *endings; i++)
		if (str_suffix(base, endings[i]))
			base[strlen(base) - strlen(endings[i])] = 0;
	owner = strstr(base, "--");
	snprintf(out, n, "%s", owner && owner[2] ? owner + 2 : base);
}

static int check_id(const char *id, struct error *err)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789.-");

	if (!*id || id[n] || n > 60 || *id == '.' || *id == '-')
		return error_set(err, E_USAGE, "--id %s: 1 to 60 of a-z, 0-9, '.' and '-'", id);
	return OK;
}

struct add { struct model_draft d; char id[64], name[256], what[200], sizes[300], taken[240]; const char *remarks[6]; };

/* What the catalogue has under this id or name, which an own entry of it would replace. */
static void look_for(struct add *a, struct catalog *c)
{
	const struct model_entry *e;

	/* a name is looked up too: one that is another entry's would lead here */
	if (catalog_model(&e, c, a->name, NULL) == OK && strcmp(e->id, a->id))
		snprintf(a->name, sizeof a->name, "%s", a->id);
	if (catalog_model(&e, c, a->id, NULL) != OK)
		return;
	snprintf(a->taken, sizeof a->taken, "note: %.60s is %s %.60s of the catalogue already; choose another id unless this entry is to replace it", a->id,
		!strcmp(e->id, a->id) ? "the entry" : "a name of", e->id);
}

static int describe(struct add *a, const struct model_arg *m, const char *path, const struct options *o, struct catalog *c, struct error *err)
{
	const char *told = NULL;
	struct counts n;
	uint64_t kv;
	unsigned k = 0;
	int rc;

	name_of_path(a->name, sizeof a->name, path);
	/* a GGUF file has a name inside; a config.json only that of its file */
	if (m->gguf && m->spec->name && *m->spec->name && !str_suffix(m->spec->name, ".gguf"))
		snprintf(a->name, sizeof a->name, "%s", m->spec->name);
	model_write_id(a->id, sizeof a->id, a->name);
	if (o->id)
		snprintf(a->id, sizeof a->id, "%s", strlen(o->id) < sizeof a->id ? o->id : "");
	if ((rc = check_id(o->id && !*a->id ? o->id : a->id, err)) != OK || (rc = inventory_counts(&n, m->spec, catalog_quants(c), err)) != OK ||
	    (rc = models_kv_1k(&kv, m->spec, c, "f16", err)) != OK)
		return rc;
	if (m->gguf && gguf_str(&told, m->gguf, "general.license", NULL) != 1)
		told = NULL;
	snprintf(a->what, sizeof a->what, "%s read by ullage models --add", m->gguf ? "GGUF header" : m->st ? "config.json and safetensors headers" : "config.json");
	snprintf(a->sizes, sizeof a->sizes, "the shapes give %llu parameters, %llu of them for each token, %llu in MTP blocks apart, and %llu bytes of KV cache for 1024 tokens in f16",
		(unsigned long long)n.total, (unsigned long long)n.active, (unsigned long long)n.mtp, (unsigned long long)kv);
	a->remarks[k++] = "A draft: what a FILL IN stands at only a person can know. Then: ullage models --check FILE";
	a->remarks[k++] = a->sizes;
	look_for(a, c);
	if (*a->taken)
		a->remarks[k++] = a->taken;
	a->d = (struct model_draft){ .m = m->spec, .id = a->id, .name = a->name, .licence = told && *told ? told : NULL, .what = a->what, .where = str_base(path),
		.confidence = m->gguf ? "derived" : "primary", .remarks = a->remarks };
	return OK;
}

/* Into a file that is not there yet. */
static int write_file(const char *path, const char *text, size_t n, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	size_t done = 0;

	if (fd < 0 && errno == EEXIST)
		return error_set(err, E_USAGE, "-o %s: it is there already, and is not overwritten", path);
	if (fd < 0)
		return error_set(err, E_FILE, "%s: %s", path, strerror(errno));
	while (done < n) {
		ssize_t k = write(fd, text + done, n - done);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		done += (size_t)k;
	}
	if (close(fd) || done < n) {
		int why = errno;
		(void)unlink(path);
		return error_set(err, E_FILE, "%s: %s", path, strerror(why));
	}
	return OK;
}

static int write_draft(const struct add *a, const struct options *o, struct error *err)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	int rc;

	if (!f)
		return error_set(err, E_NOMEM, "out of memory");
	rc = model_write(f, &a->d, err);
	if (fclose(f) && rc == OK)
		rc = error_set(err, E_NOMEM, "out of memory");
	if (rc == OK && o->output) {
		if ((rc = write_file(o->output, text, n, err)) == OK && !o->quiet)
			printf("%s: a draft of %s; see to its FILL IN lines, then: ullage models --check %s\n", o->output, a->id, o->output);
	} else if (rc == OK) {
		fwrite(text, 1, n, stdout);
	}
	free(text);
	return rc;
}

int models_add(const struct options *o, struct catalog *c, struct error *err)
{
	struct model_arg m = { 0 };
	struct add a = { .id = "" };
	int rc;

	if (o->n_args)
		return error_set(err, E_USAGE, "--add takes one file: %s is one too many", o->args[0]);
	if (o->json || o->csv)
		return error_set(err, E_USAGE, "--add writes YAML: without --json and --csv");
	if (!path_exists(o->add))
		return error_set(err, E_FILE, "%s: no such file or folder", o->add);
	if ((rc = model_arg_open(&m, c, o->add, err)) == OK) {
		if (m.entry)
			rc = error_set(err, E_FILE, "%s: not a .gguf, .safetensors or config.json file, nor a folder of one", o->add);
		else if ((rc = describe(&a, &m, o->add, o, c, err)) == OK)
			rc = write_draft(&a, o, err);
	}
	model_arg_close(&m);
	return rc;
}
