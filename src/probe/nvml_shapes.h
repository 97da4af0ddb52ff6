/* nvml_shapes.h - the forms that functions of NVML have, between its table (nvml_calls.c) and who calls them (nvml.c) */
#ifndef NVML_SHAPES_H
#define NVML_SHAPES_H

enum nvml_shape {
	SHAPE_INIT,              /* f(void) */
	SHAPE_SYSTEM_TEXT,       /* f(char *, unsigned) */
	SHAPE_SYSTEM_U32,        /* f(unsigned *) */
	SHAPE_HANDLE,            /* f(unsigned, handle *) */
	SHAPE_SLICE,             /* f(handle, unsigned, handle *) */
	SHAPE_TEXT,              /* f(handle, char *, unsigned) */
	SHAPE_PROCESS_NAME,      /* f(unsigned pid, char *, unsigned) */
	SHAPE_U32,               /* f(handle, unsigned *) */
	SHAPE_U32_U32,           /* f(handle, unsigned *, unsigned *) */
	SHAPE_ARG_U32,           /* f(handle, unsigned, unsigned *) */
	SHAPE_PCI,               /* f(handle, struct *) from here on */
	SHAPE_ARG_PCI,           /* f(handle, unsigned, struct *) */
	SHAPE_MEMORY, SHAPE_MEMORY_V2, SHAPE_ATTRIBUTES,
	SHAPE_FIELD,             /* f(handle, int count, struct *) */
	SHAPE_PROCESSES          /* f(handle, unsigned *count, struct *) */
};

#endif
