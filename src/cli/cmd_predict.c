/* ommatid predict: what models of a store answer to an experiment. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "circuit/draft.h"
#include "cli/command.h"
#include "cli/film_print.h"
#include "cli/launch.h"
#include "cli/numbers.h"
#include "cli/open_store.h"
#include "cli/pictures.h"
#include "cli/telling.h"
#include "ommatid/om_ensemble.h"
#include "ommatid/om_experiment.h"
#include "parallel/ranks.h"
#include "report/plot.h"

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%"

static const char *const experiments[] = {"flashes", "edges", "film",
                                          NULL}; /* om_experiment_kind */

static struct {
    const char *file, *models, *movie, *plot, *types, *columns;
    int experiment, ranks, threads, resampling, frames;
    double frame_rate_hz;
    bool whole;
} set = {.models = "all", .experiment = -1, .resampling = -1};

static const om_option options[] = {
    {"experiment", 'e', OM_OPTION_CHOICE, "NAME", "what they are shown (required)",
     .value = &set.experiment, .choices = experiments},
    {"models", 'm', OM_OPTION_TEXT, "WHICH", "all, best, top:N or numbers as 3,7-9; default: all",
     .value = &set.models},
    {"output", 'o', OM_OPTION_FILE, "FILE", "the file to create (required)", .value = &set.file},
    {"plot", 0, OM_OPTION_FILE, "FILE", "draw responses of some types, .svg or .png",
     .value = &set.plot},
    {"types", 0, OM_OPTION_TEXT, "TYPES", "only these cell types, as T4a,Mi1 (16 at most to draw)",
     .value = &set.types},
    {"columns", 0, OM_OPTION_TEXT, "U,V;...",
     "cells of these columns as well, as \"0,0;1,-1\", or all", .value = &set.columns},
    {"whole", 0, OM_OPTION_FLAG, NULL, "responses to a second after the stimulus, not to its end",
     .value = &set.whole},
    {"movie", 0, OM_OPTION_FILE, "FILE", "the film of --experiment film", .value = &set.movie},
    {"frames", 0, OM_OPTION_INT, "N", "only the film's first N frames", .value = &set.frames,
     .least = 1, .most = 1e6},
    {"frame-rate", 0, OM_OPTION_REAL, "HZ", "of the film; default: 24", .value = &set.frame_rate_hz,
     .least = 0.1, .most = 1000},
    {"resampling", 0, OM_OPTION_CHOICE, "HOW",
     "how frames become time steps; default: as the store's models were trained",
     .value = &set.resampling, .choices = om_resampling_names},
    {"ranks", 'n', OM_OPTION_INT, "N", "ranks that share the models; default: one per core",
     .value = &set.ranks, .least = 1, .most = 4096},
    {"threads", 0, OM_OPTION_INT, "T", "threads of each rank; default: its share of the cores",
     .value = &set.threads, .least = 1, .most = 1024},
    {0},
};

/* ---- which models ---- */

static om_status hint_models(om_status status)
{
    return om_hint(status, "all, best, top:10, or numbers as 3,7-9");
}

static om_status fail_models(const char *what)
{
    return hint_models(om_fail(OM_EUSAGE, "--models '%s': %s", set.models, what));
}

/* Places of all models in the ranking, 0 for those without one. */
static om_status read_places(om_store *store, om_ranked *ranked, int *place)
{
    const om_store_info *info = om_store_describe(store);
    OM_TRY(om_ensemble_rank(store, info->selection, ranked));
    for (int i = 0; i < info->n_models; i++) place[ranked[i].model] = ranked[i].place;
    return OM_OK;
}

/* The best `top`, by the measure that chose their checks. models: [n_models of the store]. */
static om_status choose_best(const om_store_info *info, const om_ranked *ranked, int64_t top,
                             int *models, int *n)
{
    for (int i = 0; i < info->n_models && i < top; i++)
        if (ranked[i].place > 0) models[(*n)++] = ranked[i].model;
    return *n > 0 ? OM_OK : fail_models("no model of the store is ranked");
}

