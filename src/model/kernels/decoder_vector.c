/* Decoder kernels on vectors. Lanes are four frames of four samples, so nothing is shuffled and no load
 * is misaligned. Two micro-kernels do nearly all of the work: conv_tile keeps several outputs of several
 * neighbouring cells in registers over a flat list of terms and serves both convolutions and their
 * input gradients; weight_tile keeps several weights of several channels in registers over the cells of
 * a row. Neither shape changes the order in which a lane sums. */
#include "model/kernels/arrays.h"
#include "model/kernels/simd.h"
#include "model/kernels/vector.h"

enum {
    BACK_GROUP = 4,        /* channels of conv1_back that lie together */
#if defined(OM_ISA_AVX512) /* 32 registers: 20 to 24 accumulators */
    CONV_OUTPUTS = 8,
    CONV_CELLS = 3,
    BACK_CELLS = 6,
    HEAD_CELLS = 8,
    WEIGHT_TERMS = 5,
#else /* 16 registers: 8 to 12 */
    CONV_OUTPUTS = 4,
    CONV_CELLS = 3,
    BACK_CELLS = 3,
    HEAD_CELLS = 4,
    WEIGHT_TERMS = 2,
#endif
    WEIGHT_CHANNELS = 4
};

/* A flat list of terms: term i reads the cell at offset[i] and weighs it for each output o by
 * weight[i * stride + o]. */
typedef struct terms {
    int n;
    const int *offset;
    const om_real *weight;
    int stride;
} terms;

/* y[o][cell] = start[o] + sum of terms, for `outputs` outputs of `cells` neighbouring cells. */
INLINE void conv_tile(const int outputs, const int cells, const terms *t, const om_real *x,
                      const om_real *start, om_real *y, size_t y_channel)
{
    vec sum[CONV_OUTPUTS][HEAD_CELLS];
    UNROLL for (int o = 0; o < outputs; o++)
    {
        vec first = all(start != NULL ? start[o] : 0);
        UNROLL for (int s = 0; s < cells; s++) sum[o][s] = first;
    }
    const om_real *weight = t->weight;
    for (int i = 0; i < t->n; i++, weight += t->stride) {
        const om_real *at = x + t->offset[i];
        vec in[HEAD_CELLS];
        UNROLL for (int s = 0; s < cells; s++) in[s] = load(at + s * OM_LANES);
        UNROLL for (int o = 0; o < outputs; o++)
        {
            vec w = all(weight[o]);
            UNROLL for (int s = 0; s < cells; s++) sum[o][s] = fma_(in[s], w, sum[o][s]);
        }
    }
    UNROLL for (int o = 0; o < outputs; o++)
    {
        UNROLL for (int s = 0; s < cells; s++)
            store(y + (size_t)o * y_channel + (size_t)s * OM_LANES, sum[o][s]);
    }
}

/* A function for n neighbouring cells of a row, all lanes, in tiles of at most MOST cells. */
#define TILE(outputs, cells)                                                                       \
    conv_tile(outputs, cells, t, x + c * OM_LANES, start, y + c * OM_LANES, y_channel)
#define REST(outputs, most, cells)                                                                 \
    case cells:                                                                                    \
        if (most > cells) TILE(outputs, most > cells ? cells : 1);                                 \
        break;
#define DEFINE_CONV_ROW(name, outputs, most)                                                       \
    static void name(int n, const terms *t, const om_real *x, const om_real *start, om_real *y,    \
                     size_t y_channel)                                                             \
    {                                                                                              \
        for (int part = 0; part < PER_STRIP; part++, x += W, y += W) {                             \
            int c = 0;                                                                             \
            for (; n - c >= most; c += most) TILE(outputs, most);                                  \
            switch (n - c) {                                                                       \
                REST(outputs, most, 1)                                                             \
                REST(outputs, most, 2)                                                             \
                REST(outputs, most, 3)                                                             \
                REST(outputs, most, 4)                                                             \
                REST(outputs, most, 5)                                                             \
                REST(outputs, most, 6)                                                             \
                REST(outputs, most, 7)                                                             \
            }                                                                                      \
        }                                                                                          \
    }
