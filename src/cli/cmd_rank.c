/* ommatid rank: models by their error on the validation scenes, or by a measure of what is known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/open_store.h"
#include "cli/pictures.h"
#include "cli/race_print.h"
#include "cli/rank_sweep.h"
#include "ommatid/om_ensemble.h"
#include "ommatid/om_validation.h"
#include "report/plot.h"

enum { ERRORS = 2 /* the choices before the measures */ };

static const char *const choices[] = {
    "epe",
    "l2norm",
    [ERRORS + OM_HITS_45] = "hits_45",
    [ERRORS + OM_HITS_30] = "hits_30",
    [ERRORS + OM_DIRECTION_DISTANCE] = "direction_distance",
    [ERRORS + OM_DSI_T4] = "dsi_t4",
    [ERRORS + OM_DSI_T5] = "dsi_t5",
    [ERRORS + OM_DSI_OTHERS] = "dsi_others",
    [ERRORS + OM_MOTION_CORRELATION] = "motion_correlation",
    [ERRORS + OM_POLARITY_CORRELATION] = "polarity_correlation",
    [ERRORS + OM_POLARITY_CORRELATION_WITHOUT_RECEPTORS] = "polarity_correlation_without_receptors",
    [ERRORS + OM_SIGNS_RIGHT] = "signs_right",
    [ERRORS + OM_CURVE_CORRELATION_T4] = "curve_correlation_t4",
    [ERRORS + OM_CURVE_CORRELATION_T5] = "curve_correlation_t5",
    [ERRORS + OM_N_MEASURES] = NULL,
};
static const om_loss by_choice[ERRORS] = {OM_LOSS_EPE, OM_LOSS_L2NORM};

static struct {
    int by, top, against;
    const char *file, *plot;
    bool csv;
} set = {.by = -1};

static const om_option options[] = {
    {"by", 0, OM_OPTION_CHOICE, "MEASURE",
     "task error, or what validate keeps; default: the error that chose the checks",
     .value = &set.by, .choices = choices},
    {"measures", 0, OM_OPTION_FILE, "FILE", "of 'validate'; default: STORE.measures.h5",
     .value = &set.file},
    {"top", 0, OM_OPTION_INT, "N", "only the best N", .value = &set.top, .least = 1, .most = 1e6},
    {"against", 0, OM_OPTION_INT, "POINT",
     "of a sweep: the point that the others are compared with; default: 0", .value = &set.against,
     .least = 0, .most = OM_SWEEP_MOST_POINTS},
    {"plot", 0, OM_OPTION_FILE, "FILE", "draw the measure against task error, .svg or .png",
     .value = &set.plot},
    {"csv", 0, OM_OPTION_FLAG, NULL, "comma-separated values", .value = &set.csv},
    {0},
};

static const char *measure_name(om_loss by) { return by == OM_LOSS_EPE ? "EPE" : "l2norm"; }

/* One cell of the table: a number, or a dash where there is none. */
static void cell(int width, const char *format, double x, const char *unit)
{
    char text[32];
    snprintf(text, sizeof text, format, x);
    printf("  %*s%s", width, isnan(x) ? "-" : text, isnan(x) && unit[0] != '\0' ? "  " : unit);
}

/* ---- where models come from, and why they have no place ---- */

/* The folder of an imported model: its source up to the slash. */
static int folder_length(const char *source) { return (int)strcspn(source, "/"); }

/* Whether numbers of models differ from the names of their folders. */
static bool are_renumbered(const om_store_info *info)
{
    for (int m = 0; info->sources != NULL && m < info->n_models; m++)
        if (strtol(info->sources[m], NULL, 10) != m) return true;
    return false;
}

/* "stopped at 20": in a race that differs from model to model. */
static const char *status_of(const om_ranked *r)
{
    static char text[40];
    if (r->status != OM_MODEL_STOPPED) return om_model_status_name(r->status);
    snprintf(text, sizeof text, "%s at %llu", om_model_status_name(r->status),
             (unsigned long long)r->iteration);
    return text;
}

static om_race_tally tally(const om_store_info *info, const om_ranked *ranked)
{
    om_race_tally race = om_race_tally_of(info);
    for (int i = 0; i < info->n_models; i++)
        om_race_count(&race, ranked[i].status, ranked[i].iteration);
    return race;
}

static void end_line(const om_store_info *info, const om_ranked *r, bool renumbered)
{
    const char *source = renumbered ? info->sources[r->model] : "";
    if (renumbered)
        printf("  %-9s  %.*s\n", om_model_status_name(r->status), folder_length(source), source);
    else
        printf("  %s\n", status_of(r));
}

