/* efficiency.h - what share of a machine's specified rates a whole model reaches, by class; read from data/efficiency.yaml.
 *
 * No key names a model or a single product. Each share is an 80 % interval with its source. */
#ifndef EFFICIENCY_H
#define EFFICIENCY_H

#include "base/arena.h"
#include "base/error.h"
#include "catalog/hardware_spec.h"

/* OWN: this program's own engine on a CPU; where it is not stated, as HOST. */
enum device_class { CLASS_VRAM, CLASS_UNIFIED, CLASS_HOST, CLASS_OWN, DEVICE_CLASSES };
extern const char *const device_class_names[];

struct share { double low, value, high; uint8_t known; const char *source; };
struct efficiency {
	struct share bandwidth[DEVICE_CLASSES];  /* decode: of the memory's specified bandwidth */
	struct share of_measured[DEVICE_CLASSES];        /* the same, of a bandwidth that was measured by reading */
	struct share compute[DEVICE_CLASSES];    /* prefill: of the matrix rate */
	struct share launch_s[DEVICE_CLASSES];   /* seconds an op costs beside its work */
	struct share repack_bps[DEVICE_CLASSES]; /* bytes/s that one thread rearranges at load, from a file that the system holds in memory */
};
int efficiency_load(struct efficiency *out, struct arena *a, const char *path, struct error *err) MUST_CHECK;
int efficiency_parse(struct efficiency *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;
static inline enum device_class device_class_of(enum pool_kind k)
{
	return k == POOL_VRAM ? CLASS_VRAM : k == POOL_UNIFIED ? CLASS_UNIFIED : CLASS_HOST;
}

#endif
