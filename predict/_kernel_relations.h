/* What stands around the actors of a paragraph and between them. */

#ifndef PARASTANCE_RELATIONS_H
#define PARASTANCE_RELATIONS_H

#include "_kernel_near.h"
#include "_kernel_view.h"

enum { MOST = 4 * WINDOW + 2 * NEAR + REACH + 4 }; /* relations of one mention, and more */

/* Where relations are listed. low:high: the sentence in tokens; framed: 1 for frames; names: the ids of a name left and right of
   the target; known: the end of a bag's items; pending: of those that have to be looked up; sums: of what sums sentences up; there
   must be room behind all. All of it is inlined, so that it stays in registers. */
typedef struct {
    const View *view;
    const Lexicon *lexicon;
    Block *block;
    uint32_t *known;
    Pending *pending;
    const Near *near;
    const uint32_t *ids;
    size_t low, high;
    uint32_t segment, framed, names[2], *sums;
    int grows, plain, failed;
} Listing;

static ALWAYS_INLINE Listing listing_of(const View *view, Block *block, const Lexicon *lexicon, int grows)
{
    uint32_t framed = (uint32_t)view->frames;
    Listing list = {.view = view, .lexicon = lexicon, .block = block, .near = lexicon->near.at, .ids = lexicon->near_ids.at,
                    .framed = framed, .grows = grows, .plain = grows || block->plain};
    for (uint32_t side = 0; side < 2 && !list.plain; side++)
        list.names[side] = id_near(list.near, list.ids, NAME, NEAR_LEFT + 2 * side + framed);
    return list;
}

static ALWAYS_INLINE void enter_sentence(Listing *list, size_t sentence)
{
    list->low = sentence ? list->view->ends.at[sentence - 1] : 0;
    list->high = list->view->ends.at[sentence];
    list->segment = (uint32_t)(8 * sentence) + 4 * list->framed;
}

/* Where what begins before a token of the sentence counts, and what ends behind one. */
static ALWAYS_INLINE uint32_t where_from(const Listing *list, size_t first) { return IN_WHOLE | (uint32_t)(first >= list->low); }

static ALWAYS_INLINE uint32_t where_to(const Listing *list, size_t last) { return IN_WHOLE | (uint32_t)(last < list->high); }

/* ---- terms of one word and of none, which need no look-up but where a block grows ---- */

static ALWAYS_INLINE void relate_new(Listing *list, uint64_t key, Made made, uint32_t where)
{
    uint32_t id = grow_term(list->block, key, made);
    list->failed |= id == NONE;
    list->known = put_id(list->known, id, where);
}

/* The token at a place, unless there is none, or an actor where `plain`; near: the place of the kind among a token's ids. */
static ALWAYS_INLINE void relate_word(Listing *list, uint32_t kind, uint32_t near, size_t at, int plain, uint32_t where)
{
    uint32_t token = list->view->tokens[(ptrdiff_t)at];
    if (!list->grows) list->known = put_near(list->known, list->near, list->ids, token, near, where);
    else if (token != BLANK && (!plain || token >= ROLES))
        relate_new(list, term_key(kind, head_of(list->lexicon, token)->hash, 0), (Made){kind, token, NONE}, where);
}

/* The `reach` words from `start` on that stand before an actor, and those behind one; frames' ids are one behind `near`. */
static ALWAYS_INLINE void words_before(Listing *list, uint32_t kind, uint32_t near, size_t start, size_t reach, int plain)
{
    WRITTEN_OUT for (size_t i = 0; i < reach; i++)
        relate_word(list, kind, near + list->framed, start + i, plain, where_from(list, start + i));
}

static ALWAYS_INLINE void words_behind(Listing *list, uint32_t kind, uint32_t near, size_t start, size_t reach, int plain)
{
    WRITTEN_OUT for (size_t i = 0; i < reach; i++)
        relate_word(list, kind, near + list->framed, start + i, plain, where_to(list, start + i));
}

/* The names among the `WINDOW` words from `start` on, which are left (0) or right (1) of the target. */
static ALWAYS_INLINE void names_beside(Listing *list, uint32_t side, size_t start)
{
    for (size_t at = start; at != start + WINDOW; at++) {
        *list->known = 4 * list->names[side] + (side ? where_to(list, at) : where_from(list, at));
        list->known += (list->view->tokens[(ptrdiff_t)at] == NAME) & (list->names[side] != NONE);
    }
}

