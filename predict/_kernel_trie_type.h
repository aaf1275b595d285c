/* The Python type of tries. */

#ifndef PARASTANCE_TRIE_TYPE_H
#define PARASTANCE_TRIE_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_kernel_trie.h"

typedef struct {
    PyObject_HEAD
    Trie trie;
} TrieObject;

static PyTypeObject *trie_type;

static void free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* Trie(edges, aliases, nodes): edges are (node, word, child); aliases, sorted by node, (node, role, words), a word being None
   (any), True (with a capital) or the bytes it must be. */
static int fill_trie(Trie *trie, PyObject *edges, PyObject *aliases, size_t n_nodes)
{
    size_t n_edges = (size_t)PyList_Size(edges), n_aliases = (size_t)PyList_Size(aliases), node = 0;
    VECTOR(uint64_t) ends = {0};
    trie->n_nodes = n_nodes;
    trie->first = calloc(n_nodes + 1, sizeof *trie->first);
    trie->inner = calloc(n_nodes, 1);
    if (!trie->first || !trie->inner || table_reserve(&trie->edges, n_edges + 1)) return PyErr_NoMemory(), -1;
    for (size_t at = 0; at < n_edges; at++) {
        unsigned int from, to;
        const char *word;
        Py_ssize_t size;
        if (!PyArg_ParseTuple(PyList_GetItem(edges, (Py_ssize_t)at), "Iy#I", &from, &word, &size, &to)) return -1;
        if (from >= n_nodes || to >= n_nodes) return PyErr_SetString(PyExc_ValueError, "no such node"), -1;
        uint64_t hash = hash_bytes((const uint8_t *)word, (size_t)size);
        table_put(&trie->edges, edge_key(from, hash), to);
        trie->inner[from] = 1;
        mark(from ? trie->later_words : trie->first_words, hash);
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
    static uint64_t made; /* under the GIL */
    memset(&self->trie, 0, sizeof self->trie);
    self->trie.serial = ++made;
    if (!fill_trie(&self->trie, edges, aliases, (size_t)n_nodes)) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static void trie_dealloc(PyObject *self)
{
    trie_free(&((TrieObject *)self)->trie);
    free_object(self);
}

static PyType_Slot trie_slots[] = {{Py_tp_new, (void *)trie_new}, {Py_tp_dealloc, (void *)trie_dealloc}, {0, NULL}};
static PyType_Spec trie_spec = {"parastance.predict._kernel.Trie", sizeof(TrieObject), 0, Py_TPFLAGS_DEFAULT, trie_slots};

#endif
