/* Scoring in one pass over the text: the same model as plain.py's, which is its definition.

   Stable ABI, no dependency. Texts are read as UTF-8 while the GIL is free; it is taken back only for a word type beyond
   ASCII that was not met before, whose lower case Python alone knows. Everything a call shares is read-only; what it
   writes lies in a State, of which there are as many as calls under way. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_kernel_score.h"
#include "_kernel_lines_type.h"

#define INTERFACE 6 /* kernel.py asks for it: one left from an earlier build is passed over */

static PyObject *word_forms, *class_block; /* functions of unicode.py */

typedef struct {
    PyObject_HEAD
    Trie trie;
} TrieObject;

typedef struct {
    PyObject_HEAD
    Scorer scorer;
    State *idle;
    int collects;
} KernelObject;

static PyTypeObject *trie_type;

/* ---- words ---- */

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

static uint32_t intern_token(const Scorer *scorer, State *state, const uint8_t *bytes, size_t size)
{
    int is_new;
    uint32_t id = token_id(&state->lexicon, bytes, size, &is_new);
    if (id == NONE || !is_new) return id;
    Token *token = &state->lexicon.tokens.at[id];
    token->unigram = table_find(&scorer->masked.table, term_key(UNIGRAM, token->hash, 0));
    uint32_t notion = id < ROLES ? NONE : table_find(&scorer->notions.table, term_key(NOTION, token->hash, 0));
    size_t width = scorer->width;
    if (reserve_items(&state->token_rows, &state->token_room, 2 * (id + 1) * width, sizeof *state->token_rows)) return NONE;
    float *row = state->token_rows + 2 * width * id;
    if (notion != NONE) memcpy(row + width, scorer->notions.rows + width * notion, width * sizeof *row);
    else memset(row + width, 0, width * sizeof *row);
    token->notion = notion == NONE ? 0.0F : scorer->notions.idf[notion];
    uint8_t *padded = malloc(size + 2);
    if (padded == NULL) return NONE;
    padded[0] = padded[size + 1] = ' ';
    memcpy(padded + 1, state->lexicon.letters.at + state->lexicon.tokens.at[id].start, size);
    int failed = score_grams(scorer, state, padded, size + 2, row);
    free(padded);
    return failed ? NONE : id;
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
    word.token = intern_token(scorer, state, forms.token, forms.token_size);
    uint32_t id = word.token == NONE ? NONE : add_word(&state->lexicon, word, bytes);
    if (!ascii) {
        Py_DECREF(parts);
        *thread = PyEval_SaveThread();
    }
    return id;
}

/* Find where words are and what their hashes are, asking for the memory that will be looked at next. */
static int spot_words(State *state, const Text *text)
{
    const uint16_t *class = text->class;
    size_t room = text->length / 2 + 1, n = 0, mask = state->lexicon.n_word_slots - 1;
    if (RESERVE(state->places, 2 * room) || RESERVE(state->spots, room)) return -1;
    Spot *spots = state->spots.at;
    for (size_t at = 0; at < text->length; at++) {
        if (!(class[at] & IS_WORD)) continue;
        size_t start = at;
        do at++; while (class[at] & IS_WORD);
        size_t first = text->offset ? text->offset[start] : start, last = text->offset ? text->offset[at] : at;
        Spot *spot = &spots[n];
        spot->hash = hash_padded(text->bytes + first, last - first, &spot->lane);
        spot->first = (uint32_t)first;
        spot->length = (uint32_t)(last - first);
        if (state->lexicon.n_word_slots) PREFETCH(&state->lexicon.word_slots[spot->hash & mask]);
        state->places.at[2 * n] = (uint32_t)start;
        state->places.at[2 * n + 1] = (uint32_t)at;
        n++;
    }
    state->ids.n = n;
    for (size_t at = 0; at < n && state->lexicon.n_word_slots; at++) {
        uint32_t likely = state->lexicon.word_slots[spots[at].hash & mask];
        if (likely != NONE) PREFETCH(&state->lexicon.words.at[likely]);
    }
    return 0;
}

/* Find the words of a text and the sentences they lie in; 0 on success. */
static int read_words(const Scorer *scorer, State *state, const Text *text, PyThreadState **thread)
{
    size_t sentence = 0;
    if (split_sentences(text, &state->ends) || spot_words(state, text)) return -1;
    size_t n = state->ids.n;
    if (RESERVE(state->ids, n) || RESERVE(state->word_ends, state->ends.n)) return -1;
    for (size_t at = 0; at < n; at++) {
        const Spot *spot = &state->spots.at[at];
        const uint8_t *bytes = text->bytes + spot->first;
        uint32_t start = state->places.at[2 * at];
        while (start >= state->ends.at[sentence]) state->word_ends.at[sentence++] = (uint32_t)at;
        const Word *found = find_word(&state->lexicon, spot->hash, spot->lane, bytes, spot->length);
        uint32_t id = found ? (uint32_t)(found - state->lexicon.words.at) : NONE;
        if (id == NONE) {
            Word word = {.hash = spot->hash, .lane = spot->lane, .length = spot->length};
            id = intern_word(scorer, state, word, bytes, state->places.at[2 * at + 1] - start, thread);
            if (id == NONE) return -1;
        } else {
            PREFETCH(&state->lexicon.tokens.at[found->token]);
            PREFETCH(state->token_rows + 2 * scorer->width * found->token);
        }
        state->ids.at[at] = id;
    }
    for (; sentence < state->ends.n; sentence++) state->word_ends.at[sentence] = (uint32_t)n;
    state->word_ends.n = state->ends.n;
    return 0;
}

