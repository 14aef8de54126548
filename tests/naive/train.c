/* Losses, activity penalty, Adam, and a whole training iteration (model.md 5 and 8). */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "naive.h"

/* mean over samples of the root of the sample's squared error, summed over everything. */
static double l2norm(int samples, int numbers, const double *prediction, const double *target,
                     double *d_prediction)
{
    double loss = 0;
    for (int sample = 0; sample < samples; sample++) {
        int first = sample * numbers;
        double squares = 0;
        for (int k = first; k < first + numbers; k++)
            squares += (prediction[k] - target[k]) * (prediction[k] - target[k]);
        double norm = sqrt(squares);
        loss += norm / samples;
        for (int k = first; d_prediction && norm > 0 && k < first + numbers; k++)
            d_prediction[k] += (prediction[k] - target[k]) / norm / samples;
    }
    return loss;
}

/* mean over samples, frames and columns of the length of the error vector. */
static double end_point_error(int images, int columns, const double *prediction,
                              const double *target, double *d_prediction)
{
    double loss = 0, n = images * columns;
    for (int image = 0; image < images; image++)
        for (int column = 0; column < columns; column++) {
            int x = image * 2 * columns + column, y = x + columns;
            double error_x = prediction[x] - target[x], error_y = prediction[y] - target[y];
            double length = sqrt(error_x * error_x + error_y * error_y);
            loss += length / n;
            if (d_prediction && length > 0) {
                d_prediction[x] += error_x / length / n;
                d_prediction[y] += error_y / length / n;
            }
        }
    return loss;
}

double naive_loss(om_loss kind, int samples, int frames, int columns, const double *prediction,
                  const double *target, double *d_prediction)
{
    if (kind == OM_LOSS_L2NORM)
        return l2norm(samples, frames * 2 * columns, prediction, target, d_prediction);
    return end_point_error(samples * frames, columns, prediction, target, d_prediction);
}

double naive_penalty(const naive_model *m, int samples, int frames, double weight, double baseline,
                     const double *activity, double *d_activity)
{
    int types = m->circuit->n_types, first = frames / 4;
    double sum = 0;
    for (int sample = 0; sample < samples; sample++)
        for (int type = 0; type < types; type++) {
            int cell = naive_find_cell(m, type, 0, 0);
            double mean = 0;
            for (int frame = first; frame < frames; frame++)
                mean += activity[(sample * frames + frame) * m->n_cells + cell] / (frames - first);
            double slope = baseline - mean > 0 ? 1 : 0.1, g = slope * (baseline - mean);
            sum += g * g;
            for (int frame = first; d_activity && frame < frames; frame++)
                d_activity[(sample * frames + frame) * m->n_cells + cell] -=
                    weight * 2 * g * slope / (frames - first) / (samples * types);
        }
    return weight * sum / (samples * types);
}

double naive_penalty_gradient(const naive_model *m, const naive_run *run, double weight,
                              double baseline, const double *params, const double *luminance,
                              const double *initial, const double *activity, double *d_resting)
{
    double *d_activity = naive_zeros(run->samples * run->frames * m->n_cells);
    double *d_params = naive_zeros((int)m->layout.n_params);
    double value =
        naive_penalty(m, run->samples, run->frames, weight, baseline, activity, d_activity);
    naive_adjoint(m, run, params, luminance, initial, activity, d_activity, d_params, NULL, NULL);
    for (int type = 0; type < m->circuit->n_types; type++)
        d_resting[type] += d_params[m->layout.resting_potential + (size_t)type];
    free(d_activity);
    free(d_params);
    return value;
}

double naive_task_loss(const naive_model *m, const naive_task *task, const double *params,
                       const naive_batch *batch, double *running_mean, double *running_var,
                       double *activity, double *prediction, double *d_params)
{
    const naive_run *run = &task->run;
    int images = run->samples * run->frames;
    naive_decode_options decode = {run->samples, run->frames, task->training, task->dropout,
                                   batch->keep};
    double *own_activity = activity ? NULL : naive_zeros(images * m->n_cells);
    double *own_prediction = prediction ? NULL : naive_zeros(images * 2 * m->n_columns);
    double *d_prediction = naive_zeros(images * 2 * m->n_columns);
    if (!activity) activity = own_activity;
    if (!prediction) prediction = own_prediction;
    naive_forward(m, run, params, batch->luminance, batch->initial, activity);
    naive_decoded *decoded =
        naive_decode(m, &decode, params, running_mean, running_var, activity, prediction);
    double loss = naive_loss(task->loss, run->samples, run->frames, m->n_columns, prediction,
                             batch->flow, d_prediction);
    if (d_params) {
        double *d_activity = naive_zeros(images * m->n_cells);
        naive_decode_adjoint(m, decoded, params, d_prediction, d_params, d_activity);
        naive_adjoint(m, run, params, batch->luminance, batch->initial, activity, d_activity,
                      d_params, NULL, NULL);
        free(d_activity);
    }
    naive_decoded_free(decoded);
    free(d_prediction);
    free(own_activity);
    free(own_prediction);
    return loss;
}

