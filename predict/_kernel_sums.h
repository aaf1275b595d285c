/* Rows of weights to sums: by how much each adds, and for a paragraph and its sentence in one pass. */

#ifndef PARASTANCE_SUMS_H
#define PARASTANCE_SUMS_H

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

enum { AT_ONCE = 64 }; /* addends summed as float32 before that is added as float64, which costs the scores less than 1e-6 */

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

static inline void clear(Sums *sums, size_t n)
{
    for (size_t first = 0; first < n; first += 8)
        for (size_t i = 0; i < 8; i++) sums->at[first + i] = 0.0;
    sums->masked = sums->notions = 0.0;
}

static inline void pour(const double *sums, double norm, double *scores, size_t width)
{
    if (norm <= 0.0) return;
    double scale = 1.0 / sqrt(norm);
    for (size_t first = 0; first < width; first += 8)
        for (size_t i = 0; i < 8; i++) scores[first + i] += scale * sums[first + i];
}

/* Add the sums of n words and of their n-grams to the scores. */
WIDE static void pour_words(const Sums *sums, size_t n, double *scores, size_t width)
{
    pour(sums->at, sums->masked, scores, width);
    pour(sums->at + width, (double)n, scores, width);
    pour(sums->at + 2 * width, sums->notions, scores, width);
}

#endif
