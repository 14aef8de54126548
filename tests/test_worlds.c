/* Procedural worlds: geometry of the flow, statistics of what is seen, reproducibility. */
#include "films.h"

#include "ommatid/om_eye.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_scenes.h"
#include "scenes/world_render.h"

static const om_world_options small = {
    .style = OM_WORLD_STYLE, .seed = 3, .training = 3, .validation = 2, .frames = 5, .extent = 4};

/* A world with one plane that faces the camera at a depth of 0.5, and nothing moves. */
static om_world *still_world(void)
{
    om_world *world;
    assert_int_equal(
        om_world_create(&(om_world_options){.seed = 1, .style = OM_WORLD_STYLE}, false, 0, &world),
        OM_OK);
    const om_sway still = {0, 0.1, 0};
    world->focal = 800;
    world->yaw = world->pitch = world->roll = still;
    for (int i = 0; i < 3; i++) world->position[i] = still;
    world->n_layers = 1;
    world->layers[0] = (om_layer){
        .centre = {0, 0, 0.5}, .axis_s = {1, 0, 0}, .axis_t = {0, 1, 0}, .texel = 1e-3, .gain = 1};
    return world;
}

static const om_sway moving = {0.05, 0.09, 0.4};

/* What a motion adds from frame 4 to frame 5, where the tests look. */
enum { FRAME = 5 };
static double step_of(om_sway sway) { return om_sway_at(&sway, 5) - om_sway_at(&sway, 4); }

static om_glance finest_glance(const om_world *world, const om_view *views, double x, double y)
{
    return om_world_glance(world, views, x, y, 0.01, 1e-3);
}

static om_sight look(const om_world *world, int frame, double x, double y)
{
    om_view views[OM_WORLD_MAX_LAYERS];
    om_world_views(world, frame, views);
    om_glance glance = finest_glance(world, views, x, y);
    return om_world_look(world, views, &glance, x, y);
}

/* Flow at four pixels is what `expected` says, to rounding. */
typedef void expected_flow(double x, double y, double flow[2]);
static void check_flow(om_world *world, expected_flow *expected)
{
    const double pixels[4][2] = {{0, 0}, {150, 30}, {-90, 120}, {-200, -170}};
    for (int i = 0; i < 4; i++) {
        double flow[2];
        expected(pixels[i][0], pixels[i][1], flow);
        om_sight sight = look(world, FRAME, pixels[i][0], pixels[i][1]);
        for (int c = 0; c < 2; c++) assert_true(fabs(sight.flow[c] - flow[c]) < 1e-9);
    }
    om_world_free(world);
}

static void no_flow(double x, double y, double flow[2])
{
    (void)x, (void)y;
    flow[0] = flow[1] = 0;
}

/* Everything moves left when the camera goes right, by f dx / depth. */
static void sideways_flow(double x, double y, double flow[2])
{
    no_flow(x, y, flow);
    flow[0] = -800 * step_of(moving) / 0.5;
}

static void upwards_flow(double x, double y, double flow[2])
{
    no_flow(x, y, flow);
    flow[1] = -800 * step_of(moving) / 0.5;
}

static void forwards_flow(double x, double y, double flow[2])
{
    double depth = 0.5 - om_sway_at(&moving, FRAME), before = depth + step_of(moving);
    flow[0] = x * (1 - depth / before);
    flow[1] = y * (1 - depth / before);
}

/* Camera turned right by a: a ray at horizontal angle h now was at h + a; in the plane through the
 * ray, y / sqrt(f^2 + x^2) is the tangent of its elevation, which yaw leaves alone. */
static void yaw_flow(double x, double y, double flow[2])
{
    double before = 800 * tan(atan(x / 800) + step_of(moving));
    flow[0] = x - before;
    flow[1] = y - y * hypot(800, before) / hypot(800, x);
}

static void pitch_flow(double x, double y, double flow[2])
{
    double turned[2];
    yaw_flow(y, x, turned);
    flow[0] = turned[1];
    flow[1] = turned[0];
}

