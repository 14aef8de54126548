/* The plan, driven by a simulator of workers that are unequal, change their speed, die, meet
 * errors and diverging models, and come and go in any order. After every event the plan's own rules
 * hold, and the simulator keeps its own books on what was trained. */
#include <stdlib.h>
#include <string.h>

#include "plan_bench.h"
#include "plan_sim.h"

/* --- many workers ---------------------------------------------------------------------------- */

static const int sizes[][2] = {{8, 2},   {50, 7},  {50, 49}, {50, 50}, {100, 48}, {40, 16},
                               {30, 13}, {12, 12}, {3, 3},   {9, 1},   {5, 9},    {1, 4}};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

static void test_equal_workers_idle_for_a_unit_at_most(void **state)
{
    (void)state;
    for (int i = 0; i < N_SIZES; i++) {
        scenario what = {.models = sizes[i][0],
                         .workers = sizes[i][1],
                         .iterations = 2000,
                         .unit_s = 10,
                         .rate = 10,
                         .unequal = 1};
        double idle, late;
        run_whole(&what, &idle, &late, NULL);
        if (what.models >= what.workers && idle > 1.001)
            fail_msg("%d models, %d workers: idle for %g units", what.models, what.workers, idle);
        if (late > 1.001)
            fail_msg("%d models, %d workers: %g units late", what.models, what.workers, late);
    }
}

static void test_unequal_workers_end_within_units_of_the_ideal(void **state)
{
    (void)state;
    for (int i = 0; i < N_SIZES; i++)
        for (int j = 0; j < 6; j++) {
            if (sizes[i][0] < sizes[i][1]) continue; /* who never trained was never measured */
            const double unequal[] = {1.3, 2, 4}, varies[] = {0, 0.2};
            scenario what = {.models = sizes[i][0],
                             .workers = sizes[i][1],
                             .iterations = 2000,
                             .unit_s = 10,
                             .rate = 10,
                             .unequal = unequal[j / 2],
                             .varies = varies[j % 2],
                             .seed = 5};
            double late;
            run_whole(&what, NULL, &late, NULL);
            if (late > (what.varies > 0 ? 5 : 2))
                fail_msg("%d models, %d workers, rates differ by %g and vary by %g: %g units late",
                         what.models, what.workers, what.unequal, what.varies, late);
        }
}

static void test_more_than_a_thousand_workers(void **state)
{
    (void)state;
    scenario what = {.models = 1500,
                     .workers = 1100,
                     .iterations = 200,
                     .unit_s = 10,
                     .rate = 10,
                     .unequal = 1.3,
                     .varies = 0.1,
                     .dies = 1e-3,
                     .fails = 1e-3,
                     .diverges = 1e-3,
                     .ahead = 0.01,
                     .seed = 3};
    run_whole(&what, NULL, NULL, NULL);
}

static void test_every_model_ends_once_whatever_happens(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 60; seed++) {
        scenario what = {.models = 1 + (int)(seed * 7 % 40),
                         .workers = 1 + (int)(seed * 5 % 23),
                         .iterations = 1 + seed * 37 % 900,
                         .unit_s = 5,
                         .rate = 20,
                         .first_rate = seed % 3 == 0   ? 1e-3
                                       : seed % 3 == 1 ? 1e6
                                                       : 20,
                         .unequal = 3,
                         .varies = 0.5,
                         .dies = 0.02,
                         .fails = 0.05,
                         .diverges = 0.01,
                         .ahead = seed % 2 ? 0.3 : 0,
                         .set_back = 0.05,
                         .seed = seed};
        run_whole(&what, NULL, NULL, NULL);
    }
}

static void test_same_events_give_the_same_answers(void **state)
{
    (void)state;
    scenario what = {.models = 30,
                     .workers = 9,
                     .iterations = 500,
                     .unit_s = 5,
                     .rate = 10,
                     .unequal = 2,
                     .varies = 0.3,
                     .dies = 0.01,
                     .fails = 0.02,
                     .seed = 1};
    uint64_t once, again, other;
    run_whole(&what, NULL, NULL, &once);
    run_whole(&what, NULL, NULL, &again);
    what.seed = 2;
    run_whole(&what, NULL, NULL, &other);
    assert_true(once == again);
    assert_true(once != other);
}

/* Stopped after any number of events and resumed by another number of workers, it goes on from
 * what the store holds: the simulator checks every unit's first iteration. */