/* ---- one paragraph ---- */

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
        Py_DECREF(classes);
        class_blocks[block] = filled;
    }
    return 0;
}

/* One text and what is asked of it. mentions: triples of first word, last word and role, or NULL. */
typedef struct {
    const uint8_t *bytes;
    size_t size;
    const Trie *asked;
    const int32_t *mentions;
    size_t n_mentions;
    int32_t place[2];
} Item;

static int see(Scorer *scorer, State *state, View *view, const Trie *trie, const Text *text, const Item *given)
{
    Words words = {state->lexicon.words.at, state->ids.at, state->places.at, state->ids.n, 0, 0};
    view->mentions.n = 0;
    int lower = 0, upper = 0;
    for (size_t at = 0; at < text->length; at++) lower |= text->class[at] & IS_LOWER;
    words.has_lower = lower != 0;
    if (given) {
        if (RESERVE(view->mentions, given->n_mentions)) return -1;
        for (size_t at = 0; at < given->n_mentions; at++) {
            const int32_t *m = given->mentions + 3 * at;
            if (m[0] < 0 || m[1] <= m[0] || (size_t)m[1] > words.n || m[2] < 0 || m[2] >= ROLES) continue;
            view->mentions.at[view->mentions.n++] = (Mention){(uint32_t)m[0], (uint32_t)m[1], (uint32_t)m[2]};
        }
    } else {
        for (size_t at = 1; at < text->length; at++) upper |= text->class[at] & IS_UPPER;
        words.has_case = lower && upper;
        size_t start = 0;
        for (size_t sentence = 0; sentence < state->word_ends.n; sentence++) {
            if (find_mentions(trie, &words, text->class, start, state->word_ends.at[sentence], &view->mentions)) return -1;
            start = state->word_ends.at[sentence];
        }
    }
    if (mask(view, &state->lexicon, state->ids.at, &state->word_ends)) return -1;
    Block *masked = &scorer->masked;
    if (masked->grows ? collect_ngrams(view, masked, &state->lexicon)
                      : find_known_ngrams(view, masked, scorer->width, &state->lexicon))
        return -1;
    if (find_relations(view, &scorer->relations, &state->lexicon)) return -1;
    if (scorer->names.n && find_own_names(&state->own_names, view, &scorer->names, &state->lexicon, words.id, &state->word_ends)) return -1;
    if (scorer->clauses.n && find_clauses(&state->own_clauses, view, &scorer->clauses, &state->lexicon, text, &words, scorer->parts, &state->word_ends))
        return -1;
    if (!scorer->frames.n) return 0;
    if (frame(&state->framed, view, text, &words, &state->word_ends)) return -1;
    return find_relations(&state->framed, &scorer->frames, &state->lexicon);
}

static int read_text(Scorer *scorer, State *state, const Item *item, Text *text, PyThreadState **thread)
{
    int status = decode(&state->buffer, item->bytes, item->size, text);
    if (status == NO_CLASSES) {
        PyEval_RestoreThread(*thread);
        status = load_classes(item->bytes, item->size);
        *thread = PyEval_SaveThread();
        status = status ? status : decode(&state->buffer, item->bytes, item->size, text);
    }
    if (status) return -1;
    return read_words(scorer, state, text, thread);
}

static int score_item(Scorer *scorer, State *state, const Item *item, const Trie *home, int pool, double *out, uint8_t *flags,
                      PyThreadState **thread)
{
    Text text;
    double shape[SHAPES];
    if (read_text(scorer, state, item, &text, thread)) return -1;
    if (scorer->shape) shape_of(&text, state->places.at, state->ids.n, &state->lexicon, state->ids.at, item->place, shape);
    int same = item->asked == home && !item->mentions;
    View *view = &state->home;
    if (see(scorer, state, view, home, &text, NULL)) return -1;
    if (score_view(scorer, state, view, 0, same ? scorer->width : scorer->stance, shape, pool, out)) return -1;
    if (!same) {
        view = &state->asked;
        if (see(scorer, state, view, item->asked, &text, item->mentions ? item : NULL)) return -1;
        if (score_view(scorer, state, view, scorer->stance, scorer->width, shape, pool, out)) return -1;
    }
    *flags = (uint8_t)((view->masked.n ? KNOWN : 0) | (view->any_named ? NAMES_TARGET : 0));
    return 0;
}

/* ---- states ---- */

