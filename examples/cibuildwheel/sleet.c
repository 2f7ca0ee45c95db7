#include <Python.h>
#include <cloud.h>

static PyObject *height(PyObject *self, PyObject *kind) {
    (void)self;
    return PyLong_FromLong(cloud_height((int)PyLong_AsLong(kind)));
}

static PyMethodDef methods[] = {{"height", height, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "sleet", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC PyInit_sleet(void) { return PyModule_Create(&module); }
