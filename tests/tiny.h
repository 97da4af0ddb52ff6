/* tiny.h - writes a seeded tiny model of an architecture as a GGUF file, from a text that says its metadata and tensors (tests/tiny/ARCH.txt)
 *
 * Lines: str|bool|u32|f32 KEY VALUE; strs|bools|u32s|i32s|f32s KEY VALUE...; vocab N; tensor LAYERS NAME FORMAT SCALE OFFSET NE...
 * LAYERS is "-" or a list "0,2-5": each gives a tensor blk.N.NAME. Element i of a tensor is OFFSET + SCALE * u: u in [-1, 1) is the upper 24 bits of
 * splitmix64(FNV-1a of the name + (i + 1) * golden ratio). SCALE and OFFSET are multiples of 1/1024: everything before the rounding to the format is exact,
 * so every machine writes the same bytes. mxfp4: SCALE is the smaller of the two E8M0 exponents used, codes are random bits. i32: rows of
 * successive numbers modulo SCALE, each from a random start: experts of a token.
 * vocab N: a SentencePiece vocabulary of <unk> <s> </s>, 256 bytes and N - 259 words. What llama.cpp makes of these files is in tests/golden/tiny-ARCH.txt. */
#ifndef TINY_H
#define TINY_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TINY_TENSORS = 2048, TINY_LINE = 4096 };
enum tiny_format { TINY_F32 = 0, TINY_F16 = 1, TINY_I32 = 26, TINY_BF16 = 30, TINY_MXFP4 = 39 }; /* as ggml numbers them */
struct tiny_tensor {
	char name[80];
	uint32_t format, dims;
	uint64_t ne[4], offset, bytes, count;
	double scale, shift;
};
struct tiny_file {
	FILE *out;
	struct tiny_tensor *t;
	uint32_t n;
	uint64_t keys;
	char line[TINY_LINE];
};

static void tiny_u32(FILE *f, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		putc((int)(v >> (8 * i) & 255), f);
}
static void tiny_text(FILE *f, const char *s)
{
	tiny_u32(f, strlen(s), 8);
	fputs(s, f);
}
static uint32_t tiny_bits(float v)
{
	uint32_t b;
	memcpy(&b, &v, 4);
	return b;
}
/* GGUF's value types: 4 u32, 5 i32, 6 f32, 7 bool, 8 string, 9 array */
static int tiny_type(const char *word)
{
	static const struct { const char *word; int type; } types[] = { { "u32", 4 }, { "i32", 5 }, { "f32", 6 }, { "bool", 7 }, { "str", 8 } };
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
		if (!strncmp(word, types[i].word, strlen(types[i].word)))
			return types[i].type;
	return -1;
}
static void tiny_value(FILE *f, int type, const char *text)
{
	if (type == 8)
		tiny_text(f, text);
	else if (type == 7)
		putc(text[0] == '1', f);
	else
		tiny_u32(f, type == 6 ? tiny_bits(strtof(text, NULL)) : (uint64_t)strtoll(text, NULL, 10), 4);
}
static void tiny_key(struct tiny_file *t, const char *name, int type)
{
	tiny_text(t->out, name);
	tiny_u32(t->out, (uint64_t)type, 4);
	t->keys++;
}
static void tiny_array(struct tiny_file *t, const char *name, int type, uint64_t n)
{
	tiny_key(t, name, 9);
	tiny_u32(t->out, (uint64_t)type, 4);
	tiny_u32(t->out, n, 8);
}

static void tiny_vocab(struct tiny_file *t, uint32_t n)
{
	static const char *const first[3] = { "<unk>", "<s>", "</s>" };
	char text[16];
	tiny_key(t, "tokenizer.ggml.model", 8);
	tiny_text(t->out, "llama");
	tiny_array(t, "tokenizer.ggml.tokens", 8, n);
	for (uint32_t i = 0; i < n; i++) {
		if (i < 3)
			snprintf(text, sizeof text, "%s", first[i]);
		else if (i < 259)
			snprintf(text, sizeof text, "<0x%02X>", (unsigned)(i - 3));
		else
			snprintf(text, sizeof text, "word%u", (unsigned)i);
		tiny_text(t->out, text);
	}
	tiny_array(t, "tokenizer.ggml.scores", 6, n);
	for (uint32_t i = 0; i < n; i++)
		tiny_u32(t->out, tiny_bits(-(float)i), 4);
	tiny_array(t, "tokenizer.ggml.token_type", 5, n);
	for (uint32_t i = 0; i < n; i++)
		tiny_u32(t->out, i < 1 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1, 4);
	tiny_key(t, "tokenizer.ggml.bos_token_id", 4);
	tiny_u32(t->out, 1, 4);
	tiny_key(t, "tokenizer.ggml.eos_token_id", 4);
	tiny_u32(t->out, 2, 4);
}

