/* Subwords: what a token's character n-grams add up to, once for each token. */

#ifndef PARASTANCE_SUBWORDS_H
#define PARASTANCE_SUBWORDS_H

#include "_kernel_count.h"
#include "_kernel_near.h"

/* The n-grams of 3 to 5 characters of a token given with a blank on either side, into state->grams. */
static int find_grams(const Scorer *scorer, State *state, const uint8_t *padded, size_t size)
{
    if (bag_begin(&state->grams, 1) || RESERVE(state->starts, size + 1) || RESERVE(state->grams.items, 3 * size)) return -1;
    uint32_t *start = state->starts.at; /* the byte of each character */
    size_t length = 0;
    for (size_t at = 0; at < size; at++)
        if ((padded[at] & 0xC0) != 0x80) start[length++] = (uint32_t)at;
    start[length] = (uint32_t)size;
    for (size_t n = 3; n <= 5; n++) {
        size_t grams = length <= n ? 1 : length - n + 1, width = length <= n ? length : n;
        for (size_t at = 0; at < grams; at++) {
            uint64_t hash = hash_bytes(padded + start[at], start[at + width] - start[at]);
            uint32_t id = index_find(&scorer->grams.index, term_key(GRAM, hash, 0));
            if (id != NONE) state->grams.items.at[state->grams.items.n++] = 4 * id + IN_WHOLE;
        }
        if (length <= n) break;
    }
    bag_end(&state->grams);
    return 0;
}

/* The subword scores of a token, given with a blank on either side, into `row`, which is 0; 0 on success. */
static int score_grams(const Scorer *scorer, State *state, const uint8_t *padded, size_t size, float *row)
{
    if (!scorer->grams.index.n) return 0;
    Counting counting;
    Sums whole = {state->whole, 0.0, 0.0};
    if (find_grams(scorer, state, padded, size) || count_bag(&counting, &scorer->grams.index, state, &state->grams, 0)) return -1;
    sum_bag(&counting, state->grams.items.n, &whole, scorer->width);
    for (size_t column = 0; column < scorer->width; column++) row[column] = (float)whole.at[column];
    return 0;
}

#endif
