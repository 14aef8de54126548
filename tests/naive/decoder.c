/* The decoder: hex convolution, batch norm, softplus, dropout, hex convolution, division (model.md
 * 4), and its adjoint. Maps are [image][channel][row][column] over the square array around the
 * hexagon, whose corners take part in everything but the first input and the final output. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "naive.h"

static const double epsilon = 1e-5, momentum = 0.1;

/* Weight of the kernel from input channel i to output channel o at an offset. */
static int entry(int n_in, int o, int i, int d_row, int d_column)
{
    return ((o * n_in + i) * 5 + d_row + 2) * 5 + d_column + 2;
}

static bool inside(int d_row, int d_column) { return abs(d_row + d_column) <= 2; }

static bool on_map(int side, int row, int column)
{
    return row >= 0 && row < side && column >= 0 && column < side;
}

/* out(row, column) += weight * in(row + d_row, column + d_column), zeros outside: one tap of a
 * cross-correlation. */
static void shift_and_add(int side, int d_row, int d_column, double weight, const double *in,
                          double *out)
{
    for (int row = 0; row < side; row++)
        for (int column = 0; column < side; column++)
            if (on_map(side, row + d_row, column + d_column))
                out[row * side + column] += weight * in[(row + d_row) * side + column + d_column];
}

/* Sum over the map of a(row, column) * b(row + d_row, column + d_column). */
static double correlation(int side, int d_row, int d_column, const double *a, const double *b)
{
    double sum = 0;
    for (int row = 0; row < side; row++)
        for (int column = 0; column < side; column++)
            if (on_map(side, row + d_row, column + d_column))
                sum += a[row * side + column] * b[(row + d_row) * side + column + d_column];
    return sum;
}

static void convolve(int side, int images, int n_in, int n_out, const double *weight,
                     const double *bias, const double *in, double *out)
{
    int map = side * side;
    for (int image = 0; image < images; image++)
        for (int o = 0; o < n_out; o++) {
            double *to = out + (image * n_out + o) * map;
            for (int k = 0; k < map; k++) to[k] = bias[o];
            for (int i = 0; i < n_in; i++)
                for (int r = -2; r <= 2; r++)
                    for (int c = -2; c <= 2; c++)
                        if (inside(r, c))
                            shift_and_add(side, r, c, weight[entry(n_in, o, i, r, c)],
                                          in + (image * n_in + i) * map, to);
        }
}

/* d_weight, d_bias: added to, may be NULL; d_in: added to. */
static void convolve_adjoint(int side, int images, int n_in, int n_out, const double *weight,
                             const double *in, const double *d_out, double *d_weight,
                             double *d_bias, double *d_in)
{
    int map = side * side;
    for (int image = 0; image < images; image++)
        for (int o = 0; o < n_out; o++) {
            const double *from = d_out + (image * n_out + o) * map;
            for (int k = 0; d_bias && k < map; k++) d_bias[o] += from[k];
            for (int i = 0; i < n_in; i++)
                for (int r = -2; r <= 2; r++)
                    for (int c = -2; c <= 2; c++) {
                        if (!inside(r, c)) continue;
                        int w = entry(n_in, o, i, r, c), source = (image * n_in + i) * map;
                        shift_and_add(side, -r, -c, weight[w], from, d_in + source);
                        if (d_weight) d_weight[w] += correlation(side, r, c, from, in + source);
                    }
        }
}

/* Place of a column in the square array. */
static int place(const naive_model *m, int column)
{
    int extent = m->circuit->extent;
    return (m->column_u[column] + extent) * m->side + m->column_v[column] + extent;
}

static void gather_input(const naive_model *m, int images, const double *activity, double *input)
{
    const om_circuit *c = m->circuit;
    for (int image = 0; image < images; image++)
        for (int o = 0; o < c->n_outputs; o++)
            for (int column = 0; column < m->n_columns; column++) {
                int cell = m->cell_at[c->outputs[o] * m->n_columns + column];
                double v = cell < 0 ? 0 : activity[image * m->n_cells + cell];
                input[(image * c->n_outputs + o) * m->side * m->side + place(m, column)] =
                    v > 0 ? v : 0;
            }
}

