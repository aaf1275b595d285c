/* A paragraph with its actors masked, and its unigrams and bigrams. */

#ifndef PARASTANCE_VIEW_H
#define PARASTANCE_VIEW_H

#include "_kernel_block.h"
#include "_kernel_trie.h"

/* A relation to be looked up. where: IN_BOTH if it lies in one sentence, else IN_WHOLE, and behind these two bits 1 for frames and
   2 times the sentence; first: once spotted, the first record of those that share its bit; made: where it is collected. */
typedef struct { uint64_t key; uint32_t where, first; Made made; } Pending;

typedef VECTOR(Pending) Pendings;

/* Terms about actors: in strands, those that have to be looked up, and the ids of what sums up each sentence and, at last, the
   paragraph: two each for relations and two for frames, NONE for none. */
typedef struct {
    Bag bag;
    Pendings pending;
    Ids sums;
} Actors;

static int actors_begin(Actors *actors, size_t sentences)
{
    actors->pending.n = 0;
    return bag_begin(&actors->bag, STRANDS * sentences) || RESERVE(actors->sums, 2 * LOOKED_UP * (sentences + 1)) ? -1 : 0;
}

/* A bigram that may be known: the token that it begins with, and the first record of those that share its bit. */
typedef struct { uint32_t at, id; } Candidate;

typedef struct {
    Ids padded;                  /* the tokens, with PAD times BLANK on either side */
    uint32_t *tokens;            /* mentions as role tokens */
    size_t n_tokens;
    Ids ends;                    /* of the sentences, in tokens */
    Ids named;                   /* per sentence: whether the target is named */
    Ids openers;                 /* words that may begin a mention */
    Mentions mentions;           /* in words */
    Mentions places;             /* first: token; last: sentence */
    VECTOR(uint64_t) hashes;     /* of all tokens */
    Ids spots;                   /* of all bigrams */
    VECTOR(Candidate) bigrams;   /* those not looked up yet */
    Bag ngrams;                  /* bigrams, and where they are collected unigrams */
    Actors actors;               /* where they are collected relations alone */
    int any_named;
    int frames;                  /* whether names are one token each, counted in `names` by sentence */
    Ids names;
} View;

static void view_free(View *view)
{
    free(view->padded.at);
    free(view->ends.at);
    free(view->named.at);
    free(view->openers.at);
    free(view->mentions.at);
    free(view->places.at);
    free(view->hashes.at);
    free(view->spots.at);
    free(view->bigrams.at);
    bag_free(&view->ngrams);
    bag_free(&view->actors.bag);
    free(view->actors.pending.at);
    free(view->actors.sums.at);
    free(view->names.at);
    memset(view, 0, sizeof *view);
}

enum { PAD = 8, BLANK = NONE }; /* what stands where no token is */

/* Make room for n tokens; 0 on success, -1 where memory is out. */
static int reserve_tokens(View *view, size_t n)
{
    if (RESERVE(view->padded, n + 3 * PAD)) return -1;
    view->tokens = view->padded.at + PAD;
    for (size_t at = 0; at < PAD; at++) view->padded.at[at] = BLANK;
    return 0;
}

static void end_tokens(View *view, const uint32_t *end)
{
    view->n_tokens = (size_t)(end - view->tokens);
    for (size_t at = 0; at < PAD; at++) view->tokens[view->n_tokens + at] = BLANK;
}

/* Copy the tokens first:last to `out`; behind both there must be room for 8 more. */
static inline uint32_t *copy_tokens(uint32_t *out, const uint32_t *tokens, size_t first, size_t last)
{
    uint32_t *end = out + (last - first);
    for (tokens += first; out < end; out += 8, tokens += 8) memcpy(out, tokens, 8 * sizeof *out);
    return end;
}

/* Mask the mentions, which are in order and do not cross sentences; word_ends: the sentences in words. */
static int mask(View *view, const Words *words, const Ids *word_ends)
{
    size_t next = 0, word = 0, places = 0;
    if (reserve_tokens(view, words->n) || RESERVE(view->ends, word_ends->n) || RESERVE(view->named, word_ends->n)) return -1;
    if (RESERVE(view->places, view->mentions.n)) return -1;
    uint32_t *out = view->tokens;
    view->any_named = 0;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        size_t end = word_ends->at[sentence];
        uint32_t named = 0;
        while (word < end) {
            while (next < view->mentions.n && view->mentions.at[next].first < word) next++;
            size_t stop = next < view->mentions.n && view->mentions.at[next].first < end ? view->mentions.at[next].first : end;
            out = copy_tokens(out, words->tokens, word, stop);
            word = stop;
            if (word == end) break;
            Mention mention = view->mentions.at[next++];
            view->places.at[places++] = (Mention){(uint32_t)(out - view->tokens), (uint32_t)sentence, mention.role};
            *out++ = mention.role;
            named |= mention.role == TARGET;
            word = mention.last;
        }
        view->any_named |= (int)named;
        view->named.at[sentence] = named;
        view->ends.at[sentence] = (uint32_t)(out - view->tokens);
    }
    end_tokens(view, out);
    view->places.n = places;
    view->ends.n = view->named.n = word_ends->n;
    return 0;
}