/* Why a model has no error to be ranked by; "" if it has one. */
static const char *reason_of(const om_store_info *info, om_loss by, const om_ranked *r)
{
    if (r->place > 0) return "";
    if (r->status == OM_MODEL_DIVERGED || r->status == OM_MODEL_FAILED)
        return om_model_status_name(r->status);
    if (info->imported_from == NULL) return "it was not checked in training yet";
    if (isnan(by == OM_LOSS_EPE ? r->l2norm : r->epe)) return "no error of it is known";
    return by == OM_LOSS_EPE ? "only l2norm is known" : "only EPE is known";
}

static void print_line(const om_store_info *info, om_loss by, const om_ranked *r, bool renumbered)
{
    const om_baselines *b = &info->baselines;
    double zero = by == OM_LOSS_EPE ? b->zero_epe : b->zero_l2norm;
    double mean = by == OM_LOSS_EPE ? b->mean_epe : b->mean_l2norm;
    double error = by == OM_LOSS_EPE ? r->epe : r->l2norm;
    if (r->place > 0)
        printf("%5d  %5d", r->place, r->model);
    else
        printf("    -  %5d", r->model);
    cell(7, "%.4f", r->epe, "");
    cell(7, "%.4f", r->spread, "");
    cell(7, "%.2f", r->l2norm, "");
    cell(8, "%.0f", 100 * r->stability, " %");
    cell(6, "%+.1f", 100 * (error / zero - 1), " %");
    cell(6, "%+.1f", 100 * (error / mean - 1), " %");
    if (r->best_iteration != OM_ITERATION_UNKNOWN)
        printf("  %9llu", (unsigned long long)r->best_iteration);
    else
        printf("  %9s", "-");
    end_line(info, r, renumbered);
}

static void explain_trained(const om_baselines *b)
{
    printf("\nwithout looking: zero flow  EPE %.4f  l2norm %.2f\n", b->zero_epe, b->zero_l2norm);
    printf("                 mean flow  EPE %.4f  l2norm %.2f  (one vector, of the training "
           "scenes)\n",
           b->mean_epe, b->mean_l2norm);
    printf("vs: against these; negative is better. s.e.: of the EPE over scenes. stability: how "
           "often a\n"
           "model keeps its place by EPE within one when scenes are drawn again. best at: "
           "iteration of\n"
           "the check that is ranked; at 0 training has not improved on the untrained model.\n");
}

/* Names the models that were left out, and whether the other measure leaves out fewer. */
static void explain_imported(const om_store_info *info, om_loss by, const om_ranked *ranked)
{
    const char *other = by == OM_LOSS_EPE ? "l2norm" : "epe";
    int n = 0, n_other = 0;
    for (int i = 0; i < info->n_models; i++) {
        const om_ranked *r = &ranked[i];
        n_other += !isnan(by == OM_LOSS_EPE ? r->l2norm : r->epe);
        if (r->place > 0) continue;
        printf("%snot ranked: %d (%s): %s\n", n++ == 0 ? "\n" : "", r->model,
               info->sources[r->model], reason_of(info, by, r));
    }
    if (n > 0 && n_other > 0)
        printf("EPE and l2norm are not compared with each other; by %s %d models are ranked: --by "
               "%s\n",
               measure_name(by == OM_LOSS_EPE ? OM_LOSS_L2NORM : OM_LOSS_EPE), n_other, other);
    printf("\nimported from %s, validation errors as stored with the models.\n"
           "-: not known here: errors of single scenes and without looking, iterations.\n",
           info->imported_from);
}

/* Models that diverged on the way, in the order of the table. */
static void explain_divergence(const om_ranked *ranked, int n)
{
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        if (r->retries > 0)
            printf("model %d: set back %u time%s after diverging, to %.3g of its learning rate\n",
                   r->model, r->retries, r->retries > 1 ? "s" : "", om_rate_factor(r->retries));
        if (r->stream >= OM_STREAMS)
            printf("model %d: of stream %u, replaces stream %u, which diverged after iteration "
                   "%llu\n",
                   r->model, r->stream, r->stream - OM_STREAMS, (unsigned long long)r->replaced_at);
    }
}

