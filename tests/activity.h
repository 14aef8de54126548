/* For tests of the decoder alone: activity put where the network would have left it, and the gradient
 * by it taken from where the decoder leaves it. One map at a time, [n_columns]. */
#ifndef ACTIVITY_H
#define ACTIVITY_H

#include "model/network.h"

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

#endif
