/* Collecting the terms of paragraphs for training. */

#ifndef PARASTANCE_COLLECT_H
#define PARASTANCE_COLLECT_H

#include "_kernel_batch.h"

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

/* Add the rows of a bag's whole and, where there are several, of its sentences. */
static int add_bag(Rows *whole, Rows *sentences, const Bag *bag, Ids *scratch)
{
    size_t start = 0;
    for (size_t sentence = 0; sentence <= bag->ends.n; sentence++) { /* the last is the whole */
        int all = sentence == bag->ends.n;
        size_t end = all ? bag->items.n : bag->ends.at[sentence];
        if (all) start = 0;
        if (!all && bag->ends.n < 2) continue;
        if (RESERVE(*scratch, end - start)) return -1;
        scratch->n = 0;
        for (; start < end; start++)
            if (bag->items.at[start] & (all ? IN_WHOLE : IN_SENTENCE)) scratch->at[scratch->n++] = bag->items.at[start] >> 2;
        if (add_row_of(all ? whole : sentences, scratch->at, scratch->n)) return -1;
    }
    return 0;
}

static int collect_item(Scorer *scorer, State *state, const Item *item, uint32_t index, Rows *rows, PyThreadState **thread)
{
    Paragraph *paragraph = &state->paragraph;
    View *view = &paragraph->asked;
    Ids *scratch = &state->starts;
    paragraph->item = item;
    if (read_text(state, paragraph, thread) || meet_words(scorer, state, paragraph, thread) || end_sentences(paragraph)) return -1;
    if (see(state, paragraph, view, item->asked, item->mentions != NULL)) return -1;
    if (collect_ngrams(view, &scorer->masked, &state->lexicon)) return -1;
    if (grow_relations(view, &scorer->actors[RELATIONS], &state->lexicon)) return -1;
    if (add_bag(&rows[OF_MASKED], &rows[SENTENCE_MASKED], &view->ngrams, scratch)) return -1;
    if (add_bag(&rows[OF_RELATIONS], &rows[SENTENCE_RELATIONS], &view->actors.bag, scratch)) return -1;
    size_t n = paragraph->met.n, start = 0;
    if (RESERVE(*scratch, n)) return -1;
    if (n) memcpy(scratch->at, paragraph->tokens.at, n * sizeof *scratch->at);
    if (add_row_of(&rows[OF_WORDS], scratch->at, n)) return -1;
    for (size_t sentence = 0; paragraph->word_ends.n > 1 && sentence < paragraph->word_ends.n; sentence++) {
        size_t end = paragraph->word_ends.at[sentence];
        if (add_row_of(&rows[SENTENCE_WORDS], scratch->at + start, end - start) || add_row_of(&rows[OWNERS], &index, 1)) return -1;
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
    const Block *source = block == 1 ? &self->scorer.masked : &self->scorer.actors[RELATIONS];
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

#endif
