/* Whole training iterations against the naive double-precision model: order of the films, resampling,
 * steady state of the pass, both losses, dropout, penalty, learning rate, running statistics moving or in
 * use, records and checks; and every option of the model. And the baselines, by hand. */
#include "train/optimiser.h"
#include "train_bench.h"

#ifdef OM_REAL_IS_DOUBLE
static const double SAME = 1e-9;
/* Curves are kept in single precision. */
static const double CURVE = 1e-7;
#else
static const double SAME = 1e-4;
static const double CURVE = 1e-5;
#endif

/* The same model, trained by the naive one. */
typedef struct twin {
    const bench *b;
    om_circuit circuit; /* the bench's, with the model's own synapse counts */
    naive_model *m;
    naive_training t;
    naive_rules rules;
    int *group[NAIVE_HELD]; /* of the rules */
    int steps, batch;
    uint32_t model;
    double *from; /* [n_params] before training */
    double from_mean[OM_HIDDEN], from_var[OM_HIDDEN];
    double *settled;                 /* [batch][n_cells] of the pass at hand */
    double *initial;                 /* that, faded into the films of the batch at hand */
    double *luminance, *flow, *keep; /* of the batch at hand */
    uint32_t order[16];              /* of the pass at hand */
    double loss_sum, epe_sum;        /* of the record in progress */
    int counted;
} twin;

/* The schedule of bench_options(): 1e-3 to 2e-4 in five levels of two iterations. A pass keeps the rate
 * that holds at its start. */
static double rate_of_pass_from(int iteration)
{
    static const double rates[] = {1e-3, 8e-4, 6e-4, 4e-4, 2e-4, 2e-4};
    return rates[iteration / 2];
}

/* Log-normal about the circuit's, with these as their mean. */
static void draw_counts(twin *w, uint32_t model)
{
    const double s = w->b->options.model.count_spread;
    const int n = w->b->circuit->n_taps;
    const om_stream stream = {BENCH_SEED, model, OM_FOR_COUNTS, 0, 0};
    w->circuit = *w->b->circuit;
    w->circuit.taps = naive_zeroed((size_t)n, sizeof *w->circuit.taps);
    for (int i = 0; i < n; i++) {
        w->circuit.taps[i] = w->b->circuit->taps[i];
        double factor = exp(s * om_random_normal(&stream, (uint32_t)i)) / exp(0.5 * s * s);
        w->circuit.taps[i].count *= factor;
    }
}

/* Number of the type, or of the pair, of a name. */
static int number_of(const om_circuit *c, int part, const char *name)
{
    char text[80];
    for (int i = 0; i < (part == NAIVE_STRENGTH ? c->n_pairs : c->n_types); i++) {
        const om_pair *pair = &c->pairs[i];
        snprintf(text, sizeof text, "T%d", i);
        if (part == NAIVE_STRENGTH)
            snprintf(text, sizeof text, "T%d -> T%d", pair->source, pair->target);
        if (strcmp(text, name) == 0) return i;
    }
    fail_msg("no %s", name);
    return -1;
}

/* The rules of the options: groups numbered from 1. */
static void set_rules(twin *w)
{
    const om_model_options *o = &w->b->options.model;
    memcpy(w->rules.fixed, o->fixed, sizeof w->rules.fixed);
    for (int part = 0; part < NAIVE_HELD; part++) {
        char text[OM_GROUPS_BYTES], *groups = text, *group, *names, *name;
        w->group[part] = naive_zeroed((size_t)naive_part_of(w->m, part).n, sizeof(int));
        memcpy(text, o->symmetric[part], sizeof text);
        for (int g = 1; (group = strtok_r(groups, ";", &groups)) != NULL; g++)
            for (names = group; (name = strtok_r(names, ",", &names)) != NULL;)
                w->group[part][number_of(&w->circuit, part, name + strspn(name, " "))] = g;
        w->rules.group[part] = w->group[part];
        w->rules.lowest[part] = o->clamp[part][0];
        w->rules.highest[part] = o->clamp[part][1];
    }
}

