/* A circuit at one extent: how many cells its types have, how many connections its taps make, and
 * the mean synapse counts that initial strengths are scaled by. Nothing is listed connection by
 * connection: the lattice is regular, so rows are counted whole. */
#include "circuit/build.h"

#include "base/checksum.h"

static int largest(int a, int b) { return a > b ? a : b; }
static int smallest(int a, int b) { return a < b ? a : b; }
static int magnitude(int a) { return a < 0 ? -a : a; }

/* Remainder that is never negative. */
static int modulo(int a, int n) { return (a % n + n) % n; }

bool om_circuit_has_cell(const om_circuit *circuit, int type, int u, int v)
{
    const om_type *t = &circuit->types[type];
    return modulo(u, t->stride_u) == 0 && modulo(v, t->stride_v) == 0;
}

/* Columns (u, v) of the lattice with a cell of `source` whose column (u + du, v + dv) is on the
 * lattice too and has a cell of `target`. */
static int64_t count_connections(int extent, const om_type *source, const om_type *target, int du,
                                 int dv)
{
    int64_t n = 0;
    for (int u = largest(-extent, -extent - du); u <= smallest(extent, extent - du); u++) {
        if (modulo(u, source->stride_u) != 0 || modulo(u + du, target->stride_u) != 0) continue;
        int first = largest(largest(-extent, -extent - u), largest(-extent, -extent - u - du) - dv);
        int last = smallest(smallest(extent, extent - u), smallest(extent, extent - u - du) - dv);
        if (source->stride_v == 1 && target->stride_v == 1) {
            n += largest(0, last - first + 1);
            continue;
        }
        for (int v = first; v <= last; v++)
            n += modulo(v, source->stride_v) == 0 && modulo(v + dv, target->stride_v) == 0;
    }
    return n;
}

int64_t om_circuit_connections(const om_circuit *circuit, const om_pair *pair, om_offset offset)
{
    return count_connections(circuit->extent, &circuit->types[pair->source],
                             &circuit->types[pair->target], offset.du, offset.dv);
}

static void count_pair(om_circuit *circuit, om_pair *pair)
{
    double synapses = 0;
    pair->edges = 0;
    for (int i = pair->first_tap; i < pair->first_tap + pair->n_taps; i++) {
        om_tap *tap = &circuit->taps[i];
        tap->edges = om_circuit_connections(circuit, pair, (om_offset){tap->du, tap->dv});
        pair->edges += tap->edges;
        synapses += tap->count * (double)tap->edges;
        circuit->n_live_taps += tap->edges > 0;
        int reach = largest(magnitude(tap->du), magnitude(tap->dv));
        circuit->max_offset = largest(circuit->max_offset, reach);
    }
    pair->mean_count = pair->edges > 0 ? synapses / (double)pair->edges : 0;
    circuit->n_edges += pair->edges;
    circuit->n_live_pairs += pair->edges > 0;
}

static uint64_t add_numbers(uint64_t sum, int n, const int64_t *numbers)
{
    return om_checksum(numbers, (size_t)n * sizeof *numbers, sum);
}

/* Over types, order of inputs and outputs, pairs and taps, number by number, so that the padding
 * of structures has no say. The circuit's name does not matter, names of types do. */
static uint64_t table_checksum(const om_circuit *c)
{
    const int64_t head[] = {c->extent, c->n_types,  c->n_pairs,
                            c->n_taps, c->n_inputs, c->n_outputs};
    uint64_t sum = add_numbers(0, 6, head);
    for (int i = 0; i < c->n_types; i++) {
        const int64_t stride[] = {c->types[i].stride_u, c->types[i].stride_v};
        sum = om_checksum(c->types[i].name, sizeof c->types[i].name, sum);
        sum = add_numbers(sum, 2, stride);
    }
    for (int i = 0; i < c->n_inputs; i++) sum = add_numbers(sum, 1, &(int64_t){c->inputs[i]});
    for (int i = 0; i < c->n_outputs; i++) sum = add_numbers(sum, 1, &(int64_t){c->outputs[i]});
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *p = &c->pairs[i];
        const int64_t numbers[] = {p->source, p->target, p->sign, p->n_taps};
        sum = add_numbers(sum, 4, numbers);
    }
    for (int i = 0; i < c->n_taps; i++) {
        const om_tap *t = &c->taps[i];
        const int64_t numbers[] = {t->du, t->dv, t->filled};
        sum = om_checksum(&t->count, sizeof t->count, add_numbers(sum, 3, numbers));
    }
    return sum;
}

void om_circuit_instantiate(om_circuit *circuit, int extent)
{
    circuit->extent = extent;
    circuit->n_columns = om_lattice_columns(extent);
    circuit->n_cells = circuit->n_edges = 0;
    circuit->n_live_pairs = circuit->n_live_taps = circuit->max_offset = 0;
    for (int i = 0; i < circuit->n_types; i++) {
        om_type *type = &circuit->types[i];
        /* cells of a type: its connections to itself at no offset */
        type->cells = (int)count_connections(extent, type, type, 0, 0);
        circuit->n_cells += type->cells;
    }
    for (int i = 0; i < circuit->n_pairs; i++) count_pair(circuit, &circuit->pairs[i]);
    circuit->checksum = table_checksum(circuit);
}
