/* The naive model judged by itself: what can be said by hand about dynamics, decoder, losses and
 * optimiser, and every gradient against central differences on small random circuits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "naive.h"

/* A random model and everything that a pass through it needs. */
typedef struct fixture {
    om_circuit *circuit;
    naive_model *model;
    naive_task task;
    naive_batch batch;
    int images, n_params, n_activity, n_flow, n_keep;
    double *params, *luminance, *flow, *initial, *keep;
    double *activity, *prediction;
    double running_mean[OM_HIDDEN], running_var[OM_HIDDEN];
    double *weight; /* [n_activity] or of flow: of a loss that is a weighted sum */
} fixture;

static fixture *create(uint64_t seed, bool strides)
{
    fixture *f = naive_zeroed(1, sizeof *f);
    f->circuit = naive_random_circuit(seed, 8, 20, 2, strides);
    f->model = naive_create(f->circuit);
    f->task = (naive_task){{NAIVE_RELU, 0.02, 2, 4}, OM_LOSS_L2NORM, true, 0.3};
    f->images = f->task.run.samples * f->task.run.frames;
    f->n_params = (int)f->model->layout.n_params;
    f->n_activity = f->images * f->model->n_cells;
    f->n_flow = f->images * 2 * f->model->n_columns;
    f->n_keep = f->images * OM_HIDDEN * f->model->side * f->model->side;
    f->params = naive_zeros(f->n_params);
    f->luminance = naive_zeros(f->images * f->model->n_columns);
    f->flow = naive_zeros(f->n_flow);
    f->initial = naive_zeros(f->task.run.samples * f->model->n_cells);
    f->keep = naive_zeros(f->n_keep);
    f->activity = naive_zeros(f->n_activity);
    f->prediction = naive_zeros(f->n_flow);
    f->weight = naive_zeros(f->n_activity + f->n_flow);
    naive_random_params(seed, f->model, f->params);
    naive_fill(&seed, f->images * f->model->n_columns, 0.5, 0.3, f->luminance);
    naive_fill(&seed, f->n_flow, 0, 1, f->flow);
    naive_fill(&seed, f->task.run.samples * f->model->n_cells, 0.3, 0.5, f->initial);
    naive_fill(&seed, f->n_activity + f->n_flow, 0, 1, f->weight);
    naive_fill(&seed, OM_HIDDEN, 0, 0.3, f->running_mean);
    for (int k = 0; k < f->n_keep; k++) f->keep[k] = naive_uniform(&seed) < 0.7 ? 1 : 0;
    for (int c = 0; c < OM_HIDDEN; c++) f->running_var[c] = 0.5 + naive_uniform(&seed);
    f->batch = (naive_batch){f->luminance, f->flow, f->initial, f->keep};
    return f;
}

static void destroy(fixture *f)
{
    naive_free(f->model);
    naive_circuit_free(f->circuit);
    free(f->params);
    free(f->luminance);
    free(f->flow);
    free(f->initial);
    free(f->keep);
    free(f->activity);
    free(f->prediction);
    free(f->weight);
    free(f);
}

static double dot(int n, const double *a, const double *b)
{
    double sum = 0;
    for (int k = 0; k < n; k++) sum += a[k] * b[k];
    return sum;
}

/* A gradient against central differences of f by each x[k]. */
static void check(const char *what, double (*f)(void *), fixture *context, int n, double *x,
                  const double *gradient)
{
    double *differences = naive_zeros(n);
    for (int k = 0; k < n; k++) differences[k] = naive_difference(f, context, &x[k], 1e-6);
    assert_true(naive_agrees(what, n, gradient, differences, NULL, 1e-7));
    free(differences);
}

/* The same for the parameters, part by part, so that no part hides behind a larger one. In training
 * the gradient of conv1 bias must be exactly 0, and its differences rounding noise. */
static void check_parts(double (*f)(void *), fixture *context, int from, int to,
                        const double *gradient)
{
    for (int i = from; i < to; i++) {
        naive_part part = naive_part_of(context->model, i);
        double *x = context->params + part.first;
        const double *d = gradient + part.first;
        if (i != NAIVE_CONV1_BIAS || !context->task.training) {
            check(part.name, f, context, part.n, x, d);
            continue;
        }
        for (int k = 0; k < part.n; k++) {
            assert_true(d[k] == 0);
            assert_true(fabs(naive_difference(f, context, &x[k], 1e-6)) < 1e-7);
        }
    }
}

