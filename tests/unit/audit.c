/* audit.c - claims whose verdict is known by other means, what their words may mean, and mistakes in the file */
#include "../tap.h"
#include "base/json.h"
#include "calc/estimate.h"
#include "catalog/hardware_name.h"
#include "live/audit_judge.h"

#include <math.h>

static struct catalog *c;
static struct efficiency eff;
static struct arena arena;
static struct error err;
static struct audit u;

#define HEAD "id,model,quant,hardware,devices,ctx_tokens,kind,of,low,high\n"

static int run(const char *text, const char *const *where, unsigned n)
{
	struct csv csv;
	int rc;

	arena_free(&arena);
	memset(&err, 0, sizeof err);
	rc = csv_parse(&csv, &arena, "c.csv", text, strlen(text), &err);
	return rc == OK ? audit_run(&u, c, &eff, &csv, where, n, &arena, &err) : rc;
}

/* One row after the id; its verdict, and words of the reason (NULL: any). */
static void judged(const char *row, enum claim_verdict want, const char *reason)
{
	char text[512];

	snprintf(text, sizeof text, HEAD "x,%s\n", row);
	if (run(text, NULL, 0) != OK || u.n != 1) {
		ok(0, "%s: %s", row, err.text);
		return;
	}
	if (!ok(u.claim[0].verdict == want && (!reason || strstr(u.claim[0].reason, reason)), "%s: %s%s%s", row, claim_verdict_names[want], reason ? ", " : "", reason ? reason : ""))
		printf("# %s: %s\n", claim_verdict_names[u.claim[0].verdict], u.claim[0].reason);
}

/* Weights of 4.85 bits x 70.6 G are 42.5 GB, a 4090 has 24; two have 48. 1.03 T parameters at 4 bits are over 500 GB. */
static void fits(void)
{
	judged("llama-3.3-70b-instruct,Q4,RTX 4090,1,,fits,,,", CLAIM_FALSE, "2 of them would do");
	judged("llama-3.3-70b-instruct,Q4,RTX 4090,2,,fits,,,", CLAIM_TRUE, "Q4_K_M");
	judged("llama-3.3-70b-instruct,Q4,RTX 4090,1,,fits,,not,", CLAIM_TRUE, "needs");
	judged("llama-3.3-70b-instruct,Q4,RTX 4090,2,,fits,,not,", CLAIM_FALSE, NULL);
	judged("llama-3.3-70b-instruct,Q4,RTX 4090 + CPU,1,,fits,,,", CLAIM_TRUE, "in host memory");
	judged("llama-3.3-70b-instruct,Q4,rtx-4090 + 64GB,1,,fits,,,", CLAIM_TRUE, "in host memory");
	judged("llama-3.3-70b-instruct,Q4,rtx-4090 + 4GB,1,,fits,,,", CLAIM_FALSE, NULL);
	judged("llama-3.3-70b-instruct,quantised,RTX 4090,2,,fits,,,", CLAIM_TRUE, NULL);
	judged("llama-3.3-70b-instruct,as released,RTX 4090,2,,fits,,,", CLAIM_FALSE, "132.5");
	judged("qwen3-30b-a3b,Q4,16GB GPU,1,,fits,,,", CLAIM_CONDITIONAL, "only with less");
	judged("llama-3.1-8b-instruct,Q4,H200,1,1000000,fits,,,", CLAIM_CONDITIONAL, "beyond the 128k tokens");
	/* a model released in four bits: llama.cpp's files keep them whatever they are called, and other engines cannot be asked */
	judged("deepseek-v4-pro,FP16,H100,16,,fits,,,", CLAIM_FALSE, "bytes alone");
	judged("deepseek-v4-flash,Q8_0,H100,2,,fits,,,", CLAIM_TRUE, "144");
	judged("deepseek-v4-flash,,H100,8,,fits,,,", CLAIM_TRUE, NULL);
	judged("kimi-k2.6,native INT4,,,,memory,weights,500,500", CLAIM_FALSE, "too little");
	judged("kimi-k2.6,Native INT4,,,,memory,weights,595,595", CLAIM_TRUE, NULL);
	judged("qwen3.5-27b,FP8,rtx-3090 + rtx-3060-12gb,1,,fits,,,", CLAIM_FALSE, "on one card");
	ok(u.claim[0].needs_bytes > u.claim[0].budget_bytes, "figures of the card that is short");
	judged("llama-3.1-8b-instruct,FP16,consumer GPU,1,,fits,,,", CLAIM_UNJUDGED, "a dozen machines or more");
	judged("kimi-k2.6,quantised,Mac Studio 256GB,1,,fits,,,", CLAIM_FALSE, "256");
	judged("gemma-4-9b,Q4,RTX 4090,1,,fits,,not,", CLAIM_TRUE, "does not exist");
	judged("kimi-k2.6,INT4,H100,4,,fits,,,", CLAIM_FALSE, NULL);
	judged("llama-4-scout,INT4,H100,1,,fits,,,", CLAIM_TRUE, NULL);
	judged("dense 70B,FP16,RTX 5090,2,,fits,,,", CLAIM_FALSE, "dense models of 70b");
	judged("llama-3.1-8b-instruct,,24GB GPU,1,,fits,,,", CLAIM_TRUE, "cards of 24 GB");
	judged("llama-3.1-8b-instruct,BF16,8GB GPU,1,,fits,,,", CLAIM_FALSE, "cards of 8 GB");
	judged("llama-3.3-70b-instruct,,RTX 4090,2,,fits,,,", CLAIM_CONDITIONAL, "only quantised");
	judged("llama-3.3-70b-instruct,Q4_K_M,512GB GPU,1,,fits,,,", CLAIM_CONDITIONAL, "in one piece");
	judged("llama-3.1-8b-instruct,Q4_K_M,RTX 4090,1,131072,fits,,,", CLAIM_TRUE, "128k tokens");
	judged("llama-3.1-8b-instruct,Q8_0,rtx-3060-12gb,1,40960,fits,,,", CLAIM_CONDITIONAL, "q8_0 cache");
	judged("mistral-nemo-12b,Q4_K_M,rtx-2070,1,,fits,,,", CLAIM_CONDITIONAL, "of context");
}

