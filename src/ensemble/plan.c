/* The plan: which rank trains which model next. Invariants, which om_plan_is_valid() checks:
 * (P1) A running model has one holder, and that worker trains this one, or was promised it; no other
 *      model has one.
 * (P2) A model's iteration never exceeds the end; it is there exactly when the model is done. Models
 *      that wait or run are below their limits, held ones are not.
 * (P3) A running unit starts at the model's iteration and ends after it, at most at the limit.
 *      (With nothing to train the end is 0: the one unit of a model, in which it is checked, starts
 *      and ends there, and the model is done after it.)
 * (P4) Counts and the sum of what remains are those of the models.
 *
 * How a free model is chosen. A model cannot be trained by two workers at once, so all workers can
 * be busy until the end, T seconds from now, only while for every k
 *
 *     left of the k models with most left  <=  T (sum of the k fastest workers' rates)
 *
 * (a classic of preemptive scheduling on unequal machines; with equal ones: no model has more left
 * than its share R/n of the R iterations that remain). A model that is free waits for up to a unit
 * until somebody asks, so a k is called tight when this would fail for a T shorter by a unit and
 * MARGIN. The k models of a tight k go first, most left first, and only to workers that are not slower than
 * the k fastest; a slower worker that finds nothing else waits for what a faster one leaves. Models that
 * have nearly as much left as the k-th belong to it, and as many more workers: they take turns (the level
 * algorithm of Horvath, Lam and Sethi, 1977, in steps of units). As
 * long as no k is tight a worker keeps its model, so that models end early, one by one. Where models
 * have limits, all of this is about what is left up to these: nobody can go on before all are there. */
#include "ommatid/om_plan.h"

#include <assert.h>
#include <math.h>

#include "base/fail.h"
#include "base/memory.h"

typedef enum model_status {
    WAITING,
    RUNNING,
    HELD,
    DONE,
    STOPPED,
    DIVERGED,
    FAILED,
    N_STATUS
} model_status;

enum { NOBODY = -1 };

enum { ENDING_UNITS = 4 };      /* a unit is at most this part of what is left of everything */
static const double LIKE = 0.7; /* of a unit, by which models may differ that take turns */

static int fewer(int a, int b) { return a < b ? a : b; }

typedef struct plan_model {
    model_status status;
    int holder;         /* worker that trains it now, or will next */
    int last;           /* worker that trained it last and has its state in memory */
    int failed_on;      /* worker whose error this unit ended with; somebody else tries it again */
    uint64_t iteration; /* done */
    uint64_t end;       /* of training */
    uint64_t limit;     /* it may be trained so far for now */
    uint64_t to;        /* end of the running unit, or of the one to be tried again; else 0 */
} plan_model;

typedef struct plan_worker {
    bool present;     /* has asked, and is not lost */
    int model;        /* that it trains now */
    int held;         /* that it trained last */
    int next;         /* promised; may be the one that it trains now */
    uint64_t next_to; /* then: the promised unit's end */
    double rate;      /* iterations/s; 0 before anything was measured */
} plan_worker;

static const plan_worker nobody = {.model = NOBODY, .held = NOBODY, .next = NOBODY};

/* The last model and the last worker of the first k, for a tight k. */
typedef struct tight {
    double left, rate;
} tight;

struct om_plan {
    om_plan_options options;
    plan_model *models;
    plan_worker *workers;
    int count[N_STATUS];
    int present;        /* workers */
    uint64_t remaining; /* iterations in all waiting and running models, to their limits */
    bool stopped;
    double time_left;       /* s; for the unit that is asked for next */
    int *by_left, *by_rate; /* models by what is left, workers by rate: largest first */
    tight *tight;           /* [n_tight], at most one per worker; valid unless something changed */
    int n_tight;
    bool changed;
    double mean; /* rate of the workers; valid unless something changed */
};

