/* Hashing, growing arrays, aligned memory. */

#ifndef PARASTANCE_BASE_H
#define PARASTANCE_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#define NONE UINT32_MAX

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

/* The same of item `at` from a place on that may be NULL. */
#define PREFETCH_ITEM(items, at) PREFETCH((const void *)((uintptr_t)(items) + sizeof *(items) * (at)))

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define RARE __attribute__((noinline, cold))
#else
#define ALWAYS_INLINE inline
#define RARE
#endif

/* Loops of few turns, always as many, are worth writing out. */
#if defined(__GNUC__) && (__GNUC__ > 7 || defined(__clang__))
#define WRITTEN_OUT _Pragma("GCC unroll 16")
#else
#define WRITTEN_OUT
#endif

/* Loops over many values are worth wider registers where the processor has them. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* Secrets of the process, drawn at import: nobody can write a text whose words collide. */
static uint64_t secret[6];

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    /* The two halves of the 128-bit product, as in wyhash (public domain, Wang Yi). */
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t ah = a >> 32, al = (uint32_t)a, bh = b >> 32, bl = (uint32_t)b;
    uint64_t low = al * bl, m1 = ah * bl, m2 = al * bh;
    uint64_t middle = (low >> 32) + (uint32_t)m1 + (uint32_t)m2;
    uint64_t high = ah * bh + (m1 >> 32) + (m2 >> 32) + (middle >> 32);
    return ((middle << 32) | (uint32_t)low) ^ high;
#endif
}

/* The 8 bytes from `at` on, as a number, of the first `length`, at most 16, of 16 bytes; those beyond them as 0. */
static inline uint64_t lane_of(const uint8_t *bytes, size_t length, size_t at)
{
    uint64_t lane = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    static const uint8_t kept[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    uint64_t mask;
    memcpy(&lane, bytes + at, 8);
    memcpy(&mask, kept + 16 + at - length, 8);
    return lane & mask;
#else
    for (size_t i = 0; i < 8 && at + i < length; i++) lane |= (uint64_t)bytes[at + i] << 8 * i;
    return lane;
#endif
}

/* The hash of 16 bytes of which the first `length` count. */
static inline uint64_t hash_short(const uint8_t *bytes, size_t length)
{
    uint64_t hash = fold(lane_of(bytes, length, 0) ^ secret[0], lane_of(bytes, length, 8) ^ secret[1]);
    return hash + !hash;
}

/* The hash of more than 16 bytes. */
static RARE uint64_t hash_long(const uint8_t *bytes, size_t length)
{
    uint64_t hash = fold(lane_of(bytes, 16, 0) ^ secret[0], lane_of(bytes, 16, 8) ^ secret[1]);
    for (size_t at = 16; at < length; at += 8) {
        uint8_t lane[16] = {0};
        memcpy(lane, bytes + at, length - at < 8 ? length - at : 8);
        hash = fold(lane_of(lane, 16, 0) ^ secret[3], hash ^ secret[2]);
    }
    hash = fold(hash ^ secret[1], (length * 0x9E3779B97F4A7C15ULL) ^ secret[0]);
    return hash + !hash;
}

/* The 64-bit hash of some bytes; never 0. */
static uint64_t hash_bytes(const uint8_t *bytes, size_t length)
{
    uint8_t start[16] = {0};
    if (length > 16) return hash_long(bytes, length);
    if (length) memcpy(start, bytes, length);
    return hash_short(start, length);
}

/* The same of bytes behind which at least 16 more may be read. */
static inline uint64_t hash_padded(const uint8_t *bytes, size_t length)
{
    return length > 16 ? hash_long(bytes, length) : hash_short(bytes, length);
}

/* The key of a term made of a kind and up to two hashes, which are as good as random; never 0. */
static inline uint64_t term_key(uint32_t kind, uint64_t first, uint64_t second)
{
    uint64_t key = first * (secret[4] | 1) + second + kind * secret[5];
    return key + !key;
}

/* Make room for more items of the vector whose pointer stands at `place`. Apart, as it is seldom done and asked for everywhere. */
static RARE int grow_items(void *place, size_t *room, size_t need, size_t size)
{
    size_t wanted = *room ? *room : 64;
    while (wanted < need) {
        if (wanted > SIZE_MAX / 2 / size) return -1;
        wanted *= 2;
    }
    void *items;
    memcpy(&items, place, sizeof items);
    items = realloc(items, wanted * size);
    if (items == NULL) return -1;
    memcpy(place, &items, sizeof items);
    *room = wanted;
    return 0;
}

/* Make room for `need` items of the vector whose pointer stands at `place`; 0 on success, -1 where memory is out. */
static inline int reserve_items(void *place, size_t *room, size_t need, size_t size)
{
    return need <= *room ? 0 : grow_items(place, room, need, size);
}

#define RESERVE(vector, need) reserve_items(&(vector).at, &(vector).room, (need), sizeof *(vector).at)
#define VECTOR(type) struct { type *at; size_t room, n; }

typedef VECTOR(uint32_t) Ids;

enum { HUGE_PAGE = 2 << 20 };

/* Memory whose start is that of a cache line, filled with 0; NULL where memory is out. Free it with `free_lines`. What is large is
   asked for in huge pages, so that look-ups all over it do not wait for where pages are, too (5% of a paragraph's time). */
static void *new_lines(size_t size)
{
    size_t unit = size < HUGE_PAGE / 2 ? 64 : HUGE_PAGE;
    if (size > SIZE_MAX - 3 * unit) return NULL;
    size = (size + unit - 1) & ~(unit - 1);
    void *raw = calloc(1, size + unit + sizeof raw);
    if (raw == NULL) return NULL;
    uintptr_t start = ((uintptr_t)raw + unit + sizeof raw - 1) & ~(uintptr_t)(unit - 1);
    memcpy((void *)(start - sizeof raw), &raw, sizeof raw);
#if defined(MADV_HUGEPAGE)
    if (unit == HUGE_PAGE) (void)madvise((void *)start, size, MADV_HUGEPAGE); /* without it all works as well */
#endif
    return (void *)start;
}

static void free_lines(void *lines)
{
    if (lines == NULL) return;
    void *raw;
    memcpy(&raw, (char *)lines - sizeof raw, sizeof raw);
    free(raw);
}

#endif