/* Circuit and layout ------------------------------------------------------------------------- */

static void test_random_circuit_has_everything(void **state)
{
    (void)state;
    om_circuit *c = naive_random_circuit(1, 8, 20, 2, true);
    assert_int_equal(c->n_columns, 19);
    assert_int_equal(c->types[4].stride_u, 3);
    assert_int_equal(c->types[4].cells, 3); /* (0, -2), (0, 0), (0, 2) */
    assert_int_equal(c->types[7].cells, 11);
    assert_int_equal(c->n_cells, 6 * 19 + 3 + 11);
    assert_int_equal(c->pairs[19].edges, 0);
    assert_true(c->n_live_pairs < c->n_pairs && c->n_live_taps < c->n_taps);
    assert_true(c->n_taps > c->n_pairs);
    int64_t edges = 0;
    for (int i = 0; i < c->n_taps; i++) edges += c->taps[i].edges;
    assert_int_equal(edges, c->n_edges);
    naive_circuit_free(c);
}

static void test_19_entries_of_a_kernel_are_free(void **state)
{
    (void)state;
    fixture *f = create(2, true);
    const om_layout *l = &f->model->layout;
    int masked = 0;
    for (size_t k = 0; k < l->n_params; k++) masked += naive_masked(f->model, k);
    assert_int_equal(masked, 6 * (8 * f->circuit->n_outputs + 3 * 8));
    assert_true(naive_masked(f->model, l->conv1_weight));      /* (-2, -2) */
    assert_false(naive_masked(f->model, l->conv1_weight + 2)); /* (-2, 0) */
    assert_false(naive_masked(f->model, l->conv1_weight + 4)); /* (-2, 2) */
    assert_true(naive_masked(f->model, l->conv2_weight + 24)); /* (2, 2) */
    destroy(f);
}

/* What holds of the naive model's parameter vector holds of the library's. */
static void test_the_layout_is_the_library_s(void **state)
{
    (void)state;
    fixture *f = create(7, true);
    const om_layout a = f->model->layout, b = om_layout_of(f->circuit);
    assert_true(a.n_types == b.n_types && a.n_pairs == b.n_pairs && a.n_outputs == b.n_outputs);
    assert_true(a.resting_potential == b.resting_potential && a.time_constant == b.time_constant);
    assert_true(a.strength == b.strength && a.decoder == b.decoder && a.n_params == b.n_params);
    assert_true(a.conv1_weight == b.conv1_weight && a.conv1_bias == b.conv1_bias);
    assert_true(a.norm_weight == b.norm_weight && a.norm_bias == b.norm_bias);
    assert_true(a.conv2_weight == b.conv2_weight && a.conv2_bias == b.conv2_bias);
    assert_true(a.n_network == b.n_network && a.n_decoder == b.n_decoder);
    for (int k = 0; k < OM_KERNEL_CELLS; k++)
        assert_int_equal(naive_masked(f->model, a.conv1_weight + (size_t)k),
                         !om_kernel_inside(k / OM_KERNEL, k % OM_KERNEL));
    destroy(f);
}

/* Network ------------------------------------------------------------------------------------ */

/* Without synapses V relaxes: V_k = s + (V_0 - s) (1 - dt / max(tau, dt))^k, s = b + e. */
static void test_a_lone_cell_relaxes(void **state)
{
    (void)state;
    fixture *f = create(3, true);
    const naive_model *m = f->model;
    const naive_run *run = &f->task.run;
    memset(f->params + m->layout.strength, 0, 20 * sizeof(double));
    for (int k = 0; k < f->images * m->n_columns; k++) f->luminance[k] = 0.8;
    naive_forward(m, run, f->params, f->luminance, f->initial, f->activity);
    for (int i = 0; i < m->n_cells; i++) {
        int type = m->cells[i].type;
        double tau = f->params[m->layout.time_constant + (size_t)type];
        double settled = f->params[type] + (f->circuit->types[type].input ? 0.8 : 0);
        double left = pow(1 - run->dt_s / fmax(tau, run->dt_s), run->frames);
        double expected = settled + (f->initial[i] - settled) * left;
        assert_true(fabs(f->activity[(run->frames - 1) * m->n_cells + i] - expected) < 1e-12);
    }
    destroy(f);
}

