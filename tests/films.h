/* For tests of eye and batches: reading reference arrays, and comparing with them. */
#ifndef TESTS_FILMS_H
#define TESTS_FILMS_H

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

/* Skips the test, saying so, where the reference file is not there. */
static inline hid_t films_open(const char *path)
{
    if (access(path, R_OK) != 0) {
        print_message("skipped: no %s\n", path);
        skip();
    }
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

/* Reads a whole dataset as double; *n: how many numbers. Free with free(). */
static inline double *films_read(hid_t file, const char *name, size_t *n)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(dataset >= 0);
    hid_t space = H5Dget_space(dataset);
    *n = (size_t)H5Sget_simple_extent_npoints(space);
    double *data = malloc(*n * sizeof *data);
    assert_non_null(data);
    assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Sclose(space);
    H5Dclose(dataset);
    return data;
}

static inline double films_attribute(hid_t file, const char *object, const char *name)
{
    double value = NAN;
    hid_t attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0);
    assert_true(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
    H5Aclose(attribute);
    return value;
}

static inline void films_to_float(const double *in, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (float)in[i];
}

/* Largest difference over the largest expected magnitude (or 1 if that is smaller). */
#define ASSERT_NEAR_ARRAY(actual, expected, n, tolerance)                                          \
    do {                                                                                           \
        double scale_ = 1, worst_ = 0;                                                             \
        for (size_t i_ = 0; i_ < (n); i_++) {                                                      \
            double difference_ = fabs((double)(actual)[i_] - (expected)[i_]);                      \
            assert_true(isfinite(difference_));                                                    \
            scale_ = fmax(scale_, fabs((expected)[i_]));                                           \
            worst_ = fmax(worst_, difference_);                                                    \
        }                                                                                          \
        if (worst_ > (tolerance)*scale_)                                                           \
            fail_msg("differs by %g, scale %g, tolerance %g", worst_, scale_, (tolerance));        \
    } while (0)

#endif
