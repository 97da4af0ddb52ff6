/* probe_drm.h - the parts of probe_drm(), shared between its files and tests. Not for callers of probe.h. */
#ifndef PROBE_DRM_H
#define PROBE_DRM_H

#include "probe/probe.h"

/* "16.0 GT/s PCIe" (older kernels: "8 GT/s") is the rate of a lane of generation 4; 0: of none. text may be NULL. */
uint32_t drm_pcie_gen(const char *text);
/* Lines such as "2: 1249Mhz *": the star marks the clock in use; the highest is *most. MHz; 0: not told. text may be NULL. */
void drm_clocks(uint32_t *now, uint32_t *most, const char *text);
/* KFD's gfx_target_version, 10000 * major + 100 * minor + stepping, as compilers write it: 110501 is "gfx1151", 90010 "gfx90a". -1: too large. */
int kfd_arch(char *buf, size_t n, uint64_t version);
/* Is it the graphics of a processor? By LLVM's list of AMD GPU processors (AMDGPUUsage.rst), where the type of these is APU. */
int kfd_is_apu(const char *arch);

/* What /sys/class/kfd adds to AMD's GPUs that are known by their bus address: arch, units, memory bus, links between cards. */
void probe_kfd(struct probed *out, const struct probe_input *in);

#endif
