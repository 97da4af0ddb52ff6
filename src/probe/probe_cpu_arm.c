/* probe_cpu_arm.c - names of Arm cores by the fields of MIDR_EL1 that /proc/cpuinfo shows
 *
 * Sources: arch/arm64/include/asm/cputype.h of Linux (which quotes each core's reference manual) and sys-utils/lscpu-arm.c of
 * util-linux 2.39 and later. Only cores that run 64-bit Linux on something a model could be run on. */
#include "probe/probe_host.h"

static const struct { uint8_t implementer; uint16_t part; const char *name; } parts[] = {
	{ 0x41, 0xd03, "Cortex-A53" }, { 0x41, 0xd04, "Cortex-A35" }, { 0x41, 0xd05, "Cortex-A55" }, { 0x41, 0xd07, "Cortex-A57" },
	{ 0x41, 0xd08, "Cortex-A72" }, { 0x41, 0xd09, "Cortex-A73" }, { 0x41, 0xd0a, "Cortex-A75" }, { 0x41, 0xd0b, "Cortex-A76" },
	{ 0x41, 0xd0c, "Neoverse-N1" }, { 0x41, 0xd0d, "Cortex-A77" }, { 0x41, 0xd0e, "Cortex-A76AE" }, { 0x41, 0xd40, "Neoverse-V1" },
	{ 0x41, 0xd41, "Cortex-A78" }, { 0x41, 0xd42, "Cortex-A78AE" }, { 0x41, 0xd44, "Cortex-X1" }, { 0x41, 0xd46, "Cortex-A510" },
	{ 0x41, 0xd47, "Cortex-A710" }, { 0x41, 0xd48, "Cortex-X2" }, { 0x41, 0xd49, "Neoverse-N2" }, { 0x41, 0xd4b, "Cortex-A78C" },
	{ 0x41, 0xd4c, "Cortex-X1C" }, { 0x41, 0xd4d, "Cortex-A715" }, { 0x41, 0xd4e, "Cortex-X3" }, { 0x41, 0xd4f, "Neoverse-V2" },
	{ 0x41, 0xd80, "Cortex-A520" }, { 0x41, 0xd81, "Cortex-A720" }, { 0x41, 0xd82, "Cortex-X4" }, { 0x41, 0xd83, "Neoverse-V3AE" },
	{ 0x41, 0xd84, "Neoverse-V3" }, { 0x41, 0xd85, "Cortex-X925" }, { 0x41, 0xd87, "Cortex-A725" }, { 0x41, 0xd89, "Cortex-A720AE" },
	{ 0x41, 0xd8e, "Neoverse-N3" },
	{ 0x42, 0x516, "ThunderX2" }, { 0x43, 0x0a1, "ThunderX-88XX" }, { 0x43, 0x0af, "ThunderX2-99xx" },
	{ 0x46, 0x001, "A64FX" }, { 0x48, 0xd01, "Kunpeng-920" }, { 0x4e, 0x004, "Carmel" },
	{ 0x61, 0x022, "Icestorm-M1" }, { 0x61, 0x023, "Firestorm-M1" }, { 0x61, 0x024, "Icestorm-M1-Pro" },
	{ 0x61, 0x025, "Firestorm-M1-Pro" }, { 0x61, 0x028, "Icestorm-M1-Max" }, { 0x61, 0x029, "Firestorm-M1-Max" },
	{ 0x61, 0x032, "Blizzard-M2" }, { 0x61, 0x033, "Avalanche-M2" },
	{ 0xc0, 0xac3, "Ampere-1" }, { 0xc0, 0xac4, "Ampere-1a" },
};
static const struct { uint8_t implementer; const char *name; } makers[] = {
	{ 0x41, "Arm" }, { 0x42, "Broadcom" }, { 0x43, "Cavium" }, { 0x46, "Fujitsu" }, { 0x48, "HiSilicon" }, { 0x4e, "NVIDIA" },
	{ 0x50, "APM" }, { 0x51, "Qualcomm" }, { 0x53, "Samsung" }, { 0x61, "Apple" }, { 0x70, "Phytium" }, { 0xc0, "Ampere" },
};

const char *arm_part_name(uint32_t implementer, uint32_t part)
{
	for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
		if (parts[i].implementer == implementer && parts[i].part == part)
			return parts[i].name;
	return NULL;
}

const char *arm_maker_name(uint32_t implementer)
{
	for (unsigned i = 0; i < sizeof makers / sizeof *makers; i++)
		if (makers[i].implementer == implementer)
			return makers[i].name;
	return NULL;
}
