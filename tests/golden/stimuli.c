/* What the laboratory shows: stimuli.h5 (low edges, bars, flashes, courses at two time steps) and
 * stimuli_e*.h5 (the edges and flashes of the published analysis). Pixels, masks and numbers of frames
 * must be equal; the limit of what columns see is one for independent renderings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "golden/check.h"
#include "scenes/hex_eye.h"
#include "scenes/picture.h"

static const double most = 1e-2, rms = 2e-3;

enum { PATH = 64, LONG = 2 * PATH };

/* Frames of one edge or bar as doubles, [positions][n_columns]. */
static bool render(check *c, const om_hex_eye *eye, const om_moving *moving, double angle,
                   double intensity, double *out)
{
    int n = om_moving_offsets(moving) * eye->n_columns;
    float *frames = calloc((size_t)n, sizeof *frames);
    bool done =
        frames != NULL && check_ok(c, om_moving_render(eye, moving, angle, intensity, frames));
    for (int i = 0; done && i < n; i++) out[i] = (double)frames[i];
    free(frames);
    return done;
}

/* First and last position of a dataset of offsets; whether they are consecutive. */
static bool read_positions(check *c, const char *path, om_moving *moving)
{
    int n = 0;
    double *offsets = check_read(c, -1, &n, "%s", path);
    bool consecutive = offsets != NULL && n > 0;
    for (int i = 1; consecutive && i < n; i++) consecutive = offsets[i] == offsets[i - 1] + 1;
    if (consecutive) {
        moving->first = (int)offsets[0];
        moving->last = (int)offsets[n - 1];
    } else if (offsets != NULL)
        check_wrong(c, "%s: expected consecutive offsets", path);
    free(offsets);
    return consecutive;
}

/* Edges at all angles and intensities of a group. also: a second rendering, or NULL. */
static void compare_edges(check *c, const om_hex_eye *eye, om_moving edge, const char *rendered,
                          const char *also)
{
    int n_angles = 0, n_intensities = 0;
    double *angles = check_read(c, -1, &n_angles, "edge/angles");
    double *intensities = check_read(c, -1, &n_intensities, "edge/intensities");
    if (angles != NULL && intensities != NULL && read_positions(c, "edge/offsets", &edge)) {
        int each = om_moving_offsets(&edge) * eye->n_columns, n = n_angles * n_intensities * each;
        double *frames = check_zeros(n);
        bool done = true;
        for (int k = 0; done && k < n_angles * n_intensities; k++)
            done = render(c, eye, &edge, angles[k / n_intensities], intensities[k % n_intensities],
                          frames + k * each);
        for (int k = 0; done && k < 2; k++) {
            const char *name = k == 0 ? rendered : also;
            double *expected = name != NULL ? check_read(c, n, NULL, "%s", name) : NULL;
            if (expected != NULL) check_absolute(c, name, n, frames, expected, most, rms);
            free(expected);
        }
        free(frames);
    }
    free(angles);
    free(intensities);
}

static void compare_bars(check *c, const om_hex_eye *eye, double height)
{
    om_moving bar = OM_MOVING_BAR;
    int n_angles = 0, n_widths = 0;
    double *angles = check_read(c, -1, &n_angles, "bar/angles");
    double *widths = check_read(c, -1, &n_widths, "bar/widths");
    bar.height = height;
    if (angles != NULL && widths != NULL && read_positions(c, "bar/offsets", &bar)) {
        int each = om_moving_offsets(&bar) * eye->n_columns, n = n_angles * n_widths * each;
        double *frames = check_zeros(n), *expected = check_read(c, n, NULL, "bar/rendered");
        bool done = expected != NULL;
        for (int k = 0; done && k < n_angles * n_widths; k++) {
            bar.width = widths[k % n_widths];
            done = render(c, eye, &bar, angles[k / n_widths], 1, frames + k * each);
        }
        if (done) check_absolute(c, "bar/rendered", n, frames, expected, most, rms);
        free(frames);
        free(expected);
    }
    free(angles);
    free(widths);
}

