/* What the checks of the program `golden` share about circuits and parameters: matching by name, and
 * the order of the reference files' cells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

om_circuit *check_circuit(check *c, int extent)
{
    char path[4096];
    om_circuit *circuit = NULL;
    snprintf(path, sizeof path, "%s/circuit.circuit", c->folder);
    if (access(path, R_OK) != 0)
        snprintf(path, sizeof path, "%s/connectome/fib25-fib19_v2.2.json", c->shared);
    if (access(path, R_OK) != 0) {
        check_skip(c, "there is no circuit: neither %s/circuit.circuit nor %s", c->folder, path);
        return NULL;
    }
    check_ok(c, om_circuit_open(path, extent, &circuit));
    return circuit;
}

bool check_types(check *c, const om_circuit *circuit, const char *path)
{
    int n;
    char **names = check_names(c, &n, "%s", path);
    if (names == NULL) return false;
    bool same = n == circuit->n_types;
    for (int i = 0; same && i < n; i++) same = strcmp(names[i], circuit->types[i].name) == 0;
    if (!same) check_wrong(c, "%s: not the %d types of the circuit", path, circuit->n_types);
    check_free_names(names, n);
    return same;
}

void check_cells(const om_circuit *circuit, const om_network *network, int sample, int frame,
                 double *voltage)
{
    om_real map[circuit->n_columns];
    for (int t = 0; t < circuit->n_types; t++) {
        om_network_activity(network, sample, frame, t, map);
        for (int i = 0; i < circuit->n_columns; i++) {
            int u, v;
            om_lattice_coordinates(circuit->extent, i, &u, &v);
            if (om_circuit_has_cell(circuit, t, u, v)) *voltage++ = (double)map[i];
        }
    }
}

int check_pair(const om_circuit *circuit, const char *source, const char *target)
{
    int from = om_circuit_type(circuit, source), to = om_circuit_type(circuit, target);
    for (int i = 0; i < circuit->n_pairs; i++)
        if (circuit->pairs[i].source == from && circuit->pairs[i].target == to) return i;
    return -1;
}

/* Puts values [n] by named pairs into their places. All live pairs of the circuit must come. */
static bool place_pairs(check *c, const om_circuit *circuit, int n, char *const *sources,
                        char *const *targets, const double *values, double *strength)
{
    for (int i = 0; i < circuit->n_pairs; i++) strength[i] = 0;
    if (n != circuit->n_live_pairs) {
        check_wrong(c, "%d pairs, but the circuit has %d with synapses", n, circuit->n_live_pairs);
        return false;
    }
    for (int i = 0; i < n; i++) {
        int pair = check_pair(circuit, sources[i], targets[i]);
        if (pair < 0) {
            check_wrong(c, "the circuit has no pair %s -> %s", sources[i], targets[i]);
            return false;
        }
        strength[pair] = values[i];
    }
    return true;
}

bool check_pairs(check *c, const om_circuit *circuit, const char *names, const char *path,
                 double *strength)
{
    int n_sources, n_targets;
    char **sources = check_names(c, &n_sources, "%spair_source", names);
    char **targets = check_names(c, &n_targets, "%spair_target", names);
    double *values = check_read(c, n_sources, NULL, "%s", path);
    bool good = sources != NULL && targets != NULL && values != NULL && n_sources == n_targets;
    good = good && place_pairs(c, circuit, n_sources, sources, targets, values, strength);
    check_free_names(sources, n_sources);
    check_free_names(targets, n_targets);
    free(values);
    return good;
}

/* Reads n numbers of a dataset PREFIXNAME into `out`. */
static bool read_into(check *c, const char *prefix, const char *name, size_t n, double *out)
{
    double *values = check_read(c, (int)n, NULL, "%s%s", prefix, name);
    if (values != NULL) memcpy(out, values, n * sizeof *out);
    free(values);
    return values != NULL;
}

bool check_network_params(check *c, const om_circuit *circuit, const char *names,
                          const char *prefix, double *params)
{
    om_layout l = om_layout_of(circuit);
    char types[256], alpha[256];
    snprintf(types, sizeof types, "%scell_types", names);
    snprintf(alpha, sizeof alpha, "%salpha", prefix);
    return check_types(c, circuit, types) &&
           read_into(c, prefix, "bias", (size_t)l.n_types, params + l.resting_potential) &&
           read_into(c, prefix, "tau", (size_t)l.n_types, params + l.time_constant) &&
           check_pairs(c, circuit, names, alpha, params + l.strength);
}

/* Kernels [n / 25][5][5]: what lies outside the hexagon becomes 0, whatever the library thinks. */
static void mask(size_t n, double *kernels)
{
    for (size_t i = 0; i < n; i++) {
        int row = (int)(i % 25) / 5 - 2, column = (int)(i % 5) - 2;
        if (abs(row + column) > 2) kernels[i] = 0;
    }
}

bool check_decoder_params(check *c, const om_circuit *circuit, const char *prefix, double *params)
{
    om_layout l = om_layout_of(circuit);
    const size_t conv1 = l.conv1_bias - l.conv1_weight, conv2 = l.conv2_bias - l.conv2_weight;
    bool good = read_into(c, prefix, "base.0.weight", conv1, params + l.conv1_weight) &&
                read_into(c, prefix, "base.0.bias", OM_HIDDEN, params + l.conv1_bias) &&
                read_into(c, prefix, "base.1.weight", OM_HIDDEN, params + l.norm_weight) &&
                read_into(c, prefix, "base.1.bias", OM_HIDDEN, params + l.norm_bias) &&
                read_into(c, prefix, "decoder.0.weight", conv2, params + l.conv2_weight) &&
                read_into(c, prefix, "decoder.0.bias", OM_HEAD, params + l.conv2_bias);
    mask(conv1, params + l.conv1_weight);
    mask(conv2, params + l.conv2_weight);
    return good;
}

void check_layers(check *c)
{
    char ours[32];
    snprintf(ours, sizeof ours, "[%d, %d]", OM_HIDDEN, OM_HEAD - 1);
    check_only_text(c, "/", "channels_per_layer", ours);
    check_only(c, "/", "kernel_size", OM_KERNEL);
}

void check_mask(check *c)
{
    double inside[OM_KERNEL_CELLS];
    for (int i = 0; i < OM_KERNEL_CELLS; i++)
        inside[i] = om_kernel_inside(i / OM_KERNEL, i % OM_KERNEL);
    check_exact_dataset(c, OM_KERNEL_CELLS, inside, "mask");
}
