/* One paragraph from bytes to scores, and the states in which that is done. */

#ifndef PARASTANCE_PARAGRAPH_H
#define PARASTANCE_PARAGRAPH_H

#include "_kernel_reader.h"
#include "_kernel_records.h"

/* One text and what is asked of it. mentions: triples of first word, last word and role, or NULL. */
typedef struct {
    const uint8_t *bytes;
    size_t size;
    const Trie *asked;
    const int32_t *mentions;
    size_t n_mentions;
    int32_t place[2];
} Item;

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

/* The mentions of a paragraph: by hand, or those of a trie's aliases. */
static int see_mentions(const State *state, View *view, const Trie *trie, const Text *text, const Item *given)
{
    Words words = words_of(state);
    view->mentions.n = 0;
    if (given) return given_mentions(view, given, words.n);
    return find_mentions(trie, &words, text, &state->word_ends, &view->openers, &view->mentions);
}

/* The terms of the blocks that only some models have. */
static int see_more(Scorer *scorer, State *state, const View *view, const Text *text)
{
    Words words = words_of(state);
    const Lexicon *lexicon = &state->lexicon;
    const Ids *ends = &state->word_ends;
    if (scorer->names.index.n && find_own_names(&state->own_names, view, &scorer->names, lexicon, &words, ends)) return -1;
    if (scorer->clauses.index.n
        && find_clauses(&state->own_clauses, view, &scorer->clauses, lexicon, text, &words, scorer->parts, ends))
        return -1;
    if (!scorer->frames.index.n) return 0;
    return frame(&state->framed, view, text, &words, ends) || hash_tokens(&state->framed, lexicon) ? -1 : find_relations(&state->framed, &scorer->frames);
}

/* Look at a paragraph with the eyes of one target: its mentions and terms. given: NULL, or where its mentions are given. */
static int see(Scorer *scorer, State *state, View *view, const Trie *trie, const Text *text, const Item *given)
{
    Words words = words_of(state);
    const Lexicon *lexicon = &state->lexicon;
    if (see_mentions(state, view, trie, text, given) || mask(view, &words, &state->word_ends) || hash_tokens(view, lexicon)) return -1;
    if (scorer->masked.grows) return collect_ngrams(view, &scorer->masked, lexicon) || find_relations(view, &scorer->relations);
    if (spot_bigrams(view, &scorer->masked) || find_relations(view, &scorer->relations)) return -1;
    return settle_bigrams(view, &scorer->masked) || see_more(scorer, state, view, text) ? -1 : 0;
}

static int score_item(Scorer *scorer, State *state, const Item *item, const Trie *home, int pool, double *out, uint8_t *flags,
                      PyThreadState **thread)
{
    Text text;
    double values[SHAPES], *shape = scorer->shape ? values : NULL;
    if (read_text(scorer, state, item->bytes, item->size, &text, thread)) return -1;
    if (shape) shape_of(&text, &state->scan, state->met.at, item->place, shape);
    int same = item->asked == home && !item->mentions;
    View *view = &state->home;
    if (see(scorer, state, view, home, &text, NULL)) return -1;
    int known = score_view(scorer, state, view, 0, same ? scorer->width : scorer->stance, shape, pool, out);
    if (known >= 0 && !same) {
        view = &state->asked;
        if (see(scorer, state, view, item->asked, &text, item->mentions ? item : NULL)) return -1;
        known = score_view(scorer, state, view, scorer->stance, scorer->width, shape, pool, out);
    }
    if (known < 0) return -1;
    *flags = (uint8_t)((known ? KNOWN : 0) | (view->any_named ? NAMES_TARGET : 0));
    return 0;
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
    state->width = width;
    int failed = !state->whole || !state->part || !state->own;
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

/* Begin anew where too many words are kept, or the stamps run out; 0 on success. */
static int renew_state(const Scorer *scorer, State **state)
{
    const State *kept = *state;
    if (kept->lexicon.words.n <= KEPT_WORDS && kept->lexicon.letters.n <= KEPT_LETTERS && kept->stamp < UINT32_MAX / 2) return 0;
    State *fresh = new_state(scorer);
    if (fresh == NULL) return -1;
    state_free(*state);
    *state = fresh;
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
