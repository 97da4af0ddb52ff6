#include "cli/models.h"
int models_add(const struct options *o, struct catalog *c, struct error *err) { (void)o; (void)c; return error_set(err, E_USAGE, "todo"); }
