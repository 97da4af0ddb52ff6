/* engine_args.c - options of the engine */
#include "cli/engine_args.h"

#include "base/pool.h"
#include "base/units.h"

#include <string.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_)
{
	interrupted = 1;
	signal(signal_, SIG_DFL);        /* the next one is not asked for patience */
}

const volatile sig_atomic_t *interrupt_flag(void)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	return &interrupted;
}

static int kv_type(uint32_t *out, const struct quants *q, const char *option, const char *name, struct error *err)
{
	static const char *const can[] = { "f16", "bf16", "q8_0", "f32" };
	uint16_t f = format_find(q, name);

	for (unsigned i = 0; i < sizeof can / sizeof *can; i++)
		if (f != NO_FORMAT && !strcmp(q->formats[f].id, can[i])) {
			*out = (uint32_t)q->formats[f].ggml_type;        /* what kernels number formats by (formats.h) */
			return OK;
		}
	return error_set(err, f == NO_FORMAT ? E_USAGE : E_FORMAT, "%s %s: ullage's own engine keeps K and V as f16, bf16, q8_0 or f32", option, name);
}

int engine_options_from(struct engine_options *out, const struct options *o, const struct quants *q, struct error *err)
{
	const char *k = o->kv_k ? o->kv_k : o->kv, *v = o->kv_v ? o->kv_v : o->kv;
	int rc;

	*out = (struct engine_options){ .backend = o->backend, .isa = o->isa, .threads = (uint32_t)o->threads, .no_repack = o->no_repack, .kv_k = UINT32_MAX, .kv_v = UINT32_MAX,
		.ctx_tokens = o->ctx_set ? o->ctx : 0, .ubatch = o->ubatch_set ? (uint32_t)o->ubatch : 0, .slots = 1, .outputs = 1 };
	if (o->backend && strcmp(o->backend, "cpu") && strcmp(o->backend, "ref"))
		return error_set(err, E_USAGE, "--backend %s: wants cpu or ref", o->backend);
	if (o->isa && o->backend && !strcmp(o->backend, "ref"))
		return error_set(err, E_USAGE, "--isa %s: --backend ref has kernels of one kind only", o->isa);
	if (o->threads > POOL_THREADS)
		return error_set(err, E_USAGE, "-t %llu: at most %d threads", (unsigned long long)o->threads, POOL_THREADS);
	if (out->ctx_tokens > INT32_MAX)
		return error_set(err, E_USAGE, "-c %llu: more tokens than the engine can number", (unsigned long long)out->ctx_tokens);
	if ((k && (rc = kv_type(&out->kv_k, q, o->kv_k ? "-ctk" : "--kv-type", k, err)) != OK) || (v && (rc = kv_type(&out->kv_v, q, o->kv_v ? "-ctv" : "--kv-type", v, err)) != OK))
		return rc;
	return OK;
}

int list_from(uint64_t *out, unsigned *n, unsigned cap, const char *option, const char *text, uint64_t least, uint64_t max, struct error *err)
{
	*n = 0;
	for (const char *p = text;; p++) {
		size_t k = strcspn(p, ",");
		char one[24];
		if (k >= sizeof one || *n == cap)
			return error_set(err, E_USAGE, "%s %s: at most %u number%s", option, text, cap, cap == 1 ? "" : "s");
		memcpy(one, p, k);
		one[k] = '\0';
		if (parse_tokens(&out[*n], one) || out[*n] < least || out[*n] > max)
			return error_set(err, E_USAGE, "%s %s: wants whole numbers from %llu to %llu, with commas between", option, text, (unsigned long long)least, (unsigned long long)max);
		unsigned same = 0;
		while (out[same] != out[*n])
			same++;
		*n += same == *n;
		p += k;
		if (!*p)
			return OK;
	}
}

int whole_from(uint64_t *out, const char *option, const char *text, uint64_t high, struct error *err)
{
	if (text && (parse_u64(out, text) || *out > high))
		return error_set(err, E_USAGE, "%s %s: wants a whole number from 0 to %llu", option, text, (unsigned long long)high);
	return OK;
}

int number_from(double *out, const char *option, const char *text, double low, double high, struct error *err)
{
	if (text && (parse_f64(out, text) || *out < low || *out > high))
		return error_set(err, E_USAGE, "%s %s: wants a number from %g to %g", option, text, low, high);
	return OK;
}
