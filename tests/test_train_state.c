/* States: that training depends on nothing but the state, how a model starts, which rules its parameters
 * keep, and what is kept of the best check. */
#include <signal.h>
#include <sys/time.h>

#include "base/twister.h"
#include "train_bench.h"

/* ---- nothing but the state ---- */

static void test_many_calls_are_as_one(void **unused)
{
    (void)unused;
    om_train_options options = bench_all_options();
    bench b = bench_open(6, &options, 1, NULL);
    om_state *expected = bench_trained(&b, 2);
    for (uint64_t step = 1; step <= 5; step++) {
        om_state *state = bench_state(&b, 2);
        for (uint64_t to = 0; to < 12 + step; to += step) {
            must(om_train_advance(b.trainer, state, to));
            must(om_train_advance(b.trainer, state, to)); /* nothing left to do */
        }
        bench_assert_same(&b, state, expected);
        free(state);
    }
    must(om_train_advance(b.trainer, expected, 1000));
    assert_int_equal(expected->iteration, 12);
    free(expected);
    bench_close(&b);
}

/* One, two and three quads of samples. */
static void test_threads_change_no_bit(void **unused)
{
    (void)unused;
    static const int batches[] = {3, 5, 8, 10};
    for (int i = 0; i < 4; i++) {
        om_train_options options = bench_all_options();
        options.batch_size = batches[i];
        bench one = bench_open(6, &options, 1, NULL);
        om_state *expected = bench_trained(&one, 0);
        for (int threads = 2; threads <= 3; threads++) {
            bench more = bench_open(6, &options, threads, NULL);
            om_state *state = bench_trained(&more, 0);
            bench_assert_same(&one, state, expected);
            free(state);
            bench_close(&more);
        }
        free(expected);
        bench_close(&one);
    }
}

/* Two trainers take turns, each with another model in between, at every iteration. */
static void test_a_model_can_move_between_trainers(void **unused)
{
    (void)unused;
    om_train_options options = bench_all_options();
    bench first = bench_open(6, &options, 1, NULL), second = bench_open(6, &options, 3, NULL);
    om_state *expected = bench_trained(&first, 2), *expected_other = bench_trained(&first, 3);
    om_state *state = bench_state(&first, 2), *other = bench_state(&first, 3);
    om_state *moved = naive_zeroed(first.layout->bytes, 1);
    for (uint64_t to = 1; to <= 12; to++) {
        bench *b = to % 2 ? &first : &second;
        must(om_train_advance(b->trainer, state, to));
        must(om_train_advance(b->trainer, other, to));
        memcpy(moved, state, first.layout->bytes);
        memset(state, 0x5a, first.layout->bytes);
        memcpy(state, moved, first.layout->bytes);
    }
    bench_assert_same(&first, state, expected);
    bench_assert_same(&first, other, expected_other);
    assert_memory_not_equal(bench_params(&first, state), bench_params(&first, other),
                            first.layout->params.n_params * sizeof(om_real));
    free(expected), free(expected_other), free(state), free(other), free(moved);
    bench_close(&first);
    bench_close(&second);
}

/* Neither do the synapse counts of another model. */
static void test_validating_in_between_changes_nothing(void **unused)
{
    (void)unused;
    om_train_options options = bench_all_options();
    bench b = bench_open(6, &options, 1, NULL);
    om_state *expected = bench_trained(&b, 2), *state = bench_state(&b, 2);
    const om_state_layout *l = b.layout;
    const om_real *mean = om_state_at(state, l->at_running_mean);
    const om_real *var = om_state_at(state, l->at_running_var);
    for (uint64_t to = 1; to <= 12; to++) {
        double l2norm, epe;
        must(om_train_advance(b.trainer, state, to));
        must(om_train_validate(b.trainer, BENCH_SEED, 7, bench_params(&b, state), mean, var,
                               &l2norm, &epe, NULL));
    }
    bench_assert_same(&b, state, expected);
    free(expected);
    free(state);
    bench_close(&b);
}

static volatile sig_atomic_t stop;

static void raise_stop(int number) { stop = number; }

