/* A second implementation of the model: naive, in double precision, sharing no code with the
 * library. It is what the library's kernels are judged by, so clarity comes before everything:
 * explicit lists of cells and of edges between them, loops that read like the equations, every
 * intermediate kept. Of the library it uses types and constants only, never a function.
 *
 * Arrays are plain doubles, the last index fastest. `params` is one vector in the order of
 * om_params.h. Gradients are *added* to d_ arrays. A sample's frames follow each other, so arrays
 * over samples and frames can be read as arrays over images, image = sample * frames + frame.
 * A failed allocation fails the running test. */
#ifndef NAIVE_H
#define NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_circuit.h"
#include "ommatid/om_loss.h"
#include "ommatid/om_params.h"

typedef struct naive_cell {
    int type, column;
    int u, v;
} naive_cell;

typedef struct naive_edge {
    int source, target; /* cells */
    int pair;
    double count; /* synapses times the sign of the pair: weight = count * strength */
} naive_edge;

/* A circuit spelled out. Needs only types, pairs, taps, inputs, outputs and extent of om_circuit;
 * everything derived (numbers of cells and edges, mean counts) is derived anew. */
typedef struct naive_model {
    const om_circuit *circuit;
    om_layout layout;
    int n_columns, n_cells, n_edges;
    int side;                 /* of the decoder's square array: 2 * extent + 1 */
    int *column_u, *column_v; /* [n_columns] */
    int *column_at;           /* [side][side] by u + extent, v + extent; -1 outside the hexagon */
    naive_cell *cells;        /* [n_cells], type by type, in a type by column */
    naive_edge *edges;        /* [n_edges], pair by pair, in a pair tap by tap */
    int *cell_at;             /* [n_types][n_columns], -1 where the type has no cell */
    bool *input;              /* [n_types] receives luminance */
} naive_model;

naive_model *naive_create(const om_circuit *circuit); /* which must outlive the model */
void naive_free(naive_model *model);                  /* accepts NULL */
void *naive_zeroed(size_t n, size_t size);            /* free() it */
double *naive_zeros(int n);                           /* free() it */
/* Cell of a type in column (u, v), -1 if there is none or no such column. */
int naive_find_cell(const naive_model *model, int type, int u, int v);
/* Whether a parameter is an entry of a kernel outside its hexagon: always 0, never trained. */
bool naive_masked(const naive_model *model, size_t parameter);

/* The nine kinds of parameters, in the vector's order. */
enum {
    NAIVE_RESTING_POTENTIAL,
    NAIVE_TIME_CONSTANT,
    NAIVE_STRENGTH,
    NAIVE_CONV1_WEIGHT,
    NAIVE_CONV1_BIAS,
    NAIVE_NORM_WEIGHT,
    NAIVE_NORM_BIAS,
    NAIVE_CONV2_WEIGHT,
    NAIVE_CONV2_BIAS,
    NAIVE_PARTS,
    NAIVE_DECODER = NAIVE_CONV1_WEIGHT /* the first part of the decoder */
};

typedef struct naive_part {
    const char *name;
    size_t first; /* in the vector */
    int n;
} naive_part;

naive_part naive_part_of(const naive_model *model, int part);

/* Network (network.c; model.md 3) ------------------------------------------------------------ */

typedef enum naive_activation {
    NAIVE_RELU,
    NAIVE_LEAKY_RELU, /* slope 0.01 */
    NAIVE_ELU,
    NAIVE_SOFTPLUS, /* the identity above 20 */
    NAIVE_TANH,
    NAIVE_SIGMOID,
    NAIVE_ACTIVATIONS
} naive_activation;

double naive_activate(naive_activation activation, double x);
double naive_slope(naive_activation activation, double x); /* its derivative; at a kink the left */

typedef struct naive_run {
    naive_activation activation;
    double dt_s;
    int samples, frames;
} naive_run;

/* strength [n_pairs] = scale / (mean synapse count over the pair's edges); 0 without edges. */
void naive_initial_strength(const naive_model *model, double scale, double *strength);
/* Strengths below 0 become 0, in place. */
void naive_clamp(const naive_model *model, double *params);
/* state [sample][cell], the same for every sample: from V = resting potential through
 * (int)(t_pre_s / dt_s) steps of luminance 0.5. */
