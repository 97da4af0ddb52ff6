/* import_gguf_make.h - GGUF headers of small models, in a few words a layer, and what becomes of them */
#ifndef IMPORT_GGUF_MAKE_H
#define IMPORT_GGUF_MAKE_H

#include "../tap.h"

#include "catalog/import_gguf.h"
#include "gguf_make.h"

static struct arena arena;
static struct error err;
static struct make m;
static struct model_spec s;

/* "NAME ne0 ne1 ne2; ..." with "" for no prefix; names get ".weight" unless they have a dot at the end or a suffix of their own. */
static inline void tensors(const char *prefix, const char *list)
{
	char name[96], stem[64];
	unsigned long ne[3];
	int used;

	for (; *list; list += used) {
		used = 0;
		ne[0] = ne[1] = ne[2] = 0;
		if (sscanf(list, " %63s%n", stem, &used) != 1)
			return;
		list += used;
		for (unsigned i = 0; i < 3; i++) {
			used = 0;
			if (sscanf(list, " %lu%n", &ne[i], &used) != 1)
				break;
			list += used;
		}
		int whole = strstr(stem, ".bias") || strstr(stem, ".scale") || strstr(stem, ".input_scale") || stem[strlen(stem) - 1] == '!';
		snprintf(name, sizeof name, "%s%.*s%s", prefix, (int)(strlen(stem) - (stem[strlen(stem) - 1] == '!')), stem, whole ? "" :
			".weight");
		tensor(&m, name, ne[0], ne[1], ne[2]);
		used = (int)strspn(list, " ;");
	}
}
static inline void blocks(unsigned from, unsigned to, const char *list)
{
	char prefix[32];

	for (unsigned l = from; l < to; l++) {
		snprintf(prefix, sizeof prefix, "blk.%u.", l);
		tensors(prefix, list);
	}
}
static char arch[32];
static inline void key(const char *name, uint32_t v)
{
	char k[96];

	snprintf(k, sizeof k, "%s.%s", arch, name);
	kv_u32(&m, k, v);
}
static inline void keys(const char *list)
{
	char name[64];
	unsigned long v;
	int used;

	for (; sscanf(list, " %63s %lu%n", name, &v, &used) == 2; list += used + strspn(list + used, " ;"))
		key(name, (uint32_t)v);
}
/* Width 64, 100 tokens, untied; 8 heads and 2 KV heads of 8, unless keys say otherwise. */
static inline void start(const char *name, unsigned n_blocks)
{
	char k[96];

	make_init(&m);
	snprintf(arch, sizeof arch, "%s", name);
	kv_str(&m, "general.architecture", name);
	keys("embedding_length 64; context_length 4096");
	key("block_count", n_blocks);
	snprintf(k, sizeof k, "%s.attention.layer_norm_rms_epsilon", name);
	kv_f32(&m, k, 1e-5f);
	tensors("", "token_embd 64 100; output_norm 64; output 64 100");
}
#define HEADS keys("attention.head_count 8; attention.head_count_kv 2")
#define ATTN "attn_q 64 64; attn_k 64 16; attn_v 64 16; attn_output 64 64; "
#define NORMS "attn_norm 64; ffn_norm 64; "
#define MLP "ffn_gate 64 128; ffn_up 64 128; ffn_down 128 64; "
#define OLD_MLA "attn_q 64 48; attn_kv_a_mqa 64 20; attn_kv_a_norm 16; attn_kv_b 16 64; attn_output 32 64; "
#define MOE "ffn_gate_inp 64 4; ffn_gate_exps 64 32 4; ffn_up_exps 64 32 4; ffn_down_exps 32 64 4; "

static inline int import(void)
{
	struct gguf g;
	int rc;

	make_done(&m);
	arena_free(&arena);
	memset(&s, 0, sizeof s);
	rc = gguf_parse(&g, &arena, "dir/model.gguf", m.out.p, m.out.n, m.file_bytes, &make_types, NULL, &err);
	return rc == OK ? import_gguf(&s, &arena, &g, &err) : rc;
}
static inline int good(const char *what)
{
	int rc = import();

	if (!ok(rc == OK, "imports: %s", what))
		printf("# %s\n", err.text);
	make_init(&m);
	return rc == OK;
}
static inline void bad(int code, const char *words, const char *what)
{
	int rc = import();

	if (!ok(rc == code && strstr(err.text, words) && (rc != E_ARCH || strstr(err.text, arch)), "refused: %s", what))
		printf("# rc %d, want %d: %s\n# want \"%s\"\n", rc, code, rc ? err.text : "", words);
	make_init(&m);
}
static inline const struct part *part(unsigned layer, unsigned branch, unsigned i)
{
	const struct layer_kind *k = &s.kinds[s.kind_of[layer]];

	if (branch < k->n_branches && i < k->branch[branch].n_parts)
		return &s.parts[k->branch[branch].part[i]];
	printf("Bail out! layer %u has no branch %u with part %u\n", layer, branch, i);
	exit(1);
}

#endif
