/* ommatid plan: what a run would cost, before it is begun. */
#include <math.h>
#include <stdio.h>

#include "base/fail.h"
#include "cli/command.h"
#include "ensemble/estimate.h"
#include "ensemble/progress.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

static struct {
    int ranks, nodes, threads;
    double rate, unit_s, spread, varies, fails;
} set = {.nodes = 1, .threads = 1, .unit_s = 20, .spread = 0.1, .varies = 0.03};

static const om_option options[] = {
    {"ranks", 'n', OM_OPTION_INT, "N", "ranks that train, of all nodes; default: one per core here",
     .value = &set.ranks, .least = 1, .most = 100000},
    {"nodes", 0, OM_OPTION_INT, "K", "nodes that they are on; default: 1", .value = &set.nodes,
     .least = 1, .most = 100000},
    {"threads", 0, OM_OPTION_INT, "T", "threads of each rank; default: 1", .value = &set.threads,
     .least = 1, .most = 1024},
    {"rate", 0, OM_OPTION_REAL, "HZ",
     "iterations/s of a rank (without a task: models/s); default: measured here",
     .value = &set.rate, .least = 1e-6, .most = 1e9},
    {"spread", 0, OM_OPTION_REAL, "S",
     "how unequal the ranks' speeds are: standard deviation over mean; default: 0.1",
     .value = &set.spread, .least = 0, .most = 1},
    {"varies", 0, OM_OPTION_REAL, "S", "the same of one rank, from unit to unit; default: 0.03",
     .value = &set.varies, .least = 0, .most = 1},
    {"fails", 0, OM_OPTION_REAL, "P", "share of units that fail and are lost; default: 0",
     .value = &set.fails, .least = 0, .most = 0.5},
    {"unit", 0, OM_OPTION_REAL, "S", "seconds of training between checkpoints; default: 20",
     .value = &set.unit_s, .least = 0.01, .most = 86400},
    {0},
};

static void print_bytes(const char *what, double bytes)
{
    if (bytes < 1e9)
        printf("%.0f MB%s", bytes / 1e6, what);
    else
        printf("%.1f GB%s", bytes / 1e9, what);
}

static void print_speed(const om_estimate *e)
{
    printf("  speed        %.3g %s/s a rank", e->rate, e->iterations > 0 ? "iterations" : "models");
    if (e->beside > 0)
        printf(", measured here on %d rank%s side by side; %.2g s a check", e->beside,
               e->beside > 1 ? "s" : "", e->check_s);
    putchar('\n');
}

static double saved_share(const om_estimate *e)
{
    return 1 - (double)om_legs_iterations(&e->legs) / ((double)e->models * (double)e->iterations);
}

static void print_race(const om_estimate *e)
{
    const om_legs *c = &e->legs;
    char without[32];
    if (c->rungs == 0) return;
    printf("  race         %d models to iteration %llu", c->field[0],
           (unsigned long long)c->end[0]);
    for (int leg = 1; leg < c->rungs; leg++)
        printf(", %d to %llu", c->field[leg], (unsigned long long)c->end[leg]);
    om_progress_duration(e->unraced_s, without, sizeof without);
    printf(", %d to the end\n               %.0f %% of the iterations saved; without it %s\n",
           c->field[c->rungs], 100 * saved_share(e), without);
}

static void print(const om_estimate *e)
{
    const om_simulation *middle = &e->runs[OM_ESTIMATE_RUNS / 2];
    const om_simulation *last = &e->runs[OM_ESTIMATE_RUNS - 1];
    const int on_node = (set.ranks + set.nodes - 1) / set.nodes;
    char time[32], shortest[32], longest[32], idle[32];
    om_progress_duration(middle->seconds, time, sizeof time);
    om_progress_duration(e->runs[0].seconds, shortest, sizeof shortest);
    om_progress_duration(last->seconds, longest, sizeof longest);
    om_progress_duration(middle->longest_idle, idle, sizeof idle);
    printf("%s: %d models x %llu iterations%s, %s at extent %d\n", e->name, e->models,
           (unsigned long long)e->iterations, e->iterations > 0 ? "" : " (a check each)",
           e->circuit, e->extent);
    printf("on %d rank%s of %d thread%s, %d node%s\n", set.ranks, set.ranks > 1 ? "s" : "",
           set.threads, set.threads > 1 ? "s" : "", set.nodes, set.nodes > 1 ? "s" : "");
    print_speed(e);
    printf("  time         %s (%s to %s in %d simulated runs)%s\n", time, shortest, longest,
           OM_ESTIMATE_RUNS, middle->done == 0 ? ", when the last model is given up" : "");
    printf("  node hours   %.3g\n", middle->seconds * set.nodes / 3600);
    print_race(e);
    printf("  idle         %.1f %% of the ranks' time; at the end %s at most\n",
           100 * (1 - middle->busy), idle);
    if (set.ranks > e->models)
        printf("               %d ranks have no model: expected %d at most\n",
               set.ranks - e->models, e->models);
    if (set.fails > 0)
        printf("  failures     %llu of %llu units; %d model%s given up after two in a row\n",
               (unsigned long long)middle->failed_units, (unsigned long long)middle->units,
               middle->failed, middle->failed == 1 ? "" : "s");
    printf("  memory       ");
    print_bytes(" a rank, ", e->rank_bytes);
    print_bytes(" a node with its films\n", e->rank_bytes * on_node + e->film_bytes);
    printf("  store        ");
    print_bytes("\n", e->store_bytes);
    printf("  coordinator  %.3g messages/s, %.2g %% busy\n", middle->messages_per_s,
           100 * e->coordinator);
}

