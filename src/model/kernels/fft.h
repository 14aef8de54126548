/* The first convolution by Fourier transforms: fewer multiply-adds than the direct sum needs, with the
 * same result up to rounding.
 *
 * The hexagon is laid on a torus of 18 x 54 cells: cell (row, column) of the array at
 *
 *     i = row mod 18,  j = (column - row) mod 54.
 *
 * The torus repeats at (18, 18), (18, -36) and (0, 54) rows and columns, in hexagonal distance 36, 36 and
 * 54. Up to extent 15 no sum over a kernel of radius 2 from inside the hexagon and its two rings
 * (radius 17) reaches round it: 17 + 17 < 36. So 972 cells serve where a square would need 33 x 33, and
 * as both sides are plain products of small numbers, no twiddles fall between rows and columns.
 *
 * Two blocks of four frames are transformed together, as the real and the imaginary part of one field:
 * the kernel is real, so in exact arithmetic they stay apart. In ours they share their rounding: in a
 * pair, frames 8 i .. 8 i + 7 of a film, what is computed of frame f depends in its last bits on frame
 * f +- 4 of the same sample (on nothing where the film is over), and on no other frame or sample: lanes
 * are those of a block, and no sum mixes any. So the result of a film depends neither on its batch nor
 * on threads; but a film cut short, or begun elsewhere than at a multiple of eight frames, may differ in
 * the last bits of its frames.
 *
 * With X, H, Y the transforms of input, kernel and output (all up to the kernel's scale 1 / 972),
 *
 *     H(f) = sum over taps k of w(k) exp(2 pi i f k) / 972     (k as steps along i and j)
 *     Y = X H,   dX = dY conj(H),   dw(k) = Re sum over f of X conj(dY) exp(2 pi i f k) / 972.
 *
 * Layouts, in numbers; a "cell" is [2][16]: real and imaginary part of 16 lanes. f counts frequencies
 * along i, g along j:
 *
 *     lines     [g 54][channel][i 18] cells   transformed along j; between input and spectrum
 *     returned  [channel][i 18][g 54 + 1] cells   the same on the way back
 *     spectrum  [g 54][f 18][pair][channel] cells
 *     kernel    [g 54][f 18][2][flat]   number channel * 8 + output of `flat`
 *
 * so that every kernel reads or writes whole cells, and mostly in one row. */
#ifndef OM_KERNELS_FFT_H
#define OM_KERNELS_FFT_H

#include "model/kernels/kernels.h"

enum {
    OM_TORUS_I = 18,
    OM_TORUS_J = 54,
    OM_TORUS_EXTENT = 15, /* the largest that fits */
    OM_CELL = 2 * OM_LANES,
    OM_RETURNED =
        (OM_TORUS_J + 1) * OM_CELL, /* from i to i: no power of two, for the caches' sake */
    OM_PAIR = 2 * OM_FRAMES         /* frames transformed together */
};

/* Cells of the array that follow one another along j. */
typedef struct om_fft_run {
    int row, column, j, cells;
} om_fft_run;

struct om_fft {
    const om_decoder_tables *tables;
    size_t flat; /* n_outputs * 8, rounded up to whole strips */
    /* runs of i: inside[inside_first[i]] .. inside[inside_first[i + 1] - 1], and so on */
    om_fft_run *inside, *computed;
    int inside_first[OM_TORUS_I + 1], computed_first[OM_TORUS_I + 1];
    /* cos and sin of the turn by a step of the kernel: of a row of it along i at f, of a tap along j at g */
    om_real turn_i[OM_TORUS_I][OM_KERNEL][2], turn_j[OM_TORUS_J][OM_KERNEL_TAPS][2];
    om_real *weights;  /* [19][flat] */
    om_real *kernel;   /* H */
    om_real *d_kernel; /* X conj(dY), summed over a quad */
};

/* Numbers from one g to the next in lines of some channels: an odd number of cells, so that the 54
 * places of a line do not fall on each other in a cache. */
static inline size_t om_fft_lines(int channels)
{
    return ((size_t)channels * OM_TORUS_I + 1) * OM_CELL;
}

/* Place of output channel, hidden channel in `flat`. */
static inline size_t om_fft_flat(int channel, int hidden)
{
    return (size_t)(channel * OM_HIDDEN + hidden);
}

/* Place of H at (g, f): real parts; imaginary ones are `flat` further on. */
static inline size_t om_fft_kernel_at(const om_fft *fft, int g, int f)
{
    return (size_t)(g * OM_TORUS_I + f) * 2 * fft->flat;
}

/* Runs its body for the runs of i, inside or computed. */
#define OM_FFT_RUNS(fft, kind, i, run)                                                             \
    for (const om_fft_run *run = (fft)->kind + (fft)->kind##_first[i],                             \
                          *end_ = (fft)->kind + (fft)->kind##_first[(i) + 1];                      \
         run < end_; run++)

/* Place of a run's first cell in a compact map. */
static inline size_t om_fft_compact(const om_decoder_tables *t, const om_fft_run *run)
{
    return (size_t)(t->row_compact[run->row] + run->column - t->row_first[run->row]) * OM_QUAD;
}

/* Forward: input of every channel, then forward of every g, then hidden of every hidden channel.
 * Back: gradient of every hidden channel, then backward of every g, then d_input of every channel; and
 * weights of every g, once backward has run for all pairs. Items of a phase are independent. */
struct om_fft_kernels {
    /* H of one g. */
    void (*kernel)(const om_fft *fft, int g);
    /* relu of a channel's maps, four frames of each of two blocks (NULL: no such frame), into lines. */
    void (*input)(const om_fft *fft, int channel, const om_real *const maps[OM_PAIR],
                  om_real *lines);
    /* Y = X H of one g. work: [18][n_outputs + 8] cells. spectrum: the pair's place in X at that g, from
     * f to f `next` numbers; NULL: not wanted. */
    void (*forward)(const om_fft *fft, int g, const om_real *lines, om_real *work,
                    om_real *spectrum, size_t next, om_real *returned);
    /* A hidden channel of two blocks' conv1 (the second may be NULL). */
    void (*hidden)(const om_fft *fft, int hidden, const om_real *returned,
                   const om_block *const blocks[2]);
    /* The adjoint of batch norm in a hidden channel of two blocks, into lines. */
    void (*gradient)(const om_fft *fft, const om_norm *norm, int hidden,
                     const om_block *const blocks[2], om_real *lines);
    /* dX = dY conj(H) of one g; spectrum: of dY. */
    void (*backward)(const om_fft *fft, int g, const om_real *lines, om_real *work,
                     om_real *spectrum, size_t next, om_real *returned);
    /* dL/dV of a channel, where V > 0: maps as of input, d_maps NULL where those are. */
    void (*d_input)(const om_fft *fft, int channel, const om_real *returned,
                    const om_real *const maps[OM_PAIR], om_real *const d_maps[OM_PAIR]);
    /* d_kernel of one g += sums over `pairs` pairs, over their frames, then over samples. spectrum and
     * d_spectrum: X and dY at that g. */
    void (*weights)(const om_fft *fft, int g, int pairs, const om_real *spectrum,
                    const om_real *d_spectrum);
    /* Weight gradients [19][16] of the strip of `flat` that starts at `from`. */
    void (*taps)(const om_fft *fft, size_t from, om_real *d_weights);
};

extern const om_fft_kernels om_fft_kernels_plain;

#endif
