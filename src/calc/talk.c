/* talk.c - bytes over links */
#include "calc/talk.h"

#include "calc/placement.h"

/* Rate each way between the devices of a group or of two, or of a group and the host; BASIS_UNKNOWN. */
static struct known link_rate(const struct hardware_spec *h, unsigned a, unsigned b, int allreduce)
{
	struct known none = { 0, BASIS_UNKNOWN, 0 };

	for (unsigned i = 0; i < h->n_links; i++) {
		const struct link *l = &h->links[i];
		if ((l->a != a || l->b != b) && (l->a != b || l->b != a))
			continue;
		if (allreduce && is_known(l->allreduce_bps))
			return l->allreduce_bps;
		if (is_known(l->each_way_bps))
			return l->each_way_bps;
	}
	return none;
}

/* What the devices say to each other in one step: two all-reduces a layer of the residual stream in 16 bits when every layer is cut up
 * (a ring moves 2 (n - 1) / n of the bytes over each link); the stream in f32 from card to card when layers are dealt out. Latency is
 * not counted: it is unknown for nearly every link. */
struct figure talk_seconds(struct estimate *e, const struct question *q, double tokens)
{
	const struct hardware_spec *h = q->hardware;
	double stream = tokens * q->model->width * (q->model->residual_streams > 1 ? q->model->residual_streams : 1);
	struct figure f = { 0, 0, 0, BASIS_MEASURED };   /* the best basis there is: each addend lowers it to its own */
	unsigned n = e->n_devices;

	if (n < 2)
		return f;
	if (place_cuts(e, q)) {
		struct known rate = link_rate(h, e->device[0].group, e->device[n - 1].group, 1);
		double bytes = 2.0 * q->model->n_layers * stream * 2 * 2 * (n - 1) / n;
		if (!is_known(rate)) {
			e->warnings |= 1u << WARN_LINK_UNKNOWN;
			return f;
		}
		f.value = f.low = f.high = bytes / rate.v;
		return f;
	}
	for (unsigned d = 1; d < n; d++) {
		struct known rate = link_rate(h, e->device[d - 1].group, e->device[d].group, 0);
		if (!is_known(rate))
			continue;        /* a few kilobytes a token: it does not show */
		f.value += stream * 4 / rate.v;
		f.low = f.high = f.value;
	}
	return f;
}
