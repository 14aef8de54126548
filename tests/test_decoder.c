/* The decoder alone against the naive double-precision model, on activity that no network made: flow,
 * losses, statistics and all gradients, normalised by the batch's statistics or by running ones. */
#include "decoder_bench.h"
#include "every_kernel.h"

static const double DROPOUT = 0.25;

typedef struct setting {
    om_circuit *circuit;
    naive_model *naive;
    int batch, frames;
    bool running; /* normalise by running statistics */
    bool dropout;
    om_loss loss;
    double divisor; /* added to the bias of the head's third channel */
    double hidden;  /* added to what softplus is taken of in the hidden layer */
    om_convolution convolution;
    bool forward_only;
} setting;

/* Everything that either side computes, as doubles. */
typedef struct outcome {
    double *flow, *d_params, *d_activity;
    double loss;
    double mean[OM_HIDDEN], var[OM_HIDDEN]; /* running statistics */
} outcome;

/* Inputs that are exact in single precision. */
typedef struct inputs {
    double *params, *activity, *flow, *keep;
} inputs;

static int images_of(const setting *s) { return s->batch * s->frames; }
static int cells_of(const setting *s) { return images_of(s) * s->naive->n_cells; }
static int flows_of(const setting *s) { return images_of(s) * 2 * s->naive->n_columns; }
static int params_of(const setting *s) { return (int)s->naive->layout.n_params; }

static outcome make_outcome(const setting *s)
{
    return (outcome){.flow = naive_zeros(flows_of(s)),
                     .d_params = naive_zeros(params_of(s)),
                     .d_activity = naive_zeros(cells_of(s)),
                     .mean = {0.5, -0.25, 1},
                     .var = {1, 1.5, 0.75, 1, 2, 0.25, 1, 3}};
}

static void free_outcome(outcome *o) { free(o->flow), free(o->d_params), free(o->d_activity); }

static setting make_setting_at(int extent, uint64_t circuit, int batch, int frames, bool running)
{
    setting s = {.circuit = naive_random_circuit(circuit, 7, 18, extent, true),
                 .batch = batch,
                 .frames = frames,
                 .running = running};
    s.naive = naive_create(s.circuit);
    return s;
}

static setting make_setting(uint64_t circuit, int batch, int frames, bool running)
{
    return make_setting_at(3, circuit, batch, frames, running);
}

static void free_setting(setting *s)
{
    naive_free(s->naive);
    naive_circuit_free(s->circuit);
}

static inputs make_inputs(const setting *s)
{
    uint64_t seed = 17;
    int keeps = images_of(s) * OM_HIDDEN * s->naive->side * s->naive->side;
    inputs in = {naive_zeros(params_of(s)), naive_zeros(cells_of(s)), naive_zeros(flows_of(s)),
                 naive_zeros(keeps)};
    naive_random_params(5, s->naive, in.params);
    in.params[s->naive->layout.conv2_bias + 2] += s->divisor;
    for (size_t o = 0; o < OM_HIDDEN; o++) in.params[s->naive->layout.norm_bias + o] += s->hidden;
    naive_fill(&seed, cells_of(s), 0.2, 1, in.activity);
    naive_fill(&seed, flows_of(s), 0, 1, in.flow);
    for (int i = 0; i < keeps; i++) in.keep[i] = naive_uniform(&seed) >= DROPOUT;
    round_to_float(params_of(s), in.params);
    round_to_float(cells_of(s), in.activity);
    round_to_float(flows_of(s), in.flow);
    return in;
}

static void free_inputs(inputs *in)
{
    free(in->params), free(in->activity), free(in->flow), free(in->keep);
}

static outcome run_naive(const setting *s, const inputs *in)
{
    outcome o = make_outcome(s);
    naive_decode_options options = {s->batch, s->frames, !s->running, DROPOUT,
                                    s->dropout ? in->keep : NULL};
    double *d_flow = naive_zeros(flows_of(s));
    naive_decoded *decoded =
        naive_decode(s->naive, &options, in->params, o.mean, o.var, in->activity, o.flow);
    o.loss =
        naive_loss(s->loss, s->batch, s->frames, s->naive->n_columns, o.flow, in->flow, d_flow);
    naive_decode_adjoint(s->naive, decoded, in->params, d_flow, o.d_params, o.d_activity);
    naive_decoded_free(decoded);
    free(d_flow);
    return o;
}

/* ---- the library's side ---- */

