/* Samples: resampling, augmentation and their order against reference data; what depends on which
 * draw; refusals. */
#include "films.h"

#include "ommatid/om_batch.h"
#include "ommatid/om_lattice.h"
#include "scenes/batcher.h"

#define AUGMENT_FILE  OM_SHARED "/golden/augment.h5"
#define RESAMPLE_FILE OM_SHARED "/golden/resample_paper.h5"

enum { EXTENT = 3, COLUMNS = 37, MOST_STEPS = 64 };

static const double real_tolerance = sizeof(om_real) == sizeof(float) ? 3e-6 : 1e-12;

/* A film of one sequence in arrays of its own. */
typedef struct film {
    om_sequence sequence;
    om_scenes scenes;
    float luminance[24 * COLUMNS], flow[24 * 2 * COLUMNS];
} film;

static void film_wrap(film *f, int frames)
{
    f->sequence = (om_sequence){.name = "test", .frames = frames};
    f->scenes = (om_scenes){.extent = EXTENT,
                            .n_columns = COLUMNS,
                            .frame_rate_hz = 24,
                            .n_sequences = 1,
                            .n_training = 1,
                            .n_frames = (size_t)frames,
                            .sequences = &f->sequence,
                            .luminance = f->luminance,
                            .flow = f->flow};
}

static void film_read(film *f, hid_t file)
{
    size_t n, n_flow;
    double *luminance = films_read(file, "luminance", &n);
    double *flow = films_read(file, "flow", &n_flow);
    assert_true(n <= sizeof f->luminance / sizeof(float) && n_flow == 2 * n);
    films_to_float(luminance, n, f->luminance);
    films_to_float(flow, n_flow, f->flow);
    free(luminance);
    free(flow);
    film_wrap(f, (int)(n / COLUMNS));
}

/* A film without symmetry, for tests that need no reference. */
static void film_make(film *f)
{
    for (int i = 0; i < 24 * COLUMNS; i++) f->luminance[i] = (float)(0.5 + 0.5 * sin(i * 0.37));
    for (int i = 0; i < 24 * 2 * COLUMNS; i++) f->flow[i] = (float)(3 * sin(i * 0.11));
    film_wrap(f, 24);
}

static om_batcher *make_batcher(const film *f, om_resampling kind, int frames, double dt_s,
                                bool augment)
{
    om_batch_options options = {.augment = {augment, 0.08, 0.2, 0.1, 0.5, 0.5},
                                .resampling = kind,
                                .frames = frames,
                                .dt_s = dt_s};
    om_batcher *batcher;
    assert_int_equal(om_batcher_create(&f->scenes, &options, &batcher), OM_OK);
    return batcher;
}

static void test_steps_are_counted_in_integers(void **state)
{
    (void)state;
    assert_int_equal(om_resampled_steps(19, 24, 0.02), 40);
    assert_int_equal(om_resampled_steps(60, 24, 0.02), 125); /* floating point gives 126 */
    assert_int_equal(om_resampled_steps(30, 24, 0.01), 125);
    assert_int_equal(om_resampled_steps(60, 24, 0.005), 500);
    assert_int_equal(om_resampled_steps(5, 24, 1.0 / 24), 5);
    assert_int_equal(om_resampled_steps(1, 24, 0.05), 1);
    assert_int_equal(om_resampled_steps(24, 24, 0.3), 4); /* 1/dt is no integer: 1 s / 0.3 s */
    assert_int_equal(om_resampled_steps(10, 23.976, 0.02), 21);
}

