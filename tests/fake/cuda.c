/* cuda.c - a libcuda.so.1 for tests, beside the libnvidia-ml.so of nvml.c
 *
 * FAKE_CUDA in the environment: init=N (cuInit answers code N), other (device 0 is another card than NVML says), unified (integrated, 120 GiB), mig (shows the
 * first slice of NVML's device 1). CUDA_VISIBLE_DEVICES is obeyed for single digits, for nothing, and for the UUID of a slice. */
#include <stdlib.h>
#include <string.h>

#define F(declaration) int declaration; int declaration

static int up;

static int has(const char *word)
{
	const char *s = getenv("FAKE_CUDA"), *p = s ? strstr(s, word) : NULL;
	return p && (p == s || p[-1] == ' ') && strchr(" =", p[strlen(word)]);
}

/* Which of the cards device i is; -1: none. Device 1 in slices is shown as its slice 0, or 1 where that is chosen. */
static int card(int i)
{
	const char *v = getenv("CUDA_VISIBLE_DEVICES");
	if (v && (!*v || i > 0))
		return *v >= '0' && *v <= '9' && strlen(v) > (size_t)(2 * i) ? v[2 * i] - '0' : -1;
	if (v && *v == 'M')
		return 1;
	if (v)
		return *v == '0' || *v == '1' ? *v - '0' : -1;
	return i < 2 ? i : -1;
}
static int slice(int i)
{
	const char *v = getenv("CUDA_VISIBLE_DEVICES");
	return !has("mig") || card(i) != 1 ? -1 : v && *v == 'M' ? v[strlen(v) - 1] - '1' : 0;
}

F(cuInit(unsigned flags))
{
	const char *s = getenv("FAKE_CUDA");
	int code = has("init") ? atoi(strstr(s, "init=") + 5) : card(0) < 0 ? 100 : 0;
	up = !code;
	return flags ? 1 : code;
}
F(cuDriverGetVersion(int *v)) { *v = 12080; return 0; }
F(cuDeviceGetCount(int *n)) { for (*n = 0; *n < 2 && card(*n) >= 0; ++*n) {} return up ? 0 : 3; }
F(cuDeviceGet(int *d, int i)) { *d = i; return up && i < 2 && card(i) >= 0 ? 0 : 101; }
F(cuDeviceGetName(char *s, int n, int d))
{
	strncpy(s, has("other") && d == 0 ? "NVIDIA GeForce RTX 3060" : slice(d) >= 0 ? "NVIDIA GeForce RTX 3090 MIG 2g.6gb" : "NVIDIA GeForce RTX 3090", (size_t)n);
	return up ? 0 : 3;
}
F(cuDeviceGetPCIBusId(char *s, int n, int d)) { strncpy(s, card(d) ? "0001:A2:00.0" : "0000:A1:00.0", (size_t)n); return up ? 0 : 3; }
static int uuid(unsigned char *u, int d)
{
	memset(u, 0, 16);
	u[14] = (unsigned char)card(d);
	u[15] = (unsigned char)(slice(d) + 1);
	return up ? 0 : 3;
}
F(cuDeviceGetUuid_v2(unsigned char *u, int d)) { return uuid(u, d); }
F(cuDeviceGetUuid(unsigned char *u, int d)) { int code = uuid(u, d); u[15] = 0; return code; }
F(cuDeviceTotalMem_v2(size_t *n, int d))
{
	*n = (size_t)(has("unified") ? 122880 : has("other") && d == 0 ? 12000 : slice(d) == 1 ? 3072 : slice(d) == 0 ? 6144 : 24240) << 20;
	return up ? 0 : 3;
}
F(cuDeviceGetAttribute(int *v, int which, int d))
{
	switch (which) {
	case 13: *v = 2100000; break;
	case 16: *v = slice(d) == 1 ? 10 : slice(d) == 0 ? 20 : 82; break;
	case 18: *v = has("unified"); break;
	case 32: *v = 0; break;
	case 36: *v = 9751000; break;
	case 37: *v = 384; break;
	case 75: *v = 8; break;
	case 76: *v = has("other") && d == 0 ? 9 : 6; break;
	default: return 1;
	}
	return up ? 0 : 3;
}