/* Activity [sample][frame][cell] of all types, cells that a type lacks left at zero. */
static void write_activity(const setting *s, om_network *network, const double *activity)
{
    const naive_model *m = s->naive;
    double *map = naive_zeros(m->n_columns);
    for (int image = 0; image < images_of(s); image++)
        for (int type = 0; type < s->circuit->n_types; type++) {
            for (int c = 0; c < m->n_columns; c++) {
                int cell = m->cell_at[type * m->n_columns + c];
                map[c] = cell < 0 ? 0 : activity[image * m->n_cells + cell];
            }
            put_activity(network, image / s->frames, image % s->frames, type, map);
        }
    free(map);
}

static void read_gradient(const setting *s, om_network *network, double *d_activity)
{
    const naive_model *m = s->naive;
    double *map = naive_zeros(m->n_columns);
    for (int image = 0; image < images_of(s); image++)
        for (int o = 0; o < s->circuit->n_outputs; o++) {
            get_gradient(network, image / s->frames, image % s->frames, o, map);
            for (int c = 0; c < m->n_columns; c++) {
                int cell = m->cell_at[s->circuit->outputs[o] * m->n_columns + c];
                if (cell >= 0) d_activity[image * m->n_cells + cell] = map[c];
                if (cell < 0) assert_true(map[c] == 0);
            }
        }
    free(map);
}

/* There and back; a decoder that goes forward only stays there. */
static void decode(const setting *s, const inputs *in, om_network *network, om_decoder *decoder,
                   outcome *o)
{
    const om_layout *l = &s->naive->layout;
    const size_t map = 2 * (size_t)s->naive->n_columns;
    om_real *params = reals(l->n_params, in->params), *d_params = reals(l->n_params, NULL);
    om_real *flow = reals((size_t)flows_of(s), in->flow);
    om_moments running, used;
    for (int h = 0; h < OM_HIDDEN; h++)
        running.mean[h] = (om_real)o->mean[h], running.var[h] = (om_real)o->var[h];
    om_decoder_set_params(decoder, params + l->decoder);
    for (int b = 0; b < s->batch; b++)
        om_decoder_set_target(decoder, b, flow + (size_t)(b * s->frames) * map);
    set_keep(decoder, s->batch, s->frames, in->keep);
    write_activity(s, network, in->activity);
    om_decoder_forward(decoder, network, s->dropout ? DROPOUT : 0, s->running ? &running : NULL,
                       &used);
    if (!s->running) om_moments_update(&running, &used, om_decoder_count(decoder));
    if (!s->forward_only) {
        om_decoder_adjoint(decoder, network, s->loss, d_params + l->decoder);
        read_gradient(s, network, o->d_activity);
    }
    for (int b = 0; b < s->batch; b++) {
        double l2norm = om_decoder_l2norm(decoder, b), epe = om_decoder_epe(decoder, b);
        o->loss += (s->loss == OM_LOSS_EPE ? epe : l2norm) / s->batch;
        for (int f = 0; f < s->frames; f++) {
            om_decoder_flow(decoder, b, f, flow);
            copy(map, flow, o->flow + (size_t)(b * s->frames + f) * map);
        }
    }
    copy(l->n_params, d_params, o->d_params);
    copy(OM_HIDDEN, running.mean, o->mean);
    copy(OM_HIDDEN, running.var, o->var);
    free(params), free(d_params), free(flow);
}

static void open_decoder(const setting *s, const char *isa, int threads, om_network **network,
                         om_decoder **decoder)
{
    om_network_options n = {
        .batch = s->batch, .frames = s->frames, .dt_s = DT, .forward_only = s->forward_only};
    om_decoder_options d = {.batch = s->batch,
                            .frames = s->frames,
                            .threads = threads,
                            .convolution = s->convolution,
                            .forward_only = s->forward_only};
    assert_int_equal(om_kernels_select(isa, &d.kernels), OM_OK);
    n.threads = threads;
    n.kernels = d.kernels;
    assert_int_equal(om_network_create(s->circuit, &n, network), OM_OK);
    const om_geometry *geometry = om_network_geometry(*network);
    assert_int_equal(om_decoder_create(s->circuit, geometry, &d, decoder), OM_OK);
}

static outcome run_library(const setting *s, const inputs *in, const char *isa, int threads)
{
    outcome o = make_outcome(s);
    om_network *network;
    om_decoder *decoder;
    open_decoder(s, isa, threads, &network, &decoder);
    decode(s, in, network, decoder, &o);
    om_decoder_free(decoder);
    om_network_free(network);
    return o;
}

/* ---- comparisons ---- */

