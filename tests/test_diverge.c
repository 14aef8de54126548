/* Models that diverge: what counts as that, how they are set back to their last check and go on, when
 * they are given up, and that all of it is the same bits however training is cut into calls. */
#include "train_bench.h"

enum { MODEL = 8 };

/* Learning rates that rise: at first the model learns, in the second pass (iterations 4 to 6) its loss
 * rises above the bound. Records of 3 iterations and a check every 2 fall into the middle of each
 * other and of passes. */
static om_train_options rising(double last, int retries)
{
    om_train_options options = bench_options();
    options.learning_rate[0] = 1e-3;
    options.learning_rate[1] = last;
    options.rate_steps = 4;
    options.schedule_stop = 12;
    options.record_every = 3;
    options.validate_every = 2;
    options.explode = 1.05;
    options.retries = retries;
    return options;
}

/* Trains to the end, at most `step` iterations in a call; the status of the last one. */
static om_status train(const bench *b, om_state *state, uint64_t step)
{
    om_status status = OM_OK;
    while (status == OM_OK && state->iteration < 12)
        status = om_train_advance(b->trainer, state, state->iteration + step);
    return status;
}

/* Trains until the model is set back for the first time. */
static om_state *set_back_once(const bench *b)
{
    om_state *state = bench_state(b, MODEL);
    must(om_train_advance(b->trainer, state, 12));
    assert_int_equal(state->retries, 1);
    assert_true(state->iteration < 12 && state->rate_factor == 0.5);
    return state;
}

static float *record_of(const bench *b, om_state *state)
{
    return om_state_at(state, b->layout->at_history_loss);
}

/* ---- set back ---- */

/* It is what it was after the check, but for its learning rate; so it goes on as that one would. */
static void test_set_back_is_the_check_with_half_the_rate(void **unused)
{
    (void)unused;
    const om_train_options options = rising(1, 4);
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = set_back_once(&b), *expected = bench_state(&b, MODEL);
    assert_non_null(strstr(om_message(), "model 8: the "));
    assert_non_null(strstr(om_message(), ": back to 2, at rate 0.0005, retry 1 of 4"));
    must(om_train_advance(b.trainer, expected, 2));
    expected->retries = 1;
    expected->rate_factor = 0.5;
    bench_assert_same(&b, state, expected);
    must(train(&b, state, 12));
    must(train(&b, expected, 1));
    bench_assert_same(&b, state, expected);
    assert_in_range(state->retries, 1, 3);
    assert_int_equal(state->n_records, b.layout->n_records);
    assert_int_equal(state->n_checks, b.layout->n_checks);
    assert_true(isfinite(record_of(&b, state)[b.layout->n_records - 1]));
    must(om_state_check(b.layout, state));
    free(state), free(expected);
    bench_close(&b);
}

/* What was recorded after the check is taken back. */
static void test_records_after_the_check_are_taken_back(void **unused)
{
    (void)unused;
    om_train_options options = rising(1, 4);
    options.record_every = 1;
    options.validate_every = 3;
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_state(&b, MODEL);
    must(om_train_advance(b.trainer, state, 4));
    assert_int_equal(state->n_records, 4);
    assert_true(isfinite(record_of(&b, state)[3]));
    must(om_train_advance(b.trainer, state, 12));
    assert_int_equal(state->iteration, 3);
    assert_int_equal(state->n_records, 3);
    assert_true(isfinite(record_of(&b, state)[2]) && isnan(record_of(&b, state)[3]));
    free(state);
    bench_close(&b);
}

/* One that recovers, one that is given up after two retries, and one that is at once. */
static void test_calls_of_any_length_give_the_same_bits(void **unused)
{
    (void)unused;
    const struct {
        double last;
        int retries;
        om_status end;
    } cases[] = {{1, 4, OM_OK}, {1e4, 2, OM_EDIVERGED}, {1, 0, OM_EDIVERGED}};
    for (int i = 0; i < 3; i++) {
        const om_train_options options = rising(cases[i].last, cases[i].retries);
        bench b = bench_open(6, &options, 1, NULL), other = bench_open(6, &options, 3, NULL);
        om_state *expected = bench_state(&b, MODEL);
        assert_int_equal(train(&b, expected, 12), cases[i].end);
        must(om_state_check(b.layout, expected));
        for (uint64_t step = 1; step <= 7; step++) {
            om_state *state = bench_state(&b, MODEL), *between = bench_state(&b, 1);
            om_status status = OM_OK;
            for (int turn = 0; status == OM_OK && state->iteration < 12; turn++) {
                const bench *own = turn % 2 ? &other : &b;
                status = om_train_advance(own->trainer, state, state->iteration + step);
                (void)om_train_advance(own->trainer, between, between->iteration + 1);
            }
            assert_int_equal(status, cases[i].end);
            bench_assert_same(&b, state, expected);
            free(state), free(between);
        }
        free(expected);
        bench_close(&b);
        bench_close(&other);
    }
}

/* ---- given up ---- */

