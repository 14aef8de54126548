/* Network and decoder against the naive double-precision model: every kernel that this machine runs,
 * several threads, odd batches and frames. */
#include "decoder_bench.h"
#include "every_kernel.h"

static const double DROPOUT = 0.5;

/* One batch through the naive model and through the library. */
typedef struct setting {
    om_circuit *circuit;
    naive_model *naive;
    om_activation activation;
    int batch, frames;
    bool training;
    om_loss loss;
} setting;

/* Everything that either side computes, as doubles. */
typedef struct outcome {
    double *activity, *flow, *d_params, *d_resting;
    double loss, penalty;
    double mean[OM_HIDDEN], var[OM_HIDDEN];
} outcome;

static int cells_of(const setting *s) { return s->batch * s->frames * s->naive->n_cells; }
static int columns_of(const setting *s) { return s->batch * s->frames * s->naive->n_columns; }
static int params_of(const setting *s) { return (int)s->naive->layout.n_params; }

static outcome make_outcome(const setting *s)
{
    return (outcome){.activity = naive_zeros(cells_of(s)),
                     .flow = naive_zeros(2 * columns_of(s)),
                     .d_params = naive_zeros(params_of(s)),
                     .d_resting = naive_zeros(s->circuit->n_types),
                     .mean = {0.1, 0.2},
                     .var = {1, 1.5, 1, 1, 1, 2, 1, 1}};
}

static void free_outcome(outcome *o)
{
    free(o->activity), free(o->flow), free(o->d_params), free(o->d_resting);
}

/* Inputs that are exact in single precision. */
typedef struct inputs {
    double *params, *luminance, *flow, *keep;
} inputs;

static inputs make_inputs(const setting *s)
{
    uint64_t seed = 11;
    int side = s->naive->side, images = s->batch * s->frames;
    inputs in = {naive_zeros(params_of(s)), naive_zeros(columns_of(s)),
                 naive_zeros(2 * columns_of(s)), naive_zeros(images * OM_HIDDEN * side * side)};
    naive_random_params(5, s->naive, in.params);
    naive_fill(&seed, columns_of(s), 0.5, 0.3, in.luminance);
    naive_fill(&seed, 2 * columns_of(s), 0, 1, in.flow);
    for (int i = 0; i < images * OM_HIDDEN * side * side; i++)
        in.keep[i] = naive_uniform(&seed) < 0.5;
    round_to_float(params_of(s), in.params);
    round_to_float(columns_of(s), in.luminance);
    round_to_float(2 * columns_of(s), in.flow);
    return in;
}

static void free_inputs(inputs *in)
{
    free(in->params), free(in->luminance), free(in->flow), free(in->keep);
}

static outcome run_naive(const setting *s, const inputs *in)
{
    outcome o = make_outcome(s);
    naive_task task = {
        {(naive_activation)s->activation, DT, s->batch, s->frames}, s->loss, s->training, DROPOUT};
    double *initial = naive_zeros(s->batch * s->naive->n_cells);
    naive_steady_state(s->naive, &task.run, GREY_S, in->params, initial);
    naive_batch batch = {in->luminance, in->flow, initial, s->training ? in->keep : NULL};
    o.loss = naive_task_loss(s->naive, &task, in->params, &batch, o.mean, o.var, o.activity, o.flow,
                             o.d_params);
    o.penalty = naive_penalty_gradient(s->naive, &task.run, 0.1, 5, in->params, in->luminance,
                                       initial, o.activity, o.d_resting);
    free(initial);
    return o;
}

/* ---- the library's side ---- */