DEFINE_CONV_ROW(conv_row_some, CONV_OUTPUTS, CONV_CELLS) /* conv1, input gradient of conv2 */
DEFINE_CONV_ROW(conv_row_head, OM_HEAD, HEAD_CELLS)      /* conv2 */
DEFINE_CONV_ROW(conv_row_4, BACK_GROUP, BACK_CELLS)      /* input gradient of conv1, and its rest */
DEFINE_CONV_ROW(conv_row_3, 3, BACK_CELLS)
DEFINE_CONV_ROW(conv_row_2, 2, BACK_CELLS)
DEFINE_CONV_ROW(conv_row_1, 1, BACK_CELLS)
#undef DEFINE_CONV_ROW
#undef REST
#undef TILE

static void conv_row_hidden(int n, const terms *t, const om_real *x, const om_real *start,
                            om_real *y, size_t y_channel)
{
    terms some = *t;
    for (int o = 0; o < OM_HIDDEN; o += CONV_OUTPUTS) {
        some.weight = t->weight + o;
        conv_row_some(n, &some, x, start != NULL ? start + o : NULL, y + (size_t)o * y_channel,
                      y_channel);
    }
}

/* g[term][channel] += sum over n cells of channel's y times the cell at the term's offset from x. */
INLINE void weight_tile(const int channels, const int n_terms, int n, const int *offset,
                        const om_real *x, const om_real *y, size_t y_channel, om_real *g)
{
    vec sum[WEIGHT_CHANNELS][WEIGHT_TERMS];
    const om_real *at[WEIGHT_TERMS];
    UNROLL for (int j = 0; j < n_terms; j++)
    {
        at[j] = x + offset[j];
        UNROLL for (int o = 0; o < channels; o++) sum[o][j] =
            load(g + (j * OM_HIDDEN + o) * OM_LANES);
    }
    for (int i = 0; i < n; i++) {
        vec in[WEIGHT_TERMS];
        UNROLL for (int j = 0; j < n_terms; j++) in[j] = load(at[j] + i * OM_LANES);
        UNROLL for (int o = 0; o < channels; o++)
        {
            vec d = load(y + (size_t)o * y_channel + (size_t)i * OM_LANES);
            UNROLL for (int j = 0; j < n_terms; j++) sum[o][j] = fma_(d, in[j], sum[o][j]);
        }
    }
    UNROLL for (int j = 0; j < n_terms; j++)
    {
        UNROLL for (int o = 0; o < channels; o++)
            store(g + (j * OM_HIDDEN + o) * OM_LANES, sum[o][j]);
    }
}

/* weight_tile over n_terms terms and the eight hidden channels. */
static void weight_row(int n_terms, int n, const int *offset, const om_real *x, const om_real *y,
                       size_t y_channel, om_real *g)
{
    for (int part = 0; part < PER_STRIP; part++, x += W, y += W, g += W)
        for (int o = 0; o < OM_HIDDEN; o += WEIGHT_CHANNELS) {
            const om_real *channel = y + (size_t)o * y_channel;
            int j = 0;
#define TILE(count)                                                                                \
    weight_tile(WEIGHT_CHANNELS, count, n, offset + j, x, channel, y_channel,                      \
                g + (j * OM_HIDDEN + o) * OM_LANES)
            for (; n_terms - j >= WEIGHT_TERMS; j += WEIGHT_TERMS) TILE(WEIGHT_TERMS);
            switch (n_terms - j) {
            case 4:
                if (WEIGHT_TERMS > 4) TILE(WEIGHT_TERMS > 4 ? 4 : 1);
                break;
            case 3:
                if (WEIGHT_TERMS > 3) TILE(WEIGHT_TERMS > 3 ? 3 : 1);
                break;
            case 2:
                if (WEIGHT_TERMS > 2) TILE(WEIGHT_TERMS > 2 ? 2 : 1);
                break;
            case 1: TILE(1); break;
            default: break;
            }
#undef TILE
        }
}

/* Mean and sum of squares of one channel over all cells, about the convolution's bias: cells that see
 * nothing but zeros are exactly the bias and add nothing to the first sum. */
static void moments(const om_decoder_tables *t, const om_real *y, om_real bias, om_real *mean_out,
                    om_real *square_out)
{
    const int cells = t->side * t->side;
    for (int part = 0; part < PER_STRIP; part++, y += W, mean_out += W, square_out += W) {
        vec sum = {0}, square = {0}, b = all(bias);
        int computed = 0;
        for (int r = 0; r < t->side; r++) {
            vec row = {0};
            for (int c = t->first_cell[r]; c < t->end_cell[r]; c++)
                row += load(y + om_cell_at(t, r, c)) - b;
            sum += row;
            computed += t->end_cell[r] - t->first_cell[r];
        }
        vec mean = sum / (om_real)cells;
        for (int r = 0; r < t->side; r++) {
            vec row = {0};
            for (int c = t->first_cell[r]; c < t->end_cell[r]; c++) {
                vec d = load(y + om_cell_at(t, r, c)) - b - mean;
                row = fma_(d, d, row);
            }
            square += row;
        }
        square = fma_(mean * mean, all((om_real)(cells - computed)), square);
        store(mean_out, mean);
        store(square_out, square);
    }
}

