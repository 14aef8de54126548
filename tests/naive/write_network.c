/* Reference files of the network alone: dynamics_*.h5 and gradient_*.h5; see write.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "write.h"

static const char *const groups[] = {[NAIVE_RELU] = "relu/", [NAIVE_LEAKY_RELU] = "leakyrelu/",
                                     [NAIVE_ELU] = "elu/",   [NAIVE_SOFTPLUS] = "softplus/",
                                     [NAIVE_TANH] = "tanh/", [NAIVE_SIGMOID] = "sigmoid/"};

/* A film for a network with random parameters. */
typedef struct stage {
    hid_t file;
    const naive_model *model;
    naive_run run;
    double *params;
    double *luminance; /* [sample][frame][column] */
    double *initial;   /* [sample][cell] */
    double *activity;  /* [sample][frame][cell] */
} stage;

static stage set(const naive_model *m, const write_options *o, const char *kind)
{
    uint64_t seed = o->seed + 1;
    stage s = {.file = write_create(m, o, kind),
               .model = m,
               .run = {NAIVE_RELU, o->dt_s, o->batch, o->frames},
               .params = naive_zeros((int)m->layout.n_params),
               .luminance = write_uniform(&seed, o->batch * o->frames * m->n_columns),
               .initial = naive_zeros(o->batch * m->n_cells),
               .activity = naive_zeros(o->batch * o->frames * m->n_cells)};
    naive_random_params(o->seed, m, s.params);
    write_text(s.file, "title", "Written by the naive twin");
    write_attribute(s.file, "leakyrelu_slope", 0.01);
    write_attribute(s.file, "elu_alpha", 1);
    write_attribute(s.file, "n_nodes", m->n_cells);
    write_attribute(s.file, "n_edges", m->n_edges);
    write_names(s.file, "", m);
    write_network_params(s.file, "", m, s.params);
    write_array(s.file, "", "luminance", s.luminance, 4, o->batch, o->frames, 1, m->n_columns);
    return s;
}

static void clear(stage *s)
{
    free(s->params);
    free(s->luminance);
    free(s->initial);
    free(s->activity);
    H5Fclose(s->file);
}

static void perform(stage *s, naive_activation activation)
{
    s->run.activation = activation;
    naive_steady_state(s->model, &s->run, 0.5, s->params, s->initial);
    naive_forward(s->model, &s->run, s->params, s->luminance, s->initial, s->activity);
}

static void write_nodes(const stage *s)
{
    const naive_model *m = s->model;
    double *type = naive_zeros(m->n_cells), *u = naive_zeros(m->n_cells);
    double *v = naive_zeros(m->n_cells);
    for (int i = 0; i < m->n_cells; i++) {
        type[i] = m->cells[i].type;
        u[i] = m->cells[i].u;
        v[i] = m->cells[i].v;
    }
    write_array(s->file, "", "node_type", type, 1, m->n_cells);
    write_array(s->file, "", "node_u", u, 1, m->n_cells);
    write_array(s->file, "", "node_v", v, 1, m->n_cells);
    free(type);
    free(u);
    free(v);
}

/* The first frames without a steady state: from V = resting potential. */
static void write_from_bias(stage *s)
{
    const naive_model *m = s->model;
    const int kept = s->run.frames < 3 ? s->run.frames : 3, cells = m->n_cells;
    double *some = naive_zeros(s->run.samples * kept * cells);
    for (int i = 0; i < s->run.samples * cells; i++)
        s->initial[i] = s->params[m->layout.resting_potential + (size_t)m->cells[i % cells].type];
    naive_forward(m, &s->run, s->params, s->luminance, s->initial, s->activity);
    for (int k = 0; k < s->run.samples; k++)
        memcpy(some + k * kept * cells, s->activity + k * s->run.frames * cells,
               (size_t)(kept * cells) * sizeof *some);
    write_array(s->file, "relu/", "activity_from_bias", some, 3, s->run.samples, kept, cells);
    free(some);
}

