/* What parameters are held to: bounds, groups of one value, parts that are fixed (om_model_options),
 * resolved once for a circuit. */
#ifndef OM_TRAIN_CONSTRAINTS_H
#define OM_TRAIN_CONSTRAINTS_H

#include "ommatid/om_train.h"

typedef struct om_constraints om_constraints;

/* Errors: OM_EDATA (a type or pair that the circuit lacks, or twice), OM_ENOMEM. */
om_status om_constraints_create(const om_circuit *circuit, const om_model_options *options,
                                om_constraints **constraints);
void om_constraints_free(om_constraints *constraints); /* accepts NULL */

/* Bounds, then the means of groups. params: [n_params]; of a new model, or after a step, which leaves
 * fixed parts alone. */
void om_constrain_initial(om_constraints *constraints, om_real *params);
void om_constrain(om_constraints *constraints, om_real *params);

#endif
