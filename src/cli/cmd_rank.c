/* ommatid rank: models by their error on the validation scenes, or by a measure of what is known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/pictures.h"
#include "ommatid/om_ensemble.h"
#include "ommatid/om_validation.h"
#include "report/plot.h"

enum { MOST_NAMED = 6, ERRORS = 2 /* the choices before the measures */ };

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
    int by, top;
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

static void print_line(const om_store_info *info, om_loss by, const om_ranked *r)
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
    if (info->imported_from == NULL)
        printf("  %9llu  %s\n", (unsigned long long)r->best_iteration,
               om_model_status_name(r->status));
    else
        printf("  %9s  %s\n", "-", om_model_status_name(r->status));
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

/* Names the models that were left out because their errors are in the other measure only. */
static void explain_imported(const om_store_info *info, om_loss by, const om_ranked *ranked)
{
    const char *other = measure_name(by == OM_LOSS_EPE ? OM_LOSS_L2NORM : OM_LOSS_EPE);
    int n = 0;
    for (int i = 0; i < info->n_models; i++) {
        const om_ranked *r = &ranked[i];
        if (r->place > 0 || isnan(by == OM_LOSS_EPE ? r->l2norm : r->epe)) continue;
        if (n++ < MOST_NAMED)
            printf("%s %d (%s)", n == 1 ? "\nnot ranked:" : ",", r->model, info->sources[r->model]);
    }
    if (n > MOST_NAMED) printf(", and %d more", n - MOST_NAMED);
    if (n > 0) printf(": only %s is known, and the two are not compared\n", other);
    printf("\nimported from %s, validation measured by the paper's authors.\n"
           "-: not known here: errors of single scenes and without looking, iterations.\n",
           info->imported_from);
}

static void print_table(const om_store_info *info, om_loss by, const om_ranked *ranked, int n)
{
    printf("%s: %d models, by %s", info->name, info->n_models, measure_name(by));
    if (info->imported_from == NULL) printf(" on %d validation scenes", info->layout.n_scenes);
    printf("\n\nplace  model      EPE  +- s.e.   l2norm  stability   vs zero   vs mean    best at  "
           "status\n");
    for (int i = 0; i < n; i++) print_line(info, by, &ranked[i]);
    if (info->imported_from == NULL)
        explain_trained(&info->baselines);
    else
        explain_imported(info, by, ranked);
}

/* Of imported models there may be errors of the other measure only. */
static om_status check_known(const om_store_info *info, om_loss by, const om_ranked *ranked)
{
    if (info->imported_from == NULL || ranked[0].place > 0) return OM_OK;
    om_fail(OM_EFAIL, "%s: only %s is known of its models, not %s", info->path,
            measure_name(by == OM_LOSS_EPE ? OM_LOSS_L2NORM : OM_LOSS_EPE), measure_name(by));
    return om_hint(OM_EFAIL, "ommatid rank %s --by %s", info->path,
                   by == OM_LOSS_EPE ? "l2norm" : "epe");
}

/* ---- by a measure ---- */

/* A measure of the store's models, and where they stand by it. */
typedef struct measured {
    om_measure measure;
    double *value; /* [n_models] by model; NaN: none */
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

/* Reads the measure and sorts the ranking by it. */
static om_status rank_by_measure(om_store *store, om_ranked *ranked, measured *m)
{
    const int n = om_store_describe(store)->n_models;
    om_validation *v = NULL;
    OM_TRY(om_alloc((size_t)n, sizeof *m->value, &m->value));
    OM_TRY(om_validation_read(store, set.file, 0, &v));
    om_validation_measure(v, m->measure, m->value);
    om_validation_free(v);
    for (int i = 0; i < n; i++)
        if (ranked[i].status == OM_MODEL_DIVERGED || ranked[i].status == OM_MODEL_FAILED)
            m->value[ranked[i].model] = NAN;
    comparing = m;
    qsort(ranked, (size_t)n, sizeof *ranked, compare_measured);
    for (int i = 0; i < n; i++) ranked[i].place = isnan(m->value[ranked[i].model]) ? 0 : i + 1;
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
    printf("place  model  measure      EPE   l2norm  status\n");
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        if (r->place > 0)
            printf("%5d  %5d", r->place, r->model);
        else
            printf("    -  %5d", r->model);
        cell(7, format_of(m->measure), m->value[r->model], "");
        cell(7, "%.4f", r->epe, "");
        cell(7, "%.2f", r->l2norm, "");
        printf("  %s\n", om_model_status_name(r->status));
    }
    printf(
        "\n-: not known. What the measures are worth, beside untrained models: ommatid validate\n");
}

