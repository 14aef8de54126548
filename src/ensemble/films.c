/* The films of a job: once per node, shared by its ranks. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

/* Puts the films of a plan into memory of the node. */
static om_status place_on_node(om_scenes *scenes)
{
    void *memory;
    OM_TRY(om_node_memory(om_scenes_film_bytes(scenes), &memory));
    return om_scenes_place(scenes, memory);
}

/* Every rank of a node renders its share of the sequences. */
static om_status render(om_job *job)
{
    om_world_options worlds = job->spec.worlds;
    OM_TRY(om_ranks_agree(om_worlds_plan(&worlds, &job->scenes)));
    OM_TRY(om_ranks_agree(place_on_node(job->scenes)));
    if (om_ranks_number() == 0 && !job->options->quiet)
        fprintf(stderr, "rendering %d sequences (%d to train on, %d to validate on)\n",
                job->scenes->n_sequences, job->scenes->n_training, job->scenes->n_validation);
    om_status status = OM_OK;
    for (int i = om_node_rank(); i < job->scenes->n_sequences && status == OM_OK;
         i += om_node_ranks()) {
        status = om_world_render(&worlds, job->scenes, i);
        if (om_stop_signal && status == OM_OK)
            status = om_fail(OM_ESTOPPED, "stopped before training began");
    }
    OM_TRY(om_ranks_agree(status));
    om_node_barrier();
    return om_ranks_agree(om_scenes_seal(job->scenes));
}

/* The first rank of each node reads the file; the others get the table and see the films. */
static om_status load(om_job *job)
{
    om_scenes *file = NULL, *scenes = NULL;
    om_status status = OM_OK;
    if (om_node_rank() == 0) status = om_scenes_load(job->spec.scenes, &file);
    status = om_ranks_agree(status);
    if (status != OM_OK) goto done;
    om_scenes table = file != NULL ? *file : (om_scenes){0};
    om_node_share_bytes(&table, sizeof table);
    status = om_alloc(1, sizeof *scenes, &scenes);
    if (status == OM_OK) {
        *scenes = table;
        scenes->memory = NULL;
        scenes->luminance = scenes->flow = NULL;
        scenes->sequences = NULL;
        status = om_alloc((size_t)table.n_sequences, sizeof *scenes->sequences, &scenes->sequences);
    }
    status = om_ranks_agree(status);
    if (status != OM_OK) goto done;
    size_t sequences = (size_t)table.n_sequences * sizeof *scenes->sequences;
    if (file != NULL) memcpy(scenes->sequences, file->sequences, sequences);
    om_node_share_bytes(scenes->sequences, sequences);
    status = om_ranks_agree(place_on_node(scenes));
    if (status != OM_OK) goto done;
    if (file != NULL) {
        size_t frames = scenes->n_frames * (size_t)scenes->n_columns * sizeof(float);
        memcpy(scenes->luminance, file->luminance, frames);
        memcpy(scenes->flow, file->flow, 2 * frames);
    }
    om_node_barrier();
    job->scenes = scenes;
    scenes = NULL;
done:
    om_scenes_free(file);
    om_scenes_free(scenes);
    return status;
}

om_status om_job_open_scenes(om_job *job)
{
    if (strcmp(job->spec.scenes, "procedural") == 0) return render(job);
    return load(job);
}