static void compare(const setting *s, const outcome *actual, const outcome *expected)
{
    bool ok = naive_agrees("flow", flows_of(s), actual->flow, expected->flow, NULL, FORWARD);
    ok &= naive_agrees("loss", 1, &actual->loss, &expected->loss, NULL, FORWARD);
    ok &= naive_agrees("running mean", OM_HIDDEN, actual->mean, expected->mean, NULL, FORWARD);
    ok &= naive_agrees("running variance", OM_HIDDEN, actual->var, expected->var, NULL, FORWARD);
    ok &= naive_agrees("activity", cells_of(s), actual->d_activity, expected->d_activity, NULL,
                       GRADIENT);
    for (int i = NAIVE_DECODER; i < NAIVE_PARTS; i++) {
        naive_part part = naive_part_of(s->naive, i);
        ok &= naive_agrees(part.name, part.n, actual->d_params + part.first,
                           expected->d_params + part.first, NULL, GRADIENT);
    }
    assert_true(ok);
}

static void compare_all_kernels(const setting *s)
{
    inputs in = make_inputs(s);
    outcome expected = run_naive(s, &in);
    for (int i = 0; i < N_ISAS; i++) {
        if (!available(isas[i])) continue;
        print_message("%s, batch %d, %d frames, %s statistics\n", isas[i], s->batch, s->frames,
                      s->running ? "running" : "own");
        outcome actual = run_library(s, &in, isas[i], 1);
        compare(s, &actual, &expected);
        free_outcome(&actual);
    }
    free_outcome(&expected);
    free_inputs(&in);
}

/* Both losses, whole and broken blocks, with dropout and without. */
static void test_all_gradients_agree(void **state)
{
    (void)state;
    for (int running = 0; running < 2; running++)
        for (int i = 0; i < 4; i++) {
            setting s = make_setting(1 + (uint64_t)i, 1 + 2 * i, 4 + i, running);
            s.loss = i % 2 == 0 ? OM_LOSS_L2NORM : OM_LOSS_EPE;
            s.dropout = i >= 2;
            for (om_convolution c = OM_CONVOLUTION_DIRECT; c <= OM_CONVOLUTION_FFT; c++) {
                s.convolution = c;
                compare_all_kernels(&s);
            }
            free_setting(&s);
        }
}

/* The torus of the transforms is one size whatever the lattice: to the smallest and the largest. */
static void test_transforms_agree_at_every_extent(void **state)
{
    (void)state;
    for (int extent = 1; extent <= 15; extent += extent < 7 ? 3 : 4) {
        setting s = make_setting_at(extent, 40 + (uint64_t)extent, 3, 3, extent % 2 == 0);
        s.dropout = true;
        s.convolution = OM_CONVOLUTION_FFT;
        compare_all_kernels(&s);
        free_setting(&s);
    }
}

/* A decoder that was used in one way is as good as new for the other. */
static void test_modes_leave_no_trace(void **state)
{
    (void)state;
    setting s = make_setting(8, 2, 5, false);
    s.dropout = true;
    inputs in = make_inputs(&s);
    om_network *network;
    om_decoder *decoder;
    open_decoder(&s, NULL, 1, &network, &decoder);
    for (int i = 0; i < 5; i++) {
        s.running = i % 2 == 1;
        s.dropout = i % 3 == 0;
        outcome expected = run_naive(&s, &in), actual = make_outcome(&s);
        decode(&s, &in, network, decoder, &actual);
        compare(&s, &actual, &expected);
        free_outcome(&expected);
        free_outcome(&actual);
    }
    om_decoder_free(decoder);
    om_network_free(network);
    free_inputs(&in);
    free_setting(&s);
}

/* Without room for an adjoint, the way there is the same to the bit. */
static void test_forward_only_gives_the_same_flow(void **state)
{
    (void)state;
    setting s = make_setting(10, 6, 7, true);
    s.running = true;
    inputs in = make_inputs(&s);
    for (int i = 0; i < 2 * N_ISAS; i++) {
        if (!available(isas[i / 2])) continue;
        s.convolution = i % 2 == 0 ? OM_CONVOLUTION_DIRECT : OM_CONVOLUTION_FFT;
        s.forward_only = false;
        outcome both = run_library(&s, &in, isas[i / 2], 2);
        s.forward_only = true;
        outcome forward = run_library(&s, &in, isas[i / 2], 2);
        assert_memory_equal(both.flow, forward.flow, (size_t)flows_of(&s) * sizeof(double));
        assert_true(both.loss > 0 && both.loss == forward.loss);
        free_outcome(&both);
        free_outcome(&forward);
    }
    free_inputs(&in);
    free_setting(&s);
}

