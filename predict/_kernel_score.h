/* Features to scores: counts, TF-IDF and the sums of weights, for a paragraph and its sentences in one pass.

   A term's value is (1 + ln count) idf. So that each row of weights is fetched once for the paragraph and its sentence, and no
   counting goes before, the n-th time that a term is met adds what its value grows by from n - 1 to n. */

#ifndef PARASTANCE_SCORE_H
#define PARASTANCE_SCORE_H

#include "_kernel_state.h"

#define LOGARITHMS 256

/* By how much 1 + ln count and its square grow with the n-th; filled at import. */
typedef struct { float value, square; } Gain;

static Gain gains[LOGARITHMS];

static double frequency(uint32_t count) { return count ? 1.0 + log((double)count) : 0.0; }

static Gain gain_beyond(uint32_t count)
{
    double now = frequency(count), before = frequency(count - 1);
    return (Gain){(float)(now - before), (float)(now * now - before * before)};
}

static void fill_gains(void)
{
    for (uint32_t count = 1; count < LOGARITHMS; count++) gains[count] = gain_beyond(count);
}

static inline Gain gain_of(uint32_t count) { return count < LOGARITHMS ? gains[count] : gain_beyond(count); }

#if defined(__GNUC__)
typedef float Eight __attribute__((vector_size(32))); /* which compilers map to what registers there are */
typedef float EightAnywhere __attribute__((vector_size(32), aligned(4), may_alias));
#define eight_zeros() ((Eight){0})
#define eight_plus(sum, row, factor) ((sum) + (row) * (factor))
#define eight_at(place) (*(const EightAnywhere *)(const void *)(place))
#else
typedef struct { float at[8]; } Eight;

static inline Eight eight_zeros(void) { return (Eight){{0}}; }

static inline Eight eight_at(const float *place)
{
    Eight eight;
    memcpy(&eight, place, sizeof eight);
    return eight;
}

static inline Eight eight_plus(Eight sum, Eight row, float factor)
{
    for (size_t i = 0; i < 8; i++) sum.at[i] += row.at[i] * factor;
    return sum;
}
#endif

static ALWAYS_INLINE void add_eight(double *sums, const Eight *few)
{
    float values[8];
    memcpy(values, few, sizeof values);
    for (size_t i = 0; i < 8; i++) sums[i] += (double)values[i];
}

/* Sums of what is scored: weights times values, (3 width,), and squared L2 norms of the masked n-grams and the notions. */
typedef struct {
    double *at;
    double masked, notions;
} Sums;

/* A row of weights that is added, and by which factors: to the sums of the whole paragraph, and to those of a sentence. */
typedef struct {
    const float *row;
    float whole, part;
} Addend;

enum { AT_ONCE = 64 }; /* addends that are summed as float32, which costs the scores less than 1e-6, before that is added as float64 */

/* What a paragraph and, where `split`, a sentence of it are summed into. now, oldest: the stamps of the sentence and of the
   paragraph's first. */
typedef struct {
    Sums whole, part;
    uint32_t now, oldest;
    int split;
} Sink;

/* Add 8 `eights` columns of at most AT_ONCE rows to the sums of the whole and, where `split`, of the sentence. */
static ALWAYS_INLINE void sum_columns(const Addend *addends, size_t n, size_t first, size_t eights, int split, const Sink *sink)
{
    Eight whole[3], part[3]; /* which the compiler keeps in registers */
    for (size_t i = 0; i < eights; i++) whole[i] = part[i] = eight_zeros();
    for (size_t at = 0; at < n; at++)
        for (size_t i = 0; i < eights; i++) {
            Eight row = eight_at(addends[at].row + first + 8 * i);
            whole[i] = eight_plus(whole[i], row, addends[at].whole);
            if (split) part[i] = eight_plus(part[i], row, addends[at].part);
        }
    for (size_t i = 0; i < eights; i++) {
        add_eight(sink->whole.at + first + 8 * i, &whole[i]);
        if (split) add_eight(sink->part.at + first + 8 * i, &part[i]);
    }
}

