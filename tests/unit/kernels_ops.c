/* kernels_ops.c - ops on rows, every table of this processor against ref, each number under a bound that follows from how it is computed
 *
 * chain(n): the longest run of additions, n / 16 in each of the sums that run side by side and a tail. */
#include "catalog/model_spec.h"
#include "kernels_ops.h"

static const uint32_t sizes[] = { 1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 65, 80, 127, 128, 257, 576, 1000, 2048, 4097 };
enum { N_SIZES = sizeof sizes / sizeof *sizes };
static double chain(uint32_t n) { return n / 16.0 + 40; }

/* Numbers of several kinds: ordinary, one huge, tiny, zero. */
static float *input(uint32_t n, unsigned kind)
{
	float *x = must_have(n * sizeof *x);

	fill(x, n, kind == 2 ? 1e-20f : kind == 3 ? 0 : 6);
	if (kind == 1)
		x[draw() % n] = 3e4f;
	return x;
}

static unsigned wrong_norms(const struct ops *o)
{
	unsigned wrong = 0;

	for (unsigned s = 0; s < N_SIZES * 4; s++) {
		const uint32_t n = sizes[s / 4];
		float *x = input(n, s % 4), *w = input(n, 0), *b = input(n, 0), *want = must_have(n * sizeof *want), *got;
		double mean = 0, size = 0, var = 0, off;

		for (int with = 0; with < 2; with++) {
			ops_tables_ref->rms_norm(want, x, with ? w : NULL, n, 1e-6f);
			got = out_new(n * sizeof *got);
			o->rms_norm(got, x, with ? w : NULL, n, 1e-6f);
			for (uint32_t i = 0; i < n; i++)
				wrong += differs(got[i], want[i], (chain(n) / 2 + 8) * U * fabs(want[i]) + 1e-37);
			wrong += out_free(got, n * sizeof *got);
		}
		for (uint32_t i = 0; i < n; i++)
			mean += x[i], size += fabs(x[i]);
		mean /= n;
		size /= n;
		for (uint32_t i = 0; i < n; i++)
			var += (x[i] - mean) * (x[i] - mean) / n;
		off = (chain(n) + 2) * U * size;         /* of the mean */
		for (int with = 0; with < 4; with++) {
			const float *ww = with & 1 ? w : NULL, *bb = with & 2 ? b : NULL;
			ops_tables_ref->layer_norm(want, x, ww, bb, n, 1e-5f);
			got = out_new(n * sizeof *got);
			o->layer_norm(got, x, ww, bb, n, 1e-5f);
			for (uint32_t i = 0; i < n; i++) {
				const double r = fabs(ww ? ww[i] : 1) / sqrt(var + 1e-5), from = fabs(x[i] - mean);
				wrong += differs(got[i], want[i], r * (off + U * fabs(x[i]) + from * ((chain(n) / 2 + 10) * U + off * off / (var + 1e-5))) +
					4 * U * (fabs(want[i]) + (bb ? fabs(bb[i]) : 0)) + 1e-37);
			}
			wrong += out_free(got, n * sizeof *got);
		}
		free(x), free(w), free(b), free(want);
	}
	return wrong;
}

static unsigned wrong_ropes(const struct ops *o)
{
	unsigned wrong = 0;

	for (uint32_t dims = 2; dims <= 256; dims += dims < 20 ? 2 : 22)
		for (int adjacent = 0; adjacent < 2; adjacent++) {
			float *x = input(dims + 5, 0), *cs = must_have(dims * sizeof *cs), *want = must_have((dims + 5) * sizeof *want);
			float *got = out_new((dims + 5) * sizeof *got);
			for (uint32_t i = 0; i < dims; i += 2) {
				const double turn = uniform() * 7;
				cs[i] = (float)cos(turn);
				cs[i + 1] = (float)sin(turn);
			}
			memcpy(want, x, (dims + 5) * sizeof *x);
			memcpy(got, x, (dims + 5) * sizeof *x);
			ops_tables_ref->rope(want, cs, dims, adjacent);
			o->rope(got, cs, dims, adjacent);
			for (uint32_t i = 0; i < dims; i++) {
				const uint32_t pair = adjacent ? i / 2 : i % (dims / 2), a = adjacent ? 2 * pair : pair, b = adjacent ? a + 1 : a + dims / 2;
				wrong += differs(got[i], want[i], 3 * U * (fabs(x[a]) + fabs(x[b])) * fmax(fabs(cs[2 * pair]), fabs(cs[2 * pair + 1])));
			}
			wrong += !!memcmp(got + dims, x + dims, 5 * sizeof *x);
			wrong += out_free(got, (dims + 5) * sizeof *got);
			free(x), free(cs), free(want);
		}
	return wrong;
}

