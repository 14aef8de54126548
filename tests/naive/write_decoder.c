/* Reference files of the decoder alone, decoder_*.h5; see write.h. */
#include <stdio.h>
#include <stdlib.h>

#include "write.h"

/* [image][output][column] into (or out of) [image][cell]. */
static void spread(const naive_model *m, int images, double *outputs, double *activity, bool into)
{
    const om_circuit *c = m->circuit;
    for (int i = 0; i < images; i++)
        for (int o = 0; o < c->n_outputs; o++)
            for (int k = 0; k < m->n_columns; k++) {
                int cell = m->cell_at[c->outputs[o] * m->n_columns + k];
                double *out = &outputs[(i * c->n_outputs + o) * m->n_columns + k];
                if (cell >= 0 && into) activity[i * m->n_cells + cell] = *out;
                if (!into) *out = cell >= 0 ? activity[i * m->n_cells + cell] : 0;
            }
}

typedef struct scene {
    hid_t file;
    const naive_model *model;
    const write_options *options;
    double *params, *outputs, *activity, *weight;
    double mean[OM_HIDDEN], var[OM_HIDDEN];
} scene;

static void write_mode(scene *s, const char *mode, bool training)
{
    const naive_model *m = s->model;
    const write_options *o = s->options;
    const int images = o->batch * o->frames, n_flow = images * 2 * m->n_columns;
    const naive_decode_options options = {o->batch, o->frames, training, 0, NULL};
    double *flow = naive_zeros(n_flow), *d_activity = naive_zeros(images * m->n_cells), loss = 0;
    double *d_params = naive_zeros((int)m->layout.n_params);
    double *d_outputs = naive_zeros(images * m->circuit->n_outputs * m->n_columns);
    char gradients[32];
    naive_decoded *decoded =
        naive_decode(m, &options, s->params, s->mean, s->var, s->activity, flow);
    naive_decode_adjoint(m, decoded, s->params, s->weight, d_params, d_activity);
    spread(m, images, d_outputs, d_activity, false);
    for (int i = 0; i < n_flow; i++) loss += s->weight[i] * flow[i];
    snprintf(gradients, sizeof gradients, "%sgrad/", mode);
    write_array(s->file, mode, "output", flow, 4, o->batch, o->frames, 2, m->n_columns);
    write_number(s->file, mode, "loss", loss);
    write_decoder_params(s->file, gradients, m, d_params);
    write_array(s->file, mode, "grad_activity", d_outputs, 4, o->batch, o->frames,
                m->circuit->n_outputs, m->n_columns);
    naive_decoded_free(decoded);
    free(flow);
    free(d_activity);
    free(d_params);
    free(d_outputs);
}

/* What a decoder makes of the first image that starts as flyvis starts it. */
static void write_initial_output(scene *s)
{
    const naive_model *m = s->model;
    const om_layout *l = &m->layout;
    const write_options *o = s->options;
    const naive_decode_options options = {o->batch, o->frames, true, 0, NULL};
    double *params = naive_zeros((int)l->n_params), mean[OM_HIDDEN] = {0}, var[OM_HIDDEN];
    double *flow = naive_zeros(o->batch * o->frames * 2 * m->n_columns);
    for (int i = 0; i < OM_HIDDEN; i++) var[i] = 1;
    for (size_t k = l->decoder; k < l->n_params; k++) params[k] = naive_masked(m, k) ? 0 : 0.001;
    for (size_t k = l->norm_weight; k < l->norm_bias; k++) params[k] = 1;
    for (size_t k = l->norm_bias; k < l->conv2_weight; k++) params[k] = 0;
    naive_decoded_free(naive_decode(m, &options, params, mean, var, s->activity, flow));
    write_array(s->file, "", "initial_train_output", flow, 2, 2, m->n_columns);
    free(params);
    free(flow);
}

static void write_moments(const scene *s, const char *prefix)
{
    write_array(s->file, prefix, "base.1.running_mean", s->mean, 1, OM_HIDDEN);
    write_array(s->file, prefix, "base.1.running_var", s->var, 1, OM_HIDDEN);
}

void write_decoder(const naive_model *m, const write_options *o)
{
    uint64_t seed = o->seed + 3;
    const int images = o->batch * o->frames, outputs = m->circuit->n_outputs;
    scene s = {.file = write_create(m, o, "decoder"),
               .model = m,
               .options = o,
               .params = naive_zeros((int)m->layout.n_params),
               .outputs = write_normal(&seed, images * outputs * m->n_columns),
               .activity = naive_zeros(images * m->n_cells),
               .weight = write_normal(&seed, images * 2 * m->n_columns)};
    naive_random_params(o->seed, m, s.params);
    spread(m, images, s.outputs, s.activity, true);
    spread(m, images, s.outputs, s.activity, false); /* 0 where there is no cell */
    for (int i = 0; i < OM_HIDDEN; i++) {
        s.mean[i] = 0.3 * naive_normal(&seed);
        s.var[i] = 0.5 + naive_uniform(&seed);
    }
    write_text(s.file, "channels_per_layer", "[8, 2]");
    write_text(s.file, "loss", "sum of weight * output");
    write_attribute(s.file, "n_parameters", (double)m->layout.n_decoder);
    write_attribute(s.file, "square_map_side", m->side);
    write_outputs(s.file, m);
    write_mask(s.file);
    write_decoder_params(s.file, "param/", m, s.params);
    write_array(s.file, "", "activity", s.outputs, 4, o->batch, o->frames, outputs, m->n_columns);
    write_array(s.file, "", "weight", s.weight, 4, o->batch, o->frames, 2, m->n_columns);
    write_moments(&s, "before/");
    write_mode(&s, "eval/", false);
    write_mode(&s, "train/", true);
    write_moments(&s, "after/");
    write_initial_output(&s);
    free(s.params);
    free(s.outputs);
    free(s.activity);
    free(s.weight);
    H5Fclose(s.file);
}
