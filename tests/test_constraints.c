/* What holds a model's parameters, its own synapse counts, and that what cannot be is refused: whole
 * iterations under these options are compared with the naive model in test_train.c. */
#include "train_bench.h"

/* ---- what is refused ---- */

/* Their initial value counts, as it is clamped; one that is equal to the time step is well. */
static void test_a_time_step_larger_than_a_time_constant_is_refused(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    om_circuit *circuit = naive_random_circuit(1, 7, 18, 2, true);
    options.batch.dt_s = options.init.time_constant_s;
    must(om_train_check(circuit, &options));
    options.batch.dt_s = 0.06;
    must_say(om_train_check(circuit, &options), OM_EDATA,
             "train.dt, init.time_constant: the time step of 0.06 s is larger than the time "
             "constant of T0, 0.05 s at first, and of 7 of 7 types");
    options.model.clamp[OM_TIME_CONSTANT][0] = 0.06;
    must(om_train_check(circuit, &options));
    options.model.clamp[OM_TIME_CONSTANT][0] = 0;
    options.model.clamp[OM_TIME_CONSTANT][1] = 0.04;
    must_say(om_train_check(circuit, &options), OM_EDATA, "0.04 s at first");
    naive_circuit_free(circuit);
}

/* Checked alone, and wherever a trainer or a model is made. */
static void refused(om_part part, const char *groups, const char *message)
{
    om_train_options options = bench_options();
    bench b = bench_open(1, &options, 1, NULL);
    om_state *state = bench_state(&b, 0);
    om_trainer *trainer;
    snprintf(options.model.symmetric[part], OM_GROUPS_BYTES, "%s", groups);
    must_say(om_train_check(b.circuit, &options), OM_EDATA, message);
    must_say(om_trainer_create(b.circuit, b.scenes, &options, 1, NULL, NULL, &trainer), OM_EDATA,
             message);
    assert_null(trainer);
    must_say(om_state_init(b.layout, b.circuit, &options, BENCH_SEED, 0, state), OM_EDATA, message);
    free(state);
    bench_close(&b);
}

static void test_names_that_the_circuit_lacks_are_refused(void **unused)
{
    (void)unused;
    refused(
        OM_RESTING_POTENTIAL, "T1, T7",
        "model.symmetric.resting_potential: circuit random-1 has no type 'T7'; the nearest is T0");
    refused(OM_TIME_CONSTANT, "T1, T2; T3, Lobula",
            "model.symmetric.time_constant: circuit random-1 has no type 'Lobula'");
    refused(OM_TIME_CONSTANT, ", T1", "has no type ''");
    refused(OM_STRENGTH, "T1 -> T5, T3 -> T33",
            "model.symmetric.strength: circuit random-1 has no pair 'T3 -> T33'; the nearest is T3 "
            "-> T3");
    refused(OM_STRENGTH, "T1, T2", "has no pair 'T1'");
    refused(OM_STRENGTH, "T1 -> T5; T1 -> T5 -> T5", "has no pair 'T1 -> T5 -> T5'");
}

static void test_members_of_two_groups_are_refused(void **unused)
{
    (void)unused;
    refused(OM_RESTING_POTENTIAL, "T1, T2; T3, T2",
            "model.symmetric.resting_potential: 'T2' is there twice: expected every type in one");
    refused(OM_TIME_CONSTANT, "T1, T1", "'T1' is there twice");
    refused(OM_STRENGTH, "T1 -> T5, T1 -> T5",
            "model.symmetric.strength: 'T1 -> T5' is there twice: expected every pair in one");
}

/* Above extent 15 sums of the first convolution would reach round the torus of its transforms. */
static void test_transforms_end_at_extent_15(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    for (int extent = 15; extent <= 16; extent++) {
        om_circuit *circuit = naive_random_circuit(1, 3, 4, extent, false);
        for (int c = 0; om_convolution_names[c] != NULL; c++) {
            options.convolution = (om_convolution)c;
            if (extent == 16 && c == OM_CONVOLUTION_FFT)
                must_say(om_train_check(circuit, &options), OM_EDATA,
                         "train.convolution: fft: expected auto or direct at extent 16");
            else
                must(om_train_check(circuit, &options));
        }
        naive_circuit_free(circuit);
    }
}

