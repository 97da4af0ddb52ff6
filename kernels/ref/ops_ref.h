/* ops_ref.h - the definitions of ops.h in double, told apart by what they work on; ops_ref (ops.h's "ref") names them all */
#ifndef OPS_REF_H
#define OPS_REF_H

#include "ops.h"

extern const struct ops ops_ref;

void ref_load(float *out, uint32_t format, const void *row, uint64_t n);
uint64_t ref_attn_scratch(const struct attn_args *a);
void ref_attn(const struct attn_args *a, void *scratch);
void ref_conv(const struct conv_args *a);
void ref_delta(const struct delta_args *a);
void ref_ssd(const struct ssd_args *a);

#endif
