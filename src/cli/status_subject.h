/* What `status` is asked about, by the name of a store or of a spec. */
#ifndef CLI_STATUS_SUBJECT_H
#define CLI_STATUS_SUBJECT_H

#include "cli/slurm.h"
#include "ommatid/om_sweep.h"

typedef enum om_subject_kind {
    OM_SUBJECT_FILE,      /* a store, or what is to be told that it is none */
    OM_SUBJECT_POINTS,    /* of a sweep, in stores of their own */
    OM_SUBJECT_PREPARING, /* a run holds the lock of a store that is not there yet */
    OM_SUBJECT_QUEUED     /* SLURM has a job that is to make it */
} om_subject_kind;

typedef struct om_subject {
    om_subject_kind kind;
    char store[OM_SWEEP_PATH_BYTES]; /* the file; of points that which they are merged into */
    char name[OM_SWEEP_PATH_BYTES];  /* of jobs that train it */
    om_sweep *sweep;                 /* POINTS: without keys where only a store's name was given */
    char holder[OM_MESSAGE_BYTES];   /* PREPARING */
    om_slurm_job job;                /* QUEUED */
} om_subject;

/* word: of the command line, STORE, STORE:POINT, SPEC.yaml or SPEC.yaml:POINT. Free the subject. Errors: of a
 * spec, as om_spec_read(); OM_EDATA (nothing is there yet, and no job is known). */
om_status om_subject_find(const char *word, om_subject *subject);
void om_subject_free(om_subject *subject);

#endif