static void test_a_stop_before_any_check_or_iteration_keeps_the_state(void **unused)
{
    (void)unused;
    om_train_options options = bench_all_options();
    bench b = bench_open(6, &options, 1, &stop);
    stop = 0;
    om_state *expected = bench_trained(&b, 2), *state = bench_state(&b, 2);
    om_state *before = naive_zeroed(b.layout->bytes, 1);
    memcpy(before, state, b.layout->bytes);
    stop = 1; /* check 0 is due */
    must_say(om_train_advance(b.trainer, state, 12), OM_ESTOPPED, "stopped in a validation");
    stop = 0;
    bench_assert_same(&b, state, before);
    for (uint64_t to = 0; to < 12; to++) {
        char message[64];
        must(om_train_advance(b.trainer, state, to));
        memcpy(before, state, b.layout->bytes);
        snprintf(message, sizeof message, "stopped at iteration %d", (int)to);
        stop = 1;
        must_say(om_train_advance(b.trainer, state, 12), OM_ESTOPPED, message);
        stop = 0;
        bench_assert_same(&b, state, before);
    }
    must(om_train_advance(b.trainer, state, 12));
    bench_assert_same(&b, state, expected);
    free(expected), free(state), free(before);
    bench_close(&b);
}

/* A timer stops it wherever it happens to be, again and again; later each time, for a validation that was
 * stopped begins anew. */
