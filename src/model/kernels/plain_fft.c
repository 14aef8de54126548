/* The first convolution by Fourier transforms in plain C (fft.h): every transform is its sum, written out.
 * This is the specification of the vector kernels' fast ones. */
#include <math.h>
#include <string.h>

#include "model/kernels/arrays.h"
#include "model/kernels/fft.h"

enum { FORTH = -1, BACK = 1 };

/* to(k) = sum over m of from(m) exp(sense 2 pi i k m / n), n cells each, so many numbers apart. */
static void transform(int n, int sense, const om_real *from, size_t from_next, om_real *to,
                      size_t to_next)
{
    om_real cosine[OM_TORUS_J], sine[OM_TORUS_J];
    for (int a = 0; a < n; a++) {
        double angle = 2 * acos(-1) * a / n;
        cosine[a] = (om_real)cos(angle);
        sine[a] = (om_real)(sense * sin(angle));
    }
    for (int k = 0; k < n; k++, to += to_next) {
        memset(to, 0, OM_CELL * sizeof *to);
        for (int m = 0; m < n; m++) {
            const om_real *re = from + (size_t)m * from_next, *im = re + OM_LANES;
            const om_real c = cosine[k * m % n], s = sine[k * m % n];
            for (int l = 0; l < OM_LANES; l++) {
                to[l] += re[l] * c - im[l] * s;
                to[OM_LANES + l] += im[l] * c + re[l] * s;
            }
        }
    }
}

/* to += x y, or x conj(y), on all lanes; y is the kernel's, the same for all. */
static void add_product(om_real *to, const om_real *x, om_real y_re, om_real y_im)
{
    for (int l = 0; l < OM_LANES; l++) {
        to[l] += x[l] * y_re - x[OM_LANES + l] * y_im;
        to[OM_LANES + l] += x[OM_LANES + l] * y_re + x[l] * y_im;
    }
}

/* ---- between arrays and lines ---- */

static void input(const om_fft *fft, int channel, const om_real *const maps[OM_PAIR],
                  om_real *lines)
{
    const om_decoder_tables *t = fft->tables;
    om_real x[OM_TORUS_J * OM_CELL];
    for (int i = 0; i < OM_TORUS_I; i++) {
        memset(x, 0, sizeof x);
        OM_FFT_RUNS(fft, inside, i, run)
        for (int f = 0; f < OM_PAIR; f++)
            for (int n = 0; maps[f] != NULL && n < run->cells * OM_QUAD; n++) {
                om_real v = maps[f][om_fft_compact(t, run) + (size_t)n];
                x[(run->j + n / OM_QUAD) * OM_CELL + f * OM_QUAD + n % OM_QUAD] = v < 0 ? 0 : v;
            }
        transform(OM_TORUS_J, FORTH, x, OM_CELL, lines + (channel * OM_TORUS_I + i) * OM_CELL,
                  om_fft_lines(t->n_outputs));
    }
}

static void d_input(const om_fft *fft, int channel, const om_real *returned,
                    const om_real *const maps[OM_PAIR], om_real *const d_maps[OM_PAIR])
{
    om_real x[OM_TORUS_J * OM_CELL];
    for (int i = 0; i < OM_TORUS_I; i++) {
        transform(OM_TORUS_J, BACK, returned + (channel * OM_TORUS_I + i) * OM_RETURNED, OM_CELL, x,
                  OM_CELL);
        OM_FFT_RUNS(fft, inside, i, run)
        for (int f = 0; f < OM_PAIR; f++)
            for (int n = 0; maps[f] != NULL && n < run->cells * OM_QUAD; n++) {
                size_t at = om_fft_compact(fft->tables, run) + (size_t)n;
                om_real d = x[(run->j + n / OM_QUAD) * OM_CELL + f * OM_QUAD + n % OM_QUAD];
                d_maps[f][at] = maps[f][at] > 0 ? d : 0;
            }
    }
}