/* Into a twin at its final place, which it points to. */
static void twin_begin(twin *at, const bench *b, om_state *state)
{
    const om_train_options *o = &b->options;
    *at = (twin){.b = b, .batch = o->batch_size, .steps = 9, .model = state->model};
    draw_counts(at, state->model);
    at->m = naive_create(&at->circuit);
    set_rules(at);
    at->t.rules = &at->rules;
    twin w = *at;
    int images = w.batch * w.steps, n = (int)w.m->layout.n_params;
    w.t.task.run =
        (naive_run){(naive_activation)o->model.activation, o->batch.dt_s, w.batch, w.steps};
    w.t.task.loss = o->loss;
    w.t.task.training = o->batch_norm == OM_BATCH_NORM_BATCH;
    w.t.task.dropout = o->dropout;
    w.t.penalty_baseline = o->penalty_baseline;
    w.t.params = naive_zeros(n), w.t.moment1 = naive_zeros(n), w.t.moment2 = naive_zeros(n);
    w.t.running_mean = naive_zeros(OM_HIDDEN), w.t.running_var = naive_zeros(OM_HIDDEN);
    w.from = naive_zeros(n);
    w.settled = naive_zeros(w.batch * w.m->n_cells);
    w.initial = naive_zeros(w.batch * w.m->n_cells);
    w.luminance = naive_zeros(images * w.m->n_columns);
    w.flow = naive_zeros(images * 2 * w.m->n_columns);
    w.keep = naive_zeros(images * OM_HIDDEN * w.m->side * w.m->side);
    /* a livelier start than a new model's, the same numbers on both sides */
    naive_random_params(5, w.m, w.t.params);
    naive_hold(w.m, &at->rules, true, w.t.params);
    for (int i = 0; i < n; i++) {
        om_real rounded = (om_real)w.t.params[i];
        bench_params(b, state)[i] = rounded;
        w.t.params[i] = w.from[i] = (double)rounded;
    }
    om_real *mean = om_state_at(state, b->layout->at_running_mean);
    om_real *var = om_state_at(state, b->layout->at_running_var);
    for (int h = 0; h < OM_HIDDEN; h++) {
        mean[h] = (om_real)(0.1 * h - 0.25), var[h] = (om_real)(0.6 + 0.2 * h);
        w.t.running_mean[h] = w.from_mean[h] = (double)mean[h];
        w.t.running_var[h] = w.from_var[h] = (double)var[h];
    }
    *at = w;
}

