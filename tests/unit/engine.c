/* engine.c - data/engines.yaml as it is, and everything that its reader refuses */
#include "../tap.h"

#include "base/file.h"
#include "catalog/engine.h"

static struct arena arena;
static struct quants quants;

/* A file of one engine whose body is `body`; its sources hold s. */
static int parse(struct engines *out, const char *body, struct error *err)
{
	const char *text = arena_printf(&arena,
					"schema: 1\nengines:\n  a:\n    version: v\n    source: w\n    sources: {s: somewhere}\n%s", body);

	*err = (struct error){ 0 };
	return engines_parse(out, &arena, "t.yaml", text, strlen(text), &quants, err);
}

static void refused(const char *body, const char *want, const char *what)
{
	struct engines e;
	struct error err;
	int rc = parse(&e, body, &err);

	if (!ok(rc == E_CATALOGUE && strstr(err.text, want) && !strncmp(err.text, "t.yaml:", 7), "refused: %s", what))
		printf("# %d: %s\n", rc, err.text);
}

static void the_file(void)
{
	struct engines e;
	struct error err = { 0 };
	const struct engine_profile *p;

	if (!ok(engines_load(&e, &arena, "data/engines.yaml", &quants, &err) == OK, "data/engines.yaml loads")) {
		printf("# %s\n", err.text);
		return;
	}
	static const char *const want[] = { "none", "llama.cpp", "ollama", "vllm", "sglang", "tensorrt-llm", "tgi", "mlx", "ullage" };
	for (unsigned i = 0; i < sizeof want / sizeof *want; i++) {
		p = engine_find(&e, want[i]);
		ok(p && p->version && p->source, "%s is there, with version and source", want[i]);
	}
	ok(!engine_find(&e, "llama"), "a part of a name finds nothing");
	ok(engine_find(&e, "vLLM") == engine_find(&e, "vllm"), "any case");

	p = engine_find(&e, "llama.cpp");
	is_u64(p->cache, CACHE_SLOTS, "llama.cpp: slots");
	is_u64(p->context_pad, 256, "llama.cpp: context in 256");
	is_u64(p->window_pad, 256, "llama.cpp: windows in 256");
	is_u64(p->ubatch, 512, "llama.cpp: ubatch");
	ok(p->loads[PACK_GGUF] && !p->loads[PACK_HF], "llama.cpp loads GGUF only");
	ok(p->component[0] && !p->component[1], "llama.cpp loads text, no MTP block by default");
	ok(p->state[TYPE_KV_V].user == TYPE_USER_V && p->state[TYPE_LATENT].user == TYPE_USER_K, "llama.cpp: the user's types");
	ok(p->state[TYPE_CONV].format == format_find(&quants, "f32"), "llama.cpp: convolution in f32");
	ok(!is_known(p->runtime_bytes[0]), "llama.cpp: runtime memory is unknown, not 0");
	ok(p->full_span_in && !strcmp(p->full_span_in[0], "llama") && !strcmp(p->full_span_in[1], "phi3") && !p->full_span_in[2], "llama.cpp: llama and phi3 have no window");
	ok(p->n_notes > 0, "llama.cpp: notes");

	const struct engine_profile *o = engine_find(&e, "ollama");
	ok(o->context_pad == 256 && o->cache == CACHE_SLOTS && o->notes != p->notes, "ollama: llama.cpp's figures, its own notes");
	p = engine_find(&e, "vllm");
	is_u64(p->page_tokens, 16, "vLLM: pages of 16");
	ok(p->utilisation > 0.919 && p->utilisation < 0.921, "vLLM: 0.92 of the card");
	ok(!is_known(p->activation_bytes) && p->activation_range.basis == BASIS_PUBLISHED, "vLLM: activation peak is a range");
	ok(is_known(p->runtime_bytes[0]) && p->runtime_bytes[0].basis == BASIS_PUBLISHED, "vLLM: non-torch memory from logs");
	ok(p->state[TYPE_COMPRESSED].unknown, "vLLM: compressed rows are unknown");
	p = engine_find(&e, "none");
	ok(p->cache == CACHE_IDEAL && p->state[TYPE_COMPRESSOR].format == NO_FORMAT && !p->state[TYPE_COMPRESSOR].unknown,
	   "none keeps no compressor");
}

