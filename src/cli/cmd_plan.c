/* ommatid plan: what a run would cost, before it is begun. */
#include <math.h>
#include <stdio.h>

#include "base/fail.h"
#include "cli/command.h"
#include "cli/layout_option.h"
#include "ensemble/estimate.h"
#include "ensemble/progress.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

enum { MOST_RANKS = 100000 };
static const double BUSY = 0.1; /* share of the cores from which others disturb */

static struct {
    const char *layout;
    int ranks, nodes, threads, team;
    double rate, unit_s, spread, varies, fails;
} set = {.nodes = 1, .unit_s = 20, .spread = 0.1, .varies = 0.03};

static const om_option options[] = {
    {"layout", 0, OM_OPTION_TEXT, "RxT", "ranks that train on each node x threads of each",
     .value = &set.layout},
    {"ranks", 'n', OM_OPTION_INT, "N",
     "ranks that train, of all nodes; default: on each as many as there are cores for here",
     .value = &set.ranks, .least = 1, .most = MOST_RANKS},
    {"nodes", 0, OM_OPTION_INT, "K", "nodes that they are on; default: 1", .value = &set.nodes,
     .least = 1, .most = MOST_RANKS},
    {"threads", 0, OM_OPTION_INT, "T", "threads of each rank; default: 1", .value = &set.threads,
     .least = 1, .most = OM_MOST_THREADS},
    {"team", 0, OM_OPTION_INT, "N",
     "ranks that train one model together; default: as run has it, more than 1 where ranks "
     "outnumber models",
     .value = &set.team, .least = 1, .most = OM_MOST_RANKS},
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
    if (e->team > 1)
        printf("  team         %.3g times as fast, if its ranks' exchange costs nothing\n",
               e->team_gain);
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

static void print_ranks(const om_estimate *e)
{
    printf("on %d rank%s of %d thread%s, ", set.ranks, set.ranks > 1 ? "s" : "", set.threads,
           set.threads > 1 ? "s" : "");
    if (e->team > 1) printf("teams of %d ranks to a model, ", e->team);
    printf("%d node%s\n", set.nodes, set.nodes > 1 ? "s" : "");
}

/* What a run takes, of one ensemble or of all points. */
static void print_costs(const om_estimate *e)
{
    const om_simulation *middle = &e->runs[OM_ESTIMATE_RUNS / 2];
    const om_simulation *last = &e->runs[OM_ESTIMATE_RUNS - 1];
    const int on_node = (set.ranks + set.nodes - 1) / set.nodes;
    char time[32], shortest[32], longest[32], idle[32];
    om_progress_duration(middle->seconds, time, sizeof time);
    om_progress_duration(e->runs[0].seconds, shortest, sizeof shortest);
    om_progress_duration(last->seconds, longest, sizeof longest);
    om_progress_duration(middle->longest_idle, idle, sizeof idle);
    printf("  time         %s (%s to %s in %d simulated runs)%s\n", time, shortest, longest,
           OM_ESTIMATE_RUNS, middle->done == 0 ? ", when the last model is given up" : "");
    printf("  node hours   %.3g\n", middle->seconds * set.nodes / 3600);
    print_race(e);
    printf("  idle         %.1f %% of the ranks' time; at the end %s at most\n",
           100 * (1 - middle->busy), idle);
    if (e->idle > 0)
        printf("               %d rank%s no model: expected %d at most\n", e->idle,
               e->idle > 1 ? "s have" : " has", set.ranks - e->idle);
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

static void print(const om_estimate *e)
{
    printf("%s: %d models x %llu iterations%s, %s at extent %d\n", e->name, e->models,
           (unsigned long long)e->iterations, e->iterations > 0 ? "" : " (a check each)",
           e->circuit, e->extent);
    print_ranks(e);
    print_speed(e);
    print_costs(e);
}

/* A line for each point, and what their run takes. */
static void print_sweep(const om_estimates *all)
{
    const om_estimate *e = &all->whole;
    double seconds = 0;
    for (int p = 0; p < all->n; p++) seconds += all->of[p].rank_s;
    printf("%s: %d points, %d models, %llu iterations in all\n", e->name, all->n, e->models,
           (unsigned long long)e->iterations);
    print_ranks(e);
    if (all->kinds > 0)
        printf("speed measured here on %d rank%s side by side, of %d kind%s of point\n", e->beside,
               e->beside > 1 ? "s" : "", all->measured, all->measured > 1 ? "s" : "");
    if (all->measured < all->kinds)
        printf("  (of %d: what there was no time for, by its size)\n", all->kinds);
    printf("\npoint  models  iterations  a second   MB a rank  of the time  values\n");
    for (int p = 0; p < all->n; p++) {
        const om_estimate *one = &all->of[p];
        char label[OM_SWEEP_LABEL_BYTES];
        om_sweep_label(all->sweep, p, label);
        printf("%5d  %6d  %10llu  %8.3g  %10.0f  %9.1f %%  %s\n", p, one->models,
               (unsigned long long)one->iterations, one->rate, one->rank_bytes / 1e6,
               100 * one->rank_s / seconds, label);
    }
    printf("\n");
    print_costs(e);
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

static json_t *points_json(const om_estimates *all)
{
    json_t *points = json_array();
    for (int p = 0; p < all->n; p++) {
        const om_estimate *e = &all->of[p];
        char label[OM_SWEEP_LABEL_BYTES];
        om_sweep_label(all->sweep, p, label);
        json_array_append_new(
            points,
            json_pack("{s:i, s:s, s:s, s:i, s:i, s:I, s:f, s:f, s:f, s:f, s:o}", "point", p,
                      "values", label, "circuit", e->circuit, "extent", e->extent, "models",
                      e->models, "iterations", (json_int_t)e->iterations,
                      "iterations_per_s_and_rank", e->rate, "rank_seconds", e->rank_s, "rank_mb",
                      e->rank_bytes / 1e6, "store_mb", e->store_bytes / 1e6, "race", race_json(e)));
    }
    return points;
}

static om_status print_json(const om_estimates *all)
{
    const om_estimate *e = &all->whole;
    const bool swept = all->sweep != NULL;
    const om_simulation *middle = &e->runs[OM_ESTIMATE_RUNS / 2];
    const int on_node = (set.ranks + set.nodes - 1) / set.nodes;
    json_t *json = json_pack("{s:s, s:s?, s:o, s:i, s:I, s:i, s:i, s:i}", "name", e->name,
                             "circuit", swept ? NULL : e->circuit, "extent",
                             swept ? json_null() : json_integer(e->extent), "models", e->models,
                             "iterations", (json_int_t)e->iterations, "ranks", set.ranks, "nodes",
                             set.nodes, "threads", set.threads);
    json_object_update_new(json, json_pack("{s:i, s:o, s:i}", "team", e->team, "team_gain",
                                           swept ? json_null() : json_real(e->team_gain),
                                           "ranks_without_model", e->idle));
    json_object_update_new(
        json, json_pack("{s:f, s:b, s:i, s:f, s:f, s:[f, f], s:f}", "iterations_per_s_and_rank",
                        e->rate, "measured", e->beside > 0, "measured_on_ranks", e->beside,
                        "other_work_cores", e->others, "seconds", middle->seconds, "seconds_range",
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
    if (swept)
        json_object_update_new(json, json_pack("{s:i, s:i, s:o}", "kinds_of_points", all->kinds,
                                               "kinds_measured", all->measured, "points",
                                               points_json(all)));
    return om_command_print_json(json);
}

static void tell(void) { fprintf(stderr, "measuring for a few seconds\n"); }

/* What makes a measured speed another one than the run will have. */
static void warn(const om_estimate *e, int cores)
{
    const int on_node = (set.ranks + set.nodes - 1) / set.nodes;
    if (e->beside == 0) return;
    if ((int64_t)on_node * set.threads > cores)
        fprintf(stderr,
                "warning: %d rank%s x %d thread%s on a node are more than the %d core%s here: the "
                "speed is that of %d x %d\n"
                "  try: ommatid plan on such a node, or its speed by --rate\n",
                on_node, on_node > 1 ? "s" : "", set.threads, set.threads > 1 ? "s" : "", cores,
                cores > 1 ? "s" : "", e->beside, set.threads);
    if (e->others > BUSY * cores)
        fprintf(stderr,
                "warning: other programs took %.1f core%s while the speed was measured: it is too "
                "low\n  try: again when nothing else runs, or the speed by --rate\n",
                e->others, e->others == 1 ? "" : "s");
}

/* Ranks of all nodes and threads of each, by whichever options say so. */
static om_status settle_layout(int cores)
{
    if (set.layout != NULL) {
        OM_TRY(om_layout_option("plan", set.layout, &set.ranks, &set.threads));
        if (set.ranks > MOST_RANKS / set.nodes)
            return om_fail(OM_EUSAGE,
                           "plan: %d ranks on each of %d nodes: expected %d in all at most",
                           set.ranks, set.nodes, MOST_RANKS);
        set.ranks *= set.nodes;
    }
    if (set.threads == 0) set.threads = 1;
    if (set.ranks == 0) {
        const int on_node = cores / set.threads > 0 ? cores / set.threads : 1;
        set.ranks = on_node > MOST_RANKS / set.nodes ? MOST_RANKS : on_node * set.nodes;
    }
    if (set.nodes <= set.ranks) return OM_OK;
    return om_fail(OM_EUSAGE, "plan: %d nodes for %d ranks: expected a rank or more on each",
                   set.nodes, set.ranks);
}

static om_status run(const om_arguments *args)
{
    om_estimates all;
    const int cores = om_rank_cores();
    OM_TRY(settle_layout(cores));
    const om_estimate_options how = {.spec_file = args->words[0],
                                     .ranks = set.ranks,
                                     .nodes = set.nodes,
                                     .threads = set.threads,
                                     .team = set.team,
                                     .rate = set.rate,
                                     .unit_s = set.unit_s,
                                     .spread = set.spread,
                                     .varies = set.varies,
                                     .fails = set.fails,
                                     .cores = cores,
                                     .tell = args->quiet ? NULL : tell};
    om_status status = om_estimate_run(&how, &all);
    if (status == OM_OK && !args->quiet) warn(&all.whole, cores);
    if (status == OM_OK && args->json)
        status = print_json(&all);
    else if (status == OM_OK && all.sweep != NULL)
        print_sweep(&all);
    else if (status == OM_OK)
        print(&all.whole);
    om_estimates_free(&all);
    return status;
}

const om_command om_cmd_plan = {
    .name = "plan",
    .summary = "what a run would cost: time, node hours, memory, disk",
    .synopsis = "SPEC [-n N | --layout RxT] [--nodes K]",
    .details =
        "Memory and disk are counted. Time comes from a speed, measured here for a few seconds "
        "with "
        "as many\n"
        "ranks side by side as a node would have (or cores are here), and from five simulated runs "
        "with the\n"
        "coordinator's own plan. Idle is what ranks wait, write, and lose to failures. A sweep's "
        "points share\n"
        "one run; SPEC:2 is one of them. Nothing is written.",
    .options = options,
    .least = 1,
    .most = 1,
    .json = true,
    .example = "ommatid plan ensembles/paper-50.yaml\n"
               "ommatid plan ensembles/paper-50.yaml --nodes 4 --layout 32x1 --rate 17",
    .run = run,
};
