/* Words: every word type is looked at once and kept, with its token and what matching needs of it. */

#ifndef PARASTANCE_WORDS_H
#define PARASTANCE_WORDS_H

#include "_kernel_scan.h"

enum { ROLES = 6, TARGET = 0, NAME = 5 }; /* the role tokens are the first tokens; order as in targets.ROLES, then a name */
/* In a byte; behind it what is known of the aliases that an opener begins, see _kernel_trie.h. */
enum { STARTS_UPPER = 1, IS_POSSESSIVE = 2, HAS_CUT = 4, IS_I = 8, IS_TELLING = 16, IS_OPENER = 32, IS_NAME = 64 };

static const char *const role_names[ROLES] = {"<target>", "<ally>", "<adversary>", "<jihadist>", "<third>", "<name>"};

/* The hashes of a word as written and in lower case. */
typedef struct { uint64_t written, lower; } Spelling;

/* A word type: hashes of it as written and in lower case, and of the same without its last letter, an s. */
typedef struct {
    Spelling spelling, cut;
    uint32_t length, token, flags;
} Word;

/* A word type as it is met in a text. near_ids: where those of its token begin. */
typedef struct { uint32_t word, token, near_ids, flags; } Met;

/* Where a word type is found: what most words are asked for lies in one cache line. spelling.written: 0 where the slot is empty. */
typedef struct {
    Spelling spelling;
    Met met;
} WordSlot;

/* How a word type is spelled as a feature: lower case, digits as 0. */
typedef struct { uint32_t start, length; } Token;

/* How often a token was met in a paragraph and in a sentence, as numbers above the one that the counting begins at: those of other
   paragraphs and sentences are not above it, so that nothing has to be cleared. */
typedef struct { uint32_t whole, part; } Marks;

/* What scoring needs of a token, and behind it three rows of weights times idf: as a unigram, its subwords' sum, as a notion.
   masked, notion: the squared idf of the unigram and the notion; known: whether it is a unigram. */
typedef struct {
    uint64_t hash;
    float masked, notion;
    uint32_t known;
    Marks marks;
} Head;

/* What Python knows better: the token, lower case and lower case without the last letter of a word beyond ASCII. */
typedef struct {
    const uint8_t *token, *lower, *cut;
    size_t token_size, lower_size, cut_size;
    int upper;
} Forms;

/* The terms of one word each beside an actor or in a clause that the model has of a token: a bit for each, and where the first of
   their ids is, see _kernel_near.h. */
typedef struct { uint32_t kinds, first; } Near;

typedef struct {
    VECTOR(uint8_t) letters; /* of all tokens */
    VECTOR(Word) words;
    VECTOR(Token) tokens;
    uint8_t *heads; /* of the tokens, each of `head_size` bytes */
    size_t head_size, head_room;
    VECTOR(Near) near; /* of no token first, then of each */
    Ids near_ids;
    WordSlot *slots;
    size_t n_slots;
    uint64_t openers_of; /* the serial number of the trie whose aliases the words with IS_OPENER begin */
    Table token_ids;
} Lexicon;

static void lexicon_free(Lexicon *lexicon)
{
    free(lexicon->letters.at);
    free(lexicon->words.at);
    free(lexicon->tokens.at);
    free_lines(lexicon->heads);
    free(lexicon->near.at);
    free(lexicon->near_ids.at);
    free_lines(lexicon->slots);
    table_free(&lexicon->token_ids);
    memset(lexicon, 0, sizeof *lexicon);
}

static inline Head *head_of(const Lexicon *lexicon, uint32_t token)
{
    return (Head *)(void *)(lexicon->heads + lexicon->head_size * token);
}

static inline float *rows_of(Head *head) { return (float *)(head + 1); }

/* Make room for the head of one token more, where a head has `width` columns; 0 on success, -1 where memory is out. */
static int reserve_heads(Lexicon *lexicon, size_t width)
{
    size_t n = lexicon->tokens.n;
    if (n < lexicon->head_room) return 0;
    size_t size = (sizeof(Head) + 3 * width * sizeof(float) + 63) & ~(size_t)63, room = n ? 2 * n : 1024;
    uint8_t *heads = room < SIZE_MAX / 2 / size ? new_lines(room * size) : NULL;
    if (heads == NULL) return -1;
    if (n) memcpy(heads, lexicon->heads, n * size);
    free_lines(lexicon->heads);
    lexicon->heads = heads;
    lexicon->head_size = size;
    lexicon->head_room = room;
    return 0;
}

