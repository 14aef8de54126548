/* The network alone against the naive double-precision model: every activation function, forward, all
 * gradients and the penalty, with strides, long rows and odd batches; counts of its own; fading in; and
 * what a model that diverged leaves behind. */
#include <math.h>

#include "every_kernel.h"
#include "ommatid/om_controls.h"

typedef struct setting {
    om_circuit *circuit;
    naive_model *naive;
    om_activation activation;
    int batch, frames, fade_in_steps;
    bool forward_only;
} setting;

/* weight [sample][frame][cell]: the loss is the sum of weight * activity. */
typedef struct inputs {
    double *params, *luminance, *weight;
} inputs;

/* What either side computes. */
typedef struct outcome {
    double *initial, *activity, *d_params, *d_luminance, *d_initial, *d_resting;
    double penalty;
} outcome;

static int cells_of(const setting *s) { return s->batch * s->frames * s->naive->n_cells; }
static int columns_of(const setting *s) { return s->batch * s->frames * s->naive->n_columns; }
static int initial_of(const setting *s) { return s->batch * s->naive->n_cells; }
static int params_of(const setting *s) { return (int)s->naive->layout.n_network; }

static setting make_setting(uint64_t seed, int extent, int batch, int frames)
{
    setting s = {.circuit = naive_random_circuit(seed, 8, 24, extent, true),
                 .batch = batch,
                 .frames = frames};
    s.naive = naive_create(s.circuit);
    return s;
}

static void free_setting(setting *s)
{
    naive_free(s->naive);
    naive_circuit_free(s->circuit);
}

/* spread: how far resting potentials lie from their usual place, at most, up and down. */
static inputs make_inputs(const setting *s, double spread)
{
    uint64_t seed = 11;
    inputs in = {naive_zeros((int)s->naive->layout.n_params), naive_zeros(columns_of(s)),
                 naive_zeros(cells_of(s))};
    naive_random_params(5, s->naive, in.params);
    for (int t = 0; t < s->circuit->n_types; t++)
        in.params[s->naive->layout.resting_potential + (size_t)t] +=
            spread * (2 * naive_uniform(&seed) - 1);
    naive_fill(&seed, columns_of(s), 0.5, 0.3, in.luminance);
    naive_fill(&seed, cells_of(s), 0, 1, in.weight);
    round_to_float((int)s->naive->layout.n_params, in.params);
    round_to_float(columns_of(s), in.luminance);
    round_to_float(cells_of(s), in.weight);
    return in;
}

static void free_inputs(inputs *in) { free(in->params), free(in->luminance), free(in->weight); }

static outcome make_outcome(const setting *s)
{
    return (outcome){.initial = naive_zeros(initial_of(s)),
                     .activity = naive_zeros(cells_of(s)),
                     .d_params = naive_zeros(params_of(s)),
                     .d_luminance = naive_zeros(columns_of(s)),
                     .d_initial = naive_zeros(initial_of(s)),
                     .d_resting = naive_zeros(s->circuit->n_types)};
}

static void free_outcome(outcome *o)
{
    free(o->initial), free(o->activity), free(o->d_params);
    free(o->d_luminance), free(o->d_initial), free(o->d_resting);
}

static outcome run_naive(const setting *s, const inputs *in, double settle_s)
{
    const naive_model *m = s->naive;
    outcome o = make_outcome(s);
    naive_run run = {(naive_activation)s->activation, DT, s->batch, s->frames};
    naive_steady_state(m, &run, settle_s, in->params, o.initial);
    naive_fade_in(m, &run, s->fade_in_steps, in->params, in->luminance, o.initial);
    naive_forward(m, &run, in->params, in->luminance, o.initial, o.activity);
    naive_adjoint(m, &run, in->params, in->luminance, o.initial, o.activity, in->weight, o.d_params,
                  o.d_luminance, o.d_initial);
    o.penalty = naive_penalty_gradient(m, &run, 0.1, 5, in->params, in->luminance, o.initial,
                                       o.activity, o.d_resting);
    return o;
}

