/* Terms of one word each beside an actor or in a clause: for every token their ids are kept, so that none has to be looked up. */

#ifndef PARASTANCE_NEAR_H
#define PARASTANCE_NEAR_H

#include "_kernel_block.h"

/* Which ids a token may have. Those of relations are even, those of frames behind them odd. NEAR_PARTS is no id, but whether the
   token parts clauses. */
enum { NEAR_LEFT = 0, NEAR_RIGHT = 2, NEAR_CLAUSE = 4, NEAR_ACTOR = 10, NEAR_PARTS = 31 };

/* The place of AROUND + 2 role + side. */
static ALWAYS_INLINE uint32_t near_actor(uint32_t role, uint32_t side) { return NEAR_ACTOR + 4 * (role - 1) + 2 * side; }

/* What is near a token, of all there is; BLANK has nothing. */
static ALWAYS_INLINE Near near_of(const Near *all, uint32_t token) { return all[(uint32_t)(token + 1)]; }

/* Put the id that a token has at a place, if any, at the end of a bag's items with room for it; return their new end. */
static ALWAYS_INLINE uint32_t *put_near(uint32_t *end, const Near *all, const uint32_t *ids, uint32_t token, uint32_t place,
                                        uint32_t where)
{
    Near near = near_of(all, token);
    *end = 4 * ids[near.first + ones_of(near.kinds & ((1U << place) - 1))] + where;
    return end + (near.kinds >> place & 1);
}

/* The id that a token, which is not BLANK, has at a place, NONE where it has none. */
static ALWAYS_INLINE uint32_t id_near(const Near *all, const uint32_t *ids, uint32_t token, uint32_t place)
{
    uint32_t item, there = put_near(&item, all, ids, token, place, 0) != &item;
    return there ? item / 4 : NONE;
}

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
    for (size_t i = 0; i < CONJUNCTIONS; i++)
        parting->parts[i] = hash_bytes((const uint8_t *)conjunctions[i], strlen(conjunctions[i]));
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

/* Note the id of a term of a token at the next place, if its block has it. */
static void note(Lexicon *lexicon, Near *near, uint32_t place, const Block *block, uint64_t key)
{
    uint32_t id = index_find(&block->index, key);
    if (id == NONE) return;
    near->kinds |= 1U << place;
    lexicon->near_ids.at[lexicon->near_ids.n++] = id;
}

/* The same of a relation and, at the next place, of the same as a frame. */
static void note_both(Lexicon *lexicon, Near *near, uint32_t place, const Block *actors, uint32_t kind, uint64_t hash)
{
    note(lexicon, near, place, &actors[RELATIONS], term_key(kind, hash, 0));
    note(lexicon, near, place + 1, &actors[FRAMES], term_key(kind + FRAMED, hash, 0));
}

/* Find the ids of a token whose hash is known; 0 on success, -1 where memory is out. */
static int fill_near(Lexicon *lexicon, uint32_t token, const Block *actors, const Parting *parting)
{
    if (RESERVE(lexicon->near_ids, lexicon->near_ids.n + 33) || RESERVE(lexicon->near, (size_t)token + 2)) return -1;
    uint64_t hash = head_of(lexicon, token)->hash;
    Near near = {0, (uint32_t)lexicon->near_ids.n};
    for (uint32_t side = 0; side < 2; side++)
        note_both(lexicon, &near, NEAR_LEFT + 2 * side, actors, LEFT + side, hash);
    for (uint32_t kind = CLAUSE; kind <= EDGE_RIGHT; kind++)
        note(lexicon, &near, NEAR_CLAUSE + kind - CLAUSE, &actors[CLAUSES], term_key(kind, hash, 0));
    for (uint32_t role = 1; role < ROLES; role++)
        for (uint32_t side = 0; side < 2; side++)
            note_both(lexicon, &near, near_actor(role, side), actors, AROUND + 2 * role + side, hash);
    near.kinds |= (uint32_t)parts_clauses(parting, token, hash) << NEAR_PARTS;
    lexicon->near.at[0] = (Near){0, 0};
    lexicon->near.at[token + 1] = near;
    return 0;
}

#endif
