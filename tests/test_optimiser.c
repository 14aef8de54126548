/* What an iteration does besides the model: learning rates, moments of checks, Adam, dropout's bits. */
#include "films.h"
#include "train/optimiser.h"
#include "train_bench.h"

static const char *const REFERENCE = OM_SHARED "/golden/resample_paper.h5";

/* The published schedules: 5e-5 to 5e-6 in ten levels, `stop` 0 being at the end. */
static om_train_options published(uint64_t iterations, uint64_t stop)
{
    om_train_options options = bench_options();
    options.iterations = iterations;
    options.learning_rate[0] = 5e-5;
    options.learning_rate[1] = 5e-6;
    options.rate_steps = 10;
    options.schedule_stop = stop;
    return options;
}

static void assert_rate(double actual, double expected, uint64_t iteration)
{
    if (!(fabs(actual - expected) <= 1e-12 * expected))
        fail_msg("iteration %llu: rate %.15g, expected %.15g", (unsigned long long)iteration,
                 actual, expected);
}

static size_t read_series(hid_t file, const char *profile, const char *name, double **values)
{
    char path[96];
    size_t n;
    snprintf(path, sizeof path, "%s/%s", profile, name);
    *values = films_read(file, path, &n);
    return n;
}

static const struct profile {
    const char *schedule, *checkpoints;
    uint64_t stop, every_passes;
    int checks;
} profiles[] = {{"schedule/package", "checkpoints/package", 0, 300, 72},
                {"schedule/paper", "checkpoints/paper", 200000, 334, 65}};

static void test_learning_rates_are_those_of_both_profiles(void **unused)
{
    (void)unused;
    hid_t file = films_open(REFERENCE);
    size_t n, levels;
    double *at = films_read(file, "schedule/iterations", &n);
    for (int p = 0; p < 2; p++) {
        const char *group = profiles[p].schedule;
        om_train_options options = published(250000, profiles[p].stop);
        double *value, *in_force, *level, *breaks, *breaks_in_force;
        read_series(file, group, "value", &value);
        read_series(file, group, "in_force", &in_force);
        levels = read_series(file, group, "levels", &level);
        read_series(file, group, "breakpoints", &breaks);
        read_series(file, group, "breakpoints_in_force", &breaks_in_force);
        /* whole passes make 250,008 iterations, which moves nothing */
        for (uint64_t all = 250000; all <= 250008; all += 8) {
            for (size_t i = 0; i < n; i++) {
                uint64_t k = (uint64_t)at[i];
                assert_rate(om_learning_rate(&options, all, k), value[i], k);
                assert_rate(om_learning_rate(&options, all, k / 12 * 12), in_force[i], k);
            }
            for (size_t i = 1; i < levels; i++) {
                uint64_t k = (uint64_t)breaks[i - 1], later = (uint64_t)breaks_in_force[i - 1];
                assert_rate(om_learning_rate(&options, all, k - 1), level[i - 1], k - 1);
                assert_rate(om_learning_rate(&options, all, k), level[i], k);
                assert_rate(om_learning_rate(&options, all, (later - 1) / 12 * 12), level[i - 1],
                            later - 1);
                assert_rate(om_learning_rate(&options, all, later), level[i], later);
            }
        }
        double sum = 0;
        for (uint64_t k = 0; k < 250000; k++) sum += om_learning_rate(&options, 250000, k);
        assert_true(fabs(sum / 250000 - (p == 0 ? 2.75e-5 : 2.3e-5)) < 1e-14);
        free(value), free(in_force), free(level), free(breaks), free(breaks_in_force);
    }
    free(at);
    H5Fclose(file);
}

static void test_short_schedules_are_the_reference_ones(void **unused)
{
    (void)unused;
    hid_t file = films_open(REFERENCE);
    const struct {
        const char *path;
        uint64_t iterations, stop;
    } cases[] = {{"schedule_small/case0/array", 24, 24}, {"schedule_small/case1/array", 30, 17}};
    for (int c = 0; c < 2; c++) {
        om_train_options options = published(cases[c].iterations, cases[c].stop);
        size_t n;
        double *array = films_read(file, cases[c].path, &n);
        for (size_t k = 0; k < n; k++)
            assert_rate(om_learning_rate(&options, cases[c].iterations, k), array[k], k);
        free(array);
    }
    H5Fclose(file);
}

