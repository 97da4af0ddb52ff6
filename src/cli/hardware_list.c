/* hardware_list.c - the machines of the catalogue: filters, columns, order */
#include "cli/hardware_show.h"

#include "base/str.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/columns.h"

#include <string.h>

/* One machine: an entry, or one of its variants with figures of its own. */
struct row { const struct hardware_entry *e; const struct hardware_variant *v; const struct hardware_spec *spec; const char *id, *name; };

enum col { C_ID, C_NAME, C_TOTAL, C_MEMORY, C_BANDWIDTH, C_STATUS, C_KIND, C_VENDOR, C_DEVICES, C_F32, C_F16, C_BF16, C_FP8, C_INT8, C_FP4, C_TDP, C_RELEASED,
	C_CAPABILITY, C_ARCH, C_TYPE, C_LINK, C_PEER, C_PCI, C_INSTEAD, C_WHY };

static const struct column columns[] = {
	[C_ID] = { "id", "id", "id", 0, 0 },
	[C_NAME] = { "name", "name", "name", 0, 0 },
	[C_TOTAL] = { "total", "total", "memory_total_bytes", 1, 0 },
	[C_MEMORY] = { "memory", "usable", "memory_usable_bytes", 1, 0 },
	[C_BANDWIDTH] = { "bandwidth", "bandwidth", "bandwidth_bytes_per_s", 1, 0 },
	[C_STATUS] = { "status", "status", "status", 0, 0 },
	[C_KIND] = { "kind", "kind", "kind", 0, 0 },
	[C_VENDOR] = { "vendor", "vendor", "vendor", 0, 0 },
	[C_DEVICES] = { "devices", "devices", "devices", 1, 0 },
	[C_F32] = { "f32", "f32 dense", "f32_flops_dense", 1, 0 },
	[C_F16] = { "f16", "f16 dense", "f16_flops_dense", 1, 0 },
	[C_BF16] = { "bf16", "bf16 dense", "bf16_flops_dense", 1, 0 },
	[C_FP8] = { "fp8", "fp8 dense", "fp8_flops_dense", 1, 0 },
	[C_INT8] = { "int8", "int8 dense", "int8_ops_dense", 1, 0 },
	[C_FP4] = { "fp4", "fp4 dense", "fp4_flops_dense", 1, 0 },
	[C_TDP] = { "tdp", "TDP", "tdp_w", 1, 0 },
	[C_RELEASED] = { "released", "year", "released", 0, 0 },
	[C_CAPABILITY] = { "capability", "compute", "compute_capability", 1, 0 },
	[C_ARCH] = { "arch", "arch", "arch", 0, 0 },
	[C_TYPE] = { "type", "memory type", "memory_type", 0, 0 },
	[C_LINK] = { "link", "to host", "host_link_bytes_per_s", 1, 0 },
	[C_PEER] = { "peer", "to peers", "peer_link_bytes_per_s", 1, 0 },
	[C_PCI] = { "pci", "PCI ids", "pci_ids", 0, 0 },
	[C_INSTEAD] = { "instead", "there is instead", "instead", 0, 0 },
	[C_WHY] = { "why", "why", "why", 0, 1 },
	{ NULL, NULL, NULL, 0, 0 }
};

static struct cell text(const char *s) { return (struct cell){ .kind = s ? CELL_TEXT : CELL_NONE, .s = s }; }
static struct cell words(const char *const *l) { return (struct cell){ .kind = l && l[0] ? CELL_LIST : CELL_NONE, .list = l }; }
static struct cell count(double v) { return (struct cell){ .kind = v > 0 ? CELL_NUMBER : CELL_NONE, .v = v }; }
static struct cell rate(struct known k, const char *unit) { return (struct cell){ .kind = is_known(k) ? CELL_RATE : CELL_NONE, .v = k.v, .unit = unit }; }
static const struct cell empty = { .kind = CELL_EMPTY };

static unsigned devices(const struct hardware_spec *h)
{
	unsigned n = 0;

	for (unsigned g = 0; g < h->n_groups; g++)
		n += (unsigned)h->groups[g].per_node * h->groups[g].nodes;
	return n;
}

