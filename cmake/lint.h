/* Read before every source that tools/lint looks at: tells the analyser that what sets a message
 * returns the status that it is given, which it cannot see from one source. */
#ifndef LINT_H
#define LINT_H

#include "base/fail.h"

#define om_fail(status, ...)      ((void)(om_fail)(status, __VA_ARGS__), (status))
#define om_context(status, ...)   ((void)(om_context)(status, __VA_ARGS__), (status))
#define om_hint(status, ...)      ((void)(om_hint)(status, __VA_ARGS__), (status))
#define om_fail_more(status, ...) ((void)(om_fail_more)(status, __VA_ARGS__), (status))

#endif
