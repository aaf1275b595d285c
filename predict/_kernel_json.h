/* JSON as Python's json module reads and writes it. What is plain is put through; what is not is left to Python, which decides. */

#ifndef PARASTANCE_JSON_H
#define PARASTANCE_JSON_H

#include <stdio.h>

#include "_kernel_strings.h"

enum { DEEPEST_NEST = 8, MOST_KEYS = 64, LONGEST_INTEGER = 1000 };

/* Whether Python would write the number of 16 or 17 digits just as it stands: whether no shorter one is the same float. */
static int is_shortest(const char *lexeme, int digits)
{
    char shorter[40], same_length[40];
    double value = strtod(lexeme, NULL);
    snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
    snprintf(same_length, sizeof same_length, "%.*e", digits - 1, value);
    if (strtod(shorter, NULL) == value || strtod(same_length, NULL) != value) return 0;
    const char *mine = lexeme + (*lexeme == '-'), *theirs = same_length + (*same_length == '-');
    while (*mine == '0' || *mine == '.') mine++;
    for (; *theirs != 'e'; theirs++) {
        if (*theirs == '.') continue;
        if (*mine == '.') mine++;
        if (*mine++ != *theirs) return 0;
    }
    return *mine == 0;
}

/* Read a number that Python would write just as it stands. */
static int read_number(const uint8_t **place, Span *raw)
{
    const uint8_t *at = *place, *whole, *first = NULL;
    raw->at = at;
    if (*at == '-') at++;
    for (whole = at; *at >= '0' && *at <= '9'; at++)
        if (!first && *at != '0') first = at;
    size_t before = (size_t)(at - whole);
    if (before == 0 || before > LONGEST_INTEGER || (before > 1 && *whole == '0')) return LEFT_TO_PYTHON;
    if (*at == '.') {
        const uint8_t *point = at++;
        for (; *at >= '0' && *at <= '9'; at++)
            if (!first && *at != '0') first = at;
        size_t behind = (size_t)(at - point - 1);
        if (behind == 0 || (behind > 1 && at[-1] == '0') || before > 15) return LEFT_TO_PYTHON;
        if (first && first - point > 4) return LEFT_TO_PYTHON; /* written with an exponent */
        size_t digits = first ? (size_t)(at - first) - (first < point) : 0;
        if (digits > 17 || at - raw->at > 30) return LEFT_TO_PYTHON;
        if (digits > 15) {
            char lexeme[32] = {0};
            memcpy(lexeme, raw->at, (size_t)(at - raw->at));
            if (!is_shortest(lexeme, (int)digits)) return LEFT_TO_PYTHON;
        }
    } else if (*whole == '0' && whole != raw->at) return LEFT_TO_PYTHON; /* -0 */
    if ((*at | 32) == 'e') return LEFT_TO_PYTHON;
    raw->n = (size_t)(at - raw->at);
    *place = at;
    return GOOD;
}

static inline void skip_blanks(const uint8_t **at) { while (**at == ' ' || **at == '\t') ++*at; }

static int read_word(const uint8_t **place, Span *raw)
{
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(words[i]), at = 0;
        while (at < n && (*place)[at] == (uint8_t)words[i][at]) at++;
        if (at < n) continue;
        *raw = (Span){*place, n};
        *place += n;
        return GOOD;
    }
    return LEFT_TO_PYTHON;
}

/* Read a key and the colon behind it. Keys with escapes are left to Python, as is one that is among the `n` before it. */
static int read_key(const uint8_t **at, const uint8_t *end, Span *keys, size_t n)
{
    int escaped;
    if (n == MOST_KEYS || **at != '"') return LEFT_TO_PYTHON;
    ++*at;
    if (read_string(at, end, &keys[n], &escaped) || escaped) return LEFT_TO_PYTHON;
    for (size_t i = 0; i < n; i++)
        if (same(keys[i], keys[n])) return LEFT_TO_PYTHON;
    skip_blanks(at);
    if (**at != ':') return LEFT_TO_PYTHON;
    ++*at;
    skip_blanks(at);
    return GOOD;
}

/* Read a value and add it as json.dumps writes it. */
static int put_value(const uint8_t **at, const uint8_t *end, Bytes *out, Bytes *scratch, int depth)
{
    Span raw, keys[MOST_KEYS];
    int escaped, as_is, status;
    uint8_t open = **at, close = open == '{' ? '}' : ']';
    if (open == '"') {
        ++*at;
        if ((status = read_string(at, end, &raw, &escaped))) return status;
        if (!escaped) return put(out, raw.at - 1, raw.n + 2);
        scratch->n = 0;
        if ((status = put_unescaped(scratch, raw, &as_is))) return status;
        if (as_is) return put(out, raw.at - 1, raw.n + 2);
        return put_quoted(out, (Span){scratch->at, scratch->n});
    }
    if (open != '{' && open != '[') {
        status = open == '-' || (open >= '0' && open <= '9') ? read_number(at, &raw) : read_word(at, &raw);
        return status ? status : put(out, raw.at, raw.n);
    }
    if (depth == DEEPEST_NEST) return LEFT_TO_PYTHON;
    if (put(out, &open, 1)) return NO_MEMORY;
    ++*at;
    skip_blanks(at);
    for (size_t n = 0; **at != close; n++) {
        if (n) {
            if (**at != ',') return LEFT_TO_PYTHON;
            ++*at;
            skip_blanks(at);
            if (put(out, ", ", 2)) return NO_MEMORY;
        }
        if (open == '{') {
            if ((status = read_key(at, end, keys, n))) return status;
            if (put(out, keys[n].at - 1, keys[n].n + 2) || put(out, ": ", 2)) return NO_MEMORY;
        }
        if ((status = put_value(at, end, out, scratch, depth + 1))) return status;
        skip_blanks(at);
    }
    ++*at;
    return put(out, &close, 1);
}

#endif
