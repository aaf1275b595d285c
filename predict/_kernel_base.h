/* Hashing, growing arrays and the hash table of terms. */

#ifndef PARASTANCE_BASE_H
#define PARASTANCE_BASE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
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

/* The 64-bit hash of some bytes; never 0. */
static inline uint64_t hash_bytes(const uint8_t *bytes, size_t length)
{
    uint64_t hash = secret[0] ^ (length * 0x9E3779B97F4A7C15ULL), lane;
    size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        memcpy(&lane, bytes + at, 8);
        hash = fold(lane ^ secret[1], hash ^ secret[2]);
    }
    lane = 0;
    for (unsigned shift = 0; at < length; at++, shift += 8) lane |= (uint64_t)bytes[at] << shift;
    hash = fold(lane ^ secret[2], hash ^ secret[1]);
    hash = fold(hash ^ secret[3], secret[4] | 1);
    return hash ? hash : 1;
}

/* The same of bytes behind which at least 8 more may be read; *first: the first 8 bytes, those beyond the length as 0. */
static inline uint64_t hash_padded(const uint8_t *bytes, size_t length, uint64_t *first)
{
    uint64_t hash = secret[0] ^ (length * 0x9E3779B97F4A7C15ULL), lane = 0;
    size_t at = 0;
    memcpy(first, bytes, 8);
    for (; at + 8 <= length; at += 8) {
        memcpy(&lane, bytes + at, 8);
        hash = fold(lane ^ secret[1], hash ^ secret[2]);
    }
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(&lane, bytes + at, 8);
    lane &= (1ULL << 8 * (length - at)) - 1;
#else
    lane = 0;
    for (unsigned shift = 0; at < length; at++, shift += 8) lane |= (uint64_t)bytes[at] << shift;
#endif
    if (length < 8) *first = lane;
    hash = fold(lane ^ secret[2], hash ^ secret[1]);
    hash = fold(hash ^ secret[3], secret[4] | 1);
    return hash ? hash : 1;
}

/* The key of a term made of a kind and up to two hashes; never 0. */
static inline uint64_t term_key(uint32_t kind, uint64_t first, uint64_t second)
{
    uint64_t key = fold(first ^ secret[4], (second + kind * 0x9E3779B97F4A7C15ULL) ^ secret[5]);
    return key ? key : 1;
}

/* Make room for `need` items of the vector whose pointer stands at `place`; 0 on success, -1 where memory is out. */
static inline int reserve_items(void *place, size_t *room, size_t need, size_t size)
{
    if (need <= *room) return 0;
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

#define RESERVE(vector, need) reserve_items(&(vector).at, &(vector).room, (need), sizeof *(vector).at)
#define VECTOR(type) struct { type *at; size_t room, n; }

typedef VECTOR(uint32_t) Ids;

/* Open addressing, at most half full; keys are 64 bits and compared in full. A filter of 16 bits a key answers most misses. */
typedef struct { uint64_t key; uint32_t id; } Slot; /* key 0: empty */

typedef struct {
    Slot *at;
    uint64_t *filter;
    size_t slots, bits;
} Table;

static inline void table_free(Table *table)
{
    free(table->at);
    free(table->filter);
    memset(table, 0, sizeof *table);
}

static inline void table_put(Table *table, uint64_t key, uint32_t id)
{
    size_t slot = key & (table->slots - 1), bit = (key >> 32) & (table->bits - 1);
    while (table->at[slot].key && table->at[slot].key != key) slot = (slot + 1) & (table->slots - 1);
    table->at[slot] = (Slot){key, id};
    table->filter[bit >> 6] |= 1ULL << (bit & 63);
}

/* Make room for n keys, keeping those there are; 0 on success, -1 where memory is out. */
static inline int table_reserve(Table *table, size_t n)
{
    if (2 * n <= table->slots) return 0;
    Table grown = {0};
    for (grown.slots = 64; grown.slots < 2 * n; grown.slots *= 2) {}
    for (grown.bits = 1024; grown.bits < 16 * n && grown.bits < (1ULL << 32); grown.bits *= 2) {}
    grown.at = calloc(grown.slots, sizeof *grown.at);
    grown.filter = calloc(grown.bits / 64, sizeof *grown.filter);
    if (!grown.at || !grown.filter) {
        table_free(&grown);
        return -1;
    }
    for (size_t slot = 0; slot < table->slots; slot++)
        if (table->at[slot].key) table_put(&grown, table->at[slot].key, table->at[slot].id);
    table_free(table);
    *table = grown;
    return 0;
}

/* Whether the table may hold a key; it must have slots. */
static inline unsigned table_may_hold(const Table *table, uint64_t key)
{
    size_t bit = (key >> 32) & (table->bits - 1);
    return (unsigned)(table->filter[bit >> 6] >> (bit & 63)) & 1U;
}

/* The id of a key that passed `table_may_hold`, NONE where there is none. */
static inline uint32_t table_probe(const Table *table, uint64_t key)
{
    for (size_t slot = key & (table->slots - 1); table->at[slot].key; slot = (slot + 1) & (table->slots - 1))
        if (table->at[slot].key == key) return table->at[slot].id;
    return NONE;
}

static inline uint32_t table_find(const Table *table, uint64_t key)
{
    return table->slots && table_may_hold(table, key) ? table_probe(table, key) : NONE;
}

#endif
