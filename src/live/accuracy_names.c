/* accuracy_names.c - names in the cells of a file of measurements, looked up in the catalogue */
#include "live/accuracy_names.h"

#include "base/str.h"
#include "catalog/hardware_name.h"

#include <string.h>

/* The cell without "(...)" and "[...]", blanks closed up; NULL: out of memory. */
static char *without_brackets(struct arena *a, const char *cell)
{
	char *s = arena_strdup(a, cell), *out = s;
	int depth = 0;

	if (!s)
		return NULL;
	for (const char *p = s; *p; p++) {
		if (*p == '(' || *p == '[')
			depth++;
		if (!depth && *p == ',' && out > s && out[-1] == ' ')
			out--;                   /* "int4 (AutoRound), fp8 KV" */
		if (!depth && (*p != ' ' || (out > s && out[-1] != ' ')))
			*out++ = *p;
		if (depth && (*p == ')' || *p == ']'))
			depth--;
	}
	while (out > s && (out[-1] == ' ' || out[-1] == ','))
		out--;
	*out = '\0';
	return s;
}

/* Does the text hold this word, between blanks, commas, brackets or its ends? Any case. */
static int has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	char at[16];

	for (const char *p = text; *p; p++) {
		if ((p != text && !strchr(" ,;/()", p[-1])) || strlen(p) < n || n >= sizeof at)
			continue;
		memcpy(at, p, n);
		at[n] = '\0';
		if (str_ieq(at, word) && (!p[n] || strchr(" ,;()", p[n])))
			return 1;
	}
	return 0;
}

/* "12 GB card", "2x 32 GB GPUs", "80 GB GPU": a size, and no card. */
static int only_a_size(const char *text)
{
	static const char *const words[] = { "gb", "gib", "card", "cards", "gpu", "gpus", "x" };
	int size = 0;

	for (const char *p = text; *p; ) {
		char word[16];
		size_t digits = strspn(p, "0123456789."), n = strcspn(p + digits, " ");
		if (n >= sizeof word)
			return 0;
		memcpy(word, p + digits, n);
		word[n] = '\0';
		int known = !n;
		for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
			known |= str_ieq(word, words[i]);
		if (!known || (!digits && !n && *p != ' '))
			return 0;
		size |= str_ieq(word, "gb") || str_ieq(word, "gib");
		p += digits + n;
		p += strspn(p, " ");
	}
	return size;
}

int accuracy_named(const char *cell)
{
	static const char *const nothing[] = { "", "?", "unset", "quantized", "unknown, may not work" };
	const char *inside = strchr(cell, '(');
	char head[64];
	size_t n = inside ? (size_t)(inside - cell) : strlen(cell);

	for (unsigned i = 0; i < sizeof nothing / sizeof *nothing; i++)
		if (str_ieq(cell, nothing[i]))
			return 0;
	/* a remark in brackets may say that something else is not stated; the name itself may not */
	if (n >= sizeof head)
		n = sizeof head - 1;
	memcpy(head, cell, n);
	head[n] = '\0';
	if (strstr(head, "not stated") || has_word(head, "class") || has_word(head, "other") || only_a_size(head))
		return 0;
	return !inside || (!strstr(inside, "name not") && !strstr(inside, "name inferred"));
}

const char *accuracy_engine(struct acc_row *r, const char *other)
{
	static const struct { const char *word, *engine; } words[] = {
		{ "mlx", "mlx" }, { "sglang", "sglang" }, { "vllm", "vllm" }, { "tensorrt", "tensorrt-llm" }, { "ik_llama", "ik_llama.cpp" },
		{ "ds4", "ds4" }, { "llama.cpp", "llama.cpp" }, { "ollama", "ollama" }, { "lmstudio", "llama.cpp" },
	};
	static const char *const columns[] = { "engine", "fork", "source" };
	char text[160];

	for (unsigned c = 0; c < 3; c++) {
		const char *cell = csv_get(r->csv, r->row, columns[c]);
		size_t n = 0;
		for (; cell[n] && n + 1 < sizeof text; n++)
			text[n] = (char)(cell[n] >= 'A' && cell[n] <= 'Z' ? cell[n] + 'a' - 'A' : cell[n]);
		text[n] = '\0';
		if (c == 2 && !str_prefix(text, "antirez/ds4") && !strstr(text, ", antirez/ds4") && !str_prefix(text, "ikawrakow/ik_llama"))
			return other;
		for (unsigned i = 0; text[0] && i < sizeof words / sizeof *words; i++)
			if (strstr(text, words[i].word))
				return words[i].engine;
		if (text[0])
			return arena_strdup(r->scratch, text);
	}
	return other;
}

/* Words behind a model's name that say how its file is packed. */
static int is_packaging(const char *word)
{
	static const char *const words[] = { "gguf", "mlx", "mtp", "ud", "i1", "dwq", "autoround", "awq", "gptq", "nvfp4", "mxfp4", "mxfp8", "fp8", "bf16", "fp16", "int4",
		"w8a16", "dynamic", "q8", "2bit", "3bit", "4bit", "5bit", "6bit", "8bit", "4-bit", "quantized.w8a8" };

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (str_ieq(word, words[i]))
			return 1;
	return 0;
}

static const struct model_entry *known(struct acc_row *r, const char *name)
{
	const struct model_entry *e;

	return name && *name && catalog_model(&e, r->c, name, NULL) == OK ? e : NULL;
}