static void test_what_the_circuit_has_is_accepted(void **unused)
{
    (void)unused;
    om_train_options options = bench_model_options(1);
    om_circuit *circuit = naive_random_circuit(1, 7, 18, 2, true);
    must(om_train_check(circuit, &options));
    naive_circuit_free(circuit);
}

/* ---- initial parameters ---- */

/* Bounds and groups shape those of fixed parts, too; the last pair, without synapses, stays at 0. */
static void test_initial_parameters_are_held(void **unused)
{
    (void)unused;
    om_train_options free_options = bench_options(), options = bench_model_options(1);
    for (int p = 0; p < OM_PARTS; p++) options.model.fixed[p] = true;
    bench a = bench_open(1, &free_options, 1, NULL), b = bench_open(1, &options, 1, NULL);
    om_state *before = bench_state(&a, 3), *after = bench_state(&b, 3);
    const om_layout *l = &b.layout->params;
    const om_real *x = bench_params(&a, before), *y = bench_params(&b, after);
    const double mean = ((double)x[5] + (double)x[1]) / 2;
    assert_true(y[5] == y[1] && fabs((double)y[5] - mean) < 1e-7);
    assert_true(y[0] == y[6] && y[0] == y[3] && y[2] == x[2] && y[4] == x[4]);
    const om_real *strength = y + l->strength;
    assert_true(strength[2] == strength[5] && strength[9] == strength[0]);
    assert_true(strength[2] > 0 && strength[17] == 0);
    for (int p = 0; p < 17; p++)
        if (b.circuit->pairs[p].edges > 0)
            assert_true((double)strength[p] >= options.model.clamp[OM_STRENGTH][0]);
    assert_memory_equal(y, om_state_at(after, b.layout->at_pass_params),
                        l->n_network * sizeof(om_real));
    free(before);
    free(after);
    bench_close(&a);
    bench_close(&b);
}

/* ---- in training ---- */

/* Even those that bounds and groups would change, had the model not come with them. */
static void test_fixed_parts_keep_every_bit(void **unused)
{
    (void)unused;
    for (int p = 0; p < OM_PARTS; p++) {
        om_train_options options = bench_model_options(6);
        options.model.fixed[p] = true;
        bench b = bench_open(6, &options, 1, NULL);
        const om_layout *l = &b.layout->params;
        const size_t first[] = {l->resting_potential, l->time_constant, l->strength, l->decoder,
                                l->n_params};
        om_state *from = bench_state(&b, 2), *state = bench_state(&b, 2);
        bench_params(&b, from)[first[p]] = bench_params(&b, state)[first[p]] = (om_real)0.01;
        must(om_train_advance(b.trainer, state, 12));
        const om_real *m1 = om_state_at(state, b.layout->at_moment1);
        const om_real *m2 = om_state_at(state, b.layout->at_moment2);
        for (int q = 0; q < OM_PARTS; q++) {
            size_t moved = 0;
            for (size_t i = first[q]; i < first[q + 1]; i++) {
                moved += bench_params(&b, state)[i] != bench_params(&b, from)[i];
                if (p == q) assert_true(m1[i] == 0 && m2[i] == 0);
            }
            assert_true((moved == 0) == (p == q));
        }
        free(from);
        free(state);
        bench_close(&b);
    }
}

static void assert_held(const bench *b, const om_real *params)
{
    const om_layout *l = &b->layout->params;
    const om_real *x = params, *s = params + l->strength;
    assert_true(x[5] == x[1] && x[0] == x[6] && x[0] == x[3]);
    for (int i = 1; i < 5; i++) assert_true(x[l->time_constant] == x[l->time_constant + (size_t)i]);
    assert_true(s[2] == s[5] && s[9] == s[0] && s[17] == 0);
    const size_t first[] = {l->resting_potential, l->time_constant, l->strength, l->n_network};
    for (int p = 0; p < OM_NETWORK_PARTS; p++)
        for (size_t i = first[p]; i < first[p + 1]; i++) {
            if (p == OM_STRENGTH && b->circuit->pairs[i - l->strength].edges == 0) continue;
            assert_true((double)x[i] >= b->options.model.clamp[p][0]);
            assert_true((double)x[i] <= b->options.model.clamp[p][1]);
        }
}

