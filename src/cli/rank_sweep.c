/* The table of a sweep: points, not models. */
#include "cli/rank_sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "ensemble/points.h"
#include "ommatid/om_ensemble.h"
#include "ommatid/om_statistics.h"

/* One point of the table. */
typedef struct row {
    int n_models;
    om_reached reached;
    double *value; /* [n_models] NaN: none */
    om_summary summary;
    double best;
    double
        vs_mean; /* median over that of the constant mean flow, less one; NaN: not of task errors */
    om_comparison against;
    double p; /* of the rank-sum test, corrected for the number of points */
} row;

typedef struct table {
    const om_sweep_ranking *wish;
    const om_sweep *sweep;
    row *rows; /* [n_points] */
} table;

static bool more_is_better(const om_sweep_ranking *wish)
{
    return wish->is_measure && om_measures[wish->measure].more_is_better;
}

static om_status read_errors(om_store *store, om_loss by, double *value)
{
    const int n = om_store_describe(store)->n_models;
    om_ranked *ranked = NULL;
    OM_TRY(om_alloc((size_t)n, sizeof *ranked, &ranked));
    om_status status = om_ensemble_rank(store, by, ranked);
    for (int i = 0; i < n && status == OM_OK; i++)
        value[ranked[i].model] =
            ranked[i].place > 0 ? (by == OM_LOSS_EPE ? ranked[i].epe : ranked[i].l2norm) : NAN;
    om_free(ranked);
    return status;
}

static om_status read_values(const table *t, om_store *store, row *r)
{
    const om_store_info *info = om_store_describe(store);
    const om_baselines *b = &info->baselines;
    const bool epe = strcmp(t->wish->by, "epe") == 0;
    r->n_models = info->n_models;
    OM_TRY(om_alloc((size_t)info->n_models, sizeof *r->value, &r->value));
    if (t->wish->is_measure) {
        om_validation *v = NULL;
        OM_TRY(om_validation_read(store, NULL, 0, &v));
        om_validation_measure(v, t->wish->measure, r->value);
        om_validation_free(v);
    } else {
        OM_TRY(read_errors(store, epe ? OM_LOSS_EPE : OM_LOSS_L2NORM, r->value));
    }
    const om_bootstrap none = {0, 0, 0.95};
    OM_TRY(om_summarise(r->value, NULL, r->n_models, &none, &r->summary));
    r->best = NAN;
    for (int m = 0; m < r->n_models; m++) {
        const double x = r->value[m];
        if (!isnan(x) && !(more_is_better(t->wish) ? x <= r->best : x >= r->best)) r->best = x;
    }
    if (!t->wish->is_measure)
        r->vs_mean = r->summary.median / (epe ? b->mean_epe : b->mean_l2norm) - 1;
    return OM_OK;
}

static om_status read_point(const table *t, int point)
{
    row *r = &t->rows[point];
    char path[OM_SWEEP_PATH_BYTES];
    om_store *store;
    *r = (row){.best = NAN, .vs_mean = NAN, .p = NAN};
    if (!t->sweep->present[point]) return OM_OK;
    OM_TRY(om_sweep_point_path(t->wish->file, point, path));
    OM_TRY(om_store_open(path, OM_STORE_READ, &store));
    om_status status = om_store_reached(store, &r->reached);
    if (status == OM_OK) status = read_values(t, store, r);
    om_store_close(store);
    return status;
}

/* Every point with the one; p values are corrected for how many there are. */
static om_status compare(const table *t)
{
    const int n = t->sweep->n_points, with = t->wish->against;
    const row *other = &t->rows[with];
    double *p = NULL;
    om_status status = om_alloc((size_t)n, sizeof *p, &p);
    for (int i = 0; i < n && status == OM_OK; i++) {
        row *r = &t->rows[i];
        p[i] = NAN;
        r->against.superiority = NAN;
        if (i == with || r->summary.n == 0 || other->summary.n == 0) continue;
        status = om_compare(r->value, r->n_models, other->value, other->n_models, 0, &r->against);
        if (!more_is_better(t->wish)) r->against.superiority = 1 - r->against.superiority;
        p[i] = r->against.u_p;
    }
    if (status == OM_OK) status = om_holm(p, n, p);
    for (int i = 0; i < n && status == OM_OK; i++) t->rows[i].p = p[i];
    om_free(p);
    return status;
}

/* ---- printing ---- */

static void cell(int width, const char *format, double x)
{
    char text[32];
    snprintf(text, sizeof text, format, x);
    printf("  %*s", width, isnan(x) ? "-" : text);
}

static int width_of(const om_sweep *s, int key)
{
    int width = (int)strlen(s->keys[key]);
    for (int p = 0; p < s->n_points; p++) {
        const int n = (int)strlen(s->values[p * s->n_keys + key]);
        if (n > width) width = n;
    }
    return width;
}

static void print_row(const table *t, int point)
{
    const om_sweep *s = t->sweep;
    const row *r = &t->rows[point];
    printf("%5d", point);
    for (int k = 0; k < s->n_keys; k++)
        printf("  %-*s", width_of(s, k), s->values[point * s->n_keys + k]);
    if (!s->present[point]) {
        printf("  missing: its job has left no store\n");
        return;
    }
    printf("  %4d/%-4d", r->summary.n, r->n_models);
    cell(8, "%.4f", r->best);
    cell(8, "%.4f", r->summary.median);
    cell(8, "%.4f", r->summary.mean);
    cell(8, "%.4f", r->summary.sd);
    if (!t->wish->is_measure) cell(9, "%+.1f %%", 100 * r->vs_mean);
    cell(9, "%.2f", r->against.superiority);
    cell(8, "%.2g", r->p);
    printf("\n");
}

