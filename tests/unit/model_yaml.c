/* model_yaml.c - catalogue entries of models: four real ones, and one mistake at a time */
#include "../tap.h"
#include "catalog/model_yaml.h"

#include "base/file.h"

#define SEEDS "tests/fuzz/corpus/model_yaml/"

static struct arena arena;
static struct error err;
static struct model_entry entry;

static const char base[] =
	"schema: 1\nid: m\nname: M\nstatus: open_weights\naliases: [em]\n"
	"sources:\n  config: {what: config.json, where: o/m, confidence: primary}\nsource: config\n"
	"context: {native: 4096}\nnative_format: bf16\n"
	"model: {width: 64, vocab: 100, tied_head: false, norm: rms}\n"
	"rope:\n  main: {theta: 10000, dims: 8}\n"
	"parts:\n"
	"  attn: {type: gqa, q_heads: 8, kv_heads: 2, head_dim: 8, rope: main}\n"
	"  mlp: {type: mlp, width: 128, act: silu, matrices: 3}\n"
	"kinds:\n  block: [[attn], [mlp]]\n"
	"layers:\n  - {repeat: 4, of: [block]}\n";

static int parse(const char *text)
{
	struct ydoc d;
	int rc;

	arena_free(&arena);
	memset(&err, 0, sizeof err);
	rc = yaml_parse(&d, &arena, "m.yaml", text, strlen(text), &err);
	return rc == OK ? model_entry_read(&entry, &arena, &d, &err) : rc;
}

/* base with the first `old` replaced */
static const char *edited(const char *old, const char *new_)
{
	static char text[8192];
	const char *at = strstr(base, old);

	if (!at) {
		ok(0, "'%s' is in the base entry", old);
		return base;
	}
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - base), base, new_, at + strlen(old));
	return text;
}

static void refused(const char *old, const char *new_, const char *want)
{
	int rc = parse(edited(old, new_));

	if (!ok(rc == E_CATALOGUE && strstr(err.text, want) && !strncmp(err.text, "m.yaml:", 7), "refused: %s", want))
		printf("# rc %d: %s\n", rc, err.text);
}

static void accepted(const char *old, const char *new_, const char *what)
{
	int rc = parse(edited(old, new_));

	if (!ok(rc == OK, "accepted: %s", what))
		printf("# rc %d: %s\n", rc, err.text);
}

static void near(const char *name)
{
	ok(err.n_candidates > 0 && !strcmp(err.candidate[0], name), "near match %s, got %s", name,
		err.n_candidates ? err.candidate[0] : "none");
}

static int load(const char *path)
{
	struct ydoc d;
	int rc;

	arena_free(&arena);
	memset(&err, 0, sizeof err);
	rc = yaml_load(&d, &arena, path, &err);
	if (rc == OK)
		rc = model_entry_read(&entry, &arena, &d, &err);
	if (!ok(rc == OK, "%s loads", path))
		printf("# %s\n", err.text);
	return rc;
}

