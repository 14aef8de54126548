/* The network's adjoint, and the activity penalty's beside it. */
#include <omp.h>
#include <string.h>

#include "model/network_inside.h"

static void clear_sums(const om_network *n, const om_workspace *w)
{
    size_t types = (size_t)n->circuit->n_types;
    memset(w->sum_strength, 0, (size_t)n->circuit->n_pairs * OM_LANES * sizeof(om_real));
    memset(w->sum_resting, 0, types * OM_LANES * sizeof(om_real));
    memset(w->sum_rate, 0, types * OM_LANES * sizeof(om_real));
    memset(w->sum_penalty, 0, types * OM_LANES * sizeof(om_real));
}

/* n sums over each sample of a quad, of which every one has four classes of cells. */
static void sum_samples(double *sums, const om_real *lanes, int n)
{
    for (int k = 0; k < n; k++, sums += OM_QUAD, lanes += OM_LANES)
        for (int s = 0; s < OM_QUAD; s++) {
            sums[s] = 0;
            for (int i = s; i < OM_LANES; i += OM_QUAD) sums[s] += (double)lanes[i];
        }
}

/* Puts a quad's sums where they belong among those of the batch; the penalty's value is the quad's. */
static void keep_quad(om_network *n, const om_crew *crew, const void *task)
{
    (void)task;
    const om_circuit *c = n->circuit;
    const om_layout *l = &n->layout;
    const om_workspace *w = crew->work;
    double *quad = n->sums + (size_t)(n->share.first_quad + crew->quad) * n->n_sums * OM_QUAD;
    double *value = quad + (n->n_sums - 1) * OM_QUAD;
    sum_samples(quad + l->resting_potential * OM_QUAD, w->sum_resting, c->n_types);
    sum_samples(quad + l->time_constant * OM_QUAD, w->sum_rate, c->n_types);
    sum_samples(quad + l->strength * OM_QUAD, w->sum_strength, c->n_pairs);
    sum_samples(quad + l->n_network * OM_QUAD, w->sum_penalty, c->n_types);
    memset(value, 0, OM_QUAD * sizeof *value);
    value[0] = w->penalty_value;
}

/* All samples of the batch, one after another, whoever has computed them. */
static void add_batch(om_network *n)
{
    const double *sums = n->sums;
    om_exchange_gather(n->options.exchange, n->sums, n->share.all_quads,
                       n->n_sums * OM_QUAD * sizeof *n->sums);
    memset(n->total, 0, n->n_sums * sizeof *n->total);
    for (int q = 0; q < n->share.all_quads; q++)
        for (size_t i = 0; i < n->n_sums; i++)
            for (int s = 0; s < OM_QUAD; s++) n->total[i] += *sums++;
}

/* Puts the maps of dLoss/dV after a frame into maps; the initial state (-1) has none. */
static void map_external(om_network *n, const om_crew *c, int frame)
{
    const om_real *maps = frame >= 0 ? om_network_external(n, c->quad, frame) : NULL;
    for (int t = 0; t < n->circuit->n_types; t++)
        c->work->maps[t] = maps != NULL && n->external_of[t] >= 0
                               ? maps + (size_t)n->external_of[t] * n->map
                               : NULL;
}

/* Map 0 of mu(t). */
static om_real *mu_at(const om_network *n, const om_workspace *w, int t)
{
    return om_map_0(n, w->plane[t % 2]);
}

/* One adjoint step from mu(t + 1) to mu(t); all threads of the quad. */
static void step_back(const om_network *n, const om_crew *c, int t)
{
    const om_workspace *w = c->work;
    om_adjoint_step step = {.mu = mu_at(n, w, t + 1),
                            .mu_before = mu_at(n, w, t),
                            .v = om_history_at(n, c->quad, t - 1),
                            .v_next = om_history_at(n, c->quad, t),
                            .external = w->maps,
                            .d_strength = w->sum_strength,
                            .d_resting = w->sum_resting,
                            .d_rate = w->sum_rate};
    const int parts = n->options.threads;
    for (int p = omp_get_thread_num(); p < parts; p += omp_get_num_threads())
        n->options.kernels->step_adjoint(&n->order.tables, n->source_bound[p],
                                         n->source_bound[p + 1], &step);
}

