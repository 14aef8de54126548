/* The naive model judged by the reference files: circuit, initial strengths, dynamics with every
 * activation, gradients, the decoder in both modes, and ten training iterations, on the published
 * connectome. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden.h"

/* What double precision leaves between two orders of summation. */
static const double limit = 1e-11;

/* The published connectome at the extent of a reference file. */
typedef struct reference {
    om_circuit *circuit;
    naive_model *model;
    hid_t file;
    naive_run run;             /* relu */
    double *params, *expected; /* [n_params] */
} reference;

static reference begin(const char *name)
{
    reference r = {.file = golden_open(name)};
    r.circuit = golden_circuit((int)golden_attribute(r.file, "extent"));
    r.model = naive_create(r.circuit);
    r.run.samples = (int)golden_attribute(r.file, "batch");
    r.run.frames = (int)golden_attribute(r.file, "frames");
    r.params = naive_zeros((int)r.model->layout.n_params);
    r.expected = naive_zeros((int)r.model->layout.n_params);
    return r;
}

static void end(reference *r)
{
    free(r->params);
    free(r->expected);
    naive_free(r->model);
    naive_circuit_free(r->circuit);
    H5Fclose(r->file);
}

static void compare(hid_t file, const char *path, int n, const double *actual)
{
    double *expected = golden_read(file, n, "%s", path);
    assert_true(naive_agrees(path, n, actual, expected, NULL, limit));
    free(expected);
}

static void compare_part(const reference *r, int i, const double *actual, const double *from,
                         double at_most)
{
    naive_part part = naive_part_of(r->model, i);
    assert_true(naive_agrees(part.name, part.n, actual + part.first, r->expected + part.first,
                             from ? from + part.first : NULL, at_most));
}

/* Circuit ------------------------------------------------------------------------------------ */

static void test_circuit(void **state)
{
    (void)state;
    reference r = begin("dynamics_e3.h5");
    const om_circuit *c = r.circuit;
    const naive_model *m = r.model;
    assert_int_equal(c->n_types, 65);
    assert_int_equal(c->n_inputs, 8);
    assert_int_equal(c->n_outputs, 34);
    assert_int_equal(c->n_pairs, 605);
    assert_int_equal(c->n_live_pairs, 604);
    assert_int_equal(c->n_taps, 2378);
    assert_int_equal(c->n_cells, (int)golden_attribute(r.file, "n_nodes"));
    assert_int_equal(c->n_edges, (int)golden_attribute(r.file, "n_edges"));
    double *type = golden_read(r.file, m->n_cells, "node_type");
    double *u = golden_read(r.file, m->n_cells, "node_u");
    double *v = golden_read(r.file, m->n_cells, "node_v");
    for (int i = 0; i < m->n_cells; i++) {
        assert_int_equal(m->cells[i].type, (int)type[i]);
        assert_int_equal(m->cells[i].u, (int)u[i]);
        assert_int_equal(m->cells[i].v, (int)v[i]);
    }
    free(type);
    free(u);
    free(v);
    end(&r);
}

/* The connectome that the library reads from the published file, hull fill included, is the one
 * that everything below is computed with. */
