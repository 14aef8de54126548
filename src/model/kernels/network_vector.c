/* Network kernels on vectors: one Euler step of all cells, and its adjoint.
 *
 * Forward is target-stationary: the inputs of up to three targets are summed in registers over a row of
 * strips, sharing the load of every source that several of them read. The adjoint is source-stationary:
 * per pair the unscaled sum Q of counts times mu over its taps gives both the source's adjoint
 * (times the pair's weight) and the strength's gradient (times the source's activity). Both read
 * padded planes that stay in cache and stream the history past it.
 *
 * Everything exists twice: with relu applied on load, and for the activation functions that take longer,
 * whose values the step keeps in planes of their own and the adjoint computes again from the history.
 * `relu_on_load` is a constant in every caller. */
#include "model/kernels/simd.h"
#include "model/kernels/vector.h"

enum {
    MOST_VECTORS = 8, /* of a row, in registers at once */
    STRIPS = MOST_VECTORS / PER_STRIP > 0 ? MOST_VECTORS / PER_STRIP : 1,
    VECTORS = STRIPS * PER_STRIP,
#if defined(OM_ISA_AVX512)
    TARGETS = OM_MOST_SHARED, /* 32 registers: 3 x 8 accumulators */
#else
    TARGETS = 1, /* 16 registers: 8 accumulators */
#endif
    PREFETCH = 2048 / sizeof(om_real) /* how far ahead the history is fetched */
};

/* Where strip `strip` of a row of a type lies. */
INLINE size_t padded_at(const om_geometry *g, int type, const om_row *row, int strip)
{
    return ((size_t)type * g->plane + (size_t)row->cell) * OM_QUAD + (size_t)strip * OM_LANES;
}
INLINE size_t compact_at(const om_geometry *g, int type, const om_row *row, int strip)
{
    return ((size_t)type * g->compact + (size_t)row->position) * OM_QUAD + (size_t)strip * OM_LANES;
}
INLINE const om_real *mask_at(const om_geometry *g, int type, const om_row *row, int strip)
{
    return g->masks[g->mask_of_type[type]] + padded_at(g, 0, row, strip);
}

/* V += rate (I - V), masked, for one target's row of n vectors. Masking selects: a product with 0 would
 * let a model that diverged leave NaN between the cells for the next one to find. */
INLINE void update(const int n, const om_network_tables *tables, int type, const om_row *row,
                   int strip, const om_step *step, const vec *current)
{
    const om_geometry *g = tables->geometry;
    size_t padded = padded_at(g, type, row, strip), compact = compact_at(g, type, row, strip);
    const om_real *v = step->v + padded, *mask = mask_at(g, type, row, strip);
    const om_real *stimulus = step->stimulus + compact_at(g, 0, row, strip);
    om_real *next = step->v_next + padded, *history = step->history_next + compact;
    vec rate = all(tables->rate[type]);
    int input = tables->is_input[type];
    UNROLL for (int s = 0; s < n; s++)
    {
        vec i = current[s], old = load(v + s * W);
        if (input) i += load(stimulus + s * W);
        vec new = where_positive(load(mask + s * W), fma_(rate, i - old, old));
        store(next + s * W, new);
        stream(history + s * W, new);
    }
}

/* f(V) of some strips of a type's row, from one padded plane into another. */
INLINE void activate(const om_network_tables *tables, int type, const om_row *row, int strip,
                     int strips, const om_real *v, om_real *f)
{
    const om_geometry *g = tables->geometry;
    size_t at = padded_at(g, type, row, strip);
    OM_ACTIVATE_THIS_ISA(tables->activation, strips * OM_LANES, v + at,
                         mask_at(g, type, row, strip), f + at, NULL);
}

/* Adds a group's operations to the sums of its targets: what is read from `origin`, the strips' place in
 * map 0, by its weight. `strips` is a constant in every caller: the accumulators must be registers. */
