/* The first convolution by Fourier transforms, on vectors (fft.h). A transform of 54 cells is one of
 * 2 x 27, one of 18 is 2 x 9, by the Chinese remainder theorem (Good 1958, Thomas 1963); 27 and 9 are
 * threes (Cooley, Tukey 1965). A transform back is one forward with real and imaginary parts
 * exchanged. Every lane does the same operations in the same order at any width. */
#include "model/kernels/arrays.h"
#include "model/kernels/fft.h"
#include "model/kernels/simd.h"
#include "model/kernels/vector.h"

enum {
#if defined(OM_ISA_AVX512) /* 32 registers: 16 accumulators */
    PRODUCTS = 8,
    WEIGHT_OUTPUTS = 4,
#else /* 16 registers: 8 accumulators */
    PRODUCTS = 4,
    WEIGHT_OUTPUTS = 2,
#endif
    WEIGHT_CHANNELS = 2
};

typedef struct complex_vec {
    vec re, im;
} complex_vec;

/* ---- transforms ---- */

INLINE complex_vec add(complex_vec a, complex_vec b)
{
    return (complex_vec){a.re + b.re, a.im + b.im};
}
INLINE complex_vec subtract(complex_vec a, complex_vec b)
{
    return (complex_vec){a.re - b.re, a.im - b.im};
}
/* a (c - i s) */
INLINE complex_vec turn(complex_vec a, double c, double s)
{
    vec cosine = all((om_real)c), sine = all((om_real)s);
    return (complex_vec){fma_(a.im, sine, a.re * cosine), fma_(-a.re, sine, a.im * cosine)};
}

INLINE void dft3(complex_vec *a, complex_vec *b, complex_vec *c)
{
    const vec sine = all((om_real)0.86602540378443865), half = all((om_real)-0.5);
    complex_vec sum = add(*b, *c), difference = subtract(*b, *c);
    complex_vec rest = {fma_(sum.re, half, a->re), fma_(sum.im, half, a->im)};
    *a = add(*a, sum);
    *b = (complex_vec){fma_(difference.im, sine, rest.re), fma_(-difference.re, sine, rest.im)};
    *c = (complex_vec){fma_(-difference.im, sine, rest.re), fma_(difference.re, sine, rest.im)};
}

/* Nine numbers by threes: x[3 a + b] -> x[a + 3 b]. */
INLINE void dft9(complex_vec x[9])
{
    static const double c[5] = {1, 0.76604444311897804, 0.17364817766693035, 0,
                                -0.93969262078590838},
                        s[5] = {0, 0.64278760968653933, 0.98480775301220806, 0,
                                0.34202014332566873}; /* of 2 pi n / 9 */
    UNROLL for (int b = 0; b < 3; b++) dft3(&x[b], &x[3 + b], &x[6 + b]);
    complex_vec y[9] = {x[0],
                        x[1],
                        x[2],
                        x[3],
                        turn(x[4], c[1], s[1]),
                        turn(x[5], c[2], s[2]),
                        x[6],
                        turn(x[7], c[2], s[2]),
                        turn(x[8], c[4], s[4])};
    UNROLL for (int a = 0; a < 3; a++)
    {
        dft3(&y[3 * a], &y[3 * a + 1], &y[3 * a + 2]);
        UNROLL for (int b = 0; b < 3; b++) x[a + 3 * b] = y[3 * a + b];
    }
}

/* Where numbers of a field are read or written: cell n at re + n * next, im + n * next. */
typedef struct field {
    om_real *re, *im;
    size_t next;
} field;

INLINE field field_of(om_real *cells, size_t next)
{
    return (field){cells, cells + OM_LANES, next};
}
INLINE field swapped(field f) { return (field){f.im, f.re, f.next}; }
INLINE field part_of(field f, int part)
{
    return (field){f.re + part * W, f.im + part * W, f.next};
}
INLINE complex_vec get(const field *f, int n)
{
    return (complex_vec){load(f->re + (size_t)n * f->next), load(f->im + (size_t)n * f->next)};
}
INLINE void put(const field *f, int n, complex_vec x)
{
    store(f->re + (size_t)n * f->next, x.re);
    store(f->im + (size_t)n * f->next, x.im);
}