/* Of all devices together; 0: not known of all. A pool of host memory that no device owns does not count. */
static uint64_t memory(const struct hardware_spec *h, int usable)
{
	uint64_t sum = 0;

	for (unsigned g = 0; h && g < h->n_groups; g++) {
		const struct group *k = &h->groups[g];
		uint64_t one = usable ? h->pools[k->pool].usable_bytes : h->pools[k->pool].total_bytes;
		if (!one || u64_mac(&sum, one, (uint64_t)k->per_node * k->nodes))
			return 0;
	}
	return sum;
}

static struct cell bytes(uint64_t v) { return (struct cell){ .kind = v ? CELL_BYTES : CELL_NONE, .v = (double)v }; }

/* What the first device and its pool say; those of a node are alike. */
static struct cell of_device(const struct row *r, enum col c)
{
	static const uint8_t math[] = { [C_F32] = MATH_F32, [C_F16] = MATH_F16, [C_BF16] = MATH_BF16, [C_FP8] = MATH_FP8, [C_INT8] = MATH_INT8, [C_FP4] = MATH_FP4 };
	const struct group *g = r->spec && r->spec->n_groups ? &r->spec->groups[0] : NULL;

	if (!g)
		return (struct cell){ .kind = CELL_NONE };
	switch (c) {
	case C_TOTAL: return bytes(memory(r->spec, 0));
	case C_MEMORY: return bytes(memory(r->spec, 1));
	case C_BANDWIDTH: return rate(r->spec->pools[g->pool].read_bps, "GB/s");
	case C_DEVICES: return count(devices(r->spec));
	case C_TDP: return r->e->kind == HWK_NODE ? rate(r->e->power_w, "W") : rate(g->device->tdp_w, "W");
	case C_ARCH: return text(g->device->arch);
	case C_TYPE: return text(r->spec->pools[g->pool].memory);
	case C_CAPABILITY: return g->device->vendor != VENDOR_NVIDIA ? empty : (struct cell){ .kind = g->device->compute_capability ? CELL_RATE : CELL_NONE,
		.v = g->device->compute_capability / 10.0, .unit = "" };
	default: return rate(g->device->flops[math[c]], "TFLOPS");
	}
}

static void cell_of(struct cell *out, const void *row, unsigned column)
{
	const struct row *r = row;

	switch ((enum col)column) {
	case C_ID: *out = text(r->id); break;
	case C_NAME: *out = text(r->name); break;
	case C_STATUS: *out = text(hw_status_names[r->e->status]); break;
	case C_KIND: *out = text(hw_kind_names[r->e->kind]); break;
	case C_VENDOR: *out = text(vendor_names[r->e->vendor]); break;
	case C_RELEASED: *out = text(r->e->released); break;
	case C_LINK: *out = rate(r->e->host_link_bps, "GB/s"); break;
	case C_PEER: *out = rate(r->e->peer_link_bps, "GB/s"); break;
	case C_PCI: *out = r->e->pci[0] ? words(r->e->pci) : empty; break;
	case C_INSTEAD: *out = r->e->instead[0] ? words(r->e->instead) : empty; break;
	case C_WHY: *out = r->e->why ? text(r->e->why) : empty; break;
	default: *out = of_device(r, (enum col)column);
	}
	if (column == C_RELEASED && out->kind == CELL_TEXT)
		out->kind = CELL_DATE;
}

/* Does a word of s begin with q, which is folded? "m4" is no part of "SXM4". */
static int within(const char *s, const char *q)
{
	char f[200];

	if (!s)
		return 0;
	str_fold(f, sizeof f, s);
	for (const char *p = strstr(f, q); p; p = strstr(p + 1, q))
		if (p == f || p[-1] == '-')
			return 1;
	return 0;
}

/* Every word behind `list` must be part of the machine's name in some form. */
static int matches_query(const struct row *r, const struct options *o)
{
	char q[96];

	for (int i = 1; i < o->n_args; i++) {
		const char *const *const lists[] = { r->v ? NULL : r->e->aliases, r->e->names, r->e->pci };
		str_fold(q, sizeof q, o->args[i]);
		int hit = within(r->id, q) || within(r->name, q) || within(vendor_names[r->e->vendor], q);
		for (unsigned k = 0; k < 3; k++)
			for (const char *const *w = lists[k]; w && *w && !hit; w++)
				hit = within(*w, q);
		if (!hit)
			return 0;
	}
	return 1;
}

