/* How the checks of the program `golden` compare and report: one aligned line per quantity. */
#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_WIDTH = 44, LINE = 512 };

double check_limit(check_kind kind)
{
    static const double single[] = {[CHECK_FORWARD] = 2e-5,
                                    [CHECK_GRADIENT] = 2e-4,
                                    [CHECK_TRAINED] = 1e-4,
                                    [CHECK_EARLY] = 2e-4,
                                    [CHECK_STORED] = 1.5e-7};
    return sizeof(om_real) == sizeof(double) && kind != CHECK_STORED ? 1e-9 : single[kind];
}

static void count(check *c, bool right)
{
    c->tally->quantities++;
    if (!right) c->tally->wrong++;
}

/* Largest and root-mean-square difference, infinite where a number is not finite. */
static void differences(int n, const double *actual, const double *expected, double *most,
                        double *rms)
{
    double largest = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        double difference = fabs(actual[i] - expected[i]);
        if (!isfinite(difference)) difference = INFINITY;
        largest = fmax(largest, difference);
        sum += difference * difference;
    }
    *most = largest;
    *rms = n > 0 ? sqrt(sum / n) : 0;
}

static void report(check *c, const char *quantity, int n, double most, double rms, double limit,
                   bool right, const char *unit)
{
    printf("  %-*s %8d  %9.2e  %9.2e  %7.1e  %s%s\n", NAME_WIDTH, quantity, n, most, rms, limit,
           right ? "ok" : "WRONG", unit);
    count(c, right);
}

/* Root mean square of the finite ones of expected - from. */
static double scale_of(int n, const double *expected, const double *from)
{
    double sum = 0;
    int finite = 0;
    for (int i = 0; i < n; i++) {
        double x = expected[i] - (from != NULL ? from[i] : 0);
        if (!isfinite(x)) continue;
        sum += x * x;
        finite++;
    }
    return finite > 0 ? sqrt(sum / finite) : 0;
}

void check_compare(check *c, const char *quantity, int n, const double *actual,
                   const double *expected, const double *from, double limit)
{
    double most, rms, scale = scale_of(n, expected, from);
    differences(n, actual, expected, &most, &rms);
    if (most > 0) {
        most /= scale;
        rms /= scale;
    }
    report(c, quantity, n, most, rms, limit, rms <= limit && most <= 20 * limit, "");
}

void check_largest(check *c, const char *quantity, int n, const double *actual,
                   const double *expected, double limit)
{
    double most, rms, largest = 0;
    differences(n, actual, expected, &most, &rms);
    for (int i = 0; i < n; i++) largest = fmax(largest, fabs(expected[i]));
    if (most > 0) {
        most /= largest;
        rms /= largest;
    }
    report(c, quantity, n, most, rms, limit, most <= limit, " (of the largest)");
}

void check_absolute(check *c, const char *quantity, int n, const double *actual,
                    const double *expected, double most, double rms)
{
    double most_found, rms_found;
    differences(n, actual, expected, &most_found, &rms_found);
    report(c, quantity, n, most_found, rms_found, rms, most_found <= most && rms_found <= rms,
           " (absolute)");
}

void check_exact(check *c, const char *quantity, int n, const double *actual,
                 const double *expected)
{
    int different = 0, first = 0;
    for (int i = n - 1; i >= 0; i--)
        if (actual[i] != expected[i]) {
            different++;
            first = i;
        }
    printf("  %-*s %8d  ", NAME_WIDTH, quantity, n);
    if (different == 0)
        printf("%29s  ok\n", "equal");
    else
        printf("%d differ, the first at %d: %.17g, expected %.17g  WRONG\n", different, first,
               actual[first], expected[first]);
    count(c, different == 0);
}

void check_dataset(check *c, int n, const double *actual, double limit, const char *format, ...)
{
    char path[LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    double *expected = check_read(c, n, NULL, "%s", path);
    if (expected != NULL) check_compare(c, path, n, actual, expected, NULL, limit);
    free(expected);
}

void check_weighted_sum(check *c, int n, const double *weight, const double *value, double limit,
                        const char *format, ...)
{
    char path[LINE];
    double sum = 0, square = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    for (int i = 0; i < n; i++) {
        sum += weight[i] * value[i];
        square += pow(weight[i] * value[i], 2);
    }
    double *expected = check_read(c, 1, NULL, "%s", path), scale = sqrt(square);
    if (expected != NULL && scale > 0) {
        const double found = sum / scale, wanted = *expected / scale;
        check_absolute(c, path, 1, &found, &wanted, limit, limit);
    } else if (expected != NULL) {
        check_compare(c, path, 1, &sum, expected, NULL, limit);
    }
    free(expected);
}

void check_exact_dataset(check *c, int n, const double *actual, const char *format, ...)
{
    char path[LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    double *expected = check_read(c, n, NULL, "%s", path);
    if (expected != NULL) check_exact(c, path, n, actual, expected);
    free(expected);
}

void check_wrong(check *c, const char *format, ...)
{
    char text[4 * LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("  %s  WRONG\n", text);
    count(c, false);
}

void check_skip(check *c, const char *format, ...)
{
    char text[LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("  %s  skipped\n", text);
    c->tally->skipped++;
}

void check_give_up(check *c, const char *format, ...)
{
    char text[4 * LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check_wrong(c, "%s: the rest of this file is not checked", text);
    fflush(stdout);
    _exit(EXIT_SUCCESS); /* the tally says what is wrong */
}

int check_times(check *c, int a, int b)
{
    int product;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product))
        check_give_up(c, "sizes %d and %d: no array is that large", a, b);
    return product;
}

bool check_ok(check *c, om_status status)
{
    if (status != OM_OK) check_wrong(c, "%s", om_message());
    return status == OM_OK;
}

static void *allocate(int n, size_t size)
{
    void *memory = calloc(n > 0 ? (size_t)n : 1, size);
    if (memory != NULL) return memory;
    fputs("golden: not enough memory\n", stderr);
    exit(1);
}

double *check_zeros(int n) { return allocate(n, sizeof(double)); }

double *check_doubles(int n, const om_real *values)
{
    double *out = check_zeros(n);
    for (int i = 0; i < n; i++) out[i] = (double)values[i];
    return out;
}

om_real *check_reals(int n, const double *values)
{
    om_real *out = allocate(n, sizeof *out);
    for (int i = 0; i < n; i++) out[i] = (om_real)values[i];
    return out;
}
