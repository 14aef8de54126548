/* Experiments on models: what each of a list of conditions makes their cells do (model.md 7).
 *
 * A model settles under a second of grey, sees the grey before the stimulus, which is the same in all
 * conditions and is computed once, and then each condition's stimulus. Frames are counted from the
 * stimulus' onset: frame k is the state after the stimulus' step k, at the time k dt; frame -1 is the
 * last one of grey. */
#ifndef OM_EXPERIMENT_H
#define OM_EXPERIMENT_H

#include <stdbool.h>

#include "ommatid/om_activation.h"
#include "ommatid/om_batch.h"
#include "ommatid/om_circuit.h"
#include "ommatid/om_stimuli.h"
#include "ommatid/om_store.h"
#include "ommatid/om_tuning.h"

enum { OM_CONDITION_BYTES = 64 };

typedef struct om_condition {
    char name[OM_CONDITION_BYTES];
    om_course course;
    const float *frames; /* [course.n_frames][n_columns] */
    om_window window;    /* of the response that is measured */
} om_condition;

typedef enum om_experiment_kind {
    OM_FLASHES_SHOWN,
    OM_EDGES_SHOWN,
    OM_FILM_SHOWN /* for om_predict() only */
} om_experiment_kind;

typedef struct om_experiment {
    om_experiment_kind kind;
    int extent, n_columns, n_conditions;
    om_timing timing; /* the same grey before every stimulus */
    om_condition *conditions;
    om_flash *flashes; /* [n_conditions] of flashes, else NULL */
    om_edge *edges;    /* [n_conditions] of edges, else NULL */
    float *frames;     /* of all conditions */
} om_experiment;

/* The published analysis' flashes (om_flashes, a second long), and its moving edges, full field, of
 * 12 angles, in each both intensities (dark first), in each 6 speeds: dt 5 ms, a second of grey before
 * and a second after. Free with om_experiment_free(). Errors: OM_EUSAGE (extent), OM_ENOMEM. */
om_status om_experiment_create(om_experiment_kind kind, int extent, om_experiment **experiment);
void om_experiment_free(om_experiment *experiment); /* accepts NULL */

/* Frames of a condition from 0 on that are run: to the end of its window; whole: to that of its
 * course. */
int om_experiment_frames(const om_experiment *experiment, int condition, bool whole);
/* The most frames of any condition. */
int om_experiment_most_frames(const om_experiment *experiment, bool whole);
/* Time of a frame in s, with the rounding of the published analysis, which windows depend on. */
double om_experiment_time(const om_experiment *experiment, int frame);

/* Takes the voltages of the central cells [n_types] after a frame. A condition's frames come in order
 * from -1 on, conditions side by side, all from one thread. */
typedef void om_response_sink(void *context, int condition, int frame, double time_s,
                              const om_real *voltage);

typedef struct om_experiment_options {
    int threads; /* results do not depend on it */
    om_activation activation;
    const double *counts; /* the model's own synapse counts [n_taps]; NULL: the circuit's */
    bool whole;           /* go on after the windows, to the end of the courses */
    /* Other cells, too: those in these columns [n_columns], handed to a sink of their own as
     * [n_types][n_columns], 0 where a type has no cell. */
    const int *columns;
    int n_columns;
    om_response_sink *column_sink;
} om_experiment_options;

/* Shows all conditions to a model of these parameters [n_params]. Memory does not grow with the length
 * of films. Errors: OM_EUSAGE (the circuit is of another extent), OM_ENOMEM, OM_EDIVERGED that names
 * condition, cell type and voltage: that of a central cell left OM_VOLTAGE_BOUND, or that of any cell
 * is not finite, which is looked for every 32 frames and at the end. */
om_status om_experiment_run(const om_experiment *experiment, const om_circuit *circuit,
                            const om_real *params, const om_experiment_options *options,
                            om_response_sink *sink, void *context);

/* ---- predictions: an experiment on models of a store ------------------------------------------- */

typedef enum om_predicted {
    OM_PREDICTED_NOT_YET, /* the program was ended before */
    OM_PREDICTED,
    OM_PREDICTED_DIVERGED, /* left OM_VOLTAGE_BOUND */
    OM_PREDICTED_UNTRAINED /* there are no parameters of it yet */
} om_predicted;

/* What became of one model; what is wrong with it, "" if nothing. */
typedef struct om_prediction {
    om_predicted outcome;
    char message[OM_MESSAGE_BYTES];
} om_prediction;

/* A film of any length: HDF5 with `luminance` [view][frame][column] and, if it is known, `flow`
 * [view][frame][2][column], single precision, columns u-major (om_lattice.h), flow in the unit of the
 * scenes (om_eye.h). It is shown as a validation sequence is: 0.5 s of grey, then the frames, resampled
 * to steps of 0.02 s; the decoder normalises by its running statistics. */
typedef struct om_film_options {
    const char *file;
    om_resampling resampling;
    int frames; /* from the first on; 0: all */
    double frame_rate_hz;
} om_film_options;

typedef struct om_predict_options {
    om_experiment_kind experiment;
    om_film_options film; /* of OM_FILM_SHOWN */
    const char *file;     /* to make: HDF5 with labelled axes, for xarray */
    const char *command;  /* that repeats it, kept in the file */
    const int *models;    /* [n_models] without repetition, in the file's order */
    const int *place;     /* [n_models] in the ranking, 0: none; NULL: there is none */
    int n_models;
    const int *types; /* [n_types] numbers of the types that the file is about; NULL: all */
    int n_types;
    /* [n_columns] numbers of columns whose cells the file has as well (not of a film); NULL: none. */
    const int *columns;
    int n_columns;
    int threads; /* of each rank; 0: cores of the node divided by its ranks */
    bool whole;  /* responses to the end of the courses */
    /* Told after each model that this rank has finished; NULL: nobody. */
    void (*tell)(void *context, int done, int all);
    void *context;
} om_predict_options;

/* Shows an experiment to models of a store and writes what their central cells answered, the measures
 * of it, and statistics over the models (group /aggregate) into a file, which appears when it is whole.
 * A model that diverges or was not trained is named in the file, has rows of NaN, and enters no
 * statistic. Collective: model i is done by rank i modulo the ranks; results do not depend on their
 * number. MPI must be initialised. predictions: [n_models]. Errors: OM_EUSAGE (no such model), OM_EIO
 * (the file exists already, full disk), OM_EDATA, OM_ESTOPPED (om_stop_listen), OM_ENOMEM; no file is
 * left behind then, and FILE.partial of a process that was killed is replaced by the next one. */
om_status om_predict(om_store *store, const om_predict_options *options,
                     om_prediction *predictions);

#endif