static void test_the_library_reads_the_same_circuit(void **state)
{
    (void)state;
    om_circuit *c = golden_circuit(3), *other = NULL;
    om_status status = om_circuit_open(OM_SHARED "/connectome/fib25-fib19_v2.2.json", 3, &other);
    if (status != OM_OK) fail_msg("%s", om_message());
    assert_true(c->n_types == other->n_types && c->n_pairs == other->n_pairs);
    assert_true(c->n_taps == other->n_taps && c->n_cells == other->n_cells);
    assert_true(c->n_edges == other->n_edges && c->n_live_taps == other->n_live_taps);
    assert_true(c->n_inputs == other->n_inputs && c->n_outputs == other->n_outputs);
    assert_true(c->max_offset == other->max_offset && c->n_live_pairs == other->n_live_pairs);
    assert_memory_equal(c->inputs, other->inputs, (size_t)c->n_inputs * sizeof *c->inputs);
    assert_memory_equal(c->outputs, other->outputs, (size_t)c->n_outputs * sizeof *c->outputs);
    for (int i = 0; i < c->n_types; i++) {
        const om_type *a = &c->types[i], *b = &other->types[i];
        assert_string_equal(a->name, b->name);
        assert_true(a->stride_u == b->stride_u && a->stride_v == b->stride_v);
        assert_true(a->input == b->input && a->output == b->output && a->cells == b->cells);
    }
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *a = &c->pairs[i], *b = &other->pairs[i];
        assert_true(a->source == b->source && a->target == b->target && a->sign == b->sign);
        assert_true(a->first_tap == b->first_tap && a->n_taps == b->n_taps);
        assert_true(a->edges == b->edges);
        assert_true(fabs(a->mean_count - b->mean_count) <= 1e-12 * a->mean_count);
    }
    for (int i = 0; i < c->n_taps; i++) {
        const om_tap *a = &c->taps[i], *b = &other->taps[i];
        assert_true(a->du == b->du && a->dv == b->dv && a->edges == b->edges);
        assert_true(a->count == b->count && a->filled == b->filled);
    }
    om_circuit_free(other);
    naive_circuit_free(c);
}

static void test_initial_strength(void **state)
{
    (void)state;
    om_circuit *c = golden_circuit(3);
    naive_model *m = naive_create(c);
    double *strength = naive_zeros(c->n_pairs), *expected = golden_initial_strength_e3(m);
    naive_initial_strength(m, 0.01, strength);
    assert_true(naive_agrees("initial strength", c->n_pairs, strength, expected, NULL, limit));
    free(strength);
    free(expected);
    naive_free(m);
    naive_circuit_free(c);
}

/* Network ------------------------------------------------------------------------------------ */

static void begin_network(reference *r, const char *name)
{
    *r = begin(name);
    r->run.dt_s = golden_attribute(r->file, "dt_seconds");
    golden_network(r->file, "", "", r->model, r->params);
}

static void test_dynamics_with_every_activation(void **state)
{
    (void)state;
    const char *names[NAIVE_ACTIVATIONS] = {"relu",     "leakyrelu", "elu",
                                            "softplus", "tanh",      "sigmoid"};
    reference r;
    begin_network(&r, "dynamics_e3.h5");
    const naive_model *m = r.model;
    int images = r.run.samples * r.run.frames;
    double *luminance = golden_read(r.file, images * m->n_columns, "luminance");
    double *initial = naive_zeros(r.run.samples * m->n_cells);
    double *activity = naive_zeros(images * m->n_cells);
    for (int i = 0; i < NAIVE_ACTIVATIONS; i++) {
        char path[64];
        r.run.activation = (naive_activation)i;
        naive_steady_state(m, &r.run, golden_attribute(r.file, "t_pre_seconds"), r.params, initial);
        snprintf(path, sizeof path, "%s/steady_state", names[i]);
        compare(r.file, path, m->n_cells, initial);
        naive_forward(m, &r.run, r.params, luminance, initial, activity);
        snprintf(path, sizeof path, "%s/activity", names[i]);
        compare(r.file, path, images * m->n_cells, activity);
    }
    free(luminance);
    free(initial);
    free(activity);
    end(&r);
}

