/* The box eye: each column sees the mean, or the sum, of a k x k box of pixels (model.md 6). Boxes
 * that reach over the image's border see zeros there; the centres themselves must lie inside. */
#include "ommatid/om_eye.h"

#include <stddef.h>

#include "base/fail.h"
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

/* Sum over rows first_row.. and columns first_column.. of a k x k box, zero outside the image. */
static double box_sum(const float *image, int rows, int columns, int first_row, int first_column,
                      int k)
{
    int row_end = first_row + k < rows ? first_row + k : rows;
    int column_end = first_column + k < columns ? first_column + k : columns;
    double sum = 0;
    for (int r = first_row > 0 ? first_row : 0; r < row_end; r++)
        for (int c = first_column > 0 ? first_column : 0; c < column_end; c++)
            sum += (double)image[(size_t)r * (size_t)columns + (size_t)c];
    return sum;
}

om_status om_eye_render(const float *image, int rows, int columns, int extent, int spacing,
                        bool sum, float *out)
{
    if (extent < 0 || extent > OM_LATTICE_MAX_EXTENT || spacing < 1)
        return om_fail(OM_EUSAGE, "eye of extent %d and spacing %d: expected 0..%d and 1 or more",
                       extent, spacing, OM_LATTICE_MAX_EXTENT);
    int span = 2 * extent * spacing + 1;
    if (rows < span || columns < span) {
        om_fail(OM_EDATA, "image of %d x %d pixels: the eye of extent %d needs %d x %d at least",
                columns, rows, extent, span, span);
        return om_hint(OM_EDATA, "a larger image, or a smaller extent");
    }
    int before = spacing / 2; /* ceil((k - 1) / 2) pixels before the centre, the rest behind it */
    double scale = sum ? 1.0 : 1.0 / ((double)spacing * spacing);
    int n_columns = om_lattice_columns(extent);
    for (int i = 0; i < n_columns; i++) {
        int u, v, row, column;
        om_lattice_coordinates(extent, i, &u, &v);
        om_eye_centre(spacing, u, v, &row, &column);
        out[i] = (float)(scale * box_sum(image, rows, columns, rows / 2 + row - before,
                                         columns / 2 + column - before, spacing));
    }
    return OM_OK;
}
