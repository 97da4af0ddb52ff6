/* catalog.h - models.d, hardware.d and data/ loaded, and names looked up in them.
 *
 * Folders, in order, later ones override by id: the program's data (ULLAGE_DATA, else the tree the program was built in,
 * else DATADIR), then $XDG_CONFIG_HOME/ullage (default ~/.config/ullage). Entries are parsed when they are first needed:
 * opening reads every file, but builds descriptions only for what is asked.
 * A malformed file of the program's own folder is an error of catalog_open(); one of the user's folder is kept as a problem:
 * its names are refused with its error, everything else stays usable. */
#ifndef CATALOG_H
#define CATALOG_H

#include "catalog/engine.h"
#include "catalog/hardware_yaml.h"
#include "catalog/model_yaml.h"
#include "catalog/quant.h"

struct catalog;

/* program: argv[0] or NULL, to find build/../. E_CATALOGUE with file and line; E_FILE when no data folder is found. */
int catalog_open(struct catalog **out, const char *program, struct error *err) MUST_CHECK;
/* The same with the help of a pool's threads; pool NULL: without. */
struct thread_pool;
int catalog_open_with(struct catalog **out, const char *program, struct thread_pool *pool, struct error *err) MUST_CHECK;
/* The same, for who will call catalog_read_shapes() next: files are gone through once. */
int catalog_open_for_shapes(struct catalog **out, const char *program, struct thread_pool *pool, struct error *err) MUST_CHECK;
void catalog_close(struct catalog *c);

const struct quants *catalog_quants(const struct catalog *c);
const struct engines *catalog_engines(const struct catalog *c);
const char *catalog_folder(const struct catalog *c);         /* the data folder in use */
/* What is wrong with files of the user's folder: n by *n (may be 0). Borrowed. */
const struct error *catalog_problems(const struct catalog *c, unsigned *n);

/* Heads of all models, sorted by id; n by *n. Borrowed. */
const struct model_entry *catalog_models(const struct catalog *c, unsigned *n);
const struct hardware_entry *catalog_hardware(const struct catalog *c, unsigned *n);

/* Reads in full, with the help of a pool's threads (NULL: without), every model whose head is wanted (want NULL: all). E_CATALOGUE: the first
 * malformed one. */
int catalog_read_models(struct catalog *c, struct thread_pool *pool, int (*want)(const struct model_entry *head, const void *user), const void *user,
	struct error *err) MUST_CHECK;

/* The same for what an estimate needs: entries have no sources, engines, languages, scores or notes, and mistakes there are not noticed. What
 * is looked up by name later is read in full. */
int catalog_read_shapes(struct catalog *c, struct thread_pool *pool, int (*want)(const struct model_entry *head, const void *user), const void *user,
	struct error *err) MUST_CHECK;

/* By id, name, alias or repository (owner/name). E_MODEL with near matches; E_CATALOGUE when the entry is malformed. Fully read. Borrowed. */
int catalog_model(const struct model_entry **out, struct catalog *c, const char *name, struct error *err) MUST_CHECK;
/* By id, name, alias or driver name of one device. E_HARDWARE with near matches; E_AMBIGUOUS when several entries have the
 * same driver name (their ids are the candidates). Borrowed. */
int catalog_device(const struct hardware_entry **out, struct catalog *c, const char *name, struct error *err) MUST_CHECK;
/* Devices by PCI id (vendor << 16 | device): *n of them at `out`, which has room for `max`, fully read, the user's first. Cards of
 * other memory sizes often share an id; none is no error. E_CATALOGUE when an entry is malformed. Borrowed. */
int catalog_device_pci(const struct hardware_entry **out, unsigned *n, unsigned max, struct catalog *c, uint32_t pci, struct error *err) MUST_CHECK;

/* One file outside the folders, or one of them, read and checked like an entry of the catalogue. Lives as long as c. */
int catalog_model_file(const struct model_entry **out, struct catalog *c, const char *path, struct error *err) MUST_CHECK;
int catalog_device_file(const struct hardware_entry **out, struct catalog *c, const char *path, struct error *err) MUST_CHECK;

#endif