static ALWAYS_INLINE void relate_bare(Listing *list, uint32_t kind, uint32_t where)
{
    if (!list->grows) list->known = put_id(list->known, list->block->bare[kind], where);
    else relate_new(list, term_key(kind, 0, 0), (Made){kind, NONE, NONE}, where);
}

/* The words around a mention of another actor than the target. */
static ALWAYS_INLINE void around_other(Listing *list, uint32_t role, size_t at)
{
    words_before(list, AROUND + 2 * role, near_actor(role, 0), at - NEAR, NEAR, 1);
    words_behind(list, AROUND + 2 * role + 1, near_actor(role, 1), at + 1, NEAR, 1);
}

/* ---- terms of two words, and of a word between two actors, which are looked up ---- */

/* Have a term looked up, if it is one. */
static ALWAYS_INLINE void look_up(Listing *list, uint64_t key, Made made, uint32_t where, uint32_t is_one)
{
    list->pending->key = key;
    list->pending->where = where + list->segment;
    if (list->grows) list->pending->made = made;
    else index_ask(&list->block->index, spot_of(key));
    list->pending += is_one;
}

/* The pair of two tokens near a mention, if there are both; wanted: whether it is looked up at all. */
static ALWAYS_INLINE void look_up_pair(Listing *list, uint32_t kind, size_t first, size_t last, uint32_t where, uint32_t wanted)
{
    uint32_t pair[2] = {list->view->tokens[(ptrdiff_t)first], list->view->tokens[(ptrdiff_t)last]}, there = 1;
    uint64_t hashes[2];
    for (size_t i = 0; i < 2; i++) {
        uint32_t is_one = pair[i] != BLANK;
        hashes[i] = head_of(list->lexicon, pair[i] & ((uint32_t)0 - is_one))->hash;
        there &= is_one;
    }
    uint64_t key = term_key(kind + FRAMED * list->framed, hashes[0], hashes[1]);
    look_up(list, key, (Made){kind, pair[0], pair[1]}, where, there & wanted);
}

/* Whether a pair has a name, or whatever counts as one. */
static ALWAYS_INLINE uint32_t is_wanted(const Listing *list, size_t at)
{
    const uint32_t *pair = list->view->tokens + (ptrdiff_t)at;
    return (pair[0] == NAME) | (pair[1] == NAME) | (uint32_t)list->plain;
}

/* The pairs of words left and right of a mention of the target at token `at`. */
static ALWAYS_INLINE void pairs_beside(Listing *list, size_t at)
{
    WRITTEN_OUT for (size_t i = at - WINDOW; i != at - 1; i++)
        look_up_pair(list, LEFT_PAIR, i, i + 1, where_from(list, i), is_wanted(list, i));
    WRITTEN_OUT for (size_t i = at + 1; i != at + WINDOW; i++)
        look_up_pair(list, RIGHT_PAIR, i, i + 1, where_to(list, i + 1), is_wanted(list, i));
}

/* Whether there is a name in the windows of the target at token `at`. */
static ALWAYS_INLINE uint32_t is_name_near(const View *view, size_t at)
{
    const uint32_t *tokens = view->tokens + (ptrdiff_t)at;
    uint32_t found = 0;
    WRITTEN_OUT for (ptrdiff_t i = 1; i <= WINDOW; i++) found |= (uint32_t)(tokens[-i] == NAME) | (uint32_t)(tokens[i] == NAME);
    return found;
}

/* What stands around a mention of the target at token `at`. */
static ALWAYS_INLINE void around_target(Listing *list, size_t at)
{
    uint32_t names = !list->plain && is_name_near(list->view, at);
    if (list->plain) {
        words_before(list, LEFT, NEAR_LEFT, at - WINDOW, WINDOW, 0);
        words_behind(list, RIGHT, NEAR_RIGHT, at + 1, WINDOW, 0);
    } else if (names) {
        names_beside(list, 0, at - WINDOW);
        names_beside(list, 1, at + 1);
    }
    if (list->plain | (int)names) pairs_beside(list, at);
    if (!list->framed) return;
    look_up_pair(list, LEFT_LEFT, at - 2, at - 1, where_from(list, at - 2), 1);
    look_up_pair(list, RIGHT_RIGHT, at + 1, at + 2, where_to(list, at + 2), 1);
    look_up_pair(list, EITHER_SIDE, at - 1, at + 1, where_from(list, at - 1) & where_to(list, at + 1), 1);
}