/* 18 cells: n = 9 p + 2 m, k = 9 p' + 10 m', exp(-2 pi i n k / 18) = (-1)^(p p') exp(-2 pi i m m' / 9). */
APART void dft18(field from, field to)
{
    for (int part = 0; part < PER_STRIP; part++) {
        const field x = part_of(from, part), y = part_of(to, part);
        complex_vec sum[9], difference[9];
        UNROLL for (int m = 0; m < 9; m++)
        {
            complex_vec a = get(&x, 2 * m), b = get(&x, (9 + 2 * m) % 18);
            sum[m] = add(a, b);
            difference[m] = subtract(a, b);
        }
        dft9(sum);
        UNROLL for (int m = 0; m < 9; m++) put(&y, 10 * m % 18, sum[m]);
        dft9(difference);
        UNROLL for (int m = 0; m < 9; m++) put(&y, (9 + 10 * m) % 18, difference[m]);
    }
}

/* cos and sin of 2 pi n / 27, n = 0 .. 16: the products of 0..2 and 0..8 */
static const double cos27[17] = {
    1,
    0.97304487057982381,
    0.89363264032341228,
    0.76604444311897804,
    0.59715859170278618,
    0.39607976603915678,
    0.17364817766693035,
    -0.058144828910475793,
    -0.28680323271109030,
    -0.5,
    -0.68624163786873338,
    -0.83548781141293638,
    -0.93969262078590838,
    -0.99323835774194299,
    -0.99323835774194299,
    -0.93969262078590838,
    -0.83548781141293638,
};
static const double sin27[17] = {
    0,
    0.23061587074244014,
    0.44879918020046217,
    0.64278760968653933,
    0.80212319275504379,
    0.91821610688027406,
    0.98480775301220806,
    0.99830815827126817,
    0.95798951231548895,
    0.86602540378443865,
    0.72737364157304873,
    0.54950897807080609,
    0.34202014332566873,
    0.11609291412523022,
    -0.11609291412523022,
    -0.34202014332566873,
    -0.54950897807080609,
};

/* 54 cells: n = 27 p + 2 m, k = 27 p' + 28 m', with m = 9 a + b of 27 and m' = a' + 3 b'. First sixes over
 * (p, a) with the twiddles exp(-2 pi i a' b / 27), within `work`; then nines over b. */
APART void dft54(field from, om_real *cells, field to)
{
    for (int part = 0; part < PER_STRIP; part++) {
        const field x = part_of(from, part), y = part_of(to, part);
        const field work = part_of(field_of(cells, OM_CELL), part);
        UNROLL for (int b = 0; b < 9; b++)
        {
            complex_vec s[3], d[3];
            UNROLL for (int a = 0; a < 3; a++)
            {
                complex_vec even = get(&x, 18 * a + 2 * b),
                            odd = get(&x, (27 + 18 * a + 2 * b) % 54);
                s[a] = add(even, odd);
                d[a] = subtract(even, odd);
            }
            dft3(&s[0], &s[1], &s[2]);
            dft3(&d[0], &d[1], &d[2]);
            UNROLL for (int a = 0; a < 3; a++)
            {
                if (a * b > 0) s[a] = turn(s[a], cos27[a * b], sin27[a * b]);
                if (a * b > 0) d[a] = turn(d[a], cos27[a * b], sin27[a * b]);
                put(&work, 9 * a + b, s[a]);
                put(&work, 27 + 9 * a + b, d[a]);
            }
        }
        UNROLL for (int six = 0; six < 6; six++)
        {
            complex_vec z[9];
            const int p = six / 3, a = six % 3;
            UNROLL for (int b = 0; b < 9; b++) z[b] = get(&work, 27 * p + 9 * a + b);
            dft9(z);
            UNROLL for (int b = 0; b < 9; b++) put(&y, (27 * p + 28 * (a + 3 * b)) % 54, z[b]);
        }
    }
}

/* ---- lines: between arrays and transforms along j ---- */

typedef om_real line[OM_TORUS_J * OM_CELL] __attribute__((aligned(64)));
typedef om_real four __attribute__((vector_size(OM_QUAD * sizeof(om_real))));
typedef FOR_REAL(int32_t, int64_t) four_int __attribute__((vector_size(OM_QUAD * sizeof(om_real))));

