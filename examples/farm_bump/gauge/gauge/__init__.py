"""Offers a table of C functions to others."""

from pathlib import Path

from gauge._core import _C_API

__all__ = ["_C_API", "include"]


def include() -> str:
    """The folder of its header."""
    return str(Path(__file__).parent)
