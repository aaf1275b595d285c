/* Kernels made from a model, and their end. */

#ifndef PARASTANCE_MAKE_H
#define PARASTANCE_MAKE_H

#include "_kernel_batch.h"
#include "_kernel_written.h"

typedef uint64_t (*Written)(const uint8_t *, size_t);

static int holds_name(const uint8_t *term, size_t length)
{
    const char *name = role_names[NAME];
    size_t size = strlen(name);
    for (size_t at = 0; at + size <= length; at++)
        if (!memcmp(term + at, name, size)) return 1;
    return 0;
}

/* Note which kinds of relations a block has. */
static void note_kind(Block *block, const uint8_t *term, size_t length)
{
    const uint8_t *end = length ? memchr(term, '>', length) : NULL;
    size_t left = end ? length - (size_t)(end - term) : 0;
    int window = length > 2 && (term[0] == 'L' || term[0] == 'R') && term[1] == ':', actors = length && term[0] == '<';
    block->around |= actors && left > 3 && (end[1] == 'l' || end[1] == 'r') && end[2] == ':';
    block->plain |= (window || actors) && !holds_name(term, length);
}

/* The keys and spots of the terms of a block. */
typedef struct {
    uint64_t *keys;
    uint32_t *spots;
} Keys;

static void keys_free(Keys *keys)
{
    free(keys->keys);
    free(keys->spots);
}

/* Read n terms parted by line feeds; 0 on success, -1 with an exception. */
static int read_keys(Block *block, Keys *keys, const Py_buffer *source, size_t n, Written written)
{
    size_t at = 0, size = (size_t)source->len;
    const uint8_t *bytes = source->buf;
    *keys = (Keys){calloc(n + 1, sizeof *keys->keys), calloc(n + 1, sizeof *keys->spots)};
    if (!keys->keys || !keys->spots) return (void)PyErr_NoMemory(), -1;
    for (size_t id = 0; id < n; id++) {
        const uint8_t *end = at < size ? memchr(bytes + at, '\n', size - at) : NULL;
        size_t length = end ? (size_t)(end - bytes) - at : size - at;
        uint64_t key = at <= size ? written(bytes + at, length) : 0;
        if (at > size) PyErr_SetString(PyExc_ValueError, "fewer terms than weights");
        else if (!key) PyErr_Format(PyExc_ValueError, "a term of unknown kind at %zu", at);
        if (!key) return -1;
        keys->keys[id] = key;
        keys->spots[id] = written == written_ngram ? written_spot(bytes + at, length, key) : spot_of(key);
        note_kind(block, bytes + at, length);
        at += length + 1;
    }
    return 0;
}

/* Fill an index with what n terms have: idf (n,) and weights (n, width), both float32. */
static int fill_index(Index *index, const Keys *keys, size_t n, const char *idf, const char *weights, size_t width)
{
    if (index_make(index, keys->spots, n, width)) return PyErr_NoMemory(), -1;
    for (size_t at = 0; at < n; at++) {
        float own;
        Record *record = index_put(index, keys->keys[at], keys->spots[at]);
        memcpy(&own, idf + 4 * at, 4);
        memcpy(row_of(record), weights + 4 * width * at, 4 * width);
        record->square = own * own;
        record->place = (uint32_t)at;
        for (size_t column = 0; column < width; column++) row_of(record)[column] *= own;
    }
    return 0;
}

/* Fill a block from (terms, idf, weights) or leave it empty for None. */
static int fill_block(Block *block, PyObject *parts, Written written, size_t width)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) block->bare[kind] = NONE;
    if (parts == Py_None) return 0;
    Py_buffer source, idf, rows;
    if (!PyTuple_Check(parts) || !PyArg_ParseTuple(parts, "y*y*y*", &source, &idf, &rows)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a block is a tuple of terms, idf and weights");
        return -1;
    }
    size_t n = (size_t)idf.len / 4;
    Keys keys = {NULL, NULL};
    int failed = (size_t)rows.len != 4 * n * width;
    if (failed) PyErr_SetString(PyExc_ValueError, "terms, idf and weights of unlike lengths");
    failed = failed || read_keys(block, &keys, &source, n, written) || fill_index(&block->index, &keys, n, idf.buf, rows.buf, width);
    keys_free(&keys);
    for (uint32_t kind = 0; kind < KINDS && !failed; kind++) block->bare[kind] = index_find(&block->index, term_key(kind, 0, 0));
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
    if (!PyArg_ParseTuple(arguments, "nnOOOOOOOz*y*y*y*d", &width, &stance, &masked, &relations, &frames, &names, &clauses, &grams,
                          &notions, &shape, &bias, &reference, &pooled, &scorer->share))
        return -1;
    scorer->width = (size_t)width;
    scorer->stance = (size_t)stance;
    int good = width > 0 && width % 8 == 0 && width < (1 << 20) && stance >= 0 && stance <= width;
    if (!good) PyErr_SetString(PyExc_ValueError, "the width must be a multiple of 8");
    size_t columns = (size_t)width;
    good = good && (scorer->bias = copy_of(&bias, 8 * columns)) && (scorer->reference = copy_of(&reference, 4 * columns));
    good = good && (scorer->pooled = copy_of(&pooled, columns));
    if (good && shape.buf) good = (scorer->shape = copy_of(&shape, 8 * SHAPES * columns)) != NULL;
    for (size_t at = 0; good && shape.buf && at < SHAPES * columns; at++)
        if (scorer->shape[at] != 0.0 && at % columns >= scorer->shape_columns) scorer->shape_columns = at % columns + 1;
    for (size_t at = 0; good && at < columns; at++)
        if (scorer->reference[at] >= width) good = 0, PyErr_SetString(PyExc_ValueError, "no such reference column");
    good = good && !fill_block(&scorer->masked, masked, written_ngram, columns);
    good = good && !fill_block(&scorer->relations, relations, written_relation, columns);
    good = good && !fill_block(&scorer->frames, frames, written_frame, columns);
    good = good && !fill_block(&scorer->names, names, written_own, columns);
    good = good && !fill_block(&scorer->clauses, clauses, written_clause, columns);
    if (good) fill_parting(&scorer->parting, &scorer->clauses);
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
        self->scorer.width = 8;
        self->scorer.masked.grows = self->scorer.relations.grows = 1;
        if ((self->idle = new_state(&self->scorer)) == NULL) PyErr_NoMemory();
    } else if (fill_scorer(&self->scorer, arguments)) {
        if (!PyErr_Occurred()) PyErr_NoMemory();
    }
    if (!PyErr_Occurred()) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
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

#endif