struct filters { int vendor, kind, status; };                /* -1: any */

/* The index of a word among names, -1 when it is not given; `also`: another word that is -1. */
static int word_of(int *out, const char *option, const char *word, const char *const *names, const char *also, struct error *err)
{
	struct near_matches near;
	char list[200] = "";

	*out = -1;
	if (!word || (also && str_ieq(word, also)))
		return OK;
	near_init(&near, word);
	for (int i = 0; names[i]; i++) {
		if (str_ieq(word, names[i])) {
			*out = i;
			return OK;
		}
		near_offer(&near, names[i]);
		strcat(strcat(list, i ? ", " : ""), names[i]);
	}
	error_set(err, E_USAGE, "%s %s: there is no such", option, word);
	near_report(&near, err);
	error_hint(err, "%s%s%s", list, also ? ", " : "", also ? also : "");
	return E_USAGE;
}

struct list {
	const struct options *o;
	struct arena *a;
	struct catalog *c;
	struct filters want;
	struct columns columns;
	struct row *rows;
	const void **order; unsigned n, shown, cap;
	unsigned apart, any;                     /* filtered out by status alone; matched by the words */
};

static int add(struct list *l, const struct row *r)
{
	const struct filters *f = &l->want;

	if (!matches_query(r, l->o))
		return OK;
	l->any++;
	if ((f->vendor >= 0 && r->e->vendor != f->vendor) || (f->kind >= 0 && r->e->kind != f->kind) ||
	    (l->o->min_memory && memory(r->spec, 1) < l->o->min_memory))
		return OK;
	if (f->status >= 0 && r->e->status != f->status) {
		l->apart++;
		return OK;
	}
	l->rows[l->n] = *r;
	l->order[l->n] = &l->rows[l->n];
	l->n++;
	return OK;
}

static int add_variants(struct list *l, const struct hardware_entry *e, struct error *err)
{
	for (unsigned i = 0; i < e->n_variants; i++) {
		struct hardware_spec *s = arena_alloc(l->a, sizeof *s);
		int rc;
		if (!s)
			return error_set(err, E_NOMEM, "out of memory");
		if ((rc = hardware_variant_spec(s, l->a, e, &e->variants[i], err)) != OK || (rc = add(l, &(struct row){ e, &e->variants[i], s, s->id, s->name })) != OK)
			return rc;
	}
	return OK;
}

static int add_entry(struct list *l, const char *id, struct error *err)
{
	const struct hardware_entry *e;
	struct hardware_spec *s = NULL;
	int rc = catalog_device(&e, l->c, id, err);

	if (rc != OK)
		return rc;
	if (e->n_variants && e->variants[0].entry && e->status == HW_SOLD)
		return OK;                       /* a family: its members are listed */
	if (e->n_variants && e->spec && !e->variants[0].entry)
		return add_variants(l, e, err);
	if (e->kind == HWK_NODE) {
		struct error why;
		if (!(s = arena_alloc(l->a, sizeof *s)))
			return error_set(err, E_NOMEM, "out of memory");
		if (hardware_resolve(s, l->a, l->c, e->id, 0, &why) != OK)
			s = NULL;                /* not sold, or of parts that nobody knows */
	}
	return add(l, &(struct row){ e, NULL, s ? s : e->spec, e->id, e->name });
}

static int gather(struct list *l, struct error *err)
{
	unsigned n;
	const struct hardware_entry *all = catalog_hardware(l->c, &n);
	int rc;

	l->n = l->apart = l->any = 0;
	for (unsigned i = 0; i < n; i++)
		if ((rc = add_entry(l, all[i].id, err)) != OK)
			return rc;
	return OK;
}

/* Room for every entry and variant. */
static int make_room(struct list *l, struct error *err)
{
	unsigned n, rows = 1;
	const struct hardware_entry *all = catalog_hardware(l->c, &n);

	for (unsigned i = 0; i < n; i++) {
		const struct hardware_entry *e;
		int rc = catalog_device(&e, l->c, all[i].id, err);
		if (rc != OK)
			return rc;
		rows += 1u + e->n_variants;
	}
	l->rows = arena_array(l->a, rows, sizeof *l->rows);
	l->order = arena_array(l->a, rows, sizeof *l->order);
	return l->rows && l->order ? OK : error_set(err, E_NOMEM, "out of memory");
}