/* ---- for other programs ---- */

static void print_csv(const om_store_info *info, const measured *m, const om_ranked *ranked, int n)
{
    printf("place,model,status,iteration,best_iteration,epe,l2norm,spread,stability%s%s\n",
           m->value != NULL ? "," : "", m->value != NULL ? om_measures[m->measure].name : "");
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        if (r->place > 0) printf("%d", r->place);
        printf(",%d,%s,%llu,", r->model, om_model_status_name(r->status),
               (unsigned long long)r->iteration);
        if (info->imported_from == NULL) printf("%llu", (unsigned long long)r->best_iteration);
        const double values[] = {r->epe, r->l2norm, r->spread, r->stability,
                                 m->value != NULL ? m->value[r->model] : NAN};
        for (int k = 0; k < (m->value != NULL ? 5 : 4); k++) {
            putchar(',');
            if (isfinite(values[k])) printf("%.9g", values[k]); /* empty where there is none */
        }
        putchar('\n');
    }
}

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static om_status print_json(const om_store_info *info, const char *by, const measured *m,
                            const om_ranked *ranked, int n)
{
    const om_baselines *b = &info->baselines;
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        json_t *one = json_pack(
            "{s:o s:i s:s s:I s:o s:o s:o s:o s:o}", "place",
            r->place > 0 ? json_integer(r->place) : json_null(), "model", r->model, "status",
            om_model_status_name(r->status), "iteration", (json_int_t)r->iteration,
            "best_iteration",
            info->imported_from == NULL ? json_integer((json_int_t)r->best_iteration) : json_null(),
            "epe", number(r->epe), "l2norm", number(r->l2norm), "spread", number(r->spread),
            "stability", number(r->stability));
        if (m->value != NULL) json_object_set_new(one, by, number(m->value[r->model]));
        json_array_append_new(list, one);
    }
    return om_command_print_json(json_pack(
        "{s:s s:I s:s? s:s s:{s:o s:o s:o s:o} s:o}", "name", info->name, "seed",
        (json_int_t)info->seed, "imported_from", info->imported_from, "by", by, "baselines",
        "zero_epe", number(b->zero_epe), "zero_l2norm", number(b->zero_l2norm), "mean_epe",
        number(b->mean_epe), "mean_l2norm", number(b->mean_l2norm), "models", list));
}

static om_status print(const om_arguments *args, const om_store_info *info, om_loss by,
                       const measured *m, const om_ranked *ranked)
{
    const int n = set.top > 0 && set.top < info->n_models ? set.top : info->n_models;
    if (args->json)
        return print_json(info, choices[m->value != NULL ? set.by : by == OM_LOSS_L2NORM], m,
                          ranked, n);
    if (set.csv)
        print_csv(info, m, ranked, n);
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

static om_status run(const om_arguments *args)
{
    om_store *store;
    om_ranked *ranked = NULL;
    measured m = {0};
    OM_TRY(check(args));
    OM_TRY(om_store_open(args->words[0], OM_STORE_READ, &store));
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
    om_free(ranked);
    om_store_close(store);
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
        "alone:\nthat of 'validate' is corrected for the number of measures.",
    .options = options,
    .json = true,
    .least = 1,
    .most = 1,
    .example = "ommatid rank quickstart.h5 --top 3\n"
               "ommatid rank paper-ensemble.h5 --by dsi_t4 --plot dsi.svg",
    .run = run,
};
