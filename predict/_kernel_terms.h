/* Paragraphs to features: the terms of features.py by their keys, for the whole paragraph and for each of its sentences. */

#ifndef PARASTANCE_TERMS_H
#define PARASTANCE_TERMS_H

#include "_kernel_words.h"

enum { WINDOW = 6, REACH = 12, NEAR = 4 }; /* as in features.py */

/* Kinds of terms. AROUND + 2 role + side; PAIR and BETWEEN + 8 first + second. */
enum {
    UNIGRAM = 0, BIGRAM = 1, LEFT = 2, RIGHT = 3, LEFT_PAIR = 4, RIGHT_PAIR = 5, AROUND = 8, PAIR = 32, BETWEEN = 96, NAMED = 160,
    UNNAMED = 161, NOTION = 162, GRAM = 163, LEFT_LEFT = 20, RIGHT_RIGHT = 21, EITHER_SIDE = 22, COUNT = 24, OWN = 164, OWN_PAIR = 165, NO_NAME = 166,
    CLAUSE = 168, CLAUSE_LEFT = 169, CLAUSE_RIGHT = 170, EDGE_LEFT = 171, EDGE_RIGHT = 172
};

enum { MANY = 5 }; /* names, and more */

typedef struct { uint32_t kind, first, second; } Made; /* a term that was collected: its kind and tokens */

/* One block's terms with their idf, shape (n,), and weights, shape (n, width); or, where `grows`, the terms met so far. */
typedef struct {
    Table table;
    float *idf, *rows;
    size_t n;
    int grows;
    VECTOR(Made) made;
} Block;

static void block_free(Block *block)
{
    table_free(&block->table);
    free(block->idf);
    free(block->rows);
    free(block->made.at);
    memset(block, 0, sizeof *block);
}

/* Add the feature of a term, if there is one; 0 on success, -1 where memory is out. */
static inline int push_term(Block *block, Ids *ids, uint64_t key, Made made)
{
    uint32_t id = table_find(&block->table, key);
    if (id == NONE) {
        if (!block->grows) return 0;
        if (RESERVE(block->made, block->made.n + 1) || table_reserve(&block->table, block->made.n + 1)) return -1;
        id = (uint32_t)block->made.n;
        block->made.at[block->made.n++] = made;
        table_put(&block->table, key, id);
    }
    if (RESERVE(*ids, ids->n + 1)) return -1;
    ids->at[ids->n++] = id;
    return 0;
}

/* A relation to be looked up; inside: whether it lies in one sentence. */
typedef struct { uint64_t key; Made made; uint32_t inside; } Pending;

/* A paragraph with its actors masked, and the features of it; a sentence's lie in slices, as pairs of start and end. */
typedef struct {
    Ids tokens;                     /* mentions as role tokens */
    VECTOR(uint64_t) keys;          /* of its bigrams */
    Ids ends;                       /* of the sentences, in tokens */
    Ids masked, masked_slices;
    VECTOR(Pending) pending;        /* relations not looked up yet */
    Ids relations, inside, inside_slices; /* inside: those of `relations` that lie in one sentence */
    Ids named;                      /* per sentence: whether the target is named */
    Mentions mentions;              /* in words */
    Mentions places;                /* first: token; last: sentence */
    int any_named;
    int frames;                     /* whether names are one token each, counted in `names` by sentence */
    Ids names;
} View;

static void view_free(View *view)
{
    free(view->tokens.at);
    free(view->keys.at);
    free(view->ends.at);
    free(view->masked.at);
    free(view->masked_slices.at);
    free(view->pending.at);
    free(view->relations.at);
    free(view->inside.at);
    free(view->inside_slices.at);
    free(view->named.at);
    free(view->names.at);
    free(view->mentions.at);
    free(view->places.at);
    memset(view, 0, sizeof *view);
}

