/* A validation as text: measures beside untrained models and chance, known tuning beside the ensemble,
 * and a line for each model. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/validate_report.h"

enum { TITLE = 34, CELL = 48, MOST_NAMED = 10 };

/* ---- cells ------------------------------------------------------------------------------------- */

static void put(int width, const char *text) { printf(" %*s", width - 1, text); }

/* A number right-aligned in its column; "-" where there is none. */
static void cell(int width, int decimals, double x)
{
    char text[CELL];
    snprintf(text, sizeof text, "%.*f", decimals, x);
    if (strspn(text, "-0.") == strlen(text)) snprintf(text, sizeof text, "%.*f", decimals, 0.0);
    put(width, isnan(x) ? "-" : text);
}

/* Untrained models hardly select anything, which is not nothing. */
static void cell_or_small(int width, int decimals, double x)
{
    char text[CELL];
    const double least = pow(10, -decimals);
    snprintf(text, sizeof text, "<%.*f", decimals, least);
    if (x > 0 && x < least)
        put(width, text);
    else
        cell(width, decimals, x);
}

static void share(int width, double x)
{
    char text[CELL];
    snprintf(text, sizeof text, "%.0f %%", 100 * x);
    put(width, isnan(x) ? "-" : text);
}

static void p_value(int width, double p)
{
    char text[CELL];
    snprintf(text, sizeof text, p < 0.001 ? "%.0e" : "%.3f", p);
    put(width, isnan(p) ? "-" : text);
}

static void interval(int width, om_interval within)
{
    char text[CELL];
    snprintf(text, sizeof text, "%5.2f %5.2f", within.low, within.high);
    put(width, isnan(within.low) ? "-" : text);
}

static void put_numbered(int width, const char *what, int n)
{
    char text[CELL];
    snprintf(text, sizeof text, "%s %d", what, n);
    put(width, text);
}

/* ---- measures ---------------------------------------------------------------------------------- */

static int decimals_of(int measure)
{
    switch (measure) {
    case OM_HITS_45:
    case OM_HITS_30:
    case OM_SIGNS_RIGHT: return 1;
    case OM_DIRECTION_DISTANCE: return 0;
    case OM_DSI_T4:
    case OM_DSI_T5:
    case OM_DSI_OTHERS: return 3;
    default: return 2;
    }
}

static void print_title(const om_validation *v, int measure)
{
    char text[CELL];
    const char *title = om_measures[measure].title;
    switch (measure) {
    case OM_HITS_45:
    case OM_HITS_30: snprintf(text, sizeof text, "%s, of %d", title, v->n_detectors); break;
    case OM_SIGNS_RIGHT:
        snprintf(text, sizeof text, "%s, of %d", title, v->n_known_polarity);
        break;
    case OM_DIRECTION_DISTANCE: snprintf(text, sizeof text, "%s, degrees", title); break;
    default: snprintf(text, sizeof text, "%s", title);
    }
    printf("%-*s", TITLE, text);
}

static void print_measure(const om_validate_report *r, int measure)
{
    const om_measure_summary *s = &r->measures[measure];
    const om_association *with = &s->with_error.spearman;
    const int decimals = decimals_of(measure);
    print_title(r->v, measure);
    cell_or_small(8, decimals, s->best);
    cell_or_small(8, decimals, s->all);
    cell_or_small(9, decimals, s->worst);
    cell_or_small(10, decimals, s->untrained);
    cell(7, measure == OM_DIRECTION_DISTANCE ? 0 : 1, r->v->chance[measure]);
    cell(6, 2, with->r);
    interval(12, with->within);
    p_value(6, s->corrected_p);
    printf("\n");
}

/* Without task error nothing is best or worst, and nothing goes with it. */
static void explain_unranked(const om_validate_report *r)
{
    int n = 0;
    for (int i = 0; i < r->v->n_models; i++) n += r->place[i] > 0;
    if (n == 0)
        printf("No task error of these models is known: none is best or worst, and nothing can be\n"
               "said of measures with task error.\n");
    else if (n < r->v->n_models)
        printf(
            "%s is known of %d of these %d models: best, worst, and with task error are of them.\n",
            r->info->selection == OM_LOSS_EPE ? "EPE" : "l2norm", n, r->v->n_models);
}

static void print_measures(const om_validate_report *r)
{
    printf("\nMEASURES, means over models%*swith task error\n%-*s", TITLE + 24, "", TITLE, "");
    put_numbered(8, "best", r->n_best);
    put_numbered(8, "all", r->n_measured);
    put_numbered(9, "worst", r->n_best);
    printf(" untrained chance   rho 95 %% within     p\n");
    for (int m = 0; m < OM_N_MEASURES; m++) print_measure(r, m);
    printf(
        "\n"
        "best, worst: by task error (%s). untrained: %d models of this circuit before training.\n"
        "chance: directions, signs or labels drawn at random. -: not known, or without meaning.\n"
        "directions: preferred ones of T4a-d to bright and T5a-d to dark edges, beside the known.\n"
        "DSI: direction selectivity index, 0 to 1, of the median type: T4 to bright edges, T5\n"
        "to dark ones, others to what moves them more. FRI: flash response index, -1 (OFF) to 1.\n"
        "with known: correlation over a model's types; of tuning curves, over angles.\n"
        "rho: Spearman's correlation with task error (n = %d); below 0, better models have more.\n"
        "p: how likely one as strong is by coincidence, corrected for %d measures (Holm).\n",
        r->info->selection == OM_LOSS_EPE ? "EPE" : "l2norm", r->v->n_controls,
        r->measures[OM_DSI_OTHERS].with_error.n, OM_N_MEASURES);
}

/* ---- types ------------------------------------------------------------------------------------- */

