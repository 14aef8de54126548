/* The decoder: from the activity of the output types to optic flow, its loss, and their adjoint
 * (model.md 4, 5).
 *
 *     relu(V) -> hex convolution -> batch norm -> softplus -> dropout -> hex convolution
 *             -> flow = channels 0..1 / (softplus(channel 2) + 1)
 *
 * Works on blocks of four frames of four samples, which are independent of each other but for the
 * batch norm. A decoder is a workspace for a batch, or for a part of it: then samples and blocks are its
 * own, counted from the first one, but statistics, errors and gradients are those of the whole batch. */
#ifndef OM_MODEL_DECODER_H
#define OM_MODEL_DECODER_H

#include "model/network.h"
#include "ommatid/om_loss.h"

typedef struct om_decoder om_decoder;

typedef struct om_decoder_options {
    int batch, frames; /* samples of the whole batch */
    int threads;
    const om_kernels *kernels;
    om_convolution convolution;  /* the first one's method */
    bool forward_only;           /* there will be no adjoint */
    const om_exchange *exchange; /* of a team that divides the batch, as the network's */
} om_decoder_options;

/* Memory of a decoder follows from the circuit and the options; geometry must outlive it. */
om_status om_decoder_create(const om_circuit *circuit, const om_geometry *geometry,
                            const om_decoder_options *options, om_decoder **decoder);
void om_decoder_free(om_decoder *decoder); /* accepts NULL */
/* Bytes that such a decoder allocates. */
size_t om_decoder_bytes(const om_circuit *circuit, const om_geometry *geometry,
                        const om_decoder_options *options);

/* params: the vector's decoder part [n_decoder]. */
void om_decoder_set_params(om_decoder *decoder, const om_real *params);
/* True flow of one sample [frames][2][n_columns]. */
void om_decoder_set_target(om_decoder *decoder, int sample, const om_real *flow);

/* Batch-norm statistics per hidden channel. */
typedef struct om_moments {
    om_real mean[OM_HIDDEN], var[OM_HIDDEN];
} om_moments;

/* Where dropout bits go: keep[((block * 8 + channel) * side^2 + cell)], bit 4 * (frame % 4) +
 * sample % 4 of block quad * ceil(frames / 4) + frame / 4; cell = row * side + column of the array. */
uint16_t *om_decoder_keep(om_decoder *decoder);
int om_decoder_side(const om_decoder *decoder);
int om_decoder_blocks_per_quad(const om_decoder *decoder);

/* Flow of the network's last film. running: batch-norm statistics to normalise by; NULL: those of the
 * batch, over all samples, frames and array cells. used: the statistics used, variance of a batch
 * biased. Dropout of the hidden layer with probability `dropout` by the bits of om_decoder_keep()
 * (0: none). */
void om_decoder_forward(om_decoder *decoder, const om_network *network, double dropout,
                        const om_moments *running, om_moments *used);
/* Evaluation mode: om_decoder_forward() with running statistics and no dropout. */
void om_decoder_evaluate(om_decoder *decoder, const om_network *network, const om_moments *running);
/* Running statistics after a batch: momentum 0.1, unbiased variance. */
void om_moments_update(om_moments *running, const om_moments *batch, double count);
/* Values that each channel's statistics are over: batch * frames * side^2. */
double om_decoder_count(const om_decoder *decoder);

/* Of the last forward pass: root of the summed squared error, and mean end-point error, of any sample of
 * the whole batch. */
double om_decoder_l2norm(const om_decoder *decoder, int sample);
double om_decoder_epe(const om_decoder *decoder, int sample);
/* Likewise flow [2][n_columns] of a frame of an own sample. */
void om_decoder_flow(const om_decoder *decoder, int sample, int frame, om_real *flow);

/* Adjoint of the last om_decoder_forward() and the loss (mean over samples): d_params [n_decoder], and
 * dLoss/dV into the network's external gradients. Running statistics are constants. Where the
 * batch's own were used, the bias before them gets the zero that its gradient is. */
void om_decoder_adjoint(om_decoder *decoder, om_network *network, om_loss loss, om_real *d_params);

#endif
