/* audit_cases.h - what the words of a claim may mean: models and machines of the catalogue. Private to audit*.c. */
#ifndef AUDIT_CASES_H
#define AUDIT_CASES_H

#include "live/audit.h"

enum { AUDIT_MODELS = 64, AUDIT_MACHINES = 128 };
enum meaning {
	MEANS_SOME,              /* the list holds what is meant */
	MEANS_NONE_TO_BE_HAD,    /* it does not exist, is not sold, or its weights are not published */
	MEANS_UNKNOWN            /* nothing of that name in the catalogue, or too vague */
};
struct models_meant { const struct model_entry *list[AUDIT_MODELS]; unsigned n; enum meaning meaning; const char *why; const char *words; };
struct machines_meant { const struct hardware_spec *list[AUDIT_MACHINES]; unsigned n; enum meaning meaning; uint8_t host, made_up; const char *why; const char *words; };
/* host: part of it may be in host memory, whose size is left open ("RTX 4090 + CPU"). made_up: no such card in the catalogue, so
 * the size in one piece stands for it. words: what a group is called in an answer ("dense models of 70B"); NULL for one that was named. Strings live in the arena. */

/* A name; or a size ("dense 70B", "7B models"): every dense model with open weights that has this size in its name; or a family
 * ("Gemma 4"): all of it. */
int models_of(struct models_meant *out, struct catalog *c, const char *words, struct arena *a, struct error *err) MUST_CHECK;
/* A name; or a memory size: "24GB GPU" is every card of the catalogue sold with so much, "Mac 64GB" every Mac, "MacBook"s and "Mac Studio"s too, of any size where none is said.
 * "+ CPU" behind either: beside memory of the host as large as need be. */
int machines_of(struct machines_meant *out, struct catalog *c, const char *words, unsigned devices, struct arena *a, struct error *err) MUST_CHECK;

#endif
