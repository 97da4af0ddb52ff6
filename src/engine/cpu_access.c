/* cpu_access.c - what each op touches and how its threads share it, for cpu_sync.c */
#include "engine/cpu_build.h"

#include <assert.h>

static void touch(struct xop *o, unsigned mode, const void *at, uint64_t bytes, uint64_t n, int write, enum share share)
{
	if (!at || !bytes)
		return;
	assert(o->n_access[mode] < ACCESSES);    /* one left out would be a race */
	/* rows of outputs and rows of tokens are shared out differently */
	uint64_t key = share == SHARE_TOKENS ? n | (uint64_t)o->rows << 63 : n;
	o->access[mode][o->n_access[mode]++] = (struct access){ at, bytes, key, (uint8_t)write, (uint8_t)share };
}

static uint64_t act_bytes(const struct program *p, const struct xop *o, uint64_t n)
{
	return (uint64_t)(o->rows ? p->lim.max_outputs : p->lim.max_tokens) * n * sizeof(float);
}
static void reads(struct program *p, struct xop *o, unsigned mode, unsigned i, enum share s)
{
	touch(o, mode, o->in[i], act_bytes(p, o, o->n_in[i]), o->n_in[i], 0, s);
}
static void writes(struct program *p, struct xop *o, unsigned mode, unsigned i, enum share s)
{
	touch(o, mode, o->out[i], act_bytes(p, o, o->n_out[i]), o->n_out[i], 1, s);
}
static void reads_prepared(struct program *p, struct xop *o, unsigned mode)
{
	if (mode == MANY)
		touch(o, mode, p->prep[o->kind], p->lim.max_tokens * p->prep_bytes[o->kind], 0, 0, SHARE_ALL);
}
static void prepares(struct program *p, struct xop *o, unsigned mode)
{
	for (unsigned k = 0; k < INPUT_KINDS && mode == MANY; k++)
		if (o->kinds >> k & 1)
			touch(o, mode, p->prep[k], p->lim.max_tokens * p->prep_bytes[k], 0, 1, SHARE_TOKENS);
}
static void states(struct program *p, struct xop *o, unsigned mode, int write)
{
	for (unsigned i = 0; i < OP_STATES; i++)
		if (o->state[i] && (!i || o->state[i] != o->state[i - 1]))
			touch(o, mode, p->kv + o->state[i]->at, o->state[i]->slot_bytes * p->lim.slots, 0, write, SHARE_ALL);
}
/* Everything it reads and writes, in any way. */
static void anyhow(struct program *p, struct xop *o, unsigned mode)
{
	for (unsigned i = 0; i < 4; i++) {
		reads(p, o, mode, i, SHARE_ALL);
		writes(p, o, mode, i, SHARE_ALL);
	}
}

static void list(struct program *p, struct xop *o, unsigned mode)
{
	uint64_t cs = (uint64_t)(p->model->n_rope ? p->model->n_rope : 1) * p->lim.max_tokens * p->cs_dims * sizeof(float);

	if (o->run == run_embed) {
		writes(p, o, mode, 0, SHARE_TOKENS);
	} else if (o->run == run_rope) {
		touch(o, mode, p->cs, cs, 0, 1, SHARE_TOKENS);
	} else if (o->run == run_norm || o->run == run_prepare) {
		reads(p, o, mode, 0, mode == ONE && o->kinds ? SHARE_ALL : SHARE_TOKENS);
		if (o->run == run_norm && o->keep)
			writes(p, o, mode, 0, SHARE_TOKENS);
		prepares(p, o, mode);
	} else if (o->run == run_linear || o->run == run_head) {
		reads_prepared(p, o, mode);
		writes(p, o, mode, 0, o->sub == 1 ? SHARE_COLUMNS : SHARE_ALL);
	} else if (o->run == run_act || o->run == run_add) {
		reads(p, o, mode, 0, SHARE_COLUMNS);
		reads(p, o, mode, 1, SHARE_COLUMNS);
		writes(p, o, mode, 0, SHARE_COLUMNS);
	} else if (o->run == run_gate || o->run == run_concat || o->run == run_route || o->run == run_decay || o->run == run_per_layer || o->run == run_scale || o->run == run_res_mix) {
		reads(p, o, mode, 0, SHARE_TOKENS);
		reads(p, o, mode, 1, SHARE_TOKENS);
		writes(p, o, mode, 0, SHARE_TOKENS);
	} else if (o->run == run_rows) {
		touch(o, mode, o->in[0], p->lim.max_tokens * o->n_in[0] * sizeof(float), o->n_in[0], 0, SHARE_ALL);
		writes(p, o, mode, 0, SHARE_ALL);
	} else if (o->run == run_qk) {
		for (unsigned i = 0; i < 3; i++) /* q and k are turned in place */
			touch(o, mode, o->in[i], act_bytes(p, o, o->n_in[i]), o->n_in[i], 1, mode == ONE ? SHARE_ALL : SHARE_TOKENS);
		touch(o, mode, p->cs, cs, 0, 0, mode == ONE ? SHARE_ALL : SHARE_TOKENS);
		states(p, o, mode, 1);
	} else if (o->run == run_bank) {
		reads(p, o, mode, 0, SHARE_TOKENS);
		touch(o, mode, o->in[1], act_bytes(p, o, o->n_in[1]), o->n_in[1], 1, SHARE_TOKENS);
		writes(p, o, mode, 0, SHARE_TOKENS);
	} else if (o->run == run_index_rows) {
		for (unsigned i = 0; i < 2; i++)
			touch(o, mode, o->in[i], act_bytes(p, o, o->n_in[i]), o->n_in[i], 1, SHARE_TOKENS);
		touch(o, mode, p->cs, cs, 0, 0, SHARE_TOKENS);
		states(p, o, mode, 1);
	} else if (o->run == run_index) {
		for (unsigned i = 0; i < 3; i++)
			reads(p, o, mode, i, SHARE_ALL);
		writes(p, o, mode, 0, SHARE_ALL);
		states(p, o, mode, 0);
	} else if (o->run == run_attn) {
		reads(p, o, mode, 0, SHARE_ALL);
		reads(p, o, mode, 1, SHARE_ALL);
		writes(p, o, mode, 0, SHARE_ALL);
		states(p, o, mode, 0);
	} else {                                 /* groups, recurrences, experts */
		anyhow(p, o, mode);
		if (o->run == run_expert_rows)
			reads_prepared(p, o, mode);
		if (o->b->op->kind == OP_EXPERTS)        /* stands for the order of the rows too */
			touch(o, mode, p->gather, 1, 0, 1, SHARE_ALL);
		states(p, o, mode, 1);
	}
}

void list_accesses(struct program *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		for (unsigned mode = 0; mode < MODES; mode++)
			list(p, &p->x[i], mode);
}