/* No functions: a vector as wide as two registers has no way to be returned. */
#define FOUR(p)       (*(four *)(p))
#define CONST_FOUR(p) (*(const four *)(p))

static void fft_input(const om_fft *fft, int channel, const om_real *const maps[OM_PAIR],
                      om_real *lines)
{
    const om_decoder_tables *t = fft->tables;
    const size_t next = om_fft_lines(t->n_outputs);
    lines += (size_t)channel * OM_TORUS_I * OM_CELL;
    line x, work;
    for (int i = 0; i < OM_TORUS_I; i++) {
        memset(x, 0, sizeof x);
        OM_FFT_RUNS(fft, inside, i, run)
        for (int f = 0; f < OM_PAIR; f++) {
            if (maps[f] == NULL) continue;
            const om_real *from = maps[f] + om_fft_compact(t, run);
            om_real *to = x + run->j * OM_CELL + f * OM_QUAD;
            for (int n = 0; n < run->cells; n++) {
                four v = CONST_FOUR(from + n * OM_QUAD);
                FOUR(to + n * OM_CELL) = (four)((four_int)v & (four_int) ~(v < 0)); /* or NaN */
            }
        }
        dft54(field_of(x, OM_CELL), work, field_of(lines + i * OM_CELL, next));
    }
}

static void fft_d_input(const om_fft *fft, int channel, const om_real *returned,
                        const om_real *const maps[OM_PAIR], om_real *const d_maps[OM_PAIR])
{
    const om_decoder_tables *t = fft->tables;
    returned += (size_t)channel * OM_TORUS_I * OM_RETURNED;
    line x, work;
    for (int i = 0; i < OM_TORUS_I; i++) {
        field from = field_of((om_real *)returned + i * OM_RETURNED, OM_CELL);
        dft54(swapped(from), work, swapped(field_of(x, OM_CELL)));
        OM_FFT_RUNS(fft, inside, i, run)
        for (int f = 0; f < OM_PAIR; f++) {
            if (maps[f] == NULL) continue;
            const om_real *v = maps[f] + om_fft_compact(t, run);
            om_real *to = d_maps[f] + om_fft_compact(t, run);
            const om_real *d = x + run->j * OM_CELL + f * OM_QUAD;
            for (int n = 0; n < run->cells; n++) {
                four gate = CONST_FOUR(v + n * OM_QUAD), value = CONST_FOUR(d + n * OM_CELL);
                FOUR(to + n * OM_QUAD) = (four)((four_int)value & (four_int)(gate > 0));
            }
        }
    }
}

static void fft_hidden(const om_fft *fft, int hidden, const om_real *returned,
                       const om_block *const blocks[2])
{
    const om_decoder_tables *t = fft->tables;
    const vec bias = all(t->conv1_bias[hidden]);
    returned += (size_t)hidden * OM_TORUS_I * OM_RETURNED;
    line x, work;
    for (int i = 0; i < OM_TORUS_I; i++) {
        field from = field_of((om_real *)returned + i * OM_RETURNED, OM_CELL);
        dft54(swapped(from), work, swapped(field_of(x, OM_CELL)));
        OM_FFT_RUNS(fft, computed, i, run)
        for (int b = 0; b < 2; b++) {
            if (blocks[b] == NULL) continue;
            om_real *to = blocks[b]->conv1 + (size_t)hidden * om_channel_reals(t) +
                          om_cell_at(t, run->row, run->column);
            const om_real *y = x + run->j * OM_CELL + b * OM_LANES;
            for (int n = 0; n < run->cells; n++)
                for (int part = 0; part < PER_STRIP; part++)
                    store(to + n * OM_LANES + part * W, load(y + n * OM_CELL + part * W) + bias);
        }
    }
}

