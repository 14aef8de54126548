/* Collects faults in the message of the failure that they will become. */
#include "circuit/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_FAULTS = 50, MOST_BYTES = 7000, FAULT_BYTES = 400 };

void om_faults_begin(om_faults *faults, const char *file)
{
    *faults = (om_faults){.file = file};
    om_message_clear();
}

void om_faults_place(om_faults *faults, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(faults->place, sizeof faults->place, format, args);
    va_end(args);
}

void om_faults_add(om_faults *faults, const char *format, ...)
{
    faults->n++;
    if (faults->n_listed == MOST_FAULTS || strlen(om_message()) > MOST_BYTES) return;
    char fault[FAULT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(fault, sizeof fault, format, args);
    va_end(args);
    om_fail_more(OM_EDATA, "%s%s: %s", faults->file, faults->place, fault);
    faults->n_listed++;
}

om_status om_faults_outcome(const om_faults *faults)
{
    if (faults->n == 0) return OM_OK;
    if (faults->n > faults->n_listed)
        om_fail_more(OM_EDATA, "%s: and %d more", faults->file, faults->n - faults->n_listed);
    return OM_EDATA;
}

const char *om_shown(const char *word, char shown[OM_SHOWN_BYTES])
{
    size_t length = 0, most = OM_SHOWN_BYTES - sizeof "...";
    for (; word[length] != '\0' && length < most; length++) {
        unsigned char byte = (unsigned char)word[length];
        shown[length] = byte < ' ' || byte >= 0x7f ? '?' : word[length];
    }
    strcpy(shown + length, word[length] != '\0' ? "..." : "");
    return shown;
}