void OM_THIS_ISA(om_conv1)(const om_decoder_tables *tables, const om_block *block)
{
    const om_decoder_tables *t = tables;
    const terms list = {t->n_outputs * OM_KERNEL_TAPS, t->conv1_offset, t->conv1, OM_HIDDEN};
    for (int r = 0; r < t->side; r++) {
        int c = t->first_cell[r];
        conv_row_hidden(t->end_cell[r] - c, &list, block->input + om_padded_cell_at(t, r, c),
                        t->conv1_bias, block->conv1 + om_cell_at(t, r, c), om_channel_reals(t));
    }
}

void OM_THIS_ISA(om_moments)(const om_decoder_tables *t, const om_block *block, om_block_sums *sums)
{
    for (int o = 0; o < OM_HIDDEN; o++)
        moments(t, block->conv1 + (size_t)o * om_channel_reals(t), t->conv1_bias[o], sums->mean[o],
                sums->square[o]);
}

/* hidden = dropout(softplus(batch norm(conv1))) on the whole array. */
static void activate(const om_decoder_tables *t, const om_norm *norm, const om_block *block, int o)
{
    const om_real *y = block->conv1 + (size_t)o * om_channel_reals(t);
    om_real *h = block->hidden + (size_t)o * om_padded_channel_reals(t);
    const uint16_t *keep = block->keep;
    if (keep != NULL) keep += (size_t)o * (size_t)t->side * (size_t)t->side;
    vec scale = all(norm->scale[o]), shift = all(norm->shift[o]),
        keep_scale = all(norm->keep_scale);
    vec outside = softplus(fma_(all(t->conv1_bias[o]), scale, shift)) * keep_scale;
    for (int r = 0; r < t->side; r++)
        for (int c = 0; c < t->side; c++) {
            unsigned bits = keep != NULL ? keep[r * t->side + c] : 0xffff;
            bool computed = c >= t->first_cell[r] && c < t->end_cell[r];
            for (int part = 0; part < PER_STRIP; part++) {
                vec a = outside;
                if (computed)
                    a = softplus(fma_(load(y + om_cell_at(t, r, c) + part * W), scale, shift)) *
                        keep_scale;
                store(h + om_padded_cell_at(t, r, c) + part * W, where_bits(bits, part, a));
            }
        }
}

/* What the head's three channels say at one cell: flow = (x, y) / (softplus(d) + 1). */
typedef struct flow {
    vec x, y, factor, divisor; /* flow; 1 / (softplus(divisor) + 1); channel 2 */
} flow;

INLINE flow flow_at(const om_real *head, size_t channel)
{
    flow f;
    f.divisor = load(head + 2 * channel);
    f.factor = 1 / (softplus(f.divisor) + 1);
    f.x = load(head) * f.factor;
    f.y = load(head + channel) * f.factor;
    return f;
}

static void errors(const om_decoder_tables *t, const om_block *block, om_block_sums *sums)
{
    const size_t channel = om_channel_reals(t);
    for (int part = 0; part < PER_STRIP; part++) {
        vec square = {0}, length = {0};
        for (int r = 0; r < t->side; r++)
            for (int c = t->row_first[r]; c < t->row_end[r]; c++) {
                size_t at = om_cell_at(t, r, c) + (size_t)(part * W);
                flow f = flow_at(block->head + at, channel);
                vec x = f.x - load(block->target + at);
                vec y = f.y - load(block->target + channel + at);
                vec e = fma_(x, x, y * y);
                square += e;
                length += sqrt_(e);
            }
        store(sums->error_square + part * W, square);
        store(sums->error_length + part * W, length);
    }
}