/* A run's dL/d(output of conv1), as norm_adjoint() of decoder_vector.c has it. */
INLINE void norm_run(const om_decoder_tables *t, const om_norm *norm, int hidden,
                     const om_block *block, const om_fft_run *run, om_real *to)
{
    const om_real *y =
        block->conv1 + (size_t)hidden * om_channel_reals(t) + om_cell_at(t, run->row, run->column);
    const om_real *d_z = block->hidden + (size_t)hidden * om_padded_channel_reals(t) +
                         om_padded_cell_at(t, run->row, run->column);
    const vec by_z = all(norm->d_z[hidden]), by_y = all(norm->d_y[hidden]),
              constant = all(norm->d_constant[hidden]);
    for (int n = 0; n < run->cells; n++)
        for (int part = 0; part < PER_STRIP; part++) {
            const int at = n * OM_LANES + part * W;
            vec d = fma_(by_y, load(y + at), constant);
            d = fma_(by_z, load(d_z + at), d) * load(block->lane + part * W);
            store(to + n * OM_CELL + part * W, d);
        }
}

static void fft_gradient(const om_fft *fft, const om_norm *norm, int hidden,
                         const om_block *const blocks[2], om_real *lines)
{
    const size_t next = om_fft_lines(OM_HIDDEN);
    lines += (size_t)hidden * OM_TORUS_I * OM_CELL;
    line x, work;
    for (int i = 0; i < OM_TORUS_I; i++) {
        memset(x, 0, sizeof x);
        OM_FFT_RUNS(fft, computed, i, run)
        for (int b = 0; b < 2; b++)
            if (blocks[b] != NULL)
                norm_run(fft->tables, norm, hidden, blocks[b], run,
                         x + run->j * OM_CELL + b * OM_LANES);
        dft54(field_of(x, OM_CELL), work, field_of(lines + i * OM_CELL, next));
    }
}

/* ---- columns: transforms along i, and products with the kernel ---- */

/* Cells of `channels` channels at one g: [channel][18] in lines to [18][channel]. */
static void columns_forward(int channels, const om_real *lines, om_real *columns)
{
    for (int c = 0; c < channels; c++)
        dft18(field_of((om_real *)lines + (size_t)c * OM_TORUS_I * OM_CELL, OM_CELL),
              field_of(columns + c * OM_CELL, (size_t)channels * OM_CELL));
}

/* And back, to place g of every line. */
static void columns_back(int channels, int g, om_real *columns, om_real *returned)
{
    for (int c = 0; c < channels; c++) {
        om_real *to = returned + (size_t)c * OM_TORUS_I * OM_RETURNED + g * OM_CELL;
        dft18(swapped(field_of(columns + c * OM_CELL, (size_t)channels * OM_CELL)),
              swapped(field_of(to, OM_RETURNED)));
    }
}

/* Past the caches: it is not read again before it has left them anyway. */
static void keep_spectrum(int channels, const om_real *columns, om_real *spectrum, size_t next)
{
    const int n = channels * OM_CELL;
    for (int f = 0; f < OM_TORUS_I; f++, columns += n, spectrum += next)
        for (int k = 0; k < n; k += W) stream(spectrum + k, load(columns + k));
}

/* y[o] = sum over c of x[c] H[c][o], for PRODUCTS hidden channels. */
INLINE void outputs_of(const om_fft *fft, const om_real *h, const om_real *x, om_real *y)
{
    complex_vec sum[PRODUCTS];
    UNROLL for (int o = 0; o < PRODUCTS; o++) sum[o] = (complex_vec){{0}, {0}};
    const om_real *h_im = h + fft->flat;
    for (int c = 0; c < fft->tables->n_outputs;
         c++, x += OM_CELL, h += OM_HIDDEN, h_im += OM_HIDDEN) {
        vec re = load(x), im = load(x + OM_LANES);
        UNROLL for (int o = 0; o < PRODUCTS; o++)
        {
            vec h_re = all(h[o]), i = all(h_im[o]);
            sum[o].re = fma_(re, h_re, sum[o].re);
            sum[o].im = fma_(im, h_re, sum[o].im);
            sum[o].re = fma_(-im, i, sum[o].re);
            sum[o].im = fma_(re, i, sum[o].im);
        }
    }
    UNROLL for (int o = 0; o < PRODUCTS; o++)
    {
        store(y + o * OM_CELL, sum[o].re);
        store(y + o * OM_CELL + OM_LANES, sum[o].im);
    }
}

