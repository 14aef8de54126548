/* Contact sheets: what a set of scenes looks like, and, if they have flow, how it moves, as one picture. Every column is
 * drawn as the patch of the image that is nearest to its receptor's centre, so the mosaic is
 * hexagonal and has the true proportions of the image. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_scenes.h"
#include "scenes/colour.h"
#include "scenes/digits.h"

enum {
    TILE_PIXELS = 128, /* about as many across a tile */
    FINE = 3,          /* each pixel is the mean of FINE x FINE points */
    GAP = 4,           /* pixels between tiles; three times that between sequences */
    DOT = 2,           /* pixels across a dot of a digit */
    LABEL = 4 * DOT * OM_DIGIT_WIDTH + GAP, /* pixels before a row, for its number */
    OUTSIDE = -1,                           /* instead of a column: behind the tile, */
    RIM = -2,                               /* or the line around it */
    MOST_PIXELS = 1 << 28
};

/* The page of films with flow, and of light and dark columns alone. Columns may have any colour, so
 * that a line goes around all of them. */
static const double white[3] = {1, 1, 1}, blue[3] = {0.75, 0.85, 1}, line[3] = {0.4, 0.4, 0.4};
static const double ink[3] = {0, 0, 0};

typedef struct sheet {
    const om_scenes *scenes;
    int every, tiles_across, rows; /* rows: sequences */
    int tile;                      /* pixels across a tile, which is square */
    int *column;                   /* [FINE tile][FINE tile]: column shown there, OUTSIDE or RIM */
    double scale;                  /* flow at the end of the colour scale */
    const double *background;
    int width, height;
    uint8_t *pixels; /* [height][width][3] */
} sheet;

/* Column nearest to (x, y), y down, in units of the spacing: centres lie at (v, u + v/2). */
static int nearest_column(int extent, double x, double y)
{
    int best = OUTSIDE, v0 = (int)floor(x);
    double least = INFINITY;
    for (int v = v0; v <= v0 + 1; v++) {
        int u = (int)lround(y - 0.5 * v);
        double dx = x - v, dy = y - (u + 0.5 * v), distance = dx * dx + dy * dy;
        if (distance < least) {
            least = distance;
            best = om_lattice_index(extent, u, v);
        }
    }
    return best;
}

/* Whether a column is within a pixel of a point outside. */
static bool is_rim(const sheet *s, int row, int i)
{
    const int n = FINE * s->tile;
    for (int y = row - FINE; y <= row + FINE; y++)
        for (int x = i - FINE; x <= i + FINE; x++)
            if (y >= 0 && y < n && x >= 0 && x < n && s->column[y * n + x] >= 0 &&
                (y - row) * (y - row) + (x - i) * (x - i) <= FINE * FINE)
                return true;
    return false;
}

