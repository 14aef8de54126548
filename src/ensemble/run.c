/* Running an ensemble: from a spec to a trained, ranked store. Every step that can fail is agreed upon
 * by all ranks before any of them goes on. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "ensemble/job.h"
#include "ensemble/ranking.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

/* Rank 0 reads the spec; all parse the same text. */
static om_status read_spec(om_job *job)
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

/* Puts file and line of the key in front of a message that begins with one. */
static om_status blame_line(const char *file, const char *text, om_status status)
{
    char path[96];
    if (status == OM_OK) return OM_OK;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(om_message(), ":"), om_message());
    int line = om_spec_line(text, path);
    return line == 0 ? status : om_context(status, "%s:%d", file, line);
}

om_status om_job_circuit(const char *file, const char *text, om_spec *spec, om_circuit **circuit)
{
    om_status status = om_spec_circuit(spec, circuit);
    if (status == OM_OK) status = om_train_check(*circuit, &spec->train);
    if (status != OM_OK) return blame_line(file, text, status);
    spec->train.convolution = om_convolution_at(spec->train.convolution, (*circuit)->extent);
    return OM_OK;
}

/* Threads per rank: as asked for; else the cores that this rank is bound to, or its share of those
 * that the node's ranks have in common. Collective. */
static int choose_threads(const om_job *job)
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
                           .baselines = &job->baselines};
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

/* Rank 0, before anything that takes time: the store is ours alone, and as far as can be told without
 * the films it is one of this ensemble. */
static om_status claim_store(om_job *job)
{
    OM_TRY(om_check_folder(job->options->store));
    OM_TRY(om_store_lock(job->options->store));
    job->locked = true;
    om_store_plan plan = om_job_store_plan(job);
    plan.scenes = NULL;
    plan.layout = NULL;
    return om_job_match_store(job->options->store, &plan);
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

static om_status prepare(om_job *job)
{
    OM_TRY(read_spec(job));
    om_status status =
        om_job_circuit(job->options->spec_file, job->spec_text, &job->spec, &job->circuit);
    OM_TRY(om_ranks_agree(status));
    if (om_ranks_number() == 0) status = claim_store(job);
    OM_TRY(om_ranks_agree(status));
    OM_TRY(om_job_open_scenes(job));
    if (job->scenes->extent != job->circuit->extent)
        return om_fail(OM_EDATA, "%s: films of extent %d, but circuit.extent is %d",
                       job->spec.scenes, job->scenes->extent, job->circuit->extent);
    status = om_state_layout_of(job->circuit, job->scenes, &job->spec.train, &job->layout);
    OM_TRY(om_ranks_agree(status));
    if (om_ranks_number() == 0) status = prepare_store(job);
    OM_TRY(om_ranks_agree(status));
    OM_TRY(om_ranks_agree(om_store_open(job->options->store, OM_STORE_WRITE, &job->store)));
    return claim_token(job);
}

/* Rank 0 coordinates, and trains if it is alone. */
static om_status train(om_job *job)
{
    om_worker *worker = NULL;
    om_status status = OM_OK;
    bool coordinates = om_ranks_number() == 0, trains = !coordinates || om_ranks_count() == 1;
    if (trains) status = om_worker_create(job, &worker);
    status = om_ranks_agree(status);
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

/* Of ranks that somebody else has started. */
static void tell_layout(const om_job *job)
{
    if (!job->options->tell_layout || job->options->quiet || om_ranks_number() != 0) return;
    fprintf(stderr, "layout: %d rank%s x %d thread%s (ranks by the launcher)\n", job->trainers,
            job->trainers > 1 ? "s" : "", job->threads, job->threads > 1 ? "s" : "");
}

om_status om_ensemble_run(const om_run_options *options)
{
    om_job job = {.options = options};
    int ranks = om_ranks_count();
    om_stop_listen();
    job.trainers = ranks > 1 ? ranks - 1 : 1;
    job.threads = choose_threads(&job);
    tell_layout(&job);
    om_status status = prepare(&job);
    if (status == OM_OK) status = train(&job);
    om_store_close(job.store);
    if (job.locked) om_store_unlock(options->store);
    om_scenes_free(job.scenes);
    om_circuit_free(job.circuit);
    om_free(job.spec_text);
    return status;
}