static void check_network_gradient(reference *r, const char *name, naive_activation activation)
{
    const naive_model *m = r->model;
    int images = r->run.samples * r->run.frames, n = images * m->n_cells;
    char path[64];
    double *luminance = golden_read(r->file, images * m->n_columns, "luminance");
    double *weight = golden_read(r->file, n, "weight"), *activity = naive_zeros(n);
    double *initial = naive_zeros(r->run.samples * m->n_cells), loss = 0;
    double *d_params = naive_zeros((int)m->layout.n_params);
    double *d_luminance = naive_zeros(images * m->n_columns);
    double *d_initial = naive_zeros(r->run.samples * m->n_cells);
    r->run.activation = activation;
    naive_steady_state(m, &r->run, golden_attribute(r->file, "t_pre_seconds"), r->params, initial);
    naive_forward(m, &r->run, r->params, luminance, initial, activity);
    for (int k = 0; k < n; k++) loss += weight[k] * activity[k];
    naive_adjoint(m, &r->run, r->params, luminance, initial, activity, weight, d_params,
                  d_luminance, d_initial);
    snprintf(path, sizeof path, "%s/loss", name);
    compare(r->file, path, 1, &loss);
    snprintf(path, sizeof path, "%s/grad_", name);
    golden_network(r->file, "", path, m, r->expected);
    for (int i = 0; i < NAIVE_DECODER; i++) compare_part(r, i, d_params, NULL, limit);
    snprintf(path, sizeof path, "%s/grad_luminance", name);
    compare(r->file, path, images * m->n_columns, d_luminance);
    snprintf(path, sizeof path, "%s/grad_initial_state", name);
    compare(r->file, path, r->run.samples * m->n_cells, d_initial);
    free(luminance);
    free(weight);
    free(activity);
    free(initial);
    free(d_params);
    free(d_luminance);
    free(d_initial);
}

static void test_network_gradients(void **state)
{
    (void)state;
    reference r;
    begin_network(&r, "gradient_e3.h5");
    check_network_gradient(&r, "relu", NAIVE_RELU);
    check_network_gradient(&r, "softplus", NAIVE_SOFTPLUS);
    end(&r);
}

/* Decoder ------------------------------------------------------------------------------------ */

/* Between [image][output type][column] and [image][cell]. */
static void spread(const naive_model *m, int images, const double *outputs, double *activity)
{
    for (int k = 0; k < images * m->circuit->n_outputs * m->n_columns; k++) {
        int column = k % m->n_columns, image = k / m->n_columns / m->circuit->n_outputs;
        int type = m->circuit->outputs[k / m->n_columns % m->circuit->n_outputs];
        activity[image * m->n_cells + m->cell_at[type * m->n_columns + column]] = outputs[k];
    }
}

static void collect(const naive_model *m, int images, const double *activity, double *outputs)
{
    for (int k = 0; k < images * m->circuit->n_outputs * m->n_columns; k++) {
        int column = k % m->n_columns, image = k / m->n_columns / m->circuit->n_outputs;
        int type = m->circuit->outputs[k / m->n_columns % m->circuit->n_outputs];
        outputs[k] = activity[image * m->n_cells + m->cell_at[type * m->n_columns + column]];
    }
}

/* Decodes the reference's activity and compares flow, loss and gradients under train/ or eval/. The
 * running statistics are advanced. */
static void check_decoder(reference *r, const char *mode, double *mean, double *var)
{
    const naive_model *m = r->model;
    int images = r->run.samples * r->run.frames, n_flow = images * 2 * m->n_columns;
    int n_outputs = images * m->circuit->n_outputs * m->n_columns;
    bool training = strcmp(mode, "train") == 0;
    naive_decode_options options = {r->run.samples, r->run.frames, training, 0, NULL};
    char path[64];
    double *outputs = golden_read(r->file, n_outputs, "activity"), loss = 0;
    double *weight = golden_read(r->file, n_flow, "weight"), *flow = naive_zeros(n_flow);
    double *activity = naive_zeros(images * m->n_cells);
    double *d_activity = naive_zeros(images * m->n_cells);
    double *d_params = naive_zeros((int)m->layout.n_params);
    spread(m, images, outputs, activity);
    naive_decoded *decoded = naive_decode(m, &options, r->params, mean, var, activity, flow);
    naive_decode_adjoint(m, decoded, r->params, weight, d_params, d_activity);
    for (int k = 0; k < n_flow; k++) loss += weight[k] * flow[k];
    snprintf(path, sizeof path, "%s/output", mode);
    compare(r->file, path, n_flow, flow);
    snprintf(path, sizeof path, "%s/loss", mode);
    compare(r->file, path, 1, &loss);
    snprintf(path, sizeof path, "%s/grad/", mode);
    golden_decoder(r->file, path, m, r->expected);
    for (int i = NAIVE_DECODER; i < NAIVE_PARTS; i++)
        if (i != NAIVE_CONV1_BIAS || !training) compare_part(r, i, d_params, NULL, limit);
    collect(m, images, d_activity, outputs);
    snprintf(path, sizeof path, "%s/grad_activity", mode);
    compare(r->file, path, n_outputs, outputs);
    naive_decoded_free(decoded);
    free(outputs);
    free(weight);
    free(flow);
    free(activity);
    free(d_activity);
    free(d_params);
}

