/* Just enough of Apple's header to check the syntax of src/probe/probe_apple.c elsewhere. */
#include <stddef.h>
int sysctlbyname(const char *name, void *old, size_t *len, void *new_value, size_t new_len);
