/* The Python type that reads blocks of JSON Lines and writes the lines of the output; what it does is in `_kernel_lines.h`. */

#ifndef PARASTANCE_LINES_TYPE_H
#define PARASTANCE_LINES_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_kernel_answers.h"

typedef struct {
    PyObject_HEAD
    LineReader reader;
    LineWriter writer;
    PyObject *held, *block; /* held: the bytes that the settings lie in */
    int busy;
} LinesObject;

static PyTypeObject *lines_type;

/* Have the lines for oneself until `busy` is 0 again; -1 with an exception where another thread has them. */
static int take_lines(LinesObject *lines)
{
    if (lines->busy) return PyErr_SetString(PyExc_RuntimeError, "lines are for one thread at a time"), -1;
    lines->busy = 1;
    return 0;
}

/* Lines(text field, id field, name, omitted, answers): see LineReader, all bytes, the fourth a tuple of them; answers: (target, model,
   keep_text, width, boilerplate, kind, topics, stance), see LineWriter. */
static PyObject *lines_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    (void)names;
    PyObject *text, *id, *name, *omitted, *answers;
    if (!PyArg_ParseTuple(arguments, "O!O!O!O!O!", &PyBytes_Type, &text, &PyBytes_Type, &id, &PyBytes_Type, &name, &PyTuple_Type,
                          &omitted, &PyTuple_Type, &answers))
        return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    LinesObject *self = (LinesObject *)allocate(type, 0);
    if (self == NULL) return NULL;
    LineReader *reader = &self->reader;
    memset(reader, 0, sizeof *reader);
    memset(&self->writer, 0, sizeof self->writer);
    self->block = NULL;
    self->busy = 0;
    self->held = Py_NewRef(arguments);
    reader->omitted = spans_from(omitted, &reader->n_omitted);
    if (reader->omitted && !span_from(text, &reader->text) && !span_from(id, &reader->id) && !span_from(name, &reader->name)
        && !fill_writer(&self->writer, answers))
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static void lines_dealloc(PyObject *object)
{
    LinesObject *self = (LinesObject *)object;
    free(self->reader.omitted);
    free(self->reader.kept.at);
    free(self->reader.columns.at);
    free(self->reader.scratch.at);
    free(self->reader.rows.at);
    for (int head = 0; head < HEADS; head++) answer_free(&self->writer.heads[head]);
    Py_XDECREF(self->held);
    Py_XDECREF(self->block);
    PyTypeObject *type = Py_TYPE(object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* The rows left to Python: (rows read before that are not left, number, start, end). */
static PyObject *rows_left(const LineReader *reader)
{
    PyObject *found = PyList_New(0);
    size_t given = 0;
    for (size_t at = 0; at < reader->rows.n && found; at++) {
        const LineRow *row = &reader->rows.at[at];
        given += !row->left;
        if (!row->left) continue;
        PyObject *entry = Py_BuildValue("nnnn", (Py_ssize_t)given, (Py_ssize_t)row->number, (Py_ssize_t)row->start, (Py_ssize_t)row->end);
        if (entry == NULL || PyList_Append(found, entry)) Py_CLEAR(found);
        Py_XDECREF(entry);
    }
    return found;
}

static PyObject *lines_read(LinesObject *self, PyObject *arguments)
{
    PyObject *block;
    Py_ssize_t at, number, most;
    if (!PyArg_ParseTuple(arguments, "O!nnn", &PyBytes_Type, &block, &at, &number, &most)) return NULL;
    Span all;
    if (span_from(block, &all)) return NULL;
    if (at < 0 || (size_t)at > all.n || number < 0 || most < 1 || most > (1 << 20))
        return PyErr_Format(PyExc_ValueError, "no such place in the block");
    if (take_lines(self)) return NULL;
    PyObject *before = self->block;
    self->block = Py_NewRef(block);
    Py_XDECREF(before);
    self->reader.block = all.at;
    size_t place = (size_t)at, line = (size_t)number;
    PyThreadState *thread = PyEval_SaveThread();
    int failed = read_lines(&self->reader, all.n, &place, &line, (size_t)most);
    PyEval_RestoreThread(thread);
    self->busy = 0;
    if (failed) {
        self->reader.rows.n = self->reader.given = 0;
        return PyErr_NoMemory();
    }
    PyObject *left = rows_left(&self->reader);
    return left ? Py_BuildValue("nnnN", (Py_ssize_t)self->reader.given, (Py_ssize_t)place, (Py_ssize_t)line, left) : NULL;
}

/* For each label of each head (how often it was given to the rows written last, the first of these rows). */
static PyObject *counts_of(const LineWriter *writer)
{
    PyObject *found = PyList_New(0);
    for (int head = 0; head < HEADS; head++)
        for (size_t at = 0; at < writer->heads[head].rule.k && found; at++) {
            PyObject *entry = Py_BuildValue("nn", (Py_ssize_t)writer->heads[head].counts[at], (Py_ssize_t)writer->heads[head].firsts[at]);
            if (entry == NULL || PyList_Append(found, entry)) Py_CLEAR(found);
            Py_XDECREF(entry);
        }
    return found;
}

/* Where so many bytes may be written: in `lent`, a buffer that `lend` gives where it has that much, else in a new bytearray. NULL with
   an exception; *lines is the bytearray, NULL where there is none. */
static uint8_t *room_for(size_t size, PyObject *lend, Py_buffer *lent, PyObject **lines)
{
    PyObject *given = lend == Py_None ? Py_NewRef(Py_None) : PyObject_CallFunction(lend, "n", (Py_ssize_t)size);
    if (given == NULL) return NULL;
    int failed = given != Py_None && PyObject_GetBuffer(given, lent, PyBUF_WRITABLE);
    Py_DECREF(given);
    if (failed) return NULL;
    if (lent->obj != NULL && (size_t)lent->len >= size) return lent->buf;
    *lines = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)size);
    return *lines ? (uint8_t *)PyByteArray_AsString(*lines) : NULL;
}