/* The image turns clockwise when the head tilts counter-clockwise. */
static void roll_flow(double x, double y, double flow[2])
{
    double c = cos(step_of(moving)), s = sin(step_of(moving));
    flow[0] = x - (c * x - s * y);
    flow[1] = y - (s * x + c * y);
}

static void object_flow(double x, double y, double flow[2])
{
    no_flow(x, y, flow);
    flow[0] = 800 * step_of(moving) / 0.5;
}

static void spin_flow(double x, double y, double flow[2])
{
    double turned[2];
    roll_flow(-x, y, turned); /* the mirror image of a roll */
    flow[0] = -turned[0];
    flow[1] = turned[1];
}

static void test_still_world_has_no_flow(void **state)
{
    (void)state;
    check_flow(still_world(), no_flow);
}

static void test_flow_of_camera_translation_is_analytic(void **state)
{
    (void)state;
    expected_flow *const expected[3] = {sideways_flow, upwards_flow, forwards_flow};
    for (int i = 0; i < 3; i++) {
        om_world *world = still_world();
        world->position[i] = moving;
        check_flow(world, expected[i]);
    }
}

static void test_flow_of_camera_rotation_is_analytic_at_any_depth(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        om_world *world = still_world();
        world->layers[0].centre[2] = 0.4 + 0.2 * i;
        world->yaw = moving;
        check_flow(world, yaw_flow);
        world = still_world();
        world->pitch = moving;
        check_flow(world, pitch_flow);
        world = still_world();
        world->roll = moving;
        check_flow(world, roll_flow);
    }
}

static void test_flow_of_moving_objects_is_analytic(void **state)
{
    (void)state;
    om_world *world = still_world();
    world->layers[0].path[0] = moving;
    check_flow(world, object_flow);
    world = still_world();
    world->layers[0].spin = moving;
    check_flow(world, spin_flow);
}

/* The brightness seen at a pixel was seen one frame before at the pixel that the flow comes from,
 * where the same surface was seen there: flow and picture are found in different ways. */
static void test_brightness_moves_with_the_flow(void **state)
{
    (void)state;
    int n = 0, visible = 0;
    double along = 0, at_rest = 0;
    for (int number = 0; number < 6; number++) {
        om_world *world;
        assert_int_equal(om_world_create(&(om_world_options){.seed = 11, .style = OM_WORLD_STYLE},
                                         false, number, &world),
                         OM_OK);
        for (int i = 0; i < 400; i++, n++) {
            double x = -190 + 20 * (i % 20), y = -190 + 20 * (i / 20);
            int frame = i % 19;
            om_sight now = look(world, frame, x, y);
            om_sight before = look(world, frame - 1, x - now.flow[0], y - now.flow[1]);
            if (now.layer != before.layer) continue;
            visible++;
            along = fmax(along, fabs((double)(now.luminance - before.luminance)));
            at_rest += fabs((double)(now.luminance - look(world, frame - 1, x, y).luminance));
        }
        om_world_free(world);
    }
    assert_true(along < 1e-3);
    assert_true(at_rest / visible > 0.01);
    assert_in_range(visible, n * 9 / 10, n - 1); /* the others were hidden: there are occlusions */
}

static void test_nearer_surfaces_hide_farther_ones(void **state)
{
    (void)state;
    om_world *world = still_world();
    world->n_layers = 3;
    for (int i = 1; i < 3; i++) {
        world->layers[i] = world->layers[0];
        world->layers[i].outline = OM_OUTLINE_BOARD;
        world->layers[i].half[0] = world->layers[i].half[1] = 50; /* 0.05 in space */
    }
    world->layers[1].centre[2] = 0.2; /* 200 pixels, and before the other although named first */
    world->layers[2].centre[2] = 0.4; /* 100 pixels */
    assert_int_equal(look(world, 0, 0, 0).layer, 1);
    world->layers[1].centre[0] = 0.075; /* its left half is gone now: it spans 100..500 */
    assert_int_equal(look(world, 0, 0, 0).layer, 2);
    assert_int_equal(look(world, 0, 150, 0).layer, 1);
    assert_int_equal(look(world, 0, 99, 0).layer, 2);
    assert_int_equal(look(world, 0, -101, 0).layer, 0);
    world->layers[1].centre[2] = -0.2; /* behind the camera */
    assert_int_equal(look(world, 0, -150, 0).layer, 0);
    om_world_free(world);
}

