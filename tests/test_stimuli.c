/* Laboratory stimuli by what geometry says of them; no reference files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ommatid/om_lattice.h"
#include "ommatid/om_stimuli.h"
#include "scenes/hex_eye.h"

enum { SPACING = 12, EXTENT = 6, COLUMNS = 1 + 3 * EXTENT * (EXTENT + 1) };
static const om_moving edge = OM_MOVING_EDGE, bar = OM_MOVING_BAR;
static const double offset = OM_OFFSET_DEGREES / OM_COLUMN_DEGREES; /* columns */

static float *render(int extent, int spacing, const om_moving *moving, double angle,
                     double intensity)
{
    om_hex_eye *eye;
    assert_int_equal(om_hex_eye_create(extent, spacing, &eye), OM_OK);
    float *frames =
        calloc((size_t)om_moving_offsets(moving) * (size_t)eye->n_columns, sizeof *frames);
    assert_non_null(frames);
    assert_int_equal(om_moving_render(eye, moving, angle, intensity, frames), OM_OK);
    om_hex_eye_free(eye);
    return frames;
}

/* Middle of a column, in columns, along a direction (y up). */
static double along(int extent, int column, double angle_degrees)
{
    int u, v;
    om_lattice_coordinates(extent, column, &u, &v);
    double angle = angle_degrees * M_PI / 180;
    return v * cos(angle) - (u + v / 2.0) * sin(angle);
}

/* Hexagons hold about the area of a hexagon, those at the border the more than half of it that lies
 * in the image, and share no pixels but some that lie on their sides. */
static void test_hexagons_are_apart_and_of_one_size(void **state)
{
    (void)state;
    const int spacings[] = {5, 12, 25};
    for (int s = 0; s < 3; s++) {
        om_hex_eye *eye;
        int n_shared = 0;
        assert_int_equal(om_hex_eye_create(EXTENT, spacings[s], &eye), OM_OK);
        int side = eye->end - eye->first;
        char *seen = calloc((size_t)(side * side), 1);
        assert_non_null(seen);
        for (int c = 0; c < eye->n_columns; c++) {
            int u, v, n = 0;
            om_lattice_coordinates(EXTENT, c, &u, &v);
            const om_span *spans = eye->spans + (size_t)c * (size_t)(spacings[s] + 1);
            for (int k = 0; k <= spacings[s]; k++)
                for (int x = spans[k].first; x < spans[k].end; x++, n++)
                    n_shared += seen[(spans[k].row - eye->first) * side + x - eye->first]++ > 0;
            assert_int_equal(n, eye->n_pixels[c]);
            double area = sqrt(3) / 2 * spacings[s] * spacings[s];
            assert_true(n > area / 2 && n < area + 2.5 * spacings[s]);
            if (abs(v) < EXTENT) assert_true(n > area - 2.5 * spacings[s]);
        }
        assert_true(n_shared <= 5);
        free(seen);
        om_hex_eye_free(eye);
    }
}

/* Columns that the leading side has passed have the edge's intensity, those far before it grey, those
 * that it crosses are in between; and it never goes back. Rounding to pixels costs up to 0.3 columns. */
static void test_edge_covers_columns_in_the_order_of_its_motion(void **state)
{
    (void)state;
    for (int a = 0; a < OM_MOVING_ANGLES; a++) {
        float *frames = render(EXTENT, SPACING, &edge, 30 * a, 1);
        for (int i = 0; i < om_moving_offsets(&edge) * COLUMNS; i++) {
            double beyond =
                along(EXTENT, i % COLUMNS, 30 * a) - (edge.first + i / COLUMNS) * offset;
            if (beyond < -0.8) assert_true(frames[i] == 1);
            if (beyond > 0.8) assert_true(frames[i] <= 0.5F && frames[i] >= 0.498F);
            if (fabs(beyond) < 0.2) assert_true(frames[i] > 0.5F && frames[i] < 1);
            if (i >= COLUMNS) assert_true(frames[i] >= frames[i - COLUMNS]);
        }
        free(frames);
    }
}