static void make_tile_map(sheet *s)
{
    int extent = s->scenes->extent, n = FINE * s->tile;
    double columns_per_point = (2 * extent + 1.4) / n;
    for (int row = 0; row < n; row++)
        for (int i = 0; i < n; i++)
            s->column[row * n + i] = nearest_column(extent, (i + 0.5 - n / 2.0) * columns_per_point,
                                                    (row + 0.5 - n / 2.0) * columns_per_point);
    for (int row = 0; row < n; row++)
        for (int i = 0; i < n; i++)
            if (s->column[row * n + i] == OUTSIDE && is_rim(s, row, i))
                s->column[row * n + i] = RIM;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The speed that all but the fastest fiftieth of the sheet's sequences stay below. */
static om_status find_scale(sheet *s, const int *sequences)
{
    size_t columns = (size_t)s->scenes->n_columns, n = 0;
    for (int i = 0; i < s->rows; i++)
        n += (size_t)s->scenes->sequences[sequences[i]].frames * columns;
    float *speed = NULL;
    om_status status = om_alloc(n, sizeof *speed, &speed);
    if (status) return status;
    size_t at = 0;
    for (int i = 0; i < s->rows; i++) {
        const om_sequence *q = &s->scenes->sequences[sequences[i]];
        for (size_t f = q->offset; f < q->offset + (size_t)q->frames; f++) {
            const float *x = s->scenes->flow + 2 * f * columns, *y = x + columns;
            for (size_t c = 0; c < columns; c++) speed[at++] = hypotf(x[c], y[c]);
        }
    }
    qsort(speed, n, sizeof *speed, compare_floats);
    s->scale = fmax((double)speed[(n - 1) * 98 / 100], 1e-6);
    om_free(speed);
    return OM_OK;
}

static void put_pixel(sheet *s, int x, int y, const double rgb[3])
{
    uint8_t *p = s->pixels + 3 * ((size_t)y * (size_t)s->width + (size_t)x);
    for (int c = 0; c < 3; c++) p[c] = (uint8_t)lround(255 * fmin(fmax(rgb[c], 0), 1));
}

/* A number whose upper left corner is (left, top). */
static void put_number(sheet *s, int left, int top, double number)
{
    char text[16];
    snprintf(text, sizeof text, "%.4g", number);
    for (int i = 0; text[i] != '\0'; i++)
        for (int y = 0; y < DOT * OM_DIGIT_HEIGHT; y++)
            for (int x = 0; x < DOT * OM_DIGIT_WIDTH; x++)
                if (om_digit_dot(text[i], x / DOT, y / DOT))
                    put_pixel(s, left + i * DOT * OM_DIGIT_WIDTH + x, top + y, ink);
}

/* Colours [n_columns][3] of a frame into the tile whose corner is (left, top). */
static void draw_tile(sheet *s, int left, int top, const double (*colours)[3])
{
    for (int y = 0; y < s->tile; y++)
        for (int x = 0; x < s->tile; x++) {
            double sum[3] = {0};
            for (int p = 0; p < FINE * FINE; p++) {
                int at = (FINE * y + p / FINE) * FINE * s->tile + FINE * x + p % FINE;
                const int column = s->column[at];
                const double *rgb = column == RIM       ? line
                                    : column == OUTSIDE ? s->background
                                                        : colours[column];
                for (int c = 0; c < 3; c++) sum[c] += rgb[c] / (FINE * FINE);
            }
            put_pixel(s, left + x, top + y, sum);
        }
}

static int tile_left(const sheet *s, int tile) { return LABEL + GAP + tile * (s->tile + GAP); }

/* Luminance, the flow if there is any, and the space to the next sequence. */
static int row_height(const sheet *s)
{
    return s->scenes->flow ? 2 * s->tile + 4 * GAP : s->tile + 3 * GAP;
}
static int row_top(const sheet *s, int row) { return 2 * GAP + row * row_height(s); }

/* Luminance of one sequence, and below it its flow. colours [n_columns][3]: scratch. */
static void draw_sequence(sheet *s, int row, const om_sequence *q, double (*colours)[3])
{
    size_t n = (size_t)s->scenes->n_columns;
    for (int tile = 0; tile * s->every < q->frames; tile++) {
        size_t frame = q->offset + (size_t)(tile * s->every);
        const float *luminance = s->scenes->luminance + frame * n;
        for (size_t c = 0; c < n; c++)
            for (int i = 0; i < 3; i++) colours[c][i] = (double)luminance[c];
        draw_tile(s, tile_left(s, tile), row_top(s, row), (const double(*)[3])colours);
        if (!s->scenes->flow) continue;
        const float *x = s->scenes->flow + 2 * frame * n, *y = x + n;
        for (size_t c = 0; c < n; c++)
            om_flow_colour((double)x[c] / s->scale, (double)y[c] / s->scale, colours[c]);
        draw_tile(s, tile_left(s, tile), row_top(s, row) + s->tile + GAP,
                  (const double(*)[3])colours);
    }
}

/* The key to the colours, in the corner at the upper right: the rim is the end of the scale, whose number
 * stands below. */
static void draw_wheel(sheet *s)
{
    double radius = 0.42 * s->tile;
    int left = tile_left(s, s->tiles_across), top = row_top(s, 0);
    for (int row = 0; row < s->tile; row++)
        for (int column = 0; column < s->tile; column++) {
            double sum[3] = {0};
            for (int p = 0; p < FINE * FINE; p++) {
                double x = (column + (p % FINE + 0.5) / FINE - s->tile / 2.0) / radius;
                double y = (s->tile / 2.0 - row - (p / FINE + 0.5) / FINE) / radius;
                double rgb[3] = {1, 1, 1};
                if (hypot(x, y) <= 1) om_flow_colour(x, y, rgb);
                for (int c = 0; c < 3; c++) sum[c] += rgb[c] / (FINE * FINE);
            }
            put_pixel(s, left + column, top + row, sum);
        }
    put_number(s, left + s->tile / 3, top + s->tile + GAP, s->scale);
}

static om_status write_png(const sheet *s, bool force, const char *path)
{
    FILE *file = fopen(path, force ? "wb" : "wbx");
    if (!file && errno == EEXIST) {
        om_fail(OM_EIO, "%s: exists already", path);
        return om_hint(OM_EIO, "--force, or another name after -o");
    }
    if (!file) return om_fail_errno("cannot be created", path);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)s->width,
                       .height = (png_uint_32)s->height,
                       .format = PNG_FORMAT_RGB};
    int written = png_image_write_to_stdio(&image, file, 0, s->pixels, 0, NULL);
    om_status status = OM_OK;
    if (fclose(file) != 0) status = om_fail_errno("cannot be written", path);
    if (!written) status = om_fail(OM_EIO, "%s: cannot write: %s", path, image.message);
    if (status) remove(path);
    return status;
}

