/* catalog.c - folders, overriding, names, borrowed shapes, and files that are wrong */
#include "../tap.h"
#include "catalog/catalog.h"

#include "catalog/catalog_head.h"
#include "base/file.h"
#include <sys/stat.h>
#include <unistd.h>

#ifndef ULLAGE_DATADIR
#define ULLAGE_DATADIR "/usr/local/share/ullage"
#endif

static char root[64], home[80];
static struct error err;
static struct catalog *c;

/* "models.d/x.yaml" below the program's folder, or with user the user's; text NULL: removed. */
static void put(int user, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", user ? home : root, name);
	if (!text) {
		unlink(path);
		return;
	}
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		printf("Bail out! cannot write %s\n", path);
}

static const char *model(const char *id, const char *rest)
{
	static char text[4][2048];
	static unsigned turn;
	char *t = text[turn++ % 4];

	snprintf(t, sizeof text[0], "schema: 1\nid: %s\nname: The %s\nstatus: open_weights\n"
		"sources:\n  config: {what: config.json, where: o/m, confidence: primary}\nsource: config\n%s", id, id, rest);
	return t;
}
#define SHAPES "context: {native: 4096}\nnative_format: bf16\nmodel: {width: 64, vocab: 100, tied_head: false, norm: rms}\n" \
	"parts:\n  attn: {type: gqa, q_heads: 8, kv_heads: 2, head_dim: 8, rope: none, warning: a guess}\n" \
	"  mlp: {type: mlp, width: 128, act: silu, matrices: 3}\nkinds:\n  block: [[attn], [mlp]]\nlayers:\n  - {repeat: 4, of: [block]}\n"
#define CARD "schema: 1\nid: %s\nname: Card %s\nkind: gpu\nvendor: nvidia\nstatus: never_sold\nwhy: it is a test\nmatch: {names: [%s], aliases: [%s]}\n"

static int reopen(void)
{
	catalog_close(c);
	memset(&err, 0, sizeof err);
	return catalog_open(&c, NULL, &err);
}
static void opens(const char *what)
{
	int rc = reopen();

	if (!ok(rc == OK, "opens: %s", what)) {
		printf("# %s\nBail out! no catalogue\n", err.text);
		exit(1);
	}
}
static void closed(const char *one, const char *two, const char *what)
{
	int rc = reopen();

	if (!ok(rc == E_CATALOGUE && !c && strstr(err.text, one) && strstr(err.text, two), "refused: %s", what))
		printf("# rc %d: %s\n", rc, err.text);
}
static const struct model_entry *find(const char *name, const char *id)
{
	const struct model_entry *e = NULL;
	int rc = catalog_model(&e, c, name, &err);

	if (!ok(id ? rc == OK && !strcmp(e->id, id) : rc != OK, "'%s' is %s", name, id ? id : "no model"))
		printf("# rc %d: %s\n", rc, rc ? err.text : e->id);
	return rc == OK ? e : NULL;
}

static void make_tree(void)
{
	char path[256], cwd[512];
	const char *subs[] = { "models.d", "hardware.d", "home", "home/ullage", "home/ullage/models.d", "home/ullage/hardware.d" };

	snprintf(root, sizeof root, "/tmp/ullage-test-XXXXXX");
	if (!mkdtemp(root) || !getcwd(cwd, sizeof cwd - 8))
		exit(1);
	snprintf(home, sizeof home, "%s/home/ullage", root);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "%s/%s", root, subs[i]);
		mkdir(path, 0700);
	}
	snprintf(path, sizeof path, "%s/data", root);
	strcat(cwd, "/data");
	if (symlink(cwd, path))
		exit(1);
	snprintf(path, sizeof path, "%s/home", root);
	setenv("ULLAGE_DATA", root, 1);
	setenv("XDG_CONFIG_HOME", path, 1);
}

static void remove_tree(void)
{
	static const char *const subs[] = { "home/ullage/models.d", "home/ullage/hardware.d", "models.d", "hardware.d" };
	char path[600];

	for (unsigned i = 0; i < 4; i++) {
		struct arena a = { 0 };
		const char **names;

		snprintf(path, sizeof path, "%s/%s", root, subs[i]);
		if (dir_list(&names, &a, path, "", 1, NULL) == OK)
			for (; *names; names++) {
				snprintf(path, sizeof path, "%s/%s/%s", root, subs[i], *names);
				unlink(path);
			}
		arena_free(&a);
		snprintf(path, sizeof path, "%s/%s", root, subs[i]);
		rmdir(path);
	}
	snprintf(path, sizeof path, "%s/data", root);
	unlink(path);
	rmdir(home);
	snprintf(path, sizeof path, "%s/home", root);
	rmdir(path);
	rmdir(root);
}

