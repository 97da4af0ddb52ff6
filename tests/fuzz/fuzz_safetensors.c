/* fuzz_safetensors.c - any bytes as a safetensors header */
#include "format/safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(const uint8_t *data, size_t size, uint64_t file_bytes)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct safetensors st;

	if (safetensors_parse(&st, &a, "fuzz", data, size, file_bytes, &err) == OK) {
		uint64_t sum = 0;
		for (uint64_t i = 0; i < st.dir.n; i++)
			sum += st.dir.t[i].bytes;
		if (sum != st.dir.bytes || st.header_bytes + sum != file_bytes)
			abort();
	}
	arena_free(&a);
}

/* The last four bytes say how many bytes of data follow the header; and the same without them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t data_bytes;

	if (size >= 4) {
		memcpy(&data_bytes, data + size - 4, 4);
		one(data, size - 4, (uint64_t)(size - 4) + data_bytes);
	}
	one(data, size, size);
	return 0;
}
