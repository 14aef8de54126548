/* A sweep: one ensemble for each combination of values of some keys of a spec. A combination is a
 * *point*. All points of a sweep can lie in one file; each is then a store like any other, under the
 * name FILE:POINT, as in sweep.h5:2, wherever a store is asked for. */
#ifndef OM_SWEEP_H
#define OM_SWEEP_H

#include <stdbool.h>

#include "ommatid/om_status.h"
#include "ommatid/om_store.h"

enum {
    OM_SWEEP_MOST_KEYS = 16,
    OM_SWEEP_MOST_POINTS = 1000,
    OM_SWEEP_KEY_BYTES = 64,
    OM_SWEEP_LABEL_BYTES = 1024
};

typedef struct om_sweep {
    int n_keys, n_points;
    char (*keys)[OM_SWEEP_KEY_BYTES]; /* [n_keys] as paths in a spec: "train.dt" */
    char **values;                    /* [n_points][n_keys] as the spec writes them; the last key's
                                         change fastest */
    bool *present; /* [n_points] whether a file holds the point; where a job failed, it does not */
    char *
        *specs; /* [n_points] each point as a spec of its own; NULL where it was read from a file */
} om_sweep;

void om_sweep_free(om_sweep *sweep); /* accepts NULL */
/* "train.task none, circuit.counts equal"; what is longer ends in "...". */
void om_sweep_label(const om_sweep *sweep, int point, char label[OM_SWEEP_LABEL_BYTES]);
/* "sweep.h5:2". Errors: OM_EUSAGE (too long). */
enum { OM_SWEEP_PATH_BYTES = 4096 };
om_status om_sweep_point_path(const char *file, int point, char path[OM_SWEEP_PATH_BYTES]);
/* The store of a point that is trained by itself: "sweep.point2.h5". Errors: OM_EUSAGE. */
om_status om_sweep_store_of(const char *file, int point, char path[OM_SWEEP_PATH_BYTES]);

/* Creates a file of all points, whole, as om_store_create() does. plans: [n_points]. Local. Errors: as
 * om_store_create(). */
om_status om_sweep_create(const char *path, const om_sweep *sweep, const char *name,
                          const char *spec_text, const om_store_plan *plans);
/* Makes a file of points that were trained into stores of their own, which takes the place of one that is
 * there. stores: [n_points] their paths, each of its point's spec (who calls has compared them); NULL:
 * missing. Local. Errors: as om_store_create(), but that the file exists; as om_store_open(). */
om_status om_sweep_merge(const char *path, const om_sweep *sweep, const char *name,
                         const char *spec_text, const char *const *stores);
/* The sweep that a file holds; *sweep is NULL, without error, if it holds anything else. *name, *spec_text
 * (om_free()) may be NULL. Local. Errors: OM_EIO, OM_EDATA (damaged, another version). */
om_status om_sweep_open(const char *path, om_sweep **sweep, char **name, char **spec_text);

#endif
