/* Durations as people and SLURM write them, and when a run has to end by them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "ensemble/limit.h"

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"90s", 90},
                {"30m", 1800},
                {"2h", 7200},
                {"1d", 86400},
                {"1.5h", 5400},
                {"0.25s", 0.25},
                {"90", 5400},
                {"90:30", 5430},
                {"1:00:30", 3630},
                {"1-12", 129600},
                {"0-0:30", 1800},
                {"1-12:00:00", 129600},
                {"10-01:02:03", 867723}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double seconds = -1;
        if (!om_parse_duration(good[i].text, &seconds) || fabs(seconds - good[i].seconds) > 1e-9)
            fail_msg("%s: %g, expected %g", good[i].text, seconds, good[i].seconds);
    }
    static const char *const bad[] = {"",        "0",   "0s",    "-5s",       "5x",       "1.5",
                                      "1:2:3:4", "1-",  "-1",    "1-2:3:4:5", "ten",      "5m30",
                                      "nan",     "s",   "1-2-3", ":5",        "5:",       " 5",
                                      "1::2",    "1e3", "infs",  "1:-2",      "0-0:00:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double seconds;
        if (om_parse_duration(bad[i], &seconds))
            fail_msg("'%s' is taken for %g s", bad[i], seconds);
    }
}

/* A job of SLURM that ends in so many seconds. */
static void job_ends_in(double seconds)
{
    char text[32];
    snprintf(text, sizeof text, "%.0f", om_clock_unix_s() + seconds);
    setenv("SLURM_JOB_END_TIME", text, 1);
}

static void test_the_sooner_limit_counts(void **state)
{
    (void)state;
    unsetenv("SLURM_JOB_END_TIME");
    assert_true(isinf(om_limit_s(0)));
    assert_true(om_limit_s(90) == 90);
    job_ends_in(100000);
    assert_true(om_limit_s(90) == 90);
    assert_true(om_limit_s(0) > 90000 && om_limit_s(0) <= 100001);
    assert_true(om_limit_s(1e6) <= 100001);
    job_ends_in(-100);
    assert_true(om_limit_s(0) == 0);
    assert_true(om_limit_s(90) == 0);
    setenv("SLURM_JOB_END_TIME", "Unknown", 1);
    assert_true(isinf(om_limit_s(0)));
    unsetenv("SLURM_JOB_END_TIME");
}

static void test_some_of_it_is_kept_for_the_end(void **state)
{
    (void)state;
    assert_true(om_limit_reserve_s(INFINITY) == 0);
    assert_true(om_limit_reserve_s(0) == 0);
    assert_true(fabs(om_limit_reserve_s(20) - 2) < 1e-9);
    assert_true(om_limit_reserve_s(86400) == 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_the_sooner_limit_counts),
        cmocka_unit_test(test_some_of_it_is_kept_for_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
