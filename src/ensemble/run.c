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

om_status om_job_read_spec(om_job *job)
{
    size_t length = 0;
    om_status status = OM_OK;
    if (om_ranks_number() == 0)
        status = om_read_file(job->options->spec_file, &job->spec_text, &length);
    OM_TRY(om_ranks_agree(status));
    om_ranks_share_bytes(&length, sizeof length);
    if (om_ranks_number() != 0) status = om_alloc(length + 1, 1, &job->spec_text);
    OM_TRY(om_ranks_agree(status));
    om_ranks_share_bytes(job->spec_text, length);
    om_spec_defaults(&job->spec);
    return om_ranks_agree(om_spec_parse(job->options->spec_file, job->spec_text, &job->spec));
}

/* Puts file and line of the first key that is given in front of a message that begins with keys. */
static om_status blame_line(const char *file, const char *text, om_status status)
{
    char keys[96], *rest = keys;
    if (status == OM_OK) return OM_OK;
    snprintf(keys, sizeof keys, "%.*s", (int)strcspn(om_message(), ":"), om_message());
    for (char *key; (key = strtok_r(rest, ", ", &rest)) != NULL;) {
        int line = om_spec_line(text, key);
        if (line > 0) return om_context(status, "%s:%d", file, line);
    }
    return status;
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
    if (access(path, F_OK) != 0) return OM_OK;
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
static om_status examine_store(om_job *job, const om_store_plan *plan)
{
    om_store *store;
    if (access(job->options->store, F_OK) != 0) return OM_OK;
    OM_TRY(om_store_open(job->options->store, OM_STORE_READ, &store));
    om_status status = om_store_matches(store, plan);
    if (status == OM_OK) status = refuse_damage(store);
    if (status == OM_OK) status = om_job_look_for_end(job, store);
    om_store_close(store);
    return status;
}

/* Rank 0, before anything that takes time: the store is ours alone, and as far as can be told without
 * the films it is one of this ensemble. */
static om_status claim_store(om_job *job)
{
    OM_TRY(om_check_folder(job->options->store));
    OM_TRY(om_store_lock(job->options->store));
    job->locked = true;
    OM_TRY(om_h5_remove_leftovers(job->options->store));
    om_store_plan plan = om_job_store_plan(job);
    plan.scenes = NULL;
    plan.layout = NULL;
    return examine_store(job, &plan);
}

/* Rank 0: creates the store unless it is there. */
static om_status prepare_store(om_job *job)
{
    const char *path = job->options->store;
    OM_TRY(om_train_baselines(job->scenes, &job->spec.train.batch, &job->baselines));
    om_store_plan plan = om_job_store_plan(job);
    if (access(path, F_OK) == 0) return om_job_match_store(path, &plan);
    if (!job->options->quiet)
        fprintf(stderr, "creating %s (%.1f MB)\n", path, (double)om_store_bytes(&plan) / 1e6);
    return om_store_create(path, &plan);
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

/* The films, and with them a store that they belong to. */
static om_status prepare_training(om_job *job)
{
    om_status status = OM_OK;
    OM_TRY(om_job_open_scenes(job));
    if (job->scenes->extent != job->circuit->extent)
        return om_fail(OM_EDATA, "%s: films of extent %d, but circuit.extent is %d",
                       job->spec.scenes, job->scenes->extent, job->circuit->extent);
    OM_TRY(go_on(om_job_layout(job->options->spec_file, job)));
    if (om_ranks_number() == 0) status = prepare_store(job);
    return go_on(status);
}

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

/* Ranks become teams, if they are to. Rank 0 coordinates, and what is left over waits for the end. */
static om_status form_teams(om_job *job)
{
    const int ranks = job->trainers, batch = job->spec.train.batch_size;
    const int asked = job->options->team, rank = om_ranks_number();
    if (asked > 0) OM_TRY(om_layout_check_team(asked, batch));
    if (asked > ranks)
        return om_fail(OM_EUSAGE, "a team of %d, but %d rank%s", asked, ranks,
                       ranks > 1 ? "s train" : " trains");
    job->team_size = asked > 0 ? asked : om_layout_team(ranks, job->spec.models, batch);
    job->trainers = ranks / job->team_size;
    if (job->team_size == 1) return OM_OK;
    const int number = (rank - 1) / job->team_size;
    const bool is_in = rank > 0 && number < job->trainers;
    return om_ranks_agree(om_team_create(is_in ? number : -1, &job->team));
}

static om_status prepare(om_job *job)
{
    OM_TRY(om_ranks_agree(om_train_kernels(&job->kernels)));
    OM_TRY(om_job_read_spec(job));
    OM_TRY(form_teams(job));
    tell_layout(job);
    om_status status =
        om_job_circuit(job->options->spec_file, job->spec_text, &job->spec, &job->circuit);
    OM_TRY(go_on(status));
    if (om_ranks_number() == 0) status = claim_store(job);
    OM_TRY(go_on(status));
    om_ranks_share_bytes(&job->finished, sizeof job->finished);
    if (!job->finished) OM_TRY(prepare_training(job));
    OM_TRY(om_ranks_agree(om_store_open(job->options->store, OM_STORE_WRITE, &job->store)));
    warn_of_kernels(job);
    return claim_token(job);
}

/* Rank 0 coordinates, and trains if it is alone. */
static om_status train(om_job *job)
{
    om_worker *worker = NULL;
    om_status status = OM_OK;
    if (job->finished)
        return om_ranks_agree(om_ranks_number() == 0 ? om_job_conclude_finished(job) : OM_OK);
    const bool coordinates = om_ranks_number() == 0;
    const bool trains = om_ranks_count() == 1 ||
                        (!coordinates && om_ranks_number() <= job->trainers * job->team_size);
    if (trains) status = om_worker_create(job, &worker);
    status = go_on(status);
    if (status == OM_OK && !coordinates) om_worker_serve(worker);
    if (status == OM_OK && coordinates) status = om_coordinate(job, worker);
    om_worker_free(worker);
    /* also where no model could be trained to the end: an older ranking is none any more */
    if (coordinates && (status == OM_OK || status == OM_ESTOPPED || status == OM_EFAIL)) {
        om_status ranked = om_ranking_store(job->store);
        if (ranked != OM_OK) status = ranked;
    }
    return om_ranks_agree(status);
}

void om_job_close(om_job *job)
{
    om_store_close(job->store);
    if (job->locked) om_store_unlock(job->options->store);
    om_team_free(job->team);
    om_scenes_free(job->scenes);
    om_circuit_free(job->circuit);
    om_free(job->spec_text);
}

om_status om_ensemble_run(const om_run_options *options)
{
    om_job job = {.options = options};
    int ranks = om_ranks_count();
    om_stop_listen();
    const double limit_s = om_limit_s(options->time_limit_s);
    const double training_s = limit_s - om_limit_reserve_s(limit_s);
    job.end_s = om_clock_s() + training_s;
    om_stop_after(
        training_s); /* the plan ends before: for ranks that are slower than ever before */
    job.trainers = ranks > 1 ? ranks - 1 : 1;
    job.team_size = 1;
    job.threads = om_job_threads(&job);
    om_status status = prepare(&job);
    if (status == OM_OK) status = train(&job);
    om_job_close(&job);
    return status;
}
