/* The kernels in plain C: what each computes, lane by lane. This is the specification; the vector
 * kernels must agree with it. */
#include <math.h>
#include <string.h>

#include "model/kernels/fft.h"

static om_real positive(om_real x) { return x < 0 ? 0 : x; } /* NaN stays NaN */
static om_real softplus(om_real z)
{
    return z > 20 ? z : (om_real)(positive(z) + log1p(exp(-fabs(z))));
}
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* ---- network ---- */

/* f(V); relu is not among the functions that have planes. */
static om_real activated(om_activation activation, om_real v)
{
    switch (activation) {
    case OM_LEAKY_RELU: return v > 0 ? v : (om_real)0.01 * v;
    case OM_ELU: return v > 0 ? v : (om_real)expm1(v);
    case OM_SOFTPLUS: return softplus(v);
    case OM_TANH: return (om_real)tanh(v);
    case OM_SIGMOID: return (om_real)sigmoid(v);
    default: return positive(v);
    }
}

/* f'(V), at a kink the left one. */
static om_real slope(om_activation activation, om_real v)
{
    switch (activation) {
    case OM_LEAKY_RELU: return v > 0 ? 1 : (om_real)0.01;
    case OM_ELU: return v > 0 ? 1 : (om_real)exp(v);
    case OM_SOFTPLUS: return v > 20 ? 1 : (om_real)sigmoid(v);
    case OM_TANH: return (om_real)(1 / (cosh(v) * cosh(v)));
    case OM_SIGMOID: return (om_real)(sigmoid(v) * sigmoid(-v));
    default: return v > 0 ? 1 : 0;
    }
}

static void activate(const om_network_tables *t, const om_real *v, om_real *f)
{
    const om_geometry *g = t->geometry;
    for (int type = 0; type < t->n_types; type++)
        for (size_t i = 0; i < g->plane * OM_QUAD; i++) {
            bool exists = g->masks[g->mask_of_type[type]][i] > 0;
            size_t own = (size_t)type * g->plane * OM_QUAD + i;
            f[own] = exists ? activated(t->activation, v[own]) : 0;
        }
}

static void step(const om_network_tables *t, int first, int end, const om_step *s)
{
    const om_geometry *g = t->geometry;
    for (int i = first; i < end; i++) {
        const om_group *group = &t->forward.groups[i];
        int type = group->targets[0];
        const om_real *mask = g->masks[g->mask_of_type[type]];
        for (int r = 0; r < g->n_rows; r++)
            for (int lane = 0; lane < g->rows[r].strips * OM_LANES; lane++) {
                size_t cell = (size_t)g->rows[r].cell * OM_QUAD + (size_t)lane;
                size_t compact = (size_t)g->rows[r].position * OM_QUAD + (size_t)lane;
                om_real input = t->resting_potential[type];
                for (int k = 0; k < group->operations[1]; k++) {
                    ptrdiff_t source =
                        (ptrdiff_t)cell + t->forward.offset[group->first_operation + k];
                    om_real f = s->f != NULL ? s->f[source] : positive(s->v[source]);
                    input += t->forward.weight[group->first_weight + k] * f;
                }
                if (t->is_input[type]) input += s->stimulus[compact];
                size_t own = (size_t)type * g->plane * OM_QUAD + cell;
                om_real v = s->v[own];
                v = mask[cell] > 0 ? v + t->rate[type] * (input - v) : 0;
                s->v_next[own] = v;
                if (s->f_next != NULL)
                    s->f_next[own] = mask[cell] > 0 ? activated(t->activation, v) : 0;
                s->history_next[(size_t)type * g->compact * OM_QUAD + compact] = v;
            }
    }
}

