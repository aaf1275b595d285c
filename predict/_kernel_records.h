/* Scores of the rows of JSON Lines to the lines of the output: what heads.py, records.py and bodies.py do. */

#ifndef PARASTANCE_RECORDS_H
#define PARASTANCE_RECORDS_H

#include "_kernel_judge.h"
#include "_kernel_lines.h"

enum { KIND, TOPICS, STANCE, HEADS };
enum { KNOWN = 1, NAMES_TARGET = 2 }; /* what the scorer says of a text, in bits */

/* A head's answers; k is 0 where there is no such head. labels: strings in JSON; of each, how often it was given and in which
   row first. */
typedef struct {
    Rule rule;
    Span *labels;
    size_t *counts, *firsts;
} Answer;

static void answer_free(Answer *answer)
{
    rule_free(&answer->rule);
    free(answer->labels);
    free(answer->counts);
    free(answer->firsts);
}

/* width: of the matrix of scores; boilerplate: which of the kinds has no other labels. */
typedef struct {
    Answer heads[HEADS];
    Span target, model; /* strings in JSON */
    size_t width, boilerplate;
    int keep_text;
} LineWriter;

static inline uint8_t *add(uint8_t *out, const void *bytes, size_t n)
{
    if (n) memcpy(out, bytes, n);
    return out + n;
}

#define ADD(out, literal) add(out, literal, sizeof(literal) - 1)

static inline uint8_t *add_span(uint8_t *out, Span span) { return add(out, span.at, span.n); }

/* A share as Python writes the float rounded to four places: 0.0, 0.25, 1.0. */
static inline uint8_t *add_share(uint8_t *out, double value)
{
    uint32_t share = (uint32_t)(nearbyint(value * TOP)), rest = share % TOP, high = rest / 100, low = rest % 100;
    uint8_t digits[6] = {(uint8_t)('0' + share / TOP), '.', (uint8_t)('0' + high / 10), (uint8_t)('0' + high % 10),
                         (uint8_t)('0' + low / 10), (uint8_t)('0' + low % 10)};
    memcpy(out, digits, sizeof digits);
    return out + (low % 10 ? 6 : low ? 5 : high % 10 ? 4 : 3);
}

static uint8_t *add_shares(uint8_t *out, const Answer *head)
{
    *out++ = '{';
    for (size_t label = 0; label < head->rule.k; label++) {
        if (label) out = ADD(out, ", ");
        out = add_span(out, head->labels[label]);
        out = ADD(out, ": ");
        out = add_share(out, head->rule.shares[label]);
    }
    *out++ = '}';
    return out;
}

/* The labels that are chosen; unsure: only those of them that are not sure. *found: how many there were before. */
static uint8_t *add_chosen(uint8_t *out, const Answer *head, int unsure, size_t *found)
{
    for (size_t label = 0; label < head->rule.k; label++) {
        if (!head->rule.chosen[label] || (unsure && head->rule.sure[label])) continue;
        if ((*found)++) out = ADD(out, ", ");
        out = add_span(out, head->labels[label]);
    }
    return out;
}

static uint8_t *add_one(uint8_t *out, const Answer *head)
{
    size_t label = 0;
    while (label + 1 < head->rule.k && !head->rule.chosen[label]) label++;
    return add_span(out, head->labels[label]);
}

