/* Reference files of whole training iterations, train_*.h5; see write.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "write.h"

enum { BATCHES = 3, ITERATIONS = 10, NODE_STRIDE = 7 };

typedef struct course {
    hid_t file;
    const naive_model *model;
    naive_training training;
    double *luminance, *flow; /* [batch][sample][frame] ... */
    double *initial;          /* [sample][cell] */
} course;

static void write_options_of(const course *c)
{
    const naive_training *t = &c->training;
    write_mask(c->file);
    write_text(c->file, "activation", "relu");
    write_text(c->file, "channels_per_layer", "[8, 2]");
    write_text(c->file, "dropout", "0 (no dropout layer)");
    write_text(c->file, "batch_of_iteration", "iteration i (from 0) uses batch i mod 3");
    write_text(c->file, "loss", t->task.loss == OM_LOSS_EPE ? "epe" : "l2norm");
    write_attribute(c->file, "lr_net", t->rate_network);
    write_attribute(c->file, "lr_dec", t->rate_decoder);
    write_attribute(c->file, "lr_penalty", t->rate_network);
    write_attribute(c->file, "activity_penalty", t->penalty_weight);
    write_attribute(c->file, "activity_baseline", t->penalty_baseline);
    write_attribute(c->file, "below_baseline_weight", 1);
    write_attribute(c->file, "above_baseline_weight", 0.1);
    write_attribute(c->file, "penalty_stop_iteration", 1000);
}

static course begin(const naive_model *m, const write_options *o)
{
    uint64_t seed = o->seed + 4;
    const int n = (int)m->layout.n_params, images = BATCHES * o->batch * o->frames;
    course c = {.file = write_create(m, o, "train"),
                .model = m,
                .luminance = write_uniform(&seed, images * m->n_columns),
                .flow = write_normal(&seed, images * 2 * m->n_columns),
                .initial = naive_zeros(o->batch * m->n_cells)};
    naive_training *t = &c.training;
    t->task = (naive_task){{NAIVE_RELU, o->dt_s, o->batch, o->frames}, OM_LOSS_L2NORM, true, 0};
    t->rate_network = 1e-3;
    t->rate_decoder = 2e-3;
    t->penalty_weight = 0.1;
    t->penalty_baseline = 5;
    t->params = naive_zeros(n);
    t->moment1 = naive_zeros(n);
    t->moment2 = naive_zeros(n);
    t->running_mean = naive_zeros(OM_HIDDEN);
    t->running_var = naive_zeros(OM_HIDDEN);
    for (int i = 0; i < OM_HIDDEN; i++) t->running_var[i] = 1;
    naive_random_params(o->seed, m, t->params);
    naive_steady_state(m, &t->task.run, 0.5, t->params, c.initial);
    write_options_of(&c);
    write_names(c.file, "init/", m);
    write_network_params(c.file, "init/", m, t->params);
    write_decoder_params(c.file, "init/", m, t->params);
    write_array(c.file, "", "luminance", c.luminance, 5, BATCHES, o->batch, o->frames, 1,
                m->n_columns);
    write_array(c.file, "", "flow", c.flow, 5, BATCHES, o->batch, o->frames, 2, m->n_columns);
    write_array(c.file, "", "steady_state", c.initial, 1, m->n_cells);
    return c;
}

static void end(course *c)
{
    free(c->training.params);
    free(c->training.moment1);
    free(c->training.moment2);
    free(c->training.running_mean);
    free(c->training.running_var);
    free(c->luminance);
    free(c->flow);
    free(c->initial);
    H5Fclose(c->file);
}

static naive_batch batch_of(const course *c, int iteration)
{
    const naive_run *run = &c->training.task.run;
    int first = iteration % BATCHES * run->samples * run->frames * c->model->n_columns;
    return (naive_batch){c->luminance + first, c->flow + 2 * first, c->initial, NULL};
}

/* Every NODE_STRIDE-th cell of the first sample, and the central cells' means over all frames but
 * the first quarter. */
