/* codebooks.c - tables of the codebooks of IQ1, IQ2 and IQ3: places among the values, and the values themselves in bytes */
#include "ref/codebooks.h"
#include "ref/codebook_entries.h"

#define PLACES(e) e,
#define TWO(e, i) ((uint64_t)((e) >> 2 * (i) & 3))
#define THREE(e, i) ((uint32_t)((e) >> 3 * (i) & 7))
#define EIGHT(e, byte) (byte(e, 0) | byte(e, 1) << 8 | byte(e, 2) << 16 | byte(e, 3) << 24 | byte(e, 4) << 32 | byte(e, 5) << 40 | byte(e, 6) << 48 | byte(e, 7) << 56)
#define FOUR(e, byte) (byte(e, 0) | byte(e, 1) << 8 | byte(e, 2) << 16 | byte(e, 3) << 24)
/* 8, 25, 43 */
#define IQ2_BYTE(e, i) (8 + 17 * TWO(e, i) + (TWO(e, i) >> 1))
#define IQ2_WORD(e) EIGHT(e, IQ2_BYTE),
#define IQ1_BYTE(e, i) (8 * TWO(e, i))
#define IQ1_WORD(e) EIGHT(e, IQ1_BYTE),
/* 4, 12, ..., 52, 62 */
#define IQ3_XXS_BYTE(e, i) (4 + 8 * THREE(e, i) + (THREE(e, i) == 7 ? 2 : 0))
#define IQ3_XXS_WORD(e) FOUR(e, IQ3_XXS_BYTE),
#define IQ3_S_BYTE(e, i) (1 + 2 * THREE(e, i))
#define IQ3_S_WORD(e) FOUR(e, IQ3_S_BYTE),

const uint16_t iq2_xxs_grid[256] = { IQ2_XXS_ENTRIES(PLACES) };
const uint16_t iq2_xs_grid[512] = { IQ2_XS_ENTRIES(PLACES) };
const uint16_t iq2_s_grid[1024] = { IQ2_S_ENTRIES(PLACES) };
const uint16_t iq1_grid[2048] = { IQ1_ENTRIES(PLACES) };
const uint16_t iq3_xxs_grid[256] = { IQ3_XXS_ENTRIES(PLACES) };
const uint16_t iq3_s_grid[512] = { IQ3_S_ENTRIES(PLACES) };

const uint64_t iq2_xxs_words[256] = { IQ2_XXS_ENTRIES(IQ2_WORD) };
const uint64_t iq2_xs_words[512] = { IQ2_XS_ENTRIES(IQ2_WORD) };
const uint64_t iq2_s_words[1024] = { IQ2_S_ENTRIES(IQ2_WORD) };
const uint64_t iq1_words[2048] = { IQ1_ENTRIES(IQ1_WORD) };
const uint32_t iq3_xxs_words[256] = { IQ3_XXS_ENTRIES(IQ3_XXS_WORD) };
const uint32_t iq3_s_words[512] = { IQ3_S_ENTRIES(IQ3_S_WORD) };
