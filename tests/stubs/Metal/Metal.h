/* Just enough of Apple's header to check the syntax of src/probe/probe_metal.m elsewhere. */
typedef long MTLGPUFamily;
@protocol MTLDevice
- (NSString *)name;
- (uint64_t)recommendedMaxWorkingSetSize;
- (unsigned long)currentAllocatedSize;
- (BOOL)hasUnifiedMemory;
- (BOOL)supportsFamily:(MTLGPUFamily)family;
@end
id<MTLDevice> MTLCreateSystemDefaultDevice(void);