static void twin_free(twin *w)
{
    void *all[] = {w->t.params,       w->t.moment1,     w->t.moment2,    w->from,     w->settled,
                   w->initial,        w->luminance,     w->flow,         w->keep,     w->group[0],
                   w->t.running_mean, w->t.running_var, w->circuit.taps, w->group[1], w->group[2]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
    naive_free(w->m);
}

/* The first four frames of a sequence at 24 Hz as nine steps at 50 Hz, the package's way. */
static void resample(const twin *w, int sequence, double *luminance, double *flow)
{
    const om_scenes *s = w->b->scenes;
    const int columns = w->m->n_columns, n = BENCH_FRAMES;
    const size_t first = s->sequences[sequence].offset;
    const float *films = s->luminance + first * (size_t)columns;
    const float *flows = s->flow + first * 2 * (size_t)columns;
    for (int k = 0; k < w->steps; k++) {
        int nearest = (2 * k + 1) * n / (2 * w->steps);
        double position = k * (n - 1) / (double)(w->steps - 1);
        int below = (int)position, above = below + 1 < n ? below + 1 : below;
        for (int c = 0; c < columns; c++)
            luminance[k * columns + c] = (double)films[nearest * columns + c];
        for (int c = 0; c < 2 * columns; c++) {
            double x0 = (double)flows[below * 2 * columns + c];
            double x1 = (double)flows[above * 2 * columns + c];
            flow[k * 2 * columns + c] = x0 + (position - below) * (x1 - x0);
        }
    }
}

/* Dropout's bits of the sample, spread out. */
static void draw_keep(twin *w, int sample)
{
    const int side = w->m->side, cells = side * side, blocks = (w->steps + 3) / 4;
    uint16_t *bits = naive_zeroed((size_t)(blocks * OM_HIDDEN * cells), sizeof *bits);
    om_stream stream = {BENCH_SEED, w->model, OM_FOR_DROPOUT, (uint32_t)w->t.iterations,
                        (uint32_t)sample};
    om_dropout(&stream, w->t.task.dropout, w->steps, side, sample % 4, bits);
    double *keep = w->keep + sample * w->steps * OM_HIDDEN * cells;
    for (int f = 0; f < w->steps; f++)
        for (int i = 0; i < OM_HIDDEN * cells; i++) {
            int lane = f % 4 * 4 + sample % 4;
            keep[f * OM_HIDDEN * cells + i] = bits[f / 4 * OM_HIDDEN * cells + i] >> lane & 1;
        }
    free(bits);
}

/* From the settled state into the first frames of the films at hand. */
static void fade_in(const twin *w, const naive_run *run, const double *settled, double *initial)
{
    int steps = (int)(w->b->options.t_fade_in_s / run->dt_s);
    memcpy(initial, settled, (size_t)(run->samples * w->m->n_cells) * sizeof *initial);
    naive_fade_in(w->m, run, steps, w->t.params, w->luminance, initial);
}

static void twin_iterate(twin *w)
{
    const int per_pass = w->b->scenes->n_training / w->batch, columns = w->m->n_columns;
    int pass = w->t.iterations / per_pass, place = w->t.iterations % per_pass;
    if (place == 0) {
        om_stream stream = {BENCH_SEED, w->model, OM_FOR_ORDER, (uint32_t)pass, 0};
        om_random_permutation(&stream, (uint32_t)w->b->scenes->n_training, w->order);
        naive_steady_state(w->m, &w->t.task.run, w->b->options.t_pre_s, w->t.params, w->settled);
    }
    for (int s = 0; s < w->batch; s++) {
        resample(w, (int)w->order[place * w->batch + s], w->luminance + s * w->steps * columns,
                 w->flow + s * w->steps * 2 * columns);
        if (w->t.task.dropout > 0) draw_keep(w, s);
    }
    fade_in(w, &w->t.task.run, w->settled, w->initial);
    w->t.rate_network = rate_of_pass_from(pass * per_pass);
    w->t.rate_decoder = 0.5 * w->t.rate_network;
    w->t.penalty_weight = w->t.iterations < 7 ? w->b->options.penalty_activity : 0;
    naive_batch batch = {w->luminance, w->flow, w->initial, w->t.task.dropout > 0 ? w->keep : NULL};
    naive_report report = naive_iterate(w->m, &w->t, &batch);
    w->loss_sum += report.loss;
    w->epe_sum += report.epe;
    w->counted++;
}

static bool curve_agrees(const char *what, float actual, double expected)
{
    double value = (double)actual;
    return naive_agrees(what, 1, &value, &expected, NULL, CURVE);
}

static bool record_agrees(twin *w, const om_state *state, int record)
{
    const float *loss = om_state_view(state, w->b->layout->at_history_loss);
    const float *epe = om_state_view(state, w->b->layout->at_history_epe);
    bool ok = curve_agrees("record of the loss", loss[record], w->loss_sum / w->counted);
    ok &= curve_agrees("record of the end-point error", epe[record], w->epe_sum / w->counted);
    w->loss_sum = w->epe_sum = w->counted = 0;
    return ok;
}

/* Errors on the validation scenes, one by one, decoder in evaluation mode. */
static bool check_agrees(twin *w, const om_state *state, int check)
{
    const om_state_layout *l = w->b->layout;
    const om_scenes *s = w->b->scenes;
    naive_task task = {{w->t.task.run.activation, 0.02, 1, w->steps}, OM_LOSS_L2NORM, false, 0};
    double *settled = naive_zeros(w->m->n_cells), *initial = naive_zeros(w->m->n_cells);
    double *prediction = naive_zeros(w->steps * 2 * w->m->n_columns);
    double l2norm = 0, epe = 0, last = 0;
    naive_steady_state(w->m, &task.run, w->b->options.validate_t_pre_s, w->t.params, settled);
    for (int i = s->n_training; i < s->n_sequences; i++) {
        resample(w, i, w->luminance, w->flow);
        fade_in(w, &task.run, settled, initial);
        naive_batch batch = {w->luminance, w->flow, initial, NULL};
        l2norm += naive_task_loss(w->m, &task, w->t.params, &batch, w->t.running_mean,
                                  w->t.running_var, NULL, prediction, NULL) /
                  s->n_validation;
        last = naive_loss(OM_LOSS_EPE, 1, w->steps, w->m->n_columns, prediction, w->flow, NULL);
        epe += last / s->n_validation;
    }
    const float *at_l2norm = om_state_view(state, l->at_check_l2norm);
    const float *at_epe = om_state_view(state, l->at_check_epe);
    const float *scenes = om_state_view(state, l->at_best_scene_epe);
    bool ok = curve_agrees("check by l2norm", at_l2norm[check], l2norm);
    ok &= curve_agrees("check by end-point error", at_epe[check], epe);
    if (state->best_check == check)
        ok &= curve_agrees("error of the last scene", scenes[s->n_validation - 1], last);
    free(settled);
    free(initial);
    free(prediction);
    return ok;
}

static void to_doubles(size_t n, const om_real *from, double *to)
{
    for (size_t i = 0; i < n; i++) to[i] = (double)from[i];
}

static bool state_agrees(const twin *w, om_state *state)
{
    const om_state_layout *l = w->b->layout;
    double *params = naive_zeros((int)l->params.n_params), mean[OM_HIDDEN], var[OM_HIDDEN];
    to_doubles(l->params.n_params, om_state_at(state, l->at_params), params);
    to_doubles(OM_HIDDEN, om_state_at(state, l->at_running_mean), mean);
    to_doubles(OM_HIDDEN, om_state_at(state, l->at_running_var), var);
    bool ok = true;
    for (int i = 0; i < NAIVE_PARTS; i++) {
        naive_part part = naive_part_of(w->m, i);
        ok &= naive_agrees(part.name, part.n, params + part.first, w->t.params + part.first,
                           w->from + part.first, SAME);
    }
    ok &= naive_agrees("running mean", OM_HIDDEN, mean, w->t.running_mean, w->from_mean, SAME);
    ok &= naive_agrees("running variance", OM_HIDDEN, var, w->t.running_var, w->from_var, SAME);
    free(params);
    return ok;
}

/* Trains both through 12 iterations: one call to each of the points at which they are compared. */
static void compare(uint64_t circuit, const om_train_options *options, int threads)
{
    bench b = bench_open(circuit, options, threads, NULL);
    om_state *state = bench_state(&b, 4);
    twin w;
    twin_begin(&w, &b, state);
    const int stops[] = {0, 1, 5, 10, 12};
    int checks = 0, records = 0;
    bool ok = true;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        must(om_train_advance(b.trainer, state, (uint64_t)stops[i]));
        while (w.t.iterations < stops[i]) twin_iterate(&w);
        print_message("after %d iterations\n", stops[i]);
        assert_int_equal(state->iteration, stops[i]);
        if (stops[i] > 0) ok &= state_agrees(&w, state);
        if (stops[i] == 1) continue;
        ok &= check_agrees(&w, state, checks++);
        if (stops[i] > 0) ok &= record_agrees(&w, state, records++);
    }
    assert_true(ok);
    assert_int_equal(state->n_checks, 4);
    assert_int_equal(state->n_records, 3);
    must(om_state_check(b.layout, state));
    twin_free(&w);
    free(state);
    bench_close(&b);
}

