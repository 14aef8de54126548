/* Running the network kernels over a film, forward and back. Targets (forward) and sources (adjoint)
 * are divided among threads, with barriers at every step; every sum belongs to one of them, so the
 * number of threads changes nothing. */
#include "model/network.h"

#include <omp.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "model/network_tables.h"

struct om_network {
    const om_circuit *circuit;
    om_network_options options;
    om_layout layout;
    om_geometry *geometry;
    om_network_order order;
    int quads, n_external;
    int *external_of;             /* [n_types] its place in `external`, or -1 */
    size_t padded, map, step;     /* numbers in the planes, a compact map, a compact step */
    om_real *plane[2];            /* padded: V, later mu, of this step and the next */
    om_real *penalty[2];          /* padded: mu of the penalty, likewise */
    om_real *activity[2];         /* padded: f(V), where f is not relu */
    om_real *initial;             /* compact [n_types]: the state before the first frame */
    om_real *history;             /* [quads][frames + 1][n_types] compact */
    om_real grey;                 /* luminance that the initial state settled under */
    om_real *stimulus;            /* [quads][frames] compact */
    om_real *fade_in;             /* [fade_in_steps] compact: a quad's stimulus before its film */
    om_real *external;            /* [quads][frames][n_external] compact */
    const om_real **external_map; /* [n_types] of the step at hand */
    om_real *central;             /* [n_types][4] penalty's gradient at the central cells */
    om_real *sum_strength, *sum_resting, *sum_rate, *sum_penalty; /* by lane */
    double *total;                                                /* [n_network] over samples */
    double *total_penalty;                                        /* [n_types] */
    int *forward_bound, *back_bound, *source_bound;               /* [threads + 1] */
};

/* bound[i] = first item of thread i: equal shares of the cost. */
static void divide(int items, int threads, const int *cost, int *bound)
{
    long total = 0, before = 0;
    for (int i = 0; i < items; i++) total += cost[i];
    int thread = 0;
    bound[0] = 0;
    for (int i = 0; i < items; i++) {
        while (thread + 1 < threads && before * threads >= total * (thread + 1))
            bound[++thread] = i;
        before += cost[i];
    }
    while (thread < threads) bound[++thread] = items;
}

static om_status divide_among_threads(om_network *n)
{
    const om_network_tables *t = &n->order.tables;
    int *cost = NULL;
    OM_TRY(om_alloc((size_t)t->n_types, sizeof(int), &cost));
    for (int i = 0; i < t->forward.n; i++) cost[i] = om_group_cost(&t->forward.groups[i]);
    divide(t->forward.n, n->options.threads, cost, n->forward_bound);
    for (int i = 0; i < t->back.n; i++) cost[i] = om_group_cost(&t->back.groups[i]);
    divide(t->back.n, n->options.threads, cost, n->back_bound);
    for (int i = 0; i < t->n_types; i++) cost[i] = om_source_cost(t, i);
    divide(t->n_types, n->options.threads, cost, n->source_bound);
    om_free(cost);
    return OM_OK;
}

/* What follows from circuit, options and geometry. */
static void set_sizes(om_network *n, const om_circuit *circuit, const om_network_options *options,
                      const om_geometry *geometry)
{
    n->circuit = circuit;
    n->options = *options;
    n->layout = om_layout_of(circuit);
    n->quads = (options->batch + OM_QUAD - 1) / OM_QUAD;
    n->n_external = options->gradient_of_all ? circuit->n_types : circuit->n_outputs;
    n->padded = om_padded_reals(geometry, circuit->n_types);
    n->map = om_compact_reals(geometry, 1);
    n->step = om_compact_reals(geometry, (size_t)circuit->n_types);
}

enum { MOST_ARRAYS = 32 };

