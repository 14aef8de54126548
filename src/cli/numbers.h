/* Lists of numbers on the command line. */
#ifndef CLI_NUMBERS_H
#define CLI_NUMBERS_H

#include "ommatid/om_status.h"

/* Numbers from 0 to count - 1 as "3,7-9", each once: into numbers [count], *n of them. option, "--models",
 * is for the message. Errors: OM_EUSAGE. */
om_status om_numbers_read(const char *option, const char *text, int count, int *numbers, int *n);

#endif
