/* Sets of up to 64 things as bits, the first in the lowest. */

#ifndef PARASTANCE_BITS_H
#define PARASTANCE_BITS_H

#include "_kernel_table.h"

/* The widest registers that are used: 0: as the compiler likes, 1: SSE2, 2: AVX2, 3: AVX-512. Tests ask for less than there is. */
#if !defined(WIDEST)
#define WIDEST 3
#endif

/* Functions over bits and bytes are worth what processors have had since 2013, and some since 2019; which has it is asked at run
   time. */
#if defined(__GNUC__) && defined(__x86_64__) && WIDEST > 1
#include <immintrin.h>

#define MODERN __attribute__((target("avx2,bmi,bmi2,popcnt")))

static inline int is_modern(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"); }

#if __GNUC__ > 8 || (defined(__clang_major__) && __clang_major__ > 7)
#if WIDEST > 2
#define NEWEST __attribute__((target("avx512bw,avx512vbmi2,bmi,bmi2,popcnt")))

static inline int is_newest(void) { return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2"); }
#endif
#endif
#endif

#if defined(__SSE2__) && WIDEST > 0
#define WITH_SSE2
#include <emmintrin.h>

static inline uint64_t bits_of(__m128i mask, unsigned shift) { return (uint64_t)(uint32_t)_mm_movemask_epi8(mask) << shift; }
#endif

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

static uint8_t places_of[256][8]; /* of the ones of a byte, the lowest first; filled at import */

static void fill_places(void)
{
    for (unsigned byte = 0; byte < 256; byte++)
        for (unsigned bit = 0, n = 0; bit < 8; bit++)
            if (byte >> bit & 1) places_of[byte][n++] = (uint8_t)bit;
}

#if defined(MODERN)
/* The same as `write_ones` where there are many: eight bits at a time, with no branch; there must be room for 72. */
MODERN static inline uint32_t *write_bytewise(uint32_t *out, uint64_t bits, size_t start)
{
    __m256i counted = _mm256_set1_epi32((int)start), eight = _mm256_set1_epi32(8);
#pragma GCC unroll 1 /* or there are more constants than registers */
    for (unsigned left = 8; left; left--, bits >>= 8, counted = _mm256_add_epi32(counted, eight)) {
        __m256i places = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)places_of[bits & 255]));
        _mm256_storeu_si256((__m256i *)(void *)out, _mm256_add_epi32(places, counted));
        out += ones_of(bits & 255);
    }
    return out;
}
#endif

#if defined(NEWEST)
NEWEST static inline void write_sixteen(uint32_t *out, __m128i places, size_t start)
{
    _mm512_storeu_si512(out, _mm512_add_epi32(_mm512_cvtepu8_epi32(places), _mm512_set1_epi32((int)start)));
}

/* The same, all at once. */
NEWEST static inline uint32_t *write_all(uint32_t *out, uint64_t bits, size_t start)
{
    static const uint8_t places[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                       22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                                       44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    __m512i found = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(places));
    size_t n = ones_of(bits);
    write_sixteen(out, _mm512_castsi512_si128(found), start);
    write_sixteen(out + 16, _mm512_extracti32x4_epi32(found, 1), start);
    if (n > 32) { /* seldom: words of two letters and less */
        write_sixteen(out + 32, _mm512_extracti32x4_epi32(found, 2), start);
        write_sixteen(out + 48, _mm512_extracti32x4_epi32(found, 3), start);
    }
    return out + n;
}
#endif

/* Which of 64 bytes have the bit `place`, from 0 to 7. */
static inline uint64_t bytes_with(const uint8_t *bytes, int place)
{
    uint64_t found = 0;
#if defined(WITH_SSE2)
    for (unsigned at = 0; at < 64; at += 16)
        found |= bits_of(_mm_slli_epi16(_mm_loadu_si128((const __m128i *)(const void *)(bytes + at)), 7 - place), at);
#else
    for (unsigned at = 0; at < 64; at++) found |= (uint64_t)(bytes[at] >> place & 1) << at;
#endif
    return found;
}

#endif
