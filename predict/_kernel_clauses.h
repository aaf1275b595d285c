/* The words that the target goes by, and the clauses that name it. Only models that chose these blocks need them. */

#ifndef PARASTANCE_CLAUSES_H
#define PARASTANCE_CLAUSES_H

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

/* The words that the target goes by. */
static int find_own_names(Bag *bag, const View *view, Block *block, const Lexicon *lexicon, const Words *words,
                          const Ids *word_ends)
{
    size_t next = 0;
    if (bag_begin(bag, word_ends->n)) return -1;
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

/* What parts clauses, as in clauses.py and features.py. */
static const char *const conjunctions[] = {
    "after", "although", "and", "as", "because", "but", "if", "that", "when", "which", "while", "who"};
enum { CONJUNCTIONS = sizeof conjunctions / sizeof *conjunctions };

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

static int parts_clauses(const Lexicon *lexicon, const uint64_t *parts, uint32_t token)
{
    if (token < ROLES) return 0;
    for (size_t i = 0; i < CONJUNCTIONS; i++)
        if (head_of(lexicon, token)->hash == parts[i]) return 1;
    return 0;
}

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

/* Walk from a place to an edge of its clause in the sentence that ends at `limit`; what parts it goes into `block` as a term. */
static int walk_to_edge(Bag *bag, Block *block, const View *view, const Lexicon *lexicon, const Text *text, const Words *words,
                        const uint64_t *parts, Walk *walk, int back, size_t limit)
{
    uint32_t kind = back ? EDGE_LEFT : EDGE_RIGHT;
    uint8_t mark = '.';
    while (walk->word != limit && !(mark = parting(text, words, walk->word))) {
        Walk next = *walk;
        uint32_t token = step(&next, view, words, back);
        if (parts_clauses(lexicon, parts, token)) return put_single(block, bag, lexicon, kind, token, IN_BOTH);
        *walk = next;
        mark = '.';
    }
    return put_term(block, bag, term_key(kind, hash_bytes(&mark, 1), 0), (Made){kind, NONE, NONE}, IN_BOTH);
}

/* The clause of the target's mention `index`, the first in it, of the sentence low:high; the first mention behind it into *next. */
static int find_clause(Bag *bag, Block *block, const View *view, const Lexicon *lexicon, const Text *text, const Words *words,
                       const uint64_t *parts, size_t index, size_t low, size_t high, size_t *next)
{
    const Mention *mentions = view->mentions.at;
    Walk start = {mentions[index].first, index}, end = {mentions[index].last, index + 1};
    if (walk_to_edge(bag, block, view, lexicon, text, words, parts, &start, 1, low)) return -1;
    if (walk_to_edge(bag, block, view, lexicon, text, words, parts, &end, 0, high)) return -1;
    *next = end.mention;
    size_t last = end.mention - 1;
    while (mentions[last].role != TARGET) last--;
    while (start.word != end.word) {
        size_t word = start.word;
        uint32_t token = step(&start, view, words, 0);
        int before = word < mentions[last].first, behind = word > mentions[index].first;
        if ((before || behind) && put_single(block, bag, lexicon, CLAUSE, token, IN_BOTH)) return -1;
        if (before && put_single(block, bag, lexicon, CLAUSE_LEFT, token, IN_BOTH)) return -1;
        if (behind && put_single(block, bag, lexicon, CLAUSE_RIGHT, token, IN_BOTH)) return -1;
    }
    return 0;
}

/* The clauses that name the target. parts: hashes of the conjunctions. */
static int find_clauses(Bag *bag, const View *view, Block *block, const Lexicon *lexicon, const Text *text, const Words *words,
                        const uint64_t *parts, const Ids *word_ends)
{
    size_t next = 0, low = 0;
    if (bag_begin(bag, word_ends->n)) return -1;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        size_t high = word_ends->at[sentence];
        while (next < view->mentions.n && view->mentions.at[next].first < high) {
            size_t index = next++;
            if (view->mentions.at[index].role != TARGET) continue;
            if (find_clause(bag, block, view, lexicon, text, words, parts, index, low, high, &next)) return -1;
        }
        bag_end(bag);
        low = high;
    }
    return 0;
}

#endif
