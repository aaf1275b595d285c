/* The words that the target goes by, and the clauses that name it. Only models that chose these blocks need them. */

#ifndef PARASTANCE_CLAUSES_H
#define PARASTANCE_CLAUSES_H

#include "_kernel_near.h"
#include "_kernel_view.h"

/* The words and pairs of words of a mention. */
static int put_names(Bag *bag, Block *block, const Lexicon *lexicon, const Words *words, Mention mention)
{
    for (size_t at = mention.first; at < mention.last; at++) {
        uint32_t token = words->met[at].token;
        if (put_single(block, bag, lexicon, OWN, token, IN_BOTH)) return -1;
        if (at + 1 < mention.last && put_pair(block, bag, lexicon, OWN_PAIR, token, words->met[at + 1].token, IN_BOTH)) return -1;
    }
    return 0;
}

/* The strand of words that the target goes by. */
static int find_own_names(Bag *bag, const View *view, Block *block, const Lexicon *lexicon, const Words *words,
                          const Ids *word_ends)
{
    size_t next = 0;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        for (; next < view->mentions.n && view->mentions.at[next].first < word_ends->at[sentence]; next++) {
            Mention mention = view->mentions.at[next];
            if (mention.role == TARGET && put_names(bag, block, lexicon, words, mention)) return -1;
        }
        if (!view->named.at[sentence] && put_bare(block, bag, NO_NAME, IN_SENTENCE)) return -1;
        bag_end(bag);
    }
    if (!view->any_named && put_bare(block, bag, NO_NAME, IN_WHOLE)) return -1;
    bag_finish(bag);
    return 0;
}

/* The kind of the first parting mark between a word and the one before, 0 where there is none. */
static uint8_t parting(const Text *text, const Words *words, size_t word)
{
    for (size_t c = words->place[2 * word - 1]; c < words->place[2 * word]; c++)
        switch (point_at(text, c)) {
        case ',': case ';': case ':': return (uint8_t)point_at(text, c);
        case 0x2013: case 0x2014: return '-';
        case '(': case ')': case '[': case ']': return '(';
        case '"': case 0x201C: case 0x201D: return '"';
        case '!': case '?': return '!';
        }
    return 0;
}

/* A walk from token to token of a paragraph, a mention being one: the word behind the token, and the next mention. */
typedef struct { size_t word, mention; } Walk;

/* The token at a place, which is moved behind it; back: the token before, the place moved to its start. */
static uint32_t step(Walk *walk, const View *view, const Words *words, int back)
{
    size_t other = back ? walk->mention - 1 : walk->mention;
    const Mention *mention = view->mentions.at + other;
    if (other < view->mentions.n && walk->word == (back ? mention->last : mention->first)) {
        *walk = back ? (Walk){mention->first, other} : (Walk){mention->last, other + 1};
        return mention->role;
    }
    if (back) walk->word--;
    uint32_t token = words->met[walk->word].token;
    walk->word += !back;
    return token;
}

/* What clauses are found in, and the end of the terms found, behind which there must be room. */
typedef struct {
    const Parting *parting;
    const View *view;
    const Lexicon *lexicon;
    const Text *text;
    const Words *words;
    uint32_t *found;
} Clauses;

/* Walk from a place to an edge of its clause in the sentence that ends at `limit`; what parts it is a term. */
static ALWAYS_INLINE void walk_to_edge(Clauses *in, Walk *walk, uint32_t side, size_t limit)
{
    const Near *near = in->lexicon->near.at;
    const uint32_t *ids = in->lexicon->near_ids.at;
    uint8_t mark = '.';
    while (walk->word != limit && !(mark = parting(in->text, in->words, walk->word))) {
        Walk next = *walk;
        uint32_t token = step(&next, in->view, in->words, !side);
        if (near_of(near, token).kinds >> NEAR_PARTS) {
            in->found = put_near(in->found, near, ids, token, NEAR_CLAUSE + EDGE_LEFT - CLAUSE + side, IN_BOTH);
            return;
        }
        *walk = next;
        mark = '.';
    }
    in->found = put_id(in->found, in->parting->edges[side][mark], IN_BOTH);
}

/* The clause of the target's mention `index`, the first in it, of the sentence low:high; return the first mention behind it. */
static ALWAYS_INLINE size_t find_clause(Clauses *in, size_t index, size_t low, size_t high)
{
    const Mention *mentions = in->view->mentions.at;
    const Near *near = in->lexicon->near.at;
    const uint32_t *ids = in->lexicon->near_ids.at;
    Walk start = {mentions[index].first, index}, end = {mentions[index].last, index + 1};
    walk_to_edge(in, &start, 0, low);
    walk_to_edge(in, &end, 1, high);
    size_t last = end.mention - 1;
    while (mentions[last].role != TARGET) last--;
    while (start.word != end.word) {
        size_t word = start.word;
        uint32_t token = step(&start, in->view, in->words, 0);
        int before = word < mentions[last].first, behind = word > mentions[index].first;
        if (before || behind) in->found = put_near(in->found, near, ids, token, NEAR_CLAUSE, IN_BOTH);
        if (before) in->found = put_near(in->found, near, ids, token, NEAR_CLAUSE + CLAUSE_LEFT - CLAUSE, IN_BOTH);
        if (behind) in->found = put_near(in->found, near, ids, token, NEAR_CLAUSE + CLAUSE_RIGHT - CLAUSE, IN_BOTH);
    }
    return end.mention;
}

/* The strand of clauses that name the target. */
WIDE static int find_clauses(Clauses in, Bag *bag, const Ids *word_ends)
{
    const Mentions *mentions = &in.view->mentions;
    size_t next = 0, low = 0;
    if (!in.view->any_named) return bag_skip(bag, word_ends->n), 0;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        size_t high = word_ends->at[sentence];
        while (next < mentions->n && mentions->at[next].first < high) {
            if (mentions->at[next].role != TARGET) {
                next++;
                continue;
            }
            if (RESERVE(bag->items, bag->items.n + 3 * (high - low) + 3)) return -1;
            in.found = bag->items.at + bag->items.n;
            next = find_clause(&in, next, low, high);
            bag->items.n = (size_t)(in.found - bag->items.at);
        }
        bag_end(bag);
        low = high;
    }
    return 0;
}

#endif
