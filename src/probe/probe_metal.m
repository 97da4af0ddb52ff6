/* probe_metal.m - the system's default Metal device, and the number of its cores from IOKit's registry
 *
 * Metal: MTLDevice (name, recommendedMaxWorkingSetSize, hasUnifiedMemory, supportsFamily:). The number of cores is the property
 * "gpu-core-count" of the service AGXAccelerator, which Metal does not tell. */
#define _DARWIN_C_SOURCE 1                       /* for Apple's headers; the Makefile sets _POSIX_C_SOURCE */
#import <Foundation/Foundation.h>
#import <IOKit/IOKitLib.h>
#import <Metal/Metal.h>

#include "probe/probe_metal.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

static void line(char *buf, size_t n, size_t *at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void line(char *buf, size_t n, size_t *at, const char *fmt, ...)
{
	va_list ap;
	int k;

	va_start(ap, fmt);
	k = vsnprintf(buf + *at, n - *at, fmt, ap);
	va_end(ap);
	if (k > 0 && (size_t)k < n - *at)
		*at += (size_t)k;
	else
		buf[*at] = '\0';                 /* a line that has no room is left out whole */
}

static int64_t core_count(void)
{
	io_service_t service = IOServiceGetMatchingService(MACH_PORT_NULL, IOServiceMatching("AGXAccelerator"));
	int64_t cores = 0;

	if (!service)
		return 0;
	CFTypeRef value = IORegistryEntryCreateCFProperty(service, CFSTR("gpu-core-count"), kCFAllocatorDefault, 0);
	if (value && CFGetTypeID(value) == CFNumberGetTypeID())
		CFNumberGetValue((CFNumberRef)value, kCFNumberSInt64Type, &cores);
	if (value)
		CFRelease(value);
	IOObjectRelease(service);
	return cores > 0 && cores < 4096 ? cores : 0;
}

size_t probe_metal_text(char *buf, size_t n)
{
	size_t at = 0;

	if (n)
		buf[0] = '\0';
	@autoreleasepool {
		id<MTLDevice> device = MTLCreateSystemDefaultDevice();
		int64_t cores;
		if (!device || !n)
			return 0;
		line(buf, n, &at, "name: %s\n", [[device name] UTF8String]);
		line(buf, n, &at, "recommendedMaxWorkingSetSize: %llu\n", (unsigned long long)[device recommendedMaxWorkingSetSize]);
		line(buf, n, &at, "currentAllocatedSize: %llu\n", (unsigned long long)[device currentAllocatedSize]);
		line(buf, n, &at, "hasUnifiedMemory: %d\n", [device hasUnifiedMemory] ? 1 : 0);
		/* MTLGPUFamilyApple1 is 1001: the highest that it supports; newer ones than this are asked for by number */
		for (int family = 20; family > 0; family--)
			if ([device supportsFamily:(MTLGPUFamily)(1000 + family)]) {
				line(buf, n, &at, "family: Apple%d\n", family);
				break;
			}
		if ((cores = core_count()) > 0)
			line(buf, n, &at, "gpu_core_count: %lld\n", (long long)cores);
	}
	return at;
}