static void print_text(const struct list *l, int others)
{
	unsigned unknown = 0, several = 0;
	struct text t;

	for (unsigned i = 0; i < l->shown; i++) {
		const struct row *r = l->order[i];
		several += r->spec && devices(r->spec) > 1;
	}

	text_open(&t, l->o);
	if (others && !l->columns.chosen)
		for (unsigned i = 0; i < l->shown; i++) {
			const struct row *r = l->order[i];
			entry_apart_text(&t, r->id, r->name, hw_status_names[r->e->status], r->e->why, r->e->instead);
		}
	else
		columns_text(&l->columns, cell_of, (const void *const *)l->order, l->shown, &t);
	if (l->o->quiet)
		return;
	for (unsigned i = 0; i < l->shown && !others; i++)
		for (unsigned k = 0; k < l->columns.n && !unknown; k++) {
			struct cell x = { 0 };
			cell_of(&x, l->order[i], l->columns.pick[k]);
			unknown = x.kind == CELL_NONE;
		}
	fprintf(t.out, "\n%u machine%s", l->n, l->n == 1 ? "" : "s");
	if (l->shown < l->n)
		fprintf(t.out, ", the first %u shown", l->shown);
	if (l->apart && !l->o->status)
		fprintf(t.out, "; %u more not sold (--status all)", l->apart);
	fprintf(t.out, "%s\n", unknown ? "; ? is unknown" : "");
	if (several && !others)
		fputs("of several devices: their memory together, bandwidth and rates of one\n", t.out);
}

static int print(struct list *l, struct error *err)
{
	int others = 1;

	columns_sort(&l->columns, cell_of, l->order, l->n);
	l->shown = l->o->limit_set && l->n > l->o->limit ? (unsigned)l->o->limit : l->n;
	for (unsigned i = 0; i < l->shown; i++)
		others &= !((const struct row *)l->order[i])->spec;
	if (l->o->json) {
		cJSON *doc = answer_document();
		columns_json(&l->columns, cell_of, (const void *const *)l->order, l->shown, json_add_array(doc, "hardware"));
		return answer_print(doc, err);
	}
	if (l->o->csv)
		columns_csv(&l->columns, cell_of, (const void *const *)l->order, l->shown, stdout);
	else if (l->n)
		print_text(l, others);
	else
		fputs("No machine of the catalogue is all of that.\n", stdout);
	return OK;
}

static const char *usual(int width)
{
	return width >= 132 ? "id,name,kind,memory,bandwidth,bf16,fp8,fp4,tdp,released" : width >= 112 ? "id,name,memory,bandwidth,bf16,tdp,released" :
		"id,memory,bandwidth,bf16,tdp,released";
}

int hardware_list(const struct options *o, struct arena *a, struct catalog *c, struct error *err)
{
	struct list l = { .o = o, .a = a, .c = c };
	const struct hardware_entry *e;
	struct text t;
	int rc;

	text_open(&t, o);
	if ((rc = word_of(&l.want.vendor, "--vendor", o->vendor, vendor_names, NULL, err)) != OK ||
	    (rc = word_of(&l.want.kind, "--kind", o->kind, hw_kind_names, NULL, err)) != OK ||
	    (rc = word_of(&l.want.status, "--status", o->status, hw_status_names, "all", err)) != OK ||
	    (rc = columns_open(&l.columns, columns, usual(t.width), o, err)) != OK || (rc = make_room(&l, err)) != OK)
		return rc;
	if (!o->status)
		l.want.status = HW_SOLD;
	if ((rc = gather(&l, err)) != OK)
		return rc;
	/* who asks by name for what was never sold is told so */
	if (!l.n && l.apart && o->n_args > 1 && !o->status) {
		l.want.status = -1;
		if ((rc = gather(&l, err)) != OK)
			return rc;
	}
	if (!l.any && o->n_args > 1) {
		rc = catalog_device(&e, c, o->args[1], err);
		return rc == OK || rc == E_AMBIGUOUS ? error_set(err, E_HARDWARE, "%s: no machine has this name", o->args[1]) : rc;
	}
	rc = print(&l, err);
	return rc == OK && !l.n ? 1 : rc;
}
