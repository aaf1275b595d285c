/* Strings of JSON as Python's json module reads and writes them.

   Every text read here ends in front of a byte that no JSON value holds (a line end or 0), so that looking at the next byte is
   always allowed. What is not plain is left to Python, which decides. */

#ifndef PARASTANCE_STRINGS_H
#define PARASTANCE_STRINGS_H

#include "_kernel_bits.h"

enum { GOOD = 0, LEFT_TO_PYTHON = 1, NO_MEMORY = -1 };

typedef VECTOR(uint8_t) Bytes;
typedef struct { const uint8_t *at; size_t n; } Span;

static inline int put(Bytes *out, const void *bytes, size_t n)
{
    if (RESERVE(*out, out->n + n)) return NO_MEMORY;
    if (n) memcpy(out->at + out->n, bytes, n);
    out->n += n;
    return GOOD;
}

static inline int same(Span one, Span other) { return one.n == other.n && !memcmp(one.at, other.at, one.n); }

/* The number of bytes of the UTF-8 sequence at `at`, which is none of ASCII; 0 where there is none that Python would decode. */
static inline size_t sequence(const uint8_t *at)
{
    uint8_t b = at[0];
    if (b < 0xC2 || b > 0xF4 || (at[1] & 0xC0) != 0x80) return 0;
    if (b < 0xE0) return 2;
    if ((b == 0xE0 && at[1] < 0xA0) || (b == 0xED && at[1] > 0x9F) || (at[2] & 0xC0) != 0x80) return 0;
    if (b < 0xF0) return 3;
    if ((b == 0xF0 && at[1] < 0x90) || (b == 0xF4 && at[1] > 0x8F) || (at[3] & 0xC0) != 0x80) return 0;
    return 4;
}

/* Whether a byte stands for itself in a string: it is no mark, no escape, no control, and of ASCII. */
static inline int is_plain(uint8_t byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

/* Where a run of plain bytes ends. */
static inline const uint8_t *plain_run(const uint8_t *at, const uint8_t *end)
{
#if defined(WITH_SSE2)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(0x20);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash));
        found = _mm_or_si128(found, _mm_cmplt_epi8(bytes, blank)); /* as signed numbers: also what is not of ASCII */
        unsigned mask = (unsigned)_mm_movemask_epi8(found);
        if (mask) return at + lowest_of(mask);
    }
#else
    (void)end;
#endif
    while (is_plain(*at)) at++;
    return at;
}

/* Read a string whose opening mark was passed: what stands between the marks, and whether it holds escapes. */
static int read_string(const uint8_t **place, const uint8_t *end, Span *raw, int *escaped)
{
    const uint8_t *at = *place;
    raw->at = at;
    *escaped = 0;
    while (at = plain_run(at, end), *at != '"') {
        if (*at >= 0x80) {
            size_t n = sequence(at);
            if (!n) return LEFT_TO_PYTHON;
            at += n;
        } else {
            if (*at != '\\' || at[1] < 0x20) return LEFT_TO_PYTHON;
            *escaped = 1;
            at += 2;
        }
    }
    raw->n = (size_t)(at - raw->at);
    *place = at + 1;
    return GOOD;
}

/* The four hexadecimal digits at `at`, UINT32_MAX where there are none. */
static uint32_t four_digits(const uint8_t *at, const uint8_t *end)
{
    uint32_t value = 0;
    if (end - at < 4) return UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        uint8_t c = at[i];
        uint32_t digit = c >= '0' && c <= '9' ? c - (uint32_t)'0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32U) - 'a' + 10U : 16U;
        if (digit > 15) return UINT32_MAX;
        value = value << 4 | digit;
    }
    return value;
}

static int put_point(Bytes *out, uint32_t c)
{
    uint8_t bytes[4] = {(uint8_t)c};
    size_t n = 1;
    if (c >= 0x10000) {
        bytes[0] = (uint8_t)(0xF0 | c >> 18);
        bytes[1] = (uint8_t)(0x80 | (c >> 12 & 63));
        bytes[2] = (uint8_t)(0x80 | (c >> 6 & 63));
        n = 4;
    } else if (c >= 0x800) {
        bytes[0] = (uint8_t)(0xE0 | c >> 12);
        bytes[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        n = 3;
    } else if (c >= 0x80) {
        bytes[0] = (uint8_t)(0xC0 | c >> 6);
        n = 2;
    }
    if (n > 1) bytes[n - 1] = (uint8_t)(0x80 | (c & 63));
    return put(out, bytes, n);
}

/* Add what a string with escapes says. Halves of surrogate pairs are left to Python. *as_is: whether json.dumps writes it as it
   stands. */
static int put_unescaped(Bytes *out, Span raw, int *as_is)
{
    static const char signs[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const uint8_t *at = raw.at, *end = raw.at + raw.n;
    *as_is = 1;
    while (at < end) {
        const uint8_t *next = memchr(at, '\\', (size_t)(end - at));
        if (next == NULL) next = end;
        if (put(out, at, (size_t)(next - at))) return NO_MEMORY;
        if (next == end) break;
        at = next + 2;
        *as_is &= next[1] != 'u' && next[1] != '/';
        if (next[1] == 'u') {
            uint32_t c = four_digits(at, end), low;
            if (c == UINT32_MAX || c == 0 || (c >= 0xDC00 && c < 0xE000)) return LEFT_TO_PYTHON;
            at += 4;
            if (c >= 0xD800 && c < 0xDC00) {
                if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return LEFT_TO_PYTHON;
                low = four_digits(at + 2, end);
                if (low < 0xDC00 || low > 0xDFFF) return LEFT_TO_PYTHON;
                c = 0x10000 + ((c & 0x3FF) << 10 | (low & 0x3FF));
                at += 6;
            }
            if (put_point(out, c)) return NO_MEMORY;
            continue;
        }
        const char *sign = memchr(signs, next[1], sizeof signs - 1);
        if (sign == NULL) return LEFT_TO_PYTHON;
        if (put(out, meant + (sign - signs), 1)) return NO_MEMORY;
    }
    return GOOD;
}

/* Add a string in marks, escaped as json.dumps does without ensure_ascii. */
static int put_quoted(Bytes *out, Span text)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *at = text.at, *end = text.at + text.n, *from = at;
    if (put(out, "\"", 1)) return NO_MEMORY;
    for (; at < end; at++) {
        if (*at >= 0x20 && *at != '"' && *at != '\\') continue;
        uint8_t sign[6] = {'\\', *at, '0', '0'};
        size_t n = 2;
        switch (*at) {
        case '"': case '\\': break;
        case '\n': sign[1] = 'n'; break;
        case '\r': sign[1] = 'r'; break;
        case '\t': sign[1] = 't'; break;
        case '\b': sign[1] = 'b'; break;
        case '\f': sign[1] = 'f'; break;
        default:
            sign[1] = 'u';
            sign[4] = (uint8_t)hex[*at >> 4];
            sign[5] = (uint8_t)hex[*at & 15];
            n = 6;
        }
        if (put(out, from, (size_t)(at - from)) || put(out, sign, n)) return NO_MEMORY;
        from = at + 1;
    }
    return put(out, from, (size_t)(at - from)) || put(out, "\"", 1) ? NO_MEMORY : GOOD;
}

#endif
