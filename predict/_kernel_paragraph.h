/* One paragraph from bytes to scores, and the states in which that is done. */

#ifndef PARASTANCE_PARAGRAPH_H
#define PARASTANCE_PARAGRAPH_H

#include "_kernel_reader.h"
#include "_kernel_records.h"
#include "_kernel_score.h"

/* The mentions that were given by hand. */
static int given_mentions(View *view, const Item *item, size_t n_words)
{
    if (RESERVE(view->mentions, item->n_mentions)) return -1;
    for (size_t at = 0; at < item->n_mentions; at++) {
        const int32_t *m = item->mentions + 3 * at;
        if (m[0] < 0 || m[1] <= m[0] || (size_t)m[1] > n_words || m[2] < 0 || m[2] >= ROLES) continue;
        view->mentions.at[view->mentions.n++] = (Mention){(uint32_t)m[0], (uint32_t)m[1], (uint32_t)m[2]};
    }
    return 0;
}

/* Look at a paragraph with the eyes of one target: who is named, and its tokens. given: whether the mentions are given. */
static int see(const State *state, const Paragraph *paragraph, View *view, const Trie *trie, int given)
{
    Words words = words_of(&state->lexicon, paragraph);
    view->mentions.n = 0;
    int failed = given ? given_mentions(view, paragraph->item, words.n)
                       : find_mentions(trie, &words, &paragraph->text, &paragraph->word_ends, state->lexicon.openers_of == trie->serial,
                                     &view->openers, &view->mentions);
    return failed || mask(view, &words, &paragraph->word_ends) ? -1 : 0;
}

/* List the frames of a view as a strand. */
static int list_frames(Scorer *scorer, State *state, const Paragraph *paragraph, View *view)
{
    const Ids *ends = &paragraph->word_ends;
    Words words = words_of(&state->lexicon, paragraph);
    View *framed = &state->framed;
    Block *frames = &scorer->actors[FRAMES];
    if (begin_frame(framed, view, &paragraph->text, &words, ends)) return -1;
    if (view->any_named || frames->around) frame(framed, &view->mentions, &words, ends);
    else count_names(framed, &view->mentions, ends);
    return list_relations(framed, &view->actors, frames, &state->lexicon);
}

/* List the terms about actors, strand after strand, but for those that have to be looked up. */
static int list_actors(Scorer *scorer, State *state, const Paragraph *paragraph, View *view)
{
    const Lexicon *lexicon = &state->lexicon;
    const Ids *ends = &paragraph->word_ends;
    Words words = words_of(lexicon, paragraph);
    Bag *bag = &view->actors.bag;
    Clauses in = {&scorer->parting, view, lexicon, &paragraph->text, &words, NULL};
    if (actors_begin(&view->actors, ends->n)) return -1;
    if (!scorer->actor_index.n) return 0;
    for (int block = 0; block < ACTOR_BLOCKS; block++) {
        Block *terms = &scorer->actors[block];
        int failed = 0;
        if (!terms->index.n) bag_skip(bag, ends->n);
        else if (block == RELATIONS) failed = list_relations(view, &view->actors, terms, lexicon);
        else if (block == FRAMES) failed = list_frames(scorer, state, paragraph, view);
        else if (block == NAMES) failed = find_own_names(bag, view, terms, lexicon, &words, ends);
        else failed = find_clauses(in, bag, ends);
        if (failed) return -1;
    }
    ask_for_records(&scorer->actor_index, bag);
    return 0;
}

/* Find which terms a view may have, all of them a step further before any is waited for. */
static int spot(Scorer *scorer, State *state, const Paragraph *paragraph, View *view)
{
    if (ask_for_bigrams(view, &scorer->masked, &state->lexicon) || list_actors(scorer, state, paragraph, view)) return -1;
    if (spot_bigrams(view, &scorer->masked)) return -1;
    sift_pending(&view->actors.pending, &scorer->actor_index);
    return 0;
}

/* Score a paragraph as one view sees it into columns low:high; return whether any n-gram is known, -1 where memory is out. */
static int settle_view(Scorer *scorer, State *state, const Paragraph *paragraph, View *view, size_t low, size_t high,
                       const double *shape, int pool, double *out)
{
    if (settle_bigrams(view, &scorer->masked) || settle_pending(&view->actors, &scorer->actor_index, view->ends.n)) return -1;
    return score_view(scorer, state, paragraph, view, low, high, shape, pool, out);
}

/* ---- the steps of a paragraph: read, meet, look up, score; what one asks for is there when the next one looks at it ---- */

/* What is scored, and where to. out: (n, width); flags: (n,). */
typedef struct {
    const Item *items;
    size_t n;
    const Trie *home;
    int pool;
    double *out;
    uint8_t *flags;
} Work;

/* Whether all heads see a paragraph alike. */
static int at_home(const Work *work, const Item *item) { return item->asked == work->home && !item->mentions; }

