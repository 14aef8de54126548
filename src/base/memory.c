/* Zeroed, aligned memory. Large blocks are mapped one by one: their pages come zeroed and only when they
 * are touched, and none of them stays with the process after it is freed, as those of a heap do. */
#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fail.h"

enum { LINE = 64, PAGE = 4096, HUGE_PAGE = 2 << 20 };

/* The large blocks that are in use: free() must know them from others. */
typedef struct mapping {
    void *memory;
    size_t bytes;
    struct mapping *next;
} mapping;

static mapping *mappings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Whole units of what a block is made of, at least one. */
static size_t round_up(size_t bytes)
{
    size_t unit = bytes < HUGE_PAGE ? LINE : PAGE;
    return bytes == 0 ? unit : (bytes + unit - 1) / unit * unit;
}

/* Maps whole pages from a boundary of huge ones. NULL: out of memory. */
static void *map(size_t bytes)
{
    mapping *m = malloc(sizeof *m);
    size_t reserved = bytes + HUGE_PAGE;
    char *start = mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == NULL || start == MAP_FAILED) {
        if (start != MAP_FAILED) munmap(start, reserved);
        free(m);
        return NULL;
    }
    size_t before = (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
    size_t after = reserved - bytes - before;
    if (before > 0) munmap(start, before);
    if (after > 0) munmap(start + before + bytes, after);
    *m = (mapping){.memory = start + before, .bytes = bytes};
    /* 4 KiB pages cost a TLB miss on nearly every row of the padded planes. Advice only. */
    madvise(m->memory, bytes, MADV_HUGEPAGE);
    pthread_mutex_lock(&lock);
    m->next = mappings;
    mappings = m;
    pthread_mutex_unlock(&lock);
    return m->memory;
}

/* False if it is no mapping. */
static bool unmap(void *memory)
{
    if (memory == NULL || (uintptr_t)memory % HUGE_PAGE != 0) return false;
    pthread_mutex_lock(&lock);
    mapping **at = &mappings;
    while (*at != NULL && (*at)->memory != memory) at = &(*at)->next;
    mapping *m = *at;
    if (m != NULL) *at = m->next;
    pthread_mutex_unlock(&lock);
    if (m == NULL) return false;
    munmap(m->memory, m->bytes);
    free(m);
    return true;
}

om_status om_alloc(size_t count, size_t size, void *out)
{
    void *memory = NULL;
    memcpy(out, &memory, sizeof memory);
    if (size != 0 && count > (SIZE_MAX - 2 * (size_t)HUGE_PAGE) / size)
        return om_fail(OM_ENOMEM, "out of memory: %zu items of %zu bytes", count, size);
    size_t bytes = round_up(count * size);
    if (bytes >= HUGE_PAGE)
        memory = map(bytes);
    else if ((memory = aligned_alloc(LINE, bytes)) != NULL)
        memset(memory, 0, bytes);
    if (memory == NULL) return om_fail(OM_ENOMEM, "out of memory: %zu bytes", bytes);
    memcpy(out, &memory, sizeof memory);
    return OM_OK;
}

void om_free(void *memory)
{
    if (!unmap(memory)) free(memory);
}

om_status om_alloc_arrays(const om_array *arrays, int n)
{
    for (int i = 0; i < n; i++) OM_TRY(om_alloc(arrays[i].count, arrays[i].size, arrays[i].out));
    return OM_OK;
}

void om_free_arrays(const om_array *arrays, int n)
{
    for (int i = 0; i < n; i++) {
        void *memory, *none = NULL;
        memcpy(&memory, arrays[i].out, sizeof memory);
        om_free(memory);
        memcpy(arrays[i].out, &none, sizeof none);
    }
}

size_t om_arrays_bytes(const om_array *arrays, int n)
{
    size_t bytes = 0;
    for (int i = 0; i < n; i++) bytes += round_up(arrays[i].count * arrays[i].size);
    return bytes;
}