static void examples(void)
{
	const struct model_spec *m;

	if (load(SEEDS "llama-3.3-70b-instruct.yaml") == OK) {
		m = entry.spec;
		is_str(entry.id, "llama-3.3-70b-instruct", "id");
		is_str(entry.vendor, "Meta", "vendor");
		is_str(entry.country, "US", "country");
		is_str(entry.aliases[1], "llama3.3:70b", "a quoted alias");
		is_str(entry.repos[0].value, "meta-llama/Llama-3.3-70B-Instruct", "repository");
		is_u64(m->n_layers, 80, "80 layers");
		is_u64(m->width, 8192, "width");
		is_u64(m->parts[0].u.gqa.k_dim, 128, "head_dim sets k_dim");
		is_u64(m->parts[0].u.gqa.v_dim, 128, "head_dim sets v_dim");
		ok(m->rope[0].scaling == ROPE_SCALING_LLAMA3 && m->rope[0].original == 8192, "rope scaling");
		is_u64(entry.checks.params_total, 70553706496u, "checks");
		is_str(m->sources[m->parts[1].source].key, "config", "a part inherits the source");
		is_str(m->architecture, "unknown", "no architecture is said to be unknown");
	}
	if (load(SEEDS "gemma-3-27b-it.yaml") == OK) {
		m = entry.spec;
		is_u64(m->n_layers, 62, "10 x 6 + 2 layers");
		ok(m->kind_of[5] == 1 && m->kind_of[59] == 1 && m->kind_of[60] == 0 && m->kind_of[61] == 0,
			"every sixth is global, the rest local");
		ok(m->kinds[0].branch[0].norm == NORM_SANDWICH, "the entry's norms reach the branches");
		ok(m->parts[0].u.gqa.span == SPAN_WINDOW && m->parts[0].u.gqa.span_tokens == 1024, "window");
		ok(m->parts[0].u.gqa.rope == 1 && m->parts[1].u.gqa.rope == 0, "ropes by name");
		is_u64(m->encoders[0].params, 423060336u, "vision parameters");
		ok(m->encoders[0].component == COMP_VISION && m->tied_head && m->embed_scale, "vision, tied head, scaled embedding");
	}
	if (load(SEEDS "deepseek-v3.yaml") == OK) {
		m = entry.spec;
		is_u64(m->n_layers, 61, "3 + 58 layers");
		ok(m->parts[m->kinds[m->kind_of[2]].branch[1].part[0]].type == PART_MLP, "layer 2 is dense");
		ok(m->parts[m->kinds[m->kind_of[3]].branch[1].part[0]].type == PART_MOE, "layer 3 is sparse");
		ok(m->mtp.layers == 1 && m->mtp.kind == 1 && m->mtp.own_head && m->mtp.norms == 3 && m->mtp.stored == 1,
			"mtp and its defaults");
		is_str(m->native_format, "fp8_block128", "native format");
		ok(m->parts[2].u.moe.score == SCORE_SIGMOID && m->parts[2].u.moe.router_bias && m->parts[2].u.moe.top_groups == 4, "router");
	}
	if (load(SEEDS "qwen3.5-35b-a3b.yaml") == OK) {
		m = entry.spec;
		is_u64(m->n_layers, 40, "10 x 4 layers");
		ok(m->parts[0].u.delta.out_gate == GATE_ELEMENT && m->parts[1].u.gqa.gate == GATE_ELEMENT, "gates");
		ok(m->parts[2].u.moe.shared_gate && m->parts[2].u.moe.shared_width == 512, "gated shared expert");
		is_str(entry.how, "yarn", "how the context is stretched");
		is_u64(m->context_max, 1010000, "longest context");
	}
}