om_status om_plan_create(const om_plan_options *options, om_plan **plan)
{
    *plan = NULL;
    if (options->models < 1 || options->workers < 1 || !(options->unit_s > 0) ||
        !(options->first_rate > 0))
        return om_fail(OM_EUSAGE, "a plan needs a model, a worker, and times and rates above 0");
    om_plan *p = NULL;
    om_status status = om_alloc(1, sizeof *p, &p);
    if (status != OM_OK) return status;
    p->options = *options;
    p->time_left = INFINITY;
    status = om_alloc((size_t)options->models, sizeof *p->models, &p->models);
    if (status == OM_OK)
        status = om_alloc((size_t)options->workers, sizeof *p->workers, &p->workers);
    if (status == OM_OK)
        status = om_alloc((size_t)options->models, sizeof *p->by_left, &p->by_left);
    if (status == OM_OK)
        status = om_alloc((size_t)options->workers, sizeof *p->by_rate, &p->by_rate);
    if (status == OM_OK) status = om_alloc((size_t)options->workers, sizeof *p->tight, &p->tight);
    if (status != OM_OK) {
        om_plan_free(p);
        return status;
    }
    for (int m = 0; m < options->models; m++)
        p->models[m] = (plan_model){.holder = NOBODY,
                                    .last = NOBODY,
                                    .failed_on = NOBODY,
                                    .end = options->iterations,
                                    .limit = options->iterations},
        p->by_left[m] = m;
    for (int w = 0; w < options->workers; w++) p->workers[w] = nobody, p->by_rate[w] = w;
    p->count[WAITING] = options->models;
    p->remaining = (uint64_t)options->models * options->iterations;
    *plan = p;
    return OM_OK;
}

void om_plan_free(om_plan *plan)
{
    if (plan == NULL) return;
    om_free(plan->models);
    om_free(plan->workers);
    om_free(plan->by_left);
    om_free(plan->by_rate);
    om_free(plan->tight);
    om_free(plan);
}

static uint64_t remaining_of(const plan_model *model) { return model->limit - model->iteration; }

/* What a unit that is asked for now would begin with: after the one that runs. */
static uint64_t first_of(const plan_model *model)
{
    return model->status == RUNNING ? model->to : model->iteration;
}

static bool unfinished(model_status status) { return status == WAITING || status == RUNNING; }

static bool is_unfinished(const plan_model *model) { return unfinished(model->status); }

/* The only place where a model changes its status or iteration: sums follow. */
static void move(om_plan *plan, plan_model *model, model_status status, uint64_t iteration)
{
    bool same = is_unfinished(model) && unfinished(status) && iteration == model->iteration;
    if (!same) plan->changed = true;
    if (is_unfinished(model)) plan->remaining -= remaining_of(model);
    plan->count[model->status]--;
    model->status = status;
    model->iteration = iteration;
    plan->count[status]++;
    if (is_unfinished(model)) plan->remaining += remaining_of(model);
}

/* What a model is that nobody trains, after so many iterations. */
static model_status status_at(const plan_model *model, uint64_t iteration)
{
    if (iteration == model->end) return DONE;
    return iteration < model->limit ? WAITING : HELD;
}

void om_plan_length(om_plan *plan, int model, uint64_t iterations)
{
    plan_model *m = &plan->models[model];
    assert(m->status == WAITING && m->iteration == 0 && m->to == 0);
    plan->remaining -= remaining_of(m);
    m->end = m->limit = iterations;
    plan->remaining += remaining_of(m);
    plan->changed = true;
}

void om_plan_resume(om_plan *plan, int model, uint64_t iteration, bool ended)
{
    plan_model *m = &plan->models[model];
    assert(m->status == WAITING && iteration <= m->end);
    move(plan, m, ended ? DIVERGED : status_at(m, iteration), iteration);
}

void om_plan_limit(om_plan *plan, int model, uint64_t iteration)
{
    plan_model *m = &plan->models[model];
    if (m->status == DONE || m->end == 0) return; /* nothing to train: no limit */
    assert((m->status == WAITING || m->status == HELD) && m->to == 0);
    assert(iteration <= m->end);
    move(plan, m, HELD, m->iteration);
    m->limit = iteration;
    move(plan, m, status_at(m, m->iteration), m->iteration);
}

void om_plan_end(om_plan *plan, int model)
{
    plan_model *m = &plan->models[model];
    assert(m->status == HELD);
    move(plan, m, STOPPED, m->iteration);
}

