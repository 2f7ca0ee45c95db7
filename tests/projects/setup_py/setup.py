from setuptools import Extension, setup

setup(
    name="demo_setup_py",
    version="1.0",
    ext_modules=[Extension("demo_setup_py", ["module.c"], extra_compile_args=["-g0"])],
)
