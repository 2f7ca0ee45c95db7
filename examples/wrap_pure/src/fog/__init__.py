"""Uses another project's binaries, and has none."""

from markupsafe import escape


def seen(text: str) -> str:
    """What is left of `text` in a page."""
    return str(escape(text))
