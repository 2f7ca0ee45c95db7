#include <Python.h>
#include <gauge.h>
#include <river.h>

static struct gauge_api *gauge;

static int is_high(void) { return gauge->level() > 5; }

static struct river_api api = {is_high};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", 0, -1, 0};

PyMODINIT_FUNC PyInit__core(void) {
    if ((gauge = GAUGE_IMPORT()) == 0) return 0;
    PyObject *made = PyModule_Create(&module);
    PyModule_AddObject(made, "_C_API", PyCapsule_New(&api, "river._C_API", 0));
    return made;
}