static void keys(void)
{
	refused("aliases:", "aliasses:", "m.yaml:5: unknown key 'aliasses'");
	near("aliases");
	refused("kv_heads: 2,", "kv_head: 2, kv_heads: 2,", "m.yaml:15: unknown key 'kv_head'");
	near("kv_heads");
	refused("head_dim: 8,", "head_dim: 8, q_rank: 8,", "unknown key 'q_rank'");
	refused("confidence: primary", "confidence: primary, wher: x", "unknown key 'wher'");
	near("where");
	refused("dims: 8", "dims: 8, scaling: {type: yarn, factr: 4}", "unknown key 'factr'");
	refused("vocab: 100", "vocab: 100, vocabulary: 1", "unknown key 'vocabulary'");
	refused("repeat: 4", "repeat: 4, off: []", "unknown key 'off'");
	refused("schema: 1", "schema: 2", "schema 2");
	refused("id: m", "id: M", "a-z");
	refused("name: M\n", "", "name: missing");
	refused("status: open_weights", "status: open", "status");
	refused("native_format: bf16\n", "", "native_format is missing");
	refused("native_format: bf16", "native_format: bf16\nnative_keep: [router, hed]", "native_keep: no such role 'hed'");
	near("head");
	refused("aliases: [em]", "aliases: [em]\nreleased: 2024-13-01", "is no date");
	accepted("aliases: [em]", "aliases: [em]\nreleased: 2024-12-06", "a date");
	refused("aliases: [em]", "aliases: [em]\nmodalities: [txt]", "modalities: unknown word 'txt'");
	refused("aliases: [em]", "aliases: [em]\nengines: {lama.cpp: unknown}", "engines: unknown key 'lama.cpp'");
	near("llama.cpp");
	refused("aliases: [em]", "aliases: [em, [a]]", "aliases");
	refused("context: {native: 4096}", "context: {native: 4096, max: 4095}", "max (4095) is below native (4096)");
	accepted("context: {native: 4096}", "context: {native: unknown}", "an unknown context");
	is_u64(entry.spec->context_native, 0, "an unknown context stays unknown");
	accepted("context:", "checks: {params_total: 5}\ncontext:", "checks");
	refused("context:", "checks: {params: 5}\ncontext:", "unknown key 'params'");
	refused("context:", "checks: {params_total: -5}\ncontext:", "params_total");
}

static void sources(void)
{
	refused("source: config\n", "", "context: no source, and the entry has none to inherit");
	refused("source: config\n", "source: confg\n", "source: no such key under sources: 'confg'");
	near("config");
	refused("type: mlp,", "type: mlp, source: card,", "source: no such key under sources: 'card'");
	refused("source: config\ncontext: {native: 4096}\nnative_format: bf16\nmodel: {",
		"native_format: bf16\nmodel: {source: config, ", "m.yaml:11: main: no source");
	accepted("confidence: primary}\nsource: config\n", "confidence: primary}\n  card: {what: model card, confidence: secondary}\nsource: card\n",
		"another source to inherit");
	is_u64(entry.spec->parts[0].source, 1, "every part inherits it");
}

/* languages, scores and engines: what they are, and whose figures they are */
static void published(void)
{
	static const char two[] = "  card: {what: model card, confidence: published}\nsource: config\n";
	char text[600];

	accepted("aliases: [em]", "aliases: [em]\nlanguages: [en, zh-Hans]", "languages");
	ok(entry.languages[0] && !strcmp(entry.languages[1], "zh-Hans") && !entry.languages[2] && entry.languages_source == 0, "of the entry's own source");
	snprintf(text, sizeof text, "%slanguages: [en]\nlanguages_source: card\n", two);
	accepted("source: config\n", text, "languages of another source");
	is_u64(entry.languages_source, 1, "which is named");
	snprintf(text, sizeof text, "%sscores:\n  - {benchmark: MMLU-Pro, value: 81.5, source: card, note: thinking}\n  - {benchmark: Elo, value: -3}\n", two);
	accepted("source: config\n", text, "scores");
	if (ok(entry.n_scores == 2, "two of them")) {
		ok(entry.scores[0].value == 81.5 && entry.scores[0].source == 1, "value and source");
		is_str(entry.scores[0].note, "thinking", "note");
		ok(entry.scores[1].value == -3 && entry.scores[1].source == 0 && !entry.scores[1].note, "inherited source, no note");
	}
	snprintf(text, sizeof text, "%sengines: {vllm: 0.9, source: card}\n", two);
	accepted("source: config\n", text, "engines with a source");
	ok(entry.n_engines == 1 && entry.engines_source == 1, "which is no engine");
	accepted("aliases: [em]", "aliases: [em]\nengines: {vllm: 0.9}", "engines of the entry's own source");
	ok(entry.n_engines == 1 && entry.engines_source == 0, "inherited");
	accepted("aliases: [em]", "aliases: [em]", "none of them");
	ok(entry.engines_source == ENTRY_NO_SOURCE && !entry.n_scores && !entry.languages[0], "is unknown");
	refused("aliases: [em]", "languages: [English!]\naliases: [em]", "no language code");
	refused("aliases: [em]", "languages: [en]\nlanguages_source: no\naliases: [em]", "no source 'no'");
	refused("aliases: [em]", "scores:\n  - {benchmark: MMLU}\naliases: [em]", "value is missing");
	refused("aliases: [em]", "scores:\n  - {benchmark: MMLU, value: unknown}\naliases: [em]", "value is missing");
	refused("aliases: [em]", "scores:\n  - {value: 3}\naliases: [em]", "benchmark");
	refused("aliases: [em]", "scores:\n  - {benchmark: MMLU, value: 3, source: x}\naliases: [em]", "no such key under sources: 'x'");
	refused("aliases: [em]", "engines: {source: x}\naliases: [em]", "no source 'x'");
	refused("aliases: [em]", "engines: {vlm: 1}\naliases: [em]", "unknown key");
}