/* The picture itself, before the eye: ON edge at position 3, 8 bits. */
static void compare_image(check *c, const char *name, int spacing, double height, double angle)
{
    om_moving edge = OM_MOVING_EDGE;
    edge.height = height;
    om_turn turn = om_turn_by(angle, spacing);
    om_picture picture = om_picture_make(&edge, spacing, 3, 1, turn.turned);
    double *pixels = check_zeros(turn.side * turn.side);
    for (int i = 0; i < turn.side * turn.side; i++) {
        om_gaze gaze = om_turn_gaze(&turn, i / turn.side, i % turn.side);
        double seen = om_picture_at(&picture, &turn, &gaze);
        pixels[i] = turn.turned ? seen : rint(255 * seen);
    }
    check_exact_dataset(c, turn.side * turn.side, pixels, "%s", name);
    free(pixels);
}

static void compare_pixels(check *c, const om_hex_eye *eye)
{
    double *n_pixels = check_zeros(eye->n_columns);
    for (int i = 0; i < eye->n_columns; i++) n_pixels[i] = eye->n_pixels[i];
    check_exact_dataset(c, eye->n_columns, n_pixels, "kernel_sum");
    free(n_pixels);
}

/* Speeds are part of names as Python prints them: 13.0, 2.4, 12.75. */
static void name_speed(double speed, char text[16])
{
    snprintf(text, 16, fabs(10 * speed - rint(10 * speed)) < 1e-9 ? "%.1f" : "%g", speed);
}

/* Offset indices during the stimulus, and numbers of frames; padded: of the slowest speed. */
static void compare_course(check *c, const char *group, double speed, const om_course *course,
                           int padded)
{
    char path[LONG], text[16], quantity[2 * LONG];
    name_speed(speed, text);
    snprintf(path, sizeof path, "%s/indices_speed_%s", group, text);
    double *indices = check_zeros(course->stimulus);
    for (int k = 0; k < course->stimulus; k++)
        indices[k] = om_course_frame(course, course->pre + k);
    check_exact_dataset(c, course->stimulus, indices, "%s", path);
    double frames[3] = {course->pre, om_course_steps(course), padded};
    double expected[3] = {check_integer(c, path, "frames_before", 0, CHECK_MOST),
                          check_integer(c, path, "frames_valid", 0, CHECK_MOST),
                          check_integer(c, path, "frames_total", 0, CHECK_MOST)};
    snprintf(quantity, sizeof quantity, "%s frames", path);
    check_exact(c, quantity, 3, frames, expected);
    double t_stim = check_seconds(c, path, "t_stim");
    snprintf(quantity, sizeof quantity, "%s t_stim", path);
    check_compare(c, quantity, 1, &course->t_stim_s, &t_stim, NULL, check_limit(CHECK_FORWARD));
    free(indices);
}

/* ON edges towards 0 and 210 degrees at the fastest speed; NaN behind their end. */
static void compare_movie(check *c, const char *group, const om_hex_eye *eye, double height,
                          const om_course *course, int padded)
{
    om_moving edge = OM_MOVING_EDGE;
    edge.height = height;
    int n_columns = eye->n_columns, steps = om_course_steps(course), n = steps * n_columns;
    double *movie = check_zeros(2 * n), *expected = check_zeros(2 * n);
    float *frames = calloc((size_t)(course->n_frames * n_columns), sizeof *frames);
    float *seen = calloc((size_t)n_columns, sizeof *seen);
    char quantity[LONG];
    snprintf(quantity, sizeof quantity, "%s/movie", group);
    double *all = check_read_padded(c, 2 * padded * n_columns, quantity);
    for (int k = 0; all != NULL && frames != NULL && seen != NULL && k < 2; k++) {
        if (!check_ok(c, om_moving_render(eye, &edge, k == 0 ? 0 : 210, 1, frames))) break;
        for (int i = 0; i < n; i++) {
            if (i % n_columns == 0)
                om_course_luminance(course, i / n_columns, frames, n_columns, seen);
            movie[k * n + i] = (double)seen[i % n_columns];
            expected[k * n + i] = all[k * padded * n_columns + i];
        }
    }
    if (all != NULL) check_absolute(c, quantity, 2 * n, movie, expected, most, rms);
    for (int i = n; all != NULL && i < padded * n_columns; i++)
        if (!isnan(all[i])) {
            check_wrong(c, "%s: goes on after the stimulus is over", quantity);
            break;
        }
    free(movie);
    free(expected);
    free(frames);
    free(seen);
    free(all);
}

