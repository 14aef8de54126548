/* A circuit while it is being read: the rules that every form of the table shares. The readers of
 * the forms add types, then pairs with their taps; what breaks a rule is listed as a fault at the
 * place where the reader is, and reading goes on. The functions return a status only for what ends
 * the reading at once (no memory). */
#ifndef CIRCUIT_DRAFT_H
#define CIRCUIT_DRAFT_H

#include <stddef.h>

#include "circuit/faults.h"
#include "ommatid/om_circuit.h"

enum {
    OM_MAX_TYPES = 4096,
    OM_MAX_TAPS = 1000000,
    OM_MAX_OFFSET = 2 * OM_LATTICE_MAX_EXTENT /* beyond it no two columns are connected anywhere */
};

/* Synapses per connection: mean counts are fractions; beyond these bounds a figure is an error and
 * would take the initial strengths out of the range of float32. */
#define OM_COUNT_LEAST 1e-6
#define OM_COUNT_MOST  1e6

typedef enum om_role { OM_ROLE_INPUT, OM_ROLE_OUTPUT, OM_N_ROLES } om_role;

/* A type's places among the inputs and outputs, from 1; 0: is none. */
typedef struct om_roles {
    int place[OM_N_ROLES];
} om_roles;

typedef struct om_draft {
    om_faults faults;
    om_circuit *circuit; /* its arrays have room for more than they hold */
    om_roles *roles;     /* [n_types] */
    int type_room, role_room, pair_room, tap_room;
    const char *unit; /* what `position` counts: "line", "edge number" */
    int position;     /* where the reader is */
    /* The pair that taps belong to; also counts those that are not kept because of a fault. */
    int pair_serial;
    bool pair_kept;
    char pair_name[2 * OM_SHOWN_BYTES + 8]; /* "L1 -> Mi1", for messages */
    int pair_taps;                          /* given so far, kept or not */
    int *pair_order;  /* [n_types][n_types] 1 + position of the pair that joins two types, or 0 */
    int *offset_pair; /* serial of the last pair that gave each offset */
    bool overfull;    /* too many taps; said once */
} om_draft;

om_status om_draft_begin(om_draft *draft, const char *file, const char *unit);
void om_draft_free(om_draft *draft);

/* Whether a name can be one; adds a fault about `what` if not. */
bool om_draft_name(om_draft *draft, const char *what, const char *name, size_t bytes);
/* Number of a type, or -1 with a fault about `what` that names the nearest. */
int om_draft_find_type(om_draft *draft, const char *what, const char *name);

om_status om_draft_add_type(om_draft *draft, const char *name, int64_t stride_u, int64_t stride_v,
                            om_roles roles);
om_status om_draft_begin_pair(om_draft *draft, const char *source, const char *target, int sign);
om_status om_draft_add_tap(om_draft *draft, int64_t du, int64_t dv, double count, bool filled);
/* Adds one synapse at every offset in the hull of the current pair's taps that has none. */
om_status om_draft_fill_hull(om_draft *draft);
/* A pair needs a tap. */
void om_draft_end_pair(om_draft *draft);

/* Checks what only the whole can show, and makes the circuit at an extent; the draft gives it up.
 * Errors: OM_EDATA with every fault. */
om_status om_draft_finish(om_draft *draft, int extent, om_circuit **circuit);

#endif
