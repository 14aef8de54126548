/* Running the decoder's kernels over all blocks, in phases that global sums separate: batch-norm
 * statistics, errors of the samples, batch-norm adjoint sums. Sums are formed per frame and sample by
 * the kernels, then added here sample by sample, frame by frame, in double precision. */
#include "model/decoder.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "model/conv1_fft.h"
#include "model/decoder_tables.h"

static const double EPSILON = 1e-5, MOMENTUM = 0.1;

struct om_decoder {
    const om_circuit *circuit;
    om_decoder_options options;
    om_layout layout;
    om_decoder_tables tables;
    om_conv1_fft *fft; /* NULL: the first convolution is computed directly */
    om_norm norm;
    om_share share;
    int blocks_per_quad, n_blocks;  /* own blocks */
    size_t cells;                   /* of an array */
    size_t channel, padded_channel; /* numbers in an array of one channel */
    bool dropping, running;         /* of the last forward pass: dropout; running statistics */
    om_block *blocks;    /* [n_blocks] arrays of their own; input and gradients are the threads' */
    om_block *scratch;   /* [threads] */
    om_block_sums *sums; /* [quads of the whole batch][blocks_per_quad] */
    om_real *memory;     /* of the blocks' arrays */
    om_real *scratch_memory;
    om_real *gradient_memory; /* [n_blocks] weight gradients by lane */
    uint16_t *keep;
    size_t n_conv1, n_conv2; /* numbers in a block's weight gradients */
    double *weight_sums;     /* [quads of the whole batch][weights][4 samples] */
};

/* ---- making one ---- */

static bool is_fft(const om_decoder *d)
{
    return om_convolution_at(d->options.convolution, d->circuit->extent) == OM_CONVOLUTION_FFT;
}

/* Cuts the next n numbers off a piece of memory. */
static om_real *take(om_real **memory, size_t n)
{
    om_real *taken = *memory;
    *memory += n;
    return taken;
}

/* What follows from circuit, options and the side of an array. */
static void set_sizes(om_decoder *d, const om_circuit *circuit, const om_decoder_options *options,
                      int rows)
{
    const size_t side = (size_t)rows, padded = (size_t)(rows + OM_KERNEL - 1);
    d->circuit = circuit;
    d->options = *options;
    d->layout = om_layout_of(circuit);
    d->share = om_share_of(options->batch, options->exchange);
    d->blocks_per_quad = (options->frames + OM_FRAMES - 1) / OM_FRAMES;
    d->n_blocks = d->share.quads * d->blocks_per_quad;
    d->cells = side * side;
    d->channel = d->cells * OM_LANES;
    d->padded_channel = padded * padded * OM_LANES;
    const size_t weights = options->forward_only ? 0 : OM_KERNEL_TAPS * OM_HIDDEN * OM_LANES;
    d->n_conv1 = is_fft(d) ? 0 : (size_t)circuit->n_outputs * weights;
    d->n_conv2 = OM_HEAD * weights;
}

/* Weights whose gradients are summed up here: not conv1's where its transforms do that. */
static size_t weights_of(const om_decoder *d) { return (d->n_conv1 + d->n_conv2) / OM_LANES; }

/* The samples of a quad of the whole batch. */
static double *weight_sums_at(const om_decoder *d, int quad, size_t weight)
{
    return d->weight_sums + ((size_t)quad * weights_of(d) + weight) * OM_QUAD;
}

enum { MOST_ARRAYS = 8 };