static void compare_courses(check *c, const char *group, const om_hex_eye *eye, double height)
{
    om_timing timing = {check_seconds(c, group, "dt"), check_seconds(c, group, "t_pre"),
                        check_seconds(c, group, "t_post")};
    om_moving edge = OM_MOVING_EDGE;
    int n = 0, slowest = 0, fastest = 0;
    double *speeds = check_read(c, -1, &n, "%s/speeds", group), *centre = check_zeros(n);
    om_course *courses = calloc((size_t)n + 1, sizeof *courses);
    bool done =
        speeds != NULL && courses != NULL && n > 0 && read_positions(c, "edge/offsets", &edge);
    for (int i = 0; done && i < n; i++) {
        done = check_ok(c, om_moving_course(&edge, speeds[i], &timing, &courses[i]));
        centre[i] = om_moving_time_to_centre(&edge, speeds[i]);
        if (speeds[i] < speeds[slowest]) slowest = i;
        if (speeds[i] > speeds[fastest]) fastest = i;
    }
    if (done) {
        int padded = om_course_steps(&courses[slowest]);
        for (int i = 0; i < n; i++) compare_course(c, group, speeds[i], &courses[i], padded);
        check_dataset(c, n, centre, check_limit(CHECK_FORWARD), "%s/time_to_center", group);
        if (check_has(c, "%s/movie", group))
            compare_movie(c, group, eye, height, &courses[fastest], padded);
    }
    free(speeds);
    free(centre);
    free(courses);
}

static void compare_flash_movie(check *c, int extent)
{
    int n = 0, n_columns = om_lattice_columns(extent);
    double *conditions = check_read(c, -1, &n, "flash/conditions");
    double t_pre = check_seconds(c, "flash", "t_pre");
    om_timing timing = {check_seconds(c, "flash", "dt"), t_pre, t_pre};
    om_course course;
    float *frame = calloc((size_t)n_columns, sizeof *frame);
    float *seen = calloc((size_t)n_columns, sizeof *seen);
    if (conditions != NULL && frame != NULL && seen != NULL &&
        check_ok(c, om_flash_course(check_seconds(c, "flash", "t_stim"), &timing, &course))) {
        int steps = om_course_steps(&course), total = n / 3 * steps * n_columns, at = 0;
        double *movie = check_zeros(total);
        for (int k = 0; k < n / 3; k++) {
            om_flash flash = {conditions[3 * k + 1], (int)conditions[3 * k + 2]};
            if (conditions[3 * k] != OM_GREY) check_wrong(c, "flash/conditions: not on grey");
            if (!check_ok(c, om_flash_render(&flash, extent, frame))) break;
            for (int step = 0; step < steps; step++) {
                om_course_luminance(&course, step, frame, n_columns, seen);
                for (int i = 0; i < n_columns; i++) movie[at++] = (double)seen[i];
            }
        }
        check_exact_dataset(c, total, movie, "flash/movie");
        free(movie);
    }
    free(conditions);
    free(frame);
    free(seen);
}

void check_stimuli(check *c)
{
    char *text = check_text(c, "/", "edge_height"); /* "9 * 2.25deg" */
    int extent = check_extent(c, "/");
    int spacing = check_integer(c, "/", "pixels_per_ommatidium", 1, 200);
    double height = text != NULL ? strtod(text, NULL) : 0;
    om_hex_eye *eye = NULL;
    om_moving edge = OM_MOVING_EDGE;
    edge.height = height;
    if (check_ok(c, om_hex_eye_create(extent, spacing, &eye))) {
        compare_pixels(c, eye);
        compare_image(c, "image0", spacing, height, 0);
        compare_image(c, "image1", spacing, height, 60);
        compare_edges(c, eye, edge, "edge/rendered", NULL);
        compare_bars(c, eye, height);
        for (int rate = 1; rate <= 1000; rate++) {
            char group[PATH];
            snprintf(group, sizeof group, "sequence_dt_%d", rate);
            if (check_has(c, "%s", group)) compare_courses(c, group, eye, height);
        }
        compare_flash_movie(c, extent);
    }
    om_hex_eye_free(eye);
    free(text);
}

/* ---- stimuli_e*.h5: what is shown in the published analysis ---- */

