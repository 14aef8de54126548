/* Everything of libommatid, one header per module. */
#ifndef OMMATID_H
#define OMMATID_H

#include "ommatid/om_activation.h"
#include "ommatid/om_batch.h"
#include "ommatid/om_check.h"
#include "ommatid/om_circuit.h"
#include "ommatid/om_controls.h"
#include "ommatid/om_ensemble.h"
#include "ommatid/om_exchange.h"
#include "ommatid/om_experiment.h"
#include "ommatid/om_eye.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_loss.h"
#include "ommatid/om_params.h"
#include "ommatid/om_plan.h"
#include "ommatid/om_race.h"
#include "ommatid/om_random.h"
#include "ommatid/om_scenes.h"
#include "ommatid/om_spec.h"
#include "ommatid/om_statistics.h"
#include "ommatid/om_status.h"
#include "ommatid/om_stimuli.h"
#include "ommatid/om_store.h"
#include "ommatid/om_sweep.h"
#include "ommatid/om_train.h"
#include "ommatid/om_tuning.h"
#include "ommatid/om_validation.h"

#endif