static int list_arrays(om_decoder *d, om_array list[MOST_ARRAYS])
{
    const size_t quads = (size_t)d->share.all_quads;
    const size_t blocks = (size_t)d->n_blocks, threads = (size_t)d->options.threads;
    const size_t outputs = (size_t)d->circuit->n_outputs, r = sizeof(om_real);
    const size_t own = (OM_HIDDEN + OM_HEAD + 2) * d->channel + OM_HIDDEN * d->padded_channel;
    const size_t adjoint = OM_HEAD * d->padded_channel + OM_HIDDEN * d->channel;
    const size_t direct = OM_HIDDEN * d->padded_channel + outputs * d->channel; /* its adjoint */
    size_t shared = is_fft(d) ? 0 : outputs * d->padded_channel;
    if (!d->options.forward_only) shared += adjoint + (is_fft(d) ? 0 : direct);
    const om_array all[MOST_ARRAYS] = {
        {&d->blocks, blocks, sizeof *d->blocks},
        {&d->scratch, threads, sizeof *d->scratch},
        {&d->sums, quads * (size_t)d->blocks_per_quad, sizeof *d->sums},
        {&d->memory, blocks * own, r},
        {&d->scratch_memory, threads * shared, r},
        {&d->gradient_memory, blocks * (d->n_conv1 + d->n_conv2), r},
        {&d->weight_sums, quads * weights_of(d) * OM_QUAD, sizeof *d->weight_sums},
        {&d->keep, blocks * OM_HIDDEN * d->cells, sizeof(uint16_t)},
    };
    memcpy(list, all, sizeof all);
    return MOST_ARRAYS;
}

static void place_blocks(om_decoder *d)
{
    om_real *next = d->memory, *gradient = d->gradient_memory;
    for (int b = 0; b < d->n_blocks; b++) {
        om_block *block = &d->blocks[b];
        block->conv1 = take(&next, OM_HIDDEN * d->channel);
        block->hidden = take(&next, OM_HIDDEN * d->padded_channel);
        block->head = take(&next, OM_HEAD * d->channel);
        block->target = take(&next, 2 * d->channel);
        block->d_conv1_weight = take(&gradient, d->n_conv1);
        block->d_conv2_weight = take(&gradient, d->n_conv2);
        for (int l = 0; l < OM_LANES; l++) {
            int sample = b / d->blocks_per_quad * OM_QUAD + l % OM_QUAD;
            int frame = b % d->blocks_per_quad * OM_FRAMES + l / OM_QUAD;
            block->lane[l] = sample < d->share.samples && frame < d->options.frames;
        }
    }
}

static void place_scratch(om_decoder *d)
{
    const size_t outputs = (size_t)d->circuit->n_outputs;
    om_real *scratch = d->scratch_memory;
    for (int i = 0; i < d->options.threads; i++) {
        om_block *s = &d->scratch[i];
        if (!is_fft(d)) s->input = take(&scratch, outputs * d->padded_channel);
        if (d->options.forward_only) continue;
        s->d_head = take(&scratch, OM_HEAD * d->padded_channel);
        s->d_hidden = take(&scratch, OM_HIDDEN * d->channel);
        if (is_fft(d)) continue;
        s->d_conv1 = take(&scratch, OM_HIDDEN * d->padded_channel);
        s->d_input = take(&scratch, outputs * d->channel);
    }
}

static om_conv1_fft_options fft_options(const om_decoder *d)
{
    return (om_conv1_fft_options){.circuit = d->circuit,
                                  .tables = &d->tables,
                                  .kernels = d->options.kernels,
                                  .share = d->share,
                                  .exchange = d->options.exchange,
                                  .frames = d->options.frames,
                                  .threads = d->options.threads,
                                  .forward_only = d->options.forward_only};
}

size_t om_decoder_bytes(const om_circuit *circuit, const om_geometry *geometry,
                        const om_decoder_options *options)
{
    om_decoder d = {0};
    om_array list[MOST_ARRAYS];
    set_sizes(&d, circuit, options, geometry->n_rows);
    size_t bytes = sizeof d + om_decoder_tables_bytes(circuit, geometry) +
                   om_arrays_bytes(list, list_arrays(&d, list));
    if (!is_fft(&d)) return bytes;
    const om_conv1_fft_options fft = fft_options(&d);
    return bytes + om_conv1_fft_bytes(&fft, geometry->n_rows);
}

static om_status make(om_decoder *d, const om_geometry *geometry)
{
    om_array list[MOST_ARRAYS];
    OM_TRY(om_decoder_tables_create(d->circuit, geometry, &d->tables));
    OM_TRY(om_alloc_arrays(list, list_arrays(d, list)));
    place_blocks(d);
    place_scratch(d);
    if (!is_fft(d)) return OM_OK;
    const om_conv1_fft_options fft = fft_options(d);
    return om_conv1_fft_create(&fft, &d->fft);
}

