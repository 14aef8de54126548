/* An iteration in stages. What each does is what the trainer (src/train/trainer.c) does: its first
 * iteration gives the same parameters, to the bit. */
#include "bench/stages.h"

#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "bench/timed.h"
#include "model/decoder.h"
#include "model/network.h"
#include "ommatid/om_spec.h"
#include "train/constraints.h"
#include "train/optimiser.h"
#include "train/set_back.h"

static const om_real GREY = (om_real)0.5;

struct om_stages {
    const om_workload *workload;
    om_train_options options;
    om_state_layout layout;
    om_work work;
    int steps; /* of time in a film */
    om_state *state;
    om_network *network;
    om_decoder *decoder;
    om_constraints *constraints;
    om_batcher *batcher;
    uint32_t order[OM_LARGEST_BATCH]; /* of the sequences */
    om_real *luminance, *flow;        /* of one sample */
    om_real *gradient;                /* [n_params] */
    om_real *d_resting;               /* [n_types] of the penalty */
    char *before;                     /* what an iteration changes of the state */
};

/* Bytes of that. */
static size_t trained_bytes(const om_stages *s) { return s->layout.at_kept - s->layout.at_params; }

/* ---- making them ---- */

om_status om_bench_workload(const om_circuit *circuit, om_workload *workload)
{
    om_spec spec;
    om_spec_defaults(&spec);
    return om_workload_create(circuit, &spec.train, OM_LARGEST_BATCH, workload);
}

int om_bench_iterations_per_pass(void)
{
    om_spec spec;
    om_spec_defaults(&spec);
    return spec.worlds.training / spec.train.batch_size;
}

static om_status make_model(om_stages *s, const om_kernels *kernels, int threads)
{
    const om_circuit *c = s->workload->circuit;
    const int batch = s->options.batch_size;
    const om_kernels *timed = om_timed_kernels(kernels);
    om_network_options network = {.batch = batch,
                                  .frames = s->steps,
                                  .dt_s = s->options.batch.dt_s,
                                  .threads = threads,
                                  .kernels = timed,
                                  .activation = s->options.model.activation};
    om_decoder_options decoder = {
        .batch = batch, .frames = s->steps, .threads = threads, .kernels = timed};
    OM_TRY(om_network_create(c, &network, &s->network));
    const om_geometry *geometry = om_network_geometry(s->network);
    s->work = om_work_of(c, geometry, batch, s->steps);
    return om_decoder_create(c, geometry, &decoder, &s->decoder);
}

static om_status make(om_stages *s, const om_kernels *kernels, int threads)
{
    const om_workload *w = s->workload;
    OM_TRY(om_state_layout_of(w->circuit, w->scenes, &s->options, &s->layout));
    OM_TRY(om_alloc(s->layout.bytes, 1, &s->state));
    OM_TRY(om_state_init(&s->layout, w->circuit, &s->options, OM_WORKLOAD_SEED, 0, s->state));
    OM_TRY(om_constraints_create(w->circuit, &s->options.model, &s->constraints));
    OM_TRY(om_batcher_create(w->scenes, &s->options.batch, &s->batcher));
    om_stream order = {OM_WORKLOAD_SEED, 0, OM_FOR_ORDER, 0, 0};
    om_random_permutation(&order, OM_LARGEST_BATCH, s->order);
    s->steps = om_batcher_steps(s->batcher);
    size_t film = (size_t)s->steps * (size_t)w->circuit->n_columns;
    OM_TRY(om_alloc(film, sizeof(om_real), &s->luminance));
    OM_TRY(om_alloc(2 * film, sizeof(om_real), &s->flow));
    OM_TRY(om_alloc(s->layout.params.n_params, sizeof(om_real), &s->gradient));
    OM_TRY(om_alloc((size_t)w->circuit->n_types, sizeof(om_real), &s->d_resting));
    OM_TRY(om_alloc(trained_bytes(s), 1, &s->before));
    return make_model(s, kernels, threads);
}

om_status om_stages_create(const om_workload *workload, const om_kernels *kernels, int threads,
                           om_stages **stages)
{
    *stages = NULL;
    om_stages *s = NULL;
    OM_TRY(om_alloc(1, sizeof *s, &s));
    s->workload = workload;
    s->options = workload->options;
    om_status status = make(s, kernels, threads);
    if (status != OM_OK) {
        om_stages_free(s);
        return status;
    }
    *stages = s;
    return OM_OK;
}

void om_stages_free(om_stages *s)
{
    if (s == NULL) return;
    om_decoder_free(s->decoder);
    om_network_free(s->network);
    om_constraints_free(s->constraints);
    om_batcher_free(s->batcher);
    void *all[] = {s->state, s->luminance, s->flow, s->gradient, s->d_resting, s->before};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) om_free(all[i]);
    om_free(s);
}

const om_work *om_stages_work(const om_stages *s) { return &s->work; }

const om_real *om_stages_params(const om_stages *s)
{
    return om_state_view(s->state, s->layout.at_params);
}

