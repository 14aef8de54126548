/* How a hexagonal map lies in memory, so that a tap is one constant offset.
 *
 * Samples go in quads: four samples of one cell lie side by side. Two layouts of a map:
 *
 *   padded   [row][cell][4], zero outside the lattice, with a halo that rows and maps share: the cell
 *            that a tap (du, dv) reaches is always du * pitch + dv cells away. Two time steps of
 *            all types fit into the caches.
 *   compact  rows one after another, each rounded up to whole strips of four cells (16 numbers):
 *            only loaded and stored aligned, never shifted. Histories are compact.
 *
 * A strip of four cells x four samples is the unit of all arithmetic (16 lanes). Every lane does the
 * same operations in the same order whatever the width of the machine's vectors, so results do not
 * depend on it. */
#ifndef OM_MODEL_GEOMETRY_H
#define OM_MODEL_GEOMETRY_H

#include <stddef.h>

#include "ommatid/om_circuit.h"

enum {
    OM_QUAD = 4,        /* samples side by side */
    OM_STRIP_CELLS = 4, /* cells of a strip */
    OM_LANES = OM_QUAD * OM_STRIP_CELLS,
    OM_FRAMES = OM_LANES / OM_QUAD /* frames side by side in the decoder, which has no strips */
};

typedef struct om_row {
    int u, first_v, columns; /* the lattice's row */
    int cell;                /* padded cell where its strips start: first_v's, or the one before */
    int lead;                /* cells between that and first_v's: 0 or 1 */
    int strips;
    int position; /* compact cell where its strips start */
} om_row;

typedef struct om_geometry {
    int extent, n_columns, n_rows;
    int pitch;         /* padded cells from row to row */
    size_t plane;      /* padded cells of one map */
    size_t margin;     /* padded cells before the first map and after the last */
    size_t compact;    /* compact cells of one map */
    om_row *rows;      /* [n_rows] */
    int *padded_cell;  /* [n_columns] */
    int *compact_cell; /* [n_columns] */
    int n_masks;       /* one for each stride that occurs */
    int *mask_of_type; /* [n_types] */
    om_real **masks;   /* [n_masks][plane * 4]: 1 where the type has a cell, else 0 */
} om_geometry;

om_status om_geometry_create(const om_circuit *circuit, om_geometry **geometry);
void om_geometry_free(om_geometry *geometry); /* accepts NULL */
/* Of what it holds, about: it is small. */
size_t om_geometry_bytes(const om_geometry *geometry);

/* Numbers in the padded planes of n maps, margins included. */
static inline size_t om_padded_reals(const om_geometry *g, int maps)
{
    return (2 * g->margin + (size_t)maps * g->plane) * OM_QUAD;
}
/* Numbers in n compact maps. */
static inline size_t om_compact_reals(const om_geometry *g, size_t maps)
{
    return maps * g->compact * OM_QUAD;
}

#endif