/* Roundings that an activation may cost, where an argument's own rounding is multiplied by what it is the exponent of. */
static double act_cost(int kind, double g)
{
	const double y = 1.5957691216 * (g + 0.044715 * g * g * g);

	switch (kind) {
	case KA_GELU: return 12 + (g < 0 ? 2 * g * g : 0);
	case KA_GELU_TANH: return 12 + (y < 0 ? -5 * y : 0);
	case KA_SWIGLU_OAI: return 12 + (g < 0 ? -5 * g : 0);
	case KA_SITU: return 20;
	case KA_RELU: case KA_RELU2: return 3;
	default: return 8;
	}
}
static unsigned wrong_acts(const struct ops *o, int kind)
{
	unsigned wrong = 0;

	for (unsigned s = 0; s < N_SIZES * 3; s++) {
		const uint32_t n = sizes[s / 3];
		float *g = must_have(n * sizeof *g), *u = must_have(n * sizeof *u), *want = must_have(n * sizeof *want);
		float *got = out_new(n * sizeof *got);
		fill(g, n, s % 3 == 0 ? 2 : s % 3 == 1 ? 14 : 120);
		fill(u, n, s % 3 == 2 ? 40 : 3);
		const float *up = s % 2 ? u : NULL;
		ops_tables_ref->act(want, g, up, n, kind);
		if (s % 5 == 0) {                        /* in place */
			memcpy(got, g, n * sizeof *g);
			o->act(got, got, up, n, kind);
		} else {
			o->act(got, g, up, n, kind);
		}
		for (uint32_t i = 0; i < n; i++)
			wrong += differs(got[i], want[i], act_cost(kind, g[i]) * U * fabs(want[i]) + fabs(g[i]) * (1 + fabs(u[i])) * 0x1p-124);
		wrong += out_free(got, n * sizeof *got);
		free(g), free(u), free(want);
	}
	return wrong;
}

static unsigned wrong_sums(const struct ops *o)
{
	unsigned wrong = 0;

	for (unsigned s = 0; s < N_SIZES; s++) {
		const uint32_t n = sizes[s];
		float *a = input(n, 0), *b = input(n, 1);
		for (int what = 0; what < 6; what++) {
			float *got = out_new(n * sizeof *got), *want = must_have(n * sizeof *want);
			double top = -INFINITY;
			memcpy(got, a, n * sizeof *a);
			memcpy(want, a, n * sizeof *a);
			for (int ref = 0; ref < 2; ref++) {
				const struct ops *p = ref ? ops_tables_ref : o;
				float *x = ref ? want : got;
				switch (what) {
				case 0: p->add(x, x, b, n); break;
				case 1: p->mul(x, b, a, n); break;
				case 2: p->add_scaled(x, b, 0.37f, n); break;
				case 3: p->scale(x, -1.7f, n); break;
				case 4: p->softcap(x, 5, n); break;
				default: p->softmax(x, n); break;
				}
			}
			for (uint32_t i = 0; i < n; i++)
				top = fmax(top, a[i]);
			for (uint32_t i = 0; i < n; i++) {
				const double bound = what < 2 || what == 3 ? 0 : what == 2 ? 3 * U * (fabs(a[i]) + fabs(0.37 * b[i])) :
					what == 4 ? 10 * U * fabs(want[i]) : (chain(n) + 12 + 2 * (top - a[i])) * U * want[i] + 1e-37;
				wrong += bound > 0 ? differs(got[i], want[i], bound) : got[i] != want[i];
			}
			wrong += out_free(got, n * sizeof *got);
			free(want);
		}
		free(a), free(b);
	}
	return wrong;
}

