/* ommatid validate: models of a store against what is known of the fly's cells. */
#include <stdio.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/launch.h"
#include "cli/open_store.h"
#include "cli/pictures.h"
#include "cli/telling.h"
#include "cli/validate_report.h"
#include "ommatid/om_validation.h"
#include "parallel/ranks.h"
#include "report/plot.h"

static const char *const speeds[] = {"all", "2.4", "4.8", "9.7", "13", "19", "25", NULL};
static const char *const pictures[] = {"directions", "polarity", NULL}; /* om_validation_picture */

static struct {
    const char *file, *csv, *plot;
    int speed, ranks, threads, picture;
} set = {.picture = -1};

static const om_option options[] = {
    {"speed", 0, OM_OPTION_CHOICE, "V", "only edges of this speed, columns/s; default: all",
     .value = &set.speed, .choices = speeds},
    {"csv", 0, OM_OPTION_FILE, "FILE", "write a row for each model and cell type",
     .value = &set.csv},
    {"plot", 0, OM_OPTION_FILE, "FILE", "draw a picture, .svg or .png", .value = &set.plot},
    {"picture", 0, OM_OPTION_CHOICE, "WHICH",
     "what --plot draws, of T4 and T5 or of all types; default: directions", .value = &set.picture,
     .choices = pictures},
    {"measures", 0, OM_OPTION_FILE, "FILE", "kept there; default: STORE.measures.h5",
     .value = &set.file},
    {"ranks", 'n', OM_OPTION_INT, "N", "ranks that share the models; default: one per core",
     .value = &set.ranks, .least = 1, .most = 4096},
    {"threads", 0, OM_OPTION_INT, "T", "threads of each rank; default: its share of the cores",
     .value = &set.threads, .least = 1, .most = 1024},
    {0},
};

/* What progress counts. */
typedef struct told {
    om_telling telling;
    int models;
} told;

static void tell(void *context, int done, int all)
{
    told *t = context;
    char what[64] = "networks";
    (void)done; /* of this rank */
    if (all == t->models + OM_CONTROLS)
        snprintf(what, sizeof what, "networks (%d model%s, %d untrained)", t->models,
                 t->models == 1 ? "" : "s", OM_CONTROLS);
    om_telling_step(&t->telling, all, what);
}

static om_status report(const om_arguments *args, om_store *store, const om_validation *v)
{
    om_ranked *ranked = NULL;
    om_validate_report r;
    OM_TRY(om_alloc((size_t)v->n_models, sizeof *ranked, &ranked));
    om_status status = om_ensemble_rank(store, om_store_describe(store)->selection, ranked);
    if (status == OM_OK) status = om_validate_report_make(store, v, ranked, &r);
    if (status == OM_OK) {
        if (set.csv != NULL) status = om_validate_write_csv(&r, set.csv);
        if (status == OM_OK && args->json) status = om_validate_print_json(&r);
        if (status == OM_OK && !args->json) om_validate_print(&r);
        if (status == OM_OK && set.plot != NULL)
            status = om_picture_validation(
                &r, set.picture >= 0 ? (om_validation_picture)set.picture : OM_PICTURE_DIRECTIONS,
                set.plot);
        om_validate_report_free(&r);
    }
    om_free(ranked);
    return status;
}

/* Where the measures are, and what they are good for. */
static om_status say_where(const char *store)
{
    char *path = NULL;
    OM_TRY(om_validation_file(store, &path));
    fflush(stdout); /* after what was printed, where both are one terminal */
    fprintf(stderr, "measures are kept in %s: ommatid rank %s --by dsi_t4%s%s\n",
            set.file != NULL ? set.file : path, store, set.file != NULL ? " --measures " : "",
            set.file != NULL ? set.file : "");
    om_free(path);
    return OM_OK;
}

static om_status validate(const om_arguments *args, om_store *store)
{
    om_validation *v = NULL;
    om_text command = {0};
    told t = {om_telling_start(args->quiet), om_store_describe(store)->n_models};
    om_text_add(&command, "ommatid validate %s", args->words[0]);
    if (set.file != NULL) om_text_add(&command, " --measures %s", set.file);
    om_status status = om_ranks_agree(command.failed ? om_fail(OM_ENOMEM, "out of memory") : OM_OK);
    if (status == OM_OK) {
        const om_validate_options how = {.file = set.file,
                                         .command = command.data,
                                         .threads = set.threads,
                                         .speed =
                                             set.speed > 0 ? om_moving_speeds[set.speed - 1] : 0,
                                         .tell = tell,
                                         .context = &t};
        status = om_validate(store, &how, &v);
        om_telling_end(&t.telling);
    }
    if (status == OM_OK && om_ranks_number() == 0) status = report(args, store, v);
    if (status == OM_OK && om_ranks_number() == 0 && !args->quiet)
        status = say_where(args->words[0]);
    om_validation_free(v);
    om_text_free(&command);
    return om_ranks_agree(status);
}