static void test_stops_at_any_moment_change_nothing(void **unused)
{
    (void)unused;
    om_train_options options = bench_all_options();
    bench b = bench_open(6, &options, 3, &stop);
    stop = 0;
    om_state *expected = bench_trained(&b, 2), *state = bench_state(&b, 2);
    struct sigaction action = {.sa_handler = raise_stop, .sa_flags = SA_RESTART}, old;
    struct itimerval once = {{0, 0}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, &old);
    setitimer(ITIMER_REAL, &once, NULL);
    om_status status;
    while ((status = om_train_advance(b.trainer, state, 12)) == OM_ESTOPPED) {
        must(om_state_check(b.layout, state));
        stop = 0;
        once.it_value.tv_usec = once.it_value.tv_usec * 9 / 8 % 1000000;
        setitimer(ITIMER_REAL, &once, NULL);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    must(status);
    bench_assert_same(&b, state, expected);
    free(expected);
    free(state);
    bench_close(&b);
}

/* ---- how a model starts ---- */

static void test_models_start_from_streams_of_their_own(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    bench b = bench_open(6, &options, 1, NULL);
    om_state *first = bench_state(&b, 0), *second = bench_state(&b, 1), *again = bench_state(&b, 1);
    bench_assert_same(&b, again, second);
    const om_layout *l = &b.layout->params;
    const om_real *p = bench_params(&b, first), *q = bench_params(&b, second);
    for (int t = 0; t < l->n_types; t++) assert_true(p[t] != q[t]);
    for (size_t i = l->time_constant; i < l->n_network; i++) assert_true(p[i] == q[i]);
    for (size_t i = l->conv1_weight; i < l->conv1_bias; i++)
        assert_true((p[i] == q[i]) == (p[i] == 0));
    free(first), free(second), free(again);
    bench_close(&b);
}

static void test_shared_models_start_alike_and_train_apart(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    options.init.shared = true;
    bench b = bench_open(6, &options, 1, NULL);
    size_t bytes = b.layout->params.n_params * sizeof(om_real);
    om_state *first = bench_state(&b, 0), *second = bench_state(&b, 9);
    assert_memory_equal(bench_params(&b, first), bench_params(&b, second), bytes);
    must(om_train_advance(b.trainer, first, 1)); /* the order of the films is their own */
    must(om_train_advance(b.trainer, second, 1));
    assert_memory_not_equal(bench_params(&b, first), bench_params(&b, second), bytes);
    free(first);
    free(second);
    bench_close(&b);
}

/* The same resting potentials for every model, by the seed alone; all else as without. */
static void test_drawn_as_torch_all_models_rest_alike(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    bench own = bench_open(6, &options, 1, NULL);
    options.init.draws = OM_DRAWS_TORCH;
    bench b = bench_open(6, &options, 1, NULL);
    const om_layout *l = &b.layout->params;
    om_state *first = bench_state(&b, 0), *second = bench_state(&b, 1),
             *plain = bench_state(&own, 1);
    const om_real *p = bench_params(&b, first), *q = bench_params(&b, second);
    const om_real *r = bench_params(&own, plain);
    size_t types = (size_t)l->n_types, others = l->n_params - types;
    assert_memory_equal(p, q, types * sizeof *p);
    assert_memory_equal(q + types, r + types, others * sizeof *q);
    float z[l->n_types];
    om_twister_normals(first->seed, types, z);
    float mean = (float)options.init.resting_potential_mean;
    float std = (float)options.init.resting_potential_std;
    for (int t = 0; t < l->n_types; t++)
        assert_true(p[t] == (om_real)(z[t] * std + mean) && p[t] != r[t]);
    free(first), free(second), free(plain);
    bench_close(&b);
    bench_close(&own);
}

static bool is_masked(const om_layout *l, size_t parameter)
{
    size_t in_kernel = parameter;
    if (parameter >= l->conv1_weight && parameter < l->conv1_bias)
        in_kernel -= l->conv1_weight;
    else if (parameter >= l->conv2_weight && parameter < l->conv2_bias)
        in_kernel -= l->conv2_weight;
    else
        return false;
    int entry = (int)(in_kernel % 25), row = entry / 5 - 2, column = entry % 5 - 2;
    return abs(row + column) > 2;
}

static void assert_rules(const bench *b, om_state *state)
{
    const om_layout *l = &b->layout->params;
    const om_real *params = bench_params(b, state);
    int masked = 0;
    for (size_t i = 0; i < l->n_params; i++) {
        if (!is_masked(l, i)) continue;
        masked++;
        assert_true(params[i] == 0);
    }
    assert_int_equal(masked, 6 * OM_HIDDEN * (l->n_outputs + OM_HEAD));
    for (int p = 0; p < l->n_pairs; p++) {
        om_real strength = params[l->strength + (size_t)p];
        assert_true(strength >= 0);
        if (b->circuit->pairs[p].edges == 0) assert_true(strength == 0);
    }
}

static void test_initial_values_are_those_of_the_options(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    options.init.decoder_std = 0;
    bench b = bench_open(6, &options, 1, NULL);
    const om_layout *l = &b.layout->params;
    double sum = 0, squares = 0;
    const int models = 200;
    for (int m = 0; m < models; m++) {
        om_state *state = bench_state(&b, (uint32_t)m);
        const om_real *p = bench_params(&b, state);
        for (int t = 0; t < l->n_types; t++) {
            double d = (double)p[t] - 0.5;
            sum += d, squares += d * d;
            assert_true(p[l->time_constant + (size_t)t] == (om_real)0.05);
        }
        free(state);
    }
    double n = models * l->n_types;
    assert_true(fabs(sum / n) < 4 * 0.05 / sqrt(n));
    assert_true(fabs(sqrt(squares / n) / 0.05 - 1) < 4 / sqrt(2 * n));
    om_state *state = bench_state(&b, 0);
    const om_real *p = bench_params(&b, state);
    for (int i = 0; i < l->n_pairs; i++) {
        const om_pair *pair = &b.circuit->pairs[i];
        double expected = pair->edges > 0 ? 0.01 / pair->mean_count : 0;
        assert_true(p[l->strength + (size_t)i] == (om_real)expected);
    }
    for (size_t i = l->decoder; i < l->n_params; i++) {
        bool weight = i >= l->norm_weight && i < l->norm_bias;
        bool bias = i >= l->norm_bias && i < l->conv2_weight;
        om_real value = weight ? 1 : bias || is_masked(l, i) ? 0 : (om_real)0.001;
        assert_true(p[i] == value);
    }
    assert_rules(&b, state);
    free(state);
    bench_close(&b);
}

/* At a rate at which strengths cross zero in many places. */
static void test_rules_of_parameters_survive_training(void **unused)
{
    (void)unused;
    om_train_options options = bench_all_options();
    options.model = bench_options().model;
    options.learning_rate[0] = options.learning_rate[1] = 0.002;
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_state(&b, 5);
    const om_layout *l = &b.layout->params;
    int clamped = 0, alive = 0;
    for (uint64_t to = 1; to <= 12; to++) {
        must(om_train_advance(b.trainer, state, to));
        assert_rules(&b, state);
    }
    const om_real *m = om_state_at(state, b.layout->at_moment1);
    for (size_t i = 0; i < l->n_params; i++)
        if (is_masked(l, i)) assert_true(m[i] == 0);
    for (int p = 0; p < l->n_pairs; p++) {
        if (b.circuit->pairs[p].edges == 0) continue;
        bool zero = bench_params(&b, state)[l->strength + (size_t)p] == 0;
        clamped += zero, alive += !zero;
    }
    assert_true(clamped > 0 && alive > 0); /* or nothing was tried */
    free(state);
    bench_close(&b);
}

/* The first of equal checks is the best one, and what is kept of it is what it was. */
static void test_the_best_check_is_kept_whole(void **unused)
{
    (void)unused;
    for (int by = 0; by < 2; by++) {
        om_train_options options = bench_all_options();
        options.validate_every = 1;
        options.selection = by == 0 ? OM_LOSS_EPE : OM_LOSS_L2NORM;
        options.learning_rate[0] = options.learning_rate[1] = 0.02;
        bench b = bench_open(6, &options, 1, NULL);
        const om_state_layout *l = b.layout;
        om_state *state = bench_trained(&b, 3), *then = bench_state(&b, 3);
        const float *curve = om_state_at(state, by == 0 ? l->at_check_epe : l->at_check_l2norm);
        int best = 0;
        for (int i = 1; i < l->n_checks; i++)
            if (curve[i] < curve[best]) best = i;
        assert_int_equal(state->best_check, best);
        must(om_train_advance(b.trainer, then, (uint64_t)best));
        assert_memory_equal(om_state_at(state, l->at_best_params), om_state_at(then, l->at_params),
                            l->params.n_params * sizeof(om_real));
        assert_memory_equal(om_state_at(state, l->at_best_running_var),
                            om_state_at(then, l->at_running_var), OM_HIDDEN * sizeof(om_real));
        double l2norm, epe;
        float scenes[4];
        must(om_train_validate(b.trainer, BENCH_SEED, 3, om_state_at(state, l->at_best_params),
                               om_state_at(state, l->at_best_running_mean),
                               om_state_at(state, l->at_best_running_var), &l2norm, &epe, scenes));
        assert_true(l2norm == state->best_l2norm && epe == state->best_epe);
        assert_memory_equal(scenes, om_state_at(state, l->at_best_scene_epe), sizeof scenes);
        free(state);
        free(then);
        bench_close(&b);
    }
}

/* One check, of the parameters that the model starts from, whatever else the options say. */
static void test_without_a_task_a_model_is_only_checked(void **unused)
{
    (void)unused;
    om_train_options options = bench_all_options();
    bench trained = bench_open(6, &options, 1, NULL);
    om_state *start = bench_trained(&trained, 2);
    for (int whole = 0; whole < 2; whole++) {
        options.task = OM_TASK_NONE;
        options.whole_passes = whole > 0;
        bench b = bench_open(6, &options, 2, NULL);
        const om_state_layout *l = b.layout;
        assert_int_equal(l->iterations, 0);
        assert_int_equal(l->n_records, 0);
        assert_int_equal(l->n_checks, 1);
        assert_int_equal(om_check_iteration(l, &b.options, 0), 0);
        om_state *state = bench_state(&b, 2), *fresh = bench_state(&b, 2);
        must(om_train_advance(b.trainer, state, 12));
        must(om_state_check(l, state));
        assert_int_equal(state->iteration, 0);
        assert_int_equal(state->n_checks, 1);
        assert_int_equal(state->best_check, 0);
        assert_memory_equal(om_state_at(state, l->at_params), om_state_at(fresh, l->at_params),
                            l->params.n_params * sizeof(om_real));
        assert_memory_equal(om_state_at(state, l->at_best_params), om_state_at(fresh, l->at_params),
                            l->params.n_params * sizeof(om_real));
        /* the same check as a trained model's first */
        const float *epe = om_state_at(state, l->at_check_epe);
        assert_true(epe[0] == *(float *)om_state_at(start, trained.layout->at_check_epe));
        assert_true(epe[0] == (float)state->best_epe);
        free(state), free(fresh);
        bench_close(&b);
    }
    free(start);
    bench_close(&trained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_calls_are_as_one),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_a_model_can_move_between_trainers),
        cmocka_unit_test(test_validating_in_between_changes_nothing),
        cmocka_unit_test(test_a_stop_before_any_check_or_iteration_keeps_the_state),
        cmocka_unit_test(test_stops_at_any_moment_change_nothing),
        cmocka_unit_test(test_models_start_from_streams_of_their_own),
        cmocka_unit_test(test_shared_models_start_alike_and_train_apart),
        cmocka_unit_test(test_drawn_as_torch_all_models_rest_alike),
        cmocka_unit_test(test_initial_values_are_those_of_the_options),
        cmocka_unit_test(test_rules_of_parameters_survive_training),
        cmocka_unit_test(test_the_best_check_is_kept_whole),
        cmocka_unit_test(test_without_a_task_a_model_is_only_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
