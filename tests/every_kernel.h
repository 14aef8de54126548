/* For tests that try the same on every instruction set that this machine runs. */
#ifndef TESTS_EVERY_KERNEL_H
#define TESTS_EVERY_KERNEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/network.h"
#include "naive.h"
#include "ommatid/om_status.h"

#ifdef OM_REAL_IS_DOUBLE
static const double FORWARD = 1e-11, GRADIENT = 1e-10;
#else
static const double FORWARD = 2e-5, GRADIENT = 2e-4;
#endif

static const double DT = 0.02, GREY_S = 0.1;

static const char *const isas[] = {"plain", "portable", "avx2", "avx512"};
enum { N_ISAS = sizeof isas / sizeof isas[0] };

static inline bool available(const char *isa)
{
    const om_kernels *kernels;
    if (om_kernels_select(isa, &kernels) == OM_OK) return true;
    print_message("skipped: %s\n", om_message());
    return false;
}

/* Inputs must be exact in single precision. */
static inline void round_to_float(int n, double *x)
{
    for (int i = 0; i < n; i++) x[i] = (double)(float)x[i];
}

/* from may be NULL: zeros; free() it */
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

/* The state after a frame (-1: before the first) as [sample][cell], samples `stride` numbers apart. */
static inline void read_state(const naive_model *m, const om_network *network, int batch, int frame,
                              int stride, double *out)
{
    om_real *map = reals((size_t)m->n_columns, NULL);
    for (int b = 0; b < batch; b++, out += stride)
        for (int i = 0; i < m->n_cells; i++) {
            if (i == 0 || m->cells[i].type != m->cells[i - 1].type)
                om_network_activity(network, b, frame, m->cells[i].type, map);
            out[i] = (double)map[m->cells[i].column];
        }
    free(map);
}

/* [sample][frame][cell] */
static inline void read_activity(const naive_model *m, const om_network *network, int batch,
                                 int frames, double *out)
{
    for (int f = 0; f < frames; f++)
        read_state(m, network, batch, f, frames * m->n_cells, out + f * m->n_cells);
}

/* [sample][type][column] to [sample][cell] */
static inline void copy_initial(const naive_model *m, int batch, const om_real *from, double *to)
{
    for (int b = 0; b < batch; b++)
        for (int i = 0; i < m->n_cells; i++) {
            int map = b * m->circuit->n_types + m->cells[i].type;
            *to++ = (double)from[map * m->n_columns + m->cells[i].column];
        }
}

#endif