static void parts(void)
{
	refused("q_heads: 8,", "q_heads: 0,", "q_heads: 0");
	refused("kv_heads: 2,", "kv_heads: 3,", "m.yaml:15: part attn: kv_heads (3) must divide q_heads (8)");
	refused("q_heads: 8,", "q_heads: 70000,", "q_heads (70000) is over 65535");
	refused("head_dim: 8,", "head_dim: 8, k_dim: 8,", "head_dim (8) sets k_dim and v_dim");
	refused("head_dim: 8,", "k_dim: 8,", "v_dim: missing");
	accepted("head_dim: 8,", "k_dim: 8, v_dim: 4,", "k_dim and v_dim");
	refused("rope: main", "rope: mian", "rope: no such key under rope: 'mian'");
	near("main");
	refused(", rope: main", "", "rope: missing");
	accepted("rope: main", "rope: none", "no positions");
	ok(entry.spec->parts[0].u.gqa.rope == NO_ROPE, "rope none");
	refused("dims: 8", "dims: 16", "the rope's dims (16) is over k_dim (8)");
	refused("rope: main}", "rope: main, span: window}", "span_tokens (0)");
	refused("rope: main}", "rope: main, span_tokens: 9}", "span_tokens (9) with span full");
	refused("rope: main}", "rope: main, index: {q_heads: 4, dim: 8}}", "top_tokens (0)");
	accepted("rope: main}", "rope: main, index: {q_heads: 4, dim: 8, block_tokens: 128, top_blocks: 16, k_norm: rms}}",
		"a block index");
	refused("rope: main}", "rope: main, index: {q_heads: 4, dim: 8, top_tokens: 9, q_rank: 5}}",
		"index q_rank (5) is not the attention's q_rank (0)");
	accepted("rope: main}", "rope: main, qkv_bias: true, v_bias: false}", "qkv_bias, then one taken back");
	ok(entry.spec->parts[0].u.gqa.q_bias && entry.spec->parts[0].u.gqa.k_bias && !entry.spec->parts[0].u.gqa.v_bias, "biases");
	accepted("rope: main}", "rope: main, warning: read from a default}", "a warning");
	ok(entry.spec->n_warnings == 1 && entry.spec->parts[0].warning == 1, "the warning is the model's too");
	refused("act: silu,", "act: silly,", "act");
	refused("matrices: 3", "matrices: 4", "matrices");
	refused(", matrices: 3", "", "matrices is missing");
	refused("type: mlp, width: 128, act: silu, matrices: 3", "type: moe, experts: 8, per_token: 9, width: 4, act: silu, matrices: 3, router: {score: softmax}",
		"per_token (9) is over experts (8)");
	refused("type: mlp, width: 128, act: silu, matrices: 3", "type: moe, experts: 8, per_token: 2, width: 4, act: silu, matrices: 3", "router is missing");
	refused("type: mlp, width: 128, act: silu, matrices: 3",
		"type: moe, experts: 8, per_token: 2, width: 4, act: silu, matrices: 3, router: {score: softmax, groups: 3, top_groups: 1}",
		"groups (3) must divide experts (8)");
	refused("type: mlp, width: 128, act: silu, matrices: 3", "type: delta, k_heads: 3, v_heads: 4, k_dim: 8, v_dim: 8, conv_kernel: 4",
		"k_heads (3) must divide v_heads (4)");
	refused("type: mlp, width: 128, act: silu, matrices: 3", "type: mamba2, heads: 6, head_dim: 8, groups: 4, state: 16, conv_kernel: 4",
		"groups (4) must divide heads (6)");
	refused("type: mlp, width: 128, act: silu, matrices: 3", "type: conv, kernel: 0", "kernel");
	refused("type: mlp", "type: dense", "type");
	refused("width: 64, vocab: 100,", "width: 4000000000, vocab: 4000000000,", "4000000000 x 4000000000 x 2 is 2^62 or more");
	refused("vocab: 100,", "vocab: 0,", "vocab");
	refused("width: 128,", "width: 4294967296,", "width: 4294967296");
}