static void test_iterations_agree_by_l2norm(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    compare(1, &options, 1);
}

/* A batch of two quads, the second incomplete; two iterations a pass. */
static void test_iterations_agree_by_end_point_error(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    options.loss = OM_LOSS_EPE;
    options.batch_size = 5;
    compare(2, &options, 2);
}

static void test_iterations_agree_by_transforms(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    options.convolution = OM_CONVOLUTION_FFT;
    options.dropout = 0.5;
    options.batch_size = 5;
    compare(9, &options, 2);
}

static void test_iterations_agree_with_dropout(void **unused)
{
    (void)unused;
    const double dropouts[] = {0.5, 0.2};
    for (int i = 0; i < 2; i++) {
        om_train_options options = bench_options();
        options.dropout = dropouts[i];
        options.loss = i == 0 ? OM_LOSS_L2NORM : OM_LOSS_EPE;
        options.batch_size = i == 0 ? 3 : 5;
        compare(3, &options, 2);
    }
}

/* The running statistics do not move: any error of them is infinite, relative to their change. */
static void test_iterations_agree_by_running_statistics(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        om_train_options options = bench_options();
        options.batch_norm = OM_BATCH_NORM_RUNNING;
        options.dropout = i == 0 ? 0 : 0.5;
        options.loss = i == 0 ? OM_LOSS_L2NORM : OM_LOSS_EPE;
        options.batch_size = i == 0 ? 3 : 5;
        compare(4, &options, 1 + i);
    }
}