/* Here the reference trains at the last rate from the start, which nobody wants of a trial. */
static void test_a_schedule_shorter_than_its_levels_goes_from_first_to_last(void **unused)
{
    (void)unused;
    for (uint64_t stop = 1; stop < 10; stop++)
        for (int named = 0; named < 2; named++) {
            om_train_options options = published(stop, named ? stop : 0);
            uint64_t iterations = named ? 40 : stop;
            double levels = stop > 1 ? (double)stop - 1 : 1;
            for (uint64_t k = 0; k < stop; k++)
                assert_rate(om_learning_rate(&options, iterations, k),
                            5e-5 - 4.5e-5 * (double)k / levels, k);
            assert_rate(om_learning_rate(&options, iterations, stop), 5e-6, stop);
        }
}

static void test_one_level_is_the_first_rate_until_the_stop(void **unused)
{
    (void)unused;
    om_train_options options = published(50, 20);
    options.rate_steps = 1;
    assert_rate(om_learning_rate(&options, 50, 0), 5e-5, 0);
    assert_rate(om_learning_rate(&options, 50, 19), 5e-5, 19);
    assert_rate(om_learning_rate(&options, 50, 20), 5e-6, 20);
}

/* ---- when checks and records fall due ---- */

static om_state_layout layout_of(const om_train_options *options, int training)
{
    om_circuit *circuit = naive_random_circuit(1, 7, 18, 1, true);
    om_scenes *scenes = bench_films(1, training, 2);
    om_state_layout layout;
    must(om_state_layout_of(circuit, scenes, options, &layout));
    om_scenes_free(scenes);
    naive_circuit_free(circuit);
    return layout;
}

