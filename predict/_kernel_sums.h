/* Rows of weights to sums: by how much each adds, and for a paragraph and its sentence in one pass.

   A term's value is (1 + ln count) idf. So that each row of weights is fetched once for the paragraph and its sentence, and no
   counting goes before, the n-th time that a term is met adds what its value grows by from n - 1 to n. Most terms are met once:
   their rows are added as they are, to both at once. */

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
#define eight_sum(a, b) ((a) + (b))
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

static inline Eight eight_sum(Eight a, Eight b)
{
    for (size_t i = 0; i < 8; i++) a.at[i] += b.at[i];
    return a;
}

static inline Eight eight_plus(Eight sum, Eight row, float factor)
{
    for (size_t i = 0; i < 8; i++) sum.at[i] += row.at[i] * factor;
    return sum;
}
#endif

/* Four numbers that sums are kept in where they are not float32. */
#if defined(__GNUC__)
typedef double Four __attribute__((vector_size(32))); /* of which a compiler left alone makes less */
typedef double FourAnywhere __attribute__((vector_size(32), aligned(8), may_alias));
#define four_zeros() ((Four){0})
#define four_at(place) (*(const FourAnywhere *)(const void *)(place))
#define four_row(row) ((Four){(double)(row)[0], (double)(row)[1], (double)(row)[2], (double)(row)[3]})
#define four_put(place, four) (*(FourAnywhere *)(void *)(place) = (four))
#define four_sum(a, b) ((a) + (b))
#define four_less(a, b) ((a) - (b))
#define four_times(four, factor) ((four) * (factor))
#else
typedef struct { double at[4]; } Four;

static inline Four four_zeros(void) { return (Four){{0}}; }

static inline Four four_at(const double *place) { return (Four){{place[0], place[1], place[2], place[3]}}; }

static inline Four four_row(const float *row) { return (Four){{(double)row[0], (double)row[1], (double)row[2], (double)row[3]}}; }

static inline void four_put(double *place, Four four) { memcpy(place, four.at, sizeof four.at); }

static inline Four four_times(Four a, double factor)
{
    for (size_t i = 0; i < 4; i++) a.at[i] *= factor;
    return a;
}

static inline Four four_sum(Four a, Four b)
{
    for (size_t i = 0; i < 4; i++) a.at[i] += b.at[i];
    return a;
}

static inline Four four_less(Four a, Four b) { return four_sum(a, four_times(b, -1.0)); }
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

enum { AT_ONCE = 64 }; /* rows summed as float32 before that is added as float64, which costs the scores less than 1e-6 */

/* Up to 24 columns of at most AT_ONCE rows; the compiler keeps them in registers. once: of the rows added as they are, to the
   paragraph and its sentence; whole, part: of the addends. */
typedef struct { Eight once[3], whole[3], part[3]; } Columns;

static ALWAYS_INLINE void columns_begin(Columns *columns, size_t eights)
{
    for (size_t i = 0; i < eights; i++) columns->once[i] = columns->whole[i] = columns->part[i] = eight_zeros();
}

static ALWAYS_INLINE void columns_row(Columns *columns, const float *row, size_t eights)
{
    for (size_t i = 0; i < eights; i++) columns->once[i] = eight_sum(columns->once[i], eight_at(row + 8 * i));
}

static ALWAYS_INLINE void columns_addend(Columns *columns, const float *row, Addend addend, size_t eights, int split)
{
    for (size_t i = 0; i < eights; i++) {
        Eight eight = eight_at(row + 8 * i);
        columns->whole[i] = eight_plus(columns->whole[i], eight, addend.whole);
        if (split) columns->part[i] = eight_plus(columns->part[i], eight, addend.part);
    }
}

static ALWAYS_INLINE void columns_end(const Columns *columns, size_t first, size_t eights, double *whole, double *part, int split)
{
    for (size_t i = 0; i < eights; i++) {
        Eight sum = eight_sum(columns->once[i], columns->whole[i]);
        add_eight(whole + first + 8 * i, &sum);
        if (!split) continue;
        sum = eight_sum(columns->once[i], columns->part[i]);
        add_eight(part + first + 8 * i, &sum);
    }
}

/* All bits where a < b, else none, for numbers of 32 bits; what compilers make a branch of where it is written with ?: */
static inline uint64_t all_bits_if_less(uint64_t a, uint64_t b) { return (uint64_t)0 - ((a - b) >> 63); }

/* Rows of which one group of columns was summed when they were found: those added as they are, and the addends. */
typedef struct {
    const float *rows[AT_ONCE];
    Addend addends[AT_ONCE];
    size_t n, n_addends;
} Found;

/* Add the other columns up to `width`, group by group. */
static ALWAYS_INLINE void sum_others(const Found *found, size_t width, size_t eights, double *whole, double *part, int split)
{
    for (size_t first = 8 * eights; first < width; first += 8 * eights) {
        Columns columns;
        columns_begin(&columns, eights);
        for (size_t at = 0; at < found->n; at++) columns_row(&columns, found->rows[at] + first, eights);
        for (size_t at = 0; at < found->n_addends; at++)
            columns_addend(&columns, found->addends[at].row + first, found->addends[at], eights, split);
        columns_end(&columns, first, eights, whole, part, split);
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
static inline void pour_words(const Sums *sums, size_t n, double *scores, size_t width)
{
    pour(sums->at, sums->masked, scores, width);
    pour(sums->at + width, (double)n, scores, width);
    pour(sums->at + 2 * width, sums->notions, scores, width);
}

#endif
