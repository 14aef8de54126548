/* The laboratory's stimuli as published models answer them, for all checks that need their voltages. */
#ifndef GOLDEN_TRAINED_H
#define GOLDEN_TRAINED_H

#include "ensemble.h"

typedef struct trained {
    check *c;
    ensemble e;
    char group[32];   /* of the model at hand, model_NNN */
    hid_t stimuli;    /* stimuli_eEXTENT.h5 */
    int conditions;   /* of an edge: angle by angle, in each both intensities */
    int offsets;      /* of an edge */
    int n_speeds;     /* of an edge */
    double *speeds;   /* [n_speeds] columns per second */
    double *rendered; /* [conditions][offsets][n_columns] */
} trained;

/* Central voltages [conditions][frames][n_types], free() them; NULL, and reported, if the stimulus
 * cannot be made. Frame 0 is the first of the stimulus (the 201st of the reference's films). An edge's
 * last frame is the first after its stimulus. */
double *trained_flashes(trained *t, int *conditions, int *frames);
double *trained_edges(trained *t, double speed, int *frames);

/* Compares flash response indices and their correlation, from trained_flashes(). */
void trained_flash_index(trained *t, int conditions, int frames, const double *voltage);
/* Peaks at speed number `speed`, from trained_edges(), into peak [conditions][n_speeds][n_types]. */
void trained_peaks(trained *t, int speed, int frames, const double *voltage, double *peak);
/* Compares what is measured of peaks. */
void trained_measures(trained *t, const double *peak);
/* The model at hand by om_experiment_run(), which renders what it shows itself: flash response indices,
 * peaks and direction tuning of T4 and T5. */
void trained_rendered(trained *t);

#endif
