/* The network: one Euler step, and its adjoint, from the list of edges (model.md 3).
 *
 *   r_i     = -V_i + b_i + sum over edges j -> i of w_ij f(V_j) + e_i,   w_ij = count_ij * strength
 *   V_i'    = V_i + dt / max(tau_i, dt) * r_i
 *
 * Adjoint, with D the derivative of the loss by V' (all of its later effects included) and
 * G_i = dt / max(tau_i, dt) * D_i:
 *
 *   dV_j        = D_j - G_j + f'(V_j) * sum over edges j -> i of w_ij G_i
 *   db_i        = G_i            de_i = G_i
 *   dstrength   = sum over the pair's edges of count_ij f(V_j) G_i
 *   dtau_i      = -dt / tau_i^2 * r_i * D_i   where tau_i > dt, else 0 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "naive.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

double naive_activate(naive_activation activation, double x)
{
    switch (activation) {
    case NAIVE_RELU: return x > 0 ? x : 0;
    case NAIVE_LEAKY_RELU: return x > 0 ? x : 0.01 * x;
    case NAIVE_ELU: return x > 0 ? x : expm1(x);
    case NAIVE_SOFTPLUS: return x > 20 ? x : log1p(exp(x));
    case NAIVE_TANH: return tanh(x);
    case NAIVE_SIGMOID: return sigmoid(x);
    default: return (double)NAN;
    }
}

double naive_slope(naive_activation activation, double x)
{
    switch (activation) {
    case NAIVE_RELU: return x > 0 ? 1 : 0;
    case NAIVE_LEAKY_RELU: return x > 0 ? 1 : 0.01;
    case NAIVE_ELU: return x > 0 ? 1 : exp(x);
    case NAIVE_SOFTPLUS: return x > 20 ? 1 : sigmoid(x);
    case NAIVE_TANH: return 1 / (cosh(x) * cosh(x));
    case NAIVE_SIGMOID: return sigmoid(x) * sigmoid(-x);
    default: return (double)NAN;
    }
}

void naive_initial_strength(const naive_model *m, double scale, double *strength)
{
    for (int pair = 0; pair < m->circuit->n_pairs; pair++) {
        double sum = 0;
        int edges = 0;
        for (int e = 0; e < m->n_edges; e++)
            if (m->edges[e].pair == pair) sum += fabs(m->edges[e].count), edges++;
        strength[pair] = edges > 0 ? scale / (sum / edges) : 0;
    }
}

void naive_clamp(const naive_model *m, double *params)
{
    double *strength = params + m->layout.strength;
    for (int pair = 0; pair < m->circuit->n_pairs; pair++)
        if (strength[pair] < 0) strength[pair] = 0;
}

/* rate [cell] = f(V); residual [cell] = r of the head of this file. */
static void residual_of(const naive_model *m, naive_activation activation, const double *params,
                        const double *luminance, const double *v, double *rate, double *residual)
{
    const double *strength = params + m->layout.strength;
    for (int i = 0; i < m->n_cells; i++) {
        rate[i] = naive_activate(activation, v[i]);
        residual[i] = 0;
    }
    for (int e = 0; e < m->n_edges; e++) {
        const naive_edge *edge = &m->edges[e];
        residual[edge->target] += edge->count * strength[edge->pair] * rate[edge->source];
    }
    for (int i = 0; i < m->n_cells; i++) {
        const naive_cell *cell = &m->cells[i];
        double stimulus = m->input[cell->type] ? luminance[cell->column] : 0;
        residual[i] += -v[i] + params[m->layout.resting_potential + (size_t)cell->type] + stimulus;
    }
}

/* dt / max(tau, dt) of a cell. */
static double step_of(const naive_model *m, const double *params, double dt, int cell)
{
    double tau = params[m->layout.time_constant + (size_t)m->cells[cell].type];
    return dt / (tau > dt ? tau : dt);
}

static void step(const naive_model *m, const naive_run *run, const double *params,
                 const double *luminance, const double *v, double *v_next)
{
    double *rate = naive_zeros(m->n_cells), *residual = naive_zeros(m->n_cells);
    residual_of(m, run->activation, params, luminance, v, rate, residual);
    for (int i = 0; i < m->n_cells; i++)
        v_next[i] = v[i] + step_of(m, params, run->dt_s, i) * residual[i];
    free(rate);
    free(residual);
}

void naive_steady_state(const naive_model *m, const naive_run *run, double t_pre_s,
                        const double *params, double *state)
{
    double *grey = naive_zeros(m->n_columns), *before = naive_zeros(m->n_cells);
    for (int column = 0; column < m->n_columns; column++) grey[column] = 0.5;
    for (int i = 0; i < m->n_cells; i++)
        state[i] = params[m->layout.resting_potential + (size_t)m->cells[i].type];
    int steps = (int)(t_pre_s / run->dt_s);
    for (int k = 0; k < steps; k++) {
        memcpy(before, state, (size_t)m->n_cells * sizeof *before);
        step(m, run, params, grey, before, state);
    }
    for (int sample = 1; sample < run->samples; sample++)
        memcpy(state + sample * m->n_cells, state, (size_t)m->n_cells * sizeof *state);
    free(grey);
    free(before);
}