static void test_worked_example_of_both_variants(void **state)
{
    (void)state;
    const int package[40] = {0,  0,  1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,
                             6,  7,  7,  8,  8,  9,  9,  10, 10, 11, 11, 12, 12, 13,
                             13, 14, 14, 14, 15, 15, 16, 16, 17, 17, 18, 18};
    const int paper[40] = {0,  0,  0,  1,  1,  2,  2,  3,  3,  4,  4,  5,  5,  6,
                           6,  7,  7,  8,  8,  9,  9,  10, 10, 11, 11, 12, 12, 12,
                           13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 18, 18};
    for (int k = 0; k < 40; k++) {
        assert_int_equal(om_resample_nearest(OM_RESAMPLE_PACKAGE, k, 19, 40, 24, 0.02), package[k]);
        assert_int_equal(om_resample_nearest(OM_RESAMPLE_PAPER, k, 19, 40, 24, 0.02), paper[k]);
    }
    const struct {
        om_resampling kind;
        int k, frame;
        double weight;
    } flow[] = {{OM_RESAMPLE_PACKAGE, 1, 0, 18.0 / 39}, {OM_RESAMPLE_PACKAGE, 38, 17, 21.0 / 39},
                {OM_RESAMPLE_PACKAGE, 39, 18, 0},       {OM_RESAMPLE_PAPER, 0, 0, 0},
                {OM_RESAMPLE_PAPER, 1, 0, 0.2125},      {OM_RESAMPLE_PAPER, 2, 0, 0.6875},
                {OM_RESAMPLE_PAPER, 38, 17, 0.7875},    {OM_RESAMPLE_PAPER, 39, 18, 0}};
    for (size_t i = 0; i < sizeof flow / sizeof *flow; i++) {
        int frame;
        double weight;
        om_resample_linear(flow[i].kind, flow[i].k, 19, 40, &frame, &weight);
        assert_int_equal(frame, flow[i].frame);
        assert_true(fabs(weight - flow[i].weight) < 1e-12);
    }
}

static void test_exact_hits_do_not_fall_short(void **state)
{
    (void)state;
    /* 25 * 24 * 0.02 = 12 exactly; floating point has 11.99.. */
    assert_int_equal(om_resample_nearest(OM_RESAMPLE_PAPER, 25, 19, 40, 24, 0.02), 12);
    assert_int_equal(om_resample_nearest(OM_RESAMPLE_PAPER, 10, 24, 10, 24, 0.1), 23); /* clamped */
    int frame;
    double weight;
    om_resample_linear(OM_RESAMPLE_PACKAGE, 0, 1, 1, &frame, &weight);
    assert_true(frame == 0 && weight == 0);
}

/* One group of a reference file: luminance and flow of an unaugmented crop. */
static void compare_resampled(hid_t file, const char *group, const film *f, om_resampling kind,
                              int start, int frames, double rate)
{
    char path[96];
    size_t n, n_flow;
    snprintf(path, sizeof path, "%s/luminance", group);
    double *luminance = films_read(file, path, &n);
    snprintf(path, sizeof path, "%s/flow", group);
    double *flow = films_read(file, path, &n_flow);

    om_batcher *b = make_batcher(f, kind, frames, 1 / rate, false);
    om_real seen[MOST_STEPS * COLUMNS], moved[MOST_STEPS * 2 * COLUMNS];
    assert_int_equal(om_batcher_steps(b), n / COLUMNS);
    om_augmentation crop = {.start = start, .contrast = 1};
    om_batcher_apply(b, 0, &crop, NULL, seen, moved);
    ASSERT_NEAR_ARRAY(seen, luminance, n, 0.0);
    ASSERT_NEAR_ARRAY(moved, flow, n_flow, real_tolerance);
    om_batcher_free(b);
    free(luminance);
    free(flow);
}

static void test_both_variants_equal_the_reference(void **state)
{
    (void)state;
    static film f;
    hid_t file = films_open(RESAMPLE_FILE);
    film_read(&f, file);
    for (int i = 0; i < 8; i++) {
        char group[32];
        snprintf(group, sizeof group, "case%d", i);
        int start = (int)films_attribute(file, group, "start");
        int frames = (int)films_attribute(file, group, "n_frames");
        double rate = films_attribute(file, group, "target_rate");
        snprintf(group, sizeof group, "case%d/package", i);
        compare_resampled(file, group, &f, OM_RESAMPLE_PACKAGE, start, frames, rate);
        snprintf(group, sizeof group, "case%d/paper", i);
        compare_resampled(file, group, &f, OM_RESAMPLE_PAPER, start, frames, rate);
    }
    H5Fclose(file);
}

