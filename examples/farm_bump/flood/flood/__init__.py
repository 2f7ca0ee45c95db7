"""Uses what river offers, and knows nothing of gauge."""

from flood._core import warn

__all__ = ["warn"]
