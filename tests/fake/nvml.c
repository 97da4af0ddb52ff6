/* nvml.c - a libnvidia-ml.so for tests: two cards joined by four links, and what can go wrong
 *
 * FAKE_NVML in the environment holds words that change it: init=N (nvmlInit answers code N), lost (device 1 has no handle), late (device 1 is lost
 * once it is asked for memory), denied (no permission for device 1), mig (device 1 is cut in two), unified (memory is Not Supported), none (no device),
 * cc (lists of processes with 32 bytes an entry, as R535 had them), wddm (no process says what it uses), many (40 processes), slow (links trained at
 * half their rate), scramble (ids and addresses that no card has). Structs and codes as pynvml.py lists them; nothing of src/ is included. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F(declaration) int declaration; int declaration

struct dev { unsigned index; int slice; };
static struct dev devs[2] = { { 0, -1 }, { 1, -1 } }, slices[2] = { { 1, 0 }, { 1, 1 } };
static int up;

struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };
struct memory { unsigned long long total, free, used; };
struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };
struct attributes { unsigned sms, ce, dec, enc, jpg, ofa, gi, ci; unsigned long long mib; };
struct field { unsigned id, scope; long long time, latency; unsigned type; int code; union { double d; unsigned long long u; } v; };
struct process_v1 { unsigned pid; unsigned long long used; };
struct process_v2 { unsigned pid; unsigned long long used; unsigned gi, ci; };
struct process_cc { unsigned pid; unsigned long long used; unsigned gi, ci; unsigned long long secret; };

static int has(const char *word)
{
	const char *s = getenv("FAKE_NVML"), *p = s ? strstr(s, word) : NULL;
	return p && (p == s || p[-1] == ' ') && strchr(" =", p[strlen(word)]);
}

static int bad(const struct dev *d)
{
	return !up ? 1 : !d ? 2 : d->index == 1 && has("late") ? 15 : 0;
}

/* What two functions share is a static third: in a copy of this library with one of them renamed the other still works. */
static int init(void)
{
	const char *s = getenv("FAKE_NVML");
	int code = has("init") ? atoi(strstr(s, "init=") + 5) : 0;
	up += !code;
	return code;
}
F(nvmlInit_v2(void)) { return init(); }
F(nvmlInit(void)) { return init(); }
F(nvmlShutdown(void)) { return up-- ? 0 : 1; }

static int text(char *to, unsigned n, const char *s)
{
	if (strlen(s) + 1 > n)
		return 7;
	strcpy(to, s);
	return 0;
}
F(nvmlSystemGetDriverVersion(char *s, unsigned n)) { return text(s, n, "570.133.07"); }
F(nvmlSystemGetCudaDriverVersion_v2(int *v)) { *v = 12080; return 0; }
F(nvmlSystemGetCudaDriverVersion(int *v)) { *v = 12080; return 0; }
F(nvmlSystemGetProcessName(unsigned pid, char *s, unsigned n))
{
	return pid == 4242 ? text(s, n, "/opt/llama.cpp/bin/llama-server --model /home/me/secret.gguf") : pid == 4243 ? text(s, n, "python3") : 6;
}
F(nvmlDeviceGetCount_v2(unsigned *n)) { *n = has("none") ? 0 : 2; return up ? 0 : 1; }
F(nvmlDeviceGetCount(unsigned *n)) { *n = has("none") ? 0 : 2; return up ? 0 : 1; }
static int handle(unsigned i, struct dev **d)
{
	if (i == 1 && (has("lost") || has("denied")))
		return has("lost") ? 15 : 4;
	*d = i < 2 ? &devs[i] : NULL;
	return i < 2 ? 0 : 2;
}
F(nvmlDeviceGetHandleByIndex_v2(unsigned i, struct dev **d)) { return handle(i, d); }
F(nvmlDeviceGetHandleByIndex(unsigned i, struct dev **d)) { return handle(i, d); }

