/* A spec's circuits, films and options, as a run would have them, but nothing is rendered or trained. */
#include "ensemble/estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "ensemble/layout.h"
#include "ensemble/speed.h"

/* A message at the coordinator and the row of the live table that it is written to, with room to spare. */
static const double MESSAGE_S = 1e-4;
/* A state written twice and made durable. */
static const double COMMIT_S = 0.05;

typedef struct estimating {
    const om_estimate_options *o;
    om_estimates *all;
    om_job *jobs; /* [all->n] as of a run, but that nothing runs */
    char *text;   /* of the whole spec */
} estimating;

/* ---- what there is ---- */

static bool is_pooled(const estimating *t) { return t->all->sweep != NULL && !t->o->apart; }

/* The table of the films, of an ensemble before where they are the same; a file is read whole, worlds are
 * not rendered. */
static om_status open_films(estimating *t, int p)
{
    om_job *job = &t->jobs[p];
    for (int q = 0; q < p && !job->shares_films; q++) {
        job->shares_films = om_same_films(&job->spec, &t->jobs[q].spec);
        if (job->shares_films) job->scenes = t->jobs[q].scenes;
    }
    if (job->shares_films) return OM_OK;
    if (strcmp(job->spec.scenes, "procedural") == 0)
        return om_worlds_plan(&job->spec.worlds, &job->scenes);
    return om_scenes_load(job->spec.scenes, &job->scenes);
}

static om_status count_bytes(const estimating *t, const char *file, int p)
{
    om_job *job = &t->jobs[p];
    om_estimate *e = &t->all->of[p];
    size_t rank;
    OM_TRY(
        om_trainer_memory(job->circuit, job->scenes, &job->spec.train, t->o->threads, NULL, &rank));
    OM_TRY(om_job_layout(file, job));
    const om_store_plan plan = om_job_store_plan(job);
    e->iterations = job->layout.iterations;
    e->checks = job->layout.n_checks;
    e->rank_bytes = (double)rank;
    e->film_bytes = (double)om_scenes_film_bytes(job->scenes);
    e->store_bytes = (double)om_store_bytes(&plan);
    return OM_OK;
}

static om_status read_one(estimating *t, int p)
{
    char file[OM_SWEEP_PATH_BYTES];
    om_job *job = &t->jobs[p];
    om_estimate *e = &t->all->of[p];
    const bool swept = t->all->sweep != NULL;
    if (swept)
        OM_TRY(om_sweep_point_path(t->o->spec_file, p, file));
    else
        snprintf(file, sizeof file, "%s", t->o->spec_file);
    job->spec_text = swept ? t->all->sweep->specs[p] : t->text;
    om_spec_defaults(&job->spec);
    OM_TRY(om_spec_parse(file, job->spec_text, &job->spec));
    OM_TRY(om_job_circuit(file, job->spec_text, &job->spec, &job->circuit));
    OM_TRY(open_films(t, p));
    snprintf(e->name, sizeof e->name, "%s", job->spec.name);
    snprintf(e->circuit, sizeof e->circuit, "%s", job->circuit->name);
    e->models = job->spec.models;
    e->extent = job->circuit->extent;
    e->rate = t->o->rate;
    return count_bytes(t, file, p);
}

static om_status read_all(estimating *t)
{
    om_estimates *all = t->all;
    OM_TRY(om_spec_text(t->o->spec_file, &t->text));
    OM_TRY(om_spec_sweep(t->o->spec_file, t->text, &all->sweep));
    all->n = all->sweep != NULL ? all->sweep->n_points : 1;
    OM_TRY(om_alloc((size_t)all->n, sizeof *all->of, &all->of));
    OM_TRY(om_alloc((size_t)all->n, sizeof *t->jobs, &t->jobs));
    for (int p = 0; p < all->n; p++) OM_TRY(read_one(t, p));
    return OM_OK;
}

/* ---- teams ---- */

/* Ranks that train one model together, as the run will have them. */
static om_status settle_team(const om_estimate_options *o, int batch, om_estimate *e)
{
    const int ranks = o->ranks;
    if (o->team > 0) OM_TRY(om_layout_check_team(o->team, batch));
    OM_TRY(om_layout_team_size(o->team, ranks, e->models, batch, &e->team));
    const int teams = ranks / e->team;
    e->idle = ranks - (teams < e->models ? teams : e->models) * e->team;
    return OM_OK;
}