om_status om_decoder_create(const om_circuit *circuit, const om_geometry *geometry,
                            const om_decoder_options *options, om_decoder **decoder)
{
    *decoder = NULL;
    om_decoder *d = NULL;
    OM_TRY(om_alloc(1, sizeof *d, &d));
    set_sizes(d, circuit, options, geometry->n_rows);
    om_status status = make(d, geometry);
    if (status != OM_OK) {
        om_decoder_free(d);
        return status;
    }
    *decoder = d;
    return OM_OK;
}

void om_decoder_free(om_decoder *d)
{
    if (d == NULL) return;
    om_array list[MOST_ARRAYS];
    om_conv1_fft_free(d->fft);
    om_decoder_tables_free(&d->tables);
    om_free_arrays(list, list_arrays(d, list));
    om_free(d);
}

void om_decoder_set_params(om_decoder *d, const om_real *params)
{
    om_decoder_tables_set_params(&d->tables, &d->layout, params);
    if (d->fft != NULL) om_conv1_fft_set_weights(d->fft);
}

uint16_t *om_decoder_keep(om_decoder *d) { return d->keep; }
int om_decoder_side(const om_decoder *d) { return d->tables.side; }
int om_decoder_blocks_per_quad(const om_decoder *d) { return d->blocks_per_quad; }

double om_decoder_count(const om_decoder *d)
{
    return (double)d->options.batch * d->options.frames * d->tables.side * d->tables.side;
}

/* Block and lane of a frame of a sample. */
static int block_of(const om_decoder *d, int sample, int frame)
{
    return sample / OM_QUAD * d->blocks_per_quad + frame / OM_FRAMES;
}
static int lane_of(int sample, int frame) { return frame % OM_FRAMES * OM_QUAD + sample % OM_QUAD; }

/* Runs its body for every column i of the lattice, at cell `at` of an array. */
#define FOR_COLUMNS(t, i, at)                                                                      \
    for (int r_ = 0, i = 0; r_ < (t)->side; r_++)                                                  \
        for (size_t at = (size_t)(r_ * (t)->side + (t)->row_first[r_]),                            \
                    end_ = (size_t)(r_ * (t)->side + (t)->row_end[r_]);                            \
             at < end_; at++, i++)

void om_decoder_set_target(om_decoder *d, int sample, const om_real *flow)
{
    const om_decoder_tables *t = &d->tables;
    const size_t columns = (size_t)d->circuit->n_columns;
    for (int first = 0; first < d->options.frames; first += OM_FRAMES) {
        om_real *target = d->blocks[block_of(d, sample, first)].target + lane_of(sample, 0);
        int frames = d->options.frames - first < OM_FRAMES ? d->options.frames - first : OM_FRAMES;
        for (size_t k = 0; k < 2; k++, target += d->channel) {
            const om_real *from = flow + (2 * (size_t)first + k) * columns;
            FOR_COLUMNS(t, i, at)
            for (int f = 0; f < frames; f++)
                target[at * OM_LANES + (size_t)(f * OM_QUAD)] =
                    from[(size_t)f * 2 * columns + (size_t)i];
        }
    }
}

/* ---- input and its gradient ---- */

/* A block with its own arrays and this thread's. */
static om_block equip(const om_decoder *d, int b)
{
    const om_block *s = &d->scratch[omp_get_thread_num()];
    om_block block = d->blocks[b];
    block.input = s->input;
    block.d_head = s->d_head;
    block.d_hidden = s->d_hidden;
    block.d_conv1 = s->d_conv1;
    block.d_input = s->d_input;
    block.keep = d->dropping ? d->keep + (size_t)b * OM_HIDDEN * d->cells : NULL;
    return block;
}

/* Compact map of an output type after frame f of a block's quad, or NULL past the last frame. */
static const om_real *output_map(const om_decoder *d, const om_network *n, int b, int f, int output)
{
    int frame = b % d->blocks_per_quad * OM_FRAMES + f;
    if (frame >= d->options.frames) return NULL;
    size_t map = d->tables.geometry->compact * OM_QUAD;
    return om_network_history(n, b / d->blocks_per_quad, frame) +
           (size_t)d->circuit->outputs[output] * map;
}

