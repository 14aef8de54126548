/* Where cells lie in the decoder's arrays, in numbers from an array's start. Padded arrays have two
 * more cells on each side. */
#ifndef OM_KERNELS_ARRAYS_H
#define OM_KERNELS_ARRAYS_H

#include "model/kernels/kernels.h"

static inline size_t om_cell_at(const om_decoder_tables *t, int row, int column)
{
    return ((size_t)row * (size_t)t->side + (size_t)column) * OM_LANES;
}
static inline size_t om_padded_cell_at(const om_decoder_tables *t, int row, int column)
{
    return ((size_t)(row + 2) * (size_t)t->padded_side + (size_t)column + 2) * OM_LANES;
}
/* Of one channel. */
static inline size_t om_channel_reals(const om_decoder_tables *t)
{
    return (size_t)t->side * (size_t)t->side * OM_LANES;
}
static inline size_t om_padded_channel_reals(const om_decoder_tables *t)
{
    return (size_t)t->padded_side * (size_t)t->padded_side * OM_LANES;
}

#endif
