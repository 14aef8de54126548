/* Points of a sweep that are trained one by one, into stores of their own: how far they are, and what can be
 * made one file of. */
#ifndef OM_ENSEMBLE_POINTS_H
#define OM_ENSEMBLE_POINTS_H

#include "ommatid/om_store.h"
#include "ommatid/om_sweep.h"

/* The store of a spec where none is named: NAME.h5, by the spec's name with what files and jobs do not take
 * replaced; of a point of a sweep, SPEC:2, NAME.point2.h5. Errors: OM_EUSAGE (too long). */
om_status om_usual_store(const char *spec_file, const char *name, char store[OM_SWEEP_PATH_BYTES]);

/* Whether nothing is left to train of so many models of each status; those that failed get another chance in a run. */
bool om_is_finished(const int count[OM_MODEL_FAILED + 1]);

/* How far the models of a store are. */
typedef struct om_reached {
    int n_models, count[OM_MODEL_FAILED + 1]; /* models of each om_model_status */
    uint64_t iterations, total; /* of all models; total: if none diverges or fails. 0: untrained */
    bool finished;              /* om_is_finished() */
} om_reached;

/* rows: [n_models], as om_store_read_rows() gives them. */
om_reached om_reached_of(const om_store_info *info, const om_model_row *rows);
/* Errors: as om_store_read_rows(). Local. */
om_status om_store_reached(om_store *store, om_reached *reached);
enum { OM_REACHED_BYTES = 64 };
/* "4.5 % trained"; of models that stay untrained "1 of 3 models checked". */
void om_reached_print(const om_reached *reached, char text[OM_REACHED_BYTES]);

/* What is known of a point's store. */
typedef struct om_point {
    om_reached reached;
    char kernels[16]; /* that it was begun with; "": not known */
} om_point;

/* Whether a store can be taken for a point of the sweep: there, trained by nobody now, and of the same
 * ensemble, by all that `run` compares. spec_file: of the sweep; store: a path, or FILE:POINT. Local. Errors: OM_EIO (there is
 * none), OM_EBUSY (a run holds its lock), as om_store_open(), om_store_matches(). */
om_status om_point_examine(const char *spec_file, const om_sweep *sweep, int point,
                           const char *store, om_point *found);

/* Whether the file of a sweep that is there may be replaced by what its points' stores hold
 * (om_sweep_store_of()): it is of the same sweep, and has no model that is further than in them, as after `run` went on
 * with it. Nothing there may be replaced, too. Local. Errors: OM_EIO (something would be lost), OM_EDATA (it is
 * something else). */
om_status om_points_may_replace(const char *spec_file, const om_sweep *sweep, const char *file);

#endif
