#include "probe/probe.h"
__attribute__((weak)) void probe_apple(struct probed *out, const struct probe_input *in);
__attribute__((weak)) void probe_apple(struct probed *out, const struct probe_input *in) { (void)out; (void)in; }
