/* Running the network kernels over a film, forward and back. Threads take a quad each where there are
 * as many quads; the threads of one quad share targets (forward) and sources (adjoint), with barriers at
 * every step. Every sum belongs to a quad and a target or source, and quads are added in their order, so
 * the number of threads changes nothing. */
#include "model/network_inside.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

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
    n->share = om_share_of(options->batch, options->exchange);
    n->quads = n->share.quads;
    n->n_sums = n->layout.n_network + (size_t)circuit->n_types + 1;
    n->side_by_side = n->quads >= options->threads ? options->threads : 1;
    n->n_external = options->gradient_of_all ? circuit->n_types : circuit->n_outputs;
    n->padded = om_padded_reals(geometry, circuit->n_types);
    n->map = om_compact_reals(geometry, 1);
    n->step = om_compact_reals(geometry, (size_t)circuit->n_types);
}

enum { MOST_ARRAYS = 16 };

/* Puts the n items of `more` behind the first `count` of a list. */
static int append(om_array list[MOST_ARRAYS], int count, const om_array *more, size_t n)
{
    memcpy(list + count, more, n * sizeof *more);
    return count + (int)n;
}

#define APPEND(list, count, more) append(list, count, more, sizeof(more) / sizeof *(more))

static int list_arrays(om_network *n, om_array list[MOST_ARRAYS])
{
    const size_t types = (size_t)n->circuit->n_types, frames = (size_t)n->options.frames;
    const size_t maps = (size_t)n->quads * frames * n->map, r = sizeof(om_real);
    const size_t bounds = (size_t)n->options.threads + 1;
    const om_array forward[] = {
        {&n->work, (size_t)n->side_by_side, sizeof *n->work},
        {&n->initial, n->step, r},
        {&n->history, (size_t)n->quads * (frames + 1) * n->step, r},
        {&n->stimulus, maps, r},
        {&n->forward_bound, bounds, sizeof(int)},
        {&n->back_bound, bounds, sizeof(int)},
        {&n->source_bound, bounds, sizeof(int)},
    };
    const om_array adjoint[] = {
        {&n->external_of, types, sizeof(int)},
        {&n->external, maps * (size_t)n->n_external, r},
        {&n->sums, (size_t)n->share.all_quads * n->n_sums * OM_QUAD, sizeof(double)},
        {&n->total, n->n_sums, sizeof(double)},
    };
    const int count = APPEND(list, 0, forward);
    return n->options.forward_only ? count : APPEND(list, count, adjoint);
}

/* Sums over a quad are by lane in om_real, their totals over quads in double. */
static int list_work_arrays(const om_network *n, om_workspace *w, om_array list[MOST_ARRAYS])
{
    const size_t types = (size_t)n->circuit->n_types, pairs = (size_t)n->circuit->n_pairs;
    const size_t r = sizeof(om_real);
    const om_array forward[] = {
        {&w->plane[0], n->padded, r},
        {&w->plane[1], n->padded, r},
        {&w->fade_in, (size_t)n->options.fade_in_steps * n->map, r},
        {&w->maps, types, sizeof(om_real *)},
    };
    /* relu is applied wherever a source is loaded */
    const om_array activity[] = {
        {&w->activity[0], n->padded, r},
        {&w->activity[1], n->padded, r},
    };
    const om_array adjoint[] = {
        {&w->penalty[0], n->padded, r},         {&w->penalty[1], n->padded, r},
        {&w->central, types * OM_QUAD, r},      {&w->sum_strength, pairs * OM_LANES, r},
        {&w->sum_resting, types * OM_LANES, r}, {&w->sum_rate, types * OM_LANES, r},
        {&w->sum_penalty, types * OM_LANES, r},
    };
    int count = APPEND(list, 0, forward);
    if (n->options.activation != OM_RELU) count = APPEND(list, count, activity);
    return n->options.forward_only ? count : APPEND(list, count, adjoint);
}

size_t om_network_bytes(const om_circuit *circuit, const om_geometry *geometry,
                        const om_network_options *options)
{
    om_network n = {0};
    om_workspace w;
    om_array list[MOST_ARRAYS];
    set_sizes(&n, circuit, options, geometry);
    const size_t work = om_arrays_bytes(list, list_work_arrays(&n, &w, list));
    return om_geometry_bytes(geometry) + om_network_order_bytes(circuit) +
           om_arrays_bytes(list, list_arrays(&n, list)) + (size_t)n.side_by_side * work;
}

