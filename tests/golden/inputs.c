/* What a network sees: augment*.h5, resample*.h5 and eye*.h5. Samples come from the batcher as they do
 * in training, with the draws that the file names instead of random ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "scenes/batcher.h"
#include "scenes/eye.h"
#include "train/optimiser.h"

enum { FRAME_RATE = 24, PATH = 128 };

/* Values that are computed in double precision in every build. */
static const double double_limit = 1e-13;

enum { MANY = 10000000 /* iterations: no training takes more */ };

/* ---- options and films of a file ---- */

static double check_finite(check *c, const char *object, const char *name)
{
    return check_option(c, object, name, -1e6, 1e6);
}

/* Hz. */
static double check_rate(check *c, const char *object, const char *name)
{
    return check_option(c, object, name, 1, 1e4);
}

/* Frames of a part of the only film, and where it may start. */
static int check_frames(check *c, const om_scenes *scenes, const char *object)
{
    return check_integer(c, object, "n_frames", 1, scenes->sequences[0].frames);
}

static int check_start(check *c, const om_scenes *scenes, const char *object, int frames)
{
    return check_integer(c, object, "start", 0, scenes->sequences[0].frames - frames);
}

/* The file's luminance [frame][column] and flow [frame][2][column] as scenes of one sequence. */
static om_scenes *film_of(check *c, int extent, double frame_rate_hz)
{
    const int frames = check_integer(c, "/", "frames", 1, CHECK_MOST);
    const int n = check_times(c, frames, om_lattice_columns(extent));
    double *luminance = check_read(c, n, NULL, "luminance");
    double *flow = check_read(c, check_times(c, 2, n), NULL, "flow");
    om_sequence sequence = {.name = "reference", .frames = frames};
    om_scenes *scenes = NULL;
    if (luminance != NULL && flow != NULL &&
        check_ok(c, om_scenes_create(&sequence, 1, extent, frame_rate_hz, &scenes)) &&
        check_ok(c, om_scenes_place(scenes, NULL))) {
        for (int i = 0; i < n; i++) scenes->luminance[i] = (float)luminance[i];
        for (int i = 0; i < 2 * n; i++) scenes->flow[i] = (float)flow[i];
    }
    free(luminance);
    free(flow);
    return scenes;
}

/* A sample of the film with given draws; free both arrays. */
typedef struct sample {
    int steps;
    om_real *luminance, *flow; /* [steps][n_columns], [steps][2][n_columns] */
} sample;

static bool take(check *c, const om_scenes *scenes, const om_batch_options *options,
                 const om_augmentation *draws, sample *s)
{
    om_batcher *batcher;
    if (!check_ok(c, om_batcher_create(scenes, options, &batcher))) return false;
    s->steps = om_batcher_steps(batcher);
    int n = s->steps * scenes->n_columns;
    double *zeros = check_zeros(2 * n);
    s->luminance = check_reals(n, zeros);
    s->flow = check_reals(2 * n, zeros);
    om_batcher_apply(batcher, 0, draws, NULL, s->luminance, s->flow);
    om_batcher_free(batcher);
    free(zeros);
    return true;
}

/* Compares a sample with the datasets GROUP/LUMINANCE and GROUP/FLOW; either name may be NULL. */
static void compare_sample(check *c, const om_scenes *scenes, const om_batch_options *options,
                           const om_augmentation *draws, const char *group, const char *luminance,
                           const char *flow)
{
    sample s;
    if (!take(c, scenes, options, draws, &s)) return;
    int n = s.steps * scenes->n_columns;
    double *x = check_doubles(n, s.luminance), *y = check_doubles(2 * n, s.flow);
    bool moved_only = draws->contrast == 1 && draws->brightness == 0;
    if (luminance != NULL && moved_only)
        check_exact_dataset(c, n, x, "%s/%s", group, luminance);
    else if (luminance != NULL)
        check_dataset(c, n, x, check_limit(CHECK_FORWARD), "%s/%s", group, luminance);
    if (flow != NULL) check_dataset(c, 2 * n, y, check_limit(CHECK_FORWARD), "%s/%s", group, flow);
    free(x);
    free(y);
    free(s.luminance);
    free(s.flow);
}

static void compare_columns(check *c, int extent)
{
    const int n = om_lattice_columns(extent);
    double *u = check_zeros(n), *v = check_zeros(n);
    for (int i = 0; i < n; i++) {
        int a, b;
        om_lattice_coordinates(extent, i, &a, &b);
        u[i] = a;
        v[i] = b;
    }
    check_exact_dataset(c, n, u, "u");
    check_exact_dataset(c, n, v, "v");
    free(u);
    free(v);
}

