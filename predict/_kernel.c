/* Scoring in one pass over the text: the same model as plain.py's, which is its definition.

   Stable ABI, no dependency. Texts are read as UTF-8 while the GIL is free; it is taken back only for a word type beyond
   ASCII that was not met before, whose lower case Python alone knows. Everything a call shares is read-only; what it
   writes lies in a State, of which there are as many as calls under way. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_kernel_collect.h"
#include "_kernel_judge_type.h"
#include "_kernel_make.h"

#define INTERFACE 9 /* kernel.py asks for it: one left from an earlier build is passed over */

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
    Work work = {batch.items, n, home_trie, pool, out.buf, flags.buf};
    PyThreadState *thread = PyEval_SaveThread();
    int failed = score_all(&self->scorer, &state, &work, &thread);
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
    Item *items = NULL;
    size_t width = self->scorer.width;
    if ((size_t)out.len != 8 * reader->given * width || (size_t)flags.len != reader->given || self->collects) {
        PyErr_SetString(PyExc_ValueError, "arguments of unlike lengths");
        goto done;
    }
    if (take_lines(source)) goto done;
    items = malloc((reader->given + 1) * sizeof *items);
    if (items == NULL || (state = take_state(self)) == NULL) {
        source->busy = 0;
        failure();
        goto done;
    }
    Work work = {items, 0, &((TrieObject *)home)->trie, pool, out.buf, flags.buf};
    for (size_t at = 0; at < reader->rows.n; at++) {
        if (reader->rows.at[at].left) continue;
        Span said = span_of(reader, reader->rows.at[at].said);
        items[work.n++] = (Item){.bytes = said.at, .size = said.n, .asked = &((TrieObject *)asked)->trie};
    }
    PyThreadState *thread = PyEval_SaveThread();
    int failed = score_all(&self->scorer, &state, &work, &thread);
    PyEval_RestoreThread(thread);
    source->busy = 0;
    if (!give_back(self, state, failed)) result = Py_NewRef(Py_None);
done:
    free(items);
    PyBuffer_Release(&out);
    PyBuffer_Release(&flags);
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
    Scan scan = {0};
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
        failed = failed || decode(&buffer, batch.items[at].bytes, batch.items[at].size, &text) || scan_text(&text, &scan);
        if (failed) break;
        shape_of(&text, &scan, NULL, (const int32_t *)places.buf + 2 * at, (double *)out.buf + at * SHAPES);
    }
    if (!failed) result = Py_NewRef(Py_None);
    else failure();
    text_buffer_free(&buffer);
    scan_free(&scan);
    batch_free(&batch);
    PyBuffer_Release(&places);
    PyBuffer_Release(&out);
    return result;
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
    fill_gains();
    fill_places();
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
    PyObject *kernel_type = PyType_FromSpec(&kernel_spec), *judge_type = PyType_FromSpec(&judge_spec);
    trie_type = (PyTypeObject *)PyType_FromSpec(&trie_spec);
    lines_type = (PyTypeObject *)PyType_FromSpec(&lines_spec);
    if (!kernel_type || !judge_type || !trie_type || !lines_type || PyModule_AddObjectRef(module, "Kernel", kernel_type)
        || PyModule_AddObjectRef(module, "Judge", judge_type)
        || PyModule_AddObjectRef(module, "Trie", (PyObject *)trie_type)
        || PyModule_AddObjectRef(module, "Lines", (PyObject *)lines_type) || PyModule_AddIntConstant(module, "INTERFACE", INTERFACE)) {
        Py_DECREF(module);
        return NULL;
    }
    Py_DECREF(kernel_type);
    Py_DECREF(judge_type);
    return module;
}