static void test_decoder(void **state)
{
    (void)state;
    reference r = begin("decoder_e3.h5");
    golden_decoder(r.file, "param/", r.model, r.params);
    double *mean = golden_read(r.file, OM_HIDDEN, "before/base.1.running_mean");
    double *var = golden_read(r.file, OM_HIDDEN, "before/base.1.running_var");
    print_message("evaluation\n");
    check_decoder(&r, "eval", mean, var);
    print_message("training\n");
    check_decoder(&r, "train", mean, var);
    compare(r.file, "after/base.1.running_mean", OM_HIDDEN, mean);
    compare(r.file, "after/base.1.running_var", OM_HIDDEN, var);
    free(mean);
    free(var);
    end(&r);
}

/* Training ----------------------------------------------------------------------------------- */

static void begin_training(reference *r, naive_training *t, double **luminance, double **flow,
                           double **initial)
{
    *r = begin("train_e5.h5");
    const naive_model *m = r->model;
    int n_params = (int)m->layout.n_params, images = 3 * r->run.samples * r->run.frames;
    r->run.dt_s = golden_attribute(r->file, "dt_seconds");
    golden_network(r->file, "init/", "init/", m, r->params);
    golden_decoder(r->file, "init/", m, r->params);
    *luminance = golden_read(r->file, images * m->n_columns, "luminance");
    *flow = golden_read(r->file, images * 2 * m->n_columns, "flow");
    *initial = naive_zeros(r->run.samples * m->n_cells);
    *t = (naive_training){.task = {r->run, OM_LOSS_L2NORM, true, 0}};
    t->rate_network = golden_attribute(r->file, "lr_net");
    t->rate_decoder = golden_attribute(r->file, "lr_dec");
    t->penalty_weight = golden_attribute(r->file, "activity_penalty");
    t->penalty_baseline = golden_attribute(r->file, "activity_baseline");
    t->params = naive_zeros(n_params);
    t->moment1 = naive_zeros(n_params);
    t->moment2 = naive_zeros(n_params);
    t->running_mean = naive_zeros(OM_HIDDEN);
    t->running_var = naive_zeros(OM_HIDDEN);
    memcpy(t->params, r->params, (size_t)n_params * sizeof(double));
    for (int c = 0; c < OM_HIDDEN; c++) t->running_var[c] = 1;
    naive_clamp(m, t->params);
    naive_steady_state(m, &r->run, golden_attribute(r->file, "t_pre_seconds"), t->params, *initial);
    compare(r->file, "steady_state", m->n_cells, *initial);
}

static void end_training(reference *r, naive_training *t)
{
    free(t->params);
    free(t->moment1);
    free(t->moment2);
    free(t->running_mean);
    free(t->running_var);
    end(r);
}