/* The same for the steady state: int(t_pre / dt) steps, truncated, from V = b in grey. */
static void test_steady_state_takes_whole_steps(void **state)
{
    (void)state;
    fixture *f = create(6, true);
    const naive_model *m = f->model;
    naive_run run = {NAIVE_RELU, 0.01, 2, 1};
    memset(f->params + m->layout.strength, 0, 20 * sizeof(double));
    naive_steady_state(m, &run, 0.29, f->params, f->initial); /* 0.29 / 0.01 is just below 29 */
    for (int i = 0; i < 2 * m->n_cells; i++) {
        int type = m->cells[i % m->n_cells].type;
        double tau = f->params[m->layout.time_constant + (size_t)type], expected = f->params[type];
        if (f->circuit->types[type].input)
            expected += 0.5 * (1 - pow(1 - run.dt_s / fmax(tau, run.dt_s), 28));
        assert_true(fabs(f->initial[i] - expected) < 1e-12);
    }
    destroy(f);
}

/* With b = e = 0 and tau below dt, one step turns a unit impulse in one cell into its weights. */
static void test_an_impulse_shows_the_taps(void **state)
{
    (void)state;
    fixture *f = create(4, false);
    const naive_model *m = f->model;
    const om_circuit *c = f->circuit;
    naive_run run = {NAIVE_RELU, 0.02, 1, 1};
    memset(f->luminance, 0, (size_t)m->n_columns * sizeof(double));
    memset(f->params, 0, (size_t)(2 * c->n_types) * sizeof(double));
    int source_type = c->pairs[0].source, source = naive_find_cell(m, source_type, 1, -1);
    memset(f->initial, 0, (size_t)m->n_cells * sizeof(double));
    f->initial[source] = 1;
    naive_forward(m, &run, f->params, f->luminance, f->initial, f->activity);
    double *expected = naive_zeros(m->n_cells);
    for (int p = 0; p < c->n_pairs; p++)
        for (int t = 0; t < c->pairs[p].n_taps && c->pairs[p].source == source_type; t++) {
            const om_tap *tap = &c->taps[c->pairs[p].first_tap + t];
            int cell = naive_find_cell(m, c->pairs[p].target, 1 + tap->du, -1 + tap->dv);
            if (cell >= 0)
                expected[cell] +=
                    c->pairs[p].sign * tap->count * f->params[m->layout.strength + (size_t)p];
        }
    assert_true(naive_agrees("impulse", m->n_cells, f->activity, expected, NULL, 1e-15));
    free(expected);
    destroy(f);
}

static double weighted_activity(void *context)
{
    fixture *f = context;
    naive_forward(f->model, &f->task.run, f->params, f->luminance, f->initial, f->activity);
    return dot(f->n_activity, f->weight, f->activity);
}

static void check_network(fixture *f, const char *name)
{
    const naive_model *m = f->model;
    const om_layout *l = &m->layout;
    int types = l->n_types, n_light = f->images * m->n_columns;
    int n_initial = f->task.run.samples * m->n_cells;
    double *d_params = naive_zeros(f->n_params), *d_light = naive_zeros(n_light);
    double *d_initial = naive_zeros(n_initial);
    weighted_activity(f);
    naive_adjoint(m, &f->task.run, f->params, f->luminance, f->initial, f->activity, f->weight,
                  d_params, d_light, d_initial);
    print_message("%s\n", name);
    check_parts(weighted_activity, f, 0, NAIVE_DECODER, d_params);
    check("luminance", weighted_activity, f, n_light, f->luminance, d_light);
    check("initial state", weighted_activity, f, n_initial, f->initial, d_initial);
    for (int k = 0; k < types; k++) {
        size_t tau = l->time_constant + (size_t)k;
        assert_int_equal(d_params[tau] == 0, f->params[tau] <= f->task.run.dt_s);
    }
    assert_true(d_params[l->n_network - 1] == 0); /* the pair without synapses */
    free(d_params);
    free(d_light);
    free(d_initial);
}

static void test_network_gradients(void **state)
{
    (void)state;
    const char *names[NAIVE_ACTIVATIONS] = {"relu",     "leaky relu", "elu",
                                            "softplus", "tanh",       "sigmoid"};
    for (int activation = 0; activation < NAIVE_ACTIVATIONS; activation++) {
        fixture *f = create(10 + (uint64_t)activation, activation % 2 == 0);
        f->task.run.activation = (naive_activation)activation;
        check_network(f, names[activation]);
        destroy(f);
    }
}

