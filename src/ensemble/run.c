/* Running an ensemble: from a spec to a trained, ranked store. Every step that can fail is agreed upon
 * by all ranks before any of them goes on. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "ensemble/job.h"
#include "ensemble/layout.h"
#include "ensemble/limit.h"
#include "ensemble/race.h"
#include "ensemble/ranking.h"
#include "ommatid/om_check.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"
#include "store/h5.h"

om_status om_job_read_spec(om_job *job, const char *text)
{
    size_t length = 0;
    if (om_ranks_number() == 0) length = strlen(text);
    om_ranks_share_bytes(&length, sizeof length);
    OM_TRY(om_ranks_agree(om_alloc(length + 1, 1, &job->spec_text)));
    if (om_ranks_number() == 0) memcpy(job->spec_text, text, length);
    om_ranks_share_bytes(job->spec_text, length);
    om_spec_defaults(&job->spec);
    return om_ranks_agree(om_spec_parse(job->options->spec_file, job->spec_text, &job->spec));
}

/* Line of the first key of a message that begins with keys; 0: none of them is given. */
static int find_line(const char *text)
{
    char keys[96], *rest = keys;
    int line = 0;
    snprintf(keys, sizeof keys, "%.*s", (int)strcspn(om_message(), ":"), om_message());
    for (char *key; line == 0 && (key = strtok_r(rest, ", ", &rest)) != NULL;)
        line = om_spec_line(text, key);
    return line;
}

/* Puts file and line of the key in front of a message about it. The text of a sweep's point was written
 * anew: its reader has the file that it comes from. */
static om_status blame_line(const char *name, const char *text, om_status status)
{
    char file[PATH_MAX], *whole = NULL;
    if (status == OM_OK) return OM_OK;
    const int point = om_split_part(name, file);
    if (point < 0) {
        const int line = find_line(text);
        return line > 0 ? om_context(status, "%s:%d", name, line) : status;
    }
    if (access(file, R_OK) == 0 && om_spec_text(file, &whole) != OM_OK) return status;
    const int line = whole != NULL ? find_line(whole) : 0;
    om_free(whole);
    if (line == 0) return om_context(status, "%s: point %d", file, point);
    return om_context(status, "%s:%d: point %d", file, line, point);
}

om_status om_job_circuit(const char *file, const char *text, om_spec *spec, om_circuit **circuit)
{
    om_status status = om_spec_circuit(spec, circuit);
    if (status == OM_OK) status = om_train_check(*circuit, &spec->train);
    if (status != OM_OK) return blame_line(file, text, status);
    spec->train.convolution = om_convolution_at(spec->train.convolution, (*circuit)->extent);
    return OM_OK;
}

om_status om_job_layout(const char *file, om_job *job)
{
    char fault[OM_RACE_FAULT_BYTES];
    const om_train_options *train = &job->spec.train;
    OM_TRY(om_state_layout_of(job->circuit, job->scenes, train, &job->layout));
    if (!om_race_has_fault(&job->spec.race, &job->layout, train, fault)) return OM_OK;
    return blame_line(file, job->spec_text, om_fail(OM_EDATA, "%s", fault));
}

double om_job_best(const om_job *job, const om_state *state, int checks)
{
    const om_state_layout *l = &job->layout;
    const bool epe = job->spec.train.selection == OM_LOSS_EPE;
    const float *curve = om_state_view(state, epe ? l->at_check_epe : l->at_check_l2norm);
    double best = NAN;
    for (int i = 0; i < checks; i++)
        if (isfinite(curve[i]) && !((double)curve[i] >= best)) best = (double)curve[i];
    return best;
}

const char *om_job_reason(const om_job *job)
{
    const char *message = om_message(), *path = job->options->store;
    const size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0
               ? message + length + 2
               : message;
}

int om_job_threads(const om_job *job)
{
    if (job->options->threads > 0) return job->options->threads;
    int mine = om_rank_cores(), all = om_node_cores();
    if (mine < all) return mine;
    int trainers_here = om_node_ranks() < job->trainers ? om_node_ranks() : job->trainers;
    int share = all / trainers_here;
    return share > 0 ? share : 1;
}

om_store_plan om_job_store_plan(const om_job *job)
{
    return (om_store_plan){.name = job->spec.name,
                           .spec_text = job->spec_text,
                           .seed = job->spec.seed,
                           .n_models = job->spec.models,
                           .circuit = job->circuit,
                           .scenes = job->scenes,
                           .train = &job->spec.train,
                           .layout = &job->layout,
                           .baselines = &job->baselines,
                           .kernels = job->kernels,
                           .race = job->spec.race};
}

