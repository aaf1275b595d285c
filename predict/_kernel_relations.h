/* What stands around the actors of a paragraph and between them. */

#ifndef PARASTANCE_RELATIONS_H
#define PARASTANCE_RELATIONS_H

#include "_kernel_near.h"
#include "_kernel_view.h"

enum { MOST = 4 * WINDOW + 2 * NEAR + REACH + 4 }; /* relations of one mention, and more */

/* Where relations are listed: those of one word go to `known`, as the token knows them; others, and all of a block that grows, to
   `pending`, to be looked up. There must be room behind both. low:high: the sentence in tokens; framed: 1 for frames. All of it is
   inlined for either kind of block, so that it stays in registers. */
typedef struct {
    const View *view;
    const Lexicon *lexicon;
    const uint32_t *bare;
    uint32_t *known;
    Pending *pending;
    size_t low, high;
    uint32_t framed;
    int grows;
} Listing;

/* Where what spans first:last + 1 counts. */
static ALWAYS_INLINE uint32_t where_of(const Listing *list, size_t first, size_t last)
{
    return IN_WHOLE | (uint32_t)((first >= list->low) & (last < list->high));
}

static ALWAYS_INLINE void relate(Listing *list, uint64_t key, Made made, uint32_t where)
{
    *list->pending++ = (Pending){key, made, where};
}

static ALWAYS_INLINE uint64_t hash_at(const Listing *list, size_t at) { return head_of(list->lexicon, list->view->tokens[at])->hash; }

/* The token at a place, by a key. */
static ALWAYS_INLINE void relate_key(Listing *list, uint32_t kind, size_t at, uint32_t where)
{
    relate(list, term_key(kind, hash_at(list, at), 0), (Made){kind, list->view->tokens[at], NONE}, where);
}

/* The same where tokens know its id, unless there is no token; near: the place of the kind among a token's ids. */
static ALWAYS_INLINE void relate_word(Listing *list, uint32_t kind, uint32_t near, size_t at)
{
    uint32_t token = list->view->tokens[(ptrdiff_t)at], where = where_of(list, at, at);
    if (!list->grows) list->known = put_near(list->known, list->lexicon, near_of(list->lexicon, token), near + list->framed, where);
    else if (token != BLANK) relate_key(list, kind, at, where);
}

static ALWAYS_INLINE void relate_pair(Listing *list, uint32_t kind, size_t first, size_t second)
{
    const uint32_t *tokens = list->view->tokens;
    uint64_t key = term_key(kind, hash_at(list, first), hash_at(list, second));
    relate(list, key, (Made){kind, tokens[first], tokens[second]}, where_of(list, first, second));
}

/* The pair of tokens first and second beside a mention of the target, where there are such. */
static ALWAYS_INLINE void beside(Listing *list, uint32_t kind, size_t first, size_t second)
{
    size_t n = list->view->n_tokens;
    if (first < n && second < n) relate_pair(list, kind, first, second);
}

/* A mention and the next one, `second`: the pair, and the words between. */
static ALWAYS_INLINE void between(Listing *list, Mention first, Mention second)
{
    uint32_t code = 8 * first.role + second.role, where = first.last == second.last ? IN_BOTH : IN_WHOLE;
    if (list->grows) relate(list, term_key(PAIR + code, 0, 0), (Made){PAIR + code, NONE, NONE}, where);
    else list->known = put_id(list->known, list->bare[PAIR + code], where);
    for (size_t at = first.first + 1; at < second.first; at++) relate_key(list, BETWEEN + code, at, where);
}

/* The words of a window from `start` on, and the pairs of those that there are. */
static ALWAYS_INLINE void window(Listing *list, uint32_t kind, uint32_t pair, uint32_t near, size_t start)
{
    size_t n = list->view->n_tokens;
    for (size_t i = 0; i < WINDOW; i++) {
        size_t at = start + i; /* below 0 is beyond the end, too */
        relate_word(list, kind, near, at);
        if (i + 1 < WINDOW && at < n && at + 1 < n) relate_pair(list, pair, at, at + 1);
    }
}

/* What stands around a mention of the target at token `at`. */
static ALWAYS_INLINE void around_target(Listing *list, size_t at)
{
    window(list, LEFT, LEFT_PAIR, NEAR_LEFT, at - WINDOW);
    window(list, RIGHT, RIGHT_PAIR, NEAR_RIGHT, at + 1);
    if (!list->framed) return;
    beside(list, LEFT_LEFT, at - 2, at - 1);
    beside(list, RIGHT_RIGHT, at + 1, at + 2);
    beside(list, EITHER_SIDE, at - 1, at + 1);
}

/* What stands around a mention of another actor. */
static ALWAYS_INLINE void around_other(Listing *list, uint32_t role, size_t at)
{
    const uint32_t *tokens = list->view->tokens;
    for (uint32_t side = 0; side < 2; side++)
        for (size_t i = 0; i < NEAR; i++) {
            size_t near = side ? at + 1 + i : at - NEAR + i;
            if (!list->grows || tokens[(ptrdiff_t)near] >= ROLES) relate_word(list, AROUND + 2 * role + side, near_actor(role, side), near);
        }
}

