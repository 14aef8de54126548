/* Statistics over the models of a prediction, in its file under /aggregate: of every quantity that has a
 * row for each model one with an axis of statistics in its place. Cell types are done one after
 * another, so that memory holds what all models say of one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/prediction_file.h"
#include "ommatid/om_statistics.h"
#include "parallel/ranks.h"

enum { STATISTIC_BYTES = 24, PATH_BYTES = 64, REPLICATES = 1000, MOST_PART_BYTES = 8 << 20 };
#define GROUP "/aggregate"

static const char statistics[][STATISTIC_BYTES] = {
    "n",   "mean",     "sd",        "median",     "q05",         "q25",       "q75",
    "q95", "mean_low", "mean_high", "median_low", "median_high", "agreement", "weighted_mean"};
static const char circular[][STATISTIC_BYTES] = {
    "n",        "direction", "length",           "sd",       "axial_length",    "axial_p",
    "mirrored", "n_camp_1",  "direction_camp_1", "n_camp_2", "direction_camp_2"};
enum {
    N_STATISTICS = sizeof statistics / STATISTIC_BYTES,
    N_CIRCULAR = sizeof circular / STATISTIC_BYTES
};

/* What is special about a quantity: directions are circular; bootstrap intervals of mean and median
 * take a while, and are made of the few numbers that sum up a model. */
static bool is_direction(int f)
{
    return f == OM_PREDICTED_DIRECTION || f == OM_PREDICTED_DIRECTION_BY_SPEED;
}

static bool has_intervals(int f)
{
    return f == OM_PREDICTED_FRI || f == OM_PREDICTED_DSI || f == OM_PREDICTED_DSI_BY_SPEED ||
           f == OM_PREDICTED_EPE || f == OM_PREDICTED_L2NORM;
}

/* The field of the statistics of field f; path: room for its path. */
static om_h5_field field_of(const om_h5_field *table, int f, char path[PATH_BYTES])
{
    om_h5_field field = table[f];
    snprintf(path, PATH_BYTES, GROUP "%s", table[f].path);
    field.path = path;
    field.axes[0] = is_direction(f) ? "circular_statistic" : "statistic";
    return field;
}

static size_t count_of(int f) { return is_direction(f) ? N_CIRCULAR : N_STATISTICS; }

/* ---- making room ---- */

static om_status add_names(om_h5 *file, const char *axis, size_t n, const void *names,
                           const char *description)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, GROUP "/%s", axis);
    const om_h5_field field = {path, OM_H5_TEXT, {axis}, STATISTIC_BYTES, NULL, description, NULL};
    return om_h5_add(file, &field, &n, names);
}

/* The axes again: a group has its own. */
static om_status add_axes(om_h5 *file, om_experiment_kind kind, const om_h5_field *table,
                          const om_prediction_axes *axes)
{
    OM_TRY(
        add_names(file, "statistic", N_STATISTICS, statistics,
                  "n: models; q: quantiles; low, high: 95 % bootstrap intervals; agreement: share "
                  "of models with the median's sign; weighted_mean: by place in the ranking"));
    if (table[OM_PREDICTED_DIRECTION].path != NULL)
        OM_TRY(add_names(file, "circular_statistic", N_CIRCULAR, circular,
                         "length: of the resultant; axial: of doubled angles, with Rayleigh's p; "
                         "mirrored: 1 if two camps point opposite ways; angles in degrees"));
    for (int a = OM_PREDICTED_TYPE; a < OM_PREDICTED_AXES; a++) {
        char path[PATH_BYTES];
        om_h5_field field = table[a];
        if (!om_prediction_has(kind, a, axes)) continue;
        snprintf(path, sizeof path, GROUP "%s", table[a].path);
        field.path = path;
        OM_TRY(om_h5_add(file, &field, &axes->n[a], axes->values[a]));
    }
    return OM_OK;
}

