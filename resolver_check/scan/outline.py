"""What a plan knows of a wheel before judging it: its names and whom it requires."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from backend_shim.errors import InvalidWheel
from resolver_check.errors import SourceUnavailable
from resolver_check.graph.waves import reachable
from resolver_check.scan.subject import open_subject
from resolver_check.sources.wheel_source import WheelSource
from resolver_check.target import Target
from resolver_check.wheel_reference import WheelReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One wheel from its archive's directory, METADATA and build inputs."""

    reference: WheelReference
    binding_names: frozenset[str] = frozenset()
    requirements: tuple[str, ...] = ()
    """Lines of Requires-Dist."""
    build_requirements: frozenset[str] = frozenset()
    """Normalized names of what was installed when it was built, where its record says so."""
    unreadable: str | None = None
    """Why it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOutline:
    """A task for an executor: reads the outline of one wheel of `source`."""

    source: WheelSource

    def __call__(self, reference: WheelReference) -> Outline:
        try:
            with open_subject(self.source, reference) as subject:
                return Outline(
                    reference=reference,
                    binding_names=subject.binding_names,
                    requirements=tuple(map(str, subject.requirements)),
                    build_requirements=frozenset(subject.build_requirements),
                )
        except (InvalidWheel, SourceUnavailable) as error:
            return Outline(reference=reference, unreadable=error.wrong)


class Dependencies:
    """Which wheels of a source require which, to be installed or to be built, for one target."""

    def __init__(self, outlines: Iterable[Outline], target: Target) -> None:
        self._outlines = {each.reference.filename: each for each in outlines}
        self._target = target
        self._by_project: dict[str, list[Outline]] = {}
        for each in self._outlines.values():
            self._by_project.setdefault(each.reference.name, []).append(each)

    @cached_property
    def direct(self) -> dict[str, frozenset[str]]:
        """By file name, the file names of the wheels that it requires."""
        return {
            name: frozenset(self._required(outline)) - {name}
            for name, outline in self._outlines.items()
        }

    def closure(self, filename: str) -> frozenset[str]:
        """The file names of all wheels that `filename` requires, directly or not."""
        return reachable(filename, self.direct)

    def binding_names(self, filenames: Collection[str]) -> frozenset[str]:
        """The names by which a binary would reach any of `filenames`."""
        return frozenset().union(*(self._outlines[name].binding_names for name in filenames))

    def outline(self, filename: str) -> Outline:
        """The outline of that wheel."""
        return self._outlines[filename]

    def _required(self, outline: Outline) -> Iterator[str]:
        for line in outline.requirements:
            requirement = Requirement(line)
            if self._target.applies(requirement):
                candidates = self._by_project.get(canonicalize_name(requirement.name), [])
                fitting = [
                    each
                    for each in candidates
                    if requirement.specifier.contains(each.reference.version, prereleases=True)
                ]
                yield from (each.reference.filename for each in fitting or candidates)
        for name in outline.build_requirements:
            yield from (each.reference.filename for each in self._by_project.get(name, []))