INLINE void add_operations(const bool relu_on_load, const int strips, const om_groups *groups,
                           const om_group *group, const om_real *origin, vec sum[TARGETS][VECTORS])
{
    const om_real *weight = groups->weight + group->first_weight;
    const int *offset = groups->offset + group->first_operation;
    UNROLL for (int mask = 1; mask < 1 << TARGETS; mask++)
    {
        for (const int *end = offset + group->operations[mask]; offset < end; offset++) {
            const om_real *source = origin + *offset;
            UNROLL for (int s = 0; s < strips * PER_STRIP; s++)
            {
                vec activity = load(source + s * W);
                if (relu_on_load) activity = relu(activity);
                int w = 0;
                UNROLL for (int q = 0; q < TARGETS; q++)
                {
                    if (mask >> q & 1) sum[q][s] = fma_(activity, all(weight[w++]), sum[q][s]);
                }
            }
            weight += __builtin_popcount((unsigned)mask);
        }
    }
}

INLINE void group_strips(const bool relu_on_load, const int strips, const om_network_tables *tables,
                         const om_group *group, const om_row *row, int strip, const om_step *step)
{
    const int n = strips * PER_STRIP;
    vec sum[TARGETS][VECTORS];
    UNROLL for (int q = 0; q < TARGETS; q++)
    {
        vec b = all(q < group->n_targets ? tables->resting_potential[group->targets[q]] : 0);
        UNROLL for (int s = 0; s < n; s++) sum[q][s] = b;
    }
    const om_real *from = relu_on_load ? step->v : step->f;
    add_operations(relu_on_load, strips, &tables->forward, group,
                   from + padded_at(tables->geometry, 0, row, strip), sum);
    UNROLL for (int q = 0; q < TARGETS; q++)
    {
        if (q < group->n_targets) update(n, tables, group->targets[q], row, strip, step, sum[q]);
    }
    for (int q = 0; q < group->n_targets && !relu_on_load; q++)
        activate(tables, group->targets[q], row, strip, strips, step->v_next, step->f_next);
}

/* A row in parts of nearly equal length, each at most `most` strips. */
#define FOR_PARTS_OF_ROW(row, most, strip, count)                                                  \
    for (int strip = 0, parts = ((row)->strips + (most)-1) / (most),                               \
             count = parts > 0 ? ((row)->strips + parts - 1) / parts : 0;                          \
         parts > 0; strip += count, parts--,                                                       \
             count = parts > 0 ? ((row)->strips - strip + parts - 1) / parts : 0)

INLINE void step_row(const bool relu_on_load, const om_network_tables *tables,
                     const om_group *group, const om_row *row, const om_step *step)
{
    FOR_PARTS_OF_ROW(row, STRIPS, strip, count)
    {
        switch (count) {
#define CASE(c)                                                                                    \
    case c:                                                                                        \
        if (c <= STRIPS)                                                                           \
            group_strips(relu_on_load, c <= STRIPS ? c : 1, tables, group, row, strip, step);      \
        break;
            CASE(8)
            CASE(7) CASE(6) CASE(5) CASE(4) CASE(3) CASE(2) CASE(1)
#undef CASE
        }
    }
}

INLINE void step_groups(const bool relu_on_load, const om_network_tables *tables, int first,
                        int end, const om_step *step)
{
    const om_geometry *g = tables->geometry;
    for (int i = first; i < end; i++)
        for (int r = 0; r < g->n_rows; r++)
            step_row(relu_on_load, tables, &tables->forward.groups[i], &g->rows[r], step);
}

APART void step_relu(const om_network_tables *tables, int first, int end, const om_step *step)
{
    step_groups(true, tables, first, end, step);
}

APART void step_other(const om_network_tables *tables, int first, int end, const om_step *step)
{
    step_groups(false, tables, first, end, step);
}

static void network_step(const om_network_tables *tables, int first, int end, const om_step *step)
{
    (tables->activation == OM_RELU ? step_relu : step_other)(tables, first, end, step);
}

