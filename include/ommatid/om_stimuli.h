/* What the laboratory shows to trained models: moving edges, moving bars and flashes (model.md 7).
 *
 * A stimulus is a few rendered frames [n_frames][n_columns], and a course that says which of them is
 * seen at each time step, or grey. Edges and bars are drawn and seen as the published analysis does,
 * on a monitor of 31 columns of 5.8 degrees, so that the frames are those of its figures; beyond the
 * monitor's borders what lies at them continues, so that the eye may be of any extent. Angles are
 * directions of motion in degrees, counter-clockwise, y up: 0 moves towards larger v. Films are single
 * precision whatever om_real is. */
#ifndef OM_STIMULI_H
#define OM_STIMULI_H

#include <stdbool.h>

#include "ommatid/om_status.h"

#define OM_GREY                0.5
#define OM_COLUMN_DEGREES      5.8  /* what one column sees of the world */
#define OM_OFFSET_DEGREES      2.25 /* unit of offsets, widths and heights: 0.39 columns */
#define OM_MOVING_SPACING      25   /* pixels per column in the published analysis */
#define OM_MOVING_MOST_OFFSETS 81

typedef enum om_moving_kind {
    OM_EDGE, /* a surface that comes in from the side and stays */
    OM_BAR   /* a bar that crosses the middle */
} om_moving_kind;

/* What moves. Position p is where its leading side (an edge's), or its middle (a bar's), is p offsets
 * beyond the middle of the monitor. */
typedef struct om_moving {
    om_moving_kind kind;
    double width;    /* of a bar, 0..80 offsets; not used for edges */
    double height;   /* across the direction of motion, 0..80 offsets; 80: full field */
    int first, last; /* positions, -40..40, that are shown one after the other */
} om_moving;
#define OM_MOVING_EDGE                                                                             \
    {                                                                                              \
        OM_EDGE, 0, 80, -10, 10                                                                    \
    }
#define OM_MOVING_BAR                                                                              \
    {                                                                                              \
        OM_BAR, 4, 80, -10, 10                                                                     \
    }

/* Directions, in steps of 30 degrees, and speeds (columns/s) of the published analysis. */
enum { OM_MOVING_ANGLES = 12, OM_MOVING_SPEEDS = 6 };
extern const double om_moving_speeds[OM_MOVING_SPEEDS];

/* Hexagonal eye: each column takes the mean of the pixels inside its hexagon. Made once per extent
 * (0..60) and spacing (pixels per column, 5..100). Free with om_hex_eye_free(). Errors: OM_EUSAGE,
 * OM_ENOMEM. */
typedef struct om_hex_eye om_hex_eye;
om_status om_hex_eye_create(int extent, int spacing, om_hex_eye **eye);
void om_hex_eye_free(om_hex_eye *eye); /* accepts NULL */

/* Number of positions, last - first + 1. */
int om_moving_offsets(const om_moving *moving);
/* Renders every position of an edge or bar of the given intensity (0..1) on grey.
 * frames [om_moving_offsets()][n_columns of the eye's extent]. Turned pictures have 8-bit pixels,
 * rounded down, as the published ones: their grey is 127/255. Errors: OM_EUSAGE. */
om_status om_moving_render(const om_hex_eye *eye, const om_moving *moving, double angle_degrees,
                           double intensity, float *frames);

/* A disc of columns that lights up or goes dark for a while. */
typedef struct om_flash {
    double intensity; /* 0..1 */
    int radius;       /* columns, 0 or more: 1 + 3 r (r + 1) columns; -1: all columns */
} om_flash;
/* The conditions of the published analysis: OFF and ON, full field and disc. */
enum { OM_FLASHES = 4 };
extern const om_flash om_flashes[OM_FLASHES];

bool om_flash_covers(const om_flash *flash, int extent, int column);
/* frame [n_columns of the extent]: the flash on grey. Errors: OM_EUSAGE. */
om_status om_flash_render(const om_flash *flash, int extent, float *frame);

/* Which rendered frame is seen at each time step: `pre` steps of grey, `stimulus` steps of frames
 * 0..n_frames-1, `post` steps of the last of them (hold) or of grey. */
typedef struct om_course {
    int n_frames, pre, stimulus, post;
    bool hold;
    double t_stim_s; /* of the stimulus, before it was cut to whole steps */
} om_course;

/* When things happen, in seconds. */
typedef struct om_timing {
    double dt, t_pre, t_post; /* t_pre: grey before the stimulus; t_post: after it */
} om_timing;
#define OM_TIMING                                                                                  \
    {                                                                                              \
        1.0 / 200, 1, 1                                                                            \
    }

/* The course of an edge (which stays at the end) or bar (grey at the end) at a speed in columns/s.
 * A stimulus of n positions takes n offsets at that speed; numbers of steps are cut, not rounded.
 * Errors: OM_EUSAGE, also where the stimulus is shorter than a step. */
om_status om_moving_course(const om_moving *moving, double speed, const om_timing *timing,
                           om_course *course);
/* Seconds from the onset of the motion until position 0 is reached. */
double om_moving_time_to_centre(const om_moving *moving, double speed);
/* The course of a flash of t_stim seconds. */
om_status om_flash_course(double t_stim, const om_timing *timing, om_course *course);

int om_course_steps(const om_course *course);
/* The frame that is seen at a step, 0 <= step < om_course_steps(); -1: grey. */
int om_course_frame(const om_course *course, int step);
/* What all columns see at a step. frames [n_frames][n_columns], luminance [n_columns]. */
void om_course_luminance(const om_course *course, int step, const float *frames, int n_columns,
                         float *luminance);

#endif
