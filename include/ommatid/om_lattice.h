/* The hexagonal lattice of columns that all retinotopic maps of the fly's visual system share.
 *
 * Axial coordinates (u, v), extent N: columns with u in [-N, N], v in [max(-N, -N-u), min(N, N-u)],
 * numbered u-major, then v: 1 + 3 N (N + 1) of them, 721 at N = 15. In the plane, y up, a column
 * lies at x = v, y = -(u + v/2) in units of the column spacing along a row of the eye (see
 * om_eye.h). */
#ifndef OM_LATTICE_H
#define OM_LATTICE_H

enum { OM_LATTICE_MAX_EXTENT = 60 };

/* Number of columns at an extent. */
int om_lattice_columns(int extent);
/* Number of column (u, v), or -1 where it is outside the lattice. */
int om_lattice_index(int extent, int u, int v);
/* Coordinates of column `index`, 0 <= index < om_lattice_columns(extent). */
void om_lattice_coordinates(int extent, int index, int *u, int *v);
/* Hexagonal (ring) distance of an offset: (|du| + |dv| + |du + dv|) / 2. */
int om_lattice_distance(int du, int dv);

/* One of the lattice's 12 symmetries: first a reflection (flip 0: none; 1, 2, 3: at the mirror line
 * at 90, 150, 210 degrees), then a rotation counter-clockwise by rotation * 60 degrees (0..5).
 *   source [n_columns]: the map m becomes m' with m'[i] = m[source[i]];
 *   matrix [2][2]: a flow vector (x, y), y up, at source[i] becomes matrix * (x, y) at i.
 * Either may be NULL. (model.md 5, augmentation; order and sense as the reference software's.) */
void om_lattice_symmetry(int extent, int flip, int rotation, int *source, double matrix[2][2]);

#endif