static void network_activate(const om_network_tables *tables, const om_real *v, om_real *f)
{
    const om_geometry *g = tables->geometry;
    for (int type = 0; type < tables->n_types; type++)
        for (int r = 0; r < g->n_rows; r++)
            activate(tables, type, &g->rows[r], 0, g->rows[r].strips, v, f);
}

/* ---- adjoint ---- */

/* sum[lane] += a * b over a row, strip after strip: the order is that of 16 lanes at any width. */
INLINE void add_products(const int n, om_real *sum, const vec *a, const vec *b)
{
    vec lane[PER_STRIP];
    UNROLL for (int p = 0; p < PER_STRIP; p++) lane[p] = load(sum + p * W);
    UNROLL for (int s = 0; s < n; s++) lane[s % PER_STRIP] = fma_(a[s], b[s], lane[s % PER_STRIP]);
    UNROLL for (int p = 0; p < PER_STRIP; p++) store(sum + p * W, lane[p]);
}

/* mu(t) = rate (f'(V) sum of w mu + external) + (1 - rate) mu(t + 1), and the type's own gradients. */
INLINE void finish_source(const bool relu_on_load, const int n, const om_network_tables *tables,
                          int type, const om_row *row, int strip, const om_adjoint_step *step,
                          const vec *sum, const vec *activity, const vec *slope)
{
    const om_geometry *g = tables->geometry;
    size_t padded = padded_at(g, type, row, strip), compact = compact_at(g, type, row, strip);
    const om_real *mu_at = step->mu + padded, *mask = mask_at(g, type, row, strip);
    const om_real *external = step->external[type];
    if (external != NULL) external += compact_at(g, 0, row, strip);
    om_real *before = step->mu_before + padded;
    vec mu[VECTORS], rate = all(tables->rate[type]), rest = 1 - rate, ones[VECTORS];
    UNROLL for (int s = 0; s < n; s++)
    {
        mu[s] = load(mu_at + s * W);
        ones[s] = all(1);
        vec from_targets = relu_on_load ? where_positive(activity[s], sum[s]) : sum[s] * slope[s];
        if (external != NULL) from_targets += load(external + s * W);
        vec earlier = fma_(from_targets, rate, rest * mu[s]);
        store(before + s * W, where_positive(load(mask + s * W), earlier));
    }
    add_products(n, step->d_resting + type * OM_LANES, mu, ones);
    vec change[VECTORS];
    UNROLL for (int s = 0; s < n; s++) change[s] =
        load(step->v_next + compact + s * W) - load(step->v + compact + s * W);
    add_products(n, step->d_rate + type * OM_LANES, mu, change);
}

INLINE void source_strips(const bool relu_on_load, const int strips,
                          const om_network_tables *tables, int type, const om_row *row, int strip,
                          const om_adjoint_step *step)
{
    const int n = strips * PER_STRIP;
    const om_geometry *g = tables->geometry;
    const om_real *v = step->v + compact_at(g, type, row, strip);
    const om_real *v_next = step->v_next + compact_at(g, type, row, strip);
    vec sum[VECTORS], activity[VECTORS], slope[VECTORS], q[VECTORS];
    UNROLL for (int s = 0; s < n; s++)
    {
        __builtin_prefetch(v + s * W + PREFETCH);
        __builtin_prefetch(v_next + s * W + PREFETCH);
        sum[s] = (vec){0};
        if (relu_on_load) activity[s] = relu(load(v + s * W));
    }
    if (!relu_on_load)
        OM_ACTIVATE_THIS_ISA(tables->activation, strips * OM_LANES, v, mask_at(g, type, row, strip),
                             (om_real *)activity, (om_real *)slope);
    const om_real *origin = step->mu + padded_at(g, 0, row, strip);
    for (int f = tables->fan_out_first[type]; f < tables->fan_out_first[type + 1]; f++) {
        const om_fan_out *fan = &tables->fan_out[f];
        const int *offset = tables->tap_offset + fan->first_tap;
        const om_real *count = tables->tap_count + fan->first_tap;
        UNROLL for (int s = 0; s < n; s++) q[s] = load(origin + offset[0] + s * W) * count[0];
        for (int k = 1; k < fan->n_taps; k++) {
            const om_real *mu = origin + offset[k];
            vec c = all(count[k]);
            UNROLL for (int s = 0; s < n; s++) q[s] = fma_(load(mu + s * W), c, q[s]);
        }
        vec weight = all(tables->pair_weight[fan->pair]);
        UNROLL for (int s = 0; s < n; s++) sum[s] = fma_(q[s], weight, sum[s]);
        add_products(n, step->d_strength + fan->pair * OM_LANES, activity, q);
    }
    finish_source(relu_on_load, n, tables, type, row, strip, step, sum, activity, slope);
}