static void print_table(const om_store_info *info, om_loss by, const om_ranked *ranked, int n)
{
    const bool renumbered = are_renumbered(info);
    printf("%s: %d models, by %s", info->name, info->n_models, measure_name(by));
    if (info->imported_from == NULL) printf(" on %d validation scenes", info->layout.n_scenes);
    printf("\n\nplace  model      EPE  +- s.e.   l2norm  stability   vs zero   vs mean    best at  "
           "status%s\n",
           renumbered ? "     source" : "");
    for (int i = 0; i < n; i++) print_line(info, by, &ranked[i], renumbered);
    const om_race_tally race = tally(info, ranked);
    if (race.legs.rungs > 0) {
        printf("\nrace: ");
        om_race_print(&race);
        printf("\nWho was stopped stands behind the others, those of a later rung first.\n");
    }
    if (info->imported_from == NULL)
        explain_trained(&info->baselines);
    else
        explain_imported(info, by, ranked);
    explain_divergence(ranked, n);
}

/* Of imported models there may be errors of the other measure only. */
static om_status check_known(const om_store_info *info, om_loss by, const om_ranked *ranked)
{
    int n_other = 0;
    for (int i = 0; i < info->n_models; i++)
        n_other += !isnan(by == OM_LOSS_EPE ? ranked[i].l2norm : ranked[i].epe);
    if (info->imported_from == NULL || ranked[0].place > 0 || n_other == 0) return OM_OK;
    om_fail(OM_EFAIL, "%s: only %s is known of its models, not %s", info->path,
            measure_name(by == OM_LOSS_EPE ? OM_LOSS_L2NORM : OM_LOSS_EPE), measure_name(by));
    return om_hint(OM_EFAIL, "ommatid rank %s --by %s", info->path,
                   by == OM_LOSS_EPE ? "l2norm" : "epe");
}

/* ---- by a measure ---- */

/* A measure of the store's models, and where they stand by it. */
typedef struct measured {
    om_measure measure;
    double *value;                    /* [n_models] by model; NaN: none */
    char (*reason)[OM_MESSAGE_BYTES]; /* [n_models] by model: why there is none */
} measured;

static const measured *comparing; /* qsort has no room for it */

/* Those with a value first, the better before the worse; equal ones and the others by number. */
static int compare_measured(const void *a, const void *b)
{
    const om_ranked *x = a, *y = b;
    const double vx = comparing->value[x->model], vy = comparing->value[y->model];
    if (isnan(vx) != isnan(vy)) return isnan(vx) ? 1 : -1;
    if (vx < vy || vx > vy)
        return (vx > vy) == om_measures[comparing->measure].more_is_better ? -1 : 1;
    return x->model < y->model ? -1 : x->model > y->model;
}

static om_status read_measure(om_store *store, measured *m)
{
    const size_t n = (size_t)om_store_describe(store)->n_models;
    om_validation *v = NULL;
    OM_TRY(om_alloc(n, sizeof *m->value, &m->value));
    OM_TRY(om_alloc(n, sizeof *m->reason, &m->reason));
    OM_TRY(om_validation_read(store, set.file, 0, &v));
    om_validation_measure(v, m->measure, m->value);
    for (size_t i = 0; i < n; i++) {
        const char *message = v->models[i].prediction.message;
        snprintf(m->reason[i], sizeof *m->reason, "%s",
                 message[0] != '\0' ? message : "the circuit lacks the types");
    }
    om_validation_free(v);
    return OM_OK;
}

/* Equal values share a place, and the next one counts them all. */
static void place_measured(const measured *m, om_ranked *ranked, int n)
{
    for (int i = 0; i < n; i++) {
        const double value = m->value[ranked[i].model];
        const bool shared = i > 0 && m->value[ranked[i - 1].model] == value;
        ranked[i].place = isnan(value) ? 0 : shared ? ranked[i - 1].place : i + 1;
    }
}

/* Reads the measure and sorts the ranking by it. */
static om_status rank_by_measure(om_store *store, om_ranked *ranked, measured *m)
{
    const int n = om_store_describe(store)->n_models;
    OM_TRY(read_measure(store, m));
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        if (r->status != OM_MODEL_DIVERGED && r->status != OM_MODEL_FAILED) continue;
        m->value[r->model] = NAN;
        snprintf(m->reason[r->model], sizeof *m->reason, "%s", om_model_status_name(r->status));
    }
    comparing = m;
    qsort(ranked, (size_t)n, sizeof *ranked, compare_measured);
    place_measured(m, ranked, n);
    return OM_OK;
}

/* Counts, degrees, and what lies between -1 and 1. */
static const char *format_of(om_measure measure)
{
    switch (measure) {
    case OM_HITS_45:
    case OM_HITS_30:
    case OM_SIGNS_RIGHT: return "%.0f";
    case OM_DIRECTION_DISTANCE: return "%.1f";
    default: return "%.4f";
    }
}

