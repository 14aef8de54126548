/* Whole training iterations: train_*.h5. The library's own trainer makes them, in one pass whose films
 * lie so that its shuffled order deals out the file's batches: the steady state is then that of the
 * start, as in the file. What a trainer keeps to itself (activity, prediction, gradients, penalty) is
 * computed beside it, from the state before each iteration. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "model/decoder.h"
#include "model/kernels/kernels.h"

enum { SEED = 1, NODE_STRIDE = 7 /* of iter0/activity_first_sample */, BATCHES = 3 };

typedef struct training {
    check *c;
    om_circuit *circuit;
    om_layout layout;
    int batch, frames, iterations, columns;
    double *luminance, *flow; /* [BATCHES][batch][frames][columns], ... [2][columns] */
    double *initial;          /* [n_params] */
    double *first_gradient;   /* [n_params] of the file */
    double rounding; /* of the gradients of time constants: the largest root mean square so far */
    om_scenes *scenes;
    om_train_options options;
    om_trainer *trainer;
    om_state *state;
    om_network *network;
    om_decoder *decoder;
} training;

/* ---- the file's options, films and parameters ---- */

/* What the library, or this program, has no other of. */
static void check_options(check *c, double rate)
{
    check_only(c, "/", "grey_value", 0.5);
    check_only(c, "/", "below_baseline_weight", 1);
    check_only(c, "/", "above_baseline_weight", 0.1);
    check_only(c, "/", "lr_penalty", rate); /* that of the network */
    check_only_text(c, "/", "activation", "relu");
    check_only_text(c, "/", "batch_of_iteration", "iteration i (from 0) uses batch i mod 3");
    check_only_text(c, "/", "dropout", "0 ");
    check_layers(c);
}

static om_loss loss_of(check *c)
{
    char *loss = check_text(c, "/", "loss");
    bool epe = strcmp(loss, "epe") == 0;
    if (!epe && strcmp(loss, "l2norm") != 0)
        check_give_up(c, "/: attribute loss is '%s': expected l2norm or epe", loss);
    free(loss);
    return epe ? OM_LOSS_EPE : OM_LOSS_L2NORM;
}

static void read_options(training *t)
{
    check *c = t->c;
    const double rate = check_option(c, "/", "lr_net", 1e-12, 1e3);
    t->batch = check_integer(c, "/", "batch", 1, CHECK_MOST);
    t->frames = check_integer(c, "/", "frames", 1, CHECK_MOST);
    t->options = (om_train_options){
        .model.clamp = {{-INFINITY, INFINITY}, {-INFINITY, INFINITY}, {0, INFINITY}},
        .batch = {.frames = t->frames, .dt_s = check_seconds(c, "/", "dt_seconds")},
        .iterations = (uint64_t)t->iterations,
        .batch_size = t->batch,
        .loss = loss_of(c),
        .convolution = c->convolution,
        .learning_rate = {rate, rate},
        .decoder_rate = check_option(c, "/", "lr_dec", 1e-12, 1e3) / rate,
        .rate_steps = 1,
        .t_pre_s = check_option(c, "/", "t_pre_seconds", 0, 1000),
        .penalty_activity = check_option(c, "/", "activity_penalty", 0, 1e9),
        .penalty_baseline = check_option(c, "/", "activity_baseline", -1e9, 1e9),
        .penalty_until = (uint64_t)check_integer(c, "/", "penalty_stop_iteration", 0, INT_MAX),
        .record_every = 1};
    check_options(c, rate);
}

static bool read_initial(training *t)
{
    t->layout = om_layout_of(t->circuit);
    t->initial = check_zeros((int)t->layout.n_params);
    t->first_gradient = check_zeros((int)t->layout.n_params);
    if (!check_network_params(t->c, t->circuit, "init/", "init/", t->initial) ||
        !check_decoder_params(t->c, t->circuit, "init/", t->initial))
        return false;
    check_mask(t->c);
    double *strength = t->initial + t->layout.strength; /* clamped once before training */
    for (int p = 0; p < t->layout.n_pairs; p++)
        if (strength[p] < 0) strength[p] = 0;
    return true;
}

static bool read_films(training *t)
{
    int n = check_times(t->c, check_times(t->c, BATCHES * t->batch, t->frames), t->columns);
    check_times(t->c, t->batch * t->frames, (int)t->circuit->n_cells);
    t->luminance = check_read(t->c, n, NULL, "luminance");
    t->flow = check_read(t->c, check_times(t->c, 2, n), NULL, "flow");
    return t->luminance != NULL && t->flow != NULL;
}

