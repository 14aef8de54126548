/* What is kept of a model at its checks, to set it back to if it diverges. */
#ifndef OM_TRAIN_SET_BACK_H
#define OM_TRAIN_SET_BACK_H

#include "ommatid/om_train.h"

/* Whether what an iteration changes is finite. Errors: OM_EDIVERGED with the number that is not. */
om_status om_state_check_trained(const om_state_layout *layout, const om_state *state);

/* Keeps where the model is: it has just been checked. */
void om_state_keep(const om_state_layout *layout, om_state *state);

/* A model that has diverged, as om_message() says, goes back to where it was kept, as
 * om_train_advance() describes. Errors: OM_EDIVERGED: there is no way back; the state is untouched. */
om_status om_state_set_back(const om_state_layout *layout, const om_train_options *options,
                            om_state *state);

#endif
