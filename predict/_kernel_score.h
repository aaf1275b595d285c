/* Features to scores, for a paragraph and its sentences in one pass. */

#ifndef PARASTANCE_SCORE_H
#define PARASTANCE_SCORE_H

#include "_kernel_count.h"

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
        known |= add_tokens(&state->lexicon, view->tokens + start, end - start, &sink, width);
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

#if defined(__GNUC__)
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias)); /* of which a compiler left alone makes less */
#endif

/* Add what the shape of the line says. */
WIDE static void score_shape(const Scorer *scorer, const double *shape, double *scores)
{
    for (size_t first = 0; first < scorer->shape_columns; first += 4) {
        const double *row = scorer->shape + first;
        double *at = scores + first;
#if defined(__GNUC__)
        Four even = *(Four *)(void *)at, odd = {0};
        for (size_t value = 0; value < SHAPES / 2 * 2; value += 2, row += 2 * scorer->width) {
            even += *(const Four *)(const void *)row * shape[value];
            odd += *(const Four *)(const void *)(row + scorer->width) * shape[value + 1];
        }
        *(Four *)(void *)at = even + *(const Four *)(const void *)row * shape[SHAPES - 1] + odd;
#else
        for (size_t value = 0; value < SHAPES; value++, row += scorer->width)
            for (size_t column = 0; column < 4; column++) at[column] += shape[value] * row[column];
#endif
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

#endif
