/* The hexagonal eye: which pixels lie inside the hexagon of each column. Hexagons have the inner
 * diameter `spacing` and two horizontal sides; those at the border lose what lies outside the image.
 * A pixel that lies exactly on a side is in or out by rounding, so the sides are formed step by step
 * as the published analysis forms them, in double precision. */
#include "scenes/hex_eye.h"

#include <math.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_lattice.h"

enum { SIDES = 6, LEAST_SPACING = 5, MOST_SPACING = 100 };

typedef struct point {
    double x, y;
} point;

/* Corners of a hexagon about the origin, each the one before turned by 60 degrees. */
static void make_corners(int spacing, point corners[SIDES + 1])
{
    const double c = cos(M_PI / 3), s = sin(M_PI / 3);
    corners[0] = (point){2 / sqrt(3) * (spacing / 2.0), 0};
    for (int i = 0; i < SIDES; i++) {
        point p = corners[i];
        corners[i + 1] = (point){c * p.x - s * p.y, s * p.x + c * p.y};
    }
}

/* Whether (x, y) lies on the same side of the line from a to b as the centre, and not on it. */
static bool beside(point a, point b, point centre, double x, double y)
{
    double slope = (b.y - a.y) / (b.x - a.x);
    double here = a.y + slope * (x - a.x) - y;
    double there = a.y + slope * (centre.x - a.x) - centre.y;
    return there > 0 ? here > 0 : here < 0;
}

static bool inside(const point corners[SIDES + 1], point centre, int x, int y)
{
    for (int i = 0; i < SIDES; i++) {
        point a = {corners[i].x + centre.x, corners[i].y + centre.y};
        point b = {corners[i + 1].x + centre.x, corners[i + 1].y + centre.y};
        if (!beside(a, b, centre, x, y)) return false;
    }
    return true;
}

/* The part of one row of the image that lies inside a hexagon; a hexagon is convex. */
static om_span find_span(const om_hex_eye *eye, const point corners[SIDES + 1], point centre,
                         int row)
{
    om_span span = {.row = row};
    if (row < eye->first || row >= eye->end) return span;
    int reach = (int)corners[0].x + 1, left = (int)centre.x - reach, right = (int)centre.x + reach;
    if (left < eye->first) left = eye->first;
    if (right >= eye->end) right = eye->end - 1;
    while (left <= right && !inside(corners, centre, left, row)) left++;
    while (right >= left && !inside(corners, centre, right, row)) right--;
    span.first = left;
    span.end = right + 1;
    return span;
}

static void find_pixels(om_hex_eye *eye)
{
    point corners[SIDES + 1];
    int middle = OM_MONITOR_COLUMNS * eye->spacing / 2;
    make_corners(eye->spacing, corners);
    for (int i = 0; i < eye->n_columns; i++) {
        int u, v;
        om_lattice_coordinates(eye->extent, i, &u, &v);
        point centre = {eye->spacing * v + middle, eye->spacing * (u + v / 2.0) + middle};
        int top = (int)floor(centre.y - eye->spacing / 2.0);
        om_span *spans = eye->spans + (size_t)i * (size_t)(eye->spacing + 1);
        for (int k = 0; k <= eye->spacing; k++) {
            spans[k] = find_span(eye, corners, centre, top + k);
            eye->n_pixels[i] += spans[k].end - spans[k].first;
        }
    }
}

om_status om_hex_eye_create(int extent, int spacing, om_hex_eye **eye)
{
    *eye = NULL;
    if (extent < 0 || extent > OM_LATTICE_MAX_EXTENT || spacing < LEAST_SPACING ||
        spacing > MOST_SPACING)
        return om_fail(OM_EUSAGE,
                       "hexagonal eye of extent %d and %d pixels per column: expected 0..%d and "
                       "%d..%d",
                       extent, spacing, OM_LATTICE_MAX_EXTENT, LEAST_SPACING, MOST_SPACING);
    om_hex_eye *e = NULL;
    om_status status = om_alloc(1, sizeof *e, &e);
    if (status) return status;
    e->extent = extent;
    e->n_columns = om_lattice_columns(extent);
    e->spacing = spacing;
    e->first = (OM_MONITOR_COLUMNS / 2 - extent) * spacing;
    e->end = e->first + (2 * extent + 1) * spacing;
    size_t n = (size_t)e->n_columns;
    if ((status = om_alloc(n, sizeof *e->n_pixels, &e->n_pixels)) ||
        (status = om_alloc(n * (size_t)(spacing + 1), sizeof *e->spans, &e->spans))) {
        om_hex_eye_free(e);
        return status;
    }
    find_pixels(e);
    *eye = e;
    return OM_OK;
}

void om_hex_eye_free(om_hex_eye *eye)
{
    if (!eye) return;
    om_free(eye->spans);
    om_free(eye->n_pixels);
    om_free(eye);
}
