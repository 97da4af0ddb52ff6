/* cmd_hardware.c - ullage hardware: the catalogue of machines; this one's host memory without arguments */
#include "base/json.h"
#include "base/units.h"
#include "catalog/hardware_name.h"
#include "cli/answer.h"
#include "cli/cmd.h"

#include <string.h>

static const char *bandwidth(char *b, size_t n, struct known k)
{
	char v[24];

	if (!is_known(k))
		return "unknown";
	snprintf(b, n, "%s GB/s", format_3(v, sizeof v, k.v / 1e9));
	return b;
}

static int print_spec(const struct options *o, const struct hardware_spec *h, struct error *err)
{
	char a[32], b[32], c[32];

	if (o->json) {
		cJSON *doc = answer_document(), *x = json_add_object(doc, "hardware"), *l;
		json_add_str(x, "id", h->id);
		json_add_str(x, "name", h->name);
		l = json_add_array(x, "pools");
		for (unsigned i = 0; i < h->n_pools; i++) {
			cJSON *p = cJSON_CreateObject();
			json_add_str(p, "name", h->pools[i].name);
			if (h->pools[i].total_bytes)
				json_add_u64(p, "memory_total_bytes", h->pools[i].total_bytes);
			else
				cJSON_AddNullToObject(p, "memory_total_bytes");
			if (h->pools[i].usable_bytes)
				json_add_u64(p, "memory_usable_bytes", h->pools[i].usable_bytes);
			else
				cJSON_AddNullToObject(p, "memory_usable_bytes");
			if (is_known(h->pools[i].free_bytes))
				json_add_u64(p, "memory_free_bytes", (uint64_t)h->pools[i].free_bytes.v);
			else
				cJSON_AddNullToObject(p, "memory_free_bytes");
			if (is_known(h->pools[i].read_bps))
				json_add_f64(p, "bandwidth_bytes_per_s", h->pools[i].read_bps.v);
			else
				cJSON_AddNullToObject(p, "bandwidth_bytes_per_s");
			json_add_str(p, "limit", h->pools[i].limit);
			cJSON_AddItemToArray(l, p);
		}
		l = json_add_array(x, "devices");
		for (unsigned g = 0; g < h->n_groups; g++) {
			cJSON *d = cJSON_CreateObject();
			json_add_str(d, "id", h->groups[g].device->id);
			json_add_str(d, "name", h->groups[g].device->name);
			json_add_u64(d, "count", (uint64_t)h->groups[g].per_node * h->groups[g].nodes);
			cJSON *r = json_add_object(d, "flops_dense");
			for (unsigned m = 0; m < MATH_COUNT; m++)
				if (is_known(h->groups[g].device->flops[m]))
					json_add_f64(r, math_names[m], h->groups[g].device->flops[m].v);
				else
					cJSON_AddNullToObject(r, math_names[m]);
			cJSON_AddItemToArray(l, d);
		}
		return answer_print(doc, err);
	}
	struct text t;
	text_open(&t, o);
	text_paint(&t, BOLD, "%s", h->name);
	fputc('\n', t.out);
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct device_spec *d = h->groups[g].device;
		unsigned n = (unsigned)h->groups[g].per_node * h->groups[g].nodes;
		fprintf(t.out, "%u x %s, memory %s\n", n, d->name, h->pools[h->groups[g].pool].name);
		for (unsigned m = 0; m < MATH_COUNT; m++)
			if (is_known(d->flops[m]))
				fprintf(t.out, "    %-6s %8s TFLOPS dense\n", math_names[m], format_3(a, sizeof a, d->flops[m].v / 1e12));
	}
	for (unsigned i = 0; i < h->n_pools; i++) {
		const struct pool *p = &h->pools[i];
		fprintf(t.out, "%-8s %s total, %s usable, ", p->name, format_bytes(a, sizeof a, p->total_bytes), p->usable_bytes ? format_bytes(b, sizeof b, p->usable_bytes) : "unknown");
		if (is_known(p->free_bytes))
			fprintf(t.out, "%s free, ", format_bytes(b, sizeof b, (uint64_t)p->free_bytes.v));
		fprintf(t.out, "bandwidth %s%s%s%s\n", bandwidth(c, sizeof c, p->read_bps), p->limit ? " (limit: " : "", p->limit ? p->limit : "", p->limit ? ")" : "");
	}
	for (unsigned i = 0; i < h->n_warnings && !o->quiet; i++)
		text_wrap(&t, "note: ", 6, h->warnings[i]);
	return OK;
}

