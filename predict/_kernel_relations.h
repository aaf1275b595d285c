/* What stands around the actors of a paragraph and between them. */

#ifndef PARASTANCE_RELATIONS_H
#define PARASTANCE_RELATIONS_H

#include "_kernel_near.h"
#include "_kernel_view.h"

enum { MOST = 4 * WINDOW + 2 * NEAR + REACH + 4 }; /* relations of one mention, and more */

/* Where relations are listed. low:high: the sentence in tokens; framed: 1 for frames; known: the end of a bag's items; pending: of
   those that have to be looked up; there must be room behind both. All of it is inlined, so that it stays in registers. */
typedef struct {
    const View *view;
    const Lexicon *lexicon;
    Block *block;
    uint32_t *known;
    Pending *pending;
    const Near *near;
    const uint32_t *ids;
    size_t low, high;
    uint32_t framed;
    int grows, plain, failed;
} Listing;

static ALWAYS_INLINE Listing listing_of(const View *view, Block *block, const Lexicon *lexicon)
{
    return (Listing){.view = view, .lexicon = lexicon, .block = block, .near = lexicon->near.at, .ids = lexicon->near_ids.at,
                     .framed = (uint32_t)view->frames, .grows = block->grows,
                     .plain = block->grows || block->plain};
}

static ALWAYS_INLINE void enter_sentence(Listing *list, size_t sentence)
{
    list->low = sentence ? list->view->ends.at[sentence - 1] : 0;
    list->high = list->view->ends.at[sentence];
}

/* Where what spans first:last + 1 counts. */
static ALWAYS_INLINE uint32_t where_of(const Listing *list, size_t first, size_t last)
{
    return IN_WHOLE | (uint32_t)((first >= list->low) & (last < list->high));
}

static ALWAYS_INLINE uint64_t hash_at(const Listing *list, size_t at)
{
    return head_of(list->lexicon, list->view->tokens[at])->hash;
}

/* ---- terms of one word and of none, which need no look-up but where a block grows ---- */

static void relate_new(Listing *list, uint64_t key, Made made, uint32_t where)
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
        relate_new(list, term_key(kind, hash_at(list, at), 0), (Made){kind, token, NONE}, where);
}

/* The `reach` words from `start` on that stand before an actor, and those behind one; frames' ids are one behind `near`. */
static ALWAYS_INLINE void words_before(Listing *list, uint32_t kind, uint32_t near, size_t start, size_t reach, int plain)
{
    for (size_t i = 0; i < reach; i++)
        relate_word(list, kind, near + list->framed, start + i, plain, IN_WHOLE | (uint32_t)(start + i >= list->low));
}

static ALWAYS_INLINE void words_behind(Listing *list, uint32_t kind, uint32_t near, size_t start, size_t reach, int plain)
{
    for (size_t i = 0; i < reach; i++)
        relate_word(list, kind, near + list->framed, start + i, plain, IN_WHOLE | (uint32_t)(start + i < list->high));
}

static ALWAYS_INLINE void relate_bare(Listing *list, uint32_t kind, uint32_t where)
{
    if (!list->grows) list->known = put_id(list->known, list->block->bare[kind], where);
    else relate_new(list, term_key(kind, 0, 0), (Made){kind, NONE, NONE}, where);
}

/* The words around a mention of the target, or of another actor, at token `at`. */
static ALWAYS_INLINE void around(Listing *list, uint32_t role, size_t at)
{
    if (role == TARGET) {
        words_before(list, LEFT, NEAR_LEFT, at - WINDOW, WINDOW, 0);
        words_behind(list, RIGHT, NEAR_RIGHT, at + 1, WINDOW, 0);
    } else {
        words_before(list, AROUND + 2 * role, near_actor(role, 0), at - NEAR, NEAR, 1);
        words_behind(list, AROUND + 2 * role + 1, near_actor(role, 1), at + 1, NEAR, 1);
    }
}

