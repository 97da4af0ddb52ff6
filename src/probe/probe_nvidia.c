/* probe_nvidia.c - NVIDIA's devices: which sources are asked, and in what order */
#include "probe/probe_nvidia.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_MONOTONIC, &t) ? 0 : (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint32_t nvidia_index(const struct nvidia *n, const struct probed_gpu *g)
{
	return (uint32_t)(g - n->out->gpu);
}

const char *nvidia_bus(struct nvidia *n, uint64_t domain, uint64_t bus, uint64_t device)
{
	/* NVIDIA's GPUs are function 0 of their device; the sound and USB functions are others */
	return arena_printf(n->in->a, "%04x:%02x:%02x.0", (unsigned)domain, (unsigned)bus, (unsigned)device);
}

struct probed_gpu *nvidia_gpu(struct nvidia *n, const char *bus, enum probe_source from)
{
	struct probed *out = n->out;
	struct probed_gpu *g;

	if (bus) {
		g = probe_gpu_at(out, n->in, bus);
	} else if (out->n_gpus < PROBE_GPUS) {
		g = &out->gpu[out->n_gpus++];
		*g = (struct probed_gpu){ 0 };
	} else {
		probe_note(out, n->in, "more than %d GPUs: some of NVIDIA's are left out", (int)PROBE_GPUS);
		return NULL;
	}
	if (!g)
		return NULL;
	g->vendor = VENDOR_NVIDIA;
	g->from = g->from ? g->from : (uint8_t)from;
	return g;
}

/* --- opening ------------------------------------------------------------------------------------------------------------ */

/* The library or its recording, behind a recorder if one is wanted. E_NODEV: there is none. */
static int open_driver(struct driver *d, struct nvidia *n, const struct driver *like, const char *file, const char *const *names,
	int (*open)(struct driver *, struct arena *, const char *const *, struct error *), struct error *err)
{
	struct driver *inner;
	const char *text;
	int rc;

	if (n->in->replay) {
		if (!(text = probe_recorded(n->in, file)))
			return E_NODEV;
		rc = driver_replay(d, n->in->a, like, file, text, err);
		if (rc)
			probe_note(n->out, n->in, "%s", err->text);
		return rc == E_FILE ? OK : rc;
	}
	if (!n->in->record)
		return open(d, n->in->a, names, err);
	inner = arena_alloc(n->in->a, sizeof *inner);
	if (!inner)
		return error_set(err, E_NOMEM, "out of memory");
	rc = open(inner, n->in->a, names, err);
	if (rc == OK)
		driver_record(d, inner, n->in, file);
	return rc;
}

static void ask_nvml(struct nvidia *n, const char *const *names)
{
	static const struct driver like = { .calls = nvml_calls, .n_calls = NVML_CALLS, .missing = NVML_NO_FUNCTION, .say = nvml_error };
	struct error err = { 0 };
	struct driver d;

	if (open_driver(&d, n, &like, "nvml.log", names, nvml_open, &err) != OK) {
		/* no library and no driver is a machine without NVIDIA; a driver alone is one where something is missing */
		if (!n->in->replay && probe_text(n->in, "/proc/driver/nvidia/version", NULL))
			probe_note(n->out, n->in, "the NVIDIA driver is loaded, but its library NVML is not to be had: %s", err.text);
		return;
	}
	n->nvml = &d;
	nvidia_nvml(n);
	driver_close(&d);
	n->nvml = NULL;
}

static void ask_cuda(struct nvidia *n, const char *const *names)
{
	static const struct driver like = { .calls = cuda_calls, .n_calls = CUDA_CALLS, .missing = CUDA_NO_FUNCTION, .say = cuda_error };
	struct error err = { 0 };
	struct driver d;

	if (open_driver(&d, n, &like, "cuda.log", names, cuda_open, &err) != OK) {
		if (n->nvml_works && n->n_devices && !n->in->replay)
			probe_note(n->out, n->in, "NVML answers, but there is no CUDA driver: %s", err.text);
		return;
	}
	nvidia_cuda(n, &d);
	driver_close(&d);
}

/* probe_nvidia.h says when. */
static int needs_cuda(const struct nvidia *n)
{
	if (n->in->replay || n->in->record || n->in->thorough || !n->nvml_works || getenv("CUDA_VISIBLE_DEVICES"))
		return 1;
#ifdef __aarch64__
	return 1;
#endif
	for (uint32_t i = 0; i < n->out->n_gpus; i++) {
		const struct probed_gpu *g = &n->out->gpu[i];

		if (g->vendor == VENDOR_NVIDIA && g->state == GPU_OK && (!g->total || !g->compute_capability || !g->units))
			return 1;
	}
	return 0;
}

void probe_nvidia_with(struct probed *out, const struct probe_input *in, const char *const *nvml_names, const char *const *cuda_names)
{
	struct nvidia *n = arena_alloc(in->a, sizeof *n);
	double at = now();

	if (!n)
		return;
	*n = (struct nvidia){ .out = out, .in = in };
	ask_nvml(n, nvml_names);
	out->seconds[PROBE_NVML] += now() - at;
	if (!needs_cuda(n))
		return;
	at = now();
	ask_cuda(n, cuda_names);
	out->seconds[PROBE_CUDA] += now() - at;
}

void probe_nvidia(struct probed *out, const struct probe_input *in)
{
	probe_nvidia_with(out, in, NULL, NULL);
}
