/* The two task losses on optic flow (model.md 5). */
#ifndef OM_LOSS_H
#define OM_LOSS_H

typedef enum om_loss {
    OM_LOSS_L2NORM, /* mean over samples of sqrt(sum over frames, components, columns of error^2) */
    OM_LOSS_EPE     /* mean end-point error: mean over samples, frames and columns of |error| */
} om_loss;

#endif