static void address(struct pci *p, unsigned index)
{
	memset(p, 0, sizeof *p);
	p->domain = has("scramble") ? 0xffffffffu : index;
	p->bus = has("scramble") ? 0xffffu : 0xa1 + index;
	p->device = 0;
	p->id = 0x220410de;
	p->subsystem = 0x14549876;
	snprintf(p->bus_id, sizeof p->bus_id, "%08X:%02X:%02X.0", p->domain, p->bus, p->device);
}
F(nvmlDeviceGetPciInfo_v3(struct dev *d, struct pci *p)) { address(p, d->index); return up ? 0 : 1; }
F(nvmlDeviceGetPciInfo_v2(struct dev *d, struct pci *p))     /* shorter: its bus id was the first field */
{
	struct pci q;
	address(&q, d->index);
	memcpy(p, &q, 36);
	return up ? 0 : 1;
}
F(nvmlDeviceGetName(struct dev *d, char *s, unsigned n))
{
	return bad(d) ? bad(d) : text(s, n, d->slice < 0 ? "NVIDIA GeForce RTX 3090" : d->slice ? "NVIDIA GeForce RTX 3090 MIG 1g.3gb" : "NVIDIA GeForce RTX 3090 MIG 2g.6gb");
}
F(nvmlDeviceGetUUID(struct dev *d, char *s, unsigned n))
{
	char b[64];
	snprintf(b, sizeof b, "%s-00000000-0000-0000-0000-00000000%02x%02x", d->slice < 0 ? "GPU" : "MIG", d->index, d->slice < 0 ? 0 : 1 + (unsigned)d->slice);
	return bad(d) ? bad(d) : text(s, n, b);
}

static unsigned long long total(const struct dev *d)
{
	return d->slice < 0 ? 24576ull << 20 : d->slice ? 3072ull << 20 : 6144ull << 20;
}
F(nvmlDeviceGetMemoryInfo_v2(struct dev *d, struct memory_v2 *m))
{
	if (bad(d) || has("unified"))
		return bad(d) ? bad(d) : 3;
	if (m->version != (sizeof *m | 2u << 24))
		return 25;
	m->total = total(d);
	m->reserved = 300ull << 20;
	m->used = 1000ull << 20;
	m->free = m->total - m->used - m->reserved;
	return 0;
}
F(nvmlDeviceGetMemoryInfo(struct dev *d, struct memory *m))
{
	if (bad(d) || has("unified"))
		return bad(d) ? bad(d) : 3;
	*m = (struct memory){ total(d), total(d) - (1300ull << 20), 1300ull << 20 };
	return 0;
}
F(nvmlDeviceGetCudaComputeCapability(struct dev *d, int *major, int *minor)) { *major = 8; *minor = 6; return d->slice < 0 ? bad(d) : 3; }
F(nvmlDeviceGetNumGpuCores(struct dev *d, unsigned *n)) { *n = 10496; return bad(d); }
F(nvmlDeviceGetClockInfo(struct dev *d, unsigned type, unsigned *mhz)) { *mhz = type == 2 ? 405 : 210; return bad(d); }
F(nvmlDeviceGetMaxClockInfo(struct dev *d, unsigned type, unsigned *mhz)) { *mhz = type == 2 ? 9751 : 2100; return bad(d); }
F(nvmlDeviceGetMemoryBusWidth(struct dev *d, unsigned *bits)) { *bits = 384; return bad(d); }
F(nvmlDeviceGetPowerUsage(struct dev *d, unsigned *mw)) { *mw = 21500; return bad(d); }
F(nvmlDeviceGetPowerManagementLimit(struct dev *d, unsigned *mw)) { *mw = 300000; return bad(d); }
F(nvmlDeviceGetEnforcedPowerLimit(struct dev *d, unsigned *mw)) { *mw = 299000; return bad(d); }
F(nvmlDeviceGetPowerManagementDefaultLimit(struct dev *d, unsigned *mw)) { *mw = 350000; return bad(d); }
F(nvmlDeviceGetPowerManagementLimitConstraints(struct dev *d, unsigned *min, unsigned *max)) { *min = 100000; *max = 366000; return bad(d); }
F(nvmlDeviceGetCurrPcieLinkGeneration(struct dev *d, unsigned *v)) { *v = 1; return bad(d); }
F(nvmlDeviceGetMaxPcieLinkGeneration(struct dev *d, unsigned *v)) { *v = 4; return bad(d); }
F(nvmlDeviceGetCurrPcieLinkWidth(struct dev *d, unsigned *v)) { *v = 8; return bad(d); }
F(nvmlDeviceGetMaxPcieLinkWidth(struct dev *d, unsigned *v)) { *v = 16; return bad(d); }
F(nvmlDeviceGetEccMode(struct dev *d, unsigned *now, unsigned *next)) { *now = d->index; *next = 0; return bad(d); }
F(nvmlDeviceGetMigMode(struct dev *d, unsigned *now, unsigned *next)) { *now = *next = d->index == 1 && has("mig"); return bad(d); }
F(nvmlDeviceGetMaxMigDeviceCount(struct dev *d, unsigned *n)) { *n = has("mig") ? 7 : 0; return bad(d); }
F(nvmlDeviceGetMigDeviceHandleByIndex(struct dev *d, unsigned i, struct dev **to)) { *to = i < 2 ? &slices[i] : NULL; return d->index == 1 && i < 2 ? 0 : 6; }
static int attributes(const struct dev *d, struct attributes *a)
{
	*a = (struct attributes){ .sms = d->slice ? 10 : 20, .gi = d->slice ? 1 : 2, .ci = d->slice ? 1 : 2, .mib = total(d) >> 20 };
	return d->slice < 0 ? 3 : 0;
}
F(nvmlDeviceGetAttributes_v2(struct dev *d, struct attributes *a)) { return attributes(d, a); }
F(nvmlDeviceGetAttributes(struct dev *d, struct attributes *a)) { return attributes(d, a); }
F(nvmlDeviceGetFieldValues(struct dev *d, int n, struct field *f))
{
	for (int i = 0; i < n; i++) {
		f[i].code = f[i].id == 90 || f[i].id == 91 ? 0 : 3;
		f[i].type = 1;
		f[i].v.u = f[i].id == 91 ? 4 : has("slow") ? 7031 : 14062;
	}
	return bad(d);
}
F(nvmlDeviceGetNvLinkState(struct dev *d, unsigned link, unsigned *on)) { *on = link < 4; return bad(d) ? bad(d) : link < 4 ? 0 : 2; }
F(nvmlDeviceGetNvLinkVersion(struct dev *d, unsigned link, unsigned *v)) { *v = 5 + 0 * link; return bad(d); }
F(nvmlDeviceGetNvLinkRemoteDeviceType(struct dev *d, unsigned link, unsigned *v)) { *v = 0 * link; return bad(d); }
F(nvmlDeviceGetNvLinkRemotePciInfo_v2(struct dev *d, unsigned link, struct pci *p)) { address(p, 1 - d->index); return link < 4 ? bad(d) : 2; }
F(nvmlDeviceGetNvLinkRemotePciInfo(struct dev *d, unsigned link, struct pci *p)) { address(p, 1 - d->index); return link < 4 ? bad(d) : 2; }