void naive_fade_in(const naive_model *m, const naive_run *run, int steps, const double *params,
                   const double *luminance, double *state)
{
    double *faded = naive_zeros(m->n_columns), *before = naive_zeros(m->n_cells);
    for (int sample = 0; sample < run->samples; sample++, state += m->n_cells)
        for (int k = 0; k < steps; k++) {
            const double *first = luminance + sample * run->frames * m->n_columns;
            double ramp = steps > 1 ? k / (steps - 1.0) : 0;
            for (int c = 0; c < m->n_columns; c++) faded[c] = 0.5 + ramp * (first[c] - 0.5);
            memcpy(before, state, (size_t)m->n_cells * sizeof *before);
            step(m, run, params, faded, before, state);
        }
    free(faded);
    free(before);
}

/* State before the step driven by a frame. */
static const double *state_before(const naive_model *m, const naive_run *run, const double *initial,
                                  const double *activity, int sample, int frame)
{
    if (frame == 0) return initial + sample * m->n_cells;
    return activity + (sample * run->frames + frame - 1) * m->n_cells;
}

void naive_forward(const naive_model *m, const naive_run *run, const double *params,
                   const double *luminance, const double *initial, double *activity)
{
    for (int sample = 0; sample < run->samples; sample++)
        for (int frame = 0; frame < run->frames; frame++) {
            int image = sample * run->frames + frame;
            step(m, run, params, luminance + image * m->n_columns,
                 state_before(m, run, initial, activity, sample, frame),
                 activity + image * m->n_cells);
        }
}

/* Adjoint of step(). d_next [cell]: D; d_v [cell]: written; d_params, d_luminance: added to, may be
 * NULL. */
static void step_adjoint(const naive_model *m, const naive_run *run, const double *params,
                         const double *luminance, const double *v, const double *d_next,
                         double *d_v, double *d_params, double *d_luminance)
{
    const om_layout *l = &m->layout;
    double *rate = naive_zeros(m->n_cells), *residual = naive_zeros(m->n_cells);
    double *g = naive_zeros(m->n_cells), *d_rate = naive_zeros(m->n_cells);
    residual_of(m, run->activation, params, luminance, v, rate, residual);
    for (int i = 0; i < m->n_cells; i++) {
        const naive_cell *cell = &m->cells[i];
        double tau = params[l->time_constant + (size_t)cell->type];
        g[i] = step_of(m, params, run->dt_s, i) * d_next[i];
        if (d_params) {
            d_params[l->resting_potential + (size_t)cell->type] += g[i];
            if (tau > run->dt_s)
                d_params[l->time_constant + (size_t)cell->type] -=
                    run->dt_s / (tau * tau) * residual[i] * d_next[i];
        }
        if (d_luminance && m->input[cell->type]) d_luminance[cell->column] += g[i];
    }
    for (int e = 0; e < m->n_edges; e++) {
        const naive_edge *edge = &m->edges[e];
        size_t strength = l->strength + (size_t)edge->pair;
        d_rate[edge->source] += edge->count * params[strength] * g[edge->target];
        if (d_params) d_params[strength] += edge->count * rate[edge->source] * g[edge->target];
    }
    for (int i = 0; i < m->n_cells; i++)
        d_v[i] = d_next[i] - g[i] + naive_slope(run->activation, v[i]) * d_rate[i];
    free(rate);
    free(residual);
    free(g);
    free(d_rate);
}

void naive_adjoint(const naive_model *m, const naive_run *run, const double *params,
                   const double *luminance, const double *initial, const double *activity,
                   const double *d_activity, double *d_params, double *d_luminance,
                   double *d_initial)
{
    double *d_next = naive_zeros(m->n_cells), *d_v = naive_zeros(m->n_cells);
    for (int sample = 0; sample < run->samples; sample++) {
        memset(d_v, 0, (size_t)m->n_cells * sizeof *d_v);
        for (int frame = run->frames - 1; frame >= 0; frame--) {
            int image = sample * run->frames + frame;
            for (int i = 0; i < m->n_cells; i++)
                d_next[i] = d_v[i] + d_activity[image * m->n_cells + i];
            step_adjoint(m, run, params, luminance + image * m->n_columns,
                         state_before(m, run, initial, activity, sample, frame), d_next, d_v,
                         d_params, d_luminance ? d_luminance + image * m->n_columns : NULL);
        }
        if (d_initial)
            for (int i = 0; i < m->n_cells; i++) d_initial[sample * m->n_cells + i] += d_v[i];
    }
    free(d_next);
    free(d_v);
}
