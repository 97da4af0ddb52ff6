/* answer.h - an estimate as text, JSON or CSV. The same objects appear wherever an estimate is printed. */
#ifndef ANSWER_H
#define ANSWER_H

#include "base/json.h"
#include "calc/estimate.h"
#include "cli/model_arg.h"
#include "cli/text.h"

struct answer {
	const struct model_arg *model;
	const struct hardware_spec *hardware;
	const struct question *question;
	const struct estimate *estimate;
};
void answer_text(const struct text *t, const struct answer *a, int quiet);
/* Adds model, hardware, settings, memory, ... to o (design.md, "JSON"). */
void answer_json(cJSON *o, const struct answer *a);
void answer_csv_header(FILE *out);
void answer_csv(FILE *out, const struct answer *a);
/* Adds "hardware" with its devices. */
void answer_hardware_json(cJSON *o, const struct hardware_spec *h);
/* {"schema_version":1,"tool":{...}}; the caller adds and then prints with answer_print(), which deletes it. */
cJSON *answer_document(void);
int answer_print(cJSON *doc, struct error *err) MUST_CHECK;

/* "Q4_K_M", or what a file calls itself. */
const char *answer_quant(const struct answer *a);
/* One sentence: what a relaxation changes. */
const char *relaxation_text(char *buf, size_t n, const struct relaxation *r, const struct answer *a);
/* What the relaxation takes away, in words; "" when there is nothing to say. */
const char *costs_text(char *buf, size_t n, const struct relaxation *r, const struct answer *a);
/* "30 of 48 layers on the device", "the experts of 12 of 48 layers in host memory". */
const char *offload_text(char *buf, size_t n, uint32_t gpu_layers, uint32_t cpu_moe, uint32_t n_layers);
/* One sentence: where it is short and by how much. */
const char *shortfall_text(char *buf, size_t n, const struct estimate *e);
/* "12.3 tok/s (8.1 to 15)" or "unknown". */
const char *figure_text(char *buf, size_t n, struct figure f, const char *unit);

#endif
