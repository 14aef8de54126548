/* What a run would be: the coordinator's own plan, driven by ranks that are simulated. Their speeds are
 * unequal and vary, units fail, and the clock is made up; every decision is the real one. */
#ifndef OM_ENSEMBLE_SIMULATE_H
#define OM_ENSEMBLE_SIMULATE_H

#include "ensemble/race.h"

typedef struct om_simulation_options {
    int models, ranks;   /* ranks that train */
    uint64_t iterations; /* of each model */
    double unit_s;       /* wanted length of a unit */
    double rate;         /* iterations/s of a rank, on average */
    double spread;       /* of the ranks' speeds: standard deviation over mean */
    double varies;       /* the same of one rank's speed from unit to unit */
    double fails;        /* share of units that end with an error, all their time lost */
    double commit_s;     /* to begin a unit and to commit its state, in which nothing is trained */
    uint64_t seed;
    om_race_options race; /* zero: none. Who goes on is drawn by lot */
} om_simulation_options;

typedef struct om_simulation {
    double seconds;      /* from the first unit to the last */
    double busy;         /* share of all ranks' time in which iterations were done that counted */
    double longest_idle; /* s that some rank waited at the end, the last one still training */
    uint64_t units, failed_units;
    int done, stopped, failed; /* models */
    /* What the coordinator gets and sends per s, progress included, and the share of its time that the
     * plan's decisions took, as measured here. */
    double messages_per_s, decisions;
} om_simulation;

/* Errors: OM_EUSAGE (numbers that make no sense), OM_ENOMEM. */
om_status om_simulate(const om_simulation_options *options, om_simulation *result);

#endif
