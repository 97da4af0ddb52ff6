/* file.h - whole files: read into an arena, or mapped read-only. */
#ifndef FILE_H
#define FILE_H

#include "base/arena.h"
#include "base/error.h"

/* Bytes and a NUL after them live in the arena. E_FILE: cannot be opened, is a folder, or is over max bytes. */
int file_read(char **out, size_t *n, struct arena *a, const char *path, size_t max, struct error *err) MUST_CHECK;

struct file_map { const unsigned char *p; uint64_t n; };
int file_map_open(struct file_map *out, const char *path, struct error *err) MUST_CHECK;   /* an empty file has n 0, p NULL */
void file_map_close(struct file_map *m);

/* Names in a folder that end in `suffix`, sorted, in the arena; NULL-ended. A missing folder gives none and no error when optional. */
int dir_list(const char ***out, struct arena *a, const char *folder, const char *suffix, int optional, struct error *err) MUST_CHECK;
int path_is_dir(const char *path);
int path_exists(const char *path);

#endif
