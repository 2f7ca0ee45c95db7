# Imports from its own directory, as only the legacy backend lets it.
from demo_version import VERSION
from setuptools import setup

setup(
    name="demo_setuptools_legacy",
    version=VERSION,
    py_modules=["demo_setuptools_legacy", "demo_version"],
)
