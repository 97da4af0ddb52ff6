/* tap.h - Test Anything Protocol: one program a file, run by prove. Nothing run is a failure. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_run, tap_failed;

__attribute__((format(printf, 4, 5), unused))
static int tap_ok(int pass, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	printf("%sok %d - ", pass ? "" : "not ", ++tap_run);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!pass) {
		printf("# failed at %s:%d\n", file, line);
		tap_failed++;
	}
	fflush(stdout);
	return pass;
}
#define ok(c, ...) tap_ok(!!(c), __FILE__, __LINE__, __VA_ARGS__)
#define is_u64(got, want, ...) do { unsigned long long g_ = (got), w_ = (want); \
	if (!tap_ok(g_ == w_, __FILE__, __LINE__, __VA_ARGS__)) printf("#  got %llu\n# want %llu\n", g_, w_); } while (0)
#define is_str(got, want, ...) do { const char *g_ = (got), *w_ = (want); \
	if (!tap_ok(g_ && w_ && !strcmp(g_, w_), __FILE__, __LINE__, __VA_ARGS__)) printf("#  got %s\n# want %s\n", g_ ? g_ : "(null)", w_ ? w_ : "(null)"); } while (0)
#define skip(why, ...) do { printf("ok %d - ", ++tap_run); printf(__VA_ARGS__); printf(" # SKIP %s\n", why); } while (0)
#define skip_all(why) do { printf("1..0 # SKIP %s\n", why); exit(0); } while (0)
static inline int done_testing(void) { printf("1..%d\n", tap_run); return tap_failed || !tap_run; }

#endif
