"""Text of strangers, fit to be shown."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` without control characters and lone surrogates."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