/* A server and a window system that computes as well; one process more draws on device 0. */
static int list(const struct dev *d, unsigned *n, void *to, unsigned size, int draws)
{
	static const struct process_cc all[2][2] = {
		{ { 4242, 900ull << 20, 0, 0, 0 }, { 4243, 60ull << 20, 0, 0, 0 } }, { { 4243, 61ull << 20, 0, 0, 0 }, { 4244, 40ull << 20, 0, 0, 0 } },
	};
	unsigned count = d->index ? 0 : has("many") ? 40 : 2;
	if (bad(d))
		return bad(d);
	if (*n < count) {
		*n = count;
		return 7;
	}
	for (unsigned i = 0; i < count; i++) {
		struct process_cc p = all[draws][i % 2];
		p.pid += i / 2 * 10;
		p.gi = p.ci = 0xffffffffu;
		if (has("wddm"))
			p.used = ~0ull;
		memcpy((char *)to + (size_t)i * size, &p, size);
	}
	*n = count;
	return 0;
}
static unsigned v3(void) { return has("cc") ? sizeof(struct process_cc) : sizeof(struct process_v2); }
F(nvmlDeviceGetComputeRunningProcesses_v3(struct dev *d, unsigned *n, void *p)) { return list(d, n, p, v3(), 0); }
F(nvmlDeviceGetComputeRunningProcesses_v2(struct dev *d, unsigned *n, void *p)) { return list(d, n, p, sizeof(struct process_v2), 0); }
F(nvmlDeviceGetComputeRunningProcesses(struct dev *d, unsigned *n, void *p)) { return list(d, n, p, sizeof(struct process_v1), 0); }
F(nvmlDeviceGetGraphicsRunningProcesses_v3(struct dev *d, unsigned *n, void *p)) { return list(d, n, p, v3(), 1); }
F(nvmlDeviceGetGraphicsRunningProcesses_v2(struct dev *d, unsigned *n, void *p)) { return list(d, n, p, sizeof(struct process_v2), 1); }
F(nvmlDeviceGetGraphicsRunningProcesses(struct dev *d, unsigned *n, void *p)) { return list(d, n, p, sizeof(struct process_v1), 1); }