static void test_checks_by_passes_are_those_of_both_profiles(void **unused)
{
    (void)unused;
    hid_t file = films_open(REFERENCE);
    for (int p = 0; p < 2; p++) {
        om_train_options options = published(250000, profiles[p].stop);
        options.batch_size = 4;
        options.whole_passes = true;
        options.validate_every = 0;
        options.validate_every_passes = profiles[p].every_passes;
        om_state_layout layout = layout_of(&options, 51);
        double *done;
        size_t n = read_series(file, profiles[p].checkpoints, "iterations_done", &done);
        assert_int_equal(layout.iterations_per_pass, 12);
        assert_int_equal(layout.iterations, 250008);
        assert_int_equal(n, profiles[p].checks);
        assert_int_equal(layout.n_checks, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(om_check_iteration(&layout, &options, (int)i), done[i]);
        free(done);
    }
    H5Fclose(file);
}

static void assert_checks(const om_train_options *options, const uint64_t *expected, int n)
{
    om_state_layout layout = layout_of(options, 10);
    assert_int_equal(layout.n_checks, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(om_check_iteration(&layout, options, i), expected[i]);
}

static void test_checks_by_iterations_end_at_the_end(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    assert_checks(&options, (const uint64_t[]){0, 5, 10, 12}, 4);
    options.validate_every = 6;
    assert_checks(&options, (const uint64_t[]){0, 6, 12}, 3);
    options.validate_every = 100;
    assert_checks(&options, (const uint64_t[]){0, 12}, 2);
    options.validate_every = 0;
    assert_checks(&options, (const uint64_t[]){0, 12}, 2);
    options.validate_every_passes = 2;
    assert_checks(&options, (const uint64_t[]){0, 3, 9, 12}, 4);
    options.iterations = 10;
    options.whole_passes = true;
    assert_checks(&options, (const uint64_t[]){0, 3, 9, 12}, 4);
}

static void test_records_cover_all_iterations(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    om_state_layout layout = layout_of(&options, 10);
    assert_int_equal(layout.n_records, 3);
    assert_int_equal(om_record_iteration(&layout, &options, 0), 5);
    assert_int_equal(om_record_iteration(&layout, &options, 1), 10);
    assert_int_equal(om_record_iteration(&layout, &options, 2), 12);
    options.record_every = 12;
    assert_int_equal(layout_of(&options, 10).n_records, 1);
}

/* ---- Adam ---- */

static void test_adam_moves_by_hand_computed_steps(void **unused)
{
    (void)unused;
    om_real params[3] = {1, -2, 3}, m[3] = {0}, v[3] = {0};
    const om_real gradients[2][3] = {{(om_real)0.5, -4, 0}, {-1, -4, 0}};
    /* step 1: m / (1 - 0.9) = g and v / (1 - 0.999) = g^2, so the step is the rate with g's sign;
     * step 2 of the first: m = (0.9 * 0.05 - 0.1) / 0.19, v = (0.999 * 0.00025 + 0.001) / 0.001999 */
    double second = (0.9 * 0.05 - 0.1) / 0.19 / sqrt((0.999 * 0.00025 + 0.001) / 0.001999);
    om_adam(3, 0.01, 1, gradients[0], m, v, params);
    assert_true(fabs((double)params[0] - 0.99) < 1e-6 && fabs((double)params[1] + 1.99) < 1e-6);
    om_adam(3, 0.01, 2, gradients[1], m, v, params);
    assert_true(fabs((double)params[0] - (0.99 - 0.01 * second)) < 1e-6);
    assert_true(fabs((double)params[1] + 1.98) < 1e-6);
    assert_true(params[2] == 3 && m[2] == 0 && v[2] == 0);
}

/* ---- dropout ---- */

enum { FRAMES = 10, SIDE = 21, CELLS = SIDE * SIDE, QUAD_MAPS = (FRAMES + 3) / 4 * OM_HIDDEN };
enum { BITS = FRAMES * OM_HIDDEN * CELLS };
typedef uint16_t quad_bits[QUAD_MAPS * CELLS];

static const om_stream STREAM = {BENCH_SEED, 2, OM_FOR_DROPOUT, 17, 1};

/* The bits of one sample, [frame][channel][cell]; drawn into a quad that holds something already. */
static void draw(const om_stream *stream, double dropout, int lane, bool *bits)
{
    static quad_bits quad;
    memset(quad, 0xa5, sizeof quad);
    om_dropout(stream, dropout, FRAMES, SIDE, lane, quad);
    for (int f = 0; f < FRAMES; f++)
        for (int i = 0; i < OM_HIDDEN * CELLS; i++)
            bits[f * OM_HIDDEN * CELLS + i] =
                quad[f / 4 * OM_HIDDEN * CELLS + i] >> (f % 4 * 4 + lane) & 1;
}

static double share(const bool *bits)
{
    double sum = 0;
    for (int i = 0; i < BITS; i++) sum += bits[i];
    return sum / BITS;
}

/* Correlation of two draws, in standard errors of independent ones. */
static double correlation(const bool *a, const bool *b)
{
    double p = share(a), q = share(b), sum = 0;
    for (int i = 0; i < BITS; i++) sum += (a[i] - p) * (b[i] - q);
    return sum / sqrt(BITS * p * (1 - p) * q * (1 - q));
}

static void test_dropout_keeps_the_share_that_it_says(void **unused)
{
    (void)unused;
    static bool bits[BITS];
    const double dropouts[] = {0.5, 0.2, 0.1, 0.9, 0.01};
    for (int i = 0; i < 5; i++) {
        double p = 1 - dropouts[i], error = sqrt(p * (1 - p) / BITS);
        draw(&STREAM, dropouts[i], 1, bits);
        if (fabs(share(bits) - p) > 4 * error)
            fail_msg("dropout %g keeps %.5f", dropouts[i], share(bits));
    }
    draw(&STREAM, 0, 1, bits);
    assert_true(share(bits) == 1);
}

static void test_dropout_is_independent_of_sample_iteration_and_model(void **unused)
{
    (void)unused;
    static bool bits[BITS], others[BITS];
    const double dropouts[] = {0.5, 0.2, 0.1};
    for (int i = 0; i < 3; i++) {
        draw(&STREAM, dropouts[i], 1, bits);
        om_stream other[4] = {STREAM, STREAM, STREAM, STREAM};
        other[0].sample++;
        other[1].iteration++;
        other[2].model++;
        other[3].seed++;
        for (int k = 0; k < 4; k++) {
            draw(&other[k], dropouts[i], 1, others);
            if (fabs(correlation(bits, others)) > 4)
                fail_msg("dropout %g, stream %d: correlated by %g standard errors", dropouts[i], k,
                         correlation(bits, others));
        }
    }
}

/* Neither do neighbouring frames, channels and cells share anything. */
static void test_dropout_is_independent_within_a_sample(void **unused)
{
    (void)unused;
    static bool bits[2 * BITS];
    const int shifts[] = {1, 32, 128, CELLS, 4 * CELLS, OM_HIDDEN * CELLS, 4 * OM_HIDDEN * CELLS};
    draw(&STREAM, 0.2, 1, bits);
    memcpy(bits + BITS, bits, BITS * sizeof *bits);
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++)
        if (fabs(correlation(bits, bits + shifts[i])) > 4)
            fail_msg("a shift of %d is correlated by %g standard errors", shifts[i],
                     correlation(bits, bits + shifts[i]));
}

/* The lane that a sample has, and so the batch that it is in, only says where its bits go. */
static void test_dropout_does_not_depend_on_the_lane(void **unused)
{
    (void)unused;
    static bool bits[BITS], others[BITS];
    draw(&STREAM, 0.3, 0, bits);
    for (int lane = 1; lane < 4; lane++) {
        draw(&STREAM, 0.3, lane, others);
        assert_memory_equal(bits, others, sizeof bits);
    }
}

static void test_dropout_leaves_other_lanes_alone(void **unused)
{
    (void)unused;
    static quad_bits all, one;
    memset(all, 0xff, sizeof all);
    memset(one, 0, sizeof one);
    om_dropout(&STREAM, 0.5, FRAMES, SIDE, 2, all);
    om_dropout(&STREAM, 0.5, FRAMES, SIDE, 2, one);
    for (int i = 0; i < QUAD_MAPS * CELLS; i++) {
        assert_int_equal(all[i] & 0xbbbb, 0xbbbb);
        assert_int_equal(one[i] & 0xbbbb, 0);
        bool last = i / (OM_HIDDEN * CELLS) == FRAMES / 4;
        int written = last && FRAMES % 4 != 0 ? 0x4444 & ((1 << FRAMES % 4 * 4) - 1) : 0x4444;
        assert_int_equal(all[i] & written, one[i] & written);
    }
}

/* At one half a bit is one bit of the stream: block 16 index + 15, 128 cells to an index. */
static void test_dropout_by_half_is_the_stream_itself(void **unused)
{
    (void)unused;
    static bool bits[BITS];
    const int per_map = (CELLS + 127) / 128;
    draw(&STREAM, 0.5, 1, bits);
    for (int map = 0; map < FRAMES * OM_HIDDEN; map++)
        for (int cell = 0; cell < CELLS; cell++) {
            uint32_t block[4], index = (uint32_t)(map * per_map + cell / 128);
            om_random_block(&STREAM, 16 * index + 15, block);
            assert_int_equal(bits[map * CELLS + cell], block[cell % 128 / 32] >> cell % 32 & 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learning_rates_are_those_of_both_profiles),
        cmocka_unit_test(test_short_schedules_are_the_reference_ones),
        cmocka_unit_test(test_a_schedule_shorter_than_its_levels_goes_from_first_to_last),
        cmocka_unit_test(test_one_level_is_the_first_rate_until_the_stop),
        cmocka_unit_test(test_checks_by_passes_are_those_of_both_profiles),
        cmocka_unit_test(test_checks_by_iterations_end_at_the_end),
        cmocka_unit_test(test_records_cover_all_iterations),
        cmocka_unit_test(test_adam_moves_by_hand_computed_steps),
        cmocka_unit_test(test_dropout_keeps_the_share_that_it_says),
        cmocka_unit_test(test_dropout_is_independent_of_sample_iteration_and_model),
        cmocka_unit_test(test_dropout_is_independent_within_a_sample),
        cmocka_unit_test(test_dropout_does_not_depend_on_the_lane),
        cmocka_unit_test(test_dropout_leaves_other_lanes_alone),
        cmocka_unit_test(test_dropout_by_half_is_the_stream_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