static void gather_input_adjoint(const naive_model *m, const naive_decoded *d,
                                 const double *d_input, double *d_activity)
{
    const om_circuit *c = m->circuit;
    for (int image = 0; image < d->options.samples * d->options.frames; image++)
        for (int o = 0; o < c->n_outputs; o++)
            for (int column = 0; column < m->n_columns; column++) {
                int cell = m->cell_at[c->outputs[o] * m->n_columns + column];
                int k = (image * c->n_outputs + o) * m->side * m->side + place(m, column);
                if (cell >= 0 && d->input[k] > 0)
                    d_activity[image * m->n_cells + cell] += d_input[k];
            }
}

/* Mean and (biased) variance of one channel over all images and the whole square array. */
static void statistics(const naive_decoded *d, int images, int map, int channel, double *mean,
                       double *var)
{
    double sum = 0, squares = 0, n = images * map;
    for (int image = 0; image < images; image++)
        for (int k = 0; k < map; k++) sum += d->hidden[(image * OM_HIDDEN + channel) * map + k];
    *mean = sum / n;
    for (int image = 0; image < images; image++)
        for (int k = 0; k < map; k++) {
            double x = d->hidden[(image * OM_HIDDEN + channel) * map + k] - *mean;
            squares += x * x;
        }
    *var = squares / n;
}

static void choose_statistics(naive_decoded *d, int images, int map, double *running_mean,
                              double *running_var)
{
    for (int channel = 0; channel < OM_HIDDEN; channel++) {
        if (!d->options.training) {
            d->mean[channel] = running_mean[channel];
            d->var[channel] = running_var[channel];
            continue;
        }
        double n = images * map;
        statistics(d, images, map, channel, &d->mean[channel], &d->var[channel]);
        running_mean[channel] =
            (1 - momentum) * running_mean[channel] + momentum * d->mean[channel];
        running_var[channel] =
            (1 - momentum) * running_var[channel] + momentum * d->var[channel] * n / (n - 1);
    }
}

/* What dropout multiplies element k of the hidden layer by. */
static double kept_factor(const naive_decode_options *options, int k)
{
    if (!options->keep) return 1;
    return options->keep[k] / (1 - options->dropout);
}

static void normalise(const naive_model *m, naive_decoded *d, int images, const double *params)
{
    int map = m->side * m->side;
    for (int image = 0; image < images; image++)
        for (int channel = 0; channel < OM_HIDDEN; channel++)
            for (int i = 0; i < map; i++) {
                int k = (image * OM_HIDDEN + channel) * map + i;
                double weight = params[m->layout.norm_weight + (size_t)channel];
                double bias = params[m->layout.norm_bias + (size_t)channel];
                d->normalised[k] =
                    (d->hidden[k] - d->mean[channel]) / sqrt(d->var[channel] + epsilon);
                d->scaled[k] = weight * d->normalised[k] + bias;
                d->kept[k] =
                    naive_activate(NAIVE_SOFTPLUS, d->scaled[k]) * kept_factor(&d->options, k);
            }
}

naive_decoded *naive_decode(const naive_model *m, const naive_decode_options *options,
                            const double *params, double *running_mean, double *running_var,
                            const double *activity, double *flow)
{
    const om_layout *l = &m->layout;
    int images = options->samples * options->frames, map = m->side * m->side;
    int outputs = m->circuit->n_outputs;
    naive_decoded *d = naive_zeroed(1, sizeof *d);
    d->options = *options;
    d->input = naive_zeros(images * outputs * map);
    d->hidden = naive_zeros(images * OM_HIDDEN * map);
    d->normalised = naive_zeros(images * OM_HIDDEN * map);
    d->scaled = naive_zeros(images * OM_HIDDEN * map);
    d->kept = naive_zeros(images * OM_HIDDEN * map);
    d->head = naive_zeros(images * OM_HEAD * map);
    gather_input(m, images, activity, d->input);
    convolve(m->side, images, outputs, OM_HIDDEN, params + l->conv1_weight, params + l->conv1_bias,
             d->input, d->hidden);
    choose_statistics(d, images, map, running_mean, running_var);
    normalise(m, d, images, params);
    convolve(m->side, images, OM_HIDDEN, OM_HEAD, params + l->conv2_weight, params + l->conv2_bias,
             d->kept, d->head);
    for (int image = 0; image < images; image++)
        for (int column = 0; column < m->n_columns; column++) {
            const double *head = d->head + image * OM_HEAD * map + place(m, column);
            double divisor = naive_activate(NAIVE_SOFTPLUS, head[2 * map]) + 1;
            for (int i = 0; i < 2; i++)
                flow[(image * 2 + i) * m->n_columns + column] = head[i * map] / divisor;
        }
    return d;
}