/* What the seven engines of the guides run on, and how they are told. */
static void uses(void)
{
	static const char *const guides[] = { "ollama", "llama.cpp", "vllm", "sglang", "tgi", "tensorrt-llm", "mlx" };
	static const unsigned told[] = { FLAG_CONTEXT, FLAG_KV_TYPE, FLAG_SEQUENCES };
	struct engines e;
	struct error err = { 0 };
	const struct engine_profile *p;

	if (!ok(engines_load(&e, &arena, "data/engines.yaml", &quants, &err) == OK, "data/engines.yaml loads"))
		return;
	for (unsigned i = 0; i < sizeof guides / sizeof *guides; i++) {
		unsigned formats = 0, splits = 0, host = 0;
		p = engine_find(&e, guides[i]);
		for (unsigned k = 0; k < ENGINE_FORMATS; k++)
			formats += p->use.formats[k];
		for (unsigned k = 0; k < ENGINE_SPLITS; k++)
			splits += p->use.splits[k];
		for (unsigned k = 0; k < ENGINE_HOSTS; k++)
			host += p->use.host[k];
		ok(formats && splits && host && p->use.kv_types, "%s: formats, splits, host memory, cache types", guides[i]);
		ok(p->use.on[ON_CUDA].runs == SAYS_YES && p->use.on[ON_CUDA].min_capability >= 50, "%s: on CUDA, from which capability on", guides[i]);
		for (unsigned k = 0; k < sizeof told / sizeof *told; k++)
			ok(p->use.flag[told[k]].flag && p->use.flag[told[k]].preset, "%s: flag for %s, with its default", guides[i], engine_flag_names[told[k]]);
	}
	p = engine_find(&e, "tensorrt-llm");
	ok(p->use.on[ON_METAL].runs == SAYS_NO && p->use.on[ON_VULKAN].runs == SAYS_UNKNOWN && p->utilisation_of == SHARE_LEFT,
	   "TensorRT-LLM: not on Metal; nothing said of Vulkan; a share of what is left");
	p = engine_find(&e, "ollama");
	is_str(p->use.flag[FLAG_KV_TYPE].flag, "OLLAMA_KV_CACHE_TYPE", "Ollama: its own flags, not llama.cpp's");
	ok(!p->use.flag[FLAG_CPU_EXPERTS].flag && p->ubatch == 512 && p->batch == 512, "Ollama: batch and micro batch are one");
	p = engine_find(&e, "sglang");
	ok(p->n_held == 5 && p->held[0].below == UINT64_C(20) << 30 && p->held[4].below == UINT64_MAX && p->utilisation_of == SHARE_FREE,
	   "SGLang: what is held back, by the card's size");
	is_u64(p->held[3].bytes >> 20, 13904, "SGLang: 13904 MiB of an H100");
	is_u64(engine_budget(p, UINT64_C(24564) << 20) >> 20, 24564 - 7280, "SGLang: what a card of 24 GB leaves");
	is_u64(engine_budget(p, UINT64_C(183359) << 20) >> 20, 183359 - 26832, "SGLang: what a B200 leaves");
	is_u64(engine_budget(p, 1 << 30), 0, "SGLang: nothing of a card of 1 GiB");
	ok(p->logits_last && !engine_find(&e, "llama.cpp")->logits_last, "SGLang: logits where a token is sampled; llama.cpp: reserved for all");
	is_u64(engine_budget(engine_find(&e, "tgi"), 1000), 900, "TGI: a share");
	is_u64(engine_budget(engine_find(&e, "llama.cpp"), 1000), 1000, "llama.cpp: all of it");
	p = engine_find(&e, "none");
	ok(p->use.on[ON_CPU].runs == SAYS_UNKNOWN && !p->use.flag[FLAG_CONTEXT].flag, "none: nothing is said");
}