/* A bar is seen where it is, as wide and as high as it is. */
static void test_bar_covers_what_it_should(void **state)
{
    (void)state;
    const om_moving low = {OM_BAR, 6, 10, -8, 8};
    for (int a = 0; a < OM_MOVING_ANGLES; a++) {
        float *frames = render(EXTENT, SPACING, &low, 30 * a, 0);
        for (int i = 0; i < om_moving_offsets(&low) * COLUMNS; i++) {
            double x = along(EXTENT, i % COLUMNS, 30 * a) - (low.first + i / COLUMNS) * offset;
            double y = along(EXTENT, i % COLUMNS, 30 * a + 90);
            double out = fmax(fabs(x) - 3 * offset, fabs(y) - 5 * offset);
            if (out < -0.8) assert_true(frames[i] == 0);
            if (out > 0.8) assert_true(frames[i] <= 0.5F && frames[i] >= 0.498F);
            if (fabs(out) < 0.2) assert_true(frames[i] > 0 && frames[i] < 0.498F);
        }
        free(frames);
    }
}

static void test_on_and_off_are_symmetric_about_grey(void **state)
{
    (void)state;
    for (int a = 0; a < OM_MOVING_ANGLES; a++) {
        float *on = render(EXTENT, SPACING, &edge, 30 * a, 1);
        float *off = render(EXTENT, SPACING, &edge, 30 * a, 0);
        /* turned pictures have 8 bits: grey is 127 of 255, and mixtures are rounded down */
        double most = a == 0 ? 1e-6 : 1.5 / 255;
        for (int i = 0; i < om_moving_offsets(&edge) * COLUMNS; i++)
            assert_true(fabs((double)on[i] + (double)off[i] - 1) < most);
        free(on);
        free(off);
    }
}

/* The edge at angle `to` looks like the edge at angle `from` after a symmetry of the lattice. Rounding
 * to pixels moves its side by up to a pixel. Only symmetries of the pixels can be tested: in the image
 * columns are as far apart along a row as across rows, so that 60 degrees there are not 60 degrees on
 * the lattice. */
static void compare_turned(double from, double to, int flip, int rotation)
{
    int source[COLUMNS];
    om_lattice_symmetry(EXTENT, flip, rotation, source, NULL);
    float *before = render(EXTENT, SPACING, &edge, from, 1);
    float *after = render(EXTENT, SPACING, &edge, to, 1);
    double sum2 = 0;
    int n = om_moving_offsets(&edge) * COLUMNS;
    for (int i = 0; i < n; i++) {
        double d = (double)after[i] - (double)before[i - i % COLUMNS + source[i % COLUMNS]];
        assert_true(fabs(d) < 1.0 / SPACING);
        sum2 += d * d;
    }
    assert_true(sqrt(sum2 / n) < 0.25 / SPACING);
    free(before);
    free(after);
}

static void test_symmetries_of_the_image_are_those_of_the_lattice(void **state)
{
    (void)state;
    const double angles[] = {0, 30, 60, 90, 17, -35};
    for (int i = 0; i < 6; i++) {
        compare_turned(angles[i], angles[i] + 180, 0, 3);
        compare_turned(angles[i], 180 - angles[i], 1, 0);
        compare_turned(angles[i], -angles[i], 1, 3);
    }
}

/* Smaller eyes see the middle of what larger ones see. Their outermost columns may lack pixels. */
static void test_all_extents_see_the_same(void **state)
{
    (void)state;
    enum { SMALL = 3, LARGE = 18 };
    const om_moving wide = {OM_EDGE, 0, 80, -40, 40};
    float *small = render(SMALL, SPACING, &wide, 75, 1);
    float *large = render(LARGE, SPACING, &wide, 75, 1);
    int n_small = om_lattice_columns(SMALL), n_large = om_lattice_columns(LARGE);
    for (int frame = 0; frame < om_moving_offsets(&wide); frame++)
        for (int c = 0; c < n_small; c++) {
            int u, v;
            om_lattice_coordinates(SMALL, c, &u, &v);
            float there = large[frame * n_large + om_lattice_index(LARGE, u, v)];
            if (abs(v) < SMALL) assert_true(small[frame * n_small + c] == there);
        }
    /* beyond the monitor's 31 columns an edge goes on */
    assert_true(large[om_lattice_index(LARGE, LARGE, -LARGE)] < 0.5F);
    assert_true(large[80 * n_large + om_lattice_index(LARGE, LARGE, -LARGE)] == 1);
    free(small);
    free(large);
}