/* ---- augment*.h5 ---- */

/* Permutation, matrix, and the first frame after them. */
static void compare_symmetry(check *c, const om_scenes *scenes, int flip, int rotation)
{
    const om_batch_options options = {.frames = 1, .dt_s = 1.0 / FRAME_RATE};
    const om_augmentation draws = {.flip = flip, .rotation = rotation, .contrast = 1};
    const int n = scenes->n_columns;
    const bool both = flip > 0 && rotation > 0;
    char group[PATH];
    if (both)
        snprintf(group, sizeof group, "flip%d_rotate%d", flip, rotation);
    else
        snprintf(group, sizeof group, flip > 0 ? "flip%d" : "rotate%d", flip + rotation);
    if (!check_has(c, "%s", group)) return;
    int source[n];
    double matrix[2][2], *permutation = check_zeros(n);
    om_lattice_symmetry(scenes->extent, flip, rotation, source, matrix);
    for (int i = 0; i < n; i++) permutation[i] = source[i];
    if (!both) check_exact_dataset(c, n, permutation, "%s/permutation", group);
    if (!both) check_dataset(c, 4, matrix[0], double_limit, "%s/matrix", group);
    compare_sample(c, scenes, &options, &draws, group, both ? NULL : "luminance0", "flow0");
    free(permutation);
}

static void compare_jitter(check *c, const om_scenes *scenes)
{
    char group[PATH];
    for (int i = 0; snprintf(group, sizeof group, "jitter%d", i), check_has(c, "%s", group); i++) {
        const om_batch_options options = {.frames = 3, .dt_s = 1.0 / FRAME_RATE};
        const om_augmentation draws = {.contrast = check_finite(c, group, "contrast"),
                                       .brightness = check_finite(c, group, "brightness")};
        compare_sample(c, scenes, &options, &draws, group, "luminance", NULL);
    }
}

/* The library's normal numbers are single precision in every build. */
static void compare_noise(check *c, const om_scenes *scenes)
{
    int n;
    double *normal = check_read(c, -1, &n, "noise/standard_normal");
    if (normal == NULL) return;
    if (n > scenes->sequences[0].frames * scenes->n_columns)
        check_give_up(c, "noise/standard_normal: more numbers than the film has");
    float *z = calloc((size_t)n + 1, sizeof *z);
    double *film = check_zeros(n);
    for (int i = 0; z != NULL && i < n; i++) {
        z[i] = (float)normal[i];
        film[i] = (double)scenes->luminance[i];
    }
    om_real *luminance = check_reals(n, film);
    if (z != NULL) om_augment_noise(n, check_finite(c, "noise", "std"), z, luminance);
    double *actual = check_doubles(n, luminance);
    check_dataset(c, n, actual, check_limit(CHECK_STORED), "noise/luminance");
    free(normal);
    free(z);
    free(film);
    free(luminance);
    free(actual);
}

/* Source frames of all steps. */
static void compare_frames(check *c, om_resampling kind, const char *group, int frames,
                           double frame_rate_hz, double dt_s)
{
    int steps = om_resampled_steps(frames, frame_rate_hz, dt_s);
    double *frame = check_zeros(steps);
    for (int k = 0; k < steps; k++)
        frame[k] = om_resample_nearest(kind, k, frames, steps, frame_rate_hz, dt_s);
    check_exact_dataset(c, steps, frame, "%s/indices", group);
    free(frame);
}

static void compare_resampling(check *c, const om_scenes *scenes)
{
    char group[PATH];
    for (int i = 0; snprintf(group, sizeof group, "resample%d", i), check_has(c, "%s", group);
         i++) {
        const om_batch_options options = {.frames = check_frames(c, scenes, group),
                                          .dt_s = 1 / check_rate(c, group, "target_rate")};
        const om_augmentation draws = {.contrast = 1};
        compare_frames(c, options.resampling, group, options.frames, FRAME_RATE, options.dt_s);
        compare_sample(c, scenes, &options, &draws, group, "luminance", "flow");
    }
}

