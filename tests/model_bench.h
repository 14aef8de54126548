/* What tests that compare network and decoder with the naive model share: limits, numbers in the
 * library's precision, dropout's bits, the kernels that this machine runs. */
#ifndef MODEL_BENCH_H
#define MODEL_BENCH_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/decoder.h"
#include "model/network.h"
#include "naive.h"

#ifdef OM_REAL_IS_DOUBLE
static const double FORWARD = 1e-11, GRADIENT = 1e-10;
#else
static const double FORWARD = 2e-5, GRADIENT = 2e-4;
#endif

static inline void round_to_float(int n, double *x)
{
    for (int i = 0; i < n; i++) x[i] = (double)(float)x[i];
}

static inline om_real *reals(size_t n, const double *from)
{
    om_real *out = naive_zeroed(n, sizeof *out);
    for (size_t i = 0; from != NULL && i < n; i++) out[i] = (om_real)from[i];
    return out;
}

static inline void copy(size_t n, const om_real *from, double *to)
{
    for (size_t i = 0; i < n; i++) to[i] = (double)from[i];
}

/* Naive masks [sample][frame][channel][cell] as the decoder's bits. */
static inline void set_keep(om_decoder *decoder, int batch, int frames, const double *keep)
{
    int side = om_decoder_side(decoder), per_quad = om_decoder_blocks_per_quad(decoder);
    for (int b = 0; b < batch; b++)
        for (int f = 0; f < frames; f++)
            for (int i = 0; i < OM_HIDDEN * side * side; i++) {
                int block = b / 4 * per_quad + f / 4, bit = f % 4 * 4 + b % 4;
                uint16_t *place = om_decoder_keep(decoder) + block * OM_HIDDEN * side * side + i;
                double kept = keep[(b * frames + f) * OM_HIDDEN * side * side + i];
                *place = (uint16_t)((*place & ~(1U << bit)) | (unsigned)(kept > 0) << bit);
            }
}

static const char *const isas[] = {"plain", "portable", "avx2", "avx512"};
enum { N_ISAS = sizeof isas / sizeof isas[0] };

static inline bool available(const char *isa)
{
    const om_kernels *kernels;
    if (om_kernels_select(isa, &kernels) == OM_OK) return true;
    print_message("skipped: %s\n", om_message());
    return false;
}

#endif
