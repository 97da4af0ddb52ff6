/* roles.c - the names of the roles, from the one list in roles.h */
#include "catalog/roles.h"
#include <stddef.h>

#define X(e, n, g) n,
const char *const role_names[] = { ROLE_LIST(X) NULL };
#undef X
#define X(e, n, g) g,
const char *const role_gguf[] = { ROLE_LIST(X) NULL };
#undef X
