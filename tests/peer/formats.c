/* formats.c - what ggml says of seeded blocks: prints tests/unit/formats_golden.h
 *
 * Not built by make. With llama.cpp built (its source in $L, its libraries in $L/build/bin):
 *   cc -I$L/ggml/include -o formats tests/peer/formats.c -L$L/build/bin -lggml-base -lm -Wl,-rpath,$L/build/bin && ./formats > tests/unit/formats_golden.h */
#include "../unit/formats_blocks.h"

#include <ggml.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	unsigned char *blocks = malloc((size_t)GOLDEN_BLOCKS * MOST_BYTES);
	float *x = malloc(GOLDEN_NUMBERS * sizeof *x), *y = malloc((size_t)GOLDEN_BLOCKS * 256 * sizeof *y);
	void *q = malloc(GOLDEN_NUMBERS * sizeof *x);
	uint64_t half = 0;

	if (!blocks || !x || !y || !q)
		return 1;
	golden_numbers(x, GOLDEN_NUMBERS);
	printf("/* formats_golden.h - printed by tests/peer/formats.c with ggml %s (llama.cpp 0c1e57098)\n *\n", ggml_version());
	printf(" * sum: of the bits of GOLDEN_BLOCKS seeded blocks, dequantised; first: the first four numbers of them. error: of ggml's own quantiser without\n");
	printf(" * an importance matrix, on normally distributed numbers; 0: it has none. */\n");
	printf("static const struct { uint32_t id; uint64_t sum; float first[4]; double error; } golden[] = {\n");
	for (unsigned i = 0; i < LAYOUTS; i++) {
		const struct block_layout *l = block_layouts + i;
		enum ggml_type t = (enum ggml_type)l->id;
		const struct ggml_type_traits *f = ggml_get_type_traits(t);
		double error = 0;

		if (ggml_blck_size(t) != l->block || ggml_type_size(t) != l->bytes) {
			fprintf(stderr, "%s: ggml has %d numbers in %zu bytes\n", l->name, (int)ggml_blck_size(t), ggml_type_size(t));
			return 1;
		}
		golden_blocks(blocks, l);
		f->to_float(blocks, y, (int64_t)GOLDEN_BLOCKS * l->block);
		printf("\t{ %u, UINT64_C(0x%016llx), { %af, %af, %af, %af }", l->id, (unsigned long long)sum_of_bits(y, (unsigned)GOLDEN_BLOCKS * l->block), y[0], y[1], y[2], y[3]);
		if (!ggml_quantize_requires_imatrix(t) && t != GGML_TYPE_IQ1_M) {
			ggml_quantize_chunk(t, x, q, 0, 1, GOLDEN_NUMBERS, NULL);
			f->to_float(q, y, GOLDEN_NUMBERS);
			error = relative_error(y, x, GOLDEN_NUMBERS);
		}
		printf(", %.5f },    /* %s */\n", error, l->name);
	}
	printf("};\n");
	for (unsigned h = 0; h < 65536; h++)
		y[h] = ggml_fp16_to_fp32((ggml_fp16_t)h);
	half = sum_of_bits(y, 65536);
	printf("static const uint64_t golden_halves = UINT64_C(0x%016llx);    /* all 65536 halves as floats */\n", (unsigned long long)half);
	return 0;
}
