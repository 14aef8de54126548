/* Directions over the models of an ensemble. An ensemble often finds a solution and its mirror
 * image, and then the mean direction says nothing: the two camps have to be told apart first. */
#include <math.h>

#include "base/memory.h"
#include "lab/sample.h"

static const double ROUNDING = 1e-12; /* lengths below are 0 */
static const double COS_150 = -0.866025403784438646763723170752936183;

typedef struct resultant {
    double length, direction;
} resultant;

/* Of `fold` times the angles. */
static resultant resultant_of(const double *angle, size_t n, double fold)
{
    double c = 0, s = 0;
    if (n == 0) return (resultant){NAN, NAN};
    for (size_t i = 0; i < n; i++) {
        c += cos(fold * angle[i]);
        s += sin(fold * angle[i]);
    }
    double length = fmin(hypot(c, s) / (double)n, 1);
    return length < ROUNDING ? (resultant){0, NAN} : (resultant){length, atan2(s, c)};
}

/* P(resultant >= length) of n directions without preference, as Zar approximates it (1999,
 * Biostatistical Analysis, chapter 27). */
static double rayleigh_p(size_t n, double length)
{
    double count = (double)n, sum = count * length;
    return exp(sqrt(1 + 4 * count + 4 * (count * count - sum * sum)) - (1 + 2 * count));
}

/* Moves the directions of the axis' one side to the front; returns how many there are. */
static size_t part(double *angle, size_t n, double axis)
{
    size_t near = 0;
    for (size_t i = 0; i < n; i++) {
        double a = angle[i];
        if (!(cos(a - axis) >= 0)) continue;
        angle[i] = angle[near];
        angle[near++] = a;
    }
    return near;
}

/* Whether a camp is large enough beside all n, and gathers about the axis. */
static bool is_camp(const double *angle, size_t size, size_t n, double axis)
{
    double along = 0;
    for (size_t i = 0; i < size; i++) along += cos(2 * (angle[i] - axis));
    return size >= 2 && 10 * size >= n && 3 * along >= (double)size;
}

/* Camps and mirror solutions; reorders the angles. */
static void add_camps(double *angle, size_t n, double axis, om_directions *d)
{
    size_t near = part(angle, n, axis), far = n - near;
    om_camp one = {(int)near, resultant_of(angle, near, 1).direction};
    om_camp other = {(int)far, resultant_of(angle + near, far, 1).direction};
    d->camp[0] = near >= far ? one : other;
    d->camp[1] = near >= far ? other : one;
    d->mirrored = is_camp(angle, near, n, axis) && is_camp(angle + near, far, n, axis) &&
                  cos(one.direction - other.direction) < COS_150 && d->axial_p < 0.05;
}

om_status om_summarise_directions(const double *radians, int n_models, om_directions *d)
{
    double *angle = NULL;
    size_t n = 0;
    *d = (om_directions){.n_left_out = n_models, .axial_p = NAN, .camp = {{0, NAN}, {0, NAN}}};
    om_status status = om_alloc((size_t)n_models, sizeof(double), &angle);
    if (status == OM_OK) status = om_sample_take("directions", radians, n_models, angle, &n);
    if (status != OM_OK) goto done;
    resultant plain = resultant_of(angle, n, 1), axial = resultant_of(angle, n, 2);
    d->n = (int)n;
    d->n_left_out = n_models - d->n;
    d->direction = plain.direction;
    d->length = plain.length;
    d->sd = sqrt(-2 * log(plain.length));
    d->axial_length = axial.length;
    if (n > 0) d->axial_p = rayleigh_p(n, axial.length);
    d->camp[0] = (om_camp){d->n, plain.direction};
    if (axial.length > 0) add_camps(angle, n, axial.direction / 2, d);
done:
    om_free(angle);
    return status;
}