/* Responses of chosen cells are many: fourteen statistics of a single model would be a waste. */
static bool is_summed_up(om_experiment_kind kind, int f, const om_prediction_axes *axes)
{
    return om_prediction_has(kind, f, axes) &&
           (f != OM_PREDICTED_CELL_RESPONSE || axes->n[OM_PREDICTED_MODEL] > 1);
}

om_status om_aggregate_add(om_h5 *file, om_experiment_kind kind, const om_prediction_axes *axes)
{
    const om_h5_field *table = om_prediction_fields(kind);
    OM_TRY(om_h5_group(file, GROUP));
    OM_TRY(add_axes(file, kind, table, axes));
    for (int f = OM_PREDICTED_RESPONSE; f < OM_PREDICTED_TRUE_FLOW; f++) {
        char path[PATH_BYTES];
        size_t lengths[OM_H5_AXES] = {0};
        if (!is_summed_up(kind, f, axes)) continue;
        const om_h5_field field = field_of(table, f, path);
        lengths[0] = count_of(f);
        for (int i = 1; i < OM_H5_AXES && field.axes[i] != NULL; i++)
            for (int a = 0; a < OM_PREDICTED_AXES; a++)
                if (table[a].path != NULL && strcmp(table[a].path + 1, field.axes[i]) == 0)
                    lengths[i] = axes->n[a];
        OM_TRY(om_h5_add(file, &field, lengths, NULL));
    }
    return OM_OK;
}

/* ---- filling it ---- */

typedef struct aggregating {
    om_h5 *file;
    const om_h5_field *table;
    const om_prediction_axes *axes;
    const om_prediction *predictions;
    const int *place;
    size_t n_models;
} aggregating;

static double degrees(double radians)
{
    double angle = radians * 180 / acos(-1);
    return angle < 0 ? angle + 360 : angle;
}

static om_status summarise(const double *value, const aggregating *a, bool intervals, double *out)
{
    om_summary s;
    const om_bootstrap bootstrap = {1, intervals ? REPLICATES : 0, 0.95};
    OM_TRY(om_summarise(value, a->place, (int)a->n_models, &bootstrap, &s));
    const double all[N_STATISTICS] = {s.n,
                                      s.mean,
                                      s.sd,
                                      s.median,
                                      s.q05,
                                      s.q25,
                                      s.q75,
                                      s.q95,
                                      s.mean_within.low,
                                      s.mean_within.high,
                                      s.median_within.low,
                                      s.median_within.high,
                                      s.agreement,
                                      s.weighted_mean};
    memcpy(out, all, sizeof all);
    return OM_OK;
}

static om_status summarise_directions(double *value, const aggregating *a, double *out)
{
    om_directions d;
    for (size_t m = 0; m < a->n_models; m++) value[m] *= acos(-1) / 180;
    OM_TRY(om_summarise_directions(value, (int)a->n_models, &d));
    const double all[N_CIRCULAR] = {d.n,
                                    degrees(d.direction),
                                    d.length,
                                    degrees(d.sd),
                                    d.axial_length,
                                    d.axial_p,
                                    d.mirrored,
                                    d.camp[0].n,
                                    degrees(d.camp[0].direction),
                                    d.camp[1].n,
                                    degrees(d.camp[1].direction)};
    memcpy(out, all, sizeof all);
    return OM_OK;
}

/* n numbers of all models [n_models][n] -> [statistics][n], float or double as stored. */
static om_status summarise_all(const aggregating *a, int f, size_t n, const void *from, void *to)
{
    const bool single = a->table[f].type == OM_H5_F32;
    double one[N_STATISTICS], *value = NULL;
    OM_TRY(om_alloc(a->n_models, sizeof *value, &value));
    om_status status = OM_OK;
    for (size_t i = 0; status == OM_OK && i < n; i++) {
        for (size_t m = 0; m < a->n_models; m++)
            value[m] = a->predictions[m].outcome != OM_PREDICTED ? NAN
                       : single ? (double)((const float *)from)[m * n + i]
                                : ((const double *)from)[m * n + i];
        status = is_direction(f) ? summarise_directions(value, a, one)
                                 : summarise(value, a, has_intervals(f), one);
        for (size_t s = 0; status == OM_OK && s < count_of(f); s++)
            if (single)
                ((float *)to)[s * n + i] = (float)one[s];
            else
                ((double *)to)[s * n + i] = one[s];
    }
    om_free(value);
    return status;
}

