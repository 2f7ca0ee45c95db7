from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    ext_modules=cythonize(
        Extension("demo_cython.gift", ["src/demo_cython/gift.pyx"]), include_path=["src"]
    )
)
