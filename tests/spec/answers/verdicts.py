"""Answers about verdicts: bindings judged, and wheels judged by what their records say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from backend_shim.interfaces.import_name import binding_names
from backend_shim.interfaces.reasons import Binding, Effect, Evidence, Reason
from backend_shim.interfaces.table import INTERFACES
from backend_shim.record.build_inputs import BuildInputs, BuildRequirement
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import (
    AbiFingerprint,
    Basis,
    Generator,
    InterfaceFacts,
    ObjectRecord,
    UnreadObject,
)
from backend_shim.record.read_set import Capture, read_read_files
from backend_shim.wheel.archive import WheelArchive
from resolver_check.check import Bump, judge
from resolver_check.compare.judgement import verdict_of
from resolver_check.errors import UsageError
from resolver_check.model import EvidenceLevel
from resolver_check.plan import without_new_wheel
from resolver_check.plan_model import RequestedBump
from resolver_check.removal import Removal, judge_removal
from resolver_check.scan.subject import Subject, Unopened
from resolver_check.sources.published_record import PublishedRecord
from tests.backend_shim.record.example_inputs import INPUTS
from tests.spec.answers.loop import Failure, bytes_of
from tests.spec.answers.plans import TARGET
from tests.support.wheel_factory import make_wheel

# Bindings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said(Reason):
    """A reason as a vector gives it; its effect and its evidence are all that a verdict asks."""

    effect: Effect  # type: ignore[misc]
    evidence: Evidence | None  # type: ignore[misc]


def _reason(given: Mapping[str, Any]) -> _Said:
    evidence = given.get("evidence")
    return _Said(
        effect=Effect(given["effect"]), evidence=None if evidence is None else Evidence(evidence)
    )


def judge_bindings(given: Any) -> Any:
    """The verdict that reasons make at a level."""
    bindings = [
        Binding(interface="of-the-vector", reasons=tuple(map(_reason, reasons)))
        for reasons in given["bindings"]
    ]
    general = tuple(map(_reason, given["general"]))
    return {"verdict": verdict_of(bindings, general, EvidenceLevel(given["level"])).value}


# Wheels

_OBJECT = ObjectRecord(
    path="module.cpython-311-x86_64-linux-gnu.so",
    digest=None,
    size=0,
    crc32=0,
    format="elf",
    machine="x86_64",
    kind="extension-module",
    is_grafted=False,
    soname=None,
    needed=(),
    run_path=(),
    version_needs=(),
    exported=0,
    imported=0,
)
# What stands in for the binaries in the wheel: who has to read them finds that it cannot.
_UNREADABLE = {_OBJECT.path: b"\x7fELF" + bytes(60)}


def judge_wheels(given: Any) -> Any:
    """The verdict on one wheel when a provider goes from one wheel to another, or goes."""
    level = EvidenceLevel(given["level"])
    old, new = given["provider"]["old"], given["provider"]["new"]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        consumer = stack.enter_context(_subject(given["consumer"], directory))
        before = old and stack.enter_context(_subject(old, directory))
        if new is None:
            unchanged = Bump(before, before) if before else None
            name = canonicalize_name(given["provider"]["name"])
            gone = Removal(name, unchanged, TARGET)
            judgement = judge_removal(consumer, gone, level=level)
        elif "wheel" not in new:
            name = canonicalize_name(given["provider"]["name"])
            request = RequestedBump(name=name, new=Version(new["version"]))
            judgement = without_new_wheel(consumer, request)
        else:
            try:
                bump = Bump(before, stack.enter_context(_subject(new, directory)))
                judgement = judge(consumer, bump, level=level, strict=given.get("strict", False))
            except UsageError as error:
                raise Failure("provider", str(error)) from error
    return {"verdict": judgement.verdict.value}


@contextmanager
def _subject(wheel: Mapping[str, Any], directory: Path) -> Iterator[Subject]:
    """The wheel whose records are what the vector says; its binaries cannot be read."""
    name, version, tag = wheel["wheel"].removesuffix(".whl").split("-", 2)
    requirements = tuple(wheel.get("requires_dist", ()))
    fingerprint = _fingerprint(wheel)
    files = {path: bytes_of(data) for path, data in wheel.get("files", {}).items()}
    files |= {} if fingerprint.is_purelib else _UNREADABLE
    path = make_wheel(
        directory, name=name, version=version, tag=tag, files=files, requires=requirements
    )
    is_derived = wheel.get("basis") == "derived"
    record = PublishedRecord(
        name=name,
        version=version,
        requirements=requirements,
        binding_names=binding_names(files.keys() - _UNREADABLE.keys()),
        modules=None,
        recorded=None if is_derived else fingerprint,
        derived=fingerprint if is_derived else None,
        build_inputs=_build_inputs(wheel["build"]) if wheel.get("build") else None,
    )
    with WheelArchive.open(path) as archive:
        yield Subject(
            Unopened(filename=wheel["wheel"], record=record, open=lambda: archive), lambda: archive
        )


def _fingerprint(wheel: Mapping[str, Any]) -> AbiFingerprint:
    is_purelib = wheel.get("is_purelib", False)
    return AbiFingerprint(
        generator=Generator(),
        is_purelib=is_purelib,
        interfaces=tuple(wheel.get("interfaces", sorted(each.name for each in INTERFACES))),
        objects=() if is_purelib else (_OBJECT,),
        unread=tuple(
            UnreadObject(path=path, why="of the vector") for path in wheel.get("unread", ())
        ),
        provides=_facts(wheel.get("provides", {})),
        requires=_facts(wheel.get("requires", {})),
        series=_facts(wheel.get("series", {}), Basis.DECLARED),
    )


def _facts(table: Mapping[str, Any], basis: Basis = Basis.OBSERVED) -> tuple[InterfaceFacts, ...]:
    return tuple(
        InterfaceFacts(interface=name, basis=basis, facts=Facts(table[name]))
        for name in sorted(table)
    )


def _build_inputs(build: Mapping[str, Any]) -> BuildInputs:
    is_complete = build["complete"]
    capture = Capture(
        method="inotify",
        is_complete=is_complete,
        why_incomplete=() if is_complete else ("overflow",),
    )
    requirements = tuple(
        BuildRequirement(
            name=name,
            version=each["version"],
            digests=(),
            is_editable=each.get("editable", False),
            read=read_read_files(each.get("read", {}), "$"),
        )
        for name, each in sorted(build["requirements"].items())
    )
    return replace(INPUTS, requirements=requirements, capture=capture)
