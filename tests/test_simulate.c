/* What a run would be, as far as it can be told by hand; and that the plan keeps very many unequal ranks
 * at work, with units that fail. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ensemble/progress.h"
#include "ensemble/simulate.h"

/* 10 iterations/s, units of 10 s. */
static om_simulation_options options_of(int models, int ranks, uint64_t iterations)
{
    return (om_simulation_options){
        .models = models, .ranks = ranks, .iterations = iterations, .unit_s = 10, .rate = 10};
}

static om_simulation simulate(const om_simulation_options *options)
{
    om_simulation r;
    assert_int_equal(om_simulate(options, &r), OM_OK);
    return r;
}

static void near(double actual, double expected, double error)
{
    if (!(fabs(actual - expected) <= error)) fail_msg("%.9g, expected %.9g", actual, expected);
}

static void test_equal_ranks_by_hand(void **state)
{
    (void)state;
    om_simulation_options o = options_of(3, 1, 1000);
    om_simulation r = simulate(&o);
    near(r.seconds, 300, 1e-6);
    near(r.busy, 1, 1e-9);
    assert_int_equal(r.done, 3);
    assert_int_equal(r.failed_units, 0);
    /* one model has one rank at a time: half of two ranks wait */
    o = options_of(1, 2, 1000);
    r = simulate(&o);
    near(r.seconds, 100, 1e-6);
    near(r.busy, 0.5, 1e-9);
    near(r.longest_idle, 100, 1e-6);
    /* what is not training: a second for each of the units */
    o = options_of(4, 2, 1000);
    o.commit_s = 1;
    r = simulate(&o);
    near(r.seconds, 200 + (double)r.units / 2, 1);
    near(r.busy, 400 / (2 * r.seconds), 1e-9);
    /* a unit is asked for, given and ended; each rank tells of its progress once a second */
    near(r.messages_per_s, 3 * (double)r.units / r.seconds + 2, 1e-9);
}

static void test_noise_leaves_nobody_idle_for_more_than_a_unit(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        om_simulation_options o = options_of(50, 16, 20000);
        o.spread = 0.2;
        o.varies = 0.05;
        o.seed = seed;
        om_simulation r = simulate(&o);
        assert_int_equal(r.done, 50);
        if (r.longest_idle > o.unit_s || r.busy < 0.99)
            fail_msg("seed %d: idle for %g s, busy %g", (int)seed, r.longest_idle, r.busy);
    }
}

/* Rates that differ from rank to rank and vary, models from a fraction of a unit to a thousand units. */
static void test_nobody_waits_for_the_last_models(void **state)
{
    (void)state;
    static const struct {
        int models, ranks;
        uint64_t iterations;
        double spread, busy;
        bool spare; /* models enough to leave nobody idle for more than a unit */
    } cases[] = {
        {50, 2, 30000, 0.1, 0.999, true},  {50, 2, 30000, 0.3, 0.999, true},
        {50, 7, 30000, 0.3, 0.999, true},  {50, 25, 20000, 0.2, 0.999, true},
        {100, 33, 3000, 0.2, 0.998, true}, {3, 2, 5000, 0.2, 0.99, true},
        {12, 2, 200, 0.1, 0.99, true},     {200, 2, 50, 0.1, 0.99, true},
        {200, 2, 1, 0.3, 0.98, true},      {50, 49, 20000, 0.1, 0.99, false},
        {50, 50, 20000, 0.1, 0.98, false}, {17, 16, 20000, 0.3, 0.99, false},
        {2, 2, 50000, 0.3, 0.95, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            om_simulation_options o =
                options_of(cases[i].models, cases[i].ranks, cases[i].iterations);
            o.spread = cases[i].spread;
            o.varies = 0.03;
            o.seed = seed;
            const om_simulation r = simulate(&o);
            assert_int_equal(r.done, cases[i].models);
            if (r.busy < cases[i].busy || (cases[i].spare && r.longest_idle > o.unit_s))
                fail_msg("%d models on %d ranks, seed %d: idle for %g s, busy %g", cases[i].models,
                         cases[i].ranks, (int)seed, r.longest_idle, r.busy);
        }
}

static void test_a_thousand_unequal_ranks_stay_at_work(void **state)
{
    (void)state;
    om_simulation_options o = options_of(2048, 1024, 2000);
    o.spread = 0.2;
    o.varies = 0.05;
    o.fails = 0.01;
    o.commit_s = 0.01;
    const om_simulation r = simulate(&o), again = simulate(&o);
    if (r.busy < 0.95) fail_msg("busy %g", r.busy);
    assert_true(r.failed_units > r.units / 200 && r.failed_units < r.units / 50);
    assert_int_equal(r.done + r.failed, 2048);
    assert_true(r.done > 2000);
    assert_true(r.seconds == again.seconds && r.units == again.units);
    o.seed = 1;
    assert_true(simulate(&o).seconds != r.seconds);
}

/* However many more ranks than models there are: what fails is tried again by another one, and nobody
 * waits for ever. */
static void test_spare_ranks_take_over_what_failed(void **state)
{
    (void)state;
    om_simulation_options o = options_of(2, 5000, 1000);
    o.fails = 0.2;
    om_simulation r = simulate(&o);
    assert_int_equal(r.done + r.failed, 2);
    assert_true(r.failed_units > 0);
    /* units of a model that ends follow each other at once */
    o.fails = 0;
    r = simulate(&o);
    assert_int_equal(r.done, 2);
    near(r.seconds, 100, 1e-6);
    near(r.busy, 2.0 / 5000, 1e-9);
}

static void test_progress_is_told_less_often_by_many(void **state)
{
    (void)state;
    assert_true(om_progress_interval(1) == 1 && om_progress_interval(64) == 1);
    assert_true(om_progress_interval(1024) == 16);
}

static void test_what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    om_simulation r;
    const om_simulation_options good = options_of(2, 2, 100);
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        om_simulation_options o = good;                                                            \
        change;                                                                                    \
        assert_int_equal(om_simulate(&o, &r), OM_EUSAGE);                                          \
    } while (0)
    REFUSED(o.models = 0);
    REFUSED(o.ranks = 0);
    REFUSED(o.rate = 0);
    REFUSED(o.rate = NAN);
    REFUSED(o.fails = 1);
    REFUSED(o.spread = -1);
    REFUSED(o.commit_s = NAN);
    REFUSED(o.unit_s = 0);
#undef REFUSED
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_ranks_by_hand),
        cmocka_unit_test(test_noise_leaves_nobody_idle_for_more_than_a_unit),
        cmocka_unit_test(test_nobody_waits_for_the_last_models),
        cmocka_unit_test(test_a_thousand_unequal_ranks_stay_at_work),
        cmocka_unit_test(test_spare_ranks_take_over_what_failed),
        cmocka_unit_test(test_progress_is_told_less_often_by_many),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
