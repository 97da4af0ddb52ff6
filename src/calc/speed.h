/* speed.h - seconds of an op list on a device: a plain roofline with wide intervals. Pure. */
#ifndef SPEED_H
#define SPEED_H

#include "calc/ops.h"
#include "catalog/efficiency.h"
#include "catalog/hardware_spec.h"

/* Sums of a step, by what bounds them. */
struct step_work { double weight_bytes, state_bytes, act_bytes, flops[MATH_COUNT]; uint32_t ops; };
void step_work(struct step_work *out, const struct op_list *l);

/* Seconds of one step over `devices` equal devices that split it by layers (each layer runs on one: no gain in time) or by
 * tensors (each reads its share). BASIS_UNKNOWN when the bandwidth, or for compute-bound ops the matrix rate, is unknown. */
struct figure step_seconds(const struct op_list *l, const struct device_spec *d, const struct pool *p, const struct efficiency *e, unsigned tensor_split);
/* The rate of a step: n / seconds, interval turned round. */
struct figure rate_of(double n, struct figure seconds);

#endif
