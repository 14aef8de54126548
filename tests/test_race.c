/* Races: the same models go on whatever the ranks do, however often the run is killed, and whoever
 * diverges; and ranks stay at work. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fail.h"
#include "ensemble/race.h"
#include "ensemble/simulate.h"
#include "ommatid/om_random.h"

enum { MOST_MODELS = 40, MOST_WORKERS = 9, NEVER = 1000000 };

/* ---- what becomes of the models, whoever trains them ---- */

typedef struct fate {
    om_race_options options;
    int models;
    uint64_t iterations, unit_s;
    uint32_t seed;
    uint64_t diverges_at[MOST_MODELS]; /* or NEVER */
} fate;

static double draw(uint32_t seed, uint32_t of, uint32_t *n)
{
    const om_stream stream = {seed, of, OM_FOR_INIT, 0, 0};
    return om_random_uniform(&stream, (*n)++);
}

/* Few different values: there are ties. */
static double measure_of(const fate *f, int model, uint64_t iteration)
{
    uint32_t n = (uint32_t)iteration;
    return floor(8 * draw(f->seed, 100 + (uint32_t)model, &n));
}

static void make_fate(fate *f, uint32_t seed)
{
    static const char *const rungs[] = {"", "30", "20, 50", "10, 11, 99"};
    static const double keep[] = {0.5, 0.3, 0.8};
    uint32_t n = 0;
    *f = (fate){.models = 1 + (int)(seed * 7 % MOST_MODELS), .iterations = 100, .seed = seed};
    f->options.keep = keep[seed % 3];
    snprintf(f->options.at, sizeof f->options.at, "%s", rungs[seed % 4]);
    for (int m = 0; m < f->models; m++)
        f->diverges_at[m] = draw(seed, 1, &n) < 0.2 ? (uint64_t)(100 * draw(seed, 1, &n)) : NEVER;
}

/* The iteration that each model gets to, straight from the rule. */
static void expect(const fate *f, uint64_t reached[MOST_MODELS])
{
    const om_legs legs = om_legs_of(&f->options, f->models, f->iterations);
    bool out[MOST_MODELS] = {false};
    for (int m = 0; m < f->models; m++)
        reached[m] = f->diverges_at[m] < f->iterations ? f->diverges_at[m] : f->iterations;
    int field = f->models;
    for (int rung = 0; rung < legs.rungs; rung++) {
        const uint64_t at = legs.end[rung];
        int kept = (int)ceil(f->options.keep * field - 1e-9), better[MOST_MODELS] = {0};
        if (kept < 1) kept = 1;
        for (int a = 0; a < f->models; a++)
            for (int b = 0; b < f->models; b++) {
                const bool a_there = f->diverges_at[a] >= at, b_there = f->diverges_at[b] >= at;
                const double ma = measure_of(f, a, at), mb = measure_of(f, b, at);
                if (out[a] || out[b] || a == b) continue;
                better[a] += b_there != a_there ? b_there : a_there && mb != ma ? mb < ma : b < a;
            }
        for (int m = 0; m < f->models; m++) {
            if (out[m] || better[m] < kept) continue;
            out[m] = true;
            if (f->diverges_at[m] >= at) reached[m] = at;
        }
        field = kept;
    }
}

/* ---- a run of it ---- */

typedef struct row {
    uint64_t iteration;
    om_model_status status;
} row;

typedef struct run {
    const fate *f;
    row store[MOST_MODELS];
    bool failed_once[MOST_MODELS];
    om_plan *plan;
    om_race *race;
    int workers;
    om_unit unit[MOST_WORKERS];
    double ends_s[MOST_WORKERS]; /* infinite: no unit */
    double now_s;
    uint32_t draws;
    int unwritten; /* rows of stopped models that a kill will find written: none when it is 0 */
} run;

static double chance(run *r) { return draw(r->f->seed, 2, &r->draws); }

static void write_stopped(void *context, int model, const char *message)
{
    run *r = context;
    assert_true(strstr(message, "stopped by the race at iteration") != NULL);
    if (r->unwritten-- > 0) r->store[model].status = OM_MODEL_STOPPED;
}

