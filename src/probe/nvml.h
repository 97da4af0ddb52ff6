/* nvml.h - NVIDIA's management library, as a driver to ask (driver.h): its functions, and what its numbers mean.
 *
 * Loaded with dlopen from the driver's libnvidia-ml.so.1; no header of NVIDIA's is needed. Names, structs and constants are those of the public
 * ABI as nvidia-ml-py 13.615.71 (pynvml.py) lists them. A recording is nvml.log (driver.h tells its form; arguments as in the calls below).
 * Not here: what is made of the answers (probe_nvidia_nvml.c). */
#ifndef NVML_H
#define NVML_H

#include "probe/driver.h"

enum nvml_call {
	NVML_INIT,                               /* () */
	NVML_SHUTDOWN,                           /* never asked: part of closing */
	NVML_DRIVER_VERSION,                     /* () "570.133.07" */
	NVML_CUDA_VERSION,                       /* () version=12080: the newest CUDA that the driver serves */
	NVML_COUNT,                              /* () count, with those that this user may not open */
	NVML_HANDLE,                             /* (device) */
	NVML_PCI,                                /* (device) domain bus device id subsystem; ids are device << 16 | vendor */
	NVML_NAME, NVML_UUID,                    /* (device) "..." */
	NVML_MEMORY_V2,                          /* (device) total reserved free used: total is the sum of the three */
	NVML_MEMORY,                             /* (device) total free used: what is reserved counts as used */
	NVML_CAPABILITY,                         /* (device) major minor */
	NVML_CORES,                              /* (device) cores: CUDA cores, not SMs */
	NVML_CLOCK, NVML_CLOCK_MAX,              /* (device, type 0 graphics 1 SM 2 memory) mhz */
	NVML_BUS_WIDTH,                          /* (device) bits */
	NVML_POWER, NVML_POWER_LIMIT, NVML_POWER_ENFORCED, NVML_POWER_DEFAULT,          /* (device) mw */
	NVML_POWER_RANGE,                        /* (device) min_mw max_mw */
	NVML_PCIE_GEN, NVML_PCIE_GEN_MAX,        /* (device) gen; max: of this card in this slot */
	NVML_PCIE_WIDTH, NVML_PCIE_WIDTH_MAX,    /* (device) lanes */
	NVML_ECC,                                /* (device) current pending: 0 off, 1 on */
	NVML_MIG_MODE,                           /* (device) current pending */
	NVML_MIG_COUNT,                          /* (device) count: of places for slices, not of slices */
	NVML_MIG_HANDLE,                         /* (device, place): that makes (device/place) for the calls above and below */
	NVML_ATTRIBUTES,                         /* (device/place) sms gpu_slices compute_slices memory_mib */
	NVML_FIELD,                              /* (device, field) value, by nvmlDeviceGetFieldValues */
	NVML_LINK_STATE,                         /* (device, link) active */
	NVML_LINK_VERSION,                       /* (device, link) version: see nvlink_each_way() */
	NVML_LINK_TYPE,                          /* (device, link) type: 0 a GPU, 1 an NPU, 2 a switch, 255 not known */
	NVML_LINK_PCI,                           /* (device, link) as NVML_PCI, of the other end */
	NVML_COMPUTE_V3, NVML_COMPUTE_V2, NVML_COMPUTE,         /* (device) {pid bytes}...: running processes that compute */
	NVML_GRAPHICS_V3, NVML_GRAPHICS_V2, NVML_GRAPHICS,      /* and those that draw */
	NVML_PROCESS_NAME,                       /* (pid) "llama-server": without folders and arguments */
	NVML_CALLS
};
extern const struct driver_call nvml_calls[NVML_CALLS];

/* Codes that decide something. */
enum { NVML_NOT_SUPPORTED = 3, NVML_NO_PERMISSION = 4, NVML_DRIVER_NOT_LOADED = 9, NVML_NO_FUNCTION = 13, NVML_GPU_IS_LOST = 15, NVML_VERSION_MISMATCH = 18 };
enum { NVML_CLOCK_GRAPHICS = 0, NVML_CLOCK_MEMORY = 2 };
enum { NVML_FIELD_LINK_SPEED = 90, NVML_FIELD_LINK_COUNT = 91 };     /* NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON: MB/s each way; .._LINK_COUNT */
enum { NVML_LINK_TO_GPU = 0, NVML_LINK_TO_SWITCH = 2 };
/* The sentence nvmlErrorString has for a code ("GPU is lost"); "error" for others. */
const char *nvml_error(int code);

/* The library, not yet initialised: ask NVML_INIT first. names: libraries to try, NULL: libnvidia-ml.so.1 of the system, of WSL, libnvidia-ml.so.
 * E_NODEV: none, or without one of the few functions that nothing goes without. E_NOMEM. Closing it shuts NVML down. */
int nvml_open(struct driver *out, struct arena *a, const char *const *names, struct error *err) MUST_CHECK;
/* What one link of that version (NVML_LINK_VERSION) carries each way, bytes a second, without the protocol's share; 0: unknown. */
double nvlink_each_way(uint64_t version);

#endif
