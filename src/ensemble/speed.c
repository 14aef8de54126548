/* Subjects are sorted into kinds, and kinds measured on films that are made up. */
#include "ensemble/speed.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/load.h"
#include "base/memory.h"
#include "ensemble/workload.h"

/* Of one measurement, and of all; a measurement of many is still worth that much. */
static const double MEASURE_S = 2, ALL_S = 10, LEAST_S = 0.2;

typedef struct kind {
    const om_speed_subject *of; /* its first */
    bool penalised, plain;      /* whether any of them wants to know */
    bool measured;
    om_speed speed;
} kind;

typedef struct measuring {
    const om_speed_options *options;
    int n, n_trials;
    kind *kinds;    /* [n] */
    int *kind_of;   /* [n_subjects] */
    double seconds; /* of each trial */
} measuring;

/* ---- kinds ---- */

/* What of the options changes how long an iteration takes. */
static om_train_options costly(const om_train_options *train)
{
    om_train_options o = om_workload_options(train);
    memset(&o.init, 0, sizeof o.init);
    memset(&o.model.controls, 0, sizeof o.model.controls); /* the circuit has them */
    memset(o.model.clamp, 0, sizeof o.model.clamp);
    o.decoder_rate = o.penalty_baseline = 0;
    o.rate_steps = o.replacements = 0;
    o.penalty_until = 0;
    o.selection = OM_LOSS_L2NORM;
    o.validate_t_pre_s = train->validate_t_pre_s;
    return o;
}

static bool is_same_size(const om_circuit *a, const om_circuit *b)
{
    return a->extent == b->extent && a->n_types == b->n_types && a->n_cells == b->n_cells &&
           a->n_live_pairs == b->n_live_pairs && a->n_live_taps == b->n_live_taps &&
           a->n_edges == b->n_edges && a->n_inputs == b->n_inputs && a->n_outputs == b->n_outputs &&
           a->max_offset == b->max_offset;
}

static bool costs_the_same(const om_speed_subject *a, const om_speed_subject *b)
{
    if (!is_same_size(a->circuit, b->circuit)) return false;
    const om_train_options one = costly(a->train), other = costly(b->train);
    /* padding may differ: then it is measured for nothing */
    const void *bytes = &one, *others = &other;
    return memcmp(bytes, others, sizeof one) == 0;
}

static void sort_into_kinds(measuring *m, const om_speed_subject *subjects, int n)
{
    for (int i = 0; i < n; i++) {
        int k = 0;
        while (k < m->n && !costs_the_same(m->kinds[k].of, &subjects[i])) k++;
        if (k == m->n) m->kinds[m->n++] = (kind){.of = &subjects[i]};
        m->kinds[k].penalised |= subjects[i].penalised;
        m->kinds[k].plain |= subjects[i].plain;
        m->kind_of[i] = k;
    }
    for (int k = 0; k < m->n; k++) m->n_trials += m->kinds[k].penalised + m->kinds[k].plain;
}

/* ---- measuring one ---- */

/* Seconds of a check on the workload's one scene, which takes as long as a batch of them. */
static om_status time_check(const om_workload *w, const om_trainee_options *options, double t_pre_s,
                            double *check_s)
{
    om_workload as_checked = *w;
    om_trainee trainee = {0};
    double l2norm, epe;
    as_checked.options.validate_t_pre_s = t_pre_s;
    OM_TRY(om_trainee_create(&as_checked, options, &trainee));
    const om_state_layout *l = om_trainer_layout(trainee.trainer);
    om_status status = OM_OK;
    for (int i = 0; i < 2 && status == OM_OK; i++) { /* the first one warms up */
        const double start_s = om_clock_s();
        status = om_train_validate(
            trainee.trainer, OM_WORKLOAD_SEED, 0, om_state_view(trainee.state, l->at_params),
            om_state_view(trainee.state, l->at_running_mean),
            om_state_view(trainee.state, l->at_running_var), &l2norm, &epe, NULL);
        *check_s = om_clock_s() - start_s;
    }
    om_trainee_free(&trainee);
    return status;
}

static om_status time_checks(const measuring *m, const om_workload *w,
                             const om_train_options *train, om_speed *speed)
{
    const om_trainee_options options = {.batch = train->batch_size, .threads = m->options->threads};
    OM_TRY(time_check(w, &options, 0, &speed->batch_s));
    OM_TRY(time_check(w, &options, train->validate_t_pre_s, &speed->check_batch_s));
    return time_check(w, &options, train->t_pre_s, &speed->pass_batch_s);
}

