/* Ranking models by their error on the validation scenes. A place means something only beside its spread:
 * the standard error over scenes, and how often a model keeps its place when the scenes are drawn
 * again. */
#include "ensemble/ranking.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_statistics_float.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_random.h"

enum { REPLICATES = 1000 };

/* What is read of a store to rank it. */
typedef struct entries {
    const om_store_info *info;
    om_loss by;          /* the measure that decides places */
    om_model_row *rows;  /* [n_models] */
    om_ranked *ranked;   /* [n_models], by model until sorted */
    float *l2norm, *epe; /* [n_checks] of the model at hand */
    float *scene_epe;    /* [n_models][n_scenes] */
} entries;

static const entries *comparing; /* qsort has no room for it */

static double measure(om_loss by, const om_ranked *r)
{
    return by == OM_LOSS_EPE ? r->epe : r->l2norm;
}

/* Models that a race stopped come after the others, the sooner it did the later. */
static int compare_reach(const om_ranked *x, const om_ranked *y)
{
    const bool x_stopped = x->status == OM_MODEL_STOPPED, y_stopped = y->status == OM_MODEL_STOPPED;
    if (x_stopped != y_stopped) return x_stopped ? 1 : -1;
    if (!x_stopped || x->iteration == y->iteration) return 0;
    return x->iteration > y->iteration ? -1 : 1;
}

/* Ranked ones first, by error; equal ones and the unranked by number. */
static int compare_ranked(const void *a, const void *b)
{
    const om_ranked *x = a, *y = b;
    bool x_ranked = x->place > 0, y_ranked = y->place > 0;
    if (x_ranked != y_ranked) return x_ranked ? -1 : 1;
    const int reach = x_ranked ? compare_reach(x, y) : 0;
    if (reach != 0) return reach;
    double d = x_ranked ? measure(comparing->by, x) - measure(comparing->by, y) : 0;
    if (d < 0 || d > 0) return d < 0 ? -1 : 1;
    return x->model < y->model ? -1 : x->model > y->model;
}

/* The check with the lowest selection measure, or -1. */
static int best_check(const om_store_info *info, const entries *e)
{
    const float *by = info->selection == OM_LOSS_EPE ? e->epe : e->l2norm;
    int best = -1;
    for (int i = 0; i < info->layout.n_checks; i++)
        if (isfinite(by[i]) && (best < 0 || by[i] < by[best])) best = i;
    return best;
}

/* One model: its best check and the spread over scenes. Diverged models have no place. */
static om_status read_model(om_store *store, entries *e, int model)
{
    const om_store_info *info = e->info;
    om_ranked *r = &e->ranked[model];
    float *scenes = e->scene_epe + (size_t)model * (size_t)info->layout.n_scenes;
    *r = (om_ranked){.model = model,
                     .status = e->rows[model].status,
                     .stream = e->rows[model].stream,
                     .retries = e->rows[model].retries,
                     .replaced_at = e->rows[model].replaced_at,
                     .iteration = e->rows[model].iteration,
                     .epe = NAN,
                     .l2norm = NAN,
                     .spread = NAN,
                     .stability = NAN};
    OM_TRY(om_store_read_history(store, model, NULL, NULL, e->l2norm, e->epe));
    OM_TRY(om_store_read_scene_epe(store, model, scenes));
    int best = info->imported_from != NULL ? 0 : best_check(info, e);
    if (best < 0) return OM_OK;
    r->epe = (double)e->epe[best];
    r->l2norm = (double)e->l2norm[best];
    r->best_iteration = info->imported_from != NULL ? r->iteration : info->check_iteration[best];
    if (r->status != OM_MODEL_DIVERGED && r->status != OM_MODEL_FAILED &&
        isfinite(measure(e->by, r)))
        r->place = 1;
    size_t n = (size_t)info->layout.n_scenes;
    if (n > 1) r->spread = gsl_stats_float_sd(scenes, 1, n) / sqrt((double)n);
    return OM_OK;
}

typedef struct contender {
    double error;
    int index; /* in the ranking */
} contender;

