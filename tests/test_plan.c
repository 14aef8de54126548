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
    int stop_after;               /* events until everything is stopped; 0: never */
    uint32_t seed;
} scenario;

typedef struct sim_worker {
    bool alive, busy, left;
    double rate, started, ends, idle_since;
    om_unit unit;
} sim_worker;

typedef struct sim {
    scenario s;
    om_plan *plan;
    sim_worker *workers;
    uint64_t *trained; /* [models] iterations, as a store would hold them */
    int *holder;       /* [models] or -1 */
    bool *ended;       /* [models] */
    double now, worst_idle;
    uint64_t draws, checksum;
    int events, units, deaths, failures;
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
    for (size_t m = 0; m < models; m++) s->holder[m] = -1;
}

/* Workers and a plan that knows what was trained before. */
static void sim_resume(sim *s)
{
    const scenario *what = &s->s;
    om_plan_options options = {what->models, what->workers, what->iterations, what->unit_s,
                               what->first_rate > 0 ? what->first_rate : what->rate};
    om_plan_free(s->plan);
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
}

/* Asks for one worker and checks the answer against the simulator's books. */
static void ask(sim *s, int number)
{
    sim_worker *w = &s->workers[number];
    om_unit unit = {-1, 0, 0};
    om_plan_answer answer = om_plan_ask(s->plan, number, &unit);
    if (answer == OM_PLAN_FINISHED) w->left = true;
    if (answer != OM_PLAN_UNIT) return;
    assert_in_range(unit.model, 0, s->s.models - 1);
    assert_int_equal(s->holder[unit.model], -1);
    assert_false(s->ended[unit.model]);
    assert_int_equal(unit.from, s->trained[unit.model]);
    assert_true(unit.to > unit.from && unit.to <= s->s.iterations);
    assert_int_equal(om_plan_model_of(s->plan, number), unit.model);
    s->holder[unit.model] = number;
    double rate = w->rate * (1 + s->s.varies * (2 * draw(s) - 1));
    w->busy = true;
    w->unit = unit;
    w->started = s->now;
    w->ends = s->now + (double)(unit.to - unit.from) / rate;
    s->units++;
    s->checksum = s->checksum * 31 + (uint64_t)number * 7 + (uint64_t)unit.model + unit.to;
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
    if (what < s->s.dies && s->deaths < s->s.workers - 1) {
        w->alive = false;
        s->deaths++;
        om_plan_lost(s->plan, number);
    } else if ((what -= s->s.dies) < s->s.fails) {
        s->failures++;
        if (!om_plan_failed(s->plan, number)) s->ended[model] = true;
    } else if ((what -= s->s.fails) < s->s.diverges) {
        om_plan_diverged(s->plan, number);
        s->ended[model] = true;
    } else {
        s->trained[model] = w->unit.to;
        if (w->unit.to == s->s.iterations) s->ended[model] = true;
        om_plan_done(s->plan, number, w->unit.to, s->now - w->started);
    }
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

/* Everybody who is free asks, as a coordinator lets them after every report. */
static void all_ask(sim *s)
{
    for (int w = 0; w < s->s.workers; w++)
        if (s->workers[w].alive && !s->workers[w].busy && !s->workers[w].left) ask(s, w);
}

static void sim_run(sim *s)
{
    int every = s->s.models > 500 ? 97 : 1; /* the plan's own check is O(models) */
    all_ask(s);
    for (int w; (w = next_to_report(s)) >= 0;) {
        report(s, w);
        if (++s->events == s->s.stop_after) om_plan_stop(s->plan);
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

static void experiment(void **state)
{
    (void)state;
    int ms[] = {8, 50, 50, 50, 100, 40, 30, 1000, 12, 3}, ns[] = {2, 7, 49, 50, 48, 16, 13, 700, 12,3};
    double uneq[] = {1, 1.3, 2, 4};
    for (int i = 0; i < 10; i++)
        for (int u = 0; u < 4; u++)
            for (int v = 0; v < 2; v++) {
                scenario sc = {ms[i], ns[i], 2000, 10, 10, 0, uneq[u], v ? 0.2 : 0, 0, 0, 0, 0, 5};
                sim s;
                sim_start(&s, &sc);
                sim_resume(&s);
                double sum = 0, fast = 0;
                for (int w = 0; w < ns[i]; w++) sum += s.workers[w].rate, fast=fmax(fast,s.workers[w].rate);
                sim_run(&s);
                double bound = fmax(ms[i] * 2000. / sum, 2000/fast);
                print_message("M %d n %d uneq %g varies %g: idle %.2f units, over bound %.2f units, units %d of %g\n", ms[i],
                              ns[i], uneq[u], sc.varies, s.worst_idle / 10, (s.now - bound) / 10, s.units, ms[i]*20.);
                sim_end(&s);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experiment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