/* The background fills any eye at any time: no ray of the widest eye misses it. */
static void test_background_is_before_every_ray(void **state)
{
    (void)state;
    const double edge = OM_EYE_SPACING * (OM_LATTICE_MAX_EXTENT + 0.5);
    for (int number = 0; number < 12; number++) {
        om_world *world;
        assert_int_equal(om_world_create(&(om_world_options){.seed = 17, .style = OM_WORLD_STYLE},
                                         number % 2 == 1, number, &world),
                         OM_OK);
        for (int frame = 0; frame < 120; frame++) {
            om_view views[OM_WORLD_MAX_LAYERS];
            om_world_views(world, frame, views);
            const double *m = views[0].plane[2], *before = views[0].previous[2];
            assert_true(isfinite(before[0]) && isfinite(before[1]) && isfinite(before[2]));
            for (int corner = 0; corner < 4; corner++) {
                double x = corner % 2 ? edge : -edge, y = corner / 2 ? edge / 2 : -edge / 2;
                assert_true(m[0] * x + m[1] * y + m[2] > 0);
                assert_true(m[1] * (corner % 2 ? edge : -edge) + m[2] > 0);
            }
        }
        om_world_free(world);
    }
}

/* Power along rows falls as frequency^-(2 slope - 1) where amplitude in the plane falls as
 * frequency^-slope. Least squares in log-log over 3..24 cycles per 256 pixels. */
static double spectral_slope(int n_worlds)
{
    enum { ROW = 256, LOW = 3, HIGH = 24 };
    double power[HIGH + 1] = {0};
    for (int number = 0; number < n_worlds; number++) {
        om_world *world;
        assert_int_equal(om_world_create(&(om_world_options){.seed = 23, .style = OM_WORLD_STYLE},
                                         false, number, &world),
                         OM_OK);
        om_view views[OM_WORLD_MAX_LAYERS];
        om_world_views(world, 0, views);
        for (int row = 0; row < 24; row++) {
            double pixel[ROW];
            for (int i = 0; i < ROW; i++) {
                double x = i - ROW / 2, y = 16 * row - 190, hann = sin(M_PI * (i + 0.5) / ROW);
                om_glance glance = om_world_glance(world, views, x, y, 1, 1);
                double seen = (double)om_world_look(world, views, &glance, x, y).luminance;
                pixel[i] = hann * hann * (seen - 0.4);
            }
            for (int k = LOW; k <= HIGH; k++) {
                double re = 0, im = 0;
                for (int i = 0; i < ROW; i++) {
                    re += pixel[i] * cos(2 * M_PI * k * i / ROW);
                    im += pixel[i] * sin(2 * M_PI * k * i / ROW);
                }
                power[k] += re * re + im * im;
            }
        }
        om_world_free(world);
    }
    double sx = 0, sy = 0, sxx = 0, sxy = 0, n = HIGH - LOW + 1;
    for (int k = LOW; k <= HIGH; k++) {
        double x = log(k), y = log(power[k]);
        sx += x, sy += y, sxx += x * x, sxy += x * y;
    }
    return 0.5 * (1 - (n * sxy - sx * sy) / (n * sxx - sx * sx));
}

static void test_amplitude_falls_like_that_of_natural_images(void **state)
{
    (void)state;
    double slope = spectral_slope(6);
    print_message("amplitude ~ frequency^-%.2f\n", slope);
    assert_true(slope > 0.9 && slope < 1.4);
}

