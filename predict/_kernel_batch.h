/* The texts of a call and what is asked of each. */

#ifndef PARASTANCE_BATCH_H
#define PARASTANCE_BATCH_H

#include "_kernel_paragraph.h"
#include "_kernel_trie_type.h"

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

enum { AHEAD = 8 }; /* texts that are asked for before they are looked at */

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
        if (at + AHEAD < batch->n) PREFETCH(PyList_GetItem(texts, at + AHEAD));
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

#endif
