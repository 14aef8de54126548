/* The deterministic part of a sample, apart from its draws. */
#ifndef OM_SCENES_BATCHER_H
#define OM_SCENES_BATCHER_H

#include "ommatid/om_batch.h"

/* One sample with given draws. luminance [steps][n_columns] and flow [steps][2][n_columns] are
 * written. noise: stream of the pixel noise, or NULL for none; normal number f * n_columns + i is
 * added to column i (before any symmetry) of frame f of the crop. */
void om_batcher_apply(om_batcher *batcher, int sequence, const om_augmentation *augmentation,
                      const om_stream *noise, om_real *luminance, om_real *flow);

#endif
