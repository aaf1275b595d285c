/* Scores to probabilities, labels and what is certain of them, as `heads.py` has it, a row at a time. */

#ifndef PARASTANCE_JUDGE_H
#define PARASTANCE_JUDGE_H

#include <math.h>

#include "_kernel_base.h"

#define TOP 10000   /* a share of 1 */
#define BUCKETS 1024 /* of the probabilities, so that a curve's point is found without a search */

/* A curve through m points, or none where m is 0. near: of each bucket the last point at or before its start, or the first. */
typedef struct {
    size_t m;
    const double *x, *y;
    uint32_t near[BUCKETS + 1];
} Curve;

/* What a head does with the scores of its k labels, which begin at a column of the matrix; see heads.Head. */
typedef struct {
    size_t k, column, fallback;
    int exclusive, at_least_one, at_most_one, unnamed_neutral, curved;
    double *slope, *shift, *cut, *certified, *points, *weight; /* all in the block of memory that `slope` begins; weight: exp(cut) */
    Curve *curves;
    double *shares; /* of the row that was judged last: probabilities */
    uint8_t *chosen, *sure; /* of the same */
} Rule;

static void rule_free(Rule *rule)
{
    free(rule->slope);
    free(rule->curves);
    free(rule->chosen);
}

/* Make room for k labels and `points` numbers of curves; 0 on success. */
static int rule_reserve(Rule *rule, size_t k, size_t points)
{
    rule->slope = calloc(6 * k + points + 1, sizeof *rule->slope);
    rule->curves = calloc(k + 1, sizeof *rule->curves);
    rule->chosen = calloc(2 * k + 1, sizeof *rule->chosen);
    if (!rule->slope || !rule->curves || !rule->chosen) return -1;
    rule->k = k;
    rule->shift = rule->slope + k;
    rule->cut = rule->shift + k;
    rule->certified = rule->cut + k;
    rule->shares = rule->certified + k;
    rule->weight = rule->shares + k;
    rule->points = rule->weight + k;
    rule->sure = rule->chosen + k;
    return 0;
}

/* Let a curve go through m > 0 points: the x in order, then the y. */
static void curve_through(Curve *curve, const double *points, size_t m)
{
    *curve = (Curve){.m = m, .x = points, .y = points + m};
    size_t at = 0;
    for (size_t bucket = 0; bucket <= BUCKETS; bucket++) {
        while (at + 1 < m && curve->x[at + 1] <= (double)bucket / BUCKETS) at++;
        curve->near[bucket] = (uint32_t)at;
    }
}

/* The curve's value at p, from 0 to 1, as numpy.interp has it. */
static inline double bent(const Curve *curve, double p)
{
    const double *x = curve->x, *y = curve->y;
    if (!(p >= x[0])) return y[0];
    size_t at = curve->near[(size_t)(p * BUCKETS)];
    while (at + 1 < curve->m && x[at + 1] <= p) at++;
    if (at + 1 == curve->m || x[at] == p) return y[at];
    return (y[at + 1] - y[at]) / (x[at + 1] - x[at]) * (p - x[at]) + y[at];
}

static void divide(double *values, size_t n, double sum)
{
    for (size_t at = 0; at < n; at++) values[at] /= sum;
}

static void find_shares(const Rule *rule, const double *scores)
{
    double *p = rule->shares, highest = -INFINITY, sum = 0.0;
    size_t k = rule->k;
    for (size_t at = 0; at < k; at++) {
        p[at] = rule->slope[at] * scores[at] + rule->shift[at];
        if (p[at] > highest) highest = p[at];
    }
    if (rule->exclusive) {
        for (size_t at = 0; at < k; at++) sum += p[at] = exp(p[at] - highest);
        divide(p, k, sum);
    } else {
        for (size_t at = 0; at < k; at++) p[at] = 0.5 * (1.0 + tanh(0.5 * p[at]));
    }
    if (!rule->curved) return;
    sum = 0.0;
    for (size_t at = 0; at < k; at++) {
        if (rule->curves[at].m) p[at] = bent(&rule->curves[at], p[at]);
        sum += p[at];
    }
    if (rule->exclusive) divide(p, k, sum > 1e-12 ? sum : 1e-12);
}

static size_t most_likely(const Rule *rule, int among_chosen)
{
    size_t best = rule->k;
    for (size_t at = 0; at < rule->k; at++)
        if ((!among_chosen || rule->chosen[at]) && (best == rule->k || rule->shares[at] > rule->shares[best])) best = at;
    return best;
}

static inline void choose(const Rule *rule, size_t best)
{
    for (size_t at = 0; at < rule->k; at++) rule->chosen[at] = at == best;
}

static void choose_one(const Rule *rule, int named)
{
    size_t best = 0;
    double highest = -INFINITY;
    for (size_t at = 0; at < rule->k; at++) { /* where log probability + cut is highest */
        double value = (rule->shares[at] > 1e-12 ? rule->shares[at] : 1e-12) * rule->weight[at];
        if (value > highest) highest = value, best = at;
    }
    choose(rule, rule->unnamed_neutral && !named ? rule->fallback : best);
}

static void choose_any(const Rule *rule)
{
    size_t count = 0;
    for (size_t at = 0; at < rule->k; at++) count += rule->chosen[at] = rule->shares[at] >= rule->cut[at];
    if (!count && rule->at_least_one) rule->chosen[most_likely(rule, 0)] = 1;
    if (count > 1 && rule->at_most_one) choose(rule, most_likely(rule, 1));
}

/* Judge a row by its scores. known: whether the model knows a term of it; silent: whether it gets no label all the same. */
static void judge(const Rule *rule, const double *scores, int known, int named, int silent)
{
    find_shares(rule, scores + rule->column);
    if (!known || silent) choose(rule, rule->exclusive ? rule->fallback : rule->k);
    else if (rule->exclusive) choose_one(rule, named);
    else choose_any(rule);
    for (size_t at = 0; at < rule->k; at++) rule->sure[at] = known && rule->shares[at] >= rule->certified[at];
}

#endif
