/* What the terms about actors say: their rows of weights to scores, all strands of a bag in one walk.

   Before and behind each item stands what the rows so far add up to, so that what any stretch of items says, be it a sentence's or
   a paragraph's, is the difference of two totals, and no loop ends with a stretch: how long one is no processor foresees. */

#ifndef PARASTANCE_ACTORS_H
#define PARASTANCE_ACTORS_H

#include "_kernel_count.h"

#define SMALLEST 1e-9 /* squared norm: less is what is left of sums that cancel each other out */

enum { STRIDE = 9 };

/* What the items of a bag add up to. rows: before and behind each, (STRIDE,): eight columns and squares, those that have to be
   counted as zeros. What these add stands apart: more: (blocks, places, width), of the whole, then of the sentences; more_squares:
   (blocks, places). records: where there are more columns, of each item, that of zeros for those counted apart. */
typedef struct {
    double *rows, *more, *more_squares;
    const Record **records;
    size_t sentences, places;
} Totals;

/* out = at + factor * row, of eight columns. */
static ALWAYS_INLINE void eight_more(double *out, const double *at, const float *row, double factor)
{
    Four low = four_sum(four_at(at), four_times(four_row(row), factor));
    Four high = four_sum(four_at(at + 4), four_times(four_row(row + 4), factor));
    four_put(out, low);
    four_put(out + 4, high);
}

/* Add up eight columns of the items that are met once; return how many have to be counted, listed in `again`. */
static ALWAYS_INLINE size_t add_up(const Counting *counting, size_t n, const Totals *totals, uint32_t *again, size_t width)
{
    const uint32_t *items = counting->items;
    uint32_t *last = counting->last, *links = counting->links, mask = counting->mask, first = counting->first;
    uintptr_t blank = (uintptr_t)counting->blank, base = (uintptr_t)counting->index->records - blank;
    Tally *tallies = counting->tallies;
    double *rows = totals->rows;
    Four low = four_zeros(), high = four_zeros();
    double square = 0.0;
    size_t n_again = 0;
    memset(rows, 0, STRIDE * sizeof *rows);
    for (size_t at = 0; at < n; at++) {
        uint32_t item = items[at];
        uintptr_t way = base + record_size(width) * (item >> 2); /* from the blank to the record */
        uint32_t slot = ((const Record *)(blank + way))->place & mask, link = last[slot];
        last[slot] = first + (uint32_t)at;
        links[at] = link;
        tallies[at] = (Tally){1, 1};
        again[n_again] = (uint32_t)at;
        uint64_t is_new = all_bits_if_less(link, counting->limits[item & 3]);
        n_again += 1 + (size_t)is_new;
        const Record *record = (const Record *)(blank + (way & (uintptr_t)is_new));
        const float *row = weights_of(record);
        rows += STRIDE;
        four_put(rows, low = four_sum(low, four_row(row)));
        four_put(rows + 4, high = four_sum(high, four_row(row + 4)));
        rows[8] = square += (double)record->square;
        if (width > 8) totals->records[at] = record;
    }
    return n_again;
}

/* The same of the columns first:first + 8 later. */
static inline void add_others(const Totals *totals, size_t n, size_t first)
{
    double *rows = totals->rows;
    for (size_t at = 0; at < n; at++, rows += STRIDE) eight_more(rows + STRIDE, rows, weights_of(totals->records[at]) + first, 1.0);
}

static ALWAYS_INLINE void add_counted(const Totals *totals, const Counted *met, Gain gain, size_t place, size_t width)
{
    double *more = totals->more + place * width;
    const float *row = row_of(met->record);
    for (size_t first = 0; first < width; first += 8) eight_more(more + first, more + first, row + first, (double)gain.value);
    totals->more_squares[place] += (double)(gain.square * met->record->square);
}

/* Add what may have been met before, counted. */
static ALWAYS_INLINE void add_again(const Counting *counting, const Bag *bag, const uint32_t *again, size_t n_again,
                                    const Totals *totals, size_t width, int split)
{
    const uint32_t *end = bag->ends.at;
    size_t start = 0, sentence = 0, places = totals->places;
    memset(totals->more, 0, ACTOR_BLOCKS * places * (width + 1) * sizeof *totals->more); /* and the squares behind it */
    for (size_t i = 0; i < n_again; i++) {
        for (; split && *end <= again[i]; end++) {
            start = *end;
            sentence = sentence + 1 < totals->sentences ? sentence + 1 : 0;
        }
        Counted met = count_item(counting, again[i], start);
        size_t place = met.record->block * places;
        add_counted(totals, &met, met.whole, place, width);
        if (split) add_counted(totals, &met, met.part, place + 1 + sentence, width);
    }
}

/* Some rows, and their squares, that are added to eight scores. */
typedef struct {
    Four low, high;
    double square;
} Sum;