void OM_THIS_ISA(om_head)(const om_decoder_tables *tables, const om_norm *norm,
                          const om_block *block, om_block_sums *sums)
{
    const om_decoder_tables *t = tables;
    for (int o = 0; o < OM_HIDDEN; o++) activate(t, norm, block, o);
    const terms list = {OM_HIDDEN * OM_KERNEL_TAPS, t->conv2_offset, t->conv2, OM_HEAD};
    for (int r = 0; r < t->side; r++) {
        int c = t->row_first[r];
        conv_row_head(t->row_end[r] - c, &list, block->hidden + om_padded_cell_at(t, r, c),
                      t->conv2_bias, block->head + om_cell_at(t, r, c), om_channel_reals(t));
    }
    errors(t, block, sums);
}

/* d_head = dLoss/d(conv2's output), and its sums. */
static void loss_adjoint(const om_decoder_tables *t, const om_loss_weight *weight,
                         const om_block *block, om_block_sums *sums)
{
    const size_t channel = om_channel_reals(t), padded = om_padded_channel_reals(t);
    vec per_length = all(weight->per_length);
    for (int part = 0; part < PER_STRIP; part++) {
        vec sum[OM_HEAD] = {{0}, {0}, {0}};
        vec per_sample = load(weight->per_sample + part * W), lane = load(block->lane + part * W);
        for (int r = 0; r < t->side; r++)
            for (int c = t->row_first[r]; c < t->row_end[r]; c++) {
                size_t at = om_cell_at(t, r, c) + (size_t)(part * W);
                flow f = flow_at(block->head + at, channel);
                vec x = f.x - load(block->target + at);
                vec y = f.y - load(block->target + channel + at);
                vec length = sqrt_(fma_(x, x, y * y));
                vec w = (per_sample + where_positive(length, per_length / length)) * lane;
                vec sigmoid = 1 / (1 + exp_(-max_(all(-88), f.divisor)));
                vec d[OM_HEAD];
                d[0] = x * w * f.factor;
                d[1] = y * w * f.factor;
                d[2] = -fma_(d[0], f.x, d[1] * f.y) * sigmoid;
                om_real *out = block->d_head + om_padded_cell_at(t, r, c) + part * W;
                for (int q = 0; q < OM_HEAD; q++) {
                    store(out + (size_t)q * padded, d[q]);
                    sum[q] += d[q];
                }
            }
        for (int q = 0; q < OM_HEAD; q++) store(sums->d_head_bias[q] + part * W, sum[q]);
    }
}

/* Through dropout and softplus: d_z = d_h * keep * (1 - exp(-h / keep)), as h = keep * softplus(z); zero
 * where h was dropped. By expm1, as h may be small. d_z takes the place of h. */
static void softplus_adjoint(const om_decoder_tables *t, const om_norm *norm, const om_block *block,
                             int o, om_block_sums *sums)
{
    const om_real *y = block->conv1 + (size_t)o * om_channel_reals(t);
    const om_real *d_hidden = block->d_hidden + (size_t)o * om_channel_reals(t);
    om_real *h = block->hidden + (size_t)o * om_padded_channel_reals(t);
    vec mean = all(norm->mean[o]), inverse = all(norm->inverse[o]), keep = all(norm->keep_scale);
    vec outside = all(t->conv1_bias[o]), back = all(-1 / norm->keep_scale);
    for (int part = 0; part < PER_STRIP; part++) {
        vec sum = {0}, sum_y_hat = {0};
        for (int r = 0; r < t->side; r++) {
            vec row = {0}, row_y_hat = {0};
            for (int c = 0; c < t->side; c++) {
                size_t at = om_cell_at(t, r, c) + (size_t)(part * W);
                om_real *place = h + om_padded_cell_at(t, r, c) + part * W;
                vec slope = -keep * expm1_(load(place) * back);
                vec d_z = load(d_hidden + at) * slope;
                bool computed = c >= t->first_cell[r] && c < t->end_cell[r];
                vec value = computed ? load(y + at) : outside;
                store(place, d_z);
                row += d_z;
                row_y_hat = fma_(d_z, (value - mean) * inverse, row_y_hat);
            }
            sum += row;
            sum_y_hat += row_y_hat;
        }
        store(sums->d_z[o] + part * W, sum);
        store(sums->d_z_y_hat[o] + part * W, sum_y_hat);
    }
}

