/* nvml_calls.c - what the functions of NVML are called, and what its codes and versions mean */
#include "probe/nvml.h"
#include "probe/nvml_shapes.h"

#define DEVICE(shape) ARGS_DEVICE, shape, 0, 0, 0
#define LINK(shape) ARGS_DEVICE_ARG, shape, 0, 0, 0
#define LIST ARGS_DEVICE, SHAPE_PROCESSES, 0, 0, 0, { NULL }, { "pid", "bytes" }

/* Required is what a device cannot be told from another without. */
const struct driver_call nvml_calls[NVML_CALLS] = {
	[NVML_INIT]           = { "nvmlInit_v2", "nvmlInit", ARGS_NONE, SHAPE_INIT, 1, 0, 0, { NULL }, { NULL } },
	[NVML_SHUTDOWN]       = { "nvmlShutdown", NULL, ARGS_NONE, SHAPE_INIT, 0, 0, 0, { NULL }, { NULL } },
	[NVML_DRIVER_VERSION] = { "nvmlSystemGetDriverVersion", NULL, ARGS_NONE, SHAPE_SYSTEM_TEXT, 0, 0, 1, { NULL }, { NULL } },
	[NVML_CUDA_VERSION]   = { "nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion", ARGS_NONE, SHAPE_SYSTEM_U32, 0, 0, 0, { "version" }, { NULL } },
	[NVML_COUNT]          = { "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount", ARGS_NONE, SHAPE_SYSTEM_U32, 1, 0, 0, { "count" }, { NULL } },
	[NVML_HANDLE]         = { "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex", ARGS_DEVICE, SHAPE_HANDLE, 1, 0, 0, { NULL }, { NULL } },
	[NVML_PCI]            = { "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", ARGS_DEVICE, SHAPE_PCI, 0, 1, 0,
		{ "domain", "bus", "device", "id", "subsystem" }, { NULL } },
	[NVML_NAME]           = { "nvmlDeviceGetName", NULL, ARGS_DEVICE, SHAPE_TEXT, 0, 0, 1, { NULL }, { NULL } },
	[NVML_UUID]           = { "nvmlDeviceGetUUID", NULL, ARGS_DEVICE, SHAPE_TEXT, 0, 0, 1, { NULL }, { NULL } },
	[NVML_MEMORY_V2]      = { "nvmlDeviceGetMemoryInfo_v2", NULL, DEVICE(SHAPE_MEMORY_V2), { "total", "reserved", "free", "used" }, { NULL } },
	[NVML_MEMORY]         = { "nvmlDeviceGetMemoryInfo", NULL, DEVICE(SHAPE_MEMORY), { "total", "free", "used" }, { NULL } },
	[NVML_CAPABILITY]     = { "nvmlDeviceGetCudaComputeCapability", NULL, DEVICE(SHAPE_U32_U32), { "major", "minor" }, { NULL } },
	[NVML_CORES]          = { "nvmlDeviceGetNumGpuCores", NULL, DEVICE(SHAPE_U32), { "cores" }, { NULL } },
	[NVML_CLOCK]          = { "nvmlDeviceGetClockInfo", NULL, LINK(SHAPE_ARG_U32), { "mhz" }, { NULL } },
	[NVML_CLOCK_MAX]      = { "nvmlDeviceGetMaxClockInfo", NULL, LINK(SHAPE_ARG_U32), { "mhz" }, { NULL } },
	[NVML_BUS_WIDTH]      = { "nvmlDeviceGetMemoryBusWidth", NULL, DEVICE(SHAPE_U32), { "bits" }, { NULL } },
	[NVML_POWER]          = { "nvmlDeviceGetPowerUsage", NULL, DEVICE(SHAPE_U32), { "mw" }, { NULL } },
	[NVML_POWER_LIMIT]    = { "nvmlDeviceGetPowerManagementLimit", NULL, DEVICE(SHAPE_U32), { "mw" }, { NULL } },
	[NVML_POWER_ENFORCED] = { "nvmlDeviceGetEnforcedPowerLimit", NULL, DEVICE(SHAPE_U32), { "mw" }, { NULL } },
	[NVML_POWER_DEFAULT]  = { "nvmlDeviceGetPowerManagementDefaultLimit", NULL, DEVICE(SHAPE_U32), { "mw" }, { NULL } },
	[NVML_POWER_RANGE]    = { "nvmlDeviceGetPowerManagementLimitConstraints", NULL, DEVICE(SHAPE_U32_U32), { "min_mw", "max_mw" }, { NULL } },
	[NVML_PCIE_GEN]       = { "nvmlDeviceGetCurrPcieLinkGeneration", NULL, DEVICE(SHAPE_U32), { "gen" }, { NULL } },
	[NVML_PCIE_GEN_MAX]   = { "nvmlDeviceGetMaxPcieLinkGeneration", NULL, DEVICE(SHAPE_U32), { "gen" }, { NULL } },
	[NVML_PCIE_WIDTH]     = { "nvmlDeviceGetCurrPcieLinkWidth", NULL, DEVICE(SHAPE_U32), { "lanes" }, { NULL } },
	[NVML_PCIE_WIDTH_MAX] = { "nvmlDeviceGetMaxPcieLinkWidth", NULL, DEVICE(SHAPE_U32), { "lanes" }, { NULL } },
	[NVML_ECC]            = { "nvmlDeviceGetEccMode", NULL, DEVICE(SHAPE_U32_U32), { "current", "pending" }, { NULL } },
	[NVML_MIG_MODE]       = { "nvmlDeviceGetMigMode", NULL, DEVICE(SHAPE_U32_U32), { "current", "pending" }, { NULL } },
	[NVML_MIG_COUNT]      = { "nvmlDeviceGetMaxMigDeviceCount", NULL, DEVICE(SHAPE_U32), { "count" }, { NULL } },
	[NVML_MIG_HANDLE]     = { "nvmlDeviceGetMigDeviceHandleByIndex", NULL, LINK(SHAPE_SLICE), { NULL }, { NULL } },
	[NVML_ATTRIBUTES]     = { "nvmlDeviceGetAttributes_v2", "nvmlDeviceGetAttributes", DEVICE(SHAPE_ATTRIBUTES),
		{ "sms", "gpu_slices", "compute_slices", "memory_mib" }, { NULL } },
	[NVML_FIELD]          = { "nvmlDeviceGetFieldValues", NULL, LINK(SHAPE_FIELD), { "value" }, { NULL } },
	[NVML_LINK_STATE]     = { "nvmlDeviceGetNvLinkState", NULL, LINK(SHAPE_ARG_U32), { "active" }, { NULL } },
	[NVML_LINK_VERSION]   = { "nvmlDeviceGetNvLinkVersion", NULL, LINK(SHAPE_ARG_U32), { "version" }, { NULL } },
	[NVML_LINK_TYPE]      = { "nvmlDeviceGetNvLinkRemoteDeviceType", NULL, LINK(SHAPE_ARG_U32), { "type" }, { NULL } },
	[NVML_LINK_PCI]       = { "nvmlDeviceGetNvLinkRemotePciInfo_v2", "nvmlDeviceGetNvLinkRemotePciInfo", ARGS_DEVICE_ARG, SHAPE_ARG_PCI, 0, 1, 0,
		{ "domain", "bus", "device", "id", "subsystem" }, { NULL } },
	[NVML_COMPUTE_V3]     = { "nvmlDeviceGetComputeRunningProcesses_v3", NULL, LIST },
	[NVML_COMPUTE_V2]     = { "nvmlDeviceGetComputeRunningProcesses_v2", NULL, LIST },
	[NVML_COMPUTE]        = { "nvmlDeviceGetComputeRunningProcesses", NULL, LIST },
	[NVML_GRAPHICS_V3]    = { "nvmlDeviceGetGraphicsRunningProcesses_v3", NULL, LIST },
	[NVML_GRAPHICS_V2]    = { "nvmlDeviceGetGraphicsRunningProcesses_v2", NULL, LIST },
	[NVML_GRAPHICS]       = { "nvmlDeviceGetGraphicsRunningProcesses", NULL, LIST },
	[NVML_PROCESS_NAME]   = { "nvmlSystemGetProcessName", NULL, ARGS_ARG, SHAPE_PROCESS_NAME, 0, 0, 1, { NULL }, { NULL } },
};