static int print_list(const struct options *o, struct catalog *c, struct error *err)
{
	unsigned n, shown = 0;
	const struct hardware_entry *all = catalog_hardware(c, &n);
	cJSON *doc = o->json ? answer_document() : NULL, *list = doc ? json_add_array(doc, "hardware") : NULL;
	char a[32], b[32];
	struct table tab;
	struct text t;

	text_open(&t, o);
	table_init(&tab, 5, 0xc);
	for (unsigned i = 0; i < 5; i++)
		table_cell(&tab, DIM, "%s", (const char *const[]){ "id", "name", "memory", "bandwidth", "status" }[i]);
	if (o->csv)
		fputs("id,name,memory_total_bytes,memory_usable_bytes,bandwidth_bytes_per_s,status\n", stdout);
	for (unsigned i = 0; i < n && !(o->limit_set && shown >= o->limit); i++) {
		static const char *const status[] = { "", "announced", "never sold" };
		const struct hardware_entry *e;
		int rc = catalog_device(&e, c, all[i].id, NULL);
		if (rc != OK && rc != E_AVAILABLE && rc != E_AMBIGUOUS) {
			cJSON_Delete(doc);
			return catalog_device(&e, c, all[i].id, err);
		}
		if (rc != OK)
			e = &all[i];
		const struct pool *p = e->spec && e->spec->n_pools ? &e->spec->pools[0] : NULL;
		shown++;
		if (doc) {
			cJSON *x = cJSON_CreateObject();
			json_add_str(x, "id", e->id);
			json_add_str(x, "name", e->name);
			if (p && p->total_bytes)
				json_add_u64(x, "memory_total_bytes", p->total_bytes);
			else
				cJSON_AddNullToObject(x, "memory_total_bytes");
			cJSON_AddItemToArray(list, x);
		} else if (o->csv) {
			csv_cell(stdout, e->id, 0);
			csv_cell(stdout, e->name, 0);
			if (p && p->total_bytes)
				printf("%llu,%llu,", (unsigned long long)p->total_bytes, (unsigned long long)p->usable_bytes);
			else
				fputs(",,", stdout);
			if (p && is_known(p->read_bps))
				printf("%.0f", p->read_bps.v);
			printf(",%s\n", status[e->status]);
		} else {
			table_cell(&tab, PLAIN, "%s", e->id);
			table_cell(&tab, PLAIN, "%s", e->name);
			table_cell(&tab, PLAIN, "%s", e->n_variants ? "by variant" : p && p->total_bytes ? format_bytes(a, sizeof a, p->total_bytes) : e->n_groups ? "by device" : "unknown");
			table_cell(&tab, PLAIN, "%s", p ? bandwidth(b, sizeof b, p->read_bps) : "");
			table_cell(&tab, PLAIN, "%s", status[e->status]);
		}
	}
	if (doc)
		return answer_print(doc, err);
	table_print(&tab, &t, 1);
	return OK;
}

int cmd_hardware(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	struct arena a = { 0 };
	struct hardware_spec h;
	int rc;

	if ((rc = catalog_open(&c, o->program, err)) != OK)
		return rc;
	if (o->n_args == 0) {
		if ((rc = hardware_host(&h, &a, err)) == OK)
			rc = print_spec(o, &h, err);
		if (rc == OK && !o->json && !o->quiet)
			puts("GPUs are not detected yet in this version: name one with --on, see ullage hardware list");
	} else if (o->n_args == 1 && !strcmp(o->args[0], "list")) {
		rc = print_list(o, c, err);
	} else if (o->n_args == 2 && !strcmp(o->args[0], "show")) {
		if ((rc = hardware_resolve(&h, &a, c, o->args[1], 0, err)) == OK)
			rc = print_spec(o, &h, err);
	} else {
		rc = error_set(err, E_USAGE, "hardware wants nothing, list, or show NAME");
	}
	arena_free(&a);
	catalog_close(c);
	return rc;
}
