/* Gaps in the reported field of a pair. A reconstruction of a few columns misses synapses, so the
 * paper's software counts one synapse at every offset inside the convex hull of those reported.
 * Which points of the boundary count as inside is a matter of its library's rule; it is kept,
 * because the numbers of synapses follow from it. */
#include "circuit/build.h"

#include <stdlib.h>

static int compare_offsets(const void *a, const void *b)
{
    const om_offset *p = a, *q = b;
    if (p->du != q->du) return p->du < q->du ? -1 : 1;
    return (p->dv > q->dv) - (p->dv < q->dv);
}

/* Twice the signed area of the triangle a, b, c: positive if it turns counter-clockwise. */
static int turn(om_offset a, om_offset b, om_offset c)
{
    return (b.du - a.du) * (c.dv - a.dv) - (b.dv - a.dv) * (c.du - a.du);
}

/* Andrew's monotone chain: adds one point to the chain that begins at hull[first]. */
static int extend(int n, om_offset *hull, int first, om_offset point)
{
    while (n - first >= 2 && turn(hull[n - 2], hull[n - 1], point) <= 0) n--;
    hull[n] = point;
    return n + 1;
}

int om_hull(int n, om_offset *points, om_offset *hull)
{
    qsort(points, (size_t)n, sizeof *points, compare_offsets);
    int size = 0;
    for (int i = 0; i < n; i++) size = extend(size, hull, 0, points[i]);
    int upper = size - 1;
    for (int i = n - 2; i >= 0; i--) size = extend(size, hull, upper, points[i]);
    return size - 1; /* the first point closes the chain */
}

bool om_hull_contains(int n, const om_offset *hull, om_offset point)
{
    bool inside = false;
    for (int i = 0; i < n; i++) {
        om_offset a = hull[i], b = hull[(i + 1) % n];
        bool above_a = a.dv >= point.dv, above_b = b.dv >= point.dv;
        if (above_a == above_b) continue;
        bool crosses = (b.dv - point.dv) * (a.du - b.du) >= (b.du - point.du) * (a.dv - b.dv);
        if (crosses == above_b) inside = !inside;
    }
    return inside;
}
