/* codebooks.h - codebooks of IQ1, IQ2 and IQ3: an entry holds the places of eight or four numbers among a few values */
#ifndef CODEBOOKS_H
#define CODEBOOKS_H

#include <stdint.h>

/* eight numbers of two bits: 0, 1, 2 stand for magnitudes 8, 25, 43 */
extern const uint16_t iq2_xxs_grid[256], iq2_xs_grid[512], iq2_s_grid[1024];
/* eight numbers of two bits: 0, 1, 2 stand for -1, 0, 1 */
extern const uint16_t iq1_grid[2048];
/* four numbers of three bits: magnitudes 4, 12, 20, 28, 36, 44, 52, 62 */
extern const uint16_t iq3_xxs_grid[256];
/* four numbers of three bits: magnitudes 1, 3, 5, 7, 9, 11, 13, 15 */
extern const uint16_t iq3_s_grid[512];

/* The same entries as bytes, the first number lowest: magnitudes; of IQ1 eight times 0, 1 or 2. For kernels: the tables of one format fit the first cache. */
extern const uint64_t iq2_xxs_words[256], iq2_xs_words[512], iq2_s_words[1024], iq1_words[2048];
extern const uint32_t iq3_xxs_words[256], iq3_s_words[512];

#endif
