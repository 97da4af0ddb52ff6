/* calls.c - the real engine */
#include "engine/calls.h"

const struct engine_calls engine_calls = {
	.load = weights_open, .dummy = weights_dummy, .unload = weights_close,
	.open = engine_open, .close = engine_close, .run = engine_run, .logits = engine_logits, .clear = engine_clear, .info = engine_info,
};