/* Mask the mentions, which are in order and do not cross sentences; word_ends: the sentences in words. */
static int mask(View *view, const Lexicon *lexicon, const uint32_t *words, const Ids *word_ends)
{
    size_t n_words = word_ends->at[word_ends->n - 1], next = 0, word = 0;
    view->tokens.n = view->places.n = view->any_named = 0;
    if (RESERVE(view->tokens, n_words) || RESERVE(view->ends, word_ends->n) || RESERVE(view->named, word_ends->n)) return -1;
    if (RESERVE(view->places, view->mentions.n)) return -1;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        view->named.at[sentence] = 0;
        while (word < word_ends->at[sentence]) {
            if (next < view->mentions.n && view->mentions.at[next].first == word) {
                Mention mention = view->mentions.at[next++];
                view->places.at[view->places.n++] = (Mention){(uint32_t)view->tokens.n, (uint32_t)sentence, mention.role};
                view->tokens.at[view->tokens.n++] = mention.role;
                view->named.at[sentence] |= mention.role == TARGET;
                word = mention.last;
            } else {
                view->tokens.at[view->tokens.n++] = lexicon->words.at[words[word++]].token;
            }
        }
        view->any_named |= (int)view->named.at[sentence];
        view->ends.at[sentence] = (uint32_t)view->tokens.n;
    }
    view->ends.n = view->named.n = word_ends->n;
    return 0;
}

static int push_bigram(Block *block, Ids *ids, const Lexicon *lexicon, uint32_t kind, uint32_t first, uint32_t second)
{
    const Token *tokens = lexicon->tokens.at;
    return push_term(block, ids, term_key(kind, tokens[first].hash, tokens[second].hash), (Made){kind, first, second});
}

static int push_unigram(Block *block, Ids *ids, const Lexicon *lexicon, uint32_t kind, uint32_t token)
{
    return push_term(block, ids, term_key(kind, lexicon->tokens.at[token].hash, 0), (Made){kind, token, NONE});
}

/* The unigrams and bigrams that a model knows; bigrams across sentences lie between the slices. */
static int find_known_ngrams(View *view, const Block *block, size_t width, const Lexicon *lexicon)
{
    const Token *records = lexicon->tokens.at;
    const uint32_t *tokens = view->tokens.at;
    size_t n = view->tokens.n, found = 0, at = 0;
    view->masked.n = 0;
    if (RESERVE(view->masked_slices, 2 * view->ends.n) || RESERVE(view->masked, 2 * n + 1) || RESERVE(view->keys, n + 1)) return -1;
    if (!block->table.slots) {
        memset(view->masked_slices.at, 0, 2 * view->ends.n * sizeof(uint32_t));
        return 0;
    }
    uint64_t *keys = view->keys.at;
    uint32_t *masked = view->masked.at;
    for (size_t i = 0; i + 1 < n; i++) {
        keys[i] = term_key(BIGRAM, records[tokens[i]].hash, records[tokens[i + 1]].hash);
        PREFETCH(&block->table.filter[((keys[i] >> 32) & (block->table.bits - 1)) >> 6]);
    }
    for (size_t i = 0; i + 1 < n; i++) {
        keys[i] &= (uint64_t)0 - table_may_hold(&block->table, keys[i]);
        PREFETCH(&block->table.at[keys[i] & (block->table.slots - 1)]);
    }
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        view->masked_slices.at[2 * sentence] = (uint32_t)found;
        size_t end = view->ends.at[sentence];
        uint32_t across = NONE;
        for (; at < end; at++) {
            uint32_t unigram = records[tokens[at]].unigram;
            masked[found] = unigram;
            if (unigram != NONE) PREFETCH(block->rows + width * unigram);
            found += unigram != NONE;
            if (at + 1 >= n || !keys[at]) continue;
            uint32_t id = table_probe(&block->table, keys[at]);
            if (id != NONE) PREFETCH(block->rows + width * id);
            if (at + 1 == end) across = id;
            else {
                masked[found] = id;
                found += id != NONE;
            }
        }
        view->masked_slices.at[2 * sentence + 1] = (uint32_t)found;
        masked[found] = across;
        found += across != NONE;
    }
    view->masked.n = found;
    return 0;
}

