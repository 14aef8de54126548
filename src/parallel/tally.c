/* A step is a message to rank 0, which takes those that have come whenever it has done one itself. */
#include "parallel/tally.h"

#include <mpi.h>

#include "parallel/farm.h"
#include "parallel/ranks.h"

static bool hear(om_tally *t)
{
    char step;
    int from;
    const bool heard = om_farm_take(&step, sizeof step, &from);
    t->done += heard;
    return heard;
}

void om_tally_step(om_tally *t)
{
    const char step = 0;
    t->own++;
    if (om_ranks_number() > 0) {
        om_farm_send(0, &step, sizeof step);
        return;
    }
    t->done++;
    while (hear(t)) continue;
}

void om_tally_end(om_tally *t)
{
    int all;
    MPI_Allreduce(&t->own, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (om_ranks_number() > 0) return;
    while (t->done < all)
        if (!hear(t)) om_farm_pause();
}