static int meet_paragraph(const Scorer *scorer, State *state, const Work *work, Paragraph *paragraph, PyThreadState **thread)
{
    const Item *item = paragraph->item;
    if (meet_words(scorer, state, paragraph, thread) || end_sentences(paragraph)) return -1;
    if (see(state, paragraph, &paragraph->home, work->home, 0)) return -1;
    return at_home(work, item) ? 0 : see(state, paragraph, &paragraph->asked, item->asked, item->mentions != NULL);
}

static int score_paragraph(Scorer *scorer, State *state, const Work *work, Paragraph *paragraph, double *out, uint8_t *flags)
{
    double values[SHAPES], *shape = scorer->shape ? values : NULL;
    int same = at_home(work, paragraph->item);
    View *view = &paragraph->home;
    if (spot(scorer, state, paragraph, view)) return -1;
    if (shape) shape_of(&paragraph->text, &paragraph->scan, paragraph->traits.at, paragraph->item->place, shape);
    int known = settle_view(scorer, state, paragraph, view, 0, same ? scorer->width : scorer->stance, shape, work->pool, out);
    if (known >= 0 && !same) {
        view = &paragraph->asked;
        if (spot(scorer, state, paragraph, view)) return -1;
        known = settle_view(scorer, state, paragraph, view, scorer->stance, scorer->width, shape, work->pool, out);
    }
    if (known < 0) return -1;
    *flags = (uint8_t)((known ? KNOWN : 0) | (view->any_named ? NAMES_TARGET : 0));
    return 0;
}

/* Ask for the first lines of a text. */
static void ask_for(const Item *item)
{
    for (size_t line = 0; line < 6; line++) PREFETCH_ITEM(item->bytes, 64 * line); /* also behind its end, which harms nothing */
}

/* Score one paragraph; 0 on success. */
static int score_item(Scorer *scorer, State *state, const Work *work, size_t at, PyThreadState **thread)
{
    Paragraph *paragraph = &state->paragraph;
    paragraph->item = &work->items[at];
    if (at + 1 < work->n) ask_for(&work->items[at + 1]);
    if (read_text(state, paragraph, thread) || meet_paragraph(scorer, state, work, paragraph, thread)) return -1;
    return score_paragraph(scorer, state, work, paragraph, work->out + at * scorer->width, work->flags + at);
}

/* ---- states ---- */

typedef struct {
    PyObject_HEAD
    Scorer scorer;
    State *idle;
    int collects;
} KernelObject;

static State *new_state(const Scorer *scorer)
{
    State *state = calloc(1, sizeof *state);
    if (state == NULL) return NULL;
    size_t width = scorer->width;
    state->whole = calloc(3 * width, sizeof(double));
    state->part = calloc(3 * width, sizeof(double));
    state->own = calloc(width, sizeof(double));
    state->blank = new_lines(sizeof(Head) + sizeof(Record) + 3 * width * sizeof(float));
    state->width = width;
    int failed = !state->whole || !state->part || !state->own || !state->blank;
    for (uint32_t role = 0; role < ROLES && !failed; role++)
        failed = intern_token(scorer, state, (const uint8_t *)role_names[role], strlen(role_names[role])) != role;
    if (!failed) return state;
    state_free(state);
    return NULL;
}

static State *take_state(KernelObject *kernel)
{
    State *state = kernel->idle;
    if (state != NULL) kernel->idle = state->next;
    return state != NULL ? state : new_state(&kernel->scorer);
}

/* Begin anew where too many words are kept, or the marks run out; 0 on success. */
static int renew_state(const Scorer *scorer, State **state)
{
    const State *kept = *state;
    if (kept->lexicon.words.n <= KEPT_WORDS && kept->lexicon.letters.n <= KEPT_LETTERS && kept->mark < UINT32_MAX / 2) return 0;
    State *fresh = new_state(scorer);
    if (fresh == NULL) return -1;
    state_free(*state);
    *state = fresh;
    return 0;
}

/* Score all that there is to do; 0 on success. */
static int score_all(Scorer *scorer, State **state, const Work *work, PyThreadState **thread)
{
    for (size_t at = 0; at < work->n; at++) {
        if (renew_state(scorer, state)) return -1;
        state[0]->home = work->home;
        mark_openers(work->home, &state[0]->lexicon);
        if (score_item(scorer, *state, work, at, thread)) return -1;
    }
    return 0;
}

static PyObject *failure(void) { return PyErr_Occurred() ? NULL : PyErr_NoMemory(); }

/* Keep a state for the next call; with an exception set and -1 where the call failed. */
static int give_back(KernelObject *kernel, State *state, int failed)
{
    if (failed) {
        state_free(state); /* its counters may be half-way */
        failure();
        return -1;
    }
    state->next = kernel->idle;
    kernel->idle = state;
    return 0;
}

#endif
