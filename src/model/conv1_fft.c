/* Order and memory of the first convolution by Fourier transforms. Pairs of blocks follow one another;
 * within a phase of a pair, threads share channels or frequencies. */
#include "model/conv1_fft.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

struct om_conv1_fft {
    om_conv1_fft_options options;
    const om_fft_kernels *kernels;
    om_fft tables;
    int channels, blocks, pairs; /* blocks and pairs of a quad */
    om_real *wide, *narrow;      /* lines or returned of the output types; of the hidden channels */
    om_real *work;               /* [threads] */
    size_t work_reals;
    om_real *spectrum, *d_spectrum; /* [quads][g][f][pairs][channel] */
    om_real *d_weights;             /* [quads of the whole batch][19][flat] */
};

/* ---- making one ---- */

/* Runs of cells first[r] .. end[r] - 1 of the array's rows r, cut where they pass round the torus; as
 * many as 2 per row. */
static void list_runs(int side, const int *first, const int *end, om_fft_run *runs, int *of_i)
{
    int n = 0;
    for (int i = 0; i < OM_TORUS_I; i++) {
        of_i[i] = n;
        for (int r = i; r < side; r += OM_TORUS_I)
            for (int c = first[r]; c < end[r];) {
                int j = ((c - r) % OM_TORUS_J + OM_TORUS_J) % OM_TORUS_J, cells = OM_TORUS_J - j;
                if (cells > end[r] - c) cells = end[r] - c;
                runs[n++] = (om_fft_run){.row = r, .column = c, .j = j, .cells = cells};
                c += cells;
            }
    }
    of_i[OM_TORUS_I] = n;
}

/* Cosine and sine of a part of a circle. */
static void set_turn(int part, int whole, om_real turn[2])
{
    const double angle = 2 * acos(-1) * (part % whole) / whole;
    turn[0] = (om_real)cos(angle);
    turn[1] = (om_real)sin(angle);
}

static void make_tables(om_conv1_fft *f)
{
    om_fft *t = &f->tables;
    const om_decoder_tables *d = f->options.tables;
    list_runs(d->side, d->row_first, d->row_end, t->inside, t->inside_first);
    list_runs(d->side, d->first_cell, d->end_cell, t->computed, t->computed_first);
    for (int a = 0; a < OM_TORUS_I; a++)
        for (int r = 0; r < OM_KERNEL; r++)
            set_turn(a * (r - OM_KERNEL / 2), OM_TORUS_I, t->turn_i[a][r]);
    for (int g = 0; g < OM_TORUS_J; g++)
        for (int k = 0; k < OM_KERNEL_TAPS; k++)
            set_turn(g * (d->kernel_column[k] - d->kernel_row[k]), OM_TORUS_J, t->turn_j[g][k]);
}

/* Numbers in the gradient of all weights. */
static size_t weights_of(const om_conv1_fft *f) { return OM_KERNEL_TAPS * f->tables.flat; }

/* Numbers in the transforms of some channels on their way along j, forth or back. */
static size_t lines_of(int channels)
{
    size_t lines = OM_TORUS_J * om_fft_lines(channels);
    size_t returned = (size_t)channels * OM_TORUS_I * OM_RETURNED;
    return lines > returned ? lines : returned;
}

static size_t spectrum_of(const om_conv1_fft *f, int channels)
{
    return (size_t)(OM_TORUS_I * OM_TORUS_J * f->pairs) * (size_t)channels * OM_CELL;
}

/* What follows from the options. */
static void set_sizes(om_conv1_fft *f, const om_conv1_fft_options *options)
{
    f->options = *options;
    f->channels = options->circuit->n_outputs;
    f->blocks = (options->frames + OM_FRAMES - 1) / OM_FRAMES;
    f->pairs = (f->blocks + 1) / 2;
    f->work_reals = (size_t)OM_TORUS_I * (size_t)(f->channels + OM_HIDDEN) * OM_CELL;
    f->tables.flat = (om_fft_flat(f->channels, 0) + OM_LANES - 1) / OM_LANES * OM_LANES;
}

enum { MOST_ARRAYS = 12 };

static int list_arrays(om_conv1_fft *f, int side, om_array list[MOST_ARRAYS])
{
    om_fft *t = &f->tables;
    const size_t r = sizeof(om_real), runs = 2 * (size_t)side;
    const om_share *share = &f->options.share;
    const size_t weights = weights_of(f), kernel = OM_TORUS_I * OM_TORUS_J * 2 * t->flat;
    const size_t work = (size_t)f->options.threads * f->work_reals;
    const size_t spectrum = (size_t)share->quads * spectrum_of(f, f->channels);
    const om_array all[] = {
        {&t->inside, runs, sizeof *t->inside},
        {&t->computed, runs, sizeof *t->computed},
        {&t->weights, weights, r},
        {&t->kernel, kernel, r},
        {&f->wide, lines_of(f->channels), r},
        {&f->narrow, lines_of(OM_HIDDEN), r},
        {&f->work, work, r},
        /* of the adjoint */
        {&t->d_kernel, kernel, r},
        {&f->d_weights, (size_t)share->all_quads * weights, r},
        {&f->spectrum, spectrum, r},
        {&f->d_spectrum, spectrum_of(f, OM_HIDDEN), r},
    };
    const int count = (int)(sizeof all / sizeof all[0]);
    memcpy(list, all, sizeof all);
    return f->options.forward_only ? count - 4 : count;
}