/* input = relu(V): the samples of one cell are copied four at a time. */
static void pack(const om_decoder *d, const om_network *n, int b, om_real *input)
{
    const om_decoder_tables *t = &d->tables;
    for (int o = 0; o < d->circuit->n_outputs; o++)
        for (int f = 0; f < OM_FRAMES; f++) {
            const om_real *map = output_map(d, n, b, f, o);
            for (int r = 0; r < t->side; r++) {
                om_real *to = input + (size_t)o * d->padded_channel + f * OM_QUAD +
                              ((r + 2) * t->padded_side + t->row_first[r] + 2) * OM_LANES;
                const om_real *from = map != NULL ? map + t->row_compact[r] * OM_QUAD : NULL;
                for (int c = t->row_first[r]; c < t->row_end[r]; c++, to += OM_LANES)
                    for (int s = 0; s < OM_QUAD; s++) {
                        om_real v = from != NULL ? *from++ : 0;
                        to[s] = v < 0 ? 0 : v; /* NaN stays NaN */
                    }
            }
        }
}

/* dLoss/dV = d_input where V > 0, into the network's external gradients. */
static void unpack(const om_decoder *d, om_network *n, int b, const om_real *d_input)
{
    const om_decoder_tables *t = &d->tables;
    const size_t map = t->geometry->compact * OM_QUAD;
    for (int f = 0; f < OM_FRAMES; f++) {
        int frame = b % d->blocks_per_quad * OM_FRAMES + f;
        if (frame >= d->options.frames) return;
        om_real *external = om_network_external(n, b / d->blocks_per_quad, frame);
        for (int o = 0; o < d->circuit->n_outputs; o++)
            for (int r = 0; r < t->side; r++) {
                size_t at = (size_t)(t->row_compact[r] * OM_QUAD);
                const om_real *v = output_map(d, n, b, f, o) + at;
                om_real *to = external + (size_t)o * map + at;
                const om_real *from = d_input + (size_t)o * d->channel + f * OM_QUAD +
                                      (r * t->side + t->row_first[r]) * OM_LANES;
                for (int c = t->row_first[r]; c < t->row_end[r]; c++, from += OM_LANES)
                    for (int s = 0; s < OM_QUAD; s++, to++, v++) *to = *v > 0 ? from[s] : 0;
            }
    }
}

/* ---- sums over lanes ---- */

/* Where a row of lanes lies in om_block_sums. */
typedef const om_real *lanes_of(const om_block_sums *sums, int channel);

static const om_real *lanes_mean(const om_block_sums *s, int o) { return s->mean[o]; }
static const om_real *lanes_square(const om_block_sums *s, int o) { return s->square[o]; }
static const om_real *lanes_d_z(const om_block_sums *s, int o) { return s->d_z[o]; }
static const om_real *lanes_d_z_y_hat(const om_block_sums *s, int o) { return s->d_z_y_hat[o]; }
static const om_real *lanes_d_bias(const om_block_sums *s, int o) { return s->d_head_bias[o]; }
static const om_real *lanes_error(const om_block_sums *s, int o)
{
    (void)o;
    return s->error_square;
}
static const om_real *lanes_length(const om_block_sums *s, int o)
{
    (void)o;
    return s->error_length;
}

/* Sum over the frames of a sample of (lane - about)^power, in frame order. */
static double sum_frames(const om_decoder *d, lanes_of *lanes, int channel, int sample,
                         double about, int power)
{
    double sum = 0;
    for (int f = 0; f < d->options.frames; f++) {
        double x = (double)lanes(&d->sums[block_of(d, sample, f)], channel)[lane_of(sample, f)];
        x -= about;
        sum += power == 2 ? x * x : x;
    }
    return sum;
}

/* This decoder's own ones. */
static om_block_sums *own_sums(const om_decoder *d)
{
    return d->sums + d->share.first_quad * d->blocks_per_quad;
}