static int tiny_add(struct tiny_file *t, char **save, const char *layers)
{
	const char *name = strtok_r(NULL, " \n", save), *format = strtok_r(NULL, " \n", save), *scale = strtok_r(NULL, " \n", save),
		*shift = strtok_r(NULL, " \n", save), *ne;
	if (!shift || t->n == TINY_TENSORS)
		return -1;
	struct tiny_tensor one = { .scale = strtod(scale, NULL), .shift = strtod(shift, NULL), .count = 1 };
	one.format = !strcmp(format, "f32") ? TINY_F32 : !strcmp(format, "f16") ? TINY_F16 : !strcmp(format, "bf16") ? TINY_BF16 : !strcmp(format, "i32") ? TINY_I32 : TINY_MXFP4;
	while ((ne = strtok_r(NULL, " \n", save)) && one.dims < 4) {
		one.ne[one.dims] = (uint64_t)strtoull(ne, NULL, 10);
		one.count *= one.ne[one.dims++];
	}
	one.bytes = one.format == TINY_F32 || one.format == TINY_I32 ? one.count * 4 : one.format == TINY_MXFP4 ? one.count / 32 * 17 : one.count * 2;
	if (*layers == '-') {
		snprintf(one.name, sizeof one.name, "%s", name);
		t->t[t->n++] = one;
		return 0;
	}
	for (const char *l = layers; l; l = strchr(l, ',') ? strchr(l, ',') + 1 : NULL) {
		int first = atoi(l), last = first;
		size_t digits = strspn(l, "0123456789");
		if (l[digits] == '-')
			last = atoi(l + digits + 1);
		for (int i = first; i <= last && t->n < TINY_TENSORS; i++) {
			t->t[t->n] = one;
			snprintf(t->t[t->n++].name, sizeof one.name, "blk.%d.%s", i, name);
		}
	}
	return 0;
}
static int tiny_line(struct tiny_file *t)
{
	char *save = NULL, *word = strtok_r(t->line, " \n", &save), *name, *v;
	if (!word || *word == '#')
		return 0;
	if (!(name = strtok_r(NULL, " \n", &save)))
		return -1;
	if (!strcmp(word, "tensor"))
		return tiny_add(t, &save, name);
	if (!strcmp(word, "vocab"))
		return tiny_vocab(t, (uint32_t)atoi(name)), 0;
	int type = tiny_type(word);
	if (type < 0 || !(v = strtok_r(NULL, " \n", &save)))
		return -1;
	if (word[strlen(word) - 1] != 's') {
		tiny_key(t, name, type);
		return tiny_value(t->out, type, v), 0;
	}
	char *all[1024];
	uint64_t n = 0;
	for (; v && n < 1024; v = strtok_r(NULL, " \n", &save))
		all[n++] = v;
	tiny_array(t, name, type, n);
	for (uint64_t i = 0; i < n; i++)
		tiny_value(t->out, type, all[i]);
	return 0;
}

