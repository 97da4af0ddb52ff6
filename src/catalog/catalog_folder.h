/* catalog_folder.h - where the catalogue's folders are. Private to the catalogue. */
#ifndef CATALOG_FOLDER_H
#define CATALOG_FOLDER_H

#include "base/arena.h"
#include "base/error.h"

/* The program's data: ULLAGE_DATA, else the tree the program lies in (<folder of program>/..), else the installed folder.
 * program: argv[0] or NULL. E_FILE names every place that was tried. */
int folder_of_program(const char **out, struct arena *a, const char *program, struct error *err) MUST_CHECK;
/* $XDG_CONFIG_HOME/ullage or ~/.config/ullage; NULL when there is no such folder. */
int folder_of_user(const char **out, struct arena *a, struct error *err) MUST_CHECK;

#endif