/* From here on the sums of the whole batch are there. */
static void share_sums(om_decoder *d)
{
    om_exchange_gather(d->options.exchange, d->sums, d->share.all_quads,
                       (size_t)d->blocks_per_quad * sizeof *d->sums);
}

static double sum_batch(const om_decoder *d, lanes_of *lanes, int channel, double about, int power)
{
    double sum = 0;
    for (int s = 0; s < d->options.batch; s++)
        sum += sum_frames(d, lanes, channel, s, about, power);
    return sum;
}

double om_decoder_l2norm(const om_decoder *d, int sample)
{
    return sqrt(sum_frames(d, lanes_error, 0, sample, 0, 1));
}

double om_decoder_epe(const om_decoder *d, int sample)
{
    return sum_frames(d, lanes_length, 0, sample, 0, 1) /
           ((double)d->options.frames * d->circuit->n_columns);
}

void om_decoder_flow(const om_decoder *d, int sample, int frame, om_real *flow)
{
    const om_decoder_tables *t = &d->tables;
    const om_real *head = d->blocks[block_of(d, sample, frame)].head + lane_of(sample, frame);
    FOR_COLUMNS(t, i, at)
    {
        double z = (double)head[2 * d->channel + at * OM_LANES];
        double divisor = (z > 0 ? z : 0) + log1p(exp(-fabs(z))) + 1;
        for (size_t k = 0; k < 2; k++)
            flow[k * (size_t)d->circuit->n_columns + (size_t)i] =
                (om_real)((double)head[k * d->channel + at * OM_LANES] / divisor);
    }
}

/* ---- forward ---- */

static void run_conv1(om_decoder *d, const om_network *n)
{
    if (d->fft != NULL) om_conv1_fft_forward(d->fft, n, d->blocks);
#pragma omp parallel for schedule(static) num_threads(d->options.threads)
    for (int b = 0; b < d->n_blocks; b++) {
        om_block block = equip(d, b);
        if (d->fft == NULL) {
            pack(d, n, b, block.input);
            d->options.kernels->conv1(&d->tables, &block);
        }
        d->options.kernels->moments(&d->tables, &block, &own_sums(d)[b]);
    }
}

static void run_head(om_decoder *d)
{
#pragma omp parallel for schedule(static) num_threads(d->options.threads)
    for (int b = 0; b < d->n_blocks; b++) {
        om_block block = equip(d, b);
        d->options.kernels->head(&d->tables, &d->norm, &block, &own_sums(d)[b]);
    }
    share_sums(d);
}

/* Batch norm with the given statistics as one scale and shift. */
static void set_norm(om_decoder *d, const double *mean, const double *var, double dropout)
{
    const om_decoder_tables *t = &d->tables;
    d->norm.keep_scale = (om_real)(1 / (1 - dropout));
    for (int o = 0; o < OM_HIDDEN; o++) {
        double inverse = 1 / sqrt(var[o] + EPSILON), scale = (double)t->norm_weight[o] * inverse;
        d->norm.mean[o] = (om_real)mean[o];
        d->norm.inverse[o] = (om_real)inverse;
        d->norm.scale[o] = (om_real)scale;
        d->norm.shift[o] = (om_real)((double)t->norm_bias[o] - mean[o] * scale);
    }
}

/* Statistics of conv1's output over the whole batch. */
static void measure_batch(om_decoder *d, double mean[OM_HIDDEN], double var[OM_HIDDEN])
{
    share_sums(d);
    double lanes = (double)d->options.batch * d->options.frames;
    double cells = (double)d->tables.side * d->tables.side;
    for (int o = 0; o < OM_HIDDEN; o++) {
        /* lanes hold means about the bias and squares about their own mean: the variance of all is that
         * within lanes plus that of the lanes' means, which loses no digits to cancellation */
        double about = sum_batch(d, lanes_mean, o, 0, 1) / lanes;
        double within = sum_batch(d, lanes_square, o, 0, 1);
        double between = cells * sum_batch(d, lanes_mean, o, about, 2);
        mean[o] = about + (double)d->tables.conv1_bias[o];
        var[o] = (within + between) / (lanes * cells);
    }
}