static void layers(void)
{
	refused("[[attn], [mlp]]", "[[attn], [moe]]", "m.yaml:18: kinds: no such part under parts: 'moe'");
	refused("[[attn], [mlp]]", "[[attn], [mpl]]", "no such part");
	near("mlp");
	refused("[[attn], [mlp]]", "[[attn]]", "part mlp is used by no kind");
	refused("[[attn], [mlp]]", "[attn, mlp]", "wants a list");
	refused("[[attn], [mlp]]", "[[attn], [], [mlp]]", "a branch of 0 parts");
	refused("[[attn], [mlp]]", "[[attn], [mlp], [attn], [mlp]]", "4 branches");
	accepted("[[attn], [mlp]]", "{branches: [[attn, mlp]], norms: post, extra_norms: 3, extra_scalars: 1}", "a kind as a map");
	ok(entry.spec->kinds[0].branch[0].norm == NORM_POST && entry.spec->kinds[0].branch[0].n_parts == 2
		&& entry.spec->kinds[0].extra_norms == 3,
		"norms and extras of a kind");
	accepted("[[attn], [mlp]]\n", "[[attn], [mlp]]\n  noop: []\n", "a layer that does nothing");
	refused("of: [block]", "of: [blok]", "m.yaml:20: layers: no such kind under kinds: 'blok'");
	near("block");
	refused("repeat: 4", "repeat: 0", "repeat: 0");
	refused("repeat: 4", "repeat: 4294967295", "repeat 4294967295 of 1 layers after 0 others: more than 512");
	accepted("repeat: 4", "repeat: 512", "512 layers");
	refused("repeat: 4, of: [block]}", "repeat: 512, of: [block]}\n  - {repeat: 1, of: [block]}",
		"repeat 1 of 1 layers after 512 others");
	refused("repeat: 4, of: [block]", "repeat: 4, of: []", "of: want a list");
	refused("rope: main}", "rope: main, own: reuse_last}", "layer 0 reuses the last state of span full");
	refused("  - {repeat: 4", "  - 4\n  - {repeat: 4", "wants a map");
}

/* Two kinds, the second of which reads the state of the first. */
static void reuse(void)
{
	char text[8192];
	const char *forms[] = {
		"kv_heads: 2, head_dim: 8, rope: main, own: reuse_last",
		"kv_heads: 4, head_dim: 8, rope: main, own: reuse_last",
		"kv_heads: 2, head_dim: 8, rope: main, own: reuse_last, span: window, span_tokens: 5",
	};
	const char *wants[] = { NULL, "which has kv_heads 2, k_dim 8, v_dim 8, not 4, 8, 8",
		"layer 1 reuses the last state of span window" };

	for (unsigned i = 0; i < 3; i++) {
		const char *at = strstr(base, "  mlp: {type"), *kinds = strstr(base, "kinds:");
		int rc;

		snprintf(text, sizeof text, "%.*s  again: {type: gqa, q_heads: 8, %s}\n%.*skinds:\n  block: [[attn], [mlp]]\n  late: [[again], [mlp]]\n"
			"layers:\n  - {repeat: 2, of: [block, late]}\n", (int)(at - base), base, forms[i], (int)(kinds - at), at);
		rc = parse(text);
		if (!ok(wants[i] ? rc == E_CATALOGUE && strstr(err.text, wants[i]) : rc == OK, "%s",
			wants[i] ? wants[i] : "reuse after an owner"))
			printf("# rc %d: %s\n", rc, err.text);
	}
}

