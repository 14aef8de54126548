/* Showing laboratory stimuli: the part of `ommatid scenes show` that --stimulus asks for. */
#ifndef CLI_STIMULUS_H
#define CLI_STIMULUS_H

#include <math.h>
#include <stdbool.h>

#include "ommatid/om_status.h"

extern const char *const om_stimulus_kinds[]; /* edge, bar, flash; ended by NULL */

enum { OM_NO_STIMULUS = -1, OM_NO_RADIUS = -2 };

/* What the options say; NAN: nothing. */
typedef struct om_stimulus_request {
    int kind;   /* in om_stimulus_kinds, or OM_NO_STIMULUS */
    int radius; /* or OM_NO_RADIUS */
    double angle, intensity, speed, width, dt;
    int extent, every; /* every: 0 if not given */
    const char *output;
    bool force;
} om_stimulus_request;
#define OM_STIMULUS_REQUEST                                                                        \
    {                                                                                              \
        .kind = OM_NO_STIMULUS, .radius = OM_NO_RADIUS, .angle = NAN, .intensity = NAN,            \
        .speed = NAN, .width = NAN, .dt = NAN                                                      \
    }

/* Whether any option of a stimulus was given. */
bool om_stimulus_asked(const om_stimulus_request *request);
/* Prints the table of conditions and writes the sheet, if there is a place for it. Errors: OM_EUSAGE
 * also for options that the stimulus has not. */
om_status om_stimulus_show(const om_stimulus_request *request, bool json);

#endif
