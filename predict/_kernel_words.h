/* Words: every word type is looked at once and kept, with its token and what matching needs of it. */

#ifndef PARASTANCE_WORDS_H
#define PARASTANCE_WORDS_H

#include "_kernel_text.h"

enum { ROLES = 6, TARGET = 0, NAME = 5 }; /* the role tokens are the first tokens; order as in targets.ROLES, then a name */
enum { STARTS_UPPER = 1, IS_POSSESSIVE = 2, HAS_CUT = 4, IS_I = 8, IS_TELLING = 16 };

static const char *const role_names[ROLES] = {"<target>", "<ally>", "<adversary>", "<jihadist>", "<third>", "<name>"};

/* A word type as written. lower, cut: hashes of it in lower case and of the same without its last letter, an s. */
typedef struct {
    uint64_t hash, lane, lower, cut, cut_written; /* lane: its first 8 bytes */
    uint32_t start, length, token, flags;
} Word;

/* A word type as a feature: lower case, digits as 0. */
typedef struct {
    uint64_t hash;
    uint32_t start, length;
    uint32_t unigram; /* the feature, NONE where there is none */
    float notion;     /* the idf among the notions, 0 where it is none */
} Token;

/* What Python knows better: the token, lower case and lower case without the last letter of a word beyond ASCII. */
typedef struct {
    const uint8_t *token, *lower, *cut;
    size_t token_size, lower_size, cut_size;
    int upper;
} Forms;

typedef struct {
    VECTOR(uint8_t) letters; /* of all words and tokens */
    VECTOR(Word) words;
    VECTOR(Token) tokens;
    uint32_t *word_slots, *token_slots;
    size_t n_word_slots, n_token_slots;
} Lexicon;

static void lexicon_free(Lexicon *lexicon)
{
    free(lexicon->letters.at);
    free(lexicon->words.at);
    free(lexicon->tokens.at);
    free(lexicon->word_slots);
    free(lexicon->token_slots);
    memset(lexicon, 0, sizeof *lexicon);
}

static int grow_slots(uint32_t **slots, size_t *n_slots, size_t n, const uint8_t *items, size_t size)
{
    if (2 * (n + 1) <= *n_slots) return 0;
    size_t wanted = *n_slots ? 2 * *n_slots : 1024;
    uint32_t *grown = malloc(wanted * sizeof *grown);
    if (grown == NULL) return -1;
    memset(grown, 0xFF, wanted * sizeof *grown);
    for (size_t id = 0; id < n; id++) {
        uint64_t hash;
        memcpy(&hash, items + id * size, sizeof hash); /* the first field of both */
        size_t slot = hash & (wanted - 1);
        while (grown[slot] != NONE) slot = (slot + 1) & (wanted - 1);
        grown[slot] = (uint32_t)id;
    }
    free(*slots);
    *slots = grown;
    *n_slots = wanted;
    return 0;
}

static int keep_letters(Lexicon *lexicon, const uint8_t *bytes, size_t length, uint32_t *start)
{
    if (lexicon->letters.n + length + 8 > UINT32_MAX || RESERVE(lexicon->letters, lexicon->letters.n + length + 8)) return -1;
    *start = (uint32_t)lexicon->letters.n;
    memcpy(lexicon->letters.at + lexicon->letters.n, bytes, length);
    lexicon->letters.n += length;
    return 0;
}

