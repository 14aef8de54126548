/* The colour wheel of the Middlebury flow benchmark: 55 hues, unevenly spaced so that equal angles
 * look about equally far apart. */
#include "scenes/colour.h"

#include <math.h>

/* Stretches of the wheel: from which channel values, in how many hues, to those of the next. */
static const struct {
    int hues;
    double rgb[3];
} WHEEL[] = {{15, {1, 0, 0}}, {6, {1, 1, 0}}, {4, {0, 1, 0}}, {11, {0, 1, 1}},
             {13, {0, 0, 1}}, {6, {1, 0, 1}}, {0, {1, 0, 0}}};
enum { STRETCHES = 6, HUES = 55 };

static void wheel_colour(double hue, double rgb[3])
{
    int i = 0;
    while (i < STRETCHES - 1 && hue >= WHEEL[i].hues) hue -= WHEEL[i++].hues;
    double w = hue / WHEEL[i].hues;
    for (int c = 0; c < 3; c++) rgb[c] = (1 - w) * WHEEL[i].rgb[c] + w * WHEEL[i + 1].rgb[c];
}

void om_flow_colour(double x, double y, double rgb[3])
{
    const double turn = 2 * 3.14159265358979323846;
    double clockwise = atan2(-y, x) / turn, speed = hypot(x, y);
    wheel_colour(HUES * (clockwise < 0 ? clockwise + 1 : clockwise), rgb);
    for (int c = 0; c < 3; c++) rgb[c] = speed <= 1 ? 1 - speed * (1 - rgb[c]) : 0.75 * rgb[c];
}
