/* The box eye: what each column sees of an image (model.md 6).
 *
 * The receptor of column (u, v) is centred k (u + v/2) pixels below and k v pixels right of the
 * image's centre and takes the mean (luminance) or the sum (flow) of a k x k box; k = 13 for
 * Sintel. Flow is in pixels per frame divided by the image's height, y up: Sintel's 436 rows give
 * 169/436 = 0.3876 per pixel and frame, 5.04 per column and frame, and procedural worlds use the
 * same unit. */
#ifndef OM_EYE_H
#define OM_EYE_H

#include <stdbool.h>

#include "ommatid/om_status.h"

enum { OM_EYE_SPACING = 13, OM_EYE_SINTEL_ROWS = 436 };

/* Flow of one pixel per frame, as seen through the eye of the given spacing and image height. */
double om_eye_flow_unit(int spacing, int image_rows);

/* Renders an image through the eye.
 * image [rows][columns] row-major, row downwards; spacing k in pixels; out [n_columns of extent].
 * sum: add up the box instead of averaging it. Row centres for odd k and odd v are half-integers
 * truncated toward zero. Errors: OM_EDATA if the receptors do not fit into the image. */
om_status om_eye_render(const float *image, int rows, int columns, int extent, int spacing,
                        bool sum, float *out);

#endif
