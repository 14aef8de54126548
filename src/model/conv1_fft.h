/* The decoder's first convolution and its adjoint by Fourier transforms: the tables, the memory and the
 * order of its kernels (kernels/fft.h). It reads the network's history and leaves dLoss/dV where
 * the network's adjoint looks for it. */
#ifndef OM_MODEL_CONV1_FFT_H
#define OM_MODEL_CONV1_FFT_H

#include "model/kernels/fft.h"
#include "model/network.h"

typedef struct om_conv1_fft om_conv1_fft;

typedef struct om_conv1_fft_options {
    const om_circuit *circuit;
    const om_decoder_tables *tables; /* must outlive it */
    const om_kernels *kernels;
    om_share share;
    const om_exchange *exchange; /* of the share; NULL: the whole batch */
    int frames, threads;
    bool forward_only; /* no adjoint will follow: a quarter of the memory */
} om_conv1_fft_options;

om_status om_conv1_fft_create(const om_conv1_fft_options *options, om_conv1_fft **fft);
void om_conv1_fft_free(om_conv1_fft *fft); /* accepts NULL */
/* Bytes that such a one allocates, on arrays of so many rows; the options' tables are not read. */
size_t om_conv1_fft_bytes(const om_conv1_fft_options *options, int side);

/* Takes the tables' weights. */
void om_conv1_fft_set_weights(om_conv1_fft *fft);
/* conv1 of all own blocks [quads][ceil(frames / 4)]. */
void om_conv1_fft_forward(om_conv1_fft *fft, const om_network *network, const om_block *blocks);
/* Adjoint of the last forward pass: the weights' gradient, over the whole batch
 * (om_conv1_fft_gradient()), and the network's external gradients. */
void om_conv1_fft_adjoint(om_conv1_fft *fft, om_network *network, const om_norm *norm,
                          const om_block *blocks);
/* dLoss/dweight of tap k from an output type to a hidden channel, as of the last adjoint. */
om_real om_conv1_fft_gradient(const om_conv1_fft *fft, int channel, int k, int hidden);

#endif
