/* From the bytes of a paragraph to its words; what Python alone knows of characters and words is asked of it here. */

#ifndef PARASTANCE_READER_H
#define PARASTANCE_READER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_kernel_subwords.h"

static PyObject *word_forms, *class_block; /* functions of unicode.py */

/* The forms of an ASCII word. */
static int ascii_forms(State *state, const uint8_t *bytes, size_t size, Forms *forms)
{
    if (RESERVE(state->letters, 2 * size)) return -1;
    uint8_t *token = state->letters.at, *lower = token + size;
    for (size_t at = 0; at < size; at++) {
        lower[at] = bytes[at] >= 'A' && bytes[at] <= 'Z' ? (uint8_t)(bytes[at] + 32) : bytes[at];
        token[at] = lower[at] >= '0' && lower[at] <= '9' ? '0' : lower[at];
    }
    *forms = (Forms){token, lower, lower, size, size, size - 1, bytes[0] >= 'A' && bytes[0] <= 'Z'};
    return 0;
}

/* The same for any word, by Python; the GIL is held. */
static PyObject *python_forms(const uint8_t *bytes, size_t size, Forms *forms)
{
    PyObject *parts = PyObject_CallFunction(word_forms, "y#", (const char *)bytes, (Py_ssize_t)size);
    if (parts == NULL) return NULL;
    char *token, *lower, *cut;
    Py_ssize_t n_token, n_lower, n_cut;
    int upper;
    if (!PyArg_ParseTuple(parts, "y#y#y#p", &token, &n_token, &lower, &n_lower, &cut, &n_cut, &upper)) {
        Py_DECREF(parts);
        return NULL;
    }
    *forms = (Forms){(uint8_t *)token, (uint8_t *)lower, (uint8_t *)cut, (size_t)n_token, (size_t)n_lower, (size_t)n_cut, upper};
    return parts;
}

/* Whether the model has terms whose ids tokens know. */
static int has_near(const Scorer *scorer) { return scorer->actor_index.n != 0; }

/* Fill the head of a new token. */
static int fill_head(const Scorer *scorer, State *state, uint32_t id, const uint8_t *bytes, size_t size)
{
    Head *head = head_of(&state->lexicon, id);
    size_t width = scorer->width;
    const Index *masked = &scorer->masked.index, *notions = &scorer->notions.index;
    uint32_t unigram = index_find(masked, term_key(UNIGRAM, head->hash, 0));
    head->known = unigram != NONE;
    if (unigram != NONE) {
        head->masked = record_of(masked, unigram)->square;
        memcpy(rows_of(head), row_of(record_of(masked, unigram)), width * sizeof(float));
    }
    if (has_near(scorer) && fill_near(&state->lexicon, id, scorer->actors, &scorer->parting))
        return -1;
    if (id < ROLES) return 0; /* what sees words as they are sees no roles */
    uint32_t notion = index_find(notions, term_key(NOTION, head->hash, 0));
    if (notion != NONE) {
        head->notion = record_of(notions, notion)->square;
        memcpy(rows_of(head) + 2 * width, row_of(record_of(notions, notion)), width * sizeof(float));
    }
    uint8_t *padded = malloc(size + 2);
    if (padded == NULL) return -1;
    padded[0] = padded[size + 1] = ' ';
    memcpy(padded + 1, bytes, size);
    int failed = score_grams(scorer, state, padded, size + 2, rows_of(head) + width);
    free(padded);
    return failed;
}

static uint32_t intern_token(const Scorer *scorer, State *state, const uint8_t *bytes, size_t size)
{
    int is_new;
    uint32_t id = token_id(&state->lexicon, bytes, size, scorer->width, &is_new);
    return id != NONE && is_new && fill_head(scorer, state, id, bytes, size) ? NONE : id;
}

