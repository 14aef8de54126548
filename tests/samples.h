/* Shared by the tests of statistics: numbers to expect, and samples of random ones. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ommatid/om_random.h"
#include "ommatid/om_statistics.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const double PI = 3.14159265358979323846;

static inline void assert_close(double actual, double expected, double within)
{
    if (!(fabs(actual - expected) <= within)) fail_msg("%.17g, expected %.17g", actual, expected);
}

static inline void assert_near(double actual, double expected)
{
    assert_close(actual, expected, 1e-12 * fmax(1, fabs(expected)));
}

static inline void assert_nan(double x)
{
    if (!isnan(x)) fail_msg("%g, expected NaN", x);
}

static inline void assert_refused(om_status actual, om_status status, const char *says)
{
    assert_int_equal(actual, status);
    if (strstr(om_message(), says) == NULL) fail_msg("'%s' lacks '%s'", om_message(), says);
}

/* Number `index` of a sample of standard normals. */
static inline double normal(uint32_t sample, uint32_t index)
{
    om_stream stream = {77, 0, OM_FOR_NOISE, sample, 0};
    return om_random_normal(&stream, index);
}

#endif
