/* hardware_show.c - one machine of the catalogue in full: bytes, rates, links, variants, names, sources */
#include "cli/hardware_show.h"

#include "base/units.h"
#include "catalog/hardware_find.h"
#include "catalog/model_spec.h"
#include "cli/answer.h"
#include "cli/machine.h"
#include "cli/price_text.h"

#include <string.h>

/* What is shown. e NULL: a name composed of several things; h NULL: nothing is known of it, or its memory is open. */
struct shown {
	const struct hardware_entry *e;
	const struct hardware_spec *h;
	const char *open;                        /* why h is NULL though the machine is sold: its variants differ */
	struct prices prices;
	const char *ids[40];                     /* whose prices are shown: the machine's, or the entry's and all its variants'; NULL-ended */
};

static void words(const struct text *t, const char *name, const char *const *list)
{
	char line[900] = "";
	size_t used = 0;

	for (unsigned i = 0; list[i] && used < sizeof line; i++)
		used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? ", " : "", list[i]);
	text_fact(t, name, line);
}

/* " (spec)", " (published, key)": the basis of a figure, and its source when the figure is the entry's own. */
static const char *from(char *buf, size_t n, const struct shown *s, struct known k)
{
	if (!is_known(k))
		buf[0] = 0;
	else if (s->e && s->e->spec && k.source < s->e->n_sources && strcmp(basis_names[k.basis], s->e->sources[k.source].key))
		snprintf(buf, n, " (%s, %s)", basis_names[k.basis], s->e->sources[k.source].key);
	else
		snprintf(buf, n, " (%s)", basis_names[k.basis]);
	return buf;
}

/* at: 1 + index of the source, 0: not told. */
static const char *exact(char *buf, size_t n, const struct shown *s, uint64_t bytes, uint16_t at)
{
	char v[32];
	int told = s->e && s->e->spec && at && at <= s->e->n_sources;

	if (!bytes)
		snprintf(buf, n, "unknown");
	else
		snprintf(buf, n, "%s, %llu bytes%s%s%s", format_bytes(v, sizeof v, bytes), (unsigned long long)bytes, told ? " (" : "", told ? s->e->sources[at - 1].key : "", told ? ")" : "");
	return buf;
}

static const char *rate(char *buf, size_t n, struct known k)
{
	char v[24];

	if (is_known(k))
		snprintf(buf, n, "%s GB/s", format_3(v, sizeof v, k.v / 1e9));
	else
		snprintf(buf, n, "unknown");
	return buf;
}

static void pool(const struct text *t, const struct shown *s, const struct pool *p)
{
	char a[160], b[64], v[32];

	text_factf(t, p->name, "%s%s%s", exact(a, sizeof a, s, p->total_bytes, p->total_source), p->memory ? ", " : "", p->memory ? p->memory : "");
	if (p->usable_bytes != p->total_bytes)
		text_factf(t, "", "usable %s%s%s", exact(a, sizeof a, s, p->usable_bytes, p->usable_source), p->limit ? ": " : "", p->limit ? p->limit : "");
	if (is_known(p->free_bytes))
		text_factf(t, "", "%s free", format_bytes(v, sizeof v, (uint64_t)p->free_bytes.v));
	text_factf(t, "", "bandwidth %s%s", rate(a, sizeof a, p->read_bps), from(b, sizeof b, s, p->read_bps));
}

