/* probe_metal.h - what Metal and IOKit say of a Mac's GPU, as lines of text: the live half of metal.txt (macOS only). */
#ifndef PROBE_METAL_H
#define PROBE_METAL_H

#include <stddef.h>

/* Lines "key: value" for the system's default device: name, recommendedMaxWorkingSetSize, currentAllocatedSize (bytes), hasUnifiedMemory (0 or
 * 1), family ("Apple9"), gpu_core_count. What is not told has no line. Returns the length; 0: no device. buf always ends with a NUL. */
size_t probe_metal_text(char *buf, size_t n);

#endif
