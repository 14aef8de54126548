/* Where the eye's receptors lie in an image, for the renderers that put films on the lattice. */
#ifndef OM_SCENES_EYE_H
#define OM_SCENES_EYE_H

#include <stddef.h>

/* Centre of the receptor of column (u, v) in pixels from the image's centre, row downwards:
 * row = trunc(k (u + v/2)), column = k v, for the spacing k. */
void om_eye_centre(int spacing, int u, int v, int *row, int *column);

/* Median of n values, the lower one of two in the middle. Their order changes. */
float om_eye_median(float *values, size_t n);

#endif
