/* A list of what was found in a store. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ommatid/om_check.h"

void om_findings_add(om_findings *f, om_finding finding, const char *format, ...)
{
    if (f->n == f->room) {
        const size_t room = 2 * f->room + 16;
        om_finding *items = realloc(f->items, room * sizeof *items);
        f->failed |= items == NULL;
        if (items == NULL) return;
        f->items = items;
        f->room = room;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(finding.what, sizeof finding.what, format, args);
    va_end(args);
    /* texts of a damaged file reach a person's terminal here */
    for (char *c = finding.what; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
    f->items[f->n++] = finding;
}

void om_findings_free(om_findings *f)
{
    free(f->items);
    *f = (om_findings){0};
}

const char *om_resume_name(om_resume resume)
{
    switch (resume) {
    case OM_RESUME_START: return "start";
    case OM_RESUME_GO_ON: return "go on";
    case OM_RESUME_NOTHING: return "nothing";
    case OM_RESUME_STOPPED: return "stopped";
    case OM_RESUME_DIVERGED: return "diverged";
    case OM_RESUME_REFUSED: return "refused";
    }
    return "unknown";
}

const char *om_lock_state_name(om_lock_state state)
{
    switch (state) {
    case OM_LOCK_NONE: return "none";
    case OM_LOCK_LIVE: return "live";
    case OM_LOCK_ELSEWHERE: return "elsewhere";
    case OM_LOCK_STALE: return "stale";
    case OM_LOCK_STRANGE: return "strange";
    }
    return "unknown";
}
