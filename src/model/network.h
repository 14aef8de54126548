/* The network: dynamics of all cells over a film, and their adjoint (model.md 3).
 *
 *     V(t+1) = V(t) + rate (-V(t) + b + sum_j w_j f(V_j(t)) + stimulus(t)),  rate = dt / max(tau, dt)
 *
 * A network is a workspace for a batch: it holds the parameters last set, the history of V and the
 * gradient that comes from outside. Samples are computed in quads; results of a sample do not depend
 * on which other samples it is with, nor on threads. One of a team has a part of a batch: its samples and
 * quads are counted from its own first ones. */
#ifndef OM_MODEL_NETWORK_H
#define OM_MODEL_NETWORK_H

#include "model/geometry.h"
#include "model/kernels/kernels.h"
#include "model/share.h"
#include "ommatid/om_activation.h"

typedef struct om_network om_network;

typedef struct om_network_options {
    int batch, frames; /* samples of the whole batch */
    double dt_s;
    int threads;
    const om_kernels *kernels;
    om_activation activation;
    int fade_in_steps;    /* from the settled state into each film's first frame; 0: none */
    bool gradient_of_all; /* dLoss/dV may come in for every type, not only for the outputs */
    bool forward_only;    /* there will be no adjoint */
    const om_exchange
        *exchange; /* of a team that divides the batch (om_share_of()), where this network
                                    computes a part of it; must outlive it. NULL: all of it */
} om_network_options;

om_status om_network_create(const om_circuit *circuit, const om_network_options *options,
                            om_network **network);
void om_network_free(om_network *network); /* accepts NULL */
/* Bytes that such a network allocates, with its own geometry. */
size_t om_network_bytes(const om_circuit *circuit, const om_geometry *geometry,
                        const om_network_options *options);
const om_geometry *om_network_geometry(const om_network *network);

/* Synapse counts of the taps, in the circuit's order [n_taps]; NULL: the circuit's own. They take
 * effect with the next om_network_set_params(). */
void om_network_set_counts(om_network *network, const double *counts);
/* params: the vector's network part [n_network]. */
void om_network_set_params(om_network *network, const om_real *params);
/* luminance [frames][n_columns] of one sample, 0 <= sample < batch (of one of a team: its own samples). */
void om_network_set_luminance(om_network *network, int sample, const om_real *luminance);
/* The state that every sample starts from: V = b, then `steps` steps of constant luminance. */
void om_network_settle(om_network *network, int steps, om_real luminance);
/* The whole film from there. With fade_in_steps n each sample first takes n steps under
 * grey + k / (n - 1) (frame 0 - grey), k = 0 .. n - 1, grey the luminance that it settled under;
 * history frame -1 is then the state after them, and no gradient goes further back. */
void om_network_forward(om_network *network);
/* The next `frames` frames (1 to the options' frames) of a longer film: every sample goes on from the
 * state after frame `last` (-1: before the first) of the history, which becomes frame -1. The
 * luminance that was set is that of these frames. A film in parts gives the bits of a whole one. */
void om_network_continue(om_network *network, int last, int frames);

/* V after the step driven by `frame`, compact [n_types]; frame -1 is the state before frame 0. Quads of
 * samples: quad q holds samples 4q .. 4q + 3. */
const om_real *om_network_history(const om_network *network, int quad, int frame);
/* Activity of one type [n_columns]; 0 where the type has no cell. */
void om_network_activity(const om_network *network, int sample, int frame, int type, om_real *out);

/* The voltage farthest from 0 of a type's central cell. */
typedef struct om_extreme {
    om_real voltage;
    int type;
} om_extreme;
/* Among the first so many samples of the film that was run last, and what *extreme was before. */
void om_network_find_extreme(const om_network *network, int samples, om_extreme *extreme);

/* Not of a network that is forward_only, as om_network_adjoint().
 * dLoss/dV after `frame`, compact [n_outputs] (or [n_types], gradient_of_all): to be written before
 * the adjoint. Lanes of samples past the batch must be 0. */
om_real *om_network_external(om_network *network, int quad, int frame);
/* Activity penalty of the film that was run: activity * mean over samples and types of
 * g(baseline - m)^2, m the mean over frames frames/4.. of the central cell, g(x) = x above zero and
 * 0.1 x below (model.md 5). */
typedef struct om_penalty {
    double activity, baseline;
    double value; /* written: the penalty */
    om_real *
        d_resting; /* [n_types], written: its gradient by the resting potentials, through the dynamics */
} om_penalty;

/* Adjoint of om_network_forward(): d_params [n_network] = dLoss/dparams, over the whole batch.
 * penalty: its gradient too, which goes the same way; NULL: none.
 * d_luminance [batch][frames][n_columns] and d_initial [batch][n_types][n_columns] may be NULL. */
void om_network_adjoint(om_network *network, om_penalty *penalty, om_real *d_params,
                        om_real *d_luminance, om_real *d_initial);

#endif