size_t om_conv1_fft_bytes(const om_conv1_fft_options *options, int side)
{
    om_conv1_fft f = {0};
    om_array list[MOST_ARRAYS];
    set_sizes(&f, options);
    return sizeof f + om_arrays_bytes(list, list_arrays(&f, side, list));
}

om_status om_conv1_fft_create(const om_conv1_fft_options *options, om_conv1_fft **fft)
{
    *fft = NULL;
    om_conv1_fft *f = NULL;
    om_array list[MOST_ARRAYS];
    OM_TRY(om_alloc(1, sizeof *f, &f));
    f->kernels = options->kernels->fft;
    f->tables.tables = options->tables;
    set_sizes(f, options);
    om_status status = om_alloc_arrays(list, list_arrays(f, options->tables->side, list));
    if (status != OM_OK) {
        om_conv1_fft_free(f);
        return status;
    }
    make_tables(f);
    *fft = f;
    return OM_OK;
}

void om_conv1_fft_free(om_conv1_fft *f)
{
    if (f == NULL) return;
    om_array list[MOST_ARRAYS];
    om_free_arrays(list, list_arrays(f, 0, list));
    om_free(f);
}

void om_conv1_fft_set_weights(om_conv1_fft *f)
{
    const om_real *from = f->options.tables->conv1;
    for (int c = 0; c < f->channels; c++)
        for (size_t k = 0; k < OM_KERNEL_TAPS; k++, from += OM_HIDDEN)
            memcpy(f->tables.weights + k * f->tables.flat + om_fft_flat(c, 0), from,
                   OM_HIDDEN * sizeof *from);
#pragma omp parallel for schedule(static) num_threads(f->options.threads)
    for (int g = 0; g < OM_TORUS_J; g++) f->kernels->kernel(&f->tables, g);
}

/* ---- running ---- */

/* Where a pair lies in the network's memory and in the blocks. */
typedef struct pair {
    int quad, number;
    const om_block *blocks[2];
} pair;

static pair pair_of(const om_conv1_fft *f, const om_block *blocks, int quad, int number)
{
    const om_block *first = blocks + quad * f->blocks + 2 * number;
    bool odd = 2 * number + 1 == f->blocks;
    return (pair){quad, number, {first, odd ? NULL : first + 1}};
}

static size_t map_reals(const om_conv1_fft *f)
{
    return f->options.tables->geometry->compact * OM_QUAD;
}

static void maps_of(const om_conv1_fft *f, const om_network *n, const pair *p, int channel,
                    const om_real *maps[OM_PAIR])
{
    size_t type = (size_t)f->options.circuit->outputs[channel];
    for (int i = 0; i < OM_PAIR; i++) {
        int frame = p->number * OM_PAIR + i;
        maps[i] = frame < f->options.frames
                      ? om_network_history(n, p->quad, frame) + type * map_reals(f)
                      : NULL;
    }
}

static void d_maps_of(const om_conv1_fft *f, om_network *n, const pair *p, int channel,
                      om_real *d_maps[OM_PAIR])
{
    for (int i = 0; i < OM_PAIR; i++) {
        int frame = p->number * OM_PAIR + i;
        d_maps[i] = frame < f->options.frames
                        ? om_network_external(n, p->quad, frame) + (size_t)channel * map_reals(f)
                        : NULL;
    }
}

/* Place of a pair in a spectrum of some channels, at one g; from one f to the next it is spectrum_next(). */
static om_real *spectrum_at(const om_conv1_fft *f, om_real *spectrum, int channels, int g,
                            int number)
{
    size_t cells = (size_t)(g * OM_TORUS_I * f->pairs + number) * (size_t)channels;
    return spectrum + cells * OM_CELL;
}
static size_t spectrum_next(const om_conv1_fft *f, int channels)
{
    return (size_t)(f->pairs * channels) * OM_CELL;
}

static om_real *spectrum_of_quad(const om_conv1_fft *f, int quad)
{
    return f->spectrum + (size_t)quad * spectrum_of(f, f->channels);
}