static om_status allocate(om_network *n)
{
    const om_circuit *c = n->circuit;
    om_array list[MOST_ARRAYS];
    OM_TRY(om_alloc_arrays(list, list_arrays(n, list)));
    for (int i = 0; i < n->side_by_side; i++)
        OM_TRY(om_alloc_arrays(list, list_work_arrays(n, &n->work[i], list)));
    if (n->options.forward_only) return OM_OK;
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
    for (int i = 0; n->work != NULL && i < n->side_by_side; i++)
        om_free_arrays(list, list_work_arrays(n, &n->work[i], list));
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

const om_real *om_network_history(const om_network *n, int quad, int frame)
{
    return om_history_at(n, quad, frame);
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
        om_history_at(n, sample / OM_QUAD, frame) + (size_t)type * n->map + sample % OM_QUAD;
    for (int c = 0; c < g->n_columns; c++) out[c] = map[g->compact_cell[c] * OM_QUAD];
}

void om_network_find_extreme(const om_network *n, int samples, om_extreme *extreme)
{
    const om_geometry *g = n->geometry;
    const int centre = g->compact_cell[om_lattice_index(g->extent, 0, 0)] * OM_QUAD;
    for (int s = 0; s < samples; s++)
        for (int f = 0; f < n->options.frames; f++) {
            const om_real *v = om_history_at(n, s / OM_QUAD, f) + centre + s % OM_QUAD;
            for (int t = 0; t < n->circuit->n_types; t++, v += n->map)
                if (fabs((double)*v) > fabs((double)extreme->voltage))
                    *extreme = (om_extreme){*v, t};
        }
}

static void run_side_by_side(om_network *n, int first, om_on_quad *work, const void *task)
{
#pragma omp parallel for schedule(static, 1) num_threads(n->side_by_side)
    for (int i = 0; i < n->side_by_side; i++)
        work(n, &(om_crew){.quad = first + i, .threads = 1, .work = &n->work[i]}, task);
}

void om_network_run_quads(om_network *n, om_on_quad *work, om_on_quad *gather, const void *task)
{
    for (int first = 0, some; first < n->quads; first += some) {
        const om_crew all = {.quad = first, .threads = n->options.threads, .work = n->work};
        some = n->quads - first >= n->side_by_side ? n->side_by_side : 1;
        if (some > 1)
            run_side_by_side(n, first, work, task);
        else
            work(n, &all, task);
        for (int i = 0; gather != NULL && i < some; i++)
            gather(n, &(om_crew){.quad = first + i, .work = &n->work[i]}, task);
    }
}

void om_network_spread(const om_network *n, const om_real *const *maps, const om_real *scale,
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

/* `steps` steps from a compact state; stimulus and history move on by the given strides. */
static void run(om_network *n, const om_crew *c, int steps, const om_real *state,
                const om_real *stimulus, size_t stimulus_stride, om_real *history,
                size_t history_stride)
{
    const om_workspace *w = c->work;
    const om_kernels *k = n->options.kernels;
    const int parts = n->options.threads;
    if (steps == 0) return;
    for (int t = 0; t < n->circuit->n_types; t++) w->maps[t] = state + (size_t)t * n->map;
    om_network_spread(n, w->maps, NULL, om_map_0(n, w->plane[0]));
    if (n->options.activation != OM_RELU)
        k->activate(&n->order.tables, om_map_0(n, w->plane[0]), om_map_0(n, w->activity[0]));
#pragma omp parallel num_threads(c->threads)
    for (int t = 0; t < steps; t++) {
        int now = t % 2, next = 1 - now;
        om_step step = {.v = om_map_0(n, w->plane[now]),
                        .f = om_map_0(n, w->activity[now]),
                        .v_next = om_map_0(n, w->plane[next]),
                        .f_next = om_map_0(n, w->activity[next]),
                        .history_next = history + (size_t)t * history_stride,
                        .stimulus = stimulus + (size_t)t * stimulus_stride};
        for (int p = omp_get_thread_num(); p < parts; p += omp_get_num_threads())
            k->step(&n->order.tables, n->forward_bound[p], n->forward_bound[p + 1], &step);
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
    const om_crew all = {0, n->options.threads, n->work};
    run(n, &all, steps, n->initial, grey, 0, n->initial, 0);
}

/* From grey to the first frame of a quad in equal steps, whose last state becomes frame -1. */
static void fade_in(om_network *n, const om_crew *c)
{
    const int steps = n->options.fade_in_steps;
    const om_real *first = stimulus_at(n, c->quad, 0);
    om_real *film = c->work->fade_in;
    for (int k = 0; k < steps; k++) {
        om_real share = steps > 1 ? (om_real)k / (om_real)(steps - 1) : 0;
        for (size_t i = 0; i < n->map; i++)
            film[(size_t)k * n->map + i] = n->grey + share * (first[i] - n->grey);
    }
    run(n, c, steps, n->initial, film, n->map, om_history_at(n, c->quad, -1), 0);
}

/* Frames that a film goes on with after frame `last`; from the initial state where there is none. */
typedef struct part {
    bool begins;
    int last, frames;
} part;

static void run_part(om_network *n, const om_crew *c, const void *task)
{
    const part *p = task;
    om_real *start = om_history_at(n, c->quad, -1);
    memmove(start, p->begins ? n->initial : om_history_at(n, c->quad, p->last),
            n->step * sizeof(om_real));
    if (p->begins) fade_in(n, c);
    run(n, c, p->frames, start, stimulus_at(n, c->quad, 0), n->map, om_history_at(n, c->quad, 0),
        n->step);
}

void om_network_forward(om_network *n)
{
    const part film = {.begins = true, .frames = n->options.frames};
    om_network_run_quads(n, run_part, NULL, &film);
}

void om_network_continue(om_network *n, int last, int frames)
{
    const part film = {.last = last, .frames = frames};
    om_network_run_quads(n, run_part, NULL, &film);
}
