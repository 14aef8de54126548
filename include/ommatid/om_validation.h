/* Models of a store against what is known of the fly's cells (known_tuning.c), beside untrained models
 * of the same circuit. A model is shown the published analysis' flashes and moving edges; the extremes
 * of what its central cells answer are kept in STORE.measures.h5 beside the store, and everything else
 * is derived from them on reading, so that other choices (one speed only) need no new simulation. */
#ifndef OM_VALIDATION_H
#define OM_VALIDATION_H

#include <stdbool.h>

#include "ommatid/om_experiment.h"
#include "ommatid/om_store.h"
#include "ommatid/om_tuning.h"

/* ---- measures: one number of a model ----------------------------------------------------------- */

/* Hits: of T4a-d (bright edges) and T5a-d (dark edges), those whose preferred direction is that near to
 * the known one. A detector that prefers no direction is no hit. */
typedef enum om_measure {
    OM_HITS_45,
    OM_HITS_30,
    OM_DIRECTION_DISTANCE,   /* degrees between preferred and known, median over detectors */
    OM_DSI_T4,               /* of T4a-d to bright edges, median */
    OM_DSI_T5,               /* of T5a-d to dark edges, median */
    OM_DSI_OTHERS,           /* of all other types, the larger of both intensities', median */
    OM_MOTION_CORRELATION,   /* om_motion_correlation() */
    OM_POLARITY_CORRELATION, /* om_polarity_correlation(), discs of radius 6 */
    OM_POLARITY_CORRELATION_WITHOUT_RECEPTORS, /* R1-R8 left out */
    OM_SIGNS_RIGHT,                            /* types of known polarity whose FRI has its sign */
    OM_CURVE_CORRELATION_T4, /* om_curve_correlation() to bright edges, median over T4a-d */
    OM_CURVE_CORRELATION_T5, /* to dark edges, median over T5a-d */
    OM_N_MEASURES
} om_measure;

typedef struct om_measure_info {
    const char *name;  /* for --by, columns and keys: "dsi_t4" */
    const char *title; /* for tables: "DSI of T4" */
    const char *unit;  /* "1", "degree", "type" */
    bool more_is_better;
} om_measure_info;
extern const om_measure_info om_measures[OM_N_MEASURES];
/* The measure of that name, or -1. */
int om_measure_named(const char *name);

/* ---- a validation ------------------------------------------------------------------------------ */

enum {
    OM_BATTERY_RADII = 2, /* of flashes: full field, disc of radius 6 */
    OM_BATTERY_EDGES = 2 * OM_MOVING_ANGLES * OM_MOVING_SPEEDS,
    OM_CONTROLS = 10 /* untrained models, seeds 0 to 9 */
};

/* One model, trained or not: what it answered, and what that says. A model that was left out has NaN
 * everywhere. Arrays belong to the validation; a type's name is types[type].name. */
typedef struct om_validated {
    int model; /* its number; of an untrained one its seed */
    om_prediction prediction;
    double *fri;  /* [OM_BATTERY_RADII][n_types] */
    double *peak; /* [OM_BATTERY_EDGES][n_types], rectified */
    /* of the chosen speed, or over all; om_direction_tuning() */
    double *dsi;       /* [2][n_types] dark, bright */
    double *direction; /* [2][n_types] radians; NaN: none */
    double curve[2][OM_DETECTORS];
    double distance[OM_DETECTORS]; /* radians */
    double measure[OM_N_MEASURES]; /* NaN: the circuit lacks the types, or the model was left out */
} om_validated;

typedef struct om_validation {
    int n_models, n_controls, n_types;
    om_type *types;                                    /* [n_types] */
    om_edge *edges;                                    /* [OM_BATTERY_EDGES] */
    double speed;                                      /* that measures are of, columns/s; 0: all */
    om_validated *models;                              /* [n_models] by number */
    om_validated *untrained;                           /* [n_controls] by seed */
    int n_known_polarity, n_known_motion, n_detectors; /* types of the circuit */
    /* what directions, signs or labels drawn at random give on average; NaN: not known */
    double chance[OM_N_MEASURES];
} om_validation;

typedef struct om_validate_options {
    const char *file;    /* NULL: STORE.measures.h5; om_validation_file() */
    const char *command; /* that repeats it, kept in the file */
    int threads;         /* of each rank; 0: cores of the node divided by its ranks */
    double speed;        /* one of om_moving_speeds; 0: all */
    /* Told after each network that this rank has finished, of all that the ranks have to do; NULL: nobody. */
    void (*tell)(void *context, int done, int all);
    void *context;
} om_validate_options;

/* Shows the battery to every model whose row in the measures file is missing or of other parameters
 * than it has now, and to the untrained controls, and reads the file. Rows are kept as they are
 * finished, so a killed run goes on where it was. Collective; results do not depend on the number of
 * ranks and threads. MPI must be initialised. Free with om_validation_free().
 * Errors: OM_EUSAGE (speed), OM_EDATA (a measures file of another store, or not one), OM_EIO (no
 * permission, full disk), OM_ENOMEM. */
om_status om_validate(om_store *store, const om_validate_options *options,
                      om_validation **validation);
/* Reads what om_validate() has kept; a model whose row is missing or of other parameters is left
 * out. speed: as above. Local. Errors: OM_EIO (nothing was kept: a hint says what to run), OM_EDATA,
 * OM_EUSAGE, OM_ENOMEM. */
om_status om_validation_read(om_store *store, const char *file, double speed,
                             om_validation **validation);
void om_validation_free(om_validation *validation); /* accepts NULL */

/* STORE.measures.h5 for STORE.h5, in new memory (om_free() or free()). Errors: OM_ENOMEM. */
om_status om_validation_file(const char *store, char **path);

/* One measure of all models, [n_models]. */
void om_validation_measure(const om_validation *validation, om_measure measure, double *value);

#endif
