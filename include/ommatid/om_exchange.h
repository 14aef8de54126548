/* Several that compute one thing together, in lock step: a team. What they divide is a row of items,
 * of which each member has a run; what members find out of their items they exchange, so that everyone
 * can add up all of it, in the order of the items. So the result is that of one who does all of it. */
#ifndef OM_EXCHANGE_H
#define OM_EXCHANGE_H

#include <stddef.h>

typedef struct om_exchange {
    int members, member; /* how many; which one of them this is, from 0 */
    /* data: items of so many bytes each, the same number of them with every member, who has filled in its
     * own; when it returns all items are there. Collective: every member calls it, in the same order. */
    void (*gather)(void *context, void *data, int items, size_t bytes);
    void *context;
} om_exchange;

/* The first of a member's items; they end where the next one's begin. */
static inline int om_exchange_first(int members, int member, int items)
{
    return (int)((long)items * member / members);
}

/* The same for an exchange, which may be NULL: one who is alone, and has them all. */
static inline int om_exchange_own(const om_exchange *e, int items)
{
    return e != NULL ? om_exchange_first(e->members, e->member, items) : 0;
}
static inline int om_exchange_own_end(const om_exchange *e, int items)
{
    return e != NULL ? om_exchange_first(e->members, e->member + 1, items) : items;
}

/* exchange: may be NULL, and all items are there. */
static inline void om_exchange_gather(const om_exchange *e, void *data, int items, size_t bytes)
{
    if (e != NULL && e->members > 1) e->gather(e->context, data, items, bytes);
}

#endif