/* The state after frame 0 faded in from grey over 0.2 s. */
static void write_fade_in(stage *s)
{
    const naive_model *m = s->model;
    naive_run fade = s->run;
    fade.frames = (int)(0.2 / s->run.dt_s);
    double *ramp = naive_zeros(fade.samples * fade.frames * m->n_columns);
    double *activity = naive_zeros(fade.samples * fade.frames * m->n_cells);
    double *state = naive_zeros(fade.samples * m->n_cells);
    for (int k = 0; k < fade.samples; k++)
        for (int f = 0; f < fade.frames; f++)
            for (int i = 0; i < m->n_columns; i++) {
                double share = fade.frames > 1 ? (double)f / (fade.frames - 1) : 0;
                double first = s->luminance[k * s->run.frames * m->n_columns + i];
                ramp[(k * fade.frames + f) * m->n_columns + i] = 0.5 + share * (first - 0.5);
            }
    naive_steady_state(m, &fade, 0.5, s->params, s->initial);
    naive_forward(m, &fade, s->params, ramp, s->initial, activity);
    for (int k = 0; k < fade.samples; k++)
        memcpy(state + k * m->n_cells, activity + ((k + 1) * fade.frames - 1) * m->n_cells,
               (size_t)m->n_cells * sizeof *state);
    write_array(s->file, "relu/", "fade_in_state", state, 2, fade.samples, m->n_cells);
    write_text(s->file, "dataset:relu.fade_in_state",
               "state after fading in luminance frame 0 over 0.2 s from steady_state");
    free(ramp);
    free(activity);
    free(state);
}

void write_dynamics(const naive_model *m, const write_options *o)
{
    stage s = set(m, o, "dynamics");
    write_nodes(&s);
    for (int a = 0; a < NAIVE_ACTIVATIONS; a++) {
        perform(&s, (naive_activation)a);
        write_array(s.file, groups[a], "steady_state", s.initial, 1, m->n_cells);
        write_array(s.file, groups[a], "activity", s.activity, 3, o->batch, o->frames, m->n_cells);
    }
    s.run.activation = NAIVE_RELU;
    write_from_bias(&s);
    write_fade_in(&s);
    clear(&s);
}

void write_gradient(const naive_model *m, const write_options *o)
{
    stage s = set(m, o, "gradient");
    write_text(s.file, "loss", "sum over batch, frame and node of weight * activity");
    uint64_t seed = o->seed + 2;
    const int n = o->batch * o->frames * m->n_cells, film = o->batch * o->frames * m->n_columns;
    double *weight = write_normal(&seed, n);
    write_array(s.file, "", "weight", weight, 3, o->batch, o->frames, m->n_cells);
    for (int a = 0; a < NAIVE_ACTIVATIONS; a++) {
        char prefix[32];
        double loss = 0, *d_params = naive_zeros((int)m->layout.n_params);
        double *d_luminance = naive_zeros(film), *d_initial = naive_zeros(o->batch * m->n_cells);
        perform(&s, (naive_activation)a);
        for (int i = 0; i < n; i++) loss += weight[i] * s.activity[i];
        naive_adjoint(m, &s.run, s.params, s.luminance, s.initial, s.activity, weight, d_params,
                      d_luminance, d_initial);
        snprintf(prefix, sizeof prefix, "%sgrad_", groups[a]);
        write_number(s.file, groups[a], "loss", loss);
        write_network_params(s.file, prefix, m, d_params);
        write_array(s.file, prefix, "luminance", d_luminance, 4, o->batch, o->frames, 1,
                    m->n_columns);
        write_array(s.file, prefix, "initial_state", d_initial, 2, o->batch, m->n_cells);
        free(d_params);
        free(d_luminance);
        free(d_initial);
    }
    free(weight);
    clear(&s);
}