static State *new_state(const Scorer *scorer)
{
    State *state = calloc(1, sizeof *state);
    if (state == NULL) return NULL;
    size_t width = scorer->width;
    state->sums = calloc(width, sizeof(double));
    state->own = calloc(width, sizeof(double));
    state->best = calloc(2 * width, sizeof(double));
    state->part = calloc(width, sizeof(double));
    int failed = !state->sums || !state->own || !state->best || !state->part;
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

/* Begin anew where too many words are kept; 0 on success. */
static int renew_state(const Scorer *scorer, State **state)
{
    if ((*state)->lexicon.words.n <= KEPT_WORDS && (*state)->lexicon.letters.n <= KEPT_LETTERS) return 0;
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

/* ---- arguments ---- */

typedef struct {
    Item *items;
    PyObject **held; /* the texts, and the bytes of those that hold lone surrogates */
    PyObject *tries;
    Py_ssize_t n, n_held;
} Batch;

static void batch_free(Batch *batch)
{
    for (Py_ssize_t at = 0; at < batch->n_held; at++) Py_DECREF(batch->held[at]);
    Py_XDECREF(batch->tries);
    free(batch->items);
    free(batch->held);
}

static int read_item(Batch *batch, Py_ssize_t index, PyObject *text)
{
    Py_ssize_t size;
    Item *item = &batch->items[index];
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &size);
    Py_INCREF(text);
    batch->held[batch->n_held++] = text;
    if (bytes == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return -1;
        PyErr_Clear();
        PyObject *encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
        char *source;
        if (encoded == NULL || PyBytes_AsStringAndSize(encoded, &source, &size)) {
            Py_XDECREF(encoded);
            return -1;
        }
        batch->held[batch->n_held++] = encoded;
        bytes = source;
    }
    if (size > INT32_MAX / 4) {
        PyErr_SetString(PyExc_OverflowError, "a paragraph of more than 512 MB");
        return -1;
    }
    item->bytes = (const uint8_t *)bytes;
    item->size = (size_t)size;
    return 0;
}

static int read_batch(Batch *batch, PyObject *texts, PyObject *tries, const int32_t *asked, PyObject *given, const int32_t *places)
{
    batch->n = PyList_Size(texts);
    batch->items = calloc((size_t)batch->n + 1, sizeof *batch->items);
    batch->held = calloc(3 * (size_t)batch->n + 1, sizeof *batch->held);
    if (!batch->items || !batch->held) return PyErr_NoMemory(), -1;
    batch->tries = PyList_AsTuple(tries);
    if (batch->tries == NULL) return -1;
    Py_ssize_t n_tries = PyTuple_Size(batch->tries);
    for (Py_ssize_t at = 0; at < n_tries; at++)
        if (!PyObject_TypeCheck(PyTuple_GetItem(batch->tries, at), trie_type))
            return PyErr_SetString(PyExc_TypeError, "tries must be a list of Trie"), -1;
    for (Py_ssize_t at = 0; at < batch->n; at++) {
        Item *item = &batch->items[at];
        PyObject *text = PyList_GetItem(texts, at), *mentions = given == Py_None ? Py_None : PyList_GetItem(given, at);
        if (text == NULL || mentions == NULL || read_item(batch, at, text)) return -1;
        if (asked[at] < 0 || asked[at] >= n_tries) return PyErr_SetString(PyExc_IndexError, "no such trie"), -1;
        item->asked = &((TrieObject *)PyTuple_GetItem(batch->tries, asked[at]))->trie;
        if (places != NULL) memcpy(item->place, places + 2 * at, sizeof item->place);
        if (mentions == Py_None) continue;
        char *triples;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(mentions, &triples, &size)) return -1;
        Py_INCREF(mentions);
        batch->held[batch->n_held++] = mentions;
        item->mentions = (const int32_t *)(const void *)triples;
        item->n_mentions = (size_t)size / 12;
    }
    return 0;
}

/* ---- the kernel ---- */

static PyObject *kernel_score(KernelObject *self, PyObject *arguments)
{
    PyObject *texts, *tries, *given, *result = NULL;
    Py_buffer asked, places, out, flags;
    int home, pool;
    if (!PyArg_ParseTuple(arguments, "O!O!y*iOz*w*w*p", &PyList_Type, &texts, &PyList_Type, &tries, &asked, &home, &given, &places,
                          &out, &flags, &pool))
        return NULL;
    Batch batch = {0};
    State *state = NULL;
    size_t n = (size_t)PyList_Size(texts), width = self->scorer.width;
    int sized = (size_t)asked.len == 4 * n && (!places.buf || (size_t)places.len == 8 * n);
    if (!sized || (size_t)out.len != 8 * n * width || (size_t)flags.len != n || self->collects
        || (given != Py_None && (!PyList_Check(given) || (size_t)PyList_Size(given) != n))) {
        PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths");
        goto done;
    }
    if (read_batch(&batch, texts, tries, asked.buf, given, places.buf)) goto done;
    if (home < 0 || home >= PyTuple_Size(batch.tries)) {
        PyErr_SetString(PyExc_IndexError, "no such trie");
        goto done;
    }
    const Trie *home_trie = &((TrieObject *)PyTuple_GetItem(batch.tries, home))->trie;
    state = take_state(self);
    if (state == NULL) {
        failure();
        goto done;
    }
    int failed = 0;
    PyThreadState *thread = PyEval_SaveThread();
    for (size_t at = 0; at < n && !failed; at++)
        failed = renew_state(&self->scorer, &state)
              || score_item(&self->scorer, state, &batch.items[at], home_trie, pool, (double *)out.buf + at * width,
                            (uint8_t *)flags.buf + at, &thread);
    PyEval_RestoreThread(thread);
    if (give_back(self, state, failed)) goto done;
    result = Py_NewRef(Py_None);
done:
    batch_free(&batch);
    PyBuffer_Release(&asked);
    if (places.obj) PyBuffer_Release(&places);
    PyBuffer_Release(&out);
    PyBuffer_Release(&flags);
    return result;
}