/* --- asking ---------------------------------------------------------------------------------- */

/* Mean rate of the workers present that were measured; where none was, the first guess. */
static double mean_rate(om_plan *plan)
{
    if (!plan->changed) return plan->mean;
    double sum = 0;
    int n = 0;
    for (int w = 0; w < plan->options.workers; w++)
        if (plan->workers[w].present && plan->workers[w].rate > 0)
            sum += plan->workers[w].rate, n++;
    plan->mean = n > 0 ? sum / n : plan->options.first_rate;
    return plan->mean;
}

/* A worker that was not measured yet is taken for an average one. */
static double rate_of(const plan_worker *worker, double mean)
{
    return worker->rate > 0 ? worker->rate : mean;
}

/* A unit that failed goes to somebody else if there is anybody: the machine may be to blame. */
static bool may_take(const om_plan *plan, int model, int worker)
{
    const plan_model *m = &plan->models[model];
    if (model == plan->workers[worker].model) return m->to < m->limit;
    return m->status == WAITING && (m->failed_on != worker || plan->present == 1);
}

/* Workers count as faster only from here on: measured rates vary, and waiting costs time. */
static const double FASTER = 1.1;
/* A k is tight when there is less time to spare than this share of it: the fastest workers, as far as
 * was measured, are those of whom too much was measured, and units fail. */
static const double MARGIN = 0.15;

/* What a worker has to respect so that all can end together. */
typedef struct bounds {
    double too_much; /* models with this much left or more are for faster workers */
    double critical; /* those with this much or more go first */
} bounds;

/* What is left of a model, and a worker's rate, with 0 for those that are out of the game. */
static double left_of(const om_plan *plan, int model)
{
    const plan_model *m = &plan->models[model];
    return is_unfinished(m) ? (double)remaining_of(m) : 0;
}

static double present_rate(const om_plan *plan, int worker, double mean)
{
    const plan_worker *w = &plan->workers[worker];
    return w->present ? rate_of(w, mean) : 0;
}

/* Puts both orders right again, largest first. Little has changed since the last time, so that
 * insertion takes one pass. */
static void sort(om_plan *plan, double mean)
{
    int *order = plan->by_left;
    for (int i = 1; i < plan->options.models; i++) {
        int model = order[i], at = i;
        double left = left_of(plan, model);
        for (; at > 0 && left_of(plan, order[at - 1]) < left; at--) order[at] = order[at - 1];
        order[at] = model;
    }
    order = plan->by_rate;
    for (int i = 1; i < plan->options.workers; i++) {
        int worker = order[i], at = i;
        double rate = present_rate(plan, worker, mean);
        for (; at > 0 && present_rate(plan, order[at - 1], mean) < rate; at--)
            order[at] = order[at - 1];
        order[at] = worker;
    }
}

/* Seconds until everything ends if all go on as they do. */
static double seconds_left(const om_plan *plan, double mean)
{
    return (double)plan->remaining / (mean * plan->present);
}

/* Least time in which everything can end; both orders must be right. */
static double least_seconds(const om_plan *plan, double mean)
{
    double seconds = 0, sum_left = 0, sum_rates = 0;
    for (int k = 0; k < plan->options.models && k < plan->present; k++) {
        sum_left += left_of(plan, plan->by_left[k]);
        sum_rates += present_rate(plan, plan->by_rate[k], mean);
        seconds = fmax(seconds, sum_left / sum_rates);
    }
    return fmax(seconds, seconds_left(plan, mean));
}

/* Seconds that a unit takes: less than asked for towards the end of everything, so that the last ones end
 * close together. */
static double unit_seconds(const om_plan *plan, double mean)
{
    const double unit_s = plan->options.unit_s;
    return fmin(unit_s, fmax(seconds_left(plan, mean) / ENDING_UNITS, unit_s / 16));
}

