/* The plan, driven by a simulator of workers that are unequal, change their speed, die, meet
 * errors and diverging models, and come and go in any order. After every event the plan's own rules
 * hold, and the simulator keeps its own books on what was trained. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "ommatid/om_plan.h"
#include "ommatid/om_random.h"

typedef struct scenario {
    int models, workers;
    uint64_t iterations;
    double unit_s, rate;    /* iterations/s of an average worker */
    double first_rate;      /* what the plan believes before it has measured */
    double unequal, varies; /* workers' rates differ by up to this factor; units by +- this share */
    double dies, fails, diverges; /* probabilities per unit */
    double ahead;                 /* that one who is at work asks ahead, per event */
    double limit_s;               /* when all has to be over; 0: never */
    double set_back;              /* to anywhere before, once for every model */
    int stop_after;               /* events until everything is stopped; 0: never */
    uint32_t seed;
} scenario;

typedef struct sim_worker {
    bool alive, busy, left, asked, promised;
    double rate, started, ends, idle_since;
    om_unit unit, next; /* next: promised */
} sim_worker;

typedef struct sim {
    scenario s;
    om_plan *plan;
    sim_worker *workers;
    uint64_t *trained; /* [models] iterations, as a store would hold them */
    int *holder;       /* [models] or -1 */
    bool *ended;       /* [models] */
    bool *set_back;    /* [models] */
    double now, worst_idle;
    uint64_t draws, checksum;
    bool stopped;
    int events, deaths, promises_kept;
} sim;

static double draw(sim *s)
{
    om_stream stream = {s->s.seed, 0, OM_FOR_INIT, 0, 0};
    return om_random_uniform(&stream, (uint32_t)s->draws++);
}

static void sim_start(sim *s, const scenario *what)
{
    memset(s, 0, sizeof *s);
    s->s = *what;
    size_t models = (size_t)what->models, workers = (size_t)what->workers;
    assert_int_equal(om_alloc(workers, sizeof *s->workers, &s->workers), OM_OK);
    assert_int_equal(om_alloc(models, sizeof *s->trained, &s->trained), OM_OK);
    assert_int_equal(om_alloc(models, sizeof *s->holder, &s->holder), OM_OK);
    assert_int_equal(om_alloc(models, sizeof *s->ended, &s->ended), OM_OK);
    assert_int_equal(om_alloc(models, sizeof *s->set_back, &s->set_back), OM_OK);
    for (size_t m = 0; m < models; m++) s->holder[m] = -1;
}

/* Workers and a plan that knows what was trained before. */
static void sim_resume(sim *s)
{
    const scenario *what = &s->s;
    const om_plan_options options = {what->models, what->workers, what->iterations, what->unit_s,
                                     what->first_rate > 0 ? what->first_rate : what->rate};
    om_plan_free(s->plan);
    s->stopped = false;
    s->deaths = 0;
    assert_int_equal(om_plan_create(&options, &s->plan), OM_OK);
    for (int m = 0; m < what->models; m++)
        if (s->trained[m] > 0 || s->ended[m])
            om_plan_resume(s->plan, m, s->trained[m],
                           s->ended[m] && s->trained[m] < what->iterations);
    assert_true(om_plan_is_valid(s->plan));
    for (int w = 0; w < what->workers; w++)
        s->workers[w] = (sim_worker){.alive = true,
                                     .rate = what->rate * pow(what->unequal, draw(s) - 0.5),
                                     .idle_since = s->now};
}

static void sim_end(sim *s)
{
    om_plan_free(s->plan);
    om_free(s->workers);
    om_free(s->trained);
    om_free(s->holder);
    om_free(s->ended);
    om_free(s->set_back);
}

