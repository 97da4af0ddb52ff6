/* dl.c - libraries opened on first use: which symbols decide, which do not */
#include "base/dl.h"

#include "../tap.h"

struct table { int (*init)(void); int (*shut)(void); int (*none)(void); int (*fell)(unsigned *); int guard; };
static const char *lib(void)
{
	static char path[256];
	const char *b = getenv("B");

	snprintf(path, sizeof path, "%s/tests/fake/nvml.so", b ? b : "build");
	return path;
}

#define AT(f) offsetof(struct table, f)

int main(void)
{
	const struct dl_symbol good[] = {
		{ "nvmlInit_v2", NULL, AT(init), 1 }, { "nvmlShutdown", NULL, AT(shut), 0 }, { "nvmlNoSuchThing", NULL, AT(none), 0 },
		{ "nvmlDeviceGetCount_v9", "nvmlDeviceGetCount", AT(fell), 1 },
	};
	const struct dl_symbol bad[] = {
		{ "nvmlInit_v2", NULL, AT(init), 1 }, { "nvmlNoSuchThing", NULL, AT(none), 0 }, { "nvmlMissing_v2", "nvmlMissing", AT(shut), 1 },
		{ "nvmlMissingToo", NULL, AT(fell), 1 },
	};
	const char *const one[] = { lib(), NULL }, *const second[] = { "libullage-no-such.so.1", lib(), "libullage-nor-this.so", NULL };
	const char *const none[] = { "libullage-no-such.so.1", "libullage-nor-this.so", NULL }, *const empty[] = { NULL };
	struct table t = { .guard = 4711 };
	struct error e = { 0 };
	struct dl d;
	unsigned n = 0;

	ok(dl_open(&d, &t, good, 4, one, &e) == OK && t.init && t.shut && t.fell, "a library with what is required: %s", e.text);
	ok(!t.none && t.guard == 4711, "a symbol that is missing and optional is NULL, and nothing else is touched");
	is_str(d.name, lib(), "the name that was opened");
	ok(t.init() == 0 && t.fell(&n) == 0 && n == 2 && t.shut() == 0, "the functions can be called, the fallback as well");
	dl_close(&d);
	ok(!d.handle && !d.name, "closed");
	dl_close(&d);

	ok(dl_open(&d, &t, good, 4, second, &e) == OK && !strcmp(d.name, lib()) && !e.text[0], "names are tried in order");
	dl_close(&d);

	ok(dl_open(&d, &t, good, 4, none, &e) == E_NODEV && strstr(e.text, "libullage-no-such.so.1") && !strstr(e.text, "nor-this"),
		"no library: the first is named: %s", e.text);
	ok(!t.init && !t.shut && !t.fell && t.guard == 4711 && !d.handle, "and no pointer stays");
	ok(dl_open(&d, &t, bad, 4, second, &e) == E_NODEV && strstr(e.text, lib()) && strstr(e.text, "nvmlMissing_v2") && !strstr(e.text, "Too"),
		"a required symbol is missing: the first is named: %s", e.text);
	ok(!t.init && !d.handle, "and no pointer stays");
	ok(dl_open(&d, &t, good, 4, empty, &e) == E_NODEV && e.text[0], "no names at all: %s", e.text);
	ok(dl_open(&d, &t, good, 4, none, NULL) == E_NODEV, "nobody wants the error");
	return done_testing();
}