/* The mention behind one, where the two are related, else NULL. plain: whether they are without a name. */
static ALWAYS_INLINE const Mention *partner(const View *view, size_t index, int plain)
{
    const Mention *first = &view->places.at[index], *second = first + 1;
    if (index + 1 == view->places.n || second->first - first->first > REACH) return NULL;
    if ((first->role != TARGET) & (second->role != TARGET)) return NULL;
    return plain || first->role == NAME || second->role == NAME ? second : NULL;
}

static ALWAYS_INLINE uint32_t code_of(const Mention *first, const Mention *second) { return 8 * first->role + second->role; }

static ALWAYS_INLINE uint32_t where_between(const Mention *first, const Mention *second)
{
    return first->last == second->last ? IN_BOTH : IN_WHOLE;
}

/* What hangs on one mention and needs no look-up. */
static ALWAYS_INLINE void list_known(Listing *list, size_t index)
{
    const Mention *mention = &list->view->places.at[index], *next = NULL;
    if (list->view->any_named) next = partner(list->view, index, list->plain);
    if (mention->role == TARGET || list->grows || list->block->around) around(list, mention->role, mention->first);
    if (next) relate_bare(list, PAIR + code_of(mention, next), where_between(mention, next));
}

/* ---- terms of two words, and of a word between two actors, which are looked up ---- */

static ALWAYS_INLINE void relate_pair(Listing *list, uint32_t kind, size_t first, size_t second)
{
    const uint32_t *tokens = list->view->tokens;
    size_t n = list->view->n_tokens;
    if (first >= n || second >= n) return; /* below 0 is beyond the end, too */
    uint64_t key = term_key(kind, hash_at(list, first), hash_at(list, second));
    *list->pending++ = (Pending){key, {kind, tokens[first], tokens[second]}, where_of(list, first, second)};
}

/* The pair that starts with a token of a window. */
static ALWAYS_INLINE void window_pair(Listing *list, uint32_t kind, size_t at)
{
    const uint32_t *pair = list->view->tokens + (ptrdiff_t)at;
    if (list->plain || pair[0] == NAME || pair[1] == NAME) relate_pair(list, kind, at, at + 1);
}

/* The pairs of words beside a mention of the target at token `at`. */
static void pairs_around(Listing *list, size_t at)
{
    for (size_t i = 1; i < WINDOW; i++) window_pair(list, LEFT_PAIR, at - WINDOW + i - 1);
    for (size_t i = 1; i < WINDOW; i++) window_pair(list, RIGHT_PAIR, at + i);
    if (!list->framed) return;
    relate_pair(list, LEFT_LEFT, at - 2, at - 1);
    relate_pair(list, RIGHT_RIGHT, at + 1, at + 2);
    relate_pair(list, EITHER_SIDE, at - 1, at + 1);
}

static void words_between(Listing *list, const Mention *first, const Mention *second)
{
    uint32_t kind = BETWEEN + code_of(first, second), where = where_between(first, second);
    for (size_t at = first->first + 1; at < second->first; at++)
        *list->pending++ = (Pending){term_key(kind, hash_at(list, at), 0), {kind, list->view->tokens[at], NONE}, where};
}

/* The relations of a paragraph that have to be looked up; 0 on success, -1 where memory is out. */
static int list_pending(View *view, Block *block, const Lexicon *lexicon)
{
    Listing list = listing_of(view, block, lexicon);
    size_t index = 0, places = view->places.n;
    if (RESERVE(view->pending_ends, view->ends.n) || RESERVE(view->pending, MOST * places)) return -1;
    view->pending.n = 0;
    if (!view->any_named) return 0;
    list.pending = view->pending.at;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        enter_sentence(&list, sentence);
        for (; index < places && view->places.at[index].last == sentence; index++) {
            const Mention *mention = &view->places.at[index], *next = partner(view, index, list.plain);
            if (mention->role == TARGET) pairs_around(&list, mention->first);
            if (next) words_between(&list, mention, next);
        }
        view->pending_ends.at[sentence] = (uint32_t)(list.pending - view->pending.at);
    }
    view->pending.n = (size_t)(list.pending - view->pending.at);
    return 0;
}