/* Sums over a batch are by lane in om_real, their totals over batches in double. */
static int list_arrays(om_network *n, om_array list[MOST_ARRAYS])
{
    const size_t types = (size_t)n->circuit->n_types, pairs = (size_t)n->circuit->n_pairs;
    const size_t frames = (size_t)n->options.frames, maps = (size_t)n->quads * frames * n->map;
    const size_t bounds = (size_t)n->options.threads + 1, r = sizeof(om_real);
    const om_array all[] = {
        {&n->external_of, types, sizeof(int)},
        {&n->plane[0], n->padded, r},
        {&n->plane[1], n->padded, r},
        {&n->penalty[0], n->padded, r},
        {&n->penalty[1], n->padded, r},
        {&n->initial, n->step, r},
        {&n->history, (size_t)n->quads * (frames + 1) * n->step, r},
        {&n->stimulus, maps, r},
        {&n->fade_in, (size_t)n->options.fade_in_steps * n->map, r},
        {&n->external, maps * (size_t)n->n_external, r},
        {&n->external_map, types, sizeof(om_real *)},
        {&n->central, types * OM_QUAD, r},
        {&n->sum_strength, pairs * OM_LANES, r},
        {&n->sum_resting, types * OM_LANES, r},
        {&n->sum_rate, types * OM_LANES, r},
        {&n->sum_penalty, types * OM_LANES, r},
        {&n->total_penalty, types, sizeof(double)},
        {&n->total, n->layout.n_network, sizeof(double)},
        {&n->forward_bound, bounds, sizeof(int)},
        {&n->back_bound, bounds, sizeof(int)},
        {&n->source_bound, bounds, sizeof(int)},
        /* not for relu, which is applied wherever a source is loaded */
        {&n->activity[0], n->padded, r},
        {&n->activity[1], n->padded, r},
    };
    const int count = (int)(sizeof all / sizeof all[0]);
    memcpy(list, all, sizeof all);
    return n->options.activation == OM_RELU ? count - 2 : count;
}

size_t om_network_bytes(const om_circuit *circuit, const om_geometry *geometry,
                        const om_network_options *options)
{
    om_network n = {0};
    om_array list[MOST_ARRAYS];
    set_sizes(&n, circuit, options, geometry);
    return om_geometry_bytes(geometry) + om_network_order_bytes(circuit) +
           om_arrays_bytes(list, list_arrays(&n, list));
}

static om_status allocate(om_network *n)
{
    const om_circuit *c = n->circuit;
    om_array list[MOST_ARRAYS];
    OM_TRY(om_alloc_arrays(list, list_arrays(n, list)));
    const bool all = n->options.gradient_of_all;
    for (int t = 0; t < c->n_types; t++) n->external_of[t] = all ? t : -1;
    for (int o = 0; o < c->n_outputs && !all; o++) n->external_of[c->outputs[o]] = o;
    return OM_OK;
}

om_status om_network_create(const om_circuit *circuit, const om_network_options *options,
                            om_network **network)
{
    *network = NULL;
    om_network *n = NULL;
    om_geometry *geometry;
    OM_TRY(om_geometry_create(circuit, &geometry));
    om_status s = om_alloc(1, sizeof *n, &n);
    if (s != OM_OK) {
        om_geometry_free(geometry);
        return s;
    }
    n->geometry = geometry;
    set_sizes(n, circuit, options, geometry);
    s = om_network_order_create(circuit, geometry, options->kernels->targets_per_group, &n->order);
    n->order.tables.activation = options->activation;
    if (s == OM_OK) s = allocate(n);
    if (s == OM_OK) s = divide_among_threads(n);
    if (s == OM_OK) om_network_set_counts(n, NULL);
    if (s != OM_OK) {
        om_network_free(n);
        return s;
    }
    *network = n;
    return OM_OK;
}

void om_network_free(om_network *n)
{
    if (n == NULL) return;
    om_array list[MOST_ARRAYS];
    om_free_arrays(list, list_arrays(n, list));
    om_network_order_free(&n->order);
    om_geometry_free(n->geometry);
    om_free(n);
}

const om_geometry *om_network_geometry(const om_network *n) { return n->geometry; }

void om_network_set_counts(om_network *n, const double *counts)
{
    for (int k = 0; k < n->circuit->n_taps; k++)
        n->order.count[k] = (om_real)(counts != NULL ? counts[k] : n->circuit->taps[k].count);
}

void om_network_set_params(om_network *n, const om_real *params)
{
    om_network_order_set_params(&n->order, params + n->layout.resting_potential,
                                params + n->layout.time_constant, params + n->layout.strength,
                                (om_real)n->options.dt_s);
}

static om_real *stimulus_at(const om_network *n, int quad, int frame)
{
    return n->stimulus + ((size_t)quad * (size_t)n->options.frames + (size_t)frame) * n->map;
}

static om_real *history_at(const om_network *n, int quad, int frame)
{
    size_t steps = (size_t)n->options.frames + 1;
    return n->history + ((size_t)quad * steps + (size_t)(frame + 1)) * n->step;
}

const om_real *om_network_history(const om_network *n, int quad, int frame)
{
    return history_at(n, quad, frame);
}

om_real *om_network_external(om_network *n, int quad, int frame)
{
    return n->external + ((size_t)quad * (size_t)n->options.frames + (size_t)frame) *
                             (size_t)n->n_external * n->map;
}

