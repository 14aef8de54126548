/* One model's training: iterations, checks and records, in the order that model.md 8 gives. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "model/decoder.h"
#include "model/network.h"
#include "ommatid/om_train.h"
#include "train/constraints.h"
#include "train/optimiser.h"
#include "train/set_back.h"

static const om_real GREY = (om_real)0.5;

/* What members of a team tell each other besides sums: a wish to stop; what each saw in its films. */
typedef union finding {
    bool stops;
    om_extreme largest;
} finding;

struct om_trainer {
    const om_circuit *circuit;
    const om_scenes *scenes;
    om_train_options options;
    const om_exchange *exchange;
    om_state_layout layout;
    const volatile sig_atomic_t *stop;
    int threads;
    om_network *network;
    om_decoder *decoder;
    om_constraints *constraints;
    om_share share;             /* of the batch: all of it, or a member's part */
    om_batcher **batchers;      /* [own samples] */
    int steps;                  /* frames after resampling */
    om_real *luminance;         /* [own samples][steps][n_columns] */
    om_real *flow;              /* [own samples][steps][2][n_columns] */
    om_real *gradient;          /* [n_params] */
    om_real *d_resting;         /* [n_types] of the penalty */
    double *counts;             /* [n_taps] synapse counts of the model at hand */
    uint32_t *order;            /* [n_training] sequences of the pass at hand */
    int *training, *validation; /* numbers of the sequences */
    int *batch;                 /* [batch_size] sequences of the batch at hand */
    float *scene_epe;           /* [n_validation] of the check at hand */
    char *before;               /* what an iteration changes of the state, to take it back */
    finding *findings;          /* [members of the team] */
};

om_status om_train_kernels(const char **name)
{
    const om_kernels *kernels;
    OM_TRY(om_kernels_select(NULL, &kernels));
    *name = kernels->name;
    return OM_OK;
}

/* AVX2 and AVX-512 fuse the same multiply-adds in the same order (kernels/simd.h). */
bool om_train_kernels_agree(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || (strncmp(a, "avx", 3) == 0 && strncmp(b, "avx", 3) == 0);
}

static void list_sequences(om_trainer *t)
{
    int training = 0, validation = 0;
    for (int i = 0; i < t->scenes->n_sequences; i++)
        if (t->scenes->sequences[i].validation)
            t->validation[validation++] = i;
        else
            t->training[training++] = i;
}

/* Whole time steps of a duration. */
static int steps_of(const om_trainer *t, double duration_s)
{
    return (int)(duration_s / t->options.batch.dt_s);
}

/* Of what an iteration changes in a state. */
static size_t trained_bytes(const om_state_layout *l) { return l->at_kept - l->at_params; }

static int members(const om_trainer *t) { return t->exchange != NULL ? t->exchange->members : 1; }

enum { MOST_ARRAYS = 13 };

static int list_arrays(om_trainer *t, om_array list[MOST_ARRAYS])
{
    const size_t training = (size_t)t->scenes->n_training, batch = (size_t)t->options.batch_size;
    const size_t validation = (size_t)t->scenes->n_validation, r = sizeof(om_real);
    const size_t own = (size_t)t->share.samples;
    const size_t film = own * (size_t)t->steps * (size_t)t->circuit->n_columns;
    const om_array all[MOST_ARRAYS] = {
        {&t->batchers, own, sizeof(om_batcher *)},
        {&t->luminance, film, r},
        {&t->flow, 2 * film, r},
        {&t->gradient, om_layout_of(t->circuit).n_params, r},
        {&t->d_resting, (size_t)t->circuit->n_types, r},
        {&t->counts, (size_t)t->circuit->n_taps, sizeof(double)},
        {&t->order, training, sizeof(uint32_t)},
        {&t->training, training, sizeof(int)},
        {&t->validation, validation, sizeof(int)},
        {&t->batch, batch, sizeof(int)},
        {&t->scene_epe, validation, sizeof(float)},
        {&t->before, trained_bytes(&t->layout), 1},
        {&t->findings, (size_t)members(t), sizeof *t->findings},
    };
    memcpy(list, all, sizeof all);
    return MOST_ARRAYS;
}

