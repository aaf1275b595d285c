/* A text at a glance: where its words are, which other marks it has, how many characters of each class; its sentences. */

#ifndef PARASTANCE_SCAN_H
#define PARASTANCE_SCAN_H

#include "_kernel_table.h"
#include "_kernel_text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define SHORTEST 30 /* as in sentences.py */

typedef struct {
    Ids places; /* the start and end of each word, in characters */
    Ids marks;  /* where other characters are that are not blank */
    Ids ends;   /* of the sentences, in characters */
    size_t lengthy, titled; /* words of more than three characters, and those of them that start with a capital */
    size_t letters, capitals, digits, signs; /* how many there are; signs: of class IS_MARK in words */
    int has_lower, has_case; /* has_case: there are small letters, and capitals behind the first character */
} Scan;

static void scan_free(Scan *scan)
{
    free(scan->places.at);
    free(scan->marks.at);
    free(scan->ends.at);
}

/* Which of 64 characters are of a class, the first in the lowest bit. */
typedef struct { uint64_t word, space, lower, upper, digit; } Masks;

#if defined(__SSE2__)
/* Which of 16 bytes lie in low:low + count. */
static inline __m128i in_range(__m128i bytes, int low, int count)
{
    return _mm_cmplt_epi8(_mm_sub_epi8(bytes, _mm_set1_epi8((char)(low + 128))), _mm_set1_epi8((char)(count - 128)));
}

static inline uint64_t bits_of(__m128i mask, unsigned shift) { return (uint64_t)(uint32_t)_mm_movemask_epi8(mask) << shift; }

static inline Masks ascii_masks(const uint8_t *bytes)
{
    Masks masks = {0};
    for (unsigned at = 0; at < 64; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
        __m128i upper = in_range(x, 'A', 26), lower = in_range(x, 'a', 26), digit = in_range(x, '0', 10);
        __m128i space = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(' ')), _mm_or_si128(in_range(x, 9, 5), in_range(x, 28, 4)));
        __m128i word = _mm_or_si128(_mm_or_si128(upper, lower), _mm_or_si128(digit, _mm_cmpeq_epi8(x, _mm_set1_epi8('_'))));
        masks.word |= bits_of(word, at);
        masks.space |= bits_of(space, at);
        masks.lower |= bits_of(lower, at);
        masks.upper |= bits_of(upper, at);
        masks.digit |= bits_of(digit, at);
    }
    return masks;
}
#endif

static Masks class_masks(const uint16_t *class)
{
    Masks masks = {0};
    for (unsigned at = 0; at < 64; at++) {
        masks.word |= (uint64_t)(class[at] & IS_WORD) << at;
        masks.space |= (uint64_t)(class[at] >> 1 & 1) << at;
        masks.upper |= (uint64_t)(class[at] >> 3 & 1) << at;
        masks.lower |= (uint64_t)(class[at] >> 4 & 1) << at;
        masks.digit |= (uint64_t)(class[at] >> 5 & 1) << at;
    }
    return masks;
}

static inline Masks masks_at(const Text *text, size_t at)
{
    if (text->class) return class_masks(text->class + at);
#if defined(__SSE2__)
    return ascii_masks(text->bytes + at);
#else
    uint16_t class[64];
    for (size_t i = 0; i < 64; i++) class[i] = latin[text->bytes[at + i]];
    return class_masks(class);
#endif
}

static inline unsigned lowest_of(uint64_t bits)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned at = 0;
    for (; !(bits & 1); bits >>= 1) at++;
    return at;
#endif
}

/* Write where the ones of some bits are, counted from `start`; return the end of what was written. So many at once as there mostly
   are, and then some, so that the number of turns is easily foreseen; there must be room for 64. */
static inline uint32_t *write_ones(uint32_t *out, uint64_t bits, size_t start, unsigned at_once)
{
    uint32_t *end = out + ones_of(bits);
    while (bits)
        for (unsigned i = 0; i < at_once; i++, bits &= bits - 1) *out++ = (uint32_t)start + lowest_of(bits | 1ULL << 63);
    return end;
}

/* Count what the masks do not tell apart beyond ASCII: letters, capitals among them and signs in words. */
static void count_classes(const Text *text, Scan *scan)
{
    scan->letters = scan->capitals = scan->signs = 0;
    for (size_t at = 0; at < text->length; at++) {
        unsigned class = text->class[at], letter = class >> 2 & 1;
        scan->letters += letter;
        scan->capitals += letter & (class >> 3);
        scan->signs += (class >> 7) & class & 1;
    }
}