void OM_THIS_ISA(om_head_adjoint)(const om_decoder_tables *tables, const om_norm *norm,
                                  const om_loss_weight *weight, const om_block *block,
                                  om_block_sums *sums)
{
    const om_decoder_tables *t = tables;
    const size_t channel = om_channel_reals(t), padded = om_padded_channel_reals(t);
    loss_adjoint(t, weight, block, sums);
    memset(block->d_conv2_weight, 0,
           sizeof(om_real) * OM_HEAD * OM_KERNEL_TAPS * OM_HIDDEN * OM_LANES);
    const terms list = {OM_HEAD * OM_KERNEL_TAPS, t->conv2_back_offset, t->conv2_back, OM_HIDDEN};
    for (int r = 0; r < t->side; r++) {
        const om_real *d_head = block->d_head + om_padded_cell_at(t, r, 0);
        weight_row(OM_HEAD * OM_KERNEL_TAPS, t->side, t->conv2_back_offset, d_head,
                   block->hidden + om_padded_cell_at(t, r, 0), padded, block->d_conv2_weight);
        conv_row_hidden(t->side, &list, d_head, NULL, block->d_hidden + om_cell_at(t, r, 0),
                        channel);
    }
    for (int o = 0; o < OM_HIDDEN; o++) softplus_adjoint(t, norm, block, o, sums);
}

/* d_conv1 = dLoss/d(conv1's output) where it was computed; the rest stays zero. */
static void norm_adjoint(const om_decoder_tables *t, const om_norm *norm, const om_block *block)
{
    for (int o = 0; o < OM_HIDDEN; o++) {
        const om_real *y = block->conv1 + (size_t)o * om_channel_reals(t);
        const om_real *d_z = block->hidden + (size_t)o * om_padded_channel_reals(t);
        om_real *d_y = block->d_conv1 + (size_t)o * om_padded_channel_reals(t);
        vec by_z = all(norm->d_z[o]), by_y = all(norm->d_y[o]), constant = all(norm->d_constant[o]);
        for (int r = 0; r < t->side; r++)
            for (int c = t->first_cell[r]; c < t->end_cell[r]; c++)
                for (int part = 0; part < PER_STRIP; part++) {
                    size_t place = om_padded_cell_at(t, r, c) + (size_t)(part * W);
                    vec d = fma_(by_y, load(y + om_cell_at(t, r, c) + part * W), constant);
                    d = fma_(by_z, load(d_z + place), d) * load(block->lane + part * W);
                    store(d_y + place, d);
                }
    }
}

static void input_gradient_row(const om_decoder_tables *t, const om_block *block, int r)
{
    const int c = t->row_first[r], n = t->row_end[r] - c;
    const size_t channel = om_channel_reals(t);
    terms list = {OM_HIDDEN * OM_KERNEL_TAPS, t->conv1_back_offset, t->conv1_back, BACK_GROUP};
    const om_real *x = block->d_conv1 + om_padded_cell_at(t, r, c);
    om_real *out = block->d_input + om_cell_at(t, r, c);
    for (int k = 0; k < t->n_outputs; k += BACK_GROUP) {
        switch (t->n_outputs - k) {
        case 1: conv_row_1(n, &list, x, NULL, out, channel); break;
        case 2: conv_row_2(n, &list, x, NULL, out, channel); break;
        case 3: conv_row_3(n, &list, x, NULL, out, channel); break;
        default: conv_row_4(n, &list, x, NULL, out, channel); break;
        }
        list.weight += list.n * BACK_GROUP;
        out += BACK_GROUP * channel;
    }
}

void OM_THIS_ISA(om_conv1_adjoint)(const om_decoder_tables *tables, const om_norm *norm,
                                   const om_block *block)
{
    const om_decoder_tables *t = tables;
    norm_adjoint(t, norm, block);
    /* One input channel at a time: its accumulators and five rows of input stay in the first cache. */
    const size_t per_channel = (size_t)OM_KERNEL_TAPS * OM_HIDDEN * OM_LANES;
    memset(block->d_conv1_weight, 0, sizeof(om_real) * per_channel * (size_t)t->n_outputs);
    for (int k = 0; k < t->n_outputs; k++)
        for (int r = 0; r < t->side; r++) {
            int c = t->first_cell[r];
            weight_row(OM_KERNEL_TAPS, t->end_cell[r] - c, t->conv1_offset + k * OM_KERNEL_TAPS,
                       block->input + om_padded_cell_at(t, r, c),
                       block->d_conv1 + om_padded_cell_at(t, r, c), om_padded_channel_reals(t),
                       block->d_conv1_weight + (size_t)k * per_channel);
        }
    for (int r = 0; r < t->side; r++) input_gradient_row(t, block, r);
}