static uint64_t tiny_random(uint64_t h, uint64_t i)
{
	uint64_t z = h + (i + 1) * 0x9E3779B97F4A7C15u;          /* splitmix64 */
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}
/* to nearest, ties to even; subnormals too */
static uint32_t tiny_f16(float v)
{
	uint32_t b = tiny_bits(v), sign = b >> 16 & 0x8000, mant = (b & 0x7FFFFF) | 0x800000;
	int e = (int)(b >> 23 & 255) - 127 + 15, drop = e >= 1 ? 13 : 14 - e;
	if (drop > 24 || !(b << 1))
		return sign;
	uint32_t kept = mant >> drop, rest = mant & ((1u << drop) - 1), half = 1u << (drop - 1);
	kept += rest > half || (rest == half && (kept & 1));
	return sign | (e >= 1 ? kept + ((uint32_t)(e - 1) << 10) : kept);
}
static void tiny_data(FILE *out, const struct tiny_tensor *t, int zero)
{
	uint64_t h = 0xCBF29CE484222325u;                        /* FNV-1a */
	for (const char *c = t->name; *c; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001B3u;
	if (t->format == TINY_MXFP4) {
		for (uint64_t i = 0; i < t->bytes; i++) {
			uint64_t x = tiny_random(h, i) >> 40;
			putc(zero ? 0 : i % 17 ? (int)(x & 255) : (int)t->scale + (int)(x & 1), out);
		}
		return;
	}
	for (uint64_t i = 0; t->format == TINY_I32 && i < t->count; i++)
		tiny_u32(out, zero ? 0 : (tiny_random(h, i / t->ne[0]) % 1024 + i % t->ne[0]) % (uint64_t)t->scale, 4);
	for (uint64_t i = 0; t->format != TINY_I32 && i < t->count; i++) {
		double u = (double)(tiny_random(h, i) >> 40) / 8388608.0 - 1.0;
		float v = zero ? 0.0f : (float)(t->shift + t->scale * u);
		if (t->format == TINY_F32)
			tiny_u32(out, tiny_bits(v), 4);
		else if (t->format == TINY_F16)
			tiny_u32(out, tiny_f16(v), 2);
		else
			tiny_u32(out, (tiny_bits(v) + 0x7FFF + (tiny_bits(v) >> 16 & 1)) >> 16, 2);
	}
}

/* 1 if name is that of zero, without the layer */
static int tiny_is(const char *name, const char *zero)
{
	if (zero && !strncmp(name, "blk.", 4))
		name = strchr(name + 4, '.') + 1;
	return zero && !strcmp(name, zero);
}
/* Writes the model that text describes to path. zero: tensors of this name (without "blk.N.") are zeros; NULL: none. 0, or -1 with a message on stderr. */
static int tiny_write(const char *text, const char *path, const char *zero)
{
	struct tiny_file t = { .t = calloc(TINY_TENSORS, sizeof *t.t) };
	FILE *in = fopen(text, "r");
	int rc = -1, at = 0;
	t.out = fopen(path, "wb");
	if (!in || !t.out || !t.t) {
		fprintf(stderr, "tiny: %s, %s: %s\n", text, path, strerror(errno));
		goto done;
	}
	fputs("GGUF", t.out);
	tiny_u32(t.out, 3, 4);
	tiny_u32(t.out, 0, 8);                                   /* both counts: below */
	tiny_u32(t.out, 0, 8);
	while (fgets(t.line, sizeof t.line, in)) {
		at++;
		if (tiny_line(&t)) {
			fprintf(stderr, "tiny: %s:%d: not understood\n", text, at);
			goto done;
		}
	}
	uint64_t offset = 0;
	for (uint32_t i = 0; i < t.n; i++) {
		t.t[i].offset = offset;
		offset += (t.t[i].bytes + 31) / 32 * 32;
		tiny_text(t.out, t.t[i].name);
		tiny_u32(t.out, t.t[i].dims, 4);
		for (uint32_t d = 0; d < t.t[i].dims; d++)
			tiny_u32(t.out, t.t[i].ne[d], 8);
		tiny_u32(t.out, t.t[i].format, 4);
		tiny_u32(t.out, t.t[i].offset, 8);
	}
	while (ftell(t.out) % 32)
		putc(0, t.out);
	for (uint32_t i = 0; i < t.n; i++) {
		tiny_data(t.out, &t.t[i], tiny_is(t.t[i].name, zero));
		while (ftell(t.out) % 32)
			putc(0, t.out);
	}
	fseek(t.out, 8, SEEK_SET);
	tiny_u32(t.out, t.n, 8);
	tiny_u32(t.out, t.keys, 8);
	rc = ferror(t.out) ? -1 : 0;
done:
	if (in)
		fclose(in);
	if (t.out && fclose(t.out))
		rc = -1;
	free(t.t);
	return rc;
}

#endif