static void test_resampling_of_the_augmentation_file(void **state)
{
    (void)state;
    static film f;
    hid_t file = films_open(AUGMENT_FILE);
    film_read(&f, file);
    for (int i = 0; i < 6; i++) {
        char group[32];
        snprintf(group, sizeof group, "resample%d", i);
        compare_resampled(file, group, &f, OM_RESAMPLE_PACKAGE, 0,
                          (int)films_attribute(file, group, "n_frames"),
                          films_attribute(file, group, "target_rate"));
    }
    H5Fclose(file);
}

/* Symmetry of frame 0, at the film's own rate so that nothing is resampled. */
static void compare_symmetry(hid_t file, const film *f, const char *group, int flip, int rotation)
{
    om_batcher *b = make_batcher(f, OM_RESAMPLE_PACKAGE, 19, 1.0 / 24, false);
    om_real seen[19 * COLUMNS], moved[19 * 2 * COLUMNS];
    om_augmentation turned = {.flip = flip, .rotation = rotation, .contrast = 1};
    om_batcher_apply(b, 0, &turned, NULL, seen, moved);
    char path[64];
    size_t n;
    snprintf(path, sizeof path, "%s/flow0", group);
    double *expected = films_read(file, path, &n);
    ASSERT_NEAR_ARRAY(moved, expected, n, real_tolerance);
    free(expected);
    if (flip == 0 || rotation == 0) { /* the file has luminance for single operations only */
        snprintf(path, sizeof path, "%s/luminance0", group);
        expected = films_read(file, path, &n);
        ASSERT_NEAR_ARRAY(seen, expected, n, 0.0);
        free(expected);
    }
    om_batcher_free(b);
}

static void test_flips_and_rotations_equal_the_reference(void **state)
{
    (void)state;
    static film f;
    hid_t file = films_open(AUGMENT_FILE);
    film_read(&f, file);
    char group[32];
    for (int flip = 1; flip <= 3; flip++) {
        snprintf(group, sizeof group, "flip%d", flip);
        compare_symmetry(file, &f, group, flip, 0);
        for (int rotation = 1; rotation <= 4; rotation += 3) {
            snprintf(group, sizeof group, "flip%d_rotate%d", flip, rotation);
            compare_symmetry(file, &f, group, flip, rotation);
        }
    }
    for (int rotation = 1; rotation <= 5; rotation++) {
        snprintf(group, sizeof group, "rotate%d", rotation);
        compare_symmetry(file, &f, group, 0, rotation);
    }
    H5Fclose(file);
}

static void test_contrast_and_noise_equal_the_reference(void **state)
{
    (void)state;
    static film f;
    hid_t file = films_open(AUGMENT_FILE);
    film_read(&f, file);
    const double jitter[3][2] = {{1.3, -0.1}, {0.7, 0.15}, {2.5, -0.3}};
    om_real x[3 * COLUMNS];
    size_t n;
    for (int j = 0; j < 3; j++) {
        char path[32];
        snprintf(path, sizeof path, "jitter%d/luminance", j);
        double *expected = films_read(file, path, &n);
        for (size_t i = 0; i < n; i++) x[i] = (om_real)f.luminance[i];
        om_augment_contrast((int)n, jitter[j][0], jitter[j][1], x);
        ASSERT_NEAR_ARRAY(x, expected, n, real_tolerance);
        free(expected);
    }
    double *expected = films_read(file, "noise/luminance", &n);
    double *normal = films_read(file, "noise/standard_normal", &n);
    float z[3 * COLUMNS];
    films_to_float(normal, n, z);
    for (size_t i = 0; i < n; i++) x[i] = (om_real)f.luminance[i];
    om_augment_noise((int)n, 0.3, z, x);
    ASSERT_NEAR_ARRAY(x, expected, n, 1e-6); /* the normals were rounded to single precision */
    free(expected);
    free(normal);
    H5Fclose(file);
}