static void names(void)
{
	judged("llama-4-behemoth,INT4,H100,8,,fits,,,", CLAIM_FALSE, NULL);
	judged("gemma-4-9b,Q4,RTX 4090,1,,fits,,,", CLAIM_FALSE, "does not exist; there is gemma-4");
	judged("llama-3.3-70b-instruct,Q4,Mac Studio M4 Ultra 256GB,1,,fits,,,", CLAIM_FALSE, "never sold");
	judged("llama-3.3-70b-instruct,Q4,Mac Studio M3 Ultra 192GB,1,,fits,,,", CLAIM_FALSE, "never made so; there is m3-ultra");
	judged("llama-3.1-8b-instruct,Q4,RTX 4070 Ti 16GB,1,,fits,,,", CLAIM_FALSE, "not 16 GB");
	judged("nobody-7b,Q4,RTX 4090,1,,fits,,,", CLAIM_UNJUDGED, "no model named");
	judged("llama-3.1-8b-instruct,Q4,abacus,1,,fits,,,", CLAIM_UNJUDGED, "no hardware named");
	judged("llama-3.1-8b-instruct,Q4,,,,fits,,,", CLAIM_UNJUDGED, "no machine is named");
	judged("llama-3.3-70b-instruct,Q4,Mac Studio,1,,fits,,,", CLAIM_CONDITIONAL, "Mac Studios");
	judged("Gemma 4,Q4,8GB GPU,1,,fits,,,", CLAIM_CONDITIONAL, "models of Gemma 4 and cards of 8 GB");
	judged("llama-3.1-8b-instruct,heavy,RTX 4090,1,,fits,,,", CLAIM_UNJUDGED, "quants.yaml");
	judged("dense 71B,Q4,RTX 4090,1,,fits,,,", CLAIM_UNJUDGED, "71b");
	judged("llama-3.1-8b-instruct,,,,,price,,3,", CLAIM_UNJUDGED, "prices");
}

