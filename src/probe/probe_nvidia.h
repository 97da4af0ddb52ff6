/* probe_nvidia.h - between the files of probe_nvidia(): what NVML says, then what the CUDA driver says of the same devices.
 *
 * A card with MIG on is a GPU in state GPU_HIDDEN (no program gets it whole) and keeps its own memory figures; behind it stands one GPU for each slice, with
 * mig 1, the card's bus address and PCI ids, and its own name, UUID, memory and SM count. What belongs to the card as a whole (clocks, bus width, power,
 * PCIe, links) is left out of a slice.
 *
 * The CUDA driver is asked only when it is needed, because cuInit takes 100 ms and more: NVML does not work or left memory, compute capability or SM count
 * open (old drivers, unified chips), CUDA_VISIBLE_DEVICES is set, or this is an ARM machine, where chips share their memory with the host and only
 * CUDA says so. Recordings, being recorded and being read, and probe_input.thorough ask it always: then both are compared, and what
 * it says when it fails becomes a note.
 *
 * cuDeviceTotalMem is less than NVML's total by what the driver reserves, and by a little more that differs between drivers (seen: RTX 5090 490 MiB of 32607,
 * A100 621 of 40960 with 605 reserved). It is a conflict when it is more than NVML's total, or less than total - reserved - total / 32. */
#ifndef PROBE_NVIDIA_H
#define PROBE_NVIDIA_H

#include "probe/cuda_driver.h"
#include "probe/nvml.h"

enum { NVIDIA_NONE = 0xffff };
struct nvidia {
	struct probed *out;
	const struct probe_input *in;
	struct driver *nvml;
	uint32_t n_devices;
	uint16_t gpu[PROBE_GPUS];                /* index in out->gpu of each device of NVML; NVIDIA_NONE */
	const char *driver;                      /* version; NULL */
	uint8_t nvml_works, whole_lost;          /* NVML was initialised; devices were lost whose address is not known */
};

/* The same as probe_nvidia() with names of libraries to try (NULL-ended; NULL: the usual ones): for tests. */
void probe_nvidia_with(struct probed *out, const struct probe_input *in, const char *const *nvml_names, const char *const *cuda_names);

/* The GPU at a bus address (NULL: a new one without), marked as NVIDIA's; NULL when there is no room. */
struct probed_gpu *nvidia_gpu(struct nvidia *n, const char *bus, enum probe_source from);
/* "0000:01:00.0" in the arena; NULL when out of memory. */
const char *nvidia_bus(struct nvidia *n, uint64_t domain, uint64_t bus, uint64_t device);
/* Index of a GPU in out->gpu. */
uint32_t nvidia_index(const struct nvidia *n, const struct probed_gpu *g);

void nvidia_nvml(struct nvidia *n);              /* asks NVML_INIT and, if it works, everything */
void nvidia_links(struct nvidia *n);             /* NVLink of all devices; all devices must have been read */
void nvidia_slices(struct nvidia *n, uint32_t device, uint32_t parent);
/* Name, UUID, memory, compute capability and processes: what a card and a slice (-1: none) have alike. The GPU may come out GPU_LOST. */
void nvidia_read(struct nvidia *n, struct probed_gpu *g, uint32_t device, int slice);
/* Asks; a code that means that the GPU is gone makes it GPU_LOST. */
int nvidia_ask(struct nvidia *n, struct probed_gpu *g, struct driver_answer *a, unsigned call, uint32_t device, int slice, uint32_t arg);

void nvidia_cuda(struct nvidia *n, struct driver *cuda);

#endif
