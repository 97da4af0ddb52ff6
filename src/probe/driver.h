/* driver.h - questions to a driver library and its answers, and their record: the same to a reader, whoever answers.
 *
 * A reader (probe_nvidia_*.c) asks by the number of a call in a table. Three can answer: the library itself (nvml.c, cuda_driver.c), a recording
 * of it (driver_replay), and a recorder in front of either (driver_record), which writes each question with its answer as one line:
 *
 *     nvmlDeviceGetName(0) = 0 "NVIDIA GeForce RTX 4090"
 *     nvmlDeviceGetMemoryInfo_v2(0) = 0 total=25757220864 reserved=367984640 free=25386418176 used=2818048
 *     nvmlDeviceGetClockInfo(0, 2) = 0 mhz=405                       device 0, clock type 2: the numbers of the API
 *     nvmlDeviceGetName(0/1) = 0 "NVIDIA A100-SXM4-40GB MIG 1g.5gb"  slice 1 of device 0
 *     nvmlDeviceGetPciInfo_v3(0) = 0 domain=0x0 bus=0x1 device=0x0 id=0x268410de subsystem=0x40bf1458
 *     nvmlDeviceGetComputeRunningProcesses_v3(0) = 0 {pid=2041 bytes=4194304} {pid=2042}
 *     nvmlDeviceGetPowerManagementLimit(0) = 3                       # Not Supported
 *
 *     line     = [ name "(" [device ["/" slice]] [","] [argument] ")" "=" code [text] { key "=" number } { "{" { key "=" number } "}" } ] [ "#" remark ]
 *     text     in double quotes; \" and \\ stand for themselves; UTF-8 without control characters
 *     number   decimal or 0x..., 64 bits without a sign
 *
 * The code is the library's (0: success); with another than 0 nothing else counts. All keys of a call must be there when the code is 0,
 * except those of a list's rows: what is not there the driver does not say (DRIVER_NO_VALUE). A question that is not in the recording is a function
 * that this driver does not have. Of two lines with one question the first counts. */
#ifndef DRIVER_H
#define DRIVER_H

#include "probe/probe.h"

enum { DRIVER_KEYS = 6, DRIVER_ROW = 2, DRIVER_ROWS = 64, DRIVER_TEXT = 128, DRIVER_LINES = 1 << 14 };
#define DRIVER_NO_VALUE UINT64_MAX

enum driver_args { ARGS_NONE, ARGS_DEVICE, ARGS_DEVICE_ARG, ARGS_ARG };

struct driver_call {
	const char *name;                        /* of the function, and of the call in a recording */
	const char *fallback;                    /* an older function with the same arguments and meaning; NULL */
	uint8_t args;                            /* enum driver_args */
	uint8_t shape;                           /* how nvml.c or cuda_driver.c calls it */
	uint8_t required, hex, text;             /* hex: values are written as such; text: the answer has one */
	const char *key[DRIVER_KEYS];            /* names of the values, NULL-ended */
	const char *row[DRIVER_ROW];             /* of a list's rows; NULL: no list */
};

struct driver_question { uint16_t call; int32_t device, slice; uint32_t arg; };         /* device, slice -1: none */
struct driver_row { uint64_t v[DRIVER_ROW]; };
/* text and row belong to who answered and live until the next question; text is never NULL. */
struct driver_answer { int code; const char *text; uint64_t v[DRIVER_KEYS]; const struct driver_row *row; uint32_t n_rows; };

struct driver {
	void (*ask)(struct driver *d, struct driver_answer *out, const struct driver_question *q);
	void (*close)(struct driver *d);
	void *self;
	const struct driver_call *calls; unsigned n_calls;
	int missing;                             /* the code that says that there is no such function */
	const char *(*say)(int code);            /* a code in words */
};

/* The code; 0 is success. *out is zeroed but for the code when it is not. */
int driver_ask(struct driver *d, struct driver_answer *out, unsigned call, int device, int slice, uint32_t arg);
/* The first value of an answer, 0 when there is none. */
uint64_t driver_u64(struct driver *d, unsigned call, int device, int slice, uint32_t arg);
void driver_close(struct driver *d);

/* out: answers of a recording's text; calls, n_calls, missing and say come from `like`. All lives in the arena. E_FILE: a line is none, names no call of
 * the table, or lacks a key (file and line named); lines that are read stand all the same and the driver works. E_NOMEM. */
int driver_replay(struct driver *out, struct arena *a, const struct driver *like, const char *file, const char *text, struct error *err) MUST_CHECK;
/* out: asks inner, and keeps each question with its answer by probe_keep(in, file, ...). Closing it closes inner, which must outlive it. A repeated
 * question is kept again (the first counts when it is read). */
void driver_record(struct driver *out, struct driver *inner, const struct probe_input *in, const char *file);
/* One line of a recording, with a newline; remark may be NULL. Returns what snprintf would. */
int driver_line(char *buf, size_t n, const struct driver_call *call, const struct driver_question *q, const struct driver_answer *a, const char *remark);
/* Reads one line (n bytes). 1 read, 0 an empty line or a remark, -1 not understood (*why says it). Text goes to `text`, rows to `rows`. */
int driver_parse(struct driver_question *q, struct driver_answer *out, const struct driver_call *calls, unsigned n_calls, const char *line, size_t n,
	char text[DRIVER_TEXT], struct driver_row rows[DRIVER_ROWS], const char **why);

#endif
