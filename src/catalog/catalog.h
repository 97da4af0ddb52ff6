/* catalog.h - models.d, hardware.d and data/ loaded, and names looked up in them.
 *
 * Folders, in order, later ones override by id: the program's data (ULLAGE_DATA, else the tree the program was built in,
 * else DATADIR), then $XDG_CONFIG_HOME/ullage (default ~/.config/ullage). Entries are parsed when they are first needed:
 * opening reads every file, but builds descriptions only for what is asked. */
#ifndef CATALOG_H
#define CATALOG_H

#include "catalog/engine.h"
#include "catalog/hardware_yaml.h"
#include "catalog/model_yaml.h"
#include "catalog/quant.h"

struct catalog;

/* program: argv[0] or NULL, to find build/../. E_CATALOGUE with file and line; E_FILE when no data folder is found. */
int catalog_open(struct catalog **out, const char *program, struct error *err) MUST_CHECK;
void catalog_close(struct catalog *c);

const struct quants *catalog_quants(const struct catalog *c);
const struct engines *catalog_engines(const struct catalog *c);
const char *catalog_folder(const struct catalog *c);         /* the data folder in use */

/* Heads of all models, sorted by id; n by *n. Borrowed. */
const struct model_entry *catalog_models(const struct catalog *c, unsigned *n);
const struct hardware_entry *catalog_hardware(const struct catalog *c, unsigned *n);

/* By id, name or alias. E_MODEL with near matches; E_CATALOGUE when the entry is malformed. Fully read. Borrowed. */
int catalog_model(const struct model_entry **out, struct catalog *c, const char *name, struct error *err) MUST_CHECK;
/* By id, name, alias or driver name of one device. E_HARDWARE with near matches. Borrowed. */
int catalog_device(const struct hardware_entry **out, struct catalog *c, const char *name, struct error *err) MUST_CHECK;

#endif
