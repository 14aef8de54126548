/* ommatid rank: models by their error on the validation scenes. */
#include <math.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "ommatid/om_ensemble.h"

enum { MOST_NAMED = 6 };

static const char *const measures[] = {"epe", "l2norm", NULL}; /* by[] below */
static const om_loss by_choice[] = {OM_LOSS_EPE, OM_LOSS_L2NORM};

static struct {
    int by, top;
    bool csv;
} set = {.by = -1};

static const om_option options[] = {
    {"by", 0, OM_OPTION_CHOICE, "MEASURE", "epe or l2norm; default: the one that chose the checks",
     .value = &set.by, .choices = measures},
    {"top", 0, OM_OPTION_INT, "N", "only the best N", .value = &set.top, .least = 1, .most = 1e6},
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

static void print_csv(const om_store_info *info, const om_ranked *ranked, int n)
{
    printf("place,model,status,iteration,best_iteration,epe,l2norm,spread,stability\n");
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        if (r->place > 0) printf("%d", r->place);
        printf(",%d,%s,%llu,", r->model, om_model_status_name(r->status),
               (unsigned long long)r->iteration);
        if (info->imported_from == NULL) printf("%llu", (unsigned long long)r->best_iteration);
        const double values[] = {r->epe, r->l2norm, r->spread, r->stability};
        for (int k = 0; k < 4; k++) {
            putchar(',');
            if (isfinite(values[k])) printf("%.9g", values[k]); /* empty where there is none */
        }
        putchar('\n');
    }
}

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static om_status print_json(const om_store_info *info, om_loss by, const om_ranked *ranked, int n)
{
    const om_baselines *b = &info->baselines;
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const om_ranked *r = &ranked[i];
        json_array_append_new(
            list,
            json_pack("{s:o s:i s:s s:I s:o s:o s:o s:o s:o}", "place",
                      r->place > 0 ? json_integer(r->place) : json_null(), "model", r->model,
                      "status", om_model_status_name(r->status), "iteration",
                      (json_int_t)r->iteration, "best_iteration",
                      info->imported_from == NULL ? json_integer((json_int_t)r->best_iteration)
                                                  : json_null(),
                      "epe", number(r->epe), "l2norm", number(r->l2norm), "spread",
                      number(r->spread), "stability", number(r->stability)));
    }
    return om_command_print_json(
        json_pack("{s:s s:I s:s? s:s s:{s:o s:o s:o s:o} s:o}", "name", info->name, "seed",
                  (json_int_t)info->seed, "imported_from", info->imported_from, "by",
                  by == OM_LOSS_EPE ? "epe" : "l2norm", "baselines", "zero_epe",
                  number(b->zero_epe), "zero_l2norm", number(b->zero_l2norm), "mean_epe",
                  number(b->mean_epe), "mean_l2norm", number(b->mean_l2norm), "models", list));
}

static om_status run(const om_arguments *args)
{
    om_store *store;
    om_ranked *ranked = NULL;
    if (args->json && set.csv) return om_fail(OM_EUSAGE, "rank: --csv or --json, not both");
    OM_TRY(om_store_open(args->words[0], OM_STORE_READ, &store));
    const om_store_info *info = om_store_describe(store);
    om_loss by = set.by >= 0 ? by_choice[set.by] : info->selection;
    om_status status = om_alloc((size_t)info->n_models, sizeof *ranked, &ranked);
    if (status == OM_OK) status = om_ensemble_rank(store, by, ranked);
    if (status == OM_OK) {
        int n = set.top > 0 && set.top < info->n_models ? set.top : info->n_models;
        if (args->json)
            status = print_json(info, by, ranked, n);
        else if (set.csv)
            print_csv(info, ranked, n);
        else
            print_table(info, by, ranked, n);
    }
    om_free(ranked);
    om_store_close(store);
    return status;
}

const om_command om_cmd_rank = {
    .name = "rank",
    .summary = "models by their error on the validation scenes",
    .synopsis = "STORE",
    .options = options,
    .json = true,
    .least = 1,
    .most = 1,
    .example = "ommatid rank quickstart.h5 --top 3",
    .run = run,
};