static void test_resumes_from_any_event(void **state)
{
    (void)state;
    for (int events = 1; events < 120; events += 3) {
        scenario what = {.models = 12,
                         .workers = 5,
                         .iterations = 400,
                         .unit_s = 5,
                         .rate = 10,
                         .unequal = 2,
                         .varies = 0.2,
                         .fails = 0.02,
                         .diverges = 0.02,
                         .ahead = 0.2,
                         .set_back = 0.05,
                         .stop_after = events,
                         .seed = (uint32_t)events};
        sim s;
        sim_start(&s, &what);
        sim_resume(&s);
        sim_run(&s);
        s.s.stop_after = 0;
        s.s.workers = 1 + events % 5;
        sim_resume(&s);
        sim_run(&s);
        for (int m = 0; m < what.models; m++) assert_true(s.ended[m]);
        sim_end(&s);
    }
}

/* Units end before the limit on workers that differ and vary, and little time is left unused. */
static void test_nothing_runs_over_a_limit(void **state)
{
    (void)state;
    int kept = 0;
    for (uint32_t seed = 0; seed < 100; seed++) {
        scenario what = {.models = 2 + (int)(seed % 13 + seed % 5),
                         .workers = 1 + (int)seed % 13,
                         .iterations = 1000000,
                         .unit_s = 10,
                         .rate = 10,
                         .unequal = 2,
                         .varies = 0.3,
                         .fails = 0.01,
                         .ahead = seed % 2 ? 0.3 : 0,
                         .limit_s = 5 + 3 * seed,
                         .seed = seed};
        sim s;
        sim_start(&s, &what);
        sim_resume(&s);
        sim_run(&s);
        if (s.now > what.limit_s) fail_msg("%g s of %g s", s.now, what.limit_s);
        for (int w = 0; w < what.workers; w++) {
            const double unused = (what.limit_s - s.workers[w].idle_since) * s.workers[w].rate;
            if (unused > 4) fail_msg("seed %u: %g iterations unused", seed, unused);
        }
        kept += s.promises_kept;
        sim_end(&s);
    }
    assert_true(kept > 100);
}

/* --- one step at a time ---------------------------------------------------------------------- */

static void assert_same_unit(om_unit a, om_unit b)
{
    assert_int_equal(a.model, b.model);
    assert_int_equal(a.from, b.from);
    assert_int_equal(a.to, b.to);
}

static void test_options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const om_plan_options bad[] = {
        {0, 1, 1, 1, 1}, {1, 0, 1, 1, 1}, {1, 1, 1, 0, 1}, {1, 1, 1, 1, NAN}};
    for (int i = 0; i < 4; i++) {
        om_plan *plan;
        assert_int_equal(om_plan_create(&bad[i], &plan), OM_EUSAGE);
        assert_null(plan);
    }
    om_plan_free(NULL);
}

static void test_a_worker_keeps_its_model(void **state)
{
    (void)state;
    om_plan *plan = plan_of(8, 2, 1000);
    for (int i = 0; i < 10; i++) {
        om_unit mine = asked(plan, 0), other = asked(plan, 1);
        assert_int_equal(mine.model, 0);
        assert_int_equal(other.model, 1);
        assert_int_equal(mine.from, i * 100);
        assert_int_equal(mine.to, i * 100 + 100);
        om_plan_done(plan, 0, mine.to, 10);
        om_plan_done(plan, 1, other.to, 10);
    }
    assert_int_equal(asked(plan, 0).model, 2);
    om_plan_free(plan);
}

static void test_a_model_that_is_behind_goes_first(void **state)
{
    (void)state;
    om_plan *plan = plan_of(3, 2, 1000); /* share of a worker: 1,500 */
    om_unit a = asked(plan, 0), b = asked(plan, 1);
    int first_of_model_2 = -1;
    for (int i = 0; i < 10 && first_of_model_2 < 0; i++) {
        om_plan_done(plan, 0, a.to, 10);
        a = asked(plan, 0);
        if (a.model == 2) first_of_model_2 = i;
        om_plan_done(plan, 1, b.to, 10);
        b = asked(plan, 1);
        if (b.model == 2) first_of_model_2 = i;
    }
    assert_in_range(first_of_model_2, 1, 5); /* well before the first two have ended */
    om_plan_free(plan);
}

static void test_units_follow_the_measured_rate(void **state)
{
    (void)state;
    om_plan *plan = plan_of(4, 1, 100000);
    om_unit unit = asked(plan, 0);
    assert_int_equal(unit.to, 100);
    om_plan_done(plan, 0, 100, 1); /* 100 iterations/s */
    unit = asked(plan, 0);
    assert_in_range(unit.to - unit.from, 990, 1000);
    om_plan_done(plan, 0, unit.to, 0); /* a clock that stood still tells nothing */
    unit = asked(plan, 0);
    assert_in_range(unit.to - unit.from, 990, 1000);
    om_plan_done(plan, 0, unit.from + 1, 1e9); /* stopped early, and very slow */
    unit = asked(plan, 0);
    assert_in_range(unit.to - unit.from, 700, 760);
    om_plan_free(plan);
    om_plan_options slow = {1, 1, 5, 10, 1e-9};
    assert_int_equal(om_plan_create(&slow, &plan), OM_OK);
    assert_int_equal(asked(plan, 0).to, 1); /* an iteration at least */
    om_plan_free(plan);
}

