/* Control circuits: a circuit from which one thing that was measured is taken, while everything else
 * stays, to ask whether it mattered. docs/circuits.md, "Controls", says what each keeps and destroys.
 */
#ifndef OM_CONTROLS_H
#define OM_CONTROLS_H

#include <stdbool.h>
#include <stdint.h>

#include "ommatid/om_circuit.h"
#include "ommatid/om_status.h"

typedef enum om_counts {
    OM_COUNTS_MEASURED,
    OM_COUNTS_EQUAL,   /* every connection has the circuit's mean synapse count */
    OM_COUNTS_SHUFFLED /* counts are permuted among the taps of each pair */
} om_counts;

typedef enum om_signs {
    OM_SIGNS_KNOWN,
    OM_SIGNS_SHUFFLED /* signs are permuted among the source types that have one */
} om_signs;

typedef enum om_filters {
    OM_FILTERS_MEASURED,
    OM_FILTERS_ROTATED /* the taps of each pair are turned or mirrored about its source */
} om_filters;

/* As specs name them, ended by NULL. */
extern const char *const om_counts_names[], *const om_signs_names[], *const om_filters_names[];

enum { OM_WITHOUT_BYTES = 4096 };

/* Zero: everything as measured. */
typedef struct om_controls {
    om_counts counts;
    om_signs signs;
    om_filters filters;
    char without[OM_WITHOUT_BYTES]; /* types that are left out, with ", " between them; "": none */
} om_controls;

bool om_controls_any(const om_controls *controls);

/* Makes a circuit its own control, before anything else is made of it: first leaves types out with all
 * their pairs, then treats what is left. Draws are from the streams (seed, model 0, OM_FOR_CONTROLS),
 * so that a seed means one circuit, of all models. Connections, mean counts and checksum follow.
 * Errors, of `without`: OM_EDATA (no such type, with the nearest; no input, output or pair is left),
 * OM_ENOMEM. The circuit is then of no use. */
om_status om_circuit_control(om_circuit *circuit, const om_controls *controls, uint64_t seed);

/* What a control has kept of the circuit that it was made from, at the same extent: connections between
 * single cells. */
typedef struct om_control_shares {
    int64_t measured; /* connections of the original */
    int64_t joined;   /* of these, whose two cells are still connected */
    int64_t count;    /* ... with the same synapse count */
    int64_t sign;     /* ... with the same sign */
} om_control_shares;
/* Errors: OM_ENOMEM. */
om_status om_circuit_kept(const om_circuit *control, const om_circuit *original,
                          om_control_shares *kept);

#endif