/* In one run teams are those that the smallest batch allows. */
static om_status settle_teams(estimating *t)
{
    om_estimates *all = t->all;
    int batch = t->jobs[0].spec.train.batch_size;
    for (int p = 0; p < all->n; p++) {
        const int own = t->jobs[p].spec.train.batch_size;
        all->whole.models += all->of[p].models;
        if (own < batch) batch = own;
        if (!is_pooled(t)) OM_TRY(settle_team(t->o, own, &all->of[p]));
    }
    if (is_pooled(t)) OM_TRY(settle_team(t->o, batch, &all->whole));
    for (int p = 0; p < all->n; p++) {
        om_estimate *e = &all->of[p];
        if (is_pooled(t)) e->team = all->whole.team;
        e->team_gain = om_layout_team_gain(e->team, t->jobs[p].spec.train.batch_size);
    }
    return OM_OK;
}

/* ---- speed ---- */

/* What a model's work is counted in: iterations; if it is not trained, its check is the one step. */
static uint64_t steps_of(const om_estimate *e) { return e->iterations > 0 ? e->iterations : 1; }

/* The same of all models. */
static double work_of(const om_estimate *e)
{
    return e->iterations > 0 ? (double)om_legs_iterations(&e->legs) : (double)e->models;
}

/* Share of the iterations that have the activity penalty. */
static double penalised_share(const om_job *job)
{
    const om_train_options *train = &job->spec.train;
    const double until = train->penalty_activity > 0 ? (double)train->penalty_until : 0;
    const double n = (double)job->layout.iterations;
    return until < n ? until / n : 1;
}

/* As many ranks as a node has, or as there are cores for here. */
static int ranks_beside(const om_estimate_options *o)
{
    const int on_node = (o->ranks + o->nodes - 1) / o->nodes, here = o->cores / o->threads;
    const int n = on_node < here ? on_node : here;
    return n > 0 ? n : 1;
}

/* From what was measured: an iteration, with its part of the checks on the validation scenes and of the
 * steady state before each pass; a check has one, too, before its batches. */
static void take_speed(const om_job *job, const om_speed *s, om_estimate *e)
{
    const int batch = job->spec.train.batch_size;
    const int batches = (job->scenes->n_validation + batch - 1) / batch;
    const double share = penalised_share(job);
    e->check_s = s->check_batch_s + (batches - 1) * s->batch_s;
    double each_s = e->check_s * e->checks / (double)steps_of(e);
    if (e->iterations > 0)
        each_s += share * s->penalised_s + (1 - share) * s->plain_s +
                  fmax(s->pass_batch_s - s->batch_s, 0) / (double)job->layout.iterations_per_pass;
    e->rate = 1 / each_s;
}

static om_status measure_into(estimating *t, om_speed_subject *subjects, om_speed *speeds)
{
    om_estimates *all = t->all;
    om_speed_report report;
    const om_speed_options options = {ranks_beside(t->o), t->o->threads, t->o->tell};
    for (int p = 0; p < all->n; p++) {
        const om_job *job = &t->jobs[p];
        const bool trained = all->of[p].iterations > 0;
        const double share = trained ? penalised_share(job) : 0;
        subjects[p] = (om_speed_subject){job->circuit, &job->spec.train, share > 0,
                                         trained && share < 1, all->of[p].rank_bytes};
    }
    OM_TRY(om_speed_measure(subjects, all->n, &options, speeds, &report));
    all->kinds = report.kinds;
    all->measured = report.measured;
    for (int p = 0; p < all->n; p++) {
        take_speed(&t->jobs[p], &speeds[p], &all->of[p]);
        all->of[p].beside = options.beside;
        all->of[p].others = report.others;
    }
    return OM_OK;
}

static om_status measure(estimating *t)
{
    const size_t n = (size_t)t->all->n;
    om_speed_subject *subjects = NULL;
    om_speed *speeds = NULL;
    om_status status = om_alloc(n, sizeof *subjects, &subjects);
    if (status == OM_OK) status = om_alloc(n, sizeof *speeds, &speeds);
    if (status == OM_OK) status = measure_into(t, subjects, speeds);
    om_free(subjects);
    om_free(speeds);
    return status;
}

/* ---- the run ---- */