/* Medians of models that are not at their end compare with nothing. */
static void print_unfinished(const table *t)
{
    const char *before = "\nnot trained to the end: ";
    for (int p = 0; p < t->sweep->n_points; p++) {
        char text[OM_REACHED_BYTES];
        if (!t->sweep->present[p] || t->rows[p].reached.finished) continue;
        om_reached_print(&t->rows[p].reached, text);
        printf("%spoint %d (%s)", before, p, text);
        before = ", ";
    }
    if (before[0] == ',') printf("\n");
}

static void print_table(const table *t, const char *name)
{
    const om_sweep *s = t->sweep;
    const int with = t->wish->against;
    printf("%s: %d points, by %s: %s is better\n\npoint", name, s->n_points, t->wish->by,
           more_is_better(t->wish) ? "more" : "less");
    for (int k = 0; k < s->n_keys; k++) printf("  %-*s", width_of(s, k), s->keys[k]);
    printf("  %9s  %8s  %8s  %8s  %8s", "models", "best", "median", "mean", "sd");
    if (!t->wish->is_measure) printf("  %9s", "vs mean");
    printf("  %9s  %8s\n", "P(better)", "p");
    for (int p = 0; p < s->n_points; p++) print_row(t, p);
    print_unfinished(t);
    printf("\nmodels: with a value, of all. ");
    if (!t->wish->is_measure)
        printf("vs mean: the median against predicting the mean flow; negative is\nbetter. ");
    printf("P(better): how probably a model of the point is better than one of point %d;\n"
           "p: of the rank-sum test of that (Mann and Whitney), two-sided, corrected for the "
           "number of points\n(Holm). The models of a point: ommatid rank %s:%d\n",
           with, t->wish->file, with);
}

static void print_csv(const table *t)
{
    const om_sweep *s = t->sweep;
    printf("point");
    for (int k = 0; k < s->n_keys; k++) printf(",%s", s->keys[k]);
    printf(",present,models,n,best,median,mean,sd,vs_mean,superiority,p,finished\n");
    for (int p = 0; p < s->n_points; p++) {
        const row *r = &t->rows[p];
        printf("%d", p);
        for (int k = 0; k < s->n_keys; k++) {
            putchar(',');
            om_csv_text(stdout, s->values[p * s->n_keys + k]);
        }
        printf(",%s,%d,%d", s->present[p] ? "true" : "false", r->n_models, r->summary.n);
        const double values[] = {r->best,       r->summary.median, r->summary.mean,
                                 r->summary.sd, r->vs_mean,        r->against.superiority,
                                 r->p};
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            putchar(',');
            if (s->present[p] && isfinite(values[i])) printf("%.9g", values[i]);
        }
        printf(",%s\n", s->present[p] && r->reached.finished ? "true" : "false");
    }
}

static json_t *point_of(const table *t, int point)
{
    const om_sweep *s = t->sweep;
    const row *r = &t->rows[point];
    json_t *values = json_object();
    for (int k = 0; k < s->n_keys; k++)
        json_object_set_new(values, s->keys[k], json_string(s->values[point * s->n_keys + k]));
    if (!s->present[point])
        return json_pack("{s:i s:o s:b}", "point", point, "values", values, "present", 0);
    return json_pack("{s:i s:o s:b s:b s:i s:i s:o s:o s:o s:o s:o s:o s:o}", "point", point,
                     "values", values, "present", 1, "finished", r->reached.finished, "models",
                     r->n_models, "n", r->summary.n, "best", om_json_number(r->best), "median",
                     om_json_number(r->summary.median), "mean", om_json_number(r->summary.mean),
                     "sd", om_json_number(r->summary.sd), "vs_mean", om_json_number(r->vs_mean),
                     "superiority", om_json_number(r->against.superiority), "p",
                     om_json_number(r->p));
}

static om_status print_json(const table *t, const char *name)
{
    json_t *points = json_array();
    for (int p = 0; p < t->sweep->n_points; p++) json_array_append_new(points, point_of(t, p));
    return om_command_print_json(json_pack("{s:s s:s s:i s:o}", "name", name, "by", t->wish->by,
                                           "against", t->wish->against, "points", points));
}

om_status om_rank_sweep(const om_sweep_ranking *wish, const om_sweep *sweep, const char *name)
{
    table t = {.wish = wish, .sweep = sweep};
    const size_t n = (size_t)sweep->n_points;
    if (wish->against < 0 || wish->against >= sweep->n_points)
        return om_fail(OM_EUSAGE, "--against %d: expected a point from 0 to %d", wish->against,
                       sweep->n_points - 1);
    OM_TRY(om_alloc(n, sizeof *t.rows, &t.rows));
    om_status status = OM_OK;
    for (int p = 0; p < sweep->n_points && status == OM_OK; p++) status = read_point(&t, p);
    if (status == OM_OK) status = compare(&t);
    if (status == OM_OK && wish->json)
        status = print_json(&t, name);
    else if (status == OM_OK && wish->csv)
        print_csv(&t);
    else if (status == OM_OK)
        print_table(&t, name);
    for (size_t p = 0; p < n; p++) om_free(t.rows[p].value);
    om_free(t.rows);
    return status;
}
