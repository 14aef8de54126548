/* Adam, the learning-rate schedule and dropout's bits: what an iteration does besides the model. */
#ifndef OM_TRAIN_OPTIMISER_H
#define OM_TRAIN_OPTIMISER_H

#include "ommatid/om_random.h"
#include "ommatid/om_train.h"

/* Learning rate of the schedule at an iteration: `rate_steps` levels evenly spaced from the first to
 * the last rate, each for floor(stop / steps) iterations, then the last. A stop of fewer iterations
 * than there are steps has a level for each iteration, so that a short trial too starts at the first
 * rate. iterations: of the whole training, which is the stop where the options name none. */
double om_learning_rate(const om_train_options *options, uint64_t iterations, uint64_t iteration);

/* One Adam step (Kingma & Ba 2015; 0.9, 0.999, 1e-8) on n parameters, number `step` counted from 1. */
void om_adam(size_t n, double rate, uint64_t step, const om_real *gradient, om_real *moment1,
             om_real *moment2, om_real *params);

/* Dropout's bits of one sample, scattered where om_decoder_keep() wants them. The bit of (frame,
 * channel, cell) depends on the stream and these alone. dropout: probability, held to 2^-16.
 *   keep: that of the sample's quad; bit: lane of frame 0, the sample's number in its quad. */
void om_dropout(const om_stream *stream, double dropout, int frames, int side, int bit,
                uint16_t *keep);

#endif