/* List the relations to be looked up, and ask for where in the map they would be; 0 on success, -1 where memory is out. */
static int ask_for_relations(View *view, Block *block, const Lexicon *lexicon)
{
    view->pending.n = 0;
    if (block_is_empty(block)) return 0;
    if (list_pending(view, block, lexicon)) return -1;
    for (size_t i = 0; i < view->pending.n && !block->grows; i++) index_ask(&block->index, spot_of(view->pending.at[i].key));
    return 0;
}

/* Keep the relations that the block may know; made.first: where their records are, which are on their way into the cache. */
WIDE static void sift_relations(View *view, const Index *index)
{
    Pending *pending = view->pending.at;
    size_t at = 0, kept = 0;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        for (; at < view->pending_ends.at[sentence]; at++) {
            unsigned may;
            uint64_t key = pending[at].key;
            pending[kept].where = pending[at].where;
            pending[kept].made.first = index_spot(index, key, &may);
            pending[kept].key = key;
            kept += may;
        }
        view->pending_ends.at[sentence] = (uint32_t)kept;
    }
    view->pending.n = kept;
}

/* The relations that the block may know, their records on their way into the cache. */
static void spot_relations(View *view, const Block *block)
{
    if (!block->grows && view->pending.n) sift_relations(view, &block->index);
}

/* Put the pending relations start:end that the block has into the bag. */
static ALWAYS_INLINE void settle(Listing *list, size_t start, size_t end)
{
    for (size_t at = start; at < end; at++) {
        const Pending *one = &list->view->pending.at[at];
        if (list->grows) relate_new(list, one->key, one->made, one->where);
        else list->known = put_id(list->known, index_follow(&list->block->index, one->key, one->made.first), one->where);
    }
}

/* Whether the target is named, and in frames how many names there are. */
static ALWAYS_INLINE void sum_up(Listing *list, int named, size_t names, uint32_t where)
{
    if (list->framed) relate_bare(list, COUNT + (uint32_t)(names < MANY ? names : MANY), where);
    relate_bare(list, named ? NAMED : UNNAMED, where);
}

/* Ask for the records of a bag's terms. */
static ALWAYS_INLINE void ask_for_records(const Index *index, const Bag *bag)
{
    for (size_t at = 0; at < bag->items.n; at++) PREFETCH(index->records + index->size * (bag->items.at[at] >> 2));
}

/* Put all relations into the bag; what sums them up is the last of each sentence, where there are several, and of the paragraph. */
WIDE static int settle_relations(View *view, Block *block, const Lexicon *lexicon)
{
    Bag *bag = &view->relations;
    Listing list = listing_of(view, block, lexicon);
    size_t start = 0, names = 0, index = 0, places = view->places.n;
    if (bag_begin(bag, view->ends.n)) return -1;
    if (block_is_empty(block)) return 0;
    if (RESERVE(bag->items, MOST * places + view->pending.n + 2 * view->ends.n + 3)) return -1;
    list.known = bag->items.at;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        size_t end = view->any_named ? view->pending_ends.at[sentence] : 0;
        enter_sentence(&list, sentence);
        for (; index < places && view->places.at[index].last == sentence; index++) list_known(&list, index);
        settle(&list, start, end);
        size_t here = list.framed ? view->names.at[sentence] : 0;
        if (view->ends.n > 1) sum_up(&list, (int)view->named.at[sentence], here, IN_SENTENCE);
        names += here;
        bag->items.n = (size_t)(list.known - bag->items.at);
        bag_end(bag);
        start = end;
    }
    sum_up(&list, view->any_named, names, view->ends.n > 1 ? IN_WHOLE : IN_BOTH);
    bag->items.n = (size_t)(list.known - bag->items.at);
    bag_finish(bag);
    ask_for_records(&block->index, bag);
    return list.failed ? -1 : 0;
}

#endif
