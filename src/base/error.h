/* error.h - one error, owned by the caller: a code, one sentence, a hint, and near matches.
 *
 * Functions that can fail return OK or a negative code and fill the caller's struct error.
 * Not here: printing and exit codes (cli/main.c). */
#ifndef ERROR_H
#define ERROR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum error_code {
	OK = 0,
	E_USAGE = -1,            /* wrong flag or value                          exit 2 */
	E_NOMEM = -2,            /* out of memory                                exit 4 */
	E_IO = -3,               /* stdout cannot be written                     exit 4 */
	E_FILE = -4,             /* an input file cannot be read or is malformed exit 3 */
	E_CATALOGUE = -5,        /* a catalogue entry is malformed               exit 3 */
	E_MODEL = -6,            /* no such model                                exit 3 */
	E_HARDWARE = -7,         /* no such hardware                             exit 3 */
	E_AVAILABLE = -8,        /* known, but cannot be had                     exit 3 */
	E_AMBIGUOUS = -9,        /* the name stands for several things           exit 3 */
	E_ARCH = -10,            /* an architecture that is not supported        exit 3 */
	E_FORMAT = -11,          /* a number or file format that is not          exit 3 */
	E_NETWORK = -12,         /*                                              exit 3 */
	E_NODEV = -13            /* no such device on this machine               exit 4 */
};

enum { ERROR_CANDIDATES = 12, ERROR_CANDIDATE_LEN = 64 };

struct error {
	int code;
	char text[512];          /* "FILE:LINE: what, with both numbers"; no newline */
	char hint[256];          /* what to do about it; may be empty */
	int n_candidates;        /* near matches, best first */
	char candidate[ERROR_CANDIDATES][ERROR_CANDIDATE_LEN];
};

/* Clears *err, stores code and text, returns code: `return error_set(err, E_FILE, ...)`. err may be NULL. */
int error_set(struct error *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same with "FILE:LINE: " before the text (line 0: no line). */
int error_at(struct error *err, int code, const char *file, unsigned line, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Adds a hint to an error that is set. */
void error_hint(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void error_candidate(struct error *err, const char *name);

/* "unknown_model", ... : the stable code of design.md's JSON error document. */
const char *error_name(int code);
/* The documented exit status of a code: 0, 2, 3 or 4. */
int error_exit(int code);

#endif