static outcome run_library(const setting *s, const inputs *in, const char *isa, int threads)
{
    outcome o = make_outcome(s);
    const om_kernels *kernels;
    om_network *network;
    om_decoder *decoder;
    size_t columns = (size_t)s->naive->n_columns, film = (size_t)s->frames * columns;
    const om_layout *l = &s->naive->layout;
    assert_int_equal(om_kernels_select(isa, &kernels), OM_OK);
    om_network_options options = {.batch = s->batch,
                                  .frames = s->frames,
                                  .dt_s = DT,
                                  .threads = threads,
                                  .activation = s->activation,
                                  .kernels = kernels};
    assert_int_equal(om_network_create(s->circuit, &options, &network), OM_OK);
    om_decoder_options decode = {
        .batch = s->batch, .frames = s->frames, .threads = threads, .kernels = kernels};
    const om_geometry *geometry = om_network_geometry(network);
    assert_int_equal(om_decoder_create(s->circuit, geometry, &decode, &decoder), OM_OK);
    om_real *params = reals(l->n_params, in->params);
    om_real *luminance = reals((size_t)columns_of(s), in->luminance);
    om_real *flow = reals(2 * (size_t)columns_of(s), in->flow);
    om_real *d_params = reals(l->n_params, NULL);
    om_real *d_resting = reals((size_t)l->n_types, NULL);

    om_network_set_params(network, params);
    om_decoder_set_params(decoder, params + l->decoder);
    om_network_settle(network, (int)(GREY_S / DT), (om_real)0.5);
    for (int b = 0; b < s->batch; b++) {
        om_network_set_luminance(network, b, luminance + (size_t)b * film);
        om_decoder_set_target(decoder, b, flow + 2 * (size_t)b * film);
    }
    om_network_forward(network);
    om_moments moments, running;
    om_penalty penalty = {.activity = 0.1, .baseline = 5, .d_resting = d_resting};
    for (int h = 0; h < OM_HIDDEN; h++)
        running.mean[h] = (om_real)o.mean[h], running.var[h] = (om_real)o.var[h];
    if (s->training) {
        set_keep(decoder, s->batch, s->frames, in->keep);
        om_decoder_forward(decoder, network, DROPOUT, NULL, &moments);
        om_moments_update(&running, &moments, om_decoder_count(decoder));
        om_decoder_adjoint(decoder, network, s->loss, d_params + l->decoder);
        om_network_adjoint(network, &penalty, d_params, NULL, NULL);
    } else {
        om_decoder_evaluate(decoder, network, &running);
        om_network_adjoint(network, &penalty, d_params, NULL, NULL);
        memset(d_params, 0, l->n_params * sizeof *d_params); /* of the loss nobody asked */
    }
    o.penalty = penalty.value;

    read_activity(s->naive, network, s->batch, s->frames, o.activity);
    for (int b = 0; b < s->batch; b++) {
        double loss =
            s->loss == OM_LOSS_EPE ? om_decoder_epe(decoder, b) : om_decoder_l2norm(decoder, b);
        o.loss += loss / s->batch;
        for (int f = 0; f < s->frames; f++) {
            om_decoder_flow(decoder, b, f, flow);
            copy(2 * columns, flow, o.flow + (size_t)(b * s->frames + f) * 2 * columns);
        }
    }
    copy(l->n_params, d_params, o.d_params);
    copy((size_t)l->n_types, d_resting, o.d_resting);
    copy(OM_HIDDEN, running.mean, o.mean);
    copy(OM_HIDDEN, running.var, o.var);
    free(params), free(luminance), free(flow), free(d_params), free(d_resting);
    om_decoder_free(decoder);
    om_network_free(network);
    return o;
}

/* ---- comparisons ---- */

static void compare(const setting *s, const outcome *actual, const outcome *expected)
{
    bool ok =
        naive_agrees("activity", cells_of(s), actual->activity, expected->activity, NULL, FORWARD);
    ok &= naive_agrees("flow", 2 * columns_of(s), actual->flow, expected->flow, NULL, FORWARD);
    ok &= naive_agrees("loss", 1, &actual->loss, &expected->loss, NULL, FORWARD);
    ok &= naive_agrees("penalty", 1, &actual->penalty, &expected->penalty, NULL, FORWARD);
    ok &= naive_agrees("penalty's gradient", s->circuit->n_types, actual->d_resting,
                       expected->d_resting, NULL, GRADIENT);
    ok &= naive_agrees("running mean", OM_HIDDEN, actual->mean, expected->mean, NULL, FORWARD);
    ok &= naive_agrees("running variance", OM_HIDDEN, actual->var, expected->var, NULL, FORWARD);
    for (int i = 0; i < NAIVE_PARTS && s->training; i++) {
        naive_part part = naive_part_of(s->naive, i);
        ok &= naive_agrees(part.name, part.n, actual->d_params + part.first,
                           expected->d_params + part.first, NULL, GRADIENT);
    }
    assert_true(ok);
}

static void compare_all_kernels(setting s)
{
    s.naive = naive_create(s.circuit);
    inputs in = make_inputs(&s);
    outcome expected = run_naive(&s, &in);
    for (int i = 0; i < N_ISAS; i++) {
        if (!available(isas[i])) continue;
        print_message("%s, batch %d, %d frames\n", isas[i], s.batch, s.frames);
        outcome actual = run_library(&s, &in, isas[i], 1);
        compare(&s, &actual, &expected);
        free_outcome(&actual);
    }
    free_outcome(&expected);
    free_inputs(&in);
    naive_free(s.naive);
}

