/* How tests compare: central differences, and errors relative to the size of what is expected. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "naive.h"

double naive_difference(double (*f)(void *context), void *context, double *x, double h)
{
    double centre = *x;
    *x = centre + h;
    double above = f(context);
    *x = centre - h;
    double below = f(context);
    *x = centre;
    return (above - below) / (2 * h);
}

static double root_mean_square(int n, const double *a, const double *b)
{
    double squares = 0;
    for (int k = 0; k < n; k++) {
        double x = b ? a[k] - b[k] : a[k];
        squares += x * x;
    }
    return sqrt(squares / n);
}

static double relative(double error, double size) { return error > 0 ? error / size : error; }

double naive_error(int n, const double *actual, const double *expected, const double *from)
{
    return relative(root_mean_square(n, actual, expected), root_mean_square(n, expected, from));
}

bool naive_agrees(const char *what, int n, const double *actual, const double *expected,
                  const double *from, double limit)
{
    double largest = 0, error = naive_error(n, actual, expected, from);
    int where = 0;
    bool finite = true;
    for (int k = 0; k < n; k++) {
        finite = finite && isfinite(actual[k]) && isfinite(expected[k]);
        if (fabs(actual[k] - expected[k]) > largest)
            largest = fabs(actual[k] - expected[k]), where = k;
    }
    largest = relative(largest, root_mean_square(n, expected, from));
    bool agrees = finite && error <= limit && largest <= 20 * limit;
    printf("  %-32s error %.1e, largest %.1e (limit %.0e)%s\n", what, error, largest, limit,
           agrees   ? ""
           : finite ? ": TOO LARGE"
                    : ": NOT FINITE");
    if (!agrees)
        printf("    at %d: %.17g, expected %.17g\n", where, actual[where], expected[where]);
    return agrees;
}
