/* fuzz_smaps.c - any bytes as /proc/PID/smaps: mappings in order, none over another, nothing larger than itself */
#include "live/witness.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct smaps s;
	int rc = smaps_parse(&s, &a, "smaps", data, size, &err);
	uint64_t at = 0, sum = 0;

	if (rc != OK) {
		if (rc != E_FILE || strncmp(err.text, "smaps:", 6))
			abort();
		arena_free(&a);
		return 0;
	}
	for (unsigned i = 0; i < s.n; i++) {
		const struct smap *m = &s.map[i];
		if (m->from < at || m->to <= m->from || m->rss > m->to - m->from || !m->name)
			abort();
		at = m->to;
		sum += m->rss;
	}
	/* all of it is what its parts come to; whole mappings need no second source */
	if (s.n && sum <= INT64_MAX) {
		struct witness_range whole = { 0, UINT64_MAX };
		if (witness_resident(&s, &whole, 1) != (int64_t)sum)
			abort();
	}
	arena_free(&a);
	return 0;
}
