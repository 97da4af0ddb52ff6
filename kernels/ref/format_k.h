/* format_k.h - the twelve bytes of Q4_K and Q5_K: eight scales and eight minimums of six bits */
#ifndef FORMAT_K_H
#define FORMAT_K_H

#include "ref/format.h"

/* Groups 0 to 3: scale in the low six bits of byte g, minimum in those of byte 4 + g. Groups 4 to 7: the low four bits of both in byte
 * 4 + g, the upper two in the top of bytes g - 4 and g. */
static inline void k4_scales(float *scale, float *min, float d, float dmin, const uint8_t s[12])
{
	for (int g = 0; g < 4; g++) {
		scale[g] = d * (float)(s[g] & 63);
		min[g] = dmin * (float)(s[4 + g] & 63);
		scale[4 + g] = d * (float)((s[8 + g] & 15) | (s[g] >> 6) << 4);
		min[4 + g] = dmin * (float)(s[8 + g] >> 4 | (s[4 + g] >> 6) << 4);
	}
}
static inline void k4_store(uint8_t s[12], const uint8_t scale[8], const uint8_t min[8])
{
	for (int g = 0; g < 4; g++) {
		s[g] = (uint8_t)(scale[g] | (scale[4 + g] >> 4) << 6);
		s[4 + g] = (uint8_t)(min[g] | (min[4 + g] >> 4) << 6);
		s[8 + g] = (uint8_t)((scale[4 + g] & 15) | (min[4 + g] & 15) << 4);
	}
}

#endif
