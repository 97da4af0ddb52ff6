/* error.c - messages, hints, candidates; names and exit statuses of the codes */
#include "../tap.h"

#include "base/error.h"

/* As the design's table of JSON codes and exit statuses has them. */
static const struct { int code; const char *name; int exit; } codes[] = {
	{ E_USAGE, "usage", 2 }, { E_NOMEM, "out_of_memory", 4 }, { E_IO, "io", 4 }, { E_FILE, "bad_file", 3 },
	{ E_CATALOGUE, "bad_catalogue", 3 }, { E_MODEL, "unknown_model", 3 }, { E_HARDWARE, "unknown_hardware", 3 },
	{ E_AVAILABLE, "not_available", 3 }, { E_AMBIGUOUS, "ambiguous_name", 3 }, { E_ARCH, "unsupported_architecture", 3 },
	{ E_FORMAT, "unsupported_format", 3 }, { E_NETWORK, "network", 3 }, { E_NODEV, "no_device", 4 },
};

static void all_codes(void)
{
	unsigned n = 0;

	for (int c = -1; c >= -64; c--) {
		unsigned i;
		for (i = 0; i < sizeof codes / sizeof *codes && codes[i].code != c; i++)
			;
		if (i == sizeof codes / sizeof *codes) {
			if (error_exit(c) != 4)
				ok(0, "an unknown code %d is exit 4", c);
			continue;
		}
		n++;
		is_str(error_name(c), codes[i].name, "code %d is %s", c, codes[i].name);
		ok(error_exit(c) == codes[i].exit, "%s is exit %d", codes[i].name, codes[i].exit);
	}
	is_u64(n, sizeof codes / sizeof *codes, "every code was met");
	ok(error_name(-64) && *error_name(-64) && error_name(OK), "an unknown code has a name too");
	ok(error_exit(OK) == 0 && error_exit(1) == 1, "answers are their own exit status");
}

static void messages(void)
{
	char long_name[2000];
	struct error e = { 0 };

	ok(error_set(&e, E_MODEL, "%s: %d and %d", "x", 3, 4) == E_MODEL && e.code == E_MODEL,
		"error_set returns and stores the code");
	is_str(e.text, "x: 3 and 4", "the text is formatted");
	error_hint(&e, "try %s", "this");
	error_candidate(&e, "y");
	is_str(e.hint, "try this", "a hint");
	ok(e.n_candidates == 1 && !strcmp(e.candidate[0], "y"), "a candidate");

	ok(error_at(&e, E_FILE, "f.yaml", 12, "heads (%u)", 5u) == E_FILE, "error_at returns the code");
	is_str(e.text, "f.yaml:12: heads (5)", "file and line in front");
	ok(!e.hint[0] && e.n_candidates == 0, "the next error clears hint and candidates");
	error_at(&e, E_FILE, "f.yaml", 0, "heads");
	is_str(e.text, "f.yaml: heads", "line 0: no line");

	error_set(&e, E_FILE, "while reading: %s", e.text);
	is_str(e.text, "while reading: f.yaml: heads", "a message may quote the one it replaces");
	error_at(&e, E_FILE, e.text, 7, "%s", e.text);
	is_str(e.text, "while reading: f.yaml: heads:7: while reading: f.yaml: heads", "as file and as text");

	ok(error_set(NULL, E_FILE, "x") == E_FILE && error_at(NULL, E_IO, "f", 1, "x") == E_IO, "no struct error: the code alone");
	error_hint(NULL, "x");
	error_candidate(NULL, "x");

	memset(long_name, 'a', sizeof long_name);
	long_name[sizeof long_name - 1] = 0;
	error_at(&e, E_FILE, long_name, 3, "%s", long_name);
	is_u64(strlen(e.text), sizeof e.text - 1, "a file name over the length is cut");
	error_set(&e, E_FILE, "%s", long_name);
	is_u64(strlen(e.text), sizeof e.text - 1, "and a text");
	error_hint(&e, "%s", long_name);
	is_u64(strlen(e.hint), sizeof e.hint - 1, "and a hint");
	for (int i = 0; i < ERROR_CANDIDATES + 5; i++)
		error_candidate(&e, long_name);
	ok(e.n_candidates == ERROR_CANDIDATES, "at most %d candidates", ERROR_CANDIDATES);
	is_u64(strlen(e.candidate[ERROR_CANDIDATES - 1]), ERROR_CANDIDATE_LEN - 1, "each cut to its room");
}

/* What is quoted from a file must not steer the terminal, nor make --json something that is not UTF-8. */
static void strangers(void)
{
	char name[700];
	struct error e = { 0 };

	error_set(&e, E_FILE, "a\x1b[31mb\nc\x7f\xff\xc2\x9b");
	is_str(e.text, "a [31mb c ?  ", "control characters and bytes that are not UTF-8");
	error_hint(&e, "\x07");
	error_candidate(&e, "\xc3(");
	is_str(e.hint, " ", "in hints");
	is_str(e.candidate[0], "?(", "in candidates");
	error_set(&e, E_FILE, "2\xc3\x97 \xe2\x80\xa6 \xf0\x9f\x98\x80");
	is_str(e.text, "2\xc3\x97 \xe2\x80\xa6 \xf0\x9f\x98\x80", "UTF-8 stays");
	for (unsigned i = 0; i + 2 < sizeof name; i += 2)
		memcpy(name + i, "\xc3\x97", 3);
	error_set(&e, E_FILE, "%s", name);
	ok(strlen(e.text) == sizeof e.text - 1 && e.text[sizeof e.text - 2] == '?', "a character cut in two at the end");
}

int main(void)
{
	all_codes();
	messages();
	strangers();
	return done_testing();
}
