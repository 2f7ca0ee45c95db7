"""Uses what gauge offers, and offers a table of its own."""

from pathlib import Path

from river._core import _C_API

__all__ = ["_C_API", "include"]


def include() -> str:
    """The folder of its header."""
    return str(Path(__file__).parent)