/* The unigrams and bigrams, those of a growing block; bigrams across sentences lie between the slices. */
static int collect_ngrams(View *view, Block *block, const Lexicon *lexicon)
{
    const uint32_t *tokens = view->tokens.at;
    size_t at = 0;
    view->masked.n = 0;
    if (RESERVE(view->masked_slices, 2 * view->ends.n)) return -1;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        view->masked_slices.at[2 * sentence] = (uint32_t)view->masked.n;
        for (size_t end = view->ends.at[sentence]; at < end; at++) {
            if (push_unigram(block, &view->masked, lexicon, UNIGRAM, tokens[at])) return -1;
            if (at + 1 < end && push_bigram(block, &view->masked, lexicon, BIGRAM, tokens[at], tokens[at + 1])) return -1;
        }
        view->masked_slices.at[2 * sentence + 1] = (uint32_t)view->masked.n;
        int across = at > 0 && at < view->tokens.n && (sentence == 0 || view->ends.at[sentence - 1] < at);
        if (across && push_bigram(block, &view->masked, lexicon, BIGRAM, tokens[at - 1], tokens[at])) return -1;
    }
    return 0;
}

static int relate(View *view, uint64_t key, Made made, int inside)
{
    if (RESERVE(view->pending, view->pending.n + 1)) return -1;
    view->pending.at[view->pending.n++] = (Pending){key, made, (uint32_t)inside};
    return 0;
}

static int relate_word(View *view, const Lexicon *lexicon, uint32_t kind, uint32_t token, int inside)
{
    return relate(view, term_key(kind, lexicon->tokens.at[token].hash, 0), (Made){kind, token, NONE}, inside);
}

/* The pair of tokens first and second beside a mention of the target, where there are such; the sentence is low:high. */
static int beside(View *view, const Lexicon *lexicon, uint32_t kind, size_t first, size_t second, size_t low, size_t high)
{
    if (first >= view->tokens.n || second >= view->tokens.n) return 0; /* below 0 is beyond the end, too */
    uint32_t a = view->tokens.at[first], b = view->tokens.at[second];
    uint64_t key = term_key(kind, lexicon->tokens.at[a].hash, lexicon->tokens.at[b].hash);
    return relate(view, key, (Made){kind, a, b}, first >= low && second < high);
}

/* The words and pairs of words in start:end beside a mention of the target; the sentence is low:high. */
static int window(View *view, const Lexicon *lexicon, const uint32_t kinds[2], size_t start, size_t end, size_t low, size_t high)
{
    const Token *records = lexicon->tokens.at;
    const uint32_t *tokens = view->tokens.at;
    for (size_t at = start; at < end; at++) {
        if (relate_word(view, lexicon, kinds[0], tokens[at], at >= low && at < high)) return -1;
        if (at + 1 == end) continue;
        uint64_t key = term_key(kinds[1], records[tokens[at]].hash, records[tokens[at + 1]].hash);
        if (relate(view, key, (Made){kinds[1], tokens[at], tokens[at + 1]}, at >= low && at + 1 < high)) return -1;
    }
    return 0;
}

/* A mention and the next one, `second`: the pair, and the words between. */
static int between(View *view, const Lexicon *lexicon, Mention first, Mention second)
{
    uint32_t code = 8 * first.role + second.role;
    int inside = first.last == second.last;
    if (relate(view, term_key(PAIR + code, 0, 0), (Made){PAIR + code, NONE, NONE}, inside)) return -1;
    for (size_t at = first.first + 1; at < second.first; at++)
        if (relate_word(view, lexicon, BETWEEN + code, view->tokens.at[at], inside)) return -1;
    return 0;
}

/* What stands around one mention. */
static int relations_of(View *view, const Lexicon *lexicon, size_t index)
{
    static const uint32_t left[2] = {LEFT, LEFT_PAIR}, right[2] = {RIGHT, RIGHT_PAIR};
    Mention mention = view->places.at[index];
    size_t at = mention.first, low = mention.last ? view->ends.at[mention.last - 1] : 0, high = view->ends.at[mention.last];
    size_t reach = mention.role == TARGET ? WINDOW : NEAR;
    size_t start = at > reach ? at - reach : 0, end = at + 1 + reach < view->tokens.n ? at + 1 + reach : view->tokens.n;
    if (mention.role == TARGET) {
        if (window(view, lexicon, left, start, at, low, high)) return -1;
        if (window(view, lexicon, right, at + 1, end, low, high)) return -1;
        if (view->frames) {
            if (beside(view, lexicon, LEFT_LEFT, at - 2, at - 1, low, high)) return -1;
            if (beside(view, lexicon, RIGHT_RIGHT, at + 1, at + 2, low, high)) return -1;
            if (beside(view, lexicon, EITHER_SIDE, at - 1, at + 1, low, high)) return -1;
        }
    } else {
        uint32_t kind = AROUND + 2 * mention.role;
        for (size_t near = start; near < end; near++) {
            uint32_t token = view->tokens.at[near];
            if (token < ROLES) continue;
            if (relate_word(view, lexicon, kind + (near > at), token, near >= low && near < high)) return -1;
        }
    }
    if (index + 1 == view->places.n) return 0;
    Mention next = view->places.at[index + 1];
    if (next.first - mention.first > REACH || (mention.role != TARGET && next.role != TARGET)) return 0;
    return between(view, lexicon, mention, next);
}