static void hidden(const om_fft *fft, int o, const om_real *returned,
                   const om_block *const blocks[2])
{
    const om_decoder_tables *t = fft->tables;
    om_real y[OM_TORUS_J * OM_CELL];
    for (int i = 0; i < OM_TORUS_I; i++) {
        transform(OM_TORUS_J, BACK, returned + (o * OM_TORUS_I + i) * OM_RETURNED, OM_CELL, y,
                  OM_CELL);
        OM_FFT_RUNS(fft, computed, i, run)
        for (int b = 0; b < 2; b++)
            for (int n = 0; blocks[b] != NULL && n < run->cells; n++) {
                om_real *to = blocks[b]->conv1 + (size_t)o * om_channel_reals(t) +
                              om_cell_at(t, run->row, run->column + n);
                for (int l = 0; l < OM_LANES; l++)
                    to[l] = y[(run->j + n) * OM_CELL + b * OM_LANES + l] + t->conv1_bias[o];
            }
    }
}

static void gradient(const om_fft *fft, const om_norm *norm, int o, const om_block *const blocks[2],
                     om_real *lines)
{
    const om_decoder_tables *t = fft->tables;
    om_real d[OM_TORUS_J * OM_CELL];
    for (int i = 0; i < OM_TORUS_I; i++) {
        memset(d, 0, sizeof d);
        OM_FFT_RUNS(fft, computed, i, run)
        for (int b = 0; b < 2; b++)
            for (int n = 0; blocks[b] != NULL && n < run->cells; n++) {
                const om_real *y = blocks[b]->conv1 + (size_t)o * om_channel_reals(t) +
                                   om_cell_at(t, run->row, run->column + n);
                const om_real *d_z = blocks[b]->hidden + (size_t)o * om_padded_channel_reals(t) +
                                     om_padded_cell_at(t, run->row, run->column + n);
                for (int l = 0; l < OM_LANES; l++)
                    d[(run->j + n) * OM_CELL + b * OM_LANES + l] =
                        (norm->d_z[o] * d_z[l] + norm->d_y[o] * y[l] + norm->d_constant[o]) *
                        blocks[b]->lane[l];
            }
        transform(OM_TORUS_J, FORTH, d, OM_CELL, lines + (o * OM_TORUS_I + i) * OM_CELL,
                  om_fft_lines(OM_HIDDEN));
    }
}

/* ---- at one g ---- */

/* Spectra [f][channel] of channels from their lines, and back to their place in what is returned. */
static void columns_forth(int channels, int g, const om_real *lines, om_real *spectra)
{
    lines += (size_t)g * om_fft_lines(channels);
    for (int c = 0; c < channels; c++)
        transform(OM_TORUS_I, FORTH, lines + c * OM_TORUS_I * OM_CELL, OM_CELL,
                  spectra + c * OM_CELL, (size_t)(channels * OM_CELL));
}

static void columns_back(int channels, int g, const om_real *spectra, om_real *returned)
{
    for (int c = 0; c < channels; c++)
        transform(OM_TORUS_I, BACK, spectra + c * OM_CELL, (size_t)(channels * OM_CELL),
                  returned + c * OM_TORUS_I * OM_RETURNED + g * OM_CELL, OM_RETURNED);
}

static void keep(int channels, const om_real *spectra, om_real *spectrum, size_t next)
{
    const size_t n = (size_t)(channels * OM_CELL);
    for (size_t f = 0; f < OM_TORUS_I; f++)
        memcpy(spectrum + f * next, spectra + f * n, n * sizeof *spectra);
}

static void forward(const om_fft *fft, int g, const om_real *lines, om_real *work,
                    om_real *spectrum, size_t next, om_real *returned)
{
    const int channels = fft->tables->n_outputs;
    om_real *x = work, *y = work + OM_TORUS_I * channels * OM_CELL;
    columns_forth(channels, g, lines, x);
    memset(y, 0, OM_TORUS_I * OM_HIDDEN * OM_CELL * sizeof *y);
    for (int f = 0; f < OM_TORUS_I; f++)
        for (int c = 0; c < channels; c++)
            for (int o = 0; o < OM_HIDDEN; o++) {
                const om_real *h = fft->kernel + om_fft_kernel_at(fft, g, f) + om_fft_flat(c, o);
                add_product(y + (f * OM_HIDDEN + o) * OM_CELL, x + (f * channels + c) * OM_CELL,
                            h[0], h[fft->flat]);
            }
    if (spectrum != NULL) keep(channels, x, spectrum, next);
    columns_back(OM_HIDDEN, g, y, returned);
}