static om_status time_iterations(const measuring *m, const om_workload *w, bool penalty,
                                 double *iteration_s)
{
    const om_trainee_options options = {
        .batch = w->options.batch_size, .threads = m->options->threads, .penalty = penalty};
    double per_s;
    OM_TRY(om_workload_rate(w, &options, m->options->beside, m->seconds, 0, &per_s));
    *iteration_s = m->options->beside / per_s;
    return OM_OK;
}

static om_status measure(const measuring *m, kind *k)
{
    const om_train_options options = om_workload_options(k->of->train);
    om_speed *speed = &k->speed;
    om_workload w = {0};
    om_status status = om_workload_create(k->of->circuit, &options, options.batch_size, &w);
    if (status == OM_OK && k->penalised) status = time_iterations(m, &w, true, &speed->penalised_s);
    if (status == OM_OK && k->plain) status = time_iterations(m, &w, false, &speed->plain_s);
    if (status == OM_OK) status = time_checks(m, &w, k->of->train, speed);
    om_workload_free(&w);
    k->measured = status == OM_OK;
    return status;
}

/* ---- measuring all ---- */

/* The largest kind (sign 1) or smallest one (-1) that is left. */
static kind *left_over(const measuring *m, int sign)
{
    kind *found = NULL;
    for (int k = 0; k < m->n; k++)
        if (!m->kinds[k].measured &&
            (found == NULL || sign * m->kinds[k].of->bytes > sign * found->of->bytes))
            found = &m->kinds[k];
    return found;
}

/* From both ends, so that what there is no time for lies in between. */
static om_status measure_all(measuring *m, int *measured)
{
    const double end_s = om_clock_s() + ALL_S;
    m->seconds = fmax(fmin(MEASURE_S, ALL_S / (m->n_trials > 0 ? m->n_trials : 1)), LEAST_S);
    for (*measured = 0; *measured < m->n && (*measured == 0 || om_clock_s() < end_s); ++*measured)
        OM_TRY(measure(m, left_over(m, *measured % 2 == 0 ? 1 : -1)));
    return OM_OK;
}

static double unlike(const kind *a, const kind *b)
{
    return fabs(log(a->of->bytes) - log(b->of->bytes));
}

/* One that may not be known of it, else of the other sort of iteration. */
static double either(double one_s, double other_s, double factor)
{
    return factor * (one_s > 0 ? one_s : other_s);
}

static void guess(const measuring *m, kind *k)
{
    const kind *near = m->kinds;
    for (int i = 1; i < m->n; i++)
        if (m->kinds[i].measured && (!near->measured || unlike(&m->kinds[i], k) < unlike(near, k)))
            near = &m->kinds[i];
    const double factor = k->of->bytes / near->of->bytes;
    const om_speed *s = &near->speed;
    k->speed = (om_speed){.penalised_s = either(s->penalised_s, s->plain_s, factor),
                          .plain_s = either(s->plain_s, s->penalised_s, factor),
                          .batch_s = factor * s->batch_s,
                          .check_batch_s = factor * s->check_batch_s,
                          .pass_batch_s = factor * s->pass_batch_s};
    /* where the other one is never trained: as much as three passes through its films */
    if (k->speed.plain_s == 0) k->speed.plain_s = k->speed.penalised_s = 3 * k->speed.batch_s;
}

om_status om_speed_measure(const om_speed_subject *subjects, int n, const om_speed_options *options,
                           om_speed *speeds, om_speed_report *report)
{
    measuring m = {.options = options};
    *report = (om_speed_report){0};
    const om_load before = om_load_now();
    om_status status = om_alloc((size_t)n, sizeof *m.kinds, &m.kinds);
    if (status == OM_OK) status = om_alloc((size_t)n, sizeof *m.kind_of, &m.kind_of);
    if (status == OM_OK) {
        if (options->tell != NULL) options->tell();
        sort_into_kinds(&m, subjects, n);
        status = measure_all(&m, &report->measured);
    }
    for (int k = 0; k < m.n && status == OM_OK; k++)
        if (!m.kinds[k].measured) guess(&m, &m.kinds[k]);
    for (int i = 0; i < n && status == OM_OK; i++) speeds[i] = m.kinds[m.kind_of[i]].speed;
    report->kinds = m.n;
    report->others = om_load_of_others(&before);
    om_free(m.kinds);
    om_free(m.kind_of);
    return status;
}