static int by_time(const void *a, const void *b)
{
    const double x = ((const om_simulation *)a)->seconds, y = ((const om_simulation *)b)->seconds;
    return (x > y) - (x < y);
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

/* ---- all of them ---- */

/* How much there is to do, and how long that takes. */
static void count_work(estimating *t)
{
    for (int p = 0; p < t->all->n; p++) {
        om_estimate *e = &t->all->of[p];
        e->legs = om_legs_of(&t->jobs[p].spec.race, e->models, e->iterations);
        e->rank_s = work_of(e) / (e->rate * e->team_gain);
    }
}

/* As if all models were alike, with as much to do in all; but none takes less time than the longest. */
static om_status simulate_pooled(const om_estimate_options *o, om_estimates *all)
{
    const om_race_options none = {0};
    om_estimate *whole = &all->whole, alike;
    double work = 0, longest_s = 0;
    for (int p = 0; p < all->n; p++) {
        const om_estimate *e = &all->of[p];
        work += work_of(e);
        whole->iterations += e->iterations > 0 ? om_legs_iterations(&e->legs) : 0;
        whole->rank_s += e->rank_s;
        longest_s = fmax(longest_s, (double)steps_of(e) / (e->rate * e->team_gain));
    }
    whole->rate = work / whole->rank_s;
    alike = *whole;
    alike.iterations = (uint64_t)ceil(work / whole->models);
    alike.team_gain = 1; /* rates have it already */
    OM_TRY(simulate_both(o, &none, &alike));
    memcpy(whole->runs, alike.runs, sizeof whole->runs);
    whole->coordinator = alike.coordinator;
    for (int i = 0; i < OM_ESTIMATE_RUNS; i++) {
        om_simulation *r = &whole->runs[i];
        if (r->seconds >= longest_s) continue;
        r->busy *= r->seconds / longest_s;
        r->seconds = longest_s;
    }
    return OM_OK;
}

static bool runs_alike(const om_estimate *a, const om_estimate *b)
{
    const int rungs = a->legs.rungs;
    if (a->models != b->models || a->iterations != b->iterations || a->rate != b->rate ||
        a->team != b->team || a->team_gain != b->team_gain || b->legs.rungs != rungs)
        return false;
    for (int leg = 0; leg <= rungs; leg++)
        if (a->legs.end[leg] != b->legs.end[leg] || a->legs.field[leg] != b->legs.field[leg])
            return false;
    return true;
}

/* Each by itself, but those that would be simulated alike only once. */
static om_status simulate_apart(estimating *t)
{
    om_estimate *of = t->all->of;
    for (int p = 0; p < t->all->n; p++) {
        int q = 0;
        while (q < p && !runs_alike(&of[p], &of[q])) q++;
        if (q == p) {
            OM_TRY(simulate_both(t->o, &t->jobs[p].spec.race, &of[p]));
            continue;
        }
        of[p].unraced_s = of[q].unraced_s;
        of[p].coordinator = of[q].coordinator;
        memcpy(of[p].runs, of[q].runs, sizeof of[p].runs);
    }
    return OM_OK;
}

/* What points that share a run take together. */
static void add_up(estimating *t)
{
    om_estimate *whole = &t->all->whole;
    for (int p = 0; p < t->all->n; p++) {
        const om_estimate *e = &t->all->of[p];
        whole->rank_bytes = fmax(whole->rank_bytes, e->rank_bytes); /* one trainer at a time */
        if (!t->jobs[p].shares_films) whole->film_bytes += e->film_bytes;
        whole->store_bytes += e->store_bytes;
        whole->check_s = fmax(whole->check_s, e->check_s);
    }
}

/* The most that one of several takes. */
static void take_most(om_estimates *all)
{
    om_estimate *whole = &all->whole;
    *whole = all->of[0];
    for (int p = 1; p < all->n; p++) {
        const om_estimate *e = &all->of[p];
        const int last = OM_ESTIMATE_RUNS - 1;
        if (e->models > whole->models) whole->models = e->models;
        if (e->runs[last].seconds > whole->runs[last].seconds)
            memcpy(whole->runs, e->runs, sizeof whole->runs);
        whole->rank_bytes = fmax(whole->rank_bytes, e->rank_bytes);
        whole->film_bytes = fmax(whole->film_bytes, e->film_bytes);
        whole->store_bytes = fmax(whole->store_bytes, e->store_bytes);
    }
}

static om_status estimate(estimating *t)
{
    om_estimates *all = t->all;
    OM_TRY(read_all(t));
    OM_TRY(settle_teams(t));
    if (!(t->o->rate > 0)) OM_TRY(measure(t));
    count_work(t);
    if (!is_pooled(t)) {
        OM_TRY(simulate_apart(t));
        take_most(all);
        return OM_OK;
    }
    om_estimate *whole = &all->whole;
    snprintf(whole->name, sizeof whole->name, "%s", all->of[0].name);
    whole->extent = all->of[0].extent;
    whole->beside = all->of[0].beside;
    whole->others = all->of[0].others;
    add_up(t);
    return simulate_pooled(t->o, all);
}

om_status om_estimate_run(const om_estimate_options *options, om_estimates *estimates)
{
    estimating t = {.o = options, .all = estimates};
    *estimates = (om_estimates){0};
    om_status status = estimate(&t);
    for (int p = 0; p < estimates->n && t.jobs != NULL; p++) {
        if (!t.jobs[p].shares_films) om_scenes_free(t.jobs[p].scenes);
        om_circuit_free(t.jobs[p].circuit);
    }
    om_free(t.jobs);
    om_free(t.text);
    return status;
}

void om_estimates_free(om_estimates *estimates)
{
    om_sweep_free(estimates->sweep);
    om_free(estimates->of);
    *estimates = (om_estimates){0};
}