static void source_adjoint(const om_network_tables *t, int type, size_t cell, size_t compact,
                           int lane, const om_adjoint_step *s)
{
    const om_geometry *g = t->geometry;
    size_t own = (size_t)type * g->plane * OM_QUAD + cell;
    size_t kept = (size_t)type * g->compact * OM_QUAD + compact;
    bool exists = g->masks[g->mask_of_type[type]][cell] > 0;
    om_real sum = 0, v = s->v[kept], mu = s->mu[own];
    om_real activity = exists ? activated(t->activation, v) : 0;
    for (int f = t->fan_out_first[type]; f < t->fan_out_first[type + 1]; f++) {
        const om_fan_out *fan = &t->fan_out[f];
        om_real q = 0; /* sum of counts times the targets' mu */
        for (int k = fan->first_tap; k < fan->first_tap + fan->n_taps; k++)
            q += t->tap_count[k] * s->mu[(ptrdiff_t)cell + t->tap_offset[k]];
        sum += t->pair_weight[fan->pair] * q;
        s->d_strength[fan->pair * OM_LANES + lane] += activity * q;
    }
    om_real from_outside = s->external[type] != NULL ? s->external[type][compact] : 0;
    om_real d_v = slope(t->activation, v) * sum + from_outside, rate = t->rate[type];
    s->mu_before[own] = exists ? rate * d_v + (1 - rate) * mu : 0;
    s->d_resting[type * OM_LANES + lane] += mu;
    s->d_rate[type * OM_LANES + lane] += mu * (s->v_next[kept] - v);
}

static void step_adjoint(const om_network_tables *t, int first, int end, const om_adjoint_step *s)
{
    const om_geometry *g = t->geometry;
    for (int type = first; type < end; type++)
        for (int r = 0; r < g->n_rows; r++)
            for (int i = 0; i < g->rows[r].strips * OM_LANES; i++)
                source_adjoint(t, type, (size_t)g->rows[r].cell * OM_QUAD + (size_t)i,
                               (size_t)g->rows[r].position * OM_QUAD + (size_t)i, i % OM_LANES, s);
}

static void step_penalty(const om_network_tables *t, int first, int end, const om_penalty_step *s)
{
    const om_geometry *g = t->geometry;
    for (int i = first; i < end; i++) {
        const om_group *group = &t->back.groups[i];
        const int type = group->targets[0];
        const om_real *mask = g->masks[g->mask_of_type[type]], rate = t->rate[type];
        for (int r = 0; r < g->n_rows; r++)
            for (int lane = 0; lane < g->rows[r].strips * OM_LANES; lane++) {
                size_t cell = (size_t)g->rows[r].cell * OM_QUAD + (size_t)lane;
                size_t own = (size_t)type * g->plane * OM_QUAD + cell;
                size_t kept = ((size_t)type * g->compact + (size_t)g->rows[r].position) * OM_QUAD;
                om_real sum = 0, mu = s->mu[own];
                for (int k = 0; k < group->operations[1]; k++)
                    sum += t->back.weight[group->first_weight + k] *
                           s->mu[(ptrdiff_t)cell + t->back.offset[group->first_operation + k]];
                om_real d_v = slope(t->activation, s->v[kept + (size_t)lane]) * sum;
                s->mu_before[own] = mask[cell] > 0 ? rate * d_v + (1 - rate) * mu : 0;
                s->d_resting[type * OM_LANES + lane % OM_LANES] += mu;
            }
    }
}

/* ---- decoder ---- */

static size_t place(const om_decoder_tables *t, int channel, int row, int column, int lane)
{
    return (((size_t)channel * (size_t)t->side + (size_t)row) * (size_t)t->side + (size_t)column) *
               OM_LANES +
           (size_t)lane;
}
static size_t padded(const om_decoder_tables *t, int channel, int row, int column, int lane)
{
    size_t side = (size_t)t->padded_side;
    return (((size_t)channel * side + (size_t)row + 2) * side + (size_t)column + 2) * OM_LANES +
           (size_t)lane;
}
static bool computed(const om_decoder_tables *t, int row, int column)
{
    return column >= t->first_cell[row] && column < t->end_cell[row];
}
static bool in_hexagon(const om_decoder_tables *t, int row, int column)
{
    return column >= t->row_first[row] && column < t->row_end[row];
}

/* Runs its body for every cell of an array and every lane. */
#define FOR_CELLS(t, r, c, l)                                                                      \
    for (int r = 0; r < (t)->side; r++)                                                            \
        for (int c = 0; c < (t)->side; c++)                                                        \
            for (int l = 0; l < OM_LANES; l++)

static void conv1(const om_decoder_tables *t, const om_block *b)
{
    for (int o = 0; o < OM_HIDDEN; o++) FOR_CELLS(t, r, c, l)
        {
            if (!computed(t, r, c)) continue;
            om_real y = t->conv1_bias[o];
            for (int i = 0; i < t->n_outputs * OM_KERNEL_TAPS; i++)
                y += t->conv1[i * OM_HIDDEN + o] *
                     b->input[(ptrdiff_t)padded(t, 0, r, c, l) + t->conv1_offset[i]];
            b->conv1[place(t, o, r, c, l)] = y;
        }
}

