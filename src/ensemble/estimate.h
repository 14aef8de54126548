/* What a run of a spec would cost: memory and disk, counted; time, from a speed that is measured here or
 * known, by simulating the run on any number of ranks. Of a sweep all points count. */
#ifndef OM_ENSEMBLE_ESTIMATE_H
#define OM_ENSEMBLE_ESTIMATE_H

#include "ensemble/simulate.h"
#include "ommatid/om_sweep.h"

enum { OM_ESTIMATE_RUNS = 5 /* simulated */ };

typedef struct om_estimate_options {
    const char *spec_file;
    int ranks, nodes, threads; /* ranks that train, of all nodes; threads of each */
    int team;                  /* of these, so many train a model together; 0: as a run chooses */
    double rate;               /* as om_estimate; 0: measured here */
    double unit_s, spread, varies, fails; /* as om_simulation_options */
    int cores;                            /* that may be used for measuring */
    bool apart;         /* a sweep's points are runs of their own, each on all of the ranks */
    void (*tell)(void); /* called before anything is measured; may be NULL */
} om_estimate_options;

typedef struct om_estimate {
    char name[64], circuit[64];
    int models, extent, checks; /* checks on the validation scenes of each model */
    int team, idle;             /* ranks of a team, 1: none; ranks in no team, or without a model */
    uint64_t iterations;
    double
        rate; /* iterations/s of a rank, checks on validation scenes included; without a task, its
                       models/s */
    double rank_s;    /* that one rank, or team, would take for all models */
    double team_gain; /* how many times as fast a team is, at best */
    int beside;       /* ranks side by side where it was measured; 0: it was given */
    double others;    /* cores that other processes took meanwhile, on average */
    double check_s;   /* one check on the validation scenes, contained in rate; 0: not measured */
    /* bytes: of a rank's trainer, of the films that the ranks of a node share, of the store */
    double rank_bytes, film_bytes, store_bytes;
    om_simulation runs[OM_ESTIMATE_RUNS]; /* by time, shortest first */
    om_legs legs;                         /* of the race; no rungs: there is none */
    double unraced_s;                     /* a run without it: the middle one of as many */
    double coordinator;                   /* share of its time, with MESSAGE_S for each message */
} om_estimate;

/* The ensembles of a spec: one, or the points of a sweep. */
typedef struct om_estimates {
    int n;
    om_sweep *sweep; /* NULL: there is one ensemble */
    om_estimate *of; /* [n]; runs, unraced_s, coordinator: not of points that share a run */
    /* The run of them all, which have the node's films and its ranks in common (circuit "", iterations: of
     * all models; no legs); of points apart what the most costly of them takes, of each kind of cost. */
    om_estimate whole;
    int kinds, measured; /* as om_speed_report; 0: the rate was given */
} om_estimates;

/* Reads all specs and circuits, and checks them as a run would before it renders films. Free it, after
 * failures, too. To be called before OpenMP has started threads where the rate is measured. Errors: those
 * of om_spec_sweep(), om_job_circuit(), om_scenes_load(), om_speed_measure(), om_simulate(). */
om_status om_estimate_run(const om_estimate_options *options, om_estimates *estimates);
void om_estimates_free(om_estimates *estimates); /* accepts a zeroed one */

#endif