static void device(const struct text *t, const struct shown *s, const struct hardware_spec *h, const struct group *g)
{
	const struct device_spec *d = g->device;
	unsigned n = (unsigned)g->per_node * g->nodes;
	char line[300], a[32], b[64];
	size_t used = (size_t)snprintf(line, sizeof line, "%u x %s", n, d->name);

	if (g->nodes > 1)
		used += (size_t)snprintf(line + used, sizeof line - used, ", %u machines of %u", g->nodes, g->per_node);
	text_fact(t, "devices", line);
	if (h->n_groups > 1 || h->n_pools > 1)
		text_factf(t, "", "memory: %s", h->pools[g->pool].name);
	used = 0;
	line[0] = 0;
	if (d->compute_capability)
		used += (size_t)snprintf(line + used, sizeof line - used, ", compute capability %u.%u", d->compute_capability / 10, d->compute_capability % 10);
	if (d->arch)
		used += (size_t)snprintf(line + used, sizeof line - used, ", %s", d->arch);
	if (d->units)
		used += (size_t)snprintf(line + used, sizeof line - used, ", %u %s", d->units, d->vendor == VENDOR_NVIDIA ? "SMs" : d->kind == DEVICE_CPU ? "cores" : "units");
	if (is_known(d->l2_bytes))
		used += (size_t)snprintf(line + used, sizeof line - used, ", L2 %s", format_bytes(a, sizeof a, (uint64_t)d->l2_bytes.v));
	if (used)
		text_fact(t, "", line + 2);
	if (is_known(d->stream_eff))
		text_factf(t, "", "%.1f %% of the bandwidth measured%s", 100 * d->stream_eff.v, from(b, sizeof b, s, d->stream_eff));
	text_factf(t, "power", is_known(d->tdp_w) ? "%.0f W%s" : "unknown", d->tdp_w.v, from(b, sizeof b, s, d->tdp_w));
	unsigned known = 0;
	for (unsigned m = 0; m < MATH_COUNT; m++)
		if (is_known(d->flops[m]))
			text_factf(t, known++ ? "" : "dense rates", "%-5s %s %s%s", math_names[m], format_3(a, sizeof a, d->flops[m].v / 1e12), m == MATH_INT8 ? "TOPS" : "TFLOPS",
				from(b, sizeof b, s, d->flops[m]));
	if (!known)
		text_fact(t, "dense rates", "unknown");
}

static const char *end_name(const struct hardware_spec *h, uint16_t at)
{
	return at == LINK_HOST ? "host" : at == LINK_OTHER_NODE ? "other machines" : at < h->n_groups ? h->groups[at].device->id : "?";
}

static void links(const struct text *t, const struct shown *s)
{
	const struct hardware_spec *h = s->h;
	char a[32], b[64], r[48];

	for (unsigned i = 0; i < h->n_links; i++) {
		const struct link *k = &h->links[i];
		r[0] = 0;
		if (is_known(k->allreduce_bps))
			snprintf(r, sizeof r, ", all-reduce at %s", rate(a, sizeof a, k->allreduce_bps));
		text_factf(t, i ? "" : "links", "%s to %s: %s, %s%s%s%s", end_name(h, k->a), end_name(h, k->b), link_kind_names[k->kind], rate(a, sizeof a, k->each_way_bps),
			is_known(k->each_way_bps) ? " each way" : "", from(b, sizeof b, s, k->each_way_bps), r);
	}
	if (s->e && s->e->peer_bridge)
		text_factf(t, "", "with a bridge, bought apart: %s, %s each way between %u", link_kind_names[s->e->peer_link_kind], rate(a, sizeof a, s->e->peer_link_bps),
			s->e->peer_domain ? s->e->peer_domain : 2);
	else if (s->e && s->e->kind != HWK_NODE && is_known(s->e->peer_link_bps))
		text_factf(t, "", "between cards: %s, %s each way", link_kind_names[s->e->peer_link_kind], rate(a, sizeof a, s->e->peer_link_bps));
}

