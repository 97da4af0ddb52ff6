/* ops.h - everything but matrix products: norms, rotary embedding, activations, attention, states. One table an instruction set.
 *
 * Functions work on the rows they are given; the caller shares work among threads and gives scratch. No allocation. Unless said otherwise
 * out may be the same pointer as an input and otherwise does not overlap it. "ref" accumulates in double and defines each function. What is no number makes
 * what it has a part in none, so that a fault shows in the logits (rows of Q8_0 apart, which may lose it). */
#ifndef KERNEL_OPS_H
#define KERNEL_OPS_H

#include "formats.h"

/* Numbered as enum act of src/catalog/model_spec.h; tests/unit/kernels_ops.c compares. */
enum kernel_act { KA_SILU, KA_GELU, KA_GELU_TANH, KA_RELU2, KA_SWIGLU_OAI, KA_SITU, KA_RELU, KA_SIGMOID, KA_ACTS };

/* Softmax attention of consecutive tokens of one slot over that slot's K and V, flash style: scores are never kept whole. Token i stands at
 * position first + i and sees the positions [max(0, p - window + 1), p] (window 0: from 0), or from p / chunk * chunk on (chunk > 0). Entry of position p is
 * p % ring. K and V of all tokens of the step are stored before. q head h uses K/V head h / (q_heads / kv_heads). */
struct attn_args {
	uint32_t q_heads, kv_heads, k_dim, v_dim;
	float scale, softcap;                    /* softcap 0: none; else s = softcap tanh(scale q.k / softcap) */
	const float *sinks;                      /* a logit of each q head that joins the softmax's sum alone; or NULL */
	const float *q; uint64_t q_stride, q_head_stride;        /* floats from token to token, from head to head */
	float *out; uint64_t out_stride;         /* floats from token to token; head h at h * v_dim; no overlap with q */
	const void *k, *v;                       /* v may point into the same rows as k (MLA: the first v_dim numbers of a row) */
	uint32_t format_k, format_v;             /* KF_F16, KF_BF16, KF_F32, KF_Q8_0 */
	uint64_t k_head_bytes, k_row_bytes, v_head_bytes, v_row_bytes;   /* from head to head, from entry to entry */
	uint32_t ring, window, chunk;
	uint32_t first, tokens;
	uint32_t head0, head1;                   /* q heads to compute */
	uint32_t token0, token1;                 /* tokens to compute */
	const uint32_t *entries; uint32_t n_entries;     /* one token only: the positions to attend to instead (an indexer's choice); or NULL */
};

/* Gated delta rule, one token after the other, heads [head0, head1) of v_heads. S[k_dim][v_dim] a v head, f32:
 * S *= exp(g); d = (v - k^T S) beta; S += k d^T; out = q^T S. q and k are of k head h / (v_heads / k_heads), or h % k_heads when tiled. They are
 * l2-normalised here (eps) and q scaled by 1/sqrt(k_dim). (Qwen3-Next, transformers modeling_qwen3_next.py; Kimi delta attention: g has k_dim numbers a head.) */
struct delta_args {
	uint32_t k_heads, v_heads, k_dim, v_dim, head0, head1, tokens;
	const float *q, *k, *v; uint64_t q_stride, k_stride, v_stride;
	const float *g; uint64_t g_stride;       /* log decay: v_heads, or v_heads * k_dim when per_channel */
	const float *beta; uint64_t beta_stride; /* v_heads, after the sigmoid */
	float *state;                            /* v_heads * k_dim * v_dim */
	float *out; uint64_t out_stride;
	uint8_t per_channel, tiled;
	float eps;
};
/* Mamba-2, one token after the other, heads [head0, head1): h = exp(dt A) h + dt x B^T; y = h C + D x. (mamba_ssm, ssd_minimal.py) */
struct ssd_args {
	uint32_t heads, head_dim, groups, state_dim, head0, head1, tokens;
	const float *x, *b, *c; uint64_t stride; /* after the convolution; x heads * head_dim, b and c groups * state_dim */
	const float *dt; uint64_t dt_stride;     /* heads, after bias and softplus */
	const float *a, *d;                      /* heads; a negative */
	float *state;                            /* heads * head_dim * state_dim */
	float *out; uint64_t out_stride;
};
/* Depthwise causal convolution over a token's channels [c0, c1): y = sum_j w[c][j] x[t - kernel + 1 + j] + bias, then silu when act. state: the last
 * kernel - 1 rows of x, oldest first, [kernel - 1][channels]; moved on. */
struct conv_args {
	uint32_t channels, kernel, c0, c1, tokens;
	const float *x; uint64_t x_stride;
	const float *w, *bias;                   /* w [channels][kernel]; bias may be NULL */
	float *state;
	float *out; uint64_t out_stride;         /* no overlap with x */
	uint8_t silu;
};

struct ops {
	const char *isa;
	int (*can)(void);
	/* out = x / rms(x) * w (w NULL: 1); eps inside the root, mean over n */
	void (*rms_norm)(float *out, const float *x, const float *w, uint64_t n, float eps);
	/* out = (x - mean) / sqrt(var + eps) * w + b; w and b may be NULL */
	void (*layer_norm)(float *out, const float *x, const float *w, const float *b, uint64_t n, float eps);
	/* Rotates the first dims numbers of x. cs: cos, sin of each pair (dims numbers). adjacent: pairs are (2i, 2i+1), else (i, i + dims/2). In place. */
	void (*rope)(float *x, const float *cs, uint32_t dims, int adjacent);
	/* out = act(gate) * up; up NULL: act(gate). SWIGLU_OAI: gpt-oss, clamped at limit 7, alpha 1.702, (up + 1). */
	void (*act)(float *out, const float *gate, const float *up, uint64_t n, int kind);
	void (*add)(float *out, const float *a, const float *b, uint64_t n);
	void (*add_scaled)(float *out, const float *x, float scale, uint64_t n);         /* out += scale x */
	void (*mul)(float *out, const float *a, const float *b, uint64_t n);
	void (*scale)(float *x, float scale, uint64_t n);
	void (*softcap)(float *x, float cap, uint64_t n);                                /* cap tanh(x / cap) */
	void (*softmax)(float *x, uint64_t n);
	/* n numbers into a cache row of the format (KF_F32, KF_F16, KF_BF16, KF_Q8_0: n a multiple of 32) */
	void (*store)(void *out, uint32_t format, const float *x, uint64_t n);
	/* n numbers of one row of any format out of a table (embeddings): as kformat.dequantise */
	void (*load)(float *out, uint32_t format, const void *row, uint64_t n);
	uint64_t (*attn_scratch)(const struct attn_args *a);     /* bytes one call may need; depends on nothing but dims, head and token counts */
	void (*attn)(const struct attn_args *a, void *scratch);
	void (*conv)(const struct conv_args *a);
	void (*delta)(const struct delta_args *a);
	void (*ssd)(const struct ssd_args *a);
};
extern const struct ops *const ops_tables[];     /* best first, NULL-ended; the last but one is "scalar", the last "ref" */
const struct ops *ops_best(const char *isa);     /* as matmul_best(); an isa's table may be shared by several ("avx512" serves "avx512-vnni") */

#endif
