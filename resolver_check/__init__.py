"""Reads the records in wheels and says which wheels a bump leaves valid, and what to rebuild.

It resolves nothing: it answers what a resolver, an installer or a build farm has to ask.
"""

import contextlib

from backend_shim import __version__
from backend_shim.wheel.member_reader import inflate_with

__all__ = ["__version__"]

with contextlib.suppress(ImportError):  # not where it has no wheels, see pyproject.toml
    from zlib_ng import zlib_ng

    inflate_with(zlib_ng)
