/* A comparison of two ensembles as text, JSON and CSV. */
#include <math.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/compare_report.h"
#include "cli/fields.h"

enum { MOST_NAMED = 8, NAME_WIDTH = 36 /* of the longest title with its unit */ };

static const char *const letters[] = {"A", "B"};

/* What a measure is, with its unit. */
static void print_title(int measure)
{
    char text[64];
    if (measure < OM_COMPARED_FIRST) {
        printf("%-*s", NAME_WIDTH, measure == OM_COMPARED_EPE ? "EPE" : "l2norm");
        return;
    }
    const om_measure_info *what = &om_measures[measure - OM_COMPARED_FIRST];
    snprintf(text, sizeof text, "%s%s%s%s", what->title, what->unit[0] == '1' ? "" : ", ",
             what->unit[0] == '1' ? "" : what->unit, what->unit[0] == '1' ? "" : "s");
    printf("%-*s", NAME_WIDTH, text);
}

/* ---- text -------------------------------------------------------------------------------------- */

static void cell(int width, const char *format, double x)
{
    char text[32] = "-";
    if (isfinite(x)) snprintf(text, sizeof text, format, x);
    printf(" %*s", width, text);
}

/* om_compare_told; context: the ensemble's letter. */
static void print_left_out(void *context, int model, const char *measures, const char *why)
{
    printf("%s: left out of %s: model %d: %s\n", (const char *)context, measures, model, why);
}

static void print_store(const char *letter, const om_compared_store *s)
{
    int n = 0;
    printf("%s: %s, %d of %d models", letter, s->info->path, s->n_done, s->info->n_models);
    for (int i = 0; i < s->info->n_models; i++) {
        if (s->rows[i].status == OM_MODEL_DONE) continue;
        if (n++ < MOST_NAMED)
            printf("%s %d (%s)", n == 1 ? "; left out:" : ",", i,
                   om_model_status_name(s->rows[i].status));
    }
    if (n > MOST_NAMED) printf(", and %d more", n - MOST_NAMED);
    printf("\n");
    om_compare_left_out(s, print_left_out, (void *)letter);
}

static void mean_and_sd(const om_summary *s)
{
    cell(9, "%.4g", s->mean);
    printf(" +-");
    cell(7, "%.2g", s->sd);
    printf(" %5d", s->n);
}

/* What a reader must know before believing the tables. */
static void print_warnings(const om_compare_report *r)
{
    const om_compared_store *s = r->store;
    if (!r->same_circuit) printf("note: A and B are of different circuits\n");
    if (!r->same_scenes)
        printf("note: A and B %s validation scenes%s\n",
               r->scenes_known ? "have different" : "are not known to have the same",
               r->errors_apart ? ", so that task errors are not compared (--across-scenes)"
                               : ": a difference of task errors may be theirs");
    if (r->errors_unlike)
        printf("note: task errors are not compared: one has EPE only, the other l2norm only\n");
    if (s[0].info->selection != s[1].info->selection && !r->errors_apart)
        printf("note: A and B chose their best checks by different measures, which alone moves the "
               "EPE\n      (0.03 on average for the paper's models)\n");
    for (int i = 0; i < 2; i++)
        if (!s[i].measured)
            printf("note: to compare the tuning of cells as well: ommatid validate %s\n",
                   s[i].info->path);
}

static void print_means(const om_compare_report *r)
{
    printf("\n%-*s %20s %5s %20s %5s\n", NAME_WIDTH, "mean +- sd over n models", "A", "n", "B",
           "n");
    for (int k = 0; k < OM_N_COMPARED; k++) {
        const om_compared *m = &r->measures[k];
        if (!m->known) continue;
        print_title(k);
        mean_and_sd(&m->a);
        mean_and_sd(&m->b);
        printf("\n");
    }
}

