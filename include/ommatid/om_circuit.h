/* What is wired to what: cell types, pairs of connected types and their taps, at one extent.
 *
 * A *tap* is one offset (du, dv) of one (source, target) pair: the source cell in column (u, v)
 * makes `count` synapses onto the target cell in column (u + du, v + dv), where both exist. A type
 * with stride (su, sv) has cells only where u mod su == 0 and v mod sv == 0. A circuit is immutable
 * once made, and all models of a rank share it. (Lappalainen et al. 2024, Methods, "Connectome".)
 */
#ifndef OM_CIRCUIT_H
#define OM_CIRCUIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_lattice.h"
#include "ommatid/om_status.h"

enum { OM_NAME_BYTES = 32 }; /* longest name of a type, with its NUL */

typedef struct om_type {
    char name[OM_NAME_BYTES];
    int stride_u, stride_v; /* 1, 1: a cell in every column */
    bool input;             /* receives the luminance of its column */
    bool output;            /* read by the decoder */
    int cells;              /* cells at the circuit's extent */
} om_type;

typedef struct om_pair {
    int source, target; /* types */
    int sign;           /* +1 excitatory, -1 inhibitory */
    int first_tap, n_taps;
    int64_t edges;     /* connections between cells at the circuit's extent; 0: no synapse lands */
    double mean_count; /* mean synapse count over those connections; 0 where there are none */
} om_pair;

typedef struct om_tap {
    int du, dv;
    double count;  /* synapses per connection */
    bool filled;   /* added by the hull fill, not reported */
    int64_t edges; /* connections at the circuit's extent */
} om_tap;

typedef struct om_circuit {
    char name[64];
    int extent, n_columns;
    int n_types, n_pairs, n_taps;
    int n_inputs, n_outputs;
    om_type *types; /* [n_types] */
    om_pair *pairs; /* [n_pairs] */
    om_tap *taps;   /* [n_taps], pair by pair */
    int *inputs;    /* [n_inputs] type numbers, in the order of the file */
    int *outputs;   /* [n_outputs] type numbers: the decoder's channels, in the order of the file */
    int64_t n_cells, n_edges;      /* at the extent; n_edges: connections between single cells */
    int n_live_pairs, n_live_taps; /* with at least one connection at the extent */
    int max_offset;                /* largest |du| or |dv| of any tap */
    uint64_t checksum;             /* of the table and the extent */
} om_circuit;

/* Opens a circuit by name (a built-in one, "motion-pathway"; then NAME.circuit in
 * $XDG_DATA_HOME/ommatid, default ~/.local/share/ommatid) or by path (a .circuit table or a
 * connectome in the published JSON form), instantiated at `extent` (1..OM_LATTICE_MAX_EXTENT).
 * Free with om_circuit_free(). Errors: OM_EDATA with every fault of the file, OM_EIO. */
om_status om_circuit_open(const char *source, int extent, om_circuit **circuit);
void om_circuit_free(om_circuit *circuit); /* accepts NULL */

/* Makes a circuit from a table in memory (text in the .circuit form; `name` for messages). */
om_status om_circuit_parse(const char *name, const char *text, int extent, om_circuit **circuit);
/* The same from a connectome in the published JSON form: hull fill included. */
om_status om_circuit_parse_json(const char *name, const char *text, int extent,
                                om_circuit **circuit);
/* Writes the table in the .circuit form: reading it back gives the same checksum. Refuses to
 * overwrite an existing file. */
om_status om_circuit_save(const om_circuit *circuit, const char *path);

/* Gives the circuit another name (before it is saved; the checksum does not depend on it). Errors:
 * OM_EUSAGE for a name that is empty, too long, or has blanks, '#', ',' or '"'. */
om_status om_circuit_rename(om_circuit *circuit, const char *name);

/* Gives a type another stride, each 1..OM_LATTICE_MAX_EXTENT, before anything is made of the circuit:
 * cells, connections, mean counts and checksum follow. Errors: OM_EDATA (no such type, with the
 * nearest; stride). */
om_status om_circuit_set_stride(om_circuit *circuit, const char *type, int64_t stride_u,
                                int64_t stride_v);

/* Number of the type of that name, or -1. */
int om_circuit_type(const om_circuit *circuit, const char *name);
/* Whether the type has a cell in column (u, v) (which must be on the lattice). */
bool om_circuit_has_cell(const om_circuit *circuit, int type, int u, int v);
/* Free parameters: a resting potential and a time constant per type, a strength per pair. */
int om_circuit_parameters(const om_circuit *circuit);

/* A model's own synapse counts: log-normal about those of the circuit, which stay their mean,
 * n = count exp(s z - s^2 / 2), with s = spread >= 0 and z standard normal, one for each tap, from the
 * stream (seed, model, OM_FOR_COUNTS). counts: [n_taps], written. */
void om_circuit_draw_counts(const om_circuit *circuit, double spread, uint64_t seed, uint32_t model,
                            double *counts);

/* The folder of this user's own circuits, $XDG_DATA_HOME/ommatid, into path[bytes]. Errors: OM_EFAIL
 * where neither that variable nor HOME says where it is. */
om_status om_circuit_folder(char *path, size_t bytes);

/* Built-in circuits: name and one-line description of number i, or NULL past the last. */
const char *om_circuit_builtin(int i, const char **description);

#endif