/* A mention and the one behind it, where they are related: the words between them. */
static ALWAYS_INLINE void relate_two(Listing *list, const Mention *first, const Mention *second)
{
    const uint32_t *tokens = list->view->tokens;
    uint32_t code = 8 * first->role + second->role, kind = BETWEEN + code;
    uint32_t where = first->last == second->last ? IN_BOTH : IN_WHOLE;
    relate_bare(list, PAIR + code, where);
    for (size_t at = first->first + 1; at < second->first; at++) {
        uint64_t hash = head_of(list->lexicon, tokens[at])->hash;
        look_up(list, term_key(kind + FRAMED * list->framed, hash, 0), (Made){kind, tokens[at], NONE}, where, 1);
    }
}

/* What hangs on one mention, behind which there is another or the end of all. */
static ALWAYS_INLINE void relate(Listing *list, const Mention *mention)
{
    const Mention *next = mention + 1;
    if (mention->role == TARGET) around_target(list, mention->first);
    else if (list->grows || list->block->around) around_other(list, mention->role, mention->first);
    if (!list->view->any_named) return;
    int related = (next->first - mention->first <= REACH) & ((mention->role == TARGET) | (next->role == TARGET));
    if (related & (list->plain | (mention->role == NAME) | (next->role == NAME))) relate_two(list, mention, next);
}

/* ---- all of a paragraph ---- */

/* Whether the target is named, and in frames how many names there are, in a sentence or, at last, in all of the paragraph. */
static ALWAYS_INLINE void sum_up(Listing *list, uint32_t named, size_t names, uint32_t where)
{
    const uint32_t *bare = list->block->bare;
    if (list->grows && where) relate_bare(list, UNNAMED - named, where);
    if (list->grows || !where) return;
    *list->sums++ = list->framed ? bare[COUNT + (names < MANY ? names : MANY)] : NONE;
    *list->sums++ = bare[UNNAMED - named];
}

/* Have known what was found, where a block grows. */
static ALWAYS_INLINE void grow_found(Listing *list, Pending *found)
{
    for (const Pending *one = found; one < list->pending; one++) relate_new(list, one->key, one->made, one->where & IN_BOTH);
    list->pending = found;
}

/* List a strand. What sums up stands apart, or where a block grows last in each sentence, where there are several, and in the
   paragraph. 0 on success, -1 where memory is out. */
static ALWAYS_INLINE int list_strand(View *view, Actors *actors, Block *block, const Lexicon *lexicon, int grows)
{
    Bag *bag = &actors->bag;
    Pendings *pending = &actors->pending;
    size_t names = 0, places = view->places.n, n = view->ends.n;
    if (RESERVE(bag->items, bag->items.n + 2 * MOST * places + 2 * n + 3) || RESERVE(view->places, places + 1)) return -1;
    if (RESERVE(*pending, pending->n + MOST * places)) return -1;
    view->places.at[places] = (Mention){NONE, NONE, NAME};
    const Mention *mention = view->places.at;
    Listing list = listing_of(view, block, lexicon, grows);
    list.known = bag->items.at + bag->items.n;
    list.pending = pending->at + pending->n;
    list.sums = actors->sums.at + 2 * (n + 1) * list.framed;
    for (size_t sentence = 0; sentence < n; sentence++) {
        size_t here = list.framed ? view->names.at[sentence] : 0;
        enter_sentence(&list, sentence);
        for (; mention->last == sentence; mention++) relate(&list, mention);
        if (grows) grow_found(&list, pending->at);
        sum_up(&list, view->named.at[sentence], here, n > 1 ? IN_SENTENCE : 0);
        names += here;
        bag->items.n = (size_t)(list.known - bag->items.at);
        bag_end(bag);
    }
    if (n == 1) list.sums += 2;
    sum_up(&list, (uint32_t)view->any_named, names, n > 1 ? IN_WHOLE : IN_BOTH);
    bag->items.n = (size_t)(list.known - bag->items.at);
    bag_finish(bag);
    pending->n = (size_t)(list.pending - pending->at);
    return list.failed ? -1 : 0;
}

/* The relations or frames of a view, of a block that does not grow. */
WIDE static int list_relations(View *view, Actors *actors, Block *block, const Lexicon *lexicon)
{
    return list_strand(view, actors, block, lexicon, 0);
}

/* The relations of a block that grows, alone. */
static int grow_relations(View *view, Block *block, const Lexicon *lexicon)
{
    return actors_begin(&view->actors, view->ends.n) || list_strand(view, &view->actors, block, lexicon, 1) ? -1 : 0;
}

#endif