static void variants(const struct text *t, const struct shown *s)
{
	static const char *const heads[] = { "variant", "memory", "usable", "bandwidth", "cores", "limit" };
	const struct hardware_entry *e = s->e;
	char a[32];
	struct table tab;

	if (!e || !e->n_variants)
		return;
	if (e->variants[0].entry) {
		for (unsigned i = 0; i < e->n_variants; i++)
			text_factf(t, i ? "" : "stands for", "%s%s", e->variants[i].entry, e->variants[i].is_default ? ", unless said otherwise" : "");
		return;
	}
	table_init(&tab, 6, 0x1e);
	fputc('\n', t->out);
	for (unsigned i = 0; i < 6; i++)
		table_cell(&tab, DIM, "%s", heads[i]);
	for (unsigned i = 0; i < e->n_variants; i++) {
		const struct hardware_variant *v = &e->variants[i];
		struct known bps = is_known(v->read_bps) || !e->spec ? v->read_bps : e->spec->pools[e->spec->groups[0].pool].read_bps;
		table_cell(&tab, PLAIN, "%s", v->id);
		table_cell(&tab, PLAIN, "%s", v->memory_bytes ? format_bytes(a, sizeof a, v->memory_bytes) : "unknown");
		table_cell(&tab, PLAIN, "%s", v->usable_bytes ? format_bytes(a, sizeof a, v->usable_bytes) : "unknown");
		table_cell(&tab, PLAIN, "%s", rate(a, sizeof a, bps));
		if (v->gpu_cores)
			table_cell(&tab, PLAIN, "%u", v->gpu_cores);
		else
			table_cell(&tab, PLAIN, "%s", "");
		table_cell(&tab, PLAIN, "%s", v->limit ? v->limit : v->is_default ? "the usual one" : "");
	}
	table_print(&tab, t, 1);
}

static void about(const struct text *t, const struct hardware_entry *e)
{
	text_factf(t, "kind", "%s, %s%s%s", hw_kind_names[e->kind], vendor_names[e->vendor], e->released ? ", " : "", e->released ? e->released : "");
	if (e->status != HW_SOLD)
		text_fact(t, "status", e->status == HW_ANNOUNCED ? "announced, not sold yet" : "never sold");
	text_fact(t, "why", e->why);
	words(t, e->status == HW_SOLD ? "see also" : "instead", e->instead);
}

static void behind(const struct text *t, const struct hardware_entry *e)
{
	if (is_known(e->power_w))
		text_factf(t, "power in all", "%.0f W", e->power_w.v);
	if (e->kind == HWK_NODE) {
		char a[32];
		text_factf(t, "host", "%s%smemory %s", e->host_cpu ? e->host_cpu : "", e->host_cpu ? ", " : "",
			is_known(e->host_memory_bytes) ? format_bytes(a, sizeof a, (uint64_t)e->host_memory_bytes.v) : "unknown");
	}
	if (e->cards_per_node > 1)
		text_factf(t, "in a machine", "%u, usually", e->cards_per_node);
	words(t, "drivers say", e->names);
	words(t, "PCI ids", e->pci);
	words(t, "also known as", e->aliases);
}

static void show_text(const struct options *o, const struct shown *s)
{
	const struct hardware_entry *e = s->e;
	struct text t;

	text_open(&t, o);
	text_paint(&t, BOLD, "%s", s->h ? s->h->name : e ? e->name : "");
	fprintf(t.out, "  (%s)\n", s->h ? s->h->id : e ? e->id : "");
	if (e)
		about(&t, e);
	for (unsigned i = 0; s->h && i < s->h->n_pools; i++)
		pool(&t, s, &s->h->pools[i]);
	for (unsigned g = 0; s->h && g < s->h->n_groups; g++)
		device(&t, s, s->h, &s->h->groups[g]);
	if (s->h)
		links(&t, s);
	prices_text(&t, &s->prices, s->ids);
	if (e)
		behind(&t, e);
	variants(&t, s);
	if (e && e->n_variants && !e->variants[0].entry && !o->quiet)
		fputc('\n', t.out);
	for (unsigned i = 0; e && i < e->n_sources && !o->quiet; i++)
		text_factf(&t, i ? "" : "sources", "%s (%s): %s%s%s", e->sources[i].key, e->sources[i].confidence, e->sources[i].what, e->sources[i].where ? ", " : "",
			e->sources[i].where ? e->sources[i].where : "");
	if (o->quiet)
		return;
	for (unsigned i = 0; e && e->notes && e->notes[i]; i++)
		text_wrap(&t, "note: ", 6, e->notes[i]);
	for (unsigned i = 0; s->h && i < s->h->n_warnings; i++)
		text_wrap(&t, "note: ", 6, s->h->warnings[i]);
	if (s->open)
		text_wrap(&t, "note: ", 6, s->open);
}

