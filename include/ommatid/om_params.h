/* The free parameters of one model, as one vector of numbers with names.
 *
 * params = [resting potential: n_types][time constant, s: n_types][strength: n_pairs][decoder], the
 * decoder as [conv1 weight: 8][n_outputs][5][5] [conv1 bias: 8] [norm weight: 8] [norm bias: 8]
 * [conv2 weight: 3][8][5][5] [conv2 bias: 3]. Masked kernel entries (row + column offset outside
 * the radius-2 hexagon) are counted, stay zero and have no gradient. */
#ifndef OM_PARAMS_H
#define OM_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_circuit.h"

enum {
    OM_HIDDEN = 8,        /* channels of the decoder's hidden layer */
    OM_HEAD = 3,          /* channels of its output: flow x, flow y, divisor */
    OM_KERNEL = 5,        /* side of a kernel's array */
    OM_KERNEL_CELLS = 25, /* of which 19 are inside the hexagon */
    OM_KERNEL_TAPS = 19
};

typedef struct om_layout {
    int n_types, n_pairs, n_outputs;
    /* first element of each part in the vector */
    size_t resting_potential, time_constant, strength;
    size_t conv1_weight, conv1_bias, norm_weight, norm_bias, conv2_weight, conv2_bias;
    size_t decoder;   /* == conv1_weight: the decoder's parameters are the vector's tail */
    size_t n_network; /* parameters before the decoder's */
    size_t n_decoder;
    size_t n_params; /* n_network + n_decoder */
} om_layout;

om_layout om_layout_of(const om_circuit *circuit);

/* How the decoder's first convolution is computed; results agree up to rounding. */
typedef enum om_convolution {
    OM_CONVOLUTION_AUTO, /* the faster of the two, by a fixed table of extents */
    OM_CONVOLUTION_DIRECT,
    OM_CONVOLUTION_FFT /* where it is possible: up to extent 15 */
} om_convolution;

/* Which one a choice means at an extent: DIRECT or FFT. */
om_convolution om_convolution_at(om_convolution choice, int extent);

/* Where initial resting potentials come from. */
typedef enum om_draws {
    OM_DRAWS_PHILOX, /* the model's own stream (om_random.h) */
    OM_DRAWS_TORCH   /* torch's generator with the ensemble's seed (its lower 32 bits), in single
                        precision: the paper's, the same for all models */
} om_draws;

typedef struct om_init_options {
    double resting_potential_mean, resting_potential_std; /* normal; paper: 0.5, 0.05 */
    double time_constant_s;                               /* paper: 0.05 */
    double strength_scale; /* strength = scale / mean synapse count of the pair; paper: 0.01 */
    double decoder_mean,
        decoder_std; /* convolution weights, normal; biases: mean. Paper: 0.001, 0 */
    bool shared;     /* every model starts from model 0's draw, as the paper's ensembles do */
    om_draws draws;  /* of resting potentials; what else is drawn comes from the stream */
} om_init_options;

/* Initial parameters of a model, from its own stream (seed, model, OM_FOR_INIT).
 * params: [layout.n_params], written. Pairs without synapses get strength 0. (model.md 3, 4) */
void om_params_init(const om_circuit *circuit, const om_init_options *options, uint64_t seed,
                    uint32_t model, om_real *params);

/* Whether entry (row, column) of a 5 x 5 kernel lies inside the hexagon: |row + column - 4| <= 2.
 */
bool om_kernel_inside(int row, int column);

#endif
