/* The plan: which rank trains which model next. Invariants, which om_plan_is_valid() checks:
 * (P1) A running model has one holder, and that worker's model is this one; no other model has one.
 * (P2) A model's iteration never exceeds the end; it is there exactly when the model is done.
 * (P3) A running unit starts at the model's iteration and ends after it, at most at the end.
 * (P4) Counts and the sum of what remains are those of the models.
 *
 * How a free model is chosen. Let R be the iterations that remain in all unfinished models, n the
 * workers present, and u a unit. Everything can end together, at R/n iterations from now, only
 * while no model has more than R/n left, because a model cannot be trained by two workers at once.
 * A model that waits falls behind by what the others train meanwhile, for up to a unit before
 * somebody asks. So a free model with R/n - u or more is critical, and the one with the most left
 * goes first. Otherwise a worker keeps its model, so that models end early, one by one. */
#include "ommatid/om_plan.h"

#include <assert.h>
#include <math.h>

#include "base/fail.h"
#include "base/memory.h"

typedef enum model_status { WAITING, RUNNING, DONE, DIVERGED, FAILED, N_STATUS } model_status;

enum { NOBODY = -1 };

typedef struct plan_model {
    model_status status;
    int holder;         /* worker that trains it now */
    int last;           /* worker that trained it last and has its state in memory */
    int failed_on;      /* worker whose error this unit ended with; somebody else tries it again */
    uint64_t iteration; /* done */
    uint64_t to;        /* end of the running unit, or of the one to be tried again; else 0 */
} plan_model;

typedef struct plan_worker {
    bool present; /* has asked, and is not lost */
    int model;    /* that it trains now */
    int held;     /* that it trained last */
    double rate;  /* iterations/s; 0 before anything was measured */
} plan_worker;

struct om_plan {
    om_plan_options options;
    plan_model *models;
    plan_worker *workers;
    int count[N_STATUS];
    int present;        /* workers */
    uint64_t remaining; /* iterations in all waiting and running models */
    bool stopped;
};

om_status om_plan_create(const om_plan_options *options, om_plan **plan)
{
    *plan = NULL;
    if (options->models < 1 || options->workers < 1 || options->iterations < 1 ||
        !(options->unit_s > 0) || !(options->first_rate > 0))
        return om_fail(OM_EUSAGE,
                       "a plan needs a model, a worker, an iteration, and times and rates above 0");
    om_plan *p = NULL;
    om_status status = om_alloc(1, sizeof *p, &p);
    if (status != OM_OK) return status;
    p->options = *options;
    status = om_alloc((size_t)options->models, sizeof *p->models, &p->models);
    if (status == OM_OK)
        status = om_alloc((size_t)options->workers, sizeof *p->workers, &p->workers);
    if (status != OM_OK) {
        om_plan_free(p);
        return status;
    }
    for (int m = 0; m < options->models; m++)
        p->models[m] = (plan_model){WAITING, NOBODY, NOBODY, NOBODY, 0, 0};
    for (int w = 0; w < options->workers; w++)
        p->workers[w] = (plan_worker){false, NOBODY, NOBODY, 0};
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
    om_free(plan);
}

static uint64_t remaining_of(const om_plan *plan, const plan_model *model)
{
    return plan->options.iterations - model->iteration;
}

static bool is_unfinished(const plan_model *model)
{
    return model->status == WAITING || model->status == RUNNING;
}

/* The only place where a model changes its status or iteration: sums follow. */
static void move(om_plan *plan, plan_model *model, model_status status, uint64_t iteration)
{
    if (is_unfinished(model)) plan->remaining -= remaining_of(plan, model);
    plan->count[model->status]--;
    model->status = status;
    model->iteration = iteration;
    plan->count[status]++;
    if (is_unfinished(model)) plan->remaining += remaining_of(plan, model);
}

void om_plan_resume(om_plan *plan, int model, uint64_t iteration, bool ended)
{
    plan_model *m = &plan->models[model];
    assert(m->status == WAITING && iteration <= plan->options.iterations);
    bool whole = iteration == plan->options.iterations;
    move(plan, m, ended ? DIVERGED : whole ? DONE : WAITING, iteration);
}