static void print_type(const om_validate_report *r, const om_type_summary *t)
{
    static const char *const polarities[] = {"OFF", "-", "ON"};
    static const char *const motions[] = {"-", "no", "yes"};
    printf("%-9s", r->v->types[t->type].name);
    put(6, polarities[t->known->polarity + 1]);
    cell(8, 3, t->fri);
    cell(8, 3, t->best_fri);
    share(7, t->sign_right);
    put(9, motions[t->known->motion + 1]);
    cell(7, 3, t->dsi);
    cell(8, 3, t->best_dsi);
    if (!isnan(t->known->direction_deg)) {
        cell(9, 0, t->known->direction_deg);
        cell(6, 0, t->direction);
        printf("%s", t->mirrored ? "*" : " ");
        cell(7, 0, t->best_direction);
        share(7, t->direction_right);
    }
    printf("\n");
}

static void print_types(const om_validate_report *r)
{
    bool mirrored = false;
    char best[CELL];
    if (r->n_types == 0) return;
    snprintf(best, sizeof best, "best %d", r->n_best);
    printf("\nTYPES, known beside the models\n"
           "         flash, FRI                     edges, DSI               direction, degrees\n"
           "type     known     all %7s  right    known    all %7s    known   all %7s  right\n",
           best, best, best);
    for (int i = 0; i < r->n_types; i++) {
        print_type(r, &r->types[i]);
        mirrored |= r->types[i].mirrored;
    }
    printf(
        "\nall, best: medians over models, of directions their mean. right: models that have the\n"
        "known sign of FRI, or a direction within 45 degrees. known of edges: tuned to motion.\n"
        "%s",
        mirrored ? "*: two camps of models point opposite ways, so that their mean says little.\n"
                 : "");
}

/* ---- models ------------------------------------------------------------------------------------ */

static void print_model(const om_validate_report *r, const om_validated *m)
{
    const double *x = m->measure;
    if (r->place[m->model] > 0)
        printf("%5d", r->place[m->model]);
    else
        printf("    -");
    printf(" %5d", m->model);
    cell(9, 4, r->error[m->model]);
    cell(5, 0, x[OM_HITS_45]);
    cell(4, 0, x[OM_HITS_30]);
    cell(5, 0, x[OM_DIRECTION_DISTANCE]);
    cell(7, 3, x[OM_DSI_T4]);
    cell(7, 3, x[OM_DSI_T5]);
    cell(7, 3, x[OM_DSI_OTHERS]);
    cell(7, 2, x[OM_MOTION_CORRELATION]);
    cell(7, 2, x[OM_POLARITY_CORRELATION]);
    cell(9, 2, x[OM_POLARITY_CORRELATION_WITHOUT_RECEPTORS]);
    cell(6, 0, x[OM_SIGNS_RIGHT]);
    cell(9, 2, x[OM_CURVE_CORRELATION_T4]);
    cell(6, 2, x[OM_CURVE_CORRELATION_T5]);
    printf("\n");
}

static void print_models(const om_validate_report *r)
{
    const om_validation *v = r->v;
    printf(
        "\nMODELS, by task error\n"
        "                     directions      DSI                 FRI, DSI and curves with known\n"
        "place model %8s  45  30 dist     T4     T5 others motion    FRI  no R1-8 signs curve T4"
        "    T5\n",
        r->info->selection == OM_LOSS_EPE ? "EPE" : "l2norm");
    for (int i = 0; i < v->n_models; i++) {
        const om_validated *m = &v->models[r->ranked[i].model];
        if (m->prediction.outcome == OM_PREDICTED) print_model(r, m);
    }
    printf("\n45, 30: types within so many degrees of the known; dist: median distance, degrees.\n"
           "no R1-8: without the receptors; signs: types whose FRI has the known sign.\n");
}

static void print_left_out(const om_validate_report *r)
{
    for (int i = 0; i < r->v->n_models; i++) {
        const om_validated *m = &r->v->models[i];
        if (m->prediction.outcome != OM_PREDICTED)
            printf("left out: model %d: %s\n", m->model, m->prediction.message);
    }
}

/* ---- what it is worth -------------------------------------------------------------------------- */

static void explain_circuit(const om_validation *v)
{
    if (v->n_detectors == 0)
        printf("This circuit has none of the types T4a-d and T5a-d: nothing is known of its "
               "directions.\n");
    else if (v->n_detectors < OM_DETECTORS)
        printf("This circuit has %d of the 8 types T4a-d and T5a-d.\n", v->n_detectors);
    if (v->n_known_polarity == 0)
        printf("The polarity of none of this circuit's types is known.\n");
}

static void explain_signs(const om_validate_report *r)
{
    const int known = r->v->n_known_polarity;
    if (known == 0 || r->n_best == 0) return;
    printf(
        "\nWhat the sign of a flash response is worth: untrained models have %.0f of %d right,\n"
        "from the signs of the connectome alone. It says nothing about training: judge by\n"
        "direction selectivity, preferred directions and correlations, beside untrained models.\n"
        "One model is an anecdote, the ensemble is the result: FRI averaged over the best %d\n"
        "has the known sign for %d of %d types (correlation with known polarity %.2f).\n",
        r->measures[OM_SIGNS_RIGHT].untrained, known, r->n_best, r->best_mean_signs, known,
        r->best_mean_polarity);
}

void om_validate_print(const om_validate_report *r)
{
    printf("%s: %d models beside what is known of the fly's cells, ", r->info->name,
           r->v->n_models);
    if (r->v->speed > 0)
        printf("edges at %g columns/s\n", r->v->speed);
    else
        printf("edges at 6 speeds\n");
    print_left_out(r);
    explain_circuit(r->v);
    explain_unranked(r);
    print_measures(r);
    explain_signs(r);
    print_types(r);
    print_models(r);
}