static void test_clamp_lifts_negative_strengths_only(void **state)
{
    (void)state;
    fixture *f = create(5, true);
    size_t strength = f->model->layout.strength;
    double other = f->params[strength + 1];
    f->params[strength] = -1, f->params[0] = -2, f->params[f->model->layout.time_constant] = -3;
    naive_clamp(f->model, f->params);
    assert_true(f->params[strength] == 0 && f->params[strength + 1] == other);
    assert_true(f->params[0] == -2 && f->params[f->model->layout.time_constant] == -3);
    destroy(f);
}

/* Decoder ------------------------------------------------------------------------------------ */

static double weighted_flow(void *context)
{
    fixture *f = context;
    naive_decode_options options = {f->task.run.samples, f->task.run.frames, f->task.training,
                                    f->task.dropout, f->keep};
    double mean[OM_HIDDEN], var[OM_HIDDEN];
    memcpy(mean, f->running_mean, sizeof mean);
    memcpy(var, f->running_var, sizeof var);
    naive_decoded_free(
        naive_decode(f->model, &options, f->params, mean, var, f->activity, f->prediction));
    return dot(f->n_flow, f->weight, f->prediction);
}

static void check_decoder(fixture *f)
{
    const om_layout *l = &f->model->layout;
    naive_decode_options options = {f->task.run.samples, f->task.run.frames, f->task.training,
                                    f->task.dropout, f->keep};
    double *d_params = naive_zeros(f->n_params), *d_activity = naive_zeros(f->n_activity);
    double mean[OM_HIDDEN], var[OM_HIDDEN];
    memcpy(mean, f->running_mean, sizeof mean);
    memcpy(var, f->running_var, sizeof var);
    naive_decoded *decoded =
        naive_decode(f->model, &options, f->params, mean, var, f->activity, f->prediction);
    naive_decode_adjoint(f->model, decoded, f->params, f->weight, d_params, d_activity);
    naive_decoded_free(decoded);
    check_parts(weighted_flow, f, NAIVE_DECODER, NAIVE_PARTS, d_params);
    check("activity", weighted_flow, f, f->n_activity, f->activity, d_activity);
    for (size_t k = 0; k < l->n_params; k++)
        if (k < l->n_network || naive_masked(f->model, k)) assert_true(d_params[k] == 0);
    free(d_params);
    free(d_activity);
}

static void test_decoder_gradients(void **state)
{
    (void)state;
    for (int training = 0; training < 2; training++) {
        fixture *f = create(20 + (uint64_t)training, training);
        f->task.training = training;
        print_message("%s\n", training ? "own statistics" : "running statistics");
        weighted_activity(f);
        check_decoder(f);
        destroy(f);
    }
}

/* Dropout scales what it keeps; running statistics move by a tenth, to the unbiased variance. */
static void test_dropout_and_running_statistics_by_hand(void **state)
{
    (void)state;
    fixture *f = create(23, true);
    naive_decode_options options = {f->task.run.samples, f->task.run.frames, true, 0.25, f->keep};
    double mean[OM_HIDDEN], var[OM_HIDDEN];
    int map = f->model->side * f->model->side, n = f->images * map;
    memcpy(mean, f->running_mean, sizeof mean);
    memcpy(var, f->running_var, sizeof var);
    weighted_activity(f);
    naive_decoded *d =
        naive_decode(f->model, &options, f->params, mean, var, f->activity, f->prediction);
    for (int k = 0; k < f->n_keep; k++) {
        double expected = f->keep[k] > 0 ? log1p(exp(d->scaled[k])) / 0.75 : 0;
        assert_true(fabs(d->kept[k] - expected) < 1e-14);
    }
    for (int c = 0; c < OM_HIDDEN; c++) {
        double sum = 0, squares = 0;
        for (int k = 0; k < f->n_keep; k++)
            if (k / map % OM_HIDDEN == c) sum += d->hidden[k], squares += pow(d->hidden[k], 2);
        double unbiased = (squares - sum * sum / n) / (n - 1);
        assert_true(fabs(mean[c] - 0.9 * f->running_mean[c] - 0.1 * sum / n) < 1e-13);
        assert_true(fabs(var[c] - 0.9 * f->running_var[c] - 0.1 * unbiased) < 1e-13);
    }
    naive_decoded_free(d);
    destroy(f);
}