void naive_decoded_free(naive_decoded *d)
{
    if (!d) return;
    free(d->input);
    free(d->hidden);
    free(d->normalised);
    free(d->scaled);
    free(d->kept);
    free(d->head);
    free(d);
}

/* flow_i = head_i / s, s = softplus(head_2) + 1. */
static void divide_adjoint(const naive_model *m, const naive_decoded *d, const double *d_flow,
                           double *d_head)
{
    int map = m->side * m->side;
    for (int image = 0; image < d->options.samples * d->options.frames; image++)
        for (int column = 0; column < m->n_columns; column++) {
            int at = image * OM_HEAD * map + place(m, column);
            double third = d->head[at + 2 * map];
            double s = naive_activate(NAIVE_SOFTPLUS, third) + 1;
            for (int i = 0; i < 2; i++) {
                double gradient = d_flow[(image * 2 + i) * m->n_columns + column];
                d_head[at + i * map] += gradient / s;
                d_head[at + 2 * map] -=
                    gradient * d->head[at + i * map] / (s * s) * naive_slope(NAIVE_SOFTPLUS, third);
            }
        }
}

/* Batch norm of one channel, z = weight * x + bias with x normalised: d_z in, d_hidden out.
 * In training mean and variance depend on every element, so that
 *   d_hidden = weight / sqrt(var + eps) * (d_z - mean(d_z) - x * mean(d_z x)). */
static void normalise_adjoint(const naive_model *m, const naive_decoded *d, int channel,
                              const double *params, const double *d_z, double *d_params,
                              double *d_hidden)
{
    int images = d->options.samples * d->options.frames, map = m->side * m->side;
    double sum = 0, sum_x = 0, n = images * map;
    for (int image = 0; image < images; image++)
        for (int i = 0; i < map; i++) {
            int k = (image * OM_HIDDEN + channel) * map + i;
            sum += d_z[k];
            sum_x += d_z[k] * d->normalised[k];
        }
    if (d_params) {
        d_params[m->layout.norm_bias + (size_t)channel] += sum;
        d_params[m->layout.norm_weight + (size_t)channel] += sum_x;
    }
    double scale =
        params[m->layout.norm_weight + (size_t)channel] / sqrt(d->var[channel] + epsilon);
    for (int image = 0; image < images; image++)
        for (int i = 0; i < map; i++) {
            int k = (image * OM_HIDDEN + channel) * map + i;
            double through = d->options.training ? sum / n + d->normalised[k] * sum_x / n : 0;
            d_hidden[k] = scale * (d_z[k] - through);
        }
}

void naive_decode_adjoint(const naive_model *m, const naive_decoded *d, const double *params,
                          const double *d_flow, double *d_params, double *d_activity)
{
    const om_layout *l = &m->layout;
    int images = d->options.samples * d->options.frames, map = m->side * m->side;
    int outputs = m->circuit->n_outputs, n_hidden = images * OM_HIDDEN * map;
    double *d_head = naive_zeros(images * OM_HEAD * map), *d_z = naive_zeros(n_hidden);
    double *d_hidden = naive_zeros(n_hidden), *d_input = naive_zeros(images * outputs * map);
    divide_adjoint(m, d, d_flow, d_head);
    convolve_adjoint(m->side, images, OM_HIDDEN, OM_HEAD, params + l->conv2_weight, d->kept, d_head,
                     d_params ? d_params + l->conv2_weight : NULL,
                     d_params ? d_params + l->conv2_bias : NULL, d_z);
    for (int k = 0; k < n_hidden; k++)
        d_z[k] *= kept_factor(&d->options, k) * naive_slope(NAIVE_SOFTPLUS, d->scaled[k]);
    for (int channel = 0; channel < OM_HIDDEN; channel++)
        normalise_adjoint(m, d, channel, params, d_z, d_params, d_hidden);
    /* In training the bias cancels against the mean: its gradient is exactly 0, not the rounding
     * noise that a sum would leave. */
    bool bias_counts = d_params && !d->options.training;
    convolve_adjoint(m->side, images, outputs, OM_HIDDEN, params + l->conv1_weight, d->input,
                     d_hidden, d_params ? d_params + l->conv1_weight : NULL,
                     bias_counts ? d_params + l->conv1_bias : NULL, d_input);
    if (d_activity) gather_input_adjoint(m, d, d_input, d_activity);
    free(d_head);
    free(d_z);
    free(d_hidden);
    free(d_input);
}
