/* The part of a batch that one of a team computes: whole quads of samples. Numbers of samples and quads
 * that a workspace is addressed by are counted from its own first one; sums are over the whole batch. */
#ifndef OM_MODEL_SHARE_H
#define OM_MODEL_SHARE_H

#include "model/kernels/kernels.h"
#include "ommatid/om_exchange.h"

typedef struct om_share {
    int batch, all_quads;      /* of the whole batch */
    int first_quad, quads;     /* own */
    int first_sample, samples; /* own */
} om_share;

/* exchange: may be NULL: all of it. Members there may be as many as quads. */
static inline om_share om_share_of(int batch, const om_exchange *exchange)
{
    const int all = (batch + OM_QUAD - 1) / OM_QUAD;
    const int first = om_exchange_own(exchange, all), end = om_exchange_own_end(exchange, all);
    const int last_sample = end * OM_QUAD < batch ? end * OM_QUAD : batch;
    return (om_share){.batch = batch,
                      .all_quads = all,
                      .first_quad = first,
                      .quads = end - first,
                      .first_sample = first * OM_QUAD,
                      .samples = last_sample - first * OM_QUAD};
}

#endif
