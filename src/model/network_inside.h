/* What the two halves of the network share: its memory, and how threads share its quads. */
#ifndef OM_MODEL_NETWORK_INSIDE_H
#define OM_MODEL_NETWORK_INSIDE_H

#include "model/network.h"
#include "model/network_tables.h"

/* What a quad needs while it is computed. */
typedef struct om_workspace {
    om_real *plane[2];    /* padded: V, later mu, of this step and the next */
    om_real *penalty[2];  /* padded: mu of the penalty, likewise */
    om_real *activity[2]; /* padded: f(V), where f is not relu */
    om_real *fade_in;     /* [fade_in_steps] compact: its stimulus before its film */
    const om_real **maps; /* [n_types] compact: V before the film; dLoss/dV of a step */
    om_real *central;     /* [n_types][4] penalty's gradient at the central cells */
    om_real *sum_strength, *sum_resting, *sum_rate, *sum_penalty; /* by lane */
    double penalty_value;
} om_workspace;

/* A quad and those who compute it. */
typedef struct om_crew {
    int quad, threads;
    om_workspace *work;
} om_crew;

struct om_network {
    const om_circuit *circuit;
    om_network_options options;
    om_layout layout;
    om_geometry *geometry;
    om_network_order order;
    om_share share;
    int quads, n_external;    /* own quads */
    int side_by_side;         /* quads that are computed at the same time */
    int *external_of;         /* [n_types] its place in `external`, or -1 */
    size_t padded, map, step; /* numbers in the planes, a compact map, a compact step */
    om_workspace *work;       /* [side_by_side] */
    om_real *initial;         /* compact [n_types]: the state before the first frame */
    om_real *history;         /* [quads][frames + 1][n_types] compact */
    om_real grey;             /* luminance that the initial state settled under */
    om_real *stimulus;        /* [quads][frames] compact */
    om_real *external;        /* [quads][frames][n_external] compact */
    size_t n_sums;            /* n_network, then n_types of the penalty, then its value */
    double *sums;             /* [quads of the whole batch][n_sums][4 samples] */
    double *total;            /* [n_sums] over samples */
    int *forward_bound, *back_bound, *source_bound; /* [threads + 1] */
};

/* V after a frame; frame -1 is the state before frame 0. */
static inline om_real *om_history_at(const om_network *n, int quad, int frame)
{
    size_t steps = (size_t)n->options.frames + 1;
    return n->history + ((size_t)quad * steps + (size_t)(frame + 1)) * n->step;
}

/* Map 0 of a padded plane; NULL if there is none. */
static inline om_real *om_map_0(const om_network *n, om_real *plane)
{
    return plane != NULL ? plane + n->geometry->margin * OM_QUAD : NULL;
}

/* Copies compact maps into padded ones, scaled by scale[type] where given; a map that is NULL is 0. */
void om_network_spread(const om_network *n, const om_real *const *maps, const om_real *scale,
                       om_real *padded);

/* A task on one quad, by the threads of its crew. */
typedef void om_on_quad(om_network *n, const om_crew *c, const void *task);

/* Runs a task on every quad: side by side, a thread each, as long as there are quads for all threads;
 * else one after another by all threads. gather, which may be NULL, follows in the quads' order. */
void om_network_run_quads(om_network *n, om_on_quad *work, om_on_quad *gather, const void *task);

#endif