/* Running statistics that are used stay as they are; dropout is independent of them. */
static void test_running_statistics_in_use_do_not_move(void **state)
{
    (void)state;
    fixture *f = create(22, true);
    naive_decode_options options = {f->task.run.samples, f->task.run.frames, false, 0.3, f->keep};
    double mean[OM_HIDDEN], var[OM_HIDDEN];
    memcpy(mean, f->running_mean, sizeof mean);
    memcpy(var, f->running_var, sizeof var);
    weighted_activity(f);
    naive_decoded *d =
        naive_decode(f->model, &options, f->params, mean, var, f->activity, f->prediction);
    assert_memory_equal(mean, f->running_mean, sizeof mean);
    assert_memory_equal(var, f->running_var, sizeof var);
    assert_memory_equal(d->mean, mean, sizeof mean);
    assert_memory_equal(d->var, var, sizeof var);
    for (int k = 0; k < f->n_keep; k++) assert_true((d->kept[k] > 0) == (f->keep[k] > 0));
    naive_decoded_free(d);
    destroy(f);
}

/* Losses and training ------------------------------------------------------------------------ */

static void test_losses_by_hand(void **state)
{
    (void)state;
    /* Two samples, one frame, two columns: errors (3, 4), (0, 0) and (0, 0), (0, 0). */
    const double target[8] = {0}, prediction[8] = {3, 0, 4, 0, 0, 0, 0, 0};
    double d[8] = {0};
    assert_true(naive_loss(OM_LOSS_L2NORM, 2, 1, 2, prediction, target, d) == 2.5);
    for (int k = 0; k < 8; k++) assert_true(d[k] == (k == 0 ? 0.3 : k == 2 ? 0.4 : 0));
    memset(d, 0, sizeof d);
    assert_true(naive_loss(OM_LOSS_EPE, 2, 1, 2, prediction, target, d) == 1.25);
    for (int k = 0; k < 8; k++)
        assert_true(fabs(d[k] - (k == 0 ? 0.15 : k == 2 ? 0.2 : 0)) < 1e-16);
}

/* Frames before a quarter do not count; above the baseline a tenth of the distance does. */
static void test_penalty_by_hand(void **state)
{
    (void)state;
    fixture *f = create(41, true);
    const naive_model *m = f->model;
    const double frames[5] = {1000, 1.5, -0.5, -0.5, -0.5}; /* the last four: mean 0 */
    for (int type = 0; type < m->circuit->n_types; type++)
        for (int frame = 0; frame < 5; frame++) {
            int cell = naive_find_cell(m, type, 0, 0);
            f->activity[frame * m->n_cells + cell] = (type == 0 ? 7 : 4) + frames[frame];
        }
    double expected = 0.1 * (0.2 * 0.2 + 7) / 8;
    assert_true(fabs(naive_penalty(m, 1, 5, 0.1, 5, f->activity, NULL) - expected) < 1e-15);
    destroy(f);
}

static double task_loss(void *context)
{
    fixture *f = context;
    double mean[OM_HIDDEN], var[OM_HIDDEN];
    memcpy(mean, f->running_mean, sizeof mean);
    memcpy(var, f->running_var, sizeof var);
    return naive_task_loss(f->model, &f->task, f->params, &f->batch, mean, var, NULL, NULL, NULL);
}

static void test_task_gradients(void **state)
{
    (void)state;
    for (int loss = 0; loss < 2; loss++) {
        fixture *f = create(30 + (uint64_t)loss, true);
        double *d_params = naive_zeros(f->n_params), mean[OM_HIDDEN] = {0}, var[OM_HIDDEN] = {0};
        f->task.loss = loss ? OM_LOSS_EPE : OM_LOSS_L2NORM;
        print_message("%s\n", loss ? "epe" : "l2norm");
        naive_task_loss(f->model, &f->task, f->params, &f->batch, mean, var, NULL, NULL, d_params);
        for (int k = 0; k < f->n_params; k++)
            if (naive_masked(f->model, (size_t)k)) assert_true(d_params[k] == 0);
        check_parts(task_loss, f, 0, NAIVE_PARTS, d_params);
        free(d_params);
        destroy(f);
    }
}

