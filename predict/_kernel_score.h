/* Features to scores: counts, TF-IDF and the sums of weights, for a paragraph and its sentences. */

#ifndef PARASTANCE_SCORE_H
#define PARASTANCE_SCORE_H

#include <math.h>

#include "_kernel_shape.h"
#include "_kernel_terms.h"

#define LOGARITHMS 256
#define KEPT_WORDS 100000 /* word types kept; some 20 MB a thread */
#define KEPT_LETTERS (16U << 20)

static double one_plus_log[LOGARITHMS];

/* How often each feature stands in what is scored: a hash table as small as that, so that it stays in the nearest cache. */
typedef struct { uint32_t id, count; } Cell; /* count 0: empty */

typedef struct {
    Cell *cells;
    size_t n_cells;
    Ids touched; /* cells, in the order in which features were met */
} Counter;

typedef struct {
    size_t width;   /* columns, a multiple of 4; those behind the labels are 0 */
    size_t stance;  /* columns from this one on see the target asked for */
    Block masked, relations, frames, names, clauses, grams, notions;
    uint64_t parts[CONJUNCTIONS]; /* their hashes */
    double *shape;  /* (SHAPES, width) or NULL */
    double *bias;   /* (width,) */
    int32_t *reference; /* (width,): the column an exclusive head's scores are counted from, -1 for none */
    uint8_t *pooled;    /* (width,): whether the strongest sentence's share is added */
    double share;
} Scorer;

/* A word in the text: its hash, its first 8 bytes, where it starts in bytes and how long it is. */
typedef struct { uint64_t hash, lane; uint32_t first, length; } Spot;

/* What one thread works with. */
typedef struct State {
    struct State *next;
    TextBuffer buffer;
    Lexicon lexicon;
    float *token_rows; /* (tokens, 2 width): the subword scores of each, and its row of the notions */
    size_t token_room;
    Ids ids, places, scratch, starts;
    VECTOR(uint8_t) letters;
    VECTOR(Spot) spots;
    Ids ends, word_ends; /* of sentences, in characters and in words */
    View home, asked;
    Counter masked, relations, frames, names, clauses, grams, words;
    View framed, own_names, own_clauses; /* of the view that was seen last */
    double *sums, *own, *best, *part; /* (width,) each; best: two */
} State;

static void counter_free(Counter *counter)
{
    free(counter->cells);
    free(counter->touched.at);
}

static void state_free(State *state)
{
    if (state == NULL) return;
    free(state->buffer.bytes.at);
    free(state->buffer.point.at);
    free(state->buffer.class.at);
    free(state->buffer.offset.at);
    lexicon_free(&state->lexicon);
    free(state->token_rows);
    free(state->ids.at);
    free(state->places.at);
    free(state->scratch.at);
    free(state->starts.at);
    free(state->letters.at);
    free(state->spots.at);
    free(state->ends.at);
    free(state->word_ends.at);
    view_free(&state->home);
    view_free(&state->asked);
    view_free(&state->framed);
    view_free(&state->own_names);
    view_free(&state->own_clauses);
    Counter *counters[] = {&state->masked, &state->relations, &state->frames, &state->names, &state->clauses, &state->grams, &state->words};
    for (size_t i = 0; i < 7; i++) counter_free(counters[i]);
    free(state->sums);
    free(state->own);
    free(state->best);
    free(state->part);
    free(state);
}

/* Make room for n features; 0 on success, -1 where memory is out. */
static int counter_reserve(Counter *counter, size_t n)
{
    if (2 * n <= counter->n_cells) return 0;
    size_t wanted = 256;
    while (wanted < 2 * n) wanted *= 2;
    Cell *cells = calloc(wanted, sizeof *cells);
    if (cells == NULL) return -1;
    free(counter->cells); /* which are all empty between two countings */
    counter->cells = cells;
    counter->n_cells = wanted;
    return 0;
}

/* Count ids, none having been counted since the last were cleared. */
static inline int tally(Counter *counter, const uint32_t *ids, size_t n)
{
    if (counter_reserve(counter, n) || RESERVE(counter->touched, n)) return -1;
    Cell *cells = counter->cells;
    uint32_t *touched = counter->touched.at;
    size_t found = 0, mask = counter->n_cells - 1;
    for (size_t at = 0; at < n; at++) {
        uint32_t id = ids[at];
        size_t cell = ((id * 0x9E3779B1U) >> 8) & mask;
        while (cells[cell].count && cells[cell].id != id) cell = (cell + 1) & mask;
        touched[found] = (uint32_t)cell;
        found += cells[cell].count++ == 0;
        cells[cell].id = id;
    }
    counter->touched.n = found;
    return 0;
}

