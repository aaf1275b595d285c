/* Features to scores, for a paragraph and its sentences in one pass. */

#ifndef PARASTANCE_SCORE_H
#define PARASTANCE_SCORE_H

#include "_kernel_actors.h"
#include "_kernel_tokens.h"

/* Sum the sentences of a view, of several, and pour each into state->parts; return whether a token is known. */
static ALWAYS_INLINE uint32_t sum_sentences(State *state, const Counting *counting, const Paragraph *paragraph, const View *view,
                                            Sums *whole, Marks from, size_t width)
{
    size_t start = 0, word = 0, mention = 0, mentioned = 0;
    uint32_t known = 0;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        size_t end = view->ends.at[sentence], last = paragraph->word_ends.at[sentence], before = mentioned;
        Sums part = {state->part, 0.0, 0.0};
        clear(&part, 3 * width);
        known |= add_tokens(state, view->tokens + start, end - start, from, whole, &part, width, 1);
        add_terms(counting, bag_start(&view->ngrams, sentence), view->ngrams.ends.at[sentence], whole, &part, width, 1);
        for (; mention < view->mentions.n && view->mentions.at[mention].first < last; mention++)
            mentioned += view->mentions.at[mention].last - view->mentions.at[mention].first;
        add_mentioned(state, state->mentioned.at + before, mentioned - before, from.part, &part, width, 1);
        pour_words(&part, last - word, state->parts.at + sentence * width, width);
        from.part += (uint32_t)(end - start + mentioned - before);
        start = end;
        word = last;
    }
    return known;
}

/* Sum a view and pour it into state->own, and its sentences where `split`; return whether a token is known. */
static ALWAYS_INLINE uint32_t sum_words(State *state, const Counting *counting, const Paragraph *paragraph, const View *view,
                                        size_t width, int split)
{
    Marks from = {state->mark, state->mark};
    Sums whole = {state->whole, 0.0, 0.0};
    uint32_t known;
    clear(&whole, 3 * width);
    if (split) known = sum_sentences(state, counting, paragraph, view, &whole, from, width);
    else {
        known = add_tokens(state, view->tokens, view->n_tokens, from, &whole, &whole, width, 0);
        add_terms(counting, 0, view->ngrams.items.n, &whole, &whole, width, 0);
    }
    add_mentioned(state, state->mentioned.at, state->mentioned.n, from.whole, &whole, width, 0);
    pour_words(&whole, paragraph->met.n, state->own, width);
    state->mark += (uint32_t)(view->n_tokens + state->mentioned.n);
    return known;
}

/* Score a paragraph's words and masked n-grams into state->own and, where `split`, its sentences' into state->parts; return
   whether any n-gram is known, -1 where memory is out. */
WIDE static int score_words(const Scorer *scorer, State *state, const Paragraph *paragraph, const View *view, int split)
{
    Counting counting;
    if (count_bag(&counting, &scorer->masked.index, state, &view->ngrams, split)) return -1;
    if (list_mentioned(&state->mentioned, paragraph->tokens.at, view)) return -1;
    uint32_t known = state->width == 8 ? sum_words(state, &counting, paragraph, view, 8, split)
                                       : sum_words(state, &counting, paragraph, view, state->width, split);
    return known || view->ngrams.items.n;
}

/* Add what the shape of the line says. */
WIDE static void score_shape(const Scorer *scorer, const double *shape, double *scores)
{
    for (size_t first = 0; first < scorer->shape_columns; first += 4) {
        const double *row = scorer->shape + first;
        double *at = scores + first;
#if defined(__GNUC__)
        FourAnywhere even = *(FourAnywhere *)(void *)at, odd = {0};
        for (size_t value = 0; value < SHAPES / 2 * 2; value += 2, row += 2 * scorer->width) {
            even += *(const FourAnywhere *)(const void *)row * shape[value];
            odd += *(const FourAnywhere *)(const void *)(row + scorer->width) * shape[value + 1];
        }
        *(FourAnywhere *)(void *)at = even + *(const FourAnywhere *)(const void *)row * shape[SHAPES - 1] + odd;
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
    if (known < 0 || score_actors(scorer, state, &view->actors, split)) return -1;
    if (shape) score_shape(scorer, shape, state->own);
    if (pool) pool_scores(scorer, state, split ? sentences : 0, low, high, out);
    else memcpy(out + low, state->own + low, (high - low) * sizeof *out);
    return known;
}

#endif