static void names(void)
{
	const struct model_entry *e, *list;
	unsigned n;

	put(0, "models.d/beta-7b.yaml", model("beta-7b", "aliases: [Beta 7B Chat, \"beta:7b\"]\nrepos: {weights: corp/Beta-7B}\n" SHAPES));
	put(0, "models.d/alpha.yaml", model("alpha", "aliases: [first]\n" SHAPES));
	opens("two entries");
	list = catalog_models(c, &n);
	ok(n == 2 && !strcmp(list[0].id, "alpha") && !strcmp(list[1].id, "beta-7b"), "sorted by id");
	ok(!list[0].spec, "heads have no shapes yet");
	e = find("BETA 7b", "beta-7b");
	ok(e && e->spec && e->spec->n_layers == 4, "the entry is read in full");
	ok(e == &list[1], "in its place in the list");
	find("beta:7b", "beta-7b");
	find("The beta-7b", "beta-7b");
	find("corp/Beta-7B", "beta-7b");
	find("First", "alpha");
	find("beta7b", "beta-7b");               /* blanks between letters and digits may be there or not */
	find("Beta 7 B chat", "beta-7b");
	find("betab", NULL);
	find("alpa", NULL);
	ok(err.code == E_MODEL && err.n_candidates && !strcmp(err.candidate[0], "alpha"), "near match alpha");
	find("", NULL);
	find("---", NULL);
	put(0, "models.d/a1-b.yaml", model("a1-b", SHAPES));
	put(0, "models.d/a-1b.yaml", model("a-1b", SHAPES));
	opens("two entries that differ in a blank");
	find("A1-B", "a1-b");
	find("a 1b", "a-1b");
	find("a1b", NULL);
	ok(err.code == E_AMBIGUOUS && err.n_candidates == 2, "written otherwise it is ambiguous");
	put(0, "models.d/a1-b.yaml", NULL);
	put(0, "models.d/a-1b.yaml", NULL);
	opens("without them");
	is_str(catalog_folder(c), root, "the folder in use");
	ok(catalog_quants(c)->n_formats > 0 && catalog_engines(c)->n_profiles > 0, "formats and engines are there");
}

static void duplicates(void)
{
	put(0, "models.d/gamma.yaml", model("gamma", "aliases: [FIRST]\n" SHAPES));
	closed("models.d/gamma.yaml", "models.d/alpha.yaml", "one alias twice");
	put(0, "models.d/gamma.yaml", model("alpha", SHAPES));
	closed("models.d/gamma.yaml", "models.d/alpha.yaml", "one id twice");
	put(0, "models.d/gamma.yaml", "schema: 1\nid: gamma\n");
	closed("models.d/gamma.yaml", "name", "a malformed head");
	put(0, "models.d/gamma.yaml", "id: gamma\nname: [x\n");
	closed("models.d/gamma.yaml", "YAML", "no YAML at all");
	put(0, "models.d/gamma.yaml", model("gamma", "repos: {weights: corp/beta-7b}\n" SHAPES));
	opens("one repository twice");
	find("corp/beta-7b", NULL);
	ok(err.code == E_AMBIGUOUS && err.n_candidates == 2, "a repository of two entries is ambiguous");
	put(0, "models.d/gamma.yaml", model("gamma", "layerz: 5\n"));
	opens("a malformed body is not looked at");
	find("gamma", NULL);
	ok(err.code == E_CATALOGUE && strstr(err.text, "gamma.yaml:8: unknown key 'layerz'"), "until it is asked for: %s", err.text);
	find("alpha", "alpha");
	put(0, "models.d/gamma.yaml", model("gamma", "instead: [alhpa]\n" SHAPES));
	opens("an entry that points nowhere");
	find("gamma", NULL);
	ok(strstr(err.text, "instead: no entry 'alhpa'") && err.n_candidates && !strcmp(err.candidate[0], "alpha"),
		"instead must exist");
	put(0, "models.d/gamma.yaml", model("gamma", "native_format: bf17\nsame_shapes_as: alpha\n"));
	opens("an unknown recipe");
	find("gamma", NULL);
	ok(strstr(err.text, "native_format: no recipe 'bf17'"), "native_format must be a recipe");
	put(0, "models.d/gamma.yaml", NULL);
}

