/* What the machine can do: multiply-adds of a core and of all, and memory bandwidth. */
#ifndef OM_BENCH_MACHINE_H
#define OM_BENCH_MACHINE_H

#include <stdbool.h>

#include "model/kernels/kernels.h"

enum { OM_MOST_SETS = 4, OM_PROCESSOR_BYTES = 96 };

/* Peaks in one instruction set, 1e9 multiply-adds per second. */
typedef struct om_peak {
    const char *name;
    double core_gfma_s, all_gfma_s; /* all: every core at once, 0 where not measured */
} om_peak;

typedef struct om_machine {
    char processor[OM_PROCESSOR_BYTES];
    int cores;           /* that this process may run on */
    double cache_mb;     /* of the last level; MB are 1e6 bytes everywhere */
    double load_average; /* of the last minute, before the measurement */
    int n_peaks;
    om_peak peaks[OM_MOST_SETS]; /* of the instruction sets that it has */
    /* bandwidth by a buffer of several last-level caches, of one core and of all at once */
    double core_read_gb_s, core_write_gb_s, all_read_gb_s, all_write_gb_s;
} om_machine;

/* Names the machine, and measures: with brief only what one core does. To be called before OpenMP
 * has started threads. */
om_status om_machine_measure(bool brief, om_machine *machine);

/* 1e9 multiply-adds per second of the calling thread, by the wall or by its CPU time: the best of a few
 * tries in about 2 ms, to be repeated between pieces of the work that is compared with it. */
double om_peak_now(const om_kernels *kernels, bool wall);

#endif