om_status om_job_match_store(const char *path, const om_store_plan *plan)
{
    om_store *store;
    char file[PATH_MAX];
    om_split_part(path, file);
    if (access(file, F_OK) != 0) return OM_OK;
    OM_TRY(om_store_open(path, OM_STORE_READ, &store));
    om_status status = om_store_matches(store, plan);
    om_store_close(store);
    return status;
}

/* What damage there is to the circuit, in the words of `check`: models trained on it would be of no spec. */
static om_status refuse_damage(om_store *store)
{
    om_findings findings = {0};
    om_circuit *circuit = NULL;
    om_status status = om_check_structure(store, &findings, &circuit);
    for (size_t i = 0; i < findings.n && status == OM_OK; i++) {
        const om_finding *f = &findings.items[i];
        if (!f->damage || strncmp(f->where, "/circuit", strlen("/circuit")) != 0) continue;
        status = om_fail(OM_EDATA, "%s: damaged: %s: %s", om_store_describe(store)->path, f->where,
                         f->what);
        om_hint(status, "%s", f->remedy);
    }
    om_circuit_free(circuit);
    om_findings_free(&findings);
    return status;
}

/* Rank 0: what can be told of a store that is there without the films. */
static om_status examine_store(om_job *job)
{
    om_store *store;
    om_store_plan plan = om_job_store_plan(job);
    plan.scenes = NULL;
    plan.layout = NULL;
    OM_TRY(om_store_open(job->options->store, OM_STORE_READ, &store));
    om_status status = om_store_matches(store, &plan);
    if (status == OM_OK) status = refuse_damage(store);
    if (status == OM_OK) status = om_job_look_for_end(job, store);
    om_store_close(store);
    return status;
}

/* Whether all ranks go on: not where one failed, or was asked to stop. */
static om_status go_on(om_status status)
{
    if (status == OM_OK && om_stop_signal) status = om_limit_fail_early();
    return om_ranks_agree(status);
}

/* Of a rank that goes on with other kernels than the store was begun with. Collective. */
static void warn_of_kernels(const om_job *job)
{
    const char *begun = om_store_describe(job->store)->kernels;
    om_status status = OM_OK;
    if (!job->finished && begun != NULL && !om_train_kernels_agree(begun, job->kernels)) {
        om_fail(OM_EDATA,
                "%s was begun with %s kernels, rank %d goes on with %s: the last bits differ",
                job->options->store, begun, om_ranks_number(), job->kernels);
        status = om_hint(OM_EDATA, "OMMATID_ISA=%s, where the processor can", begun);
    }
    if (om_ranks_agree(status) == OM_OK) return;
    if (om_ranks_number() == 0) fprintf(stderr, "warning: %s\n", om_message());
    om_message_clear();
}

/* From here on no earlier run can write into the store, should it wake up again. */
static om_status claim_token(om_job *job)
{
    uint64_t token = 0;
    om_status status = OM_OK;
    if (om_ranks_number() == 0) status = om_store_claim(job->store, &token);
    OM_TRY(om_ranks_agree(status));
    om_ranks_share_bytes(&token, sizeof token);
    return om_ranks_agree(om_store_hold(job->store, token));
}

static om_status open_store(om_job *job)
{
    OM_TRY(om_ranks_agree(om_store_open(job->options->store, OM_STORE_WRITE, &job->store)));
    warn_of_kernels(job);
    return claim_token(job);
}

void om_job_close(om_job *job)
{
    om_store_close(job->store);
    if (!job->shares_films) om_scenes_free(job->scenes);
    om_circuit_free(job->circuit);
    om_free(job->spec_text);
}

om_job *om_job_of(const om_jobs *jobs, int model)
{
    int low = 0, high = jobs->n - 1;
    while (low < high) {
        const int middle = (low + high + 1) / 2;
        if (jobs->of[middle].first <= model)
            low = middle;
        else
            high = middle - 1;
    }
    return &jobs->of[low];
}

/* ---- all ensembles of a run ---- */

