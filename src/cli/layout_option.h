/* `--layout RxT`, which several commands take. */
#ifndef CLI_LAYOUT_OPTION_H
#define CLI_LAYOUT_OPTION_H

#include "ommatid/om_status.h"

enum { OM_MOST_RANKS = 4096, OM_MOST_THREADS = 1024 };

/* "RxT" or "RXT" into ranks and threads, which must not have been given otherwise (0). Errors: OM_EUSAGE. */
om_status om_layout_option(const char *command, const char *text, int *ranks, int *threads);

#endif
