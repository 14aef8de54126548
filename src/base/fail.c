/* One message per thread, in a fixed buffer: reporting a failure must not itself fail. */
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 8192 };

static _Thread_local char message[MESSAGE_BYTES];

int om_exit_code(om_status status)
{
    switch (status) {
    case OM_OK: return 0;
    case OM_EUSAGE: return 2;
    case OM_EDATA: return 3;
    case OM_ESTOPPED: return 75;
    default: return 1;
    }
}

const char *om_message(void) { return message; }

void om_message_clear(void) { message[0] = '\0'; }

static void append(const char *before, const char *format, va_list args)
{
    size_t used = strlen(message);
    int n = snprintf(message + used, sizeof message - used, "%s", before);
    if (n > 0) used += (size_t)n;
    if (used < sizeof message) vsnprintf(message + used, sizeof message - used, format, args);
}

om_status om_fail(om_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[MESSAGE_BYTES]; /* the arguments may point into the old message */
    vsnprintf(text, sizeof text, format, args);
    memcpy(message, text, sizeof message);
    va_end(args);
    return status;
}

om_status om_context(om_status status, const char *format, ...)
{
    char old[MESSAGE_BYTES];
    memcpy(old, message, sizeof old);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof message)
        snprintf(message + n, sizeof message - (size_t)n, "%s%s", old[0] ? ": " : "", old);
    return status;
}

om_status om_hint(om_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    append("\n  try: ", format, args);
    va_end(args);
    return status;
}

om_status om_fail_more(om_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    append(message[0] ? "\n" : "", format, args);
    va_end(args);
    return status;
}

om_status om_fail_errno(const char *what, const char *file)
{
    int error = errno;
    return om_fail(error == ENOMEM ? OM_ENOMEM : OM_EIO, "%s: %s: %s", file, what, strerror(error));
}

om_status om_fail_input(const char *file)
{
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    const om_status status = om_fail_errno("cannot be opened", file);
    return missing ? OM_EDATA : status;
}