/* 8.03 G weights: 16.06 GB of bf16, 14.96 GiB. 131072 bytes of f16 cache a token. */
static void memory(void)
{
	judged("llama-3.1-8b-instruct,BF16,,,,memory,weights,16,16", CLAIM_TRUE, NULL);
	judged("llama-3.1-8b-instruct,BF16,,,,memory,weights,14,14", CLAIM_FALSE, "too little");
	judged("llama-3.1-8b-instruct,BF16,,,,memory,weights,20,20", CLAIM_FALSE, "too much");
	judged("llama-3.1-8b-instruct,BF16,,,,memory,weights,12,20", CLAIM_TRUE, NULL);
	judged("llama-3.1-8b-instruct,BF16,,,,memory,weights,14,", CLAIM_TRUE, NULL);
	judged("llama-3.1-8b-instruct,BF16,,,,memory,total,18,18", CLAIM_TRUE, NULL);
	judged("llama-3.1-8b-instruct,BF16,,,,memory,total,15,15", CLAIM_CONDITIONAL, "at most");
	judged("llama-3.1-8b-instruct,BF16,,,,memory,total,30,30", CLAIM_CONDITIONAL, "with a context of");
	judged("llama-3.1-8b-instruct,BF16,,,,memory,total,60,60", CLAIM_FALSE, "too much");
	judged("llama-3.1-8b-instruct,,,,8192,memory,kv,1,1", CLAIM_TRUE, "1.1 GB");
	judged("llama-3.1-8b-instruct,,,,8192,memory,kv,3,3", CLAIM_FALSE, NULL);
	judged("llama-3.1-8b-instruct,,,,,memory,kv,3,3", CLAIM_UNJUDGED, "no context");
	/* 12 of 48 layers keep everything: 12 x 8 x 128 x 2 values a token */
	judged("llama-4-scout,,,,10000000,memory,kv,240,240", CLAIM_TRUE, "in 8 bits");
	judged("llama-4-scout,,,,10000000,memory,kv,960,960", CLAIM_TRUE, "where every layer keeps everything");
	judged("llama-4-scout,,,,10000000,memory,kv,700,700", CLAIM_CONDITIONAL, NULL);
	judged("llama-3.1-8b-instruct,,,,,memory,weights,10,10", CLAIM_UNJUDGED, "quantisation is not stated");
	judged("llama-3.1-8b-instruct,,,,,memory,weights,2,2", CLAIM_FALSE, "too little");
	judged("gemma-4-9b,FP16,,,,memory,weights,18,18", CLAIM_FALSE, "does not exist");
}