static void test_flash_is_a_disc(void **state)
{
    (void)state;
    float frame[COLUMNS];
    for (int radius = -1; radius <= EXTENT + 1; radius++) {
        const om_flash flash = {1, radius};
        int n = 0, inside = radius < 0 || radius > EXTENT ? EXTENT : radius;
        assert_int_equal(om_flash_render(&flash, EXTENT, frame), OM_OK);
        for (int c = 0; c < COLUMNS; c++) {
            assert_true(frame[c] == (om_flash_covers(&flash, EXTENT, c) ? 1 : 0.5F));
            n += frame[c] == 1;
        }
        assert_int_equal(n, 1 + 3 * inside * (inside + 1));
    }
}

/* Grey, then every position in order from the first to the last, then what stays. */
static void check_course(const om_moving *moving, double speed, double dt)
{
    const om_timing timing = {dt, 0.3, 0.2};
    om_course course;
    assert_int_equal(om_moving_course(moving, speed, &timing, &course), OM_OK);
    int n = om_moving_offsets(moving);
    assert_true(fabs(course.t_stim_s - n * offset / speed) < 1e-9);
    assert_true(fabs(course.stimulus - course.t_stim_s / dt) <= 1);
    assert_true(fabs(course.pre - 0.3 / dt) <= 1 && fabs(course.post - 0.2 / dt) <= 1);
    for (int k = 0; k < om_course_steps(&course); k++) {
        int frame = om_course_frame(&course, k), during = k - course.pre;
        int after = moving->kind == OM_EDGE ? n - 1 : -1;
        if (during < 0)
            assert_int_equal(frame, -1);
        else if (during >= course.stimulus)
            assert_int_equal(frame, course.stimulus > 1 ? after : moving->kind == OM_EDGE ? 0 : -1);
        else if (course.stimulus > 1) {
            double exact = (double)during * (n - 1) / (course.stimulus - 1);
            assert_true(frame <= exact + 1e-9 && frame > exact - 1 - 1e-5);
            if (during > 0) assert_true(frame >= om_course_frame(&course, k - 1));
            if (during == 0) assert_int_equal(frame, 0);
            if (during == course.stimulus - 1) assert_int_equal(frame, n - 1);
        } else
            assert_int_equal(frame, 0);
    }
}

static void test_courses_run_from_grey_to_the_last_position(void **state)
{
    (void)state;
    const om_moving one = {OM_BAR, 2, 9, 3, 3}, most = {OM_EDGE, 0, 9, -40, 40};
    for (int i = 0; i < OM_MOVING_SPEEDS; i++)
        for (int steps = 40; steps <= 1000; steps += 37) {
            check_course(&edge, om_moving_speeds[i], 1.0 / steps);
            check_course(&bar, om_moving_speeds[i], 1.0 / steps);
            check_course(&most, om_moving_speeds[i], 1.0 / steps);
        }
    check_course(&one, 2.4, 0.1); /* a single step */
    assert_true(fabs(om_moving_time_to_centre(&edge, 10) - offset) < 1e-12);
}

static void test_flash_comes_and_goes(void **state)
{
    (void)state;
    const om_timing timing = {0.02, 0.3, 0.5};
    om_course course;
    float frame[COLUMNS], seen[COLUMNS];
    assert_int_equal(om_flash_course(0.24, &timing, &course), OM_OK);
    assert_int_equal(om_course_steps(&course), 15 + 12 + 25);
    assert_int_equal(om_flash_render(&(om_flash){0, 2}, EXTENT, frame), OM_OK);
    for (int k = 0; k < om_course_steps(&course); k++) {
        bool on = k >= 15 && k < 27;
        assert_int_equal(om_course_frame(&course, k), on ? 0 : -1);
        om_course_luminance(&course, k, frame, COLUMNS, seen);
        for (int c = 0; c < COLUMNS; c++) assert_true(seen[c] == (on ? frame[c] : 0.5F));
    }
}

