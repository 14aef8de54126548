/* Names of choices, as specs and stores have them, in the order of their enumerations. */
#include "ommatid/om_train.h"

const char *const om_part_names[] = {"resting_potential", "time_constant", "strength", "decoder",
                                     NULL};
const char *const om_activation_names[] = {"relu", "leaky_relu", "elu", "softplus",
                                           "tanh", "sigmoid",    NULL};
const char *const om_convolution_names[] = {"auto", "direct", "fft", NULL};
const char *const om_loss_names[] = {"l2norm", "epe", NULL};
const char *const om_task_names[] = {"flow", "none", NULL};
const char *const om_batch_norm_names[] = {"batch", "running", NULL};
const char *const om_draws_names[] = {"philox", "torch", NULL};
const char *const om_resampling_names[] = {"package", "paper", NULL};
