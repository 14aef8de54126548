/* Every fault of a file in one message: a reader goes on after a fault, and what it found is
 * reported once, at the end. Each fault is one line "FILE PLACE: what", PLACE being ":12" (a line)
 * or ": edges[3]" (an element). */
#ifndef CIRCUIT_FAULTS_H
#define CIRCUIT_FAULTS_H

#include "base/fail.h"

enum { OM_SHOWN_BYTES = 48 };

typedef struct om_faults {
    const char *file; /* for messages; outlives the reading */
    char place[64];   /* where the reader is */
    int n, n_listed;
} om_faults;

/* Starts with no fault and no message; the place is the whole file. */
void om_faults_begin(om_faults *faults, const char *file);
void om_faults_place(om_faults *faults, const char *format, ...) OM_PRINTF(2, 3);
/* Lists a fault at the current place; past what fits into a message it is only counted. */
void om_faults_add(om_faults *faults, const char *format, ...) OM_PRINTF(2, 3);
/* OM_OK, or OM_EDATA with the list as its message. */
om_status om_faults_outcome(const om_faults *faults);

/* A word of a file as it can be shown on a terminal: cut short, bytes that do not print as '?'. */
const char *om_shown(const char *word, char shown[OM_SHOWN_BYTES]);

#endif
