/* "3,7-9". */
#include "cli/numbers.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"

/* A number, or a range as "7-9". */
static bool read_range(const char *word, int64_t *first, int64_t *last)
{
    char from[16];
    const char *dash = strchr(word, '-');
    if (dash == NULL) return om_parse_int(word, first) && om_parse_int(word, last);
    snprintf(from, sizeof from, "%.*s", (int)(dash - word), word);
    return om_parse_int(from, first) && om_parse_int(dash + 1, last);
}

static om_status add(const char *option, int number, int *numbers, int *n)
{
    for (int i = 0; i < *n; i++)
        if (numbers[i] == number)
            return om_fail(OM_EUSAGE, "%s: %d is named twice", option, number);
    numbers[(*n)++] = number;
    return OM_OK;
}

om_status om_numbers_read(const char *option, const char *text, int count, int *numbers, int *n)
{
    *n = 0;
    for (const char *next = text; next != NULL;) {
        char word[32];
        int64_t first, last;
        const size_t length = strcspn(next, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, next);
        if (length >= sizeof word || !read_range(word, &first, &last) || first < 0 ||
            first > last || last >= count)
            return om_fail(OM_EUSAGE,
                           "%s '%s': '%.*s': expected a number from 0 to %d, or a range as 0-%d",
                           option, text, (int)length, next, count - 1, count - 1);
        for (int i = (int)first; i <= last; i++) OM_TRY(add(option, i, numbers, n));
        next = next[length] == ',' ? next + length + 1 : NULL;
    }
    return OM_OK;
}
