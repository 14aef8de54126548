/* The measures file of a store: a row for each model and each untrained one, labelled for xarray. */
#ifndef OM_LAB_MEASURES_FILE_H
#define OM_LAB_MEASURES_FILE_H

#include "ommatid/om_validation.h"
#include "store/h5.h"

/* Makes the file, whose rows are empty. names: of a validation without answers. */
om_status om_measures_file_create(const char *path, const om_store_info *info, const char *command,
                                  const om_validation *empty);
/* Whether the file belongs to this store. Errors: OM_EDATA. */
om_status om_measures_file_check(om_h5 *file, const char *path, const om_store_info *info);

/* One row: what was answered, and what is derived from it over all speeds. The checksum, of parameters
 * and row, is written last: a row is believed only if it holds. */
om_status om_measures_file_write(om_h5 *file, const om_validation *validation, bool untrained,
                                 const om_validated *model, uint64_t checksum);
/* Outcome, message, fri and peak. */
om_status om_measures_file_read(om_h5 *file, bool untrained, om_validated *model,
                                uint64_t *checksum);

#endif