/* Finds the tight k, if anything has changed since the last time. */
static void find_tight(om_plan *plan, double mean)
{
    if (!plan->changed) return;
    plan->changed = false;
    plan->n_tight = 0;
    sort(plan, mean);
    const int most = fewer(plan->options.models, plan->present);
    /* none waits for longer than a whole model takes */
    const double unit_s = fmin(unit_seconds(plan, mean), left_of(plan, plan->by_left[0]) / mean);
    const double seconds = (1 - MARGIN) * least_seconds(plan, mean) - unit_s;
    double sum_left = 0, sum_rates = 0;
    int like = 0; /* the first model that has less left than the k-th by more than a unit */
    for (int k = 0; k < most; k++) {
        const double left = left_of(plan, plan->by_left[k]);
        if (left == 0) break;
        sum_left += left;
        sum_rates += present_rate(plan, plan->by_rate[k], mean);
        while (like < most && left_of(plan, plan->by_left[like]) > left - LIKE * unit_s * mean)
            like++;
        if (sum_left >= sum_rates * seconds)
            plan->tight[plan->n_tight++] =
                (tight){left, present_rate(plan, plan->by_rate[like - 1], mean)};
    }
}

static bounds bounds_of(const om_plan *plan, double rate)
{
    bounds b = {INFINITY, INFINITY};
    for (int i = 0; i < plan->n_tight; i++)
        if (plan->tight[i].rate > FASTER * rate)
            b.too_much = plan->tight[i].left;
        else
            b.critical = plan->tight[i].left;
    return b;
}

/* The free model that a worker should train now, or -1. */
static int choose(om_plan *plan, int worker, double mean)
{
    const plan_model *models = plan->models;
    find_tight(plan, mean);
    const bounds b = bounds_of(plan, rate_of(&plan->workers[worker], mean));
    double most = -1;
    uint64_t fewest = UINT64_MAX, least = UINT64_MAX;
    int critical = NOBODY, begun = NOBODY, fresh = NOBODY, last = NOBODY;
    int held = NOBODY, mine = plan->workers[worker].held;
    for (int m = 0; m < plan->options.models; m++) {
        if (!may_take(plan, m, worker)) continue;
        const uint64_t whole = models[m].limit - first_of(&models[m]);
        const double left = left_of(plan, m); /* as in the orders: the unit that runs included */
        if (whole < least) least = whole, last = m;
        if (left >= b.too_much) continue;
        if (left >= b.critical && left > most) most = left, critical = m;
        if (m == mine && models[m].last == worker) held = m;
        if (models[m].iteration > 0 && whole < fewest) fewest = whole, begun = m;
        if (models[m].iteration == 0 && fresh == NOBODY) fresh = m;
    }
    if (critical != NOBODY) return critical;
    if (held != NOBODY) return held;
    if (begun != NOBODY) return begun;
    if (fresh != NOBODY) return fresh;
    const int others = plan->count[RUNNING] - (plan->workers[worker].model != NOBODY);
    return others == 0 ? last : NOBODY; /* no faster worker is at work */
}

/* Length of a worker's next unit on a model: unit_s, less towards the end of everything, and such that
 * a model divides into equal ones. */
static uint64_t unit_length(const om_plan *plan, double rate, double mean, uint64_t left)
{
    const double length = rate * unit_seconds(plan, mean);
    if (!(length < (double)left)) return left;
    uint64_t unit = length < 1 ? 1 : (uint64_t)length;
    uint64_t parts = (left + unit - 1) / unit;
    return (left + parts - 1) / parts;
}

void om_plan_time_left(om_plan *plan, double seconds) { plan->time_left = seconds; }

/* Iterations that fit into half of the time that is left; into a tenth, but one at least, for a worker of
 * whose rate nothing is known. */
static uint64_t most_in_time(const om_plan *plan, const plan_worker *worker, double mean)
{
    const double most = plan->time_left * (worker->rate > 0 ? 0.5 : 0.1) * rate_of(worker, mean);
    if (most >= 1) return most < (double)UINT64_MAX ? (uint64_t)most : UINT64_MAX;
    return plan->time_left > 0 && worker->rate == 0;
}