/* Look up pending relations start:end, which hang on mentions of one sentence. */
static int settle(View *view, Block *block, size_t start, size_t end)
{
    if (RESERVE(view->relations, view->relations.n + end - start) || RESERVE(view->inside, view->inside.n + end - start)) return -1;
    for (size_t at = start; at < end; at++) {
        const Pending *pending = &view->pending.at[at];
        size_t before = view->relations.n;
        if (!block->grows) {
            uint32_t id = pending->key ? table_probe(&block->table, pending->key) : NONE;
            view->relations.at[before] = id;
            view->relations.n += id != NONE;
        } else if (push_term(block, &view->relations, pending->key, pending->made)) return -1;
        if (view->relations.n == before || !pending->inside) continue;
        view->inside.at[view->inside.n++] = view->relations.at[before];
    }
    return 0;
}

static int push_count(Block *block, Ids *ids, size_t names)
{
    uint32_t kind = COUNT + (uint32_t)(names < MANY ? names : MANY);
    return push_term(block, ids, term_key(kind, 0, 0), (Made){kind, NONE, NONE});
}

/* Whether a word is written like a name: with a capital that no sentence or quotation begins with. */
static int is_name(const Text *text, const Words *words, size_t at)
{
    uint32_t flags = words->lexicon[words->id[at]].flags;
    if (!words->has_lower || !(flags & STARTS_UPPER) || (flags & IS_I)) return 0;
    for (size_t c = words->place[2 * at - 1]; c < words->place[2 * at]; c++)
        switch (text->point[c]) {
        case '.': case '!': case '?': case ':': case '"': case 0x201C: case 0x201D: case 0xAB: case 0xBB: return 0;
        }
    return 1;
}

/* The view with each run of names as one token, which counts as a mention. */
static int frame(View *framed, const View *view, const Text *text, const Words *words, const Ids *word_ends)
{
    size_t word = 0, next = 0;
    framed->tokens.n = framed->places.n = 0;
    if (RESERVE(framed->tokens, words->n) || RESERVE(framed->places, words->n) || RESERVE(framed->ends, word_ends->n)) return -1;
    if (RESERVE(framed->names, word_ends->n) || RESERVE(framed->named, word_ends->n)) return -1;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        size_t start = word, running = 0, end = word_ends->at[sentence];
        framed->names.at[sentence] = 0;
        while (word < end) {
            uint32_t token = words->lexicon[words->id[word]].token;
            int name = 0;
            if (next < view->mentions.n && view->mentions.at[next].first == word) {
                token = view->mentions.at[next].role;
                word = view->mentions.at[next++].last;
            } else {
                name = word > start && is_name(text, words, word);
                word++;
                if (name) token = NAME;
                if (name && running) continue;
                framed->names.at[sentence] += (uint32_t)name;
            }
            running = (size_t)name;
            if (token < ROLES) framed->places.at[framed->places.n++] = (Mention){(uint32_t)framed->tokens.n, (uint32_t)sentence, token};
            framed->tokens.at[framed->tokens.n++] = token;
        }
        framed->ends.at[sentence] = (uint32_t)framed->tokens.n;
        framed->named.at[sentence] = view->named.at[sentence];
    }
    framed->ends.n = framed->named.n = framed->names.n = word_ends->n;
    framed->any_named = view->any_named;
    framed->frames = 1;
    return 0;
}

