/* For tests of the decoder: activity put where the network would have left it, the gradient by it taken
 * from where the decoder leaves it (one map at a time, [n_columns]), and dropout's bits. */
#ifndef TESTS_DECODER_BENCH_H
#define TESTS_DECODER_BENCH_H

#include "model/decoder.h"

/* frame: as of om_network_history(), which is const to all but the network and the test in its place. */
static inline void put_activity(om_network *network, int sample, int frame, int type,
                                const double *columns)
{
    const om_geometry *g = om_network_geometry(network);
    om_real *step = (om_real *)om_network_history(network, sample / OM_QUAD, frame);
    om_real *map = step + (size_t)type * g->compact * OM_QUAD + sample % OM_QUAD;
    for (int c = 0; c < g->n_columns; c++) map[g->compact_cell[c] * OM_QUAD] = (om_real)columns[c];
}

/* output: number of the type among the outputs. */
static inline void get_gradient(om_network *network, int sample, int frame, int output,
                                double *columns)
{
    const om_geometry *g = om_network_geometry(network);
    const om_real *step = om_network_external(network, sample / OM_QUAD, frame);
    const om_real *map = step + (size_t)output * g->compact * OM_QUAD + sample % OM_QUAD;
    for (int c = 0; c < g->n_columns; c++) columns[c] = (double)map[g->compact_cell[c] * OM_QUAD];
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

#endif
