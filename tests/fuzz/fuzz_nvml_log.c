/* fuzz_nvml_log.c - any bytes as a recording of NVML: what is read is written and read again the same, and the reader copes with every answer */
#include "probe/nvml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int same(const struct driver_answer *a, const struct driver_answer *b)
{
	if (a->code != b->code || strcmp(a->text, b->text) || memcmp(a->v, b->v, sizeof a->v) || a->n_rows != b->n_rows)
		return 0;
	return !a->n_rows || !memcmp(a->row, b->row, a->n_rows * sizeof *a->row);
}

/* A line that is understood says the same when it is written out. */
static void line(const char *p, size_t n)
{
	struct driver_row rows[DRIVER_ROWS], rows_again[DRIVER_ROWS];
	char text[DRIVER_TEXT], text_again[DRIVER_TEXT], out[8192];
	struct driver_question q, q_again;
	struct driver_answer a, again;
	const char *why = NULL;
	int rc = driver_parse(&q, &a, nvml_calls, NVML_CALLS, p, n, text, rows, &why), len;

	if (rc == -1 && !why)
		abort();
	if (rc != 1)
		return;
	if (q.call >= NVML_CALLS || a.n_rows > DRIVER_ROWS || strlen(a.text) >= DRIVER_TEXT)
		abort();
	len = driver_line(out, sizeof out, &nvml_calls[q.call], &q, &a, "remark # of \"ours\"");
	if (len < 1 || len >= (int)sizeof out || out[len - 1] != '\n' || strlen(out) != (size_t)len)
		abort();
	if (driver_line(NULL, 0, &nvml_calls[q.call], &q, &a, NULL) >= len)
		abort();
	if (driver_parse(&q_again, &again, nvml_calls, NVML_CALLS, out, (size_t)len - 1, text_again, rows_again, &why) != 1)
		abort();
	if (q.call != q_again.call || q.device != q_again.device || q.slice != q_again.slice || q.arg != q_again.arg || !same(&a, &again))
		abort();
}

static void whole(const char *text)
{
	static const struct driver like = { .calls = nvml_calls, .n_calls = NVML_CALLS, .missing = NVML_NO_FUNCTION, .say = nvml_error };
	struct arena a = { 0 };
	struct error err = { 0 };
	struct driver d;
	int rc = driver_replay(&d, &a, &like, "nvml.log", text, &err);

	if (rc == E_FILE && strncmp(err.text, "nvml.log:", 9))
		abort();
	if (rc == OK || rc == E_FILE) {
		for (unsigned call = 0; call < NVML_CALLS; call++)
			for (int device = -1; device < 2; device++) {
				struct driver_answer first, second;
				int code = driver_ask(&d, &first, call, device, -1, 0);
				if (driver_ask(&d, &second, call, device, -1, 0) != code || !same(&first, &second))
					abort();
			}
		driver_close(&d);
	}
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	whole(text);
	for (size_t at = 0; at < size; at++) {
		size_t n = 0;
		while (at + n < size && text[at + n] != '\n')
			n++;
		/* a block of just its size, so that a sanitizer sees a byte read beyond it */
		char *exact = malloc(n ? n : 1);
		if (exact) {
			memcpy(exact, text + at, n);
			line(exact, n);
		}
		free(exact);
		at += n;
	}
	free(text);
	return 0;
}
