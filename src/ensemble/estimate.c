/* A spec's circuit, films and options, as a run would have them, but nothing is rendered or trained. */
#include "ensemble/estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/load.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "ensemble/layout.h"
#include "ensemble/workload.h"

static const double MEASURE_S = 2;
/* A message at the coordinator and the row of the live table that it is written to, with room to spare. */
static const double MESSAGE_S = 1e-4;
/* A state written twice and made durable. */
static const double COMMIT_S = 0.05;

typedef struct estimating {
    const om_estimate_options *o;
    om_estimate *e;
    om_job job; /* as of a run, but that nothing runs */
} estimating;

/* The table of the films; a file is read whole, worlds are not rendered. */
static om_status open_films(estimating *t)
{
    if (strcmp(t->job.spec.scenes, "procedural") == 0)
        return om_worlds_plan(&t->job.spec.worlds, &t->job.scenes);
    return om_scenes_load(t->job.spec.scenes, &t->job.scenes);
}

static om_status count_bytes(estimating *t)
{
    om_job *job = &t->job;
    size_t rank;
    OM_TRY(
        om_trainer_memory(job->circuit, job->scenes, &job->spec.train, t->o->threads, NULL, &rank));
    OM_TRY(om_job_layout(t->o->spec_file, job));
    const om_store_plan plan = om_job_store_plan(job);
    t->e->iterations = job->layout.iterations;
    t->e->checks = job->layout.n_checks;
    t->e->rank_bytes = (double)rank;
    t->e->film_bytes = (double)om_scenes_film_bytes(t->job.scenes);
    t->e->store_bytes = (double)om_store_bytes(&plan);
    return OM_OK;
}

/* ---- speed ---- */

/* What a model's work is counted in: iterations; if it is not trained, its check is the one step. */
static uint64_t steps_of(const om_estimate *e) { return e->iterations > 0 ? e->iterations : 1; }