static void refuse(om_moving moving, double angle, double intensity, const char *what)
{
    om_hex_eye *eye;
    assert_int_equal(om_hex_eye_create(0, 5, &eye), OM_OK);
    float frames[OM_MOVING_MOST_OFFSETS];
    assert_int_equal(om_moving_render(eye, &moving, angle, intensity, frames), OM_EUSAGE);
    assert_non_null(strstr(om_message(), what));
    om_hex_eye_free(eye);
}

static void refuse_course(double speed, om_timing timing, const char *what)
{
    om_course course;
    assert_int_equal(om_moving_course(&edge, speed, &timing, &course), OM_EUSAGE);
    assert_non_null(strstr(om_message(), what));
}

static void test_nonsense_is_refused(void **state)
{
    (void)state;
    om_hex_eye *eye;
    assert_int_equal(om_hex_eye_create(61, 25, &eye), OM_EUSAGE);
    assert_null(eye);
    assert_int_equal(om_hex_eye_create(-1, 25, &eye), OM_EUSAGE);
    assert_int_equal(om_hex_eye_create(2, 4, &eye), OM_EUSAGE);
    assert_non_null(strstr(om_message(), "4 pixels"));

    refuse((om_moving){OM_EDGE, 0, 80, 1, 0}, 0, 1, "1..0");
    refuse((om_moving){OM_EDGE, 0, 80, -41, 0}, 0, 1, "-41..0");
    refuse((om_moving){OM_EDGE, 0, 80, 0, 41}, 0, 1, "0..41");
    refuse((om_moving){OM_EDGE, 0, 0, 0, 1}, 0, 1, "height 0");
    refuse((om_moving){OM_BAR, 0, 9, 0, 1}, 0, 1, "width 0");
    refuse((om_moving){OM_BAR, 81, 9, 0, 1}, 0, 1, "width 81");
    refuse(edge, NAN, 1, "angle nan");
    refuse(edge, 0, 1.5, "intensity 1.5");

    const om_timing timing = OM_TIMING;
    refuse_course(0, timing, "speed 0");
    refuse_course(NAN, timing, "speed nan");
    refuse_course(19, (om_timing){0, 1, 1}, "steps of 0 s");
    refuse_course(19, (om_timing){0.01, -1, 1}, "-1 s of grey");
    refuse_course(19, (om_timing){1, 1, 1}, "shorter than a step");
    refuse_course(19, (om_timing){1e-9, 1, 1}, "at most");

    float frame[COLUMNS];
    assert_int_equal(om_flash_render(&(om_flash){1, -2}, EXTENT, frame), OM_EUSAGE);
    assert_int_equal(om_flash_render(&(om_flash){-1, 2}, EXTENT, frame), OM_EUSAGE);
    assert_int_equal(om_flash_render(&(om_flash){1, 2}, 61, frame), OM_EUSAGE);
    om_course course;
    assert_int_equal(om_flash_course(0.001, &timing, &course), OM_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hexagons_are_apart_and_of_one_size),
        cmocka_unit_test(test_edge_covers_columns_in_the_order_of_its_motion),
        cmocka_unit_test(test_bar_covers_what_it_should),
        cmocka_unit_test(test_on_and_off_are_symmetric_about_grey),
        cmocka_unit_test(test_symmetries_of_the_image_are_those_of_the_lattice),
        cmocka_unit_test(test_all_extents_see_the_same),
        cmocka_unit_test(test_flash_is_a_disc),
        cmocka_unit_test(test_courses_run_from_grey_to_the_last_position),
        cmocka_unit_test(test_flash_comes_and_goes),
        cmocka_unit_test(test_nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
