#include <pybind11/pybind11.h>

struct Flake {
    int arms;
};

PYBIND11_MODULE(snow, module) {
    pybind11::class_<Flake>(module, "Flake").def(pybind11::init<int>()).def_readwrite("arms", &Flake::arms);
}
