/* calls.h - the engine as a table of functions, so that what drives it can be tried on one that is faulty on purpose.
 *
 * generate.c and live/verify.c go through it; engine_calls is the real one. */
#ifndef CALLS_H
#define CALLS_H

#include "engine/engine.h"

struct engine_calls {
	int (*load)(struct weights **out, const char *path, const struct quants *q, struct error *err);
	int (*dummy)(struct weights **out, const struct model_spec *m, const struct recipe *r, const struct dummy_options *o, const struct quants *q, struct error *err);
	void (*unload)(struct weights *w);
	int (*open)(struct engine **out, struct weights *w, const struct engine_options *o, struct error *err);
	void (*close)(struct engine *e);
	int (*run)(struct engine *e, const struct step *s, struct error *err);
	float *(*logits)(const struct engine *e, uint32_t i);
	void (*clear)(struct engine *e, uint32_t slot);
	void (*info)(struct engine_info *out, const struct engine *e);
	double (*now)(void);                     /* seconds of a clock that only goes forward */
};
extern const struct engine_calls engine_calls;

#endif
