/* load.c - how long the catalogue takes to open: median of many warm runs, in ms */
#include "catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	enum { RUNS = 61 };
	double ms[RUNS];
	unsigned models = 0, machines = 0;

	for (unsigned i = 0; i < RUNS; i++) {
		struct error e;
		struct catalog *c;
		double begin = now_ms();
		if (catalog_open(&c, argc > 1 ? argv[1] : NULL, &e) != OK) {
			fprintf(stderr, "%s\n", e.text);
			return 3;
		}
		ms[i] = now_ms() - begin;
		catalog_models(c, &models);
		catalog_hardware(c, &machines);
		catalog_close(c);
	}
	qsort(ms, RUNS, sizeof *ms, ascending);
	printf("opening the catalogue, %u models and %u machines, warm%18.2f ms (fastest %.2f)\n", models, machines, ms[RUNS / 2], ms[0]);
	return 0;
}
