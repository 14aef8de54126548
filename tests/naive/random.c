/* Random circuits and parameters to try kernels on: small, but with everything that a real circuit
 * can have (strides, fractional counts, taps that leave the lattice, a pair without synapses). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "naive.h"

/* SplitMix64 (Steele, Lea and Flood 2014). */
double naive_uniform(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

double naive_normal(uint64_t *seed)
{
    double radius = sqrt(-2 * log(1 - naive_uniform(seed)));
    return radius * cos(6.283185307179586 * naive_uniform(seed));
}

void naive_fill(uint64_t *seed, int n, double mean, double std, double *out)
{
    for (int k = 0; k < n; k++) out[k] = mean + std * naive_normal(seed);
}

static int below(uint64_t *seed, int n) { return (int)(naive_uniform(seed) * n); }

static void fill_types(om_circuit *c, bool strides)
{
    for (int i = 0; i < c->n_types; i++) {
        om_type *type = &c->types[i];
        snprintf(type->name, sizeof type->name, "T%d", i);
        type->stride_u = type->stride_v = 1;
        type->input = i < c->n_inputs;
        type->output = i >= c->n_types - c->n_outputs;
        if (type->input) c->inputs[i] = i;
    }
    /* Channels in another order than types. */
    for (int i = 0; i < c->n_outputs; i++) c->outputs[i] = c->n_types - 1 - i;
    if (!strides) return;
    c->types[c->n_types / 2].stride_u = 3, c->types[c->n_types / 2].stride_v = 2;
    c->types[c->n_types - 1].stride_u = 2;
}

static bool pair_taken(const om_circuit *c, int source, int target)
{
    for (int i = 0; i < c->n_pairs; i++)
        if (c->pairs[i].sign && c->pairs[i].source == source && c->pairs[i].target == target)
            return true;
    return false;
}

/* Different pairs. The last one is from the middle type, the one with strides, to itself. */
static void choose_pairs(om_circuit *c, uint64_t *seed)
{
    int middle = c->n_types / 2;
    c->pairs[c->n_pairs - 1] = (om_pair){.source = middle, .target = middle, .sign = 1};
    for (int i = 0; i < c->n_pairs - 1; i++) {
        int source, target;
        do {
            source = below(seed, c->n_types);
            target = below(seed, c->n_types);
        } while (pair_taken(c, source, target));
        int sign = naive_uniform(seed) < 0.5 ? -1 : 1;
        c->pairs[i] = (om_pair){.source = source, .target = target, .sign = sign};
    }
}

static bool offset_taken(const om_circuit *c, const om_pair *pair, int du, int dv)
{
    for (int i = pair->first_tap; i < pair->first_tap + pair->n_taps; i++)
        if (c->taps[i].du == du && c->taps[i].dv == dv) return true;
    return false;
}

static void add_tap(om_circuit *c, om_pair *pair, int du, int dv, double count)
{
    if (pair->n_taps == 0) pair->first_tap = c->n_taps;
    c->taps[c->n_taps++] = (om_tap){.du = du, .dv = dv, .count = count};
    pair->n_taps++;
}

static void choose_taps(om_circuit *c, om_pair *pair, uint64_t *seed)
{
    int wanted = 1 + below(seed, 6);
    while (pair->n_taps < wanted) {
        int du = below(seed, 5) - 2, dv = below(seed, 5) - 2;
        double count = 1 + below(seed, 30);
        if (naive_uniform(seed) < 0.5) count += 0.25;
        if (!offset_taken(c, pair, du, dv)) add_tap(c, pair, du, dv, count);
    }
}

void naive_circuit_count(om_circuit *c)
{
    naive_model *m = naive_create(c);
    c->n_columns = m->n_columns;
    c->n_cells = m->n_cells;
    c->n_edges = m->n_edges;
    for (int i = 0; i < c->n_taps; i++) {
        if (abs(c->taps[i].du) > c->max_offset) c->max_offset = abs(c->taps[i].du);
        if (abs(c->taps[i].dv) > c->max_offset) c->max_offset = abs(c->taps[i].dv);
    }
    for (int i = 0; i < m->n_cells; i++) c->types[m->cells[i].type].cells++;
    for (int e = 0; e < m->n_edges; e++) {
        const naive_edge *edge = &m->edges[e];
        om_pair *pair = &c->pairs[edge->pair];
        pair->edges++;
        pair->mean_count += fabs(edge->count);
        for (int i = pair->first_tap; i < pair->first_tap + pair->n_taps; i++)
            if (c->taps[i].du == m->cells[edge->target].u - m->cells[edge->source].u &&
                c->taps[i].dv == m->cells[edge->target].v - m->cells[edge->source].v)
                c->taps[i].edges++;
    }
    for (int i = 0; i < c->n_pairs; i++)
        if (c->pairs[i].edges > 0) {
            c->pairs[i].mean_count /= (double)c->pairs[i].edges;
            c->n_live_pairs++;
        }
    for (int i = 0; i < c->n_taps; i++) c->n_live_taps += c->taps[i].edges > 0;
    naive_free(m);
}

om_circuit *naive_random_circuit(uint64_t seed, int types, int pairs, int extent, bool strides)
{
    om_circuit *c = naive_zeroed(1, sizeof *c);
    snprintf(c->name, sizeof c->name, "random-%u", (unsigned)seed);
    c->checksum = seed;
    c->extent = extent;
    c->n_types = types, c->n_pairs = pairs;
    c->n_inputs = c->n_outputs = types / 3;
    c->types = naive_zeroed((size_t)types, sizeof *c->types);
    c->pairs = naive_zeroed((size_t)pairs, sizeof *c->pairs);
    c->taps = naive_zeroed((size_t)pairs * 6, sizeof *c->taps);
    c->inputs = naive_zeroed((size_t)types, sizeof *c->inputs);
    c->outputs = naive_zeroed((size_t)types, sizeof *c->outputs);
    fill_types(c, strides);
    choose_pairs(c, &seed);
    for (int i = 0; i < pairs - 1; i++) choose_taps(c, &c->pairs[i], &seed);
    /* No synapse: between columns of a stride of 3, or past the lattice from its very end. */
    add_tap(c, &c->pairs[pairs - 1], strides ? 1 : 2 * extent + 1, 0, 7);
    naive_circuit_count(c);
    return c;
}

void naive_circuit_free(om_circuit *c)
{
    if (!c) return;
    free(c->types);
    free(c->pairs);
    free(c->taps);
    free(c->inputs);
    free(c->outputs);
    free(c);
}

void naive_random_params(uint64_t seed, const naive_model *m, double *params)
{
    const om_layout *l = &m->layout;
    naive_initial_strength(m, 0.01, params + l->strength);
    for (size_t k = 0; k < l->n_params; k++) {
        double z = naive_normal(&seed), u = naive_uniform(&seed);
        if (k < l->time_constant)
            params[k] = 0.5 + 0.2 * z;
        else if (k < l->strength)
            params[k] = u < 0.25 ? 0.01 : 0.03 + 0.05 * u;
        else if (k < l->n_network)
            params[k] *= 1 + 9 * u;
        else if (k >= l->norm_weight && k < l->norm_bias)
            params[k] = 1 + 0.3 * z;
        else
            params[k] = naive_masked(m, k) ? 0 : 0.2 * z;
    }
}
