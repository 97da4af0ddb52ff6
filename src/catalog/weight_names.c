/* weight_names.c - the names of the tensors that a forward pass reads */
#include "catalog/weight_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct { uint16_t role; uint8_t whole; const char *gguf; } names[] = {
#define X(e, r, g, w) { r, w, g },
	WEIGHT_LIST(X)
#undef X
};

enum role weight_role(unsigned id) { return id < WEIGHTS ? (enum role)names[id].role : ROLES; }
int weight_of_model(unsigned id) { return id < WEIGHTS && names[id].whole; }
const char *weight_gguf(unsigned id) { return id < WEIGHTS ? names[id].gguf : ""; }

unsigned weight_of_gguf(const char *name, int *layer)
{
	int whole = 1;

	*layer = -1;
	if (!strncmp(name, "blk.", 4)) {
		char *end;
		unsigned long n = strtoul(name + 4, &end, 10);
		if (!isdigit((unsigned char)name[4]) || *end != '.' || n >= 1000000)
			return W_NONE;
		*layer = (int)n;
		name = end + 1;
		whole = 0;
	}
	for (unsigned i = 1; *name && i < WEIGHTS; i++)
		if (names[i].gguf[0] == name[0] && names[i].whole == whole && !strcmp(names[i].gguf, name))
			return i;
	return W_NONE;
}