static void test_random_circuits_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        setting s = {.circuit = naive_random_circuit(seed, 7, 18, 2 + (int)seed, true),
                     .batch = 2 + (int)seed,
                     .frames = 9,
                     .training = true,
                     .loss = seed == 2 ? OM_LOSS_EPE : OM_LOSS_L2NORM};
        compare_all_kernels(s);
        naive_circuit_free(s.circuit);
    }
}

static void test_motion_pathway_agrees(void **state)
{
    (void)state;
    setting s = {.batch = 4, .frames = 8, .training = true, .loss = OM_LOSS_L2NORM};
    assert_int_equal(om_circuit_open("motion-pathway", 4, &s.circuit), OM_OK);
    compare_all_kernels(s);
    om_circuit_free(s.circuit);
}

static void test_evaluation_agrees(void **state)
{
    (void)state;
    setting s = {.circuit = naive_random_circuit(9, 6, 14, 3, true),
                 .batch = 1,
                 .frames = 5,
                 .loss = OM_LOSS_EPE};
    compare_all_kernels(s);
    naive_circuit_free(s.circuit);
}

/* The decoder reads relu(V), also where the cells release something else. */
static void test_decoder_rectifies_whatever_the_activation(void **state)
{
    (void)state;
    for (int a = OM_LEAKY_RELU; a < OM_ACTIVATIONS; a++) {
        setting s = {.circuit = naive_random_circuit(6, 6, 14, 2, true),
                     .activation = (om_activation)a,
                     .batch = 3,
                     .frames = 6,
                     .training = true};
        compare_all_kernels(s);
        naive_circuit_free(s.circuit);
    }
}

static void assert_same_bits(const setting *s, const outcome *a, const outcome *b)
{
    size_t d = sizeof(double);
    assert_memory_equal(a->activity, b->activity, (size_t)cells_of(s) * d);
    assert_memory_equal(a->flow, b->flow, 2 * (size_t)columns_of(s) * d);
    assert_memory_equal(a->d_params, b->d_params, (size_t)params_of(s) * d);
    assert_memory_equal(a->d_resting, b->d_resting, (size_t)s->circuit->n_types * d);
    assert_memory_equal(a->var, b->var, sizeof a->var);
    assert_true(a->loss == b->loss && a->penalty == b->penalty);
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    setting s = {.batch = 5, .frames = 6, .training = true, .loss = OM_LOSS_L2NORM};
    assert_int_equal(om_circuit_open("motion-pathway", 4, &s.circuit), OM_OK);
    s.naive = naive_create(s.circuit);
    inputs in = make_inputs(&s);
    for (int i = 0; i < N_ISAS; i++) {
        if (!available(isas[i])) continue;
        outcome one = run_library(&s, &in, isas[i], 1);
        for (int threads = 2; threads <= 5; threads++) {
            outcome more = run_library(&s, &in, isas[i], threads);
            assert_same_bits(&s, &one, &more);
            free_outcome(&more);
        }
        free_outcome(&one);
    }
    free_inputs(&in);
    naive_free(s.naive);
    om_circuit_free(s.circuit);
}

/* Both fuse the same multiply-adds in the same order, so nodes of either kind train the same models. */
static void test_avx2_and_avx512_give_the_same_bits(void **state)
{
    (void)state;
    if (!available("avx512") || !available("avx2")) skip();
    setting s = {.batch = 4, .frames = 8, .training = true, .loss = OM_LOSS_L2NORM};
    assert_int_equal(om_circuit_open("motion-pathway", 5, &s.circuit), OM_OK);
    s.naive = naive_create(s.circuit);
    inputs in = make_inputs(&s);
    outcome a = run_library(&s, &in, "avx2", 1), b = run_library(&s, &in, "avx512", 2);
    assert_same_bits(&s, &a, &b);
    free_outcome(&a);
    free_outcome(&b);
    free_inputs(&in);
    naive_free(s.naive);
    om_circuit_free(s.circuit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_circuits_agree),
        cmocka_unit_test(test_motion_pathway_agrees),
        cmocka_unit_test(test_evaluation_agrees),
        cmocka_unit_test(test_decoder_rectifies_whatever_the_activation),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_avx2_and_avx512_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