/* Everything at once. The rate after resampling is in words only: 50 Hz, as the file's steps say. */
static void compare_chain(check *c, const om_scenes *scenes)
{
    const om_batch_options options = {.frames = check_frames(c, scenes, "chain"), .dt_s = 0.02};
    const om_augmentation draws = {.start = check_start(c, scenes, "chain", options.frames),
                                   .flip = check_integer(c, "chain", "flip_axis", 0, 3),
                                   .rotation = check_integer(c, "chain", "n_rot", 0, 5),
                                   .contrast = check_finite(c, "chain", "contrast"),
                                   .brightness = check_finite(c, "chain", "brightness")};
    compare_sample(c, scenes, &options, &draws, "chain", "luminance", "flow");
}

void check_augment(check *c)
{
    int extent = check_extent(c, "/");
    om_scenes *scenes = film_of(c, extent, FRAME_RATE);
    if (scenes == NULL) return;
    compare_columns(c, extent);
    for (int flip = 0; flip < 4; flip++)
        for (int rotation = 0; rotation < 6; rotation++)
            if (flip + rotation > 0) compare_symmetry(c, scenes, flip, rotation);
    compare_jitter(c, scenes);
    compare_noise(c, scenes);
    compare_resampling(c, scenes);
    compare_chain(c, scenes);
    om_scenes_free(scenes);
}

/* ---- resample*.h5: both profiles ---- */

static const struct profile {
    const char *name;
    om_resampling resampling;
} profiles[] = {{"package", OM_RESAMPLE_PACKAGE}, {"paper", OM_RESAMPLE_PAPER}};

static void compare_positions(check *c, om_resampling kind, const char *group, int frames,
                              int steps)
{
    double *position = check_zeros(steps);
    for (int k = 0; k < steps; k++) {
        int frame;
        double weight;
        om_resample_linear(kind, k, frames, steps, &frame, &weight);
        position[k] = frame + weight;
    }
    check_dataset(c, steps, position, double_limit, "%s/flow_position", group);
    free(position);
}

static void compare_cases(check *c, const om_scenes *scenes)
{
    char outer[PATH / 2], group[PATH];
    for (int i = 0; snprintf(outer, sizeof outer, "case%d", i), check_has(c, "%s", outer); i++)
        for (int p = 0; p < 2; p++) {
            const om_batch_options options = {.resampling = profiles[p].resampling,
                                              .frames = check_frames(c, scenes, outer),
                                              .dt_s = check_option(c, outer, "dt", 1e-6, 1)};
            const om_augmentation draws = {.start = check_start(c, scenes, outer, options.frames),
                                           .contrast = 1};
            check_only(c, outer, "source_rate", scenes->frame_rate_hz);
            if (fabs(check_rate(c, outer, "target_rate") * options.dt_s - 1) > double_limit)
                check_give_up(c, "%s: dt is not 1 / target_rate", outer);
            double rate = scenes->frame_rate_hz;
            int steps = om_resampled_steps(options.frames, rate, options.dt_s);
            snprintf(group, sizeof group, "%s/%s", outer, profiles[p].name);
            compare_frames(c, options.resampling, group, options.frames, rate, options.dt_s);
            compare_positions(c, options.resampling, group, options.frames, steps);
            compare_sample(c, scenes, &options, &draws, group, "luminance", "flow");
        }
}

/* The file's learning rates: as many levels as it lists, from the first to the last. stop_iter and
 * n_iters are attributes of `group`. */
static bool read_schedule(check *c, const char *levels, const char *group, om_train_options *o)
{
    int n;
    double *level = check_read(c, -1, &n, "%s", levels);
    if (level == NULL) return false;
    *o = (om_train_options){.learning_rate = {level[0], level[n - 1]},
                            .rate_steps = n,
                            .iterations = (uint64_t)check_integer(c, group, "n_iters", 1, MANY),
                            .schedule_stop =
                                (uint64_t)check_integer(c, group, "stop_iter", 1, MANY)};
    free(level);
    if (o->schedule_stop == o->iterations) o->schedule_stop = 0; /* as the profile has it */
    return true;
}

/* Levels, and the iterations where they change if the rate may change every `every` iterations. */
static void compare_steps(check *c, const om_train_options *o, const char *group,
                          const char *breakpoints, uint64_t every)
{
    double *levels = check_zeros(o->rate_steps), *breaks = check_zeros(o->rate_steps), last = 0;
    int n = 0;
    for (uint64_t k = 0; k < o->iterations; k += every) {
        double rate = om_learning_rate(o, o->iterations, k);
        if (fabs(rate - last) <= double_limit * rate) continue;
        if (n < o->rate_steps) {
            levels[n] = rate;
            breaks[n] = (double)k;
        }
        last = rate;
        n++;
    }
    if (n != o->rate_steps) check_wrong(c, "%s: %d levels, expected %d", group, n, o->rate_steps);
    if (every == 1) check_dataset(c, o->rate_steps, levels, double_limit, "%s/levels", group);
    check_exact_dataset(c, o->rate_steps - 1, breaks + 1, "%s/%s", group, breakpoints);
    free(levels);
    free(breaks);
}

