/* A text at a glance: where its words are, which other marks it has, how many characters of each class; its sentences. */

#ifndef PARASTANCE_SCAN_H
#define PARASTANCE_SCAN_H

#include "_kernel_bits.h"
#include "_kernel_text.h"

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

/* Which of 64 characters are of a class, the first in the lowest bit. sign: IS_MARK, of those in words. */
typedef struct { uint64_t word, space, alpha, lower, upper, digit, sign; } Masks;

#if defined(__SSE2__)
/* Which of 16 bytes lie in low:low + count. */
static inline __m128i in_range(__m128i bytes, int low, int count)
{
    return _mm_cmplt_epi8(_mm_sub_epi8(bytes, _mm_set1_epi8((char)(low + 128))), _mm_set1_epi8((char)(count - 128)));
}

static inline Masks ascii_masks(const uint8_t *bytes)
{
    Masks masks = {0};
    for (unsigned at = 0; at < 64; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
        __m128i space = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(' ')), _mm_or_si128(in_range(x, 9, 5), in_range(x, 28, 4)));
        masks.space |= bits_of(space, at);
        masks.lower |= bits_of(in_range(x, 'a', 26), at);
        masks.upper |= bits_of(in_range(x, 'A', 26), at);
        masks.digit |= bits_of(in_range(x, '0', 10), at);
        masks.sign |= bits_of(_mm_cmpeq_epi8(x, _mm_set1_epi8('_')), at);
    }
    masks.alpha = masks.lower | masks.upper;
    masks.word = masks.alpha | masks.digit | masks.sign;
    return masks;
}
#endif

/* Which of 64 characters have one bit of the class. */
static inline uint64_t class_bits(const uint16_t *class, unsigned bit)
{
    uint64_t found = 0;
#if defined(__SSE2__)
    __m128i wanted = _mm_set1_epi16((short)bit), zero = _mm_setzero_si128();
    for (unsigned at = 0; at < 64; at += 16) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(class + at));
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(class + at + 8));
        low = _mm_cmpeq_epi16(_mm_and_si128(low, wanted), zero);
        high = _mm_cmpeq_epi16(_mm_and_si128(high, wanted), zero);
        found |= bits_of(_mm_packs_epi16(low, high), at);
    }
    return ~found;
#else
    for (unsigned at = 0; at < 64; at++) found |= (uint64_t)((class[at] & bit) != 0) << at;
    return found;
#endif
}

static Masks class_masks(const uint16_t *class)
{
    uint64_t word = class_bits(class, IS_WORD);
    return (Masks){word, class_bits(class, IS_SPACE), class_bits(class, IS_ALPHA), class_bits(class, IS_LOWER),
                   class_bits(class, IS_UPPER), class_bits(class, IS_DIGIT), class_bits(class, IS_MARK) & word};
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
    size_t length = text->length;
    if (RESERVE(scan->places, length + 96) || RESERVE(scan->marks, length + 72)) return -1;
    uint32_t *place = scan->places.at, *mark = scan->marks.at;
    uint64_t lower = 0, later = 0; /* later: capitals behind the first character */
    Masks before = {0};
    scan->letters = scan->capitals = scan->digits = scan->signs = scan->lengthy = scan->titled = 0;
    for (size_t at = 0; at < length; at += 64) {
        Masks masks = masks_at(text, at);
        uint64_t inside = length - at < 64 ? (1ULL << (length - at)) - 1 : ~0ULL;
        place = write_ones(place, masks.word ^ (masks.word << 1 | before.word >> 63), at, 8);
        mark = write_ones(mark, ~(masks.word | masks.space) & inside, at, 4);
        count_lengthy(scan, &masks, &before);
        before = masks;
        lower |= masks.lower;
        later |= at ? masks.upper : masks.upper & ~1ULL;
        scan->capitals += ones_of(masks.upper & masks.alpha);
        scan->letters += ones_of(masks.alpha);
        scan->digits += ones_of(masks.digit);
        scan->signs += ones_of(masks.sign);
    }
    if (before.word >> 63) *place++ = (uint32_t)length;
    scan->places.n = (size_t)(place - scan->places.at);
    scan->marks.n = (size_t)(mark - scan->marks.at);
    scan->has_lower = lower != 0;
    scan->has_case = lower && later;
    return split_sentences(text, scan);
}

#endif
