/* speed.h - seconds of an op list on a device: a plain roofline with wide intervals. Pure. */
#ifndef SPEED_H
#define SPEED_H

#include "calc/ops.h"
#include "catalog/efficiency.h"
#include "catalog/hardware_spec.h"

/* Sums of a step, by what bounds them. */
struct step_work { double weight_bytes, state_bytes, act_bytes, flops[MATH_COUNT]; uint32_t ops; };
void step_work(struct step_work *out, const struct op_list *l);

/* Seconds of one op on a device whose memory is p; cut: into how many equal shares a tensor-parallel group divides it. BASIS_UNKNOWN when
 * the bandwidth or, for a step that matrix rates bind, the rate is unknown; BASIS_CALIBRATED where the bandwidth was measured. */
struct figure op_seconds(const struct op_list *l, const struct op *op, const struct device_spec *d, const struct pool *p, const struct efficiency *e, unsigned cut);
/* The sum over all ops of a step. */
struct figure step_seconds(const struct op_list *l, const struct device_spec *d, const struct pool *p, const struct efficiency *e, unsigned cut);
/* Seconds that threads take to rearrange so many bytes of weights at load, with this program's engine; many threads wait for memory, which reads and writes
 * each byte. BASIS_UNKNOWN: no rate is known. */
struct figure load_seconds(uint64_t bytes, unsigned threads, const struct pool *p, const struct efficiency *e);
/* The rate of a step: n / seconds, interval turned round. */
struct figure rate_of(double n, struct figure seconds);

#endif