/* Whether a rule holds parameter k of a part. */
static bool is_used(const naive_model *m, int part, int k)
{
    if (part != NAIVE_STRENGTH) return true;
    for (int e = 0; e < m->n_edges; e++)
        if (m->edges[e].pair == k) return true;
    return false;
}

static double mean_of_group(const naive_model *m, int part, int n, const int *group, int which,
                            const double *values)
{
    double sum = 0;
    int members = 0;
    for (int k = 0; k < n; k++)
        if (group[k] == which && is_used(m, part, k)) sum += values[k], members++;
    return sum / members;
}

static void hold_part(const naive_model *m, const naive_rules *rules, int part, double *params)
{
    naive_part p = naive_part_of(m, part);
    const int *group = rules->group[part];
    double *values = params + p.first, *bounded = naive_zeros(p.n);
    for (int k = 0; k < p.n; k++) {
        bounded[k] = values[k];
        if (!is_used(m, part, k)) continue;
        if (values[k] < rules->lowest[part]) bounded[k] = rules->lowest[part];
        if (values[k] > rules->highest[part]) bounded[k] = rules->highest[part];
    }
    for (int k = 0; k < p.n; k++) {
        values[k] = bounded[k];
        if (group && group[k] > 0 && is_used(m, part, k))
            values[k] = mean_of_group(m, part, p.n, group, group[k], bounded);
    }
    free(bounded);
}

void naive_hold(const naive_model *m, const naive_rules *rules, bool all, double *params)
{
    for (int part = 0; part < NAIVE_HELD; part++)
        if (all || !rules->fixed[part]) hold_part(m, rules, part, params);
}

static void hold(const naive_model *m, naive_training *t)
{
    if (t->rules)
        naive_hold(m, t->rules, false, t->params);
    else
        naive_clamp(m, t->params);
}

/* Whether parameter k is fixed. */
static bool is_fixed(const naive_model *m, const naive_training *t, size_t k)
{
    int part = 0;
    while (part < NAIVE_DECODER && k >= naive_part_of(m, part + 1).first) part++;
    return t->rules && t->rules->fixed[part];
}

void naive_adam(const naive_model *m, naive_training *t, const double *d_params)
{
    const double beta1 = 0.9, beta2 = 0.999;
    t->iterations++;
    for (size_t k = 0; k < m->layout.n_params; k++) {
        if (naive_masked(m, k) || is_fixed(m, t, k)) continue;
        double rate = k < m->layout.n_network ? t->rate_network : t->rate_decoder;
        t->moment1[k] = beta1 * t->moment1[k] + (1 - beta1) * d_params[k];
        t->moment2[k] = beta2 * t->moment2[k] + (1 - beta2) * d_params[k] * d_params[k];
        double mean = t->moment1[k] / (1 - pow(beta1, t->iterations));
        double square = t->moment2[k] / (1 - pow(beta2, t->iterations));
        t->params[k] -= rate * mean / (sqrt(square) + 1e-8);
    }
}

static double mean_of(int n, const double *x)
{
    double sum = 0;
    for (int k = 0; k < n; k++) sum += x[k];
    return sum / n;
}

naive_report naive_iterate(const naive_model *m, naive_training *t, const naive_batch *batch)
{
    const naive_run *run = &t->task.run;
    int images = run->samples * run->frames, types = m->circuit->n_types;
    double *activity = naive_zeros(images * m->n_cells);
    double *prediction = naive_zeros(images * 2 * m->n_columns);
    double *d_params = naive_zeros((int)m->layout.n_params), *d_resting = naive_zeros(types);
    naive_report report = {0};
    hold(m, t);
    report.loss = naive_task_loss(m, &t->task, t->params, batch, t->running_mean, t->running_var,
                                  activity, prediction, d_params);
    report.epe = naive_loss(OM_LOSS_EPE, run->samples, run->frames, m->n_columns, prediction,
                            batch->flow, NULL);
    report.mean_activity = mean_of(images * m->n_cells, activity);
    if (t->penalty_weight > 0)
        report.penalty =
            naive_penalty_gradient(m, run, t->penalty_weight, t->penalty_baseline, t->params,
                                   batch->luminance, batch->initial, activity, d_resting);
    naive_adam(m, t, d_params);
    for (int type = 0; type < types; type++) {
        size_t k = m->layout.resting_potential + (size_t)type;
        if (!is_fixed(m, t, k)) t->params[k] -= t->rate_network * d_resting[type];
    }
    hold(m, t);
    free(activity);
    free(prediction);
    free(d_params);
    free(d_resting);
    return report;
}