/* The id of a token, NONE where memory is out; *is_new: whether it was added. */
static uint32_t token_id(Lexicon *lexicon, const uint8_t *bytes, size_t length, int *is_new)
{
    uint64_t hash = hash_bytes(bytes, length);
    *is_new = 0;
    if (grow_slots(&lexicon->token_slots, &lexicon->n_token_slots, lexicon->tokens.n, (const uint8_t *)lexicon->tokens.at,
                   sizeof(Token)))
        return NONE;
    size_t slot = hash & (lexicon->n_token_slots - 1);
    for (; lexicon->token_slots[slot] != NONE; slot = (slot + 1) & (lexicon->n_token_slots - 1)) {
        const Token *token = &lexicon->tokens.at[lexicon->token_slots[slot]];
        if (token->hash == hash && token->length == length && !memcmp(lexicon->letters.at + token->start, bytes, length))
            return lexicon->token_slots[slot];
    }
    Token token = {.hash = hash, .length = (uint32_t)length, .unigram = NONE};
    if (RESERVE(lexicon->tokens, lexicon->tokens.n + 1) || keep_letters(lexicon, bytes, length, &token.start)) return NONE;
    uint32_t id = (uint32_t)lexicon->tokens.n++;
    lexicon->tokens.at[id] = token;
    lexicon->token_slots[slot] = id;
    *is_new = 1;
    return id;
}

static inline const Word *find_word(const Lexicon *lexicon, uint64_t hash, uint64_t lane, const uint8_t *bytes, size_t length)
{
    if (!lexicon->n_word_slots) return NULL;
    for (size_t slot = hash & (lexicon->n_word_slots - 1); lexicon->word_slots[slot] != NONE;
         slot = (slot + 1) & (lexicon->n_word_slots - 1)) {
        const Word *word = &lexicon->words.at[lexicon->word_slots[slot]];
        if (word->hash != hash || word->lane != lane || word->length != length) continue;
        if (length <= 8 || !memcmp(lexicon->letters.at + word->start, bytes, length)) return word;
    }
    return NULL;
}

static uint32_t add_word(Lexicon *lexicon, Word word, const uint8_t *bytes)
{
    if (grow_slots(&lexicon->word_slots, &lexicon->n_word_slots, lexicon->words.n, (const uint8_t *)lexicon->words.at, sizeof(Word)))
        return NONE;
    if (RESERVE(lexicon->words, lexicon->words.n + 1) || keep_letters(lexicon, bytes, word.length, &word.start)) return NONE;
    size_t slot = word.hash & (lexicon->n_word_slots - 1);
    while (lexicon->word_slots[slot] != NONE) slot = (slot + 1) & (lexicon->n_word_slots - 1);
    uint32_t id = (uint32_t)lexicon->words.n++;
    lexicon->words.at[id] = word;
    lexicon->word_slots[slot] = id;
    return id;
}

/* Whether a word may tell something of the shape of its line: that it begins a date, or of a copyright. */
static int is_telling(const uint8_t *bytes, size_t length)
{
    static const char months[] = "jan feb mar apr may jun jul aug sep oct nov dec";
    char start[4] = {0};
    if (!all_ascii(bytes, length) || (bytes[0] >= '0' && bytes[0] <= '9')) return 1;
    for (size_t at = 0; at + 8 <= length; at++)
        if (!memcmp(bytes + at, "opyright", 8)) return 1;
    if (length < 3) return 0;
    for (int at = 0; at < 3; at++) start[at] = (char)(bytes[at] | 32);
    return strstr(months, start) != NULL;
}

/* Fill in what matching needs of a word of `length` bytes whose forms are given. */
static void describe(Word *word, const uint8_t *bytes, const Forms *forms, size_t characters)
{
    uint8_t last = bytes[word->length - 1];
    word->lower = hash_bytes(forms->lower, forms->lower_size);
    word->flags = forms->upper ? STARTS_UPPER : 0;
    if (word->length == 1 && (last == 's' || last == 'S')) word->flags |= IS_POSSESSIVE;
    if (word->length == 1 && last == 'I') word->flags |= IS_I;
    if (is_telling(bytes, word->length)) word->flags |= IS_TELLING;
    if (characters > 3 && (last == 's' || last == 'S')) {
        word->flags |= HAS_CUT;
        word->cut = hash_bytes(forms->cut, forms->cut_size);
        word->cut_written = hash_bytes(bytes, word->length - 1);
    }
}