static int compare_contenders(const void *a, const void *b)
{
    const contender *x = a, *y = b;
    const int reach = compare_reach(&comparing->ranked[x->index], &comparing->ranked[y->index]);
    if (reach != 0) return reach;
    if (x->error < y->error || x->error > y->error) return x->error < y->error ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Places of the first n of a ranking when scene i counts weight[i] times. */
static void places(const entries *e, int n, const int *weight, contender *all, int *place)
{
    const int scenes = e->info->layout.n_scenes;
    for (int i = 0; i < n; i++) {
        const float *epe = e->scene_epe + (size_t)e->ranked[i].model * (size_t)scenes;
        all[i] = (contender){0, i};
        for (int s = 0; s < scenes; s++) all[i].error += weight[s] * (double)epe[s];
    }
    qsort(all, (size_t)n, sizeof *all, compare_contenders);
    for (int i = 0; i < n; i++) place[all[i].index] = i;
}

/* Share of bootstraps over scenes in which a model keeps its place within one. */
static om_status add_stability(entries *e, int n)
{
    const int scenes = e->info->layout.n_scenes;
    contender *all = NULL;
    int *original = NULL, *place = NULL, *weight = NULL;
    om_status status = om_alloc((size_t)n, sizeof *all, &all);
    if (status == OM_OK) status = om_alloc((size_t)n, sizeof(int), &original);
    if (status == OM_OK) status = om_alloc((size_t)n, sizeof(int), &place);
    if (status == OM_OK) status = om_alloc((size_t)scenes, sizeof(int), &weight);
    if (status != OM_OK) goto done;
    for (int s = 0; s < scenes; s++) weight[s] = 1;
    places(e, n, weight, all, original);
    for (int i = 0; i < n; i++) e->ranked[i].stability = 0;
    for (uint32_t r = 0; r < REPLICATES; r++) {
        om_stream stream = {e->info->seed, 0, OM_FOR_BOOTSTRAP, r, 0};
        for (int s = 0; s < scenes; s++) weight[s] = 0;
        for (int s = 0; s < scenes; s++)
            weight[om_random_below(&stream, (uint32_t)s, (uint32_t)scenes)]++;
        places(e, n, weight, all, place);
        for (int i = 0; i < n; i++)
            if (abs(place[i] - original[i]) <= 1) e->ranked[i].stability++;
    }
    for (int i = 0; i < n; i++) e->ranked[i].stability /= REPLICATES;
done:
    om_free(all);
    om_free(original);
    om_free(place);
    om_free(weight);
    return status;
}

om_status om_ensemble_rank(om_store *store, om_loss by, om_ranked *ranked)
{
    entries e = {.info = om_store_describe(store), .by = by, .ranked = ranked};
    size_t models = (size_t)e.info->n_models, checks = (size_t)e.info->layout.n_checks;
    om_status status = om_alloc(models, sizeof *e.rows, &e.rows);
    if (status == OM_OK) status = om_alloc(checks, sizeof(float), &e.l2norm);
    if (status == OM_OK) status = om_alloc(checks, sizeof(float), &e.epe);
    if (status == OM_OK)
        status = om_alloc(models * (size_t)e.info->layout.n_scenes, sizeof(float), &e.scene_epe);
    if (status == OM_OK) status = om_store_read_rows(store, e.rows);
    for (int m = 0; status == OM_OK && m < e.info->n_models; m++) status = read_model(store, &e, m);
    if (status == OM_OK) {
        comparing = &e;
        qsort(ranked, models, sizeof *ranked, compare_ranked);
        int n = 0;
        for (; n < e.info->n_models && ranked[n].place > 0; n++) ranked[n].place = n + 1;
        if (n > 0 && e.info->layout.n_scenes > 0) status = add_stability(&e, n);
    }
    om_free(e.rows);
    om_free(e.l2norm);
    om_free(e.epe);
    om_free(e.scene_epe);
    return status;
}

om_status om_ranking_store(om_store *store)
{
    const om_store_info *info = om_store_describe(store);
    size_t n = (size_t)info->n_models;
    om_ranked *ranked = NULL;
    int32_t *place = NULL;
    double *error = NULL, *spread = NULL, *stability = NULL;
    om_status status = om_alloc(n, sizeof *ranked, &ranked);
    if (status == OM_OK) status = om_alloc(n, sizeof *place, &place);
    if (status == OM_OK) status = om_alloc(n, sizeof *error, &error);
    if (status == OM_OK) status = om_alloc(n, sizeof *spread, &spread);
    if (status == OM_OK) status = om_alloc(n, sizeof *stability, &stability);
    if (status == OM_OK) status = om_ensemble_rank(store, info->selection, ranked);
    for (size_t i = 0; status == OM_OK && i < n; i++) {
        const om_ranked *r = &ranked[i];
        place[r->model] = r->place - 1;
        error[r->model] = r->place > 0 ? measure(info->selection, r) : NAN;
        spread[r->model] = r->spread;
        stability[r->model] = r->stability;
    }
    if (status == OM_OK) status = om_store_write_ranking(store, place, error, spread, stability);
    om_free(ranked);
    om_free(place);
    om_free(error);
    om_free(spread);
    om_free(stability);
    return status;
}