void om_decoder_forward(om_decoder *d, const om_network *n, double dropout,
                        const om_moments *running, om_moments *used)
{
    double mean[OM_HIDDEN], var[OM_HIDDEN];
    run_conv1(d, n);
    if (running == NULL) measure_batch(d, mean, var);
    for (int o = 0; o < OM_HIDDEN; o++) {
        if (running != NULL) mean[o] = (double)running->mean[o], var[o] = (double)running->var[o];
        used->mean[o] = (om_real)mean[o];
        used->var[o] = (om_real)var[o];
    }
    set_norm(d, mean, var, dropout);
    d->dropping = dropout > 0;
    d->running = running != NULL;
    run_head(d);
}

void om_decoder_evaluate(om_decoder *d, const om_network *n, const om_moments *running)
{
    om_moments used;
    om_decoder_forward(d, n, 0, running, &used);
}

void om_moments_update(om_moments *running, const om_moments *batch, double count)
{
    for (int o = 0; o < OM_HIDDEN; o++) {
        double unbiased = (double)batch->var[o] * count / (count - 1);
        running->mean[o] = (om_real)((1 - MOMENTUM) * (double)running->mean[o] +
                                     MOMENTUM * (double)batch->mean[o]);
        running->var[o] = (om_real)((1 - MOMENTUM) * (double)running->var[o] + MOMENTUM * unbiased);
    }
}

/* ---- adjoint ---- */

/* A sample or column predicted exactly has gradient 0, not NaN. */
static om_loss_weight weigh(const om_decoder *d, om_loss loss, int b)
{
    om_loss_weight w = {.per_length = 0};
    double batch = d->options.batch;
    if (loss == OM_LOSS_EPE)
        w.per_length = (om_real)(1 / (batch * d->options.frames * d->circuit->n_columns));
    for (int l = 0; l < OM_LANES && loss == OM_LOSS_L2NORM; l++) {
        int sample = b / d->blocks_per_quad * OM_QUAD + l % OM_QUAD;
        double root =
            sample < d->share.samples ? om_decoder_l2norm(d, d->share.first_sample + sample) : 0;
        w.per_sample[l] = root > 0 ? (om_real)(1 / (batch * root)) : 0;
    }
    return w;
}

/* What the batch norm's adjoint needs, once the sums over all blocks are known: with
 * g = weight / sqrt(var + eps),
 *     dL/dy = g (d_z - mean(d_z) - y_hat mean(d_z y_hat))
 * as a linear function of d_z and y. With running statistics, which are constants, dL/dy = g d_z, and
 * the bias before the batch norm has a gradient. */
static void prepare_norm_adjoint(om_decoder *d, om_real *d_params)
{
    const om_layout *l = &d->layout;
    om_norm *norm = &d->norm;
    double count = om_decoder_count(d);
    for (int o = 0; o < OM_HIDDEN; o++) {
        double d_bias = sum_batch(d, lanes_d_z, o, 0, 1);
        double d_weight = sum_batch(d, lanes_d_z_y_hat, o, 0, 1);
        double g = (double)norm->scale[o], inverse = (double)norm->inverse[o];
        double by_y = d->running ? 0 : -g * d_weight / count * inverse;
        double constant =
            d->running ? 0 : -g / count * (d_bias - d_weight * inverse * (double)norm->mean[o]);
        norm->d_z[o] = (om_real)g;
        norm->d_y[o] = (om_real)by_y;
        norm->d_constant[o] = (om_real)constant;
        d_params[l->norm_weight - l->decoder + (size_t)o] = (om_real)d_weight;
        d_params[l->norm_bias - l->decoder + (size_t)o] = (om_real)d_bias;
        d_params[l->conv1_bias - l->decoder + (size_t)o] = d->running ? (om_real)(g * d_bias) : 0;
    }
}

