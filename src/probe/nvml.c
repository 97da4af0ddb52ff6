/* nvml.c - asking the NVML library itself */
#include "probe/nvml.h"

#include "base/dl.h"
#include "base/str.h"
#include "probe/nvml_shapes.h"

#include <string.h>

typedef struct nvml_device *handle;              /* opaque to us */

/* Of the public ABI; sizes as in pynvml.py. All versions of the PCI struct begin like this, and only these numbers are read: the
 * bus id as a string changed its place between versions. */
struct pci { char bus_id_legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };
struct memory { unsigned long long total, free, used; };
struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };
struct attributes { unsigned sms, copy_engines, decoders, encoders, jpegs, ofas, gpu_slices, compute_slices; unsigned long long memory_mib; };
struct field { unsigned id, scope; long long timestamp, latency_us; unsigned type; int code; union { double d; unsigned u; unsigned long ul; unsigned long long ull;
	long long sll; int i; unsigned short us; } v; };
_Static_assert(sizeof(struct pci) == 68, "nvmlPciInfo_t");
_Static_assert(sizeof(struct memory_v2) == 40, "nvmlMemory_v2_t");
_Static_assert(sizeof(struct attributes) == 40, "nvmlDeviceAttributes_t");
_Static_assert(sizeof(struct field) == 40, "nvmlFieldValue_t");
enum { MEMORY_V2 = 0x02000028 };                 /* version 2, 40 bytes */

enum { DEVICES = 64, SLICES = 16, PROCESSES = 256, PROCESS_MAX = 32, UNTOUCHED = 0xa5 };
struct nvml {
	void (*fn[NVML_CALLS])(void);
	struct dl lib;
	int up;
	handle device[DEVICES], slice[DEVICES][SLICES];
	char text[DRIVER_TEXT];
	struct driver_row row[DRIVER_ROWS];
	unsigned char raw[PROCESSES * PROCESS_MAX];
};

/* Bytes that one entry of a process list takes. Version 1 is { pid, bytes }: 16; 2 and 3 add two instance numbers: 24. Drivers of the R535 line answer
 * version 3 with 32 bytes and an unchanged name (github.com/XuehaiPan/nvitop/pull/79). So the list is asked for in memory whose bytes are known, and
 * how far it was written tells. */
static unsigned entry_bytes(const unsigned char *raw, size_t size, unsigned count, unsigned least)
{
	size_t end = size;

	while (end > 0 && raw[end - 1] == UNTOUCHED)
		end--;
	return least > 16 && end > (size_t)count * 24 && end <= (size_t)count * PROCESS_MAX ? PROCESS_MAX : least;
}

static int processes(struct nvml *n, struct driver_answer *out, handle h, unsigned call)
{
	int (*f)(handle, unsigned *, void *) = (int (*)(handle, unsigned *, void *))n->fn[call];
	unsigned least = call == NVML_COMPUTE || call == NVML_GRAPHICS ? 16 : 24, count = PROCESSES, size;
	int code;

	memset(n->raw, UNTOUCHED, sizeof n->raw);
	code = f(h, &count, n->raw);
	if (code)
		return code;
	count = count < PROCESSES ? count : PROCESSES;
	size = entry_bytes(n->raw, sizeof n->raw, count, least);
	out->row = n->row;
	for (unsigned i = 0; i < count && out->n_rows < DRIVER_ROWS; i++) {
		uint32_t pid;
		uint64_t bytes;

		memcpy(&pid, n->raw + (size_t)i * size, 4);
		memcpy(&bytes, n->raw + (size_t)i * size + 8, 8);
		/* all ones is NVML_VALUE_NOT_AVAILABLE (WDDM, containers), which is DRIVER_NO_VALUE */
		n->row[out->n_rows++] = (struct driver_row){ { pid, bytes } };
	}
	return 0;
}

static int field(struct nvml *n, struct driver_answer *out, handle h, const struct driver_question *q)
{
	int (*f)(handle, int, struct field *) = (int (*)(handle, int, struct field *))n->fn[q->call];
	struct field v = { .id = q->arg };
	int code = f(h, 1, &v);

	if (code || v.code)
		return code ? code : v.code;
	/* nvmlValueType_t: 0 double, 1 unsigned, 2 unsigned long, 3 unsigned long long, 4 long long, 5 int, 6 unsigned short */
	switch (v.type) {
	case 1: out->v[0] = v.v.u; return 0;
	case 2: out->v[0] = v.v.ul; return 0;
	case 3: out->v[0] = v.v.ull; return 0;
	case 4: out->v[0] = v.v.sll < 0 ? 0 : (uint64_t)v.v.sll; return 0;
	case 5: out->v[0] = v.v.i < 0 ? 0 : (uint64_t)v.v.i; return 0;
	case 6: out->v[0] = v.v.us; return 0;
	default: return NVML_NOT_SUPPORTED;
	}
}

static void put_pci(struct driver_answer *out, const struct pci *p)
{
	const unsigned v[] = { p->domain, p->bus, p->device, p->id, p->subsystem };

	for (unsigned i = 0; i < 5; i++)
		out->v[i] = v[i];
}

/* "/opt/x/llama-server --model secret.gguf": the command line is nobody's business, and a recording may be published. */
static void base_name(char *s)
{
	char *p = strpbrk(s, " \t"), *slash;

	if (p)
		*p = 0;
	slash = strrchr(s, '/');
	if (slash)
		memmove(s, slash + 1, strlen(slash + 1) + 1);
}