/* ---- options of the model ---- */

static void test_iterations_agree_with_every_activation(void **unused)
{
    (void)unused;
    for (int a = 0; a < OM_ACTIVATIONS; a++) {
        om_train_options options = bench_options();
        options.model.activation = (om_activation)a;
        print_message("activation %d\n", a);
        compare(5, &options, 2);
    }
}

static void test_iterations_agree_with_each_part_fixed(void **unused)
{
    (void)unused;
    for (int p = 0; p <= OM_PARTS; p++) {
        om_train_options options = bench_options();
        for (int q = 0; q < OM_PARTS; q++) options.model.fixed[q] = p == q || p == OM_PARTS;
        print_message("fixed: %s\n", p < OM_PARTS ? om_part_names[p] : "all");
        compare(1, &options, 1);
    }
}

static void test_iterations_agree_with_groups(void **unused)
{
    (void)unused;
    for (int p = 0; p < OM_NETWORK_PARTS; p++) {
        om_train_options options = bench_options(), all = bench_options();
        bench_set_groups(1, &all);
        memcpy(options.model.symmetric[p], all.model.symmetric[p], OM_GROUPS_BYTES);
        print_message("groups: %s\n", options.model.symmetric[p]);
        compare(1, &options, 1);
    }
}

/* Bounds that some parameters reach from each side. */
static void test_iterations_agree_with_bounds(void **unused)
{
    (void)unused;
    for (int p = 0; p < OM_NETWORK_PARTS; p++) {
        om_train_options options = bench_options(), all = bench_options();
        bench_set_bounds(&all);
        memcpy(options.model.clamp[p], all.model.clamp[p], sizeof options.model.clamp[p]);
        print_message("bounds: %s\n", om_part_names[p]);
        compare(1, &options, 1);
    }
}

static void test_iterations_agree_with_counts_of_their_own(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    options.model.count_spread = 0.4;
    compare(1, &options, 2);
}