/* Own samples' gradients of a weight, over their frames. In a block conv2's weights follow conv1's. */
static void sum_weight_frames(const om_decoder *d, size_t weight)
{
    for (int q = 0; q < d->share.quads; q++) {
        double *sample = weight_sums_at(d, d->share.first_quad + q, weight);
        memset(sample, 0, OM_QUAD * sizeof *sample);
        for (int b = q * d->blocks_per_quad; b < (q + 1) * d->blocks_per_quad; b++) {
            const om_real *g = d->blocks[b].d_conv1_weight + weight * OM_LANES;
            for (int l = 0; l < OM_LANES; l++) sample[l % OM_QUAD] += (double)g[l];
        }
    }
}

static void share_weights(om_decoder *d)
{
#pragma omp parallel for schedule(static) num_threads(d->options.threads)
    for (size_t w = 0; w < weights_of(d); w++) sum_weight_frames(d, w);
    om_exchange_gather(d->options.exchange, d->weight_sums, d->share.all_quads,
                       weights_of(d) * OM_QUAD * sizeof *d->weight_sums);
}

/* Sum over the batch of one weight's gradient, sample after sample. */
static double sum_weight(const om_decoder *d, size_t weight)
{
    double total = 0;
    for (int q = 0; q < d->share.all_quads; q++)
        for (int s = 0; s < OM_QUAD; s++) total += weight_sums_at(d, q, weight)[s];
    return total;
}

/* Weight gradients from the blocks' sums; masked entries stay 0. */
static void gather_weights(om_decoder *d, om_real *d_params)
{
    const om_layout *l = &d->layout;
    const om_decoder_tables *t = &d->tables;
    share_weights(d);
#pragma omp parallel for schedule(static) num_threads(d->options.threads)
    for (int c = 0; c < l->n_outputs; c++)
        for (int k = 0; k < OM_KERNEL_TAPS; k++)
            for (int o = 0; o < OM_HIDDEN; o++) {
                size_t weight = (size_t)((c * OM_KERNEL_TAPS + k) * OM_HIDDEN + o);
                d_params[om_conv1_at(t, o, c, k)] = d->fft != NULL
                                                        ? om_conv1_fft_gradient(d->fft, c, k, o)
                                                        : (om_real)sum_weight(d, weight);
            }
    om_real *conv2 = d_params + (l->conv2_weight - l->decoder);
    for (int q = 0; q < OM_HEAD; q++)
        for (int k = 0; k < OM_KERNEL_TAPS; k++)
            for (int o = 0; o < OM_HIDDEN; o++) {
                size_t weight = (size_t)((q * OM_KERNEL_TAPS + k) * OM_HIDDEN + o);
                conv2[om_conv2_at(t, q, o, k)] =
                    (om_real)sum_weight(d, d->n_conv1 / OM_LANES + weight);
            }
}

static void adjoint_of_conv1(const om_decoder *d, om_network *n)
{
#pragma omp parallel for schedule(static) num_threads(d->options.threads)
    for (int b = 0; b < d->n_blocks; b++) {
        om_block block = equip(d, b);
        pack(d, n, b, block.input);
        d->options.kernels->conv1_adjoint(&d->tables, &d->norm, &block);
        unpack(d, n, b, block.d_input);
    }
}

void om_decoder_adjoint(om_decoder *d, om_network *n, om_loss loss, om_real *d_params)
{
    const om_layout *l = &d->layout;
    memset(d_params, 0, l->n_decoder * sizeof(om_real));
#pragma omp parallel for schedule(static) num_threads(d->options.threads)
    for (int b = 0; b < d->n_blocks; b++) {
        om_block block = equip(d, b);
        om_loss_weight weight = weigh(d, loss, b);
        d->options.kernels->head_adjoint(&d->tables, &d->norm, &weight, &block, &own_sums(d)[b]);
    }
    share_sums(d);
    prepare_norm_adjoint(d, d_params);
    for (int q = 0; q < OM_HEAD; q++)
        d_params[l->conv2_bias - l->decoder + (size_t)q] =
            (om_real)sum_batch(d, lanes_d_bias, q, 0, 1);
    if (d->fft != NULL)
        om_conv1_fft_adjoint(d->fft, n, &d->norm, d->blocks);
    else
        adjoint_of_conv1(d, n);
    gather_weights(d, d_params);
}