typedef struct run {
    const om_run_options *options;
    om_jobs jobs;
    om_run_options *own; /* [jobs.n] the options of each: its spec and its store */
    char (*names)[2][OM_SWEEP_PATH_BYTES];
    om_sweep *sweep; /* rank 0; NULL: there is one ensemble */
    char *text;      /* rank 0: of the whole spec */
    bool locked;     /* rank 0 holds the store's lock */
    bool exists;     /* rank 0: the store was there */
    om_team *team;   /* of this rank; NULL: none */
} run;

/* Of ranks that somebody else has started. */
static void tell_layout(const om_job *job)
{
    const int ranks = job->trainers * job->team_size, spare = om_ranks_count() - 1 - ranks;
    char teams[64] = "", idle[64] = "";
    if (!job->options->tell_layout || job->options->quiet || om_ranks_number() != 0) return;
    if (job->team_size > 1) snprintf(teams, sizeof teams, " in teams of %d", job->team_size);
    if (spare > 0) snprintf(idle, sizeof idle, "; %d idle", spare);
    fprintf(stderr, "layout: %d rank%s x %d thread%s%s (ranks by the launcher%s)\n", ranks,
            ranks > 1 ? "s" : "", job->threads, job->threads > 1 ? "s" : "", teams, idle);
}

/* Ranks become teams, if they are to, of a size that all batches of the run can be shared out to. Rank 0
 * coordinates, and what is left over waits for the end. Collective. */
static om_status form_teams(run *r)
{
    const om_job *least = &r->jobs.of[0]; /* of all batches its is the smallest */
    const int ranks = least->trainers, asked = r->options->team, rank = om_ranks_number();
    for (int p = 1; p < r->jobs.n; p++)
        if (r->jobs.of[p].spec.train.batch_size < least->spec.train.batch_size)
            least = &r->jobs.of[p];
    const int batch = least->spec.train.batch_size;
    om_status status = asked > 0 ? om_layout_check_team(asked, batch) : OM_OK;
    if (status != OM_OK) return om_context(status, "%s", least->options->spec_file);
    int size;
    OM_TRY(om_layout_team_size(asked, ranks, r->jobs.models, batch, &size));
    const int teams = ranks / size, number = (rank - 1) / size;
    if (size > 1) status = om_team_create(rank > 0 && number < teams ? number : -1, &r->team);
    for (int p = 0; p < r->jobs.n; p++) {
        r->jobs.of[p].team_size = size;
        r->jobs.of[p].trainers = teams;
        r->jobs.of[p].team = r->team;
    }
    return om_ranks_agree(status);
}

/* Of a sweep each point has a spec and a store of its own, "sweep.yaml:2" and "sweep.h5:2". */
static om_status name_point(run *r, int p, bool swept)
{
    om_run_options *own = &r->own[p];
    *own = *r->options;
    r->jobs.of[p].options = own;
    if (!swept) return OM_OK;
    OM_TRY(om_sweep_point_path(own->spec_file, p, r->names[p][0]));
    OM_TRY(om_sweep_point_path(own->store, p, r->names[p][1]));
    own->spec_file = r->names[p][0];
    own->store = r->names[p][1];
    return OM_OK;
}

/* How many ensembles there are, and what they are called. Collective. */
static om_status list_points(run *r)
{
    int n = 1, swept = 0;
    om_status status = OM_OK;
    if (om_ranks_number() == 0) {
        status = om_spec_text(r->options->spec_file, &r->text);
        if (status == OM_OK) status = om_spec_sweep(r->options->spec_file, r->text, &r->sweep);
        if (r->sweep != NULL) n = r->sweep->n_points, swept = 1;
    }
    OM_TRY(om_ranks_agree(status));
    om_ranks_share_bytes(&n, sizeof n);
    om_ranks_share_bytes(&swept, sizeof swept);
    r->jobs.n = n;
    status = om_alloc((size_t)n, sizeof *r->jobs.of, &r->jobs.of);
    if (status == OM_OK) status = om_alloc((size_t)n, sizeof *r->own, &r->own);
    if (status == OM_OK) status = om_alloc((size_t)n, sizeof *r->names, &r->names);
    for (int p = 0; p < n && status == OM_OK; p++) status = name_point(r, p, swept != 0);
    return om_ranks_agree(status);
}

/* Specs and circuits of all. Collective. */
static om_status read_specs(run *r)
{
    for (int p = 0; p < r->jobs.n; p++) {
        om_job *job = &r->jobs.of[p];
        OM_TRY(om_ranks_agree(om_train_kernels(&job->kernels)));
        OM_TRY(om_job_read_spec(job, r->sweep != NULL ? r->sweep->specs[p] : r->text));
        om_status status =
            om_job_circuit(job->options->spec_file, job->spec_text, &job->spec, &job->circuit);
        OM_TRY(go_on(status));
        job->first = r->jobs.models;
        r->jobs.models += job->spec.models;
    }
    return OM_OK;
}

