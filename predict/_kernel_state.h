/* What scoring works with: the model, which is only read, and what one thread writes to. */

#ifndef PARASTANCE_STATE_H
#define PARASTANCE_STATE_H

#include <math.h>

#include "_kernel_clauses.h"
#include "_kernel_frames.h"
#include "_kernel_shape.h"

#define KEPT_WORDS 100000 /* word types kept; some 30 MB a thread */
#define KEPT_LETTERS (16U << 20)

typedef struct {
    size_t width;   /* columns, a multiple of 8; those behind the labels are 0 */
    size_t stance;  /* columns from this one on see the target asked for */
    Block masked, relations, frames, names, clauses, grams, notions;
    Parting parting;
    double *shape;  /* (SHAPES, width) or NULL */
    size_t shape_columns; /* those behind are 0 */
    double *bias;   /* (width,) */
    int32_t *reference; /* (width,): the column an exclusive head's scores are counted from, -1 for none */
    uint8_t *pooled;    /* (width,): whether the strongest sentence's share is added */
    double share;
} Scorer;

/* How often each term stands in what is scored: a hash table as small as that, so that it stays in the nearest cache. Cells of
   stamps before the paragraph's are empty. */
typedef struct {
    uint32_t id;
    Tally tally;
} Cell;

typedef struct {
    Cell *cells;
    size_t n_cells;
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
    VECTOR(Spelling) spellings; /* of its words */
    VECTOR(Met) met;
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
    Bag grams, own_names, own_clauses; /* of the view that was seen last */
    Counter counter;
    uint32_t stamp;
    size_t width;
    double *whole, *part; /* (3 width,) each: sums of unigrams and pairs, subwords, notions */
    double *own;          /* (width,) */
    VECTOR(double) parts; /* (sentences, width) */
} State;

static void paragraph_free(Paragraph *paragraph)
{
    text_buffer_free(&paragraph->buffer);
    scan_free(&paragraph->scan);
    free(paragraph->spellings.at);
    free(paragraph->met.at);
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
    bag_free(&state->own_names);
    bag_free(&state->own_clauses);
    free(state->counter.cells);
    free(state->whole);
    free(state->part);
    free(state->own);
    free(state->parts.at);
    free(state);
}

/* Make room for n terms; 0 on success, -1 where memory is out. */
static int counter_reserve(Counter *counter, size_t n)
{
    if (4 * n <= counter->n_cells) return 0;
    size_t wanted = 256;
    while (wanted < 4 * n) wanted *= 2;
    Cell *cells = calloc(wanted, sizeof *cells);
    if (cells == NULL) return -1;
    free(counter->cells);
    counter->cells = cells;
    counter->n_cells = wanted;
    return 0;
}

/* The cell of a term, or where it is to be put; `oldest` is the paragraph's first stamp. */
static inline Cell *cell_of(Counter *counter, uint32_t id, uint32_t oldest)
{
    size_t mask = counter->n_cells - 1, at = id & mask; /* ids are as good as drawn at random */
    while (counter->cells[at].tally.stamp >= oldest && counter->cells[at].id != id) at = (at + 1) & mask;
    return &counter->cells[at];
}

static Words words_of(const Lexicon *lexicon, const Paragraph *paragraph)
{
    return (Words){&paragraph->scan, lexicon->words.at, paragraph->met.at, paragraph->spellings.at, paragraph->scan.places.at,
                   paragraph->traits.at, paragraph->met.n};
}

#endif
