/* Making what is measured. */
#include "ensemble/workload.h"

#include <math.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_lattice.h"
#include "parallel/beside.h"

enum { WARM_UP = 2, TOGETHER = 2 /* iterations between looks at the clock */ };

om_train_options om_workload_options(const om_train_options *of_spec)
{
    om_train_options o = *of_spec;
    o.task = OM_TASK_FLOW;
    o.iterations = 1U << 20;
    o.record_every = o.iterations;
    o.validate_every = o.iterations;
    o.validate_every_passes = 0;
    o.validate_t_pre_s = 0;
    o.schedule_stop = 0;
    o.learning_rate[0] = o.learning_rate[1] = 1e-9;
    o.explode = 0;
    o.retries = 0;
    return o;
}

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

/* Films are the smallest part of what training takes: these must not be what fills the memory. */
static om_status check_room(const om_scenes *scenes)
{
    const uint64_t left = om_memory_available(""), films = om_scenes_film_bytes(scenes);
    if (left == 0 || films < left / 8) return OM_OK;
    return om_fail(OM_ENOMEM, "no room for %.0f MB of films to measure with", (double)films / 1e6);
}

static om_status draw_scenes(om_workload *w, int training)
{
    om_sequence *sequences = NULL;
    OM_TRY(om_alloc((size_t)training + 1, sizeof *sequences, &sequences));
    for (int i = 0; i <= training; i++) {
        sequences[i].frames = w->options.batch.frames;
        sequences[i].validation = i == training;
        snprintf(sequences[i].name, sizeof sequences[i].name, "grating-%d", i);
    }
    om_status status =
        om_scenes_create(sequences, training + 1, w->circuit->extent, 24, &w->scenes);
    om_free(sequences);
    if (status == OM_OK) status = check_room(w->scenes);
    if (status == OM_OK) status = om_scenes_place(w->scenes, NULL);
    for (int i = 0; i <= training && status == OM_OK; i++) draw_sequence(w->scenes, i);
    return status == OM_OK ? om_scenes_seal(w->scenes) : status;
}

om_status om_workload_create(const om_circuit *circuit, const om_train_options *options,
                             int sequences, om_workload *w)
{
    *w = (om_workload){.circuit = circuit, .options = *options};
    om_status status = draw_scenes(w, sequences);
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
        om_trainer_create(w->circuit, w->scenes, &train, options->threads, NULL, NULL, &t->trainer);
    if (s == OM_OK) s = om_alloc(om_trainer_layout(t->trainer)->bytes, 1, &t->state);
    if (s == OM_OK)
        s = om_state_init(om_trainer_layout(t->trainer), w->circuit, &train, OM_WORKLOAD_SEED, 0,
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

/* ---- side by side ---- */

typedef struct ranks {
    const om_workload *workload;
    const om_trainee_options *options;
} ranks;

static om_status begin_rank(const void *context, void **own)
{
    static om_trainee trainee; /* of the process */
    const ranks *r = context;
    *own = &trainee;
    return om_trainee_create(r->workload, r->options, &trainee);
}

static om_status train_rank(void *own, double *done)
{
    *done = TOGETHER;
    return om_trainee_advance(own, TOGETHER);
}

om_status om_workload_rate(const om_workload *w, const om_trainee_options *options, int n,
                           double seconds, double most_s, double *per_s)
{
    const ranks context = {w, options};
    const om_beside beside = {begin_rank, train_rank, &context, most_s};
    return om_beside_rate(&beside, n, seconds, per_s);
}
