/* Counts of the direct algorithm. */
#include "bench/work.h"

#include "ommatid/om_params.h"

const char *const om_stage_keys[OM_STAGES] = {
    [OM_STAGE_NETWORK] = "network_forward",
    [OM_STAGE_NETWORK_ADJOINT] = "network_adjoint",
    [OM_STAGE_BOTH_ADJOINTS] = "network_adjoint_penalised",
    [OM_STAGE_CONV1] = "first_convolution",
    [OM_STAGE_HEAD] = "head_forward",
    [OM_STAGE_HEAD_ADJOINT] = "head_adjoint",
    [OM_STAGE_CONV1_ADJOINT] = "first_convolution_adjoint",
    [OM_STAGE_DECODER] = "decoder_forward",
    [OM_STAGE_DECODER_ADJOINT] = "decoder_adjoint",
    [OM_STAGE_FILMS] = "films",
    [OM_STAGE_DROPOUT] = "dropout",
    [OM_STAGE_STEADY_STATE] = "steady_state",
    [OM_STAGE_PARAMETERS] = "parameters",
    [OM_STAGE_OPTIMISER] = "optimiser",
    [OM_STAGE_RECORDS] = "records",
};

const char *const om_stage_titles[OM_STAGES] = {
    [OM_STAGE_NETWORK] = "network, forward",
    [OM_STAGE_NETWORK_ADJOINT] = "network, adjoint",
    [OM_STAGE_BOTH_ADJOINTS] = "network, both adjoints",
    [OM_STAGE_CONV1] = "first convolution",
    [OM_STAGE_HEAD] = "head",
    [OM_STAGE_HEAD_ADJOINT] = "head, adjoint",
    [OM_STAGE_CONV1_ADJOINT] = "first convolution, adjoint",
    [OM_STAGE_DECODER] = "whole decoder, forward",
    [OM_STAGE_DECODER_ADJOINT] = "whole decoder, adjoint",
    [OM_STAGE_FILMS] = "augmentation and resampling",
    [OM_STAGE_DROPOUT] = "dropout's bits",
    [OM_STAGE_STEADY_STATE] = "steady state (a pass's share)",
    [OM_STAGE_PARAMETERS] = "weights for the kernels",
    [OM_STAGE_OPTIMISER] = "optimiser",
    [OM_STAGE_RECORDS] = "checks for divergence",
};

static void count_multiply_adds(om_work *w, const om_circuit *c, double sample_frames)
{
    double columns = sample_frames * c->n_columns, edges = sample_frames * (double)c->n_edges;
    double conv1 = columns * c->n_outputs * OM_HIDDEN * OM_KERNEL_TAPS;
    double conv2 = columns * OM_HIDDEN * OM_HEAD * OM_KERNEL_TAPS;
    double *n = w->multiply_adds;
    n[OM_STAGE_NETWORK] = edges;
    /* beside the taps, for each pair and column: its share of the source's adjoint, and of its
     * strength's gradient */
    n[OM_STAGE_NETWORK_ADJOINT] = edges + 2 * columns * c->n_live_pairs;
    n[OM_STAGE_BOTH_ADJOINTS] = n[OM_STAGE_NETWORK_ADJOINT] + edges;
    n[OM_STAGE_CONV1] = conv1;
    n[OM_STAGE_HEAD] = conv2;
    n[OM_STAGE_HEAD_ADJOINT] = 2 * conv2; /* by the weights, and by the input */
    n[OM_STAGE_CONV1_ADJOINT] = 2 * conv1;
    n[OM_STAGE_DECODER] = conv1 + conv2;
    n[OM_STAGE_DECODER_ADJOINT] = 2 * (conv1 + conv2);
    w->iteration = n[OM_STAGE_NETWORK] + n[OM_STAGE_NETWORK_ADJOINT] + n[OM_STAGE_DECODER] +
                   n[OM_STAGE_DECODER_ADJOINT];
    w->penalised = w->iteration + edges;
}

static void count_bytes(om_work *w, const om_circuit *c, const om_geometry *g, int quads,
                        int frames)
{
    const double blocks = (double)quads * ((frames + OM_FRAMES - 1) / OM_FRAMES);
    const double maps = (double)quads * frames; /* compact maps of one type */
    const double map = (double)om_compact_reals(g, 1) * sizeof(om_real);
    const double side = g->n_rows, lanes = OM_LANES * sizeof(om_real);
    const double array = blocks * side * side * lanes; /* one channel of all blocks */
    const double outputs = maps * map * c->n_outputs, all = maps * map * c->n_types;
    const double kept = blocks * side * side * OM_HIDDEN * sizeof(uint16_t);
    const double conv1_weights = blocks * c->n_outputs * OM_KERNEL_TAPS * OM_HIDDEN * lanes;
    const double conv2_weights = blocks * OM_HEAD * OM_KERNEL_TAPS * OM_HIDDEN * lanes;
    double *n = w->bytes;
    n[OM_STAGE_NETWORK] = all + maps * map;          /* history; stimulus */
    n[OM_STAGE_NETWORK_ADJOINT] = 2 * all + outputs; /* V(t), V(t + 1); gradients from outside */
    n[OM_STAGE_BOTH_ADJOINTS] = n[OM_STAGE_NETWORK_ADJOINT];
    n[OM_STAGE_CONV1] = outputs + OM_HIDDEN * array;
    n[OM_STAGE_HEAD] = (2 * OM_HIDDEN + OM_HEAD + 2) * array + kept;
    n[OM_STAGE_HEAD_ADJOINT] = (3 * OM_HIDDEN + OM_HEAD + 2) * array + conv2_weights;
    n[OM_STAGE_CONV1_ADJOINT] = 2 * outputs + 2 * OM_HIDDEN * array + conv1_weights;
    n[OM_STAGE_DECODER] = n[OM_STAGE_CONV1] + n[OM_STAGE_HEAD];
    n[OM_STAGE_DECODER_ADJOINT] =
        n[OM_STAGE_HEAD_ADJOINT] + n[OM_STAGE_CONV1_ADJOINT] + conv1_weights + conv2_weights;
}

om_work om_work_of(const om_circuit *circuit, const om_geometry *geometry, int batch, int frames)
{
    om_work w = {0};
    count_multiply_adds(&w, circuit, (double)batch * frames);
    count_bytes(&w, circuit, geometry, (batch + OM_QUAD - 1) / OM_QUAD, frames);
    return w;
}