static void moments(const om_decoder_tables *t, const om_block *b, om_block_sums *sums)
{
    const om_real cells = (om_real)(t->side * t->side);
    for (int o = 0; o < OM_HIDDEN; o++) {
        const om_real *y = b->conv1 + place(t, o, 0, 0, 0);
        memset(sums->mean[o], 0, sizeof sums->mean[o]);
        memset(sums->square[o], 0, sizeof sums->square[o]);
        FOR_CELLS(t, r, c, l)
        {
            if (!computed(t, r, c)) continue; /* the bias, of which it is about */
            sums->mean[o][l] += (y[place(t, 0, r, c, l)] - t->conv1_bias[o]) / cells;
        }
        FOR_CELLS(t, r, c, l)
        {
            om_real d = computed(t, r, c) ? y[place(t, 0, r, c, l)] - t->conv1_bias[o] : 0;
            d -= sums->mean[o][l];
            sums->square[o][l] += d * d;
        }
    }
}

/* Flow of one cell and lane, with 1 / (softplus(channel 2) + 1). */
static void flow_at(const om_decoder_tables *t, const om_block *b, int r, int c, int l,
                    om_real flow[2], om_real *factor)
{
    *factor = 1 / (softplus(b->head[place(t, 2, r, c, l)]) + 1);
    for (int k = 0; k < 2; k++) flow[k] = b->head[place(t, k, r, c, l)] * *factor;
}

static void head(const om_decoder_tables *t, const om_norm *n, const om_block *b,
                 om_block_sums *sums)
{
    for (int o = 0; o < OM_HIDDEN; o++) FOR_CELLS(t, r, c, l)
        {
            om_real y = computed(t, r, c) ? b->conv1[place(t, o, r, c, l)] : t->conv1_bias[o];
            bool keep = b->keep == NULL || (b->keep[(o * t->side + r) * t->side + c] >> l & 1);
            b->hidden[padded(t, o, r, c, l)] =
                keep ? softplus(n->scale[o] * y + n->shift[o]) * n->keep_scale : 0;
        }
    memset(sums->error_square, 0, sizeof sums->error_square);
    memset(sums->error_length, 0, sizeof sums->error_length);
    FOR_CELLS(t, r, c, l)
    {
        if (!in_hexagon(t, r, c)) continue;
        for (int q = 0; q < OM_HEAD; q++) {
            om_real y = t->conv2_bias[q];
            for (int i = 0; i < OM_HIDDEN * OM_KERNEL_TAPS; i++)
                y += t->conv2[i * OM_HEAD + q] *
                     b->hidden[(ptrdiff_t)padded(t, 0, r, c, l) + t->conv2_offset[i]];
            b->head[place(t, q, r, c, l)] = y;
        }
        om_real flow[2], factor, square = 0;
        flow_at(t, b, r, c, l, flow, &factor);
        for (int k = 0; k < 2; k++) {
            om_real e = flow[k] - b->target[place(t, k, r, c, l)];
            square += e * e;
        }
        sums->error_square[l] += square;
        sums->error_length[l] += (om_real)sqrt(square);
    }
}

/* dLoss/d(conv2's output) of one cell and lane. */
static void loss_adjoint(const om_decoder_tables *t, const om_loss_weight *weight,
                         const om_block *b, int r, int c, int l, om_real d[OM_HEAD])
{
    om_real flow[2], factor, e[2], square = 0;
    flow_at(t, b, r, c, l, flow, &factor);
    for (int k = 0; k < 2; k++) {
        e[k] = flow[k] - b->target[place(t, k, r, c, l)];
        square += e[k] * e[k];
    }
    om_real length = (om_real)sqrt(square), w = weight->per_sample[l];
    if (length > 0) w += weight->per_length / length;
    w *= b->lane[l];
    for (int k = 0; k < 2; k++) d[k] = e[k] * w * factor;
    om_real sigmoid = (om_real)(1 / (1 + exp(-b->head[place(t, 2, r, c, l)])));
    d[2] = -(d[0] * flow[0] + d[1] * flow[1]) * sigmoid;
}