/* The aliases of one target and of the actors beside it, as a trie over the hashes of their words in lower case. */
typedef struct {
    Table edges;    /* (node, word) to node; the root is node 0 */
    uint64_t *ends; /* per alias that ends at a node: role, count, then for each word 0, 1 (capital) or the hash it must have */
    size_t *first;  /* per node: where its aliases start in `ends`; nodes + 1 entries */
    size_t n_nodes;
} Trie;

static void trie_free(Trie *trie)
{
    table_free(&trie->edges);
    free(trie->ends);
    free(trie->first);
    memset(trie, 0, sizeof *trie);
}

static inline uint64_t edge_key(uint32_t node, uint64_t word) { return node ? term_key(node, word, 0) : word; }

/* Words first:last of the paragraph, played by `role`. */
typedef struct { uint32_t first, last, role; } Mention;

typedef VECTOR(Mention) Mentions;

/* The words of a paragraph: ids in the lexicon, and their place in characters. */
typedef struct {
    const Word *lexicon;
    const uint32_t *id, *place; /* place: start and end of each */
    size_t n;
    int has_case, has_lower;
} Words;

/* The role of the node's first alias whose capitals words first:last have, -1 where none fits. */
static int fits(const Trie *trie, uint32_t node, const Words *words, size_t first, size_t last, int cut)
{
    for (size_t at = trie->first[node]; at < trie->first[node + 1];) {
        uint64_t role = trie->ends[at], count = trie->ends[at + 1];
        const uint64_t *wanted = trie->ends + at + 2;
        int good = count == last - first;
        for (size_t i = 0; good && i < count; i++) {
            const Word *word = &words->lexicon[words->id[first + i]];
            uint64_t written = cut && i + 1 == count ? word->cut_written : word->hash;
            if (wanted[i] > 1) good = written == wanted[i];
            else if (wanted[i] == 1) good = !words->has_case || (word->flags & STARTS_UPPER);
        }
        if (good) return (int)role;
        at += 2 + count;
    }
    return -1;
}

/* Where the longest alias that starts at word `at` ends, 0 where none does; it ends at `limit` at the latest. */
static size_t longest(const Trie *trie, const Words *words, size_t at, size_t limit, uint32_t *role)
{
    uint32_t node = 0;
    size_t found = 0;
    for (size_t next = at; next < limit;) {
        const Word *word = &words->lexicon[words->id[next]];
        uint32_t step = table_find(&trie->edges, edge_key(node, word->lower));
        int fit = -1;
        if (step == NONE && (word->flags & HAS_CUT)) {
            uint32_t lost = table_find(&trie->edges, edge_key(node, word->cut));
            if (lost != NONE) fit = fits(trie, lost, words, at, next + 1, 1);
        }
        next++;
        if (step != NONE) fit = fits(trie, step, words, at, next, 0);
        if (fit >= 0) {
            found = next;
            *role = (uint32_t)fit;
        }
        if (step == NONE) break;
        node = step;
    }
    return found;
}

/* Add the mentions among words start:limit, which are one sentence; 0 on success, -1 where memory is out. */
static int find_mentions(const Trie *trie, const Words *words, const uint16_t *class, size_t start, size_t limit, Mentions *found)
{
    for (size_t at = start; at < limit;) {
        uint32_t role = 0;
        size_t last = longest(trie, words, at, limit, &role);
        if (!last) {
            at++;
            continue;
        }
        if (last < limit && (words->lexicon[words->id[last]].flags & IS_POSSESSIVE)) {
            uint32_t end = words->place[2 * last - 1];
            if (words->place[2 * last] == end + 1 && (class[end] & IS_APOSTROPHE)) last++;
        }
        if (RESERVE(*found, found->n + 1)) return -1;
        found->at[found->n++] = (Mention){(uint32_t)at, (uint32_t)last, role};
        at = last;
    }
    return 0;
}

#endif
