/* Tokens and terms to sums: each is counted, and its row added by what the count makes of it.

   A term's value is (1 + ln count) idf. So that each row of weights is fetched once for the paragraph and its sentence, and no
   counting goes before, the n-th time that a term is met adds what its value grows by from n - 1 to n. */

#ifndef PARASTANCE_COUNT_H
#define PARASTANCE_COUNT_H

#include "_kernel_sums.h"

/* Squared norms of a few terms, of the whole and of the sentence. */
typedef struct { float masked, notions, own_masked, own_notions; } Squares;

static inline void add_squares(Sink *sink, Squares squares)
{
    sink->whole.masked += (double)squares.masked;
    sink->whole.notions += (double)squares.notions;
    sink->part.masked += (double)squares.own_masked;
    sink->part.notions += (double)squares.own_notions;
}

/* Count tokens and say what their rows add; return whether one is known. */
static ALWAYS_INLINE uint32_t count_tokens(const Lexicon *lexicon, const uint32_t *tokens, size_t n, Sink *sink, int split,
                                           Addend *addends)
{
    uint32_t known = 0, now = sink->now, oldest = sink->oldest;
    Squares squares = {0};
    for (size_t at = 0; at < n; at++) {
        Head *head = head_of(lexicon, tokens[at]);
        Tally tally = touched(&head->tally, now, oldest);
        Gain whole = gain_of(++tally.total), part = {0};
        known |= head->known;
        squares.masked += whole.square * head->masked;
        squares.notions += whole.square * head->notion;
        if (split) {
            part = gain_of(++tally.count);
            squares.own_masked += part.square * head->masked;
            squares.own_notions += part.square * head->notion;
        }
        head->tally = tally;
        addends[at] = (Addend){rows_of(head), whole.value, part.value};
    }
    add_squares(sink, squares);
    return known;
}

/* Count terms of one block and say what their rows add. */
static ALWAYS_INLINE void count_terms(const Index *index, Counter *counter, const uint32_t *items, size_t n, Sink *sink, int split,
                                      Addend *addends)
{
    uint32_t now = sink->now, oldest = sink->oldest;
    Squares squares = {0};
    for (size_t at = 0; at < n; at++) {
        uint32_t id = items[at] >> 2, in_whole = items[at] >> 1 & 1, in_sentence = items[at] & 1;
        Record *record = record_of(index, id);
        Cell *cell = cell_of(counter, id, oldest);
        Tally tally = touched(&cell->tally, now, oldest);
        tally.total += in_whole;
        Gain whole = gain_of(tally.total * in_whole), part = {0};
        squares.masked += whole.square * record->square;
        if (split) {
            tally.count += in_sentence;
            part = gain_of(tally.count * in_sentence);
            squares.own_masked += part.square * record->square;
        }
        *cell = (Cell){id, tally};
        addends[at] = (Addend){row_of(record), whole.value, part.value};
    }
    add_squares(sink, squares);
}

/* Add a sentence's tokens; return whether one is known. */
WIDE static uint32_t add_tokens(const Lexicon *lexicon, const uint32_t *tokens, size_t n, Sink *sink, size_t width)
{
    Addend addends[AT_ONCE];
    uint32_t known = 0;
    for (size_t at = 0; at < n; at += AT_ONCE) {
        size_t some = n - at < AT_ONCE ? n - at : AT_ONCE;
        known |= sink->split ? count_tokens(lexicon, tokens + at, some, sink, 1, addends)
                             : count_tokens(lexicon, tokens + at, some, sink, 0, addends);
        sum_rows(addends, some, 3 * width, sink);
    }
    return known;
}

/* Add a sentence's terms in one block. */
WIDE static void add_terms(const Index *index, Counter *counter, const Bag *bag, size_t sentence, Sink *sink, size_t width)
{
    Addend addends[AT_ONCE];
    const uint32_t *items = bag->items.at;
    for (size_t at = bag_start(bag, sentence), end = bag->ends.at[sentence]; at < end; at += AT_ONCE) {
        size_t some = end - at < AT_ONCE ? end - at : AT_ONCE;
        if (sink->split) count_terms(index, counter, items + at, some, sink, 1, addends);
        else count_terms(index, counter, items + at, some, sink, 0, addends);
        sum_rows(addends, some, width, sink);
    }
}

/* Add the words of mentions first:last, which the masked n-grams have not, to the sums of the whole or of a sentence. */
WIDE static void add_mentioned(const State *state, const Paragraph *paragraph, const View *view, size_t first, size_t last, Sink *sink,
                               int whole)
{
    Sums *sums = whole ? &sink->whole : &sink->part;
    size_t width = state->width;
    for (; first < last; first++)
        for (uint32_t word = view->mentions.at[first].first; word < view->mentions.at[first].last; word++) {
            Head *head = head_of(&state->lexicon, paragraph->met.at[word].token);
            head->tally = touched(&head->tally, sink->now, sink->oldest);
            Gain gain = gain_of(whole ? ++head->tally.total : ++head->tally.count);
            for (size_t column = width; column < 3 * width; column += 8) {
                Eight added = eight_plus(eight_zeros(), eight_at(rows_of(head) + column), gain.value);
                add_eight(sums->at + column, &added);
            }
            sums->notions += (double)(gain.square * head->notion);
        }
}

static Sink sink_of(const State *state, int split)
{
    return (Sink){{state->whole, 0.0, 0.0}, {state->part, 0.0, 0.0}, 0, state->stamp + 1, split};
}

#endif
