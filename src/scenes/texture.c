/* Random textures by Fourier synthesis: white complex noise, shaped by |k|^-slope, transformed. Its
 * real and imaginary parts are two independent real fields. Natural images have slopes near 1
 * (Field 1987), so each octave carries the same contrast and the eye finds structure at its own
 * scale. Coarser copies (means over blocks) serve surfaces that are seen from afar or aslant. */
#include "scenes/texture.h"

#include <math.h>

#include <gsl/gsl_fft_complex.h>

#include "base/memory.h"

enum { SIZE = OM_TEXTURE_SIZE };

/* Signed frequency of bin i, in cycles per period. */
static double frequency(int i) { return i <= SIZE / 2 ? i : i - SIZE; }

/* Shaped noise [SIZE][SIZE] complex: normal numbers are drawn row by row. */
static void make_spectrum(const om_stream *stream, double slope, double *field)
{
    float normals[2 * SIZE];
    for (int row = 0; row < SIZE; row++) {
        om_random_normals(stream, (uint32_t)(row * 2 * SIZE), 2 * SIZE, normals);
        for (int column = 0; column < SIZE; column++) {
            double k2 = frequency(row) * frequency(row) + frequency(column) * frequency(column);
            double amplitude = k2 > 0 ? pow(k2, -0.5 * slope) : 0;
            double *z = field + 2 * ((size_t)row * SIZE + (size_t)column);
            z[0] = amplitude * (double)normals[2 * column];
            z[1] = amplitude * (double)normals[2 * column + 1];
        }
    }
}

static void transform_rows(double *field)
{
    for (size_t row = 0; row < SIZE; row++)
        gsl_fft_complex_radix2_forward(field + 2 * row * SIZE, 1, SIZE);
}

static void swap(double *a, double *b)
{
    double kept = *a;
    *a = *b;
    *b = kept;
}

/* Columns of a power-of-two stride fight for the same lines of the cache: rows of the transpose
 * do not. The field stays transposed; it is isotropic. */
static void transpose(double *field)
{
    for (size_t row = 0; row < SIZE; row++)
        for (size_t column = 0; column < row; column++) {
            double *a = field + 2 * (row * SIZE + column), *b = field + 2 * (column * SIZE + row);
            swap(a, b);
            swap(a + 1, b + 1);
        }
}

/* Part 0 or 1 (real or imaginary) of the field, scaled to variance 1; its mean is 0 already. */
static void take_part(const double *field, int part, float *out)
{
    const size_t n = (size_t)SIZE * SIZE;
    double sum2 = 0;
    for (size_t i = 0; i < n; i++)
        sum2 += field[2 * i + (size_t)part] * field[2 * i + (size_t)part];
    double scale = 1 / sqrt(sum2 / (double)n);
    for (size_t i = 0; i < n; i++) out[i] = (float)(scale * field[2 * i + (size_t)part]);
}

static void halve(const float *fine, size_t fine_size, float *coarse)
{
    size_t size = fine_size / 2;
    for (size_t row = 0; row < size; row++)
        for (size_t column = 0; column < size; column++) {
            const float *a = fine + 2 * row * fine_size + 2 * column, *b = a + fine_size;
            coarse[row * size + column] = 0.25F * (a[0] + a[1] + b[0] + b[1]);
        }
}

/* One block holds all levels of both fields, from pair[0].level[0] on. */
static om_status allocate(om_texture pair[2])
{
    size_t texels = 0;
    for (int l = 0; l < OM_TEXTURE_LEVELS; l++) texels += (size_t)(SIZE >> l) * (size_t)(SIZE >> l);
    float *block;
    om_status status = om_alloc(2 * texels, sizeof *block, &block);
    if (status) return status;
    for (int i = 0; i < 2; i++)
        for (int l = 0; l < OM_TEXTURE_LEVELS; l++) {
            pair[i].level[l] = block;
            block += (size_t)(SIZE >> l) * (size_t)(SIZE >> l);
        }
    return OM_OK;
}

om_status om_texture_create(const om_stream *stream, double slope, om_texture pair[2])
{
    double *field = NULL;
    om_status status = om_alloc(2 * (size_t)SIZE * SIZE, sizeof *field, &field);
    if (status || (status = allocate(pair))) goto done;
    make_spectrum(stream, slope, field);
    transform_rows(field);
    transpose(field);
    transform_rows(field);
    for (int i = 0; i < 2; i++) {
        take_part(field, i, pair[i].level[0]);
        for (int l = 1; l < OM_TEXTURE_LEVELS; l++)
            halve(pair[i].level[l - 1], (size_t)(SIZE >> (l - 1)), pair[i].level[l]);
    }
done:
    om_free(field);
    return status;
}

void om_texture_free(om_texture pair[2]) { om_free(pair[0].level[0]); }

float om_texture_at(const om_texture *texture, int level, double s, double t)
{
    const unsigned size = SIZE >> level, mask = size - 1;
    const double shift = 0x1p20, scale = 1.0 / (1 << level);
    /* Texel i of level l is centred at (i + 1/2) 2^l - 1/2; the shift, a multiple of the period,
     * makes truncation the floor. */
    double x = (s + 0.5) * scale - 0.5 + shift, y = (t + 0.5) * scale - 0.5 + shift;
    unsigned i = (unsigned)x, j = (unsigned)y;
    float wx = (float)(x - i), wy = (float)(y - j);
    const float *row0 = texture->level[level] + (size_t)(j & mask) * size;
    const float *row1 = texture->level[level] + (size_t)((j + 1) & mask) * size;
    unsigned i0 = i & mask, i1 = (i + 1) & mask;
    float a = row0[i0] + wx * (row0[i1] - row0[i0]);
    float b = row1[i0] + wx * (row1[i1] - row1[i0]);
    return a + wy * (b - a);
}