static void test_a_failed_unit_is_tried_again_by_another_worker(void **state)
{
    (void)state;
    om_plan *plan = plan_of(2, 3, 1000);
    om_unit unit = asked(plan, 0), other = asked(plan, 1), again;
    assert_int_equal(om_plan_ask(plan, 2, &again), OM_PLAN_WAIT);
    assert_true(om_plan_failed(plan, 0));
    assert_int_equal(om_plan_ask(plan, 0, &again), OM_PLAN_WAIT);
    again = asked(plan, 2);
    assert_same_unit(again, unit);
    assert_false(om_plan_failed(plan, 2));
    om_plan_summary summary;
    om_plan_summarize(plan, &summary);
    assert_int_equal(summary.failed, 1);
    assert_int_equal(summary.iterations_total, 1000);
    for (; other.to < 1000; other = asked(plan, 1)) om_plan_done(plan, 1, other.to, 10);
    om_plan_done(plan, 1, 1000, 10);
    for (int w = 0; w < 3; w++) assert_int_equal(om_plan_ask(plan, w, &unit), OM_PLAN_FINISHED);
    om_plan_free(plan);
}

static void test_a_worker_alone_tries_again_itself(void **state)
{
    (void)state;
    om_plan *plan = plan_of(1, 4, 1000);
    om_unit unit = asked(plan, 0);
    assert_true(om_plan_failed(plan, 0));
    om_unit again = asked(plan, 0);
    assert_same_unit(again, unit);
    om_plan_done(plan, 0, again.to, 10);
    asked(plan, 0);
    assert_true(om_plan_failed(plan, 0)); /* another unit: it, too, is tried again */
    asked(plan, 0);
    assert_false(om_plan_failed(plan, 0));
    assert_true(om_plan_is_valid(plan));
    assert_int_equal(om_plan_ask(plan, 0, &unit), OM_PLAN_FINISHED);
    om_plan_free(plan);
}

static void test_a_lost_workers_unit_is_free_again(void **state)
{
    (void)state;
    om_plan *plan = plan_of(1, 2, 1000);
    om_unit unit = asked(plan, 0), other;
    assert_int_equal(om_plan_ask(plan, 1, &other), OM_PLAN_WAIT);
    om_plan_lost(plan, 0);
    assert_int_equal(om_plan_model_of(plan, 0), -1);
    other = asked(plan, 1);
    assert_int_equal(other.model, unit.model);
    assert_int_equal(other.from, 0);
    om_plan_lost(plan, 0); /* once more changes nothing */
    assert_int_equal(om_plan_ask(plan, 0, &unit), OM_PLAN_WAIT);
    assert_true(om_plan_is_valid(plan));
    om_plan_free(plan);
}

static void test_a_diverged_model_is_not_handed_out_again(void **state)
{
    (void)state;
    om_plan *plan = plan_of(2, 1, 100);
    assert_int_equal(asked(plan, 0).model, 0);
    om_plan_diverged(plan, 0);
    om_unit unit = asked(plan, 0);
    assert_int_equal(unit.model, 1);
    for (; unit.to < 100; unit = asked(plan, 0)) om_plan_done(plan, 0, unit.to, 1);
    om_plan_done(plan, 0, 100, 1);
    assert_int_equal(om_plan_ask(plan, 0, &unit), OM_PLAN_FINISHED);
    om_plan_free(plan);
}

/* A model may end a unit before its beginning. What it lost is left again, and says nothing about how
 * fast its worker is. */
static void test_a_model_that_is_set_back_is_trained_to_the_end(void **state)
{
    (void)state;
    om_plan *plan = plan_of(1, 1, 400);
    om_plan_summary before, after;
    for (int i = 0; i < 2; i++) om_plan_done(plan, 0, asked(plan, 0).to, 10);
    om_unit unit = asked(plan, 0);
    om_plan_summarize(plan, &before);
    om_plan_done(plan, 0, 50, 0);
    assert_true(om_plan_is_valid(plan));
    unit = asked(plan, 0);
    assert_int_equal(unit.from, 50);
    om_plan_summarize(plan, &after);
    assert_int_equal(after.iterations_done, 50);
    assert_true(after.iterations_per_s == before.iterations_per_s);
    for (; unit.to < 400; unit = asked(plan, 0)) om_plan_done(plan, 0, unit.to, 10);
    om_plan_done(plan, 0, 400, 10);
    assert_int_equal(om_plan_ask(plan, 0, &unit), OM_PLAN_FINISHED);
    om_plan_free(plan);
}