static void speed(void)
{
	double high;

	judged("llama-3.1-8b-instruct,Q4_K_M,RTX 4090,1,,speed,decode,100,100", CLAIM_UNJUDGED, "not excluded");
	high = u.claim[0].decode_tps.high;
	ok(u.claim[0].decode_tps.low > 0 && high > u.claim[0].decode_tps.low, "with the interval");
	/* 1008 GB/s over 4.9 GB of weights are 206 tokens/s at the most */
	ok(high < 220, "which does not exceed the bandwidth: %.0f", high);
	judged("llama-3.1-8b-instruct,Q4_K_M,RTX 4090,1,,speed,decode,400,500", CLAIM_FALSE, "faster");
	judged("llama-3.1-8b-instruct,Q4_K_M,RTX 4090,1,,speed,decode,2,3", CLAIM_UNJUDGED, "slower");
	judged("llama-3.1-8b-instruct,Q4_K_M,RTX 4090,1,,speed,decode,2,", CLAIM_UNJUDGED, "not excluded");
	judged("llama-3.1-8b-instruct,Q4_K_M,RTX 4090,1,,speed,aggregate,4000,5000", CLAIM_UNJUDGED, "many sequences");
	judged("llama-3.1-8b-instruct,Q4_K_M,RTX 4090,1,,speed,prefill,4000,5000", CLAIM_UNJUDGED, NULL);
	judged("llama-3.1-8b-instruct,,RTX 4090,1,,speed,decode,400,500", CLAIM_UNJUDGED, "quantisation is not stated");
	judged("llama-3.3-70b-instruct,Q4,RTX 4090,1,,speed,decode,15,35", CLAIM_CONDITIONAL, "GB/s or more, for 15.0 tok/s");
	judged("llama-3.3-70b-instruct,Q4,RTX 4090,1,,speed,decode,20,35", CLAIM_FALSE, "where the fastest of the catalogue reads");
	judged("llama-3.3-70b-instruct,Q4,RTX 4090,1,,speed,decode,100,", CLAIM_FALSE, "card's own memory");
	judged("kimi-k2.6,Q4,RTX 4090,1,,speed,decode,20,35", CLAIM_UNJUDGED, "depends on the host");
}

/* The audit has no arithmetic of its own: its figures are those of an estimate with the same settings. */
static void agrees(void)
{
	static const struct { const char *row, *model, *machine, *engine, *quant; } one[] = {
		{ "x,qwen3-32b,Q4_K_M,RTX 4090,1,,fits,,,", "qwen3-32b", "rtx-4090", "llama.cpp", "q4_k_m" },
		{ "x,llama-4-maverick,FP8,H100,8,,fits,,,", "llama-4-maverick", "8x h100", "vllm", "fp8" },
		{ "x,gemma-3-27b-it,Q8_0,m4-max-64gb,1,,fits,,,", "gemma-3-27b-it", "m4-max-64gb", "llama.cpp", "q8_0" },
	};

	for (unsigned i = 0; i < sizeof one / sizeof *one; i++) {
		char text[512];
		struct hardware_spec h;
		const struct model_entry *m;
		struct estimate e;
		struct arena a = { 0 };

		snprintf(text, sizeof text, HEAD "%s\n", one[i].row);
		if (!ok(run(text, NULL, 0) == OK && u.n == 1 && u.claim[0].verdict == CLAIM_TRUE, "%s", one[i].row) || catalog_model(&m, c, one[i].model, &err) != OK ||
		    hardware_resolve(&h, &a, c, one[i].machine, 0, &err) != OK)
			continue;
		struct question q = { .model = m->spec, .quants = catalog_quants(c), .hardware = &h, .efficiency = &eff };
		settings_default(&q.settings, engine_find(catalog_engines(c), one[i].engine), q.quants);
		const struct recipe *r;
		ok(recipe_find(&r, q.quants, one[i].quant, one[i].engine, &err) == OK, "recipe");
		settings_recipe(&q.settings, r);
		ok(estimate_compute(&e, &q, NULL, &a, &err) == OK && e.verdict == FITS, "an estimate says the same");
		is_u64(u.claim[0].needs_bytes, e.sum.total, "to the byte");
		is_u64(u.claim[0].budget_bytes, e.sum.budget, "of the same memory");
		arena_free(&a);
	}
}

