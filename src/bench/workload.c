/* Making what is measured. */
#include "bench/workload.h"

#include <math.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_spec.h"

enum { WARM_UP = 2 };

/* Each sequence a grating of its own direction that drifts by a sixteenth of a period each frame, for
 * kernels take the same time whatever they are shown. */
static void draw_sequence(om_scenes *scenes, int sequence)
{
    const om_sequence *s = &scenes->sequences[sequence];
    size_t columns = (size_t)scenes->n_columns;
    double pi = acos(-1), direction = 2 * pi * sequence / scenes->n_sequences;
    float speed[2] = {(float)cos(direction), (float)sin(direction)};
    for (size_t f = s->offset; f < s->offset + (size_t)s->frames; f++)
        for (size_t c = 0; c < columns; c++) {
            int u, v;
            om_lattice_coordinates(scenes->extent, (int)c, &u, &v);
            double phase = (u * cos(direction) + v * sin(direction)) * pi / 4 - (double)f * pi / 8;
            scenes->luminance[f * columns + c] = (float)(0.5 + 0.4 * sin(phase));
            for (size_t k = 0; k < 2; k++) scenes->flow[(2 * f + k) * columns + c] = speed[k];
        }
}

static om_status make_scenes(int extent, int frames, om_scenes **scenes)
{
    om_sequence sequences[OM_LARGEST_BATCH + 1] = {0};
    for (int i = 0; i <= OM_LARGEST_BATCH; i++) {
        sequences[i].frames = frames;
        sequences[i].validation = i == OM_LARGEST_BATCH;
        snprintf(sequences[i].name, sizeof sequences[i].name, "grating-%d", i);
    }
    OM_TRY(om_scenes_create(sequences, OM_LARGEST_BATCH + 1, extent, 24, scenes));
    OM_TRY(om_scenes_place(*scenes, NULL));
    for (int i = 0; i <= OM_LARGEST_BATCH; i++) draw_sequence(*scenes, i);
    return om_scenes_seal(*scenes);
}

om_status om_workload_create(const om_circuit *circuit, om_workload *w)
{
    om_spec *spec = NULL;
    OM_TRY(om_alloc(1, sizeof *spec, &spec));
    om_spec_defaults(spec);
    *w = (om_workload){.circuit = circuit,
                       .options = spec->train,
                       .iterations_per_pass = spec->worlds.training / spec->train.batch_size};
    om_free(spec);
    om_status status = make_scenes(circuit->extent, w->options.batch.frames, &w->scenes);
    if (status != OM_OK) om_workload_free(w);
    return status;
}

void om_workload_free(om_workload *w)
{
    om_scenes_free(w->scenes);
    *w = (om_workload){0};
}

om_status om_trainee_create(const om_workload *w, const om_trainee_options *options, om_trainee *t)
{
    om_train_options train = w->options;
    train.batch_size = options->batch;
    train.t_pre_s = 0;
    if (!options->penalty) train.penalty_activity = 0;
    *t = (om_trainee){0};
    om_status s =
        om_trainer_create(w->circuit, w->scenes, &train, options->threads, NULL, &t->trainer);
    if (s == OM_OK) s = om_alloc(om_trainer_layout(t->trainer)->bytes, 1, &t->state);
    if (s == OM_OK)
        s = om_state_init(om_trainer_layout(t->trainer), w->circuit, &train, OM_BENCH_SEED, 0,
                          t->state);
    if (s == OM_OK) s = om_trainee_advance(t, WARM_UP);
    if (s != OM_OK) om_trainee_free(t);
    return s;
}

void om_trainee_free(om_trainee *t)
{
    om_trainer_free(t->trainer);
    om_free(t->state);
    *t = (om_trainee){0};
}

om_status om_trainee_advance(om_trainee *t, int iterations)
{
    return om_train_advance(t->trainer, t->state, t->state->iteration + (uint64_t)iterations);
}
