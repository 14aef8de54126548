/* Pictures of edges and bars as the published analysis draws them: a rectangle on a monitor of 31
 * columns (which it takes for 180 degrees), cut to whole pixels, turned as an 8-bit image. Every
 * number here is formed in that order because it is cut to an integer in the end. No image is ever
 * made: a rectangle says what each of its pixels is. */
#include "scenes/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenes/hex_eye.h"

enum { EDGE_WIDTH = 80, MOST_BYTE = 255 };

static double radians(double degrees) { return degrees * (M_PI / 180); }
static int larger(int a, int b) { return a > b ? a : b; }

om_picture om_picture_make(const om_moving *moving, int spacing, int position, double intensity,
                           bool turned)
{
    bool edge = moving->kind == OM_EDGE;
    double offset = radians(OM_OFFSET_DEGREES), column = radians(OM_COLUMN_DEGREES);
    int side = OM_MONITOR_COLUMNS * spacing;
    int width = (int)((edge ? EDGE_WIDTH : moving->width) * offset / column * spacing);
    int height = (int)(moving->height * offset / column * spacing);
    int x = (int)(side * (radians(edge ? 0 : 90) + position * offset) / radians(180));
    int y = (int)(side * radians(90) / radians(180));
    int left = (int)(x - width / 2.0);
    om_picture p = {.side = side,
                    .left = larger(left, 0),
                    .right = left + width,
                    .top = larger((int)(y - height / 2.0), 0),
                    .bottom = (int)(y + height / 2.0),
                    .grey = OM_GREY,
                    .colour = intensity};
    if (turned) {
        p.grey = floor(MOST_BYTE * p.grey);
        p.colour = floor(MOST_BYTE * p.colour);
    }
    return p;
}

/* To 15 decimals, as the published analysis does: what should be 0 or 1/2 is. */
static double rounded(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.15f", x);
    return strtod(text, NULL);
}

om_turn om_turn_by(double angle_degrees, int spacing)
{
    double angle = fmod(angle_degrees, 360);
    if (angle < 0) angle += 360;
    double c = rounded(cos(-radians(angle))), s = rounded(sin(-radians(angle)));
    om_turn turn = {.turned = angle != 0, .side = OM_MONITOR_COLUMNS * spacing};
    /* The margin fits the diagonal. It decides how the coordinates below are rounded. */
    turn.margin = ((int)sqrt(2.0 * turn.side * turn.side) - turn.side) / 2;
    double middle = (turn.side + 2 * turn.margin) / 2.0;
    turn.xx = c;
    turn.xy = s;
    turn.yx = -s;
    turn.yy = c;
    turn.x0 = turn.xx * -middle + turn.xy * -middle + middle;
    turn.y0 = turn.yx * -middle + turn.yy * -middle + middle;
    return turn;
}

static int onto_monitor(int pixel, int side)
{
    return pixel < 0 ? 0 : pixel < side ? pixel : side - 1;
}

om_gaze om_turn_gaze(const om_turn *turn, int row, int column)
{
    om_gaze gaze = {.down = 0, .right = 0};
    double y = row, x = column;
    if (turn->turned) {
        /* pixels have their middle at 1/2 */
        double from_x = column + turn->margin + 0.5, from_y = row + turn->margin + 0.5;
        double to_x = turn->xx * from_x + turn->xy * from_y + turn->x0 - 0.5;
        double to_y = turn->yx * from_x + turn->yy * from_y + turn->y0 - 0.5;
        gaze.right = to_x - floor(to_x);
        gaze.down = to_y - floor(to_y);
        x = floor(to_x) - turn->margin;
        y = floor(to_y) - turn->margin;
    }
    for (int i = 0; i < 2; i++) {
        gaze.row[i] = onto_monitor((int)y + i, turn->side);
        gaze.column[i] = onto_monitor((int)x + i, turn->side);
    }
    return gaze;
}

static double pixel(const om_picture *p, int row, int column)
{
    bool in = column >= p->left && column <= p->right && row >= p->top && row <= p->bottom;
    return in ? p->colour : p->grey;
}

static double mix(double a, double b, double nearness) { return a + (b - a) * nearness; }

double om_picture_at(const om_picture *picture, const om_turn *turn, const om_gaze *gaze)
{
    const int *row = gaze->row, *column = gaze->column;
    if (!turn->turned) return pixel(picture, row[0], column[0]);
    double above =
        mix(pixel(picture, row[0], column[0]), pixel(picture, row[0], column[1]), gaze->right);
    double below =
        mix(pixel(picture, row[1], column[0]), pixel(picture, row[1], column[1]), gaze->right);
    return floor(mix(above, below, gaze->down));
}