/* Byte for byte what formats.h writes and reads. */
static unsigned wrong_rows(const struct ops *o, uint32_t format)
{
	const struct kformat *f = kformat_find(format);
	unsigned wrong = 0;

	for (unsigned s = 0; s < N_SIZES * 3; s++) {
		const uint32_t n = f->block > 1 ? (sizes[s / 3] + f->block - 1) / f->block * f->block : sizes[s / 3];
		const uint64_t bytes = n / f->block * (uint64_t)f->bytes;
		float *x = must_have(n * sizeof *x), *want = must_have(n * sizeof *want), *got = out_new(n * sizeof *got);
		unsigned char *stored = must_have(bytes), *mine = out_new(bytes + 2);
		fill(x, n, s % 3 == 0 ? 3 : s % 3 == 1 ? 1e-4f : 4e4f);
		if (s % 3 == 1)
			for (uint32_t i = 0; i < n; i += 5)
				x[i] *= x[i] * 1e-3f;            /* halves without a leading bit, and zero */
		if (s % 3 == 2 && f->block > 1)          /* the largest is worth more than a half */
			for (uint32_t i = s % 7; i < n; i += 50)
				x[i] = i % 2 ? INFINITY : 3e8f;
		if (s % 3 == 2 && f->block == 1)         /* infinity, and a NaN whose mark is in the bits that are dropped */
			for (uint32_t i = 2; i < n; i += 7)
				memcpy(x + i, &(uint32_t){ i % 2 ? 0x7f800001u : i % 3 ? 0xff800000u : 0xffc12345u }, sizeof *x);
		ops_tables_ref->store(stored, format, x, n);
		if (f->quantise && (format == KF_F32 || format == KF_F16 || format == KF_BF16 || format == KF_Q8_0)) {
			o->store(mine + 2, format, x, n);    /* two bytes off: caches are aligned to no more */
			wrong += !!memcmp(mine + 2, stored, bytes) + (mine[0] != 0xff) + (mine[1] != 0xff);
		} else {
			memcpy(mine + 2, stored, bytes);
		}
		ops_tables_ref->load(want, format, stored, n);
		o->load(got, format, mine + 2, n);
		wrong += !!memcmp(got, want, n * sizeof *want);
		wrong += out_free(got, n * sizeof *got) + out_free(mine, bytes + 2);
		free(x), free(want), free(stored);
	}
	return wrong;
}

/* What is no number stays none: in its own place of an activation, in all of a norm's and a softmax's; of every table, ref too. */
static unsigned wrong_not_finite(const struct ops *o)
{
	enum { N = 37 };
	unsigned wrong = 0;

	for (unsigned at = 0; at < N; at += 5) {
		float x[N], y[N];
		fill(x, N, 2);
		x[at] = NAN;
		for (int kind = 0; kind < KA_ACTS; kind++)
			for (int up = 0; up < 2; up++) {
				o->act(y, x, up ? x : NULL, N, kind);
				for (unsigned i = 0; i < N; i++)
					wrong += !isnan(y[i]) != (i != at);
			}
		for (int what = 0; what < 3; what++) {
			memcpy(y, x, sizeof y);
			if (what == 0)
				o->rms_norm(y, y, NULL, N, 1e-6f);
			else if (what == 1)
				o->layer_norm(y, y, NULL, NULL, N, 1e-6f);
			else
				o->softmax(y, N);
			for (unsigned i = 0; i < N; i++)
				wrong += !isnan(y[i]);
		}
		memcpy(y, x, sizeof y);
		o->softcap(y, 5, N);
		for (unsigned i = 0; i < N; i++)
			wrong += !isnan(y[i]) != (i != at);
	}
	return wrong;
}

