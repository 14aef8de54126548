/* The kernels: all arithmetic that takes time, behind one table of functions.
 *
 * The vector kernels are compiled from the same sources for several instruction sets; plain.c holds
 * the plain C twin of each, which is the specification. One table is chosen at start-up and is all
 * that the rest of the program sees.
 *
 * Numbers of all kinds are om_real; a "strip" is four cells of four samples, 16 lanes (geometry.h). */
#ifndef OM_KERNELS_H
#define OM_KERNELS_H

#include <stdint.h>

#include "model/geometry.h"
#include "ommatid/om_activation.h"
#include "ommatid/om_params.h"

enum {
    OM_MOST_SHARED = 3 /* targets that share the load of a source at most */
};

/* ---- network ---- */

/* Types whose sums over taps are formed together: targets over their sources on the way forward, sources
 * over their targets on the way back, all called targets here. Operations (what is read, at an offset)
 * are sorted by the set of targets that they feed: `operations[mask]` of them for each set. */
typedef struct om_group {
    int n_targets, targets[OM_MOST_SHARED];
    int first_operation, first_weight;
    int operations[1 << OM_MOST_SHARED];
} om_group;

typedef struct om_groups {
    int n;
    om_group *groups; /* [n] */
    int *offset; /* of each operation: numbers from the target's cell in map 0 to what is read */
    om_real *weight; /* sign * count * strength, in the order of use */
} om_groups;

/* A pair as its source sees it: taps first_tap .. first_tap + n_taps - 1 of tap_offset, tap_count. */
typedef struct om_fan_out {
    int pair, first_tap, n_taps;
} om_fan_out;

/* What the network kernels read; weights and rates change with the parameters, all else is fixed. */
typedef struct om_network_tables {
    const om_geometry *geometry;
    om_activation activation;
    int n_types, n_pairs;
    om_groups forward, back;
    int *fan_out_first; /* [n_types + 1] into fan_out, adjoint */
    om_fan_out *fan_out;
    int *tap_offset; /* numbers from the source's cell in map 0 to the target's cell */
    om_real *tap_count;
    om_real *pair_weight;       /* [n_pairs] sign * strength */
    om_real *resting_potential; /* [n_types] */
    om_real *rate;              /* [n_types] dt / max(tau, dt) */
    unsigned char *is_input;    /* [n_types] */
} om_network_tables;

/* Planes of one step. Padded ones point at map 0 (past the margin). Only relu is applied wherever a
 * source is loaded; of every other activation function f there are planes, zero where there is no
 * cell. */
typedef struct om_step {
    const om_real *v;        /* padded [type]: V(t) */
    const om_real *f;        /* padded [type]: f(V(t)); NULL for relu */
    om_real *v_next;         /* padded [type]: V(t + 1), written */
    om_real *f_next;         /* padded [type]: f(V(t + 1)), written; NULL for relu */
    om_real *history_next;   /* compact [type]: V(t + 1), written */
    const om_real *stimulus; /* compact: luminance of frame t */
} om_step;

typedef struct om_adjoint_step {
    const om_real *mu;              /* padded [type]: rate * dLoss/dV(t + 1) */
    om_real *mu_before;             /* padded [type]: rate * dLoss/dV(t), written */
    const om_real *v;               /* compact [type]: V(t) */
    const om_real *v_next;          /* compact [type]: V(t + 1) */
    const om_real *const *external; /* [type] compact: dLoss/dV(t) from outside, or NULL */
    /* sums by lane, added to */
    om_real *d_strength; /* [n_pairs][16], unsigned */
    om_real *d_resting;  /* [n_types][16] */
    om_real *d_rate;     /* [n_types][16]: sum of mu (V(t + 1) - V(t)) */
} om_adjoint_step;

/* The same for the activity penalty, whose gradient reaches the resting potentials only: no pair has to be
 * summed by itself, so that sources can share loads as targets do on the way forward. */
typedef struct om_penalty_step {
    const om_real *mu;  /* padded [type] */
    om_real *mu_before; /* padded [type], written */
    const om_real *v;   /* compact [type]: V(t) */
    om_real *d_resting; /* [n_types][16], added to */
} om_penalty_step;

/* ---- decoder ---- */

typedef struct om_decoder_tables {
    const om_geometry *geometry;
    int n_outputs;
    int side;                   /* cells of an array's side: 2 extent + 1 */
    int padded_side;            /* with two cells of padding all round */
    int *first_cell, *end_cell; /* [side] cells of a row that conv1 computes: hexagon + 2 rings */
    int *row_first, *row_end;   /* [side] cells of a row inside the hexagon */
    int *row_compact;           /* [side] compact cell of row_first */
    int kernel_row[OM_KERNEL_TAPS], kernel_column[OM_KERNEL_TAPS]; /* -2..2 */
    /* offsets in numbers from a cell's place in an array [channel][padded_side^2][16] */
    int *conv1_offset;                                 /* [n_outputs * 19] input of conv1 */
    int conv1_back_offset[OM_HIDDEN * OM_KERNEL_TAPS]; /* its adjoint */
    int conv2_offset[OM_HIDDEN * OM_KERNEL_TAPS];
    int conv2_back_offset[OM_HEAD * OM_KERNEL_TAPS];
    /* weights, refreshed when the parameters change */
    om_real *conv1;      /* [n_outputs][19][8] */
    om_real *conv1_back; /* [(n_outputs + 3) / 4][8 * 19][4]: four channels together */
    om_real conv1_bias[OM_HIDDEN], norm_weight[OM_HIDDEN], norm_bias[OM_HIDDEN];
    om_real conv2[OM_HIDDEN * OM_KERNEL_TAPS * OM_HEAD];      /* [8][19][3] */
    om_real conv2_back[OM_HEAD * OM_KERNEL_TAPS * OM_HIDDEN]; /* [3][19][8] */
    om_real conv2_bias[OM_HEAD];
} om_decoder_tables;