/* score_lines(lines, home, asked, out, flags, pool): the rows that a Lines has read, all of one target. */
static PyObject *kernel_score_lines(KernelObject *self, PyObject *arguments)
{
    PyObject *lines, *home, *asked, *result = NULL;
    Py_buffer out, flags;
    int pool;
    if (!PyArg_ParseTuple(arguments, "O!O!O!w*w*p", lines_type, &lines, trie_type, &home, trie_type, &asked, &out, &flags, &pool))
        return NULL;
    LinesObject *source = (LinesObject *)lines;
    LineReader *reader = &source->reader;
    State *state = NULL;
    size_t width = self->scorer.width;
    if ((size_t)out.len != 8 * reader->given * width || (size_t)flags.len != reader->given || self->collects) {
        PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths");
        goto done;
    }
    if (take_lines(source)) goto done;
    if ((state = take_state(self)) == NULL) {
        source->busy = 0;
        failure();
        goto done;
    }
    int failed = 0;
    double *scores = out.buf;
    uint8_t *flag = flags.buf;
    PyThreadState *thread = PyEval_SaveThread();
    for (size_t at = 0; at < reader->rows.n && !failed; at++) {
        if (reader->rows.at[at].left) continue;
        Span said = span_of(reader, reader->rows.at[at].said);
        Item item = {.bytes = said.at, .size = said.n, .asked = &((TrieObject *)asked)->trie};
        failed = renew_state(&self->scorer, &state)
              || score_item(&self->scorer, state, &item, &((TrieObject *)home)->trie, pool, scores, flag++, &thread);
        scores += width;
    }
    PyEval_RestoreThread(thread);
    source->busy = 0;
    if (!give_back(self, state, failed)) result = Py_NewRef(Py_None);
done:
    PyBuffer_Release(&out);
    PyBuffer_Release(&flags);
    return result;
}

/* ---- collecting, for training ---- */

typedef struct { Ids ends, ids; } Rows;

static int add_row_of(Rows *rows, const uint32_t *ids, size_t n)
{
    if (RESERVE(rows->ids, rows->ids.n + n) || RESERVE(rows->ends, rows->ends.n + 1)) return -1;
    if (n) memcpy(rows->ids.at + rows->ids.n, ids, n * sizeof *ids);
    rows->ids.n += n;
    rows->ends.at[rows->ends.n++] = (uint32_t)rows->ids.n;
    return rows->ids.n > UINT32_MAX / 2 ? -1 : 0;
}

enum { OF_WORDS, OF_MASKED, OF_RELATIONS, SENTENCE_WORDS, SENTENCE_MASKED, SENTENCE_RELATIONS, OWNERS, ROW_KINDS };

static int collect_item(Scorer *scorer, State *state, const Item *item, uint32_t index, Rows *rows, PyThreadState **thread)
{
    Text text;
    View *view = &state->asked;
    if (read_text(scorer, state, item, &text, thread)) return -1;
    if (see(scorer, state, view, item->asked, &text, item->mentions ? item : NULL)) return -1;
    size_t n = state->ids.n;
    if (RESERVE(state->scratch, n)) return -1;
    for (size_t at = 0; at < n; at++) state->scratch.at[at] = state->lexicon.words.at[state->ids.at[at]].token;
    if (add_row_of(&rows[OF_WORDS], state->scratch.at, n)) return -1;
    if (add_row_of(&rows[OF_MASKED], view->masked.at, view->masked.n)) return -1;
    if (add_row_of(&rows[OF_RELATIONS], view->relations.at, view->relations.n)) return -1;
    size_t start = 0;
    for (size_t sentence = 0; state->word_ends.n > 1 && sentence < state->word_ends.n; sentence++) {
        const uint32_t *a = view->masked_slices.at + 2 * sentence, *b = view->inside_slices.at + 2 * sentence;
        size_t end = state->word_ends.at[sentence];
        if (add_row_of(&rows[SENTENCE_WORDS], state->scratch.at + start, end - start)) return -1;
        if (add_row_of(&rows[SENTENCE_MASKED], view->masked.at + a[0], a[1] - a[0])) return -1;
        if (add_row_of(&rows[SENTENCE_RELATIONS], view->inside.at + b[0], b[1] - b[0])) return -1;
        if (add_row_of(&rows[OWNERS], &index, 1)) return -1;
        start = end;
    }
    return 0;
}

static PyObject *bytes_of(const Ids *ids) { return PyBytes_FromStringAndSize((const char *)ids->at, (Py_ssize_t)(ids->n * 4)); }