static om_network_options network_options(const om_trainer *t, const om_kernels *kernels)
{
    const om_train_options *o = &t->options;
    return (om_network_options){.batch = o->batch_size,
                                .frames = t->steps,
                                .dt_s = o->batch.dt_s,
                                .threads = t->threads,
                                .kernels = kernels,
                                .activation = o->model.activation,
                                .fade_in_steps = steps_of(t, o->t_fade_in_s),
                                .exchange = t->exchange};
}

static om_decoder_options decoder_options(const om_trainer *t, const om_kernels *kernels)
{
    return (om_decoder_options){.batch = t->options.batch_size,
                                .frames = t->steps,
                                .threads = t->threads,
                                .kernels = kernels,
                                .convolution = t->options.convolution,
                                .exchange = t->exchange};
}

om_status om_trainer_memory(const om_circuit *circuit, const om_scenes *scenes,
                            const om_train_options *options, int threads,
                            const om_exchange *exchange, size_t *bytes)
{
    om_trainer t = {.circuit = circuit,
                    .scenes = scenes,
                    .options = *options,
                    .exchange = exchange,
                    .share = om_share_of(options->batch_size, exchange),
                    .threads = threads};
    om_geometry *geometry;
    const om_kernels *kernels;
    om_array list[MOST_ARRAYS];
    *bytes = 0;
    OM_TRY(om_state_layout_of(circuit, scenes, options, &t.layout));
    OM_TRY(om_batch_steps(scenes, &options->batch, &t.steps));
    OM_TRY(om_kernels_select(NULL, &kernels));
    OM_TRY(om_geometry_create(circuit, &geometry));
    const om_network_options network = network_options(&t, kernels);
    const om_decoder_options decoder = decoder_options(&t, kernels);
    *bytes = sizeof t + om_arrays_bytes(list, list_arrays(&t, list)) +
             (size_t)t.share.samples * om_batcher_bytes(scenes, t.steps) +
             om_network_bytes(circuit, geometry, &network) +
             om_decoder_bytes(circuit, geometry, &decoder);
    om_geometry_free(geometry);
    return OM_OK;
}

static om_status make(om_trainer *t)
{
    const om_train_options *o = &t->options;
    const om_kernels *kernels;
    om_array list[MOST_ARRAYS];
    OM_TRY(om_kernels_select(NULL, &kernels));
    OM_TRY(om_state_layout_of(t->circuit, t->scenes, o, &t->layout));
    OM_TRY(om_constraints_create(t->circuit, &o->model, &t->constraints));
    OM_TRY(om_batch_steps(t->scenes, &o->batch, &t->steps));
    OM_TRY(om_alloc_arrays(list, list_arrays(t, list)));
    for (int i = 0; i < t->share.samples; i++)
        OM_TRY(om_batcher_create(t->scenes, &o->batch, &t->batchers[i]));
    list_sequences(t);
    const om_network_options network = network_options(t, kernels);
    const om_decoder_options decoder = decoder_options(t, kernels);
    OM_TRY(om_network_create(t->circuit, &network, &t->network));
    return om_decoder_create(t->circuit, om_network_geometry(t->network), &decoder, &t->decoder);
}

om_status om_trainer_create(const om_circuit *circuit, const om_scenes *scenes,
                            const om_train_options *options, int threads,
                            const om_exchange *exchange, const volatile sig_atomic_t *stop,
                            om_trainer **trainer)
{
    *trainer = NULL;
    om_trainer *t = NULL;
    if (scenes->extent != circuit->extent)
        return om_fail(OM_EDATA, "scenes of extent %d, but the circuit has extent %d",
                       scenes->extent, circuit->extent);
    const om_share share = om_share_of(options->batch_size, exchange);
    if (exchange != NULL && exchange->members > share.all_quads)
        return om_fail(OM_EDATA,
                       "a team of %d for a batch of %d: expected at most %d, as members "
                       "take whole quads of samples",
                       exchange->members, options->batch_size, share.all_quads);
    OM_TRY(om_alloc(1, sizeof *t, &t));
    *t = (om_trainer){.circuit = circuit,
                      .scenes = scenes,
                      .options = *options,
                      .exchange = exchange,
                      .share = share,
                      .stop = stop,
                      .threads = threads};
    om_status status = make(t);
    if (status != OM_OK) {
        om_trainer_free(t);
        return status;
    }
    *trainer = t;
    return OM_OK;
}

