/* What scoring works with: the model, which is only read, and what one thread writes to. */

#ifndef PARASTANCE_STATE_H
#define PARASTANCE_STATE_H

#include <math.h>

#include "_kernel_clauses.h"
#include "_kernel_frames.h"
#include "_kernel_pending.h"
#include "_kernel_shape.h"

#define KEPT_WORDS 100000 /* word types kept; some 30 MB a thread */
#define KEPT_LETTERS (16U << 20)

typedef struct {
    size_t width;   /* columns, a multiple of 8; those behind the labels are 0 */
    size_t stance;  /* columns from this one on see the target asked for */
    Block masked, grams, notions, actors[ACTOR_BLOCKS];
    Index actor_index; /* of the terms of all blocks about actors */
    Parting parting;
    double *shape;  /* (SHAPES, width) or NULL */
    size_t shape_columns; /* those behind are 0 */
    double *bias;   /* (width,) */
    int32_t *reference; /* (width,): the column an exclusive head's scores are counted from, -1 for none */
    uint8_t *pooled;    /* (width,): whether the strongest sentence's share is added */
    double share;
} Scorer;

/* How often a term was met so far in a bag, and in the sentence. */
typedef struct { uint32_t total, count; } Tally;

/* Which terms of a bag were met before, for all of a bag's items are numbered on from those of the bag before it. last: the number
   of the last item in each slot, which terms share; links: for each item what stood in its slot before. Slots depend on the text
   and the model alone, so that sums do, to the last bit. */
typedef struct {
    uint32_t *last;
    size_t room, slots;
    uint32_t first, n; /* the number of the bag's first item, and of its items */
    Ids links, again;
    VECTOR(Tally) tallies;
} Counter;

/* One text and what is asked of it. mentions: triples of first word, last word and role, or NULL. */
typedef struct {
    const uint8_t *bytes;
    size_t size;
    const Trie *asked;
    const int32_t *mentions;
    size_t n_mentions;
    int32_t place[2];
} Item;

/* A paragraph under way. */
typedef struct {
    const Item *item;
    TextBuffer buffer;
    Text text;
    Scan scan;
    VECTOR(uint64_t) hashes; /* of its words, as written until they are met, then in lower case */
    VECTOR(Met) met;
    Ids tokens;
    VECTOR(uint8_t) flags; /* of met */
    VECTOR(Traits) traits;
    Ids word_ends; /* of its sentences */
    View home, asked;
} Paragraph;

/* What one thread works with. */
typedef struct State {
    struct State *next;
    Paragraph paragraph;
    Lexicon lexicon;
    const Trie *home; /* whose openers the lexicon's words know; NULL while collecting */
    VECTOR(uint8_t) letters;
    Ids starts;
    View framed;
    Bag grams;
    VECTOR(double) totals; /* of a bag's items, see _kernel_actors.h */
    VECTOR(const Record *) records;
    Counter counter;
    uint32_t mark;  /* that the counting of tokens begins at */
    Ids mentioned;  /* the tokens of the words in mentions */
    float *blank;   /* zeros in the place of a head or a record */
    size_t width;
    double *whole, *part; /* (3 width,) each: sums of unigrams and pairs, subwords, notions */
    double *own;          /* (width,) */
    VECTOR(double) parts; /* (sentences, width) */
} State;

static void paragraph_free(Paragraph *paragraph)
{
    text_buffer_free(&paragraph->buffer);
    scan_free(&paragraph->scan);
    free(paragraph->hashes.at);
    free(paragraph->met.at);
    free(paragraph->tokens.at);
    free(paragraph->flags.at);
    free(paragraph->traits.at);
    free(paragraph->word_ends.at);
    view_free(&paragraph->home);
    view_free(&paragraph->asked);
}

static void state_free(State *state)
{
    if (state == NULL) return;
    paragraph_free(&state->paragraph);
    lexicon_free(&state->lexicon);
    free(state->letters.at);
    free(state->starts.at);
    view_free(&state->framed);
    bag_free(&state->grams);
    free(state->totals.at);
    free(state->records.at);
    free(state->counter.last);
    free(state->counter.links.at);
    free(state->counter.tallies.at);
    free(state->counter.again.at);
    free(state->mentioned.at);
    free_lines(state->blank);
    free(state->whole);
    free(state->part);
    free(state->own);
    free(state->parts.at);
    free(state);
}

enum { SLOTS = 2048 }; /* at least; so few of a paragraph's terms share one, and they stay in the nearest cache */

/* Begin with a bag of n items; 0 on success, -1 where memory is out. */
static int counter_begin(Counter *counter, size_t n)
{
    if (n >= UINT32_MAX / 8 || RESERVE(counter->links, n) || RESERVE(counter->tallies, n)) return -1;
    counter->slots = SLOTS;
    while (counter->slots < 4 * n) counter->slots *= 2;
    counter->first += counter->n;
    counter->n = (uint32_t)n;
    if (counter->slots <= counter->room && counter->first < UINT32_MAX / 2) return 0;
    size_t room = counter->slots > counter->room ? counter->slots : counter->room;
    uint32_t *last = calloc(room, sizeof *last);
    if (last == NULL) return -1;
    free(counter->last);
    counter->last = last;
    counter->room = room;
    counter->first = 1;
    return 0;
}

static Words words_of(const Lexicon *lexicon, const Paragraph *paragraph)
{
    return (Words){&paragraph->scan, lexicon->words.at, paragraph->met.at, paragraph->tokens.at, paragraph->hashes.at,
                   paragraph->scan.places.at, paragraph->traits.at, paragraph->met.n};
}

#endif