static void add_words(cJSON *o, const char *key, const char *const *list)
{
	cJSON *l = json_add_array(o, key);

	for (unsigned i = 0; list && list[i]; i++)
		cJSON_AddItemToArray(l, cJSON_CreateString(list[i]));
}

static const char *source_key(const struct shown *s, unsigned at)
{
	return s->e && s->e->spec && at && at <= s->e->n_sources ? s->e->sources[at - 1].key : NULL;
}

/* What hardware_json_spec() has no room for, since a probed machine has none of it. */
static void add_details(cJSON *x, const struct shown *s)
{
	const struct hardware_spec *h = s->h;
	cJSON *pools = cJSON_GetObjectItem(x, "pools"), *devices = cJSON_GetObjectItem(x, "devices");

	for (unsigned i = 0; i < h->n_pools; i++) {
		cJSON *o = cJSON_GetArrayItem(pools, (int)i);
		const struct pool *p = &h->pools[i];
		json_add_str(o, "kind", pool_kind_names[p->kind]);
		json_add_str(o, "memory_type", p->memory);
		json_add_str(o, "memory_total_source", source_key(s, p->total_source));
		json_add_str(o, "memory_usable_source", source_key(s, p->usable_source));
		json_add_str(o, "bandwidth_source", is_known(p->read_bps) ? source_key(s, p->read_bps.source + 1u) : NULL);
	}
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct device_spec *d = h->groups[g].device;
		cJSON *o = cJSON_GetArrayItem(devices, (int)g), *basis = json_add_object(o, "flops_basis"), *keys = json_add_object(o, "flops_source");
		for (unsigned m = 0; m < MATH_COUNT; m++) {
			json_add_str(basis, math_names[m], is_known(d->flops[m]) ? basis_names[d->flops[m].basis] : NULL);
			json_add_str(keys, math_names[m], is_known(d->flops[m]) ? source_key(s, d->flops[m].source + 1u) : NULL);
		}
		json_add_known(o, "compute_capability", d->compute_capability ? known_of(d->compute_capability / 10.0, BASIS_SPEC) : (struct known){ 0 });
		json_add_str(o, "arch", d->arch);
		json_add_known_u64(o, "units", d->units);
		json_add_known(o, "l2_bytes", d->l2_bytes);
		json_add_known(o, "tdp_w", d->tdp_w);
		json_add_known(o, "stream_efficiency", d->stream_eff);
	}
}

static void add_variants(cJSON *x, const struct hardware_entry *e)
{
	cJSON *list = json_add_array(x, "variants");

	for (unsigned i = 0; i < e->n_variants; i++) {
		const struct hardware_variant *v = &e->variants[i];
		cJSON *o = cJSON_CreateObject();
		cJSON_AddItemToArray(list, o);
		json_add_str(o, "id", v->id);
		json_add_bool(o, "default", v->is_default);
		json_add_known_u64(o, "memory_total_bytes", v->memory_bytes);
		json_add_known_u64(o, "memory_usable_bytes", v->usable_bytes);
		json_add_str(o, "limit", v->limit);
		json_add_known(o, "bandwidth_bytes_per_s", v->read_bps);
		json_add_known_u64(o, "gpu_cores", v->gpu_cores);
		json_add_known(o, "tdp_w", v->tdp_w);
	}
}

