/* Statistics of a validation over the models of a store. */
#include "cli/validate_report.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/measures.h"

enum {
    MOST_BEST = 10,
    FEW = 10 /* models, for which p of t is too small */,
    DISC = 1,
    DARK = 0,
    BRIGHT = 1
};

static const double PI = 3.14159265358979323846264338327950288;

static bool is_measured(const om_validated *m) { return m->prediction.outcome == OM_PREDICTED; }

/* ---- which models ------------------------------------------------------------------------------ */

/* The best ten, or half of them where there are fewer than twenty, by task error. */
static om_status choose(om_validate_report *r)
{
    const int n = r->v->n_models;
    int *order = NULL, ranked = 0;
    OM_TRY(om_alloc((size_t)n, sizeof *order, &order));
    for (int i = 0; i < n; i++) {
        const om_ranked *one = &r->ranked[i];
        const om_validated *m = &r->v->models[one->model];
        const bool epe = r->info->selection == OM_LOSS_EPE;
        r->place[one->model] = one->place;
        r->error[one->model] = one->place > 0 ? (epe ? one->epe : one->l2norm) : NAN;
        r->n_measured += is_measured(m);
        if (one->place > 0 && is_measured(m)) order[ranked++] = one->model;
    }
    r->n_best = ranked >= 2 * MOST_BEST ? MOST_BEST : (ranked + 1) / 2;
    for (int i = 0; i < r->n_best; i++) {
        r->best[i] = order[i];
        r->worst[i] = order[ranked - r->n_best + i];
    }
    om_free(order);
    return OM_OK;
}

/* ---- measures ---------------------------------------------------------------------------------- */

/* Over the n models that `which` numbers (NULL: the first n), of those that have it. */
static double mean(const om_validated *models, const int *which, int n, int measure)
{
    double sum = 0;
    int found = 0;
    for (int i = 0; i < n; i++) {
        double x = models[which != NULL ? which[i] : i].measure[measure];
        if (isnan(x)) continue;
        sum += x;
        found++;
    }
    return found > 0 ? sum / found : NAN;
}

static om_status summarise_measures(om_validate_report *r)
{
    const om_validation *v = r->v;
    const om_bootstrap bootstrap = {.seed = 0, .replicates = 2000, .level = 0.95};
    double *value = NULL, p[OM_N_MEASURES];
    OM_TRY(om_alloc((size_t)v->n_models, sizeof *value, &value));
    om_status status = OM_OK;
    for (int m = 0; status == OM_OK && m < OM_N_MEASURES; m++) {
        om_measure_summary *s = &r->measures[m];
        s->best = mean(v->models, r->best, r->n_best, m);
        s->worst = mean(v->models, r->worst, r->n_best, m);
        s->all = mean(v->models, NULL, v->n_models, m);
        s->untrained = mean(v->untrained, NULL, v->n_controls, m);
        om_validation_measure(v, (om_measure)m, value);
        status = om_correlate(r->error, value, v->n_models, &bootstrap, &s->with_error);
        p[m] = s->with_error.n < FEW ? s->with_error.spearman.permuted_p : s->with_error.spearman.p;
    }
    om_free(value);
    if (status == OM_OK) status = om_holm(p, OM_N_MEASURES, p);
    for (int m = 0; status == OM_OK && m < OM_N_MEASURES; m++) r->measures[m].corrected_p = p[m];
    return status;
}

/* ---- types ------------------------------------------------------------------------------------- */

static double fri_of(const om_validation *v, const om_validated *m, int type)
{
    return m->fri[DISC * v->n_types + type];
}

static double dsi_of(const om_validation *v, const om_validated *m, const om_type_summary *t)
{
    const double dark = m->dsi[t->type], bright = m->dsi[v->n_types + t->type];
    if (t->intensity < 0) return fmax(dark, bright);
    return t->intensity == BRIGHT ? bright : dark;
}

static om_status median(const double *value, int n, double *result)
{
    const om_bootstrap none = {.level = 0.95};
    om_summary summary;
    OM_TRY(om_summarise(value, NULL, n, &none, &summary));
    *result = summary.median;
    return OM_OK;
}

/* Room for a number of each model. */
static om_status summarise_flashes(const om_validate_report *r, double *room, om_type_summary *t)
{
    const om_validation *v = r->v;
    int right = 0;
    for (int i = 0; i < v->n_models; i++) {
        room[i] = fri_of(v, &v->models[i], t->type);
        right += room[i] * t->known->polarity > 0;
    }
    OM_TRY(median(room, v->n_models, &t->fri));
    for (int i = 0; i < r->n_best; i++) room[i] = fri_of(v, &v->models[r->best[i]], t->type);
    OM_TRY(median(room, r->n_best, &t->best_fri));
    t->sign_right =
        t->known->polarity != 0 && r->n_measured > 0 ? (double)right / r->n_measured : NAN;
    return OM_OK;
}