/* Tails taken off one by one, as long as each is a quantisation or says how the file is packed. */
static const struct model_entry *without_tail(struct acc_row *r, const char *name, const char *quant)
{
	char *cut = arena_strdup(r->scratch, name);
	const struct model_entry *e;

	if (!cut)
		return NULL;
	for (size_t i = strlen(cut); i-- > 1; ) {
		const struct recipe *found;
		const char *tail = cut + i + 1;
		if (!strchr("-:_ ", cut[i]) || !*tail)
			continue;
		if (!is_packaging(tail) && recipe_find(&found, catalog_quants(r->c), tail, NULL, NULL) != OK && !(*quant && str_ieq(tail, quant)))
			continue;
		cut[i] = '\0';
		if ((e = known(r, cut)))
			return e;
	}
	return NULL;
}

const struct model_entry *accuracy_model(struct acc_row *r, const char *name, const char *quant)
{
	const struct model_entry *e = known(r, name);
	const char *plain = e ? NULL : without_brackets(r->scratch, name), *mark;

	if (e || !plain)
		return e;
	/* "Qwen3.6-27B + DFlash draft": the model beside its draft */
	if ((mark = strstr(plain, " + ")))
		plain = arena_strndup(r->scratch, plain, (size_t)(mark - plain));
	if (plain && str_suffix(plain, ".gguf"))
		plain = arena_strndup(r->scratch, plain, strlen(plain) - 5);
	/* "google_gemma-3-4b-it", "zai-org/GLM-5": behind the owner. A '/' or '_' of the name itself leaves no model behind it. */
	for (int i = 0; plain && i < 2; i++) {
		if ((e = known(r, plain)) || (e = without_tail(r, plain, quant)))
			return e;
		plain = (mark = strpbrk(plain, "/_")) ? mark + 1 : NULL;
	}
	return NULL;
}

static int is_recipe(struct acc_row *r, const char *word)
{
	const struct recipe *found;

	return recipe_find(&found, catalog_quants(r->c), word, NULL, NULL) == OK;
}

/* An engine's default, told in the remark: "ollama default (Q4_K_M unless tag says otherwise)". A tag that ends in a quantisation names that one,
 * and one for another engine ("qwen3.6:27b-mlx") names none. */
static const char *default_quant(struct acc_row *r, const char *cell, const char *model)
{
	const char *open = strchr(cell, '('), *tail = strrchr(model, '-');

	if (tail && is_recipe(r, tail + 1))
		return tail + 1;
	if (!open || strstr(model, "mlx"))
		return "";
	return arena_strndup(r->scratch, open + 1, strcspn(open + 1, " )"));
}

const char *accuracy_quant(struct acc_row *r, const char *cell, const char *model)
{
	const char *cuts[] = { ", ", " + ", " weights" };
	char *s = without_brackets(r->scratch, cell);
	const char *slash;

	if (!s || !accuracy_named(cell))
		return "";
	if (str_suffix(s, " default"))
		return default_quant(r, cell, model);
	if (is_recipe(r, s))
		return s;
	for (unsigned i = 0; i < sizeof cuts / sizeof *cuts; i++)
		if (strstr(s, cuts[i]))
			*strstr(s, cuts[i]) = '\0';
	if (str_suffix(s, " KV"))
		return "";
	/* "IQ2_XXS/Q4_K_M": the card's column and the file's. "i1-Q4_K_M": made with an importance matrix. */
	if ((slash = strrchr(s, '/')) && is_recipe(r, slash + 1))
		return slash + 1;
	return str_prefix(s, "i1-") ? s + 3 : s;
}

const struct recipe *accuracy_recipe(struct acc_row *r, const char *quant, const char *engine)
{
	static const char *const ggml[] = { "llama.cpp", "ollama", "ik_llama.cpp", "ds4" };
	const struct quants *q = catalog_quants(r->c);
	const struct recipe *found;
	int own = 0;

	if (recipe_find(&found, q, quant, engine, NULL) != OK)
		return NULL;
	for (unsigned i = 0; i < sizeof ggml / sizeof *ggml; i++)
		own |= !strcmp(engine, ggml[i]);
	if (own || found->packing != PACK_GGUF || str_ieq(quant, found->name) || str_ieq(quant, found->id) || format_least_bits(&q->formats[found->base]) >= 16)
		return found;
	return NULL;
}

/* What a cell says besides the machine: "CPU AMD Ryzen 7 7840HS", "Virtualized NVIDIA H200". */
static const char *without_kind(const char *cell)
{
	static const char *const kinds[] = { "CPU ", "Virtualized " };

	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (str_prefix(cell, kinds[i]))
			return cell + strlen(kinds[i]);
	return cell;
}

int accuracy_machine(struct acc_row *r, const char *cell)
{
	struct hardware_spec spec;
	const char *open = strrchr(cell, '('), *plain;
	int rc = hardware_resolve(&spec, r->scratch, r->c, cell, 0, NULL);

	if (rc == OK || rc == E_AMBIGUOUS)
		return rc;
	plain = without_brackets(r->scratch, without_kind(cell));
	if (plain && *plain && ((rc = hardware_resolve(&spec, r->scratch, r->c, plain, 0, NULL)) == OK || rc == E_AMBIGUOUS))
		return rc;
	/* "Ryzen 9 7950X (NVIDIA RTX 4080)": the card that computes */
	plain = open && cell[strlen(cell) - 1] == ')' ? arena_strndup(r->scratch, open + 1, strlen(open) - 2) : NULL;
	if (plain && hardware_resolve(&spec, r->scratch, r->c, plain, 0, NULL) == OK && spec.n_groups && spec.groups[0].device->kind == DEVICE_GPU)
		return OK;
	return rc == OK ? E_HARDWARE : rc;
}
