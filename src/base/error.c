/* error.c - filling struct error, and what its codes mean outside */
#include "base/error.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Formatted aside, so that a message may quote the one it replaces; what came from a file is made printable. */
static void store(struct error *err, int code, const char *file, unsigned line, const char *fmt, va_list ap)
{
	char text[sizeof err->text];
	int n = 0;

	if (file)
		n = line ? snprintf(text, sizeof text, "%s:%u: ", file, line) : snprintf(text, sizeof text, "%s: ", file);
	if (n < 0 || n >= (int)sizeof text)
		n = (int)sizeof text - 1;
	if (vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap) < 0)
		text[n] = 0;
	str_clean(text);
	memcpy(err->text, text, strlen(text) + 1);
	err->code = code;
	err->hint[0] = 0;
	err->n_candidates = 0;
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	store(err, code, NULL, 0, fmt, ap);
	va_end(ap);
	return code;
}

int error_at(struct error *err, int code, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	store(err, code, file, line, fmt, ap);
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
	str_clean(err->hint);
}

void error_candidate(struct error *err, const char *name)
{
	if (!err || err->n_candidates == ERROR_CANDIDATES)
		return;
	char *to = err->candidate[err->n_candidates++];
	snprintf(to, ERROR_CANDIDATE_LEN, "%s", name);
	str_clean(to);
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