/* Everything that the reference says of its first iteration. */
static void test_first_iteration(void **state)
{
    (void)state;
    reference r;
    naive_training t;
    double *luminance, *flow, *initial;
    begin_training(&r, &t, &luminance, &flow, &initial);
    const naive_model *m = r.model;
    int images = r.run.samples * r.run.frames, types = m->circuit->n_types;
    double *activity = naive_zeros(images * m->n_cells), *d_resting = naive_zeros(types);
    double *prediction = naive_zeros(images * 2 * m->n_columns);
    double *d_params = naive_zeros((int)m->layout.n_params);
    naive_batch batch = {luminance, flow, initial, NULL};
    double loss = naive_task_loss(m, &t.task, t.params, &batch, t.running_mean, t.running_var,
                                  activity, prediction, d_params);
    double epe =
        naive_loss(OM_LOSS_EPE, r.run.samples, r.run.frames, m->n_columns, prediction, flow, NULL);
    compare(r.file, "iter0/prediction", images * 2 * m->n_columns, prediction);
    compare(r.file, "iter0/l2norm", 1, &loss);
    compare(r.file, "iter0/epe", 1, &epe);
    golden_network(r.file, "init/", "iter0/grad/", m, r.expected);
    golden_decoder(r.file, "iter0/grad/", m, r.expected);
    for (int i = 0; i < NAIVE_PARTS; i++)
        if (i != NAIVE_CONV1_BIAS) compare_part(&r, i, d_params, NULL, 1e-10);
    naive_penalty_gradient(m, &r.run, t.penalty_weight, t.penalty_baseline, t.params, luminance,
                           initial, activity, d_resting);
    /* The reference formed it from a difference of potentials after and before a small step. */
    double *expected = golden_read(r.file, types, "iter0/penalty_grad_bias");
    assert_true(naive_agrees("penalty_grad_bias", types, d_resting, expected, NULL, 1e-9));
    free(expected);
    free(luminance);
    free(flow);
    free(initial);
    free(activity);
    free(d_resting);
    free(prediction);
    free(d_params);
    end_training(&r, &t);
}

static void compare_after(reference *r, const naive_training *t)
{
    char path[64];
    snprintf(path, sizeof path, "after_%d/", t->iterations);
    print_message("after %d\n", t->iterations);
    golden_network(r->file, "init/", path, r->model, r->expected);
    golden_decoder(r->file, path, r->model, r->expected);
    for (int i = 0; i < NAIVE_PARTS; i++)
        if (i != NAIVE_CONV1_BIAS) compare_part(r, i, t->params, r->params, 1e-9);
    /* The reference's drifts on rounding noise, and takes the running mean along. */
    naive_part bias = naive_part_of(r->model, NAIVE_CONV1_BIAS);
    for (size_t k = bias.first; k < bias.first + OM_HIDDEN; k++) {
        assert_true(t->params[k] == r->params[k]);
        assert_true(fabs(t->params[k] - r->expected[k]) < 1e-7);
    }
    double *mean = golden_read(r->file, OM_HIDDEN, "%sbase.1.running_mean", path);
    double *var = golden_read(r->file, OM_HIDDEN, "%sbase.1.running_var", path);
    assert_true(naive_agrees("running mean", OM_HIDDEN, t->running_mean, mean, NULL, 1e-8));
    assert_true(naive_agrees("running variance", OM_HIDDEN, t->running_var, var, NULL, 1e-9));
    free(mean);
    free(var);
}

static void test_ten_iterations(void **state)
{
    (void)state;
    enum { ITERATIONS = 10 };
    reference r;
    naive_training t;
    double *luminance, *flow, *initial;
    double losses[ITERATIONS], penalties[ITERATIONS], mean_activity[ITERATIONS];
    begin_training(&r, &t, &luminance, &flow, &initial);
    int images = r.run.samples * r.run.frames, columns = r.model->n_columns;
    for (int k = 0; k < ITERATIONS; k++) {
        int first = k % 3 * images * columns;
        naive_batch batch = {luminance + first, flow + 2 * first, initial, NULL};
        naive_report report = naive_iterate(r.model, &t, &batch);
        losses[k] = report.loss;
        penalties[k] = report.penalty;
        mean_activity[k] = report.mean_activity;
        int done = k + 1;
        if (done == 1 || done == 2 || done == 5 || done == 10) compare_after(&r, &t);
    }
    compare(r.file, "losses", ITERATIONS, losses);
    compare(r.file, "penalties", ITERATIONS, penalties);
    compare(r.file, "mean_activity", ITERATIONS, mean_activity);
    free(luminance);
    free(flow);
    free(initial);
    end_training(&r, &t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_circuit),
        cmocka_unit_test(test_the_library_reads_the_same_circuit),
        cmocka_unit_test(test_initial_strength),
        cmocka_unit_test(test_dynamics_with_every_activation),
        cmocka_unit_test(test_network_gradients),
        cmocka_unit_test(test_decoder),
        cmocka_unit_test(test_first_iteration),
        cmocka_unit_test(test_ten_iterations),
    };
    if (!golden_present()) return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
