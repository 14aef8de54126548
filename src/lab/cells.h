/* Responses of chosen cells on their way to the file: those of a few conditions at a time, for a model's
 * whole row may be larger than memory. */
#ifndef OM_LAB_CELLS_H
#define OM_LAB_CELLS_H

#include "lab/showing.h"
#include "model/geometry.h"

enum { OM_CELLS_AT_ONCE = OM_QUAD /* conditions, as om_experiment_run() shows side by side */ };

typedef struct om_cells om_cells;

/* n_conditions: product of the axes between columns and times. frames: [n_conditions] that each is run
 * for, must outlive it. Takes 0.2 GB at most, however many cells there are. Errors: OM_ENOMEM. */
om_status om_cells_create(const om_showing *showing, int n_conditions, const int *frames,
                          om_cells **cells);
void om_cells_free(om_cells *cells); /* accepts NULL */

/* A model's row of the showing's file: begun, handed voltages [n_types][n_columns] in the order of
 * om_response_sink, and ended; with `valid` false what was written is taken back. Errors of writing come
 * from the end. */
om_status om_cells_begin(om_cells *cells);
void om_cells_add(om_cells *cells, int condition, int frame, const om_real *voltage);
om_status om_cells_end(om_cells *cells, bool valid);

#endif