/* The id of a token, NONE where memory is out; *is_new: whether it was added, with an empty head of `width` columns. */
static uint32_t token_id(Lexicon *lexicon, const uint8_t *bytes, size_t length, size_t width, int *is_new)
{
    uint64_t hash = hash_bytes(bytes, length);
    uint32_t id = table_find(&lexicon->token_ids, hash);
    *is_new = id == NONE;
    if (!*is_new) return id;
    size_t n = lexicon->tokens.n, start = lexicon->letters.n;
    if (start + length > UINT32_MAX || n >= NONE / 4 || RESERVE(lexicon->letters, start + length + 1)) return NONE;
    if (RESERVE(lexicon->tokens, n + 1) || table_reserve(&lexicon->token_ids, n + 1) || reserve_heads(lexicon, width)) return NONE;
    if (length) memcpy(lexicon->letters.at + start, bytes, length);
    lexicon->letters.n += length;
    lexicon->tokens.at[n] = (Token){(uint32_t)start, (uint32_t)length};
    head_of(lexicon, (uint32_t)n)->hash = hash;
    table_put(&lexicon->token_ids, hash, (uint32_t)n);
    lexicon->tokens.n++;
    return (uint32_t)n;
}

static inline size_t word_slot(const Lexicon *lexicon, uint64_t hash) { return hash & (lexicon->n_slots - 1); }

static void fill_slot(Lexicon *lexicon, WordSlot filled)
{
    size_t at = word_slot(lexicon, filled.spelling.written);
    while (lexicon->slots[at].spelling.written) at = (at + 1) & (lexicon->n_slots - 1);
    lexicon->slots[at] = filled;
}

/* Make room for one word more; 0 on success, -1 where memory is out. */
static int reserve_slots(Lexicon *lexicon)
{
    if (2 * (lexicon->words.n + 1) <= lexicon->n_slots) return 0;
    WordSlot *before = lexicon->slots;
    size_t n_before = lexicon->n_slots, n = n_before ? 2 * n_before : 4096;
    WordSlot *slots = new_lines(n * sizeof *slots);
    if (slots == NULL) return -1;
    lexicon->slots = slots;
    lexicon->n_slots = n;
    for (size_t at = 0; at < n_before; at++)
        if (before[at].spelling.written) fill_slot(lexicon, before[at]);
    free_lines(before);
    return 0;
}

/* Add a word type of which there is none yet. */
static uint32_t add_word(Lexicon *lexicon, Word word)
{
    if (lexicon->words.n >= NONE - 1 || reserve_slots(lexicon) || RESERVE(lexicon->words, lexicon->words.n + 1)) return NONE;
    uint32_t id = (uint32_t)lexicon->words.n++;
    lexicon->words.at[id] = word;
    uint32_t near_ids = lexicon->near.room ? lexicon->near.at[word.token + 1].first : 0;
    fill_slot(lexicon, (WordSlot){word.spelling, {id, word.token, near_ids, word.flags}});
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
    word->spelling.lower = hash_bytes(forms->lower, forms->lower_size);
    word->flags = forms->upper ? STARTS_UPPER : 0;
    if (word->length == 1 && (last == 's' || last == 'S')) word->flags |= IS_POSSESSIVE;
    if (word->length == 1 && last == 'I') word->flags |= IS_I;
    if ((word->flags & (STARTS_UPPER | IS_I)) == STARTS_UPPER) word->flags |= IS_NAME;
    if (is_telling(bytes, word->length)) word->flags |= IS_TELLING;
    if (characters > 3 && (last == 's' || last == 'S')) {
        word->flags |= HAS_CUT;
        word->cut.lower = hash_bytes(forms->cut, forms->cut_size);
        word->cut.written = hash_bytes(bytes, word->length - 1);
    }
}

/* Which of 64 words have a flag. */
typedef struct { uint64_t telling, opener, name; } Traits;

/* The words of a paragraph; place: start and end of each, in characters; traits: of words 0 to 63, 64 to 127 and so on. */
typedef struct {
    const Scan *scan;
    const Word *lexicon;
    const Met *met;
    const uint32_t *tokens;
    const uint64_t *lower; /* the hashes of the words in lower case */
    const uint32_t *place;
    const Traits *traits;
    size_t n;
} Words;

#endif