/* x[c] = sum over o of y[o] conj(H[c][o]), for `channels` output types. */
INLINE void inputs_of(const int channels, const om_fft *fft, const om_real *h, const om_real *y,
                      om_real *x)
{
    complex_vec sum[PRODUCTS];
    UNROLL for (int c = 0; c < channels; c++) sum[c] = (complex_vec){{0}, {0}};
    const om_real *h_im = h + fft->flat;
    for (int o = 0; o < OM_HIDDEN; o++, y += OM_CELL, h++, h_im++) {
        vec re = load(y), im = load(y + OM_LANES);
        UNROLL for (int c = 0; c < channels; c++)
        {
            vec h_re = all(h[c * OM_HIDDEN]), i = all(h_im[c * OM_HIDDEN]);
            sum[c].re = fma_(re, h_re, sum[c].re);
            sum[c].im = fma_(im, h_re, sum[c].im);
            sum[c].re = fma_(im, i, sum[c].re);
            sum[c].im = fma_(-re, i, sum[c].im);
        }
    }
    UNROLL for (int c = 0; c < channels; c++)
    {
        store(x + c * OM_CELL, sum[c].re);
        store(x + c * OM_CELL + OM_LANES, sum[c].im);
    }
}

static void fft_forward(const om_fft *fft, int g, const om_real *lines, om_real *work,
                        om_real *spectrum, size_t next, om_real *returned)
{
    const int channels = fft->tables->n_outputs;
    om_real *x = work, *y = work + (size_t)OM_TORUS_I * (size_t)channels * OM_CELL;
    columns_forward(channels, lines + (size_t)g * om_fft_lines(channels), x);
    for (int f = 0; f < OM_TORUS_I; f++)
        for (int part = 0; part < PER_STRIP; part++)
            for (int o = 0; o < OM_HIDDEN; o += PRODUCTS)
                outputs_of(fft, fft->kernel + om_fft_kernel_at(fft, g, f) + o,
                           x + f * channels * OM_CELL + part * W,
                           y + (f * OM_HIDDEN + o) * OM_CELL + part * W);
    if (spectrum != NULL) keep_spectrum(channels, x, spectrum, next);
    columns_back(OM_HIDDEN, g, y, returned);
}

static void fft_backward(const om_fft *fft, int g, const om_real *lines, om_real *work,
                         om_real *spectrum, size_t next, om_real *returned)
{
    const int channels = fft->tables->n_outputs;
    om_real *x = work, *y = work + (size_t)OM_TORUS_I * (size_t)channels * OM_CELL;
    columns_forward(OM_HIDDEN, lines + (size_t)g * om_fft_lines(OM_HIDDEN), y);
    for (int f = 0; f < OM_TORUS_I; f++)
        for (int part = 0; part < PER_STRIP; part++) {
            const om_real *from = y + f * OM_HIDDEN * OM_CELL + part * W;
            const om_real *h = fft->kernel + om_fft_kernel_at(fft, g, f);
            om_real *to = x + f * channels * OM_CELL + part * W;
            int c = 0;
            for (; channels - c >= PRODUCTS; c += PRODUCTS)
                inputs_of(PRODUCTS, fft, h + c * OM_HIDDEN, from, to + c * OM_CELL);
            for (; channels - c >= 2; c += 2)
                inputs_of(2, fft, h + c * OM_HIDDEN, from, to + c * OM_CELL);
            if (c < channels) inputs_of(1, fft, h + c * OM_HIDDEN, from, to + c * OM_CELL);
        }
    keep_spectrum(OM_HIDDEN, y, spectrum, next);
    columns_back(channels, g, x, returned);
}

/* ---- weight gradients ---- */

/* Products x conj(y) of `channels` times WEIGHT_OUTPUTS, summed over pairs: [channel][2][o] lanes, of
 * four o. */