static void print_measure_table(const om_store_info *info, const measured *m,
                                const om_ranked *ranked, int n)
{
    const om_measure_info *what = &om_measures[m->measure];
    printf("%s: %d models, by %s (%s%s): %s is better\n\n", info->name, info->n_models, what->name,
           what->title, what->unit[0] == 'd' ? ", degrees" : "",
           what->more_is_better ? "more" : "less");
    const bool renumbered = are_renumbered(info);
    printf("place  model  measure      EPE   l2norm  status%s\n", renumbered ? "     source" : "");
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        if (r->place > 0)
            printf("%5d  %5d", r->place, r->model);
        else
            printf("    -  %5d", r->model);
        cell(7, format_of(m->measure), m->value[r->model], "");
        cell(7, "%.4f", r->epe, "");
        cell(7, "%.2f", r->l2norm, "");
        end_line(info, r, renumbered);
    }
    printf("\n");
    explain_divergence(ranked, n);
    for (int i = 0; i < info->n_models; i++)
        if (ranked[i].place == 0)
            printf("left out: model %d: %s\n", ranked[i].model, m->reason[ranked[i].model]);
    printf(
        "-: not known. What the measures are worth, beside untrained models: ommatid validate\n");
}

/* ---- for other programs ---- */

static const char *why_unranked(const om_store_info *info, om_loss by, const measured *m,
                                const om_ranked *r)
{
    if (m->value == NULL) return reason_of(info, by, r);
    return r->place > 0 ? "" : m->reason[r->model];
}

static void print_csv(const om_store_info *info, om_loss by, const measured *m,
                      const om_ranked *ranked, int n)
{
    printf("place,model,status,iteration,best_iteration,epe,l2norm,spread,stability%s%s,source,"
           "left_out,stream,retries,replaced_at\n",
           m->value != NULL ? "," : "", m->value != NULL ? om_measures[m->measure].name : "");
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        const char *why = why_unranked(info, by, m, r);
        if (r->place > 0) printf("%d", r->place);
        printf(",%d,%s,", r->model, om_model_status_name(r->status));
        om_csv_iteration(stdout, r->iteration);
        putchar(',');
        om_csv_iteration(stdout, r->best_iteration);
        const double values[] = {r->epe, r->l2norm, r->spread, r->stability,
                                 m->value != NULL ? m->value[r->model] : NAN};
        for (int k = 0; k < (m->value != NULL ? 5 : 4); k++) {
            putchar(',');
            if (isfinite(values[k])) printf("%.9g", values[k]); /* empty where there is none */
        }
        putchar(',');
        if (info->sources != NULL) om_csv_text(stdout, info->sources[r->model]);
        putchar(',');
        if (why[0] != '\0') om_csv_text(stdout, why);
        printf(",%u,%u,", r->stream, r->retries);
        om_csv_replaced_at(stdout, r->stream, r->replaced_at);
        putchar('\n');
    }
}

static json_t *model_of(const om_store_info *info, om_loss by, const measured *m,
                        const om_ranked *r)
{
    const char *why = why_unranked(info, by, m, r);
    json_t *one =
        json_pack("{s:o s:i s:I s:i s:o s:s s:o s:o s:o s:o s:o s:o s:s? s:s?}", "place",
                  r->place > 0 ? json_integer(r->place) : json_null(), "model", r->model, "stream",
                  (json_int_t)r->stream, "retries", (int)r->retries, "replaced_at",
                  om_json_replaced_at(r->stream, r->replaced_at), "status",
                  om_model_status_name(r->status), "iteration", om_json_iteration(r->iteration),
                  "best_iteration", om_json_iteration(r->best_iteration), "epe",
                  om_json_number(r->epe), "l2norm", om_json_number(r->l2norm), "spread",
                  om_json_number(r->spread), "stability", om_json_number(r->stability), "source",
                  info->sources != NULL ? info->sources[r->model] : NULL, "left_out",
                  why[0] != '\0' ? why : NULL);
    if (m->value != NULL)
        json_object_set_new(one, om_measures[m->measure].name, om_json_number(m->value[r->model]));
    return one;
}

static om_status print_json(const om_store_info *info, om_loss error, const measured *m,
                            const om_ranked *ranked, int n)
{
    const om_baselines *b = &info->baselines;
    const char *by = choices[m->value != NULL ? set.by : error == OM_LOSS_L2NORM];
    const om_race_tally race = tally(info, ranked);
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, model_of(info, error, m, &ranked[i]));
    return om_command_print_json(json_pack(
        "{s:s s:I s:s? s:s s:{s:o s:o s:o s:o} s:o s:o}", "name", info->name, "seed",
        (json_int_t)info->seed, "imported_from", info->imported_from, "by", by, "baselines",
        "zero_epe", om_json_number(b->zero_epe), "zero_l2norm", om_json_number(b->zero_l2norm),
        "mean_epe", om_json_number(b->mean_epe), "mean_l2norm", om_json_number(b->mean_l2norm),
        "race", om_race_json(&race, info->race.keep), "models", list));
}

