/* What a race has come to: how many models were stopped where, and what that saved. */
#ifndef OM_CLI_RACE_PRINT_H
#define OM_CLI_RACE_PRINT_H

#include <jansson.h>

#include "ensemble/race.h"

typedef struct om_race_tally {
    om_legs legs;                    /* no rungs: there is no race */
    int stopped[OM_RACE_MOST_RUNGS]; /* models at each rung */
    /* Models that diverged on each leg, and the iterations of it that they had done. */
    int lost[OM_RACE_MOST_RUNGS + 1];
    uint64_t lost_iterations[OM_RACE_MOST_RUNGS + 1];
} om_race_tally;

om_race_tally om_race_tally_of(const om_store_info *info);
/* To be told of every model. */
void om_race_count(om_race_tally *tally, om_model_status status, uint64_t iteration);
/* Iterations of all models in the end, if no other diverges; without a race, too. */
uint64_t om_race_iterations(const om_race_tally *tally);
/* "6 of 8 stopped (4 at iteration 20, 2 at 50); 41 % of the iterations saved"; there must be a race. */
void om_race_print(const om_race_tally *tally);
/* {"keep": 0.5, "at": [20, 50], "stopped": [4, 2], "iterations_saved": 220, "iterations_saved_share": 0.41};
 * null: there is no race. */
json_t *om_race_json(const om_race_tally *tally, double keep);

#endif
