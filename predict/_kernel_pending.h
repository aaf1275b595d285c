/* Terms about actors that have to be looked up: first all are asked for, then those that are there are put into the bag. */

#ifndef PARASTANCE_PENDING_H
#define PARASTANCE_PENDING_H

#include "_kernel_view.h"

/* Keep what the index may know of that which has to be looked up, its records on their way into the cache. */
WIDE static void sift_pending(Pendings *pending, const Index *index)
{
    Pending *kept = pending->at;
    for (size_t at = 0; at < pending->n; at++) {
        unsigned may;
        uint64_t key = pending->at[at].key;
        kept->where = pending->at[at].where;
        kept->first = index_spot(index, key, &may);
        kept->key = key;
        kept += may;
    }
    pending->n = (size_t)(kept - pending->at);
}

/* Ask for the records of a bag's terms. */
static ALWAYS_INLINE void ask_for_records(const Index *index, const Bag *bag)
{
    const uint8_t *records = index->records;
    const uint32_t *item = bag->items.at, *end = item + bag->items.n;
    for (size_t size = index->size; item < end; item++) PREFETCH(records + size * (*item >> 2));
}

/* Put the strands of what was looked up and is known into the bag, behind the others; n: sentences. */
static int settle_pending(Actors *actors, const Index *index, size_t n)
{
    Bag *bag = &actors->bag;
    const Pendings *pending = &actors->pending;
    if (RESERVE(bag->items, bag->items.n + pending->n + 1)) return -1;
    uint32_t *ends = bag->ends.at + bag->ends.n, *known = bag->items.at + bag->items.n;
    memset(ends, 0, LOOKED_UP * n * sizeof *ends);
    for (size_t at = 0; at < pending->n; at++) {
        const Pending *one = &pending->at[at];
        known = put_id(known, index_follow(index, one->key, one->first), one->where & IN_BOTH);
        ends[(one->where >> 2 & 1) * n + (one->where >> 3)] = (uint32_t)(known - bag->items.at);
    }
    uint32_t end = (uint32_t)bag->items.n;
    for (size_t segment = 0; segment < LOOKED_UP * n; segment++) {
        end = ends[segment] > end ? ends[segment] : end;
        ends[segment] = end;
    }
    bag->items.n = end;
    bag->ends.n += LOOKED_UP * n;
    return 0;
}

#endif