static void mistakes(void)
{
	static const char two[] = HEAD "a,llama-3.1-8b-instruct,Q4,RTX 4090,1,,fits,,,\nb,gemma-4-9b,Q4,RTX 4090,1,,fits,,,\n";
	const char *where[] = { "verdict=false" }, *by_id[] = { "id=a,zz" }, *both[] = { "id=a", "verdict=false" }, *no_column[] = { "colour=red" }, *no_value[] = { "id" };

	ok(run(two, where, 1) == OK && u.n == 1 && !strcmp(u.claim[0].id, "b") && u.count[CLAIM_FALSE] == 1 && !u.count[CLAIM_TRUE], "--where verdict=false");
	ok(run(two, by_id, 1) == OK && u.n == 1 && !strcmp(u.claim[0].id, "a"), "--where id=a,zz");
	ok(run(two, both, 2) == OK && u.n == 0, "both");
	ok(run(two, no_column, 1) == E_USAGE && strstr(err.text, "colour"), "an unknown column");
	ok(run(two, no_value, 1) == E_USAGE, "no value");
	ok(run("hardware\nrtx-4090\n", NULL, 0) == E_FILE && strstr(err.text, "no column 'model'"), "no column model");
	ok(run(HEAD "x,m,,,,,guess,,,\n", NULL, 0) == E_FILE && strstr(err.text, "c.csv:2") && strstr(err.text, "guess"), "an unknown kind: %s", err.text);
	ok(run(HEAD "x,m,,,-1,,fits,,,\n", NULL, 0) == E_FILE && strstr(err.text, "devices"), "devices -1");
	ok(run(HEAD "x,m,,,0,,fits,,,\n", NULL, 0) == E_FILE, "devices 0");
	ok(run(HEAD "x,m,,,,,speed,,fast,\n", NULL, 0) == E_FILE && strstr(err.text, "low"), "a speed that is no figure");
	ok(run(HEAD "x,m,,,,,speed,,,\n", NULL, 0) == E_FILE && strstr(err.text, "missing"), "a speed without one");
	ok(run(HEAD "x,m,,,,,speed,,5,4\n", NULL, 0) == E_FILE && strstr(err.text, "above high"), "low above high");
	ok(run("model,hardware\nllama-3.1-8b-instruct,rtx-4090\n", NULL, 0) == OK && u.n == 1 && u.claim[0].kind == CLAIM_FITS && !strcmp(u.claim[0].id, "line 2"), "two columns are enough");
	ok(run(HEAD, NULL, 0) == OK && u.n == 0, "no claims");
	ok(run("model,hardware,device\nm,h,2\n", NULL, 0) == E_FILE && strstr(err.text, "unknown column 'device'"), "a misspelt column");
	ok(run("model,model\nm,m\n", NULL, 0) == E_FILE && strstr(err.text, "two columns"), "a column twice");
	ok(run(HEAD "x,m,,,,,memory,weigths,5,5\n", NULL, 0) == E_FILE && strstr(err.text, "of: 'weigths'"), "a misspelt word");
	ok(run(HEAD "x,m,,,,,fits,weights,,\n", NULL, 0) == E_FILE, "weights of a claim that something fits");
	const char *verdict[] = { "verdict=flase" }, *nothing[] = { "=x" };
	ok(run(two, verdict, 1) == E_USAGE && strstr(err.text, "conditional"), "a misspelt verdict");
	ok(run(two, nothing, 1) == E_USAGE, "a filter without a column");
	ok(run("model,note\nllama-3.1-8b-instruct,\"a\033[31m\nb\"\n", NULL, 0) == OK && !strchr(u.claim[0].note, 27) && !strchr(u.claim[0].note, 10), "nothing of a file reaches the terminal raw");
	ok(bits_of_words("INT4") == 4 && bits_of_words("native INT4") == 4 && bits_of_words("Q4_K_M") == 4 && bits_of_words("FP16") == 16 && bits_of_words("BF16") == 16 &&
		bits_of_words("UD-Q2_K_XL") == 2 && bits_of_words("IQ3_XXS") == 3 && bits_of_words("heavy") == 0 && bits_of_words("") == 0, "bits in a name");
}

int main(void)
{
	struct arena of_eff = { 0 };

	if (!ok(catalog_open(&c, "build/ullage", &err) == OK && efficiency_load(&eff, &of_eff, "data/efficiency.yaml", &err) == OK, "the catalogue")) {
		printf("# %s\n", err.text);
		return done_testing();
	}
	fits();
	names();
	memory();
	speed();
	agrees();
	mistakes();
	catalog_close(c);
	arena_free(&arena);
	arena_free(&of_eff);
	return done_testing();
}