static om_network *make_network(const setting *s, const char *isa, int threads)
{
    const om_kernels *kernels;
    om_network *network;
    assert_int_equal(om_kernels_select(isa, &kernels), OM_OK);
    om_network_options options = {.batch = s->batch,
                                  .frames = s->frames,
                                  .dt_s = DT,
                                  .threads = threads,
                                  .kernels = kernels,
                                  .activation = s->activation,
                                  .fade_in_steps = s->fade_in_steps,
                                  .gradient_of_all = true,
                                  .forward_only = s->forward_only};
    assert_int_equal(om_network_create(s->circuit, &options, &network), OM_OK);
    return network;
}

static void set_params(const setting *s, om_network *network, const double *params)
{
    om_real *values = reals((size_t)params_of(s), params);
    om_network_set_params(network, values);
    free(values);
}

static void set_weight(const setting *s, om_network *network, const double *weight)
{
    const om_geometry *g = om_network_geometry(network);
    for (int b = 0; b < s->batch; b++)
        for (int f = 0; f < s->frames; f++)
            for (int i = 0; i < s->naive->n_cells; i++) {
                const naive_cell *cell = &s->naive->cells[i];
                size_t at = (size_t)cell->type * g->compact + (size_t)g->compact_cell[cell->column];
                om_network_external(network, b / OM_QUAD, f)[at * OM_QUAD + (size_t)b % OM_QUAD] =
                    (om_real)*weight++;
            }
}

/* One film, there and back, from the state that the network has settled into. */
static outcome run_film(const setting *s, const inputs *in, om_network *network)
{
    outcome o = make_outcome(s);
    size_t film = (size_t)(s->frames * s->naive->n_columns);
    size_t initial = (size_t)(s->batch * s->circuit->n_types * s->naive->n_columns);
    om_real *luminance = reals((size_t)columns_of(s), in->luminance);
    om_real *d_params = reals((size_t)params_of(s), NULL);
    om_real *d_luminance = reals((size_t)columns_of(s), NULL), *d_initial = reals(initial, NULL);
    om_real *d_resting = reals((size_t)s->circuit->n_types, NULL);
    for (int b = 0; b < s->batch; b++)
        om_network_set_luminance(network, b, luminance + (size_t)b * film);
    om_network_forward(network);
    set_weight(s, network, in->weight);
    om_penalty penalty = {.activity = 0.1, .baseline = 5, .d_resting = d_resting};
    om_network_adjoint(network, NULL, d_params, d_luminance, d_initial);
    om_real *alone = reals((size_t)params_of(s), NULL);
    memcpy(alone, d_params, (size_t)params_of(s) * sizeof *alone);
    om_network_adjoint(network, &penalty, d_params, d_luminance, d_initial);
    assert_memory_equal(d_params, alone, (size_t)params_of(s) * sizeof *alone);
    free(alone);
    o.penalty = penalty.value;
    read_state(s->naive, network, s->batch, -1, s->naive->n_cells, o.initial);
    read_activity(s->naive, network, s->batch, s->frames, o.activity);
    copy((size_t)params_of(s), d_params, o.d_params);
    copy((size_t)columns_of(s), d_luminance, o.d_luminance);
    copy_initial(s->naive, s->batch, d_initial, o.d_initial);
    copy((size_t)s->circuit->n_types, d_resting, o.d_resting);
    free(luminance), free(d_params), free(d_luminance), free(d_initial), free(d_resting);
    return o;
}

static outcome run_library(const setting *s, const inputs *in, const char *isa, int threads)
{
    om_network *network = make_network(s, isa, threads);
    set_params(s, network, in->params);
    om_network_settle(network, (int)(GREY_S / DT), (om_real)0.5);
    outcome o = run_film(s, in, network);
    om_network_free(network);
    return o;
}

/* ---- comparisons ---- */

