/* Just enough of Apple's header to check the syntax of src/probe/probe_metal.m elsewhere. */
#include <stddef.h>
#include <stdint.h>
typedef signed char BOOL;
typedef const void *CFTypeRef;
typedef const struct __CFString *CFStringRef;
typedef const struct __CFNumber *CFNumberRef;
typedef const struct __CFAllocator *CFAllocatorRef;
typedef unsigned long CFTypeID;
typedef enum { kCFNumberSInt64Type = 4 } CFNumberType;
extern const CFAllocatorRef kCFAllocatorDefault;
#define CFSTR(s) ((CFStringRef)(const void *)(s))
CFTypeID CFGetTypeID(CFTypeRef v);
CFTypeID CFNumberGetTypeID(void);
unsigned char CFNumberGetValue(CFNumberRef n, CFNumberType t, void *out);
void CFRelease(CFTypeRef v);
@interface NSString
- (const char *)UTF8String;
@end