/* ---- the trainer ---- */

/* Film number `film` of the file into a sequence. */
static void copy_film(const training *t, int film, const om_sequence *sequence)
{
    size_t n = (size_t)t->frames * (size_t)t->columns;
    size_t at = sequence->offset * (size_t)t->columns;
    for (size_t i = 0; i < n; i++)
        t->scenes->luminance[at + i] = (float)t->luminance[(size_t)film * n + i];
    for (size_t i = 0; i < 2 * n; i++)
        t->scenes->flow[2 * at + i] = (float)t->flow[(size_t)film * 2 * n + i];
}

/* A sequence for each sample of each iteration, where the only pass looks for it; one more, which
 * validation asks for. Their frame rate makes resampling the identity. */
static bool make_scenes(training *t)
{
    int samples = t->iterations * t->batch;
    om_sequence *sequences = calloc((size_t)samples + 1, sizeof *sequences);
    uint32_t *order = calloc((size_t)samples, sizeof *order);
    om_stream stream = {SEED, 0, OM_FOR_ORDER, 0, 0};
    bool good = sequences != NULL && order != NULL;
    for (int i = 0; good && i <= samples; i++) {
        sequences[i].frames = t->frames;
        sequences[i].validation = i == samples;
    }
    good = good && check_ok(t->c, om_scenes_create(sequences, samples + 1, t->circuit->extent,
                                                   1 / t->options.batch.dt_s, &t->scenes));
    good = good && check_ok(t->c, om_scenes_place(t->scenes, NULL));
    if (good) om_random_permutation(&stream, (uint32_t)samples, order);
    for (int i = 0; good && i < samples; i++)
        copy_film(t, i % (BATCHES * t->batch), &t->scenes->sequences[order[i]]);
    if (good) copy_film(t, 0, &t->scenes->sequences[samples]);
    free(sequences);
    free(order);
    return good && check_ok(t->c, om_scenes_seal(t->scenes));
}

static bool make_trainer(training *t)
{
    if (!check_ok(t->c, om_trainer_create(t->circuit, t->scenes, &t->options, 1, NULL, NULL,
                                          &t->trainer)))
        return false;
    const om_state_layout *l = om_trainer_layout(t->trainer);
    t->state = calloc(1, l->bytes);
    if (t->state == NULL) return false;
    if (!check_ok(t->c, om_state_init(l, t->circuit, &t->options, SEED, 0, t->state))) return false;
    om_real *params = om_state_at(t->state, l->at_params);
    for (size_t i = 0; i < t->layout.n_params; i++) params[i] = (om_real)t->initial[i];
    return true;
}

static bool make_model(training *t)
{
    const om_kernels *kernels;
    if (!check_ok(t->c, om_kernels_select(NULL, &kernels))) return false;
    om_network_options network = {.batch = t->batch,
                                  .frames = t->frames,
                                  .dt_s = t->options.batch.dt_s,
                                  .threads = 1,
                                  .kernels = kernels};
    om_decoder_options decoder = {.batch = t->batch,
                                  .frames = t->frames,
                                  .threads = 1,
                                  .kernels = kernels,
                                  .convolution = t->c->convolution};
    return check_ok(t->c, om_network_create(t->circuit, &network, &t->network)) &&
           check_ok(t->c, om_decoder_create(t->circuit, om_network_geometry(t->network), &decoder,
                                            &t->decoder));
}

static bool open_training(training *t)
{
    int extent = check_extent(t->c, "/");
    double *losses = check_read(t->c, -1, &t->iterations, "losses");
    free(losses);
    if (losses == NULL) return false;
    if (t->iterations < 1 || t->iterations > CHECK_MOST)
        check_give_up(t->c, "losses: %d iterations", t->iterations);
    read_options(t);
    t->circuit = check_circuit(t->c, extent);
    if (t->circuit == NULL) return false;
    t->columns = t->circuit->n_columns;
    return read_initial(t) && read_films(t) && make_scenes(t) && make_trainer(t) && make_model(t);
}

static void close_training(training *t)
{
    om_decoder_free(t->decoder);
    om_network_free(t->network);
    om_trainer_free(t->trainer);
    om_scenes_free(t->scenes);
    om_circuit_free(t->circuit);
    free(t->state);
    free(t->luminance);
    free(t->flow);
    free(t->initial);
    free(t->first_gradient);
}

