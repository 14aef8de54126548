/* A race in one line, and in JSON. */
#include "cli/race_print.h"

#include <stdio.h>

om_race_tally om_race_tally_of(const om_store_info *info)
{
    return (om_race_tally){.legs =
                               om_legs_of(&info->race, info->n_models, info->layout.iterations)};
}

void om_race_count(om_race_tally *tally, om_model_status status, uint64_t iteration)
{
    for (int rung = 0; rung < tally->legs.rungs; rung++)
        if (status == OM_MODEL_STOPPED && iteration == tally->legs.end[rung])
            tally->stopped[rung]++;
}

static int count_stopped(const om_race_tally *tally)
{
    int n = 0;
    for (int rung = 0; rung < tally->legs.rungs; rung++) n += tally->stopped[rung];
    return n;
}

static uint64_t count_saved(const om_race_tally *tally)
{
    const om_legs *c = &tally->legs;
    uint64_t saved = 0;
    for (int rung = 0; rung < c->rungs; rung++)
        saved += (uint64_t)tally->stopped[rung] * (c->end[c->rungs] - c->end[rung]);
    return saved;
}

static double saved_share(const om_race_tally *tally)
{
    const om_legs *c = &tally->legs;
    return (double)count_saved(tally) / ((double)c->field[0] * (double)c->end[c->rungs]);
}

void om_race_print(const om_race_tally *tally)
{
    const om_legs *c = &tally->legs;
    const char *before = " (";
    printf("%d of %d stopped", count_stopped(tally), c->field[0]);
    for (int rung = 0; rung < c->rungs; rung++) {
        if (tally->stopped[rung] == 0) continue;
        printf("%s%d at %s%llu", before, tally->stopped[rung], before[0] == ' ' ? "iteration " : "",
               (unsigned long long)c->end[rung]);
        before = ", ";
    }
    printf("%s; %.0f %% of the iterations saved", before[0] == ',' ? ")" : "",
           100 * saved_share(tally));
}

json_t *om_race_json(const om_race_tally *tally, double keep)
{
    const om_legs *c = &tally->legs;
    if (c->rungs == 0) return json_null();
    json_t *at = json_array(), *stopped = json_array();
    for (int rung = 0; rung < c->rungs; rung++) {
        json_array_append_new(at, json_integer((json_int_t)c->end[rung]));
        json_array_append_new(stopped, json_integer(tally->stopped[rung]));
    }
    return json_pack("{s:f s:o s:o s:I s:f}", "keep", keep, "at", at, "stopped", stopped,
                     "iterations_saved", (json_int_t)count_saved(tally), "iterations_saved_share",
                     saved_share(tally));
}
