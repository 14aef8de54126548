/* xxHash does the work. */
#include "base/checksum.h"

#define XXH_INLINE_ALL /* headers only: no library to link */
#include <xxhash.h>

uint64_t om_checksum(const void *data, size_t bytes, uint64_t before)
{
    return XXH3_64bits_withSeed(data, bytes, before);
}
