/* The Python type that turns arrays of scores into probabilities, labels and what is certain of them. */

#ifndef PARASTANCE_JUDGE_TYPE_H
#define PARASTANCE_JUDGE_TYPE_H

#include "_kernel_lines_type.h"

typedef struct {
    PyObject_HEAD
    Answer heads[HEADS];
    size_t width, boilerplate; /* as in LineWriter */
    PyObject *held;            /* the bytes that labels lie in */
} JudgeObject;

/* Judge(width, boilerplate, kind, topics, stance): as the last of the answers that Lines is made of. */
static PyObject *judge_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    (void)names;
    PyObject *heads[HEADS];
    Py_ssize_t width, boilerplate;
    if (!PyArg_ParseTuple(arguments, "nnOOO", &width, &boilerplate, &heads[KIND], &heads[TOPICS], &heads[STANCE])) return NULL;
    if (width < 1 || boilerplate < 0) return PyErr_Format(PyExc_ValueError, "no such column");
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    JudgeObject *self = (JudgeObject *)allocate(type, 0);
    if (self == NULL) return NULL;
    memset(self->heads, 0, sizeof self->heads);
    self->held = Py_NewRef(arguments);
    self->width = (size_t)width;
    self->boilerplate = (size_t)boilerplate;
    int failed = 0;
    for (int head = 0; head < HEADS && !failed; head++) failed = fill_answer(&self->heads[head], heads[head], self->width);
    size_t kinds = self->heads[KIND].rule.k;
    if (!failed && kinds && self->boilerplate >= kinds) failed = 1, PyErr_SetString(PyExc_ValueError, "no such column");
    if (!failed) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static void judge_dealloc(PyObject *object)
{
    JudgeObject *self = (JudgeObject *)object;
    for (int head = 0; head < HEADS; head++) answer_free(&self->heads[head]);
    Py_XDECREF(self->held);
    PyTypeObject *type = Py_TYPE(object);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* Judge one row, each head into its columns of the rows of shares, chosen and sure. */
static void judge_row(JudgeObject *self, const double *scores, uint8_t flags, double *shares, uint8_t *chosen, uint8_t *sure)
{
    int known = (flags & KNOWN) != 0, named = (flags & NAMES_TARGET) != 0, boilerplate = 0;
    for (int head = 0; head < HEADS; head++) {
        const Rule *rule = &self->heads[head].rule;
        if (!rule->k) continue;
        judge(rule, scores, known, named, boilerplate);
        if (head == KIND) boilerplate = rule->chosen[self->boilerplate];
        memcpy(shares + rule->column, rule->shares, rule->k * sizeof *shares);
        memcpy(chosen + rule->column, rule->chosen, rule->k);
        memcpy(sure + rule->column, rule->sure, rule->k);
    }
}

/* The GIL is held, so that any number of threads may share a judge. */
static PyObject *judge_rows(JudgeObject *self, PyObject *arguments)
{
    Py_buffer scores, flags, shares, chosen, sure;
    if (!PyArg_ParseTuple(arguments, "y*y*w*w*w*", &scores, &flags, &shares, &chosen, &sure)) return NULL;
    size_t n = (size_t)flags.len, width = self->width;
    int sized = (size_t)scores.len == 8 * n * width && shares.len == scores.len && (size_t)chosen.len == n * width
             && (size_t)sure.len == n * width;
    for (size_t at = 0; sized && at < n; at++)
        judge_row(self, (const double *)scores.buf + at * width, ((const uint8_t *)flags.buf)[at],
                  (double *)shares.buf + at * width, (uint8_t *)chosen.buf + at * width, (uint8_t *)sure.buf + at * width);
    PyBuffer_Release(&scores);
    PyBuffer_Release(&flags);
    PyBuffer_Release(&shares);
    PyBuffer_Release(&chosen);
    PyBuffer_Release(&sure);
    if (!sized) return PyErr_Format(PyExc_ValueError, "arguments of unlike lengths");
    return Py_NewRef(Py_None);
}

static PyMethodDef judge_methods[] = {
    {"rows", (PyCFunction)(void (*)(void))judge_rows, METH_VARARGS,
     "rows(scores, flags, shares, chosen, sure): fill shares, float64, chosen and sure, uint8, (n, width) each."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot judge_slots[] = {
    {Py_tp_new, (void *)judge_new}, {Py_tp_dealloc, (void *)judge_dealloc}, {Py_tp_methods, judge_methods}, {0, NULL}};
static PyType_Spec judge_spec = {"parastance.predict._kernel.Judge", sizeof(JudgeObject), 0, Py_TPFLAGS_DEFAULT, judge_slots};

#endif