static void test_full_chain_equals_the_reference(void **state)
{
    (void)state;
    static film f;
    hid_t file = films_open(AUGMENT_FILE);
    film_read(&f, file);
    size_t n, n_flow;
    double *luminance = films_read(file, "chain/luminance", &n);
    double *flow = films_read(file, "chain/flow", &n_flow);
    om_batcher *b = make_batcher(&f, OM_RESAMPLE_PACKAGE, 12, 0.02, false);
    om_real seen[25 * COLUMNS], moved[25 * 2 * COLUMNS];
    assert_int_equal(n, 25 * COLUMNS);
    om_augmentation all = {
        .start = 3, .flip = 2, .rotation = 4, .contrast = 1.2, .brightness = 0.05};
    om_batcher_apply(b, 0, &all, NULL, seen, moved);
    ASSERT_NEAR_ARRAY(seen, luminance, n, real_tolerance);
    ASSERT_NEAR_ARRAY(moved, flow, n_flow, real_tolerance);
    om_batcher_free(b);
    free(luminance);
    free(flow);
    H5Fclose(file);
}

/* The batcher's noise, written out: before contrast, before the symmetry, clamped twice, the same on
 * repeated frames, and drawn per column and frame from the sample's own stream. */
static void test_noise_comes_first_and_stays_with_its_frame(void **state)
{
    (void)state;
    static film f;
    film_make(&f);
    om_batcher *b = make_batcher(&f, OM_RESAMPLE_PAPER, 19, 0.02, true);
    om_stream stream = {.seed = 5, .model = 2, .iteration = 7, .sample = 1};
    om_real seen[40 * COLUMNS], moved[40 * 2 * COLUMNS];
    om_batcher_sample(b, 0, &stream, seen, moved);

    om_augment_options options = {true, 0.08, 0.2, 0.1, 0.5, 0.5};
    om_augmentation a = om_augmentation_draw(&options, &stream, 24, 19);
    int source[COLUMNS];
    om_lattice_symmetry(EXTENT, a.flip, a.rotation, source, NULL);
    stream.purpose = OM_FOR_NOISE;
    for (int k = 0; k < 40; k++) {
        int frame = om_resample_nearest(OM_RESAMPLE_PAPER, k, 19, 40, 24, 0.02);
        for (int i = 0; i < COLUMNS; i++) {
            float z;
            om_random_normals(&stream, (uint32_t)(frame * COLUMNS + source[i]), 1, &z);
            double x = (double)f.luminance[(a.start + frame) * COLUMNS + source[i]];
            x = fmax(0, x + 0.08 * (double)z);
            x = fmax(0, a.contrast * (x - 0.5) + 0.5 + a.contrast * a.brightness);
            assert_true(fabs((double)seen[k * COLUMNS + i] - x) < 2e-6);
        }
    }
    om_batcher_free(b);
}

static void test_draws_are_spread_as_stated(void **state)
{
    (void)state;
    enum { N = 6000 };
    om_augment_options options = {true, 0.08, 0.2, 0.1, 0.5, 0.5};
    int flips[4] = {0}, rotations[6] = {0}, starts[6] = {0};
    double log_contrast = 0, log_contrast2 = 0, brightness2 = 0;
    for (uint32_t i = 0; i < N; i++) {
        om_stream stream = {.seed = 1, .iteration = i};
        om_augmentation a = om_augmentation_draw(&options, &stream, 24, 19);
        assert_in_range(a.start, 0, 5);
        assert_in_range(a.flip, 0, 3);
        assert_in_range(a.rotation, 0, 5);
        flips[a.flip]++;
        rotations[a.rotation]++;
        starts[a.start]++;
        log_contrast += log(a.contrast);
        log_contrast2 += log(a.contrast) * log(a.contrast);
        brightness2 += a.brightness * a.brightness;
    }
    assert_in_range(flips[0], N / 2 - 200, N / 2 + 200);
    assert_in_range(rotations[0], N / 2 - 200, N / 2 + 200);
    for (int i = 1; i < 4; i++) assert_in_range(flips[i], N / 6 - 150, N / 6 + 150);
    for (int i = 1; i < 6; i++) assert_in_range(rotations[i], N / 10 - 120, N / 10 + 120);
    for (int i = 0; i < 6; i++) assert_in_range(starts[i], N / 6 - 150, N / 6 + 150);
    assert_true(fabs(log_contrast / N) < 0.01);
    assert_true(fabs(sqrt(log_contrast2 / N) - 0.2) < 0.01);
    assert_true(fabs(sqrt(brightness2 / N) - 0.1) < 0.005);
}