/* Where exp(-divisor) is past the range of single precision: its exponent would wrap round. */
static void test_far_divisors_agree(void **state)
{
    (void)state;
    const double divisors[] = {-60, -280, 90};
    for (int i = 0; i < 3; i++) {
        setting s = make_setting(5, 2, 5, false);
        s.dropout = true;
        s.divisor = divisors[i];
        compare_all_kernels(&s);
        free_setting(&s);
    }
}

/* Where the hidden units are nearly silent their slopes are small, but not without digits. */
static void test_faint_units_agree(void **state)
{
    (void)state;
    const double hidden[] = {-8, -16, -40};
    for (int i = 0; i < 3; i++) {
        setting s = make_setting(9, 2, 5, true);
        s.dropout = true;
        s.hidden = hidden[i];
        compare_all_kernels(&s);
        free_setting(&s);
    }
}

static void assert_same_bits(const setting *s, const outcome *a, const outcome *b)
{
    size_t d = sizeof(double);
    assert_memory_equal(a->flow, b->flow, (size_t)flows_of(s) * d);
    assert_memory_equal(a->d_params, b->d_params, (size_t)params_of(s) * d);
    assert_memory_equal(a->d_activity, b->d_activity, (size_t)cells_of(s) * d);
    assert_memory_equal(a->var, b->var, sizeof a->var);
    assert_true(a->loss == b->loss);
}

static void try_threads(const setting *s, const inputs *in, const char *isa)
{
    outcome one = run_library(s, in, isa, 1);
    for (int threads = 2; threads <= 5; threads++) {
        outcome more = run_library(s, in, isa, threads);
        assert_same_bits(s, &one, &more);
        free_outcome(&more);
    }
    free_outcome(&one);
}

/* One, two and three quads, the last of them not full. */
static void test_threads_change_no_bit(void **state)
{
    (void)state;
    static const int batches[] = {3, 8, 10};
    for (int b = 0; b < 3; b++) {
        setting s = make_setting(6, batches[b], 6, true);
        s.dropout = true;
        inputs in = make_inputs(&s);
        for (int i = 0; i < 2 * N_ISAS; i++) {
            if (!available(isas[i / 2])) continue;
            s.convolution = i % 2 == 0 ? OM_CONVOLUTION_DIRECT : OM_CONVOLUTION_FFT;
            try_threads(&s, &in, isas[i / 2]);
        }
        free_inputs(&in);
        free_setting(&s);
    }
}

static void test_avx2_and_avx512_give_the_same_bits(void **state)
{
    (void)state;
    if (!available("avx512") || !available("avx2")) skip();
    setting s = make_setting(7, 4, 8, true);
    s.dropout = true;
    inputs in = make_inputs(&s);
    for (om_convolution c = OM_CONVOLUTION_DIRECT; c <= OM_CONVOLUTION_FFT; c++) {
        s.convolution = c;
        outcome a = run_library(&s, &in, "avx2", 1), b = run_library(&s, &in, "avx512", 2);
        assert_same_bits(&s, &a, &b);
        free_outcome(&a);
        free_outcome(&b);
    }
    free_inputs(&in);
    free_setting(&s);
}

/* A film predicted exactly has gradient zero under either loss, not NaN. */
static void test_exact_prediction_has_no_gradient(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        setting s = make_setting(4, 2, 4, way / 2 == 1);
        s.loss = way % 2 == 0 ? OM_LOSS_L2NORM : OM_LOSS_EPE;
        inputs in = make_inputs(&s);
        /* no head, no target: flow and error are exactly zero */
        for (size_t i = s.naive->layout.conv2_weight; i < s.naive->layout.n_params; i++)
            in.params[i] = 0;
        memset(in.flow, 0, (size_t)flows_of(&s) * sizeof(double));
        for (int i = 0; i < N_ISAS; i++) {
            if (!available(isas[i])) continue;
            outcome o = run_library(&s, &in, isas[i], 1);
            for (int p = 0; p < params_of(&s); p++) assert_true(o.d_params[p] == 0);
            for (int c = 0; c < cells_of(&s); c++) assert_true(o.d_activity[c] == 0);
            free_outcome(&o);
        }
        free_inputs(&in);
        free_setting(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_gradients_agree),
        cmocka_unit_test(test_transforms_agree_at_every_extent),
        cmocka_unit_test(test_modes_leave_no_trace),
        cmocka_unit_test(test_forward_only_gives_the_same_flow),
        cmocka_unit_test(test_far_divisors_agree),
        cmocka_unit_test(test_faint_units_agree),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_avx2_and_avx512_give_the_same_bits),
        cmocka_unit_test(test_exact_prediction_has_no_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
