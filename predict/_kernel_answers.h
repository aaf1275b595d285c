/* What a model answers, as Python says it: labels, rules and curves of each head, for lines of the output. */

#ifndef PARASTANCE_ANSWERS_H
#define PARASTANCE_ANSWERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_kernel_records.h"

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

/* Take over a curve from float64 numbers: the x of its points, then the y; `points` is where they are kept. */
static int fill_curve(Curve *curve, double **points, PyObject *numbers)
{
    Span source;
    if (span_from(numbers, &source)) return -1;
    size_t m = source.n / 16;
    if (source.n % 16) return PyErr_SetString(PyExc_ValueError, "a curve has as many y as x"), -1;
    if (!m) return 0;
    memcpy(*points, source.at, source.n);
    curve_through(curve, *points, m);
    *points += 2 * m;
    return 0;
}

static size_t points_in(PyObject *curves)
{
    size_t n = 0;
    for (Py_ssize_t at = 0; at < PyTuple_Size(curves); at++) {
        PyObject *numbers = PyTuple_GetItem(curves, at);
        if (PyBytes_Check(numbers)) n += (size_t)PyBytes_Size(numbers) / 8;
    }
    return n;
}

/* A head or None: (labels, column, fallback, exclusive, at_least_one, at_most_one, unnamed_neutral, numbers, curves). numbers: slope,
   shift, cut and certified, float64 of k labels each; curves: a tuple of k, each of float64 numbers, b"" for none. */
static int fill_answer(Answer *answer, PyObject *parts, size_t width)
{
    Rule *rule = &answer->rule;
    PyObject *labels, *numbers, *curves;
    Py_ssize_t column, fallback;
    size_t k;
    if (parts == Py_None) return 0;
    if (!PyTuple_Check(parts) || !PyArg_ParseTuple(parts, "O!nnppppO!O!", &PyTuple_Type, &labels, &column, &fallback, &rule->exclusive,
                                                   &rule->at_least_one, &rule->at_most_one, &rule->unnamed_neutral, &PyBytes_Type,
                                                   &numbers, &PyTuple_Type, &curves)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a head is a tuple");
        return -1;
    }
    if ((answer->labels = spans_from(labels, &k)) == NULL) return -1;
    if (!k || column < 0 || (size_t)column + k > width || fallback < 0 || (size_t)fallback >= k || (size_t)PyTuple_Size(curves) != k
        || (size_t)PyBytes_Size(numbers) != 32 * k)
        return PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths"), -1;
    answer->counts = calloc(k, sizeof *answer->counts);
    answer->firsts = calloc(k, sizeof *answer->firsts);
    if (!answer->counts || !answer->firsts || rule_reserve(rule, k, points_in(curves))) return (void)PyErr_NoMemory(), -1;
    rule->column = (size_t)column;
    rule->fallback = (size_t)fallback;
    Span source;
    if (span_from(numbers, &source)) return -1;
    memcpy(rule->slope, source.at, source.n);
    for (size_t at = 0; at < k; at++) rule->weight[at] = exp(rule->cut[at]);
    double *points = rule->points;
    for (size_t at = 0; at < k; at++) {
        if (fill_curve(&rule->curves[at], &points, PyTuple_GetItem(curves, (Py_ssize_t)at))) return -1;
        rule->curved |= rule->curves[at].m > 0;
    }
    return 0;
}

static int fill_writer(LineWriter *writer, PyObject *parts)
{
    PyObject *target, *model, *heads[HEADS];
    Py_ssize_t width, boilerplate;
    if (!PyArg_ParseTuple(parts, "O!O!pnnOOO", &PyBytes_Type, &target, &PyBytes_Type, &model, &writer->keep_text, &width, &boilerplate,
                          &heads[KIND], &heads[TOPICS], &heads[STANCE]))
        return -1;
    if (span_from(target, &writer->target) || span_from(model, &writer->model)) return -1;
    writer->width = (size_t)width;
    for (int head = 0; head < HEADS; head++)
        if (fill_answer(&writer->heads[head], heads[head], writer->width)) return -1;
    writer->boilerplate = (size_t)boilerplate;
    if (width > 0 && boilerplate >= 0 && (!writer->heads[KIND].rule.k || writer->boilerplate < writer->heads[KIND].rule.k)) return 0;
    return PyErr_SetString(PyExc_ValueError, "no such column"), -1;
}

#endif
