#include <Python.h>

static PyObject *answer(PyObject *self, PyObject *ignored) {
    (void)self;
    (void)ignored;
    return PyLong_FromLong(42);
}

static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "_answer", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC PyInit__answer(void) { return PyModule_Create(&module); }
