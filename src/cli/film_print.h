/* What was decoded from a film, in a few lines. */
#ifndef CLI_FILM_PRINT_H
#define CLI_FILM_PRINT_H

#include "ommatid/om_status.h"

/* path: a file of om_predict() of a film; models: [n_models] their numbers. Prints nothing where the
 * film has no flow to compare with. Errors: OM_EIO, OM_EDATA, OM_ENOMEM. */
om_status om_print_film(const char *path, const int *models);

#endif
