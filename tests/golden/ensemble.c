/* The published trained models; see ensemble.h. */
#include "ensemble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/kernels/kernels.h"

bool ensemble_open(check *c, ensemble *e)
{
    char path[4096];
    *e = (ensemble){.file = H5I_INVALID_HID};
    snprintf(path, sizeof path, "%s/paper-ensemble/ensemble.h5", c->shared);
    if (access(path, R_OK) != 0) {
        check_skip(c, "the trained models %s are absent", path);
        return false;
    }
    e->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (e->file < 0) {
        check_wrong(c, "%s: not an HDF5 file that can be read", path);
        return false;
    }
    hid_t own = c->file;
    c->file = e->file;
    free(check_read(c, -1, &e->n_models, "model"));
    e->circuit = check_circuit(c, check_extent(c, "/"));
    bool good = e->circuit != NULL && check_types(c, e->circuit, "cell_types");
    c->file = own;
    if (!good) return false;
    e->layout = om_layout_of(e->circuit);
    double *zeros = check_zeros((int)e->layout.n_params);
    e->params = check_reals((int)e->layout.n_params, zeros);
    free(zeros);
    return true;
}

void ensemble_close(ensemble *e)
{
    if (e->file >= 0) H5Fclose(e->file);
    om_circuit_free(e->circuit);
    free(e->params);
}

/* Row of a dataset [n_models][n], as numbers of the library; free() it. */
static om_real *read_row(check *c, const ensemble *e, int model, int n, const char *path)
{
    double *all = check_read(c, e->n_models * n, NULL, "%s", path);
    om_real *row = all != NULL ? check_reals(n, all + (size_t)model * (size_t)n) : NULL;
    free(all);
    return row;
}

static bool load_strength(check *c, ensemble *e, int model)
{
    int n, n_targets;
    char **sources = check_names(c, &n, "pair_source");
    char **targets = check_names(c, &n_targets, "pair_target");
    om_real *row = read_row(c, e, model, n, "strength"), *to = e->params + e->layout.strength;
    bool good = row != NULL && n == n_targets && n == e->circuit->n_live_pairs;
    for (int i = 0; good && i < n; i++) {
        int pair = check_pair(e->circuit, sources[i], targets[i]);
        if (pair < 0) check_wrong(c, "no pair %s -> %s", sources[i], targets[i]);
        good = pair >= 0;
        if (good) to[pair] = row[i];
    }
    check_free_names(sources, n);
    check_free_names(targets, n_targets);
    free(row);
    return good;
}

bool ensemble_load(check *c, ensemble *e, int model)
{
    const om_layout *l = &e->layout;
    const struct {
        const char *path;
        om_real *to;
        size_t n;
    } parts[] = {
        {"resting_potential", e->params + l->resting_potential, (size_t)l->n_types},
        {"time_constant", e->params + l->time_constant, (size_t)l->n_types},
        {"decoder/base.0.weight", e->params + l->conv1_weight, l->conv1_bias - l->conv1_weight},
        {"decoder/base.0.bias", e->params + l->conv1_bias, OM_HIDDEN},
        {"decoder/base.1.weight", e->params + l->norm_weight, OM_HIDDEN},
        {"decoder/base.1.bias", e->params + l->norm_bias, OM_HIDDEN},
        {"decoder/decoder.0.weight", e->params + l->conv2_weight, l->conv2_bias - l->conv2_weight},
        {"decoder/decoder.0.bias", e->params + l->conv2_bias, OM_HEAD},
        {"decoder/base.1.running_mean", e->running.mean, OM_HIDDEN},
        {"decoder/base.1.running_var", e->running.var, OM_HIDDEN},
    };
    if (model >= e->n_models) {
        check_wrong(c, "model %d of only %d", model, e->n_models);
        return false;
    }
    hid_t own = c->file;
    c->file = e->file;
    bool good = load_strength(c, e, model);
    for (size_t i = 0; good && i < sizeof parts / sizeof parts[0]; i++) {
        om_real *row = read_row(c, e, model, (int)parts[i].n, parts[i].path);
        if (row != NULL) memcpy(parts[i].to, row, parts[i].n * sizeof *row);
        good = row != NULL;
        free(row);
    }
    c->file = own;
    return good;
}

om_network *ensemble_network(check *c, const ensemble *e, int batch, int frames, double dt_s,
                             int steps)
{
    const om_kernels *kernels;
    om_network *network = NULL;
    if (!check_ok(c, om_kernels_select(NULL, &kernels))) return NULL;
    om_network_options options = {
        .batch = batch, .frames = frames, .dt_s = dt_s, .threads = 1, .kernels = kernels};
    if (!check_ok(c, om_network_create(e->circuit, &options, &network))) return NULL;
    om_network_set_params(network, e->params);
    om_network_settle(network, steps, (om_real)0.5);
    return network;
}

void ensemble_show(const ensemble *e, om_network *network, int sample, int frames,
                   const double *luminance)
{
    om_real *film = check_reals(frames * e->circuit->n_columns, luminance);
    om_network_set_luminance(network, sample, film);
    free(film);
}

void ensemble_centre(const ensemble *e, const om_network *network, int sample, int frame,
                     double *voltage)
{
    const om_circuit *circuit = e->circuit;
    const int centre = om_lattice_index(circuit->extent, 0, 0);
    om_real map[circuit->n_columns];
    for (int t = 0; t < circuit->n_types; t++) {
        om_network_activity(network, sample, frame, t, map);
        voltage[t] = (double)map[centre];
    }
}

om_decoder *ensemble_decoder(check *c, const ensemble *e, const om_network *network, int batch,
                             int frames)
{
    const om_kernels *kernels;
    om_decoder *decoder = NULL;
    if (network == NULL || !check_ok(c, om_kernels_select(NULL, &kernels))) return NULL;
    om_decoder_options options = {.batch = batch,
                                  .frames = frames,
                                  .threads = 1,
                                  .kernels = kernels,
                                  .convolution = c->convolution};
    if (!check_ok(c,
                  om_decoder_create(e->circuit, om_network_geometry(network), &options, &decoder)))
        return NULL;
    om_decoder_set_params(decoder, e->params + e->layout.decoder);
    return decoder;
}

void ensemble_flow(const ensemble *e, const om_decoder *decoder, int batch, int frames,
                   double *flow)
{
    const int n = 2 * e->circuit->n_columns;
    om_real image[n];
    for (int i = 0; i < batch * frames; i++) {
        om_decoder_flow(decoder, i / frames, i % frames, image);
        for (int k = 0; k < n; k++) flow[i * n + k] = (double)image[k];
    }
}
