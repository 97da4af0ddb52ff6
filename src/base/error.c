/* error.c - filling struct error, and what its codes mean outside */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void clear(struct error *err, int code)
{
	err->code = code;
	err->text[0] = err->hint[0] = 0;
	err->n_candidates = 0;
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	clear(err, code);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return code;
}

int error_at(struct error *err, int code, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!err)
		return code;
	clear(err, code);
	n = line ? snprintf(err->text, sizeof err->text, "%s:%u: ", file, line) : snprintf(err->text, sizeof err->text, "%s: ", file);
	if (n < 0 || n >= (int)sizeof err->text)
		n = (int)sizeof err->text - 1;
	va_start(ap, fmt);
	vsnprintf(err->text + n, sizeof err->text - (size_t)n, fmt, ap);
	va_end(ap);
	return code;
}

void error_hint(struct error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof err->hint, fmt, ap);
	va_end(ap);
}

void error_candidate(struct error *err, const char *name)
{
	if (!err || err->n_candidates == ERROR_CANDIDATES)
		return;
	snprintf(err->candidate[err->n_candidates++], ERROR_CANDIDATE_LEN, "%s", name);
}

static const struct { int code; const char *name; int exit; } codes[] = {
	{ E_USAGE, "usage", 2 }, { E_NOMEM, "out_of_memory", 4 }, { E_IO, "io", 4 }, { E_FILE, "bad_file", 3 },
	{ E_CATALOGUE, "bad_catalogue", 3 }, { E_MODEL, "unknown_model", 3 }, { E_HARDWARE, "unknown_hardware", 3 },
	{ E_AVAILABLE, "not_available", 3 }, { E_AMBIGUOUS, "ambiguous_name", 3 }, { E_ARCH, "unsupported_architecture", 3 },
	{ E_FORMAT, "unsupported_format", 3 }, { E_NETWORK, "network", 3 }, { E_NODEV, "no_device", 4 },
};

const char *error_name(int code)
{
	for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].code == code)
			return codes[i].name;
	return "io";
}

int error_exit(int code)
{
	if (code >= 0)
		return code;
	for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].code == code)
			return codes[i].exit;
	return 4;
}
