/* dl.c - libraries opened on first use */
#include "base/dl.h"

#include <dlfcn.h>
#include <string.h>

/* POSIX makes an address of dlsym a function pointer by way of its bytes; ISO C has no cast for it. */
static void put(void *table, size_t offset, void *address)
{
	_Static_assert(sizeof(void *) == sizeof(void (*)(void)), "dlsym needs pointers of one size");
	memcpy((char *)table + offset, &address, sizeof address);
}

/* The first required symbol that the library lacks; NULL: it has all. */
static const char *fill(void *table, const struct dl_symbol *symbols, size_t n, void *handle)
{
	const char *missing = NULL;

	for (size_t i = 0; i < n; i++) {
		void *address = dlsym(handle, symbols[i].name);

		if (!address && symbols[i].fallback)
			address = dlsym(handle, symbols[i].fallback);
		if (!address && symbols[i].required && !missing)
			missing = symbols[i].name;
		put(table, symbols[i].offset, address);
	}
	return missing;
}

int dl_open(struct dl *out, void *table, const struct dl_symbol *symbols, size_t n, const char *const *names, struct error *err)
{
	int lacks = 0;

	*out = (struct dl){ 0 };
	error_set(err, E_NODEV, "no library to open");
	for (size_t i = 0; names[i]; i++) {
		void *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		const char *missing, *why;

		if (!handle) {
			why = dlerror();
			/* the loader's sentence begins with the name already */
			if (i == 0)
				error_set(err, E_NODEV, "%s%s%s", why && strstr(why, names[i]) ? "" : names[i], why && strstr(why, names[i]) ? "" : ": ",
					why ? why : "cannot be opened");
			continue;
		}
		missing = fill(table, symbols, n, handle);
		if (!missing) {
			if (err)
				*err = (struct error){ 0 };
			*out = (struct dl){ handle, names[i] };
			return OK;
		}
		dlclose(handle);
		if (!lacks++)
			error_set(err, E_NODEV, "%s has no %s", names[i], missing);
	}
	for (size_t i = 0; i < n; i++)
		put(table, symbols[i].offset, NULL);
	return E_NODEV;
}

void dl_close(struct dl *d)
{
	if (d->handle)
		dlclose(d->handle);
	*d = (struct dl){ 0 };
}