static void test_textures_are_normalised_independent_and_periodic(void **state)
{
    (void)state;
    om_texture pair[2] = {0};
    om_stream stream = {.seed = 9, .purpose = OM_FOR_WORLD};
    assert_int_equal(om_texture_create(&stream, 1, pair), OM_OK);
    double n = (double)OM_TEXTURE_SIZE * OM_TEXTURE_SIZE, sum[2] = {0}, square[2] = {0}, both = 0;
    for (int i = 0; i < OM_TEXTURE_SIZE * OM_TEXTURE_SIZE; i++) {
        double a = (double)pair[0].level[0][i], b = (double)pair[1].level[0][i];
        sum[0] += a, sum[1] += b, square[0] += a * a, square[1] += b * b, both += a * b;
    }
    for (int i = 0; i < 2; i++) {
        assert_true(fabs(sum[i] / n) < 1e-5);
        assert_true(fabs(square[i] / n - 1) < 1e-5);
    }
    assert_true(fabs(both / n) < 0.35); /* few large waves carry much of it: no smaller bound */
    for (int level = 0; level < OM_TEXTURE_LEVELS; level++) {
        float here = om_texture_at(&pair[0], level, 3.3, -77.7);
        float there =
            om_texture_at(&pair[0], level, 3.3 - 2 * OM_TEXTURE_SIZE, -77.7 + OM_TEXTURE_SIZE);
        assert_true(fabsf(here - there) < 1e-4F);
        assert_true(fabsf(om_texture_at(&pair[0], 0, 12, 34) -
                          pair[0].level[0][34 * OM_TEXTURE_SIZE + 12]) < 1e-6F);
    }
    om_texture_free(pair);
}

static om_scenes *render(const om_world_options *options, bool backwards)
{
    om_scenes *scenes;
    assert_int_equal(om_worlds_plan(options, &scenes), OM_OK);
    assert_int_equal(om_scenes_place(scenes, NULL), OM_OK);
    for (int i = 0; i < scenes->n_sequences; i++) {
        int sequence = backwards ? scenes->n_sequences - 1 - i : i;
        assert_int_equal(om_world_render(options, scenes, sequence), OM_OK);
    }
    assert_int_equal(om_scenes_seal(scenes), OM_OK);
    return scenes;
}

/* The film of a world is what the box eye makes of an image of it, pixel by pixel: same centres, same
 * boxes, same unit of flow. */
static void compare_with_image(om_eye_filter filter, double most)
{
    enum { SIDE = 121, FRAME_SEEN = 3 };
    static float image[3][SIDE * SIDE];
    om_world_options options = small;
    options.eye = filter;
    om_scenes *scenes = render(&options, false);
    om_world *world;
    om_view views[OM_WORLD_MAX_LAYERS];
    assert_int_equal(om_world_create(&options, true, 1, &world), OM_OK);
    om_world_views(world, FRAME_SEEN, views);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double x = i % SIDE - SIDE / 2, y = SIDE / 2 - i / SIDE;
        om_glance glance = finest_glance(world, views, x, y);
        om_sight sight = om_world_look(world, views, &glance, x, y);
        image[0][i] = sight.luminance;
        for (int c = 0; c < 2; c++) image[1 + c][i] = (float)(sight.flow[c] / OM_EYE_SINTEL_ROWS);
    }
    size_t columns = (size_t)scenes->n_columns, at = scenes->sequences[4].offset + FRAME_SEEN;
    const float *film[3] = {scenes->luminance + at * columns, scenes->flow + at * 2 * columns,
                            scenes->flow + (at * 2 + 1) * columns};
    for (int k = 0; k < 3; k++) {
        float seen[61];
        double error2 = 0, all2 = 0;
        assert_int_equal(om_eye_render(image[k], SIDE, SIDE, small.extent, OM_EYE_SPACING,
                                       k > 0 ? OM_EYE_SUM : filter, seen),
                         OM_OK);
        for (size_t i = 0; i < columns; i++) {
            error2 += (double)((seen[i] - film[k][i]) * (seen[i] - film[k][i]));
            all2 += (double)(seen[i] * seen[i]);
        }
        assert_true(error2 < most * most * all2);
    }
    om_world_free(world);
    om_scenes_free(scenes);
}

