/* The progress of a run, for a person: one line a second on a terminal, one a minute elsewhere. */
#ifndef OM_ENSEMBLE_PROGRESS_H
#define OM_ENSEMBLE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct om_progress {
    bool quiet, terminal;
    double last_s; /* when the last line was printed; 0: never */
    int width;     /* of the line that stands on the terminal */
} om_progress;

/* A terminal is what stderr is, or what the launcher of the ranks says that its own is (the
 * environment's OMMATID_TERMINAL). */
om_progress om_progress_start(bool quiet);
/* Prints the line if it is time to. */
void om_progress_show(om_progress *progress, const char *line);
/* Ends the line that stands on the terminal. */
void om_progress_end(om_progress *progress);
/* Prints a last line in any case. */
void om_progress_end_with(om_progress *progress, const char *line);
/* A duration for a person: "45 s", "3 min 20 s", "4 h 12 min", "2 d 3 h". */
void om_progress_duration(double seconds, char *text, size_t bytes);

/* Seconds between two reports of a rank's progress to the coordinator: few enough that those of many
 * ranks do not keep it busy. */
double om_progress_interval(int ranks);

/* Seconds before the end of a unit at which a rank asks for its next one, about. */
#define OM_ASK_AHEAD_S 1.0

#endif
