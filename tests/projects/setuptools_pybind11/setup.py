from pybind11.setup_helpers import Pybind11Extension
from setuptools import setup

# Not optimised: the compiler is not under test.
setup(
    ext_modules=[
        Pybind11Extension("demo_pybind11", ["module.cpp"], extra_compile_args=["-O0", "-g0"])
    ]
)