static inline double frequency(uint32_t count) { return count < LOGARITHMS ? one_plus_log[count] : 1.0 + log((double)count); }

static inline void add_row(double *sums, const float *row, double value, size_t width)
{
    for (size_t column = 0; column < width; column += 4) {
        sums[column] += value * row[column];
        sums[column + 1] += value * row[column + 1];
        sums[column + 2] += value * row[column + 2];
        sums[column + 3] += value * row[column + 3];
    }
}

/* Add the sums of TF-IDF times weights to `sums`, clear the counter, return the squared L2 norm. */
WIDE static double weigh(const Block *block, Counter *counter, double *sums, size_t width)
{
    double norm = 0.0;
    const uint32_t *touched = counter->touched.at;
    size_t n = counter->touched.n;
    counter->touched.n = 0;
    for (size_t at = 0; at < n; at++) {
        Cell *cell = &counter->cells[touched[at]];
        uint32_t id = cell->id;
        double value = frequency(cell->count) * block->idf[id];
        cell->count = 0;
        norm += value * value;
        if (width == 8) add_row(sums, block->rows + 8 * (size_t)id, value, 8);
        else add_row(sums, block->rows + width * id, value, width);
    }
    return norm;
}

/* Add `sums` times a scale to `scores` and clear them. */
static void pour(double *sums, double scale, double *scores, size_t width)
{
    for (size_t column = 0; column < width; column++) {
        scores[column] += scale * sums[column];
        sums[column] = 0.0;
    }
}

static int score_bag(const Block *block, Counter *counter, const uint32_t *ids, size_t n, State *state, double *scores, size_t width)
{
    if (!block->n || !n) return 0;
    if (tally(counter, ids, n)) return -1;
    double norm = weigh(block, counter, state->sums, width);
    if (norm > 0.0) pour(state->sums, 1.0 / sqrt(norm), scores, width);
    return 0;
}

/* The blocks that see words as they are: subwords over the square root of their number, notions as a bag. */
WIDE static int score_words(const Scorer *scorer, State *state, size_t start, size_t end, double *scores)
{
    size_t width = scorer->width, n = end - start;
    if (!n || (!scorer->grams.n && !scorer->notions.n)) return 0;
    if (RESERVE(state->scratch, n)) return -1;
    for (size_t at = start; at < end; at++) state->scratch.at[at - start] = state->lexicon.words.at[state->ids.at[at]].token;
    if (tally(&state->words, state->scratch.at, n)) return -1;
    double norm = 0.0, *part = state->part;
    memset(part, 0, width * sizeof *part);
    for (size_t at = 0; at < state->words.touched.n; at++) {
        Cell *cell = &state->words.cells[state->words.touched.at[at]];
        uint32_t token = cell->id;
        const float *row = state->token_rows + 2 * width * token;
        double value = frequency(cell->count), notion = value * state->lexicon.tokens.at[token].notion;
        cell->count = 0;
        norm += notion * notion;
        if (width == 8) {
            add_row(state->sums, row, value, 8);
            add_row(part, row + 8, notion, 8);
        } else {
            add_row(state->sums, row, value, width);
            add_row(part, row + width, notion, width);
        }
    }
    state->words.touched.n = 0;
    pour(state->sums, 1.0 / sqrt((double)n), scores, width);
    if (norm > 0.0) pour(part, 1.0 / sqrt(norm), scores, width);
    return 0;
}

