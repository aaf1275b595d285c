/* What stands around the actors of a paragraph and between them. */

#ifndef PARASTANCE_RELATIONS_H
#define PARASTANCE_RELATIONS_H

#include "_kernel_view.h"

enum { MOST = 4 * WINDOW + 2 * NEAR + REACH + 4 }; /* relations of one mention, and more */

/* For this and what follows there must be room in view->pending. */
static void relate(View *view, uint64_t key, Made made, int inside)
{
    view->pending.at[view->pending.n++] = (Pending){key, made, inside ? IN_BOTH : IN_WHOLE};
}

/* The token at a place, and those at two places. */
static void relate_word(View *view, uint32_t kind, size_t at, int inside)
{
    relate(view, term_key(kind, view->hashes.at[at], 0), (Made){kind, view->tokens.at[at], NONE}, inside);
}

static void relate_pair(View *view, uint32_t kind, size_t first, size_t second, int inside)
{
    uint64_t key = term_key(kind, view->hashes.at[first], view->hashes.at[second]);
    relate(view, key, (Made){kind, view->tokens.at[first], view->tokens.at[second]}, inside);
}

/* The pair of tokens first and second beside a mention of the target, where there are such; the sentence is low:high. */
static void beside(View *view, uint32_t kind, size_t first, size_t second, size_t low, size_t high)
{
    if (first >= view->tokens.n || second >= view->tokens.n) return; /* below 0 is beyond the end, too */
    relate_pair(view, kind, first, second, first >= low && second < high);
}

/* The words and pairs of words in start:end beside a mention of the target; the sentence is low:high. */
static void window(View *view, const uint32_t kinds[2], size_t start, size_t end, size_t low, size_t high)
{
    for (size_t at = start; at < end; at++) {
        relate_word(view, kinds[0], at, at >= low && at < high);
        if (at + 1 < end) relate_pair(view, kinds[1], at, at + 1, at >= low && at + 1 < high);
    }
}

/* A mention and the next one, `second`: the pair, and the words between. */
static void between(View *view, Mention first, Mention second)
{
    uint32_t code = 8 * first.role + second.role;
    int inside = first.last == second.last;
    relate(view, term_key(PAIR + code, 0, 0), (Made){PAIR + code, NONE, NONE}, inside);
    for (size_t at = first.first + 1; at < second.first; at++) relate_word(view, BETWEEN + code, at, inside);
}

/* What stands around a mention of the target at token `at`; the sentence is low:high. */
static void around_target(View *view, size_t at, size_t low, size_t high)
{
    static const uint32_t left[2] = {LEFT, LEFT_PAIR}, right[2] = {RIGHT, RIGHT_PAIR};
    size_t start = at > WINDOW ? at - WINDOW : 0, end = at + 1 + WINDOW < view->tokens.n ? at + 1 + WINDOW : view->tokens.n;
    window(view, left, start, at, low, high);
    window(view, right, at + 1, end, low, high);
    if (!view->frames) return;
    beside(view, LEFT_LEFT, at - 2, at - 1, low, high);
    beside(view, RIGHT_RIGHT, at + 1, at + 2, low, high);
    beside(view, EITHER_SIDE, at - 1, at + 1, low, high);
}

/* What stands around a mention of another actor. */
static void around_other(View *view, uint32_t role, size_t at, size_t low, size_t high)
{
    size_t start = at > NEAR ? at - NEAR : 0, end = at + 1 + NEAR < view->tokens.n ? at + 1 + NEAR : view->tokens.n;
    for (size_t near = start; near < end; near++) {
        if (view->tokens.at[near] >= ROLES) relate_word(view, AROUND + 2 * role + (near > at), near, near >= low && near < high);
    }
}

/* What hangs on one mention. */
static void relations_of(View *view, size_t index)
{
    Mention mention = view->places.at[index];
    size_t low = mention.last ? view->ends.at[mention.last - 1] : 0, high = view->ends.at[mention.last];
    if (mention.role == TARGET) around_target(view, mention.first, low, high);
    else around_other(view, mention.role, mention.first, low, high);
    if (index + 1 == view->places.n) return;
    Mention next = view->places.at[index + 1];
    if (next.first - mention.first > REACH || (mention.role != TARGET && next.role != TARGET)) return;
    between(view, mention, next);
}

/* All relations of a paragraph, not looked up yet. */
static int list_relations(View *view)
{
    size_t index = 0;
    view->pending.n = view->pending_ends.n = 0;
    if (RESERVE(view->pending_ends, view->ends.n)) return -1;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        for (; index < view->places.n && view->places.at[index].last == sentence; index++) {
            if (RESERVE(view->pending, view->pending.n + MOST)) return -1;
            relations_of(view, index);
        }
        view->pending_ends.at[view->pending_ends.n++] = (uint32_t)view->pending.n;
    }
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

/* Put the pending relations start:end that the block has into the bag. */
static int settle(View *view, Block *block, size_t start, size_t end)
{
    Bag *bag = &view->relations;
    if (RESERVE(bag->items, bag->items.n + end - start)) return -1;
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
static int spot_relations(View *view, const Block *block)
{
    if (block_is_empty(block)) return 0;
    if (list_relations(view)) return -1;
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
        if (settle(view, block, start, end)) return -1;
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