/* As a coordinator begins with what the store holds. */
static void resume(run *r)
{
    const fate *f = r->f;
    const om_plan_options options = {f->models, r->workers, f->iterations, 7, 1};
    const om_legs legs = om_legs_of(&f->options, f->models, f->iterations);
    om_race_free(r->race);
    om_plan_free(r->plan);
    assert_int_equal(om_plan_create(&options, &r->plan), OM_OK);
    assert_int_equal(om_race_create(&legs, r->plan, 0, &r->race), OM_OK);
    for (int m = 0; m < f->models; m++) {
        const row *of = &r->store[m];
        om_race_resume(r->race, m, of->iteration, of->status == OM_MODEL_STOPPED);
        for (uint64_t i = 1; i <= of->iteration; i++)
            om_race_note(r->race, m, i, measure_of(f, m, i));
    }
    for (int m = 0; m < f->models; m++) {
        const bool diverged = r->store[m].status == OM_MODEL_DIVERGED;
        om_plan_resume(r->plan, m, r->store[m].iteration, diverged);
        if (diverged) om_race_ended(r->race, m);
    }
    for (int w = 0; w < r->workers; w++) r->ends_s[w] = INFINITY;
    if (om_race_settle(r->race, r->plan, write_stopped, r) != OM_OK) fail_msg("%s", om_message());
    assert_true(om_plan_is_valid(r->plan));
}

static void ask(run *r, int worker)
{
    if (om_plan_ask(r->plan, worker, &r->unit[worker]) != OM_PLAN_UNIT) return;
    const om_unit *unit = &r->unit[worker];
    assert_true(unit->to <= om_race_limit(r->race));
    assert_int_equal(unit->from, r->store[unit->model].iteration);
    r->ends_s[worker] = r->now_s + (double)(unit->to - unit->from) * (0.5 + worker + chance(r));
}

static void end_unit(run *r, int worker)
{
    const om_unit *unit = &r->unit[worker];
    const int m = unit->model;
    const double spent_s = r->ends_s[worker] - r->now_s;
    r->now_s = r->ends_s[worker];
    r->ends_s[worker] = INFINITY;
    if (r->f->diverges_at[m] < unit->to) {
        r->store[m] = (row){r->f->diverges_at[m], OM_MODEL_DIVERGED};
        om_plan_diverged(r->plan, worker);
        om_race_ended(r->race, m);
    } else if (!r->failed_once[m] &&
               chance(r) < 0.1) { /* and never twice: that is no model's fate */
        r->failed_once[m] = true;
        assert_true(om_plan_failed(r->plan, worker));
    } else {
        r->store[m].iteration = unit->to;
        om_plan_done(r->plan, worker, unit->to, spent_s > 0 ? spent_s : 1);
        om_race_note(r->race, m, unit->to, measure_of(r->f, m, unit->to));
    }
}

/* Until everything has ended, or it is killed after an event. true: there is nothing left to do. */
static bool go_on(run *r, int events)
{
    for (int w = 0; w < r->workers; w++) ask(r, w);
    for (;;) {
        int next = 0;
        for (int w = 1; w < r->workers; w++)
            if (r->ends_s[w] < r->ends_s[next]) next = w;
        if (isinf(r->ends_s[next])) return true;
        end_unit(r, next);
        if (--events == 0) r->unwritten = (int)(3 * chance(r)); /* killed while it writes rows */
        assert_int_equal(om_race_settle(r->race, r->plan, write_stopped, r), OM_OK);
        assert_true(om_plan_is_valid(r->plan));
        if (events == 0) return false;
        for (int w = 0; w < r->workers; w++)
            if (isinf(r->ends_s[w])) ask(r, w);
    }
}

static void test_the_same_models_go_on_whatever_happens(void **state)
{
    (void)state;
    int stopped = 0, kills = 0;
    for (uint32_t seed = 0; seed < 300; seed++) {
        fate f;
        uint64_t expected[MOST_MODELS];
        make_fate(&f, seed);
        expect(&f, expected);
        run r = {.f = &f, .workers = 1 + (int)(seed * 5 % MOST_WORKERS)};
        for (bool done = false; !done;) {
            const bool whole = seed % 3 == 0;
            r.unwritten = NEVER;
            resume(&r);
            done = go_on(&r, whole ? 0 : 1 + (int)(40 * chance(&r)));
            r.workers = 1 + (int)(MOST_WORKERS * chance(&r));
            kills += !done;
        }
        om_plan_summary s;
        om_plan_summarize(r.plan, &s);
        assert_int_equal(s.waiting + s.running, 0);
        for (int m = 0; m < f.models; m++) {
            if (r.store[m].iteration != expected[m])
                fail_msg("seed %u: model %d got to %d, expected %d", seed, m,
                         (int)r.store[m].iteration, (int)expected[m]);
            if (r.store[m].status == OM_MODEL_STOPPED) stopped++;
        }
        om_race_free(r.race);
        om_plan_free(r.plan);
    }
    assert_true(stopped > 1000 && kills > 1000);
}