/* Asks for one worker, whose unit would begin then, and checks the answer against the simulator's books. */
static om_plan_answer ask_plan(sim *s, int number, double begins, om_unit *unit)
{
    if (s->s.limit_s > 0) om_plan_time_left(s->plan, s->s.limit_s - begins);
    om_plan_answer answer = om_plan_ask(s->plan, number, unit);
    if (answer != OM_PLAN_UNIT) return answer;
    assert_in_range(unit->model, 0, s->s.models - 1);
    assert_false(s->ended[unit->model]);
    assert_true(unit->to > unit->from && unit->to <= s->s.iterations);
    return answer;
}

static void ask_ahead(sim *s, int number)
{
    sim_worker *w = &s->workers[number];
    w->asked = true;
    w->promised = ask_plan(s, number, w->ends, &w->next) == OM_PLAN_UNIT;
    assert_int_equal(om_plan_model_of(s->plan, number), w->unit.model);
    if (!w->promised) return;
    bool same = w->next.model == w->unit.model;
    assert_int_equal(s->holder[w->next.model], same ? number : -1);
    assert_int_equal(w->next.from, same ? w->unit.to : s->trained[w->next.model]);
    s->holder[w->next.model] = number;
}

static void begin(sim *s, int number, om_unit unit)
{
    sim_worker *w = &s->workers[number];
    assert_int_equal(unit.from, s->trained[unit.model]);
    assert_int_equal(om_plan_model_of(s->plan, number), unit.model);
    s->holder[unit.model] = number;
    w->asked = w->promised = false;
    double rate = w->rate * (1 + s->s.varies * (2 * draw(s) - 1));
    w->busy = true;
    w->unit = unit;
    w->started = s->now;
    w->ends = s->now + (double)(unit.to - unit.from) / rate;
    s->checksum = s->checksum * 31 + (uint64_t)number * 7 + (uint64_t)unit.model + unit.to;
}

static void ask(sim *s, int number)
{
    om_unit unit = {-1, 0, 0};
    om_plan_answer answer = ask_plan(s, number, s->now, &unit);
    if (answer == OM_PLAN_FINISHED) s->workers[number].left = true;
    if (answer != OM_PLAN_UNIT) return;
    assert_int_equal(s->holder[unit.model], -1);
    begin(s, number, unit);
}

/* One report: how a worker's unit ended. */
static void report(sim *s, int number)
{
    sim_worker *w = &s->workers[number];
    int model = w->unit.model;
    s->now = w->ends;
    s->holder[model] = -1;
    w->busy = false;
    w->idle_since = s->now;
    double what = draw(s);
    bool whole = false;
    if (what < s->s.dies && s->deaths < s->s.workers - 1) {
        w->alive = false;
        s->deaths++;
        if (w->promised) s->holder[w->next.model] = -1;
        w->promised = false;
        om_plan_lost(s->plan, number);
    } else if ((what -= s->s.dies) < s->s.fails) {
        if (!om_plan_failed(s->plan, number)) s->ended[model] = true;
    } else if (what - s->s.fails < s->s.diverges) {
        om_plan_diverged(s->plan, number);
        s->ended[model] = true;
    } else if (what - s->s.diverges < s->s.set_back && !s->set_back[model]) {
        s->set_back[model] = true;
        s->trained[model] = (uint64_t)(draw(s) * (double)w->unit.from);
        om_plan_done(s->plan, number, s->trained[model], 0);
    } else {
        uint64_t to = w->unit.to;
        if (s->stopped) to -= (uint64_t)(draw(s) * (double)(to - w->unit.from));
        s->trained[model] = to;
        if (to == s->s.iterations) s->ended[model] = true;
        whole = to == w->unit.to;
        om_plan_done(s->plan, number, to, s->now - w->started);
    }
    if (!w->promised || (w->next.model == model && !whole)) return;
    s->promises_kept++;
    begin(s, number, w->next);
}