static void test_given_up_at_its_last_whole_iteration(void **unused)
{
    (void)unused;
    const om_train_options options = rising(1e4, 2);
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_state(&b, MODEL), *again = naive_zeroed(b.layout->bytes, 1);
    must_say(train(&b, state, 12), OM_EDIVERGED, ", after 2 retries, the last at rate ");
    assert_int_equal(state->retries, 2);
    assert_true(state->rate_factor == 0.25);
    memcpy(again, state, b.layout->bytes);
    for (int i = 0; i < 2; i++) {
        must_say(om_train_advance(b.trainer, again, 12), OM_EDIVERGED, "after 2 retries");
        bench_assert_same(&b, again, state);
    }
    free(state), free(again);
    bench_close(&b);
}

/* An update that spoils the parameters is taken back: what is left has trained one iteration less. */
static void test_an_update_that_is_not_finite_is_taken_back(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
#ifdef OM_REAL_IS_DOUBLE
    options.learning_rate[0] = options.learning_rate[1] = 1e308;
#else
    options.learning_rate[0] = options.learning_rate[1] = 1e38;
#endif
    options.decoder_rate = 1e3;
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_state(&b, MODEL), *before = bench_state(&b, MODEL);
    must(om_train_advance(b.trainer, before, 0));
    must_say(om_train_advance(b.trainer, state, 12), OM_EDIVERGED,
             "model 8 at iteration 1: parameter");
    before->untrained_loss = state->untrained_loss; /* larger of the check's and the iteration's */
    bench_assert_same(&b, state, before);
    free(state), free(before);
    bench_close(&b);
}

static void test_no_retry_where_no_rate_helps(void **unused)
{
    (void)unused;
    om_train_options options = rising(1, 4);
    options.explode = 0.5; /* the untrained model itself is above it */
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_state(&b, MODEL);
    must_say(om_train_advance(b.trainer, state, 12), OM_EDIVERGED,
             ", right after a check: no lower rate helps");
    assert_int_equal(state->retries, 0);
    free(state);
    bench_close(&b);
}

/* ---- what is divergence ---- */

static void test_no_bound_no_explosion(void **unused)
{
    (void)unused;
    om_train_options options = rising(1, 4);
    options.explode = 0;
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_state(&b, MODEL);
    must(om_train_advance(b.trainer, state, 12));
    assert_int_equal(state->iteration, 12);
    assert_int_equal(state->retries, 0);
    free(state);
    bench_close(&b);
}

/* Of central cells, in an iteration and in a check; only with a bound. */
static void test_voltages_beyond_the_bound_are_divergence(void **unused)
{
    (void)unused;
    for (int checked = 0; checked < 2; checked++)
        for (int bound = 0; bound < 2; bound++) {
            om_train_options options = bench_options();
            options.explode = bound ? 1e9 : 0;
            options.validate_every = 1;
            bench b = bench_open(6, &options, 1, NULL);
            om_state *state = bench_state(&b, MODEL);
            must(om_train_advance(b.trainer, state, checked ? 0 : 1));
            if (checked) state->n_checks = 0; /* is done again */
            om_real *params = bench_params(&b, state);
            params[b.layout->params.resting_potential + 3] = (om_real)1.2e4;
            om_status status = om_train_advance(b.trainer, state, checked ? 0 : 2);
            if (bound)
                must_say(status, OM_EDIVERGED,
                         checked ? "model 8: the voltage of T3 at iteration 0 is 1."
                                 : "model 8: the voltage of T3 at iteration 2 is 1.");
            else
                must(status);
            free(state);
            bench_close(&b);
        }
}

/* ---- replaced ---- */

static void test_replacements_are_models_of_streams_of_their_own(void **unused)
{
    (void)unused;
    om_train_options options = rising(1, 0);
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_state(&b, MODEL), *expected = bench_state(&b, MODEL + OM_STREAMS);
    assert_int_equal(train(&b, state, 12), OM_EDIVERGED);
    const uint64_t had_done = state->iteration;
    assert_true(had_done > 0);
    must(om_state_replace(b.layout, b.circuit, &options, state));
    assert_int_equal(state->replaced_at, had_done);
    assert_int_equal(om_state_number(state), MODEL);
    assert_int_equal(om_state_replacements(state), 1);
    expected->replaced_at = had_done;
    bench_assert_same(&b, state, expected);
    must(om_state_replace(b.layout, b.circuit, &options, state));
    assert_int_equal(state->model, MODEL + 2 * OM_STREAMS);
    assert_int_equal(om_state_replacements(state), 2);
    free(state), free(expected);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_back_is_the_check_with_half_the_rate),
        cmocka_unit_test(test_records_after_the_check_are_taken_back),
        cmocka_unit_test(test_calls_of_any_length_give_the_same_bits),
        cmocka_unit_test(test_given_up_at_its_last_whole_iteration),
        cmocka_unit_test(test_an_update_that_is_not_finite_is_taken_back),
        cmocka_unit_test(test_no_retry_where_no_rate_helps),
        cmocka_unit_test(test_no_bound_no_explosion),
        cmocka_unit_test(test_voltages_beyond_the_bound_are_divergence),
        cmocka_unit_test(test_replacements_are_models_of_streams_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
