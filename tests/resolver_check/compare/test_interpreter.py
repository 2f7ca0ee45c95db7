"""A wheel against one CPython: tags, the stable ABI, and the two numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from packaging.tags import parse_tag

from backend_shim.record.build_machine import ImplementationVersion, Interpreter
from backend_shim.record.facts import Facts
from backend_shim.record.fingerprint import (
    AbiFingerprint,
    Basis,
    Generator,
    InterfaceFacts,
    UnreadObject,
)
from resolver_check.compare.interpreter import Python, judge_interpreter, python_of
from resolver_check.model import EvidenceLevel, Judgement, Verdict
from resolver_check.sources.series_file import shipped_promises
from tests.backend_shim.record.example_inputs import INPUTS

VALID, INVALID, UNKNOWN = Verdict
SUFFIX = ".cpython-314-x86_64-linux-gnu.so"


def _python(text: str) -> Python:
    version = text.removesuffix("t")
    series = shipped_promises().of("python", version)
    return Python(version=version, flags="t" * text.endswith("t"), series=series)


def _facts(*suffixes: str, **changed: Any) -> Facts:
    return Facts(
        {
            "extension_suffixes": suffixes,
            "export_hooks": ["PyInit"],
            "abi_flags": [],
            "versioned_libraries": [],
            "stable_abi": None,
            **changed,
        }
    )


def _stable(floor: str | None = None, *outside: str) -> dict[str, Any]:
    added = [{"version": floor, "symbols": ["PyNew"]}] if floor else []
    return {"added": added, "outside": list(outside)}


def _judge(
    tag: str,
    facts: Facts | None,
    python: str,
    built: str | None = None,
    *,
    level: EvidenceLevel = EvidenceLevel.PROMISED,
    **changed: Any,
) -> Judgement:
    consumer = AbiFingerprint(
        generator=Generator(),
        requires=()
        if facts is None
        else (InterfaceFacts(interface="cpython", basis=Basis.OBSERVED, facts=facts),),
        **{"is_purelib": False, **changed},
    )
    return judge_interpreter(
        consumer,
        parse_tag(tag),
        _python(python),
        _python(built) if built else None,
        level=level,
    )


def _kinds(judgement: Judgement) -> set[str]:
    return {reason.kind for _, reason in judgement.reasons}


@pytest.mark.parametrize(
    ("built", "python", "verdict", "kind"),
    [
        # From the first release candidate on nothing changes: there and back.
        ("3.14.0", "3.14.1", VALID, "series-fits"),
        ("3.14.3", "3.14.0", VALID, "series-fits"),
        ("3.14.0rc1", "3.14.2", VALID, "series-fits"),
        ("3.14.2", "3.14.0rc1", VALID, "series-fits"),
        # Before it every release may change anything: it fits itself.
        ("3.14.0b2", "3.14.0b2", VALID, "series-fits"),
        ("3.14.0b2", "3.14.0b3", UNKNOWN, "series-promises-nothing"),
        ("3.14.0b3", "3.14.0b2", UNKNOWN, "series-promises-nothing"),
        ("3.14.0b4", "3.14.0rc1", UNKNOWN, "series-promises-nothing"),
        ("3.14.0a1", "3.14.0", UNKNOWN, "series-promises-nothing"),
        ("3.14.0", "3.14.0b4", UNKNOWN, "series-promises-nothing"),
        (None, "3.14.0", UNKNOWN, "interpreter-unrecorded"),
    ],
)
def test_a_module_for_one_version_goes_by_the_two_numbers(
    built: str | None, python: str, verdict: Verdict, kind: str
) -> None:
    judgement = _judge("cp314-cp314-any", _facts(SUFFIX), python, built)
    assert judgement.verdict is verdict
    assert _kinds(judgement) == {kind}


def test_a_cpython_of_which_nothing_is_promised_fits_itself() -> None:
    facts = _facts(".cpython-399-darwin.so")
    assert _judge("cp399-cp399-any", facts, "3.99.0", "3.99.0").verdict is VALID
    assert _judge("cp399-cp399-any", facts, "3.99.1", "3.99.0").verdict is UNKNOWN


@pytest.mark.parametrize("suffix", [".pypy39-pp73-x86_64-linux-gnu.so", ".gift.so", ".so"])
def test_what_no_interpreter_is_known_to_load_fits_no_other_one(suffix: str) -> None:
    judgement = _judge("py3-none-any", _facts(suffix), "3.14.0")
    assert judgement.verdict is UNKNOWN
    assert _kinds(judgement) == {"interpreter-unrecorded"}


@pytest.mark.parametrize(
    ("tag", "suffix", "python", "verdict", "kinds"),
    [
        ("cp314-cp314-any", SUFFIX, "3.13.0", INVALID, {"tags-refused", "modules-refused"}),
        ("cp314-cp314-any", SUFFIX, "3.14.0t", INVALID, {"tags-refused", "modules-refused"}),
        ("cp314-cp314t-any", SUFFIX, "3.14.0t", INVALID, {"modules-refused"}),
        ("cp314-cp314-any", ".cpython-313-darwin.so", "3.14.0", INVALID, {"modules-refused"}),
    ],
)
def test_another_python_is_refused(
    tag: str, suffix: str, python: str, verdict: Verdict, kinds: set[str]
) -> None:
    judgement = _judge(tag, _facts(suffix), python, "3.14.0")
    assert judgement.verdict is verdict
    assert kinds <= _kinds(judgement)


@pytest.mark.parametrize(
    ("tag", "floor", "python", "built", "verdict", "kind"),
    [
        ("cp38-abi3-any", "3.7", "3.14.0", None, VALID, "stable-abi-kept"),
        ("cp38-abi3-any", "3.7", "3.15.0a1", None, VALID, "stable-abi-kept"),
        ("cp38-abi3-any", "3.7", "3.15.0a1", "3.14.0", VALID, "stable-abi-kept"),
        ("cp38-abi3-any", "3.11", "3.10.0", None, INVALID, "stable-abi-too-new"),
        ("cp38-abi3-any", "3.7", "3.7.0", None, INVALID, "tags-refused"),
        # The stable ABI of a version is settled with that version.
        ("cp315-abi3-any", "3.15", "3.15.0", None, VALID, "stable-abi-kept"),
        ("cp315-abi3-any", "3.15", "3.15.0b1", None, UNKNOWN, "interpreter-unrecorded"),
        ("cp315-abi3-any", "3.15", "3.15.0b1", "3.15.0b1", VALID, "series-fits"),
        ("cp315-abi3-any", "3.15", "3.15.0", "3.15.0b1", UNKNOWN, "series-promises-nothing"),
        ("cp315-abi3-any", None, "3.15.0", "3.15.0a2", UNKNOWN, "series-promises-nothing"),
        # Not that of free-threaded builds, unless it says so.
        ("cp38-abi3-any", "3.7", "3.14.0t", None, INVALID, "tags-refused"),
        ("py3-none-any", "3.7", "3.14.0t", None, UNKNOWN, "interpreter-unrecorded"),
    ],
)
def test_the_stable_abi_is_a_promise(
    tag: str, floor: str | None, python: str, built: str | None, verdict: Verdict, kind: str
) -> None:
    judgement = _judge(tag, _facts(".so", stable_abi=_stable(floor)), python, built)
    assert judgement.verdict is verdict
    assert kind in _kinds(judgement)
    proven = _judge(
        tag, _facts(".so", stable_abi=_stable(floor)), python, built, level=EvidenceLevel.PROVEN
    )
    assert proven.verdict is not VALID


@pytest.mark.parametrize(
    ("tag", "suffix", "kind"),
    [
        ("cp314-abi3-any", ".so", "stable-abi-kept"),
        ("py3-none-any", ".abi3.so", "stable-abi-kept"),
        ("cp314-cp314-any", ".so", "interpreter-unrecorded"),
        ("py3-none-any", ".pyd", "interpreter-unrecorded"),
    ],
)
def test_symbols_of_the_stable_abi_alone_promise_nothing(tag: str, suffix: str, kind: str) -> None:
    """Macros that read structs leave no symbol: only a name says that they were not used."""
    judgement = _judge(tag, _facts(suffix, stable_abi=_stable("3.7")), "3.14.0")
    assert _kinds(judgement) == {kind}


def test_whoever_leaves_the_stable_abi_goes_by_the_two_numbers() -> None:
    facts = _facts(".abi3.so", stable_abi=_stable("3.7", "_PyRuntime"))
    assert _judge("cp38-abi3-any", facts, "3.14.0").verdict is UNKNOWN
    assert _judge("cp38-abi3-any", facts, "3.14.0", "3.14.1").verdict is VALID
    assert _judge("cp38-abi3-any", facts, "3.14.0", "3.13.1").verdict is UNKNOWN
    assert _judge("cp38-abi3-any", facts, "3.13.0", "3.14.1").verdict is UNKNOWN
    library = _facts(".pyd", stable_abi=_stable("3.7"), versioned_libraries=["python313.dll"])
    assert _judge("cp38-abi3-any", library, "3.14.0").verdict is UNKNOWN


@pytest.mark.parametrize("tag", ["py3-none-any", "cp314-cp314t-any"])
def test_another_build_of_the_same_version_is_not_the_same(tag: str) -> None:
    facts = _facts(".so", stable_abi=_stable("3.7"))
    assert _judge(tag, facts, "3.14.0t", "3.14.0t").verdict is VALID
    judgement = _judge(tag, facts, "3.14.0t", "3.14.0")
    assert judgement.verdict is UNKNOWN
    assert _kinds(judgement) == {"build-differs"}


def test_one_module_for_one_version_beside_others_of_the_stable_abi() -> None:
    facts = _facts(".abi3.so", SUFFIX, stable_abi=_stable("3.7"))
    judgement = _judge("cp314-abi3-any", facts, "3.14.0")
    assert _kinds(judgement) == {"stable-abi-kept", "interpreter-unrecorded"}
    assert judgement.verdict is UNKNOWN


def test_what_does_not_call_the_interpreter() -> None:
    assert _kinds(_judge("py3-none-any", None, "3.14.0", is_purelib=True)) == {"pure"}
    assert _judge("py3-none-any", None, "3.14.0").verdict is VALID
    assert _judge("py2-none-any", None, "3.14.0", is_purelib=True).verdict is INVALID
    unread = (UnreadObject(path="a.so", why="is cut short"),)
    assert _judge("py3-none-any", None, "3.14.0", unread=unread).verdict is UNKNOWN
    stable = _facts(".abi3.so", stable_abi=_stable("3.7"))
    assert _judge("cp38-abi3-any", stable, "3.14.0", unread=unread).verdict is UNKNOWN


@pytest.mark.parametrize(
    ("release", "flags", "python"),
    [
        (("alpha", 2), (), Python(version="3.14.0a2")),
        (("beta", 1), ("t",), Python(version="3.14.0b1", flags="t")),
        (("candidate", 3), ("d",), Python(version="3.14.0rc3", flags="d")),
        (("final", 0), (), Python(version="3.14.0")),
        (("someday", 0), (), None),
    ],
)
def test_the_python_of_a_build(
    release: tuple[str, int], flags: tuple[str, ...], python: Python | None
) -> None:
    level, serial = release
    interpreter: Interpreter = dataclasses.replace(
        INPUTS.interpreter,
        abi_flags=flags,
        implementation_version=ImplementationVersion(
            major=3, minor=14, micro=0, releaselevel=level, serial=serial
        ),
    )
    assert python_of(interpreter) == python
    assert python_of(dataclasses.replace(interpreter, implementation="pypy")) is None


@pytest.mark.parametrize(
    ("version", "is_frozen"),
    [("3.10.0rc1", True), ("3.10.0b4", False), ("3.10.14", True), ("3.15.0a7", False),
     ("3.15.0rc1", True), ("3.15.3", True), ("3.99.0", False)],
)  # fmt: skip
def test_the_abi_is_frozen_from_the_first_release_candidate(version: str, is_frozen: bool) -> None:
    series = _python(version).series
    assert bool(series) is is_frozen
    if series:
        minor = ".".join(version.split(".")[:2])
        assert series[0].last_change == series[0].last_addition == f"{minor}.0rc1"
        assert not series[0].is_exact