static PyObject *kernel_collect(KernelObject *self, PyObject *arguments)
{
    PyObject *texts, *tries, *given, *result = NULL;
    Py_buffer asked;
    if (!PyArg_ParseTuple(arguments, "O!O!y*O", &PyList_Type, &texts, &PyList_Type, &tries, &asked, &given)) return NULL;
    Batch batch = {0};
    Rows rows[ROW_KINDS] = {0};
    size_t n = (size_t)PyList_Size(texts);
    int failed = 0;
    if ((size_t)asked.len != 4 * n || !self->collects || (given != Py_None && (!PyList_Check(given) || (size_t)PyList_Size(given) != n))) {
        PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths");
        goto done;
    }
    State *state = self->idle;
    self->idle = NULL; /* ids are one thread's */
    if (state == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "collecting is for one thread at a time");
        goto done;
    }
    failed = read_batch(&batch, texts, tries, asked.buf, given, NULL);
    PyThreadState *thread = PyEval_SaveThread();
    for (size_t at = 0; at < n && !failed; at++)
        failed = collect_item(&self->scorer, state, &batch.items[at], (uint32_t)at, rows, &thread);
    PyEval_RestoreThread(thread);
    self->idle = state;
    if (failed) {
        failure();
        goto done;
    }
    result = PyList_New(0);
    for (int kind = 0; kind < ROW_KINDS && result; kind++)
        for (int part = 0; part < 2; part++) {
            PyObject *bytes = bytes_of(part ? &rows[kind].ids : &rows[kind].ends);
            if (bytes == NULL || PyList_Append(result, bytes)) Py_CLEAR(result);
            Py_XDECREF(bytes);
            if (result == NULL) break;
        }
done:
    for (int kind = 0; kind < ROW_KINDS; kind++) {
        free(rows[kind].ends.at);
        free(rows[kind].ids.at);
    }
    batch_free(&batch);
    PyBuffer_Release(&asked);
    return result;
}

typedef VECTOR(uint8_t) Letters;

static int write_letters(Letters *out, const void *bytes, size_t n)
{
    if (RESERVE(*out, out->n + n)) return -1;
    memcpy(out->at + out->n, bytes, n);
    out->n += n;
    return 0;
}

static int write_token(Letters *out, const Lexicon *lexicon, uint32_t id)
{
    const Token *token = &lexicon->tokens.at[id];
    return write_letters(out, lexicon->letters.at + token->start, token->length);
}

static int write_made(Letters *out, const Lexicon *lexicon, Made made)
{
    int failed = 0;
    uint32_t kind = made.kind;
    if (kind >= NAMED) return kind == NAMED ? write_letters(out, "named", 5) : write_letters(out, "unnamed", 7);
    if (kind == LEFT || kind == LEFT_PAIR) failed = write_letters(out, "L:", 2);
    if (kind == RIGHT || kind == RIGHT_PAIR) failed = write_letters(out, "R:", 2);
    if (kind >= PAIR) {
        uint32_t code = kind - (kind >= BETWEEN ? BETWEEN : PAIR);
        failed = write_token(out, lexicon, code / 8) || write_letters(out, ">", 1) || write_token(out, lexicon, code % 8);
        if (kind >= BETWEEN) failed = failed || write_letters(out, ":", 1);
    } else if (kind >= AROUND) {
        failed = write_token(out, lexicon, (kind - AROUND) / 2) || write_letters(out, (kind - AROUND) % 2 ? "r:" : "l:", 2);
    }
    if (made.first != NONE) failed = failed || write_token(out, lexicon, made.first);
    if (made.second != NONE) failed = failed || write_letters(out, " ", 1) || write_token(out, lexicon, made.second);
    return failed ? -1 : 0;
}

/* terms(0: words, 1: masked, 2: relations): what the collected ids stand for, parted by line feeds. */
static PyObject *kernel_terms(KernelObject *self, PyObject *arguments)
{
    int block, failed = 0;
    if (!PyArg_ParseTuple(arguments, "i", &block)) return NULL;
    if (!self->collects || self->idle == NULL) return PyErr_Format(PyExc_RuntimeError, "nothing was collected");
    const Lexicon *lexicon = &self->idle->lexicon;
    const Block *source = block == 1 ? &self->scorer.masked : &self->scorer.relations;
    size_t n = block == 0 ? lexicon->tokens.n : source->made.n;
    Letters out = {0};
    for (size_t at = 0; at < n && !failed; at++) {
        if (at) failed = write_letters(&out, "\n", 1);
        failed = failed || (block == 0 ? write_token(&out, lexicon, (uint32_t)at) : write_made(&out, lexicon, source->made.at[at]));
    }
    PyObject *result = failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize((const char *)out.at, (Py_ssize_t)out.n);
    free(out.at);
    return result;
}

