/* The box eye: what each column sees of an image (model.md 6).
 *
 * The receptor of column (u, v) is centred k (u + v/2) pixels below and k v pixels right of the
 * image's centre and takes the mean or median (luminance) or the sum (flow) of a k x k box; k = 13 for
 * Sintel. Flow is in pixels per frame divided by the image's height, y up: Sintel's 436 rows give
 * 169/436 = 0.3876 per pixel and frame, 5.04 per column and frame, and procedural worlds use the
 * same unit. */
#ifndef OM_EYE_H
#define OM_EYE_H

#include "ommatid/om_status.h"

enum { OM_EYE_SPACING = 13, OM_EYE_SINTEL_ROWS = 436 };

/* Flow of one pixel per frame, as seen through the eye of the given spacing and image height. */
double om_eye_flow_unit(int spacing, int image_rows);

/* What a receptor makes of its box. Beyond the image's border, means and sums see zeros, a median sees
 * the image reflected (at the middle of its outermost pixels). Even boxes reach further before their
 * centre for means and sums, further behind it for medians; the median of an even number of pixels
 * is the lower of the two in the middle. */
typedef enum om_eye_filter { OM_EYE_MEAN, OM_EYE_MEDIAN, OM_EYE_SUM } om_eye_filter;

/* Renders an image through the eye.
 * image [rows][columns] row-major, row downwards; spacing k in pixels; out [n_columns of extent].
 * Row centres for odd k and odd v are half-integers truncated toward zero. Errors: OM_EDATA if the
 * receptors do not fit into the image, or it is too small to be reflected; OM_ENOMEM. */
om_status om_eye_render(const float *image, int rows, int columns, int extent, int spacing,
                        om_eye_filter filter, float *out);

#endif