static ALWAYS_INLINE void pour_sum(const Sum *sum, double *scores)
{
    if (sum->square <= SMALLEST) return;
    double scale = 1.0 / sqrt(sum->square);
    four_put(scores, four_sum(four_at(scores), four_times(sum->low, scale)));
    four_put(scores + 4, four_sum(four_at(scores + 4), four_times(sum->high, scale)));
}

/* Add the items low:high to a sum. */
static ALWAYS_INLINE void sum_stretch(Sum *sum, const Totals *totals, size_t low, size_t high)
{
    const double *from = totals->rows + STRIDE * low, *to = totals->rows + STRIDE * high;
    sum->low = four_sum(sum->low, four_less(four_at(to), four_at(from)));
    sum->high = four_sum(sum->high, four_less(four_at(to + 4), four_at(from + 4)));
    sum->square += to[8] - from[8];
}

/* The same of a term that is met once; NONE: of none. */
static ALWAYS_INLINE void sum_term(Sum *sum, const Counting *counting, uint32_t id, size_t first, size_t width)
{
    const Record *record = counting->blank;
    if (id != NONE) record = (const Record *)(const void *)(counting->index->records + record_size(width) * id);
    const float *row = weights_of(record) + first;
    sum->low = four_sum(sum->low, four_row(row));
    sum->high = four_sum(sum->high, four_row(row + 4));
    sum->square += (double)record->square;
}

/* Add what the sentences low:high say, of which `place` tells where it stands apart, to eight scores. */
static ALWAYS_INLINE void pour_part(const Scorer *scorer, const Counting *counting, const Actors *actors, const Totals *totals,
                                    size_t low, size_t high, size_t place, size_t first, size_t width, double *scores)
{
    const Bag *bag = &actors->bag;
    size_t n = totals->sentences;
    for (size_t block = 0; block < ACTOR_BLOCKS; block++) {
        if (!scorer->actors[block].index.n) continue;
        size_t apart = block * totals->places + place;
        const double *more = totals->more + apart * width + first;
        Sum sum = {four_at(more), four_at(more + 4), totals->more_squares[apart]};
        sum_stretch(&sum, totals, bag_start(bag, block * n + low), bag_start(bag, block * n + high));
        if (block < LOOKED_UP) {
            size_t strand = (ACTOR_BLOCKS + block) * n;
            const uint32_t *sums = actors->sums.at + 2 * (block * (n + 1) + (place ? place - 1 : n));
            sum_stretch(&sum, totals, bag_start(bag, strand + low), bag_start(bag, strand + high));
            sum_term(&sum, counting, sums[0], first, width);
            sum_term(&sum, counting, sums[1], first, width);
        }
        pour_sum(&sum, scores + first);
    }
}

static ALWAYS_INLINE void sum_actors(const Scorer *scorer, State *state, const Counting *counting, const Actors *actors,
                                     const Totals *totals, size_t width, int split)
{
    size_t n = actors->bag.items.n, sentences = totals->sentences;
    uint32_t *again = state->counter.again.at;
    size_t n_again = add_up(counting, n, totals, again, width);
    add_again(counting, &actors->bag, again, n_again, totals, width, split);
    for (size_t first = 0; first < width; first += 8) {
        if (first) add_others(totals, n, first);
        pour_part(scorer, counting, actors, totals, 0, sentences, 0, first, width, state->own);
        for (size_t at = 0; split && at < sentences; at++)
            pour_part(scorer, counting, actors, totals, at, at + 1, at + 1, first, width, state->parts.at + at * width);
    }
}

/* Add what the terms about actors say to state->own and, where `split`, to its sentences in state->parts; 0 on success, -1 where
   memory is out. */
WIDE static int score_actors(const Scorer *scorer, State *state, const Actors *actors, int split)
{
    const Bag *bag = &actors->bag;
    Counting counting;
    Counter *counter = &state->counter;
    size_t n = bag->items.n;
    if (!scorer->actor_index.n) return 0;
    if (count_bag(&counting, &scorer->actor_index, state, bag, split)) return -1;
    size_t width = state->width, sentences = bag->ends.n / STRANDS;
    size_t places = split ? sentences + 1 : 1, apart = ACTOR_BLOCKS * places;
    if (RESERVE(counter->again, n) || RESERVE(state->totals, STRIDE * (n + 1) + apart * (width + 1))) return -1;
    if (width > 8 && RESERVE(state->records, n)) return -1;
    Totals totals = {.rows = state->totals.at, .sentences = sentences, .places = places, .records = state->records.at};
    totals.more = totals.rows + STRIDE * (n + 1);
    totals.more_squares = totals.more + apart * width;
    if (width == 8) sum_actors(scorer, state, &counting, actors, &totals, 8, split);
    else sum_actors(scorer, state, &counting, actors, &totals, width, split);
    return 0;
}

#endif
