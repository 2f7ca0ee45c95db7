"""A project of the tests."""

from demo_py_build_cmake._answer import answer  # noqa: F401

__version__ = "1.0"
