/* import_config_kinds.c - equal parts and layer kinds become one; what an MTP block is like */
#include "catalog/import_config_read.h"

#include <string.h>

static uint16_t add_part(struct import *c, const struct part *p)
{
	uint16_t i = 0;

	while (i < c->m->n_parts && (c->parts[i].type != p->type || memcmp(&c->parts[i].u, &p->u, sizeof p->u)))
		i++;
	if (i < c->m->n_parts)
		return i;
	if (i == MAX_PARTS) {
		import_fail(c, E_ARCH, "architecture %s: more than %d different parts", c->type, (int)MAX_PARTS);
		return 0;
	}
	c->parts[c->m->n_parts++] = *p;
	return i;
}

static void put(struct import *c, struct layer_kind *k, unsigned b, struct part *p)
{
	struct branch *br = &k->branch[b];

	br->norm = c->fam->norms;
	br->part[br->n_parts++] = add_part(c, p);
	memset(p, 0, sizeof *p);
	if (k->n_branches <= b)
		k->n_branches = (uint8_t)(b + 1);
}

static uint16_t add_kind(struct import *c, const struct layer_kind *k)
{
	uint16_t i = 0;

	while (i < c->m->n_kinds && memcmp(c->kinds[i].branch, k->branch, sizeof k->branch))
		i++;
	if (i < c->m->n_kinds)
		return i;
	if (i == MAX_KINDS) {
		import_fail(c, E_ARCH, "architecture %s: more than %d different layers", c->type, (int)MAX_KINDS);
		return 0;
	}
	c->kinds[i] = *k;
	if (!(c->kinds[i].name = arena_printf(c->arena, "l%u", (unsigned)i)))
		import_fail(c, E_NOMEM, "out of memory");
	c->m->n_kinds++;
	return i;
}

/* Zeroed memory first, so that equal parts and kinds are equal bytes. */
uint16_t import_kind(struct import *c, const struct layer_plan *l)
{
	struct layer_kind k;
	struct part p;
	unsigned b;

	memset(&k, 0, sizeof k);
	memset(&p, 0, sizeof p);
	if (l->mixer == MIXER_ATTENTION || l->mixer == MIXER_BESIDE) {
		import_attention(c, &p, l);
		put(c, &k, 0, &p);
	}
	if (l->mixer == MIXER_MAMBA || l->mixer == MIXER_BESIDE) {
		import_mamba(c, &p);
		put(c, &k, 0, &p);
	}
	if (l->mixer == MIXER_DELTA) {
		import_delta(c, &p);
		put(c, &k, 0, &p);
	}
	if (l->mixer == MIXER_CONV) {
		import_conv(c, &p);
		put(c, &k, 0, &p);
	}
	b = c->fam->flags & FAM_PARALLEL ? 0 : k.n_branches;
	if (l->feed == FEED_MLP || l->feed == FEED_BOTH) {
		import_mlp(c, &p, l);
		put(c, &k, b, &p);
	}
	if (l->feed == FEED_MOE || l->feed == FEED_BOTH) {
		import_moe(c, &p, l);
		put(c, &k, b, &p);
	}
	k.extra_norms = l->feed == FEED_BOTH ? 3 : 0;        /* Gemma 4: norms around its two feed-forwards */
	k.extra_scalars = (c->fam->flags & FAM_LAYER_SCALE) != 0;
	return add_kind(c, &k);
}

/* What an MTP block is like: the last layer, with what families do otherwise. */
static void plan_draft(struct import *c, struct layer_plan *l)
{
	const cJSON *types = import_item(c, "mtp_layers_block_type");

	*l = c->plan[c->m->n_layers - 1];
	if (c->fam->flags & FAM_SINGLE) {            /* Nemotron 3: attention, then experts */
		*l = (struct layer_plan){ .mixer = MIXER_ATTENTION, .feed = FEED_MOE, .no_rope = 1 };
		if (!import_is_list(types) || cJSON_GetArraySize(types) != 2 || !cJSON_IsString(types->child) ||
		    strcmp(types->child->valuestring, "attention") || !cJSON_IsString(types->child->next) ||
		    strcmp(types->child->next->valuestring, "moe"))
			import_fail(c, E_ARCH, "architecture %s: MTP blocks other than attention and moe are not established", c->type);
	} else if (c->fam->flags & FAM_MTP_WINDOW) {
		l->span = SPAN_WINDOW;
		l->feed = FEED_MLP;
	} else if (c->m->residual_streams > 1) {     /* DeepSeek V4: no compressed rows */
		l->ratio = 0;
		l->indexed = l->hash = 0;
	} else if (l->mixer == MIXER_DELTA) {        /* Qwen3-Next, 3.5: full attention */
		l->mixer = MIXER_ATTENTION;
	}
	l->index_reuse = 0;
}

void import_draft(struct import *c)
{
	static const char *const keys[] = { "num_nextn_predict_layers", "mtp_num_hidden_layers", "mtp_num_layers", NULL };
	struct mtp *t = &c->m->mtp;
	uint64_t s = c->m->residual_streams, w = c->m->width;
	uint32_t n = import_count(c, keys, c->fam->mtp), announced = import_u32(c, "num_mtp_modules", 0);
	int own = (c->fam->flags & FAM_MTP_OWN) != 0;

	own |= import_bool(c, "mtp_use_dedicated_embeddings", 0);
	if (c->fam->flags & FAM_MTP_ABSENT || (!n && announced)) {
		if (n || announced)
			import_warn(c, "%u MTP blocks are announced; the released weights do not hold them, they are not counted", n ? n : announced);
		import_used(c, "mtp_layers_block_type");
		return;
	}
	if (c->rc == OK && n > 64)
		import_fail(c, E_FILE, "%u MTP blocks, at most 64", n);
	if (c->rc != OK || !n)
		return;
	if (c->guessed)
		import_warn(c,
			"what the %u MTP blocks hold is not established for this model_type; they are taken to be like the last layer", n);
	plan_draft(c, &c->plan[c->m->n_layers]);
	t->layers = n;
	t->stored = (uint8_t)n;
	t->kind = import_kind(c, &c->plan[c->m->n_layers]);
	t->own_embed = own != 0;
	t->own_head = (c->fam->flags & (FAM_MTP_OWN | FAM_MTP_HEAD)) != 0;
	t->norms = 3;
	if (s > 1 && s <= 64)                        /* its own mixing vectors before the head: llama.cpp src/models/deepseek4.cpp */
		t->extra = s * s * w + s + 1;
	c->m->gguf_mtp = (c->fam->flags & FAM_GGUF_MTP) != 0;
}