/* At a rate at which all would leave its place. */
static void test_groups_and_bounds_are_held_at_every_iteration(void **unused)
{
    (void)unused;
    om_train_options options = bench_model_options(1);
    options.learning_rate[0] = options.learning_rate[1] = 0.01;
    bench b = bench_open(1, &options, 1, NULL);
    om_state *state = bench_state(&b, 2);
    for (uint64_t to = 0; to <= 12; to++) {
        must(om_train_advance(b.trainer, state, to));
        assert_held(&b, bench_params(&b, state));
    }
    free(state);
    bench_close(&b);
}

/* ---- synapse counts ---- */

static void test_counts_are_log_normal_about_those_of_the_circuit(void **unused)
{
    (void)unused;
    enum { MODELS = 400 };
    const double spread = 0.5;
    om_circuit *c = naive_random_circuit(1, 7, 18, 2, true);
    double *counts = naive_zeros(c->n_taps), sum = 0, logs = 0, squares = 0;
    for (uint32_t m = 0; m < MODELS; m++) {
        om_circuit_draw_counts(c, spread, BENCH_SEED, m, counts);
        for (int i = 0; i < c->n_taps; i++) {
            double factor = counts[i] / c->taps[i].count, z = log(factor) + spread * spread / 2;
            sum += factor, logs += z, squares += z * z;
        }
    }
    const double n = MODELS * (double)c->n_taps;
    assert_true(fabs(sum / n - 1) < 4 * sqrt((exp(spread * spread) - 1) / n));
    assert_true(fabs(logs / n) < 4 * spread / sqrt(n));
    assert_true(fabs(sqrt(squares / n) / spread - 1) < 4 / sqrt(2 * n));
    om_circuit_draw_counts(c, 0, BENCH_SEED, 3, counts);
    for (int i = 0; i < c->n_taps; i++) assert_true(counts[i] == c->taps[i].count);
    free(counts);
    naive_circuit_free(c);
}

/* Error of the parameters of one state with the counts of a model of another number or seed. */
static double error_with(const bench *b, const om_state *state, uint64_t seed, uint32_t model)
{
    const om_state_layout *l = b->layout;
    double l2norm, epe;
    must(om_train_validate(b->trainer, seed, model, om_state_view(state, l->at_best_params),
                           om_state_view(state, l->at_best_running_mean),
                           om_state_view(state, l->at_best_running_var), &l2norm, &epe, NULL));
    return l2norm;
}

/* Also where all models start alike. */
static void test_every_model_has_counts_of_its_own(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    options.model.count_spread = 0.5;
    options.init.shared = true;
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_trained(&b, 3);
    assert_true(error_with(&b, state, BENCH_SEED, 0) != state->best_l2norm);
    assert_true(error_with(&b, state, BENCH_SEED, 3) == state->best_l2norm);
    assert_true(error_with(&b, state, BENCH_SEED + 1, 3) != state->best_l2norm);
    free(state);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_time_step_larger_than_a_time_constant_is_refused),
        cmocka_unit_test(test_names_that_the_circuit_lacks_are_refused),
        cmocka_unit_test(test_members_of_two_groups_are_refused),
        cmocka_unit_test(test_transforms_end_at_extent_15),
        cmocka_unit_test(test_what_the_circuit_has_is_accepted),
        cmocka_unit_test(test_initial_parameters_are_held),
        cmocka_unit_test(test_fixed_parts_keep_every_bit),
        cmocka_unit_test(test_groups_and_bounds_are_held_at_every_iteration),
        cmocka_unit_test(test_counts_are_log_normal_about_those_of_the_circuit),
        cmocka_unit_test(test_every_model_has_counts_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