static void without_shapes(void)
{
	static const char head[] = "schema: 1\nid: x\nname: X\n";
	char text[1024];
	const struct { const char *rest, *want; } cases[] = {
		{ "status: does_not_exist\ninstead: [a, b]\nwhy: never released\n", NULL },
		{ "status: does_not_exist\n", "why is missing" },
		{ "status: does_not_exist\nwhy: no\nlayers: []\n", "layers of a model that does not exist" },
		{ "status: api_only\n", NULL },
		{ "status: open_weights\n", "open weights without shapes" },
		{ "status: open_weights\nsame_shapes_as: y\n", NULL },
		{ "status: open_weights\nsame_shapes_as: x\n", "names itself" },
		{ "status: open_weights\nsame_shapes_as: y\nmodel: {width: 4}\n", "model beside same_shapes_as" },
		{ "status: open_weights\nsame_shapes_as: y\ncontext: {native: 9}\n", "no source" },
		{ "status: open_weights\nkind: []\nwhy: x\n", "unknown key 'kind'" },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int rc;

		snprintf(text, sizeof text, "%s%s", head, cases[i].rest);
		rc = parse(text);
		if (!ok(cases[i].want ? rc == E_CATALOGUE && strstr(err.text, cases[i].want) : rc == OK && !entry.spec, "%s",
			cases[i].want ? cases[i].want : "an entry without shapes"))
			printf("# rc %d: %s\n", rc, err.text);
	}
	ok(parse("schema: 1\nid: x\nname: X\nstatus: open_weights\nsame_shapes_as: y\nsources: {c: {what: w, confidence: c}}\nsource: c\n"
		"context: {native: 9, max: 10}\n") == OK && entry.own && entry.own->context_max == 10, "what it states itself is kept");
}

static void heads(void)
{
	struct ydoc d;
	struct model_entry h;

	arena_free(&arena);
	ok(yaml_parse(&d, &arena, "m.yaml", base, strlen(base), &err) == OK && model_entry_head(&h, &arena, &d, &err) == OK,
		"a head is read");
	is_str(h.id, "m", "id of the head");
	is_str(h.aliases[0], "em", "alias of the head");
	ok(!h.spec && h.status == STATUS_OPEN_WEIGHTS && !h.instead[0] && !h.notes[0], "nothing else is there");
	ok(parse("- a\n- b\n") == E_CATALOGUE, "a list is no entry");
	ok(parse("schema: 1\nid: [a]\n") == E_CATALOGUE, "an id is a word");
}

/* Every allocation fails once: an error each time, never a crash. */
static void no_memory(void)
{
	int n;

	for (n = 0; n < 20; n++) {
		int rc;

		arena_free(&arena);
		arena_fail_after(n);
		rc = parse(base);
		arena_fail_after(-1);
		if (rc == OK)
			break;
		if (rc != E_NOMEM)
			ok(0, "allocation %d: rc %d %s", n, rc, err.text);
	}
	ok(n > 0 && n < 20, "out of memory is an error (%d times)", n);
}

int main(void)
{
	examples();
	keys();
	sources();
	published();
	parts();
	layers();
	reuse();
	without_shapes();
	heads();
	no_memory();
	arena_free(&arena);
	return done_testing();
}