/* Grey, offset indices and the last of them again, at one speed. */
static void compare_sequence(check *c, const om_moving *edge, double speed, double t_stim)
{
    const om_timing timing = OM_TIMING;
    om_course course;
    if (!check_ok(c, om_moving_course(edge, speed, &timing, &course))) return;
    char path[LONG], text[16], quantity[2 * LONG];
    name_speed(speed, text);
    snprintf(path, sizeof path, "edge/sequence_speed_%s", text);
    int steps = om_course_steps(&course);
    double *sequence = check_zeros(steps);
    for (int k = 0; k < steps; k++) sequence[k] = om_course_frame(&course, k);
    check_exact_dataset(c, steps, sequence, "%s", path);
    double frames[3] = {course.pre, course.stimulus, course.post};
    double expected[3] = {check_integer(c, path, "pre", 0, CHECK_MOST),
                          check_integer(c, path, "stim", 0, CHECK_MOST),
                          check_integer(c, path, "post", 0, CHECK_MOST)};
    snprintf(quantity, sizeof quantity, "%s frames", path);
    check_exact(c, quantity, 3, frames, expected);
    snprintf(quantity, sizeof quantity, "edge/t_stim %s", text);
    check_compare(c, quantity, 1, &course.t_stim_s, &t_stim, NULL, check_limit(CHECK_FORWARD));
    free(sequence);
}

static void compare_sequences(check *c)
{
    om_moving edge = OM_MOVING_EDGE;
    int n = 0;
    double *speeds = check_read(c, -1, &n, "edge/speeds"), *t_stim = NULL;
    if (speeds != NULL && read_positions(c, "edge/offsets", &edge)) {
        t_stim = check_read(c, n, NULL, "edge/t_stim");
        for (int i = 0; t_stim != NULL && i < n; i++)
            compare_sequence(c, &edge, speeds[i], t_stim[i]);
    }
    if (n == OM_MOVING_SPEEDS) check_exact(c, "edge/speeds", n, om_moving_speeds, speeds);
    free(speeds);
    free(t_stim);
}

/* The conditions of the published analysis, what they cover, and when. */
static void compare_flashes(check *c, int extent)
{
    int n_columns = om_lattice_columns(extent);
    double intensity[OM_FLASHES], radius[OM_FLASHES], grey[OM_FLASHES];
    double *disc = check_zeros(OM_FLASHES * n_columns);
    for (int k = 0; k < OM_FLASHES; k++) {
        intensity[k] = om_flashes[k].intensity;
        radius[k] = om_flashes[k].radius;
        grey[k] = OM_GREY;
        for (int i = 0; i < n_columns; i++)
            disc[k * n_columns + i] = om_flash_covers(&om_flashes[k], extent, i);
    }
    check_exact_dataset(c, OM_FLASHES, intensity, "flash/intensity");
    check_exact_dataset(c, OM_FLASHES, radius, "flash/radius");
    check_exact_dataset(c, OM_FLASHES, grey, "flash/baseline");
    check_exact_dataset(c, OM_FLASHES * n_columns, disc, "flash/disc");
    free(disc);

    const om_timing timing = OM_TIMING;
    om_course course;
    if (!check_ok(c, om_flash_course(1, &timing, &course))) return;
    int steps = om_course_steps(&course);
    double *on = check_zeros(steps);
    for (int k = 0; k < steps; k++) on[k] = om_course_frame(&course, k) >= 0;
    check_exact_dataset(c, steps, on, "flash/on");
    free(on);
}

/* The file says its extent by the number of its columns alone. -1, and reported, if it is none. */
static int find_extent(check *c)
{
    int n = 0, extent = 0;
    free(check_read(c, -1, &n, "flash/disc"));
    while (extent <= OM_LATTICE_MAX_EXTENT && OM_FLASHES * om_lattice_columns(extent) != n)
        extent++;
    if (extent <= OM_LATTICE_MAX_EXTENT) return extent;
    check_wrong(c, "flash/disc: %d numbers are not %d discs on a lattice", n, OM_FLASHES);
    return -1;
}

void check_analysis_stimuli(check *c)
{
    const om_moving edge = OM_MOVING_EDGE;
    int extent = find_extent(c);
    if (extent < 0) return;
    om_hex_eye *eye = NULL;
    if (check_ok(c, om_hex_eye_create(extent, OM_MOVING_SPACING, &eye)))
        compare_edges(c, eye, edge, "edge/rendered_float64_mask", "edge/rendered");
    compare_sequences(c);
    compare_flashes(c, extent);
    om_hex_eye_free(eye);
}
