/* The published trained models, SHARED/paper-ensemble/ensemble.h5: the parameters of one at a time, and
 * its network and decoder. */
#ifndef GOLDEN_ENSEMBLE_H
#define GOLDEN_ENSEMBLE_H

#include "check.h"
#include "model/decoder.h"

typedef struct ensemble {
    hid_t file;
    om_circuit *circuit; /* at the file's extent */
    om_layout layout;
    int n_models;
    om_real *params; /* [n_params] of the model last loaded */
    om_moments running;
} ensemble;

/* false, and reported (skipped: the models are not there), if it cannot be opened. */
bool ensemble_open(check *c, ensemble *e);
void ensemble_close(ensemble *e); /* accepts one that did not open */
/* Loads a model by its number. */
bool ensemble_load(check *c, ensemble *e, int model);

/* A network with the loaded model's parameters, settled by `steps` steps of grey 0.5. */
om_network *ensemble_network(check *c, const ensemble *e, int batch, int frames, double dt_s,
                             int steps);
/* A decoder of that network's history with the loaded model's parameters; NULL without network. */
om_decoder *ensemble_decoder(check *c, const ensemble *e, const om_network *network, int batch,
                             int frames);
/* Luminance [frames][n_columns] of one sample. */
void ensemble_show(const ensemble *e, om_network *network, int sample, int frames,
                   const double *luminance);
/* Voltages of the central cells [n_types] after a frame (-1: before the film). */
void ensemble_centre(const ensemble *e, const om_network *network, int sample, int frame,
                     double *voltage);
/* All that was decoded, [batch][frames][2][n_columns]. */
void ensemble_flow(const ensemble *e, const om_decoder *decoder, int batch, int frames,
                   double *flow);

#endif
