/* Progress lines. */
#include "ensemble/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static const double EVERY_S = 60;

om_progress om_progress_start(bool quiet)
{
    bool terminal = isatty(STDERR_FILENO) || getenv("OMMATID_TERMINAL") != NULL;
    return (om_progress){.quiet = quiet, .terminal = terminal};
}

void om_progress_show(om_progress *p, const char *line)
{
    double now = om_clock_s();
    if (p->quiet) return;
    if (p->terminal) {
        fprintf(stderr, "\r%-*s", p->width, line); /* covers what a longer line left */
        p->width = (int)strlen(line);
    } else if (p->last_s == 0 || now - p->last_s >= EVERY_S) {
        fprintf(stderr, "%s\n", line);
        p->last_s = now;
    }
    fflush(stderr);
}

void om_progress_end(om_progress *p)
{
    if (!p->quiet && p->terminal && p->width > 0) fputc('\n', stderr);
    p->width = 0;
}

void om_progress_end_with(om_progress *p, const char *line)
{
    p->last_s = 0;
    om_progress_show(p, line);
    om_progress_end(p);
}

void om_progress_duration(double seconds, char *text, size_t bytes)
{
    long s = (long)(seconds + 0.5), minutes = s / 60, hours = minutes / 60;
    if (s < 60)
        snprintf(text, bytes, "%ld s", s);
    else if (minutes < 60)
        snprintf(text, bytes, "%ld min %ld s", minutes, s % 60);
    else if (hours < 48)
        snprintf(text, bytes, "%ld h %ld min", hours, minutes % 60);
    else
        snprintf(text, bytes, "%ld d %ld h", hours / 24, hours % 24);
}

double om_progress_interval(int ranks) { return ranks > 64 ? ranks / 64.0 : 1; }
