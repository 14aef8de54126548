/* The activation function of a network's cells: what a voltage releases (model.md 3). */
#ifndef OM_ACTIVATION_H
#define OM_ACTIVATION_H

typedef enum om_activation {
    OM_RELU,       /* max(0, V) */
    OM_LEAKY_RELU, /* V, below 0 0.01 V */
    OM_ELU,        /* V, below 0 exp(V) - 1 */
    OM_SOFTPLUS,   /* log(1 + exp(V)), V itself above 20 */
    OM_TANH,
    OM_SIGMOID, /* 1 / (1 + exp(-V)) */
    OM_ACTIVATIONS
} om_activation;

#endif
