/* ops_attn.h - body of every table: what both ways of attention share. Included after ops_vec.h, once.
 *
 * What a K/V head serves is a list of rows: its q heads of each token. Few rows (a token at a time) are multiplied with K and V as these are
 * stored, row by row of the cache; many rows go by tiles, for which a block of K and V is turned into floats once. Either way the
 * softmax runs along in blocks of BLOCK entries, in powers of two: what q is multiplied with holds log2 e. */

/* Where the entries [first, first + n) of what a token sees lie. */
static void block_slots(const struct attn_args *a, uint32_t first, uint32_t n, uint32_t *slot)
{
	if (a->entries) {
		for (uint32_t i = 0; i < n; i++)
			slot[i] = a->entries[first + i] % a->ring;
		return;
	}
	uint32_t at = first % a->ring;
	for (uint32_t i = 0; i < n; i++) {
		slot[i] = at;
		at = at + 1 < a->ring ? at + 1 : 0;
	}
}
/* The entries that token t sees: [seen_from, seen_to); with a list its places. */
static uint32_t seen_from(const struct attn_args *a, uint32_t t)
{
	const uint32_t p = a->first + t;
	uint32_t from = a->window && p >= a->window ? p - a->window + 1 : 0;

	if (a->entries)
		return 0;
	return a->chunk && p / a->chunk * a->chunk > from ? p / a->chunk * a->chunk : from;
}
static uint32_t seen_to(const struct attn_args *a, uint32_t t) { return a->entries ? a->n_entries : a->first + t + 1; }

#define LOG2E 1.44269504f

/* One row of scores: caps them, then turns them into weights 2^(s - m). Returns what the sums before are to be multiplied with. A score that is NaN
 * has a weight that is NaN, also where the largest score knows nothing of it. */
INLINE float block_softmax(const struct attn_args *a, float *s, float *m, float *l)
{
	vf top = v_set(-INFINITY), sum = v_set(0);

	for (int i = 0; i < BLOCK; i += W) {
		vf x = v_load(s + i);
		if (a->softcap > 0) {
			const vf capped = v_tanh(x) * (a->softcap * LOG2E);
			x = v_select(x < -FLT_MAX, x, capped);
			v_store(s + i, x);
		}
		top = v_max(top, x);
	}
	const float peak = v_peak(top), next = peak > *m ? peak : *m, base = next < -FLT_MAX ? 0 : next;   /* 0: nothing seen yet, all weights are 0 */
	for (int i = 0; i < BLOCK; i += W) {
		const vf e = v_exp2(v_load(s + i) - base);
		sum += e;
		v_store(s + i, e);
	}
	const float before = next > *m ? exp2f(*m - next) : 1;
	*l = *l * before + v_sum(sum);
	*m = next;
	return before;
}
/* With softcap the scores come out divided by it. */
static float score_scale(const struct attn_args *a) { return a->softcap > 0 ? a->scale / a->softcap : a->scale * LOG2E; }

static uint64_t padded(uint32_t n) { return (n + (uint64_t)W - 1) / W * W; }

/* n floats of the scratch, from a multiple of KERNEL_ALIGN on */
static float *take(float **at, uint64_t n)
{
	float *p = *at;

	*at += (n + 15) / 16 * 16;
	return p;
}