/* --- asking ---------------------------------------------------------------------------------- */

/* Mean rate of the workers present that were measured; 0: none was. */
static double mean_rate(const om_plan *plan)
{
    double sum = 0;
    int n = 0;
    for (int w = 0; w < plan->options.workers; w++)
        if (plan->workers[w].present && plan->workers[w].rate > 0)
            sum += plan->workers[w].rate, n++;
    return n > 0 ? sum / n : 0;
}

/* A worker that was not measured yet is taken for an average one. */
static double rate_of(const om_plan *plan, const plan_worker *worker, double mean)
{
    if (worker->rate > 0) return worker->rate;
    return mean > 0 ? mean : plan->options.first_rate;
}

/* A unit that failed goes to somebody else if there is anybody: the machine may be to blame. */
static bool may_take(const om_plan *plan, const plan_model *model, int worker)
{
    return model->status == WAITING && (model->failed_on != worker || plan->present == 1);
}

/* The free model that a worker should train now, or -1. unit: of an average worker, iterations. */
static int choose(const om_plan *plan, int worker, double unit)
{
    const plan_model *models = plan->models;
    double behind = (double)plan->remaining / plan->present - unit, most = -1;
    uint64_t fewest = UINT64_MAX;
    int critical = NOBODY, begun = NOBODY, fresh = NOBODY, held = plan->workers[worker].held;
    if (held != NOBODY && (models[held].last != worker || !may_take(plan, &models[held], worker)))
        held = NOBODY;
    for (int m = 0; m < plan->options.models; m++) {
        if (!may_take(plan, &models[m], worker)) continue;
        uint64_t left = remaining_of(plan, &models[m]);
        if ((double)left >= behind && (double)left > most) most = (double)left, critical = m;
        if (models[m].iteration > 0 && left < fewest) fewest = left, begun = m;
        if (models[m].iteration == 0 && fresh == NOBODY) fresh = m;
    }
    if (critical != NOBODY) return critical;
    if (held != NOBODY) return held;
    return begun != NOBODY ? begun : fresh;
}

/* Length of a worker's next unit on a model: unit_s, less towards the end of everything so that
 * the last ones end close together, and such that a model divides into equal ones. */
static uint64_t unit_length(const om_plan *plan, double rate, double mean, uint64_t left)
{
    const double unit_s = plan->options.unit_s;
    double seconds_left = (double)plan->remaining / (mean * plan->present);
    double length = rate * fmin(unit_s, fmax(seconds_left / 4, unit_s / 16));
    if (!(length < (double)left)) return left;
    uint64_t unit = length < 1 ? 1 : (uint64_t)length;
    uint64_t parts = (left + unit - 1) / unit;
    return (left + parts - 1) / parts;
}

om_plan_answer om_plan_ask(om_plan *plan, int worker, om_unit *unit)
{
    plan_worker *w = &plan->workers[worker];
    assert(w->model == NOBODY);
    if (!w->present) plan->present++;
    w->present = true;
    if (plan->stopped || plan->count[WAITING] + plan->count[RUNNING] == 0) return OM_PLAN_FINISHED;
    if (plan->count[WAITING] == 0) return OM_PLAN_WAIT;
    double mean = mean_rate(plan);
    if (!(mean > 0)) mean = plan->options.first_rate;
    int chosen = choose(plan, worker, mean * plan->options.unit_s);
    if (chosen == NOBODY) return OM_PLAN_WAIT;
    plan_model *m = &plan->models[chosen];
    if (m->to == 0)
        m->to =
            m->iteration + unit_length(plan, rate_of(plan, w, mean), mean, remaining_of(plan, m));
    move(plan, m, RUNNING, m->iteration);
    m->holder = m->last = worker;
    w->model = w->held = chosen;
    *unit = (om_unit){chosen, m->iteration, m->to};
    return OM_PLAN_UNIT;
}

/* --- reports --------------------------------------------------------------------------------- */

/* Takes the unit away from its worker; returns its model. */
static plan_model *release(om_plan *plan, int worker)
{
    assert(plan->workers[worker].model != NOBODY);
    plan_model *m = &plan->models[plan->workers[worker].model];
    plan->workers[worker].model = NOBODY;
    m->holder = NOBODY;
    return m;
}