/* ---- the forward pass of an iteration ---- */

/* What the file says of every iteration. */
typedef struct account {
    double *losses, *penalties, *mean_activity; /* [iterations] */
} account;

static const om_real *params_of(const training *t)
{
    return om_state_view(t->state, om_trainer_layout(t->trainer)->at_params);
}

static void settle(training *t, const om_real *params)
{
    const int steps = (int)(t->options.t_pre_s / t->options.batch.dt_s);
    om_network_set_params(t->network, params);
    om_network_settle(t->network, steps, (om_real)0.5);
}

static void run_forward(training *t, int iteration, const om_real *params)
{
    int film = t->frames * t->columns;
    om_moments moments;
    om_network_set_params(t->network, params);
    om_decoder_set_params(t->decoder, params + t->layout.decoder);
    for (int s = 0; s < t->batch; s++) {
        int at = iteration % BATCHES * t->batch + s;
        om_real *luminance = check_reals(film, t->luminance + at * film);
        om_real *flow = check_reals(2 * film, t->flow + at * 2 * film);
        om_network_set_luminance(t->network, s, luminance);
        om_decoder_set_target(t->decoder, s, flow);
        free(luminance);
        free(flow);
    }
    om_network_forward(t->network);
    om_decoder_forward(t->decoder, t->network, 0, NULL, &moments);
}

static double mean_of(const training *t, double (*measure)(const om_decoder *, int))
{
    double sum = 0;
    for (int s = 0; s < t->batch; s++) sum += measure(t->decoder, s);
    return sum / t->batch;
}

static double mean_activity(const training *t)
{
    int n = (int)t->circuit->n_cells;
    double *voltage = check_zeros(n), sum = 0;
    for (int s = 0; s < t->batch; s++)
        for (int f = 0; f < t->frames; f++) {
            check_cells(t->circuit, t->network, s, f, voltage);
            for (int i = 0; i < n; i++) sum += voltage[i];
        }
    free(voltage);
    return sum / n / t->batch / t->frames;
}

/* ---- the first iteration ---- */

static void compare_activity(training *t)
{
    int n = (int)t->circuit->n_cells, kept = (n + NODE_STRIDE - 1) / NODE_STRIDE;
    double *voltage = check_zeros(n), *some = check_zeros(t->frames * kept);
    check_cells(t->circuit, t->network, 0, -1, voltage);
    check_dataset(t->c, n, voltage, check_limit(CHECK_FORWARD), "steady_state");
    for (int f = 0; f < t->frames; f++) {
        check_cells(t->circuit, t->network, 0, f, voltage);
        for (int i = 0; i < kept; i++) some[f * kept + i] = voltage[i * NODE_STRIDE];
    }
    check_dataset(t->c, t->frames * kept, some, check_limit(CHECK_FORWARD),
                  "iter0/activity_first_sample");
    free(voltage);
    free(some);
}

/* Mean over the frames from a quarter on of every type's central cell. */
static void compare_central_mean(training *t)
{
    int types = t->circuit->n_types, first = t->frames / 4;
    int centre = om_lattice_index(t->circuit->extent, 0, 0);
    double *mean = check_zeros(t->batch * types);
    om_real map[t->columns];
    for (int s = 0; s < t->batch; s++)
        for (int k = 0; k < types; k++)
            for (int f = first; f < t->frames; f++) {
                om_network_activity(t->network, s, f, k, map);
                mean[s * types + k] += (double)map[centre] / (t->frames - first);
            }
    check_dataset(t->c, t->batch * types, mean, check_limit(CHECK_FORWARD), "iter0/central_mean");
    free(mean);
}

static void compare_prediction(training *t)
{
    int images = t->batch * t->frames, per_image = 2 * t->columns;
    double *prediction = check_zeros(images * per_image);
    om_real flow[per_image];
    for (int i = 0; i < images; i++) {
        om_decoder_flow(t->decoder, i / t->frames, i % t->frames, flow);
        for (int k = 0; k < per_image; k++) prediction[i * per_image + k] = (double)flow[k];
    }
    double l2norm = mean_of(t, om_decoder_l2norm), epe = mean_of(t, om_decoder_epe);
    check_dataset(t->c, images * per_image, prediction, check_limit(CHECK_FORWARD),
                  "iter0/prediction");
    check_dataset(t->c, 1, &l2norm, check_limit(CHECK_FORWARD), "iter0/l2norm");
    check_dataset(t->c, 1, &epe, check_limit(CHECK_FORWARD), "iter0/epe");
    free(prediction);
}

