"""A requirements file of releases with their hashes, as `uv pip compile` and pip-tools write it.

Of pip's format (https://pip.pypa.io/en/stable/reference/requirements-file-format/) that which says
exactly what is installed: `name==version`, a marker, hashes. Anything else has a meaning that would
be lost, so it is an error and never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from resolver_check.errors import UsageError

_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_FIRST_OPTION: Final = re.compile(r"(?:^|\s)(?=-)")
_OPTION: Final = re.compile(r"--[a-z][a-z-]*|-[A-Za-z]", re.ASCII)
_HASH: Final = re.compile(r"--hash=(\w+):([0-9a-fA-F]+)", re.ASCII)
# Hex digits of those that pip accepts.
_DIGITS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedRequirement:
    """One release, and the digests of which a file of it has one."""

    name: NormalizedName
    version: Version
    requirement: Requirement
    """With its marker, if any."""
    hashes: frozenset[tuple[str, str]]
    """Algorithm and hex digits, lower case."""
    line: int
    """Of the file, where it begins; the first is 1."""


def read_requirements(data: bytes, file: str) -> tuple[HashedRequirement, ...]:
    """What the bytes of a requirements file pin. Raises UsageError, which names `file` and line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: is not UTF-8 ({error.reason})") from error
    found = []
    for number, line in _logical_lines(text):
        try:
            found.append(_requirement(line, number))
        except ValueError as error:
            raise UsageError(f"{file}:{number}: {error}") from error
    return tuple(found)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, joined as pip does, and the number of the first of each."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), start=1):
        start = start if parts else number
        # A line of comment ends what was continued, whatever stands at the end of it.
        is_comment = _COMMENT.match(line) is not None
        if line.endswith("\\") and not is_comment:
            parts.append(line.strip("\\"))
            continue
        yield from _without_comment(start, "".join([*parts, " " * is_comment, line]))
        parts = []
    yield from _without_comment(start, "".join(parts))


def _without_comment(start: int, line: str) -> Iterator[tuple[int, str]]:
    said = _COMMENT.sub("", line).strip()
    if said:
        yield start, said


def _requirement(line: str, number: int) -> HashedRequirement:
    """What one line pins. Raises ValueError, without what may be a password in it."""
    stated, *options = _FIRST_OPTION.split(line, maxsplit=1)
    if not stated.strip():
        raise ValueError(
            f"{_name(options[0])}: only releases can be read; give the index with --index"
        )
    hashes = frozenset(map(_hash, options[0].split())) if options else frozenset()
    try:
        requirement = Requirement(stated.strip())
    except InvalidRequirement:
        raise ValueError("is no requirement NAME==VERSION") from None
    name = canonicalize_name(requirement.name)
    if requirement.url is not None:
        raise ValueError(f"{name} is required by its URL, not as NAME==VERSION")
    if not hashes:
        raise ValueError(f"{name} has no --hash")
    return HashedRequirement(
        name=name,
        version=_pinned(requirement, name),
        requirement=requirement,
        hashes=hashes,
        line=number,
    )


def _pinned(requirement: Requirement, name: str) -> Version:
    specifiers = list(requirement.specifier)
    if len(specifiers) == 1 and specifiers[0].operator == "==":
        try:
            return Version(specifiers[0].version)
        except InvalidVersion:  # `==1.*`
            pass
    raise ValueError(f"{name} is not pinned as NAME==VERSION")


def _hash(option: str) -> tuple[str, str]:
    match = _HASH.fullmatch(option)
    if match is None:
        name = _name(option) if option.startswith("--") else "after --hash"
        raise ValueError(f"{name}: the only option that can be read is --hash=ALGORITHM:DIGITS")
    algorithm, digits = match[1], match[2].lower()
    if len(digits) != _DIGITS.get(algorithm):
        raise ValueError(f"{algorithm}:{digits[:16]}… is no sha256, sha384 or sha512")
    return algorithm, digits


def _name(option: str) -> str:
    """Its name alone: a value may follow that of one letter at once (`-ihttps://me:secret@…`)."""
    match = _OPTION.match(option)
    return "option" if match is None else match[0]