void om_trainer_free(om_trainer *t)
{
    if (t == NULL) return;
    om_array list[MOST_ARRAYS];
    om_decoder_free(t->decoder);
    om_network_free(t->network);
    om_constraints_free(t->constraints);
    for (int i = 0; t->batchers != NULL && i < t->share.samples; i++)
        om_batcher_free(t->batchers[i]);
    om_free_arrays(list, list_arrays(t, list));
    om_free(t);
}

const om_state_layout *om_trainer_layout(const om_trainer *t) { return &t->layout; }

/* ---- films in ---- */

static om_real *luminance_of(const om_trainer *t, int sample)
{
    return t->luminance + (size_t)(sample * t->steps) * (size_t)t->circuit->n_columns;
}
static om_real *flow_of(const om_trainer *t, int sample)
{
    return t->flow + (size_t)(sample * t->steps) * 2 * (size_t)t->circuit->n_columns;
}

/* How many of a batch's first n samples are own ones. */
static int own_of(const om_trainer *t, int n)
{
    const int own = n - t->share.first_sample;
    return own < 0 ? 0 : own < t->share.samples ? own : t->share.samples;
}

/* Loads n sequences as the samples of a batch, the own ones of them; draws: of the iteration, or NULL to
 * take them as they are. */
static void load_batch(om_trainer *t, const int *sequences, int n, const om_stream *draws)
{
    const int first = t->share.first_sample;
#pragma omp parallel for schedule(static) num_threads(t->threads)
    for (int s = 0; s < own_of(t, n); s++) {
        om_stream own = draws != NULL ? *draws : (om_stream){0};
        own.sample = (uint32_t)(first + s);
        om_batcher_sample(t->batchers[s], sequences[first + s], draws != NULL ? &own : NULL,
                          luminance_of(t, s), flow_of(t, s));
    }
    for (int s = 0; s < own_of(t, n);
         s++) { /* samples of a quad share cache lines: not for several threads */
        om_network_set_luminance(t->network, s, luminance_of(t, s));
        om_decoder_set_target(t->decoder, s, flow_of(t, s));
    }
}

/* Makes the network that of a model: what it has beside its parameters. */
static void enter_model(om_trainer *t, uint64_t seed, uint32_t model)
{
    if (t->options.model.count_spread <= 0) return;
    om_circuit_draw_counts(t->circuit, t->options.model.count_spread, seed, model, t->counts);
    om_network_set_counts(t->network, t->counts);
}

/* Every member's finding, in t->findings. */
static void share_finding(om_trainer *t, finding own)
{
    t->findings[t->exchange != NULL ? t->exchange->member : 0] = own;
    om_exchange_gather(t->exchange, t->findings, members(t), sizeof *t->findings);
}

/* Whether any member was asked to stop: all of them do so together. */
static bool must_stop(om_trainer *t)
{
    share_finding(t, (finding){.stops = t->stop != NULL && *t->stop});
    for (int m = 0; m < members(t); m++)
        if (t->findings[m].stops) return true;
    return false;
}

/* ---- validation ---- */

/* Among the first so many samples of the batch that was just run, and those seen before. */
static void find_extreme(om_trainer *t, int samples, om_extreme *e)
{
    om_extreme own = {0, 0};
    om_network_find_extreme(t->network, own_of(t, samples), &own);
    share_finding(t, (finding){.largest = own});
    for (int m = 0; m < members(t); m++)
        if (fabs(t->findings[m].largest.voltage) > fabs(e->voltage)) *e = t->findings[m].largest;
}

/* largest: what was seen on the way, or NULL. */
static om_status validate(om_trainer *t, const om_real *params, const om_real *running_mean,
                          const om_real *running_var, double *l2norm, double *epe, float *scene_epe,
                          om_extreme *largest)
{
    const int batch = t->options.batch_size, n = t->scenes->n_validation;
    om_moments running;
    memcpy(running.mean, running_mean, sizeof running.mean);
    memcpy(running.var, running_var, sizeof running.var);
    om_network_set_params(t->network, params);
    om_decoder_set_params(t->decoder, params + t->layout.params.decoder);
    om_network_settle(t->network, steps_of(t, t->options.validate_t_pre_s), GREY);
    double sum_l2norm = 0, sum_epe = 0;
    for (int first = 0; first < n; first += batch) {
        int some = n - first < batch ? n - first : batch;
        if (must_stop(t)) return om_fail(OM_ESTOPPED, "stopped in a validation");
        load_batch(t, t->validation + first, some, NULL);
        om_network_forward(t->network);
        om_decoder_evaluate(t->decoder, t->network, &running);
        if (largest != NULL) find_extreme(t, some, largest);
        for (int s = 0; s < some; s++) {
            double scene = om_decoder_epe(t->decoder, s);
            sum_l2norm += om_decoder_l2norm(t->decoder, s);
            sum_epe += scene;
            if (scene_epe != NULL) scene_epe[first + s] = (float)scene;
        }
    }
    *l2norm = sum_l2norm / n;
    *epe = sum_epe / n;
    if (!isfinite(*l2norm) || !isfinite(*epe))
        return om_fail(OM_EDIVERGED, "the validation error is not finite");
    return OM_OK;
}