/* Seconds of a check on the workload's one scene, which takes as long as a batch of them. */
static om_status time_check(const om_workload *w, const om_trainee_options *options,
                            double validate_t_pre_s, double *check_s)
{
    om_workload as_checked = *w;
    om_trainee trainee = {0};
    double l2norm, epe;
    as_checked.options.validate_t_pre_s = validate_t_pre_s;
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

/* Seconds for each iteration that checks on the validation scenes cost, and the steady state before each
 * pass: a check has one, too, before its batches. */
static om_status time_between(estimating *t, const om_workload *w, double *each_s)
{
    const om_train_options *train = &t->job.spec.train;
    const om_trainee_options options = {.batch = train->batch_size, .threads = t->o->threads};
    const int batches = (t->job.scenes->n_validation + train->batch_size - 1) / train->batch_size;
    double whole_s, batch_s, pass_s;
    OM_TRY(time_check(w, &options, 0, &batch_s));
    OM_TRY(time_check(w, &options, train->validate_t_pre_s, &whole_s));
    t->e->check_s = whole_s + (batches - 1) * batch_s;
    *each_s = t->e->check_s * t->e->checks / (double)steps_of(t->e);
    if (t->e->iterations == 0) return OM_OK;
    OM_TRY(time_check(w, &options, train->t_pre_s, &pass_s));
    *each_s += fmax(pass_s - batch_s, 0) / (double)t->job.layout.iterations_per_pass;
    return OM_OK;
}

/* Seconds of an iteration of each of so many ranks side by side. */
static om_status time_iterations(estimating *t, const om_workload *w, bool penalty,
                                 double *iteration_s)
{
    const om_trainee_options options = {
        .batch = w->options.batch_size, .threads = t->o->threads, .penalty = penalty};
    double per_s;
    OM_TRY(om_workload_rate(w, &options, t->e->beside, MEASURE_S, 0, &per_s));
    *iteration_s = t->e->beside / per_s;
    return OM_OK;
}

/* As many ranks as a node has, or as there are cores for here. */
static int ranks_beside(const om_estimate_options *o)
{
    const int on_node = (o->ranks + o->nodes - 1) / o->nodes, here = o->cores / o->threads;
    const int n = on_node < here ? on_node : here;
    return n > 0 ? n : 1;
}

static om_status measure(estimating *t)
{
    const om_train_options *train = &t->job.spec.train, options = om_workload_options(train);
    const double until = train->penalty_activity > 0 ? (double)train->penalty_until : 0;
    const double n = (double)t->e->iterations, share = until < n ? until / n : 1;
    const bool trained = t->e->iterations > 0;
    double with_s = 0, without_s = 0, between_s = 0;
    om_workload w = {0};
    const om_load before = om_load_now();
    if (t->o->tell != NULL) t->o->tell();
    t->e->beside = ranks_beside(t->o);
    om_status status = om_workload_create(t->job.circuit, &options, options.batch_size, &w);
    if (status == OM_OK && trained && share > 0) status = time_iterations(t, &w, true, &with_s);
    if (status == OM_OK && trained && share < 1) status = time_iterations(t, &w, false, &without_s);
    if (status == OM_OK) status = time_between(t, &w, &between_s);
    om_workload_free(&w);
    t->e->others = om_load_of_others(&before);
    t->e->rate = 1 / (share * with_s + (1 - share) * without_s + between_s);
    return status;
}

/* ---- the run ---- */

static int by_time(const void *a, const void *b)
{
    const double x = ((const om_simulation *)a)->seconds, y = ((const om_simulation *)b)->seconds;
    return (x > y) - (x < y);
}

/* Ranks that train one model together, as the run will have them. */
static om_status settle_team(estimating *t)
{
    const int batch = t->job.spec.train.batch_size, ranks = t->o->ranks;
    om_estimate *e = t->e;
    if (t->o->team > 0) OM_TRY(om_layout_check_team(t->o->team, batch));
    if (t->o->team > ranks)
        return om_fail(OM_EUSAGE, "a team of %d, but %d rank%s", t->o->team, ranks,
                       ranks > 1 ? "s train" : " trains");
    e->team = t->o->team > 0 ? t->o->team : om_layout_team(ranks, e->models, batch);
    const int teams = ranks / e->team;
    e->idle = ranks - (teams < e->models ? teams : e->models) * e->team;
    return OM_OK;
}

/* Ranks, or teams, of a simulation: where there are many more than models, most never have one, and add
 * nothing but time that it takes. */
static int simulated(const om_estimate *e, int ranks)
{
    const int teams = ranks / e->team;
    return teams / 2 < e->models ? teams : 2 * e->models;
}

static om_status simulate(const om_estimate_options *o, const om_race_options *race, om_estimate *e,
                          om_simulation runs[OM_ESTIMATE_RUNS])
{
    const int trainers = simulated(e, o->ranks);
    for (int i = 0; i < OM_ESTIMATE_RUNS; i++) {
        const om_simulation_options options = {.models = e->models,
                                               .ranks = trainers,
                                               .iterations = steps_of(e),
                                               .unit_s = o->unit_s,
                                               .rate = e->rate * e->team_gain,
                                               .spread = o->spread,
                                               .varies = o->varies,
                                               .fails = o->fails,
                                               .commit_s = COMMIT_S,
                                               .seed = (uint64_t)i,
                                               .race = *race};
        OM_TRY(om_simulate(&options, &runs[i]));
        runs[i].busy *= (double)trainers * e->team / o->ranks;
    }
    qsort(runs, OM_ESTIMATE_RUNS, sizeof *runs, by_time);
    return OM_OK;
}

static om_status simulate_both(const om_estimate_options *o, const om_race_options *race,
                               om_estimate *e)
{
    const om_race_options none = {0};
    om_simulation unraced[OM_ESTIMATE_RUNS];
    e->legs = om_legs_of(race, e->models, e->iterations);
    OM_TRY(simulate(o, race, e, e->runs));
    e->unraced_s = e->runs[OM_ESTIMATE_RUNS / 2].seconds;
    if (e->legs.rungs > 0) {
        OM_TRY(simulate(o, &none, e, unraced));
        e->unraced_s = unraced[OM_ESTIMATE_RUNS / 2].seconds;
    }
    const om_simulation *middle = &e->runs[OM_ESTIMATE_RUNS / 2];
    e->coordinator = middle->decisions + middle->messages_per_s * MESSAGE_S;
    return OM_OK;
}

static om_status estimate(estimating *t)
{
    om_estimate *e = t->e;
    OM_TRY(om_spec_read(t->o->spec_file, &t->job.spec, &t->job.spec_text));
    OM_TRY(om_job_circuit(t->o->spec_file, t->job.spec_text, &t->job.spec, &t->job.circuit));
    OM_TRY(open_films(t));
    snprintf(e->name, sizeof e->name, "%s", t->job.spec.name);
    snprintf(e->circuit, sizeof e->circuit, "%s", t->job.circuit->name);
    e->models = t->job.spec.models;
    e->extent = t->job.circuit->extent;
    e->rate = t->o->rate;
    OM_TRY(settle_team(t));
    e->team_gain = om_layout_team_gain(e->team, t->job.spec.train.batch_size);
    OM_TRY(count_bytes(t));
    if (!(t->o->rate > 0)) OM_TRY(measure(t));
    return simulate_both(t->o, &t->job.spec.race, e);
}

om_status om_estimate_run(const om_estimate_options *options, om_estimate *e)
{
    estimating *t = NULL;
    memset(e, 0, sizeof *e);
    OM_TRY(om_alloc(1, sizeof *t, &t));
    t->o = options;
    t->e = e;
    om_status status = estimate(t);
    om_scenes_free(t->job.scenes);
    om_circuit_free(t->job.circuit);
    om_free(t->job.spec_text);
    om_free(t);
    return status;
}