/* Add `total` columns, which are some times 8, or some times 24. */
WIDE static void sum_rows(const Addend *addends, size_t n, size_t total, const Sink *sink)
{
    size_t eights = total % 24 ? 1 : 3;
    for (size_t first = 0; first < total; first += 8 * eights) {
        if (eights == 3 && sink->split) sum_columns(addends, n, first, 3, 1, sink);
        else if (eights == 3) sum_columns(addends, n, first, 3, 0, sink);
        else sum_columns(addends, n, first, 1, sink->split, sink);
    }
}

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
static ALWAYS_INLINE uint32_t count_tokens(const Lexicon *lexicon, const uint32_t *tokens, size_t n, Sink *sink, int split, Addend *addends)
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
static ALWAYS_INLINE void count_terms(const Index *index, Counter *counter, const uint32_t *items, size_t n, Sink *sink, int split, Addend *addends)
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
static uint32_t add_tokens(const Lexicon *lexicon, const uint32_t *tokens, size_t n, Sink *sink, size_t width)
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
static void add_terms(const Index *index, Counter *counter, const Bag *bag, size_t sentence, Sink *sink, size_t width)
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

static inline void clear(Sums *sums, size_t n)
{
    for (size_t column = 0; column < n; column++) sums->at[column] = 0.0;
    sums->masked = sums->notions = 0.0;
}

static inline void pour(const double *sums, double norm, double *scores, size_t width)
{
    if (norm <= 0.0) return;
    double scale = 1.0 / sqrt(norm);
    for (size_t column = 0; column < width; column++) scores[column] += scale * sums[column];
}

/* Add the sums of n words and of their n-grams to the scores. */
static void pour_words(const Sums *sums, size_t n, double *scores, size_t width)
{
    pour(sums->at, sums->masked, scores, width);
    pour(sums->at + width, (double)n, scores, width);
    pour(sums->at + 2 * width, sums->notions, scores, width);
}

/* Add the words of mentions first:last, which the masked n-grams have not, to the sums of the whole or of a sentence. */
static void add_mentioned(const State *state, const Paragraph *paragraph, const View *view, size_t first, size_t last, Sink *sink, int whole)
{
    Sums *sums = whole ? &sink->whole : &sink->part;
    size_t width = state->width;
    for (; first < last; first++)
        for (uint32_t word = view->mentions.at[first].first; word < view->mentions.at[first].last; word++) {
            Head *head = head_of(&state->lexicon, paragraph->met.at[word].token);
            head->tally = touched(&head->tally, sink->now, sink->oldest);
            Gain gain = gain_of(whole ? ++head->tally.total : ++head->tally.count);
            for (size_t column = width; column < 3 * width; column++) sums->at[column] += (double)(gain.value * rows_of(head)[column]);
            sums->notions += (double)(gain.square * head->notion);
        }
}

static Sink sink_of(const State *state, int split)
{
    return (Sink){{state->whole, 0.0, 0.0}, {state->part, 0.0, 0.0}, 0, state->stamp + 1, split};
}

/* Score a paragraph's words and masked n-grams into state->own and, where `split`, its sentences' into state->parts; return
   whether any n-gram is known, -1 where memory is out. */
static int score_words(const Scorer *scorer, State *state, const Paragraph *paragraph, const View *view, int split)
{
    const Bag *bag = &view->ngrams;
    Sink sink = sink_of(state, split);
    uint32_t known = 0;
    size_t width = state->width, start = 0, word = 0, mention = 0;
    if (counter_reserve(&state->counter, bag->items.n)) return -1;
    clear(&sink.whole, 3 * width);
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        size_t end = view->ends.at[sentence], before = mention;
        sink.now = ++state->stamp;
        if (split) clear(&sink.part, 3 * width);
        known |= add_tokens(&state->lexicon, view->tokens.at + start, end - start, &sink, width);
        add_terms(&scorer->masked.index, &state->counter, bag, sentence, &sink, width);
        start = end;
        if (!split) continue;
        while (mention < view->mentions.n && view->mentions.at[mention].first < paragraph->word_ends.at[sentence]) mention++;
        add_mentioned(state, paragraph, view, before, mention, &sink, 0);
        pour_words(&sink.part, paragraph->word_ends.at[sentence] - word, state->parts.at + sentence * width, width);
        word = paragraph->word_ends.at[sentence];
    }
    add_mentioned(state, paragraph, view, 0, view->mentions.n, &sink, 1);
    pour_words(&sink.whole, paragraph->met.n, state->own, width);
    return known || bag->items.n;
}