static double penalty(void *context)
{
    fixture *f = context;
    naive_forward(f->model, &f->task.run, f->params, f->luminance, f->initial, f->activity);
    return naive_penalty(f->model, f->task.run.samples, f->task.run.frames, 0.1, 0.4, f->activity,
                         NULL);
}

/* With a baseline that some types are above and some below. */
static void test_penalty_gradient(void **state)
{
    (void)state;
    fixture *f = create(40, true);
    int types = f->circuit->n_types;
    double *d_resting = naive_zeros(types), value = penalty(f);
    double again = naive_penalty_gradient(f->model, &f->task.run, 0.1, 0.4, f->params, f->luminance,
                                          f->initial, f->activity, d_resting);
    assert_true(value == again && value > 0);
    check("penalty by resting potentials", penalty, f, types, f->params, d_resting);
    free(d_resting);
    destroy(f);
}

static naive_training begin(fixture *f)
{
    naive_training t = {.task = f->task, .rate_network = 1e-3, .rate_decoder = 2e-3};
    t.penalty_weight = 0.1, t.penalty_baseline = 5;
    t.params = f->params;
    t.moment1 = naive_zeros(f->n_params);
    t.moment2 = naive_zeros(f->n_params);
    t.running_mean = f->running_mean;
    t.running_var = f->running_var;
    return t;
}

/* The first Adam step has the length of the rate, whatever the gradient's size, but for 1e-8. */
static void test_first_adam_step(void **state)
{
    (void)state;
    fixture *f = create(50, true);
    const om_layout *l = &f->model->layout;
    naive_training t = begin(f);
    double *gradient = naive_zeros(f->n_params), *before = naive_zeros(f->n_params);
    memcpy(before, f->params, (size_t)f->n_params * sizeof *before);
    const double gradients[4] = {0, 0.1, -30, 1e-8}, steps[4] = {0, -1, 1, -0.5};
    for (int k = 0; k < f->n_params; k++) gradient[k] = gradients[k % 4];
    naive_adam(f->model, &t, gradient);
    for (size_t k = 0; k < l->n_params; k++) {
        double rate = k < l->n_network ? 1e-3 : 2e-3;
        double step = naive_masked(f->model, k) ? 0 : rate * steps[k % 4];
        assert_true(fabs(f->params[k] - before[k] - step) < 1e-9);
    }
    free(t.moment1);
    free(t.moment2);
    free(gradient);
    free(before);
    destroy(f);
}

static void test_iterations_lower_the_loss(void **state)
{
    (void)state;
    fixture *f = create(51, true);
    const om_layout *l = &f->model->layout;
    naive_training t = begin(f);
    f->params[l->strength] = -1; /* clamped before the forward pass */
    double bias = f->params[l->conv1_bias], first = 0, last = 0;
    for (int k = 0; k < 10; k++) {
        naive_report report = naive_iterate(f->model, &t, &f->batch);
        if (k == 0) first = report.loss;
        last = report.loss;
        assert_true(report.penalty > 0 && report.epe > 0);
    }
    assert_true(last < first && t.iterations == 10);
    assert_true(f->params[l->conv1_bias] == bias && f->params[l->strength] >= 0);
    for (size_t k = 0; k < l->n_params; k++)
        if (naive_masked(f->model, k)) assert_true(f->params[k] == 0 && t.moment2[k] == 0);
    free(t.moment1);
    free(t.moment2);
    destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_circuit_has_everything),
        cmocka_unit_test(test_19_entries_of_a_kernel_are_free),
        cmocka_unit_test(test_the_layout_is_the_library_s),
        cmocka_unit_test(test_a_lone_cell_relaxes),
        cmocka_unit_test(test_steady_state_takes_whole_steps),
        cmocka_unit_test(test_an_impulse_shows_the_taps),
        cmocka_unit_test(test_network_gradients),
        cmocka_unit_test(test_clamp_lifts_negative_strengths_only),
        cmocka_unit_test(test_decoder_gradients),
        cmocka_unit_test(test_dropout_and_running_statistics_by_hand),
        cmocka_unit_test(test_running_statistics_in_use_do_not_move),
        cmocka_unit_test(test_losses_by_hand),
        cmocka_unit_test(test_penalty_by_hand),
        cmocka_unit_test(test_task_gradients),
        cmocka_unit_test(test_penalty_gradient),
        cmocka_unit_test(test_first_adam_step),
        cmocka_unit_test(test_iterations_lower_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
