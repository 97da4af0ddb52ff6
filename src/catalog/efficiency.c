/* efficiency.c - reader of data/efficiency.yaml */
#include "catalog/efficiency.h"

#include "base/yaml.h"

const char *const device_class_names[] = { "vram", "unified", "host", "ullage_host", NULL };

static int read_share(struct share *out, const struct ydoc *d, struct ynode *map, const char *key, double max, struct error *err)
{
	struct ynode *n = yaml_get(map, key);
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(d, n, YAML_MAP, err)) != OK || (rc = yaml_f64(&out->low, d, n, "low", YAML_NEED, err)) != OK ||
	    (rc = yaml_f64(&out->value, d, n, "value", YAML_NEED, err)) != OK || (rc = yaml_f64(&out->high, d, n, "high", YAML_NEED, err)) != OK ||
	    (rc = yaml_str(&out->source, d, n, "source", YAML_NEED, err)) != OK || (rc = yaml_finish(d, n, err)) != OK)
		return rc;
	if (!(out->low > 0 && out->low <= out->value && out->value <= out->high && out->high <= max))
		return yaml_fail(d, n, err, "%s: wants 0 < low <= value <= high <= %g, not %g, %g, %g", key, max, out->low, out->value, out->high);
	out->known = 1;
	return OK;
}

static int read_all(struct efficiency *out, struct ydoc *d, struct error *err)
{
	uint64_t schema;
	int rc;

	if ((rc = yaml_want(d, d->root, YAML_MAP, err)) != OK || (rc = yaml_u64(&schema, d, d->root, "schema", 1, 1, YAML_NEED, err)) != OK)
		return rc;
	for (unsigned c = 0; c < DEVICE_CLASSES; c++) {
		struct ynode *n = yaml_get(d->root, device_class_names[c]);
		if (!n)
			continue;
		if ((rc = yaml_want(d, n, YAML_MAP, err)) != OK || (rc = read_share(&out->bandwidth[c], d, n, "bandwidth", 1.2, err)) != OK ||
		    (rc = read_share(&out->of_measured[c], d, n, "of_measured", 1.6, err)) != OK ||
		    (rc = read_share(&out->compute[c], d, n, "compute", 1.2, err)) != OK || (rc = read_share(&out->launch_s[c], d, n, "launch_s", 1, err)) != OK ||
		    (rc = read_share(&out->repack_bps[c], d, n, "repack_bps", 1e12, err)) != OK || (rc = yaml_finish(d, n, err)) != OK)
			return rc;
	}
	return yaml_finish(d, d->root, err);
}

int efficiency_parse(struct efficiency *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct ydoc d;
	int rc = yaml_parse(&d, a, file, bytes, n, err);

	*out = (struct efficiency){ 0 };
	return rc != OK ? rc : read_all(out, &d, err);
}

int efficiency_load(struct efficiency *out, struct arena *a, const char *path, struct error *err)
{
	struct ydoc d;
	int rc = yaml_load(&d, a, path, err);

	*out = (struct efficiency){ 0 };
	return rc != OK ? rc : read_all(out, &d, err);
}