static om_status print(const om_arguments *args, const om_store_info *info, om_loss by,
                       const measured *m, const om_ranked *ranked)
{
    const int n = set.top > 0 && set.top < info->n_models ? set.top : info->n_models;
    if (args->json) return print_json(info, by, m, ranked, n);
    if (set.csv)
        print_csv(info, by, m, ranked, n);
    else if (m->value != NULL)
        print_measure_table(info, m, ranked, n);
    else
        print_table(info, by, ranked, n);
    return OM_OK;
}

static om_status check(const om_arguments *args)
{
    if (args->json && set.csv) return om_fail(OM_EUSAGE, "rank: --csv or --json, not both");
    if (set.plot == NULL) return OM_OK;
    if (set.by < ERRORS) {
        om_fail(OM_EUSAGE, "rank: --plot needs a measure to draw against task error");
        return om_hint(OM_EUSAGE, "--by dsi_t4 --plot %s", set.plot);
    }
    return om_plot_check(set.plot);
}

/* Points in place of models. */
static om_status run_sweep(const om_arguments *args, const om_sweep *sweep, const char *name)
{
    if (set.top > 0 || set.file != NULL || set.plot != NULL) {
        om_fail(OM_EUSAGE, "rank: %s is of one ensemble, but %s holds a sweep",
                set.top > 0        ? "--top"
                : set.file != NULL ? "--measures"
                                   : "--plot",
                args->words[0]);
        return om_hint(OM_EUSAGE, "one of its points, as %s:0", args->words[0]);
    }
    const bool is_measure = set.by >= ERRORS;
    const om_sweep_ranking wish = {.file = args->words[0],
                                   .by = choices[set.by >= 0 ? set.by : 0],
                                   .is_measure = is_measure,
                                   .measure = is_measure ? (om_measure)(set.by - ERRORS) : 0,
                                   .against = set.against,
                                   .csv = set.csv,
                                   .json = args->json};
    return om_rank_sweep(&wish, sweep, name);
}

static om_status run_store(const om_arguments *args, om_store *store)
{
    om_ranked *ranked = NULL;
    measured m = {0};
    const om_store_info *info = om_store_describe(store);
    om_loss by = set.by >= 0 && set.by < ERRORS ? by_choice[set.by] : info->selection;
    om_status status = om_alloc((size_t)info->n_models, sizeof *ranked, &ranked);
    if (status == OM_OK) status = om_ensemble_rank(store, by, ranked);
    if (status == OM_OK && set.by < ERRORS) status = check_known(info, by, ranked);
    if (status == OM_OK && set.by >= ERRORS) {
        m.measure = (om_measure)(set.by - ERRORS);
        status = rank_by_measure(store, ranked, &m);
    }
    if (status == OM_OK) status = print(args, info, by, &m, ranked);
    if (status == OM_OK && set.plot != NULL)
        status = om_picture_ranking(info, ranked, m.measure, m.value, set.plot);
    om_free(m.value);
    om_free(m.reason);
    om_free(ranked);
    om_store_close(store);
    return status;
}

static om_status run(const om_arguments *args)
{
    om_store *store;
    om_sweep *sweep;
    char *name;
    OM_TRY(check(args));
    OM_TRY(om_command_open_sweep(args->words[0], &sweep, &name, &store));
    if (sweep == NULL) return run_store(args, store);
    om_status status = run_sweep(args, sweep, name);
    om_sweep_free(sweep);
    om_free(name);
    return status;
}

const om_command om_cmd_rank = {
    .name = "rank",
    .summary = "models by their error on the validation scenes",
    .synopsis = "STORE",
    .details =
        "With --by a measure of 'ommatid validate STORE', models are ranked by what is known of "
        "the\nfly's cells instead; those without a value have no place. The p of --plot is of this "
        "measure "
        "alone:\nthat of 'validate' is corrected for the number of measures.\n"
        "\n"
        "Models that a race has stopped stand behind all others, those of a later rung first; by a "
        "measure of\n"
        "'validate' they stand where it puts them.\n"
        "\n"
        "Of a sweep the points are shown side by side; STORE:2 are the models of point 2.",
    .options = options,
    .json = true,
    .least = 1,
    .most = 1,
    .example = "ommatid rank quickstart.h5 --top 3\n"
               "ommatid rank paper-ensemble.h5 --by dsi_t4 --plot dsi.svg",
    .run = run,
};