/* Half of what is known of a worker's rate is its last unit: it follows a machine that slows down,
 * and one odd unit does not upset it. */
static void measure(plan_worker *worker, uint64_t iterations, double seconds)
{
    double rate = (double)iterations / seconds;
    if (iterations == 0 || !isfinite(rate) || !(rate > 0)) return;
    worker->rate = worker->rate > 0 ? (worker->rate + rate) / 2 : rate;
}

void om_plan_done(om_plan *plan, int worker, uint64_t iteration, double seconds)
{
    plan_model *m = release(plan, worker);
    assert(iteration >= m->iteration && iteration <= m->to);
    measure(&plan->workers[worker], iteration - m->iteration, seconds);
    m->to = 0;
    m->failed_on = NOBODY;
    move(plan, m, iteration == plan->options.iterations ? DONE : WAITING, iteration);
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
    if (w->model != NOBODY) {
        plan_model *m = release(plan, worker);
        if (m->failed_on == NOBODY) m->to = 0;
        m->last = NOBODY;
        move(plan, m, WAITING, m->iteration);
    }
    if (w->present) plan->present--;
    *w = (plan_worker){false, NOBODY, NOBODY, 0};
}

void om_plan_stop(om_plan *plan) { plan->stopped = true; }

/* --- looking --------------------------------------------------------------------------------- */

void om_plan_summarize(const om_plan *plan, om_plan_summary *summary)
{
    *summary = (om_plan_summary){.waiting = plan->count[WAITING],
                                 .running = plan->count[RUNNING],
                                 .done = plan->count[DONE],
                                 .diverged = plan->count[DIVERGED],
                                 .failed = plan->count[FAILED]};
    for (int w = 0; w < plan->options.workers; w++)
        if (plan->workers[w].model != NOBODY) summary->iterations_per_s += plan->workers[w].rate;
    uint64_t counted = (uint64_t)(summary->waiting + summary->running + summary->done);
    summary->iterations_total = counted * plan->options.iterations;
    summary->iterations_done = summary->iterations_total - plan->remaining;
    summary->seconds_left = plan->remaining == 0 ? 0
                            : summary->iterations_per_s > 0
                                ? (double)plan->remaining / summary->iterations_per_s
                                : NAN;
}

int om_plan_model_of(const om_plan *plan, int worker) { return plan->workers[worker].model; }

static bool model_is_valid(const om_plan *plan, int number)
{
    const plan_model *m = &plan->models[number];
    uint64_t end = plan->options.iterations;
    bool running = m->status == RUNNING;
    if (running != (m->holder != NOBODY)) return false;                    /* (P1) */
    if (running && plan->workers[m->holder].model != number) return false; /* (P1) */
    if (m->iteration > end) return false;                                  /* (P2) */
    if (is_unfinished(m) && m->iteration == end) return false;             /* (P2) */
    if (m->status == DONE && m->iteration != end) return false;            /* (P2) */
    if (running && !(m->to > m->iteration && m->to <= end)) return false;  /* (P3) */
    return running || m->to == 0 || (m->status == WAITING && m->failed_on != NOBODY);
}

bool om_plan_is_valid(const om_plan *plan)
{
    int count[N_STATUS] = {0}, present = 0;
    uint64_t remaining = 0;
    for (int m = 0; m < plan->options.models; m++) {
        if (!model_is_valid(plan, m)) return false;
        count[plan->models[m].status]++;
        if (is_unfinished(&plan->models[m])) remaining += remaining_of(plan, &plan->models[m]);
    }
    for (int w = 0; w < plan->options.workers; w++) {
        const plan_worker *worker = &plan->workers[w];
        present += worker->present;
        if (worker->model == NOBODY) continue;
        if (!worker->present || plan->models[worker->model].holder != w) return false; /* (P1) */
    }
    for (int s = 0; s < N_STATUS; s++)
        if (count[s] != plan->count[s]) return false; /* (P4) */
    return present == plan->present && remaining == plan->remaining;
}
