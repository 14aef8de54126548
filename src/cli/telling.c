/* "10 of 60 networks; 35 s left". */
#include "cli/telling.h"

#include <stdio.h>

#include "base/clock.h"
#include "parallel/ranks.h"

om_telling om_telling_start(bool quiet)
{
    return (om_telling){.progress = om_progress_start(quiet || om_ranks_number() > 0),
                        .start_s = om_clock_s()};
}

void om_telling_step(om_telling *t, int all, const char *what)
{
    char line[160], left[32];
    om_tally_step(&t->tally);
    if (om_ranks_number() > 0) return;
    const int done = t->tally.done;
    snprintf(t->of, sizeof t->of, "%d %s", all, what);
    if (done == all) return; /* the last line follows */
    om_progress_duration((om_clock_s() - t->start_s) / done * (all - done), left, sizeof left);
    snprintf(line, sizeof line, "%d of %s; %s left", done, t->of, left);
    om_progress_show(&t->progress, line);
}

void om_telling_end(om_telling *t)
{
    char line[160], taken[32];
    om_tally_end(&t->tally);
    if (t->tally.done == 0) return;
    om_progress_duration(om_clock_s() - t->start_s, taken, sizeof taken);
    snprintf(line, sizeof line, "%d of %s in %s", t->tally.done, t->of, taken);
    om_progress_end_with(&t->progress, line);
}