om_status om_train_validate(om_trainer *t, uint64_t seed, uint32_t model, const om_real *params,
                            const om_real *running_mean, const om_real *running_var, double *l2norm,
                            double *epe, float *scene_epe)
{
    enter_model(t, seed, model);
    return validate(t, params, running_mean, running_var, l2norm, epe, scene_epe, NULL);
}

/* Whether loss and voltages are such as a model may have that does not diverge. */
static om_status judge(const om_trainer *t, const om_state *state, const char *what,
                       uint64_t iteration, double loss, const om_extreme *largest)
{
    const double bound = t->options.explode * state->untrained_loss;
    const unsigned long long at = (unsigned long long)iteration;
    const int model = om_state_number(state);
    if (!isfinite(loss))
        return om_fail(OM_EDIVERGED, "model %d: the %s of iteration %llu is %s", model, what, at,
                       isnan(loss) ? "not a number" : "infinite");
    if (bound > 0 && loss > bound)
        return om_fail(
            OM_EDIVERGED,
            "model %d: the %s of iteration %llu is %.3g, more than train.explode %g times "
            "the untrained model's %.3g",
            model, what, at, loss, t->options.explode, state->untrained_loss);
    if (t->options.explode > 0 && fabs(largest->voltage) > OM_VOLTAGE_BOUND)
        return om_fail(
            OM_EDIVERGED, "model %d: the voltage of %s at iteration %llu is %.4g, beyond %g", model,
            t->circuit->types[largest->type].name, at, largest->voltage, (double)OM_VOLTAGE_BOUND);
    return OM_OK;
}

static double loss_of(const om_trainer *t, double l2norm, double epe)
{
    return t->options.loss == OM_LOSS_EPE ? epe : l2norm;
}

/* One check: validates the parameters as they are and keeps them if they are the best so far. */
static om_status check(om_trainer *t, om_state *state)
{
    const om_state_layout *l = &t->layout;
    const om_real *params = om_state_at(state, l->at_params);
    const om_real *mean = om_state_at(state, l->at_running_mean);
    const om_real *var = om_state_at(state, l->at_running_var);
    double l2norm = NAN, epe = NAN;
    om_extreme largest = {0, 0};
    om_status status = validate(t, params, mean, var, &l2norm, &epe, t->scene_epe, &largest);
    if (status != OM_OK)
        return om_context(status, "model %d at iteration %llu", om_state_number(state),
                          (unsigned long long)state->iteration);
    OM_TRY(
        judge(t, state, "validation error", state->iteration, loss_of(t, l2norm, epe), &largest));
    if (state->n_checks == 0) state->untrained_loss = loss_of(t, l2norm, epe);
    om_state_keep(l, state);
    uint32_t i = state->n_checks++;
    float *curve_l2norm = om_state_at(state, l->at_check_l2norm);
    float *curve_epe = om_state_at(state, l->at_check_epe);
    curve_l2norm[i] = (float)l2norm;
    curve_epe[i] = (float)epe;
    /* compared as they are kept: who reads the curve finds the same check to be the best */
    const float *curve = t->options.selection == OM_LOSS_EPE ? curve_epe : curve_l2norm;
    if (state->best_check >= 0 && !(curve[i] < curve[state->best_check])) return OM_OK;
    state->best_check = (int32_t)i;
    state->best_l2norm = l2norm;
    state->best_epe = epe;
    size_t channels = OM_HIDDEN * sizeof(om_real);
    memcpy(om_state_at(state, l->at_best_params), params, l->params.n_params * sizeof(om_real));
    memcpy(om_state_at(state, l->at_best_running_mean), mean, channels);
    memcpy(om_state_at(state, l->at_best_running_var), var, channels);
    memcpy(om_state_at(state, l->at_best_scene_epe), t->scene_epe,
           (size_t)l->n_scenes * sizeof(float));
    return OM_OK;
}

