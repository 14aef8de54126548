/* Sums of iterations and of the seconds that they took, in which what is older counts less and less. */
#include "ensemble/pace.h"

#include <math.h>
#include <stdbool.h>

#include "base/memory.h"

static const double MEMORY_S = 60; /* of training of each model at work */
static const double LEAST_S = 1;   /* of training, before anything can be told by it */

typedef struct told {
    bool known;
    uint64_t iteration;
    double seconds; /* in the unit */
} told;

struct om_pace {
    double iterations, seconds;
    told told[]; /* [models] last */
};

om_status om_pace_create(int models, om_pace **pace)
{
    *pace = NULL;
    return om_alloc(1, sizeof **pace + (size_t)models * sizeof(told), pace);
}

void om_pace_free(om_pace *pace) { om_free(pace); }

void om_pace_take(om_pace *p, int model, uint64_t iteration, double seconds)
{
    told *last = &p->told[model];
    /* fewer seconds: of another unit, which began where the last one ended */
    const double spent = seconds - (seconds < last->seconds ? 0 : last->seconds);
    if (last->known && iteration > last->iteration && spent > 0) {
        const double keep = exp(-spent / MEMORY_S);
        p->iterations = p->iterations * keep + (double)(iteration - last->iteration);
        p->seconds = p->seconds * keep + spent;
    }
    *last = (told){true, iteration, seconds};
}

double om_pace_of_rank(const om_pace *p)
{
    return p->seconds >= LEAST_S ? p->iterations / p->seconds : 0;
}

double om_pace_seconds_left(const om_pace *p, int ranks, uint64_t left, uint64_t longest)
{
    const double rate = om_pace_of_rank(p);
    if (!(rate > 0) || ranks < 1) return NAN;
    return fmax((double)left / (rate * ranks), (double)longest / rate);
}