void om_network_set_luminance(om_network *n, int sample, const om_real *luminance)
{
    const om_geometry *g = n->geometry;
    for (int f = 0; f < n->options.frames; f++, luminance += g->n_columns) {
        om_real *map = stimulus_at(n, sample / OM_QUAD, f) + sample % OM_QUAD;
        for (int c = 0; c < g->n_columns; c++) map[g->compact_cell[c] * OM_QUAD] = luminance[c];
    }
}

void om_network_activity(const om_network *n, int sample, int frame, int type, om_real *out)
{
    const om_geometry *g = n->geometry;
    const om_real *map =
        history_at(n, sample / OM_QUAD, frame) + (size_t)type * n->map + sample % OM_QUAD;
    for (int c = 0; c < g->n_columns; c++) out[c] = map[g->compact_cell[c] * OM_QUAD];
}

/* Map 0 of a plane. */
static om_real *origin(const om_network *n, int which)
{
    return n->plane[which] + n->geometry->margin * OM_QUAD;
}
static om_real *activity_origin(const om_network *n, int which)
{
    return n->activity[which] != NULL ? n->activity[which] + n->geometry->margin * OM_QUAD : NULL;
}

/* Copies compact maps into padded ones, scaled by scale[type] where given. */
static void spread(const om_network *n, const om_real *const *maps, const om_real *scale,
                   om_real *padded)
{
    const om_geometry *g = n->geometry;
    for (int t = 0; t < n->circuit->n_types; t++)
        for (int c = 0; c < g->n_columns; c++)
            for (int s = 0; s < OM_QUAD; s++) {
                om_real x = maps[t] == NULL ? 0 : maps[t][g->compact_cell[c] * OM_QUAD + s];
                padded[((size_t)t * g->plane + (size_t)g->padded_cell[c]) * OM_QUAD + (size_t)s] =
                    scale != NULL ? scale[t] * x : x;
            }
}

/* Points external_map at the maps of n_types consecutive compact maps. */
static void map_all_types(om_network *n, const om_real *maps)
{
    for (int t = 0; t < n->circuit->n_types; t++) n->external_map[t] = maps + (size_t)t * n->map;
}

/* `steps` steps from a compact state; stimulus and history move on by the given strides. */
static void run(om_network *n, int steps, const om_real *state, const om_real *stimulus,
                size_t stimulus_stride, om_real *history, size_t history_stride)
{
    const int parts = n->options.threads;
    if (steps == 0) return;
    map_all_types(n, state);
    spread(n, n->external_map, NULL, origin(n, 0));
    if (n->options.activation != OM_RELU)
        n->options.kernels->activate(&n->order.tables, origin(n, 0), activity_origin(n, 0));
#pragma omp parallel num_threads(parts)
    for (int t = 0; t < steps; t++) {
        int now = t % 2, next = 1 - now;
        om_step step = {.v = origin(n, now),
                        .f = activity_origin(n, now),
                        .v_next = origin(n, next),
                        .f_next = activity_origin(n, next),
                        .history_next = history + (size_t)t * history_stride,
                        .stimulus = stimulus + (size_t)t * stimulus_stride};
        for (int p = omp_get_thread_num(); p < parts; p += omp_get_num_threads())
            n->options.kernels->step(&n->order.tables, n->forward_bound[p], n->forward_bound[p + 1],
                                     &step);
#pragma omp barrier
    }
}

void om_network_settle(om_network *n, int steps, om_real luminance)
{
    const om_geometry *g = n->geometry;
    om_real *grey = stimulus_at(n, 0, 0); /* overwritten by the next film */
    for (size_t i = 0; i < n->map; i++) grey[i] = luminance;
    n->grey = luminance;
    memset(n->initial, 0, n->step * sizeof(om_real));
    for (int t = 0; t < n->circuit->n_types; t++)
        for (int c = 0; c < g->n_columns; c++)
            for (int s = 0; s < OM_QUAD; s++)
                n->initial[(size_t)t * n->map + (size_t)(g->compact_cell[c] * OM_QUAD + s)] =
                    n->order.tables.resting_potential[t] *
                    g->masks[g->mask_of_type[t]][g->padded_cell[c] * OM_QUAD];
    run(n, steps, n->initial, grey, 0, n->initial, 0);
}

/* From grey to the first frame of a quad in equal steps, whose last state becomes frame -1. */
static void fade_in(om_network *n, int quad)
{
    const int steps = n->options.fade_in_steps;
    const om_real *first = stimulus_at(n, quad, 0);
    for (int k = 0; k < steps; k++) {
        om_real share = steps > 1 ? (om_real)k / (om_real)(steps - 1) : 0;
        for (size_t i = 0; i < n->map; i++)
            n->fade_in[(size_t)k * n->map + i] = n->grey + share * (first[i] - n->grey);
    }
    run(n, steps, n->initial, n->fade_in, n->map, history_at(n, quad, -1), 0);
}

