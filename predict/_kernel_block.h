/* Blocks of the model and the terms of a paragraph in them. */

#ifndef PARASTANCE_BLOCK_H
#define PARASTANCE_BLOCK_H

#include "_kernel_words.h"

enum { WINDOW = 6, REACH = 12, NEAR = 4 }; /* as in features.py */

/* Kinds of terms. AROUND + 2 role + side; PAIR and BETWEEN + 8 first + second. */
enum {
    UNIGRAM = 0, BIGRAM = 1, LEFT = 2, RIGHT = 3, LEFT_PAIR = 4, RIGHT_PAIR = 5, AROUND = 8, PAIR = 32, BETWEEN = 96, NAMED = 160,
    UNNAMED = 161, NOTION = 162, GRAM = 163, LEFT_LEFT = 20, RIGHT_RIGHT = 21, EITHER_SIDE = 22, COUNT = 24, OWN = 164,
    OWN_PAIR = 165, NO_NAME = 166, CLAUSE = 168, CLAUSE_LEFT = 169, CLAUSE_RIGHT = 170, EDGE_LEFT = 171, EDGE_RIGHT = 172
};

enum { KINDS = 176, FRAMED = 256 }; /* FRAMED: added to the kinds of frames, which have those of relations */

enum { MANY = 5 }; /* names, and more */

typedef struct { uint32_t kind, first, second; } Made; /* a term that was collected: its kind and tokens */

/* One block's terms with their weights; or, where `grows`, the terms met so far. */
typedef struct {
    Index index;
    Table table;
    int grows;
    int around, plain; /* whether there are terms of words around others than the target, and relations without a name */
    VECTOR(Made) made;
    uint32_t bare[KINDS]; /* ids of the terms without tokens, by kind */
} Block;

/* The spot of a bigram, which is found for many at once; 32 bits of two hashes that are secret, as those of a key are. */
static inline uint32_t bigram_spot(uint64_t first, uint64_t second) { return (uint32_t)first + (uint32_t)(second >> 32); }

/* Blocks of terms about actors, in one index: that of each is the same but for how many terms there are. */
enum { RELATIONS, FRAMES, NAMES, CLAUSES, ACTOR_BLOCKS };

/* In a bag of these their strands follow each other, then those of what was looked up: of relations and of frames. */
enum { LOOKED_UP = 2, STRANDS = ACTOR_BLOCKS + LOOKED_UP };

/* Free a block but for its index. */
static void block_free(Block *block)
{
    table_free(&block->table);
    free(block->made.at);
    memset(block, 0, sizeof *block);
}

/* Whether a term counts in its sentence, in the whole paragraph, or in both. */
enum { IN_SENTENCE = 1, IN_WHOLE = 2, IN_BOTH = 3 };

/* A paragraph's terms in a block, sentence after sentence: 4 id + where it counts; ends: of each sentence's. */
typedef struct { Ids items, ends; } Bag;

static void bag_free(Bag *bag)
{
    free(bag->items.at);
    free(bag->ends.at);
}

/* Empty a bag, with room for the ends of n sentences. */
static int bag_begin(Bag *bag, size_t n)
{
    bag->items.n = bag->ends.n = 0;
    return RESERVE(bag->ends, n);
}

/* End a sentence; what is put before the next but after the last end counts with the last. */
static inline void bag_end(Bag *bag) { bag->ends.at[bag->ends.n++] = (uint32_t)bag->items.n; }

/* End n sentences without terms. */
static inline void bag_skip(Bag *bag, size_t n)
{
    for (size_t sentence = 0; sentence < n; sentence++) bag_end(bag);
}

/* Let what was put last belong to the last sentence. */
static inline void bag_finish(Bag *bag)
{
    if (bag->ends.n) bag->ends.at[bag->ends.n - 1] = (uint32_t)bag->items.n;
}

static inline size_t bag_start(const Bag *bag, size_t sentence) { return sentence ? bag->ends.at[sentence - 1] : 0; }

/* Put an id, unless it is NONE, at the end of a bag's items with room for it; return their new end. */
static inline uint32_t *put_id(uint32_t *end, uint32_t id, uint32_t where)
{
    *end = 4 * id + where;
    return end + (id != NONE);
}

/* The id of a term in a block that grows, NONE where memory is out. */
static uint32_t grow_term(Block *block, uint64_t key, Made made)
{
    uint32_t id = table_find(&block->table, key);
    if (id != NONE) return id;
    if (block->made.n >= NONE / 8) return NONE;
    if (RESERVE(block->made, block->made.n + 1) || table_reserve(&block->table, block->made.n + 1)) return NONE;
    id = (uint32_t)block->made.n;
    block->made.at[block->made.n++] = made;
    table_put(&block->table, key, id);
    return id;
}

/* Put a term into a bag if the block has it; 0 on success, -1 where memory is out. */
static int put_term(Block *block, Bag *bag, uint64_t key, Made made, uint32_t where)
{
    uint32_t id = block->grows ? grow_term(block, key, made) : index_find(&block->index, key);
    if (id == NONE) return block->grows ? -1 : 0;
    if (RESERVE(bag->items, bag->items.n + 1)) return -1;
    bag->items.at[bag->items.n++] = 4 * id + where;
    return 0;
}

/* Put a term without tokens of a block that does not grow. */
static int put_bare(const Block *block, Bag *bag, uint32_t kind, uint32_t where)
{
    if (RESERVE(bag->items, bag->items.n + 1)) return -1;
    bag->items.n = (size_t)(put_id(bag->items.at + bag->items.n, block->bare[kind], where) - bag->items.at);
    return 0;
}

static int put_pair(Block *block, Bag *bag, const Lexicon *lexicon, uint32_t kind, uint32_t first, uint32_t second, uint32_t where)
{
    uint64_t key = term_key(kind, head_of(lexicon, first)->hash, head_of(lexicon, second)->hash);
    return put_term(block, bag, key, (Made){kind, first, second}, where);
}

static int put_single(Block *block, Bag *bag, const Lexicon *lexicon, uint32_t kind, uint32_t token, uint32_t where)
{
    return put_term(block, bag, term_key(kind, head_of(lexicon, token)->hash, 0), (Made){kind, token, NONE}, where);
}

#endif