INLINE void adjoint_row(const bool relu_on_load, const om_network_tables *tables, int type,
                        const om_row *row, const om_adjoint_step *step)
{
    FOR_PARTS_OF_ROW(row, STRIPS, strip, count)
    {
        switch (count) {
#define CASE(c)                                                                                    \
    case c:                                                                                        \
        if (c <= STRIPS)                                                                           \
            source_strips(relu_on_load, c <= STRIPS ? c : 1, tables, type, row, strip, step);      \
        break;
            CASE(8)
            CASE(7) CASE(6) CASE(5) CASE(4) CASE(3) CASE(2) CASE(1)
#undef CASE
        }
    }
}

INLINE void adjoint_sources(const bool relu_on_load, const om_network_tables *tables, int first,
                            int end, const om_adjoint_step *step)
{
    const om_geometry *g = tables->geometry;
    for (int type = first; type < end; type++)
        for (int r = 0; r < g->n_rows; r++)
            adjoint_row(relu_on_load, tables, type, &g->rows[r], step);
}

APART void adjoint_relu(const om_network_tables *tables, int first, int end,
                        const om_adjoint_step *step)
{
    adjoint_sources(true, tables, first, end, step);
}

APART void adjoint_other(const om_network_tables *tables, int first, int end,
                         const om_adjoint_step *step)
{
    adjoint_sources(false, tables, first, end, step);
}

static void network_step_adjoint(const om_network_tables *tables, int first, int end,
                                 const om_adjoint_step *step)
{
    (tables->activation == OM_RELU ? adjoint_relu : adjoint_other)(tables, first, end, step);
}

/* ---- the penalty's adjoint ---- */

/* f'(V) of a row of n vectors of the sums, in their place. */
INLINE void times_slope(const bool is_relu, const int n, const om_network_tables *tables,
                        const om_real *v, const om_real *mask, vec *sum)
{
    if (is_relu) {
        UNROLL for (int s = 0; s < n; s++) sum[s] = where_positive(load(v + s * W), sum[s]);
        return;
    }
    vec f[VECTORS], slope[VECTORS];
    OM_ACTIVATE_THIS_ISA(tables->activation, n * W, v, mask, (om_real *)f, (om_real *)slope);
    UNROLL for (int s = 0; s < n; s++) sum[s] *= slope[s];
}

/* mu(t) = rate f'(V) sum of w mu + (1 - rate) mu(t + 1) of one source's row, and its resting potential's
 * gradient. */