static void compare_schedule(check *c, const char *group, uint64_t pass)
{
    om_train_options o;
    char levels[2 * PATH];
    int n;
    snprintf(levels, sizeof levels, "%s/levels", group);
    double *at = check_read(c, -1, &n, "schedule/iterations"), mean = 0;
    if (at == NULL || !read_schedule(c, levels, group, &o)) {
        free(at);
        return;
    }
    double *value = check_zeros(n), *in_force = check_zeros(n);
    for (int i = 0; i < n; i++) {
        uint64_t k = (uint64_t)at[i];
        value[i] = om_learning_rate(&o, o.iterations, k);
        in_force[i] = om_learning_rate(&o, o.iterations, k / pass * pass);
    }
    for (uint64_t k = 0; k < o.iterations; k++) mean += om_learning_rate(&o, o.iterations, k);
    mean /= (double)o.iterations;
    check_dataset(c, n, value, double_limit, "%s/value", group);
    check_dataset(c, n, in_force, double_limit, "%s/in_force", group);
    compare_steps(c, &o, group, "breakpoints", 1);
    compare_steps(c, &o, group, "breakpoints_in_force", pass);
    check_dataset(c, 1, &mean, 1e-10, "%s/mean", group);
    free(at);
    free(value);
    free(in_force);
}

static void compare_small_schedules(check *c)
{
    char group[PATH];
    for (int i = 0;
         snprintf(group, sizeof group, "schedule_small/case%d", i), check_has(c, "%s", group);
         i++) {
        om_train_options o;
        if (!read_schedule(c, "schedule/package/levels", group, &o)) return;
        uint64_t stop = o.schedule_stop > 0 ? o.schedule_stop : o.iterations;
        if (stop < (uint64_t)o.rate_steps) {
            check_skip(c, "%s: fewer iterations than levels: there the library differs on purpose",
                       group);
            free(check_read(c, -1, NULL, "%s/array", group));
            continue;
        }
        double *array = check_zeros((int)o.iterations + 1);
        for (uint64_t k = 0; k <= o.iterations; k++)
            array[k] = om_learning_rate(&o, o.iterations, k);
        check_dataset(c, (int)o.iterations + 1, array, double_limit, "%s/array", group);
        free(array);
    }
}

/* Moments of checks of a training with `pass` sequences, one to a batch. */
static void compare_checkpoints(check *c, const char *group, int pass)
{
    const om_train_options o = {.iterations = (uint64_t)check_integer(c, group, "n_iters", 1, MANY),
                                .whole_passes = true,
                                .batch_size = 1,
                                .validate_every_passes =
                                    (uint64_t)check_integer(c, group, "every_pass", 1, MANY),
                                .record_every = 1000};
    const om_scenes scenes = {.n_training = pass, .n_validation = 1};
    om_circuit *circuit;
    om_state_layout layout;
    char quantity[2 * PATH];
    double run = check_finite(c, group, "iterations_run");
    double passes = check_finite(c, group, "passes");
    if (!check_ok(c, om_circuit_open("motion-pathway", 1, &circuit))) return;
    if (check_ok(c, om_state_layout_of(circuit, &scenes, &o, &layout))) {
        double *done = check_zeros(layout.n_checks), iterations = (double)layout.iterations;
        for (int i = 0; i < layout.n_checks; i++)
            done[i] = (double)om_check_iteration(&layout, &o, i);
        snprintf(quantity, sizeof quantity, "%s iterations_run", group);
        check_exact(c, quantity, 1, &iterations, &run);
        run = passes * pass;
        snprintf(quantity, sizeof quantity, "%s passes", group);
        check_exact(c, quantity, 1, &iterations, &run);
        check_exact_dataset(c, layout.n_checks, done, "%s/iterations_done", group);
        free(done);
    }
    om_circuit_free(circuit);
}