static void borrowed(void)
{
	const struct model_entry *e, *base;

	put(0, "models.d/tuned.yaml", model("tuned", "same_shapes_as: tuned-2\ncontext: {native: 8192, max: 16384}\nwarnings: [tuned]\nnative_file_bytes: 7\n"));
	put(0, "models.d/tuned-2.yaml", model("tuned-2", "same_shapes_as: alpha\n"));
	opens("shapes through two entries");
	e = find("tuned", "tuned");
	base = find("alpha", "alpha");
	ok(e && e->spec && base && e->spec->parts == base->spec->parts, "the same parts");
	if (e && e->spec && base) {
		is_str(e->spec->id, "tuned", "under its own id");
		is_u64(e->spec->context_native, 8192, "and its own context");
		is_u64(base->spec->context_native, 4096, "the other's stays");
		is_str(e->spec->native_format, "bf16", "the other's format");
		is_u64(e->spec->n_warnings, 2, "both entries' warnings");
		is_str(e->spec->warnings[e->spec->parts[0].warning - 1], "a guess", "a part's warning is still its own");
		is_u64(e->spec->n_sources, 3, "all three entries' sources");
		is_str(e->spec->sources[e->spec->native_file_bytes.source].key, "config", "a figure's source is in the list");
		is_u64(e->spec->native_file_bytes.source, 2, "and is this entry's");
		ok(!is_known(base->spec->native_file_bytes), "the file size is not the other's");
	}
	put(0, "models.d/tuned-2.yaml", model("tuned-2", "same_shapes_as: tuned\n"));
	opens("shapes that go round");
	find("tuned", NULL);
	ok(err.code == E_CATALOGUE && strstr(err.text, "back to itself"), "a circle is refused: %s", err.text);
	find("alpha", "alpha");
	put(0, "models.d/tuned-2.yaml", model("tuned-2", "why: nobody knows\n"));
	opens("shapes that are not there");
	find("tuned", NULL);
	ok(strstr(err.text, "tuned-2 has no shapes") != NULL, "and said");
	find("tuned-2", "tuned-2");
	put(0, "models.d/tuned-2.yaml", NULL);
	opens("an entry whose base is missing");
	find("tuned", NULL);
	ok(strstr(err.text, "same_shapes_as: no entry 'tuned-2'") != NULL, "and said");
	put(0, "models.d/tuned.yaml", NULL);
}

static void users_folder(void)
{
	const struct model_entry *e;
	unsigned n;

	put(1, "models.d/alpha.yaml", model("alpha", "aliases: [mine, beta:7b]\nwarnings: [my own]\n" SHAPES));
	put(1, "models.d/delta.yaml", model("delta", SHAPES));
	opens("with the user's folder");
	(void)catalog_models(c, &n);
	is_u64(n, 3, "an entry more, one replaced");
	e = find("alpha", "alpha");
	ok(e && strstr(e->file, "/home/ullage/") && e->spec->n_warnings == 2, "the user's entry wins");
	find("mine", "alpha");
	find("first", NULL);
	find("beta:7b", "alpha");
	find("beta 7b", "alpha");
	find("The beta-7b", "beta-7b");
	put(1, "models.d/beta-7b.yaml", "id: beta-7b\nname: [x\n");
	put(1, "models.d/epsilon.yaml", model("epsilon", "aliases: [delta]\n" SHAPES));
	opens("with a broken file of the user's");
	(void)catalog_problems(c, &n);
	is_u64(n, 2, "two problems are known");
	find("beta-7b", NULL);
	ok(err.code == E_CATALOGUE && strstr(err.text, "/home/ullage/models.d/beta-7b.yaml"), "its own name is refused with its error");
	find("delta", "delta");
	find("epsilon", "epsilon");
	find("nothing", NULL);
	ok(strstr(err.hint, "beta-7b.yaml") != NULL, "an unknown name mentions it");
	put(1, "models.d/alpha.yaml", NULL);
	put(1, "models.d/delta.yaml", NULL);
	put(1, "models.d/beta-7b.yaml", NULL);
	put(1, "models.d/epsilon.yaml", NULL);
}

static void hardware(void)
{
	const struct hardware_entry *h;
	char text[512];
	unsigned n;

	snprintf(text, sizeof text, CARD, "card-a", "A", "NVIDIA Card", "ca");
	put(0, "hardware.d/card-a.yaml", text);
	snprintf(text, sizeof text, CARD, "card-b", "B", "NVIDIA Card", "cb");
	put(0, "hardware.d/card-b.yaml", text);
	opens("two cards");
	(void)catalog_hardware(c, &n);
	is_u64(n, 2, "two cards");
	ok(catalog_device(&h, c, "CA", &err) == OK && !strcmp(h->id, "card-a"), "by alias");
	ok(catalog_device(&h, c, "card b", NULL) == OK && !strcmp(h->id, "card-b"), "by name, without an error to fill");
	ok(catalog_device(&h, c, "nvidia card", &err) == E_AMBIGUOUS && err.n_candidates == 2 && !h, "a driver name of two cards");
	ok(catalog_device(&h, c, "card-c", NULL) == E_HARDWARE, "no such card, without an error to fill");
	ok(catalog_device(&h, c, "card-c", &err) == E_HARDWARE && err.n_candidates == 2, "near matches");
	snprintf(text, sizeof text, CARD, "card-b", "B", "NVIDIA Card", "ca");
	put(0, "hardware.d/card-b.yaml", text);
	closed("card-a.yaml", "card-b.yaml", "one alias of two cards");
	put(0, "hardware.d/card-b.yaml", NULL);
}