static void set_ranks(run *r)
{
    const int ranks = om_ranks_count();
    const double limit_s = om_limit_s(r->options->time_limit_s);
    const double training_s = limit_s - om_limit_reserve_s(limit_s);
    const double end_s = om_clock_s() + training_s;
    /* the plan ends before: for ranks that are slower than ever before */
    om_stop_after(training_s);
    for (int p = 0; p < r->jobs.n; p++) {
        om_job *job = &r->jobs.of[p];
        job->end_s = end_s;
        job->trainers = ranks > 1 ? ranks - 1 : 1;
        job->team_size = 1;
        job->threads = om_job_threads(job);
    }
}

/* A file that is there must hold a sweep where the spec does. */
static om_status check_form(const run *r)
{
    om_sweep *there;
    const char *path = r->options->store;
    if (r->sweep == NULL) return OM_OK; /* who opens it says what it is */
    OM_TRY(om_sweep_open(path, &there, NULL, NULL));
    const int n = there != NULL ? there->n_points : 0;
    int missing = 0;
    while (missing < n && there->present[missing]) missing++;
    om_sweep_free(there);
    if (n == r->sweep->n_points && missing == n) return OM_OK;
    if (n == r->sweep->n_points) {
        char store[OM_SWEEP_PATH_BYTES];
        OM_TRY(om_sweep_store_of(path, missing, store));
        om_fail(OM_EDATA, "%s: lacks point %d: it was merged without it", path, missing);
        return om_hint(OM_EDATA, "training that one into %s, then `ommatid merge` again", store);
    }
    om_fail(OM_EDATA, n == 0 ? "%s: holds no sweep" : "%s: holds a sweep of %d points, not %d",
            path, n, r->sweep->n_points);
    return om_hint(OM_EDATA, "the spec that it was made from, or another file after -o");
}

/* Rank 0, before anything that takes time: the store is ours alone, and as far as can be told without
 * the films it is one of this spec. */
static om_status claim_store(run *r)
{
    const char *path = r->options->store;
    char file[PATH_MAX];
    if (om_split_part(path, file) >= 0 && access(file, F_OK) == 0) {
        om_fail(OM_EUSAGE, "%s: a point is not trained inside the file of its sweep", path);
        return om_hint(OM_EUSAGE, "the whole sweep, -o %s, or a file of its own", file);
    }
    OM_TRY(om_check_folder(path));
    OM_TRY(om_store_lock(path));
    r->locked = true;
    OM_TRY(om_remove_leftovers(path, ".partial."));
    r->exists = access(path, F_OK) == 0;
    if (r->exists) OM_TRY(check_form(r));
    bool finished = r->exists;
    for (int p = 0; p < r->jobs.n && r->exists; p++) {
        OM_TRY(examine_store(&r->jobs.of[p]));
        finished &= r->jobs.of[p].finished;
    }
    /* where some are not, all are looked at with their films */
    for (int p = 0; p < r->jobs.n; p++) r->jobs.of[p].finished = finished;
    return OM_OK;
}

/* The films of an ensemble before, if they are the same: they are made from the same settings. */
static bool share_films(run *r, int p)
{
    om_job *job = &r->jobs.of[p];
    for (int q = 0; q < p && !job->shares_films; q++) {
        const om_job *other = &r->jobs.of[q];
        job->shares_films = om_same_films(&job->spec, &other->spec);
        if (job->shares_films) job->scenes = other->scenes;
    }
    return job->shares_films;
}

/* Rank 0: the store, unless it is there. */
static om_status prepare_store(run *r)
{
    const char *path = r->options->store;
    om_store_plan *plans = NULL;
    uint64_t bytes = 0;
    OM_TRY(om_alloc((size_t)r->jobs.n, sizeof *plans, &plans));
    om_status status = OM_OK;
    for (int p = 0; p < r->jobs.n && status == OM_OK; p++) {
        om_job *job = &r->jobs.of[p];
        status = om_train_baselines(job->scenes, &job->spec.train.batch, &job->baselines);
        plans[p] = om_job_store_plan(job);
        if (status == OM_OK && r->exists)
            status = om_job_match_store(job->options->store, &plans[p]);
        bytes += om_store_bytes(&plans[p]);
    }
    if (status == OM_OK && !r->exists) {
        if (!r->options->quiet)
            fprintf(stderr, "creating %s (%.1f MB)\n", path, (double)bytes / 1e6);
        status = r->sweep == NULL
                     ? om_store_create(path, plans)
                     : om_sweep_create(path, r->sweep, r->jobs.of[0].spec.name, r->text, plans);
    }
    om_free(plans);
    return status;
}

