/* The layout of a run on one machine: how many ranks train side by side, and how many threads each
 * takes. It changes how long a run lasts and nothing else, so it may be chosen by measurement, and anew
 * by every run that goes on with a store. */
#ifndef OM_ENSEMBLE_LAYOUT_H
#define OM_ENSEMBLE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_status.h"

typedef struct om_rank_layout {
    int ranks, threads; /* that train; of each */
    int team;           /* of these, so many train a model together; 1: each has its own */
    int measured_on; /* cores, where it was the best of those that were measured there; 0: it was not */
} om_rank_layout;

/* What is left to train. */
typedef struct om_work_left {
    int models;          /* that are not at their end */
    uint64_t iterations; /* of all of them together */
    uint64_t longest;    /* of the one that has most to do */
} om_work_left;

/* Ranks of a team, where so many train so many models in batches of so many samples: as many as there are
 * for each model, but no more than leave the busiest less to do: members share out a batch's quads of
 * samples. 1 where there are no more ranks than models. */
int om_layout_team(int ranks, int models, int batch);
/* Ranks of each team of a run: as many as are asked for, which om_layout_check_team() has passed, or with 0 as
 * om_layout_team() has it. Errors: OM_EUSAGE (more than there are ranks). */
om_status om_layout_team_size(int asked, int ranks, int models, int batch, int *size);
/* How much faster a team of that size trains a model than one rank does, if exchanging costs nothing: the
 * busiest member has so much less to do. */
double om_layout_team_gain(int team, int batch);
/* Whether a batch can be shared out to a team of that size. Errors: OM_EUSAGE. */
om_status om_layout_check_team(int team, int batch);

/* Appends it to what a run calls itself (om_run_row.job, of so many bytes), from where the next run, and
 * whoever asks for a status, reads it. */
void om_layout_append(const om_rank_layout *layout, char *job, size_t bytes);
/* 0 ranks: it is not said. */
om_rank_layout om_layout_of_job(const char *job);

typedef struct om_layout_trial {
    om_rank_layout layout;
    double per_s; /* iterations of all ranks together; 0: not measured */
} om_layout_trial;

enum { OM_MOST_LAYOUTS = 32, OM_LAYOUT_BYTES = 1024 };

/* The layouts worth trying on so many cores, for models in batches of so many samples: one rank for each
 * core or model, whichever are fewer (one where there is no model), of one thread and of as many as there
 * are cores for; a team for each model, where cores and batch allow; then every smaller number of ranks
 * that divides the cores. Returns how many. */
int om_layout_candidates(int cores, int models, int batch, om_rank_layout layouts[OM_MOST_LAYOUTS]);

/* Seconds until all is trained: ranks (or teams) share the work evenly, as models move between them, but
 * one model is never trained by two. */
double om_layout_seconds(const om_layout_trial *trial, const om_work_left *left);

/* The trial with the least time to the end; of those within 3 % of it the one with the fewest ranks.
 * -1: none was measured. */
int om_layout_best(const om_layout_trial *trials, int n, const om_work_left *left);

typedef struct om_layout_wish {
    const char *spec_file, *store; /* the store may be missing */
    int cores;                     /* that the run may use */
    int ranks, threads, team;      /* 0: to be chosen */
} om_layout_wish;

/* Chooses what the wish leaves open; *left: what there is to train. Where both halves are open, there is
 * more than one possibility, and the run is long enough for it to matter, it is measured, for 5 seconds
 * at most; a store in use is refused before that. line: what was chosen and why, for a person, without a
 * line end. To be called before OpenMP has started threads. Errors: as om_spec_read(),
 * om_spec_circuit(), om_store_lock(); OM_ESTOPPED (parallel/stop.h). */
om_status om_layout_choose(const om_layout_wish *wish, om_rank_layout *layout, om_work_left *left,
                           char line[OM_LAYOUT_BYTES]);

#endif