/* nvmlReturn_t */
const char *nvml_error(int code)
{
	static const struct { int code; const char *text; } texts[] = {
		{ 0, "Success" }, { 1, "Uninitialized" }, { 2, "Invalid Argument" }, { 3, "Not Supported" }, { 4, "Insufficient Permissions" },
		{ 6, "Not Found" }, { 7, "Insufficient Size" }, { 8, "Insufficient External Power" }, { 9, "Driver Not Loaded" }, { 10, "Timeout" },
		{ 11, "Interrupt Request Issue" }, { 12, "NVML Shared Library Not Found" }, { 13, "Function Not Found" }, { 14, "Corrupted infoROM" },
		{ 15, "GPU is lost" }, { 16, "GPU requires reset" }, { 17, "Blocked by the operating system" }, { 18, "Driver/library version mismatch" },
		{ 19, "In use by another client" }, { 20, "Insufficient memory" }, { 28, "GPU not found" }, { 29, "Invalid state" }, { 999, "Unknown Error" },
	};

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].code == code)
			return texts[i].text;
	return "error";
}

/* Versions are NVML_NVLINK_VERSION_*: 1 is 1.0, 2 is 2.0, 3 is 2.2, 4 is 3.0, 5 is 3.1, 6 is 4.0, 7 is 5.0 (pynvml.py). Rates each way from NVIDIA's
 * data sheets: P100 160 GB/s over 4 links both ways, V100 300 over 6, A100 600 over 12, H100 900 over 18, B200 1800 over 18. */
double nvlink_each_way(uint64_t version)
{
	static const double rate[] = { 0, 20e9, 25e9, 25e9, 25e9, 25e9, 25e9, 50e9 };

	return version < sizeof rate / sizeof *rate ? rate[version] : 0;
}