/* A field is summed up part by part: one index of each of its first axes but that of the models, so
 * many axes that a part of all models takes little memory. */
typedef struct parts {
    int axes;        /* with that of the models */
    size_t n, count; /* numbers of one, of one model; how many parts */
} parts;

static parts divide(const aggregating *a, int f, const om_h5_data *models)
{
    parts p = {2, om_prediction_count(&a->table[f], a->axes) / models->length[1],
               models->length[1]};
    const size_t bytes = om_h5_type_bytes(a->table[f].type) * (a->n_models + count_of(f));
    while (p.axes < models->n_axes && p.n * bytes > MOST_PART_BYTES) {
        p.n /= models->length[p.axes];
        p.count *= models->length[p.axes++];
    }
    return p;
}

static om_status aggregate_part(const aggregating *a, int f, const parts *p,
                                const om_h5_data *models, const om_h5_data *aggregated, size_t part,
                                void *from, void *to)
{
    const size_t bytes = p->n * om_h5_type_bytes(a->table[f].type);
    size_t index[OM_H5_AXES] = {0};
    for (int i = p->axes - 1; i > 0; part /= models->length[i--])
        index[i] = part % models->length[i];
    for (size_t m = 0; m < a->n_models; m++) {
        index[0] = m;
        OM_TRY(om_h5_read_part(models, p->axes, index, (char *)from + m * bytes));
    }
    OM_TRY(summarise_all(a, f, p->n, from, to));
    for (size_t s = 0; s < count_of(f); s++) {
        index[0] = s;
        OM_TRY(om_h5_write_part(aggregated, p->axes, index, (char *)to + s * bytes));
    }
    return OM_OK;
}

static om_status aggregate_field(const aggregating *a, int f)
{
    char path[PATH_BYTES];
    const om_h5_field field = field_of(a->table, f, path);
    const size_t ranks = (size_t)om_ranks_count(), bytes = om_h5_type_bytes(field.type);
    om_h5_data models = {0}, aggregated = {0};
    void *from = NULL, *to = NULL;
    parts p = {0};
    om_status status = om_h5_find(a->file, &a->table[f], NULL, &models);
    if (status == OM_OK) status = om_h5_find(a->file, &field, NULL, &aggregated);
    if (status == OM_OK) {
        p = divide(a, f, &models);
        status = om_alloc(p.n * a->n_models, bytes, &from);
        if (status == OM_OK) status = om_alloc(p.n * count_of(f), bytes, &to);
    }
    for (size_t part = (size_t)om_ranks_number(); status == OM_OK && part < p.count; part += ranks)
        status = aggregate_part(a, f, &p, &models, &aggregated, part, from, to);
    om_h5_release(&models);
    om_h5_release(&aggregated);
    om_free(from);
    om_free(to);
    return status;
}

om_status om_aggregate(om_h5 *file, om_experiment_kind kind, const om_prediction_axes *axes,
                       const om_prediction *predictions, const int *place)
{
    const aggregating a = {file,  om_prediction_fields(kind), axes, predictions,
                           place, axes->n[OM_PREDICTED_MODEL]};
    for (int f = OM_PREDICTED_RESPONSE; f < OM_PREDICTED_TRUE_FLOW; f++)
        if (is_summed_up(kind, f, axes)) OM_TRY(aggregate_field(&a, f));
    return OM_OK;
}