void om_network_forward(om_network *n)
{
    for (int q = 0; q < n->quads; q++) {
        memcpy(history_at(n, q, -1), n->initial, n->step * sizeof(om_real));
        fade_in(n, q);
    }
    om_network_continue(n, -1, n->options.frames);
}

void om_network_continue(om_network *n, int last, int frames)
{
    for (int q = 0; q < n->quads; q++) {
        memmove(history_at(n, q, -1), history_at(n, q, last), n->step * sizeof(om_real));
        run(n, frames, history_at(n, q, -1), stimulus_at(n, q, 0), n->map, history_at(n, q, 0),
            n->step);
    }
}

/* ---- adjoint ---- */

static void clear_sums(om_network *n)
{
    size_t types = (size_t)n->circuit->n_types;
    memset(n->sum_strength, 0, (size_t)n->circuit->n_pairs * OM_LANES * sizeof(om_real));
    memset(n->sum_resting, 0, types * OM_LANES * sizeof(om_real));
    memset(n->sum_rate, 0, types * OM_LANES * sizeof(om_real));
    memset(n->sum_penalty, 0, types * OM_LANES * sizeof(om_real));
}

/* Adds the samples of a quad, one after another, each the sum of its four classes of cells. */
static void add_samples(double *total, const om_real *lanes)
{
    for (int s = 0; s < OM_QUAD; s++) {
        double sample = 0;
        for (int i = s; i < OM_LANES; i += OM_QUAD) sample += (double)lanes[i];
        *total += sample;
    }
}

static void add_quad(om_network *n)
{
    const om_circuit *c = n->circuit;
    for (int t = 0; t < c->n_types; t++) {
        add_samples(&n->total[n->layout.resting_potential + (size_t)t],
                    n->sum_resting + t * OM_LANES);
        add_samples(&n->total[n->layout.time_constant + (size_t)t], n->sum_rate + t * OM_LANES);
        add_samples(&n->total_penalty[t], n->sum_penalty + t * OM_LANES);
    }
    for (int p = 0; p < c->n_pairs; p++)
        add_samples(&n->total[n->layout.strength + (size_t)p], n->sum_strength + p * OM_LANES);
}

/* Puts the maps of dLoss/dV after a frame into external_map; the initial state (-1) has none. */
static void map_external(om_network *n, int quad, int frame)
{
    const om_real *maps = frame >= 0 ? om_network_external(n, quad, frame) : NULL;
    for (int t = 0; t < n->circuit->n_types; t++)
        n->external_map[t] = maps != NULL && n->external_of[t] >= 0
                                 ? maps + (size_t)n->external_of[t] * n->map
                                 : NULL;
}

/* One adjoint step from mu(t + 1) in plane (t + 1) % 2 to mu(t) in the other; all threads. */
static void step_back(om_network *n, int quad, int t)
{
    om_adjoint_step step = {.mu = origin(n, (t + 1) % 2),
                            .mu_before = origin(n, t % 2),
                            .v = history_at(n, quad, t - 1),
                            .v_next = history_at(n, quad, t),
                            .external = n->external_map,
                            .d_strength = n->sum_strength,
                            .d_resting = n->sum_resting,
                            .d_rate = n->sum_rate};
    const int parts = n->options.threads;
    for (int p = omp_get_thread_num(); p < parts; p += omp_get_num_threads())
        n->options.kernels->step_adjoint(&n->order.tables, n->source_bound[p],
                                         n->source_bound[p + 1], &step);
}

