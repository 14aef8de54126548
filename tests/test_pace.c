/* The speed of an ensemble by its reports, and the time that is left by it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ensemble/pace.h"

static om_pace *make(int models)
{
    om_pace *pace;
    assert_int_equal(om_pace_create(models, &pace), OM_OK);
    return pace;
}

static void near(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-9 * expected))
        fail_msg("%.12g, expected %.12g", actual, expected);
}

/* However slow the first report, and however unequally reports come. */
static void what_happens_once_is_not_counted(void **state)
{
    (void)state;
    om_pace *pace = make(2);
    om_pace_take(pace, 0, 1, 9);
    assert_true(om_pace_of_rank(pace) == 0);
    assert_true(isnan(om_pace_seconds_left(pace, 2, 1000, 500)));
    om_pace_take(pace, 0, 11, 10);
    near(om_pace_of_rank(pace), 10);
    om_pace_take(pace, 1, 500, 0.1); /* goes on with a model */
    om_pace_take(pace, 1, 505, 0.6);
    near(om_pace_of_rank(pace), 10);
    om_pace_take(pace, 0, 31, 2); /* another unit */
    near(om_pace_of_rank(pace), 10);
    om_pace_free(pace);
}

/* A unit that was lost begins again, before what was told of it. */
static void going_back_is_no_progress(void **state)
{
    (void)state;
    om_pace *pace = make(1);
    om_pace_take(pace, 0, 10, 1);
    om_pace_take(pace, 0, 110, 11);
    om_pace_take(pace, 0, 10, 0);
    om_pace_take(pace, 0, 20, 1);
    near(om_pace_of_rank(pace), 10);
    om_pace_free(pace);
}

static void the_last_minutes_count(void **state)
{
    (void)state;
    om_pace *pace = make(1);
    uint64_t at = 0;
    om_pace_take(pace, 0, 0, 0);
    for (int i = 1; i <= 600; i++) om_pace_take(pace, 0, at += 100, i);
    for (int i = 601; i <= 1200; i++) om_pace_take(pace, 0, at += 10, i);
    assert_true(om_pace_of_rank(pace) > 10 && om_pace_of_rank(pace) < 10.1);
    om_pace_free(pace);
}

/* One model is trained by one rank at a time. */
static void what_is_left_is_shared_out(void **state)
{
    (void)state;
    om_pace *pace = make(1);
    om_pace_take(pace, 0, 0, 0);
    om_pace_take(pace, 0, 10, 1);
    near(om_pace_seconds_left(pace, 4, 4000, 1000), 100);
    near(om_pace_seconds_left(pace, 4, 1500, 1000), 100);
    near(om_pace_seconds_left(pace, 1, 4000, 1000), 400);
    assert_true(isnan(om_pace_seconds_left(pace, 0, 4000, 1000)));
    om_pace_free(pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_once_is_not_counted),
        cmocka_unit_test(going_back_is_no_progress),
        cmocka_unit_test(the_last_minutes_count),
        cmocka_unit_test(what_is_left_is_shared_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