static om_status choose(const om_store_info *info, const om_ranked *ranked, int *models, int *n)
{
    int64_t top;
    *n = 0;
    if (strcmp(set.models, "all") == 0) {
        for (; *n < info->n_models; (*n)++) models[*n] = *n;
        return OM_OK;
    }
    if (strcmp(set.models, "best") == 0) return choose_best(info, ranked, 1, models, n);
    if (strncmp(set.models, "top:", 4) != 0) {
        om_status status = om_numbers_read("--models", set.models, info->n_models, models, n);
        return status == OM_OK ? OM_OK : hint_models(status);
    }
    if (!om_parse_int(set.models + 4, &top) || top < 1)
        return fail_models("expected a number of models of 1 or more");
    return choose_best(info, ranked, top, models, n);
}

/* ---- predicting ---- */

/* What progress counts. */
typedef struct told {
    om_telling telling;
    int models; /* of all ranks */
} told;

static void tell(void *context, int done, int all)
{
    told *t = context;
    (void)done, (void)all; /* of this rank */
    om_telling_step(&t->telling, t->models, t->models == 1 ? "model" : "models");
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

/* ---- which cells ---- */

static om_status choose_types(const om_store_info *info, int *types, int *n)
{
    const char *known[OM_MAX_TYPES + 1] = {0};
    for (int t = 0; t < info->n_types; t++) known[t] = info->type_names[t];
    for (const char *next = set.types; next != NULL && *next != '\0';) {
        char name[OM_NAME_BYTES];
        const size_t length = strcspn(next, ",");
        int t = 0;
        snprintf(name, sizeof name, "%.*s", (int)length, next);
        while (t < info->n_types && strcmp(known[t], name) != 0) t++;
        if (t == info->n_types) {
            const char *nearest = om_nearest(name, known);
            om_fail(OM_EUSAGE, "--types: there is no cell type '%s'%s%s", name,
                    nearest != NULL ? "; the nearest is " : "", nearest != NULL ? nearest : "");
            return om_hint(OM_EUSAGE, "whole names with commas between, as T4a,T4b");
        }
        for (int i = 0; i < *n; i++)
            if (types[i] == t) return om_fail(OM_EUSAGE, "--types: '%s' is named twice", name);
        types[(*n)++] = t;
        next += length + (next[length] == ',');
    }
    return OM_OK;
}

/* "U,V", so many characters of text. */
static bool read_column(const char *text, size_t length, int *u, int *v)
{
    char words[32];
    int64_t at[2];
    snprintf(words, sizeof words, "%.*s", (int)length, text);
    char *comma = strchr(words, ',');
    if (length >= sizeof words || comma == NULL) return false;
    *comma = '\0';
    if (!om_parse_int(words, &at[0]) || !om_parse_int(comma + 1, &at[1])) return false;
    *u = (int)at[0], *v = (int)at[1];
    return *u == at[0] && *v == at[1];
}

/* columns: room for all of the lattice. */
static om_status choose_columns(int extent, int *columns, int *n)
{
    const bool all = strcmp(set.columns, "all") == 0;
    for (int i = 0; all && i < om_lattice_columns(extent); i++) columns[(*n)++] = i;
    for (const char *next = set.columns; !all && *next != '\0';) {
        const size_t length = strcspn(next, ";");
        int u, v;
        if (!read_column(next, length, &u, &v)) {
            om_fail(OM_EUSAGE, "--columns '%s': expected coordinates of columns", set.columns);
            return om_hint(OM_EUSAGE, "--columns \"0,0;1,-1\"");
        }
        const int column = om_lattice_index(extent, u, v);
        if (column < 0)
            return om_fail(OM_EUSAGE, "--columns: %d,%d is not on the lattice of extent %d", u, v,
                           extent);
        for (int i = 0; i < *n; i++)
            if (columns[i] == column)
                return om_fail(OM_EUSAGE, "--columns: %d,%d is named twice", u, v);
        columns[(*n)++] = column;
        next += length + (next[length] == ';');
    }
    return OM_OK;
}

static double frame_rate_hz(void) { return set.frame_rate_hz > 0 ? set.frame_rate_hz : 24; }

/* A word as a shell reads it: between apostrophes unless it is plain. */
static void add_word(om_text *command, const char *word)
{
    if (*word != '\0' && word[strspn(word, PLAIN)] == '\0') {
        om_text_add(command, " %s", word);
        return;
    }
    om_text_add(command, " '");
    for (; *word != '\0'; word++)
        if (*word == '\'')
            om_text_add(command, "'\\''");
        else
            om_text_add(command, "%c", *word);
    om_text_add(command, "'");
}

static void add_option(om_text *command, const char *option, const char *word)
{
    om_text_add(command, " --%s", option);
    add_word(command, word);
}

/* What repeats it, kept in the file. */
static void write_command(const om_arguments *args, om_resampling resampling, om_text *command)
{
    om_text_add(command, "ommatid predict");
    add_word(command, args->words[0]);
    add_option(command, "experiment", experiments[set.experiment]);
    add_option(command, "models", set.models);
    if (set.types != NULL) add_option(command, "types", set.types);
    if (set.columns != NULL) add_option(command, "columns", set.columns);
    if (set.whole) om_text_add(command, " --whole");
    if (set.movie != NULL) {
        add_option(command, "movie", set.movie);
        if (set.frames > 0) om_text_add(command, " --frames %d", set.frames);
        om_text_add(command, " --frame-rate %.17g", frame_rate_hz());
        add_option(command, "resampling", om_resampling_names[resampling]);
    }
    add_option(command, "output", set.file);
}

static om_status resampling_of(om_store *store, om_resampling *resampling)
{
    om_train_options *train = NULL;
    OM_TRY(om_alloc(1, sizeof *train, &train));
    om_status status = om_store_read_options(store, train);
    *resampling = set.resampling >= 0 ? (om_resampling)set.resampling : train->batch.resampling;
    om_free(train);
    return status;
}

/* Everything that is of the size of the store's ensemble. */
typedef struct chosen {
    om_ranked *ranked;
    int *models, *all_places, *places, n; /* the last three by position in models */
    int *types, n_types, *columns, n_columns;
    om_prediction *predictions;
} chosen;

static om_status choose_cells(om_store *store, chosen *c)
{
    const om_store_info *info = om_store_describe(store);
    om_circuit *circuit = NULL;
    OM_TRY(om_alloc((size_t)info->n_types, sizeof *c->types, &c->types));
    OM_TRY(choose_types(info, c->types, &c->n_types));
    if (set.columns == NULL) return OM_OK;
    OM_TRY(om_store_circuit(store, 0, &circuit));
    om_status status = om_alloc((size_t)circuit->n_columns, sizeof *c->columns, &c->columns);
    if (status == OM_OK) status = choose_columns(circuit->extent, c->columns, &c->n_columns);
    om_circuit_free(circuit);
    return status;
}

static om_status choose_all(om_store *store, chosen *c)
{
    const om_store_info *info = om_store_describe(store);
    const size_t most = (size_t)info->n_models;
    OM_TRY(om_alloc(most, sizeof *c->ranked, &c->ranked));
    OM_TRY(om_alloc(most, sizeof *c->models, &c->models));
    OM_TRY(om_alloc(most, sizeof *c->all_places, &c->all_places));
    OM_TRY(om_alloc(most, sizeof *c->places, &c->places));
    OM_TRY(om_alloc(most, sizeof *c->predictions, &c->predictions));
    OM_TRY(read_places(store, c->ranked, c->all_places));
    OM_TRY(choose(info, c->ranked, c->models, &c->n));
    for (int i = 0; i < c->n; i++) c->places[i] = c->all_places[c->models[i]];
    return choose_cells(store, c);
}

static void free_chosen(chosen *c)
{
    om_free(c->ranked);
    om_free(c->models);
    om_free(c->all_places);
    om_free(c->places);
    om_free(c->types);
    om_free(c->columns);
    om_free(c->predictions);
}

static om_status predict(const om_arguments *args, om_store *store)
{
    chosen c = {0};
    om_text command = {0};
    om_resampling resampling = OM_RESAMPLE_PACKAGE;
    om_status status = choose_all(store, &c);
    if (status == OM_OK) status = resampling_of(store, &resampling);
    if (status == OM_OK && set.types != NULL && set.plot != NULL)
        status = om_picture_check_types(om_store_describe(store), set.types);
    write_command(args, resampling, &command);
    if (status == OM_OK && command.failed) status = om_fail(OM_ENOMEM, "out of memory");
    status = om_ranks_agree(status);
    if (status == OM_OK) {
        told t = {om_telling_start(args->quiet), c.n};
        const om_predict_options how = {
            .experiment = (om_experiment_kind)set.experiment,
            .film = {set.movie, resampling, set.frames, frame_rate_hz()},
            .file = set.file,
            .command = command.data,
            .models = c.models,
            .place = c.places,
            .n_models = c.n,
            .types = c.n_types > 0 ? c.types : NULL,
            .n_types = c.n_types,
            .columns = c.columns,
            .n_columns = c.n_columns,
            .threads = set.threads,
            .whole = set.whole,
            .tell = tell,
            .context = &t};
        status = om_predict(store, &how, c.predictions);
        om_telling_end(&t.telling);
    }
    if (status == OM_OK && om_ranks_number() == 0) {
        report(c.models, c.predictions, c.n);
        if (set.experiment == OM_FILM_SHOWN) status = om_print_film(set.file, c.models);
        if (set.plot != NULL)
            status = om_picture_prediction(set.file, (om_experiment_kind)set.experiment, set.types,
                                           set.plot);
    }
    om_text_free(&command);
    free_chosen(&c);
    return status;
}

static om_status run_ranks(const om_arguments *args)
{
    om_store *store = NULL;
    OM_TRY(om_launch_begin());
    om_status status = om_ranks_agree(om_store_open(args->words[0], OM_STORE_READ, &store));
    if (status == OM_OK) status = predict(args, store);
    om_store_close(store);
    return om_launch_end(status);
}

/* How many models there are to show something to. */
static om_status count_models(const om_arguments *args, int *n)
{
    om_store *store = NULL;
    chosen c = {0};
    OM_TRY(om_command_open_store(args->words[0], &store));
    om_status status = choose_all(store, &c);
    *n = c.n;
    free_chosen(&c);
    om_store_close(store);
    return status;
}

/* The same command for the ranks that are started here. */
static om_status launch(const om_arguments *args, int ranks)
{
    char threads[16], frames[16], rate[32];
    const char *words[32];
    int n = 0;
    snprintf(threads, sizeof threads, "%d", set.threads);
    snprintf(frames, sizeof frames, "%d", set.frames);
    snprintf(rate, sizeof rate, "%.17g", set.frame_rate_hz);
    words[n++] = "predict";
    words[n++] = "--experiment", words[n++] = experiments[set.experiment];
    words[n++] = "--models", words[n++] = set.models;
    words[n++] = "--output", words[n++] = set.file;
    if (set.whole) words[n++] = "--whole";
    if (set.plot != NULL) words[n++] = "--plot", words[n++] = set.plot;
    if (set.types != NULL) words[n++] = "--types", words[n++] = set.types;
    if (set.columns != NULL) words[n++] = "--columns", words[n++] = set.columns;
    if (set.movie != NULL) words[n++] = "--movie", words[n++] = set.movie;
    if (set.frames > 0) words[n++] = "--frames", words[n++] = frames;
    if (set.frame_rate_hz > 0) words[n++] = "--frame-rate", words[n++] = rate;
    if (set.resampling >= 0)
        words[n++] = "--resampling", words[n++] = om_resampling_names[set.resampling];
    if (set.threads > 0) words[n++] = "--threads", words[n++] = threads;
    if (args->quiet) words[n++] = "--quiet";
    words[n++] = "--", words[n++] = args->words[0];
    const om_launching launching = {.ranks = ranks, .kept = "nothing was written"};
    return om_launch(&launching, n, words);
}

static om_status check_options(const om_arguments *args)
{
    const bool film = set.experiment == OM_FILM_SHOWN;
    if (set.experiment < 0 || set.file == NULL) {
        om_fail(OM_EUSAGE, "predict: %s is missing",
                set.experiment < 0 ? "the experiment" : "the file to write");
        return om_hint(OM_EUSAGE, "ommatid predict %s --experiment edges -o FILE.h5",
                       args->words[0]);
    }
    if (film && set.movie == NULL) {
        om_fail(OM_EUSAGE, "predict: the film is missing");
        return om_hint(OM_EUSAGE, "ommatid predict %s --experiment film --movie FILM.h5 -o FILE.h5",
                       args->words[0]);
    }
    if (!film &&
        (set.movie != NULL || set.frames > 0 || set.resampling >= 0 || set.frame_rate_hz > 0))
        return om_fail(
            OM_EUSAGE,
            "predict: --movie, --frames, --frame-rate, --resampling are of --experiment film");
    if (film && set.whole) return om_fail(OM_EUSAGE, "predict: --whole is of flashes and edges");
    if (film && set.plot != NULL)
        return om_fail(OM_EUSAGE, "predict: --plot draws responses to flashes and edges");
    if (film && set.columns != NULL)
        return om_fail(OM_EUSAGE, "predict: --columns are of flashes and edges");
    if (set.plot != NULL) OM_TRY(om_plot_check(set.plot));
    return om_check_new_file(set.file, "-o");
}

static om_status run(const om_arguments *args)
{
    OM_TRY(check_options(args));
    if (om_ranks_launched()) {
        if (set.ranks > 0)
            return om_fail(OM_EUSAGE, "predict: -n %d, but the launcher of this job sets the ranks",
                           set.ranks);
        return run_ranks(args);
    }
    int models, cores = om_rank_cores(), ranks = set.ranks;
    OM_TRY(count_models(args, &models));
    if (ranks == 0) ranks = set.threads > 0 ? cores / set.threads : cores;
    if (ranks > models) ranks = models;
    return ranks > 1 ? launch(args, ranks) : run_ranks(args);
}

const om_command om_cmd_predict = {
    .name = "predict",
    .summary = "what models answer to flashes, moving edges or a film",
    .synopsis = "STORE --experiment NAME -o FILE [--models WHICH]",
    .details =
        "FILE holds the voltages of the central cells and what is measured of them, by model and\n"
        "cell type: flash response index, direction selectivity, preferred direction, peaks and\n"
        "their times; of a film, the flow that is decoded from it and its errors; and statistics\n"
        "over the models (group /aggregate). --plot draws, by gnuplot, how responses spread over\n"
        "models, to flashes of the full field (validate judges polarity by discs of radius 6) or "
        "to\n"
        "edges of 19 columns/s. xarray, h5py and MATLAB open the file (docs/predictions.md).\n"
        "Models that diverge are named and left out. Alone it starts its own ranks; under mpirun "
        "or\n"
        "srun it uses those it is given.",
    .options = options,
    .least = 1,
    .most = 1,
    .example = "ommatid predict paper-ensemble.h5 --experiment flashes -o flashes.h5\n"
               "ommatid predict paper-ensemble.h5 -e edges -m top:10 -o edges.h5",
    .run = run,
};