void naive_steady_state(const naive_model *model, const naive_run *run, double t_pre_s,
                        const double *params, double *state);
/* state, as naive_steady_state() left it, after `steps` steps of luminance 0.5 + k / (steps - 1) (frame
 * 0 - 0.5), k = 0 .. steps - 1. */
void naive_fade_in(const naive_model *model, const naive_run *run, int steps, const double *params,
                   const double *luminance, double *state);
/* luminance [sample][frame][column], initial [sample][cell] -> activity [sample][frame][cell]:
 * the state after the step driven by the frame. */
void naive_forward(const naive_model *model, const naive_run *run, const double *params,
                   const double *luminance, const double *initial, double *activity);
/* From d_activity [sample][frame][cell], the loss's derivative by each returned activity: d_params
 * [n_params], d_luminance as luminance, d_initial as initial; each may be NULL. The gradient of a
 * time constant is 0 where it is at most dt. */
void naive_adjoint(const naive_model *model, const naive_run *run, const double *params,
                   const double *luminance, const double *initial, const double *activity,
                   const double *d_activity, double *d_params, double *d_luminance,
                   double *d_initial);

/* Decoder (decoder.c; model.md 4) ------------------------------------------------------------ */

typedef struct naive_decode_options {
    int samples, frames;
    bool training;  /* normalise by the batch's own statistics, else by the running ones */
    double dropout; /* probability */
    /* [sample][frame][OM_HIDDEN][side * side], 1 keeps, 0 drops; NULL: no dropout at all */
    const double *keep;
} naive_decode_options;

/* What a forward pass through the decoder went through (options.keep is borrowed). Arrays are
 * [image][channel][row][column] over the square array, row = u + extent, column = v + extent. */
typedef struct naive_decoded {
    naive_decode_options options;
    double *input;                          /* n_outputs channels: max(0, V) */
    double *hidden;                         /* OM_HIDDEN: after the first convolution */
    double mean[OM_HIDDEN], var[OM_HIDDEN]; /* that it is normalised with */
    double *normalised;                     /* (hidden - mean) / sqrt(var + 1e-5) */
    double *scaled;                         /* norm weight * normalised + norm bias */
    double *kept;                           /* softplus(scaled), after dropout */
    double *head;                           /* OM_HEAD: after the second convolution */
} naive_decoded;

/* activity [sample][frame][cell] -> flow [sample][frame][2][column].
 * running_mean, running_var [OM_HIDDEN]: used as they are, or in training updated (momentum 0.1,
 * with the unbiased variance). Free the result with naive_decoded_free(). */
naive_decoded *naive_decode(const naive_model *model, const naive_decode_options *options,
                            const double *params, double *running_mean, double *running_var,
                            const double *activity, double *flow);
void naive_decoded_free(naive_decoded *decoded);
/* d_params [n_params] (masked entries untouched; in training conv1 bias too: its gradient is
 * exactly 0) and d_activity as activity; each may be NULL. */
void naive_decode_adjoint(const naive_model *model, const naive_decoded *decoded,
                          const double *params, const double *d_flow, double *d_params,
                          double *d_activity);

/* Training (train.c; model.md 5 and 8) ------------------------------------------------------- */

/* prediction, target, d_prediction [sample][frame][2][column]; d_prediction may be NULL. Where an
 * error is exactly 0 the gradient is 0. */
double naive_loss(om_loss kind, int samples, int frames, int columns, const double *prediction,
                  const double *target, double *d_prediction);

/* 0.1 * mean over samples and types of g(5 - m)^2, m the mean over frames >= frames / 4 of the
 * central cell's V, g(x) = x or 0.1 x below 0; weight and baseline are those 0.1 and 5.
 * d_activity [sample][frame][cell] may be NULL. */
double naive_penalty(const naive_model *model, int samples, int frames, double weight,
                     double baseline, const double *activity, double *d_activity);
/* Value of the penalty and its gradient by the resting potentials alone, d_resting [n_types]. */
double naive_penalty_gradient(const naive_model *model, const naive_run *run, double weight,
                              double baseline, const double *params, const double *luminance,
                              const double *initial, const double *activity, double *d_resting);

typedef struct naive_batch {
    const double *luminance; /* [sample][frame][column] */
    const double *flow;      /* [sample][frame][2][column] */
    const double *initial;   /* [sample][cell] */
    const double *keep;      /* as in naive_decode_options */
} naive_batch;

