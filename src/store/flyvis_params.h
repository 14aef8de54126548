/* What is in one checkpoint of the paper's software. */
#ifndef OM_STORE_FLYVIS_PARAMS_H
#define OM_STORE_FLYVIS_PARAMS_H

#include "store/flyvis.h"

/* Numbers of pairs and taps that an archive has signs and counts of. */
om_status om_flyvis_params_live(const char *path, size_t *pairs, size_t *taps);
/* Fills in params and running statistics of a model. loss, if not
 * NULL: what the archive calls its validation_loss. Errors: as om_flyvis_read(). */
om_status om_flyvis_params_read(const char *path, const om_circuit *circuit, om_flyvis_model *model,
                                double *loss);

#endif
