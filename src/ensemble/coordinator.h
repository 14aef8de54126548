/* What the coordinator's parts share: beginning (resume.c), events (coordinator.c) and end (conclude.c) of a run. Rank 0
 * only. */
#ifndef OM_ENSEMBLE_COORDINATOR_H
#define OM_ENSEMBLE_COORDINATOR_H

#include "ensemble/job.h"
#include "ensemble/pace.h"
#include "ensemble/progress.h"
#include "ensemble/race.h"

typedef struct om_coordinator {
    const om_jobs *jobs;
    const om_job *job; /* the first: for what all have in common */
    om_plan *plan;
    om_race **races;      /* [jobs] of the models of each */
    om_model_row *rows;   /* [models] what the live table says */
    bool *news;           /* [models] rows that have changed since they were written */
    double *best;         /* [models] selection measure at the best check; NaN: none */
    bool *waiting;        /* [trainers] asked, and there was nothing; a team is one of them */
    om_work_times *times; /* [trainers] */
    int present;          /* workers that have not been told to leave */
    bool stopping;
    double store_s; /* the longest that reading and committing took in a unit */
    om_run_row run;
    om_progress progress;
    om_pace *pace;
    double start_s, tick_s, start_cpu_s;
    uint64_t trained; /* iterations of this run; models that are set back do some again */
    om_status status; /* of the store, for the live table */
    double outage_s;  /* since when the live table cannot be written, and is behind; 0: it is not */
    double tried_s;   /* then: when that was tried last */
    bool outage_told; /* that something has to wait for the file system */
} om_coordinator;

/* A line about a model, or about the whole run (-1). */
void om_coordinator_say(om_coordinator *c, int model, const char *text);
om_race *om_coordinator_race(const om_coordinator *c, const om_job *job);
/* The model has done so many checks, and may be at a rung. */
void om_coordinator_note_checks(om_coordinator *c, int model, int checks, double best);
/* All of the model's iterations are done; with none to train, its check. */
bool om_coordinator_is_done(const om_coordinator *c, int model);

/* What is in rows and run, into the store. Errors: as om_store_write_row(). */
om_status om_coordinator_put_row(om_coordinator *c, int model);
om_status om_coordinator_put_run(om_coordinator *c);
/* What could not be written while the file system was away. */
om_status om_coordinator_catch_up(om_coordinator *c);

/* Whose race it is that stops models, for om_race_settle(). */
typedef struct om_racing {
    om_coordinator *c;
    const om_job *job;
} om_racing;
void om_coordinator_stop_model(void *context, int number, const char *message);

/* Takes up every model where the stores have it. One of which nothing can be used fails, and the others go on.
 * Errors: OM_EDATA (a race that contradicts its states), OM_EIO, OM_EBUSY, OM_ESTOPPED. */
om_status om_coordinator_resume(om_coordinator *c);
/* The last lines, and what became of the run. Errors: OM_ESTOPPED, OM_EFAIL (a model failed, or none could be trained
 * to the end), OM_EIO, OM_EBUSY. */
om_status om_coordinator_conclude(om_coordinator *c, bool alone);

#endif