/* The films, and with them a store that they belong to. */
static om_status prepare_training(run *r)
{
    om_status status = OM_OK;
    for (int p = 0; p < r->jobs.n; p++) {
        om_job *job = &r->jobs.of[p];
        if (!share_films(r, p)) OM_TRY(om_job_open_scenes(job));
        if (job->scenes->extent != job->circuit->extent)
            return om_fail(OM_EDATA, "%s: films of extent %d, but circuit.extent is %d",
                           job->spec.scenes, job->scenes->extent, job->circuit->extent);
        OM_TRY(go_on(om_job_layout(job->options->spec_file, job)));
    }
    if (om_ranks_number() == 0) status = prepare_store(r);
    return go_on(status);
}

static om_status prepare(run *r)
{
    om_status status = OM_OK;
    OM_TRY(list_points(r));
    set_ranks(r);
    OM_TRY(read_specs(r));
    OM_TRY(form_teams(r));
    tell_layout(&r->jobs.of[0]);
    if (om_ranks_number() == 0) status = claim_store(r);
    OM_TRY(go_on(status));
    bool finished = r->jobs.of[0].finished;
    om_ranks_share_bytes(&finished, sizeof finished);
    for (int p = 0; p < r->jobs.n; p++) r->jobs.of[p].finished = finished;
    if (!finished) OM_TRY(prepare_training(r));
    for (int p = 0; p < r->jobs.n; p++) OM_TRY(open_store(&r->jobs.of[p]));
    return OM_OK;
}

static om_status conclude_finished(run *r)
{
    om_status status = OM_OK;
    for (int p = 0; p < r->jobs.n; p++) {
        om_status one = om_job_conclude_finished(&r->jobs.of[p]);
        if (one != OM_OK) status = one;
    }
    return status;
}

/* A run that was stopped says so, even where nothing can be written at the moment. */
static om_status rank_all(run *r, om_status status)
{
    char message[1024];
    snprintf(message, sizeof message, "%s", om_message());
    for (int p = 0; p < r->jobs.n; p++) {
        const om_status ranked = om_ranking_store(r->jobs.of[p].store);
        if (ranked != OM_OK && status != OM_ESTOPPED) return ranked;
    }
    return status == OM_OK ? OM_OK : om_fail(status, "%s", message);
}

/* Rank 0 coordinates, and trains if it is alone. */
static om_status train(run *r)
{
    om_worker *worker = NULL;
    om_status status = OM_OK;
    const om_job *any = &r->jobs.of[0];
    const bool coordinates = om_ranks_number() == 0;
    const bool trains = om_ranks_count() == 1 ||
                        (!coordinates && om_ranks_number() <= any->trainers * any->team_size);
    if (r->jobs.of[0].finished) return om_ranks_agree(coordinates ? conclude_finished(r) : OM_OK);
    if (trains) status = om_worker_create(&r->jobs, &worker);
    status = go_on(status);
    if (status == OM_OK && !coordinates) om_worker_serve(worker);
    if (status == OM_OK && coordinates) status = om_coordinate(&r->jobs, worker);
    om_worker_free(worker);
    /* also where no model could be trained to the end: an older ranking is none any more */
    if (coordinates && (status == OM_OK || status == OM_ESTOPPED || status == OM_EFAIL))
        status = rank_all(r, status);
    return om_ranks_agree(status);
}

om_status om_ensemble_run(const om_run_options *options)
{
    run r = {.options = options};
    om_stop_listen();
    om_status status = prepare(&r);
    if (status == OM_OK) status = train(&r);
    for (int p = r.jobs.n - 1; p >= 0 && r.jobs.of != NULL; p--) om_job_close(&r.jobs.of[p]);
    if (r.locked) om_store_unlock(options->store);
    om_team_free(r.team);
    om_free(r.jobs.of);
    om_free(r.own);
    om_free(r.names);
    om_sweep_free(r.sweep);
    om_free(r.text);
    return status;
}