/* For one step, which is grey, and for four. */
static void test_iterations_agree_with_a_fade_in(void **unused)
{
    (void)unused;
    const double times[] = {0.03, 0.09};
    for (int i = 0; i < 2; i++) {
        om_train_options options = bench_options();
        options.t_fade_in_s = times[i];
        options.batch_size = i == 0 ? 3 : 5;
        compare(1, &options, 2);
    }
}

static void test_iterations_agree_with_all_options_at_once(void **unused)
{
    (void)unused;
    for (int p = 0; p < OM_PARTS; p++) {
        om_train_options options = bench_model_options(7);
        for (int q = 0; q < OM_PARTS; q++) options.model.fixed[q] = p == q;
        options.dropout = 0.2;
        compare(7, &options, 2);
    }
}

/* ---- baselines ---- */

/* Constant flow per sequence, so that resampling changes nothing: training (3, 0) and (1, 4), their mean
 * (2, 2); validation (3, 4) and (0, 0). */
static void test_baselines_by_hand(void **unused)
{
    (void)unused;
    const float flow[4][2] = {{3, 0}, {1, 4}, {3, 4}, {0, 0}};
    om_scenes *scenes = bench_films(1, 2, 2);
    const size_t columns = (size_t)scenes->n_columns;
    for (size_t s = 0; s < 4; s++)
        for (size_t f = 0; f < BENCH_FILM; f++)
            for (size_t i = 0; i < 2 * columns; i++)
                scenes->flow[(s * BENCH_FILM + f) * 2 * columns + i] = flow[s][i / columns];
    om_train_options options = bench_options();
    om_baselines b;
    must(om_train_baselines(scenes, &options.batch, &b));
    /* errors: of zero 5 and 0; of (2, 2) sqrt(1 + 4) and sqrt(8). 9 steps of 7 columns. */
    const double vectors = sqrt(9 * 7.0);
    assert_true(fabs(b.zero_epe - 2.5) < 1e-6);
    assert_true(fabs(b.zero_l2norm - 2.5 * vectors) < 1e-5);
    assert_true(fabs(b.mean_epe - (sqrt(5) + sqrt(8)) / 2) < 1e-6);
    assert_true(fabs(b.mean_l2norm - (sqrt(5) + sqrt(8)) / 2 * vectors) < 1e-5);
    om_scenes_free(scenes);
}

/* Only the frames that are used count: later ones are out of the crop. */
static void test_baselines_look_at_the_frames_in_use(void **unused)
{
    (void)unused;
    om_scenes *scenes = bench_films(1, 2, 2);
    const size_t columns = (size_t)scenes->n_columns;
    for (size_t i = 0; i < scenes->n_frames * 2 * columns; i++)
        scenes->flow[i] = i / (2 * columns) % BENCH_FILM < BENCH_FRAMES ? 0 : 100;
    om_train_options options = bench_options();
    om_baselines b;
    must(om_train_baselines(scenes, &options.batch, &b));
    assert_true(b.zero_epe == 0 && b.zero_l2norm == 0 && b.mean_epe == 0 && b.mean_l2norm == 0);
    om_scenes_free(scenes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iterations_agree_by_l2norm),
        cmocka_unit_test(test_iterations_agree_by_end_point_error),
        cmocka_unit_test(test_iterations_agree_by_transforms),
        cmocka_unit_test(test_iterations_agree_with_dropout),
        cmocka_unit_test(test_iterations_agree_by_running_statistics),
        cmocka_unit_test(test_iterations_agree_with_every_activation),
        cmocka_unit_test(test_iterations_agree_with_each_part_fixed),
        cmocka_unit_test(test_iterations_agree_with_groups),
        cmocka_unit_test(test_iterations_agree_with_bounds),
        cmocka_unit_test(test_iterations_agree_with_counts_of_their_own),
        cmocka_unit_test(test_iterations_agree_with_a_fade_in),
        cmocka_unit_test(test_iterations_agree_with_all_options_at_once),
        cmocka_unit_test(test_baselines_by_hand),
        cmocka_unit_test(test_baselines_look_at_the_frames_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
