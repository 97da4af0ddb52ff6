/* Just enough of Apple's header to check the syntax of src/probe/probe_apple.c elsewhere. */
#include <stdint.h>
typedef unsigned mach_port_t, mach_msg_type_number_t;
typedef unsigned long vm_size_t;
typedef int kern_return_t, *host_info64_t;
typedef struct { uint32_t free_count, active_count, inactive_count, wire_count; uint64_t more[32]; } vm_statistics64_data_t;
enum { KERN_SUCCESS = 0, HOST_VM_INFO64 = 4 };
#define HOST_VM_INFO64_COUNT ((mach_msg_type_number_t)(sizeof(vm_statistics64_data_t) / sizeof(int)))
mach_port_t mach_host_self(void);
kern_return_t host_page_size(mach_port_t host, vm_size_t *out);
kern_return_t host_statistics64(mach_port_t host, int flavor, host_info64_t out, mach_msg_type_number_t *count);
