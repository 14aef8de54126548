/* The films of a job: once per node, shared by its ranks. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "ensemble/limit.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

/* On the first rank of a node: whether trainers and films will find room there. */
static om_status check_memory(const om_job *job)
{
    const uint64_t left = om_memory_available("");
    const om_train_options *options = &job->spec.train;
    size_t trainer;
    if (om_node_rank() != 0 || left == 0) return OM_OK;
    int ranks = om_node_ranks();
    if (om_ranks_number() == 0 && om_ranks_count() > 1) ranks--; /* the coordinator */
    OM_TRY(om_trainer_memory(job->circuit, job->scenes, options, job->threads,
                             om_team_exchange(job->team), &trainer));
    double films = (double)om_scenes_film_bytes(job->scenes), each = (double)trainer;
    if (ranks * each + films <= (double)left) return OM_OK;
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    om_fail(OM_ENOMEM,
            "out of memory: %d rank%s of %.0f MB and films of %.0f MB are more than the %.0f MB "
            "available on %s",
            ranks, ranks > 1 ? "s" : "", each / 1e6, films / 1e6, (double)left / 1e6, host);
    if (ranks > 1 && each + films <= (double)left)
        return om_hint(OM_ENOMEM, "-n %d", (int)(((double)left - films) / each));
    return om_hint(OM_ENOMEM,
                   "smaller train.batch, train.frames or circuit.extent, or fewer scenes");
}

/* Puts the films of a plan into memory of the node. Collective. */
static om_status place_on_node(om_job *job)
{
    void *memory;
    OM_TRY(om_ranks_agree(check_memory(job)));
    OM_TRY(om_node_memory(om_scenes_film_bytes(job->scenes), &memory));
    return om_scenes_place(job->scenes, memory);
}

/* Every rank of a node renders its share of the sequences. */
static om_status render(om_job *job)
{
    om_world_options worlds = job->spec.worlds;
    OM_TRY(om_ranks_agree(om_worlds_plan(&worlds, &job->scenes)));
    OM_TRY(om_ranks_agree(place_on_node(job)));
    if (om_ranks_number() == 0 && !job->options->quiet)
        fprintf(stderr, "rendering %d sequences (%d to train on, %d to validate on)\n",
                job->scenes->n_sequences, job->scenes->n_training, job->scenes->n_validation);
    om_status status = OM_OK;
    for (int i = om_node_rank(); i < job->scenes->n_sequences && status == OM_OK;
         i += om_node_ranks()) {
        status = om_world_render(&worlds, job->scenes, i);
        if (om_stop_signal && status == OM_OK) status = om_limit_fail_early();
    }
    OM_TRY(om_ranks_agree(status));
    om_node_barrier();
    return om_ranks_agree(om_scenes_seal(job->scenes));
}

/* The table of a set of films, and where its films go, on every rank of a node; `file` holds it on the
 * first one and is NULL on the others. */
static om_status share_table(const om_scenes *file, om_scenes **scenes)
{
    struct {
        int n, extent;
        double frame_rate_hz;
        uint64_t checksum;
    } head = {0};
    om_sequence *sequences = NULL;
    if (file != NULL) {
        head.n = file->n_sequences, head.extent = file->extent;
        head.frame_rate_hz = file->frame_rate_hz, head.checksum = file->checksum;
    }
    om_node_share_bytes(&head, sizeof head);
    size_t bytes = (size_t)head.n * sizeof *sequences;
    om_status status = om_ranks_agree(om_alloc(bytes, 1, &sequences));
    if (status == OM_OK) {
        if (file != NULL) memcpy(sequences, file->sequences, bytes);
        om_node_share_bytes(sequences, bytes);
        status = om_scenes_create(sequences, head.n, head.extent, head.frame_rate_hz, scenes);
        if (status == OM_OK) (*scenes)->checksum = head.checksum;
        status = om_ranks_agree(status);
    }
    om_free(sequences);
    return status;
}

/* The first rank of each node reads the file; the others get the table and see the films. */
static om_status load(om_job *job)
{
    om_scenes *file = NULL;
    om_status status = OM_OK;
    if (om_node_rank() == 0) status = om_scenes_load(job->spec.scenes, &file);
    status = om_ranks_agree(status);
    if (status == OM_OK) status = share_table(file, &job->scenes);
    if (status == OM_OK) status = om_ranks_agree(place_on_node(job));
    if (status == OM_OK && file != NULL) {
        size_t frames = file->n_frames * (size_t)file->n_columns * sizeof(float);
        memcpy(job->scenes->luminance, file->luminance, frames);
        memcpy(job->scenes->flow, file->flow, 2 * frames);
    }
    om_scenes_free(file);
    if (status == OM_OK) om_node_barrier();
    return status;
}

bool om_same_films(const om_spec *a, const om_spec *b)
{
    /* padding may differ: then films are made for nothing */
    const void *one = &a->worlds, *other = &b->worlds;
    return strcmp(a->scenes, b->scenes) == 0 && memcmp(one, other, sizeof a->worlds) == 0;
}

om_status om_job_open_scenes(om_job *job)
{
    if (strcmp(job->spec.scenes, "procedural") == 0) return render(job);
    return load(job);
}