static PyObject *kernel_shapes(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *texts, *result = NULL;
    Py_buffer places, out;
    if (!PyArg_ParseTuple(arguments, "O!y*w*", &PyList_Type, &texts, &places, &out)) return NULL;
    Batch batch = {.n = PyList_Size(texts)};
    TextBuffer buffer = {0};
    Ids words = {0};
    size_t n = (size_t)batch.n;
    batch.items = calloc(n + 1, sizeof *batch.items);
    batch.held = calloc(3 * n + 1, sizeof *batch.held);
    int failed = !batch.items || !batch.held;
    if ((size_t)places.len != 8 * n || (size_t)out.len != 8 * n * SHAPES) {
        PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths");
        failed = 1;
    }
    for (size_t at = 0; at < n && !failed; at++) {
        Text text;
        failed = read_item(&batch, (Py_ssize_t)at, PyList_GetItem(texts, (Py_ssize_t)at));
        failed = failed || load_classes(batch.items[at].bytes, batch.items[at].size);
        failed = failed || decode(&buffer, batch.items[at].bytes, batch.items[at].size, &text) || RESERVE(words, text.length + 2);
        if (failed) break;
        words.n = 0;
        for (size_t c = 0; c <= text.length; c++)
            if ((c > 0 && (text.class[c - 1] & IS_WORD)) != (text.class[c] & IS_WORD)) words.at[words.n++] = (uint32_t)c;
        shape_of(&text, words.at, words.n / 2, NULL, NULL, (const int32_t *)places.buf + 2 * at, (double *)out.buf + at * SHAPES);
    }
    if (!failed) result = Py_NewRef(Py_None);
    else failure();
    free(buffer.bytes.at);
    free(buffer.point.at);
    free(buffer.class.at);
    free(buffer.offset.at);
    free(words.at);
    batch_free(&batch);
    PyBuffer_Release(&places);
    PyBuffer_Release(&out);
    return result;
}

/* ---- making kernels ---- */

typedef uint64_t (*Written)(const uint8_t *, size_t);

typedef struct { uint64_t key; float idf; uint32_t id; } Term;

