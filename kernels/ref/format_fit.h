/* format_fit.h - the scale of a group for which the rounded numbers lie nearest, by a few trials and least squares */
#ifndef FORMAT_FIT_H
#define FORMAT_FIT_H

/* x ~ scale u - min with u from 0 to top; scale and min are not negative. */
void fit_min(float *scale, float *min, const float *x, int n, int top);
/* x ~ s q with q from -half to half - 1; s has the sign that sets the largest |x| on -half. */
float fit_zero(const float *x, int n, int half);
/* x ~ s iq4_values[i] */
float fit_iq4(const float *x, int n);

#endif
