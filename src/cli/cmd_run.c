/* ommatid run: trains an ensemble, or goes on with it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/launch.h"
#include "cli/layout_option.h"
#include "cli/open_store.h"
#include "ensemble/layout.h"
#include "ensemble/limit.h"
#include "ensemble/replicate.h"
#include "ommatid/om_ensemble.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

enum { MOST_PER_CORE = 32 /* threads of all ranks: more of them bring a machine to a halt */ };

static const double LEAST_LIMIT_S = 1e-3, PATIENCE_S = 300;

static struct {
    const char *store, *layout, *limit, *patience;
    int ranks, threads, team, replicate;
    double unit_s;
    double limit_s; /* from when the command was begun; 0: none */
    double end_s;   /* the same, and a SLURM job's own limit, of the monotonic clock; INFINITY */
    double patience_s;
    bool retrain_damaged, verbose;
} set = {.unit_s = 20, .patience_s = PATIENCE_S};

static const om_option options[] = {
    {"output", 'o', OM_OPTION_FILE, "STORE", "the store to create, or to go on with (required)",
     .value = &set.store},
    {"layout", 0, OM_OPTION_TEXT, "RxT",
     "ranks that train x threads of each, as in 4x2; default: measured", .value = &set.layout},
    {"ranks", 'n', OM_OPTION_INT, "N", "ranks that train; threads share the cores out",
     .value = &set.ranks, .least = 1, .most = OM_MOST_RANKS},
    {"threads", 0, OM_OPTION_INT, "T", "threads of each rank; ranks share the cores out",
     .value = &set.threads, .least = 1, .most = OM_MOST_THREADS},
    {"team", 0, OM_OPTION_INT, "N",
     "ranks that train each model together, with a part of every batch of 8 samples and more; "
     "default: "
     "1, more where there are more ranks than models",
     .value = &set.team, .least = 1, .most = OM_MOST_RANKS},
    {"unit", 0, OM_OPTION_REAL, "S", "seconds of training between checkpoints, about; default: 20",
     .value = &set.unit_s, .least = 0.01, .most = 86400},
    {"time-limit", 0, OM_OPTION_TEXT, "D",
     "end in good order before: 90s, 30m, 2h, 1-12:00:00; default: a SLURM job's own limit",
     .value = &set.limit},
    {"patience", 0, OM_OPTION_TEXT, "D",
     "how long to try again what a full or failing disk does not take, before the model fails; "
     "default: 5m",
     .value = &set.patience},
    {"retrain-damaged", 0, OM_OPTION_FLAG, NULL,
     "begin models anew whose states are all damaged; else they fail, and the others go on",
     .value = &set.retrain_damaged},
    {"replicate", 0, OM_OPTION_INT, "N",
     "audit: trains N finished models again, on another layout, and compares; STORE is only read",
     .value = &set.replicate, .least = 1, .most = 100000},
    {"verbose", 0, OM_OPTION_FLAG, NULL, "print the mpirun command that starts the ranks",
     .value = &set.verbose},
    {0},
};

static void print_replica(const om_replica *r)
{
    const unsigned long long at = (unsigned long long)r->iteration,
                             again = (unsigned long long)r->again,
                             stored = (unsigned long long)r->stored;
    if (r->equal)
        printf("model %d: equal at iteration %llu (state %016llx)\n", r->model, at, stored);
    else if (r->damaged)
        printf("model %d: damaged: %s\n", r->model, r->difference);
    else
        printf("model %d: differs at iteration %llu (state %016llx, in the store %016llx): %s\n",
               r->model, at, again, stored, r->difference);
}

/* A line for each model; rank 0. */
static om_status print_replicas(const om_replica *replicas, int n)
{
    int unequal = 0, damaged = 0;
    for (int i = 0; i < n; i++) {
        print_replica(&replicas[i]);
        unequal += !replicas[i].equal;
        damaged += replicas[i].damaged;
    }
    fflush(stdout);
    if (unequal == 0) return OM_OK;
    if (damaged == unequal)
        om_fail(OM_EFAIL, "%d of %d models are damaged in %s", damaged, n, set.store);
    else
        om_fail(OM_EFAIL, "%d of %d models came out otherwise than %s has them", unequal - damaged,
                n, set.store);
    if (damaged > 0) om_hint(OM_EFAIL, "ommatid check %s", set.store);
    if (damaged == unequal) return OM_EFAIL;
    return om_hint(OM_EFAIL, "the version and the instruction set that it was trained with (the "
                             "environment's OMMATID_ISA), for which alone bits are the same");
}