/* dLoss/dluminance of a frame: mu after it, summed over the input types. */
static void write_luminance_gradient(const om_network *n, const om_crew *of, int frame,
                                     om_real *out)
{
    const om_geometry *g = n->geometry;
    const om_real *mu = mu_at(n, of->work, frame + 1);
    const int quad = of->quad;
    size_t film = (size_t)n->options.frames * (size_t)g->n_columns;
    for (int s = 0; s < OM_QUAD && quad * OM_QUAD + s < n->share.samples; s++)
        for (int c = 0; c < g->n_columns; c++) {
            om_real sum = 0;
            for (int i = 0; i < n->circuit->n_inputs; i++)
                sum += mu[((size_t)n->circuit->inputs[i] * g->plane + (size_t)g->padded_cell[c]) *
                              OM_QUAD +
                          (size_t)s];
            out[(size_t)(quad * OM_QUAD + s) * film + (size_t)(frame * g->n_columns + c)] = sum;
        }
}

/* dLoss/dV(0) = mu(0) / rate. */
static void write_initial_gradient(const om_network *n, const om_crew *of, om_real *out)
{
    const om_geometry *g = n->geometry;
    const om_real *mu = mu_at(n, of->work, 0);
    const int types = n->circuit->n_types, quad = of->quad;
    for (int s = 0; s < OM_QUAD && quad * OM_QUAD + s < n->share.samples; s++)
        for (int t = 0; t < types; t++)
            for (int c = 0; c < g->n_columns; c++) {
                size_t at = ((size_t)t * g->plane + (size_t)g->padded_cell[c]) * OM_QUAD;
                size_t to = (size_t)((quad * OM_QUAD + s) * types + t) * (size_t)g->n_columns;
                out[to + (size_t)c] = mu[at + (size_t)s] / n->order.tables.rate[t];
            }
}

/* d_params from the sums over all samples: time constants through the rate dt / tau, which does not
 * depend on tau below dt; strengths with their pair's sign. */
static void write_param_gradient(const om_network *n, om_real *d_params)
{
    const om_layout *l = &n->layout;
    for (size_t t = 0; t < (size_t)l->n_types; t++) {
        d_params[l->resting_potential + t] = (om_real)n->total[l->resting_potential + t];
        bool free_rate = n->order.tables.rate[t] < 1;
        d_params[l->time_constant + t] =
            free_rate ? (om_real)(-n->total[l->time_constant + t] / n->options.dt_s) : 0;
    }
    for (size_t p = 0; p < (size_t)l->n_pairs; p++)
        d_params[l->strength + p] = (om_real)(n->order.pair_sign[p] * n->total[l->strength + p]);
}

/* ---- penalty ---- */

/* The central cell of a type in a padded plane; every type has one, as strides contain the origin. */
static size_t central_cell(const om_network *n, int type)
{
    const om_geometry *g = n->geometry;
    int centre = om_lattice_index(g->extent, 0, 0);
    return ((size_t)type * g->plane + (size_t)g->padded_cell[centre]) * OM_QUAD;
}

/* The penalty of a quad; its gradient at the central cells, the same for every frame, into central. */
static double penalty_of_quad(const om_network *n, const om_crew *of, const om_penalty *penalty)
{
    const int quad = of->quad;
    const int frames = n->options.frames, first = frames / 4, types = n->circuit->n_types;
    const int centre = n->geometry->compact_cell[om_lattice_index(n->geometry->extent, 0, 0)];
    double sum = 0, share = penalty->activity / (n->options.batch * (double)types);
    for (int s = 0; s < OM_QUAD; s++)
        for (int t = 0; t < types; t++) {
            double mean = 0;
            for (int f = first; f < frames; f++)
                mean += (double)om_history_at(
                    n, quad, f)[(size_t)t * n->map + (size_t)(centre * OM_QUAD + s)];
            mean /= frames - first;
            double x = penalty->baseline - mean, slope = x > 0 ? 1 : 0.1;
            bool sample = quad * OM_QUAD + s < n->share.samples;
            of->work->central[t * OM_QUAD + s] =
                sample ? (om_real)(-2 * share * slope * slope * x / (frames - first)) : 0;
            if (sample) sum += share * slope * slope * x * x;
        }
    return sum;
}

