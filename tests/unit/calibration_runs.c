/* calibration_runs.c - what runs of the engine say of other runs, and how they are written down */
#include "calc/runs.h"
#include "live/calibration_runs.h"

#include "../tap.h"

#include <math.h>
#include <string.h>

static struct arena arena;

static void shares(void)
{
	static const struct engine_run runs[] = {
		{ RUN_DECODE, "q4_k", 1e9, 64, 1, 0.9, 0.02 }, { RUN_DECODE, "q4_k", 1e9, 4096, 1, 0.7, 0.02 }, { RUN_DECODE, "q8_0", 1e9, 64, 1, 0.5, 0.02 },
		{ RUN_PREFILL, "q4_k", 1e9, 0, 1, 2, 0.02 },
	};
	struct run_kind k = { RUN_DECODE, "q4_k", 1e9, 64, 1 };
	struct run_share s;

	ok(runs_share(&s, runs, 4, &k) && s.distance < 1e-9 && fabs(s.value / 0.9 - 1) < 0.01 && fabs(s.high / s.value - 1.1) < 1e-9, "the same run again: its share, and a tenth around it");
	k.depth = 4096;
	ok(runs_share(&s, runs, 4, &k) && fabs(s.value / 0.7 - 1) < 0.01, "at another depth, that of the run at this depth");
	k.bytes = 4e9;
	ok(runs_share(&s, runs, 4, &k) && fabs(s.distance - 2) < 1e-9 && s.high / s.low > 1.8, "a model four times as large: a wider interval");
	k.bytes = 1e12;
	ok(!runs_share(&s, runs, 4, &k), "one a thousand times as large: nothing is concluded");
	k = (struct run_kind){ RUN_DECODE, "bf16", 1e9, 64, 1 };
	ok(!runs_share(&s, runs, 4, &k) && !runs_share(&s, NULL, 0, &k), "nor for another format, nor from nothing");
}

static void details(void)
{
	struct engine_run r = { .format = "q4_k", .depth = 4160, .sequences = 4 }, back = { 0 };
	char text[128];

	run_detail_text(text, sizeof text, &r, 61.25, "a model, with/odd \"name\"");
	ok(!strpbrk(text, ",\"\n"), "a detail needs no quotes: %s", text);
	ok(run_detail(&back, &arena, text, 55) == 0 && !strcmp(back.format, "q4_k") && back.depth > 4159 && back.sequences == 4 && fabs(back.factor - 55 / 61.25) < 1e-9, "and is read back");
	static const char *const bad[] = { "", "q4_k", "q4_k/d1/np1/of0/m", "q4_k/d1/np0/of1/m", "q4_k/dx/np1/of1/m", "q4_k/d1/np1/of1", "q4_k/d1/np1/of1/", "/d1/np1/of1/m", "q4_k/d-1/np1/of1/m" };
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(run_detail(&back, &arena, bad[i], 1) < 0, "no detail: \"%s\"", bad[i]);
}

int main(void)
{
	shares();
	details();
	arena_free(&arena);
	return done_testing();
}