static om_status replicate(const om_run_options *run_options)
{
    om_replica *replicas = NULL;
    int n = 0;
    OM_TRY(om_ranks_agree(om_alloc((size_t)set.replicate, sizeof *replicas, &replicas)));
    om_status status = om_ensemble_replicate(run_options, set.replicate, replicas, &n);
    if (status == OM_OK && om_ranks_number() == 0) status = print_replicas(replicas, n);
    om_free(replicas);
    return om_ranks_agree(status);
}

/* Tells the ranks that are started here. */
#define MEASURED_ON "OMMATID_MEASURED_ON"

/* Of the limit, what is left; 0: there is none. */
static double limit_left_s(void)
{
    return isfinite(set.end_s) ? fmax(set.end_s - om_clock_s(), LEAST_LIMIT_S) : 0;
}

/* As ranks of a job: all of them know the outcome, one tells it. */
static om_status run_ranks(const om_arguments *args, int threads, int measured_on)
{
    om_run_options run_options = {.spec_file = args->words[0],
                                  .store = set.store,
                                  .threads = threads,
                                  .team = set.team,
                                  .unit_s = set.unit_s,
                                  .patience_s = set.patience_s,
                                  .retrain_damaged = set.retrain_damaged,
                                  .quiet = args->quiet,
                                  .measured_on = measured_on,
                                  .tell_layout = om_ranks_launched() && !om_launch_is_watched()};
    OM_TRY(om_launch_begin());
    run_options.time_limit_s = limit_left_s(); /* after the start of MPI, which takes its time */
    return om_launch_end(set.replicate > 0 ? replicate(&run_options)
                                           : om_ensemble_run(&run_options));
}

/* The same command for the ranks that are started here. */
static om_status launch(const om_arguments *args, om_rank_layout layout, bool bind)
{
    char threads[16], team[16], unit[32], limit[32], patience[32], replicas[16];
    const bool audits = set.replicate > 0;
    snprintf(threads, sizeof threads, "%d", layout.threads);
    snprintf(unit, sizeof unit, "%.17g", set.unit_s);
    snprintf(team, sizeof team, "%d", layout.team);
    const char *words[20];
    int n = 0;
    words[n++] = "run";
    words[n++] = "--output", words[n++] = set.store;
    words[n++] = "--unit", words[n++] = unit;
    words[n++] = "--threads", words[n++] = threads;
    const double left_s = limit_left_s();
    snprintf(limit, sizeof limit, "%.3fs", left_s);
    if (left_s > 0) words[n++] = "--time-limit", words[n++] = limit;
    snprintf(patience, sizeof patience, "%.3fs", set.patience_s);
    words[n++] = "--patience", words[n++] = patience;
    if (set.retrain_damaged) words[n++] = "--retrain-damaged";
    snprintf(replicas, sizeof replicas, "%d", set.replicate);
    if (audits)
        words[n++] = "--replicate", words[n++] = replicas;
    else
        words[n++] = "--team", words[n++] = team;
    if (args->quiet) words[n++] = "--quiet";
    words[n++] = "--", words[n++] = args->words[0];
    if (!args->quiet)
        fprintf(stderr, audits ? "%d ranks\n" : "%d trainers and a coordinator\n", layout.ranks);
    const om_launching launching = {.ranks = layout.ranks + !audits,
                                    .bound_threads = bind ? layout.threads : 0,
                                    .tell = set.verbose,
                                    .store = set.store,
                                    .kept = audits ? "the store is as it was"
                                                   : "finished units are in the store"};
    char measured_on[16];
    snprintf(measured_on, sizeof measured_on, "%d", layout.measured_on);
    setenv(MEASURED_ON, measured_on, 1);
    return om_launch(&launching, n, words);
}

/* A model is trained by one rank at a time, or one team. */
static void warn_of_idle_ranks(om_rank_layout layout, const om_work_left *left)
{
    const int idle = layout.ranks - left->models * layout.team;
    if (left->models < 1 || idle < 1) return;
    fprintf(stderr,
            "warning: %d of %d ranks will have nothing to do: %d model%s left to train\n"
            "  try: -n %d\n",
            idle, layout.ranks, left->models, left->models == 1 ? " is" : "s are",
            left->models * layout.team);
}

/* Seconds until ranks that were started here are told to end, if they have not by themselves: of what
 * they keep for that, half is left to them. */
static double launch_s(void)
{
    const double left = set.end_s - om_clock_s();
    return isfinite(left) ? left - om_limit_reserve_s(left) / 2 : INFINITY;
}