/* Map 0 of the penalty's mu(t). */
static om_real *penalty_at(const om_network *n, const om_workspace *w, int t)
{
    return om_map_0(n, w->penalty[t % 2]);
}

/* As step_back(), for the penalty, just after it: V(t) is still in the caches. */
static void step_penalty_back(const om_network *n, const om_crew *c, int t)
{
    om_penalty_step step = {.mu = penalty_at(n, c->work, t + 1),
                            .mu_before = penalty_at(n, c->work, t),
                            .v = om_history_at(n, c->quad, t - 1),
                            .d_resting = c->work->sum_penalty};
    const int parts = n->options.threads;
    for (int p = omp_get_thread_num(); p < parts; p += omp_get_num_threads())
        n->options.kernels->step_penalty(&n->order.tables, n->back_bound[p], n->back_bound[p + 1],
                                         &step);
}

/* The penalty's mu(t) += rate * dPenalty/dV(t) at the central cells. V(t) belongs to frame t - 1. */
static void add_central(const om_network *n, const om_workspace *w, int t)
{
    om_real *mu = penalty_at(n, w, t);
    if (t - 1 < n->options.frames / 4) return;
    for (int i = 0; i < n->circuit->n_types; i++)
        for (int s = 0; s < OM_QUAD; s++)
            mu[central_cell(n, i) + (size_t)s] +=
                n->order.tables.rate[i] * w->central[i * OM_QUAD + s];
}

static void begin_penalty(const om_network *n, const om_crew *c, const om_penalty *penalty)
{
    const int frames = n->options.frames;
    c->work->penalty_value = penalty_of_quad(n, c, penalty);
    memset(c->work->penalty[frames % 2], 0, n->padded * sizeof(om_real));
    add_central(n, c->work, frames);
}

/* ---- both ---- */

/* What is wanted; each but the parameters' gradient may be NULL. */
typedef struct wanted {
    om_penalty *penalty;
    om_real *d_luminance, *d_initial;
} wanted;

static void adjoint_of_quad(om_network *n, const om_crew *c, const void *task)
{
    const wanted *want = task;
    const om_workspace *w = c->work;
    const int frames = n->options.frames;
    clear_sums(n, w);
    map_external(n, c, frames - 1);
    om_network_spread(n, w->maps, n->order.tables.rate, mu_at(n, w, frames));
    if (want->penalty != NULL) begin_penalty(n, c, want->penalty);
#pragma omp parallel num_threads(c->threads)
    for (int t = frames - 1; t >= 0; t--) {
#pragma omp single
        {
            if (want->d_luminance != NULL) write_luminance_gradient(n, c, t, want->d_luminance);
            map_external(n, c, t - 1);
        }
        step_back(n, c, t);
        if (want->penalty != NULL) step_penalty_back(n, c, t);
#pragma omp barrier
#pragma omp single
        if (want->penalty != NULL) add_central(n, w, t);
    }
    if (want->d_initial != NULL) write_initial_gradient(n, c, want->d_initial);
}

void om_network_adjoint(om_network *n, om_penalty *penalty, om_real *d_params, om_real *d_luminance,
                        om_real *d_initial)
{
    const size_t types = (size_t)n->circuit->n_types;
    const wanted want = {penalty, d_luminance, d_initial};
    om_network_run_quads(n, adjoint_of_quad, keep_quad, &want);
    add_batch(n);
    write_param_gradient(n, d_params);
    if (penalty == NULL) return;
    for (size_t t = 0; t < types; t++)
        penalty->d_resting[t] = (om_real)n->total[n->layout.n_network + t];
    penalty->value = n->total[n->n_sums - 1];
}
