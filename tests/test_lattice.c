/* The hexagonal lattice: numbering, distances, and its 12 symmetries. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <hdf5.h>

#include "ommatid/om_lattice.h"

static const int extents[] = {1, 2, 3, 5, 15, OM_LATTICE_MAX_EXTENT};
enum { N_EXTENTS = sizeof extents / sizeof extents[0], COLUMNS_E3 = 37 };

static void test_columns_are_u_major_and_numbered_without_gaps(void **state)
{
    (void)state;
    assert_int_equal(om_lattice_columns(15), 721);
    for (int k = 0; k < N_EXTENTS; k++) {
        int n = extents[k], next = 0;
        for (int u = -n - 2; u <= n + 2; u++) {
            for (int v = -n - 2; v <= n + 2; v++) {
                if (om_lattice_distance(u, v) > n) {
                    assert_int_equal(om_lattice_index(n, u, v), -1);
                    continue;
                }
                assert_int_equal(om_lattice_index(n, u, v), next);
                int back_u, back_v;
                om_lattice_coordinates(n, next, &back_u, &back_v);
                assert_int_equal(back_u, u);
                assert_int_equal(back_v, v);
                next++;
            }
        }
        assert_int_equal(next, om_lattice_columns(n));
    }
}

static void test_distance_counts_rings(void **state)
{
    (void)state;
    assert_int_equal(om_lattice_distance(0, 0), 0);
    assert_int_equal(om_lattice_distance(1, -1), 1);
    assert_int_equal(om_lattice_distance(2, 1), 3);
    assert_int_equal(om_lattice_distance(-2, 3), 3);
    int ring[4] = {0};
    for (int i = 0; i < COLUMNS_E3; i++) {
        int u, v;
        om_lattice_coordinates(3, i, &u, &v);
        ring[om_lattice_distance(u, v)]++;
    }
    const int expected[4] = {1, 6, 12, 18};
    assert_memory_equal(ring, expected, sizeof ring);
}

/* Position in the plane of the regular lattice, y up: neighbours are at distance 1. */
static void position(int extent, int index, double xy[2])
{
    int u, v;
    om_lattice_coordinates(extent, index, &u, &v);
    xy[0] = sqrt(3) / 2 * v;
    xy[1] = -(u + v / 2.0);
}

/* The flow matrix moves positions just as the permutation moves columns, for all 24 combinations;
 * so both are the same isometry, and its determinant tells rotations from reflections. */
static void test_matrix_and_permutation_are_the_same_isometry(void **state)
{
    (void)state;
    const int n = 5, columns = om_lattice_columns(n);
    int *source = malloc((size_t)columns * sizeof *source);
    assert_non_null(source);
    for (int flip = 0; flip < 4; flip++) {
        for (int rotation = 0; rotation < 6; rotation++) {
            double m[2][2];
            om_lattice_symmetry(n, flip, rotation, source, m);
            double determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
            assert_true(fabs(determinant - (flip == 0 ? 1 : -1)) < 1e-15);
            for (int i = 0; i < columns; i++) {
                double from[2], to[2];
                position(n, source[i], from);
                position(n, i, to);
                for (int k = 0; k < 2; k++)
                    assert_true(fabs(m[k][0] * from[0] + m[k][1] * from[1] - to[k]) < 1e-12);
            }
        }
    }
    free(source);
}

/* 4 flips by 6 rotations meet each of the 12 symmetries of the hexagon. */
static void test_there_are_twelve_symmetries(void **state)
{
    (void)state;
    int seen[24][COLUMNS_E3], distinct = 0;
    for (int flip = 0; flip < 4; flip++) {
        for (int rotation = 0; rotation < 6; rotation++) {
            int *source = seen[distinct];
            om_lattice_symmetry(3, flip, rotation, source, NULL);
            int same = 0;
            while (memcmp(seen[same], source, sizeof seen[same]) != 0) same++;
            if (same == distinct) distinct++;
        }
    }
    assert_int_equal(distinct, 12);
}

static void read_golden(hid_t file, const char *group, const char *name, hid_t type, void *data)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", group, name);
    hid_t set = H5Dopen2(file, path, H5P_DEFAULT);
    assert_true(set >= 0);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(set);
}

/* Applies one symmetry to frame 0 of the golden movie and compares with what the file holds. */
static void compare_symmetry(hid_t file, const char *group, int flip, int rotation)
{
    static float luminance[19][COLUMNS_E3], flow[19][2][COLUMNS_E3];
    read_golden(file, "/", "luminance", H5T_NATIVE_FLOAT, luminance);
    read_golden(file, "/", "flow", H5T_NATIVE_FLOAT, flow);
    int source[COLUMNS_E3], permutation[COLUMNS_E3];
    double m[2][2], golden_m[2][2], golden_flow[2][COLUMNS_E3], golden_luminance[COLUMNS_E3];
    om_lattice_symmetry(3, flip, rotation, source, m);

    read_golden(file, group, "flow0", H5T_NATIVE_DOUBLE, golden_flow);
    for (int i = 0; i < COLUMNS_E3; i++) {
        double x = (double)flow[0][0][source[i]], y = (double)flow[0][1][source[i]];
        for (int k = 0; k < 2; k++)
            assert_true(fabs(m[k][0] * x + m[k][1] * y - golden_flow[k][i]) < 1e-12);
    }
    if (flip != 0 && rotation != 0) return; /* of the combined ones only the flow is stored */
    read_golden(file, group, "permutation", H5T_NATIVE_INT, permutation);
    assert_memory_equal(source, permutation, sizeof source);
    read_golden(file, group, "matrix", H5T_NATIVE_DOUBLE, golden_m);
    for (int k = 0; k < 4; k++) assert_true(fabs(m[k / 2][k % 2] - golden_m[k / 2][k % 2]) < 1e-14);
    read_golden(file, group, "luminance0", H5T_NATIVE_DOUBLE, golden_luminance);
    for (int i = 0; i < COLUMNS_E3; i++)
        assert_true((double)luminance[0][source[i]] == golden_luminance[i]);
}

static void test_symmetries_agree_with_the_reference(void **state)
{
    (void)state;
    const char *path = OM_SHARED "/golden/augment.h5";
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    char group[32];
    for (int flip = 1; flip <= 3; flip++) {
        snprintf(group, sizeof group, "/flip%d", flip);
        compare_symmetry(file, group, flip, 0);
        for (int rotation = 1; rotation <= 4; rotation += 3) {
            snprintf(group, sizeof group, "/flip%d_rotate%d", flip, rotation);
            compare_symmetry(file, group, flip, rotation);
        }
    }
    for (int rotation = 1; rotation <= 5; rotation++) {
        snprintf(group, sizeof group, "/rotate%d", rotation);
        compare_symmetry(file, group, 0, rotation);
    }
    H5Fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_u_major_and_numbered_without_gaps),
        cmocka_unit_test(test_distance_counts_rings),
        cmocka_unit_test(test_matrix_and_permutation_are_the_same_isometry),
        cmocka_unit_test(test_there_are_twelve_symmetries),
        cmocka_unit_test(test_symmetries_agree_with_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