static void write_activity(const course *c, const double *activity)
{
    const naive_model *m = c->model;
    const naive_run *run = &c->training.task.run;
    const int kept = (m->n_cells + NODE_STRIDE - 1) / NODE_STRIDE, types = m->circuit->n_types;
    double *some = naive_zeros(run->frames * kept), *mean = naive_zeros(run->samples * types);
    for (int f = 0; f < run->frames; f++)
        for (int i = 0; i < kept; i++)
            some[f * kept + i] = activity[f * m->n_cells + i * NODE_STRIDE];
    for (int s = 0; s < run->samples; s++)
        for (int t = 0; t < types; t++)
            for (int f = run->frames / 4; f < run->frames; f++)
                mean[s * types + t] +=
                    activity[(s * run->frames + f) * m->n_cells + naive_find_cell(m, t, 0, 0)] /
                    (run->frames - run->frames / 4);
    write_array(c->file, "iter0/", "activity_first_sample", some, 2, run->frames, kept);
    write_array(c->file, "iter0/", "central_mean", mean, 2, run->samples, types);
    free(some);
    free(mean);
}

static void write_first(const course *c)
{
    const naive_model *m = c->model;
    const naive_training *t = &c->training;
    const naive_run *run = &t->task.run;
    const naive_batch batch = batch_of(c, 0);
    const int images = run->samples * run->frames, n_flow = images * 2 * m->n_columns;
    double *activity = naive_zeros(images * m->n_cells), *prediction = naive_zeros(n_flow);
    double *d_params = naive_zeros((int)m->layout.n_params);
    double *d_resting = naive_zeros(m->circuit->n_types), mean[OM_HIDDEN] = {0}, var[OM_HIDDEN];
    memcpy(var, t->running_var, sizeof var);
    double loss =
        naive_task_loss(m, &t->task, t->params, &batch, mean, var, activity, prediction, d_params);
    write_number(c->file, "iter0/", "l2norm", loss);
    write_number(c->file, "iter0/", "epe",
                 naive_loss(OM_LOSS_EPE, run->samples, run->frames, m->n_columns, prediction,
                            batch.flow, NULL));
    write_array(c->file, "iter0/", "prediction", prediction, 4, run->samples, run->frames, 2,
                m->n_columns);
    write_network_params(c->file, "iter0/grad/", m, d_params);
    write_decoder_params(c->file, "iter0/grad/", m, d_params);
    naive_penalty_gradient(m, run, t->penalty_weight, t->penalty_baseline, t->params,
                           batch.luminance, batch.initial, activity, d_resting);
    write_array(c->file, "iter0/", "penalty_grad_bias", d_resting, 1, m->circuit->n_types);
    write_activity(c, activity);
    free(activity);
    free(prediction);
    free(d_params);
    free(d_resting);
}

static void write_snapshot(const course *c)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "after_%d/", c->training.iterations);
    write_network_params(c->file, prefix, c->model, c->training.params);
    write_decoder_params(c->file, prefix, c->model, c->training.params);
    write_array(c->file, prefix, "base.1.running_mean", c->training.running_mean, 1, OM_HIDDEN);
    write_array(c->file, prefix, "base.1.running_var", c->training.running_var, 1, OM_HIDDEN);
}

void write_train(const naive_model *m, const write_options *o)
{
    double losses[ITERATIONS], penalties[ITERATIONS], mean_activity[ITERATIONS];
    course c = begin(m, o);
    write_first(&c);
    for (int k = 0; k < ITERATIONS; k++) {
        naive_batch batch = batch_of(&c, k);
        naive_report report = naive_iterate(m, &c.training, &batch);
        losses[k] = report.loss;
        penalties[k] = report.penalty;
        mean_activity[k] = report.mean_activity;
        if (k == 0 || k == 1 || k == 4 || k == ITERATIONS - 1) write_snapshot(&c);
    }
    write_array(c.file, "", "losses", losses, 1, ITERATIONS);
    write_array(c.file, "", "penalties", penalties, 1, ITERATIONS);
    write_array(c.file, "", "mean_activity", mean_activity, 1, ITERATIONS);
    end(&c);
}
