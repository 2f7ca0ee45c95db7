"""Which wheel of a release serves an interpreter, and which interpreters need a build of their own.

A wheel is reused where its tags are accepted, `judge_for_python` finds it valid, and nothing says
that a build for this interpreter would come out otherwise. That is said by

- binaries in another wheel of the release, or the user (`extensions`): then a wheel without any was
  built where the extensions could not be, as by PyPy, and must not keep others from having them;
- sources, patches or settings that differ between the records of two wheels of the release;
- patches in a record, unless the user says that every interpreter gets the same ones;
- a script or directory that is named for another Python, as `pip3.10` is;
- modules that are there as bytecode only, which each Python reads its own of;
- the user (`impure`): a package that is patched or built otherwise for each interpreter.

A mark of our own in the wheel would be read by nobody else. What is to be seen by every installer
belongs into the tags: `cp311-none-any` (`wheel tags --python-tag cp311 …`) is for one CPython only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.version import Version

from backend_shim.errors import InterfaceFailed, InvalidRecord, InvalidWheel
from backend_shim.interfaces import platform_floor
from backend_shim.interfaces.platform_floor import MUSL
from backend_shim.interfaces.reasons import Reason
from backend_shim.record.build_inputs import BuildInputs
from backend_shim.record.build_machine import Interpreter
from backend_shim.record.fingerprint import AbiFingerprint
from resolver_check.asked_interpreter import CPYTHON, AskedInterpreter
from resolver_check.check import judge_for_python, tag_findings, unreadable
from resolver_check.compare.interpreter import Python
from resolver_check.compare.promised_platform import OtherLibcPromised, broken_platform_promises
from resolver_check.compare.promised_tags import NoExportHook
from resolver_check.compare.wheels.texts import entry_points
from resolver_check.model import Judgement, RecordUnused, Verdict
from resolver_check.reuse_model import NotReused, Obstacle, ReuseRules, Served
from resolver_check.scan.compared_wheels import compare_wheels
from resolver_check.scan.subject import Subject
from resolver_check.wheel_reference import WheelReference

# Platform tags that say which C library there is (PEP 600, 656).
_LIBC_NAMED: Final = ("manylinux_", "musllinux_")
_PYTHON: Final = re.compile(r"python\d\.\d{1,2}", re.ASCII)
_SCRIPTS: Final = ("console_scripts", "gui_scripts")
# `pip3.10`, `coverage-3.10`; not the last numbers of a longer version.
_NAMES_PYTHON: Final = re.compile(r"(?:.*[^\d.])?(\d\.\d{1,2})(?:\.exe)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelved:
    """A wheel of the release, read as far as every interpreter asks."""

    reference: WheelReference
    subject: Subject | None = None
    """None where it cannot be read."""
    wrong: str = ""
    is_pure: bool = False
    """Whether it is known to hold no binary."""
    inputs: BuildInputs | None = None
    named_for: frozenset[str] = frozenset()
    """The versions of Python that scripts and directories are named for."""
    is_bytecode: bool = False
    """Whether a module may be there as bytecode only."""


class Release:
    """The wheels of one release that lie in one place, each read once."""

    def __init__(
        self,
        wheels: Sequence[WheelReference],
        open_wheel: Callable[[WheelReference], Subject],
        rules: ReuseRules,
    ) -> None:
        self._rules = rules
        self._wheels = [] if rules.is_off else [_shelved(each, open_wheel) for each in wheels]
        self._has_extensions = rules.extensions or not all(each.is_pure for each in self._wheels)

    def served(self, interpreter: AskedInterpreter) -> Served:
        """What `interpreter` gets: the wheel whose tag is the closest, as installers choose it."""
        accepted = _Accepted(interpreter)
        found: list[NotReused] = []
        for each in sorted(self._wheels, key=lambda each: accepted.closeness(each.reference)):
            against = self._against(each, accepted)
            if against is None:
                return Served(
                    interpreter=interpreter, wheel=each.reference, not_reused=tuple(found)
                )
            found.append(against)
        return Served(interpreter=interpreter, wheel=None, not_reused=tuple(found))

    def _against(self, each: _Shelved, accepted: _Accepted) -> NotReused | None:
        """What stands against reusing the wheel; None where nothing does."""
        interpreter = accepted.interpreter

        def against(
            obstacle: Obstacle, detail: str = "", judgement: Judgement | None = None
        ) -> NotReused:
            return NotReused(
                filename=each.reference.filename,
                obstacle=obstacle,
                detail=detail,
                judgement=judgement,
            )

        if not accepted.has(each.reference):
            return against(Obstacle.OTHER_TARGET)
        if each.subject is None:
            return against(Obstacle.UNREADABLE, each.wrong)
        if wanted := _unmet(each.subject, interpreter):
            return against(Obstacle.REQUIRES_PYTHON, wanted)
        if said := self._said_otherwise(each, interpreter):
            return against(said)
        if not each.is_pure and not accepted.names_platform(each.reference):
            return against(Obstacle.NO_EVIDENCE, "(its tag names no platform for its binaries)")
        if each.is_pure and interpreter.implementation != CPYTHON:
            # Nothing is known of other interpreters but what the tags say.
            return None
        judgement = _judged(each.subject, interpreter, self._rules)
        if judgement.verdict is Verdict.VALID:
            return None
        return against(Obstacle.NO_EVIDENCE, judgement=judgement)

    def _said_otherwise(self, each: _Shelved, interpreter: AskedInterpreter) -> Obstacle | None:
        """What says that a build for the interpreter would come out otherwise."""
        built_by = each.inputs.interpreter.implementation if each.inputs else CPYTHON
        if not (each.inputs and _is_made_by(each.inputs.interpreter, interpreter)):
            if each.reference.name in self._rules.impure:
                return Obstacle.IMPURE
            if self._other_sources(each):
                return Obstacle.OTHER_SOURCES
            if each.inputs and each.inputs.patches and not self._rules.same_patches:
                return Obstacle.PATCHED
            if each.is_bytecode:
                return Obstacle.BYTECODE
        if each.named_for and interpreter.language_version not in each.named_for:
            return Obstacle.NAMED_FOR_ANOTHER
        if each.is_pure and self._has_extensions:
            return Obstacle.EXTENSIONS_LEFT_OUT
        if each.is_pure:
            is_foreign = built_by not in (CPYTHON, interpreter.implementation)
        else:
            is_foreign = interpreter.implementation != CPYTHON
        return Obstacle.OTHER_IMPLEMENTATION if is_foreign else None

    def _other_sources(self, wheel: _Shelved) -> bool:
        """Whether records of the same build number name something else than its own."""
        return any(
            _given(each.inputs) != _given(wheel.inputs)
            for each in self._wheels
            if each.inputs and wheel.inputs and each.reference.build == wheel.reference.build
        )


def compared(served: Served, built: Sequence[WheelReference], *, strict: bool) -> Served:
    """`served` with how its wheel differs from that of `built` which is for its interpreter.

    With `strict` it is reused only where no more than noise differs. Raises UsageError,
    InvalidWheel, OSError.
    """
    wheel, accepted = served.wheel, _Accepted(served.interpreter)
    if wheel is None:
        return served
    release = (wheel.name, wheel.version)
    fitting = [
        each
        for each in built
        if (each.name, each.version) == release
        and accepted.has(each)
        # With itself it has nothing to differ in.
        and not Path(each.location).samefile(wheel.location)
    ]
    own = min(fitting, key=accepted.closeness, default=None)
    difference = None
    if own is not None:
        difference = compare_wheels(Path(wheel.location), Path(own.location))
    served = replace(served, is_compared=True, difference=difference)
    if not strict or (difference and not difference.content):
        return served
    differs = NotReused(filename=wheel.filename, obstacle=Obstacle.DIFFERS)
    return replace(served, wheel=None, not_reused=(*served.not_reused, differs))


def _shelved(
    reference: WheelReference, open_wheel: Callable[[WheelReference], Subject]
) -> _Shelved:
    try:
        subject = open_wheel(reference)
        inputs = subject.build_inputs
        if any(isinstance(each, RecordUnused) for each in subject.notes):
            # It may name patches.
            raise InvalidWheel(subject.filename, "its record of build inputs cannot be used")
        return _Shelved(
            reference=reference,
            subject=subject,
            is_pure=subject.fingerprint().is_purelib,
            inputs=inputs,
            named_for=frozenset(_named_pythons(subject)),
            # Of `__pycache__` nothing is imported without its source (PEP 3147).
            is_bytecode=any(
                path.endswith(".pyc") and "/__pycache__/" not in f"/{path}"
                for path in subject.paths
            ),
        )
    except (InterfaceFailed, InvalidWheel, OSError) as error:
        return _Shelved(reference=reference, wrong=str(error))


class _Accepted:
    """The tags that an interpreter accepts, in its order."""

    def __init__(self, interpreter: AskedInterpreter) -> None:
        self.interpreter = interpreter
        self._places = {tag: at for at, tag in enumerate(interpreter.tags)}

    def has(self, wheel: WheelReference) -> bool:
        """Whether a tag of its file name is one of them."""
        return not wheel.tags.isdisjoint(self._places)

    def names_platform(self, wheel: WheelReference) -> bool:
        """Whether one of those says for which platform its binaries are."""
        return any(tag.platform != "any" for tag in wheel.tags if tag in self._places)

    def closeness(self, wheel: WheelReference) -> tuple[int, int, str]:
        """Sort key: as installers prefer them, by tag, then the latest build (PEP 427)."""
        places = [self._places[tag] for tag in wheel.tags if tag in self._places]
        build = wheel.build[0] if wheel.build else -1
        return min(places, default=len(self._places)), -build, wheel.filename


def _named_pythons(subject: Subject) -> Iterator[str]:
    """The versions of Python that scripts and directories outside of packages are named for.

    Raises InvalidWheel where its entry points are malformed.
    """
    archive = subject.archive
    listed = f"{archive.dist_info}/entry_points.txt"
    table = entry_points(archive.read(listed)) if archive.has(listed) else {}
    if table is None:
        raise InvalidWheel(subject.filename, "its entry points are malformed")
    names = [name for section, name in table if section in _SCRIPTS]
    for path in subject.paths:
        inside = path.partition(".data/")[2].split("/")
        names += inside[1:] if inside[0] == "scripts" else filter(_PYTHON.fullmatch, inside)
    for name in names:
        if match := _NAMES_PYTHON.fullmatch(name):
            yield match[1]


def _given(inputs: BuildInputs) -> tuple[object, ...]:
    """What whoever built the wheel gave to the build."""
    return inputs.source, inputs.patches, inputs.config_settings


def _is_made_by(builder: Interpreter, interpreter: AskedInterpreter) -> bool:
    """Whether the wheel was built for this interpreter, whatever its micro version."""
    made_for = (builder.implementation, builder.language_version, "t" in builder.abi_flags)
    asked = (interpreter.implementation, interpreter.language_version, "t" in interpreter.flags)
    return made_for == asked


def _unmet(subject: Subject, interpreter: AskedInterpreter) -> str:
    """Requires-Python where the interpreter does not meet it, or where it cannot be understood."""
    stated = str(subject.archive.metadata.get("Requires-Python", "")).strip()
    try:
        # As installers ask: an alpha of 3.14 is one.
        is_met = SpecifierSet(stated).contains(Version(interpreter.version).base_version)
    except InvalidSpecifier:
        is_met = False
    return "" if is_met else stated


def _judged(subject: Subject, interpreter: AskedInterpreter, rules: ReuseRules) -> Judgement:
    """The judgement in a CPython and on its platform."""
    python = Python(version=interpreter.version, flags=interpreter.flags)
    judgement = judge_for_python(subject, python, level=rules.level, promises=rules.promises)
    fingerprint = subject.fingerprint()
    try:
        notes = tag_findings(subject, fingerprint)
        lacking = (*_lacking_of_platform(fingerprint, interpreter),)
    except InvalidRecord as error:
        return unreadable(subject.filename, str(error))
    if "t" in interpreter.flags:
        lacking += tuple(each for each in notes if isinstance(each, NoExportHook))
    return Judgement(
        verdict=Verdict.INVALID if lacking else judgement.verdict,
        bindings=judgement.bindings,
        general=tuple(dict.fromkeys((*lacking, *judgement.general, *notes))),
    )


def _lacking_of_platform(
    fingerprint: AbiFingerprint, interpreter: AskedInterpreter
) -> Iterator[Reason]:
    """What the interpreter's platform does not promise of what the binaries need.

    The tag of a wheel that was built for its own machine (`linux_x86_64`) says nothing of it.
    """
    floor = fingerprint.required(platform_floor.NAME)
    named = [each for each in interpreter.platforms if each.startswith(_LIBC_NAMED)]
    if floor is None:
        return
    needed = platform_floor.decode(floor.facts)
    here = [Tag("py3", "none", newest) for newest in named[:1]]
    yield from broken_platform_promises(here, needed)
    if not named and needed.libc not in (None, MUSL if "musl" in interpreter.soabi else None):
        # musl does not say that it is one, and a tag such as `linux_x86_64` not which it is for.
        yield OtherLibcPromised(tag=interpreter.platforms[0], libc=needed.libc or "")