/* ---- the stages ---- */

static om_real *params_of(om_stages *s) { return om_state_at(s->state, s->layout.at_params); }

static void films(om_stages *s)
{
    for (int b = 0; b < s->options.batch_size; b++) {
        om_stream draws = {OM_WORKLOAD_SEED, 0, OM_FOR_AUGMENT, (uint32_t)s->state->iteration,
                           (uint32_t)b};
        om_batcher_sample(s->batcher, (int)s->order[b], &draws, s->luminance, s->flow);
        om_network_set_luminance(s->network, b, s->luminance);
        om_decoder_set_target(s->decoder, b, s->flow);
    }
}

static void dropout(om_stages *s)
{
    const int side = om_decoder_side(s->decoder);
    const size_t quad =
        (size_t)om_decoder_blocks_per_quad(s->decoder) * OM_HIDDEN * (size_t)side * (size_t)side;
    for (int b = 0; b < s->options.batch_size && s->options.dropout > 0; b++) {
        om_stream draws = {OM_WORKLOAD_SEED, 0, OM_FOR_AUGMENT, (uint32_t)s->state->iteration,
                           (uint32_t)b};
        om_dropout(&draws, s->options.dropout, s->steps, side, b % OM_QUAD,
                   om_decoder_keep(s->decoder) + (size_t)(b / OM_QUAD) * quad);
    }
}

static void parameters(om_stages *s)
{
    om_network_set_params(s->network, params_of(s));
    om_decoder_set_params(s->decoder, params_of(s) + s->layout.params.decoder);
}

static void steady_state(om_stages *s)
{
    om_network_settle(s->network, (int)(s->options.t_pre_s / s->options.batch.dt_s), GREY);
}

static void network(om_stages *s) { om_network_forward(s->network); }

static void decoder(om_stages *s)
{
    om_moments used;
    om_decoder_forward(s->decoder, s->network, s->options.dropout, NULL, &used);
}

static void decoder_adjoint(om_stages *s)
{
    om_decoder_adjoint(s->decoder, s->network, s->options.loss,
                       s->gradient + s->layout.params.decoder);
}

static void network_adjoint(om_stages *s)
{
    om_network_adjoint(s->network, NULL, s->gradient, NULL, NULL);
}

static void both_adjoints(om_stages *s)
{
    om_penalty penalty = {.activity = s->options.penalty_activity,
                          .baseline = s->options.penalty_baseline,
                          .d_resting = s->d_resting};
    om_network_adjoint(s->network, &penalty, s->gradient, NULL, NULL);
}

static void optimiser(om_stages *s)
{
    const om_state_layout *l = &s->layout;
    double rate = om_learning_rate(&s->options, l->iterations, 0);
    om_adam(l->params.n_params, rate, s->state->iteration + 1, s->gradient,
            om_state_at(s->state, l->at_moment1), om_state_at(s->state, l->at_moment2),
            params_of(s));
    for (int t = 0; t < l->params.n_types; t++)
        params_of(s)[l->params.resting_potential + (size_t)t] -=
            (om_real)(rate * (double)s->d_resting[t]);
    om_constrain(s->constraints, params_of(s));
}

/* What tells that a model diverges, and lets it be taken back. */
static om_status checks(om_stages *s)
{
    om_extreme largest = {0, 0};
    om_network_find_extreme(s->network, s->options.batch_size, &largest);
    memcpy(s->before, params_of(s), trained_bytes(s));
    return om_state_check_trained(&s->layout, s->state);
}

/* In the order of an iteration, but that the steady state, which rests on parameters and comes before
 * any film, is made every time. */
static const struct {
    om_stage stage;
    void (*run)(om_stages *stages);
} order[] = {
    {OM_STAGE_PARAMETERS, parameters},
    {OM_STAGE_STEADY_STATE, steady_state},
    {OM_STAGE_FILMS, films},
    {OM_STAGE_DROPOUT, dropout},
    {OM_STAGE_NETWORK, network},
    {OM_STAGE_DECODER, decoder},
    {OM_STAGE_DECODER_ADJOINT, decoder_adjoint},
    {OM_STAGE_NETWORK_ADJOINT, network_adjoint},
    {OM_STAGE_BOTH_ADJOINTS, both_adjoints},
    {OM_STAGE_OPTIMISER, optimiser},
};

om_status om_stages_run(om_stages *s, om_series series[OM_STAGES])
{
    static const om_stage inside[] = {OM_STAGE_CONV1, OM_STAGE_HEAD, OM_STAGE_HEAD_ADJOINT,
                                      OM_STAGE_CONV1_ADJOINT};
    om_timed_clear();
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        om_lap start = om_lap_start();
        order[i].run(s);
        om_series_add(&series[order[i].stage], om_lap_since(start));
    }
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        om_series_add(&series[inside[i]], om_timed(inside[i]));
    s->state->iteration++;
    om_lap start = om_lap_start();
    om_status status = checks(s);
    om_series_add(&series[OM_STAGE_RECORDS], om_lap_since(start));
    return status;
}
