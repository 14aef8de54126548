/* Teams: ranks that train one model together, in lock step. What the members of a team find is exchanged
 * within it (om_exchange.h); what to do next the first one says. */
#ifndef OM_PARALLEL_TEAM_H
#define OM_PARALLEL_TEAM_H

#include "ommatid/om_exchange.h"
#include "ommatid/om_status.h"

typedef struct om_team om_team;

/* Collective of all ranks: those with the same number form a team, in the order of their ranks. A rank
 * with a negative number is in none: *team is NULL. */
om_status om_team_create(int number, om_team **team);
void om_team_free(om_team *team); /* collective of the team; accepts NULL */
/* It lasts as long as the team; NULL for none. */
const om_exchange *om_team_exchange(const om_team *team);
/* Collective of the team: the first member's bytes, with every member. Those who wait for them sleep in
 * between, as the first one may have nothing to do for long. */
void om_team_hand_on(om_team *team, void *data, size_t bytes);

#endif