static void backward(const om_fft *fft, int g, const om_real *lines, om_real *work,
                     om_real *spectrum, size_t next, om_real *returned)
{
    const int channels = fft->tables->n_outputs;
    om_real *x = work, *y = work + OM_TORUS_I * channels * OM_CELL;
    columns_forth(OM_HIDDEN, g, lines, y);
    memset(x, 0, (size_t)(OM_TORUS_I * channels * OM_CELL) * sizeof *x);
    for (int f = 0; f < OM_TORUS_I; f++)
        for (int c = 0; c < channels; c++)
            for (int o = 0; o < OM_HIDDEN; o++) {
                const om_real *h = fft->kernel + om_fft_kernel_at(fft, g, f) + om_fft_flat(c, o);
                add_product(x + (f * channels + c) * OM_CELL, y + (f * OM_HIDDEN + o) * OM_CELL,
                            h[0], -h[fft->flat]);
            }
    keep(OM_HIDDEN, y, spectrum, next);
    columns_back(channels, g, x, returned);
}

/* ---- weights ---- */

static void weights(const om_fft *fft, int g, int pairs, const om_real *spectrum,
                    const om_real *d_spectrum)
{
    const int channels = fft->tables->n_outputs;
    for (int f = 0; f < OM_TORUS_I; f++)
        for (int c = 0; c < channels; c++)
            for (int o = 0; o < OM_HIDDEN; o++) {
                om_real *d = fft->d_kernel + om_fft_kernel_at(fft, g, f) + om_fft_flat(c, o);
                for (int p = f * pairs; p < (f + 1) * pairs; p++)
                    for (int l = 0; l < OM_LANES; l++) {
                        const om_real *x = spectrum + (p * channels + c) * OM_CELL + l;
                        const om_real *y = d_spectrum + (p * OM_HIDDEN + o) * OM_CELL + l;
                        d[0] += x[0] * y[0] + x[OM_LANES] * y[OM_LANES];
                        d[fft->flat] += x[OM_LANES] * y[0] - x[0] * y[OM_LANES];
                    }
            }
}

/* exp(2 pi i f k) over 972. */
static void turn(const om_fft *fft, int g, int f, int k, om_real *re, om_real *im)
{
    const om_real *i = fft->turn_i[f][fft->tables->kernel_row[k] + OM_KERNEL / 2];
    const om_real *j = fft->turn_j[g][k], cells = OM_TORUS_I * OM_TORUS_J;
    *re = (i[0] * j[0] - i[1] * j[1]) / cells;
    *im = (i[0] * j[1] + i[1] * j[0]) / cells;
}

static void kernel(const om_fft *fft, int g)
{
    for (int f = 0; f < OM_TORUS_I; f++) {
        om_real *h = fft->kernel + om_fft_kernel_at(fft, g, f), re, im;
        memset(h, 0, 2 * fft->flat * sizeof *h);
        for (int k = 0; k < OM_KERNEL_TAPS; k++) {
            turn(fft, g, f, k, &re, &im);
            for (size_t n = 0; n < fft->flat; n++) {
                h[n] += fft->weights[(size_t)k * fft->flat + n] * re;
                h[fft->flat + n] += fft->weights[(size_t)k * fft->flat + n] * im;
            }
        }
    }
}

static void taps(const om_fft *fft, size_t from, om_real *d_weights)
{
    memset(d_weights, 0, OM_KERNEL_TAPS * OM_LANES * sizeof *d_weights);
    for (int g = 0; g < OM_TORUS_J; g++)
        for (int f = 0; f < OM_TORUS_I; f++) {
            const om_real *d = fft->d_kernel + om_fft_kernel_at(fft, g, f) + from;
            for (int k = 0; k < OM_KERNEL_TAPS; k++) {
                om_real re, im;
                turn(fft, g, f, k, &re, &im);
                for (int l = 0; l < OM_LANES; l++)
                    d_weights[k * OM_LANES + l] += d[l] * re - d[fft->flat + (size_t)l] * im;
            }
        }
}

const om_fft_kernels om_fft_kernels_plain = {
    .kernel = kernel,
    .input = input,
    .forward = forward,
    .hidden = hidden,
    .gradient = gradient,
    .backward = backward,
    .d_input = d_input,
    .weights = weights,
    .taps = taps,
};
