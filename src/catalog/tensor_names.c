/* tensor_names.c - the only place outside the importers that reads tensor names */
#include "catalog/tensor_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* After a dotted word: the layer number that follows, and where the rest begins. */
static const char *layer_after(const char *name, const char *word, int *layer)
{
	size_t n = strlen(word);

	for (const char *p = strstr(name, word); p; p = strstr(p + 1, word))
		if ((p == name || p[-1] == '.') && isdigit((unsigned char)p[n])) {
			char *end;
			long v = strtol(p + n, &end, 10);
			if (v >= 0 && v < 100000 && *end == '.') {
				*layer = (int)v;
				return end + 1;
			}
		}
	return NULL;
}
static int ends(const char *s, size_t n, const char *suffix)
{
	size_t k = strlen(suffix);

	return n >= k && !strncmp(s + n - k, suffix, k);
}

void name_gguf(const char *name, int *layer, unsigned *role)
{
	const char *stem;
	size_t n;

	*layer = NAME_NO_LAYER;
	stem = layer_after(name, "blk.", layer);
	if (!stem)
		stem = name;
	n = strlen(stem);
	*role = ROLES;
	if (ends(stem, n, ".bias")) {
		*role = ROLE_BIAS;
		return;
	}
	if (ends(stem, n, ".weight"))
		n -= 7;
	if (ends(stem, n, "_norm")) {
		*role = ROLE_NORM;
		return;
	}
	for (unsigned r = 0; r < ROLES; r++)
		for (const char *p = role_gguf[r]; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
			while (*p == ' ')
				p++;
			size_t k = strcspn(p, ",");
			if (k == n && !strncmp(p, stem, n)) {
				*role = r;
				return;
			}
		}
}

void name_hf(const char *name, int *layer, unsigned *role)
{
	*layer = NAME_NO_LAYER;
	*role = ROLES;
	if (strstr(name, "vision") || strstr(name, "visual") || strstr(name, "audio") || strstr(name, "mm_projector") ||
	    strstr(name, "multi_modal_projector")) {
		*role = ROLE_ENCODER;
		return;
	}
	if (!layer_after(name, "layers.", layer))
		layer_after(name, "h.", layer);
	if (strstr(name, "embed_tokens.") || strstr(name, "wte.") || strstr(name, "embeddings."))
		*role = ROLE_EMBED;
	else if (strstr(name, "lm_head."))
		*role = ROLE_HEAD;
}