/* Before minutes of computing, not after. */
static om_status check_files(void)
{
    if (set.picture >= 0 && set.plot == NULL) {
        om_fail(OM_EUSAGE, "validate: --picture without a file to draw it in");
        return om_hint(OM_EUSAGE, "--picture %s --plot %s.svg", pictures[set.picture],
                       pictures[set.picture]);
    }
    if (set.plot != NULL) OM_TRY(om_plot_check(set.plot));
    return set.csv != NULL ? om_check_new_file(set.csv, "--csv") : OM_OK;
}

static om_status run_ranks(const om_arguments *args)
{
    om_store *store = NULL;
    OM_TRY(om_launch_begin());
    om_status status = om_ranks_agree(om_store_open(args->words[0], OM_STORE_READ, &store));
    if (status == OM_OK) status = validate(args, store);
    om_store_close(store);
    return om_launch_end(status);
}

/* Models, and untrained ones, that still have to be shown something. */
static om_status count_missing(const om_arguments *args, int *n)
{
    om_store *store = NULL;
    om_validation *v = NULL;
    OM_TRY(om_command_open_store(args->words[0], &store));
    *n = om_store_describe(store)->n_models + OM_CONTROLS;
    if (om_validation_read(store, set.file, 0, &v) == OM_OK)
        for (int i = 0; i < v->n_models + v->n_controls; i++) {
            const om_validated *m =
                i < v->n_models ? &v->models[i] : &v->untrained[i - v->n_models];
            *n -= m->prediction.outcome != OM_PREDICTED_NOT_YET;
        }
    om_message_clear(); /* what is wrong with the file is told by who needs it */
    om_validation_free(v);
    om_store_close(store);
    return OM_OK;
}

/* The same command for the ranks that are started here. */
static om_status launch(const om_arguments *args, int ranks)
{
    char threads[16];
    const char *words[24];
    int n = 0;
    snprintf(threads, sizeof threads, "%d", set.threads);
    words[n++] = "validate";
    if (set.speed > 0) words[n++] = "--speed", words[n++] = speeds[set.speed];
    if (set.csv != NULL) words[n++] = "--csv", words[n++] = set.csv;
    if (set.file != NULL) words[n++] = "--measures", words[n++] = set.file;
    if (set.plot != NULL) words[n++] = "--plot", words[n++] = set.plot;
    if (set.picture >= 0) words[n++] = "--picture", words[n++] = pictures[set.picture];
    if (set.threads > 0) words[n++] = "--threads", words[n++] = threads;
    if (args->json) words[n++] = "--json";
    if (args->quiet) words[n++] = "--quiet";
    words[n++] = "--", words[n++] = args->words[0];
    const om_launching launching = {.ranks = ranks, .kept = "finished models are kept"};
    return om_launch(&launching, n, words);
}

static om_status run(const om_arguments *args)
{
    OM_TRY(check_files());
    if (om_ranks_launched()) {
        if (set.ranks > 0)
            return om_fail(OM_EUSAGE,
                           "validate: -n %d, but the launcher of this job sets the ranks",
                           set.ranks);
        return run_ranks(args);
    }
    int missing, cores = om_rank_cores(), ranks = set.ranks;
    OM_TRY(count_missing(args, &missing));
    if (ranks == 0) ranks = set.threads > 0 ? cores / set.threads : cores;
    if (ranks > missing) ranks = missing;
    return ranks > 1 ? launch(args, ranks) : run_ranks(args);
}

const om_command om_cmd_validate = {
    .name = "validate",
    .summary = "models against what is known of the fly's cells",
    .synopsis = "STORE [--csv FILE] [--plot FILE] [--json]",
    .details =
        "Shows flashes and moving edges to every model, and to untrained ones of the same "
        "circuit,\n"
        "and prints how preferred directions, direction selectivity and polarity agree with "
        "what is\n"
        "known, and with task error. What was measured is kept beside the store; a second "
        "call only\n"
        "does models that are new or were trained on, and one that was killed goes on.\n"
        "FILE of --csv: model,type,fri,dsi_on,dsi_off,preferred_direction_on_deg,\n"
        "preferred_direction_off_deg,left_out: why, of a model without numbers; directions "
        "are empty\n"
        "(null with --json) where DSI is 0.001 or less. Pictures are drawn by gnuplot. Alone "
        "it starts\n"
        "its own ranks; under mpirun or srun it uses those it is given.",
    .options = options,
    .json = true,
    .least = 1,
    .most = 1,
    .example = "ommatid validate paper-ensemble.h5\n"
               "ommatid validate paper-ensemble.h5 --plot directions.svg",
    .run = run,
};
