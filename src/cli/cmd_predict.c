/* ommatid predict: what models of a store answer to an experiment. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/pictures.h"
#include "ensemble/progress.h"
#include "ommatid/om_ensemble.h"
#include "ommatid/om_experiment.h"
#include "parallel/ranks.h"
#include "report/plot.h"

static const char *const experiments[] = {"flashes", "edges", NULL}; /* om_experiment_kind */

static struct {
    const char *file, *models, *plot, *types;
    int experiment, threads;
    bool whole;
} set = {.models = "all", .experiment = -1};

static const om_option options[] = {
    {"experiment", 'e', OM_OPTION_CHOICE, "NAME", "what they are shown (required)",
     .value = &set.experiment, .choices = experiments},
    {"models", 'm', OM_OPTION_TEXT, "WHICH", "all, best, top:N or numbers as 3,7; default: all",
     .value = &set.models},
    {"output", 'o', OM_OPTION_FILE, "FILE", "the file to create (required)", .value = &set.file},
    {"plot", 0, OM_OPTION_FILE, "FILE", "draw responses of some types, .svg or .png",
     .value = &set.plot},
    {"types", 0, OM_OPTION_TEXT, "TYPES", "which ones, as T4a,Mi1 (16 at most)",
     .value = &set.types},
    {"whole", 0, OM_OPTION_FLAG, NULL, "responses to a second after the stimulus, not to its end",
     .value = &set.whole},
    {"threads", 0, OM_OPTION_INT, "T", "threads of each rank; default: its share of the cores",
     .value = &set.threads, .least = 1, .most = 1024},
    {0},
};

/* ---- which models ---- */

static om_status fail_models(const char *what)
{
    om_fail(OM_EUSAGE, "--models '%s': %s", set.models, what);
    return om_hint(OM_EUSAGE, "all, best, top:10, or numbers as 3,7");
}

/* The best `top`, by the measure that chose their checks. models: [n_models of the store]. */
static om_status choose_best(om_store *store, int64_t top, int *models, int *n)
{
    const om_store_info *info = om_store_describe(store);
    om_ranked *ranked = NULL;
    OM_TRY(om_alloc((size_t)info->n_models, sizeof *ranked, &ranked));
    om_status status = om_ensemble_rank(store, info->selection, ranked);
    for (int i = 0; status == OM_OK && i < info->n_models && i < top; i++)
        if (ranked[i].place > 0) models[(*n)++] = ranked[i].model;
    om_free(ranked);
    if (status == OM_OK && *n == 0) return fail_models("no model of the store is ranked");
    return status;
}

static om_status choose_numbers(const om_store_info *info, int *models, int *n)
{
    char words[16], *end;
    for (const char *next = set.models; next != NULL; next = end != NULL ? end + 1 : NULL) {
        int64_t number;
        end = strchr(next, ',');
        size_t length = end != NULL ? (size_t)(end - next) : strlen(next);
        snprintf(words, sizeof words, "%.*s", (int)length, next);
        if (length >= sizeof words || !om_parse_int(words, &number))
            return fail_models("expected numbers of models");
        if (number < 0 || number >= info->n_models)
            return om_fail(OM_EUSAGE, "--models '%s': the store has models 0 to %d", set.models,
                           info->n_models - 1);
        for (int i = 0; i < *n; i++)
            if (models[i] == number) return fail_models("a model is named twice");
        models[(*n)++] = (int)number;
    }
    return OM_OK;
}

static om_status choose(om_store *store, int *models, int *n)
{
    const om_store_info *info = om_store_describe(store);
    int64_t top;
    *n = 0;
    if (strcmp(set.models, "all") == 0) {
        for (; *n < info->n_models; (*n)++) models[*n] = *n;
        return OM_OK;
    }
    if (strcmp(set.models, "best") == 0) return choose_best(store, 1, models, n);
    if (strncmp(set.models, "top:", 4) != 0) return choose_numbers(info, models, n);
    if (!om_parse_int(set.models + 4, &top) || top < 1)
        return fail_models("expected a number of models of 1 or more");
    return choose_best(store, top, models, n);
}

/* ---- predicting ---- */

typedef struct telling {
    om_progress progress;
    double start_s;
} telling;

static void tell(void *context, int done, int all)
{
    telling *t = context;
    char line[128], left[32];
    om_progress_duration((om_clock_s() - t->start_s) / done * (all - done), left, sizeof left);
    if (om_ranks_count() > 1)
        snprintf(line, sizeof line, "%d of the %d models of this rank, of %d ranks; %s left", done,
                 all, om_ranks_count(), left);
    else
        snprintf(line, sizeof line, "%d of %d models; %s left", done, all, left);
    om_progress_show(&t->progress, line);
}

