/* proc_text.h - the forms of text that /proc and /sys use: "Key:  value" lines, numbers, lists and masks of processors.
 *
 * Pure; all texts end with a NUL. */
#ifndef PROC_TEXT_H
#define PROC_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The value in the first line that begins with key and then blanks or a colon ("MemTotal:  24684084 kB", "model name\t: AMD",
 * "anon 512"): a pointer into text that ends at the line's end. NULL: no such line. */
const char *proc_field(const char *text, const char *key);
/* The line after the one at p; NULL behind the last. */
const char *proc_next(const char *p);
/* Length of the line at p, without blanks at its end. */
size_t proc_length(const char *p);
/* Decimal digits at p, whatever follows. 0, or -1: p is NULL, no digit, over 64 bits. */
int proc_number(uint64_t *out, const char *p);
/* "25757 kB": the number times 1024, which is what the kernel means by kB. 0 or -1. */
int proc_kib(uint64_t *out, const char *p);
/* Whether word is one of the blank-separated words of the line at p. */
int proc_word(const char *p, const char *word);

/* Processors by number. CPUS: NR_CPUS of a Linux kernel built with MAXSMP, the most that x86 has. */
enum { CPUS = 8192 };
struct cpu_set { uint64_t bit[CPUS / 64]; };
/* "0-3,8,10-11" ("0-31:2/4" too, as cpusets print them). 0, or -1 and an empty set: no such text, or a number of CPUS and over. */
int cpu_set_list(struct cpu_set *out, const char *text);
/* "ffffffff,00000001": the highest first, in groups of 32. 0 or -1. */
int cpu_set_mask(struct cpu_set *out, const char *text);
uint32_t cpu_set_count(const struct cpu_set *s);
uint32_t cpu_set_first(const struct cpu_set *s);         /* CPUS: empty */
void cpu_set_and(struct cpu_set *s, const struct cpu_set *with);
void cpu_set_or(struct cpu_set *s, const struct cpu_set *with);
static inline int cpu_set_has(const struct cpu_set *s, uint32_t i) { return i < CPUS && (s->bit[i / 64] >> (i % 64) & 1); }
static inline void cpu_set_add(struct cpu_set *s, uint32_t i) { if (i < CPUS) s->bit[i / 64] |= UINT64_C(1) << (i % 64); }

#endif
