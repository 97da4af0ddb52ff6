/* str.h - names: comparing, normalising, near matches. */
#ifndef STR_H
#define STR_H

#include <stddef.h>

struct error;

/* Folds a name for look-up: lower case; blanks, '_', '-', '/', ':' and '.' between letters and digits become one '-';
 * "×" becomes 'x'. "Llama 3.3 70B" and "llama3.3:70b" do not become equal by this alone (aliases do that).
 * Writes at most n - 1 bytes and a NUL; returns the length it would have had. */
size_t str_fold(char *out, size_t n, const char *name);

/* Edit distance (insert, delete, replace, swap of neighbours) of two strings, at most `limit` + 1. */
unsigned str_distance(const char *a, const char *b, unsigned limit);

/* Keeps the best matches for `name` among the names offered one by one, then hands them to an error. */
struct near_matches {
	char name[64];
	int n;
	struct { char text[64]; unsigned score; } best[5];
};
void near_init(struct near_matches *m, const char *name);
void near_offer(struct near_matches *m, const char *candidate);
void near_report(const struct near_matches *m, struct error *err);

int str_ieq(const char *a, const char *b);               /* ASCII case-insensitive equality */
int str_prefix(const char *s, const char *prefix);
int str_suffix(const char *s, const char *suffix);
const char *str_base(const char *path);                  /* after the last '/' */

/* Length of the UTF-8 sequence that s begins with, 1 to 4; 0 when its first n bytes begin with none (overlong, surrogate, cut). */
size_t str_utf8(const char *s, size_t n);
/* Makes text of a stranger printable, in place: control characters become blanks, bytes that are not UTF-8 '?'. */
void str_clean(char *s);

#endif