static void report(const int *models, const om_prediction *predictions, int n)
{
    int done = 0;
    for (int i = 0; i < n; i++) done += predictions[i].outcome == OM_PREDICTED;
    printf("%s: %s, %d of %d models\n", set.file, experiments[set.experiment], done, n);
    for (int i = 0; i < n; i++)
        if (predictions[i].outcome != OM_PREDICTED)
            printf("left out: model %d: %s\n", models[i], predictions[i].message);
}

static om_status predict(const om_arguments *args, om_store *store)
{
    const size_t most = (size_t)om_store_describe(store)->n_models;
    om_prediction *predictions = NULL;
    int *models = NULL, n = 0;
    om_text command = {0};
    telling t = {om_progress_start(args->quiet || om_ranks_number() > 0), om_clock_s()};
    om_status status = om_alloc(most, sizeof *models, &models);
    if (status == OM_OK) status = om_alloc(most, sizeof *predictions, &predictions);
    if (status == OM_OK) status = choose(store, models, &n);
    if (status == OM_OK && set.types != NULL)
        status = om_picture_check_types(om_store_describe(store), set.types);
    om_text_add(&command, "ommatid predict %s --experiment %s --models %s%s -o %s", args->words[0],
                experiments[set.experiment], set.models, set.whole ? " --whole" : "", set.file);
    if (status == OM_OK && command.failed) status = om_fail(OM_ENOMEM, "out of memory");
    status = om_ranks_agree(status);
    if (status == OM_OK) {
        om_predict_options predict_options = {.experiment = (om_experiment_kind)set.experiment,
                                              .file = set.file,
                                              .command = command.data,
                                              .models = models,
                                              .n_models = n,
                                              .threads = set.threads,
                                              .whole = set.whole,
                                              .tell = tell,
                                              .context = &t};
        status = om_predict(store, &predict_options, predictions);
        om_progress_end(&t.progress);
    }
    if (status == OM_OK && om_ranks_number() == 0) {
        report(models, predictions, n);
        if (set.plot != NULL)
            status = om_picture_prediction(set.file, (om_experiment_kind)set.experiment, set.types,
                                           set.plot);
    }
    om_text_free(&command);
    om_free(models);
    om_free(predictions);
    return status;
}

/* Before minutes of computing, not after. */
static om_status check(const om_arguments *args)
{
    if (set.experiment < 0 || set.file == NULL) {
        om_fail(OM_EUSAGE, "predict: %s is missing",
                set.experiment < 0 ? "the experiment" : "the file to write");
        return om_hint(OM_EUSAGE, "ommatid predict %s --experiment edges -o FILE.h5",
                       args->words[0]);
    }
    if (set.types != NULL && set.plot == NULL) {
        om_fail(OM_EUSAGE, "predict: --types without a file to draw them in");
        return om_hint(OM_EUSAGE, "--types %s --plot responses.svg", set.types);
    }
    return set.plot != NULL ? om_plot_check(set.plot) : OM_OK;
}

static om_status run(const om_arguments *args)
{
    om_store *store = NULL;
    OM_TRY(check(args));
    OM_TRY(om_ranks_start());
    om_status status = om_ranks_agree(om_store_open(args->words[0], OM_STORE_READ, &store));
    if (status == OM_OK) status = predict(args, store);
    om_store_close(store);
    if (om_ranks_number() > 0) om_message_clear();
    om_ranks_finish();
    return status;
}

const om_command om_cmd_predict = {
    .name = "predict",
    .summary = "what models answer to flashes or moving edges",
    .synopsis = "STORE --experiment NAME -o FILE [--models WHICH]",
    .details =
        "FILE holds the voltages of the central cells and what is measured of them, by model and\n"
        "cell type: flash response index, direction selectivity, preferred direction, peaks and\n"
        "their times. xarray, h5py and MATLAB open it. --plot draws, by gnuplot, how responses "
        "spread over\n"
        "models. Models that diverge are named and left\n"
        "out. Under mpirun or srun the models are divided among the ranks.",
    .options = options,
    .least = 1,
    .most = 1,
    .example = "ommatid predict flow-0000.h5 --experiment flashes -o flashes.h5\n"
               "mpirun -n 4 ommatid predict flow-0000.h5 -e edges -m top:10 -o edges.h5",
    .run = run,
};
