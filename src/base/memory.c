/* Zeroed, aligned memory. */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fail.h"

enum { LINE = 64, HUGE_PAGE = 2 << 20 };

om_status om_alloc(size_t count, size_t size, void *out)
{
    void *memory = NULL;
    memcpy(out, &memory, sizeof memory);
    if (size != 0 && count > (SIZE_MAX - HUGE_PAGE) / size)
        return om_fail(OM_ENOMEM, "out of memory: %zu items of %zu bytes", count, size);
    size_t bytes = count * size;
    size_t align = bytes > HUGE_PAGE ? HUGE_PAGE : LINE;
    bytes = (bytes + align) / align * align; /* at least one whole unit, so never zero bytes */
    memory = aligned_alloc(align, bytes);
    if (memory == NULL) return om_fail(OM_ENOMEM, "out of memory: %zu bytes", bytes);
    /* 4 KiB pages cost a TLB miss on nearly every row of the padded planes. Advice only. */
    if (align == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 0, bytes);
    memcpy(out, &memory, sizeof memory);
    return OM_OK;
}

void om_free(void *memory) { free(memory); }
