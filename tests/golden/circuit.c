/* The published connectome as the library reads it: taps.csv, counts.csv, init_strength.csv. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { TAPS_EXTENT = 15 /* of the circuit whose taps are compared; any has them all */ };

/* ---- taps.csv: all taps in their order, those that fill the hull included ---- */

enum { SOURCE, TARGET, DU, DV, COUNT, SIGN, FILLED, TAP_COLUMNS };
static const char *const tap_columns[] = {"source", "target", "du",    "dv",
                                          "n_syn",  "sign",   "filled"};

/* Column of every tap of the circuit [n_taps]. */
static void actual_taps(const om_circuit *circuit, int column, double *out)
{
    for (int p = 0; p < circuit->n_pairs; p++) {
        const om_pair *pair = &circuit->pairs[p];
        for (int i = pair->first_tap; i < pair->first_tap + pair->n_taps; i++) {
            const om_tap *tap = &circuit->taps[i];
            const double all[TAP_COLUMNS] = {pair->source, pair->target, tap->du,    tap->dv,
                                             tap->count,   pair->sign,   tap->filled};
            out[i] = all[column];
        }
    }
}

static void compare_taps(check *c, const om_circuit *circuit, const check_table *t)
{
    double *actual = check_zeros(circuit->n_taps), *expected = check_zeros(circuit->n_taps);
    for (int k = 0; k < TAP_COLUMNS; k++) {
        int column = check_column(c, t, tap_columns[k]);
        if (column < 0) continue;
        for (int i = 0; i < t->rows; i++)
            expected[i] = k <= TARGET ? om_circuit_type(circuit, check_cell(t, i, column))
                                      : check_cell_number(c, t, i, column);
        actual_taps(circuit, k, actual);
        check_exact(c, tap_columns[k], t->rows, actual, expected);
    }
    free(actual);
    free(expected);
}

void check_taps(check *c)
{
    check_table t;
    if (!check_read_table(c, &t)) return;
    om_circuit *circuit = check_circuit(c, TAPS_EXTENT);
    if (circuit != NULL && circuit->n_taps == t.rows)
        compare_taps(c, circuit, &t);
    else if (circuit != NULL)
        check_wrong(c, "%d taps, expected %d", circuit->n_taps, t.rows);
    om_circuit_free(circuit);
    check_close_table(c, &t);
}

/* ---- counts.csv: cells, edges, pairs and taps in use at several extents ---- */

enum { TOTALS = 4 /* nodes, edges, pairs, taps */ };

/* A count of the circuit by its name in the file; -1 for an unknown one. */
static double count_of(const om_circuit *circuit, const char *what, const char *name)
{
    if (strcmp(what, "cells") == 0) {
        int type = om_circuit_type(circuit, name);
        return type >= 0 ? circuit->types[type].cells : -1;
    }
    if (strcmp(name, "nodes") == 0) return (double)circuit->n_cells;
    if (strcmp(name, "edges") == 0) return (double)circuit->n_edges;
    if (strcmp(name, "pairs") == 0) return circuit->n_live_pairs;
    if (strcmp(name, "taps") == 0) return circuit->n_live_taps;
    return -1;
}

/* All rows of one extent, from `first`; returns the row after the last. */
static int compare_counts(check *c, const check_table *t, const int columns[4], int first)
{
    char quantity[64];
    const char *extent = check_cell(t, first, columns[0]);
    int end = first;
    while (end < t->rows && strcmp(check_cell(t, end, columns[0]), extent) == 0) end++;
    om_circuit *circuit = check_circuit(c, (int)check_cell_number(c, t, first, columns[0]));
    if (circuit == NULL) return end;
    if (end - first != TOTALS + circuit->n_types)
        check_wrong(c, "extent %s: %d rows, expected %d", extent, end - first,
                    TOTALS + circuit->n_types);
    double *actual = check_zeros(end - first), *expected = check_zeros(end - first);
    for (int i = first; i < end; i++) {
        actual[i - first] =
            count_of(circuit, check_cell(t, i, columns[1]), check_cell(t, i, columns[2]));
        expected[i - first] = check_cell_number(c, t, i, columns[3]);
    }
    snprintf(quantity, sizeof quantity, "counts at extent %s", extent);
    check_exact(c, quantity, end - first, actual, expected);
    free(actual);
    free(expected);
    om_circuit_free(circuit);
    return end;
}