static void use_refusals(void)
{
	struct engines e;
	struct error err;

	refused("    hardware: {cuda: true}\n", "wants {value", "hardware without a source");
	refused("    hardware: {cuda: {value: true, min_compute_capability: 75, source: s}}\n", "75 is none", "a capability that is none");
	refused("    hardware: {cuda: {value: false, min_compute_capability: 7.5, source: s}}\n", "7.5 is none", "a capability where it does not run");
	refused("    hardware: {rocm: {value: true, min_compute_capability: 7.5, source: s}}\n", "min_compute", "a capability of another vendor");
	refused("    hardware: {abacus: {value: true, source: s}}\n", "abacus", "hardware that is none");
	refused("    formats: [bf16]\n", "wants {value", "formats without a source");
	refused("    formats: {value: [bf17], source: s}\n", "bf17", "a format of weights that is none");
	refused("    splits: {value: [], source: s}\n", "nothing is listed", "an empty list");
	refused("    host_offload: {value: [attic], source: s}\n", "attic", "a place that is none");
	refused("    flags: {context: {flag: --ctx, source: s}}\n", "default", "a flag without its default");
	refused("    flags: {context: {flag: --ctx, default: 1}}\n", "source", "a flag without a source");
	refused("    flags: {contxt: {flag: --ctx, default: 1, source: s}}\n", "contxt", "a meaning that is none");
	refused("    utilisation_of: {value: unknown, source: s}\n", "none of", "unknown in place of a word");
	refused("    utilisation_of: {value: half, source: s}\n", "half", "a share of what is none");
	refused("    held_back: []\n", "1 to", "nothing held back");
	refused("    held_back: [{below: 5, bytes: 1, source: s}]\n", "without below", "a last entry with a bound");
	refused("    held_back: [{bytes: 1, source: s}, {bytes: 1, source: s}]\n", "without below", "two last entries");
	refused("    held_back: [{below: 5, bytes: 1, source: s}, {below: 5, bytes: 1, source: s}, {bytes: 1, source: s}]\n", "must rise",
		"bounds that do not rise");
	refused("    held_back: [{bytes: 1}]\n", "source", "bytes held back without a source");
	ok(parse(&e, "    hardware: {cuda: unknown}\n    flags: {context: unknown}\n    kv_types: unknown\n    utilisation_of: unknown\n", &err) == OK &&
	   e.profiles[0].use.on[ON_CUDA].runs == SAYS_UNKNOWN && !e.profiles[0].use.flag[FLAG_CONTEXT].flag && !e.profiles[0].use.kv_types &&
	   e.profiles[0].utilisation_of == SHARE_UNKNOWN, "all of it may be unknown");
}

static void refusals(void)
{
	struct engines e;
	struct error err;

	ok(parse(&e, "", &err) == OK && e.n_profiles == 1 && e.profiles[0].state[0].format == NO_FORMAT, "an engine of nothing is one");
	refused("    contxt_pad: {value: 1, source: s}\n", "contxt_pad", "a misspelt key");
	refused("    context_pad: {value: 1, source: s, why: x}\n", "why", "an unknown key in a figure");
	refused("    context_pad: 256\n", "wants {value", "a figure without a source");
	refused("    context_pad: {value: 256}\n", "source", "the same in braces");
	refused("    context_pad: {value: 256, source: t}\n", "source: t is not", "a source that is not listed");
	refused("    context_pad: {value: -1, source: s}\n", "value", "a negative figure");
	refused("    context_pad: {value: 9999999999, source: s}\n", "value", "a figure out of range");
	refused("    cache: heaps\n", "cache", "a word that is none");
	refused("    cache: pages\n", "page_tokens", "pages of no length");
	refused("    loads: [gguf, tar]\n", "tar", "a packing that is none");
	refused("    loads: gguf\n", "list", "a word for a list");
	refused("    components: [text, smell]\n", "smell", "a component that is none");
	refused("    utilisation: {value: 1.5, source: s}\n", "share", "a share above 1");
	refused("    state_types: {k: {format: q9_z, source: s}}\n", "q9_z", "a format that is none");
	refused("    state_types: {k: kv_k}\n", "wants {format", "a state without a source");
	refused("    state_types: {kk: {format: kv_k, source: s}}\n", "kk", "a state that is none");
	refused("    runtime_bytes: {cuda: {value: 5, source: s}}\n", "basis", "bytes without a basis");
	refused("    runtime_bytes: {cuda: {value: -5, basis: spec, source: s}}\n", "bytes", "negative bytes");
	refused("    runtime_bytes: {nvidia: unknown}\n", "nvidia", "a runtime that is none");
	refused("    activation_range: {low: 3, value: 2, high: 4, basis: published, source: s}\n", "low <= value",
		"a range upside down");
	refused("    like: b\n", "no engine b", "like an engine that is not there");
	refused("    like: a\n", "no engine a", "like itself");
	refused("    notes: [[x]]\n", "single value", "a list for a note");
	static const char bare[] = "schema: 1\n", two[] = "schema: 2\nengines: {}\n", list[] = "schema: 1\nengines: [a]\n";
	ok(engines_parse(&e, &arena, "t", bare, sizeof bare - 1, &quants, &err) == E_CATALOGUE, "no engines");
	ok(engines_parse(&e, &arena, "t", two, sizeof two - 1, &quants, &err) == E_CATALOGUE, "another schema");
	ok(engines_parse(&e, &arena, "t", list, sizeof list - 1, &quants, &err) == E_CATALOGUE, "a list of engines");
	ok(engines_load(&e, &arena, "no/such/file", &quants, &err) == E_FILE, "no such file");
	ok(parse(&e, "    runtime_bytes: {cuda: unknown}\n    context_pad: unknown\n", &err) == OK && !e.profiles[0].context_pad,
	   "unknown is a figure that is not there");
}