/* The words that the target goes by, into `relations` and `inside` of a view of their own. */
static int find_own_names(View *own, const View *view, Block *block, const Lexicon *lexicon, const uint32_t *words, const Ids *word_ends)
{
    size_t next = 0;
    uint64_t none = term_key(NO_NAME, 0, 0);
    own->relations.n = own->inside.n = 0;
    if (RESERVE(own->inside_slices, 2 * word_ends->n)) return -1;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        own->inside_slices.at[2 * sentence] = (uint32_t)own->inside.n;
        size_t before = own->relations.n;
        for (; next < view->mentions.n && view->mentions.at[next].first < word_ends->at[sentence]; next++) {
            Mention mention = view->mentions.at[next];
            for (size_t at = mention.first; mention.role == TARGET && at < mention.last; at++) {
                uint32_t token = lexicon->words.at[words[at]].token;
                uint64_t hash = lexicon->tokens.at[token].hash;
                if (push_term(block, &own->relations, term_key(OWN, hash, 0), (Made){OWN, token, NONE})) return -1;
                if (at + 1 == mention.last) continue;
                uint32_t second = lexicon->words.at[words[at + 1]].token;
                uint64_t key = term_key(OWN_PAIR, hash, lexicon->tokens.at[second].hash);
                if (push_term(block, &own->relations, key, (Made){OWN_PAIR, token, second})) return -1;
            }
        }
        size_t added = own->relations.n - before;
        if (RESERVE(own->inside, own->inside.n + added)) return -1;
        if (added) memcpy(own->inside.at + own->inside.n, own->relations.at + before, added * sizeof *own->inside.at);
        own->inside.n += added;
        if (!view->named.at[sentence] && push_term(block, &own->inside, none, (Made){NO_NAME, NONE, NONE})) return -1;
        own->inside_slices.at[2 * sentence + 1] = (uint32_t)own->inside.n;
    }
    return view->any_named ? 0 : push_term(block, &own->relations, none, (Made){NO_NAME, NONE, NONE});
}

/* What parts clauses, as in clauses.py and features.py. */
static const char *const conjunctions[] = {"after", "although", "and", "as", "because", "but", "if", "that", "when", "which", "while", "who"};
enum { CONJUNCTIONS = sizeof conjunctions / sizeof *conjunctions };

/* The kind of the first parting mark between a word and the one before, 0 where there is none. */
static uint8_t parting(const Text *text, const Words *words, size_t word)
{
    for (size_t c = words->place[2 * word - 1]; c < words->place[2 * word]; c++)
        switch (text->point[c]) {
        case ',': case ';': case ':': return (uint8_t)text->point[c];
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
        if (lexicon->tokens.at[token].hash == parts[i]) return 1;
    return 0;
}

/* The token at a place, which is moved behind it; back: the token before, the place moved to its start. */
static uint32_t step(Walk *walk, const View *view, const Lexicon *lexicon, const Words *words, int back)
{
    size_t other = back ? walk->mention - 1 : walk->mention;
    const Mention *mention = view->mentions.at + other;
    if (other < view->mentions.n && walk->word == (back ? mention->last : mention->first)) {
        *walk = back ? (Walk){mention->first, other} : (Walk){mention->last, other + 1};
        return mention->role;
    }
    if (back) walk->word--;
    uint32_t token = lexicon->words.at[words->id[walk->word]].token;
    walk->word += !back;
    return token;
}

/* Walk from a place to an edge of its clause in the sentence that ends at `limit`; what parts it goes into `block` as a term. */
static int walk_to_edge(View *own, Block *block, const View *view, const Lexicon *lexicon, const Text *text, const Words *words,
                        const uint64_t *parts, Walk *walk, int back, size_t limit)
{
    uint32_t kind = back ? EDGE_LEFT : EDGE_RIGHT;
    uint8_t mark = '.';
    while (walk->word != limit && !(mark = parting(text, words, walk->word))) {
        Walk next = *walk;
        uint32_t token = step(&next, view, lexicon, words, back);
        if (parts_clauses(lexicon, parts, token)) return push_unigram(block, &own->relations, lexicon, kind, token);
        *walk = next;
        mark = '.';
    }
    return push_term(block, &own->relations, term_key(kind, hash_bytes(&mark, 1), 0), (Made){kind, NONE, NONE});
}

/* The clause of the target's mention `index`, the first in it, of the sentence low:high, into `relations`; the first mention behind it
   into *next. */
static int find_clause(View *own, Block *block, const View *view, const Lexicon *lexicon, const Text *text, const Words *words,
                       const uint64_t *parts, size_t index, size_t low, size_t high, size_t *next)
{
    const Mention *mentions = view->mentions.at;
    Walk start = {mentions[index].first, index}, end = {mentions[index].last, index + 1};
    if (walk_to_edge(own, block, view, lexicon, text, words, parts, &start, 1, low)) return -1;
    if (walk_to_edge(own, block, view, lexicon, text, words, parts, &end, 0, high)) return -1;
    *next = end.mention;
    size_t last = end.mention - 1;
    while (mentions[last].role != TARGET) last--;
    while (start.word != end.word) {
        size_t word = start.word;
        uint32_t token = step(&start, view, lexicon, words, 0);
        int before = word < mentions[last].first, behind = word > mentions[index].first;
        if ((before || behind) && push_unigram(block, &own->relations, lexicon, CLAUSE, token)) return -1;
        if (before && push_unigram(block, &own->relations, lexicon, CLAUSE_LEFT, token)) return -1;
        if (behind && push_unigram(block, &own->relations, lexicon, CLAUSE_RIGHT, token)) return -1;
    }
    return 0;
}

/* The clauses that name the target, into `relations` and `inside` of a view of their own. parts: hashes of the conjunctions. */
static int find_clauses(View *own, const View *view, Block *block, const Lexicon *lexicon, const Text *text, const Words *words,
                        const uint64_t *parts, const Ids *word_ends)
{
    size_t next = 0, low = 0;
    own->relations.n = own->inside.n = 0;
    if (RESERVE(own->inside_slices, 2 * word_ends->n)) return -1;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        size_t high = word_ends->at[sentence];
        own->inside_slices.at[2 * sentence] = (uint32_t)own->relations.n;
        while (next < view->mentions.n && view->mentions.at[next].first < high) {
            size_t index = next++;
            if (view->mentions.at[index].role != TARGET) continue;
            if (find_clause(own, block, view, lexicon, text, words, parts, index, low, high, &next)) return -1;
        }
        own->inside_slices.at[2 * sentence + 1] = (uint32_t)own->relations.n;
        low = high;
    }
    if (RESERVE(own->inside, own->relations.n)) return -1;
    if (own->relations.n) memcpy(own->inside.at, own->relations.at, own->relations.n * sizeof *own->inside.at);
    own->inside.n = own->relations.n;
    return 0;
}

