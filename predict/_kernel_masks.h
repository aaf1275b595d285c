/* Which of 64 characters are of a class, as bits: by the processor's wide registers where it has them. */

#ifndef PARASTANCE_MASKS_H
#define PARASTANCE_MASKS_H

#include "_kernel_bits.h"
#include "_kernel_text.h"

/* mark: neither word nor blank, or a sign in a word. */
typedef struct { uint64_t word, mark, alpha, lower, upper, digit; } Masks;

/* The masks of 64 characters by what tells which of them have one bit of the class. */
static ALWAYS_INLINE Masks masks_with(const uint16_t *class, uint64_t (*class_bits)(const uint16_t *, unsigned))
{
    uint64_t word = class_bits(class, IS_WORD), mark = ~(word | class_bits(class, IS_SPACE)) | class_bits(class, IS_MARK);
    return (Masks){word, mark, class_bits(class, IS_ALPHA), class_bits(class, IS_LOWER), class_bits(class, IS_UPPER),
                   class_bits(class, IS_DIGIT)};
}

/* Which of 64 characters have one bit of the class. */
static inline uint64_t class_bits(const uint16_t *class, unsigned bit)
{
    uint64_t found = 0;
#if defined(WITH_SSE2)
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

static inline Masks class_masks(const uint16_t *class) { return masks_with(class, class_bits); }

/* The masks of 64 ASCII letters whose bit 32 is given with the others' classes. */
static inline Masks masks_of(uint64_t alpha, uint64_t small, uint64_t digit, uint64_t sign, uint64_t space)
{
    uint64_t lower = alpha & small;
    return (Masks){alpha | digit | sign, ~(alpha | digit | space), alpha, lower, alpha ^ lower, digit};
}

#if defined(WITH_SSE2)
/* Which of 16 bytes of ASCII are the `count` that end with `last`. */
static inline __m128i up_to(__m128i bytes, int last, int count)
{
    return _mm_cmpgt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8((char)(127 - last))), _mm_set1_epi8((char)(127 - count)));
}

static inline Masks ascii_masks(const uint8_t *bytes)
{
    uint64_t alpha = 0, small = 0, digit = 0, sign = 0, space = 0;
    for (unsigned at = 0; at < 64; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
        alpha |= bits_of(up_to(_mm_or_si128(x, _mm_set1_epi8(32)), 'z', 26), at);
        small |= bits_of(_mm_slli_epi16(x, 2), at);
        digit |= bits_of(up_to(x, '9', 10), at);
        sign |= bits_of(_mm_cmpeq_epi8(x, _mm_set1_epi8('_')), at);
        space |= bits_of(_mm_or_si128(up_to(x, ' ', 5), up_to(x, 13, 5)), at);
    }
    return masks_of(alpha, small, digit, sign, space);
}
#else
static inline Masks ascii_masks(const uint8_t *bytes)
{
    uint16_t class[64];
    for (size_t i = 0; i < 64; i++) class[i] = latin[bytes[i]];
    return class_masks(class);
}
#endif

#if defined(MODERN)
/* The same as `up_to` of 32 bytes. */
MODERN static inline __m256i up_to_modern(__m256i bytes, int last, int count)
{
    return _mm256_cmpgt_epi8(_mm256_add_epi8(bytes, _mm256_set1_epi8((char)(127 - last))), _mm256_set1_epi8((char)(127 - count)));
}

MODERN static inline uint64_t two_of(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 | (uint32_t)_mm256_movemask_epi8(low);
}

MODERN static inline Masks ascii_masks_modern(const uint8_t *bytes)
{
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));
    __m256i small = _mm256_set1_epi8(32), sign = _mm256_set1_epi8('_');
    __m256i x_space = _mm256_or_si256(up_to_modern(x, ' ', 5), up_to_modern(x, 13, 5));
    __m256i y_space = _mm256_or_si256(up_to_modern(y, ' ', 5), up_to_modern(y, 13, 5));
    return masks_of(two_of(up_to_modern(_mm256_or_si256(x, small), 'z', 26), up_to_modern(_mm256_or_si256(y, small), 'z', 26)),
                    two_of(_mm256_slli_epi16(x, 2), _mm256_slli_epi16(y, 2)),
                    two_of(up_to_modern(x, '9', 10), up_to_modern(y, '9', 10)),
                    two_of(_mm256_cmpeq_epi8(x, sign), _mm256_cmpeq_epi8(y, sign)), two_of(x_space, y_space));
}
#endif

#if defined(NEWEST)
NEWEST static inline uint64_t class_bits_newest(const uint16_t *class, unsigned bit)
{
    __m512i wanted = _mm512_set1_epi16((short)bit);
    uint64_t high = _mm512_test_epi16_mask(_mm512_loadu_si512(class + 32), wanted);
    return high << 32 | _mm512_test_epi16_mask(_mm512_loadu_si512(class), wanted);
}

/* Which of 64 bytes are the `count` from `first` on. */
NEWEST static inline uint64_t from_newest(__m512i bytes, int first, int count)
{
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8((char)first)), _mm512_set1_epi8((char)count));
}

NEWEST static inline Masks ascii_masks_newest(const uint8_t *bytes)
{
    __m512i x = _mm512_loadu_si512(bytes), small = _mm512_set1_epi8(32);
    return masks_of(from_newest(_mm512_or_si512(x, small), 'a', 26), _mm512_test_epi8_mask(x, small), from_newest(x, '0', 10),
                    _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('_')), from_newest(x, 28, 5) | from_newest(x, 9, 5));
}
#endif

#endif