/* Time constants after n iterations. Their gradient is a sum of differences of voltages, so that single
 * precision leaves it with an error d that does not shrink with it; Adam divides by the gradient. With
 * the root of its second moment at least |g| / sqrt(n), where g is the first gradient, a step of length
 * rate goes wrong by 2 d sqrt(n) / (|g| + epsilon) at most. Types for which that is more than any
 * single error may be are compared on a line of their own: errors against it. */
static void compare_time_constants(training *t, const char *quantity, int iterations,
                                   const double *actual, const double *expected, const double *from,
                                   double limit)
{
    const double epsilon = 1e-8, n = iterations, rate = t->options.learning_rate[0];
    const int types = t->circuit->n_types;
    const double *gradient = t->first_gradient + t->layout.time_constant;
    double strict[types], share[types], zero[types];
    char name[160];
    double change = 0;
    int loose = 0;
    for (int i = 0; i < types; i++) change += pow(expected[i] - from[i], 2) / types;
    for (int i = 0; i < types; i++) {
        double bound = 2 * t->rounding * sqrt(n) / (fabs(gradient[i]) + epsilon) * n * rate;
        bool is_loose = expected[i] != from[i] && bound > 20 * limit * sqrt(change);
        strict[i] = is_loose ? expected[i] : actual[i];
        if (!is_loose) continue;
        zero[loose] = 0;
        share[loose++] = (actual[i] - expected[i]) / bound;
    }
    snprintf(name, sizeof name, loose > 0 ? "%s without the next %d" : "%s", quantity, loose);
    check_compare(t->c, name, types, strict, expected, from, limit);
    snprintf(name, sizeof name, "%s against their rounding", quantity);
    if (loose > 0) check_absolute(t->c, name, loose, share, zero, 1, 1);
}

/* The limit, or where that is more twelve times what rounding alone does. (Over 297 small files the
 * error was up to nine times that: it does not average out over a few types.) */
static void compare_time_constant_gradient(training *t, const char *quantity, const double *actual,
                                           const double *expected, double limit)
{
    const int types = t->circuit->n_types;
    double square = 0;
    for (int i = 0; i < types; i++) square += expected[i] * expected[i];
    double rounding = 12 * t->rounding / sqrt(square / types);
    check_compare(t->c, quantity, types, actual, expected, NULL, fmax(limit, rounding));
}

/* A bias in front of the batch norm has no gradient, and stays where it was. The reference's gradient is
 * rounding, so far below Adam's epsilon that its bias hardly moves. */
static void compare_hidden_bias(training *t, const char *quantity, const double *actual,
                                const double *expected, const double *from)
{
    const double none[OM_HIDDEN] = {0};
    if (from == NULL)
        check_exact(t->c, quantity, OM_HIDDEN, actual, none);
    else
        check_absolute(t->c, quantity, OM_HIDDEN, actual, expected, 1e-7, 1e-7);
}

/* Compares all parts of a parameter vector after so many iterations; from: where they began; NULL for
 * gradients. */
static void compare_params(training *t, const char *prefix, int iterations, const double *actual,
                           const double *expected, const double *from, double limit)
{
    const om_layout *l = &t->layout;
    const struct {
        const char *name;
        size_t first, end;
    } parts[] = {{"bias", l->resting_potential, l->time_constant},
                 {"tau", l->time_constant, l->strength},
                 {"alpha", l->strength, l->n_network},
                 {"base.0.weight", l->conv1_weight, l->conv1_bias},
                 {"base.0.bias", l->conv1_bias, l->norm_weight},
                 {"base.1.weight", l->norm_weight, l->norm_bias},
                 {"base.1.bias", l->norm_bias, l->conv2_weight},
                 {"decoder.0.weight", l->conv2_weight, l->conv2_bias},
                 {"decoder.0.bias", l->conv2_bias, l->n_params}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char quantity[128];
        size_t at = parts[i].first;
        int n = (int)(parts[i].end - at);
        snprintf(quantity, sizeof quantity, "%s%s", prefix, parts[i].name);
        if (at == l->time_constant && from == NULL)
            compare_time_constant_gradient(t, quantity, actual + at, expected + at, limit);
        else if (at == l->conv1_bias)
            compare_hidden_bias(t, quantity, actual + at, expected + at, from);
        else if (at == l->time_constant && from != NULL)
            compare_time_constants(t, quantity, iterations, actual + at, expected + at, from + at,
                                   limit);
        else
            check_compare(t->c, quantity, n, actual + at, expected + at,
                          from != NULL ? from + at : NULL, limit);
    }
}