static void test_after_a_stop_everybody_leaves(void **state)
{
    (void)state;
    om_plan *plan = plan_of(3, 2, 1000);
    om_unit unit = asked(plan, 0);
    om_plan_stop(plan);
    assert_int_equal(om_plan_ask(plan, 1, &unit), OM_PLAN_FINISHED);
    om_plan_done(plan, 0, 37, 5);
    assert_int_equal(om_plan_ask(plan, 0, &unit), OM_PLAN_FINISHED);
    om_plan_summary summary;
    om_plan_summarize(plan, &summary);
    assert_int_equal(summary.iterations_done, 37);
    assert_int_equal(summary.waiting, 3);
    om_plan_free(plan);
}

/* Every model is handed out once, to be checked, and once more if that failed. */
static void test_with_nothing_to_train_each_model_has_one_unit(void **state)
{
    (void)state;
    om_plan *plan = plan_of(5, 2, 0);
    om_plan_resume(plan, 3, 0, false); /* a store has it */
    om_plan_resume(plan, 4, 0, true);
    om_unit unit = asked(plan, 0), other = asked(plan, 1), again;
    assert_same_unit(unit, (om_unit){0, 0, 0});
    assert_same_unit(other, (om_unit){1, 0, 0});
    assert_true(om_plan_failed(plan, 1));
    om_plan_done(plan, 0, 0, 2);
    again = asked(plan, 0);
    assert_same_unit(again, other);
    unit = asked(plan, 1);
    assert_same_unit(unit, (om_unit){2, 0, 0});
    om_plan_done(plan, 1, 0, 2);
    assert_int_equal(om_plan_ask(plan, 1, &unit), OM_PLAN_WAIT);
    assert_false(om_plan_failed(plan, 0));
    assert_true(om_plan_is_valid(plan));
    assert_int_equal(om_plan_ask(plan, 0, &unit), OM_PLAN_FINISHED);
    assert_int_equal(om_plan_ask(plan, 1, &unit), OM_PLAN_FINISHED);
    om_plan_summary summary;
    om_plan_summarize(plan, &summary);
    assert_int_equal(summary.done, 3);
    assert_int_equal(summary.diverged, 1);
    assert_int_equal(summary.failed, 1);
    om_plan_free(plan);
}

static void test_the_summary_counts(void **state)
{
    (void)state;
    om_plan *plan = plan_of(4, 2, 1000);
    om_plan_resume(plan, 0, 1000, false);
    om_plan_resume(plan, 1, 300, true);
    om_plan_resume(plan, 2, 400, false);
    om_unit unit = asked(plan, 0);
    assert_int_equal(unit.model, 2); /* begun ones first */
    assert_int_equal(unit.from, 400);
    om_plan_summary summary;
    om_plan_summarize(plan, &summary);
    assert_int_equal(summary.done, 1);
    assert_int_equal(summary.diverged, 1);
    assert_int_equal(summary.running, 1);
    assert_int_equal(summary.waiting, 1);
    assert_int_equal(summary.iterations_total, 3000);
    assert_int_equal(summary.iterations_done, 1400);
    assert_true(isnan(summary.seconds_left));
    om_plan_done(plan, 0, unit.from + 100, 5);
    asked(plan, 0);
    om_plan_summarize(plan, &summary);
    assert_true(summary.iterations_per_s == 20);
    assert_true(summary.seconds_left == 75);
    om_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_workers_idle_for_a_unit_at_most),
        cmocka_unit_test(test_unequal_workers_end_within_units_of_the_ideal),
        cmocka_unit_test(test_more_than_a_thousand_workers),
        cmocka_unit_test(test_every_model_ends_once_whatever_happens),
        cmocka_unit_test(test_same_events_give_the_same_answers),
        cmocka_unit_test(test_resumes_from_any_event),
        cmocka_unit_test(test_nothing_runs_over_a_limit),
        cmocka_unit_test(test_options_that_make_no_sense_are_refused),
        cmocka_unit_test(test_a_worker_keeps_its_model),
        cmocka_unit_test(test_a_model_that_is_behind_goes_first),
        cmocka_unit_test(test_units_follow_the_measured_rate),
        cmocka_unit_test(test_a_failed_unit_is_tried_again_by_another_worker),
        cmocka_unit_test(test_a_worker_alone_tries_again_itself),
        cmocka_unit_test(test_a_lost_workers_unit_is_free_again),
        cmocka_unit_test(test_a_diverged_model_is_not_handed_out_again),
        cmocka_unit_test(test_a_model_that_is_set_back_is_trained_to_the_end),
        cmocka_unit_test(test_after_a_stop_everybody_leaves),
        cmocka_unit_test(test_with_nothing_to_train_each_model_has_one_unit),
        cmocka_unit_test(test_the_summary_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