/* ---- training ---- */

/* Makes the workspace that of the state's pass: order of the sequences and the steady state, which
 * rests on the parameters at the start of the pass. */
static void enter_pass(om_trainer *t, om_state *state)
{
    const om_state_layout *l = &t->layout;
    om_real *pass_params = om_state_at(state, l->at_pass_params);
    uint64_t pass = state->iteration / l->iterations_per_pass;
    if (state->iteration % l->iterations_per_pass == 0)
        memcpy(pass_params, om_state_at(state, l->at_params),
               l->params.n_network * sizeof(om_real));
    om_stream stream = {state->seed, state->model, OM_FOR_ORDER, (uint32_t)pass, 0};
    om_random_permutation(&stream, (uint32_t)t->scenes->n_training, t->order);
    om_network_set_params(t->network, pass_params);
    om_network_settle(t->network, steps_of(t, t->options.t_pre_s), GREY);
}

static void draw_dropout(om_trainer *t, const om_stream *draws)
{
    const int side = om_decoder_side(t->decoder), blocks = om_decoder_blocks_per_quad(t->decoder);
    const size_t quad = (size_t)blocks * OM_HIDDEN * (size_t)side * (size_t)side;
    if (t->options.dropout <= 0) return;
#pragma omp parallel for schedule(static) num_threads(t->threads)
    for (int q = 0; q < t->share.quads; q++)
        for (int s = q * OM_QUAD; s < (q + 1) * OM_QUAD && s < t->share.samples; s++) {
            om_stream own = *draws;
            own.sample = (uint32_t)(t->share.first_sample + s);
            om_dropout(&own, t->options.dropout, t->steps, side, s % OM_QUAD,
                       om_decoder_keep(t->decoder) + (size_t)q * quad);
        }
}

/* Loss and end-point error of the batch that was just decoded. */
static void measure(const om_trainer *t, double *l2norm, double *epe)
{
    const int batch = t->options.batch_size;
    *l2norm = *epe = 0;
    for (int s = 0; s < batch; s++) {
        *l2norm += om_decoder_l2norm(t->decoder, s) / batch;
        *epe += om_decoder_epe(t->decoder, s) / batch;
    }
}

/* Whether the next iteration is under the activity penalty. */
static bool is_penalised(const om_trainer *t, const om_state *state)
{
    const om_train_options *o = &t->options;
    return o->penalty_activity > 0 && state->iteration < o->penalty_until &&
           !o->model.fixed[OM_RESTING_POTENTIAL];
}

/* Adam on all parts that are not fixed, then the penalty's own step on the resting potentials, whose
 * gradient comes from the same forward pass. */
static void update(om_trainer *t, om_state *state)
{
    const om_layout *l = &t->layout.params;
    const om_train_options *o = &t->options;
    om_real *params = om_state_at(state, t->layout.at_params);
    uint64_t per_pass = t->layout.iterations_per_pass;
    uint64_t pass_start = state->iteration / per_pass * per_pass;
    double rate = om_learning_rate(o, t->layout.iterations, pass_start) * state->rate_factor;
    const size_t first[OM_PARTS + 1] = {l->resting_potential, l->time_constant, l->strength,
                                        l->decoder, l->n_params};
    om_real *moment1 = om_state_at(state, t->layout.at_moment1);
    om_real *moment2 = om_state_at(state, t->layout.at_moment2);
    for (int p = 0; p < OM_PARTS; p++) {
        size_t at = first[p];
        if (o->model.fixed[p]) continue;
        om_adam(first[p + 1] - at, p == OM_DECODER ? rate * o->decoder_rate : rate,
                state->iteration + 1, t->gradient + at, moment1 + at, moment2 + at, params + at);
    }
    for (int i = 0; is_penalised(t, state) && i < l->n_types; i++)
        params[l->resting_potential + (size_t)i] -= (om_real)(rate * (double)t->d_resting[i]);
    om_constrain(t->constraints, params);
}