INLINE void weight_products(const int channels, int pairs, const om_real *x, size_t x_next,
                            const om_real *y, om_real *lanes)
{
    complex_vec sum[WEIGHT_CHANNELS][WEIGHT_OUTPUTS];
    UNROLL for (int c = 0; c < channels; c++)
    {
        UNROLL for (int o = 0; o < WEIGHT_OUTPUTS; o++) sum[c][o] = (complex_vec){{0}, {0}};
    }
    for (int p = 0; p < pairs; p++, x += x_next, y += OM_HIDDEN * OM_CELL) {
        vec re[WEIGHT_CHANNELS], im[WEIGHT_CHANNELS];
        UNROLL for (int c = 0; c < channels; c++)
        {
            re[c] = load(x + c * OM_CELL);
            im[c] = load(x + c * OM_CELL + OM_LANES);
        }
        UNROLL for (int o = 0; o < WEIGHT_OUTPUTS; o++)
        {
            vec d_re = load(y + o * OM_CELL), d_im = load(y + o * OM_CELL + OM_LANES);
            UNROLL for (int c = 0; c < channels; c++)
            {
                sum[c][o].re = fma_(re[c], d_re, sum[c][o].re);
                sum[c][o].im = fma_(im[c], d_re, sum[c][o].im);
                sum[c][o].re = fma_(im[c], d_im, sum[c][o].re);
                sum[c][o].im = fma_(-re[c], d_im, sum[c][o].im);
            }
        }
    }
    UNROLL for (int c = 0; c < channels; c++)
    {
        UNROLL for (int o = 0; o < WEIGHT_OUTPUTS; o++)
        {
            store(lanes + (8 * c + o) * OM_LANES, sum[c][o].re);
            store(lanes + (8 * c + 4 + o) * OM_LANES, sum[c][o].im);
        }
    }
}

/* to[4] += the lanes of four sums: over their frames, then sample after sample. */
INLINE void add_lanes(om_real *to, const om_real *lanes)
{
    four x[4];
    UNROLL for (int o = 0; o < 4; o++)
    {
        const om_real *q = lanes + o * OM_LANES;
        x[o] = (CONST_FOUR(q) + CONST_FOUR(q + 8)) + (CONST_FOUR(q + 4) + CONST_FOUR(q + 12));
    }
    four a = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5);
    four b = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5);
    four c = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
    four d = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
    FOUR(to) =
        CONST_FOUR(to) +
        (((__builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7)) +
          __builtin_shufflevector(c, d, 0, 1, 4, 5)) +
         __builtin_shufflevector(c, d, 2, 3, 6, 7));
}

/* Of `channels` channels and four hidden ones: d[channel][o] and, `flat` further on, its imaginary part. */
INLINE void weight_tile(const int channels, const om_fft *fft, int pairs, const om_real *x,
                        size_t x_next, const om_real *y, om_real *d)
{
    om_real lanes[WEIGHT_CHANNELS * 8 * OM_LANES] __attribute__((aligned(64)));
    for (int part = 0; part < PER_STRIP; part++)
        for (int o = 0; o < 4; o += WEIGHT_OUTPUTS)
            weight_products(channels, pairs, x + part * W, x_next, y + o * OM_CELL + part * W,
                            lanes + o * OM_LANES + part * W);
    UNROLL for (int c = 0; c < channels; c++)
    {
        UNROLL for (int imaginary = 0; imaginary < 2; imaginary++)
        {
            add_lanes(d + c * OM_HIDDEN + (imaginary ? fft->flat : 0),
                      lanes + (8 * c + 4 * imaginary) * OM_LANES);
        }
    }
}

static void fft_weights(const om_fft *fft, int g, int pairs, const om_real *spectrum,
                        const om_real *d_spectrum)
{
    const int channels = fft->tables->n_outputs;
    const size_t x_next = (size_t)channels * OM_CELL;
    for (int f = 0; f < OM_TORUS_I; f++) {
        const om_real *x = spectrum + (size_t)(f * pairs) * x_next;
        const om_real *y = d_spectrum + f * pairs * OM_HIDDEN * OM_CELL;
        om_real *d = fft->d_kernel + om_fft_kernel_at(fft, g, f);
        for (int c = 0; c < channels; c += WEIGHT_CHANNELS)
            for (int o = 0; o < OM_HIDDEN; o += 4) {
                om_real *to = d + c * OM_HIDDEN + o;
                if (channels - c >= WEIGHT_CHANNELS)
                    weight_tile(WEIGHT_CHANNELS, fft, pairs, x + c * OM_CELL, x_next,
                                y + o * OM_CELL, to);
                else
                    weight_tile(1, fft, pairs, x + c * OM_CELL, x_next, y + o * OM_CELL, to);
            }
    }
}

