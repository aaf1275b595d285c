/* Tables of 64-bit keys: one that grows, and one that is made once and holds the weights of its keys. */

#ifndef PARASTANCE_TABLE_H
#define PARASTANCE_TABLE_H

#include "_kernel_base.h"

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

static inline unsigned ones_of(uint64_t value)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_popcountll(value);
#else
    unsigned n = 0;
    for (; value; value &= value - 1) n++;
    return n;
#endif
}

/* The weights of n keys, made once. A map of at least 8 bits a key says which keys may be there; the number of ones before a key's
   bit is the place of its record, so that a look-up costs one cache line of the map and, where the key is there, one of records.
   Records of keys that share a bit stand behind the others and are chained. */
typedef struct {
    uint64_t key;
    uint32_t next;
    float square;        /* idf squared */
    uint32_t place;      /* among the terms of the model, which is the same in every process, as ids are not */
    uint32_t block;      /* where several share an index */
    uint32_t padding[2]; /* so that the row, width floats, lies behind as processors like it */
} Record;

typedef struct { uint32_t bits, before; } Piece; /* 32 bits of the map, and how many ones stand before them, less 1 */

typedef struct {
    Piece *map;
    uint8_t *records;
    size_t n, bits, size; /* size: of a record in bytes */
} Index;

static void index_free(Index *index)
{
    free_lines(index->map);
    free_lines(index->records);
    memset(index, 0, sizeof *index);
}

/* Where in the map a term is looked for: by the upper half of its key, or where another number is better to be had by that. */
static inline uint32_t spot_of(uint64_t key) { return (uint32_t)(key >> 32); }

static inline Record *record_of(const Index *index, uint32_t id) { return (Record *)(void *)(index->records + index->size * id); }

static inline float *row_of(Record *record) { return (float *)(record + 1); }

static inline const float *weights_of(const Record *record) { return (const float *)(record + 1); }

static inline size_t record_size(size_t width) { return (sizeof(Record) + width * sizeof(float) + 31) & ~(size_t)31; }


/* Ask for the piece of the map where a spot is. */
static inline void index_ask(const Index *index, uint32_t spot) { PREFETCH(&index->map[(spot & (index->bits - 1)) >> 5]); }

/* Whether the index may hold a key of a spot, and if so the id of the first record of the keys that share its bit. */
typedef struct { uint32_t may, id; } Spotted;

static ALWAYS_INLINE Spotted index_look(const Index *index, uint32_t spot)
{
    uint32_t bit = spot & (uint32_t)(index->bits - 1);
    Piece piece = index->map[bit >> 5];
    uint32_t upto = piece.bits << (~bit & 31); /* the bit is the highest, those before it stand below */
    return (Spotted){upto >> 31, piece.before + ones_of(upto)};
}

/* Set *may to whether the index may hold a key of a spot, ask for its record and return the id of the first that shares its bit. */
static ALWAYS_INLINE uint32_t index_at(const Index *index, uint32_t spot, unsigned *may)
{
    Spotted spotted = index_look(index, spot);
    *may = spotted.may;
    PREFETCH(index->records + index->size * (spotted.id & ((uint32_t)0 - spotted.may)));
    return spotted.id;
}

static ALWAYS_INLINE uint32_t index_spot(const Index *index, uint64_t key, unsigned *may) { return index_at(index, spot_of(key), may); }

/* The record of a key among those chained to `id`, NONE where there is none. */
static inline uint32_t index_follow(const Index *index, uint64_t key, uint32_t id)
{
    const Record *record = record_of(index, id);
    uint32_t found = record->key == key ? id : record->next; /* mostly id or NONE, which no branch has to tell apart */
    while (found != id && found != NONE) {
        id = found;
        record = record_of(index, id);
        found = record->key == key ? id : record->next;
    }
    return found;
}

/* The id of a key's record, NONE where there is none. */
static inline uint32_t index_find(const Index *index, uint64_t key)
{
    Spotted spotted = {0, NONE};
    if (index->n) spotted = index_look(index, spot_of(key));
    return spotted.may ? index_follow(index, key, spotted.id) : NONE;
}

/* Make the map of n spots and room for their records of `width` weights each; 0 on success, -1 where memory is out. */
static int index_make(Index *index, const uint32_t *spots, size_t n, size_t width)
{
    for (index->bits = 1024; index->bits < 8 * n && index->bits < (1ULL << 32); index->bits *= 2) {}
    index->size = record_size(width);
    index->map = new_lines(index->bits / 32 * sizeof *index->map);
    if (n >= NONE / 8 || n > SIZE_MAX / 2 / index->size || !index->map) return -1;
    index->records = new_lines((n + 1) * index->size);
    if (!index->records) return -1;
    for (size_t at = 0; at < n; at++) {
        size_t bit = spots[at] & (index->bits - 1);
        index->map[bit >> 5].bits |= 1U << (bit & 31);
    }
    uint32_t ones = 0;
    for (size_t piece = 0; piece < index->bits / 32; piece++) {
        index->map[piece].before = ones - 1;
        ones += ones_of(index->map[piece].bits);
    }
    index->n = ones;
    return 0;
}

/* The record of a key that was not put before and of whose spot, among others, the map was made. */
static Record *index_put(Index *index, uint64_t key, uint32_t spot)
{
    uint32_t id = index_look(index, spot).id;
    Record *record = record_of(index, id);
    if (record->key) {
        uint32_t added = (uint32_t)index->n++;
        while (record->next != NONE) record = record_of(index, record->next);
        record->next = added;
        record = record_of(index, added);
    }
    record->key = key;
    record->next = NONE;
    return record;
}

#endif
