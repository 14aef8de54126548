/* A circuit spelled out: the lattice's columns, every cell, every edge between two cells, and where
 * each parameter lies in the vector (om_params.h). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "naive.h"

void *naive_zeroed(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size);
    assert_non_null(memory);
    return memory;
}

double *naive_zeros(int n) { return naive_zeroed((size_t)n, sizeof(double)); }

/* The hexagon |u|, |v|, |u + v| <= extent, u-major, picked out of the square around it. */
static void list_columns(naive_model *m)
{
    int extent = m->circuit->extent;
    size_t square = (size_t)(m->side * m->side);
    m->column_u = naive_zeroed(square, sizeof *m->column_u);
    m->column_v = naive_zeroed(square, sizeof *m->column_v);
    m->column_at = naive_zeroed(square, sizeof *m->column_at);
    for (int u = -extent; u <= extent; u++)
        for (int v = -extent; v <= extent; v++) {
            bool exists = abs(u + v) <= extent;
            m->column_at[(u + extent) * m->side + v + extent] = exists ? m->n_columns : -1;
            if (!exists) continue;
            m->column_u[m->n_columns] = u;
            m->column_v[m->n_columns] = v;
            m->n_columns++;
        }
}

static void list_cells(naive_model *m)
{
    const om_circuit *c = m->circuit;
    size_t places = (size_t)(c->n_types * m->n_columns);
    m->cells = naive_zeroed(places, sizeof *m->cells);
    m->cell_at = naive_zeroed(places, sizeof *m->cell_at);
    for (int type = 0; type < c->n_types; type++)
        for (int column = 0; column < m->n_columns; column++) {
            int u = m->column_u[column], v = m->column_v[column];
            bool exists = u % c->types[type].stride_u == 0 && v % c->types[type].stride_v == 0;
            m->cell_at[type * m->n_columns + column] = exists ? m->n_cells : -1;
            if (exists) m->cells[m->n_cells++] = (naive_cell){type, column, u, v};
        }
}

int naive_find_cell(const naive_model *m, int type, int u, int v)
{
    int extent = m->circuit->extent;
    if (abs(u) > extent || abs(v) > extent) return -1;
    int column = m->column_at[(u + extent) * m->side + v + extent];
    return column < 0 ? -1 : m->cell_at[type * m->n_columns + column];
}

/* Appends the edges of one tap, or, with m->edges NULL, counts them. */
static void list_edges_of_tap(naive_model *m, int pair, const om_tap *tap)
{
    const om_pair *p = &m->circuit->pairs[pair];
    for (int column = 0; column < m->n_columns; column++) {
        int u = m->column_u[column], v = m->column_v[column];
        int source = naive_find_cell(m, p->source, u, v);
        int target = naive_find_cell(m, p->target, u + tap->du, v + tap->dv);
        if (source < 0 || target < 0) continue;
        if (m->edges)
            m->edges[m->n_edges] = (naive_edge){source, target, pair, p->sign * tap->count};
        m->n_edges++;
    }
}

static void list_edges(naive_model *m)
{
    const om_circuit *c = m->circuit;
    for (int fill = 0; fill < 2; fill++) {
        if (fill) m->edges = naive_zeroed((size_t)m->n_edges, sizeof *m->edges);
        m->n_edges = 0;
        for (int pair = 0; pair < c->n_pairs; pair++)
            for (int tap = 0; tap < c->pairs[pair].n_taps; tap++)
                list_edges_of_tap(m, pair, &c->taps[c->pairs[pair].first_tap + tap]);
    }
}

static om_layout lay_out(const om_circuit *c)
{
    om_layout l = {.n_types = c->n_types, .n_pairs = c->n_pairs, .n_outputs = c->n_outputs};
    size_t types = (size_t)c->n_types, pairs = (size_t)c->n_pairs, outputs = (size_t)c->n_outputs;
    l.resting_potential = 0;
    l.time_constant = types;
    l.strength = 2 * types;
    l.n_network = 2 * types + pairs;
    l.decoder = l.conv1_weight = l.n_network;
    l.conv1_bias = l.conv1_weight + 8 * outputs * 25;
    l.norm_weight = l.conv1_bias + 8;
    l.norm_bias = l.norm_weight + 8;
    l.conv2_weight = l.norm_bias + 8;
    l.conv2_bias = l.conv2_weight + 3 * 8 * 25;
    l.n_params = l.conv2_bias + 3;
    l.n_decoder = l.n_params - l.n_network;
    return l;
}

naive_part naive_part_of(const naive_model *m, int part)
{
    const om_layout *l = &m->layout;
    const size_t first[NAIVE_PARTS + 1] = {
        l->resting_potential, l->time_constant, l->strength,     l->conv1_weight, l->conv1_bias,
        l->norm_weight,       l->norm_bias,     l->conv2_weight, l->conv2_bias,   l->n_params};
    const char *const names[NAIVE_PARTS] = {"resting potential", "time constant", "strength",
                                            "conv1 weight",      "conv1 bias",    "norm weight",
                                            "norm bias",         "conv2 weight",  "conv2 bias"};
    return (naive_part){names[part], first[part], (int)(first[part + 1] - first[part])};
}

bool naive_masked(const naive_model *m, size_t parameter)
{
    const om_layout *l = &m->layout;
    size_t entry;
    if (parameter >= l->conv1_weight && parameter < l->conv1_bias)
        entry = (parameter - l->conv1_weight) % 25;
    else if (parameter >= l->conv2_weight && parameter < l->conv2_bias)
        entry = (parameter - l->conv2_weight) % 25;
    else
        return false;
    int row = (int)(entry / 5) - 2, column = (int)(entry % 5) - 2;
    return abs(row + column) > 2;
}

naive_model *naive_create(const om_circuit *circuit)
{
    naive_model *m = naive_zeroed(1, sizeof *m);
    m->circuit = circuit;
    m->layout = lay_out(circuit);
    m->side = 2 * circuit->extent + 1;
    list_columns(m);
    list_cells(m);
    list_edges(m);
    m->input = naive_zeroed((size_t)circuit->n_types, sizeof *m->input);
    for (int i = 0; i < circuit->n_inputs; i++) m->input[circuit->inputs[i]] = true;
    return m;
}

void naive_free(naive_model *m)
{
    if (!m) return;
    free(m->column_u);
    free(m->column_v);
    free(m->column_at);
    free(m->cells);
    free(m->edges);
    free(m->cell_at);
    free(m->input);
    free(m);
}
