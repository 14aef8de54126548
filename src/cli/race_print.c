/* A race in one line, and in JSON. */
#include "cli/race_print.h"

#include <stdio.h>

om_race_tally om_race_tally_of(const om_store_info *info)
{
    return (om_race_tally){.legs =
                               om_legs_of(&info->race, info->n_models, info->layout.iterations)};
}

static uint64_t start_of(const om_legs *c, int leg) { return leg > 0 ? c->end[leg - 1] : 0; }

static void count_lost(om_race_tally *tally, uint64_t iteration)
{
    const om_legs *c = &tally->legs;
    int leg = 0;
    while (leg < c->rungs && iteration >= c->end[leg]) leg++;
    tally->lost[leg]++;
    tally->lost_iterations[leg] += iteration - start_of(c, leg);
}

void om_race_count(om_race_tally *tally, om_model_status status, uint64_t iteration)
{
    if (status == OM_MODEL_DIVERGED) count_lost(tally, iteration);
    for (int rung = 0; rung < tally->legs.rungs; rung++)
        if (status == OM_MODEL_STOPPED && iteration == tally->legs.end[rung])
            tally->stopped[rung]++;
}

/* A model that diverges leaves its place empty only where fewer are left than places. */
uint64_t om_race_iterations(const om_race_tally *tally)
{
    const om_legs *c = &tally->legs;
    uint64_t n = 0;
    int alive = c->field[0];
    for (int leg = 0; leg <= c->rungs; leg++) {
        const uint64_t start = start_of(c, leg),
                       length = c->end[leg] > start ? c->end[leg] - start : 0;
        if (alive > c->field[leg]) alive = c->field[leg];
        alive = alive > tally->lost[leg] ? alive - tally->lost[leg] : 0;
        n += (uint64_t)alive * length + tally->lost_iterations[leg];
    }
    return n;
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
