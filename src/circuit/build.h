/* The steps between a table's text and a circuit that are not for users of the library. */
#ifndef CIRCUIT_BUILD_H
#define CIRCUIT_BUILD_H

#include <stddef.h>

#include "ommatid/om_circuit.h"

typedef struct om_offset {
    int du, dv;
} om_offset;

/* Convex hull of n offsets: its vertices counter-clockwise without collinear points, into hull
 * [n + 1]. Sorts the points. Returns the number of vertices; below 3 there is no inside. */
int om_hull(int n, om_offset *points, om_offset *hull);
/* Whether a point is inside by the reference's rule for points on the boundary. */
bool om_hull_contains(int n, const om_offset *hull, om_offset point);

/* Names of types and circuits are visible ASCII without '#', ',' and '"', shorter than `bytes`.
 * Returns NULL, or what is wrong with one. */
const char *om_name_fault(const char *name, size_t bytes);
/* OM_EUSAGE unless 1 <= extent <= OM_LATTICE_MAX_EXTENT. */
om_status om_circuit_check_extent(int extent);

/* OM_EDATA: there is no type of that name, and which is the nearest. */
om_status om_circuit_unknown_type(const om_circuit *circuit, const char *name);

/* Fills in everything of a circuit that depends on its extent, and the checksum. */
void om_circuit_instantiate(om_circuit *circuit, int extent);
/* Connections between cells that a tap of a pair at that offset makes at the circuit's extent. */
int64_t om_circuit_connections(const om_circuit *circuit, const om_pair *pair, om_offset offset);

#endif
