/* cpu_order.h - the processors this process may use, in the order in which threads should take them. */
#ifndef CPU_ORDER_H
#define CPU_ORDER_H

/* Fills cpu with at most `max` numbers: one thread of each core before the second of any, and memory nodes (or, where there is one, packages) in turn, so that the
 * first n of the list are the n threads that get in each other's way least. Returns how many; 0 where the system does not say. A caller that a pool keeps on one
 * processor may use only that one. */
unsigned cpu_order(unsigned *cpu, unsigned max);

/* The same from a folder with the files of /sys/devices/system/cpu (and node beside it), for the processors in `may` (n of them, ascending). */
unsigned cpu_order_from(unsigned *cpu, unsigned max, const char *folder, const unsigned *may, unsigned n);

/* Processors' worth of time that the control group grants, rounded up: more threads than that stand still by turns. 0: no limit. folder: the groups' files as this process
 * sees them in a container; NULL: /sys/fs/cgroup. */
unsigned cpu_quota(const char *folder);

#endif
