/* audit.h - claims ("Llama 3.3 70B Q4 runs on one RTX 4090") judged with the same arithmetic as `estimate`.
 *
 * A claim is a row of a CSV file (ullage-catalog(5), "CLAIMS"). What it leaves open is read in its favour: every engine that loads the
 * quantisation, 8192 tokens of one sequence where no context is stated, every model or machine that the words may mean.
 *   true         it fits wholly into the memory of the devices named, in all cases that the words cover; with part of it in host memory
 *                only where the claim names that ("+ CPU", "+ 64GB")
 *   conditional  only some of the cases, only with a narrower setting (context, cache type, flavour of the quantisation, fewer bits than
 *                released where none is stated), or with less than 1 GiB left while something is not counted
 *   false        in no case; or there is no such model or machine to be had
 *   unjudged     what the words mean is not in the catalogue, or not known; prices; speeds that the estimate's interval does not exclude */
#ifndef AUDIT_H
#define AUDIT_H

#include "base/csv.h"
#include "calc/estimate.h"
#include "catalog/catalog.h"

enum claim_kind { CLAIM_FITS, CLAIM_SPEED, CLAIM_MEMORY, CLAIM_PRICE };
enum claim_verdict { CLAIM_TRUE, CLAIM_FALSE, CLAIM_CONDITIONAL, CLAIM_UNJUDGED, CLAIM_VERDICTS };
extern const char *const claim_kind_names[], *const claim_verdict_names[];

struct claim {
	/* as the file has it; "" when it says nothing. of: weights, total or kv of a memory claim; decode, prefill or aggregate of a speed */
	const char *id, *guide, *model, *quant, *hardware, *of, *note;
	unsigned line, devices;                      /* devices 0: not stated */
	uint64_t ctx_tokens;                         /* 0: not stated */
	uint8_t kind, negated;                       /* negated: "does not fit" */
	double low, high;                            /* tokens/s, GB (10^9) or USD; NAN: not stated; high INFINITY: at least low */
	double half, half_high;                      /* half of the last digit that low and high are printed with */
	/* the judgement. Strings NULL and figures 0 where there is none */
	uint8_t verdict;
	const char *reason;                          /* one sentence with its figures */
	const char *model_id, *machine, *engine, *recipe;        /* of the case that the figures are of */
	uint64_t needs_bytes, budget_bytes, at_ctx;
	struct figure decode_tps;                    /* of a speed claim: over all cases */
	unsigned cases;                              /* models x machines that were tried */
};
struct audit {
	const char *file;
	struct claim *claim; unsigned n;             /* in the file's order, after --where */
	unsigned count[CLAIM_VERDICTS];
};
/* where: "COLUMN=VALUE[,VALUE]", also of the column "verdict". E_FILE: no column `model`, a figure that is none, an unknown kind, with the line;
 * E_USAGE: a filter of an unknown column. Lives in the arena. */
int audit_run(struct audit *out, struct catalog *c, const struct efficiency *eff, const struct csv *csv, const char *const *where, unsigned n_where,
	struct arena *a, struct error *err) MUST_CHECK;

#endif
