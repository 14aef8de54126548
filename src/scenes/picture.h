/* The pictures of an edge or bar on the published monitor, and how they are turned. */
#ifndef OM_SCENES_PICTURE_H
#define OM_SCENES_PICTURE_H

#include <stdbool.h>

#include "ommatid/om_stimuli.h"

/* One rectangle on grey. Pixels count from the upper left corner of the monitor, whose border pixels
 * continue beyond it. */
typedef struct om_picture {
    int side;                     /* of the monitor, in pixels */
    int left, right, top, bottom; /* of the rectangle, inclusive; empty if left > right */
    double grey, colour;
} om_picture;

/* The picture at a position, with `spacing` pixels per column. Not turned: values 0..1. Turned: whole
 * numbers 0..255. */
om_picture om_picture_make(const om_moving *moving, int spacing, int position, double intensity,
                           bool turned);

/* A turn about the monitor's middle, counter-clockwise. */
typedef struct om_turn {
    bool turned;                   /* false: by 0 degrees */
    int side, margin;              /* of the monitor; what a turned monitor needs around it */
    double xx, xy, x0, yx, yy, y0; /* pixel of the turned picture -> point of the picture */
} om_turn;

om_turn om_turn_by(double angle_degrees, int spacing);

/* The four pixels of the picture around the point that is seen at a pixel of the turned one. */
typedef struct om_gaze {
    int row[2], column[2];
    double down, right; /* 0..1: nearness to row[1], column[1] */
} om_gaze;

om_gaze om_turn_gaze(const om_turn *turn, int row, int column);
/* What is seen there, bilinear, in the units of the picture; turned pictures rounded down. */
double om_picture_at(const om_picture *picture, const om_turn *turn, const om_gaze *gaze);

#endif
