/* Teams of ranks, each on a communicator of its own. */
#include "parallel/team.h"

#include <mpi.h>

#include "base/clock.h"
#include "base/memory.h"

static const double PAUSE_S = 1e-3;

struct om_team {
    MPI_Comm comm;
    om_exchange exchange;
    int *bytes, *place; /* [members] of the items that are exchanged */
};

/* Waits in MPI, at full speed: the others are about to come. */
static void gather(void *context, void *data, int items, size_t bytes)
{
    om_team *t = context;
    const int members = t->exchange.members;
    for (int m = 0; m < members; m++) {
        const int first = om_exchange_first(members, m, items);
        t->place[m] = (int)((size_t)first * bytes);
        t->bytes[m] = (int)((size_t)(om_exchange_first(members, m + 1, items) - first) * bytes);
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data, t->bytes, t->place, MPI_BYTE, t->comm);
}

om_status om_team_create(int number, om_team **team)
{
    MPI_Comm comm;
    om_team *t = NULL;
    *team = NULL;
    MPI_Comm_split(MPI_COMM_WORLD, number < 0 ? MPI_UNDEFINED : number, 0, &comm);
    if (comm == MPI_COMM_NULL) return OM_OK;
    om_status status = om_alloc(1, sizeof *t, &t);
    if (status != OM_OK) {
        MPI_Comm_free(&comm);
        return status;
    }
    t->comm = comm;
    t->exchange = (om_exchange){.gather = gather, .context = t};
    MPI_Comm_size(comm, &t->exchange.members);
    MPI_Comm_rank(comm, &t->exchange.member);
    status = om_alloc((size_t)t->exchange.members, sizeof(int), &t->bytes);
    if (status == OM_OK) status = om_alloc((size_t)t->exchange.members, sizeof(int), &t->place);
    *team = t; /* to be freed by all of its members, or by none */
    return status;
}

void om_team_free(om_team *t)
{
    if (t == NULL) return;
    MPI_Comm_free(&t->comm);
    om_free(t->bytes);
    om_free(t->place);
    om_free(t);
}

const om_exchange *om_team_exchange(const om_team *t) { return t != NULL ? &t->exchange : NULL; }

void om_team_hand_on(om_team *t, void *data, size_t bytes)
{
    MPI_Request request;
    int there = t->exchange.member == 0;
    MPI_Ibcast(data, (int)bytes, MPI_BYTE, 0, t->comm, &request);
    while (!there) {
        MPI_Test(&request, &there, MPI_STATUS_IGNORE);
        if (!there) om_sleep_s(PAUSE_S);
    }
    MPI_Wait(&request, MPI_STATUS_IGNORE); /* of the first one; the others' is over */
}
