/* cuda_driver.c - asking the CUDA driver itself */
#include "probe/cuda_driver.h"

#include "base/dl.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum shape { SHAPE_VARIABLE, SHAPE_INIT, SHAPE_INT, SHAPE_DEVICE, SHAPE_TEXT, SHAPE_UUID, SHAPE_TOTAL, SHAPE_ATTRIBUTE };

const struct driver_call cuda_calls[CUDA_CALLS] = {
	[CUDA_VISIBLE]   = { "CUDA_VISIBLE_DEVICES", NULL, ARGS_NONE, SHAPE_VARIABLE, 0, 0, 1, { NULL }, { NULL } },
	[CUDA_INIT]      = { "cuInit", NULL, ARGS_NONE, SHAPE_INIT, 1, 0, 0, { NULL }, { NULL } },
	[CUDA_VERSION]   = { "cuDriverGetVersion", NULL, ARGS_NONE, SHAPE_INT, 0, 0, 0, { "version" }, { NULL } },
	[CUDA_COUNT]     = { "cuDeviceGetCount", NULL, ARGS_NONE, SHAPE_INT, 1, 0, 0, { "count" }, { NULL } },
	[CUDA_DEVICE]    = { "cuDeviceGet", NULL, ARGS_DEVICE, SHAPE_DEVICE, 1, 0, 0, { NULL }, { NULL } },
	[CUDA_NAME]      = { "cuDeviceGetName", NULL, ARGS_DEVICE, SHAPE_TEXT, 0, 0, 1, { NULL }, { NULL } },
	[CUDA_BUS]       = { "cuDeviceGetPCIBusId", NULL, ARGS_DEVICE, SHAPE_TEXT, 0, 0, 1, { NULL }, { NULL } },
	/* the first version gives a slice the UUID of its card, but it is the same for whole cards */
	[CUDA_UUID]      = { "cuDeviceGetUuid_v2", "cuDeviceGetUuid", ARGS_DEVICE, SHAPE_UUID, 0, 0, 1, { NULL }, { NULL } },
	/* cuDeviceTotalMem without _v2 counts in 32 bits: no fallback */
	[CUDA_TOTAL]     = { "cuDeviceTotalMem_v2", NULL, ARGS_DEVICE, SHAPE_TOTAL, 0, 0, 0, { "bytes" }, { NULL } },
	[CUDA_ATTRIBUTE] = { "cuDeviceGetAttribute", NULL, ARGS_DEVICE_ARG, SHAPE_ATTRIBUTE, 0, 0, 0, { "value" }, { NULL } },
};

const char *cuda_error(int code)
{
	static const struct { int code; const char *text; } texts[] = {
		{ 0, "CUDA_SUCCESS" }, { 1, "CUDA_ERROR_INVALID_VALUE" }, { 2, "CUDA_ERROR_OUT_OF_MEMORY" }, { 3, "CUDA_ERROR_NOT_INITIALIZED" },
		{ 34, "CUDA_ERROR_STUB_LIBRARY" }, { 46, "CUDA_ERROR_DEVICE_UNAVAILABLE" }, { 100, "CUDA_ERROR_NO_DEVICE" }, { 101, "CUDA_ERROR_INVALID_DEVICE" },
		{ 304, "CUDA_ERROR_OPERATING_SYSTEM" }, { 500, "CUDA_ERROR_NOT_FOUND" }, { 801, "CUDA_ERROR_NOT_SUPPORTED" },
		{ 802, "CUDA_ERROR_SYSTEM_NOT_READY" }, { 803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" }, { 804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE" },
		{ 999, "CUDA_ERROR_UNKNOWN" },
	};

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].code == code)
			return texts[i].text;
	return "error";
}

enum { DEVICES = 64 };
struct cuda {
	void (*fn[CUDA_CALLS])(void);
	struct dl lib;
	int device[DEVICES]; uint8_t known[DEVICES];
	char text[DRIVER_TEXT];
};

static int uuid(struct cuda *c, int device)
{
	unsigned char b[16] = { 0 };
	int code = ((int (*)(void *, int))c->fn[CUDA_UUID])(b, device), at = 0;

	for (unsigned i = 0; i < 16; i++)
		at += snprintf(c->text + at, sizeof c->text - (size_t)at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	return code;
}

static int call(struct cuda *c, struct driver_answer *out, const struct driver_question *q)
{
	void (*fn)(void) = c->fn[q->call];
	size_t bytes = 0;
	int v = 0, code, device = q->device >= 0 ? c->device[q->device] : 0;

	switch (cuda_calls[q->call].shape) {
	case SHAPE_INIT:
		return ((int (*)(unsigned))fn)(0);
	case SHAPE_INT:
		code = ((int (*)(int *))fn)(&v);
		break;
	case SHAPE_DEVICE:
		code = ((int (*)(int *, int))fn)(&c->device[q->device], q->device);
		c->known[q->device] = code == 0;
		return code;
	case SHAPE_TEXT:
		return ((int (*)(char *, int, int))fn)(c->text, (int)sizeof c->text - 1, device);
	case SHAPE_UUID:
		return uuid(c, device);
	case SHAPE_TOTAL:
		code = ((int (*)(size_t *, int))fn)(&bytes, device);
		out->v[0] = bytes;
		return code;
	default:
		code = ((int (*)(int *, int, int))fn)(&v, (int)q->arg, device);
	}
	out->v[0] = v < 0 ? 0 : (uint64_t)v;
	return code;
}

/* cuDeviceGetName and cuDeviceGetPCIBusId take (text, length, device) both, as SHAPE_TEXT has it. */
static void ask(struct driver *d, struct driver_answer *out, const struct driver_question *q)
{
	struct cuda *c = d->self;
	const char *set;

	memset(c->text, 0, sizeof c->text);
	out->text = c->text;
	if (q->call == CUDA_VISIBLE) {
		set = getenv("CUDA_VISIBLE_DEVICES");
		out->code = !set;
		snprintf(c->text, sizeof c->text, "%s", set ? set : "");
	} else if (!c->fn[q->call] || q->device >= DEVICES || (q->device >= 0 && q->call != CUDA_DEVICE && !c->known[q->device])) {
		out->code = CUDA_NO_FUNCTION;
	} else {
		out->code = call(c, out, q);
	}
	str_clean(c->text);
}

int cuda_open(struct driver *out, struct arena *a, const char *const *names, struct error *err)
{
	static const char *const usual[] = { "libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1", "libcuda.so", NULL };
	struct cuda *c = arena_alloc(a, sizeof *c);
	struct dl_symbol symbols[CUDA_CALLS];
	unsigned n = 0;

	*out = (struct driver){ ask, NULL, c, cuda_calls, CUDA_CALLS, CUDA_NO_FUNCTION, cuda_error };
	if (!c)
		return error_set(err, E_NOMEM, "out of memory");
	for (unsigned i = CUDA_INIT; i < CUDA_CALLS; i++)
		symbols[n++] = (struct dl_symbol){ cuda_calls[i].name, cuda_calls[i].fallback, i * sizeof *c->fn, cuda_calls[i].required };
	return dl_open(&c->lib, c->fn, symbols, n, names ? names : usual, err);
}
