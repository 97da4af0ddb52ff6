/* Just enough of Apple's header to check the syntax of src/probe/probe_metal.m elsewhere. */
typedef unsigned mach_port_t, io_object_t, io_service_t;
typedef struct __CFDictionary *CFMutableDictionaryRef;
#define MACH_PORT_NULL 0
CFMutableDictionaryRef IOServiceMatching(const char *name);
io_service_t IOServiceGetMatchingService(mach_port_t port, CFMutableDictionaryRef matching);
CFTypeRef IORegistryEntryCreateCFProperty(io_service_t s, CFStringRef key, CFAllocatorRef a, unsigned options);
int IOObjectRelease(io_object_t o);
