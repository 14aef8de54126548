/* Layout of hexagonal maps in memory. */
#include "model/geometry.h"

#include "base/fail.h"
#include "base/memory.h"

/* Strips may start one cell before a row and end three after it: a halo of this many cells keeps what
 * they write outside the lattice (zeros) off the next row. */
enum { STRIP_OVERHANG = 5 };

static void place_rows(om_geometry *g, int halo)
{
    int n = g->extent, position = 0;
    for (int r = 0; r < g->n_rows; r++) {
        om_row *row = &g->rows[r];
        row->u = r - n;
        row->first_v = row->u < 0 ? -n - row->u : -n;
        row->columns = 2 * n + 1 - (row->u < 0 ? -row->u : row->u);
        int first = (r + halo) * g->pitch + row->first_v + n + halo;
        row->lead = first % 2; /* strips start on an even cell: half the vector loads are aligned */
        row->cell = first - row->lead;
        row->strips = (row->lead + row->columns + OM_STRIP_CELLS - 1) / OM_STRIP_CELLS;
        row->position = position;
        position += row->strips * OM_STRIP_CELLS;
    }
    g->compact = (size_t)position;
    for (int c = 0, r = 0, i = 0; c < g->n_columns; c++, i++) {
        if (i == g->rows[r].columns) r++, i = 0;
        g->padded_cell[c] = g->rows[r].cell + g->rows[r].lead + i;
        g->compact_cell[c] = g->rows[r].position + g->rows[r].lead + i;
    }
}

static om_status make_masks(om_geometry *g, const om_circuit *circuit)
{
    for (int t = 0; t < circuit->n_types; t++) {
        const om_type *type = &circuit->types[t];
        int same = 0;
        while (same < t && (circuit->types[same].stride_u != type->stride_u ||
                            circuit->types[same].stride_v != type->stride_v))
            same++;
        if (same < t) {
            g->mask_of_type[t] = g->mask_of_type[same];
            continue;
        }
        g->mask_of_type[t] = g->n_masks;
        om_real *mask = NULL;
        OM_TRY(om_alloc(g->plane * OM_QUAD, sizeof *mask, &mask));
        g->masks[g->n_masks++] = mask;
        for (int c = 0; c < g->n_columns; c++) {
            int u, v;
            om_lattice_coordinates(g->extent, c, &u, &v);
            if (!om_circuit_has_cell(circuit, t, u, v)) continue;
            for (int s = 0; s < OM_QUAD; s++) mask[g->padded_cell[c] * OM_QUAD + s] = 1;
        }
    }
    return OM_OK;
}

om_status om_geometry_create(const om_circuit *circuit, om_geometry **geometry)
{
    *geometry = NULL;
    om_geometry *g = NULL;
    OM_TRY(om_alloc(1, sizeof *g, &g));
    int halo = circuit->max_offset > STRIP_OVERHANG ? circuit->max_offset : STRIP_OVERHANG;
    g->extent = circuit->extent;
    g->n_columns = circuit->n_columns;
    g->n_rows = 2 * g->extent + 1;
    g->pitch = (g->n_rows + halo + 1) / 2 * 2;
    g->plane = (size_t)(g->pitch * (g->n_rows + halo) + OM_STRIP_CELLS - 1) / OM_STRIP_CELLS *
               OM_STRIP_CELLS;
    g->margin = (size_t)(2 * halo * g->pitch + OM_LANES) / OM_LANES * OM_LANES;
    size_t types = (size_t)circuit->n_types, columns = (size_t)g->n_columns;
    om_status status = om_alloc((size_t)g->n_rows, sizeof *g->rows, &g->rows);
    if (status == OM_OK) status = om_alloc(columns, sizeof(int), &g->padded_cell);
    if (status == OM_OK) status = om_alloc(columns, sizeof(int), &g->compact_cell);
    if (status == OM_OK) status = om_alloc(types, sizeof(int), &g->mask_of_type);
    if (status == OM_OK) status = om_alloc(types, sizeof(om_real *), &g->masks);
    if (status == OM_OK) {
        place_rows(g, halo);
        status = make_masks(g, circuit);
    }
    if (status != OM_OK) {
        om_geometry_free(g);
        return status;
    }
    *geometry = g;
    return OM_OK;
}

void om_geometry_free(om_geometry *geometry)
{
    if (geometry == NULL) return;
    for (int m = 0; m < geometry->n_masks; m++) om_free(geometry->masks[m]);
    om_free(geometry->masks);
    om_free(geometry->mask_of_type);
    om_free(geometry->compact_cell);
    om_free(geometry->padded_cell);
    om_free(geometry->rows);
    om_free(geometry);
}

size_t om_geometry_bytes(const om_geometry *g)
{
    return (size_t)g->n_masks * g->plane * OM_QUAD * sizeof(om_real) +
           (size_t)g->n_columns * 2 * sizeof(int);
}