static void test_sample_depends_on_its_stream_and_on_nothing_else(void **state)
{
    (void)state;
    static film f;
    film_make(&f);
    om_batcher *b = make_batcher(&f, OM_RESAMPLE_PACKAGE, 19, 0.02, true);
    om_real first[40 * COLUMNS], again[40 * COLUMNS], moved[40 * 2 * COLUMNS];
    om_stream stream = {.seed = 5, .model = 2, .iteration = 7, .sample = 1};
    om_batcher_sample(b, 0, &stream, first, moved);
    const om_stream others[] = {{6, 2, 0, 7, 1}, {5, 3, 0, 7, 1}, {5, 2, 0, 8, 1}, {5, 2, 0, 7, 2}};
    for (int i = 0; i < 4; i++) {
        om_batcher_sample(b, 0, &others[i], again, moved);
        assert_memory_not_equal(again, first, sizeof first);
    }
    stream.purpose = OM_FOR_ORDER; /* ignored */
    om_batcher_sample(b, 0, &stream, again, moved);
    assert_memory_equal(again, first, sizeof first);
    om_batcher_free(b);
}

static void test_validation_is_the_film_itself(void **state)
{
    (void)state;
    static film f;
    film_make(&f);
    om_batcher *b = make_batcher(&f, OM_RESAMPLE_PACKAGE, 24, 1.0 / 24, true);
    om_real seen[24 * COLUMNS], moved[24 * 2 * COLUMNS];
    om_batcher_sample(b, 0, NULL, seen, moved);
    for (int i = 0; i < 24 * COLUMNS; i++) assert_true(seen[i] == (om_real)f.luminance[i]);
    for (int i = 0; i < 24 * 2 * COLUMNS; i++) assert_true(moved[i] == (om_real)f.flow[i]);
    om_batcher_free(b);
}

static void test_bad_options_are_refused(void **state)
{
    (void)state;
    static film f;
    film_make(&f);
    const om_batch_options good = {{true, 0.08, 0.2, 0.1, 0.5, 0.5}, OM_RESAMPLE_PAPER, 19, 0.02};
    om_batcher *b;
    om_batch_options bad = good;
    bad.frames = 25;
    assert_int_equal(om_batcher_create(&f.scenes, &bad, &b), OM_EDATA);
    assert_null(b);
    assert_non_null(strstr(om_message(), "sequence test has 24 frames: expected at least 25"));
    bad.frames = 0;
    assert_int_equal(om_batcher_create(&f.scenes, &bad, &b), OM_EUSAGE);
    bad = good;
    bad.dt_s = NAN;
    assert_int_equal(om_batcher_create(&f.scenes, &bad, &b), OM_EUSAGE);
    bad.dt_s = 1e-9;
    assert_int_equal(om_batcher_create(&f.scenes, &bad, &b), OM_EUSAGE);
    bad = good;
    bad.augment.flip = 1.5;
    assert_int_equal(om_batcher_create(&f.scenes, &bad, &b), OM_EUSAGE);
    assert_non_null(strstr(om_message(), "flip 1.5"));
    bad = good;
    bad.augment.noise_std = -0.1;
    assert_int_equal(om_batcher_create(&f.scenes, &bad, &b), OM_EUSAGE);
    om_batcher_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_counted_in_integers),
        cmocka_unit_test(test_worked_example_of_both_variants),
        cmocka_unit_test(test_exact_hits_do_not_fall_short),
        cmocka_unit_test(test_both_variants_equal_the_reference),
        cmocka_unit_test(test_resampling_of_the_augmentation_file),
        cmocka_unit_test(test_flips_and_rotations_equal_the_reference),
        cmocka_unit_test(test_contrast_and_noise_equal_the_reference),
        cmocka_unit_test(test_full_chain_equals_the_reference),
        cmocka_unit_test(test_noise_comes_first_and_stays_with_its_frame),
        cmocka_unit_test(test_draws_are_spread_as_stated),
        cmocka_unit_test(test_sample_depends_on_its_stream_and_on_nothing_else),
        cmocka_unit_test(test_validation_is_the_film_itself),
        cmocka_unit_test(test_bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