/* Write the lines of the rows read; return a bytearray of them, or how many bytes they are in what was lent. NULL with an exception. */
static PyObject *written(LinesObject *self, const Py_buffer *scores, const Py_buffer *flags, const Span *others, PyObject *lend)
{
    PyObject *lines = NULL;
    Py_buffer lent = {0};
    uint8_t *out = room_for(longest_lines(&self->writer, &self->reader, others), lend, &lent, &lines), *end = out;
    if (out != NULL) {
        PyThreadState *thread = PyEval_SaveThread();
        end = write_lines(&self->writer, &self->reader, scores->buf, flags->buf, others, out);
        PyEval_RestoreThread(thread);
    }
    if (lent.obj != NULL) PyBuffer_Release(&lent);
    if (out == NULL) return NULL;
    if (lines == NULL) return PyLong_FromSsize_t(end - out);
    if (PyByteArray_Resize(lines, end - out)) Py_CLEAR(lines);
    return lines;
}

/* write(scores, flags, others, lend): the lines of the rows read, see `written`, and counts; see `write_lines` and `counts_of`. */
static PyObject *lines_write(LinesObject *self, PyObject *arguments)
{
    PyObject *others, *lend, *lines = NULL;
    Py_buffer scores, flags;
    if (!PyArg_ParseTuple(arguments, "y*y*OO", &scores, &flags, &others, &lend)) return NULL;
    size_t n = self->reader.given, n_others;
    Span *spans = spans_from(others, &n_others);
    int failed = spans == NULL;
    if (!failed && ((size_t)scores.len != 8 * n * self->writer.width || (size_t)flags.len != n || n_others != self->reader.rows.n - n)) {
        PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths");
        failed = 1;
    }
    if (!failed && !take_lines(self)) {
        lines = written(self, &scores, &flags, spans, lend);
        self->busy = 0;
    }
    free(spans);
    PyBuffer_Release(&scores);
    PyBuffer_Release(&flags);
    PyObject *counts = lines ? counts_of(&self->writer) : NULL;
    if (counts) return Py_BuildValue("NN", lines, counts);
    Py_XDECREF(lines);
    return NULL;
}

static PyMethodDef lines_methods[] = {
    {"read", (PyCFunction)(void (*)(void))lines_read, METH_VARARGS,
     "read(block, at, number, most): read rows of a block of whole lines; return (rows not left to Python, where the next "
     "line begins, its number, the rows left to Python)."},
    {"write", (PyCFunction)(void (*)(void))lines_write, METH_VARARGS,
     "write(scores, flags, others, lend): the lines of the output for the rows read, and of each label how often it was given and where "
     "first. lend is None or called with a size; the lines are how many bytes they are in the buffer of that size that it gave, else a "
     "bytearray."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot lines_slots[] = {
    {Py_tp_new, (void *)lines_new}, {Py_tp_dealloc, (void *)lines_dealloc}, {Py_tp_methods, lines_methods}, {0, NULL}};
static PyType_Spec lines_spec = {"parastance.predict._kernel.Lines", sizeof(LinesObject), 0, Py_TPFLAGS_DEFAULT, lines_slots};

#endif