/* Order of terms: those of the most texts first, so that what is looked at most lies close together. */
static int compare_terms(const void *one, const void *other)
{
    const Term *a = one, *b = other;
    if (a->idf != b->idf) return a->idf < b->idf ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* The terms of a block by their keys, in order; NULL with an exception. */
static Term *read_terms(const Py_buffer *source, const Py_buffer *idf, Written written)
{
    size_t n = (size_t)idf->len / 4, at = 0, size = (size_t)source->len;
    const uint8_t *bytes = source->buf;
    Term *terms = calloc(n + 1, sizeof *terms);
    if (terms == NULL) return (void)PyErr_NoMemory(), NULL;
    for (size_t id = 0; id < n; id++) {
        const uint8_t *end = at < size ? memchr(bytes + at, '\n', size - at) : NULL;
        size_t length = end ? (size_t)(end - bytes) - at : size - at;
        Term *term = &terms[id];
        term->key = at <= size ? written(bytes + at, length) : 0;
        term->id = (uint32_t)id;
        memcpy(&term->idf, (const char *)idf->buf + 4 * id, 4);
        if (!term->key) {
            if (at > size) PyErr_SetString(PyExc_ValueError, "fewer terms than weights");
            else PyErr_Format(PyExc_ValueError, "a term of unknown kind at %zu", at);
            free(terms);
            return NULL;
        }
        at += length + 1;
    }
    qsort(terms, n, sizeof *terms, compare_terms);
    return terms;
}

/* Fill a block from (terms, idf, weights) or leave it empty for None. */
static int fill_block(Block *block, PyObject *parts, Written written, size_t width)
{
    if (parts == Py_None) return 0;
    Py_buffer source, idf, rows;
    if (!PyTuple_Check(parts) || !PyArg_ParseTuple(parts, "y*y*y*", &source, &idf, &rows)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a block is a tuple of terms, idf and weights");
        return -1;
    }
    size_t n = (size_t)idf.len / 4;
    Term *terms = NULL;
    if ((size_t)rows.len != 4 * n * width) PyErr_SetString(PyExc_ValueError, "terms, idf and weights of unlike lengths");
    else terms = read_terms(&source, &idf, written);
    block->idf = malloc(4 * n + 4);
    block->rows = malloc(4 * n * width + 4);
    int failed = terms == NULL;
    if (!failed && (!block->idf || !block->rows || table_reserve(&block->table, n + 1))) failed = 1, PyErr_NoMemory();
    for (size_t at = 0; at < n && !failed; at++) {
        table_put(&block->table, terms[at].key, (uint32_t)at);
        block->idf[at] = terms[at].idf;
        memcpy(block->rows + width * at, (const char *)rows.buf + 4 * width * terms[at].id, 4 * width);
    }
    if (!failed) block->n = n;
    free(terms);
    PyBuffer_Release(&source);
    PyBuffer_Release(&idf);
    PyBuffer_Release(&rows);
    return failed ? -1 : 0;
}

static void *copy_of(const Py_buffer *buffer, size_t size)
{
    if ((size_t)buffer->len != size) return PyErr_SetString(PyExc_ValueError, "a setting of the wrong length"), NULL;
    void *copy = malloc(size ? size : 1);
    return copy ? memcpy(copy, buffer->buf, size) : PyErr_NoMemory();
}

static int fill_scorer(Scorer *scorer, PyObject *arguments)
{
    PyObject *masked, *relations, *frames, *names, *clauses, *grams, *notions;
    Py_buffer bias, reference, pooled, shape;
    Py_ssize_t width, stance;
    if (!PyArg_ParseTuple(arguments, "nnOOOOOOOz*y*y*y*d", &width, &stance, &masked, &relations, &frames, &names, &clauses, &grams, &notions, &shape,
                          &bias, &reference, &pooled, &scorer->share))
        return -1;
    scorer->width = (size_t)width;
    scorer->stance = (size_t)stance;
    int good = width > 0 && width % 4 == 0 && width < (1 << 20) && stance >= 0 && stance <= width;
    if (!good) PyErr_SetString(PyExc_ValueError, "the width must be a multiple of 4");
    size_t columns = (size_t)width;
    good = good && (scorer->bias = copy_of(&bias, 8 * columns)) && (scorer->reference = copy_of(&reference, 4 * columns));
    good = good && (scorer->pooled = copy_of(&pooled, columns));
    if (good && shape.buf) good = (scorer->shape = copy_of(&shape, 8 * SHAPES * columns)) != NULL;
    for (size_t at = 0; good && at < columns; at++)
        if (scorer->reference[at] >= width) good = 0, PyErr_SetString(PyExc_ValueError, "no such reference column");
    good = good && !fill_block(&scorer->masked, masked, written_ngram, columns);
    good = good && !fill_block(&scorer->relations, relations, written_relation, columns);
    good = good && !fill_block(&scorer->frames, frames, written_frame, columns);
    good = good && !fill_block(&scorer->names, names, written_own, columns);
    good = good && !fill_block(&scorer->clauses, clauses, written_clause, columns);
    for (size_t i = 0; i < CONJUNCTIONS; i++)
        scorer->parts[i] = hash_bytes((const uint8_t *)conjunctions[i], strlen(conjunctions[i]));
    good = good && !fill_block(&scorer->grams, grams, written_gram, columns);
    good = good && !fill_block(&scorer->notions, notions, written_notion, columns);
    PyBuffer_Release(&bias);
    PyBuffer_Release(&reference);
    PyBuffer_Release(&pooled);
    if (shape.obj) PyBuffer_Release(&shape);
    return good ? 0 : -1;
}

static PyObject *kernel_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    (void)names;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    KernelObject *self = (KernelObject *)allocate(type, 0);
    if (self == NULL) return NULL;
    memset(&self->scorer, 0, sizeof self->scorer);
    self->idle = NULL;
    self->collects = PyTuple_Size(arguments) == 0;
    if (self->collects) {
        self->scorer.width = 4;
        self->scorer.masked.grows = self->scorer.relations.grows = 1;
        if ((self->idle = new_state(&self->scorer)) == NULL) PyErr_NoMemory();
    } else if (fill_scorer(&self->scorer, arguments)) {
        if (!PyErr_Occurred()) PyErr_NoMemory();
    }
    if (!PyErr_Occurred()) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static void free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static void kernel_dealloc(PyObject *object)
{
    KernelObject *self = (KernelObject *)object;
    Scorer *scorer = &self->scorer;
    for (State *state = self->idle, *next; state != NULL; state = next) {
        next = state->next;
        state_free(state);
    }
    Block *blocks[] = {&scorer->masked, &scorer->relations, &scorer->frames, &scorer->names, &scorer->clauses, &scorer->grams,
                       &scorer->notions};
    for (int i = 0; i < 7; i++) block_free(blocks[i]);
    free(scorer->shape);
    free(scorer->bias);
    free(scorer->reference);
    free(scorer->pooled);
    free_object(object);
}

/* ---- tries ---- */

/* Trie(edges, aliases, nodes): edges are (node, word, child); aliases, sorted by node, (node, role, words), a word being None
   (any), True (with a capital) or the bytes it must be. */
static int fill_trie(Trie *trie, PyObject *edges, PyObject *aliases, size_t n_nodes)
{
    size_t n_edges = (size_t)PyList_Size(edges), n_aliases = (size_t)PyList_Size(aliases), node = 0;
    VECTOR(uint64_t) ends = {0};
    trie->n_nodes = n_nodes;
    trie->first = calloc(n_nodes + 1, sizeof *trie->first);
    if (!trie->first || table_reserve(&trie->edges, n_edges + 1)) return PyErr_NoMemory(), -1;
    for (size_t at = 0; at < n_edges; at++) {
        unsigned int from, to;
        const char *word;
        Py_ssize_t size;
        if (!PyArg_ParseTuple(PyList_GetItem(edges, (Py_ssize_t)at), "Iy#I", &from, &word, &size, &to)) return -1;
        if (from >= n_nodes || to >= n_nodes) return PyErr_SetString(PyExc_ValueError, "no such node"), -1;
        table_put(&trie->edges, edge_key(from, hash_bytes((const uint8_t *)word, (size_t)size)), to);
    }
    for (size_t at = 0; at < n_aliases; at++) {
        unsigned int owner, role;
        PyObject *words;
        if (!PyArg_ParseTuple(PyList_GetItem(aliases, (Py_ssize_t)at), "IIO!", &owner, &role, &PyTuple_Type, &words)) goto failed;
        if (owner >= n_nodes || owner < node || role >= ROLES) {
            PyErr_SetString(PyExc_ValueError, "aliases out of order");
            goto failed;
        }
        for (; node < owner; node++) trie->first[node + 1] = ends.n;
        size_t count = (size_t)PyTuple_Size(words);
        if (RESERVE(ends, ends.n + count + 2)) {
            PyErr_NoMemory();
            goto failed;
        }
        ends.at[ends.n++] = role;
        ends.at[ends.n++] = count;
        for (size_t i = 0; i < count; i++) {
            PyObject *word = PyTuple_GetItem(words, (Py_ssize_t)i);
            char *bytes = NULL;
            Py_ssize_t size = 0;
            if (word != Py_None && word != Py_True && PyBytes_AsStringAndSize(word, &bytes, &size)) goto failed;
            ends.at[ends.n++] = bytes ? hash_bytes((const uint8_t *)bytes, (size_t)size) : word == Py_True;
        }
    }
    for (; node < n_nodes; node++) trie->first[node + 1] = ends.n;
    trie->ends = ends.at;
    return 0;
failed:
    free(ends.at);
    return -1;
}

static PyObject *trie_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    (void)names;
    PyObject *edges, *aliases;
    Py_ssize_t n_nodes;
    if (!PyArg_ParseTuple(arguments, "O!O!n", &PyList_Type, &edges, &PyList_Type, &aliases, &n_nodes)) return NULL;
    if (n_nodes < 1) return PyErr_Format(PyExc_ValueError, "a trie has a root");
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    TrieObject *self = (TrieObject *)allocate(type, 0);
    if (self == NULL) return NULL;
    memset(&self->trie, 0, sizeof self->trie);
    if (!fill_trie(&self->trie, edges, aliases, (size_t)n_nodes)) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static void trie_dealloc(PyObject *self)
{
    trie_free(&((TrieObject *)self)->trie);
    free_object(self);
}

/* ---- the module ---- */

static PyMethodDef kernel_methods[] = {
    {"score", (PyCFunction)(void (*)(void))kernel_score, METH_VARARGS,
     "score(texts, tries, asked, home, given, places, out, flags, pool): fill `out`, float64 (n, width), and `flags`, uint8 (n,)."},
    {"score_lines", (PyCFunction)(void (*)(void))kernel_score_lines, METH_VARARGS,
     "score_lines(lines, home, asked, out, flags, pool): the same for the rows that a Lines has read, which are not left to Python."},
    {"collect", (PyCFunction)(void (*)(void))kernel_collect, METH_VARARGS,
     "collect(texts, tries, asked, given): the ends and ids, uint32, of words, masked, relations, the sentences' same, owners."},
    {"terms", (PyCFunction)(void (*)(void))kernel_terms, METH_VARARGS, "terms(block): what collected ids stand for."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot kernel_slots[] = {
    {Py_tp_new, (void *)kernel_new}, {Py_tp_dealloc, (void *)kernel_dealloc}, {Py_tp_methods, kernel_methods}, {0, NULL}};
static PyType_Spec kernel_spec = {"parastance.predict._kernel.Kernel", sizeof(KernelObject), 0, Py_TPFLAGS_DEFAULT, kernel_slots};
static PyType_Slot trie_slots[] = {{Py_tp_new, (void *)trie_new}, {Py_tp_dealloc, (void *)trie_dealloc}, {0, NULL}};
static PyType_Spec trie_spec = {"parastance.predict._kernel.Trie", sizeof(TrieObject), 0, Py_TPFLAGS_DEFAULT, trie_slots};

/* setup(secrets, word_forms, class_block): once, before anything else. */
static PyObject *setup(PyObject *module, PyObject *arguments)
{
    (void)module;
    const char *bytes;
    Py_ssize_t size;
    PyObject *forms, *block;
    if (!PyArg_ParseTuple(arguments, "y#OO", &bytes, &size, &forms, &block)) return NULL;
    if ((size_t)size != sizeof secret) return PyErr_Format(PyExc_ValueError, "%zu bytes of secrets are wanted", sizeof secret);
    if (word_forms != NULL) return Py_NewRef(Py_None);
    memcpy(secret, bytes, sizeof secret);
    word_forms = Py_NewRef(forms);
    class_block = Py_NewRef(block);
    for (uint32_t count = 1; count < LOGARITHMS; count++) one_plus_log[count] = 1.0 + log((double)count);
    const uint8_t first = 0;
    return load_classes(&first, 1) ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef module_methods[] = {
    {"setup", setup, METH_VARARGS, "setup(secrets, word_forms, class_block): to be called once, first."},
    {"shapes", kernel_shapes, METH_VARARGS, "shapes(texts, places, out): fill `out`, float64 (n, 31)."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_kernel", "See _kernel.c.", -1, module_methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    PyObject *kernel_type = PyType_FromSpec(&kernel_spec);
    trie_type = (PyTypeObject *)PyType_FromSpec(&trie_spec);
    lines_type = (PyTypeObject *)PyType_FromSpec(&lines_spec);
    if (!kernel_type || !trie_type || !lines_type || PyModule_AddObjectRef(module, "Kernel", kernel_type)
        || PyModule_AddObjectRef(module, "Trie", (PyObject *)trie_type)
        || PyModule_AddObjectRef(module, "Lines", (PyObject *)lines_type) || PyModule_AddIntConstant(module, "INTERFACE", INTERFACE)) {
        Py_DECREF(module);
        return NULL;
    }
    Py_DECREF(kernel_type);
    return module;
}