static void test_film_is_the_image_seen_through_the_eye(void **state)
{
    (void)state;
    compare_with_image(OM_EYE_MEAN, 0.03);
    compare_with_image(OM_EYE_MEDIAN, 0.03);
    om_world_options sum = small;
    om_scenes *scenes;
    sum.eye = OM_EYE_SUM;
    assert_int_equal(om_worlds_plan(&sum, &scenes), OM_EUSAGE);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_luminance_and_speeds_are_those_of_films(void **state)
{
    (void)state;
    const om_world_options options = {
        .seed = 0, .training = 32, .frames = 2, .extent = 8, .style = OM_WORLD_STYLE};
    om_scenes *scenes = render(&options, false);
    size_t columns = (size_t)scenes->n_columns, n = scenes->n_frames * columns;
    double *speed = malloc(n * sizeof *speed), sum = 0, sum2 = 0;
    int directions[4] = {0};
    assert_non_null(speed);
    for (size_t i = 0; i < n; i++) {
        double seen = (double)scenes->luminance[i];
        assert_true(seen >= 0 && seen <= 1);
        sum += seen, sum2 += seen * seen;
        const float *flow = scenes->flow + i / columns * 2 * columns + i % columns;
        speed[i] = (double)hypotf(flow[0], flow[columns]) /
                   om_eye_flow_unit(OM_EYE_SPACING, OM_EYE_SINTEL_ROWS);
        directions[(flow[0] > 0) + 2 * (flow[columns] > 0)]++;
    }
    qsort(speed, n, sizeof *speed, compare_doubles);
    double mean = sum / (double)n, std = sqrt(sum2 / (double)n - mean * mean);
    print_message("luminance %.2f +- %.2f; speed: 10 %% %.2f, median %.2f, 90 %% %.2f, 99 %% %.2f, "
                  "most %.2f pixels per frame\n",
                  mean, std, speed[n / 10], speed[n / 2], speed[n * 9 / 10], speed[n * 99 / 100],
                  speed[n - 1]);
    assert_true(mean > 0.35 && mean < 0.55 && std > 0.2 && std < 0.32);
    assert_true(speed[n / 2] > 1 && speed[n / 2] < 4);
    assert_true(speed[n / 10] < 0.8 && speed[n * 9 / 10] > 4);
    assert_true(speed[n * 99 / 100] > 8 && speed[n - 1] < 50);
    for (int i = 0; i < 4; i++) assert_true(directions[i] > (int)n / 10);
    free(speed);
    om_scenes_free(scenes);
}

static void test_films_do_not_depend_on_order_or_company(void **state)
{
    (void)state;
    om_scenes *one = render(&small, false), *backwards = render(&small, true);
    assert_true(one->checksum != 0 && one->checksum == backwards->checksum);
    om_scenes_free(backwards);

    /* more worlds and more frames: the first ones of both are the same */
    om_world_options more = small;
    more.training = 5;
    more.frames = 7;
    om_scenes *larger = render(&more, false);
    size_t columns = (size_t)one->n_columns, n = 5 * columns * sizeof(float);
    const int same[2][2] = {{2, 2}, {3, 5}}; /* a training and a validation sequence */
    for (int i = 0; i < 2; i++) {
        const om_sequence *a = &one->sequences[same[i][0]], *b = &larger->sequences[same[i][1]];
        assert_string_equal(a->name, b->name);
        assert_memory_equal(one->luminance + a->offset * columns,
                            larger->luminance + b->offset * columns, n);
        assert_memory_equal(one->flow + a->offset * 2 * columns,
                            larger->flow + b->offset * 2 * columns, 2 * n);
    }
    om_scenes_free(larger);
    om_scenes_free(one);
}

static void test_smaller_eye_sees_the_middle(void **state)
{
    (void)state;
    om_world_options wide = small;
    wide.extent = 7;
    om_scenes *narrow_film = render(&small, false), *wide_film = render(&wide, false);
    for (int i = 0; i < narrow_film->n_columns; i++) {
        int u, v;
        om_lattice_coordinates(small.extent, i, &u, &v);
        assert_true(narrow_film->luminance[i] ==
                    wide_film->luminance[om_lattice_index(wide.extent, u, v)]);
    }
    om_scenes_free(narrow_film);
    om_scenes_free(wide_film);
}

static void test_no_two_worlds_are_alike(void **state)
{
    (void)state;
    om_world_options other = small;
    other.seed = 4;
    om_scenes *a = render(&small, false), *b = render(&other, false);
    assert_true(a->checksum != b->checksum);
    size_t columns = (size_t)a->n_columns;
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            const float *x = a->luminance + a->sequences[i].offset * columns;
            const float *y = b->luminance + b->sequences[j].offset * columns;
            assert_memory_not_equal(x, y, columns * sizeof(float));
            if (i == j) continue; /* training 0 and validation 0 among the others */
            y = a->luminance + a->sequences[j].offset * columns;
            assert_memory_not_equal(x, y, columns * sizeof(float));
        }
    om_scenes_free(a);
    om_scenes_free(b);
}

