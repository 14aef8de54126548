/* First contents of a store's datasets, from its plan. */
#ifndef OM_STORE_CONTENTS_H
#define OM_STORE_CONTENTS_H

#include "store/schema.h"

enum { OM_CONTENTS_OWNED = 64 };

typedef struct om_contents {
    const om_store_plan *plan;
    om_sizes sizes;
    const void *of[OM_N_FIELDS]; /* all of a field; NULL where nothing is known yet */
    void *owned[OM_CONTENTS_OWNED];
    int n_owned;
} om_contents;

/* All that a new store of this plan holds. Free it after failures, too. Errors: OM_ENOMEM, OM_EUSAGE. */
om_status om_contents_begin(const om_store_plan *plan, om_contents *contents);
/* Of that, what follows from circuit, options, layout and seed, and never changes. The plan needs no
 * scenes. */
om_status om_contents_constant(const om_store_plan *plan, om_contents *contents);
void om_contents_free(om_contents *contents);

om_sizes om_contents_sizes(const om_store_plan *plan);
size_t om_contents_bytes(om_field field, const om_sizes *sizes); /* of all of a field */

#endif
