/* A worker that asks ahead, and time that is limited: one step at a time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_bench.h"

static void test_a_worker_asks_ahead(void **state)
{
    (void)state;
    om_plan *plan = plan_of(8, 2, 1000);
    om_unit unit = asked(plan, 0), next = asked(plan, 0);
    assert_int_equal(next.model, unit.model);
    assert_int_equal(next.from, 100);
    assert_int_equal(next.to, 200);
    assert_int_equal(om_plan_model_of(plan, 0), unit.model);
    om_plan_done(plan, 0, 100, 10);
    assert_true(om_plan_is_valid(plan));
    assert_int_equal(om_plan_model_of(plan, 0), unit.model); /* it goes on without asking */
    for (int i = 2; i < 10; i++) {
        asked(plan, 0);
        om_plan_done(plan, 0, (uint64_t)i * 100, 10);
    }
    /* in a model's last unit it is promised another one, which nobody else gets */
    next = asked(plan, 0);
    assert_int_equal(next.model, 1);
    assert_int_equal(asked(plan, 1).model, 2);
    om_plan_done(plan, 0, 1000, 10);
    assert_int_equal(om_plan_model_of(plan, 0), 1);
    om_plan_free(plan);
}

static void test_a_promise_of_a_model_that_did_not_get_there_is_void(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        om_plan *plan = plan_of(8, 2, 1000);
        om_unit unit = asked(plan, 0), next = asked(plan, 0);
        assert_int_equal(next.model, unit.model);
        if (how == 0) om_plan_done(plan, 0, 99, 10);
        if (how == 1) assert_true(om_plan_failed(plan, 0));
        if (how == 2) om_plan_diverged(plan, 0);
        if (how == 3) om_plan_lost(plan, 0);
        assert_true(om_plan_is_valid(plan));
        assert_int_equal(om_plan_model_of(plan, 0), -1);
        asked(plan, 0);
        om_plan_free(plan);
    }
}

static void test_a_promise_of_another_model_outlasts_a_failure(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        om_plan *plan = plan_of(8, 2, 100);
        om_unit unit = asked(plan, 0), next = asked(plan, 0);
        assert_int_not_equal(next.model, unit.model);
        if (how == 0) assert_true(om_plan_failed(plan, 0));
        if (how == 1) om_plan_diverged(plan, 0);
        if (how == 2) om_plan_lost(plan, 0); /* then both are free */
        assert_true(om_plan_is_valid(plan));
        assert_int_equal(om_plan_model_of(plan, 0), how == 2 ? -1 : next.model);
        om_unit other = asked(plan, 1);
        assert_int_equal(other.model, how == 1 ? 2 : 0);
        om_plan_free(plan);
    }
}

static void test_units_fit_into_half_of_the_time_that_is_left(void **state)
{
    (void)state;
    om_plan *plan = plan_of(4, 2, 100000);
    om_unit unit = asked(plan, 0);
    om_plan_done(plan, 0, unit.to, 10); /* 10 iterations/s */
    om_plan_time_left(plan, 21);
    unit = asked(plan, 0);
    assert_int_equal(unit.to - unit.from, 100);
    om_plan_done(plan, 0, unit.to, 10);
    om_plan_time_left(plan, 11);
    unit = asked(plan, 0);
    assert_int_equal(unit.to - unit.from, 55);
    assert_true(om_plan_failed(plan, 0)); /* the same unit, as far as time goes */
    om_plan_time_left(plan, 20);
    om_unit again = asked(plan, 1); /* of whom nothing is known */
    assert_int_equal(again.from, unit.from);
    assert_int_equal(again.to, unit.from + 20);
    om_plan_time_left(plan, 0.19);
    assert_int_equal(om_plan_ask(plan, 0, &unit), OM_PLAN_FINISHED);
    om_plan_time_left(plan, 0.2);
    unit = asked(plan, 0);
    assert_int_equal(unit.to - unit.from, 1);
    om_plan_free(plan);
    /* of whom nothing is known gets an iteration, if there is any time */
    plan = plan_of(4, 2, 100000);
    om_plan_time_left(plan, 0.01);
    assert_int_equal(asked(plan, 0).to, 1);
    om_plan_time_left(plan, -1);
    assert_int_equal(om_plan_ask(plan, 1, &unit), OM_PLAN_FINISHED);
    om_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_worker_asks_ahead),
        cmocka_unit_test(test_a_promise_of_a_model_that_did_not_get_there_is_void),
        cmocka_unit_test(test_a_promise_of_another_model_outlasts_a_failure),
        cmocka_unit_test(test_units_fit_into_half_of_the_time_that_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