/* Gives the worker a unit of a model that is free, or more of the one that it trains. */
static void assign(om_plan *plan, int worker, int model, uint64_t to)
{
    plan_worker *w = &plan->workers[worker];
    plan_model *m = &plan->models[model];
    if (w->model == NOBODY) {
        w->model = w->held = model;
        m->last = worker;
    } else {
        w->next = model;
        w->next_to = to;
    }
    if (m->status == RUNNING) return;
    move(plan, m, RUNNING, m->iteration);
    m->holder = worker;
    m->to = to;
}

om_plan_answer om_plan_ask(om_plan *plan, int worker, om_unit *unit)
{
    plan_worker *w = &plan->workers[worker];
    assert(w->next == NOBODY);
    if (!w->present) {
        w->present = plan->changed = true;
        plan->present++;
    }
    if (plan->stopped || plan->count[WAITING] + plan->count[RUNNING] == 0) return OM_PLAN_FINISHED;
    if (plan->count[WAITING] == 0 && w->model == NOBODY) return OM_PLAN_WAIT;
    double mean = mean_rate(plan);
    /* towards the end a choice made early would be a worse one */
    if (w->model != NOBODY && seconds_left(plan, mean) < ENDING_UNITS * plan->options.unit_s)
        return OM_PLAN_WAIT;
    const uint64_t most = most_in_time(plan, w, mean);
    if (most == 0) return OM_PLAN_FINISHED;
    int chosen = choose(plan, worker, mean);
    if (chosen == NOBODY) return OM_PLAN_WAIT;
    const plan_model *m = &plan->models[chosen];
    const bool again = m->status == WAITING && m->to != 0; /* a unit that failed */
    const uint64_t from = first_of(m), left = m->limit - from;
    uint64_t length = again ? m->to - from : unit_length(plan, rate_of(w, mean), mean, left);
    if (length > most) length = most;
    *unit = (om_unit){chosen, from, from + length};
    assign(plan, worker, chosen, unit->to);
    return OM_PLAN_UNIT;
}

/* --- reports --------------------------------------------------------------------------------- */

/* Takes the unit away from its worker, which goes on with the other model that it was promised, if so;
 * returns the unit's model. */
static plan_model *release(om_plan *plan, int worker)
{
    plan_worker *w = &plan->workers[worker];
    assert(w->model != NOBODY);
    plan_model *m = &plan->models[w->model];
    m->holder = NOBODY;
    w->model = w->next == w->model ? NOBODY : w->next;
    w->next = NOBODY;
    if (w->model != NOBODY) {
        w->held = w->model;
        plan->models[w->model].last = worker;
    }
    return m;
}

/* Whether the worker goes on with the model whose unit it has ended there, as promised. */
static bool goes_on(om_plan *plan, int worker, uint64_t iteration)
{
    plan_worker *w = &plan->workers[worker];
    plan_model *m = &plan->models[w->model];
    if (w->next != w->model || iteration != m->to) return false;
    w->next = NOBODY;
    m->to = w->next_to;
    m->failed_on = NOBODY;
    move(plan, m, RUNNING, iteration);
    return true;
}

/* A quarter of what is known of a worker's rate is its last unit: it follows a machine that slows
 * down, and one odd unit does not upset it. */
static void measure(plan_worker *worker, uint64_t iterations, double seconds)
{
    double rate = (double)iterations / seconds;
    if (iterations == 0 || !isfinite(rate) || !(rate > 0)) return;
    worker->rate = worker->rate > 0 ? worker->rate + (rate - worker->rate) / 4 : rate;
}

void om_plan_done(om_plan *plan, int worker, uint64_t iteration, double seconds)
{
    plan_worker *w = &plan->workers[worker];
    assert(w->model != NOBODY);
    const plan_model *unit = &plan->models[w->model];
    assert(iteration <= unit->to);
    measure(w, iteration > unit->iteration ? iteration - unit->iteration : 0, seconds);
    plan->changed = true;
    if (goes_on(plan, worker, iteration)) return;
    plan_model *m = release(plan, worker);
    m->to = 0;
    m->failed_on = NOBODY;
    move(plan, m, status_at(m, iteration), iteration);
}

void om_plan_diverged(om_plan *plan, int worker)
{
    plan_model *m = release(plan, worker);
    m->to = 0;
    move(plan, m, DIVERGED, m->iteration);
}