/* Add what a bag of terms says to the same scores. */
static int score_bag(const Index *index, State *state, const Bag *bag, int split)
{
    if (!index->n || !bag->items.n) return 0;
    if (counter_reserve(&state->counter, bag->items.n)) return -1;
    Sink sink = sink_of(state, split);
    size_t width = state->width;
    clear(&sink.whole, width);
    for (size_t sentence = 0; sentence < bag->ends.n; sentence++) {
        sink.now = ++state->stamp;
        if (split) clear(&sink.part, width);
        add_terms(index, &state->counter, bag, sentence, &sink, width);
        if (split) pour(sink.part.at, sink.part.masked, state->parts.at + sentence * width, width);
    }
    pour(sink.whole.at, sink.whole.masked, state->own, width);
    return 0;
}

/* Add what the shape of the line says. */
WIDE static void score_shape(const Scorer *scorer, const double *shape, double *scores)
{
    for (size_t first = 0; first < scorer->shape_columns; first += 4) {
        double sums[4] = {0};
        for (size_t value = 0; value < SHAPES; value++)
            for (size_t column = 0; column < 4; column++)
                sums[column] += shape[value] * scorer->shape[value * scorer->width + first + column];
        for (size_t column = 0; column < 4; column++) scores[first + column] += sums[column];
    }
}

static inline double counted_from(const Scorer *scorer, const double *scores, size_t column)
{
    int32_t reference = scorer->reference[column];
    return reference < 0 ? scores[column] : scores[column] - scores[reference];
}

/* Fill columns low:high of `out` with a paragraph's scores, the share of its strongest sentence, of several, added. */
static void pool_scores(const Scorer *scorer, const State *state, size_t n_sentences, size_t low, size_t high, double *out)
{
    for (size_t column = low; column < high; column++) {
        double own = counted_from(scorer, state->own, column), best = own;
        if (!scorer->pooled[column]) {
            out[column] = state->own[column];
            continue;
        }
        for (size_t sentence = 0; sentence < n_sentences; sentence++) {
            double value = counted_from(scorer, state->parts.at + sentence * scorer->width, column);
            if (sentence == 0 || value > best) best = value;
        }
        out[column] = own + scorer->share * best;
    }
}

/* Fill columns low:high of `out` with a paragraph's scores as one view sees it, pooled where `pool` says so; return whether any
   n-gram is known, -1 where memory is out. shape: NULL where the line's shape says nothing. */
static int score_view(const Scorer *scorer, State *state, const Paragraph *paragraph, const View *view, size_t low, size_t high,
                      const double *shape, int pool, double *out)
{
    size_t width = scorer->width, sentences = paragraph->word_ends.n;
    int split = pool && sentences > 1;
    if (split && RESERVE(state->parts, sentences * width)) return -1;
    memcpy(state->own, scorer->bias, width * sizeof *state->own);
    for (size_t sentence = 0; split && sentence < sentences; sentence++)
        memcpy(state->parts.at + sentence * width, scorer->bias, width * sizeof *scorer->bias);
    int known = score_words(scorer, state, paragraph, view, split);
    if (known < 0 || score_bag(&scorer->relations.index, state, &view->relations, split)) return -1;
    if (score_bag(&scorer->frames.index, state, &state->framed.relations, split)) return -1;
    if (score_bag(&scorer->names.index, state, &state->own_names, split)) return -1;
    if (score_bag(&scorer->clauses.index, state, &state->own_clauses, split)) return -1;
    if (shape) score_shape(scorer, shape, state->own);
    if (pool) pool_scores(scorer, state, split ? sentences : 0, low, high, out);
    else memcpy(out + low, state->own + low, (high - low) * sizeof *out);
    return known;
}

/* ---- subwords ---- */

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
    if (find_grams(scorer, state, padded, size) || counter_reserve(&state->counter, state->grams.items.n)) return -1;
    Sink sink = sink_of(state, 0);
    sink.now = ++state->stamp;
    clear(&sink.whole, scorer->width);
    add_terms(&scorer->grams.index, &state->counter, &state->grams, 0, &sink, scorer->width);
    for (size_t column = 0; column < scorer->width; column++) row[column] = (float)sink.whole.at[column];
    return 0;
}

#endif
