"""The text files of `.dist-info` and scripts of two wheels against each other.

What is not understood is kept as it is, so that two texts never pass for alike that are not.
"""

from __future__ import annotations

import configparser
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from resolver_check.compare.wheels.difference import Difference, Kind

Rows: TypeAlias = Mapping[str, str | None]
"""Digest in RECORD by path."""

_DESCRIPTION: Final = "Description"
_ABOUT_THE_BUILD: Final = frozenset(("generator", "build"))
_PYTHON: Final = re.compile(
    rb"#![ \t]*(?:/\S*/env[ \t]+)?(?:\S*/)?python(?:3(?:\.\d+)?)?([ \t].*)?"
)
_LONGEST_FIRST_LINE: Final = 1024
_SHOWN: Final = 200


def metadata_differences(path: str, first: bytes, second: bytes) -> Iterator[Difference]:
    """Header by header, whatever their order; the description is one. For bytes that differ."""
    return _header_differences(path, first, second, noise=frozenset())


def wheel_file_differences(path: str, first: bytes, second: bytes) -> Iterator[Difference]:
    """As those of METADATA; Generator and Build are no content."""
    return _header_differences(path, first, second, noise=_ABOUT_THE_BUILD)


def _header_differences(
    path: str, first: bytes, second: bytes, *, noise: frozenset[str]
) -> Iterator[Difference]:
    old, new = _Headers(first), _Headers(second)
    if old.body != new.body:
        yield Difference(path=path, kind=Kind.HEADER, name=_DESCRIPTION)
    gone, come = old.fields - new.fields, new.fields - old.fields
    spelled = {name.lower(): name for name in sorted({*old.names, *new.names})}
    for name in sorted({name for name, _ in (*gone, *come)}):
        yield Difference(
            path=path,
            kind=Kind.BUILD_HEADER if name in noise else Kind.HEADER,
            name=_short(spelled[name]),
            first=_values(gone, name),
            second=_values(come, name),
        )
    if (old.body, old.fields) == (new.body, new.fields):
        yield Difference(path=path, kind=Kind.ORDER)


class _Headers:
    """A text in the format of email messages, read without leaving anything out.

    The parser of the standard library passes over lines that it does not understand.
    """

    def __init__(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        head, _, self.body = ("", "", text) if text[:1] == "\n" else text.partition("\n\n")
        lines: list[str] = []
        for line in head.removesuffix("\n").split("\n"):
            if lines and line[:1] in (" ", "\t"):
                lines[-1] += f"\n{line}"
            else:
                lines.append(line)
        parts = [line.partition(":") for line in lines]
        self.names = [name for name, _, _ in parts]
        self.fields = Counter(
            (name.lower(), f"{colon}{value.strip()}") for name, colon, value in parts
        )
        """How often each lower-case name stands there with each value."""


def _values(fields: Iterable[tuple[str, str]], name: str) -> str | None:
    found = sorted(value.removeprefix(":") for each, value in fields if each == name)
    return _short(", ".join(found)) if found else None


def _short(text: str) -> str:
    # A surrogate stands for a byte that is not UTF-8, and could not be printed.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def entry_point_differences(path: str, first: bytes, second: bytes) -> Iterator[Difference]:
    """Entry point by entry point, whatever their order. For bytes that differ."""
    old, new = entry_points(first), entry_points(second)
    if old is None or new is None:
        yield Difference(path=path, kind=Kind.BYTES)
        return
    for name in sorted(name for name in {*old, *new} if old.get(name) != new.get(name)):
        texts = (None if each is None else _short(each) for each in (old.get(name), new.get(name)))
        yield Difference(
            path=path, kind=Kind.ENTRY_POINT, name=_short(": ".join(name)),
            first=next(texts), second=next(texts),
        )  # fmt: skip
    if old == new:
        yield Difference(path=path, kind=Kind.ORDER)


def entry_points(data: bytes) -> dict[tuple[str, str], str] | None:
    """By section and name (PyPA, "Entry points specification", File format); None if malformed."""
    if b"\0" in data:
        return None
    parser = configparser.RawConfigParser(delimiters=("=",), default_section="\0")
    parser.optionxform = str  # type: ignore[assignment, method-assign] # names are case-sensitive
    try:
        parser.read_string(data.decode("utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        return None
    return {(each, name): value for each in parser.sections() for name, value in parser.items(each)}


def listing_differences(
    path: str, first: Rows, second: Rows, *, told: frozenset[str], same: frozenset[str]
) -> Iterator[Difference]:
    """Of two RECORDs whose bytes differ: rows, whatever their order.

    Rows of the paths `told` are no news. A digest must be the same for a file with the `same` bytes
    and cannot be for another, which was compared itself.
    """
    found = False
    for listed in sorted({*first, *second} - told):
        is_both = listed in first and listed in second
        if not is_both or (listed in same and first[listed] != second[listed]):
            found = True
            yield Difference(
                path=path, kind=Kind.LISTING, name=listed,
                first=_row(first, listed), second=_row(second, listed),
            )  # fmt: skip
    if not found:
        yield Difference(path=path, kind=Kind.RECORD)


def _row(rows: Rows, path: str) -> str | None:
    return _short(rows[path] or "no digest") if path in rows else None


def script_difference(path: str, first: bytes, second: bytes) -> Difference:
    """Of two scripts whose bytes differ: whether they do so in the path of Python alone."""
    old, new = _without_interpreter(first), _without_interpreter(second)
    is_noise = old is not None and old == new
    return Difference(path=path, kind=Kind.INTERPRETER_PATH if is_noise else Kind.BYTES)


def _without_interpreter(data: bytes) -> tuple[bytes, bytes] | None:
    """The options in the first line and what follows it; None where no Python 3 is to run it."""
    end = data.find(b"\n", 0, _LONGEST_FIRST_LINE)
    match = _PYTHON.fullmatch(data[:end].rstrip(b"\r")) if end > 0 else None
    return None if match is None else ((match[1] or b"").strip(), data[end:])
