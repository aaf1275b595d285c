/* The Python type that reads blocks of JSON Lines and writes the lines of the output; what it does is in `_kernel_lines.h`. */

#ifndef PARASTANCE_LINES_TYPE_H
#define PARASTANCE_LINES_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_kernel_lines.h"

typedef struct {
    PyObject_HEAD
    LineReader reader;
    PyObject *held, *block; /* held: the bytes that the reader's settings lie in */
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

static int span_from(PyObject *bytes, Span *span)
{
    char *source;
    Py_ssize_t size;
    if (bytes == NULL || PyBytes_AsStringAndSize(bytes, &source, &size)) return -1;
    *span = (Span){(const uint8_t *)source, (size_t)size};
    return 0;
}

/* The spans of a tuple of bytes, to be freed; NULL with an exception. */
static Span *spans_from(PyObject *tuple, size_t *n)
{
    if (!PyTuple_Check(tuple)) return PyErr_SetString(PyExc_TypeError, "a tuple of bytes is wanted"), NULL;
    *n = (size_t)PyTuple_Size(tuple);
    Span *spans = malloc((*n + 1) * sizeof *spans);
    if (spans == NULL) return (void)PyErr_NoMemory(), NULL;
    for (size_t at = 0; at < *n; at++)
        if (span_from(PyTuple_GetItem(tuple, (Py_ssize_t)at), &spans[at])) {
            free(spans);
            return NULL;
        }
    return spans;
}

/* Lines(text field, id field, name, omitted): see LineReader; all bytes, the last a tuple of them. */
static PyObject *lines_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    (void)names;
    PyObject *text, *id, *name, *omitted;
    if (!PyArg_ParseTuple(arguments, "O!O!O!O!", &PyBytes_Type, &text, &PyBytes_Type, &id, &PyBytes_Type, &name, &PyTuple_Type,
                          &omitted))
        return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    LinesObject *self = (LinesObject *)allocate(type, 0);
    if (self == NULL) return NULL;
    LineReader *reader = &self->reader;
    memset(reader, 0, sizeof *reader);
    self->block = NULL;
    self->busy = 0;
    self->held = Py_NewRef(arguments);
    reader->omitted = spans_from(omitted, &reader->n_omitted);
    if (reader->omitted && !span_from(text, &reader->text) && !span_from(id, &reader->id) && !span_from(name, &reader->name))
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

enum { BUFFERS = 10 };

typedef struct {
    Py_buffer buffers[BUFFERS];
    int n;
    Span *labels[3];
} AnswerBuffers;

static int read_answer(AnswerBuffers *held, int head, PyObject *parts, size_t n, int with_shares, Answer *answer)
{
    PyObject *labels;
    Py_buffer *chosen = &held->buffers[held->n], *sure = chosen + 1, *shares = chosen + 2;
    if (parts == Py_None) return 0;
    if (!PyTuple_Check(parts) || !PyArg_ParseTuple(parts, "Oy*y*z*", &labels, chosen, sure, shares)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "an answer is a tuple of labels, chosen, sure and shares");
        return -1;
    }
    held->n += 3;
    if ((held->labels[head] = spans_from(labels, &answer->k)) == NULL) return -1;
    size_t cells = n * answer->k;
    if ((size_t)chosen->len != cells || (size_t)sure->len != cells || (with_shares && (!shares->buf || (size_t)shares->len != 4 * cells)))
        return PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths"), -1;
    *answer = (Answer){answer->k, held->labels[head], shares->buf, chosen->buf, sure->buf};
    for (size_t cell = 0; with_shares && cell < cells; cell++)
        if (answer->shares[cell] < 0 || answer->shares[cell] > TOP) return PyErr_SetString(PyExc_ValueError, "no share"), -1;
    return 0;
}

/* write(others, keep_text, target, model, named, kind, topics, stance): the lines of the rows read; see Answers. */
static PyObject *lines_write(LinesObject *self, PyObject *arguments)
{
    PyObject *others, *target, *model, *heads[3], *result = NULL;
    AnswerBuffers held = {0};
    Answers answers = {0};
    Bytes out = {0};
    if (!PyArg_ParseTuple(arguments, "OpO!O!y*OOO", &others, &answers.keep_text, &PyBytes_Type, &target, &PyBytes_Type, &model,
                          &held.buffers[0], &heads[0], &heads[1], &heads[2]))
        return NULL;
    held.n = 1;
    size_t n = self->reader.given, n_others;
    Answer *answer[3] = {&answers.kind, &answers.topics, &answers.stance};
    Span *lines = spans_from(others, &n_others);
    int failed = lines == NULL || span_from(target, &answers.target) || span_from(model, &answers.model);
    for (int head = 0; head < 3 && !failed; head++) failed = read_answer(&held, head, heads[head], n, head > 0, answer[head]);
    if (!failed && ((size_t)held.buffers[0].len != n || n_others != self->reader.rows.n - n)) {
        PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths");
        failed = 1;
    }
    answers.named = held.buffers[0].buf;
    if (!failed && !(failed = take_lines(self))) {
        PyThreadState *thread = PyEval_SaveThread();
        failed = write_lines(&self->reader, &answers, lines, &out);
        PyEval_RestoreThread(thread);
        self->busy = 0;
        result = failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize((const char *)out.at, (Py_ssize_t)out.n);
    }
    free(out.at);
    free(lines);
    for (int head = 0; head < 3; head++) free(held.labels[head]);
    for (int at = 0; at < held.n; at++)
        if (held.buffers[at].obj) PyBuffer_Release(&held.buffers[at]);
    return result;
}

static PyMethodDef lines_methods[] = {
    {"read", (PyCFunction)(void (*)(void))lines_read, METH_VARARGS,
     "read(block, at, number, most): read rows of a block of whole lines; return (rows not left to Python, where the next "
     "line begins, its number, the rows left to Python)."},
    {"write", (PyCFunction)(void (*)(void))lines_write, METH_VARARGS,
     "write(others, keep_text, target, model, named, kind, topics, stance): the lines of the output for the rows read."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot lines_slots[] = {
    {Py_tp_new, (void *)lines_new}, {Py_tp_dealloc, (void *)lines_dealloc}, {Py_tp_methods, lines_methods}, {0, NULL}};
static PyType_Spec lines_spec = {"parastance.predict._kernel.Lines", sizeof(LinesObject), 0, Py_TPFLAGS_DEFAULT, lines_slots};

#endif