/* Add a word type; `thread` is the thread's state where the GIL is free. NONE with an exception set, or where memory is out. */
static uint32_t intern_word(const Scorer *scorer, State *state, Word word, const uint8_t *bytes, size_t characters,
                            PyThreadState **thread)
{
    Forms forms;
    PyObject *parts = NULL;
    int ascii = all_ascii(bytes, word.length);
    if (ascii) {
        if (ascii_forms(state, bytes, word.length, &forms)) return NONE;
    } else {
        PyEval_RestoreThread(*thread);
        parts = python_forms(bytes, word.length, &forms);
        if (parts == NULL) {
            *thread = PyEval_SaveThread();
            return NONE;
        }
    }
    describe(&word, bytes, &forms, characters);
    if (state->home) word.flags |= opening(state->home, &word);
    word.token = intern_token(scorer, state, forms.token, forms.token_size);
    uint32_t id = word.token == NONE ? NONE : add_word(&state->lexicon, word);
    if (!ascii) {
        Py_DECREF(parts);
        *thread = PyEval_SaveThread();
    }
    return id;
}

/* Find the hashes of n words of a text whose characters begin at the bytes `offset`, NULL where each is one byte. */
static ALWAYS_INLINE void spot_places(const uint8_t *bytes, const uint32_t *offset, const uint32_t *places, size_t n,
                                      uint64_t *hashes, const Lexicon *lexicon)
{
    const WordSlot *slots = lexicon->slots;
    size_t mask = lexicon->n_slots - 1;
    for (size_t at = 0; at < n; at++) {
        size_t first = places[2 * at], last = places[2 * at + 1];
        if (offset) first = offset[first], last = offset[last];
        uint64_t hash = hash_padded(bytes + first, last - first);
        hashes[at] = hash;
        PREFETCH(&slots[hash & mask]);
    }
}

/* Find the hashes of the words, asking for the memory that will be looked at next. */
static int spot_words(Paragraph *paragraph, const Lexicon *lexicon)
{
    const Text *text = &paragraph->text;
    const uint32_t *places = paragraph->scan.places.at;
    size_t n = paragraph->scan.places.n / 2;
    if (RESERVE(paragraph->hashes, n) || RESERVE(paragraph->met, n) || RESERVE(paragraph->tokens, n + 8)) return -1;
    if (RESERVE(paragraph->flags, n + 64) || RESERVE(paragraph->traits, n / 64 + 1)) return -1;
    if (text->offset) spot_places(text->bytes, text->offset, places, n, paragraph->hashes.at, lexicon);
    else spot_places(text->bytes, NULL, places, n, paragraph->hashes.at, lexicon);
    paragraph->met.n = n;
    return 0;
}

/* Add a word that was not met before; 0 on success, -1 where memory is out or Python failed. */
static RARE int meet_word(const Scorer *scorer, State *state, const Paragraph *paragraph, size_t at, PyThreadState **thread)
{
    const Text *text = &paragraph->text;
    uint32_t start = paragraph->scan.places.at[2 * at], end = paragraph->scan.places.at[2 * at + 1];
    size_t first = byte_of(text, start);
    Word word = {.spelling = {paragraph->hashes.at[at], 0}, .length = (uint32_t)(byte_of(text, end) - first)};
    return intern_word(scorer, state, word, text->bytes + first, end - start, thread) == NONE ? -1 : 0;
}

/* Find which of a paragraph's words have a flag, 64 at a time: few have, and who looks for them needs to see no others. */
static void find_traits(Paragraph *paragraph)
{
    const uint8_t *flags = paragraph->flags.at;
    memset(paragraph->flags.at + paragraph->met.n, 0, 64);
    for (size_t at = 0; at <= paragraph->met.n / 64; at++, flags += 64)
        paragraph->traits.at[at] = (Traits){bytes_with(flags, 4), bytes_with(flags, 5), bytes_with(flags, 6)};
}

