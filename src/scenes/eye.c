/* The box eye: each column sees the mean, sum or median of a k x k box of pixels (model.md 6). Boxes
 * may reach over the image's border; the centres themselves must lie inside. */
#include "ommatid/om_eye.h"

#include <stddef.h>

#include <gsl/gsl_statistics_float.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_lattice.h"
#include "scenes/eye.h"

double om_eye_flow_unit(int spacing, int image_rows)
{
    return (double)spacing * spacing / image_rows;
}

void om_eye_centre(int spacing, int u, int v, int *row, int *column)
{
    *row = spacing * (2 * u + v) / 2; /* C's division truncates toward zero */
    *column = spacing * v;
}

typedef struct picture {
    const float *pixels;
    int rows, columns;
} picture;

static float pixel(const picture *p, int row, int column)
{
    return p->pixels[(size_t)row * (size_t)p->columns + (size_t)column];
}

/* Sum over rows first_row.. and columns first_column.. of a k x k box, zero outside the image. */
static double box_sum(const picture *p, int first_row, int first_column, int k)
{
    int row_end = first_row + k < p->rows ? first_row + k : p->rows;
    int column_end = first_column + k < p->columns ? first_column + k : p->columns;
    double sum = 0;
    for (int r = first_row > 0 ? first_row : 0; r < row_end; r++)
        for (int c = first_column > 0 ? first_column : 0; c < column_end; c++)
            sum += (double)pixel(p, r, c);
    return sum;
}

/* Where a line of n pixels that is reflected at its ends shows pixel i, -n < i < 2 n - 1. */
static int reflected(int i, int n) { return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i; }

/* Median of such a box. box [k * k]: scratch. */
static float box_median(const picture *p, int first_row, int first_column, int k, float *box)
{
    size_t n = 0;
    for (int r = first_row; r < first_row + k; r++)
        for (int c = first_column; c < first_column + k; c++)
            box[n++] = pixel(p, reflected(r, p->rows), reflected(c, p->columns));
    return om_eye_median(box, n);
}

float om_eye_median(float *values, size_t n)
{
    return (float)gsl_stats_float_select(values, 1, n, (n - 1) / 2);
}

static om_status check_image(const picture *p, int extent, int spacing, om_eye_filter filter)
{
    if (extent < 0 || extent > OM_LATTICE_MAX_EXTENT || spacing < 1)
        return om_fail(OM_EUSAGE, "eye of extent %d and spacing %d: expected 0..%d and 1 or more",
                       extent, spacing, OM_LATTICE_MAX_EXTENT);
    int span = 2 * extent * spacing + 1, half = spacing / 2 + 1;
    if (filter == OM_EYE_MEDIAN && span < half) span = half; /* to be reflected */
    if (p->rows >= span && p->columns >= span) return OM_OK;
    om_fail(OM_EDATA, "image of %d x %d pixels: the eye of extent %d needs %d x %d at least",
            p->columns, p->rows, extent, span, span);
    return om_hint(OM_EDATA, "a larger image, or a smaller extent");
}

om_status om_eye_render(const float *image, int rows, int columns, int extent, int spacing,
                        om_eye_filter filter, float *out)
{
    const picture p = {image, rows, columns};
    float *box = NULL;
    OM_TRY(check_image(&p, extent, spacing, filter));
    OM_TRY(om_alloc((size_t)spacing * (size_t)spacing, sizeof *box, &box));
    int before = filter == OM_EYE_MEDIAN ? (spacing - 1) / 2 : spacing / 2;
    double scale = filter == OM_EYE_MEAN ? 1.0 / ((double)spacing * spacing) : 1.0;
    int n_columns = om_lattice_columns(extent);
    for (int i = 0; i < n_columns; i++) {
        int u, v, row, column;
        om_lattice_coordinates(extent, i, &u, &v);
        om_eye_centre(spacing, u, v, &row, &column);
        row += rows / 2 - before;
        column += columns / 2 - before;
        if (filter == OM_EYE_MEDIAN)
            out[i] = box_median(&p, row, column, spacing, box);
        else
            out[i] = (float)(scale * box_sum(&p, row, column, spacing));
    }
    om_free(box);
    return OM_OK;
}