static const char *verdict_of(const om_compared *m)
{
    const bool more = m->tests.difference > 0;
    switch (m->verdict) {
    case OM_DIFFERENT: return more == m->more_is_better ? "A is better" : "B is better";
    case OM_EQUIVALENT: return "equivalent";
    case OM_NO_SPREAD: return "no spread";
    default: return "undecided";
    }
}

static void print_differences(const om_compare_report *r)
{
    printf("\n%-*s %9s  %22s  %s\n", NAME_WIDTH, "difference of means", "A - B", "95 % interval",
           "verdict");
    for (int k = 0; k < OM_N_COMPARED; k++) {
        const om_compared *m = &r->measures[k];
        if (!m->known) continue;
        print_title(k);
        cell(9, "%+.3g", m->tests.difference);
        cell(10, "%+.3g", m->tests.within_95.low);
        printf(" to");
        cell(9, "%+.3g", m->tests.within_95.high);
        printf("  %s\n", verdict_of(m));
    }
}

static void print_tests(const om_compare_report *r)
{
    printf("\n%-*s %8s %10s %8s %7s %8s %10s\n", NAME_WIDTH, "tests", "Welch p", "corrected",
           "M-W p", "A > B", "margin", "equiv. p");
    for (int k = 0; k < OM_N_COMPARED; k++) {
        const om_compared *m = &r->measures[k];
        if (!m->known) continue;
        print_title(k);
        cell(8, "%.2g", m->tests.welch_p);
        cell(10, "%.2g", m->corrected_p);
        cell(8, "%.2g", m->tests.u_p);
        cell(7, "%.2f", m->tests.superiority);
        cell(8, "%.3g", m->margin > 0 ? m->margin : NAN);
        cell(10, "%.2g", m->margin > 0 ? m->tests.equivalence_p : NAN);
        printf("\n");
    }
}

void om_compare_print(const om_compare_report *r)
{
    for (int i = 0; i < 2; i++) print_store(letters[i], &r->store[i]);
    print_warnings(r);
    print_means(r);
    print_differences(r);
    print_tests(r);
    for (int k = 0; k < OM_N_COMPARED; k++)
        if (r->measures[k].known && r->measures[k].verdict == OM_NO_SPREAD) {
            printf("\nno spread: all models of A are alike, and all of B: nothing to test by\n");
            break;
        }
    if (isfinite(r->gain_ratio))
        printf("\nA gains %.3f times as much EPE over zero flow as B\n", r->gain_ratio);
    printf(
        "\nA (B) is better: the means differ; by chance alone that would be rare (corrected p "
        "below 0.05).\n"
        "equivalent: whatever difference there is, it is smaller than the margin (equiv. p below "
        "0.05).\n"
        "undecided: neither can be said with these models: more of them may tell, or a margin.\n"
        "corrected: Welch's p by Holm's method for the number of tests, of task errors and of "
        "tuning\n"
        "apart. Intervals are not corrected: one may leave out 0 and the verdict be undecided. "
        "M-W:\n"
        "Mann-Whitney. A > B: how often a model of A has a larger value than one of B (0.5: as "
        "often\n"
        "as not). equiv. p: two one-sided tests. margin: the smallest difference that matters\n"
        "(--margin NAME=X, names as in 'ommatid rank --help'); -: none is given or known.\n");
}

/* ---- for other programs ------------------------------------------------------------------------ */

static const char *const verdicts[] = {[OM_UNDECIDED] = "undecided",
                                       [OM_DIFFERENT] = "different",
                                       [OM_EQUIVALENT] = "equivalent",
                                       [OM_NO_SPREAD] = "no spread"};