static int system_call(struct nvml *n, struct driver_answer *out, const struct driver_question *q, unsigned shape)
{
	unsigned v = 0;
	int code;

	switch (shape) {
	case SHAPE_INIT:
		code = ((int (*)(void))n->fn[q->call])();
		if (q->call == NVML_INIT && !code)
			n->up = 1;
		return code;
	case SHAPE_SYSTEM_TEXT:
		return ((int (*)(char *, unsigned))n->fn[q->call])(n->text, sizeof n->text - 1);
	case SHAPE_PROCESS_NAME:
		code = ((int (*)(unsigned, char *, unsigned))n->fn[q->call])(q->arg, n->text, sizeof n->text - 1);
		base_name(n->text);
		return code;
	case SHAPE_SYSTEM_U32:
		code = ((int (*)(unsigned *))n->fn[q->call])(&v);
		out->v[0] = v;
		return code;
	default:                                 /* SHAPE_HANDLE */
		if (q->device < 0 || q->device >= DEVICES)
			return NVML_NO_FUNCTION;
		return ((int (*)(unsigned, handle *))n->fn[q->call])((unsigned)q->device, &n->device[q->device]);
	}
}

static int device_call(struct nvml *n, struct driver_answer *out, const struct driver_question *q, unsigned shape, handle h)
{
	void (*fn)(void) = n->fn[q->call];
	unsigned v = 0, w = 0;
	struct pci pci = { .domain = 0 };
	struct memory m = { 0 };
	struct memory_v2 m2 = { .version = MEMORY_V2 };
	struct attributes at = { 0 };
	int code;

	switch (shape) {
	case SHAPE_TEXT:
		return ((int (*)(handle, char *, unsigned))fn)(h, n->text, sizeof n->text - 1);
	case SHAPE_U32:
		code = ((int (*)(handle, unsigned *))fn)(h, &v);
		break;
	case SHAPE_U32_U32:
		code = ((int (*)(handle, unsigned *, unsigned *))fn)(h, &v, &w);
		break;
	case SHAPE_ARG_U32:
		code = ((int (*)(handle, unsigned, unsigned *))fn)(h, q->arg, &v);
		break;
	case SHAPE_PCI:
		code = ((int (*)(handle, struct pci *))fn)(h, &pci);
		put_pci(out, &pci);
		return code;
	case SHAPE_ARG_PCI:
		code = ((int (*)(handle, unsigned, struct pci *))fn)(h, q->arg, &pci);
		put_pci(out, &pci);
		return code;
	case SHAPE_MEMORY:
		code = ((int (*)(handle, struct memory *))fn)(h, &m);
		out->v[0] = m.total, out->v[1] = m.free, out->v[2] = m.used;
		return code;
	case SHAPE_MEMORY_V2:
		code = ((int (*)(handle, struct memory_v2 *))fn)(h, &m2);
		out->v[0] = m2.total, out->v[1] = m2.reserved, out->v[2] = m2.free, out->v[3] = m2.used;
		return code;
	case SHAPE_ATTRIBUTES:
		code = ((int (*)(handle, struct attributes *))fn)(h, &at);
		out->v[0] = at.sms, out->v[1] = at.gpu_slices, out->v[2] = at.compute_slices, out->v[3] = at.memory_mib;
		return code;
	case SHAPE_SLICE:
		if (q->arg >= SLICES)
			return NVML_NO_FUNCTION;
		return ((int (*)(handle, unsigned, handle *))fn)(h, q->arg, &n->slice[q->device][q->arg]);
	case SHAPE_FIELD:
		return field(n, out, h, q);
	default:
		return processes(n, out, h, q->call);
	}
	out->v[0] = v;
	out->v[1] = w;
	return code;
}

static void ask(struct driver *d, struct driver_answer *out, const struct driver_question *q)
{
	struct nvml *n = d->self;
	unsigned shape = nvml_calls[q->call].shape;
	handle h = NULL;

	out->code = NVML_NO_FUNCTION;
	if (!n->fn[q->call])
		return;
	memset(n->text, 0, sizeof n->text);
	out->text = n->text;
	if (nvml_calls[q->call].args == ARGS_DEVICE || nvml_calls[q->call].args == ARGS_DEVICE_ARG) {
		if (q->device < 0 || q->device >= DEVICES || q->slice >= SLICES)
			return;
		h = q->slice < 0 ? n->device[q->device] : n->slice[q->device][q->slice];
	}
	if (shape <= SHAPE_HANDLE || shape == SHAPE_PROCESS_NAME)
		out->code = system_call(n, out, q, shape);
	else if (h)
		out->code = device_call(n, out, q, shape, h);
	str_clean(n->text);
}

static void shut_down(struct driver *d)
{
	struct nvml *n = d->self;

	if (n->up && n->fn[NVML_SHUTDOWN])
		((int (*)(void))n->fn[NVML_SHUTDOWN])();
	dl_close(&n->lib);
}

int nvml_open(struct driver *out, struct arena *a, const char *const *names, struct error *err)
{
	static const char *const usual[] = { "libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1", "libnvidia-ml.so", NULL };
	struct nvml *n = arena_alloc(a, sizeof *n);
	struct dl_symbol symbols[NVML_CALLS];

	*out = (struct driver){ ask, shut_down, n, nvml_calls, NVML_CALLS, NVML_NO_FUNCTION, nvml_error };
	if (!n)
		return error_set(err, E_NOMEM, "out of memory");
	for (unsigned i = 0; i < NVML_CALLS; i++)
		symbols[i] = (struct dl_symbol){ nvml_calls[i].name, nvml_calls[i].fallback, i * sizeof *n->fn, nvml_calls[i].required };
	return dl_open(&n->lib, n->fn, symbols, NVML_CALLS, names ? names : usual, err);
}