/* The adjoint of the last forward pass [n_params], and of its penalty unless NULL; free() it. */
static double *gradient_of(training *t, om_penalty *penalty)
{
    const int n = (int)t->layout.n_params;
    double *zeros = check_zeros(n);
    om_real *gradient = check_reals(n, zeros);
    om_decoder_adjoint(t->decoder, t->network, t->options.loss, gradient + t->layout.decoder);
    om_network_adjoint(t->network, penalty, gradient, NULL, NULL);
    double *actual = check_doubles(n, gradient);
    free(zeros);
    free(gradient);
    return actual;
}

/* Parameters that are larger or smaller by a unit in their last place; free() them. Time constants do
 * not come to the other side of the time step. */
static om_real *jitter(const training *t, int seed, const om_real *params)
{
    const double unit = sizeof(om_real) == sizeof(double) ? 0x1p-52 : 0x1p-23;
    const om_stream stream = {SEED, (uint32_t)seed, OM_FOR_INIT, 0, 0};
    double *near = check_doubles((int)t->layout.n_params, params);
    for (size_t i = 0; i < t->layout.n_params; i++)
        if (i < t->layout.time_constant || i >= t->layout.strength ||
            near[i] > t->options.batch.dt_s * (1 + 4 * unit))
            near[i] *= om_random_uniform(&stream, (uint32_t)i) < 0.5 ? 1 - unit : 1 + unit;
    om_real *rounded = check_reals((int)t->layout.n_params, near);
    free(near);
    return rounded;
}

/* Sum of squares by which the gradient of time constants changes where parameters are jittered. */
static double jittered_square(training *t, int iteration, int seed, const om_real *initial,
                              const double *gradient)
{
    om_real *settled = jitter(t, seed, initial), *params = jitter(t, seed, params_of(t));
    double sum = 0;
    settle(t, settled);
    run_forward(t, iteration, params);
    double *moved = gradient_of(t, NULL);
    for (size_t i = t->layout.time_constant; i < t->layout.strength; i++)
        sum += pow(moved[i] - gradient[i], 2);
    free(settled);
    free(params);
    free(moved);
    return sum;
}

/* How far rounding alone moves the gradient of time constants, which is a sum of differences of
 * voltages: jittered parameters have all of these rounded anew, too. gradient: of this iteration. */
static void measure_rounding(training *t, int iteration, const double *gradient)
{
    enum { REPEATS = 4 };
    om_real *initial = check_reals((int)t->layout.n_params, t->initial);
    double sum = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++)
        sum += jittered_square(t, iteration, REPEATS * iteration + repeat, initial, gradient);
    t->rounding = fmax(t->rounding, sqrt(sum / REPEATS / t->circuit->n_types));
    settle(t, initial);
    run_forward(t, iteration, params_of(t));
    free(initial);
}

static void compare_gradients(training *t, const double *actual, const om_penalty *of_penalty)
{
    const int types = t->circuit->n_types;
    double *expected = t->first_gradient;
    if (check_network_params(t->c, t->circuit, "init/", "iter0/grad/", expected) &&
        check_decoder_params(t->c, t->circuit, "iter0/grad/", expected))
        compare_params(t, "iter0/grad/", 0, actual, expected, NULL, check_limit(CHECK_GRADIENT));
    double *penalty = check_doubles(types, of_penalty->d_resting);
    check_dataset(t->c, types, penalty, check_limit(CHECK_GRADIENT), "iter0/penalty_grad_bias");
    free(penalty);
}

/* ---- after some iterations ---- */

