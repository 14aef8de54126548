/* Workers of unequal and varying speed that take units from a plan, fail, die, diverge and are set back, and
 * books in which every answer of the plan is checked. */
#ifndef TESTS_PLAN_SIM_H
#define TESTS_PLAN_SIM_H

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

static inline double draw(sim *s)
{
    om_stream stream = {s->s.seed, 0, OM_FOR_INIT, 0, 0};
    return om_random_uniform(&stream, (uint32_t)s->draws++);
}

static inline void sim_start(sim *s, const scenario *what)
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
static inline void sim_resume(sim *s)
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

static inline void sim_end(sim *s)
{
    om_plan_free(s->plan);
    om_free(s->workers);
    om_free(s->trained);
    om_free(s->holder);
    om_free(s->ended);
    om_free(s->set_back);
}

/* Asks for one worker, whose unit would begin then, and checks the answer against the simulator's books. */
static inline om_plan_answer ask_plan(sim *s, int number, double begins, om_unit *unit)
{
    if (s->s.limit_s > 0) om_plan_time_left(s->plan, s->s.limit_s - begins);
    om_plan_answer answer = om_plan_ask(s->plan, number, unit);
    if (answer != OM_PLAN_UNIT) return answer;
    assert_in_range(unit->model, 0, s->s.models - 1);
    assert_false(s->ended[unit->model]);
    assert_true(unit->to > unit->from && unit->to <= s->s.iterations);
    return answer;
}

static inline void ask_ahead(sim *s, int number)
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

static inline void begin(sim *s, int number, om_unit unit)
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

static inline void ask(sim *s, int number)
{
    om_unit unit = {-1, 0, 0};
    om_plan_answer answer = ask_plan(s, number, s->now, &unit);
    if (answer == OM_PLAN_FINISHED) s->workers[number].left = true;
    if (answer != OM_PLAN_UNIT) return;
    assert_int_equal(s->holder[unit.model], -1);
    begin(s, number, unit);
}

/* One report: how a worker's unit ended. */
static inline void report(sim *s, int number)
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
static inline int next_to_report(const sim *s)
{
    int next = -1;
    for (int w = 0; w < s->s.workers; w++)
        if (s->workers[w].busy && (next < 0 || s->workers[w].ends < s->workers[next].ends))
            next = w;
    return next;
}

/* Everybody who is free asks, as a coordinator lets them after every report; some others ask ahead. */
static inline void all_ask(sim *s)
{
    for (int w = 0; w < s->s.workers; w++)
        if (s->workers[w].alive && !s->workers[w].busy && !s->workers[w].left) ask(s, w);
    for (int w = 0; w < s->s.workers && s->s.ahead > 0; w++)
        if (s->workers[w].busy && !s->workers[w].asked && draw(s) < s->s.ahead) ask_ahead(s, w);
}

static inline void sim_run(sim *s)
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
static inline void assert_all_ended(const sim *s)
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

static inline int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Seconds that nobody could beat: all workers busy all the time, one of them on each model, and
 * the fastest where there are fewer models than workers. */
static inline double ideal_s(const sim *s)
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

static inline void run_whole(const scenario *what, double *idle_units, double *late_units,
                             uint64_t *trace)
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

#endif