static void add_entry(cJSON *x, const struct hardware_entry *e)
{
	cJSON *list;

	json_add_str(x, "entry", e->id);
	json_add_str(x, "kind", hw_kind_names[e->kind]);
	json_add_str(x, "vendor", vendor_names[e->vendor]);
	json_add_str(x, "status", hw_status_names[e->status]);
	json_add_str(x, "released", e->released);
	json_add_str(x, "why", e->why);
	add_words(x, "instead", e->instead);
	add_words(x, "aliases", e->aliases);
	add_words(x, "driver_names", e->names);
	add_words(x, "pci_ids", e->pci);
	json_add_known_u64(x, "cards_per_node", e->cards_per_node);
	json_add_known(x, "host_memory_bytes", e->host_memory_bytes);
	json_add_known(x, "power_w", e->power_w);
	add_variants(x, e);
	list = json_add_array(x, "sources");
	for (unsigned i = 0; i < e->n_sources; i++) {
		cJSON *o = cJSON_CreateObject();
		cJSON_AddItemToArray(list, o);
		json_add_str(o, "key", e->sources[i].key);
		json_add_str(o, "what", e->sources[i].what);
		json_add_str(o, "where", e->sources[i].where);
		json_add_str(o, "confidence", e->sources[i].confidence);
	}
	add_words(x, "notes", e->notes);
}

static int show_json(const struct shown *s, struct error *err)
{
	cJSON *doc = answer_document(), *x = json_add_object(doc, "hardware"), *l;

	if (s->h) {
		hardware_json_spec(x, s->h);
		add_details(x, s);
	} else {
		json_add_str(x, "id", s->e->id);
		json_add_str(x, "name", s->e->name);
		json_add_array(x, "pools");
		json_add_array(x, "devices");
		json_add_array(x, "links");
	}
	if (s->e)
		add_entry(x, s->e);
	prices_json(x, &s->prices, s->ids);
	l = json_add_array(doc, "warnings");
	for (unsigned i = 0; s->h && i < s->h->n_warnings; i++)
		cJSON_AddItemToArray(l, cJSON_CreateString(s->h->warnings[i]));
	if (s->open)
		cJSON_AddItemToArray(l, cJSON_CreateString(s->open));
	return answer_print(doc, err);
}

/* A variant by its own name; else the entry and what its name may stand for. */
static void priced(struct shown *s)
{
	unsigned n = 0;

	if (s->h)
		s->ids[n++] = s->h->id;
	if (s->e && (!s->h || !strcmp(s->h->id, s->e->id))) {
		s->ids[n++] = s->e->id;
		for (unsigned i = 0; i < s->e->n_variants && n + 1 < sizeof s->ids / sizeof *s->ids; i++)
			s->ids[n++] = s->e->variants[i].id;
	}
	s->ids[n] = NULL;
}

int hardware_show(const struct options *o, struct arena *a, struct catalog *c, const char *name, struct error *err)
{
	struct hardware_found found = { 0 };
	struct hardware_spec h;
	struct shown s = { 0 };
	struct error why = { 0 };
	int rc = hardware_resolve(&h, a, c, name, 0, &why);

	if (rc == OK) {
		s.h = &h;
		/* one thing by name has an entry; "2x rtx-4090 + 64GB" has none */
		if (hardware_find(&found, a, c, name, NULL) == OK)
			s.e = found.entry;
	} else if ((rc == E_AMBIGUOUS || rc == E_AVAILABLE) && catalog_device(&s.e, c, name, NULL) == OK) {
		s.h = s.e->status != HW_SOLD ? s.e->spec : NULL;
		s.open = s.e->status == HW_SOLD ? why.text : NULL;
	} else {
		if (err)
			*err = why;
		return rc;
	}
	if ((rc = prices_from(&s.prices, a, c, err)) != OK)
		return rc;
	priced(&s);
	if (o->json)
		return show_json(&s, err);
	show_text(o, &s);
	return OK;
}