/* Arrays of one block of four frames. "Padded" arrays have two zero cells all round. */
typedef struct om_block {
    om_real *input;    /* padded [n_outputs]: relu(V), zero outside the hexagon */
    om_real *conv1;    /* [8][side^2] output of conv1 */
    om_real *hidden;   /* padded [8]: after batch norm, softplus and dropout; later its adjoint */
    om_real *head;     /* [3][side^2] output of conv2 */
    om_real *target;   /* [2][side^2] flow */
    om_real *d_head;   /* padded [3] */
    om_real *d_hidden; /* [8][side^2] */
    om_real *d_conv1;  /* padded [8] */
    om_real *d_input;  /* [n_outputs][side^2] */
    om_real *d_conv1_weight; /* [n_outputs * 19][8][16] */
    om_real *d_conv2_weight; /* [3 * 19][8][16] */
    const uint16_t *keep;    /* [8][side^2] bit l: lane l is kept by dropout; NULL: all are */
    om_real lane[OM_LANES];  /* 1 for lanes that hold a frame of a sample, 0 for the rest */
} om_block;

/* Batch norm as scale and shift of each hidden channel, and what its adjoint needs. */
typedef struct om_norm {
    om_real scale[OM_HIDDEN], shift[OM_HIDDEN];  /* z = scale * y + shift */
    om_real mean[OM_HIDDEN], inverse[OM_HIDDEN]; /* y_hat = (y - mean) * inverse */
    om_real d_z[OM_HIDDEN], d_y[OM_HIDDEN],
        d_constant[OM_HIDDEN]; /* dL/dy = d_z g + d_y y + d_constant */
    om_real keep_scale;        /* 1 / (1 - dropout) */
} om_norm;

/* Results of a block, by lane. */
typedef struct om_block_sums {
    om_real mean[OM_HIDDEN][OM_LANES];   /* of conv1's output about its bias, over all cells */
    om_real square[OM_HIDDEN][OM_LANES]; /* sum of squares about that mean */
    om_real error_square[OM_LANES], error_length[OM_LANES]; /* sums over columns */
    om_real d_head_bias[OM_HEAD][OM_LANES];
    om_real d_z[OM_HIDDEN][OM_LANES], d_z_y_hat[OM_HIDDEN][OM_LANES];
} om_block_sums;

/* How the loss weighs a lane: dL/dflow = error * per_sample, or error / |error| * per_length. */
typedef struct om_loss_weight {
    om_real per_sample[OM_LANES]; /* l2norm: 1 / (batch * its root); 0 where the root is 0 */
    om_real per_length;           /* epe: 1 / (batch * frames * columns); 0 for l2norm */
} om_loss_weight;

/* ---- the table ---- */

typedef struct om_fft om_fft; /* fft.h */
typedef struct om_fft_kernels om_fft_kernels;

typedef struct om_kernels {
    const char *name;      /* "avx512", "avx2", "portable", "plain" */
    int targets_per_group; /* 1..OM_MOST_SHARED */

    /* f(V) of all types, padded, where the tables' activation is not relu. */
    void (*activate)(const om_network_tables *tables, const om_real *v, om_real *f);
    /* One Euler step of groups first .. end - 1: V(t + 1) from V(t).  (model.md 3) */
    void (*step)(const om_network_tables *tables, int first, int end, const om_step *step);
    /* Adjoint of step for source types first .. end - 1. */
    void (*step_adjoint)(const om_network_tables *tables, int first, int end,
                         const om_adjoint_step *step);
    /* The penalty's, for groups first .. end - 1 of those on the way back. */
    void (*step_penalty)(const om_network_tables *tables, int first, int end,
                         const om_penalty_step *step);

    /* Convolution 34 -> 8 over one block. */
    void (*conv1)(const om_decoder_tables *tables, const om_block *block);
    /* The same and its adjoint by Fourier transforms. */
    const om_fft_kernels *fft;
    /* Moments of conv1's output into sums. */
    void (*moments)(const om_decoder_tables *tables, const om_block *block, om_block_sums *sums);
    /* Batch norm, softplus, dropout, convolution 8 -> 3, flow and its errors. */
    void (*head)(const om_decoder_tables *tables, const om_norm *norm, const om_block *block,
                 om_block_sums *sums);
    /* Adjoint of head down to batch norm's output, which replaces block->hidden. */
    void (*head_adjoint)(const om_decoder_tables *tables, const om_norm *norm,
                         const om_loss_weight *weight, const om_block *block, om_block_sums *sums);
    /* Adjoint of batch norm and conv1. */
    void (*conv1_adjoint)(const om_decoder_tables *tables, const om_norm *norm,
                          const om_block *block);
} om_kernels;

/* Kernels by name, or the fastest that this machine runs for NULL (the environment's OMMATID_ISA
 * names one too). Errors: OM_EUSAGE for an unknown name or one that this machine cannot run. */
om_status om_kernels_select(const char *name, const om_kernels **kernels);

extern const om_kernels om_kernels_plain;

#endif