static om_status check_request(const om_scenes *scenes, const int *sequences, int n, int every)
{
    if (!scenes->luminance)
        return om_fail(OM_EUSAGE, "scenes without films: place and render them first");
    if (n < 1 || every < 1)
        return om_fail(OM_EUSAGE,
                       "contact sheet of %d sequences, every %d frames: expected 1 or more", n,
                       every);
    for (int i = 0; i < n; i++)
        if (sequences[i] < 0 || sequences[i] >= scenes->n_sequences)
            return om_fail(OM_EUSAGE, "sequence %d: expected 0..%d", sequences[i],
                           scenes->n_sequences - 1);
    return OM_OK;
}

/* Sizes of everything; fails where the picture would be absurdly large. */
static om_status lay_out(sheet *s, const int *sequences)
{
    int across = 2 * s->scenes->extent + 1;
    s->tile = across * ((TILE_PIXELS + across - 1) / across);
    for (int i = 0; i < s->rows; i++) {
        int tiles = (s->scenes->sequences[sequences[i]].frames - 1) / s->every + 1;
        if (tiles > s->tiles_across) s->tiles_across = tiles;
    }
    int key = s->scenes->flow ? 1 : 0;
    int64_t width = (int64_t)(s->tiles_across + key) * (s->tile + GAP) + GAP + LABEL;
    int64_t height = (int64_t)s->rows * row_height(s) + GAP;
    if (width * height > MOST_PIXELS) {
        om_fail(OM_EUSAGE, "contact sheet of %lld x %lld pixels", (long long)width,
                (long long)height);
        return om_hint(OM_EUSAGE, "fewer sequences, or fewer of their frames");
    }
    s->width = (int)width;
    s->height = (int)height;
    return OM_OK;
}

om_status om_scenes_sheet(const om_scenes *scenes, const int *sequences, const double *labels,
                          int n, int every, bool force, const char *path)
{
    OM_TRY(check_request(scenes, sequences, n, every));
    sheet s = {
        .scenes = scenes, .every = every, .rows = n, .background = scenes->flow ? white : blue};
    double(*colours)[3] = NULL;
    om_status status = lay_out(&s, sequences);
    if (status) return status;
    size_t points = (size_t)(FINE * s.tile) * (size_t)(FINE * s.tile);
    size_t bytes = 3 * (size_t)s.width * (size_t)s.height;
    if ((status = om_alloc(points, sizeof *s.column, &s.column)) ||
        (status = om_alloc(bytes, 1, &s.pixels)) ||
        (status = om_alloc((size_t)scenes->n_columns, sizeof *colours, &colours)) ||
        (scenes->flow && (status = find_scale(&s, sequences))))
        goto done;
    for (int i = 0; i < s.width * s.height; i++)
        put_pixel(&s, i % s.width, i / s.width, s.background);
    make_tile_map(&s);
    for (int i = 0; i < n; i++) {
        put_number(&s, GAP, row_top(&s, i), labels != NULL ? labels[i] : sequences[i]);
        draw_sequence(&s, i, &scenes->sequences[sequences[i]], colours);
    }
    if (scenes->flow) draw_wheel(&s);
    status = write_png(&s, force, path);
done:
    om_free(s.column);
    om_free(s.pixels);
    om_free(colours);
    return status;
}
