/* "RxT" into its halves. */
#include "cli/layout_option.h"

#include <string.h>

#include "base/fail.h"
#include "base/text.h"

om_status om_layout_option(const char *command, const char *text, int *ranks, int *threads)
{
    const size_t length = strcspn(text, "xX");
    char first[16] = "";
    int64_t r = 0, t = 0;
    if (*ranks > 0 || *threads > 0)
        return om_fail(OM_EUSAGE, "%s: --layout says both numbers: not with %s", command,
                       *ranks > 0 ? "-n" : "--threads");
    if (text[length] != '\0' && length < sizeof first) memcpy(first, text, length);
    if (!om_parse_int(first, &r) || !om_parse_int(text + length + 1, &t) || r < 1 ||
        r > OM_MOST_RANKS || t < 1 || t > OM_MOST_THREADS) {
        om_fail(OM_EUSAGE,
                "--layout '%s': expected ranks x threads, as in 4x2; ranks from 1 to %d, threads "
                "from 1 to %d",
                text, OM_MOST_RANKS, OM_MOST_THREADS);
        return om_hint(OM_EUSAGE, "ommatid %s --help", command);
    }
    *ranks = (int)r, *threads = (int)t;
    return OM_OK;
}