/* What hangs on one mention. */
static ALWAYS_INLINE void relations_of(Listing *list, size_t index)
{
    const View *view = list->view;
    Mention mention = view->places.at[index];
    list->low = mention.last ? view->ends.at[mention.last - 1] : 0;
    list->high = view->ends.at[mention.last];
    if (mention.role == TARGET) around_target(list, mention.first);
    else around_other(list, mention.role, mention.first);
    if (index + 1 == view->places.n) return;
    Mention next = view->places.at[index + 1];
    if (next.first - mention.first > REACH || (mention.role != TARGET && next.role != TARGET)) return;
    between(list, mention, next);
}

/* All relations of a paragraph, those that have to be looked up not yet. */
static ALWAYS_INLINE int list_all(View *view, Listing list)
{
    Bag *direct = &view->direct;
    size_t index = 0, places = view->places.n;
    if (RESERVE(view->pending_ends, view->ends.n) || bag_begin(direct, view->ends.n)) return -1;
    if (RESERVE(view->pending, MOST * places) || RESERVE(direct->items, MOST * places + 1)) return -1;
    list.pending = view->pending.at;
    list.known = direct->items.at;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        for (; index < places && view->places.at[index].last == sentence; index++) relations_of(&list, index);
        view->pending_ends.at[sentence] = (uint32_t)(list.pending - view->pending.at);
        direct->items.n = (size_t)(list.known - direct->items.at);
        bag_end(direct);
    }
    view->pending.n = (size_t)(list.pending - view->pending.at);
    return 0;
}

WIDE static int list_relations(View *view, const Block *block, const Lexicon *lexicon)
{
    Listing list = {.view = view, .lexicon = lexicon, .bare = block->bare, .framed = (uint32_t)view->frames};
    if (block->grows) {
        list.grows = 1;
        return list_all(view, list);
    }
    if (list_all(view, list)) return -1;
    const Ids *known = &view->direct.items;
    for (size_t at = 0; at < known->n; at++) PREFETCH(block->index.records + block->index.size * (known->at[at] >> 2));
    return 0;
}

/* Keep the relations that the block may know; made.first: where their records are, which are on their way into the cache. */
WIDE static void sift_relations(View *view, const Index *index)
{
    Pending *pending = view->pending.at;
    size_t at = 0, kept = 0;
    for (size_t i = 0; i < view->pending.n; i++) PREFETCH(&index->map[index_bit(index, pending[i].key) >> 6]);
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

/* Put a sentence's relations that the block has into the bag: those known, and of the pending ones start:end. */
static int settle(View *view, Block *block, size_t sentence, size_t start, size_t end)
{
    Bag *bag = &view->relations;
    size_t first = bag_start(&view->direct, sentence), last = view->direct.ends.at[sentence];
    if (RESERVE(bag->items, bag->items.n + last - first + end - start)) return -1;
    for (size_t at = first; at < last; at++) bag->items.at[bag->items.n++] = view->direct.items.at[at];
    for (size_t at = start; at < end; at++) {
        const Pending *one = &view->pending.at[at];
        uint32_t id = block->grows ? grow_term(block, one->key, one->made) : index_follow(&block->index, one->key, one->made.first);
        if (id == NONE && block->grows) return -1;
        bag->items.at[bag->items.n] = 4 * id + one->where;
        bag->items.n += id != NONE;
    }
    return 0;
}

static int put_count(Block *block, Bag *bag, size_t names, uint32_t where)
{
    return put_bare(block, bag, COUNT + (uint32_t)(names < MANY ? names : MANY), where);
}

/* The relations that the block may know, their records on their way into the cache; 0 on success, -1 where memory is out. */
static int spot_relations(View *view, const Block *block, const Lexicon *lexicon)
{
    if (block_is_empty(block)) return 0;
    if (list_relations(view, block, lexicon)) return -1;
    if (!block->grows) sift_relations(view, &block->index);
    return 0;
}

/* Put the relations that were spotted and are known into the bag; whether the target is named is the last of each sentence and of
   the paragraph. */
static int settle_relations(View *view, Block *block)
{
    Bag *bag = &view->relations;
    size_t start = 0, names = 0;
    if (bag_begin(bag, view->ends.n)) return -1;
    if (block_is_empty(block)) return 0;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        size_t end = view->pending_ends.at[sentence];
        if (settle(view, block, sentence, start, end)) return -1;
        if (put_bare(block, bag, view->named.at[sentence] ? NAMED : UNNAMED, IN_SENTENCE)) return -1;
        if (view->frames && put_count(block, bag, view->names.at[sentence], IN_SENTENCE)) return -1;
        if (view->frames) names += view->names.at[sentence];
        bag_end(bag);
        start = end;
    }
    if (view->frames && put_count(block, bag, names, IN_WHOLE)) return -1;
    if (put_bare(block, bag, view->any_named ? NAMED : UNNAMED, IN_WHOLE)) return -1;
    bag_finish(bag);
    return 0;
}

#endif
