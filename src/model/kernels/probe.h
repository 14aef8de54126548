/* What one core can do at the very most, in the same vectors as the kernels: multiply-adds that wait
 * for nothing, and numbers read from or written to memory in order. What kernels reach is told as a
 * share of these. */
#ifndef OM_KERNELS_PROBE_H
#define OM_KERNELS_PROBE_H

#include "model/kernels/kernels.h"

typedef struct om_probe {
    const char *name; /* that of the kernels */
    /* Does rounds times so many fused multiply-adds (portable: a multiplication and an addition each)
     * in registers; returns their number. */
    double (*multiply_add)(long rounds);
    /* Reads n numbers, a multiple of OM_PROBE_STEP, from memory aligned to 64 bytes; their sum. */
    om_real (*read)(const om_real *memory, size_t n);
    /* Writes x to as many, past the caches where the instruction set can. */
    void (*write)(om_real *memory, size_t n, om_real x);
} om_probe;

enum { OM_PROBE_STEP = 64 };

/* The probe in the vectors of these kernels; plain ones have those of the portable. */
const om_probe *om_probe_of(const om_kernels *kernels);

#endif
