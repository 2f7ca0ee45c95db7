"""Who requires whom, as far as a catalog says.

It is walked backwards from what is rebuilt, so that the rest of the catalog is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Final

import numpy as np
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from resolver_check.columns import Numbers, distinct
from resolver_check.graph.large_graph import Graph
from resolver_check.sources.catalog_selection import Selection, version_of
from resolver_check.target import Target

# What most lines are, and takes long to parse: neither a marker nor a URL.
_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]+(?:\[[^]]*\])?([<>=!~][^;@\s]*)?", re.ASCII)


class RequiredBy:
    """The selected wheels that require some wheels, directly or not.

    A node is a wheel, by its number in the catalog, or a requirement, which several wheels state
    in the same words; requirements are numbered after all wheels.
    """

    def __init__(self, selection: Selection, target: Target) -> None:
        self._selection = selection
        self._target = target
        self.found = selection.none()
        self._tails: list[Numbers] = []
        self._heads: list[Numbers] = []
        self._count = self.found.size

    def walk(self, wheels: Numbers) -> None:
        """Find all that require any of `wheels`, or another wheel of one of their projects."""
        projects_of = self._selection.projects
        known = np.empty(0, dtype=np.int64)
        fresh = wheels
        while fresh.size:
            projects = np.setdiff1d(distinct(projects_of[fresh]), known, assume_unique=True)
            known = np.concatenate((known, projects))
            stating = self._read(projects)
            fresh = distinct(stating[~self.found[stating]])
            self.found[fresh] = True

    @cached_property
    def graph(self) -> Graph:
        """From a wheel to what it requires, from that to the wheels that fit; of all walked."""
        none = np.empty(0, dtype=np.int64)
        tails = np.concatenate((none, *self._tails))
        heads = np.concatenate((none, *self._heads))
        self._tails.clear()
        self._heads.clear()
        return Graph.of(self._count, tails, heads)

    def _read(self, projects: Numbers) -> Numbers:
        """Add all that requires `projects`; the wheels that do, each as often as it does."""
        requirements, stating, requirement = self._selection.stated_of(projects)
        fitting = self._fitting(projects, requirements)
        counts = np.array([len(each) for each in fitting], dtype=np.int64)
        numbers = self._count + np.arange(counts.size)
        self._count += counts.size
        # What nothing fits, for its marker, is no requirement here.
        applies = counts[requirement] > 0
        stating, requirement = stating[applies], requirement[applies]
        self._tails += [stating, np.repeat(numbers, counts)]
        heads = np.fromiter((wheel for each in fitting for wheel in each), np.int64, counts.sum())
        self._heads += [numbers[requirement], heads]
        return stating

    def _fitting(self, projects: Numbers, requirements: list[tuple[int, int]]) -> list[list[int]]:
        """By requirement, the wheels of its project that it accepts; all if it accepts none."""
        offers = {
            project: (versions, wheels)
            for project, wheels, versions in self._selection.versions_of(projects)
        }
        lines = np.array([line for _, line in requirements], dtype=np.int64)
        texts = self._selection.texts(distinct(lines))
        found: list[list[int]] = []
        for project, number in requirements:
            offered, wheels = offers.get(project, ((), []))
            line = texts.get(number)
            specifier = "" if line is None else self._specifier(line)
            if specifier is None:
                found.append([])
            elif not specifier or len(places := _accepted(specifier, offered)) == len(wheels):
                found.append(wheels)
            else:
                found.append([wheels[place] for place in places])
        return found

    def _specifier(self, line: str) -> str | None:
        """The versions that a line accepts; None where it does not apply to the target."""
        if (plain := _PLAIN.fullmatch(line)) is not None:
            return plain[1] or ""
        requirement = Requirement(line)
        return str(requirement.specifier) if self._target.applies(requirement) else None


class Required:
    """What each of the planned wheels requires of the others, by their file names."""

    def __init__(self, graph: Graph, names: Mapping[int, str]) -> None:
        self._graph = graph
        self._names = sorted(names.values())
        ranks = {name: rank for rank, name in enumerate(self._names)}
        self._ranks = {wheel: ranks[name] for wheel, name in names.items()}

    def by(self, wheel: int) -> tuple[str, ...]:
        """The file names of what `wheel` requires directly, sorted, without its own."""
        found = self._of_all(tuple(self._graph.successors(wheel)))
        own = self._names[self._ranks[wheel]]
        return tuple(each for each in found if each != own) if own in found else found

    @cache  # noqa: B019 - lives as long as its plan
    def _of_all(self, requirements: tuple[int, ...]) -> tuple[str, ...]:
        """Of these requirements, which all versions of a project may share."""
        ranks = set().union(*map(self._fitting, requirements))
        return tuple(map(self._names.__getitem__, sorted(ranks)))

    @cache  # noqa: B019 - lives as long as its plan
    def _fitting(self, requirement: int) -> tuple[int, ...]:
        ranks = map(self._ranks.get, self._graph.successors(requirement))
        return tuple(rank for rank in ranks if rank is not None)


@cache
def _accepted(specifier: str, versions: tuple[str, ...]) -> tuple[int, ...]:
    """The places of those versions that are accepted, of all where none is."""
    accepts = SpecifierSet(specifier)
    places = range(len(versions))
    return tuple(
        place for place in places if accepts.contains(version_of(versions[place]), prereleases=True)
    ) or tuple(places)
