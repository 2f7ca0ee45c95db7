"""Columns of numbers, for what a catalog holds of a million wheels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
"""By number, whether it is one of those."""


def distinct(numbers: Numbers) -> Numbers:
    """Each of `numbers` once, in order; sorting is faster here than the hashing of `np.unique`."""
    found = np.sort(numbers)
    return found[np.diff(found, prepend=-1) > 0]