static void record(const om_trainer *t, om_state *state, double loss, double epe)
{
    const om_state_layout *l = &t->layout;
    state->record_loss_sum += loss;
    state->record_epe_sum += epe;
    state->record_count++;
    if (state->iteration < om_record_iteration(l, &t->options, (int)state->n_records)) return;
    uint32_t i = state->n_records++;
    double n = (double)state->record_count;
    ((float *)om_state_at(state, l->at_history_loss))[i] = (float)(state->record_loss_sum / n);
    ((float *)om_state_at(state, l->at_history_epe))[i] = (float)(state->record_epe_sum / n);
    state->record_loss_sum = state->record_epe_sum = 0;
    state->record_count = 0;
}

static om_status iterate(om_trainer *t, om_state *state)
{
    const om_state_layout *l = &t->layout;
    const int batch = t->options.batch_size;
    om_real *params = om_state_at(state, l->at_params);
    om_stream draws = {state->seed, state->model, OM_FOR_AUGMENT, (uint32_t)state->iteration, 0};
    uint64_t place = state->iteration % l->iterations_per_pass;
    for (int s = 0; s < batch; s++)
        t->batch[s] = t->training[t->order[place * (uint64_t)batch + (uint64_t)s]];
    load_batch(t, t->batch, batch, &draws);
    draw_dropout(t, &draws);

    om_moments moments, running;
    size_t channels = OM_HIDDEN * sizeof(om_real);
    memcpy(running.mean, om_state_at(state, l->at_running_mean), channels);
    memcpy(running.var, om_state_at(state, l->at_running_var), channels);
    bool fixed = t->options.batch_norm == OM_BATCH_NORM_RUNNING;
    om_network_set_params(t->network, params);
    om_decoder_set_params(t->decoder, params + l->params.decoder);
    om_network_forward(t->network);
    om_decoder_forward(t->decoder, t->network, t->options.dropout, fixed ? &running : NULL,
                       &moments);
    double l2norm, epe;
    measure(t, &l2norm, &epe);
    const double loss = loss_of(t, l2norm, epe);
    if (state->iteration == 0 && isfinite(loss))
        state->untrained_loss = fmax(state->untrained_loss, loss);
    om_extreme largest = {0, 0};
    find_extreme(t, batch, &largest);
    OM_TRY(judge(t, state, "loss", state->iteration + 1, isfinite(epe) ? loss : epe, &largest));
    om_decoder_adjoint(t->decoder, t->network, t->options.loss, t->gradient + l->params.decoder);
    om_penalty penalty = {.activity = t->options.penalty_activity,
                          .baseline = t->options.penalty_baseline,
                          .d_resting = t->d_resting};
    om_network_adjoint(t->network, is_penalised(t, state) ? &penalty : NULL, t->gradient, NULL,
                       NULL);

    memcpy(t->before, params, trained_bytes(l));
    if (!fixed) om_moments_update(&running, &moments, om_decoder_count(t->decoder));
    memcpy(om_state_at(state, l->at_running_mean), running.mean, channels);
    memcpy(om_state_at(state, l->at_running_var), running.var, channels);
    update(t, state);
    state->iteration++;
    om_status status = om_state_check_trained(l, state);
    if (status != OM_OK) {
        memcpy(params, t->before, trained_bytes(l));
        state->iteration--;
        return status;
    }
    record(t, state, loss, epe);
    return OM_OK;
}

static bool check_is_due(const om_trainer *t, const om_state *state)
{
    return state->n_checks < (uint32_t)t->layout.n_checks &&
           om_check_iteration(&t->layout, &t->options, (int)state->n_checks) <= state->iteration;
}

/* As om_train_advance(), but stays where the model diverges. */
static om_status go_on(om_trainer *t, om_state *state, uint64_t iterations)
{
    bool in_pass = false; /* the workspace is that of the state's pass */
    if (iterations > t->layout.iterations) iterations = t->layout.iterations;
    enter_model(t, state->seed, state->model);
    for (;;) {
        if (check_is_due(t, state)) {
            OM_TRY(check(t, state));
            in_pass = false;
        }
        if (state->iteration >= iterations) return OM_OK;
        if (must_stop(t))
            return om_fail(OM_ESTOPPED, "stopped at iteration %llu",
                           (unsigned long long)state->iteration);
        if (!in_pass || state->iteration % t->layout.iterations_per_pass == 0) enter_pass(t, state);
        in_pass = true;
        OM_TRY(iterate(t, state));
    }
}

om_status om_train_advance(om_trainer *t, om_state *state, uint64_t iterations)
{
    om_status status = go_on(t, state, iterations);
    return status == OM_EDIVERGED ? om_state_set_back(&t->layout, &t->options, state) : status;
}