static void compare(const setting *s, const outcome *actual, const outcome *expected)
{
    bool ok = naive_agrees("initial state", initial_of(s), actual->initial, expected->initial, NULL,
                           FORWARD);
    ok &=
        naive_agrees("activity", cells_of(s), actual->activity, expected->activity, NULL, FORWARD);
    ok &= naive_agrees("penalty", 1, &actual->penalty, &expected->penalty, NULL, FORWARD);
    for (int i = 0; i < NAIVE_DECODER; i++) {
        naive_part part = naive_part_of(s->naive, i);
        ok &= naive_agrees(part.name, part.n, actual->d_params + part.first,
                           expected->d_params + part.first, NULL, GRADIENT);
    }
    ok &= naive_agrees("by luminance", columns_of(s), actual->d_luminance, expected->d_luminance,
                       NULL, GRADIENT);
    ok &= naive_agrees("by initial state", initial_of(s), actual->d_initial, expected->d_initial,
                       NULL, GRADIENT);
    ok &= naive_agrees("penalty's gradient", s->circuit->n_types, actual->d_resting,
                       expected->d_resting, NULL, GRADIENT);
    assert_true(ok);
}

static bool same(int n, const double *a, const double *b)
{
    return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

static bool same_bits(const setting *s, const outcome *a, const outcome *b)
{
    return same(initial_of(s), a->initial, b->initial) &&
           same(cells_of(s), a->activity, b->activity) &&
           same(params_of(s), a->d_params, b->d_params) &&
           same(columns_of(s), a->d_luminance, b->d_luminance) &&
           same(initial_of(s), a->d_initial, b->d_initial) &&
           same(s->circuit->n_types, a->d_resting, b->d_resting) && a->penalty == b->penalty;
}

static void compare_all_kernels(const setting *s, double spread)
{
    inputs in = make_inputs(s, spread);
    outcome expected = run_naive(s, &in, GREY_S);
    for (int i = 0; i < N_ISAS; i++) {
        if (!available(isas[i])) continue;
        print_message("activation %d, %s, batch %d\n", s->activation, isas[i], s->batch);
        outcome actual = run_library(s, &in, isas[i], 2);
        compare(s, &actual, &expected);
        free_outcome(&actual);
    }
    free_outcome(&expected);
    free_inputs(&in);
}

/* ---- long rows ---- */

/* From extent 16 on a row is longer than what any kernel holds in registers at once. */
static void test_rows_in_two_parts_agree(void **state)
{
    (void)state;
    for (int a = 0; a < 2; a++) {
        setting s = {.circuit = naive_random_circuit(27, 3, 4, 16, true),
                     .activation = a == 0 ? OM_RELU : OM_ELU,
                     .batch = 1,
                     .frames = 2};
        s.naive = naive_create(s.circuit);
        compare_all_kernels(&s, 0);
        free_setting(&s);
    }
}

/* ---- activation functions ---- */

static void test_every_activation_agrees(void **state)
{
    (void)state;
    const double spreads[] = {0, 3, 40};
    for (int a = 0; a < OM_ACTIVATIONS; a++)
        for (int i = 0; i < 3; i++) {
            setting s = make_setting(20 + (uint64_t)i, 2 + i, 3 + 2 * i, 7);
            s.activation = (om_activation)a;
            compare_all_kernels(&s, spreads[i]);
            free_setting(&s);
        }
}

/* Every number within `relative` of what is expected, or so small that nothing is left of it. */
static bool each_agrees(const char *what, int n, const double *actual, const double *expected)
{
    const double relative = sizeof(om_real) == sizeof(float) ? 3e-6 : 1e-12;
    for (int i = 0; i < n; i++)
        if (!(fabs(actual[i] - expected[i]) <= relative * fabs(expected[i]) + 1e-30)) {
            print_message("%s, %d: %.9g, expected %.9g\n", what, i, actual[i], expected[i]);
            return false;
        }
    return true;
}

/* With all cells at one voltage, all weights positive and V forgotten in one step, the gradient by a
 * strength is f(V) times a positive sum, and that by the initial state f'(V) times one. */
static void test_functions_and_slopes_are_accurate_everywhere(void **state)
{
    (void)state;
    const double voltages[] = {-100, -60,  -20, -8, -1,   -0.01, -1e-5, 0,
                               1e-5, 0.01, 1,   8,  19.9, 20,    20.1,  80};
    setting s = make_setting(21, 2, 1, 1);
    for (int p = 0; p < s.circuit->n_pairs; p++) s.circuit->pairs[p].sign = 1;
    naive_free(s.naive);
    s.naive = naive_create(s.circuit);
    inputs in = make_inputs(&s, 0);
    const om_layout *l = &s.naive->layout;
    for (int i = 0; i < cells_of(&s); i++) in.weight[i] = 1;
    for (size_t t = 0; t < (size_t)l->n_types; t++) in.params[l->time_constant + t] = DT / 2;
    for (int a = 0; a < OM_ACTIVATIONS; a++)
        for (size_t v = 0; v < sizeof voltages / sizeof voltages[0]; v++)
            for (int i = 0; i < N_ISAS; i++) {
                om_kernels const *kernels;
                if (om_kernels_select(isas[i], &kernels) != OM_OK) continue;
                s.activation = (om_activation)a;
                for (size_t t = 0; t < (size_t)l->n_types; t++)
                    in.params[l->resting_potential + t] = (double)(float)voltages[v];
                outcome expected = run_naive(&s, &in, 0);
                om_network *network = make_network(&s, isas[i], 1);
                set_params(&s, network, in.params);
                om_network_settle(network, 0, (om_real)0.5);
                outcome actual = run_film(&s, &in, network);
                bool ok = each_agrees("f", l->n_pairs, actual.d_params + l->strength,
                                      expected.d_params + l->strength);
                ok &= each_agrees("slope", initial_of(&s), actual.d_initial, expected.d_initial);
                if (!ok) print_message("activation %d at %g on %s\n", a, voltages[v], isas[i]);
                assert_true(ok);
                om_network_free(network);
                free_outcome(&actual), free_outcome(&expected);
            }
    free_inputs(&in);
    free_setting(&s);
}

static outcome try_threads(const setting *s, const inputs *in, const char *isa)
{
    outcome one = run_library(s, in, isa, 1);
    for (int threads = 2; threads <= 5; threads++) {
        outcome more = run_library(s, in, isa, threads);
        assert_true(same_bits(s, &one, &more));
        free_outcome(&more);
    }
    return one;
}

static void try_kernels(om_activation activation, int batch)
{
    setting s = make_setting(22, 3, batch, 6);
    s.activation = activation;
    s.fade_in_steps = 3;
    inputs in = make_inputs(&s, 2);
    outcome of[N_ISAS] = {{0}};
    for (int i = 0; i < N_ISAS; i++)
        if (available(isas[i])) of[i] = try_threads(&s, &in, isas[i]);
    const outcome *avx2 = &of[2], *avx512 = &of[3];
    if (avx2->activity != NULL && avx512->activity != NULL)
        assert_true(same_bits(&s, avx2, avx512));
    for (int i = 0; i < N_ISAS; i++) free_outcome(&of[i]);
    free_inputs(&in);
    free_setting(&s);
}

/* In batches of one to three quads: threads share a quad, take one each, or first this and then that. */
static void test_neither_threads_nor_vectors_change_a_bit(void **state)
{
    (void)state;
    static const int batches[] = {4, 8, 12, 11};
    for (int b = 0; b < 4; b++) try_kernels(OM_RELU, batches[b]);
    for (int a = 0; a < OM_ACTIVATIONS; a++)
        if (a != OM_RELU) try_kernels((om_activation)a, batches[a % 4]);
}

/* ---- films in parts ---- */

/* Shows some frames of every sample to a network of films of `most` frames. */
static void show(const setting *s, const inputs *in, om_network *network, int first, int frames,
                 int most)
{
    const int columns = s->naive->n_columns;
    om_real *part = reals((size_t)(most * columns), NULL);
    for (int b = 0; b < s->batch; b++) {
        const double *film = in->luminance + (ptrdiff_t)(b * s->frames + first) * columns;
        for (int i = 0; i < frames * columns; i++) part[i] = (om_real)film[i];
        om_network_set_luminance(network, b, part);
    }
    free(part);
}

/* In parts of 5, 4 and 2 frames, of which the last two do not fill the network's films, by a network that
 * has no adjoint, as experiments go; the whole film by one that has. */
static void test_a_film_in_parts_is_the_whole_one(void **state)
{
    (void)state;
    const int lengths[] = {5, 4, 2}, most = 5;
    for (int a = 0; a < OM_ACTIVATIONS; a++)
        for (int i = 0; i < N_ISAS; i++) {
            if (!available(isas[i])) continue;
            setting s = make_setting(26, 3, 6, 11), part = s;
            s.activation = part.activation = (om_activation)a;
            s.fade_in_steps = part.fade_in_steps = 3;
            inputs in = make_inputs(&s, 2);
            outcome whole = run_library(&s, &in, isas[i], 1);
            double *activity = naive_zeros(cells_of(&s));
            part.frames = most;
            part.forward_only = true;
            om_network *network = make_network(&part, isas[i], 2);
            set_params(&s, network, in.params);
            om_network_settle(network, (int)(GREY_S / DT), (om_real)0.5);
            for (int k = 0, first = 0; k < 3; first += lengths[k++]) {
                show(&s, &in, network, first, lengths[k], most);
                if (k == 0)
                    om_network_forward(network);
                else
                    om_network_continue(network, lengths[k - 1] - 1, lengths[k]);
                for (int f = 0; f < lengths[k]; f++)
                    read_state(s.naive, network, s.batch, f, s.frames * s.naive->n_cells,
                               activity + (first + f) * s.naive->n_cells);
            }
            assert_true(same(cells_of(&s), whole.activity, activity));
            om_network_free(network);
            free(activity);
            free_outcome(&whole), free_inputs(&in), free_setting(&s);
        }
}

/* ---- divergence ---- */

static bool all_nan(int n, const double *x)
{
    for (int i = 0; i < n; i++)
        if (!isnan(x[i])) return false;
    return true;
}

/* A film of a model whose resting potentials are not numbers gives none, and the next film of another
 * model on the same network is that of a network just made. */
static void test_divergence_shows_and_leaves_nothing_behind(void **state)
{
    (void)state;
    for (int a = 0; a < OM_ACTIVATIONS; a++)
        for (int i = 0; i < N_ISAS; i++) {
            if (!available(isas[i])) continue;
            setting s = make_setting(23, 3, 3, 5);
            s.activation = (om_activation)a;
            s.fade_in_steps = 2;
            inputs in = make_inputs(&s, 0), lost = make_inputs(&s, 0);
            for (int t = 0; t < s.circuit->n_types; t++)
                lost.params[s.naive->layout.resting_potential + (size_t)t] = (double)NAN;
            outcome fresh = run_library(&s, &in, isas[i], 1);
            om_network *network = make_network(&s, isas[i], 1);
            set_params(&s, network, lost.params);
            om_network_settle(network, 5, (om_real)0.5);
            outcome diverged = run_film(&s, &lost, network);
            assert_true(all_nan(cells_of(&s), diverged.activity));
            assert_true(isnan(diverged.penalty));
            for (int p = 0; p < s.circuit->n_pairs; p++)
                if (s.circuit->pairs[p].edges > 0)
                    assert_true(isnan(diverged.d_params[s.naive->layout.strength + (size_t)p]));
            set_params(&s, network, in.params);
            om_network_settle(network, (int)(GREY_S / DT), (om_real)0.5);
            outcome next = run_film(&s, &in, network);
            assert_true(same_bits(&s, &next, &fresh));
            om_network_free(network);
            free_outcome(&diverged), free_outcome(&next), free_outcome(&fresh);
            free_inputs(&in), free_inputs(&lost);
            free_setting(&s);
        }
}

/* ---- counts of one's own ---- */

/* The naive model has them in a circuit of its own. */
static void test_counts_of_ones_own_take_effect_with_the_next_params(void **state)
{
    (void)state;
    setting s = make_setting(24, 3, 3, 6), drawn = make_setting(24, 3, 3, 6);
    s.activation = drawn.activation = OM_SOFTPLUS;
    double *counts = naive_zeros(s.circuit->n_taps);
    uint64_t seed = 8;
    for (int k = 0; k < s.circuit->n_taps; k++)
        drawn.circuit->taps[k].count = counts[k] =
            (double)(float)(s.circuit->taps[k].count * (0.5 + naive_uniform(&seed)));
    naive_free(drawn.naive);
    drawn.naive = naive_create(drawn.circuit);
    inputs in = make_inputs(&s, 0);
    outcome expected = run_naive(&drawn, &in, GREY_S);
    for (int i = 0; i < N_ISAS; i++) {
        if (!available(isas[i])) continue;
        outcome own = run_library(&s, &in, isas[i], 1);
        om_network *network = make_network(&s, isas[i], 1);
        set_params(&s, network, in.params);
        om_network_settle(network, (int)(GREY_S / DT), (om_real)0.5);
        om_network_set_counts(network, counts);
        outcome before = run_film(&s, &in, network);
        assert_true(same_bits(&s, &before, &own));
        set_params(&s, network, in.params);
        om_network_settle(network, (int)(GREY_S / DT), (om_real)0.5);
        outcome after = run_film(&s, &in, network);
        compare(&s, &after, &expected);
        om_network_set_counts(network, NULL);
        set_params(&s, network, in.params);
        om_network_settle(network, (int)(GREY_S / DT), (om_real)0.5);
        outcome again = run_film(&s, &in, network);
        assert_true(same_bits(&s, &again, &own));
        om_network_free(network);
        free_outcome(&own), free_outcome(&before), free_outcome(&after), free_outcome(&again);
    }
    free(counts);
    free_outcome(&expected);
    free_inputs(&in);
    free_setting(&s), free_setting(&drawn);
}

/* ---- fading in ---- */

static void test_films_fade_in(void **state)
{
    (void)state;
    const int steps[] = {1, 2, 7};
    for (int i = 0; i < 3; i++)
        for (int a = 0; a < OM_ACTIVATIONS; a++) {
            setting s = make_setting(25, 3, 5, 6);
            s.activation = (om_activation)a;
            s.fade_in_steps = steps[i];
            compare_all_kernels(&s, 0);
            free_setting(&s);
        }
}

/* The settled state stays: the second film begins as the first did. */
static void test_fading_in_keeps_the_settled_state(void **state)
{
    (void)state;
    setting s = make_setting(26, 3, 6, 5);
    s.fade_in_steps = 4;
    inputs in = make_inputs(&s, 0);
    om_network *network = make_network(&s, NULL, 2);
    set_params(&s, network, in.params);
    om_network_settle(network, (int)(GREY_S / DT), (om_real)0.5);
    outcome first = run_film(&s, &in, network), second = run_film(&s, &in, network);
    assert_true(same_bits(&s, &first, &second));
    om_network_free(network);
    free_outcome(&first), free_outcome(&second);
    free_inputs(&in);
    free_setting(&s);
}

/* A control is a circuit like any other: to the naive model, which goes through it cell by cell, too. */
static void test_control_circuits_agree(void **state)
{
    (void)state;
    const om_controls controls[] = {
        {OM_COUNTS_SHUFFLED, OM_SIGNS_SHUFFLED, OM_FILTERS_ROTATED, ""},
        {OM_COUNTS_EQUAL, OM_SIGNS_KNOWN, OM_FILTERS_ROTATED, "T1, T3"},
    };
    for (int i = 0; i < 2; i++) {
        setting s = make_setting(27, 3, 4, 6);
        naive_free(s.naive);
        assert_int_equal(om_circuit_control(s.circuit, &controls[i], 5), OM_OK);
        s.naive = naive_create(s.circuit);
        assert_int_equal(s.naive->n_edges, s.circuit->n_edges);
        compare_all_kernels(&s, 0);
        free_setting(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_in_two_parts_agree),
        cmocka_unit_test(test_every_activation_agrees),
        cmocka_unit_test(test_functions_and_slopes_are_accurate_everywhere),
        cmocka_unit_test(test_neither_threads_nor_vectors_change_a_bit),
        cmocka_unit_test(test_a_film_in_parts_is_the_whole_one),
        cmocka_unit_test(test_divergence_shows_and_leaves_nothing_behind),
        cmocka_unit_test(test_counts_of_ones_own_take_effect_with_the_next_params),
        cmocka_unit_test(test_films_fade_in),
        cmocka_unit_test(test_fading_in_keeps_the_settled_state),
        cmocka_unit_test(test_control_circuits_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
