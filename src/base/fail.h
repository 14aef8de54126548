/* Setting the message that om_message() returns. Where the cause is known, om_fail() writes it;
 * on the way up om_context() says what was being done, and om_hint() what to try. All return the
 * status that they are given, so that a function can end with `return om_fail(...)`. */
#ifndef OM_BASE_FAIL_H
#define OM_BASE_FAIL_H

#include "ommatid/om_status.h"

#if defined(__GNUC__)
#define OM_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define OM_PRINTF(format_index, first)
#endif

/* Replaces the message. */
om_status om_fail(om_status status, const char *format, ...) OM_PRINTF(2, 3);
/* Puts "text: " before the message that is there. */
om_status om_context(om_status status, const char *format, ...) OM_PRINTF(2, 3);
/* Adds a line "  try: text" after the message that is there. */
om_status om_hint(om_status status, const char *format, ...) OM_PRINTF(2, 3);
/* Adds a further line to the message (a list of faults, say). */
om_status om_fail_more(om_status status, const char *format, ...) OM_PRINTF(2, 3);
/* For a failed system call: "what: file: strerror(errno)", OM_EIO (OM_ENOMEM for ENOMEM). */
om_status om_fail_errno(const char *what, const char *file);
/* The same for a file or folder that the user gave to be read and that cannot be opened: one that is not there
 * is a bad input, OM_EDATA. */
om_status om_fail_input(const char *file);
void om_message_clear(void);

/* Passes a failure up; for functions that have nothing to clean up. */
#define OM_TRY(call)                                                                               \
    do {                                                                                           \
        om_status om_try_status = (call);                                                          \
        if (om_try_status != OM_OK) return om_try_status;                                          \
    } while (0)

#endif
