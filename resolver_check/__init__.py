"""Reads the records in wheels and says which wheels a bump leaves valid, and what to rebuild.

It resolves nothing: it answers what a resolver, an installer or a build farm has to ask.
"""

__all__ = ["__version__"]

from backend_shim import __version__