static void conv2_adjoint(const om_decoder_tables *t, const om_block *b)
{
    memset(b->d_conv2_weight, 0, sizeof(om_real) * OM_HEAD * OM_KERNEL_TAPS * OM_HIDDEN * OM_LANES);
    for (int o = 0; o < OM_HIDDEN; o++) FOR_CELLS(t, r, c, l)
        {
            om_real d = 0, h = b->hidden[padded(t, o, r, c, l)];
            for (int i = 0; i < OM_HEAD * OM_KERNEL_TAPS; i++) {
                om_real g = b->d_head[(ptrdiff_t)padded(t, 0, r, c, l) + t->conv2_back_offset[i]];
                d += t->conv2_back[i * OM_HIDDEN + o] * g;
                b->d_conv2_weight[(i * OM_HIDDEN + o) * OM_LANES + l] += h * g;
            }
            b->d_hidden[place(t, o, r, c, l)] = d;
        }
}

static void head_adjoint(const om_decoder_tables *t, const om_norm *n, const om_loss_weight *weight,
                         const om_block *b, om_block_sums *sums)
{
    memset(sums->d_head_bias, 0, sizeof sums->d_head_bias);
    memset(sums->d_z, 0, sizeof sums->d_z);
    memset(sums->d_z_y_hat, 0, sizeof sums->d_z_y_hat);
    FOR_CELLS(t, r, c, l)
    {
        om_real d[OM_HEAD];
        if (!in_hexagon(t, r, c)) continue;
        loss_adjoint(t, weight, b, r, c, l, d);
        for (int q = 0; q < OM_HEAD; q++) {
            b->d_head[padded(t, q, r, c, l)] = d[q];
            sums->d_head_bias[q][l] += d[q];
        }
    }
    conv2_adjoint(t, b);
    for (int o = 0; o < OM_HIDDEN; o++) FOR_CELLS(t, r, c, l)
        {
            om_real y = computed(t, r, c) ? b->conv1[place(t, o, r, c, l)] : t->conv1_bias[o];
            om_real *h = &b->hidden[padded(t, o, r, c, l)];
            om_real slope = (om_real)(-n->keep_scale * expm1(-*h / n->keep_scale));
            om_real d_z = b->d_hidden[place(t, o, r, c, l)] * slope;
            sums->d_z[o][l] += d_z;
            sums->d_z_y_hat[o][l] += d_z * ((y - n->mean[o]) * n->inverse[o]);
            *h = d_z;
        }
}

static void conv1_adjoint(const om_decoder_tables *t, const om_norm *n, const om_block *b)
{
    memset(b->d_conv1_weight, 0,
           sizeof(om_real) * (size_t)t->n_outputs * OM_KERNEL_TAPS * OM_HIDDEN * OM_LANES);
    for (int o = 0; o < OM_HIDDEN; o++) FOR_CELLS(t, r, c, l)
        {
            if (!computed(t, r, c)) continue;
            size_t here = padded(t, o, r, c, l);
            om_real d = n->d_z[o] * b->hidden[here] + n->d_y[o] * b->conv1[place(t, o, r, c, l)] +
                        n->d_constant[o];
            b->d_conv1[here] = d * b->lane[l];
            for (int i = 0; i < t->n_outputs * OM_KERNEL_TAPS; i++)
                b->d_conv1_weight[(i * OM_HIDDEN + o) * OM_LANES + l] +=
                    b->d_conv1[here] *
                    b->input[(ptrdiff_t)padded(t, 0, r, c, l) + t->conv1_offset[i]];
        }
    const int terms = OM_HIDDEN * OM_KERNEL_TAPS;
    for (int k = 0; k < t->n_outputs; k++) FOR_CELLS(t, r, c, l)
        {
            if (!in_hexagon(t, r, c)) continue;
            om_real d = 0;
            for (int i = 0; i < terms; i++)
                d += t->conv1_back[(k / 4 * terms + i) * 4 + k % 4] *
                     b->d_conv1[(ptrdiff_t)padded(t, 0, r, c, l) + t->conv1_back_offset[i]];
            b->d_input[place(t, k, r, c, l)] = d;
        }
}

const om_kernels om_kernels_plain = {
    .name = "plain",
    .targets_per_group = 1,
    .activate = activate,
    .step = step,
    .step_adjoint = step_adjoint,
    .step_penalty = step_penalty,
    .conv1 = conv1,
    .fft = &om_fft_kernels_plain,
    .moments = moments,
    .head = head,
    .head_adjoint = head_adjoint,
    .conv1_adjoint = conv1_adjoint,
};
