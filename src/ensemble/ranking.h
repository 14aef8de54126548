/* The ranking as the store keeps it. */
#ifndef OM_ENSEMBLE_RANKING_H
#define OM_ENSEMBLE_RANKING_H

#include "ommatid/om_ensemble.h"

/* Ranks the models and writes places, errors, spreads and stabilities into the store. Local. */
om_status om_ranking_store(om_store *store);

#endif
