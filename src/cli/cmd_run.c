/* ommatid run: trains an ensemble, or goes on with it. */
#include <stdio.h>

#include "base/fail.h"
#include "cli/command.h"
#include "cli/launch.h"
#include "ommatid/om_ensemble.h"
#include "parallel/ranks.h"

static struct {
    const char *store;
    int ranks, threads;
    double unit_s;
} set = {.unit_s = 20};

static const om_option options[] = {
    {"output", 'o', OM_OPTION_FILE, "STORE", "the store to create, or to go on with (required)",
     .value = &set.store},
    {"ranks", 'n', OM_OPTION_INT, "N", "ranks that train; default: one per core that it may use",
     .value = &set.ranks, .least = 1, .most = 4096},
    {"threads", 0, OM_OPTION_INT, "T", "threads of each rank; default: its share of the cores",
     .value = &set.threads, .least = 1, .most = 1024},
    {"unit", 0, OM_OPTION_REAL, "S", "seconds of training between checkpoints, about; default: 20",
     .value = &set.unit_s, .least = 0.01, .most = 86400},
    {0},
};

/* As ranks of a job: all of them know the outcome, one tells it. */
static om_status run_ranks(const om_arguments *args)
{
    om_run_options run_options = {.spec_file = args->words[0],
                                  .store = set.store,
                                  .threads = set.threads,
                                  .unit_s = set.unit_s,
                                  .quiet = args->quiet};
    OM_TRY(om_launch_begin());
    return om_launch_end(om_ensemble_run(&run_options));
}

/* The same command for the ranks that are started here. */
static om_status launch(const om_arguments *args, int ranks)
{
    char threads[16], unit[32], who[64];
    snprintf(threads, sizeof threads, "%d", set.threads);
    snprintf(unit, sizeof unit, "%.17g", set.unit_s);
    const char *words[16];
    int n = 0;
    words[n++] = "run";
    words[n++] = "--output", words[n++] = set.store;
    words[n++] = "--unit", words[n++] = unit;
    if (set.threads > 0) words[n++] = "--threads", words[n++] = threads;
    if (args->quiet) words[n++] = "--quiet";
    words[n++] = "--", words[n++] = args->words[0];
    snprintf(who, sizeof who, "%d trainers and a coordinator", ranks);
    const om_launching launching = {ranks + 1, who, "finished units are in the store", args->quiet};
    return om_launch(&launching, n, words);
}

static om_status run(const om_arguments *args)
{
    if (set.store == NULL) {
        om_fail(OM_EUSAGE, "run: where to put the trained models is missing");
        return om_hint(OM_EUSAGE, "ommatid run %s -o STORE.h5", args->words[0]);
    }
    if (om_ranks_launched()) {
        if (set.ranks > 0)
            return om_fail(OM_EUSAGE, "run: -n %d, but the launcher of this job sets the ranks",
                           set.ranks);
        return run_ranks(args);
    }
    int cores = om_rank_cores(), ranks = set.ranks;
    if (ranks == 0) ranks = set.threads > 0 ? cores / set.threads : cores;
    return ranks > 1 ? launch(args, ranks) : run_ranks(args);
}

const om_command om_cmd_run = {
    .name = "run",
    .summary = "trains an ensemble into a store, or goes on with it",
    .synopsis = "SPEC -o STORE [-n N]",
    .details = "Alone it starts its own ranks, one of which only coordinates; under mpirun or srun "
               "it uses\n"
               "those it is given. Ctrl-C and SIGTERM end it cleanly; the same command goes on "
               "from there,\n"
               "and gives the same models as a run that was never stopped.",
    .options = options,
    .least = 1,
    .most = 1,
    .example = "ommatid run ensembles/quickstart.yaml -o quickstart.h5\n"
               "mpirun -n 9 ommatid run ensembles/motion-50.yaml -o motion-50.h5",
    .run = run,
};