/* Tables that are wrong on purpose: the bounds above must see it. */
static const struct ops *good;
static void norm_short(float *out, const float *x, const float *w, uint64_t n, float eps)
{
	memset(out, 0, n * sizeof *out);
	good->rms_norm(out, x, w, n > 16 ? n / 16 * 16 : n, eps);
}
static void act_near(float *out, const float *g, const float *up, uint64_t n, int kind)
{
	good->act(out, g, up, n, kind);
	out[n - 1] *= 1.000002f;
}
static void add_long(float *out, const float *a, const float *b, uint64_t n)
{
	good->add(out, a, b, n);
	out[n] = 0;
}
static void rope_other(float *x, const float *cs, uint32_t dims, int adjacent) { good->rope(x, cs, dims, adjacent || dims > 30); }
static void store_cut(void *out, uint32_t format, const float *x, uint64_t n)
{
	good->store(out, format, x, n);
	if (format == KF_BF16)
		for (uint64_t i = 0; i < n; i++)
			memcpy((char *)out + 2 * i, (const char *)(x + i) + 2, 2);
}
static void mutants(void)
{
	struct ops bad = *good;

	bad.rms_norm = norm_short;
	bad.act = act_near;
	bad.add = add_long;
	bad.rope = rope_other;
	bad.store = store_cut;
	ok(wrong_norms(&bad) > 0, "a norm without its tail is seen");
	ok(wrong_acts(&bad, KA_SILU) > 0 && wrong_acts(&bad, KA_RELU) > 0, "one activation off by 2e-6 is seen");
	ok(wrong_sums(&bad) > 0, "a number written behind the end is seen");
	ok(wrong_ropes(&bad) > 0, "pairs taken the other way are seen");
	ok(wrong_rows(&bad, KF_BF16) > 0 && !wrong_rows(&bad, KF_F16), "bfloat16 cut instead of rounded is seen");
}

int main(void)
{
	static const uint32_t formats[] = { KF_F32, KF_F16, KF_BF16, KF_Q8_0, KF_Q4_0, KF_Q4_K };
	unsigned tables = 0;

	seed_open();
	ok((int)KA_SILU == (int)ACT_SILU && (int)KA_GELU == (int)ACT_GELU && (int)KA_GELU_TANH == (int)ACT_GELU_TANH && (int)KA_RELU2 == (int)ACT_RELU2 &&
		(int)KA_SWIGLU_OAI == (int)ACT_SWIGLU_OAI && (int)KA_SITU == (int)ACT_SITU && (int)KA_RELU == (int)ACT_RELU && KA_SIGMOID == KA_RELU + 1,
		"activations are numbered as the catalogue's");
	while (ops_tables[tables])
		tables++;
	ok(tables >= 2 && !strcmp(ops_tables[tables - 1]->isa, "ref") && !strcmp(ops_tables[tables - 2]->isa, "scalar"), "scalar and ref are the last");
	ok(ops_best(NULL) && ops_best("ref") == ops_tables_ref && !strcmp(ops_best("scalar")->isa, "scalar") && !ops_best("scalary") && !ops_best("x"), "tables by name");
	for (const struct ops *const *o = ops_tables; *o; o++)
		if ((*o)->can())
			ok_wrong(wrong_not_finite(*o), "%s NaN", (*o)->isa);
	for (const struct ops *const *o = ops_tables; (*o)->isa != ops_tables_ref->isa; o++) {
		if (!(*o)->can()) {
			skip("not on this processor", "%s", (*o)->isa);
			continue;
		}
		good = *o;
		ok_wrong(wrong_norms(good), "%s norms", good->isa);
		ok_wrong(wrong_ropes(good), "%s rope", good->isa);
		for (int kind = 0; kind < KA_ACTS; kind++)
			ok_wrong(wrong_acts(good, kind), "%s activation %d", good->isa, kind);
		ok_wrong(wrong_sums(good), "%s add, mul, add_scaled, scale, softcap, softmax", good->isa);
		for (unsigned f = 0; f < sizeof formats / sizeof *formats; f++)
			ok_wrong(wrong_rows(good, formats[f]), "%s rows of %s", good->isa, kformat_find(formats[f])->name);
	}
	good = ops_best("scalar");
	mutants();
	return done_testing();
}