typedef struct naive_task {
    naive_run run;
    om_loss loss;
    bool training; /* of the decoder: as in naive_decode_options */
    double dropout;
} naive_task;

/* The task's loss from parameters, through network and decoder. running_mean, running_var as in
 * naive_decode(). May be NULL: activity, prediction (written), d_params (added to). */
double naive_task_loss(const naive_model *model, const naive_task *task, const double *params,
                       const naive_batch *batch, double *running_mean, double *running_var,
                       double *activity, double *prediction, double *d_params);

enum { NAIVE_HELD = NAIVE_DECODER }; /* parts of the network, which rules hold */

/* What parameters are held to, by part. Pairs without synapses are in no group and not bounded. */
typedef struct naive_rules {
    double lowest[NAIVE_HELD], highest[NAIVE_HELD];
    const int *group[NAIVE_HELD];  /* [n] of each parameter, 0: in none; NULL: no groups */
    bool fixed[NAIVE_DECODER + 1]; /* parts, and the whole decoder: never change in training */
} naive_rules;

/* Brings the parameters into their bounds, then those of a group to their mean, in place; but not those
 * that are fixed, unless `all`. */
void naive_hold(const naive_model *model, const naive_rules *rules, bool all, double *params);

/* A model in training. The arrays belong to the caller: [n_params] and [OM_HIDDEN]. */
typedef struct naive_training {
    naive_task task;
    const naive_rules *rules; /* NULL: strengths are 0 or more */
    double rate_network, rate_decoder;
    double penalty_weight, penalty_baseline; /* weight 0: no penalty step */
    int iterations;                          /* done so far */
    double *params, *moment1, *moment2;
    double *running_mean, *running_var;
} naive_training;

typedef struct naive_report {
    double loss, epe, penalty, mean_activity; /* of the forward pass */
} naive_report;

/* One Adam step (0.9, 0.999, 1e-8) on all parameters; d_params [n_params]. Counts it as one more
 * iteration. */
void naive_adam(const naive_model *model, naive_training *training, const double *d_params);
/* One iteration: rules, forward, loss, adjoint, Adam, penalty step on the resting potentials (from
 * the same forward pass, with the network's rate), rules. */
naive_report naive_iterate(const naive_model *model, naive_training *training,
                           const naive_batch *batch);

/* Help for tests (random.c, compare.c) -------------------------------------------------------- */

/* Uniform in [0, 1) from a counter that it advances; standard normal likewise. */
double naive_uniform(uint64_t *seed);
double naive_normal(uint64_t *seed);
/* Draws n normals with mean and standard deviation. */
void naive_fill(uint64_t *seed, int n, double mean, double std, double *out);

/* A random circuit with every field filled: `pairs` different (source, target) pairs with 1 to 6
 * taps of radius 2, some with fractional counts; a third of the types are inputs, a third outputs.
 * The last pair never has a synapse. With `strides` the type in the middle has stride (3, 2) and
 * the last, an output, (2, 1). Needs types >= 4 and pairs <= types^2 / 2.
 * Free with naive_circuit_free(). */
om_circuit *naive_random_circuit(uint64_t seed, int types, int pairs, int extent, bool strides);
/* Fills what follows from types, pairs, taps and extent (and must be 0 before): numbers of columns,
 * cells and edges, mean counts, max_offset. */
void naive_circuit_count(om_circuit *circuit);
void naive_circuit_free(om_circuit *circuit); /* accepts NULL */

/* Random parameters in a lively but stable range: strengths around their initial value, some time
 * constants below 0.02 s, kernels with random entries, masked ones 0. params [n_params]. */
void naive_random_params(uint64_t seed, const naive_model *model, double *params);

/* Central difference of f(context) by *x, with step h; *x is as before afterwards. */
double naive_difference(double (*f)(void *context), void *context, double *x, double h);

/* Root-mean-square error over the root mean square of `expected - from` (from NULL: 0; for
 * parameters after training, their value before it). 0 / 0 is 0. */
double naive_error(int n, const double *actual, const double *expected, const double *from);
/* Whether naive_error() is at most `limit`, no single error more than 20 times that, and all is
 * finite; prints `what` with both figures. */
bool naive_agrees(const char *what, int n, const double *actual, const double *expected,
                  const double *from, double limit);

#endif
