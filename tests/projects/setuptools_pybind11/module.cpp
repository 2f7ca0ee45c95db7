#include <pybind11/pybind11.h>

PYBIND11_MODULE(demo_pybind11, module) {
    module.def("answer", [] { return 42; });
}
