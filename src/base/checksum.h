/* Checksums of blocks of memory (XXH3, 64 bits): they find torn writes and changed inputs. */
#ifndef OM_BASE_CHECKSUM_H
#define OM_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Checksum of bytes of data, chained: pass the checksum of what came before, or 0. */
uint64_t om_checksum(const void *data, size_t bytes, uint64_t before);

#endif
