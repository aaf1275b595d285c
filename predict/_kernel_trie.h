/* Who is named: the aliases of a target and of the actors beside it, and where a paragraph has them. */

#ifndef PARASTANCE_TRIE_H
#define PARASTANCE_TRIE_H

#include "_kernel_words.h"

#define OPENINGS 0x3FFF /* bits of a hash that tell whether a word may belong to an alias */

/* The aliases of one target and of the actors beside it, as a trie over the hashes of their words in lower case. */
typedef struct {
    Table edges;    /* (node, word) to node; the root is node 0 */
    uint64_t *ends; /* per alias that ends at a node: role, count, then for each word 0, 1 (capital) or the hash it must have */
    size_t *first;  /* per node: where its aliases start in `ends`; nodes + 1 entries */
    uint8_t *inner; /* per node: whether it has others below it */
    size_t n_nodes;
    uint64_t serial; /* its own as long as the process lives; from 1 */
    uint64_t first_words[(OPENINGS + 1) / 64], later_words[(OPENINGS + 1) / 64]; /* maps of the words of aliases */
} Trie;

static void trie_free(Trie *trie)
{
    table_free(&trie->edges);
    free(trie->ends);
    free(trie->first);
    free(trie->inner);
    memset(trie, 0, sizeof *trie);
}

static void mark(uint64_t *map, uint64_t word) { map[(word & OPENINGS) >> 6] |= 1ULL << (word & 63); }

static inline unsigned marked(const uint64_t *map, uint64_t word)
{
    return (unsigned)(map[(word & OPENINGS) >> 6] >> (word & 63)) & 1U;
}

/* Whether a map may hold a word of a paragraph, whole or cut. */
static inline unsigned may_be(const uint64_t *map, const Words *words, size_t at)
{
    const Met *met = &words->met[at];
    unsigned whole = marked(map, words->lower[at]);
    return met->flags & HAS_CUT ? whole | marked(map, words->lexicon[met->word].cut.lower) : whole;
}

static inline uint64_t edge_key(uint32_t node, uint64_t word) { return node ? term_key(node, word, 0) : word; }

/* What the flags of a word that begins an alias tell beside IS_OPENER: the role that it plays alone, counted from 1, where all
   letters of the text are small, or all are capitals, and where not; and the node that it leads to if others are below it, where
   its number is not too high, counted from 1. GOES_ON: all bits of that. */
enum { ROLE_UNCASED = 8, ROLE_CASED = 11, NODE = 14 };
#define GOES_ON (~(uint32_t)0 << NODE)
#define OPENING (IS_OPENER | ~(uint32_t)0 << ROLE_UNCASED)

/* The role, counted from 1, that a word plays alone by an alias of a node; 0 where it plays none. */
static uint32_t role_alone(const Trie *trie, uint32_t node, uint64_t written, int upper, int has_case)
{
    for (size_t at = trie->first[node]; at < trie->first[node + 1]; at += 2 + trie->ends[at + 1]) {
        uint64_t wanted = trie->ends[at + 2];
        if (wanted > 1 ? written == wanted : !wanted || !has_case || upper) return (uint32_t)trie->ends[at] + 1;
    }
    return 0;
}

/* The flags of a word as it begins an alias, whole or cut. */
static uint32_t opening(const Trie *trie, const Word *word)
{
    uint32_t node = table_find(&trie->edges, edge_key(0, word->spelling.lower)), cut = NONE;
    if (node == NONE && (word->flags & HAS_CUT)) cut = table_find(&trie->edges, edge_key(0, word->cut.lower));
    if (node == NONE && cut == NONE) return 0;
    uint32_t found = IS_OPENER, at = node != NONE ? node : cut;
    if (node != NONE && trie->inner[node]) found |= node < GOES_ON >> NODE ? (node + 1) << NODE : GOES_ON;
    uint64_t written = node != NONE ? word->spelling.written : word->cut.written;
    int upper = (word->flags & STARTS_UPPER) != 0;
    return found | role_alone(trie, at, written, upper, 0) << ROLE_UNCASED | role_alone(trie, at, written, upper, 1) << ROLE_CASED;
}

/* Let the words of a lexicon know how they begin aliases. */
static void mark_openers(const Trie *trie, Lexicon *lexicon)
{
    if (lexicon->openers_of == trie->serial) return;
    lexicon->openers_of = trie->serial;
    for (size_t at = 0; at < lexicon->n_slots; at++) {
        Met *met = &lexicon->slots[at].met;
        if (!lexicon->slots[at].spelling.written) continue;
        met->flags = (met->flags & ~(uint32_t)OPENING) | opening(trie, &lexicon->words.at[met->word]);
    }
}

/* Words first:last of the paragraph, played by `role`. */
typedef struct { uint32_t first, last, role; } Mention;

typedef VECTOR(Mention) Mentions;

