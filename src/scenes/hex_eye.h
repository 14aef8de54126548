/* The pixels of every column's hexagon, for the renderers of laboratory stimuli. */
#ifndef OM_SCENES_HEX_EYE_H
#define OM_SCENES_HEX_EYE_H

#include "ommatid/om_stimuli.h"

/* Columns across the monitor of the published analysis, the eye of extent 15. */
enum { OM_MONITOR_COLUMNS = 31 };

/* Pixels first..end-1 of a row; none if first == end. */
typedef struct om_span {
    int row, first, end;
} om_span;

/* Pixels count from the upper left corner of the published monitor, whose middle every eye looks at;
 * eyes of larger extents see negative ones too. */
struct om_hex_eye {
    int extent, n_columns, spacing;
    int first, end; /* pixels of the eye's own, square image: rows and columns first..end-1 */
    int *n_pixels;  /* [n_columns] */
    om_span *spans; /* [n_columns][spacing + 1] */
};

#endif