/* ---- the kernel, and back to its taps ---- */

enum { ROWS = OM_KERNEL };

/* Kernel rows of a strip, turned along j: [5] complex, over 1 / 972. */
INLINE void turn_rows(const om_fft *fft, int g, size_t from, complex_vec row[ROWS])
{
    const vec scale = all((om_real)(1.0 / (OM_TORUS_I * OM_TORUS_J)));
    for (int r = 0; r < ROWS; r++) row[r] = (complex_vec){{0}, {0}};
    for (int k = 0; k < OM_KERNEL_TAPS; k++) {
        vec w = load(fft->weights + (size_t)k * fft->flat + from) * scale;
        complex_vec *sum = &row[fft->tables->kernel_row[k] + ROWS / 2];
        sum->re = fma_(w, all(fft->turn_j[g][k][0]), sum->re);
        sum->im = fma_(w, all(fft->turn_j[g][k][1]), sum->im);
    }
}

static void fft_kernel(const om_fft *fft, int g)
{
    for (size_t from = 0; from < fft->flat; from += W) {
        complex_vec row[ROWS];
        turn_rows(fft, g, from, row);
        for (int f = 0; f < OM_TORUS_I; f++) {
            complex_vec h = {{0}, {0}};
            UNROLL for (int r = 0; r < ROWS; r++)
            {
                vec cosine = all(fft->turn_i[f][r][0]), sine = all(fft->turn_i[f][r][1]);
                h.re = fma_(row[r].re, cosine, fma_(-row[r].im, sine, h.re));
                h.im = fma_(row[r].im, cosine, fma_(row[r].re, sine, h.im));
            }
            om_real *to = fft->kernel + om_fft_kernel_at(fft, g, f) + from;
            store(to, h.re);
            store(to + fft->flat, h.im);
        }
    }
}

static void taps_part(const om_fft *fft, const om_real *d_kernel, om_real *d_weights)
{
    const om_decoder_tables *t = fft->tables;
    vec sum[OM_KERNEL_TAPS] = {{0}};
    for (int g = 0; g < OM_TORUS_J; g++) {
        complex_vec row[ROWS] = {{{0}, {0}}};
        for (int f = 0; f < OM_TORUS_I; f++) {
            const om_real *d = d_kernel + om_fft_kernel_at(fft, g, f);
            vec re = load(d), im = load(d + fft->flat);
            UNROLL for (int r = 0; r < ROWS; r++)
            {
                vec cosine = all(fft->turn_i[f][r][0]), sine = all(fft->turn_i[f][r][1]);
                row[r].re = fma_(re, cosine, fma_(-im, sine, row[r].re));
                row[r].im = fma_(im, cosine, fma_(re, sine, row[r].im));
            }
        }
        for (int k = 0; k < OM_KERNEL_TAPS; k++) {
            const complex_vec *r = &row[t->kernel_row[k] + ROWS / 2];
            vec cosine = all(fft->turn_j[g][k][0]), sine = all(fft->turn_j[g][k][1]);
            sum[k] = fma_(r->re, cosine, fma_(-r->im, sine, sum[k]));
        }
    }
    const vec scale = all((om_real)(1.0 / (OM_TORUS_I * OM_TORUS_J)));
    for (int k = 0; k < OM_KERNEL_TAPS; k++) store(d_weights + k * OM_LANES, sum[k] * scale);
}

static void fft_taps(const om_fft *fft, size_t from, om_real *d_weights)
{
    for (int part = 0; part < PER_STRIP; part++)
        taps_part(fft, fft->d_kernel + from + part * W, d_weights + part * W);
}

const om_fft_kernels OM_THIS_ISA(om_fft_kernels) = {
    .kernel = fft_kernel,
    .input = fft_input,
    .forward = fft_forward,
    .hidden = fft_hidden,
    .gradient = fft_gradient,
    .backward = fft_backward,
    .d_input = fft_d_input,
    .weights = fft_weights,
    .taps = fft_taps,
};