static om_status summarise_directions(const om_validate_report *r, double *room, om_type_summary *t)
{
    const om_validation *v = r->v;
    const ptrdiff_t at = t->intensity * v->n_types + t->type;
    om_directions all, best;
    int right = 0;
    for (int i = 0; i < v->n_models; i++) {
        room[i] = v->models[i].direction[at];
        right += fabs(remainder(room[i] - t->known->direction_deg * PI / 180, 2 * PI)) <= PI / 4;
    }
    OM_TRY(om_summarise_directions(room, v->n_models, &all));
    for (int i = 0; i < r->n_best; i++) room[i] = v->models[r->best[i]].direction[at];
    OM_TRY(om_summarise_directions(room, r->n_best, &best));
    t->direction = om_degrees_around(all.direction);
    t->best_direction = om_degrees_around(best.direction);
    t->mirrored = all.mirrored;
    if (r->n_measured > 0) t->direction_right = (double)right / r->n_measured;
    return OM_OK;
}

static om_status summarise_edges(const om_validate_report *r, double *room, om_type_summary *t)
{
    const om_validation *v = r->v;
    for (int i = 0; i < v->n_models; i++) room[i] = dsi_of(v, &v->models[i], t);
    OM_TRY(median(room, v->n_models, &t->dsi));
    for (int i = 0; i < r->n_best; i++) room[i] = dsi_of(v, &v->models[r->best[i]], t);
    OM_TRY(median(room, r->n_best, &t->best_dsi));
    return isnan(t->known->direction_deg) ? OM_OK : summarise_directions(r, room, t);
}

static int intensity_of(const char *type)
{
    for (int d = 0; d < OM_DETECTORS; d++)
        if (strcmp(om_detector_name(d), type) == 0) return om_detector_intensity(d);
    return -1;
}

static om_status summarise_types(om_validate_report *r)
{
    const om_validation *v = r->v;
    double *room = NULL;
    OM_TRY(om_alloc((size_t)v->n_models, sizeof *room, &room));
    om_status status = OM_OK;
    for (int i = 0; status == OM_OK && i < v->n_types; i++) {
        const om_known_type *known = om_known_type_of(v->types[i].name);
        if (known == NULL || (known->polarity == 0 && known->motion < 0)) continue;
        om_type_summary *t = &r->types[r->n_types++];
        *t = (om_type_summary){.type = i,
                               .known = known,
                               .intensity = intensity_of(known->name),
                               .direction = NAN,
                               .best_direction = NAN,
                               .direction_right = NAN};
        status = summarise_flashes(r, room, t);
        if (status == OM_OK) status = summarise_edges(r, room, t);
    }
    om_free(room);
    return status;
}

/* Flash responses averaged over the best models. */
static om_status summarise_mean(om_validate_report *r)
{
    const om_validation *v = r->v;
    double *fri = NULL;
    OM_TRY(om_alloc((size_t)v->n_types, sizeof *fri, &fri));
    for (int t = 0; t < v->n_types; t++)
        for (int i = 0; i < r->n_best; i++)
            fri[t] += fri_of(v, &v->models[r->best[i]], t) / r->n_best;
    r->best_mean_polarity = om_polarity_correlation(v->types, v->n_types, fri, NULL);
    for (int i = 0; i < r->n_types; i++)
        r->best_mean_signs += r->types[i].known->polarity * fri[r->types[i].type] > 0;
    om_free(fri);
    return OM_OK;
}

om_status om_validate_report_make(om_store *store, const om_validation *v, const om_ranked *ranked,
                                  om_validate_report *r)
{
    const size_t models = (size_t)v->n_models;
    *r = (om_validate_report){.info = om_store_describe(store), .v = v, .ranked = ranked};
    om_status status = om_alloc(models, sizeof *r->place, &r->place);
    if (status == OM_OK) status = om_alloc(models, sizeof *r->error, &r->error);
    if (status == OM_OK) status = om_alloc(models, sizeof *r->best, &r->best);
    if (status == OM_OK) status = om_alloc(models, sizeof *r->worst, &r->worst);
    if (status == OM_OK) status = om_alloc((size_t)v->n_types, sizeof *r->types, &r->types);
    if (status == OM_OK) status = choose(r);
    if (status == OM_OK) status = summarise_measures(r);
    if (status == OM_OK) status = summarise_types(r);
    if (status == OM_OK) status = summarise_mean(r);
    if (status != OM_OK) om_validate_report_free(r);
    return status;
}

void om_validate_report_free(om_validate_report *r)
{
    void *all[] = {r->place, r->error, r->best, r->worst, r->types};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) om_free(all[i]);
    *r = (om_validate_report){0};
}