/* What 5 x 5 rays see, against every pixel of the box. */
static void test_rays_see_nearly_what_all_pixels_show(void **state)
{
    (void)state;
    double luminance2 = 0, flow2 = 0, all_flow2 = 0;
    int n = 0;
    for (int number = 0; number < 8; number++) {
        om_world *world;
        assert_int_equal(om_world_create(&(om_world_options){.seed = 31, .style = OM_WORLD_STYLE},
                                         false, number, &world),
                         OM_OK);
        om_view views[OM_WORLD_MAX_LAYERS];
        om_world_views(world, 7, views);
        for (int i = 0; i < 225; i++, n++) {
            double x = -182 + 26 * (i % 15), y = -182 + 26 * (i / 15);
            float few, all, few_flow[2], all_flow[2];
            om_world_see(world, views, x, y, OM_WORLD_RAYS, OM_EYE_MEAN, &few, few_flow);
            om_world_see(world, views, x, y, OM_EYE_SPACING, OM_EYE_MEAN, &all, all_flow);
            luminance2 += (double)((few - all) * (few - all));
            for (int c = 0; c < 2; c++) {
                flow2 += (double)((few_flow[c] - all_flow[c]) * (few_flow[c] - all_flow[c]));
                all_flow2 += (double)(all_flow[c] * all_flow[c]);
            }
        }
        om_world_free(world);
    }
    double luminance = sqrt(luminance2 / n), flow = sqrt(flow2 / all_flow2);
    print_message("5 x 5 rays against 13 x 13: luminance %.4f, flow %.4f of its root mean square\n",
                  luminance, flow);
    assert_true(luminance < 0.012);
    assert_true(flow < 0.04);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_still_world_has_no_flow),
        cmocka_unit_test(test_flow_of_camera_translation_is_analytic),
        cmocka_unit_test(test_flow_of_camera_rotation_is_analytic_at_any_depth),
        cmocka_unit_test(test_flow_of_moving_objects_is_analytic),
        cmocka_unit_test(test_brightness_moves_with_the_flow),
        cmocka_unit_test(test_nearer_surfaces_hide_farther_ones),
        cmocka_unit_test(test_background_is_before_every_ray),
        cmocka_unit_test(test_amplitude_falls_like_that_of_natural_images),
        cmocka_unit_test(test_textures_are_normalised_independent_and_periodic),
        cmocka_unit_test(test_film_is_the_image_seen_through_the_eye),
        cmocka_unit_test(test_luminance_and_speeds_are_those_of_films),
        cmocka_unit_test(test_films_do_not_depend_on_order_or_company),
        cmocka_unit_test(test_smaller_eye_sees_the_middle),
        cmocka_unit_test(test_no_two_worlds_are_alike),
        cmocka_unit_test(test_rays_see_nearly_what_all_pixels_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