bool om_plan_failed(om_plan *plan, int worker)
{
    plan_model *m = release(plan, worker);
    bool again = m->failed_on == NOBODY;
    m->failed_on = worker;
    m->last = NOBODY;
    if (!again) m->to = 0;
    move(plan, m, again ? WAITING : FAILED, m->iteration);
    return again;
}

void om_plan_lost(om_plan *plan, int worker)
{
    plan_worker *w = &plan->workers[worker];
    while (w->model != NOBODY) {
        plan_model *m = release(plan, worker);
        if (m->failed_on == NOBODY) m->to = 0;
        m->last = NOBODY;
        move(plan, m, WAITING, m->iteration);
    }
    if (w->present) plan->present--;
    plan->changed = true;
    *w = nobody;
}

void om_plan_stop(om_plan *plan) { plan->stopped = true; }

/* --- looking --------------------------------------------------------------------------------- */

void om_plan_summarize(const om_plan *plan, om_plan_summary *summary)
{
    *summary = (om_plan_summary){.waiting = plan->count[WAITING] + plan->count[HELD],
                                 .running = plan->count[RUNNING],
                                 .done = plan->count[DONE],
                                 .stopped = plan->count[STOPPED],
                                 .diverged = plan->count[DIVERGED],
                                 .failed = plan->count[FAILED]};
    for (int w = 0; w < plan->options.workers; w++)
        if (plan->workers[w].model != NOBODY) summary->iterations_per_s += plan->workers[w].rate;
    for (int m = 0; m < plan->options.models; m++)
        if (plan->models[m].status != DIVERGED && plan->models[m].status != FAILED)
            summary->iterations_done += plan->models[m].iteration;
    summary->iterations_total = summary->iterations_done + plan->remaining;
    summary->seconds_left = plan->remaining == 0 ? 0
                            : summary->iterations_per_s > 0
                                ? (double)plan->remaining / summary->iterations_per_s
                                : NAN;
}

int om_plan_model_of(const om_plan *plan, int worker) { return plan->workers[worker].model; }

static bool model_is_valid(const om_plan *plan, int number)
{
    const plan_model *m = &plan->models[number];
    const uint64_t end = m->end;
    bool running = m->status == RUNNING;
    if (running != (m->holder != NOBODY)) return false; /* (P1) */
    if (running && plan->workers[m->holder].model != number &&
        plan->workers[m->holder].next != number)
        return false;                                                          /* (P1) */
    if (m->iteration > end || m->limit > end) return false;                    /* (P2) */
    if (is_unfinished(m) && m->iteration >= m->limit && end > 0) return false; /* (P2) */
    if (m->status == HELD && (m->iteration < m->limit || m->iteration == end)) return false;
    if (m->status == DONE && m->iteration != end) return false;    /* (P2) */
    if (running && m->to > m->limit) return false;                 /* (P3) */
    if (running && m->to <= m->iteration && end > 0) return false; /* (P3) */
    return running || m->to == 0 || (m->status == WAITING && m->failed_on != NOBODY);
}

bool om_plan_is_valid(const om_plan *plan)
{
    int count[N_STATUS] = {0}, present = 0;
    uint64_t remaining = 0;
    for (int m = 0; m < plan->options.models; m++) {
        if (!model_is_valid(plan, m)) return false;
        count[plan->models[m].status]++;
        if (is_unfinished(&plan->models[m])) remaining += remaining_of(&plan->models[m]);
    }
    for (int w = 0; w < plan->options.workers; w++) {
        const plan_worker *worker = &plan->workers[w];
        present += worker->present;
        if (worker->next != NOBODY &&
            (worker->model == NOBODY || plan->models[worker->next].holder != w))
            return false; /* (P1) */
        if (worker->model == NOBODY) continue;
        if (!worker->present || plan->models[worker->model].holder != w) return false; /* (P1) */
    }
    for (int s = 0; s < N_STATUS; s++)
        if (count[s] != plan->count[s]) return false; /* (P4) */
    return present == plan->present && remaining == plan->remaining;
}