/* The relations; whether the target is named is the last of the paragraph and of each sentence. */
static int find_relations(View *view, Block *block, const Lexicon *lexicon)
{
    size_t index = 0, start = 0;
    view->relations.n = view->inside.n = view->pending.n = 0;
    if (RESERVE(view->inside_slices, 2 * view->ends.n)) return -1;
    memset(view->inside_slices.at, 0, 2 * view->ends.n * sizeof(uint32_t));
    if (!block->grows && !block->table.slots) return 0;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        for (; index < view->places.n && view->places.at[index].last == sentence; index++)
            if (relations_of(view, lexicon, index)) return -1;
        view->inside_slices.at[2 * sentence] = (uint32_t)view->pending.n;
    }
    for (size_t at = 0; !block->grows && at < view->pending.n; at++) {
        uint64_t key = view->pending.at[at].key;
        key &= (uint64_t)0 - table_may_hold(&block->table, key);
        view->pending.at[at].key = key;
        PREFETCH(&block->table.at[key & (block->table.slots - 1)]);
    }
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        uint32_t *slice = view->inside_slices.at + 2 * sentence;
        size_t end = slice[0];
        slice[0] = (uint32_t)view->inside.n;
        if (settle(view, block, start, end)) return -1;
        start = end;
        uint32_t kind = view->named.at[sentence] ? NAMED : UNNAMED;
        if (push_term(block, &view->inside, term_key(kind, 0, 0), (Made){kind, NONE, NONE})) return -1;
        if (view->frames && push_count(block, &view->inside, view->names.at[sentence])) return -1;
        slice[1] = (uint32_t)view->inside.n;
    }
    if (view->frames) {
        size_t names = 0;
        for (size_t sentence = 0; sentence < view->ends.n; sentence++) names += view->names.at[sentence];
        if (push_count(block, &view->relations, names)) return -1;
    }
    uint32_t kind = view->any_named ? NAMED : UNNAMED;
    return push_term(block, &view->relations, term_key(kind, 0, 0), (Made){kind, NONE, NONE});
}