static void compare_state(training *t, int iterations)
{
    const om_state_layout *l = om_trainer_layout(t->trainer);
    const double limit = check_limit(iterations > 2 ? CHECK_TRAINED : CHECK_EARLY);
    const bool is_double = sizeof(om_real) == sizeof(double);
    char prefix[32], quantity[64];
    int n = (int)t->layout.n_params;
    double *expected = check_zeros(n), ones[OM_HIDDEN];
    double *actual = check_doubles(n, om_state_view(t->state, l->at_params));
    double *mean = check_doubles(OM_HIDDEN, om_state_view(t->state, l->at_running_mean));
    double *var = check_doubles(OM_HIDDEN, om_state_view(t->state, l->at_running_var));
    snprintf(prefix, sizeof prefix, "after_%d/", iterations);
    snprintf(quantity, sizeof quantity, "%sbase.1.running_var", prefix);
    if (check_network_params(t->c, t->circuit, "init/", prefix, expected) &&
        check_decoder_params(t->c, t->circuit, prefix, expected)) {
        /* the reference clamps in the penalty's step; without one, in the next forward pass */
        double *strength = expected + t->layout.strength;
        bool penalised = (uint64_t)iterations <= t->options.penalty_until;
        for (int p = 0; !penalised && p < t->layout.n_pairs; p++)
            if (strength[p] < 0) strength[p] = 0;
        compare_params(t, prefix, iterations, actual, expected, t->initial, limit);
    }
    for (int i = 0; i < OM_HIDDEN; i++) ones[i] = 1;
    check_dataset(t->c, OM_HIDDEN, mean, is_double ? 1e-8 : limit, "%sbase.1.running_mean", prefix);
    double *var_expected = check_read(t->c, OM_HIDDEN, NULL, "%sbase.1.running_var", prefix);
    if (var_expected != NULL)
        check_compare(t->c, quantity, OM_HIDDEN, var, var_expected, ones, limit);
    free(var_expected);
    free(expected);
    free(actual);
    free(mean);
    free(var);
}

/* The file's account of all iterations, and the trainer's own, which is in single precision. */
static void compare_account(training *t, const account *a)
{
    const om_state_layout *l = om_trainer_layout(t->trainer);
    const bool epe = t->options.loss == OM_LOSS_EPE;
    const float *history = om_state_view(t->state, epe ? l->at_history_epe : l->at_history_loss);
    double *recorded = check_zeros(t->iterations);
    double *expected = check_read(t->c, t->iterations, NULL, "losses");
    for (int i = 0; i < t->iterations; i++) recorded[i] = (double)history[i];
    check_dataset(t->c, t->iterations, a->losses, check_limit(CHECK_FORWARD), "losses");
    if (expected != NULL)
        check_compare(t->c, "losses in the history", t->iterations, recorded, expected, NULL,
                      fmax(check_limit(CHECK_FORWARD), check_limit(CHECK_STORED)));
    check_dataset(t->c, t->iterations, a->penalties, check_limit(CHECK_FORWARD), "penalties");
    check_dataset(t->c, t->iterations, a->mean_activity, check_limit(CHECK_FORWARD),
                  "mean_activity");
    free(recorded);
    free(expected);
}

static void iterate(training *t, int iteration, account *a)
{
    run_forward(t, iteration, params_of(t));
    a->losses[iteration] =
        mean_of(t, t->options.loss == OM_LOSS_EPE ? om_decoder_epe : om_decoder_l2norm);
    a->mean_activity[iteration] = mean_activity(t);
    if (iteration == 0) {
        compare_activity(t);
        compare_prediction(t);
        compare_central_mean(t);
    }
    double *zeros = check_zeros(t->circuit->n_types);
    om_penalty penalty = {.activity = t->options.penalty_activity,
                          .baseline = t->options.penalty_baseline,
                          .d_resting = check_reals(t->circuit->n_types, zeros)};
    double *gradient = gradient_of(t, &penalty);
    measure_rounding(t, iteration, gradient);
    if (iteration == 0) compare_gradients(t, gradient, &penalty);
    a->penalties[iteration] = penalty.value;
    free(gradient);
    free(zeros);
    free(penalty.d_resting);
}

static void run(training *t)
{
    check *c = t->c;
    int n = t->iterations, snapshots = 0;
    account a = {check_zeros(n), check_zeros(n), check_zeros(n)};
    settle(t, params_of(t));
    bool going = true;
    for (int i = 0; going && i < n; i++) {
        iterate(t, i, &a);
        going = check_ok(c, om_train_advance(t->trainer, t->state, (uint64_t)i + 1));
        if (!going || !check_has(c, "after_%d", i + 1)) continue;
        compare_state(t, i + 1);
        snapshots++;
    }
    if (going) compare_account(t, &a);
    if (going && snapshots == 0) check_wrong(c, "no group after_ITERATIONS");
    free(a.losses);
    free(a.penalties);
    free(a.mean_activity);
}

void check_train(check *c)
{
    training t = {.c = c};
    if (open_training(&t)) run(&t);
    close_training(&t);
}
