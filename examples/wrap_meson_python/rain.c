#include <Python.h>

static PyObject *fall(PyObject *self, PyObject *millimetres) {
    (void)self;
    return PyNumber_Multiply(millimetres, millimetres);
}

static PyMethodDef methods[] = {{"fall", fall, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "rain", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC PyInit_rain(void) { return PyModule_Create(&module); }