/* The role of the node's first alias whose capitals words first:last have, -1 where none fits. */
static int fits(const Trie *trie, uint32_t node, const Words *words, size_t first, size_t last, int cut)
{
    for (size_t at = trie->first[node]; at < trie->first[node + 1];) {
        uint64_t role = trie->ends[at], count = trie->ends[at + 1];
        const uint64_t *wanted = trie->ends + at + 2;
        int good = count == last - first;
        for (size_t i = 0; good && i < count; i++) {
            size_t at_word = first + i;
            const Word *word = &words->lexicon[words->met[at_word].word];
            uint64_t written = cut && i + 1 == count ? word->cut.written : word->spelling.written;
            if (wanted[i] > 1) good = written == wanted[i];
            else if (wanted[i] == 1) good = !words->scan->has_case || (words->met[at_word].flags & STARTS_UPPER);
        }
        if (good) return (int)role;
        at += 2 + count;
    }
    return -1;
}

/* An alias under way: the word behind what was read of it, the node that leads to, and where the longest so far ends, 0 if none. */
typedef struct {
    size_t next, found;
    uint32_t node;
} Way;

/* Where the longest alias that starts at word `at` ends, 0 where none does; it ends at `limit` at the latest. */
static size_t longest(const Trie *trie, const Words *words, size_t at, Way way, size_t limit, uint32_t *role)
{
    const uint64_t *map = way.node ? trie->later_words : trie->first_words;
    while (way.next < limit && may_be(map, words, way.next)) {
        const Met *met = &words->met[way.next];
        uint32_t step = table_probe(&trie->edges, edge_key(way.node, words->lower[way.next]));
        int fit = -1;
        if (step == NONE && (met->flags & HAS_CUT)) {
            uint32_t lost = table_probe(&trie->edges, edge_key(way.node, words->lexicon[met->word].cut.lower));
            if (lost != NONE) fit = fits(trie, lost, words, at, way.next + 1, 1);
        }
        way.next++;
        if (step != NONE) fit = fits(trie, step, words, at, way.next, 0);
        if (fit >= 0) {
            way.found = way.next;
            *role = (uint32_t)fit;
        }
        if (step == NONE) break;
        way.node = step;
        map = trie->later_words;
    }
    return way.found;
}

/* Where the longest alias that starts at word `at` ends, as the word knows itself, but where more words may belong to it. */
static ALWAYS_INLINE size_t longest_known(const Trie *trie, const Words *words, size_t at, size_t limit, uint32_t *role)
{
    uint32_t flags = words->met[at].flags, alone = flags >> (words->scan->has_case ? ROLE_CASED : ROLE_UNCASED) & 7;
    uint32_t node = flags >> NODE;
    size_t found = alone ? at + 1 : 0;
    *role = alone - 1;
    if (!node || at + 1 >= limit || !may_be(trie->later_words, words, at + 1)) return found;
    return longest(trie, words, at, node == GOES_ON >> NODE ? (Way){at, 0, 0} : (Way){at + 1, found, node - 1}, limit, role);
}

/* The words of a paragraph that may begin an alias; marked: whether they know themselves. */
static int find_openers(const Trie *trie, const Words *words, int marked, Ids *openers)
{
    size_t found = 0;
    if (RESERVE(*openers, words->n + 64)) return -1;
    for (size_t at = 0; at < words->n && marked; at += 64)
        found = (size_t)(write_ones(openers->at + found, words->traits[at / 64].opener, at, 4) - openers->at);
    for (size_t at = 0; at < words->n && !marked; at++) {
        openers->at[found] = (uint32_t)at;
        found += may_be(trie->first_words, words, at);
    }
    openers->n = found;
    return 0;
}

/* The end of a mention of words up to `last`, a possessive behind it included. */
static size_t with_possessive(const Words *words, const Text *text, size_t last, size_t limit)
{
    if (last >= limit || !(words->met[last].flags & IS_POSSESSIVE)) return last;
    uint32_t end = words->place[2 * last - 1];
    return last + (words->place[2 * last] == end + 1 && (class_at(text, end) & IS_APOSTROPHE));
}

/* The mentions in a paragraph whose sentences end at `word_ends`, into `found`; 0 on success, -1 where memory is out. */
static int find_mentions(const Trie *trie, const Words *words, const Text *text, const Ids *word_ends, int marked, Ids *openers,
                         Mentions *found)
{
    size_t behind = 0, sentence = 0;
    if (find_openers(trie, words, marked, openers) || RESERVE(*found, openers->n)) return -1;
    for (size_t i = 0; i < openers->n; i++) {
        size_t at = openers->at[i];
        uint32_t role = 0;
        if (at < behind) continue;
        while (at >= word_ends->at[sentence]) sentence++;
        size_t limit = word_ends->at[sentence];
        Way start = {at, 0, 0};
        size_t last = marked ? longest_known(trie, words, at, limit, &role) : longest(trie, words, at, start, limit, &role);
        if (!last) continue;
        behind = with_possessive(words, text, last, limit);
        found->at[found->n++] = (Mention){(uint32_t)at, (uint32_t)behind, role};
    }
    return 0;
}

#endif