/* Every prefix of the real file, and every byte of it turned into another, must end in an answer. */
static void damage(void)
{
	struct error err = { 0 };
	struct engines e;
	struct arena a = { 0 };
	char *text;
	size_t n;
	unsigned answers = 0;

	if (!ok(file_read(&text, &n, &arena, "data/engines.yaml", 1 << 20, &err) == OK, "read"))
		return;
	for (size_t i = 0; i < n; i += 41) {
		int rc = engines_parse(&e, &a, "t", text, i, &quants, &err);
		answers += rc == OK || rc == E_CATALOGUE;
		arena_reset(&a);
	}
	ok(answers == (n + 40) / 41, "%u beginnings of the file end in an answer", answers);
	answers = 0;
	for (size_t i = 0; i < n; i += 97) {
		char was = text[i];
		text[i] = was == ':' ? '-' : ':';
		int rc = engines_parse(&e, &a, "t", text, n, &quants, &err);
		answers += rc == OK || rc == E_CATALOGUE;
		text[i] = was;
		arena_reset(&a);
	}
	ok(answers == (n + 96) / 97, "%u damaged files end in an answer", answers);
	arena_free(&a);
	int rc = E_NOMEM;
	for (int i = 0; i < 200 && rc != OK; i++) {
		arena_fail_after(i);
		rc = engines_parse(&e, &a, "t", text, n, &quants, &err);
		if (rc != OK && rc != E_NOMEM) {
			ok(0, "out of memory at %d gives %d: %s", i, rc, err.text);
			break;
		}
		arena_free(&a);
	}
	arena_fail_after(-1);
	ok(rc == OK, "memory that runs out at any time is an error, never a crash");
	arena_free(&a);
}

/* Which devices an engine is asked about: compute capability and makers, with Vulkan for what CUDA no longer carries. */
static void devices(void)
{
	static const struct { const char *engine; unsigned vendor; int is_cpu; unsigned capability; enum engine_says want; } is[] = {
		{ "llama.cpp", ON_CUDA, 0, 89, SAYS_YES }, { "llama.cpp", ON_CUDA, 0, 30, SAYS_YES }, { "llama.cpp", ON_METAL, 0, 0, SAYS_YES }, { "llama.cpp", ON_CUDA, 1, 0, SAYS_YES },
		{ "vllm", ON_CUDA, 0, 89, SAYS_YES }, { "vllm", ON_CUDA, 0, 61, SAYS_NO }, { "vllm", ON_CUDA, 0, 0, SAYS_YES }, { "vllm", ON_METAL, 0, 0, SAYS_NO },
		{ "tensorrt-llm", ON_ROCM, 0, 0, SAYS_NO }, { "mlx", ON_METAL, 0, 0, SAYS_YES }, { "vllm", 4, 0, 0, SAYS_UNKNOWN }, { "none", ON_CUDA, 0, 10, SAYS_UNKNOWN },
	};
	struct engines e;
	struct error err = { 0 };

	if (!ok(engines_load(&e, &arena, "data/engines.yaml", &quants, &err) == OK, "the file"))
		return;
	for (unsigned i = 0; i < sizeof is / sizeof *is; i++)
		ok(engine_runs_on(engine_find(&e, is[i].engine), is[i].vendor, is[i].is_cpu, is[i].capability) == is[i].want, "%s on %s%u, capability %u", is[i].engine,
			is[i].is_cpu ? "a processor of " : "", is[i].vendor, is[i].capability);
}

int main(void)
{
	struct error err = { 0 };

	if (!ok(quants_load(&quants, &arena, "data/quants.yaml", &err) == OK, "formats")) {
		printf("# %s\n", err.text);
		return done_testing();
	}
	the_file();
	uses();
	devices();
	refusals();
	use_refusals();
	damage();
	arena_free(&arena);
	return done_testing();
}
