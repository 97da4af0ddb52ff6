/* cuda_driver.h - the CUDA driver (libcuda.so.1), as a driver to ask (driver.h): which devices a program would get, and what they are.
 *
 * Only calls that need no context: nothing is allocated on a device. The ABI is that of cuda.h of the CUDA toolkit 13, which is not included. A recording is
 * cuda.log. Not here: what is made of the answers (probe_nvidia_cuda.c). */
#ifndef CUDA_DRIVER_H
#define CUDA_DRIVER_H

#include "probe/driver.h"

enum cuda_call {
	CUDA_VISIBLE,                            /* () "0,1": not a function but the variable CUDA_VISIBLE_DEVICES; code 1: not set */
	CUDA_INIT,                               /* () */
	CUDA_VERSION,                            /* () version=12080 */
	CUDA_COUNT,                              /* () count */
	CUDA_DEVICE,                             /* (device) */
	CUDA_NAME,                               /* (device) "..." */
	CUDA_BUS,                                /* (device) "0000:01:00.0" */
	CUDA_UUID,                               /* (device) "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", of a slice its own */
	CUDA_TOTAL,                              /* (device) bytes */
	CUDA_ATTRIBUTE,                          /* (device, attribute) value */
	CUDA_CALLS
};
extern const struct driver_call cuda_calls[CUDA_CALLS];

enum { CUDA_NO_DEVICE = 100, CUDA_NO_FUNCTION = 500 };
enum {                                           /* CU_DEVICE_ATTRIBUTE_* */
	CUDA_CLOCK_KHZ = 13, CUDA_SMS = 16, CUDA_INTEGRATED = 18, CUDA_ECC = 32, CUDA_MEMORY_CLOCK_KHZ = 36, CUDA_BUS_BITS = 37,
	CUDA_MAJOR = 75, CUDA_MINOR = 76
};
/* "CUDA_ERROR_NO_DEVICE" and the like; "error" for codes that are rare. */
const char *cuda_error(int code);

/* The library, not yet initialised: ask CUDA_INIT first, which takes 100 ms and more. names: as in nvml_open(). E_NODEV, E_NOMEM. Closing it
 * leaves the library loaded, because its threads may run on: it is there to be used again. */
int cuda_open(struct driver *out, struct arena *a, const char *const *names, struct error *err) MUST_CHECK;

#endif
