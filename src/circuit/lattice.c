/* Numbering and symmetries of the hexagonal lattice. Everything is counted in closed form from the
 * lengths of the rows of constant u: N + 1 columns at u = -N, one more per row up to u = 0, then
 * one less per row. */
#include "ommatid/om_lattice.h"

#include <assert.h>
#include <stdlib.h>

static int largest(int a, int b) { return a > b ? a : b; }
static int smallest(int a, int b) { return a < b ? a : b; }

int om_lattice_columns(int extent) { return 1 + 3 * extent * (extent + 1); }

int om_lattice_distance(int du, int dv) { return (abs(du) + abs(dv) + abs(du + dv)) / 2; }

/* Columns in the `rows` outermost rows on one side of the lattice. */
static int outer_columns(int extent, int rows)
{
    return rows * (extent + 1) + rows * (rows - 1) / 2;
}

/* Number of the first column of row u. */
static int row_start(int extent, int u)
{
    if (u <= 0) return outer_columns(extent, u + extent);
    return om_lattice_columns(extent) - outer_columns(extent, extent - u + 1);
}

static int row_first_v(int extent, int u) { return largest(-extent, -extent - u); }
static int row_last_v(int extent, int u) { return smallest(extent, extent - u); }

int om_lattice_index(int extent, int u, int v)
{
    if (u < -extent || u > extent) return -1;
    if (v < row_first_v(extent, u) || v > row_last_v(extent, u)) return -1;
    return row_start(extent, u) + v - row_first_v(extent, u);
}

void om_lattice_coordinates(int extent, int index, int *u, int *v)
{
    assert(index >= 0 && index < om_lattice_columns(extent));
    int row = -extent;
    while (row < extent && index >= row_start(extent, row + 1)) row++;
    *u = row;
    *v = row_first_v(extent, row) + index - row_start(extent, row);
}

/* Where the reflection takes column (u, v); each is its own inverse. */
static void reflect(int flip, int *u, int *v)
{
    int a = *u, b = *v;
    switch (flip) {
    case 1: *u = a + b, *v = -b; break;
    case 2: *u = -a, *v = a + b; break;
    case 3: *u = -b, *v = -a; break;
    default: break;
    }
}

/* Where a rotation by 60 degrees clockwise takes column (u, v): undoes (u, v) -> (-v, u + v). */
static void rotate_back(int *u, int *v)
{
    int a = *u, b = *v;
    *u = a + b;
    *v = -a;
}

/* matrix = rotation(60 degrees * rotation) * reflection(angle of the mirror line). */
static void symmetry_matrix(int flip, int rotation, double matrix[2][2])
{
    static const double h = 0.86602540378443864676; /* sqrt(3) / 2 */
    const double cosine[6] = {1, 0.5, -0.5, -1, -0.5, 0.5};
    const double sine[6] = {0, h, h, 0, -h, -h};
    double c = cosine[rotation], s = sine[rotation];
    double reflection[2][2] = {{1, 0}, {0, 1}};
    if (flip != 0) {
        /* [[cos 2a, sin 2a], [sin 2a, -cos 2a]]; a = 90, 150, 210: 2a in sixths of a turn */
        const int twice_angle[4] = {0, 3, 5, 1};
        double c2 = cosine[twice_angle[flip]], s2 = sine[twice_angle[flip]];
        reflection[0][0] = c2, reflection[0][1] = s2;
        reflection[1][0] = s2, reflection[1][1] = -c2;
    }
    for (int j = 0; j < 2; j++) {
        matrix[0][j] = c * reflection[0][j] - s * reflection[1][j];
        matrix[1][j] = s * reflection[0][j] + c * reflection[1][j];
    }
}

void om_lattice_symmetry(int extent, int flip, int rotation, int *source, double matrix[2][2])
{
    assert(flip >= 0 && flip <= 3 && rotation >= 0 && rotation <= 5);
    if (matrix != NULL) symmetry_matrix(flip, rotation, matrix);
    if (source == NULL) return;
    int i = 0;
    for (int row = -extent; row <= extent; row++) {
        for (int column = row_first_v(extent, row); column <= row_last_v(extent, row); column++) {
            int u = row, v = column;
            for (int turn = 0; turn < rotation; turn++) rotate_back(&u, &v);
            reflect(flip, &u, &v);
            source[i++] = om_lattice_index(extent, u, v);
        }
    }
}