/* The next worker whose unit ends; -1: nobody is at work. */
static int next_to_report(const sim *s)
{
    int next = -1;
    for (int w = 0; w < s->s.workers; w++)
        if (s->workers[w].busy && (next < 0 || s->workers[w].ends < s->workers[next].ends))
            next = w;
    return next;
}

/* Everybody who is free asks, as a coordinator lets them after every report; some others ask ahead. */
static void all_ask(sim *s)
{
    for (int w = 0; w < s->s.workers; w++)
        if (s->workers[w].alive && !s->workers[w].busy && !s->workers[w].left) ask(s, w);
    for (int w = 0; w < s->s.workers && s->s.ahead > 0; w++)
        if (s->workers[w].busy && !s->workers[w].asked && draw(s) < s->s.ahead) ask_ahead(s, w);
}

static void sim_run(sim *s)
{
    int every = s->s.models > 500 ? 97 : 1; /* the plan's own check is O(models) */
    all_ask(s);
    for (int w; (w = next_to_report(s)) >= 0;) {
        report(s, w);
        if (++s->events == s->s.stop_after) {
            om_plan_stop(s->plan);
            s->stopped = true;
        }
        all_ask(s);
        if (s->events % every == 0) assert_true(om_plan_is_valid(s->plan));
    }
    assert_true(om_plan_is_valid(s->plan));
    for (int w = 0; w < s->s.workers; w++) {
        if (!s->workers[w].alive) continue;
        assert_true(s->workers[w].left);
        s->worst_idle = fmax(s->worst_idle, s->now - s->workers[w].idle_since);
    }
}

/* Nothing is lost: every model has ended exactly once, and unless it was given up it is whole. */
static void assert_all_ended(const sim *s)
{
    om_plan_summary summary;
    om_plan_summarize(s->plan, &summary);
    int whole = 0, given_up = 0;
    for (int m = 0; m < s->s.models; m++) {
        assert_true(s->ended[m]);
        assert_int_equal(s->holder[m], -1);
        if (s->trained[m] == s->s.iterations)
            whole++;
        else
            given_up++;
    }
    assert_int_equal(summary.done, whole);
    assert_int_equal(summary.diverged + summary.failed, given_up);
    assert_int_equal(summary.waiting + summary.running, 0);
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Seconds that nobody could beat: all workers busy all the time, one of them on each model, and
 * the fastest where there are fewer models than workers. */
static double ideal_s(const sim *s)
{
    double rates[2048], sum = 0, longest = 0;
    int n = s->s.workers, models = s->s.models;
    for (int w = 0; w < n; w++) rates[w] = s->workers[w].rate;
    qsort(rates, (size_t)n, sizeof *rates, descending);
    for (int k = 1; k <= n; k++) {
        sum += rates[k - 1];
        double left = (double)s->s.iterations * (k == n || k > models ? models : k);
        if (k <= models || k == n) longest = fmax(longest, left / sum);
    }
    return longest;
}

static void run_whole(const scenario *what, double *idle_units, double *late_units, uint64_t *trace)
{
    sim s;
    sim_start(&s, what);
    sim_resume(&s);
    double ideal = ideal_s(&s);
    sim_run(&s);
    assert_all_ended(&s);
    if (idle_units != NULL) *idle_units = s.worst_idle / what->unit_s;
    if (late_units != NULL) *late_units = (s.now - ideal) / what->unit_s;
    if (trace != NULL) *trace = s.checksum;
    sim_end(&s);
}

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

static om_plan *plan_of(int models, int workers, uint64_t iterations)
{
    om_plan_options options = {models, workers, iterations, 10, 10}; /* units of 100 iterations */
    om_plan *plan;
    assert_int_equal(om_plan_create(&options, &plan), OM_OK);
    return plan;
}

static om_unit asked(om_plan *plan, int worker)
{
    om_unit unit;
    assert_int_equal(om_plan_ask(plan, worker, &unit), OM_PLAN_UNIT);
    assert_true(om_plan_is_valid(plan));
    return unit;
}

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