/* The phases of a pair, by all threads of a team. */
static void forward_pair(const om_conv1_fft *f, const om_network *n, const pair *p, om_real *work)
{
#pragma omp for schedule(static)
    for (int c = 0; c < f->channels; c++) {
        const om_real *maps[OM_PAIR];
        maps_of(f, n, p, c, maps);
        f->kernels->input(&f->tables, c, maps, f->wide);
    }
#pragma omp for schedule(static)
    for (int g = 0; g < OM_TORUS_J; g++) {
        om_real *keep = NULL;
        if (f->spectrum != NULL)
            keep = spectrum_at(f, spectrum_of_quad(f, p->quad), f->channels, g, p->number);
        f->kernels->forward(&f->tables, g, f->wide, work, keep, spectrum_next(f, f->channels),
                            f->narrow);
    }
#pragma omp for schedule(static)
    for (int o = 0; o < OM_HIDDEN; o++) f->kernels->hidden(&f->tables, o, f->narrow, p->blocks);
}

static void adjoint_pair(const om_conv1_fft *f, om_network *n, const om_norm *norm, const pair *p,
                         om_real *work)
{
#pragma omp for schedule(static)
    for (int o = 0; o < OM_HIDDEN; o++)
        f->kernels->gradient(&f->tables, norm, o, p->blocks, f->narrow);
#pragma omp for schedule(static)
    for (int g = 0; g < OM_TORUS_J; g++)
        f->kernels->backward(&f->tables, g, f->narrow, work,
                             spectrum_at(f, f->d_spectrum, OM_HIDDEN, g, p->number),
                             spectrum_next(f, OM_HIDDEN), f->wide);
#pragma omp for schedule(static)
    for (int c = 0; c < f->channels; c++) {
        const om_real *maps[OM_PAIR];
        om_real *d_maps[OM_PAIR];
        maps_of(f, n, p, c, maps);
        d_maps_of(f, n, p, c, d_maps);
        f->kernels->d_input(&f->tables, c, f->wide, maps, d_maps);
    }
}

static om_real *work_of(const om_conv1_fft *f, int thread)
{
    return f->work + (size_t)thread * f->work_reals;
}

void om_conv1_fft_forward(om_conv1_fft *f, const om_network *network, const om_block *blocks)
{
#pragma omp parallel num_threads(f->options.threads)
    for (int q = 0; q < f->options.share.quads; q++)
        for (int i = 0; i < f->pairs; i++) {
            pair p = pair_of(f, blocks, q, i);
            forward_pair(f, network, &p, work_of(f, omp_get_thread_num()));
        }
}

/* Weight gradients of a quad, by all threads of a team, once its pairs are done. */
static void weights_of_quad(const om_conv1_fft *f, int quad)
{
    const om_fft *t = &f->tables;
    om_real *d_weights =
        f->d_weights + (size_t)(f->options.share.first_quad + quad) * weights_of(f);
#pragma omp for schedule(static)
    for (int g = 0; g < OM_TORUS_J; g++) {
        memset(t->d_kernel + om_fft_kernel_at(t, g, 0), 0,
               OM_TORUS_I * 2 * t->flat * sizeof *t->d_kernel);
        f->kernels->weights(t, g, f->pairs,
                            spectrum_at(f, spectrum_of_quad(f, quad), f->channels, g, 0),
                            spectrum_at(f, f->d_spectrum, OM_HIDDEN, g, 0));
    }
#pragma omp for schedule(static)
    for (size_t from = 0; from < t->flat; from += OM_LANES) {
        om_real taps[OM_KERNEL_TAPS * OM_LANES];
        f->kernels->taps(t, from, taps);
        for (size_t k = 0; k < OM_KERNEL_TAPS; k++)
            memcpy(d_weights + k * t->flat + from, taps + k * OM_LANES, OM_LANES * sizeof *taps);
    }
}

void om_conv1_fft_adjoint(om_conv1_fft *f, om_network *network, const om_norm *norm,
                          const om_block *blocks)
{
    const om_share *share = &f->options.share;
#pragma omp parallel num_threads(f->options.threads)
    for (int q = 0; q < share->quads; q++) {
        for (int i = 0; i < f->pairs; i++) {
            pair p = pair_of(f, blocks, q, i);
            adjoint_pair(f, network, norm, &p, work_of(f, omp_get_thread_num()));
        }
        weights_of_quad(f, q);
    }
    om_exchange_gather(f->options.exchange, f->d_weights, share->all_quads,
                       weights_of(f) * sizeof *f->d_weights);
}

om_real om_conv1_fft_gradient(const om_conv1_fft *f, int channel, int k, int hidden)
{
    const om_real *quad = f->d_weights + (size_t)k * f->tables.flat + om_fft_flat(channel, hidden);
    double sum = 0;
    for (int q = 0; q < f->options.share.all_quads; q++, quad += weights_of(f))
        sum += (double)*quad;
    return (om_real)sum;
}
