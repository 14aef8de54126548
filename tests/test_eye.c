/* The box eye against reference renderings, and what it does at the image's border. */
#include "films.h"

#include "ommatid/om_eye.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_status.h"
#include "scenes/eye.h"

static const struct {
    const char *name;
    int extent, spacing, rows, columns;
    bool flow, median;
} cases[] = {{"case_a", 5, 5, 100, 130, true, true},
             {"case_b", 5, 4, 100, 130, true, false},
             {"case_c", 15, 3, 100, 130, true, true},
             {"case_d", 15, 13, 436, 417, false, false},
             {"case_e", 4, 13, 105, 113, true, true}};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static double *read_case(hid_t file, int i, const char *what, size_t *n)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", cases[i].name, what);
    return films_read(file, path, n);
}

/* Renders one image of a case and compares with a dataset. */
static void compare(int i, const float *image, om_eye_filter filter, const double *expected)
{
    float *out = malloc(sizeof *out * (size_t)om_lattice_columns(cases[i].extent));
    assert_non_null(out);
    assert_int_equal(om_eye_render(image, cases[i].rows, cases[i].columns, cases[i].extent,
                                   cases[i].spacing, filter, out),
                     OM_OK);
    ASSERT_NEAR_ARRAY(out, expected, (size_t)om_lattice_columns(cases[i].extent), 1e-6);
    free(out);
}

static void test_centres_equal_the_reference(void **state)
{
    (void)state;
    hid_t file = films_open(OM_SHARED "/golden/eye.h5");
    for (int i = 0; i < N_CASES; i++) {
        size_t n;
        double *centres = read_case(file, i, "centres", &n);
        assert_int_equal(n, 2 * om_lattice_columns(cases[i].extent));
        for (size_t c = 0; c < n / 2; c++) {
            int u, v, row, column;
            om_lattice_coordinates(cases[i].extent, (int)c, &u, &v);
            om_eye_centre(cases[i].spacing, u, v, &row, &column);
            assert_int_equal(row, centres[2 * c]);
            assert_int_equal(column, centres[2 * c + 1]);
        }
        free(centres);
    }
    H5Fclose(file);
}

static void test_means_sums_and_medians_equal_the_reference(void **state)
{
    (void)state;
    hid_t file = films_open(OM_SHARED "/golden/eye.h5");
    for (int i = 0; i < N_CASES; i++) {
        size_t n, n_out;
        double *image = read_case(file, i, "image", &n);
        assert_int_equal(n, cases[i].rows * cases[i].columns);
        float *luminance = malloc(n * sizeof *luminance);
        assert_non_null(luminance);
        for (size_t p = 0; p < n; p++) luminance[p] = (float)image[p] / 255;
        double *mean = read_case(file, i, "mean", &n_out), *sum = read_case(file, i, "sum", &n_out);
        compare(i, luminance, OM_EYE_MEAN, mean);
        compare(i, luminance, OM_EYE_SUM, sum);
        if (cases[i].median) {
            double *median = read_case(file, i, "median", &n_out);
            compare(i, luminance, OM_EYE_MEDIAN, median);
            free(median);
        }
        free(image);
        free(luminance);
        free(mean);
        free(sum);
    }
    H5Fclose(file);
}

static void test_flow_is_summed_as_in_the_reference(void **state)
{
    (void)state;
    hid_t file = films_open(OM_SHARED "/golden/eye.h5");
    for (int i = 0; i < N_CASES; i++) {
        if (!cases[i].flow) continue;
        size_t n, n_out;
        double *image = read_case(file, i, "flow_image", &n);
        double *expected = read_case(file, i, "flow_sum", &n_out);
        float *flow = malloc(n * sizeof *flow);
        assert_non_null(flow);
        films_to_float(image, n, flow);
        compare(i, flow, OM_EYE_SUM, expected);
        compare(i, flow + n / 2, OM_EYE_SUM, expected + n_out / 2);
        free(image);
        free(expected);
        free(flow);
    }
    H5Fclose(file);
}

static void test_uniform_image_is_seen_as_it_is(void **state)
{
    (void)state;
    enum { ROWS = 60, COLUMNS = 71, EXTENT = 2 };
    float image[ROWS * COLUMNS], out[19];
    for (int i = 0; i < ROWS * COLUMNS; i++) image[i] = 0.25F;
    assert_int_equal(om_eye_render(image, ROWS, COLUMNS, EXTENT, 11, OM_EYE_MEAN, out), OM_OK);
    for (int i = 0; i < 19; i++) assert_true(out[i] == 0.25F);
    assert_int_equal(om_eye_render(image, ROWS, COLUMNS, EXTENT, 11, OM_EYE_SUM, out), OM_OK);
    for (int i = 0; i < 19; i++) assert_true(out[i] == 0.25F * 121);
    assert_int_equal(om_eye_render(image, ROWS, COLUMNS, EXTENT, 11, OM_EYE_MEDIAN, out), OM_OK);
    for (int i = 0; i < 19; i++) assert_true(out[i] == 0.25F);
}

/* A 4 x 4 box reaches one pixel before its centre and two behind it. */
static void test_median_of_an_even_box_is_the_lower_middle(void **state)
{
    (void)state;
    float image[5 * 5], out;
    for (int i = 0; i < 5 * 5; i++) image[i] = (float)i;
    assert_int_equal(om_eye_render(image, 5, 5, 0, 4, OM_EYE_MEDIAN, &out), OM_OK);
    assert_true(out == 14); /* of 6..9, 11..14, 16..19, 21..24 */
    const float halves[2 * 2] = {0, 1, 0, 1};
    assert_int_equal(om_eye_render(halves, 2, 2, 0, 2, OM_EYE_MEDIAN, &out), OM_OK);
    assert_true(out == 0);
    assert_int_equal(om_eye_render(halves, 2, 2, 0, 4, OM_EYE_MEDIAN, &out), OM_EDATA);
    assert_non_null(strstr(om_message(), "3 x 3"));
}

static void test_image_too_small_is_refused_with_its_size(void **state)
{
    (void)state;
    float image[52 * 52] = {0}, out[19];
    assert_int_equal(om_eye_render(image, 52, 52, 2, 13, OM_EYE_MEAN, out), OM_EDATA);
    assert_non_null(strstr(om_message(), "53 x 53"));
    assert_non_null(strstr(om_message(), "52 x 52"));
    assert_int_equal(om_eye_render(image, 52, 52, -1, 13, OM_EYE_MEAN, out), OM_EUSAGE);
    assert_int_equal(om_eye_render(image, 52, 52, 2, 0, OM_EYE_MEAN, out), OM_EUSAGE);
}

static void test_flow_unit_is_sintels(void **state)
{
    (void)state;
    double unit = om_eye_flow_unit(OM_EYE_SPACING, OM_EYE_SINTEL_ROWS);
    assert_true(fabs(unit - 169.0 / 436) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_centres_equal_the_reference),
        cmocka_unit_test(test_means_sums_and_medians_equal_the_reference),
        cmocka_unit_test(test_flow_is_summed_as_in_the_reference),
        cmocka_unit_test(test_uniform_image_is_seen_as_it_is),
        cmocka_unit_test(test_median_of_an_even_box_is_the_lower_middle),
        cmocka_unit_test(test_image_too_small_is_refused_with_its_size),
        cmocka_unit_test(test_flow_unit_is_sintels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
