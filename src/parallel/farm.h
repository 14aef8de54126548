/* Messages between the coordinator (rank 0) and its workers: small blocks of bytes of fixed size, sent
 * without waiting. Waiting looks for a message every millisecond and sleeps in between, so that it
 * costs the ranks that compute next to nothing even where there are more ranks than cores. */
#ifndef OM_PARALLEL_FARM_H
#define OM_PARALLEL_FARM_H

#include <stdbool.h>
#include <stddef.h>

enum { OM_FARM_COORDINATOR = 0 };

/* Local. bytes: at most 1,024, so that the message travels at once. */
void om_farm_send(int rank, const void *message, size_t bytes);
/* Takes a message if one has come; *from: its sender. Local. */
bool om_farm_take(void *message, size_t bytes, int *from);
/* Sleeps between looks for a message: for a millisecond after one has come, then for longer, up to four. */
void om_farm_pause(void);

#endif