static uint8_t *add_record(uint8_t *out, const LineWriter *writer, const LineReader *reader, const LineRow *row, int named)
{
    const Answer *kind = &writer->heads[KIND], *topics = &writer->heads[TOPICS], *stance = &writer->heads[STANCE];
    size_t found = 0;
    out = ADD(out, "{\"id\": ");
    out = add_span(out, span_of(reader, row->id));
    if (writer->keep_text) {
        out = ADD(out, ", \"text\": ");
        out = add_span(out, span_of(reader, row->text));
    }
    if (kind->rule.k) {
        out = ADD(out, ", \"kind\": ");
        out = add_one(out, kind);
    }
    if (topics->rule.k) {
        out = ADD(out, ", \"topics\": [");
        out = add_chosen(out, topics, 0, &found);
        out = ADD(out, "], \"topic_probabilities\": ");
        out = add_shares(out, topics);
    }
    if (stance->rule.k) {
        out = ADD(out, ", \"stance\": ");
        out = add_one(out, stance);
        out = ADD(out, ", \"stance_probabilities\": ");
        out = add_shares(out, stance);
        out = ADD(out, ", \"target\": ");
        out = add_span(out, writer->target);
        out = named ? ADD(out, ", \"target_mentioned\": true") : ADD(out, ", \"target_mentioned\": false");
    }
    found = 0;
    out = ADD(out, ", \"abstained\": [");
    out = add_chosen(out, topics, 1, &found);
    out = add_chosen(out, stance, 1, &found);
    out = ADD(out, "], \"model\": ");
    out = add_span(out, writer->model);
    out = add_span(out, span_of(reader, row->extra));
    return ADD(out, "}\n");
}

/* The most bytes that the answers of a row take. */
static size_t longest_answer(const LineWriter *writer)
{
    size_t size = 256 + writer->target.n + writer->model.n;
    for (int head = 0; head < HEADS; head++)
        for (size_t label = 0; label < writer->heads[head].rule.k; label++)
            size += 3 * (writer->heads[head].labels[label].n + 2) + 10;
    return size;
}

static void count_chosen(Answer *head, size_t at)
{
    for (size_t label = 0; label < head->rule.k; label++)
        if (head->rule.chosen[label] && !head->counts[label]++) head->firsts[label] = at;
}

/* Judge a row by its scores and flags and count its labels, those of boilerplate as such alone. */
static void answer(LineWriter *writer, const double *scores, uint8_t flags, size_t at)
{
    int known = (flags & KNOWN) != 0, named = (flags & NAMES_TARGET) != 0, boilerplate = 0;
    Answer *kind = &writer->heads[KIND];
    if (kind->rule.k) {
        judge(&kind->rule, scores, known, named, 0);
        count_chosen(kind, at);
        boilerplate = kind->rule.chosen[writer->boilerplate];
    }
    for (int head = TOPICS; head < HEADS; head++) {
        if (!writer->heads[head].rule.k) continue;
        judge(&writer->heads[head].rule, scores, known, named, boilerplate);
        if (!boilerplate) count_chosen(&writer->heads[head], at);
    }
}

static void count_anew(LineWriter *writer)
{
    for (int head = 0; head < HEADS; head++)
        if (writer->heads[head].rule.k) memset(writer->heads[head].counts, 0, writer->heads[head].rule.k * sizeof(size_t));
}

/* At least the bytes that `write_lines` takes. */
static size_t longest_lines(const LineWriter *writer, const LineReader *reader, const Span *others)
{
    size_t longest = longest_answer(writer), size = 0, left = 0;
    for (size_t at = 0; at < reader->rows.n; at++) {
        const LineRow *row = &reader->rows.at[at];
        size += row->left ? others[left++].n : longest + row->id.n + row->text.n + row->extra.n;
    }
    return size;
}

/* Put the lines of all rows at `out`; return their end. scores, flags: of the rows that are not left to Python; others: the lines of
   those that are, as Python made them. */
static uint8_t *write_lines(LineWriter *writer, const LineReader *reader, const double *scores, const uint8_t *flags,
                            const Span *others, uint8_t *out)
{
    size_t given = 0, left = 0;
    count_anew(writer);
    for (size_t at = 0; at < reader->rows.n; at++) {
        const LineRow *row = &reader->rows.at[at];
        if (row->left) {
            out = add_span(out, others[left++]);
            continue;
        }
        answer(writer, scores + given * writer->width, flags[given], given);
        out = add_record(out, writer, reader, row, flags[given] & NAMES_TARGET);
        given++;
    }
    return out;
}

#endif