void check_counts(check *c)
{
    static const char *const names[] = {"extent", "what", "name", "count"};
    check_table t;
    int columns[4];
    bool complete = true;
    if (!check_read_table(c, &t)) return;
    for (int i = 0; i < 4; i++) {
        columns[i] = check_column(c, &t, names[i]);
        complete = complete && columns[i] >= 0;
    }
    for (int row = 0; complete && row < t.rows;) row = compare_counts(c, &t, columns, row);
    check_close_table(c, &t);
}

/* ---- init_strength.csv: initial strengths and what they rest on, at several extents ---- */

/* Pair of the circuit that a row is about, or -1. */
static int pair_of_row(check *c, const om_circuit *circuit, const check_table *t, int row)
{
    int source = check_column(c, t, "source"), target = check_column(c, t, "target");
    if (source < 0 || target < 0) return -1;
    int pair = check_pair(circuit, check_cell(t, row, source), check_cell(t, row, target));
    if (pair < 0) check_wrong(c, "row %d: the circuit has no such pair", row + 1);
    return pair;
}

/* One column at an extent, over the pairs that have synapses there. by_pair [n_pairs]; limit < 0:
 * no difference at all. */
static void compare_column(check *c, const om_circuit *circuit, const check_table *t,
                           const char *name, const double *by_pair, double limit)
{
    char heading[64];
    snprintf(heading, sizeof heading, "%s_e%d", name, circuit->extent);
    int column = check_column(c, t, heading), n = 0;
    double *actual = check_zeros(t->rows), *expected = check_zeros(t->rows);
    for (int row = 0; column >= 0 && row < t->rows; row++) {
        int pair = pair_of_row(c, circuit, t, row);
        if (pair < 0 || circuit->pairs[pair].edges == 0) continue;
        actual[n] = by_pair[pair];
        expected[n++] = check_cell_number(c, t, row, column);
    }
    if (column >= 0 && n != circuit->n_live_pairs)
        check_wrong(c, "%s: %d pairs, expected %d", heading, n, circuit->n_live_pairs);
    else if (column >= 0 && limit < 0)
        check_exact(c, heading, n, actual, expected);
    else if (column >= 0)
        check_compare(c, heading, n, actual, expected, NULL, limit);
    free(actual);
    free(expected);
}

static void compare_strength(check *c, const check_table *t, int extent)
{
    om_circuit *circuit = check_circuit(c, extent);
    if (circuit == NULL) return;
    om_layout l = om_layout_of(circuit);
    const om_init_options options = {.time_constant_s = 0.05, .strength_scale = 0.01};
    double *zeros = check_zeros((int)l.n_params);
    om_real *params = check_reals((int)l.n_params, zeros);
    om_params_init(circuit, &options, 0, 0, params);
    double *strength = check_doubles(l.n_pairs, params + l.strength);
    double *edges = check_zeros(l.n_pairs), *mean = check_zeros(l.n_pairs);
    for (int p = 0; p < l.n_pairs; p++) {
        edges[p] = (double)circuit->pairs[p].edges;
        mean[p] = circuit->pairs[p].mean_count;
    }
    const bool is_double = sizeof(om_real) == sizeof(double);
    compare_column(c, circuit, t, "n_edges", edges, -1);
    compare_column(c, circuit, t, "mean_n_syn", mean, 1e-15);
    compare_column(c, circuit, t, "alpha_exact", strength, is_double ? -1 : 1e-7);
    /* the package's own rounding: it goes through the logarithm of the counts */
    compare_column(c, circuit, t, "alpha_float32", strength, check_limit(CHECK_STORED));
    free(zeros);
    free(params);
    free(strength);
    free(edges);
    free(mean);
    om_circuit_free(circuit);
}

void check_init_strength(check *c)
{
    static const char head[] = "n_edges_e";
    check_table t;
    int extents = 0;
    if (!check_read_table(c, &t)) return;
    for (int i = 0; i < t.columns; i++)
        if (strncmp(t.cells[i], head, strlen(head)) == 0) {
            compare_strength(c, &t, (int)strtol(t.cells[i] + strlen(head), NULL, 10));
            extents++;
        }
    if (extents == 0) check_wrong(c, "no column n_edges_eEXTENT");
    check_close_table(c, &t);
}
