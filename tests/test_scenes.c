/* Sets of scenes: their plan, their films' memory, their checksum; and contact sheets. */
#include "films.h"

#include <png.h>

#include "base/memory.h"
#include "ommatid/om_scenes.h"
#include "scenes/colour.h"

static const om_world_options small = {
    .style = OM_WORLD_STYLE, .seed = 3, .training = 3, .validation = 2, .frames = 5, .extent = 4};

static om_scenes *render(void)
{
    om_scenes *scenes;
    assert_int_equal(om_worlds_plan(&small, &scenes), OM_OK);
    assert_int_equal(om_scenes_place(scenes, NULL), OM_OK);
    for (int i = 0; i < scenes->n_sequences; i++)
        assert_int_equal(om_world_render(&small, scenes, i), OM_OK);
    assert_int_equal(om_scenes_seal(scenes), OM_OK);
    return scenes;
}

static void test_plan_names_and_places_every_sequence(void **state)
{
    (void)state;
    om_scenes *scenes;
    assert_int_equal(om_worlds_plan(&small, &scenes), OM_OK);
    const char *const names[5] = {"world-000", "world-001", "world-002", "world-v000",
                                  "world-v001"};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(scenes->sequences[i].name, names[i]);
        assert_int_equal(scenes->sequences[i].validation, i >= 3);
        assert_int_equal(scenes->sequences[i].offset, 5 * i);
    }
    assert_int_equal(scenes->n_training, 3);
    assert_int_equal(scenes->n_validation, 2);
    assert_int_equal(scenes->n_columns, 61);
    assert_true(scenes->frame_rate_hz == 24);
    assert_int_equal(om_world_render(&small, scenes, 0), OM_EUSAGE); /* no place yet */
    assert_int_equal(om_scenes_seal(scenes), OM_EUSAGE);
    om_scenes_free(scenes);
}

static void test_films_may_lie_in_memory_of_the_caller(void **state)
{
    (void)state;
    om_scenes *scenes, *own = render();
    assert_int_equal(om_worlds_plan(&small, &scenes), OM_OK);
    char *block;
    size_t bytes = om_scenes_film_bytes(scenes);
    assert_int_equal(om_alloc(bytes + 64, 1, &block), OM_OK);
    memset(block + bytes, 77, 64);
    assert_int_equal(om_scenes_place(scenes, block), OM_OK);
    assert_null(scenes->memory);
    assert_true((char *)scenes->luminance == block);
    assert_int_equal((size_t)((char *)scenes->flow - block) % 64, 0);
    for (int i = 0; i < 5; i++) assert_int_equal(om_world_render(&small, scenes, i), OM_OK);
    assert_int_equal(om_scenes_seal(scenes), OM_OK);
    assert_true(scenes->checksum == own->checksum);
    for (int i = 0; i < 64; i++) assert_int_equal(block[bytes + (size_t)i], 77);
    om_scenes_free(scenes);
    om_free(block); /* still ours */
    om_scenes_free(own);
}

static void test_seal_finds_what_is_not_finite_and_every_change(void **state)
{
    (void)state;
    om_scenes *scenes = render();
    uint64_t before = scenes->checksum;
    float *value = &scenes->flow[(scenes->n_frames * 2 - 1) * (size_t)scenes->n_columns];
    float kept = *value;
    *value = nextafterf(kept, 100);
    assert_int_equal(om_scenes_seal(scenes), OM_OK);
    assert_true(scenes->checksum != before);
    *value = NAN;
    assert_int_equal(om_scenes_seal(scenes), OM_EDATA);
    assert_non_null(strstr(om_message(), "sequence world-v001, frame 4: flow"));
    *value = kept;
    scenes->sequences[0].name[6] = 'x';
    assert_int_equal(om_scenes_seal(scenes), OM_OK);
    assert_true(scenes->checksum != before);
    om_scenes_free(scenes);
}

static void test_bad_requests_are_refused(void **state)
{
    (void)state;
    om_scenes *scenes;
    const om_world_options bad[] = {{.training = 0, .frames = 19, .extent = 15},
                                    {.training = 4, .frames = 0, .extent = 15},
                                    {.training = 4, .frames = 19, .extent = 61},
                                    {.training = -1, .validation = 4, .frames = 19, .extent = 15}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(om_worlds_plan(&bad[i], &scenes), OM_EUSAGE);
        assert_null(scenes);
    }
    const om_sequence mixed[2] = {{.name = "a", .validation = true, .frames = 1},
                                  {.name = "b", .frames = 1}};
    assert_int_equal(om_scenes_create(mixed, 2, 3, 24, &scenes), OM_EDATA);
    assert_non_null(strstr(om_message(), "sequence 1 (b) is for training"));
    const om_sequence empty = {.frames = 0};
    assert_int_equal(om_scenes_create(&empty, 1, 3, 24, &scenes), OM_EDATA);
    assert_string_equal(om_message(), "sequence 0 has 0 frames: expected 1 or more");
    scenes = render();
    assert_int_equal(om_world_render(&small, scenes, 5), OM_EUSAGE);
    om_world_options other = small;
    other.extent = 5;
    assert_int_equal(om_world_render(&other, scenes, 0), OM_EUSAGE);
    om_scenes_free(scenes);
}

