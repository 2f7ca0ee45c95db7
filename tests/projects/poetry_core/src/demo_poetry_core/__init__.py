"""A project of the tests."""

__version__ = "1.0"