/* ---- one step at a time ---- */

static const om_race_options halves = {0.5, "20, 50"};

typedef struct field {
    om_plan *plan;
    om_race *race;
    char message[MOST_MODELS][OM_MESSAGE_BYTES];
} field;

static void hear(void *context, int model, const char *message)
{
    field *f = context;
    snprintf(f->message[model], sizeof f->message[model], "%s", message);
}

static field field_of(const om_race_options *options, int models, int workers)
{
    field f = {0};
    const om_plan_options plan = {models, workers, 100, 1000, 1}; /* units as long as can be */
    const om_legs legs = om_legs_of(options, models, 100);
    assert_int_equal(om_plan_create(&plan, &f.plan), OM_OK);
    assert_int_equal(om_race_create(&legs, f.plan, 0, &f.race), OM_OK);
    return f;
}

static void free_field(field *f)
{
    om_race_free(f->race);
    om_plan_free(f->plan);
}

static void test_nobody_goes_past_a_rung_before_all_are_there(void **state)
{
    (void)state;
    field f = field_of(&halves, 3, 3);
    om_unit unit[3], none;
    for (int w = 0; w < 3; w++) {
        assert_int_equal(om_plan_ask(f.plan, w, &unit[w]), OM_PLAN_UNIT);
        assert_int_equal(unit[w].to, 20);
    }
    for (int w = 0; w < 2; w++) {
        om_plan_done(f.plan, w, 20, 1);
        om_race_note(f.race, unit[w].model, 20, unit[w].model == 0 ? 5 : 4);
        assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_OK);
        assert_int_equal(om_race_decided(f.race), 0);
        assert_int_equal(om_plan_ask(f.plan, w, &none), OM_PLAN_WAIT);
    }
    om_plan_done(f.plan, 2, 20, 1);
    om_race_note(f.race, unit[2].model, 20, 4.5);
    assert_int_equal(om_race_beyond(f.race), 2 * 30 + 50);
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_OK);
    assert_int_equal(om_race_decided(f.race), 1);
    assert_int_equal(om_race_limit(f.race), 50);
    assert_int_equal(om_race_beyond(f.race), 50);
    assert_string_equal(f.message[0], "stopped by the race at iteration 20: place 3 of 3");
    om_plan_summary s;
    om_plan_summarize(f.plan, &s);
    assert_int_equal(s.stopped, 1);
    assert_int_equal(s.waiting, 2);
    assert_int_equal(s.iterations_done, 60);
    assert_int_equal(s.iterations_total, 120);
    assert_int_equal(om_plan_ask(f.plan, 0, &unit[0]), OM_PLAN_UNIT);
    assert_true(unit[0].model != 0 && unit[0].from == 20 && unit[0].to == 50);
    assert_int_equal(om_plan_ask(f.plan, 1, &unit[1]), OM_PLAN_UNIT);
    assert_int_equal(om_plan_ask(f.plan, 2, &none), OM_PLAN_WAIT);
    free_field(&f);
}

static void test_who_ends_does_not_hold_the_others_up(void **state)
{
    (void)state;
    field f = field_of(&halves, 4, 1);
    om_unit unit;
    for (int m = 0; m < 3; m++) {
        assert_int_equal(om_plan_ask(f.plan, 0, &unit), OM_PLAN_UNIT);
        om_plan_done(f.plan, 0, 20, 1);
        om_race_note(f.race, unit.model, 20, 9 - m);
    }
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_OK);
    assert_int_equal(om_race_decided(f.race), 0);
    assert_int_equal(om_plan_ask(f.plan, 0, &unit), OM_PLAN_UNIT);
    assert_int_equal(unit.model, 3);
    om_plan_diverged(f.plan, 0);
    om_race_ended(f.race, 3);
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_OK);
    /* two of four go on; the one that diverged is the last of the two that do not */
    assert_int_equal(om_race_decided(f.race), 1);
    assert_string_equal(f.message[0], "stopped by the race at iteration 20: place 3 of 4");
    assert_string_equal(f.message[3], "");
    /* now all that are left end: there is nothing to wait for */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(om_plan_ask(f.plan, 0, &unit), OM_PLAN_UNIT);
        om_plan_diverged(f.plan, 0);
        om_race_ended(f.race, unit.model);
        assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_OK);
    }
    assert_int_equal(om_race_decided(f.race), 2);
    assert_int_equal(om_race_beyond(f.race), 0);
    assert_int_equal(om_plan_ask(f.plan, 0, &unit), OM_PLAN_FINISHED);
    free_field(&f);
}

