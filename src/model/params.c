/* The vector of free parameters: where each part lies, and what it starts from. */
#include "ommatid/om_params.h"

#include <stdlib.h>

#include "base/twister.h"
#include "ommatid/om_random.h"

bool om_kernel_inside(int row, int column) { return abs(row + column - (OM_KERNEL - 1)) <= 2; }

/* Transforms cost the same at any extent, direct sums by its square. */
om_convolution om_convolution_at(om_convolution choice, int extent)
{
    const int worth = 10, possible = 15;
    if (choice == OM_CONVOLUTION_DIRECT || extent > possible) return OM_CONVOLUTION_DIRECT;
    if (choice == OM_CONVOLUTION_AUTO && extent < worth) return OM_CONVOLUTION_DIRECT;
    return OM_CONVOLUTION_FFT;
}

om_layout om_layout_of(const om_circuit *circuit)
{
    om_layout l = {
        .n_types = circuit->n_types, .n_pairs = circuit->n_pairs, .n_outputs = circuit->n_outputs};
    size_t types = (size_t)l.n_types, outputs = (size_t)l.n_outputs;
    l.resting_potential = 0;
    l.time_constant = types;
    l.strength = 2 * types;
    l.n_network = l.strength + (size_t)l.n_pairs;
    l.decoder = l.conv1_weight = l.n_network;
    l.conv1_bias = l.conv1_weight + (size_t)OM_HIDDEN * outputs * OM_KERNEL_CELLS;
    l.norm_weight = l.conv1_bias + OM_HIDDEN;
    l.norm_bias = l.norm_weight + OM_HIDDEN;
    l.conv2_weight = l.norm_bias + OM_HIDDEN;
    l.conv2_bias = l.conv2_weight + (size_t)OM_HEAD * OM_HIDDEN * OM_KERNEL_CELLS;
    l.n_params = l.conv2_bias + OM_HEAD;
    l.n_decoder = l.n_params - l.n_network;
    return l;
}

/* Kernels [outer][5][5] from params[first]: normal inside the hexagon, zero at the masked entries. A draw
 * is numbered by its parameter. */
static void init_kernels(const om_stream *stream, const om_init_options *options, size_t first,
                         size_t outer, om_real *params)
{
    for (size_t i = first; i < first + outer * OM_KERNEL_CELLS; i++) {
        int entry = (int)((i - first) % OM_KERNEL_CELLS);
        double value = options->decoder_mean;
        if (options->decoder_std > 0)
            value += options->decoder_std * om_random_normal(stream, (uint32_t)i);
        bool inside = om_kernel_inside(entry / OM_KERNEL, entry % OM_KERNEL);
        params[i] = inside ? (om_real)value : 0;
    }
}

static void init_resting(const om_init_options *options, const om_stream *stream, int n_types,
                         om_real *resting_potential)
{
    for (int t = 0; t < n_types; t++) {
        double z = om_random_normal(stream, (uint32_t)t);
        resting_potential[t] =
            (om_real)(options->resting_potential_mean + options->resting_potential_std * z);
    }
}

/* As torch.normal(mean, std) does it: standard normal numbers, then two roundings. */
static void init_resting_as_torch(const om_init_options *options, uint64_t seed, int n_types,
                                  om_real *resting_potential)
{
    float z[n_types];
    float mean = (float)options->resting_potential_mean;
    float std = (float)options->resting_potential_std;
    om_twister_normals(seed, (size_t)n_types, z);
    for (int t = 0; t < n_types; t++) resting_potential[t] = z[t] * std + mean;
}

void om_params_init(const om_circuit *circuit, const om_init_options *options, uint64_t seed,
                    uint32_t model, om_real *params)
{
    om_layout l = om_layout_of(circuit);
    om_stream stream = {seed, options->shared ? 0 : model, OM_FOR_INIT, 0, 0};
    if (options->draws == OM_DRAWS_TORCH)
        init_resting_as_torch(options, seed, l.n_types, params + l.resting_potential);
    else
        init_resting(options, &stream, l.n_types, params + l.resting_potential);
    for (int t = 0; t < l.n_types; t++)
        params[l.time_constant + (size_t)t] = (om_real)options->time_constant_s;
    for (int p = 0; p < l.n_pairs; p++) {
        double mean = circuit->pairs[p].mean_count;
        params[l.strength + (size_t)p] = (om_real)(mean > 0 ? options->strength_scale / mean : 0);
    }
    om_real start = (om_real)options->decoder_mean;
    size_t outputs = (size_t)l.n_outputs;
    init_kernels(&stream, options, l.conv1_weight, OM_HIDDEN * outputs, params);
    init_kernels(&stream, options, l.conv2_weight, (size_t)OM_HEAD * OM_HIDDEN, params);
    for (int h = 0; h < OM_HIDDEN; h++) {
        params[l.conv1_bias + (size_t)h] = start;
        params[l.norm_weight + (size_t)h] = 1;
        params[l.norm_bias + (size_t)h] = 0;
    }
    for (int h = 0; h < OM_HEAD; h++) params[l.conv2_bias + (size_t)h] = start;
}
