"""One build under observation: which files it opened, whose they are, and if all were seen."""

from __future__ import annotations

import os
import posixpath
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from backend_shim.capture.build_programs import (
    compilers,
    forgetful_caches,
    has_objects_from_before,
)
from backend_shim.capture.build_requirements import Installed, provider_of
from backend_shim.capture.commands import CommandLog
from backend_shim.capture.open_watch import OpenWatch
from backend_shim.capture.read_files import attribute, paths_of_modules, tree_of
from backend_shim.capture.system_packages import owners, packages_of
from backend_shim.capture.toolchain import include_directories
from backend_shim.record.read_set import Capture, ReadFiles, SystemPackage

_SHIM: Final = sys.modules[__name__.partition(".")[0]]
_NO_INODE_CACHE: Final = "CCACHE_NOINODECACHE"
_BYTECODE_ELSEWHERE: Final = "PYTHONPYCACHEPREFIX"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedBuild:
    """What was seen of a build; nothing where it was not watched."""

    capture: Capture = field(default_factory=Capture)
    read: Mapping[str, ReadFiles] = field(default_factory=dict)
    """By normalized name of the distribution."""
    system_packages: tuple[SystemPackage, ...] = ()
    commands: tuple[str, ...] = ()
    """The compile commands, if they were asked for, not redacted."""


class BuildObservation:
    """Watches the build environment while its block runs, in which the backend builds.

    It sets `CCACHE_NOINODECACHE`, for the commands PATH, and no other variable: the ones that make
    compilers write down what they include make ccache compile nothing. It takes away
    `PYTHONPYCACHEPREFIX`, by which modules are read from where nobody watches.
    """

    def __init__(
        self,
        source: Path,
        installed: Sequence[Installed],
        settings: Mapping[str, object] | None,
        environ: Mapping[str, str],
        *,
        with_system_files: bool = False,
        with_commands: bool = False,
    ) -> None:
        """`source` is the tree that is built, `installed` what lies in the environment.

        With `with_system_files` also headers of the system are watched, which other builds on the
        machine may open at the same time: the kernel does not tell who did. With `with_commands`
        wrappers of the compilers are put on PATH.
        """
        self._log = CommandLog() if with_commands else None
        self._installed = installed
        places = {each.root for each in installed}
        places.update(posixpath.dirname(place) for each in installed for place, _ in each.outside)
        self._environment = tree_of(places)
        included: set[str] = set()
        if with_system_files:
            own = (sysconfig.get_path("include"), sysconfig.get_path("platinclude"))
            included.update(own, include_directories(environ))
        self._included = tree_of(included)
        self._compilers = compilers(environ)
        self._caches = forgetful_caches(environ)
        self._objects_from_before = has_objects_from_before(source, settings, environ)
        environment = self._environment.directories
        programs = map(posixpath.dirname, self._compilers | self._caches)
        watched = {*self._environment.beside, *self._included.directories, *programs}
        watched |= self._included.beside
        self._watch = OpenWatch(watched=watched - environment, environment=environment)

    def __enter__(self) -> BuildObservation:
        os.environ[_NO_INODE_CACHE] = "1"
        os.environ.pop(_BYTECODE_ELSEWHERE, None)
        if self._log is not None:
            try:
                self._log.__enter__()
            except OSError:  # no room for wrappers is no reason not to build
                self._log = None
        self._watch.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watch.__exit__(kind, error, traceback)
        if self._log is not None:
            self._log.__exit__(kind, error, traceback)

    def observed(self, *, has_binaries: bool) -> ObservedBuild:
        """What was seen, after the block; `has_binaries` of the wheel that was built."""
        opened = self._watch.opened
        commands = self._log.commands if self._log else ()
        if opened.method == "none":
            capture = Capture(why_incomplete=opened.problems)
            return ObservedBuild(capture=capture, commands=commands)
        problems = {*opened.problems}
        if not (self._environment.is_whole and self._included.is_whole):
            problems.add("watch-limit")
        if any(each.is_editable or not each.files for each in self._installed):
            problems.add("unlisted-requirement")
        if self._objects_from_before:
            problems.add("objects-from-before")
        if opened.paths & self._caches:
            problems.add("compiler-cache")
        saw = "watcher-failed" not in problems
        if has_binaries and saw and not opened.paths & self._compilers:
            problems.add("no-compiler")
        # What this process had imported before was opened before.
        paths = opened.paths.union(paths_of_modules())
        in_environment = set(filter(self._environment.holds, paths))
        found = attribute(in_environment, self._installed, self._environment.aliases)
        headers = set(filter(self._included.holds, opened.paths)) - in_environment
        owned = owners(headers)
        own = provider_of(_SHIM, self._installed)  # it has no part in what is built
        return ObservedBuild(
            capture=Capture(
                method=opened.method,
                is_complete=not problems,
                why_incomplete=tuple(sorted(problems)),
                unowned=len(found.unowned) + len(headers) - len(owned),
            ),
            read={
                name: files
                for name, files in found.by_name.items()
                if own is None or name != own.name
            },
            system_packages=packages_of(owned),
            commands=commands,
        )