static void files(void)
{
	const struct model_entry *e;
	const struct hardware_entry *h;
	char path[128];

	put(0, "other.yaml", model("other", "same_shapes_as: alpha\n"));
	snprintf(path, sizeof path, "%s/other.yaml", root);
	opens("a file outside");
	ok(catalog_model_file(&e, c, path, &err) == OK && e->spec && !strcmp(e->spec->id, "other"),
		"it is read, with the catalogue's shapes");
	find("other", NULL);
	put(0, "other.yaml", model("other", "same_shapes_as: omega\n"));
	ok(catalog_model_file(&e, c, path, &err) == E_CATALOGUE && !e, "and refused when what it needs is missing");
	ok(catalog_device_file(&h, c, path, &err) == E_CATALOGUE && !h, "a model is no machine");
	put(0, "other.yaml", NULL);
	ok(catalog_model_file(&e, c, path, &err) == E_FILE, "no such file");
}

static void folders(void)
{
	setenv("ULLAGE_DATA", "/nonexistent", 1);
	ok(reopen() == E_FILE && strstr(err.text, "/nonexistent"), "ULLAGE_DATA that is no folder of data");
	unsetenv("ULLAGE_DATA");
	catalog_close(c);
	ok(catalog_open(&c, "src/ullage", &err) == OK, "the tree that the program lies in");
	is_str(c ? catalog_folder(c) : NULL, "src/..", "is found from its path");
	catalog_close(c);
	c = NULL;
	if (path_is_dir(ULLAGE_DATADIR))
		skip("a catalogue is installed", "no folder at all");
	else
		ok(catalog_open(&c, "/nonexistent/ullage", &err) == E_FILE && !c && err.hint[0], "no folder at all, and a hint");
	setenv("ULLAGE_DATA", root, 1);
	setenv("XDG_CONFIG_HOME", "relative", 1);
	opens("a relative XDG_CONFIG_HOME is ignored");
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	opens("no folder of the user's");
}

/* The head that is cut out says what the whole file says: over every entry of the tree, and over awkward layouts. */
static void heads(void)
{
	static const char *const keys[] = { "id", "aliases", NULL };
	static const struct { const char *text; int whole; } cases[] = {
		{ "id: a\naliases: [x, y]\nrest: 1\n", 0 },
		{ "# c\nid: a\naliases:\n- x\n- y\nrest:\n  - id: b\n", 0 },
		{ "rest: {a: 1,\n  id: 5}\nid: a\naliases: [x,\n  'y']\n", 0 },
		{ "rest: it's [odd\nid: a\naliases: [x, y]  # z\n", 0 },
		{ "rest: {a: 1,\nid: 5}\naliases: [x, y]\n", 1 },
		{ "rest: \"one\nid: b\"\nid: a\naliases: [x, y]\n", 1 },
		{ "rest: |\n  'text\nid: a\naliases: [x, y]\n", 1 },
		{ "{id: a, aliases: [x, y]}\n", 1 },
		{ "\"id\": a\naliases: [x, y]\n", 1 },
		{ "  id: a\n  aliases: [x, y]\n", 1 },
		{ "--- \nid: a\naliases: [x, y]\n", 1 },
		{ "id: a\r\naliases: [x, y]\r\n", 1 },
		{ "rest: x\xc2\x85id: b\nid: a\naliases: [x, y]\n", 1 },
		{ "id: a\nid: a\naliases: [x, y]\n", 1 },
	};
	struct arena a = { 0 };

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ydoc head, full;
		struct ynode *x, *y;
		int whole = -1, rc = head_parse(&head, &whole, &a, "f", cases[i].text, strlen(cases[i].text), keys, &err);
		int rf = yaml_parse(&full, &a, "f", cases[i].text, strlen(cases[i].text), &err);

		ok(rc == rf && whole == cases[i].whole, "layout %u: %s", i, cases[i].whole ? "parsed whole" : "cut");
		if (rc != OK || rf != OK)
			continue;
		x = yaml_get(head.root, "id");
		y = yaml_get(full.root, "id");
		ok(!x == !y && (!x || (!strcmp(x->text, y->text) && x->line == y->line)), "layout %u: the same id and line", i);
		x = yaml_get(head.root, "aliases");
		y = yaml_get(full.root, "aliases");
		ok(x && y && x->n == 2 && y->n == 2 && x->line == y->line && !strcmp(x->child->next->text, y->child->next->text),
			"layout %u: aliases", i);
	}
	arena_free(&a);
}

int main(void)
{
	make_tree();
	heads();
	names();
	duplicates();
	borrowed();
	users_folder();
	hardware();
	files();
	folders();
	catalog_close(c);
	remove_tree();
	return done_testing();
}
