/* What is derived from a model's answers to the battery. */
#ifndef OM_LAB_MEASURES_H
#define OM_LAB_MEASURES_H

#include "ommatid/om_validation.h"

#endif