enum { TOGETHER = 8 }; /* bigrams whose spots are found at once */

/* Find where in the map all bigrams would be, and ask for that; 0 on success, -1 where memory is out. */
WIDE static int ask_for_bigrams(View *view, const Block *block, const Lexicon *lexicon)
{
    const uint32_t *tokens = view->tokens;
    const Index *index = &block->index;
    size_t n = view->n_tokens;
    if (RESERVE(view->spots, n + TOGETHER) || RESERVE(view->hashes, n + 2 * TOGETHER)) return -1;
    uint64_t *hashes = view->hashes.at;
    uint32_t *spots = view->spots.at;
    const Lexicon all = *lexicon; /* which the compiler sees is not written to */
    for (size_t at = 0; at < n; at++) hashes[at] = head_of(&all, tokens[at])->hash;
    memset(hashes + n, 0, (TOGETHER + 1) * sizeof *hashes);
    for (size_t at = 0; at < n; at += TOGETHER)
        for (size_t i = at; i < at + TOGETHER; i++) spots[i] = bigram_spot(hashes[i], hashes[i + 1]);
    for (size_t at = 0; at < n && index->n; at += TOGETHER)
        for (size_t i = at; i < at + TOGETHER; i++) index_ask(index, spots[i]);
    return 0;
}

/* The bigrams that a model may know, their records on their way into the cache; 0 on success, -1 where memory is out. */
WIDE static int spot_bigrams(View *view, const Block *block)
{
    const Index *index = &block->index;
    size_t n = view->n_tokens, kept = 0;
    if (RESERVE(view->bigrams, n + 1)) return -1;
    const uint32_t *spots = view->spots.at;
    Candidate *found = view->bigrams.at;
    for (size_t at = 0; at + 1 < n && index->n; at++) {
        unsigned may;
        uint32_t id = index_at(index, spots[at], &may);
        found[kept] = (Candidate){(uint32_t)at, id};
        kept += may;
    }
    found[kept] = (Candidate){NONE, NONE};
    view->bigrams.n = kept;
    return 0;
}

/* Put the bigrams that were spotted and are known into the bag; across sentences they count in the whole. */
static int settle_bigrams(View *view, const Block *block)
{
    Bag *bag = &view->ngrams;
    const Candidate *one = view->bigrams.at;
    if (bag_begin(bag, view->ends.n) || RESERVE(bag->items, view->bigrams.n + 1)) return -1;
    uint32_t *items = bag->items.at;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        for (uint32_t end = view->ends.at[sentence]; one->at < end; one++) {
            const uint64_t *hashes = view->hashes.at + one->at;
            uint32_t id = index_follow(&block->index, term_key(BIGRAM, hashes[0], hashes[1]), one->id);
            items = put_id(items, id, one->at + 1 == end ? IN_WHOLE : IN_BOTH);
        }
        bag->items.n = (size_t)(items - bag->items.at);
        bag_end(bag);
    }
    return 0;
}

/* The unigrams and bigrams, those of a growing block. */
static int collect_ngrams(View *view, Block *block, const Lexicon *lexicon)
{
    const uint32_t *tokens = view->tokens;
    Bag *bag = &view->ngrams;
    size_t at = 0;
    if (bag_begin(bag, view->ends.n)) return -1;
    for (size_t sentence = 0; sentence < view->ends.n; sentence++) {
        for (size_t end = view->ends.at[sentence]; at < end; at++) {
            if (put_single(block, bag, lexicon, UNIGRAM, tokens[at], IN_BOTH)) return -1;
            if (at + 1 == view->n_tokens) continue;
            uint32_t where = at + 1 < end ? IN_BOTH : IN_WHOLE;
            if (put_pair(block, bag, lexicon, BIGRAM, tokens[at], tokens[at + 1], where)) return -1;
        }
        bag_end(bag);
    }
    return 0;
}

#endif