/* Where a sentence that could end with the stop at `at` would make the next one begin; 0 where it does not end there. */
static size_t sentence_end(const Text *text, size_t at)
{
    size_t next = at + 1;
    unsigned class = class_at(text, next);
    if (class & IS_SPACE) {
        unsigned before = at > 0 ? class_at(text, at - 1) : 0;
        int quoted = at > 1 && (before & IS_CLOSE) && (class_at(text, at - 2) & IS_BEFORE);
        if (!(before & IS_BEFORE) && !quoted) return 0;
    } else {
        if (!(class & IS_CLOSE)) return 0;
        while (class_at(text, next) & IS_CLOSE) next++;
        if (!(class_at(text, next) & IS_SPACE)) return 0;
    }
    while (class_at(text, next) & IS_SPACE) next++;
    size_t ahead = next;
    while (class_at(text, ahead) & IS_OPEN) ahead++;
    return class_at(text, ahead) & IS_AFTER ? next : 0;
}

/* The ends of the sentences in characters, as `sentences.split_sentences` has them; 0 on success, -1 where memory is out. */
static int split_sentences(const Text *text, Scan *scan)
{
    size_t start = 0, behind = 0, n = 0;
    if (RESERVE(scan->ends, scan->marks.n + 1)) return -1;
    for (size_t i = 0; i < scan->marks.n; i++) {
        size_t at = scan->marks.at[i], end;
        if (at < behind || !(class_at(text, at) & IS_STOP) || !(end = sentence_end(text, at))) continue;
        if (end - start >= SHORTEST && end < text->length) scan->ends.at[n++] = (uint32_t)(start = end);
        behind = end;
    }
    scan->ends.at[n++] = (uint32_t)text->length;
    scan->ends.n = n;
    return 0;
}

/* Count the words of more than three characters, by their fourth. before: the masks of the 64 characters before. */
static inline void count_lengthy(Scan *scan, const Masks *masks, const Masks *before)
{
    uint64_t fourth = masks->word & ~(masks->word << 4 | before->word >> 60);
    for (unsigned back = 1; back < 4; back++) fourth &= masks->word << back | before->word >> (64 - back);
    scan->lengthy += ones_of(fourth);
    scan->titled += ones_of(fourth & (masks->upper << 3 | before->upper >> 61));
}

/* Fill the scan of a text; 0 on success, -1 where memory is out. */
WIDE static int scan_text(const Text *text, Scan *scan)
{
    size_t length = text->length, underscores = 0;
    if (RESERVE(scan->places, length + 96) || RESERVE(scan->marks, length + 72)) return -1;
    uint32_t *place = scan->places.at, *mark = scan->marks.at;
    uint64_t lower = 0, later = 0; /* later: capitals behind the first character */
    Masks before = {0};
    scan->letters = scan->capitals = scan->digits = scan->lengthy = scan->titled = 0;
    for (size_t at = 0; at < length; at += 64) {
        Masks masks = masks_at(text, at);
        uint64_t inside = length - at < 64 ? (1ULL << (length - at)) - 1 : ~0ULL;
        place = write_ones(place, masks.word ^ (masks.word << 1 | before.word >> 63), at, 8);
        mark = write_ones(mark, ~(masks.word | masks.space) & inside, at, 4);
        count_lengthy(scan, &masks, &before);
        before = masks;
        lower |= masks.lower;
        later |= at ? masks.upper : masks.upper & ~1ULL;
        scan->capitals += ones_of(masks.upper);
        scan->letters += ones_of(masks.upper | masks.lower);
        scan->digits += ones_of(masks.digit);
        underscores += ones_of(masks.word & ~(masks.upper | masks.lower | masks.digit));
    }
    if (before.word >> 63) *place++ = (uint32_t)length;
    scan->places.n = (size_t)(place - scan->places.at);
    scan->marks.n = (size_t)(mark - scan->marks.at);
    scan->signs = underscores;
    scan->has_lower = lower != 0;
    scan->has_case = lower && later;
    if (text->class) count_classes(text, scan);
    return split_sentences(text, scan);
}

#endif