void check_resample(check *c)
{
    char group[PATH];
    int extent = check_extent(c, "/");
    int pass = check_integer(c, "/", "iterations_per_pass", 1, CHECK_MOST);
    om_scenes *scenes = film_of(c, extent, check_rate(c, "/", "source_rate"));
    if (scenes == NULL) return;
    compare_columns(c, extent);
    compare_cases(c, scenes);
    for (int p = 0; p < 2; p++) {
        snprintf(group, sizeof group, "schedule/%s", profiles[p].name);
        compare_schedule(c, group, (uint64_t)pass);
        snprintf(group, sizeof group, "checkpoints/%s", profiles[p].name);
        compare_checkpoints(c, group, pass);
    }
    compare_small_schedules(c);
    om_scenes_free(scenes);
}

/* ---- eye*.h5: images are single precision in every build ---- */

typedef struct eye {
    int extent, spacing, rows, columns, n; /* n: columns of the lattice */
} eye;

/* One image through the eye, as doubles; NULL, and reported, if it fails. */
static double *see(check *c, const eye *e, const double *image, double unit, om_eye_filter filter)
{
    int pixels = e->rows * e->columns;
    float *in = calloc((size_t)pixels, sizeof *in), *out = calloc((size_t)e->n, sizeof *out);
    double *seen = NULL;
    if (in != NULL && out != NULL) {
        for (int i = 0; i < pixels; i++) in[i] = (float)(image[i] / unit);
        if (check_ok(c,
                     om_eye_render(in, e->rows, e->columns, e->extent, e->spacing, filter, out))) {
            seen = check_zeros(e->n);
            for (int i = 0; i < e->n; i++) seen[i] = (double)out[i];
        }
    }
    free(in);
    free(out);
    return seen;
}

static void compare_centres(check *c, const eye *e, const char *group)
{
    double *centres = check_zeros(2 * e->n);
    for (int i = 0; i < e->n; i++) {
        int u, v, row, column;
        om_lattice_coordinates(e->extent, i, &u, &v);
        om_eye_centre(e->spacing, u, v, &row, &column);
        centres[2 * i] = row;
        centres[2 * i + 1] = column;
    }
    check_exact_dataset(c, 2 * e->n, centres, "%s/centres", group);
    free(centres);
}

static void compare_image(check *c, const eye *e, const char *group)
{
    double *image = check_read(c, e->rows * e->columns, NULL, "%s/image", group);
    for (int f = 0; image != NULL && f < 3; f++) {
        static const char *const names[] = {
            [OM_EYE_MEAN] = "mean", [OM_EYE_SUM] = "sum", [OM_EYE_MEDIAN] = "median"};
        if (f == OM_EYE_MEDIAN && !check_has(c, "%s/median", group))
            continue; /* of odd boxes only */
        double *seen = see(c, e, image, 255, (om_eye_filter)f);
        if (seen != NULL)
            check_dataset(c, e->n, seen, check_limit(CHECK_STORED), "%s/%s", group, names[f]);
        free(seen);
    }
    free(image);
}

static void compare_flow_image(check *c, const eye *e, const char *group)
{
    int pixels = e->rows * e->columns;
    double *image = check_read(c, 2 * pixels, NULL, "%s/flow_image", group);
    double *both = check_zeros(2 * e->n);
    bool complete = image != NULL;
    for (int k = 0; complete && k < 2; k++) {
        double *seen = see(c, e, image + k * pixels, 1, OM_EYE_SUM);
        if (seen != NULL) memcpy(both + k * e->n, seen, (size_t)e->n * sizeof *both);
        complete = seen != NULL;
        free(seen);
    }
    if (complete) check_dataset(c, 2 * e->n, both, check_limit(CHECK_STORED), "%s/flow_sum", group);
    free(image);
    free(both);
}

void check_eye(check *c)
{
    char group[PATH];
    for (int letter = 'a'; letter <= 'z'; letter++) {
        snprintf(group, sizeof group, "case_%c", letter);
        if (!check_has(c, "%s", group)) continue;
        eye e = {.extent = check_extent(c, group),
                 .spacing = check_integer(c, group, "kernel_size", 1, CHECK_MOST),
                 .rows = check_integer(c, group, "height", 1, CHECK_MOST),
                 .columns = check_integer(c, group, "width", 1, CHECK_MOST)};
        e.n = om_lattice_columns(e.extent);
        compare_centres(c, &e, group);
        compare_image(c, &e, group);
        if (check_has(c, "%s/flow_image", group)) compare_flow_image(c, &e, group);
    }
}