static json_t *race_json(const om_estimate *e)
{
    if (e->legs.rungs == 0) return json_null();
    json_t *legs = json_array();
    for (int leg = 0; leg <= e->legs.rungs; leg++)
        json_array_append_new(legs, json_pack("{s:i, s:I}", "models", e->legs.field[leg], "to",
                                              (json_int_t)e->legs.end[leg]));
    return json_pack("{s:o, s:f, s:f}", "legs", legs, "iterations_saved_share", saved_share(e),
                     "seconds_without", e->unraced_s);
}

static om_status print_json(const om_estimate *e)
{
    const om_simulation *middle = &e->runs[OM_ESTIMATE_RUNS / 2];
    const int on_node = (set.ranks + set.nodes - 1) / set.nodes;
    json_t *json = json_pack("{s:s, s:s, s:i, s:i, s:I, s:i, s:i, s:i}", "name", e->name, "circuit",
                             e->circuit, "extent", e->extent, "models", e->models, "iterations",
                             (json_int_t)e->iterations, "ranks", set.ranks, "nodes", set.nodes,
                             "threads", set.threads);
    json_object_update_new(
        json, json_pack("{s:f, s:b, s:f, s:[f, f], s:f}", "iterations_per_s_and_rank", e->rate,
                        "measured", e->beside > 0, "seconds", middle->seconds, "seconds_range",
                        e->runs[0].seconds, e->runs[OM_ESTIMATE_RUNS - 1].seconds, "node_hours",
                        middle->seconds * set.nodes / 3600));
    json_object_update_new(json, json_pack("{s:f, s:f, s:I, s:I, s:i, s:f, s:f}", "idle_share",
                                           1 - middle->busy, "idle_at_end_s", middle->longest_idle,
                                           "units", (json_int_t)middle->units, "failed_units",
                                           (json_int_t)middle->failed_units, "failed_models",
                                           middle->failed, "messages_per_s", middle->messages_per_s,
                                           "coordinator_busy_share", e->coordinator));
    json_object_update_new(json,
                           json_pack("{s:f, s:f, s:f}", "rank_mb", e->rank_bytes / 1e6, "node_mb",
                                     (e->rank_bytes * on_node + e->film_bytes) / 1e6, "store_mb",
                                     e->store_bytes / 1e6));
    json_object_set_new(json, "race", race_json(e));
    return om_command_print_json(json);
}

static om_status run(const om_arguments *args)
{
    om_estimate e;
    const int cores = om_rank_cores();
    if (set.ranks == 0) set.ranks = cores / set.threads > 0 ? cores / set.threads : 1;
    if (set.nodes > set.ranks)
        return om_fail(OM_EUSAGE, "plan: %d nodes for %d ranks: expected a rank or more on each",
                       set.nodes, set.ranks);
    const om_estimate_options how = {.spec_file = args->words[0],
                                     .ranks = set.ranks,
                                     .nodes = set.nodes,
                                     .threads = set.threads,
                                     .rate = set.rate,
                                     .unit_s = set.unit_s,
                                     .spread = set.spread,
                                     .varies = set.varies,
                                     .fails = set.fails,
                                     .cores = cores};
    if (!args->quiet && !(set.rate > 0)) fprintf(stderr, "measuring for a few seconds\n");
    OM_TRY(om_estimate_run(&how, &e));
    if (args->json) return print_json(&e);
    print(&e);
    return OM_OK;
}

const om_command om_cmd_plan = {
    .name = "plan",
    .summary = "what a run would cost: time, node hours, memory, disk",
    .synopsis = "SPEC [-n N] [--nodes K]",
    .details =
        "Memory and disk are counted. Time comes from a speed, measured here for a few seconds "
        "with "
        "as many\n"
        "ranks side by side as a node would have (or cores are here), and from five simulated runs "
        "with the\n"
        "coordinator's own plan. Idle is what ranks wait, write, and lose to failures. Nothing is "
        "written.",
    .options = options,
    .least = 1,
    .most = 1,
    .json = true,
    .example = "ommatid plan ensembles/paper-50.yaml\n"
               "ommatid plan ensembles/paper-50.yaml -n 128 --nodes 4 --rate 17",
    .run = run,
};
