/* What every rank of a training job knows, and what coordinator and workers say to each other. */
#ifndef OM_ENSEMBLE_JOB_H
#define OM_ENSEMBLE_JOB_H

#include "ensemble/engine.h"
#include "ensemble/layout.h"
#include "ommatid/om_ensemble.h"
#include "ommatid/om_plan.h"
#include "parallel/team.h"

/* One ensemble that is trained; of a sweep there are several in one run, one for each point, which differ in
 * all but ranks, threads and time. */
typedef struct om_job {
    const om_run_options *options;
    int first; /* number of its first model among those of all ensembles of the run */
    om_spec spec;
    char *spec_text;
    om_circuit *circuit;
    om_scenes *scenes;
    om_state_layout layout;
    om_baselines baselines; /* rank 0 */
    om_store *store;
    int trainers;          /* that train side by side, one model each: ranks, or teams of them */
    int team_size;         /* ranks of each; 1: no teams */
    om_team *team;         /* of this rank; NULL: none */
    int threads;           /* of each rank */
    const char *kernels;   /* that this rank trains with */
    double end_s;          /* of the monotonic clock, when training is to have ended; INFINITY */
    bool shares_films;     /* with another ensemble of the run, whose they are */
    om_rank_layout before; /* on which the store was trained last; 0 ranks: not said */
    bool finished;         /* nothing is left to train: there are no films */
} om_job;

/* The ensembles of a run. Numbers of models are among all of them, where nothing else is said. */
typedef struct om_jobs {
    int n, models;
    om_job *of; /* [n] */
} om_jobs;

/* The ensemble that a model belongs to. */
om_job *om_job_of(const om_jobs *jobs, int model);

/* Threads per rank: as asked for; else the cores that this rank is bound to, or its share of those
 * that the node's ranks have in common. Collective. */
int om_job_threads(const om_job *job);

/* The spec from its text, which rank 0 has: all parse the same. Collective. */
om_status om_job_read_spec(om_job *job, const char *text);

/* The circuit of a spec that om_spec_parse() has taken from a text of file; its options are checked
 * against it, and what they leave to the program is settled, so that the store says what was chosen.
 * Errors: as om_spec_circuit(), om_train_check(), with the line of the key. Local. */
om_status om_job_circuit(const char *file, const char *text, om_spec *spec, om_circuit **circuit);

/* Where things lie in the job's states, of which the spec's race must fit the checks. Circuit and
 * scenes must be there, without films. file: of the spec. Errors: as om_state_layout_of(); OM_EDATA with the line of the key.
 * Local. */
om_status om_job_layout(const char *file, om_job *job);

/* Selection measure at the best of a state's first `checks` checks, as its curve has it; NaN: none. */
double om_job_best(const om_job *job, const om_state *state, int checks);

/* om_message() without the store's path, for those who know which it is. */
const char *om_job_reason(const om_job *job);

/* The store of the job, as it would be created; points into the job. */
om_store_plan om_job_store_plan(const om_job *job);

/* Whether what is at path, if anything is, is a store of that plan. Errors: as om_store_matches(). */
om_status om_job_match_store(const char *path, const om_store_plan *plan);

/* Whether two specs ask for the same films, as far as their settings tell. Both must come from
 * om_spec_defaults(). */
bool om_same_films(const om_spec *a, const om_spec *b);

/* The films of the job, in memory that the ranks of a node share: procedural worlds are rendered by
 * them together, a file is read by one of them. Collective. */
om_status om_job_open_scenes(om_job *job);

/* Frees all of it. Local. */
void om_job_close(om_job *job);

/* ---- a store that is at its end ---- */

/* Whether a store's spec asks for the films of the job's, by the settings. Local. */
bool om_job_has_films_of(const om_job *job, const om_store_info *info);
/* Whether a store that matches the job as far as is known without films has nothing left to train and is of
 * the same films: job->finished, and then its layout. Rank 0. Errors: as om_store_load(). */
om_status om_job_look_for_end(om_job *job, om_store *store);
/* What a run does with such a store: rows and copies are written anew, models ranked. Rank 0. Errors: as
 * om_store_commit(); OM_EFAIL (all have diverged). */
om_status om_job_conclude_finished(om_job *job);

/* ---- messages ---- */

typedef enum om_report_kind {
    OM_REPORT_ASK,      /* wants a unit */
    OM_REPORT_PROGRESS, /* is at iteration; with a message: cannot commit it yet, and tries again */
    OM_REPORT_AHEAD,    /* is at iteration, and wants a unit after this one, which ends in left_s */
    OM_REPORT_DONE,     /* unit committed at iteration */
    OM_REPORT_SET_BACK, /* as done, but it diverged, and has fewer iterations than it had */
    OM_REPORT_STOPPED,  /* as done, and will not ask again */
    OM_REPORT_DIVERGED,
    OM_REPORT_FAILED
} om_report_kind;

typedef struct om_report {
    om_report_kind kind;
    int model;
    uint64_t iteration;
    double seconds;      /* of training, in the unit */
    double left_s;       /* of training, until the unit ends */
    double best;         /* selection measure at its best check, as curves have it; NaN: none yet */
    int checks;          /* done so far */
    om_work_times times; /* of this worker */
    char message[OM_MESSAGE_BYTES];
} om_report;

typedef enum om_order_kind {
    OM_ORDER_UNIT,
    OM_ORDER_NONE, /* the answer to one who asked ahead: nothing yet, more after the unit */
    OM_ORDER_LEAVE,
    OM_ORDER_STOP
} om_order_kind;

typedef struct om_order {
    om_order_kind kind;
    bool at_once; /* nothing had to happen first */
    om_unit unit;
    bool
        trained_last; /* by the rank that gets the order: what it holds of the model is the newest */
} om_order;

/* ---- worker ---- */

typedef struct om_worker om_worker; /* trains units; holds the model of the last one */

om_status om_worker_create(const om_jobs *jobs, om_worker **worker);
void om_worker_free(om_worker *worker); /* accepts NULL */
/* Trains one unit and commits it; tell(context, report) hears of progress about once a second and may
 * set *om_stop_signal. The report at the end says how it went. */
void om_worker_train(om_worker *worker, const om_unit *unit,
                     void (*tell)(void *context, const om_report *report), void *context,
                     om_report *report);
/* Asks, trains and reports until told to leave. In a team all members call it together: the first one asks,
 * commits and reports, the others train along with it. A rank that is in no team where there are some
 * (worker NULL) only waits to be told to leave. */
void om_worker_serve(om_worker *worker);

/* A time constant below the time step acts as the step and cannot grow again by itself: says in message,
 * else left as it is, in how many types that is so. tau: [n_types], s. */
void om_note_small_time_constants(const om_circuit *circuit, const om_real *tau, double dt_s,
                                  char message[OM_MESSAGE_BYTES]);

/* ---- coordinator ---- */

/* Plans, hands out units, keeps the live table and the progress line. With one rank it trains the units
 * itself with `worker`, else worker is NULL. Rank 0 only. Errors: OM_ESTOPPED, OM_EFAIL (no model
 * could be trained), OM_EIO. */
om_status om_coordinate(const om_jobs *jobs, om_worker *worker);

#endif
