/* Auditing a store. Models share nothing, so that each rank can train its part of them without a plan; rank
 * 0 gathers what the others say, between its own iterations. */
#include "ensemble/replicate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "ensemble/progress.h"
#include "ommatid/om_check.h"
#include "ommatid/om_random.h"
#include "parallel/farm.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

/* What a rank tells rank 0. */
typedef struct note {
    int replica;         /* which one is done; -1: none */
    bool leaves;         /* the rank's last word */
    uint64_t iterations; /* that it has done since its last note */
    om_replica result;
} note;

typedef struct audit {
    om_job job;
    int n;
    int *models;          /* [n], by number */
    om_replica *replicas; /* [n], on rank 0 */
    om_trainer *trainer;
    om_state *stored, *again;
    double rate; /* iterations/s of this rank; 0: not known */
    /* of rank 0 */
    om_progress progress;
    double start_s;
    int done, left; /* models compared; other ranks that have said their last word */
    uint64_t iterations;
} audit;

/* ---- which models ---- */

static int by_number(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* A permutation of the finished ones, of which the first are taken: a draw that nobody can lean on, and
 * the same at every audit. */
static om_status draw(audit *a, const int *finished, int n_finished, int wanted)
{
    const om_stream stream = {a->job.spec.seed, 0, OM_FOR_STATISTICS, 0, 2};
    uint32_t *order = NULL;
    a->n = wanted < n_finished ? wanted : n_finished;
    OM_TRY(om_alloc((size_t)n_finished, sizeof *order, &order));
    om_status status = om_alloc((size_t)a->n, sizeof *a->models, &a->models);
    if (status == OM_OK) {
        om_random_permutation(&stream, (uint32_t)n_finished, order);
        for (int i = 0; i < a->n; i++) a->models[i] = finished[order[i]];
        qsort(a->models, (size_t)a->n, sizeof *a->models, by_number);
    }
    om_free(order);
    return status;
}

static om_status choose_models(audit *a, int wanted)
{
    const int models = a->job.spec.models;
    om_model_row *rows = NULL;
    int *finished = NULL, n = 0;
    OM_TRY(om_alloc((size_t)models, sizeof *rows, &rows));
    om_status status = om_alloc((size_t)models, sizeof *finished, &finished);
    if (status == OM_OK) status = om_store_read_rows(a->job.store, rows);
    for (int m = 0; m < models && status == OM_OK; m++)
        if (rows[m].status == OM_MODEL_DONE) finished[n++] = m;
    if (status == OM_OK && n == 0) {
        status = om_fail(OM_EDATA, "%s: none of its %d models is finished: nothing to replicate",
                         a->job.options->store, models);
        om_hint(status, "ommatid run %s -o %s", a->job.options->spec_file, a->job.options->store);
    }
    if (status == OM_OK) status = draw(a, finished, n, wanted);
    om_free(finished);
    om_free(rows);
    return status;
}

/* ---- what is told ---- */

static void show(audit *a)
{
    char line[256], left[32];
    const double elapsed = om_clock_s() - a->start_s, rate = (double)a->iterations / elapsed;
    const double all = (double)a->job.layout.iterations * a->n;
    om_progress_duration(rate > 0 ? (all - (double)a->iterations) / rate : 0, left, sizeof left);
    snprintf(line, sizeof line, "%s: %d of %d models replicated, %.1f iterations/s, %s left",
             a->job.spec.name, a->done, a->n, rate, left);
    om_progress_show(&a->progress, line);
}

static void take_note(audit *a, const note *said)
{
    a->iterations += said->iterations;
    a->left += said->leaves;
    if (said->replica >= 0) a->replicas[said->replica] = said->result, a->done++;
    if (a->iterations > 0) show(a);
}

static void hear(audit *a)
{
    note said;
    int from;
    while (om_farm_take(&said, sizeof said, &from)) take_note(a, &said);
}

static void tell(audit *a, const note *said)
{
    if (om_ranks_number() != 0) {
        om_farm_send(OM_FARM_COORDINATOR, said, sizeof *said);
        return;
    }
    take_note(a, said);
    hear(a);
}

/* ---- one model ---- */

/* Trains up to an iteration, or until the model is set back, with the one in its place if it is given up. */
static om_status advance(audit *a, uint64_t to)
{
    const om_job *job = &a->job;
    om_status status = om_train_advance(a->trainer, a->again, to);
    if (status != OM_EDIVERGED || om_state_replacements(a->again) >= job->spec.train.replacements)
        return status;
    return om_state_replace(&job->layout, job->circuit, &job->spec.train, a->again);
}

static om_status train(audit *a, uint64_t iterations)
{
    const double tell_s = om_progress_interval(om_ranks_count());
    do { /* once where there is nothing to train: for the check */
        const uint64_t from = a->again->iteration, slice = (uint64_t)(a->rate * tell_s);
        const double start = om_clock_s();
        uint64_t to = from + (slice < 1 ? 1 : slice);
        if (to > iterations) to = iterations;
        OM_TRY(advance(a, to));
        const double spent = om_clock_s() - start;
        if (a->again->iteration == to)
            a->rate = (double)(to - from) / (spent > 1e-6 ? spent : 1e-6);
        tell(a, &(note){.replica = -1, .iterations = a->again->iteration == to ? to - from : 0});
    } while (a->again->iteration < iterations);
    return OM_OK;
}

static om_status replicate(audit *a, int model, om_replica *r)
{
    const om_job *job = &a->job;
    bool found;
    OM_TRY(om_store_load(job->store, model, a->stored, &found));
    if (!found) {
        om_fail(OM_EDATA, "%s: model %d has no state", job->options->store, model);
        return om_hint(OM_EDATA, "ommatid check %s", job->options->store);
    }
    OM_TRY(om_state_init(&job->layout, job->circuit, &job->spec.train, job->spec.seed,
                         (uint32_t)model, a->again));
    *r = (om_replica){.model = model, .iteration = a->stored->iteration};
    om_status status = train(a, a->stored->iteration);
    r->stored = om_checksum(a->stored, job->layout.bytes, 0);
    r->again = om_checksum(a->again, job->layout.bytes, 0);
    if (status == OM_EDIVERGED) {
        snprintf(r->difference, sizeof r->difference, "diverged, unlike the store's: %s",
                 om_message());
        om_message_clear();
        return OM_OK;
    }
    r->equal = !om_store_difference(job->store, a->stored, a->again, r->difference);
    return status;
}

/* ---- all of them ---- */

/* Every rank its share. A rank that fails or is stopped says its last word all the same. */
static om_status replicate_share(audit *a)
{
    const int ranks = om_ranks_count();
    om_status status = OM_OK;
    for (int i = om_ranks_number(); i < a->n && status == OM_OK; i += ranks) {
        note said = {.replica = i};
        status = replicate(a, a->models[i], &said.result);
        if (status == OM_OK) tell(a, &said);
    }
    if (om_ranks_number() != 0) tell(a, &(note){.replica = -1, .leaves = true});
    while (om_ranks_number() == 0 && a->left < ranks - 1) {
        hear(a);
        om_farm_pause();
    }
    if (status != OM_ESTOPPED) return status;
    om_fail(OM_ESTOPPED, "stopped: models were not compared; the store is as it was");
    return om_hint(OM_ESTOPPED, "the same command again: it begins anew");
}

static om_status match(const om_job *job, bool with_films)
{
    om_store_plan plan = om_job_store_plan(job);
    if (!with_films) plan.scenes = NULL, plan.layout = NULL;
    return om_store_matches(job->store, &plan);
}

static void say_what(const audit *a)
{
    const char *version = om_store_describe(a->job.store)->program_version;
    const char *kernels = om_store_describe(a->job.store)->kernels;
    if (a->job.options->quiet || om_ranks_number() != 0) return;
    fprintf(stderr, "replicating %d model%s, drawn by the seed:", a->n, a->n > 1 ? "s" : "");
    for (int i = 0; i < a->n; i++) fprintf(stderr, " %d", a->models[i]);
    fprintf(stderr, "\n");
    if (strcmp(version, OM_VERSION) != 0)
        fprintf(stderr, "the store was made by version %s, this is %s\n", version, OM_VERSION);
    if (kernels != NULL && !om_train_kernels_agree(kernels, a->job.kernels))
        fprintf(stderr,
                "the store was begun with %s kernels, these are %s: the last bits differ\n"
                "  try: OMMATID_ISA=%s, where the processor can\n",
                kernels, a->job.kernels, kernels);
}

/* Whatever takes time comes after everything that can be refused. */
static om_status begin(audit *a, int wanted)
{
    om_job *job = &a->job;
    OM_TRY(om_ranks_agree(om_train_kernels(&job->kernels)));
    char *text = NULL;
    om_status status = OM_OK;
    if (om_ranks_number() == 0) status = om_spec_text(job->options->spec_file, &text);
    status = om_ranks_agree(status);
    if (status == OM_OK) status = om_job_read_spec(job, text);
    om_free(text);
    OM_TRY(status);
    OM_TRY(om_ranks_agree(
        om_job_circuit(job->options->spec_file, job->spec_text, &job->spec, &job->circuit)));
    OM_TRY(om_ranks_agree(om_store_open(job->options->store, OM_STORE_READ, &job->store)));
    OM_TRY(om_ranks_agree(match(job, false)));
    OM_TRY(om_ranks_agree(choose_models(a, wanted)));
    say_what(a);
    OM_TRY(om_job_open_scenes(job));
    OM_TRY(om_ranks_agree(
        om_state_layout_of(job->circuit, job->scenes, &job->spec.train, &job->layout)));
    OM_TRY(om_ranks_agree(match(job, true)));
    status = om_alloc(1, job->layout.bytes, &a->stored);
    if (status == OM_OK) status = om_alloc(1, job->layout.bytes, &a->again);
    if (status == OM_OK)
        status = om_trainer_create(job->circuit, job->scenes, &job->spec.train, job->threads, NULL,
                                   &om_stop_signal, &a->trainer);
    return om_ranks_agree(status);
}

om_status om_ensemble_replicate(const om_run_options *options, int wanted, om_replica *replicas,
                                int *n)
{
    audit a = {.job = {.options = options}, .replicas = replicas};
    om_stop_listen();
    a.job.trainers = om_ranks_count();
    a.job.team_size = 1;
    a.job.threads = om_job_threads(&a.job);
    a.progress = om_progress_start(options->quiet);
    om_status status = begin(&a, wanted);
    a.start_s = om_clock_s();
    if (status == OM_OK) status = om_ranks_agree(replicate_share(&a));
    om_progress_end(&a.progress);
    *n = status == OM_OK ? a.n : 0;
    om_trainer_free(a.trainer);
    om_free(a.stored);
    om_free(a.again);
    om_free(a.models);
    om_job_close(&a.job);
    return status;
}

/* ---- on how many ranks ---- */

om_status om_replicate_layout(const om_layout_wish *wish, int wanted, om_rank_layout *layout,
                              char line[OM_LAYOUT_BYTES])
{
    om_store *store;
    om_run_row run = {0};
    OM_TRY(om_store_open(wish->store, OM_STORE_READ, &store));
    om_status status = om_store_read_run(store, &run);
    om_store_close(store);
    if (status != OM_OK) return status;
    const om_rank_layout then = om_layout_of_job(run.job);
    layout->team = 1;
    layout->threads = wish->threads > 0 ? wish->threads : then.threads == 1 ? 2 : 1;
    layout->ranks = wish->cores / layout->threads;
    if (layout->ranks > wanted) layout->ranks = wanted;
    if (layout->ranks < 1) layout->ranks = 1;
    if (wish->ranks > 0) layout->ranks = wish->ranks;
    const int used =
        snprintf(line, OM_LAYOUT_BYTES, "layout: %d rank%s x %d thread%s", layout->ranks,
                 layout->ranks > 1 ? "s" : "", layout->threads, layout->threads > 1 ? "s" : "");
    if (then.threads > 0)
        snprintf(line + used, OM_LAYOUT_BYTES - (size_t)used, " (last trained with %d x %d)",
                 then.ranks, then.threads);
    return OM_OK;
}