static void check_colour(double x, double y, double red, double green, double blue)
{
    double rgb[3];
    om_flow_colour(x, y, rgb);
    assert_true(fabs(rgb[0] - red) < 0.12);
    assert_true(fabs(rgb[1] - green) < 0.12);
    assert_true(fabs(rgb[2] - blue) < 0.12);
}

static void test_colours_follow_the_convention(void **state)
{
    (void)state;
    check_colour(0, 0, 1, 1, 1);
    check_colour(1, 0, 1, 0, 0);     /* right: red */
    check_colour(0, -1, 1, 0.9, 0);  /* down: yellow */
    check_colour(-1, 0, 0, 0.85, 1); /* left: cyan */
    check_colour(0, 1, 0.4, 0, 1);   /* up: violet */
    check_colour(0.5, 0, 1, 0.5, 0.5);
    check_colour(5, 0, 0.75, 0, 0); /* beyond the scale: darker */
}

/* Pixels of a stretch of the picture that are darker than paper. */
static int count_dark(const png_image *image, const uint8_t *pixels, int left, int top, int width,
                      int height)
{
    int n = 0;
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++)
            n += pixels[3 * (y * (int)image->width + x)] < 200;
    return n;
}

/* White columns on a white page are seen by the line around them, and rows by their numbers. */
static void test_sheet_outlines_tiles_and_numbers_rows(void **state)
{
    (void)state;
    char directory[] = "/tmp/ommatid-sheet-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/sheet.png", directory);
    om_scenes *scenes = render();
    const int sequences[1] = {0};
    for (size_t i = 0; i < scenes->n_frames * (size_t)scenes->n_columns; i++) {
        scenes->luminance[i] = 1;
        scenes->flow[2 * i] = scenes->flow[2 * i + 1] = 0;
    }
    int dark[2];
    for (int k = 0; k < 2; k++) {
        const double labels[1] = {k == 0 ? 1 : 8}; /* of 10 and of 17 dots */
        assert_int_equal(om_scenes_sheet(scenes, sequences, labels, 1, 2, k > 0, path), OM_OK);
        png_image image = {.version = PNG_IMAGE_VERSION};
        assert_true(png_image_begin_read_from_file(&image, path) != 0);
        image.format = PNG_FORMAT_RGB;
        uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
        assert_non_null(pixels);
        assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL) != 0);
        dark[k] = count_dark(&image, pixels, 0, 0, 52, 100);
        for (int side = 0; side < 2; side++) /* both sides of the first tile, half way down */
            assert_in_range(count_dark(&image, pixels, 56 + side * 68, 8 + 67, 67, 1), 1, 4);
        free(pixels);
    }
    assert_int_equal(dark[0], 4 * 10);
    assert_int_equal(dark[1], 4 * 17);
    om_scenes_free(scenes);
    unlink(path);
    rmdir(directory);
}

static void test_sheet_is_a_picture_and_is_not_overwritten(void **state)
{
    (void)state;
    char directory[] = "/tmp/ommatid-sheet-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/sheet.png", directory);
    om_scenes *scenes = render();
    const int sequences[2] = {0, 4};
    assert_int_equal(om_scenes_sheet(scenes, sequences, NULL, 2, 2, false, path), OM_OK);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path) != 0);
    assert_int_equal(image.width, 52 + 4 * (135 + 4) + 4); /* a number, 3 of 5 frames, the wheel */
    assert_int_equal(image.height, 2 * (2 * 135 + 16) + 4);
    png_image_free(&image);

    assert_int_equal(om_scenes_sheet(scenes, sequences, NULL, 2, 2, false, path), OM_EIO);
    assert_non_null(strstr(om_message(), "exists already"));
    assert_int_equal(om_scenes_sheet(scenes, sequences, NULL, 1, 2, true, path), OM_OK);
    assert_int_equal(om_scenes_sheet(scenes, sequences, NULL, 1, 2, true, "/no/such/place.png"),
                     OM_EIO);
    float *flow = scenes->flow;
    scenes->flow = NULL; /* luminance alone, and no wheel */
    assert_int_equal(om_scenes_sheet(scenes, sequences, NULL, 2, 2, true, path), OM_OK);
    assert_true(png_image_begin_read_from_file(&image, path) != 0);
    assert_int_equal(image.width, 52 + 3 * (135 + 4) + 4);
    assert_int_equal(image.height, 2 * (135 + 12) + 4);
    png_image_free(&image);
    scenes->flow = flow;

    const int beyond = 5;
    assert_int_equal(om_scenes_sheet(scenes, &beyond, NULL, 1, 2, true, path), OM_EUSAGE);
    assert_int_equal(om_scenes_sheet(scenes, sequences, NULL, 2, 0, true, path), OM_EUSAGE);
    om_scenes_free(scenes);
    unlink(path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_names_and_places_every_sequence),
        cmocka_unit_test(test_films_may_lie_in_memory_of_the_caller),
        cmocka_unit_test(test_seal_finds_what_is_not_finite_and_every_change),
        cmocka_unit_test(test_bad_requests_are_refused),
        cmocka_unit_test(test_colours_follow_the_convention),
        cmocka_unit_test(test_sheet_outlines_tiles_and_numbers_rows),
        cmocka_unit_test(test_sheet_is_a_picture_and_is_not_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