/* The subword scores of a token, given with a blank on either side, into `row`. */
static int score_grams(const Scorer *scorer, State *state, const uint8_t *padded, size_t size, float *row)
{
    Ids *found = &state->scratch;
    memset(row, 0, scorer->width * sizeof *row);
    if (!scorer->grams.n) return 0;
    if (RESERVE(state->starts, size + 1)) return -1;
    uint32_t *start = state->starts.at; /* the byte of each character */
    size_t length = 0;
    for (size_t at = 0; at < size; at++)
        if ((padded[at] & 0xC0) != 0x80) start[length++] = (uint32_t)at;
    start[length] = (uint32_t)size;
    found->n = 0;
    for (size_t n = 3; n <= 5; n++) {
        size_t grams = length <= n ? 1 : length - n + 1, width = length <= n ? length : n;
        for (size_t at = 0; at < grams; at++) {
            uint64_t hash = hash_bytes(padded + start[at], start[at + width] - start[at]);
            uint32_t id = table_find(&scorer->grams.table, term_key(GRAM, hash, 0));
            if (id == NONE) continue;
            if (RESERVE(*found, found->n + 1)) return -1;
            found->at[found->n++] = id;
        }
        if (length <= n) break;
    }
    if (tally(&state->grams, found->at, found->n)) return -1;
    memset(state->part, 0, scorer->width * sizeof *state->part);
    weigh(&scorer->grams, &state->grams, state->part, scorer->width);
    for (size_t column = 0; column < scorer->width; column++) row[column] = (float)state->part[column];
    return 0;
}

/* A block whose terms lie in a view's relations. */
static int score_relations(const Block *block, Counter *counter, const View *view, size_t sentence, int whole, State *state,
                           double *scores, size_t width)
{
    if (!block->n) return 0;
    if (whole) return score_bag(block, counter, view->relations.at, view->relations.n, state, scores, width);
    const uint32_t *slice = view->inside_slices.at + 2 * sentence;
    return score_bag(block, counter, view->inside.at ? view->inside.at + slice[0] : NULL, slice[1] - slice[0], state, scores, width);
}

/* The scores of a part of a paragraph as one view sees it: the whole, or a sentence (from 0); bias included. */
static int score_part(const Scorer *scorer, State *state, const View *view, size_t sentence, int whole, double *scores)
{
    size_t width = scorer->width;
    memcpy(scores, scorer->bias, width * sizeof *scores);
    const uint32_t *masked = view->masked.at;
    size_t n_masked = view->masked.n, start = 0, end = state->ids.n;
    if (!whole) {
        const uint32_t *slice = view->masked_slices.at + 2 * sentence;
        masked += slice[0];
        n_masked = slice[1] - slice[0];
        start = sentence ? state->word_ends.at[sentence - 1] : 0;
        end = state->word_ends.at[sentence];
    }
    if (score_bag(&scorer->masked, &state->masked, masked, n_masked, state, scores, width)) return -1;
    if (score_relations(&scorer->relations, &state->relations, view, sentence, whole, state, scores, width)) return -1;
    if (score_relations(&scorer->frames, &state->frames, &state->framed, sentence, whole, state, scores, width)) return -1;
    if (score_relations(&scorer->names, &state->names, &state->own_names, sentence, whole, state, scores, width)) return -1;
    if (score_relations(&scorer->clauses, &state->clauses, &state->own_clauses, sentence, whole, state, scores, width)) return -1;
    return score_words(scorer, state, start, end, scores);
}

static double counted_from(const Scorer *scorer, const double *scores, size_t column)
{
    int32_t reference = scorer->reference[column];
    return reference < 0 ? scores[column] : scores[column] - scores[reference];
}

/* Fill columns low:high of `out` with a paragraph's scores as one view sees it, pooled where `pool` says so. */
static int score_view(const Scorer *scorer, State *state, const View *view, size_t low, size_t high, const double *shape, int pool,
                      double *out)
{
    double *own = state->own, *best = state->best;
    size_t width = scorer->width, sentences = state->word_ends.n;
    if (score_part(scorer, state, view, 0, 1, own)) return -1;
    if (shape && scorer->shape)
        for (size_t value = 0; value < SHAPES; value++)
            for (size_t column = 0; column < width && shape[value] != 0.0; column++)
                own[column] += shape[value] * scorer->shape[value * width + column];
    for (size_t column = low; column < high; column++) best[column] = counted_from(scorer, own, column);
    if (pool && sentences > 1) {
        double *sentence_scores = state->best + width; /* the buffer is two rows long */
        for (size_t sentence = 0; sentence < sentences; sentence++) {
            if (score_part(scorer, state, view, sentence, 0, sentence_scores)) return -1;
            for (size_t column = low; column < high; column++) {
                double value = counted_from(scorer, sentence_scores, column);
                if (sentence == 0 || value > best[column]) best[column] = value;
            }
        }
    }
    for (size_t column = low; column < high; column++)
        out[column] = pool && scorer->pooled[column] ? counted_from(scorer, own, column) + scorer->share * best[column] : own[column];
    return 0;
}

#endif
