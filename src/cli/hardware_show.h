/* hardware_show.h - the catalogue of machines: a list of them, and one in full. Private to cmd_hardware.c and hardware_*.c. */
#ifndef HARDWARE_SHOW_H
#define HARDWARE_SHOW_H

#include "catalog/hardware_name.h"
#include "cli/options.h"

/* hardware list [QUERY]: filters, columns, order. 1: nothing is all of what was asked for. E_HARDWARE: a QUERY that nothing matches. */
int hardware_list(const struct options *o, struct arena *a, struct catalog *c, struct error *err) MUST_CHECK;
/* hardware show NAME: an entry in full, also one that was never sold or whose memory is open; or what a longer name is composed of. */
int hardware_show(const struct options *o, struct arena *a, struct catalog *c, const char *name, struct error *err) MUST_CHECK;

#endif
