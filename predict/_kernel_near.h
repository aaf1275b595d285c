/* Terms of one word each beside an actor or in a clause: for every token their ids are kept, so that none has to be looked up. */

#ifndef PARASTANCE_NEAR_H
#define PARASTANCE_NEAR_H

#include "_kernel_block.h"

/* Places among the ids of a token. Those of relations are even, those of frames behind them odd. A token's first cache line holds
   what the target's mentions ask for. */
enum { NEAR_LEFT = 0, NEAR_RIGHT = 2, NEAR_CLAUSE = 4, NEAR_PARTS = 9, NEAR_ACTOR = 12 }; /* parts: not an id, but whether it parts clauses */

/* The place of AROUND + 2 role + side. */
static inline uint32_t near_actor(uint32_t role, uint32_t side) { return NEAR_ACTOR + 4 * (role - 1) + 2 * side; }

/* The ids of a token; BLANK has none. */
static inline const uint32_t *near_of(const Lexicon *lexicon, uint32_t token) { return lexicon->near + (size_t)NEAR_IDS * (token + 1); }

/* What parts clauses, as in clauses.py and features.py. */
static const char *const conjunctions[] = {
    "after", "although", "and", "as", "because", "but", "if", "that", "when", "which", "while", "who"};
enum { CONJUNCTIONS = sizeof conjunctions / sizeof *conjunctions };

/* Hashes of the conjunctions, and the ids of the marks that end a clause on its left and on its right. */
typedef struct {
    uint64_t parts[CONJUNCTIONS];
    uint32_t edges[2][128];
} Parting;

static void fill_parting(Parting *parting, const Block *clauses)
{
    for (size_t i = 0; i < CONJUNCTIONS; i++) parting->parts[i] = hash_bytes((const uint8_t *)conjunctions[i], strlen(conjunctions[i]));
    for (uint8_t mark = 0; mark < 128; mark++)
        for (uint32_t side = 0; side < 2; side++)
            parting->edges[side][mark] = index_find(&clauses->index, term_key(EDGE_LEFT + side, hash_bytes(&mark, 1), 0));
}

static int parts_clauses(const Parting *parting, uint32_t token, uint64_t hash)
{
    for (size_t i = 0; token >= ROLES && i < CONJUNCTIONS; i++)
        if (hash == parting->parts[i]) return 1;
    return 0;
}

/* Find the ids of a token whose hash is known; 0 on success, -1 where memory is out. */
static int fill_near(Lexicon *lexicon, uint32_t token, const Block *relations, const Block *frames, const Block *clauses,
                     const Parting *parting)
{
    if (reserve_near(lexicon)) return -1;
    uint32_t *near = lexicon->near + (size_t)NEAR_IDS * (token + 1);
    uint64_t hash = head_of(lexicon, token)->hash;
    for (size_t at = 0; at < NEAR_IDS; at++) near[at] = NONE;
    for (uint32_t framed = 0; framed < 2; framed++) {
        const Index *index = framed ? &frames->index : &relations->index;
        near[NEAR_LEFT + framed] = index_find(index, term_key(LEFT, hash, 0));
        near[NEAR_RIGHT + framed] = index_find(index, term_key(RIGHT, hash, 0));
        for (uint32_t role = 1; role < ROLES; role++)
            for (uint32_t side = 0; side < 2; side++)
                near[near_actor(role, side) + framed] = index_find(index, term_key(AROUND + 2 * role + side, hash, 0));
    }
    for (uint32_t kind = CLAUSE; kind <= EDGE_RIGHT; kind++)
        near[NEAR_CLAUSE + kind - CLAUSE] = index_find(&clauses->index, term_key(kind, hash, 0));
    near[NEAR_PARTS] = (uint32_t)parts_clauses(parting, token, hash);
    return 0;
}

/* Put a term whose id is known into a bag with room for it, unless the block has it not. */
static inline void put_known(const Block *block, Bag *bag, uint32_t id, uint32_t where)
{
    uint32_t known = id != NONE;
    bag->items.at[bag->items.n] = 4 * id + where;
    bag->items.n += known;
    PREFETCH(block->index.records + block->index.size * (id & ((uint32_t)0 - known)));
}

#endif
