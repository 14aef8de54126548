/* Laboratory stimuli: what edges, bars and flashes look like to every column, and when (model.md 7).
 * Numbers of time steps are cut to integers as the published analysis cuts them. */
#include "ommatid/om_stimuli.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/fail.h"
#include "ommatid/om_lattice.h"
#include "scenes/hex_eye.h"
#include "scenes/picture.h"

enum { MOST_POSITION = 40, MOST_HEIGHT = 80, MOST_STEPS = 10000000 };

const double om_moving_speeds[OM_MOVING_SPEEDS] = {2.4, 4.8, 9.7, 13, 19, 25};
const om_flash om_flashes[OM_FLASHES] = {{0, -1}, {0, 6}, {1, -1}, {1, 6}};

/* Moving edges and bars ----------------------------------------------------------------------- */

int om_moving_offsets(const om_moving *moving) { return moving->last - moving->first + 1; }

static om_status check_moving(const om_moving *m)
{
    if (m->first > m->last || m->first < -MOST_POSITION || m->last > MOST_POSITION)
        return om_fail(OM_EUSAGE,
                       "positions %d..%d: expected one or more from -%d to %d, in ascending order",
                       m->first, m->last, MOST_POSITION, MOST_POSITION);
    if (!(m->height > 0 && m->height <= MOST_HEIGHT))
        return om_fail(OM_EUSAGE,
                       "height %g: expected more than 0 and at most %d offsets of %g "
                       "degrees",
                       m->height, MOST_HEIGHT, OM_OFFSET_DEGREES);
    if (m->kind == OM_BAR && !(m->width > 0 && m->width <= MOST_HEIGHT))
        return om_fail(OM_EUSAGE,
                       "bar of width %g: expected more than 0 and at most %d offsets of "
                       "%g degrees",
                       m->width, MOST_HEIGHT, OM_OFFSET_DEGREES);
    return OM_OK;
}

static om_status check_intensity(double intensity)
{
    if (intensity >= 0 && intensity <= 1) return OM_OK;
    return om_fail(OM_EUSAGE, "intensity %g: expected 0..1", intensity);
}

/* Mean of every picture over the hexagon of one column: frames [n][n_columns]. */
static void see_pictures(const om_hex_eye *eye, const om_turn *turn, const om_picture *pictures,
                         int n, int column, float *frames)
{
    double sums[OM_MOVING_MOST_OFFSETS] = {0};
    const om_span *spans = eye->spans + (size_t)column * (size_t)(eye->spacing + 1);
    for (int k = 0; k <= eye->spacing; k++)
        for (int x = spans[k].first; x < spans[k].end; x++) {
            om_gaze gaze = om_turn_gaze(turn, spans[k].row, x);
            for (int i = 0; i < n; i++) sums[i] += om_picture_at(&pictures[i], turn, &gaze);
        }
    double white = turn->turned ? 255 : 1;
    for (int i = 0; i < n; i++)
        frames[(size_t)i * (size_t)eye->n_columns + (size_t)column] =
            (float)(sums[i] / white / eye->n_pixels[column]);
}

om_status om_moving_render(const om_hex_eye *eye, const om_moving *moving, double angle_degrees,
                           double intensity, float *frames)
{
    OM_TRY(check_moving(moving));
    OM_TRY(check_intensity(intensity));
    if (!isfinite(angle_degrees))
        return om_fail(OM_EUSAGE, "angle %g: expected degrees", angle_degrees);
    om_turn turn = om_turn_by(angle_degrees, eye->spacing);
    om_picture pictures[OM_MOVING_MOST_OFFSETS];
    int n = om_moving_offsets(moving);
    for (int i = 0; i < n; i++)
        pictures[i] =
            om_picture_make(moving, eye->spacing, moving->first + i, intensity, turn.turned);
#pragma omp parallel for schedule(static)
    for (int column = 0; column < eye->n_columns; column++)
        see_pictures(eye, &turn, pictures, n, column, frames);
    return OM_OK;
}

/* Flashes ------------------------------------------------------------------------------------- */

bool om_flash_covers(const om_flash *flash, int extent, int column)
{
    int u, v;
    om_lattice_coordinates(extent, column, &u, &v);
    return flash->radius < 0 || om_lattice_distance(u, v) <= flash->radius;
}