/* The key of a term as training writes it in a model file; 0 where it is of no kind known here. */
static uint64_t written_relation(const uint8_t *term, size_t length)
{
    static const uint32_t windows[2][2] = {{LEFT, LEFT_PAIR}, {RIGHT, RIGHT_PAIR}};
    const uint8_t *blank = memchr(term, ' ', length);
    if (length > 2 && (term[0] == 'L' || term[0] == 'R') && term[1] == ':') {
        const uint32_t *kinds = windows[term[0] == 'R'];
        if (!blank) return term_key(kinds[0], hash_bytes(term + 2, length - 2), 0);
        size_t first = (size_t)(blank - term);
        return term_key(kinds[1], hash_bytes(term + 2, first - 2), hash_bytes(blank + 1, length - first - 1));
    }
    if (length == 5 && !memcmp(term, "named", 5)) return term_key(NAMED, 0, 0);
    if (length == 7 && !memcmp(term, "unnamed", 7)) return term_key(UNNAMED, 0, 0);
    for (uint32_t first = 0; first < ROLES; first++) {
        size_t size = strlen(role_names[first]);
        if (length < size + 2 || memcmp(term, role_names[first], size)) continue;
        const uint8_t *rest = term + size;
        size_t left = length - size;
        if (left > 2 && (rest[0] == 'l' || rest[0] == 'r') && rest[1] == ':')
            return term_key(AROUND + 2 * first + (rest[0] == 'r'), hash_bytes(rest + 2, left - 2), 0);
        for (uint32_t second = 0; rest[0] == '>' && second < ROLES; second++) {
            size_t other = strlen(role_names[second]);
            if (left < other + 1 || memcmp(rest + 1, role_names[second], other)) continue;
            uint32_t code = 8 * first + second;
            if (left == other + 1) return term_key(PAIR + code, 0, 0);
            if (left > other + 2 && rest[other + 1] == ':')
                return term_key(BETWEEN + code, hash_bytes(rest + other + 2, left - other - 2), 0);
        }
    }
    return 0;
}

static uint64_t written_pair(uint32_t single, uint32_t pair, const uint8_t *term, size_t length)
{
    const uint8_t *blank = memchr(term, ' ', length);
    if (!blank) return term_key(single, hash_bytes(term, length), 0);
    size_t first = (size_t)(blank - term);
    return term_key(pair, hash_bytes(term, first), hash_bytes(blank + 1, length - first - 1));
}

static uint64_t written_frame(const uint8_t *term, size_t length)
{
    static const char starts[3][4] = {"LL:", "RR:", "LR:"};
    if (length == 7 && !memcmp(term, "names:", 6) && term[6] >= '0' && term[6] <= '0' + MANY) return term_key(COUNT + term[6] - '0', 0, 0);
    for (uint32_t side = 0; side < 3; side++)
        if (length > 5 && !memcmp(term, starts[side], 3)) return written_pair(LEFT_LEFT + side, LEFT_LEFT + side, term + 3, length - 3);
    return written_relation(term, length);
}

static uint64_t written_own(const uint8_t *term, size_t length)
{
    if (length == 2 && !memcmp(term, "T:", 2)) return term_key(NO_NAME, 0, 0);
    return length > 2 && !memcmp(term, "T:", 2) ? written_pair(OWN, OWN_PAIR, term + 2, length - 2) : 0;
}

static uint64_t written_clause(const uint8_t *term, size_t length)
{
    static const char kinds[] = "clr<>"; /* in the order of CLAUSE and those after it */
    const char *kind = length > 2 && term[1] == ':' && term[0] ? strchr(kinds, term[0]) : NULL;
    return kind ? term_key(CLAUSE + (uint32_t)(kind - kinds), hash_bytes(term + 2, length - 2), 0) : 0;
}

/* The key of a unigram or bigram as written. */
static uint64_t written_ngram(const uint8_t *term, size_t length)
{
    return written_pair(UNIGRAM, BIGRAM, term, length);
}

static uint64_t written_notion(const uint8_t *term, size_t length) { return term_key(NOTION, hash_bytes(term, length), 0); }

static uint64_t written_gram(const uint8_t *term, size_t length) { return term_key(GRAM, hash_bytes(term, length), 0); }

#endif
