/* Terms to sums: those met before in their bag are told from the others, and counted. */

#ifndef PARASTANCE_COUNT_H
#define PARASTANCE_COUNT_H

#include "_kernel_sums.h"

/* The terms of a bag in one block under way. limits: by where an item counts, the number from which on what stood in its slot
   before makes it one that is not simply added: the bag's first, or 0 where it does not count both in the whole and the part. */
typedef struct {
    const Index *index;
    const uint32_t *items;
    uint32_t *last, *links;
    Tally *tallies;
    uint32_t mask, first; /* mask: of slots */
    uint64_t limits[4];
    const void *blank;
} Counting;

static int count_bag(Counting *counting, const Index *index, State *state, const Bag *bag, int split)
{
    Counter *counter = &state->counter;
    if (counter_begin(counter, bag->items.n)) return -1;
    *counting = (Counting){index, bag->items.at, counter->last, counter->links.at, counter->tallies.at,
                           (uint32_t)(counter->slots - 1), counter->first, {0, 0, split ? 0 : counter->first, counter->first},
                           state->blank};
    return 0;
}

/* The item whose number a slot held before item `at` came into it; `at` where that is none of the bag's, which begins at `first`. */
static inline uint32_t linked(uint32_t link, uint32_t first, uint32_t at) { return link - first < at ? link - first : at; }

/* What an item that may have been met before adds to the whole and to its sentence. */
typedef struct { Record *record; Gain whole, part; } Counted;

/* Count an item again; start: the first item of its sentence. */
static ALWAYS_INLINE Counted count_item(const Counting *counting, uint32_t at, size_t start)
{
    const uint32_t *items = counting->items, item = items[at];
    uint32_t before = linked(counting->links[at], counting->first, at);
    while (items[before] >> 2 != item >> 2) before = linked(counting->links[before], counting->first, at);
    counting->tallies[at] = (Tally){0, 0};
    Tally tally = counting->tallies[before];
    uint32_t in_whole = item >> 1 & 1, in_part = item & 1;
    tally.total += in_whole;
    tally.count = (tally.count & ((uint32_t)0 - (before >= start))) + in_part;
    counting->tallies[at] = tally;
    return (Counted){record_of(counting->index, item >> 2), gain_of(tally.total * in_whole), gain_of(tally.count * in_part)};
}

static ALWAYS_INLINE Addend count_again(const Counting *counting, uint32_t at, size_t start, float *square, float *own_square)
{
    Counted met = count_item(counting, at, start);
    *square += met.whole.square * met.record->square;
    *own_square += met.part.square * met.record->square;
    return (Addend){row_of(met.record), met.whole.value, met.part.value};
}

/* Add at most AT_ONCE items of a sentence. */
static ALWAYS_INLINE void add_some(const Counting *counting, size_t at, size_t end, size_t start, Sums *whole, Sums *part,
                                   size_t width, int split)
{
    const uint32_t *items = counting->items;
    uint32_t *last = counting->last, *links = counting->links, mask = counting->mask, first = counting->first;
    uintptr_t blank = (uintptr_t)counting->blank, base = (uintptr_t)counting->index->records - blank;
    uint32_t again[AT_ONCE];
    size_t n_again = 0;
    float square = 0.0F, more = 0.0F, own_more = 0.0F;
    Columns columns;
    Found found;
    columns_begin(&columns, 1);
    for (size_t place = at; place < end; place++) {
        uint32_t item = items[place];
        uintptr_t way = base + record_size(width) * (item >> 2); /* from the blank to the record */
        uint32_t slot = ((const Record *)(blank + way))->place & mask, link = last[slot];
        last[slot] = first + (uint32_t)place;
        links[place] = link;
        counting->tallies[place] = (Tally){1, 1};
        again[n_again] = (uint32_t)place;
        uint64_t is_new = all_bits_if_less(link, counting->limits[item & 3]);
        n_again += 1 + (size_t)is_new;
        const Record *record = (const Record *)(blank + (way & (uintptr_t)is_new));
        square += record->square;
        columns_row(&columns, weights_of(record), 1);
        if (width > 8) found.rows[place - at] = weights_of(record);
    }
    for (size_t i = 0; i < n_again; i++) {
        Addend addend = count_again(counting, again[i], start, &more, &own_more);
        columns_addend(&columns, addend.row, addend, 1, split);
        if (width > 8) found.addends[i] = addend;
    }
    columns_end(&columns, 0, 1, whole->at, part->at, split);
    whole->masked += (double)(square + more);
    if (split) part->masked += (double)(square + own_more);
    found.n = end - at, found.n_addends = n_again;
    if (width > 8) sum_others(&found, width, 1, whole->at, part->at, split);
}

/* Add the items start:end, a sentence's. */
static ALWAYS_INLINE void add_terms(const Counting *counting, size_t start, size_t end, Sums *whole, Sums *part, size_t width,
                                    int split)
{
    for (size_t at = start; at < end; at += AT_ONCE)
        add_some(counting, at, end - at < AT_ONCE ? end : at + AT_ONCE, start, whole, part, width, split);
}

/* Sum all items of a bag. */
WIDE static void sum_bag(const Counting *counting, size_t n, Sums *whole, size_t width)
{
    clear(whole, width);
    add_terms(counting, 0, n, whole, whole, width, 0);
}

#endif
