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

/* A block to be filled: how its terms are written, from (terms, idf, weights) or None. Then what was read: idf (n,) and weights
   (n, width), both float32, and the keys and spots of the terms. */
typedef struct {
    Block *block;
    Written written;
    uint32_t salt; /* of the kinds of its terms */
    PyObject *parts;
    Py_buffer terms, idf, rows;
    uint64_t *keys;
    uint32_t *spots;
    size_t n;
} Source;

static void source_free(Source *source)
{
    if (source->terms.obj) PyBuffer_Release(&source->terms);
    if (source->idf.obj) PyBuffer_Release(&source->idf);
    if (source->rows.obj) PyBuffer_Release(&source->rows);
    free(source->keys);
    free(source->spots);
}

/* Read the terms, parted by line feeds; 0 on success, -1 with an exception. */
static int read_keys(Source *source)
{
    size_t at = 0, size = (size_t)source->terms.len;
    const uint8_t *bytes = source->terms.buf;
    source->keys = calloc(source->n + 1, sizeof *source->keys);
    source->spots = calloc(source->n + 1, sizeof *source->spots);
    if (!source->keys || !source->spots) return (void)PyErr_NoMemory(), -1;
    for (size_t id = 0; id < source->n; id++) {
        const uint8_t *end = at < size ? memchr(bytes + at, '\n', size - at) : NULL;
        size_t length = end ? (size_t)(end - bytes) - at : size - at;
        uint64_t key = at <= size ? source->written(bytes + at, length) : 0;
        if (at > size) PyErr_SetString(PyExc_ValueError, "fewer terms than weights");
        else if (!key) PyErr_Format(PyExc_ValueError, "a term of unknown kind at %zu", at);
        if (!key) return -1;
        source->keys[id] = key;
        source->spots[id] = source->written == written_ngram ? written_spot(bytes + at, length, key) : spot_of(key);
        note_kind(source->block, bytes + at, length);
        at += length + 1;
    }
    return 0;
}

static int read_source(Source *source, size_t width)
{
    if (source->parts == Py_None) return 0;
    if (!PyTuple_Check(source->parts)) return PyErr_SetString(PyExc_TypeError, "a block is a tuple of terms, idf and weights"), -1;
    if (!PyArg_ParseTuple(source->parts, "y*y*y*", &source->terms, &source->idf, &source->rows)) return -1;
    source->n = (size_t)source->idf.len / 4;
    if ((size_t)source->rows.len == 4 * source->n * width) return read_keys(source);
    return PyErr_SetString(PyExc_ValueError, "terms, idf and weights of unlike lengths"), -1;
}

/* Put what the terms have into an index; number: of the block, whose places begin at `place`. */
static void put_records(Index *index, const Source *source, uint32_t number, uint32_t place, size_t width)
{
    const char *idf = source->idf.buf, *weights = source->rows.buf;
    for (size_t at = 0; at < source->n; at++) {
        float own;
        Record *record = index_put(index, source->keys[at], source->spots[at]);
        memcpy(&own, idf + 4 * at, 4);
        memcpy(row_of(record), weights + 4 * width * at, 4 * width);
        record->square = own * own;
        record->place = place + (uint32_t)at;
        record->block = number;
        for (size_t column = 0; column < width; column++) row_of(record)[column] *= own;
    }
}

/* Make one index of what was read for several blocks. */
static int fill_index(Index *index, const Source *sources, uint32_t n_sources, size_t width)
{
    size_t n = 0;
    for (uint32_t i = 0; i < n_sources; i++) n += sources[i].n;
    uint32_t *spots = n ? malloc(n * sizeof *spots) : NULL;
    if (!n) return 0;
    if (spots == NULL) return PyErr_NoMemory(), -1;
    for (size_t i = 0, at = 0; i < n_sources; at += sources[i++].n)
        if (sources[i].n) memcpy(spots + at, sources[i].spots, sources[i].n * sizeof *spots);
    int failed = index_make(index, spots, n, width);
    free(spots);
    if (failed) return PyErr_NoMemory(), -1;
    for (uint32_t i = 0, place = 0; i < n_sources; place += (uint32_t)sources[i++].n)
        put_records(index, &sources[i], i, place, width);
    return 0;
}

/* Fill blocks that share an index, or leave those empty that are None. */
static int fill_blocks(Index *index, Source *sources, uint32_t n_sources, size_t width)
{
    int failed = 0;
    for (uint32_t i = 0; i < n_sources && !failed; i++) failed = read_source(&sources[i], width);
    failed = failed || fill_index(index, sources, n_sources, width);
    for (uint32_t i = 0; i < n_sources; i++) {
        Block *block = sources[i].block;
        block->index = *index;
        block->index.n = sources[i].n;
        for (uint32_t kind = 0; kind < KINDS; kind++)
            block->bare[kind] = failed ? NONE : index_find(&block->index, term_key(kind + sources[i].salt, 0, 0));
        source_free(&sources[i]);
    }
    return failed ? -1 : 0;
}

/* Fill a block that has an index of its own. */
static int fill_block(Block *block, PyObject *parts, Written written, size_t width)
{
    Source source = {.block = block, .written = written, .parts = parts};
    Index index = {0};
    return fill_blocks(&index, &source, 1, width);
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
    Source actors[] = {{.block = &scorer->actors[RELATIONS], .written = written_relation, .parts = relations},
                       {.block = &scorer->actors[FRAMES], .written = written_frame, .salt = FRAMED, .parts = frames},
                       {.block = &scorer->actors[NAMES], .written = written_own, .parts = names},
                       {.block = &scorer->actors[CLAUSES], .written = written_clause, .parts = clauses}};
    good = good && !fill_blocks(&scorer->actor_index, actors, ACTOR_BLOCKS, columns);
    if (good) fill_parting(&scorer->parting, &scorer->actors[CLAUSES]);
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
        self->scorer.masked.grows = self->scorer.actors[RELATIONS].grows = 1;
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
    Block *blocks[] = {&scorer->masked, &scorer->grams, &scorer->notions};
    for (int i = 0; i < 3; i++) {
        index_free(&blocks[i]->index);
        block_free(blocks[i]);
    }
    for (int i = 0; i < ACTOR_BLOCKS; i++) block_free(&scorer->actors[i]);
    index_free(&scorer->actor_index);
    free(scorer->shape);
    free(scorer->bias);
    free(scorer->reference);
    free(scorer->pooled);
    free_object(object);
}

#endif
