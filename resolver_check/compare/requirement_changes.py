"""Build requirements of two builds, and whether what has changed of one was of any use.

A distribution that a build did not read at all, or of which all files that count are as they were
and no others have come that may be found, cannot make it come out otherwise. That holds only where
the capture was complete, and where RECORD told which files belong to the distribution.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from backend_shim.interfaces.interface_file import (
    CYTHON_SUFFIXES,
    is_c_header,
    is_interface_file,
)
from backend_shim.record.build_inputs import BuildRequirement
from backend_shim.record.read_set import Capture, ReadFiles, listing_digest
from resolver_check.compare.changed_input import InputChange, InputKind, is_same_version
from resolver_check.compare.read_files import LIBRARY, changed_files

Digests: TypeAlias = Callable[[str, str], "Mapping[str, str] | None"]
"""Digest in RECORD by path as installed, of a distribution's name and version; None: not known."""

Tokens: TypeAlias = Callable[[str, str, Collection[str]], "Mapping[str, str]"]
"""By path as installed, the digest of what is left of an interface file without its comments and
needless white space; of those of the given paths that can be read."""

_RECORD: Final = "record"
_SHOWN_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementChanges:
    """Compares what was installed, by what the old build is known to have read of it."""

    capture: Capture
    digests: Digests
    tokens: Tokens
    linked: Collection[str]
    strict: bool

    def changes(
        self, old: tuple[BuildRequirement, ...], new: tuple[BuildRequirement, ...]
    ) -> Iterator[InputChange]:
        before, after = ({each.name: each for each in side} for side in (old, new))
        for name in sorted({*before, *after}):
            was, now = before.get(name), after.get(name)
            if was is None or now is None:
                excuse = None if was is None or self.strict else self._unread(was)
                yield self._change(name, was, now, excuse=excuse)
            elif not (is_same_version(was.version, now.version) and _has_same_files(was, now)):
                yield self._changed(was, now)

    def _changed(self, was: BuildRequirement, now: BuildRequirement) -> InputChange:
        """A requirement that both sides have, and that is not known to be the same."""
        if was.is_editable or now.is_editable:
            detail = "an editable install cannot be compared"
            return self._change(was.name, was, now, detail=detail)
        if self.strict:
            return self._change(was.name, was, now)
        if _has_same_files(was, now):
            return self._change(was.name, was, now, excuse="it holds the same files")
        excuse, why_not = self._unread(was), None
        if excuse is None:
            excuse, why_not = self._compared(was, now)
        elif started := self._started(was, now):
            excuse, why_not = None, f"the build did not read it, and may now run {_first(started)}"
        return self._change(was.name, was, now, excuse=excuse, detail=why_not)

    def _unread(self, requirement: BuildRequirement) -> str | None:
        """An excuse where the build is known to have read nothing of `requirement`.

        Files are attributed by RECORD: without one, what was read of it went to nobody.
        """
        attributed = _RECORD in dict(requirement.digests) and not requirement.is_editable
        is_unread = self.capture.is_complete and attributed and not requirement.read
        return "the build read nothing of it" if is_unread else None

    def _started(self, was: BuildRequirement, now: BuildRequirement) -> list[str]:
        """What is known to run of the new version although nothing of the old one was read."""
        before, after = self._listing(was), self._listing(now)
        return [] if before is None or after is None else _run_unasked(before, after)

    def _compared(
        self, was: BuildRequirement, now: BuildRequirement
    ) -> tuple[str | None, str | None]:
        """An excuse, or why there is none, by the files that the old build read."""
        if not self.capture.is_complete:
            return None, "it is not known for sure what the build read of it"
        if not was.read:
            return None, "its files are not known"
        before, after = self._listing(was), self._listing(now)
        if after is None:
            return None, "the RECORD of the new version is not at hand"
        differing = self._differing(was.read, after)
        if differing and (changed := self._changed_tokens(was, now, differing)):
            return None, f"changed of what the build read: {_first(changed)}"
        if before is None:
            return None, "the RECORD of the old version is not at hand: files may have been added"
        if added := _run_unasked(before, after) or _may_be_found(after.keys() - before.keys()):
            return None, f"the build may now find {_first(added)}"
        if differing:
            return "but for comments, all that the build takes from it is unchanged", None
        return "all that the build takes from it is unchanged", None

    def _listing(self, requirement: BuildRequirement) -> Mapping[str, str] | None:
        """The digests of the very files that were installed; a version may have several wheels."""
        digests = self.digests(requirement.name, requirement.version)
        return digests if digests is not None and is_listing_of(requirement, digests) else None

    def _differing(self, read: ReadFiles, digests: Mapping[str, str]) -> tuple[str, ...]:
        """Files that count and have changed, and modules linked to: they have no digest alone."""
        modules = (path for path in read.tools if posixpath.basename(path) in self.linked)
        return (*changed_files(read, digests, linked=self.linked), *modules)

    def _changed_tokens(
        self, was: BuildRequirement, now: BuildRequirement, differing: Sequence[str]
    ) -> list[str]:
        """Those of the files that differ in more than comments and white space, or may do so."""
        texts = [path for path in differing if is_c_header(path) or path.endswith(CYTHON_SUFFIXES)]
        before = self.tokens(was.name, was.version, texts) if texts else {}
        after = self.tokens(now.name, now.version, texts) if texts else {}
        return [path for path in differing if path not in before or before[path] != after.get(path)]

    @staticmethod
    def _change(
        name: str,
        was: BuildRequirement | None,
        now: BuildRequirement | None,
        *,
        excuse: str | None = None,
        detail: str | None = None,
    ) -> InputChange:
        is_same = _version_text(was) == _version_text(now)
        text = _files_text if is_same else _version_text
        return InputChange(
            kind=InputKind.REQUIREMENT,
            name=name,
            old=text(was),
            new=text(now),
            excuse=excuse,
            detail=detail,
        )


def _may_be_found(added: Iterable[str]) -> list[str]:
    """Those of the files that have come that may be taken before one that was read."""
    return sorted(
        path for path in added if is_interface_file(path) or LIBRARY.fullmatch(path) is not None
    )


def _run_unasked(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Files by which code of the new version runs in every build, and that the old one had not."""
    old, new = (dict(_starters(side)) for side in (before, after))
    return sorted(path for path, digest in new.items() if old.get(path) != digest)


def _starters(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, digest in files.items():
        directory, _, name = path.rpartition("/")
        if name == "entry_points.txt" and directory.endswith(".dist-info"):
            yield name, digest
        elif path.endswith(".pth"):
            yield path, digest


def _first(paths: Sequence[str]) -> str:
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else paths[0]


def _has_same_files(was: BuildRequirement, now: BuildRequirement) -> bool:
    """Whether both are known by the digest of their files; of editables that covers nothing."""
    old, new = (dict(each.digests).get(_RECORD) for each in (was, now))
    return old is not None and old == new and not (was.is_editable or now.is_editable)


def _version_text(requirement: BuildRequirement | None) -> str | None:
    if requirement is None:
        return None
    return requirement.version + (" (editable)" if requirement.is_editable else "")


def _files_text(requirement: BuildRequirement | None) -> str | None:
    if requirement is None:
        return None
    digest = dict(requirement.digests).get(_RECORD)
    files = f"files {digest[:_SHOWN_DIGITS]}" if digest else "files without digest"
    return f"{_version_text(requirement)} ({files})"


def is_listing_of(requirement: BuildRequirement, digests: Mapping[str, str]) -> bool:
    """Whether `digests` are those of exactly the files that `requirement` was installed with."""
    return dict(requirement.digests).get(_RECORD) == listing_digest(digests.items())