/* Whoever failed by an error of the machine is waited for, also by those that a store has beyond the rung. */
static void test_a_rung_waits_for_who_failed(void **state)
{
    (void)state;
    field f = field_of(&halves, 3, 1);
    om_unit unit;
    om_race_resume(f.race, 0, 30, false);
    om_plan_resume(f.plan, 0, 30, false);
    om_race_note(f.race, 0, 20, 1);
    om_race_resume(f.race, 1, 20, false);
    om_plan_resume(f.plan, 1, 20, false);
    om_race_note(f.race, 1, 20, 3);
    om_plan_resume(f.plan, 2, 0, true); /* failed */
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_OK);
    assert_int_equal(om_race_decided(f.race), 0);
    assert_int_equal(om_race_alive(f.race), 3);
    assert_int_equal(om_plan_ask(f.plan, 0, &unit), OM_PLAN_FINISHED);
    assert_true(om_plan_is_valid(f.plan));
    om_race_note(f.race, 2, 20, 2); /* as the next run does */
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_OK);
    assert_int_equal(om_race_decided(f.race), 1);
    assert_int_equal(om_race_alive(f.race), 2);
    assert_string_equal(f.message[1], "stopped by the race at iteration 20: place 3 of 3");
    free_field(&f);
}

/* Of three models, with 1, 2 and 3 at the first rung, two went on. */
static void resume_three(field *f, const uint64_t reached[3], const double measure[3], int stopped)
{
    *f = field_of(&halves, 3, 1);
    for (int m = 0; m < 3; m++) {
        om_race_resume(f->race, m, reached[m], m == stopped);
        om_race_note(f->race, m, 20, measure[m]);
        om_plan_resume(f->plan, m, reached[m], false);
    }
}

static void test_a_store_that_contradicts_its_race_is_refused(void **state)
{
    (void)state;
    const uint64_t reached[3] = {25, 20, 20};
    const double right[3] = {1, 2, 3}, other[3] = {1, 3, 2}, worst[3] = {4, 2, 3};
    field f;
    resume_three(&f, reached, right, 2);
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_OK);
    assert_string_equal(f.message[2], "stopped by the race at iteration 20: place 3 of 3");
    free_field(&f);
    resume_three(&f, reached, other, 2);
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_EDATA);
    assert_true(strstr(om_message(), "model 2 is at place 2 of 3, but was stopped:") != NULL);
    free_field(&f);
    const uint64_t all[3] = {100, 100, 20};
    resume_three(&f, all, right, 0);
    for (int m = 0; m < 2; m++) om_race_note(f.race, m, 50, 0);
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_EDATA);
    assert_true(strstr(om_message(), "model 0 is at place 1 of 2, but was stopped:") != NULL);
    free_field(&f);
    resume_three(&f, reached, worst, -1);
    assert_int_equal(om_race_settle(f.race, f.plan, hear, &f), OM_EDATA);
    assert_true(strstr(om_message(), "model 0 is at place 3 of 3, but has gone on") != NULL);
    free_field(&f);
}

/* ---- numbers ---- */

static void test_legs_follow_from_the_spec(void **state)
{
    (void)state;
    om_legs legs = om_legs_of(&halves, 7, 100);
    assert_int_equal(legs.rungs, 2);
    assert_true(legs.end[0] == 20 && legs.end[1] == 50 && legs.end[2] == 100);
    assert_true(legs.field[0] == 7 && legs.field[1] == 4 && legs.field[2] == 2);
    assert_int_equal(om_legs_iterations(&legs), 7 * 20 + 4 * 30 + 2 * 50);
    const om_race_options none = {0.5, ""}, few = {0.01, "1, 2"}, odd = {0.55, "10"};
    legs = om_legs_of(&none, 7, 100);
    assert_true(legs.rungs == 0 && om_legs_iterations(&legs) == 700);
    legs = om_legs_of(&few, 7, 100);
    assert_true(legs.field[1] == 1 && legs.field[2] == 1);
    assert_int_equal(om_legs_of(&odd, 100, 100).field[1],
                     55); /* 0.55 * 100 is above 55 in binary */
}