/* Numbers of one measure in the order of CSV columns. */
static const char *const columns[] = {
    "mean_a",      "sd_a",   "mean_b",  "sd_b",        "difference", "low_95",
    "high_95",     "low_90", "high_90", "welch_t",     "df",         "welch_p",
    "corrected_p", "u",      "u_p",     "superiority", "margin",     "equivalence_p"};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void numbers_of(const om_compared *m, double x[COLUMNS])
{
    const om_comparison *c = &m->tests;
    const double none = m->margin > 0 ? 0 : NAN;
    const double all[COLUMNS] = {m->a.mean,
                                 m->a.sd,
                                 m->b.mean,
                                 m->b.sd,
                                 c->difference,
                                 c->within_95.low,
                                 c->within_95.high,
                                 c->within_90.low,
                                 c->within_90.high,
                                 c->t,
                                 c->df,
                                 c->welch_p,
                                 m->corrected_p,
                                 c->u,
                                 c->u_p,
                                 c->superiority,
                                 m->margin + none,
                                 c->equivalence_p + none};
    for (int i = 0; i < COLUMNS; i++) x[i] = all[i];
}

/* Numbers of the models without a value. */
static void put_missing(const om_compared_store *s, int measure)
{
    const char *space = "";
    putchar(',');
    for (int i = 0; i < s->info->n_models; i++)
        if (isnan(s->value[measure][i])) printf("%s%d", space, i), space = " ";
}

void om_compare_print_csv(const om_compare_report *r)
{
    printf("measure,verdict,n_a,n_b");
    for (int i = 0; i < COLUMNS; i++) printf(",%s", columns[i]);
    printf(",left_out_a,left_out_b\n");
    for (int k = 0; k < OM_N_COMPARED; k++) {
        const om_compared *m = &r->measures[k];
        double x[COLUMNS];
        if (!m->known) continue;
        numbers_of(m, x);
        printf("%s,%s,%d,%d", om_compared_name(k), verdicts[m->verdict], m->a.n, m->b.n);
        for (int i = 0; i < COLUMNS; i++)
            if (isfinite(x[i]))
                printf(",%.9g", x[i]);
            else
                putchar(',');
        for (int i = 0; i < 2; i++) put_missing(&r->store[i], k);
        printf("\n");
    }
}

static void add_left_out(void *list, int model, const char *measures, const char *why)
{
    json_array_append_new(list, json_pack("{s:i s:s s:s s:s}", "model", model, "status",
                                          om_model_status_name(OM_MODEL_DONE), "measures", measures,
                                          "why", why));
}

static json_t *store_of(const om_compared_store *s)
{
    json_t *used = json_array(), *left_out = json_array();
    for (int i = 0; i < s->info->n_models; i++)
        if (s->rows[i].status == OM_MODEL_DONE)
            json_array_append_new(used, json_integer(i));
        else
            json_array_append_new(left_out,
                                  json_pack("{s:i s:s s:s s:s}", "model", i, "status",
                                            om_model_status_name(s->rows[i].status), "measures",
                                            "all", "why", om_model_status_name(s->rows[i].status)));
    om_compare_left_out(s, add_left_out, left_out);
    return json_pack("{s:s s:s s:o s:o}", "path", s->info->path, "name", s->info->name, "models",
                     used, "left_out", left_out);
}

static json_t *measure_of(const om_compared *m, int measure)
{
    double x[COLUMNS];
    json_t *object =
        json_pack("{s:s s:s s:i s:i s:b}", "measure", om_compared_name(measure), "verdict",
                  verdicts[m->verdict], "n_a", m->a.n, "n_b", m->b.n, "u_exact", m->tests.u_exact);
    numbers_of(m, x);
    for (int i = 0; i < COLUMNS; i++) json_object_set_new(object, columns[i], om_json_number(x[i]));
    return object;
}

om_status om_compare_print_json(const om_compare_report *r)
{
    json_t *list = json_array();
    for (int k = 0; k < OM_N_COMPARED; k++)
        if (r->measures[k].known) json_array_append_new(list, measure_of(&r->measures[k], k));
    return om_command_print_json(
        json_pack("{s:o s:o s:b s:o s:o s:o}", "a", store_of(&r->store[0]), "b",
                  store_of(&r->store[1]), "same_circuit", r->same_circuit, "same_scenes",
                  r->scenes_known ? json_boolean(r->same_scenes) : json_null(), "gain_ratio",
                  om_json_number(r->gain_ratio), "measures", list));
}
