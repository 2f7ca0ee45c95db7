#include <Python.h>
#include <river.h>

static struct river_api *river;

static PyObject *warn(PyObject *self, PyObject *ignored) {
    (void)self;
    (void)ignored;
    return PyBool_FromLong(river->is_high());
}

static PyMethodDef methods[] = {{"warn", warn, METH_NOARGS, 0}, {0, 0, 0, 0}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", 0, -1, methods};

PyMODINIT_FUNC PyInit__core(void) {
    if ((river = RIVER_IMPORT()) == 0) return 0;
    return PyModule_Create(&module);
}
