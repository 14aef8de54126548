/* Tables of the decoder. A hexagonal map of extent N lies in an array of (2N + 1)^2 cells, column (u, v)
 * at row u + N, column v + N; a kernel's 19 taps are those of its 5 x 5 entries that lie inside
 * the radius-2 hexagon. */
#include "model/decoder_tables.h"

#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

enum { BACK_GROUP = 4 };

static void list_taps(om_decoder_tables *t)
{
    int k = 0;
    for (int row = 0; row < OM_KERNEL; row++)
        for (int column = 0; column < OM_KERNEL; column++)
            if (om_kernel_inside(row, column)) {
                t->kernel_row[k] = row - OM_KERNEL / 2;
                t->kernel_column[k++] = column - OM_KERNEL / 2;
            }
}

/* The cells of each row inside the hexagon, and those that a convolution of it can change. */
static void list_rows(om_decoder_tables *t)
{
    const om_geometry *g = t->geometry;
    for (int r = 0; r < t->side; r++) {
        t->row_first[r] = g->rows[r].first_v + g->extent;
        t->row_end[r] = t->row_first[r] + g->rows[r].columns;
        t->row_compact[r] = g->rows[r].position + g->rows[r].lead;
    }
    for (int r = 0; r < t->side; r++) {
        int first = t->side, end = 0;
        for (int k = 0; k < OM_KERNEL_TAPS; k++) {
            int from = r + t->kernel_row[k];
            if (from < 0 || from >= t->side) continue;
            int a = t->row_first[from] - t->kernel_column[k];
            int b = t->row_end[from] - t->kernel_column[k];
            if (a < first) first = a;
            if (b > end) end = b;
        }
        t->first_cell[r] = first < 0 ? 0 : first;
        t->end_cell[r] = end > t->side ? t->side : end;
    }
}

/* Number from a cell to the one at tap k, in channel `channel`. */
static int offset_of(const om_decoder_tables *t, int channel, int k, int sense)
{
    int cells = t->padded_side * t->padded_side;
    return (channel * cells + sense * (t->kernel_row[k] * t->padded_side + t->kernel_column[k])) *
           OM_LANES;
}

static void list_offsets(om_decoder_tables *t)
{
    for (int k = 0; k < OM_KERNEL_TAPS; k++) {
        for (int c = 0; c < t->n_outputs; c++)
            t->conv1_offset[c * OM_KERNEL_TAPS + k] = offset_of(t, c, k, 1);
        for (int o = 0; o < OM_HIDDEN; o++) {
            t->conv1_back_offset[o * OM_KERNEL_TAPS + k] = offset_of(t, o, k, -1);
            t->conv2_offset[o * OM_KERNEL_TAPS + k] = offset_of(t, o, k, 1);
        }
        for (int q = 0; q < OM_HEAD; q++)
            t->conv2_back_offset[q * OM_KERNEL_TAPS + k] = offset_of(t, q, k, -1);
    }
}

enum { MOST_ARRAYS = 8 };

static int list_arrays(om_decoder_tables *t, om_array list[MOST_ARRAYS])
{
    const size_t side = (size_t)t->side, outputs = (size_t)t->n_outputs, i = sizeof(int);
    const size_t groups = (outputs + BACK_GROUP - 1) / BACK_GROUP;
    const size_t weights = OM_HIDDEN * OM_KERNEL_TAPS, r = sizeof(om_real);
    const om_array all[MOST_ARRAYS] = {
        {&t->first_cell, side, i},         {&t->end_cell, side, i},
        {&t->row_first, side, i},          {&t->row_end, side, i},
        {&t->row_compact, side, i},        {&t->conv1_offset, outputs * OM_KERNEL_TAPS, i},
        {&t->conv1, outputs * weights, r}, {&t->conv1_back, groups * BACK_GROUP * weights, r},
    };
    memcpy(list, all, sizeof all);
    return MOST_ARRAYS;
}

static om_decoder_tables tables_of(const om_circuit *circuit, const om_geometry *geometry)
{
    return (om_decoder_tables){.geometry = geometry,
                               .n_outputs = circuit->n_outputs,
                               .side = geometry->n_rows,
                               .padded_side = geometry->n_rows + OM_KERNEL - 1};
}

size_t om_decoder_tables_bytes(const om_circuit *circuit, const om_geometry *geometry)
{
    om_decoder_tables t = tables_of(circuit, geometry);
    om_array list[MOST_ARRAYS];
    return om_arrays_bytes(list, list_arrays(&t, list));
}

om_status om_decoder_tables_create(const om_circuit *circuit, const om_geometry *geometry,
                                   om_decoder_tables *t)
{
    om_array list[MOST_ARRAYS];
    *t = tables_of(circuit, geometry);
    om_status s = om_alloc_arrays(list, list_arrays(t, list));
    if (s != OM_OK) {
        om_decoder_tables_free(t);
        return s;
    }
    list_taps(t);
    list_rows(t);
    list_offsets(t);
    return OM_OK;
}

void om_decoder_tables_free(om_decoder_tables *t)
{
    om_array list[MOST_ARRAYS];
    om_free_arrays(list, list_arrays(t, list));
    *t = (om_decoder_tables){0};
}

/* Place of tap k in a 5 x 5 kernel. */
static size_t entry(const om_decoder_tables *t, int k)
{
    return (size_t)((t->kernel_row[k] + OM_KERNEL / 2) * OM_KERNEL + t->kernel_column[k] +
                    OM_KERNEL / 2);
}

size_t om_conv1_at(const om_decoder_tables *t, int o, int c, int k)
{
    return (size_t)(o * t->n_outputs + c) * OM_KERNEL_CELLS + entry(t, k);
}

size_t om_conv2_at(const om_decoder_tables *t, int q, int o, int k)
{
    return (size_t)(q * OM_HIDDEN + o) * OM_KERNEL_CELLS + entry(t, k);
}

void om_decoder_tables_set_params(om_decoder_tables *t, const om_layout *l, const om_real *params)
{
    const om_real *conv1 = params;
    const om_real *conv2 = params + (l->conv2_weight - l->decoder);
    for (int o = 0; o < OM_HIDDEN; o++) {
        t->conv1_bias[o] = params[l->conv1_bias - l->decoder + (size_t)o];
        t->norm_weight[o] = params[l->norm_weight - l->decoder + (size_t)o];
        t->norm_bias[o] = params[l->norm_bias - l->decoder + (size_t)o];
        for (int k = 0; k < OM_KERNEL_TAPS; k++) {
            for (int c = 0; c < t->n_outputs; c++) {
                om_real w = conv1[om_conv1_at(t, o, c, k)];
                int term = o * OM_KERNEL_TAPS + k, terms = OM_HIDDEN * OM_KERNEL_TAPS;
                t->conv1[(c * OM_KERNEL_TAPS + k) * OM_HIDDEN + o] = w;
                t->conv1_back[(c / BACK_GROUP * terms + term) * BACK_GROUP + c % BACK_GROUP] = w;
            }
            for (int q = 0; q < OM_HEAD; q++) {
                om_real w = conv2[om_conv2_at(t, q, o, k)];
                t->conv2[(o * OM_KERNEL_TAPS + k) * OM_HEAD + q] = w;
                t->conv2_back[(q * OM_KERNEL_TAPS + k) * OM_HIDDEN + o] = w;
            }
        }
    }
    for (int q = 0; q < OM_HEAD; q++)
        t->conv2_bias[q] = params[l->conv2_bias - l->decoder + (size_t)q];
}