/* dLoss/dluminance of a frame: mu after it, summed over the input types. */
static void write_luminance_gradient(const om_network *n, int quad, int frame, om_real *out)
{
    const om_geometry *g = n->geometry;
    const om_real *mu = origin(n, (frame + 1) % 2);
    size_t film = (size_t)n->options.frames * (size_t)g->n_columns;
    for (int s = 0; s < OM_QUAD && quad * OM_QUAD + s < n->options.batch; s++)
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
static void write_initial_gradient(const om_network *n, int quad, om_real *out)
{
    const om_geometry *g = n->geometry;
    const int types = n->circuit->n_types;
    for (int s = 0; s < OM_QUAD && quad * OM_QUAD + s < n->options.batch; s++)
        for (int t = 0; t < types; t++)
            for (int c = 0; c < g->n_columns; c++) {
                size_t at = ((size_t)t * g->plane + (size_t)g->padded_cell[c]) * OM_QUAD;
                size_t to = (size_t)((quad * OM_QUAD + s) * types + t) * (size_t)g->n_columns;
                out[to + (size_t)c] = origin(n, 0)[at + (size_t)s] / n->order.tables.rate[t];
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
static double penalty_of_quad(om_network *n, int quad, const om_penalty *penalty)
{
    const int frames = n->options.frames, first = frames / 4, types = n->circuit->n_types;
    const int centre = n->geometry->compact_cell[om_lattice_index(n->geometry->extent, 0, 0)];
    double sum = 0, share = penalty->activity / (n->options.batch * (double)types);
    for (int s = 0; s < OM_QUAD; s++)
        for (int t = 0; t < types; t++) {
            double mean = 0;
            for (int f = first; f < frames; f++)
                mean += (double)history_at(n, quad,
                                           f)[(size_t)t * n->map + (size_t)(centre * OM_QUAD + s)];
            mean /= frames - first;
            double x = penalty->baseline - mean, slope = x > 0 ? 1 : 0.1;
            bool sample = quad * OM_QUAD + s < n->options.batch;
            n->central[t * OM_QUAD + s] =
                sample ? (om_real)(-2 * share * slope * slope * x / (frames - first)) : 0;
            if (sample) sum += share * slope * slope * x * x;
        }
    return sum;
}

/* Map 0 of the penalty's mu(t). */
static om_real *penalty_origin(const om_network *n, int t)
{
    return n->penalty[t % 2] + n->geometry->margin * OM_QUAD;
}

/* As step_back(), for the penalty, just after it: V(t) is still in the caches. */
static void step_penalty_back(om_network *n, int quad, int t)
{
    om_penalty_step step = {.mu = penalty_origin(n, t + 1),
                            .mu_before = penalty_origin(n, t),
                            .v = history_at(n, quad, t - 1),
                            .d_resting = n->sum_penalty};
    const int parts = n->options.threads;
    for (int p = omp_get_thread_num(); p < parts; p += omp_get_num_threads())
        n->options.kernels->step_penalty(&n->order.tables, n->back_bound[p], n->back_bound[p + 1],
                                         &step);
}

/* The penalty's mu(t) += rate * dPenalty/dV(t) at the central cells. V(t) belongs to frame t - 1. */
static void add_central(om_network *n, int t)
{
    om_real *mu = penalty_origin(n, t);
    if (t - 1 < n->options.frames / 4) return;
    for (int i = 0; i < n->circuit->n_types; i++)
        for (int s = 0; s < OM_QUAD; s++)
            mu[central_cell(n, i) + (size_t)s] +=
                n->order.tables.rate[i] * n->central[i * OM_QUAD + s];
}

static void begin_penalty(om_network *n)
{
    const int frames = n->options.frames;
    memset(n->penalty[frames % 2], 0, n->padded * sizeof(om_real));
    add_central(n, frames);
}

/* ---- both ---- */

static void adjoint_of_quad(om_network *n, int q, bool penalised, om_real *d_luminance)
{
    const int frames = n->options.frames;
    clear_sums(n);
    map_external(n, q, frames - 1);
    spread(n, n->external_map, n->order.tables.rate, origin(n, frames % 2));
    if (penalised) begin_penalty(n);
#pragma omp parallel num_threads(n->options.threads)
    for (int t = frames - 1; t >= 0; t--) {
#pragma omp single
        {
            if (d_luminance != NULL) write_luminance_gradient(n, q, t, d_luminance);
            map_external(n, q, t - 1);
        }
        step_back(n, q, t);
        if (penalised) step_penalty_back(n, q, t);
#pragma omp barrier
#pragma omp single
        if (penalised) add_central(n, t);
    }
}

void om_network_adjoint(om_network *n, om_penalty *penalty, om_real *d_params, om_real *d_luminance,
                        om_real *d_initial)
{
    const size_t types = (size_t)n->circuit->n_types;
    memset(n->total, 0, n->layout.n_network * sizeof(double));
    memset(n->total_penalty, 0, types * sizeof(double));
    if (penalty != NULL) penalty->value = 0;
    for (int q = 0; q < n->quads; q++) {
        if (penalty != NULL) penalty->value += penalty_of_quad(n, q, penalty);
        adjoint_of_quad(n, q, penalty != NULL, d_luminance);
        if (d_initial != NULL) write_initial_gradient(n, q, d_initial);
        add_quad(n);
    }
    write_param_gradient(n, d_params);
    for (size_t t = 0; penalty != NULL && t < types; t++)
        penalty->d_resting[t] = (om_real)n->total_penalty[t];
}