static void test_rungs_are_checks(void **state)
{
    (void)state;
    const om_state_layout layout = {.iterations = 100, .iterations_per_pass = 4};
    const om_train_options every = {.validate_every = 10}, seldom = {.validate_every = 200},
                           passes = {.validate_every_passes = 3};
    const struct {
        const om_train_options *train;
        const char *at, *fault; /* NULL: none */
    } cases[] = {
        {&every, "", NULL},
        {&every, "10, 20, 90", NULL},
        {&every, "10, 25, 91", "race.at: no check falls on iteration 25: expected 20 or 30"},
        {&every, "4", "race.at: no check falls on iteration 4: expected 10"},
        {&every, "95", "race.at: no check falls on iteration 95: expected 90"},
        {&every, "10, 100", "race.at: 100: expected less than train.iterations 100"},
        {&every, "900", "race.at: 900: expected less than train.iterations 100"},
        {&seldom, "50", "checks before the end, as validate.every makes them"},
        {&passes, "4, 16, 28", NULL}, /* after 1, 4, 7 passes of 4 iterations */
        {&passes, "12", "expected 4 or 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        om_race_options race = {.keep = 0.5};
        char fault[OM_RACE_FAULT_BYTES] = "";
        snprintf(race.at, sizeof race.at, "%s", cases[i].at);
        const bool has = om_race_has_fault(&race, &layout, cases[i].train, fault);
        assert_int_equal(has, cases[i].fault != NULL);
        if (has && strstr(fault, cases[i].fault) == NULL)
            fail_msg("'%s', expected '%s'", fault, cases[i].fault);
    }
}

/* ---- ranks stay at work ---- */

static om_simulation simulate(const om_simulation_options *options)
{
    om_simulation r;
    assert_int_equal(om_simulate(options, &r), OM_OK);
    return r;
}

/* As long as there are no fewer models than ranks, a rung costs about a unit of waiting. */
static void test_ranks_wait_for_about_a_unit_at_each_rung(void **state)
{
    (void)state;
    const int sizes[][2] = {{64, 8}, {50, 7}, {50, 12}, {33, 8}, {100, 25}, {8, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        om_simulation_options o = {.models = sizes[i][0],
                                   .ranks = sizes[i][1],
                                   .iterations = 4000,
                                   .unit_s = 10,
                                   .rate = 10,
                                   .race = {0.5, "1000, 2000"}};
        const om_legs legs = om_legs_of(&o.race, o.models, o.iterations);
        const om_simulation r = simulate(&o);
        const double ideal_s = (double)om_legs_iterations(&legs) / o.rate / o.ranks;
        assert_true(legs.field[2] >= o.ranks);
        assert_int_equal(r.done, legs.field[2]);
        assert_int_equal(r.stopped, o.models - r.done);
        if (r.seconds > ideal_s + 3 * 1.5 * o.unit_s)
            fail_msg("%d models, %d ranks: %g s, of which %g s are work", o.models, o.ranks,
                     r.seconds, ideal_s);
    }
}

static void test_a_thousand_models_race_on_unequal_ranks(void **state)
{
    (void)state;
    om_simulation_options o = {.models = 1024,
                               .ranks = 256,
                               .iterations = 4000,
                               .unit_s = 10,
                               .rate = 10,
                               .spread = 0.2,
                               .varies = 0.05,
                               .fails = 0.01,
                               .commit_s = 0.01,
                               .race = {0.5, "2000"}};
    const om_simulation r = simulate(&o), again = simulate(&o);
    if (r.busy < 0.95) fail_msg("busy %g", r.busy);
    assert_true(r.seconds == again.seconds && r.units == again.units);
    assert_int_equal(r.done + r.stopped + r.failed, 1024);
    assert_true(r.done <= 512 && r.done > 490);
    o.race.at[0] = '\0';
    const om_simulation without = simulate(&o);
    assert_true(without.stopped == 0);
    assert_true(r.seconds < 0.8 * without.seconds); /* a quarter of the iterations is saved */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_models_go_on_whatever_happens),
        cmocka_unit_test(test_nobody_goes_past_a_rung_before_all_are_there),
        cmocka_unit_test(test_who_ends_does_not_hold_the_others_up),
        cmocka_unit_test(test_a_rung_waits_for_who_failed),
        cmocka_unit_test(test_a_store_that_contradicts_its_race_is_refused),
        cmocka_unit_test(test_legs_follow_from_the_spec),
        cmocka_unit_test(test_rungs_are_checks),
        cmocka_unit_test(test_ranks_wait_for_about_a_unit_at_each_rung),
        cmocka_unit_test(test_a_thousand_models_race_on_unequal_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