static om_status run_here(const om_arguments *args, int ranks, int threads)
{
    om_rank_layout layout;
    om_work_left left = {0};
    char line[OM_LAYOUT_BYTES];
    const om_layout_wish wish = {args->words[0], set.store, om_rank_cores(),
                                 ranks,          threads,   set.team};
    om_stop_listen();
    om_stop_after(launch_s());
    if (access(set.store, F_OK) == 0) OM_TRY(om_command_try_store(set.store));
    om_status status = set.replicate > 0 ? om_replicate_layout(&wish, set.replicate, &layout, line)
                                         : om_layout_choose(&wish, &layout, &left, line);
    if (om_stop_signal) return om_limit_fail_early();
    OM_TRY(status);
    if (!args->quiet && (left.models > 0 || set.replicate > 0)) fprintf(stderr, "%s\n", line);
    if (!args->quiet) warn_of_idle_ranks(layout, &left);
    const int64_t all = (int64_t)layout.ranks * layout.threads;
    if (all > MOST_PER_CORE * (int64_t)wish.cores)
        return om_fail(
            OM_EUSAGE, "run: %d ranks x %d threads on %d core%s: expected at most %d a core",
            layout.ranks, layout.threads, wish.cores, wish.cores == 1 ? "" : "s", MOST_PER_CORE);
    const bool fits = all <= wish.cores;
    if (!fits && !args->quiet)
        fprintf(stderr, "warning: %d x %d is more than the %d core%s of this machine: slower\n",
                layout.ranks, layout.threads, wish.cores, wish.cores == 1 ? "" : "s");
    if (layout.ranks == 1) return run_ranks(args, layout.threads, layout.measured_on);
    return launch(args, layout, fits && layout.threads > 1 && om_rank_has_all_cores());
}

static om_status run(const om_arguments *args)
{
    if (set.store == NULL) {
        om_fail(OM_EUSAGE, "run: where to put the trained models is missing");
        return om_hint(OM_EUSAGE, "ommatid run %s -o STORE.h5", args->words[0]);
    }
    if (set.limit != NULL && !om_parse_duration(set.limit, &set.limit_s))
        return om_fail(OM_EUSAGE,
                       "--time-limit '%s': expected a duration: 90s, 30m, 2h, or as SLURM writes "
                       "it: minutes, 12:00:00, 1-12",
                       set.limit);
    if (set.patience != NULL && !om_parse_duration(set.patience, &set.patience_s))
        return om_fail(OM_EUSAGE, "--patience '%s': expected a duration: 30s, 5m, 1h",
                       set.patience);
    set.end_s = om_clock_s() + om_limit_s(set.limit_s);
    if (set.team > 0 && set.replicate > 0)
        return om_fail(OM_EUSAGE, "run: --team is not for --replicate: each model has one rank");
    int ranks = set.ranks, threads = set.threads;
    if (set.layout != NULL) OM_TRY(om_layout_option("run", set.layout, &ranks, &threads));
    if (!om_ranks_launched()) return run_here(args, ranks, threads);
    if (ranks > 0)
        return om_fail(OM_EUSAGE, "run: %d ranks, but the launcher of this job sets the ranks",
                       ranks);
    const char *measured_on = om_launch_is_watched() ? getenv(MEASURED_ON) : NULL;
    return run_ranks(args, threads, measured_on != NULL ? (int)strtol(measured_on, NULL, 10) : 0);
}

const om_command om_cmd_run = {
    .name = "run",
    .summary = "trains an ensemble into a store, or goes on with it",
    .synopsis = "SPEC -o STORE [--layout RxT]",
    .details =
        "Alone it starts its own ranks, and one more that only coordinates. How many, and how many "
        "threads\n"
        "each takes, it measures in 5 seconds at most, and says so; a run of less than a minute "
        "has "
        "as\n"
        "many ranks as there are cores and models. More ranks than models share out the batches of "
        "each "
        "model,\n"
        "where these have 8 samples or more. The models are the same, to the bit, with any "
        "layout.\n"
        "Under mpirun or srun it uses the ranks that it is given.\n"
        "\n"
        "With --replicate it proves that of a finished store: N models, drawn by the seed, are "
        "trained once\n"
        "more on another layout, and every byte of their states is compared. Exit status 1: one "
        "differs, or\n"
        "what the store has of it is damaged.\n"
        "\n"
        "Ctrl-C, SIGTERM and a time limit end it cleanly, with exit code 75; the same command goes "
        "on from\n"
        "there, and gives the same models as a run that was never stopped. A model that fails by "
        "an "
        "error of\n"
        "the machine does not end the others: exit code 1 in the end, and the same command tries "
        "it "
        "again.",
    .options = options,
    .least = 1,
    .most = 1,
    .example = "ommatid run ensembles/quickstart.yaml -o quickstart.h5\n"
               "ommatid run mine.yaml -o mine.h5 --layout 4x2\n"
               "ommatid run mine.yaml -o mine.h5 --replicate 2\n"
               "mpirun -n 9 ommatid run ensembles/motion-50.yaml -o motion-50.h5",
    .run = run,
};
