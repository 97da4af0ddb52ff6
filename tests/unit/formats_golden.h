/* formats_golden.h - printed by tests/peer/formats.c with ggml 0.25.3 (llama.cpp 0c1e57098)
 *
 * sum: of the bits of GOLDEN_BLOCKS seeded blocks, dequantised; first: the first four numbers of them. error: of ggml's own quantiser without
 * an importance matrix, on normally distributed numbers; 0: it has none. */
static const struct { uint32_t id; uint64_t sum; float first[4]; double error; } golden[] = {
	{ 2, UINT64_C(0x695fbfaf89a5a8f4), { -0x0p+0f, 0x1.2f98p+3f, -0x1.a908p+3f, -0x0p+0f }, 0.08610 },    /* q4_0 */
	{ 3, UINT64_C(0x7b2af4979602bb44), { -0x1.8e232p+0f, -0x1.c66c8p-2f, -0x1.c66c8p-2f, -0x1.55064p-1f }, 0.07843 },    /* q4_1 */
	{ 6, UINT64_C(0xeace7ef9d24c3124), { -0x1.944cp+1f, 0x1.437p-1f, 0x1.7958p+1f, 0x1.af4p+0f }, 0.04269 },    /* q5_0 */
	{ 7, UINT64_C(0x708744ba41e8a139), { -0x1.ed4p-13f, 0x1.e96p-13f, -0x1.941p-11f, -0x1.21c4p-10f }, 0.03789 },    /* q5_1 */
	{ 8, UINT64_C(0x1c63033257cea0ee), { 0x1.716p-2f, 0x1.12b9p-1f, -0x1.278p-4f, -0x1.b6a2p-2f }, 0.00539 },    /* q8_0 */
	{ 10, UINT64_C(0x2d73da052f3413b6), { 0x1.54p+2f, 0x1.fep+3f, 0x1.54p+2f, 0x1.fep+3f }, 0.29881 },    /* q2_k */
	{ 11, UINT64_C(0x0433345cd8b8ae3a), { -0x1.388p+1f, 0x0p+0f, 0x1.388p-1f, 0x0p+0f }, 0.15186 },    /* q3_k */
	{ 12, UINT64_C(0xdef77925c3c187b4), { -0x1.98ec4p+4f, -0x1.9cc42p+5f, -0x1.61402p+5f, -0x1.25bc2p+5f }, 0.07149 },    /* q4_k */
	{ 13, UINT64_C(0x8a6a426ae30cec23), { -0x1.662cp-7f, 0x1.cfb54p-3f, 0x1.052b4p-3f, 0x1.c6a5ap-2f }, 0.03618 },    /* q5_k */
	{ 14, UINT64_C(0xf77e76d6a122fad1), { 0x1.22afp+7f, -0x1.b4068p+8f, -0x1.cc3fcp+8f, -0x1.b4068p+7f }, 0.01788 },    /* q6_k */
	{ 16, UINT64_C(0x52e08697d337cd56), { -0x1.fa24p-6f, -0x1.fa24p-6f, -0x1.fa24p-6f, -0x1.8b6c2p-4f }, 0.00000 },    /* iq2_xxs */
	{ 17, UINT64_C(0x396dfea3c73c3c76), { 0x1.c2p-2f, 0x1.5f9p+0f, -0x1.c2p-2f, -0x1.5f9p+0f }, 0.00000 },    /* iq2_xs */
	{ 18, UINT64_C(0x74b8adfeacbdfa18), { 0x1.20278p+5f, 0x1.59c9p+4f, 0x1.59c9p+4f, 0x1.20278p+5f }, 0.21403 },    /* iq3_xxs */
	{ 19, UINT64_C(0x9c074a2d71e3820b), { 0x1.4f76p-4f, -0x1.04eap-4f, 0x1.4f76p-4f, 0x1.4f76p-4f }, 0.00000 },    /* iq1_s */
	{ 20, UINT64_C(0x941b367270d5ce76), { -0x1.0b65p-7f, 0x1.be5cp-9f, 0x1.a518p-10f, 0x1.be5cp-9f }, 0.07604 },    /* iq4_nl */
	{ 21, UINT64_C(0xf9b94bf9c6b48505), { 0x1.00bfcp+4f, -0x1.7574p+0f, -0x1.00bfcp+4f, -0x1.a4228p+3f }, 0.16606 },    /* iq3_s */
	{ 22, UINT64_C(0xc81a89e3b62ecab9), { 0x1.ce03p+2f, 0x1.27bp+1f, 0x1.ce03p+2f, 0x1.ce03p+2f }, 0.26541 },    /* iq2_s */
	{ 23, UINT64_C(0xa7880216ffbbabbc), { -0x1.8399p+1f, 0x1.38d8cp+3f, 0x1.38d8cp+3f, 0x1.1feep+0f }, 0.07666 },    /* iq4_xs */
	{ 29, UINT64_C(0x0bd7e40afea40922), { -0x1.6102p-11f, 0x1.937p-14f, 0x1.937p-14f, 0x1.c5dep-11f }, 0.00000 },    /* iq1_m */
	{ 39, UINT64_C(0x1202e52c7811492e), { 0x1p+81f, -0x1.8p+81f, 0x1p+78f, -0x1.8p+79f }, 0.11410 },    /* mxfp4 */
	{ 40, UINT64_C(0x1ee7ee59f09bfb36), { -0x1.cp-1f, 0x0p+0f, 0x1.5p+1f, -0x1.cp-2f }, 0.10298 },    /* nvfp4 */
};
static const uint64_t golden_halves = UINT64_C(0x65847d33c228cb70);    /* all 65536 halves as floats */