/* Find which words those of a paragraph are, from the word `at` on; return the first that was not met before. */
static size_t recall_words(const Lexicon *lexicon, Paragraph *paragraph, size_t at)
{
    size_t n = paragraph->met.n, mask = lexicon->n_slots - 1, head_size = lexicon->head_size;
    const WordSlot *slots = lexicon->slots;
    const uint8_t *heads = lexicon->heads;
    const Near *near = lexicon->near.at;
    const uint32_t *near_ids = lexicon->near_ids.at;
    uint64_t *hashes = paragraph->hashes.at;
    Met *met = paragraph->met.at;
    uint32_t *tokens = paragraph->tokens.at;
    uint8_t *flags = paragraph->flags.at;
    for (; at < n; at++) {
        uint64_t hash = hashes[at];
        size_t found = hash & mask;
        while (slots[found].spelling.written != hash) {
            if (slots[found].spelling.written == 0) return at;
            found = (found + 1) & mask;
        }
        const WordSlot *slot = &slots[found];
        met[at] = slot->met;
        tokens[at] = slot->met.token;
        hashes[at] = slot->spelling.lower;
        flags[at] = (uint8_t)slot->met.flags;
        const uint8_t *head = heads + head_size * slot->met.token;
        PREFETCH(head);
        PREFETCH(head + 64);
        PREFETCH_ITEM(near, slot->met.token + (size_t)1);
        PREFETCH_ITEM(near_ids, slot->met.near_ids);
    }
    return n;
}

/* Find which words those of a paragraph are, adding new ones; 0 on success. */
static int meet_words(const Scorer *scorer, State *state, Paragraph *paragraph, PyThreadState **thread)
{
    for (size_t at = 0; (at = recall_words(&state->lexicon, paragraph, at)) < paragraph->met.n;)
        if (meet_word(scorer, state, paragraph, at, thread)) return -1;
    find_traits(paragraph);
    return 0;
}

/* Find where the sentences end, in words. */
static int end_sentences(Paragraph *paragraph)
{
    const Scan *scan = &paragraph->scan;
    Ids *ends = &paragraph->word_ends;
    size_t word = 0;
    if (RESERVE(*ends, scan->ends.n)) return -1;
    for (size_t sentence = 0; sentence + 1 < scan->ends.n; sentence++) {
        while (word < paragraph->met.n && scan->places.at[2 * word] < scan->ends.at[sentence]) word++;
        ends->at[sentence] = (uint32_t)word;
    }
    ends->at[scan->ends.n - 1] = (uint32_t)paragraph->met.n;
    ends->n = scan->ends.n;
    return 0;
}

static int load_classes(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t block = next_point(bytes, &at) >> 8;
        if (block >= BLOCKS || class_blocks[block] != NULL) continue;
        PyObject *classes = PyObject_CallFunction(class_block, "I", block);
        if (classes == NULL) return -1;
        char *source;
        Py_ssize_t length;
        uint16_t *filled = malloc(512);
        if (PyBytes_AsStringAndSize(classes, &source, &length) || length != 512 || filled == NULL) {
            Py_DECREF(classes);
            free(filled);
            if (!PyErr_Occurred()) PyErr_NoMemory();
            return -1;
        }
        memcpy(filled, source, 512);
        if (block == 0) memcpy(latin, source, 512);
        Py_DECREF(classes);
        class_blocks[block] = filled;
    }
    return 0;
}

/* Read a paragraph: its characters, where its words and sentences are; 0 on success. */
static int read_text(State *state, Paragraph *paragraph, PyThreadState **thread)
{
    const Item *item = paragraph->item;
    Text *text = &paragraph->text;
    int status = decode(&paragraph->buffer, item->bytes, item->size, text);
    if (status == NO_CLASSES) {
        PyEval_RestoreThread(*thread);
        status = load_classes(item->bytes, item->size);
        *thread = PyEval_SaveThread();
        status = status ? status : decode(&paragraph->buffer, item->bytes, item->size, text);
    }
    if (status || scan_text(text, &paragraph->scan) || reserve_slots(&state->lexicon)) return -1;
    return spot_words(paragraph, &state->lexicon);
}

#endif