INLINE void finish_penalty(const bool is_relu, const int n, const om_network_tables *tables,
                           int type, const om_row *row, int strip, const om_penalty_step *step,
                           vec *sum)
{
    const om_geometry *g = tables->geometry;
    const size_t padded = padded_at(g, type, row, strip);
    const om_real *v = step->v + compact_at(g, type, row, strip), *mu_at = step->mu + padded;
    const om_real *mask = mask_at(g, type, row, strip);
    om_real *before = step->mu_before + padded;
    vec mu[VECTORS], ones[VECTORS];
    vec rate = all(tables->rate[type]), rest = 1 - rate;
    times_slope(is_relu, n, tables, v, mask, sum);
    UNROLL for (int s = 0; s < n; s++)
    {
        mu[s] = load(mu_at + s * W);
        ones[s] = all(1);
        vec earlier = fma_(sum[s], rate, rest * mu[s]);
        store(before + s * W, where_positive(load(mask + s * W), earlier));
    }
    add_products(n, step->d_resting + type * OM_LANES, mu, ones);
}

INLINE void penalty_strips(const bool is_relu, const int strips, const om_network_tables *tables,
                           const om_group *group, const om_row *row, int strip,
                           const om_penalty_step *step)
{
    const int n = strips * PER_STRIP;
    const om_geometry *g = tables->geometry;
    vec sum[TARGETS][VECTORS];
    UNROLL for (int q = 0; q < TARGETS; q++)
    {
        UNROLL for (int s = 0; s < n; s++) sum[q][s] = (vec){0};
    }
    for (int q = 0; q < group->n_targets; q++) {
        const om_real *v = step->v + compact_at(g, group->targets[q], row, strip);
        UNROLL for (int s = 0; s < n; s++) __builtin_prefetch(v + s * W + PREFETCH);
    }
    add_operations(false, strips, &tables->back, group, step->mu + padded_at(g, 0, row, strip),
                   sum);
    UNROLL for (int q = 0; q < TARGETS; q++)
    {
        if (q < group->n_targets)
            finish_penalty(is_relu, n, tables, group->targets[q], row, strip, step, sum[q]);
    }
}

INLINE void penalty_row(const bool is_relu, const om_network_tables *tables, const om_group *group,
                        const om_row *row, const om_penalty_step *step)
{
    FOR_PARTS_OF_ROW(row, STRIPS, strip, count)
    {
        switch (count) {
#define CASE(c)                                                                                    \
    case c:                                                                                        \
        if (c <= STRIPS)                                                                           \
            penalty_strips(is_relu, c <= STRIPS ? c : 1, tables, group, row, strip, step);         \
        break;
            CASE(8)
            CASE(7) CASE(6) CASE(5) CASE(4) CASE(3) CASE(2) CASE(1)
#undef CASE
        }
    }
}

#define DEFINE_PENALTY(name, is_relu)                                                              \
    APART void name(const om_network_tables *tables, int first, int end,                           \
                    const om_penalty_step *step)                                                   \
    {                                                                                              \
        const om_geometry *g = tables->geometry;                                                   \
        for (int i = first; i < end; i++)                                                          \
            for (int r = 0; r < g->n_rows; r++)                                                    \
                penalty_row(is_relu, tables, &tables->back.groups[i], &g->rows[r], step);          \
    }
DEFINE_PENALTY(penalty_relu, true)
DEFINE_PENALTY(penalty_other, false)
#undef DEFINE_PENALTY

static void network_step_penalty(const om_network_tables *tables, int first, int end,
                                 const om_penalty_step *step)
{
    (tables->activation == OM_RELU ? penalty_relu : penalty_other)(tables, first, end, step);
}

const om_kernels OM_KERNELS_THIS_ISA = {
    .name = OM_ISA_NAME,
    .targets_per_group = TARGETS,
    .activate = network_activate,
    .step = network_step,
    .step_adjoint = network_step_adjoint,
    .step_penalty = network_step_penalty,
    .conv1 = OM_THIS_ISA(om_conv1),
    .fft = &OM_THIS_ISA(om_fft_kernels),
    .moments = OM_THIS_ISA(om_moments),
    .head = OM_THIS_ISA(om_head),
    .head_adjoint = OM_THIS_ISA(om_head_adjoint),
    .conv1_adjoint = OM_THIS_ISA(om_conv1_adjoint),
};