om_status om_flash_render(const om_flash *flash, int extent, float *frame)
{
    OM_TRY(check_intensity(flash->intensity));
    if (flash->radius < -1 || extent < 0 || extent > OM_LATTICE_MAX_EXTENT)
        return om_fail(OM_EUSAGE,
                       "flash of radius %d at extent %d: expected 0 or more (-1: full field), and "
                       "0..%d",
                       flash->radius, extent, OM_LATTICE_MAX_EXTENT);
    int n = om_lattice_columns(extent);
    for (int i = 0; i < n; i++)
        frame[i] = (float)(om_flash_covers(flash, extent, i) ? flash->intensity : OM_GREY);
    return OM_OK;
}

/* Courses ------------------------------------------------------------------------------------- */

static om_status check_course(const om_timing *timing, double t_stim)
{
    if (!(timing->dt > 0 && timing->t_pre >= 0 && timing->t_post >= 0 && t_stim >= 0))
        return om_fail(OM_EUSAGE,
                       "steps of %g s, %g s of grey before the stimulus and %g s after its %g s: "
                       "expected more than 0 and 0 or more",
                       timing->dt, timing->t_pre, timing->t_post, t_stim);
    double steps = (t_stim + timing->t_pre + timing->t_post) / timing->dt;
    if (!(steps < MOST_STEPS))
        return om_fail(OM_EUSAGE, "stimulus of %g steps: expected at most %d", steps, MOST_STEPS);
    if (t_stim / timing->dt >= 1) return OM_OK;
    om_fail(OM_EUSAGE, "stimulus of %g s: shorter than a step of %g s", t_stim, timing->dt);
    return om_hint(OM_EUSAGE, "a shorter step, or a slower stimulus");
}

om_status om_moving_course(const om_moving *moving, double speed, const om_timing *timing,
                           om_course *course)
{
    OM_TRY(check_moving(moving));
    if (!(speed > 0 && isfinite(speed)))
        return om_fail(OM_EUSAGE, "speed %g: expected more than 0 columns/s", speed);
    int n = om_moving_offsets(moving);
    double offset = OM_OFFSET_DEGREES * (M_PI / 180), column = OM_COLUMN_DEGREES * (M_PI / 180);
    double t_stim = n * offset / (speed * column);
    OM_TRY(check_course(timing, t_stim));
    int stimulus = (int)(t_stim / timing->dt),
        before = (int)((t_stim + timing->t_pre) / timing->dt);
    int all = (int)((t_stim + timing->t_pre + timing->t_post) / timing->dt);
    *course =
        (om_course){n, before - stimulus, stimulus, all - before, moving->kind == OM_EDGE, t_stim};
    return OM_OK;
}

double om_moving_time_to_centre(const om_moving *moving, double speed)
{
    return -moving->first * OM_OFFSET_DEGREES / (speed * OM_COLUMN_DEGREES);
}

om_status om_flash_course(double t_stim, const om_timing *timing, om_course *course)
{
    OM_TRY(check_course(timing, t_stim));
    *course = (om_course){1,
                          (int)(timing->t_pre / timing->dt),
                          (int)(t_stim / timing->dt),
                          (int)(timing->t_post / timing->dt),
                          false,
                          t_stim};
    return OM_OK;
}

int om_course_steps(const om_course *course)
{
    return course->pre + course->stimulus + course->post;
}

/* Positions 0..n-1 spread evenly over the steps, in single precision, counted from the nearer end. */
static float spread(float last, float step, int k, int steps)
{
    return k < steps / 2 ? step * (float)k : last - step * (float)(steps - 1 - k);
}

/* The frame of step k, the spread position rounded down. Where that is a whole number, rounding
 * decides, so it is formed as the published analysis does: in runs of eight from the first of each,
 * by twos, and what is left over one by one. */
static int frame_of_step(int n_frames, int k, int steps)
{
    enum { RUN = 8 };
    if (steps < 2) return 0;
    float last = (float)(n_frames - 1), step = last / (float)(steps - 1);
    int first = k < steps / (2 * RUN) * (2 * RUN) ? k / RUN * RUN : k;
    return (int)(spread(last, step, first, steps) + step * (float)(k - first));
}

int om_course_frame(const om_course *course, int step)
{
    int k = step - course->pre;
    if (k < 0 || (k >= course->stimulus && !course->hold)) return -1;
    if (k >= course->stimulus) k = course->stimulus - 1;
    return frame_of_step(course->n_frames, k, course->stimulus);
}

void om_course_luminance(const om_course *course, int step, const float *frames, int n_columns,
                         float *luminance)
{
    int frame = om_course_frame(course, step);
    if (frame >= 0)
        memcpy(luminance, frames + (size_t)frame * (size_t)n_columns,
               (size_t)n_columns * sizeof *luminance);
    else
        for (int i = 0; i < n_columns; i++) luminance[i] = (float)OM_GREY;
}
